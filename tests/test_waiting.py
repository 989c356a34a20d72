"""Waiting for events: which ones count, from when on, and on which facts."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.listeners import listener_on
from tests.program import until
from tests.wire import ask, post
from whcli.hands.listening.lock import ListenerLock
from whcli.hands.storing import waiting
from whcli.hands.storing.store import Store, newest_in
from whcli.hands.storing.waiting import Noting, Since, Waited, Watch, answering, near_misses, settled, wait_for
from whcli.rules.match import Filter
from whcli.words.event import Arrival, Facts

posix = pytest.mark.skipif(os.name != "posix", reason="the lock is flock")


def arrival(path: bytes, body: bytes = b"") -> Arrival:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
    return Arrival(1.0, head, b"POST", path, body, (), None)


def add(folder: Path, *paths: bytes) -> list[int]:
    """Events without facts, from a connection of its own."""
    with Store(folder, create=True) as store:
        return store.add([arrival(path) for path in paths])


def note(folder: Path, id: int, facts: Facts) -> None:
    with Store(folder) as store:
        event = store.event(id)
        assert event is not None
        store.note([(event, facts)])


def begin(folder: Path) -> None:
    """A listener begins."""
    with Store(folder, create=True) as store:
        store.begin_listen(1.0, 1, "http://127.0.0.1:1")


@contextmanager
def waiting_for(
    folder: Path, wanted: Filter | None = None, count: int = 1, since: Since = "start"
) -> Iterator[Future[Waited]]:
    """A wait that has begun to look, in a thread."""
    with ThreadPoolExecutor(1) as pool:
        looked: list[bool] = []
        real = waiting.Tally.look

        def look(self: waiting.Tally) -> None:
            real(self)
            looked.append(True)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(waiting.Tally, "look", look)
            found = pool.submit(wait_for, folder, wanted or Filter(), count=count, timeout=20, since=since)
            until(lambda: looked or found.done())
            yield found


def ids(waited: Waited) -> list[int]:
    return [entry.id for entry in waited.entries]


# -- from when on ---------------------------------------------------------------------------------------------------


def test_an_event_that_came_before_the_wait_but_behind_the_cursor_counts(folder: Path) -> None:
    add(folder, b"/1", b"/2", b"/3")
    found = wait_for(folder, Filter(), timeout=0, since=1)
    assert (ids(found), found.enough, found.cursor) == ([2], True, 2)


def test_the_cursor_of_one_wait_is_where_the_next_begins(folder: Path) -> None:
    add(folder, b"/1", b"/2", b"/3", b"/4")
    first = wait_for(folder, Filter(), count=2, timeout=0, since=0)
    second = wait_for(folder, Filter(), count=2, timeout=0, since=first.cursor)
    assert ids(first) + ids(second) == [1, 2, 3, 4]


def test_from_now_on_what_is_there_does_not_count(folder: Path) -> None:
    add(folder, b"/old")
    with waiting_for(folder, since="now") as found:
        add(folder, b"/new")
        assert ids(found.result()) == [2]


def test_from_now_on_all_counts_in_a_store_that_is_not_there_yet(folder: Path) -> None:
    with waiting_for(folder, since="now", count=2) as found:
        assert not folder.exists(), "waiting makes nothing"
        add(folder, b"/1", b"/2")
        assert ids(found.result()) == [1, 2]


def test_since_the_newest_listener_began(folder: Path) -> None:
    begin(folder)
    add(folder, b"/1")
    begin(folder)
    add(folder, b"/2", b"/3")
    assert ids(wait_for(folder, Filter(), count=2, timeout=0)) == [2, 3]


def test_a_listener_that_begins_meanwhile_is_the_newest(folder: Path) -> None:
    """The one before has captured one event of two; those of the new one alone count."""
    begin(folder)
    add(folder, b"/of-an-earlier-run")
    with waiting_for(folder, count=2) as found:
        begin(folder)
        add(folder, b"/2", b"/3")
        assert ids(found.result()) == [2, 3]


def test_events_without_a_listener_are_not_since_one_began(folder: Path) -> None:
    add(folder, b"/imported")
    with waiting_for(folder) as found:
        begin(folder)
        add(folder, b"/2")
        assert ids(found.result()) == [2]


def test_where_no_listener_ever_begins_nothing_is_enough_not_even_none(folder: Path) -> None:
    for count in (0, 1):
        found = wait_for(folder, Filter(), count=count, timeout=0.05)
        assert (found.enough, found.after) == (False, None)
    assert not folder.exists()


def test_a_store_that_is_deleted_and_made_anew_is_looked_at_from_its_beginning(folder: Path) -> None:
    add(folder, b"/1", b"/2")
    with waiting_for(folder, Filter(path="/new"), since="now") as found:
        shutil.rmtree(folder)
        add(folder, b"/new")
        assert ids(found.result()) == [1]


def test_any_process_may_write_the_event(folder: Path) -> None:
    with listener_on(folder) as port, waiting_for(folder, Filter(path="/hook")) as found:
        ask(port, post(target=b"/other"))
        ask(port, post(target=b"/hook"))
        assert ids(found.result()) == [2]


# -- how many -------------------------------------------------------------------------------------------------------


def test_no_more_are_given_than_asked_for(folder: Path) -> None:
    add(folder, *[b"/%d" % n for n in range(5)])
    assert ids(wait_for(folder, Filter(), count=3, timeout=0, since=0)) == [1, 2, 3]


def test_none_may_come_and_none_does(folder: Path) -> None:
    add(folder, b"/old")
    found = wait_for(folder, Filter(), count=0, timeout=0.05, since=1)
    assert (found.entries, found.enough) == ((), True)


def test_none_may_come_and_one_does(folder: Path) -> None:
    with waiting_for(folder, count=0, since="now") as found:
        add(folder, b"/1", b"/2")
        came = found.result()
    assert (ids(came), came.enough) == ([1], False)


def test_too_few_come_and_the_closest_are_told(folder: Path) -> None:
    add(folder, b"/hooks/1", b"/hooks/2", b"/elsewhere")
    found = wait_for(folder, Filter(path="/hooks/9", method="POST"), timeout=0, since=0)
    assert not found.enough
    assert [miss.entry.id for miss in found.misses][:2] == [2, 1]
    assert [(each.field, each.wanted, each.got) for each in found.misses[0].differences] == [
        ("path", "/hooks/9", "/hooks/2")
    ]


def test_what_lies_before_the_cursor_is_no_near_miss(folder: Path) -> None:
    add(folder, b"/1", b"/2")
    with Store(folder) as store:
        assert [miss.entry.id for miss in near_misses(store, Filter(path="/x"), 1)] == [2]


def test_the_newest_arrival_number_of_no_store_is_0(folder: Path) -> None:
    assert newest_in(folder) == 0 and not folder.exists()
    add(folder, b"/1", b"/2")
    assert newest_in(folder) == 2


# -- on which facts -------------------------------------------------------------------------------------------------


@posix
def test_while_a_listener_runs_an_event_is_decided_on_when_its_facts_are_noted(folder: Path) -> None:
    add(folder, b"/1", b"/2")
    lock = ListenerLock(folder)
    with Store(folder) as store:
        noting = Noting(store)
        assert noting.ceiling() == 0
        note(folder, 1, Facts(signature="valid"))
        assert noting.ceiling() == 1
        note(folder, 2, Facts(signature="valid"))
        assert noting.ceiling() == 2
    lock.release()


@posix
def test_facts_that_come_later_are_waited_for_and_matched(folder: Path) -> None:
    """An event whose signature is not known yet neither matches `unknown` nor is passed over."""
    add(folder, b"/1")
    lock = ListenerLock(folder)
    with (
        waiting_for(folder, Filter(signature="valid"), since=0) as valid,
        waiting_for(folder, Filter(signature="unknown"), count=0, since=0) as unknown,
    ):
        note(folder, 1, Facts(provider="stripe", type="ping", signature="valid"))
        assert ids(valid.result()) == [1]
        assert not unknown.done()
        add(folder, b"/2")
        note(folder, 2, Facts())
        assert ids(unknown.result()) == [2]
    lock.release()


@posix
def test_what_was_committed_in_time_counts_though_its_facts_come_later(folder: Path) -> None:
    add(folder, b"/1")
    lock = ListenerLock(folder)
    with ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patch:
        asked: list[int] = []
        real = Noting.ceiling

        def ceiling(self: Noting) -> int:
            asked.append(1)
            return real(self)

        patch.setattr(Noting, "ceiling", ceiling)
        found = pool.submit(wait_for, folder, Filter(type="ping"), timeout=0, since=0)
        until(lambda: len(asked) > 1)
        note(folder, 1, Facts(type="ping"))
        assert ids(found.result()) == [1]
    lock.release()


def test_without_a_listener_an_event_is_recognised_here(folder: Path) -> None:
    head = b"POST / HTTP/1.1\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\n\r\n"
    with Store(folder, create=True) as store:
        store.add([Arrival(1.0, head, b"POST", b"/", b"{}", (), None)])
    found = wait_for(folder, Filter(provider="github", type="push"), timeout=0, since=0)
    assert ids(found) == [1]


@posix
def test_a_listener_that_notes_nothing_is_not_waited_for_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.1)
    add(folder, b"/1")
    lock = ListenerLock(folder)
    assert ids(wait_for(folder, Filter(), timeout=5, since=0)) == [1]
    with Store(folder) as store:
        assert settled(store) == 1
    lock.release()


def test_the_watch_sees_commits_of_others_alone(folder: Path) -> None:
    add(folder, b"/1")
    with Watch(folder) as watch:
        assert watch.changed() and not watch.changed()
        assert watch.store is not None and watch.store.last_id() == 1
        assert not watch.changed()
        add(folder, b"/2")
        assert watch.changed() and not watch.changed()


# -- a listener that answers ----------------------------------------------------------------------------------------


@posix
def test_a_listener_that_takes_connections_is_ready(folder: Path) -> None:
    assert answering(folder, 0) is None
    folder.mkdir()
    lock = ListenerLock(folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        about = {"url": f"http://127.0.0.1:{server.getsockname()[1]}"}
        assert answering(folder, 0) is None, "it has not said where it is"
        lock.tell(about)
        assert answering(folder, 5) == about
    assert answering(folder, 0) is None, "nobody takes a connection there any more"
    lock.release()
