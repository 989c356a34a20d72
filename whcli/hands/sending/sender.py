"""Walks a plan: waits for its moments, sends, follows the provider's retries, records.

The plan says what is to happen (`rules/replaying/plan.py`); here are the clock and the network. Deliveries are
recorded in batches, and on whatever ends the walk the rest is recorded too, so nothing is left half told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from ...rules.conduct.schedules import Schedule, retry_after_of, stopped_by
from ...rules.replaying.plan import Run, Step, next_attempt
from ...words.errors import WhcliError
from ...words.event import Delivery, Outgoing
from .client import Client
from .deliver import deliver, undelivered
from .wire import AT_ONCE, Manner

BATCH = 100  # deliveries recorded in one transaction
LATEST = 1.0  # seconds after which a batch is recorded, however small
INTERRUPTED = WhcliError("interrupted before its answer came", code="interrupted", next="replay it again")

Prepare = Callable[[Step, int | None], tuple[int, Outgoing]]
"""Makes the request of a step, signed as of now, given the status of the attempt before; with the event's number."""
Told = Callable[[Step, Outgoing, Delivery, bool], None]
"""Is told of each delivery; the last word says whether it is the step's last attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walking:
    """How a plan is walked."""

    concurrency: int = 1  # deliveries at a time; 1 keeps the order
    schedule: Schedule | None = None  # the provider's retries
    compress: float = 1.0  # the waiting between attempts is divided by this
    seed: int = 0


class Sender:
    """Sends the steps of runs. `record` keeps deliveries, many at a time; `told` shows each one."""

    def __init__(
        self, client: Client, walking: Walking, prepare: Prepare, record: Callable[[list[Delivery]], None], told: Told
    ) -> None:
        self._client = client
        self._walking = walking
        self._prepare = prepare
        self._record = record
        self._told = told
        self._kept: list[Delivery] = []
        self._recorded_at = time.monotonic()
        self._room = asyncio.Semaphore(walking.concurrency)
        self._began = 0.0

    async def walk(self, run: Run) -> None:
        """Make all deliveries of a run; what was made is recorded even when this is interrupted."""
        self._began = time.monotonic()
        answered: dict[int | None, asyncio.Event] = {step.after: asyncio.Event() for step in run.steps if step.after}
        try:
            async with asyncio.TaskGroup() as tasks:
                for steps in together(run):
                    await self._until(steps[0].offset)
                    await self._start(tasks, steps, answered)
        finally:
            self._flush()

    async def _start(
        self, tasks: asyncio.TaskGroup, steps: list[Step], answered: dict[int | None, asyncio.Event]
    ) -> None:
        """Begin the deliveries that belong together, as soon as there is room for them."""
        if len(steps) > 1:
            gate = Gate(len(steps))
            for step in steps:
                tasks.create_task(self._race(tasks, step, gate))
            return
        [step] = steps
        if step.after is not None:
            await answered[step.after].wait()
        await self._room.acquire()
        task = tasks.create_task(self._one(tasks, step, answered.get(step.number)))
        if self._walking.concurrency == 1:
            await asyncio.wait([task])  # the order of answers is the order of events

    async def _one(self, tasks: asyncio.TaskGroup, step: Step, answered: asyncio.Event | None) -> None:
        try:
            await self._attempt(tasks, step, AT_ONCE if not step.lost_ack else Manner(hang_up=True))
        finally:
            self._room.release()
            if answered is not None:
                answered.set()

    async def _race(self, tasks: asyncio.TaskGroup, step: Step, gate: Gate) -> None:
        try:
            await self._attempt(tasks, step, Manner(gate=gate.arrive))
        finally:
            gate.leave()

    async def _again(self, tasks: asyncio.TaskGroup, step: Step, last: int | None) -> None:
        """A later attempt, when its moment has come."""
        await self._until(step.offset)
        async with self._room:
            await self._attempt(tasks, step, AT_ONCE, last)

    async def _attempt(self, tasks: asyncio.TaskGroup, step: Step, manner: Manner, last: int | None = None) -> None:
        event_id, outgoing = self._prepare(step, last)
        sent_at = time.time()
        try:
            delivery = await deliver(self._client, event_id, outgoing, "replay", step.attempt, manner=manner)
        except asyncio.CancelledError:  # its bytes may have arrived, so it is not passed over in silence
            cut = replace(undelivered(event_id, outgoing, INTERRUPTED), sent_at=sent_at, attempt=step.attempt)
            self._keep(step, outgoing, cut, last=True)
            raise
        following = self._following(step, delivery)
        self._keep(step, outgoing, delivery, last=following is None)
        if following is not None:
            tasks.create_task(self._again(tasks, following, delivery.reply.status if delivery.reply else None))

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

    def _keep(self, step: Step, outgoing: Outgoing, delivery: Delivery, *, last: bool) -> None:
        self._told(step, outgoing, delivery, last)
        self._kept.append(delivery)
        if len(self._kept) >= BATCH or time.monotonic() - self._recorded_at > LATEST:
            self._flush()

    def _flush(self) -> None:
        kept, self._kept = self._kept, []
        self._recorded_at = time.monotonic()
        if kept:
            self._record(kept)

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
