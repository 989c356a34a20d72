"""Sign and verify, for any row of facts.

`sign` and `verify` here are the pair that every scheme offers; schemes with code of their own have the same two.
Neither knows a provider's name. Both are pure: the time, the random token and the secrets come from the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from ...words.event import Headers, Message, SignatureState, Verdict, every, first
from ...words.record import record
from ...words.secret import Secret, masked
from .contents import FORMS
from .digests import TEXTS, BadKey, digest, key_of, raw_of, same
from .scheme import ASYMMETRIC, Also, Clock, Scheme, Variant
from .timestamps import BadTimestamp, read_timestamp, write_timestamp

PLACE = re.compile(r"(\{[^{}]+\})")
PLACES = re.compile(r"\{([^{}]+)\}")


@record
class Signed:
    """What signing made: the headers to send (all that the receiver needs), and body and URL as they now stand."""

    headers: Headers
    body: bytes
    url: str


@record
class Found:
    """What a request carries for a scheme, as the exact text received."""

    timestamp: bytes = b""
    id: bytes = b""
    signatures: tuple[bytes, ...] = ()


class Malformed(ValueError):
    """The signature's headers cannot be read: a stable code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def filled(template: str, values: dict[str, bytes]) -> bytes:
    """A template with its places filled; raises KeyError for an unknown place."""
    return b"".join([values[place] if place else text for place, text in _pieces(template)])


@lru_cache(maxsize=256)
def _pieces(template: str) -> tuple[tuple[str, bytes], ...]:
    """A template taken apart: the names of its places, and between them, without a name, the text as it stands."""
    parts = [part for part in PLACE.split(template) if part]
    return tuple((part[1:-1], b"") if PLACE.fullmatch(part) else ("", part.encode()) for part in parts)


# -- signing --------------------------------------------------------------------------------------------------------


def sign(
    scheme: Scheme,
    message: Message,
    secrets: Sequence[Secret],
    *,
    now: float,
    token: str,
    id: str | None = None,
) -> Signed:
    """Sign a message the way the provider would.

    `now` is unix seconds UTC, `token` a random text from which a fresh id is minted; `id` overrides the one that the
    message carries. The first secret signs. Raises BadKey when the secret does not have the scheme's form.
    """
    scheme = next(ways(scheme, secrets[0])) if scheme.variants else scheme
    timestamp = write_timestamp(now, scheme.clock.unit) if scheme.clock else b""
    delivery = _delivery_id(scheme, message, id, token)
    texts = _signature_texts(scheme, message, secrets[0], timestamp, delivery, scheme.algorithm)
    headers = [(first_name(scheme), filled(scheme.layout, {"ts": timestamp, "sig": texts, "id": delivery}))]
    for extra in scheme.also:
        sig = _signature_texts(scheme, message, secrets[0], timestamp, delivery, extra.algorithm or scheme.algorithm)
        headers.append((extra.header, filled(extra.layout, {"ts": timestamp, "sig": sig, "id": delivery})))
    made = _around(scheme, timestamp, delivery) + headers + _companions(scheme, message, delivery, token)
    return Signed(headers=tuple([(name.encode(), value) for name, value in made]), body=message.body, url=message.url)


def first_name(scheme: Scheme) -> str:
    """The name of the signature's header; the first one where they are numbered."""
    return scheme.header.replace("{n}", "1")


def ways(scheme: Scheme, secret: Secret) -> Iterator[Scheme]:
    """The rows by which this secret can have signed, the one that signs first."""
    text = secret.value.strip().decode("latin-1")
    chosen = [variant for variant in scheme.variants if variant.prefixes and text.startswith(variant.prefixes)]
    if not chosen:
        yield scheme
        chosen = [variant for variant in scheme.variants if not variant.prefixes]
    for variant in chosen:
        yield varied(scheme, variant)


def varied(scheme: Scheme, variant: Variant) -> Scheme:
    """The row with a variant's values in place of its own."""
    content = variant.content or scheme.content
    return replace(
        scheme, algorithm=variant.algorithm, layout=variant.layout, key=variant.key, content=content, variants=()
    )


def _delivery_id(scheme: Scheme, message: Message, id: str | None, token: str) -> bytes:
    if id is not None or scheme.id_header is None:
        return (id or token).encode()
    given = first(message.headers, scheme.id_header.encode())
    return given if given is not None else scheme.id_form.format(token=token).encode()


def _around(scheme: Scheme, timestamp: bytes, delivery: bytes) -> list[tuple[str, bytes]]:
    """The headers beside the signature: id, timestamp, constants."""
    made = [(scheme.id_header, delivery)] if scheme.id_header else []
    if scheme.clock and scheme.clock.header:
        made.append((scheme.clock.header, timestamp))
    return made + [(name, value.encode()) for name, value in scheme.constants]


def _companions(scheme: Scheme, message: Message, delivery: bytes, token: str) -> list[tuple[str, bytes]]:
    """Unsigned headers that the provider's SDK insists on: as the message has them, else sensible ones."""
    values = {"id": delivery, "token": token.encode()}
    return [
        (name, given if (given := first(message.headers, name.encode())) is not None else filled(text, values))
        for name, text in scheme.companions
    ]


def _signature_texts(
    scheme: Scheme, message: Message, secret: Secret, timestamp: bytes, delivery: bytes, algorithm: str
) -> bytes:
    key = key_of(secret.value, scheme.key)
    content = content_of(scheme, message, Found(timestamp=timestamp, id=delivery), secret.value)
    if algorithm in ASYMMETRIC:
        from .asymmetric import sign_raw

        return TEXTS[scheme.digest](sign_raw(algorithm, secret.value, content))
    return TEXTS[scheme.digest](digest(algorithm, key, content))


def content_of(scheme: Scheme, message: Message, found: Found, secret: bytes) -> bytes:
    """The signed content: the row's template filled from the message."""
    values = {"body": message.body, "ts": found.timestamp, "id": found.id, "secret": secret}
    for name, _ in _pieces(scheme.content):
        if not name or name in values:
            continue
        if name == "url":
            values[name] = message.url.encode("utf-8", "surrogateescape")
        elif name == "method":
            values[name] = message.method.encode()
        elif name.startswith("header:"):
            values[name] = first(message.headers, name.removeprefix("header:").encode()) or b""
        elif name.startswith("form:"):
            values[name] = _field(message, name.removeprefix("form:").encode())
        elif name in FORMS:
            values[name] = FORMS[name](message)
    return filled(scheme.content, values)


def _field(message: Message, name: bytes) -> bytes:
    """A form's field, decoded; the body itself when it is no form or has no such field."""
    from .params import form_of, value_of

    form = form_of(message)
    value = None if form is None else value_of(form, name)
    return message.body if value is None else value


# -- verifying ------------------------------------------------------------------------------------------------------


def verify(
    scheme: Scheme,
    message: Message,
    secrets: Sequence[Secret],
    *,
    now: float,
    tolerance: float | None = None,
) -> Verdict:
    """Check a message's signature at `now` (unix seconds UTC); `tolerance` in seconds overrides the scheme's.

    Every signature listed is tried with every secret, in every way that the row knows. Never raises on anything the
    message holds.
    """
    verdicts = [_verified(way, message, group, now, tolerance) for way, group in _tries(scheme, secrets)]
    return min(verdicts, key=lambda verdict: NEAREST.get(verdict.reason, len(NEAREST)))


NEAREST = {"ok": 0, "timestamp_too_old": 1, "timestamp_ahead": 1, "no_match": 2, "no_secret": 2}
"""Of several tries the verdict that came nearest to valid is told, the first of equals."""


def _tries(scheme: Scheme, secrets: Sequence[Secret]) -> list[tuple[Scheme, Sequence[Secret]]]:
    """Each way of signing with the secrets that go with it."""
    if not scheme.variants:
        return [(scheme, secrets)]
    if not secrets:
        return [(scheme, ()), *((varied(scheme, variant), ()) for variant in scheme.variants)]
    return [(way, [secret]) for secret in secrets for way in ways(scheme, secret)]


def _verified(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], now: float, tolerance: float | None
) -> Verdict:
    try:
        found = find(scheme, message.headers)
        age = age_of(scheme.clock, found, now)
    except Malformed as error:
        return unreadable(scheme, error)
    return judge(scheme, message, secrets, found, age, tolerance)


def unreadable(scheme: Scheme, error: Malformed) -> Verdict:
    """The verdict on a request whose signature is missing or cannot be read."""
    state: SignatureState = "unsigned" if error.code in ("header_missing", "signature_missing") else "invalid"
    return Verdict(state=state, reason=error.code, detail=error.detail, scheme=scheme.name)


def find(scheme: Scheme, headers: Headers) -> Found:
    """Read signature, timestamp and id from the headers; raises Malformed with the reason."""
    name = first_name(scheme)
    values = signatures_in(scheme, headers)
    if not any(values):
        raise Malformed("header_missing", f"there is no {name} header")
    items: dict[str, list[bytes]] = {"ts": [], "sig": [], "id": []}
    for value in values:
        _read_layout(scheme, value, items)
    if not items["sig"]:
        shape = scheme.layout.replace("{sig}", "…").replace("{ts}", "…")
        raise Malformed("header_malformed", f"the {name} header does not look like {shape}")
    return Found(
        timestamp=_beside(scheme.clock.header, headers, items["ts"]) if scheme.clock else b"",
        id=_beside(scheme.id_header, headers, items["id"]) if "{id}" in scheme.content else b"",
        signatures=tuple(items["sig"]),
    )


def signatures_in(scheme: Scheme, headers: Headers) -> list[bytes]:
    """The values of the signature's header, or of all its numbered headers, in the order sent."""
    start, numbered, _ = scheme.header.lower().encode().partition(b"{n}")
    if not numbered:
        return [value for name in (scheme.header, *scheme.further) for value in every(headers, name.encode())]
    return [value for name, value in headers if name.lower().startswith(start) and name[len(start) :].isdigit()]


def _beside(header: str | None, headers: Headers, inside: list[bytes]) -> bytes:
    """A value that travels in a header of its own, or inside the layout."""
    if header is None:
        if not inside:
            raise Malformed("timestamp_missing", "the signature header holds no timestamp")
        return inside[0]
    value = first(headers, header.encode())
    if value is None:
        raise Malformed("companion_missing", f"the {header} header, which is part of what is signed, is missing")
    return value


def _read_layout(scheme: Scheme, value: bytes, items: dict[str, list[bytes]]) -> None:
    """Sort the items of one header value into timestamps, signatures and ids; unknown items are ignored."""
    separator = scheme.separator.strip() or scheme.separator
    parts = value.split(separator.encode()) if separator else [value]
    layouts = scheme.layout.split(scheme.separator) if scheme.separator else [scheme.layout]
    for part in parts:
        for template in (*layouts, *scheme.accepts):
            if (read := _read_item(template, part.strip())) is not None:
                items[read[0]].append(read[1])
                break


def _read_item(template: str, part: bytes) -> tuple[str, bytes] | None:
    """Match one item against `v1={sig}`: the place's name and the text in it, or None."""
    before, place, after = PLACE.split(template)
    if not (part.startswith(before.encode()) and part.endswith(after.encode())):
        return None
    text = part[len(before) : len(part) - len(after)]
    return (place[1:-1], text) if text else None


def age_of(clock: Clock | None, found: Found, now: float) -> float | None:
    """Seconds since the signed timestamp, or None where the scheme has none."""
    if clock is None:
        return None
    try:
        return now - read_timestamp(found.timestamp, clock.unit)
    except BadTimestamp as error:
        raise Malformed("timestamp_malformed", f"the timestamp {error}") from None


def judge(
    scheme: Scheme,
    message: Message,
    secrets: Sequence[Secret],
    found: Found,
    age: float | None,
    tolerance: float | None,
) -> Verdict:
    """Compare every signature found with what every secret gives, then look at the clock."""

    def texts(secret: Secret) -> list[bytes]:
        return [_signature_texts(scheme, message, secret, found.timestamp, found.id, scheme.algorithm)]

    paired = scheme.algorithm in ASYMMETRIC
    attempt = checking(scheme, message, found) if paired else comparing(texts, found.signatures)
    return weigh(scheme, secrets, found.signatures[0], age, tolerance, attempt)


Attempt = Callable[[Secret], tuple[bool, bytes | None]]
"""Tries one secret: whether it matches, and the text it gives where that may be shown. Raises BadKey."""


def comparing(texts: Callable[[Secret], Sequence[bytes]], given: Sequence[bytes]) -> Attempt:
    """An attempt that holds when one of the texts a secret gives is one of those in the request."""

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        made = texts(secret)
        return any(same(text, each) for text in made for each in given), made[0]

    return attempt


def checking(scheme: Scheme, message: Message, found: Found) -> Attempt:
    """An attempt that holds when the secret, as a key, accepts one of the signatures; it has no text to show."""
    from .asymmetric import check_raw

    given = [raw for text in found.signatures if (raw := raw_of(text, scheme.digest)) is not None]

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        content = content_of(scheme, message, found, secret.value)
        return any(check_raw(scheme.algorithm, secret.value, content, raw) for raw in given or [b""]), None

    return attempt


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


__all__ = [
    "Also",
    "Attempt",
    "Found",
    "Malformed",
    "Signed",
    "age_of",
    "checking",
    "comparing",
    "content_of",
    "filled",
    "find",
    "judge",
    "refused",
    "sign",
    "timely",
    "unreadable",
    "verify",
    "weigh",
]
