"""Every sample event: captured, exported redacted, imported elsewhere, replayed; and the receiver verifies it.

Nothing is shared between the two sides but the test secrets, which `whcli fixtures secret` prints for the handler.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.listeners import Seen, listener_on
from tests.program import until, whcli
from tests.receivers import Receiver
from tests.test_resign_all import secrets_of
from tests.test_send import ALL
from whcli.cli import run
from whcli.hands.config import load_config, variable
from whcli.hands.keyring import Keyring
from whcli.hands.listening.plan import ListenPlan
from whcli.rules.recognition.providers import BY_NAME
from whcli.rules.replies import Replies
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.testsecrets import secret_for_tests
from whcli.words.event import Reply

SCHEMES = sorted({BY_NAME[sample.provider].schemes[0] for sample in ALL})


def plan() -> ListenPlan:
    """A listener that verifies with the secrets that the environment holds now."""
    keyring = Keyring(load_config())
    assert keyring.known() is not None
    return ListenPlan(replies=Replies((Reply(status=200),)), keyring=keyring)


def test_every_sample_goes_the_whole_way_and_verifies_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for scheme in SCHEMES:
        monkeypatch.setenv(variable(scheme), secrets_of(scheme)[1])
    first = Seen()
    with listener_on(tmp_path / "one", plan(), first) as port:
        for sample in ALL:
            to = f"http://127.0.0.1:{port}/{sample.provider}"
            assert run(["send", sample.provider, sample.type, "--to", to, "--json"]) == 0, capsys.readouterr()
        until(lambda: len(first.entries) >= len(ALL))
    assert {entry.facts.signature for entry in first.entries} == {"valid"}
    assert run(["export", "all", "-o", "hooks", "--store", "one"]) == 0
    for scheme in SCHEMES:
        monkeypatch.delenv(variable(scheme))
    files = sorted(str(path) for path in (tmp_path / "hooks").iterdir())
    assert len(files) == len(ALL) == 123
    capsys.readouterr()
    assert run(["fixtures", "check", "hooks"]) == 0, capsys.readouterr().out
    assert run(["import", *files, "--store", "two"]) == 0
    for scheme in SCHEMES:
        row = scheme_named(scheme)
        monkeypatch.setenv(variable(scheme), secret_for_tests(row).receiving)
    second, plan_of_receiver = Seen(), plan()
    list(map(plan_of_receiver.keyring.secrets, SCHEMES))  # read while the environment has them: the replay has none
    for scheme in SCHEMES:
        monkeypatch.delenv(variable(scheme))
    capsys.readouterr()
    with listener_on(tmp_path / "three", replace(plan_of_receiver), second) as port:
        assert run(["replay", "all", "--to", f"http://127.0.0.1:{port}", "--json", "--store", "two"]) == 0
        until(lambda: len(second.entries) >= len(ALL))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(line["signed"] for line in told if line["schema"] == "whcli.delivery/1")
    arrived = [entry.facts for entry in sorted(second.entries, key=lambda entry: entry.id)]
    assert [(facts.provider, facts.type, facts.signature) for facts in arrived] == [
        (sample.provider, sample.seen_as, "valid") for sample in ALL
    ]


HOOK = """{
  "schema": "whcli.fixture/1", "uid": "x", "received_at": "2026-01-01T00:00:00Z", "redacted": true, "method": "POST",
  "target": "/", "headers": [["Stripe-Signature", "t=1,v1=whcli-redacted"]], "body_json": {"id": "evt_1"}
}"""


def test_one_line_of_a_replay_says_which_secret_it_was_and_what_the_handler_needs(tmp_path: Path) -> None:
    (tmp_path / "hook.json").write_text(HOOK)
    with Receiver() as handler:
        done = whcli("replay", "hook.json", "--to", handler.url, folder=tmp_path)
        mine = whcli(
            "replay", "hook.json", "--to", handler.url, folder=tmp_path, env={"WHCLI_SECRET_STRIPE": "whsec_a"}
        )
    said = "signed with the test secret: `whcli fixtures secret stripe` prints what your handler needs"
    assert done.code == 0 and done.out.count(said) == 1 and "re-signed stripe" in done.out
    assert mine.code == 0 and "test secret" not in mine.out and "re-signed stripe" in mine.out
    secret = whcli("fixtures", "secret", "stripe", folder=tmp_path).out.strip()
    assert secret == "whcli-test-secret-not-for-production"


def test_verify_says_that_a_redacted_signature_is_none(tmp_path: Path) -> None:
    (tmp_path / "hook.json").write_text(HOOK)
    env = {"WHCLI_SECRET_STRIPE": "whsec_a"}
    done = whcli("verify", "hook.json", folder=tmp_path, env=env)
    assert done.code == 1 and "replaced when this event was exported" in done.out and "whcli replay" in done.out
    [line] = whcli("verify", "hook.json", "--json", folder=tmp_path, env=env).lines
    assert (line["state"], line["reason"], line["ok"]) == ("unknown", "redacted", False)
