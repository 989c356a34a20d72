"""The listener put together: socket -> store -> reply -> everything else.

server ──arrival──> writer ──commit──> answering ──reply──> sender
                       │
                       ├─ wakes ──> follower: recognise, verify, forward   (reads by cursor)
                       └─ wakes ──> printer: one line an event             (reads by cursor)
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from ...words.errors import StoreFailed
from ...words.event import Delivery, Entry, Event
from ..storing.store import Store
from .answering import Answering
from .follower import Follower
from .forwarding import Forwarding
from .indexer import Indexer
from .lock import ListenerLock
from .plan import ListenPlan
from .printer import Printer, Show
from .server import Server
from .spool import Spool
from .writer import Writer

if TYPE_CHECKING:
    from ...rules.retention import Keep
    from .keeper import Keeper
    from .secure import Secure

GRACE = 3.0  # seconds for what is in flight when the listener ends
SOON = 0.05  # seconds without a request after which the threads behind the acknowledgements begin


class Listener:
    """Captures into a store from `start` to `stop`; raises CannotListen or StoreFailed when it cannot begin.

    `lock` is the store's. `show` is told what there is to see, `failed` what went wrong with the store, `broken` of a
    trouble after which events are captured but no longer shown or passed on; both in any thread.
    """

    def __init__(
        self,
        folder: Path,
        sockets: list[socket],
        plan: ListenPlan,
        show: Show,
        *,
        lock: ListenerLock,
        failed: Callable[[StoreFailed], None],
        broken: Callable[[BaseException], None],
        secure: Secure | None = None,
    ) -> None:
        self._lock = lock
        self._plan = plan
        self.store = Store(folder, create=True, holder=True)
        spool = Spool(folder)
        spool.clear()
        self._failed = failed
        self._answering = Answering(
            plan,
            refused=lambda refusal: self._printer.refuse(refusal),
            write=lambda work: self._writer.run(work),
            relay=self._relay,
            confirm=self._confirm,
            tell=lambda text: self._printer.tell(text),
        )
        self._writer = Writer(
            self.store,
            stored=self._answering.stored,
            answered=self._answered,
            worked=self._worked,
            failed=self._store_failed,
        )
        forwarding = Forwarding(
            target=self._target,
            concurrency=plan.concurrency,
            timeout=plan.forward_timeout,
            relay=plan.relay,
            send_credentials=plan.send_credentials,
            certificates=plan.certificates,
            schedule=plan.retries,
            compress=plan.compress,
        )
        self._follower = Follower(
            folder,
            self._writer,
            plan.keyring,
            forwarding if plan.forwards else None,
            replied=self._answering.replied,
            broken=broken,
            advanced=self._advanced,
            tell=lambda text: self._printer.tell(text),
        )
        self._printer = Printer(
            folder,
            show,
            noted=lambda: self._follower.known,
            expects=self._expects,
            note_of=self._answering.note_of,
            pause=self._writer.pause,
            broken=broken,
        )
        self.server = Server(sockets, plan.limits, self._writer.put, self._printer.refuse, spool.open, secure)
        self._indexer = Indexer(folder, noted=lambda: self._follower.noted, pressed=self._writer.pressed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._broken = broken
        self._asked = asyncio.Event()  # the first request is stored
        self.started_after = 0
        self.surplus = 0  # events to be removed at once
        self._keeper = self._keeping(plan.keep) if plan.keep else None

    async def start(self) -> None:
        """Begin to capture; senders can reach us when this returns."""
        self._loop = asyncio.get_running_loop()
        self.started_after = self.store.begin_listen(time.time(), os.getpid(), self.server.urls[0])
        noted = self.store.noted_until()
        self._writer.start(self._loop)
        await self.server.start()
        self._behind = asyncio.ensure_future(self._begin(noted))

    async def _begin(self, noted: int) -> None:
        """Who works behind the acknowledgements begins behind the first one, or when none is asked for.

        Python runs one thread at a time, and these read in what no acknowledgement needs: begun with the server, they
        kept a sender that was waiting for it from its answer.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), SOON)
        try:
            self._follower.start(self.started_after, noted)
            self._printer.start(self.started_after)
            self._indexer.start()
            if self._keeper is not None:
                self._keeper.start()
        except Exception as error:  # no further thread is to be had
            self._broken(error)

    async def stop(self) -> None:
        """Answer what is in flight, write, forward and show what is there; GRACE seconds at most."""
        until = time.monotonic() + GRACE
        self._asked.set()
        await self._behind
        self._answering.hurry()
        await self.server.stop(GRACE)
        await self._answering.finish(max(0.0, until - time.monotonic()))
        stops = [self._keeper.stop] if self._keeper is not None else []
        for stop in (*stops, self._indexer.stop, self._follower.stop, self._printer.stop, self._writer.stop):
            await asyncio.to_thread(stop, max(0.2, until - time.monotonic()))
        if self._writer.ended:  # its log goes into the database while nobody else may do that
            self.store.close()
        self._lock.release()

    def tell(self, about: dict[str, Any]) -> None:
        """Let other commands know who listens on this store."""
        self._lock.tell(about)

    @property
    def removed(self) -> int:
        """How many events `keep` has cost."""
        return self._keeper.removed if self._keeper is not None else 0

    def _keeping(self, keep: Keep) -> Keeper:
        """What removes the events that are too many or too old, once they are shown and sent."""
        from ..storing.retention import surplus
        from .keeper import Keeper

        self.surplus = surplus(self.store, keep, time.time())
        return Keeper(
            self.store.folder,
            self._writer,
            keep,
            said=bool(self.surplus),
            settled=lambda: min(self._follower.settled, self._printer.settled),
            tell=lambda text: self._printer.tell(text),
            broken=self._broken,
        )

    # -- between those who write, answer, follow and show -----------------------------------------------------------

    async def _relay(self, event: Event, url: str) -> Delivery:
        """Send an event to its handler while its sender waits, once the follower has begun."""
        await self._behind
        return await self._follower.relay(event, url)

    async def _confirm(self, event: Event, url: str) -> Delivery:
        """Fetch a URL that a provider wants to be fetched, once the follower has begun."""
        await self._behind
        return await self._follower.confirm(event, url)

    def _answered(self) -> None:
        """On the loop: the senders of what was committed last know it."""
        self._asked.set()
        self._follower.wake()

    def _worked(self) -> None:
        """In the writer's thread: something else was written."""
        self._follower.wake()
        self._printer.wake()
        if self._keeper is not None:
            self._keeper.wake()

    def _advanced(self, after: int, entries: list[Entry]) -> None:
        """In the follower's thread: all is known of the entries behind `after`."""
        self._printer.take(after, entries)
        self._indexer.wake()
        if self._keeper is not None:  # what was written woke it, but only now it may go
            self._keeper.wake()

    def _expects(self, entry: Entry) -> bool:
        refused = self._plan.verify and entry.facts.signature != "valid"
        return self._plan.handler(entry.path) is not None and not refused

    def _target(self, event: Event) -> str | None:
        """The handler's URL for an event; what got 401 is not passed on."""
        url = self._plan.handler(event.path)
        return url if url is None or not self._plan.verify or self._answering.holds(event) else None

    def _store_failed(self, error: StoreFailed) -> None:
        """Say once that senders get 503, and again when it begins anew."""
        if not self._answering.failing:
            self._answering.failing = True
            self._failed(error)
