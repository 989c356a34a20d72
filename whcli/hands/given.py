"""Files of requests that a command was given: ours in every format, and those of other tools."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..words.errors import WrongUsage
from .files import read_file, read_stdin

if TYPE_CHECKING:
    from ..rules.archive.foreign import Read


class Given:
    """One file, or `-` for standard input; `requests` can be asked more than once, also of a pipe."""

    def __init__(self, name: str, example: str, *, allow_files: bool = False) -> None:
        """`example` is what to type where standard input is a terminal; `allow_files` lets curl commands read files."""
        self.name = name
        self._example = example
        self._allow_files = allow_files
        self._held: bytes | None = None

    def requests(self, skipped: Callable[[str], None] = lambda why: None) -> Iterator[Read]:
        """Its requests; raises what `read_file` raises, and WrongUsage, naming it, for what is no request.

        `skipped` is told of what the file holds beside requests.
        """
        from ..rules.archive.reading import requests_in

        try:
            yield from requests_in(self._data(), self._beside, time.time(), skipped)
        except WrongUsage as error:
            error.message = f"{'standard input' if self.name == '-' else self.name}: {error.message}"
            raise

    def _data(self) -> bytes:
        if self._held is not None:
            return self._held
        data = read_stdin(self._example) if self.name == "-" else read_file(Path(self.name))
        if self.name == "-" or not Path(self.name).is_file():  # a pipe gives its bytes once
            self._held = data
        return data

    def _beside(self, path: str) -> bytes:
        if not self._allow_files:
            raise WrongUsage(
                f"the curl command reads the file {path}, which is not done unasked",
                next="whcli import --allow-files reads it",
            )
        return read_file(Path(path))
