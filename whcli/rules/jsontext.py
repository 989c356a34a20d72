"""JSON as the text it is: read without changing numbers, and values found and replaced without touching a byte around.

Some senders sign fields of the body and write the signature into it. Parsing and printing again would change spacing,
escapes and number forms, and with them what the receiver hashes; so the value's place is found in the bytes.
RFC 8259; of repeated names the last counts, as JavaScript, Python and PHP read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Names of objects and places in arrays: `("notificationItems", 0, "NotificationRequestItem")`."""

SPACE = re.compile(rb"[ \t\r\n]*")
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
SCALAR = re.compile(rb"[^ \t\r\n,\]}]+")
BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
DEPTH = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
PIECE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^ \t\r\n{}\[\]:,"]++', re.DOTALL)


class Member(NamedTuple):
    """One member of an object or one item of an array: its name or place, and where it lies in the text."""

    name: str | int
    start: int  # where the name begins; of an item: where the value does
    begin: int  # where the value begins
    end: int  # behind the value


class Scalar(NamedTuple):
    """A string, number, true, false or null, and where it lies in the text."""

    path: Path
    begin: int
    end: int


class NoPlace(ValueError):
    """The body is no JSON, or what stands on the way to the value is no object; the message says which."""


def parsed(body: bytes) -> Any:
    """The JSON value, with every number as the text it was written as; raises NoPlace when it is none."""
    try:
        return json.loads(body.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise NoPlace("the body is not JSON") from None


def at(value: Any, path: Path) -> Any:
    """The value at a path through objects and arrays, or None."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: Any) -> bytes:
    """A scalar as the text that senders sign: strings unescaped, numbers as written, null as nothing."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


def put(body: bytes, path: Path, value: str | int) -> bytes:
    """The body with a string or number at `path`: replaced where it stands, else inserted after the last member.

    Raises NoPlace when the body is no JSON object or the path leads through something else.
    """
    written = json.dumps(value).encode()
    place = whole(body)
    for depth, step in enumerate(path):
        inner = inside(body, place[0], step)
        if inner is None:
            return _inserted(body, place, path[depth:], written)
        place = inner
    return body[: place[0]] + written + body[place[1] :]


def whole(body: bytes) -> tuple[int, int]:
    """Where the value lies, without the white space around it; raises NoPlace when the body is no JSON.

    The walks below lean on well-formed JSON, so this comes first.
    """
    parsed(body)
    return _after(SPACE, body, 0), len(body.rstrip(b" \t\r\n"))


def _inserted(body: bytes, place: tuple[int, int], path: Path, written: bytes) -> bytes:
    """A new member in the object at `place`; null counts as an empty object."""
    if not isinstance(path[0], str) or body[place[0] : place[0] + 1] not in (b"{", b"n"):
        raise NoPlace(f"the body has no place for {path[-1]}")
    for step in reversed(path[1:]):
        written = b"{" + json.dumps(step).encode() + b":" + written + b"}"
    member = json.dumps(path[0]).encode() + b":" + written
    if body[place[0] : place[0] + 1] == b"n":
        return body[: place[0]] + b"{" + member + b"}" + body[place[1] :]
    cut, comma = gap(body, place[0])
    return body[:cut] + comma + member + body[cut:]


def gap(body: bytes, start: int) -> tuple[int, bytes]:
    """Where another member goes in the object or array that begins at `start`, and the comma before it if any."""
    ends = [member.end for member in members(body, start)]
    return (ends[-1], b",") if ends else (start + 1, b"")


def inside(body: bytes, start: int, step: str | int) -> tuple[int, int] | None:
    """Where the value of one step lies, within the object or array that begins at `start`; of repeats the last."""
    opening = body[start : start + 1]
    if opening != (b"{" if isinstance(step, str) else b"["):
        return None
    found = None
    for member in members(body, start):
        if member.name == step:
            found = (member.begin, member.end)
    return found


def members(body: bytes, start: int) -> Iterator[Member]:
    """The members of the object or the items of the array that begins at `start`."""
    named = body[start : start + 1] == b"{"
    place, count = _after(SPACE, body, start + 1), 0
    while body[place : place + 1] not in (b"}", b"]", b""):
        first = place
        name: str | int = count
        if named:
            end = _after(STRING, body, place)
            name = json.loads(body[place:end])
            place = _after(SPACE, body, _after(SPACE, body, end) + 1)
        end = _end_of(body, place)
        yield Member(name, first, place, end)
        count += 1
        place = _after(SPACE, body, end)
        if body[place : place + 1] == b",":
            place = _after(SPACE, body, place + 1)


def scalars(body: bytes) -> Iterator[Scalar]:
    """Every value that is no object and no array, in the order of the text; raises NoPlace when the body is no JSON."""
    parsed(body)
    path: list[str | int] = []  # the step into every container that is open
    for match in PIECE.finditer(body):
        piece = match.group()
        if piece in (b"{", b"["):
            path.append("" if piece == b"{" else 0)
        elif piece in (b"}", b"]"):
            path.pop()
        elif piece == b",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else ""
        elif piece != b":":
            behind = _after(SPACE, body, match.end())
            if body[behind : behind + 1] == b":":
                path[-1] = json.loads(piece)
            else:
                yield Scalar(tuple(path), match.start(), match.end())


def _end_of(body: bytes, place: int) -> int:
    """Where the value that begins at `place` ends."""
    opening = body[place : place + 1]
    if opening == b'"':
        return _after(STRING, body, place)
    if opening not in (b"{", b"["):
        return _after(SCALAR, body, place)
    depth = 0
    for match in BRACKET.finditer(body, place):
        depth += DEPTH.get(match.group(), 0)
        if depth == 0:
            return match.end()
    return len(body)


def _after(pattern: re.Pattern[bytes], body: bytes, place: int) -> int:
    match = pattern.match(body, place)
    return match.end() if match else place
