"""SIGTERM and Ctrl-C under load: it ends in time, with 0, and no acknowledged event is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.load import Load
from tests.program import environment, listening, until
from tests.test_kill import stored

NUMBERS = [signal.SIGTERM, signal.SIGINT]
IN_TIME = 7  # seconds: three for a stuck sender, whom its limits alone would give eight; the rest is for a busy machine
AT_ONCE = 4  # listeners, so that the three seconds which a stuck sender is given do not add up


def stuck(port: int) -> socket.socket:
    """A sender that stops in the middle of its body."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(b"POST /stuck HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    return connection


def ended(folder: Path, number: int, run: int, *, with_stuck: bool) -> float:
    """One listener under load, ended by a signal; the seconds that took."""
    folder.mkdir()
    with listening(folder=folder, afresh=True) as listener:
        hanging = stuck(listener.port) if with_stuck else None
        load = Load(listener.port, run)
        load.start()
        until(lambda: len(load.acked) > 50)
        began = time.monotonic()
        done = listener.end(number)
        took = time.monotonic() - began
        load.wait()
        if hanging is not None:
            hanging.close()
    assert done.code == 0 and "Traceback" not in done.err, done.err
    assert set(load.acked) - stored(folder).keys() == set()
    return took


def ended_often(folder: Path, number: int, runs: int) -> list[float]:
    """Many such listeners, every fifth with a stuck sender."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(ended, folder / str(run), number, run, with_stuck=run % 5 == 0) for run in range(runs)]
        return [job.result() for job in jobs]


@pytest.mark.parametrize("number", NUMBERS, ids=["SIGTERM", "Ctrl-C"])
def test_under_load_and_with_a_stuck_sender_it_ends_in_time(tmp_path: Path, number: int) -> None:
    assert max(ended_often(tmp_path, number, 2)) < IN_TIME


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", NUMBERS, ids=["SIGTERM", "Ctrl-C"])
def test_fifty_times_under_load_it_ends_in_time(tmp_path: Path, number: int) -> None:
    took = ended_often(tmp_path, number, 50)
    print(f"50 ends under load, 10 with a stuck sender: {max(took):.2f} s at most")
    assert max(took) < IN_TIME


@pytest.mark.parametrize("number", NUMBERS, ids=["SIGTERM", "Ctrl-C"])
def test_the_second_signal_ends_it_at_once_and_costs_no_acknowledged_event(tmp_path: Path, number: int) -> None:
    with listening(folder=tmp_path, afresh=True) as listener:
        hanging = stuck(listener.port)
        load = Load(listener.port, 0)
        load.start()
        until(lambda: len(load.acked) > 50)
        listener.process.send_signal(number)
        load.wait()  # it takes no new requests, and waits for the stuck one
        assert listener.process.poll() is None
        done = listener.end(number)
        hanging.close()
    assert done.code == (130 if number == signal.SIGINT else 143) and "Traceback" not in done.err
    assert set(load.acked) - stored(tmp_path).keys() == set()


@contextmanager
def starting(tmp_path: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that has begun, and waits for its secret until it is signalled."""
    pipe = tmp_path / "secret"
    os.mkfifo(pipe)
    arguments = [sys.executable, "-m", "whcli", *command, "--secret", f"file:{pipe}"]
    process = subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    held: list[int] = []

    def reads() -> bool:
        with suppress(OSError):
            held.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))  # fails until somebody reads
        return bool(held) or process.poll() is not None

    try:
        until(reads)
        yield process
    finally:
        process.kill()
        process.wait()
        for each in held:
            os.close(each)


@pytest.mark.parametrize("number", NUMBERS, ids=["TERM", "INT"])
def test_a_listener_that_is_still_starting_ends_as_one_that_listens(tmp_path: Path, number: int) -> None:
    with starting(tmp_path, "listen", "--port", "0", "--scheme", "stripe") as process:
        process.send_signal(number)
        assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 0


def test_any_other_command_that_is_interrupted_while_it_starts_says_so_by_its_code(tmp_path: Path) -> None:
    with starting(tmp_path, "sign", "stripe", "--body-file", "/dev/null") as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 130
