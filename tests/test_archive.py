"""Events and results as JSON: exact, ASCII, and read back or refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import deliveries_of, facts_of, imported, requests
from tests.captured import BREAKS, PLACES, broken
from tests.hostile.payloads import PAYLOADS, acts
from whcli.rules.archive import delivery_json, entry_json, event_from, event_json, line, verdict_json
from whcli.words.errors import WrongUsage
from whcli.words.event import Arrival, Delivery, Event, Facts, Headers, Verdict, entry_of

ANY_TEXT = st.text(st.sampled_from("\ud800\udfff\x1b\u202e\u2028") | st.characters())
EVENT = Event(
    id=7,
    uid="01ARYZ6S41TSV4RRFFQ69G5FAV",
    received_at=1_700_000_000.25,
    method=b"POST",
    target=b"/a?b=\xe9",
    version="1.1",
    headers=((b"Host", b"localhost"), (b"X-A", b"1"), (b"x-a", b"\xff")),
    head=b"POST /a?b=\xe9 HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nx-a:\t\xff \r\n\r\n",
    body=b"\x00\xff",
    peer="127.0.0.1:5",
)


def event_of(arrival: Arrival, headers: Headers, version: bytes) -> Event:
    assert isinstance(arrival.body, bytes)
    return Event(
        id=1,
        uid="01ARYZ6S41TSV4RRFFQ69G5FAV",
        received_at=arrival.received_at,
        method=arrival.method,
        target=arrival.target,
        version=version.decode(),
        headers=headers,
        trailers=arrival.trailers,
        head=arrival.head,
        body=arrival.body,
        peer=arrival.peer,
    )


# -- round trip -----------------------------------------------------------------------------------------------------


@given(requests().map(lambda request: event_of(*request)) | imported())
def test_any_event_comes_back_from_its_own_json_as_the_same_bytes(event: Event) -> None:
    text = line(event_json(event))
    back = event_from(text)
    assert replace(back, received_at=0, id=0) == replace(event, received_at=0, id=0)
    assert back.received_at == pytest.approx(event.received_at, abs=1e-6)
    assert event_from(text.encode()) == back


@given(requests().map(lambda request: event_of(*request)), facts_of(st.text()), st.lists(deliveries_of(1), max_size=2))
def test_what_was_worked_out_goes_along_and_changes_nothing(
    event: Event, facts: Facts, deliveries: list[Delivery]
) -> None:
    entry = entry_of(event, facts, deliveries[-1] if deliveries else None)
    record = json.loads(line(event_json(event, entry, tuple(deliveries))))
    assert record["provider"] == facts.provider
    assert record["signature"]["state"] == facts.signature
    assert len(record["deliveries"]) == len(deliveries)
    assert event_from(line(record)) == event_from(line(event_json(event)))


def test_an_unknown_field_is_no_obstacle() -> None:
    assert event_from(line({**event_json(EVENT), "later": {"a": 1}})).body == EVENT.body


def test_the_json_of_an_event_is_this() -> None:
    """The fields that scripts rely on; within `/1` they are added to, never removed or retyped."""
    assert event_json(EVENT) == {
        "schema": "whcli.event/1",
        "id": 7,
        "uid": "01ARYZ6S41TSV4RRFFQ69G5FAV",
        "received_at": "2023-11-14T22:13:20.250000Z",
        "method": "POST",
        "target": "/a?b=é",
        "version": "1.1",
        "headers": [["Host", "localhost"], ["X-A", "1"], ["x-a", "ÿ"]],
        "trailers": [],
        "size": 2,
        "body_base64": "AP8=",
        "head_base64": base64.b64encode(EVENT.head).decode(),
        "peer": "127.0.0.1:5",
        "deliveries": [],
    }


def test_a_listing_has_these_fields() -> None:
    facts = Facts(provider="stripe", scheme="stripe", type="charge", signature="stale", reason="too_old", age=400.5)
    assert entry_json(entry_of(EVENT, facts)) == {
        "schema": "whcli.event/1",
        "id": 7,
        "uid": "01ARYZ6S41TSV4RRFFQ69G5FAV",
        "received_at": "2023-11-14T22:13:20.250000Z",
        "method": "POST",
        "target": "/a?b=é",
        "provider": "stripe",
        "type": "charge",
        "delivery_id": None,
        "attempt": None,
        "size": 2,
        "peer": "127.0.0.1:5",
        "signature": {"state": "stale", "scheme": "stripe", "reason": "too_old", "age_s": 400.5},
        "duplicate_of": None,
        "reply": None,
        "forward": None,
    }


# -- one line of ASCII ----------------------------------------------------------------------------------------------


def one_line(value: dict[str, Any]) -> Any:
    text = line(value)
    assert text.isascii()
    assert text.isprintable()
    return json.loads(text, parse_constant=pytest.fail)


@given(facts_of(ANY_TEXT), st.none() | deliveries_of(1))
def test_every_listing_is_one_line_of_ascii_and_valid_json(facts: Facts, last: Delivery | None) -> None:
    one_line(entry_json(entry_of(EVENT, facts, last)))
    if last is not None:
        one_line(delivery_json(last))


@given(
    st.builds(
        Verdict,
        state=st.sampled_from(["valid", "invalid"]),
        reason=st.text(),
        detail=st.text(),
        age=st.none() | st.floats(-1e300, 1e300),
        received=st.none() | ANY_TEXT,
    )
)
def test_every_verdict_is_one_line_of_ascii_and_valid_json(verdict: Verdict) -> None:
    assert one_line(verdict_json(verdict))["ok"] is (verdict.state == "valid")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_payload_in_every_field_is_one_line_of_ascii(payload: bytes) -> None:
    text = payload.decode("utf-8", "replace")
    event = replace(
        EVENT, method=payload, target=payload, headers=((payload, payload),), body=payload, uid=text, peer=text
    )
    facts = Facts(provider=text, scheme=text, type=text, delivery_id=text, reason=text)
    record = one_line(event_json(event, entry_of(event, facts)))
    assert record["target"].encode("latin-1") == payload
    assert base64.b64decode(record["body_base64"]) == payload


# -- what is no event -----------------------------------------------------------------------------------------------

DROP: Any = object()
WRONG: dict[str, dict[str, Any]] = {
    "another schema": {"schema": "whcli.event/2"},
    "no schema": {"schema": DROP},
    "no uid": {"uid": DROP},
    "no method": {"method": DROP},
    "no body": {"body_base64": DROP},
    "a body that is no base64": {"body_base64": "not base64!"},
    "a body that is base64 with a line feed": {"body_base64": "AP8=\n"},
    "a body that is a list": {"body_base64": [1]},
    "a head that is no base64": {"head_base64": "%%%"},
    "a time that is a number": {"received_at": 1_700_000_000},
    "a time that is none": {"received_at": "yesterday"},
    "headers as an object": {"headers": {"Host": "x"}},
    "headers as text": {"headers": "Host: x"},
    "a header of three": {"headers": [["a", "b", "c"]]},
    "a header that is a number": {"headers": [["a", 1]]},
    "a header beyond Latin-1": {"headers": [["a", "→"]]},
    "a header whose name is empty": {"headers": [["", "a"]]},
    "a header whose name holds a colon": {"headers": [["a:b", "c"]]},
    "a header whose name holds a blank": {"headers": [["a b", "c"]]},
    "a header whose value begins another": {"headers": [["a", "b\r\nEvil: 1"]]},
    "a header whose value holds a line feed": {"headers": [["a", "b\nc"]]},
    "a header whose value holds a NUL": {"headers": [["a", "b\x00c"]]},
    "a trailer whose value begins another": {"trailers": [["a", "b\r\nEvil: 1"]]},
    "a method that begins another line": {"method": "POST / HTTP/1.1\r\nEvil:"},
    "a method that is empty": {"method": ""},
    "a method with an escape sequence": {"method": "\x1b[2J"},
    "a target with a blank": {"target": "/a b"},
    "a target that begins another line": {"target": "/ HTTP/1.1\r\nEvil: 1\r\n"},
    "a target that is empty": {"target": ""},
    "a version of another protocol": {"version": "2"},
    "a version that begins another line": {"version": "1.1\r\nEvil: 1"},
    "a version that is a number": {"version": 1.1},
    "a peer that is an object": {"peer": {"a": 1}},
    "a peer that is a number": {"peer": 5},
    "a peer that no file can hold": {"peer": "\ud800"},
    "a uid that no file can hold": {"uid": "\ud800"},
    "a uid that is an object": {"uid": {"a": 1}},
    "a uid that is null": {"uid": None},
    "a uid that is empty": {"uid": ""},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_event_is_refused_in_one_sentence(change: dict[str, Any]) -> None:
    record = {name: value for name, value in {**event_json(EVENT), **change}.items() if value is not DROP}
    with pytest.raises(WrongUsage) as caught:
        event_from(json.dumps(record))
    assert caught.value.code == "not_an_event"
    assert "this is not an event" in caught.value.message
    assert not acts(caught.value.message)


NOT_JSON = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b"null",
    b"[]",
    b"5",
    b'"x"',
    b"[" + b"9" * 6000 + b"]",
    *PAYLOADS.values(),
]


@pytest.mark.parametrize("text", NOT_JSON, ids=lambda text: repr(text[:20]))
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(WrongUsage):
        event_from(text)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", BREAKS, ids=repr)
def test_no_event_from_a_file_brings_a_line_of_its_own(place: str, text: bytes) -> None:
    """CR LF inside a field would become another header in the store and on the wire (RFC 9112 section 11.1)."""
    with pytest.raises(WrongUsage):
        event_from(line(event_json(broken(place, text))))


@given(
    st.dictionaries(
        st.sampled_from(sorted(event_json(EVENT))),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
            max_leaves=6,
        ),
        max_size=3,
    )
)
def test_whatever_stands_in_the_fields_it_is_an_event_or_refused(changes: dict[str, Any]) -> None:
    try:
        event = event_from(json.dumps({**event_json(EVENT), **changes}))
    except WrongUsage as error:
        assert not acts(error.message)
        return
    assert event_from(line(event_json(event))) == event


TIMES = {
    "the first second": "0001-01-01T00:00:00Z",
    "before the first second": "0001-01-01T00:00:00+14:00",
    "the last second": "9999-12-31T23:59:59Z",
    "after the last second": "9999-12-31T23:59:59-14:00",
    "without a zone": "2023-11-14T22:13:20",
    "without a zone, the first": "0001-01-01T00:00:00",
}


@pytest.mark.parametrize("text", TIMES.values(), ids=TIMES.keys())
def test_any_time_that_a_file_can_hold_is_written_again_or_refused(text: str) -> None:
    try:
        event = event_from(line({**event_json(EVENT), "received_at": text}))
    except WrongUsage:
        return
    assert event_json(event)["received_at"].endswith("Z")


# -- fields against head --------------------------------------------------------------------------------------------


def test_an_edited_field_stands_against_the_head_that_was_recorded() -> None:
    """A person who edits a fixture edits the readable fields; the old raw head would silently win."""
    edited = event_from(line({**event_json(EVENT), "headers": [["Host", "elsewhere"]]}))
    assert edited.headers == ((b"Host", b"elsewhere"),)
    assert edited.head == b""


@pytest.mark.parametrize("head", [b"\x00", b"AAAA", b"GET / HTTP/1.1\r\n\r\n", EVENT.head[:-10]], ids=repr)
def test_a_head_that_is_not_of_this_event_is_not_taken_over(head: bytes) -> None:
    event = event_from(line({**event_json(EVENT), "head_base64": base64.b64encode(head).decode()}))
    assert event.head == b""
    assert event.headers == EVENT.headers


def test_white_space_around_a_value_is_no_part_of_it() -> None:
    event = event_from(line({**event_json(EVENT), "headers": [["A", " b\t"]], "head_base64": ""}))
    assert event.headers == ((b"A", b"b"),)
