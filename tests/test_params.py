"""Form parameters as bytes."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.signatures.params import form_of, groups, pairs, put, value_of
from whcli.words.event import Message


def test_pairs_are_decoded_to_bytes_and_empty_values_kept() -> None:
    assert pairs(b"a=1+2&b=%ff&&c&d=e=f&%C3%A9=") == [
        (b"a", b"1 2"),
        (b"b", b"\xff"),
        (b"c", b""),
        (b"d", b"e=f"),
        (b"\xc3\xa9", b""),
    ]


@given(body=st.binary())
def test_pairs_are_those_of_the_standard_library(body: bytes) -> None:
    told = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    assert pairs(body) == [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (b"", b"n=a+b%26"),
        (b"x=1", b"x=1&n=a+b%26"),
        (b"n=1&x=%20", b"n=a+b%26&x=%20"),
        (b"%6E=1&x", b"%6E=a+b%26&x"),
        (b"n=1&n=2&", b"n=1&n=a+b%26&"),
    ],
    ids=["into nothing", "at the end", "in place", "under an encoded name", "the last of two"],
)
def test_a_value_is_put(form: bytes, wanted: bytes) -> None:
    assert put(form, b"n", b"a b&") == wanted


@given(body=st.binary(), name=st.binary(min_size=1), value=st.binary())
def test_what_was_put_is_found(body: bytes, name: bytes, value: bytes) -> None:
    assert value_of(put(body, name, value), name) == value


def test_groups_are_sorted_by_code_point() -> None:
    assert groups([(b"b", b"2"), (b"a", b"1"), (b"b", b"0"), (b"B", b"3"), ("é".encode(), b"4")]) == [
        (b"B", [b"3"]),
        (b"a", [b"1"]),
        (b"b", [b"2", b"0"]),
        ("é".encode(), [b"4"]),
    ]


@pytest.mark.parametrize(
    ("kind", "body", "form"),
    [
        (b"application/x-www-form-urlencoded; charset=UTF-8", b"{}", b"{}"),
        (b"application/json", b"a=b", None),
        (b"text/plain", b"a=b", None),
        (b"", b"a=b", b"a=b"),
        (b"", b' {"a":1}', None),
        (b"", b"[1]", None),
    ],
    ids=["a form", "JSON", "text", "no type and a form", "no type and an object", "no type and an array"],
)
def test_what_counts_as_a_form(kind: bytes, body: bytes, form: bytes | None) -> None:
    headers = ((b"content-type", kind),) if kind else ()
    assert form_of(Message(method="POST", url="", headers=headers, body=body)) == form
