"""From stored events to requests: chosen, changed, aimed, signed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ...rules.conduct.schedules import Schedule, with_attempt
from ...rules.outgoing import parse_target, replay_of, without_credentials
from ...rules.replaying.edit import event_edited, parts_of, with_parts
from ...rules.replaying.edits import Edits
from ...rules.replaying.newid import with_new_id
from ...rules.replaying.plan import Earlier
from ...rules.replaying.shift import delta_of, shifted
from ...words.errors import NothingMatched, WrongUsage
from ...words.event import Delivery, Event, Outgoing
from ..events import Source
from ..keyring import Keyring
from .checkout import revision

NO_EDITS = Edits()


class Chosen:
    """The events of a replay: their numbers, or the events themselves where they come from files.

    Stored events are read when they are sent, so that ten thousand of them cost no memory.
    """

    def __init__(self, source: Source, references: Sequence[str], more: Sequence[int | Event] = ()) -> None:
        self._source = source
        self._items: list[int | Event] = [
            event.id or event for event in source.events(references) if event.id not in more
        ] + list(more)
        self._last: tuple[int, Event] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def event(self, index: int) -> Event:
        """The event at a place; the last one is remembered, since copies follow each other."""
        item = self._items[index]
        if isinstance(item, Event):
            return item
        if self._last is None or self._last[0] != index:
            event = self._source.store.event(item)
            if event is None:
                raise NothingMatched(
                    f"event #{item} was removed meanwhile", next="whcli list        shows what is there"
                )
            self._last = (index, event)
        return self._last[1]

    def name(self, index: int) -> str:
        """`#42`, or the uid of an event from a file."""
        item = self._items[index]
        return item.uid if isinstance(item, Event) else f"#{item}"

    @property
    def arrivals(self) -> list[float]:
        """When each arrived, in unix seconds."""
        return [self.event(index).received_at for index in range(len(self))]


@dataclass(frozen=True, slots=True, kw_only=True)
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
        self._commit = revision()
        self.chosen = chosen
        self.remote: Collection[str] = ()  # origins that are not this machine: credentials stay behind

    def changed(self, event: Event, now: float, id_token: str | None) -> tuple[Event, tuple[str, ...]]:
        """The event with edits, shifted times and an id made of a token, and the words for them."""
        asked = self._changes
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
        if self._changes.edits != NO_EDITS or self._changes.shifts:
            for index in range(len(self.chosen)):
                self.changed(self.chosen.event(index), time.time(), None)

    @property
    def one_target(self) -> bool:
        """Whether all events go to the same place."""
        return self._changes.to is not None

    def aimed(self, event: Event) -> Outgoing:
        """The event as a request, not signed yet; raises WrongUsage when there is nowhere to send it."""
        asked = self._changes
        if asked.to is not None:
            return replay_of(event, asked.to, exact=asked.exact)
        last = self.last_delivery(event)
        if last is not None:
            return replay_of(event, last.url, exact=True)
        if asked.fallback is not None:
            return replay_of(event, asked.fallback, exact=asked.exact)
        raise WrongUsage(f"event #{event.id} was never delivered, so there is no target", next="add --to URL")

    def last_delivery(self, event: Event) -> Delivery | None:
        """What came of the event when it was sent last."""
        deliveries = self._source.store.deliveries(event.id) if event.id else ()
        return deliveries[-1] if deliveries else None

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
        outgoing = self.aimed(event)
        if self.remote and parse_target(outgoing.url).origin in self.remote:
            outgoing = without_credentials(outgoing)
        if schedule is not None:
            last, began = earlier or (None, now)
            outgoing = replace(outgoing, headers=with_attempt(schedule, outgoing.headers, attempt, last, began))
        outgoing = replace(outgoing, changes=(*told, *outgoing.changes))
        if not self._changes.sign:
            return outgoing
        return self._keyring.resign(event, outgoing, scheme=self._changes.scheme, now=now, token=secrets.token_hex(16))

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries with their events, where these are in the store, and the commit that answered."""
        kept = [replace(delivery, revision=self._commit) for delivery in deliveries if delivery.event_id]
        if kept:
            self._source.store.add_deliveries(kept)
