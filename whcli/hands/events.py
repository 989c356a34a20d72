"""From references to events: the store, files and standard input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from weakref import finalize

from ..rules.match import Filter
from ..rules.near import did_you_mean
from ..rules.references import WORDS, Reference, reference_of
from ..words.errors import NothingMatched, WrongUsage
from ..words.event import Event
from ..words.fixture import Fixture
from .storing.store import Store

LOOKED_AT = 1000  # newest events among whose uids a wrong one is looked for


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
            finalize(self, self._store.close)  # at the end of the program at the latest: its log goes into the database
        return self._store

    def close(self) -> None:
        """Close the store, if it was opened."""
        if self._store is not None:
            self._store.close()

    @property
    def has_store(self) -> bool:
        """Whether there is a store to write to."""
        return self._store is not None or (self._folder / "store.db").exists()

    def kept_secrets(self, *events: Event) -> set[bytes]:
        """The secrets that came in handshakes at the paths of these events, in a body for example."""
        kept = self.store.kept_secrets() if self.has_store else {}
        paths = {event.path for event in events}
        return {secret.value for (_, path), secrets in kept.items() if path in paths for secret in secrets}

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
            if reference.kind in ("file", "stdin"):
                yield from (fixture.event for fixture in self._outside(reference))
            else:
                yield from self._inside(reference)

    def items(self, texts: Sequence[str]) -> Iterator[int | Event]:
        """As `events`, but those of the store by their numbers, unread."""
        for text in texts:
            reference = reference_of(text)
            if reference.kind in ("file", "stdin"):
                yield from (fixture.event for fixture in self._outside(reference))
            else:
                yield from self.ids(reference)

    def _inside(self, reference: Reference) -> Iterator[Event]:
        for id in self.ids(reference):
            event = self.store.event(id)
            if event is not None:  # removed since the numbers were read
                yield event

    def ids(self, reference: Reference) -> list[int]:
        """Arrival numbers of a reference into the store; raises NothingMatched when there are none."""
        found = self._ids(reference)
        if not found and reference.kind in ("all", "latest") and not self.store.last_id():
            raise NothingMatched(
                "the store holds no event yet", code="no_event", next="whcli listen        starts to capture"
            )
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

    def fixtures(self, texts: Sequence[str]) -> Iterator[tuple[Fixture, str | None]]:
        """As `events`, each with what else its file says of it; and the file's name without its end, if it holds one.

        An event of the store brings what the file said from which it was imported.
        """
        for text in texts:
            reference = reference_of(text)
            if reference.kind in ("file", "stdin"):
                found = list(self._outside(reference))
                alone = reference.kind == "file" and len(found) == 1
                yield from ((fixture, Path(text).stem if alone else None) for fixture in found)
            else:
                yield from ((self.store.fixture(event), None) for event in self._inside(reference))

    def _outside(self, reference: Reference) -> Iterator[Fixture]:
        from .given import Given

        given = Given(reference.text, "whcli show 1 --json | whcli replay - --to URL")
        yield from (read.fixture for read in given.requests())

    def matching(self, wanted: Filter) -> list[int]:
        """Arrival numbers of the events that match a filter, oldest first."""
        return [entry.id for entry in self.store.entries(wanted)]


def _only(text: str, ids: list[int]) -> list[int]:
    if len(ids) > 1:
        raise WrongUsage(f"'{text}' begins the uid of more than one event", next="write more of the uid")
    return ids


def missing(text: str, details: tuple[tuple[str, str], ...] = ()) -> NothingMatched:
    """The error for a reference that leads nowhere; `details` say what may have been meant."""
    return NothingMatched(
        f"there is no event {text}", code="no_event", details=details, next="whcli list        shows what is there"
    )
