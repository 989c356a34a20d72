"""Bytes and numbers for people: safe text, sizes, durations, times.

`safe` is the one gate for text from outside on its way to a terminal or a log. It shows control bytes (C0 and DEL, C1),
bidirectional controls, line separators, lone surrogates and bytes that are not UTF-8 as visible escapes, so that a
payload can neither move the cursor, set the clipboard, nor re-order what is read (CWE-150, CVE-2021-42574). So are the
letters that show nothing at all: they break signatures, and hide what a reader would not miss.

Widths are columns of a terminal: letters of East Asia take two, combining marks none (Unicode Standard Annex 11).
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache

from ..words.errors import WrongUsage

MARKS = 4  # letters a column, above which combining marks are cut
Span = tuple[str, str]
"""Text, already safe, and the name of its style ("" for none)."""

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = (  # Default_Ignorable_Code_Point of Unicode, but for the joiners and variants that scripts and emoji need
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
UNSHOWN = f"\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff{_UNSEEN}"
"""What is never shown as it is, line feeds and tabs aside: the inside of a regular expression's class."""
_UNSAFE = f"[\x00-\x1f{UNSHOWN}]"
_UNSAFE_IN_BLOCK = f"[\x00-\x08\x0b-\x1f{UNSHOWN}]"


@cache
def _all(pattern: str) -> re.Pattern[str]:
    """Compiled when a text first needs it: most are plain, and this takes longer than the rest of the module."""
    return re.compile(pattern)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe(value: bytes | str) -> str:
    """One line of untrusted text with nothing in it that a terminal would act on."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    return text if text.isascii() and text.isprintable() else _all(_UNSAFE).sub(_escape, text)


def safe_block(value: bytes | str) -> str:
    """As `safe`, but line feeds and tabs stay."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    return text if text.isascii() and text.isprintable() else _all(_UNSAFE_IN_BLOCK).sub(_escape, text)


def word(name: object) -> str:
    """A name in a command to be typed: quoted where a shell would not read it back as it is."""
    import shlex  # only for who says what to type

    return shlex.quote(str(name))


def columns(text: str) -> int:
    """How many columns of a terminal a safe text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(letter: str) -> int:
    import unicodedata  # only for who meets such letters

    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def fitting(text: str, width: int) -> int:
    """How many letters of the beginning fit into so many columns; of marks without width four a column at most."""
    if text.isascii():
        return min(len(text), width)
    used = 0
    for at, letter in enumerate(text):
        used += _columns(letter)
        if used > width or at >= MARKS * width:
            return at
    return len(text)


def pad(text: str, width: int) -> str:
    """A text filled up with blanks to so many columns; on the left for a negative width."""
    blanks = " " * (abs(width) - columns(text))
    return text + blanks if width > 0 else blanks + text


def words(data: bytes) -> str:
    """Bytes for a sentence: UTF-8 where it is readable, `\\xNN` or `\\uNNNN` for what is not or could move a cursor."""
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def clip(text: str, width: int) -> str:
    """The beginning of a text, with `…` when something is cut; no wider than `width` columns."""
    if fitting(text, width) == len(text):
        return text
    return text[: fitting(text, max(width - 1, 0))] + "…"


def middle(text: str, width: int) -> str:
    """A text shortened in its middle: both ends of a path tell something."""
    if fitting(text, width) == len(text):
        return text
    room = max(width - 1, 0)
    tail = room * 2 // 3
    kept = fitting(text[: -MARKS * tail - 2 : -1], tail) if tail else 0
    return text[: fitting(text, room - tail)] + "…" + (text[-kept:] if kept else "")


def size(count: int) -> str:
    """`412 B`, `1.9 kB`, `25.0 MB`: decimal units."""
    if count < 1000:
        return f"{count} B"
    value, unit = float(count), "B"
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007 - the unit reached is what we want
        value /= 1000
        if value < 999.95:
            break
    return f"{value:.1f} {unit}"


def plural(count: int, word: str) -> str:
    """`1 event`, `1,204 events`, `2 deliveries`."""
    ending = "" if count == 1 else "s"
    return f"{count:,} {word.removesuffix('y') + 'ie' if ending and word.endswith('y') else word}{ending}"


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\Z")
FIRST, LAST = -62_135_596_800.0, 253_402_300_799.0  # the years 1 to 9999: what RFC 3339 can write
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}


def seconds(text: str) -> float:
    """A duration in seconds: `500ms 30s 10m 2h 7d`, a bare number is seconds. Raises WrongUsage."""
    match = _DURATION.match(text.strip())
    if match is None:
        raise WrongUsage(f"'{safe(text)}' is not a duration", next="write it as 500ms, 30s, 10m, 2h or 7d")
    return float(match[1]) * _SECONDS[match[2]]


def moment(text: str, now: float) -> float:
    """Unix seconds (UTC) of a duration ago or an RFC 3339 time. Raises WrongUsage."""
    at = now - seconds(text) if _DURATION.match(text.strip()) else _timestamp(text)
    if FIRST <= at <= LAST:
        return at
    raise WrongUsage(
        f"'{clip(safe(text), 60)}' is neither a duration nor a time",
        next="write it as 10m, 2h, 7d or 2026-11-23T14:03:00Z",
    )


def _timestamp(text: str) -> float:
    """Unix seconds of an RFC 3339 time; not a number where it is none."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def took(latency: float) -> str:
    """`38 ms`, `8.1 s`: a latency for people."""
    return f"{latency * 1000:.0f} ms" if latency < 1 else f"{latency:.1f} s"


def span(length: float) -> str:
    """A length of time in a fitting unit: `5s`, `30m`, `2.1h`."""
    for unit, seconds_in in (("d", 86400), ("h", 3600), ("m", 60)):
        if length >= seconds_in:
            number = length / seconds_in
            return f"{number:.3g}{unit}" if number < 1000 else f"{number:.0f}{unit}"
    return f"{length:.3g}s"


def ago(age: float) -> str:
    """`4m ago`: an age in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if age >= length:
            return f"{age // length:.0f}{unit} ago"
    return f"{max(age, 0):.0f}s ago"


def rfc3339(at: float) -> str:
    """RFC 3339 in UTC with microseconds, for JSON; before the year 1 and after 9999 the nearest time in them."""
    within = at if FIRST <= at <= LAST else min(max(FIRST, at), LAST)
    second = math.floor(within)
    micro = round((within - second) * 1e6)
    if micro == 1_000_000:
        second, micro = second + 1, 0
    return f"{_second(second)}.{micro:06d}Z"


@lru_cache(maxsize=256)
def _second(at: int) -> str:
    """Date and time of a whole second; thousands of events and deliveries share one."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat()
