"""What happens to an event after its acknowledgement: it is recognised, verified and forwarded, read by cursor.

The follower is a thread with an event loop and a database connection of its own. It holds two cursors into the store,
so a slow handler or a burst costs time, never memory and never an event; and the sender's reply has long gone out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from ...words.errors import StoreFailed
from ...words.event import Delivery, Entry, Event, Facts, entry_of
from ..keyring import Keyring
from ..storing.rows import insert_facts
from ..storing.store import Store
from .forwarding import NO_FORWARDING, Forwarding
from .life import Life
from .writer import Work, Writer

if TYPE_CHECKING:
    from .forwarder import Forwarder

BATCH = 64  # events worked on at a time
BATCH_BYTES = 8 << 20  # bytes of body in a batch
READ = 4 << 20  # bytes of a body up to which it is read to recognise it; JSON in memory can be many times its length
GATHER = 0.005  # seconds in which events gather that follow a batch which was not full: one transaction for all of them
PAUSE = 0.5  # seconds before trying again after the store failed


class Follower:
    """Works on events behind the acknowledgement, from `start` to `stop`.

    `noted` is the newest arrival number whose facts are stored. `replied` gives the statuses that senders got,
    `advanced` is called when `noted` has grown, with what it was and the entries behind that, `tell` with a sentence
    about a later attempt, `broken` when the thread has to end before its time.
    """

    def __init__(
        self,
        folder: Path,
        writer: Writer,
        keyring: Keyring,
        forwarding: Forwarding | None,
        *,
        replied: Callable[[list[int]], list[int | None]],
        advanced: Callable[[int, list[Entry]], None],
        tell: Callable[[str], None] = lambda text: None,
        broken: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._keyring = keyring
        self._forwarding = forwarding
        self._replied = replied
        self._advanced = advanced
        self._tell = tell
        self._broken = broken
        self._started = Flag()
        self._thread = Thread(target=self._run, name="whcli-follower", daemon=True)
        self._life = Life()
        self._forwarder: Forwarder | None = None
        self._after = 0  # events are sent on from behind this one
        self.noted = 0  # the newest arrival number whose facts are in the store, as are those of all before it
        self.known = 0  # the newest whose facts are worked out; on a full disk they can be shown, and are noted later

    @property
    def settled(self) -> int:
        """The newest arrival number up to which nothing is left to do, but for later attempts; from any thread."""
        return self.noted if self._forwarder is None else self._forwarder.settled(self.noted)

    def start(self, after: int, noted: int) -> None:
        """Begin with the events behind `after`; facts of earlier ones are caught up, from behind `noted`."""
        self._after, self.noted, self.known = after, noted, noted
        self._thread.start()

    def wake(self) -> None:
        """Something was committed; from any thread."""
        self._life.stir()

    def stop(self, patience: float) -> None:
        """Finish what is there, for at most `patience` seconds."""
        self._life.until = time.monotonic() + patience
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(patience + 0.5)

    def relay(self, event: Event, url: str) -> asyncio.Future[Delivery]:
        """Deliver an event to the handler on behalf of a waiting sender; awaited on the caller's own loop."""
        return self._sent(lambda forwarder: forwarder.relay(event, url))

    def confirm(self, event: Event, url: str) -> asyncio.Future[Delivery]:
        """Fetch a URL that a provider wants to be fetched; awaited on the caller's own loop."""
        return self._sent(lambda forwarder: forwarder.confirm(event, url))

    def _sent(self, send: Callable[[Forwarder], Awaitable[Delivery]]) -> asyncio.Future[Delivery]:
        """Have something sent on our own loop, which `start` has begun, and which is there a moment later."""

        async def sent() -> Delivery:
            return await send(self._sending())

        self._started.wait()
        if self._life.loop is None:
            raise RuntimeError("the follower has ended")
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(sent(), self._life.loop))

    def _sending(self) -> Forwarder:
        """The forwarder, made when something is first to be sent: a listener that only captures needs none of it."""
        if self._forwarder is None:
            from .forwarder import Forwarder

            forwarding = self._forwarding or NO_FORWARDING
            self._forwarder = Forwarder(forwarding, self._keyring, self._life, written=self._written, tell=self._tell)
        return self._forwarder

    def _run(self) -> None:
        """The thread; what ends it before its time is told to `broken`."""
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._broken(error)
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._life.loop = asyncio.get_running_loop()
        with Store(self._folder) as store:
            jobs = [self._recognise(store)]
            if self._forwarding is not None and not self._forwarding.relay:
                jobs.append(self._sending().forward(store, self._after))
            self._started.set()
            await asyncio.gather(*jobs)
            if self._forwarder is not None:
                await self._forwarder.close()

    async def _recognise(self, store: Store) -> None:
        while True:
            seen, began = self._life.stirred, time.thread_time()
            events = list(_batch(store, self.noted, self._writer.settled(store.last_id())))
            if events:
                await self._note(store, events)
                rest = self._writer.pause(time.thread_time() - began)
                await asyncio.sleep(max(rest, GATHER) if len(events) < BATCH else rest)
            elif not await self._life.more(seen):
                return

    async def _note(self, store: Store, events: list[Event]) -> None:
        seen: dict[tuple[str, str], int] = {}
        replies = self._replied([event.id for event in events])
        facts = [(event, self._facts(store, event, seen, reply)) for event, reply in zip(events, replies, strict=True)]
        written = await self._written(lambda db: insert_facts(db, facts), durable=False)
        if written:
            self.noted = events[-1].id
        if self.known < events[-1].id:
            after, self.known = self.known, events[-1].id
            self._advanced(after, [entry_of(event, known) for event, known in facts if event.id > after])

    def _facts(self, store: Store, event: Event, seen: dict[tuple[str, str], int], reply: int | None) -> Facts:
        """An event's facts; `seen` are the delivery ids of the batch, which the store does not know yet."""
        facts = (
            self._keyring.facts_unread(event, lambda: store.event(event.id))
            if event.unread
            else self._keyring.facts(event)
        )
        earlier = None
        if facts.provider is not None and facts.delivery_id is not None:
            key = (facts.provider, facts.delivery_id)
            earlier = seen.get(key) or store.first_with(*key)
            seen.setdefault(key, earlier or event.id)
        return replace(facts, reply=reply, duplicate_of=earlier if earlier is not None and earlier < event.id else None)

    async def _written(self, work: Work, *, durable: bool = True) -> bool:
        """Have something written; False after a pause when the store refused, so that it is tried again."""
        try:
            await asyncio.wrap_future(self._writer.run(work, durable=durable))
            return True
        except StoreFailed:
            await asyncio.sleep(PAUSE)
            return False


def _batch(store: Store, after: int, until: int) -> Iterator[Event]:
    """The next events up to a number, until there are many or their bodies weigh much."""
    total = 0
    with closing(store.events(after, BATCH, until=until, most=READ)) as events:
        for event in islice(events, BATCH):
            yield event
            total += len(event.body)
            if total > BATCH_BYTES:
                return
