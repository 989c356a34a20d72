"""What the connections of one listener share: whom to tell, the limits, one clock for all their deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from uvicorn.server import ServerState

from ...words.event import Arrival, Reply
from ...words.record import record
from .bodies import Spools
from .framing import Limits

SHOWN = 200  # bytes of a refused request that are kept to show what it was


@record
class Refusal:
    """Bytes that came and are no event: for one line on the screen and the summary."""

    received_at: float  # unix seconds, UTC
    peer: str | None  # "127.0.0.1:54321"
    status: int | None  # what the sender was told; None when the connection was only closed
    reason: str  # one sentence, in our words only
    start: bytes  # the first bytes that came, at most 200; hostile


Respond = Callable[[Reply], None]
"""To be called once per arrival, on the event loop's thread, at any later time."""
Accept = Callable[[Arrival, Respond], None]
Refused = Callable[[Refusal], None]


class Connection(Protocol):
    """One connection, as far as the others' limits and deadlines concern it."""

    loop: asyncio.AbstractEventLoop
    active_at: float  # when a request last grew or was answered, in the loop's seconds

    @property
    def unanswered(self) -> bool:
        """Its sender waits for a reply of ours."""

    @property
    def midway(self) -> bool:
        """A request has begun and is not whole."""

    @property
    def closing(self) -> bool:
        """Its last reply is out."""

    def check(self, now: float) -> None:
        """Hold the deadlines; `now` in the loop's seconds."""

    def shutdown(self) -> None:
        """The listener stops: a resting connection closes now, any other after its last reply."""

    def cut(self) -> None:
        """The listener stops waiting: 503 for every request that has begun, so that it is sent again."""

    def drop(self, reason: str) -> None:
        """Close without a word; a request that had begun is told to `refused`."""


class Listening(ServerState):
    """Kept where uvicorn keeps them, in `ServerState.connections`."""

    def __init__(self, limits: Limits, accept: Accept, refused: Refused, spools: Spools | None = None) -> None:
        super().__init__()
        self.limits = limits
        self.spools = spools
        self.accept = accept
        self.refused = refused
        self.stopping = False
        self.empty = asyncio.Event()  # no connection is open
        self.empty.set()
        self.usual: Reply | None = None  # the reply sent last that lets its connection go on,
        self.usual_bytes = b""  # and its bytes, since it is mostly the next one too
        self._clock: asyncio.TimerHandle | None = None

    def captures(self) -> list[Connection]:
        """The open connections, as a copy: looking at one may close it."""
        return cast(list[Connection], list(self.connections))

    def add(self, capture: Connection) -> None:
        """A connection has come; above the limit another one has to go."""
        if len(self.connections) >= self.limits.connections:
            self._make_room(capture)
        self.connections.add(capture)  # type: ignore[arg-type]
        self.empty.clear()
        if self._clock is None:
            self._clock = capture.loop.call_later(self.limits.tick, self._look, capture.loop)

    def remove(self, capture: Connection) -> None:
        """A connection has gone."""
        self.connections.discard(capture)
        if not self.connections:
            self.empty.set()

    def stop(self) -> None:
        """From now on each connection closes when nothing is owed on it."""
        self.stopping = True
        self.usual = None
        for capture in self.captures():
            capture.shutdown()

    def quiet(self) -> None:
        """Stop the clock."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for capture in self.captures():
            capture.check(now)
        self._clock = loop.call_later(self.limits.tick, self._look, loop) if self.connections else None

    def _make_room(self, newest: Connection) -> None:
        """Close the connection that loses least: one that is closing, then the longest idle, then the most stuck.

        A connection that waits for our reply stays. When all do, the newest goes.
        """
        others = [each for each in self.captures() if not each.unanswered]
        least = min(others, key=lambda each: (not each.closing, each.midway, each.active_at), default=newest)
        least.drop("closed to make room: too many connections")
