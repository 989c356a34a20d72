"""The one writer of a listener: commits what has gathered in one transaction, then says so.

A request's acknowledgement waits for the disk. Sixteen senders at once must not mean sixteen syncs, so while one
transaction is being synced the next requests gather and share the following one (group commit). The hand-over between
the event loop and this thread costs more than an insert, so it happens once per batch in both directions.

What was worked out from events goes through the same thread, in transactions of its own: a mistake there must not cost
an event.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from ..words.errors import StoreFailed
from ..words.event import Arrival
from .store import Store, insert

MOST = 256  # batches taken into one transaction

Done = Callable[[int | None], None]
"""Called on the event loop: the arrival number, or None when the event could not be stored."""
Gathered = list[tuple[Arrival, Done]]
Work = Callable[[sqlite3.Connection], Any]


class Writer:
    """Owns the store's writing connection from `start` to `stop`.

    `committed` is called in the writer's thread after each transaction, `failed` with the sentence when one failed.
    """

    def __init__(self, store: Store, *, committed: Callable[[], None], failed: Callable[[StoreFailed], None]) -> None:
        self._store = store
        self._committed = committed
        self._failed = failed
        self._queue: SimpleQueue[Gathered | tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._gathered: Gathered = []
        self._thread = Thread(target=self._run, name="whcli-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; `loop` is where requests come from and answers go to."""
        self._loop = loop
        self._thread.start()

    def put(self, arrival: Arrival, done: Done) -> None:
        """Have a request stored; on the event loop. What comes in one turn of the loop goes over as one batch."""
        self._gathered.append((arrival, done))
        if len(self._gathered) == 1 and self._loop is not None:
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._queue.put(gathered)

    def run(self, work: Work) -> Future[Any]:
        """Have something else written, from any thread; its result, or the StoreFailed it met."""
        future: Future[Any] = Future()
        self._queue.put((work, future))
        return future

    def stop(self, patience: float) -> None:
        """Write what is left, for at most `patience` seconds, and end."""
        self._queue.put(None)
        self._thread.join(patience)

    def _run(self) -> None:
        running = True
        while running:
            jobs = self._take()
            running = None not in jobs
            arrivals = [item for job in jobs if isinstance(job, list) for item in job]
            if arrivals:
                self._add(arrivals)
            works = [job for job in jobs if isinstance(job, tuple)]
            if works:
                self._work(works)
            self._committed()

    def _take(self) -> list[Gathered | tuple[Work, Future[Any]] | None]:
        """Wait for one job, then take what has gathered behind it."""
        jobs = [self._queue.get()]
        try:
            while len(jobs) < MOST and jobs[-1] is not None:
                jobs.append(self._queue.get_nowait())
        except Empty:
            pass
        return jobs

    def _add(self, arrivals: Gathered) -> None:
        try:
            with self._store.writing() as db:
                ids: list[int] | list[None] = insert(db, [arrival for arrival, _ in arrivals])
        except StoreFailed as error:
            ids = [None] * len(arrivals)
            self._failed(error)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_answer, arrivals, ids)

    def _work(self, works: list[tuple[Work, Future[Any]]]) -> None:
        try:
            with self._store.writing() as db:
                results = [work(db) for work, _ in works]
        except Exception as error:
            for _, future in works:
                future.set_exception(error)
            return
        for (_, future), result in zip(works, results, strict=True):
            future.set_result(result)


def _answer(arrivals: Gathered, ids: list[int] | list[None]) -> None:
    for (_, done), id in zip(arrivals, ids, strict=True):
        done(id)
