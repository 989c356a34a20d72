"""Between commit and reply: what the sender of a stored event is told.

Only `--verify`, `--relay-reply`, handshakes and replies that depend on the delivery take more than a look.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from ...rules.conduct.handshakes import Handshake, answer, is_sns_host, possible
from ...rules.loops import signed_by_us
from ...rules.replies import NO_WEBSOCKET, wants_websocket
from ...rules.text import safe
from ...words.event import Arrival, Delivery, Event, Reply, path_of
from ...words.head import parse_head
from ...words.secret import Secret
from ..storing.rows import keep_secret
from .connections import SHOWN, Refusal, Refused, Respond
from .plan import ListenPlan
from .replying import excuse
from .writer import Work

NOT_STORED = "the event could not be stored"
STORE_FAILED = excuse(503, NOT_STORED)
REFUSED = excuse(401, "the signature does not hold")
REPLIES_KEPT = 10_000  # statuses remembered until the follower has noted them

Send = Callable[[Event, str], Awaitable[Delivery]]
"""Have an event sent to a URL."""


class Answering:
    """Answers on the event loop, and remembers what the threads behind the acknowledgements will ask for.

    `refused` is told of what could not be stored, `write` has something else written, `relay` sends an event to its
    handler, `confirm` fetches a URL that a provider wants to be fetched, `tell` is given a sentence for the user.
    """

    def __init__(
        self,
        plan: ListenPlan,
        *,
        refused: Refused,
        write: Callable[[Work], object],
        relay: Send,
        confirm: Send,
        tell: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._refused = refused
        self._write = write
        self._relay = relay
        self._confirm = confirm
        self._tell = tell
        self._usual = None if plan.relay or plan.replies.by_delivery else plan.replies.sequence[0]
        self._statuses: OrderedDict[int, int] = OrderedDict()
        self._notes: OrderedDict[int, str] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self.failing = False  # nothing could be stored since somebody said so

    def hurry(self) -> None:
        """The listener ends: replies that are only delayed go out now, since what they answer is stored."""
        self._ending.set()

    async def finish(self, patience: float) -> None:
        """Let the replies that wait for something go out, for at most `patience` seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)

    def replied(self, ids: list[int]) -> list[int | None]:
        """The statuses that senders got; of events whose senders have been told, so they are all here."""
        usual = self._usual.status if self._usual else None
        if not self._statuses:
            return [usual] * len(ids)
        return [self._statuses.get(id, usual) for id in ids]  # kept: what cannot be written is asked for again

    def note_of(self, id: int) -> str | None:
        """What there is to say of an event beside its line; asked once, by the printer."""
        return self._notes.pop(id, None)

    def stored(self, id: int | None, arrival: Arrival, respond: Respond) -> None:
        """The event is on disk, or could not be stored: answer."""
        try:
            if id is None:
                self._refused(not_stored(arrival))
                respond(STORE_FAILED)
            else:
                self._reply(id, arrival, respond)
        finally:
            if not isinstance(arrival.body, bytes):
                arrival.body.close()

    def _reply(self, id: int, arrival: Arrival, respond: Respond) -> None:
        self.failing = False
        if wants_websocket(arrival.method, arrival.head) and not self._plan.relay:
            remember(self._notes, id, "it asks for a WebSocket, which is not spoken here: answered 426")
            return self._answer(id, NO_WEBSOCKET, respond)
        if self._plan.handshakes and isinstance(arrival.body, bytes):  # a larger one asks nothing
            answered = self._handshake(id, arrival, arrival.body)
            if answered is not None:
                return self._answer(id, answered, respond)
        if self._plan.verify and not self.holds(event_of(id, arrival)):
            return self._answer(id, REFUSED, respond)
        if self._plan.relay and (url := self._plan.handler(path_of(arrival.target))):
            return self._later(self._relayed(event_of(id, arrival), url, respond))
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

    def holds(self, event: Event) -> bool:
        """Whether an event's signature is valid."""
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
            self._later(self._confirmed(event, found.confirm or ""))
        remember(self._notes, event.id, handshake_note(found, confirming=confirm))
        return found.reply

    def _head_matters(self, event: Event, found: Handshake) -> bool:
        """Whether a HEAD is a provider's look at its URL: it says so, its route does, or `--verify` would refuse it."""
        return self._plan.verify or found.provider is not None or self._plan.keyring.provider_of(event.path) is not None

    def _keep(self, event: Event, scheme: str, secret: Secret) -> None:
        """Keep a secret that arrived in a handshake, and use it from now on."""
        self._plan.keyring.keep(scheme, event.path, secret)
        self._write(lambda db: keep_secret(db, scheme, event.path, secret, event.received_at))

    async def _confirmed(self, event: Event, url: str) -> None:
        """Fetch the SubscribeURL of a real SNS host, as the user asked."""
        delivery = await self._confirm(event, url)
        answer = delivery.reply.status if delivery.reply else delivery.error
        self._tell(f"#{event.id} the subscription's confirmation was answered: {answer}")

    async def _delayed(self, reply: Reply, respond: Respond) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), self._plan.replies.delay)
        respond(reply)

    async def _relayed(self, event: Event, url: str, respond: Respond) -> None:
        self._answer(event.id, relayed(await self._relay(event, url)), respond)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


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
        reason=NOT_STORED,
        start=arrival.head[:SHOWN],
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
        return excuse(502, "the handler's reply is too large")
    headers = tuple(pair for pair in delivery.reply.headers if pair[0].lower() not in HOP_BY_HOP)
    return Reply(status=delivery.reply.status, headers=headers, body=delivery.reply.body, reason=delivery.reply.reason)


def _delivery_id(arrival: Arrival) -> str | None:
    from ...rules.recognition.detect import detect  # its tables are needed for no other reply

    return detect(parse_head(arrival.head).headers, body_of(arrival)).delivery_id
