"""An event for people: masked, readable, harmless, and never slow."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.payloads import PAYLOADS, acts, in_field
from whcli.rules.present import (
    BYTES,
    DEEP,
    LINES,
    depth,
    indented,
    inflated,
    looks_binary,
    masked_value,
    shown_body,
    shown_headers,
)
from whcli.words.event import Headers

SECOND = 1.0  # of the processor: a body is shown within it, whatever it is; most take milliseconds


def shown(body: bytes, headers: Headers = (), *, whole: bool = False) -> tuple[str, str | None]:
    lines, note = shown_body(headers, body, whole=whole)
    return "\n".join(lines), note


# -- readable -------------------------------------------------------------------------------------------------------


def test_json_is_indented() -> None:
    text, note = shown('{"a":[1,2.50],"b":"é"}'.encode())
    assert text == '{\n  "a": [\n    1,\n    2.5\n  ],\n  "b": "é"\n}'
    assert note is None


AS_IT_CAME = {
    "text": b"hello\nworld",
    "a form": b"a=1&b=2",
    "XML": b"<a><b/></a>",
    "broken JSON": b'{"a":',
    "JSON deeper than anybody reads": b"[" * (DEEP + 1) + b"]" * (DEEP + 1),
    "JSON nested beyond the parser": b"[" * 100_000,
    "a number longer than the interpreter reads": b"[" + b"9" * 6_000 + b"]",
}


@pytest.mark.parametrize("body", AS_IT_CAME.values(), ids=AS_IT_CAME.keys())
def test_what_cannot_be_indented_is_shown_as_it_came(body: bytes) -> None:
    assert indented(body) == body.decode()


def test_large_json_is_not_indented() -> None:
    body = json.dumps(list(range(20_000))).encode()
    assert indented(body) == body.decode()


TEXTS = {
    "Japanese": "これは日本語の文章です。" * 300,
    "Japanese, cut one byte later": "a" + "これは日本語の文章です。" * 300,
    "Japanese, cut two bytes later": "ab" + "これは日本語の文章です。" * 300,
    "Russian": "Это русский текст. " * 300,
    "emoji": "🦊" * 2_000,
    "ASCII": "plain text " * 500,
    "short": "é",
}
BINARIES = {
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
    "random bytes": bytes(range(128, 256)) * 40,
    "a NUL": b"text with a \x00 in it",
    "UTF-16": "hello".encode("utf-16"),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_text_in_any_script_is_text(text: str) -> None:
    assert not looks_binary(text.encode())
    assert shown(text.encode())[0].startswith(text[:5])


@pytest.mark.parametrize("body", BINARIES.values(), ids=BINARIES.keys())
def test_what_is_no_text_is_told_by_its_size(body: bytes) -> None:
    text, note = shown(body)
    assert text == f"{len(body)} bytes of binary data"
    assert note is not None and "--body" in note


# -- bounded --------------------------------------------------------------------------------------------------------


def test_a_long_body_is_cut_and_the_note_says_how_to_see_all_of_it() -> None:
    text, note = shown(b"line\n" * 1000)
    assert len(text.split("\n")) == LINES
    assert note == "1001 lines; --full shows all of it"
    assert shown(b"line\n" * 1000, whole=True) == ("line\n" * 1000, None)


def test_one_long_line_is_cut() -> None:
    text, note = shown(b"x" * 10_000)
    assert len(text) <= BYTES
    assert text.endswith("…")
    assert note is not None and "--full" in note
    assert shown(b"x" * 10_000, whole=True)[0] == "x" * 10_000


@given(st.binary(max_size=3000) | st.text(max_size=3000).map(str.encode))
def test_no_more_than_some_lines_of_some_length_are_shown(body: bytes) -> None:
    lines, _ = shown_body((), body, whole=False)
    assert len(lines) <= LINES
    assert all(len(line) <= 400 for line in lines)


HEAVY = {
    "25 MB of controls": b"\x1b" * 25_000_000,
    "25 MB that is no UTF-8": b"a" * 3_000 + b"\xff" * 25_000_000,
    "25 MB of lines": b"\n" * 25_000_000,
    "25 MB of opening brackets": b"[" * 25_000_000,
    "25 MB of bidirectional controls": "\u202e".encode() * 8_000_000,
    "64 kB of JSON, 100 deep": b"[" * 100 + b"1," * 32_000 + b"1" + b"]" * 100,
    "64 kB of empty arrays, 100 deep": b"[" * 99 + b"[]," * 21_000 + b"[]" + b"]" * 99,
    "1 MB of JSON": json.dumps([{"a": [1, 2, 3], "b": "x"}] * 30_000).encode(),
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY.keys())
def test_no_body_takes_long(body: bytes) -> None:
    began = time.process_time()
    lines, _ = shown_body((), body, whole=False)
    assert time.process_time() - began < SECOND
    assert sum(map(len, lines)) < 4 * BYTES + 400 * LINES


# -- harmless -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [False, True], ids=["cut", "whole"])
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_body_does_nothing(payload: bytes, whole: bool) -> None:
    for headers in ((), ((b"Content-Encoding", b"gzip"),), ((b"Content-Type", b"application/json"),)):
        text, note = shown(payload, headers, whole=whole)
        assert not acts(text, keep="\n\t")
        assert not acts(note or "")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_payload_in_a_json_string_does_nothing(payload: bytes) -> None:
    body = json.dumps({payload.decode("latin-1")[:2000]: payload.decode("utf-8", "surrogateescape")[:2000]}).encode()
    assert not acts(shown(body)[0], keep="\n\t")


@pytest.mark.parametrize("reveal", [False, True], ids=["masked", "revealed"])
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_header_does_nothing(payload: bytes, reveal: bool) -> None:
    value = in_field(payload)[:10_000]
    for name in (b"X", b"Authorization", b"Cookie", value):
        for text in shown_headers(((name, value),), reveal=reveal)[0]:
            assert not acts(text)


# -- masked ---------------------------------------------------------------------------------------------------------

TOKEN = b"k4n4ry0123456789abcdef"
MASKS = {
    "a bearer token": (b"Authorization", b"Bearer " + TOKEN, "Bearer …cdef"),
    "a basic password": (b"authorization", b"Basic dXNlcjpwYXNzd29yZA==", "Basic …ZA=="),
    "a proxy's password": (b"Proxy-Authorization", b"Basic dXNlcjpwYXNzd29yZA==", "Basic …ZA=="),
    "a token without a scheme": (b"Authorization", TOKEN, "…cdef"),
    "GitLab's static token": (b"X-Gitlab-Token", TOKEN, "…cdef"),
    "a short token": (b"X-Gitlab-Token", b"hunter2", "…"),
    "a token of several words": (b"X-Gitlab-Token", b"correct horse battery staple", "…aple"),
}


@pytest.mark.parametrize(("name", "value", "mask"), MASKS.values(), ids=MASKS.keys())
def test_a_credential_is_masked_unless_revealed(name: bytes, value: bytes, mask: str) -> None:
    assert shown_headers(((name, value),), reveal=False) == [(name.decode(), mask)]
    assert shown_headers(((name, value),), reveal=True) == [(name.decode(), value.decode())]


def test_cookies_are_masked() -> None:
    [(_, cookie)] = shown_headers(((b"Cookie", b"session=" + TOKEN),), reveal=False)
    assert TOKEN[:-4].decode() not in cookie


def test_a_signature_is_no_credential_and_stays_readable() -> None:
    assert shown_headers(((b"Stripe-Signature", b"t=1,v1=ab"),), reveal=False) == [("Stripe-Signature", "t=1,v1=ab")]


@given(st.binary(min_size=1, max_size=40).filter(lambda value: b" " not in value))
def test_a_masked_value_ends_like_the_value_and_hides_the_rest(value: bytes) -> None:
    mask = masked_value(value)
    assert "…" in mask
    assert len(mask) <= max(4 + 1 + 11, len(value))


# -- compressed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "pack"),
    [(b"gzip", gzip.compress), (b"GZIP", gzip.compress), (b"x-gzip", gzip.compress), (b"deflate", zlib.compress)],
    ids=["gzip", "GZIP", "x-gzip", "deflate"],
)
def test_a_compressed_body_is_shown_expanded(coding: bytes, pack: object) -> None:
    assert callable(pack)
    body = pack(b'{"a":1}')
    text, note = shown(body, ((b"Content-Encoding", coding),))
    assert text == '{\n  "a": 1\n}'
    assert note is not None and f"{len(body)} bytes" in note


def test_what_says_it_is_compressed_and_is_not_is_shown_as_it_came() -> None:
    text, note = shown(b"hello", ((b"Content-Encoding", b"gzip"),))
    assert text == "hello"
    assert note is not None and "is not" in note


@pytest.mark.parametrize("coding", [b"br", b"identity", b"", b"gzip, gzip", b"\xff"], ids=repr)
def test_a_coding_that_we_do_not_know_is_left_alone(coding: bytes) -> None:
    assert inflated(((b"Content-Encoding", coding),), b"hello") == (b"hello", None)


def test_a_bomb_is_expanded_within_a_bound_and_the_note_says_so() -> None:
    bomb = gzip.compress(bytes(50_000_000), 1)
    began = time.process_time()
    data, note = inflated(((b"Content-Encoding", b"gzip"),), bomb)
    assert time.process_time() - began < SECOND
    assert len(data) == 1 << 20
    assert note is not None and "first" in note


def test_a_note_on_compression_is_not_lost_when_the_body_is_cut() -> None:
    _, note = shown(gzip.compress(b"line\n" * 1000), ((b"Content-Encoding", b"gzip"),))
    assert note is not None and "--full" in note and "gzip" in note


def test_depth_counts_brackets() -> None:
    assert depth('{"a":[[1],[2]]}') == 3
    assert depth("no brackets") == 0
