"""The whole program against hostile senders: nothing kills it, nothing is hidden, and it answers no path specially."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hostile.requests import CHUNKED, HIDDEN, HOST, ROWS, SMUGGLED, START, Captured, Row, field
from tests.listeners import Seen, listener_on
from tests.program import Listening, listening, until, whcli
from tests.wire import Response, Wire, ask, post, wait_for
from whcli.commands.listening.plan import Options, plan_of
from whcli.hands.config import load_config
from whcli.hands.storing.store import Store


def sent(wire: Wire, row: Row) -> None:
    with suppress(ConnectionError):  # refused before the last byte left
        wire.send(row.sent)
        if row.ends:
            wire.half_close()


def test_at_least_150_hostile_requests_are_each_stored_exactly_or_refused_and_shown(tmp_path: Path) -> None:
    """Answered or closed within 10 s, a normal POST behind each within 5; no traceback, and the end is a clean one."""
    with listening("--json", folder=tmp_path) as listener:
        for row in ROWS:
            with Wire(listener.port, deadline=10) as wire:
                sent(wire, row)
                if isinstance(row.becomes, Captured):
                    assert wire.response(to_head=row.sent.startswith(b"HEAD")).status in (200, 426)
                else:
                    wire.rest()
            assert ask(listener.port, post(b"still there"), deadline=5).status == 200
        done = listener.end()
    assert len(ROWS) >= 150
    assert (done.code, done.err.count("Traceback")) == (0, 0)
    with Store(tmp_path / ".whcli") as store:
        others = [event for event in store.events(0, 9_999) if event.body != b"still there"]
    captured = [row for row in ROWS if isinstance(row.becomes, Captured)]
    for event, row in zip(others, captured, strict=True):
        assert isinstance(row.becomes, Captured)
        assert (event.method, event.target, event.body) == (row.becomes.method, row.becomes.target, row.becomes.body)
        assert event.trailers == row.becomes.trailers
        assert row.sent.lstrip(b"\r\n").startswith(event.head)
    shown = [each["schema"] for each in done.lines[1:]]
    assert shown.count("whcli.event/1") == len(captured) + len(ROWS)
    assert shown.count("whcli.refusal/1") == len(ROWS) - len(captured)


def test_20_smuggling_shapes_get_one_answer_and_the_hidden_request_is_never_stored(folder: Path) -> None:
    with listener_on(folder) as port, Store(folder) as store:
        for shape in SMUGGLED.values():
            with Wire(port) as wire:
                wire.send(shape)
                assert wire.rest().count(b"HTTP/1.1 ") == 1
        assert ask(port, post()).status == 200
        targets = [event.target for event in store.events(0, 999)]
    assert len(SMUGGLED) >= 20
    assert HIDDEN.split()[1] not in targets


def test_a_body_over_the_limit_is_413_and_a_visible_refusal(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            assert wire.send(field(b"Content-Length: 26214401")).response().status == 413
        done = listener.end()
    assert "rejected 413 from 127.0.0.1: the body is larger than the limit" in done.out
    assert "0 received · 1 refused" in done.err


# Slow senders, with the limits that a user has.

SLOW: dict[str, tuple[bytes, bytes]] = {  # what is sent at once, and then once a second
    "silent": (b"", b""),
    "half a head": (START, b""),
    "half a head, one byte a second": (START + b"X: ", b"a"),
    "half a body": (field(b"Content-Length: 100") + b"half", b""),
    "a body, one byte a second": (field(b"Content-Length: 100000"), b"a"),
    "a body of under 1 kB a second": (field(b"Content-Length: 100000"), b"a" * 900),
    "half a chunk": (CHUNKED + b"5\r\nhe", b""),
    "chunks, one byte a second": (CHUNKED, b"1\r\na\r\n"),
    "a promise of 2^62 bytes": (field(b"Content-Length: 4611686018427387904"), b""),
    "a chunk of 2^62 bytes": (CHUNKED + b"4000000000000000\r\n", b"a"),
}


def cut_off(listener: Listening, start: bytes, drop: bytes) -> tuple[float, bytes]:
    """Seconds until the listener ended it, and its answer."""
    began = time.monotonic()
    with Wire(listener.port, deadline=1) as wire:
        wire.send(start)
        while wire.silent(1):
            assert time.monotonic() - began < 40, "never cut off"
            with suppress(ConnectionError):
                wire.send(drop)
        wire.socket.settimeout(10)
        answer = wire.rest()
        return time.monotonic() - began, answer


@pytest.mark.slow
def test_slow_senders_are_answered_408_or_closed_within_20_s(tmp_path: Path) -> None:
    with listening("--json", folder=tmp_path) as listener, ThreadPoolExecutor(len(SLOW)) as pool:
        ended = dict(zip(SLOW, pool.map(lambda case: cut_off(listener, *case), SLOW.values()), strict=True))
        assert ask(listener.port, post(), deadline=5).status == 200
    for name, (seconds, answer) in ended.items():
        assert seconds <= 20, name
        assert answer == b"" if name == "silent" else answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 413 ")), name


# Crowds, resets and half-closes with the store and the screen behind.


def test_200_resets_at_random_points_leave_no_traceback(tmp_path: Path) -> None:
    chance = random.Random(200)
    request = post(b"a" * 500) + post(bytes(300_000))
    with listening("--json", folder=tmp_path) as listener:
        for _ in range(200):
            wire = Wire(listener.port)
            wire.send(request[: chance.randrange(len(request) + 1)])
            wire.reset()
        assert ask(listener.port, post(b"last"), deadline=5).status == 200
        until(lambda: not list((tmp_path / ".whcli" / "spool").glob("*")))
        done = listener.end()
    assert (done.code, done.err.count("Traceback"), done.err.count("exception")) == (0, 0, 0)


def test_100_of_100_half_closed_senders_are_answered_after_the_commit(tmp_path: Path) -> None:
    def send(port: int) -> int:
        with Wire(port) as wire:
            return wire.send(post()).half_close().response().status

    with listening("--reply-delay", "50ms", folder=tmp_path) as listener, ThreadPoolExecutor(20) as pool:
        assert list(pool.map(send, [listener.port] * 100)) == [200] * 100
    with Store(tmp_path / ".whcli") as store:
        assert store.count() == 100


# HEAD and WebSocket.


def test_a_head_is_captured_like_any_other_request(tmp_path: Path) -> None:
    with listening("--reply", "503", folder=tmp_path) as listener:
        answer = ask(listener.port, b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (answer.status, answer.body) == (503, b"")
        mandrill = b"HEAD /m HTTP/1.1\r\nUser-Agent: Mandrill-Webhook/1.0\r\n" + HOST + b"\r\n"
        assert ask(listener.port, mandrill).status == 200
        done = listener.end()
    assert "trello" not in done.out
    assert "mandrill: HEAD · answered" in done.out
    events = whcli("list", "--json", folder=tmp_path).lines
    assert [(event["method"], event["target"], event["reply"]) for event in events] == [
        ("HEAD", "/a", 503),
        ("HEAD", "/m", 200),
    ]


def test_a_head_passes_verify_since_no_provider_can_sign_it(tmp_path: Path) -> None:
    with listening("--verify", folder=tmp_path, env={"WHCLI_SECRET_TRELLO": "a secret"}) as listener:
        assert ask(listener.port, b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n").status == 200
        assert ask(listener.port, post()).status == 401


def test_a_websocket_handshake_is_recorded_and_answered_426(tmp_path: Path) -> None:
    head = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    head += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    with listening(folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            answer = wire.send(head).response()
            assert (answer.status, answer.header(b"upgrade")) == (426, b"HTTP/1.1")
            assert wire.closed()
        assert ask(listener.port, post(headers=b"Upgrade: websocket\r\n")).status == 200
        done = listener.end()
    assert "it asks for a WebSocket, which is not spoken here: answered 426" in done.out
    with Store(tmp_path / ".whcli") as store:
        assert [event.head for event in store.events(0, 1)] == [head]


# Other web pages: the capture port has no path of its own, gives nothing back, and opens itself to no origin.

NAMES = """
    / /index.html /favicon.ico /robots.txt /.well-known/security.txt /.git/config /.env /api /api/events /api/events/1
    /events /events/1 /event/1 /requests /requests/1 /inspect /inspect/http /inspector /status /health /healthz /ready
    /livez /metrics /debug /debug/pprof /debug/vars /admin /login /logout /ui /app /assets/app.js /static/app.css
    /stream /sse /events/stream /ws /socket /socket.io/ /graphql /rpc /jsonrpc /mcp /sse/events /openapi.json /docs
    /redoc /swagger.json /whcli /whcli/ /whcli/events /whcli/events/1 /_whcli /__whcli /-/whcli /.whcli
    /.whcli/store.db /store.db /store /list /show/1 /replay/1 /rm/1 /clear /delete /reset /config /settings
    /secrets /token /session /version /info /ping /echo /proxy?url=http://127.0.0.1/ /fetch?url=file:///etc/passwd
    /redirect?to=//evil.test //evil.test/ /..%2f..%2fetc/passwd /../../etc/passwd /%2e%2e/store.db /a/../.whcli/store.db
    /latest /latest.json /1 /1/raw /1/body /export /export.json /import /dump /backup /download/1 /cgi-bin/test
    /server-status /actuator/env /v1/events /v2/requests /token/abc/requests /console /trace.axd /wp-login.php
"""
PATHS = [path.encode() for path in NAMES.split()]
BROWSER = (
    b"Origin: https://evil.test\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n"
    b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
    b"Access-Control-Request-Private-Network: true\r\n"
)
ASKED = (b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"HEAD")


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Store, Seen]]:
    """A listener with a secret-looking event in its store."""
    folder, seen = tmp_path_factory.mktemp("curious") / ".whcli", Seen()
    plan = plan_of(Options(), load_config(), folder)
    with listener_on(folder, plan, seen) as port, Store(folder) as store:
        assert ask(port, post(b"the canary", target=b"/canary")).status == 200
        yield port, store, seen


def bare(answer: Response) -> bool:
    """The usual 200 and nothing else: no body, no header for a browser, no cookie, nothing of the store."""
    return answer.head + answer.body == b"HTTP/1.1 200 OK\r\nServer: whcli\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("method", ASKED, ids=bytes.decode)
def test_over_100_paths_nothing_is_special_nothing_is_read_back_no_origin_is_let_in(
    captured: tuple[int, Store, Seen], method: bytes
) -> None:
    port, store, seen = captured
    assert len(set(PATHS)) >= 100
    before = store.last_id()
    with Wire(port) as wire:
        for path in PATHS:
            wire.send(method + b" " + path + b" HTTP/1.1\r\nHost: evil.test\r\n" + BROWSER + b"\r\n")
            assert bare(wire.response(to_head=method == b"HEAD")), path
    events = list(store.events(before, 999))
    assert [(event.method, event.target) for event in events] == [(method, path) for path in PATHS]
    wait_for(lambda: len(seen.entries) >= store.last_id())
    assert seen.refusals == []
