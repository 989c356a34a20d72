"""How many events a listener keeps, or for how long: `--keep 10000`, `--keep 30d`."""

from __future__ import annotations

import re

from ..words.errors import WrongUsage
from ..words.record import record
from .text import plural, safe, seconds

EXAMPLE = "write the newest so many as 10000, or a time as 30d"


@record
class Keep:
    """One of the two is set."""

    text: str  # as the user wrote it
    count: int | None = None  # the newest so many events
    age: float | None = None  # seconds since their arrival

    @property
    def words(self) -> str:
        """What stays, for people."""
        return f"the newest {plural(self.count, 'event')}" if self.count else f"what came in the last {self.text}"


def keep_of(text: str) -> Keep:
    """A bare number counts events, a number with a unit is a time. Raises WrongUsage."""
    text = text.strip()
    counts = re.fullmatch(r"[0-9]{1,15}", text)
    try:
        keep = Keep(text=text, count=int(text)) if counts else Keep(text=text, age=seconds(text))
    except WrongUsage:
        raise WrongUsage(f"--keep takes no '{safe(text)}'", next=EXAMPLE) from None
    if not (keep.count or keep.age):
        raise WrongUsage("--keep keeps something: nothing at all is `whcli rm all`", next=EXAMPLE)
    return keep
