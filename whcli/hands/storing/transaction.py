"""One transaction that writes: all of it or nothing.

It begins with its write lock (`BEGIN IMMEDIATE`): one that reads first fails at once when somebody else wrote in
between, whatever the busy time-out (sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """What is written in the block is committed at its end, and taken back where it ends with an exception."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has taken it back already
            db.execute("ROLLBACK")
        raise
