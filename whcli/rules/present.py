"""An event for people: masked headers, a readable body, bounded in size and time.

Secrets that senders put into headers are masked on screen: `Authorization`, cookies and static tokens. Bodies are shown
decoded and indented when they are small enough; what is parsed is for the eye only.
"""

from __future__ import annotations

import json

from ..words.event import Headers, first
from ..words.secret import masked
from .credentials import is_credential
from .text import clip, safe, safe_block

LINES = 60  # lines of a body that are shown unless all of it is asked for
WIDEST = 400  # characters of a line that are shown unless all of it is asked for
BYTES = 4096  # bytes of a body that are shown unless all of it is asked for
INDENTED = 64 * 1024  # bytes up to which JSON is indented; larger bodies are shown as they came
INFLATED = 1 << 20  # bytes that a compressed body may grow to
SCHEMES = ("basic", "bearer", "digest", "negotiate", "token", "apikey", "hmac")  # what may stand before a credential
DEEP = 100  # levels of nesting up to which JSON is indented: deeper ones would be mostly blanks


def shown_headers(headers: Headers, *, reveal: bool) -> list[tuple[str, str]]:
    """Names and values as safe text; secrets masked unless `reveal`."""
    return [
        (safe(name), masked_value(value) if is_credential(name) and not reveal else safe(value))
        for name, value in headers
    ]


def masked_value(value: bytes) -> str:
    """A header's value masked; the name of an authentication scheme stays readable (RFC 9110 section 11.4)."""
    text = safe(value)
    kind, blank, rest = text.partition(" ")
    return f"{kind} {masked(rest)}" if blank and kind.lower() in SCHEMES else masked(text)


def shown_body(headers: Headers, body: bytes, *, whole: bool) -> tuple[list[str], str | None]:
    """A body's lines, and a note when something is left out or could not be shown.

    Unless the whole is asked for no more is looked at than is shown: making 25 MB of control bytes safe takes seconds.
    """
    data, note = inflated(headers, body)
    if looks_binary(data):
        return [f"{len(body)} bytes of binary data"], "whcli show ID --body > file        writes them"
    if whole:
        return safe_block(indented(data)).split("\n"), note
    small = len(data) <= INDENTED
    text = indented(data) if small else data[: 4 * BYTES].decode("utf-8", "backslashreplace")
    count = (text.count("\n") if small else data.count(b"\n")) + 1
    lines = safe_block(text[:BYTES]).split("\n")[:LINES]
    if len(text) > BYTES or count > LINES or any(len(line) > WIDEST for line in lines):
        note = f"{note}; " if note else ""
        note += f"{count} lines; --full shows all of it"
    return [clip(line, WIDEST) for line in lines], note


def indented(data: bytes) -> str:
    """JSON indented, a form one field a line, everything else as text."""
    text = data.decode("utf-8", "backslashreplace")
    if len(data) > INDENTED or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return text
    return json.dumps(value, indent=2, ensure_ascii=False) if depth(text) <= DEEP else text


def depth(text: str) -> int:
    """The deepest nesting of brackets; those inside strings count too, which only makes it cautious."""
    level = deepest = 0
    for letter in text:
        if letter in "[{":
            level += 1
            deepest = max(deepest, level)
        elif letter in "]}":
            level -= 1
    return deepest


def inflated(headers: Headers, body: bytes) -> tuple[bytes, str | None]:
    """A gzip or deflate body expanded, within a bound, and a note about it; the body itself where that fails."""
    import zlib

    coding = (first(headers, b"content-encoding") or b"").strip().lower()
    if coding not in (b"gzip", b"x-gzip", b"deflate") or not body:
        return body, None
    stream = zlib.decompressobj(47)
    try:
        data = stream.decompress(body, INFLATED)
    except zlib.error:
        return body, f"says it is {safe(coding)}, and is not"
    part = f", only the first {len(data)} bytes" if stream.unconsumed_tail else ""
    return data, f"shown expanded{part}; {len(body)} bytes of {safe(coding)} were sent"


def looks_binary(data: bytes) -> bool:
    """Whether a body is no text: a NUL, or many bytes that are not UTF-8."""
    sample = data[:2048]
    if b"\x00" in sample:
        return True
    return len(sample.decode("utf-8", "ignore").encode()) < 0.8 * len(sample)
