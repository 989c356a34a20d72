"""The formats that `whcli export` writes: one row each, and the names of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...words.event import Event, Facts
from ...words.fixture import Fixture
from ...words.record import record
from .fixture import fixture_line, fixture_text
from .har import har_text
from .http import http_bytes
from .shell import curl_text


@record
class Format:
    """How events become a file."""

    suffix: str
    write: Callable[[Sequence[Fixture]], bytes]
    together: bool  # True: one file holds them all


def _each(write: Callable[[Fixture], str]) -> Callable[[Sequence[Fixture]], bytes]:
    return lambda fixtures: "".join(map(write, fixtures)).encode()


FORMATS = {
    "json": Format(suffix=".json", write=_each(fixture_text), together=False),
    "jsonl": Format(suffix=".jsonl", write=_each(fixture_line), together=True),
    "har": Format(suffix=".har", write=lambda fixtures: har_text(fixtures).encode(), together=True),
    "curl": Format(suffix=".sh", write=_each(curl_text), together=False),
    "http": Format(suffix=".http", write=lambda fixtures: b"".join(map(http_bytes, fixtures)), together=False),
}

LONGEST = 60  # characters of a part of a file's name


def stem_of(event: Event, facts: Facts) -> str:
    """A file's name without its end: `0042-stripe-charge.succeeded`; of an event that has no number, by its uid.

    Made of letters, digits, `.`, `_` and `-` alone, never beginning with `.` or `-`: captured text is data, no path.
    """
    number = f"{event.id:04d}" if event.id else _plain(event.uid)[:26] or "event"
    said = [_plain(part) for part in (facts.provider, facts.type) if part]
    words = [word for word in said if word] or [_plain(f"{event.method.decode('latin-1').lower()}-{event.path}")]
    return "-".join([number, *(word for word in words if word)])


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+|\.{2,}", "-", text)[:LONGEST].strip("-.")
