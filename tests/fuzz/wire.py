"""Damaged requests against a real listener: `python -m tests.fuzz.wire --requests 100000 --seed 1`.

The whole program listens, stores and prints. Each request goes on a connection of its own, in one to four packets; then
the sender half-closes and waits for what comes. A crash is a listener that has ended, or said `Traceback`; a hang is a
connection without an end for ten seconds, or a normal POST in between without its 200. The memory is the kernel's
VmRSS of the listener, counted from behind a warm-up.

Exits with 1, and the seed and number of the request, when a bar is not held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.mutations import requests
from tests.program import Listening, environment, until
from tests.wire import post

PATIENCE = 10.0  # seconds until a connection without an end is a hang
AT_ONCE = 24  # connections
WARM = 2_000  # requests before the memory is looked at
EVERY = 500  # requests between two normal ones
GROWTH = 50.0  # MB of memory that may be added


@dataclass(slots=True)
class Found:
    """What a run saw."""

    sent: int = 0
    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)  # by status; "closed" without any
    hangs: list[int] = field(default_factory=list)  # numbers of the requests
    crashes: list[str] = field(default_factory=list)
    grown: float = 0.0  # MB

    @property
    def held(self) -> bool:
        return not self.hangs and not self.crashes and self.grown <= GROWTH


async def one(port: int, request: bytes, chance: random.Random) -> str:
    """Send it, half-close, read to the end; the first status. Raises TimeoutError for a hang."""
    cuts = sorted(chance.randrange(len(request) + 1) for _ in range(chance.randrange(4)))
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            with suppress(OSError):  # refused before the last byte left
                for start, end in zip([0, *cuts], [*cuts, len(request)], strict=True):
                    writer.write(request[start:end])
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write_eof()
            with suppress(ConnectionError):
                return _status(await reader.read())
            return "reset"
        finally:
            writer.transport.abort()


def _status(answer: bytes) -> str:
    return answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.1 ") else "closed"


def resident(pid: int) -> float:
    """MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


async def bombard(listener: Listening, damaged: Iterable[bytes], seed: int, warm: int) -> Found:
    """Send them all; what was seen."""
    found, chance, before = Found(), random.Random(seed), 0.0
    began, room = time.monotonic(), asyncio.Semaphore(AT_ONCE)
    pending: set[asyncio.Task[None]] = set()

    async def send(number: int, request: bytes) -> None:
        try:
            found.answers[await one(listener.port, request, random.Random(seed + number))] += 1
        except TimeoutError:
            found.hangs.append(number)
        except OSError as error:
            found.crashes.append(f"request {number}: {error}")
        finally:
            room.release()

    for number, request in enumerate(damaged):
        await room.acquire()
        task = asyncio.create_task(send(number, request))
        pending.add(task)
        task.add_done_callback(pending.discard)
        found.sent += 1
        if found.sent == warm:
            before = resident(listener.process.pid)
        if found.sent % EVERY == 0 and await one(listener.port, post(b"%d" % chance.randrange(10**9)), chance) != "200":
            found.crashes.append(f"a normal POST behind request {number} was not answered 200")
        if listener.process.poll() is not None:
            found.crashes.append(f"the listener ended with {listener.process.returncode} at request {number}")
            break
    if pending:
        await asyncio.wait(pending)
    if listener.process.poll() is None:
        found.grown = resident(listener.process.pid) - before
    found.seconds = time.monotonic() - began
    return found


def run(count: int, seed: int, folder: Path, warm: int = WARM) -> Found:
    """Damaged requests against a listener that writes into files."""
    out, err, ready = folder / "out", folder / "err", folder / "ready.json"
    command = [sys.executable, "-m", "whcli", "listen", "--port", "0", "--json", "--ready-file", str(ready)]
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=stdout, stderr=stderr)
    try:
        until(ready.exists)
        listener = Listening(process, json.loads(ready.read_text()))
        found = asyncio.run(bombard(listener, requests(seed, count), seed, min(warm, count)))
        process.terminate()
        if (code := process.wait(PATIENCE)) != 0:
            found.crashes.append(f"the listener's exit code was {code}")
    finally:
        process.kill()
    said = err.read_text("utf-8", "replace")
    if "Traceback" in said or "exception" in said.lower():
        found.crashes.append(said[-2000:])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whcli-fuzz-") as folder:
        found = run(asked.requests, asked.seed, Path(folder))
    answers = ", ".join(f"{count} x {status}" for status, count in found.answers.most_common())
    print(f"{found.sent} damaged requests, seed {asked.seed}, in {found.seconds:.0f} s (bar: 900 s for 100,000)")
    print(f"answers: {answers}")
    print(f"crashes {len(found.crashes)} (bar 0), hangs over 10 s {len(found.hangs)} (bar 0)")
    print(f"memory grown by {found.grown:.1f} MB (bar {GROWTH:.0f})")
    for crash in found.crashes[:5]:
        print(crash)
    for number in found.hangs[:5]:
        print(f"hang: request {number} of seed {asked.seed}")
    return 0 if found.held else 1


if __name__ == "__main__":
    raise SystemExit(main())
