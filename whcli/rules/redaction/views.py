"""A text read through its escapes, each character knowing where it stands in the source.

What is found in the reading can so be replaced in the source, and no other byte changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from typing import NamedTuple
from urllib.parse import quote


class View(NamedTuple):
    """A reading of a text: `at[i]` is where character i begins in the source, and the last one where it ends."""

    text: str
    at: Sequence[int]
    write: Callable[[str], str] = str  # how a text is escaped in the source

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Where a stretch of the reading lies in the source."""
        return self.at[begin], self.at[end]


def plain(text: str) -> View:
    """The text as it stands."""
    return View(text, range(len(text) + 1))


def _read(text: str, form: re.Pattern[str], read: Callable[[str], Iterator[tuple[str, int]]]) -> tuple[str, list[int]]:
    """The text with every escape of a form read; `read` gives each character and the length of what it stands for."""
    out: list[str] = []
    at: list[int] = []
    place = 0
    for match in form.finditer(text):
        out.append(text[place : match.start()])
        at.extend(range(place, match.start()))
        place = match.start()
        for character, length in read(match.group()):
            out.append(character)
            at.append(place)
            place += length
        place = match.end()
    out.append(text[place:])
    at.extend(range(place, len(text) + 1))
    return "".join(out), at


_JSON = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[\"\\/bfnrt]")


def json_view(text: str) -> View:
    """The inside of a JSON string."""
    if "\\" not in text:
        return View(text, range(len(text) + 1), _json_written)
    return View(*_read(text, _JSON, lambda escape: iter([(json.loads(f'"{escape}"'), len(escape))])), _json_written)


def _json_written(text: str) -> str:
    return json.dumps(text)[1:-1]


_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_FORM = re.compile(r"(?:%[0-9A-Fa-f]{2})+|\+")


def percent_view(text: str) -> View:
    """A text with percent-encoding, as in a path."""
    return View(*_read(text, _PERCENT, _bytes), _quoted)


def form_view(text: str) -> View:
    """A value of a form or query: `+` is a space too."""
    return View(*_read(text, _FORM, lambda found: iter([(" ", 1)]) if found == "+" else _bytes(found)), _quoted)


def _bytes(escapes: str) -> Iterator[tuple[str, int]]:
    data = bytes.fromhex(escapes.replace("%", ""))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        yield from ((character, 3) for character in text)
        return
    yield from ((character, 3 * len(character.encode())) for character in text)


def _quoted(text: str) -> str:
    return quote(text, safe="@-._~")


_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")


def entity_view(text: str) -> View:
    """Text of XML or HTML."""
    return View(*_read(text, _ENTITY, _entity))


def _entity(escape: str) -> Iterator[tuple[str, int]]:
    read = unescape(escape)
    yield (read, len(escape)) if len(read) == 1 else (" ", len(escape))


def readings(text: str) -> Iterator[View]:
    """The text as it stands, and read through every kind of escape that it seems to have."""
    yield plain(text)
    for sign, view in (("%", percent_view), ("&", entity_view), ("\\", json_view)):
        if sign in text:
            yield view(text)
