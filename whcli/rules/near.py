"""Did you mean: the known names that a wrong one may have been meant for, and the error that says so."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..words.errors import WrongUsage
from .text import safe

MOST = 2  # names that are suggested


def near(name: str, known: Iterable[str], most: int = MOST) -> tuple[str, ...]:
    """The known names nearest to one, the nearest first; case does not count."""
    lowered = {each.lower(): each for each in known}
    return tuple(lowered[each] for each in get_close_matches(name.lower(), lowered, n=most))


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """An error's details: the nearest names, each behind a prefix; none where nothing is near."""
    found = near(name, known)
    return (("did you mean", " or ".join(f"'{prefix}{each}'" for each in found)),) if found else ()


def unknown(kind: str, name: str, known: Iterable[str], *, next: str) -> WrongUsage:
    """The error for a name that none has, with the nearest that are."""
    details = did_you_mean(name, known)
    return WrongUsage(f"unknown {kind} '{safe(name)}'", code="unknown_name", details=details, next=next)
