"""One listener per store: an advisory lock on a file that also says who holds it.

The lock is the kernel's (`flock`), so a listener that was killed leaves none behind; the words it wrote stay, and
count only while somebody holds the lock. Where there is no `fcntl` (Windows) no lock is taken, and the words count.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ...rules.text import word
from ...words.errors import StoreFailed

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FILE = "listener.lock"
PATIENCE = 0.3  # seconds: whoever only looks whether the lock is held (see `holder`) holds it for an instant


class ListenerLock:
    """Held for the life of a listener; raises StoreFailed when another one holds it, or nobody can."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise StoreFailed(
                f"the store folder {folder} cannot be locked: {(error.strerror or str(error)).lower()}",
                code="store_permission",
                next=f"ls -ld {word(folder)}        shows who may",
            ) from error
        if fcntl is None:
            return
        if not _taken(self._file):
            os.close(self._file)
            raise _held(folder, holder(folder))
        os.ftruncate(self._file, 0)  # the words of one that was killed

    def tell(self, about: dict[str, Any]) -> None:
        """Write who holds the lock, for other commands' messages."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(about).encode(), 0)

    def release(self) -> None:
        """Let the next listener in."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def _taken(file: int) -> bool:
    """Take the lock; False when somebody holds it for longer than a look takes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)


def holder(folder: Path) -> dict[str, Any]:
    """What the lock's holder said of itself; empty when nobody holds it, or its holder has said nothing yet."""
    try:
        with (folder / FILE).open("rb") as file:
            about = json.loads(file.read()) if _is_held(file.fileno()) else {}
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def is_held(folder: Path) -> bool:
    """Whether a listener has this store now, whatever it has said of itself."""
    try:
        with (folder / FILE).open("rb") as file:
            return _is_held(file.fileno())
    except OSError:
        return False


def _is_held(file: int) -> bool:
    """Ask the kernel: a shared lock is to be had only where nobody holds the listener's. It goes with the file."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _held(folder: Path, about: dict[str, Any]) -> StoreFailed:
    where = f" on {about['url']}" if "url" in about else ""
    who = f" (pid {about['pid']}{where})" if "pid" in about else ""
    return StoreFailed(
        f"another listener{who} already captures into {folder}",
        code="store_has_listener",
        next="whcli listen --store DIR --port 0        runs a second one on a store of its own",
    )
