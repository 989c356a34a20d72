"""Waiting for events: until enough of them match, from whatever process they come.

Events count by arrival number: those behind a cursor, in order, each looked at once, and not before its facts are
noted, so that no filter decides on half of them. A listener notes facts in order of arrival, some milliseconds after
the commit; while one runs, events beyond the last noted one are waited for. Where none runs, or it notes nothing for
PATIENCE seconds, events are recognised here.

A connection that is asked for `PRAGMA data_version` tells other connections' commits without reading a page: that is
what makes a look every TICK seconds cost next to nothing.
"""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ...rules.match import Filter, Miss, closest
from ...words.errors import NothingMatched
from ...words.event import Entry
from ..listening.lock import holder, is_held
from .private import FILE
from .store import Store

TICK = 0.03  # seconds between two looks at whether something was committed
SELDOM = 8  # looks between two at whether the store's file is still the same
PATIENCE = 3.0  # seconds that a running listener may note nothing before its events are recognised here
LOOKED_AT = 1000  # newest events among which near misses are found

Since = int | Literal["start", "now"]
"""Behind which arrival number events count: a cursor, the newest when the newest `listen` began, or the newest now."""


class Waited(NamedTuple):
    """What came of waiting."""

    entries: tuple[Entry, ...]  # those that match, by arrival number; no more than were asked for
    enough: bool  # they are as many as were asked for; where none were asked for: none came
    after: int | None  # the arrival number behind which events counted; None: no listener ever began
    cursor: int  # the arrival number up to which events were looked at
    misses: tuple[Miss, ...] = ()  # where they were not enough: the events that came closest, the closest first


def wait_for(
    folder: Path, wanted: Filter, *, count: int = 1, timeout: float | None = 30.0, since: Since = "start"
) -> Waited:
    """Wait until `count` events in the store of `folder` match, for `timeout` seconds (None for ever, 0 looks once).

    With a count of 0 it waits until the time is over, and no event may come: the first one ends it. The store need not
    exist yet. What was committed before the time was over counts, even where its facts came later. Raises StoreFailed.
    """
    until = None if timeout is None else time.monotonic() + timeout
    with Watch(folder) as watch:
        tally = Tally(watch, wanted, max(count, 1), since)
        while not tally.full and (left := _left(until)) > 0:
            tally.look()
            if not tally.full:
                time.sleep(min(TICK, left))
        tally.look_once_more()
        enough = tally.full == (count > 0) and tally.after is not None
        misses = tally.misses() if count > 0 and not enough else ()
        return Waited(tuple(tally.found), enough, tally.after, tally.cursor, misses)


def _left(until: float | None) -> float:
    """Seconds until then; TICK where there is no end."""
    return TICK if until is None else until - time.monotonic()


def settled(store: Store) -> int:
    """The newest arrival number, once the facts of all events up to it are noted.

    Ends early when no listener runs, or when one has noted nothing for PATIENCE seconds.
    """
    newest, noting = store.last_id(), Noting(store)
    while noting.ceiling() < newest:
        time.sleep(TICK)
    return newest


def near_misses(store: Store, wanted: Filter, after: int) -> tuple[Miss, ...]:
    """The events behind a cursor that came closest to a filter, the closest first."""
    misses: list[Miss] = []
    for entry in islice(store.entries(after=after, newest=True), LOOKED_AT):
        with suppress(NothingMatched):  # it was removed meanwhile
            misses.append(Miss(entry, store.differences(wanted, entry)))
    return closest(wanted, misses)


# -- a listener that answers ----------------------------------------------------------------------------------------


def answering(folder: Path, timeout: float | None) -> dict[str, Any] | None:
    """Wait for a listener on this store that takes connections; what it says of itself, or None when time is over."""
    from urllib.parse import urlsplit

    from ..places import answers

    until = None if timeout is None else time.monotonic() + timeout
    while True:
        about = holder(folder)
        url = urlsplit(str(about.get("url", "")))
        if url.hostname and answers(url.hostname, url.port or 80):
            return about
        if (left := _left(until)) <= 0:
            return None
        time.sleep(min(TICK, left))


# -- what is watched ------------------------------------------------------------------------------------------------


class Noting:
    """How far a store's events can be decided on: up to where their facts are noted, or all of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted = -1
        self._seen = 0.0  # time.monotonic() when it was first so many

    def ceiling(self) -> int:
        """The arrival number up to which events can be decided on now.

        The newest number is read before the lock is looked at: what came until then came from no listener that began
        in between.
        """
        newest, noted = self._store.last_id(), self._store.noted_until()
        if noted >= newest:
            self._noted = -1
            return newest
        if noted != self._noted:
            self._noted, self._seen = noted, time.monotonic()
        runs = is_held(self._store.folder) and time.monotonic() - self._seen < PATIENCE
        return noted if runs else newest


class Watch:
    """A store's folder, watched: the store as soon as there is one, and whether something was committed to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._identity: tuple[int, int] | None = None
        self._version: int | None = None
        self._looks = 0
        self.store: Store | None = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self.store is not None:
            self.store.close()
        self.store, self._version = None, None

    def changed(self) -> bool:
        """Whether another connection has committed since the last call.

        A folder that was deleted and made anew holds another store, which is opened in its turn.
        """
        if self.store is None or self._looks % SELDOM == 0:
            self._open()
        self._looks += 1
        version = self.store.version() if self.store else None
        changed, self._version = version != self._version, version
        return changed

    def _open(self) -> None:
        """Open the store where there is one, and it is not the one that is open."""
        identity = _identity(self._folder / FILE)
        if identity != self._identity or (identity and self.store is None):
            self._close()
            self._identity = identity
            with suppress(NothingMatched):  # there is none any more
                self.store = Store(self._folder)


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells this file from another of the same name."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Tally:
    """The events that match so far, and up to which arrival number was looked."""

    def __init__(self, watch: Watch, wanted: Filter, most: int, since: Since) -> None:
        watch.changed()
        self._watch = watch
        self._wanted = wanted
        self._most = most
        self._since = since
        self._store: Store | None = None
        self._noting: Noting | None = None
        self._behind = True  # there is more in the store than was looked at
        self.found: list[Entry] = []
        self.after = _resolved(since, watch.store)
        self.cursor = self.after or 0

    @property
    def full(self) -> bool:
        """Whether as many as wanted are there."""
        return len(self.found) >= self._most

    def look(self) -> None:
        """Look at what came since the last look, where anything was committed, and as far as its facts are noted."""
        if self._watch.changed() or self._behind:
            store, noting = self._begin()
            if store and noting and self.after is not None:
                self._walk(store, noting.ceiling())

    def look_once_more(self) -> None:
        """The time is over: what was committed by now counts, once its facts are noted."""
        self._behind = True
        if not self.full:
            self.look()
        if self._store and self._behind and self.after is not None and not self.full:
            self._walk(self._store, settled(self._store))

    def _begin(self) -> tuple[Store | None, Noting | None]:
        """The store and how far it is noted; where it is another one, or another listener began, count afresh."""
        store = self._watch.store
        if store is not self._store:
            if self._store is not None and self._since != "start":
                self._count_after(self._since if isinstance(self._since, int) else 0)
            self._store, self._noting = store, Noting(store) if store else None
        if self._since == "start" and (after := _resolved(self._since, store)) != self.after:
            self._count_after(after)
        return self._store, self._noting

    def _count_after(self, after: int | None) -> None:
        self.after, self.cursor = after, after or 0
        self.found.clear()

    def _walk(self, store: Store, ceiling: int) -> None:
        """Look at the events up to a number."""
        for entry in store.entries(self._wanted, after=self.cursor, until=ceiling):
            self.found.append(entry)
            self.cursor = entry.id
            if self.full:
                return
        self.cursor = max(self.cursor, ceiling)
        self._behind = store.last_id() > self.cursor

    def misses(self) -> tuple[Miss, ...]:
        """The events that came closest."""
        return near_misses(self._store, self._wanted, self.after) if self._store and self.after is not None else ()


def _resolved(since: Since, store: Store | None) -> int | None:
    """The arrival number behind which events count, as the store is now."""
    if isinstance(since, int):
        return since
    if store is None:
        return 0 if since == "now" else None
    return store.last_id() if since == "now" else store.listened_after()
