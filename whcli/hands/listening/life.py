"""How long the follower goes on, and who of its workers sleeps until there is news."""

from __future__ import annotations

import asyncio
import time
from itertools import count

LAST = 0.7  # seconds at the end for recording what was not done


class Life:
    """The follower's event loop, and whether there is more to do on it."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.until: float | None = None  # time.monotonic() by which to be done; None: not stopping
        self.stirred = 0  # another number after each commit
        self._count = count(1)
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def over(self) -> bool:
        """Whether the time to finish has nearly gone: what is left must be recorded now."""
        return self.until is not None and time.monotonic() > self.until - LAST

    def stir(self) -> None:
        """Something was committed; from any thread. Whoever works is not disturbed: he looks again by himself."""
        self.stirred = next(self._count)
        if self._waiting and self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._news)

    def _news(self) -> None:
        """Wake everybody who found nothing to do."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def more(self, seen: int) -> bool:
        """Wait until `stirred` is not `seen` any more; False when the follower is stopping and nothing is left."""
        if self.until is not None:
            return False
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)  # before the look: whoever commits in between finds it
        if self.stirred == seen:
            await future
        elif future in self._waiting:
            self._waiting.remove(future)
        return True

    def left(self) -> float:
        """Seconds until the follower must be done."""
        return max(0.0, self.until - LAST - time.monotonic()) if self.until is not None else 0.0
