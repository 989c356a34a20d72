"""Our own HTTP/1.1 writer: the bytes of a request onto a connection, the reply off it.

httpx and h11 are careful, so they refuse or change what a webhook can really hold (see `client.why_own`). Here the
request is written as it stands; `rules.outgoing.require_sendable` has refused what would not arrive as one request. The
reply is read by httptools (llhttp, strict). Connections are kept for the next request to the same destination.

A request is never sent twice: a connection that breaks may have delivered it, and a webhook is not idempotent
(RFC 9110 section 9.2.2). So a connection that was idle for longer than any usual server keeps one open is not used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import NamedTuple

import httptools

from ...rules.target import TargetUrl, is_loopback
from ...words.event import Headers, Outgoing, Reply, every
from ...words.record import record
from .deadlines import Deadlines

HEAD_LIMIT = 256 * 1024  # bytes of a reply before its head ends, 1xx replies counted in
READ_LIMIT = 64 * 1024 * 1024  # bytes of a reply that are read at most; what is kept is less
IDLE_LIMIT = 1.0  # seconds; gunicorn closes after 2, Node.js and uvicorn after 5


class NotConnected(Exception):
    """No connection came about, so no byte of a request has left; `cause` says why."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Broken(Exception):
    """No whole reply came; says what the other side did instead, as the end of a sentence."""


class Limits(NamedTuple):
    """How long to wait and how much to keep."""

    timeout: float | None  # seconds from the connection being there to the end of the reply
    connect: float  # seconds for getting a connection, TLS included; shared out among a destination's addresses
    reply: int  # bytes of a reply's body that are kept
    keep: int  # idle connections kept for each destination


class Answer(NamedTuple):
    """A reply and how long it took."""

    reply: Reply
    latency: float  # seconds from the connection being there to the end of the reply


@record
class Manner:
    """How a request is sent, where that is not simply at once and to the end of the reply."""

    gate: Callable[[], Awaitable[None]] | None = None  # awaited before the last byte: a race's start
    hang_up: bool = False  # close as soon as the status is there, as a sender that lost the acknowledgement


AT_ONCE = Manner()


@record
class Destination:
    """Where a target URL leads. Its name was looked up once: what was checked is what is connected to."""

    scheme: str
    host: str
    port: int
    name: str  # "localhost:3000", for people
    addresses: tuple[str, ...]  # IP addresses in the resolver's order

    @property
    def local(self) -> bool:
        """True when every address is on this machine's loopback interface."""
        return bool(self.addresses) and all(is_loopback(address) for address in self.addresses)

    def __hash__(self) -> int:
        return hash(self.name)  # asked for at every request


async def look_up(target: TargetUrl, *, resolve: bool = True) -> Destination:
    """Find the addresses of a target, once; none unless `resolve`. Raises OSError: socket.gaierror for no such name."""
    addresses: tuple[str, ...] = ()
    if resolve:
        # As bytes the name does not go through the idna codec, which would be loaded for it.
        find = asyncio.get_running_loop().getaddrinfo
        found = await find(target.host.encode(), target.port, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    return Destination(
        scheme=target.scheme, host=target.host, port=target.port, name=target.authority, addresses=addresses
    )


def request_bytes(outgoing: Outgoing) -> bytes:
    """The request as it goes out."""
    lines = [b"%s %s HTTP/1.1\r\n" % (outgoing.method, outgoing.target)]
    lines += [b"%s: %s\r\n" % pair for pair in outgoing.headers]
    return b"".join([*lines, b"\r\n", outgoing.body])


class Reading:
    """The reply to one request while it arrives; httptools calls the `on_` methods."""

    def __init__(self, method: bytes, limit: int, *, head_only: bool = False) -> None:
        self.whole = False
        self.reusable = False  # the connection can carry another request
        self._method = method
        self._limit = limit
        self._head_only = head_only
        self._seen = 0  # bytes
        self._headers: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._status = 0  # 0 until the final head is whole
        self._body = bytearray()
        self._truncated = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def reply(self) -> Reply:
        return Reply(
            status=self._status,
            headers=tuple(self._headers),
            body=bytes(self._body),
            reason=self._reason.decode("latin-1"),
            truncated=self._truncated,
        )

    def feed(self, data: bytes) -> None:
        """Take bytes off the wire. Raises Broken when they are no HTTP reply."""
        self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise Broken("switched to another protocol, which nobody asked for") from None
        except httptools.HttpParserError as error:
            self.reusable = False
            if not self.whole:
                raise Broken(f"sent something that is not an HTTP/1.1 reply ({error})") from None
        if not self._status and self._seen > HEAD_LIMIT:
            raise Broken(f"sent a reply whose headers are larger than {HEAD_LIMIT // 1024} KiB")
        if self._seen > READ_LIMIT:
            self.whole, self._truncated = True, True

    def end(self, error: Exception | None) -> None:
        """The other side has closed. Raises Broken unless that is how its reply ends (RFC 9112 section 6.3)."""
        if not self._seen:
            raise Broken("closed the connection without a reply")
        if not self.whole and (error or not self._status or _framed(tuple(self._headers))):
            raise Broken("broke off before the end of its reply")
        self.whole = True

    def on_message_begin(self) -> None:
        self.reusable = False  # after the end: more than one reply to one request

    def on_status(self, part: bytes) -> None:
        self._reason += b"" if self.whole else part

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._status:  # later ones are trailers
            self._headers.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self.whole:
            return
        self._status = status
        # To httptools every reply may have a body; to HEAD there is none (RFC 9112 section 6.3).
        self.whole = self._head_only or self._method == b"HEAD" or (self._method == b"CONNECT" and status < 300)

    def on_body(self, part: bytes) -> None:
        if self.whole:
            return
        room = self._limit - len(self._body)
        self._body += part[:room]
        self._truncated = self._truncated or len(part) > room

    def on_message_complete(self) -> None:
        if not self._status:  # 100 Continue, 103 Early Hints: the reply is still to come (RFC 9110 section 15.2)
            self._headers, self._reason = [], b""
        elif not self.whole:
            self.whole, self.reusable = True, self._parser.should_keep_alive()


def _framed(headers: Headers) -> bool:
    """True when a reply says where its body ends."""
    codings = b",".join(every(headers, b"transfer-encoding"))
    if codings:
        return codings.rpartition(b",")[2].strip(b" \t").lower() == b"chunked"
    return bool(every(headers, b"content-length"))


class Wire(asyncio.Protocol):
    """One connection: one request at a time, then its reply."""

    def __init__(self) -> None:
        self.closed = False
        self.idle_since = 0.0  # seconds on the monotonic clock
        self._reading: Reading | None = None
        self._done: asyncio.Future[None] | None = None
        self._taken = asyncio.Event()  # nothing of ours waits for the kernel
        self._taken.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio gives a Transport to a Protocol

    async def exchange(self, outgoing: Outgoing, limit: int, manner: Manner = AT_ONCE) -> tuple[Reply, bool]:
        """Send, and give the reply and whether another request may follow. Raises Broken; closes on any trouble."""
        self._reading = reading = Reading(outgoing.method, limit, head_only=manner.hang_up)
        self._done = asyncio.get_running_loop().create_future()
        try:
            if manner.gate is None:
                self._transport.write(request_bytes(outgoing))
            else:
                await self._write(request_bytes(outgoing), manner.gate)
            await self._done
        except BaseException:
            self.close()
            raise
        finally:
            self._reading = None
        # A reply that came before the whole request was taken leaves its rest on the wire.
        reusable = reading.reusable and not self.closed and not self._transport.get_write_buffer_size()
        return reading.reply, reusable

    async def _write(self, data: bytes, gate: Callable[[], Awaitable[None]]) -> None:
        self._transport.set_write_buffer_limits(high=0)  # so that `resume_writing` means: the kernel has all of it
        self._transport.write(data[:-1])
        await self._taken.wait()
        await gate()
        self._transport.write(data[-1:])

    def data_received(self, data: bytes) -> None:
        if self._reading is None or self._reading.whole:
            return self.close()  # nobody asked
        try:
            self._reading.feed(data)
        except Broken as error:
            return self._finish(error)
        if self._reading.whole:
            self._finish(None)

    def pause_writing(self) -> None:
        self._taken.clear()

    def resume_writing(self) -> None:
        self._taken.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._taken.set()
        if self._reading is None:
            return
        try:
            self._reading.end(error)
        except Broken as broken:
            return self._finish(broken)
        self._finish(None)

    def close(self) -> None:
        self.closed = True
        self._transport.abort()  # a close would wait for the peer's part of closing TLS

    def late(self) -> None:
        """Give up waiting for the reply: the exchange raises TimeoutError."""
        self._finish(TimeoutError())

    def _finish(self, error: Broken | TimeoutError | None) -> None:
        if self._done is None or self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


class Wires:
    """Connections by destination; at most `limits.keep` idle ones each. `tls` makes the context when one is needed."""

    def __init__(self, limits: Limits, tls: Callable[[], ssl.SSLContext]) -> None:
        self._limits = limits
        self._tls = tls
        self._deadlines = Deadlines(limits.timeout)
        self._idle: defaultdict[Destination, list[Wire]] = defaultdict(list)

    async def send(self, outgoing: Outgoing, destination: Destination, manner: Manner = AT_ONCE) -> Answer:
        """One request and its reply. Raises NotConnected, Broken, and TimeoutError when the reply takes too long."""
        idle = self._idle[destination]
        wire = self._idle_wire(idle) or await self._connect(destination)
        started = perf_counter()
        if manner.gate is None:
            self._deadlines.begin(wire, wire.late)
            try:
                reply, reusable = await wire.exchange(outgoing, self._limits.reply, manner)
            finally:
                self._deadlines.end(wire)
        else:  # it waits for others too, not for its reply alone
            async with asyncio.timeout(self._limits.timeout):
                reply, reusable = await wire.exchange(outgoing, self._limits.reply, manner)
        latency = perf_counter() - started
        self._give_back(idle, wire, reusable)
        return Answer(reply, latency)

    async def aclose(self) -> None:
        """Close every idle connection."""
        self._deadlines.close()
        for wires in self._idle.values():
            for wire in wires:
                wire.close()
            wires.clear()
        await asyncio.sleep(0)  # the loop takes them down in its next round

    def _idle_wire(self, idle: list[Wire]) -> Wire | None:
        while idle:
            wire = idle.pop()
            if not wire.closed and monotonic() - wire.idle_since < IDLE_LIMIT:
                return wire
            wire.close()
        return None

    def _give_back(self, idle: list[Wire], wire: Wire, reusable: bool) -> None:
        if not reusable or len(idle) >= self._limits.keep:
            return wire.close()
        wire.idle_since = monotonic()
        idle.append(wire)

    async def _connect(self, destination: Destination) -> Wire:
        """A connection to the first address that takes it."""
        context = self._tls() if destination.scheme == "https" else None
        host = destination.host.rstrip(".") if context else None
        create = asyncio.get_running_loop().create_connection
        failure: OSError = OSError("it has no address")
        for address in destination.addresses:
            try:
                async with asyncio.timeout(self._limits.connect / len(destination.addresses)):
                    _, wire = await create(Wire, address, destination.port, ssl=context, server_hostname=host)
                    return wire
            except OSError as error:
                failure = error
        raise NotConnected(failure) from failure
