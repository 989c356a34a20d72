"""The commit that a git checkout stands on, read from `.git` without running git."""

from __future__ import annotations

from pathlib import Path


def revision(start: Path | None = None) -> str | None:
    """The commit checked out in the nearest repository upwards from `start`; None where there is none.

    gitrepository-layout(5): HEAD holds a commit, or the name of a ref, which is a file or a line of packed-refs.
    """
    start = (start or Path.cwd()).resolve()
    found = next((folder / ".git" for folder in (start, *start.parents) if (folder / ".git").exists()), None)
    try:
        return _head(_git_folder(found)) if found else None
    except (OSError, UnicodeDecodeError):
        return None


def _git_folder(found: Path) -> Path:
    """A worktree has a file with `gitdir: PATH` in the folder's place."""
    if found.is_dir():
        return found
    return (found.parent / found.read_text().partition("gitdir:")[2].strip()).resolve()


def _head(git: Path) -> str | None:
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    common = (git / (git / "commondir").read_text().strip()).resolve() if (git / "commondir").exists() else git
    for folder in (git, common):
        if (folder / name).exists():
            return (folder / name).read_text().strip()
    lines = (common / "packed-refs").read_text().splitlines() if (common / "packed-refs").exists() else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {name}")), None)
