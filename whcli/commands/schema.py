"""`whcli schema`: the JSON that whcli writes, as JSON Schema."""

from __future__ import annotations

from typing import Annotated

import typer

from ..words.errors import Exit
from .options import Colour, Json, colour_of

EXAMPLES = """Examples:

  whcli schema

  whcli schema event > event.schema.json
"""


def command(
    name: Annotated[str | None, typer.Argument(help="An object, such as event (default: list all of them).")] = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Print the JSON Schema of an object that --json writes."""
    from ..hands.render import paged, stdout
    from ..rules.near import unknown
    from ..rules.schemas import names, schema_of
    from ..rules.schemas.shapes import SHAPES

    screen = stdout(colour_of(colour))
    if name is None:
        rows = [(each, SHAPES[each].says) for each in names()]
        if json:
            for each, says in rows:
                screen.json({"schema": "whcli.shape/1", "name": each, "says": says})
        else:
            screen.table(("OBJECT", "WHAT IT IS"), [[(each, "bold"), (says, "")] for each, says in rows])
        return Exit.DONE
    wanted = name.removeprefix("whcli.").removesuffix("/1")
    if wanted not in names():
        raise unknown("object", name, names(), next="whcli schema        lists all of them")
    if json:
        screen.json(schema_of(wanted))
    else:
        with paged(screen):
            screen.say(pretty(schema_of(wanted)))
    return Exit.DONE


def pretty(schema: dict[str, object]) -> str:
    """A schema as people read JSON."""
    import json

    return json.dumps(schema, indent=2)
