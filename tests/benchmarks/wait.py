"""How soon a waiting `whcli wait` wakes up, and what it costs while nothing comes.

The latency is taken from the sender's acknowledgement, which follows the commit, to the moment when the waiting process
has the event in hand; from sending it, the work of sender and listener is in it too. Both processes read the same
monotonic clock.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

from tests.program import environment, listening

from .figure import Figure, alone

AWAKE = """
import sys, time
from pathlib import Path
from whcli.hands.storing.waiting import wait_for
from whcli.rules.match import Filter
cursor = 0
print(flush=True)
while True:
    found = wait_for(Path(sys.argv[1]), Filter(provider="github", type="push"), timeout=None, since=cursor)
    now, cursor = time.monotonic(), found.entries[-1].id
    print(now, flush=True)
"""
IDLE = """
import json, resource, sys, time
from pathlib import Path
from whcli.hands.storing.waiting import wait_for
from whcli.rules.match import Filter
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
wait_for(Path(sys.argv[1]), Filter(type="none"), timeout=0.2, since=0)
cpu, began = used(), time.monotonic()
wait_for(Path(sys.argv[1]), Filter(type="none"), timeout=float(sys.argv[2]), since=0)
print((used() - cpu) / (time.monotonic() - began))
"""


def figures(quick: bool) -> Iterator[Figure]:
    """Percentiles of the wake-up, then the CPU of an idle wait."""
    with tempfile.TemporaryDirectory() as name, listening(folder=Path(name), afresh=True) as listener:
        folder = Path(name) / ".whcli"
        acknowledged, sent = latencies(folder, listener.port, 20 if quick else 300)
        for percent, bar in ((50, 50.0), (99, 50.0)):
            label = f"wake-up after the acknowledgement, {percent} of 100"
            yield Figure(name=label, value=cut(acknowledged, percent), unit="ms", bar=bar)
        yield Figure(name="wake-up after sending, 99 of 100", value=cut(sent, 99), unit="ms")
        share = idle(folder, 2.0 if quick else 10.0)
        yield Figure(name="CPU of a wait while nothing comes", value=100 * share, unit="%", bar=1.0)
        missing = idle(Path(name) / "none", 2.0 if quick else 10.0)
        yield Figure(name="CPU of a wait for a store", value=100 * missing, unit="%", bar=1.0)


def cut(seconds: list[float], percent: int) -> float:
    """A percentile in milliseconds."""
    return 1000 * quantiles(seconds, n=100, method="inclusive")[percent - 1]


def latencies(folder: Path, port: int, number: int) -> tuple[list[float], list[float]]:
    """Seconds from the acknowledgement, and from sending, to the waiting process."""
    chance = random.Random(1)
    acknowledged, sent = [], []
    waiter = subprocess.Popen(
        [sys.executable, "-c", AWAKE, str(folder)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    if waiter.stdout is None:
        raise RuntimeError("no pipe")
    try:
        waiter.stdout.readline()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for _ in range(number):
                time.sleep(chance.uniform(0.02, 0.1))  # the waiter is asleep again, at a random moment of its tick
                began = time.monotonic()
                acked = deliver(connection)
                woken = float(waiter.stdout.readline())
                acknowledged.append(woken - acked)
                sent.append(woken - began)
    finally:
        waiter.kill()
        waiter.communicate()
    return acknowledged, sent


def deliver(connection: socket.socket) -> float:
    """Send an event; when its acknowledgement came."""
    body = json.dumps({"ref": "refs/heads/main"}).encode()
    head = b"POST /hooks HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: push\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)
    while not connection.recv(65536).startswith(b"HTTP/1.1 200"):
        raise RuntimeError("the listener refused")
    return time.monotonic()


def idle(folder: Path, seconds: float) -> float:
    """The share of one CPU that a process spends while it waits in vain."""
    command = [sys.executable, "-c", IDLE, str(folder), str(seconds)]
    return float(subprocess.run(command, env=environment(), capture_output=True, check=True, text=True).stdout)


if __name__ == "__main__":
    alone(__spec__.name)
