"""How an event is named, and what the name leads to."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.payloads import acts
from whcli.hands.events import Source
from whcli.hands.storing.store import Store
from whcli.rules.archive import event_json, line
from whcli.rules.archive.fixture import fixture_text
from whcli.rules.match import Filter
from whcli.rules.references import Reference, reference_of
from whcli.words.errors import Exit, NothingMatched, WrongUsage
from whcli.words.event import Arrival, Event
from whcli.words.fixture import Fixture

READ = {
    "42": Reference(kind="number", text="42", first=42),
    "#42": Reference(kind="number", text="#42", first=42),
    "0": Reference(kind="number", text="0", first=0),
    "123456": Reference(kind="number", text="123456", first=123456),
    "latest": Reference(kind="latest", text="latest", first=0),
    "latest~2": Reference(kind="latest", text="latest~2", first=2),
    "3..7": Reference(kind="range", text="3..7", first=3, last=7),
    "#3..#7": Reference(kind="range", text="#3..#7", first=3, last=7),
    "3..3": Reference(kind="range", text="3..3", first=3, last=3),
    "all": Reference(kind="all", text="all"),
    "01JD3K": Reference(kind="uid", text="01JD3K"),
    "01jd3k": Reference(kind="uid", text="01jd3k"),
    "01ARYZ6S41TSV4RRFFQ69G5FAV": Reference(kind="uid", text="01ARYZ6S41TSV4RRFFQ69G5FAV"),
    "hook.json": Reference(kind="file", text="hook.json"),
    "./hook": Reference(kind="file", text="./hook"),
    "/tmp/42": Reference(kind="file", text="/tmp/42"),
    "-": Reference(kind="stdin", text="-"),
}


@pytest.mark.parametrize(("text", "expected"), READ.items(), ids=READ.keys())
def test_a_reference(text: str, expected: Reference) -> None:
    assert reference_of(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "latest~", "latest~-1", "ALL", "#", "abc", "01JD3", "-1", "1-3", "4 2", "hook", "\x1b[2J", "1" * 19],
)
def test_what_names_no_event_is_refused_in_one_safe_sentence(text: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        reference_of(text)
    assert not acts(caught.value.message)
    assert "latest~2" in caught.value.next


def test_a_range_that_runs_backwards_says_how_to_write_it() -> None:
    with pytest.raises(WrongUsage) as caught:
        reference_of("7..3")
    assert caught.value.next == "write 3..7"


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_reference_or_refused(text: str) -> None:
    try:
        assert reference_of(text).text == text
    except WrongUsage as error:
        assert not acts(error.message)


# -- what it leads to -----------------------------------------------------------------------------------------------


def arrival(number: int) -> Arrival:
    target = b"/%d" % number
    return Arrival(1e9 - number, b"POST %b HTTP/1.1\r\n\r\n" % target, b"POST", target, b"", (), None)


@pytest.fixture
def source(folder: Path) -> Iterator[Source]:
    with Store(folder, create=True) as store:
        store.add([arrival(number) for number in range(1, 8)])
        store.remove([4])
    yield Source(folder)


LEADS = {
    "3": [3],
    "#3": [3],
    "latest": [7],
    "latest~1": [6],
    "latest~5": [1],
    "2..5": [2, 3, 5],
    "5..99": [5, 6, 7],
    "all": [1, 2, 3, 5, 6, 7],
}


@pytest.mark.parametrize(("text", "ids"), LEADS.items(), ids=LEADS.keys())
def test_where_a_reference_leads(source: Source, text: str, ids: list[int]) -> None:
    assert [event.id for event in source.events([text])] == ids
    assert source.ids(reference_of(text)) == ids


@pytest.mark.parametrize("text", ["4", "99", "0", "latest~6", "90..99", "ZZZZZZ", "4..4", "999999999999999999"])
def test_a_reference_that_leads_nowhere(source: Source, text: str) -> None:
    with pytest.raises(NothingMatched) as caught:
        list(source.events([text]))
    assert caught.value.exit == Exit.NOTHING
    assert caught.value.message == f"there is no event {text}"


@pytest.mark.parametrize("text", ["all", "latest", "latest~2"])
def test_an_empty_store_is_told_to_be_empty(tmp_path: Path, text: str) -> None:
    Store(tmp_path / ".whcli", create=True).close()
    with pytest.raises(NothingMatched, match="the store holds no event yet"):
        list(Source(tmp_path / ".whcli").events([text]))


def test_references_are_followed_in_the_order_named(source: Source) -> None:
    assert [event.id for event in source.events(["latest", "1..2", "#5"])] == [7, 1, 2, 5]


def test_a_uid_leads_to_its_event_alone(source: Source) -> None:
    event = source.one("3")
    assert source.one(event.uid).id == 3
    assert source.one(event.uid.lower()).id == 3
    with pytest.raises(WrongUsage) as caught:
        source.one(event.uid[:6])  # all arrived within seconds of each other
    assert "more of the uid" in caught.value.next


def test_one_event_is_one_event(source: Source) -> None:
    with pytest.raises(WrongUsage) as caught:
        source.one("1..3")
    assert "3 events" in caught.value.message


def test_a_filter_leads_to_numbers(source: Source) -> None:
    assert source.matching(Filter(path="/[15]")) == []
    assert source.matching(Filter(path="/5")) == [5]
    assert source.matching(Filter()) == [1, 2, 3, 5, 6, 7]


# -- files ----------------------------------------------------------------------------------------------------------

EVENT = Event(id=9, uid="01ARYZ6S41", received_at=1.0, method=b"PUT", target=b"/f", version="1.1", headers=())


def test_a_file_holds_events_a_line_each(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text(line(event_json(EVENT)) + "\n\n" + line(event_json(EVENT)) + "\r\n")
    source = Source(folder)
    assert [(event.id, event.method) for event in source.events(["two.json"])] == [(0, b"PUT"), (0, b"PUT")]
    assert not source.has_store
    assert not folder.exists()


def test_a_fixture_is_an_event_and_several_may_follow_each_other(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text(2 * fixture_text(Fixture(event=EVENT)))
    assert [event.body for event in Source(folder).events([str(tmp_path / "two.json")])] == [EVENT.body] * 2


def test_a_file_that_was_written_for_people_holds_one_event(folder: Path, tmp_path: Path) -> None:
    """A fixture in git is indented by an editor or a formatter sooner or later."""
    (tmp_path / "one.json").write_text(json.dumps(event_json(EVENT), indent=2))
    assert Source(folder).one("one.json").method == b"PUT"


BAD_FILES = {"absent": None, "a folder": 0, "no event": "{}\n", "no JSON": "hello\n", "empty": ""}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_gives_no_event_is_one_sentence(folder: Path, tmp_path: Path, content: str | int | None) -> None:
    path = tmp_path / "x.json"
    if content == 0:
        path.mkdir()
    elif isinstance(content, str):
        path.write_text(content)
    with pytest.raises((NothingMatched, WrongUsage)) as caught:
        Source(folder).one("x.json")
    assert "\n" not in caught.value.message


def test_standard_input_holds_events_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(event_json(EVENT)).encode() + b"\n")))
    assert Source(folder).one("-").uid == "01ARYZ6S41"


def test_a_store_that_is_not_there_is_nothing_matched(folder: Path) -> None:
    source = Source(folder)
    assert not source.has_store
    with pytest.raises(NothingMatched) as caught:
        source.one("latest")
    assert caught.value.code == "no_store"
