"""Did you mean: the known names that a wrong one may have been meant for, and the error that says so."""

from __future__ import annotations

from collections.abc import Iterable

from ..words.errors import WrongUsage
from .text import safe

MOST = 2  # names that are suggested
LONGEST = 100  # characters of a name that are compared


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known names nearest to one, the nearest first; case does not count."""
    from difflib import get_close_matches

    lowered = {each.lower(): each for each in known}
    return tuple(lowered[each] for each in get_close_matches(name[:LONGEST].lower(), lowered, n=MOST))


def meant(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The nearest names as words, `'a' or 'b'`, each behind a prefix; empty where nothing is near."""
    return " or ".join(f"'{prefix}{each}'" for each in near(name, known))


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """The same as an error's details."""
    found = meant(name, known, prefix)
    return (("did you mean", found),) if found else ()


def unknown(kind: str, name: str, known: Iterable[str], *, next: str) -> WrongUsage:
    """The error for a name that none has, with the nearest that are."""
    details = did_you_mean(name, known)
    return WrongUsage(f"unknown {kind} '{safe(name)}'", code="unknown_name", details=details, next=next)
