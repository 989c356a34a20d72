"""A terminal for commands that run inside the test: a real pty, and every byte that was written to it."""

from __future__ import annotations

import os
import pty
import re
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OURS = re.compile(r"\x1b\[\d*(?:;\d+)*m")  # our own colours: SGR and nothing else


class Screen:
    """What was written so far."""

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self) -> str:
        """What has come since the last call, without our own colours; a byte that is no UTF-8 fails."""
        data, self._data = bytes(self._data), bytearray()
        return OURS.sub("", data.decode())


@contextmanager
def terminal() -> Iterator[Screen]:
    """Standard output and standard error are a terminal within; in raw mode, so that it changes no byte."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    screen, old = Screen(), (sys.stdout, sys.stderr)
    done = b"\x00the end\x00"

    def read() -> None:
        with suppress(OSError):
            while bytes(screen._data[-len(done) :]) != done:
                screen._data += os.read(master, 1 << 16)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream = os.fdopen(slave, "w", encoding="utf-8", errors="strict", newline="")
    sys.stdout = sys.stderr = stream
    try:
        yield screen
    finally:
        sys.stdout, sys.stderr = old
        stream.flush()
        os.write(stream.fileno(), done)
        reader.join(20)
        del screen._data[-len(done) :]
        stream.close()
        os.close(master)
