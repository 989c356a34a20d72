"""Linear: the body is signed, and the time that counts stands in it as `webhookTimestamp`.

Source: @linear/sdk webhooks client (read 2026-11-23): the signature is checked first, then that the value is a JSON
number within 60 seconds of now. The header Linear-Timestamp is ignored by it and written by us for older receivers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from ....words.event import Message, Verdict
from ....words.secret import Secret
from ...jsontext import NoPlace, put
from .. import generic
from ..carried import Malformed, Signed, find
from ..scheme import Scheme
from ..weighing import refused, unreadable

FIELD = "webhookTimestamp"


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign a message as Linear would; see `generic.sign`. The body gets the time of signing, and no other byte changes.

    A body that is no JSON object has no place for it and is signed as it stands.
    """
    moment = int(now * 1000)
    try:
        body = put(message.body, (FIELD,), moment)
    except NoPlace:
        body = message.body
    signed = generic.sign(
        replace(scheme, clock=None), replace(message, body=body), secrets, now=now, token=token, id=id
    )
    return replace(signed, headers=(*signed.headers, (b"Linear-Timestamp", str(moment).encode())))


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check a message's signature and the time in its body; see `generic.verify`. Never raises on bad input."""
    try:
        found = find(replace(scheme, clock=None), message.headers)
    except Malformed as error:
        return unreadable(scheme, error)
    try:
        age, trouble = now - _moment(message.body), None
    except Malformed as error:
        age, trouble = None, error
    verdict = generic.judge(scheme, message, secrets, found, age, tolerance)
    return refused(verdict, trouble.code, trouble.detail) if trouble else verdict


def _moment(body: bytes) -> float:
    """Unix seconds of the body's `webhookTimestamp`; raises Malformed."""
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Malformed("timestamp_missing", f"the body is not JSON, so it holds no {FIELD}") from None
    moment = value.get(FIELD) if isinstance(value, dict) else None
    if moment is None:
        raise Malformed("timestamp_missing", f"the body holds no {FIELD}")
    if isinstance(moment, bool) or not isinstance(moment, int | float) or not abs(moment) < 1e18:
        raise Malformed("timestamp_malformed", f"the body's {FIELD} is no number of milliseconds")
    return moment / 1000
