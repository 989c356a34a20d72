"""Which part of a filter SQL can decide, and which index leads to the events that pass.

SQL narrows, `match.differences` has the last word. Events stand in order of arrival; clocks go back, so a time says
nothing about that order: a range of times, as a range of texts, is read through its index and then put in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...rules.match import Filter


class Condition(NamedTuple):
    """A condition on `facts f`; events that pass can be found `through` an index, where there is one."""

    sql: str
    values: tuple[Any, ...]
    through: str | None = None
    ordered: bool = False  # what the index gives is in order of arrival


COLUMNS = ("type", "path", "provider", "signature", "method")
"""Columns of `facts` with an index of their own, the likely most telling first."""

LAST = chr(0x10FFFF)  # behind it there is no character

_NOT_OK = (
    "(SELECT status IS NULL OR status NOT BETWEEN 200 AND 299 FROM deliveries"
    " WHERE event_id = f.event_id ORDER BY id DESC LIMIT 1)"
)


def conditions(wanted: Filter) -> list[Condition]:
    """What SQL can decide of a filter about events whose facts are kept."""
    found = [each for column in COLUMNS for each in _on(column, getattr(wanted, column))]
    found += _between(wanted.since, wanted.until)
    return [*found, Condition(_NOT_OK, ())] if wanted.failed else found


def _on(column: str, pattern: str | None) -> Iterator[Condition]:
    """`charge.*` is a range of the index and a GLOB; to that a text ends at a NUL, so those are left to Python."""
    if pattern is None or not _storable(pattern):
        return
    index = f"facts_{column}"
    if "*" not in pattern or column == "signature":
        yield Condition(f"f.{column} = ?", (pattern,), index, ordered=True)
        return
    begins, _, _ = pattern.partition("*")
    if begins and begins[-1] != LAST:
        yield Condition(f"f.{column} >= ? AND f.{column} < ?", (begins, behind(begins)), index)
    escaped = pattern.replace("[", "[[]").replace("?", "[?]")
    yield Condition(f"(f.{column} GLOB ? OR instr(f.{column}, char(0)))", (escaped,))


def _storable(text: str) -> bool:
    """Whether SQLite can hold a text: in an argument, bytes that are no UTF-8 are surrogates, which it cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def behind(begins: str) -> str:
    """The first text behind all that begin so, in the order of UTF-8 bytes, which is that of code points."""
    code = ord(begins[-1]) + 1
    return begins[:-1] + chr(0xE000 if code == 0xD800 else code)  # surrogates are no characters


def _between(since: float | None, until: float | None) -> Iterator[Condition]:
    bounds = [(sql, value) for sql, value in (("f.received_at >= ?", since), ("f.received_at <= ?", until))]
    given = [(sql, value) for sql, value in bounds if value is not None]
    if given:
        yield Condition(" AND ".join(sql for sql, _ in given), tuple(value for _, value in given), "facts_received_at")
