"""What a request shows, and the marks it is recognised by: both as short texts, read no further than needed.

A place names where a value stands:

    header:Name       the header's first value
    body:a.b.0.c      through the JSON, or a form's fields; a JSON text inside a form is entered too
    query:name        the first value of a query parameter
    has:a.b           `b`, when the body has something there

and `place=regex` is there only when the whole text matches.

A mark is a condition on one place: `Name` is a header that is there, `body:a.b` a field that is there; after `: ` (a
header) or `=` (body, query) stands a regular expression that the whole value matches; `!` turns a mark round.
`keys:a,b` is a JSON object with these keys and no other.

Headers are looked at first, since they cost next to nothing; the body is parsed at most once, and only when the bytes
of the field's name are in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ...words.event import Headers
from ..body import at, form, parsed

LONGEST = 200  # characters kept of a value: it comes from the sender
MISSING: Any = object()


class View:
    """One request, read lazily. `url` is a whole URL or a request target."""

    __slots__ = ("_headers", "_parsed", "_query", "body", "names", "url")

    def __init__(self, headers: Headers, body: bytes, url: str = "") -> None:
        self.names = {name.lower(): value for name, value in reversed(headers)}  # of repeats the first
        self.body, self.url = body, url
        self._headers = headers
        self._parsed: Any = MISSING
        self._query: dict[str, str] | None = None

    @property
    def parsed(self) -> Any:
        """The JSON or form of the body, else None; of JSON Lines the first line."""
        if self._parsed is MISSING:
            self._parsed = parsed(self._headers, self.body)
            if self._parsed is None and self.body[:1] == b"{":
                self._parsed = parsed((), self.body.split(b"\n", 1)[0])
        return self._parsed

    @property
    def query(self) -> dict[str, str]:
        """The query's names and first values."""
        if self._query is None:
            self._query = form(self.url.partition("?")[2].partition("#")[0].encode("utf-8", "replace"))
        return self._query

    def whole(self, place: str) -> str | None:
        """The text at a place, however long; None when it is no text."""
        ((kind, name, _),) = _places(place)
        value = READS[kind](self, name)
        return value if isinstance(value, str) else None

    def text(self, places: str) -> str | None:
        """The text at the first of `a|b` that holds a scalar, cut to LONGEST characters."""
        for kind, name, pattern in _places(places):
            text = text_of(READS[kind](self, name))
            if text is not None and (pattern is None or _compiled(pattern).fullmatch(text)):
                return text
        return None


def text_of(value: Any) -> str | None:
    """A scalar as text; objects, lists, booleans and empty text are no names."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    try:
        return str(value)[:LONGEST]
    except ValueError:  # an integer of more digits than the interpreter writes
        return None


def _header(view: View, name: str) -> str | None:
    value = view.names.get(name.lower().encode())
    return None if value is None else value.decode("utf-8", "replace")


def _has(view: View, path: str) -> str | None:
    return None if at(view.parsed, path) is None else path.rpartition(".")[2]


def _keys(view: View, names: str) -> bool | None:
    value = view.parsed
    return True if isinstance(value, dict) and value.keys() == set(names.split(",")) else None


READS: dict[str, Callable[[View, str], Any]] = {
    "header": _header,
    "body": lambda view, path: at(view.parsed, path),
    "query": lambda view, name: view.query.get(name),
    "has": _has,
    "keys": _keys,
}


@cache
def _places(places: str) -> tuple[tuple[str, str, str | None], ...]:
    """Kind, name and pattern of each of `a|b`."""
    return tuple(_place(place) for place in places.split("|") if place)


def _place(place: str) -> tuple[str, str, str | None]:
    kind, _, rest = place.partition(":")
    name, equals, pattern = rest.partition("=")
    return kind, name, pattern if equals else None


class Mark(NamedTuple):
    """One condition, taken apart."""

    kind: str
    name: str
    wanted: bool  # False: it must not be there
    pattern: str | None = None
    key: bytes = b""  # a header's name in lower case
    needle: bytes = b""  # bytes that a body with this field holds

    def holds(self, view: View) -> bool:
        """Whether the request shows it."""
        return self._shown(view) is self.wanted

    def _shown(self, view: View) -> bool:
        if self.kind == "header":
            raw = view.names.get(self.key)
            if raw is None or self.pattern is None:
                return raw is not None
            return _compiled(self.pattern).fullmatch(raw.decode("latin-1")) is not None
        if self.needle not in view.body:
            return False
        value = READS[self.kind](view, self.name)
        if value is None or self.pattern is None:
            return value is not None
        text = text_of(value)
        return text is not None and _compiled(self.pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def mark_of(text: str) -> Mark:
    """A mark's text taken apart."""
    wanted, text = not text.startswith("!"), text.removeprefix("!")
    for kind in ("body", "query", "keys"):
        if text.startswith(kind + ":"):
            name, equals, pattern = text.removeprefix(kind + ":").partition("=")
            needle = _needle(name) if kind != "query" else b""
            return Mark(kind, name, wanted, pattern if equals else None, needle=needle)
    name, colon, pattern = text.partition(": ")
    return Mark("header", name, wanted, pattern if colon else None, key=name.lower().encode())


def _needle(path: str) -> bytes:
    """The longest name of a path: a field's name stands in the body as it is, in JSON and in forms."""
    return max(re.split(r"[.,]", path), key=len).encode()


def all_hold(marks: tuple[Mark, ...], view: View) -> bool:
    """Whether every mark holds."""
    for mark in marks:  # noqa: SIM110 - asked of every event: the generator of an `all` costs more than most marks
        if not mark.holds(view):
            return False
    return True


def json_text(value: Any) -> bytes:
    """Compact JSON in UTF-8, as JavaScript's JSON.stringify writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
