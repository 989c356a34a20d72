"""PayPal: an RSA signature over four values, checked with a certificate that the user gives.

    transmission id | transmission time | webhook id | CRC-32 of the body, in decimal

PayPal's SDKs fetch the certificate from PAYPAL-CERT-URL and demand that its chain ends in their own bundled roots, so
nothing but PayPal's own key makes a signature that they accept.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from ....words.errors import WrongUsage
from ....words.event import Headers, Message, Verdict, first
from ....words.secret import Secret
from ..carried import Found, Malformed, Signed
from ..digests import BadKey
from ..scheme import Clock, Scheme
from ..weighing import age_of, unreadable, weigh

ALGORITHM = b"SHA256withRSA"
BEGIN = b"-----BEGIN "

ROWS = (
    Scheme(
        name="paypal",
        provider="paypal",
        title="PayPal",
        source="https://developer.paypal.com/api/rest/webhooks/rest/; PayPal-Python-SDK paypalrestsdk/notifications.py "
        "1.13.3",
        read="2026-11-23",
        secret_form="webhook_id:certificate, the certificate behind PAYPAL-CERT-URL in PEM",
        header="PAYPAL-TRANSMISSION-SIG",
        algorithm="rsa-sha256",
        content="{PAYPAL-TRANSMISSION-ID}|{ts}|{webhook id}|{CRC-32 of the body, in decimal}",
        digest="base64",
        clock=Clock(header="PAYPAL-TRANSMISSION-TIME", unit="rfc3339", tolerance=None, future=None),
        id_header="PAYPAL-TRANSMISSION-ID",
        code="paypal",
        signs=False,
        notes=(
            "cannot be signed: receivers accept only a certificate that chains to a public root and names paypal.com",
            "whcli never fetches PAYPAL-CERT-URL: give the certificate",
            "CRC-32 is no cryptographic hash: the signature does not protect the body against a forger",
        ),
    ),
)


class Sent(NamedTuple):
    """What the headers hold, as the exact text received."""

    id: bytes
    time: bytes
    text: bytes
    signature: bytes


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Raises WrongUsage: only PayPal can sign."""
    raise WrongUsage(
        "paypal webhooks cannot be signed: receivers demand a certificate that chains to a public root and is PayPal's",
        code="cannot_sign",
        next="whcli replay EVENT --to URL --no-resign        sends the captured signature, which stays good",
    )


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature with the given certificate or public key. Never raises on bad input."""
    try:
        sent = _sent(message.headers)
        age = age_of(scheme.clock, Found(timestamp=sent.time), now)
    except Malformed as error:
        return unreadable(scheme, error)

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        from ..asymmetric import check_raw

        webhook, certificate = _parts(secret)
        content = b"|".join((sent.id, sent.time, webhook, str(zlib.crc32(message.body)).encode()))
        return check_raw(scheme.algorithm, certificate, content, sent.signature), None

    return weigh(scheme, secrets, sent.text, age, tolerance, attempt)


def _parts(secret: Secret) -> tuple[bytes, bytes]:
    """Webhook id and certificate; between them stands a colon or a line end."""
    webhook, mark, rest = secret.value.strip().partition(BEGIN)
    webhook = webhook.strip().removesuffix(b":").strip()
    if not (webhook and mark):
        raise BadKey("is no webhook_id:certificate")
    return webhook, mark + rest


def _sent(headers: Headers) -> Sent:
    """Read the headers; raises Malformed with the reason."""
    text = first(headers, b"PAYPAL-TRANSMISSION-SIG")
    if not text:
        raise Malformed("header_missing", "there is no PAYPAL-TRANSMISSION-SIG header")
    values = []
    for name in (b"PAYPAL-TRANSMISSION-ID", b"PAYPAL-TRANSMISSION-TIME"):
        value = first(headers, name)
        if value is None:
            raise Malformed("companion_missing", f"the {name.decode()} header, which is signed too, is missing")
        values.append(value)
    if first(headers, b"PAYPAL-AUTH-ALGO") not in (None, ALGORITHM):
        raise Malformed("header_malformed", f"the PAYPAL-AUTH-ALGO header is not {ALGORITHM.decode()}")
    try:
        return Sent(values[0], values[1], text, base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise Malformed("header_malformed", "the PAYPAL-TRANSMISSION-SIG header is not base64") from None
