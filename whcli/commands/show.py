"""`whcli show`: one event, for people or exactly."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.archive import event_json
from ..rules.lines import glimpse, outcome
from ..rules.masking import shown_target
from ..rules.present import shown_body, shown_headers
from ..rules.text import ago, clip, plural, rfc3339, safe, safe_block, size
from ..words.errors import Exit, WrongUsage
from ..words.event import Delivery, Entry, Event
from ..words.secret import without
from .options import Colour, Json, StoreDir, colour_of

if TYPE_CHECKING:
    from ..hands.render import Screen

EXAMPLES = """Examples:

  whcli show latest

  whcli show 42 --body > body.json

  whcli show 42 --curl
"""


def command(
    event: Annotated[str, typer.Argument(help="The event: 42, latest, a uid, a file, -.")] = "latest",
    raw: Annotated[bool, typer.Option("--raw", help="The request's exact bytes: head and body.")] = False,
    body: Annotated[bool, typer.Option("--body", help="The body's exact bytes.")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="The head's exact bytes.")] = False,
    curl: Annotated[bool, typer.Option("--curl", help="A shell command that sends the same bytes.")] = False,
    to: Annotated[str | None, typer.Option(help="The URL for --curl (default: the Host it was sent to).")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show secrets unmasked.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show all of the body.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write raw bytes to a terminal.")] = False,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Show one event: headers, body, and what was sent for it."""
    from ..hands.config import store_folder
    from ..hands.events import Source
    from ..hands.render import paged, stdout

    one_form({"--raw": raw, "--body or --headers": body or headers, "--curl": curl, "--json": json})
    source = Source(store_folder(store))
    found = source.one(event)
    entry = source.store.entry(found.id) if found.id else None
    deliveries = source.store.deliveries(found.id) if found.id else ()
    screen = stdout(colour_of(colour))
    if raw or body or headers:
        exact = {(True, False): head_of(found), (False, True): found.body}.get(
            (headers, body), head_of(found) + found.body
        )
        return write_bytes(exact, force=force)
    if curl:
        from ..rules.archive.shell import curl_of

        screen.say(curl_of(found, to))
    elif json:
        screen.json(event_json(found, entry, deliveries))
    else:
        hidden = set() if reveal else source.kept_secrets(found)
        with paged(screen):
            present(screen, found, entry, deliveries, reveal=reveal, full=full, hidden=hidden)
    return Exit.DONE


def one_form(asked: Mapping[str, bool]) -> None:
    """Raise WrongUsage when an event is to be shown in more than one form."""
    given = [flag for flag, is_set in asked.items() if is_set]
    if len(given) > 1:
        raise WrongUsage(f"{' and '.join(given)} do not go together", next=f"whcli show ID {given[0].split()[0]}")


def head_of(event: Event) -> bytes:
    """The head's bytes as they came; of an imported event, as its fields say."""
    from ..rules.archive.fixture import plain_head

    return event.head or plain_head(event)


def write_bytes(data: bytes, *, force: bool) -> int:
    """Exact bytes to stdout; a terminal gets them only when it would just print them, or by force."""
    if sys.stdout.isatty() and not force and not harmless(data):
        raise WrongUsage(
            "these bytes hold control characters, and stdout is a terminal",
            next="redirect them into a file, or add --force",
        )
    sys.stdout.buffer.write(data)
    return Exit.DONE


def harmless(data: bytes) -> bool:
    """Whether a terminal would only print these bytes."""
    try:
        text = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:  # such a byte may be a control of one byte to a terminal: 0x9b is ESC [
        return False
    return safe_block(text) == text


def present(
    screen: Screen,
    event: Event,
    entry: Entry | None,
    deliveries: tuple[Delivery, ...],
    *,
    reveal: bool,
    full: bool,
    hidden: Set[bytes] = frozenset(),
) -> None:
    """The event for people."""
    number = f"#{event.id}  " if event.id else ""
    local = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.received_at))
    target = clip(safe(event.target) if reveal else shown_target(event.target), 2000)
    line = f"{event.method.decode('latin-1')} {target}  HTTP/{event.version}"
    screen.say((number + line, "bold"), (f"   {local}, {ago(time.time() - event.received_at)}", "dim"))
    about(screen, event, entry)
    headers = shown_headers(event.headers, reveal=reveal)
    section(screen, f"Headers ({len(headers)})", headers)
    if event.trailers:
        section(screen, f"Trailers ({len(event.trailers)})", shown_headers(event.trailers, reveal=reveal))
    body_section(screen, event, full=full, hidden=hidden)
    delivery_section(screen, deliveries)
    if event.id:
        screen.say()
        screen.say((f"Replay it:  whcli replay {event.id} --to URL", "dim"))


def about(screen: Screen, event: Event, entry: Entry | None) -> None:
    """What was recognised, and how the signature stands."""
    facts = entry.facts if entry else None
    parts = [safe(part) for part in (facts.provider, facts.type) if part] if facts else []
    if facts and facts.delivery_id:
        parts.append(f"delivery {safe(facts.delivery_id)}")
    parts += [f"from {safe(event.peer)}" if event.peer else "imported", size(len(event.body)), f"uid {safe(event.uid)}"]
    screen.say((" · ".join(parts), "cyan"))
    if facts:
        dup = f" · duplicate of #{facts.duplicate_of}" if facts.duplicate_of else ""
        reply = f" · we answered {facts.reply}" if facts.reply else ""
        style = {"valid": "green", "invalid": "red", "stale": "red"}.get(facts.signature, "")
        words = f"{facts.signature.replace('_', ' ')}" + (f" ({facts.scheme})" if facts.scheme else "")
        screen.say("Signature  ", (words, style), dup + reply)


def section(screen: Screen, title: str, pairs: list[tuple[str, str]]) -> None:
    """A titled list of names and values."""
    screen.say()
    screen.say((title, "bold"))
    width = min(max((len(name) for name, _ in pairs), default=0), 40)
    for name, value in pairs:
        screen.say("  ", (f"{clip(name, 200):<{width}}", "cyan"), f"  {clip(value, 2000)}")


def body_section(screen: Screen, event: Event, *, full: bool, hidden: Set[bytes]) -> None:
    """The body, bounded unless all of it is asked for; secrets that came in a handshake are masked."""
    from ..words.event import first

    if not event.body:
        return
    kind = safe(first(event.headers, b"content-type") or b"no content type")
    lines, note = shown_body(event.headers, event.body, whole=full)
    screen.say()
    screen.say((f"Body  {clip(kind, 100)}, {plural(len(event.body), 'byte')}", "bold"))
    screen.code([without(line, hidden) for line in lines])
    if note:
        screen.say((f"  … {note}", "dim"))


def delivery_section(screen: Screen, deliveries: tuple[Delivery, ...]) -> None:
    """What was sent for the event, and what came back."""
    if not deliveries:
        return
    screen.say()
    screen.say((f"Deliveries ({len(deliveries)})", "bold"))
    for delivery in deliveries:
        signed = f"  signed afresh ({delivery.signed})" if delivery.signed else ""
        start = f"  {rfc3339(delivery.sent_at)[11:23]}Z  {delivery.kind:<7}  {clip(shown_target(delivery.url), 200)}  "
        screen.say(start, *outcome(delivery), signed)
        detail = safe(delivery.error or "") or glimpse(delivery.reply.body if delivery.reply else b"")
        if detail:
            screen.say((f"    {detail}", "dim"))
