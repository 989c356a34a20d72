"""Filters: what an event must be, and where it differs.

A match is an empty list of differences; a failure can be shown. Filters mean the same wherever they appear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ..words.errors import WrongUsage
from ..words.event import Difference, Entry, Event
from .body import parsed
from .routes import glob
from .text import clip, rfc3339, safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Conditions on an event; every one given must hold."""

    provider: str | None = None  # glob
    type: str | None = None  # glob
    method: str | None = None  # glob
    path: str | None = None  # glob
    signature: str | None = None
    since: float | None = None  # unix seconds, UTC
    until: float | None = None
    where: str | None = None  # JMESPath
    failed: bool = False  # the last delivery was not 2xx

    @property
    def needs_body(self) -> bool:
        """True when the event's bytes are needed to decide."""
        return self.where is not None


def differences(wanted: Filter, entry: Entry, event: Callable[[], Event]) -> tuple[Difference, ...]:
    """Where an event differs from a filter; empty when it matches. `event` loads the bytes, when they are needed."""
    facts = entry.facts
    found = [
        _glob("provider", wanted.provider, facts.provider),
        _glob("type", wanted.type, facts.type),
        _glob("method", wanted.method, entry.method.decode("ascii", "replace")),
        _glob("path", wanted.path, entry.path),
        _equal("signature", wanted.signature, facts.signature),
        _time("since", wanted.since, entry.received_at, late=False),
        _time("until", wanted.until, entry.received_at, late=True),
        _failed(wanted.failed, entry),
    ]
    if wanted.where is not None and not any(found):
        found.append(_where(wanted.where, entry, event()))
    return tuple(difference for difference in found if difference)


class Miss(NamedTuple):
    """An event that does not match, and why."""

    entry: Entry
    differences: tuple[Difference, ...]


CLOSEST = 3  # near misses that are shown


def closest(wanted: Filter, misses: Iterable[Miss]) -> tuple[Miss, ...]:
    """The misses that came closest, the closest first: few differences, then likeness, then the newest.

    An expression is evaluated only where all else holds; where it was not, it counts as one more difference.
    """

    def distance(miss: Miss) -> tuple[float, float, int]:
        unasked = wanted.where is not None and all(each.field != "where" for each in miss.differences)
        return len(miss.differences) + unasked, -sum(map(_likeness, miss.differences)), -miss.entry.id

    return tuple(sorted((miss for miss in misses if miss.differences), key=distance)[:CLOSEST])


def _likeness(difference: Difference) -> float:
    """Between 0 and 1: how much what came looks like what was wanted."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, difference.wanted[:60], difference.got[:60], autojunk=False).ratio()


def _glob(field: str, wanted: str | None, got: str | None) -> Difference | None:
    if wanted is None or (got is not None and glob(wanted).match(got)):
        return None
    return Difference(field=field, wanted=wanted, got=got or "none")


def _equal(field: str, wanted: str | None, got: str) -> Difference | None:
    return None if wanted is None or wanted == got else Difference(field=field, wanted=wanted, got=got)


def _time(field: str, wanted: float | None, got: float, *, late: bool) -> Difference | None:
    if wanted is None or (got <= wanted if late else got >= wanted):
        return None
    return Difference(field=field, wanted=rfc3339(wanted), got=rfc3339(got))


def _failed(wanted: bool, entry: Entry) -> Difference | None:
    if not wanted or (entry.last is not None and not entry.last.ok):
        return None
    return Difference(
        field="failed", wanted="a last delivery that was not 2xx", got="none" if not entry.last else "2xx"
    )


def _where(expression: str, entry: Entry, event: Event) -> Difference | None:
    value = compiled(expression).search(view(entry, event))
    if value is False or value is None or value in ("", [], {}):
        return Difference(field="where", wanted=expression, got=safe(str(value)))
    return None


@lru_cache(maxsize=64)
def compiled(expression: str) -> Any:
    """A JMESPath expression ready to search; raises WrongUsage when it cannot be read."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        made = jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        why = str(error).splitlines()[0] if isinstance(error, JMESPathError) else "it is nested too deep"
        raise _unreadable(expression, why) from None
    for why in _wrong_calls(made.parsed):
        raise _unreadable(expression, why)
    return _Search(made)


def _unreadable(expression: str, why: str) -> WrongUsage:
    return WrongUsage(
        f"--where '{clip(safe(expression), 200)}' is not a JMESPath expression: {clip(safe(why), 200)}",
        next="whcli help filters        shows examples, such as --where 'body.amount > `100`'",
    )


def _wrong_calls(tree: Any) -> Iterator[str]:
    """What is wrong with the functions called; jmespath itself looks only when it comes to a call, if ever."""
    from jmespath.functions import Functions

    nodes = [tree]
    while nodes:
        node = nodes.pop()
        nodes += [child for child in node.get("children", ()) if isinstance(child, dict)]
        if node["type"] != "function_expression":
            continue
        name, number = node["value"], len(node["children"])
        if name not in Functions.FUNCTION_TABLE:
            yield f"there is no function {name}()"
            continue
        takes = Functions.FUNCTION_TABLE[name]["signature"]
        more = bool(takes) and takes[-1].get("variadic", False)
        if number != len(takes) and not (more and number > len(takes)):
            yield f"{name}() does not take {number} {'argument' if number == 1 else 'arguments'}"


class _Search:
    """A compiled expression whose run-time errors mean "does not match"."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def search(self, value: Any) -> Any:
        from jmespath.exceptions import JMESPathError

        try:
            return self._expression.search(value)
        except (JMESPathError, TypeError, ValueError, OverflowError, RecursionError):
            return None  # a function met a type it does not take, infinity (`1e999`), or a body nested too deep


def view(entry: Entry, event: Event) -> dict[str, Any]:
    """What `--where` sees of an event."""
    from urllib.parse import parse_qsl

    query = event.target.partition(b"?")[2].decode("utf-8", "replace")
    headers: dict[str, str] = {}
    for name, value in event.headers:
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", "replace")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return {
        "id": entry.id,
        "method": event.method.decode("ascii", "replace"),
        "path": event.path,
        "query": dict(reversed(parse_qsl(query, keep_blank_values=True))),
        "headers": headers,
        "body": parsed(event.headers, event.body),
        "provider": entry.facts.provider,
        "type": entry.facts.type,
        "signature": entry.facts.signature,
        "duplicate": entry.facts.duplicate_of is not None,
    }
