"""A request as the bytes of HTTP/1.1: head and body, and nothing else.

Number, uid, time, address and trailers have no place in it; everything that is sent has, byte for byte.
"""

from __future__ import annotations

from ...words.event import Event
from ...words.fixture import Fixture
from ...words.head import END, REQUEST_LINE, parse_head
from .fixture import plain_head
from .foreign import uid_of
from .records import WRONG, read_event, unreadable


def http_bytes(fixture: Fixture) -> bytes:
    """Head and body as they came; of an imported event the head as its fields say."""
    event = fixture.event
    return (event.head or plain_head(event)) + event.body


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
        record = {
            "method": parsed.method.decode("latin-1"),
            "target": parsed.target.decode("latin-1"),
            "version": parsed.version,
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in parsed.headers],
            "uid": uid_of(data, None),
            "received_at": "1970-01-01T00:00:00Z",
        }
        event = read_event(record, head + END, body)
    except WRONG:
        raise unreadable("a line of its head is no header") from None
    from dataclasses import replace

    return replace(event, received_at=now)
