"""A store as a whole: what it holds, a copy of it, the space that removed events have left.

* A copy is made by SQLite's online backup (sqlite.org/backup.html) from one snapshot, so a listener goes on meanwhile.
  It gets its name only when it has been read again and found whole.
* `VACUUM` writes all pages anew, and they reach the file by a checkpoint. So only the holder of the listener's lock may
  do it: SQLite before 3.51.3 can corrupt a database when two processes checkpoint at once (see `opening.py`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ...rules.text import word
from ...words.errors import StoreFailed, WrongUsage
from ...words.record import record
from .migrations import version_of
from .private import private_file
from .store import Store

STEP = 2048  # pages copied before Ctrl-C is heard


@record
class Holding:
    """What a store holds; times are unix seconds UTC, sizes bytes."""

    schema: int
    size: int  # of the database
    log: int  # of its write-ahead log
    free: int  # left by removed events, inside `size`
    events: int
    deliveries: int
    first: tuple[int, float] | None  # the oldest event: arrival number and time
    last: tuple[int, float] | None
    providers: tuple[tuple[str | None, int], ...]  # None: not recognised; the most frequent first


def holding(store: Store) -> Holding:
    """Count what a store holds, in one snapshot."""
    with store.reading() as db:
        edge = "SELECT id, received_at FROM events ORDER BY id {} LIMIT 1"
        return Holding(
            schema=version_of(db),
            size=store.path.stat().st_size,
            log=_size(store.path.with_name(store.path.name + "-wal")),
            free=_number(db, "PRAGMA freelist_count") * _number(db, "PRAGMA page_size"),
            events=_number(db, "SELECT count(*) FROM events"),
            deliveries=_number(db, "SELECT count(*) FROM deliveries"),
            first=db.execute(edge.format("ASC")).fetchone(),
            last=db.execute(edge.format("DESC")).fetchone(),
            providers=tuple(
                db.execute(
                    "SELECT f.provider, count(*) FROM events e LEFT JOIN facts f ON f.event_id = e.id"
                    " GROUP BY f.provider ORDER BY count(*) DESC, f.provider"
                )
            ),
        )


def free(store: Store) -> int:
    """Bytes that removed events have left inside the file."""
    with store.reading() as db:
        return _number(db, "PRAGMA freelist_count") * _number(db, "PRAGMA page_size")


def vacuum(store: Store) -> bool:
    """Give the space of removed events back to the file system; the caller holds the listener's lock.

    False where another command was reading: what it reads stays until the next one that closes the store.
    """
    os.environ.setdefault("SQLITE_TMPDIR", str(store.folder.resolve()))  # the copy on its way is nobody else's to see
    with store.alone() as db:
        db.execute("VACUUM")
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


# -- a copy ---------------------------------------------------------------------------------------------------------


def backup(store: Store, target: Path) -> int:
    """Copy a store into a new file, readable by its owner alone, and read it again; how many events it holds.

    Raises WrongUsage where the file cannot be made, StoreFailed where the copy fails or is not whole.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with _written(target):
        if target.exists() or target.is_symlink():
            raise FileExistsError(None, "it exists already")
        os.close(private_file(part))
    try:
        with _written(target):
            found = _copied(store, part)
            _named(part, target)
        return found
    finally:
        part.unlink(missing_ok=True)


def _copied(store: Store, part: Path) -> int:
    """Copy one snapshot, and compare the copy with it."""
    with store.reading() as db:
        count, newest = db.execute("SELECT count(*), max(id) FROM events").fetchone()
        with closing(_opened(part)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")  # a copy that is not ended is thrown away
            db.backup(copy, pages=STEP, sleep=0)
    with closing(_opened(part)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself
        damage = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if damage != "ok" or copy.execute("SELECT count(*), max(id) FROM events").fetchone() != (count, newest):
            raise StoreFailed(
                f"the copy of the store {store.path} is not whole ({damage}), and was thrown away",
                code="store_damaged",
                next="whcli doctor        says whether the store itself is damaged",
            )
    return int(count)


def _named(part: Path, target: Path) -> None:
    """Give the copy its name, once it is on the disk; never in place of another file."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        part.rename(target)


@contextmanager
def _written(target: Path) -> Iterator[None]:
    """What keeps the copy from being written, as a sentence about it and not about the store."""
    try:
        yield
    except OSError as error:
        raise WrongUsage(
            f"the backup {target} cannot be written: {(error.strerror or str(error)).lower()}",
            code="output_failed",
            next="whcli store backup FILE        makes a new file in a folder that is there",
        ) from error
    except StoreFailed as error:
        cause = error.__cause__
        name = getattr(cause, "sqlite_errorname", "") if isinstance(cause, sqlite3.Error) else ""
        if not name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise
        raise StoreFailed(
            f"the backup {target} cannot be written: {cause}",
            code="output_failed",
            next=f"df -h {word(target.parent)}        shows the space",
        ) from error


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
