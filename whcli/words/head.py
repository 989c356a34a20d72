"""The request head as bytes: the one place that splits it.

Facts (RFC 9112): the head ends at the first CR LF CR LF; a field line is `name ":" OWS value OWS`; outer white space is
no part of the value. A request target is any run of bytes without white space or control bytes; we are not stricter,
since a catch-all must keep what it is given.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .event import Headers

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([^\x00-\x20\x7f]+) HTTP/(1\.[01])\r\n")
END = b"\r\n\r\n"


class Head(NamedTuple):
    """A request head in its parts."""

    method: bytes
    target: bytes
    version: str
    headers: Headers


def parse_headers(lines: list[bytes]) -> Headers:
    """Field lines to pairs; the white space around values is dropped."""
    return tuple([(name, value.strip(b" \t")) for name, _, value in [line.partition(b":") for line in lines]])


def parse_head(head: bytes) -> Head:
    """Split a raw head that the listener accepted.

    Raises ValueError when the first line is no HTTP/1.0 or 1.1 request line.
    """
    match = REQUEST_LINE.match(head)
    if match is None:
        raise ValueError("not an HTTP/1.x request line")
    method, target, version = match.groups()
    lines = head[match.end() :].split(b"\r\n")
    return Head(method, target, version.decode(), parse_headers([line for line in lines if line]))
