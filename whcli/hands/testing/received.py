"""The records that tests look at: an event with what was worked out from it, and a handler's reply."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from ...rules.body import parsed
from ...words.event import Event, Facts, Headers, Reply, SignatureState, joined
from ...words.record import record


@record
class ReceivedEvent(Event):
    """An event as it arrived, with what was worked out from it."""

    facts: Facts

    @property
    def provider(self) -> str | None:
        """Who sent it, such as `stripe`; None where nothing tells."""
        return self.facts.provider

    @property
    def type(self) -> str | None:
        """The event type in the provider's own spelling, such as `charge.succeeded`."""
        return self.facts.type

    @property
    def signature(self) -> SignatureState:
        """Whether it held on arrival: `valid`, `invalid`, `stale`, `unsigned`, `no_secret` or `unknown`."""
        return self.facts.signature

    @property
    def data(self) -> Any:
        """The body read: parsed JSON, a form as a dict of its fields, else None."""
        return parsed(self.headers, self.body)

    def header(self, name: str) -> str | None:
        """A header's value, the name in any case, repeats joined by `, `; bytes beyond ASCII as Latin-1."""
        return _text(self.headers, name)


@record
class HandlerReply(Reply):
    """What a handler answered to a request that a test sent."""

    latency: float  # seconds to the end of the reply
    signed: str | None  # the scheme that the request was signed with

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8 text; other bytes are shown as `�`."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body parsed; raises ValueError where it is no JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """A header's value, the name in any case, repeats joined by `, `; bytes beyond ASCII as Latin-1."""
        return _text(self.headers, name)


def _text(headers: Headers, name: str) -> str | None:
    value = joined(headers, name.encode("latin-1", "replace"))
    return None if value is None else value.decode("latin-1")


def received(event: Event, facts: Facts) -> ReceivedEvent:
    """An event and its facts as one record."""
    return ReceivedEvent(**_values(event), facts=facts)


def replied(reply: Reply, latency: float, signed: str | None) -> HandlerReply:
    """A reply with what is known of its delivery."""
    return HandlerReply(**_values(reply), latency=latency, signed=signed)


def _values(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
