"""`whcli assert`: what was captured is what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.archive import difference_json
from ..rules.assertions import about, expected, miss_json, words
from ..words.errors import Exit
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
    SinceStart,
    StoreDir,
    Type,
    Until,
    Where,
    begin_of,
    colour_of,
    filter_of,
)

if TYPE_CHECKING:
    from ..hands.render import Screen
    from ..hands.storing.judging import Judgement

EXAMPLES = """Examples:

  whcli assert --type charge.succeeded --count 2 --signed --no-duplicates

  whcli assert --provider stripe --ordered 'checkout.*,invoice.paid'

  whcli assert --where 'body.amount > `1000`' --after 41 --at-most 3 --json
"""
SHOWN = 10  # failures that are shown; JSON has all


def command(
    count: Annotated[int | None, typer.Option(min=0, help="Exactly so many match (default: at least 1).")] = None,
    at_least: Annotated[int | None, typer.Option("--at-least", min=0, help="So many or more match.")] = None,
    at_most: Annotated[int | None, typer.Option("--at-most", min=0, help="So many or fewer match.")] = None,
    ordered: Annotated[
        str | None, typer.Option(help="TYPE,TYPE: these came in this order; others may stand between (globs).")
    ] = None,
    signed: Annotated[bool, typer.Option("--signed", help="All that match have a valid signature.")] = False,
    no_duplicates: Annotated[
        bool, typer.Option("--no-duplicates", help="No delivery id came before, among all events of the store.")
    ] = False,
    since_start: SinceStart = False,
    after: After = None,
    provider: Provider = None,
    type: Type = None,
    method: Method = None,
    path: PathGlob = None,
    signature: Signature = None,
    since: Since = None,
    until: Until = None,
    where: Where = None,
    search: Search = None,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Check what was captured: how many, in which order, signed, once each; exit 1 with the differences."""
    from ..hands.config import store_folder
    from ..hands.render import stdout
    from ..hands.storing.judging import judge

    screen = stdout(colour_of(colour))
    asked = expected(
        count=count,
        at_least=at_least,
        at_most=at_most,
        ordered=ordered,
        signed=signed,
        no_duplicates=no_duplicates,
    )
    begin = begin_of(since_start=since_start, after=after)
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
    )
    judgement = judge(store_folder(store), wanted, asked, after=begin if isinstance(begin, int) else None)
    if json:
        screen.json(judgement_json(judgement))
    else:
        show(screen, judgement)
    return Exit.DOES_NOT_HOLD if judgement.failures else Exit.DONE


def judgement_json(judgement: Judgement) -> dict[str, Any]:
    """What came of it."""
    return {
        "schema": "whcli.assertion/1",
        "holds": not judgement.failures,
        "matched": len(judgement.entries),
        "events": [entry.id for entry in judgement.entries],
        "differences": [{**difference_json(each.difference), "event": each.event} for each in judgement.failures],
        "near_misses": [miss_json(miss) for miss in judgement.misses],
        "after": judgement.after,
        "cursor": judgement.cursor,
    }


def show(screen: Screen, judgement: Judgement) -> None:
    """One line when all holds; else what does not, event by event, and what came closest."""
    number = len(judgement.entries)
    matching = "1 event matches" if number == 1 else f"{number} events match"
    screen.say(("✗", "red") if judgement.failures else ("✓", "green"), f" {matching}")
    known = {entry.id: entry for entry in judgement.entries}
    for failure in judgement.failures[:SHOWN]:
        what = f"{about(known[failure.event])}  " if failure.event else ""
        screen.say(("  - ", "red"), what + words(failure.difference))
    if len(judgement.failures) > SHOWN:
        screen.say(f"    and {len(judgement.failures) - SHOWN} more")
    if judgement.misses:
        screen.say(("near misses:", "dim"))
    for miss in judgement.misses:
        screen.say(("  ~ ", "yellow"), about(miss.entry))
        for difference in miss.differences:
            screen.say("      ", words(difference))
