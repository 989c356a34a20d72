"""The records: an event as it arrived, what is sent for it, and what came back.

What came off the wire stays bytes until a person or a JSON file must read it. Header names keep the sender's spelling;
order and repeats are kept; look-ups ignore case (RFC 9110 section 5.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol, get_args

from .record import record

Headers = tuple[tuple[bytes, bytes], ...]
"""Field names and values as sent: order, case and repeats kept; values without the white space around them."""

Kind = Literal["forward", "relay", "replay", "confirm"]
"""Why a delivery was made: to pass an event on, to answer its sender, by hand, or to confirm a subscription."""

SignatureState = Literal["valid", "invalid", "stale", "unsigned", "no_secret", "unknown"]
SIGNATURES: tuple[str, ...] = get_args(SignatureState)


def every(headers: Headers, name: bytes) -> list[bytes]:
    """All values of a header, in the order sent; the name in any case."""
    wanted, size = name.lower(), len(name)
    return [value for key, value in headers if len(key) == size and key.lower() == wanted]


def first(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header, or None; the name in any case."""
    wanted = name.lower()
    for key, value in headers:
        if len(key) == len(wanted) and key.lower() == wanted:
            return value
    return None


def joined(headers: Headers, name: bytes) -> bytes | None:
    """All values of a header joined by `, ` as RFC 9110 section 5.3 reads repeats, or None."""
    values = every(headers, name)
    return b", ".join(values) if values else None


def path_of(target: bytes) -> str:
    """The target up to `?`, as text; bytes that are not UTF-8 show as `\\xNN`."""
    return target.split(b"?", 1)[0].decode("utf-8", "backslashreplace")


HELD = 256 * 2**10
"""Bytes of body that are held in memory and stand in their event's row; a larger body comes and is stored in pieces."""


class Spooled(Protocol):
    """A body too large to be held in memory: in a file until it is stored."""

    def __len__(self) -> int: ...

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, from first to last, HELD at a time at most."""

    def close(self) -> None:
        """It is stored, or will never be: the file goes."""


class Arrival(NamedTuple):
    """A request that has arrived whole and is not stored yet."""

    received_at: float  # unix seconds, UTC
    head: bytes  # raw request head, up to and with the empty line
    method: bytes
    target: bytes  # as in the request line
    body: bytes | Spooled  # de-chunked
    trailers: Headers
    peer: str | None  # "127.0.0.1:54321"


@record
class Event:
    """One webhook request, byte for byte as it arrived."""

    id: int  # arrival number in this store; order and cursors use it
    uid: str  # ULID, survives export and import; never used for order
    received_at: float  # unix seconds, UTC
    method: bytes
    target: bytes  # as in the request line
    version: str  # "1.1"
    headers: Headers
    trailers: Headers = ()
    head: bytes = b""  # raw request head; empty for imported events
    body: bytes = b""
    peer: str | None = None
    unread: int = 0  # bytes of body that are in the store and were not asked for

    @property
    def path(self) -> str:
        """The target up to `?`, as text; bytes that are not UTF-8 show as `\\xNN`."""
        return path_of(self.target)


@record
class Facts:
    """What was worked out from an event when it arrived; derived, so it never replaces the record."""

    provider: str | None = None
    scheme: str | None = None  # the signature scheme recognised
    type: str | None = None  # event type, in the provider's own spelling
    delivery_id: str | None = None  # the provider's number, the same on every attempt
    attempt: int | None = None  # 1 is the first, where the provider says so
    signature: SignatureState = "unknown"
    reason: str | None = None  # code of the verdict
    age: float | None = None  # seconds between the signed timestamp and the arrival
    duplicate_of: int | None = None  # the first event with this delivery id
    reply: int | None = None  # the status the sender got from us
    candidates: tuple[str, ...] = ()  # providers it may be from, where nothing decides between them


@record
class Reply:
    """A response: from the user's app, or the one we give the sender."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    reason: str = ""
    truncated: bool = False  # more body came than is kept


@record
class Outgoing:
    """A request about to be sent."""

    method: bytes
    url: str  # scheme, host and port to connect to, and the path for people
    target: bytes  # sent as it stands
    headers: Headers  # complete, with Host and Content-Length
    body: bytes = b""
    changes: tuple[str, ...] = ()  # what differs from the capture, in words
    signed: str | None = None  # scheme it was signed with afresh
    note: str | None = None  # why it was not signed


@record
class Delivery:
    """One HTTP request that whcli made for an event, and what came of it."""

    event_id: int
    kind: Kind
    sent_at: float  # unix seconds, UTC
    method: bytes
    url: str
    attempt: int = 1
    latency: float | None = None  # seconds to the end of the reply
    signed: str | None = None
    reply: Reply | None = None
    failure: str | None = None  # one word for why there is no reply: "refused", "timeout"
    error: str | None = None  # the same in a sentence
    revision: str | None = None  # the commit that was checked out when it was made
    id: int = 0

    @property
    def ok(self) -> bool:
        """True when the reply was 2xx."""
        return self.reply is not None and 200 <= self.reply.status < 300


class Outcome(NamedTuple):
    """What matters of an event's last delivery to one that is to be made."""

    url: str  # where it went
    ok: bool  # whether its reply was 2xx


@record
class Entry:
    """One line of a listing: an event without its bytes, what was worked out from it, and its last delivery."""

    id: int
    uid: str
    received_at: float  # unix seconds, UTC
    method: bytes
    target: bytes
    size: int  # bytes of body
    peer: str | None
    facts: Facts
    last: Delivery | None = None  # without the reply's headers

    @property
    def path(self) -> str:
        """The target up to `?`, as text; bytes that are not UTF-8 show as `\\xNN`."""
        return path_of(self.target)


def entry_of(event: Event, facts: Facts, last: Delivery | None = None) -> Entry:
    """The line of an event that is at hand, as the store will have it: so nobody needs to read it there."""
    return Entry(
        id=event.id,
        uid=event.uid,
        received_at=event.received_at,
        method=event.method,
        target=event.target,
        size=event.unread or len(event.body),
        peer=event.peer,
        facts=facts,
        last=last,
    )


@record
class Message:
    """The parts of a request that a signature can cover."""

    method: str
    url: str  # as the sender was told it, kept verbatim
    headers: Headers
    body: bytes


@record
class Verdict:
    """The answer of a verification, with its reason."""

    state: SignatureState
    reason: str  # a stable code: "ok", "no_match", "timestamp_too_old", ...
    detail: str  # one sentence for people
    scheme: str | None = None
    secret: str | None = None  # label of the secret that matched, never its value
    age: float | None = None  # seconds since the signed timestamp; negative when it lies ahead
    received: str | None = None  # signature text found in the request
    computed: str | None = None  # what the first secret gives

    @property
    def ok(self) -> bool:
        """True when the signature holds."""
        return self.state == "valid"


@record
class Difference:
    """One field where an event is not what was expected."""

    field: str
    wanted: str
    got: str


@record
class SignedMessage:
    """A request made ready, for any HTTP client: send exactly these parts."""

    headers: dict[str, str]  # all but Host and Content-Length, which clients add; bytes beyond ASCII as Latin-1
    body: bytes
    url: str
