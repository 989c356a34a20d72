"""This machine as it is: what the shell would start, whose clock says what, which file system a folder is on."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OURS = (
    b"whcli.cli import program",
    b"whcli.cli import main",
    b"whcli.__main__",
)  # what the scripts hold that start this program
READ = 65536  # bytes of a script, or of a launcher that has one at its end
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afpfs", "webdav", "fuse.sshfs", "fuse.rclone", "ncpfs")


def programs(name: str) -> list[Path]:
    """Every program of that name on PATH, in the shell's order; a file that several entries lead to once."""
    names = [name, f"{name}.exe", f"{name}.cmd"] if os.name == "nt" else [name]
    found: dict[Path, Path] = {}
    for folder in os.get_exec_path():
        for each in names:
            path = Path(folder or ".", each)
            with suppress(OSError):
                if path.is_file() and os.access(path, os.X_OK):
                    found.setdefault(path.resolve(), path)
    return list(found.values())


def is_ours(path: Path) -> bool:
    """Whether a program starts whcli, of this installation or another."""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(READ)
        return any(mark in head for mark in OURS)
    return False


def is_this(path: Path) -> bool:
    """Whether a program of ours belongs to the Python that runs now."""
    return path.resolve().parent in {Path(sys.executable).parent.resolve(), Path(sys.argv[0]).resolve().parent}


def fresh_file_time(folder: Path) -> float | None:
    """The time in unix seconds that the file system gives a file made now, in `folder` or where temporary files go."""
    for place in (folder, None):
        with suppress(OSError), tempfile.NamedTemporaryFile(dir=place, prefix=".whcli-") as file:
            return os.fstat(file.fileno()).st_mtime
    return None


def hardware_time() -> float | None:
    """The clock chip's time in unix seconds, which Linux shows everybody; it may be a local time."""
    with suppress(OSError, ValueError):
        return float(Path("/sys/class/rtc/rtc0/since_epoch").read_text())
    return None


def offset() -> float:
    """How far the clock is from the monotonic one, in seconds: it moves only when the clock is set."""
    return time.time() - time.monotonic()


def remote_file_system(folder: Path) -> str | None:
    """The kind of the network file system that a folder is on; None for a local one, and where that cannot be seen."""
    best = max(_mounts(folder.resolve()), default=(0, ""))
    return best[1] if best[1] in REMOTE else None


def _mounts(folder: Path) -> Iterator[tuple[int, str]]:
    """The mounts that a path lies below: how long their name is, and their kind (proc(5), /proc/self/mounts)."""
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines():
            _, point, kind, *_ = line.split(" ")
            point = point.replace("\\040", " ")
            if folder.is_relative_to(point):
                yield len(point), kind
