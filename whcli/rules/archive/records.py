"""Events and results as one line of JSON each: what `--json` prints.

An event's own JSON is exact: header names and values are Latin-1 text, in which every byte is one character, and the
body is base64. `event_from` reads it back to the same bytes. Unknown fields of a record read from a file are ignored.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from ...words.errors import WrongUsage
from ...words.event import Delivery, Difference, Entry, Event, Facts, Headers, Verdict
from ...words.head import END, REQUEST_LINE, TOKEN, Head, parse_head
from ..text import clip, rfc3339, safe

# `json.dumps` would make one for each line, and look for circles, which our records do not have.
_COMPACT = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":"))
_NAME = re.compile(TOKEN)
_BREAK = re.compile(rb"[\r\n\x00]")

WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError, binascii.Error)
"""What reading a record raises for a field that is missing or cannot be."""


def line(value: dict[str, Any]) -> str:
    """One line of JSON, ASCII only, so that nothing in it reaches a terminal raw."""
    return _COMPACT.encode(value)


def pairs(headers: Headers) -> list[list[str]]:
    """Headers as JSON."""
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]


def entry_json(entry: Entry) -> dict[str, Any]:
    """One event of a listing."""
    facts = entry.facts
    return {
        "schema": "whcli.event/1",
        "id": entry.id,
        "uid": entry.uid,
        "received_at": rfc3339(entry.received_at),
        "method": entry.method.decode("latin-1"),
        "target": entry.target.decode("latin-1"),
        "provider": facts.provider,
        "type": facts.type,
        "delivery_id": facts.delivery_id,
        "attempt": facts.attempt,
        "size": entry.size,
        "peer": entry.peer,
        "signature": signature_json(facts),
        "duplicate_of": facts.duplicate_of,
        "reply": facts.reply,
        "forward": outcome_json(entry.last) if entry.last else None,
    }


def signature_json(facts: Facts) -> dict[str, Any]:
    """What is known of an event's signature."""
    return {"state": facts.signature, "scheme": facts.scheme, "reason": facts.reason, "age_s": facts.age}


def outcome_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery in the few fields that a listing shows."""
    return {
        "kind": delivery.kind,
        "url": delivery.url,
        "status": delivery.reply.status if delivery.reply else None,
        "ms": round(delivery.latency * 1000, 3) if delivery.latency is not None else None,
        "failure": delivery.failure,
        "error": delivery.error,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery whole, with its reply."""
    reply = delivery.reply
    return {
        "schema": "whcli.delivery/1",
        "id": delivery.id,
        "event_id": delivery.event_id,
        **outcome_json(delivery),
        "sent_at": rfc3339(delivery.sent_at),
        "method": delivery.method.decode("latin-1"),
        "attempt": delivery.attempt,
        "signed": delivery.signed,
        "revision": delivery.revision,
        "reply": {
            "status": reply.status,
            "reason": reply.reason,
            "headers": pairs(reply.headers),
            "body_base64": base64.b64encode(reply.body).decode(),
            "truncated": reply.truncated,
        }
        if reply
        else None,
    }


def event_json(event: Event, entry: Entry | None = None, deliveries: tuple[Delivery, ...] = ()) -> dict[str, Any]:
    """An event whole and exact, with what was worked out from it when an entry is given."""
    known = entry_json(entry) if entry else {}
    return {
        **known,
        "schema": "whcli.event/1",
        "id": event.id,
        "uid": event.uid,
        "received_at": rfc3339(event.received_at),
        "method": event.method.decode("latin-1"),
        "target": event.target.decode("latin-1"),
        "version": event.version,
        "headers": pairs(event.headers),
        "trailers": pairs(event.trailers),
        "size": len(event.body),
        "body_base64": base64.b64encode(event.body).decode(),
        "head_base64": base64.b64encode(event.head).decode(),
        "peer": event.peer,
        "deliveries": [delivery_json(delivery) for delivery in deliveries],
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    """One field where something is not what was wanted."""
    return {"field": difference.field, "wanted": difference.wanted, "got": difference.got}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The answer of a verification."""
    return {
        "schema": "whcli.verdict/1",
        "ok": verdict.ok,
        "state": verdict.state,
        "scheme": verdict.scheme,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "secret": verdict.secret,
        "age_s": verdict.age,
        "received": verdict.received,
        "computed": verdict.computed,
    }


def event_from(text: str | bytes) -> Event:
    """An event from its own JSON; raises WrongUsage saying which field is wrong."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise unreadable("it is not JSON") from None
    if not isinstance(record, dict) or record.get("schema") != "whcli.event/1":
        raise unreadable('its "schema" is not "whcli.event/1"')
    try:
        return _event(record)
    except WRONG as error:
        raise wrong_field(error) from None


def _event(record: dict[str, Any]) -> Event:
    body = base64.b64decode(record["body_base64"], validate=True)
    return read_event(record, base64.b64decode(record.get("head_base64", ""), validate=True), body)


def read_event(record: dict[str, Any], head: bytes, body: bytes) -> Event:
    """An event of the fields that all records share.

    Raises KeyError, TypeError, ValueError, AttributeError or OverflowError for a field that is missing or cannot be.
    """
    from datetime import datetime

    fields = Head(
        record["method"].encode("latin-1"),
        record["target"].encode("latin-1"),
        record.get("version", "1.1"),
        _pairs(record["headers"]),
    )
    if not REQUEST_LINE.fullmatch(b"%b %b HTTP/%b\r\n" % (fields.method, fields.target, fields.version.encode())):
        raise ValueError("method, target and version make no request line")
    return Event(
        id=0,
        uid=_text(record["uid"]),
        received_at=datetime.fromisoformat(record["received_at"]).timestamp(),
        **fields._asdict(),
        trailers=_pairs(record.get("trailers", [])),
        head=_head(head, fields),
        body=body,
        peer=None if record.get("peer") is None else _text(record["peer"]),
    )


def _pairs(items: list[list[str]]) -> Headers:
    """Fields that can be written as a line each; CR, LF or NUL would begin another (RFC 9110 section 5.5)."""
    pairs = tuple((name.encode("latin-1"), value.encode("latin-1").strip(b" \t")) for name, value in items)
    if not all(_NAME.fullmatch(name) and not _BREAK.search(value) for name, value in pairs):
        raise ValueError("a header's name or value cannot be sent")
    return pairs


def _head(data: bytes, fields: Head) -> bytes:
    """The recorded head where it says what the fields say; an edited field stands, and the old head goes."""
    try:
        return data if data.find(END) == len(data) - len(END) and parse_head(data) == fields else b""
    except ValueError:
        return b""


def _text(value: Any) -> str:
    """Text that a store can hold."""
    if not isinstance(value, str) or not value or len(value) > 100:
        raise TypeError("uid and peer are short texts")
    value.encode()
    return value


def wrong_field(error: Exception) -> WrongUsage:
    """The error for one of `WRONG`."""
    return unreadable(f"a field is missing or wrong: {type(error).__name__}: {clip(safe(str(error)), 200)}")


def unreadable(why: str) -> WrongUsage:
    """The error for what is no event."""
    return WrongUsage(
        f"this is not an event: {why}", code="not_an_event", next="whcli help import        says what can be read"
    )
