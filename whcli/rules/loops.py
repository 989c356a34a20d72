"""Loops: a request that has come back to the listener that sent it on.

A listener that forwards to a second one, which forwards to the first, would pass one request round for ever. A header
that counts would end that, and handlers would see it; so requests stay as they are, and our replies say who we are.
What went to a listener of ours less than WINDOW seconds ago and is here again (method, target and body) has come
round, or is its sender's next attempt: it is kept, and not sent on. To a handler of the user's everything is sent on,
however often it comes.

Where replies are passed back (`--relay-reply`), no reply comes until the round is over; there DEEP equal requests at
once are a loop.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from ..words.event import Event, Headers, every

US = (b"Server", b"whcli")
"""The header of our replies by which another listener knows us."""

WINDOW = 10.0  # seconds
KEPT = 10_000  # requests remembered
DEEP = 16  # equal requests that wait for a handler's reply at the same time


def signed_by_us(headers: Headers) -> Headers:
    """Headers of a reply, with our name unless they hold another one."""
    return headers if every(headers, US[0]) else (*headers, US)


class Rounds:
    """What was sent on and where to; times are seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._sent: OrderedDict[bytes, float] = OrderedDict()
        self._listeners: set[str] = set()
        self._waiting: Counter[bytes] = Counter()

    def came_back(self, event: Event, origin: str, now: float) -> float | None:
        """Seconds since an equal request was sent on to `origin`, where a listener of ours is; else None."""
        sent = self._sent.get(_print(event))
        return now - sent if sent is not None and origin in self._listeners and now - sent < WINDOW else None

    def sent(self, event: Event, now: float) -> None:
        """A request is sent on."""
        self._sent[_print(event)] = now
        self._sent.move_to_end(_print(event))
        if len(self._sent) > KEPT:
            self._sent.popitem(last=False)

    def answered(self, origin: str, headers: Headers) -> None:
        """A reply has come: from a listener of ours, or from a handler."""
        (self._listeners.add if US[1] in every(headers, US[0]) else self._listeners.discard)(origin)

    @contextmanager
    def waiting(self, event: Event) -> Iterator[bool]:
        """Around the wait for a handler's reply that somebody else waits for; True when this goes round and round."""
        key = _print(event)
        self._waiting[key] += 1
        try:
            yield self._waiting[key] > DEEP
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]


def _print(event: Event) -> bytes:
    """A short text that equal requests share."""
    from hashlib import blake2b  # it loads OpenSSL, which a listener that sends nothing on does not need

    parts = (event.method, event.target, event.body)
    return blake2b(b"".join(b"%d:%b" % (len(part), part) for part in parts), digest_size=16).digest()
