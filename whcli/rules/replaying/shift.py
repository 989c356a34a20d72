"""`--shift-time`: every time in a request moved by the same number of whole seconds, and no other byte changed.

What counts as a time is told in `times`. They are looked for in header values, in the query, and in a body that is JSON
or a form, as whole values; an item of an array has the array's name. A JSON text inside a form's field or inside a JSON
string is entered.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote_plus

from ...words.errors import WrongUsage
from ..jsontext import NoPlace, Path, scalars
from ..signatures.params import decoded
from ..text import clip, rfc3339, safe, seconds, span, words
from .edit import Parts, holds_form
from .times import WINDOW, Move, Moved, moved

EARLIEST, LATEST = 1_000_000_000 + WINDOW, 9_999_999_999 - WINDOW  # arrivals around which seconds have ten digits
SHOWN = 3  # times that a message lists
LONGEST = 80  # bytes of a JSON scalar that may be a time


def shift_of(text: str) -> int | None:
    """What was typed: None for `now`, else whole seconds, with `-` for back. Raises WrongUsage."""
    typed = text.strip()
    if typed == "now":
        return None
    try:
        length = seconds(typed.removeprefix("-" if typed.startswith("-") else "+"))
    except WrongUsage:
        length = math.nan
    if not length.is_integer():
        raise _wrong(f"--shift-time '{safe(text)}' is neither now nor whole seconds", "write now, 2h, 30d or -90s")
    return -int(length) if typed.startswith("-") else int(length)


def delta_of(shift: int | None, received_at: float, now: float) -> int:
    """Whole seconds to move an event's times by; None: those from its arrival to now, both unix seconds.

    Raises WrongUsage where times would leave the years in which they can be told from other numbers.
    """
    delta = math.floor(now - received_at) if shift is None else shift
    if not (EARLIEST <= received_at <= LATEST and EARLIEST <= received_at + delta <= LATEST):
        years = f"{rfc3339(received_at)[:4]} to {rfc3339(received_at + delta)[:4]}"
        raise _wrong(f"--shift-time cannot move times from {years}", "move within the years 2012 to 2276")
    return delta


def shifted(parts: Parts, delta: int, received_at: float) -> tuple[Parts, tuple[str, ...]]:
    """The parts with all times moved by `delta` seconds, and one sentence that says which; see `delta_of`."""
    if not delta:
        return parts, ()
    walk = Walk(Move(delta, received_at))
    path, mark, query = parts.target.partition(b"?")
    headers = tuple((name, walk.header(name, value)) for name, value in parts.headers)
    target = path + mark + walk.form(query, "query")
    body = walk.form(parts.body, "body") if holds_form(parts) else walk.json(parts.body, "body")
    return replace(parts, target=target, headers=headers, body=body), walk.told()


def _wrong(message: str, next: str) -> WrongUsage:
    return WrongUsage(message, next=next, code="bad_shift")


class Walk:
    """One request walked through, and what was moved in it so far."""

    def __init__(self, move: Move) -> None:
        self._move = move
        self._count = 0
        self._first: list[str] = []

    def told(self) -> tuple[str, ...]:
        """One sentence, or none."""
        if not self._count:
            return ()
        count = f"{self._count} {'time' if self._count == 1 else 'times'}"
        by = f"{'+' if self._move.delta > 0 else '-'}{span(abs(self._move.delta))}"
        more = f", and {self._count - SHOWN} more" if self._count > SHOWN else ""
        return (f"{count} moved by {by}: {', '.join(self._first)}{more}",)

    def header(self, name: bytes, value: bytes) -> bytes:
        """A header's value."""
        text = value.decode("latin-1")
        found = moved(text, name.decode("latin-1"), self._move)
        if found is None:
            return value
        self._note(words(name), text, found)
        return (found.text + text[found.length :]).encode("latin-1")

    def form(self, form: bytes, where: str) -> bytes:
        """The values of a form or query."""
        return b"&".join(self._pair(part, where) for part in form.split(b"&"))

    def json(self, body: bytes, where: str) -> bytes:
        """A JSON text; anything else comes back as it is."""
        pieces, at = [], 0
        try:
            for begin, length, text in self._in_json(body, where):
                pieces += [body[at:begin], text]
                at = begin + length
        except NoPlace:
            return body
        return b"".join([*pieces, body[at:]])

    def _note(self, where: str, text: str, found: Moved) -> None:
        self._count += 1
        if self._count <= SHOWN:
            self._first.append(f"{where} {safe(text)} → {found.text}{safe(text[found.length :])}")

    def _pair(self, part: bytes, where: str) -> bytes:
        key, mark, raw = part.partition(b"=")
        value, name = decoded(raw), decoded(key).decode("utf-8", "replace")
        text = value.decode("latin-1")
        way = f"{where}.{safe(clip(name, 60))}"
        if value[:1] in (b"{", b"["):
            inner = self.json(value, way)
            return part if inner == value else key + mark + _quoted(inner)
        found = moved(text, name, self._move)
        if found is None:
            return part
        self._note(way, text, found)
        if raw[: found.length] == value[: found.length]:
            return key + mark + found.text.encode() + raw[found.length :]
        return key + mark + _quoted(found.text.encode() + value[found.length :])

    def _in_json(self, body: bytes, where: str) -> Iterator[tuple[int, int, bytes]]:
        """Where something changes, how many bytes go, and what takes their place."""
        for path, begin, end in scalars(body):
            quoted = body[begin : begin + 1] == b'"'
            if quoted and body[begin + 1 : begin + 2] in (b"{", b"["):
                yield from self._nested(body[begin:end], begin, where + _way(path))
            elif end - begin <= LONGEST:
                text = json.loads(body[begin:end]) if quoted else body[begin:end].decode()
                yield from self._scalar(body, begin + quoted, text, path, where)

    def _scalar(self, body: bytes, start: int, text: str, path: Path, where: str) -> Iterator[tuple[int, int, bytes]]:
        """A text or number; behind what changes it may hold escapes (`\\u002B01:00`), within it not."""
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        found = moved(text, name, self._move)
        if found and body[start : start + found.length] == text[: found.length].encode():
            self._note(where + _way(path), text, found)
            yield start, found.length, found.text.encode()

    def _nested(self, literal: bytes, begin: int, where: str) -> Iterator[tuple[int, int, bytes]]:
        """A JSON text inside a JSON string, as the `Message` of SNS: only where we would write it the same way."""
        try:
            text = json.loads(literal)
            data = text.encode()
        except UnicodeEncodeError:  # lone surrogates
            return
        write = next((write for write in (_ascii, _utf8) if write(text) == literal), None)
        if write is not None:
            yield begin, len(literal), write(self.json(data, where).decode())


def _ascii(text: str) -> bytes:
    return json.dumps(text).encode()


def _utf8(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def _quoted(value: bytes) -> bytes:
    return quote_plus(value).encode()


def _way(path: Path) -> str:
    return safe("".join(f"[{step}]" if isinstance(step, int) else f".{clip(step, 60)}" for step in path))
