"""Until when replies are awaited: one timer for all of a client's requests, since a timer for each costs them dearly.

All wait equally long, so the one that began first is late first: the timer stands at its end, and moves on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Late = Callable[[], None]
"""Called when no whole reply has come in time."""


class Deadlines:
    """Calls what is `late`: `seconds` after it began to wait, None for never."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._ends: dict[object, tuple[float, Late]] = {}  # in seconds of the loop's clock, the first end first
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, key: object, late: Late) -> None:
        """`key` waits from now on."""
        if self._seconds is None:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        self._ends[key] = end, late
        if self._timer is None:
            self._timer = loop.call_at(end, self._look)

    def end(self, key: object) -> None:
        """`key` does not wait any more."""
        self._ends.pop(key, None)

    def close(self) -> None:
        """Nobody waits any more."""
        self._ends.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._ends:
            key, (end, late) = next(iter(self._ends.items()))
            if end > loop.time():
                self._timer = loop.call_at(end, self._look)
                return
            del self._ends[key]
            late()
