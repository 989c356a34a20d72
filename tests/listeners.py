"""A whole listener inside the test's process, on a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whcli.hands.config import Config
from whcli.hands.keyring import Keyring
from whcli.hands.listening.listener import Listener, ListenPlan
from whcli.hands.listening.lock import ListenerLock
from whcli.hands.listening.protocol import Refusal
from whcli.hands.listening.server import open_sockets, run
from whcli.hands.storing.opening import make_folder
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
    ready, over = threading.Event(), threading.Event()
    sockets = open_sockets(port=0)
    trouble: list[BaseException] = []

    async def life() -> None:
        make_folder(folder)
        listener = Listener(
            folder,
            sockets,
            plan,
            seen,
            lock=ListenerLock(folder),
            failed=seen.failures.append,
            broken=trouble.append,
        )
        await listener.start()
        ready.set()
        await asyncio.to_thread(over.wait)
        await listener.stop()

    def work() -> None:
        try:
            run(life())
        except BaseException as error:
            trouble.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(10)
        if trouble:
            raise trouble[0]
        yield sockets[0].getsockname()[1]
    finally:
        over.set()
        thread.join(10)
        if trouble:
            raise trouble[0]
