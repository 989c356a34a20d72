"""Secrets and personal data of our own making, and the places of a request in which they are planted."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from whcli.words.event import Event, Headers

# Put together here so that no scanner takes this file for a leak.
TOKENS = {
    "a Stripe key": "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "a Stripe restricted key": "rk_" + "live_51H8abcDEFghiJKLmnoPQR",
    "a Stripe test key": "sk_" + "test_4eC39HqLyjWDarjtT1zdp7dc",
    "a webhook secret": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a Slack bot token": "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
    "a Slack user token": "xoxp-" + "123456789012-1234567890123-abcdef0123456789",
    "a Slack app token": "xapp-" + "1-A0123456789-1234567890123-abcdef0123456789",
    "a GitHub token": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "a GitHub fine-grained token": "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789",
    "a GitHub server token": "ghs_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "a GitLab token": "glpat-" + "AbCdEfGhIjKlMnOpQrSt",
    "an AWS key": "AKIA" + "IOSFODNN7EXAMPLQ",
    "a Google key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "a SendGrid key": "SG." + "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKcMnO1",
    "a JWT": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "an npm token": "npm_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "an OpenAI key": "sk-" + "proj-abcdefghijklmnopqrstuvwxyz0123456789",
    "a Shopify token": "shpat_" + "0123456789abcdef0123456789abcdef",
    "a Mailgun key": "key-" + "0123456789abcdef0123456789abcdef",
    "a Telegram token": "123456789:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx",
    "a Twilio key": "SK" + "0123456789abcdef0123456789abcdef",
    "a Linear key": "lin_" + "api_abcdefghijklmnopqrstuvwxyz0123",
    "a Vault token": "hvs." + "CAESIJabcdefghijklmnopqrstuvwxyz",
}
PERSONAL = {
    "an email": "ada.lovelace+hooks@analytical-engines.co.uk",
    "another email": "o'brien_1985@mail.example-corp.io",
    "a German number": "+49 170 1234567",
    "an E.164 number": "+33612345678",
    "a US number": "(415) 867-5309",
    "another US number": "212-867-5309",
    "a Visa card": "4242424242424242",
    "a card with blanks": "5555 5555 5555 4444",
    "an Amex card": "378282246310005",
    "a card with dashes": "6011-1111-1111-1117",
    "a card with dots": "4000.0566.5566.5556",
}
CONFIGURED = "Zaphod/Beeble+brox=42 & co"
PRIVATE_KEY = (
    "-----BEGIN "
    + "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyM\n-----END "
    + "PRIVATE KEY-----"
)
VALUES = {**TOKENS, **PERSONAL, "a configured secret": CONFIGURED, "a private key": PRIVATE_KEY}

FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
JSON: Headers = ((b"Content-Type", b"application/json"),)


def event(
    *, body: bytes | str = b"", headers: Headers = (), target: str = "/hooks", peer: str | None = "127.0.0.1:5"
) -> Event:
    """A request as it was captured."""
    data = body.encode() if isinstance(body, str) else body
    length = ((b"Content-Length", b"%d" % len(data)),) if data else ()
    return Event(
        id=7,
        uid="01ARYZ6S41TSV4RRFFQ69G5FAV",
        received_at=1_700_000_000.25,
        method=b"POST",
        target=target.encode(),
        version="1.1",
        headers=((b"Host", b"localhost"), *headers, *length),
        body=data,
        peer=peer,
    )


def _multipart(value: str) -> Event:
    body = f'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nsee {value}\r\n--XX--\r\n'
    return event(body=body, headers=((b"Content-Type", b"multipart/form-data; boundary=XX"),))


def _xml(value: str) -> Event:
    text = value.replace("&", "&amp;").replace("'", "&#39;")
    return event(body=f"<a><b c='1'>{text}</b></a>", headers=((b"Content-Type", b"text/xml"),))


def _gzip(value: str) -> Event:
    return event(body=gzip.compress(json.dumps({"a": value}).encode()), headers=(*JSON, (b"Content-Encoding", b"gzip")))


PLACES: dict[str, Callable[[str], Event]] = {
    "a JSON string": lambda value: event(body=json.dumps({"a": [{"b": value}]}), headers=JSON),
    "the middle of a JSON string": lambda value: event(body=json.dumps({"a": f"é see {value}, please"}), headers=JSON),
    "a JSON text in a JSON string": lambda value: event(body=json.dumps({"a": json.dumps({"b": value})}), headers=JSON),
    "a JSON name": lambda value: event(body=json.dumps({value: 1}), headers=JSON),
    "escaped JSON": lambda value: event(
        body='{"a":"' + "".join(f"\\u{ord(c):04x}" for c in value) + '"}', headers=JSON
    ),
    "a form": lambda value: event(body=f"x=1&a={quote_plus(value)}", headers=FORM),
    "JSON in a form": lambda value: event(body="payload=" + quote_plus(json.dumps({"b": value})), headers=FORM),
    "the query": lambda value: event(target=f"/hooks?x=1&a={quote(value, safe='')}"),
    "the path": lambda value: event(target=f"/hooks/{quote(value, safe='@')}/x"),
    "a header": lambda value: event(headers=((b"X-Note", value.replace("\n", " ").encode()),)),
    "text": lambda value: event(body=f"Dear all,\n{value}\nBye", headers=((b"Content-Type", b"text/plain"),)),
    "XML": _xml,
    "multipart": _multipart,
    "base64": lambda value: event(body=json.dumps({"data": base64.b64encode(f'{{"b":"{value}"}}'.encode()).decode()})),
    "a compressed body": _gzip,
    "a compressed body that says nothing of it": lambda value: event(
        body=gzip.compress(json.dumps({"a": value}).encode()), headers=JSON
    ),
    "a compressed body of two members": lambda value: event(
        body=gzip.compress(b'{"a":') + gzip.compress(json.dumps(value).encode() + b"}"),
        headers=(*JSON, (b"Content-Encoding", b"gzip")),
    ),
    "JSON lines": lambda value: event(body=f'{{"a":1}}\n{json.dumps({"a": value})}\n'),
    "almost JSON": lambda value: event(body=f'{{"a": {json.dumps(value)}, }}', headers=JSON),
    "CDATA": lambda value: event(
        body=f"<a><b>\n<![CDATA[{value}]]></b></a>", headers=((b"Content-Type", b"text/xml"),)
    ),
}
