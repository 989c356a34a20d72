"""`--compare-to`: the same event for two handlers, and where their replies differ.

The first handler is asked twice with the very same bytes, once before and once after the second one: what differs then
is noise. The second gets the same bytes but for Host and signature.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...hands.sending.client import Client
from ...hands.sending.deliver import deliver, interrupted
from ...hands.sending.replayer import Removed
from ...rules.lines import outcome
from ...rules.masking import shown_url
from ...rules.replaying.replies_differ import replies_differ, reply_noise
from ...rules.target import parse_target
from ...rules.text import safe
from ...words.errors import Exit
from ...words.event import Delivery, Difference, Event, Outgoing
from ..trust import UNREACHABLE, Trust
from .account import missed_json, missed_line

if TYPE_CHECKING:
    from ...hands.render import Screen
    from ...hands.sending.replayer import Replayer
    from ...rules.replaying.plan import Plan, Step
    from .run import Manners


class Comparison:
    """A comparison from its first look at the targets to its exit code; the replayers aim at one handler each."""

    def __init__(
        self, screen: Screen, one: Replayer, other: Replayer, plan: Plan, manners: Manners, *, json: bool
    ) -> None:
        self._screen = screen
        self._one = one
        self._other = other
        self._plan = plan
        self._manners = manners
        self._json = json
        self._same = self._differing = self._gone = self._cut = 0
        self._unreachable = False

    async def go(self, trust: Trust) -> None:
        """Check changes and targets, then ask both about each event."""
        self._one.try_changes()
        async with self._manners.client() as client:
            for replayer in (self._one, self._other):
                await self._check(client, trust, replayer)
            await self._manners.clean()
            self._one.chosen.in_order(step.event for step in self._plan.run(1).steps)
            began = time.monotonic()
            for step in self._plan.run(1).steps:
                await asyncio.sleep(max(0.0, began + step.offset - time.monotonic()))
                await self._compare(client, step)

    async def _check(self, client: Client, trust: Trust, replayer: Replayer) -> None:
        """Look at every target before anything is sent; raises Unreachable for one whose name leads nowhere."""
        looked: dict[str, bool] = {}
        for _, outgoing in replayer.targets():
            self._manners.refuse(outgoing.url)
            origin = parse_target(outgoing.url).origin
            looked[origin] = looked.get(origin) or await trust.admit(client, outgoing, len(replayer.chosen))
        replayer.remote = [origin for origin, here in looked.items() if not here and not trust.sends_credentials]

    async def _compare(self, client: Client, step: Step) -> None:
        now = time.time()
        token = secrets.token_hex(16) if self._manners.new_id else None
        try:
            event = self._one.chosen.event(step.event)
            sides = [one.outgoing(step.event, now=now, id_token=token) for one in (self._one, self._other)]
        except Removed as gone:
            return self._miss(step, gone)
        one, other = sides
        deliveries = await self._asked(client, step, (one, other, one))
        once, there, again = deliveries
        noise = reply_noise(once, again)
        found = replies_differ(once, there, noise)
        self._count(deliveries, found)
        if self._json:
            self._screen.json(record_of(event, once, there, noise, found))
        else:
            self._show(step, one, once, there, noise, found)

    async def _asked(self, client: Client, step: Step, requests: Iterable[Outgoing]) -> list[Delivery]:
        """What came of each request, recorded; of the one that was under way when we were interrupted as well."""
        id, revision = self._one.chosen.id(step.event), self._one.revision
        deliveries: list[Delivery] = []
        try:
            for outgoing in requests:
                sent_at = time.time()
                deliveries.append(await deliver(client, id, outgoing, "replay", revision=revision))
        except asyncio.CancelledError:
            self._cut += 1
            deliveries.append(interrupted(id, outgoing, sent_at, 1, revision))
            raise
        finally:
            self._one.record(deliveries)
        return deliveries

    def _count(self, deliveries: list[Delivery], found: tuple[Difference, ...]) -> None:
        self._same += not found
        self._differing += bool(found)
        self._unreachable |= any(delivery.failure in UNREACHABLE for delivery in deliveries)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _miss(self, step: Step, why: Removed) -> None:
        """An event that was removed meanwhile."""
        self._gone += 1
        name = self._one.chosen.name(step.event)
        if self._json:
            self._screen.json(missed_json(step, name, 1, why))
        else:
            self._screen.say(*missed_line(name, why))

    def _show(
        self,
        step: Step,
        outgoing: Outgoing,
        one: Delivery,
        other: Delivery,
        noise: frozenset[str],
        found: tuple[Difference, ...],
    ) -> None:
        say = self._screen.say
        mark = (f"✗ {counted(len(found), 'difference')}", "red") if found else ("✓ the same", "green")
        say((self._one.chosen.name(step.event), "bold"), "  ", mark)
        for sign, delivery in (("-", one), ("+", other)):
            say(f"  {sign} {shown_url(delivery.url)}  ", *outcome(delivery))
        for difference in found:
            say(("    " + safe(difference.field), "bold"))
            say(("      - " + difference.wanted, "red"))
            say(("      + " + difference.got, "green"))
        lines = (outgoing.note, *outgoing.changes, *dict.fromkeys((one.error, other.error)))
        for line in (*lines, f"not compared, it changes by itself: {', '.join(sorted(noise))}" if noise else None):
            if line:
                say(("     ↳ ", "dim"), shown_url(line))

    def end(self) -> int:
        """The last line and the exit code."""
        if not self._json:
            parts = (
                (self._same, "the same"),
                (self._differing, "different"),
                (self._cut, "interrupted"),
                (self._gone, "not sent"),
            )
            words = ", ".join(f"{number} {word}" for number, word in parts if number)
            otherwise = "nothing was sent" if len(self._one.chosen) else "nothing to compare"
            self._screen.say(f"{words or otherwise}.")
        if self._unreachable:
            return Exit.UNREACHABLE
        return Exit.DOES_NOT_HOLD if self._differing or self._gone else Exit.DONE

    @property
    def begun(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._same or self._differing or self._cut or self._gone)


def record_of(
    event: Event, one: Delivery, other: Delivery, noise: frozenset[str], found: tuple[Difference, ...]
) -> dict[str, Any]:
    """What came of one event: `whcli.comparison/1`."""
    return {
        "schema": "whcli.comparison/1",
        "event_id": event.id,
        "uid": event.uid,
        "one": answer_json(one),
        "other": answer_json(other),
        "noise": sorted(noise),
        "equal": not found,
        "differences": [{"field": d.field, "one": d.wanted, "other": d.got} for d in found],
    }


def answer_json(delivery: Delivery) -> dict[str, Any]:
    """One handler's side."""
    return {
        "url": delivery.url,
        "status": delivery.reply.status if delivery.reply else None,
        "failure": delivery.failure,
        "error": delivery.error,
        "latency": delivery.latency,
        "signed": delivery.signed,
    }


def counted(number: int, what: str) -> str:
    """`1 difference`, `2 differences`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
