"""Removes what `--keep` does not keep: behind the acknowledgements, a few events at a time, and only what is done with.

The thread looks for what is to go on a connection of its own; the writer removes it between two commits of arrivals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ...rules.retention import Keep
from ...words.errors import StoreFailed
from ..storing.retention import next_expiry, oldest, surplus
from ..storing.rows import delete
from ..storing.store import Store
from .behind import Behind
from .writer import Writer

PAUSE = 1.0  # seconds between two looks while events come
LONGEST = 3600.0  # seconds between two looks at all: a clock can be set, a machine can sleep
LATER = 60.0  # seconds after which what could not go yet is looked at again
BREATH = 0.01  # seconds at least between two removals, so that what waits to be acknowledged comes first


class Keeper(Behind):
    """Works from `start` to `stop`; to be woken when something was committed, shown or sent.

    `settled` is the newest arrival number up to which everything is shown and sent, `said` whether the user has been
    told already that events go now; else `tell` is called when the first does. `broken` as for the printer.
    """

    def __init__(
        self,
        folder: Path,
        writer: Writer,
        keep: Keep,
        *,
        said: bool,
        settled: Callable[[], int],
        tell: Callable[[str], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._keep = keep
        self._said = said
        self._settled = settled
        self._tell = tell
        self._broken = broken
        super().__init__("whcli-keeper")
        self.removed = 0

    def _run(self) -> None:
        try:
            with Store(self._folder) as store:
                while not self._over.is_set():
                    self._news.clear()
                    self._sweep(store)
                    wait = next_expiry(store, self._keep, time.time())
                    self._news.wait(LONGEST if wait is None else min(wait or LATER, LONGEST))
                    self._over.wait(PAUSE)
        except BaseException as error:
            self._broken(error)

    def _sweep(self, store: Store) -> None:
        """Remove what is too much now, as far as it is settled."""
        left = surplus(store, self._keep, time.time())
        while left > 0 and not self._over.is_set():
            began = time.monotonic()
            ids = oldest(store, self._keep, time.time(), left, self._settled())
            if not ids or not self._gone(store, ids):
                return
            left -= len(ids)
            self._over.wait(max(time.monotonic() - began, BREATH))

    def _gone(self, store: Store, ids: list[int]) -> bool:
        """Have the writer remove them; False where the store refused, which it tells by itself when events come."""
        try:
            with store.leaving(ids):
                count = self._writer.run(lambda db: delete(db, ids)).result()
        except StoreFailed:
            return False
        if not self._said:
            self._said = True
            self._tell(f"--keep {self._keep.text}: the oldest events are removed from now on, #{ids[0]} first")
        self.removed += count
        return True
