"""Signatures in a program of your own: what `from whcli import sign, verify` gives.

Neither reads a file, the environment or the network: the secret is passed in. The clock is read where no time is given.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .hands.keyring import signed
from .rules.signatures import signing
from .rules.signatures.scheme import Scheme
from .rules.signatures.schemes import scheme_named
from .words.errors import WrongUsage
from .words.event import Headers, Message, SignedMessage, Verdict
from .words.secret import Secret

Texts = str | bytes
GivenSecrets = Texts | Sequence[Texts]
GivenHeaders = Mapping[str, str] | Mapping[str, list[str]] | Iterable[tuple[Texts, Texts]]
GivenScheme = str | Mapping[str, Any]


def sign(
    scheme: GivenScheme,
    body: Texts = b"",
    *,
    secret: GivenSecrets,
    headers: GivenHeaders = (),
    method: str = "POST",
    url: str = "",
    now: float | None = None,
    id: str | None = None,
) -> SignedMessage:
    """Sign a body as its provider would: the headers given with the signature's own, body and URL.

    Body and URL stay as given, but for schemes that sign inside them: aws-sns, and twilio with a JSON body.

    `scheme` is a name that `whcli schemes` lists, or a table as `[schemes.NAME]` in `whcli.toml` holds it. `body` as
    text is encoded as UTF-8. `secret` is what the provider shows its users, in that very form; of several the first
    signs. `headers` are those of the request so far: some schemes sign them. `url` is the URL the provider was told,
    for schemes that sign it. `now` is in unix seconds, UTC (default: the clock); `id` is the delivery id (default: the
    one in `headers`, else a random one).

    Raises WrongUsage for an unknown scheme (`code` "unknown_name"), an empty secret or None ("no_secret"), one that
    does not have the scheme's form ("secret_malformed"), a missing `url`, a body that is parsed already ("no_bytes") or
    that the scheme cannot sign, and a time that is none.
    """
    row, message = _row(scheme), _message(headers, body, method, url)
    _demand_url(row, url)
    moment = _moment(now)
    made = signed(row, message, _secrets(secret), now=moment, token=secrets.token_hex(16), id=id)
    return SignedMessage(headers=_joined(message.headers, made.headers), body=made.body, url=made.url)


def verify(
    scheme: GivenScheme,
    headers: GivenHeaders,
    body: Texts,
    *,
    secret: GivenSecrets,
    method: str = "POST",
    url: str = "",
    now: float | None = None,
    tolerance: float | None = None,
) -> Verdict:
    """Whether a request's signature holds, and the reason: `verdict.ok`, `verdict.state`, `verdict.reason`.

    `scheme`, `secret` and `url` are as in `sign`; every secret is tried. `headers` are a mapping, or pairs of name and
    value: what Flask, Django, Starlette and httpx call `request.headers`; a mapping's value can be a list, as AWS has
    it. `body` are the raw bytes as they arrived.
    `now` is in unix seconds, UTC (default: the clock); `tolerance` is how many seconds the signed timestamp may be off
    (default: the scheme's own).

    Nothing that a sender put into the request makes it raise. Raises WrongUsage for an unknown scheme, an empty secret
    or None ("no_secret"), a missing `url`, a body that is parsed already ("no_bytes"), a time or tolerance that is
    none.
    """
    row, message = _row(scheme), _message(headers, body, method, url)
    _demand_url(row, url)
    moment = _moment(now)
    if tolerance is not None and not tolerance >= 0:  # what compares with nothing would let every age pass
        raise WrongUsage(f"{tolerance} is no tolerance in seconds", next="pass tolerance=300.0, or none")
    return signing.verify(row, message, _secrets(secret), now=moment, tolerance=tolerance)


def _moment(now: float | None) -> float:
    if now is None:
        return time.time()
    if not math.isfinite(now):  # what compares with nothing would let every age pass
        raise WrongUsage(f"{now} is no time", next="pass now=..., in unix seconds, or leave it out")
    return now


def _row(scheme: GivenScheme) -> Scheme:
    if isinstance(scheme, str):
        return scheme_named(scheme)
    from .rules.signatures.custom import Spelling, scheme_from

    return scheme_from("custom", scheme, "the table", Spelling(lambda word: f"'{word or 'the table'}'"))


def _demand_url(row: Scheme, url: str) -> None:
    if "{url" in row.content and not url:
        raise WrongUsage(f"{row.name} signs the URL", next=f"pass url=..., as {row.title} was told it")


def _secrets(given: GivenSecrets) -> tuple[Secret, ...]:
    """The secrets with their labels; an empty one is refused, since anybody can sign with it."""
    texts = [given] if isinstance(given, Texts) else list(given or ())
    if not all(texts) or not texts:
        what = "None: perhaps its variable is not set" if given is None else "empty"
        raise WrongUsage(f"the secret is {what}", code="no_secret", next="pass secret=..., as the provider shows it")
    names = ["secret", *(f"secret {number}" for number in range(2, len(texts) + 1))]
    return tuple(Secret(value=_bytes(text), label=name) for text, name in zip(texts, names, strict=True))


def _message(headers: GivenHeaders, body: Texts, method: str, url: str) -> Message:
    items: Iterable[tuple[Texts, Any]] = headers.items() if hasattr(headers, "items") else headers
    pairs = [(name, each) for name, said in items for each in (said if isinstance(said, list | tuple) else [said])]
    return Message(
        method=method,
        url=url,
        headers=tuple((_field(name), _field(value)) for name, value in pairs if value is not None),
        body=_body(body),
    )


def _body(body: Texts) -> bytes:
    """The body's bytes; raises WrongUsage for what is none any more: nobody can print again just what was signed."""
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    if isinstance(body, Texts):
        try:
            return _bytes(body)
        except UnicodeEncodeError:
            pass
    what = "no UTF-8" if isinstance(body, str) else f"of type {type(body).__name__}"
    raise WrongUsage(
        f"the body is {what}; what is signed are its raw bytes",
        code="no_bytes",
        next="pass them as they arrived: request.get_data() in Flask, request.body in Django, await request.body()",
    )


def _bytes(text: Texts) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def _field(text: Texts) -> bytes:
    """A header's name or value: servers decode Latin-1 (PEP 3333), so that is what its bytes were."""
    try:
        return text.encode("latin-1") if isinstance(text, str) else text
    except UnicodeEncodeError:
        return _bytes(text)


def _joined(given: Headers, made: Headers) -> dict[str, str]:
    """The headers given, with those that signing made in the place of any of the same name."""
    names = {name.lower() for name, _ in made}
    kept = tuple(pair for pair in given if pair[0].lower() not in names)
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in (*kept, *made)}
