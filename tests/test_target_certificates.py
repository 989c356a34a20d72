"""TLS to targets: checked by default, with `--ca` against one more authority, with `--insecure` not at all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.program import listening, until, whcli
from tests.receivers import Receiver, certificate
from tests.test_look import store_with
from tests.wire import ask, post
from whcli.hands.storing.store import Store


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture
def secure(pem: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with Receiver(tls=context) as receiver:
        yield receiver


COMMANDS = {
    "replay": ["replay", "1", "--to", "{url}"],
    "replay --compare-to": ["replay", "1", "--to", "{url}", "--compare-to", "{url}"],
    "replay --probe-url": ["replay", "1", "--to", "{plain}", "--duplicate", "2", "--probe-url", "{url}"],
    "send": ["send", "github", "push", "--to", "{url}"],
    "handshake": ["handshake", "slack", "--to", "{url}", "--secret", "env:SECRET"],
}
"""Every command that sends, and the exit code of an untrusted target is 5 (or 2, where a state cannot be asked)."""


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_an_unknown_certificate_is_refused_unless_the_user_says_so(
    tmp_path: Path, secure: Receiver, pem: Path, arguments: list[str]
) -> None:
    store_with(tmp_path, (b"/in", b"{}"))
    env = {"SECRET": "0123456789abcdef0123456789abcdef"}
    with Receiver() as plain:
        typed = [each.format(url=secure.url, plain=plain.url) for each in arguments]
        refused = whcli(*typed, folder=tmp_path, env=env)
        assert refused.code == 5 and "is not trusted here" in refused.out + refused.err
        assert secure.requests == []
        for flags in (["--ca", str(pem)], ["--insecure"]):
            count = len(secure.requests)
            taken = whcli(*typed, *flags, folder=tmp_path, env=env)
            assert taken.code in (0, 1) and "trusted" not in taken.out + taken.err
            assert len(secure.requests) > count


def test_a_handler_behind_tls_is_checked_too(tmp_path: Path, secure: Receiver, pem: Path) -> None:
    for number, (flags, failure) in enumerate([([], "tls"), (["--ca", str(pem)], None), (["--insecure"], None)], 1):
        with (
            listening("--forward", secure.url, *flags, folder=tmp_path) as listener,
            Store(tmp_path / ".whcli") as store,
        ):
            assert ask(listener.port, post(b"{}")).status == 200
            until(partial(store.deliveries, number))
            entry = store.entry(number)
        assert entry is not None and entry.last is not None
        assert (entry.last.failure, entry.last.ok) == (failure, failure is None)
        assert len(secure.requests) == number - 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [(["--ca", "no.pem", "--insecure"], "exclude each other"), (["--ca", "no.pem"], "there is no no.pem")],
    ids=["both", "a file that is not there"],
)
@pytest.mark.parametrize(
    "command",
    [["replay", "1"], ["send", "github", "push"], ["handshake", "slack", "--secret", "env:SECRET"], ["listen"]],
    ids=lambda command: command[0],
)
def test_flags_that_make_no_sense_are_refused_before_anything_is_sent(
    tmp_path: Path, command: list[str], flags: list[str], said: str
) -> None:
    store_with(tmp_path, (b"/in", b"{}"))
    with Receiver() as receiver:
        to = ["--forward" if command == ["listen"] else "--to", receiver.url]
        done = whcli(*command, *to, *flags, folder=tmp_path, env={"SECRET": "0123456789abcdef"})
        assert done.code == 2 and said in done.err
        assert receiver.connections == 0
