"""Plivo V3: the URL with its query sorted, the sorted form, and a nonce.

    POST  scheme://host/path ? k=v&k=v . k1v1k2v2 . nonce
    GET   scheme://host/path ? k=v&k=v . nonce

Names and values are decoded. The `?` stands when there is a query or a form, the first `.` when there are both.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....words.errors import WrongUsage
from ....words.event import Message, Verdict, first
from ....words.secret import Secret
from ..carried import Malformed, Signed, find
from ..digests import TEXTS, digest
from ..params import form_of, groups, pairs
from ..scheme import Also, Scheme
from ..weighing import comparing, refused, unreadable, weigh

NONCE = b"X-Plivo-Signature-V3-Nonce"
MAIN = b"X-Plivo-Signature-Ma-V3"

ROWS = (
    Scheme(
        name="plivo",
        provider="plivo",
        title="Plivo (signature V3)",
        source="https://docs.plivo.com/docs/voice/xml/request/validation; plivo-python "
        "plivo/utils/signature_v3.py 4.63.0",
        read="2026-11-23",
        secret_form="the account's or subaccount's auth token",
        header="X-Plivo-Signature-V3",
        algorithm="hmac-sha256",
        content="{url}.{form names and values, sorted}.{nonce}",
        digest="base64",
        separator=",",
        id_header=NONCE.decode(),
        also=(Also(header=MAIN.decode()),),
        further=(MAIN.decode(),),
        code="plivo",
        notes=(
            f"{MAIN.decode()} is made with the main account's token, the other with the subaccount's",
            "SMS callbacks carry the older V2 signature, which covers no body",
            "the URL is signed with its query decoded and sorted",
            "the header is a list: any of its signatures counts",
            "the body is covered when it is a form; with GET only the query is",
        ),
    ),
)


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign as Plivo does, with a fresh nonce; raises WrongUsage for a body that its signature cannot cover."""
    if _uncovered(message):
        raise WrongUsage(
            "plivo signs forms, and this body is none",
            code="unsignable",
            next="--header 'Content-Type: application/x-www-form-urlencoded'",
        )
    nonce = (id or token).encode()
    text = _text(scheme, message, secrets[0], nonce)
    headers = ((scheme.header.encode(), text), (MAIN, text), (NONCE, nonce))
    return Signed(headers=headers, body=message.body, url=message.url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check every signature in the list. Never raises on bad input."""
    try:
        given = find(scheme, message.headers).signatures
        nonce = first(message.headers, NONCE)
        if nonce is None:
            raise Malformed("companion_missing", f"the {NONCE.decode()} header, which is signed too, is missing")
    except Malformed as error:
        return unreadable(scheme, error)
    attempt = comparing(lambda secret: [_text(scheme, message, secret, nonce)], given)
    verdict = weigh(scheme, secrets, given[0], None, tolerance, attempt)
    if _uncovered(message):
        return refused(verdict, "body_unsigned", "signature holds, but it covers no body that is not a form")
    return verdict


def _uncovered(message: Message) -> bool:
    covered = message.method.upper() != "GET" and form_of(message) is not None
    return bool(message.body) and not covered


def _text(scheme: Scheme, message: Message, secret: Secret, nonce: bytes) -> bytes:
    return TEXTS[scheme.digest](digest(scheme.algorithm, secret.value, _content(message) + b"." + nonce))


def _content(message: Message) -> bytes:
    url = message.url.encode("utf-8", "surrogateescape").partition(b"#")[0]
    base, _, asked = url.partition(b"?")
    query = b"&".join(name + b"=" + value for name, values in groups(pairs(asked)) for value in sorted(values))
    form = groups(pairs(form_of(message) or b"")) if message.method.upper() != "GET" else []
    fields = b"".join(name + value for name, values in form for value in sorted(values))
    return base + (b"?" if query or form else b"") + query + (b"." if query and form else b"") + fields
