"""`whcli send`: a realistic sample event, signed as its provider signs, with no provider at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..words.errors import Exit, Unreachable, WrongUsage
from ..words.event import Delivery, Outgoing
from ..words.record import record
from .options import Ca, Colour, Header, Insecure, Json, PublicUrl, Secrets, StoreDir, Yes, certificates_of, colour_of

if TYPE_CHECKING:
    from ..hands.config import Config
    from ..hands.keyring import Keyring
    from ..hands.render import Screen
    from ..hands.sending.issuer import Issued, Issuer
    from ..rules.replaying.edits import Edits
    from ..rules.samples import Sample
    from .trust import Trust

EXAMPLES = """Examples:

  whcli send --list

  whcli send stripe charge.succeeded --to http://localhost:3000/hooks --set body.data.object.amount=9900

  whcli send github push --dry-run
"""
HOW = "whcli send stripe charge.succeeded --to http://localhost:3000        or whcli send --list"
REFUSED = (400, 401, 403)  # what handlers answer to a signature that does not hold


def command(
    provider: Annotated[str | None, typer.Argument(help="The provider, such as stripe.")] = None,
    type: Annotated[str | None, typer.Argument(help="The event type, such as charge.succeeded.")] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Where to: a URL or a name in [targets] (default: [listen] forward).")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the samples, of one provider or of all.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request instead of sending it.")] = False,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="PATH=VALUE, such as body.amount=4200; repeatable.")
    ] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", help="PATH to remove; repeatable.")] = None,
    header: Header = None,
    remove_header: Annotated[list[str] | None, typer.Option("--remove-header", help="Name; repeatable.")] = None,
    body_file: Annotated[str | None, typer.Option("--body-file", help="A body of your own, - for stdin.")] = None,
    secret: Secrets = None,
    scheme: Annotated[str | None, typer.Option(help="Sign with this scheme (default: the provider's).")] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Do not sign, even where a secret is known.")] = False,
    public_url: PublicUrl = None,
    samples: Annotated[Path | None, typer.Option(help="A folder with samples of your own (TOML).")] = None,
    timeout: Annotated[str, typer.Option(help="How long the handler may take; 0 for ever.")] = "30s",
    ca: Ca = None,
    insecure: Insecure = False,
    store: StoreDir = None,
    yes: Yes = False,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Send a realistic sample event with fresh ids and times, signed as its provider would."""
    from ..hands.config import load_config
    from ..hands.render import stdout
    from ..hands.sending.samples import Samples
    from ..rules.text import seconds

    config = load_config()
    known = Samples(samples or config.samples)
    screen = stdout(colour_of(colour))
    if show_list:
        return listing(screen, known.of(provider) if provider else list(known.all()), type, json=json)
    if provider is None or type is None:
        raise WrongUsage("say whose sample to send, and which", next=HOW if provider is None else _types(provider))
    if unsigned and (scheme or secret):
        raise WrongUsage("--unsigned excludes --scheme and --secret", next="whcli send --help")
    if secret and "-" in secret and body_file == "-":
        raise WrongUsage("both the secret and the body are to come from stdin", next="use --secret env:NAME")
    sample = known.one(provider, type)
    edits = edits_from(set, unset, header, remove_header, body_file)
    keyring = keyring_of(config, secret, public_url, store)
    issued = issuer_of(config, keyring, scheme, unsigned).issue(sample, target_of(to, config, dry_run), edits)
    if dry_run:
        return display(screen, issued, json=json)
    way = Way(timeout=seconds(timeout) or None, certificates=certificates_of(ca, insecure))
    return deliver_one(screen, issued, _trust(config, yes), way, json=json)


def _types(provider: str) -> str:
    return f"whcli send {provider} --list        shows its types"


def _trust(config: Config, yes: bool) -> Trust:
    """Nothing of a sample is a captured credential: a token in it is the user's own, and meant for the target."""
    from .trust import Trust

    return Trust(config.targets.values(), yes=yes, send_credentials=True)


def edits_from(
    set: list[str] | None,
    unset: list[str] | None,
    header: list[str] | None,
    remove_header: list[str] | None,
    body_file: str | None,
) -> Edits:
    """What the flags change in the sample."""
    from ..rules.replaying.edits import edits_of
    from .signatures import read_body

    return edits_of(
        set=set or (),
        unset=unset or (),
        header=header or (),
        remove_header=remove_header or (),
        body=None if body_file is None else read_body(body_file),
    )


def keyring_of(config: Config, secret: list[str] | None, public_url: str | None, store: Path | None) -> Keyring:
    """The secrets of flags, environment, file and handshakes."""
    from ..hands.config import store_folder
    from ..hands.keyring import Keyring
    from ..hands.storing.store import kept_in

    return Keyring(config, given=secret or (), public_url=public_url, kept=kept_in(store_folder(store)))


def issuer_of(config: Config, keyring: Keyring, scheme: str | None, unsigned: bool) -> Issuer:
    """What makes requests of samples."""
    from ..hands.sending.issuer import Issuer

    return Issuer(config, keyring, scheme=scheme, sign=not unsigned)


def target_of(to: str | None, config: Config, dry_run: bool) -> str:
    """The target; a dry run needs none."""
    target = to or config.listen.get("forward") or ("http://localhost" if dry_run else None)
    if target is None:
        raise WrongUsage("there is no target", next="add --to URL, such as --to http://localhost:3000/webhooks")
    return config.target(target)


# -- what is shown --------------------------------------------------------------------------------------------------


@record
class Way:
    """How a sample is sent."""

    timeout: float | None  # seconds
    certificates: bool | str  # as `Client` takes them


def deliver_one(screen: Screen, issued: Issued, trust: Trust, way: Way, *, json: bool) -> int:
    """Send it, show what came of it, and end accordingly."""
    import asyncio

    from .deliveries import exit_of, say_delivery

    issued, delivery = asyncio.run(sent(issued, trust, way))
    refused = delivery.reply is not None and delivery.reply.status in REFUSED
    outgoing = replace(issued.outgoing, note=issued.outgoing.note or (issued.hint if refused else None))
    sample = issued.sample
    if json:
        screen.json(sent_json(sample, outgoing, delivery))
    else:
        how = f"signed {outgoing.signed}" if outgoing.signed else "unsigned"
        say_delivery(screen, f"{sample.provider} {sample.type}", how, outgoing, delivery)
    return exit_of(delivery)


async def sent(issued: Issued, trust: Trust, way: Way) -> tuple[Issued, Delivery]:
    """The request as it went out, and its delivery."""
    from ..hands.sending.client import Client
    from ..hands.sending.deliver import deliver, undelivered

    async with Client(timeout=way.timeout, verify=way.certificates) as client:
        try:
            outgoing = await trust.check(client, issued.outgoing, 1)
        except Unreachable as error:
            return issued, undelivered(0, issued.outgoing, error)
        return replace(issued, outgoing=outgoing), await deliver(client, 0, outgoing, "replay")


def sent_json(sample: Sample, outgoing: Outgoing, delivery: Delivery) -> dict[str, Any]:
    """A delivery as `replay --json` has it, and which sample it was."""
    from ..rules.archive import delivery_json
    from ..rules.recognition.detect import detect

    return {
        **delivery_json(delivery),
        "kind": "send",
        "provider": sample.provider,
        "type": sample.type,
        "delivery_id": detect(outgoing.headers, outgoing.body).delivery_id,
        "changes": list(outgoing.changes),
        "note": outgoing.note,
    }


def display(screen: Screen, issued: Issued, *, json: bool) -> int:
    """The request that would be sent: for people with masked tokens, as JSON exactly."""
    import base64

    from ..rules.archive import pairs
    from ..rules.masking import shown_target
    from ..rules.present import shown_body, shown_headers
    from ..rules.text import safe

    sample, outgoing = issued.sample, issued.outgoing
    method, target = outgoing.method.decode("latin-1"), outgoing.target.decode("latin-1")
    if json:
        named = {"schema": "whcli.request/1", "provider": sample.provider, "type": sample.type, "method": method}
        told = {"signed": outgoing.signed, "changes": list(outgoing.changes), "note": outgoing.note}
        body = base64.b64encode(outgoing.body).decode()
        screen.json(
            {**named, "url": outgoing.url, "headers": pairs(outgoing.headers), "body_base64": body, **told},
        )
        return Exit.DONE
    screen.say((f"{method} {shown_target(target)} HTTP/1.1", "bold"))
    for name, value in shown_headers(outgoing.headers, reveal=False):
        screen.say((f"{name}:", "cyan"), f" {value}")
    screen.say()
    screen.code(shown_body(outgoing.headers, outgoing.body, whole=True)[0])
    for line in (outgoing.note, *outgoing.changes):
        if line:
            screen.say(("  ↳ ", "dim"), safe(line))
    return Exit.DONE


def listing(screen: Screen, samples: Sequence[Sample], type: str | None, *, json: bool) -> int:
    """The samples, those of one type where it is given."""
    from ..rules.text import safe

    if type is not None:
        raise WrongUsage("--list takes a provider and no type", next=f"whcli send {samples[0].provider} --list")
    if json:
        for sample in samples:
            screen.json(sample_json(sample))
        return Exit.DONE
    rows = [
        [(safe(sample.provider), "cyan"), (safe(sample.type), "bold"), (safe(sample.says), "")] for sample in samples
    ]
    screen.table(("PROVIDER", "TYPE", "WHAT HAPPENED"), rows)
    return Exit.DONE


def sample_json(sample: Sample) -> dict[str, Any]:
    """One sample of the list; `seen_as` is the type that a listener shows for it."""
    names = {"provider": sample.provider, "type": sample.type, "says": sample.says, "seen_as": sample.seen_as}
    return {"schema": "whcli.sample/1", **names, "file": sample.origin}
