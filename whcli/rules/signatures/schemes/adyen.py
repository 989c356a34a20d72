"""Adyen's classic notifications: eight fields of the item joined by `:`, the signature inside the item.

Nothing is escaped: the `:` and `\\` of a merchant reference are signed as they are (the escaping in older pages belongs
to the Hosted Payment Pages). Signing replaces `additionalData.hmacSignature` where it stands, or adds it; every other
byte stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....words.errors import WrongUsage
from ....words.event import Message, Verdict
from ....words.secret import Secret
from ... import jsontext
from ..carried import Malformed, Signed
from ..digests import TEXTS, digest, key_of
from ..scheme import Scheme
from ..weighing import comparing, unreadable, weigh

ROWS = (
    Scheme(
        name="adyen",
        provider="adyen",
        title="Adyen (standard webhooks)",
        source="https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures; "
        "adyen-python-api-library Adyen/util.py 16.0.0",
        read="2026-11-23",
        secret_form="the HMAC key of the Customer Area, 64 hexadecimal characters, decoded",
        key="hex",
        content="{pspReference}:{originalReference}:{merchantAccountCode}:{merchantReference}:{amount.value}:"
        "{amount.currency}:{eventCode}:{success}",
        digest="base64",
        code="adyen",
        notes=(
            "the signature travels in the body, in additionalData.hmacSignature: signing changes it",
            "missing fields count as empty, and nothing is escaped",
            "only those eight fields are signed",
            "Adyen's platform and management webhooks sign the whole body in a header: adyen-header",
        ),
    ),
)

ITEM: jsontext.Path = ("notificationItems", 0, "NotificationRequestItem")
SIGNATURE: jsontext.Path = ("additionalData", "hmacSignature")
SIGNED: tuple[jsontext.Path, ...] = (
    ("pspReference",),
    ("originalReference",),
    ("merchantAccountCode",),
    ("merchantReference",),
    ("amount", "value"),
    ("amount", "currency"),
    ("eventCode",),
    ("success",),
)


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Write the signature into the notification; raises WrongUsage when the body holds none."""
    try:
        place, item = _item(message.body)
        body = jsontext.put(message.body, place + SIGNATURE, _text(scheme, secrets[0], item).decode())
        return Signed(headers=(), body=body, url=message.url)
    except (Malformed, jsontext.NoPlace) as error:
        raise WrongUsage(
            f"adyen signs inside the body, and {error}",
            code="unsignable",
            next="give a notification with notificationItems; adyen-header signs any other body",
        ) from None


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature inside the notification. Never raises on bad input."""
    try:
        _, item = _item(message.body)
        given = jsontext.text(jsontext.at(item, SIGNATURE))
        if not given:
            raise Malformed("signature_missing", "the notification holds no additionalData.hmacSignature")
    except Malformed as error:
        return unreadable(scheme, error)
    return weigh(
        scheme, secrets, given, None, tolerance, comparing(lambda secret: [_text(scheme, secret, item)], [given])
    )


def _item(body: bytes) -> tuple[jsontext.Path, Any]:
    """The one NotificationRequestItem and its place: Adyen sends exactly one, and a second would go unsigned.

    An item alone counts too: that is what Adyen's libraries hand on.
    """
    try:
        whole = jsontext.parsed(body)
    except jsontext.NoPlace as error:
        raise Malformed("body_malformed", str(error)) from None
    items = jsontext.at(whole, ("notificationItems",))
    if items is None and jsontext.at(whole, ("pspReference",)) is not None:
        return (), whole
    item = jsontext.at(whole, ITEM)
    if not isinstance(item, dict) or len(items) != 1:
        raise Malformed("body_malformed", "the body does not hold one notificationItems[0].NotificationRequestItem")
    return ITEM, item


def _text(scheme: Scheme, secret: Secret, item: Any) -> bytes:
    content = b":".join(jsontext.text(jsontext.at(item, path)) for path in SIGNED)
    return TEXTS[scheme.digest](digest(scheme.algorithm, key_of(secret.value, scheme.key), content))
