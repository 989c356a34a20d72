"""Twilio: the URL and the sorted form, or the URL alone with the body's hash inside it.

A form adds every name and value to the URL, sorted, exact duplicates once, empty values kept. Any other body is covered
by `bodySHA256` in the URL's query, so signing such a body changes the URL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from ....words.errors import WrongUsage
from ....words.event import Headers, Message, Verdict, first
from ....words.secret import Secret
from ..carried import Malformed, Signed, find
from ..digests import TEXTS, digest, same
from ..params import form_of, groups, pairs, value_of
from ..scheme import Algorithm, Scheme
from ..weighing import comparing, refused, unreadable, weigh

SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
ALGORITHMS: dict[bytes, Algorithm] = {b"HMAC_SHA1": "hmac-sha1", b"HMAC_SHA256": "hmac-sha256"}

ROWS = (
    Scheme(
        name="twilio",
        provider="twilio",
        title="Twilio",
        source="https://www.twilio.com/docs/usage/webhooks/webhooks-security; twilio-python "
        "twilio/request_validator.py 9.13.0",
        read="2026-11-23",
        secret_form="the account's primary auth token, or the SharedKey's secret where the settings header names one",
        header="X-Twilio-Signature",
        algorithm="hmac-sha1",
        content="{url}{form names and values, sorted}",
        digest="base64",
        code="twilio",
        notes=(
            "the URL is signed as Twilio was told it, with its query; --url or --public-url gives it",
            "a body that is no form is covered by bodySHA256 in the URL's query: signing changes the URL",
            f"{SETTINGS}: …,algorithm=HMAC_SHA256 asks for SHA-256",
            "a port is tried with and without: Twilio is not consistent about default ports",
        ),
    ),
)

PORT = re.compile(r"([a-z][a-z0-9+.-]*)(://(?:[^/?#@]*@)?(?:\[[^]]*]|[^/?#:]*))(:\d*)?(.*)", re.IGNORECASE | re.DOTALL)
BODY_HASH = re.compile(r"(?<=[?&])bodySHA256=[^&#]*")


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign as Twilio does; a body that is no form leaves with `bodySHA256` in the URL.

    Raises WrongUsage when the settings header asks for an algorithm that nobody knows.
    """
    hashed = message.body and form_of(message) is None
    url = _with_hash(message.url, message.body) if hashed else message.url
    try:
        text = _text(_algorithm(scheme, message.headers), secrets[0], _content(url, message))
    except Malformed as error:
        raise WrongUsage(
            f"twilio cannot sign this: {error}", code="unsignable", next=f"--header '{SETTINGS}:'"
        ) from None
    settings = first(message.headers, SETTINGS.encode())
    also = ((SETTINGS.encode(), settings),) if settings else ()
    return Signed(headers=((scheme.header.encode(), text), *also), body=message.body, url=url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature with every spelling of the port, then the body's hash. Never raises on bad input."""
    try:
        given = find(scheme, message.headers).signatures
        algorithm = _algorithm(scheme, message.headers)
    except Malformed as error:
        return unreadable(scheme, error)

    def texts(secret: Secret) -> list[bytes]:
        return [_text(algorithm, secret, _content(url, message)) for url in _ports(message.url)]

    verdict = weigh(scheme, secrets, given[0], None, tolerance, comparing(texts, given))
    return _body_checked(verdict, message)


def _body_checked(verdict: Verdict, message: Message) -> Verdict:
    """A body that is no form must be the one whose hash the signed URL holds, an empty one too."""
    if form_of(message):
        return verdict
    query = message.url.encode("utf-8", "surrogateescape").partition(b"?")[2].partition(b"#")[0]
    wanted = value_of(query, b"bodySHA256")
    if wanted is None and message.body:
        return refused(verdict, "body_unsigned", "signature holds, but the URL has no bodySHA256 to cover the body")
    if wanted is not None and not same(wanted, hashlib.sha256(message.body).hexdigest().encode()):
        return refused(verdict, "body_mismatch", "signature holds, but the body is not the one that bodySHA256 names")
    return verdict


def _algorithm(scheme: Scheme, headers: Headers) -> Algorithm:
    """The algorithm that the settings header asks for, else SHA-1; raises Malformed for an unknown one."""
    for part in (first(headers, SETTINGS.encode()) or b"").split(b","):
        name, _, value = part.partition(b"=")
        if name.strip() == b"algorithm" and value.strip():
            if value.strip().upper() in ALGORITHMS:
                return ALGORITHMS[value.strip().upper()]
            raise Malformed("header_malformed", f"the {SETTINGS} header names an unknown algorithm")
    return scheme.algorithm


def _content(url: str, message: Message) -> bytes:
    form = groups(pairs(form_of(message) or b""))
    added = b"".join(name + value for name, values in form for value in sorted(set(values)))
    return url.encode("utf-8", "surrogateescape") + added


def _text(algorithm: str, secret: Secret, content: bytes) -> bytes:
    return TEXTS["base64"](digest(algorithm, secret.value, content))


def _with_hash(url: str, body: bytes) -> str:
    """The URL with `bodySHA256` replaced where it stands, else at the end of its query."""
    item = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    if BODY_HASH.search(url):
        return BODY_HASH.sub(item, url)
    before, mark, fragment = url.partition("#")
    return f"{before}{'&' if '?' in before else '?'}{item}{mark}{fragment}"


def _ports(url: str) -> list[str]:
    """The URL as given, without a port, and with its scheme's default port."""
    match = PORT.match(url)
    if match is None:
        return [url]
    kind, host, port, rest = match.groups()
    default = ":443" if kind.lower() == "https" else ":80"
    return [url, f"{kind}{host}{rest}", f"{kind}{host}{port or default}{rest}"]
