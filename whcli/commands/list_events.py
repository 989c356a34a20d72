"""`whcli list`: what was captured, newest last.

The newest few can only be printed once they are all found. All of them (`-n 0`), and the newest first (`--reverse`),
are printed one by one as they are found: the first at once, however many there are to look through.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.archive import entry_json
from ..rules.fields import FIELDS, field_text, named_fields
from ..rules.lines import outcome, signature
from ..rules.masking import shown_target
from ..rules.text import Span, ago, clip, middle, safe, size
from ..words.errors import Exit
from ..words.event import Entry
from .options import (
    After,
    Colour,
    Json,
    Method,
    PathGlob,
    Provider,
    Search,
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
    from ..hands.storing.store import Store

EXAMPLES = """Examples:

  whcli list

  whcli list --provider stripe --type 'charge.*' --since 10m

  whcli list --where 'body.data.object.amount > `1000`' --json

  whcli list --fields id,type,status
"""

HEADS = ("ID", "WHEN", "METHOD", "PATH", "PROVIDER", "TYPE", "SIZE", "SIG", "DELIVERY")
LEAST = (5, 8, 6, 16, 8, 16, 8, 8, 8)
"""Widths of the columns while it is not known what is still found."""


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
    search: Search = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only events whose last delivery was not 2xx.")] = False,
    after: After = None,
    cursor: Annotated[bool, typer.Option("--cursor", help="Print the newest arrival number and nothing else.")] = False,
    fields: Annotated[
        str | None, typer.Option(help="Print these, with tabs between: " + ",".join(FIELDS) + ".")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="The newest first, each as it is found.")] = False,
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
        search=search,
        failed=failed,
    )
    screen, folder = stdout(colour_of(colour)), store_folder(store)
    if cursor:
        return show_cursor(screen, folder, json=json)
    named = named_fields(fields) if fields is not None else ()
    limit = number if number > 0 else None
    as_found = reverse or limit is None
    with Store(folder) as opened:
        found: Iterable[Entry] = opened.entries(
            wanted, after=after or 0, newest=reverse or limit is not None, limit=limit
        )
        found = found if as_found else list(found)[::-1]
        if json:
            print_json(screen, found)
        elif named:
            show_fields(screen, found, named)
        else:
            last = show(screen, found, LEAST if as_found else ())
            if screen.tty:
                hint = f"Show one:  whcli show {last}" if last else nothing(opened)
                stderr(colour).say((hint, "dim"))
    return Exit.DONE


def nothing(store: Store) -> str:
    """What to type where no event is listed."""
    return "Nothing matches.  All:  whcli list" if store.last_id() else "No events yet.  Capture:  whcli listen"


def print_json(screen: Screen, entries: Iterable[Entry]) -> None:
    """A line each."""
    for entry in entries:
        screen.json(entry_json(entry))


def show_cursor(screen: Screen, folder: Path, *, json: bool) -> int:
    """The newest arrival number; 0 where there is no store yet."""
    from ..hands.storing.store import newest_in

    newest = newest_in(folder)
    if json:
        screen.json({"schema": "whcli.cursor/1", "cursor": newest})
    else:
        screen.say(str(newest))
    return Exit.DONE


def show_fields(screen: Screen, entries: Iterable[Entry], names: tuple[str, ...]) -> None:
    """A line an event, tabs between; their names stand above on a terminal alone."""
    if screen.tty:
        screen.say(("\t".join(names), "dim"))
    for entry in entries:
        screen.say("\t".join(field_text(entry, name) for name in names))


def show(screen: Screen, entries: Iterable[Entry], least: Sequence[int] = ()) -> int:
    """The table; in a pipe nothing is cut. The last number printed, 0 for none."""
    room = max(12, (screen.width - 74) // 2) if screen.tty else 10_000
    now = time.time()
    last = 0

    def rows() -> Iterator[list[Span]]:
        nonlocal last
        for entry in entries:
            last = entry.id
            yield row(entry, now, room)

    screen.table(HEADS, rows(), right=(0, 6), least=[min(width, room) for width in least])
    return last


def row(entry: Entry, now: float, room: int) -> list[Span]:
    """One event's cells; path and type are cut to `room` characters."""
    facts = entry.facts
    delivery = outcome(entry.last)[0] if entry.last else ("–", "dim")
    return [
        (str(entry.id), "bold"),
        (ago(now - entry.received_at), "dim"),
        (entry.method.decode("latin-1"), ""),
        (middle(shown_target(entry.path), room), ""),
        (safe(facts.provider or "–"), "cyan"),
        (clip(safe(facts.type or "–"), room), ""),
        (size(entry.size), ""),
        (signature(entry)[0].strip(), signature(entry)[1]),
        (delivery[0].removeprefix("→ "), delivery[1]),
    ]
