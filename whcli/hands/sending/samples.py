"""The sample events on disk: ours, which come with the package, and a folder of the user's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ...rules.near import unknown
from ...rules.samples import Sample, joined, sample_named, samples_in
from ...words.errors import NothingMatched, WrongUsage
from ..config import read_small

SUFFIX = ".toml"
LISTED = "whcli send --list        shows all of them"


class Samples:
    """All templates by provider; a file is read only when one of its provider's is asked for.

    `folder` holds the user's own, one file a provider; where it has a type that we have too, the user's stands.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @cached_property
    def _ours(self) -> dict[str, Traversable]:
        return {file.name.removesuffix(SUFFIX): file for file in _files(files("whcli.rules.samples"))}

    @cached_property
    def _theirs(self) -> dict[str, tuple[Sample, ...]]:
        """The user's, by provider; all are read, since a file may say whose it is."""
        if self._folder is None:
            return {}
        if not os.path.isdir(self._folder):  # noqa: PTH112  # false for every name that can be no folder's
            raise NothingMatched(f"there is no samples folder {self._folder}", next=f"ls -d {self._folder}")
        found: dict[str, tuple[Sample, ...]] = {}
        for file in _files(self._folder):
            for sample in _read(file, str(self._folder / file.name)):
                found[sample.provider] = (*found.get(sample.provider, ()), sample)
        return found

    @property
    def providers(self) -> tuple[str, ...]:
        """Every provider that has a template, by name."""
        return tuple(sorted({*self._ours, *self._theirs}))

    def of(self, provider: str) -> tuple[Sample, ...]:
        """A provider's templates; raises WrongUsage with a suggestion where it has none."""
        if provider not in self.providers:
            raise unknown("provider with samples", provider, self.providers, next=LISTED)
        ours = _read(self._ours[provider], f"{provider}{SUFFIX}") if provider in self._ours else ()
        return joined(ours, self._theirs.get(provider, ()))

    def one(self, provider: str, type: str) -> Sample:
        """The template of that type; raises WrongUsage with a suggestion where there is none."""
        return sample_named(self.of(provider), provider, type)

    def all(self) -> Iterator[Sample]:
        """Every template, provider by provider."""
        for provider in self.providers:
            yield from self.of(provider)


def _files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(SUFFIX)), key=lambda file: file.name)


def _read(file: Traversable, origin: str) -> tuple[Sample, ...]:
    import tomllib

    try:
        tables = tomllib.loads(read_small(file).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise WrongUsage(f"{origin} cannot be read: {error}", code="bad_sample", next=f"edit {origin}") from error
    return samples_in(tables, file.name.removesuffix(SUFFIX), origin)
