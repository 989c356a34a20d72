"""Which provider sent this, and what it is: from headers and body, by the table in `providers.py`.

Runs for every captured event, so headers decide first: each of the request's header names is looked up in an index of
the table, and the body is parsed only for a provider whose marks or facts stand in it. What nothing decides is not
guessed: the providers that it may be from are named as candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from ...words.event import Facts, Headers
from .marks import Mark, View, all_hold, mark_of
from .providers import BY_SCHEME, FORMATS, PROVIDERS, Conditions, Provider


def detect(headers: Headers, body: bytes, scheme: str | None = None) -> Facts:
    """Provider, scheme, type, delivery id and attempt; `scheme` is what a route has fixed. Never raises."""
    view = View(headers, body)
    provider, name, candidates = recognised(view, scheme)
    if provider is None:
        return Facts(scheme=name, candidates=candidates)
    return Facts(
        provider=provider.name,
        scheme=name,
        type=_joined(provider.type, view),
        delivery_id=_joined(provider.delivery_id, view, all_parts=True),
        attempt=_attempt(provider, view),
        candidates=candidates,
    )


def signer(headers: Headers, body: bytes, scheme: str | None = None) -> Facts:
    """Provider, scheme and candidates alone, as `detect` finds them: enough to sign, and mostly without the body."""
    provider, name, candidates = recognised(View(headers, body), scheme)
    return Facts(provider=provider.name if provider else None, scheme=name, candidates=candidates)


def recognised(view: View, scheme: str | None) -> tuple[Provider | None, str | None, tuple[str, ...]]:
    """The provider, its scheme, and who it may be from where that is not sure; `scheme` is what a route has fixed."""
    if scheme:
        return BY_SCHEME.get(scheme), scheme, ()
    provider = provider_of(view)
    return provider, scheme_of(provider, view) if provider else None, candidates_of(view, provider)


_FORMATS = frozenset(row.name for row in FORMATS)


class Way(NamedTuple):
    """One way to recognise a provider; `order` is the provider's place in the table."""

    order: int
    provider: Provider
    marks: tuple[Mark, ...]


class Index(NamedTuple):
    """The table's marks by the first header they need; those that need none by bytes that must be in the body."""

    by_header: dict[bytes, tuple[Way, ...]]
    by_body: dict[bytes, tuple[Way, ...]]

    def of_headers(self, names: Iterable[bytes]) -> list[Way]:
        """The ways that these headers (lower case) open, in the table's order."""
        return sorted((way for name in names for way in self.by_header.get(name, ())), key=_order)

    def of_body(self, body: bytes) -> list[Way]:
        """The ways that this body may open, in the table's order."""
        return sorted((way for needle, ways in self.by_body.items() if needle in body for way in ways), key=_order)


def _order(way: Way) -> int:
    return way.order


def provider_of(view: View) -> Provider | None:
    """The provider that the request is surely from: the first by headers, else the first by its body."""
    for way in _sure_of(tuple(view.names)):
        if all_hold(way.marks, view):
            return way.provider
    sure, _ = _indexes()
    return next((way.provider for way in sure.of_body(view.body) if all_hold(way.marks, view)), None)


@lru_cache(maxsize=64)
def _sure_of(names: tuple[bytes, ...]) -> list[Way]:
    """The ways that these headers open: one sender's events mostly have the same ones."""
    return _indexes()[0].of_headers(names)


def candidates_of(view: View, provider: Provider | None) -> tuple[str, ...]:
    """The providers it may be from where that is not sure, or where only the format is."""
    if provider is not None and provider.name not in _FORMATS:
        return ()
    _, hints = _indexes()
    ways = hints.of_headers(view.names)
    return tuple(dict.fromkeys(way.provider.name for way in ways if all_hold(way.marks, view)))


def scheme_of(provider: Provider, view: View) -> str | None:
    """The provider's scheme that the request is signed with; its default when nothing tells."""
    for scheme, conditions in provider.choose:
        if all_hold(_marks(conditions), view):
            return scheme
    return provider.schemes[0] if provider.schemes else None


@cache
def _indexes() -> tuple[Index, Index]:
    """The table's marks and its hints, indexed."""
    return (
        _index((order, row, marks) for order, row in enumerate(PROVIDERS) for marks in row.marks),
        _index((order, row, hints) for order, row in enumerate(PROVIDERS) for hints in row.hints),
    )


def _index(rows: Iterator[tuple[int, Provider, Conditions]]) -> Index:
    index = Index({}, {})
    for order, provider, conditions in rows:
        way = Way(order, provider, _marks(conditions))
        header = next((mark.key for mark in way.marks if mark.kind == "header" and mark.wanted), b"")
        needle = max((mark.needle for mark in way.marks), key=len)
        table, key = (index.by_header, header) if header else (index.by_body, needle)
        table[key] = (*table.get(key, ()), way)
    return index


@cache
def _marks(conditions: Conditions) -> tuple[Mark, ...]:
    return tuple(mark_of(text) for text in conditions)


def _joined(places: str, view: View, all_parts: bool = False) -> str | None:
    """The texts at `a + b`, joined by a dot; with `all_parts` only when all are there."""
    if not places:
        return None
    parts = [view.text(part) for part in places.split(" + ")]
    if all_parts and None in parts:
        return None
    return ".".join(part for part in parts if part) or None


def _attempt(provider: Provider, view: View) -> int | None:
    text = view.text(provider.attempt)
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 6:
        return None
    return int(text) + 1 - provider.attempt_first
