"""Whether the store can be trusted with events."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...hands.listening.lock import holder, is_held
from ...hands.listening.spool import FOLDER as SPOOL
from ...hands.machine import remote_file_system
from ...hands.storing.examination import Examined, examined
from ...hands.storing.opening import explained, is_there
from ...hands.storing.private import FILE, is_ours, open_to_others, refuse_foreign
from ...rules.checkup.check import Check, failed
from ...rules.text import plural, size, word
from ...words.errors import WhcliError

BIG = 1 << 30  # bytes of a store
LONG_LOG = 256 << 20  # bytes; a listener keeps it below 64 MiB
LITTLE, NOTHING = 1 << 30, 64 << 20  # bytes left on the disk: enough for a day, enough for nothing
PATIENCE = 20.0  # seconds for checking every page, unless --full


def store_checks(folder: Path, *, full: bool, seen: list[Examined]) -> Iterator[Check]:
    """Everything about the store; what was seen in it goes into `seen`."""
    yield from disk(_nearest(folder))
    try:
        with explained(folder / FILE):
            there = is_there(folder / FILE)
        if not there:
            yield nothing_yet(folder)
            return
        yield from permissions(folder)
        refuse_foreign(folder)
        seen.append(examined(folder, None if full else PATIENCE))
        yield from contents(folder, seen[0])
    except WhcliError as error:
        yield failed("store", error)
    yield listener(folder)
    yield from left_behind(folder)


def nothing_yet(folder: Path) -> Check:
    """There is no store: can one be made?"""
    import os

    parent = _nearest(folder)
    if folder.exists() and not folder.is_dir():
        return Check(
            part="store",
            state="problem",
            says=f"{folder} is a file",
            next="whcli listen --store DIR        takes a folder",
        )
    if os.access(parent, os.W_OK | os.X_OK):
        return Check(part="store", says=f"none yet: the first whcli listen makes {folder}")
    return Check(
        part="store", state="problem", says=f"none yet, and {parent} cannot be written", next="whcli listen --store DIR"
    )


def _nearest(folder: Path) -> Path:
    """The folder itself or the nearest above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def contents(folder: Path, found: Examined) -> Iterator[Check]:
    """Whole, of a schema we know, and of a bearable size."""
    if found.damage:
        yield Check(
            part="store",
            state="problem",
            says=f"{folder / FILE} is damaged: {found.damage}",
            next=f"mv {word(folder)} {word(f'{folder}.damaged')}        sets it aside; see sqlite3 .recover",
        )
    else:
        what = f"{folder}: {plural(found.events, 'event')}, {size(found.size)}, schema {found.version}"
        checked = "every page is sound" if found.whole else f"its pages were not all checked in {PATIENCE:.0f} s"
        yield Check(part="store", says=f"{what}; {checked}", next="" if found.whole else "whcli doctor --full")
    if found.is_old:
        yield Check(part="schema", says="of an older whcli; the next command brings it up to date")
    if found.size > BIG:
        yield Check(
            part="size",
            state="warning",
            says=f"the store has grown to {size(found.size)}",
            next="whcli rm --older-than 30d, or listen --keep 30d; then: whcli store vacuum",
        )
    if found.log > LONG_LOG:
        yield Check(
            part="log",
            state="warning",
            says=f"the log beside the store has grown to {size(found.log)}: some program reads without an end",
            next=f"fuser {word(folder / FILE)}        shows which; the next listen brings the log back to size",
        )


def disk(folder: Path) -> Iterator[Check]:
    """Room for what comes, on a disk that keeps its promises."""
    left = shutil.disk_usage(folder).free
    state = "problem" if left < NOTHING else "warning" if left < LITTLE else "ok"
    make = f"df -h {folder}        shows it; senders get 503 once it is full" if state != "ok" else ""
    yield Check(part="disk", state=state, says=f"{size(left)} are free", next=make)  # type: ignore[arg-type]
    kind = remote_file_system(folder)
    if kind:
        yield Check(
            part="disk",
            state="warning",
            says=f"{folder} is on a network file system ({kind}), where SQLite's log is not safe",
            next="whcli listen --store DIR        takes a folder on this machine (or set WHCLI_STORE)",
        )


def permissions(folder: Path) -> Iterator[Check]:
    """For its owner alone, and no business of git's."""
    exposed = list(open_to_others(folder))
    if exposed:
        path, mode = exposed[0]
        yield Check(
            part="permissions",
            state="warning",
            says=f"other users can get at {path} ({mode:04o})"
            + (f" and {len(exposed) - 1} more" if exposed[1:] else ""),
            next=f"chmod -R go-rwx {folder}        (the next command tries it too)",
        )
    else:
        yield Check(part="permissions", says="only you can read the store")
    with suppress(OSError):
        if is_ours(folder) and (folder / ".gitignore").read_text() != "*\n":
            yield not_ignored(folder)


def not_ignored(folder: Path) -> Check:
    """Captured webhooks on their way into a repository."""
    return Check(
        part="git",
        state="warning",
        says=f"{folder / '.gitignore'} does not hold a single *, so that git may take captured webhooks",
        next=f"echo '*' > {folder / '.gitignore'}",
    )


def listener(folder: Path) -> Check:
    """Who captures into the store now: the lock's state decides, not what a killed listener has left."""
    about = holder(folder)
    if "url" in about:
        return Check(part="listener", says=f"pid {about.get('pid')} captures into this store on {about['url']}")
    if is_held(folder):
        return Check(part="listener", says="one is just starting, or a whcli store vacuum runs")
    return Check(part="listener", says="none captures into this store now")


def left_behind(folder: Path) -> Iterator[Check]:
    """Large bodies that a killed listener had not acknowledged."""
    if is_held(folder):
        return
    with suppress(OSError):
        files = list((folder / SPOOL).iterdir())
        if files:
            weight = sum(path.stat().st_size for path in files)
            what = f"{size(weight)} of uploads that were never acknowledged lie in {folder / SPOOL}"
            yield Check(part="spool", says=f"{what}; the next listen clears them")
