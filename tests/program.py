"""The real command in a real process, in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import forked
from tests.schemas import check

DEADLINE = 20.0  # seconds
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str
    raw: bytes  # stdout as bytes

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without the developer's own settings; PYTHONPATH so that every folder finds the package."""
    ours = ("WHCLI_", "COLOR", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "PAGER")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), **(extra or {})}


READ_AT_START = ("PYTHON", "LC_", "LANG")
"""Variables that Python itself looks at, before it knows of us."""


def can_fork(env: Mapping[str, str] | None) -> bool:
    """Whether a command can do without a Python of its own, see tests/forked.py."""
    return forked.CAN_FORK and not any(name.startswith(READ_AT_START) for name in env or {})


def whcli(
    *arguments: str, folder: Path, env: Mapping[str, str] | None = None, stdin: bytes = b"", afresh: bool = False
) -> Done:
    """Run a command to its end; `afresh` in a Python of its own."""
    if not afresh and can_fork(env):
        return seen(*forked.run(arguments, folder=folder, env=environment(env), stdin=stdin, timeout=DEADLINE))
    done = subprocess.run(
        [sys.executable, "-m", "whcli", *arguments],
        cwd=folder,
        env=environment(env),
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
    )
    return seen(done.returncode, done.stdout, done.stderr)


def seen(code: int, out: bytes, err: bytes) -> Done:
    """What a command wrote, once its JSON has been held against its schema."""
    done = Done(code, out.decode(errors="replace"), err.decode(), out)
    check(done.out)
    check(done.err)
    return done


class Listening:
    """A `whcli listen` that is ready."""

    def __init__(self, process: subprocess.Popen[bytes] | forked.Forked, ready: dict[str, Any]) -> None:
        self.process = process
        self.url: str = ready["url"]
        self.port = int(self.url.rpartition(":")[2])
        self.ready = ready

    def end(self, number: int = signal.SIGTERM) -> Done:
        """Signal it and wait for its end."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> Done:
        """Wait until it ends by itself."""
        out, err = self.process.communicate(timeout=DEADLINE)
        return seen(self.process.wait(), out, err)


@contextmanager
def listening(
    *arguments: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
    afresh: bool = False,
) -> Iterator[Listening]:
    """A listener on a free port with its store in `folder`; `under` is a program that starts it and becomes it.

    `afresh` in a Python of its own, as a user's is: where its memory, its time or its end are looked at.
    """
    ready = folder / f"ready-{time.monotonic_ns()}.json"
    listen = ("listen", "--port", "0", "--ready-file", str(ready), *arguments)
    process: subprocess.Popen[bytes] | forked.Forked
    if under or afresh or not can_fork(env):
        command = [*under, sys.executable, "-m", "whcli", *listen]
        process = subprocess.Popen(
            command, cwd=folder, env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    else:
        process = forked.Forked(listen, folder=folder, env=environment(env))
    try:
        until(lambda: ready.exists() or process.poll() is not None)
        if not ready.exists():
            raise AssertionError(f"the listener ended: {process.communicate()}")
        yield Listening(process, json.loads(ready.read_text()))
    finally:
        process.kill()
        process.communicate()


def until(condition: Any, seconds: float = DEADLINE) -> None:
    """Wait until a condition holds; fails loudly when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.005)
