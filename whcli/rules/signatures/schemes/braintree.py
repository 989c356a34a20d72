"""Braintree: a form of `bt_signature` and `bt_payload`; the signature is keyed by the SHA-1 of the private key.

`bt_signature` lists `public_key|signature` pairs joined by `&`, one per live key. Signing replaces it where it stands
(or adds it) and leaves `bt_payload` alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ....words.errors import WrongUsage
from ....words.event import Message, Verdict
from ....words.secret import Secret
from .. import params
from ..carried import Malformed, Signed
from ..digests import BadKey, digest
from ..scheme import Scheme
from ..weighing import comparing, unreadable, weigh

ROWS = (
    Scheme(
        name="braintree",
        provider="braintree",
        title="Braintree",
        source="https://developer.paypal.com/braintree/docs/guides/webhooks/parse/python; braintree_python "
        "braintree/webhook_notification_gateway.py 4.48.0",
        read="2026-11-23",
        secret_form="public_key:private_key, the two API keys of the control panel",
        algorithm="hmac-sha1",
        content="{bt_payload}",
        layout="{public_key}|{sig}",
        separator="&",
        code="braintree",
        notes=(
            "the signature travels in the body, in bt_signature: signing changes it",
            "HMAC's key is the SHA-1 digest of the private key",
        ),
    ),
)


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Write `bt_signature` into the form; raises WrongUsage when it has no `bt_payload`."""
    payload = params.value_of(message.body, b"bt_payload")
    if payload is None:
        raise WrongUsage(
            "braintree signs the form field bt_payload, and the body has none",
            code="unsignable",
            next="give a form with bt_payload=<base64 of the XML>",
        )
    body = params.put(message.body, b"bt_signature", _text(scheme, secrets[0], payload))
    return Signed(headers=(), body=body, url=message.url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check every pair of `bt_signature`. Never raises on bad input."""
    try:
        payload, given = _found(message.body)
    except Malformed as error:
        return unreadable(scheme, error)

    def texts(secret: Secret) -> list[bytes]:  # the SDKs also try the payload with a line feed at its end
        return [_text(scheme, secret, form) for form in (payload, payload + b"\n")]

    return weigh(scheme, secrets, given[0], None, tolerance, comparing(texts, given))


def _found(body: bytes) -> tuple[bytes, list[bytes]]:
    payload, signature = (params.value_of(body, name) for name in (b"bt_payload", b"bt_signature"))
    if not signature:
        raise Malformed("signature_missing", "the body is no form with bt_signature")
    if payload is None:
        raise Malformed("body_malformed", "the body is no form with bt_payload")
    pairs = [pair for pair in signature.split(b"&") if b"|" in pair]
    if not pairs:
        raise Malformed("header_malformed", "bt_signature does not look like public_key|signature")
    return payload, pairs


def _text(scheme: Scheme, secret: Secret, payload: bytes) -> bytes:
    public, mark, private = secret.value.partition(b":")
    if not (public and mark and private):
        raise BadKey("is no public_key:private_key")
    key = hashlib.sha1(private).digest()  # noqa: S324  Braintree's own derivation
    return public + b"|" + digest(scheme.algorithm, key, payload).hex().encode()
