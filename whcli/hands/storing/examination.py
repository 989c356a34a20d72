"""A store looked at without changing a byte of it: opened to read, its pages checked, nothing migrated or mended."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ...words.record import record
from .migrations import LATEST, version_of
from .opening import BUSY, explained, known
from .private import FILE

OPCODES = 20_000  # of SQLite's virtual machine between two looks at the clock
FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""SQLite's WAL-reset bug is mended from 3.51.3 on, and in the later patches of two branches (sqlite.org/wal.html)."""


@record
class Examined:
    """What was seen; sizes in bytes, times in unix seconds UTC."""

    version: int
    size: int
    log: int
    events: int
    newest: float | None
    damage: str  # SQLite's first complaint; empty for none
    whole: bool  # False: the time ran out before every page was checked

    @property
    def is_old(self) -> bool:
        """Whether the next command that opens it will bring its schema up to date."""
        return self.version < LATEST


def examined(folder: Path, patience: float | None) -> Examined:
    """Look at a store for `patience` seconds (None: to the end); raises StoreFailed where it cannot be read."""
    path = folder / FILE
    with _open(path) as db:
        version = version_of(db)
        damage, whole = _checked(db, patience)
        count, newest = db.execute(
            "SELECT (SELECT count(*) FROM events), (SELECT received_at FROM events ORDER BY id DESC LIMIT 1)"
        ).fetchone()
    log = path.with_name(FILE + "-wal")
    return Examined(
        version=version,
        size=path.stat().st_size,
        log=log.stat().st_size if log.exists() else 0,
        events=count,
        newest=newest,
        damage=damage,
        whole=whole,
    )


def has_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this SQLite can corrupt a store that two processes checkpoint at once."""
    branch = [fixed for fixed in FIXED if fixed[:2] == version[:2]]
    return version < (branch or FIXED)[0]


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    with explained(path):
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None)) as db:
            known(path, db)
            yield db


def _checked(db: sqlite3.Connection, patience: float | None) -> tuple[str, bool]:
    """SQLite's first complaint about pages, indexes and rows, and whether it came to the end."""
    deadline = None if patience is None else time.monotonic() + patience
    db.set_progress_handler(lambda: deadline is not None and time.monotonic() > deadline, OPCODES)
    try:
        said = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        orphan = db.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return "", False
    finally:
        db.set_progress_handler(None, 0)
    if said != "ok":
        return said.partition("\n")[2] or said, True
    return (f"a row of {orphan[0]} belongs to no event" if orphan else ""), True
