"""Forwards that failed, tried again when their provider would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from ...rules.conduct.schedules import Schedule, compressed, next_delay, retry_after_of, stopped_by
from ...rules.replaying.chance import Chance
from ...words.event import Delivery, Event
from ...words.record import record
from ..storing.store import Store


@record
class Retry:
    """An attempt that is still to come. The event is read again when it does: waiting ones cost next to no memory."""

    event_id: int
    url: str
    attempt: int  # 2 is the first retry
    last: int | None  # the status of the attempt before; None: no answer
    wait: float  # seconds


class Retries:
    """The attempts that are still to come; they have hands of their own, so that events behind them do not wait.

    `again` makes one, `tell` is given a sentence. Without a `schedule` nothing is tried again.
    """

    def __init__(
        self,
        store: Store,
        schedule: Schedule | None,
        *,
        compress: float,
        concurrency: int,
        again: Callable[[Event, Retry, Schedule], Awaitable[Delivery]],
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self._schedule = schedule
        self._compress = compress
        self._again = again
        self._tell = tell
        self._room = asyncio.Semaphore(concurrency)
        self._waiting: dict[asyncio.Task[None], float] = {}  # and when it is due, by time.monotonic()

    def after(self, delivery: Delivery, url: str) -> None:
        """Try again, where the provider would after such an answer."""
        retry = following(self._schedule, delivery, url, self._compress) if self._schedule else None
        if retry is not None:
            task = asyncio.create_task(self._wait(retry))
            self._waiting[task] = time.monotonic() + retry.wait
            task.add_done_callback(lambda task: self._waiting.pop(task, None))

    async def _wait(self, retry: Retry) -> None:
        await asyncio.sleep(retry.wait)
        async with self._room:
            event = self._store.event(retry.event_id)
            if event is None or self._schedule is None:
                self._tell(f"#{retry.event_id} was removed before its attempt {retry.attempt}")
                return
            delivery = await self._again(event, retry, self._schedule)
        self.after(delivery, retry.url)

    async def end(self, patience: float) -> None:
        """Make the attempts that come within `patience` seconds; tell how many are given up."""
        until = time.monotonic() + patience
        while soon := [task for task, due in self._waiting.items() if due < until]:
            left = until - time.monotonic()
            if left <= 0:
                break
            await asyncio.wait(soon, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if self._waiting:
            count = len(self._waiting)
            self._tell(f"{count} {'retry' if count == 1 else 'retries'} given up · again: whcli replay --failed")


def following(schedule: Schedule, delivery: Delivery, url: str, compress: float) -> Retry | None:
    """The next attempt by the provider's rules after this one, or None when it is done.

    The jitter is drawn from event and attempt, so that the same failures bring the same pauses.
    """
    status = delivery.reply.status if delivery.reply else None
    headers = delivery.reply.headers if delivery.reply else ()
    wait = next_delay(
        schedule,
        delivery.attempt,
        status,
        retry_after=retry_after_of(headers, time.time()),
        stopped=stopped_by(schedule, headers),
        chance=Chance("forward", delivery.event_id, delivery.attempt).between(-1, 1),
    )
    if wait is None:
        return None
    wait = compressed(wait, compress)
    return Retry(event_id=delivery.event_id, url=url, attempt=delivery.attempt + 1, last=status, wait=wait)
