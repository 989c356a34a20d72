"""What happens to an event after its acknowledgement: it is recognised, verified and forwarded, read by cursor.

The follower is a thread with an event loop and a database connection of its own. It holds two cursors into the store,
so a slow handler or a burst costs time, never memory and never an event; and the sender's reply has long gone out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..rules.outgoing import aim, parse_target, replay_of
from ..words.errors import StoreFailed
from ..words.event import Delivery, Event, Facts, Kind, Outgoing
from .deliver import deliver
from .keyring import Keyring
from .store import Store, insert_delivery, insert_facts
from .writer import Writer

if TYPE_CHECKING:
    from .client import Client

BATCH = 64  # events worked on at a time
BATCH_BYTES = 8 << 20  # bytes of body in a batch
PAUSE = 0.5  # seconds before trying again after the store failed

Target = Callable[[Event], str | None]
"""The handler's URL for an event, or None when it is not forwarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """How events are sent on: to which URL, how many at a time, and how long a handler may take (None for ever)."""

    target: Target
    concurrency: int = 1
    timeout: float | None = 60.0  # seconds
    relay: bool = False  # the handler's reply goes to the sender: no forwarding behind its back


class Follower:
    """Works on events behind the acknowledgement, from `start` to `stop`.

    `noted` is the newest arrival number whose facts are stored. `replied` gives the statuses that senders got,
    `advanced` is called when `noted` has grown.
    """

    def __init__(
        self,
        folder: Path,
        writer: Writer,
        keyring: Keyring,
        forwarding: Forwarding | None,
        *,
        replied: Callable[[list[int]], Awaitable[list[int | None]]],
        advanced: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._keyring = keyring
        self._forwarding = forwarding
        self._replied = replied
        self._advanced = advanced
        self._started = Flag()
        self._thread = Thread(target=lambda: asyncio.run(self._main()), name="whcli-follower", daemon=True)
        self._state = _State()
        self.noted = 0

    def start(self) -> None:
        """Begin with the events that arrive from now on; facts of earlier ones are caught up."""
        self._thread.start()
        self._started.wait()

    def wake(self) -> None:
        """Something was committed; from any thread."""
        if self._state.loop is not None and not self._state.loop.is_closed():
            self._state.loop.call_soon_threadsafe(self._state.news)

    def stop(self, patience: float) -> None:
        """Finish what is there, for at most `patience` seconds."""
        self._state.until = time.monotonic() + patience
        self.wake()
        self._thread.join(patience + 0.5)

    def relay(self, event: Event, url: str) -> asyncio.Future[Delivery]:
        """Deliver an event to the handler on behalf of a waiting sender; awaited on the caller's own loop."""
        return asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._deliver(event, url, "relay"), self._state.running)
        )

    def confirm(self, event: Event, url: str) -> asyncio.Future[Delivery]:
        """Fetch a URL that a provider wants to be fetched; awaited on the caller's own loop."""
        address, target = aim(url, b"/", exact=True)
        host = (b"Host", parse_target(url).authority.encode())
        outgoing = Outgoing(method=b"GET", url=address, target=target, headers=(host,))
        return asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._sent(event, outgoing, "confirm"), self._state.running)
        )

    async def _main(self) -> None:
        self._state.loop = asyncio.get_running_loop()
        with Store(self._folder) as store:
            self.noted = store.noted_until()
            newest = store.last_id()
            jobs = [self._recognise(store)]
            if self._forwarding is not None and not self._forwarding.relay:
                jobs.append(self._forward(store, self._forwarding, newest))
            self._started.set()
            await asyncio.gather(*jobs)
            if self._state.client is not None:
                await self._state.client.__aexit__(None, None, None)

    # -- recognising ------------------------------------------------------------------------------------------------

    async def _recognise(self, store: Store) -> None:
        while True:
            events = list(_batch(store, self.noted))
            if events:
                await self._note(store, events)
            elif not await self._state.more():
                return

    async def _note(self, store: Store, events: list[Event]) -> None:
        seen: dict[tuple[str, str], int] = {}
        replies = await self._replied([event.id for event in events])
        facts = [
            (event, replace(self._facts(store, event, seen), reply=reply))
            for event, reply in zip(events, replies, strict=True)
        ]
        if await self._written(lambda db: insert_facts(db, facts)):
            self.noted = events[-1].id
            self._advanced()

    def _facts(self, store: Store, event: Event, seen: dict[tuple[str, str], int]) -> Facts:
        """An event's facts; `seen` are the delivery ids of the batch, which the store does not know yet."""
        facts = self._keyring.facts(event)
        if facts.provider is None or facts.delivery_id is None:
            return facts
        key = (facts.provider, facts.delivery_id)
        earlier = store.first_with(*key) or seen.get(key)
        seen.setdefault(key, event.id)
        return replace(facts, duplicate_of=earlier) if earlier is not None and earlier < event.id else facts

    async def _written(self, work: Callable[[Any], Any]) -> bool:
        """Have something written; False after a pause when the store refused, so that it is tried again."""
        try:
            await asyncio.wrap_future(self._writer.run(work))
            return True
        except StoreFailed:
            await asyncio.sleep(PAUSE)
            return False

    # -- forwarding -------------------------------------------------------------------------------------------------

    async def _forward(self, store: Store, forwarding: Forwarding, cursor: int) -> None:
        """Send events on in order of arrival, `concurrency` at a time."""
        room = asyncio.Semaphore(forwarding.concurrency)
        running: set[asyncio.Task[None]] = set()
        while True:
            event = next(store.events(cursor, 1), None)
            if event is None:
                if not await self._state.more():
                    break
                continue
            cursor = event.id
            url = forwarding.target(event)
            if url is not None:
                await room.acquire()
                task = asyncio.create_task(self._forward_one(event, url, room))
                running.add(task)
                task.add_done_callback(running.discard)
        await asyncio.wait(running, timeout=self._state.left()) if running else None

    async def _forward_one(self, event: Event, url: str, room: asyncio.Semaphore) -> None:
        try:
            await self._deliver(event, url, "forward")
        finally:
            room.release()

    async def _deliver(self, event: Event, url: str, kind: Kind) -> Delivery:
        """Send an event to the handler and record what came of it."""
        return await self._sent(event, replay_of(event, url), kind)

    async def _sent(self, event: Event, outgoing: Outgoing, kind: Kind) -> Delivery:
        delivery = await deliver(self._client(), event.id, outgoing, kind)
        await self._written(lambda db: insert_delivery(db, delivery))
        return delivery

    def _client(self) -> Client:
        """The client, made when something is first sent."""
        if self._state.client is None:
            from .client import Client

            forwarding = self._forwarding or Forwarding(target=lambda _: None)
            self._state.client = Client(timeout=forwarding.timeout, concurrency=max(forwarding.concurrency, 16))
        return self._state.client


def _batch(store: Store, after: int) -> Iterator[Event]:
    """The next events, until there are many or their bodies weigh much."""
    total = 0
    with closing(store.events(after, BATCH)) as events:
        for event in islice(events, BATCH):
            yield event
            total += len(event.body)
            if total > BATCH_BYTES:
                return


@dataclass(slots=True)
class _State:
    """The loop, the client, and whether there is more to do."""

    loop: asyncio.AbstractEventLoop | None = None
    client: Client | None = None
    until: float | None = None  # time.monotonic() by which to be done; None: not stopping
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def running(self) -> asyncio.AbstractEventLoop:
        """The loop, which is there since `start` has returned."""
        if self.loop is None:
            raise RuntimeError("the follower has not started")
        return self.loop

    def news(self) -> None:
        """Wake everybody who found nothing to do."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def more(self) -> bool:
        """Wait for a commit; False when the follower is stopping and nothing is left."""
        if self.until is not None:
            return False
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future
        return True

    def left(self) -> float:
        """Seconds until the follower must be done."""
        return max(0.0, self.until - time.monotonic()) if self.until is not None else 0.0
