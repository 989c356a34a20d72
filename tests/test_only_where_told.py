"""What is sent goes where the user said, as one request, or not at all; and no answer makes us swell (P1, P3, P5)."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.captured import post as captured
from tests.measured import MIB, measured, resident
from tests.program import listening, until
from tests.receivers import Receiver
from tests.test_client import NOT_LOCAL, REDIRECTS
from tests.test_look import store_with
from tests.wire import ask, post
from whcli.cli import run
from whcli.hands.storing.store import Store
from whcli.rules.archive.fixture import fixture_text
from whcli.rules.archive.records import event_json, line
from whcli.words.event import Event
from whcli.words.fixture import Fixture

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def event(tmp_path: Path) -> None:
    """One event that holds credentials, in the store of the working directory."""
    store_with(tmp_path, (b"/in?a=1 HTTP/1.1\r\nAuthorization: Bearer k4n4ry\r\nX-Rest:", b"{}"))


SENDING = {
    "replay": ["replay", "1", "--to", "{url}"],
    "replay --compare-to": ["replay", "1", "--to", "{url}", "--compare-to", "{url}"],
    "replay --retries": ["replay", "1", "--retries", "github", "--to", "{url}"],
    "send": ["send", "github", "push", "--to", "{url}"],
    "handshake": ["handshake", "slack", "--secret", "env:S", "--to", "{url}"],
}


def typed(arguments: list[str], url: str) -> list[str]:
    return [each.format(url=url) for each in arguments]


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", SECRET)


# -- P1: only where it was told to ------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", SENDING.values(), ids=SENDING.keys())
def test_no_command_follows_a_redirect(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty of them, to another port and within the target; that is a failure, and it is said where it led."""
    assert len(REDIRECTS) == 20
    for status, place in REDIRECTS:
        with Receiver() as there:
            location = place.format(there=there.url, host=f"localhost:{there.port}")
            head = f"HTTP/1.1 {status} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            with Receiver(head.encode()) as receiver:
                code = run(typed(arguments, receiver.url))
                assert code == (0 if "--compare-to" in arguments else 1)  # both answer alike
                assert {request.split(b" ")[1] for request in receiver.requests} <= {b"/in?a=1", b"/"}
            assert there.connections == 0
        told = capsys.readouterr().out
        assert (
            "--compare-to" in arguments or "handshake" in arguments or f"redirects to {location}, which is not" in told
        )


def test_a_forward_follows_no_redirect(tmp_path: Path) -> None:
    with (
        Receiver() as there,
        Receiver(f"HTTP/1.1 307 x\r\nLocation: {there.url}\r\nContent-Length: 0\r\n\r\n".encode()) as handler,
        listening("--forward", handler.url, folder=tmp_path) as listener,
        Store(tmp_path / ".whcli") as store,
    ):
        assert ask(listener.port, post(b"{}")).status == 200
        until(lambda: store.deliveries(2))
        assert (len(handler.requests), there.connections) == (1, 0)


PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.mark.parametrize("arguments", SENDING.values(), ids=SENDING.keys())
def test_proxy_variables_and_netrc_mean_nothing_to_any_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login user password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Receiver() as proxy, Receiver() as receiver:
        for name in PROXIES:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert run(typed(arguments, receiver.url)) in (0, 1)
        assert (proxy.connections, bool(receiver.requests)) == (0, True)
        assert not any(b"hunter2" in each or b"dXNlcjpodW50ZXIy" in each for each in receiver.requests)


def test_proxy_variables_mean_nothing_to_a_listener(tmp_path: Path) -> None:
    with Receiver() as proxy, Receiver() as handler:
        env = dict.fromkeys(PROXIES, f"http://127.0.0.1:{proxy.port}")
        with listening("--forward", handler.url, folder=tmp_path, env=env) as listener:
            ask(listener.port, post(b"{}"))
            handler.wait(1)
        assert proxy.connections == 0


@pytest.mark.parametrize("arguments", [SENDING["replay"], SENDING["send"], SENDING["handshake"]], ids=lambda a: a[0])
@pytest.mark.parametrize("host", NOT_LOCAL, ids=ascii)
def test_a_target_elsewhere_is_refused_without_yes_however_it_is_spelled(host: str, arguments: list[str]) -> None:
    """Refused (2), or a name that leads nowhere (5); the port is one of ours, so what arrives would be seen."""
    if "\x00" in host:
        host = host.replace("\x00", "\ud800")  # no shell can pass a NUL
    with Receiver() as receiver:
        assert run(typed(arguments, f"http://{host}:{receiver.port}/")) in (2, 5)
        assert receiver.connections == 0


@pytest.mark.parametrize("host", NOT_LOCAL, ids=ascii)
def test_nor_does_a_listener_forward_there(tmp_path: Path, host: str) -> None:
    with Receiver() as receiver:
        flags = ["--port", "0", "--timeout", "1ms", "--forward", f"http://{host}:{receiver.port}/"]
        assert run(["listen", *flags]) in (2, 5)
        assert receiver.connections == 0


def answers(monkeypatch: pytest.MonkeyPatch, addresses: Iterator[str]) -> None:
    """From now on a name server of the attacker's gives another address at each question."""
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return real(next(addresses) if name == "rebind.example" else host, port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr("whcli.hands.loops.loop_factory", lambda: None)  # uvloop has a look-up of its own


def test_a_name_that_changes_its_address_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding, both ways: what was checked is what is connected to."""
    with Receiver() as receiver:
        answers(monkeypatch, iter(["10.0.0.1", "127.0.0.1", "127.0.0.1"]))
        assert run(["replay", "1", "--to", f"http://rebind.example:{receiver.port}"]) == 2
        assert receiver.connections == 0
        answers(monkeypatch, iter(["127.0.0.1", "10.0.0.1"]))
        assert run(["replay", "1", "--to", f"http://rebind.example:{receiver.port}"]) == 0
        assert len(receiver.requests) == 1


# -- P3: one request or none ------------------------------------------------------------------------------------------

BREAKS = [
    "\r\nX-Evil: 1",
    "\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
    "\n",
    "\r",
    "\x00",
    "a\nb",
    "a\rb",
    "a\x00b",
]
BREAKS += ["\n X: folded", "\r\n\tX: folded"]


def with_text(place: str, text: str) -> Event:
    """An event with a text in one place, as an edited fixture can hold it."""
    event = captured(b"Host: h", b"X-Sig: 1", body=b"{}")
    data = text.encode()
    placed: dict[str, dict[str, Any]] = {
        "method": {"method": b"POST" + data},
        "target": {"target": b"/in" + data},
        "header name": {"headers": ((b"X" + data, b"1"),)},
        "header value": {"headers": ((b"X", b"v" + data),)},
        "Host": {"headers": ((b"Host", b"h" + data),)},
        "Content-Type": {"headers": ((b"Content-Type", b"text/plain" + data),)},
    }
    return replace(event, head=b"", **placed[place])


PLACES = ["method", "target", "header name", "header value", "Host", "Content-Type"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", BREAKS, ids=ascii)
def test_a_line_break_or_nul_in_a_fixture_is_not_sent(tmp_path: Path, place: str, text: str) -> None:
    event = with_text(place, text)
    with Receiver() as receiver:
        for number, written in enumerate((line(event_json(event)), fixture_text(Fixture(event=event)))):
            (tmp_path / f"{number}.json").write_text(written)
            assert run(["replay", f"{number}.json", "--to", receiver.url]) == 2
        assert (receiver.connections, receiver.requests, receiver.stray) == (0, [], b"")


FLAGS: dict[str, Callable[[str], list[str]]] = {
    "--header, value": lambda text: ["--header", f"X: v{text}w"],
    "--header, name": lambda text: ["--header", f"X{text}Y: v"],
    "--set headers": lambda text: ["--set", f"headers.x-new={text}w"],
    "--set headers, name": lambda text: ["--set", f"headers.x{text}y=w"],
    "--method": lambda text: ["--method", f"PO{text}ST"],
    "--path": lambda text: ["--path", f"/in{text}x"],
}


@pytest.mark.parametrize("flag", FLAGS.values(), ids=FLAGS.keys())
@pytest.mark.parametrize("text", BREAKS, ids=ascii)
def test_a_line_break_or_nul_in_a_flag_is_not_sent(flag: Callable[[str], list[str]], text: str) -> None:
    with Receiver() as receiver:
        assert run(["replay", "1", "--to", receiver.url, *flag(text)]) == 2
        assert (receiver.connections, receiver.requests, receiver.stray) == (0, [], b"")


@pytest.mark.parametrize("text", BREAKS, ids=ascii)
def test_nor_in_a_target_or_in_a_header_of_a_sample_or_a_reply(text: str) -> None:
    with Receiver() as receiver:
        assert run(["replay", "1", "--to", f"{receiver.url}/a{text}b"]) == 2
        assert run(["send", "github", "push", "--to", receiver.url, "-H", f"X: a{text}b"]) == 2
        assert run(["send", "github", "push", "--to", f"{receiver.url}/a{text}b"]) == 2
        assert receiver.connections == 0
    assert run(["listen", "--port", "0", "--timeout", "1ms", "--reply-header", f"X: a{text}b"]) == 2


def test_there_are_thirty_breaks_by_fixture_and_thirty_by_flag() -> None:
    assert len(BREAKS) * len(PLACES) >= 30 and len(BREAKS) * len(FLAGS) >= 30


# -- P5: answers without an end ---------------------------------------------------------------------------------------


def gigabyte(connection: socket.socket, request: bytes) -> None:
    """A gigabyte, as long as the other side takes it."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
    for _ in range(1 << 10):
        connection.sendall(bytes(MIB))


def chunks(connection: socket.socket, request: bytes) -> None:
    """The same in chunks, without a length."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1 << 10):
        connection.sendall(b"100000\r\n" + bytes(MIB) + b"\r\n")


BOMB = gzip.compress(bytes(100 * MIB), 9)  # 100 kB
GZIP = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB
BOMBS = {
    "a gigabyte": gigabyte,
    "a gigabyte in chunks": chunks,
    "gzip of 100 MiB": b"HTTP/1.1 200 OK\r\n" + GZIP,
    "a failure whose body is gzip of 100 MiB": b"HTTP/1.1 500 No\r\n" + GZIP,
}
GROWTH = 50 * MIB


def peak_of(*arguments: str, folder: Path) -> tuple[int, int]:
    """Exit code of a command, and the most memory it held, in bytes."""
    done = measured(*arguments, folder=folder, env={"S": SECRET})
    return done.code, done.peak


@pytest.mark.parametrize("answer", BOMBS.values(), ids=BOMBS.keys())
def test_an_answer_of_any_size_takes_little_memory_and_is_kept_in_part(tmp_path: Path, answer: Any) -> None:
    with Receiver() as plain:
        _, usual = peak_of("replay", "1", "--to", plain.url, folder=tmp_path)
    with Receiver(answer) as receiver:
        code, peak = peak_of("replay", "1", "--to", receiver.url, folder=tmp_path)
        assert peak - usual < GROWTH
        assert (
            peak_of("replay", "1", "--to", receiver.url, "--compare-to", receiver.url, folder=tmp_path)[1]
            < usual + GROWTH
        )
    assert code == (1 if isinstance(answer, bytes) and b" 500 " in answer else 0)
    with Store(tmp_path / ".whcli") as store:
        for delivery in store.deliveries(1)[1:]:
            assert delivery.reply is not None and len(delivery.reply.body) <= MIB
            assert delivery.reply.truncated is callable(answer)  # the bomb is small as long as nobody opens it


def test_a_listener_does_not_swell_by_its_handlers_answers(tmp_path: Path) -> None:
    with Receiver(gigabyte) as handler, listening("--forward", handler.url, folder=tmp_path, afresh=True) as listener:
        before = resident(listener.process.pid)
        for _ in range(3):
            ask(listener.port, post(b"{}"))
        with Store(tmp_path / ".whcli") as store:
            until(lambda: (entry := store.entry(4)) and entry.last)
            [delivery] = store.deliveries(4)
        assert resident(listener.process.pid) - before < GROWTH
    assert delivery.reply is not None and (len(delivery.reply.body), delivery.reply.truncated) == (MIB, True)


def packed(folder: Path, body: bytes, *headers: bytes) -> None:
    """The store's next event: this body, which says that it is compressed."""
    with listening("--count", "1", folder=folder) as listener:
        lines = b"".join(each + b"\r\n" for each in (b"Content-Encoding: gzip", *headers))
        assert ask(listener.port, post(body, headers=lines)).status == 200
        listener.wait()


LOOKING = {
    "show": ["show", "2"],
    "show --full": ["show", "2", "--full"],
    "show --json": ["show", "2", "--json"],
    "show --curl": ["show", "2", "--curl"],
    "diff": ["diff", "2", "3"],
    "list --where": ["list", "--where", "body.a"],
    "verify": ["verify", "2", "--scheme", "github", "--secret", "env:S"],
    "replay --set": ["replay", "2", "--set", "body.a=1", "--to", "http://localhost:1"],
}


def test_a_captured_bomb_is_not_blown_up_by_looking_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a gigabyte of zeros in two megabytes of gzip, and as nested as can be: every command stays small.

    `verify` tries many changes of a body, which together have a bound of their own.
    """
    bomb = gzip.compress(bytes(512 * MIB), 1)
    brackets = gzip.compress(b"[" * (64 * MIB), 1)
    for body in (bomb, brackets):
        packed(tmp_path, body, b"Content-Type: application/json", b"X-Hub-Signature-256: sha256=" + b"0" * 64)
    usual = peak_of("show", "1", folder=tmp_path)[1]
    for name, arguments in LOOKING.items():
        code, peak = peak_of(*arguments, folder=tmp_path)
        assert code in (0, 1, 2, 5), name
        assert peak - usual < (2 if name == "verify" else 1) * GROWTH, f"{name}: {(peak - usual) >> 20} MiB more"


# -- nobody is waited for for ever ------------------------------------------------------------------------------------


SLOW = {
    "says nothing": lambda connection, _: connection.recv(1),
    "stops in its head": lambda connection, _: (connection.sendall(b"HTTP/1.1 200 OK\r\nX: "), connection.recv(1)),
    "stops in its body": lambda connection, _: (
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        connection.recv(1),
    ),
    "says 100 and no more": lambda connection, _: (
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"),
        connection.recv(1),
    ),
}


@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW.keys())
@pytest.mark.parametrize("command", [SENDING["replay"], SENDING["send"]], ids=lambda command: command[0])
def test_a_target_that_never_comes_to_an_end_is_given_up(
    command: list[str], talk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with Receiver(talk) as receiver:
        assert run([*typed(command, receiver.url), "--timeout", "200ms"]) == 1
    assert "sent no whole reply within 0.2 s" in capsys.readouterr().out


def test_a_listener_gives_its_handler_up_too(tmp_path: Path) -> None:
    with (
        Receiver(SLOW["says nothing"]) as handler,
        listening("--forward", handler.url, "--forward-timeout", "200ms", folder=tmp_path) as listener,
        Store(tmp_path / ".whcli") as store,
    ):
        for id in (2, 3):
            assert ask(listener.port, post(b"{}")).status == 200
            until(lambda id=id: (entry := store.entry(id)) and entry.last and entry.last.failure == "timeout")
