"""What came of one fixture's test."""

from __future__ import annotations

from typing import Any, Literal

from ...words.event import Delivery, Difference
from ...words.record import record
from ..archive import difference_json, outcome_json
from ..replaying.report import DETAIL, Case
from ..text import safe

Outcome = Literal["passed", "failed", "error"]
Snapshot = Literal["same", "written", "updated"]


@record
class Result:
    """One fixture's test: what was sent, and where the handler did not do as expected."""

    name: str  # the file's path, with a number where it holds several
    file: str
    type: str | None  # the event's
    delivery: Delivery  # the first one
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()  # what else there is to know when it fails
    snapshot: Snapshot | None = None
    said: tuple[str, ...] = ()  # what the started application printed meanwhile

    @property
    def outcome(self) -> Outcome:
        """`error` where there was no reply to judge."""
        if self.delivery.reply is None:
            return "error"
        return "failed" if self.differences else "passed"


def result_json(result: Result) -> dict[str, Any]:
    """`whcli.test/1`."""
    outcome = outcome_json(result.delivery)
    return {
        "schema": "whcli.test/1",
        "name": result.name,
        "file": result.file,
        "type": result.type,
        "outcome": result.outcome,
        **{name: outcome[name] for name in ("url", "status", "ms", "failure")},
        "signed": result.delivery.signed,
        "differences": [difference_json(each) for each in result.differences],
        "notes": list(result.notes),
        "snapshot": result.snapshot,
    }


def headline(result: Result) -> str:
    """Why it failed, in one line."""
    parts = [f"{each.field}: wanted {each.wanted}, got {each.got}" for each in result.differences]
    return safe("; ".join(parts))


def case_of(result: Result) -> Case:
    """The test for a JUnit report."""
    folder, _, name = result.name.rpartition("/")
    body = result.delivery.reply.body[:DETAIL].decode("utf-8", "backslashreplace") if result.delivery.reply else ""
    detail = "\n".join([*headline(result).split("; "), *result.notes, body, *result.said])
    failed, error = (headline(result) if result.outcome == word else "" for word in ("failed", "error"))
    return Case(name, folder or "whcli", result.delivery.latency or 0.0, failed, error, detail)
