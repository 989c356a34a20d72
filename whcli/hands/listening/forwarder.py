"""Sends events on to the user's handler: behind the acknowledgement, or on behalf of a sender that waits for the reply.

It runs on the follower's event loop, and reads the store by a cursor of its own: a slow handler costs time, never an
event.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...rules.conduct.schedules import Schedule, with_attempt
from ...rules.loops import DEEP, Rounds
from ...rules.outgoing import replay_of, without_credentials
from ...rules.target import aim, parse_target
from ...words.errors import Unreachable
from ...words.event import Delivery, Event, Kind, Outgoing
from ..keyring import Keyring
from ..sending.deliver import deliver
from ..storing.rows import insert_delivery
from ..storing.store import Store
from .forwarding import Forwarding
from .life import Life
from .retrying import Retries, Retry
from .writer import Work

if TYPE_CHECKING:
    from ..sending.client import Client

WAIT = 0.25  # seconds between two looks at whether time is over, while every hand is busy
MOST_LEFT = 10_000  # events that are recorded as not sent
CONFIRMED = 30.0  # seconds that a provider's confirmation page may take


class Forwarder:
    """Sends events on as `forwarding` says, on the event loop of `life`; `written` has something written, later.

    `tell` is called with a sentence about a later attempt.
    """

    def __init__(
        self,
        forwarding: Forwarding,
        keyring: Keyring,
        life: Life,
        *,
        written: Callable[[Work], Awaitable[bool]],
        tell: Callable[[str], None],
    ) -> None:
        self._forwarding = forwarding
        self._keyring = keyring
        self._life = life
        self._written = written
        self._tell = tell
        self._rounds = Rounds()
        self._made: Client | None = None
        self._passed: int | None = None  # the newest event that the forwarding has come to; None: it does not forward
        self._sending: dict[int, None] = {}  # events on their way to the handler

    def settled(self, noted: int) -> int:
        """The newest arrival number, up to `noted`, up to which nothing is left to send; from any thread."""
        passed = noted if self._passed is None else min(noted, self._passed)
        return min([passed, *(id - 1 for id in list(self._sending))])

    async def close(self) -> None:
        """Nothing more is sent."""
        if self._made is not None:
            await self._made.__aexit__(None, None, None)

    async def forward(self, store: Store, cursor: int) -> None:
        """Send events on in order of arrival, `concurrency` at a time."""
        forwarding = self._forwarding
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
            seen = self._life.stirred
            event = next(store.events(cursor, 1), None)
            if self._life.over or (event is None and not await self._life.more(seen)):
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
            _, late = await asyncio.wait(running, timeout=self._life.left())
            await self._given_up(late)
        await self._not_sent(store, cursor)
        await retries.end(self._life.left())

    async def _entered(self, room: asyncio.Semaphore) -> bool:
        """Wait for room; False when the time is over first."""
        while not self._life.over:
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

    async def _not_sent(self, store: Store, cursor: int) -> None:
        """Record of the events that nobody will forward any more that they were not, so that `--failed` finds them."""
        kept = [
            not_delivered(event, url, "not sent", "the listener ended before it was sent")
            for event in store.events(cursor, MOST_LEFT)
            if event.head and (url := self._forwarding.target(event))
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

    async def relay(self, event: Event, url: str) -> Delivery:
        """Deliver an event on behalf of a waiting sender."""
        with self._rounds.waiting(event) as looping:
            if not looping:
                return await self._deliver(event, url, "relay")
            stopped = not_delivered(event, url, "loop", f"{DEEP} equal requests wait for this handler: a loop")
            await self._written(lambda db: insert_delivery(db, stopped))
            return stopped

    async def confirm(self, event: Event, url: str) -> Delivery:
        """Fetch a URL that a provider wants to be fetched; with a client of its own: `certificates` means handlers."""
        from ..sending.client import Client

        address, target = aim(url, b"/", exact=True)
        host = (b"Host", parse_target(url).authority.encode())
        outgoing = Outgoing(method=b"GET", url=address, target=target, headers=(host,))
        async with Client(timeout=CONFIRMED) as client:
            delivery = await deliver(client, event.id, outgoing, "confirm")
        await self._written(lambda db: insert_delivery(db, delivery))
        return delivery

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
        if self._forwarding.send_credentials:
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
        if self._made is None:
            from ..sending.client import Client

            self._made = Client(
                timeout=self._forwarding.timeout,
                verify=self._forwarding.certificates,
                concurrency=max(self._forwarding.concurrency, 16),
            )
        return self._made


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
