"""An event's fields one by one, as `list --fields` prints them: what `--json` has, flat and by short names."""

from __future__ import annotations

from collections.abc import Callable

from ..words.event import Entry
from .near import unknown
from .text import rfc3339, safe

FIELDS: dict[str, Callable[[Entry], object]] = {
    "id": lambda entry: entry.id,
    "uid": lambda entry: entry.uid,
    "received_at": lambda entry: rfc3339(entry.received_at),
    "method": lambda entry: entry.method,
    "target": lambda entry: entry.target,
    "path": lambda entry: entry.path,
    "provider": lambda entry: entry.facts.provider,
    "type": lambda entry: entry.facts.type,
    "delivery_id": lambda entry: entry.facts.delivery_id,
    "attempt": lambda entry: entry.facts.attempt,
    "size": lambda entry: entry.size,
    "peer": lambda entry: entry.peer,
    "signature": lambda entry: entry.facts.signature,
    "scheme": lambda entry: entry.facts.scheme,
    "reason": lambda entry: entry.facts.reason,
    "duplicate_of": lambda entry: entry.facts.duplicate_of,
    "reply": lambda entry: entry.facts.reply,
    "status": lambda entry: entry.last.reply.status if entry.last and entry.last.reply else None,
    "url": lambda entry: entry.last.url if entry.last else None,
    "failure": lambda entry: entry.last.failure if entry.last else None,
}
"""Name -> value: `reply` is the status that the sender got, `status`, `url` and `failure` are the last delivery's."""


def named_fields(text: str) -> tuple[str, ...]:
    """Names with commas between them; raises WrongUsage with a suggestion for one that there is not."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FIELDS:
            raise unknown("field", name, FIELDS, next="--fields " + ",".join(FIELDS))
    return names


def field_text(entry: Entry, name: str) -> str:
    """A field in one line without a tab; empty where there is nothing."""
    value = FIELDS[name](entry)
    return "" if value is None else safe(value if isinstance(value, bytes) else str(value))
