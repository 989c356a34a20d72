"""Whether a handler's state stays once it has taken an event; and which order of events is the smallest to fail."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.replaying.noise import noise_of, without_noise
from whcli.rules.replaying.probe import (
    Order,
    effects_differ,
    probe_json,
    probe_lines,
    probed,
    shorter_orders,
    smallest_failing,
    state_noise,
    states_differ,
)
from whcli.words.event import Difference


def state(**values: Any) -> bytes:
    return json.dumps(values).encode()


# -- one after another


def test_a_handler_that_takes_an_event_once_holds() -> None:
    probe = probed([state(orders=0), state(orders=1), state(orders=1), b'{ "orders" : 1 }\n'])
    assert probe.holds and not probe.blind
    assert probe.first == (Difference(field="state.orders", wanted="0", got="1"),)
    assert probe_lines(probe) == ["nothing changed after the first of 3 deliveries"]


def test_a_handler_that_takes_it_again_does_not() -> None:
    probe = probed([state(orders=0), state(orders=1), state(orders=1), state(orders=2, mails=[7])])
    assert not probe.holds
    assert probe_lines(probe) == [
        "delivery 3 changed state.orders: 1 → 2",
        "delivery 3 changed state.mails: none → [7]",
    ]


@pytest.mark.parametrize(
    ("seen", "later"),
    [
        ([(b"0", False), (b"0", False), (b"1", True), (b"1", True)], []),
        ([(b"0", False), (b"1", True), (b"2", True)], [3]),
        ([(b"1", False), (b"2", True)], [2]),
        ([(b"0", True), (b"1", True)], [2]),
    ],
    ids=["refused, then taken", "taken twice", "charged, then refused, then charged", "taken, and charged at the next"],
)
def test_the_first_is_the_one_that_is_taken_or_changes_something(
    seen: list[tuple[bytes, bool]], later: list[int]
) -> None:
    probe, before = probed([]), b"0"
    for state, taken in seen:
        probe.saw(before, state, taken=taken)
        before = state
    assert [number for number, _ in probe.later] == later


def test_a_change_that_is_taken_back_is_a_change() -> None:
    probe = probed([b"0", b"1", b"2", b"1"])
    assert [number for number, _ in probe.later] == [2, 3]


def test_a_probe_that_never_changes_proves_nothing() -> None:
    probe = probed([b"ready", b"ready", b"ready"])
    assert probe.holds and probe.proves and probe.blind
    assert not probed([b"0", b"0", b"1"]).blind
    assert not probed([b"0"]).blind


def test_a_single_delivery_proves_nothing() -> None:
    probe = probed([b"0", b"1"])
    assert probe.holds and not probe.proves and probe_json(probe)["proves"] is False
    assert probe_lines(probe) == ["delivered once, so nothing was proven"]


def test_a_proof_as_json() -> None:
    told = probe_json(probed([b"0", b"1", b"2"]))
    assert told == {
        "schema": "whcli.probe/1",
        "holds": False,
        "proves": True,
        "blind": False,
        "deliveries": 2,
        "noise": [],
        "first": [{"field": "state", "before": "0", "after": "1"}],
        "later": [{"delivery": 2, "changes": [{"field": "state", "before": "1", "after": "2"}]}],
    }


# -- states

STATES = {
    "numbers": (b"1", b"2", [("state", "1", "2")]),
    "JSON in another order and spacing": (b'{"a":1,"b":[2]}', b'{"b": [2], "a": 1}', []),
    "a field": (b'{"a":{"b":1}}', b'{"a":{"b":"1"}}', [("state.a.b", "1", '"1"')]),
    "an item more": (b"[1]", b"[1,2]", [("state[1]", "none", "2")]),
    "false and null": (b'{"a":false}', b'{"a":null}', [("state.a", "false", "null")]),
    "lines": (b"a\norders: 1\n", b"a\norders: 2\nc\n", [("line 2", "orders: 1", "orders: 2"), ("line 3", "none", "c")]),
    "text that becomes JSON": (b"", b"{}", [("line 1", "none", "{}")]),
    "bytes that are no text": (b"\xff", b"\xfe", [("line 1", "\\xff", "\\xfe")]),
    "null": (b"null", b"1", [("line 1", "null", "1")]),
}


@pytest.mark.parametrize(("one", "other", "wanted"), STATES.values(), ids=STATES)
def test_states_are_compared_by_what_they_say(one: bytes, other: bytes, wanted: list[tuple[str, str, str]]) -> None:
    assert [(d.field, d.wanted, d.got) for d in states_differ(one, other)] == wanted


def test_json_nested_deeper_than_the_interpreter_goes_is_compared_by_lines() -> None:
    one, other = (b"[" * 5000 + inner + b"]" * 5000 for inner in (b"1", b"2"))
    assert [difference.field for difference in states_differ(one, other)] == ["line 1"]


@given(one=st.binary(), other=st.binary())
def test_any_two_states_can_be_compared(one: bytes, other: bytes) -> None:
    assert states_differ(one, one) == ()
    assert all(each.field and each.wanted != each.got for each in states_differ(one, other) if len(one + other) < 100)


# -- noise


def test_a_clock_in_the_state_is_learned() -> None:
    looks = [state(orders=0, now=1), state(orders=0, now=2), state(orders=1, now=3), state(orders=1, now=4)]
    noise = state_noise(looks[0], looks[1])
    assert noise == {"state.now"}
    assert probed(looks[1:], noise).holds
    assert not probed([*looks, state(orders=2, now=5)][1:], noise).holds


def test_below_a_noisy_path_everything_is_noise_and_beside_it_nothing() -> None:
    noise = {"state.a"}
    found = [
        Difference(field=field, wanted="1", got="2")
        for field in ("state.a", "state.a.b", "state.a[0]", "state.ab", "state", "state.b.a")
    ]
    assert [each.field for each in without_noise(found, noise)] == ["state.ab", "state", "state.b.a"]


def test_a_text_whose_bytes_differ_anywhere_is_noise_as_a_whole() -> None:
    assert noise_of([Difference(field="body, byte 17", wanted="a", got="b")]) == {"body"}
    assert without_noise([Difference(field="body, byte 3", wanted="a", got="b")], {"body"}) == ()


COUNTS = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3))


@given(values=COUNTS, other=COUNTS)
def test_what_was_learned_is_never_told_again(values: dict[str, int], other: dict[str, int]) -> None:
    one, two = (json.dumps(each).encode() for each in (values, other))
    assert states_differ(one, two, state_noise(one, two)) == ()


# -- all at one instant


def test_after_a_reset_the_states_themselves_are_compared() -> None:
    empty, one, two = state(orders=[]), state(orders=["evt_1"]), state(orders=["evt_1", "evt_1"])
    assert effects_differ((empty, one), (empty, one)) == ()
    assert [each.field for each in effects_differ((empty, one), (empty, two))] == ["state.orders[1]"]


GROWN = {
    "a counter grows once": (state(count=0), state(count=1), state(count=1), state(count=2), []),
    "a counter grows twice": (state(count=0), state(count=1), state(count=1), state(count=3), ["state.count"]),
    "a balance falls twice": (state(left=9), state(left=7), state(left=7), state(left=3), ["state.left"]),
    "a list gets one entry": (state(ids=[]), state(ids=[1]), state(ids=[1]), state(ids=[1, 2]), []),
    "a list gets two": (state(ids=[]), state(ids=[1]), state(ids=[1]), state(ids=[1, 2, 2]), ["entries of state.ids"]),
    "an object is keyed by ids": (state(), state(evt_1=5), state(evt_1=5), state(evt_1=5, evt_2=5), []),
    "a counter that the first one made": (
        state(by={}),
        state(by={"charge": 1}),
        state(by={"charge": 1}),
        state(by={"charge": 3}),
        ["state.by.charge"],
    ),
    "a bare number": (b"3\n", b"4\n", b"4\n", b"6\n", ["state"]),
    "lines of a text": (b"a\n", b"a\nb\n", b"a\nb\n", b"a\nb\nc\nc\n", ["lines"]),
    "a number in a line": (b"orders: 0", b"orders: 1", b"orders: 1", b"orders: 3", ["line 'orders:'"]),
    "less than alone": (state(count=0), state(count=2), state(count=2), state(count=3), []),
    "a huge number": (b"[1e400]", b"[1e400,1]", b"[1e400,1]", b"[1e400,1,1]", []),
}


@pytest.mark.parametrize(("before", "alone", "again", "together", "wanted"), GROWN.values(), ids=GROWN)
def test_without_a_reset_it_is_how_much_grew(
    before: bytes, alone: bytes, again: bytes, together: bytes, wanted: list[str]
) -> None:
    assert [each.field for each in effects_differ((before, alone), (again, together))] == wanted


def test_growth_is_told_with_its_sign() -> None:
    [found] = effects_differ((b'{"n":0}', b'{"n":1}'), (b'{"n":1}', b'{"n":9}'))
    assert (found.wanted, found.got) == ("+1", "+8")


def test_noise_does_not_count_as_growth() -> None:
    found = effects_differ((state(n=0, t=1), state(n=1, t=2)), (state(n=1, t=5), state(n=2, t=99)), {"state.t"})
    assert found == ()


@given(states=st.tuples(*[st.binary(max_size=30)] * 4))
def test_any_states_have_effects(states: tuple[bytes, bytes, bytes, bytes]) -> None:
    one, two, three, four = states
    effects_differ((one, two), (three, four))
    assert effects_differ((one, two), (one, two)) == ()


# -- orders


def test_the_smallest_failing_order_has_the_fewest_events_and_comes_first() -> None:
    assert smallest_failing({}) is None
    assert smallest_failing({(0, 1): False}) is None
    assert smallest_failing({(2, 1, 0): True, (1, 2, 0): True, (0, 1, 2): False}) == (1, 2, 0)
    assert smallest_failing({(0, 1, 2): True, (2, 1): True, (1, 0): False}) == (2, 1)


def test_a_smaller_order_leaves_one_event_out() -> None:
    assert shorter_orders({(2, 0, 1): True}) == [(0, 1), (2, 0), (2, 1)]
    assert shorter_orders({(2, 0, 1): True, (0, 1): False}) == [(2, 0), (2, 1)]
    assert shorter_orders({(1,): True}) == shorter_orders({}) == shorter_orders({(0, 1): False}) == []


@given(count=st.integers(2, 6), data=st.data())
def test_the_search_ends_at_the_events_that_matter(count: int, data: st.DataObject) -> None:
    """A handler that fails when two events come the wrong way round."""
    late, early = data.draw(st.permutations(range(count)))[:2]

    def fails(order: Order) -> bool:
        return late in order and early in order and order.index(late) < order.index(early)

    tried = {order: fails(order) for order in permutations(range(count))}
    while more := shorter_orders(tried):
        tried |= {order: fails(order) for order in more}
    assert smallest_failing(tried) == (late, early)
    assert len([order for order in tried if len(order) < count]) < count * count
