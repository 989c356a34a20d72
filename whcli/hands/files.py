"""Files of events: read within a bound, written without ever leaving the folder or replacing somebody else's file.

And reports that the user names a place for: whole or not at all, and readable by whom the umask lets.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..rules.text import word
from ..words.errors import NothingMatched, NotWritten, WrongUsage
from .storing.private import private_file

LARGEST = 48 << 20  # bytes of a file that is read as a whole: a body of 25 MiB in base64 takes 34


def read_file(path: Path) -> bytes:
    """A file's bytes; raises NothingMatched where it cannot be read, WrongUsage where it is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NothingMatched(
            f"the file {path} cannot be read: {reason}", code="no_file", next=f"ls -l {word(path.parent)}"
        ) from error
    return bounded(data, str(path))


def read_stdin(example: str) -> bytes:
    """All of standard input; raises WrongUsage on a terminal, where `example` says what to type."""
    if sys.stdin.isatty():
        raise WrongUsage("standard input is a terminal", next=example)
    return bounded(sys.stdin.buffer.read(LARGEST + 1), "standard input")


def bounded(data: bytes, name: str) -> bytes:
    """The data, unless it is too much; raises WrongUsage."""
    if len(data) > LARGEST:
        raise WrongUsage(
            f"{name} is larger than {LARGEST >> 20} MiB", code="too_large", next="split it: one event a file, or a line"
        )
    return data


def files_under(paths: Sequence[Path], suffixes: Sequence[str]) -> Iterator[Path]:
    """The files named, and those with a suffix in the folders named; links are not followed into other folders."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, _, names in sorted(os.walk(path)):
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(tuple(suffixes)))


def make_folder(path: Path) -> None:
    """A folder for files, with those above it; raises WrongUsage where it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WrongUsage(
            f"the folder {path} cannot be made: {reason}", code="not_written", next=f"ls -ld {word(path)}"
        ) from error


Merge = Callable[[bytes], bytes | None]
"""What becomes of a file that is there, given its bytes; None: it is not ours."""


def write_file(path: Path, data: bytes, merge: Merge, *, force: bool) -> bool:
    """Write a file whole or not at all, for its owner only; False when it already holds just that.

    What is there is replaced only where `merge` knows it, or by `force`; a link or anything but a plain file never is.
    Raises WrongUsage for what is in the way.
    """
    try:
        old = _there(path)
        if old is not None and not force:
            merged = merge(old)
            if merged is None:
                raise _in_the_way(path)
            data = merged
        if old == data:
            return False
        _replace(path, data)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WrongUsage(
            f"{path} cannot be written: {reason}", code="not_written", next=f"ls -ld {word(path.parent)}"
        ) from error
    return True


def _there(path: Path) -> bytes | None:
    """The bytes of the plain file at a path, None where nothing is."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise WrongUsage(
            f"{path} is no plain file, so it is left alone",
            code="in_the_way",
            next=f"ls -ld {word(path)}        shows what",
        )
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        return file.read(LARGEST)


def _in_the_way(path: Path) -> WrongUsage:
    return WrongUsage(
        f"{path} is there and is not this event's file",
        code="in_the_way",
        next="another folder, or --force replaces it",
    )


def _replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """By a new file beside it that takes its name: a link that appears meanwhile is replaced, not followed."""
    fresh = path.with_name(f".whcli-{os.urandom(8).hex()}")
    handle = private_file(fresh, mode=mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


LINKS = 40  # links that lead on to each other, as many as Linux follows
_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
"""Why a file's folder takes no new file, or the file no new one in its place, while the file itself may be written."""


def check_report(path: Path, what: str) -> None:
    """Refuse a report's place in which nothing can be written, before anything is done; raises WrongUsage.

    `what` is its name in a sentence: `the JUnit report`.
    """
    folder = path.parent
    if not folder.is_dir():
        raise WrongUsage(
            f"{what} {path} cannot be written: there is no folder {folder}", next=f"mkdir -p {word(folder)}"
        )
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise WrongUsage(f"{what} {path} cannot be written", next=f"ls -ld {word(folder)}")


def write_report(path: Path, text: str, what: str) -> None:
    """Write a report whole or not at all; what is there stays until then, and a device or a pipe is written to.

    Raises NotWritten.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if leads_to_device(path) or (path.exists() and not path.is_file()):
            with path.open("ab") as file:  # behind what others have written: `> log` makes /dev/stdout a file
                file.write(data)
        else:
            _put(path, data)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NotWritten(
            f"{what} {path} cannot be written: {reason}", next=f"df -h {word(path.absolute().parent)}"
        ) from error


def leads_to_device(path: Path) -> bool:
    """Whether a path, or a link that it is, lies in a folder of the system's own files, whatever they are just now.

    `/dev/stdout` is a link to `/proc/self/fd/1`, and that one to any file: nothing may take the place of either.
    """
    for _ in range(LINKS):
        path = Path(os.path.normpath(path.absolute()))
        if path.parts[1:2] == ("proc",) or (path.parts[1:2] == ("dev",) and path.parts[2:3] != ("shm",)):
            return True
        if not path.is_symlink():
            return False
        path = path.parent / path.readlink()
    return False


def _mode(path: Path) -> int:
    """The rights of the file that is to be replaced; of a new one what the umask leaves."""
    try:
        found = path.lstat().st_mode
    except OSError:
        return 0o666
    return stat.S_IMODE(found) if stat.S_ISREG(found) else 0o666


def _put(path: Path, data: bytes) -> None:
    try:
        _replace(path, data, mode=_mode(path))
    except OSError as error:
        if error.errno not in _IN_PLACE or not path.is_file():
            raise
        path.write_bytes(data)
