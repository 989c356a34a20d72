"""The run of `whcli test`: each fixture sent, signed afresh, and the handler's reply judged."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...hands.app import App
from ...hands.fixtures import fixtures_of, write
from ...hands.sending.client import Client
from ...hands.sending.deliver import deliver
from ...hands.sending.replayer import Replayer
from ...rules.replaying.probe import BLIND, Probe, state_noise
from ...rules.replaying.replies_differ import replies_differ
from ...rules.target import parse_target
from ...rules.testing.expectation import unmet
from ...rules.testing.result import Result, Snapshot
from ...rules.testing.snapshot import changed, snapshot_of
from ...words.event import Delivery, Difference, Outgoing
from ...words.record import record
from ..replaying.proof import State, at_rest
from ..trust import Trust
from .chosen import Trial

REFUSED = (400, 401, 403)  # what handlers answer to a signature that does not hold


@record
class Manners:
    """How the run goes about its work."""

    timeout: float | None  # seconds
    state: State | None = None
    settle: float = 0.0  # seconds that the state may take to come to rest after a delivery
    reset: Callable[[], Awaitable[Any]] | None = None
    new_id: bool = False
    update: bool = False
    first: bool = False  # stop at the first failure
    certificates: bool | str = True


class Run:
    """The tests in their order; `told` is called with each result. The replayer's events are those of the trials."""

    def __init__(
        self, trials: Sequence[Trial], replayer: Replayer, manners: Manners, told: Callable[[Result], None]
    ) -> None:
        self._trials = trials
        self._replayer = replayer
        self._manners = manners
        self._told = told
        self.app: App | None = None
        self.left = len(trials)  # not tested so far

    async def go(self, trust: Trust) -> None:
        """Look at the target, then test; raises Unreachable for one whose name leads nowhere."""
        async with Client(timeout=self._manners.timeout, verify=self._manners.certificates) as client:
            aimed = self._replayer.aimed(0, self._trials[0].fixture.event)
            local = await trust.admit(client, aimed, len(self._trials))
            self._replayer.remote = () if local or trust.sends_credentials else (parse_target(aimed.url).origin,)
            for index, trial in enumerate(self._trials):
                result = await self._test(client, index, trial)
                self.left -= 1
                self._told(result)
                if self._manners.first and result.outcome != "passed":
                    return

    async def _test(self, client: Client, index: int, trial: Trial) -> Result:
        if self._manners.reset is not None:
            await self._manners.reset()
        mark = self.app.mark if self.app else 0
        token = secrets.token_hex(16) if self._manners.new_id else None

        def outgoing() -> Outgoing:
            return self._replayer.outgoing(index, id_token=token)

        sent = outgoing()
        notes = [sent.note] if sent.note else []
        found: list[Difference] = []
        if trial.wanted.idempotent:
            first, found, told = await self._twice(client, trial, sent, outgoing)
            notes += told
        else:
            first = await deliver(client, 0, sent, "replay")
        if first.reply and first.reply.status in REFUSED:
            notes += sent.changes
        found = [*unmet(trial.wanted, first, snapshot=self._compares(trial)), *found]
        snapshot, more = self._snapshot(trial, first, sound=not found)
        return Result(
            name=trial.name,
            file=str(trial.path),
            type=trial.facts.type,
            delivery=first,
            differences=(*found, *more),
            notes=tuple(notes),
            snapshot=snapshot,
            said=await asyncio.to_thread(self._said, mark) if found or more or first.reply is None else (),
        )

    def _said(self, mark: int) -> tuple[str, ...]:
        """What the started application has printed since a mark."""
        if self.app is None:
            return ()
        self.app.settle()
        return self.app.said_since(mark)

    # -- a second delivery changes nothing more ---------------------------------------------------------------------

    async def _twice(
        self, client: Client, trial: Trial, sent: Outgoing, again: Callable[[], Outgoing]
    ) -> tuple[Delivery, list[Difference], tuple[str, ...]]:
        """Deliver it twice: the handler's state tells whether it matters, or its replies where no state is shown."""
        state = self._manners.state
        if state is None:
            first = await deliver(client, 0, sent, "replay")
            second = await deliver(client, 0, again(), "replay")
            found = replies_differ(first, second, trial.wanted.ignore) if first.reply else ()
            return first, [replace(each, field=f"second reply, {each.field}") for each in found], ()
        once, before = await state(), await state()
        probe = Probe(state_noise(once, before) | trial.wanted.ignore)
        deliveries: list[Delivery] = []
        for outgoing in (sent, again()):
            deliveries.append(await deliver(client, 0, outgoing, "replay"))
            after = await at_rest(state, before, self._manners.settle, probe.noise)
            probe.saw(before, after, taken=deliveries[-1].ok)
            before = after
        found = tuple(each for _, changes in probe.later for each in changes)
        told = [replace(each, field=f"second delivery changed {each.field}") for each in found]
        return deliveries[0], told, (BLIND,) if probe.blind else ()

    # -- snapshots --------------------------------------------------------------------------------------------------

    def _compares(self, trial: Trial) -> bool:
        """Whether a snapshot says what the status is to be."""
        return trial.snapshot is not None and not self._manners.update

    def _snapshot(
        self, trial: Trial, delivery: Delivery, *, sound: bool
    ) -> tuple[Snapshot | None, tuple[Difference, ...]]:
        """Compare with the fixture's snapshot, or write one; what does not pass is not kept."""
        found = changed(trial.snapshot, delivery, trial.wanted.ignore) if trial.snapshot else ()
        if delivery.reply is None:
            return None, ()
        if not self._manners.update:
            return ("same" if trial.snapshot and not found else None), found
        if not sound or (trial.snapshot and not found):
            return ("same" if sound else None), ()
        keep(trial.path, trial.place, snapshot_of(delivery))
        return ("updated" if trial.snapshot else "written"), ()


def keep(path: Path, place: int, snapshot: dict[str, Any]) -> None:
    """Write a snapshot into its fixture; the file is read again, since a test before may have changed it."""
    fixtures = fixtures_of(path)
    fixtures[place] = fixtures[place].saying("snapshot", snapshot)
    write(path, fixtures)
