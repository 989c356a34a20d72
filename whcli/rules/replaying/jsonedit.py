"""Values of a JSON text set and removed at every place a path leads to; no byte around them changes.

A path's step is an object's name, an array's place, or None for every member of one level. Digits are a place where an
array stands. Of repeated names the last counts when one is set, and all go when one is removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..jsontext import Member, NoPlace, gap, inside, members, whole

Pattern = tuple[str | int | None, ...]
"""Steps from the whole value inwards; None is every member of one level."""

KINDS = {b"{": "an object", b"[": "an array", b'"': "a text", b"t": "true", b"f": "false", b"n": "null"}
DIGITS = re.compile(r"[0-9]{1,9}\Z")
PLAIN = re.compile(r'[^.\[\]"*\s]+\Z')


class Hole(NamedTuple):
    """Where a value goes: what it replaces, and what is written around it when it is new."""

    begin: int
    end: int
    before: bytes = b""
    after: bytes = b""

    @property
    def new(self) -> bool:
        """True when no value stands there yet."""
        return bool(self.before)


def holes(body: bytes, path: Pattern, way: Pattern = ()) -> list[Hole]:
    """Every place the path leads to, in the order of the text; `way` is where the body itself stands, for messages.

    An object without the name gets it, with the objects on the way; null counts as an empty object. Behind a None,
    members that have no such place are passed over. Raises NoPlace, which says what is there instead.
    """
    return _holes(body, whole(body), path, way)


def filled(body: bytes, places: Sequence[Hole], value: bytes) -> bytes:
    """The body with the JSON text `value` at these places."""
    return _spliced(body, [(hole.begin, hole.end, hole.before + value + hole.after) for hole in places])


def cuts(body: bytes, path: Pattern) -> list[tuple[int, int]]:
    """What has to go, each with one comma, so that the path leads nowhere; empty when it already does.

    Raises NoPlace when the body is no JSON.
    """
    return [cut for begin, _ in _found(body, path[:-1]) for cut in _cuts(body, begin, path[-1])]


def without(body: bytes, gone: Sequence[tuple[int, int]]) -> bytes:
    """The body without these stretches."""
    return _spliced(body, [(begin, end, b"") for begin, end in gone])


def values(body: bytes, path: Pattern) -> list[bytes]:
    """The JSON texts the path leads to; empty when it leads nowhere. Raises NoPlace when the body is no JSON."""
    return [body[begin:end] for begin, end in _found(body, path)]


def literal(text: str) -> bytes:
    """A text as JSON writes it: in UTF-8, escaped only where it has to be; lone surrogates as escapes."""
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(text).encode()


def _spliced(body: bytes, changes: Sequence[tuple[int, int, bytes]]) -> bytes:
    parts, at = [], 0
    for begin, end, value in changes:
        parts += [body[at:begin], value]
        at = end
    return b"".join([*parts, body[at:]])


def _holes(body: bytes, place: tuple[int, int], path: Pattern, way: Pattern) -> list[Hole]:
    if not path:
        return [Hole(*place)]
    step, rest = _fitting(body, place[0], path[0]), path[1:]
    if step is None:
        return _every(body, place, rest, way)
    inner = inside(body, place[0], step)
    if inner is not None:
        return _holes(body, inner, rest, (*way, step))
    return [_opening(body, place, (step, *rest), way)]


def _every(body: bytes, place: tuple[int, int], rest: Pattern, way: Pattern) -> list[Hole]:
    """The places behind a None; an error only where every member refuses."""
    if body[place[0] : place[0] + 1] not in (b"{", b"["):
        raise NoPlace(f"{shown(way)} is {_kind(body, place[0])}, and * stands for the members of an object or array")
    found: list[Hole] = []
    refused: NoPlace | None = None
    for member in members(body, place[0]):
        try:
            found += _holes(body, (member.begin, member.end), rest, (*way, member.name))
        except NoPlace as error:
            refused = refused or error
    if refused and not found:
        raise refused
    return found


def _opening(body: bytes, place: tuple[int, int], path: Pattern, way: Pattern) -> Hole:
    """Where a new member of an object goes, with the objects on the way to its value."""
    kind = body[place[0] : place[0] + 1]
    if isinstance(path[0], int) or kind not in (b"{", b"n"):
        raise NoPlace(_why(body, place[0], path[0], way))
    names = [literal(step) for step in path if isinstance(step, str)]
    if len(names) < len(path):
        raise NoPlace(f"{shown((*way, path[0]))} is not there, and only objects are made on the way")
    before, after = b":{".join(names) + b":", b"}" * (len(names) - 1)
    if kind == b"n":
        return Hole(*place, b"{" + before, after + b"}")
    cut, comma = gap(body, place[0])
    return Hole(cut, cut, comma + before, after)


def _why(body: bytes, begin: int, step: str | int | None, way: Pattern) -> str:
    what = f"{shown(way)} is {_kind(body, begin)}"
    if body[begin : begin + 1] != b"[":
        return f"{what}, not an {'array' if isinstance(step, int) else 'object'}"
    count = sum(1 for _ in members(body, begin))
    there = f"{count} {'item' if count == 1 else 'items'}"
    return f"{what} of {there}, so {shown((*way, step))} leads nowhere"


def _kind(body: bytes, begin: int) -> str:
    """What stands at a place, in words."""
    return KINDS.get(body[begin : begin + 1], "a number")


def _fitting(body: bytes, begin: int, step: str | int | None) -> str | int | None:
    """Digits as a place where an array stands."""
    digits = isinstance(step, str) and DIGITS.match(step) and body[begin : begin + 1] == b"["
    return int(step) if digits and step is not None else step


def _found(body: bytes, path: Pattern) -> list[tuple[int, int]]:
    """Where the values lie that the path leads to."""
    found = [whole(body)]
    for step in path:
        found = [inner for begin, _ in found for inner in _inner(body, begin, step)]
    return found


def _inner(body: bytes, begin: int, step: str | int | None) -> list[tuple[int, int]]:
    """Where the values of one step lie."""
    step = _fitting(body, begin, step)
    if step is not None:
        found = inside(body, begin, step)
        return [found] if found else []
    opened = body[begin : begin + 1] in (b"{", b"[")
    return [(member.begin, member.end) for member in members(body, begin)] if opened else []


def _cuts(body: bytes, begin: int, step: str | int | None) -> Iterator[tuple[int, int]]:
    """The stretches that members take up: each run of neighbours with the comma on its left, else on its right."""
    if body[begin : begin + 1] not in (b"{", b"["):
        return
    step, before = _fitting(body, begin, step), None  # the end of the last member that stays
    run: list[Member] = []
    for member in members(body, begin):
        if step is None or member.name == step:
            run.append(member)
            continue
        if run:
            yield (run[0].start, member.start) if before is None else (before, run[-1].end)
        run, before = [], member.end
    if run:
        yield (run[0].start if before is None else before), run[-1].end


def shown(path: Pattern) -> str:
    """A path as it is written: `body.a.b[0]`."""
    return "body" + "".join(_step(step) for step in path)


def _step(step: str | int | None) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step is None:
        return ".*"
    return f".{step}" if PLAIN.match(step) and step.isprintable() else f"[{json.dumps(step, ensure_ascii=False)}]"
