"""`whcli diff`: where two events differ."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Annotated

import typer

from ..rules.compare import MISSING, compared
from ..words.errors import Exit
from ..words.event import Event
from ..words.secret import without
from .options import Colour, Json, StoreDir, colour_of

EXAMPLES = """Examples:

  whcli diff 133 135

  whcli diff latest~1 latest
"""


def command(
    one: Annotated[str, typer.Argument(help="An event: 42, latest, a uid, a file.")],
    other: Annotated[str, typer.Argument(help="The event to compare with.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show credentials unmasked.")] = False,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Compare two events; JSON and form bodies field by field. Exit 1 when they differ."""
    from ..hands.config import store_folder
    from ..hands.events import Source
    from ..hands.render import paged, stdout

    source = Source(store_folder(store))
    a, b = source.one(one), source.one(other)
    found = compared(a, b, mask=not (json or reveal))
    screen = stdout(colour_of(colour))
    if json:
        items = [{"field": d.field, "one": given(d.wanted), "other": given(d.got)} for d in found]
        screen.json({"schema": "whcli.diff/1", "one": a.id, "other": b.id, "equal": not found, "differences": items})
    elif not found:
        screen.say("equal in method, target, headers and body")
    else:
        hidden = set() if reveal else source.kept_secrets(a, b)
        shown = compared(veiled(a, hidden), veiled(b, hidden), mask=not reveal) if hidden else found
        with paged(screen):
            for difference in shown:
                screen.say((difference.field, "bold"))
                screen.say(("  - " + difference.wanted, "red"))
                screen.say(("  + " + difference.got, "green"))
    return Exit.DOES_NOT_HOLD if found else Exit.DONE


def given(value: str) -> str | None:
    """A side of a difference for JSON; null where there is nothing."""
    return None if value is MISSING else value


def veiled(event: Event, hidden: Set[bytes]) -> Event:
    """The event with secrets masked in its body, before anything cuts one in two."""
    text = without(event.body.decode("utf-8", "surrogateescape"), hidden)
    return replace(event, body=text.encode("utf-8", "surrogateescape"))
