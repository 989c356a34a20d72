"""Opening a store: its folder and file, its settings, what SQLite complains of put into sentences.

Facts that shaped it (sqlite.org: pragma, wal, lang_transaction):

* WAL with `synchronous=FULL`: a commit returns after the log is synced, so what was acknowledged survives a power cut.
* SQLite before 3.51.3 can corrupt a database when two processes checkpoint a WAL at once. So only the holder of the
  listener's lock checkpoints; every other connection has `wal_autocheckpoint=0` and writes in short transactions.
* The switch to WAL does not wait for a lock: opening is tried again for some seconds.
* SQLite creates its files with the process's umask: the database file is made with mode 0600 before SQLite opens it,
  and `-wal` and `-shm` take its mode.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...rules.text import word
from ...words.errors import NothingMatched, StoreFailed
from .migrations import APPLICATION_ID, LATEST, migrate, version_of
from .private import FILE, READ_ME, private_file, refuse_foreign

BUSY = 5.0  # seconds to wait for another program's lock
ROOM = 64 << 10  # bytes free below which a failed write was one for lack of room
OURS = (FILE, "search.db", "tls", "listener.lock", "redact.key", ".gitignore", "README.txt", "spool")
"""What a store's folder holds."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about a store into one sentence each."""
    try:
        yield
    except sqlite3.Error as error:
        raise _sentence(path, error) from error
    except UnicodeDecodeError as error:  # SQLite's own complaint quotes damaged bytes
        raise StoreFailed(f"the store {path} is damaged", code="store_damaged", next=_aside(path.parent)) from error
    except OSError as error:
        raise StoreFailed(
            f"the store {path} cannot be opened or written: {(error.strerror or str(error)).lower()}",
            code={
                errno.EACCES: "store_permission",
                errno.EPERM: "store_permission",
                errno.EROFS: "store_permission",
                errno.ENOSPC: "store_full",
            }.get(error.errno or 0, "store_failed"),
            next=_space(path.parent)
            if error.errno == errno.ENOSPC
            else f"ls -ld {word(path.parent)}        shows who may",
        ) from error


def _sentence(path: Path, error: sqlite3.Error) -> StoreFailed:
    """What happened, by SQLite's result code (sqlite.org/rescode.html)."""
    name = _name(error)
    folder = path.parent
    if name.startswith("SQLITE_IOERR") and _is_full(folder):
        name = "SQLITE_FULL"
    for start, code, text, next in (
        ("SQLITE_NOTADB", "store_damaged", "is not a whcli store, or its first page is damaged", _aside(folder)),
        ("SQLITE_CORRUPT", "store_damaged", "is damaged", _aside(folder)),
        ("SQLITE_BUSY", "store_locked", "is locked by another program", f"fuser {word(path)}        shows which"),
        ("SQLITE_FULL", "store_full", "cannot grow: the disk is full", _space(folder)),
        ("SQLITE_READONLY", "store_permission", "cannot be written: it is read-only", f"ls -ld {word(folder)}"),
        ("SQLITE_CANTOPEN", "store_permission", "cannot be opened", f"ls -ld {word(folder)}        shows who may"),
        ("SQLITE_IOERR", "store_failed", "cannot be read or written: input/output error", f"df -h {word(folder)}"),
    ):
        if name.startswith(start):
            return StoreFailed(f"the store {path} {text}", code=code, next=next)
    return StoreFailed(f"the store {path} failed: {error}", next=_aside(folder))


def _name(error: sqlite3.Error) -> str:
    """`SQLITE_IOERR_SHMSIZE`; empty for an error of Python's own."""
    return getattr(error, "sqlite_errorname", "") or ""


def _is_full(folder: Path) -> bool:
    """Whether there is no room for another page or two."""
    with suppress(OSError, AttributeError):  # AttributeError: Windows
        system = os.statvfs(folder)
        return system.f_bavail * system.f_frsize < ROOM
    return False


def _space(folder: Path) -> str:
    return f"df -h {word(folder)}        shows the space"


def _aside(folder: Path) -> str:
    aside = word(f"{folder}.damaged")
    return f"mv {word(folder)} {aside}        sets it aside, untouched; the next listen makes a new one"


def make_folder(folder: Path) -> None:
    """The store's folder: for its owner only, ignored by git, explaining itself.

    A folder that holds other things is left as it is: `--store .` must not hide a project from git.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign(folder)
        if not all(path.name.startswith(OURS) for path in folder.iterdir()):
            return
        for name, text in ((".gitignore", "*\n"), ("README.txt", READ_ME)):
            with suppress(FileExistsError), os.fdopen(private_file(folder / name), "w") as file:
                file.write(text)
    except OSError as error:
        raise StoreFailed(
            f"the store folder {folder} cannot be made: {error.strerror}",
            code="store_permission",
            next="whcli listen --store DIR        takes another folder",
        ) from error


DAMAGED = (ValueError, TypeError, AttributeError)
"""What reading an event raises whose columns hold what was never written: SQLite does not notice every damage."""


def damaged(path: Path, id: int) -> StoreFailed:
    """The error for an event that cannot be read."""
    return StoreFailed(
        f"event #{id} in the store {path} is damaged",
        code="store_damaged",
        next=f"whcli rm {id}        removes it, and the others can be read",
    )


@contextmanager
def whole(path: Path, id: int | Callable[[], int]) -> Iterator[None]:
    """Name the event that is `DAMAGED`; a function tells the number of the one that was being read."""
    try:
        yield
    except DAMAGED:
        raise damaged(path, id if isinstance(id, int) else id()) from None


def is_there(path: Path) -> bool:
    """Whether there is a file; raises OSError where that cannot be seen."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def no_store(folder: Path) -> NothingMatched:
    """The error for a command that finds no store."""
    return NothingMatched(
        f"there is no store at {folder}", code="no_store", next="whcli listen        makes one and starts to capture"
    )


def open_database(path: Path, holder: bool) -> sqlite3.Connection:
    """Open, retrying for BUSY seconds: the switch to WAL does not wait for another opener by itself.

    On a full disk there is no room for the memory that connections share. Then it is opened for this one alone, which
    needs none (sqlite.org/wal.html section 8): what was captured can still be looked at, and exported elsewhere.
    """
    deadline = time.monotonic() + BUSY
    alone = False
    while True:
        try:
            return _opened(path, holder, alone=alone)
        except sqlite3.OperationalError as error:
            if _name(error).startswith("SQLITE_IOERR_SHM") and not alone:
                alone = True
                continue
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _opened(path: Path, holder: bool, *, alone: bool) -> sqlite3.Connection:
    _make_file(path)
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        if alone:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
        known(path, db)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone does not reach the disk
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA journal_size_limit = {64 << 20}")
        db.execute(f"PRAGMA wal_autocheckpoint = {1000 if holder else 0}")
        migrate(db)
        return db
    except BaseException:
        db.close()
        raise


def _make_file(path: Path) -> None:
    """Make a missing file, for its owner only; raises OSError for one that we may not write.

    A file that is there is never opened here: closing it again would take away the locks that this process holds on it
    through SQLite (sqlite.org/howtocorrupt.html section 2.2), and the next command to end beside a listener would
    delete the log under it.
    """
    with suppress(FileExistsError):
        os.close(private_file(path.resolve()))
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        code = errno.EROFS if _is_read_only(path) else errno.EACCES
        raise PermissionError(code, os.strerror(code))


def _is_read_only(path: Path) -> bool:
    """Whether the whole file system is."""
    with suppress(OSError, AttributeError):  # AttributeError: Windows
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    return False


def known(path: Path, db: sqlite3.Connection) -> None:
    """Refuse another program's database, or a newer version's store, before anything is written to it.

    The tables are looked at first: another process may be making the store just now, and sets its number with them. A
    trigger or a view is nothing of ours: a store that came along with a project could drop by one what is captured.
    """
    tables, alive = db.execute(
        "SELECT count(*), count(*) FILTER (WHERE type IN ('trigger', 'view')) FROM sqlite_master"
    ).fetchone()
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if alive or (tables and application != APPLICATION_ID):
        raise StoreFailed(
            f"{path} is another program's database", code="store_foreign", next="use another folder with --store DIR"
        )
    version = version_of(db)
    if version > LATEST:
        raise StoreFailed(
            f"the store {path} was written by a newer whcli (schema {version}, this one knows {LATEST})",
            code="store_newer",
            next="upgrade whcli, or use another folder with --store DIR",
        )
