"""A request as the bytes of HTTP/1.1: head and body, and nothing else.

Number, uid, time and address have no place in it; everything that is sent has, byte for byte. A body that came in
chunks stands in one, with its trailers (RFC 9112 section 7.1): the head is true, and any tool can send it.
"""

from __future__ import annotations

import re

from ...words.event import Event, Headers, joined
from ...words.fixture import Fixture
from ...words.head import END, REQUEST_LINE, parse_head, parse_headers
from .fixture import plain_head
from .foreign import uid_of
from .records import WRONG, pairs, read_event, unreadable

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")


def http_bytes(fixture: Fixture) -> bytes:
    """Head and body as they came; of an imported event the head as its fields say."""
    event = fixture.event
    head = event.head or plain_head(event)
    if not _is_chunked(event.headers):
        return head + event.body
    chunk = b"%x\r\n%b\r\n" % (len(event.body), event.body) if event.body else b""
    trailers = b"".join(b"%b: %b\r\n" % pair for pair in event.trailers)
    return b"%b%b0\r\n%b\r\n" % (head, chunk, trailers)


def _is_chunked(headers: Headers) -> bool:
    return (joined(headers, b"transfer-encoding") or b"").rpartition(b",")[2].strip().lower() == b"chunked"


def _unchunked(data: bytes) -> tuple[bytes, Headers] | None:
    """The body and the trailers of chunks that end where the data does; None where it is something else."""
    parts: list[bytes] = []
    at = 0
    while match := _CHUNK.match(data, at):
        begin, size = match.end(), int(match[1], 16)
        if size == 0:
            lines = data[begin:].split(b"\r\n")
            whole = lines[-2:] == [b"", b""] and all(lines[:-2])
            return (b"".join(parts), parse_headers(lines[:-2])) if whole else None
        if data[begin + size : begin + size + 2] != b"\r\n":
            return None
        parts.append(data[begin : begin + size])
        at = begin + size + 2
    return None


def is_http(data: bytes) -> bool:
    """Whether a file begins as a request does."""
    return REQUEST_LINE.match(data) is not None


def event_of_http(data: bytes, now: float) -> Event:
    """The request of a file; `now` (unix seconds UTC) is its time. Everything behind the head is the body.

    Raises WrongUsage where the head does not end or a line of it is no field.
    """
    head, gap, body = data.partition(END)
    if not gap:
        raise unreadable("its head has no end; lines of a request end with CR LF")
    try:
        parsed = parse_head(head + END)
        framed = _unchunked(body) if _is_chunked(parsed.headers) else None
        body, trailers = framed or (body, ())
        record = {
            "method": parsed.method.decode("latin-1"),
            "target": parsed.target.decode("latin-1"),
            "version": parsed.version,
            "headers": pairs(parsed.headers),
            "trailers": pairs(trailers),
            "uid": uid_of(data, None),
            "received_at": "1970-01-01T00:00:00Z",
        }
        event = read_event(record, head + END, body)
    except WRONG:
        raise unreadable("a line of its head is no header") from None
    from dataclasses import replace

    return replace(event, received_at=now)
