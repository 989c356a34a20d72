"""Commands in processes of their own, each a fork of one that has read the whole program in.

Most of what a short command takes is the reading in of Python, typer and us. What is asked hundreds of times is what a
command says, writes and leaves behind, and that is the same: a process with its own arguments, environment, folder,
pipes and exit code. What a start takes and loads is for those who start a Python of their own (tests/test_startup.py,
and `whcli(..., afresh=True)`).

The process that forks has one thread and holds nothing open, so that nothing half done is inherited.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.parent
CAN_FORK = sys.platform == "linux"  # elsewhere the system's own libraries may not outlive a fork
READ_IN = """
    asyncio concurrent.futures cryptography.x509 cryptography.hazmat.primitives.serialization email.parser http.client
    httptools httpx importlib.metadata jmespath multiprocessing rich.console rich.markup rich.syntax sqlite3 ssl
    starlette.applications tempfile typer uvicorn.protocols.http.httptools_impl uvloop watchfiles
"""
"""What commands import inside functions, beside our own modules; what is missing here only takes time."""


# -- who asks -------------------------------------------------------------------------------------------------------


class Forked:
    """A command that runs, with what of `subprocess.Popen` tests ask for; its output goes into pipes."""

    def __init__(self, arguments: Sequence[str], *, folder: Path, env: Mapping[str, str], stdin: int = 0) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._said: tuple[bytes, bytes] | None = None
        (out, end_out), (err, end_err), (line, end_line) = os.pipe(), os.pipe(), socket.socketpair()
        self.stdout, self.stderr, self._line = open(out, "rb"), open(err, "rb"), line  # noqa: SIM115
        given = (stdin, end_out, end_err, end_line.detach())
        socket.send_fds(_forker(), [b"."], given)
        for each in given[1:]:
            os.close(each)
        order = {"arguments": arguments, "folder": str(folder), "env": dict(env)}
        line.sendall(json.dumps(order).encode() + b"\n")
        self._answers = line.makefile()
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """Its exit code as `subprocess` has it, None as long as it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; raises subprocess.TimeoutExpired after so many seconds."""
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._line.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """What it writes to stdout and stderr, to its end; raises subprocess.TimeoutExpired after so many seconds."""
        if self._said is None:
            with ThreadPoolExecutor(2) as pool:
                said = [pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
                try:
                    self.wait(timeout)
                except subprocess.TimeoutExpired:
                    self.kill()
                    raise
            self.stdout.close()
            self.stderr.close()
            self._said = said[0].result(), said[1].result()
        return self._said


def run(
    arguments: Sequence[str], *, folder: Path, env: Mapping[str, str], stdin: bytes, timeout: float
) -> tuple[int, bytes, bytes]:
    """Run a command to its end: its exit code, what it wrote to stdout and to stderr.

    Raises subprocess.TimeoutExpired for one that takes longer, and kills it.
    """
    end_in, in_ = os.pipe()
    command = Forked(arguments, folder=folder, env=env, stdin=end_in)
    os.close(end_in)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_feed, in_, stdin)
        out, err = command.communicate(timeout)
    return command.wait(), out, err


def _feed(pipe: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(pipe, "wb") as file:
        file.write(data)


@cache
def _forker() -> socket.socket:
    """The line to the process that forks, started when first needed; it ends when this process does."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", "from tests.forked import serve; serve()"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with theirs:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# -- the process that forks -----------------------------------------------------------------------------------------


def serve() -> None:
    """Fork a command for each four files that come on standard input: its own three, and the line to who asks."""
    read_in()
    files = asked()
    if files:
        become(files)


def read_in() -> None:
    """Import what commands are made of."""
    import whcli

    for name in READ_IN.split():
        with suppress(ImportError):
            importlib.import_module(name)
    for module in pkgutil.walk_packages(whcli.__path__, "whcli."):
        if module.name not in ("whcli.__main__", "whcli.pytest_plugin"):
            importlib.import_module(module.name)


def asked() -> list[int]:
    """Gives its files to a process that is to become a command; to the one that forks, nothing when nobody asks more.

    Who asks is told the number of the process, and its exit code at its end.
    """
    with socket.socket(fileno=os.dup(0)) as control, selectors.DefaultSelector() as watched:
        watched.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in watched.select():
                if key.data:
                    watched.unregister(key.fd)
                    ended(key.fd, *key.data)
                    continue
                _, files, _, _ = socket.recv_fds(control, 1, 4)
                pid = os.fork() if files else 0
                if not pid:
                    return files
                for each in files[:3]:
                    os.close(each)
                tell(files[3], pid)
                watched.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, files[3]))


def ended(process: int, pid: int, line: int) -> None:
    """A command has come to its end."""
    os.close(process)
    _, status = os.waitpid(pid, 0)
    tell(line, os.waitstatus_to_exitcode(status))
    os.close(line)


def tell(line: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(line, b"%d\n" % number)


def become(files: Sequence[int]) -> NoReturn:
    """Be `python -m whcli` with the arguments, in the folder and with the environment that the line says."""
    from whcli.cli import program

    with socket.socket(fileno=files[3]) as line, line.makefile() as orders:
        order = json.loads(orders.readline())
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=sys.stderr.encoding, errors=sys.stderr.errors, closefd=False)
    sys.argv = [str(ROOT / "whcli" / "__main__.py"), *order["arguments"]]
    sys.path[0] = order["folder"]
    program()
