"""The record of an event that lives in a file, fit for git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from .event import Event
from .record import record

MARK = "whcli-redacted"
"""What stands where a signature or a credential stood in a redacted event."""


def is_redacted(event: Event) -> bool:
    """Whether a signature or a credential of an event was replaced by the mark."""
    mark = MARK.encode()
    return mark in event.body or mark in event.target or any(mark in value for _, value in event.headers)


@record
class Fixture:
    """An event as a file holds it, with whatever else the file says of it."""

    event: Event
    redacted: bool = False  # secrets and personal data were replaced, and the signature by a placeholder
    fields: Mapping[str, str] = field(default_factory=dict)  # further fields as JSON texts, `expect` among them

    def saying(self, name: str, value: Any) -> Fixture:
        """The fixture with a further field set, as two-space JSON that stands well in its file."""
        import json

        text = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        return replace(self, fields={**self.fields, name: text})

    def further(self, name: str) -> Any:
        """The value of a further field, such as `expect`; None where there is none."""
        import json

        return json.loads(self.fields[name]) if name in self.fields else None
