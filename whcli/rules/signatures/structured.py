"""Structured fields (RFC 9651): the dictionaries of Signature-Input, Signature and Content-Digest.

What a signature covers is text, so every item keeps the exact text it was read from beside its value.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*+)"')
BYTES = re.compile(r":([A-Za-z0-9+/=]*):")
DECIMAL = re.compile(r"-?\d{1,12}\.\d{1,3}(?!\d)")
INTEGER = re.compile(r"@?-?\d{1,15}(?![\d.])")
BOOLEAN = re.compile(r"\?[01]")
TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~:/A-Za-z0-9]*")
SPACES = re.compile(r" *")
WHITE = re.compile(r"[ \t]*")


class BadField(ValueError):
    """The text is no structured field of the expected form."""


Value = str | bytes | int | float | bool


class Item(NamedTuple):
    """One item with its parameters, and the text that it was read from."""

    value: Value
    params: dict[str, Value]
    text: str


class Inner(NamedTuple):
    """An inner list with its parameters, and the text that it was read from."""

    items: tuple[Item, ...]
    params: dict[str, Value]
    text: str


def dictionary(text: str) -> dict[str, Item | Inner]:
    """The members of a dictionary (section 4.2.2), of repeated keys the last; raises BadField."""
    reader = _Reader(text)
    members: dict[str, Item | Inner] = {}
    reader.skip(SPACES)
    while not reader.done:
        key = reader.take(KEY)
        members[key] = reader.member() if reader.accept("=") else reader.flag()
        reader.skip(WHITE)
        if reader.done:
            break
        reader.demand(",")
        reader.skip(WHITE)
        if reader.done:
            raise BadField("a comma ends the field")
    return members


def written(value: Value) -> str:
    """A bare item as text (section 4.1.3.1): strings quoted, bytes in base64 between colons."""
    if isinstance(value, bytes):
        return ":" + base64.b64encode(value).decode() + ":"
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


class _Reader:
    """A text and a place in it."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    @property
    def done(self) -> bool:
        return self.place >= len(self.text)

    def skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self.text, self.place)
        self.place = match.end() if match else self.place
        return match is not None

    def take(self, pattern: re.Pattern[str]) -> str:
        start = self.place
        if not self.skip(pattern):
            raise BadField(f"nothing readable at character {start}")
        return self.text[start : self.place]

    def accept(self, character: str) -> bool:
        found = self.text.startswith(character, self.place)
        self.place += found
        return found

    def demand(self, character: str) -> None:
        if not self.accept(character):
            raise BadField(f"no {character} at character {self.place}")

    def flag(self) -> Item:
        """A member without a value: true, with its parameters."""
        start = self.place
        params = self.parameters()
        return Item(True, params, "?1" + self.text[start : self.place])

    def member(self) -> Item | Inner:
        return self.inner() if self.text.startswith("(", self.place) else self.item()

    def item(self) -> Item:
        start = self.place
        value = self.bare()
        params = self.parameters()
        return Item(value, params, self.text[start : self.place])

    def inner(self) -> Inner:
        start = self.place
        items: list[Item] = []
        self.demand("(")
        self.skip(SPACES)
        while not self.accept(")"):
            items.append(self.item())
            if not self.text.startswith((" ", ")"), self.place):
                raise BadField("an inner list without an end")
            self.skip(SPACES)
        params = self.parameters()
        return Inner(tuple(items), params, self.text[start : self.place])

    def parameters(self) -> dict[str, Value]:
        params: dict[str, Value] = {}
        while self.accept(";"):
            self.skip(SPACES)
            key = self.take(KEY)
            params[key] = self.bare() if self.accept("=") else True
        return params

    def bare(self) -> Value:
        """A bare item (section 4.2.3.1); a date reads as its number, a token as text."""
        opening = self.text[self.place : self.place + 1]
        if opening == '"':
            return re.sub(r"\\(.)", r"\1", self.take(STRING)[1:-1])
        if opening == ":":
            return _bytes(self.take(BYTES)[1:-1])
        if opening == "?":
            return self.take(BOOLEAN) == "?1"
        if opening in ("", *"-@0123456789"):
            decimal = DECIMAL.match(self.text, self.place)
            return float(self.take(DECIMAL)) if decimal else int(self.take(INTEGER).removeprefix("@"))
        return self.take(TOKEN)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise BadField("bytes that are not base64") from None
