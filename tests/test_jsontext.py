"""One value inside JSON text is replaced, and no byte around it changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.jsontext import NoPlace, at, parsed, put, text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
MARK = "\0mark\0"  # what no drawn text is likely to hold
STYLES = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])

TABLE = {
    "a value in place": (b'{ "a" : 1.0 , "b":"x"}', ("a",), b'{ "a" : "new" , "b":"x"}'),
    "a string with quotes and brackets": (b'{"a":"\\"}]{[","b":1}', ("b",), b'{"a":"\\"}]{[","b":"new"}'),
    "an escaped name": (b'{"\\u0061":1}', ("a",), b'{"\\u0061":"new"}'),
    "the last of two": (b'{"a":1,"a":2}', ("a",), b'{"a":1,"a":"new"}'),
    "inside an array": (b'{"a":[{"b":1}, {"b": 2}]}', ("a", 1, "b"), b'{"a":[{"b":1}, {"b": "new"}]}'),
    "a whole object": (b'{"a":{"b":[1,{"c":"}"}]},"d":1}', ("a",), b'{"a":"new","d":1}'),
    "after the last member": (b'{\n  "a": 1\n}', ("b",), b'{\n  "a": 1,"b":"new"\n}'),
    "into an empty object": (b" { } ", ("a",), b' {"a":"new" } '),
    "with the objects on the way": (b'{"a":1}', ("b", "c", "d"), b'{"a":1,"b":{"c":{"d":"new"}}}'),
    "in place of null on the way": (b'{"a": null}', ("a", "b"), b'{"a": {"b":"new"}}'),
    "text that is not ASCII around it": ('{"é":"ü","a":1}'.encode(), ("a",), '{"é":"ü","a":"new"}'.encode()),
}


@pytest.mark.parametrize(("body", "path", "wanted"), TABLE.values(), ids=TABLE)
def test_a_value_is_put(body: bytes, path: tuple[str | int, ...], wanted: bytes) -> None:
    assert put(body, path, "new") == wanted


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", ("a",)),
        (b"\xff", ("a",)),
        (b"[1]", ("a",)),
        (b'"text"', ("a",)),
        (b'{"a":1}', ("a", "b")),
        (b'{"a":[]}', ("a", 0, "b")),
        (b"[" * 100_000, ("a",)),
    ],
    ids=["nothing", "no text", "an array", "a string", "through a number", "beyond an array's end", "nested too deep"],
)
def test_where_there_is_no_place_it_is_said(body: bytes, path: tuple[str | int, ...]) -> None:
    with pytest.raises(NoPlace):
        put(body, path, "new")


def printed(tree: dict[str, Any], style: dict[str, Any]) -> bytes:
    return json.dumps(tree, **style).encode("utf-8", "replace")


@given(tree=st.dictionaries(st.text(), TREES, min_size=1), style=STYLES, data=st.data())
def test_replacing_keeps_every_byte_before_and_after(tree: dict[str, Any], style: dict[str, Any], data: Any) -> None:
    body = printed(tree, style)
    name = data.draw(st.sampled_from(sorted(json.loads(body))))
    after = put(body, (name,), MARK)
    head, _, tail = after.partition(json.dumps(MARK).encode())
    assert body.startswith(head)
    assert body.endswith(tail)
    assert json.loads(after) == {**json.loads(body), name: MARK}


@given(tree=st.dictionaries(st.text(), TREES), style=STYLES)
def test_adding_keeps_every_byte(tree: dict[str, Any], style: dict[str, Any]) -> None:
    body = printed(tree, style)
    after = put(body, (MARK, "b"), "new")
    assert after.replace(b'{"b":"new"}', b"").replace(b"," * bool(tree) + json.dumps(MARK).encode() + b":", b"") == body
    assert json.loads(after) == {**json.loads(body), MARK: {"b": "new"}}


def test_numbers_keep_the_form_they_were_written_in() -> None:
    value = parsed(b'{"a":1.10,"b":1e3,"c":' + b"9" * 10_000 + b',"d":true,"e":null,"f":"x"}')
    assert [text(at(value, (name,))) for name in "abdef"] == [b"1.10", b"1e3", b"true", b"", b"x"]
    assert len(text(at(value, ("c",)))) == 10_000
    assert at(value, ("f", "g")) is None
