"""Proofs that take hours, as commands: `python -m tests.endurance soak`, `... kills`.

    soak --hours 8 --rate 50     one listener, mixed sizes: memory, descriptors and log stay, nothing is lost
    kills --runs 100             `kill -9` at random moments under load, on one store: nothing acknowledged is lost

Each prints its figures, and exits with 1 where one is over its bar.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median

from tests.program import Listening, listening
from tests.wire import Wire, post
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store

SIZES = (20, 300, 1_000, 1_000, 4_000, 20_000, 60_000)  # bytes; one in LARGE is a large one, which goes by the spool
LARGE, LARGE_SIZE = 500, 1_000_000
LOG = 64 << 20  # bytes that the write-ahead log may have
SLOPE = 1 << 20  # bytes an hour by which memory may grow, once it is warm
LOOKS = 600  # looks at the process in one run


@dataclass
class Soaked:
    """What a soak has seen; sizes in bytes, times in seconds since it began."""

    acked: int = 0
    refused: int = 0
    lost: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)
    descriptors: set[int] = field(default_factory=set)
    log: int = 0

    def slope(self, warm: float) -> float:
        """Bytes an hour, by least squares over what was seen after `warm` seconds."""
        seen = [(at, size) for at, size in self.memory if at >= warm]
        return linear_regression(*zip(*seen, strict=True)).slope * 3600


def soak(folder: Path, seconds: float, rate: float, *, keep: str | None = None) -> Soaked:
    """Send `rate` events a second for so long, and look at the listener meanwhile."""
    soaked, acked = Soaked(), set[bytes]()
    flags = ("--keep", keep) if keep else ()
    with listening(*flags, "--quiet", folder=folder, afresh=True) as listener, Wire(listener.port, deadline=60) as wire:
        began = time.monotonic()
        looks = itertools.count(1)
        look = began + seconds / LOOKS * next(looks)
        for number in itertools.count():
            now = time.monotonic()
            if now > began + seconds:
                break
            if now > look:
                observe(listener, folder, soaked, now - began)
                look = began + seconds / LOOKS * next(looks)
            time.sleep(max(0.0, began + number / rate - now))
            size = LARGE_SIZE if number % LARGE == LARGE - 1 else SIZES[number % len(SIZES)]
            target = b"/%d" % number
            wire.send(post(target=target, body=bytes(size)))
            status = wire.response().status
            soaked.acked += status == 200
            soaked.refused += status != 200
            acked |= {target} if status == 200 and keep is None else set()
        done = listener.end()
    assert done.code == 0 and "Traceback" not in done.err, done.err
    with Store(folder / ".whcli") as store:
        soaked.lost = len(acked - {event.target for event in store.events(0, sys.maxsize, most=0)})
    return soaked


def observe(listener: Listening, folder: Path, soaked: Soaked, at: float) -> None:
    """Memory, descriptors and log of the listener (proc(5))."""
    process = Path("/proc") / str(listener.process.pid)
    resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    soaked.memory.append((at, resident))
    soaked.descriptors.add(len(list((process / "fd").iterdir())))
    log = folder / ".whcli" / f"{FILE}-wal"
    soaked.log = max(soaked.log, log.stat().st_size if log.exists() else 0)


def verdicts(soaked: Soaked, warm: float) -> list[tuple[str, bool]]:
    """Each figure in words, and whether it is within its bar."""
    spread = max(soaked.descriptors) - min(soaked.descriptors)
    slope = soaked.slope(warm)
    memory = f"memory {soaked.memory[-1][1] / 2**20:.1f} MiB, {slope / 2**20:+.2f} MiB an hour after {warm:.0f} s"
    descriptors = f"descriptors {min(soaked.descriptors)} to {max(soaked.descriptors)}"
    return [
        (f"{soaked.acked} acknowledged, {soaked.lost} of them lost", soaked.lost == 0),
        (f"{soaked.refused} refused", soaked.refused == 0),
        (memory, slope <= SLOPE),
        (descriptors, spread <= 2),  # a spool file comes and goes
        (f"log at most {soaked.log / 2**20:.1f} MiB", soaked.log <= LOG),
    ]


def kills(folder: Path, runs: int, seed: int) -> list[tuple[str, bool]]:
    """Kill and start again; see `test_kill`."""
    from tests.test_kill import kill_at_random, stored

    acked, starts = kill_at_random(folder, runs, seed)
    lost = len(acked - stored(folder).keys())
    return [
        (f"{runs} kills: {len(acked)} acknowledged, {lost} of them lost", lost == 0),
        (f"a start took {median(starts):.2f} s, {max(starts):.2f} s at most", median(starts) <= 2),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance")
    commands = parser.add_subparsers(dest="command", required=True)
    soaking = commands.add_parser("soak")
    soaking.add_argument("--hours", type=float, default=8.0)
    soaking.add_argument("--rate", type=float, default=50.0, help="events a second")
    soaking.add_argument("--keep", help="as listen takes it")
    killing = commands.add_parser("kills")
    killing.add_argument("--runs", type=int, default=100)
    killing.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="whcli-endurance-") as folder:
        if asked.command == "soak":
            seconds = asked.hours * 3600
            found = verdicts(soak(Path(folder), seconds, asked.rate, keep=asked.keep), min(3600.0, seconds / 4))
        else:
            print(f"seed {asked.seed}")
            found = kills(Path(folder), asked.runs, asked.seed)
    for words, holds in found:
        print("ok  " if holds else "OVER", words)
    return 0 if all(holds for _, holds in found) else 1


if __name__ == "__main__":
    sys.exit(main())
