"""`examples/ci/` really runs: what a runner would execute is executed, in a fresh copy, offline."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.program import ROOT, environment

CI = ROOT / "examples" / "ci"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the examples, as a runner checks them out."""
    shutil.copytree(ROOT / "examples", tmp_path / "checkout" / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "checkout"


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """A runner's environment: `whcli` and `python` on PATH, and a free port."""
    (tmp_path / "bin").mkdir()
    for name, command in (("whcli", "-m whcli"), ("python", ""), ("python3", "")):
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {command} "$@"\n')
        script.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    return environment({"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "PORT": port})


def executed(command: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100)


def variables(text: str) -> dict[str, str]:
    """The NAME: value lines of a file's `env:` or `variables:`, but for the port."""
    found = dict(re.findall(r"^ +([A-Z_]+): (\S+)$", text, re.MULTILINE))
    assert {"STRIPE_WEBHOOK_SECRET", "WHCLI_SECRET_STRIPE"} <= found.keys()
    return {name: value for name, value in found.items() if name != "PORT"}


def passed(folder: Path) -> int:
    """How many tests a JUnit report has; none of them failed."""
    suites = ElementTree.parse(folder / "webhooks.xml").getroot()
    assert suites.get("failures") == suites.get("errors") == "0"
    return int(suites.get("tests", "0"))


def test_no_example_guesses_a_time() -> None:
    files = [path for path in CI.iterdir() if path.is_file()]
    assert len(files) == 3 and not any(re.search(r"\bsleep \d", path.read_text()) for path in files)


def test_the_makefile_runs(checkout: Path, runner: dict[str, str]) -> None:
    done = executed(["make", "-C", "examples/ci"], checkout, runner)
    assert done.returncode == 0, done.stdout + done.stderr
    assert passed(checkout / "examples" / "ci") == 3


def test_a_handler_that_refuses_fails_the_makefile(checkout: Path, runner: dict[str, str]) -> None:
    env = {
        **runner,
        "WHCLI_SECRET_STRIPE": "",
        "HANDLER": "env STRIPE_WEBHOOK_SECRET=another python ../receiver.py $(PORT)",
    }
    done = executed(["make", "-C", "examples/ci", "fixtures"], checkout, env)
    assert done.returncode != 0 and "charge.succeeded" in done.stdout


def test_the_workflow_runs(checkout: Path, runner: dict[str, str], tmp_path: Path) -> None:
    """Each `run:` block by the shell that GitHub's runner gives it."""
    text = (CI / "github-actions.yml").read_text()
    blocks = re.findall(r"^        run: \|\n((?:          .*\n)+)", text, re.MULTILINE)
    summary = tmp_path / "summary.md"
    env = {**runner, **variables(text), "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    assert len(blocks) == 3
    for block in blocks:
        script = re.sub(r"^ {10}", "", block, flags=re.MULTILINE)
        done = executed(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], checkout, env)
        assert done.returncode == 0, script + done.stdout + done.stderr
    assert passed(checkout) == 3 and "charge.succeeded" in summary.read_text()


def test_the_gitlab_job_runs(checkout: Path, runner: dict[str, str]) -> None:
    """The lines of `script:` as one shell's, which is how GitLab's runner takes them."""
    text = (CI / "gitlab-ci.yml").read_text()
    lines = re.findall(r"^    - (.*)$", text.partition("\n  script:\n")[2].partition("\n  artifacts:")[0], re.MULTILINE)
    assert len(lines) == 7
    done = executed(["bash", "-eo", "pipefail", "-c", "\n".join(lines)], checkout, {**runner, **variables(text)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert passed(checkout) == 3
