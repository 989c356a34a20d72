"""Events in files: one module per format, and what `--json` prints.

`records` is loaded with every command that prints JSON; the formats are imported by name where they are needed.
"""

from __future__ import annotations

from .records import (
    delivery_json,
    difference_json,
    entry_json,
    event_from,
    event_json,
    line,
    outcome_json,
    pairs,
    signature_json,
    verdict_json,
)

__all__ = [
    "delivery_json",
    "difference_json",
    "entry_json",
    "event_from",
    "event_json",
    "line",
    "outcome_json",
    "pairs",
    "signature_json",
    "verdict_json",
]
