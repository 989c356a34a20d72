"""`whcli rm`: delete events, and all that belongs to them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..words.errors import Exit, WrongUsage
from .options import Json, StoreDir, Yes

EXAMPLES = """Examples:

  whcli rm 42

  whcli rm 3..7 --yes
"""


def command(
    events: Annotated[list[str], typer.Argument(help="Events: 42, latest, 3..7, all, a uid.")],
    store: StoreDir = None,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Delete captured events and their deliveries."""
    from ..hands.config import store_folder
    from ..hands.events import Source
    from ..hands.render import stderr, stdout
    from ..rules.references import reference_of

    source = Source(store_folder(store))
    references = [reference_of(text) for text in events]
    if any(reference.kind in ("file", "stdin") for reference in references):
        raise WrongUsage("rm takes events of the store, not files", next="whcli rm 42")
    ids = list(dict.fromkeys(id for reference in references for id in source.ids(reference)))
    many = len(ids) > 1 or any(reference.kind in ("range", "all") for reference in references)
    if many and not yes and not asked(f"Delete {len(ids)} events?", "nothing was deleted"):
        stderr().say("nothing was deleted")
        return Exit.DOES_NOT_HOLD
    removed = source.store.remove(ids)
    if json:
        stdout().json({"schema": "whcli.removed/1", "removed": removed})
    else:
        stdout().say(f"{removed} deleted")
    return Exit.DONE


def asked(question: str, outcome: str) -> bool:
    """Ask on a terminal; without one raise the error that says what came of it and names the flag."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUsage(f"{outcome}: there is no terminal to ask on", code="not_confirmed", next="add --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
