"""Timestamps in the forms that providers sign, as exact text.

RFC 3339 for the textual form; Twitch writes nanoseconds. A timestamp that was received is never re-written: what is
signed is the text, and re-formatting drops trailing zeros.
"""

from __future__ import annotations

import re

NUMBER = re.compile(rb"[+-]?\d{1,20}\Z")
# RFC 3339 section 5.6; Python reads much more than that, 400 digits in a row among it. The offset may be missing.
TEXTUAL = re.compile(rb"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,20})?([Zz]|[+-]\d\d:\d\d)?\Z")


class BadTimestamp(ValueError):
    """The text is no timestamp of the expected unit; the message completes "the timestamp ..."."""


def write_timestamp(now: float, unit: str) -> bytes:
    """The text a provider would sign at `now` (unix seconds, UTC)."""
    if unit == "s":
        return str(int(now)).encode()
    if unit == "ms":
        return str(int(now * 1000)).encode()
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(now, UTC)
    if unit == "rfc3339ns":
        return (moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z").encode()
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def read_timestamp(text: bytes, unit: str) -> float:
    """Unix seconds of a received text; raises BadTimestamp."""
    if unit in ("s", "ms"):
        if not NUMBER.match(text):
            raise BadTimestamp("is no whole number")
        return int(text) / (1000 if unit == "ms" else 1)
    if not TEXTUAL.match(text):
        raise BadTimestamp("is no RFC 3339 time")
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text.decode("ascii").upper())
    except ValueError:
        raise BadTimestamp("is no RFC 3339 time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
