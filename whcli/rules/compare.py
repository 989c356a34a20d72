"""Where two events differ: request line, headers, body; JSON field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ..words.event import Difference, Event, Headers, every
from .body import parsed
from .credentials import is_credential
from .masking import shown_target
from .present import masked_value
from .text import clip, safe

SHOWN = 120  # characters of a value
MOST = 200  # differences reported
BY_FIELDS = 6 << 20  # bytes of a body up to which JSON is compared field by field: 25 MB of it can take a gigabyte


class _Missing(str):
    """The word for what is not there, told apart from a value that reads the same."""


MISSING = _Missing("none")
"""Stands in a Difference, by identity, where one side has no such header or field."""


def compared(one: Event, other: Event, *, mask: bool = False) -> list[Difference]:
    """The differences, in the order of the request; empty when all that was sent is equal.

    With `mask` values that are secrets by the name they stand under are told apart and not shown.
    """
    return [
        *_lines(one, other, _masked_target if mask else _short),
        *_headers("headers", one.headers, other.headers, mask),
        *_bodies(one, other),
        *_headers("trailers", one.trailers, other.trailers),
    ]


def _lines(one: Event, other: Event, show: Callable[[bytes], str]) -> Iterator[Difference]:
    for field in ("method", "target"):
        a, b = getattr(one, field), getattr(other, field)
        if a != b:
            yield Difference(field=field, wanted=show(a), got=show(b))


def _masked_target(target: bytes) -> str:
    return clip(shown_target(target), SHOWN)


def _headers(part: str, one: Headers, other: Headers, mask: bool = False) -> Iterator[Difference]:
    """By name, in any case; repeats are compared in their order."""
    names = dict.fromkeys(name.lower() for name, _ in (*one, *other))
    for name in names:
        a, b = every(one, name), every(other, name)
        if a != b:
            if mask and is_credential(name):
                a, b = ([masked_value(value).encode() for value in values] for values in (a, b))
            yield Difference(field=f"{part}.{_short(name)}", wanted=_values(a), got=_values(b))


def _values(values: list[bytes]) -> str:
    return _short(b", ".join(values)) if values else MISSING


def _short(value: bytes | str) -> str:
    """The beginning of a value; only that is made safe, however long the value is."""
    return clip(safe(value[: 4 * SHOWN + 4]), SHOWN)


def _bodies(one: Event, other: Event) -> Iterator[Difference]:
    if one.body == other.body:
        return
    fits = max(len(one.body), len(other.body)) <= BY_FIELDS
    found = values_differ("body", parsed(one.headers, one.body), parsed(other.headers, other.body)) if fits else None
    yield from found or [bytes_differ("body", one.body, other.body)]


def values_differ(where: str, a: Any, b: Any, most: int | None = MOST) -> list[Difference] | None:
    """Where two parsed values differ, by their paths from `where`, at most `most` of them.

    None where one was not read (is None), or is nested as deep as the interpreter goes.
    """
    if a is None or b is None:
        return None
    try:
        return list(islice(_values_differ(where, a, b), most))
    except RecursionError:
        return None


def bytes_differ(where: str, one: bytes, other: bytes) -> Difference:
    """The first byte at which two texts differ, with what stands around it."""
    at = first_difference(one, other)
    return Difference(field=f"{where}, byte {at}", wanted=_around(one, at), got=_around(other, at))


def first_difference(one: bytes, other: bytes) -> int:
    """The offset of the first byte that differs."""
    at, end = 0, min(len(one), len(other))
    for step in (1 << 16, 1 << 8, 1):
        while at < end and one[at : at + step] == other[at : at + step]:
            at += step
    return min(at, end)


def _around(data: bytes, at: int) -> str:
    return safe(data[max(0, at - 20) : at + 40]) or "the end"


def _values_differ(path: str, a: Any, b: Any, level: int = 0) -> Iterator[Difference]:
    if isinstance(a, dict) and isinstance(b, dict) and level < 100:
        for key in dict.fromkeys([*a, *b]):
            yield from _values_differ(f"{path}.{_short(str(key))}", a.get(key, _NONE), b.get(key, _NONE), level + 1)
    elif isinstance(a, list) and isinstance(b, list) and level < 100:
        for n in range(max(len(a), len(b))):
            left, right = (items[n] if n < len(items) else _NONE for items in (a, b))
            yield from _values_differ(f"{path}[{n}]", left, right, level + 1)
    elif a != b or type(a) is not type(b):
        yield Difference(field=path, wanted=_json(a), got=_json(b))


_NONE = object()


def _json(value: Any) -> str:
    return MISSING if value is _NONE else _short(json.dumps(value, ensure_ascii=False))
