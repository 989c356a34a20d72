"""The one writer of a listener: commits what has gathered in one transaction, then says so.

A request's acknowledgement waits for the disk. Sixteen senders at once must not mean sixteen syncs, so while one
transaction is being synced the next requests gather and share the following one (group commit). Senders that wait for
their answers would so fall into two halves, each waiting for the other's sync: whoever has just been answered is waited
for a moment, since he may come back at once. The hand-over between the event loop and this thread costs more than an
insert, so it happens once per batch in both directions; the requests gather on the loop.

What was worked out from events goes through the same thread, in transactions of its own: a mistake there must not cost
an event. It can be worked out again, so the disk is not waited for.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from ...words.errors import StoreFailed
from ...words.event import Arrival
from ..storing.rows import insert
from ..storing.store import Store
from .connections import Respond

RETURN = 0.001  # seconds after an answer in which its sender may come back with the next request
ENOUGH = 64  # requests that share a sync well enough: the next ones are not waited for
MOST = 256  # jobs taken into one transaction
DENSE = 1 / 3000  # seconds between two requests, on average, below which they press
QUIET = 0.05  # seconds without a commit after which they do not
SHARE = 0.02  # of a processor for each thread that works behind the acknowledgements, while they do
WEIGHT = 8 << 20  # bytes of body above which a transaction ends, so that small events do not wait for many large ones

Gathered = list[tuple[Arrival, Respond]]
Stored = Callable[[int | None, Arrival, Respond], None]
"""Called on the event loop: the arrival number, or None when the event could not be stored."""
Work = Callable[[sqlite3.Connection], Any]


class Job(NamedTuple):
    """Something else to be written."""

    work: Work
    future: Future[Any]
    durable: bool


Jobs = list[Gathered | Job | None]


class Writer:
    """Owns the store's writing connection from `start` to `stop`.

    `stored` is called on the loop for each request, to answer it, and `answered` after those of a batch; `worked` in
    the writer's thread after something else was written, `failed` with the sentence when a commit failed.
    """

    def __init__(
        self,
        store: Store,
        *,
        stored: Stored,
        answered: Callable[[], None],
        worked: Callable[[], None],
        failed: Callable[[StoreFailed], None],
    ) -> None:
        self._store = store
        self._stored = stored
        self._answered = answered
        self._worked = worked
        self._failed = failed
        self._queue: SimpleQueue[Gathered | Job | None] = SimpleQueue()
        self._gathered: Gathered = []
        self._thread = Thread(target=self._run, name="whcli-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False
        self._expected = 0  # so many requests are likely to come together,
        self._until = 0.0  # if they are here by then, in the loop's seconds
        self._late: asyncio.TimerHandle | None = None  # goes off at that moment
        self._out = 0  # requests handed over whose senders have not been told yet
        self._told_until = 0  # the newest arrival number of those who have been
        self._between = 1.0  # seconds between two requests, of late
        self._committed_at = 0.0  # when the last commit ended, by the monotonic clock

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; `loop` is where requests come from and answers go to."""
        self._loop = loop
        self._thread.start()

    def put(self, arrival: Arrival, respond: Respond) -> None:
        """Have a request stored; on the event loop. What comes in one turn of the loop goes over as one batch."""
        gathered = self._gathered
        gathered.append((arrival, respond))
        if self._loop is not None and (len(gathered) == 1 or len(gathered) == self._expected):
            self._loop.call_soon(self._offer, self._loop)

    def _offer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over what has gathered, unless more is likely to join it."""
        if not self._gathered or self._out:
            return  # whoever tells those that are out looks again
        left = self._until - loop.time()
        if len(self._gathered) >= self._expected or left <= 0:
            self._hand_over()
        elif self._late is None:
            self._late = loop.call_later(left, self._hand_over)

    def _hand_over(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        gathered, self._gathered = self._gathered, []
        self._out += len(gathered)
        self._queue.put(gathered)
        self._refuse_late()

    def run(self, work: Work, *, durable: bool = True) -> Future[Any]:
        """Have something else written, from any thread; its result, or the StoreFailed it met."""
        job = Job(work, Future(), durable)
        self._queue.put(job)
        self._refuse_late()
        return job.future

    def settled(self, newest: int) -> int:
        """Up to which arrival number all senders have been told; `newest` is the store's, read just before."""
        return self._told_until if self._out else newest

    def stop(self, patience: float) -> None:
        """Write what is left, for at most `patience` seconds, and end; from any thread."""
        if self._loop is None or not self._loop.is_running() or _is_running(self._loop):
            self._end()
        else:
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(patience)

    def _end(self) -> None:
        """On the loop: what has come in this turn goes over first."""
        self._hand_over()
        self._queue.put(None)

    @property
    def ended(self) -> bool:
        """Whether everything is written, or refused, and nothing will be any more."""
        return self._ended

    def pause(self, worked: float) -> float:
        """How long whoever works behind the acknowledgements should rest after so many seconds of processor time.

        Python runs one thread at a time: while requests press, all that is not an acknowledgement takes turns of SHARE.
        What is not worked on meanwhile waits in the store.
        """
        return worked / SHARE - worked if self.pressed() else 0.0

    def pressed(self) -> bool:
        """Whether requests follow close on each other."""
        return self._between < DENSE and time.monotonic() - self._committed_at < QUIET

    def _run(self) -> None:
        running = True
        while running:
            jobs = self._take()
            running = None not in jobs
            arrivals = [item for job in jobs if isinstance(job, list) for item in job]
            if arrivals:
                self._add(arrivals)
            works = [job for job in jobs if isinstance(job, Job) and job.future.set_running_or_notify_cancel()]
            if works:
                self._work(works)
                with suppress(RuntimeError):  # whom it wakes has ended
                    self._worked()
        self._ended = True
        self._refuse_late()

    def _refuse_late(self) -> None:
        """What comes when nobody writes any more is refused at once; its owner would wait for ever."""
        with suppress(Empty):
            while self._ended:
                job = self._queue.get_nowait()
                if isinstance(job, Job) and job.future.set_running_or_notify_cancel():
                    job.future.set_exception(StoreFailed("the listener has stopped writing", next="whcli listen"))
                elif isinstance(job, list):
                    self._answer(job, [None] * len(job))

    def _take(self) -> Jobs:
        """Wait for one job, then take what has gathered behind it."""
        jobs: Jobs = [self._queue.get()]
        with suppress(Empty):
            while len(jobs) < MOST and jobs[-1] is not None:
                jobs.append(self._queue.get_nowait())
        return jobs

    def _add(self, arrivals: Gathered) -> None:
        """Commit in order of arrival: all at once, or as many at a time as are not heavy."""
        for portion in portions(arrivals):
            self._commit(portion)

    def _commit(self, arrivals: Gathered) -> None:
        failure: StoreFailed | None = None
        ids: list[int] | list[None] = [None] * len(arrivals)
        try:
            with self._store.writing() as db:
                ids = insert(db, [arrival for arrival, _ in arrivals])
        except Exception as error:  # a mistake of ours too must cost a 503, not the thread and every sender after it
            failure, ids = error if isinstance(error, StoreFailed) else _mistake(error), [None] * len(arrivals)
        self._answer(arrivals, ids)
        now = time.monotonic()
        self._between += (min(now - self._committed_at, QUIET) / len(arrivals) - self._between) / 16
        self._committed_at = now
        if failure is not None:
            with suppress(OSError):  # whoever read our standard error has gone
                self._failed(failure)

    def _answer(self, arrivals: Gathered, ids: list[int] | list[None]) -> None:
        with suppress(RuntimeError):  # the loop has closed, and with it every connection
            if self._loop is not None and arrivals:
                self._loop.call_soon_threadsafe(self._tell, self._loop, arrivals, ids)

    def _tell(self, loop: asyncio.AbstractEventLoop, arrivals: Gathered, ids: list[int] | list[None]) -> None:
        """On the loop: everybody is told, even where telling one of them fails."""
        stored = self._stored
        for (arrival, respond), id in zip(arrivals, ids, strict=True):
            try:
                stored(id, arrival, respond)
            except Exception as error:
                loop.call_exception_handler({"message": "an answer failed", "exception": error})
        self._told_until = max(self._told_until, ids[-1] or 0)
        self._out -= len(arrivals)
        self._expected = min(len(arrivals) + len(self._gathered), ENOUGH)
        self._until = loop.time() + RETURN
        self._offer(loop)
        self._answered()

    def _work(self, works: list[Job]) -> None:
        """All of it in one transaction; where one fails by itself, each in its own, so that it takes nothing along."""
        try:
            with self._store.writing(durable=any(job.durable for job in works)) as db:
                results = [job.work(db) for job in works]
        except Exception as error:
            if len(works) > 1 and getattr(error, "code", StoreFailed.default_code) == StoreFailed.default_code:
                for each in works:
                    self._work([each])
                return
            for job in works:
                job.future.set_exception(error)
            return
        for job, result in zip(works, results, strict=True):
            job.future.set_result(result)


def portions(arrivals: Gathered) -> Iterator[Gathered]:
    """The arrivals in order, cut behind each that makes a portion weigh more than WEIGHT."""
    start, weight = 0, 0
    for place, (arrival, _) in enumerate(arrivals, start=1):
        weight += len(arrival.body)
        if weight > WEIGHT:
            yield arrivals[start:place]
            start, weight = place, 0
    if start < len(arrivals):
        yield arrivals[start:] if start else arrivals


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this code runs on the loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _mistake(error: Exception) -> StoreFailed:
    return StoreFailed(
        f"an event could not be stored: {type(error).__name__}, a bug in whcli",
        next="report it with the output of: whcli --version --json",
    )
