"""`listen --keep` and `rm --older-than`: what goes, what stays, and that it is said."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.program import DEADLINE, listening, until, whcli
from tests.receivers import Receiver
from tests.test_store import NOW, arrival, small
from tests.wire import Wire, ask, post
from whcli.hands.storing.retention import ONCE_BYTES, next_expiry, oldest, surplus
from whcli.hands.storing.store import ONCE, Store
from whcli.rules.retention import Keep, keep_of
from whcli.words.errors import WrongUsage

DAY = 86400.0


def ids(folder: Path) -> list[int]:
    with Store(folder) as store:
        return store.ids(0, None)


def import_one(store: Store, *, at: float) -> int:
    """An event from a file, captured somewhere else at that time."""
    [id] = store.add([arrival()])
    event = store.event(id)
    assert event is not None
    store.remove([id])
    return store.add_event(replace(event, head=b"", received_at=at))


# -- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count", "age", "words"),
    [
        ("10000", 10_000, None, "the newest 10,000 events"),
        ("1", 1, None, "the newest 1 event"),
        ("30d", None, 30 * DAY, "what came in the last 30d"),
        (" 500ms ", None, 0.5, "what came in the last 500ms"),
    ],
)
def test_a_number_counts_and_a_unit_makes_it_a_time(
    text: str, count: int | None, age: float | None, words: str
) -> None:
    keep = keep_of(text)
    assert (keep.count, keep.age, keep.words) == (count, age, words)


@pytest.mark.parametrize("text", ["0", "0d", "", "-1", "ten", "30 days", "1e3", "1.5", "9" * 16 + "x", "\x1b[2J"])
def test_what_keeps_nothing_or_means_nothing_is_refused(text: str, tmp_path: Path) -> None:
    if text == "1.5":  # a time in seconds, as everywhere
        assert keep_of(text).age == 1.5
        return
    with pytest.raises(WrongUsage) as caught:
        keep_of(text)
    assert "--keep" in caught.value.message and "\x1b" not in caught.value.message


def test_a_wrong_keep_is_exit_2_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[listen]\nkeep = "ten"\n')
    for flags in ((), ("--keep", "0")):
        done = whcli("listen", "--port", "0", "--timeout", "2", *flags, folder=tmp_path)
        assert done.code == 2 and "--keep" in done.err
    assert not (tmp_path / ".whcli").exists()


# -- which ----------------------------------------------------------------------------------------------------------


@given(
    ages=st.lists(st.tuples(st.integers(0, 10), st.booleans()), max_size=12),
    gone=st.sets(st.integers(1, 12)),
    keep=st.sampled_from([Keep(text="3", count=3), Keep(text="5d", age=5 * DAY)]),
    until=st.integers(0, 14),
)
@settings(max_examples=60)
def test_the_oldest_go_and_no_more_than_are_too_many(
    ages: list[tuple[int, bool]], gone: set[int], keep: Keep, until: int
) -> None:
    now = NOW + 100 * DAY
    with small() as store:
        rows: dict[int, tuple[float, bool]] = {}
        for age, imported in ages:
            at = now - age * DAY - 1
            id = import_one(store, at=at) if imported else store.add([arrival(at=at)])[0]
            rows[id] = (at, imported)
        store.remove(sorted(gone))
        left = {id: row for id, row in rows.items() if id not in gone}
        if keep.count is not None:
            expected = sorted(left)[: max(len(left) - keep.count, 0)]
        else:
            arrived = [id for id, (_, imported) in sorted(left.items()) if not imported]
            young = next((n for n, id in enumerate(arrived) if left[id][0] >= now - 5 * DAY), len(arrived))
            expected = arrived[:young]
        found = oldest(store, keep, now, surplus(store, keep, now), until)
        assert found == [id for id in expected if id <= until]


def test_no_transaction_takes_more_than_a_few(folder: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(n) for n in range(3 * ONCE)])
        assert len(oldest(store, Keep(text="1", count=1), NOW, 3 * ONCE - 1, 10**9)) == ONCE
        store.remove(store.ids(0, None))
        store.add([arrival(body=bytes(ONCE_BYTES // 2)) for _ in range(8)])
        assert len(oldest(store, Keep(text="1", count=1), NOW, 7, 10**9)) <= 3


def test_when_the_next_one_is_old_enough(folder: Path) -> None:
    with Store(folder, create=True) as store:
        assert next_expiry(store, Keep(text="1d", age=DAY), NOW) is None
        store.add([arrival(at=NOW), arrival(at=NOW + 5)])
        assert next_expiry(store, Keep(text="1d", age=DAY), NOW + 10) == DAY - 10
        assert next_expiry(store, Keep(text="1d", age=DAY), NOW + 2 * DAY) == 0
        assert next_expiry(store, Keep(text="5", count=5), NOW) is None


# -- listen ---------------------------------------------------------------------------------------------------------


def test_what_is_too_much_at_the_start_goes_and_is_announced(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(n) for n in range(250)])
    with listening("--keep", "10", folder=tmp_path) as listener:
        until(lambda: len(ids(folder)) == 10)
        assert ids(folder) == list(range(241, 251))
        done = listener.end()
    assert "keeping the newest 10 events: 240 older events removed now" in done.err
    assert "240 removed (--keep 10)" in done.err


def test_what_comes_pushes_the_oldest_out_once_all_is_shown_and_forwarded(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text("[listen]\nkeep = 5\n")
    with Receiver() as handler:
        with listening("--forward", handler.url, folder=tmp_path) as listener:
            with Wire(listener.port) as wire:
                for number in range(40):
                    wire.send(post(target=b"/%d" % number))
                    assert wire.response().status == 200
            until(lambda: ids(folder) == [36, 37, 38, 39, 40])
            done = listener.end()
        assert [request.split(b" ")[1] for request in handler.wait(40)] == [b"/%d" % n for n in range(40)]
    assert [line.split()[1] for line in done.out.splitlines() if "POST" in line] == [f"#{n}" for n in range(1, 41)]
    assert "the oldest events are removed from now on, #1 first" in done.out
    assert "35 removed (--keep 5)" in done.err and "keeping the newest 5 events" in done.err


def test_an_event_that_is_still_on_its_way_to_the_handler_stays(folder: Path, tmp_path: Path) -> None:
    release = threading.Event()

    def slow(connection: socket.socket, _: bytes) -> bool:
        release.wait(DEADLINE)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    flags = ("--keep", "1", "--concurrency", "2")
    with Receiver(slow) as handler, listening(*flags, "--forward", handler.url, folder=tmp_path) as listener:
        for number in range(6):
            assert ask(listener.port, post(target=b"/%d" % number)).status == 200
        handler.wait(2)
        time.sleep(2.5)  # a removal would have come by now: the keeper looks once a second
        assert ids(folder) == [1, 2, 3, 4, 5, 6]
        release.set()
        until(lambda: ids(folder) == [6])
        assert len(handler.wait(6)) == 6
        listener.end()


def test_old_ones_go_and_imported_ones_stay(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(n, at=NOW) for n in range(3)])
        imported = import_one(store, at=NOW)
    with listening("--keep", "30d", folder=tmp_path) as listener:
        assert ask(listener.port, post()).status == 200
        until(lambda: len(ids(folder)) == 2)
        assert ids(folder) == [imported, imported + 1]
        assert "what came in the last 30d: 3 older events removed now" in listener.end().err


def test_without_keep_nothing_goes_and_nothing_is_said(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(n, at=NOW) for n in range(3)])
    with listening("--count", "1", folder=tmp_path) as listener:
        ask(listener.port, post())
        done = listener.wait()
    assert ids(folder) == [1, 2, 3, 4] and "removed" not in done.err and "keep" not in done.err


# -- rm -------------------------------------------------------------------------------------------------------------


def test_rm_older_than_takes_what_is_old_and_asks_first(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(at=time.time() - age * DAY) for age in (50, 31, 29, 0, 40)])
    refused = whcli("rm", "--older-than", "30d", folder=tmp_path)
    assert refused.code == 2 and "--yes" in refused.err and len(ids(folder)) == 5
    done = whcli("rm", "--older-than", "30d", "--yes", folder=tmp_path)
    assert (done.code, done.out) == (0, "3 deleted\n") and ids(folder) == [3, 4]
    assert whcli("rm", "--older-than", "30d", folder=tmp_path).out == "0 deleted\n"


@pytest.mark.parametrize("arguments", [(), ("1", "--older-than", "1d"), ("--older-than", "soon")], ids=" ".join)
def test_rm_wants_events_or_an_age(folder: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival()])
    done = whcli("rm", *arguments, "--yes", folder=tmp_path)
    assert done.code == 2 and "next:" in done.err and ids(folder) == [1]


def test_rm_of_much_says_how_to_get_the_space_back(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(body=bytes(300_000)) for _ in range(8)])
    done = whcli("rm", "all", "--yes", folder=tmp_path)
    assert done.out == "8 deleted\n" and "whcli store vacuum gives them back" in done.err


def test_a_great_rm_beside_a_listener_costs_no_sender_its_answer(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(n, body=bytes(2000)) for n in range(3000)])
    over, statuses = threading.Event(), list[int]()
    with listening(folder=tmp_path) as listener:

        def load() -> None:
            with Wire(listener.port) as wire:
                while not over.is_set():
                    wire.send(post())
                    statuses.append(wire.response().status)

        thread = threading.Thread(target=load)
        thread.start()
        until(lambda: statuses)
        done = whcli("rm", "1..3000", "--yes", folder=tmp_path)
        over.set()
        thread.join()
        listener.end()
    assert done.out == "3000 deleted\n"
    assert set(statuses) == {200} and ids(folder) == list(range(3001, 3001 + len(statuses)))
