"""Every command over every hostile payload in every field: nothing acts on a terminal, in a pipe, in JSON.

`STORED` and `TYPED` hold what is run for each command; a new command fails here until it has its rows.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, product
from pathlib import Path

import pytest

from tests.hostile.payloads import PAYLOADS, RICH, SHORT, acts, in_field
from tests.program import environment, until
from tests.receivers import Receiver
from tests.terminal import OURS, terminal
from tests.wire import ask, post
from whcli.cli import COMMANDS, run
from whcli.hands.storing.store import Store
from whcli.rules.archive import event_json, line
from whcli.words.event import Arrival, Delivery, Facts, Reply

SECRET = "0123456789abcdef0123456789abcdef"

Row = tuple[str, ...]

STORED: dict[str, list[Row]] = {
    "list": [("-n", "1000"), ("-n", "1000", "--where", "body != `1`")],
    "show": [("{id}",), ("{id}", "--full", "--reveal"), ("{file}",), ("{id}", "--curl")],
    "diff": [("{id}", "{next}"), ("{file}", "{next}")],
    "verify": [
        ("{id}", "--scheme", "github", "--secret", "env:S"),
        ("{file}", "--scheme", "github", "--secret", "env:S", "--received-body", "{body}"),
    ],
    "replay": [
        ("all", "--to", "{url}"),
        ("all", "--to", "{url}", "--compare-to", "{url}"),
        ("all", "--to", "http://localhost:1"),
        ("{file}", "--dry-run"),
    ],
    "sign": [("github", "--secret", "env:S", "--body-file", "{body}", "--curl", "--url", "http://localhost/")],
    "send": [
        ("github", "push", "--to", "{url}", "--body-file", "{body}"),
        ("github", "push", "--dry-run", "--body-file", "{body}"),
    ],
    "handshake": [("slack", "--to", "{url}", "--secret", "env:S")],
    "test": [("{file}", "--to", "{url}"), ("{file}", "-v", "--to", "http://localhost:1")],
    "export": [
        ("{id}", "-o", "out", "--force"),
        ("{file}", "-o", "{copy}", "--format", "har", "--no-redact", "--force"),
    ],
    "import": [("{file}",), ("{body}",)],
    "fixtures": [("check", "{file}"), ("check", "{body}")],
    "doctor": [("--full",)],
    "wait": [("--timeout", "1ms", "--count", "1000"), ("--timeout", "1ms", "--type", "no such")],
    "assert": [("--count", "0"), ("--signed",), ("--ordered", "a,b", "--no-duplicates"), ("--type", "no such")],
}
"""Commands that look at what was captured, at files, or at what a target answers; `{id}` is an event full of a payload,
`{file}` the same as a file, `{body}` a file with its body, `{url}` a target that answers with it."""

TYPED: dict[str, list[Row]] = {
    "list": [("--where={word}[",), ("--since={word}",), ("--signature={word}",), ("--type={word}",)],
    "show": [("{word}",), ("./{word}",)],
    "diff": [("{word}", "1")],
    "replay": [
        ("1", "--to", "{word}"),
        ("1", "--to", "http://localhost:1/{word}"),
        ("1", "--to", "http://localhost:1", "--set", "{word}"),
        ("1", "--to", "http://localhost:1", "--set", "headers.X-A={word}", "--set", "body.a={word}"),
        ("{word}",),
    ],
    "send": [
        ("{word}", "push"),
        ("github", "{word}"),
        ("github", "push", "--to", "http://h/{word}"),
        ("github", "push", "--dry-run", "--set", "body.ref={word}", "-H", "X-A: {word}"),
    ],
    "sign": [("{word}",), ("github", "--secret", "env:{word}"), ("github", "--secret", "env:S", "-H", "{word}")],
    "verify": [("{word}",), ("--scheme", "{word}")],
    "schemes": [("show", "{word}"), ("keygen", "{word}")],
    "handshake": [("{word}", "--to", "http://localhost:1"), ("slack", "--to", "{word}", "--secret", "env:S")],
    "rm": [("{word}",), ("{word}", "--yes")],
    "store": [("info", "--store", "{word}"), ("backup", "no-such-folder/{word}"), ("{word}",)],
    "listen": [("--forward", "{word}"), ("--reply", "{word}"), ("--reply-header", "{word}"), ("--max-body={word}",)],
    "test": [
        ("{word}", "--to", "http://localhost:1"),
        ("event.json", "--to", "{word}"),
        ("event.json", "-k", "{word}"),
    ],
    "export": [
        ("{word}",),
        ("1", "-o", "no-such-folder/{word}"),
        ("1", "--format", "{word}"),
        ("1", "--redact", "{word}"),
    ],
    "import": [("{word}",)],
    "fixtures": [("check", "{word}"), ("secret", "{word}"), ("{word}",)],
    "doctor": [("--store", "{word}")],
    "wait": [("--where={word}[",), ("--type={word}", "--timeout", "1ms"), ("--timeout={word}",)],
    "assert": [("--where={word}[",), ("--type={word}",), ("--ordered={word}",)],
    "tls": [("{word}",), ("info", "--store", "{word}"), ("trust", "--store", "{word}")],
    "schema": [("{word}",)],
    "completion": [("{word}",)],
    "demo": [("--{word}",)],
    "help": [("{word}",)],
}
"""What a user types, or pastes: it comes back in an error's text."""

LIVE = {"listen"}
"""Commands with a test of their own below."""
NOTHING_FROM_OUTSIDE = {"tls", "demo", "schema", "completion", "help", "schemes", "rm", "store"}
"""Commands that show no byte of an event, a target or a file."""


def test_every_command_has_its_rows() -> None:
    assert STORED.keys() | LIVE | NOTHING_FROM_OUTSIDE == COMMANDS.keys()
    assert TYPED.keys() == COMMANDS.keys()
    assert len(PAYLOADS) >= 60 and len(SHORT) >= 60 and len(set(RICH)) >= 20


# -- a store full of them ---------------------------------------------------------------------------------------------


def arrival(payload: bytes) -> Arrival:
    """A request with the payload wherever a listener, ours or a laxer one, could have taken it."""
    word = payload.translate(None, bytes(range(0x21)) + b"\x7f")[:500] or b"x"
    method = re.sub(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]", b"", payload)[:60] or b"POST"
    name = re.sub(rb"[\x00-\x20:\x7f]", b"", payload)[:100] or b"X"
    value = in_field(payload)[:2_000]
    lines = [b"Host: h", b"X-GitHub-Event: " + value, b"X-GitHub-Delivery: " + value, b"Authorization: " + value]
    lines += [b"X-Hub-Signature-256: " + value, b"Content-Type: " + value, name + b": " + value]
    head = b"\r\n".join([method + b" /" + word + b"?q=" + word + b" HTTP/1.1", *lines, b"", b""])
    trailers = ((name, value),)
    return Arrival(1.7e9, head, method, b"/" + word + b"?q=" + word, payload, trailers, "127.0.0.1:1")


def answer(payload: bytes, status: int) -> Reply:
    return Reply(status=status, headers=((b"Location", in_field(payload)[:500]),), body=payload[:5_000], reason="No")


def filled(path: Path) -> Path:
    """A store with an event for every payload; facts, deliveries, replies and errors full of it."""
    with Store(path, create=True) as store:
        ids = store.add([arrival(each) for each in PAYLOADS.values()])
        for id, payload in zip(ids, PAYLOADS.values(), strict=True):
            word = payload[:1_000].decode("utf-8", "surrogateescape")
            sent = word.encode("utf-8", "replace").decode()
            event = store.event(id)
            assert event is not None
            if id % 2:
                facts = {"provider": word, "type": word, "delivery_id": word, "reason": word}
                store.note([(event, Facts(scheme="github", signature="invalid", **facts))])  # type: ignore[arg-type]
            for reply in (None, answer(payload, 500)):
                told = (None, None) if reply else ("refused", sent)
                store.add_delivery(
                    Delivery(
                        event_id=id,
                        kind="replay",
                        sent_at=1.7e9,
                        method=b"POST",
                        url=f"http://localhost/{sent}",
                        reply=reply,
                        failure=told[0],
                        error=told[1],
                    )
                )
    return path


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("hostile") / ".whcli")


@pytest.fixture(scope="module")
def target() -> Iterator[Receiver]:
    """A target that answers with each of the payloads in turn: in header values and in the body."""
    turns = cycle(product((500, 302, 400), PAYLOADS.values()))

    def talk(connection: socket.socket, _: bytes) -> bool:
        status, payload = next(turns)
        value, body = in_field(payload)[:500].replace(b"\x7f", b""), payload[:100_000]
        names = b"Location", b"Content-Type", b"X-Slack-No-Retry", b"X-Hook-Secret"
        head = b"".join(b"%b: %b\r\n" % (name, value) for name in names)
        connection.sendall(b"HTTP/1.1 %d No\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body))
        return True

    with Receiver(talk) as receiver:
        yield receiver


LARGE = 10_000  # bytes; more than sixty payloads are smaller, and the others are for whoever prints a body
AT_ONCE = 10  # payloads that are typed in one argument


def typed() -> list[str]:
    """The payloads as arguments, some in each: without NUL, and none begins as a flag does."""
    each = [payload[:300].replace(b"\x00", b"").lstrip(b"-") or b"x" for payload in SHORT.values()]
    return [b" ".join(each[n::AT_ONCE]).decode("utf-8", "surrogateescape") for n in range(AT_ONCE)]


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", SECRET)
    monkeypatch.setenv("WHCLI_PAGER", "")
    monkeypatch.setenv("TERM", "xterm-256color")


def tried(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command into a pipe, for JSON, and on a terminal; nothing acts, JSON is ASCII, nothing is a bug of ours."""
    for more in ((), ("--json",)):
        code = run([*arguments, *more])
        out, err = capsys.readouterr()
        assert code != 70, (arguments, err)
        assert not acts(OURS.sub("", out + err), keep="\n\t"), arguments
        if more:
            assert all(each.isascii() and each.isprintable() and json.loads(each) for each in out.splitlines()), (
                arguments
            )
    with terminal() as screen:
        code = run(arguments)
    text = screen.take()
    assert code != 70, arguments
    assert not acts(text, keep="\n\t"), arguments


def rows_of(table: dict[str, list[Row]]) -> list[object]:
    return [
        pytest.param((command, *row), id=f"{command} {' '.join(row)}") for command in table for row in table[command]
    ]


@pytest.mark.parametrize("row", rows_of(STORED))
def test_what_was_captured_or_answered_acts_nowhere(
    row: Row, full: Path, tmp_path: Path, target: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the payloads in method, target, header names and values, body, id, type, replies and error texts."""
    folder = tmp_path / ".whcli"
    shutil.copytree(full, folder)
    copy = tmp_path / "copy.har"
    files = {"copy": str(copy), "file": str(tmp_path / "event.json"), "body": str(tmp_path / "body"), "url": target.url}
    done: set[tuple[str, ...]] = set()
    with Store(folder) as store:
        for id, payload in enumerate(PAYLOADS.values(), 1):
            if len(payload) > LARGE and row[0] not in ("show", "diff"):
                continue
            event = store.event(id)
            assert event is not None
            (tmp_path / "event.json").write_text(line(event_json(event)))
            (tmp_path / "body").write_bytes(payload)
            arguments = tuple(each.format(id=id, next=id % len(PAYLOADS) + 1, **files) for each in row)
            if arguments not in done or any(name in " ".join(row) for name in ("{file}", "{body}", "{url}")):
                tried([*arguments], capsys)
            done.add(arguments)
            if row[1] == "all":
                return


@pytest.mark.parametrize("row", rows_of(TYPED))
def test_what_was_typed_acts_nowhere(row: Row, tmp_path: Path, full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(full, tmp_path / ".whcli")
    for word in typed():
        tried([each.format(word=word) for each in row], capsys)


def test_nor_does_a_command_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    for word in typed():
        tried([word], capsys)
        tried(["list", f"--{word}"], capsys)


def test_nor_does_the_name_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store's folder, with what a checkout's name can hold; and damaged files in it."""
    for number, word in enumerate(typed()):
        place = tmp_path / f"{number}{word.replace('/', '')[:80]}"
        place.mkdir()
        monkeypatch.chdir(place)
        tried(["list"], capsys)
        tried(["listen", "--port", "0", "--count", "1", "--timeout", "1ms"], capsys)
        tried(["store", "info"], capsys)
        (place / ".whcli" / "store.db").write_bytes(b"no database")
        tried(["store", "info"], capsys)
        (place / "whcli.toml").write_text("[no]\n")
        tried(["listen"], capsys)


def toml(text: str) -> str:
    """A text as a TOML string."""
    return json.dumps(text.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007f")


CONFIGS = [
    "{text} = 1",
    "[listen]\n{text} = 1",
    "[listen]\nforward = {text}",
    "[secrets]\nstripe = {text}",
    "[secrets]\nstripe = {reference}",
    "[targets]\n{text} = {text}",
    "[[routes]]\npath = {text}\nscheme = {text}",
    "[schemes.{text}]\nheader = {text}",
    "[schemes.x]\nheader = {text}\ncontent = {text}\nlayout = {text}",
    "[send]\nsamples = {text}",
    "# {raw}\nx",
]


@pytest.mark.parametrize("config", CONFIGS)
def test_nor_does_a_configuration_that_came_with_a_checkout(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in [*typed(), "a\0b", "~nobody-of-that-name/x", "x" * 5_000]:
        written = config.replace("{text}", toml(word)).replace("{reference}", toml(f"file:{word}"))
        written = written.replace("{raw}", word.encode("utf-8", "replace").decode().replace("\n", ""))
        (tmp_path / "whcli.toml").write_text(written)
        for arguments in (
            ["listen", "--port", "0", "--count", "1", "--timeout", "1ms"],
            ["send", "stripe", "charge.succeeded", "--to", "x"],
            ["verify", "--scheme", "x"],
            ["schemes", "show", "x"],
        ):
            code = run(arguments)
            out, err = capsys.readouterr()
            assert code != 70, err
            assert not acts(OURS.sub("", out + err), keep="\n\t"), written


@pytest.mark.parametrize("form", ["--raw", "--body", "--headers"])
def test_exact_bytes_are_refused_on_a_terminal_where_they_would_act(form: str, full: Path, tmp_path: Path) -> None:
    shutil.copytree(full, tmp_path / ".whcli")
    for id in range(1, len(PAYLOADS) + 1):
        with terminal() as screen:
            assert run(["show", str(id), form]) in (0, 2)
        assert not acts(screen.take(), keep="\n\t\r")


# -- markup -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", RICH)
def test_markup_is_text(text: str, tmp_path: Path) -> None:
    """Neither style nor link nor exception, in a body as JSON and as text, in a header, in a target's answer."""
    with Store(tmp_path / ".whcli", create=True) as store:
        head = f"POST /x HTTP/1.1\r\nX-A: {text}\r\n\r\n".encode()
        store.add([Arrival(1.7e9, head, b"POST", b"/x", json.dumps({"a": text}).encode(), (), None)])
        store.add([Arrival(1.7e9, head, b"POST", b"/x", text.encode(), (), None)])
    with Receiver(b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text.encode())) as receiver:
        for arguments, times in (
            (["show", "1"], 1),
            (["show", "2"], 2),
            (["diff", "1", "2"], 1),
            (["replay", "1", "--to", receiver.url], 1),
            (["send", "github", "push", "--dry-run", "--set", f"headers.X-A={text}"], 1),
        ):
            with terminal() as screen:
                assert run([*arguments, "--color", "always"]) in (0, 1)
            shown = screen.take()
            assert shown.count(text) >= times or shown.count(json.dumps(text)[1:-1]) >= times, shown
            assert "\x1b" not in shown


# -- live -------------------------------------------------------------------------------------------------------------


COUNTER = re.compile("\r\x1b\\[K… [0-9]+ events, [0-9]+ failed")  # our own line in a burst, on a terminal


class Live:
    """A real `whcli listen` whose output, on a terminal or in a pipe, is read all the time."""

    def __init__(self, folder: Path, *flags: str, terminal: bool) -> None:
        self._data = bytearray()
        ours, theirs = pty.openpty() if terminal else os.pipe()
        if terminal:
            tty.setraw(theirs)
        command = [sys.executable, "-m", "whcli", "listen", "--port", "0", "--ready-file", "ready.json", *flags]
        self.process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=theirs, stderr=theirs)
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()
        ready = folder / "ready.json"
        until(lambda: ready.exists() or self.process.poll() is not None)
        self.port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])

    def _read(self, ours: int) -> None:
        with suppress(OSError):  # how a pty ends
            while data := os.read(ours, 1 << 16):
                self._data += data
        os.close(ours)

    def end(self) -> str:
        """Stop it; all that it has written."""
        self.process.terminate()
        assert self.process.wait(20) == 0
        self._reader.join(20)
        return self._data.decode()


@pytest.mark.parametrize("mode", ["a pipe", "JSON", "a terminal"])
def test_listen_shows_them_all_and_none_acts(mode: str, tmp_path: Path, target: Receiver) -> None:
    """In bodies, headers and targets, in what the handler answers, and in what is refused."""
    listener = Live(
        tmp_path, "--forward", target.url, *(["--json"] if mode == "JSON" else []), terminal=mode == "a terminal"
    )
    with Store(tmp_path / ".whcli") as store:
        for payload in PAYLOADS.values():
            value, word = in_field(payload)[:1_000], re.sub(rb"[\x00-\x20\x7f]", b"", payload)[:200]
            requests = [
                post(payload, target=b"/" + word, headers=b"X-GitHub-Event: a\r\nX-GitHub-Delivery: 1\r\n"),
                post(payload[:100], headers=b"X-GitHub-Event: %b\r\nX-GitHub-Delivery: %b\r\n" % (value, value)),
                payload[:500] + b"\r\n\r\n",  # no HTTP at all
            ]
            statuses = [ask(listener.port, request).status for request in requests]
            assert statuses[0] == 200 and statuses[1] in (200, 400) and statuses[2] == 400, statuses
            until(lambda: (entry := store.entry(store.last_id())) and entry.last)
    text = COUNTER.sub("", listener.end())
    assert not acts(OURS.sub("", text), keep="\n\t")
    lines = text.splitlines()
    assert len(lines) >= (len(PAYLOADS) if mode == "a terminal" else 3 * len(PAYLOADS))
    if mode == "JSON":
        records = [each for each in lines if each.startswith("{")]
        assert len(records) >= 3 * len(PAYLOADS)
        assert all(each.isascii() and each.isprintable() and json.loads(each) for each in records)
