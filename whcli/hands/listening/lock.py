"""One listener per store: an advisory lock on a file that also says who holds it.

The lock is the kernel's (`flock`), so a listener that was killed leaves none behind. Where there is no `fcntl`
(Windows) no lock is taken.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ...words.errors import StoreFailed

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FILE = "listener.lock"


class ListenerLock:
    """Held for the life of a listener; raises StoreFailed when another one holds it, or nobody can."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreFailed(
                f"the store folder {folder} cannot be locked: {(error.strerror or str(error)).lower()}",
                code="store_permission",
                next=f"ls -ld {folder}        shows who may",
            ) from error
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise _held(folder, holder(folder)) from None

    def tell(self, about: dict[str, Any]) -> None:
        """Write who holds the lock, for other commands' messages."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(about).encode(), 0)

    def release(self) -> None:
        """Let the next listener in."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def holder(folder: Path) -> dict[str, Any]:
    """What the lock's holder said of itself; empty when nobody did."""
    try:
        about = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _held(folder: Path, about: dict[str, Any]) -> StoreFailed:
    where = f" on {about['url']}" if "url" in about else ""
    who = f" (pid {about['pid']}{where})" if "pid" in about else ""
    return StoreFailed(
        f"another listener{who} already captures into {folder}",
        code="store_has_listener",
        next="whcli listen --store DIR --port 0        runs a second one on a store of its own",
    )
