"""Mailgun: `timestamp`, `token` and `signature` inside the body; the event itself is not signed.

JSON webhooks hold them in the object `signature`, legacy webhooks and inbound routes as form fields, multipart when
there are attachments. Signing replaces the three values where they stand and leaves every other byte alone; where they
are missing they are added.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from ....words.errors import WrongUsage
from ....words.event import Message, Verdict, first
from ....words.secret import Secret
from ... import jsontext
from .. import params
from ..carried import Found, Malformed, Signed
from ..digests import digest
from ..scheme import Clock, Scheme
from ..timestamps import write_timestamp
from ..weighing import age_of, comparing, unreadable, weigh

ROWS = (
    Scheme(
        name="mailgun",
        provider="mailgun",
        title="Mailgun",
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks; "
        "django-anymail anymail/webhooks/mailgun.py",
        read="2026-11-23",
        secret_form="the HTTP webhook signing key of the account, any text",
        content="{ts}{token}",
        clock=Clock(place="timestamp in the body", tolerance=None, future=None),
        code="mailgun",
        notes=(
            "the signature travels in the body: signing changes it",
            "the event is not signed: a changed event still verifies",
            "a subaccount's events carry parent-signature too, made with the parent account's key",
        ),
    ),
)

TOKEN_LENGTH = 50  # characters, as Mailgun's page says
Fields = dict[str, bytes]


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Write a fresh timestamp, token and signature into the body; `id` overrides the token.

    Raises WrongUsage when the body is neither a JSON object nor a form.
    """
    stamp = write_timestamp(now, "s").decode()
    minted = id or hashlib.sha256(token.encode()).hexdigest()[:TOKEN_LENGTH]
    text = _text(scheme, secrets[0], stamp.encode(), minted.encode()).decode()
    made = {"timestamp": stamp, "token": minted, "signature": text}
    if _fields(message).get("parent-signature"):
        made["parent-signature"] = text
    try:
        return Signed(headers=(), body=_written(message, made), url=message.url)
    except jsontext.NoPlace as error:
        raise WrongUsage(
            f"mailgun signs inside the body, and {error}",
            code="unsignable",
            next="give a JSON object, or the form with its Content-Type header",
        ) from None


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature in the body, and that of the parent account. Never raises on bad input."""
    fields = _fields(message)
    try:
        _demand(fields)
        age = age_of(scheme.clock, Found(timestamp=fields["timestamp"]), now)
    except Malformed as error:
        return unreadable(scheme, error)
    given = [fields[name] for name in ("signature", "parent-signature") if fields.get(name)]
    attempt = comparing(lambda secret: [_text(scheme, secret, fields["timestamp"], fields["token"])], given)
    return weigh(scheme, secrets, given[0], age, tolerance, attempt)


def _text(scheme: Scheme, secret: Secret, stamp: bytes, token: bytes) -> bytes:
    return digest(scheme.algorithm, secret.value, stamp + token).hex().encode()


def _demand(fields: Fields) -> None:
    """Raise Malformed for the first of the three fields that is missing."""
    for name, code in (
        ("signature", "signature_missing"),
        ("timestamp", "timestamp_missing"),
        ("token", "companion_missing"),
    ):
        if not fields.get(name):
            raise Malformed(code, f"the body holds no {name}")


def _fields(message: Message) -> Fields:
    """The signature's fields as the body holds them; those that are missing or in an unreadable body are left out."""
    names = ("timestamp", "token", "signature", "parent-signature")
    form = params.form_of(message)
    if (boundary := _boundary(message)) is not None:
        found = {name: _part(message.body, boundary, name) for name in names}
        return {name: message.body[match.start(1) : match.end(1)] for name, match in found.items() if match}
    if form is not None:
        return {name: value for name in names if (value := params.value_of(form, name.encode())) is not None}
    try:
        block = jsontext.at(jsontext.parsed(message.body), ("signature",))
    except jsontext.NoPlace:
        return {}
    return {name: jsontext.text(jsontext.at(block, (name,))) for name in names}


def _written(message: Message, made: dict[str, str]) -> bytes:
    """The body with the fields replaced where they stand, else added; raises NoPlace."""
    body, boundary, form = message.body, _boundary(message), params.form_of(message)
    for name, value in made.items():
        if boundary is not None:
            body = _put_part(body, boundary, name, value)
        elif form is not None:
            body = params.put(body, name.encode(), value.encode())
        else:
            body = jsontext.put(body, ("signature", name), value)
    return body


# -- multipart (RFC 7578), as far as three short text fields need it --------------------------------------------------


def _boundary(message: Message) -> bytes | None:
    if params.media_type(message) != b"multipart/form-data":
        return None
    match = re.search(rb'boundary=(?:"([^"]+)"|([^\s;]+))', first(message.headers, b"content-type") or b"", re.I)
    return b"--" + (match[1] or match[2]) if match else None


def _part(body: bytes, boundary: bytes, name: str) -> re.Match[bytes] | None:
    """The last part of that name; its text is group 1."""
    line = rb'content-disposition:[^\r\n]*[; ]name="' + name.encode() + rb'"[^\r\n]*\r\n'
    whole = re.compile(line + rb"(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n" + re.escape(boundary), re.I | re.S)
    found = list(whole.finditer(body))
    return found[-1] if found else None


def _put_part(body: bytes, boundary: bytes, name: str, value: str) -> bytes:
    if match := _part(body, boundary, name):
        return body[: match.start(1)] + value.encode() + body[match.end(1) :]
    head = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    return boundary + head.encode() + body
