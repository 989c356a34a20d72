"""The user's application as a child process: started, awaited, stopped with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ..rules.target import parse_target
from ..rules.text import clip, safe
from ..words.errors import Unreachable, WrongUsage
from .places import answers

TICK = 0.02  # seconds between two looks at whether it answers
GRACE = 5.0  # seconds from SIGTERM to SIGKILL
QUIET, SETTLING = 0.05, 0.5  # seconds without a line that count as silence, and the longest wait for that
KEPT = 200  # last lines of output that are remembered
WIDTH = 300  # characters of a line


class App:
    """An application between `with` and its end; it runs in a process group of its own, which is stopped as a whole.

    `command` goes through the shell, `ready` is a URL that answers once the application is up; any status will do.
    Raises WrongUsage where something answers there before the start, and Unreachable, with the application's last
    words, when it ends or `patience` seconds are over before it answers.
    """

    def __init__(self, command: str, ready: str, patience: float) -> None:
        self._command = command
        self._ready = ready
        self._patience = patience
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._count = 0
        self._changed = threading.Lock()

    def __enter__(self) -> Self:
        target = parse_target(self._ready)
        if answers(target.host, target.port):
            raise WrongUsage(
                f"something answers at {target.origin} before --start has begun",
                code="already_running",
                next="stop it, or leave out --start",
            )
        self._process = subprocess.Popen(  # noqa: S602
            self._command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="whcli-app-output", daemon=True)
        self._reader.start()
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- while it runs ----------------------------------------------------------------------------------------------

    @property
    def mark(self) -> int:
        """How many lines it has printed so far."""
        with self._changed:
            return self._count

    def said_since(self, mark: int, most: int = 20) -> tuple[str, ...]:
        """The last lines printed since a mark, made safe for a terminal."""
        with self._changed:
            new = min(self._count - mark, len(self._lines), most)
            return tuple(list(self._lines)[len(self._lines) - new :]) if new > 0 else ()

    def settle(self) -> None:
        """Return when it has printed nothing for a moment: what belongs to a reply can come behind it."""
        end, seen = time.monotonic() + SETTLING, -1
        while seen != self.mark and time.monotonic() < end:
            seen = self.mark
            time.sleep(QUIET)

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        for line in iter(lambda: stream.readline(1 << 16), b""):
            with self._changed:
                self._lines.append(clip(safe(line.rstrip(b"\r\n")), WIDTH))
                self._count += 1

    # -- until it is ready ------------------------------------------------------------------------------------------

    def _await_ready(self) -> None:
        end = time.monotonic() + self._patience
        while not self._answers(end):
            if self._process.poll() is not None:
                raise self._silent(f"--start ended with {self._process.returncode} before it answered")
            if time.monotonic() > end:
                raise self._silent(f"--start did not answer within {self._patience:g} s")
            time.sleep(TICK)

    def _silent(self, what: str) -> Unreachable:
        if self._process.poll() is not None:
            self._reader.join(0.5)  # what it said last may still be on its way
        said = "\n    ".join(self.said_since(0)) or "nothing"
        return Unreachable(
            f"{what} at {self._ready}",
            code="start_failed",
            details=(("it said", said),),
            next=f"run it by hand: {self._command}",
        )

    def _answers(self, end: float) -> bool:
        """Whether the URL gives an HTTP answer; the connection alone may be a server that still loads."""
        target = parse_target(self._ready)
        if not answers(target.host, target.port):
            return False
        import asyncio

        from ..words.errors import NoReply

        try:
            asyncio.run(_asked(self._ready, max(0.1, min(2.0, end - time.monotonic()))))
        except (NoReply, Unreachable):
            return False
        return True

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """SIGTERM to all of its processes, SIGKILL to those that are still there GRACE seconds later."""
        try:
            self._signal(signal.SIGTERM)
            end = time.monotonic() + GRACE
            while time.monotonic() < end and self._lives():
                time.sleep(TICK)
        finally:  # a second Ctrl-C does not wait for the rest of the grace
            if self._lives():
                self._signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        self._process.wait()
        self._reader.join(1.0)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def _lives(self) -> bool:
        """Whether the process, or another one of its group, is there."""
        if self._process.poll() is None:
            return True
        group = self._process.pid
        return hasattr(os, "killpg") and self._signal(0) and _runs(group) is not False

    def _signal(self, number: int) -> bool:
        """Send a signal to the whole group; False when nobody is there."""
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
        except (ProcessLookupError, PermissionError):  # macOS gives the latter for a group of zombies
            return False
        return True


def _runs(group: int) -> bool | None:
    """Whether a process of a group runs, by Linux's /proc; None elsewhere.

    A signal reaches the dead as well until their parent asks after them, which for orphans in a container can take
    seconds (proc(5): state Z, or X, is dead; the group is the third field behind the name in brackets).
    """
    states: list[bytes] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            state, _, its_group = status.read_bytes().rpartition(b")")[2].split()[:3]
            if int(its_group) == group:
                states.append(state)
    return any(state not in (b"Z", b"X") for state in states) if states else None


async def _asked(url: str, patience: float) -> None:
    from ..rules.target import aim
    from ..words.event import Outgoing
    from .sending.client import Client

    address, target = aim(url, b"/", exact=True)
    host = (b"Host", parse_target(url).authority.encode())
    async with Client(timeout=patience) as client:
        await client.send(Outgoing(method=b"GET", url=address, target=target, headers=(host,)))
