"""`whcli handshake`: play the provider's challenge against a handler, and judge its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.lines import outcome
from ..rules.text import safe
from ..words.errors import Exit, Unreachable
from ..words.event import Delivery, Difference, Outgoing, path_of
from .options import Ca, Colour, Insecure, Json, Secrets, StoreDir, Yes, certificates_of, colour_of

if TYPE_CHECKING:
    from ..hands.render import Screen
    from ..rules.conduct.challenges import Challenge
    from .trust import Trust

EXAMPLES = """Examples:

  whcli handshake slack --to http://localhost:3000/slack/events --secret env:SLACK_SIGNING_SECRET

  whcli handshake meta --to http://localhost:3000/hooks --verify-token env:META_VERIFY_TOKEN
"""


def command(
    provider: Annotated[str, typer.Argument(help="The provider, such as slack, meta, zoom.")],
    to: Annotated[str, typer.Option("--to", help="The handler's URL, or a name in [targets].")],
    secret: Secrets = None,
    verify_token: Annotated[str | None, typer.Option(help="The token typed into the settings: env:NAME.")] = None,
    ca: Ca = None,
    insecure: Insecure = False,
    store: StoreDir = None,
    yes: Yes = False,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Send what a provider sends when a webhook is set up, and say whether the handler's answer would do."""
    import asyncio
    import secrets as random
    import time

    from ..hands.config import load_config, secret_from, store_folder
    from ..hands.keyring import Keyring
    from ..hands.render import stdout
    from ..hands.storing.store import kept_in
    from ..rules.conduct.challenges import challenges
    from ..rules.target import aim
    from .trust import Trust

    config = load_config()
    keyring = Keyring(config, given=secret or (), kept=kept_in(store_folder(store)))
    url, target = aim(config.target(to), b"/")
    token = secret_from(verify_token).value.decode("utf-8", "replace") if verify_token else None
    found = challenges(
        provider,
        url=url,
        secrets=lambda scheme: keyring.secrets(scheme, path_of(target)),
        now=time.time(),
        token=random.token_hex(16),
        verify_token=token,
    )
    show = Judgement(stdout(colour_of(colour)), provider, json=json)
    trust = Trust(config.targets.values(), yes=yes, send_credentials=True)
    asyncio.run(play(found, trust, show, certificates_of(ca, insecure)))
    return show.end()


async def play(found: tuple[Challenge, ...], trust: Trust, show: Judgement, certificates: bool | str) -> None:
    """Send the challenges one after another."""
    from ..hands.sending.client import Client
    from ..hands.sending.deliver import deliver, undelivered

    for challenge in found:
        async with Client(timeout=challenge.within, verify=certificates) as client:
            outgoing = request_of(challenge)
            try:
                outgoing = await trust.check(client, outgoing, len(found))
                show.add(challenge, await deliver(client, 0, outgoing, "replay"))
            except Unreachable as error:
                show.add(challenge, undelivered(0, outgoing, error))


def request_of(challenge: Challenge) -> Outgoing:
    """A challenge as a request to send."""
    from ..rules.outgoing import with_length
    from ..rules.target import aim, parse_target

    message = challenge.message
    url, target = aim(message.url, b"/", exact=True)
    headers = ((b"Host", parse_target(message.url).authority.encode()), *message.headers)
    return Outgoing(
        method=message.method.encode(),
        url=url,
        target=target,
        headers=with_length(headers, message.body),
        body=message.body,
    )


def bare(url: str) -> str:
    """The URL without its query, which may hold the verify token."""
    return url.partition("?")[0]


class Judgement:
    """What is shown of each challenge, and how it ends."""

    def __init__(self, screen: Screen, provider: str, *, json: bool) -> None:
        self._screen = screen
        self._provider = provider
        self._json = json
        self._wrong = 0
        self._unreachable = False

    def add(self, challenge: Challenge, delivery: Delivery) -> None:
        """One challenge and the answer to it."""
        from ..rules.conduct.challenges import judge
        from .trust import UNREACHABLE

        differences = judge(challenge, delivery.reply, delivery.latency) if delivery.reply else ()
        held = delivery.reply is not None and not differences
        self._wrong += not held
        self._unreachable |= delivery.failure in UNREACHABLE
        if self._json:
            self._screen.json(self._record(challenge, delivery, differences, held))
            return
        mark = ("✓", "green") if held else ("✗", "red")
        sent = f"{delivery.method.decode()} {safe(bare(delivery.url))}"
        self._screen.say(mark, f" {self._provider}: {challenge.says}   {sent}  ", *outcome(delivery))
        for text in self._remarks(challenge, delivery, differences, held):
            self._screen.say(("  ↳ ", "dim"), safe(text))

    def _remarks(
        self, challenge: Challenge, delivery: Delivery, differences: tuple[Difference, ...], held: bool
    ) -> Iterator[str]:
        """What there is to say of an answer: what is wrong with it, and what must follow."""
        if delivery.error:
            yield delivery.error
        for difference in differences:
            yield f"{difference.field}: wanted {difference.wanted}, got {difference.got}"
        if challenge.note:
            yield challenge.note
        if held and challenge.then:
            yield f"then the handler must {challenge.then}, which cannot be seen from here"

    def _record(
        self, challenge: Challenge, delivery: Delivery, differences: tuple[Difference, ...], held: bool
    ) -> dict[str, Any]:
        from ..rules.archive import difference_json

        return {
            "schema": "whcli.handshake/1",
            "provider": self._provider,
            "says": challenge.says,
            "ok": held,
            "method": delivery.method.decode(),
            "url": bare(delivery.url),
            "status": delivery.reply.status if delivery.reply else None,
            "error": delivery.error,
            "differences": [difference_json(each) for each in differences],
            "note": challenge.note,
            "then": challenge.then or None,
        }

    def end(self) -> int:
        """The exit code."""
        if self._unreachable:
            return Exit.UNREACHABLE
        return Exit.DOES_NOT_HOLD if self._wrong else Exit.DONE
