"""Senders that sign a timestamp or the URL with the body: what we sign, checked by their SDKs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from .judge import holds

SECRET = "hush-hush-secret"
URL = "https://example.com/hooks"  # the one that `holds` signs
BODY = '{"type":"order.paid","id":"evt_1","text":"Zoë"}'.encode()


@pytest.mark.sdk
@pytest.mark.parametrize("secret", [SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], ids=["words", "whsec_"])
def test_stripe(secret: str) -> None:
    webhook = pytest.importorskip("stripe").Webhook
    body = b'{"id":"evt_1","object":"event","type":"charge.succeeded"}'
    holds(
        "stripe", secret, body, lambda body, headers: webhook.construct_event(body, headers["Stripe-Signature"], secret)
    )


@pytest.mark.sdk
def test_slack_sdk() -> None:
    verifier = pytest.importorskip("slack_sdk.signature").SignatureVerifier(SECRET)
    holds("slack", SECRET, BODY, lambda body, headers: verifier.is_valid_request(body, headers))


@pytest.mark.sdk
def test_slack_sdk_of_a_slash_command() -> None:
    verifier = pytest.importorskip("slack_sdk.signature").SignatureVerifier(SECRET)
    form = b"command=%2Fweather&text=94070+%C3%A9&team_id=T0001"
    holds("slack", SECRET, form, lambda body, headers: verifier.is_valid_request(body, headers))


@pytest.mark.sdk
def test_workos() -> None:
    check = pytest.importorskip("workos.webhooks._verification").verify_header

    def accepts(body: bytes, headers: dict[str, str]) -> None:
        check(event_body=body, event_signature=headers["WorkOS-Signature"], secret=SECRET)

    holds("workos", SECRET, BODY, accepts)


@pytest.mark.sdk
def test_elevenlabs() -> None:
    client = pytest.importorskip("elevenlabs.client").ElevenLabs(api_key="none")

    def accepts(body: bytes, headers: dict[str, str]) -> None:
        client.webhooks.construct_event(body.decode(), headers["ElevenLabs-Signature"], SECRET)

    holds("elevenlabs", SECRET, BODY, accepts)


@pytest.mark.sdk
def test_paddle() -> None:
    notifications = pytest.importorskip("paddle_billing.Notifications")
    verifier, key = notifications.Verifier(), notifications.Secret(SECRET)

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        return bool(verifier.verify(SimpleNamespace(body=body, headers=headers), key))

    holds("paddle", SECRET, BODY, accepts)


@pytest.mark.sdk
def test_box_by_either_key() -> None:
    manager = pytest.importorskip("box_sdk_gen.managers.webhooks").WebhooksManager
    holds("box", SECRET, BODY, lambda body, headers: manager.validate_message(body.decode(), headers, SECRET))

    def by_the_second(body: bytes, headers: dict[str, str]) -> bool:
        moved = {name.replace("primary", "secondary"): value for name, value in headers.items()}
        return bool(manager.validate_message(body.decode(), moved, "another", secondary_key=SECRET))

    holds("box", SECRET, BODY, by_the_second)


@pytest.mark.sdk
def test_squareup() -> None:
    check = pytest.importorskip("square.utils.webhooks_helper").verify_signature

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        signature = headers["x-square-hmacsha256-signature"]
        return bool(
            check(request_body=body.decode(), signature_header=signature, signature_key=SECRET, notification_url=URL)
        )

    holds("square", SECRET, BODY, accepts)


@pytest.mark.sdk
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_hubspot(version: str) -> None:
    signature = pytest.importorskip("hubspot.utils.signature").Signature
    header = "X-HubSpot-Signature-v3" if version == "v3" else "X-HubSpot-Signature"

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        assert headers.get("X-HubSpot-Signature-Version", "v3") == version
        stamp = headers.get("X-HubSpot-Request-Timestamp")
        return bool(
            signature.is_valid(headers[header], SECRET, body.decode(), URL, "POST", version, stamp),
        )

    holds(f"hubspot-{version}", SECRET, BODY, accepts)


@pytest.mark.sdk
def test_twitchapi() -> None:
    webhook = pytest.importorskip("twitchAPI.eventsub.webhook").EventSubWebhook

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        async def text() -> str:
            return body.decode()

        request, server = SimpleNamespace(headers=headers, text=text), SimpleNamespace(secret=SECRET)
        return bool(asyncio.run(webhook._verify_signature(server, request)))

    holds("twitch", SECRET, BODY, accepts)


@pytest.mark.sdk
def test_cloudinary() -> None:
    cloudinary = pytest.importorskip("cloudinary")
    check = pytest.importorskip("cloudinary.utils").verify_notification_signature
    cloudinary.config(cloud_name="none", api_key="none", api_secret=SECRET)

    def accepts(body: bytes, headers: dict[str, str]) -> bool:
        return bool(check(body.decode(), headers["X-Cld-Timestamp"], headers["X-Cld-Signature"]))

    holds("cloudinary", SECRET, BODY, accepts)
