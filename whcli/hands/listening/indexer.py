"""Keeps the index of words in step with the store, behind everything else: no acknowledgement waits for it.

While requests press it does nothing, and while events come a little at a time, since Python runs one thread at a time;
what it has not done yet is searched directly, and it catches up when it is quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from ...words.errors import StoreFailed, WhcliError
from ..storing.store import Store
from .behind import Behind

if TYPE_CHECKING:
    from ..storing.index import Index

PAUSE = 0.5  # seconds at least between two looks, so that events gather
SHARE = 9  # while events come: so many times as long as a turn took, it rests
FEW, MANY = 25, 500  # events in a turn: while others come, and when it is quiet
AGAIN = 60.0  # seconds until another try, where the index could not be written


class Indexer(Behind):
    """Works from `start` to `stop`; to be woken when facts were stored.

    `noted` is the newest arrival number whose facts are stored, `pressed` whether requests press.
    """

    def __init__(self, folder: Path, *, noted: Callable[[], int], pressed: Callable[[], bool]) -> None:
        self._folder = folder
        self._noted = noted
        self._pressed = pressed
        super().__init__("whcli-indexer")

    def _run(self) -> None:
        from ..storing.index import Index  # how words are found is read in here: nobody waits for this thread

        index = Index.made(self._folder)
        if index is None:  # without FTS5, or without room
            return
        with suppress(WhcliError), closing(index), Store(self._folder) as store:  # without a store: others say so
            while not self._over.is_set():
                self._news.clear()
                self._over.wait(self._work(store, index))
                if not self._over.is_set():
                    self._news.wait()

    def _work(self, store: Store, index: Index) -> float:
        """Index what there is; the seconds to rest."""
        try:
            while not self._over.is_set():
                if self._pressed():
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
