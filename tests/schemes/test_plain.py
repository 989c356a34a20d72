"""Senders that sign the raw body and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from whcli.rules.signatures.digests import key_of
from whcli.rules.signatures.schemes import FAMILIES, scheme_named
from whcli.rules.signatures.schemes.plain import ROWS
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message

from .answers import BODY, NOW, Answer, Known, secret

# printf '%s' '{"id":"evt_1","text":"Zoë & co/"}' | openssl dgst -sha256 -hmac hush-hush-secret (and -sha1, -sha512; and
# -binary | openssl base64 -A). "accepted by" names the SDK that was given the value, in its version and language.
SECRET = "hush-hush-secret"
SHA256 = "499f1c0907abb63485ab71837cb8b280f364b525868e6f16064aff3657f490d0"
SHA256_BASE64 = "SZ8cCQertjSFq3GDfLiygPNktSWGjm8WBkr/Nlf0kNA="
SHA1 = "81dea0e6ca2a7dc791baa1db69d35774bdec5e04"
SHA512 = (
    "c3c656d790d8cb4718f53ae0bb71d21eb028d113c119557a4ddbac761405d737"
    "15fce2a697cb888295a964cb37b22ae74899fb207fbacb1e62c7efb8b568ee2e"
)

FORM = (b"Content-Type", b"application/x-www-form-urlencoded")
FORM_BODY = b"payload=%7B%22id%22%3A%22evt_1%22%2C%22text%22%3A%22Zo%C3%AB+%26+co%2F%22%7D"  # BODY in the field payload
ZELDA = "It's a Secret to Everybody"


def plain(scheme: str, source: str, header: str, value: str) -> Answer:
    return Answer(scheme=scheme, source=source, secret=SECRET, headers={header: value})


HUB = {"X-Hub-Signature": f"sha1={SHA1}", "X-Hub-Signature-256": f"sha256={SHA256}"}

ANSWERS = (
    Answer(
        scheme="github",
        source="GitHub's documentation, and openssl for the older header",
        secret=ZELDA,
        body=b"Hello, World!",
        headers={
            "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "X-Hub-Signature": "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
        },
    ),
    Answer(scheme="github", source="@octokit/webhooks-methods 6.0.0 and openssl", secret=SECRET, headers=HUB),
    Answer(
        scheme="github",
        source="openssl, over the text of a form",
        secret=SECRET,
        given=(FORM,),
        body=FORM_BODY,
        headers={
            "X-Hub-Signature-256": "sha256=f5a07bea27efbd190d6ce83d3ddce021400794439912e75b5fb834ccd755c862",
            "X-Hub-Signature": "sha1=94400f722fc474fe7862a0b23865820fe5f002fe",
        },
    ),
    plain("github-sha1", "openssl, accepted by gidgethub 6.0.0", "X-Hub-Signature", f"sha1={SHA1}"),
    Answer(
        scheme="bitbucket",
        source="openssl",
        secret=ZELDA,
        body=b"Hello World!",
        headers={"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"},
    ),
    Answer(
        scheme="gitea",
        source="openssl, with the headers of deliver.go",
        secret=SECRET,
        headers={"X-Gitea-Signature": SHA256, "X-Gogs-Signature": SHA256, **HUB},
    ),
    Answer(
        scheme="gitea",
        source="openssl, over the JSON inside a form",
        secret=SECRET,
        given=(FORM,),
        body=FORM_BODY,
        headers={"X-Gitea-Signature": SHA256, "X-Gogs-Signature": SHA256, **HUB},
    ),
    Answer(
        scheme="forgejo",
        source="openssl, with the headers of payloader.go",
        secret=SECRET,
        headers={"X-Forgejo-Signature": SHA256, "X-Gitea-Signature": SHA256, "X-Gogs-Signature": SHA256, **HUB},
    ),
    Answer(
        scheme="forgejo",
        source="openssl, over the JSON inside a form",
        secret=SECRET,
        given=(FORM,),
        body=FORM_BODY,
        headers={"X-Forgejo-Signature": SHA256, "X-Gitea-Signature": SHA256, "X-Gogs-Signature": SHA256, **HUB},
    ),
    Answer(scheme="meta", source="openssl, accepted by pywa 4.5.0", secret=SECRET, headers=HUB),
    Answer(
        scheme="shopify",
        source="openssl, accepted by @shopify/shopify-api 13.1.0",
        secret=SECRET,
        headers={
            "X-Shopify-Hmac-Sha256": SHA256_BASE64,
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Shop-Domain": "example.myshopify.com",
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": "1",
        },
    ),
    Answer(
        scheme="shopify-events",
        source="openssl, accepted by @shopify/shopify-api 13.1.0",
        secret=SECRET,
        headers={
            "shopify-hmac-sha256": SHA256_BASE64,
            "shopify-topic": "Product",
            "shopify-shop-domain": "example.myshopify.com",
            "shopify-api-version": "2026-10",
            "shopify-webhook-id": "1",
            "shopify-event-id": "1",
        },
    ),
    Answer(
        scheme="line",
        source="line-bot-sdk-python tests/v3/test_webhook.py",
        secret="channel_secret",
        body=b"bodybodybodybody",
        headers={"X-Line-Signature": "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="},
    ),
    plain("razorpay", "openssl, accepted by razorpay 2.0.1", "X-Razorpay-Signature", SHA256),
    plain("coinbase-commerce", "openssl, accepted by coinbase-commerce 1.0.1", "X-CC-Webhook-Signature", SHA256),
    plain("gocardless", "openssl, accepted by gocardless_pro 3.22.0", "Webhook-Signature", SHA256),
    plain("mollie", "mollie-api-py 1.10.20", "X-Mollie-Signature", f"sha256={SHA256}"),
    Answer(
        scheme="linear",
        source="openssl, the form accepted by @linear/sdk 98.0.0",
        secret=SECRET,
        body=b'{"action":"create","webhookTimestamp":1700000000000}',
        dated=True,
        headers={
            "Linear-Signature": "09a514e16ae2cf83bd298aa4d5f7d0b0a51013b9af2e4db7496c18d9d8abcc47",
            "Linear-Timestamp": "1700000000000",
        },
    ),
    plain("notion", "@notionhq/client 5.26.0", "X-Notion-Signature", f"sha256={SHA256}"),
    plain("sentry", "openssl", "Sentry-Hook-Signature", SHA256),
    plain("intercom", "openssl", "X-Hub-Signature", f"sha1={SHA1}"),
    plain("typeform", "openssl", "Typeform-Signature", f"sha256={SHA256_BASE64}"),
    plain("x", "openssl", "x-twitter-webhooks-signature", f"sha256={SHA256_BASE64}"),
    Answer(
        scheme="xero",
        source="openssl, the key as text",
        secret="OSd0eLlVIY9ZhViEqlDUh4+6n6M+Lo+eDaEJheJ6OCCgWwIz2D3JIAU6jPMipHRbgKTLz2uJ+xiACXGDBLrgdA==",
        headers={"x-xero-signature": "j9i3HwS60RsQKtdDUGbG9NdZiBdo+gVq82JmWnl9yI0="},
    ),
    plain("woocommerce", "openssl", "X-WC-Webhook-Signature", SHA256_BASE64),
    Answer(
        scheme="woocommerce",
        source="PHP 8 hash_hmac and WordPress' wp_specialchars_decode",
        secret="a&lt;b &amp; &#039;c&#x027;",
        headers={"X-WC-Webhook-Signature": "MXU+6aftP7BPuDYq6LgrhX2M78wv7QFRpu6hbQqievk="},
    ),
    plain("vercel", "openssl", "x-vercel-signature", SHA1),
    plain("heroku", "openssl", "Heroku-Webhook-Hmac-SHA256", SHA256_BASE64),
    Answer(
        scheme="docusign",
        source="openssl",
        secret=SECRET,
        headers={"X-Authorization-Digest": "HMACSHA256", "X-DocuSign-Signature-1": SHA256_BASE64},
    ),
    plain("lemonsqueezy", "openssl", "X-Signature", SHA256),
    plain("paystack", "openssl", "x-paystack-signature", SHA512),
    plain("flutterwave", "openssl", "flutterwave-signature", SHA256_BASE64),
    plain("checkout", "openssl", "Cko-Signature", SHA256),
    plain("dropbox", "openssl", "X-Dropbox-Signature", SHA256),
    Answer(
        scheme="clickup",
        source="openssl, with body and secret of ClickUp's page",
        secret="secret",
        body=b'{"webhook_id":"7689a169-a000-4985-8676-6902b96d6627","event":"taskCreated","task_id":"c0j"}',
        headers={"X-Signature": "4830bf524f6e29a3e8da953936c6f21c1fea2b9669b825d3e1be293ef3416c8c"},
    ),
    Answer(
        scheme="jira",
        source="Atlassian's page on webhooks of Jira",
        secret=ZELDA,
        body=b"Hello World!",
        headers={"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"},
    ),
    plain("asana", "openssl", "X-Hook-Signature", SHA256),
    plain("pagerduty", "openssl", "X-PagerDuty-Signature", f"v1={SHA256}"),
    Answer(
        scheme="circleci",
        source="CircleCI's page, example 1",
        secret="secret",
        body=b"hello world",
        headers={"circleci-signature": "v1=734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a"},
    ),
    Answer(
        scheme="circleci",
        source="CircleCI's page, example 2",
        secret="another-secret",
        body=b"lalala",
        headers={"circleci-signature": "v1=daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00"},
    ),
    Answer(
        scheme="circleci",
        source="CircleCI's page, example 3",
        secret="hunter123",
        body=b"an-important-request-payload",
        headers={"circleci-signature": "v1=9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa"},
    ),
    Answer(
        scheme="airtable",
        source="pyairtable tests/test_models_webhook.py",
        secret="c2VjcmV0LWtleQ==",
        wrong="b3RoZXIta2V5",
        body=b'{"base": {"id": "app00000000000000"}, "webhook": {"id": "ach00000000000000"}, '
        b'"timestamp": "2022-02-01T21:25:05.663Z"}',
        headers={
            "X-Airtable-Content-MAC": "hmac-sha256=e26da696a90933647bddc83995c3e1e3bb1c3d8ce1ff61cb7469767d50b2b2d4"
        },
    ),
    Answer(
        scheme="easypost",
        source="openssl with the key 7365cc81637265742d31, accepted by easypost 10.7.0",
        secret="s\u00e9cret-1",
        headers={
            "X-Hmac-Signature": "hmac-sha256-hex=08cb3319580e92be016e15558e8025bf836e840361b89fc633ebf160fd7dd7b1"
        },
    ),
    plain("mailersend", "openssl, accepted by mailersend 3.4.0 for Node", "Signature", SHA256),
    Answer(
        scheme="adyen-header",
        source="Adyen 16.0.0 for Python",
        secret="44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
        wrong="00" * 32,
        headers={"HmacSignature": "AngrbQoOkYkiap04oT09d2YyGdOiFlABffTZqpXcesQ="},
    ),
)


class TestEveryAnswer(Known):
    answers = ANSWERS


def answer(scheme: str) -> Answer:
    return next(row for row in ANSWERS if row.scheme == scheme)


def test_the_rows_are_the_family_and_each_has_an_answer() -> None:
    names = FAMILIES["plain"].split()
    assert [row.name for row in ROWS] == names
    assert {row.scheme for row in ANSWERS} == set(names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_cites_its_source_and_the_secret_s_place(row: Any) -> None:
    assert row.source and row.read == "2026-11-23" and row.secret_form


# -- published vectors ----------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads((Path(__file__).parent.parent / "vectors.json").read_text())
    if vector["provider"].replace("_", "-") in FAMILIES["plain"].split()
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['provider']} {v['source']}")
def test_a_published_vector_verifies_and_is_signed_as_published(vector: dict[str, Any]) -> None:
    ((name, value),) = vector["expected_headers"].items()
    given = tuple((key.encode(), text.encode()) for key, text in vector["headers"].items())
    message = Message(method="POST", url="", headers=given, body=vector["body"].encode())
    row = scheme_named(vector["provider"])
    signed = sign(row, message, [secret(vector["secret"])], now=NOW, token="1")
    assert dict(signed.headers)[name.encode()] == value.encode()
    assert verify(row, replace(message, headers=signed.headers), [secret(vector["secret"])], now=NOW).ok


# -- one label, two meanings ----------------------------------------------------------------------------------------

SAME_NAME = ("github-sha1", "bitbucket", "intercom", "jira")


@pytest.mark.parametrize("scheme", SAME_NAME)
@pytest.mark.parametrize(
    ("label", "digest", "holds"),
    [
        ("sha1", SHA1, ("github-sha1", "intercom", "jira")),
        ("sha256", SHA256, ("bitbucket", "jira")),
        ("sha512", SHA512, ("jira",)),
        ("sha1", SHA256, ()),
        ("sha256", SHA1, ()),
        ("md5", SHA1, ()),
    ],
    ids=["sha1=", "sha256=", "sha512=", "sha1= before SHA-256", "sha256= before SHA-1", "md5="],
)
def test_x_hub_signature_is_read_by_its_label(scheme: str, label: str, digest: str, holds: tuple[str, ...]) -> None:
    message = Message(method="POST", url="", headers=((b"X-Hub-Signature", f"{label}={digest}".encode()),), body=BODY)
    assert verify(scheme_named(scheme), message, [secret(SECRET)], now=NOW).ok is (scheme in holds)


@pytest.mark.parametrize("scheme", ["github", "meta", "mollie", "notion", "bitbucket"])
def test_after_sha256_come_hexadecimal_digits(scheme: str) -> None:
    row = plain(scheme, "", scheme_named(scheme).header, f"sha256={SHA256_BASE64}")
    assert row.verdict(row.sent, SECRET).reason == "no_match"


@pytest.mark.parametrize("scheme", ["typeform", "x"])
def test_after_sha256_comes_base64(scheme: str) -> None:
    row = plain(scheme, "", scheme_named(scheme).header, f"sha256={SHA256}")
    assert row.verdict(row.sent, SECRET).reason == "no_match"


# -- several headers, several signatures ----------------------------------------------------------------------------


def docusign(*values: tuple[str, str]) -> Message:
    headers = tuple((name.encode(), value.encode()) for name, value in values)
    return Message(method="POST", url="", headers=headers, body=BODY)


@pytest.mark.parametrize("number", [1, 2, 9, 10, 100])
def test_docusign_numbers_its_headers_by_key(number: int) -> None:
    others = tuple((f"X-DocuSign-Signature-{n}", "AAAA") for n in range(1, number))
    message = docusign(*others, (f"x-docusign-signature-{number}", SHA256_BASE64))
    assert answer("docusign").verdict(message, SECRET).ok


@pytest.mark.parametrize("name", ["X-DocuSign-Signature", "X-DocuSign-Signature-", "X-DocuSign-Signature-a"])
def test_a_docusign_header_without_a_number_is_none(name: str) -> None:
    verdict = answer("docusign").verdict(docusign((name, SHA256_BASE64)), SECRET)
    assert (verdict.state, verdict.detail) == ("unsigned", "there is no X-DocuSign-Signature-1 header")


def test_mollie_repeats_its_header_while_a_secret_is_rotated() -> None:
    row = answer("mollie")
    assert row.verdict(row.with_signature(b"sha256=" + b"0" * 64, row.signature.encode()), SECRET).ok


def test_mollie_takes_the_digits_without_their_label() -> None:
    row = answer("mollie")
    assert row.verdict(row.with_signature(SHA256.encode()), SECRET).ok


LISTS = {
    "alone": (f"v1={SHA256}", True, True),
    "after an old one": (f"v1={'0' * 64},v1={SHA256}", True, True),
    "before an old one": (f"v1={SHA256},v1={'0' * 64}", True, True),
    "with a space after the comma": (f"v1={'0' * 64}, v1={SHA256}", True, True),
    "beside another version": (f"v1={SHA256},v2=0000", True, True),
    "under another version": (f"v2={SHA256}", False, False),
    "without a version": (SHA256, False, False),
}


@pytest.mark.parametrize(("value", "pagerduty", "circleci"), LISTS.values(), ids=LISTS)
def test_a_list_is_read_item_by_item(value: str, pagerduty: bool, circleci: bool) -> None:
    row = answer("pagerduty")
    assert row.verdict(row.with_signature(value.encode()), SECRET).ok is pagerduty
    message = replace(row.sent, headers=((b"circleci-signature", value.encode()),))
    assert verify(scheme_named("circleci"), message, [secret(SECRET)], now=NOW).ok is circleci


# -- Gitea: the form's field is signed ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["gitea", "forgejo"])
def test_the_form_text_itself_is_not_what_gitea_signs(scheme: str) -> None:
    over_the_form = b"f5a07bea27efbd190d6ce83d3ddce021400794439912e75b5fb834ccd755c862"  # as GitHub signs it
    row = next(row for row in ANSWERS if row.scheme == scheme and row.body == FORM_BODY)
    assert row.verdict(row.with_signature(over_the_form), SECRET).reason == "no_match"


@pytest.mark.parametrize(
    "body",
    [
        FORM_BODY.replace(b"%7B", b"%7b"),
        FORM_BODY.replace(b"+", b"%20"),
        b"a=b&" + FORM_BODY + b"&c=d",
    ],
    ids=["lower-case escapes", "%20 for a space", "other fields around it"],
)
def test_a_form_written_otherwise_holds_the_same_payload(body: bytes) -> None:
    row = next(row for row in ANSWERS if row.scheme == "gitea" and row.body == FORM_BODY)
    assert row.verdict(replace(row.sent, body=body), SECRET).ok


def test_without_a_secret_gitea_sends_its_headers_empty() -> None:
    row = answer("gitea")
    verdict = row.verdict(row.with_signature(b""), SECRET)
    assert (verdict.state, verdict.reason) == ("unsigned", "header_missing")


# -- Linear: the time stands in the body ----------------------------------------------------------------------------

RENEWED = {
    "old": (b'{"webhookTimestamp": 1, "a": 1.0}', b'{"webhookTimestamp": 1700000000000, "a": 1.0}'),
    "missing": (b'{ "a" : "\\u00e9" }', b'{ "a" : "\\u00e9","webhookTimestamp":1700000000000 }'),
    "in an empty object": (b"{}", b'{"webhookTimestamp":1700000000000}'),
    "a text": (b'{"webhookTimestamp":"1"}', b'{"webhookTimestamp":1700000000000}'),
    "also deeper in": (
        b'{"data":{"webhookTimestamp":1},"webhookTimestamp":2}',
        b'{"data":{"webhookTimestamp":1},"webhookTimestamp":1700000000000}',
    ),
    "twice, of which the last counts": (
        b'{"webhookTimestamp":1,"webhookTimestamp":2}',
        b'{"webhookTimestamp":1,"webhookTimestamp":1700000000000}',
    ),
    "with spaces and line ends around it": (
        b'{\r\n "webhookTimestamp" :\t1\r\n}',
        b'{\r\n "webhookTimestamp" :\t1700000000000\r\n}',
    ),
    "in an array": (b'[{"webhookTimestamp":1}]', b'[{"webhookTimestamp":1}]'),
    "in no JSON": (b"webhookTimestamp=1", b"webhookTimestamp=1"),
}


@pytest.mark.parametrize(("body", "sent"), RENEWED.values(), ids=RENEWED)
def test_signing_renews_linear_s_time_and_touches_no_other_byte(body: bytes, sent: bytes) -> None:
    row = answer("linear")
    assert row.signed(replace(row.message, body=body)).body == sent


TIMES = {
    "now": (0, "valid", "ok"),
    "60 s ago": (60, "valid", "ok"),
    "61 s ago": (61, "stale", "timestamp_too_old"),
    "60 s from now": (-60, "valid", "ok"),
    "61 s from now": (-61, "stale", "timestamp_ahead"),
}


@pytest.mark.parametrize(("late", "state", "reason"), TIMES.values(), ids=TIMES)
def test_linear_s_time_may_be_off_by_a_minute(late: int, state: str, reason: str) -> None:
    row = answer("linear")
    verdict = verify(scheme_named("linear"), row.sent, [secret(SECRET)], now=row.now + late)
    assert (verdict.state, verdict.reason, verdict.age) == (state, reason, late)
    assert verify(scheme_named("linear"), row.sent, [secret(SECRET)], now=row.now + late, tolerance=90).ok


# openssl dgst -sha256 -hmac hush-hush-secret over each body
TIMELESS = {
    '{"a":1}': ("timestamp_missing", "b0c86cc9fc2f0b1f3b5e9d957d71fe21cb2422d9d626e14f03a377b3364572ee"),
    '{"webhookTimestamp":null}': (
        "timestamp_missing",
        "62c37227025a5d3c384ba12cb3b827b77f9ffea594326a8eb39cb14c4abb06f5",
    ),
    '{"webhookTimestamp":"1700000000000"}': (
        "timestamp_malformed",
        "aa7859f41bb54ff8c348bd1613ae39af5d035c21f3dd087ea825784b7cc6af38",
    ),
    '{"webhookTimestamp":true}': (
        "timestamp_malformed",
        "9d7700f69dcc5baae8e361d570d216d5de7a5c1cfe484987315937754e1b80f6",
    ),
    '{"webhookTimestamp":[1700000000000]}': (
        "timestamp_malformed",
        "914ff4104f875ccda74a2b8c7d213ca386ea1f3094a04b0f2888e90bad40f954",
    ),
    '{"webhookTimestamp":1e999}': (
        "timestamp_malformed",
        "9f5f21a868915dc5dabf560f70350a31671ff99fa5ef746119320bf7ea839517",
    ),
    '{"webhookTimestamp":NaN}': (
        "timestamp_malformed",
        "902bc9abaa50a30e719fa3d456e419d3752f75a8e884fc6c2fdafd4655afff8c",
    ),
    "[1]": ("timestamp_missing", "c0ca827f24967ce78e400d7ccb5da364e7c9d106980eddc7e3ba338ed29d6910"),
    "no JSON": ("timestamp_missing", "a55fa823af509c4cd6d93b27cb00f7e85ef4aaf5115a1b58f14b79afa327da7a"),
    "": ("timestamp_missing", "b92ec8294c36ae97373996a32843f8a03f7e500e0e72e4934dcd2d1ff97bdde2"),
}


@pytest.mark.parametrize(
    ("body", "reason", "digest"),
    [(key, *value) for key, value in TIMELESS.items()],
    ids=lambda v: str(v)[:40] or "empty",
)
def test_a_good_signature_without_linear_s_time_is_refused(body: str, reason: str, digest: str) -> None:
    row = answer("linear")
    message = replace(row.with_signature(digest.encode()), body=body.encode())
    verdict = row.verdict(message, SECRET)
    assert (verdict.state, verdict.reason) == ("invalid", reason)
    assert row.verdict(message, "another").reason == "no_match"


def test_the_header_linear_timestamp_is_of_no_account() -> None:
    row = answer("linear")
    headers = tuple(field for field in row.sent.headers if field[0] != b"Linear-Timestamp")
    assert row.verdict(replace(row.sent, headers=(*headers, (b"Linear-Timestamp", b"1"))), SECRET).ok


# -- what the secret is ---------------------------------------------------------------------------------------------


def test_easypost_takes_a_secret_in_either_unicode_form() -> None:
    row = answer("easypost")
    assert row.verdict(row.sent, "se\u0301cret-1").ok


def test_woocommerce_takes_the_secret_as_typed_or_as_stored() -> None:
    row = next(row for row in ANSWERS if row.scheme == "woocommerce" and "&lt;" in row.secret)
    assert row.verdict(row.sent, "a<b & 'c'").ok


ENTITIES = {
    "&quot;&#34;&#034;&#x22;&#X022;": '"""""',
    "&#39;&#039;&#x27;": "'''",
    "&lt;&#60;&gt;&#0062;": "<<>>",
    "&amp;&#38;&#x26;": "&&&",
    "&amp;lt;": "&lt;",
    "&LT; &eacute; &#x3c; &nbsp &": "&LT; &eacute; &#x3c; &nbsp &",
}


@pytest.mark.parametrize(("stored", "key"), ENTITIES.items())
def test_five_characters_are_unescaped_as_wordpress_does(stored: str, key: str) -> None:
    # PHP 8 with the tables of wp_specialchars_decode and ENT_QUOTES
    assert key_of(stored.encode(), "html") == key.encode()


MALFORMED = {
    "airtable": ("not base64!", "is not base64"),
    "adyen-header": ("not hexadecimal", "is not hexadecimal"),
}


@pytest.mark.parametrize("scheme", MALFORMED)
def test_a_secret_of_the_wrong_form_is_named(scheme: str) -> None:
    text, why = MALFORMED[scheme]
    row = answer(scheme)
    verdict = row.verdict(row.sent, text)
    assert (verdict.state, verdict.reason) == ("invalid", "secret_malformed")
    assert verdict.detail == f"the secret from $SECRET {why}, which {scheme} needs"
    assert row.verdict(row.sent, text, row.secret).ok


# -- companions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["shopify", "shopify-events"])
def test_shopify_s_own_headers_are_kept(scheme: str) -> None:
    row = answer(scheme)
    topic = scheme_named(scheme).companions[0][0]
    captured = replace(row.message, headers=((topic.upper().encode(), b"products/update"),))
    assert dict(row.signed(captured).headers)[topic.encode()] == b"products/update"


def test_a_given_id_is_shopify_s_webhook_id() -> None:
    row = replace(answer("shopify"), id="b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
    assert dict(row.signed().headers)[b"X-Shopify-Webhook-Id"] == b"b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
