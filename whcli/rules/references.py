"""How an event is named on the command line.

42  #42        arrival number in this store
latest~2       the third newest
3..7           a range, both ends included
all            everything
01JD3K         a uid, or its first six or more characters with at least one letter
hook.json      a file of requests: ours in any format, HAR, those of other tools
-              standard input
"""

from __future__ import annotations

import re
from typing import Literal

from ..words.errors import WrongUsage
from ..words.record import record
from .near import did_you_mean
from .text import safe

_NUMBER = re.compile(r"#?(\d{1,18})\Z")
_RANGE = re.compile(r"#?(\d{1,18})\.\.#?(\d{1,18})\Z")
_LATEST = re.compile(r"latest(?:~(\d{1,9}))?\Z")
_ENDS = re.compile(r"(?:#?\d*|latest(?:~\d+)?)\.\.(?:#?\d*|latest(?:~\d+)?)\Z")  # of a range, were it one
WORDS = ("latest", "all")
_UID = re.compile(r"(?=\d*[A-Za-z])[0-9A-Za-z]{6,26}\Z")


@record
class Reference:
    """A reference read: its kind, and what stood in it."""

    kind: Literal["number", "range", "latest", "all", "uid", "file", "stdin"]
    text: str
    first: int = 0  # the number, the range's beginning, or how many before the newest
    last: int = 0


def reference_of(text: str) -> Reference:
    """Read a reference; raises WrongUsage for what can be none."""
    if text == "-":
        return Reference(kind="stdin", text=text)
    if text == "all":
        return Reference(kind="all", text=text)
    if match := _NUMBER.match(text):
        return Reference(kind="number", text=text, first=int(match[1]))
    if match := _RANGE.match(text):
        return _range(text, int(match[1]), int(match[2]))
    if match := _LATEST.match(text):
        return Reference(kind="latest", text=text, first=int(match[1] or 0))
    if _ENDS.match(text):
        raise WrongUsage(
            f"'{safe(text)}' is no range of numbers", code="bad_reference", next="use 3..7; whcli list shows numbers"
        )
    if "/" in text or "." in text:
        return Reference(kind="file", text=text)
    if _UID.match(text):
        return Reference(kind="uid", text=text)
    raise WrongUsage(
        f"'{safe(text)}' names no event",
        code="bad_reference",
        details=did_you_mean(text, WORDS),
        next="use 42, latest, latest~2, 3..7, all, a uid (six letters or more), a file, or -",
    )


def _range(text: str, first: int, last: int) -> Reference:
    if first > last:
        raise WrongUsage(f"the range {text} runs backwards", code="bad_reference", next=f"write {last}..{first}")
    return Reference(kind="range", text=text, first=first, last=last)
