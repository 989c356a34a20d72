"""Replies as bytes, and what they mean for their connection."""

from __future__ import annotations

from http import HTTPStatus

from ...words.event import Reply

_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
_TEXT = ((b"Content-Type", b"text/plain"),)


def response(reply: Reply, *, to_head: bool = False, connection: bytes | None = None) -> bytes:
    """A reply as bytes: headers as given, Content-Length unless given, no Date and no Server.

    `to_head`: it answers a HEAD request, so the body stays away. Transfer-Encoding is left out, since the body goes out
    by its length.
    """
    phrase = reply.reason.encode("latin-1", "replace") or _PHRASES.get(reply.status, b"")
    parts = [b"HTTP/1.1 %d %b\r\n" % (reply.status, phrase)]
    parts += [b"%b: %b\r\n" % pair for pair in reply.headers if pair[0].lower() != b"transfer-encoding"]
    names = {name.lower() for name, _ in reply.headers}
    bodiless = reply.status < 200 or reply.status in (204, 304)  # RFC 9112 section 6.3
    if not bodiless and b"content-length" not in names:
        parts.append(b"Content-Length: %d\r\n" % len(reply.body))
    if connection is not None and b"connection" not in names:
        parts.append(b"Connection: %b\r\n" % connection)
    parts.append(b"\r\n")
    return b"".join(parts) + (b"" if bodiless or to_head else reply.body)


def excuse(status: int, reason: str) -> Reply:
    """What a refused sender is told."""
    return Reply(status=status, headers=_TEXT, body=reason.encode("latin-1", "replace") + b"\n")


def ends_connection(reply: Reply, *, to_head: bool) -> bool:
    """True when nothing can follow this reply: it says so, or its Content-Length is not that of its body."""
    for name, value in reply.headers:
        if name.lower() == b"connection" and b"close" in value.lower():
            return True
        if name.lower() == b"content-length" and not to_head and value != b"%d" % len(reply.body):
            return True
    return False
