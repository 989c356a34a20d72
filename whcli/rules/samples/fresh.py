"""Fresh ids and times for a sample: the places in its text, and what stands in them.

A place is `{{kind}}`, and may have a name, a length and a step in time:

    {{uuid:delivery}}     an id; the same kind and name mean the same value all over one event, headers and body
    {{text:charge:24}}    24 letters and digits
    {{unix}} {{unix+30d}} the event's time, or 30 days later; steps are in s, m, h and d
    {{part:repository}}   a text that several samples share

Two braces, because one brace is usual in payloads: GitHub's own hold `{base}`. All is made from the time and one random
token that are passed in, so the same two give the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from ..near import meant
from ..ulid import ulid

PLACE = re.compile(r"\{\{([^{}]*)\}\}")
INSIDE = re.compile(r"([a-z][a-z0-9_]*)(?::([a-z0-9_-]+))?(?::([1-9]\d{0,2}))?(?:([+-]\d{1,6})([smhd]))?")
STEPS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DEEP = 8  # parts within parts; more is a part that holds itself
DISCORD_EPOCH = 1_420_070_400_000  # milliseconds; https://docs.discord.com/developers/reference#snowflakes
KSUID_EPOCH = 1_400_000_000  # seconds; github.com/segmentio/ksuid README.md
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase

ALPHABETS = {
    "text": BASE62,
    "upper": string.ascii_uppercase + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "hex": "0123456789abcdef",
    "digits": string.digits,
}
"""Ids of a length that the place names."""


class BadPlace(ValueError):
    """A place that means nothing; the message says which and why."""


def filled(text: str, *, now: float, token: str, parts: Mapping[str, str]) -> str:
    """The text with its parts put in and its places filled, as of `now` (unix seconds, UTC); raises BadPlace."""
    for _ in range(DEEP):
        if "{{part:" not in text:
            break
        text = PLACE.sub(lambda place: _part(place, parts), text)
    return PLACE.sub(lambda place: _value(place[1], now, token), text)


def _part(place: re.Match[str], parts: Mapping[str, str]) -> str:
    kind, _, name = place[1].partition(":")
    if kind != "part":
        return place[0]
    if name not in parts:
        raise BadPlace(f"there is no part '{name}'")
    return parts[name].strip()


def _value(inside: str, now: float, token: str) -> str:
    found = INSIDE.fullmatch(inside)
    if found is None:
        raise BadPlace(f"{{{{{inside}}}}} is not written as a place")
    kind, name, length, step, unit = found.groups()
    if kind in TIMES and name is None and length is None:
        return TIMES[kind](int((now + int(step or 0) * STEPS[unit or "s"]) * 1_000_000))
    if kind in ALPHABETS and length and step is None:
        return _letters(kind, _random(token, kind, name, int(length)))
    if kind in SHAPES and length is None and step is None:
        return SHAPES[kind](_random(token, kind, name, 32), now)
    raise BadPlace(_wrong(inside, kind))


def _wrong(inside: str, kind: str) -> str:
    """What is wrong with a place whose kind, or whose use of it, is none of ours."""
    if kind in ALPHABETS:
        return f"{{{{{inside}}}}} needs a name and a length, such as {{{{{kind}:id:16}}}}"
    if kind in TIMES or kind in SHAPES:
        return f"{{{{{inside}}}}} says more than {kind} takes"
    found = meant(kind, (*TIMES, *ALPHABETS, *SHAPES, "part"))
    return f"there is no kind '{kind}'" + (f"; did you mean {found}?" if found else "")


def _random(token: str, kind: str, name: str | None, length: int) -> bytes:
    """As many bytes as asked for, always the same for one token, kind and name."""
    return hashlib.shake_256(f"{token}:{kind}:{name or ''}".encode()).digest(length)


def _letters(kind: str, random: bytes) -> str:
    letters = "".join(ALPHABETS[kind][byte % len(ALPHABETS[kind])] for byte in random)
    return "1" + letters[1:] if kind == "digits" and letters[0] == "0" else letters  # a number begins with no nought


# -- times ----------------------------------------------------------------------------------------------------------


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _utc(form: str) -> Callable[[int], str]:
    return lambda at: (EPOCH + timedelta(microseconds=at)).strftime(form)


def _precise(digits: int, noughts: str = "") -> Callable[[int], str]:
    """RFC 3339 with that many digits after the point, cut and not rounded."""
    write = _utc("%Y-%m-%dT%H:%M:%S.%f")
    return lambda at: write(at)[: digits - 6 or None] + noughts + "Z"


TIMES: dict[str, Callable[[int], str]] = {
    "unix": lambda at: str(at // 1_000_000),
    "unix_ms": lambda at: str(at // 1000),
    "unix_us": lambda at: f"{at // 1_000_000}.{at % 1_000_000:06d}",
    "rfc3339": _utc("%Y-%m-%dT%H:%M:%SZ"),
    "rfc3339_ms": _precise(3),
    "rfc3339_us": _precise(6),
    "rfc3339_ns": _precise(6, "000"),
    "rfc3339_offset": _utc("%Y-%m-%dT%H:%M:%S+00:00"),
    "rfc2822": _utc("%a, %d %b %Y %H:%M:%S +0000"),
    "spaced": _utc("%Y-%m-%d %H:%M:%S"),
    "date": _utc("%Y-%m-%d"),
}
"""How a time (microseconds since 1970) is written, in UTC; `unix_us` is seconds with six more digits: Slack's `ts`."""


# -- ids with a form of their own -----------------------------------------------------------------------------------


def _uuid(random: bytes, now: float) -> str:
    """Version 4 (RFC 9562 section 5.4)."""
    from uuid import UUID

    return str(UUID(bytes=random[:16], version=4))


def _ksuid(random: bytes, now: float) -> str:
    """Seconds and 16 random bytes in 27 letters, as Svix and Clerk write ids."""
    number = int.from_bytes((max(int(now) - KSUID_EPOCH, 0) & 0xFFFFFFFF).to_bytes(4, "big") + random[:16], "big")
    letters = ""
    for _ in range(27):
        number, digit = divmod(number, 62)
        letters = BASE62[digit] + letters
    return letters


def _snowflake(random: bytes, now: float) -> str:
    """Milliseconds and 22 bits, as Discord numbers everything."""
    since = max(int(now * 1000) - DISCORD_EPOCH, 0)
    return str(since << 22 | int.from_bytes(random[:3], "big") >> 2)


SHAPES: dict[str, Callable[[bytes, float], str]] = {
    "uuid": _uuid,
    "ulid": lambda random, now: ulid(now, random).lower(),
    "ksuid": _ksuid,
    "snowflake": _snowflake,
}
"""Ids whose form says how long they are; the last three hold the event's time."""
