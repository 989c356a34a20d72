"""The most memory that a command holds: in a process of its own, read at its end."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.program import environment

MIB = 1 << 20

CODE = """
import sys
from pathlib import Path
from whcli.cli import run

code = run(sys.argv[2:])
try:
    [peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line[:6] == "VmHWM:"]
except OSError:  # not on Linux; there a fork's memory counts for nobody but itself
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
Path(sys.argv[1]).write_text(str(peak))
sys.exit(code)
"""


@dataclass(frozen=True)
class Measured:
    """How a command ended, what it wrote, and the most memory it held, in bytes."""

    code: int
    out: bytes
    err: bytes
    peak: int


def measured(*arguments: str, folder: Path, env: dict[str, str] | None = None) -> Measured:
    """Run a command to its end, within a minute."""
    note = folder / "peak.txt"
    command = [sys.executable, "-c", CODE, str(note), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(env), capture_output=True, timeout=60)
    return Measured(done.returncode, done.stdout, done.stderr, int(note.read_text()) * 1024)


def resident(pid: int) -> int:
    """The most memory that a process has held so far, in bytes; 0 where that cannot be seen."""
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/status").read_text().splitlines():
            if each.startswith("VmHWM:"):
                return int(each.split()[1]) * 1024
    return 0
