"""Standard output that can be left: what nobody reads any more holds off no interruption.

A write to a full pipe returns when somebody reads, and until then no event loop goes round that could end the work. So
here as much is written as is sure to be taken, and between that somebody looks whether the work is over.
"""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable
from io import TextIOBase
from typing import TextIO, cast

LOOK = 0.1  # seconds between two looks at whether it is over
PATIENCE = 1.0  # seconds that a reader is waited for once it is over


def leavable(stream: TextIO, over: Callable[[], bool]) -> TextIO:
    """The stream; where a write could wait for a reader, one that waits only until it is `over`."""
    if os.name != "posix":  # there select knows sockets alone
        return stream
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # held in memory
        return stream
    if stat.S_ISREG(os.fstat(number).st_mode):
        return stream
    stream.flush()  # what others have left in it
    return cast(TextIO, Outlet(stream, number, over))


class Outlet(TextIOBase):
    """Writes a stream's file, `number`, itself; `flush` is needed to see anything of it."""

    def __init__(self, stream: TextIO, number: int, over: Callable[[], bool]) -> None:
        self._stream = stream
        self._number = number
        self._over = over
        self._texts: list[str] = []
        self.left = False  # nobody read any more: the rest goes nowhere

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The file's number."""
        return self._number

    def write(self, text: str) -> int:
        """Keep a text for `flush`."""
        self._texts.append(text)
        return len(text)

    def flush(self) -> None:
        """Write what was kept, as fast as somebody reads; raises BrokenPipeError when nobody can any more."""
        data = "".join(self._texts).encode(self._stream.encoding, self._stream.errors or "strict")
        self._texts.clear()
        while data and self._has_room():
            data = data[self._written(data[: select.PIPE_BUF]) :]

    def _written(self, part: bytes) -> int:
        try:
            return os.write(self._number, part)
        except BlockingIOError:  # another program has made our file one that does not wait
            return 0

    def _has_room(self) -> bool:
        """Wait until a write returns at once; False when that is given up."""
        waited = 0.0
        while not self.left and not select.select([], [self._number], [], LOOK)[1]:
            waited += LOOK if self._over() else 0.0
            self.left = waited >= PATIENCE
        return not self.left
