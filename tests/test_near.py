"""Did you mean: a wrong name brings the right one, wherever a name is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import whcli
from tests.test_look import store_with
from whcli.hands.config import Config
from whcli.hands.storing.store import Store
from whcli.rules.near import did_you_mean, meant, near, unknown
from whcli.words.errors import WrongUsage

TARGETS = """
[targets]
app = "http://localhost:3000/webhooks"
"""


def test_case_does_not_count_and_what_is_far_is_not_suggested() -> None:
    assert near("SLAK", ["slack", "Slacker", "stripe"])[0] == "slack"
    assert meant("lits", ["list", "lots"], "whcli ") == "'whcli lots' or 'whcli list'"
    assert did_you_mean("zzz", ["list"]) == ()
    error = unknown("fruit", "aple\x1b[2J", ["apple"], next="buy one")
    assert (error.message, error.next) == ("unknown fruit 'aple\\x1b[2J'", "buy one")


@given(st.text(), st.lists(st.text()))
def test_any_name_among_any_names(name: str, known: list[str]) -> None:
    assert set(near(name, known)) <= set(known)


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "a command": (("lsit",), "'list'"),
    "an option": (("list", "--provder", "x"), "--provider"),
    "a scheme": (("sign", "strpe"), "'stripe'"),
    "a scheme to verify with": (("verify", "1", "--scheme", "gihub"), "'github'"),
    "a scheme to explain": (("schemes", "show", "slak"), "'slack'"),
    "a scheme to sign afresh with": (("replay", "1", "--to", ":1", "--resign", "strip"), "'stripe'"),
    "a provider of samples": (("send", "gihub", "push", "--dry-run"), "'github'"),
    "a type of sample": (("send", "github", "psh", "--dry-run"), "'push'"),
    "a provider with a handshake": (("handshake", "slak", "--to", ":1"), "'slack'"),
    "a provider that tries again": (("replay", "1", "--to", ":1", "--retries", "shopfy"), "'shopify'"),
    "a target": (("send", "github", "push", "--to", "ap"), "'app'"),
    "a target of replay": (("replay", "1", "--to", "aap"), "'app'"),
    "a target of listen": (("listen", "--forward", "appp"), "'app'"),
    "a target of handshake": (("handshake", "slack", "--to", "ap"), "'app'"),
    "a help topic": (("help", "exit-code"), "'exit-codes'"),
    "a command to be helped with": (("help", "repaly"), "'replay'"),
    "a state of a signature": (("list", "--signature", "vald"), "'valid'"),
    "a choice of colour": (("list", "--color", "alway"), "'always'"),
    "a field": (("list", "--fields", "id,tipe"), "'type'"),
    "an object": (("schema", "evnt"), "'event'"),
    "a reference": (("show", "ltest"), "'latest'"),
    "a longer reference": (("show", "lastest"), "'latest'"),
}


@pytest.mark.parametrize(("arguments", "right"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_name_brings_the_right_one(tmp_path: Path, arguments: tuple[str, ...], right: str) -> None:
    (tmp_path / "whcli.toml").write_text(TARGETS)
    store_with(tmp_path, (b"/", b"{}"))
    done = whcli(*arguments, folder=tmp_path)
    assert done.code in (2, 3), done.err
    assert "did you mean: " in done.err and right in done.err


def test_a_key_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[listen]\nforwrd = "http://localhost"\n')
    assert "did you mean: 'listen.forward'" in whcli("listen", folder=tmp_path).err


def test_a_uid_with_a_slip_brings_that_of_an_event(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/", b"{}")] * 3)
    with Store(tmp_path / ".whcli") as store:
        uid = store.uids(1)[0]
    wrong = uid[:-1] + ("0" if uid[-1] != "0" else "1")
    done = whcli("show", wrong, folder=tmp_path)
    assert done.code == 3 and f"'{uid}'" in done.err


def test_a_number_that_is_not_there_brings_the_newest(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/", b"{}")] * 3)
    assert "the newest is: #3" in whcli("show", "42", folder=tmp_path).err


def test_a_filter_for_a_provider_that_nobody_is_gets_a_warning_and_no_error(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/", b"{}"))
    for arguments in (
        ("list",),
        ("wait", "--after", "0", "--count", "0", "--timeout", "0"),
        ("assert", "--count", "0"),
    ):
        done = whcli(*arguments, "--provider", "strpe", folder=tmp_path)
        assert done.code == 0 and done.out in ("", "✓ 0 events match\n")
        assert done.err == "warning: no provider is called 'strpe'; did you mean 'stripe'?\n"
    for known in ("stripe", "str*", "*"):
        assert whcli("list", "--provider", known, folder=tmp_path).err == ""


def test_a_provider_of_the_users_own_is_known(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/", b"{}"))
    (tmp_path / "whcli.toml").write_text('[schemes.acme]\nheader = "Acme-Signature"\n')
    assert whcli("list", "--provider", "acme", folder=tmp_path).err == ""
    assert "'acme'" in whcli("list", "--provider", "acm", folder=tmp_path).err


def test_a_machines_name_is_no_wrong_target() -> None:
    config = Config(targets={"app": "http://localhost:3000"})
    assert config.target("app") == "http://localhost:3000"
    for text in ("web", "localhost", "apps:3000", "http://ap", "3000", "10.0.0.1"):
        assert config.target(text) == text
    with pytest.raises(WrongUsage) as caught:
        config.target("ap")
    assert "http://ap " in caught.value.next
