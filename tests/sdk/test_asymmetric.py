"""Senders with a key pair: what we sign with the private key, checked by their SDKs with the public one."""

from __future__ import annotations

import pytest

from whcli.rules.signatures.asymmetric import keygen
from whcli.rules.signatures.schemes import scheme_named

from .judge import holds

BODY = '{"type":1,"id":"evt_1","text":"Zoë"}'.encode()


@pytest.mark.sdk
def test_pynacl() -> None:
    signing = pytest.importorskip("nacl.signing")
    private, public = keygen(scheme_named("discord").pair)
    key = signing.VerifyKey(bytes.fromhex(public))

    def accepts(body: bytes, headers: dict[str, str]) -> None:
        key.verify(headers["X-Signature-Timestamp"].encode() + body, bytes.fromhex(headers["X-Signature-Ed25519"]))

    holds("discord", private, BODY, accepts)


@pytest.mark.sdk
def test_pynacl_with_a_seed_of_its_own() -> None:
    signing = pytest.importorskip("nacl.signing")
    key = signing.SigningKey.generate()

    def accepts(body: bytes, headers: dict[str, str]) -> None:
        signature = bytes.fromhex(headers["X-Signature-Ed25519"])
        key.verify_key.verify(headers["X-Signature-Timestamp"].encode() + body, signature)

    holds("discord", bytes(key).hex(), BODY, accepts)


@pytest.mark.sdk
def test_discord_interactions() -> None:
    check = pytest.importorskip("discord_interactions").verify_key
    private, public = keygen(scheme_named("discord").pair)

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        return bool(check(body, headers["X-Signature-Ed25519"], headers["X-Signature-Timestamp"], public))

    holds("discord", private, BODY, accepts)


@pytest.mark.sdk
@pytest.mark.parametrize("body", [BODY, BODY + b"\r\n"], ids=["as it is", "with the final CRLF"])
def test_sendgrid(body: bytes) -> None:
    sendgrid = pytest.importorskip("sendgrid")
    private, public = keygen(scheme_named("sendgrid").pair)
    webhook = sendgrid.EventWebhook(public)
    prefix = "X-Twilio-Email-Event-Webhook-"

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        signature, stamp = headers[f"{prefix}Signature"], headers[f"{prefix}Timestamp"]
        return bool(webhook.verify_signature(body.decode(), signature, stamp))

    holds("sendgrid", private, body, accepts)


@pytest.mark.sdk
def test_telnyx() -> None:
    pytest.importorskip("nacl")
    check = pytest.importorskip("telnyx.lib.webhook_verification").verify_webhook_signature
    private, public = keygen(scheme_named("telnyx").pair)
    holds("telnyx", private, BODY, lambda body, headers: check(body, headers, public))
