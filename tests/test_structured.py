"""Structured fields, by the examples of RFC 9651."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.signatures.structured import BadField, Inner, Item, dictionary, written

GOOD = {
    "a string and bytes": ('en="Applepie", da=:w4ZibGV0w6Zy:', {"en": "Applepie", "da": "Æblet\xe6r".encode()}),
    "flags": ("a=?0, b, c; foo=bar", {"a": False, "b": True, "c": True}),
    "numbers": ("rating=1.5, count=-42, when=@1659578233", {"rating": 1.5, "count": -42, "when": 1659578233}),
    "tokens": ("a=sugar, b=*x/y:z", {"a": "sugar", "b": "*x/y:z"}),
    "an escaped string": (r'a="b\"c\\d"', {"a": 'b"c\\d'}),
    "white space between members": ("a=1 ,\t b=2", {"a": 1, "b": 2}),
    "the last of two": ("a=1, a=2", {"a": 2}),
    "nothing": ("", {}),
}

BAD = ("a=", "a=1,", "a=1 b=2", "A=1", 'a="', 'a="\x7f"', "a=:*:", "a=(1", "a=(1 2", 'a=(1"b")', "a=1234567890123456")


@pytest.mark.parametrize(("text", "wanted"), GOOD.values(), ids=GOOD)
def test_a_dictionary_reads(text: str, wanted: dict[str, Any]) -> None:
    assert {name: member.value for name, member in dictionary(text).items() if isinstance(member, Item)} == wanted


@pytest.mark.parametrize("text", BAD)
def test_a_broken_dictionary_is_refused(text: str) -> None:
    with pytest.raises(BadField):
        dictionary(text)


def test_an_inner_list_keeps_its_text_and_that_of_its_items() -> None:
    member = dictionary('x=1, sig=("@method"  "a";sf;key="k" );created=1;tag="t" , y=2')["sig"]
    assert isinstance(member, Inner)
    assert [item.text for item in member.items] == ['"@method"', '"a";sf;key="k"']
    assert member.items[1].params == {"sf": True, "key": "k"}
    assert member.params == {"created": 1, "tag": "t"}
    assert member.text == '("@method"  "a";sf;key="k" );created=1;tag="t"'


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_a_string_survives_writing_and_reading(text: str) -> None:
    member = dictionary(f"a={written(text)}")["a"]
    assert isinstance(member, Item)
    assert (member.value, member.text) == (text, written(text))


@given(raw=st.binary())
def test_bytes_survive_writing_and_reading(raw: bytes) -> None:
    member = dictionary(f"a={written(raw)}")["a"]
    assert isinstance(member, Item)
    assert member.value == raw


@given(text=st.text())
def test_any_text_reads_or_is_refused(text: str) -> None:
    try:
        dictionary(text)
    except BadField as error:
        assert str(error)
