"""Events that go because others came or because they are old: which, and a few of them at a time.

The oldest go first, by arrival number. An age is counted from the arrival; what was imported did not arrive, and keeps
the time it was captured at somewhere else: it goes by number alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from ...rules.retention import Keep
from .store import ONCE, Store

ONCE_BYTES = 4 << 20  # bytes of their bodies; freeing a page takes time too


def surplus(store: Store, keep: Keep, now: float) -> int:
    """How many events are to go at `now` (unix seconds UTC); counts all, so not for hot paths."""
    with store.reading() as db:
        if keep.count is not None:
            return max(int(db.execute("SELECT count(*) FROM events").fetchone()[0]) - keep.count, 0)
        old = "SELECT count(*) FROM events WHERE received_at < ? AND NOT imported"
        return int(db.execute(old, (now - (keep.age or 0),)).fetchone()[0])


def oldest(store: Store, keep: Keep, now: float, most: int, until: int) -> list[int]:
    """The next events to go, `most` of them, none behind `until`; few enough for one transaction."""
    before = None if keep.age is None else now - keep.age
    found: list[int] = []
    weight = 0
    with store.reading() as db:
        for id, size in _candidates(db, before, min(most, ONCE), until):
            found.append(id)
            weight += size
            if weight > ONCE_BYTES:
                break
    return found


def _candidates(db: sqlite3.Connection, before: float | None, most: int, until: int) -> Iterator[tuple[int, int]]:
    """Arrival numbers and body sizes, oldest first; by age up to the first that is younger."""
    rows = (
        "SELECT id, coalesce(size, length(body)), received_at FROM events"
        " WHERE id <= ? AND (? OR NOT imported) ORDER BY id LIMIT ?"
    )
    for id, size, received_at in db.execute(rows, (until, before is None, most)):
        if before is not None and received_at >= before:
            return
        yield id, size


def next_expiry(store: Store, keep: Keep, now: float) -> float | None:
    """Seconds until the oldest event has reached its age; None where that needs another event to come."""
    if keep.age is None:
        return None
    with store.reading() as db:
        first = db.execute("SELECT received_at FROM events WHERE NOT imported ORDER BY id LIMIT 1").fetchone()
    return max(first[0] + keep.age - now, 0.0) if first else None
