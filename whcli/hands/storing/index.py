"""An index of the words in events, in a file beside the store's: `search.db`, SQLite's FTS5.

It is a file of its own so that an acknowledgement never waits for it: who writes it locks nothing of the store's. What
it holds can be made again, so it need not be on the disk before anybody goes on; and where it is missing, behind, older
or damaged, events are searched directly. The table keeps no text (`content=''`): the words of an event are made again
to take them out (sqlite.org/fts5.html section 4.4.3).

Of the events up to the newest in the index, all that are in the store are in it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...rules.searching import VERSION, indexed, searched
from ...words.event import Event
from .opening import BUSY, explained
from .private import SEARCH, private_file
from .reading import Reading
from .rows import EVENT, event_of
from .transaction import transaction

TAKEN_BYTES = 4 << 20  # bytes of body after which a transaction ends
DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")

_MAKE = (
    "DROP TABLE IF EXISTS words",
    "DROP TABLE IF EXISTS newest",
    "CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='ascii')",
    "CREATE TABLE newest (id INTEGER, uid TEXT)",  # whose index it is: the store may have been put in another's place
    "INSERT INTO newest VALUES (0, '')",
    f"PRAGMA user_version = {VERSION}",
)


class Index:
    """The open index; `open` and `made` give one, or None where there can be none."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self._path = path
        self._db = db

    @classmethod
    def open(cls, folder: Path) -> Index | None:
        """The index of a store, where there is one that can be used."""
        path = folder / SEARCH
        if not path.exists():
            return None
        with suppress(sqlite3.Error):
            db = _connected(path, holder=False)
            if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                return cls(path, db)
            db.close()
        return None

    @classmethod
    def made(cls, folder: Path) -> Index | None:
        """The index of a store, made where there is none; for the holder of the listener's lock.

        None where this SQLite has no FTS5, or the file cannot be written.
        """
        path = folder / SEARCH
        for _ in range(2):
            try:
                return cls(path, _made(path))
            except sqlite3.Error as error:
                if not (getattr(error, "sqlite_errorname", "") or "").startswith(DAMAGED):
                    return None
                for end in ("", "-wal", "-shm"):
                    path.with_name(path.name + end).unlink(missing_ok=True)
            except OSError:
                return None
        return None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with explained(self._path), transaction(self._db):
            yield self._db

    def take(self, reading: Reading, until: int, most: int) -> int:
        """Index the next events up to an arrival number and `most`, in one transaction; how many."""
        with self._writing() as db:
            if not belongs(db, "main", reading):
                self._empty(db)
            taken, weight, last = 0, 0, ("", 0)
            rows = f"SELECT {EVENT} FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"  # noqa: S608
            for row in reading.rows(rows, (newest(db, "main"), until, most)):
                db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row[0], _words(reading, row)))
                taken, weight, last = taken + 1, weight + len(row[7]), (row[1], row[0])
                if weight > TAKEN_BYTES:
                    break
            if taken:
                db.execute("UPDATE newest SET uid = ?, id = ?", last)
        return taken

    def forget(self, texts: dict[int, str]) -> None:
        """Take out what was indexed of events, by the texts it was made of."""
        with self._writing() as db:
            for id, text in texts.items():
                if db.execute("SELECT 1 FROM words_docsize WHERE id = ?", (id,)).fetchone():
                    db.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (id, text))

    def empty(self) -> None:
        """Forget everything; what is in the store is indexed again."""
        with self._writing() as db:
            self._empty(db)

    def _empty(self, db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO words (words) VALUES ('delete-all')")
        db.execute("UPDATE newest SET id = 0, uid = ''")


@contextmanager
def leaving(folder: Path, reading: Reading, ids: Sequence[int]) -> Iterator[None]:
    """Events that are removed from the store within are taken out of the index too, once they have gone."""
    index = Index.open(folder)
    if index is None:
        yield
        return
    with closing(index):
        marks = ", ".join("?" * len(ids))
        rows = reading.all(f"SELECT {EVENT} FROM events WHERE id IN ({marks})", ids)  # noqa: S608
        texts = {row[0]: _words(reading, row) for row in rows}
        yield
        index.forget(texts)


def forget_all(folder: Path) -> None:
    """Empty the index of a store where most of it is to go: a listener makes it again of what is left."""
    index = Index.open(folder)
    if index is not None:
        with closing(index):
            index.empty()


def newest(db: sqlite3.Connection, schema: str) -> int:
    """The newest arrival number in an index, 0 for none."""
    return int(db.execute(f"SELECT coalesce(max(id), 0) FROM {schema}.words_docsize").fetchone()[0])  # noqa: S608


def belongs(db: sqlite3.Connection, schema: str, reading: Reading) -> bool:
    """Whether an index is of this store: the event indexed last is in it, or was removed."""
    id, uid = db.execute(f"SELECT id, uid FROM {schema}.newest").fetchone()  # noqa: S608
    found = reading.all("SELECT uid FROM events WHERE id = ?", (id,))
    used = reading.all("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'")[0][0]
    return bool(found[0][0] == uid if found else id <= used)


def attached(reading: Reading, folder: Path) -> int:
    """Let a store's connection read the index as `search`; the newest number in it, 0 where there is none of use."""
    if not (folder / SEARCH).exists():
        return 0
    try:
        db = reading.db
        if "search" not in [row[1] for row in db.execute("PRAGMA database_list")]:
            db.execute("ATTACH ? AS search", (str(folder / SEARCH),))
        if db.execute("PRAGMA search.user_version").fetchone()[0] != VERSION or not belongs(db, "search", reading):
            return 0
        return newest(db, "search")
    except sqlite3.Error:
        return 0


def _connected(path: Path, *, holder: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {64 << 20}")
    db.execute(f"PRAGMA wal_autocheckpoint = {1000 if holder else 0}")  # see opening.py
    return db


def _made(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(private_file(path))
    db = _connected(path, holder=True)
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            with transaction(db):
                for statement in _MAKE:
                    db.execute(statement)
        return db
    except BaseException:
        db.close()
        raise


def _words(reading: Reading, row: Any) -> str:
    """What the index is given of a row of `EVENT`; of a damaged one nothing."""
    try:
        return indexed(searched(_beginning(reading, event_of(row, reading.db, 0))))
    except (ValueError, TypeError, AttributeError):
        return ""


def _beginning(reading: Reading, event: Event) -> Event:
    """An event with the beginning of its body, where that stands in pieces."""
    if not event.unread:
        return event
    pieces = reading.all("SELECT bytes FROM pieces WHERE event_id = ? AND place = 0", (event.id,))
    return replace(event, body=pieces[0][0] if pieces else b"")
