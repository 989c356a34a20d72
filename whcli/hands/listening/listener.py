"""The listener put together: socket -> store -> reply -> everything else.

    server ──arrival──> accept ──> writer ──commit──> reply ──> sender
                                      │
                                      ├─ wakes ──> follower: recognise, verify, forward   (reads by cursor)
                                      └─ wakes ──> printer: one line an event             (reads by cursor)

Only `--verify`, `--relay-reply` and replies that depend on the delivery come between commit and reply.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from ...rules.conduct.handshakes import Handshake, answer, is_sns_host, possible
from ...rules.loops import signed_by_us
from ...rules.replies import NO_WEBSOCKET, Replies, wants_websocket
from ...rules.routes import Route, route_of
from ...rules.text import safe
from ...words.errors import StoreFailed
from ...words.event import Arrival, Delivery, Entry, Event, Reply, path_of
from ...words.head import parse_head
from ...words.record import record
from ...words.secret import Secret
from ..keyring import Keyring
from ..storing.rows import keep_secret
from ..storing.store import Store
from .follower import Follower
from .forwarding import Forwarding
from .indexer import Indexer
from .lock import ListenerLock
from .printer import Printer, Show
from .protocol import Limits, Refusal, Respond
from .server import Server
from .spool import Spool
from .writer import Writer

if TYPE_CHECKING:
    from ...rules.conduct.schedules import Schedule
    from ...rules.retention import Keep
    from .keeper import Keeper
    from .secure import Secure

GRACE = 3.0  # seconds for what is in flight when the listener ends
SOON = 0.05  # seconds without a request after which the threads behind the acknowledgements begin
STORE_FAILED = Reply(status=503, headers=((b"Content-Type", b"text/plain"),), body=b"the event could not be stored\n")
REFUSED = Reply(status=401, headers=((b"Content-Type", b"text/plain"),), body=b"the signature does not hold\n")
REPLIES_KEPT = 10_000  # statuses remembered until the follower has noted them


@record
class ListenPlan:
    """What a listener is to do, as the user asked."""

    replies: Replies
    keyring: Keyring
    forwards: Sequence[Route] = ()  # routes with a handler's URL
    concurrency: int = 1
    forward_timeout: float | None = 60.0  # seconds
    retries: Schedule | None = None  # a failed forward is tried again as this provider would
    compress: float = 1.0  # the waiting between attempts is divided by this
    relay: bool = False
    verify: bool = False
    send_credentials: bool = False  # to handlers on other machines
    certificates: bool | str = True  # what proves who a handler is, as `Client` takes it
    handshakes: bool = True  # answer the providers' questions; with `relay` the handler does
    verify_token: str | None = None  # what was typed into Meta's or Strava's settings
    confirm_subscriptions: bool = False  # fetch the SubscribeURL of a real SNS host
    limits: Limits = field(default_factory=Limits)
    keep: Keep | None = None  # None: nothing is removed

    def handler(self, path: str) -> str | None:
        """The handler's URL for a path, or None."""
        return route_of(self.forwards, path).forward


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
        self._failing = False
        self._writer = Writer(
            self.store,
            stored=self._stored,
            answered=self._answered,
            worked=self._worked,
            failed=self._store_failed,
        )
        self.server = Server(sockets, plan.limits, self._writer.put, self._refuse, spool.open, secure)
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
            replied=self._replied,
            broken=broken,
            advanced=self._advanced,
            tell=lambda text: self._printer.tell(text),
        )
        self._printer = Printer(
            folder,
            show,
            noted=lambda: self._follower.noted,
            expects=self._expects,
            note_of=self._note_of,
            pause=self._writer.pause,
            broken=broken,
        )
        self._indexer = Indexer(folder, noted=lambda: self._follower.noted, pressed=self._writer.pressed)
        self._statuses: OrderedDict[int, int] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._usual = None if plan.relay or plan.replies.by_delivery else plan.replies.sequence[0]
        self._notes: OrderedDict[int, str] = OrderedDict()
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
        await self.server.stop(GRACE)
        with suppress(TimeoutError):
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=max(0.0, until - time.monotonic()))
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

    # -- between socket and reply -----------------------------------------------------------------------------------

    def _stored(self, id: int | None, arrival: Arrival, respond: Respond) -> None:
        """The event is on disk, or could not be stored: answer."""
        try:
            if id is None:
                self._refuse(not_stored(arrival))
                respond(STORE_FAILED)
            else:
                self._reply(id, arrival, respond)
        finally:
            if not isinstance(arrival.body, bytes):
                arrival.body.close()

    def _reply(self, id: int, arrival: Arrival, respond: Respond) -> None:
        self._failing = False
        if wants_websocket(arrival.method, arrival.head) and not self._plan.relay:
            remember(self._notes, id, "it asks for a WebSocket, which is not spoken here: answered 426")
            return self._answer(id, NO_WEBSOCKET, respond)
        if self._plan.handshakes and isinstance(arrival.body, bytes):  # a larger one asks nothing
            answered = self._handshake(id, arrival, arrival.body)
            if answered is not None:
                return self._answer(id, answered, respond)
        if self._plan.verify and not self._holds(event_of(id, arrival)):
            return self._answer(id, REFUSED, respond)
        if self._plan.relay and (url := self._plan.handler(path_of(arrival.target))):
            return self._later(self._relay(event_of(id, arrival), url, respond))
        reply = self._plan.replies.answer(_delivery_id(arrival) if self._plan.replies.by_delivery else None)
        if self._plan.replies.delay:
            self._remember(id, reply)
            return self._later(self._delayed(reply, respond))
        self._answer(id, reply, respond)

    def _answer(self, id: int, reply: Reply, respond: Respond) -> None:
        self._remember(id, reply)
        respond(reply)

    def _remember(self, id: int, reply: Reply) -> None:
        """Keep a status that is not the usual one until the follower asks for it."""
        if reply is not self._usual:
            remember(self._statuses, id, reply.status)

    def _holds(self, event: Event) -> bool:
        return self._plan.keyring.facts(event).signature == "valid"

    # -- handshakes -------------------------------------------------------------------------------------------------

    def _handshake(self, id: int, arrival: Arrival, body: bytes) -> Reply | None:
        """The answer to a provider's question, or None for an ordinary request."""
        if not possible(arrival.method, arrival.head, body):
            return None
        event, keyring = event_of(id, arrival), self._plan.keyring
        found = answer(
            keyring.message(event),
            lambda scheme: keyring.secrets(scheme, event.path),
            now=event.received_at,
            verify_token=self._plan.verify_token,
            provider=keyring.provider_of(event.path),
        )
        if found is None or (found.asks == "HEAD" and not self._head_matters(event, found)):
            return None
        if found.keep is not None:
            self._keep(event, *found.keep)
        confirm = self._plan.confirm_subscriptions and found.confirm is not None and is_sns_host(found.confirm)
        if confirm:
            self._later(self._confirm(event, found.confirm or ""))
        remember(self._notes, event.id, handshake_note(found, confirming=confirm))
        return found.reply

    def _head_matters(self, event: Event, found: Handshake) -> bool:
        """Whether a HEAD is a provider's look at its URL: it says so, its route does, or `--verify` would refuse it."""
        return self._plan.verify or found.provider is not None or self._plan.keyring.provider_of(event.path) is not None

    def _keep(self, event: Event, scheme: str, secret: Secret) -> None:
        """Keep a secret that arrived in a handshake, and use it from now on."""
        self._plan.keyring.keep(scheme, event.path, secret)
        self._writer.run(lambda db: keep_secret(db, scheme, event.path, secret, event.received_at))

    async def _confirm(self, event: Event, url: str) -> None:
        """Fetch the SubscribeURL of a real SNS host, as the user asked."""
        await self._behind
        delivery = await self._follower.confirm(event, url)
        answer = delivery.reply.status if delivery.reply else delivery.error
        self._printer.tell(f"#{event.id} the subscription's confirmation was answered: {answer}")

    def _note_of(self, id: int) -> str | None:
        """What there is to say of an event beside its line; asked once, by the printer."""
        return self._notes.pop(id, None)

    async def _delayed(self, reply: Reply, respond: Respond) -> None:
        await asyncio.sleep(self._plan.replies.delay)
        respond(reply)

    async def _relay(self, event: Event, url: str, respond: Respond) -> None:
        await self._behind
        self._answer(event.id, relayed(await self._follower.relay(event, url)), respond)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refuse(self, refusal: Refusal) -> None:
        self._printer.refuse(refusal)

    # -- for the threads behind -------------------------------------------------------------------------------------

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

    def _replied(self, ids: list[int]) -> list[int | None]:
        """The statuses that senders got; of events whose senders have been told, so they are all here."""
        usual = self._usual.status if self._usual else None
        if not self._statuses:
            return [usual] * len(ids)
        return [self._statuses.pop(id, usual) for id in ids]

    def _expects(self, entry: Entry) -> bool:
        refused = self._plan.verify and entry.facts.signature != "valid"
        return self._plan.handler(entry.path) is not None and not refused

    def _target(self, event: Event) -> str | None:
        """The handler's URL for an event; what got 401 is not passed on."""
        url = self._plan.handler(event.path)
        return url if url is None or not self._plan.verify or self._holds(event) else None

    def _store_failed(self, error: StoreFailed) -> None:
        """Say once that senders get 503, and again when it begins anew."""
        if not self._failing:
            self._failing = True
            self._failed(error)


def remember(memory: OrderedDict[int, Any], id: int, value: object) -> None:
    """Keep something about an event until it is asked for, REPLIES_KEPT at most."""
    memory[id] = value
    if len(memory) > REPLIES_KEPT:
        memory.popitem(last=False)


def handshake_note(found: Handshake, *, confirming: bool) -> str:
    """What was answered, for the line below the event."""
    who = found.provider or " or ".join(found.candidates)
    parts = [f"{who}: {found.asks}"]
    if found.problem:
        parts.append(found.problem)
    elif found.keep is not None:
        kept = safe(found.keep[1].mask)
        parts.append(f"answered; its secret {kept} is kept, and used for {found.keep[0]} at this path from now on")
    else:
        parts.append("answered")
    if found.note:
        parts.append(found.note)
    if found.confirm:
        parts.append("fetching the confirmation URL" if confirming else f"to confirm, fetch {safe(found.confirm)}")
    return " · ".join(parts)


def not_stored(arrival: Arrival) -> Refusal:
    """A request that could not be stored, as the refusal that its sender sees."""
    return Refusal(
        received_at=arrival.received_at,
        peer=arrival.peer,
        status=503,
        reason="the event could not be stored",
        start=arrival.head[:200],
    )


def event_of(id: int, arrival: Arrival) -> Event:
    """An arrival as the event it has become; its uid is known to the store alone."""
    head = parse_head(arrival.head)
    return Event(
        id=id,
        uid="",
        received_at=arrival.received_at,
        method=arrival.method,
        target=arrival.target,
        version=head.version,
        headers=head.headers,
        trailers=arrival.trailers,
        head=arrival.head,
        body=body_of(arrival),
        peer=arrival.peer,
    )


def body_of(arrival: Arrival) -> bytes:
    """The body in memory, for what cannot do without."""
    return arrival.body if isinstance(arrival.body, bytes) else b"".join(arrival.body.pieces())


HOP_BY_HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"trailer", b"upgrade", b"te")


def relayed(delivery: Delivery) -> Reply:
    """The handler's reply as ours; 502 when it gave none, 504 when it took too long (RFC 9110 section 15.6)."""
    if delivery.reply is None:
        status = {"timeout": 504, "loop": 508}.get(delivery.failure or "", 502)  # 508: RFC 5842 section 7.2
        headers = signed_by_us(((b"Content-Type", b"text/plain"),))
        return Reply(status=status, headers=headers, body=f"{delivery.error}\n".encode())
    if delivery.reply.truncated:
        return Reply(
            status=502, headers=((b"Content-Type", b"text/plain"),), body=b"the handler's reply is too large\n"
        )
    headers = tuple(pair for pair in delivery.reply.headers if pair[0].lower() not in HOP_BY_HOP)
    return Reply(status=delivery.reply.status, headers=headers, body=delivery.reply.body, reason=delivery.reply.reason)


def _delivery_id(arrival: Arrival) -> str | None:
    from ...rules.recognition.detect import detect  # its tables are needed for no other reply

    return detect(parse_head(arrival.head).headers, body_of(arrival)).delivery_id
