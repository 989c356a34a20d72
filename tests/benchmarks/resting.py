"""What a listener costs: processor and wake-ups while nothing comes, memory after very many events."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

from tests.program import environment, until
from tests.wire import post

from .figure import Figure, alone

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
WINDOW = 64  # requests on their way on a connection
CONNECTIONS = 8
BODY = b'{"id":"evt_1","type":"charge.succeeded","data":"' + b"x" * 1000 + b'"}'


class Resting:
    """A listener in a process of its own, whose output nobody keeps."""

    def __init__(self, folder: Path) -> None:
        ready = folder / "ready"
        command = [sys.executable, "-m", "whcli", "listen", "--port", "0", "--ready-file", str(ready), "-q"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(ready.exists)
        self.port = int(ready.read_text().partition('"url": "')[2].partition('"')[0].rpartition(":")[2])

    def __enter__(self) -> Resting:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def _proc(self) -> Path:
        return Path("/proc") / str(self.process.pid)

    def rss(self) -> float:
        """Resident memory in MB."""
        lines = (self._proc / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1000

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def wake_ups(self) -> int:
        """Times that any of its threads went to sleep, so far."""
        found = 0
        for thread in (self._proc / "task").iterdir():
            lines = (thread / "status").read_text().splitlines()
            found += int(next(line for line in lines if line.startswith("voluntary_ctxt")).split()[1])
        return found


def rest(listener: Resting, seconds: float) -> tuple[float, float]:
    """Percent of a processor, and wake-ups a second, over some time."""
    cpu, woken, began = listener.cpu(), listener.wake_ups(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return 100 * (listener.cpu() - cpu) / took, (listener.wake_ups() - woken) / took


def send(port: int, count: int) -> None:
    """So many requests, pipelined on some connections; returns when all are acknowledged."""
    threads = [Thread(target=_send, args=(port, count // CONNECTIONS)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(port: int, count: int) -> None:
    request = post(BODY)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for start in range(0, count, WINDOW):
            many = min(WINDOW, count - start)
            connection.sendall(request * many)
            got = b""
            while got.count(b"HTTP/1.1 200") < many or not got.endswith(b"\r\n\r\n"):
                more = connection.recv(1 << 16)
                assert more, got[-200:]
                got += more


def figures(quick: bool) -> Iterator[Figure]:
    """Idle, idle with connections that are kept open, and memory."""
    seconds, events = (3, 20_000) if quick else (20, int(os.environ.get("EVENTS", "1000000")))
    with tempfile.TemporaryDirectory() as name, Resting(Path(name)) as listener, ExitStack() as open_ones:
        send(listener.port, 1000)
        time.sleep(2)
        before = listener.rss()
        for label in ("idle", "idle, four connections open"):
            time.sleep(2)  # what came before is done with
            percent, woken = rest(listener, seconds)
            yield Figure(name=f"{label}: processor", value=percent, unit="%", bar=0.1)
            yield Figure(name=f"{label}: wake-ups", value=woken, unit="1/s", bar=1)
            for _ in range(4):
                connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", listener.port)))
                connection.sendall(post(BODY))
                connection.recv(1000)
        began = time.monotonic()
        send(listener.port, events)
        rate = events / (time.monotonic() - began)
        yield Figure(name=f"{events:,} events, pipelined on {CONNECTIONS} connections", value=rate, unit="1/s")
        yield Figure(name=f"memory after {events:,}", value=most(listener), unit="MB")
        yield Figure(
            name=f"memory after {events:,} above that after 1,000", value=most(listener) - before, unit="MB", bar=20
        )


def most(listener: Resting) -> float:
    """Resident memory once it has come to rest."""
    time.sleep(2)
    return listener.rss()


if __name__ == "__main__":
    alone(__spec__.name)
