"""Filters: what an event must be, and where it differs.

A match is an empty list of differences; a failure can be shown. Filters mean the same wherever they appear.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from ..words.errors import WrongUsage
from ..words.event import Difference, Entry, Event, Facts
from ..words.record import record
from .body import READABLE, parsed
from .routes import glob
from .text import clip, rfc3339, safe


@record
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
    search: str | None = None  # words and "quoted phrases"
    failed: bool = False  # the last delivery was not 2xx

    @property
    def needs_body(self) -> bool:
        """True when the event's bytes are needed to decide."""
        return self.where is not None or self.search is not None


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
    if wanted.needs_body and not any(found):
        found += inside_differences(wanted, Inside(entry.id, lambda _: event(), lambda _: entry.facts))
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
        unasked = wanted.needs_body and all(each.field not in ("where", "search") for each in miss.differences)
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


class Inside:
    """What is inside an event, for the filters that look there; nothing is parsed before it is asked for.

    `event` and `facts` make them of `row`, at most once. With a `body` at hand an event need not be made to read it.
    """

    __slots__ = ("_body", "_event", "_facts", "_row", "id")

    def __init__(
        self,
        id: int,
        event: Callable[[Any], Event],
        facts: Callable[[Any], Facts],
        row: Any = None,
        body: bytes | None = None,
    ) -> None:
        self.id = id
        self._event: Callable[[Any], Event] | Event = event
        self._facts: Callable[[Any], Facts] | Facts = facts
        self._row = row
        self._body = body

    @property
    def event(self) -> Event:
        """The event, read now if it was not before."""
        if not isinstance(self._event, Event):
            self._event = self._event(self._row)
        return self._event

    @property
    def facts(self) -> Facts:
        """Its facts."""
        if not isinstance(self._facts, Facts):
            self._facts = self._facts(self._row)
        return self._facts

    @property
    def body(self) -> Any:
        """The parsed body; JSON, which is most of them, without a look at the headers."""
        body = self._body
        if body is not None and body[:1] in (b"{", b"[") and len(body) <= READABLE:
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass
        return parsed(self.event.headers, self.event.body)


def inside_differences(wanted: Filter, inside: Inside) -> Iterator[Difference]:
    """Where the inside of an event differs from a filter."""
    if wanted.search is not None and not _holding(wanted.search)(inside):
        yield Difference(field="search", wanted=safe(wanted.search), got="other words")
    if wanted.where is not None and is_nothing(compiled(wanted.where).value(inside)):
        yield Difference(field="where", wanted=wanted.where, got=safe(compiled(wanted.where).found(inside)))


def looking_inside(wanted: Filter) -> tuple[Callable[[Inside], bool], bool]:
    """Whether an inside is as wanted, prepared for very many of them; and whether that asks for their facts."""
    found = [_holding(wanted.search)] if wanted.search is not None else []
    names: Sequence[str] = ()
    if wanted.where is not None:
        value_in = compiled(wanted.where)
        names = value_in.names
        found.append(lambda inside: not is_nothing(value_in.value(inside)))
    alone = found[0] if len(found) == 1 else lambda inside: all(each(inside) for each in found)
    return alone, not FROM_FACTS.isdisjoint(names)


def _holding(search: str) -> Callable[[Inside], bool]:
    from .searching import holds, phrases

    wanted = phrases(search)
    return lambda inside: holds(wanted, inside.event)


def is_nothing(value: Any) -> bool:
    """What an expression gives where it does not hold."""
    return value is False or value is None or value in ("", [], {})


@lru_cache(maxsize=64)
def compiled(expression: str) -> Any:
    """A JMESPath expression ready to search; raises WrongUsage when it cannot be read."""
    import warnings

    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        with warnings.catch_warnings():  # of literals that are no JSON: they are read as texts, now as ever
            warnings.simplefilter("ignore", PendingDeprecationWarning)
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


SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
"""A comparison's name in JMESPath's tree -> as it is written."""


class _Search:
    """A compiled expression whose run-time errors mean "does not match"; `names` are the parts it can look at."""

    def __init__(self, expression: Any) -> None:
        from jmespath.exceptions import JMESPathError
        from jmespath.visitor import TreeInterpreter

        self.names = _names(expression.parsed)
        self._parts = [(name, VIEW[name]) for name in self.names]
        self._errors = (JMESPathError, TypeError, ValueError, OverflowError, RecursionError)
        self._tree = expression.parsed
        self._interpreter = TreeInterpreter()  # one for all events: it looks its own methods up only once

    def value(self, inside: Inside) -> Any:
        """What the expression gives for an event."""
        return self.search({name: part(inside) for name, part in self._parts})

    def found(self, inside: Inside) -> str:
        """What an expression that does not hold met: of a comparison its two sides, of several the first that fails."""
        view = {name: part(inside) for name, part in self._parts}
        node = self._tree
        try:
            while node["type"] == "and_expression":
                node = next(part for part in node["children"] if is_nothing(self._interpreter.visit(part, view)))
            if node["type"] != "comparator":
                return str(self._interpreter.visit(node, view))
            left, right = (clip(_as_json(self._interpreter.visit(side, view)), 60) for side in node["children"])
        except (*self._errors, StopIteration):
            return str(None)
        return f"{left} is not {SIGNS[node['value']]} {right}"

    def search(self, value: Any) -> Any:
        """What the expression gives for a view."""
        try:
            return self._interpreter.visit(self._tree, value)
        except self._errors:
            return None  # a function met a type it does not take, infinity (`1e999`), or a body nested too deep


def _as_json(value: Any) -> str:
    """A value as JSON, so that the text "42" can be told from the number."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _names(tree: Any) -> tuple[str, ...]:
    """The parts of the view that an expression names; all of them where it takes a whole object (`@`, `*`)."""
    nodes, named = [tree], set()
    while nodes:
        node = nodes.pop()
        if node["type"] in ("current", "value_projection"):
            return tuple(VIEW)
        if node["type"] == "field":
            named.add(node["value"])
        nodes += [child for child in node.get("children", ()) if isinstance(child, dict)]
    return tuple(name for name in VIEW if name in named)


def _query(inside: Inside) -> dict[str, str]:
    from urllib.parse import parse_qsl

    query = inside.event.target.partition(b"?")[2].decode("utf-8", "replace")
    return dict(reversed(parse_qsl(query, keep_blank_values=True)))


def _headers(inside: Inside) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in inside.event.headers:
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", "replace")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


VIEW: dict[str, Callable[[Inside], Any]] = {
    "id": lambda inside: inside.id,
    "method": lambda inside: inside.event.method.decode("ascii", "replace"),
    "path": lambda inside: inside.event.path,
    "query": _query,
    "headers": _headers,
    "body": attrgetter("body"),
    "provider": lambda inside: inside.facts.provider,
    "type": lambda inside: inside.facts.type,
    "signature": lambda inside: inside.facts.signature,
    "duplicate": lambda inside: inside.facts.duplicate_of is not None,
}
"""What `--where` sees of an event."""

FROM_FACTS = {"provider", "type", "signature", "duplicate"}
"""The parts of the view that were worked out when the event arrived."""


def view(entry: Entry, event: Event) -> dict[str, Any]:
    """All that `--where` sees of an event."""
    inside = Inside(entry.id, lambda _: event, lambda _: entry.facts)
    return {name: part(inside) for name, part in VIEW.items()}
