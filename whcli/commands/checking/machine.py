"""Whether this machine lets a listener work: port, clock, versions, files, and which `whcli` the shell starts."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ... import __version__
from ...hands.config import Config
from ...hands.filelimit import open_files
from ...hands.listening.framing import Limits
from ...hands.listening.lock import holder
from ...hands.listening.server import SPARE_FILES, open_sockets
from ...hands.machine import fresh_file_time, hardware_time, is_ours, is_this, offset, programs
from ...hands.storing.examination import Examined, has_reset_bug
from ...rules.checkup.check import Check
from ...rules.checkup.moments import Times, judged
from ...rules.target import parse_target
from ...words.errors import CannotListen, WrongUsage

PORT = 8765  # where `listen` listens unless told otherwise


def port(config: Config | None, folder: Path) -> Check:
    """Free, ours already, or who holds it. It is opened and closed again at once."""
    listen = config.listen if config else {}
    number = int(listen.get("port", PORT))
    host = str(listen.get("host", "127.0.0.1"))
    own = str(holder(folder).get("url", ""))
    if own and parse_target(own).port == number:
        return Check(part="port", says=f"{number} is held by the listener on this store")
    try:
        for each in open_sockets(host, number):
            each.close()
    except CannotListen as error:
        by = dict(error.details).get("by")
        return Check(part="port", state="problem", says=error.message + (f" by {by}" if by else ""), next=error.next)
    except WrongUsage as error:
        return Check(part="port", state="problem", says=error.message, next=error.next)
    return Check(part="port", says=f"{number} on {host} is free")


def clock(folder: Path, seen: list[Examined], began: float) -> Check:
    """The clock against whatever else here tells the time; `began` is `offset()` when the doctor started."""
    package = max(path.stat().st_mtime for path in Path(__file__).parents[2].glob("*.py"))
    past = {"whcli's own files": package}
    if seen and seen[0].newest is not None:
        past["the newest event"] = seen[0].newest
    return judged(
        Times(
            now=time.time(),
            jump=offset() - began,
            past=past,
            written=fresh_file_time(folder),
            hardware=hardware_time(),
        )
    )


def versions() -> Iterator[Check]:
    """Which whcli, Python and SQLite this is."""
    yield Check(part="whcli", says=f"{__version__} in {Path(__file__).parents[2]}, Python {platform.python_version()}")
    import sqlite3

    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    note = ""
    if has_reset_bug(version):
        note = (
            "; two processes that checkpoint at once can corrupt a store under it, so only the listener does:"
            " let no other program write to store.db"
        )
    yield Check(part="sqlite", says=f"{sqlite3.sqlite_version}{note}")


def files() -> Check:
    """Enough open files for the connections that a listener takes."""
    limit, wanted = open_files(), Limits().connections + SPARE_FILES
    if limit is None or limit >= wanted:
        return Check(part="files", says=f"{limit or 'any number'} may be open at once")
    return Check(
        part="files",
        state="warning",
        says=f"only {limit} may be open at once, so a listener takes {max(limit - SPARE_FILES, 1)} connections",
        next=f"ulimit -n {max(wanted, 1024)}",
    )


def path() -> Iterator[Check]:
    """Which `whcli` a shell would start: npm has a tool of the same name."""
    found = programs("whcli")
    if not found:
        scripts = Path(sys.executable).parent
        yield Check(
            part="path",
            state="warning",
            says="no whcli is on PATH",
            next=f'export PATH="{scripts}:$PATH"        or: {sys.executable} -m whcli',
        )
        return
    kinds = {each: "this" if is_this(each) else "another" if is_ours(each) else "strange" for each in found}
    yield first_on_path(found[0], kinds)
    for each in found[1:]:
        if kinds[each] != "this":
            yield Check(part="path", says=f"{each} comes later on PATH, and is {KINDS[kinds[each]]}")


KINDS: Mapping[str, str] = {
    "this": "this whcli",
    "another": "another installation of whcli",
    "strange": "another program of the same name (npm has one)",
}


def first_on_path(first: Path, kinds: Mapping[Path, str]) -> Check:
    """What the shell starts for `whcli`."""
    kind = kinds[first]
    if kind == "this":
        return Check(part="path", says=f"whcli in the shell is {first}")
    return Check(
        part="path",
        state="warning",
        says=f"whcli in the shell is {first}, {KINDS[kind]}",
        next=f'export PATH="{Path(sys.executable).parent}:$PATH"        or: {sys.executable} -m whcli',
    )
