"""Standard Webhooks and the senders that follow it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from whcli.rules.signatures.digests import BadKey
from whcli.rules.signatures.schemes import FAMILIES, scheme_named
from whcli.rules.signatures.schemes.standard import ROWS
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message

from .answers import NOW, Answer, Known, secret

WHSEC = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SDK = (
    "v1,pvVRpqXGhu64mIo7eecyByNq6HI6OFG69fis5AaIREc="  # Webhook(WHSEC).sign("msg_1", NOW, BODY), standardwebhooks 1.1.0
)

# svix-webhooks server/svix-server/src/worker.rs, test_asymmetric_key_signing
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
WHSK_SEED = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
V1A = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
V1A_OF_ANOTHER = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="  # the seed of RFC 8032 section 7.1, test 1


def standard(signature: str, *, id: str = "msg_1", ts: int = NOW) -> dict[str, str]:
    return {"webhook-id": id, "webhook-timestamp": str(ts), "webhook-signature": signature}


def svix(signature: str, *, id: str = "msg_1", ts: int = NOW) -> dict[str, str]:
    return {"svix-id": id, "svix-timestamp": str(ts), "svix-signature": signature}


def asymmetric(scheme: str, source: str, key: str) -> Answer:
    named = standard if scheme == "standardwebhooks" else svix
    return Answer(
        scheme=scheme,
        source=f"svix-server's own test, {source}",
        secret=key,
        wrong=V1A_OF_ANOTHER,
        body=b'{"test": 2432232314}',
        id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        now=1614265330,
        headers=named(V1A, id="msg_p5jXN8AQM9LWM0D4loKWxJek", ts=1614265330),
    )


ANSWERS = (
    Answer(
        scheme="standardwebhooks", source="standardwebhooks 1.1.0", secret=WHSEC, wrong=OTHER, headers=standard(SDK)
    ),
    Answer(
        scheme="standardwebhooks",
        source="standardwebhooks 1.1.0, no prefix on the secret",
        secret=WHSEC.removeprefix("whsec_"),
        wrong=OTHER,
        headers=standard(SDK),
    ),
    asymmetric("standardwebhooks", "a whsk_ of seed and public key", WHSK),
    asymmetric("standardwebhooks", "a whsk_ of the seed alone", WHSK_SEED),
    asymmetric("svix", "a whsk_ of seed and public key", WHSK),
    asymmetric("svix", "a whsk_ of the seed alone", WHSK_SEED),
    Answer(scheme="svix", source="svix 2.9.1", secret=WHSEC, wrong=OTHER, headers=svix(SDK)),
    Answer(
        scheme="openai",
        source="openai-python tests/lib/test_webhooks.py",
        secret="whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=",
        wrong=OTHER,
        body=b'{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, '
        b'"type": "response.completed", "data": {"id": "resp_123"}}',
        id="wh_685c059ae39c8190af8c71ed1022a24d",
        now=1750861210,
        headers=standard(
            "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=", id="wh_685c059ae39c8190af8c71ed1022a24d", ts=1750861210
        ),
    ),
    Answer(
        scheme="openai",
        source="openssl dgst -sha256 -hmac, the secret as text",
        secret="hush-hush-secret",
        id="msg_1",
        headers=standard("v1,hrMI7/8EX1eVIvhxYn4DVpUXjFjCvz1hBmUZvccyO+w="),
    ),
    Answer(scheme="anthropic", source="standardwebhooks 1.1.0", secret=WHSEC, wrong=OTHER, headers=standard(SDK)),
    Answer(
        scheme="gitlab-signing",
        source="standardwebhooks 1.1.0",
        secret=WHSEC,
        wrong=OTHER,
        id="msg_1",
        headers=standard(SDK),
    ),
    Answer(
        scheme="polar",
        source="openssl dgst -sha256 -hmac, the secret as text",
        secret="polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK",
        headers=standard("v1,tSpfg6YdpV1E6PhFTKlgIVI2+N9+/393laDghX7By80="),
    ),
    Answer(scheme="resend", source="svix 2.9.1", secret=WHSEC, wrong=OTHER, headers=svix(SDK)),
    Answer(scheme="clerk", source="svix 2.9.1", secret=WHSEC, wrong=OTHER, headers=svix(SDK)),
)


class TestEveryAnswer(Known):
    answers = ANSWERS


def answer(scheme: str, secret: str) -> Answer:
    return next(row for row in ANSWERS if row.scheme == scheme and row.secret == secret)


def resigned(row: Answer, signature: str) -> Message:
    return row.with_signature(signature.encode())


def test_the_rows_are_the_family_and_each_has_an_answer() -> None:
    names = FAMILIES["standard"].split()
    assert [row.name for row in ROWS] == names
    assert {row.scheme for row in ANSWERS} == set(names)


# -- published vectors ----------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads((Path(__file__).parent.parent / "vectors.json").read_text())
    if vector["provider"].replace("_", "-") in FAMILIES["standard"].split()
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['provider']} {v['source']}")
def test_a_published_vector_verifies_as_published(vector: dict[str, Any]) -> None:
    headers = {**vector["headers"], **vector["expected_headers"]}
    message = Message(
        method="POST",
        url="",
        headers=tuple((name.encode(), value.encode()) for name, value in headers.items()),
        body=vector["body"].encode(),
    )
    row = scheme_named(vector["provider"].replace("_", "-"))
    verdict = verify(row, message, [secret(vector["secret"])], now=vector["now_unix"])
    assert verdict.ok is vector["valid"], verdict


# -- the list of signatures -----------------------------------------------------------------------------------------

BARE = SDK.removeprefix("v1,")
LISTS = {
    "an old signature before it": (f"v1,AAAA {SDK}", True),
    "an old signature after it": (f"{SDK} v1,AAAA", True),
    "one of another kind beside it": (f"{V1A} {SDK}", True),
    "two spaces between": (f"v1,AAAA  {SDK}", True),
    "a thousand others before it": ("v1,AAAA " * 1000 + SDK, True),
    "a comma in place of the space": (f"v1,AAAA,{SDK}", False),
    "its bytes under another version": (f"v2,{BARE}", False),
    "its bytes as an asymmetric one": (f"v1a,{BARE}", False),
    "no version at all": (BARE, False),
}


@pytest.mark.parametrize(("value", "holds"), LISTS.values(), ids=LISTS)
def test_of_a_list_each_is_tried_under_its_version(value: str, holds: bool) -> None:
    row = answer("standardwebhooks", WHSEC)
    assert row.verdict(resigned(row, value), WHSEC).ok is holds


def test_openai_takes_a_signature_without_its_version() -> None:
    row = answer("openai", "hush-hush-secret")
    bare = row.headers["webhook-signature"].removeprefix("v1,")
    assert row.verdict(resigned(row, f"v1,invalid {bare}"), row.secret).ok


# -- symmetric and asymmetric under one name ------------------------------------------------------------------------


@pytest.mark.parametrize("key", [WHPK, WHSK, WHSK_SEED], ids=["the public key", "seed and public key", "the seed"])
@pytest.mark.parametrize("scheme", ["standardwebhooks", "svix"])
def test_an_ed25519_signature_is_verified_with(scheme: str, key: str) -> None:
    row = answer(scheme, WHSK)
    assert row.verdict(row.sent, key).ok


def test_a_request_signed_both_ways_is_accepted_with_either_secret() -> None:
    """The zero-downtime example of the specification: v1 and v1a in one header."""
    row = answer("standardwebhooks", WHSK)
    both = resigned(row, f"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= {V1A}")
    assert row.verdict(both, WHPK).ok
    assert row.verdict(both, OTHER).ok
    assert row.verdict(both, WHSEC, V1A_OF_ANOTHER).reason == "no_match"


def test_a_secret_of_the_other_kind_says_what_the_header_lacks() -> None:
    row = answer("standardwebhooks", WHSK)
    assert row.verdict(row.sent, WHSEC).detail == "the webhook-signature header does not look like v1,…"
    symmetric = answer("standardwebhooks", WHSEC)
    assert symmetric.verdict(symmetric.sent, WHPK).detail == "the webhook-signature header does not look like v1a,…"


def test_a_public_key_cannot_sign() -> None:
    row = answer("standardwebhooks", WHSK)
    with pytest.raises(BadKey, match="public key"):
        sign(scheme_named("standardwebhooks"), row.message, [secret(WHPK)], now=NOW, token="1")


@pytest.mark.parametrize("scheme", ["openai", "anthropic", "gitlab-signing", "resend", "clerk"])
def test_others_know_no_ed25519(scheme: str) -> None:
    row = next(row for row in ANSWERS if row.scheme == scheme)
    assert not scheme_named(scheme).variants
    assert not row.verdict(resigned(row, V1A), WHPK).ok


# -- what the secret is ---------------------------------------------------------------------------------------------


def test_a_secret_without_prefix_is_text_for_openai_and_base64_for_the_others() -> None:
    text = "aHVzaC1odXNoLXNlY3JldA=="
    message = answer("openai", "hush-hush-secret").message
    made = {
        name: dict(sign(scheme_named(name), message, [secret(text)], now=NOW, token="1", id="msg_1").headers)
        for name in ("openai", "anthropic")
    }
    # openssl dgst -sha256 -hmac with that text, and standardwebhooks 1.1.0 with that secret
    assert made["openai"][b"webhook-signature"] == b"v1,3C7T559H1nbX78edhyVo7raCr48yh1dbsjn/Or1jmOE="
    assert made["anthropic"][b"webhook-signature"] == b"v1,hrMI7/8EX1eVIvhxYn4DVpUXjFjCvz1hBmUZvccyO+w="


def test_polar_uses_even_a_whsec_secret_as_text() -> None:
    row = answer("polar", "polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK")
    signed = sign(scheme_named("polar"), row.message, [secret(WHSEC)], now=NOW, token="1")
    # openssl dgst -sha256 -hmac with the whole text
    assert dict(signed.headers)[b"webhook-signature"] == b"v1,yTfYgiC7zhBZC46MHs/eppPioIHpFE1U8KEfz2ppQ5Q="


def test_a_secret_that_is_not_base64_is_named() -> None:
    row = answer("standardwebhooks", WHSEC)
    verdict = row.verdict(row.sent, "whsec_no base64!")
    assert (verdict.state, verdict.reason) == ("invalid", "secret_malformed")
    assert verdict.detail == "the secret from $SECRET is not base64, which standardwebhooks needs"


def test_missing_padding_of_the_secret_is_no_trouble() -> None:
    row = answer("openai", "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=")
    assert row.verdict(row.sent, row.secret.rstrip("=")).ok


# -- id and time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_missing_part_of_what_is_signed_is_named(name: str) -> None:
    row = answer("standardwebhooks", WHSEC)
    kept = tuple(field for field in row.sent.headers if field[0] != name.encode())
    verdict = row.verdict(replace(row.sent, headers=kept), WHSEC)
    assert (verdict.state, verdict.reason) == ("invalid", "companion_missing")
    assert name in verdict.detail


TIMES = {
    "on time": (0, "valid", "ok"),
    "300 s old": (300, "valid", "ok"),
    "301 s old": (301, "stale", "timestamp_too_old"),
    "300 s ahead": (-300, "valid", "ok"),
    "301 s ahead": (-301, "stale", "timestamp_ahead"),
}


@pytest.mark.parametrize(("late", "state", "reason"), TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("scheme", [row.name for row in ROWS])
def test_a_signature_holds_for_five_minutes_both_ways(scheme: str, late: int, state: str, reason: str) -> None:
    row = next(row for row in ANSWERS if row.scheme == scheme)
    verdict = verify(scheme_named(scheme), row.sent, [secret(row.secret)], now=row.now + late)
    assert (verdict.state, verdict.reason, verdict.age) == (state, reason, late)


def test_the_id_of_a_capture_is_kept_and_a_given_one_wins() -> None:
    row = answer("standardwebhooks", WHSEC)
    captured = replace(row.message, headers=((b"Webhook-Id", b"msg_kept"),))
    assert dict(row.signed(captured).headers)[b"webhook-id"] == b"msg_kept"
    assert dict(replace(row, id="msg_given").signed(captured).headers)[b"webhook-id"] == b"msg_given"
