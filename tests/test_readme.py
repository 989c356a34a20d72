"""The README cannot go stale: its sessions are run, its tables are compared with the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT, environment, listening, whcli
from tests.receivers import Receiver
from tests.rooms import table
from tests.test_listen import STRIPE, post, signed
from whcli import cli
from whcli.rules.autopsy import REASONS
from whcli.words.errors import Exit

README = (ROOT / "README.md").read_text()


def sessions() -> list[str]:
    """The console blocks."""
    return re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def plain(text: str) -> list[str]:
    """Lines with all that differs from run to run replaced: ids, hashes, times, ports, durations."""
    for pattern, name in (
        (r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "ULID"),
        (r"[0-9a-f]{16,}", "HEX"),
        (r"\d+", "N"),
        (r"[ ]+", " "),
    ):
        text = re.sub(pattern, name, text)
    return [line.strip() for line in text.strip().splitlines()]


def test_the_demo_session_is_what_the_demo_prints(tmp_path: Path) -> None:
    [block] = [block for block in sessions() if block.startswith("$ whcli demo")]
    done = whcli("demo", folder=tmp_path)
    assert plain(block.partition("\n")[2]) == plain(done.out)


def test_the_other_session_is_what_its_commands_print(tmp_path: Path) -> None:
    [block] = [block for block in sessions() if block.startswith("$ whcli list\n")]
    captured(tmp_path)
    with Receiver(b"HTTP/1.1 204 No Content\r\n\r\n") as handler:
        printed: list[str] = []
        for command in re.findall(r"^\$ whcli (.*)$", block, re.MULTILINE):
            arguments = shlex.split(command.replace("http://localhost:3000", handler.url))
            done = whcli(*arguments, folder=tmp_path, env=STRIPE)
            printed += [f"$ whcli {command}", *done.out.replace(handler.url, "http://localhost:3000").splitlines()]
    port = handler.url.rpartition(":")[2]
    assert plain(block) == plain("\n".join(printed).replace(f"localhost:{port}", "localhost:3000"))


def captured(folder: Path) -> None:
    """The two events of the sessions: one whose signature holds, one with a blank too many."""
    with listening("--count", "2", folder=folder, env=STRIPE) as listener:
        post(listener.url + "/stripe", headers=signed(folder))
        post(listener.url + "/stripe", b'{ "id":"evt_1","type":"charge.succeeded"}', headers=signed(folder))
        listener.wait()


def test_the_session_in_ci_is_what_its_commands_print(tmp_path: Path) -> None:
    [block] = [block for block in sessions() if block.startswith("$ whcli wait")]
    captured(tmp_path)
    printed: list[str] = []
    for command in re.findall(r"^\$ whcli (.*)$", block, re.MULTILINE):
        done = whcli(*shlex.split(command), folder=tmp_path)
        printed += [f"$ whcli {command}", *done.out.splitlines(), *done.err.splitlines()]
    assert plain(block) == plain("\n".join(printed))


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_the_script_for_ci_runs_as_it_stands(tmp_path: Path) -> None:
    [block] = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "whcli wait --ready" in block]
    scripts = {
        "whcli": f'exec "{sys.executable}" -m whcli "$@"',
        "place-order.sh": 'whcli send stripe invoice.paid --to "$1" && whcli send stripe charge.succeeded --to "$1"',
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    env = {**STRIPE, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    script = f"set -eu\ntrap 'kill $!' EXIT\n{block}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment(env), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ 2 events match" in done.stdout and "invoice.paid" in done.stdout


@pytest.mark.parametrize("code", list(Exit), ids=lambda code: str(int(code)))
def test_every_exit_code_is_in_the_table(code: Exit) -> None:
    assert f"| {int(code)} | {code.meaning} |" in README


def test_every_reason_code_is_in_the_table() -> None:
    missing = [code for code, meaning in REASONS.items() if f"| {code} | {meaning} |" not in README]
    assert missing == []


def test_the_custom_scheme_is_one(tmp_path: Path) -> None:
    [block] = [
        block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if block.startswith("[schemes.acme]")
    ]
    (tmp_path / "whcli.toml").write_text(block)
    done = whcli("sign", "acme", folder=tmp_path, env={"WHCLI_SECRET_ACME": "hush"})
    assert done.code == 0 and done.out.startswith("X-Acme-Signature: t=")


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert f"`whcli {command}" in README


def test_the_architecture_table_is_what_the_modules_say_of_themselves() -> None:
    assert table() in README, "python -m tests.rooms prints the table"


def test_the_quick_start_commands_stand_in_it_as_ci_runs_them() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/whcli demo" in README
    tests = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/python -m pytest"
    assert tests in README and tests in (ROOT / ".ci" / "run").read_text()


def test_the_changelog_has_an_entry_for_what_is_not_released() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()


def test_every_promise_names_tests_that_are_there() -> None:
    table = README.partition("## What is promised and how it is tested\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "**" not in line][1:]
    promises = [row.split("|")[1] for row in rows]
    assert len(rows) >= 20 and len(set(promises)) == len(promises)
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", row)
        assert named and all((ROOT / name).exists() for name in named), row
