"""What happens to an event after its acknowledgement: it is recognised, verified and forwarded, read by cursor.

The follower is a thread with an event loop and a database connection of its own. It holds two cursors into the store,
so a slow handler or a burst costs time, never memory and never an event; and the sender's reply has long gone out.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

from ...rules.conduct.schedules import Schedule, with_attempt
from ...rules.loops import DEEP, Rounds
from ...rules.outgoing import aim, parse_target, replay_of, without_credentials
from ...words.errors import StoreFailed, Unreachable
from ...words.event import Delivery, Entry, Event, Facts, Kind, Outgoing
from ...words.record import record
from ..keyring import Keyring
from ..sending.deliver import deliver
from ..storing.rows import insert_delivery, insert_facts
from ..storing.store import Store
from .retrying import Retries, Retry
from .writer import Writer

if TYPE_CHECKING:
    from ..sending.client import Client

BATCH = 64  # events worked on at a time
BATCH_BYTES = 8 << 20  # bytes of body in a batch
READ = 4 << 20  # bytes of a body up to which it is read to recognise it; JSON in memory can be many times its length
LAST = 0.7  # seconds at the end for recording what was not done
WAIT = 0.25  # seconds between two looks at whether time is over, while every hand is busy
MOST_LEFT = 10_000  # events that are recorded as not sent
CONFIRMED = 30.0  # seconds that a provider's confirmation page may take
PAUSE = 0.5  # seconds before trying again after the store failed

Target = Callable[[Event], str | None]
"""The handler's URL for an event, or None when it is not forwarded."""


@record
class Forwarding:
    """How events are sent on: to which URL, how many at a time, and how long a handler may take (None for ever)."""

    target: Target
    concurrency: int = 1
    timeout: float | None = 60.0  # seconds
    send_credentials: bool = False  # captured Authorization, cookies and tokens go to other machines too
    certificates: bool | str = True  # what proves who a handler is, as `Client` takes it
    relay: bool = False  # the handler's reply goes to the sender: no forwarding behind its back
    schedule: Schedule | None = None  # what fails is tried again as this provider would
    compress: float = 1.0  # the waiting between attempts is divided by this


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
        self._trouble: BaseException | None = None
        self._state = _State()
        self._rounds = Rounds()
        self.noted = 0
        self._passed: int | None = None  # the newest event that the forwarding has come to; None: it does not forward
        self._sending: dict[int, None] = {}  # events on their way to the handler

    @property
    def settled(self) -> int:
        """The newest arrival number up to which nothing is left to do, but for later attempts; from any thread."""
        passed = self.noted if self._passed is None else min(self.noted, self._passed)
        return min([passed, *(id - 1 for id in list(self._sending))])

    def start(self) -> None:
        """Begin with the events that arrive from now on; facts of earlier ones are caught up."""
        self._thread.start()
        self._started.wait()
        if self._trouble is not None:
            raise self._trouble

    def wake(self) -> None:
        """Something was committed; from any thread."""
        self._state.stir()

    def stop(self, patience: float) -> None:
        """Finish what is there, for at most `patience` seconds."""
        self._state.until = time.monotonic() + patience
        self.wake()
        self._thread.join(patience + 0.5)

    def relay(self, event: Event, url: str) -> asyncio.Future[Delivery]:
        """Deliver an event to the handler on behalf of a waiting sender; awaited on the caller's own loop."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._relay(event, url), self._state.running))

    def confirm(self, event: Event, url: str) -> asyncio.Future[Delivery]:
        """Fetch a URL that a provider wants to be fetched; awaited on the caller's own loop."""
        address, target = aim(url, b"/", exact=True)
        host = (b"Host", parse_target(url).authority.encode())
        outgoing = Outgoing(method=b"GET", url=address, target=target, headers=(host,))
        return asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._confirmed(event, outgoing), self._state.running)
        )

    async def _confirmed(self, event: Event, outgoing: Outgoing) -> Delivery:
        """Fetch with a client of its own: what `certificates` says is about handlers."""
        from ..sending.client import Client

        async with Client(timeout=CONFIRMED) as client:
            delivery = await deliver(client, event.id, outgoing, "confirm")
        await self._written(lambda db: insert_delivery(db, delivery))
        return delivery

    def _run(self) -> None:
        """The thread; what ends it before its time is raised by `start`, or told to `broken`."""
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._trouble = error
            if self._started.is_set():
                self._broken(error)
        finally:
            self._started.set()

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
            seen, began = self._state.stirred, time.thread_time()
            events = list(_batch(store, self.noted, self._writer.settled(store.last_id())))
            if events:
                await self._note(store, events)
                await asyncio.sleep(self._writer.pause(time.thread_time() - began))
            elif not await self._state.more(seen):
                return

    async def _note(self, store: Store, events: list[Event]) -> None:
        seen: dict[tuple[str, str], int] = {}
        replies = self._replied([event.id for event in events])
        facts = [(event, self._facts(store, event, seen, reply)) for event, reply in zip(events, replies, strict=True)]
        if await self._written(lambda db: insert_facts(db, facts), durable=False):
            after, self.noted = self.noted, events[-1].id
            self._advanced(after, [entry_in_memory(event, known) for event, known in facts])

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

    async def _written(self, work: Callable[[Any], Any], *, durable: bool = True) -> bool:
        """Have something written; False after a pause when the store refused, so that it is tried again."""
        try:
            await asyncio.wrap_future(self._writer.run(work, durable=durable))
            return True
        except StoreFailed:
            await asyncio.sleep(PAUSE)
            return False

    # -- forwarding -------------------------------------------------------------------------------------------------

    async def _forward(self, store: Store, forwarding: Forwarding, cursor: int) -> None:
        """Send events on in order of arrival, `concurrency` at a time."""
        room = asyncio.Semaphore(forwarding.concurrency)
        retries = Retries(
            store,
            forwarding.schedule,
            compress=forwarding.compress,
            concurrency=forwarding.concurrency,
            again=self._forward_again,
            tell=self._tell,
        )
        running: set[asyncio.Task[None]] = set()
        self._passed = cursor
        while True:
            seen = self._state.stirred
            event = next(store.events(cursor, 1), None)
            if self._state.over or (event is None and not await self._state.more(seen)):
                break
            if event is None:
                continue
            url = forwarding.target(event) if event.head else None  # what is imported meanwhile was not sent to us
            if url is not None:
                if not await self._entered(room):
                    break
                self._sending[event.id] = None
                task = asyncio.create_task(self._forward_one(event, url, room, retries))
                running.add(task)
                task.add_done_callback(running.discard)
            self._passed = cursor = event.id
        if running:
            _, late = await asyncio.wait(running, timeout=self._state.left())
            await self._given_up(late)
        await self._not_sent(store, forwarding, cursor)
        await retries.end(self._state.left())

    async def _entered(self, room: asyncio.Semaphore) -> bool:
        """Wait for room; False when the time is over first."""
        while not self._state.over:
            with suppress(TimeoutError):
                await asyncio.wait_for(room.acquire(), WAIT)
                return True
        return False

    async def _given_up(self, late: set[asyncio.Task[None]]) -> None:
        """End the deliveries that take too long; each records that it was interrupted."""
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _not_sent(self, store: Store, forwarding: Forwarding, cursor: int) -> None:
        """Record of the events that nobody will forward any more that they were not, so that `--failed` finds them."""
        kept = [
            not_delivered(event, url, "not sent", "the listener ended before it was sent")
            for event in store.events(cursor, MOST_LEFT)
            if event.head and (url := forwarding.target(event))
        ]
        if kept:
            await self._written(lambda db: [insert_delivery(db, delivery) for delivery in kept])

    async def _forward_one(self, event: Event, url: str, room: asyncio.Semaphore, retries: Retries) -> None:
        try:
            delivery = await self._deliver(event, url, "forward")
        except asyncio.CancelledError:
            interrupted = not_delivered(event, url, "interrupted", "the listener ended before the handler answered")
            await self._written(lambda db: insert_delivery(db, interrupted))
            raise
        finally:
            self._sending.pop(event.id, None)
            room.release()
        retries.after(delivery, url)

    async def _forward_again(self, event: Event, retry: Retry, schedule: Schedule) -> Delivery:
        """A later attempt; what was validly signed is signed afresh, as its provider does for each attempt."""
        outgoing = await self._trusted(replay_of(event, retry.url))
        headers = with_attempt(schedule, outgoing.headers, retry.attempt, retry.last)
        outgoing = replace(outgoing, headers=headers)
        if self._keyring.facts(event).signature == "valid":
            token = secrets.token_hex(16)
            outgoing = self._keyring.resign(event, outgoing, scheme=None, now=time.time(), token=token)
        delivery = await self._sent(event, outgoing, "forward", retry.attempt)
        outcome = str(delivery.reply.status) if delivery.reply else delivery.failure
        self._tell(f"#{event.id} attempt {retry.attempt} → {outcome}")
        return delivery

    async def _relay(self, event: Event, url: str) -> Delivery:
        with self._rounds.waiting(event) as looping:
            if not looping:
                return await self._deliver(event, url, "relay")
            stopped = not_delivered(event, url, "loop", f"{DEEP} equal requests wait for this handler: a loop")
            await self._written(lambda db: insert_delivery(db, stopped))
            return stopped

    async def _deliver(self, event: Event, url: str, kind: Kind) -> Delivery:
        """Send an event to the handler and record what came of it; what has come round is only recorded."""
        origin, now = parse_target(url).origin, time.monotonic()
        since = self._rounds.came_back(event, origin, now)
        if since is not None:
            said = f"the same went {since:.1f} s ago to {origin}, a whcli listener: not sent round again"
            stopped = not_delivered(event, url, "loop", said)
            await self._written(lambda db: insert_delivery(db, stopped))
            return stopped
        self._rounds.sent(event, now)
        delivery = await self._sent(event, await self._trusted(replay_of(event, url)), kind)
        if delivery.reply is not None:
            self._rounds.answered(origin, delivery.reply.headers)
        return delivery

    async def _trusted(self, outgoing: Outgoing) -> Outgoing:
        """The request without captured credentials, where it leaves this machine and the user did not ask for that."""
        if self._forwarding is not None and self._forwarding.send_credentials:
            return outgoing
        try:
            here = (await self._client().destination(outgoing.url)).local
        except Unreachable:  # the delivery will meet the same, and records it
            here = False
        return outgoing if here else without_credentials(outgoing)

    async def _sent(self, event: Event, outgoing: Outgoing, kind: Kind, attempt: int = 1) -> Delivery:
        delivery = await deliver(self._client(), event.id, outgoing, kind, attempt)
        await self._written(lambda db: insert_delivery(db, delivery))
        return delivery

    def _client(self) -> Client:
        """The client, made when something is first sent."""
        if self._state.client is None:
            from ..sending.client import Client

            forwarding = self._forwarding or Forwarding(target=lambda _: None)
            self._state.client = Client(
                timeout=forwarding.timeout,
                verify=forwarding.certificates,
                concurrency=max(forwarding.concurrency, 16),
            )
        return self._state.client


def not_delivered(event: Event, url: str, failure: str, error: str) -> Delivery:
    """A forward that did not come to its end."""
    return Delivery(
        event_id=event.id,
        kind="forward",
        sent_at=time.time(),
        method=event.method,
        url=replay_of(event, url).url,
        failure=failure,
        error=error,
    )


def entry_in_memory(event: Event, facts: Facts) -> Entry:
    """The line of the listing that the store will have, so that nobody needs to read it there."""
    return Entry(
        id=event.id,
        uid=event.uid,
        received_at=event.received_at,
        method=event.method,
        target=event.target,
        size=event.unread or len(event.body),
        peer=event.peer,
        facts=facts,
    )


def _batch(store: Store, after: int, until: int) -> Iterator[Event]:
    """The next events up to a number, until there are many or their bodies weigh much."""
    total = 0
    with closing(store.events(after, BATCH, until=until, most=READ)) as events:
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
    stirred: int = 0  # another number after each commit
    _count: Iterator[int] = field(default_factory=lambda: count(1))
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether the time to finish has nearly gone: what is left must be recorded now."""
        return self.until is not None and time.monotonic() > self.until - LAST

    @property
    def running(self) -> asyncio.AbstractEventLoop:
        """The loop, which is there since `start` has returned."""
        if self.loop is None:
            raise RuntimeError("the follower has not started")
        return self.loop

    def stir(self) -> None:
        """Something was committed; from any thread. Whoever works is not disturbed: he looks again by himself."""
        self.stirred = next(self._count)
        if self._waiting and self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._news)

    def _news(self) -> None:
        """Wake everybody who found nothing to do."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def more(self, seen: int) -> bool:
        """Wait until `stirred` is not `seen` any more; False when the follower is stopping and nothing is left."""
        if self.until is not None:
            return False
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)  # before the look: whoever commits in between finds it
        if self.stirred == seen:
            await future
        elif future in self._waiting:
            self._waiting.remove(future)
        return True

    def left(self) -> float:
        """Seconds until the follower must be done."""
        return max(0.0, self.until - LAST - time.monotonic()) if self.until is not None else 0.0
