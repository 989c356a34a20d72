"""The progress bar of a long replay, on a terminal only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from ...hands.render import Screen

MANY = 200  # deliveries above which a replay has a bar
LATE = 1.0  # seconds after which it is drawn: what is over sooner needs none
OFTEN = 0.1  # seconds between two drawings


class Bar:
    """Drawn on `talk` when a replay of `total` deliveries takes its time; it keeps quiet in a pipe."""

    def __init__(self, talk: Screen, total: int) -> None:
        self._talk = talk
        self._total = total
        self.wanted = talk.tty and total > MANY
        self._began = self._drawn = time.monotonic()
        self._done = 0
        self._progress: Progress | None = None

    def more(self, count: int) -> None:
        """So many deliveries are to be made besides."""
        self._total += count
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], total=self._total)

    def step(self) -> None:
        """One delivery has ended."""
        self._done += 1
        now = time.monotonic()
        if not self.wanted or now - self._began < LATE or now - self._drawn < OFTEN:
            return
        self._drawn = now
        if self._progress is None:
            self._progress = self._made()
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=self._done, refresh=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Out of the way while a line is written."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        self.wanted = False

    def _made(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        console = Console(file=self._talk.stream, no_color=not self._talk.colour)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        progress = Progress(
            *columns,
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        progress.add_task("", total=self._total, completed=self._done)
        return progress
