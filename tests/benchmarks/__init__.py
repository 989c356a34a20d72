"""How quick whcli is, measured in one run side by side with something known: `python -m tests.benchmarks`.

A benchmark is a module here with `figures(quick)`, which yields a `Figure` as soon as it is known, and a name in the
tuple below; `NEEDS` names the programs it wants on PATH. Ratios, not seconds: a noisy or slow machine changes both
sides. The tests run none of this but one short smoke run.
"""

from __future__ import annotations

BENCHMARKS = ("acks", "autopsy", "capture", "million", "replay", "resting", "startup", "wait")
"""The modules, in the order of the table."""
