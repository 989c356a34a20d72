"""From bytes to requests: where a request begins and ends, what is refused, and nothing about sockets or clocks.

Head first. The bytes up to the first CR LF CR LF are the request head and are kept as they came. llhttp then gets a
*neutral copy*: `POST / HTTP/1.1` in place of the request line, and the name `Upgrade` spelled `X-UPGRD`. So llhttp does
all framing and header checks, strictly, but no method or target is unknown to it and nothing can lead it into upgrade
mode, where it would take a body for another protocol. What it never sees is checked here: the request line, by one
regular expression.

Where a body of declared length ends is worked out twice, here and by llhttp; if the two ever differ the request is
refused. A chunked message can only end at a CR LF CR LF, so llhttp is never fed past one in a single call. Both keep
the next pipelined head away from llhttp until it is neutral too.
"""

from __future__ import annotations

import re
from enum import Enum

import httptools

from ...words.event import Headers, Spooled
from ...words.head import END, REQUEST_LINE, TOKEN
from ...words.record import record
from .bodies import LLHTTP, Body, Chunks, Malformed, Spools


@record
class Limits:
    """What one sender may ask of the listener: generous to every webhook sender, short of what hurts us."""

    body: int = 25 * 2**20  # bytes after de-chunking; more is 413
    head: int = 64 * 2**10  # bytes; more is 431
    lines: int = 1_000  # field lines of a head; more is 431
    head_time: float = 8.0  # seconds from the first byte of a head to its last; longer is 408
    body_idle: float = 8.0  # seconds without a byte of an unfinished body; longer is 408
    body_rate: int = 1_000  # bytes of body a second, on average, once `body_grace` is over; fewer is 408
    body_grace: float = 8.0  # seconds from the end of the head
    connections: int = 512  # open at a time; the longest idle is closed first
    keep_alive: float = 30.0  # seconds a connection may rest between requests, or leave our replies unread
    unanswered: int = 64  # pipelined requests waiting for their reply; at that many we stop reading
    linger: float = 5.0  # seconds in which a refused sender can read our answer while it still sends

    @property
    def tick(self) -> float:
        """Seconds between two looks at the clock: one, or fewer under very short limits."""
        return min(1.0, min(self.head_time, self.body_idle, self.body_grace, self.keep_alive, self.linger) / 4)


class Stage(Enum):
    """How far the next request has come."""

    BETWEEN = "nothing of it is here"
    HEAD = "inside its head"
    BODY = "inside its body"


# Bytes that are no HTTP/1.0 or 1.1 request line, and what they are. The first row that matches gives the sentence.
_TARGET = rb"[^\x00-\x20\x7f]+"
_STRANGERS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (
            rb"\x16(?:\x03|\Z)",
            "TLS on the plain port: use http:// here, or whcli listen --tls",
        ),  # RFC 8446 section 5.1: type handshake, version 3.x
        (rb"PRI \* HTTP/2", "HTTP/2 on a port that speaks HTTP/1.1"),  # RFC 9113 section 3.4
        (TOKEN + b" " + _TARGET + rb" HTTP/1\.[01]\n", "a line ends in LF without CR"),
        (TOKEN + b" " + _TARGET + rb" HTTP/[0-9]", "not HTTP/1.0 or HTTP/1.1"),
        (TOKEN + b" " + _TARGET + rb"[\r\n]", "HTTP/0.9: a request line without a version"),
        (rb"", "not an HTTP/1.1 request line"),
    )
)
_PARTIAL_LINE = re.compile(TOKEN + rb"(?: (?:" + _TARGET + rb"(?: [HTP/.01\r]{0,9})?)?)?")
_EMPTY_LINES = re.compile(rb"(?:\r\n)+")  # RFC 9112 section 2.2: ignored before a request line
_EXPECTS_CONTINUE = re.compile(rb"\nexpect:[ \t]*100-continue[ \t]*\r")  # other values are ignored (RFC 9110, 10.1.1)
_SPECIAL = re.compile(rb"\n(?:upgrade|transfer-encoding):")
_UPGRADE = re.compile(rb"(?i)\nupgrade:")
_NEUTRAL_LINE = {b"1.1": b"POST / HTTP/1.1\r\n", b"1.0": b"POST / HTTP/1.0\r\n"}
_SHORT = 256  # bytes of a request line that are looked at as often as they grow
_BARE_LF = "a line ends in LF without CR"
_HEAD_LIMIT = "the head of the request is larger than the limit"
_BODY_LIMIT = "the body is larger than the limit"
_DOUBT = "the end of the request is in doubt"


class RequestReader:
    """The bytes of one connection, taken apart into requests.

    `read` is given bytes and stops at the end of each request; the fields then hold that request. After `Malformed` the
    reader is of no further use: what follows a request whose end is in doubt is nobody's request (RFC 9112, 11.2).
    """

    def __init__(self, limits: Limits, spools: Spools | None = None) -> None:
        self._limits = limits
        self._spools = spools  # None: large bodies are held in memory too
        self.parser = httptools.HttpRequestParser(self)
        self.stage = Stage.BETWEEN
        self.whole = False  # the last `read` ended at the end of a request
        self.head = b""  # as it came; of an unfinished or refused head, what came
        self.method = b""
        self.target = b""
        self.version = b""  # b"1.1"
        self.body: bytes | Spooled = b""
        self.trailers: Headers = ()
        self.keep_alive = True  # the sender lets the connection go on
        self.expects_continue = False  # the sender waits for 100 (Continue) before it sends the body
        self._complete = False  # llhttp saw the end of the request
        self._judged = 0  # how many bytes of the unfinished head were found to be a good beginning; -1: a good line
        self._left = 0  # bytes that a body of declared length still lacks
        self._body: Body | None = None  # while it comes
        self._chunks: Chunks | None = None

    @property
    def came(self) -> int:
        """Bytes of the unfinished body that are here."""
        return 0 if self._body is None else len(self._body)

    def read(self, data: bytes, at: int = 0) -> int:
        """Read from `data[at:]` to the end of one request, or as far as it goes. Returns how far.

        Bytes from there on are to be given again, with those that come after them. Raises Malformed.
        """
        self.whole = False
        if self._body is None:
            return self._read_head(data, at)
        if self._chunks is None:
            return self._read_sized(data, at, self._body)
        return self._read_chunks(data, at, self._chunks, self._body)

    def abandon(self) -> None:
        """The unfinished body will never be whole: let go of what has come."""
        if self._body is not None:
            self._body.drop()
            self._body = None

    def forget(self) -> None:
        """The end; llhttp's callbacks and the reader hold each other."""
        self.abandon()
        del self.parser
        self._chunks = None

    def on_message_complete(self) -> None:
        """Called by llhttp. Other callbacks are not defined, so headers cost no Python call."""
        self._complete = True
        self.keep_alive = self.parser.should_keep_alive()

    def _read_head(self, data: bytes, at: int) -> int:
        end = data.find(END, at) + 4
        line = REQUEST_LINE.match(data, at) if end > 3 else None
        if line is None:
            return self._read_unfinished_head(data, at)
        self.head = head = data[at:end]
        if len(head) > self._limits.head or head.count(b"\n") > self._limits.lines + 2:
            raise Malformed(431, _HEAD_LIMIT)
        self.method, self.target, self.version = line.groups()
        lowered = head.lower()
        neutral = _NEUTRAL_LINE[self.version] + data[line.end() : end]
        if _SPECIAL.search(lowered):
            neutral = _UPGRADE.sub(b"\nX-UPGRD:", neutral)
            if b"\ntransfer-encoding:" in lowered:
                return self._begin_chunks(neutral, lowered, data, end)
        self._complete = False
        self._feed(neutral)
        if not self._complete:
            return self._begin_sized(lowered, data, end)
        self.body, self.trailers = b"", ()
        return self._end(end)

    def _read_unfinished_head(self, data: bytes, at: int) -> int:
        """Refuse at once what cannot become a head; otherwise wait for more."""
        empty = _EMPTY_LINES.match(data, at)
        if empty is not None:
            return self._read_head(data, empty.end()) if empty.end() < len(data) else len(data)
        if data[at:] == b"\r":  # half an empty line
            return at
        self.stage = Stage.HEAD
        self.head = head = data[at:]
        if len(head) > self._limits.head or head.count(b"\n") > self._limits.lines + 1:
            raise Malformed(431, _HEAD_LIMIT)
        self._judge(head)
        return at

    def _judge(self, head: bytes) -> None:
        """Raise Malformed for a bad beginning. A long line that comes byte by byte is judged when it has doubled."""
        ended = b"\n" in head
        if self._judged >= 0 and (ended or len(head) >= 2 * self._judged):
            line = REQUEST_LINE.match(head) if ended else _PARTIAL_LINE.fullmatch(head)
            if line is None:
                raise Malformed(400, next(reason for pattern, reason in _STRANGERS if pattern.match(head)))
            self._judged = -1 if ended else len(head) if len(head) > _SHORT else 0
        if ended and head.count(b"\n") != head.count(b"\r\n"):
            raise Malformed(400, _BARE_LF)

    def _begin_sized(self, lowered: bytes, data: bytes, at: int) -> int:
        """A body of declared length; llhttp has made sure of one Content-Length, which is a number."""
        field = lowered.index(b"\ncontent-length:") + 16
        left = int(lowered[field : lowered.index(b"\r", field)])
        if left > self._limits.body:
            raise Malformed(413, _BODY_LIMIT)
        stop = at + left
        if stop <= len(data):
            self.body = part = data[at:stop]
            return self._end_sized(part, stop)
        self._left = left
        return self._read_sized(data, at, self._begin_body(lowered, unsent=at == len(data)))

    def _read_sized(self, data: bytes, at: int, body: Body) -> int:
        part = data[at : at + self._left]
        body.held += part
        self._left -= len(part)
        body.spill()
        if not self._left:
            self._end_sized(part, at + len(part))
            self.body, self._body = body.whole(), None
            return at + len(part)
        self._feed(part)
        if self._complete:
            raise Malformed(400, _DOUBT)
        return at + len(part)

    def _end_sized(self, part: bytes, at: int) -> int:
        """The last part of a body: llhttp must see the end of the request right behind it."""
        self._feed(part)
        if not self._complete:
            raise Malformed(400, _DOUBT)
        self.trailers = ()
        return self._end(at)

    def _begin_chunks(self, neutral: bytes, lowered: bytes, data: bytes, at: int) -> int:
        # RFC 9112 section 6.1 lets a server refuse both of these, the shapes of request smuggling.
        if b"\ncontent-length:" in lowered:
            raise Malformed(400, "both Content-Length and Transfer-Encoding")
        if self.version == b"1.0":
            raise Malformed(400, "Transfer-Encoding in an HTTP/1.0 request")
        chunks = self._chunks = Chunks()
        chunks.feed(neutral)
        if chunks.complete:
            raise Malformed(400, _DOUBT)
        self.keep_alive = chunks.parser.should_keep_alive()
        body = chunks.body = self._begin_body(lowered, unsent=at == len(data))
        return self._read_chunks(data, at, chunks, body)

    def _read_chunks(self, data: bytes, at: int, chunks: Chunks, body: Body) -> int:
        view = memoryview(data)
        last = (chunks.tail + data[max(at, len(data) - 3) :])[-3:]
        while at < len(data):
            stop = chunks.stop(data, at)
            chunks.overhead += stop - at
            chunks.feed(view[at:stop])
            if len(body) > self._limits.body:
                raise Malformed(413, _BODY_LIMIT)
            if chunks.overhead > self._limits.head or len(chunks.trailers) > self._limits.lines:
                raise Malformed(431, "the trailers or chunk extensions are larger than the limit")
            at = stop
            body.spill()
            if chunks.complete:
                self.body, self.trailers = body.whole(), tuple(chunks.trailers)
                self._body = self._chunks = None
                del chunks.parser  # they hold each other
                return self._end(at)
        chunks.tail = last
        return at

    def _begin_body(self, lowered: bytes, *, unsent: bool) -> Body:
        self.stage = Stage.BODY
        self._body = Body(self._spools)
        self.expects_continue = (
            unsent and b"\nexpect:" in lowered and self.version == b"1.1" and bool(_EXPECTS_CONTINUE.search(lowered))
        )
        return self._body

    def _end(self, at: int) -> int:
        self.stage = Stage.BETWEEN
        self.whole = True
        self._judged = 0
        return at

    def _feed(self, part: bytes) -> None:
        try:
            self.parser.feed_data(part)
        except LLHTTP as error:
            raise Malformed(400, f"malformed request: {error}") from None
