"""From references to events: the store, files and standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..rules.match import Filter
from ..rules.near import did_you_mean
from ..rules.references import WORDS, Reference, reference_of
from ..words.errors import NothingMatched, WrongUsage
from ..words.event import Event
from .storing.store import Store

LOOKED_AT = 1000  # newest events among whose uids a wrong one is looked for
LARGEST = 200 << 20  # bytes of a file that may hold events


class Source:
    """Where a command's events come from: a store, which need not exist while only files are named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The store, opened on first use; raises NothingMatched when there is none."""
        if self._store is None:
            self._store = Store(self._folder)
        return self._store

    def close(self) -> None:
        """Close the store, if it was opened."""
        if self._store is not None:
            self._store.close()

    @property
    def has_store(self) -> bool:
        """Whether there is a store to write to."""
        return self._store is not None or (self._folder / "store.db").exists()

    def one(self, text: str) -> Event:
        """The one event of a reference; raises when there is none or more."""
        events = list(self.events([text]))
        if len(events) != 1:
            raise WrongUsage(
                f"'{text}' names {len(events)} events; this command takes one", next="whcli list        shows them"
            )
        return events[0]

    def events(self, texts: Sequence[str]) -> Iterator[Event]:
        """All events of the references, in the order named; raises NothingMatched for one that leads nowhere."""
        for text in texts:
            reference = reference_of(text)
            yield from self._outside(reference) if reference.kind in ("file", "stdin") else self._inside(reference)

    def _inside(self, reference: Reference) -> Iterator[Event]:
        for id in self.ids(reference):
            event = self.store.event(id)
            if event is not None:  # removed since the numbers were read
                yield event

    def ids(self, reference: Reference) -> list[int]:
        """Arrival numbers of a reference into the store; raises NothingMatched when there are none."""
        found = self._ids(reference)
        if not found:
            raise missing(reference.text, self._hint(reference))
        return found

    def _hint(self, reference: Reference) -> tuple[tuple[str, str], ...]:
        """What may have been meant: a uid of one of the newest events, cut to the same length; the newest number."""
        if reference.kind in ("number", "range"):
            return (("the newest is", f"#{newest}"),) if (newest := self.store.last_id()) else ()
        if reference.kind != "uid":
            return ()
        length = len(reference.text)
        return did_you_mean(reference.text, [*WORDS, *(uid[:length] for uid in self.store.uids(LOOKED_AT))])

    def _ids(self, reference: Reference) -> list[int]:
        store = self.store
        if reference.kind == "number":
            return [reference.first] if store.has(reference.first) else []
        if reference.kind == "latest":
            newest = store.nth_newest(reference.first)
            return [] if newest is None else [newest]
        if reference.kind == "uid":
            return _only(reference.text, store.by_uid(reference.text))
        return store.ids(*((reference.first, reference.last) if reference.kind == "range" else (0, None)))

    def _outside(self, reference: Reference) -> Iterator[Event]:
        if reference.kind == "stdin":
            if sys.stdin.isatty():
                raise WrongUsage("standard input is a terminal", next="whcli show 1 --json | whcli replay - --to URL")
            data = sys.stdin.buffer.read(LARGEST)
        else:
            data = _file(Path(reference.text))
        from ..rules.archive.fixture import fixtures_in

        yield from (fixture.event for fixture in fixtures_in(data))

    def matching(self, wanted: Filter) -> list[int]:
        """Arrival numbers of the events that match a filter, oldest first."""
        return [entry.id for entry in self.store.entries(wanted)]


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise NothingMatched(
            f"the file {path} cannot be read: {error.strerror}", code="no_file", next=f"ls -l {path.parent}"
        ) from error


def _only(text: str, ids: list[int]) -> list[int]:
    if len(ids) > 1:
        raise WrongUsage(f"'{text}' begins the uid of more than one event", next="write more of the uid")
    return ids


def missing(text: str, details: tuple[tuple[str, str], ...] = ()) -> NothingMatched:
    """The error for a reference that leads nowhere; `details` say what may have been meant."""
    return NothingMatched(
        f"there is no event {text}", code="no_event", details=details, next="whcli list        shows what is there"
    )
