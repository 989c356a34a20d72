"""Standard Webhooks and its followers: what we sign, checked by their SDKs."""

from __future__ import annotations

import pytest

from .judge import holds

WHSEC = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"type":"order.paid","id":"evt_1","text":"Zoë"}'.encode()


@pytest.mark.sdk
@pytest.mark.parametrize("scheme", ["standardwebhooks", "gitlab-signing", "anthropic"])
def test_standardwebhooks(scheme: str) -> None:
    webhook = pytest.importorskip("standardwebhooks").Webhook(WHSEC)
    holds(scheme, WHSEC, BODY, lambda body, headers: webhook.verify(body, headers))


@pytest.mark.sdk
@pytest.mark.parametrize("scheme", ["svix", "resend", "clerk"])
def test_svix(scheme: str) -> None:
    webhook = pytest.importorskip("svix.webhooks").Webhook(WHSEC)
    holds(scheme, WHSEC, BODY, lambda body, headers: webhook.verify(body, headers))


@pytest.mark.sdk
@pytest.mark.parametrize("secret", [WHSEC, "hush-hush-secret"], ids=["base64 after whsec_", "text"])
def test_openai(secret: str) -> None:
    client = pytest.importorskip("openai").OpenAI(api_key="none", webhook_secret=secret)
    holds("openai", secret, BODY, lambda body, headers: client.webhooks.verify_signature(body, headers))


@pytest.mark.sdk
def test_anthropic() -> None:
    pytest.importorskip("standardwebhooks")
    client = pytest.importorskip("anthropic").Anthropic(api_key="none", webhook_key=WHSEC)
    holds("anthropic", WHSEC, BODY, lambda body, headers: client.beta.webhooks.unwrap(body.decode(), headers=headers))


@pytest.mark.sdk
@pytest.mark.parametrize(
    "secret", ["polar_whs_1", "hush hush", WHSEC], ids=["Polar's", "words", "one that looks base64"]
)
def test_polar(secret: str) -> None:
    polar = pytest.importorskip("polar.webhooks")
    known = frozenset({"order.paid"})
    holds("polar", secret, BODY, lambda body, headers: polar.validate_event(body, headers, secret, known, dict))


@pytest.mark.sdk
def test_resend() -> None:
    resend = pytest.importorskip("resend")

    def accepts(body: bytes, headers: dict[str, str]) -> object:
        bare = {name.removeprefix("svix-"): value for name, value in headers.items()}
        return resend.Webhooks.verify({"payload": body.decode(), "headers": bare, "webhook_secret": WHSEC})

    holds("resend", WHSEC, BODY, accepts)
