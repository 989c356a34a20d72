"""What a fixture's `expect` says of a handler's reply, and where a reply differs from it.

"expect": {
  "status": 200,                          a number, "2xx", or a list of those; without it: 2xx
  "headers": {"Content-Type": "*json*"},  name in any case to a glob; null: no such header
  "body": {"ok": true, "length(ids)": 2}, JMESPath to the value that it gives (`@` is the whole body)
  "body": "OK",                           or the exact text
  "max_time": "500ms",
  "idempotent": true,                     a second delivery changes nothing more
  "ignore": ["body.id", "state.seen"]     paths that may differ, in a snapshot and between two deliveries
}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ...words.errors import WrongUsage
from ...words.event import Delivery, Difference, joined
from ...words.record import record
from ..body import parsed
from ..compare import values_differ
from ..conduct.schedules import matches
from ..match import compiled
from ..replaying.replies_differ import plain_body
from ..routes import glob
from ..text import clip, safe, seconds

SHOWN = 200  # characters of a value
OK = ("2xx",)
STATUS = re.compile(r"[1-5](?:xx|\d\d)")


@record
class Expectation:
    """What a reply must be; nothing said is nothing asked, but for the status."""

    status: tuple[str, ...] = ()  # `2xx`, `404`; empty: not said
    headers: tuple[tuple[str, str | None], ...] = ()  # name and glob; None: must not be there
    body: tuple[tuple[str, Any], ...] = ()  # JMESPath and the value it must give
    text: str | None = None  # the exact body
    max_time: float | None = None  # seconds to the end of the reply
    idempotent: bool = False
    ignore: frozenset[str] = frozenset()


NOTHING = Expectation()


class _Wrong(ValueError):
    """A value that can mean nothing: what should stand there."""


def expectation_of(value: Mapping[str, Any] | None, where: str) -> Expectation:
    """A fixture's `expect`; raises WrongUsage naming the file (`where`) and the key for what it cannot mean."""
    read: dict[str, Any] = {}
    for key, said in (value or {}).items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            raise _wrong(where, key, "is no key of it", f"did you mean '{near[0]}'?" if near else "")
        try:
            read.update(KEYS[key](said))
        except _Wrong as error:
            raise _wrong(where, key, f"takes {error}") from None
        except WrongUsage as error:
            raise _wrong(where, key, f"cannot be read: {error.message.removeprefix('--where ')}") from None
    return Expectation(**read)


def _wrong(where: str, key: str, what: str, hint: str = "") -> WrongUsage:
    details = (("hint", hint),) if hint else ()
    return WrongUsage(
        f"'expect' of {where}: '{safe(key)}' {what}", code="bad_expect", details=details, next="whcli test --help"
    )


# -- reading --------------------------------------------------------------------------------------------------------


def _status(value: Any) -> dict[str, Any]:
    texts = [str(each) for each in (value if isinstance(value, list) else [value]) if not isinstance(each, bool)]
    if not texts or not all(STATUS.fullmatch(text) for text in texts):
        raise _Wrong('a status such as 200, "2xx" or [200, 202]')
    return {"status": tuple(texts)}


def _headers(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(each is None or isinstance(each, str) for each in value.values()):
        raise _Wrong('header names with a glob each, such as {"Content-Type": "*json*"}')
    return {"headers": tuple(value.items())}


def _body(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, dict):
        raise _Wrong('a text, or JMESPath expressions with a value each, such as {"ok": true}')
    for expression in value:
        compiled(expression)
    return {"body": tuple(value.items())}


def _max_time(value: Any) -> dict[str, Any]:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise _Wrong('a duration such as "500ms"')
    return {"max_time": seconds(str(value))}


def _idempotent(value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return {"idempotent": value}


def _ignore(value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _Wrong('a list of paths, such as ["body.id"]')
    return {"ignore": frozenset(value)}


KEYS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "status": _status,
    "headers": _headers,
    "body": _body,
    "max_time": _max_time,
    "idempotent": _idempotent,
    "ignore": _ignore,
}


# -- judging --------------------------------------------------------------------------------------------------------


def unmet(wanted: Expectation, delivery: Delivery, *, snapshot: bool = False) -> Iterator[Difference]:
    """Where a delivery's reply is not what was wanted; unless one is said, the status is 2xx or the `snapshot`'s."""
    reply = delivery.reply
    if reply is None:
        yield Difference(field="reply", wanted="an answer", got=delivery.error or delivery.failure or "none")
        return
    allowed = wanted.status or (() if snapshot else OK)
    if allowed and not matches(allowed, reply.status):
        yield Difference(field="status", wanted=" or ".join(allowed), got=str(reply.status))
    for name, pattern in wanted.headers:
        yield from _header(name, pattern, joined(reply.headers, name.encode("latin-1", "replace")))
    if wanted.text is not None and plain_body(reply) != wanted.text.encode():
        yield Difference(field="body", wanted=_short(wanted.text), got=_short(plain_body(reply)))
    if wanted.body:
        yield from _expressions(wanted.body, parsed(reply.headers, plain_body(reply)), plain_body(reply))
    if wanted.max_time is not None and (delivery.latency or 0.0) > wanted.max_time:
        yield Difference(field="time", wanted=f"≤ {_ms(wanted.max_time)}", got=_ms(delivery.latency or 0.0))


def _header(name: str, pattern: str | None, value: bytes | None) -> Iterator[Difference]:
    text = None if value is None else value.decode("latin-1")
    if pattern is None and text is not None:
        yield Difference(field=f"headers.{name}", wanted="none", got=_short(text))
    if pattern is not None and (text is None or not glob(pattern).match(text)):
        yield Difference(field=f"headers.{name}", wanted=pattern, got="none" if text is None else _short(text))


def _expressions(wanted: tuple[tuple[str, Any], ...], value: Any, body: bytes) -> Iterator[Difference]:
    if value is None and body.strip() != b"null":
        yield Difference(field="body", wanted="JSON or a form", got=_short(body) or "nothing")
        return
    for expression, expected in wanted:
        got = compiled(expression).search(value)
        if expected is None or got is None:
            if expected is not got:
                yield Difference(field=_field(expression), wanted=_json(expected), got=_json(got))
            continue
        yield from values_differ(_field(expression), expected, got) or ()


def _field(expression: str) -> str:
    return "body" if expression == "@" else f"body.{expression}"


def _json(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False))


def _short(value: str | bytes) -> str:
    return clip(safe(value[: 4 * SHOWN]), SHOWN)


def _ms(duration: float) -> str:
    return f"{duration * 1000:.0f} ms"
