"""Keeps the index of words in step with the store, behind everything else: no acknowledgement waits for it.

While requests press it does nothing, and while events come a little at a time, since Python runs one thread at a time;
what it has not done yet is searched directly, and it catches up when it is quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic

from ...words.errors import StoreFailed
from ..storing.index import Index
from ..storing.store import Store

PAUSE = 0.5  # seconds at least between two looks, so that events gather
SHARE = 9  # while events come: so many times as long as a turn took, it rests
FEW, MANY = 25, 500  # events in a turn: while others come, and when it is quiet
AGAIN = 60.0  # seconds until another try, where the index could not be written


class Indexer:
    """Works from `start` to `stop`.

    `noted` is the newest arrival number whose facts are stored, `pause` the writer's word on how long to rest after so
    much work, which is 0 when no requests press.
    """

    def __init__(self, folder: Path, *, noted: Callable[[], int], pause: Callable[[float], float]) -> None:
        self._folder = folder
        self._noted = noted
        self._pause = pause
        self._news = Flag()
        self._over = Flag()
        self._thread = Thread(target=self._run, name="whcli-indexer", daemon=True)

    def start(self) -> None:
        """Begin with what is behind."""
        self._thread.start()

    def wake(self) -> None:
        """Facts were stored; from any thread."""
        self._news.set()

    def stop(self, patience: float) -> None:
        """End; what is left is indexed another time."""
        self._over.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        index = Index.made(self._folder)
        if index is None:  # without FTS5, or without room
            return
        with closing(index), Store(self._folder) as store:
            while not self._over.is_set():
                self._news.clear()
                self._over.wait(self._work(store, index))
                if not self._over.is_set():
                    self._news.wait()

    def _work(self, store: Store, index: Index) -> float:
        """Index what there is; the seconds to rest."""
        try:
            while not self._over.is_set():
                if self._pause(1.0):
                    self._over.wait(PAUSE)
                    continue
                coming, began = self._news.is_set(), monotonic()
                self._news.clear()
                if not store.reindex(index, self._noted(), FEW if coming else MANY):
                    return PAUSE
                self._over.wait((monotonic() - began) * SHARE if coming else 0)
        except StoreFailed:
            self._news.set()
            return AGAIN
        return 0
