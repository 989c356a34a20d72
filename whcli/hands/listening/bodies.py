"""Bodies while they come: what is held, what is written down, and how chunks are taken apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import httptools

from ...words.event import HELD, Spooled
from ...words.head import END

_PART = 64 * 2**10  # bytes of a body beyond HELD that are gathered before they are written
_NO_ROOM = "the body could not be kept"
LLHTTP = (httptools.HttpParserError, httptools.HttpParserUpgrade)


class Growing(Spooled, Protocol):
    """A large body while it comes."""

    def add(self, data: bytes | bytearray) -> None:
        """Write behind what is there; raises OSError."""


Spools = Callable[[], Growing]
"""Opens a place for one large body; raises OSError."""


class Malformed(Exception):
    """These bytes are no request that we take: the status for the sender, one sentence in our words for the user."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Body:
    """What has come of a body: in memory up to HELD bytes; what is more goes to a place that is opened for it."""

    __slots__ = ("_most", "_place", "_spools", "held")

    def __init__(self, spools: Spools | None) -> None:
        self.held = bytearray()
        self._spools = spools
        self._place: Growing | None = None
        self._most = HELD

    def __len__(self) -> int:
        return len(self.held) if self._place is None else len(self._place) + len(self.held)

    def spill(self) -> None:
        """Write down what is too much for memory. Raises Malformed, with 503, where that cannot be done."""
        if len(self.held) > self._most and self._spools is not None:
            try:
                if self._place is None:
                    self._place, self._most = self._spools(), _PART
                self._place.add(self.held)
            except OSError as error:
                raise Malformed(503, f"{_NO_ROOM}: {(error.strerror or str(error)).lower()}") from None
            self.held = bytearray()

    def whole(self) -> bytes | Spooled:
        """All of it."""
        if self._place is None:
            return bytes(self.held)
        self._most = 0
        self.spill()
        return self._place

    def drop(self) -> None:
        """It is given up."""
        if self._place is not None:
            self._place.close()


class Chunks:
    """A chunked body as llhttp takes it apart, and its trailers, which never join the headers (RFC 9110, 6.5.1)."""

    __slots__ = ("_within", "body", "complete", "overhead", "parser", "tail", "trailers")

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.body = Body(None)
        self.trailers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.overhead = 0  # bytes fed since the last byte of body: chunk extensions and trailers
        self.tail = b""  # the last three bytes before those fed next: a CR LF CR LF may begin in them
        self._within = False  # past the head

    def stop(self, data: bytes, at: int) -> int:
        """How far llhttp may be fed: past the next CR LF CR LF, where the message may end, or to the end."""
        tail, self.tail = self.tail, b""
        found = (tail + data[at : at + 3]).find(END)
        if found >= 0:
            return at + found + 4 - len(tail)
        found = data.find(END, at)
        return len(data) if found < 0 else found + 4

    def feed(self, part: bytes | memoryview) -> None:
        """Give bytes to llhttp. Raises Malformed."""
        try:
            self.parser.feed_data(part)
        except LLHTTP as error:
            raise Malformed(400, f"malformed request: {error}") from None

    def on_headers_complete(self) -> None:
        self._within = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._within:
            self.trailers.append((name, value.strip(b" \t")))

    def on_body(self, part: bytes) -> None:
        self.body.held += part
        self.overhead = 0

    def on_message_complete(self) -> None:
        self.complete = True
