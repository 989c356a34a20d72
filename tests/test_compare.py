"""Where two events differ."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import imported
from tests.hostile.payloads import PAYLOADS, acts
from whcli.rules.compare import MOST, SHOWN, compared, first_difference
from whcli.words.event import Event, Headers

EVENT = Event(
    id=1,
    uid="a",
    received_at=1.0,
    method=b"POST",
    target=b"/hooks?a=1",
    version="1.1",
    headers=((b"Host", b"h"), (b"X-A", b"1"), (b"x-a", b"2")),
    body=b'{"amount":100,"items":[{"id":1},{"id":2}],"live":true,"gone":null}',
)


def told(one: Event, other: Event) -> list[tuple[str, str, str]]:
    return [(each.field, each.wanted, each.got) for each in compared(one, other)]


@given(imported())
def test_an_event_does_not_differ_from_itself_wherever_it_is_kept(event: Event) -> None:
    assert compared(event, replace(event, id=9, uid="other", received_at=5.0, head=b"x", peer=None)) == []


@given(imported(), imported())
def test_any_two_events_can_be_compared(one: Event, other: Event) -> None:
    for found in compared(one, other):
        assert not acts(f"{found.field}{found.wanted}{found.got}")
    forth = [(each.field, each.wanted, each.got) for each in compared(one, other)]
    back = [(each.field, each.got, each.wanted) for each in compared(other, one)]
    assert sorted(forth) == sorted(back)


HEADERS: dict[str, tuple[Headers, tuple[str, str, str] | None]] = {
    "the case of names does not matter": (((b"HOST", b"h"), (b"x-a", b"1"), (b"X-A", b"2")), None),
    "the order of different names does not matter": (((b"X-A", b"1"), (b"Host", b"h"), (b"X-A", b"2")), None),
    "the order of repeats matters": (
        ((b"Host", b"h"), (b"X-A", b"2"), (b"X-A", b"1")),
        ("headers.x-a", "1, 2", "2, 1"),
    ),
    "a repeat is missing": (((b"Host", b"h"), (b"X-A", b"1")), ("headers.x-a", "1, 2", "1")),
    "a header is missing": (((b"X-A", b"1"), (b"X-A", b"2")), ("headers.host", "h", "none")),
    "a header is new": ((*EVENT.headers, (b"New", b"\x1b[2J")), ("headers.new", "none", "\\x1b[2J")),
}


@pytest.mark.parametrize(("headers", "difference"), HEADERS.values(), ids=HEADERS.keys())
def test_headers(headers: Headers, difference: tuple[str, str, str] | None) -> None:
    assert told(EVENT, replace(EVENT, headers=headers)) == ([difference] if difference else [])


def test_method_and_target() -> None:
    assert told(EVENT, replace(EVENT, method=b"PUT", target=b"/x")) == [
        ("method", "POST", "PUT"),
        ("target", "/hooks?a=1", "/x"),
    ]


def test_trailers() -> None:
    assert told(EVENT, replace(EVENT, trailers=((b"X-Sum", b"1"),))) == [("trailers.x-sum", "none", "1")]


BODIES = {
    "a number": (b'"amount":100', b'"amount":200', ("body.amount", "100", "200")),
    "a number of another type": (b'"amount":100', b'"amount":100.0', ("body.amount", "100", "100.0")),
    "true is not one": (b'"live":true', b'"live":1', ("body.live", "true", "1")),
    "inside a list": (b'{"id":2}', b'{"id":3}', ("body.items[1].id", "2", "3")),
    "a list is longer": (b'{"id":2}]', b'{"id":2},7]', ("body.items[2]", "none", "7")),
    "null is not nothing": (b',"gone":null', b"", ("body.gone", "null", "none")),
    "a text is quoted": (b'"amount":100', b'"amount":"100"', ("body.amount", "100", '"100"')),
    "another kind of value": (b'[{"id":1},{"id":2}]', b"{}", ("body.items", '[{"id": 1}, {"id": 2}]', "{}")),
}


@pytest.mark.parametrize(("old", "new", "difference"), BODIES.values(), ids=BODIES.keys())
def test_json_is_compared_field_by_field(old: bytes, new: bytes, difference: tuple[str, str, str]) -> None:
    assert told(EVENT, replace(EVENT, body=EVENT.body.replace(old, new))) == [difference]


BYTES = {
    "JSON that says the same": (EVENT.body, EVENT.body.replace(b":", b": "), "body, byte 10"),
    "a line feed at the end": (b"{}", b"{}\n", "body, byte 2"),
    "the same key twice": (b'{"a":1}', b'{"a":2,"a":1}', "body, byte 5"),
    "text": (b"hello", b"hallo", "body, byte 1"),
    "JSON and text": (b"{}", b"hello", "body, byte 0"),
    "nothing and something": (b"", b"x", "body, byte 0"),
    "bytes": (b"\xff\x00\x01", b"\xff\x00\x02", "body, byte 2"),
}


@pytest.mark.parametrize(("one", "other", "field"), BYTES.values(), ids=BYTES.keys())
def test_where_no_field_differs_the_first_byte_is_told(one: bytes, other: bytes, field: str) -> None:
    [(told_field, wanted, got)] = told(replace(EVENT, body=one), replace(EVENT, body=other))
    assert told_field == field
    assert wanted != got


def test_forms_are_compared_by_their_fields() -> None:
    headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
    one, other = replace(EVENT, headers=headers, body=b"a=1&b=2"), replace(EVENT, headers=headers, body=b"b=3&a=1")
    assert told(one, other) == [("body.b", '"2"', '"3"')]


@given(st.binary(), st.binary())
def test_the_first_difference(one: bytes, other: bytes) -> None:
    at = first_difference(one, other)
    assert one[:at] == other[:at]
    assert one == other or one[at : at + 1] != other[at : at + 1]


# -- bounded --------------------------------------------------------------------------------------------------------


def test_values_are_cut() -> None:
    [(_, wanted, got)] = told(replace(EVENT, body=b'{"a":"%b"}' % (b"x" * 10_000)), replace(EVENT, body=b'{"a":1}'))
    assert len(wanted) <= SHOWN
    assert got == "1"


def test_many_differences_are_reported_up_to_a_bound_and_quickly() -> None:
    one = json.dumps([{"a": n, "b": [n] * 3} for n in range(100_000)]).encode()
    other = json.dumps([{"a": -n, "b": [-n] * 3} for n in range(100_000)]).encode()
    began = time.process_time()
    json.loads(one), json.loads(other)
    read = time.process_time()
    found = compared(replace(EVENT, body=one), replace(EVENT, body=other))
    assert len(found) == MOST
    assert time.process_time() - read < 20 * (read - began)


def test_large_bodies_of_bytes_are_compared_quickly() -> None:
    one = bytes(25_000_000)
    began = time.process_time()
    assert bytes(each for each in one[:1_000_000]) == one[:1_000_000]
    walked = time.process_time()  # what a step a byte costs, for a 25th of it
    assert first_difference(one, one[:-1] + b"x") == 24_999_999
    assert first_difference(one, one[:-1]) == 24_999_999
    assert time.process_time() - walked < 10 * (walked - began)


def nested(inner: bytes, depth: int) -> Event:
    return replace(EVENT, body=b"[" * depth + inner + b"]" * depth)


@pytest.mark.parametrize("inner", [b"1", b'{"a":1}', b'[1,"x"]'], ids=repr)
def test_nesting_to_the_parsers_limit_is_compared_or_told_by_byte(inner: bytes) -> None:
    for depth in (50, *range(97, 104), 500, *range(880, 1_005), 100_000):
        [difference] = compared(nested(inner, depth), nested(inner.replace(b"1", b"2"), depth))
        assert difference.field.startswith("body")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_payload_does_nothing(payload: bytes) -> None:
    text = payload.decode("utf-8", "surrogateescape")[:2000]
    bodies = [payload, b"{}", json.dumps({text: text}).encode(), json.dumps({text: [text]}).encode()]
    for one in bodies:
        for other in bodies:
            for found in compared(replace(EVENT, body=one, target=payload), replace(EVENT, body=other)):
                assert not acts(f"{found.field}{found.wanted}{found.got}")
                assert len(found.wanted) + len(found.got) < 1000
