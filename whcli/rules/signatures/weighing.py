"""From attempts to a verdict: the first secret that matches decides, then the clock; what cannot be read is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...words.event import SignatureState, Verdict
from ...words.secret import Secret, masked
from .carried import Found, Malformed
from .digests import BadKey, same
from .scheme import Clock, Scheme
from .timestamps import BadTimestamp, read_timestamp

Attempt = Callable[[Secret], tuple[bool, bytes | None]]
"""Tries one secret: whether it matches, and the text it gives where that may be shown. Raises BadKey."""


def comparing(texts: Callable[[Secret], Sequence[bytes]], given: Sequence[bytes]) -> Attempt:
    """An attempt that holds when one of the texts a secret gives is one of those in the request."""

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        made = texts(secret)
        return any(same(text, each) for text in made for each in given), made[0]

    return attempt


def unreadable(scheme: Scheme, error: Malformed) -> Verdict:
    """The verdict on a request whose signature is missing or cannot be read."""
    state: SignatureState = "unsigned" if error.code in ("header_missing", "signature_missing") else "invalid"
    return Verdict(state=state, reason=error.code, detail=error.detail, scheme=scheme.name)


def age_of(clock: Clock | None, found: Found, now: float) -> float | None:
    """Seconds since the signed timestamp, or None where the scheme has none."""
    if clock is None:
        return None
    try:
        return now - read_timestamp(found.timestamp, clock.unit)
    except BadTimestamp as error:
        raise Malformed("timestamp_malformed", f"the timestamp {error}") from None


def refused(verdict: Verdict, reason: str, detail: str) -> Verdict:
    """A signature that matches, refused for what it does not cover; any other verdict stays as it is."""
    matches = verdict.state in ("valid", "stale")
    return replace(verdict, state="invalid", reason=reason, detail=detail) if matches else verdict


def weigh(
    scheme: Scheme,
    secrets: Sequence[Secret],
    received: bytes,
    age: float | None,
    tolerance: float | None,
    attempt: Attempt,
) -> Verdict:
    """The verdict over all secrets: the first that matches decides, then the clock."""
    computed: list[bytes | None] = []
    trouble = ""
    for secret in secrets:
        try:
            holds, text = attempt(secret)
        except BadKey as error:
            trouble = f"the secret from {secret.label} {error}, which {scheme.name} needs"
            continue
        if holds:
            return timely(scheme, secret, age, tolerance)
        computed.append(text)
    if not secrets:
        return Verdict(state="no_secret", reason="no_secret", detail=_no_secret(scheme), scheme=scheme.name, age=age)
    if not computed:
        return Verdict(state="invalid", reason="secret_malformed", detail=trouble, scheme=scheme.name, age=age)
    return Verdict(
        state="invalid",
        reason="no_match",
        detail="signature does not match",
        scheme=scheme.name,
        age=age,
        received=_shown(scheme, received),
        computed=_shown(scheme, computed[0]) if computed[0] is not None and scheme.algorithm != "equal" else None,
    )


def _shown(scheme: Scheme, text: bytes) -> str:
    """A signature for people; masked where it is the secret itself."""
    shown = text.decode("utf-8", "backslashreplace")
    return masked(shown) if scheme.algorithm == "equal" else shown


def _no_secret(scheme: Scheme) -> str:
    return f"no secret for {scheme.name} is known"


def timely(scheme: Scheme, secret: Secret, age: float | None, tolerance: float | None) -> Verdict:
    """The verdict on a signature that matches: valid, or stale by the scheme's tolerance."""
    limit, ahead = _limits(scheme.clock, tolerance)
    reason, detail = "ok", "signature holds"
    if age is not None and limit is not None and age > limit:
        reason, detail = "timestamp_too_old", f"timestamp is {age:.0f} s old (limit {limit:.0f} s)"
    elif age is not None and ahead is not None and -age > ahead:
        reason, detail = "timestamp_ahead", f"timestamp lies {-age:.0f} s in the future (limit {ahead:.0f} s)"
    state: SignatureState = "valid" if reason == "ok" else "stale"
    return Verdict(state=state, reason=reason, detail=detail, scheme=scheme.name, secret=secret.label, age=age)


def _limits(clock: Clock | None, tolerance: float | None) -> tuple[float | None, float | None]:
    if clock is None:
        return None, None
    if tolerance is None:
        return clock.tolerance, clock.future
    return tolerance, tolerance if clock.future is not None else None
