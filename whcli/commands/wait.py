"""`whcli wait`: block until an event arrives, or until it should have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.text import word
from ..words.errors import Exit, TimeRanOut, WrongUsage
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
    from ..hands.storing.waiting import Waited

EXAMPLES = """Examples:

  whcli wait --type 'charge.*' --timeout 30s

  cursor=$(whcli list --cursor); ./pay.sh; whcli wait --after $cursor --count 2 --json

  whcli wait --type customer.deleted --count 0 --timeout 2s
"""


def command(
    count: Annotated[int, typer.Option(min=0, help="How many must come; 0: none may, for the whole time.")] = 1,
    timeout: Annotated[str, typer.Option(help="How long to wait: 500ms, 30s, 5m; 0 looks once.")] = "30s",
    since_start: SinceStart = False,
    after: After = None,
    from_now: Annotated[bool, typer.Option("--from-now", help="Only events that arrive from now on.")] = False,
    ready: Annotated[
        bool, typer.Option("--ready", help="Wait for nothing but a listener on this store that answers.")
    ] = False,
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
    """Wait until matching events are in the store, and print them; exit 4 with the near misses when time is over."""
    from ..hands.config import store_folder
    from ..hands.render import stdout
    from ..hands.storing.waiting import wait_for
    from ..rules.match import Filter
    from ..rules.text import seconds

    screen, folder, limit = stdout(colour_of(colour)), store_folder(store), seconds(timeout)
    begin = begin_of(since_start=since_start, after=after, from_now=from_now)
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
    if ready:
        if wanted != Filter() or begin != "start" or since_start or count != 1:
            raise WrongUsage(
                "--ready waits for a listener, not for events", next="whcli wait --ready; then whcli wait with the rest"
            )
        return wait_ready(screen, folder, limit, json=json)
    waited = wait_for(folder, wanted, count=count, timeout=limit, since=begin)
    show_found(screen, waited, json=json)
    if waited.enough:
        return Exit.DONE
    if waited.after is not None and count == 0:
        return unexpected(waited, colour, json=json)
    raise out_of_time(waited, count, limit, folder)


def wait_ready(screen: Screen, folder: Path, limit: float, *, json: bool) -> int:
    """Wait for a listener that answers, and say where."""
    from ..hands.storing.waiting import answering

    about = answering(folder, limit)
    if about is None:
        raise no_listener(folder, limit)
    if json:
        screen.json(about)
    else:
        screen.say(str(about["url"]))
    return Exit.DONE


def show_found(screen: Screen, waited: Waited, *, json: bool) -> None:
    """The events that came."""
    from ..rules.archive import entry_json
    from .list_events import show

    if not json:
        show(screen, list(waited.entries))
    for entry in waited.entries if json else ():
        screen.json(entry_json(entry))


def unexpected(waited: Waited, colour: str, *, json: bool) -> int:
    """None was to come, and one did."""
    from ..hands.render import stderr

    if not json:
        stderr(colour).say(("✗", "red"), f" event #{waited.entries[0].id} came, and none was to")
    return Exit.DOES_NOT_HOLD


def no_listener(folder: Path, limit: float) -> TimeRanOut:
    """The error when nobody listens on the store."""
    return TimeRanOut(
        f"no listener began on the store {folder} within {limit:g} s",
        code="no_listener",
        next=f"whcli listen --store {word(folder)}        starts one; --after CURSOR needs none",
    )


def out_of_time(waited: Waited, count: int, limit: float, folder: Path) -> TimeRanOut:
    """The error when not enough came, with what came closest."""
    from ..rules.assertions import about, miss_json, words

    if waited.after is None:
        return no_listener(folder, limit)
    return TimeRanOut(
        f"{len(waited.entries)} of {count} matching events came within {limit:g} s",
        details=tuple((about(miss.entry), " · ".join(map(words, miss.differences))) for miss in waited.misses),
        next=f"whcli list --after {waited.after}        shows all that came",
        further={"near_misses": [miss_json(miss) for miss in waited.misses]},
    )
