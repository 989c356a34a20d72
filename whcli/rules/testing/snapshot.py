"""A handler's reply as a fixture keeps it, and where a later reply differs.

Only what a sender acts upon is kept: the status, the headers of `replies_differ.HEADERS` in the form in which they are
compared, the body as JSON where it is JSON. Dates, lengths, server names and the values of cookies stay out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from typing import Any

from ...words.errors import WrongUsage
from ...words.event import Delivery, Difference, Reply, first
from ..body import parsed
from ..compare import bytes_differ, values_differ
from ..replaying.noise import without_noise
from ..replaying.replies_differ import HEADERS, headers_read, plain_body


def snapshot_of(delivery: Delivery) -> dict[str, Any]:
    """What is kept of a delivery's reply; a delivery without one has nothing to keep."""
    if delivery.reply is None:
        return {}
    headers = headers_read(delivery)
    return {"status": delivery.reply.status, **({"headers": headers} if headers else {}), **_body(delivery.reply)}


def _body(reply: Reply) -> dict[str, Any]:
    body = plain_body(reply)
    if not body:
        return {}
    value = parsed((), body) if _says_json(reply) else None
    if value is not None:
        return {"body_json": value}
    try:
        return {"body_text": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _says_json(reply: Reply) -> bool:
    kind = (first(reply.headers, b"content-type") or b"").split(b";")[0].strip().lower()
    return kind.endswith((b"/json", b"+json"))


def check_snapshot(value: Any, where: str) -> dict[str, Any] | None:
    """A fixture's `snapshot`; raises WrongUsage naming the file for what is none."""
    if value is None:
        return None
    try:
        sound = isinstance(value["status"], int) and isinstance(value.get("headers", {}), dict)
        _bytes(value)
    except (TypeError, KeyError, AttributeError, ValueError, binascii.Error):
        sound = False
    if not sound:
        raise WrongUsage(
            f"'snapshot' of {where} cannot be read", code="bad_snapshot", next=f"whcli test {where} --update ..."
        )
    kept: dict[str, Any] = value
    return kept


def changed(snapshot: dict[str, Any], delivery: Delivery, ignore: Collection[str]) -> tuple[Difference, ...]:
    """Where a delivery's reply differs from a snapshot, but for the paths to ignore."""
    return without_noise(_all(snapshot, delivery), ignore)


def _all(snapshot: dict[str, Any], delivery: Delivery) -> Iterator[Difference]:
    reply = delivery.reply
    if reply is None:
        return
    if snapshot["status"] != reply.status:
        yield Difference(field="status", wanted=str(snapshot["status"]), got=str(reply.status))
    now, before = headers_read(delivery), snapshot.get("headers", {})
    for name in HEADERS:
        one, other = before.get(name, "none"), now.get(name, "none")
        if one != other:
            yield Difference(field=f"headers.{name}", wanted=str(one), got=other)
    yield from _bodies(snapshot, _body(reply))


def _bodies(one: dict[str, Any], other: dict[str, Any]) -> list[Difference]:
    """JSON by its fields, anything else by its bytes."""
    if "body_json" in one and "body_json" in other:
        found = values_differ("body", one["body_json"], other["body_json"])
        if found is not None:
            return found
    a, b = _bytes(one), _bytes(other)
    return [] if a == b else [bytes_differ("body", a, b)]


def _bytes(snapshot: dict[str, Any]) -> bytes:
    if "body_text" in snapshot:
        return str(snapshot["body_text"]).encode()
    if "body_base64" in snapshot:
        return base64.b64decode(snapshot["body_base64"], validate=True)
    if "body_json" in snapshot:
        import json

        return json.dumps(snapshot["body_json"], ensure_ascii=False).encode()
    return b""
