"""One replay: the plan is walked, each delivery shown, and the end told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...hands.client import Client
from ...hands.deliver import undelivered
from ...hands.render import Screen
from ...hands.replayer import Replayer
from ...hands.sender import Sender, Walking
from ...rules.archive import delivery_json
from ...rules.lines import glimpse, outcome
from ...rules.outgoing import parse_target
from ...rules.plan import Plan, Run, Step, plan_json, plan_lines, step_json
from ...rules.probe import Probe, probe_json, probe_lines, smallest_failing
from ...rules.report import Case, Limit, Tally, case_of, junit, progress, report_json, report_lines
from ...rules.schedules import Schedule
from ...rules.text import safe
from ...words.errors import Exit, Unreachable
from ...words.event import Delivery, Event, Outgoing
from ..trust import UNREACHABLE, Trust
from .proof import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a replay goes about its work."""

    walking: Walking
    timeout: float | None  # seconds
    proxy: str | None = None
    state: State | None = None
    reset: Callable[[], Any] | None = None
    report: bool = False  # tell percentiles and a histogram at the end
    junit: Path | None = None


class Replay:
    """A replay from its first look at the target to its exit code."""

    def __init__(self, screen: Screen, replayer: Replayer, plan: Plan, manners: Manners, *, json: bool) -> None:
        self._screen = screen
        self._replayer = replayer
        self._plan = plan
        self._manners = manners
        self._json = json
        schedule = manners.walking.schedule
        limit = Limit(schedule.provider, schedule.timeout) if schedule and schedule.timeout else None
        self.tally = Tally(limit, schedule.success if schedule else ("2xx",))
        self._success = schedule.success if schedule else ("2xx",)
        self._cases: list[Case] = []
        self._unreachable = False
        self._previous: dict[int, Delivery | None] = {}
        self._tried: dict[tuple[int, ...], bool] = {}
        self._changed_again = False

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
        async with Client(
            timeout=self._manners.timeout, proxy=self._manners.proxy, concurrency=self._manners.walking.concurrency
        ) as client:
            await self._check(client, trust)
            for run in self._plan.runs():
                await self._walk(client, run)

    async def _check(self, client: Client, trust: Trust) -> None:
        """Look at every target once, before anything is sent."""
        chosen = self._replayer.chosen
        origins: dict[str, Outgoing] = {}
        for index in range(len(chosen)):
            outgoing = self._replayer.aimed(chosen.event(index))
            origins.setdefault(parse_target(outgoing.url).origin, outgoing)
            if self._replayer.one_target:
                break
        remote = []
        for origin, outgoing in origins.items():
            try:
                if await trust.check(client, outgoing, len(chosen)) is not outgoing or not await local(client, outgoing):
                    remote.append(origin)
            except Unreachable as error:
                self._gone(outgoing, error)
        self._replayer.remote = remote if trust.strips else ()

    def _gone(self, outgoing: Outgoing, error: Unreachable) -> None:
        """A target whose name leads nowhere: every event meant for it is recorded as not delivered."""
        raise error

    # -- the walk -----------------------------------------------------------------------------------------------------

    async def _walk(self, client: Client, run: Run) -> None:
        if self._manners.reset is not None:
            await asyncio.to_thread(self._manners.reset)
        probe = Probe()
        if self._manners.state is not None:
            probe.saw(await asyncio.to_thread(self._manners.state))
        sender = Sender(client, self._manners.walking, self._prepare, self._replayer.record, self._told)
        if self._manners.state is None:
            await sender.walk(run)
            return
        await self._proved(sender, run, probe)

    async def _proved(self, sender: Sender, run: Run, probe: Probe) -> None:
        """Walk step by step and look at the state after each; copies of one event must change nothing more."""
        state = self._manners.state
        assert state is not None
        for part in parts_of(run):
            await sender.walk(part)
            probe.saw(await asyncio.to_thread(state))
        failed = self._judge(run, probe)
        self._tried[run.order] = failed
        self._changed_again |= failed

    def _judge(self, run: Run, probe: Probe) -> bool:
        """Show what the probe saw; True when a further delivery changed something."""
        if self._json:
            self._screen.json({**probe_json(probe), "run": run.number})
        else:
            for line in probe_lines(probe):
                self._screen.say(line)
        return not probe.holds

    def _prepare(self, step: Step, last: int | None) -> tuple[int, Outgoing]:
        event = self._replayer.chosen.event(step.event)
        if step.event not in self._previous:
            self._previous[step.event] = self._replayer.last_delivery(event)
        outgoing = self._replayer.outgoing(
            step.event, schedule=self._manners.walking.schedule, attempt=step.attempt, last=last
        )
        return event.id, outgoing

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _told(self, step: Step, outgoing: Outgoing, delivery: Delivery, last: bool) -> None:
        event = self._replayer.chosen.event(step.event)
        self.tally.add(delivery, last=last)
        self._unreachable |= delivery.failure in UNREACHABLE
        change = progress(self._previous.get(step.event), delivery)
        self._previous[step.event] = delivery
        if self._manners.junit is not None and last:
            self._cases.append(case_of(delivery, self._name(event, step), success=self._success))
        if self._json:
            record = {**delivery_json(delivery), "changes": list(outgoing.changes), "note": outgoing.note}
            self._screen.json({**record, "progress": change, "copy": step.copy})
        else:
            self._show(event, step, outgoing, delivery, change)

    def _name(self, event: Event, step: Step) -> str:
        number = f"#{event.id}" if event.id else safe(event.uid)
        return number + (f" copy {step.copy}" if step.copies > 1 else "")

    def _show(self, event: Event, step: Step, outgoing: Outgoing, delivery: Delivery, change: str) -> None:
        how = f"re-signed {outgoing.signed}" if outgoing.signed else "as captured"
        again = f"  attempt {step.attempt}" if step.attempt > 1 else ""
        told = f"  {change}" if change in ("fixed", "still failing", "regressed") else ""
        what = f"{outgoing.method.decode('latin-1')} {safe(outgoing.url)}"
        self._screen.say(
            (self._name(event, step), "bold"), f"  {what}  {how}{again}  ", *outcome(delivery), (told, "bold")
        )
        if step.copy > 1 or step.attempt > 1:
            return
        for line in (outgoing.note, *outgoing.changes, delivery.error):
            if line:
                self._screen.say(("     ↳ ", "dim"), safe(line))
        if delivery.reply and not delivery.ok and delivery.reply.body:
            self._screen.say(("     ↳ ", "dim"), "response: " + glimpse(delivery.reply.body))

    # -- the end ------------------------------------------------------------------------------------------------------

    def end(self) -> int:
        """The last lines and the exit code."""
        if self._manners.junit is not None:
            self._manners.junit.write_text(junit(self._cases))
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
        if order is not None and not self._json:
            names = " ".join(self._replayer.chosen.name(index) for index in order)
            self._screen.say(("✗ ", "red"), f"smallest failing order: {names}")

    def _words(self) -> str:
        failures = self.tally.failures
        unreachable = sum(number for word, number in failures.items() if word in UNREACHABLE)
        parts = (
            (self.tally.ok, "ok"),
            (self.tally.failed - unreachable, "not 2xx"),
            (unreachable, "unreachable"),
            (self.tally.retried, "retried"),
        )
        return (", ".join(f"{number} {word}" for number, word in parts if number) or "nothing to replay") + "."


def parts_of(run: Run) -> list[Run]:
    """A run cut so that the state can be looked at in between: after the first delivery, and after each further one.

    Racing copies cannot be told apart, so the first of them goes alone and the others race after it.
    """
    from dataclasses import replace

    return [
        replace(run, steps=(replace(step, offset=0.0, after=None),), dropped=()) for step in run.steps if step.race is None
    ] or [replace(run, steps=run.steps, dropped=())]


async def local(client: Client, outgoing: Outgoing) -> bool:
    """Whether a target is this machine."""
    return (await client.destination(outgoing.url)).local


__all__ = ["Manners", "Replay", "Schedule", "undelivered"]
