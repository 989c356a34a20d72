"""`whcli import`: events from files of ours and of other tools into the store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.masking import shown_target
from ..rules.text import clip, safe, size, word
from ..words.errors import Exit, NothingMatched
from ..words.event import Event, Facts
from ..words.fixture import is_redacted
from .options import Colour, Json, StoreDir, colour_of

if TYPE_CHECKING:
    from ..hands.keyring import Keyring
    from ..hands.render import Screen
    from ..hands.storing.store import Store
    from ..rules.archive.foreign import Read

EXAMPLES = """Examples:

  whcli import tests/hooks/*.json

  whcli import flows.har

  pbpaste | whcli import -
"""


def command(
    files: Annotated[
        list[str], typer.Argument(help="Fixtures, HAR, GitHub deliveries, webhook.site, better-webhook, curl; or -.")
    ],
    allow_files: Annotated[
        bool, typer.Option("--allow-files", help="Let curl commands read the files that they name with @.")
    ] = False,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Bring events from files into the store; what is there stays, and a file that cannot be read stops all."""
    from ..hands.config import load_config, store_folder
    from ..hands.given import Given
    from ..hands.keyring import Keyring
    from ..hands.render import stderr, stdout
    from ..hands.storing.store import Store

    keyring = Keyring(load_config())
    screen, told = stdout(colour_of(colour)), stderr(colour_of(colour))
    given = [Given(name, "whcli import FILE", allow_files=allow_files) for name in files]
    notes: dict[str, None] = {}
    there = [sum(1 for _ in each.requests(lambda why: notes.update({why: None}))) for each in given]
    if not any(there):  # all of it is read before any of it is kept
        raise NothingMatched("there is no event in these files", code="no_event", next=f"ls -l {word(files[0])}")
    with Store(store_folder(store), create=True) as opened:
        for name, read in ((each.name, read) for each in given for read in each.requests()):
            result = kept(opened, keyring, read, name)
            notes.update({read.note: None} if read.note else {})
            show(screen, opened, result, json=json)
    for note in notes:
        told.say((f"note: {safe(note)}", "yellow"))
    return Exit.DONE


def kept(store: Store, keyring: Keyring, read: Read, name: str) -> dict[str, Any]:
    """Keep one event, with what can be worked out from it; what came of it as a record."""
    fixture = read.fixture
    id, new = store.add_fixture(fixture, facts_of(store, keyring, fixture.event))
    return {
        "schema": "whcli.import/1",
        "event_id": id,
        "uid": fixture.event.uid,
        "new": new,
        "file": name,
        "note": read.note or None,
    }


def facts_of(store: Store, keyring: Keyring, event: Event) -> Facts:
    """Provider, type and the like, as if it had arrived; of a redacted event no signature is judged."""
    facts = keyring.facts(event)
    if is_redacted(event):
        facts = replace(facts, signature="unknown", reason="redacted", age=None)
    if facts.provider is None or facts.delivery_id is None:
        return facts
    return replace(facts, duplicate_of=store.first_with(facts.provider, facts.delivery_id))


def show(screen: Screen, store: Store, result: dict[str, Any], *, json: bool) -> None:
    """One line an event."""
    if json:
        screen.json(result)
        return
    id = result["event_id"]
    if not result["new"]:
        screen.say((f"already there as #{id}", "dim"), f"  uid {safe(result['uid'])}")
        return
    entry = store.entry(id)
    if entry is not None:
        said = [safe(part) for part in (entry.facts.provider, entry.facts.type) if part]
        request = f"{entry.method.decode('latin-1')} {clip(shown_target(entry.path), 60)}"
        screen.say((f"#{id}", "bold"), f"  {request}  ", (" ".join(said), "cyan"), f"  {size(entry.size)}")
