"""`whcli replay`: send captured webhooks again, signed afresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.archive import delivery_json
from ..rules.text import safe, seconds
from ..words.errors import Exit, Unreachable, WrongUsage
from ..words.event import Delivery, Event, Outgoing
from .deliveries import say_delivery
from .options import Colour, Json, PublicUrl, Secrets, StoreDir, Yes, colour_of
from .trust import UNREACHABLE, Trust

if TYPE_CHECKING:
    from ..hands.render import Screen
    from ..hands.replayer import Replayer

EXAMPLES = """Examples:

  whcli replay latest --to http://localhost:3000

  whcli replay 3..7 --to http://localhost:3000/webhooks --json

  whcli replay --failed
"""


def command(
    events: Annotated[list[str] | None, typer.Argument(help="Events: 42, latest, 3..7, all, a uid, a file, -.")] = None,
    to: Annotated[
        str | None, typer.Option(help="Where to: a URL or a name in [targets] (default: where it was sent last).")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All whose last delivery was not 2xx.")] = False,
    exact_url: Annotated[bool, typer.Option("--exact-url", help="Use the target as it stands.")] = False,
    no_resign: Annotated[bool, typer.Option("--no-resign", help="Send the old signature.")] = False,
    resign: Annotated[str | None, typer.Option("--resign", help="Sign with this scheme.")] = None,
    secret: Secrets = None,
    public_url: PublicUrl = None,
    send_credentials: Annotated[
        bool, typer.Option("--send-credentials", help="Send captured Authorization and cookies to another machine too.")
    ] = False,
    timeout: Annotated[str, typer.Option(help="How long the handler may take; 0 for ever.")] = "30s",
    proxy: Annotated[str | None, typer.Option(help="Send through this HTTP proxy.")] = None,
    store: StoreDir = None,
    yes: Yes = False,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Send captured webhooks again, byte for byte, signed as if the provider had sent them just now."""
    import asyncio

    from ..hands.config import load_config, store_folder
    from ..hands.events import Source
    from ..hands.keyring import Keyring
    from ..hands.render import stdout
    from ..hands.replayer import Replayer
    from ..hands.store import kept_in
    from ..rules.match import Filter

    if no_resign and resign:
        raise WrongUsage("--no-resign and --resign exclude each other", next="whcli replay --help")
    if secret and "-" in secret and events and "-" in events:
        raise WrongUsage("both the secret and the events are to come from stdin", next="use --secret env:NAME")
    if bool(events) == failed:
        raise WrongUsage("say which events to replay", next="whcli replay latest --to URL        or --failed")
    config = load_config()
    folder = store_folder(store)
    source = Source(folder)
    names = [str(id) for id in source.matching(Filter(failed=True))] if failed else events or []
    replayer = Replayer(
        source,
        Keyring(config, given=secret or (), public_url=public_url, kept=kept_in(folder)),
        to=config.targets.get(to, to) if to else None,
        fallback=config.listen.get("forward"),
        exact=exact_url,
        sign=not no_resign,
        scheme=resign,
    )
    colour_of(colour)
    run = Run(stdout(colour), json=json)
    trust = Trust(config.targets.values(), yes=yes, send_credentials=send_credentials)
    asyncio.run(run.all(replayer, list(source.events(names)), trust, limit=seconds(timeout) or None, proxy=proxy))
    return run.end()


class Run:
    """One run: what is shown for each delivery, and how it ends."""

    def __init__(self, screen: Screen, *, json: bool) -> None:
        self._screen = screen
        self._json = json
        self._ok = self._bad = self._unreachable = 0

    async def all(
        self, replayer: Replayer, events: list[Event], trust: Trust, *, limit: float | None, proxy: str | None
    ) -> None:
        """Deliver the events one after another."""
        from ..hands.client import Client
        from ..hands.deliver import undelivered

        async with Client(timeout=limit, proxy=proxy) as client:
            for event in events:
                outgoing = replayer.outgoing(event)
                try:
                    outgoing = replayer.signed(event, await trust.check(client, outgoing, len(events)))
                    delivery = await replayer.deliver(client, event, outgoing)
                except Unreachable as error:
                    delivery = replayer.record(undelivered(event.id, outgoing, error))
                self.show(event, outgoing, delivery)

    def show(self, event: Event, outgoing: Outgoing, delivery: Delivery) -> None:
        """One delivery: what was sent, what came back, what had to change."""
        self._ok += delivery.ok
        self._unreachable += delivery.failure in UNREACHABLE
        self._bad += not delivery.ok and delivery.failure not in UNREACHABLE
        if self._json:
            self._screen.json({**delivery_json(delivery), "changes": list(outgoing.changes), "note": outgoing.note})
            return
        number = f"#{event.id}" if event.id else safe(event.uid)
        how = f"re-signed {outgoing.signed}" if outgoing.signed else "as captured"
        say_delivery(self._screen, number, how, outgoing, delivery)

    def end(self) -> int:
        """The last line and the exit code."""
        if not self._json:
            parts = ((self._ok, "ok"), (self._bad, "not 2xx"), (self._unreachable, "unreachable"))
            words = ", ".join(f"{number} {word}" for number, word in parts if number)
            self._screen.say((words or "nothing to replay") + ".")
        if self._unreachable:
            return Exit.UNREACHABLE
        return Exit.DOES_NOT_HOLD if self._bad else Exit.DONE
