"""A store is for its owner alone: whose it is and what its modes say, looked at on every opening and mended aloud.

SQLite makes its files with the process's umask, tools copy folders with modes of their own, and a webhook can carry a
token. A folder of another user is refused, as git does: who plants a `.whcli` above your working directory must not get
what you capture (the case of CVE-2022-24765). Root may open anybody's.

A project that was cloned or unpacked may bring a `.whcli` along whose files are links: what is written to them would
land wherever they lead (CWE-59). So a store's files are files; its folder may be a link, which is for its user to make.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...rules.text import safe, word
from ...words.errors import StoreFailed

FILE = "store.db"
SEARCH = "search.db"  # the index of words
READ_ME = """\
This folder belongs to whcli: the webhooks captured in this project, in store.db (SQLite), with what was sent for them.
It may hold secrets that senders put into headers. It is ignored by git. Deleting the folder forgets everything in it.
"""
KNOWN = (FILE, SEARCH, "listener.lock")  # what is ours in a folder that holds other things too
WRITTEN = (*KNOWN, "redact.key", "spool", "tls")  # what we write to, or into
OTHERS = 0o077  # the permissions of everybody but the owner


def is_ours(folder: Path) -> bool:
    """Whether a folder holds nothing but a store; `--store .` may put one into a project."""
    with suppress(OSError):
        named = folder.name == ".whcli" and not folder.is_symlink()
        return named or (folder / "README.txt").read_text("utf-8", "replace") == READ_ME
    return False


def keep_private(folder: Path) -> None:
    """Refuse another user's folder (StoreFailed); close to others what is open to them, and say so.

    Where it cannot be closed, as on a file system without modes, nothing is said here: `whcli doctor` does.
    """
    refuse_foreign(folder)
    if os.name != "posix":
        return
    mended = [found for found in open_to_others(folder) if _closed(*found)]
    if mended:
        path, mode = mended[0]
        more = f" and {len(mended) - 1} more" if len(mended) > 1 else ""
        with suppress(OSError, ValueError):  # nobody reads what we say
            sys.stderr.write(
                f"notice: other users could get at {safe(str(path))} ({mode:04o}){more}; now only you can\n"
            )


def refuse_foreign(folder: Path) -> None:
    """Raise StoreFailed for a folder that belongs to another user, or in which a link stands for a file of ours."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(WRITTEN) and entry.is_symlink():
                raise StoreFailed(
                    f"{entry.path} is a link: what is captured would be written to where it leads",
                    code="store_link",
                    next=f"rm {word(entry.path)}        if you do not know it; --store DIR puts a store elsewhere",
                )
    if os.name != "posix":
        return
    with suppress(OSError):
        owner = folder.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise StoreFailed(
                f"the store folder {folder} belongs to another user ({name_of(owner)})",
                code="store_permission",
                next="whcli listen --store DIR        takes a folder of your own",
            )


def open_to_others(folder: Path) -> Iterator[tuple[Path, int]]:
    """What in a store other users can get at, with its mode: the folder, and its files."""
    ours = is_ours(folder)
    with suppress(OSError):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if ours and mode & OTHERS:
            yield folder, mode
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            if mode & OTHERS and not entry.is_symlink() and (ours or entry.name.startswith(KNOWN)):
                yield Path(entry.path), mode


def private_file(path: Path, flags: int = os.O_WRONLY, mode: int = 0o600) -> int:
    """Make a new file for its owner alone, never through a link; its descriptor. One that is there is an OSError."""
    return os.open(path, flags | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)


def _closed(path: Path, mode: int) -> bool:
    """Take others' permissions away; False where that had no effect (a file system without modes)."""
    try:
        path.chmod(mode & ~OTHERS)
        return not stat.S_IMODE(path.stat().st_mode) & OTHERS
    except OSError:
        return False


def name_of(uid: int) -> str:
    """A user's name, else the number."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
