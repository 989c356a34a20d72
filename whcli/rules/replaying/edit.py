"""Edits applied to a request: its parts changed, and each change in words.

In a body as few bytes change as can be: the value, or a new member behind the last one. A name that stands several
times in a form, a query or the headers stands there once afterwards, so that every reader reads the new value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ...words.errors import WrongUsage
from ...words.event import Event, Headers, every
from ...words.record import record
from ...words.secret import masked
from ..body import is_form
from ..credentials import is_credential
from ..jsontext import NoPlace, whole
from ..outgoing import goes_no_further
from ..signatures import params
from ..text import clip, safe, words
from . import jsonedit
from .edits import MADE_ANEW, Edits, Place, Value, bad_edit, header_name, plain, steps_of
from .jsonedit import Pattern

SHOWN = 60  # characters of a value in a sentence
AS_A_WHOLE = "--body-file FILE replaces it as a whole"


@record
class Parts:
    """The parts of a request that can be changed."""

    method: bytes
    target: bytes
    headers: Headers
    body: bytes


Told = tuple[bytes, str]
"""A text as it now stands, and what was done to it."""

Change = tuple[Parts, str]
Step = Callable[[Parts], Change]


def edited(parts: Parts, edits: Edits) -> tuple[Parts, tuple[str, ...]]:
    """The parts with all edits applied, and what changed, in words.

    Raises WrongUsage, saying what is there, where a value cannot be set. What is to be removed and is not there is told
    and is no error.
    """
    changes: list[str] = []
    for step in _steps(edits):
        parts, change = step(parts)
        changes += [change] if change else []
    return parts, tuple(changes)


def event_edited(event: Event, edits: Edits) -> tuple[Event, tuple[str, ...]]:
    """As `edited`, for a stored event."""
    parts, changes = edited(parts_of(event), edits)
    return with_parts(event, parts), changes


def parts_of(event: Event) -> Parts:
    """The parts of an event that can be changed."""
    return Parts(method=event.method, target=event.target, headers=event.headers, body=event.body)


def with_parts(event: Event, parts: Parts) -> Event:
    """The event with these parts; its raw head is kept only where it still says the same."""
    same = (parts.method, parts.target, parts.headers) == (event.method, event.target, event.headers)
    return replace(
        event,
        method=parts.method,
        target=parts.target,
        headers=parts.headers,
        body=parts.body,
        head=event.head if same else b"",
    )


def _steps(edits: Edits) -> list[Step]:
    """One step per edit, in order: a whole body first, single values last."""
    steps: list[Step] = []
    if (body := edits.body) is not None:
        steps.append(lambda parts: _with_body(parts, body))
    if (method := edits.method) is not None:
        steps.append(lambda parts: (replace(parts, method=method), _changed("method", parts.method, method)))
    if (path := edits.path) is not None:
        steps.append(lambda parts: _with_path(parts, path))
    steps += [_removing(name) for name in edits.removed]
    steps += [_heading(name, edits.headers) for name in dict.fromkeys(name.lower() for name, _ in edits.headers)]
    steps += [_unsetting(place) for place in edits.unset]
    return steps + [_setting(place, value) for place, value in edits.set]


def _unsetting(place: Place) -> Step:
    if place.root == "headers":
        return lambda parts: _unset_headers(parts, place)
    return _acting(
        place,
        Act(
            field=lambda form, name: _unset_fields(form, place, name),
            inner=lambda body, path, way: _unset_json(body, path, place),
        ),
    )


def _setting(place: Place, value: Value) -> Step:
    if place.root == "headers":
        return lambda parts: _set_headers(parts, place, value)
    return _acting(
        place,
        Act(
            field=lambda form, name: _set_fields(form, place, name, value),
            inner=lambda body, path, way: _set_json(body, path, place, value, way),
        ),
    )


class Act(NamedTuple):
    """What is done at a path: to a field of a form or query, or to a place in a JSON text and on the way there."""

    field: Callable[[bytes, str], Told]
    inner: Callable[[bytes, Pattern, Pattern], Told]


def _acting(place: Place, act: Act) -> Step:
    act_on = _in_query if place.root == "query" else _in_body
    return lambda parts: act_on(parts, place, act)


# -- request line and whole body


def _with_body(parts: Parts, body: bytes) -> Change:
    change = "" if body == parts.body else f"body replaced: {len(parts.body)} bytes → {len(body)} bytes"
    return replace(parts, body=body), change


def _with_path(parts: Parts, typed: bytes) -> Change:
    """A path keeps the query unless it brings one; a query alone keeps the path; `?` alone takes the query away."""
    path, mark, query = typed.partition(b"?")
    old_path, old_mark, old_query = parts.target.partition(b"?")
    tail = (b"?" + query if query else b"") if mark else old_mark + old_query
    target = (path or old_path) + tail
    return replace(parts, target=target), _changed("target", parts.target, target)


# -- headers


def _removing(name: bytes) -> Step:
    return lambda parts: _without_headers(parts, [name.lower()], f"{words(name)} is not there: nothing removed")


def _heading(name: bytes, given: Headers) -> Step:
    """All lines given for one name take the place of all that are there, spelled as typed."""
    lines = tuple(pair for pair in given if pair[0].lower() == name)
    return lambda parts: _with_lines(parts, name, lines)


def _with_lines(parts: Parts, name: bytes, lines: Headers) -> Change:
    names = [key.lower() for key, _ in parts.headers]
    at = names.index(name) if name in names else len(names)
    kept = tuple(pair for pair in parts.headers[at:] if pair[0].lower() != name)
    headers = (*parts.headers[:at], *lines, *kept)
    if headers == parts.headers:
        return parts, ""
    told = _header_change(lines[0][0], every(parts.headers, name), every(lines, name))
    return replace(parts, headers=tuple(_unnamed(pair, name) for pair in headers)), told


def _unnamed(pair: tuple[bytes, bytes], name: bytes) -> tuple[bytes, bytes]:
    """A header; a `Connection` without `name`, since what it names is not sent (RFC 9110 section 7.6.1)."""
    key, value = pair
    if key.lower() != b"connection" or name not in value.lower():
        return pair
    return key, b", ".join(each for each in map(bytes.strip, value.split(b",")) if each.lower() != name)


def _header_change(name: bytes, old: list[bytes], new: list[bytes]) -> str:
    show = _hidden if is_credential(name) else _shown
    after = ", ".join(show(value) for value in new) or "(empty)"
    if not old:
        return f"{words(name)}: {after} added"
    return f"{words(name)} {', '.join(show(value) for value in old)} → {after}"


def _hidden(value: bytes) -> str:
    return masked(words(value))


def _without_headers(parts: Parts, names: list[bytes], nowhere: str) -> Change:
    gone = dict.fromkeys(words(name) for name, _ in parts.headers if name.lower() in names)
    kept = tuple(pair for pair in parts.headers if pair[0].lower() not in names)
    return replace(parts, headers=kept), f"{', '.join(gone)} removed" if gone else nowhere


def _meant(parts: Parts, place: Place) -> list[bytes]:
    """The header names a path means, in lower case; `*` is all but those that are made anew."""
    if place.name != "*":
        return [header_name(place.name).lower()]
    return [name for name in dict.fromkeys(name.lower() for name, _ in parts.headers) if name not in MADE_ANEW]


def _set_headers(parts: Parts, place: Place, value: Value) -> Change:
    """In the captured spelling where there is one."""
    changes: list[str] = []
    for name in _meant(parts, place):
        if goes_no_further(name):  # `*` means it too, and it is not sent
            continue
        spelled = next((key for key, _ in parts.headers if key.lower() == name), place.name.encode())
        parts, change = _with_lines(parts, name, ((spelled, value.plain),))
        changes += [change] if change else []
    return parts, "; ".join(changes)


def _unset_headers(parts: Parts, place: Place) -> Change:
    return _without_headers(parts, _meant(parts, place), _nowhere(place))


# -- query and body


def _in_query(parts: Parts, place: Place, act: Act) -> Change:
    path, _, query = parts.target.partition(b"?")
    new, told = act.field(query, place.name)
    if new == query:
        return parts, told
    return replace(parts, target=path + b"?" + new if new else path), told


def _in_body(parts: Parts, place: Place, act: Act) -> Change:
    inside = _in_form if holds_form(parts) else _in_json
    body, told = inside(parts.body, place, act)
    return replace(parts, body=body), told


def holds_form(parts: Parts) -> bool:
    """As filters read it: what calls itself a form, and is no JSON."""
    return is_form(parts.headers) and not (parts.body[:1] in (b"{", b"[") and _is_json(parts.body))


def _is_json(body: bytes) -> bool:
    try:
        whole(body)
    except NoPlace:
        return False
    return True


def _in_json(body: bytes, place: Place, act: Act) -> Told:
    if not _is_json(body):
        what = "is neither JSON nor called a form by its Content-Type" if body else "is empty"
        raise bad_edit(f"{safe(place.text)} leads nowhere: the body {what}", AS_A_WHOLE)
    return act.inner(body, steps_of(place), ())


def _in_form(form: bytes, place: Place, act: Act) -> Told:
    """A field; or, when the path goes on into a field that holds JSON, a place in there."""
    if not place.name:
        raise bad_edit("a form has no single value to set", AS_A_WHOLE)
    there = params.fields(form)
    name, rest = _field(place, there)
    if not rest:
        return act.field(form, name)
    key = plain(name)
    if not _is_json(there[key]):
        raise bad_edit(f"{safe(place.text)} leads nowhere: the field {safe(name)} holds no JSON", AS_A_WHOLE)
    text, told = act.inner(there[key], rest, (name,))
    return form if text == there[key] else params.put_once(form, key, text), told


def _field(place: Place, there: dict[bytes, bytes]) -> tuple[str, Pattern]:
    """The field that a path leads to, and the steps inside it, if any.

    `data[merges][EMAIL]` is the name of a field: what cannot be read as steps is one.
    """
    try:
        first, *rest = steps_of(place)
    except WrongUsage:
        return place.name, ()
    if not isinstance(first, str) or plain(place.name) in there or (rest and plain(first) not in there):
        return place.name, ()
    return first, tuple(rest)


def _set_fields(form: bytes, place: Place, name: str, value: Value) -> Told:
    names = _fields(form, name)
    new = form
    for each in names:
        new = params.put_once(new, each, value.plain)
    old = [found for key, found in params.pairs(form) if key in names]
    return new, _told(place, old, value.plain, max(len(old), len(names)), new != form)


def _unset_fields(form: bytes, place: Place, name: str) -> Told:
    names = _fields(form, name)
    new = form
    for each in names:
        new = params.without(new, each)
    return new, _removed(place, [found for key, found in params.pairs(form) if key in names])


def _fields(form: bytes, name: str) -> list[bytes]:
    return list(params.fields(form)) if name == "*" else [plain(name)]


def _set_json(body: bytes, path: Pattern, place: Place, value: Value, way: Pattern) -> Told:
    try:
        holes = jsonedit.holes(body, path, way)
    except NoPlace as error:
        message = f"{safe(place.text)} cannot be set: {safe(str(error))}"
        raise bad_edit(message, "whcli show EVENT --body        shows what is there") from None
    old = [body[hole.begin : hole.end] for hole in holes if not hole.new]
    new = jsonedit.filled(body, holes, value.json)
    return new, _told(place, old, value.json, len(holes), new != body)


def _unset_json(body: bytes, path: Pattern, place: Place) -> Told:
    old, gone = jsonedit.values(body, path), jsonedit.cuts(body, path)
    return jsonedit.without(body, gone), _removed(place, old)


# -- words


def _shown(value: bytes) -> str:
    return clip(words(value), SHOWN)


def _changed(what: str, old: bytes, new: bytes) -> str:
    return "" if old == new else f"{what} {_shown(old)} → {_shown(new)}"


def _told(place: Place, old: list[bytes], new: bytes, count: int, changed: bool) -> str:
    """What was set, in one place or in many; nothing where it was so before."""
    if not count:
        return _nowhere(place)
    if not changed:
        return ""
    if count > 1:
        return f"{safe(place.text)} → {_shown(new)} in {count} places"
    return f"{safe(place.text)} {_shown(old[0])} → {_shown(new)}" if old else f"{safe(place.text)}: {_shown(new)} added"


def _removed(place: Place, old: list[bytes]) -> str:
    if not old:
        return _nowhere(place)
    what = _shown(old[0]) if len(old) == 1 else f"in {len(old)} places"
    return f"{safe(place.text)} {what} removed"


def _nowhere(place: Place) -> str:
    return f"{safe(place.text)} is not there: nothing changed"
