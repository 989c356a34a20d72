"""Bytes to requests, with no socket: whatever the cuts between packets, the same requests come out, byte for byte."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.captured import Read, read
from tests.hostile.requests import CHUNKED, LINES, ROWS, START, Captured, Row, field
from tests.wire import chunked
from whcli.hands.listening.framing import Limits, RequestReader


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


TOKENS = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=12).map(str.encode)
TARGETS = st.binary(min_size=1, max_size=40).map(lambda raw: b"/" + bytes(b for b in raw if b > 32 and b != 127))
VALUES = st.binary(max_size=30).map(lambda raw: bytes(b for b in raw if (b > 31 and b != 127) or b == 9))
SPACES = st.sampled_from([b"", b" ", b"\t", b"  \t "])
# A field of the request's framing is not for a generator to choose.
NAMES = TOKENS.filter(lambda name: name.lower() not in (b"content-length", b"transfer-encoding", b"connection"))


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Read]:
    """A request as bytes, and as it should be read."""
    method, target = draw(TOKENS), draw(TARGETS)
    lines = [b"%b:%b%b%b\r\n" % each for each in draw(st.lists(st.tuples(NAMES, SPACES, VALUES, SPACES), max_size=8))]
    body = draw(st.binary(max_size=50))
    trailers: tuple[tuple[bytes, bytes], ...] = ()
    if draw(st.booleans()):
        names = draw(st.lists(TOKENS, max_size=2))
        trailers = tuple((name, b"a b") for name in names)
        sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
        wire, at = b"", 0
        while at < len(body):
            size = min(sizes[at % len(sizes)], len(body) - at)
            wire += b"%x\r\n%b\r\n" % (size, body[at : at + size])
            at += size
        wire += b"0\r\n" + b"".join(b"%b: a b \r\n" % name for name in names) + b"\r\n"
        lines.insert(draw(st.integers(0, len(lines))), b"transfer-encoding:chunked\r\n")
    else:
        wire = body
        if body or draw(st.booleans()):
            lines.insert(draw(st.integers(0, len(lines))), b"CONTENT-LENGTH: %d\r\n" % len(body))
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, b"".join(lines))
    return head + wire, (head, method, target, body, trailers)


@settings(max_examples=300, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=6))
def test_requests_come_out_as_they_were_sent_however_they_are_cut(
    sent: list[tuple[bytes, Read]], places: list[int]
) -> None:
    data = b"".join(wire for wire, _ in sent)
    wanted = [request for _, request in sent]
    assert read(data) == (wanted, None)
    assert read(*cut(data, places)) == (wanted, None)


@settings(max_examples=50, deadline=None)
@given(requests(), requests())
def test_requests_come_out_as_they_were_sent_byte_by_byte(one: tuple[bytes, Read], two: tuple[bytes, Read]) -> None:
    assert read(*bytewise(one[0] + two[0])) == ([one[1], two[1]], None)


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.sent) < 6000], ids=lambda row: row.name)
def test_a_cut_anywhere_changes_nothing(row: Row) -> None:
    whole = read(row.sent)
    assert read(*bytewise(row.sent)) == whole
    for at in range(len(row.sent)):
        assert read(row.sent[:at], row.sent[at:]) == whole


def test_a_chunked_request_never_swallows_the_one_behind_it() -> None:
    first = CHUNKED + chunked(b"a\r\n\r\nb", trailers=b"X: 1\r\n")
    second = b"GET /second HTTP/1.1\r\n\r\n"
    for at in range(len(first) + len(second)):
        data = first + second
        found, status = read(data[:at], data[at:])
        assert status is None
        assert [(request[1], request[2], request[3]) for request in found] == [
            (b"POST", b"/", b"a\r\n\r\nb"),
            (b"GET", b"/second", b""),
        ]
        assert found[1][0] == second


def test_fifty_chunkings_give_the_same_body() -> None:
    chance = random.Random(3)
    body = chance.randbytes(2000) + b"\r\n\r\n0\r\n\r\n"
    for _ in range(50):
        wire, at = b"", 0
        while at < len(body):
            size = chance.choice((1, 1, 2, 3, 16, 255, 4096))
            part = body[at : at + size]
            wire += chance.choice((b"%x", b"%X", b"0%x")) % len(part) + chance.choice((b"", b";a", b';a="b\\"c"'))
            wire += b"\r\n" + part + b"\r\n"
            at += size
        sent = CHUNKED + wire + b"0\r\nX-Check: 1\r\n\r\n"
        cuts = [chance.randrange(len(sent)) for _ in range(chance.choice((0, 1, 30)))]
        ((_, _, _, got, trailers),), status = read(*cut(sent, cuts))
        assert (got, trailers, status) == (body, ((b"X-Check", b"1"),), None)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """One to three small changes: a byte altered, removed, added, doubled, or a stretch of it moved."""
    raw = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0 if at < len(raw):
                raw[at] = chance.randrange(256)
            case 1:
                del raw[at : at + chance.choice((1, 1, 2, 9))]
            case 2:
                raw[at:at] = chance.choice((b"\r", b"\n", b"\r\n", b"\x00", b" ", b":", b"0", b"\r\n\r\n", b"\xff"))
            case 3:
                raw[at:at] = raw[at : at + chance.randint(1, 20)]
            case _:
                raw += raw[at:]
    return bytes(raw)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_requests_are_read_or_refused_the_same_however_they_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    seeds = [row.sent for row in ROWS if len(row.sent) < 400]
    for _ in range(1500):
        data = mutated(chance, chance.choice(seeds))
        whole = read(data)
        cuts = [chance.randrange(len(data) + 1) for _ in range(3)]
        assert read(*cut(data, cuts)) == whole, data


def test_a_damaged_beginning_is_refused_before_the_line_ends() -> None:
    for row in LINES:
        if not isinstance(row.becomes, Captured) and b"\n" not in row.sent:
            assert read(row.sent)[1] == row.becomes.status, row.name


def test_many_requests_in_one_packet_take_time_in_proportion() -> None:
    """A request line of 16 bytes, 20,000 times over, in one read: no copy of what is left for each of them."""
    found, status = read(b"A / HTTP/1.1\r\n\r\n" * 20_000)
    assert (len(found), status) == (20_000, None)


def test_a_chunked_body_of_line_ends_takes_time_in_proportion() -> None:
    body = b"\r\n\r\n" * 50_000
    ((_, _, _, got, _),), status = read(CHUNKED + chunked(body))
    assert (got == body, status) == (True, None)


def test_two_byte_chunks_cost_no_more_memory_than_their_bytes() -> None:
    reader = RequestReader(Limits())
    reader.read(CHUNKED)
    reader.read(b"2\r\nab\r\n" * 10_000)
    assert reader.came == 20_000
    assert not reader.whole


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(field(b"Content-Length: 100") + b"a" * 100, None, id="a body as long as the limit"),
        pytest.param(field(b"Content-Length: 101"), 413, id="a body longer than the limit, at its head"),
        pytest.param(CHUNKED + chunked(b"a" * 60, b"a" * 40), None, id="chunks as long as the limit"),
        pytest.param(CHUNKED + b"65\r\n" + b"a" * 101, 413, id="chunks longer than the limit"),
        pytest.param(START + b"a: 1\r\n" * 9 + b"\r\n", None, id="as many lines as the limit"),
        pytest.param(START + b"a: 1\r\n" * 10 + b"\r\n", 431, id="more lines than the limit"),
        pytest.param(START + b"a: 1\r\n" * 11, 431, id="more lines than the limit, and no end"),
        pytest.param(CHUNKED + chunked(trailers=b"a: 1\r\n" * 11), 431, id="more trailers than the limit"),
        pytest.param(CHUNKED + b"1;" + b"e" * 600, 431, id="an extension longer than a head may be"),
    ],
)
def test_limits(sent: bytes, status: int | None) -> None:
    limits = Limits(body=100, lines=10, head=500)
    assert read(sent, limits=limits)[1] == status
    assert read(*bytewise(sent), limits=limits)[1] == status
