"""`whcli doctor`: is everything here as it should be, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.text import safe
from ..words.errors import Exit
from .options import Colour, Json, StoreDir, colour_of

if TYPE_CHECKING:
    from ..rules.checkup.check import Check

EXAMPLES = """Examples:

  whcli doctor

  whcli doctor --json
"""


def command(
    full: Annotated[bool, typer.Option("--full", help="Check every page of the store, however long it takes.")] = False,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Check store, configuration, secrets, port, clock and more; 0 when there is no problem."""
    from ..hands.config import store_folder
    from ..hands.render import stdout
    from ..rules.checkup.check import MARKS, check_json, tally

    screen = stdout(colour_of(colour))
    checks = []
    for check in examine(store_folder(store), full=full):
        checks.append(check)
        if json:
            screen.json(check_json(check))
            continue
        mark, style = MARKS[check.state]
        state = "" if check.state == "ok" else f"{check.state}: "
        screen.say((f"{mark} {check.part:<12}", style), f"{state}{safe(check.says)}")
        if check.next and (check.state != "ok" or screen.tty):
            screen.say(f"    next: {safe(check.next)}")
    if not json:
        screen.say(tally(checks))
    return Exit.DOES_NOT_HOLD if any(check.state == "problem" for check in checks) else Exit.DONE


def examine(folder: Path, *, full: bool) -> Iterator[Check]:
    """All checks, in the order in which they are shown. Nothing is changed, mended or sent."""
    from ..hands.machine import offset
    from .checking import machine, setup
    from .checking.store import store_checks

    began, seen = offset(), []  # type: ignore[var-annotated]
    yield from machine.versions()
    yield from machine.path()
    yield from store_checks(folder, full=full, seen=seen)
    config, check = setup.read_config()
    yield check
    if config is not None:
        yield from setup.route_checks(config)
        yield from setup.secret_checks(config)
    yield from setup.variable_checks()
    yield machine.port(config, folder)
    yield machine.files()
    yield machine.clock(folder, seen, began)
