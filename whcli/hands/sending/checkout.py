"""The commit that a git checkout stands on, read from `.git` without running git."""

from __future__ import annotations

import re
from pathlib import Path

from ...words.errors import WrongUsage
from ..config import upwards

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # SHA-1 or SHA-256; nothing else that stood there is passed on
_SMALL = 4096  # bytes of a file with one line
_LARGE = 64 << 20  # bytes of packed-refs


def revision(start: Path | None = None) -> str | None:
    """The commit checked out in the nearest repository upwards from `start`; None where there is none.

    gitrepository-layout(5): HEAD holds a commit, or the name of a ref, which is a file or a line of packed-refs.
    """
    try:
        found = upwards(".git", start)
        head = _head(_git_folder(found)) if found else None
    except (OSError, ValueError, WrongUsage):  # no UTF-8; a NUL in a name; no working directory
        return None
    return head if head is not None and _COMMIT.fullmatch(head) else None


def _git_folder(found: Path) -> Path:
    """A worktree has a file with `gitdir: PATH` in the folder's place."""
    if found.is_dir():
        return found
    return (found.parent / _text(found).partition("gitdir:")[2].strip()).resolve()


def _head(git: Path) -> str | None:
    head = _text(git / "HEAD").strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    common = (git / _text(git / "commondir").strip()).resolve() if (git / "commondir").exists() else git
    for folder in (git, common):
        if (folder / name).exists():
            return _text(folder / name).strip()
    lines = _text(common / "packed-refs", _LARGE).splitlines() if (common / "packed-refs").exists() else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {name}")), None)


def _text(path: Path, most: int = _SMALL) -> str:
    """The beginning of a file: a link that came along with a project may lead to a device."""
    if not path.is_file():  # a pipe would be waited for
        raise OSError(f"{path} is no plain file")
    with path.open("rb") as file:
        return file.read(most).decode()
