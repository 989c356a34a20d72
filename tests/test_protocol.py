"""The capture side over real sockets: what is kept, what is refused, in which order replies go out, and how long."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.hostile.requests import CHUNKED, HELLO, HIDDEN, HOST, ROWS, SMUGGLED, START, Captured, Refused, Row, field
from tests.wire import OK, Listener, Wire, ask, chunked, listening, post, wait_for
from whcli.hands.listening.connections import Respond
from whcli.hands.listening.framing import Limits
from whcli.hands.loops import loop_factory
from whcli.words.event import Arrival, Reply

LOOPS = {"uvloop": loop_factory(), "asyncio": asyncio.new_event_loop}
SOON = Limits().head_time / 2  # seconds in which what is waited for nowhere has happened, on a busy machine too
BRIEF = Limits(head_time=0.3, body_idle=0.4, body_grace=0.3, keep_alive=0.6, linger=0.5)


@pytest.fixture(scope="module", params=[pytest.param(loop, id=name) for name, loop in LOOPS.items() if loop])
def shared(request: pytest.FixtureRequest) -> Iterator[Listener]:
    """One listener for all tests that only look at what came; left only if nothing went wrong in it."""
    with listening(loop_factory=request.param) as listener:
        yield listener


@pytest.fixture
def listener(shared: Listener) -> Listener:
    shared.arrivals.clear()
    shared.refusals.clear()
    return shared


class Later:
    """An answer that is given when the test says so."""

    def __init__(self) -> None:
        self.owed: list[tuple[Arrival, Respond]] = []

    def __call__(self, arrival: Arrival, respond: Respond) -> None:
        self.owed.append((arrival, respond))

    def give(self, listener: Listener, place: int, reply: Reply = OK) -> None:
        wait_for(lambda: len(self.owed) > place)
        listener.loop.call_soon_threadsafe(self.owed[place][1], reply)


# What is kept.


def odd_request(chance: random.Random) -> bytes:
    """A head with names in any case and order, repeats, odd white space, bytes above 127; and sometimes a body."""
    lines = []
    for _ in range(chance.randint(0, 40)):
        name = "".join(chance.choices("abcXYZ019-_.!#$%&'*+^`|~", k=chance.randint(1, 12))).encode()
        value = bytes(chance.choices([*range(0x20, 0x7F), *range(0x80, 0x100), 9], k=chance.randint(0, 40)))
        lines += [name + b":" + chance.choice((b"", b" ", b"\t", b"   ")) + value] * chance.choice((1, 1, 1, 3))
    lines += [b"X-Repeat: %d" % chance.randint(0, 3)] * chance.randint(0, 100)
    chance.shuffle(lines)
    length = chance.choice((0, 0, 5, 300))
    lines.insert(chance.randint(0, len(lines)), b"content-LENGTH:%d" % length)
    method = chance.choice((b"POST", b"PUT", b"get", b"M-SEARCH", b"QUERY", b"X"))
    return b"\r\n".join([method + b" /p%41?q=%zz HTTP/1.1", *lines, b"", b""]) + chance.randbytes(length)


def raw(arrival: Arrival) -> bytes:
    assert isinstance(arrival.body, bytes)
    return arrival.head + arrival.body


def test_the_head_is_kept_byte_for_byte(listener: Listener) -> None:
    chance = random.Random(1)
    sent = [odd_request(chance) for _ in range(200)]
    with Wire(listener.port) as wire:
        for request in sent:
            wire.send(request)
            assert wire.response().status == 200
    assert [raw(arrival) for arrival in listener.arrivals] == sent


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 2**20, 10 * 2**20])
def test_the_body_is_kept_byte_for_byte(listener: Listener, size: int) -> None:
    body = random.Random(size).randbytes(size)
    assert ask(listener.port, post(body)).status == 200
    assert listener.last().body == body


CONTENT_TYPES = (
    b"application/json",
    b"application/json; charset=utf-8",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"text/plain",
    b"text/xml; charset=utf-16",
    b"application/octet-stream",
    b"application/cloudevents+json",
    b"application/gzip",
    b"image/png",
    b"nonsense",
    b"",
)


@pytest.mark.parametrize("kind", CONTENT_TYPES, ids=lambda kind: kind.decode() or "no type")
def test_all_byte_values_are_kept_whatever_the_content_type(listener: Listener, kind: bytes) -> None:
    body = bytes(range(256)) + b'{"a": 1.0, "a": 1e2}\r\n'
    assert ask(listener.port, post(body, headers=b"Content-Type: %b\r\n" % kind)).status == 200
    assert listener.last().body == body


def test_fifty_chunkings_over_the_wire(listener: Listener) -> None:
    chance = random.Random(50)
    body = chance.randbytes(3000)
    with Wire(listener.port) as wire:
        for size in range(1, 51):
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            wire.send(CHUNKED + chunked(*pieces, trailers=b"X-Sum: 1\r\nx-sum:2\r\n"))
            assert wire.response().status == 200
    assert [arrival.body for arrival in listener.arrivals] == [body] * 50
    assert {arrival.trailers for arrival in listener.arrivals} == {((b"X-Sum", b"1"), (b"x-sum", b"2"))}
    assert all(b"sum" not in arrival.head.lower() for arrival in listener.arrivals)


def test_a_chunked_request_split_at_every_byte(listener: Listener) -> None:
    request = CHUNKED + b"5;a=1\r\nhello\r\n4\r\n\r\n\r\n\r\n0\r\nX: 1\r\n\r\n"
    with Wire(listener.port) as wire:
        for at in range(len(CHUNKED), len(request)):
            wire.send(request[:at], request[at:])
            assert wire.response().status == 200
    assert {arrival.body for arrival in listener.arrivals} == {b"hello\r\n\r\n"}


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param([post(b"body", headers=H2C)], id="whole"),
        pytest.param([post(b"body", headers=H2C)[:-2], b"dy"], id="split in the body"),
        pytest.param([START + H2C + b"Transfer-Encoding: chunked\r\n\r\n", chunked(b"bo", b"dy")], id="chunked"),
        pytest.param([post(b"body", headers=H2C.replace(b"h2c", b"no/7"))], id="an unknown protocol"),
    ],
)
def test_a_body_is_not_lost_to_an_upgrade(listener: Listener, packets: list[bytes]) -> None:
    with Wire(listener.port) as wire:
        for number in range(25):
            wire.send(*packets)
            assert wire.response().status == 200
            wire.send(post(b"next %d" % number))
            assert wire.response().status == 200
    assert [arrival.body for arrival in listener.arrivals[::2]] == [b"body"] * 25
    assert [arrival.body for arrival in listener.arrivals[1::2]] == [b"next %d" % number for number in range(25)]
    assert all(b"\r\nUpgrade: " in arrival.head for arrival in listener.arrivals[::2])


TARGETS = (
    *(b"/", b"*", b"//", b"/a//b/", b"/../..", b"/./a/../b", b"foo", b"?", b"/?", b"?a=b", b"/?a&a&=b", b"#", b"/a#b"),
    *(b"/%00", b"/%2F", b"/%zz", b"/%", b"/a%20b+c", b"/{a}/[b]", b"/<x>", b'/"q"', b"/'", b"/a;b=c", b"/|^`\\"),
    *(b"http://example.com", b"http://a:b@c:1/d?e#f", b"HTTPS://[::1]/", b"mailto:a@b", b"a:443", b"[::1]:80"),
    *("/é".encode(), "/é".encode("latin-1"), b"/\xff\xfe", b"/\x80\x9b", "/\u202e".encode(), "/☃?☃=☃".encode()),
    *(b"/" + b"a" * 8000, b"/?" + b"b=1&" * 2000, b"/orders/404", b"/webhooks/stripe?x=1&x=2"),
)
METHODS = (
    *(b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"HEAD", b"TRACE", b"CONNECT", b"QUERY"),
    *(b"PROPFIND", b"M-SEARCH", b"SOURCE", b"DESCRIBE", b"PRI", b"post", b"X", b"HOOK!", b"a.b|c", b"Z" * 300),
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: ascii(target)[2:30])
def test_any_target_is_kept(listener: Listener, target: bytes) -> None:
    assert ask(listener.port, post(b"x", target=target)).status == 200
    assert listener.last().target == target


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.decode()[:20])
def test_any_method_is_kept(listener: Listener, method: bytes) -> None:
    with Wire(listener.port) as wire:
        wire.send(method + b" / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", post())
        assert [wire.response(to_head=method == b"HEAD").status, wire.response().status] == [200, 200]
    assert [(arrival.method, arrival.body) for arrival in listener.arrivals] == [(method, b"x"), (b"POST", b"{}")]


def test_forty_targets_and_twenty_methods() -> None:
    assert (len(set(TARGETS)), len(set(METHODS))) == (40, 20)


def test_the_peer_and_the_time_are_noted(listener: Listener) -> None:
    before = time.time()
    for host in ("127.0.0.1", "::1"):
        with Wire(listener.port, host) as wire:
            wire.send(post()).response()
            assert listener.last().peer == wire.name
    assert before <= listener.last().received_at <= time.time()


# What is refused.


@pytest.mark.parametrize(
    ("row", "bytewise"),
    [pytest.param(row, False, id=f"{row.name}, in one packet") for row in ROWS]
    + [pytest.param(row, True, id=f"{row.name}, byte by byte") for row in ROWS if len(row.sent) < 6000],
)
def test_hostile_requests(listener: Listener, row: Row, bytewise: bool) -> None:
    with Wire(listener.port) as wire:
        try:
            wire.send_bytewise(row.sent) if bytewise else wire.send(row.sent)
            wire.half_close() if row.ends else None
        except ConnectionError:
            pass  # refused before the last byte left
        if isinstance(row.becomes, Captured):
            assert wire.response(to_head=row.sent.startswith(b"HEAD")).status == 200
        elif row.becomes.status is not None:
            assert wire.response().status == row.becomes.status
            assert wire.closed()
        else:
            assert wire.closed()
    if isinstance(row.becomes, Captured):
        expect_captured(listener, row, row.becomes)
    else:
        expect_refused(listener, row, row.becomes)
    assert ask(listener.port, post(b"still there"), deadline=5).status == 200
    assert listener.last().body == b"still there"


def expect_captured(listener: Listener, row: Row, captured: Captured) -> None:
    (arrival,) = listener.arrivals
    assert listener.refusals == []
    assert (arrival.method, arrival.target) == (captured.method, captured.target)
    assert (arrival.body, arrival.trailers) == (captured.body, captured.trailers)
    assert row.sent.lstrip(b"\r\n").startswith(arrival.head)


def expect_refused(listener: Listener, row: Row, refused: Refused) -> None:
    refusal = listener.refusal()
    assert listener.arrivals == []
    assert refusal.status == refused.status
    assert refused.words in refusal.reason
    assert row.sent.startswith(refusal.start)
    assert 0 < len(refusal.start) <= 200


def test_at_least_a_hundred_and_fifty_hostile_requests() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 150


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_a_hidden_request_is_never_stored(listener: Listener, sent: bytes) -> None:
    with Wire(listener.port) as wire:
        wire.send(sent)
        answers = wire.rest().count(b"HTTP/1.1 ")
    assert answers == 1
    assert ask(listener.port, post()).status == 200
    assert HIDDEN.split()[1] not in [arrival.target for arrival in listener.arrivals]


def test_a_tls_hello_is_refused_at_once_and_named(listener: Listener) -> None:
    with Wire(listener.port, deadline=SOON) as wire:
        assert wire.send(HELLO).response().status == 400
        assert wire.closed()
        refusal = listener.refusal()
        assert refusal.peer == wire.name
    assert refusal.start == HELLO[:200]
    assert refusal.reason == "TLS on the plain port: use http:// here, or whcli listen --tls"
    assert re.fullmatch(r"[ -~]+", refusal.reason)


def test_a_sender_that_goes_away_inside_a_body_is_counted(listener: Listener) -> None:
    for leave in (Wire.close, Wire.reset):
        wire = Wire(listener.port)
        wire.send(field(b"Content-Length: 10") + b"half")
        assert wire.silent(0.05)
        leave(wire)
        refusal = listener.refusal()
        assert (refusal.status, refusal.start[:6]) == (None, b"POST /")
        listener.refusals.clear()


def test_a_body_over_the_limit_gets_its_413_while_it_is_still_being_sent() -> None:
    with listening(Limits(body=1000)) as listener, Wire(listener.port) as wire:
        wire.send(field(b"Content-Length: 3000000"), b"a" * 3_000_000)
        answer = wire.response()
        assert (answer.status, answer.header(b"connection")) == (413, b"close")
        assert answer.body == b"the body is larger than the limit\n"
        assert wire.closed()
        assert listener.refusal().status == 413
        assert ask(listener.port, post(b"a" * 1000)).status == 200


def test_chunks_over_the_limit_get_413() -> None:
    with listening(Limits(body=1000)) as listener, Wire(listener.port) as wire:
        wire.send(CHUNKED + chunked(*[b"a" * 100] * 30_000))
        assert wire.response().status == 413
        assert listener.refusal().status == 413


# Order.


def test_pipelined_requests_are_answered_in_order_whatever_order_the_replies_come_in() -> None:
    later = Later()
    with listening(answer=later) as listener, Wire(listener.port) as wire:
        wire.send(b"".join(post(b"%d" % number) for number in range(3)))
        later.give(listener, 2, Reply(status=202))
        later.give(listener, 1, Reply(status=201))
        assert wire.silent(0.1)
        later.give(listener, 0)
        assert [wire.response().status for _ in range(3)] == [200, 201, 202]


def test_pipelined_requests_byte_by_byte(listener: Listener) -> None:
    requests = [post(b"one"), CHUNKED + chunked(b"t", b"wo"), b"GET /3 HTTP/1.1\r\n\r\n", b"\r\n" + post(b"four")]
    with Wire(listener.port) as wire:
        wire.send_bytewise(b"".join(requests))
        assert [wire.response().status for _ in requests] == [200] * 4
    assert [arrival.body for arrival in listener.arrivals] == [b"one", b"two", b"", b"four"]


def test_garbage_behind_a_good_request_is_refused_after_its_answer() -> None:
    later = Later()
    with listening(answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post(b"good") + b"\x00garbage")
        assert listener.refusal().status == 400
        assert wire.silent(0.1)
        later.give(listener, 0)
        assert [wire.response().status, wire.response().status] == [200, 400]
        assert wire.closed()


def test_nothing_is_read_behind_a_request_that_closes() -> None:
    later = Later()
    with listening(answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post(headers=b"Connection: close\r\n") + post())
        assert wire.silent(0.05)
        wire.send(post())
        assert wire.silent(0.05)
        later.give(listener, 0)
        assert wire.response().status == 200
        assert wire.closed()
        assert (len(listener.arrivals), listener.refusals) == (1, [])


def test_reading_stops_while_too_many_requests_wait() -> None:
    later = Later()
    with listening(Limits(unanswered=5), answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post(b"x") * 200)
        wait_for(lambda: len(later.owed) == 5)
        for number in range(200):
            assert len(later.owed) <= number + 5
            later.give(listener, number)
            assert wire.response().status == 200
        assert len(listener.arrivals) == 200


def test_a_sender_that_reads_no_reply_is_not_read_for_ever_and_is_closed() -> None:
    large = Reply(status=200, body=b"r" * 100_000)
    with (
        listening(replace(BRIEF, unanswered=10_000), lambda _, respond: respond(large)) as listener,
        Wire(listener.port) as wire,
    ):
        wire.send(post() * 2000)
        wait_for(lambda: listener.arrivals)
        wait_for(lambda: listener.connections() == 0)
        assert len(listener.arrivals) < 2000


def test_a_reply_given_twice_is_our_mistake() -> None:
    later = Later()
    with listening(answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post())
        later.give(listener, 0)
        later.give(listener, 0)
        assert wire.response().status == 200
        wait_for(lambda: listener.troubles)
        assert "answered twice" in str(listener.troubles.pop()["exception"])


def test_a_failure_to_accept_gets_500_and_is_told() -> None:
    def fail(arrival: Arrival, respond: Respond) -> None:
        raise ValueError("broken")

    with listening(answer=fail) as listener, Wire(listener.port) as wire:
        assert wire.send(post()).response().status == 500
        assert str(listener.troubles.pop()["exception"]) == "broken"


# Senders that close early.


def test_a_half_closed_sender_still_gets_its_answer() -> None:
    def slowly(arrival: Arrival, respond: Respond) -> None:
        asyncio.get_running_loop().call_later(0.05, respond, OK)

    def send(port: int) -> int:
        with Wire(port) as wire:
            status = wire.send(post()).half_close().response().status
            assert wire.closed()
            return status

    with listening(answer=slowly) as listener, ThreadPoolExecutor(20) as pool:
        assert list(pool.map(send, [listener.port] * 100)) == [200] * 100
        assert len(listener.arrivals) == 100
        wait_for(lambda: listener.connections() == 0)


def test_a_half_closed_pipeline_is_answered_to_its_end() -> None:
    later = Later()
    with listening(answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post() * 3 + field(b"Content-Length: 5") + b"cut").half_close()
        for number in range(3):
            later.give(listener, number)
        assert [wire.response().status for _ in range(3)] == [200] * 3
        assert wire.closed()
        assert listener.refusal().reason == "the sender went away inside a body"


def test_two_hundred_resets_at_random_points(listener: Listener) -> None:
    chance = random.Random(7)
    request = post(b"a" * 500) + CHUNKED + chunked(b"b" * 300, b"c" * 200)
    for _ in range(200):
        wire = Wire(listener.port)
        wire.send(request[: chance.randrange(len(request) + 1)])
        wire.reset()
    wait_for(lambda: listener.connections() == 0)
    assert {arrival.body for arrival in listener.arrivals} <= {b"a" * 500, b"b" * 300 + b"c" * 200}
    assert ask(listener.port, post()).status == 200


def test_a_sender_that_is_gone_before_the_reply_leaves_no_trace() -> None:
    later = Later()
    with listening(answer=later) as listener:
        for _ in range(20):
            wire = Wire(listener.port)
            wire.send(post())
            wait_for(lambda: listener.connections() == 1)
            wait_for(lambda: len(later.owed) == len(listener.arrivals) > 0)
            wire.reset()
            wait_for(lambda: listener.connections() == 0)
        for number in range(len(later.owed)):
            later.give(listener, number)
        assert len(later.owed) == 20
        assert listener.refusals == []


# Time.


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"", None, id="silence"),
        pytest.param(b"POST", 408, id="half a line"),
        pytest.param(START, 408, id="half a head"),
        pytest.param(b"\r\n", None, id="an empty line"),
        pytest.param(field(b"Content-Length: 9") + b"half", 408, id="half a body"),
        pytest.param(field(b"Content-Length: 9"), 408, id="no body"),
        pytest.param(CHUNKED + b"5\r\nhe", 408, id="half a chunk"),
        pytest.param(CHUNKED + b"4000000000000000\r\nhe", 408, id="a chunk of 2^62 bytes"),
    ],
)
def test_a_sender_that_stops_is_cut_off(sent: bytes, status: int | None) -> None:
    with listening(BRIEF) as listener, Wire(listener.port) as wire:
        started = time.monotonic()
        wire.send(sent)
        if status is not None:
            assert wire.response().status == status
            assert listener.refusal().status == status
        assert wire.closed()
        assert 0.2 < time.monotonic() - started < SOON
        assert status is not None or listener.refusals == []


def drip(wire: Wire, start: bytes, drop: bytes, pause: float = 0.03) -> bytes:
    """Send the start, then drops until an answer comes, soon; the answer and all behind it."""
    wire.send(start)
    end = time.monotonic() + SOON
    while wire.silent(pause):
        assert time.monotonic() < end, "still not cut off"
        wire.send(drop)
    wire.socket.settimeout(5)
    return wire.rest()


@pytest.mark.parametrize(("start", "drop"), [(b"", b"\r\n"), (b"\r", b"\n\r")], ids=["whole", "in halves"])
def test_a_sender_of_empty_lines_only_is_idle(start: bytes, drop: bytes) -> None:
    with listening(BRIEF) as listener, Wire(listener.port) as wire:
        assert drip(wire, start, drop) == b""
        assert listener.refusals == []


@pytest.mark.parametrize(
    ("start", "drop", "reason"),
    [
        pytest.param(START + b"X: ", b"a", "the head took too long", id="a head"),
        pytest.param(field(b"Content-Length: 1000"), b"a", "the body came too slowly", id="a body"),
        pytest.param(CHUNKED, b"1\r\na\r\n", "the body came too slowly", id="chunks"),
        pytest.param(CHUNKED + b"1;", b"e", "the body came too slowly", id="an extension"),
    ],
)
def test_a_sender_that_drips_is_cut_off(start: bytes, drop: bytes, reason: str) -> None:
    with listening(BRIEF) as listener, Wire(listener.port) as wire:
        assert drip(wire, start, drop).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert (listener.refusal().status, listener.refusal().reason) == (408, reason)


def test_a_body_that_was_fast_and_then_stops_is_cut_off() -> None:
    with listening(replace(BRIEF, body_grace=60)) as listener, Wire(listener.port) as wire:
        wire.send(field(b"Content-Length: 100001"), b"a" * 100_000)
        assert wire.response().status == 408
        assert listener.refusal().reason == "no more of the body came"


def test_a_body_that_keeps_the_pace_is_not_cut_off() -> None:
    with listening(BRIEF) as listener, Wire(listener.port) as wire:
        wire.send(field(b"Content-Length: 5000"))
        for _ in range(10):
            wire.send(b"a" * 500)
            time.sleep(0.1)  # ten of them: three times as long as an idle or a slow body may last
        assert wire.response().status == 200
        assert listener.refusals == []


def test_a_resting_connection_is_closed_after_the_keep_alive_time() -> None:
    with listening(BRIEF) as listener, Wire(listener.port) as wire:
        wire.send(post()).response()
        started = time.monotonic()
        assert wire.closed()
        assert 0.5 < time.monotonic() - started < SOON
        assert listener.refusals == []


def test_a_sender_that_waits_for_our_reply_is_never_cut_off() -> None:
    later = Later()
    with listening(BRIEF, answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post())
        assert wire.silent(1.5)
        later.give(listener, 0)
        assert wire.response().status == 200
        assert wire.send(post()).silent(0.1)


def test_a_refused_sender_that_never_stops_sending_is_cut_off() -> None:
    def pour() -> None:
        with pytest.raises(ConnectionError):
            while True:
                wire.send(b"a" * 65536)

    with listening(replace(BRIEF, body=10)) as listener, Wire(listener.port) as wire:
        wire.send(field(b"Content-Length: 11"))
        assert wire.response().status == 413
        pour()
        wait_for(lambda: listener.connections() == 0)


# Connections.


def test_the_longest_idle_connection_makes_room() -> None:
    with listening(Limits(connections=4)) as listener, ExitStack() as stack:
        wires = [stack.enter_context(Wire(listener.port)) for _ in range(4)]
        for wire in (*wires, wires[0]):
            wire.send(post()).response()
            time.sleep(0.01)  # the loop's clock may count in milliseconds
        with Wire(listener.port) as newest:
            assert newest.send(post()).response().status == 200
        assert wires[1].closed()
        for wire in (wires[0], wires[2], wires[3]):
            assert wire.send(post()).response().status == 200
        assert listener.refusals == []


def test_an_idle_connection_makes_room_before_a_stuck_request() -> None:
    with (
        listening(Limits(connections=2)) as listener,
        Wire(listener.port) as stuck,
        Wire(listener.port) as idle,
    ):
        stuck.send(START)
        assert stuck.silent(0.05)
        idle.send(post()).response()
        with Wire(listener.port) as newest:
            assert newest.send(post()).response().status == 200
            assert idle.closed()
            assert stuck.send(b"\r\n").response().status == 200


def test_a_stuck_request_makes_room_before_one_that_waits_for_our_reply() -> None:
    later = Later()
    with (
        listening(Limits(connections=2), answer=later) as listener,
        Wire(listener.port) as waits,
        Wire(listener.port) as stuck,
    ):
        waits.send(post())
        stuck.send(START)
        wait_for(lambda: later.owed)
        assert stuck.silent(0.05)
        with Wire(listener.port) as newest:
            newest.send(post())
            assert stuck.closed()
            assert "to make room" in listener.refusal().reason
            with Wire(listener.port) as too_many:
                assert too_many.closed()
            later.give(listener, 0)
            later.give(listener, 1)
            assert [waits.response().status, newest.response().status] == [200, 200]


# Details of HTTP.


def test_100_continue_comes_before_the_body_and_only_if_the_head_is_acceptable(listener: Listener) -> None:
    with Wire(listener.port) as wire:
        wire.send(field(b"Expect: 100-Continue\r\nContent-Length: 2"))
        assert wire.response().head == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert wire.send(b"hi").response().status == 200
        wire.send(field(b"Expect: 100-continue\r\nTransfer-Encoding: chunked"))
        assert wire.response().status == 100
        assert wire.send(chunked(b"hi")).response().status == 200
        wire.send(field(b"Expect: 100-continue\r\nContent-Length: 26214401"))
        assert wire.response().status == 413


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(field(b"Expect: 100-continue\r\nContent-Length: 2") + b"hi", id="the body is there"),
        pytest.param(field(b"Expect: 100-continue\r\nContent-Length: 0"), id="no body"),
        pytest.param(field(b"Expect: 100-continue"), id="no length"),
        pytest.param(field(b"Expect: 200-ok\r\nContent-Length: 2") + b"hi", id="another expectation"),
    ],
)
def test_no_100_continue_where_nobody_waits_for_it(listener: Listener, request_: bytes) -> None:
    assert ask(listener.port, request_).status == 200


def test_no_100_continue_once_some_of_the_body_is_there(listener: Listener) -> None:
    with Wire(listener.port) as wire:
        wire.send(field(b"Expect: 100-continue\r\nContent-Length: 2") + b"h")
        assert wire.silent(0.1)
        assert wire.send(b"i").response().status == 200


def test_no_100_continue_for_http_1_0(listener: Listener) -> None:
    with Wire(listener.port) as wire:
        wire.send(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert wire.silent(0.1)
        assert wire.send(b"hi").response().status == 200


def test_100_continue_waits_for_the_replies_before_it() -> None:
    later = Later()
    with listening(answer=later) as listener, Wire(listener.port) as wire:
        wire.send(post() + field(b"Expect: 100-continue\r\nContent-Length: 2"))
        assert wire.silent(0.1)
        later.give(listener, 0)
        assert [wire.response().status, wire.response().status] == [200, 100]
        wire.send(b"hi")
        later.give(listener, 1)
        assert wire.response().status == 200


@pytest.mark.parametrize(
    ("line", "header", "stays"),
    [
        (b"POST / HTTP/1.1", b"X: 1", True),
        (b"POST / HTTP/1.1", b"Connection: keep-alive", True),
        (b"POST / HTTP/1.1", b"Connection: close", False),
        (b"POST / HTTP/1.1", b"connection: x, CLOSE", False),
        (b"POST / HTTP/1.0", b"X: 1", False),
        (b"POST / HTTP/1.0", b"Connection: Keep-Alive", True),
    ],
    ids=lambda part: part.decode() if isinstance(part, bytes) else "goes on" if part else "closes",
)
def test_the_connection_goes_on_where_both_sides_want_it(
    listener: Listener, line: bytes, header: bytes, stays: bool
) -> None:
    with Wire(listener.port) as wire:
        answer = wire.send(b"%b\r\n%b\r\n\r\n" % (line, header)).response()
        if stays:
            assert answer.header(b"connection") == (b"keep-alive" if b"1.0" in line else None)
            assert wire.send(post()).response().status == 200
        else:
            assert answer.header(b"connection") == b"close"
            assert wire.closed()


Written = tuple[Reply, bytes]
REPLIES: dict[str, Written] = {
    "200": (OK, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a body": (Reply(status=201, body=b"hi"), b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi"),
    "a code nobody knows": (Reply(status=299), b"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"),
    "599": (Reply(status=599), b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"),
    "a reason of its own": (Reply(status=200, reason="Fine"), b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n"),
    "204": (Reply(status=204, body=b"no"), b"HTTP/1.1 204 No Content\r\n\r\n"),
    "304": (Reply(status=304, body=b"no"), b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "headers as given": (
        Reply(status=200, headers=((b"x-A", b"1"), (b"X-a", b"\xff 2"), (b"content-LENGTH", b"2")), body=b"hi"),
        b"HTTP/1.1 200 OK\r\nx-A: 1\r\nX-a: \xff 2\r\ncontent-LENGTH: 2\r\n\r\nhi",
    ),
    "a coding that was undone": (
        Reply(status=200, headers=((b"Transfer-Encoding", b"chunked"),), body=b"hi"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ),
}


@pytest.mark.parametrize(("reply", "written"), REPLIES.values(), ids=REPLIES.keys())
def test_replies_are_written_exactly(reply: Reply, written: bytes) -> None:
    head, end, body = written.partition(b"\r\n\r\n")
    with listening(answer=lambda _, respond: respond(reply)) as listener, Wire(listener.port) as wire:
        for _ in range(3):  # the bytes of the usual reply are kept; the third is such a one
            answer = wire.send(post()).response()
            assert answer.head + answer.body == written
        assert wire.send(b"HEAD / HTTP/1.1\r\n\r\n").response(to_head=True).head == head + end
        assert wire.send(post(headers=b"Connection: close\r\n")).rest() == head + b"\r\nConnection: close" + end + body


@pytest.mark.parametrize(
    "header", [(b"Connection", b"close"), (b"Content-Length", b"1")], ids=["it says so", "its length is not true"]
)
def test_a_reply_after_which_nothing_can_follow_closes(header: tuple[bytes, bytes]) -> None:
    reply = Reply(status=200, headers=(header,), body=b"hi")
    with listening(answer=lambda _, respond: respond(reply)) as listener, Wire(listener.port) as wire:
        assert wire.send(post()).rest().endswith(b"\r\n\r\nhi")


def test_a_refusal_answers_a_head_request_without_a_body(listener: Listener) -> None:
    with Wire(listener.port) as wire:
        got = wire.send(b"HEAD / HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n").rest()
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.endswith(b"\r\n\r\n")


def test_everything_that_closes_gets_a_response_that_is_whole(listener: Listener) -> None:
    """A refusal is a response like any other: readable by a strict client, and marked as the last one."""
    sends: list[Callable[[], bytes]] = [lambda: b"\x00", lambda: field(b"X : 1"), lambda: CHUNKED + b"x\r\n"]
    for send in sends:
        with Wire(listener.port) as wire:
            answer = wire.send(send()).response()
            assert answer.header(b"connection") == b"close"
            assert answer.header(b"content-type") == b"text/plain"
            assert answer.body.endswith(b"\n")
            assert wire.closed()
