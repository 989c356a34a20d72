"""The entries that match a filter, found without looking at every event where that can be helped.

Three kinds of reading, each in pages, so that a slow reader of the output never holds on to the database:

* by the facts, through the index that promises the fewest events, or in order of arrival where none promises few;
* through events whose facts nobody has kept yet: those behind the newest kept facts;
* where a filter looks into bodies, each event's bytes once, and the whole entry only of those that pass.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ...rules.match import Filter, Inside, differences, looking_inside
from ...words.errors import StoreFailed
from ...words.event import Entry
from .narrowing import Condition, conditions
from .reading import Reading
from .rows import ENTRY, INSIDE, INSIDE_AND_FACTS

PAGE = 200  # rows read at a time
PAGE_BYTES = 8 << 20  # bytes of body after which a page ends
FEW = 5_000  # events: an index that gives fewer leads to them
_WALKED = "facts f NOT INDEXED"
NEAR = 10_000  # events that are walked before very many are sorted


class Stretch(NamedTuple):
    """Arrival numbers between two, both left out, and what SQL knows to ask of the facts there."""

    above: int
    below: int
    known: tuple[Condition, ...] = ()
    lead: Condition | None = None  # its index is read; without one events are walked in order of arrival
    dense: bool = False  # the lead gives very many
    words: str | None = None  # or the index of words leads, with this query


class Listing:
    """One walk over a store for a filter; `newest` goes backwards."""

    def __init__(self, reading: Reading, folder: Path, wanted: Filter, *, newest: bool) -> None:
        self._reading = reading
        self._folder = folder
        self._rows = reading.rows
        self._wanted = wanted
        self._outside = replace(wanted, where=None, search=None)
        self._newest = newest
        self._order = "DESC" if newest else "ASC"

    def entries(self, after: int, until: int, limit: int | None) -> Iterator[Entry]:
        """The entries that match, behind `after` and up to `until`, at most `limit`."""
        left = limit
        for stretch in self._stretches(after, until, limit):
            for page in self._pages(stretch, limit):
                for entry in page:
                    if left == 0:
                        return
                    yield entry
                    left = left - 1 if left is not None else None

    def _stretches(self, after: int, until: int, limit: int | None) -> Iterator[Stretch]:
        """What has facts, and what has none yet."""
        known = tuple(conditions(self._wanted))
        end = min(until, sys.maxsize - 1) + 1
        if not known and self._wanted.search is None:
            return iter([Stretch(after, end)])
        noted = end - 1
        if known:
            noted = min(next(self._rows("SELECT coalesce(max(event_id), 0) FROM facts", ()))[0], noted)
        parts = [*self._known(after, noted, known, limit), Stretch(max(after, noted), end)]
        return reversed(parts) if self._newest else iter(parts)

    def _known(self, after: int, noted: int, known: tuple[Condition, ...], limit: int | None) -> Iterator[Stretch]:
        """Where there are facts. A dense range would have to be sorted: look among the nearest first."""
        lead, dense = self._lead(known) if known and noted - after > FEW else (None, False)
        middle = max(after, noted - NEAR)
        if self._wanted.search is not None and (dense or lead is None):
            from ...rules.searching import phrases, query
            from .index import attached

            words, searchable = query(phrases(self._wanted.search)), attached(self._reading, self._folder)
            indexed = max(after, min(searchable, noted))
            yield Stretch(after, indexed + 1, known, words=words)
            yield Stretch(indexed, noted + 1, known)
        elif dense and lead and not lead.ordered and self._newest and limit is not None:
            yield Stretch(after, middle + 1, known, lead, dense)
            yield Stretch(middle, noted + 1, known)
        else:
            yield Stretch(after, noted + 1, known, lead, dense)

    def _lead(self, known: tuple[Condition, ...]) -> tuple[Condition | None, bool]:
        """The index to read: the one with the fewest events, else one in order of arrival, else any."""
        leading = [each for each in known if each.through]
        counted = {each: self._count(each) for each in leading}
        few = [each for each in leading if counted[each] < FEW]
        if few:
            return min(few, key=lambda each: counted[each]), False
        return next((each for each in leading if each.ordered), next(iter(leading), None)), True

    def _count(self, condition: Condition) -> int:
        sql = f"SELECT 1 FROM facts f INDEXED BY {condition.through} WHERE {condition.sql} LIMIT {FEW}"  # noqa: S608
        return int(next(self._rows(f"SELECT count(*) FROM ({sql})", condition.values))[0])  # noqa: S608

    # -- pages ------------------------------------------------------------------------------------------------------

    def _pages(self, stretch: Stretch, limit: int | None) -> Iterator[list[Entry]]:
        """Entries that match, in order, some at a time."""
        size = PAGE if limit is None or self._wanted != Filter() else min(PAGE, limit)
        while stretch.above + 1 < stretch.below and size > 0:
            which, values = self._which(stretch, size)
            read = self._inside if self._wanted.needs_body else self._plain
            try:
                last, count, found = read(which, values)
            except StoreFailed:
                if stretch.words is None:
                    raise
                stretch = stretch._replace(words=None)  # the index is damaged: do without
                continue
            yield found
            if count < size:
                return
            stretch = stretch._replace(below=last) if self._newest else stretch._replace(above=last)
            if stretch.dense and stretch.lead and not stretch.lead.ordered:  # rather than sort them all again, walk
                stretch = stretch._replace(lead=None)

    def _which(self, stretch: Stretch, many: int) -> tuple[str, list[Any]]:
        """The end of a query that reads the next events `e` of a stretch, in order."""
        bounds = [stretch.above, stretch.below, many]
        if not stretch.known and stretch.words is None:
            return f"WHERE e.id > ? AND e.id < ? ORDER BY e.id {self._order} LIMIT ?", bounds
        narrowed = "".join(f"{each.sql} AND " for each in stretch.known)
        values = [value for each in stretch.known for value in each.values]
        if stretch.words is not None:
            id, source = "w.rowid", "search.words w"
            source += " CROSS JOIN facts f ON f.event_id = w.rowid" if stretch.known else ""
            narrowed, values = f"w.words MATCH ? AND {narrowed}", [stretch.words, *values]
        else:
            id, source = "f.event_id", f"facts f INDEXED BY {stretch.lead.through}" if stretch.lead else _WALKED
        inner = (
            f"SELECT {id} FROM {source} WHERE {narrowed}{id} > ? AND {id} < ?"  # noqa: S608
            f" ORDER BY {id} {self._order} LIMIT ?"
        )
        return f"WHERE e.id IN ({inner}) ORDER BY e.id {self._order}", [*values, *bounds]

    def _plain(self, which: str, values: list[Any]) -> tuple[int, int, list[Entry]]:
        """A page decided by its entries alone: the last number read, how many were, and those that match."""
        rows = list(self._rows(f"{ENTRY} {which}", values))
        return (rows[-1][0] if rows else 0), len(rows), self._matching(rows)

    def _inside(self, which: str, values: list[Any]) -> tuple[int, int, list[Entry]]:
        """A page decided by what is inside the events; of those that pass the entries are read."""
        holds, asks_facts = looking_inside(self._wanted)
        last, count, taken, passed = 0, 0, 0, []
        with self._reading.whole(lambda: last):
            for row in self._rows(f"{INSIDE_AND_FACTS if asks_facts else INSIDE} {which}", values):
                last, count, taken = row[0], count + 1, taken + (len(row[7]) if row[8] is None else row[8])
                if holds(_inside(self._reading, row)):
                    passed.append(last)
                if taken > PAGE_BYTES:
                    count = sys.maxsize  # there may be more
                    break
        marks = ", ".join("?" * len(passed))
        rows = self._rows(f"{ENTRY} WHERE e.id IN ({marks}) ORDER BY e.id {self._order}", passed) if passed else ()
        return last, count, self._matching(list(rows))

    def _matching(self, rows: list[Any]) -> list[Entry]:
        entries = [self._reading.entry(row) for row in rows]
        return [each for each in entries if not differences(self._outside, each, _no_bytes)]


def _inside(reading: Reading, row: Any) -> Inside:
    """A row of `INSIDE` or `INSIDE_AND_FACTS` for the filters that look there; pieces are read when asked for."""
    return Inside(row[0], reading.event, reading.facts, row, row[7] if row[8] is None else None)


def _no_bytes() -> NoReturn:
    raise AssertionError("the filter does not look inside")
