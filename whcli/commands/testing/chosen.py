"""Which fixtures are tested: read whole and checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...hands.fixtures import files_of, fixtures_of
from ...rules.testing.expectation import Expectation, expectation_of
from ...rules.testing.snapshot import check_snapshot
from ...words.errors import NothingMatched, WrongUsage
from ...words.event import Facts
from ...words.fixture import Fixture
from ...words.record import record


@record
class Trial:
    """One fixture to be tested."""

    name: str  # the path, with a number where a file holds several
    path: Path
    place: int  # within its file, from 0
    fixture: Fixture
    facts: Facts
    wanted: Expectation
    snapshot: dict[str, Any] | None


def trials_of(paths: Sequence[str], word: str | None, recognise: Callable[[Fixture], Facts]) -> list[Trial]:
    """The tests below the paths whose name, provider or type has the word in it, in any case.

    Raises NothingMatched when there are none, WrongUsage for a fixture that cannot be read.
    """
    found: list[Trial] = []
    for path in files_of(paths):
        fixtures = fixtures_of(path)
        found += [_trial(path, place, len(fixtures), each, recognise(each)) for place, each in enumerate(fixtures)]
    wanted = [trial for trial in found if word is None or word.lower() in _words(trial)]
    if not wanted:
        what = f"no fixture below {' '.join(paths)}" + (f" has '{word}' in its name" if word and found else "")
        raise NothingMatched(what, code="no_fixture", next="whcli export latest -o tests/hooks/        writes one")
    return wanted


def _trial(path: Path, place: int, number: int, fixture: Fixture, facts: Facts) -> Trial:
    name = f"{path}[{place}]" if number > 1 else str(path)
    return Trial(
        name=name,
        path=path,
        place=place,
        fixture=fixture,
        facts=facts,
        wanted=expectation_of(_object(fixture, "expect", name), name),
        snapshot=check_snapshot(_object(fixture, "snapshot", name), name),
    )


def _object(fixture: Fixture, field: str, name: str) -> dict[str, Any] | None:
    """A further field of a fixture, which must be an object."""
    value = fixture.further(field)
    if value is not None and not isinstance(value, dict):
        raise WrongUsage(f"'{field}' of {name} is no object", code=f"bad_{field}", next=f"edit {name}")
    return value


def _words(trial: Trial) -> str:
    return " ".join(filter(None, (trial.name, trial.facts.provider, trial.facts.type))).lower()
