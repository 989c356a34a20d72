"""The only SQL: events, what was worked out from them, and deliveries, in one SQLite file.

Facts that shaped it (sqlite.org: pragma, wal, lang_transaction):

* WAL with `synchronous=FULL`: a commit returns after the log is synced, so what was acknowledged survives a power cut.
* SQLite before 3.51.3 can corrupt a database when two processes checkpoint a WAL at once. So only the holder of the
  listener's lock checkpoints; every other connection has `wal_autocheckpoint=0` and writes in short transactions.
* A transaction that reads before it writes fails at once when somebody else wrote in between, whatever the busy
  time-out: every writing transaction is `BEGIN IMMEDIATE`.
* The switch to WAL does not wait for a lock: opening is tried again for some seconds.
* SQLite creates its files with the process's umask: the database file is made with mode 0600 before SQLite opens it,
  and `-wal` and `-shm` take its mode.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..rules.detect import detect
from ..rules.match import Filter, differences
from ..rules.ulid import ulid
from ..words.errors import NothingMatched, StoreFailed
from ..words.event import SIGNATURES, Arrival, Delivery, Entry, Event, Facts, Headers, Reply
from ..words.head import parse_head, parse_headers
from ..words.secret import Secret
from .migrations import APPLICATION_ID, LATEST, migrate, version_of

FILE = "store.db"
BUSY = 5.0  # seconds to wait for another program's lock
PAGE = 200  # rows read at a time while listing
READ_ME = """\
This folder belongs to whcli: the webhooks captured in this project, in store.db (SQLite), with what was sent for them.
It may hold secrets that senders put into headers. It is ignored by git. Deleting the folder forgets everything in it.
"""

OURS = (FILE, "listener.lock", ".gitignore", "README.txt")  # what a store's folder holds

_FACTS = (
    "provider, scheme, type, delivery_id, attempt, signature, reason, age, duplicate_of, reply"  # in the order of Facts
)
_ENTRY = """
    SELECT e.id, e.uid, e.received_at, e.head, length(e.body), e.peer, f.event_id,
           f.provider, f.scheme, f.type, f.delivery_id, f.attempt, f.signature, f.reason, f.age,
           f.duplicate_of, f.reply,
           d.id, d.kind, d.sent_at, d.method, d.url, d.attempt, d.latency, d.signed, d.failure, d.error,
           d.revision, d.status, d.reason, d.truncated, substr(d.body, 1, 400)
    FROM events e
    LEFT JOIN facts f ON f.event_id = e.id
    LEFT JOIN deliveries d ON d.id = (SELECT max(id) FROM deliveries WHERE event_id = e.id)
"""


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
            code={errno.EACCES: "store_permission", errno.EPERM: "store_permission", errno.ENOSPC: "store_full"}.get(
                error.errno or 0, "store_failed"
            ),
            next=f"ls -ld {path.parent}        shows who may",
        ) from error


def _sentence(path: Path, error: sqlite3.Error) -> StoreFailed:
    """What happened, by SQLite's result code (sqlite.org/rescode.html)."""
    name = getattr(error, "sqlite_errorname", "") or ""
    folder = path.parent
    for start, code, text, next in (
        ("SQLITE_NOTADB", "store_damaged", "is not a whcli store, or its first page is damaged", _aside(folder)),
        ("SQLITE_CORRUPT", "store_damaged", "is damaged", _aside(folder)),
        ("SQLITE_BUSY", "store_locked", "is locked by another program", f"fuser {path}        shows which"),
        ("SQLITE_FULL", "store_full", "cannot grow: the disk is full", f"df -h {folder}        shows the space"),
        ("SQLITE_READONLY", "store_permission", "cannot be written: it is read-only", f"ls -ld {folder}"),
        ("SQLITE_CANTOPEN", "store_permission", "cannot be opened", f"ls -ld {folder}        shows who may"),
        ("SQLITE_IOERR", "store_failed", "cannot be read or written: input/output error", f"df -h {folder}"),
    ):
        if name.startswith(start):
            return StoreFailed(f"the store {path} {text}", code=code, next=next)
    return StoreFailed(f"the store {path} failed: {error}", next=_aside(folder))


def _aside(folder: Path) -> str:
    return f"mv {folder} {folder}.damaged        sets it aside, untouched; the next listen makes a new one"


def make_folder(folder: Path) -> None:
    """The store's folder: for its owner only, ignored by git, explaining itself.

    A folder that holds other things is left as it is: `--store .` must not hide a project from git.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not all(path.name.startswith(OURS) for path in folder.iterdir()):
            return
        for name, text in ((".gitignore", "*\n"), ("README.txt", READ_ME)):
            if not (folder / name).exists():
                (folder / name).write_text(text)
    except OSError as error:
        raise StoreFailed(
            f"the store folder {folder} cannot be made: {error.strerror}",
            code="store_permission",
            next="whcli listen --store DIR        takes another folder",
        ) from error


class Store:
    """An open store.

    `folder` is the `.whcli` folder. With `create` a missing store is made, else NothingMatched is raised. `holder` is
    True for the one process that holds the listener's lock, and so may checkpoint. Every failure of the database is
    raised as StoreFailed. One Store serves one thread at a time.
    """

    def __init__(self, folder: Path, *, create: bool = False, holder: bool = False) -> None:
        self.folder = folder
        self.path = folder / FILE
        self.holder = holder
        with explained(self.path):
            if not _is_there(self.path):
                if not create:
                    raise no_store(folder)
                make_folder(folder)
            self._db = _open(self.path, holder)

    def close(self) -> None:
        """Close the database; nothing is lost when this is never called."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One short transaction; what was written is on disk when the block ends."""
        with explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    # -- writing ----------------------------------------------------------------------------------------------------

    def add(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Commit requests in one transaction; their arrival numbers, in order."""
        with self.writing() as db:
            return insert(db, arrivals)

    def add_event(self, event: Event) -> int:
        """Commit an event that was read from a file, under its own uid; its arrival number here."""
        head = event.head or b"%b %b HTTP/%b\r\n%b\r\n" % (
            event.method,
            event.target,
            event.version.encode(),
            _lines(event.headers) or b"",
        )
        values = (event.uid, event.received_at, head, not event.head, _lines(event.trailers), event.peer, event.body)
        with self.writing() as db:
            return int(db.execute(_INSERT_EVENT, values).lastrowid or 0)

    def note(self, facts: Iterable[tuple[Event, Facts]]) -> None:
        """Keep what was worked out from events, in one transaction."""
        with self.writing() as db:
            insert_facts(db, facts)

    def add_deliveries(self, deliveries: Iterable[Delivery]) -> None:
        """Keep deliveries and their replies, in one transaction."""
        with self.writing() as db:
            for delivery in deliveries:
                insert_delivery(db, delivery)

    def add_delivery(self, delivery: Delivery) -> int:
        """Keep a delivery and its reply; its number."""
        with self.writing() as db:
            return insert_delivery(db, delivery)

    def remove(self, ids: Sequence[int]) -> int:
        """Delete events with all that belongs to them; how many there were."""
        with self.writing() as db:
            return sum(db.execute("DELETE FROM events WHERE id = ?", (id,)).rowcount for id in ids)

    # -- reading ----------------------------------------------------------------------------------------------------

    def event(self, id: int) -> Event | None:
        """One event, with its bytes."""
        return next(self.events(id - 1, 1, until=id), None)

    def events(self, after: int, limit: int, until: int | None = None) -> Generator[Event]:
        """Events by arrival number, from behind a cursor, read one at a time: bodies can be large."""
        with explained(self.path):
            rows = self._db.execute(
                "SELECT id, uid, received_at, head, imported, trailers, peer, body FROM events"
                " WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
                (after, until if until is not None else sys.maxsize, limit),
            )
            for row in rows:
                with whole(self.path, row[0]):
                    event = _event(row)
                yield event

    def entry(self, id: int) -> Entry | None:
        """One line of the listing."""
        row = next(iter(self._rows(_ENTRY + " WHERE e.id = ?", (id,))), None)
        return self._entry(row) if row else None

    def entries(
        self, wanted: Filter | None = None, *, after: int = 0, newest: bool = False, limit: int | None = None
    ) -> Iterator[Entry]:
        """The entries that match, by arrival number; `newest` walks from the end. Reads a page at a time."""
        wanted = wanted or Filter()
        condition, values = _narrowed(wanted)
        cursor, left = (sys.maxsize if newest else after), limit
        while left is None or left > 0:
            edge = "e.id < ? ORDER BY e.id DESC" if newest else "e.id > ? ORDER BY e.id"
            page = self._rows(f"{_ENTRY} WHERE {condition} AND {edge} LIMIT ?", (*values, cursor, PAGE))
            for row in page:
                entry = self._entry(row)
                if entry.id > after and self._matches(wanted, entry):
                    yield entry
                    left = left - 1 if left is not None else None
                    if left == 0:
                        return
            if len(page) < PAGE or page[-1][0] <= after:
                return
            cursor = page[-1][0]

    def has(self, id: int) -> bool:
        """Whether there is an event with this number."""
        return bool(self._rows("SELECT 1 FROM events WHERE id = ?", (id,)))

    def ids(self, first: int, last: int | None) -> list[int]:
        """All arrival numbers from `first` to `last`, both included."""
        bound = sys.maxsize if last is None else last
        return [row[0] for row in self._rows("SELECT id FROM events WHERE id BETWEEN ? AND ?", (first, bound))]

    def by_uid(self, prefix: str) -> list[int]:
        """Arrival numbers of the events whose uid begins with a prefix, at most three."""
        low = prefix.upper()
        rows = self._rows("SELECT id FROM events WHERE uid >= ? AND uid < ? LIMIT 3", (low, low + "~"))
        return [row[0] for row in rows]

    def deliveries(self, event_id: int) -> tuple[Delivery, ...]:
        """All deliveries of an event, oldest first."""
        rows = self._rows(
            "SELECT id, kind, sent_at, method, url, attempt, latency, signed, failure, error, revision, status, reason,"
            " truncated, body, headers FROM deliveries WHERE event_id = ? ORDER BY id",
            (event_id,),
        )
        with whole(self.path, event_id):
            return tuple(_delivery(event_id, row[:15], row[15]) for row in rows)

    def last_id(self) -> int:
        """The newest arrival number, 0 in an empty store."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM events")[0][0])

    def noted_until(self) -> int:
        """The newest arrival number whose facts are kept."""
        return int(self._rows("SELECT coalesce(max(event_id), 0) FROM facts")[0][0])

    def nth_newest(self, n: int) -> int | None:
        """The arrival number of the newest event (n = 0), the one before (n = 1) ..."""
        rows = self._rows("SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?", (n,))
        return int(rows[0][0]) if rows else None

    def first_with(self, provider: str, delivery_id: str) -> int | None:
        """The oldest event with a provider's delivery id."""
        rows = self._rows(
            "SELECT min(event_id) FROM facts WHERE provider = ? AND delivery_id = ?",
            (provider, storable(delivery_id)),
        )
        first: int | None = rows[0][0]
        return first

    def kept_secrets(self) -> dict[tuple[str, str], list[Secret]]:
        """The secrets that arrived in handshakes, by scheme and path, the newest first."""
        kept: dict[tuple[str, str], list[Secret]] = {}
        for scheme, path, value in self._rows("SELECT scheme, path, value FROM kept_secrets ORDER BY id DESC"):
            kept.setdefault((scheme, path), []).append(Secret(value=value, label=f"the handshake at {path}"))
        return kept

    def bytes_used(self) -> int:
        """Bytes on disk, the log included."""
        names = (self.path, self.path.with_name(FILE + "-wal"))
        return sum(name.stat().st_size for name in names if name.exists())

    def count(self) -> int:
        """How many events there are; walks an index, so not for hot paths."""
        return int(self._rows("SELECT count(*) FROM events")[0][0])

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with explained(self.path):
            return self._db.execute(sql, values).fetchall()

    def _matches(self, wanted: Filter, entry: Entry) -> bool:
        def load() -> Event:
            event = self.event(entry.id)
            if event is None:
                raise NothingMatched(f"event #{entry.id} was removed meanwhile", next="whcli list")
            return event

        try:
            return not differences(wanted, entry, load)
        except NothingMatched:
            return False

    def _entry(self, row: Any) -> Entry:
        recognised = None if row[6] else self._recognised(row[0])
        with whole(self.path, row[0]):
            return _entry(row, recognised or _facts(row[7:17]))

    def _recognised(self, id: int) -> Facts:
        """Facts of an event that no listener has worked on yet."""
        event = self.event(id)
        return detect(event.headers, event.body) if event else Facts()


def kept_in(folder: Path) -> Callable[[str, str], Sequence[Secret]]:
    """The secrets kept from handshakes in a store, all read when first asked for; none where there is no store."""

    @cache
    def everything() -> dict[tuple[str, str], list[Secret]]:
        if not (folder / FILE).exists():
            return {}
        with Store(folder) as store:
            return store.kept_secrets()

    return lambda scheme, path: everything().get((scheme, path), ())


@contextmanager
def whole(path: Path, id: int) -> Iterator[None]:
    """Name the event whose columns hold what was never written: SQLite does not notice every damage."""
    try:
        yield
    except (ValueError, TypeError, AttributeError):
        raise StoreFailed(
            f"event #{id} in the store {path} is damaged",
            code="store_damaged",
            next=f"whcli rm {id}        removes it, and the others can be read",
        ) from None


def _is_there(path: Path) -> bool:
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


def _open(path: Path, holder: bool) -> sqlite3.Connection:
    """Open, retrying for BUSY seconds: the switch to WAL does not wait for another opener by itself."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            return _opened(path, holder)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _opened(path: Path, holder: bool) -> sqlite3.Connection:
    _make_file(path)
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        _known(path, db)
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
        os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _known(path: Path, db: sqlite3.Connection) -> None:
    """Refuse another program's database, or a newer version's store, before anything is written to it.

    The tables are looked at first: another process may be making the store just now, and sets its number with them.
    """
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != APPLICATION_ID:
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


_INSERT_EVENT = (
    "INSERT INTO events (uid, received_at, head, imported, trailers, peer, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_ARRIVAL = "INSERT INTO events (uid, received_at, head, trailers, peer, body) VALUES (?, ?, ?, ?, ?, ?)"


def insert(db: sqlite3.Connection, arrivals: Sequence[Arrival]) -> list[int]:
    """Add requests inside an open transaction; their arrival numbers."""
    random = os.urandom(10 * len(arrivals))
    return [
        db.execute(
            _INSERT_ARRIVAL,
            (
                ulid(arrival.received_at, random[10 * n : 10 * n + 10]),
                arrival.received_at,
                arrival.head,
                _lines(arrival.trailers),
                arrival.peer,
                arrival.body,
            ),
        ).lastrowid
        or 0
        for n, arrival in enumerate(arrivals)
    ]


def insert_facts(db: sqlite3.Connection, facts: Iterable[tuple[Event, Facts]]) -> None:
    """Add what was worked out, inside an open transaction; an event removed meanwhile is left out."""
    names = _FACTS.split(", ")
    sql = (
        f"INSERT OR REPLACE INTO facts (event_id, received_at, method, path, {_FACTS})"  # noqa: S608
        f" SELECT ?, ?, ?, ?, {', '.join('?' * len(names))} WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)"
    )
    for event, fact in facts:
        known = [storable(getattr(fact, name)) for name in names]
        db.execute(sql, (event.id, event.received_at, event.method.decode(), event.path, *known, event.id))


def storable(value: Any) -> Any:
    """A text that SQLite can hold: a lone surrogate, six letters in a sender's JSON, is written as they are."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def insert_delivery(db: sqlite3.Connection, delivery: Delivery) -> int:
    """Add a delivery inside an open transaction; 0 when its event was removed meanwhile."""
    reply = delivery.reply
    answer = (reply.status, reply.reason, _lines(reply.headers), reply.truncated, reply.body) if reply else (None,) * 5
    cursor = db.execute(
        "INSERT INTO deliveries (event_id, kind, sent_at, method, url, attempt, latency, signed, failure, error,"
        " revision, status, reason, headers, truncated, body)"
        " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)",
        (
            delivery.event_id,
            delivery.kind,
            delivery.sent_at,
            delivery.method,
            delivery.url,
            delivery.attempt,
            delivery.latency,
            delivery.signed,
            delivery.failure,
            delivery.error,
            delivery.revision,
            *answer,
            delivery.event_id,
        ),
    )
    return int(cursor.lastrowid or 0) if cursor.rowcount else 0


def keep_secret(db: sqlite3.Connection, scheme: str, path: str, secret: Secret, at: float) -> None:
    """Keep a secret that arrived in a handshake, inside an open transaction; `at` is unix seconds UTC.

    One that was kept before becomes the newest.
    """
    db.execute("DELETE FROM kept_secrets WHERE scheme = ? AND path = ? AND value = ?", (scheme, path, secret.value))
    db.execute(
        "INSERT INTO kept_secrets (scheme, path, value, kept_at) VALUES (?, ?, ?, ?)", (scheme, path, secret.value, at)
    )


def _lines(headers: Headers) -> bytes | None:
    """Headers as field lines, NULL for none."""
    return b"".join(b"%b: %b\r\n" % pair for pair in headers) or None


def _pairs(lines: bytes | None) -> Headers:
    return parse_headers(lines.split(b"\r\n")[:-1]) if lines else ()


def _event(row: Any) -> Event:
    id, uid, received_at, head, imported, trailers, peer, body = row
    _typed((uid, str), (received_at, float), (body, bytes))
    parsed = parse_head(head)
    return Event(
        id=id,
        uid=uid,
        received_at=received_at,
        method=parsed.method,
        target=parsed.target,
        version=parsed.version,
        headers=parsed.headers,
        trailers=_pairs(trailers),
        head=b"" if imported else head,
        body=body,
        peer=peer,
    )


def _typed(*columns: tuple[Any, type]) -> None:
    """Raise TypeError for a column that holds what was never written there."""
    for value, wanted in columns:
        if not isinstance(value, wanted):
            raise TypeError(f"{type(value).__name__} instead of {wanted.__name__}")


def _facts(row: Any) -> Facts:
    facts = Facts(**dict(zip(_FACTS.split(", "), row, strict=True)))
    if facts.signature not in SIGNATURES:
        raise ValueError("no state of a signature")
    return facts


def _entry(row: Any, facts: Facts) -> Entry:
    _typed((row[1], str), (row[2], float), (row[4], int))
    head = parse_head(row[3])
    return Entry(
        id=row[0],
        uid=row[1],
        received_at=row[2],
        method=head.method,
        target=head.target,
        size=row[4],
        peer=row[5],
        facts=facts,
        last=_delivery(row[0], row[17:], None) if row[17] else None,
    )


def _delivery(event_id: int, row: Any, headers: bytes | None) -> Delivery:
    """A row (id, kind, sent_at, method, url, attempt, latency, signed, failure, error, revision, status, reason,
    truncated, body)."""
    id, kind, sent_at, method, url, attempt, latency, signed, failure, error, revision, status, *answer = row
    reason, truncated, body = answer
    _typed((method, bytes), (sent_at, float), (body or b"", bytes), (status or 0, int), (latency or 0.0, float))
    reply = Reply(
        status=status, headers=_pairs(headers), body=body or b"", reason=reason or "", truncated=bool(truncated)
    )
    return Delivery(
        id=id,
        event_id=event_id,
        kind=kind,
        sent_at=sent_at,
        method=method,
        url=url,
        attempt=attempt,
        latency=latency,
        signed=signed,
        failure=failure,
        error=error,
        revision=revision,
        reply=reply if status is not None else None,
    )


def _narrowed(wanted: Filter) -> tuple[str, list[Any]]:
    """The part of a filter that SQL can decide. Events without facts pass; `match.differences` has the last word."""
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("provider", "type", "method", "path"):
        pattern = getattr(wanted, column)
        if pattern is not None:
            is_glob = "*" in pattern  # to SQLite's GLOB a text ends at a NUL, so that those are left to Python
            conditions.append(f"(f.{column} GLOB ? OR instr(f.{column}, char(0)))" if is_glob else f"f.{column} = ?")
            values.append(pattern.replace("[", "[[]").replace("?", "[?]") if is_glob else pattern)
    for condition, value in (
        ("f.signature = ?", wanted.signature),
        ("f.received_at >= ?", wanted.since),
        ("f.received_at <= ?", wanted.until),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    narrowed = " AND ".join(conditions)
    return (f"(f.event_id IS NULL OR ({narrowed}))" if narrowed else "1"), values
