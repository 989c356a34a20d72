"""From what was found to what is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ...words.event import Message, Verdict, first
from ...words.secret import Secret
from ..signatures import signing
from ..signatures.carried import Malformed, find
from ..signatures.scheme import Scheme
from ..text import safe
from .bodies import STRINGIFIED, Body
from .causes import BY_CODE, FIXES, Cause
from .diagnosis import Diagnosis, first_difference
from .printers import Press
from .search import Fault, Match, present
from .tokens import read_json

SHORTEST_CUT = 16  # characters that a cut-off signature must have to be taken for one: 64 bits or more


def cause_of(code: str, detail: str = "") -> Cause:
    """The row of a code; one made of the verdict's own words for a code that the table does not know."""
    return BY_CODE.get(code) or Cause(code, detail)


def plain(verdict: Verdict, code: str | None = None, detail: str = "", tried: int = 0) -> Diagnosis:
    """What a verdict says by itself, or a code with words about this case."""
    cause = cause_of(code or verdict.reason, verdict.detail)
    sentence = f"{cause.sentence}: {detail}" if detail and detail != cause.sentence else cause.sentence
    return Diagnosis(
        reason=cause.code,
        sentence=sentence,
        change=cause.change,
        secret=verdict.secret,
        scheme=verdict.scheme,
        fixes=FIXES if cause.raw_body else (),
        tried=tried,
        matches=int(verdict.state in ("valid", "stale")),
        verdict=verdict,
    )


# -- a signature that matches at another time -----------------------------------------------------------------------

MILLISECONDS = 1e11  # seconds that lie beyond the year 5000: they are milliseconds
SECONDS = 1e8  # seconds before 1973: milliseconds read from a number of seconds


def stale(verdict: Verdict, now: float) -> Diagnosis:
    """Too old or ahead, by how much; or a timestamp in another unit."""
    detail = verdict.detail
    moment = now - (verdict.age or 0)
    if moment > MILLISECONDS:
        return plain(verdict, "timestamp_unit", "milliseconds were written where seconds are expected")
    if moment < SECONDS and verdict.age is not None:
        return plain(verdict, "timestamp_unit", "seconds were written where milliseconds are expected")
    return plain(verdict, verdict.reason, detail)


# -- a signature that matches with something changed ----------------------------------------------------------------


class Known(NamedTuple):
    """What the caller knows beside the request."""

    secrets: Sequence[Secret]
    others: Sequence[tuple[Scheme, Secret]]


def matched(match: Match, scheme: Scheme, message: Message, verdict: Verdict, known: Known, tried: int) -> Diagnosis:
    """What the matching changes mean: the first is the reason, the others are named beside it."""
    faults = _told(match, scheme, message, known)
    cause = cause_of(faults[0].code)
    words = " and ".join(fault.words for fault in faults)
    body_changed = match.message.body != message.body
    printers = _printers(match.message.body, message.body) if faults[0].code == "body_reserialised" else ()
    came = f"; it arrived as {printers[0]} prints it" if printers else ""
    late = (match.verdict.reason,) if match.verdict.state == "stale" else ()
    return Diagnosis(
        reason=cause.code,
        sentence=f"{cause.sentence}: it matches with {words}{came}",
        change=cause.change,
        transformation=words,
        also=(*(fault.code for fault in faults[1:]), *late),
        difference=first_difference(match.message.body, message.body) if body_changed else None,
        printers=printers,
        secret=match.secret,
        url=match.message.url if match.message.url != message.url else None,
        scheme=match.scheme.name,
        tried=tried,
        matches=1,
        fixes=FIXES if cause.raw_body else (),
        verdict=verdict,
    )


def _printers(before: bytes, after: bytes) -> tuple[str, ...]:
    """The libraries that print exactly the second body when they have read the first, or the second itself."""
    for body in (before, after):
        if text := read_json(body):
            press = Press(text)
            if names := press.names(after) or press.names(after.removesuffix(b"\n")):
                return names
    return ()


def _told(match: Match, scheme: Scheme, message: Message, known: Known) -> tuple[Fault, ...]:
    """The faults, with a wrong secret told apart: rotated, or of the other mode."""
    return tuple(
        Fault(_stranger(match, scheme, message, known), fault.words) if fault.code == "wrong_secret" else fault
        for fault in match.faults
    )


def _stranger(match: Match, scheme: Scheme, message: Message, known: Known) -> str:
    """Which kind of wrong secret: only one of the same provider can be an old one, or that of the other mode."""
    secret = next((s for row, s in known.others if s.label == match.secret and row.provider == scheme.provider), None)
    if secret is None:
        return "wrong_secret"
    if _listed(match.scheme, match.message) > 1:
        return "secret_rotated"
    mode = _mode(secret)
    return "secret_other_mode" if mode and mode not in {_mode(own) for own in known.secrets} else "wrong_secret"


def _listed(scheme: Scheme, message: Message) -> int:
    """How many signatures the request carries."""
    try:
        return len(find(scheme, message.headers).signatures) if not scheme.code else 1
    except Malformed:
        return 0


PREFIX = re.compile(r"[a-z]+_(?:(live)|(test))_")
MODES = re.compile(r"(?<![a-z])(?:(live|prod|production)|(test|sandbox|dev|development|staging|cli))(?![a-z])")


def _mode(secret: Secret) -> str | None:
    """Live or test, as a secret's name or prefix (`sk_test_…`) says."""
    found = PREFIX.match(secret.value.decode("latin-1")) or MODES.search(secret.label.lower())
    return None if found is None else "live" if found[1] else "test"


# -- nothing matches ------------------------------------------------------------------------------------------------


def unmatched(scheme: Scheme, message: Message, secrets: Sequence[Secret], verdict: Verdict, tried: int) -> Diagnosis:
    """What can be said for sure when no change makes the signature match."""
    if verdict.reason == "header_missing" and (row := _telling(message, scheme)):
        detail = f"there is no {scheme.header} header, but the {row.header} header of {row.title}"
        return plain(verdict, "other_scheme", detail, tried)
    if verdict.reason != "no_match":
        return plain(verdict, None, verdict.detail if verdict.reason != "no_secret" else "", tried)
    for secret in secrets:
        if cut := _cut_off(signing.verify(scheme, message, [secret], now=0)):
            return plain(verdict, "signature_truncated", cut, tried)
    if message.body in STRINGIFIED:
        return plain(verdict, "body_stringified", f"it is {message.body.decode()}", tried)
    return _wrong_length(message, verdict, tried) or _nothing_found(message, verdict, tried)


DOUBTS = (
    (re.compile(rb"\Z"), "though the body is empty, so something may have read it before"),
    (re.compile(rb"[{\[]\s*'"), "though the body looks like a language's own text for an object, not like JSON"),
    (re.compile(rb"[{\[].*[^}\]\s]\s*\Z", re.DOTALL), "though the body looks like JSON that is cut off"),
)
"""What a body looks like that gives reason to doubt it and not only the secret; no proof, so no cause of its own."""


def _nothing_found(message: Message, verdict: Verdict, tried: int) -> Diagnosis:
    """No change makes the signature match; a doubtful body is named, with what helps against it."""
    doubt = next((words for pattern, words in DOUBTS if pattern.match(message.body)), None)
    if doubt is None:
        return plain(verdict, "no_match", tried=tried)
    found = plain(verdict, "no_match", doubt, tried)
    return replace(found, change=f"{found.change}; and verify the raw bytes of the body", fixes=FIXES)


COMMON = {"authorization", "signature", "x-signature", "x-webhook-signature"}
"""Header names that tell nothing about who signed."""


def _telling(message: Message, scheme: Scheme) -> Scheme | None:
    """Another scheme whose header is there and belongs to few."""
    return next((row for row in present(message, scheme) if row.header.lower() not in COMMON), None)


def _cut_off(verdict: Verdict) -> str | None:
    """Words for a signature that is the beginning of the right one."""
    given, right = verdict.received or "", verdict.computed or ""
    if SHORTEST_CUT <= len(given) < len(right) and right.startswith(given):
        return f"it has {len(given)} of {len(right)} characters"
    return None


def _wrong_length(message: Message, verdict: Verdict, tried: int) -> Diagnosis | None:
    told = first(message.headers, b"content-length") or b""
    if not told.isdigit() or len(told) > 15 or int(told) == len(message.body):
        return None
    return plain(verdict, "body_length", f"it has {len(message.body)} bytes instead of {int(told)}", tried)


# -- what the application hashed ------------------------------------------------------------------------------------


def compared(sent: bytes, change: Body, verdict: Verdict) -> Diagnosis:
    """How what the application hashed (the change) differs from what was sent, whose signature holds."""
    return _differing(cause_of(change.code), "the application hashed", sent, change, verdict)


def restored(hashed: bytes, change: Body, verdict: Verdict) -> Diagnosis:
    """How the capture (the change) differs from what the application hashed, whose signature holds."""
    return _differing(BY_CODE["body_restored"], "the capture has", hashed, change, verdict)


def _differing(cause: Cause, who: str, right: bytes, change: Body, verdict: Verdict) -> Diagnosis:
    words = f"the body {safe(change.words)}"
    codes = (change.code, verdict.reason)
    return Diagnosis(
        reason=cause.code,
        sentence=f"{cause.sentence}: {who} {words}",
        change=cause.change,
        transformation=words,
        also=tuple(code for code in codes if code not in (cause.code, "ok")),
        difference=first_difference(right, change.body),
        printers=_printers(right, change.body) if change.code == "body_reserialised" else (),
        secret=verdict.secret,
        scheme=verdict.scheme,
        matches=1,
        fixes=FIXES if cause.raw_body else (),
        verdict=verdict,
    )
