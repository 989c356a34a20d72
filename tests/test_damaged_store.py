"""A store that is damaged, closed to us or somebody else's, as a user meets it: a sentence and its exit code, soon."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Done, environment, listening, whcli
from tests.test_store import damaged, whole  # noqa: F401  # a fixture
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store

SEEDS = range(30)
COMMANDS = (("list",), ("show", "1", "--raw"), ("doctor",))


def in_a_sentence(done: Done) -> bool:
    """Whether a command either did its work, or said in one sentence why not."""
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    return (done.code in (0, 1, 3) and not errors) or (done.code in (3, 7) and len(errors) == 1 and "next:" in done.err)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_store_is_a_sentence_and_is_never_overwritten(
    folder: Path,
    tmp_path: Path,
    whole: Path,  # noqa: F811
    seed: int,
) -> None:
    folder.mkdir(mode=0o700)
    content = damaged(whole.read_bytes(), seed)
    (folder / FILE).write_bytes(content)
    done = whcli(*COMMANDS[seed // 3 % 3], folder=tmp_path)
    assert in_a_sentence(done), done
    assert "Traceback" not in done.err and "bug" not in done.err
    assert (folder / FILE).read_bytes() == content


def timed(run: Callable[[], Done]) -> tuple[float, Done]:
    """How long a command took, in seconds. The start of Python is to be taken off: a busy machine stretches it."""
    began = time.monotonic()
    done = run()
    return time.monotonic() - began, done


NOBODY = """
import os, sys
import difflib, encodings.idna, pathlib, pwd, random, shlex, stat, tempfile, tomllib, typer._click, typer.main
import whcli.cli, whcli.commands.list_events, whcli.hands.render, whcli.hands.storing.store
os.geteuid() == 0 and os.seteuid(65534)
sys.exit(whcli.cli.run(sys.argv[1:]))
"""


def as_nobody(*arguments: str, folder: Path) -> Done:
    """The command as a user without privileges. Python is started as root, for its files may be closed to others."""
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, *arguments], cwd=folder, env=environment(), capture_output=True, timeout=20
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode(), done.stdout)


def made(folder: Path) -> Path:
    store = folder / "s"
    Store(store, create=True).close()
    for path in (store, *store.iterdir()):
        os.chown(path, 65534, 65534)
    return store


def read_only_folder(folder: Path) -> Path:
    made(folder).chmod(0o500)
    return folder / "s"


def read_only_file(folder: Path) -> Path:
    (made(folder) / FILE).chmod(0o400)
    return folder / "s"


def closed_folder(folder: Path) -> Path:
    made(folder).chmod(0o000)
    return folder / "s"


def foreign(folder: Path) -> Path:
    for path in (made(folder), *(folder / "s").iterdir()):
        os.chown(path, 0, 0)
        path.chmod(0o777)
    return folder / "s"


def missing(folder: Path) -> Path:
    return folder / "nowhere"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes two users")
@pytest.mark.parametrize(
    ("make", "code"), [(read_only_folder, 7), (read_only_file, 7), (closed_folder, 7), (foreign, 7), (missing, 3)]
)
def test_a_store_that_is_not_ours_to_use_is_a_sentence_within_a_second(
    outside: Path, make: Callable[[Path], Path], code: int
) -> None:
    store = make(outside)
    took, start = [], []
    for _ in range(3):
        seconds, done = timed(lambda: as_nobody("list", "--store", str(store), folder=outside))
        took.append(seconds)
        assert done.code == code and in_a_sentence(done), done
        assert "Traceback" not in done.err
        start.append(timed(lambda: as_nobody("--version", folder=outside))[0])
    assert min(took) - min(start) < 1


def test_a_second_listener_is_told_so_within_two_seconds(tmp_path: Path) -> None:
    took, start = [], []
    with listening(folder=tmp_path) as listener:
        for _ in range(3):
            seconds, done = timed(lambda: whcli("listen", "--port", "0", folder=tmp_path))
            took.append(seconds)
            start.append(timed(lambda: whcli("listen", "--help", folder=tmp_path))[0])
            assert done.code == 7 and f"pid {listener.process.pid}" in done.err and in_a_sentence(done)
    assert min(took) - min(start) < 2
