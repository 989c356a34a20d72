"""Form parameters as bytes: what some senders sort and sign, and one value replaced in place.

application/x-www-form-urlencoded as in the WHATWG URL Standard, section 5.1: pairs joined by `&`, name and value by the
first `=`, `+` for a space, `%XX` for any byte. Nothing is decoded to text: a form in any charset keeps its bytes.
"""

from __future__ import annotations

from urllib.parse import quote_plus, unquote_to_bytes

from ...words.event import Message, first

FORM = b"application/x-www-form-urlencoded"

Pairs = list[tuple[bytes, bytes]]


def decoded(text: bytes) -> bytes:
    """The bytes that a percent-encoded text stands for."""
    return unquote_to_bytes(text.replace(b"+", b" "))


def pairs(text: bytes) -> Pairs:
    """Names and values in the order sent; empty values are kept."""
    split = (part.partition(b"=") for part in text.split(b"&") if part)
    return [(decoded(name), decoded(value)) for name, _, value in split]


def groups(given: Pairs) -> list[tuple[bytes, list[bytes]]]:
    """Every name once, sorted by code point (UTF-8 keeps that order), with its values in the order sent."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in given:
        found.setdefault(name, []).append(value)
    return sorted(found.items())


def fields(text: bytes) -> dict[bytes, bytes]:
    """Every name once, in the order sent, with its first value."""
    found: dict[bytes, bytes] = {}
    for name, value in pairs(text):
        found.setdefault(name, value)
    return found


def value_of(text: bytes, name: bytes) -> bytes | None:
    """The last value of a name, as Django and most frameworks read repeats, or None."""
    return next((value for key, value in reversed(pairs(text)) if key == name), None)


def put(text: bytes, name: bytes, value: bytes) -> bytes:
    """The form with one value replaced where it stands (the last of that name), else added at the end."""
    parts = text.split(b"&") if text else []
    written = quote_plus(name).encode() + b"=" + quote_plus(value).encode()
    places = _places(parts, name)
    if not places:
        return b"&".join([*parts, written])
    kept = parts[places[-1]].partition(b"=")[0]
    parts[places[-1]] = kept + b"=" + quote_plus(value).encode()
    return b"&".join(parts)


def put_once(text: bytes, name: bytes, value: bytes) -> bytes:
    """The form with one value replaced where the name first stands and its repeats left out, else added at the end.

    So whoever reads it, by the first of a name or by the last, reads this value.
    """
    parts = text.split(b"&") if text else []
    places = _places(parts, name)
    written = quote_plus(name).encode() + b"=" + quote_plus(value).encode()
    if not places:
        return b"&".join([*parts, written])
    parts[places[0]] = parts[places[0]].partition(b"=")[0] + b"=" + quote_plus(value).encode()
    return b"&".join(part for place, part in enumerate(parts) if place not in places[1:])


def without(text: bytes, name: bytes) -> bytes:
    """The form without this name."""
    parts = text.split(b"&")
    places = _places(parts, name)
    return b"&".join(part for place, part in enumerate(parts) if place not in places)


def _places(parts: list[bytes], name: bytes) -> list[int]:
    return [place for place, part in enumerate(parts) if part and decoded(part.partition(b"=")[0]) == name]


def media_type(message: Message) -> bytes:
    """The content type without its parameters, in lower case; empty when there is none."""
    return (first(message.headers, b"content-type") or b"").split(b";")[0].strip().lower()


def form_of(message: Message) -> bytes | None:
    """The body when it is a form, else None.

    Without any content type a body counts as a form unless it begins like JSON: that is what senders of forms mean.
    """
    kind = media_type(message)
    if kind:
        return message.body if kind == FORM else None
    return None if message.body.lstrip()[:1] in (b"{", b"[") else message.body
