"""`whcli rm`: delete events, and all that belongs to them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.text import plural, safe, seconds, size
from ..words.errors import Exit, WrongUsage
from .options import Json, StoreDir, Yes

if TYPE_CHECKING:
    from ..hands.events import Source
    from ..hands.storing.store import Store

WORTH = 1 << 20  # bytes left in the file above which a vacuum is spoken of
EXAMPLES = """Examples:

  whcli rm 42

  whcli rm 3..7 --yes

  whcli rm --older-than 30d
"""


def command(
    events: Annotated[list[str] | None, typer.Argument(help="Events: 42, latest, 3..7, all, a uid.")] = None,
    older_than: Annotated[str | None, typer.Option(help="All events older than 30d, 12h ...")] = None,
    store: StoreDir = None,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Delete captured events and their deliveries."""
    from ..hands.config import store_folder
    from ..hands.events import Source
    from ..hands.render import stderr, stdout
    from ..hands.storing.upkeep import free

    source = Source(store_folder(store))
    ids, many = chosen(source, events or (), older_than)
    what = f" older than {safe(older_than)}" if older_than else ""
    if many and ids and not yes and not asked(f"Delete {plural(len(ids), 'event')}{what}?", "nothing was deleted"):
        stderr().say("nothing was deleted")
        return Exit.DOES_NOT_HOLD
    removed = source.store.remove(ids)
    if json:
        stdout().json({"schema": "whcli.removed/1", "removed": removed, "free": free(source.store)})
        return Exit.DONE
    stdout().say(f"{removed} deleted")
    if space := room_left(source.store):
        stderr().say(space)
    return Exit.DONE


def chosen(source: Source, events: Sequence[str], older_than: str | None) -> tuple[list[int], bool]:
    """The arrival numbers meant, and whether they may be many: then the user is asked. Raises WrongUsage."""
    from ..rules.references import reference_of

    if bool(events) == bool(older_than):
        raise WrongUsage("rm takes events, or --older-than", next="whcli rm 42        or: whcli rm --older-than 30d")
    if older_than is not None:
        return source.store.ids_before(time.time() - seconds(older_than)), True
    references = [reference_of(text) for text in events]
    if any(reference.kind in ("file", "stdin") for reference in references):
        raise WrongUsage("rm takes events of the store, not files", next="whcli rm 42")
    ids = list(dict.fromkeys(id for reference in references for id in source.ids(reference)))
    return ids, len(ids) > 1 or any(reference.kind in ("range", "all") for reference in references)


def room_left(store: Store) -> str | None:
    """What to say of the space that removed events have left, where it is worth a word."""
    from ..hands.storing.upkeep import free

    left = free(store)
    if left <= WORTH:
        return None
    return f"{size(left)} are free in the store for what comes; whcli store vacuum gives them back to the disk"


def asked(question: str, outcome: str) -> bool:
    """Ask on a terminal; without one raise the error that says what came of it and names the flag."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUsage(f"{outcome}: there is no terminal to ask on", code="not_confirmed", next="add --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
