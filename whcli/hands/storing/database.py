"""An open store: its database, the transactions in it, and how others' commits are noticed.

`opening.py` says what SQLite is told and why.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from .opening import explained, is_there, make_folder, no_store, open_database
from .private import FILE, keep_private
from .reading import Reading
from .transaction import transaction


class Database:
    """The database of one store; see `Store`."""

    def __init__(self, folder: Path | str, *, create: bool = False, holder: bool = False) -> None:
        self.folder = Path(folder)
        self.path = self.folder / FILE
        self.holder = holder
        with explained(self.path):
            if not is_there(self.path):
                if not create:
                    raise no_store(self.folder)
                make_folder(self.folder)
            keep_private(self.folder)
            self._db = open_database(self.path, holder)
        self._syncs = "FULL"
        self._reading = Reading(self._db, self.path)

    def close(self) -> None:
        """Close the database; nothing is lost when this is never called."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One short transaction; what was written is on disk when the block ends.

        Not `durable`: then it is safe from a crash of ours at once, and from a power cut with the next that is.
        """
        with explained(self.path):
            self._sync("FULL" if durable else "NORMAL")
            with transaction(self._db):
                yield self._db

    def _sync(self, how: str) -> None:
        """When the disk is waited for: after each commit (FULL), or before the log is reused (NORMAL)."""
        if how != self._syncs:
            self._db.execute(f"PRAGMA synchronous = {how}")
            self._syncs = how

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: what is read in the block belongs together, whatever is written meanwhile."""
        with explained(self.path):
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """No transaction: for what makes its own. Only the lock's holder may have its reasons."""
        with explained(self.path):
            yield self._db

    def version(self) -> int:
        """A number that differs after another connection has committed (sqlite.org/pragma.html#pragma_data_version)."""
        try:  # asked dozens of times a second: no more than the question
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return int(self._rows("PRAGMA data_version")[0][0])

    def bytes_used(self) -> int:
        """Bytes on disk, the log included."""
        names = (self.path, self.path.with_name(FILE + "-wal"))
        return sum(name.stat().st_size for name in names if name.exists())

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._reading.all(sql, values)
