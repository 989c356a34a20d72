"""What `sign` and `verify` share: reading headers, bodies and secrets from the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..rules.text import word
from ..words.errors import NothingMatched, WrongUsage
from ..words.event import Headers
from ..words.head import TOKEN


def headers_of(texts: Sequence[str], flag: str = "--header") -> Headers:
    """`Name: value` texts of a flag as headers; raises WrongUsage for one that is none."""
    return tuple(_header(text, flag) for text in texts)


def _header(text: str, flag: str) -> tuple[bytes, bytes]:
    import re

    name, colon, value = text.encode("utf-8", "surrogateescape").partition(b":")
    if not colon or not re.fullmatch(TOKEN, name) or re.search(rb"[\r\n\x00]", value):
        raise WrongUsage(f"{flag} {text!r} is no header", next=f"write it as {flag} 'Name: value'")
    return name, value.strip(b" \t")


def read_body(name: str | None) -> bytes:
    """The body's bytes, exactly: of a file, or of stdin for `-`; no name is no body."""
    if name is None:
        return b""
    if name == "-":
        if sys.stdin.isatty():
            raise WrongUsage("standard input is a terminal", next="pipe the body in, or use --body-file FILE")
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise NothingMatched(
            f"the body file {name} cannot be read: {error.strerror}", code="no_file", next=f"ls -l {word(name)}"
        ) from error


def write_body(path: Path, body: bytes) -> None:
    """Write a body's bytes; raises WrongUsage where that cannot be."""
    try:
        path.write_bytes(body)
    except OSError as error:
        raise WrongUsage(
            f"the body file {path} cannot be written: {error.strerror}", next=f"ls -ld {word(path.parent)}"
        ) from error


LATEST = 253402300800  # unix seconds: the year 10000, which no written timestamp reaches


def moment_of(option: str, seconds: float) -> float:
    """A checked time in unix seconds; raises WrongUsage for one that cannot be written as a timestamp."""
    if 0 <= seconds < LATEST:
        return seconds
    raise WrongUsage(
        f"{option} takes no {seconds:g}", next=f"{option} 1700000000        unix seconds, not milliseconds"
    )
