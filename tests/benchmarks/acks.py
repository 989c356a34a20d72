"""What a sender waits for while the listener's own side is slow: printing, a handler that hangs, a reader that stops.

Each ratio sets the acknowledgement's 99th percentile beside that of the same requests when nothing is slow.
"""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from tests.measured import MIB, resident
from tests.program import Listening, listening
from tests.receivers import Receiver
from tests.wire import Wire, post

from .figure import Figure

LARGE = b"[" + b'{"a":[1,2,3],"b":"x"},' * (MIB // 22 - 1) + b"{}]"
SMALL = b'{"id":1}' + b" " * 1_000


def hanging(connection: socket.socket, _: bytes) -> None:
    """A handler that never answers."""
    connection.recv(1)


def figures(quick: bool) -> Iterator[Figure]:
    """Printing, hanging, stopped: ratios of percentiles, then what the stopped reader cost."""
    number = 40 if quick else 200
    with listener("--quiet") as quiet, listener() as loud:
        yield ratio("1 MiB of JSON at 20/s, shown", [quiet, loud], LARGE, number, 0.05)
    with (
        Receiver(hanging) as stuck_at,
        listener() as plain,
        listener("--forward", stuck_at.url) as stuck,
    ):
        yield ratio("1 kB, the handler hangs", [plain, stuck], SMALL, 5 * number, 0.0)
    yield from stopped(500 if quick else 5_000, 1.0 if quick else 60.0)


@contextmanager
def listener(*flags: str, read: bool = True) -> Iterator[Listening]:
    """A listener in a folder of its own; its output is read all the time unless `read` is False."""
    with tempfile.TemporaryDirectory() as name, listening(*flags, folder=Path(name), afresh=True) as running:
        if read and running.process.stdout is not None:
            threading.Thread(target=running.process.stdout.read, daemon=True).start()
        yield running


def acknowledged(wire: Wire, body: bytes) -> float:
    """Seconds until the 200 for one event."""
    began = time.perf_counter()
    if wire.send(post(body)).response().status != 200:
        raise RuntimeError("an event was refused")
    return time.perf_counter() - began


def ratio(name: str, pair: list[Listening], body: bytes, number: int, pause: float) -> Figure:
    """The second listener's percentile over the first one's, event by event in turn."""
    took: list[list[float]] = [[], []]
    wires = [Wire(each.port) for each in pair]
    for _ in range(number):
        for times, wire in zip(took, wires, strict=True):
            times.append(acknowledged(wire, body))
        time.sleep(pause)
    for wire in wires:
        wire.close()
    quiet, slow = (p99(times) for times in took)
    return Figure(
        name=f"acknowledgement, 99 of 100: {name}", value=slow / quiet, unit="x", bar=2.0, note=f"{1000 * slow:.1f} ms"
    )


def p99(times: list[float]) -> float:
    """The 99th percentile."""
    return quantiles(times, n=100, method="inclusive")[98]


def stopped(number: int, rest: float) -> Iterator[Figure]:
    """A reader that stops for `rest` seconds while `number` events come, and then reads on."""
    with listener("--json", read=False) as running, Wire(running.port) as wire:
        before, until = resident(running.process.pid), time.monotonic() + rest
        times = [acknowledged(wire, SMALL) for _ in range(number)]
        time.sleep(max(0.0, until - time.monotonic()))
        grown = resident(running.process.pid) - before
        lines = read_on(running, number + 1)
    what = f"nobody reads for {rest:g} s, {number} events"
    yield Figure(name=f"acknowledgement, 99 of 100: {what}", value=1000 * p99(times), unit="ms", bar=1000.0)
    yield Figure(name=f"memory: {what}", value=grown / MIB, unit="MB", bar=50.0)
    yield Figure(name=f"lines that came later: {what}", value=lines - 1, unit="", bar=number, least=True)


def read_on(running: Listening, number: int) -> int:
    """Read so many lines; how many of them are JSON of events, or of the listener being ready."""
    out = running.process.stdout
    if out is None:
        raise RuntimeError("no pipe")
    return sum("schema" in json.loads(out.readline()) for _ in range(number))
