"""PayPal: checked with a given certificate, never signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.errors import WrongUsage
from whcli.words.event import Message

from . import testkeys
from .coded import BODIES, GARBAGE, JSON, NOW, message, secret, with_header

BODY = '{"id":"evt_1","text":"Zoë & co/"}'.encode()
# WebhookEvent._get_expected_sig of paypalrestsdk 1.13.3 gives the text
#   69cd13f0-d67a-11e5-baa3-778b53f4ae55|2023-11-14T22:13:20Z|1JE4291016473214C|1676629074
# and `openssl dgst -sha256 -sign test-key-rsa.key` signs it.
SIGNATURE = (
    "XP+A3cf6sBbdcktrilyoUMp7aXk2cvrVBOJMaGhFRGLMAKIrejWS0FfXozAvcT3Je9MR4ulmlxW9CqpuPxXlKm6U7gW9UtHz/Ym2XZQGsa+G5sj7VgSw"
    "cD88KChKSI3vAbNBF612+Qh3uzG9q23WOH5dzvimVKdxyTjlEIDQAhwt0UkxDrHCRBIA/f5QzqLhyTaNj6ixEwtMwYGjApLnB8R/uStZJ6KXDLHBOdpn"
    "+rWqfzBrldwpOYusiIoY2hTsUe+zaWgmn6EqiHWrr2h+y2n9BoATgBvZPtiOcEpxcDUd4xwVARXTW02jZ1aWnlplEbPKDPTbS8B8rv5eRG9K5Q=="
)
WEBHOOK = "1JE4291016473214C"
SECRET = f"{WEBHOOK}:{testkeys.RSA_CERTIFICATE}"
SENT = message(
    BODY,
    JSON,
    (b"Paypal-Transmission-Id", b"69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
    (b"Paypal-Transmission-Time", b"2023-11-14T22:13:20Z"),
    (b"Paypal-Transmission-Sig", SIGNATURE.encode()),
    (b"Paypal-Cert-Url", b"https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77"),
    (b"Paypal-Auth-Algo", b"SHA256withRSA"),
)


def state(given: Message, text: str = SECRET) -> tuple[str, str]:
    verdict = verify(scheme_named("paypal"), given, [secret(text)], now=NOW)
    return verdict.state, verdict.reason


@pytest.mark.parametrize(
    "text",
    [SECRET, f"{WEBHOOK}\n{testkeys.RSA_CERTIFICATE}", f" {WEBHOOK} : {testkeys.RSA_PUBLIC}"],
    ids=["a colon and a certificate", "a line each", "a public key"],
)
def test_the_signature_holds_with(text: str) -> None:
    assert state(SENT, text) == ("valid", "ok")


def test_no_age_is_too_old() -> None:
    verdict = verify(scheme_named("paypal"), SENT, [secret(SECRET)], now=NOW + 10**8)
    assert (verdict.state, verdict.age) == ("valid", 10**8)


CHANGES = {
    "a byte of the body": (replace(SENT, body=BODY.replace(b"1", b"2")), "no_match"),
    "the transmission's id": (with_header(SENT, "paypal-transmission-id", b"1"), "no_match"),
    "its time": (with_header(SENT, "paypal-transmission-time", b"2023-11-14T22:13:21Z"), "no_match"),
    "no id": (with_header(SENT, "paypal-transmission-id", None), "companion_missing"),
    "no time": (with_header(SENT, "paypal-transmission-time", None), "companion_missing"),
    "a time that is none": (with_header(SENT, "paypal-transmission-time", b"now"), "timestamp_malformed"),
    "another algorithm": (with_header(SENT, "paypal-auth-algo", b"SHA1withRSA"), "header_malformed"),
    "no base64": (with_header(SENT, "paypal-transmission-sig", b"*"), "header_malformed"),
}


@pytest.mark.parametrize(("given", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_refused(given: Message, reason: str) -> None:
    assert state(given) == ("invalid", reason)


SECRETS = {
    "another webhook": (f"OTHER:{testkeys.RSA_CERTIFICATE}", "no_match"),
    "another key": (f"{WEBHOOK}:{testkeys.RSA_PSS_PUBLIC}", "no_match"),
    "no webhook": (testkeys.RSA_CERTIFICATE, "secret_malformed"),
    "no certificate": (WEBHOOK, "secret_malformed"),
    "a broken certificate": (
        f"{WEBHOOK}:-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----",
        "secret_malformed",
    ),
    "a key of another kind": (f"{WEBHOOK}:{testkeys.ED25519_PUBLIC}", "secret_malformed"),
}


@pytest.mark.parametrize(("text", "reason"), SECRETS.values(), ids=SECRETS)
def test_another_secret_is_refused(text: str, reason: str) -> None:
    assert state(SENT, text) == ("invalid", reason)


def test_without_the_header_it_is_unsigned() -> None:
    assert state(with_header(SENT, "paypal-transmission-sig", None)) == ("unsigned", "header_missing")


def test_without_a_secret_nothing_is_said() -> None:
    assert verify(scheme_named("paypal"), SENT, [], now=NOW).state == "no_secret"


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_any_header_gives_a_reason(value: bytes) -> None:
    for name, _ in SENT.headers:
        assert verify(scheme_named("paypal"), with_header(SENT, name.decode(), value), [secret(SECRET)], now=NOW).detail


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_another_body_is_refused(body: bytes) -> None:
    assert state(replace(SENT, body=body)) == ("invalid", "no_match")


def test_paypal_cannot_be_signed_and_says_why() -> None:
    assert not scheme_named("paypal").signs
    with pytest.raises(WrongUsage, match="certificate that chains to a public root") as error:
        sign(scheme_named("paypal"), SENT, [secret(SECRET)], now=NOW, token="1")
    assert error.value.code == "cannot_sign"
