"""Migrations under `kill -9`: at whatever moment, a store is of its old schema or of a newer one, and whole."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.program import environment
from tests.test_migrations import schema
from tests.test_store import OLDEST
from whcli.hands.storing.migrations import LATEST, STEPS, migrate, version_of
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store

KILLS = 20
EVENTS = 20_000
OPEN = (
    "import sys; from pathlib import Path; from whcli.hands.storing.store import Store\n"
    "print('here', flush=True); Store(Path(sys.argv[1])).close(); print('open', flush=True)"
)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store of the oldest schema with so much in it that the steps take their time."""
    path = tmp_path_factory.mktemp("old") / FILE
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLDEST.read_text())
        db.executemany(
            "INSERT INTO events (uid, received_at, head, body) VALUES (?, ?, ?, ?)",
            ((f"{n:026d}", float(n), b"POST /%d HTTP/1.1\r\n\r\n" % n, b'{"a":%d}' % n) for n in range(EVENTS)),
        )
        db.commit()
    return path.read_bytes()


def opened(folder: Path, kill_after: float | None) -> float:
    """Open a store in a process of its own, and kill that after so many seconds; the seconds that the opening took."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPEN, str(folder)], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout and process.stdout.readline() == "here\n"
    began = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)  # the moment of the kill is to be random
        process.kill()
    process.communicate(timeout=60)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:
    """The schema after each number of steps, from an empty file."""
    found = []
    for number in range(LATEST + 1):
        with closing(sqlite3.connect(tmp_path_factory.mktemp("known") / "a.db", isolation_level=None)) as db:
            migrate(db, STEPS[:number])
            found.append(schema(db))
    return found


def test_twenty_kills_leave_the_old_schema_or_a_newer_one_and_every_event(
    tmp_path: Path, old: bytes, known: list[list[tuple[str, str]]]
) -> None:
    def fresh(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        (folder / FILE).write_bytes(old)
        return folder

    whole = opened(fresh("whole"), None)
    chance = random.Random(6)
    versions = []
    for run in range(KILLS):
        folder = fresh(str(run))
        opened(folder, chance.uniform(0, whole))
        with closing(sqlite3.connect(folder / FILE)) as db:
            versions.append(version_of(db))
            assert schema(db) == known[versions[-1]]
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM events WHERE uid < '1'").fetchone()[0] >= EVENTS
        with Store(folder) as store, store.reading() as db:
            assert version_of(db) == LATEST and schema(db) == known[LATEST]
    print(f"killed within {whole:.2f} s; the schemas found: {sorted(versions)}")
    assert set(versions) - {LATEST}, "no kill came before the end: this proved nothing"
