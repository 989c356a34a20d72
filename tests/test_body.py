"""A body read for people and filters, and the paths through it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.payloads import PAYLOADS
from whcli.rules.body import at, form, is_form, parsed
from whcli.words.event import Headers

JSON: Headers = ((b"Content-Type", b"application/json"),)
FORM: Headers = ((b"content-type", b" Application/X-WWW-Form-Urlencoded ; charset=UTF-8"),)

PARSED: dict[str, tuple[Headers, bytes, Any]] = {
    "JSON": (JSON, b'{"a":[1,null]}', {"a": [1, None]}),
    "JSON without a content type": ((), b"[1]", [1]),
    "JSON with a byte order mark": (JSON, b"\xef\xbb\xbf[1]", [1]),
    "a form": (FORM, b"a=1&b=x+y&a=2", {"a": "1", "b": "x y"}),
    "a form that is JSON": (FORM, b'{"a":1}', {"a": 1}),
    "a form that only begins like JSON": (FORM, b"{a=1", {"{a": "1"}),
    "a form that is no UTF-8": (FORM, b"a=%ff&b=\xe9", {"a": "\ufffd", "b": "é"}),
    "text": (JSON, b"hello", None),
    "nothing": (JSON, b"", None),
    "a number of 6,000 digits": (JSON, b"9" * 6_000, None),
    "nesting beyond the interpreter's limit": (JSON, b"[" * 100_000, None),
}


@pytest.mark.parametrize(("headers", "body", "value"), PARSED.values(), ids=PARSED.keys())
def test_what_is_read(headers: Headers, body: bytes, value: Any) -> None:
    assert parsed(headers, body) == value


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_no_hostile_body_raises(payload: bytes) -> None:
    parsed(JSON, payload)
    parsed(FORM, payload)


@given(st.binary())
def test_no_body_raises(body: bytes) -> None:
    parsed(JSON, body)
    parsed(FORM, body)
    form(body)


def test_a_content_type_is_a_form_in_any_spelling() -> None:
    assert is_form(FORM)
    assert not is_form(JSON)
    assert not is_form(((b"Content-Type", b"multipart/form-data; boundary=x"),))
    assert not is_form(())


AT: dict[str, tuple[Any, str, Any]] = {
    "through objects": ({"a": {"b": 1}}, "a.b", 1),
    "through a list": ({"a": [{"b": 1}, {"b": 2}]}, "a.1.b", 2),
    "beyond a list": ([1], "1", None),
    "a name in a list": ([1], "a", None),
    "a number in an object is a name": ({"0": 1}, "0", 1),
    "what is not there": ({"a": 1}, "b", None),
    "below a number": ({"a": 1}, "a.b", None),
    "into a JSON text": ({"payload": '{"type":"x"}'}, "payload.type", "x"),
    "into a text that is no JSON": ({"payload": "{oops"}, "payload.type", None),
    "into a JSON text nested without end": ({"payload": "[" * 100_000}, "payload.0", None),
    "a digit that is no decimal": ([1], "²", None),
    "an Arabic digit is a digit": ([1, 2], "١", 2),
    "nothing": (None, "a", None),
}


@pytest.mark.parametrize(("value", "path", "expected"), AT.values(), ids=AT.keys())
def test_the_value_at_a_path(value: Any, path: str, expected: Any) -> None:
    assert at(value, path) == expected


ANY = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(ANY, st.text(max_size=8))
def test_no_path_raises(value: Any, path: str) -> None:
    at(value, path)
