"""Two handlers' replies to the same request compared: status, the headers that matter, the body as what it says.

Dates, server names, lengths, connection handling and request ids differ between any two replies; a sender does not care
about them, and so they are not looked at. Numbers and texts that differ from one moment to the next are learned: see
`reply_noise`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Iterator

from ...words.event import Delivery, Difference, Reply, every, first
from ..body import parsed
from ..compare import SHOWN, bytes_differ, values_differ
from ..text import clip, safe
from .noise import noise_of, without_noise

Read = Callable[[list[bytes], bytes], str]
"""A header's values and the URL's origin -> what is compared."""


def replies_differ(one: Delivery, other: Delivery, noise: Collection[str] = ()) -> tuple[Difference, ...]:
    """Where the replies differ, except in what is noise; empty when a sender could not tell them apart."""
    return without_noise(_all(one, other), noise)


def reply_noise(once: Delivery, again: Delivery) -> frozenset[str]:
    """What differs although the same handler was asked the same thing twice; a status is never noise."""
    return noise_of(_all(once, again)) - {"status"}


def headers_read(delivery: Delivery) -> dict[str, str]:
    """The headers of a reply that matter, each in the form in which it is compared."""
    read = {name: _header(delivery, name, how) for name, how in HEADERS.items()}
    return {name: value for name, value in read.items() if value != "none"}


def _all(one: Delivery, other: Delivery) -> Iterator[Difference]:
    if _status(one) != _status(other):
        yield Difference(field="status", wanted=_status(one), got=_status(other))
    if one.reply is None or other.reply is None:
        return
    for name, read in HEADERS.items():
        a, b = (_header(delivery, name, read) for delivery in (one, other))
        if a != b:
            yield Difference(field=f"headers.{name}", wanted=clip(a, SHOWN), got=clip(b, SHOWN))
    yield from _bodies(one.reply, other.reply)


def _status(delivery: Delivery) -> str:
    return str(delivery.reply.status) if delivery.reply else delivery.failure or "no reply"


# -- headers


def _header(delivery: Delivery, name: str, read: Read) -> str:
    values = every(delivery.reply.headers, name.encode()) if delivery.reply else []
    return read(values, _origin(delivery.url)) if values else "none"


def _origin(url: str) -> bytes:
    found = re.match(r"[a-z]+://[^/?#]*", url, re.IGNORECASE)
    return found[0].encode("utf-8", "replace") if found else b""


def _as_it_is(values: list[bytes], origin: bytes) -> str:
    return safe(b", ".join(value.strip() for value in values))


def _words(values: list[bytes], origin: bytes) -> str:
    """A list whose order means nothing, in any case."""
    return ", ".join(sorted(_as_it_is([b",".join(values)], origin).lower().replace(" ", "").split(",")))


def _type(values: list[bytes], origin: bytes) -> str:
    """Media type and parameters in any case, without the white space around them."""
    return "; ".join(part.strip().lower() for part in _as_it_is(values, origin).split(";") if part.strip())


def _place(values: list[bytes], origin: bytes) -> str:
    """A place on the handler itself without its origin, which differs between two handlers."""
    return _as_it_is([_without(value.strip(), origin) for value in values], origin)


def _without(value: bytes, origin: bytes) -> bytes:
    own = origin and value.lower().startswith(origin.lower()) and value[len(origin) :][:1] in (b"", b"/", b"?", b"#")
    return value[len(origin) :] or b"/" if own else value


def _names(values: list[bytes], origin: bytes) -> str:
    """Names of cookies; their values are sessions."""
    return ", ".join(sorted(safe(value.partition(b"=")[0].strip()) for value in values))


# What a sender or the code between acts upon: how to read the body, where to go, who may, what may be kept, when to
# come again. Slack stops at X-Slack-No-Retry; Asana and CloudEvents get a handshake's answer in a header.
HEADERS: dict[str, Read] = {
    "content-type": _type,
    "content-encoding": _words,
    "content-language": _words,
    "content-disposition": _as_it_is,
    "location": _place,
    "content-location": _place,
    "allow": _words,
    "www-authenticate": _as_it_is,
    "access-control-allow-origin": _as_it_is,
    "cache-control": _words,
    "vary": _words,
    "set-cookie": _names,
    "retry-after": _as_it_is,
    "x-slack-no-retry": _as_it_is,
    "x-hook-secret": _as_it_is,
    "webhook-allowed-origin": _as_it_is,
    "webhook-allowed-rate": _as_it_is,
}


# -- bodies


def _bodies(one: Reply, other: Reply) -> list[Difference]:
    """JSON and forms by their fields, anything else by its bytes; of what was cut off only the part that was kept."""
    a, b = plain_body(one), plain_body(other)
    if one.truncated or other.truncated:
        a, b = a[: len(b)], b[: len(a)]
    if a == b:
        return []
    found = values_differ("body", parsed(one.headers, a), parsed(other.headers, b), most=None)
    return [bytes_differ("body", a, b)] if found is None else found


EXPANDED = 8 << 20  # bytes that a compressed body may grow to; what we keep of a reply is a megabyte
# RFC 9110 section 8.4.1; `deflate` is the zlib format, which some send without its wrapping.
_WINDOWS = {b"gzip": (31,), b"x-gzip": (31,), b"deflate": (15, -15)}


def plain_body(reply: Reply) -> bytes:
    """The body uncompressed, where it can be and is not too large; the same JSON can be compressed in many ways."""
    coding = (first(reply.headers, b"content-encoding") or b"").strip().lower()
    for window in _WINDOWS.get(coding, ()):
        machine = zlib.decompressobj(window)
        try:
            body = machine.decompress(reply.body, EXPANDED)
        except zlib.error:
            continue
        if machine.eof or machine.unconsumed_tail or reply.truncated:  # else it was no such text, or not all of it
            return body
    return reply.body
