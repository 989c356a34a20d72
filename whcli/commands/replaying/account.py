"""What came of a replay: counted as it goes, then told in words, as JSON, as a JUnit file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...hands.files import write_report
from ...hands.render import Screen
from ...rules.archive import delivery_json
from ...rules.conduct.schedules import Schedule
from ...rules.replaying.plan import Step
from ...rules.replaying.report import DETAIL, JUNIT, Case, Limit, Tally, case_of, junit, report_json, report_lines
from ...rules.text import Span
from ...words.errors import WhcliError
from ...words.event import Delivery
from ..trust import UNREACHABLE

Key = tuple[int, str, int]
"""A step among all that are sent: its run, what the run is sent for, its number there."""


class Account:
    """Of all deliveries of a replay. `name` names a step for people; `junit` is the file to write, None for none."""

    def __init__(self, schedule: Schedule | None, name: Callable[[Step], str], junit: Path | None) -> None:
        limit = Limit(schedule.provider, schedule.timeout) if schedule and schedule.timeout else None
        self.success = schedule.success if schedule else ("2xx",)
        self.tally = Tally(limit, self.success)
        self.unreachable = False
        self._nowhere = 0  # of the failed: those for which no connection came about
        self._name = name
        self._junit = junit
        self._cases: list[Case] = []
        self._waiting: dict[Key, tuple[Step, Delivery]] = {}  # to be tried again

    @property
    def begun(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.tally.sent or self.tally.unsent)

    def take(self, key: Key, step: Step, delivery: Delivery, *, last: bool) -> None:
        """Count a delivery; when it is not the `last` of its step, another one is to follow."""
        self.tally.add(delivery, last=last)
        self.unreachable |= delivery.failure in UNREACHABLE
        if not last:
            self._waiting[key] = step, shortened(delivery)
            return
        self._waiting.pop(key, None)
        self._nowhere += delivery.failure in UNREACHABLE
        if self._junit is not None:
            self._cases.append(case_of(delivery, self._name(step), success=self.success))

    def miss(self, key: Key, step: Step, why: WhcliError) -> None:
        """Count a step that could not be sent, or not sent again."""
        self._waiting.pop(key, None)
        self.tally.miss(why.code)
        if self._junit is not None:
            self._cases.append(Case(self._name(step), "whcli", 0.0, error=why.message))

    def close(self) -> None:
        """Nothing is sent any more: what was to be tried again is unfinished."""
        for step, delivery in self._waiting.values():
            self.tally.leave(delivery)
            self._cases.append(case_of(delivery, self._name(step), success=self.success, unfinished=True))
        self._waiting.clear()

    def write(self) -> None:
        """The JUnit file, if one is wanted; behind the last lines, since it may fail. Raises NotWritten."""
        if self._junit is not None:
            write_report(self._junit, junit(self._cases), JUNIT)

    def say(self, screen: Screen, events: int, *, report: bool, json: bool) -> None:
        """The last lines about so many events; with `report` the whole report."""
        if json:
            if report:
                screen.json(report_json(self.tally))
        elif report and self.begun:
            for line in report_lines(self.tally, min(screen.width, 80)):
                screen.say(line)
        else:
            screen.say(self._words("nothing was sent" if events else "nothing to replay"))

    def _words(self, otherwise: str) -> str:
        tally = self.tally
        parts = (
            (tally.ok, "ok"),
            (tally.failed - tally.silent, "not 2xx" if self.success == ("2xx",) else "not taken"),
            (tally.silent - self._nowhere, "without a reply"),
            (self._nowhere, "unreachable"),
            (tally.unfinished, "unfinished"),
            (tally.unsent, "not sent"),
            (tally.dropped, "dropped"),
            (tally.retried, "retried"),
        )
        return (", ".join(f"{number} {word}" for number, word in parts if number) or otherwise) + "."


def shortened(delivery: Delivery) -> Delivery:
    """A delivery with no more of its reply's body than is shown: thousands may wait for their next attempt."""
    reply = delivery.reply
    if reply is None or len(reply.body) <= DETAIL:
        return delivery
    return replace(delivery, reply=replace(reply, body=reply.body[:DETAIL]))


def told_json(
    delivery: Delivery, changes: tuple[str, ...], note: str | None, progress: str, run: int, copy: int
) -> dict[str, Any]:
    """A delivery's line: `whcli.delivery/1` with what a replay adds."""
    return {
        **delivery_json(delivery),
        "changes": changes,
        "note": note,
        "progress": progress,
        "run": run,
        "copy": copy,
    }


def missed_json(step: Step, name: str, run: int, why: WhcliError) -> dict[str, Any]:
    """The line of a delivery that could not be made: `whcli.unsent/1`."""
    which = {"event": name, "run": run, "copy": step.copy, "attempt": step.attempt}
    return {"schema": "whcli.unsent/1", **which, "code": why.code, "message": why.message}


def missed_line(name: str, why: WhcliError) -> tuple[Span | str, ...]:
    """The same for people; `name` is safe."""
    return (name, "bold"), "  ", ("not sent", "red"), f": {why.message}"
