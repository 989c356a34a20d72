"""One measured number, the table of many, and the way to run a single benchmark."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured number; `bar` is what it should reach: at most that much, or with `least` at least."""

    name: str  # what was measured, under which conditions
    value: float
    unit: str  # x (a ratio within this run), ms, s, MB, %, 1/s
    bar: float | None = None
    least: bool = False
    note: str = ""

    @property
    def held(self) -> bool | None:
        """Whether the bar was reached; None where there is none."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.least else self.value <= self.bar


Measure = Callable[[bool], Iterable[Figure]]
"""A benchmark: with True it takes seconds, and its numbers are rough."""


def benchmark(name: str) -> ModuleType:
    """The module of a benchmark; it has `figures`, and may have `NEEDS`."""
    return import_module(f"{__package__}.{name}")


def missing(module: ModuleType) -> list[str]:
    """The programs that a benchmark needs and that are not on PATH."""
    return [program for program in getattr(module, "NEEDS", ()) if shutil.which(program) is None]


def line(figure: Figure) -> str:
    """One row of the table."""
    bar = "" if figure.bar is None else f"{'≥' if figure.least else '≤'} {figure.bar:g}"
    held = {None: "", True: "yes", False: "NO"}[figure.held]
    return f"  {figure.name:58} {figure.value:>12,.4g} {figure.unit:4} {bar:>10} {held:3} {figure.note}".rstrip()


def printed(figures: Iterable[Figure]) -> Iterator[Figure]:
    """The same figures, each printed as it comes."""
    for figure in figures:
        print(line(figure), flush=True)
        yield figure


def document(measured: dict[str, list[Figure]], *, quick: bool) -> dict[str, Any]:
    """What `--json` writes."""
    return {
        "schema": "whcli.benchmarks/1",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
        "quick": quick,
        "figures": [
            {"benchmark": name, **asdict(figure), "held": figure.held}
            for name, figures in measured.items()
            for figure in figures
        ],
    }


def run(names: Iterable[str], *, quick: bool) -> dict[str, list[Figure]]:
    """Run benchmarks one after the other, printing; what cannot run here says why."""
    measured: dict[str, list[Figure]] = {}
    for name in names:
        module = benchmark(name)
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        if absent := missing(module):
            print(f"  left out: {', '.join(absent)} is not on PATH")
            continue
        measured[name] = list(printed(module.figures(quick)))
    return measured


def main(names: Iterable[str]) -> int:
    """The command line of one benchmark or of all; 0 when every bar was reached, else 1."""
    known = tuple(names)
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure whcli.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; rough")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(known):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    measured = run(asked.names or known, quick=asked.quick)
    if asked.json:
        asked.json.write_text(json.dumps(document(measured, quick=asked.quick), indent=1) + "\n")
    return int(any(figure.held is False for figures in measured.values() for figure in figures))


def alone(module: str) -> None:
    """`python -m tests.benchmarks.NAME`, called with the module's `__spec__.name`: the same options, for it alone."""
    sys.exit(main([module.rpartition(".")[2]]))
