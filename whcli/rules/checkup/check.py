"""One thing that was looked at, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ...words.errors import WhcliError
from ...words.record import record
from ..text import plural

State = Literal["ok", "warning", "problem"]
MARKS: dict[State, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
"""How a state looks on a screen: its mark and the style of it."""


@record
class Check:
    """`part` is what was looked at, `says` what was found, `next` what to do (empty where there is nothing to do)."""

    part: str
    says: str
    state: State = "ok"
    next: str = ""


def failed(part: str, error: WhcliError) -> Check:
    """A check that met an error which has its own words."""
    return Check(part=part, state="problem", says=error.message, next=error.next)


def check_json(check: Check) -> dict[str, Any]:
    """A check as JSON."""
    return {
        "schema": "whcli.check/1",
        "part": check.part,
        "state": check.state,
        "message": check.says,
        "next": check.next or None,
    }


def tally(checks: Sequence[Check]) -> str:
    """`22 checks: 1 problem, 2 warnings.`"""
    counts = [(sum(check.state == state for check in checks), state) for state in ("problem", "warning")]
    found = ", ".join(plural(count, state) for count, state in counts if count)
    return f"{plural(len(checks), 'check')}: {found or 'all is well'}."
