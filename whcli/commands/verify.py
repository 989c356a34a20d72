"""`whcli verify`: whether a signature holds, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ..rules.archive import verdict_json
from ..rules.schemes import scheme_named
from ..rules.signing import verify
from ..rules.text import clip, safe
from ..words.errors import Exit, WrongUsage
from ..words.event import Message, Verdict
from .options import BodyFile, Colour, Header, Json, PublicUrl, Secrets, StoreDir, colour_of
from .signatures import headers_of, read_body

if TYPE_CHECKING:
    from ..hands.render import Screen

EXAMPLES = """Examples:

  whcli verify latest

  whcli verify --scheme stripe --secret env:STRIPE_WEBHOOK_SECRET -H "Stripe-Signature: $SIG" --body-file body.json
"""


def command(
    event: Annotated[str | None, typer.Argument(help="The event: 42, latest, a uid, a file, -.")] = None,
    scheme: Annotated[str | None, typer.Option(help="The signature scheme (default: recognised from headers).")] = None,
    secret: Secrets = None,
    url: Annotated[str, typer.Option(help="The URL of the request, where the scheme signs it.")] = "",
    method: Annotated[str, typer.Option(help="The method of the request.")] = "POST",
    header: Header = None,
    body_file: BodyFile = None,
    now: Annotated[float | None, typer.Option(help="The time of the check (unix seconds).")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Seconds a timestamp may be off (default: the scheme's).")
    ] = None,
    public_url: PublicUrl = None,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Check a signature: of a captured event (as of its arrival), or of the parts given."""
    import time

    from ..hands.config import load_config, store_folder
    from ..hands.events import Source
    from ..hands.keyring import Keyring, required
    from ..hands.render import stdout

    if secret and "-" in secret and "-" in (body_file, event):
        raise WrongUsage("both the secret and the request are to come from stdin", next="use --secret env:NAME")
    keyring = Keyring(load_config(), given=secret or (), scheme=scheme, public_url=public_url)
    if event is None:
        found = _parts(scheme, method, url, header or (), body_file)
        moment = time.time() if now is None else now
        verdict = verify(
            scheme_named(scheme or ""), found, keyring.secrets(scheme or ""), now=moment, tolerance=tolerance
        )
        id = None
    else:
        captured = Source(store_folder(store)).one(event)
        moment = captured.received_at if now is None else now
        verdict = keyring.verdict(captured, keyring.recognise(captured).scheme, now=moment, tolerance=tolerance)
        id = captured.id
    if verdict.state == "no_secret":
        required(scheme_named(verdict.scheme or ""), ())
    screen = stdout(colour_of(colour))
    show(screen, verdict, id, json)
    return Exit.DONE if verdict.ok else Exit.DOES_NOT_HOLD


def _parts(scheme: str | None, method: str, url: str, headers: Sequence[str], body_file: str | None) -> Message:
    """The request that the options describe."""
    if scheme is None:
        raise WrongUsage("there is nothing to verify", next="whcli verify latest        or --scheme with the parts")
    return Message(method=method, url=url, headers=headers_of(headers), body=read_body(body_file))


def show(screen: Screen, verdict: Verdict, id: int | None, json: bool) -> None:
    """One line with the reason, and what was compared when it does not hold."""
    if json:
        screen.json({**verdict_json(verdict), "event_id": id})
        return
    mark = ("✓", "green") if verdict.ok else ("✗", "red")
    number = f" #{id}" if id else ""
    secret = f" (secret from {verdict.secret})" if verdict.secret else ""
    screen.say(mark, (number, "bold"), f" {verdict.scheme or '–'}  {safe(verdict.detail)}{secret}")
    for label, text in (("received", verdict.received), ("computed", verdict.computed)):
        if text:
            screen.say(f"  {label}  {clip(safe(text), 120)}")
