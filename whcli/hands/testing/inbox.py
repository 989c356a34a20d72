"""What a listener has shown, for a test that waits in another thread: events in order of arrival, and complaints."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Condition

from ...words.errors import StoreFailed
from ...words.event import Entry
from ..listening.connections import Refusal
from ..storing.store import Store
from .received import ReceivedEvent, received

Received = tuple[Entry, ReceivedEvent]
"""An event's line in a listing, and the event whole."""


class Inbox:
    """The owner of a listener's printer: keeps what it is shown, and wakes who waits. Every method in any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed = Condition()
        self._store: Store | None = None  # the printer's thread alone uses it
        self._events: list[Received] = []
        self._cursor = 0
        self._complaints: list[str] = []
        self._broken: BaseException | None = None

    # -- the printer's side -----------------------------------------------------------------------------------------

    def entry(self, entry: Entry, *, pending: bool, behind: int, note: str | None) -> None:
        """One event, its facts known."""
        if self._store is None:
            self._store = Store(self._folder)
        event = self._store.event(entry.id)
        with self._changed:
            if event is not None:
                self._events.append((entry, received(event, entry.facts)))
            self._cursor = entry.id
            self._changed.notify_all()

    def outcome(self, entry: Entry) -> None:
        """Deliveries are none of a test's events."""

    def refusal(self, refusal: Refusal) -> None:
        """A request that was refused."""
        self._complain(f"a request was refused with {refusal.status}: {refusal.reason}")

    def tell(self, text: str) -> None:
        """Something that happened later."""
        self._complain(text)

    def rest(self, *, last: bool) -> float | None:
        """Nothing is held back."""
        if last and self._store is not None:
            self._store.close()
        return None

    def failed(self, error: StoreFailed) -> None:
        """The store takes no events."""
        self._complain(error.message)

    def broken(self, error: BaseException) -> None:
        """Nothing more will be shown."""
        with self._changed:
            self._broken = error
            self._changed.notify_all()

    def _complain(self, text: str) -> None:
        with self._changed:
            self._complaints.append(text)

    # -- the test's side --------------------------------------------------------------------------------------------

    @property
    def complaints(self) -> list[str]:
        """What went wrong beside the events."""
        with self._changed:
            return list(self._complaints)

    def all(self, start: int = 0) -> list[Received]:
        """All events so far, in order of arrival; those from a place on."""
        with self._changed:
            return self._events[start:]

    def wait(self, until: Callable[[int], bool], timeout: float) -> bool:
        """Wait until a condition on the newest number shown holds; False when `timeout` seconds are over first.

        The condition is asked again after each event, and not while the lock is held. Raises what broke the listener.
        """
        end = time.monotonic() + timeout
        while True:
            with self._changed:
                if self._broken is not None:
                    raise self._broken
                cursor = self._cursor
            if until(cursor):
                return True
            with self._changed:
                while self._cursor == cursor and self._broken is None:
                    left = end - time.monotonic()
                    if left <= 0:
                        return False
                    self._changed.wait(left)
