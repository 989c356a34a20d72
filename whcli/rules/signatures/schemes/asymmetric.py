"""Schemes in which the provider signs with a private key and everybody checks with the public one."""

from __future__ import annotations

from ..scheme import Clock, Scheme

READ = "2026-11-23"
SIGNS = "to sign, a private key of your own (`whcli schemes keygen`) whose public half your handler knows"

ROWS = (
    Scheme(
        name="discord",
        provider="discord",
        title="Discord interactions and webhook events",
        source="https://docs.discord.com/developers/interactions/overview; discord-interactions (0.4.0)",
        read=READ,
        secret_form=f"the application's public key, 64 hexadecimal characters; {SIGNS}",
        header="X-Signature-Ed25519",
        algorithm="ed25519",
        content="{ts}{body}",
        pair="ed25519-hex",
        clock=Clock(header="X-Signature-Timestamp", tolerance=None, future=None),
        notes=("no age is checked", "Discord sends wrong signatures on purpose: the handler has to answer 401"),
    ),
    Scheme(
        name="sendgrid",
        provider="sendgrid",
        title="SendGrid event webhook",
        source="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/"
        "getting-started-event-webhook-security-features; sendgrid sendgrid/helpers/eventwebhook (6.12.5)",
        read=READ,
        secret_form=f"the verification key: base64 of a P-256 public key in DER, without armour; {SIGNS}",
        header="X-Twilio-Email-Event-Webhook-Signature",
        algorithm="ecdsa-p256",
        content="{ts}{body}",
        digest="base64",
        pair="p256-der",
        clock=Clock(header="X-Twilio-Email-Event-Webhook-Timestamp", tolerance=None, future=None),
        notes=("the body often ends in CR LF, which is signed", "no age is checked"),
    ),
    Scheme(
        name="telnyx",
        provider="telnyx",
        title="Telnyx",
        source="https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks; "
        "telnyx telnyx/lib/webhook_verification.py (4.189.0)",
        read=READ,
        secret_form=f"the account's public key, base64 of 32 bytes; {SIGNS}",
        header="telnyx-signature-ed25519",
        algorithm="ed25519",
        content="{ts}|{body}",
        digest="base64",
        pair="ed25519-base64",
        clock=Clock(header="telnyx-timestamp", tolerance=300, future=300),
    ),
)
