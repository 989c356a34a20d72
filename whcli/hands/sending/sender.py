"""Walks a plan: waits for its moments, sends, follows the provider's retries, records.

The plan says what is to happen (`rules/replaying/plan.py`); here are the clock and the network. Deliveries are
recorded in batches, and on whatever ends the walk the rest is recorded too, so nothing is left half told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from itertools import groupby
from typing import Protocol

from ...rules.conduct.schedules import Schedule, retry_after_of, stopped_by
from ...rules.replaying.plan import Earlier, Run, Step, next_attempt
from ...words.errors import StoreFailed
from ...words.event import Delivery, Outgoing
from ...words.record import record
from .client import Client
from .deliver import deliver, interrupted
from .wire import AT_ONCE, Manner

BATCH = 1000  # deliveries recorded in one transaction: each of them waits for the disk
BATCH_BYTES = 4 << 20  # bytes of replies after which a batch is recorded, however few
LATEST = 1.0  # seconds after which what is kept is recorded, however little, and the disk waited for

Prepare = Callable[[Step, Earlier], tuple[int, Outgoing] | None]
"""Makes the request of a step, signed as of now, given the attempts before; with the event's number.

None where there is nothing to send any more, which it has told already.
"""
Told = Callable[[Step, Outgoing, Delivery, Step | None], None]
"""Is told of each delivery, and of the step's next attempt, if there is to be one."""
Look = Callable[[Step, Delivery, bool], Awaitable[None]]
"""Is awaited after each delivery, before another one is begun in its place; True for the step's last attempt."""


class Record(Protocol):
    """Keeps deliveries; unless `durable` they are safe from a crash of ours, and from a power cut with later ones."""

    def __call__(self, deliveries: list[Delivery], *, durable: bool) -> None: ...


Answered = dict[int | None, asyncio.Event]
"""By step: set when it was answered, where another one waits for that."""


@record
class Walking:
    """How a plan is walked."""

    concurrency: int = 1  # deliveries at a time; 1 keeps the order
    schedule: Schedule | None = None  # the provider's retries
    compress: float = 1.0  # the waiting between attempts is divided by this
    seed: int = 0


class Sender:
    """Sends the steps of runs. `record` keeps deliveries, many at a time; `told` shows each one.

    `revision` is the commit that is checked out, which the deliveries are told to have met.
    """

    def __init__(
        self,
        client: Client,
        walking: Walking,
        prepare: Prepare,
        record: Record,
        told: Told,
        look: Look | None = None,
        revision: str | None = None,
    ) -> None:
        self._client = client
        self._walking = walking
        self._prepare = prepare
        self._record = record
        self._told = told
        self._look = look
        self._revision = revision
        self._kept: list[Delivery] = []
        self._bytes = 0  # of the replies' bodies in `_kept`
        self._late: asyncio.TimerHandle | None = None  # runs while there is something to record
        self._refused = False  # the store took nothing when it had run out
        # What is tried again takes its room from the hands that `_work`; without a schedule there is nothing to share.
        self._room = asyncio.Semaphore(walking.concurrency) if walking.schedule else nullcontext()
        self._began = 0.0

    async def walk(self, run: Run, began: float | None = None) -> None:
        """Make all deliveries of a run; what was made is recorded even when this is interrupted.

        `began` is the moment that the steps' offsets count from (seconds of the monotonic clock), now if not given.
        """
        self._began = time.monotonic() if began is None else began
        answered: Answered = {step.after: asyncio.Event() for step in run.steps if step.after}
        steps = together(run)
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._walking.concurrency, len(run.steps))):
                    tasks.create_task(self._work(tasks, steps, answered))
        finally:
            if self._late is not None:
                self._late.cancel()
                self._late = None
            self._flush(durable=True)

    async def _work(self, tasks: asyncio.TaskGroup, rest: Iterator[list[Step]], answered: Answered) -> None:
        """One pair of hands: takes the next steps that belong together, until there are none."""
        for steps in rest:
            if steps[0].offset:
                await self._until(steps[0].offset)
            if len(steps) > 1:
                await self._race(tasks, steps)
            else:
                await self._one(tasks, steps[0], answered)

    async def _one(self, tasks: asyncio.TaskGroup, step: Step, answered: Answered) -> None:
        if step.after is not None:
            await answered[step.after].wait()
        try:
            async with self._room:  # retries want some of it too
                await self._attempt(tasks, step, AT_ONCE if not step.lost_ack else Manner(hang_up=True))
        finally:
            if step.number in answered:
                answered[step.number].set()

    async def _race(self, tasks: asyncio.TaskGroup, steps: list[Step]) -> None:
        gate = Gate(len(steps))
        await asyncio.wait([tasks.create_task(self._copy(tasks, step, gate)) for step in steps])

    async def _copy(self, tasks: asyncio.TaskGroup, step: Step, gate: Gate) -> None:
        try:
            await self._attempt(tasks, step, Manner(gate=gate.arrive))
        finally:
            gate.leave()

    async def _again(self, tasks: asyncio.TaskGroup, step: Step, earlier: Earlier) -> None:
        """A later attempt, when its moment has come."""
        await self._until(step.offset)
        async with self._room:
            await self._attempt(tasks, step, AT_ONCE, earlier)

    async def _attempt(
        self, tasks: asyncio.TaskGroup, step: Step, manner: Manner, earlier: Earlier | None = None
    ) -> None:
        sent_at = time.time()
        earlier = earlier or Earlier(None, sent_at)
        if (prepared := self._prepare(step, earlier)) is None:
            return
        event_id, outgoing = prepared
        try:
            delivery = await deliver(
                self._client, event_id, outgoing, "replay", step.attempt, manner=manner, revision=self._revision
            )
        except asyncio.CancelledError:  # its bytes may have arrived, so it is not passed over in silence
            cut = interrupted(event_id, outgoing, sent_at, step.attempt, self._revision)
            self._keep(step, outgoing, cut, None)
            raise
        following = self._following(step, delivery)
        self._keep(step, outgoing, delivery, following)
        if self._look is not None:
            await self._look(step, delivery, following is None)
        if following is not None:
            status = delivery.reply.status if delivery.reply else None
            tasks.create_task(self._again(tasks, following, Earlier(status, earlier.began)))

    def _following(self, step: Step, delivery: Delivery) -> Step | None:
        """The next attempt by the provider's rules, or None when it is done."""
        schedule = self._walking.schedule
        if schedule is None or step.lost_ack:
            return None
        headers = delivery.reply.headers if delivery.reply else ()
        return next_attempt(
            step,
            schedule,
            delivery.reply.status if delivery.reply else None,
            answered=time.monotonic() - self._began,
            seed=self._walking.seed,
            compress=self._walking.compress,
            retry_after=retry_after_of(headers, time.time()),
            stopped=stopped_by(schedule, headers),
        )

    def _keep(self, step: Step, outgoing: Outgoing, delivery: Delivery, following: Step | None) -> None:
        """Take a delivery to be recorded, then show it: whoever reads what is shown may have gone."""
        if delivery.event_id:  # of an event from a file no store knows
            self._kept.append(delivery)
            self._bytes += len(delivery.reply.body) if delivery.reply else 0
        self._told(step, outgoing, delivery, following)
        if self._late is None and self._kept:
            self._late = asyncio.get_running_loop().call_later(LATEST, self._flush_late)
        if self._refused or len(self._kept) >= BATCH or self._bytes >= BATCH_BYTES:
            self._flush(durable=False)

    def _flush_late(self) -> None:
        """Record what no full batch has taken along; what the store refuses is tried again with the next delivery."""
        self._late = None
        try:
            self._flush(durable=True)
        except StoreFailed:
            self._refused = True

    def _flush(self, *, durable: bool) -> None:
        """Record what was kept.

        While the disk is waited for nothing is sent, so that is done once in LATEST seconds. Of other batches the last
        delivery is kept back: the end of the walk waits for the disk, and so it has something to write.
        """
        count = len(self._kept) - (0 if durable else 1)
        self._bytes = 0
        if count > 0:
            self._record(self._kept[:count], durable=durable)
            del self._kept[:count]  # only now: what could not be recorded is tried again
        self._refused = False

    async def _until(self, offset: float) -> None:
        """Wait for a moment of the run, in seconds after its start."""
        left = self._began + offset - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)


def together(run: Run) -> Iterator[list[Step]]:
    """The steps in order; those of one race belong together."""
    for _, steps in groupby(run.steps, key=lambda step: -step.number if step.race is None else step.race):
        yield list(steps)


class Gate:
    """Opens when all have come; whoever fails on the way is not waited for."""

    def __init__(self, count: int) -> None:
        self._awaited = count
        self._inside: set[object] = set()
        self._open = asyncio.Event()

    async def arrive(self) -> None:
        """Wait here for the others."""
        self._inside.add(asyncio.current_task())
        self._check()
        await self._open.wait()

    def leave(self) -> None:
        """Done, or failed before arriving."""
        if asyncio.current_task() not in self._inside:
            self._awaited -= 1
            self._check()

    def _check(self) -> None:
        if len(self._inside) >= self._awaited:
            self._open.set()
