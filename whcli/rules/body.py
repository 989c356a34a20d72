"""An event's body read for people and filters: JSON, a form, or nothing.

Parsed bodies are for display and matching only; nothing parsed is ever stored, signed or sent.
"""

from __future__ import annotations

import json
from typing import Any

from ..words.event import Headers, first

READABLE = 26 * 1024 * 1024  # bytes; larger bodies are not parsed


def parsed(headers: Headers, body: bytes) -> Any:
    """The parsed JSON, or the form as name and first value, else None. Never raises."""
    if not body or len(body) > READABLE:
        return None
    as_form = is_form(headers)
    if as_form and body[:1] not in b"{[":  # `curl -d` calls everything a form
        return form(body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # not JSON, 5,000-digit integers, nesting beyond the interpreter's limit
        return form(body) if as_form else None


def is_form(headers: Headers) -> bool:
    """True when the content type says application/x-www-form-urlencoded."""
    kind = first(headers, b"content-type") or b""
    return kind.split(b";")[0].strip().lower() == b"application/x-www-form-urlencoded"


def form(body: bytes) -> dict[str, str]:
    """A form's names and first values; bytes that are not UTF-8 become U+FFFD."""
    from urllib.parse import parse_qsl

    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
    except ValueError:
        return {}
    return dict(reversed(pairs))


def at(value: Any, path: str) -> Any:
    """The value at a dotted path through objects, or None; a JSON text inside a form is entered too."""
    for name in path.split("."):
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return None
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value
