"""Shows events as the store has them, in order of arrival, in a thread of its own.

Reading by cursor is what keeps a slow reader harmless: when standard output blocks, this thread blocks, and the events
wait on disk. A line is shown when the event's facts are stored and its delivery has ended, or after PATIENCE seconds
without waiting for the delivery any longer; then its outcome follows in a line of its own.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition, Thread
from threading import Event as Flag
from typing import Protocol

from ...words.event import Entry
from ..storing.store import Store
from .connections import Refusal

PATIENCE = 5.0  # seconds that a line waits for its delivery
HANDED = 64  # batches of entries at hand: a printer that is further behind reads them from the store
REMEMBERED = 1000  # refusals and sentences kept for a reader that is slow


class Show(Protocol):
    """What the printer's owner does with what there is to show; called in the printer's thread."""

    def entry(self, entry: Entry, *, pending: bool, behind: int, note: str | None) -> None:
        """One event; `pending`: its delivery has not ended; `behind`: so many more wait; `note`: what else to say."""

    def outcome(self, entry: Entry) -> None:
        """The delivery of an event shown before has ended."""

    def refusal(self, refusal: Refusal) -> None:
        """A request that was refused."""

    def tell(self, text: str) -> None:
        """Something that happened later."""

    def rest(self, *, last: bool) -> float | None:
        """There is nothing more to show for now, or at all; seconds after which to be called again, or None."""


class Printer:
    """Walks the store from its newest event at `start` to `stop`.

    `noted` gives the newest arrival number whose facts are stored, `expects` tells whether an event is to be
    delivered, `note_of` what else there is to say of it, `pause` how long to rest after so much work; `broken` is
    called when the thread has to end before its time.
    """

    def __init__(
        self,
        folder: Path,
        show: Show,
        *,
        noted: Callable[[], int],
        expects: Callable[[Entry], bool],
        note_of: Callable[[int], str | None],
        pause: Callable[[float], float],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._folder = folder
        self._show = show
        self._noted = noted
        self._expects = expects
        self._note_of = note_of
        self._pause = pause
        self._over = Flag()
        self._broken = broken
        self._changed = Condition()
        self._news = 0  # counts wake-ups, so that none between two looks is missed
        self._until: float | None = None
        self._asides: deque[Callable[[], None]] = deque(maxlen=REMEMBERED)
        self._handed: deque[tuple[int, list[Entry]]] = deque(maxlen=HANDED)
        self._pending: set[int] = set()
        self._cursor = 0
        self._thread = Thread(target=self._run, name="whcli-printer", daemon=True)

    @property
    def settled(self) -> int:
        """The newest arrival number up to which all is shown, outcomes too; from any thread."""
        return min([self._cursor, *(id - 1 for id in list(self._pending))])

    def start(self, after: int) -> None:
        """Show what arrives behind a cursor."""
        self._cursor = after
        self._thread.start()

    def wake(self) -> None:
        """Something was committed; from any thread."""
        with self._changed:
            self._news += 1
            self._changed.notify()

    def take(self, after: int, entries: list[Entry]) -> None:
        """All that is known of the events behind `after`: what is at hand need not be read; from any thread."""
        self._handed.append((after, entries))
        self.wake()

    def refuse(self, refusal: Refusal) -> None:
        """Have a refusal shown; from any thread."""
        self._aside(lambda: self._show.refusal(refusal))

    def tell(self, text: str) -> None:
        """Have a sentence shown; from any thread."""
        self._aside(lambda: self._show.tell(text))

    def _aside(self, show: Callable[[], None]) -> None:
        self._asides.append(show)
        self.wake()

    def stop(self, patience: float) -> None:
        """Show what is left, for at most `patience` seconds: a reader that has stopped must not hold us."""
        self._until = time.monotonic() + patience
        self._over.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        try:
            with Store(self._folder) as store:
                self._walk(store)
        except BaseException as error:
            self._broken(error)

    def _walk(self, store: Store) -> None:
        news = -1
        tick: float | None = None
        while True:
            with self._changed:
                if news == self._news and self._until is None:
                    waiting = self._pending or self._waiting(store)
                    self._changed.wait(tick if tick is not None else PATIENCE if waiting else None)
                news = self._news
            last = self._until is not None
            began = time.thread_time()
            self._look(store)
            tick = self._show.rest(last=last)
            if last:
                return
            self._over.wait(self._pause(time.thread_time() - began))

    def _look(self, store: Store) -> None:
        """Show everything that can be shown now.

        How far the facts go is asked before the entries are read: asked after, they may have come between the two.
        """
        while self._asides:
            self._asides.popleft()()
        noted = self._noted()
        for entry in self._entries(store, noted):
            pending = self._is_pending(entry)
            if pending and self._worth_waiting(entry):
                break
            if pending:
                self._pending.add(entry.id)
            self._cursor = entry.id
            behind = noted - entry.id
            self._show.entry(entry, pending=pending, behind=behind, note=self._note_of(entry.id))
        self._follow_up(store)

    def _entries(self, store: Store, noted: int) -> Iterator[Entry]:
        """Behind the cursor up to `noted`: those at hand, unless a delivery is to be told; the others are read."""
        at = self._cursor
        while at < noted:
            after, entries = self._at_hand(at) or (noted, [])
            if at < after:
                yield from store.entries(after=at, until=min(after, noted))
            for entry in entries:
                if entry.id > at:
                    yield (store.entry(entry.id) or entry) if self._expects(entry) else entry
            at = entries[-1].id if entries else noted

    def _at_hand(self, at: int) -> tuple[int, list[Entry]] | None:
        """The oldest batch that is not wholly behind a cursor."""
        while self._handed and self._handed[0][1][-1].id <= self._cursor:
            self._handed.popleft()
        return next((batch for batch in self._handed.copy() if batch[1][-1].id > at), None)

    def _follow_up(self, store: Store) -> None:
        for id in sorted(self._pending):
            entry = store.entry(id)
            if entry is None or entry.last is not None:
                self._pending.discard(id)
            if entry is not None and entry.last is not None:
                self._show.outcome(entry)

    def _is_pending(self, entry: Entry) -> bool:
        return entry.last is None and self._expects(entry)

    def _worth_waiting(self, entry: Entry) -> bool:
        return self._until is None and 0 <= time.time() - entry.received_at < PATIENCE  # a clock can go back

    def _waiting(self, store: Store) -> bool:
        """Whether an event has arrived whose line waits for its delivery."""
        return store.last_id() > self._cursor
