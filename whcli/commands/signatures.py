"""What `sign` and `verify` share: reading headers, bodies and secrets from the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..words.errors import NothingMatched, WrongUsage
from ..words.event import Headers
from ..words.head import TOKEN


def headers_of(texts: Sequence[str]) -> Headers:
    """`Name: value` texts as headers; raises WrongUsage for one that is none."""
    return tuple(_header(text) for text in texts)


def _header(text: str) -> tuple[bytes, bytes]:
    import re

    name, colon, value = text.encode("utf-8", "surrogateescape").partition(b":")
    if not colon or not re.fullmatch(TOKEN, name) or re.search(rb"[\r\n\x00]", value):
        raise WrongUsage(f"--header {text!r} is no header", next="write it as --header 'Name: value'")
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
            f"the body file {name} cannot be read: {error.strerror}", code="no_file", next=f"ls -l {name}"
        ) from error
