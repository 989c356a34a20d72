"""What captured events are to be, taken together: how many, in which order, signed, once each.

As with filters, what holds is an empty list of differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..words.errors import WrongUsage
from ..words.event import Difference, Entry
from ..words.record import record
from .archive import difference_json
from .masking import shown_target
from .match import Miss
from .routes import glob
from .text import clip, safe


@record
class Expected:
    """What is expected of the events that a filter selects."""

    least: int = 1
    most: int | None = None
    ordered: tuple[str, ...] = ()  # types (globs) that arrive in this order; others may stand between
    signed: bool = False  # every signature is valid
    once: bool = False  # no provider's delivery id comes again


class Failure(NamedTuple):
    """One thing that does not hold, of all events or of one."""

    difference: Difference
    event: int | None = None  # arrival number


def expected(
    *,
    count: int | None,
    at_least: int | None,
    at_most: int | None,
    ordered: str | None,
    signed: bool,
    no_duplicates: bool,
) -> Expected:
    """The expectation that flags describe; raises WrongUsage where they exclude each other."""
    if count is not None and (at_least is not None or at_most is not None):
        raise WrongUsage("--count excludes --at-least and --at-most", next="--count 2, or --at-least 1 --at-most 3")
    least = count if count is not None else at_least if at_least is not None else 0 if at_most is not None else 1
    most = count if count is not None else at_most
    if most is not None and least > most:
        raise WrongUsage(f"--at-least {least} lies above --at-most {most}", next="--at-least 1 --at-most 3")
    types = tuple(each.strip() for each in ordered.split(",")) if ordered is not None else ()
    if ordered is not None and not all(types):
        raise WrongUsage(
            f"--ordered takes types with commas between them, not '{safe(ordered)}'",
            next="--ordered checkout.session.completed,invoice.paid",
        )
    return Expected(least=least, most=most, ordered=types, signed=signed, once=no_duplicates)


def failures(wanted: Expected, entries: Sequence[Entry]) -> tuple[Failure, ...]:
    """Where events, in order of arrival, are not as expected; empty when all holds."""
    checks = (_count(wanted, len(entries)), _order(wanted.ordered, entries))
    unsigned = _unsigned(entries) if wanted.signed else ()
    again = _again(entries) if wanted.once else ()
    return (*(Failure(check) for check in checks if check), *unsigned, *again)


def _count(wanted: Expected, number: int) -> Difference | None:
    if wanted.least <= number and (wanted.most is None or number <= wanted.most):
        return None
    return Difference(field="count", wanted=amount(wanted), got=str(number))


def amount(wanted: Expected) -> str:
    """How many are expected, in words."""
    if wanted.most is None:
        return f"at least {wanted.least}"
    if wanted.least == wanted.most:
        return str(wanted.least)
    return f"{wanted.least} to {wanted.most}" if wanted.least else f"at most {wanted.most}"


def _order(types: Sequence[str], entries: Sequence[Entry]) -> Difference | None:
    """The first type that does not come behind those before it."""
    rest = iter(entries)
    before = ""
    for wanted in types:
        found = next((entry for entry in rest if _is(entry, wanted)), None)
        if found is None:
            came = [f"#{entry.id}" for entry in entries if _is(entry, wanted)]
            return Difference(field="ordered", wanted=f"{wanted}{before}", got=", ".join(came) or "none")
        before = f" behind #{found.id} {wanted}"
    return None


def _is(entry: Entry, type: str) -> bool:
    return entry.facts.type is not None and glob(type).match(entry.facts.type) is not None


def _unsigned(entries: Sequence[Entry]) -> Iterator[Failure]:
    for entry in entries:
        if entry.facts.signature != "valid":
            yield Failure(Difference(field="signature", wanted="valid", got=entry.facts.signature), entry.id)


def _again(entries: Sequence[Entry]) -> Iterator[Failure]:
    for entry in entries:
        if entry.facts.duplicate_of is not None:
            got = f"the delivery id of #{entry.facts.duplicate_of} again"
            yield Failure(Difference(field="duplicate", wanted="each delivery once", got=got), entry.id)


# -- in words and as JSON -------------------------------------------------------------------------------------------


def words(difference: Difference) -> str:
    """`type: wanted charge.succeeded, got charge.failed`."""
    wanted, got = (clip(safe(text), 200) for text in (difference.wanted, difference.got))
    return f"{difference.field}: wanted {wanted}, got {got}"


def about(entry: Entry) -> str:
    """Which event it is: `#4 POST /hooks stripe charge.failed`."""
    parts = (entry.method, entry.path, entry.facts.provider or "–", entry.facts.type or "–")
    return " ".join([f"#{entry.id}", *(clip(shown_target(part), 80) for part in parts)])


def miss_json(miss: Miss) -> dict[str, Any]:
    """A near miss."""
    return {"event": miss.entry.id, "differences": [difference_json(each) for each in miss.differences]}
