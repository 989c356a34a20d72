"""The store: the same bytes come back, in order of arrival; a file that fails costs a sentence and no event."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.anything import deliveries_of, facts_of, imported, requests
from whcli.hands.listening.lock import ListenerLock
from whcli.hands.storing.listing import PAGE
from whcli.hands.storing.migrations import APPLICATION_ID, LATEST
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store
from whcli.rules.archive import event_from, event_json, line
from whcli.rules.lines import event_line
from whcli.rules.match import Filter, differences
from whcli.words.errors import Exit, NothingMatched, StoreFailed
from whcli.words.event import Arrival, Delivery, Entry, Event, Facts, Headers, Outcome, Reply

NOW = 1_700_000_000.0


def arrival(number: int = 0, *, at: float = NOW, body: bytes = b"{}", method: bytes = b"POST") -> Arrival:
    target = b"/hooks/%d" % number
    head = b"%b %b HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Event: push\r\n\r\n" % (method, target)
    return Arrival(at, head, method, target, body, (), "127.0.0.1:1")


def noted(store: Store, id: int, facts: Facts) -> None:
    """Keep facts of an event, as the follower does."""
    event = store.event(id)
    assert event is not None
    store.note([(event, facts)])


def entry_of(store: Store, id: int) -> Entry:
    entry = store.entry(id)
    assert entry is not None
    return entry


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store(folder, create=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for the tests that only add to it."""
    with Store(tmp_path_factory.mktemp("kept") / "store", create=True) as opened:
        yield opened


@contextmanager
def small() -> Iterator[Store]:
    """A new store for one example of many."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store", create=True) as opened:
        yield opened


# -- the same bytes -------------------------------------------------------------------------------------------------


@given(sent=requests())
def test_any_request_comes_back_as_it_arrived(kept: Store, sent: tuple[Arrival, Headers, bytes]) -> None:
    arrived, headers, version = sent
    [id] = kept.add([arrived])
    event = kept.event(id)
    assert event is not None
    assert (event.head, event.body, event.trailers) == (arrived.head, arrived.body, arrived.trailers)
    assert (event.method, event.target, event.version) == (arrived.method, arrived.target, version.decode())
    assert (event.headers, event.peer, event.received_at) == (headers, arrived.peer, arrived.received_at)
    entry = entry_of(kept, id)
    assert (entry.uid, entry.method, entry.target) == (event.uid, arrived.method, arrived.target)
    assert (entry.size, entry.received_at, entry.peer) == (len(arrived.body), arrived.received_at, arrived.peer)


@given(event=imported())
def test_any_event_from_a_file_comes_back_under_its_own_uid(kept: Store, event: Event) -> None:
    if kept.by_uid(event.uid):
        return  # drawn before
    id = kept.add_event(event)
    assert kept.event(id) == replace(event, id=id)


@given(sent=requests())
def test_what_one_store_shows_as_json_another_takes(kept: Store, sent: tuple[Arrival, Headers, bytes]) -> None:
    event = kept.event(kept.add([sent[0]])[0])
    assert event is not None
    with small() as other:
        read = event_from(line(event_json(event)))
        back = other.event(other.add_event(read))
    assert back is not None
    assert replace(back, received_at=0, id=0) == replace(event, received_at=0, id=0)
    assert back.received_at == pytest.approx(event.received_at, abs=1e-6)


WORDS = st.text(st.sampled_from("\ud800\udfff\x00") | st.characters(), max_size=12)


@given(facts=facts_of(WORDS))
def test_any_facts_come_back_as_they_were_noted(kept: Store, facts: Facts) -> None:
    """Type and delivery id come out of the sender's JSON, where a lone surrogate is only six letters away."""
    [id] = kept.add([arrival()])
    noted(kept, id, facts)
    back = entry_of(kept, id).facts
    for name in ("attempt", "signature", "age", "duplicate_of", "reply"):
        assert getattr(back, name) == getattr(facts, name)
    for name in ("provider", "scheme", "type", "delivery_id", "reason"):
        text = getattr(facts, name)
        assert getattr(back, name) == (None if text is None else text.encode("utf-8", "backslashreplace").decode())


@given(st.data())
def test_any_delivery_comes_back_with_its_reply(kept: Store, data: st.DataObject) -> None:
    [id] = kept.add([arrival()])
    sent = data.draw(st.lists(deliveries_of(id), min_size=1, max_size=3))
    numbers = [kept.add_delivery(delivery) for delivery in sent]
    assert kept.deliveries(id) == tuple(
        replace(delivery, id=number) for delivery, number in zip(sent, numbers, strict=True)
    )
    last = entry_of(kept, id).last
    assert last is not None
    assert (last.id, last.url, last.ok, last.failure) == (numbers[-1], sent[-1].url, sent[-1].ok, sent[-1].failure)


def test_the_last_outcome_is_the_newest_deliverys(store: Store) -> None:
    ids = store.add([arrival(), arrival(), arrival(), arrival()])

    def delivery(id: int, url: str, status: int | None) -> Delivery:
        reply = None if status is None else Reply(status=status)
        return Delivery(event_id=id, kind="replay", sent_at=NOW, method=b"POST", url=url, reply=reply)

    store.add_deliveries([delivery(1, "http://a", 500), delivery(2, "http://a", 200), delivery(3, "http://a", None)])
    store.add_deliveries([delivery(1, "http://b", 299), delivery(2, "http://b", 300)], durable=False)
    wanted = {1: Outcome("http://b", True), 2: Outcome("http://b", False), 3: Outcome("http://a", False)}
    assert store.last_outcomes(ids) == wanted
    assert store.last_outcomes([4]) == {} == store.last_outcomes([])


def test_an_outcome_that_is_damaged_names_its_event(store: Store) -> None:
    ids = store.add([arrival(), arrival()])
    store.add_deliveries(
        Delivery(event_id=id, kind="replay", sent_at=NOW, method=b"POST", url="http://a", reply=Reply(status=200))
        for id in ids
    )
    with store.writing() as db:
        db.execute("UPDATE deliveries SET status = 'x' WHERE event_id = 2")
    with pytest.raises(StoreFailed, match="event #2 in the store"):
        store.last_outcomes(ids)


def test_a_body_of_ten_megabytes_comes_back(store: Store) -> None:
    body = bytes(range(256)) * 40_000
    [id] = store.add([arrival(body=body)])
    event = store.event(id)
    assert event is not None and event.body == body


def test_what_is_not_there_is_none(store: Store) -> None:
    store.add([arrival(), arrival()])
    store.remove([1])
    for id in (0, 1, 3, 10**17):
        assert store.event(id) is None
        assert store.entry(id) is None
        assert store.deliveries(id) == ()
        assert not store.has(id)
    assert store.has(2)


# -- order and numbers ----------------------------------------------------------------------------------------------


def test_order_is_by_arrival_when_the_clock_goes_back_an_hour(store: Store) -> None:
    times = [NOW + n - (3600 if n >= 500 else 0) for n in range(1000)]
    ids = list(chain.from_iterable(store.add([arrival(n, at=times[n])]) for n in range(0, 40)))
    ids += store.add([arrival(n, at=times[n]) for n in range(40, 1000)])
    assert ids == list(range(1, 1001))
    events = list(store.events(0, 2000))
    assert [event.received_at for event in events] == times
    assert [event.id for event in events] == ids
    assert [entry.id for entry in store.entries()] == ids
    assert [entry.id for entry in store.entries(newest=True)] == ids[::-1]
    assert len({event.uid for event in events}) == 1000
    assert store.nth_newest(0) == 1000
    assert store.nth_newest(999) == 1
    assert store.nth_newest(1000) is None


@given(st.lists(st.sampled_from(["add", "remove the newest", "remove all", "open again"]), max_size=8))
@settings(max_examples=30)
def test_a_number_is_never_used_twice(steps: list[str]) -> None:
    seen: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), create=True)
        for step in steps:
            if step == "add":
                seen += store.add([arrival()])
            elif step == "remove the newest":
                store.remove([store.last_id()])
            elif step == "remove all":
                store.remove(store.ids(0, None))
            else:
                store.close()
                store = Store(Path(folder))
        seen += store.add([arrival()])
        store.close()
    assert seen == sorted(set(seen))


def test_a_cursor_gives_what_lies_behind_it(store: Store) -> None:
    store.add([arrival(n) for n in range(10)])
    store.remove([4, 5])
    assert [event.id for event in store.events(3, 3)] == [6, 7, 8]
    assert [event.id for event in store.events(3, 100, until=7)] == [6, 7]
    assert [entry.id for entry in store.entries(after=8)] == [9, 10]
    assert [entry.id for entry in store.entries(after=8, newest=True)] == [10, 9]
    assert store.ids(3, 6) == [3, 6]
    assert store.ids(0, None) == [1, 2, 3, 6, 7, 8, 9, 10]


def test_an_event_goes_with_all_that_belongs_to_it(store: Store) -> None:
    store.add([arrival(), arrival()])
    noted(store, 1, Facts(provider="github", delivery_id="d"))
    store.add_delivery(Delivery(event_id=1, kind="replay", sent_at=NOW, method=b"POST", url="http://x"))
    assert store.remove([1, 1, 9]) == 1
    assert store.first_with("github", "d") is None
    assert store.deliveries(1) == ()
    with store.writing() as db:
        left = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("facts", "deliveries")]
    assert left == [0, 0]


def test_what_comes_late_for_a_removed_event_is_dropped(store: Store) -> None:
    store.add([arrival()])
    event = store.event(1)
    assert event is not None
    store.remove([1])
    store.note([(event, Facts())])
    assert store.add_delivery(Delivery(event_id=1, kind="replay", sent_at=NOW, method=b"POST", url="http://x")) == 0
    assert store.noted_until() == 0


def test_a_uid_is_found_by_its_beginning_in_either_case(store: Store) -> None:
    store.add([arrival()])
    uid = entry_of(store, 1).uid
    assert len(uid) == 26
    for prefix in (uid, uid[:6], uid[:6].lower()):
        assert store.by_uid(prefix) == [1]
    assert store.by_uid("ZZZZZZ") == []
    store.add([arrival() for _ in range(5)])
    assert len(store.by_uid(uid[:6])) == 3


def test_the_same_uid_is_taken_once(store: Store) -> None:
    """A file imported twice is the user's mistake, not the store's."""
    store.add([arrival()])
    event = store.event(1)
    assert event is not None
    with pytest.raises(StoreFailed):
        store.add_event(event)
    assert store.count() == 1


def test_the_first_event_with_a_delivery_id(store: Store) -> None:
    store.add([arrival() for _ in range(3)])
    noted(store, 3, Facts(provider="github", delivery_id="a"))
    noted(store, 2, Facts(provider="github", delivery_id="a"))
    noted(store, 1, Facts(provider="stripe", delivery_id="a"))
    assert store.first_with("github", "a") == 2
    assert store.first_with("github", "b") is None
    assert store.noted_until() == 3


def test_an_event_that_no_listener_worked_on_is_recognised_while_it_is_listed(store: Store) -> None:
    store.add([arrival(), arrival()])
    noted(store, 1, Facts(provider="github", type="other", signature="valid"))
    first, second = store.entries()
    assert (first.facts.type, first.facts.signature) == ("other", "valid")
    assert (second.facts.provider, second.facts.type, second.facts.signature) == ("github", "push", "unknown")
    assert [entry.id for entry in store.entries(Filter(type="push"))] == [2]
    assert [entry.id for entry in store.entries(Filter(provider="git*"))] == [1, 2]


# -- filters and pages ----------------------------------------------------------------------------------------------

LETTERS = st.text("ab*?[]!^-\x00é", max_size=4)
FILTERS = st.builds(
    Filter,
    provider=st.none() | LETTERS,
    type=st.none() | LETTERS,
    method=st.none() | st.sampled_from(["POST", "P*", "*", "post", "G?T", "G*T"]),
    path=st.none() | st.sampled_from(["/hooks/1", "/hooks/*", "*[a]*", "/[*]", "*?*", "/"]),
    signature=st.none() | st.sampled_from(["valid", "unknown"]),
    since=st.none() | st.integers(0, 5).map(float),
    until=st.none() | st.integers(0, 5).map(float),
    where=st.none() | st.sampled_from(["method == 'POST'", "body.a", "provider", "id > `2`", "query.a"]),
    failed=st.booleans(),
)
STORED = st.tuples(
    st.sampled_from([b"POST", b"GET", b"G*T"]),
    st.sampled_from([b"/hooks/1", b"/hooks/2?a=1", b"/[a]", b"/?", b"/\xff[*]"]),
    st.integers(0, 5).map(float),
    st.sampled_from([b"", b'{"a":1}', b"a=1"]),
    st.none() | facts_of(LETTERS),
    st.sampled_from([None, 200, 500, 0]),
)
Stored = tuple[bytes, bytes, float, bytes, Facts | None, int | None]


def fill(store: Store, rows: list[Stored]) -> None:
    """As a listener does it: the facts of the last events may be missing, not those of some in between."""
    noting = True
    for method, target, at, body, facts, status in rows:
        head = b"%b %b HTTP/1.1\r\nHost: h\r\n\r\n" % (method, target)
        [id] = store.add([Arrival(at, head, method, target, body, (), None)])
        noting = noting and facts is not None
        if noting and facts is not None:
            noted(store, id, facts)
        if status is not None:
            reply = Reply(status=status) if status else None
            store.add_delivery(
                Delivery(event_id=id, kind="replay", sent_at=at, method=method, url="http://x", reply=reply)
            )


def by_hand(store: Store, wanted: Filter) -> list[int]:
    """What a filter lets through when Python looks at every event."""
    found = []
    for id in store.ids(0, None):
        event = store.event(id)
        assert event is not None
        if not differences(wanted, entry_of(store, id), lambda event=event: event):  # type: ignore[misc]
            found.append(id)
    return found


@given(
    rows=st.lists(STORED, max_size=8),
    removed=st.sets(st.integers(1, 8)),
    filters=st.lists(FILTERS, min_size=1, max_size=4),
    after=st.integers(0, 8),
    limit=st.none() | st.integers(0, 9),
)
@settings(max_examples=150)
def test_what_the_database_narrows_down_is_what_the_filter_says(
    rows: list[Stored], removed: set[int], filters: list[Filter], after: int, limit: int | None
) -> None:
    with small() as store:
        fill(store, rows)
        store.remove(sorted(removed))
        for wanted in filters:
            expected = [id for id in by_hand(store, wanted) if id > after]
            oldest = [entry.id for entry in store.entries(wanted, after=after, limit=limit)]
            newest = [entry.id for entry in store.entries(wanted, after=after, limit=limit, newest=True)]
            assert oldest == expected[:limit]
            assert newest == expected[::-1][:limit]


def test_a_type_with_a_nul_in_it_is_matched_whole(store: Store) -> None:
    """To SQLite's GLOB a text ends at a NUL."""
    store.add([arrival(), arrival()])
    noted(store, 1, Facts(type="a\x00b"))
    noted(store, 2, Facts(type="a"))
    assert [entry.id for entry in store.entries(Filter(type="a*b"))] == [1]
    assert [entry.id for entry in store.entries(Filter(type="a*"))] == [1, 2]
    assert [entry.id for entry in store.entries(Filter(type="*a"))] == [2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two whole pages and some, every seventh event a GET, facts for the first two thirds."""
    with Store(tmp_path_factory.mktemp("pages") / "store", create=True) as opened:
        opened.add([arrival(n, method=b"GET" if n % 7 == 0 else b"POST") for n in range(1, 2 * PAGE + 6)])
        for event in list(opened.events(0, 1000)):
            if event.id < 1.4 * PAGE:
                opened.note([(event, Facts(provider="github", type="push", signature="valid"))])
        yield opened


EDGES = [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 4, 2 * PAGE + 5, 2 * PAGE + 6]


@pytest.mark.parametrize("newest", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("limit", [None, *EDGES], ids=lambda limit: f"limit {limit}")
@pytest.mark.parametrize("wanted", [Filter(), Filter(method="GET"), Filter(type="none")], ids=["all", "few", "none"])
def test_a_page_boundary_neither_loses_nor_repeats(
    pages: Store, wanted: Filter, limit: int | None, newest: bool
) -> None:
    all_ids = list(range(1, 2 * PAGE + 6))
    expected = {None: all_ids, "GET": [id for id in all_ids if id % 7 == 0]}[wanted.method] if not wanted.type else []
    found = [entry.id for entry in pages.entries(wanted, newest=newest, limit=limit)]
    assert found == (expected[::-1] if newest else expected)[:limit]


@pytest.mark.parametrize("after", EDGES, ids=lambda after: f"after {after}")
def test_a_cursor_at_a_page_boundary(pages: Store, after: int) -> None:
    expected = list(range(after + 1, 2 * PAGE + 6))
    assert [entry.id for entry in pages.entries(after=after)] == expected
    assert [entry.id for entry in pages.entries(after=after, newest=True)] == expected[::-1]


def test_a_listing_that_was_begun_survives_what_is_removed_meanwhile(store: Store) -> None:
    store.add([arrival(n) for n in range(PAGE + 10)])
    entries = store.entries()
    first = next(entries)
    store.remove([PAGE + 1, PAGE + 2])
    assert first.id == 1
    assert [entry.id for entry in entries] == [*range(2, PAGE + 1), *range(PAGE + 3, PAGE + 11)]


def test_an_event_removed_before_its_page_is_read_does_not_match(store: Store, folder: Path) -> None:
    """`list --where` beside an `rm`."""
    store.add([arrival(n, body=b'{"a":1}') for n in range(PAGE + 3)])
    entries = store.entries(Filter(where="body.a"))
    assert next(entries).id == 1
    with Store(folder) as other:
        other.remove([PAGE + 2])
    assert [entry.id for entry in entries] == [*range(2, PAGE + 2), PAGE + 3]


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    folder = tmp_path / "deep" / ".whcli"
    old = os.umask(mask)
    try:
        with Store(folder, create=True, holder=True) as store:
            store.add([arrival()])
            lock = ListenerLock(folder)
            lock.tell({"pid": 1})
            modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
            lock.release()
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm", "listener.lock"):
        assert modes[name] == 0o600, name


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_what_other_users_can_get_at_is_closed_to_them_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival()])
    assert capsys.readouterr().err == ""
    for path, mode in ((folder, 0o755), (folder / FILE, 0o644), (folder / "README.txt", 0o666)):
        path.chmod(mode)
    Store(folder).close()
    said = capsys.readouterr().err
    assert said == f"notice: other users could get at {folder} (0755) and 2 more; now only you can\n"
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}
    Store(folder).close()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_in_a_folder_with_other_things_only_our_own_files_are_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "app.py").write_text("")
    (tmp_path / "app.py").chmod(0o644)
    Store(tmp_path, create=True).close()
    (tmp_path / FILE).chmod(0o644)
    Store(tmp_path).close()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path, *tmp_path.iterdir())}
    assert modes == {tmp_path.name: 0o755, "app.py": 0o644, FILE: 0o600}


def test_the_folder_is_ignored_by_git_and_explains_itself(store: Store) -> None:
    assert (store.folder / ".gitignore").read_text() == "*\n"
    assert "whcli" in (store.folder / "README.txt").read_text()


def test_a_folder_with_other_things_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    """`--store .` in a checkout: a `.gitignore` of ours would hide the user's whole project from git."""
    (tmp_path / "app.py").write_text("")
    with Store(tmp_path, create=True):
        pass
    assert not (tmp_path / ".gitignore").exists()
    assert not (tmp_path / "README.txt").exists()


def test_a_missing_store_is_nothing_matched_and_makes_nothing(folder: Path) -> None:
    with pytest.raises(NothingMatched) as caught:
        Store(folder)
    assert caught.value.code == "no_store"
    assert str(folder) in caught.value.message
    assert not folder.exists()


@contextmanager
def nobody() -> Iterator[None]:
    """As a user without privileges: permissions mean nothing to root."""
    if os.name != "posix":
        pytest.skip("permissions are POSIX")
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def refused(folder: Path, *, create: bool = True) -> StoreFailed:
    with pytest.raises(StoreFailed) as caught:
        Store(folder, create=create)
    assert caught.value.exit == Exit.STORE
    assert "\n" not in caught.value.message
    assert str(folder) in caught.value.message
    assert caught.value.next
    return caught.value


def test_a_read_only_folder_without_a_store(outside: Path) -> None:
    outside.chmod(0o500)
    with nobody():
        assert refused(outside / ".whcli").code == "store_permission"
        assert refused(outside).code == "store_permission"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_refused_even_where_we_may_write(outside: Path) -> None:
    """Whoever plants a `.whcli` above your working directory must not get what you capture."""
    folder = outside / ".whcli"
    Store(folder, create=True).close()  # root's
    for path in (folder, *folder.iterdir()):
        path.chmod(0o777)
    before = digest(folder / FILE)
    with nobody():
        for create in (True, False):
            error = refused(folder, create=create)
            assert error.code == "store_permission" and "another user (root)" in error.message
        with pytest.raises(StoreFailed, match="another user"):
            make_folder(folder)
    assert digest(folder / FILE) == before


@pytest.mark.parametrize(
    ("folder_mode", "file_mode"),
    [(0o500, 0o600), (0o700, 0o400), (0o700, 0o000), (0o500, 0o400), (0o000, 0o600)],
    ids=["read-only folder", "read-only file", "unreadable file", "both read-only", "locked folder"],
)
def test_a_store_that_may_not_be_written(outside: Path, folder_mode: int, file_mode: int) -> None:
    folder = outside / "s"
    with nobody():
        with Store(folder, create=True) as store:
            store.add([arrival()])
        before = digest(folder / FILE)
        (folder / FILE).chmod(file_mode)
        folder.chmod(folder_mode)
        assert refused(folder).code == "store_permission"
        assert refused(folder, create=False).code == "store_permission"
        folder.chmod(0o700)
        (folder / FILE).chmod(0o600)
        assert digest(folder / FILE) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes two users")
def test_a_folder_of_another_user(tmp_path: Path, outside: Path) -> None:
    folder = outside / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, 0, 0)
    with nobody():
        assert refused(folder).code == "store_permission"


def test_what_to_type_can_be_typed_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "my project; touch x"
    folder.mkdir()
    (folder / "store.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreFailed) as caught:
        Store(folder)
    subprocess.run(["sh", "-c", caught.value.next.partition("        ")[0]], cwd=tmp_path, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["my project; touch x.damaged"]


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(tmp_path / "file")
    refused(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_the_file_should_be(folder: Path) -> None:
    (folder / FILE).mkdir(parents=True)
    refused(folder)


# -- versions and strangers -----------------------------------------------------------------------------------------


def altered(folder: Path, *statements: str) -> str:
    """A store with one event whose file was changed by another hand; the file's digest."""
    with Store(folder, create=True, holder=True) as store:
        store.add([arrival()])
    db = sqlite3.connect(folder / FILE)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return digest(folder / FILE)


def test_a_newer_store_is_refused_and_left_untouched(folder: Path) -> None:
    before = altered(folder, f"PRAGMA user_version = {LATEST + 1}")
    error = refused(folder)
    assert error.code == "store_newer"
    assert f"schema {LATEST + 1}" in error.message
    assert digest(folder / FILE) == before


@pytest.mark.parametrize("version", [0, 1, LATEST, 99])
def test_another_programs_database_is_refused_and_left_untouched(folder: Path, version: int) -> None:
    folder.mkdir()
    db = sqlite3.connect(folder / FILE)
    db.execute("CREATE TABLE bookmarks (url)")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()
    before = digest(folder / FILE)
    assert refused(folder).code == "store_foreign"
    assert digest(folder / FILE) == before
    assert sorted(path.name for path in folder.iterdir() if FILE in path.name) == [FILE]


NOT_OURS = {
    "text": b"not a database, but a diary\n" * 100,
    "a SQLite header and nothing behind it": b"SQLite format 3\x00",
    "zeros": bytes(4096),
    "two bytes": b"xy",  # one byte is nothing to SQLite, as on some file systems a new file has one
}


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_a_file_that_is_no_database_is_refused_and_left_untouched(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(content)
    assert refused(folder).code == "store_damaged"
    assert (folder / FILE).read_bytes() == content


# -- damage ---------------------------------------------------------------------------------------------------------


def read_all(folder: Path) -> int:
    """Every way of reading, over all that is there, and of showing what was read."""
    with Store(folder) as store:
        seen = [entry.id for entry in store.entries()]
        list(store.entries(Filter(type="push", where="body.a"), newest=True))
        list(store.events(0, 1000))
        for id in store.ids(0, None):
            event, entry = store.event(id), store.entry(id)
            if event is not None and entry is not None:
                line(event_json(event, entry, store.deliveries(id)))
                event_line(entry, "12:00:00", 100)
        store.by_uid("01")
        store.first_with("github", "d")
        store.nth_newest(3)
        return len(seen) + store.count() + store.last_id() + store.noted_until() + store.bytes_used()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's file with some of everything, closed and complete in itself."""
    folder = tmp_path_factory.mktemp("whole")
    with Store(folder, create=True, holder=True) as store:
        store.add([arrival(n, body=b'{"a":%d}' % n * (n * 50)) for n in range(1, 21)])
        for event in list(store.events(0, 15)):
            store.note([(event, Facts(provider="github", type="push", delivery_id="d", signature="valid"))])
            reply = Reply(status=200, headers=((b"A", b"b"),), body=b"ok" * 100)
            store.add_delivery(
                Delivery(event_id=event.id, kind="forward", sent_at=NOW, method=b"POST", url="http://x", reply=reply)
            )
    assert not (folder / f"{FILE}-wal").exists()
    return folder / FILE


def damaged(data: bytes, seed: int) -> bytes:
    """Cut somewhere, or a few bytes changed somewhere: mostly where something is written, often in the header."""
    dice = random.Random(seed)
    if seed % 3 == 0:
        return data[: dice.randrange(2, len(data))]
    changed = bytearray(data)
    for _ in range(dice.choice([1, 1, 3, 30])):
        at = dice.randrange(100) if seed % 3 == 1 and dice.random() < 0.5 else dice.randrange(len(data))
        changed[at] ^= dice.randrange(1, 256)
    return bytes(changed)


def read_or_refused(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_bytes(content)
    try:
        read_all(folder)
    except StoreFailed as error:
        assert "\n" not in error.message
        assert error.next
    assert (folder / FILE).read_bytes() == content


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_store_is_read_or_refused_in_a_sentence_and_never_overwritten(
    folder: Path, whole: Path, seed: int
) -> None:
    read_or_refused(folder, damaged(whole.read_bytes(), seed))


@pytest.mark.slow
def test_two_thousand_damaged_stores(folder: Path, whole: Path) -> None:
    for seed in range(30, 2000):
        try:
            read_or_refused(folder, damaged(whole.read_bytes(), seed))
        except BaseException as error:
            raise AssertionError(f"seed {seed}") from error


def test_an_event_whose_stored_head_is_damaged_is_named(folder: Path) -> None:
    altered(folder, "UPDATE events SET head = x'00'")
    with Store(folder) as store:
        for read in (lambda: store.event(1), lambda: list(store.entries()), lambda: store.entry(1)):
            with pytest.raises(StoreFailed) as caught:
                read()
            assert caught.value.code == "store_damaged"
            assert "#1" in caught.value.message
            assert "whcli rm 1" in caught.value.next
        assert store.remove([1]) == 1
        assert list(store.entries()) == []


# -- the oldest schema ----------------------------------------------------------------------------------------------

OLDEST = Path(__file__).parent / "stores" / "schema-1.sql"


def test_a_store_of_the_oldest_schema_is_brought_to_the_newest_with_all_that_is_in_it(folder: Path) -> None:
    """The file was written by the first version; it is never to be made again."""
    folder.mkdir()
    db = sqlite3.connect(folder / FILE)
    db.executescript(OLDEST.read_text())
    db.close()
    with Store(folder, holder=True) as store:
        first, second, third = store.events(0, 10)
        with store.writing() as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == LATEST
            assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        assert first.head == b"POST /hooks?x=\xff HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Event:\tpush \r\n\r\n"
        assert first.headers == ((b"Host", b"localhost"), (b"X-GitHub-Event", b"push"))
        assert (first.body, first.trailers) == (bytes(range(256)), ((b"X-Sum", b"1"),))
        assert (second.body, second.peer, second.received_at) == (b'{"a":1}', "127.0.0.1:1", NOW)
        assert (third.uid, third.head, third.method) == ("01ARYZ6S41TSV4RRFFQ69G5FAV", b"", b"PUT")
        assert [entry.facts.signature for entry in store.entries()] == ["valid", "unknown", "unknown"]
        [delivery] = store.deliveries(1)
        assert delivery.reply == Reply(status=500, headers=((b"A", b"b"),), body=b"oops", reason="No", truncated=True)
        assert store.add([arrival()]) == [5]  # the fourth was removed


# -- several at once ------------------------------------------------------------------------------------------------

OPENER = """
import sys
from pathlib import Path
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival
head = b"POST / HTTP/1.1\\r\\n\\r\\n"
for line in sys.stdin:
    try:
        with Store(Path(line.strip()), create=True) as store:
            print("ok", *store.add([Arrival(1.0, head, b"POST", b"/", b"", (), None)]), flush=True)
    except BaseException as error:
        print(type(error).__name__, str(error).replace("\\n", " "), flush=True)
"""


@pytest.mark.parametrize("rounds", [15, pytest.param(100, marks=pytest.mark.slow)])
def test_four_processes_open_one_new_store_at_once(tmp_path: Path, rounds: int) -> None:
    openers = [
        subprocess.Popen([sys.executable, "-c", OPENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        for number in range(rounds):
            for opener in openers:
                assert opener.stdin
                opener.stdin.write(f"{tmp_path / str(number)}\n")
                opener.stdin.flush()
            said = [opener.stdout.readline().split() for opener in openers if opener.stdout]
            assert sorted(said) == [["ok", str(n)] for n in (1, 2, 3, 4)]
    finally:
        for opener in openers:
            opener.communicate(timeout=10)


def test_two_connections_write_at_once(folder: Path) -> None:
    with Store(folder, create=True):
        pass
    ids: list[int] = []
    failed: list[BaseException] = []
    start = Barrier(3)

    def write() -> None:
        try:
            with Store(folder) as store:
                start.wait(10)
                for _ in range(40):
                    ids.extend(store.add([arrival()]))
        except BaseException as error:
            failed.append(error)

    threads = [Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert sorted(ids) == list(range(1, 121))


@pytest.mark.slow
def test_a_store_that_somebody_keeps_locked_is_a_sentence_after_five_seconds(folder: Path) -> None:
    with Store(folder, create=True) as first, Store(folder) as second, first.writing():
        with pytest.raises(StoreFailed) as caught:
            second.add([arrival()])
        assert caught.value.code == "store_locked"


def test_a_reader_sees_what_another_connection_has_committed_and_nothing_else(folder: Path) -> None:
    with Store(folder, create=True) as writer, Store(folder) as reader:
        writer.add([arrival()])
        assert reader.last_id() == 1
        with writer.writing() as db:
            db.execute("DELETE FROM events")
            assert reader.last_id() == 1
        assert reader.last_id() == 0


def test_what_fails_in_a_transaction_takes_back_all_of_it(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as db:
        db.execute("INSERT INTO events (uid, received_at, head, body) VALUES ('a', 1, x'', x'')")
        raise ZeroDivisionError
    assert store.count() == 0
    assert store.add([arrival()]) == [1]


def test_only_the_holder_of_the_lock_checkpoints(folder: Path) -> None:
    """SQLite before 3.51.3 can corrupt a database when two processes do (sqlite.org/wal.html, the WAL-reset bug)."""
    with Store(folder, create=True, holder=True) as listener, Store(folder) as other:
        for store, pages in ((listener, 1000), (other, 0)):
            with store.writing() as db:
                assert db.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == pages
                assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
                assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
                assert db.execute("PRAGMA fullfsync").fetchone()[0] == 1


# -- disk full ------------------------------------------------------------------------------------------------------


def test_a_full_disk_refuses_what_comes_and_keeps_what_is_there(store: Store) -> None:
    store.add([arrival(n) for n in range(20)])
    with store.writing() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 4}")
    for _ in range(3):
        with pytest.raises(StoreFailed) as caught:
            store.add([arrival(body=bytes(100_000))])
        assert caught.value.code == "store_full"
        assert "disk is full" in caught.value.message
    assert store.count() == 20
    assert [event.target for event in store.events(0, 100)] == [b"/hooks/%d" % n for n in range(20)]
    with store.writing() as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        db.execute("PRAGMA max_page_count = 1000000")
    assert store.add([arrival(body=bytes(100_000))]) == [21]


def test_the_bytes_on_disk_count_the_log(store: Store) -> None:
    before = store.bytes_used()
    store.add([arrival(body=bytes(500_000))])
    assert store.bytes_used() >= before + 500_000
