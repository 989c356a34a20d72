"""Headers that are a secret in themselves: whoever reads one can use it."""

from __future__ import annotations

from ..words.event import Headers
from .text import words

# Signatures are none: they hold for one body.
# Names from RFC 9110 and 6265, GitLab's "Webhooks" page, Telegram's setWebhook, Flutterwave v3, Google's push
# notifications (channel token), AWS SigV4's session token, Asana's and Shopify's handshakes; read 2026-11-23.
_CREDENTIALS = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"x-gitlab-token",
        b"x-telegram-bot-api-secret-token",
        b"verif-hash",
        b"x-goog-channel-token",
        b"x-goog-iap-jwt-assertion",
        b"x-amz-security-token",
        b"x-amzn-oidc-accesstoken",
        b"x-hook-secret",
        b"x-webhook-token",
        b"private-token",
        b"job-token",
        b"x-vault-token",
        b"x-auth-token",
        b"x-token",
        b"cf-access-jwt-assertion",
    }
)
_CREDENTIAL_ENDINGS = (
    b"api-key",
    b"apikey",
    b"-secret",
    b"-secret-token",
    b"-access-token",
    b"-auth-token",
    b"-api-token",
    b"-session-token",
    b"-csrf-token",
    b"-xsrf-token",
    b"-webhook-token",
    b"-verify-token",
    b"-verification-token",
    b"-bot-token",
    b"-auth",
    b"-auth-key",
    b"-secret-key",
    b"-access-key",
    b"password",
)


def is_credential(name: bytes) -> bool:
    """True for a header that is a secret in itself, such as `Authorization` or `X-Gitlab-Token`; any case."""
    lowered = name.lower()
    return lowered in _CREDENTIALS or lowered.endswith(_CREDENTIAL_ENDINGS)


def credentials(headers: Headers) -> list[str]:
    """Names of the headers that are a secret in themselves, as spelled, once each."""
    return list(dict.fromkeys(words(name) for name, _ in headers if is_credential(name)))
