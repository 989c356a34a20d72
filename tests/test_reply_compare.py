"""Two handlers answer the same request: what a sender could tell apart is told, and nothing else."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import deliveries_of
from whcli.rules.replaying.replies_differ import replies_differ, reply_noise
from whcli.words.event import Delivery, Headers, Reply

A, B = "http://localhost:3000/hooks", "http://127.0.0.1:4000/hooks?x=1"
JSON: Headers = ((b"Content-Type", b"application/json"),)


def answered(
    body: bytes = b"", headers: Headers = JSON, status: int = 200, url: str = A, *, truncated: bool = False
) -> Delivery:
    reply = Reply(status=status, headers=headers, body=body, truncated=truncated)
    return Delivery(event_id=1, kind="replay", sent_at=0.0, method=b"POST", url=url, reply=reply, latency=0.01)


def silent(failure: str) -> Delivery:
    return Delivery(event_id=1, kind="replay", sent_at=0.0, method=b"POST", url=A, failure=failure)


def found(one: Delivery, other: Delivery) -> list[tuple[str, str, str]]:
    return [(each.field, each.wanted, each.got) for each in replies_differ(one, other)]


# -- status


def test_another_status_is_told_first() -> None:
    assert found(answered(b'{"a":1}'), answered(b'{"a":2}', status=422)) == [
        ("status", "200", "422"),
        ("body.a", "1", "2"),
    ]


def test_no_reply_is_a_status_too() -> None:
    assert found(answered(b"{}"), silent("timeout")) == [("status", "200", "timeout")]
    assert found(silent("refused"), silent("timeout")) == [("status", "refused", "timeout")]
    assert found(silent("refused"), silent("refused")) == []


# -- headers

SAME: dict[str, tuple[tuple[bytes, bytes], tuple[bytes, bytes]]] = {
    "dates": ((b"Date", b"Mon, 23 Nov 2026 14:03:00 GMT"), (b"Date", b"Mon, 23 Nov 2026 14:03:01 GMT")),
    "servers": ((b"Server", b"nginx"), (b"Server", b"uvicorn")),
    "lengths": ((b"Content-Length", b"2"), (b"Content-Length", b"3")),
    "request ids": ((b"X-Request-Id", b"1"), (b"X-Request-Id", b"2")),
    "spelling of a media type": (
        (b"content-type", b"Application/JSON;charset=UTF-8"),
        (b"CONTENT-TYPE", b"application/json; charset=utf-8"),
    ),
    "order of directives": ((b"Cache-Control", b"no-store, max-age=0"), (b"cache-control", b"max-age=0,no-store")),
    "values of a cookie": ((b"Set-Cookie", b"sid=1; Path=/"), (b"Set-Cookie", b"sid=2; Path=/")),
    "places on the handlers themselves": (
        (b"Location", b"http://localhost:3000/orders/1"),
        (b"Location", b"http://127.0.0.1:4000/orders/1"),
    ),
    "a place with and without the origin": (
        (b"Location", b"HTTP://LOCALHOST:3000"),
        (b"Location", b"/"),
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_headers_that_say_the_same_do_not_differ(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    assert found(answered(headers=(one,)), answered(headers=(other,), url=B)) == []


OTHER: dict[str, tuple[tuple[bytes, bytes], tuple[bytes, bytes], tuple[str, str, str]]] = {
    "the media type": (
        (b"Content-Type", b"application/json"),
        (b"Content-Type", b"text/html"),
        ("headers.content-type", "application/json", "text/html"),
    ),
    "a place elsewhere": (
        (b"Location", b"/a"),
        (b"Location", b"https://elsewhere.example/a"),
        ("headers.location", "/a", "https://elsewhere.example/a"),
    ),
    "a place that only begins like the handler": (
        (b"Location", b"http://localhost:30001/a"),
        (b"Location", b"1/a"),
        ("headers.location", "http://localhost:30001/a", "1/a"),
    ),
    "another cookie": (
        (b"Set-Cookie", b"sid=1"),
        (b"Set-Cookie", b"session=1"),
        ("headers.set-cookie", "sid", "session"),
    ),
    "a cookie that is gone": ((b"Set-Cookie", b"sid=1"), (b"X", b"1"), ("headers.set-cookie", "sid", "none")),
    "what may be kept": (
        (b"Cache-Control", b"no-store"),
        (b"Cache-Control", b"public"),
        ("headers.cache-control", "no-store", "public"),
    ),
    "when to come again": ((b"Retry-After", b"5"), (b"X", b"1"), ("headers.retry-after", "5", "none")),
    "never to come again": (
        (b"X-Slack-No-Retry", b"1"),
        (b"X", b"1"),
        ("headers.x-slack-no-retry", "1", "none"),
    ),
}


@pytest.mark.parametrize(("one", "other", "wanted"), OTHER.values(), ids=OTHER)
def test_headers_that_matter_are_told(
    one: tuple[bytes, bytes], other: tuple[bytes, bytes], wanted: tuple[str, str, str]
) -> None:
    assert found(answered(headers=(one,)), answered(headers=(other,), url=B)) == [wanted]


# -- bodies


def test_json_is_compared_by_what_it_says() -> None:
    one, other = answered(b'{"id":1,"tags":["a"],"ok":true}'), answered(b'{ "ok": true, "tags": ["a"], "id": 1 }\n')
    assert found(one, other) == []
    third = answered(b'{"id":"1","tags":["a","b"],"ok":true}')
    assert found(one, third) == [("body.id", "1", '"1"'), ("body.tags[1]", "none", '"b"')]


def test_other_texts_are_compared_by_their_bytes() -> None:
    html: Headers = ((b"content-type", b"text/html"),)
    assert found(answered(b"<p>done", html), answered(b"<p>gone", html)) == [("body, byte 3", "<p>done", "<p>gone")]
    assert found(answered(b"<p>", html), answered(b"", html)) == [("body, byte 0", "<p>", "the end")]
    assert found(answered(b"\xff", html), answered(b"\xff", html)) == []


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(b'{"a":1}', 1)),
        (b"X-GZIP", gzip.compress(b'{"a": 1}', 9)),
        (b"deflate", zlib.compress(b'{"a":1}')),
        (b"deflate", zlib.compress(b'{"a":1}', wbits=-15)),
        (b"identity", b'{"a":1}'),
        (b"gzip", b'{"a":1}'),
    ],
    ids=["gzip", "x-gzip", "deflate", "deflate without its wrapping", "nothing", "gzip that is none"],
)
def test_compressed_bodies_are_unpacked(coding: bytes, packed: bytes) -> None:
    headers = (*JSON, (b"Content-Encoding", coding))
    assert found(answered(packed, headers), answered(b'{"a":1}', headers)) == []
    assert [field for field, _, _ in found(answered(packed, headers), answered(b'{"a":2}', headers))] == ["body.a"]


def test_of_a_reply_that_was_cut_off_the_part_that_was_kept_counts() -> None:
    assert found(answered(b"abcdef"), answered(b"abc", truncated=True)) == []
    packed = zlib.compress(b"abcdef" * 100)
    deflated: Headers = ((b"content-encoding", b"deflate"),)
    assert found(answered(packed, deflated), answered(packed[:-4], deflated, truncated=True)) == []
    assert [field for field, _, _ in found(answered(b"abcdef"), answered(b"abd", truncated=True))] == ["body, byte 2"]


def test_json_nested_too_deep_is_compared_by_its_bytes() -> None:
    one, other = (answered(b"[" * 900 + inner + b"]" * 900) for inner in (b"1", b"2"))
    assert len(found(one, other)) == 1


# -- noise


def test_what_differs_between_two_answers_of_the_same_handler_is_ignored() -> None:
    once = answered(b'{"id":"a1","at":100,"ok":true}', (*JSON, (b"Retry-After", b"5")))
    again = answered(b'{"id":"a2","at":101,"ok":true}', (*JSON, (b"Retry-After", b"6")))
    noise = reply_noise(once, again)
    assert noise == {"body.id", "body.at", "headers.retry-after"}
    other = answered(b'{"id":"b1","at":102,"ok":false}', (*JSON, (b"Retry-After", b"9")), url=B)
    assert [each.field for each in replies_differ(once, other, noise)] == ["body.ok"]


def test_a_text_that_is_never_the_same_is_ignored_as_a_whole() -> None:
    noise = reply_noise(answered(b"<p>token 1", ()), answered(b"<p>token 2", ()))
    assert replies_differ(answered(b"<p>token 1", ()), answered(b"<b>token 7", ()), noise) == ()


def test_a_status_is_never_noise() -> None:
    noise = reply_noise(answered(b"1"), answered(b"2", status=409))
    assert noise == {"body"}
    assert [each.field for each in replies_differ(answered(b"1"), answered(b"3", status=500), noise)] == ["status"]


@given(one=deliveries_of(1), other=deliveries_of(1))
def test_any_two_replies_can_be_compared(one: Delivery, other: Delivery) -> None:
    assert replies_differ(one, one) == ()
    learned = replies_differ(one, other, reply_noise(one, other))
    assert {each.field for each in learned} <= {"status"}
    mirrored = {(each.field, each.got, each.wanted) for each in replies_differ(other, one)}
    assert mirrored == {(each.field, each.wanted, each.got) for each in replies_differ(one, other)}


@given(body=st.binary(max_size=80), coding=st.sampled_from([b"gzip", b"deflate", b"br"]))
def test_any_bytes_called_compressed_can_be_compared(body: bytes, coding: bytes) -> None:
    headers: Headers = ((b"content-encoding", coding),)
    assert replies_differ(answered(body, headers), answered(body, headers)) == ()
    replies_differ(answered(body, headers), answered(b"{}", headers))
