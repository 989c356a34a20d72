"""`whcli.fixture/1`: one event as JSON that people read, edit and keep in git; every byte of it comes back.

Field names are in a fixed order and everything readable is readable: names and values of headers are Latin-1 text, in
which every byte is one character, the body is in the form that `payload.py` finds. `head_base64` is there only where
the request head cannot be rebuilt from the fields. Fields that we do not know are kept as they stand.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from ...words.event import Event, Headers
from ...words.fixture import Fixture
from ..jsontext import DEPTH, members
from ..text import rfc3339
from . import payload
from .payload import quoted
from .records import WRONG, event_from, pairs, read_event, unreadable, wrong_field

SCHEMA = "whcli.fixture/1"
OURS = (
    *("schema", "uid", "received_at", "redacted", "peer", "method", "target", "version", "headers", "trailers"),
    *payload.NAMES,
    "head_base64",
)
"""The fields that are ours, in their order in a file."""


def fixture_text(fixture: Fixture) -> str:
    """The file: pretty, in a fixed order, with a final newline."""
    lines = [f"  {quoted(name)}: {value}" for name, value in _fields(fixture, "  ").items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def fixture_line(fixture: Fixture) -> str:
    """The same on one line, for JSON lines: with a final newline."""
    fields = {name: value.replace("\r", " ").replace("\n", " ") for name, value in _fields(fixture, "").items()}
    return "{" + ", ".join(f"{quoted(name)}: {value}" for name, value in fields.items()) + "}\n"


def _fields(fixture: Fixture, indent: str) -> dict[str, str]:
    """All fields of a file as JSON texts."""
    event = fixture.event
    peer = {"peer": quoted(event.peer)} if event.peer is not None else {}
    trailers = {"trailers": _headers(event.trailers, indent)} if event.trailers else {}
    head = event.head if event.head not in (b"", plain_head(event)) else b""
    return {
        "schema": quoted(SCHEMA),
        "uid": quoted(event.uid),
        "received_at": quoted(rfc3339(event.received_at)),
        "redacted": json.dumps(fixture.redacted),
        **peer,
        "method": quoted(event.method.decode("latin-1")),
        "target": quoted(event.target.decode("latin-1")),
        "version": quoted(event.version),
        "headers": _headers(event.headers, indent),
        **trailers,
        **payload.written(event.body, indent),
        **({"head_base64": quoted(base64.b64encode(head).decode())} if head else {}),
        **fixture.fields,
    }


def plain_head(event: Event) -> bytes:
    """The request head that the fields alone make."""
    lines = b"".join(b"%b: %b\r\n" % pair for pair in event.headers)
    return b"%b %b HTTP/%b\r\n%b\r\n" % (event.method, event.target, event.version.encode(), lines)


def _headers(headers: Headers, indent: str) -> str:
    """One header a line."""
    lines = [f"[{quoted(name)}, {quoted(value)}]" for name, value in pairs(headers)]
    between = f"\n{indent}  " if indent and lines else ""
    return f"[{between}" + f",{between or ' '}".join(lines) + (f"\n{indent}]" if between else "]")


# -- reading --------------------------------------------------------------------------------------------------------


def fixture_from(text: bytes) -> Fixture:
    """A fixture from its text, or from an event's own JSON; raises WrongUsage saying which field is wrong."""
    record = _record(text)
    if record.get("schema") == "whcli.event/1":
        return Fixture(event=event_from(text))
    if record.get("schema") != SCHEMA:
        raise unreadable(f'its "schema" is neither "{SCHEMA}" nor "whcli.event/1"')
    try:
        texts = _texts(text)
        head = base64.b64decode(record.get("head_base64", ""), validate=True)
        event = read_event(record, head, payload.read(record, texts))
    except WRONG as error:
        raise wrong_field(error) from None
    more = {name: value for name, value in texts.items() if name not in OURS}
    return Fixture(event=event, redacted=record.get("redacted") is True, fields=more)


def _record(text: bytes) -> dict[str, Any]:
    """The record's values; numbers stay texts, since a body may hold longer ones than Python reads."""
    try:
        record = json.loads(text.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise unreadable("it is not JSON") from None
    if not isinstance(record, dict):
        raise unreadable("it is no JSON object")
    return record


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _texts(text: bytes) -> dict[str, str]:
    """The kept fields of a JSON object, and the body's JSON, as the texts they are written as; of repeats the last."""
    body = text.removeprefix(b"\xef\xbb\xbf")
    return {
        str(each.name): body[each.begin : each.end].decode()
        for each in members(body, body.index(b"{"))
        if each.name not in OURS or each.name == "body_json"
    }


_PIECE = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
"""A string, or a bracket outside one; a string without an end reaches to the end, so that one walk is enough."""
_LINE = re.compile(rb"\s*\{[^\n]*\}[ \t\r]*(?:\n|\Z)")
DEEPEST = 10_000  # levels of nesting
_BLANK = re.compile(rb"\s*\Z")


def records(data: bytes) -> Iterator[bytes]:
    """The JSON texts of a file: one a line where the first line is one, else one after another."""
    if _LINE.match(data):
        yield from (line for line in data.splitlines() if line.strip())
        return
    begin = depth = 0
    for match in _PIECE.finditer(data):
        depth += DEPTH.get(match.group(), 0)
        if depth > DEEPEST:  # nobody reads such a text
            break
        if depth == 0 and match.group() == b"}":
            end = len(data) if _BLANK.match(data, match.end()) else match.end()  # all of it is no copy
            yield data[begin:end]
            begin = end
    if not begin or not _BLANK.match(data, begin):
        yield data[begin:]
