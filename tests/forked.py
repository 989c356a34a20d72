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


def run(
    arguments: Sequence[str], *, folder: Path, env: Mapping[str, str], stdin: bytes, seconds: float
) -> tuple[int, bytes, bytes]:
    """Run a command to its end: its exit code as `subprocess` has it, what it wrote to stdout and to stderr.

    Raises subprocess.TimeoutExpired for one that takes longer than `seconds`, and kills it.
    """
    order = json.dumps({"arguments": arguments, "folder": str(folder), "env": dict(env)}).encode() + b"\n"
    (end_in, in_), (out, end_out), (err, end_err) = os.pipe(), os.pipe(), os.pipe()
    line, end_line = socket.socketpair()
    given = (end_in, end_out, end_err, end_line.detach())
    socket.send_fds(_forker(), [b"."], given)
    for each in given:
        os.close(each)
    with line, line.makefile() as answers, ThreadPoolExecutor(3) as pool:
        pool.submit(_feed, in_, stdin)
        said = [pool.submit(_read, pipe) for pipe in (out, err)]
        line.sendall(order)
        pid = int(answers.readline())
        line.settimeout(seconds)
        try:
            code = int(answers.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(arguments), seconds) from None
        return code, said[0].result(), said[1].result()


def _feed(pipe: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(pipe, "wb") as file:
        file.write(data)


def _read(pipe: int) -> bytes:
    with open(pipe, "rb") as file:
        return file.read()


@cache
def _forker() -> socket.socket:
    """The line to the process that forks, started when first needed; it ends when this process does."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", "from tests.forked import serve; serve()"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with theirs:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=theirs, stdout=subprocess.DEVNULL)

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
