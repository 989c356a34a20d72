"""The answer: what was found, in a record."""

from __future__ import annotations

from typing import Any

from ...words.event import Verdict
from ...words.record import record

AROUND = 16  # bytes shown on each side of the first difference


@record
class Break:
    """Where two bodies begin to differ, with what stands there in each."""

    offset: int  # bytes from the start
    signed: bytes  # in the body that was signed
    hashed: bytes  # in the body in hand


@record
class Diagnosis:
    """Why a signature fails, or that it holds."""

    reason: str  # a stable code of `causes.REASONS`
    sentence: str  # one sentence for people
    change: str  # what to do about it; empty when nothing is wrong
    transformation: str = ""  # what makes the signature match: "the body without its final newline"
    also: tuple[str, ...] = ()  # codes of further causes that hold at the same time
    difference: Break | None = None
    printers: tuple[str, ...] = ()  # libraries that print exactly the changed JSON, the likeliest first
    secret: str | None = None  # label of the secret that matches
    url: str | None = None  # the URL that was signed, where another was given
    scheme: str | None = None  # the scheme that was used for signing
    tried: int = 0  # combinations of secret, body, URL and header that were computed
    matches: int = 0
    fixes: tuple[tuple[str, str], ...] = ()  # framework, and the line that gives the raw body there
    verdict: Verdict  # of the request as it stands


def diagnosis_json(found: Diagnosis) -> dict[str, Any]:
    """The answer as JSON fields; bytes around the first difference are text, with `\\xNN` where they are not UTF-8."""
    place = found.difference
    return {
        "reason": found.reason,
        "sentence": found.sentence,
        "change": found.change,
        "transformation": found.transformation or None,
        "also": list(found.also),
        "difference": place and {"offset": place.offset, "signed": _text(place.signed), "hashed": _text(place.hashed)},
        "printers": list(found.printers),
        "secret": found.secret,
        "url": found.url,
        "scheme": found.scheme,
        "tried": found.tried,
        "matches": found.matches,
        "fixes": dict(found.fixes),
    }


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def first_difference(signed: bytes, hashed: bytes) -> Break | None:
    """Where two bodies begin to differ; None when they are equal."""
    if signed == hashed:
        return None
    low, high = 0, min(len(signed), len(hashed))
    while low < high:  # the longest common beginning, by halves: slices compare quickly
        middle = (low + high + 1) // 2
        low, high = (middle, high) if signed[:middle] == hashed[:middle] else (low, middle - 1)
    around = slice(max(low - AROUND, 0), low + AROUND)
    return Break(offset=low, signed=signed[around], hashed=hashed[around])
