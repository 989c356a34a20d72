"""Ten thousand stored events, each signed afresh and recorded, against `hey` with one body: the same receiver, one run.

    python -m tests.benchmarks.replay        needs hey (Debian package) on PATH

Prints requests per second of both, their ratio, and by how much more memory ten thousand events took than a hundred.
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
from pathlib import Path

from tests.program import ROOT, environment, until
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

EVENTS = int(os.environ.get("EVENTS", "10000"))
CONCURRENCY = 16
SECRET = "whsec_benchmark"


def filled(folder: Path) -> None:
    """A store of Stripe events, each with an id of its own."""
    make_folder(folder)
    with Store(folder, create=True) as store:
        for start in range(0, EVENTS, 1000):
            store.add([arrival(number) for number in range(start, min(start + 1000, EVENTS))])


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


def hey(url: str, folder: Path) -> float:
    """What hey reaches with one body, signed once; requests per second."""
    body = folder / "body"
    body.write_bytes(body_of(1))
    sign = [sys.executable, "-m", "whcli", "sign", "stripe", "--body-file", str(body)]
    header = subprocess.run(
        sign, env=environment({"WHCLI_SECRET_STRIPE": SECRET}), capture_output=True, text=True, check=True
    ).stdout.strip()
    command = ["hey", "-n", str(EVENTS), "-c", str(CONCURRENCY), "-m", "POST", "-T", "application/json"]
    out = subprocess.run([*command, "-D", str(body), "-H", header, url], capture_output=True, text=True, check=True)
    assert f"[200]\t{EVENTS // CONCURRENCY * CONCURRENCY}" in out.stdout, out.stdout
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", out.stdout)[0])


def main() -> None:
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
            filled(folder / ".whcli")
            replay = [sys.executable, "-m", "whcli", "replay", "--to", url, "--concurrency", str(CONCURRENCY), "--json"]
            _, little = measured([*replay, "1..100"], folder)
            took, much = measured([*replay, "all"], folder)
            theirs = hey(url, folder)
        finally:
            receiver.kill()
    ours = EVENTS / took
    result = {"whcli_per_s": round(ours), "hey_per_s": round(theirs), "ratio": round(ours / theirs, 2)}
    print(json.dumps({**result, "memory_growth_mb": round(much - little, 1)}))


if __name__ == "__main__":
    main()
