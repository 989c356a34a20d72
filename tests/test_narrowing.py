"""Filters are answered through indexes: looked at with EXPLAIN QUERY PLAN, on the very queries that are run."""

from __future__ import annotations

import io
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.commands.list_events import command
from whcli.hands.storing import listing
from whcli.hands.storing.listing import PAGE
from whcli.hands.storing.narrowing import LAST, behind
from whcli.hands.storing.store import Store
from whcli.rules.match import Filter
from whcli.words.event import Arrival, Entry, Facts

FEW = 300  # so that a store which is quick to fill has more
COUNT = FEW + 2 * PAGE  # events: more than one index gives at once
BARE = COUNT // 10  # the newest, whose facts nobody has kept yet


def arrival(number: int) -> Arrival:
    """A clock that goes back: every fifth event says it came an hour before the first."""
    target = b"/hooks/%d" % (number % 50)
    head = b"POST %b HTTP/1.1\r\nHost: a\r\n\r\n" % target
    at = float(number) if number % 5 else -3600.0
    return Arrival(at, head, b"POST", target, b'{"number":%d}' % number, (), None)


def facts(number: int) -> Facts:
    return Facts(
        provider="stripe" if number % 2 else "github",
        type=f"charge.{number % 3}" if number % 2 else "push",
        signature="valid" if number % 7 else "invalid",
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with (
        pytest.MonkeyPatch.context() as patch,
        Store(tmp_path_factory.mktemp("many") / ".whcli", create=True) as opened,
    ):
        patch.setattr(listing, "FEW", FEW)
        opened.add([arrival(number) for number in range(1, COUNT + 1)])
        opened.note((event, facts(event.id)) for event in list(opened.events(0, COUNT - BARE)))
        yield opened


def plans(store: Store, wanted: Filter, *, newest: bool = True, limit: int | None = 20) -> str:
    """How SQLite goes about every query of a listing."""
    queries: list[str] = []
    store._db.set_trace_callback(queries.append)
    try:
        list(store.entries(wanted, newest=newest, limit=limit))
    finally:
        store._db.set_trace_callback(None)
    found = [row[3] for query in queries for row in store._db.execute(f"EXPLAIN QUERY PLAN {query}")]
    return "\n".join(found)


INDEXED = {
    "a type": (Filter(type="charge.1"), "USING INDEX facts_type (type=?"),
    "a type's beginning": (Filter(type="charge.*"), "USING INDEX facts_type (type>? AND type<?"),
    "a path": (Filter(path="/hooks/7"), "USING INDEX facts_path (path=?"),
    "a path's beginning": (Filter(path="/hooks/1*"), "USING INDEX facts_path (path>? AND path<?"),
    "a provider": (Filter(provider="github"), "USING INDEX facts_provider (provider=?"),
    "a method": (Filter(method="GET"), "USING INDEX facts_method (method=?"),
    "a signature": (Filter(signature="invalid"), "USING INDEX facts_signature (signature=?"),
    "since": (Filter(since=COUNT - 10.0), "USING INDEX facts_received_at (received_at>?"),
    "until": (Filter(until=-1.0), "USING INDEX facts_received_at (received_at<?"),
    "between": (Filter(since=5.0, until=9.0), "USING INDEX facts_received_at (received_at>? AND received_at<?"),
}


@pytest.mark.parametrize(("wanted", "plan"), INDEXED.values(), ids=INDEXED.keys())
def test_a_filter_is_answered_through_its_index(store: Store, wanted: Filter, plan: str) -> None:
    assert plan in plans(store, wanted).replace("COVERING ", "")


@pytest.mark.parametrize("newest", [True, False], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("wanted", [wanted for wanted, _ in INDEXED.values()], ids=INDEXED.keys())
def test_no_filter_walks_the_events_themselves_but_where_no_facts_are_kept(
    store: Store, wanted: Filter, newest: bool
) -> None:
    how = plans(store, wanted, newest=newest)
    assert "SCAN e" not in how and "SCAN events" not in how


@pytest.mark.parametrize("filter_of", ["type='charge.1'", "provider='github'", "signature='valid'"])
def test_what_an_index_gives_in_order_of_arrival_is_not_sorted(store: Store, filter_of: str) -> None:
    name, _, value = filter_of.partition("=")
    assert "TEMP B-TREE" not in plans(store, Filter(**{name: value.strip("'")}))  # type: ignore[arg-type]


def test_of_two_filters_the_one_with_fewer_events_leads(store: Store) -> None:
    how = plans(store, Filter(provider="stripe", path="/hooks/7"))
    assert "SEARCH f USING INDEX facts_path (path=?" in how and "SEARCH f USING INDEX facts_provider" not in how


@pytest.mark.parametrize("newest", [True, False], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("limit", [None, 1, 20, FEW + 1])
@pytest.mark.parametrize(
    "wanted", [wanted for wanted, _ in INDEXED.values()] + [Filter(type="*.1"), Filter(path="*")], ids=repr
)
def test_through_the_index_or_not_the_same_events_come_in_the_order_of_their_arrival(
    store: Store, wanted: Filter, limit: int | None, newest: bool
) -> None:
    found = [entry.id for entry in store.entries(wanted, newest=newest, limit=limit)]
    expected = [entry.id for entry in store.entries(Filter(where=clause(wanted)))]
    expected = [id for id in expected if in_time(store, wanted, id)]
    assert found == (expected[::-1] if newest else expected)[:limit]


def clause(wanted: Filter) -> str:
    """The same condition as an expression, which uses no index."""
    parts = ["`true`"]
    for name in ("type", "path", "provider", "method", "signature"):
        pattern = getattr(wanted, name)
        if pattern is not None and "*" not in pattern:
            parts.append(f"{name} == '{pattern}'")
        elif pattern is not None:
            begins, _, ends = pattern.partition("*")
            parts.append(f"{name} && starts_with({name}, '{begins}') && ends_with({name}, '{ends}')")
    return " && ".join(parts)


def in_time(store: Store, wanted: Filter, id: int) -> bool:
    at = float(id) if id % 5 else -3600.0
    return (wanted.since is None or at >= wanted.since) and (wanted.until is None or at <= wanted.until)


def test_the_newest_event_is_found_by_its_number_alone(store: Store) -> None:
    queries: list[str] = []
    store._db.set_trace_callback(queries.append)
    try:
        store.last_id(), store.noted_until(), store.nth_newest(0), store.first_with("github", "d")
        assert next(store.entries(newest=True, limit=20)).id == COUNT
    finally:
        store._db.set_trace_callback(None)
    queries = [query for query in queries if "uid, received_at" not in query]  # of events without facts
    assert len(queries) == 5 and not [query for query in queries if "count(" in query]
    assert f"LIMIT {PAGE}" not in queries[-1] and "LIMIT 20" in queries[-1]


@given(begins=st.text(min_size=1, max_size=3), more=st.text(max_size=3))
def test_behind_a_beginning_lies_everything_that_does_not_begin_so(begins: str, more: str) -> None:
    """In the order of SQLite, which compares bytes; and nothing lies between the last that does and it."""
    if begins[-1] == LAST:
        return
    db = sqlite3.connect(":memory:")
    above, below, next = db.execute(
        "SELECT ?1 || ?2 >= ?1, ?1 || ?2 < ?3, ?1 || ?4 < ?3", (begins, more, behind(begins), LAST * 3)
    ).fetchone()
    assert above and below and next
    assert not behind(begins).startswith(begins)


def test_a_clock_that_goes_back_hides_no_event(tmp_path: Path) -> None:
    """The newest arrivals may say an older time than those before them."""
    with Store(tmp_path / ".whcli", create=True) as store:
        for at in (1000.0, 2000.0, 500.0, 1500.0):
            head = b"POST / HTTP/1.1\r\n\r\n"
            [id] = store.add([Arrival(at, head, b"POST", b"/", b"", (), None)])
            store.note([(event, Facts()) for event in store.events(id - 1, 1)])
        assert [entry.id for entry in store.entries(Filter(since=1200.0), newest=True)] == [4, 2]
        assert [entry.id for entry in store.entries(Filter(until=1200.0))] == [1, 3]


def test_the_first_match_comes_before_the_second_page_is_read(store: Store) -> None:
    queries: list[str] = []
    store._db.set_trace_callback(queries.append)
    try:
        assert next(store.entries(Filter(where="body.number > `3`"))).id == 4
    finally:
        store._db.set_trace_callback(None)
    assert len(queries) == 2  # a page of bodies, and the entries of those that match


def test_with_enough_found_the_walk_ends(store: Store) -> None:
    queries: list[str] = []
    store._db.set_trace_callback(queries.append)
    try:
        assert len(list(store.entries(Filter(where="body.number > `3`"), newest=True, limit=20))) == 20
    finally:
        store._db.set_trace_callback(None)
    assert len([query for query in queries if "e.body" in query and "f.event_id" not in query]) == 1


@pytest.mark.parametrize("reverse", [True, False], ids=["the newest first", "all of them"])
@pytest.mark.parametrize("json", [True, False], ids=["json", "a table"])
def test_the_list_prints_what_it_has_found_before_it_looks_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, reverse: bool, json: bool
) -> None:
    out, before = io.StringIO(), []

    def entries(*_: object, newest: bool, **__: object) -> Iterator[Entry]:
        for id in (3, 2, 1) if newest else (1, 2, 3):
            before.append(out.getvalue().count("\n"))
            entry = store.entry(id)
            assert entry is not None
            yield entry

    monkeypatch.setattr(Store, "entries", entries)
    monkeypatch.setattr(sys, "stdout", out)
    command(number=2 if reverse else 0, reverse=reverse, json=json, store=store.folder)
    heads = 0 if json else 1
    assert before[:2] == [0, 1 + heads]
