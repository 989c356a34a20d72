"""What the sender is answered: one reply, or a sequence over its attempts."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from ..words.errors import WrongUsage
from ..words.event import Headers, Reply
from ..words.head import TOKEN
from .text import clip, safe

REMEMBERED = 10_000  # delivery ids whose attempts are counted

_NAME = re.compile(TOKEN)
_FRAMING = (b"content-length", b"transfer-encoding")
_WEBSOCKET = re.compile(rb"\nupgrade:[ \t]*websocket[ \t]*\r", re.IGNORECASE)
NO_WEBSOCKET = Reply(  # RFC 9110 section 15.5.22: what it speaks instead is named; RFC 6455 section 4.4 answers so too
    status=426,
    headers=((b"Content-Type", b"text/plain"), (b"Upgrade", b"HTTP/1.1"), (b"Connection", b"Upgrade, close")),
    body=b"webhooks are captured here; no WebSocket is spoken\n",
)


def checked(headers: Headers) -> Headers:
    """A reply's headers; raises WrongUsage for one that is none, and for one that says where the body ends.

    A line break in a value would begin another header, or a reply of its own (RFC 9112 section 11.1); where the body
    ends is counted, so that no sender waits for more, or takes less, than there is.
    """
    for name, value in headers:
        shown = clip(safe(name), 60)
        if not _NAME.fullmatch(name) or re.search(rb"[\r\n\x00]", value):
            raise WrongUsage(f"a reply's header '{shown}' has an odd name or a line break", next="write 'Name: value'")
        if name.lower() in _FRAMING:
            raise WrongUsage(f"{shown} of a reply is counted, and cannot be set", next="leave it out")
    return headers


def wants_websocket(method: bytes, head: bytes) -> bool:
    """Whether a request opens a WebSocket (RFC 6455 section 4.1): it is recorded, and cannot be answered as it asks."""
    return method == b"GET" and _WEBSOCKET.search(head) is not None


class Replies:
    """Answers attempts in turn; the last one repeats.

    Attempts are counted per delivery id where there is one, else for the whole listener. `delay` is in seconds.
    """

    def __init__(self, sequence: Sequence[Reply], delay: float = 0.0) -> None:
        self.sequence = sequence
        self.delay = delay
        self._attempts: OrderedDict[str | None, int] = OrderedDict()

    @property
    def by_delivery(self) -> bool:
        """Whether the answer depends on the delivery id."""
        return len(self.sequence) > 1

    def use(self, sequence: Sequence[Reply], delay: float = 0.0) -> None:
        """Answer so from now on; attempts are counted anew."""
        self.sequence, self.delay = sequence, delay
        self._attempts.clear()

    def answer(self, delivery_id: str | None) -> Reply:
        """The answer to the next attempt of a delivery."""
        if not self.by_delivery:
            return self.sequence[0]
        turn = self._attempts.get(delivery_id, 0)
        self._attempts[delivery_id] = turn + 1
        self._attempts.move_to_end(delivery_id)
        if len(self._attempts) > REMEMBERED:
            self._attempts.popitem(last=False)
        return self.sequence[min(turn, len(self.sequence) - 1)]


def sequence_of(statuses: Sequence[int], like: Reply) -> tuple[Reply, ...]:
    """One reply per status, with the headers and body of `like`."""
    return tuple(replace(like, status=status) for status in statuses)
