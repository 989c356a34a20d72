"""`whcli list`: what was captured, newest last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.archive import entry_json
from ..rules.lines import outcome, signature
from ..rules.text import Span, ago, clip, middle, safe, size
from ..words.errors import Exit
from ..words.event import Entry
from .options import (
    Colour,
    Json,
    Method,
    PathGlob,
    Provider,
    Signature,
    Since,
    StoreDir,
    Type,
    Until,
    Where,
    colour_of,
    filter_of,
)

if TYPE_CHECKING:
    from ..hands.render import Screen

EXAMPLES = """Examples:

  whcli list

  whcli list --provider stripe --type 'charge.*' --since 10m

  whcli list --where 'body.data.object.amount > `1000`' --json
"""

HEADS = ("ID", "WHEN", "METHOD", "PATH", "PROVIDER", "TYPE", "SIZE", "SIG", "DELIVERY")


def command(
    number: Annotated[int, typer.Option("-n", "--number", min=0, help="At most so many, the newest; 0 for all.")] = 20,
    provider: Provider = None,
    type: Type = None,
    method: Method = None,
    path: PathGlob = None,
    signature: Signature = None,
    since: Since = None,
    until: Until = None,
    where: Where = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only events whose last delivery was not 2xx.")] = False,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """List captured events, the newest last."""
    from ..hands.config import store_folder
    from ..hands.render import stderr, stdout
    from ..hands.storing.store import Store

    wanted = filter_of(
        provider=provider,
        type=type,
        method=method,
        path=path,
        signature=signature,
        since=since,
        until=until,
        where=where,
        failed=failed,
    )
    screen = stdout(colour_of(colour))
    with Store(store_folder(store)) as opened:
        if json and number <= 0:
            for entry in opened.entries(wanted):
                screen.json(entry_json(entry))
            return Exit.DONE
        found = list(opened.entries(wanted, newest=True, limit=number if number > 0 else None))[::-1]
    if json:
        for entry in found:
            screen.json(entry_json(entry))
    else:
        show(screen, found)
        if screen.tty:
            hint = f"Show one:  whcli show {found[-1].id}" if found else "Nothing matches.  Capture:  whcli listen"
            stderr(colour).say((hint, "dim"))
    return Exit.DONE


def show(screen: Screen, entries: list[Entry]) -> None:
    """The table; in a pipe nothing is cut."""
    if not entries:
        return
    room = max(12, (screen.width - 74) // 2) if screen.tty else 10_000
    now = time.time()
    screen.table(HEADS, [row(entry, now, room) for entry in entries], right=(0, 6))


def row(entry: Entry, now: float, room: int) -> list[Span]:
    """One event's cells; path and type are cut to `room` characters."""
    facts = entry.facts
    delivery = outcome(entry.last)[0] if entry.last else ("–", "dim")
    return [
        (str(entry.id), "bold"),
        (ago(now - entry.received_at), "dim"),
        (entry.method.decode("latin-1"), ""),
        (middle(safe(entry.path), room), ""),
        (safe(facts.provider or "–"), "cyan"),
        (clip(safe(facts.type or "–"), room), ""),
        (size(entry.size), ""),
        (signature(entry)[0].strip(), signature(entry)[1]),
        (delivery[0].removeprefix("→ "), delivery[1]),
    ]
