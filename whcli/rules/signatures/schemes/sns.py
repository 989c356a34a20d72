"""AWS SNS: an RSA signature inside the JSON body, over the body's own fields as `Name LF value LF`.

Which fields, and in which order, depends on the message's type. Signing needs a test key of one's own: it renews
`Timestamp` and `Signature` where they stand and leaves every other byte alone, `SigningCertURL` too; what is missing is
added. SDKs fetch the certificate from that URL, so only a handler that was told to trust the test certificate accepts
the result.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ....words.errors import WrongUsage
from ....words.event import Message, Verdict, first
from ....words.secret import Secret
from ... import jsontext
from ..carried import Malformed, Signed
from ..scheme import Algorithm, Scheme
from ..weighing import unreadable, weigh

ROWS = (
    Scheme(
        name="aws-sns",
        provider="aws-sns",
        title="AWS SNS",
        source="https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html; sns-validator index.js "
        "0.3.5",
        read="2026-11-23",
        secret_form="to verify: the certificate behind SigningCertURL, in PEM; to sign: an RSA test key in PEM",
        algorithm="rsa-sha256",
        content="{Name\\nvalue\\n, for each signed field}",
        digest="base64",
        companions=(("Content-Type", "text/plain; charset=UTF-8"),),
        code="sns",
        pair="rsa-pem",
        notes=(
            "the signature travels in the body, in Signature: signing changes it",
            "SignatureVersion 1 is SHA-1, 2 is SHA-256; a message without one is signed as 1, SNS's default",
            "whcli never fetches SigningCertURL: give the certificate",
            "AWS's SDKs check no age, some others refuse a Timestamp older than an hour: signing renews it",
        ),
    ),
)

# AWS's page: "the string to sign" of a Notification, and of SubscriptionConfirmation and UnsubscribeConfirmation. AWS's
# sns-validator for Node (0.3.5) leaves Token out of the last one and so refuses it; its PHP and Python kin do not.
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
FIELDS = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
OPTIONAL = ("Subject",)
VERSIONS: dict[bytes, Algorithm] = {b"1": "rsa-sha1", b"2": "rsa-sha256"}
CERTIFICATE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-test.pem"
HEADERS = {"x-amz-sns-message-type": "Type", "x-amz-sns-message-id": "MessageId", "x-amz-sns-topic-arn": "TopicArn"}


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Write the signature into the message, made with a test key; `id` overrides its MessageId.

    Raises WrongUsage when the body is no SNS message.
    """
    from ..asymmetric import sign_raw

    try:
        body = _renewed(message.body, now, id)
        fields = _fields(body)
        raw = sign_raw(_algorithm(fields), secrets[0].value, _content(fields))
        body = jsontext.put(body, ("Signature",), base64.b64encode(raw).decode())
    except (Malformed, jsontext.NoPlace) as error:
        raise WrongUsage(
            f"aws-sns signs inside the body, and {error}",
            code="unsignable",
            next="give an SNS message: a JSON object with Type, MessageId, TopicArn, Message and Timestamp",
        ) from None
    return Signed(headers=_headers(scheme, message, fields), body=body, url=message.url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature in the message with the given certificate or key. Never raises on bad input."""
    try:
        fields = _fields(message.body)
        given = jsontext.text(fields.get("Signature"))
        if not given:
            raise Malformed("signature_missing", "the message holds no Signature")
        algorithm, content, signature = _algorithm(fields), _content(fields), _decoded(given)
    except Malformed as error:
        return unreadable(scheme, error)

    def attempt(secret: Secret) -> tuple[bool, bytes | None]:
        from ..asymmetric import check_raw

        return check_raw(algorithm, secret.value, content, signature), None

    return weigh(scheme, secrets, given, None, tolerance, attempt)


def _renewed(body: bytes, now: float, id: str | None) -> bytes:
    """The message with the time of now and the given id, and with what a signed message must have."""
    body = jsontext.put(body, ("Timestamp",), _stamp(now))
    body = body if id is None else jsontext.put(body, ("MessageId",), id)
    for name, value in (("SignatureVersion", "1"), ("SigningCertURL", CERTIFICATE)):
        if not jsontext.text(jsontext.at(jsontext.parsed(body), (name,))):
            body = jsontext.put(body, (name,), value)
    return body


def _stamp(now: float) -> str:
    """`2026-01-02T03:04:05.678Z`, as SNS writes it."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = jsontext.parsed(body)
    except jsontext.NoPlace as error:
        raise Malformed("body_malformed", str(error)) from None
    if not isinstance(fields, dict) or fields.get("Type") not in FIELDS:
        raise Malformed("body_malformed", f"the body is no JSON object with a Type of {', '.join(FIELDS)}")
    return fields


def _content(fields: dict[str, Any]) -> bytes:
    """`Name LF value LF` for every field that this type signs; raises Malformed where one is missing."""
    lines = []
    for name in FIELDS[fields["Type"]]:
        if name in OPTIONAL and fields.get(name) is None:
            continue
        if not isinstance(fields.get(name), str):
            raise Malformed("body_malformed", f"the message holds no {name}, which is signed")
        lines += [name.encode(), jsontext.text(fields[name])]
    return b"".join(line + b"\n" for line in lines)


def _algorithm(fields: dict[str, Any]) -> Algorithm:
    version = jsontext.text(fields.get("SignatureVersion"))
    if version not in VERSIONS:
        raise Malformed("body_malformed", "the message's SignatureVersion is neither 1 nor 2")
    return VERSIONS[version]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("header_malformed", "the message's Signature is not base64") from None


def _headers(scheme: Scheme, message: Message, fields: dict[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    """The unsigned headers of SNS: its names for type, id and topic, and its content type unless there is one."""
    made = [(name.encode(), jsontext.text(fields[field])) for name, field in HEADERS.items()]
    for name, value in scheme.companions:
        given = first(message.headers, name.encode())
        made.append((name.encode(), value.encode() if given is None else given))
    return tuple(made)
