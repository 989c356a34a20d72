"""Colour, command by command: who decides, and that a pipe gets plain lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.receivers import Receiver
from tests.test_listen import STRIPE, post, signed
from whcli.cli import COMMANDS

ESCAPE = "\x1b["

RULES: dict[str, tuple[Mapping[str, str], tuple[str, ...], bool]] = {  # environment, flags, whether there is colour
    "a pipe": ({}, (), False),
    "FORCE_COLOR": ({"FORCE_COLOR": "1"}, (), True),
    "FORCE_COLOR=0 is off, and beats CLICOLOR_FORCE": ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, (), False),
    "NO_COLOR beats FORCE_COLOR": ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, (), False),
    "an empty NO_COLOR says nothing": ({"NO_COLOR": "", "FORCE_COLOR": "1"}, (), True),
    "CLICOLOR_FORCE beats CLICOLOR": ({"CLICOLOR_FORCE": "1", "CLICOLOR": "0"}, (), True),
    "--color always beats NO_COLOR": ({"NO_COLOR": "1"}, ("--color", "always"), True),
    "--color never beats FORCE_COLOR": ({"FORCE_COLOR": "1"}, ("--color=never",), False),
}

SHOWN: dict[str, tuple[str, ...]] = {  # what prints colour, with the store of `captured`
    "list": ("list",),
    "show": ("show", "1"),
    "diff": ("diff", "1", "2"),
    "verify": ("verify", "2"),
    "wait": ("wait", "--after", "0", "--count", "2"),
    "wait, in vain": ("wait", "--after", "0", "--type", "none", "--timeout", "0"),
    "assert": ("assert", "--count", "7"),
    "replay": ("replay", "1", "--to", "HANDLER"),
    "send": ("send", "github", "push", "--to", "HANDLER"),
    "send --dry-run": ("send", "github", "push", "--dry-run"),
    "send --list": ("send", "github", "--list"),
    "handshake": ("handshake", "slack", "--to", "HANDLER", "--secret", "env:WHCLI_SECRET_STRIPE"),
    "schemes": ("schemes", "list"),
    "schemes show": ("schemes", "show", "stripe"),
    "schema": ("schema",),
    "doctor": ("doctor",),
    "store info": ("store", "info"),
    "demo": ("demo",),
    "a mistake": ("show", "42"),
    "a mistake in the flags": ("list", "--since", "soon"),
}
PLAIN = {  # commands without a colour of their own: exact bytes, files, one word
    *("sign", "export", "import", "fixtures", "rm", "completion", "help", "listen", "test", "tls"),
}
"""`listen` and `test` have their own tests below and in tests/test_test_command.py."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two events, one of which is not what was signed."""
    folder = tmp_path_factory.mktemp("project")
    with listening("--count", "2", folder=folder, env=STRIPE) as listener:
        headers = signed(folder)
        post(listener.url + "/hooks", headers=headers)
        post(listener.url + "/hooks", b'{"id":"evt_1","type":"charge.failed"}', headers=headers)
        listener.wait()
    return folder


def test_every_command_is_in_one_of_the_tables() -> None:
    assert {words[0] for words in SHOWN.values()} | PLAIN >= set(COMMANDS)


@pytest.mark.parametrize("rule", RULES)
def test_one_rule_for_all_that_is_shown(project: Path, rule: str) -> None:
    environment, flags, colour = RULES[rule]
    few = {name: SHOWN[name] for name in ("list", "show", "a mistake")}
    shown = SHOWN if rule in ("a pipe", "FORCE_COLOR", "--color never beats FORCE_COLOR") else few
    with Receiver() as handler:
        for name, words in shown.items():
            given = [handler.url if word == "HANDLER" else word for word in words]
            done = whcli(*given, *flags, folder=project, env={**STRIPE, **environment})
            both = done.out + done.err
            assert (ESCAPE in both) == colour, f"{name}: {both[:300]!r}"


def test_a_mistake_in_a_choice_of_colour_takes_the_environments(project: Path) -> None:
    done = whcli("list", "--color", "blue", folder=project, env={"FORCE_COLOR": "1"})
    assert done.code == 2 and ESCAPE in done.err


@pytest.mark.parametrize("rule", RULES)
def test_listen_keeps_the_same_rule(tmp_path: Path, rule: str) -> None:
    environment, flags, colour = RULES[rule]
    with listening("--count", "1", *flags, folder=tmp_path, env={**STRIPE, **environment}) as listener:
        post(listener.url, headers=signed(tmp_path))
        done = listener.wait()
    assert (ESCAPE in done.out) == colour
    assert re.sub(r"\x1b\[[0-9;]*m", "", done.out).split()[1:4] == ["#1", "POST", "/"]


def test_json_and_exact_bytes_never_have_colour(project: Path) -> None:
    env = {**STRIPE, "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
    for words in (
        ("list", "--json"),
        ("list", "--fields", "id,type"),
        ("list", "--cursor"),
        ("show", "1", "--json"),
        ("show", "1", "--raw"),
        ("show", "1", "--body"),
        ("assert", "--json"),
        ("wait", "--after", "0", "--json"),
        ("completion", "bash"),
        ("__complete", "sh"),
    ):
        assert ESCAPE not in whcli(*words, folder=project, env=env).out, words


def test_in_a_pipe_a_line_is_an_event_and_nothing_is_cut(project: Path) -> None:
    lines = whcli("list", folder=project, env={"COLUMNS": "20"}).out.splitlines()
    assert len(lines) == 3 and lines[1].split()[:1] == ["1"] and "charge.succeeded" in lines[1]


# -- fields ---------------------------------------------------------------------------------------------------------


def test_fields_are_a_line_an_event_with_tabs_between_and_no_heads_in_a_pipe(project: Path) -> None:
    done = whcli("list", "--fields", "id,type,attempt,signature", folder=project)
    assert done.out.splitlines() == ["1\tcharge.succeeded\t\tvalid", "2\tcharge.failed\t\tinvalid"]
    assert whcli("list", "--fields", " id , method ", "-n", "1", folder=project).out == "2\tPOST\n"


def test_fields_hold_no_tab_and_no_line_end_of_a_stranger(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url, b'{"type":"a\\tb\\nc","id":"evt_1","object":"event"}', {"Stripe-Signature": "t=1,v1=0"})
        listener.wait()
    assert whcli("list", "--fields", "id,type", folder=tmp_path).out == "1\ta\\x09b\\x0ac\n"


def test_every_field_can_be_asked_for(project: Path) -> None:
    from whcli.rules.fields import FIELDS

    done = whcli("list", "--fields", ",".join(FIELDS), "-n", "1", folder=project)
    values = dict(zip(FIELDS, done.out.rstrip("\n").split("\t"), strict=True))
    assert values["id"] == "2" and values["path"] == "/hooks" and values["reply"] == "200"
    assert values["duplicate_of"] == "1" and values["scheme"] == "stripe" and values["reason"] == "no_match"
