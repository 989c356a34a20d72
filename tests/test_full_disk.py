"""A disk that fills up under a listener: a file system of three megabytes, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.program import Listening, environment, listening, whcli
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


def test_what_was_acknowledged_before_the_disk_was_full_is_shown_though_nothing_can_be_noted(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    flags = ("--json", "--store", str(disk / ".whcli"))
    with listening(*flags, folder=tmp_path, under=[*UNSHARE, "sh", "-c", MOUNT, str(disk)]) as listener:
        statuses = [timed(listener, b"%d" % number, 3_000)[0].status for number in range(500)]
        done = listener.end()
    shown = [line["target"] for line in done.lines if line["schema"] == "whcli.event/1"]
    assert statuses.count(503) > 50, "the disk never filled up"
    assert shown == [f"/{number}" for number, status in enumerate(statuses) if status == 200]
    assert f"{len(shown)} received" in done.err


FILLED = 'mount -t tmpfs -o size=1m none "$0" && cp -r store "$0/.whcli" && cat /dev/zero 2>&- >"$0/b"; exec "$@"'


def on_a_full_disk(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a store of two events that fills its file system to the last byte; nobody listens there."""
    disk = tmp_path / "disk"
    if not disk.exists():
        disk.mkdir()
        with listening("--store", "store", folder=tmp_path) as listener:
            for body in (b'{"a":1}', b'{"a":2}'):
                assert ask(listener.port, post(body=body)).status == 200
            assert listener.end().code == 0
        assert whcli("export", "all", "-o", "before.jsonl", "--store", "store", folder=tmp_path).code == 0
    here = [*UNSHARE, "sh", "-c", FILLED, str(disk), sys.executable, "-m", "whcli", *arguments]
    return subprocess.run(
        [*here, "--store", str(disk / ".whcli")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
    )


def test_what_was_captured_can_be_looked_at_and_exported_elsewhere_from_a_full_disk(tmp_path: Path) -> None:
    listed = on_a_full_disk(tmp_path, "list", "--json")
    assert listed.returncode == 0 and len(listed.stdout.splitlines()) == 2, listed.stderr
    shown = on_a_full_disk(tmp_path, "show", "2", "--body")
    assert (shown.returncode, shown.stdout) == (0, '{"a":2}')
    assert on_a_full_disk(tmp_path, "export", "all", "-o", str(tmp_path / "after.jsonl")).returncode == 0
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()


@pytest.mark.parametrize("command", ["listen --port 0 --timeout 1s", "rm 1", "store vacuum"])
def test_what_needs_room_on_a_full_disk_says_so(tmp_path: Path, command: str) -> None:
    done = on_a_full_disk(tmp_path, *command.split())
    assert done.returncode == 7 and "the disk is full" in done.stderr and "df -h" in done.stderr, done.stderr


def test_a_key_that_finds_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=8k none "$0" && cat /dev/zero >"$0/ballast"; "$@"; ls -A "$0"'
    (tmp_path / "disk").mkdir()
    code = "import sys; from pathlib import Path; from whcli.hands.redacting import _make; _make(Path(sys.argv[1]))"
    command = [*UNSHARE, "sh", "-c", script, str(tmp_path / "disk"), sys.executable, "-c", code]
    done = subprocess.run(
        [*command, str(tmp_path / "disk" / "redact.key")],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
    )
    assert "No space left" in done.stderr and done.stdout.split() == ["ballast"]
