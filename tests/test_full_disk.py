"""A disk that fills up under a listener: a file system of three megabytes, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.program import Listening, environment, listening
from tests.wire import Response, ask, post

UNSHARE = ["unshare", "-m"] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["unshare", "-r", "-m"]
MOUNT = 'mount -t tmpfs -o size=3m,mode=700 none "$0" && head -c 1000000 /dev/zero >"$0/ballast" && exec "$@"'


def can_mount() -> bool:
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    command = [*UNSHARE, "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here, not even in a namespace")


def inside(listener: Listening, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the listener's file system is seen."""
    users = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
    enter = ["nsenter", "-t", str(listener.process.pid), "-m", *users, "--"]
    return subprocess.run([*enter, *command], capture_output=True, text=True, env=environment(), timeout=30)


def timed(listener: Listening, name: bytes, size: int) -> tuple[Response, float]:
    began = time.monotonic()
    answer = ask(listener.port, post(target=b"/" + name, body=bytes(size)))
    return answer, time.monotonic() - began


def test_a_disk_that_fills_up_costs_503s_and_no_event_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    store = disk / ".whcli"
    acked: set[str] = set()
    slowest = 0.0
    with listening("--store", str(store), folder=tmp_path, under=[*UNSHARE, "sh", "-c", MOUNT, str(disk)]) as listener:
        refused = 0
        for number in range(600):
            size = (1_000, 20_000, 400_000)[number % 3]  # the last goes by way of the spool
            answer, took = timed(listener, b"%d" % number, size)
            if answer.status == 200:
                acked.add(f"/{number}")
            else:
                assert 500 <= answer.status < 600
                refused += 1
                slowest = max(slowest, took)
            if refused >= 60:
                break
        assert refused >= 60, "the disk never filled up"
        assert inside(listener, "rm", str(disk / "ballast")).returncode == 0
        freed = time.monotonic()
        status = 0
        while status != 200:
            status = timed(listener, b"after", 20_000)[0].status
            assert time.monotonic() - freed < 5, "it did not go on"
        acked.add("/after")
        command = (sys.executable, "-m", "whcli")
        listed = inside(listener, *command, "list", "-n", "0", "--json", "--store", str(store)).stdout
        doctor = inside(listener, *command, "doctor", "--store", str(store)).stdout
        done = listener.end()
    stored = {line.split('"target":"')[1].split('"')[0] for line in listed.splitlines()}
    print(f"{len(acked)} acknowledged, {refused} refused, the slowest refusal took {slowest:.3f} s")
    assert len(acked) > 20 and acked - stored == set()
    assert "every page is sound" in doctor
    assert slowest < 4  # SQLite would wait five seconds for a lock; a refusal waits for nothing
    assert done.code == 0 and "Traceback" not in done.err
    assert "the disk is full; senders get 503 until that is mended" in done.err
    assert done.err.count("senders get 503") < 10  # once whenever it begins anew
