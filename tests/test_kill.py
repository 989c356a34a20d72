"""What was acknowledged is on disk: `kill -9` at random moments under load."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from tests.load import ACKS_FIRST, Load
from tests.program import environment, listening, until
from whcli.hands.storing.store import Store


def kill_at_random(folder: Path, runs: int, seed: int) -> tuple[set[bytes], list[float]]:
    """Kill a listener on one store again and again; the names acknowledged, and how long each start took in seconds."""
    chance = random.Random(seed)
    acked: list[bytes] = []
    starts: list[float] = []
    for run in range(runs):
        began = time.monotonic()
        with listening(folder=folder, afresh=True) as listener:
            starts.append(time.monotonic() - began)
            load = Load(listener.port, run)
            load.start()
            time.sleep(chance.uniform(0.02, 0.6))  # not a wait for anything: the moment of the kill is to be random
            os.kill(listener.process.pid, signal.SIGKILL)
            listener.process.wait()
            load.wait()
            acked += load.acked
        check = sqlite3.connect(folder / ".whcli" / "store.db")
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check.close()
    return set(acked), starts


def stored(folder: Path) -> dict[bytes, bytes]:
    with Store(folder / ".whcli") as store:
        return {event.target[1:]: event.body for event in store.events(0, 10_000_000)}


def test_twenty_kills_lose_no_acknowledged_event(tmp_path: Path) -> None:
    acked, _ = kill_at_random(tmp_path, runs=20, seed=20)
    kept = stored(tmp_path)
    assert len(acked) > 200, "the load was too small to prove anything"
    assert acked - kept.keys() == set()
    assert all(body == name * 20 for name, body in kept.items())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_no_acknowledged_event(tmp_path: Path) -> None:
    acked, starts = kill_at_random(tmp_path, runs=100, seed=100)
    assert acked - stored(tmp_path).keys() == set()
    print(f"{len(acked)} acknowledged, 0 lost; a start took {median(starts):.2f} s, {max(starts):.2f} s at most")
    assert median(starts) < 2  # a single one can meet a busy machine


def test_this_very_check_catches_a_listener_that_answers_before_it_commits(tmp_path: Path) -> None:
    """The proof of the proof: an acknowledgement that does not wait for the commit must lose events here."""
    (tmp_path / "sitecustomize.py").write_text(ACKS_FIRST)
    ready = tmp_path / "ready.json"
    lost = 0
    for run in range(5):
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "whcli", "listen", "--port", "0", "--ready-file", str(ready)]
        path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment({"PYTHONPATH": path}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(ready.exists)
        load = Load(int(ready.read_text().partition("127.0.0.1:")[2].partition('"')[0]), run)
        load.start()
        until(lambda load=load: len(load.acked) > 50)
        process.kill()
        process.wait()
        load.wait()
        lost += len(set(load.acked) - stored(tmp_path).keys())
        if lost:
            return
    raise AssertionError("nothing was lost: this check would not notice a listener that answers too early")
