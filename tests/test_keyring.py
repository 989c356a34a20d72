"""Which scheme, secret and URL an event gets: flags, routes, environment and file, in that order."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from whcli.hands.config import Config, load_config
from whcli.hands.keyring import Keyring, required
from whcli.rules.outgoing import replay_of
from whcli.rules.signatures.schemes import scheme_named
from whcli.words.errors import WrongUsage
from whcli.words.event import Event, every, first
from whcli.words.secret import Secret

NOW = 1_700_000_000
# printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
STRIPE = b"t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"


def event_of(
    *headers: tuple[bytes, bytes], target: bytes = b"/hooks", body: bytes = b'{"id":"evt_1"}', at: float = NOW
) -> Event:
    return Event(
        id=3, uid="u", received_at=at, method=b"POST", target=target, version="1.1", headers=headers, body=body
    )


STRIPE_EVENT = event_of((b"Host", b"h"), (b"stripe-SIGNATURE", STRIPE))


def values(secrets: tuple[Secret, ...]) -> list[bytes]:
    return [secret.value for secret in secrets]


def config_of(text: str) -> Config:
    Path("whcli.toml").write_text(text)
    return load_config()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLAG", "ROUTE", "FILE"):
        monkeypatch.setenv(name, name.lower())
    monkeypatch.setenv("WHCLI_SECRET_STRIPE", "environment")


ROUTED = """
[secrets]
github = "env:FILE"
stripe = "env:FILE"
[[routes]]
path = "/only-stripe"
scheme = "stripe"
secret = "env:ROUTE"
[[routes]]
path = "/any/*"
secret = "env:ROUTE"
[[routes]]
path = "/bare/*"
scheme = "github"
"""

ORDER = {
    "the flag beats a route": (["env:FLAG"], "stripe", "/only-stripe", [b"flag"]),
    "a route beats the environment": ([], "stripe", "/only-stripe", [b"route"]),
    "a route's secret is for its scheme alone": ([], "github", "/only-stripe", [b"file"]),
    "a route without a scheme is for every scheme": ([], "github", "/any/x", [b"route"]),
    "a route without a secret leaves it to the file": ([], "github", "/bare/x", [b"file"]),
    "the environment beats the file": ([], "stripe", "/", [b"environment"]),
    "the file": ([], "github", "/", [b"file"]),
    "nothing": ([], "slack", "/", []),
}


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(("given", "scheme", "path", "expected"), ORDER.values(), ids=ORDER.keys())
def test_whose_secret_it_is(given: list[str], scheme: str, path: str, expected: list[bytes]) -> None:
    assert values(Keyring(config_of(ROUTED), given=given).secrets(scheme, path)) == expected


@pytest.mark.usefixtures("secrets")
def test_secrets_that_came_in_a_handshake_stand_before_the_configured_ones() -> None:
    kept = Secret(value=b"kept", label="handshake")
    keyring = Keyring(config_of(ROUTED), kept=lambda scheme, path: [kept] if path == "/asana" else [])
    assert values(keyring.secrets("github", "/asana")) == [b"kept", b"file"]
    assert values(keyring.secrets("github", "/other")) == [b"file"]
    keyring.keep("github", "/asana", Secret(value=b"newest", label="handshake"))
    assert values(keyring.secrets("github", "/asana")) == [b"newest", b"kept", b"file"]
    assert values(keyring.secrets("github", "/")) == [b"file"]


@pytest.mark.usefixtures("secrets")
def test_whether_anything_is_known() -> None:
    keyring = Keyring(config_of(ROUTED))
    assert keyring.any_secret()
    assert [(row.name, secret.value) for row, secret in keyring.known()] == [
        ("github", b"file"),
        ("stripe", b"environment"),
    ]


def test_nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Keyring(Config()).any_secret()
    assert Keyring(Config()).known() == []
    monkeypatch.setenv("GIVEN", "x")
    assert Keyring(Config(), given=["env:GIVEN"]).any_secret()


def test_an_unknown_scheme_is_refused_at_once() -> None:
    with pytest.raises(WrongUsage) as caught:
        Keyring(Config(), scheme="gihtub")
    assert "github" in dict(caught.value.details)["did you mean"]


def test_what_is_recognised_and_what_a_flag_or_a_route_fixes() -> None:
    assert Keyring(Config()).recognise(STRIPE_EVENT).scheme == "stripe"
    assert Keyring(Config(), scheme="github").recognise(STRIPE_EVENT).scheme == "github"
    keyring = Keyring(config_of('[[routes]]\npath = "/hooks"\nscheme = "slack"'))
    assert keyring.recognise(STRIPE_EVENT).scheme == "slack"
    assert keyring.provider_of("/hooks") == "slack"
    assert keyring.provider_of("/other") is None
    assert Keyring(Config()).recognise(event_of()).scheme is None


VERDICTS = {
    "a good signature": ("whsec_test", NOW, "valid"),
    "another secret": ("whsec_other", NOW, "invalid"),
    "too late": ("whsec_test", NOW + 301, "stale"),
    "no secret": (None, NOW, "no_secret"),
}


@pytest.mark.parametrize(("secret", "now", "state"), VERDICTS.values(), ids=VERDICTS.keys())
def test_a_verdict(monkeypatch: pytest.MonkeyPatch, secret: str | None, now: int, state: str) -> None:
    if secret is not None:
        monkeypatch.setenv("WHCLI_SECRET_STRIPE", secret)
    assert Keyring(Config()).verdict(STRIPE_EVENT, "stripe", now=now).state == state


def test_without_a_scheme_the_verdict_is_unknown() -> None:
    verdict = Keyring(Config()).verdict(event_of(), None, now=NOW)
    assert (verdict.state, verdict.reason, verdict.ok) == ("unknown", "unknown_scheme", False)


def test_facts_are_as_of_the_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHCLI_SECRET_STRIPE", "whsec_test")
    facts = Keyring(Config()).facts(STRIPE_EVENT)
    assert (facts.provider, facts.scheme, facts.signature, facts.age) == ("stripe", "stripe", "valid", 0)


def test_whose_url_is_signed() -> None:
    config = config_of(
        '[listen]\npublic_url = "https://listen.example"\n'
        '[[routes]]\npath = "/a"\npublic_url = "https://route.example/x"'
    )
    at_route, elsewhere = event_of(target=b"/a?b=1"), event_of((b"Host", b"h:1"), target=b"/c?d")
    assert Keyring(config, public_url="https://flag.example").message(at_route).url == "https://flag.example/a?b=1"
    assert Keyring(config).message(at_route).url == "https://route.example/x?b=1"
    assert Keyring(config).message(elsewhere).url == "https://listen.example/c?d"
    assert Keyring(Config()).message(elsewhere).url == "http://h:1/c?d"
    assert Keyring(Config()).public_url(elsewhere) is None


# -- signed afresh --------------------------------------------------------------------------------------------------


def test_an_old_signature_gives_its_place_to_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHCLI_SECRET_STRIPE", "whsec_test")
    old = event_of((b"A", b"1"), (b"stripe-SIGNATURE", b"t=1,v1=ab"), (b"Stripe-Signature", b"t=2"), (b"B", b"2"))
    outgoing = replay_of(old, "http://localhost:3000")
    fresh = Keyring(Config()).resign(old, outgoing, scheme=None, now=NOW, token="0" * 32)
    assert (fresh.signed, fresh.note) == ("stripe", None)
    assert every(fresh.headers, b"Stripe-Signature") == [STRIPE]
    names = [name for name, _ in fresh.headers if name not in (b"Host", b"Content-Length")]
    assert names == [b"A", b"stripe-SIGNATURE", b"B"]
    assert fresh.body == old.body


def test_without_a_secret_the_old_bytes_go_out_and_the_note_says_what_to_set() -> None:
    outgoing = replay_of(STRIPE_EVENT, "http://localhost:3000")
    same = Keyring(Config()).resign(STRIPE_EVENT, outgoing, scheme=None, now=NOW, token="0")
    assert same.signed is None
    assert same.headers == outgoing.headers
    assert same.note is not None and "WHCLI_SECRET_STRIPE" in same.note


def test_what_is_not_recognised_goes_out_as_it_is() -> None:
    event = event_of((b"X", b"y"))
    outgoing = replay_of(event, "http://localhost:3000")
    assert Keyring(Config()).resign(event, outgoing, scheme=None, now=NOW, token="0") == outgoing


def test_a_forced_scheme_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    event = event_of((b"X", b"y"))
    outgoing = replay_of(event, "http://localhost:3000")
    with pytest.raises(WrongUsage) as caught:
        Keyring(Config()).resign(event, outgoing, scheme="stripe", now=NOW, token="0")
    assert caught.value.code == "no_secret"
    assert "WHCLI_SECRET_STRIPE" in caught.value.next
    monkeypatch.setenv("WHCLI_SECRET_STRIPE", "whsec_test")
    fresh = Keyring(Config()).resign(event, outgoing, scheme="stripe", now=NOW, token="0")
    assert first(fresh.headers, b"Stripe-Signature") == STRIPE


def test_a_secret_without_the_form_of_its_scheme_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "whsec_not*base64*at*all*k4n4ry"
    monkeypatch.setenv("WHCLI_SECRET_SVIX", canary)
    event = event_of((b"X", b"y"))
    with pytest.raises(WrongUsage) as caught:
        Keyring(Config()).resign(
            event, replay_of(event, "http://localhost:3000"), scheme="svix", now=NOW, token="0" * 32
        )
    assert caught.value.code == "secret_malformed"
    shown = f"{caught.value} {caught.value.details} {''.join(traceback.format_exception(caught.value))}"
    assert canary[6:] not in shown


def test_the_error_for_a_missing_secret_says_its_form_and_its_variable() -> None:
    with pytest.raises(WrongUsage) as caught:
        required(scheme_named("stripe"), ())
    assert "whsec_" in dict(caught.value.details)["its form"]
    assert "WHCLI_SECRET_STRIPE" in caught.value.next
    given = (Secret(value=b"x", label="x"),)
    assert required(scheme_named("stripe"), given) is given


def test_a_keyring_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    monkeypatch.setenv("WHCLI_SECRET_STRIPE", canary)
    keyring = Keyring(Config())
    keyring.secrets("stripe")
    assert canary[6:-4] not in f"{keyring!r} {keyring} {keyring.known()}"
