"""One connection of the listener: bytes to `Arrival`, `Reply` to bytes, in order and in time.

Where requests begin and end is `framing`'s matter; here are order, deadlines and closing. After any refusal the
connection closes, so nothing that was hidden behind a malformed request is ever taken for a request.

uvicorn's class is subclassed for its place in uvicorn's life cycle (`ServerState.connections`, `shutdown`); the request
path is ours: no ASGI scope, task or timer is made for a request. The class is not public, hence the narrow range of
versions in pyproject.toml and the raw-socket tests.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import time
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ...words.event import Arrival, Reply
from .bodies import Malformed
from .connections import SHOWN, Listening, Refusal
from .framing import RequestReader, Stage
from .replying import ends_connection, excuse, response

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """One request, and the reply it gets when its turn comes."""

    __slots__ = ("_capture", "http10", "keep_alive", "plain", "reply", "to_head")

    def __init__(
        self, capture: CaptureProtocol, *, keep_alive: bool, to_head: bool, http10: bool, reply: Reply | None = None
    ) -> None:
        self._capture = capture
        self.keep_alive = keep_alive
        self.to_head = to_head
        self.http10 = http10
        self.plain = keep_alive and not to_head and not http10  # nothing about its reply is special
        self.reply = reply

    def respond(self, reply: Reply) -> None:
        """Send the reply, or keep it until those before it are sent. Does nothing when the sender is gone."""
        if self.reply is not None:
            raise RuntimeError("a request was answered twice")
        self.reply = reply
        waiting = self._capture.waiting
        if waiting and waiting[0] is self:
            self._capture.flush()

    def instead(self, reply: Reply) -> Exchange:
        """The same place in the row with a reply of our own; whatever `respond` still brings goes nowhere."""
        return Exchange(
            self._capture, keep_alive=self.keep_alive, to_head=self.to_head, http10=self.http10, reply=reply
        )


class CaptureProtocol(HttpToolsProtocol):
    """One connection of the listener.

    Each whole request goes to `accept` as an `Arrival`, each refused one to `refused`. Replies go out in the order of
    the requests, whenever they come.
    """

    def __init__(
        self,
        config: Config,
        server_state: Listening,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.waiting: deque[Exchange] = deque()  # requests not answered yet, the oldest first
        self.active_at = 0.0  # when a request last grew or was answered; this and the next three in the loop's seconds
        self._began_at = 0.0  # when the unfinished head, or the unfinished body, began
        self._blocked_at: float | None = None  # since when the sender has not read our replies
        self._closed_at: float | None = None  # when the last reply went out
        self._shared = server_state
        self._limits = server_state.limits
        self._reader = RequestReader(server_state.limits, server_state.spools)
        self.parser = self._reader.parser
        self._peer: str | None = None
        self._rest = b""  # not read yet: an unfinished head, or requests beyond `unanswered`
        self._stage = Stage.BETWEEN
        self._served = False  # a request has come whole on this connection
        self._deaf = False  # no further request is read
        self._lingers = False  # the sender may still be sending when we close
        self._eof = False  # the sender has sent all it will
        self._paused = False  # we are not reading

    # What the listener asks of a connection.

    @property
    def unanswered(self) -> bool:
        """Its sender waits for a reply of ours."""
        return bool(self.waiting)

    @property
    def midway(self) -> bool:
        """A request has begun and is not whole."""
        return self._stage is not Stage.BETWEEN

    @property
    def closing(self) -> bool:
        """Its last reply is out."""
        return self._closed_at is not None

    def check(self, now: float) -> None:
        """Hold the deadlines; `now` in the loop's seconds."""
        limits = self._limits
        if self._closed_at is not None:
            if now - self._closed_at >= limits.linger:
                self.transport.abort()
        elif self._blocked_at is not None:
            if now - self._blocked_at >= limits.keep_alive:
                self.drop("the sender does not read our replies")
        elif self.midway:
            if not self._paused and (reason := self._too_slow(now)):
                self._refuse(408, reason)
        elif not self.waiting and now - self.active_at >= (limits.keep_alive if self._served else limits.head_time):
            self._finish()

    def shutdown(self) -> None:
        """The listener stops: a resting connection closes now, any other after its last reply."""
        if not self.waiting and not self.midway:
            self._finish()

    def cut(self) -> None:
        """The listener stops waiting: 503 for every request that has begun, so that it is sent again."""
        reason = "the listener is stopping"
        for place, exchange in enumerate(self.waiting):
            if exchange.reply is None:
                self.waiting[place] = exchange.instead(excuse(503, reason))
        if self.midway:
            self._refuse(503, reason)
        self.flush()
        self._finish()

    def drop(self, reason: str) -> None:
        """Close without a word; a request that had begun is told to `refused`."""
        if self.midway:
            self._tell(None, reason)
        self._closed_at = self.loop.time()
        self.transport.abort()

    # What the event loop tells us.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._peer = address(transport)
        self.active_at = self.loop.time()
        self._shared.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._shared.remove(self)
        if self.midway:
            self._tell(None, "the sender went away inside a request")
        self.waiting.clear()
        self._reader.forget()
        del self.parser

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._lingers = True
            return
        if self._rest:
            data = self._rest + data
            self._rest = b""
        self._read(data)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The sender will send no more, but may well wait for its replies: a half-close is no good-bye."""
        self._eof = True
        if self._stage is Stage.HEAD:
            self._refuse(400, "the request ended inside its head")
        elif self._stage is Stage.BODY:
            self._tell(None, "the sender went away inside a body")
        if self.waiting and self.transport.can_write_eof():
            return True
        self._finish()
        return None

    def pause_writing(self) -> None:
        self._blocked_at = self.loop.time()
        self._pause()

    def resume_writing(self) -> None:
        self._blocked_at = None
        self._resume()

    # Reading.

    def _read(self, data: bytes) -> None:
        reader, at, end = self._reader, 0, len(data)
        try:
            while at < end:
                at = reader.read(data, at)
                if not reader.whole:
                    self._wait_for_more(data[at:])
                    return
                self._arrived(reader)
                if self._deaf:
                    return
                if len(self.waiting) >= self._limits.unanswered or self._blocked_at is not None:
                    self._rest = data[at:]
                    self._pause()
                    return
        except Malformed as fault:
            self._refuse(fault.status, fault.reason)

    def _wait_for_more(self, rest: bytes) -> None:
        self._rest = rest
        stage = self._reader.stage
        if stage is Stage.BETWEEN:
            return  # only empty lines came: whoever sends nothing else is idle
        self.active_at = self.loop.time()
        if stage is not self._stage:
            self._stage, self._began_at = stage, self.active_at
        if self._reader.expects_continue:
            self._continue()

    def _arrived(self, reader: RequestReader) -> None:
        self._stage = Stage.BETWEEN
        self._served = True
        self._deaf = not reader.keep_alive  # RFC 9112 section 9.6: nothing behind it is read
        exchange = Exchange(
            self, keep_alive=reader.keep_alive, to_head=reader.method == b"HEAD", http10=reader.version == b"1.0"
        )
        self.waiting.append(exchange)
        arrival = Arrival(time(), reader.head, reader.method, reader.target, reader.body, reader.trailers, self._peer)
        try:
            self._shared.accept(arrival, exchange.respond)
        except Exception as error:
            self.loop.call_exception_handler({"message": "a request could not be accepted", "exception": error})
            if exchange.reply is None:
                exchange.respond(excuse(500, "the listener failed"))  # so that it is sent again

    def _continue(self) -> None:
        """100 (Continue), once earlier replies are out, to a sender that waits for it (RFC 9110 section 10.1.1)."""
        if not self.waiting and self._stage is Stage.BODY:
            self._reader.expects_continue = False
            self.transport.write(_CONTINUE)

    def _too_slow(self, now: float) -> str | None:
        """Why the unfinished request has had its time, or None."""
        limits, elapsed = self._limits, now - self._began_at
        if self._stage is Stage.HEAD:
            return "the head took too long" if elapsed >= limits.head_time else None
        if now - self.active_at >= limits.body_idle:
            return "no more of the body came"
        slow = elapsed >= limits.body_grace and self._reader.came < limits.body_rate * elapsed
        return "the body came too slowly" if slow else None

    def _pause(self) -> None:
        """Stop reading: too many replies are owed, or not read."""
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        """Read on if nothing is in the way any more: first what is here already, then the socket."""
        full = len(self.waiting) >= self._limits.unanswered and not self._deaf
        if not self._paused or full or self._blocked_at is not None:
            return
        self._paused = False
        self.active_at = self._began_at = self.loop.time()  # the time since then was ours
        if self._rest and not self._deaf:
            rest, self._rest = self._rest, b""
            self._read(rest)
        if not self._paused and not self.transport.is_closing():
            self.transport.resume_reading()

    # Writing.

    def flush(self) -> None:
        """Send the replies that are ready and whose turn it is."""
        waiting, transport, shared = self.waiting, self.transport, self._shared
        if transport.is_closing():
            return
        while waiting and (reply := waiting[0].reply) is not None:
            exchange = waiting.popleft()
            if exchange.plain and reply is shared.usual:
                transport.write(shared.usual_bytes)
            else:
                self._write(exchange, reply)
        self.active_at = self.loop.time()
        if not waiting and self._closed_at is None:
            self._nothing_owed()
        if self._paused:
            self._resume()

    def _write(self, exchange: Exchange, reply: Reply) -> None:
        last = self._shared.stopping and not self.waiting and not self.midway
        close = last or not exchange.keep_alive or ends_connection(reply, to_head=exchange.to_head)
        connection = b"close" if close else b"keep-alive" if exchange.http10 else None
        wire = response(reply, to_head=exchange.to_head, connection=connection)
        self.transport.write(wire)
        if close:
            self._finish()
        elif exchange.plain and not self._shared.stopping:
            self._shared.usual, self._shared.usual_bytes = reply, wire

    def _nothing_owed(self) -> None:
        if self._eof:
            self._finish()
        elif self._reader.expects_continue:
            self._continue()

    def _finish(self) -> None:
        """Close. A sender that may still be sending gets time to read our answer first.

        Closing on unread bytes makes the kernel send a reset, which can overtake the answer (RFC 9112 section 9.6).
        """
        if self._closed_at is not None:
            return
        self._deaf = True
        self._stage = Stage.BETWEEN
        self.waiting.clear()
        self._closed_at = self.loop.time()
        if self._lingers and not self._eof and self.transport.can_write_eof():
            self.transport.write_eof()
            self._resume()
        elif self._lingers and not self._eof:  # TLS has no half-close: what still comes is read and dropped
            self._resume()
        else:
            self.transport.close()

    def _refuse(self, status: int, reason: str) -> None:
        """Tell the listener now and the sender when its turn comes; hear no more."""
        self._tell(status, reason)
        self._lingers = True
        to_head = self._reader.head.startswith(b"HEAD ")
        self.waiting.append(
            Exchange(self, keep_alive=False, to_head=to_head, http10=False, reply=excuse(status, reason))
        )
        self.flush()

    def _tell(self, status: int | None, reason: str) -> None:
        """What had begun becomes no event."""
        start = self._reader.head[:SHOWN]
        self._reader.abandon()
        self._deaf = True
        self._stage = Stage.BETWEEN
        self._rest = b""
        self._shared.refused(Refusal(received_at=time(), peer=self._peer, status=status, reason=reason, start=start))


def address(transport: asyncio.BaseTransport) -> str | None:
    """Where the bytes come from: `127.0.0.1:54321`, `[::1]:54321`; None when the peer was gone before we looked."""
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, list | tuple) or len(peer) < 2:
        return None
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
