"""The benchmarks can be run: one of them for real, in little, through the door that runs them all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import BENCHMARKS
from tests.benchmarks.figure import Figure, benchmark, document, line
from tests.program import ROOT, environment


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)


def test_a_run_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    done = run("autopsy", "--quick", "--json", str(tmp_path / "figures.json"))
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["schema"] == "whcli.benchmarks/1" and written["quick"]
    assert {figure["benchmark"] for figure in written["figures"]} == {"autopsy"}
    for figure in written["figures"]:
        assert figure["name"] in done.stdout and figure["value"] > 0


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    done = run("nosuch")
    assert done.returncode == 2 and all(name in done.stderr for name in BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_says_what_it_measures_and_can_measure_it(name: str) -> None:
    module = benchmark(name)
    assert module.__doc__ and callable(module.figures)


def test_every_file_of_the_folder_is_in_the_table() -> None:
    files = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("*.py")}
    assert {name for name in files if name != "__main__" and hasattr(benchmark(name), "figures")} == set(BENCHMARKS)


@pytest.mark.parametrize(
    ("figure", "held"),
    [
        (Figure(name="a", value=1.1, unit="x"), None),
        (Figure(name="a", value=1.1, unit="x", bar=1.2), True),
        (Figure(name="a", value=1.3, unit="x", bar=1.2), False),
        (Figure(name="a", value=1.3, unit="x", bar=1.2, least=True), True),
        (Figure(name="a", value=1.1, unit="x", bar=1.2, least=True), False),
    ],
    ids=["no bar", "at most, held", "at most, not held", "at least, held", "at least, not held"],
)
def test_a_figure_knows_whether_its_bar_is_reached(figure: Figure, held: bool | None) -> None:
    assert figure.held is held
    assert ("NO" in line(figure)) is (held is False)
    assert document({"a": [figure]}, quick=False)["figures"][0]["held"] is held
