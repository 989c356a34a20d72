"""Power loss: no 200 leaves before the log with its event was handed to the disk, by the trace of system calls.

`kill -9` cannot show this, for the kernel's cache outlives the process; the order of the calls can.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.load import ACKS_FIRST
from tests.program import listening
from tests.wire import Wire, post

POSTS = 100
CALLS = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fdatasync,fsync"
TRACE = ("strace", "-D", "-f", "-y", "-s", "64", "-e", f"trace={CALLS}", "-o", "trace.txt")  # -D: we stay its parent


def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is not there, or may not trace here")


def traced(folder: Path, env: dict[str, str] | None = None) -> list[bool]:
    """For each of POSTS sequential requests, whether a sync of the log ended between its arrival and its 200."""
    with listening(folder=folder, env=env, under=TRACE) as listener:
        with Wire(listener.port, deadline=30) as wire:
            for number in range(POSTS):
                wire.send(post(target=b"/number-%d-" % number))
                assert wire.response().status == 200
        listener.end(signal.SIGTERM)
    return judged((folder / "trace.txt").read_text(errors="replace").splitlines())


READ = re.compile(r"(?:read|recv\w+)(?:\(| resumed>).*POST /number-(\d+)-")
SYNC = re.compile(r"f(?:data)?sync\(.*store\.db-wal")
ANSWER = re.compile(r"(?:write\w*|send\w+)\(.*HTTP/1\.1 200")


def judged(lines: list[str]) -> list[bool]:
    """Walk the trace: a request's first line is read, a sync of the log begins and ends, an answer is written."""
    asked = -1  # the newest request
    begun: dict[str, int] = {}  # by process: the newest request when the sync under way began
    synced: set[int] = set()
    answers: list[bool] = []
    for line in lines:
        pid = line.split(" ", 1)[0]
        if found := READ.search(line):
            asked = int(found[1])
        elif SYNC.search(line):
            begun[pid] = asked
        if "sync" in line and line.endswith("= 0") and pid in begun:
            synced.add(begun.pop(pid))
        elif ANSWER.search(line):
            answers.append(asked in synced)
    assert len(answers) == POSTS, "the trace lacks answers"
    return answers


def test_every_one_of_a_hundred_acknowledgements_follows_a_sync_of_its_event(tmp_path: Path) -> None:
    assert traced(tmp_path) == [True] * POSTS


def test_this_very_check_catches_a_listener_that_answers_before_it_syncs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(ACKS_FIRST)
    from tests.program import ROOT

    env = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    assert not all(traced(tmp_path, env))
