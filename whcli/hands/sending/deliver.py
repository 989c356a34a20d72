"""One delivery: send what is to go out, time it, and tell what came of it, whatever that was."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ...words.errors import WhcliError
from ...words.event import Delivery, Kind, Outgoing
from .wire import AT_ONCE, Manner

if TYPE_CHECKING:
    from .client import Client


async def deliver(
    client: Client,
    event_id: int,
    outgoing: Outgoing,
    kind: Kind,
    attempt: int = 1,
    *,
    manner: Manner = AT_ONCE,
    revision: str | None = None,
) -> Delivery:
    """Send a request; a target that fails is an outcome, not an exception. `revision` is the commit checked out."""
    sent_at, began = time.time(), time.perf_counter()
    reply = failure = error = None
    try:
        reply = (await client.send(outgoing, manner=manner)).reply
    except WhcliError as trouble:
        failure, error = WORDS.get(trouble.code, trouble.code), trouble.message
    return Delivery(
        event_id=event_id,
        kind=kind,
        sent_at=sent_at,
        method=outgoing.method,
        url=outgoing.url,
        attempt=attempt,
        latency=time.perf_counter() - began,
        signed=outgoing.signed,
        reply=reply,
        failure=failure,
        error=error,
        revision=revision,
    )


def undelivered(event_id: int, outgoing: Outgoing, error: WhcliError, revision: str | None = None) -> Delivery:
    """A delivery that ended before a byte was sent."""
    return Delivery(
        event_id=event_id,
        kind="replay",
        sent_at=time.time(),
        method=outgoing.method,
        url=outgoing.url,
        failure=WORDS.get(error.code, error.code),
        error=error.message,
        revision=revision,
    )


def interrupted(event_id: int, outgoing: Outgoing, sent_at: float, attempt: int, revision: str | None) -> Delivery:
    """A delivery that was cut short: its bytes, sent from `sent_at` on (unix seconds), may have arrived."""
    return replace(undelivered(event_id, outgoing, INTERRUPTED, revision), sent_at=sent_at, attempt=attempt)


INTERRUPTED = WhcliError("interrupted before its answer came", code="interrupted", next="replay it again")
WORDS = {"reply_timeout": "timeout", "no_reply": "no reply"}
"""Codes of errors that read better otherwise in a column."""
