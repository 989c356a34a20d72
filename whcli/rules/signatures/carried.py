"""What a signature travels as: how it is read off a request, by the row's layout, and what signing makes."""

from __future__ import annotations

import re

from ...words.event import Headers, every, first
from ...words.record import record
from .scheme import Scheme

PLACE = re.compile(r"(\{[^{}]+\})")


@record
class Signed:
    """What signing made: the headers to send (all that the receiver needs), and body and URL as they now stand."""

    headers: Headers
    body: bytes
    url: str


@record
class Found:
    """What a request carries for a scheme, as the exact text received."""

    timestamp: bytes = b""
    id: bytes = b""
    signatures: tuple[bytes, ...] = ()


class Malformed(ValueError):
    """The signature's headers cannot be read: a stable code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def first_name(scheme: Scheme) -> str:
    """The name of the signature's header; the first one where they are numbered."""
    return scheme.header.replace("{n}", "1")


def find(scheme: Scheme, headers: Headers) -> Found:
    """Read signature, timestamp and id from the headers; raises Malformed with the reason."""
    name = first_name(scheme)
    values = signatures_in(scheme, headers)
    if not any(values):
        raise Malformed("header_missing", f"there is no {name} header")
    items: dict[str, list[bytes]] = {"ts": [], "sig": [], "id": []}
    for value in values:
        _read_layout(scheme, value, items)
    if not items["sig"]:
        shape = scheme.layout.replace("{sig}", "…").replace("{ts}", "…")
        raise Malformed("header_malformed", f"the {name} header does not look like {shape}")
    return Found(
        timestamp=_beside(scheme.clock.header, headers, items["ts"]) if scheme.clock else b"",
        id=_beside(scheme.id_header, headers, items["id"]) if "{id}" in scheme.content else b"",
        signatures=tuple(items["sig"]),
    )


def signatures_in(scheme: Scheme, headers: Headers) -> list[bytes]:
    """The values of the signature's header, or of all its numbered headers, in the order sent."""
    start, numbered, _ = scheme.header.lower().encode().partition(b"{n}")
    if not numbered:
        return [value for name in (scheme.header, *scheme.further) for value in every(headers, name.encode())]
    return [value for name, value in headers if name.lower().startswith(start) and name[len(start) :].isdigit()]


def _beside(header: str | None, headers: Headers, inside: list[bytes]) -> bytes:
    """A value that travels in a header of its own, or inside the layout."""
    if header is None:
        if not inside:
            raise Malformed("timestamp_missing", "the signature header holds no timestamp")
        return inside[0]
    value = first(headers, header.encode())
    if value is None:
        raise Malformed("companion_missing", f"the {header} header, which is part of what is signed, is missing")
    return value


def _read_layout(scheme: Scheme, value: bytes, items: dict[str, list[bytes]]) -> None:
    """Sort the items of one header value into timestamps, signatures and ids; unknown items are ignored."""
    separator = scheme.separator.strip() or scheme.separator
    parts = value.split(separator.encode()) if separator else [value]
    layouts = scheme.layout.split(scheme.separator) if scheme.separator else [scheme.layout]
    for part in parts:
        for template in (*layouts, *scheme.accepts):
            if (read := _read_item(template, part.strip())) is not None:
                items[read[0]].append(read[1])
                break


def _read_item(template: str, part: bytes) -> tuple[str, bytes] | None:
    """Match one item against `v1={sig}`: the place's name and the text in it, or None."""
    before, place, after = PLACE.split(template)
    if not (part.startswith(before.encode()) and part.endswith(after.encode())):
        return None
    text = part[len(before) : len(part) - len(after)]
    return (place[1:-1], text) if text else None
