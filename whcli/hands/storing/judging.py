"""What a store's events are, held against what they were to be."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...rules.assertions import Expected, Failure, failures
from ...rules.match import Filter, Miss
from ...words.event import Entry
from .store import Store
from .waiting import near_misses, settled


class Judgement(NamedTuple):
    """What came of it: nothing failed, or what did."""

    entries: tuple[Entry, ...]  # those that match, by arrival number
    failures: tuple[Failure, ...]
    after: int  # the arrival number behind which events counted
    cursor: int  # the newest arrival number that was looked at
    misses: tuple[Miss, ...] = ()  # where too few match: the events that came closest, the closest first


def judge(folder: Path, wanted: Filter, asked: Expected, *, after: int | None = None) -> Judgement:
    """Hold the events that match against an expectation, once their facts are noted.

    `after` is a cursor; without it events count since the newest listener began, or all where none did. Raises
    NothingMatched where there is no store, and StoreFailed.
    """
    with Store(folder) as store:
        after = after if after is not None else store.listened_after() or 0
        newest = settled(store)
        entries = tuple(store.entries(wanted, after=after, until=newest))
        found = failures(asked, entries)
        misses = near_misses(store, wanted, after) if len(entries) < asked.least else ()
        return Judgement(entries, found, after, newest, misses)
