"""What GitHub Actions shows of a test run: annotations at the files, a table on the summary page.

Source: docs.github.com, "Workflow commands for GitHub Actions", read 2026-11-26; the escapes are those of
actions/toolkit `packages/core/src/command.ts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..replaying.report import latency_text
from ..text import clip, safe
from .result import Result, headline

MOST = 9  # annotations of a step; GitHub shows ten
ROOM = 1 << 20  # bytes of a step's summary; GitHub drops one that is larger
WORDS = {"passed": "✅ passed", "failed": "❌ failed", "error": "❌ no reply"}


def annotated(results: Sequence[Result], in_repository: Callable[[str], str] = str) -> list[str]:
    """A line for each failure, at most ten in all; `in_repository` gives a file's path from the repository's root."""
    failed = [result for result in results if result.outcome != "passed"]
    lines = [_annotation(result, in_repository(result.file)) for result in failed[:MOST]]
    more = len(failed) - MOST
    return lines + ([f"::error title=whcli test::and {more} more"] if more > 0 else [])


def _annotation(result: Result, file: str) -> str:
    title = f"{result.name}: {WORDS[result.outcome].partition(' ')[2]}"
    return f"::error file={_property(file)},title={_property(title)}::{_data(clip(headline(result), 1000))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(results: Sequence[Result], words: str, room: int) -> str:
    """A Markdown table, failures first, in at most `room` bytes; nothing where not even its head has room."""
    head = f"### whcli test: {words}\n\n| test | outcome | status | time | why |\n|---|---|---|---|---|\n"
    rows = [_row(each) for each in sorted(results, key=lambda each: each.outcome == "passed")]
    left = room - len(head.encode()) - len(_more(len(rows)).encode())
    if left < 0:
        return ""
    shown: list[str] = []
    for row in rows:
        left -= len(row.encode())
        if left < 0:
            break
        shown.append(row)
    return head + "".join(shown) + (_more(len(rows) - len(shown)) if len(shown) < len(rows) else "\n")


def _more(number: int) -> str:
    return f"\nand {number} more\n\n"


def _row(result: Result) -> str:
    delivery = result.delivery
    status = str(delivery.reply.status) if delivery.reply else delivery.failure or "–"
    time = latency_text(delivery.latency) if delivery.latency is not None else "–"
    cells = (result.name, WORDS[result.outcome], status, time, clip(headline(result), 300))
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |\n"


def _cell(text: str) -> str:
    """Text in a Markdown table that stays text: no markup, no column, no line of its own."""
    text = safe(text).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"&#{ord(letter)};" if letter in "|`*_[]\\~@#" else letter for letter in text)
