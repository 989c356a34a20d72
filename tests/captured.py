"""Events as the listener makes them from the wire, and as an edited fixture can hold them."""

from __future__ import annotations

from itertools import product

from whcli.words.event import Event, Headers
from whcli.words.head import parse_head


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
