"""The schema's steps: all of a step or nothing, in whatever company."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from whcli.hands.storing.migrations import APPLICATION_ID, LATEST, STEPS, migrate, version_of
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store
from whcli.words.errors import StoreFailed

NEXT = (*STEPS, ("CREATE TABLE later (a)", "INSERT INTO later VALUES (1)"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=10)


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(opened(path)) as connection:
        yield connection


def schema(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return list(db.execute("SELECT name, sql FROM sqlite_master ORDER BY name"))


def test_an_empty_file_becomes_a_store_of_the_newest_schema(db: sqlite3.Connection) -> None:
    migrate(db)
    assert version_of(db) == LATEST
    assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"events", "facts", "deliveries"} <= tables


def test_nothing_happens_twice(db: sqlite3.Connection) -> None:
    migrate(db)
    before, changes = schema(db), db.total_changes
    migrate(db)
    assert (schema(db), db.total_changes) == (before, changes)


@pytest.mark.parametrize("known", range(LATEST + 1), ids=lambda known: f"from schema {known}")
def test_every_schema_leads_to_the_same_newest_one(path: Path, tmp_path: Path, known: int) -> None:
    with closing(opened(path)) as old, closing(opened(tmp_path / "b.db")) as new:
        migrate(old, STEPS[:known])
        assert version_of(old) == known
        migrate(old)
        migrate(new)
        assert schema(old) == schema(new)


def test_only_the_missing_steps_are_taken(db: sqlite3.Connection) -> None:
    migrate(db)
    db.execute("INSERT INTO events (uid, received_at, head, body) VALUES ('a', 1, x'00', x'01')")
    migrate(db, NEXT)
    assert version_of(db) == LATEST + 1
    assert db.execute("SELECT count(*) FROM events").fetchone()[0] == 1


BROKEN = {
    "a statement that is no SQL": ("CREATE TABLE later (a)", "THIS IS NOT SQL"),
    "a table that is there": ("CREATE TABLE later (a)", "CREATE TABLE events (a)"),
    "a row that breaks a rule": ("CREATE TABLE later (a NOT NULL)", "INSERT INTO later VALUES (NULL)"),
}


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN.keys())
def test_a_step_that_fails_takes_back_schema_and_number(db: sqlite3.Connection, step: tuple[str, ...]) -> None:
    migrate(db)
    before = schema(db)
    with pytest.raises(sqlite3.Error):
        migrate(db, (*STEPS, step))
    assert not db.in_transaction
    assert (version_of(db), schema(db)) == (LATEST, before)
    migrate(db, NEXT)
    assert version_of(db) == LATEST + 1


def test_a_step_before_the_failing_one_stands(db: sqlite3.Connection) -> None:
    migrate(db)
    with pytest.raises(sqlite3.Error):
        migrate(db, (*NEXT, ("NONSENSE",)))
    assert version_of(db) == LATEST + 1


def test_a_new_store_is_made_at_once_or_not_at_all(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.Error):
        migrate(db, (*STEPS, ("NONSENSE",)))
    assert (version_of(db), schema(db)) == (0, [])


def test_an_interrupted_step_is_taken_back(db: sqlite3.Connection) -> None:
    """Ctrl-C between two statements: the interpreter raises where it pleases."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    db.create_function("interrupt", 0, interrupt)
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, (("CREATE TABLE a (b)", "INSERT INTO a VALUES (interrupt())"),))
    assert (version_of(db), schema(db)) == (0, [])


def test_a_step_that_sqlite_has_taken_back_itself_is_told_by_its_own_error(db: sqlite3.Connection) -> None:
    """A second ROLLBACK would fail, and hide the reason."""
    step = ("CREATE TABLE later (a UNIQUE)", "INSERT INTO later VALUES (1)", "INSERT OR ROLLBACK INTO later VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError):
        migrate(db, (step,))
    assert (version_of(db), schema(db)) == (0, [])


def test_a_full_disk_is_told_as_such(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA max_page_count = 4")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        migrate(db)
    db.execute("PRAGMA max_page_count = 1000")
    migrate(db)
    assert version_of(db) == LATEST


def test_several_take_the_same_step_at_once(path: Path) -> None:
    start, failed = Barrier(4), list[BaseException]()

    def take() -> None:
        try:
            with closing(opened(path)) as db:
                start.wait(10)
                migrate(db, NEXT)
        except BaseException as error:
            failed.append(error)

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    with closing(opened(path)) as db:
        assert version_of(db) == LATEST + 1
        assert db.execute("SELECT count(*) FROM later").fetchone()[0] == 1


def test_a_store_whose_migration_fails_is_a_sentence_and_stays_as_it_was(folder: Path) -> None:
    """Somebody made the tables of the first step without its number."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.execute("CREATE TABLE events (a)")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.commit()
    with pytest.raises(StoreFailed):
        Store(folder)
    with closing(sqlite3.connect(folder / FILE)) as db:
        assert version_of(db) == 0
        assert schema(db) == [("events", "CREATE TABLE events (a)")]
