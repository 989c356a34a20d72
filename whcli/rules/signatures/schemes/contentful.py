"""Contentful: method, path, chosen headers and body, joined by line feeds.

    POST LF /path?query LF name:value;name:value LF body

`x-contentful-signed-headers` lists the headers, sorted, with itself and the timestamp among them. The query is
percent-encoded twice, by `querystring.escape` and then by `encodeURI`: `?tenant=7` is signed as `?tenant%253D7`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from ....words.event import Headers, Message, Verdict, first, joined
from ....words.secret import Secret
from ..carried import Found, Malformed, Signed, find
from ..digests import BadKey, digest
from ..scheme import Clock, Scheme
from ..timestamps import write_timestamp
from ..weighing import age_of, comparing, unreadable, weigh

LIST = b"x-contentful-signed-headers"
STAMP = b"x-contentful-timestamp"
SECRET_LENGTH = 64  # characters; the toolkit refuses any other

ROWS = (
    Scheme(
        name="contentful",
        provider="contentful",
        title="Contentful",
        source="https://www.contentful.com/developers/docs/extensibility/webhooks/request-verification; "
        "@contentful/node-apps-toolkit src/requests",
        read="2026-11-23",
        secret_form="the signing secret, exactly 64 characters used as text",
        header="x-contentful-signature",
        content="{method}\\n{url}\\n{name:value;name:value}\\n{body}",
        clock=Clock(header=STAMP.decode(), unit="ms", tolerance=30, future=None),
        code="contentful",
        notes=(
            "of the URL its path and query are signed; the query is percent-encoded twice",
            "only old timestamps are refused",
        ),
    ),
)


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign as Contentful does: the headers that a capture's list names, else the content type and x-contentful-*."""
    stamp = write_timestamp(now, "ms")
    names = b",".join(sorted({*_names(message.headers), LIST, STAMP}))
    kept = tuple(pair for pair in message.headers if pair[0].lower() not in (LIST, STAMP))
    signed = replace(message, headers=(*kept, (LIST, names), (STAMP, stamp)))
    text = _text(scheme, signed, secrets[0])
    made = ((scheme.header.encode(), text), (LIST, names), (STAMP, stamp))
    return Signed(headers=made, body=message.body, url=message.url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the signature over exactly the headers that the list names. Never raises on bad input."""
    try:
        given = find(scheme, message.headers).signatures
        _demand(message.headers)
        age = age_of(scheme.clock, Found(timestamp=first(message.headers, STAMP) or b""), now)
    except Malformed as error:
        return unreadable(scheme, error)
    attempt = comparing(lambda secret: [_text(scheme, message, secret)], given)
    return weigh(scheme, secrets, given[0], age, tolerance, attempt)


def _names(headers: Headers) -> list[bytes]:
    """The names that a capture's list holds, as far as the headers are there; else those worth signing."""
    listed = _listed(headers)
    if listed:
        return [name for name in listed if first(headers, name) is not None]
    found = (name.lower() for name, _ in headers)
    return [name for name in found if name == b"content-type" or re.match(rb"x-contentful-(?!signature)", name)]


def _listed(headers: Headers) -> list[bytes]:
    return [name.strip().lower() for name in (first(headers, LIST) or b"").split(b",") if name.strip()]


def _demand(headers: Headers) -> None:
    """Raise Malformed unless the list names itself and the timestamp, and every header in it is there."""
    listed = _listed(headers)
    if STAMP not in listed or LIST not in listed:
        raise Malformed("header_malformed", f"{LIST.decode()} does not name itself and {STAMP.decode()}")
    for name in listed:
        if first(headers, name) is None:
            missing = name.decode("utf-8", "backslashreplace")
            raise Malformed("companion_missing", f"the {missing} header, which is part of what is signed, is missing")


def _text(scheme: Scheme, message: Message, secret: Secret) -> bytes:
    if len(secret.value) != SECRET_LENGTH:
        raise BadKey(f"is {len(secret.value)} characters long instead of {SECRET_LENGTH}")
    names = sorted(set(_listed(message.headers)))
    fields = b";".join(name + b":" + (joined(message.headers, name) or b"").strip() for name in names)
    content = b"\n".join((message.method.encode(), _path(message.url), fields, message.body))
    return digest(scheme.algorithm, secret.value, content).hex().encode()


def _path(url: str) -> bytes:
    """Path and query as `encodeURI(path + "?" + querystring.escape(query))` writes them."""
    given = re.sub(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", url).partition("#")[0]
    path, *asked = given.encode("utf-8", "surrogateescape").split(b"?")
    query = quote(asked[0], safe="-_.!~*'()").encode() if asked else b""
    whole = (path or b"/") + (b"?" + query if query else b"")
    return quote(whole, safe=";,/?:@&=+$-_.!~*'()#").encode()
