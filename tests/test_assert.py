"""`whcli assert`: how many, in which order, signed, once each; and the rules below it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import listening, whcli
from tests.test_listen import STRIPE, post, signed
from whcli.hands.storing.judging import judge
from whcli.hands.storing.store import Store
from whcli.rules.assertions import Expected, expected, failures, words
from whcli.rules.match import Filter, Miss, closest
from whcli.words.errors import NothingMatched, WrongUsage
from whcli.words.event import Arrival, Difference, Entry, Facts, SignatureState


def entry(id: int, type: str | None = None, signature: SignatureState = "valid", again: int | None = None) -> Entry:
    facts = Facts(provider="acme", type=type, signature=signature, duplicate_of=again)
    return Entry(id=id, uid="U", received_at=0.0, method=b"POST", target=b"/", size=0, peer=None, facts=facts)


def entries(*types: str) -> list[Entry]:
    return [entry(n, type) for n, type in enumerate(types, start=1)]


def found(wanted: Expected, *items: Entry) -> list[str]:
    return [(f"#{each.event} " if each.event else "") + words(each.difference) for each in failures(wanted, items)]


# -- the rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "number", "said"),
    [
        (Expected(), 1, []),
        (Expected(), 0, ["count: wanted at least 1, got 0"]),
        (Expected(least=2, most=2), 2, []),
        (Expected(least=2, most=2), 3, ["count: wanted 2, got 3"]),
        (Expected(least=0, most=0), 0, []),
        (Expected(least=0, most=0), 1, ["count: wanted 0, got 1"]),
        (Expected(least=1, most=3), 4, ["count: wanted 1 to 3, got 4"]),
        (Expected(least=0, most=3), 4, ["count: wanted at most 3, got 4"]),
    ],
)
def test_how_many(wanted: Expected, number: int, said: list[str]) -> None:
    assert found(wanted, *[entry(n + 1) for n in range(number)]) == said


@pytest.mark.parametrize(
    ("ordered", "types", "said"),
    [
        (("a", "b"), "ab", []),
        (("a", "b"), "xaxbx", []),
        (("a", "b"), "ba", ["ordered: wanted b behind #2 a, got #1"]),
        (("a", "b"), "bab", []),
        (("a", "a"), "aa", []),
        (("a", "a"), "a", ["ordered: wanted a behind #1 a, got #1"]),
        (("a", "b"), "a", ["ordered: wanted b behind #1 a, got none"]),
        (("a", "b"), "b", ["ordered: wanted a, got none"]),
        (("a", "*", "b"), "axb", []),
        (("a", "*", "b"), "ab", ["ordered: wanted b behind #2 *, got #2"]),
    ],
)
def test_in_which_order(ordered: tuple[str, ...], types: str, said: list[str]) -> None:
    assert found(Expected(ordered=ordered), *entries(*types)) == said


@given(st.lists(st.sampled_from("ab")), st.lists(st.sampled_from("ab"), max_size=5))
def test_an_order_holds_where_it_is_a_subsequence(types: list[str], ordered: list[str]) -> None:
    import re

    holds = re.search(".*".join(ordered), "".join(types)) is not None
    assert (not failures(Expected(least=0, ordered=tuple(ordered)), entries(*types))) == holds


def test_signed_and_once() -> None:
    items = (entry(1), entry(2, signature="stale"), entry(3, again=1))
    assert found(Expected(signed=True), *items) == ["#2 signature: wanted valid, got stale"]
    assert found(Expected(once=True), *items) == [
        "#3 duplicate: wanted each delivery once, got the delivery id of #1 again"
    ]
    assert found(Expected(), *items) == []


def asked(**flags: object) -> Expected:
    given = {"count": None, "at_least": None, "at_most": None, "ordered": None, "signed": False, "no_duplicates": False}
    return expected(**{**given, **flags})  # type: ignore[arg-type]


def test_the_flags_describe_it() -> None:
    assert asked() == Expected(least=1)
    assert asked(count=2) == Expected(least=2, most=2)
    assert asked(at_most=3) == Expected(least=0, most=3)
    assert asked(at_least=2, at_most=3) == Expected(least=2, most=3)
    assert asked(ordered="a, b.*") == Expected(least=1, ordered=("a", "b.*"))
    for flags in ({"count": 1, "at_least": 1}, {"at_least": 3, "at_most": 2}, {"ordered": "a,,b"}, {"ordered": ""}):
        with pytest.raises(WrongUsage):
            asked(**flags)


def test_the_closest_come_first() -> None:
    def miss(id: int, *differences: tuple[str, str]) -> Miss:
        found = tuple(Difference(field=field, wanted="charge.succeeded", got=got) for field, got in differences)
        return Miss(entry(id), found)

    two, far, near, newer = (
        miss(1, ("type", "x"), ("path", "y")),
        miss(2, ("type", "ping")),
        miss(3, ("type", "charge.failed")),
        miss(4, ("type", "charge.failed")),
    )
    assert closest(Filter(), [two, far, near, newer]) == (newer, near, far)
    asked = miss(5, ("where", "False"))
    assert closest(Filter(where="a"), [near, asked])[0] == asked, "all else holds of it"
    assert closest(Filter(), [miss(6)]) == (), "it matches"


# -- the store and the command --------------------------------------------------------------------------------------


def captured(folder: Path) -> None:
    """A signed event, its duplicate, an unsigned one."""
    with listening("--count", "3", folder=folder, env=STRIPE) as listener:
        headers = signed(folder)
        post(listener.url + "/hooks", headers=headers)
        post(listener.url + "/hooks", headers=headers)
        post(listener.url + "/other", headers={"X-GitHub-Event": "push"})
        listener.wait()


def test_what_holds_is_one_line_and_exit_0(tmp_path: Path) -> None:
    captured(tmp_path)
    done = whcli("assert", "--type", "charge.*", "--count", "2", "--signed", folder=tmp_path)
    assert (done.code, done.out, done.err) == (0, "✓ 2 events match\n", "")
    ordered = whcli("assert", "--ordered", "charge.succeeded,push", "--at-most", "3", folder=tmp_path)
    assert (ordered.code, ordered.out) == (0, "✓ 3 events match\n")


def test_what_does_not_hold_is_told_event_by_event_and_exit_1(tmp_path: Path) -> None:
    captured(tmp_path)
    done = whcli("assert", "--signed", "--no-duplicates", "--ordered", "push,charge.succeeded", folder=tmp_path)
    assert done.code == 1
    assert done.out.splitlines() == [
        "✗ 3 events match",
        "  - ordered: wanted charge.succeeded behind #3 push, got #1, #2",
        "  - #3 POST /other github push  signature: wanted valid, got unsigned",
        "  - #2 POST /hooks stripe charge.succeeded  duplicate: wanted each delivery once,"
        " got the delivery id of #1 again",
    ]


def test_too_few_bring_the_near_misses(tmp_path: Path) -> None:
    captured(tmp_path)
    done = whcli("assert", "--type", "charge.failed", "--path", "/hooks", folder=tmp_path)
    assert done.code == 1
    assert done.out.splitlines()[:5] == [
        "✗ 0 events match",
        "  - count: wanted at least 1, got 0",
        "near misses:",
        "  ~ #2 POST /hooks stripe charge.succeeded",
        "      type: wanted charge.failed, got charge.succeeded",
    ]


def test_json_is_one_line(tmp_path: Path) -> None:
    captured(tmp_path)
    done = whcli("assert", "--type", "charge.*", "--count", "3", "--no-duplicates", "--json", folder=tmp_path)
    assert done.code == 1
    [told] = done.lines
    misses = told.pop("near_misses")
    assert told == {
        "schema": "whcli.assertion/1",
        "holds": False,
        "matched": 2,
        "events": [1, 2],
        "differences": [
            {"field": "count", "wanted": "3", "got": "2", "event": None},
            {
                "field": "duplicate",
                "wanted": "each delivery once",
                "got": "the delivery id of #1 again",
                "event": 2,
            },
        ],
        "after": 0,
        "cursor": 3,
    }
    assert misses == [{"event": 3, "differences": [{"field": "type", "wanted": "charge.*", "got": "push"}]}]
    holds = whcli("assert", "--count", "3", "--json", folder=tmp_path).lines[0]
    assert holds["holds"] is True and holds["differences"] == [] and holds["near_misses"] == []


def test_from_when_on(tmp_path: Path) -> None:
    captured(tmp_path)
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url)
        listener.wait()
    assert whcli("assert", "--count", "1", folder=tmp_path).code == 0, "since the newest listener began"
    assert whcli("assert", "--count", "1", "--since-start", folder=tmp_path).code == 0
    assert whcli("assert", "--count", "3", "--after", "1", folder=tmp_path).code == 0
    assert whcli("assert", "--count", "0", "--after", "4", folder=tmp_path).code == 0
    assert whcli("assert", "--after", "1", "--since-start", folder=tmp_path).code == 2


def test_without_any_listener_all_events_count(folder: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([Arrival(1.0, b"GET / HTTP/1.1\r\n\r\n", b"GET", b"/", b"", (), None)])
    assert [each.id for each in judge(folder, Filter(), Expected()).entries] == [1]


def test_no_store_is_exit_3_and_not_a_success(tmp_path: Path) -> None:
    with pytest.raises(NothingMatched):
        judge(tmp_path / "none", Filter(), Expected(least=0))
    done = whcli("assert", "--count", "0", "--json", folder=tmp_path)
    assert done.code == 3 and json.loads(done.err)["code"] == "no_store"


def test_hostile_text_of_an_event_reaches_no_terminal_raw(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url, b'{"type":"\\u001b[2Jx","id":"evt_1","object":"event"}', {"Stripe-Signature": "t=1,v1=0"})
        listener.wait()
    done = whcli("assert", "--type", "charge", folder=tmp_path)
    assert done.code == 1 and "\x1b" not in done.out and "\\x1b[2Jx" in done.out
    waited = whcli("wait", "--type", "charge", "--timeout", "0", folder=tmp_path)
    assert waited.code == 4 and "\x1b" not in waited.err and "\\x1b[2Jx" in waited.err
