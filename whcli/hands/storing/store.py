"""The one way to a project's events: captured requests, what was worked out from them, and deliveries.

`database.py` has the transactions, `finding.py` what is asked of arrival numbers, `rows.py` how records stand in the
tables.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...words.errors import NothingMatched
from ...words.event import Arrival, Delivery, Difference, Entry, Event, Facts, Outcome
from ...words.fixture import Fixture
from ...words.secret import Secret
from .finding import Finding
from .opening import DAMAGED, damaged, explained, whole
from .private import FILE
from .rows import (
    ENTRY,
    EVENT,
    delete,
    delivery_of,
    event_of,
    fields_of,
    insert,
    insert_deliveries,
    insert_delivery,
    insert_event,
    insert_facts,
    insert_fixture,
    outcome_of,
)

if TYPE_CHECKING:
    from ...rules.match import Filter
    from .index import Index

MANY = 20_000  # events that go at once, above which the index of words is made again
ONCE = 100  # events that are deleted in one transaction: an acknowledgement may have to wait for it


class Store(Finding):
    """An open store: `with Store(".whcli") as store: store.event(1)`.

    `folder` is the `.whcli` folder. With `create` a missing store is made, else NothingMatched is raised. `holder` is
    True for the one process that holds the listener's lock, and so may checkpoint. Every failure of the database is
    raised as StoreFailed. One Store serves one thread at a time.
    """

    # -- writing ----------------------------------------------------------------------------------------------------

    def add(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Commit requests in one transaction; their arrival numbers, in order."""
        with self.writing() as db:
            return insert(db, arrivals)

    def add_event(self, event: Event) -> int:
        """Commit an event that was read from a file, under its own uid; its arrival number here."""
        with self.writing() as db:
            return insert_event(db, event)

    def add_fixture(self, fixture: Fixture, facts: Facts) -> tuple[int, bool]:
        """Commit what was read from a file, under its own uid, and what was worked out from it.

        Its arrival number here, and whether it is new: an event whose uid is there already is left as it is. While a
        listener has yet to work on earlier events it works on this one too: facts are kept in order of arrival.
        """
        with self.writing() as db:
            there = db.execute("SELECT id FROM events WHERE uid = ?", (fixture.event.uid,)).fetchone()
            if there:
                return int(there[0]), False
            in_order = self.noted_until() == self.last_id()
            event = replace(fixture.event, id=insert_event(db, fixture.event))
            if in_order:
                insert_facts(db, [(event, facts)])
            if fixture.fields or fixture.redacted:
                insert_fixture(db, event.id, fixture)
            return event.id, True

    def fixture(self, event: Event) -> Fixture:
        """An event with what its file said beside it, if it came from one."""
        row = next(iter(self._rows("SELECT redacted, fields FROM fixtures WHERE event_id = ?", (event.id,))), None)
        if row is None:
            return Fixture(event=event)
        with whole(self.path, event.id):
            return Fixture(event=event, redacted=bool(row[0]), fields=fields_of(row[1]))

    def note(self, facts: Iterable[tuple[Event, Facts]]) -> None:
        """Keep what was worked out from events, in one transaction.

        In order of arrival: where facts are kept of an event, filters take it that they are of those before it.
        """
        with self.writing() as db:
            insert_facts(db, facts)

    def add_deliveries(self, deliveries: Iterable[Delivery], *, durable: bool = True) -> None:
        """Keep deliveries and their replies, in one transaction; see `writing`."""
        with self.writing(durable=durable) as db:
            insert_deliveries(db, deliveries)

    def add_delivery(self, delivery: Delivery) -> int:
        """Keep a delivery and its reply; its number."""
        with self.writing() as db:
            return insert_delivery(db, delivery)

    def begin_listen(self, started_at: float, pid: int, url: str) -> int:
        """Record that a listener begins (unix seconds UTC); the newest arrival number at that moment.

        The disk is not waited for: this is of use once an event has come, and the commit of that takes it along.
        """
        with self.writing(durable=False) as db:
            number = int(db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0])
            values = (number, started_at, pid, url)
            db.execute("INSERT INTO listens (started_after, started_at, pid, url) VALUES (?, ?, ?, ?)", values)
        return number

    def remove(self, ids: Sequence[int]) -> int:
        """Delete events with all that belongs to them; how many there were.

        It takes short transactions with pauses between, so that a listener beside us gets its turns.
        """
        removed = 0
        if len(ids) > MANY:
            from .index import forget_all

            forget_all(self.folder)
        for start in range(0, len(ids), ONCE):
            began = time.monotonic()
            with self.leaving(ids[start : start + ONCE]), self.writing() as db:
                removed += delete(db, ids[start : start + ONCE])
            if start + ONCE < len(ids):
                time.sleep(time.monotonic() - began)
        return removed

    def leaving(self, ids: Sequence[int]) -> AbstractContextManager[None]:
        """Events that are removed within are taken out of the index of words."""
        from .index import leaving

        return leaving(self.folder, self._reading, ids)

    def reindex(self, index: Index, until: int, most: int = 500) -> int:
        """Let the index of words take the next events, up to an arrival number and `most`; how many there were."""
        return index.take(self._reading, until, most)

    # -- reading ----------------------------------------------------------------------------------------------------

    def event(self, id: int) -> Event | None:
        """One event, with its bytes."""
        return next(self.events(id - 1, 1, until=id), None)

    def events(self, after: int, limit: int, until: int | None = None, *, most: int = sys.maxsize) -> Generator[Event]:
        """Events by arrival number, from behind a cursor, read one at a time: bodies can be large.

        A body of more than `most` bytes is left in the store, and its event says how many are `unread`; but up to HELD
        bytes are always read.
        """
        with explained(self.path):
            rows = self._db.execute(
                f"SELECT {EVENT} FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",  # noqa: S608
                (after, until if until is not None else sys.maxsize, limit),
            )
            for row in rows:
                try:  # as `whole` does, for no more than the read: here thousands are read at a time
                    event = event_of(row, self._db, most)
                except DAMAGED:
                    raise damaged(self.path, row[0]) from None
                yield event

    def page(self, ids: Sequence[int], most: int) -> dict[int, Event]:
        """The events with these arrival numbers that are there, in order; no more once `most` bytes have been read."""
        found: dict[int, Event] = {}
        dense = list(ids) == list(range(ids[0], ids[0] + len(ids)))  # then one walk reads them
        with closing(self.events(ids[0] - 1, len(ids), until=ids[-1]) if dense else self._each(ids)) as rows:
            for event in rows:
                found[event.id] = event
                most -= len(event.body)
                if most <= 0:
                    break
        return found

    def _each(self, ids: Sequence[int]) -> Generator[Event]:
        for id in ids:
            yield from self.events(id - 1, 1, until=id)

    def entry(self, id: int) -> Entry | None:
        """One line of the listing."""
        row = next(iter(self._rows(ENTRY + " WHERE e.id = ?", (id,))), None)
        return self._reading.entry(row) if row else None

    def entries(
        self,
        wanted: Filter | None = None,
        *,
        after: int = 0,
        until: int | None = None,
        newest: bool = False,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """The entries that match, by arrival number, behind `after` and up to `until`; `newest` walks from the end.

        Reads a page at a time.
        """
        from ...rules.match import Filter  # a listener only writes
        from .listing import Listing

        last = sys.maxsize if until is None else until
        yield from Listing(self._reading, self.folder, wanted or Filter(), newest=newest).entries(after, last, limit)

    def deliveries(self, event_id: int) -> tuple[Delivery, ...]:
        """All deliveries of an event, oldest first."""
        rows = self._rows(
            "SELECT id, kind, sent_at, method, url, attempt, latency, signed, failure, error, revision, status, reason,"
            " truncated, body, headers FROM deliveries WHERE event_id = ? ORDER BY id",
            (event_id,),
        )
        with whole(self.path, event_id):
            return tuple(delivery_of(event_id, row[:15], row[15]) for row in rows)

    def last_outcomes(self, event_ids: Sequence[int]) -> dict[int, Outcome]:
        """What came of the last delivery of each of these events that was ever delivered."""
        marks = ", ".join("?" * len(event_ids))
        rows = self._rows(
            "SELECT event_id, url, status FROM deliveries WHERE id IN"  # noqa: S608
            f" (SELECT max(id) FROM deliveries WHERE event_id IN ({marks}) GROUP BY event_id)",
            event_ids,
        )
        event_id, found = 0, dict[int, Outcome]()
        with whole(self.path, lambda: event_id):
            for event_id, url, status in rows:
                found[event_id] = outcome_of(url, status)
        return found

    def kept_secrets(self) -> dict[tuple[str, str], list[Secret]]:
        """The secrets that arrived in handshakes, by scheme and path, the newest first."""
        kept: dict[tuple[str, str], list[Secret]] = {}
        for scheme, path, value in self._rows("SELECT scheme, path, value FROM kept_secrets ORDER BY id DESC"):
            kept.setdefault((scheme, path), []).append(Secret(value=value, label=f"the handshake at {path}"))
        return kept

    def differences(self, wanted: Filter, entry: Entry) -> tuple[Difference, ...]:
        """Where an entry differs from a filter; raises NothingMatched when its event is needed and gone."""
        from ...rules.match import differences

        def load() -> Event:
            event = self.event(entry.id)
            if event is None:
                raise NothingMatched(f"event #{entry.id} was removed meanwhile", next="whcli list")
            return event

        return differences(wanted, entry, load)


def kept_in(folder: Path) -> Callable[[str, str], Sequence[Secret]]:
    """The secrets kept from handshakes in a store, all read when first asked for; none where there is no store."""

    @cache
    def everything() -> dict[tuple[str, str], list[Secret]]:
        if not (folder / FILE).exists():
            return {}
        with Store(folder) as store:
            return store.kept_secrets()

    return lambda scheme, path: everything().get((scheme, path), ())


def newest_in(folder: Path) -> int:
    """The newest arrival number in a store, 0 where there is none: the cursor behind which all that comes counts."""
    try:
        with Store(folder) as store:
            return store.last_id()
    except NothingMatched:
        return 0
