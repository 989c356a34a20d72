"""Requests as the listener reads them off the wire, events as it makes them and as an edited fixture can hold them."""

from __future__ import annotations

from itertools import product

from whcli.hands.listening.bodies import Malformed
from whcli.hands.listening.framing import Limits, RequestReader
from whcli.words.event import Event, Headers, Spooled
from whcli.words.head import parse_head

Read = tuple[bytes, bytes, bytes, bytes | Spooled, Headers]
"""Head, method, target, body and trailers of a request."""


def read(*packets: bytes, limits: Limits | None = None) -> tuple[list[Read], int | None]:
    """All requests in these packets, and the status of the refusal that ended the reading, if one did."""
    reader, rest = RequestReader(limits or Limits()), b""
    found: list[Read] = []
    try:
        for packet in packets:
            data, at = rest + packet, 0
            while at < len(data):
                at = reader.read(data, at)
                if not reader.whole:
                    break
                found.append((reader.head, reader.method, reader.target, reader.body, reader.trailers))
            rest = data[at:]
    except Malformed as fault:
        assert 400 <= fault.status < 600 and fault.reason.isascii()
        return found, fault.status
    return found, None


def event_of(head: bytes, body: bytes = b"", trailers: Headers = ()) -> Event:
    """An event as the listener makes it from a raw head."""
    method, target, version, headers = parse_head(head)
    return Event(
        id=1,
        uid="01JD",
        received_at=0.0,
        method=method,
        target=target,
        version=version,
        headers=headers,
        trailers=trailers,
        head=head,
        body=body,
    )


def post(*lines: bytes, body: bytes = b"", target: bytes = b"/", trailers: Headers = ()) -> Event:
    head = b"\r\n".join([b"POST " + target + b" HTTP/1.1", *lines, b"", b""])
    return event_of(head, body, trailers)


LENGTHS = [(), (b"Content-Length: 3",), (b"content-length: 7",), (b"Content-Length: 3", b"Content-Length: 3")]
LENGTHS += [(b"Content-Length: 3, 3",), (b"Content-Length: 003",), (b"Content-Length: +3",), (b"Content-Length: ",)]
CODINGS = [
    (),
    (b"Transfer-Encoding: chunked",),
    (b"transfer-encoding: Chunked",),
    (b"Transfer-Encoding: gzip, chunked",),
]
CODINGS += [(b"Transfer-Encoding: identity",), (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")]
FRAMINGS = [(*one, b"X: y", *two) for one, two in [*product(LENGTHS, CODINGS), *product(CODINGS, LENGTHS)]]


BREAKS = [b"\r\nX-Evil: 1", b"\n", b"\r", b"\x00", b"a\r\n\r\nGET / HTTP/1.1\r\n\r\n", b"a\nb", b"a\rb", b"a\x00b"]
PLACES = ["method", "target", "name", "value", "host"]


def broken(place: str, text: bytes) -> Event:
    """An event as an edited fixture can hold it, with the text in one place."""
    name, value = (text or b"X", b"1") if place == "name" else (b"X", text)
    return Event(
        id=1,
        uid="x",
        received_at=0,
        method=text if place == "method" else b"POST",
        target=text if place == "target" else b"/",
        version="1.1",
        headers=((b"Host", text if place == "host" else b"h"), (name, value if place != "host" else b"1")),
    )
