"""Any file that holds requests, by what it is: ours, HAR, a tool's own JSON, a raw request, curl commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ...words.fixture import Fixture
from ..jsontext import NoPlace, inside, members, whole
from .fixture import SCHEMA, fixture_from, records
from .foreign import Read, passed_over, tool_of
from .har import from_har, is_har
from .http import event_of_http, is_http
from .records import WRONG, unreadable, wrong_field
from .shell import ReadFile, from_curl, is_curl

OURS = (SCHEMA, "whcli.event/1")
Skipped = Callable[[str], None]
"""Told why something in a file is passed over."""


def requests_in(data: bytes, read_file: ReadFile, now: float, skipped: Skipped = lambda why: None) -> Iterator[Read]:
    """Every request of a file; `now` (unix seconds UTC) is the time of those that tell none.

    Raises WrongUsage, in one sentence, for what is no such file.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if is_http(data):
        yield Read(Fixture(event=event_of_http(data, now)))
    elif data.lstrip()[:1] in (b"{", b"["):
        for text in (data,) if data.lstrip()[:1] == b"[" else records(data):
            yield from _of_json(text, now, skipped)
    else:
        typed = data.decode("utf-8", "surrogateescape")
        if not is_curl(typed):
            raise unreadable("it is no fixture, HAR file, request or curl command")
        yield from from_curl(typed, read_file, now)


_OWN = re.compile(rb'\s*\{\s*"schema"\s*:\s*"whcli\.(?:fixture|event)/1"')


def _of_json(text: bytes, now: float, skipped: Skipped) -> Iterator[Read]:
    if _OWN.match(text):  # as we write them: read once, they can be large
        yield Read(fixture_from(text))
        return
    try:
        record = json.loads(text, parse_int=_number, parse_float=lambda number: 0)
    except (ValueError, RecursionError):
        raise unreadable("it is not JSON") from None
    try:
        yield from _of_value(record, text, now, skipped)
    except NoPlace as error:
        raise unreadable(str(error)) from None
    except WRONG as error:
        raise wrong_field(error) from None


def _number(text: str) -> int:
    """Numbers are needed as sizes only; longer ones are none."""
    return int(text) if len(text) < 20 else 0


def _of_value(record: Any, text: bytes, now: float, skipped: Skipped) -> Iterator[Read]:
    """A record, or a list of them, each with its own text."""
    if isinstance(record, list):
        for value, member in zip(record, members(text, whole(text)[0]), strict=True):
            yield from _of_value(value, text[member.begin : member.end], now, skipped)
        return
    if not isinstance(record, dict):
        raise unreadable("it is no JSON object")
    if record.get("schema") in OURS:
        yield Read(fixture_from(text))
    elif is_har(record):
        yield from from_har(record, now)
    elif isinstance(record.get("data"), list) and (place := inside(text, whole(text)[0], "data")):
        yield from _of_value(record["data"], text[place[0] : place[1]], now, skipped)
    elif why := passed_over(record):
        skipped(why)
    elif read := next(tool_of(record), None):
        yield read(record, text, now)
    else:
        raise unreadable("it is neither a fixture nor a request that another tool has kept")
