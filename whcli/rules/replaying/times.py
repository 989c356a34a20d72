"""Which texts are times, and such a text moved by whole seconds.

A time is believed within ten years of the arrival: year 9999 says "never", and births lie further back.

- By its form, under any name: RFC 3339 date and time of day (any offset or none, `T` or a space), and the dates of HTTP
  and e-mail.
- By its name: a number, or a text of digits, in seconds, milli-, micro- or nanoseconds, where the name says that it is
  a time: `created`, `expires_at`, `event_ts`, `webhookTimestamp`, `trial_end`, `X-Slack-Request-Timestamp`. Amounts,
  ids and phone numbers look just like seconds, so a number alone is no time.

Dates without a time of day are none: they are birthdays, due dates, days of arrival at a bank.

Digits, precision, offset and form stay. Whole seconds, so that times of every precision move equally, and a text that
is moved there and back is the same text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

WINDOW = 3660 * 86400.0  # seconds around the arrival


class Moved(NamedTuple):
    """A time found in a text: how many characters of its beginning change, and into what."""

    length: int
    text: str


class Move(NamedTuple):
    """By how many seconds, and around which arrival (unix seconds) a time is believed."""

    delta: int
    around: float

    def believes(self, at: float) -> bool:
        """Whether unix seconds lie near enough to the arrival."""
        return abs(at - self.around) <= WINDOW


def moved(text: str, name: str, move: Move) -> Moved | None:
    """The time that a whole text under a name is, moved; None when it is none."""
    if not 10 <= len(text) <= 64 or not text[0].isalnum():
        return None
    for pattern, form in FORMS:
        if match := pattern.match(text):
            try:
                return form(match, name, move)
            except (ValueError, OverflowError):  # February 30th, a leap second, the year 0
                return None
    return None


def dated(text: str) -> float | None:
    """Unix seconds of an HTTP or e-mail date, or None when it is none."""
    match = DATED.match(text)
    try:
        return None if match is None else _date(match).timestamp()
    except (ValueError, OverflowError):
        return None


# -- forms


def _textual(match: re.Match[str], name: str, move: Move) -> Moved | None:
    """RFC 3339 and its neighbours: `2026-11-23T14:03:00.123+01:00`, `2026-11-23 14:03:00 UTC`."""
    clock, offset = match.groups()
    at = _after(datetime.fromisoformat(f"{clock[:10]}T{clock[11:]}").replace(tzinfo=_zone(offset)), name, move)
    return None if at is None else Moved(len(clock), at.strftime(f"%Y-%m-%d{clock[10]}%H:%M:%S"))


def _dated(match: re.Match[str], name: str, move: Move) -> Moved | None:
    """HTTP dates (RFC 9110 section 5.6.7) and those of e-mail (RFC 5322 section 3.3); the weekday follows."""
    clock, weekday, day = match.groups()[:3]
    at = _after(_date(match), name, move)
    if at is None:
        return None
    before = f"{DAYS[at.weekday()]}, " if weekday else ""
    date = f"{at.day:0{len(day)}} {MONTHS[at.month - 1]} {at.year}"
    return Moved(len(clock), f"{before}{date} {at:%H:%M:%S}")


def _date(match: re.Match[str]) -> datetime:
    _, _, day, month, year, time, offset = match.groups()
    return datetime.fromisoformat(f"{year}-{MONTHS.index(month) + 1:02}-{int(day):02}T{time}").replace(
        tzinfo=_zone(offset)
    )


def _after(at: datetime, name: str, move: Move) -> datetime | None:
    """The moment moved, in its own zone; None when it is not believed."""
    if not move.believes(at.timestamp()) or BIRTH.search(name):
        return None
    return at + timedelta(seconds=move.delta)


def _zone(offset: str | None) -> timezone:
    """What `Z`, `UTC`, `GMT`, `+01:00`, `-0500` or nothing says; ValueError for an offset of a day or more."""
    digits = (offset or "").strip().replace(":", "")
    if digits[:1] not in ("+", "-"):
        return UTC
    minutes = int(digits[1:3]) * 60 + int(digits[3:5])
    return timezone(timedelta(minutes=-minutes if digits[0] == "-" else minutes))


def _counted(match: re.Match[str], name: str, move: Move) -> Moved | None:
    """Seconds, milli-, micro- or nanoseconds since 1970: what the name says, else whichever lies near the arrival."""
    whole = match[1]
    for power in powers(name):
        if move.believes(int(whole) / 10**power):
            return Moved(len(whole), str(int(whole) + move.delta * 10**power))
    return None


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

COUNTED = re.compile(r"([1-9][0-9]{9,18})(?:\.[0-9]{1,9})?\Z")
TEXTUAL = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,][0-9]{1,20})?( ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?\Z"
)
DATED = re.compile(
    rf"(((?:{'|'.join(DAYS)}), )?([0-9]{{1,2}}) ({'|'.join(MONTHS)}) ([0-9]{{4}})"
    r" ([0-9]{2}:[0-9]{2}:[0-9]{2}))( (?:GMT|UTC|Z|[+-][0-9]{4})(?: \([A-Z]+\))?)\Z"
)
Form = Callable[[re.Match[str], str, Move], Moved | None]
FORMS: tuple[tuple[re.Pattern[str], Form], ...] = ((COUNTED, _counted), (TEXTUAL, _textual), (DATED, _dated))


# -- names

BIRTH = re.compile(r"birth|\bdob\b", re.IGNORECASE)  # no time of the event, under whatever form
# Names of times end in one of these. Read 2026-11-23 in the documentation of Stripe, Slack, GitHub, Shopify, Twilio,
# Razorpay, HubSpot, RevenueCat, Telegram, WhatsApp, Linear, Chargebee, Intercom, and in RFC 7519 section 4.1.
LAST_WORD = re.compile(
    r"at|ts|on|times?|timestamps?|dates?|datetime|created|updated|modified|changed|deleted|started|ended|start|end|begin"
    r"|until|since|expir(?:es?|ed|y|ation)|exp|iat|nbf|sent|received|occurred|due|anchor|seen|reset|latest|oldest"
)
ANY_WORD = re.compile(r"timestamp|expir(?:es?|y|ation)")
WHOLE_NAME = re.compile(r"next payment attempt|latest reply|last login|last read")
# After the name of a time may stand its unit; `..._ms` alone says enough, since durations of 47 years are rare.
UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "seconds"), (0,)),
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), (3,)),
    **dict.fromkeys(("us", "micros", "microseconds"), (6,)),
    **dict.fromkeys(("ns", "nanos", "nanoseconds"), (9,)),
}
SCALES = frozenset({"epoch", "unix", "utc", "gmt"})
ANY_POWER = (0, 3, 6, 9)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """`webhookTimestamp`, `webhook_timestamp` and `Webhook-Timestamp` are the same two words."""
    return tuple(word.lower() for word in _WORD.findall(name[:200]))


@lru_cache(maxsize=4096)
def powers(name: str) -> tuple[int, ...]:
    """The units, as powers of ten in a second, that a number under this name may count in; none when it is no time."""
    words = list(words_of(name))
    found: tuple[int, ...] = ANY_POWER
    while words and (words[-1] in UNITS or words[-1] in SCALES):
        found = UNITS.get(words.pop(), found)
    named = bool(words) and (
        LAST_WORD.fullmatch(words[-1]) or any(map(ANY_WORD.fullmatch, words)) or WHOLE_NAME.fullmatch(" ".join(words))
    )
    unit_alone = not words and bool(words_of(name))
    return found if named or unit_alone or found == (3,) else ()
