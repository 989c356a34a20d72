"""Ten thousand stored events, each signed afresh and recorded, against `hey` with one body: the same receiver, one run.

`hey` is a Debian package. Memory: by how much more ten thousand events took than a hundred.
"""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.program import ROOT, environment, until
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

from .figure import Figure, alone

NEEDS = ("hey",)
EVENTS = int(os.environ.get("EVENTS", "10000"))
CONCURRENCY = 16
SECRET = "whsec_benchmark"


def filled(folder: Path, events: int) -> None:
    """A store of Stripe events, each with an id of its own."""
    make_folder(folder)
    with Store(folder, create=True) as store:
        for start in range(0, events, 1000):
            store.add([arrival(number) for number in range(start, min(start + 1000, events))])


def arrival(number: int) -> Arrival:
    body = body_of(number)
    head = b"POST /stripe HTTP/1.1\r\nHost: a\r\nStripe-Signature: t=1,v1=00\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    return Arrival(time.time(), head, b"POST", b"/stripe", body, (), None)


def body_of(number: int) -> bytes:
    return json.dumps({"id": f"evt_{number}", "type": "charge.succeeded", "data": "x" * 1000}).encode()


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds that a command takes, and the most memory it had, in MB."""
    began = time.monotonic()
    subprocess.run(
        command,
        cwd=folder,
        env=environment({"WHCLI_SECRET_STRIPE": SECRET}),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def hey(url: str, folder: Path, events: int) -> float:
    """What hey reaches with one body, signed once; requests per second."""
    body = folder / "body"
    body.write_bytes(body_of(1))
    sign = [sys.executable, "-m", "whcli", "sign", "stripe", "--body-file", str(body)]
    header = subprocess.run(
        sign, env=environment({"WHCLI_SECRET_STRIPE": SECRET}), capture_output=True, text=True, check=True
    ).stdout.strip()
    command = ["hey", "-n", str(events), "-c", str(CONCURRENCY), "-m", "POST", "-T", "application/json"]
    out = subprocess.run([*command, "-D", str(body), "-H", header, url], capture_output=True, text=True, check=True)
    assert f"[200]\t{events // CONCURRENCY * CONCURRENCY}" in out.stdout, out.stdout
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", out.stdout)[0])


def figures(quick: bool) -> Iterator[Figure]:
    """Requests per second of both, their ratio, and the growth of memory."""
    events = EVENTS // 20 if quick else EVENTS
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/stripe"
    receiver = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "receiver:app", "--port", str(port), "--log-level", "critical"],
        cwd=ROOT / "examples",
        env=environment({"STRIPE_WEBHOOK_SECRET": SECRET}),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            filled(folder / ".whcli", events)
            replay = [sys.executable, "-m", "whcli", "replay", "--to", url, "--concurrency", str(CONCURRENCY), "--json"]
            _, little = measured([*replay, "1..100"], folder)
            took, much = measured([*replay, "all"], folder)
            theirs = hey(url, folder, events)
        finally:
            receiver.kill()
    yield Figure(name=f"{events:,} events replayed, signed afresh", value=events / took, unit="1/s")
    yield Figure(name="hey, one body, the same receiver", value=theirs, unit="1/s")
    yield Figure(name="whcli to hey", value=events / took / theirs, unit="x", bar=0.5, least=True)
    yield Figure(name=f"memory of {events:,} events above that of 100", value=much - little, unit="MB")


if __name__ == "__main__":
    alone(__spec__.name)
