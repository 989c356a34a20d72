"""A whole listener inside the test's process, on a thread with an event loop of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whcli.hands.config import Config
from whcli.hands.keyring import Keyring
from whcli.hands.listening.connections import Refusal
from whcli.hands.listening.plan import ListenPlan
from whcli.hands.listening.thread import ListenerThread
from whcli.rules.replies import Replies
from whcli.words.errors import StoreFailed
from whcli.words.event import Entry, Reply


class Seen:
    """What the listener showed and complained of."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.notes: list[str | None] = []
        self.refusals: list[Refusal] = []
        self.failures: list[StoreFailed] = []

    def entry(self, entry: Entry, *, pending: bool, behind: int, note: str | None) -> None:
        self.entries.append(entry)
        self.notes.append(note)

    def outcome(self, entry: Entry) -> None:
        self.entries.append(entry)

    def tell(self, text: str) -> None:
        self.notes.append(text)

    def rest(self, *, last: bool) -> float | None:
        return None

    def refusal(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)


@contextmanager
def listener_on(folder: Path, plan: ListenPlan | None = None, seen: Seen | None = None) -> Iterator[int]:
    """Listen into a store folder; the port."""
    seen = seen or Seen()
    plan = plan or ListenPlan(replies=Replies((Reply(status=200),)), keyring=Keyring(Config()))
    listener = ListenerThread(folder, plan, seen, failed=seen.failures.append, broken=lambda error: None)
    port = listener.start()
    try:
        yield port
    finally:
        listener.stop()
