"""What one sender may ask of the listener, as flags of `listen` and keys of [listen]: a row for each limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...hands.listening.framing import Limits
from ...rules.text import safe, seconds
from ...words.errors import WrongUsage
from ...words.record import record

SIZES = {"": 1, "b": 1, "kb": 10**3, "kib": 1 << 10, "mb": 10**6, "mib": 1 << 20, "gb": 10**9, "gib": 1 << 30}


def size(text: str) -> int:
    """`25MiB`, `500kB` or a number of bytes."""
    match = re.fullmatch(r"(\d{1,15})\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in SIZES:
        raise WrongUsage(f"'{safe(text)}' is not a size", next="write it as 25MiB, 500kB or a number of bytes")
    return int(match[1]) * SIZES[match[2]]


def number(text: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"\d{1,9}", text.strip()):
        raise WrongUsage(f"'{safe(text)}' is not a whole number", next="write it in digits")
    return int(text)


@record
class Limit:
    """One limit: its key in [listen], which is its flag too, and the fields of `Limits` that it sets."""

    key: str
    fields: tuple[str, ...]
    read: Callable[[str], float]
    least: float = 1
    small: str = "1"  # the least in words

    @property
    def flag(self) -> str:
        """`--max-body`."""
        return "--" + self.key.replace("_", "-")


LIMITS = (
    Limit(key="max_body", fields=("body",), read=size, least=0, small="0"),
    Limit(key="max_head", fields=("head",), read=size),
    Limit(key="max_header_lines", fields=("lines",), read=number),
    Limit(key="head_timeout", fields=("head_time",), read=seconds, least=0.1, small="100ms"),
    Limit(key="body_timeout", fields=("body_idle", "body_grace"), read=seconds, least=0.1, small="100ms"),
    Limit(key="min_body_rate", fields=("body_rate",), read=size, least=0, small="0"),
    Limit(key="max_connections", fields=("connections",), read=number),
    Limit(key="keep_alive", fields=("keep_alive",), read=seconds, least=0.1, small="100ms"),
)


def limits_of(flags: Mapping[str, str | None], file: Mapping[str, Any]) -> Limits:
    """The limits that flags and [listen] set, a flag before the file; raises WrongUsage for one that makes no sense."""
    values: dict[str, Any] = {}
    for limit in LIMITS:
        given = flags.get(limit.key)
        where, text = (limit.flag, given) if given is not None else (f"listen.{limit.key}", file.get(limit.key))
        if text is not None:
            values |= dict.fromkeys(limit.fields, _value(limit, where, str(text)))
    return Limits(**values)


def _value(limit: Limit, where: str, text: str) -> float:
    try:
        value = limit.read(text)
    except WrongUsage as error:
        raise WrongUsage(f"{where}: {error.message}", next=error.next) from None
    if value < limit.least:
        raise WrongUsage(f"{where} must be at least {limit.small}", next="whcli listen --help")
    return value
