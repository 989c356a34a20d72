"""Sending, against plain sockets: what goes out byte for byte, what comes back, and every way it can fail.

`send` runs every case twice, by httpx and by our own writer: a user must not be able to tell them apart.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread, Timer
from typing import Any

import h11
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.captured import BREAKS, FRAMINGS, PLACES, broken, event_of, post
from tests.receivers import OK, Receiver, certificate, closed_port, say_and_close, split
from whcli.hands.sending.client import Answer, Client, Destination, why_own
from whcli.hands.sending.wire import Limits, Wires, request_bytes
from whcli.rules.outgoing import replay_of, with_length
from whcli.rules.text import words
from whcli.words.errors import Exit, NoReply, Unreachable, WhcliError, WrongUsage
from whcli.words.event import Event, Headers, Outgoing, Reply

MIB = 1024 * 1024

Send = Callable[..., Answer]


@pytest.fixture(params=["by httpx", "by our own writer"])
def send(request: pytest.FixtureRequest) -> Send:
    """Send one request with a client of its own; the client's settings can be given."""

    def send(outgoing: Outgoing, **given: Any) -> Answer:
        return run(outgoing, own_writer=request.param != "by httpx", **given)[0]

    return send


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def run(*requests: Outgoing, timeout: float | None = 10, **given: Any) -> list[Answer]:
    """Send requests one after another with one client."""

    async def session() -> list[Answer]:
        async with Client(timeout=timeout, **given) as client:
            return [await client.send(outgoing) for outgoing in requests]

    return asyncio.run(session())


def to(receiver: Receiver | str, method: bytes = b"POST", target: bytes = b"/in", body: bytes = b"{}") -> Outgoing:
    """A small request to a receiver or a URL."""
    url = receiver if isinstance(receiver, str) else receiver.url
    head = (
        method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n" + (b"Content-Length: %d\r\n" % len(body) if body else b"")
    )
    return replay_of(event_of(head + b"\r\n", body), url)


def arrived(receiver: Receiver, send: Callable[[Outgoing], object], outgoing: Outgoing) -> bytes:
    """Send, and give what came."""
    count = len(receiver.requests)
    send(outgoing)
    return receiver.wait(count + 1)[count]


# ------------------------------------------------------------------------------------------------ bytes on the wire

PLAIN: Headers = (
    (b"x-B", b"2"),
    (b"X-a", b"1"),
    (b"X-B", b"caf\xe9"),
    (b"Number", b"007"),
    (b"Empty", b""),
    (b"x-b", b"2"),
)

# Each of these was changed on its way by one of the other tools.
BODIES = {
    "odd spacing and numbers in JSON": b'{ "b":1.0 ,\t"a":"\\u00e9", "a": 1e2}\r\n',
    "duplicate keys": b'{"a":1,"a":2}',
    "a form": b"payload=%7B%22a%22%3A1%7D&b=a+b",
    "XML": b"<?xml version='1.0'?><a>\xe9</a>",
    "multipart": b"--AaB\r\nContent-Disposition: form-data; name=x\r\n\r\n\x00\xff\r\n--AaB--\r\n",
    "nothing": b"",
    "bytes that are no text": b"\x80\xff\x00",
    "percent, backslash, newline at the end": b"50% off \\n\n",
    "a shell's favourites": b"$(touch x) `x`",
    "gzip": gzip.compress(b"{}"),
    "a request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "every byte": bytes(range(256)),
}


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_goes_out_is_exactly_what_was_made(receiver: Receiver, send: Send, method: bytes, body: bytes) -> None:
    target = b"/a//b%2Fc/%7Bd%7D/{e}/../f;x?q=%zz&q=a+b"
    outgoing = replace(to(receiver, method, target, body), headers=with_length((*host(receiver), *PLAIN), body))
    assert arrived(receiver, send, outgoing) == (
        method + b" /a//b%2Fc/%7Bd%7D/{e}/../f;x?q=%zz&q=a+b HTTP/1.1\r\nHost: " + host(receiver)[0][1] + b"\r\n"
        b"x-B: 2\r\nX-a: 1\r\nX-B: caf\xe9\r\nNumber: 007\r\nEmpty: \r\nx-b: 2\r\n"
        + (b"Content-Length: %d\r\n\r\n" % len(body) if body else b"\r\n")
        + body
    )


def host(receiver: Receiver) -> Headers:
    return ((b"Host", b"localhost:%d" % receiver.port),)


REFUSED_BY_HTTPX = {
    "a lower-case method": {"method": b"post"},
    "a method of mixed case": {"method": b"Notify"},
    "CONNECT": {"method": b"CONNECT", "target": b"hooks.example:443"},
    "a target that is not ASCII": {"target": b"/caf\xc3\xa9?\xff"},
    "two Hosts": {"headers": ((b"Host", b"a"), (b"X", b"1"), (b"Host", b"b"), (b"Content-Length", b"2"))},
    "Host that is not first": {"headers": ((b"X", b"1"), (b"Host", b"a"), (b"Content-Length", b"2"))},
    "a form feed in a value": {"headers": ((b"Host", b"a"), (b"X", b"a\x0cb\x0b"), (b"Content-Length", b"2"))},
    "white space around a value": {"headers": ((b"Host", b"a"), (b"X", b" 1\t"), (b"Content-Length", b"2"))},
    "an odd header name": {"headers": ((b"Host", b"a"), (b"X(\xe9)", b"1"), (b"Content-Length", b"2"))},
    "no Host": {"headers": ((b"X", b"1"), (b"Content-Length", b"2"))},
    "no header at all": {"headers": (), "body": b""},
}


@pytest.mark.parametrize("odd", REFUSED_BY_HTTPX.values(), ids=REFUSED_BY_HTTPX.keys())
def test_what_httpx_refuses_or_changes_goes_out_as_it_is(receiver: Receiver, send: Send, odd: dict[str, Any]) -> None:
    outgoing = replace(to(receiver), **odd)
    assert why_own(outgoing)
    raw = arrived(receiver, send, outgoing)
    line, headers, body = split(raw)
    assert line == outgoing.method + b" " + outgoing.target + b" HTTP/1.1"
    assert headers == [(name, b" " + value) for name, value in outgoing.headers]
    assert body == outgoing.body


@pytest.mark.parametrize("method", [b"M-SEARCH", b"QUERY", b"X!#$%&'*+.^_`|~1"], ids=bytes.decode)
def test_unknown_methods_go_out(receiver: Receiver, send: Send, method: bytes) -> None:
    assert arrived(receiver, send, to(receiver, method)).startswith(method + b" /in HTTP/1.1\r\n")


token = st.from_regex(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}", fullmatch=True)
value = st.binary(max_size=30).map(lambda data: data.translate(None, b"\x00\r\n").strip(b" \t"))
target = st.binary(min_size=1, max_size=30).map(lambda data: re.sub(rb"[\x00-\x20\x7f]", b"/", data))
unframed = token.filter(lambda name: name.lower() not in (b"content-length", b"transfer-encoding", b"host"))


@settings(max_examples=300, deadline=None)
@given(token, target, st.lists(st.tuples(unframed, value), max_size=8), st.booleans())
@example(b"POST", b"/", [(b"X", b"a\x1bb")], True)
@example(b"POST", b"/", [(b"X", b"a\x85b\xa0")], True)
def test_the_table_of_what_httpx_sends_unchanged_agrees_with_h11(
    method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], first: bool
) -> None:
    fields = [(b"Host", b"x"), *headers] if first else [*headers, (b"Host", b"x")]
    outgoing = Outgoing(method=method, url="http://x", target=target, headers=tuple(fields))
    if why_own(outgoing) is None:
        sent = h11.Connection(h11.CLIENT).send(h11.Request(method=method, target=target, headers=fields))
        assert sent == request_bytes(outgoing)
        assert method == method.upper()


def test_a_large_body_arrives(send: Send) -> None:
    body = bytes(range(256)) * 4 * 1024 * 25  # 25 MiB, the listener's limit
    with Receiver() as receiver:
        raw = arrived(receiver, send, to(receiver, body=body))
    assert hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).digest() == hashlib.sha256(body).digest()


# ------------------------------------------------------------------------- captured, replayed, received: the round trip


def unprinted(event: Event, outgoing: Outgoing, received: bytes) -> list[str]:
    """Differences between a capture and what was received that no line of `changes` tells.

    It walks the raw head beside the received one, and lets each differing line pass only for the words that say so.
    """
    said = outgoing.changes
    line, got, body = split(received)
    method, target, version = line.split(b" ")
    differs = {
        "body": body != event.body,
        "method": method != event.method,
        "target": target != event.target and f"target {words(event.target)} → {words(target)}" not in said,
        "version": event.version != "1.1" and f"HTTP/{event.version} → {version.decode()}" not in said,
        "trailers": bool(event.trailers) and not any(change.startswith("trailers left out") for change in said),
    }
    here, untold = 0, [what for what, differing in differs.items() if differing]
    for name, rest in split(event.head)[1]:
        while here < len(got) and got[here] != (name, rest) and _added(said, *got[here]):
            here += 1
        there = got[here] if here < len(got) else (b"", b"")
        kept, told = _walk(said, name, rest, *there)
        here += kept
        if not told:
            untold.append(f"{name!r}:{rest!r} became {there!r}")
    return untold + [f"{pair!r} added" for pair in got[here:] if not _added(said, *pair)]


def _walk(said: tuple[str, ...], name: bytes, old: bytes, there: bytes, new: bytes) -> tuple[bool, bool]:
    """Whether a captured header line is the received one beside it, and whether its difference is told."""
    if (there, new) == (name, old):
        return True, True
    if name.lower() == b"host":
        return there == name, f"Host {words(old.strip())} → {words(new.strip())}" in said
    if name.lower() in (b"content-length", b"transfer-encoding"):
        return there.lower() == b"content-length", any(f"→ Content-Length: {words(new.strip())}" in one for one in said)
    if there == name and new == b" " + old.strip(b" \t"):
        return True, _lists(said, "one space before", name)
    return False, _lists(said, "left out, only for the old connection", name)


def _added(said: tuple[str, ...], name: bytes, value: bytes) -> bool:
    return f"{words(name)}: {words(value.strip())} added" in said


def _lists(said: tuple[str, ...], start: str, name: bytes) -> bool:
    return any(words(name) in change.partition(": ")[2].split(", ") for change in said if change.startswith(start))


hop_by_hop = st.sampled_from(
    [b"Connection: close, X-Gone", b"X-Gone: 1", b"te: trailers", b"Upgrade: h2c", b"Proxy-X: 1"]
)
space = st.sampled_from([b" ", b"", b"  ", b"\t", b" \t "])
tidy = st.builds(lambda name, value: name + b": " + value, unframed, value)
untidy = st.builds(
    lambda name, before, value, after: name + b":" + before + value + after, unframed, space, value, space
)
hosts = st.sampled_from([b"Host: hooks.example", b"host:hooks.example ", b"Host: "])
framings = st.sampled_from([b"Content-Length", b"content-length", b"Transfer-Encoding", b""])


@st.composite
def captures(draw: st.DrawFn) -> Event:
    """A request as a listener could have got it."""
    body = draw(st.binary(max_size=300))
    lines = draw(st.lists(st.one_of(tidy, untidy, hop_by_hop), max_size=8))
    framing = draw(framings)
    if framing.lower() == b"transfer-encoding":
        lines.insert(draw(st.integers(0, len(lines))), framing + b": chunked")
    elif framing:
        lines.insert(draw(st.integers(0, len(lines))), framing + b": %d" % len(body))
    for line in draw(st.lists(hosts, max_size=2)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    start = draw(token) + b" " + draw(st.one_of(target, target.map(lambda path: b"/" + path)))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    trailers = ((b"X-Sum", b"1"),) if framing == b"Transfer-Encoding" and draw(st.booleans()) else ()
    chunked = framing.lower() == b"transfer-encoding"
    head = b"\r\n".join([start + b" HTTP/" + version, *lines, b"", b""])
    return event_of(head, body if framing or chunked else b"", trailers)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captures(), st.sampled_from(["", "/", "/hooks", "/hooks?a=1"]))
def test_a_round_trip_changes_nothing_that_is_not_printed(
    receiver: Receiver, send: Send, event: Event, path: str
) -> None:
    outgoing = replay_of(event, receiver.url + path)
    assert unprinted(event, outgoing, arrived(receiver, send, outgoing)) == []


def test_the_walk_of_the_round_trip_can_fail() -> None:
    event = event_of(b"POST /a HTTP/1.1\r\nHost: x\r\nA: 1\r\nB:  2\r\nTE: x\r\n\r\n", b"{}", ((b"T", b"1"),))
    silent = Outgoing(method=b"POST", url="http://x", target=b"/", headers=())
    received = b"post /b HTTP/1.1\r\nHost: y\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"
    found = unprinted(event, silent, received)
    assert len(found) >= 7, found


@pytest.mark.parametrize("lines", sorted(set(FRAMINGS)), ids=lambda lines: b" ".join(lines).decode())
def test_framing_on_the_wire_is_never_double(receiver: Receiver, send: Send, lines: tuple[bytes, ...]) -> None:
    event = post(b"Host: x", b"Connection: keep-alive", b"TE: trailers", *lines, body=b"abc")
    _, headers, body = split(arrived(receiver, send, replay_of(event, receiver.url)))
    assert [name.lower() for name, _ in headers if name != b"X"] == [b"host", b"content-length"]
    assert body == b"abc"


@pytest.mark.parametrize("text", BREAKS, ids=repr)
@pytest.mark.parametrize("place", PLACES)
def test_a_line_break_or_nul_means_not_one_byte_is_sent(send: Send, place: str, text: bytes) -> None:
    event = broken(place, text)
    made_by_hand = Outgoing(method=event.method, url="", target=event.target, headers=event.headers)
    with Receiver() as receiver:
        with pytest.raises(WrongUsage, match="nothing was sent"):
            send(replace(made_by_hand, url=receiver.url))
        assert (receiver.connections, receiver.requests, receiver.stray) == (0, [], b"")


@pytest.mark.parametrize("text", ["\r\nX-Evil: 1", "\n", "\r", "\x00", " HTTP/1.1\r\n\r\nGET /"], ids=repr)
def test_a_line_break_in_the_target_url_means_not_one_byte_is_sent(send: Send, text: str) -> None:
    with Receiver() as receiver:
        with pytest.raises(WrongUsage):
            send(replay_of(post(b"Host: x"), f"{receiver.url}/a{text}b"))
        assert receiver.connections == 0


# ----------------------------------------------------------------------------------------------------------- replies

REPLIES: dict[str, tuple[bytes, Reply]] = {
    "headers in order, case and repeats": (
        b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nX-A: caf\xe9\r\nSet-Cookie: b=2\r\nE:\r\nContent-Length: 2\r\n\r\nok",
        Reply(
            status=200,
            reason="OK",
            headers=(
                (b"set-cookie", b"a=1"),
                (b"X-A", b"caf\xe9"),
                (b"Set-Cookie", b"b=2"),
                (b"E", b""),
                (b"Content-Length", b"2"),
            ),
            body=b"ok",
        ),
    ),
    "white space around values": (
        b"HTTP/1.1 200 OK\r\nX: \t 1 \t\r\nContent-Length: 0\r\n\r\n",
        Reply(status=200, reason="OK", headers=((b"X", b"1"), (b"Content-Length", b"0"))),
    ),
    "chunks, an extension and trailers": (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 1\r\n\r\n",
        Reply(status=201, reason="Created", headers=((b"Transfer-Encoding", b"chunked"),), body=b"abc"),
    ),
    "interim replies first": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\nA: 1\r\n"
        b"Content-Length: 1\r\n\r\nx",
        Reply(status=202, reason="Accepted", headers=((b"A", b"1"), (b"Content-Length", b"1")), body=b"x"),
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(status=204, reason="No Content")),
    "304 with a length": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        Reply(status=304, reason="Not Modified", headers=((b"Content-Length", b"9"),)),
    ),
    "no reason": (
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        Reply(status=200, headers=((b"Content-Length", b"0"),)),
    ),
    "a reason in Latin-1": (
        b"HTTP/1.1 500 D\xe9faut interne\r\nContent-Length: 0\r\n\r\n",
        Reply(status=500, reason="Défaut interne", headers=((b"Content-Length", b"0"),)),
    ),
    "gzip is not undone": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
        Reply(
            status=200,
            reason="OK",
            headers=((b"Content-Encoding", b"gzip"), (b"Content-Length", b"4")),
            body=b"\x1f\x8b\x08\x00",
        ),
    ),
}


@pytest.mark.parametrize(("raw", "reply"), REPLIES.values(), ids=REPLIES.keys())
def test_replies(send: Send, raw: bytes, reply: Reply) -> None:
    with Receiver(raw) as receiver:
        answer = send(to(receiver))
    assert answer.reply == reply
    assert 0 < answer.latency < 10


@pytest.mark.parametrize(("raw", "reply"), REPLIES.values(), ids=REPLIES.keys())
def test_replies_that_come_byte_by_byte(send: Send, raw: bytes, reply: Reply) -> None:
    def talk(connection: socket.socket, _: bytes) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in raw:
            connection.sendall(bytes([byte]))
        return True

    with Receiver(talk) as receiver:
        assert send(to(receiver)).reply == reply


UNFRAMED = [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"]


@pytest.mark.parametrize("head", UNFRAMED, ids=bytes.decode)
@pytest.mark.parametrize("body", [b"", b"to the end\r\n\r\n"])
def test_a_reply_without_framing_ends_with_the_connection(send: Send, head: bytes, body: bytes) -> None:
    with Receiver(say_and_close(head + body)) as receiver:
        assert send(to(receiver)).reply.body == body


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked", b"X: y"], ids=bytes.decode)
def test_a_reply_to_head_has_no_body(send: Send, framing: bytes) -> None:
    with Receiver(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n") as receiver:
        reply = send(to(receiver, b"HEAD", body=b"")).reply
    assert (reply.status, reply.body, reply.truncated) == (200, b"", False)


def test_a_reply_to_connect_has_no_body(send: Send) -> None:
    with Receiver(b"HTTP/1.1 200 OK\r\n\r\n") as receiver:
        assert send(to(receiver, b"CONNECT", b"x:443", b"")).reply.status == 200


@pytest.mark.parametrize(("size", "kept", "truncated"), [(99, 99, False), (100, 100, False), (101, 100, True)])
def test_a_body_is_kept_up_to_the_limit_and_flagged_beyond(send: Send, size: int, kept: int, truncated: bool) -> None:
    with Receiver(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size) as receiver:
        reply = send(to(receiver), reply_limit=100).reply
    assert (len(reply.body), reply.truncated) == (kept, truncated)


def endless(head: bytes, piece: bytes) -> Callable[[socket.socket, bytes], None]:
    """Say something without an end, until the other side has had enough."""

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return talk


def test_an_endless_reply_is_cut_and_takes_no_memory(send: Send) -> None:
    with Receiver(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * MIB)) as receiver:
        tracemalloc.start()
        reply = send(to(receiver), timeout=60).reply
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (len(reply.body), reply.truncated) == (MIB, True)
    assert peak < 16 * MIB


def test_a_bomb_stays_packed(send: Send) -> None:
    bomb = gzip.compress(bytes(64 * MIB), 1)
    with Receiver(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    ) as receiver:
        reply = send(to(receiver)).reply
    assert (reply.body, reply.truncated) == (bomb, False)


def test_a_reply_before_the_request_was_read_is_heard(send: Send) -> None:
    """A handler with a limit answers 413 after the head, and takes the rest without looking at it."""

    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(MIB):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        outgoing = to(f"http://127.0.0.1:{server.getsockname()[1]}", body=b"x" * 8 * MIB)
        assert send(outgoing).reply.status == 413
        thread.join(10)


# ---------------------------------------------------------------------------------------------------- no whole reply

HEAD = b"HTTP/1.1 200 OK\r\n"
BROKEN = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a head": HEAD + b"Content-Le",
    "half a body": HEAD + b"Content-Length: 10\r\n\r\nabc",
    "no body": HEAD + b"Content-Length: 10\r\n\r\n",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\na\r\nabc",
    "no last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    "only interim replies": b"HTTP/1.1 100 Continue\r\n\r\n",
    "text": b"hello\r\n\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "a line that is no header": HEAD + b"nonsense\r\n\r\n",
    "a length that is no number": HEAD + b"Content-Length: many\r\n\r\nabc",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a chunk that has no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "NUL in a header": HEAD + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_reply_does_not_hold(send: Send, raw: bytes) -> None:
    with Receiver(say_and_close(raw)) as receiver, pytest.raises(NoReply) as failed:
        send(to(receiver))
    assert failed.value.exit == Exit.DOES_NOT_HOLD
    assert failed.value.message.startswith(f"localhost:{receiver.port} ")
    assert failed.value.message.isprintable()


def test_a_reset_in_the_middle_of_a_reply_without_framing_does_not_hold(send: Send) -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\npart")
        assert read.wait(5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends RST

    read = Flag()
    with Receiver(talk) as receiver, pytest.raises(NoReply):
        Timer(0.1, read.set).start()  # after the part; before it the reset is as much an end without a reply
        send(to(receiver))


def test_headers_without_an_end_do_not_hold(send: Send) -> None:
    with Receiver(endless(HEAD, b"X: " + b"x" * 1000 + b"\r\n")) as receiver, pytest.raises(NoReply):
        send(to(receiver))


@pytest.mark.parametrize(
    "part", [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\nabc"], ids=["nothing", "a head", "a part"]
)
def test_a_reply_that_takes_too_long_does_not_hold(send: Send, part: bytes) -> None:
    over = Flag()

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(part)
        over.wait(10)

    with Receiver(talk) as receiver:
        with pytest.raises(NoReply, match=r"no whole reply within 0\.2 s") as failed:
            send(to(receiver), timeout=0.2)
        over.set()
    assert (failed.value.exit, failed.value.code) == (Exit.DOES_NOT_HOLD, "reply_timeout")


def test_a_reply_that_drips_for_ever_does_not_hold(send: Send) -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\n")
        while not over.wait(0.02):
            connection.sendall(b".")

    over = Flag()
    with Receiver(talk) as receiver:
        with pytest.raises(NoReply):
            send(to(receiver), timeout=0.2)
        over.set()


def test_without_a_timeout_a_slow_reply_is_awaited(send: Send) -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        assert not Flag().wait(0.3)
        connection.sendall(OK)

    with Receiver(talk) as receiver:
        assert send(to(receiver), timeout=None).latency > 0.25


# ------------------------------------------------------------------------------------------------------- unreachable


def test_nobody_listening(send: Send) -> None:
    port = closed_port()
    with pytest.raises(Unreachable, match=f"nothing is listening on localhost:{port}") as failed:
        send(to(f"http://localhost:{port}"))
    assert (failed.value.exit, failed.value.code, failed.value.next) == (5, "refused", "start it, then try again")


def test_the_next_line_names_the_command_to_repeat() -> None:
    async def session() -> None:
        async with Client(timeout=1, own_writer=True) as client:
            await client.send(to(f"http://localhost:{closed_port()}"), again="whcli replay 137")

    with pytest.raises(Unreachable) as failed:
        asyncio.run(session())
    assert failed.value.next == "start it, then: whcli replay 137"


def test_a_name_that_is_not_known(send: Send) -> None:
    with pytest.raises(Unreachable, match=r"host name of nowhere\.invalid") as failed:
        send(to("http://nowhere.invalid/"))  # .invalid never resolves: RFC 6761 section 6.4
    assert failed.value.code == "dns"


def test_a_connection_that_never_comes_about(send: Send) -> None:
    """The server's system takes the connection, but nobody answers the TLS hello."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outgoing = to(f"https://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"no connection within 0\.2 s") as failed:
            send(outgoing, connect_timeout=0.2)
    assert failed.value.code == "connect_timeout"


def test_the_next_address_is_tried(send: Send) -> None:
    """`localhost` is ::1 and 127.0.0.1 nearly everywhere; the server is on only one of them."""
    with Receiver(host="127.0.0.1") as receiver:
        assert send(to(f"http://localhost:{receiver.port}")).reply.status == 200


def test_ipv6(send: Send) -> None:
    try:
        six = Receiver(host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with six as receiver:
        raw = arrived(receiver, send, to(f"http://[::1]:{receiver.port}"))
    assert b"\r\nHost: [::1]:%d\r\n" % receiver.port in raw


# ---------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost", "hooks.example")


@pytest.fixture(scope="module")
def secure(pem: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with Receiver(tls=context) as receiver:
        yield receiver


def test_tls_to_a_trusted_server(secure: Receiver, send: Send, pem: Path) -> None:
    raw = arrived(secure, lambda outgoing: send(outgoing, verify=str(pem)), to(secure, target=b"/a/../b"))
    assert raw.startswith(b"POST /a/../b HTTP/1.1\r\nHost: localhost:")


def test_tls_with_any_certificate(secure: Receiver, send: Send) -> None:
    assert send(to(secure), verify=False).reply.status == 200


def test_tls_to_a_server_nobody_vouches_for(secure: Receiver, send: Send) -> None:
    with pytest.raises(Unreachable, match=r"is not trusted here: self.signed certificate") as failed:
        send(to(secure))
    assert failed.value.code == "tls"


def test_tls_to_a_server_of_another_name(secure: Receiver, send: Send, pem: Path) -> None:
    with pytest.raises(Unreachable, match="is not trusted here") as failed:
        send(to(f"https://127.0.0.1:{secure.port}"), verify=str(pem))
    assert failed.value.code == "tls"


def test_tls_to_a_server_that_speaks_plain_http(send: Send) -> None:
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        outgoing = to(f"https://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"no TLS with 127\.0\.0\.1") as failed:
            send(outgoing)
        thread.join(10)
    assert (failed.value.code, "http://" in failed.value.next) == ("tls", True)


def test_plain_http_to_a_server_that_speaks_tls(secure: Receiver, send: Send) -> None:
    with pytest.raises(NoReply):
        send(to(f"http://localhost:{secure.port}"))


def test_a_reply_over_tls_that_ends_with_the_connection(send: Send, pem: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\nto the end")
        assert isinstance(connection, ssl.SSLSocket)
        connection.unwrap()

    with Receiver(talk, tls=context) as receiver:
        assert send(to(receiver), verify=False).reply.body == b"to the end"


def test_certificates_that_cannot_be_read(send: Send, secure: Receiver, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for path in (tmp_path / "missing.pem", tmp_path / "no.pem"):
        with pytest.raises(WrongUsage, match="no certificates"):
            send(to(secure), verify=str(path))


def test_no_certificates_are_read_for_plain_http(send: Send, receiver: Receiver) -> None:
    assert send(to(receiver), verify="/does/not/exist").reply.status == 200


# -------------------------------------------------------------------------------------------- only where it was told to

REDIRECTS = [
    (status, place) for status in (301, 302, 303, 307, 308) for place in ("{there}", "{there}/x", "/x", "//{host}")
]


@pytest.mark.parametrize(("status", "place"), REDIRECTS)
def test_redirects_are_not_followed(send: Send, status: int, place: str) -> None:
    with Receiver() as there:
        location = place.format(there=there.url, host=f"localhost:{there.port}").encode()
        with Receiver(b"HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)) as receiver:
            assert send(to(receiver)).reply.status == status
            assert len(receiver.requests) == 1
        assert there.connections == 0


def test_proxy_variables_and_netrc_are_not_read(
    send: Send, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login user password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        raw = arrived(receiver, send, to(receiver))
        assert proxy.connections == 0
    assert b"authorization" not in raw.lower()


def test_cookies_are_not_kept() -> None:
    with Receiver(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n") as receiver:
        run(to(receiver), to(receiver))
        first, second = receiver.requests
    assert first == second


# Spellings that are not this machine, whatever they look like: decimal, hex, octal and short forms of inet_aton(3),
# IPv6 that wraps IPv4, the metadata address of clouds, and places where 127.0.0.1 is only decoration.
NOT_LOCAL = ["10.0.0.1", "167772161", "0x0a000001", "0xA000001", "012.0.0.1", "10.1", "0x0a.0.0.1", "192.168.257"]
NOT_LOCAL += ["169.254.169.254", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "0", "0.0.0.0", "0x0", "00000000"]
NOT_LOCAL += ["128.0.0.1", "2147483649", "[::]", "[::2]", "[::ffff:10.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]"]
NOT_LOCAL += [
    "[fe80::1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::ffff:0.0.0.0]",
    "１０.0.0.1",
    "10.0.0.1#@127.0.0.1",
]
NOT_LOCAL += ["10.0.0.1?@127.0.0.1", "10.0.0.1/@127.0.0.1", "127.0.0.1@10.0.0.1", "localhost:80@10.0.0.1"]
NOT_LOCAL += ["10.0.0.1\\@127.0.0.1", "127.0.0.1%2f@10.0.0.1", "127.0.0.1\t.evil.example", "127.0.0.1\x00.evil.example"]
LOCAL = ["localhost", "LOCALHOST", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "127.255.255.254", "[::1]"]
LOCAL += ["[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]"]


def where(url: str) -> Destination:
    async def session() -> Destination:
        async with Client(timeout=1) as client:
            return await client.destination(url)

    return asyncio.run(session())


@pytest.mark.parametrize("host", NOT_LOCAL, ids=ascii)
def test_spellings_that_are_not_local(host: str) -> None:
    try:
        assert not where(f"http://{host}").local
    except WhcliError as refused:
        assert refused.exit in (Exit.USAGE, Exit.UNREACHABLE)


def test_there_are_enough_spellings() -> None:
    assert len(set(NOT_LOCAL)) >= 30


@pytest.mark.parametrize("host", LOCAL)
def test_spellings_that_are_local(host: str) -> None:
    assert where(f"http://{host}:3000").local


def test_a_destination_without_an_address_is_not_local() -> None:
    assert not Destination(scheme="http", host="x", port=80, name="x", addresses=()).local


@pytest.mark.parametrize("addresses", [("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "::1")])
def test_one_address_elsewhere_is_elsewhere(addresses: tuple[str, ...]) -> None:
    assert not Destination(scheme="http", host="x", port=80, name="x", addresses=addresses).local


@pytest.mark.parametrize("way", ["httpx", "our own writer"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_address_that_was_checked_is_the_one_connected_to(
    receiver: Receiver, secure: Receiver, pem: Path, scheme: str, way: str
) -> None:
    """The name is no longer looked up: this one would not resolve. TLS still checks the certificate for the name."""
    from whcli.hands.sending.through_httpx import ThroughHttpx

    there = receiver if scheme == "http" else secure
    name = f"hooks.example:{there.port}"
    checked = Destination(scheme=scheme, host="hooks.example", port=there.port, name=name, addresses=("127.0.0.1",))
    limits = Limits(timeout=5, connect=5, reply=100, keep=1)

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=pem)

    async def session() -> Answer:
        road = ThroughHttpx(limits, trusting, None) if way == "httpx" else Wires(limits, trusting)
        try:
            return await road.send(to(f"{scheme}://{name}"), checked)
        finally:
            await road.aclose()

    count = len(there.requests)
    assert asyncio.run(session()).reply.status == 200
    assert f"\r\nHost: {name}\r\n".encode() in there.wait(count + 1)[count]


# --------------------------------------------------------------------------------------- a proxy that was asked for


def test_a_proxy_gets_the_absolute_form(receiver: Receiver) -> None:
    with Receiver() as proxy:
        outgoing = to("http://hooks.example:8080", target=b"/a/../b?%zz")
        run(outgoing, proxy=f"localhost:{proxy.port}", own_writer=True)
        assert proxy.requests == [request_bytes(outgoing).replace(b"/a/", b"http://hooks.example:8080/a/", 1)]


def test_a_proxy_tunnels_tls(secure: Receiver, pem: Path) -> None:
    def tunnel(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", secure.port)) as there:
            back = Thread(target=pump, args=(there, connection), daemon=True)
            back.start()
            pump(connection, there)
            back.join(5)

    with Receiver(tunnel) as proxy:
        outgoing = to(secure, target=b"/a/../b")
        raw = arrived(secure, lambda outgoing: run(outgoing, proxy=proxy.url, verify=str(pem)), outgoing)
        assert proxy.requests[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % secure.port)
    assert raw == request_bytes(outgoing)


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_a_proxy_that_is_not_there_or_refuses() -> None:
    with pytest.raises(Unreachable, match="through the proxy") as failed:
        run(to("http://hooks.example"), proxy=f"http://localhost:{closed_port()}")
    assert (failed.value.code, failed.value.next) == ("refused", "check --proxy, then try again")
    with Receiver(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n") as proxy, pytest.raises(Unreachable, match="403 No"):
        run(to("https://hooks.example"), proxy=proxy.url)


@pytest.mark.parametrize("proxy", ["ftp://localhost:1", "http://", "socks5://localhost:1", "http://[::1"])
def test_what_is_no_proxy(proxy: str) -> None:
    with pytest.raises(WrongUsage):
        run(to("http://hooks.example"), proxy=proxy)


@pytest.mark.parametrize("odd", [{"method": b"post"}, {"target": b"*"}], ids=repr)
def test_what_only_our_writer_sends_goes_through_no_proxy(odd: dict[str, bytes]) -> None:
    with Receiver() as proxy:
        with pytest.raises(WrongUsage, match="cannot go through a proxy"):
            run(replace(to("http://hooks.example"), **odd), proxy=proxy.url)  # type: ignore[arg-type]
        assert proxy.connections == 0


def test_nothing_is_local_behind_a_proxy() -> None:
    async def session() -> Destination:
        async with Client(timeout=1, proxy="http://localhost:1") as client:
            return await client.destination("http://localhost:3000")

    assert not asyncio.run(session()).local


# ----------------------------------------------------------------------------------------- connections are kept


def test_a_connection_is_used_again() -> None:
    with Receiver() as receiver:
        answers = run(*[to(receiver)] * 5, own_writer=True)
        assert (receiver.connections, len(receiver.requests)) == (1, 5)
    assert {answer.reply.body for answer in answers} == {b"ok"}


NOT_AGAIN = {
    "it says so": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "more than one reply": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    "bytes after the reply": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nxyz",
}


@pytest.mark.parametrize("own_writer", [False, True], ids=["by httpx", "by our own writer"])
@pytest.mark.parametrize("raw", NOT_AGAIN.values(), ids=NOT_AGAIN.keys())
def test_a_connection_that_may_not_be_used_again(raw: bytes, own_writer: bool) -> None:
    with Receiver(raw) as receiver:
        answers = run(to(receiver), to(receiver), own_writer=own_writer)
        assert receiver.connections == 2
    assert [answer.reply.status for answer in answers] == [200, 200]


@pytest.mark.parametrize("own_writer", [False, True], ids=["by httpx", "by our own writer"])
def test_a_connection_that_was_closed_meanwhile_is_not_used(own_writer: bool) -> None:
    async def session() -> None:
        async with Client(timeout=5, own_writer=own_writer) as client:
            for _ in range(3):
                await client.send(to(receiver))
                await asyncio.to_thread(closed.wait, 5)
                closed.clear()
                await asyncio.sleep(0.05)  # the end of the connection is on its way through the loopback device

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OK)
        connection.close()
        closed.set()

    closed = Flag()
    with Receiver(talk) as receiver:
        asyncio.run(session())
        assert len(receiver.requests) == 3


@pytest.mark.parametrize("own_writer", [False, True], ids=["by httpx", "by our own writer"])
def test_many_at_once_get_their_own_replies(own_writer: bool) -> None:
    def talk(connection: socket.socket, request: bytes) -> bool:
        body = request.partition(b"\r\n\r\n")[2]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True

    async def session() -> list[bytes]:
        async with Client(timeout=20, own_writer=own_writer, concurrency=8) as client:
            gate = asyncio.Semaphore(8)

            async def one(number: int) -> bytes:
                async with gate:
                    return (await client.send(to(echo.url, body=b"%d" % number))).reply.body

            return await asyncio.gather(*map(one, range(400)))

    with Receiver(talk) as echo:
        assert asyncio.run(session()) == [b"%d" % number for number in range(400)]
        assert echo.connections <= (8 if own_writer else 400)


@pytest.mark.parametrize("own_writer", [False, True], ids=["by httpx", "by our own writer"])
def test_a_cancelled_request_leaves_the_client_usable(own_writer: bool) -> None:
    def talk(connection: socket.socket, request: bytes) -> bool:
        if b" /wait " in request:
            came.set()
            over.wait(10)
        connection.sendall(OK)
        return True

    async def session() -> Answer:
        async with Client(timeout=20, own_writer=own_writer) as client:
            task = asyncio.create_task(client.send(to(receiver, target=b"/wait")))
            await asyncio.to_thread(came.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            over.set()
            return await client.send(to(receiver))

    came, over = Flag(), Flag()
    with Receiver(talk) as receiver:
        assert asyncio.run(session()).reply.status == 200


# --------------------------------------------------------------------------------------------------- what is loaded

LOADS = """
import asyncio, sys
from whcli.hands.sending.client import Client
from whcli.words.event import Outgoing
async def main():
    async with Client(timeout=5, own_writer={own}) as client:
        outgoing = Outgoing(method=b"GET", url=sys.argv[1], target=b"/", headers=((b"Host", b"x"),))
        print((await client.send(outgoing)).reply.status)
asyncio.run(main())
print(*(name for name in ("httpx", "click", "rich", "pygments", "httpx._main") if name in sys.modules))
import httpx
print(httpx.Client.__name__, callable(httpx.main), "httpx._main" in sys.modules)
"""


@pytest.mark.parametrize(("own", "loaded"), [(False, "httpx"), (True, "")], ids=["by httpx", "by our own writer"])
def test_the_command_line_of_httpx_is_not_loaded(receiver: Receiver, own: bool, loaded: str) -> None:
    command = [sys.executable, "-c", LOADS.format(own=own), receiver.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=Path(__file__).parents[1])
    status, modules, later = done.stdout.splitlines()
    assert (status, modules) == ("200", loaded), done
    assert later.startswith("Client True"), "a later import of httpx works"
