"""`whcli.fixture/1`: every event comes back byte for byte, and a person can read and edit what stands there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.anything import imported, requests
from tests.hostile.payloads import PAYLOADS
from tests.test_archive import EVENT, event_of
from whcli.commands.show import head_of
from whcli.rules.archive import event_json, line
from whcli.rules.archive.fixture import fixture_from, fixture_line, fixture_text, records
from whcli.rules.autopsy.printers import PRINTERS, Press
from whcli.rules.autopsy.tokens import read_json
from whcli.rules.text import safe_block
from whcli.words.errors import WrongUsage
from whcli.words.event import Event
from whcli.words.fixture import Fixture

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def same(back: Event, event: Event) -> bool:
    """Equal but for the number, the time's last digits, and a head that says nothing more than the fields."""
    bare: dict[str, Any] = {"id": 0, "received_at": 0.0, "head": b""}
    return (
        replace(back, **bare) == replace(event, **bare)
        and head_of(back) == head_of(event)
        and abs(back.received_at - event.received_at) < 2e-6
    )


def pressed(value: object, index: int) -> bytes:
    """A JSON value as one of the printers writes it."""
    text = read_json(json.dumps(value).encode())
    return Press(text).by(PRINTERS[index % len(PRINTERS)]) if text else json.dumps(value).encode()


bodies = st.binary() | st.text().map(str.encode) | st.builds(pressed, VALUES, st.integers(0, 99))
events = st.builds(
    lambda event, body: replace(event, body=body), requests().map(lambda made: event_of(*made)) | imported(), bodies
)


@given(events, st.booleans(), st.dictionaries(st.text(), VALUES.map(json.dumps), max_size=2))
def test_any_event_comes_back_byte_for_byte(event: Event, redacted: bool, fields: dict[str, str]) -> None:
    fixture = Fixture(event=event, redacted=redacted, fields={f"x{name}": text for name, text in fields.items()})
    text = fixture_text(fixture)
    back = fixture_from(text.encode())
    assert same(back.event, event)
    assert (back.redacted, back.fields) == (redacted, fixture.fields)
    assert fixture_text(back) == text  # written again it is the same file
    assert fixture_from(fixture_line(fixture).encode()) == back
    assert fixture_line(fixture).count("\n") == 1


@given(events)
@example(replace(EVENT, body='{"a":"\u202e\x9b\u2028"}'.encode(), peer="\u202e"))
@example(replace(EVENT, body='{"a":"\u202e","b":"\\u0061"}'.encode()))
@example(replace(EVENT, body="\xad\U000e0041".encode(), peer="\U000e0041"))
@example(replace(EVENT, body='{"a":"\xad\U000e0041"}'.encode()))
def test_nothing_in_a_file_moves_a_cursor_or_turns_a_line_around(event: Event) -> None:
    text = fixture_text(Fixture(event=event))
    assert text == safe_block(text)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_body_is_harmless_text(payload: bytes) -> None:
    text = fixture_text(Fixture(event=replace(EVENT, body=payload)))
    assert text == safe_block(text)
    assert fixture_from(text.encode()).event.body == payload


SEEN = {
    "as JavaScript prints it": (
        b'{"a":1.0,"b":[]}',
        '"body_json": {\n    "a": 1.0,\n    "b": []\n  }',
        "compact plain",
    ),
    "as Python prints it": (b'{"a": "\\u00e9"}', '"a": "é"', "spaced ascii"),
    "as PHP prints it": (b'{"a":"\\/\\u00e9"}', '"a": "/é"', "compact ascii_slashes"),
    "with a final newline": (b'{"a":1}\n', '"a": 1\n', "compact plain newline"),
    "a repeated name": (b'{"a":1,"a":2}', '"a": 1,\n    "a": 2', "compact plain"),
    "a number of 5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", '"a": 9999', "compact plain"),
    "escapes of several kinds": (b'{"a":"\\u0061\\/"}', '"a": "\\u0061\\/"', "compact kept"),
    "a lone surrogate": (b'{"a":"\\ud800"}', '"a": "\\ud800"', "compact plain"),
}


@pytest.mark.parametrize(("body", "seen", "printed"), SEEN.values(), ids=SEEN.keys())
def test_json_is_readable_and_lossless(body: bytes, seen: str, printed: str) -> None:
    text = fixture_text(Fixture(event=replace(EVENT, body=body)))
    assert seen in text and f'"body_printed": "{printed}"' in text
    assert fixture_from(text.encode()).event.body == body


OTHERWISE = {
    "JSON with an odd blank": (b'{ "a":1}', '"body_text": "{ \\"a\\":1}"'),
    "JSON with a byte order mark": (b'\xef\xbb\xbf{"a":1}', '"body_text": "\\ufeff{\\"a\\":1}"'),
    "JSON nested too deeply": (b"[" * 300 + b"]" * 300, '"body_text": "[[['),
    "a form": (b"a=1&b=%20", '"body_text": "a=1&b=%20"'),
    "lines": (b"<a>\n <b/>\r\n</a>", '"body_text": [\n    "<a>\\n",\n    " <b/>\\r\\n",\n    "</a>"\n  ]'),
    "nothing": (b"", '"body_text": ""'),
    "bytes": (b"\x00\xff", '"body_base64": "AP8="'),
}


@pytest.mark.parametrize(("body", "seen"), OTHERWISE.values(), ids=OTHERWISE.keys())
def test_what_no_printer_prints_is_text_and_what_is_no_text_base64(body: bytes, seen: str) -> None:
    text = fixture_text(Fixture(event=replace(EVENT, body=body)))
    assert seen in text
    assert fixture_from(text.encode()).event.body == body


def test_the_file_of_an_event_is_this() -> None:
    event = replace(EVENT, head=b"", target=b"/a", headers=EVENT.headers[:2], body=b'{"id": "evt_1"}', peer=None)
    assert fixture_text(Fixture(event=event, fields={"expect": '{"status": 204}', "later": "[ 1.50 ]"})) == (
        "{\n"
        '  "schema": "whcli.fixture/1",\n'
        '  "uid": "01ARYZ6S41TSV4RRFFQ69G5FAV",\n'
        '  "received_at": "2023-11-14T22:13:20.250000Z",\n'
        '  "redacted": false,\n'
        '  "method": "POST",\n'
        '  "target": "/a",\n'
        '  "version": "1.1",\n'
        '  "headers": [\n    ["Host", "localhost"],\n    ["X-A", "1"]\n  ],\n'
        '  "body_json": {\n    "id": "evt_1"\n  },\n'
        '  "body_printed": "spaced plain",\n'
        '  "expect": {"status": 204},\n'
        '  "later": [ 1.50 ]\n'
        "}\n"
    )


def test_an_edited_value_is_printed_as_the_sender_prints() -> None:
    text = fixture_text(Fixture(event=replace(EVENT, body=b'{"a": "\\u00e9", "b": 1}')))
    edited = text.replace('"é"', '"où"').replace('"b": 1', '"b": [1,2]')
    assert fixture_from(edited.encode()).event.body == b'{"a": "o\\u00f9", "b": [1, 2]}'


def test_a_fixture_written_by_hand_needs_little() -> None:
    text = b'{"schema": "whcli.fixture/1", "uid": "x", "received_at": "2026-01-01T00:00:00Z", "method": "POST",\n'
    event = fixture_from(text + b' "target": "/", "headers": [], "body_json": {"a": 1}}').event
    assert event.body == b'{"a":1}' and event.version == "1.1"
    assert fixture_from(text + b' "target": "/", "headers": []}').event.body == b""


def test_what_a_reply_should_be_is_kept_and_can_be_said() -> None:
    fixture = Fixture(event=EVENT).saying("expect", {"status": 200, "headers": {"a": "é"}})
    back = fixture_from(fixture_text(fixture).encode())
    assert back.further("expect") == {"status": 200, "headers": {"a": "é"}}
    assert '\n  "expect": {\n    "status": 200,\n' in fixture_text(back)
    assert Fixture(event=EVENT).further("expect") is None


@given(st.lists(events, min_size=1, max_size=3), st.sampled_from([fixture_text, fixture_line, None]))
def test_a_file_holds_as_many_as_it_likes(several: list[Event], write: object) -> None:
    texts = [write(Fixture(event=each)) if callable(write) else line(event_json(each)) + "\n" for each in several]
    back = list(map(fixture_from, records("".join(texts).encode())))
    assert len(back) == len(several)
    assert all(same(fixture.event, event) for fixture, event in zip(back, several, strict=True))


WRONG = {
    "another schema": ('"whcli.fixture/1"', '"whcli.fixture/2"', 'its "schema" is neither'),
    "two bodies": ('"body_text"', '"body_base64": "", "body_text"', "body_text and body_base64 exclude each other"),
    "no target": ('"target"', '"targets"', "KeyError: 'target'"),
    "a way of printing that is none": ('"body_text": "x"', '"body_json": {}, "body_printed": "odd"', "names no way"),
    "a body that is a number": ('"body_text": "x"', '"body_text": null', "a field is missing or wrong"),
    "a constant that is no JSON": ('"body_text": "x"', '"later": NaN', "it is not JSON"),
    "a body nested too deeply": ('"body_text": "x"', f'"body_json": {"[" * 300}{"]" * 300}', "nested too deeply"),
    "nested beyond all": ('"body_text": "x"', f'"later": {"[" * 100_000}{"]" * 100_000}', "it is not JSON"),
    "a header that begins another": ('"localhost"', '"a\\r\\nb"', "cannot be sent"),
}


@pytest.mark.parametrize(("old", "new", "why"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_fixture_is_refused_in_one_sentence(old: str, new: str, why: str) -> None:
    text = fixture_text(Fixture(event=replace(EVENT, body=b"x", head=b"")))
    assert old in text
    with pytest.raises(WrongUsage) as caught:
        fixture_from(text.replace(old, new).encode())
    assert caught.value.code == "not_an_event" and why in caught.value.message


@pytest.mark.parametrize(
    "data", [b'"' + b'\\"' * 500_000, b"{" * 500_000, b"}" * 500_000, b"\xff", b""], ids=lambda data: repr(data[:9])
)
def test_what_never_ends_is_refused_soon(data: bytes) -> None:
    with pytest.raises(WrongUsage):
        list(map(fixture_from, records(data)))
