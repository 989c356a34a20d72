"""Secrets that travel as they are: what we send, checked by the providers' SDKs."""

from __future__ import annotations

import pytest

from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign
from whcli.words.event import Message
from whcli.words.secret import Secret

BODY = '{"object_kind":"push","text":"Zoë"}'.encode()


def headers_of(scheme: str, secret: str) -> dict[str, str]:
    message = Message(method="POST", url="https://example.com/hooks", headers=(), body=BODY)
    signed = sign(scheme_named(scheme), message, [Secret(value=secret.encode(), label="")], now=0, token="1")
    return {name.decode(): value.decode() for name, value in signed.headers}


@pytest.mark.sdk
def test_gidgetlab() -> None:
    sansio = pytest.importorskip("gidgetlab.sansio")
    failure = pytest.importorskip("gidgetlab.exceptions").ValidationFailure
    headers = {name.lower(): value for name, value in headers_of("gitlab", "hush").items()}
    headers["content-type"] = "application/json"
    assert sansio.Event.from_http(headers, BODY, secret="hush").event == "Push Hook"
    with pytest.raises(failure):
        sansio.Event.from_http(headers, BODY, secret="another")


@pytest.mark.sdk
def test_aiogram() -> None:
    aiogram = pytest.importorskip("aiogram")
    handler = pytest.importorskip("aiogram.webhook.aiohttp_server").SimpleRequestHandler
    bot = aiogram.Bot("42:TEST")
    checks = handler(aiogram.Dispatcher(), bot, secret_token="hush").verify_secret
    assert checks(headers_of("telegram", "hush")["X-Telegram-Bot-Api-Secret-Token"], bot)
    assert not checks(headers_of("telegram", "another")["X-Telegram-Bot-Api-Secret-Token"], bot)


@pytest.mark.sdk
def test_django_anymail_for_postmark() -> None:
    settings = pytest.importorskip("django.conf").settings
    if not settings.configured:
        settings.configure()
    basic_auth = pytest.importorskip("anymail.utils").get_request_basic_auth
    factory = pytest.importorskip("django.test").RequestFactory()
    sent = factory.post("/", headers=headers_of("postmark", "zoë:p:ss"))
    assert basic_auth(sent) == "zoë:p:ss"
