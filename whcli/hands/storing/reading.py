"""Reading from an open database: rows, and the records made of them; what is damaged is named."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ...words.event import Entry, Event, Facts
from .opening import explained, whole
from .rows import EVENT, entry_of, event_of, facts_of


class Reading:
    """A database and the name of its file; one thread at a time."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.db = db
        self._path = path

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query, read one at a time; while some are left the database is held on to."""
        with explained(self._path):
            yield from self.db.execute(sql, values)

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        with explained(self._path):
            return self.db.execute(sql, values).fetchall()

    def whole(self, id: int | Callable[[], int]) -> AbstractContextManager[None]:
        """Within, an event that cannot be read as it stands is named as damaged."""
        return whole(self._path, id)

    def entry(self, row: Any) -> Entry:
        """A row of `ENTRY`; an event that no listener has worked on yet is recognised now."""
        recognised = None if row[6] else self._recognised(row[0])
        with self.whole(row[0]):
            return entry_of(row, recognised or facts_of(row[7:17]))

    def event(self, row: Any) -> Event:
        """The event of a row of `INSIDE` or `INSIDE_AND_FACTS`, its pieces too."""
        return event_of(row[:9], self.db, sys.maxsize)

    def facts(self, row: Any) -> Facts:
        """The facts kept of the event of such a row; else those recognised now."""
        if row[9]:
            return facts_of(row[10:])
        return _recognised(event_of(row[:9], self.db, 0))

    def _recognised(self, id: int) -> Facts:
        row = next(iter(self.all(f"SELECT {EVENT} FROM events WHERE id = ?", (id,))), None)  # noqa: S608
        if row is None:
            return Facts()
        with self.whole(id):
            event = event_of(row, self.db, 0)
        return _recognised(event)


def _recognised(event: Event) -> Facts:
    """What a listener that has not come to it yet would work out."""
    from ...rules.recognition.detect import detect  # its tables are needed nowhere else here

    return detect(event.headers, event.body)
