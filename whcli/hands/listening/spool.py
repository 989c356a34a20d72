"""Large bodies on their way from the socket to the store: each in a file of its own, for its owner only.

The files lie in the store's folder, on the disk that will hold the body anyway. What a killed listener leaves behind
was never acknowledged; the next one clears it away, which only the holder of the listener's lock may do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...rules.text import word
from ...words.errors import StoreFailed
from ...words.event import HELD
from ..storing.private import private_file

FOLDER = "spool"
_NAME = re.compile(r"body-\d+\.part")


class Spool:
    """The place for the large bodies of one listener."""

    def __init__(self, store: Path) -> None:
        self._folder = store / FOLDER
        self._count = 0

    def clear(self) -> None:
        """Remove what an earlier listener left; raises StoreFailed where that cannot be done.

        A link is not followed, and nothing is removed that does not have a name of ours.
        """
        if self._folder.is_symlink():
            raise StoreFailed(
                f"{self._folder} is a link, not a folder", code="store_permission", next=f"rm {word(self._folder)}"
            )
        try:
            for path in list(self._folder.iterdir()) if self._folder.is_dir() else ():
                if _NAME.fullmatch(path.name):
                    path.unlink()
        except OSError as error:
            raise StoreFailed(
                f"the folder {self._folder} cannot be cleared: {(error.strerror or str(error)).lower()}",
                code="store_permission",
                next=f"ls -ld {word(self._folder)}        shows who may",
            ) from error

    def open(self) -> SpoolFile:
        """A new file; raises OSError."""
        self._count += 1
        path = self._folder / f"body-{self._count}.part"
        try:
            return SpoolFile(path)
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            return SpoolFile(path)


class SpoolFile:
    """One large body: written while it comes, read once while it is stored, then gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.fdopen(private_file(path, os.O_RDWR), "rb+", buffering=0)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, data: bytes | bytearray) -> None:
        """Write behind what is there; raises OSError."""
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            self._size += written
            view = view[written:]

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, from first to last, HELD at a time at most."""
        self._file.seek(0)
        while piece := self._file.read(HELD):
            yield piece

    def close(self) -> None:
        """The file goes."""
        self._file.close()
        with suppress(OSError):  # somebody else removed it
            self._path.unlink(missing_ok=True)
