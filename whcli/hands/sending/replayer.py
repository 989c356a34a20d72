"""From stored events to requests: chosen, changed, aimed, signed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from ...rules.conduct.schedules import Schedule, with_attempt
from ...rules.outgoing import replay_of, without_credentials
from ...rules.replaying.edit import event_edited, parts_of, with_parts
from ...rules.replaying.edits import Edits
from ...rules.replaying.newid import with_new_id
from ...rules.replaying.plan import Earlier
from ...rules.replaying.shift import delta_of, shifted
from ...rules.target import parse_target
from ...rules.text import safe
from ...words.errors import NothingMatched, WrongUsage
from ...words.event import Delivery, Event, Outcome, Outgoing
from ...words.record import record
from ..events import Source
from ..keyring import Keyring
from .checkout import revision

NO_EDITS = Edits()

PAGE = 64  # stored events read at a time
PAGE_BYTES = 4 << 20  # bytes of bodies after which a page ends early


class Removed(NothingMatched):
    """An event was there when the replay began, and is not any more."""

    default_code = "removed"

    def __init__(self, id: int) -> None:
        super().__init__(f"event #{id} was removed meanwhile", next="whcli list        shows what is there")


class Page(NamedTuple):
    """Some stored events, by arrival number."""

    events: dict[int, Event]
    last: dict[int, Outcome]  # of those that were sent before


class Chosen:
    """The events of a replay: their numbers, or the events themselves where they come from files.

    Stored events are read when they are sent, so that ten thousand of them cost no memory; a page at a time, so that
    they cost little time.
    """

    def __init__(self, source: Source, references: Sequence[str], more: Sequence[int | Event] = ()) -> None:
        self._source = source
        filtered = frozenset(item for item in more if isinstance(item, int))
        items = (item for item in source.items(references) if item not in filtered)
        self._items: list[int | Event] = [*items, *more]
        self._order: list[int] = []  # arrival numbers as they will be asked for
        self._read = 0  # how many of them have been read
        self._page = Page({}, {})
        self._aside = Page({}, {})  # one event out of that order

    def __len__(self) -> int:
        return len(self._items)

    def in_order(self, indexes: Iterable[int]) -> None:
        """In which order the events will be asked for, from now on: pages hold what comes next, as it now stands."""
        items = (self._items[index] for index in dict.fromkeys(indexes))
        self._page = self._aside = Page({}, {})
        self._order, self._read = [item for item in items if isinstance(item, int)], 0

    def event(self, index: int) -> Event:
        """The event at a place; raises Removed when it is gone."""
        item = self._items[index]
        return item if isinstance(item, Event) else self._page_with(item).events[item]

    def last_outcome(self, index: int) -> Outcome | None:
        """What came of the event at a place when it was sent last; raises Removed when that is gone."""
        item = self._items[index]
        if isinstance(item, int):
            return self._page_with(item).last.get(item)
        return self._source.store.last_outcomes([item.id]).get(item.id) if item.id else None

    def id(self, index: int) -> int:
        """The arrival number of the event at a place; 0 where it comes from a file."""
        item = self._items[index]
        return item if isinstance(item, int) else item.id

    def _page_with(self, id: int) -> Page:
        """The page that holds an event; the next one is read when it begins with it."""
        if id in self._page.events:
            return self._page
        if self._order[self._read : self._read + 1] != [id]:  # a retry, or one that comes late
            if id not in self._aside.events:
                self._aside = self._turned([id])
            return self._aside
        ids = self._order[self._read : self._read + PAGE]
        self._read += 1  # should it be gone, the next page begins behind it
        self._page = self._turned(ids)
        self._read += ids.index(next(reversed(self._page.events)))
        return self._page

    def _turned(self, ids: list[int]) -> Page:
        """Read a page that begins with an event; raises Removed when that one is gone."""
        store = self._source.store
        page = Page(store.page(ids, PAGE_BYTES), store.last_outcomes(ids))
        if ids[0] not in page.events:
            raise Removed(ids[0])
        return page

    def name(self, index: int) -> str:
        """`#42`, or the uid of an event from a file."""
        item = self._items[index]
        return item.uid if isinstance(item, Event) else f"#{item}"

    @property
    def arrivals(self) -> list[float]:
        """When each arrived, in unix seconds."""
        self.in_order(range(len(self)))
        return [self.event(index).received_at for index in range(len(self))]


@record
class Changes:
    """What is changed on the way out."""

    to: str | None = None  # the target for all; None: where each was delivered last, else `fallback`
    fallback: str | None = None
    exact: bool = False
    edits: Edits = NO_EDITS
    shift: int | None = None  # see `shift.delta_of`
    shifts: bool = False
    sign: bool = True
    scheme: str | None = None  # forced


class Replayer:
    """Makes the requests of a replay and keeps what came of them."""

    def __init__(self, source: Source, chosen: Chosen, keyring: Keyring, changes: Changes) -> None:
        self._source = source
        self._keyring = keyring
        self._changes = changes
        self._changes_any = changes.edits != NO_EDITS or changes.shifts
        self.revision = revision()  # the commit whose handler answers
        self.chosen = chosen
        self.remote: Collection[str] = ()  # origins that are not this machine: credentials stay behind

    def changed(self, event: Event, now: float, id_token: str | None) -> tuple[Event, tuple[str, ...]]:
        """The event with edits, shifted times and an id made of a token, and the words for them."""
        asked = self._changes
        if not self._changes_any and id_token is None:
            return event, ()
        event, told = event_edited(event, asked.edits)
        parts = parts_of(event)
        if asked.shifts:
            delta = delta_of(asked.shift, event.received_at, now)
            parts, more = shifted(parts, delta, event.received_at)
            told += more
        if id_token is not None:
            facts = self._keyring.recognise(event)
            parts, more = with_new_id(parts, facts.provider, facts.delivery_id, id_token)
            told += more or ("no delivery id was found to make anew",)
        return with_parts(event, parts), told

    def try_changes(self) -> None:
        """Make every change once, for nothing: one that an event cannot take is told before anything is sent."""
        if self._changes_any:
            self.chosen.in_order(range(len(self.chosen)))
            for index in range(len(self.chosen)):
                with suppress(Removed):  # which is told when its turn has come
                    self.changed(self.chosen.event(index), time.time(), None)

    def targets(self) -> Iterator[tuple[int, Outgoing]]:
        """For a look at where all goes to: requests as `aimed`, with the events' places; one where it is the same."""
        for index in range(len(self.chosen)):
            with suppress(Removed):
                yield index, self.aimed(index, self.chosen.event(index))
                if self._changes.to is not None:
                    return

    def aimed(self, index: int, event: Event) -> Outgoing:
        """The event at a place, changed, as a request, not signed yet; raises WrongUsage when it has no target."""
        to, exact = self._aim(index, event)
        if self._changes.edits.path_given or self._changes.edits.query_given:
            require_open(to, exact, self._changes.edits)
        return replay_of(event, to, exact=exact)

    def _aim(self, index: int, event: Event) -> tuple[str, bool]:
        """The target, and whether it is taken as it stands."""
        asked = self._changes
        if asked.to is not None:
            return asked.to, asked.exact
        last = self.chosen.last_outcome(index)
        if last is not None:
            return last.url, True
        if asked.fallback is not None:
            return asked.fallback, asked.exact
        raise WrongUsage(f"event #{event.id} was never delivered, so there is no target", next="add --to URL")

    def outgoing(
        self,
        index: int,
        *,
        schedule: Schedule | None = None,
        attempt: int = 1,
        earlier: Earlier | None = None,
        id_token: str | None = None,
        now: float | None = None,
    ) -> Outgoing:
        """The request for an event as of `now` (unix seconds): changed, aimed, with its attempt's headers, signed."""
        now = time.time() if now is None else now
        event, told = self.changed(self.chosen.event(index), now, id_token)
        outgoing = self.aimed(index, event)
        if self.remote and parse_target(outgoing.url).origin in self.remote:
            outgoing = without_credentials(outgoing)
        if schedule is not None:
            last, began = earlier or (None, now)
            outgoing = replace(outgoing, headers=with_attempt(schedule, outgoing.headers, attempt, last, began))
        if told:
            outgoing = replace(outgoing, changes=(*told, *outgoing.changes))
        if not self._changes.sign:
            return outgoing
        return self._keyring.resign(event, outgoing, scheme=self._changes.scheme, now=now, token=secrets.token_hex(16))

    def record(self, deliveries: Sequence[Delivery], *, durable: bool = True) -> None:
        """Keep deliveries with their events, where these are in the store; see `Store.writing`."""
        kept = [delivery for delivery in deliveries if delivery.event_id]
        if kept:
            self._source.store.add_deliveries(kept, durable=durable)


def require_open(to: str, exact: bool, edits: Edits) -> None:
    """Raise WrongUsage when a path or a query that was asked for would give way to the target's own."""
    url = parse_target(to)
    for what, given, own in (
        ("path", edits.path_given, exact or url.path),
        ("query", edits.query_given, exact or url.query is not None),
    ):
        if given and own:
            why = "is taken as it stands" if exact else "has its own"
            message = f"the {what} cannot be changed: the target {safe(to)} {why}"
            raise WrongUsage(message, next=f"--to {url.origin}        takes the event's")
