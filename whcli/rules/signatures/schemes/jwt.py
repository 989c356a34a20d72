"""Senders whose signature is a JSON Web Token (RFC 7519) that carries a hash of the body.

One signer and one verifier; what a sender's token claims is data. The algorithm is the row's, never the token's: `none`
and every other algorithm are refused (RFC 8725 section 3.1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ....words.event import Message, Verdict, first
from ....words.record import record
from ....words.secret import Secret
from ..carried import Malformed, Signed
from ..digests import TEXTS, BadKey, digest, same
from ..scheme import ASYMMETRIC, Clock, Scheme
from ..weighing import refused, unreadable, weigh

FARTHEST = 1e15  # seconds; beyond it lie NaN, Infinity and numbers that no float holds
LIFETIME = 300  # seconds that a token of ours is good for, as Monday's and LiveKit's are
BASE64URL = re.compile(rb"[A-Za-z0-9_-]*\Z")
MADE = ("now", "later", "url")  # words that a signer fills in and no verifier compares
NAMES = {"hmac-sha256": "HS256", "ecdsa-p256-raw": "ES256"}  # RFC 7518 section 3.1


@record
class Token:
    """What one sender's token claims: a claim's name and one of the words of `_values`, or a text as it stands."""

    claims: tuple[tuple[str, str], ...]
    needs: str | None = None  # the claim with a time that receivers insist on
    leeway: float = 0  # seconds that receivers allow a token to be expired or early
    two_parts: bool = False  # the secret is `issuer:key`


TOKENS = {
    "plaid": Token(claims=(("iat", "now"), ("request_body_sha256", "sha256 in hex")), needs="iat"),
    "netlify": Token(claims=(("iss", "netlify"), ("sha256", "sha256 in hex"))),
    "livekit": Token(
        claims=(
            ("iss", "issuer"),
            ("nbf", "now"),
            ("iat", "now"),
            ("exp", "later"),
            ("sha256", "sha256 in base64"),
        ),
        needs="exp",
        leeway=60,
        two_parts=True,
    ),
    "monday": Token(claims=(("aud", "url"), ("iat", "now"), ("exp", "later"))),
}

ROWS = (
    Scheme(
        name="plaid",
        provider="plaid",
        title="Plaid",
        source="https://plaid.com/docs/api/webhooks/webhook-verification/",
        read="2026-11-23",
        secret_form="the JWK that /webhook_verification_key/get answers, or the key in PEM",
        header="Plaid-Verification",
        algorithm="ecdsa-p256-raw",
        content="{JWT of iat, request_body_sha256}",
        digest="base64url",
        clock=Clock(place="iat in the token", tolerance=300, future=None),
        code="jwt",
        pair="p256-jwk",
        notes=(
            "the token's kid names the key to fetch from Plaid; whcli fetches nothing",
            "the hash is of the raw body: white space counts",
        ),
    ),
    Scheme(
        name="netlify",
        provider="netlify",
        title="Netlify",
        source="https://docs.netlify.com/site-deploys/notifications/#payload-signature",
        read="2026-11-23",
        secret_form="the JWS secret token of the notification, any text",
        header="X-Webhook-Signature",
        content="{JWT of iss, sha256}",
        digest="base64url",
        code="jwt",
        notes=("the token holds no time: it never grows old",),
    ),
    Scheme(
        name="livekit",
        provider="livekit",
        title="LiveKit",
        source="https://github.com/livekit/protocol webhook/url_notifier.go, webhook/verifier.go; livekit-api "
        "livekit/api/webhook.py 1.2.2",
        read="2026-11-23",
        secret_form="api_key:api_secret",
        header="Authorization",
        content="{JWT of iss, nbf, iat, exp, sha256}",
        digest="base64url",
        clock=Clock(place="iat in the token", tolerance=None, future=None),
        companions=(("Content-Type", "application/webhook+json"),),
        code="jwt",
        notes=(
            "the token stands alone in Authorization, without Bearer",
            "tokens are good for five minutes: exp is checked",
        ),
    ),
    Scheme(
        name="monday",
        provider="monday",
        title="monday.com",
        source="https://developer.monday.com/apps/docs/authorization-header",
        read="2026-11-23",
        secret_form="the app's signing secret (the client secret for app lifecycle events)",
        header="Authorization",
        content="{JWT of aud, iat, exp}",
        digest="base64url",
        clock=Clock(place="iat in the token", tolerance=None, future=None),
        code="jwt",
        notes=(
            "the body is not signed: a changed body still verifies",
            "aud, the endpoint's URL, is written and not compared",
            "tokens are good for five minutes: exp is checked",
            "the token stands alone in Authorization, without Bearer",
        ),
    ),
)


Times = dict[str, float | None]
"""`iat`, `nbf` and `exp` in unix seconds, None where the token has none."""


class Read(NamedTuple):
    """A token taken apart: its header and claims, the text that is signed, and the signature."""

    header: dict[str, Any]
    claims: dict[str, Any]
    content: bytes
    signature: bytes


# -- signing --------------------------------------------------------------------------------------------------------


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign with a fresh token; what else a captured token claimed (accounts, subjects, the key's id) is kept."""
    old = _old(scheme, message)
    claims = {**old.claims, **_claims(scheme, message, secrets[0], now)}
    head = {"alg": NAMES[scheme.algorithm]}
    if scheme.algorithm in ASYMMETRIC:
        head["kid"] = _kid(secrets[0]) or str(old.header.get("kid", "whcli"))
    head["typ"] = "JWT"
    content = b".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = _signature(scheme, secrets[0], content)
    made = [(scheme.header.encode(), content + b"." + _encoded(signature))]
    for name, value in scheme.companions:
        given = first(message.headers, name.encode())
        made.append((name.encode(), value.encode() if given is None else given))
    return Signed(headers=tuple(made), body=message.body, url=message.url)


def _old(scheme: Scheme, message: Message) -> Read:
    """The token of a capture, or an empty one."""
    try:
        return _read(scheme, first(message.headers, scheme.header.encode()) or b"")
    except Malformed:
        return Read({}, {}, b"", b"")


def _claims(scheme: Scheme, message: Message, secret: Secret, now: float) -> dict[str, Any]:
    values = _values(scheme, message.body, secret)
    values |= {"now": int(now), "later": int(now) + LIFETIME, "url": message.url}
    return {name: values.get(word, word) for name, word in TOKENS[scheme.name].claims}


def _values(scheme: Scheme, body: bytes, secret: Secret) -> dict[str, Any]:
    """The words of a `Token` that a verifier can compare."""
    raw = hashlib.sha256(body).digest()
    issuer = _parts(scheme, secret)[0].decode("utf-8", "replace")
    return {"sha256 in hex": raw.hex(), "sha256 in base64": base64.b64encode(raw).decode(), "issuer": issuer}


def _parts(scheme: Scheme, secret: Secret) -> tuple[bytes, bytes]:
    """Issuer and key of a secret; the issuer is empty where the secret is the key alone."""
    if not TOKENS[scheme.name].two_parts:
        return b"", secret.value
    issuer, mark, key = secret.value.partition(b":")
    if not (issuer and mark and key):
        raise BadKey("is no api_key:api_secret")
    return issuer, key


def _signature(scheme: Scheme, secret: Secret, content: bytes) -> bytes:
    key = _parts(scheme, secret)[1]
    if scheme.algorithm in ASYMMETRIC:
        from ..asymmetric import sign_raw

        return sign_raw(scheme.algorithm, key, content)
    return digest(scheme.algorithm, key, content)


def _kid(secret: Secret) -> str | None:
    """The key's id where the secret is a JWK, also inside `{"key": …}` as Plaid's API answers."""
    try:
        jwk = json.loads(secret.value)
        return str(jwk.get("key", jwk)["kid"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _encoded(raw: bytes) -> bytes:
    return TEXTS["base64url"](raw)


# -- verifying ------------------------------------------------------------------------------------------------------


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the token, its times, and the hash of the body in it. Never raises on bad input."""
    try:
        read, times = _opened(scheme, message)
    except Malformed as error:
        return unreadable(scheme, error)
    start = times["iat"] if times["iat"] is not None else times["nbf"]
    age = None if start is None or scheme.clock is None else now - start

    matching: list[Secret] = []

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        holds, text = _holds(scheme, secret, read)
        matching.extend([secret] if holds else [])
        return holds, text

    verdict = weigh(scheme, secrets, _encoded(read.signature), age, tolerance, attempt)
    if not matching:
        return verdict
    verdict = _times_checked(scheme, verdict, times, now, tolerance)
    return _claims_checked(scheme, verdict, message, matching[0], read)


def _opened(scheme: Scheme, message: Message) -> tuple[Read, Times]:
    """The token taken apart, and its times; raises Malformed when one that receivers insist on is missing."""
    given = first(message.headers, scheme.header.encode())
    if not given:
        raise Malformed("header_missing", f"there is no {scheme.header} header")
    read = _read(scheme, given)
    times = {name: _time(read.claims, name) for name in ("iat", "nbf", "exp")}
    if (needed := TOKENS[scheme.name].needs) and times[needed] is None:
        raise Malformed("timestamp_missing", f"the token holds no {needed}")
    return read, times


def _holds(scheme: Scheme, secret: Secret, read: Read) -> tuple[bool, bytes | None]:
    if scheme.algorithm in ASYMMETRIC:
        from ..asymmetric import check_raw

        return check_raw(scheme.algorithm, _parts(scheme, secret)[1], read.content, read.signature), None
    made = _signature(scheme, secret, read.content)
    return same(made, read.signature), _encoded(made)


def _times_checked(scheme: Scheme, verdict: Verdict, times: Times, now: float, tolerance: float | None) -> Verdict:
    """Stale when the token is past `exp` or before `nbf` by more than what receivers allow."""
    allowed = TOKENS[scheme.name].leeway if tolerance is None else tolerance
    if (end := times["exp"]) is not None and now - end > allowed:
        detail = f"token expired {now - end:.0f} s ago (limit {allowed:.0f} s)"
        return replace(verdict, state="stale", reason="timestamp_too_old", detail=detail)
    if (start := times["nbf"]) is not None and start - now > allowed:
        detail = f"token is good only in {start - now:.0f} s (limit {allowed:.0f} s)"
        return replace(verdict, state="stale", reason="timestamp_ahead", detail=detail)
    return verdict


def _claims_checked(scheme: Scheme, verdict: Verdict, message: Message, secret: Secret, read: Read) -> Verdict:
    """Compare the claims whose value the verifier knows: the body's hash and the issuer."""
    values = _values(scheme, message.body, secret)
    for name, word in TOKENS[scheme.name].claims:
        wanted, found = str(values.get(word, word)), read.claims.get(name)
        if word in MADE or (isinstance(found, str) and same(found.encode("utf-8", "replace"), wanted.encode())):
            continue
        if not word.startswith("sha256"):
            return refused(verdict, "claim_mismatch", f"token holds, but its {name} is not {wanted}")
        if found is None:
            return refused(verdict, "body_unsigned", f"token holds, but it has no {name} of the body")
        return refused(verdict, "body_mismatch", f"token holds, but the body is not the one that {name} names")
    return verdict


def _read(scheme: Scheme, token: bytes) -> Read:
    """Take a token apart; raises Malformed when it is none or was made with another algorithm."""
    content, _, signature = token.strip().rpartition(b".")
    parts = content.split(b".")
    if len(parts) != 2:
        raise Malformed("header_malformed", f"the {scheme.header} header holds no token of three parts")
    header, claims = (_object(part) for part in parts)
    if header is None or claims is None or (raw := _decoded(signature)) is None:
        raise Malformed("header_malformed", f"the {scheme.header} header's token cannot be read")
    if header.get("alg") != NAMES[scheme.algorithm]:
        found = str(header.get("alg"))[:20]
        raise Malformed("header_malformed", f"the token's alg is {found} instead of {NAMES[scheme.algorithm]}")
    return Read(header, claims, content, raw)


def _object(part: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(_decoded(part) or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decoded(part: bytes) -> bytes | None:
    """base64url without padding (RFC 7515 section 2)."""
    if not BASE64URL.match(part):
        return None
    try:
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        return None


def _time(claims: dict[str, Any], name: str) -> float | None:
    """A NumericDate, or None where the claim is missing; raises Malformed for anything else."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FARTHEST:
        return float(value)
    raise Malformed("timestamp_malformed", f"the token's {name} is no time")
