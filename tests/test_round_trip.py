"""Captured by a raw socket, stored, replayed to a raw socket: the same bytes, but for what is printed as changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.listeners import listener_on
from tests.receivers import Receiver
from tests.wire import Wire
from whcli.hands.sending.client import Client
from whcli.hands.storing.store import Store
from whcli.rules.outgoing import replay_of
from whcli.words.event import Event, Headers, Outgoing
from whcli.words.head import parse_headers

TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FRAMING = (
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
    "upgrade",
    "te",
    "trailer",
    "http2-settings",
)
names = st.text(TOKEN, min_size=1, max_size=20).filter(lambda name: name.lower() not in FRAMING)
values = st.binary(max_size=40).map(lambda value: bytes(b for b in value if b >= 0x20 and b != 0x7F))
targets = st.binary(max_size=60).map(lambda raw: b"/" + bytes(b for b in raw if b > 0x20 and b != 0x7F))
"""Any request that the listener accepts: method, target, header lines and body of any bytes."""


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Store, Receiver]]:
    folder = tmp_path_factory.mktemp("round") / ".whcli"
    with listener_on(folder) as port, Receiver() as receiver, Store(folder) as store:
        yield port, store, receiver


def captured(port: int, store: Store, request: bytes) -> Event:
    before = store.last_id()
    with Wire(port) as wire:
        wire.send(request)
        assert wire.response().status == 200
    event = store.event(before + 1)
    assert event is not None
    return event


def replayed(receiver: Receiver, event: Event) -> tuple[Outgoing, bytes]:
    async def send() -> Outgoing:
        outgoing = replay_of(event, receiver.url)
        async with Client(timeout=10) as client:
            await client.send(outgoing)
        return outgoing

    before = len(receiver.requests)
    outgoing = asyncio.run(send())
    return outgoing, receiver.wait(before + 1)[before]


def parts(request: bytes) -> tuple[bytes, Headers, bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    return line, parse_headers(lines), body


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.text(TOKEN, min_size=1, max_size=12),
    targets,
    st.lists(st.tuples(names, values), max_size=12),
    st.binary(max_size=300),
)
def test_any_accepted_request_comes_out_as_it_went_in(
    rooms: tuple[int, Store, Receiver], method: str, target: bytes, lines: list[tuple[str, bytes]], body: bytes
) -> None:
    port, store, receiver = rooms
    if method in ("CONNECT", "HEAD"):
        return
    own = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in lines)
    request = b"%b %b HTTP/1.1\r\nHost: a.test\r\n%bContent-Length: %d\r\n\r\n%b" % (
        method.encode(),
        target,
        own,
        len(body),
        body,
    )
    event = captured(port, store, request)
    assert event.head + event.body == request
    outgoing, came = replayed(receiver, event)
    line, headers, sent = parts(came)
    changes = " ".join(outgoing.changes)
    assert line == b"%b %b HTTP/1.1" % (method.encode(), target)
    assert sent == body
    kept = [pair for pair in headers if pair[0].lower() not in (b"host", b"content-length")]
    wanted = [(name.encode(), value.strip(b" \t")) for name, value in lines]
    dropped = [pair for pair in wanted if pair not in kept]
    assert all(pair[0].decode() in changes for pair in dropped), "a header vanished without a word"
    assert kept == [pair for pair in wanted if pair not in dropped]
    for name, value in lines:
        if value != value.strip(b" \t"):
            assert name in changes, "outer white space went without a word"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": 1.0,"b":"\\u00e9", "a":2,\r\n "z":1,  "y":1e2}', b"application/json"),
        (b"a=1&b=%20+&a=2&empty=", b"application/x-www-form-urlencoded"),
        (b"<?xml version='1.0'?>\n<a>\xe9</a>\n", b"text/xml"),
        (b"", b"text/plain"),
        (bytes(range(256)) * 3, b"application/octet-stream"),
        (b"50% off\\n\n\n", b"text/plain"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n", b"multipart/form-data; boundary=x"),
        (b'{"text":"$(touch x) `id` %s"}\n', b"application/json"),
        (b"\x1f\x8b\x08\x00broken", b"application/json"),
    ],
    ids=[
        "JSON with odd spacing, number forms, escapes, duplicate keys and CR LF",
        "form with repeats and an empty value",
        "XML in Latin-1",
        "empty",
        "every byte",
        "percent, backslash and newlines at the end",
        "multipart with its boundary",
        "shell words",
        "broken gzip",
    ],
)
def test_a_body_that_other_tools_change_is_not_changed(
    rooms: tuple[int, Store, Receiver], body: bytes, kind: bytes
) -> None:
    port, store, receiver = rooms
    request = (
        b"PUT /orders/404//b%%2Fc/%%7Bd%%7D/{e}/../f?x=1&x=2&n=007 HTTP/1.1\r\nHost: a\r\nContent-Type: %b\r\n" % kind
    )
    request += b"x-REPEAT: 1\r\nX-Number: 0012\r\nX-Repeat: 2\r\nX-Bytes: \x80\xff\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    event = captured(port, store, request)
    assert event.head + event.body == request
    _, came = replayed(receiver, event)
    line, headers, sent = parts(came)
    assert line == request.split(b"\r\n")[0] and sent == body
    assert [pair for pair in headers if pair[0].lower() == b"x-repeat"] == [(b"x-REPEAT", b"1"), (b"X-Repeat", b"2")]
    assert (b"X-Bytes", b"\x80\xff") in headers and (b"X-Number", b"0012") in headers
