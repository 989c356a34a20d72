"""Schemes that sign a timestamp, an id, the URL or the secret together with the body."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.signatures.contents import decoded, escaped
from whcli.rules.signatures.schemes import FAMILIES, scheme_named
from whcli.rules.signatures.schemes.timed import ROWS
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message, first

from .answers import NOW, Answer, Known, secret

BODY = '{"id":"evt_1","name":"Zoë ☕"}'.encode()
OPENSSL = "openssl dgst 3.0.19"
TWITCH_ID = "e76c6bd4-55c9-4987-8304-da1588d8988b"
HUBSPOT_PAGE = "HubSpot's page on request validation"

# paddle-go-sdk example_webhook_verifier_test.go
PADDLE = (
    b'{"data":{"id":"pri_01hsdn96k2hxjzsq5yerecdj9j","name":null,"status":"active","quantity":{"maximum":999999,'
    b'"minimum":1},"tax_mode":"account_setting","product_id":"pro_01hsdn8qp7yydry3x1yeg6a9rv","unit_price":{"amount":'
    b'"1000","currency_code":"USD"},"custom_data":null,"description":"testing","import_meta":null,"trial_period":null,'
    b'"billing_cycle":{"interval":"month","frequency":1},"unit_price_overrides":[]},"event_id":'
    b'"evt_01hsdn97563968dy0szkmgjwh3","event_type":"price.created","occurred_at":"2024-03-20T10:07:35.590857Z",'
    b'"notification_id":"ntf_01hsdn977e920kbgzt6r6c9rqc"}'
)
# pycloudinary test/test_utils.py, test_verify_notification_signature
CLOUDINARY = (
    b'{"notification_type":"eager","eager":[{"transformation":"sp_full_hd/mp4","bytes":1055,"url":'
    b'"http://res.cloudinary.com/demo/video/upload/sp_full_hd/v1533125278/dog.mp4","secure_url":'
    b'"https://res.cloudinary.com/demo/video/upload/sp_full_hd/v1533125278/dog.mp4"}],"public_id":"dog","batch_id":'
    b'"9b11fa058c61fa577f4ec516bf6ee756ac2aefef095af99aef1302142cc1694a"}'
)
# square-python-sdk tests/integration/test_webhooks_helper.py
SQUARE = (
    b'{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":'
    b'"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks",'
    b'"id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
)
# HubSpot's page on request validation
HUBSPOT = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":'
    b'"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)
HUBSPOT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"


def twitch(signature: str, timestamp: str) -> dict[str, str]:
    return {
        "Twitch-Eventsub-Message-Id": TWITCH_ID,
        "Twitch-Eventsub-Message-Timestamp": timestamp,
        "Twitch-Eventsub-Message-Signature": f"sha256={signature}",
        "Twitch-Eventsub-Message-Type": "notification",
        "Twitch-Eventsub-Message-Retry": "0",
        "Twitch-Eventsub-Subscription-Type": "stream.online",
        "Twitch-Eventsub-Subscription-Version": "1",
    }


ANSWERS = (
    Answer(
        scheme="stripe",
        source="stripe 16.1.0, from a whsec_ secret that could be read as base64",
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        body=BODY,
        headers={
            "Stripe-Signature": "t=1700000000,v1=8ff3ca51922b815c123c8e5fc16fff67ecede33a6667d8cea642d0ace6b5c6d2"
        },
    ),
    Answer(
        scheme="workos",
        source=f"{OPENSSL}, accepted by workos 10.8.0",
        secret="workos_secret",
        body=BODY,
        headers={
            "WorkOS-Signature": "t=1700000000000, v1=d492d94d2f431395008cb8acc1687a5e4f591330cfad177f68403e13d80a852d"
        },
    ),
    Answer(
        scheme="elevenlabs",
        source=OPENSSL,
        secret="wsec_eleven",
        body=BODY,
        headers={
            "ElevenLabs-Signature": "t=1700000000,v0=0216a1909b9ba616dae677d35b4c7ad935f652bc208d30711446333910a4f5fa"
        },
    ),
    Answer(
        scheme="mux",
        source="mux-elixir test/mux/webhooks_test.exs",
        secret="SuperSecret123",
        body=b'{"test":"body"}',
        now=1565125718,
        headers={"Mux-Signature": "t=1565125718,v1=854ece4c22acef7c66b57d4e504153bc512595e8e9c772ece2a68150548c19a7"},
    ),
    Answer(
        scheme="mux",
        source="@mux/mux-node 15.3.0",
        secret="SuperSecret123",
        body=BODY,
        headers={"Mux-Signature": "t=1700000000,v1=3ad76fe35581ce37f054bd44a10ef5ac38e112dcc300727da8fe8135d952379c"},
    ),
    Answer(
        scheme="sanity",
        source="@sanity/webhook 4.0.4",
        secret="sanity-secret",
        body=BODY,
        headers={"sanity-webhook-signature": "t=1700000000000,v1=7J-XVOADMRnfkZTDwZkLNci8RL3MIwMATZG8rQH7rOs"},
    ),
    Answer(
        scheme="calendly",
        source=OPENSSL,
        secret="calendly_key",
        body=BODY,
        headers={
            "Calendly-Webhook-Signature": "t=1700000000,"
            "v1=6dcec0e4f4a7228ab4ac66cd471abbc45220a686d1a49b8789c337b104b6bf80"
        },
    ),
    Answer(
        scheme="paddle",
        source="paddle-go-sdk example_webhook_verifier_test.go",
        secret="pdl_ntfset_01hsdn8d43dt7mezr1ef2jtbaw_hKkRiCGyyRhbFwIUuqiTBgI7gnWoV0Gr",
        body=PADDLE,
        now=1710929255,
        headers={
            "Paddle-Signature": "ts=1710929255;h1=6c05ef8fa83c44d751be6d259ec955ce5638e2c54095bf128e408e2fce1589c8"
        },
    ),
    Answer(
        scheme="webflow",
        source=f"{OPENSSL}, accepted by webflow-api 3.3.4",
        secret="webflow_client_secret",
        body=BODY,
        headers={
            "X-Webflow-Timestamp": "1700000000000",
            "X-Webflow-Signature": "ed0ce3cb422fc41b2e370dab825e43a715ab80b0e8613277896878931d7dcd20",
        },
    ),
    Answer(
        scheme="slack",
        source="slack_sdk 3.47.0",
        secret="slack_signing_secret",
        body=BODY,
        headers={
            "X-Slack-Request-Timestamp": "1700000000",
            "X-Slack-Signature": "v0=380754d3235478f14b788b2f2a33d025735a057e1bb23bdb03e8b4497c326f0e",
        },
    ),
    Answer(
        scheme="zoom",
        source=OPENSSL,
        secret="zoom_secret_token",
        body=BODY,
        headers={
            "x-zm-request-timestamp": "1700000000",
            "x-zm-signature": "v0=c60caab3ab800363b6ea80f19529bad27a8f9530e207ed64bcaed80a09ac9c9f",
        },
    ),
    Answer(
        scheme="customerio",
        source=OPENSSL,
        secret="cio_signing_key",
        body=BODY,
        headers={
            "X-CIO-Timestamp": "1700000000",
            "X-CIO-Signature": "1764de95314bf19ee6bc38927a758fc068145ff677e3fced575a082abe530ef1",
        },
    ),
    Answer(
        scheme="zendesk",
        source=f"{OPENSSL}, from the secret of Zendesk's test requests",
        secret="dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
        body=BODY,
        headers={
            "X-Zendesk-Webhook-Signature-Timestamp": "2023-11-14T22:13:20Z",
            "X-Zendesk-Webhook-Signature": "n7HDJd2ULSdp1yTulofyAOhi/KB8FCLm7uCHtOHWkBg=",
        },
    ),
    Answer(
        scheme="twitch",
        source=OPENSSL,
        secret="s3cre7-of-ten",
        body=BODY,
        id=TWITCH_ID,
        headers=twitch(
            "6ce526300c5a136e437a26f20fe913e0ee09c75d2d1d42952fb4cdd7e9682ca5", "2023-11-14T22:13:20.000000000Z"
        ),
    ),
    Answer(
        scheme="box",
        source="box-sdk-gen 1.17.0",
        secret="SamplePrimaryKey",
        body=BODY,
        id="f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f",
        headers={
            "box-delivery-id": "f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f",
            "box-delivery-timestamp": "2023-11-14T22:13:20Z",
            "box-signature-version": "1",
            "box-signature-algorithm": "HmacSHA256",
            "box-signature-primary": "nPWNavV7YGSZIkEy9OZsrNEtWRCxPmFuos5fWNdOu6Q=",
        },
    ),
    Answer(
        scheme="cloudinary",
        source="pycloudinary test/test_utils.py",
        secret="X7qLTrsES31MzxxkxPPA-pAGGfU",
        body=CLOUDINARY,
        now=1549533514,
        headers={"X-Cld-Timestamp": "1549533514", "X-Cld-Signature": "dfe82de1d9083fe0b7ea68070649f9a15b8874da"},
    ),
    Answer(
        scheme="square",
        source="square-python-sdk tests/integration/test_webhooks_helper.py",
        secret="Ibxx_5AKakO-3qeNVR61Dw",
        url="https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9",
        body=SQUARE,
        headers={"x-square-hmacsha256-signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="},
    ),
    Answer(
        scheme="square",
        source=f"{OPENSSL}, over a URL that nobody may normalise",
        secret="square-signature-key",
        url="https://example.com:443/Hook/?b=2&a=%2f1",
        body=BODY,
        headers={"x-square-hmacsha256-signature": "3RawCdzLyxUnWtPnEcdGC0fzG5zABxVQPY40tK0YVKs="},
    ),
    Answer(
        scheme="trello",
        source=OPENSSL,
        secret="trello_secret",
        url="https://example.com/trello?memberID=14&mainModel=true",
        body=BODY,
        headers={"X-Trello-Webhook": "tfUWilnxTTYG7Y+wsF9LD0EI0Ec="},
    ),
    Answer(
        scheme="hubspot-v1",
        source=HUBSPOT_PAGE,
        secret=HUBSPOT_SECRET,
        body=HUBSPOT,
        headers={
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
        },
    ),
    Answer(
        scheme="hubspot-v2",
        source=HUBSPOT_PAGE,
        secret=HUBSPOT_SECRET,
        url="https://www.example.com/webhook_uri",
        body=b'{"example_field":"example_value"}',
        headers={
            "X-HubSpot-Signature-Version": "v2",
            "X-HubSpot-Signature": "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
        },
    ),
    Answer(
        scheme="hubspot-v3",
        source="hubspot-api-python tests/spec/utils/test_signature.py",
        secret=HUBSPOT_SECRET,
        url="https://www.example.com/webhook_uri",
        body=b"{'example_field':'example_value'}",
        now=1693657560,
        headers={
            "X-HubSpot-Request-Timestamp": "1693657560000",
            "X-HubSpot-Signature-v3": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        },
    ),
    Answer(
        scheme="hubspot-v3",
        source="hubspot-api-client 12.0.0, over a URL with a query",
        secret="hs-client-secret",
        url="https://example.com/hook?a=1",
        body=BODY,
        headers={
            "X-HubSpot-Request-Timestamp": "1700000000000",
            "X-HubSpot-Signature-v3": "X0bEbthXHW8TDE5KqPPcGwE7MT0Npju58jC0pgZnh3s=",
        },
    ),
    Answer(
        scheme="hubspot-v3",
        source=f"{OPENSSL}, over a URL decoded as HubSpot's page says",
        secret="hs-client-secret",
        url="https://example.com/h%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B?q=%20%26",
        body=BODY,
        headers={
            "X-HubSpot-Request-Timestamp": "1700000000000",
            "X-HubSpot-Signature-v3": "IV/ShCEN/n1W1E7msCJwU5iTSpcEbtpUHmXFWJuUuFE=",
        },
    ),
)
BY_SCHEME = {answer.scheme: answer for answer in reversed(ANSWERS)}  # the first of each


class TestEveryAnswer(Known):
    answers = ANSWERS

    def test_a_signature_of_many_is_found(self, answer: Answer) -> None:
        """Where timestamp and signatures share a list, the many stand in one header, as during a rotation."""
        separator = scheme_named(answer.scheme).separator
        if not separator:
            return super().test_a_signature_of_many_is_found(answer)
        stamp, good = answer.signature.split(separator)
        bad = good.partition("=")[0] + "=" + "0" * 64
        value = separator.join([stamp, *[bad] * 50, good])
        assert answer.verdict(answer.with_signature(value.encode()), answer.secret).ok
        return None


def test_every_name_of_the_family_has_an_answer() -> None:
    assert [row.name for row in ROWS] == FAMILIES["timed"].split()
    assert set(BY_SCHEME) == set(FAMILIES["timed"].split())


# -- published vectors ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())
OURS = [vector for vector in VECTORS if vector["provider"] in ("box", "sanity", "hubspot_v1", "hubspot_v3")]


@pytest.mark.parametrize("vector", OURS, ids=lambda vector: f"{vector['provider']}: {vector['source']}")
def test_a_published_vector_verifies_as_published(vector: dict[str, Any]) -> None:
    headers = {**vector["headers"], **vector["expected_headers"]}
    message = Message(
        method=vector["method"],
        url=vector["url"],
        headers=tuple((name.encode(), value.encode()) for name, value in headers.items()),
        body=vector["body"].encode(),
    )
    scheme = scheme_named(vector["provider"].replace("_", "-"))
    verdict = verify(scheme, message, [secret(vector["secret"])], now=vector.get("now_unix", 0))
    assert verdict.ok is vector["valid"], verdict


# -- the clock --------------------------------------------------------------------------------------------------------

AGES = (  # scheme, seconds after the signed timestamp, reason
    ("stripe", 300, "ok"),
    ("stripe", 301, "timestamp_too_old"),
    ("stripe", -86_400, "ok"),
    ("workos", 180, "ok"),
    ("workos", 181, "timestamp_too_old"),
    ("workos", -180, "ok"),
    ("workos", -181, "timestamp_ahead"),
    ("elevenlabs", 1800, "ok"),
    ("elevenlabs", 1801, "timestamp_too_old"),
    ("elevenlabs", -86_400, "ok"),
    ("mux", 300, "ok"),
    ("mux", 301, "timestamp_too_old"),
    ("mux", -86_400, "ok"),
    ("sanity", 86_400, "ok"),
    ("sanity", -86_400, "ok"),
    ("calendly", 180, "ok"),
    ("calendly", 181, "timestamp_too_old"),
    ("calendly", -86_400, "ok"),
    ("paddle", 5, "ok"),
    ("paddle", 6, "timestamp_too_old"),
    ("paddle", -5, "ok"),
    ("paddle", -6, "timestamp_ahead"),
    ("webflow", 300, "ok"),
    ("webflow", 301, "timestamp_too_old"),
    ("webflow", -86_400, "ok"),
    ("slack", 300, "ok"),
    ("slack", 301, "timestamp_too_old"),
    ("slack", -301, "timestamp_ahead"),
    ("zoom", 86_400, "ok"),
    ("customerio", 86_400, "ok"),
    ("zendesk", 86_400, "ok"),
    ("twitch", 86_400, "ok"),
    ("box", 600, "ok"),
    ("box", 601, "timestamp_too_old"),
    ("box", -1, "timestamp_ahead"),
    ("cloudinary", 7200, "ok"),
    ("cloudinary", 7201, "timestamp_too_old"),
    ("cloudinary", -86_400, "ok"),
    ("hubspot-v3", 300, "ok"),
    ("hubspot-v3", 301, "timestamp_too_old"),
    ("hubspot-v3", -86_400, "ok"),
    ("square", 86_400, "ok"),
)


@pytest.mark.parametrize(
    ("scheme", "later", "reason"), AGES, ids=[f"{scheme} after {later} s is {reason}" for scheme, later, reason in AGES]
)
def test_the_clock_is_the_providers(scheme: str, later: int, reason: str) -> None:
    answer = BY_SCHEME[scheme]
    verdict = verify(scheme_named(scheme), answer.sent, [secret(answer.secret)], now=answer.now + later)
    assert verdict.reason == reason
    assert verdict.state == ("valid" if reason == "ok" else "stale")
    if scheme != "square":
        assert verdict.age == later


STAMPED = [answer for answer in BY_SCHEME.values() if scheme_named(answer.scheme).clock]


def stamped(answer: Answer, text: bytes) -> Message:
    """The message as sent, with another text for its timestamp."""
    clock = scheme_named(answer.scheme).clock
    assert clock
    if clock.header is None:
        value = answer.signature.encode()
        start, end = value.index(b"=") + 1, value.index((scheme_named(answer.scheme).separator or ",")[0].encode())
        return answer.with_signature(value[:start] + text + value[end:])
    kept = tuple(field for field in answer.sent.headers if field[0] != clock.header.encode())
    return replace(answer.sent, headers=(*kept, (clock.header.encode(), text)))


NO_TIMES = {
    "a word": b"soon",
    "an exponent": b"17e8",
    "a byte that is not UTF-8": b"\xff",
    "400 digits": b"1" * 400,
    "Arabic digits": "١٧".encode(),
    "a time of day": b"17:00",
    "a day that is none": b"2023-02-30T00:00:00Z",
}


@pytest.mark.parametrize("answer", STAMPED, ids=lambda answer: answer.scheme)
@pytest.mark.parametrize("text", NO_TIMES.values(), ids=NO_TIMES)
def test_a_timestamp_that_is_none_gives_a_reason(answer: Answer, text: bytes) -> None:
    verdict = answer.verdict(stamped(answer, text), answer.secret)
    assert (verdict.state, verdict.reason) == ("invalid", "timestamp_malformed")


@pytest.mark.parametrize("answer", STAMPED, ids=lambda answer: answer.scheme)
def test_another_timestamp_than_the_signed_one_is_refused(answer: Answer) -> None:
    clock = scheme_named(answer.scheme).clock
    assert clock
    text = {"s": b"1700000001", "ms": b"1700000000001"}.get(clock.unit, b"2023-11-14T22:13:21Z")
    verdict = answer.verdict(stamped(answer, text), answer.secret)
    assert (verdict.state, verdict.reason) == ("invalid", "no_match")


BESIDE = [answer for answer in STAMPED if (clock := scheme_named(answer.scheme).clock) and clock.header]


@pytest.mark.parametrize("answer", BESIDE, ids=lambda answer: answer.scheme)
def test_without_its_timestamp_header_the_header_is_named(answer: Answer) -> None:
    clock = scheme_named(answer.scheme).clock
    assert clock
    assert clock.header
    kept = tuple(field for field in answer.sent.headers if field[0] != clock.header.encode())
    verdict = answer.verdict(replace(answer.sent, headers=kept), answer.secret)
    assert (verdict.state, verdict.reason) == ("invalid", "companion_missing")
    assert clock.header in verdict.detail


@pytest.mark.parametrize(
    ("scheme", "value"),
    [("stripe", b"v1=00"), ("paddle", b"h1=00"), ("workos", b"v1=00"), ("elevenlabs", b"v0=00"), ("sanity", b"v1=x")],
    ids=["stripe", "paddle", "workos", "elevenlabs", "sanity"],
)
def test_a_list_without_a_timestamp_gives_a_reason(scheme: str, value: bytes) -> None:
    answer = BY_SCHEME[scheme]
    assert answer.verdict(answer.with_signature(value), answer.secret).reason == "timestamp_missing"


# -- lists ------------------------------------------------------------------------------------------------------------


def test_stripes_fake_scheme_v0_is_not_a_signature() -> None:
    answer = BY_SCHEME["stripe"]
    only = answer.signature.replace("v1=", "v0=").encode()
    assert answer.verdict(answer.with_signature(only), answer.secret).reason == "header_malformed"
    beside = b"t=1700000000,v1=" + b"0" * 64 + b"," + only.partition(b",")[2]
    assert answer.verdict(answer.with_signature(beside), answer.secret).reason == "no_match"


@pytest.mark.parametrize(
    ("scheme", "label", "separator"),
    [("stripe", "v1", ","), ("paddle", "h1", ";"), ("mux", "v1", ","), ("calendly", "v1", ",")],
    ids=["stripe", "paddle", "mux", "calendly"],
)
def test_during_a_rotation_either_secret_will_do(scheme: str, label: str, separator: str) -> None:
    answer = BY_SCHEME[scheme]
    other = replace(answer, secret="the newer secret").signed().headers
    newer = (first(other, scheme_named(scheme).header.encode()) or b"").decode().rpartition("=")[2]
    stamp, older = answer.signature.split(separator)
    both = answer.with_signature(f"{stamp}{separator}{label}={newer}{separator}{older}".encode())
    assert answer.verdict(both, answer.secret).ok
    assert answer.verdict(both, "the newer secret").ok
    assert not answer.verdict(both, "a third secret").ok


@pytest.mark.parametrize("between", [", ", ",", " , "], ids=repr)
def test_workos_is_read_with_any_space_in_its_list(between: str) -> None:
    answer = BY_SCHEME["workos"]
    value = answer.signature.replace(", ", between).encode()
    assert answer.verdict(answer.with_signature(value), answer.secret).ok


def test_a_list_with_another_providers_separator_is_not_read() -> None:
    answer = BY_SCHEME["paddle"]
    value = answer.signature.replace(";", ",").encode()
    assert answer.verdict(answer.with_signature(value), answer.secret).reason == "header_malformed"


# -- exact texts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp", "signature"),
    [
        ("2023-11-14T22:13:20.1Z", "3b3dd34fdce16e949f75fc013004747169e4781c61eef4f24781cf72551a5d9e"),
        ("2023-11-14T22:13:20.100000000Z", "ec95b8fe211e1695ff322e1c17973684269541fd2e5901312e735066cd374e62"),
    ],
    ids=["without trailing zeros", "with trailing zeros"],
)
def test_twitch_signs_the_text_of_its_timestamp(timestamp: str, signature: str) -> None:
    """Expected: openssl dgst -sha256 -hmac over id, timestamp and body."""
    answer = replace(BY_SCHEME["twitch"], headers=twitch(signature, timestamp))
    assert answer.verdict(answer.sent, answer.secret).ok
    rewritten = replace(answer, headers=twitch(signature, timestamp.replace(".1", ".10").replace(".100", ".1")))
    assert answer.verdict(rewritten.sent, answer.secret).reason == "no_match"


def test_twitch_signs_the_message_id() -> None:
    answer = BY_SCHEME["twitch"]
    other = replace(answer, headers={**answer.headers, "Twitch-Eventsub-Message-Id": "another"})
    assert answer.verdict(other.sent, answer.secret).reason == "no_match"
    del other.headers["Twitch-Eventsub-Message-Id"]
    assert answer.verdict(other.sent, answer.secret).reason == "companion_missing"


def test_a_resigned_twitch_message_keeps_its_id_and_type() -> None:
    given = ((b"twitch-eventsub-message-id", b"kept"), (b"Twitch-Eventsub-Message-Type", b"revocation"))
    message = Message(method="POST", url="", headers=given, body=BODY)
    signed = sign(scheme_named("twitch"), message, [secret("s3cre7-of-ten")], now=NOW, token="minted")
    assert first(signed.headers, b"twitch-eventsub-message-id") == b"kept"
    assert first(signed.headers, b"twitch-eventsub-message-type") == b"revocation"


# -- Box: two keys, two headers ---------------------------------------------------------------------------------------


def test_box_is_verified_by_either_of_its_two_headers() -> None:
    answer = BY_SCHEME["box"]
    good = answer.signature.encode()
    bad = b"A" * 43 + b"="
    for primary, secondary in ((good, bad), (bad, good)):
        message = answer.with_signature(primary)
        message = replace(message, headers=(*message.headers, (b"BOX-SIGNATURE-SECONDARY", secondary)))
        assert answer.verdict(message, answer.secret).ok
        assert answer.verdict(message, "another key").reason == "no_match"


def test_box_is_verified_by_the_second_header_alone() -> None:
    answer = BY_SCHEME["box"]
    message = answer.with_signature()
    message = replace(message, headers=(*message.headers, (b"box-signature-secondary", answer.signature.encode())))
    assert answer.verdict(message, answer.secret).ok


def test_box_is_verified_with_the_body_escaped_as_its_sdk_does() -> None:
    answer = BY_SCHEME["box"]
    by_sdk = b"AJVnwwJW2I/npw0zhSfcrrxO/Xg+/NgYsNQHjFPG0b4="  # compute_webhook_signature(..., escape_body=True), 1.17.0
    assert answer.verdict(answer.with_signature(by_sdk), answer.secret).ok


@given(body=st.binary())
def test_escaping_leaves_nothing_but_printable_ascii(body: bytes) -> None:
    made = escaped(body)
    assert made == body or all(0x20 <= byte <= 0x7E for byte in made)


# -- Cloudinary: two digests ------------------------------------------------------------------------------------------


def test_cloudinary_is_verified_by_either_of_its_two_digests() -> None:
    """Expected: cloudinary 1.46.3, compute_hex_hash."""
    answer = Answer(scheme="cloudinary", source="", secret="cld_api_secret", body=BODY, headers={"X-Cld-Signature": ""})
    for digest in (
        "1a9f3d9dc4863f6aa224e80a59cec948a7864dee",
        "df438901571a866c658b8d981fa2c1dd57b340f76e1f4514278bf677fb7aae1b",
    ):
        sent = replace(answer, headers={"X-Cld-Timestamp": "1700000000", "X-Cld-Signature": digest}).sent
        assert answer.verdict(sent, "cld_api_secret").ok
        assert answer.verdict(sent, "another").reason == "no_match"


# -- the URL ----------------------------------------------------------------------------------------------------------

OTHER_URLS = (
    "http://example.com:443/Hook/?b=2&a=%2f1",
    "https://example.com/Hook/?b=2&a=%2f1",
    "https://example.com:443/Hook?b=2&a=%2f1",
    "https://example.com:443/Hook/?a=%2f1&b=2",
    "https://example.com:443/Hook/?b=2&a=%2F1",
    "https://example.com:443/Hook/?b=2&a=/1",
    "https://example.com:443/hook/?b=2&a=%2f1",
    "https://EXAMPLE.com:443/Hook/?b=2&a=%2f1",
)


@pytest.mark.parametrize("url", OTHER_URLS)
def test_square_signs_the_url_to_the_letter(url: str) -> None:
    answer = next(answer for answer in ANSWERS if answer.scheme == "square" and ":443" in answer.url)
    assert answer.verdict(answer.sent, answer.secret).ok
    assert answer.verdict(replace(answer.sent, url=url), answer.secret).reason == "no_match"


@pytest.mark.parametrize("scheme", ["trello", "square", "hubspot-v2", "hubspot-v3"])
def test_another_url_is_refused(scheme: str) -> None:
    answer = BY_SCHEME[scheme]
    assert answer.verdict(replace(answer.sent, url="http://localhost:3000/hook"), answer.secret).reason == "no_match"


@pytest.mark.parametrize("scheme", ["hubspot-v2", "hubspot-v3"])
def test_another_method_is_refused(scheme: str) -> None:
    answer = BY_SCHEME[scheme]
    assert answer.verdict(replace(answer.sent, method="PUT"), answer.secret).reason == "no_match"


def test_hubspot_v2_of_a_get_as_hubspots_page_has_it() -> None:
    message = Message(method="GET", url="https://www.example.com/webhook_uri", headers=(), body=b"")
    signed = sign(scheme_named("hubspot-v2"), message, [secret(HUBSPOT_SECRET)], now=NOW, token="")
    expected = b"eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    assert first(signed.headers, b"x-hubspot-signature") == expected


def test_hubspot_v3_is_verified_with_the_url_as_it_stands_too() -> None:
    """The SDKs do not decode. Expected: Signature.get_signature of hubspot-api-client 12.0.0."""
    signature = "kiPEBLC9t5n07Lu05PKlWqoz8igHCL1LNzVYsrIavzs="
    answer = Answer(
        scheme="hubspot-v3",
        source="hubspot-api-client 12.0.0",
        secret="hs-client-secret",
        url="https://example.com/h%3A%2F?q=%20",
        body=BODY,
        headers={"X-HubSpot-Request-Timestamp": "1700000000000", "X-HubSpot-Signature-v3": signature},
    )
    assert answer.verdict(answer.sent, answer.secret).ok
    assert answer.verdict(replace(answer.sent, url="https://example.com/h:/?q=%20"), answer.secret).reason == "no_match"


def test_hubspot_decodes_twelve_characters_and_no_others() -> None:
    every = "".join(f"%{number:02X}" for number in range(256))
    kept = decoded(every).decode()
    assert kept.count("%") == 256 - 12
    assert set(kept) - set("%0123456789ABCDEF") == set(":/?@!$'()*,;")


def test_a_url_of_raw_bytes_is_signed_as_those_bytes() -> None:
    target = "https://example.com/" + b"\xff".decode("utf-8", "surrogateescape")
    message = Message(method="POST", url=target, headers=(), body=BODY)
    for name in ("square", "trello", "hubspot-v2", "hubspot-v3"):
        signed = sign(scheme_named(name), message, [secret("a secret")], now=NOW, token="")
        arrived = replace(message, headers=signed.headers)
        assert verify(scheme_named(name), arrived, [secret("a secret")], now=NOW).ok


def test_slash_commands_are_signed_as_the_raw_form() -> None:
    """From https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    vector = next(vector for vector in VECTORS if vector["provider"] == "slack" and vector["valid"])
    message = Message(method="POST", url="", headers=(), body=vector["body"].encode())
    signed = sign(scheme_named("slack"), message, [secret(vector["secret"])], now=vector["now_unix"], token="")
    assert first(signed.headers, b"x-slack-signature") == vector["expected_headers"]["X-Slack-Signature"].encode()
