"""Mandrill (Mailchimp Transactional): the registered URL and the sorted form."""

from __future__ import annotations

from collections.abc import Sequence

from ....words.event import Message, Verdict
from ....words.secret import Secret
from ..carried import Malformed, Signed, find
from ..digests import TEXTS, digest
from ..params import groups, pairs
from ..scheme import Scheme
from ..weighing import comparing, unreadable, weigh

ROWS = (
    Scheme(
        name="mandrill",
        provider="mandrill",
        title="Mandrill (Mailchimp Transactional)",
        source="https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/; "
        "https://mandrill.zendesk.com/hc/en-us/articles/205583257-How-to-Authenticate-Webhook-Requests; django-anymail "
        "anymail/webhooks/mandrill.py 15.2",
        read="2026-11-23",
        secret_form="the webhook's key, any text",
        header="X-Mandrill-Signature",
        algorithm="hmac-sha1",
        content="{url}{form names and values, sorted}",
        digest="base64",
        code="mandrill",
        notes=(
            "the URL is signed exactly as registered, with basic auth credentials where it has them",
            "the body is a form with one field, mandrill_events",
            "the HEAD request that checks a new URL is not signed",
        ),
    ),
)


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign as Mandrill does: one header, nothing else changes."""
    headers = ((scheme.header.encode(), _text(scheme, message, secrets[0])),)
    return Signed(headers=headers, body=message.body, url=message.url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature. Never raises on bad input."""
    try:
        given = find(scheme, message.headers).signatures
    except Malformed as error:
        return unreadable(scheme, error)
    attempt = comparing(lambda secret: [_text(scheme, message, secret)], given)
    return weigh(scheme, secrets, given[0], None, tolerance, attempt)


def _text(scheme: Scheme, message: Message, secret: Secret) -> bytes:
    """The body is read as a form whatever its content type says, and every value counts: nothing goes unsigned."""
    form = groups(pairs(message.body))
    added = b"".join(name + value for name, values in form for value in values)
    content = message.url.encode("utf-8", "surrogateescape") + added
    return TEXTS[scheme.digest](digest(scheme.algorithm, secret.value, content))
