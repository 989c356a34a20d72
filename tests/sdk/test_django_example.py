"""The example of the pytest plugin under Django, whose packages come with the extra `sdk`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.program import ROOT, environment


@pytest.mark.sdk
def test_the_example_under_django_passes() -> None:
    pytest.importorskip("pytest_django")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    folder = ROOT / "examples" / "pytest_django"
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
