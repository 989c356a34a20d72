"""A fresh delivery id in place of the captured one, in the form of the old: for `--new-id`."""

from __future__ import annotations

import hashlib
import json
import re
import string

from ...words.event import first
from ..body import at, parsed
from ..recognition.providers import BY_NAME
from .edit import Parts, edited
from .edits import Edits, edits_of

ENOUGH = 2**40  # fresh ids there must be at least, lest two of them meet: shorter ones get longer
KEPT = 2  # characters that stay: Slack's `Ev`, Twilio's `SM`, the first digits of a number, the century of a ULID
_UUID = re.compile(r"(.*?)([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\Z", re.DOTALL)
_PARTS = re.compile(r"(.*[^0-9A-Za-z])?([0-9A-Za-z]+)([^0-9A-Za-z]*)\Z", re.DOTALL)  # prefix, what changes, padding
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"  # of ULIDs; https://github.com/ulid/spec, read 2026-11-26

# The first that an id is written in; the last one takes all.
ALPHABETS = (
    string.digits,
    "0123456789abcdef",
    "0123456789ABCDEF",
    _CROCKFORD,
    _CROCKFORD.upper(),
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.ascii_letters + string.digits,
)


def fresh_id(old: str, token: str) -> str:
    """An id like `old`, made of a random `token` of 32 hexadecimal digits.

    A UUID; or the same prefix, and as many characters of the same kind, or as many as it takes for ENOUGH ids.
    """
    if uuid := _UUID.match(old):
        new = f"{token[:8]}-{token[8:12]}-4{token[13:16]}-a{token[17:20]}-{token[20:32]}"
        return uuid[1] + (new.upper() if uuid[2].isupper() else new)
    match = _PARTS.match(old)
    if match is None:
        return token
    prefix, text, padding = match[1] or "", match[2], match[3]
    kept = text[:KEPT] if text != "0" else "1"  # no number begins with it
    return prefix + kept + _characters(text[KEPT:] or text, len(text) - KEPT, token) + padding


def _characters(like: str, least: int, token: str) -> str:
    """At least so many characters of the alphabet that a text is written in."""
    alphabet = next((each for each in ALPHABETS if set(like) <= {*each}), ALPHABETS[-1])
    length = least
    while len(alphabet) ** max(length, 0) < ENOUGH:
        length += 1
    number = int.from_bytes(hashlib.shake_256(token.encode()).digest(length))
    characters = []
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        characters.append(alphabet[place])
    return "".join(characters)


def with_new_id(parts: Parts, provider: str | None, old: str | None, token: str) -> tuple[Parts, tuple[str, ...]]:
    """The parts with another delivery id where the provider has it, and what changed; as they are where it has none.

    Of an unknown sender the body's `id` is taken for it.
    """
    row = BY_NAME.get(provider or "")
    places = row.delivery_id if row is not None and old is not None else "body:id"
    if old is None:
        found = at(parsed(parts.headers, parts.body), "id")
        old = str(found) if isinstance(found, str | int) else None
    if old is None:
        return parts, ()
    body = parsed(parts.headers, parts.body)
    for place in places.split("|"):
        named, joined, _ = place.strip().partition(" + ")  # of an id that is joined from several, the first is its own
        kind, _, name = named.partition(":")
        value = first(parts.headers, name.encode()) if kind == "header" else at(body, name)
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if text == old or (joined and old.startswith(f"{text}.")):
            return edited(parts, _renewed(kind, name, value, fresh_id(text, token)))
    return parts, ()


def _renewed(kind: str, name: str, old: object, new: str) -> Edits:
    """The edit that puts a new id where the old one was: as a number where that was one."""
    if kind == "header":
        return edits_of(header=[f"{name}: {new}"])
    path = re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", f"body.{name}")
    return edits_of(set=[f"{path}={new if isinstance(old, int) else json.dumps(new)}"])
