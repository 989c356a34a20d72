"""A handler on plain sockets that remembers all it was asked, and stores of captured events for it."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.receivers import split
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

SECRETS = {"stripe": "whsec_test", "github": "s3cret", "slack": "8f742231b10e8888abcd99yyyzzz85a5"}
SVIX = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw8w"  # 24 bytes in base64
CAPTURED = 1_700_000_000  # unix seconds

STRIPE_BODY = b'{"id":"evt_1MqqbKLt4dXK03v5qaIbiNCC","created":1700000000,"data":{"object":{"amount":100}}}'
STRIPE = (b"Content-Type: application/json\r\nStripe-Signature: t=1700000000,v1=" + b"0" * 64, STRIPE_BODY)
GITHUB_ID = b"72d3162e-cc78-11e3-81ab-4c9367dc0958"
GITHUB = (
    b"Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: %b\r\nX-Hub-Signature-256: sha256=%b"
    % (GITHUB_ID, b"0" * 64),
    b'{"ref":"a"}',
)
SLACK = (
    b"Content-Type: application/json\r\nX-Slack-Request-Timestamp: 1700000000\r\nX-Slack-Signature: v0=%b"
    % (b"0" * 64),
    b'{"type":"event_callback","event_id":"Ev08MFMKH6","event":{"type":"app_mention"}}',
)
SVIX_EVENT = (
    b"Content-Type: application/json\r\nsvix-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\nsvix-timestamp: 1700000000\r\n"
    b"svix-signature: v1,%b=" % (b"A" * 43),
    b'{"type":"user.created"}',
)


def reply(status: int = 200, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status} It\r\n{lines}Content-Length: 2\r\n\r\nok".encode()


class Handler:
    """A handler on plain sockets, all on one event loop: every request with the moment of its last byte."""

    def __init__(self, answer: Callable[[int, bytes], bytes] | bytes = b"", *, hold: float = 0.0) -> None:
        self._answer = (lambda number, request: answer or reply()) if isinstance(answer, bytes) else answer
        self._hold = hold  # seconds
        self.requests: list[bytes] = []
        self.times: list[float] = []  # of the monotonic clock
        self.said: list[tuple[str, int]] = []  # ("began" | "asked" | "closed", connection), in order
        self.inside = self.most = 0  # requests that wait for their answer

    def __enter__(self) -> Handler:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(ready)))
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def parts(self) -> list[tuple[bytes, dict[str, str], bytes]]:
        """The request line, headers and body of each request."""
        found = [split(request) for request in self.requests]
        return [(one, {n.decode().lower(): v.decode().strip() for n, v in pairs}, body) for one, pairs, body in found]

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.parts]

    async def _live(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        connections = itertools.count()
        server = await self._loop.create_server(lambda: Conversation(self, next(connections)), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()

    def took(self, request: bytes, answer: Callable[[bytes], None]) -> None:
        self.times.append(time.monotonic())
        self.requests.append(request)
        self.inside += 1
        self.most = max(self.most, self.inside)
        said = self._answer(len(self.requests), request)
        self._loop.call_later(self._hold, self._done, said, answer)

    def _done(self, said: bytes, answer: Callable[[bytes], None]) -> None:
        self.inside -= 1
        if said != SILENCE:
            answer(said)


SILENCE = b"silence"


class Conversation(asyncio.Protocol):
    """One connection of a handler."""

    def __init__(self, handler: Handler, number: int) -> None:
        self._handler, self._number, self._data = handler, number, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._data:
            self._handler.said.append(("began", self._number))
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        length = int(dict(split(head + found)[1]).get(b"Content-Length", b"0")) if found else 0
        if found and len(body) >= length:
            request, self._data = self._data, b""
            self._handler.said.append(("asked", self._number))
            self._handler.took(request, self._transport.write)

    def connection_lost(self, error: Exception | None) -> None:
        self._handler.said.append(("closed", self._number))


def kept(folder: Path, *events: tuple[bytes, bytes], apart: float = 1.0) -> None:
    """A store of (header lines, body), captured so many seconds apart."""
    make_folder(folder / ".whcli")
    with Store(folder / ".whcli", create=True) as store:
        store.add(
            [
                Arrival(
                    received_at=CAPTURED + n * apart,
                    head=b"POST /hooks HTTP/1.1\r\n%b\r\n\r\n" % lines,
                    method=b"POST",
                    target=b"/hooks",
                    body=body,
                    trailers=(),
                    peer=None,
                )
                for n, (lines, body) in enumerate(events)
            ]
        )


def three(folder: Path, apart: float = 1.0) -> None:
    """Events whose bodies are 1, 2 and 3."""
    kept(folder, *[(b"Content-Type: application/json", b"%d" % n) for n in (1, 2, 3)], apart=apart)


class Counting:
    """A handler whose state is a file with a number, written `later` seconds after the answer."""

    def __init__(self, folder: Path, counts: Callable[[int], int], answers: Callable[[int], int], later: float = 0.0):
        self._state = folder / "state"
        self._state.write_text("0")
        self._counts, self._answers, self._later = counts, answers, later

    def __call__(self, number: int, _: bytes) -> bytes:
        if self._later:
            threading.Timer(self._later, self._write, (number,)).start()
        else:
            self._write(number)
        return reply(self._answers(number))

    def _write(self, number: int) -> None:
        self._state.write_text(str(self._counts(number)))
