"""Fixtures on disk: which files hold some, and how one is written back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..rules.archive.fixture import SCHEMA, fixture_from, fixture_line, fixture_text, records
from ..words.errors import NothingMatched, WrongUsage
from ..words.fixture import Fixture
from .files import files_under, read_file, write_file

SUFFIXES = (".json", ".jsonl", ".ndjson")


def files_of(paths: Sequence[str]) -> list[Path]:
    """The files named, and below the folders named those that hold fixtures, in order of their names.

    Raises NothingMatched for a path that is not there.
    """
    found: dict[Path, None] = {}
    for text in paths:
        path = Path(text)
        if not path.exists():
            raise NothingMatched(f"there is no file or folder {path}", code="no_file", next=f"ls -d {path}")
        found.update(dict.fromkeys(_below(path) if path.is_dir() else [path]))
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    """The files of a folder that hold fixtures; hidden ones are not looked at."""
    for path in files_under([folder], SUFFIXES):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and SCHEMA.encode() in read_file(path):
            yield path


def fixtures_of(path: Path) -> list[Fixture]:
    """All fixtures of a file; raises WrongUsage naming the file where one cannot be read."""
    try:
        return [fixture_from(text) for text in records(read_file(path))]
    except WrongUsage as error:
        raise WrongUsage(f"{path}: {error.message}", code=error.code, next=error.next) from None


def write(path: Path, fixtures: Sequence[Fixture]) -> None:
    """Put fixtures in the place of those that a file held: one a line where it is a file of lines."""
    written = fixture_text if path.suffix == ".json" and len(fixtures) == 1 else fixture_line
    data = "".join(map(written, fixtures)).encode()
    write_file(path, data, lambda old: data, force=False)
