"""Words and colours for a terminal, plain lines for a pipe, JSON on request. Only this module prints.

Colour: `--color` beats NO_COLOR (no-color.org: any value that is not empty), beats FORCE_COLOR (0 is off),
beats CLICOLOR_FORCE, beats CLICOLOR=0, beats TERM=dumb, beats "is it a terminal". Colour never carries a meaning that
the words do not.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import StringIO, TextIOWrapper
from typing import Any, TextIO

from ..rules.text import Span, columns, safe, safe_block
from ..words.errors import WhcliError
from ..words.secret import without_secrets

TOGETHER = 64  # lines that are made at once, where they need not go out one by one
HIGHLIGHTED = 64 * 1024  # characters up to which a body is highlighted: rich takes seconds for a megabyte

STYLES = {
    "dim": "2",
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


def wants_colour(stream: TextIO, choice: str = "auto") -> bool:
    """Whether to colour a stream; the environment's say in the order above."""
    if choice != "auto":
        return choice == "always"
    env = os.environ
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return env["FORCE_COLOR"] != "0"
    if env.get("CLICOLOR_FORCE", "0") != "0":
        return True
    if env.get("CLICOLOR") == "0" or env.get("TERM") == "dumb":
        return False
    return stream.isatty()


class Screen:
    """One output stream: its colours and its width."""

    def __init__(self, stream: TextIO, colour: str = "auto") -> None:
        self.stream = stream
        self.eager = True  # False: somebody else flushes
        self._late: list[Callable[[], dict[str, Any]]] = []  # lines that are still to be made
        self.tty = stream.isatty()
        self.colour = wants_colour(stream, colour)

    @property
    def width(self) -> int:
        """Columns of the terminal; in a pipe nothing is cut."""
        return shutil.get_terminal_size((100, 24)).columns if self.tty else 10_000

    def text(self, spans: Sequence[Span]) -> str:
        """Spans as one string, coloured when this stream takes colour.

        Whoever makes a span has made it safe; here nothing passes even where that was forgotten.
        """
        if not self.colour:
            return "".join(safe_block(text) for text, _ in spans)
        return "".join(self._styled(safe_block(text), style) for text, style in spans)

    @staticmethod
    def _styled(text: str, style: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and text else text

    def say(self, *spans: Span | str) -> None:
        """One line."""
        self._line(self.text([(span, "") if isinstance(span, str) else span for span in spans]))

    def put(self, *spans: Span | str) -> None:
        """Part of a line, flushed."""
        self.stream.write(self.text([(span, "") if isinstance(span, str) else span for span in spans]))
        self.stream.flush()

    def json(self, value: dict[str, Any]) -> None:
        """One line of JSON."""
        self._line(_line_of()(value))

    def json_late(self, make: Callable[[], dict[str, Any]]) -> None:
        """One line of JSON, in its order among the others; while not `eager` it is made together with many.

        Between two deliveries of a replay each would find the processor's caches full of other things, and cost twice.
        """
        self._late.append(make)
        if self.eager or len(self._late) >= TOGETHER:
            self._make()

    def _make(self) -> None:
        late, self._late = self._late, []
        for make in late:
            self.json(make())

    def _line(self, text: str) -> None:
        if self._late:
            self._make()
        self.stream.write(text + "\n")
        if self.eager:
            self.stream.flush()

    def flush(self) -> None:
        """Hand on what was written while not `eager`."""
        self._make()
        self.stream.flush()

    def code(self, lines: Sequence[str]) -> None:
        """A body's lines, already safe; JSON is highlighted where there is colour and it is not too much."""
        if not self.colour or sum(map(len, lines)) > HIGHLIGHTED:
            self.stream.write("".join(f"  {each}\n" for each in lines))
            return
        from rich.console import Console
        from rich.highlighter import JSONHighlighter
        from rich.padding import Padding
        from rich.text import Text

        text = JSONHighlighter()(Text("\n".join(lines)))  # a Text takes no markup from its contents
        console = Console(
            file=self.stream, force_terminal=True, color_system="standard", highlight=False, width=self.width
        )
        console.print(Padding(text, (0, 0, 0, 2), expand=False), soft_wrap=True)

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[Span]],
        right: Sequence[int] = (),
        least: Sequence[int] = (),
    ) -> None:
        """A table whose columns are as wide as their widest cell; `right` columns are set flush right.

        With `least` widths each row is printed as it comes, and a column grows when it has to. Without rows nothing is
        printed.
        """
        rows = rows if least else list(rows)
        widths = [max(pair) for pair in zip(map(len, heads), least or [0] * len(heads), strict=True)]
        for row in () if least else rows:
            _widen(widths, row)
        head: Sequence[Span] = [(head, "dim") for head in heads]
        for row in rows:
            _widen(widths, row)
            for each in (head, row) if head else (row,):
                self._cells(each, widths, right)
            head = ()

    def _cells(self, row: Sequence[Span], widths: Sequence[int], right: Sequence[int]) -> None:
        cells: list[Span] = []
        for n, (text, style) in enumerate(row):
            room = " " * (widths[n] - columns(text))
            cells += [(room, ""), (text, style)] if n in right else [(text, style), (room, "")]
            cells.append(("  ", ""))
        self.say(*trimmed(cells))


@cache
def _line_of() -> Callable[[dict[str, Any]], str]:
    """Imported once and when it is needed: an import in a function costs each time, and most output is no JSON."""
    from ..rules.archive import line

    return line


def _widen(widths: list[int], row: Sequence[Span]) -> None:
    for n, (text, _) in enumerate(row):
        widths[n] = max(widths[n], columns(text))


def trimmed(spans: list[Span]) -> list[Span]:
    """Spans without blanks at the end of the line."""
    while spans and not spans[-1][0].strip():
        spans.pop()
    return spans


@contextmanager
def paged(screen: Screen) -> Iterator[None]:
    """What is shown within goes through a pager when it is longer than the terminal; otherwise as ever.

    `WHCLI_PAGER` beats `PAGER` beats `less -FIRX`; an empty one is none. A pipe and CI see no pager.
    """
    env = os.environ
    command = env.get("WHCLI_PAGER", env.get("PAGER", "less -FIRX")).split()
    if not screen.tty or env.get("CI") or not command or shutil.which(command[0]) is None:
        yield
        return
    terminal, screen.stream = screen.stream, StringIO()
    try:
        yield
    finally:
        text, screen.stream = screen.stream.getvalue(), terminal
        _page(text, command, terminal)


def _page(text: str, command: Sequence[str], terminal: TextIO) -> None:
    columns, rows = shutil.get_terminal_size((100, 24))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if sum(1 + max(len(line) - 1, 0) // columns for line in plain.splitlines()) < rows:
        terminal.write(text)
        return
    import subprocess

    subprocess.run(command, input=text.encode("utf-8", "backslashreplace"), check=False)


def stdout(colour: str = "auto", over: Callable[[], bool] | None = None) -> Screen:
    """Results go here; with `over` they wait for a reader only until it says so."""
    if over is None:
        return Screen(lenient(sys.stdout), colour)
    from .outlet import leavable

    return Screen(leavable(lenient(sys.stdout), over), colour)


def stderr(colour: str = "auto") -> Screen:
    """Talk goes here."""
    return Screen(lenient(sys.stderr), colour)


def lenient(stream: TextIO) -> TextIO:
    """The stream, writing `\\u2713` where its encoding has no ✓: in a pipe on Windows, or under an old locale."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def json_without_secrets(value: Any) -> Any:
    """A JSON value with every text in it masked as `without_secrets` does."""
    if isinstance(value, Mapping):
        return {name: json_without_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [json_without_secrets(each) for each in value]
    return without_secrets(value) if isinstance(value, str) else value


def show_error(error: WhcliError, *, json: bool, colour: str = "auto") -> None:
    """A user's mistake: what happened, why, what to type next."""
    screen = stderr(colour)
    message, next = without_secrets(error.message), without_secrets(error.next)
    details = [(label, without_secrets(text)) for label, text in error.details]
    if json:
        record = {"code": error.code, "exit": int(error.exit), "message": message, "next": next}
        further = json_without_secrets(error.further)
        screen.json({"schema": "whcli.error/1", **record, "details": dict(details), **further})
        return
    screen.say(("error:", "red"), f" {safe(message)}")  # it may repeat a file's name, a host, a fixture's words
    for label, text in details:
        screen.say(f"  {safe(label)}: {safe_block(text)}")
    screen.say(f"  next: {safe(next)}")
