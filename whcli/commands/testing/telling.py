"""What `whcli test` shows: a dot or a line for each test, the failures, the end; and what CI reads."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...hands.files import write_report
from ...hands.render import Screen, stderr
from ...rules.lines import glimpse, outcome
from ...rules.replaying.report import JUNIT, junit
from ...rules.testing.actions import ROOM, annotated, summary
from ...rules.testing.result import Result, case_of, result_json
from ...rules.text import safe
from ...words.errors import Exit
from ..trust import UNREACHABLE

MARKS = {"passed": (".", "✓", "green"), "failed": ("F", "✗", "red"), "error": ("E", "✗", "red")}
ROW = 70  # dots in a line
STOPPING = "::stop-commands::"


class Telling:
    """The results as they come, and all of them at the end."""

    def __init__(self, screen: Screen, *, verbose: bool, json: bool, report: Path | None) -> None:
        self._screen = screen
        self._verbose = verbose
        self._json = json
        self._report = report
        self._began = time.monotonic()
        self._dots = 0
        self.results: list[Result] = []

    def told(self, result: Result) -> None:
        """One test is over."""
        self.results.append(result)
        dot, mark, style = MARKS[result.outcome]
        if self._json:
            self._screen.json(result_json(result))
        elif self._verbose:
            kept = f"  snapshot {result.snapshot}" if result.snapshot in ("written", "updated") else ""
            self._screen.say((mark, style), " ", (safe(result.name), "bold"), "  ", *outcome(result.delivery), kept)
            for note in result.notes if result.outcome == "passed" else ():
                self._screen.say(("  ↳ ", "dim"), safe(note))
        else:
            self._dots += 1
            self._screen.put((dot, style), "\n" if self._dots % ROW == 0 else "")

    def end(self, *, missing: int = 0) -> int:
        """The failures and the last line; the exit code. `missing`: so many were not tested, as the run was stopped."""
        if not self._json and not self._verbose and self._dots % ROW:
            self._screen.say()
        failed = [result for result in self.results if result.outcome != "passed"]
        if self._json:
            self._screen.json(self._record())
        else:
            with fenced(self._screen):
                for result in failed:
                    self._failure(result)
            if failed:
                self._screen.say()
            style = "red" if failed else "yellow" if missing else "green"
            left = [f"{missing} not tested"] if missing else []
            words = ", ".join([*filter(None, [self._words()]), *left])
            self._screen.say((f"{words} in {time.monotonic() - self._began:.2f} s", style))
        self._to_actions()
        if self._report is not None:
            write_report(self._report, junit(map(case_of, self.results), "whcli test"), JUNIT)
        if any(result.delivery.failure in UNREACHABLE for result in failed):
            return Exit.UNREACHABLE
        return Exit.DOES_NOT_HOLD if failed else Exit.DONE

    def _failure(self, result: Result) -> None:
        screen, delivery = self._screen, result.delivery
        screen.say()
        screen.say(("✗ ", "red"), (safe(result.name), "bold"), f"  {safe(result.type or '')}  ", *outcome(delivery))
        for each in result.differences:
            screen.say(f"  {safe(each.field)}: wanted {safe(each.wanted)}, got {safe(each.got)}")
        for note in result.notes:
            screen.say(("  ↳ ", "dim"), safe(note))
        if delivery.reply and delivery.reply.body:
            screen.say(("  ↳ ", "dim"), "response: " + glimpse(delivery.reply.body))
        for line in result.said:
            screen.say(("  │ ", "dim"), line)

    def _counts(self) -> Counter[str]:
        kept = (result.snapshot for result in self.results if result.snapshot in ("written", "updated"))
        return Counter([result.outcome for result in self.results] + [str(each) for each in kept])

    def _words(self) -> str:
        counts = self._counts()
        parts = (
            ("passed", "passed"),
            ("failed", "failed"),
            ("error", "without a reply"),
            ("written", "snapshots written"),
            ("updated", "snapshots updated"),
        )
        said = [f"{counts[word]} {text}" for word, text in parts if counts[word]]
        return ", ".join(text.replace("1 snapshots", "1 snapshot") if text[:2] == "1 " else text for text in said)

    def _record(self) -> dict[str, object]:
        """`whcli.test_summary/1`."""
        counts = self._counts()
        return {
            "schema": "whcli.test_summary/1",
            "tests": len(self.results),
            "passed": counts["passed"],
            "failed": counts["failed"],
            "errors": counts["error"],
            "snapshots": counts["written"] + counts["updated"],
            "s": round(time.monotonic() - self._began, 3),
        }

    def _to_actions(self) -> None:
        """Annotations, beside the other output and never among JSON; a table on the run's page."""
        if not in_actions() or not self.results:
            return
        screen = stderr("never") if self._json else self._screen
        for line in annotated(self.results, in_repository):
            screen.say(line)
        page = os.environ.get("GITHUB_STEP_SUMMARY")
        if page:
            append(Path(page), self.results, self._words())


def append(page: Path, results: list[Result], words: str) -> None:
    """Add the table to a step's summary, as far as there is room."""
    try:
        used = page.stat().st_size if page.exists() else 0
        with page.open("a", encoding="utf-8") as file:
            file.write(summary(results, words, ROOM - used))
    except OSError as error:  # the tests have their outcome, and that counts
        stderr("never").say(f"warning: $GITHUB_STEP_SUMMARY cannot be written: {error.strerror}")


def in_repository(file: str) -> str:
    """A file's path from the root of the checked-out repository, from which GitHub reads it, wherever the step runs."""
    path, root = Path(file).resolve(), Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


def in_actions() -> bool:
    """Whether GitHub Actions reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def fenced(screen: Screen) -> Iterator[None]:
    """Text that a handler or an application chose cannot command the runner: it obeys no line until the token comes.

    Source: docs.github.com, "Workflow commands for GitHub Actions", Stopping and starting workflow commands.
    """
    if not in_actions():
        yield
        return
    token = secrets.token_hex(16)
    screen.say(STOPPING + token)
    yield
    screen.say(f"::{token}::")
