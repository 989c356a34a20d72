"""Raw-socket tools: a sender that sends exactly the bytes it is told to, and a listener that remembers what came.

Everything that waits has a deadline, in seconds, and fails loudly when it passes.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from whcli.hands.listening.connections import Refusal, Respond
from whcli.hands.listening.framing import Limits
from whcli.hands.listening.server import Server, open_sockets
from whcli.hands.loops import loop_factory as default_loop
from whcli.words.event import Arrival, Headers, Reply, first

DEADLINE = 10.0
OK = Reply(status=200)


@dataclass(frozen=True)
class Response:
    """A response as it came."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes
    head: bytes  # raw

    def header(self, name: bytes) -> bytes | None:
        return first(self.headers, name)


class Wire:
    """One connection to a server on this machine."""

    def __init__(self, port: int, host: str = "127.0.0.1", deadline: float = DEADLINE) -> None:
        self.socket = socket.create_connection((host, port), timeout=deadline)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Our end, as the server names its peer."""
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, *parts: bytes) -> Wire:
        """Send each part in a packet of its own, as far as the kernel lets us."""
        for part in parts:
            self.socket.sendall(part)
        return self

    def send_bytewise(self, data: bytes) -> Wire:
        """Send byte by byte, each byte read by the server on its own more often than not."""
        return self.send(*(data[at : at + 1] for at in range(len(data))))

    def half_close(self) -> Wire:
        """Say that nothing more will be sent (FIN), and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Go away at once (RST)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def response(self, *, to_head: bool = False) -> Response:
        """The next response, interim ones (1xx) too. Fails when the connection ends before it is whole."""
        while b"\r\n\r\n" not in self._got:
            self._more()
        head, _, self._got = self._got.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        version, status, reason = line.split(b" ", 2)
        assert version == b"HTTP/1.1", line
        headers = tuple((name, value.strip()) for name, _, value in (each.partition(b":") for each in fields))
        bodiless = to_head or int(status) < 200 or int(status) in (204, 304)
        length = 0 if bodiless else int(first(headers, b"content-length") or 0)
        while len(self._got) < length:
            self._more()
        body, self._got = self._got[:length], self._got[length:]
        return Response(int(status), reason, headers, body, head + b"\r\n\r\n")

    def rest(self) -> bytes:
        """All that still comes until the server closes; a reset ends it too."""
        while True:
            try:
                self._more()
            except (EOFError, ConnectionError):
                got, self._got = self._got, b""
                return got

    def closed(self) -> bool:
        """True when the server closes the connection, within the deadline, without another byte."""
        return self.rest() == b""

    def silent(self, seconds: float) -> bool:
        """True when nothing comes for that long."""
        self.socket.settimeout(seconds)
        try:
            self._more()
        except TimeoutError:
            return not self._got
        except (EOFError, ConnectionError):
            return False
        return False

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the connection ended after {self._got!r}")
        self._got += data


def ask(port: int, request: bytes, *, host: str = "127.0.0.1", deadline: float = DEADLINE) -> Response:
    """Send one request on a connection of its own; its response."""
    with Wire(port, host, deadline) as wire:
        return wire.send(request).response(to_head=request.startswith(b"HEAD "))


def post(
    body: bytes = b"{}", target: bytes = b"/hook", headers: bytes = b"Content-Type: application/json\r\n"
) -> bytes:
    """The bytes of a plain POST; `headers` are whole lines, put behind Host."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + target + b" HTTP/1.1\r\nHost: localhost\r\n" + headers + length + b"\r\n" + body


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    """A body in chunks; `trailers` are whole lines."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers + b"\r\n"


def wait_for(what: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """Wait until it is true; gives its value."""
    end = time.monotonic() + deadline
    while not (value := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)
    return value


Answer = Callable[[Arrival, Respond], None]


@dataclass
class Listener:
    """A `Server` in a thread of its own, and what came to it."""

    limits: Limits = field(default_factory=Limits)
    answer: Answer = lambda arrival, respond: respond(OK)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    arrivals: list[Arrival] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    troubles: list[dict[str, Any]] = field(default_factory=list)  # what reached the loop's exception handler
    loop: asyncio.AbstractEventLoop = field(init=False)
    server: Server = field(init=False)
    port: int = 0

    def last(self) -> Arrival:
        """The request that came last; waits for the first."""
        wait_for(lambda: self.arrivals)
        return self.arrivals[-1]

    def refusal(self) -> Refusal:
        """The only refusal; waits for it."""
        wait_for(lambda: self.refusals)
        assert len(self.refusals) == 1, self.refusals
        return self.refusals[0]

    def call(self, coroutine: Any, deadline: float = DEADLINE) -> Any:
        """Run a coroutine on the listener's loop; its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(deadline)

    def connections(self) -> int:
        """How many connections are open."""
        return self.server.connections

    def accept(self, arrival: Arrival, respond: Respond) -> None:
        self.arrivals.append(arrival)
        self.answer(arrival, respond)

    async def serve(self, ready: threading.Event, over: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(lambda _, context: self.troubles.append(context))
        stop = self.stop = asyncio.Event()
        self.server = Server(open_sockets(port=0), self.limits, self.accept, self.refusals.append)
        self.port = int(self.server.urls[0].rpartition(":")[2])
        await self.server.start()
        ready.set()
        await stop.wait()
        await self.server.stop(grace=0.2)
        over.set()


@contextmanager
def listening(
    limits: Limits | None = None,
    answer: Answer | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[Listener]:
    """A listener on a free port. Leaving fails when any exception reached its loop's exception handler."""
    listener = Listener()
    listener.limits = limits or listener.limits
    listener.answer = answer or listener.answer
    ready, over = threading.Event(), threading.Event()
    factory = loop_factory or default_loop()

    def life() -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(listener.serve(ready, over))

    thread = threading.Thread(target=life, daemon=True)
    thread.start()
    assert ready.wait(DEADLINE), "the listener did not start"
    try:
        yield listener
    finally:
        listener.loop.call_soon_threadsafe(listener.stop.set)
        thread.join(DEADLINE)
    assert over.is_set(), "the listener did not stop"
    assert listener.troubles == []
