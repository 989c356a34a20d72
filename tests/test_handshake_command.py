"""`whcli handshake`: every provider's question to a handler that knows the answer, and to some that do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.listeners import listener_on
from tests.program import whcli
from tests.receivers import Receiver, closed_port
from whcli import cli
from whcli.hands.config import Config, load_config, variable
from whcli.hands.keyring import Keyring
from whcli.hands.listening.plan import ListenPlan
from whcli.rules.conduct.challenges import PLAYS, PROVIDERS
from whcli.rules.replies import Replies
from whcli.rules.signatures.keys import keygen
from whcli.words.event import Reply

# The providers of the table in the order of their pages; a handler must answer each.
ASKING = [
    *("slack", "meta", "strava", "x", "zoom", "discord", "microsoft-graph", "azure-event-grid", "cloudevents"),
    *("asana", "dropbox", "okta", "twitch", "aws-sns", "trello", "mandrill", "intercom", "notion", "monday"),
    *("braintree", "xero", "woocommerce", "figma", "mailchimp"),
]
CONTENT_WITH_200 = {"trello", "mandrill", "intercom", "notion", "woocommerce", "figma", "mailchimp", "aws-sns"}
SECRETS = {
    "slack": "8f742231b10e8888abcd99yyyzzz85a5",
    "x": "your_consumer_secret_here",
    "zoom": "zoom_secret_token",
    "discord": keygen("ed25519-hex").private,
    "twitch": "s3cre77890ab",
    "aws-sns": keygen("rsa-pem").private,
    "intercom": "client secret",
    "braintree": "integration_public_key:integration_private_key",
    "xero": "xero_webhook_key",
    "figma": "a passcode",
}
A_BARE_HEAD = ("trello", "intercom")  # whose HEAD could be anybody's: a route says whose
TOKEN = ("--verify-token", "env:TOKEN")
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret is set, and the verify token."""
    for scheme, value in SECRETS.items():
        monkeypatch.setenv(variable(scheme), value)
    monkeypatch.setenv("TOKEN", "meatyhamhock")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[str]:
    """A whcli listener that knows the same secrets; its URL."""
    config = Config(routes=tuple({"path": f"/hooks/{name}", "scheme": name} for name in A_BARE_HEAD))
    plan = ListenPlan(replies=Replies((Reply(status=204),)), keyring=Keyring(config), verify_token="meatyhamhock")
    with listener_on(tmp_path / "listening", plan) as port:
        yield f"http://127.0.0.1:{port}/hooks"


def play(provider: str, url: str, *more: str) -> tuple[int, str, str]:
    """The command, in this process: exit code, stdout, stderr."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = cli.run(["handshake", provider, "--to", url, *more])
    return code, out.getvalue(), err.getvalue()


def records(provider: str, url: str, *more: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, err = play(provider, url, *TOKEN, "--json", *more)
    assert err == ""
    return code, [json.loads(line) for line in out.splitlines()]


def test_every_provider_that_asks_can_be_played() -> None:
    assert list(PROVIDERS) == ASKING


@pytest.mark.parametrize("provider", ASKING)
def test_a_listener_with_the_secret_is_judged_right(listener: str, provider: str) -> None:
    code, out, err = play(provider, f"{listener}/{provider}", *TOKEN)
    assert (code, err) == (0, "")
    plays = [line for line in PLAYS if line.provider == provider]
    marks = [line for line in out.splitlines() if not line.startswith("  ↳ ")]
    assert [line.partition("   ")[0] for line in marks] == [f"✓ {provider}: {line.says}" for line in plays]
    assert "wanted" not in out and "sent unsigned" not in out
    assert "meatyhamhock" not in out


@pytest.mark.parametrize("provider", A_BARE_HEAD)
def test_a_listener_that_answers_204_to_a_head_of_nobody_in_particular_is_judged_wrong(
    listener: str, provider: str
) -> None:
    code, out, err = play(provider, listener)
    assert (code, err) == (1, "") and "  ↳ status: wanted 200" in out


@pytest.mark.parametrize("provider", ASKING)
def test_a_handler_that_always_answers_200_and_nothing_is_judged_as_the_provider_would(provider: str) -> None:
    with Receiver(EMPTY) as handler:
        code, told = records(provider, f"{handler.url}/hooks")
    assert code == (0 if provider in CONTENT_WITH_200 else 1)
    for line in told:
        assert line["ok"] is (line["differences"] == [])
        assert all({"field", "wanted", "got"} == set(each) for each in line["differences"])
    assert any(not line["ok"] for line in told) is (code == 1)


@pytest.mark.parametrize("provider", ASKING)
def test_a_handler_that_answers_404_is_judged_wrong_with_a_sentence(provider: str) -> None:
    with Receiver(MISSING) as handler:
        code, out, err = play(provider, f"{handler.url}/hooks", *TOKEN)
    assert (code, err) == (1, "")
    wrong = [line for line in out.splitlines() if line.startswith("✗ ")]
    assert wrong and all("→ 404" in line and f"{handler.url}/hooks" in line for line in wrong)
    assert "  ↳ status: wanted " in out or (provider == "cloudevents" and "wanted eventemitter.example.com" in out)


def test_the_answer_stands_beside_what_was_wanted() -> None:
    ok = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
    with Receiver(ok) as handler:
        code, out, _ = play("dropbox", handler.url)
    assert code == 1
    [line] = [line for line in out.splitlines() if line.startswith("  ↳ ")]
    assert line.startswith("  ↳ body: wanted ") and line.endswith(' as plain text, got {"ok":true} as JSON')


def test_control_bytes_of_an_answer_do_not_reach_the_terminal() -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\x1b[2J\x9b\x07ab"
    with Receiver(evil) as handler:
        _, out, _ = play("dropbox", handler.url)
    assert "\x1b" not in out and "\x9b" not in out and "\x07" not in out


def test_json_is_one_object_a_question(listener: str) -> None:
    code, told = records("meta", listener)
    assert code == 0 and [line["says"] for line in told] == [
        "hub.challenge with your verify token",
        "hub.challenge with a wrong verify token",
    ]
    assert told[1] == {
        "schema": "whcli.handshake/1",
        "provider": "meta",
        "says": "hub.challenge with a wrong verify token",
        "ok": True,
        "method": "GET",
        "url": listener,
        "status": 403,
        "error": None,
        "differences": [],
        "note": None,
        "then": None,
    }


def test_what_must_follow_is_said_where_it_cannot_be_seen(listener: str) -> None:
    code, out, _ = play("aws-sns", listener)
    assert code == 0 and "↳ then the handler must GET the SubscribeURL, which cannot be seen from here" in out
    assert records("aws-sns", listener)[1][0]["then"] == "GET the SubscribeURL"


def test_without_a_secret_what_can_go_out_unsigned_says_so(listener: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHCLI_SECRET_SLACK")
    code, out, _ = play("slack", listener)
    assert code == 0 and "  ↳ sent unsigned: no secret for slack is known" in out


@pytest.mark.parametrize("provider", ["x", "zoom", "discord", "braintree", "xero"])
def test_without_a_secret_that_the_answer_needs_nothing_is_sent(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable(provider))
    with Receiver(EMPTY) as handler:
        code, out, err = play(provider, handler.url)
        assert handler.requests == []
    assert (code, out) == (2, "") and f"{provider}'s handshake cannot be played without its secret" in err
    assert variable(provider) in err


def test_without_the_verify_token_nothing_is_sent() -> None:
    code, _, err = play("meta", "http://127.0.0.1:1")
    assert code == 2 and "--verify-token env:NAME" in err


def test_the_secret_of_a_route_is_that_of_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHCLI_SECRET_ZOOM")
    monkeypatch.setenv("ROUTED", "another zoom secret")
    (tmp_path / "whcli.toml").write_text('[[routes]]\npath = "/zoom/*"\nscheme = "zoom"\nsecret = "env:ROUTED"\n')
    plan = ListenPlan(replies=Replies((Reply(status=200),)), keyring=Keyring(load_config()))
    with listener_on(tmp_path / "listening", plan) as port:
        assert play("zoom", f"http://127.0.0.1:{port}/zoom/in")[0] == 0
        assert play("zoom", f"http://127.0.0.1:{port}/in")[0] == 2


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("slak", ("unknown provider 'slak'", "did you mean: 'slack'", "one of slack, meta, strava")),
        ("stripe", ("stripe asks nothing when a webhook is set up", "one of those that ask: slack, meta")),
    ],
    ids=["a name that is nearly right", "a provider that asks nothing"],
)
def test_a_provider_without_a_question_is_exit_2(provider: str, words: tuple[str, ...]) -> None:
    code, out, err = play(provider, "http://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert all(word in err for word in words), err


def test_a_handler_on_another_machine_is_not_asked_without_a_yes() -> None:
    code, out, err = play("slack", "http://192.0.2.1/hooks")
    assert (code, out) == (2, "") and "--yes" in err


def test_a_handler_that_cannot_be_reached_is_exit_5() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    code, out, _ = play("slack", url)
    assert code == 5 and out.startswith("✗ slack: url_verification") and "→ refused" in out
    code, told = records("meta", url)
    assert code == 5 and [line["status"] for line in told] == [None, None] and all(line["error"] for line in told)


def test_a_handler_that_is_too_slow_for_the_provider_is_exit_1() -> None:
    with Receiver(lambda connection, request: True) as handler:
        code, told = records("strava", handler.url)
    assert code == 1 and told[0]["ok"] is False and "2 s" in told[0]["error"]


def test_in_a_process_of_its_own(listener: str, tmp_path: Path) -> None:
    env = {"KEY": "zoom_secret_token"}
    done = whcli("handshake", "zoom", "--to", listener, "--secret", "env:KEY", folder=tmp_path, env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"✓ zoom: endpoint.url_validation   POST {listener}  → 200")
    env = {"KEY": "another secret"}
    done = whcli("handshake", "zoom", "--to", listener, "--secret", "env:KEY", folder=tmp_path, env=env)
    assert done.code == 1 and "body.encryptedToken: wanted " in done.out
