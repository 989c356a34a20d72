"""The store's schema, as steps that are only ever appended.

Each step runs in one transaction with its number (`PRAGMA user_version`): a failure takes both back. A new store takes
all of them in one, since each transaction waits for the disk. `executescript` would commit first, so a step is a tuple
of statements.
"""

from __future__ import annotations

import sqlite3
from itertools import chain

from .transaction import transaction

APPLICATION_ID = 0x77686B31  # "whk1": tells our database from another program's

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # The acknowledgement waits for this table alone: one row, one index. The body stands last, so that reading
        # the other columns does not walk its overflow pages.
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,  -- arrival number; never used twice, so that cursors hold
            uid TEXT NOT NULL,                     -- ULID
            received_at REAL NOT NULL,             -- unix seconds, UTC
            head BLOB NOT NULL,                    -- raw request head; rebuilt from its fields when imported
            imported INTEGER NOT NULL DEFAULT 0,   -- 1: the head is not the sender's own bytes
            trailers BLOB,                         -- field lines, NULL for none
            peer TEXT,
            body BLOB NOT NULL
        )""",
        "CREATE UNIQUE INDEX events_uid ON events (uid)",
        # What was worked out from an event, after its acknowledgement.
        """CREATE TABLE facts (
            event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
            received_at REAL NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            provider TEXT,
            scheme TEXT,
            type TEXT,
            delivery_id TEXT,
            attempt INTEGER,
            signature TEXT NOT NULL,
            reason TEXT,
            age REAL,
            duplicate_of INTEGER,
            reply INTEGER                          -- status the sender got
        )""",
        "CREATE INDEX facts_delivery ON facts (provider, delivery_id) WHERE delivery_id IS NOT NULL",
        """CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            kind TEXT NOT NULL,                    -- forward, relay, replay
            sent_at REAL NOT NULL,                 -- unix seconds, UTC
            method BLOB NOT NULL,
            url TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            latency REAL,                          -- seconds
            signed TEXT,                           -- scheme it was signed with afresh
            failure TEXT,                          -- one word, NULL when there is a reply
            error TEXT,
            status INTEGER,                        -- NULL: no reply
            reason TEXT,
            headers BLOB,                          -- the reply's field lines
            truncated INTEGER,
            body BLOB
        )""",
        "CREATE INDEX deliveries_event ON deliveries (event_id)",
    ),
    (
        # Secrets that providers send in a handshake (Asana, Notion): the newest for a scheme and path counts.
        """CREATE TABLE kept_secrets (
            id INTEGER PRIMARY KEY,
            scheme TEXT NOT NULL,
            path TEXT NOT NULL,
            value BLOB NOT NULL,
            kept_at REAL NOT NULL                  -- unix seconds, UTC
        )""",
    ),
    ("ALTER TABLE deliveries ADD COLUMN revision TEXT",),  # the commit that was checked out
    (
        # Large bodies, so that nobody has to hold one whole; `events.body` is then empty.
        """CREATE TABLE pieces (
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            place INTEGER NOT NULL,                -- 0, 1, 2 ...
            bytes BLOB NOT NULL,
            PRIMARY KEY (event_id, place)
        )""",
        "ALTER TABLE events ADD COLUMN size INTEGER",  # bytes in pieces; NULL: the body is in the row
    ),
    (
        # When each `listen` on this store began: what came "since the newest listener" is what came behind its cursor.
        """CREATE TABLE listens (
            id INTEGER PRIMARY KEY,
            started_after INTEGER NOT NULL,        -- the newest arrival number at that moment
            started_at REAL NOT NULL,              -- unix seconds, UTC
            pid INTEGER NOT NULL,
            url TEXT NOT NULL
        )""",
    ),
    # What filters ask for; within equal values an index stands in order of arrival.
    tuple(
        f"CREATE INDEX facts_{column} ON facts ({column})"
        for column in ("received_at", "method", "path", "provider", "type", "signature")
    ),
    (
        # What else an imported fixture's file said: it stands there again when the event is exported.
        """CREATE TABLE fixtures (
            event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
            redacted INTEGER NOT NULL,
            fields TEXT NOT NULL                   -- a JSON object: names and the JSON texts of their values
        )""",
    ),
)

LATEST = len(STEPS)


def version_of(db: sqlite3.Connection) -> int:
    """The number of the last step that this database has seen."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, steps: tuple[tuple[str, ...], ...] = STEPS) -> None:
    """Bring a database to the newest schema, one transaction a step, a new one at once; several processes may try."""
    while (known := version_of(db)) < len(steps):
        _take(db, steps[known : known + 1] if known else steps, known)


def _take(db: sqlite3.Connection, steps: tuple[tuple[str, ...], ...], known: int) -> None:
    """Take the steps behind a number; nothing happens where another process was quicker."""
    with transaction(db):
        if version_of(db) == known:
            for statement in chain.from_iterable(steps):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {known + len(steps)}")
