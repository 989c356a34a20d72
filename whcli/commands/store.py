"""`whcli store`: what a store holds, a copy of it, the space that removed events have left."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.text import ago, plural, rfc3339, safe, size
from ..words.errors import Exit, StoreFailed
from .options import Colour, Json, StoreDir, colour_of, refuse_before
from .rm import WORTH

if TYPE_CHECKING:
    from ..hands.listening.lock import ListenerLock
    from ..hands.storing.upkeep import Holding


EXAMPLES = "Examples:\n\n  whcli store info\n\n  whcli store backup webhooks.db\n\n  whcli store vacuum"

app = typer.Typer(
    help="Look at the store as a whole, copy it, give the space of removed events back.",
    invoke_without_command=True,
    epilog=EXAMPLES,
)


@app.callback()
def default(context: typer.Context, store: StoreDir = None, colour: Colour = "auto", json: Json = False) -> int:
    """Look at the store as a whole, copy it, give the space of removed events back."""
    name = context.invoked_subcommand
    if name is None:
        return info(store, colour, json)
    refuse_before(name, "store", json or store is not None)
    return Exit.DONE


@app.command("info", epilog="Examples:\n\n  whcli store info --json")
def info(store: StoreDir = None, colour: Colour = "auto", json: Json = False) -> int:
    """Say what it holds and who listens; the default."""
    from ..hands.config import store_folder
    from ..hands.listening.lock import holder
    from ..hands.render import stdout
    from ..hands.storing.store import Store
    from ..hands.storing.upkeep import holding

    folder = store_folder(store)
    with Store(folder) as opened:
        held = holding(opened)
    listener = holder(folder)
    screen = stdout(colour_of(colour))
    if json:
        screen.json(info_json(folder, held, listener.get("url")))
        return Exit.DONE
    for label, text in info_lines(folder, held, time.time()):
        screen.say((f"{label:<12}", "dim"), text)
    if "url" in listener:
        screen.say(("listener    ", "dim"), safe(f"{listener['url']} (pid {listener.get('pid')})"))
    if held.free > WORTH:
        screen.say(f"whcli store vacuum        gives {size(held.free)} back")
    return Exit.DONE


def info_json(folder: Path, held: Holding, listener: str | None) -> dict[str, object]:
    """What a store holds as JSON; sizes in bytes, the listener's URL or null."""
    edges = {
        name: {"id": edge[0], "received_at": rfc3339(edge[1])} if edge else None
        for name, edge in (("oldest", held.first), ("newest", held.last))
    }
    return {
        "schema": "whcli.store/1",
        "path": str(folder.resolve()),
        "version": held.schema,
        "size": held.size,
        "log": held.log,
        "free": held.free,
        "events": held.events,
        "deliveries": held.deliveries,
        **edges,
        "providers": [{"provider": provider, "events": number} for provider, number in held.providers],
        "listener": listener,
    }


def info_lines(folder: Path, held: Holding, now: float) -> Iterator[tuple[str, str]]:
    """What a store holds for people: labels and texts."""
    yield "store", f"{safe(str(folder))}, schema {held.schema}"
    yield "size", f"{size(held.size)}, of which {size(held.free)} are free; {size(held.log)} of log"
    yield "events", plural(held.events, "event") + ", " + plural(held.deliveries, "delivery")
    for label, edge in (("oldest", held.first), ("newest", held.last)):
        if edge is not None:
            local = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(edge[1]))
            yield label, f"#{edge[0]}  {local}, {ago(now - edge[1])}"
    if held.providers:
        names = [f"{safe(provider or 'not recognised')} {number:,}" for provider, number in held.providers]
        yield "providers", ", ".join(names)


@app.command("vacuum", epilog="Examples:\n\n  whcli store vacuum")
def vacuum(store: StoreDir = None, json: Json = False) -> int:
    """Give the space of removed events back."""
    from ..hands.config import store_folder
    from ..hands.render import stdout
    from ..hands.storing.opening import is_there, no_store
    from ..hands.storing.private import FILE
    from ..hands.storing.store import Store
    from ..hands.storing.upkeep import vacuum

    folder = store_folder(store)
    if not is_there(folder / FILE):
        raise no_store(folder)
    lock = taken(folder)
    try:
        with Store(folder, holder=True) as opened:
            before = opened.bytes_used()
            whole = vacuum(opened)
        after = opened.bytes_used()
    finally:
        lock.release()
    if json:
        stdout().json({"schema": "whcli.vacuum/1", "before": before, "after": after, "complete": whole})
    else:
        rest = "" if whole else "; another command was reading, so some of it comes back later"
        stdout().say(f"{size(before)} → {size(after)}{rest}")
    return Exit.DONE


def taken(folder: Path) -> ListenerLock:
    """The listener's lock; raises StoreFailed where a listener has it."""
    from ..hands.listening.lock import ListenerLock, holder

    try:
        return ListenerLock(folder)
    except StoreFailed as error:
        if error.code != "store_has_listener":
            raise
        pid = holder(folder).get("pid")
        raise StoreFailed(
            f"a listener{f' (pid {pid})' if pid else ''} captures into {folder}: only it may move the store's pages",
            code=error.code,
            next="stop it, then: whcli store vacuum        (whcli store backup works beside it)",
        ) from None


@app.command("backup", epilog="Examples:\n\n  whcli store backup webhooks.db")
def backup(
    file: Annotated[Path, typer.Argument(help="A new file, to be readable by you alone.")],
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Copy it into one new file, beside a listener too."""
    from ..hands.config import store_folder
    from ..hands.render import stderr, stdout
    from ..hands.storing.store import Store
    from ..hands.storing.upkeep import backup

    screen = stdout(colour_of(colour))
    with Store(store_folder(store)) as opened:
        events = backup(opened, file)
    bytes_of = file.stat().st_size
    if json:
        record = {"schema": "whcli.backup/1", "file": str(file.resolve()), "size": bytes_of, "events": events}
        screen.json(record)
        return Exit.DONE
    screen.say(("✓ ", "green"), f"{safe(str(file))}, {size(bytes_of)}, {plural(events, 'event')}, checked")
    if screen.tty:
        name = safe(shlex.quote(str(file)))
        stderr(colour).say(f"to look into it:  mkdir -m 700 DIR && cp {name} DIR/store.db && whcli list --store DIR")
    return Exit.DONE
