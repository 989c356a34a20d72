"""Senders that sign the raw body: what we sign, checked by their SDKs."""

from __future__ import annotations

import json

import pytest

from .judge import holds

SECRET = "hush-hush-secret"
BODY = '{"id":"evt_1","text":"Zoë"}'.encode()


@pytest.mark.sdk
@pytest.mark.parametrize(
    ("scheme", "header"),
    [
        ("github", "X-Hub-Signature-256"),
        ("github", "X-Hub-Signature"),
        ("github-sha1", "X-Hub-Signature"),
        ("gitea", "X-Hub-Signature-256"),
        ("bitbucket", "X-Hub-Signature"),
        ("jira", "X-Hub-Signature"),
        ("intercom", "X-Hub-Signature"),
    ],
)
def test_gidgethub(scheme: str, header: str) -> None:
    """It goes by the label, so it serves for all who sign as GitHub does or did."""
    sansio = pytest.importorskip("gidgethub.sansio")
    holds(
        scheme,
        SECRET,
        BODY,
        lambda body, headers: sansio.validate_event(body, signature=headers[header], secret=SECRET),
    )


@pytest.mark.sdk
def test_pywa() -> None:
    check = pytest.importorskip("pywa.utils").webhook_updates_validator
    holds("meta", SECRET, BODY, lambda body, headers: check(SECRET, body, headers["X-Hub-Signature-256"]))


@pytest.mark.sdk
def test_line_bot_sdk() -> None:
    validator = pytest.importorskip("linebot.v3.webhook").SignatureValidator(SECRET)
    holds("line", SECRET, BODY, lambda body, headers: validator.validate(body.decode(), headers["X-Line-Signature"]))


@pytest.mark.sdk
def test_razorpay() -> None:
    utility = pytest.importorskip("razorpay").Client(auth=("id", "secret")).utility
    holds(
        "razorpay",
        SECRET,
        BODY,
        lambda body, headers: utility.verify_webhook_signature(body.decode(), headers["X-Razorpay-Signature"], SECRET),
    )


@pytest.mark.sdk
def test_coinbase_commerce() -> None:
    webhook = pytest.importorskip("coinbase_commerce.webhook").Webhook
    holds(
        "coinbase-commerce",
        "30291a20-0bd1-4267-9b0f-e6e7b123c0bf",
        b'{"id":1,"event":{"id":"24934862","type":"charge:created"}}',
        lambda body, headers: webhook.construct_event(
            body.decode(), headers["X-CC-Webhook-Signature"], "30291a20-0bd1-4267-9b0f-e6e7b123c0bf"
        ),
    )


@pytest.mark.sdk
def test_gocardless_pro() -> None:
    parse = pytest.importorskip("gocardless_pro.webhooks").parse
    body = b'{"events":[],"meta":{"webhook_id":"WB1"}}'
    holds("gocardless", SECRET, body, lambda body, headers: parse(body.decode(), SECRET, headers["Webhook-Signature"]))


@pytest.mark.sdk
def test_mollie() -> None:
    validator = pytest.importorskip("mollie.utils.webhooks.signature_validator").SignatureValidator(["older", SECRET])
    holds(
        "mollie",
        SECRET,
        BODY,
        lambda body, headers: validator.validate_payload(body.decode(), headers["X-Mollie-Signature"]),
    )


@pytest.mark.sdk
def test_twitterwebhooks() -> None:
    adapter = pytest.importorskip("twitterwebhooks").TwitterWebhookAdapter(SECRET)
    adapter.on("error", lambda error: None)
    client = adapter.server.test_client()

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        reply = client.post("/webhooks/twitter", data=body, headers=headers, content_type="application/json")
        return bool(reply.status_code == 200)

    holds("x", SECRET, b'{"for_user_id":"1"}', accepts)


@pytest.mark.sdk
def test_pypaystack2() -> None:
    client = pytest.importorskip("pypaystack2").PaystackClient(secret_key="sk_test_1")
    holds(
        "paystack",
        "sk_test_1",
        BODY,
        lambda body, headers: client.is_verified_webhook_payload(body, headers["x-paystack-signature"]),
    )


@pytest.mark.sdk
def test_pyairtable() -> None:
    notification = pytest.importorskip("pyairtable.models.webhook").WebhookNotification
    body = b'{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2026-11-23T14:00:00.000Z"}'
    secret = "c2VjcmV0LWtleQ=="
    holds(
        "airtable",
        secret,
        body,
        lambda body, headers: notification.from_request(body.decode(), headers["X-Airtable-Content-MAC"], secret),
    )


@pytest.mark.sdk
@pytest.mark.parametrize("secret", [SECRET, "s\u00e9cret", "se\u0301cret"], ids=["ASCII", "composed", "decomposed"])
def test_easypost(secret: str) -> None:
    check = pytest.importorskip("easypost.util").validate_webhook
    holds("easypost", secret, BODY, lambda body, headers: check(body, headers, secret))


@pytest.mark.sdk
def test_adyen() -> None:
    check = pytest.importorskip("Adyen.util").is_valid_hmac_payload
    key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    holds("adyen-header", key, BODY, lambda body, headers: check(headers["HmacSignature"], key, body))


@pytest.mark.sdk
def test_anymail_for_mailersend() -> None:
    pytest.importorskip("anymail")
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
    from django.test import RequestFactory

    view = MailerSendTrackingWebhookView(signing_secret=SECRET)

    def accepts(body: bytes, headers: dict[str, str]) -> None:
        view.validate_request(RequestFactory().post("/", body, content_type="application/json", headers=headers))

    holds("mailersend", SECRET, json.dumps({"id": "evt_1"}).encode(), accepts)
