"""A fresh delivery id in place of the captured one, in the form of the old: for `--new-id`."""

from __future__ import annotations

import re

from ...words.event import first
from ..body import at, parsed
from ..recognition.providers import BY_NAME
from .edit import Parts, edited
from .edits import edits_of

LEAST = 12  # letters or digits of a fresh id: shorter ones would meet again
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_PREFIX = re.compile(r"(.*?[_-])?([0-9A-Za-z]+)\Z", re.DOTALL)


def fresh_id(old: str, token: str) -> str:
    """An id like `old`, made of a random `token` of 32 hexadecimal digits: a UUID, or the same prefix and length.

    Ids shorter than LEAST become that long.
    """
    if _UUID.match(old):
        return f"{token[:8]}-{token[8:12]}-4{token[13:16]}-a{token[17:20]}-{token[20:32]}"
    match = _PREFIX.match(old)
    if match is None:
        return token
    digits = str(int(token, 16)) if match[2].isdigit() else token
    length = max(len(match[2]), LEAST)
    return (match[1] or "") + (digits * (length // len(digits) + 1))[:length]


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
    new = fresh_id(old, token)
    body = parsed(parts.headers, parts.body)
    for place in places.split("|"):
        kind, _, name = place.strip().partition(":")
        if kind == "header" and (first(parts.headers, name.encode()) or b"").decode("latin-1") == old:
            return edited(parts, edits_of(header=[f"{name}: {new}"]))
        if kind == "body" and str(at(body, name)) == old:
            path = re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", f"body.{name}")
            return edited(parts, edits_of(set=[f'{path}="{new}"' if not old.isdigit() else f"{path}={new}"]))
    return parts, ()
