"""Which events there are: their arrival numbers, by what is asked of them; no event is read."""

from __future__ import annotations

import sys

from .database import Database
from .rows import storable


class Finding(Database):
    """What a store answers from its columns and indexes alone; see `Store`."""

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

    def uids(self, limit: int) -> list[str]:
        """The uids of the newest events, the newest first."""
        return [row[0] for row in self._rows("SELECT uid FROM events ORDER BY id DESC LIMIT ?", (limit,))]

    def seen(self, column: str, limit: int) -> list[str]:
        """The different values of `provider` or `type` among the newest events, the newest first."""
        if column not in ("provider", "type"):
            raise ValueError(column)
        rows = self._rows(f"SELECT {column} FROM facts ORDER BY event_id DESC LIMIT ?", (limit,))  # noqa: S608
        return [value for value in dict.fromkeys(row[0] for row in rows) if value]

    def ids_before(self, moment: float) -> list[int]:
        """Arrival numbers of the events that were received before a moment, in unix seconds UTC."""
        return [row[0] for row in self._rows("SELECT id FROM events WHERE received_at < ? ORDER BY id", (moment,))]

    def last_id(self) -> int:
        """The newest arrival number, 0 in an empty store."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM events")[0][0])

    def noted_until(self) -> int:
        """The newest arrival number whose facts are kept."""
        return int(self._rows("SELECT coalesce(max(event_id), 0) FROM facts")[0][0])

    def listened_after(self) -> int | None:
        """The newest arrival number when the newest listener began; None where none ever did."""
        rows = self._rows("SELECT started_after FROM listens ORDER BY id DESC LIMIT 1")
        return int(rows[0][0]) if rows else None

    def nth_newest(self, n: int) -> int | None:
        """The arrival number of the newest event (n = 0), the one before (n = 1) ..."""
        rows = self._rows("SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?", (n,))
        return int(rows[0][0]) if rows else None

    def first_with(self, provider: str, delivery_id: str) -> int | None:
        """The oldest event with a provider's delivery id."""
        rows = self._rows(
            "SELECT event_id FROM facts WHERE provider = ? AND delivery_id = ? ORDER BY event_id LIMIT 1",
            (provider, storable(delivery_id)),  # min() would look at every one of a thousand attempts
        )
        return int(rows[0][0]) if rows else None

    def count(self) -> int:
        """How many events there are; walks an index, so not for hot paths."""
        return int(self._rows("SELECT count(*) FROM events")[0][0])
