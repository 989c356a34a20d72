"""Sign and verify, for any row of facts.

`sign` and `verify` here are the pair that every scheme offers; schemes with code of their own have the same two.
Neither knows a provider's name. Both are pure: the time, the random token and the secrets come from the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from ...words.event import Message, Verdict, first
from ...words.secret import Secret
from .carried import PLACE, Found, Malformed, Signed, find, first_name
from .contents import FORMS
from .digests import TEXTS, digest, key_of, raw_of
from .scheme import ASYMMETRIC, Scheme, Variant
from .timestamps import write_timestamp
from .weighing import Attempt, age_of, comparing, unreadable, weigh

PLACES = re.compile(r"\{([^{}]+)\}")


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


def checking(scheme: Scheme, message: Message, found: Found) -> Attempt:
    """An attempt that holds when the secret, as a key, accepts one of the signatures; it has no text to show."""
    from .asymmetric import check_raw

    given = [raw for text in found.signatures if (raw := raw_of(text, scheme.digest)) is not None]

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        content = content_of(scheme, message, found, secret.value)
        return any(check_raw(scheme.algorithm, secret.value, content, raw) for raw in given or [b""]), None

    return attempt
