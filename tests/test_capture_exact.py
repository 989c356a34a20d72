"""Capture is exact, in the figures of the promise: what a sender sent is what the store gives back, byte for byte."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator

import pytest

from tests.hostile.requests import CHUNKED, START
from tests.listeners import listener_on
from tests.receivers import Receiver
from tests.test_protocol import CONTENT_TYPES, H2C, METHODS, TARGETS, odd_request
from tests.wire import Wire, chunked, post
from whcli.hands.sending.client import Client
from whcli.hands.storing.store import Store
from whcli.rules.outgoing import replay_of
from whcli.words.event import Event, Headers

Rooms = tuple[int, Store]


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    folder = tmp_path_factory.mktemp("exact") / ".whcli"
    with listener_on(folder) as port, Store(folder) as store:
        yield port, store


def stored(rooms: Rooms, sent: list[bytes] | list[list[bytes]], *, to_head: bool = False) -> list[Event]:
    """Each request, or its packets, sent on one connection and answered; what the store then has of them."""
    port, store = rooms
    before = store.last_id()
    with Wire(port) as wire:
        for request in sent:
            wire.send(*(request if isinstance(request, list) else [request]))
            assert wire.response(to_head=to_head).status < 500
    return list(store.events(before, len(sent) + 9))


ODD = [odd_request(random.Random(seed)) for seed in range(200)]


def test_200_heads_are_stored_as_they_were_sent(rooms: Rooms) -> None:
    assert len(set(ODD)) == 200
    assert max(request.count(b"\r\nX-Repeat") for request in ODD) > 90
    assert [event.head + event.body for event in stored(rooms, ODD)] == ODD


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 2**20, 10 * 2**20])
def test_bodies_of_every_size_and_content_type_have_the_same_sha_256(rooms: Rooms, size: int) -> None:
    body = (bytes(range(256)) + random.Random(size).randbytes(max(0, size - 256)))[:size]
    kinds = CONTENT_TYPES if size <= 65_537 else CONTENT_TYPES[:1]
    events = stored(rooms, [post(body, headers=b"Content-Type: %b\r\n" % kind) for kind in kinds])
    assert len(CONTENT_TYPES) == 12
    assert [hashlib.sha256(event.body).digest() for event in events] == [hashlib.sha256(body).digest()] * len(kinds)


def chunkings(body: bytes) -> list[list[bytes]]:
    """The body in chunks of every size from 1 to 25, with extensions, and in packets that part each CR from its LF."""
    sent = []
    for size in range(1, 26):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        plain = CHUNKED + chunked(*chunks, trailers=b"X-Sum: 1\r\nx-sum: 2\r\n")
        named = b"".join(b'%X;n="a;b"\r\n%b\r\n' % (len(chunk), chunk) for chunk in chunks)
        whole = CHUNKED + named + b"000;last\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n"
        sent += [[plain], [part + b"\n" for part in whole.split(b"\n")[:-1] for part in [part]]]
    return [split_at_line_ends(b"".join(packets)) if len(packets) > 1 else packets for packets in sent]


def split_at_line_ends(request: bytes) -> list[bytes]:
    """Packets that end behind each CR: no line end ever comes in one piece."""
    return [packet for packet in request.replace(b"\r", b"\r\x00CUT").split(b"\x00CUT") if packet]


def test_50_chunkings_are_one_body_and_trailers_never_join_the_headers(rooms: Rooms) -> None:
    body = random.Random(5).randbytes(700) + b"\r\n\r\n0\r\n\r\n"
    body = body.replace(b"\x00CUT", b"")
    events = stored(rooms, chunkings(body))
    assert [event.body for event in events] == [body] * 50
    assert {event.trailers for event in events} == {((b"X-Sum", b"1"), (b"x-sum", b"2"))}
    assert not [name for event in events for name, _ in event.headers if name.lower() == b"x-sum"]


UPGRADES = {
    "whole": [post(b"body", headers=H2C)],
    "split": [post(b"body", headers=H2C)[:-2], b"dy"],
    "chunked": [START + H2C + b"Transfer-Encoding: chunked\r\n\r\n", chunked(b"bo", b"dy")],
    "an unknown token": [post(b"body", headers=H2C.replace(b"h2c", b"no/7"))],
}


def test_100_of_100_bodies_survive_an_upgrade_and_the_next_request_is_answered(rooms: Rooms) -> None:
    sent: list[list[bytes]] = []
    for packets in UPGRADES.values():
        for _ in range(25):
            sent += [packets, [post(b"next")]]
    events = stored(rooms, sent)
    assert [event.body for event in events] == [b"body", b"next"] * 100
    assert all(b"\r\nUpgrade: " in event.head for event in events[::2])


def test_40_targets_and_20_methods_are_stored_as_they_were_sent(rooms: Rooms) -> None:
    targets = stored(rooms, [post(b"x", target=target) for target in TARGETS])
    assert [event.target for event in targets] == list(TARGETS)
    methods = [
        stored(rooms, [method + b" / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"], to_head=method == b"HEAD")[0].method
        for method in METHODS
    ]
    assert methods == list(METHODS)
    assert len(set(TARGETS)) + len(set(METHODS)) == 60


# Round trip.


async def replayed(events: list[Event], url: str) -> list[str]:
    """Send them all; what was printed as changed, in one text each."""
    said = []
    async with Client(timeout=20) as client:
        for event in events:
            outgoing = replay_of(event, url)
            await client.send(outgoing)
            said.append("\n".join(outgoing.changes))
    return said


def differences(sent: Event, came: Event) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """The headers that only one of the two has; whcli's own framing left aside."""
    ours = (b"host", b"content-length")
    before = [pair for pair in sent.headers if pair[0].lower() not in ours]
    after = [pair for pair in came.headers if pair[0].lower() not in ours]
    return [pair for pair in before if pair not in after], [pair for pair in after if pair not in before]


def raw_values(event: Event) -> Headers:
    """Names and values with the white space that they were sent with."""
    lines = event.head.split(b"\r\n")[1:-2]
    return tuple((name, value) for name, _, value in (line.partition(b":") for line in lines))


def test_capture_replay_capture_of_the_200_has_no_unprinted_change(
    rooms: Rooms, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("again") / ".whcli"
    events = stored(rooms, ODD)
    with listener_on(other) as port, Store(other) as store:
        said = asyncio.run(replayed(events, f"http://127.0.0.1:{port}"))
        again = list(store.events(0, 999))
    assert len(again) == 200
    for event, copy, changes in zip(events, again, said, strict=True):
        assert (copy.method, copy.target, copy.body) == (event.method, event.target, event.body)
        lost, added = differences(event, copy)
        assert added == []
        assert all(name.decode() in changes for name, _ in lost), (lost, changes)
        for name, value in raw_values(event):
            if value.removeprefix(b" ") != value.strip(b" \t") and name.lower() not in (b"host", b"content-length"):
                assert name.decode() in changes, "outer white space went without a word"


def test_a_receiver_of_our_own_making_agrees(rooms: Rooms) -> None:
    """The same by plain sockets, that no mistake of the listener's is undone by the listener."""
    events = stored(rooms, ODD[:40])
    with Receiver() as receiver:
        asyncio.run(replayed(events, receiver.url))
        came = receiver.wait(40)
    for event, request in zip(events, came, strict=True):
        assert request.startswith(event.method + b" " + event.target + b" HTTP/1.1\r\n")
        assert request.endswith(b"\r\n\r\n" + event.body)
