"""Ten thousand stored events, each signed afresh and recorded, against `hey` with one body: the same receiver, one run.

`hey` is a Debian package; it keeps its connections open, as whcli does. Three rounds, one after the other in each, so
that a noisy machine disturbs both; the median ratio counts. As with hey's own figure, time begins with the first
request: Python's start is left out, the last commit is not. Memory: by how much more ten thousand events took than a
hundred. `python -m tests.benchmarks.replay --profile` shows in which rooms whcli's time goes.

On two quiet cores 0.70 to 0.78 (2026-11-26), about 0.5 where others work beside: hey is one light process beside the
receiver, whcli needs a core of its own. hey sends the same bytes again and again; here each event is read, recognised,
made a request, signed, told and recorded, in one thread. Of its 105 µs an event 35 are the connection's (half of that
the kernel's and the loop's), 25 go to recognising and signing, 15 to the printed JSON, 10 to making the request, 9 to
recording, 8 to reading, the rest is spread thin. The receiver takes 80 on the other core, so a second process that
sends would gain little.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.program import ROOT, environment, until
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

from .figure import Figure, alone

NEEDS = ("hey",)
EVENTS = int(os.environ.get("EVENTS", "10000"))
CONCURRENCY = 16
ROUNDS = 3
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


class Replayed(NamedTuple):
    """One `whcli replay`."""

    whole: float  # seconds from the program's start to its end
    sending: float  # seconds from the first request to its end
    memory: float  # MB at most


def replayed(folder: Path, url: str, events: int, program: tuple[str, ...] = ("-m", "whcli")) -> Replayed:
    """Replay the first events of the store; every one must have been accepted.

    Its output is read line by line: on Linux a program that is started begins with its parent's peak of memory as its
    own, so this process must stay the smaller one.
    """
    command = [sys.executable, *program, "replay", f"1..{events}", "--to", url, "--json"]
    # A container's PYTHONUNBUFFERED would make every printed line a system call, which a user's shell does not ask for.
    env = environment({"WHCLI_SECRET_STRIPE": SECRET, "PYTHONUNBUFFERED": ""})
    with (folder / "out").open("w+") as out:
        began = time.time()
        process = subprocess.Popen(
            [*command, "--speed", "max", "--concurrency", str(CONCURRENCY)], cwd=folder, env=env, stdout=out
        )
        _, status, used = os.wait4(process.pid, 0)
        ended = time.time()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        sent = [(line["sent_at"], line["status"]) for line in map(json.loads, out)]
    assert process.returncode == 0 and [status for _, status in sent] == [200] * events
    first = datetime.fromisoformat(min(sent)[0]).timestamp()
    return Replayed(ended - began, ended - first, used.ru_maxrss / 1000)


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


@contextmanager
def receiver() -> Iterator[str]:
    """The example receiver, which verifies, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "receiver:app", "--port", str(port), "--log-level", "critical"],
        cwd=ROOT / "examples",
        env=environment({"STRIPE_WEBHOOK_SECRET": SECRET}),
    )
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield f"http://127.0.0.1:{port}/stripe"
    finally:
        process.kill()
        process.wait()


def figures(quick: bool) -> Iterator[Figure]:
    """Requests per second of both, their ratio, and the growth of memory."""
    events = EVENTS // 20 if quick else EVENTS
    with tempfile.TemporaryDirectory() as name, receiver() as url:
        folder = Path(name)
        filled(folder / ".whcli", events)
        hey(url, folder, max(CONCURRENCY, events // 5))  # warm-up
        little = replayed(folder, url, 100)
        theirs, ours = zip(
            *((hey(url, folder, events), replayed(folder, url, events)) for _ in range(1 if quick else ROUNDS)),
            strict=True,
        )
    rates = [events / each.sending for each in ours]
    ratios = [rate / their for rate, their in zip(rates, theirs, strict=True)]
    told = f"{min(ratios):.2f} to {max(ratios):.2f}"
    yield Figure(name=f"{events:,} events replayed, signed afresh", value=median(rates), unit="1/s")
    yield Figure(
        name="the same, Python's start counted in", value=median(events / each.whole for each in ours), unit="1/s"
    )
    yield Figure(name="hey, one body, the same receiver", value=median(theirs), unit="1/s")
    yield Figure(name="whcli to hey", value=median(ratios), unit="x", bar=0.5, least=True, note=told)
    growth = max(each.memory for each in ours) - little.memory
    yield Figure(name=f"memory of {events:,} events above that of 100", value=growth, unit="MB", bar=50)


def profile() -> None:
    """Where whcli's time goes, by room: the share of all time that was spent in its own lines, from cProfile."""
    import pstats

    with tempfile.TemporaryDirectory() as name, receiver() as url:
        folder = Path(name)
        filled(folder / ".whcli", EVENTS)
        profiled = "import cProfile, whcli.cli; cProfile.run('whcli.cli.main()', 'profile')"
        replayed(folder, url, EVENTS, ("-c", profiled))
        stats = pstats.Stats(str(folder / "profile"))
    rooms: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        rooms[file.partition("/whcli/")[2] or (function if file == "~" else file.rpartition("/lib/")[2])] += own
    for room, seconds in rooms.most_common(25):
        print(f"  {seconds / rooms.total():6.1%}  {room}")


if __name__ == "__main__":
    if "--profile" in sys.argv:
        profile()
    else:
        alone(__spec__.name)
