"""`whcli store`: what is in it, a copy of it, its space given back."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.program import listening, until, whcli
from tests.test_store import NOW, arrival, noted
from tests.wire import ask, post
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store
from whcli.hands.storing.upkeep import backup, holding, vacuum
from whcli.words.errors import StoreFailed, WrongUsage
from whcli.words.event import Delivery, Facts


@pytest.fixture
def filled(folder: Path) -> Path:
    """Ten events: seven from GitHub, two from Stripe, one that nobody has looked at; three deliveries."""
    with Store(folder, create=True, holder=True) as store:
        store.add([arrival(n, at=NOW + n, body=bytes(200_000)) for n in range(10)])
        for id in range(1, 10):
            noted(store, id, Facts(provider="github" if id < 8 else "stripe"))
        for id in (1, 2, 3):
            store.add_delivery(Delivery(event_id=id, kind="replay", sent_at=NOW, method=b"POST", url="http://x"))
    return folder


def ids_in(path: Path) -> list[int]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [id for (id,) in db.execute("SELECT id FROM events ORDER BY id")]


def test_info_counts_all_there_is(filled: Path, tmp_path: Path) -> None:
    [found] = whcli("store", "info", "--json", folder=tmp_path).lines
    assert found["schema"] == "whcli.store/1" and found["path"] == str(filled)
    assert (found["events"], found["deliveries"], found["listener"]) == (10, 3, None)
    assert found["oldest"] == {"id": 1, "received_at": "2023-11-14T22:13:20.000000Z"}
    assert found["newest"]["id"] == 10 and found["size"] > 2_000_000 and found["free"] < 100_000
    assert found["providers"] == [
        {"provider": "github", "events": 7},
        {"provider": "stripe", "events": 2},
        {"provider": None, "events": 1},
    ]
    human = whcli("store", folder=tmp_path)
    assert human.code == 0
    for text in (str(filled), "10 events, 3 deliveries", "github 7, stripe 2, not recognised 1", "#1  2023-11-1"):
        assert text in human.out
    assert "vacuum" not in human.out


def test_info_names_the_listener_and_what_a_vacuum_would_give_back(filled: Path, tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        assert whcli("rm", "1..9", "--yes", folder=tmp_path).code == 0
        done = whcli("store", "info", folder=tmp_path)
        assert f"{listener.url} (pid {listener.process.pid})" in done.out
        assert "whcli store vacuum        gives" in done.out
    assert "pid" not in whcli("store", "info", folder=tmp_path).out


def test_an_empty_store_has_neither_oldest_nor_newest(folder: Path, tmp_path: Path) -> None:
    Store(folder, create=True).close()
    [found] = whcli("store", "--json", folder=tmp_path).lines
    assert (found["oldest"], found["newest"], found["providers"]) == (None, None, [])
    assert "0 events" in whcli("store", folder=tmp_path).out


@pytest.mark.parametrize("command", [("info",), ("vacuum",), ("backup", "b.db")], ids=lambda words: words[0])
def test_without_a_store_nothing_is_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = whcli("store", *command, folder=tmp_path)
    assert done.code == 3 and "there is no store" in done.err
    assert list(tmp_path.iterdir()) == []


# -- vacuum ---------------------------------------------------------------------------------------------------------


def test_vacuum_gives_the_space_of_removed_events_back(filled: Path, tmp_path: Path) -> None:
    assert whcli("rm", "1..9", "--yes", folder=tmp_path).code == 0
    before = (filled / FILE).stat().st_size
    [done] = whcli("store", "vacuum", "--json", folder=tmp_path).lines
    after = (filled / FILE).stat().st_size
    assert done == {"schema": "whcli.vacuum/1", "before": before, "after": after, "complete": True}
    assert before > 2_000_000 and after < 400_000
    with Store(filled) as store:
        [event] = store.events(0, 100)
        assert (event.id, event.body) == (10, bytes(200_000))
        assert store.add([arrival()]) == [11]  # a number is never used twice, after a vacuum either


def test_vacuum_beside_a_listener_is_refused_and_says_what_to_do(filled: Path, tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        done = whcli("store", "vacuum", folder=tmp_path)
        assert done.code == 7 and f"pid {listener.process.pid}" in done.err and "stop it" in done.err
        assert ask(listener.port, post()).status == 200


def test_vacuum_keeps_a_listener_out_until_it_is_done(filled: Path) -> None:
    from whcli.commands.store import taken

    lock = taken(filled)
    with pytest.raises(StoreFailed) as caught:
        taken(filled)
    assert caught.value.code == "store_has_listener"
    lock.release()


@pytest.mark.slow
def test_vacuum_beside_a_reader_says_that_some_comes_back_later(filled: Path) -> None:
    with Store(filled, holder=True) as store, Store(filled) as reader, reader.reading() as db:
        db.execute("SELECT count(*) FROM events").fetchone()
        store.remove(list(range(1, 10)))
        assert vacuum(store) is False
        assert db.execute("SELECT count(*) FROM events").fetchone() == (10,)
    assert ids_in(filled / FILE) == [10]


# -- backup ---------------------------------------------------------------------------------------------------------


def test_a_backup_is_one_whole_file_that_is_a_store_again(filled: Path, tmp_path: Path) -> None:
    [done] = whcli("store", "backup", "copy.db", "--json", folder=tmp_path).lines
    copy = tmp_path / "copy.db"
    assert done == {
        "schema": "whcli.backup/1",
        "file": str(copy),
        "size": copy.stat().st_size,
        "events": 10,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == [".whcli", "copy.db"]
    assert ids_in(copy) == list(range(1, 11))
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    copy.rename(other / FILE)
    with Store(filled) as one, Store(other) as two:
        assert list(one.events(0, 100)) == list(two.events(0, 100))
        assert list(one.entries()) == list(two.entries())


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_a_backup_is_for_its_owner_alone_whatever_the_umask(filled: Path, tmp_path: Path, mask: int) -> None:
    old = os.umask(mask)
    try:
        assert whcli("store", "backup", "copy.db", folder=tmp_path).code == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["file", "link to a file", "dangling link"])
def test_a_backup_never_replaces_anything(filled: Path, tmp_path: Path, kind: str) -> None:
    victim, target = tmp_path / "victim", tmp_path / "copy.db"
    if kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(victim)
    if kind == "link to a file":
        victim.write_text("mine")
    done = whcli("store", "backup", "copy.db", folder=tmp_path)
    assert done.code == 2 and "exists already" in done.err
    assert not victim.exists() or victim.read_text() == "mine"
    assert target.is_symlink() or target.read_text() == "mine"


def test_a_backup_into_a_folder_that_is_not_there_is_a_sentence(filled: Path, tmp_path: Path) -> None:
    done = whcli("store", "backup", "deep/copy.db", folder=tmp_path)
    assert done.code == 2 and "deep/copy.db cannot be written" in done.err and "Traceback" not in done.err


def test_a_backup_that_fails_leaves_nothing_behind(filled: Path, tmp_path: Path) -> None:
    """A page of the store is damaged where only reading everything notices."""
    with (filled / FILE).open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    with Store(filled) as store, pytest.raises((StoreFailed, WrongUsage)) as caught:
        backup(store, tmp_path / "copy.db")
    assert "\n" not in caught.value.message
    assert sorted(path.name for path in tmp_path.iterdir()) == [".whcli"]


def test_a_backup_under_load_holds_every_event_acknowledged_before_it(tmp_path: Path) -> None:
    over, acked = threading.Event(), list[int]()
    with listening(folder=tmp_path) as listener:

        def load() -> None:
            while not over.is_set():
                assert ask(listener.port, post(body=bytes(20_000))).status == 200
                acked.append(1)

        thread = threading.Thread(target=load)
        thread.start()
        until(lambda: len(acked) > 50)
        for number in range(5):
            before = len(acked)
            done = whcli("store", "backup", f"{number}.db", "--json", folder=tmp_path)
            assert done.code == 0, done.err
            found = ids_in(tmp_path / f"{number}.db")
            assert found == list(range(1, len(found) + 1)) and len(found) >= before
        over.set()
        thread.join()
        assert listener.end().code == 0
    with Store(tmp_path / ".whcli") as store:
        assert holding(store).events == len(acked)


def test_errors_are_json_where_asked(tmp_path: Path) -> None:
    done = whcli("store", "--json", folder=tmp_path)
    assert done.code == 3 and json.loads(done.err)["code"] == "no_store"
