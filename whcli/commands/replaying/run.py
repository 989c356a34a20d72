"""One replay: the plan is walked, each delivery shown, and the end told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...hands.render import Screen
from ...hands.sending.client import Client
from ...hands.sending.deliver import undelivered
from ...hands.sending.replayer import Replayer
from ...hands.sending.sender import Sender, Walking, together
from ...rules.archive import delivery_json
from ...rules.outgoing import parse_target
from ...rules.replaying.plan import Plan, Run, Step, plan_json, plan_lines, step_json
from ...rules.replaying.probe import Probe, effects_differ, probe_json, probe_lines, smallest_failing
from ...rules.replaying.report import Case, Limit, Tally, case_of, junit, progress, report_json, report_lines
from ...rules.text import safe
from ...words.errors import Exit, Unreachable
from ...words.event import Delivery, Difference, Event, Outgoing
from ..deliveries import say_delivery
from ..trust import UNREACHABLE, Trust
from .bar import Bar
from .proof import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a replay goes about its work."""

    walking: Walking
    timeout: float | None  # seconds
    proxy: str | None = None
    certificates: bool | str = True  # as `Client` takes them
    state: State | None = None
    reset: Callable[[], Any] | None = None
    report: bool = False  # tell percentiles and a histogram at the end
    junit: Path | None = None
    new_id: bool = False
    refuse: Callable[[str], None] = lambda url: None  # raises for a target that must not be

    def client(self) -> Client:
        """What sends in this manner."""
        return Client(
            timeout=self.timeout, proxy=self.proxy, verify=self.certificates, concurrency=self.walking.concurrency
        )


class Replay:
    """A replay from its first look at the target to its exit code."""

    def __init__(
        self, screen: Screen, replayer: Replayer, plan: Plan, manners: Manners, *, json: bool, talk: Screen
    ) -> None:
        self._screen = screen
        self._replayer = replayer
        self._plan = plan
        self._manners = manners
        self._json = json
        self._bar = Bar(talk, len(plan.run(1).steps) * len(plan.orders) if talk.tty else 0)
        schedule = manners.walking.schedule
        limit = Limit(schedule.provider, schedule.timeout) if schedule and schedule.timeout else None
        self.tally = Tally(limit, schedule.success if schedule else ("2xx",))
        self._success = schedule.success if schedule else ("2xx",)
        self._cases: list[Case] = []
        self._unreachable = False
        self._previous: dict[int, Delivery | None] = {}  # what came of an event before this replay
        self._tried: dict[tuple[int, ...], bool] = {}
        self._changed_again = False
        self._phase = (0, "")
        self._tokens: dict[tuple[int, str, int], str] = {}

    # -- before -------------------------------------------------------------------------------------------------------

    def dry(self) -> int:
        """Print the plan; nothing is sent."""
        chosen = self._replayer.chosen
        if not self._json:
            for line in plan_lines(self._plan, [chosen.name(n) for n in range(len(chosen))]):
                self._screen.say(line)
            return Exit.DONE
        self._screen.json(plan_json(self._plan))
        for run in self._plan.runs():
            for steps, dropped in ((run.steps, False), (run.dropped, True)):
                for step in steps:
                    self._screen.json(step_json(run, step, chosen.name(step.event), dropped=dropped))
        return Exit.DONE

    async def go(self, trust: Trust) -> None:
        """Check the targets, then walk all runs."""
        async with self._manners.client() as client:
            try:
                for run in self._plan.runs() if await self._check(client, trust) else ():
                    await self._walk(client, run)
            finally:
                self._bar.end()

    async def _check(self, client: Client, trust: Trust) -> bool:
        """Look at every change and target before anything is sent; False when a target leads nowhere."""
        self._replayer.try_changes()
        chosen = self._replayer.chosen
        looked: dict[str, bool] = {}
        for index in range(1 if self._replayer.one_target and len(chosen) else len(chosen)):
            outgoing = self._replayer.aimed(chosen.event(index))
            origin = parse_target(outgoing.url).origin
            self._manners.refuse(outgoing.url)
            try:
                looked[origin] = looked.get(origin) or await trust.admit(client, outgoing, len(chosen))
            except Unreachable as error:
                self._gone(index, outgoing, error)
                return False
        self._replayer.remote = [origin for origin, here in looked.items() if not here and not trust.sends_credentials]
        return True

    def _gone(self, index: int, outgoing: Outgoing, error: Unreachable) -> None:
        """A target whose name leads nowhere: nothing is sent, and that is recorded."""
        delivery = undelivered(self._replayer.chosen.event(index).id, outgoing, error)
        self._replayer.record([delivery])
        self._told(Step(number=1, event=index), outgoing, delivery, True)

    # -- the walk -----------------------------------------------------------------------------------------------------

    async def _walk(self, client: Client, run: Run) -> None:
        sender = Sender(client, self._manners.walking, self._prepare, self._replayer.record, self._told)
        self._phase = (run.number, "")
        failed = self.tally.failed
        if self._manners.state is None:
            await self._reset()
            await sender.walk(run)
        elif any(step.race for step in run.steps):
            await self._prove_race(sender, run, self._manners.state)
        else:
            await self._prove(sender, run, self._manners.state)
        self._tried[run.order] = self._tried.get(run.order, False) or self.tally.failed > failed

    async def _reset(self) -> None:
        if self._manners.reset is not None:
            await asyncio.to_thread(self._manners.reset)

    async def _prove(self, sender: Sender, run: Run, state: State) -> None:
        """Look at the state after each delivery: an event's first may change it, its further ones may not."""
        await self._reset()
        probe = Probe()
        before = await asyncio.to_thread(state)
        probe.saw(before)
        begun: set[int] = set()  # its first copy may have been dropped
        for step in run.steps:
            await sender.walk(replace(run, steps=(replace(step, offset=0.0, after=None),), dropped=()))
            found = await asyncio.to_thread(state)
            if step.event not in begun and probe.deliveries > 0:
                self._judge(run, probe)
                probe = Probe()
                probe.saw(before)
            begun.add(step.event)
            probe.saw(found)
            before = found
        self._judge(run, probe)

    async def _prove_race(self, sender: Sender, run: Run, state: State) -> None:
        """What one delivery alone changes must be all that racing copies change together.

        With `--reset` both start from the same state; without, each has a fresh delivery id of its own.
        """
        for steps in together(run):
            alone = await self._effect(sender, replace(run, steps=(replace(steps[0], race=None),)), state, "alone")
            race = await self._effect(sender, replace(run, steps=tuple(steps)), state, "race")
            found = effects_differ(alone, race)
            self._failed(run, bool(found))
            self._say_effects(len(steps), found)

    async def _effect(self, sender: Sender, run: Run, state: State, phase: str) -> tuple[bytes, bytes]:
        await self._reset()
        self._phase = (run.number, phase if self._manners.reset is None else "")
        before = await asyncio.to_thread(state)
        await sender.walk(run)
        return before, await asyncio.to_thread(state)

    def _say_effects(self, copies: int, found: tuple[Difference, ...]) -> None:
        if self._json:
            items = [{"field": d.field, "wanted": d.wanted, "got": d.got} for d in found]
            self._screen.json({"schema": "whcli.probe/1", "holds": not found, "differences": items})
            return
        mark = ("✗ ", "red") if found else ("✓ ", "green")
        text = "changed more than one delivery alone" if found else "changed no more than one delivery alone"
        self._screen.say(mark, f"{copies} copies at the same instant {text}")
        for difference in found:
            self._screen.say(f"  {difference.field}: {difference.wanted} after one, {difference.got} after all")

    def _failed(self, run: Run, failed: bool) -> None:
        self._tried[run.order] = self._tried.get(run.order, False) or failed
        self._changed_again |= failed

    def _judge(self, run: Run, probe: Probe) -> None:
        """Show what the probe saw; a further delivery that changed something fails the run."""
        if self._json:
            self._screen.json({**probe_json(probe), "run": run.number})
        else:
            for line in probe_lines(probe):
                self._screen.say(line)
        self._failed(run, not probe.holds)

    def _prepare(self, step: Step, last: int | None) -> tuple[int, Outgoing]:
        event = self._replayer.chosen.event(step.event)
        if step.event not in self._previous:
            self._previous[step.event] = without_body(self._replayer.last_delivery(event))
        outgoing = self._replayer.outgoing(
            step.event,
            schedule=self._manners.walking.schedule,
            attempt=step.attempt,
            last=last,
            id_token=self._token(step),
        )
        return event.id, outgoing

    def _token(self, step: Step) -> str | None:
        """What a fresh delivery id is made of: one for all deliveries of an event in a run."""
        if not self._manners.new_id and not self._phase[1]:
            return None
        return self._tokens.setdefault((*self._phase, step.event), secrets.token_hex(16))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _told(self, step: Step, outgoing: Outgoing, delivery: Delivery, last: bool) -> None:
        event = self._replayer.chosen.event(step.event)
        self.tally.add(delivery, last=last)
        self._unreachable |= delivery.failure in UNREACHABLE
        change = progress(self._previous.get(step.event), delivery)
        if self._manners.junit is not None and last:
            self._cases.append(case_of(delivery, self._name(event, step), success=self._success))
        if self._json:
            record = {**delivery_json(delivery), "changes": list(outgoing.changes), "note": outgoing.note}
            self._screen.json({**record, "progress": change, "run": self._phase[0], "copy": step.copy})
        elif not (self._bar.wanted and self._screen.tty and (delivery.ok or not last)):  # there the bar is enough
            with self._bar.aside():
                self._show(event, step, outgoing, delivery, change)
        if last:
            self._bar.step()

    def _name(self, event: Event, step: Step) -> str:
        number = f"#{event.id}" if event.id else safe(event.uid)
        return number + (f" copy {step.copy}" if step.copies > 1 else "")

    def _show(self, event: Event, step: Step, outgoing: Outgoing, delivery: Delivery, change: str) -> None:
        told = (
            f"re-signed {outgoing.signed}" if outgoing.signed else "as captured",
            f"attempt {step.attempt}" if step.attempt > 1 else "",
            change if change in ("fixed", "still failing", "regressed") else "",
        )
        if step.copy > 1 or step.attempt > 1:  # its first delivery has said what had to change
            outgoing = replace(outgoing, changes=(), note=None)
        say_delivery(self._screen, self._name(event, step), ", ".join(filter(None, told)), outgoing, delivery)

    # -- the end ------------------------------------------------------------------------------------------------------

    def end(self) -> int:
        """The last lines and the exit code."""
        self._bar.end()
        if self._manners.junit is not None:
            self._manners.junit.write_text(junit(self._cases), encoding="utf-8")
        if self._json:
            if self._manners.report:
                self._screen.json(report_json(self.tally))
        elif self._manners.report and self.tally.sent:
            for line in report_lines(self.tally, min(self._screen.width, 80)):
                self._screen.say(line)
        else:
            self._screen.say(self._words())
        self._say_smallest()
        if self._unreachable:
            return Exit.UNREACHABLE
        return Exit.DOES_NOT_HOLD if self.tally.failed or self._changed_again else Exit.DONE

    def _say_smallest(self) -> None:
        order = smallest_failing(self._tried) if len(self._tried) > 1 else None
        if order is None:
            return
        names = [self._replayer.chosen.name(index) for index in order]
        if self._json:
            self._screen.json({"schema": "whcli.order/1", "smallest_failing": names})
        else:
            self._screen.say(("✗ ", "red"), f"smallest failing order: {' '.join(names)}")

    def _words(self) -> str:
        failures = self.tally.failures
        unreachable = sum(number for word, number in failures.items() if word in UNREACHABLE)
        parts = (
            (self.tally.ok, "ok"),
            (self.tally.failed - unreachable, "not 2xx"),
            (unreachable, "unreachable"),
            (self.tally.retried, "retried"),
        )
        otherwise = f"{self.tally.sent} sent" if self.tally.sent else "nothing to replay"
        return (", ".join(f"{number} {word}" for number, word in parts if number) or otherwise) + "."


def without_body(delivery: Delivery | None) -> Delivery | None:
    """A delivery without its reply's body: ten thousand are remembered, and only their outcome is asked for."""
    if delivery is None or delivery.reply is None:
        return delivery
    return replace(delivery, reply=replace(delivery.reply, body=b""))
