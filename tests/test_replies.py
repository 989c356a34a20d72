"""What senders are answered, ULIDs, and fresh signatures in the old ones' places."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import headers as any_headers
from whcli.rules.replaying.resign import replaced, resigned
from whcli.rules.replies import REMEMBERED, Replies, sequence_of
from whcli.rules.signatures.carried import Signed
from whcli.rules.ulid import ALPHABET, RANDOM, letters, moment, ulid
from whcli.words.event import Headers, Message, Outgoing, Reply, every

# -- replies --------------------------------------------------------------------------------------------------------

LIKE = Reply(status=200, headers=((b"A", b"b"),), body=b"x")


def answers(replies: Replies, *ids: str | None) -> list[int]:
    return [replies.answer(id).status for id in ids]


def test_one_reply_is_for_everybody() -> None:
    replies = Replies(sequence=[LIKE])
    assert [replies.answer(id) for id in ("a", "a", None)] == [LIKE] * 3
    assert not replies.by_delivery


def test_attempts_are_answered_in_turn_and_the_last_reply_repeats() -> None:
    replies = Replies(sequence=sequence_of([500, 503, 200], LIKE))
    assert replies.by_delivery
    assert answers(replies, "a", "a", "b", "a", "a", "b") == [500, 503, 500, 200, 200, 503]


def test_without_a_delivery_id_the_listener_counts() -> None:
    assert answers(Replies(sequence=sequence_of([500, 200], LIKE)), None, "a", None, None) == [500, 500, 200, 200]


def test_a_sequence_differs_in_its_status_alone() -> None:
    assert sequence_of([500, 200], LIKE) == (replace(LIKE, status=500), LIKE)


def test_ids_are_forgotten_in_the_order_of_their_last_attempt() -> None:
    replies = Replies(sequence=sequence_of([500, 200], LIKE))
    answers(replies, "old", "kept")
    for n in range(REMEMBERED - 2):
        replies.answer(str(n))
    assert answers(replies, "kept") == [200]
    assert answers(replies, "one more", "old") == [500, 500]
    assert answers(replies, "kept") == [200]


# -- ULIDs ----------------------------------------------------------------------------------------------------------


def test_the_time_of_a_ulid_as_its_reference_implementation_writes_it() -> None:
    """`encodeTime(1469918176385, 10)` is "01ARYZ6S41" in test.js of github.com/ulid/javascript (read 2026-11-23)."""
    assert ulid(1469918176.385, bytes(10)) == "01ARYZ6S410000000000000000"


def test_the_random_part_takes_all_its_bits() -> None:
    assert ulid(0, b"\xff" * 10) == "0000000000ZZZZZZZZZZZZZZZZ"
    assert ulid(0, bytes(9) + b"\x01") == "00000000000000000000000001"
    assert ulid((2**48 - 1) / 1000, b"\xff" * 10) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


def by_hand(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(letter)
    return number


@given(st.integers(0, 2**47), st.binary(min_size=10, max_size=10))
def test_a_ulid_is_its_time_and_its_random_bits(milliseconds: int, random: bytes) -> None:
    text = ulid(milliseconds / 1000, random)
    assert len(text) == 26
    assert by_hand(text) & (1 << 80) - 1 == int.from_bytes(random, "big")
    assert abs((by_hand(text) >> 80) - milliseconds) <= 1


@given(st.integers(0, 2**47), st.binary(min_size=10, max_size=10))
def test_a_ulid_begins_with_its_moment(milliseconds: int, random: bytes) -> None:
    assert ulid(milliseconds / 1000, random)[:-RANDOM] == moment(milliseconds / 1000)


def test_each_letter_is_as_likely_as_any_other() -> None:
    found = letters(bytes(range(256)))
    assert {letter: found.count(letter) for letter in ALPHABET} == dict.fromkeys(ALPHABET, 8)
    assert letters(b"") == ""


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_ulids_sort_by_time(one: float, other: float) -> None:
    if int(one * 1000) < int(other * 1000):
        assert ulid(one, b"\xff" * 10) < ulid(other, bytes(10))


def test_the_alphabet_leaves_out_what_is_misread() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


@pytest.mark.parametrize("at", [-1.0, -1e12, 1e15])
def test_an_odd_clock_still_gives_a_ulid(at: float) -> None:
    assert len(ulid(at, bytes(10))) == 26


# -- a fresh signature ----------------------------------------------------------------------------------------------

REPLACED: dict[str, tuple[Headers, Headers, Headers]] = {
    "in place, in the old spelling": (
        ((b"A", b"1"), (b"x-SIG", b"old"), (b"B", b"2")),
        ((b"X-Sig", b"new"),),
        ((b"A", b"1"), (b"x-SIG", b"new"), (b"B", b"2")),
    ),
    "repeats of the old one go": (
        ((b"X-Sig", b"old"), (b"A", b"1"), (b"x-sig", b"older")),
        ((b"X-Sig", b"new"),),
        ((b"X-Sig", b"new"), (b"A", b"1")),
    ),
    "at the end where there was none": (((b"A", b"1"),), ((b"X-Sig", b"new"),), ((b"A", b"1"), (b"X-Sig", b"new"))),
    "repeats of others stay": (((b"A", b"1"), (b"a", b"2")), (), ((b"A", b"1"), (b"a", b"2"))),
    "some in place, some at the end": (
        ((b"Id", b"old"),),
        ((b"Ts", b"1"), (b"Id", b"new")),
        ((b"Id", b"new"), (b"Ts", b"1")),
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), REPLACED.values(), ids=REPLACED.keys())
def test_new_values_take_the_places_of_the_old(old: Headers, new: Headers, expected: Headers) -> None:
    assert replaced(old, new) == expected


@given(any_headers, any_headers)
def test_all_that_is_new_is_there_and_nothing_else_has_changed(old: Headers, new: Headers) -> None:
    new = tuple({name.lower(): (name, value) for name, value in new}.values())
    result = replaced(old, new)
    names = {name.lower() for name, _ in new}
    assert [every(result, name) for name in names] == [
        [value for n, value in new if n.lower() == name] for name in names
    ]
    assert [pair for pair in result if pair[0].lower() not in names] == [
        pair for pair in old if pair[0].lower() not in names
    ]


OUTGOING = Outgoing(
    method=b"POST",
    url="http://localhost:3000/a?b=1",
    target=b"/a?b=1",
    headers=((b"Host", b"localhost:3000"), (b"X-Sig", b"old"), (b"Content-Length", b"2")),
    body=b"{}",
)
MESSAGE = Message(method="POST", url="http://localhost:3000/a?b=1", headers=OUTGOING.headers, body=b"{}")


def signed(**changes: object) -> Signed:
    return Signed(**{"headers": ((b"X-Sig", b"new"),), "body": b"{}", "url": MESSAGE.url, **changes})  # type: ignore[arg-type]


def test_a_signature_in_a_header_changes_nothing_else() -> None:
    fresh = resigned(OUTGOING, MESSAGE, signed(), "x")
    assert every(fresh.headers, b"x-sig") == [b"new"]
    assert (fresh.body, fresh.target, fresh.changes, fresh.signed) == (b"{}", b"/a?b=1", (), "x")


def test_a_signature_in_the_body_is_told_and_the_length_follows() -> None:
    fresh = resigned(OUTGOING, MESSAGE, signed(body=b'{"sig":1}'), "x")
    assert fresh.body == b'{"sig":1}'
    assert every(fresh.headers, b"content-length") == [b"9"]
    assert any("body was changed" in change for change in fresh.changes)


def test_a_signature_in_the_query_is_told_and_the_path_stays() -> None:
    fresh = resigned(OUTGOING, MESSAGE, signed(url="http://localhost:3000/a?b=1&sig=%2F"), "x")
    assert (fresh.target, fresh.url) == (b"/a?b=1&sig=%2F", "http://localhost:3000/a?b=1&sig=%2F")
    assert any("query was changed" in change for change in fresh.changes)
