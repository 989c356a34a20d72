"""One replay: the plan is walked, each delivery shown, and the end told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...hands.render import Screen
from ...hands.sending.client import Client
from ...hands.sending.deliver import undelivered
from ...hands.sending.replayer import Removed, Replayer
from ...hands.sending.sender import Look, Sender, Walking
from ...rules.conduct.schedules import matches
from ...rules.replaying.plan import Earlier, Plan, Run, Step, plan_json, plan_lines, step_json
from ...rules.replaying.probe import shorter_orders, smallest_failing
from ...rules.replaying.report import progress
from ...rules.target import parse_target
from ...rules.text import safe, span
from ...words.errors import Exit, Unreachable, WhcliError
from ...words.event import Delivery, Outgoing
from ...words.record import record
from ..deliveries import say_delivery
from ..trust import Trust
from .account import Account, missed_json, missed_line, told_json
from .bar import Bar
from .proof import State
from .proving import Proof, Proving

LINES_LATE = 0.05  # seconds that a line in a pipe may wait for more
HELD = 64 * 1024  # bytes of a reply that may wait for their line
WORTH_TELLING = 1.0  # seconds until the next attempt
MOST_SHORTER = 200  # runs that look for a shorter failing order


@record
class Manners:
    """How a replay goes about its work."""

    walking: Walking
    timeout: float | None  # seconds
    proxy: str | None = None
    certificates: bool | str = True  # as `Client` takes them
    state: State | None = None
    settle: float = 0.0  # seconds that the state may take to come to rest after a delivery
    reset: Callable[[], Awaitable[object]] | None = None
    report: bool = False  # tell percentiles and a histogram at the end
    junit: Path | None = None
    new_id: bool = False
    refuse: Callable[[str], None] = lambda url: None  # raises for a target that must not be

    async def clean(self) -> None:
        """Clear the handler's state, where the user said how."""
        if self.reset is not None:
            await self.reset()

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
        self.account = Account(manners.walking.schedule, self._name, manners.junit)
        self._previous: dict[int, bool | None] = {}  # whether an event was taken before this replay; None: not sent
        self._tried: dict[tuple[int, ...], bool] = {}
        self._changed_again = False
        self._phase = (0, "")
        self._tokens: dict[tuple[int, str, int], str] = {}
        self._proving = self._proof(manners, manners.state) if manners.state else None

    def _proof(self, manners: Manners, state: State) -> Proving:
        proof = Proof(
            state=state,
            settle=manners.settle,
            reset=manners.clean,
            resets=manners.reset is not None,
            taken=lambda delivery: delivery.reply is not None and matches(self.account.success, delivery.reply.status),
            name=self._replayer.chosen.name,
        )
        return Proving(proof, self._send, self._screen, json=self._json)

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
        async with asyncio.TaskGroup() as tasks:
            flushing = tasks.create_task(self._flush())
            try:
                await self._walk_all(trust)
            finally:
                self._bar.end()
                flushing.cancel()
                self._screen.flush()

    async def _flush(self) -> None:
        """In a pipe lines go out many at a time, soon enough for whoever reads along: each by itself costs a tenth."""
        self._screen.eager = self._screen.tty
        while not self._screen.eager:
            await asyncio.sleep(LINES_LATE)
            self._screen.flush()

    async def _walk_all(self, trust: Trust) -> None:
        async with self._manners.client() as client:
            if await self._check(client, trust):
                for run in self._plan.runs():
                    await self._walk(client, run)
                if self._plan.options.permutations:
                    await self._shrink(client)

    async def _check(self, client: Client, trust: Trust) -> bool:
        """Look at every change and target before anything is sent; False when a target leads nowhere."""
        self._replayer.try_changes()
        looked: dict[str, bool] = {}
        for index, outgoing in self._replayer.targets():
            origin = parse_target(outgoing.url).origin
            self._manners.refuse(outgoing.url)
            try:
                looked[origin] = looked.get(origin) or await trust.admit(client, outgoing, len(self._replayer.chosen))
            except Unreachable as error:
                self._gone(index, outgoing, error)
                return False
        self._replayer.remote = [origin for origin, here in looked.items() if not here and not trust.sends_credentials]
        return True

    def _gone(self, index: int, outgoing: Outgoing, error: Unreachable) -> None:
        """A target whose name leads nowhere: nothing is sent, and of the first event that is recorded."""
        self.account.tally.unsent += len(self._replayer.chosen) - 1
        delivery = undelivered(self._replayer.chosen.id(index), outgoing, error, self._replayer.revision)
        self._replayer.record([delivery])
        self._told(Step(number=1, event=index), outgoing, delivery, None)

    # -- the walk -----------------------------------------------------------------------------------------------------

    async def _walk(self, client: Client, run: Run) -> None:
        """Walk a run, and remember whether it failed."""
        self._client = client
        self.account.tally.dropped += len(run.dropped)
        failed, changed = self.account.tally.failed, False
        if self._proving is None:
            await self._manners.clean()
            await self._send(run)
        else:
            changed = await self._proving.fails(run)
        self._changed_again |= changed
        self._tried[run.order] = self._tried.get(run.order, False) or changed or self.account.tally.failed > failed

    async def _send(self, run: Run, *, began: float | None = None, phase: str = "", look: Look | None = None) -> None:
        self._phase = (run.number, phase)
        self._replayer.chosen.in_order(step.event for step in run.steps)
        one = self._replayer
        sender = Sender(self._client, self._manners.walking, self._prepare, one.record, self._told, look, one.revision)
        await sender.walk(run, began)

    async def _shrink(self, client: Client) -> None:
        """After an order has failed: shorter ones, until none of them fails; only a reset makes them comparable."""
        number = len(self._plan.orders)
        while self._manners.reset is not None and (orders := shorter_orders(self._tried)):
            if number == len(self._plan.orders) + MOST_SHORTER:
                break
            number += 1
            run = self._plan.of(number, orders[0])
            self._bar.more(len(run.steps))
            await self._walk(client, run)

    def _prepare(self, step: Step, earlier: Earlier) -> tuple[int, Outgoing] | None:
        try:
            return self._prepared(step, earlier)
        except Removed as gone:
            self._missed(step, gone)
            return None

    def _prepared(self, step: Step, earlier: Earlier) -> tuple[int, Outgoing]:
        chosen = self._replayer.chosen
        if step.event not in self._previous:
            last = chosen.last_outcome(step.event)
            self._previous[step.event] = None if last is None else last.ok
        outgoing = self._replayer.outgoing(
            step.event,
            schedule=self._manners.walking.schedule,
            attempt=step.attempt,
            earlier=earlier,
            id_token=self._token(step),
        )
        return chosen.id(step.event), outgoing

    def _token(self, step: Step) -> str | None:
        """What a fresh delivery id is made of: one for all deliveries of an event in a run."""
        if not self._manners.new_id and not self._phase[1]:
            return None
        return self._tokens.setdefault((*self._phase, step.event), secrets.token_hex(16))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _told(self, step: Step, outgoing: Outgoing, delivery: Delivery, following: Step | None) -> None:
        last = following is None
        self.account.take((*self._phase, step.number), step, delivery, last=last)
        change = progress(self._previous.get(step.event), delivery)
        if self._json:
            told = partial(told_json, delivery, outgoing.changes, outgoing.note, change, self._phase[0], step.copy)
            self._screen.json_late(told)
            if delivery.reply and len(delivery.reply.body) > HELD:  # not to hold many of them
                self._screen.flush()
        elif not (self._bar.wanted and self._screen.tty and (delivery.ok or not last)):  # there the bar is enough
            with self._bar.aside():
                self._show(step, outgoing, delivery, change)
                if following is not None and following.delay >= WORTH_TELLING:
                    self._screen.say(("     ↳ ", "dim"), f"attempt {following.attempt} in {span(following.delay)}")
        if last:
            self._bar.step()

    def _missed(self, step: Step, why: WhcliError) -> None:
        """A step whose event was removed meanwhile."""
        self.account.miss((*self._phase, step.number), step, why)
        with self._bar.aside():
            if self._json:
                self._screen.json(missed_json(step, self._replayer.chosen.name(step.event), self._phase[0], why))
            else:
                self._screen.say(*missed_line(self._name(step), why))
        self._bar.step()

    def _name(self, step: Step) -> str:
        return safe(self._replayer.chosen.name(step.event)) + (f" copy {step.copy}" if step.copies > 1 else "")

    def _show(self, step: Step, outgoing: Outgoing, delivery: Delivery, change: str) -> None:
        told = (
            f"re-signed {outgoing.signed}" if outgoing.signed else "as captured",
            f"attempt {step.attempt}" if step.attempt > 1 else "",
            change if change in ("fixed", "still failing", "regressed") else "",
        )
        if step.copy > 1 or step.attempt > 1:  # its first delivery has said what had to change
            outgoing = replace(outgoing, changes=(), note=None)
        say_delivery(self._screen, self._name(step), ", ".join(filter(None, told)), outgoing, delivery)

    @property
    def begun(self) -> bool:
        """Whether there is something to tell."""
        return self.account.begun

    # -- the end ------------------------------------------------------------------------------------------------------

    def end(self) -> int:
        """The last lines and the exit code."""
        self._bar.end()
        self.account.close()
        made = self.begun or self.account.tally.dropped
        unproven = bool(self._proving is not None and made and not self._proving.proved)
        try:
            self._say_all(unproven)
        finally:  # whoever reads what is said may have gone
            self.account.write()
        if self.account.unreachable:
            return Exit.UNREACHABLE
        tally = self.account.tally
        fails = tally.failed or tally.unsent or self._changed_again or unproven
        return Exit.DOES_NOT_HOLD if fails else Exit.DONE

    def _say_all(self, unproven: bool) -> None:
        self._screen.flush()
        self._screen.eager = True
        events = len(self._replayer.chosen)
        self.account.say(self._screen, events, report=self._manners.report, json=self._json)
        self._say_smallest()
        if unproven and not self._json:
            options = self._plan.options
            hint = "" if options.duplicate > 1 or options.race > 1 or options.lost_ack else "; --duplicate 2 does that"
            self._screen.say(("? ", "yellow"), f"nothing was proven: no event was delivered twice{hint}")

    def _say_smallest(self) -> None:
        order = smallest_failing(self._tried) if len(self._tried) > 1 else None
        if order is None:
            return
        names = [self._replayer.chosen.name(index) for index in order]
        minimal = not shorter_orders(self._tried)
        if self._json:
            self._screen.json({"schema": "whcli.order/1", "smallest_failing": names, "minimal": minimal})
            return
        self._screen.say(("✗ ", "red"), f"smallest failing order: {' '.join(names)}")
        if not minimal:
            why = "more were not tried" if self._manners.reset else "with --reset 'CMD' shorter ones are tried too"
            self._screen.say(("     ↳ ", "dim"), why)
