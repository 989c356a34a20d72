"""Why a signature fails: every cause made on purpose, and diagnosed as exactly that cause."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whcli.rules.autopsy import CAUSES, FIXES, REASONS, Diagnosis, diagnosis_json, explain
from whcli.rules.autopsy.diagnosis import first_difference
from whcli.rules.autopsy.printers import PRINTERS, Press
from whcli.rules.autopsy.tokens import read_json
from whcli.rules.signatures import signing
from whcli.rules.signatures.scheme import Clock, Scheme
from whcli.rules.signatures.schemes import NAMES, scheme_named
from whcli.rules.signatures.signing import sign
from whcli.words.event import Headers, Message
from whcli.words.secret import Secret

NOW = 1_763_900_000
URL = "https://shop.example/hooks/in?shop=1"
BODY = b'{"id":"evt_1","name":"Zo\xc3\xab","amount":2500,"site":"https://zoe.example/"}'
LINES = b'{\n  "id": "evt_1",\n  "amount": 2500\n}\n'
FORM = b"command=%2Fdeploy&text=to+production+%26+test&user_name=Zo%C3%AB&trigger_id=1.2"

# As Slack sends it (slackapi/bolt-js, the tests of its receivers).
COMMAND = (
    b"token=x&team_id=T1&team_domain=d&channel_id=C1&channel_name=random&user_id=W1&user_name=zoe&command=%2Fdeploy"
    b"&text=&api_app_id=A1&is_enterprise_install=false&enterprise_id=E1&enterprise_name=Sandbox+Org"
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F1%2Fx&trigger_id=1.2.x"
)

KEY = b"0123456789abcdef01234567"  # 24 bytes
SECRETS = {
    "standardwebhooks": b"whsec_" + base64.b64encode(KEY),
    "svix": b"whsec_" + base64.b64encode(KEY),
    "stripe": b"whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH",
    "adyen-header": KEY.hex().encode(),
}
OTHER = b"5f4dcc3b5aa765d61d8327deb882cf99"


def secret(value: bytes, label: str = "$SECRET") -> Secret:
    return Secret(value=value, label=label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A signed request, and how it is looked at."""

    scheme: Scheme
    message: Message
    secrets: tuple[Secret, ...]
    now: float = NOW
    others: tuple[tuple[Scheme, Secret], ...] = ()
    hashed: bytes | None = None

    @property
    def body(self) -> bytes:
        return self.message.body

    def arrives(self, body: bytes) -> Request:
        """With another body than was signed."""
        return replace(self, message=replace(self.message, body=body))

    def knows(self, value: bytes) -> Request:
        """With another secret than it was signed with."""
        return replace(self, secrets=(secret(value),))

    def at(self, url: str) -> Request:
        return replace(self, message=replace(self.message, url=url))

    def header(self, name: str, change: Callable[[bytes], bytes]) -> Request:
        """With one header's value changed."""
        wanted = name.lower().encode()
        headers = tuple((key, change(value) if key.lower() == wanted else value) for key, value in self.message.headers)
        assert headers != self.message.headers
        return self.headers(headers)

    def headers(self, headers: Headers) -> Request:
        return replace(self, message=replace(self.message, headers=headers))

    def plus(self, name: str, value: str) -> Request:
        return self.headers((*self.message.headers, (name.encode(), value.encode())))

    def without(self, name: str) -> Request:
        return self.headers(tuple(pair for pair in self.message.headers if pair[0].lower() != name.lower().encode()))

    def explained(self) -> Diagnosis:
        return explain(
            self.scheme,
            self.message,
            self.secrets,
            now=self.now,
            others=self.others,
            received_body=self.hashed,
        )


def signed(
    name: str, body: bytes = BODY, value: bytes | None = None, *, row: Scheme | None = None, url: str = URL
) -> Request:
    """A request that verifies."""
    scheme = scheme_named(name)
    value = SECRETS.get(name, b"8f742231b10e8888abcd99yyyzzz85a5") if value is None else value
    kind = b"application/json" if body[:1] in (b"{", b"[") else b"application/x-www-form-urlencoded"
    plain = Message(method="POST", url=url, headers=((b"Content-Type", kind),), body=body)
    made = sign(row or scheme, plain, [secret(value)], now=NOW, token="5b1c")
    message = replace(plain, url=made.url, headers=plain.headers + made.headers, body=made.body)
    return Request(scheme=scheme, message=message, secrets=(secret(value),))


# -- printers -------------------------------------------------------------------------------------------------------

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "printed.json").read_text())
"""What the libraries themselves printed, with the commands."""
PRINTED: dict[str, bytes] = {row["printer"]: row["output"]["an event"].encode() for row in GOLDEN["printed"]}
BY_NAME = {printer.name: printer for printer in PRINTERS}


@pytest.mark.parametrize("document", GOLDEN["documents"])
@pytest.mark.parametrize("row", GOLDEN["printed"], ids=lambda row: row["printer"])
def test_json_is_printed_as_the_library_prints_it(row: dict[str, Any], document: str) -> None:
    text = read_json(GOLDEN["documents"][document].encode())
    assert text is not None
    assert Press(text).by(BY_NAME[row["printer"]]).decode() == row["output"][document]


def test_escapes_of_system_text_json() -> None:
    # https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding
    text = read_json(
        '{"Date":"2019-08-01T00:00:00-07:00","TemperatureCelsius":25,"Summary":"жарко","Sum":"2+2"}'.encode()
    )
    assert text is not None
    assert Press(text).by(BY_NAME[".NET System.Text.Json"]) == (
        rb'{"Date":"2019-08-01T00:00:00-07:00","TemperatureCelsius":25,'
        rb'"Summary":"\u0436\u0430\u0440\u043A\u043E","Sum":"2\u002B2"}'
    )


# How the sender printed the event, and how it was printed again on the way.
AGAIN = (
    ("stripe", "JavaScript JSON.stringify(…, null, 2)", "JavaScript JSON.stringify"),
    ("stripe", "JavaScript JSON.stringify(…, null, 2)", "Python json.dumps"),
    ("stripe", "Ruby JSON.pretty_generate before 3.4", "Go json.Marshal"),
    ("stripe", "JavaScript JSON.stringify(…, null, 2)", "Java Jackson"),
    ("github", "JavaScript JSON.stringify", "Python json.dumps"),
    ("github", "JavaScript JSON.stringify", "Python json.dumps(ensure_ascii=False)"),
    ("github", "JavaScript JSON.stringify", "Python json.dumps(separators=(',', ':'))"),
    ("github", "JavaScript JSON.stringify", "Go json.Encoder"),
    ("github", "JavaScript JSON.stringify", "PHP json_encode"),
    ("github", "JavaScript JSON.stringify", "Ruby JSON.generate"),
    ("github", "JavaScript JSON.stringify", "jq -c"),
    ("slack", "PHP json_encode", "JavaScript JSON.stringify"),
    ("slack", "PHP json_encode", "Go json.Marshal"),
    ("slack", "PHP json_encode", "PHP json_encode(JSON_UNESCAPED_SLASHES)"),
    ("shopify", "Rails to_json", "JavaScript JSON.stringify"),
    ("shopify", "Rails to_json", "Python json.dumps"),
    ("shopify", "Rails to_json", "PHP json_encode"),
    ("shopify", "Rails to_json", "Java Gson"),
    ("standardwebhooks", "Go json.Marshal", "JavaScript JSON.stringify"),
    ("standardwebhooks", "Go json.Encoder", "Python json.dumps"),
    ("standardwebhooks", "Go json.Marshal", "Java Jackson's pretty printer"),
    ("svix", "Python json.dumps(ensure_ascii=False, separators=(',', ':'))", "JavaScript JSON.stringify"),
    ("svix", "Python json.dumps", "Rails to_json"),
    ("svix", "Python json.dumps", "Go json.Marshal"),
    ("square", "Java Jackson", "JavaScript JSON.stringify"),
    ("square", "Java Jackson", "PHP json_encode(JSON_PRETTY_PRINT)"),
    ("hubspot-v3", "Java Jackson", "Python json.dumps"),
    ("hubspot-v3", "Java Gson", "jq"),
)


@pytest.mark.parametrize(("name", "sent", "arrived"), AGAIN, ids=[f"{n}: {s}, then {a}" for n, s, a in AGAIN])
def test_a_body_that_was_printed_again_is_diagnosed_with_the_library_that_did_it(
    name: str, sent: str, arrived: str
) -> None:
    found = signed(name, PRINTED[sent]).arrives(PRINTED[arrived]).explained()
    assert (found.reason, found.also, found.matches) == ("body_reserialised", (), 1)
    assert arrived in found.printers
    assert found.printers[0] == arrived or PRINTED[found.printers[0]] == PRINTED[arrived]
    assert found.difference is not None
    assert PRINTED[sent][: found.difference.offset] == PRINTED[arrived][: found.difference.offset]
    assert PRINTED[sent][found.difference.offset :][:1] != PRINTED[arrived][found.difference.offset :][:1]
    assert found.fixes == FIXES


# What printing again loses for good is seen only with both bodies in hand.
LOST = [
    (document, row["printer"])
    for row in GOLDEN["printed"]
    for document in ("strings", "numbers", "keys")
    if row["output"][document] != GOLDEN["documents"][document]
]


@pytest.mark.parametrize(("document", "printer"), LOST, ids=[f"{d}, by {p}" for d, p in LOST])
def test_the_library_is_named_that_printed_what_the_application_hashed(document: str, printer: str) -> None:
    row = next(row for row in GOLDEN["printed"] if row["printer"] == printer)
    sent, hashed = GOLDEN["documents"][document].encode(), row["output"][document].encode()
    found = replace(signed("github", sent), hashed=hashed).explained()
    assert found.reason == "body_reserialised"
    assert printer in found.printers


@pytest.mark.parametrize(
    ("sent", "arrived"),
    [
        (b'{"price":10.00,"total":20.50,"n":3}', b'{"price":10,"total":20.5,"n":3}'),
        (b'{"price":10.0,"n":3}', b'{"price":10,"n":3}'),
        (b'{"items":[{"price":7.0,"n":2},{"price":2.5,"n":1}]}', b'{"items":[{"price":7,"n":2},{"price":2.5,"n":1}]}'),
        (b'{"meta":{},"tags":[]}', b'{"meta":[],"tags":[]}'),
        (b'{"meta": {}, "tags": {}}', b'{"meta":[],"tags":[]}'),
    ],
    ids=["two decimals", "a float that is whole", "one of several prices", "one empty object", "empty objects"],
)
def test_zeros_and_braces_that_were_lost_are_guessed(sent: bytes, arrived: bytes) -> None:
    assert signed("github", sent).arrives(arrived).explained().reason == "body_reserialised"


# -- every cause, made on purpose -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One cause: the reason that must be found, and how a request that verified is spoilt."""

    reason: str
    scheme: str
    says: str
    spoil: Callable[[Request], Request] = lambda request: request
    body: bytes = BODY
    value: bytes | None = None  # the secret that it is signed with
    row: dict[str, Any] = field(default_factory=dict)  # how a careless sender's row differs
    url: str = URL
    words: str = ""  # part of the sentence
    also: tuple[str, ...] = ()

    def request(self) -> Request:
        row = replace(scheme_named(self.scheme), **self.row)
        return self.spoil(signed(self.scheme, self.body, self.value, row=row, url=self.url))

    def __str__(self) -> str:
        return f"{self.reason}, {self.scheme}: {self.says}"


def upper(value: bytes) -> bytes:
    return re.sub(rb"[0-9a-f]{40,}", lambda match: match[0].upper(), value)


def rebased(value: bytes) -> bytes:
    """Hexadecimal digits as base64 and back."""
    digits = re.compile(rb"[0-9a-f]{40,}")
    if match := digits.search(value):
        return digits.sub(base64.b64encode(bytes.fromhex(match[0].decode())), value)
    label, comma, text = value.rpartition(b",")
    return label + comma + base64.b64decode(text).hex().encode()


def known_elsewhere(request: Request, label: str, row: str | None = None) -> Request:
    """The right secret is known under another name only."""
    right = Secret(value=request.secrets[0].value, label=label)
    return replace(request.knows(OTHER), others=((scheme_named(row or request.scheme.name), right),))


CLOCK = (
    Case("timestamp_too_old", "stripe", "two hours old", lambda r: replace(r, now=NOW + 7200), words="7200 s"),
    Case("timestamp_too_old", "slack", "ten minutes old", lambda r: replace(r, now=NOW + 600), words="600 s"),
    Case("timestamp_ahead", "svix", "an hour ahead", lambda r: replace(r, now=NOW - 3600), words="3600 s"),
    Case(
        "timestamp_unit",
        "standardwebhooks",
        "milliseconds",
        row={"clock": Clock(header="webhook-timestamp", unit="ms")},
    ),
    Case(
        "timestamp_unit", "slack", "RFC 3339", row={"clock": Clock(header="X-Slack-Request-Timestamp", unit="rfc3339")}
    ),
    Case(
        "timestamp_not_signed",
        "slack",
        "a second later in the header",
        lambda r: r.header("X-Slack-Request-Timestamp", lambda v: str(int(v) + 1).encode()),
    ),
    Case(
        "timestamp_not_signed",
        "stripe",
        "milliseconds in the header, seconds signed",
        lambda r: r.header("Stripe-Signature", lambda v: v.replace(b"t=%d" % NOW, b"t=%d000" % NOW)),
    ),
    Case(
        "timestamp_not_signed",
        "twitch",
        "nanoseconds cut off",
        lambda r: r.header("Twitch-Eventsub-Message-Timestamp", lambda v: v.replace(b".000000000Z", b"Z")),
    ),
)

SECRET = (
    Case(
        "wrong_secret",
        "github",
        "that of another scheme",
        lambda r: known_elsewhere(r, "$SLACK", "slack"),
        words="$SLACK",
    ),
    Case("wrong_secret", "shopify", "that of another shop", lambda r: known_elsewhere(r, "$SHOP_B"), words="$SHOP_B"),
    Case(
        "secret_other_mode",
        "stripe",
        "test instead of live",
        lambda r: known_elsewhere(r, "$STRIPE_TEST_SECRET"),
        words="$STRIPE_TEST_SECRET",
    ),
    Case("secret_other_mode", "stripe", "the CLI's", lambda r: known_elsewhere(r, "$STRIPE_CLI_SECRET")),
    Case(
        "secret_rotated",
        "stripe",
        "two signatures, one by an old secret",
        lambda r: known_elsewhere(r, "$OLD").header(
            "Stripe-Signature", lambda v: v.replace(b",v1=", b",v1=" + b"ab" * 32 + b",v1=")
        ),
        words="$OLD",
    ),
    Case(
        "secret_rotated",
        "standardwebhooks",
        "two signatures, one by an old secret",
        lambda r: (
            known_elsewhere(r, "$OLD")
            .knows(b"whsec_" + base64.b64encode(b"x" * 24))
            .header("webhook-signature", lambda v: b"v1," + base64.b64encode(b"y" * 32) + b" " + v)
        ),
    ),
    Case("secret_is_text", "standardwebhooks", "used as text", row={"key": "text", "variants": ()}),
    Case(
        "secret_is_text",
        "svix",
        "used as text without its prefix",
        value=base64.b64encode(KEY),
        row={"key": "text", "variants": ()},
    ),
    Case("secret_is_base64", "stripe", "decoded from base64", row={"key": "whsec"}),
    Case("secret_is_base64", "github", "decoded from base64", value=base64.b64encode(KEY), row={"key": "base64"}),
    Case("secret_is_hex", "slack", "decoded from hexadecimal", value=OTHER, row={"key": "hex"}),
    Case("secret_is_text", "adyen-header", "hexadecimal used as text", row={"key": "text"}),
    Case("secret_whitespace", "stripe", "a newline behind it", lambda r: r.knows(r.secrets[0].value + b"\n")),
    Case("secret_whitespace", "github", "a space before it", lambda r: r.knows(b" " + r.secrets[0].value)),
    Case("secret_whitespace", "slack", "the sender's has the newline", lambda r: r.knows(OTHER), value=OTHER + b"\n"),
    Case("secret_quoted", "github", "in quotes", lambda r: r.knows(b'"' + r.secrets[0].value + b'"')),
    Case(
        "secret_quoted",
        "shopify",
        "in typographic quotes",
        lambda r: r.knows("“".encode() + r.secrets[0].value + "”".encode()),
    ),
    Case(
        "secret_with_name",
        "github",
        "a line of an environment file",
        lambda r: r.knows(b"GITHUB_SECRET=" + r.secrets[0].value),
    ),
    Case(
        "secret_with_name",
        "github",
        "an exported and quoted variable",
        lambda r: r.knows(b'export GITHUB_SECRET="' + r.secrets[0].value + b'"\n'),
    ),
    Case("secret_list", "github", "two in one variable", lambda r: r.knows(OTHER + b"," + r.secrets[0].value)),
    Case("secret_encoding", "github", "a byte order mark", lambda r: r.knows(b"\xef\xbb\xbf" + r.secrets[0].value)),
    Case(
        "secret_encoding",
        "github",
        "a UTF-16 file",
        lambda r: r.knows((r.secrets[0].value + b"\r\n").decode().encode("utf-16")),
    ),
    Case(
        "secret_escaped", "github", "percent escapes", lambda r: r.knows(b"a%2Bb%2Fc%3Dd%26e%21f"), value=b"a+b/c=d&e!f"
    ),
    Case("secret_prefix", "stripe", "without whsec_", lambda r: r.knows(r.secrets[0].value.removeprefix(b"whsec_"))),
    Case("secret_case", "slack", "in upper case", lambda r: r.knows(OTHER.upper()), value=OTHER),
    Case("secret_unset", "github", "the sender has none", lambda r: r.knows(OTHER), value=b""),
    Case("secret_unset", "github", "undefined", lambda r: r.knows(OTHER), value=b"undefined"),
    Case("no_secret", "github", "none is known", lambda r: replace(r, secrets=())),
    Case("secret_malformed", "standardwebhooks", "not base64", lambda r: r.knows(b"whsec_ not!base64")),
)

BODIES = (
    Case(
        "newline_added",
        "github",
        "a newline added",
        lambda r: r.arrives(r.body + b"\n"),
        words="without its final newline",
    ),
    Case("newline_added", "stripe", "CRLF added", lambda r: r.arrives(r.body + b"\r\n")),
    Case("newline_removed", "shopify", "a newline removed", lambda r: r.arrives(r.body[:-1]), body=BODY + b"\n"),
    Case("newline_removed", "slack", "CRLF removed", lambda r: r.arrives(r.body[:-2]), body=BODY + b"\r\n"),
    Case(
        "line_ends_changed", "github", "LF became CRLF", lambda r: r.arrives(r.body.replace(b"\n", b"\r\n")), body=LINES
    ),
    Case(
        "line_ends_changed", "github", "CRLF became LF", lambda r: r.arrives(LINES), body=LINES.replace(b"\n", b"\r\n")
    ),
    Case("space_changed", "svix", "white space around it", lambda r: r.arrives(b"  " + r.body + b" ")),
    Case("bom_added", "github", "a byte order mark added", lambda r: r.arrives(b"\xef\xbb\xbf" + r.body)),
    Case("bom_removed", "github", "a byte order mark removed", lambda r: r.arrives(BODY), body=b"\xef\xbb\xbf" + BODY),
    Case(
        "charset_changed",
        "shopify",
        "ISO-8859-1 became UTF-8",
        lambda r: r.arrives(BODY),
        body=BODY.decode().encode("latin-1"),
    ),
    Case("charset_changed", "shopify", "UTF-8 became ISO-8859-1", lambda r: r.arrives(BODY.decode().encode("latin-1"))),
    Case("charset_changed", "stripe", "UTF-8 encoded twice", lambda r: r.arrives(BODY.decode("latin-1").encode())),
    Case(
        "charset_changed",
        "github",
        "windows-1252 became UTF-8",
        lambda r: r.arrives('{"a":"10 €"}'.encode()),
        body='{"a":"10 €"}'.encode("cp1252"),
    ),
    Case("charset_changed", "github", "UTF-8 became UTF-16", lambda r: r.arrives(BODY.decode().encode("utf-16"))),
    Case("gzip_not_undone", "svix", "gzip not undone", lambda r: r.arrives(gzip.compress(r.body))),
    Case("gzip_not_undone", "svix", "deflate not undone", lambda r: r.arrives(zlib.compress(r.body))),
    Case(
        "gzip_undone", "github", "gzip undone by a proxy", lambda r: r.arrives(BODY), body=gzip.compress(BODY, mtime=0)
    ),
    Case("form_reencoded", "slack", "%20 for +", lambda r: r.arrives(r.body.replace(b"+", b"%20")), body=FORM),
    Case(
        "form_reencoded",
        "slack",
        "escapes in lower case",
        lambda r: r.arrives(re.sub(b"%..", lambda m: m[0].lower(), r.body)),
        body=FORM,
    ),
    Case(
        "form_reencoded", "slack", "fields sorted", lambda r: r.arrives(FORM), body=b"&".join(sorted(FORM.split(b"&")))
    ),
    Case(
        "form_reencoded",
        "slack",
        "fields sorted on the way",
        lambda r: r.arrives(b"&".join(sorted(FORM.split(b"&")))),
        body=FORM,
        words="in another order",
    ),
    Case(
        "form_reencoded",
        "slack",
        "fields sorted on the way, %20 for +",
        lambda r: r.arrives(b"&".join(sorted(FORM.replace(b"+", b"%20").split(b"&")))),
        body=FORM,
    ),
    Case(
        "form_reencoded",
        "slack",
        "a slash command through Go's url.Values.Encode",
        lambda r: r.arrives(urlencode(sorted(parse_qsl(r.body.decode(), keep_blank_values=True))).encode()),
        body=COMMAND,
        words="Slack's order",
    ),
    Case(
        "form_reencoded",
        "slack",
        "fewer escapes",
        lambda r: r.arrives(b"text=it's%20(fine)!"),
        body=b"text=it%27s+%28fine%29%21",
    ),
    Case(
        "form_wrapped",
        "github",
        "only the payload signed",
        lambda r: r.arrives(b"payload=" + quote_plus(BODY).encode()),
    ),
    Case(
        "form_unwrapped",
        "github",
        "the payload taken out of the form",
        lambda r: r.arrives(BODY),
        body=b"payload=" + quote_plus(BODY).encode(),
    ),
    Case(
        "form_became_json",
        "slack",
        "the form became JSON",
        lambda r: r.arrives(
            b'{"command":"/deploy","text":"to production & test","user_name":"Zo\\u00eb","trigger_id":"1.2"}'
        ),
        body=FORM,
    ),
    Case("body_empty", "github", "an empty body signed", lambda r: r.arrives(BODY), body=b""),
    Case("body_empty", "stripe", "an empty body signed", lambda r: r.arrives(BODY), body=b""),
    Case("body_quoted", "github", "one JSON string", lambda r: r.arrives(json.dumps(r.body.decode()).encode())),
    Case("body_base64", "github", "base64", lambda r: r.arrives(base64.b64encode(r.body))),
    Case("body_stringified", "github", "the text of Python's bytes", lambda r: r.arrives(repr(r.body).encode())),
    Case("body_stringified", "github", "[object Object]", lambda r: r.arrives(b"[object Object]")),
    Case(
        "body_unquoted",
        "github",
        "a JSON string unwrapped",
        lambda r: r.arrives(BODY),
        body=json.dumps(BODY.decode()).encode(),
    ),
    Case("body_base64_decoded", "github", "base64 decoded", lambda r: r.arrives(BODY), body=base64.b64encode(BODY)),
    Case("newline_added", "twilio", "a newline, and JSON", lambda r: r.arrives(r.body + b"\n")),
    Case("body_mismatch", "twilio", "other JSON", lambda r: r.arrives(r.body.replace(b"2500", b"9"))),
    Case("signature_missing", "mailgun", "no signature in the body", lambda r: r.arrives(BODY)),
    Case(
        "body_malformed",
        "github",
        "aws-sns: no message",
        lambda r: replace(r.arrives(b"x"), scheme=scheme_named("aws-sns")),
    ),
    Case(
        "body_wrapped",
        "stripe",
        "in a function's event",
        lambda r: r.arrives(json.dumps({"httpMethod": "POST", "body": r.body.decode()}).encode()),
    ),
    Case(
        "body_wrapped",
        "github",
        "in a relay's envelope",
        lambda r: r.arrives(b'{"x-github-event": "push", "body": ' + BODY + b"}"),
    ),
    Case(
        "body_length",
        "github",
        "cut off",
        lambda r: r.plus("Content-Length", "76").arrives(r.body[:50]),
        words="50 bytes instead of 76",
    ),
)

CONTENTS = (
    Case("content_incomplete", "stripe", "without the timestamp", row={"content": "{body}"}, words="{body}"),
    Case("content_incomplete", "slack", "without v0:", row={"content": "{ts}:{body}"}),
    Case("content_incomplete", "svix", "without the id", row={"content": "{ts}.{body}"}),
    Case("content_incomplete", "square", "without the URL", row={"content": "{body}"}),
    Case("content_separator", "stripe", "a colon", row={"content": "{ts}:{body}"}, words="{ts}:{body}"),
    Case("content_separator", "standardwebhooks", "nothing between", row={"content": "{id}{ts}{body}"}),
    Case("content_order", "stripe", "body first", row={"content": "{body}.{ts}"}),
    Case("content_order", "square", "body first", row={"content": "{body}{url}"}),
    Case(
        "other_algorithm",
        "github",
        "SHA-1",
        row={"algorithm": "hmac-sha1", "layout": "sha1={sig}", "also": ()},
        words="HMAC-SHA1",
    ),
    Case("other_algorithm", "shopify", "a plain hash", row={"algorithm": "sha256", "content": "{secret}{body}"}),
)

HEADERS = (
    Case("header_missing", "stripe", "missing", lambda r: r.without("Stripe-Signature")),
    Case(
        "header_missing",
        "stripe",
        "only a header that tells nothing",
        lambda r: r.without("Stripe-Signature").plus("Authorization", "Bearer abc"),
    ),
    Case("companion_missing", "slack", "the timestamp is missing", lambda r: r.without("X-Slack-Request-Timestamp")),
    Case(
        "timestamp_missing",
        "stripe",
        "the timestamp is missing",
        lambda r: r.header("Stripe-Signature", lambda v: v.partition(b",")[2]),
    ),
    Case(
        "timestamp_malformed", "slack", "no number", lambda r: r.header("X-Slack-Request-Timestamp", lambda v: b"soon")
    ),
    Case("header_malformed", "github", "rubbish", lambda r: r.header("X-Hub-Signature-256", lambda v: b"yes")),
    Case(
        "other_scheme",
        "stripe",
        "GitHub's is there",
        lambda r: r.without("Stripe-Signature").plus("X-Hub-Signature-256", "sha256=" + "ab" * 32),
        words="X-Hub-Signature-256",
    ),
    Case(
        "other_scheme",
        "standardwebhooks",
        "svix: signed as Standard Webhooks",
        lambda r: replace(r, scheme=scheme_named("svix")),
        words="standardwebhooks",
    ),
    Case(
        "other_scheme",
        "github",
        "stripe: signed as GitHub",
        lambda r: replace(r, scheme=scheme_named("stripe")),
        words="github",
    ),
    Case(
        "header_renamed",
        "github",
        "underscores",
        lambda r: r.headers(tuple(((k.replace(b"-", b"_"), v) for k, v in r.message.headers))),
    ),
    Case(
        "header_renamed",
        "slack",
        "as CGI has them",
        lambda r: r.headers(tuple(((b"HTTP_" + k.upper().replace(b"-", b"_"), v) for k, v in r.message.headers))),
    ),
    Case(
        "header_renamed",
        "svix",
        "renamed by a gateway",
        lambda r: r.headers(tuple(((b"X-Original-" + k, v) for k, v in r.message.headers))),
    ),
    Case(
        "signature_label",
        "github",
        "no label",
        lambda r: r.header("X-Hub-Signature-256", lambda v: v.removeprefix(b"sha256=")),
    ),
    Case(
        "signature_label",
        "stripe",
        "another version",
        lambda r: r.header("Stripe-Signature", lambda v: v.replace(b"v1=", b"v0=")),
    ),
    Case(
        "signature_label",
        "standardwebhooks",
        "no version",
        lambda r: r.header("webhook-signature", lambda v: v.removeprefix(b"v1,")),
    ),
    Case("signature_upper_case", "github", "upper case", lambda r: r.header("X-Hub-Signature-256", upper)),
    Case("signature_upper_case", "slack", "upper case", lambda r: r.header("X-Slack-Signature", upper)),
    Case("signature_encoding", "stripe", "base64", lambda r: r.header("Stripe-Signature", rebased)),
    Case("signature_encoding", "shopify", "hexadecimal", lambda r: r.header("X-Shopify-Hmac-Sha256", rebased)),
    Case("signature_encoding", "svix", "hexadecimal", lambda r: r.header("svix-signature", rebased)),
    Case(
        "signature_encoding",
        "shopify",
        "no padding",
        lambda r: r.header("X-Shopify-Hmac-Sha256", lambda v: v.rstrip(b"=")),
    ),
    Case(
        "signature_truncated",
        "github",
        "cut off",
        lambda r: r.header("X-Hub-Signature-256", lambda v: v[:-5]),
        words="of 64",
    ),
    Case("signature_truncated", "shopify", "cut off", lambda r: r.header("X-Shopify-Hmac-Sha256", lambda v: v[:-8])),
    Case(
        "signature_space",
        "github",
        "white space in it",
        lambda r: r.header("X-Hub-Signature-256", lambda v: v[:30] + b" " + v[30:]),
    ),
    Case(
        "signature_quoted", "github", "in quotes", lambda r: r.header("X-Hub-Signature-256", lambda v: b'"' + v + b'"')
    ),
    Case(
        "signature_escaped",
        "shopify",
        "percent escapes",
        lambda r: r.header("X-Shopify-Hmac-Sha256", lambda v: quote(v, safe="").encode()),
    ),
    Case(
        "signature_escaped",
        "shopify",
        "+ became a space",
        lambda r: r.header("X-Shopify-Hmac-Sha256", lambda v: v.replace(b"+", b" ")),
        body=BODY + b" 2",
    ),
    Case(
        "signatures_joined",
        "github",
        "two joined by a proxy",
        lambda r: r.header("X-Hub-Signature-256", lambda v: b"sha256=" + b"0" * 64 + b", " + v),
    ),
)

URLS = (
    Case("url_scheme", "square", "http behind a proxy", lambda r: r.at(URL.replace("https", "http"))),
    Case("url_scheme", "twilio", "http behind a proxy", lambda r: r.at(URL.replace("https", "http")), body=FORM),
    Case("url_port", "square", "a port", lambda r: r.at(URL.replace(".example/", ".example:8443/"))),
    Case("url_port", "hubspot-v3", "a port", lambda r: r.at(URL.replace(".example/", ".example:443/"))),
    Case(
        "url_host",
        "square",
        "the host of the machine",
        lambda r: r.plus("X-Forwarded-Host", "shop.example").at(URL.replace("shop.example", "10.0.0.7")),
    ),
    Case(
        "url_host",
        "twilio",
        "the host by Forwarded",
        lambda r: r.plus("Forwarded", 'for=1.2.3.4;host="shop.example";proto=https').at(
            URL.replace("shop.example", "app")
        ),
        body=FORM,
    ),
    Case(
        "url_behind_proxy",
        "square",
        "localhost behind a tunnel",
        lambda r: r.plus("X-Forwarded-Host", "shop.example").at("http://localhost:3000/hooks/in?shop=1"),
    ),
    Case("url_slash", "trello", "a slash at the end", lambda r: r.at(URL.replace("/in?", "/in/?"))),
    Case(
        "url_query",
        "square",
        "no query",
        lambda r: r.plus("X-Original-URI", "/hooks/in?shop=1").at(URL.partition("?")[0]),
    ),
    Case(
        "url_query",
        "twilio",
        "a query in another order",
        lambda r: r.at(URL.replace("?", "?b=2&")),
        body=FORM,
        url=URL + "&b=2",
    ),
    Case(
        "url_path",
        "square",
        "a path prefix taken away",
        lambda r: r.plus("X-Forwarded-Prefix", "/hooks").at(URL.replace("/hooks/in", "/in")),
    ),
    Case(
        "url_changed",
        "square",
        "a slash, and another query",
        lambda r: r.at("https://shop.example/hooks/in/?b=2&shop=1"),
        url=URL + "&b=2",
    ),
    Case("url_credentials", "square", "credentials", lambda r: r.at(URL.replace("//", "//me:secret@"))),
)

TWO = (
    Case(
        "body_reserialised",
        "stripe",
        "another secret, and printed again",
        lambda r: known_elsewhere(r, "$B", "github").arrives(PRINTED["Python json.dumps"]),
        body=PRINTED["JavaScript JSON.stringify(…, null, 2)"],
        also=("wrong_secret",),
    ),
    Case(
        "newline_added",
        "github",
        "a quoted secret, and a newline",
        lambda r: r.knows(b"'" + r.secrets[0].value + b"'").arrives(r.body + b"\n"),
        also=("secret_quoted",),
    ),
    Case(
        "body_reserialised",
        "slack",
        "printed again, and old",
        lambda r: replace(r.arrives(PRINTED["Go json.Marshal"]), now=NOW + 900),
        body=PRINTED["PHP json_encode"],
        also=("timestamp_too_old",),
    ),
    Case(
        "url_scheme",
        "square",
        "http, and a newline",
        lambda r: r.at(URL.replace("https", "http")).arrives(r.body + b"\n"),
        also=("newline_added",),
    ),
    Case(
        "signature_label",
        "github",
        "no label, and a newline",
        lambda r: r.header("X-Hub-Signature-256", lambda v: v[7:]).arrives(r.body + b"\n"),
        also=("newline_added",),
    ),
)

HASHED = (
    Case("body_same", "github", "the same bytes", lambda r: replace(r, hashed=BODY)),
    Case(
        "body_reserialised",
        "github",
        "Python's json.dumps",
        lambda r: replace(r, hashed=json.dumps(json.loads(BODY)).encode()),
        words="Python json.dumps",
    ),
    Case("newline_removed", "github", "a newline removed", lambda r: replace(r, hashed=LINES[:-1]), body=LINES),
    Case("newline_added", "github", "a newline added", lambda r: replace(r, hashed=BODY + b"\n")),
    Case("body_empty", "stripe", "nothing at all", lambda r: replace(r, hashed=b"")),
    Case("body_empty", "stripe", "an empty object", lambda r: replace(r, hashed=b"{}")),
    Case("body_stringified", "github", "[object Object]", lambda r: replace(r, hashed=b"[object Object]")),
    Case(
        "body_stringified",
        "github",
        "a Python dict's text",
        lambda r: replace(r, hashed=repr(json.loads(BODY)).encode()),
    ),
    Case("body_stringified", "github", "Python's text for bytes", lambda r: replace(r, hashed=str(BODY).encode())),
    Case("body_truncated", "github", "the beginning", lambda r: replace(r, hashed=BODY[:40])),
    Case(
        "form_became_json",
        "slack",
        "the form as JSON",
        lambda r: replace(
            r, hashed=b'{"command":"/deploy","text":"to production & test","user_name":"Zo\xc3\xab","trigger_id":"1.2"}'
        ),
        body=FORM,
    ),
    Case(
        "form_reencoded",
        "slack",
        "the form encoded again",
        lambda r: replace(r, hashed=FORM.replace(b"+", b"%20")),
        body=FORM,
    ),
    Case(
        "form_unwrapped",
        "github",
        "the payload alone",
        lambda r: replace(r, hashed=BODY),
        body=b"payload=" + quote_plus(BODY).encode(),
    ),
    Case(
        "json_became_form",
        "github",
        "JSON as a form",
        lambda r: replace(r, hashed=b"a=1&b=x+y"),
        body=b'{"a":1,"b":"x y"}',
    ),
    Case("gzip_undone", "github", "decompressed", lambda r: replace(r, hashed=BODY), body=gzip.compress(BODY)),
    Case(
        "charset_changed",
        "github",
        "characters lost",
        lambda r: replace(r, hashed=BODY.decode("ascii", "replace").encode()),
    ),
    Case(
        "body_part",
        "github",
        "one member",
        lambda r: replace(r, hashed=b'{"id":1}'),
        body=b'{"event":{"id": 1},"x":2}',
    ),
    Case("body_differs", "github", "something else", lambda r: replace(r, hashed=BODY.replace(b"2500", b"2600"))),
    Case(
        "body_restored",
        "github",
        "the right bytes, of a capture behind a relay",
        lambda r: replace(r.arrives(PRINTED["Python json.dumps"]), hashed=PRINTED["JavaScript JSON.stringify"]),
        body=PRINTED["JavaScript JSON.stringify"],
        also=("body_reserialised",),
    ),
)

CASES = CLOCK + SECRET + BODIES + CONTENTS + HEADERS + URLS + TWO


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_cause_is_diagnosed_as_exactly_that(case: Case) -> None:
    request = case.request()
    found = request.explained()
    assert (found.reason, found.also) == (case.reason, case.also), found.sentence
    assert case.words in found.sentence
    assert found.sentence.startswith(REASONS[case.reason])
    if found.reason not in ("no_secret", "secret_malformed"):
        assert found.change


@pytest.mark.parametrize("case", HASHED, ids=str)
def test_what_the_application_hashed_is_held_against_what_was_sent(case: Case) -> None:
    request = case.request()
    found = request.explained()
    assert (found.reason, found.also) == (case.reason, case.also), found.sentence
    assert case.words in found.sentence
    if found.reason != "body_same":
        assert found.difference is not None


def test_every_reason_is_made_on_purpose_here() -> None:
    made = {case.reason for case in CASES + HASHED} | {"body_reserialised", "ok", "no_match"}
    assert set(REASONS) - made == {"body_unsigned", "claim_mismatch"}  # of schemes with code, tested with them


def test_every_reason_that_a_verification_gives_is_in_the_table() -> None:
    rules = Path(signing.__file__).parent
    text = "".join(path.read_text() for path in [*rules.glob("*.py"), *(rules / "schemes").glob("*.py")])
    codes = set(re.findall(r'(?:Malformed\(|refused\(\w+, |\breason=|reason, detail = )"(\w+)"', text))
    assert {"header_missing", "no_match", "timestamp_too_old", "body_mismatch"} <= codes
    assert codes <= set(REASONS)


def test_reasons_are_told_apart() -> None:
    assert len(REASONS) == len(CAUSES)
    assert len(set(REASONS.values())) == len(REASONS)
    assert all(not sentence.endswith(".") and len(sentence) < 110 for sentence in REASONS.values())


@pytest.mark.parametrize("name", ["stripe", "github", "slack", "shopify", "svix", "square", "twilio"])
def test_a_signature_that_holds_needs_no_explanation(name: str) -> None:
    found = signed(name, FORM if name == "twilio" else BODY).explained()
    assert (found.reason, found.change, found.fixes, found.matches) == ("ok", "", (), 1)


@pytest.mark.parametrize("case", SECRET, ids=str)
def test_an_answer_never_shows_a_secret(case: Case) -> None:
    request = case.request()
    shown = repr(request.explained())
    for known in (*request.secrets, *(other for _, other in request.others)):
        assert len(known.value) < 12 or known.value.decode("latin-1").strip("'\"\n ") not in shown


# -- no false diagnosis ---------------------------------------------------------------------------------------------


def random_json(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.random()
    if depth > 2 or kind < 0.5:
        return dice.choice([None, True, dice.randint(-(10**6), 10**12), dice.uniform(0, 99), "a/b é<&> \u2028", ""])
    if kind < 0.8:
        return {f"k{dice.randint(0, 30)}": random_json(dice, depth + 1) for _ in range(dice.randint(0, 5))}
    return [random_json(dice, depth + 1) for _ in range(dice.randint(0, 4))]


def random_body(dice: random.Random) -> bytes:
    kind = dice.randrange(4)
    if kind == 0:
        return dice.randbytes(dice.randint(0, 300))
    if kind == 1:
        return "&".join(f"f{n}={dice.randint(0, 99)}+%20" for n in range(dice.randint(1, 6))).encode()
    value = {"a": random_json(dice), "b": random_json(dice)}
    return json.dumps(value, indent=dice.choice([None, 2]), ensure_ascii=dice.random() < 0.5).encode()


def random_secret(dice: random.Random) -> bytes:
    raw = dice.randbytes(24)
    return dice.choice([raw.hex().encode(), b"whsec_" + base64.b64encode(raw), base64.b64encode(raw)])


EIGHT = ("stripe", "github", "slack", "shopify", "standardwebhooks", "svix", "square", "twilio")


@pytest.mark.parametrize("seed", range(8))
def test_random_bodies_and_secrets_are_never_given_a_cause(seed: int) -> None:
    dice = random.Random(seed)
    for number in range(125):  # a thousand in all
        request = signed(EIGHT[number % 8], random_body(dice), random_secret(dice)).knows(random_secret(dice))
        others = ((scheme_named("slack"), secret(dice.randbytes(16).hex().encode(), "$SLACK_TEST")),)
        found = explain(
            request.scheme, request.message, request.secrets, now=NOW, others=others, work=FULL if number < 3 else QUICK
        )
        assert (found.reason, found.matches) == ("no_match", 0), found.sentence
        assert found.sentence.startswith("no cause found: the secret is most likely wrong")
        assert found.tried > 20


FULL, QUICK = 500_000_000, 4_000_000  # bytes of work: all rounds, and some of the second


ANY_HEADERS = st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=80)), max_size=3)
LIKELY = st.sampled_from(
    [b"", b"{", b"[" * 3000, b'{"a":' * 300, b'{"a":1,}', b"\x1f\x8b", b"b'", b'"', b"a=%", b"\xff\xfe"]
)


@settings(max_examples=60)
@given(
    name=st.sampled_from(NAMES),
    headers=ANY_HEADERS,
    value=st.binary(max_size=90),
    body=st.binary(max_size=60) | LIKELY,
    key=st.binary(max_size=40),
    url=st.text(max_size=30),
)
def test_nothing_in_a_request_makes_it_raise(
    name: str, headers: list[tuple[bytes, bytes]], value: bytes, body: bytes, key: bytes, url: str
) -> None:
    row = scheme_named(name)
    message = Message(method="POST", url=url, headers=(*headers, (row.header.encode(), value)), body=body)
    found = explain(row, message, [secret(key)], now=NOW, work=QUICK)
    assert found.reason in REASONS
    again = explain(row, message, [secret(key)], now=NOW, received_body=body + b"\n", work=QUICK)
    assert again.reason in REASONS


def test_an_answer_as_json() -> None:
    found = diagnosis_json(signed("github").arrives(BODY[:-1] + b"\xff}").explained())
    assert json.loads(json.dumps(found))["reason"] == "no_match"
    found = diagnosis_json(signed("github").arrives(BODY + b"\n").explained())
    assert found["difference"] == {"offset": 72, "signed": '//zoe.example/"}', "hashed": '//zoe.example/"}\n'}
    assert found["transformation"] == "the body without its final newline"
    assert list(found["fixes"]) == ["Express", "Next.js", "Flask", "Django", "FastAPI", "Rails", "Laravel", "Spring"]


def test_the_first_difference_of_two_bodies() -> None:
    found = first_difference(b"a" * 1000 + b"b" + b"c" * 100, b"a" * 1000 + b"d")
    assert found is not None
    assert (found.offset, found.signed[16:17], found.hashed[16:17]) == (1000, b"b", b"d")
    assert first_difference(b"same", b"same") is None
    assert first_difference(b"", b"x") is not None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b"{'id': 'evt_1'}", "a language's own text"),
        (b'{"id":"evt_1","amou', "cut off"),
    ],
    ids=["empty", "a dictionary's repr", "cut off"],
)
def test_a_doubtful_body_is_named_when_nothing_matches(body: bytes, words: str) -> None:
    """No proof, so still no_match; but the secret alone is not to blame."""
    headers = ((b"X-Hub-Signature-256", b"sha256=" + b"0" * 64),)
    message = Message(method="POST", url="https://example.com/", headers=headers, body=body)
    found = explain(scheme_named("github"), message, [Secret(value=b"right", label="test")], now=0)
    assert found.reason == "no_match" and words in found.sentence and found.fixes
