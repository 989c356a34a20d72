"""`whcli replay`: send captured webhooks again, signed afresh; once, or as a real sender would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..words.errors import Exit, WrongUsage
from .options import (
    Ca,
    Colour,
    Insecure,
    Json,
    Provider,
    PublicUrl,
    Search,
    Secrets,
    Signature,
    Since,
    StoreDir,
    Type,
    Until,
    Where,
    Yes,
    certificates_of,
    colour_of,
)

EXAMPLES = """Examples:

  whcli replay latest --to http://localhost:3000

  whcli replay 42 --set body.data.object.amount=4200 --to http://localhost:3000

  whcli replay 42 --duplicate 2 --probe-url http://localhost:3000/state --to http://localhost:3000/webhooks

  whcli replay --failed
"""


def command(
    events: Annotated[list[str] | None, typer.Argument(help="Events: 42, latest, 3..7, all, a uid, a file, -.")] = None,
    to: Annotated[
        str | None, typer.Option(help="Where to: a URL or a name in [targets] (default: where it was sent last).")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All whose last delivery was not 2xx.")] = False,
    provider: Provider = None,
    type: Type = None,
    signature: Signature = None,
    since: Since = None,
    until: Until = None,
    where: Where = None,
    search: Search = None,
    set: Annotated[list[str] | None, typer.Option("--set", help="PATH=VALUE, such as body.amount=4200.")] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", help="Remove PATH.")] = None,
    header: Annotated[list[str] | None, typer.Option("--header", "-H", help="'Name: value' to set.")] = None,
    remove_header: Annotated[list[str] | None, typer.Option("--remove-header", help="Header to leave out.")] = None,
    method: Annotated[str | None, typer.Option("--method", help="Send with this method.")] = None,
    path: Annotated[str | None, typer.Option("--path", help="Send this path and query.")] = None,
    body_file: Annotated[str | None, typer.Option("--body-file", help="Send this file's bytes as the body.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Open the body of one event in $EDITOR first.")] = False,
    new_id: Annotated[bool, typer.Option("--new-id", help="With a fresh delivery id.")] = False,
    shift_time: Annotated[str | None, typer.Option(help="Move all times along: now, 2h, -30d.")] = None,
    compare_to: Annotated[
        str | None, typer.Option(help="Send the same here too, and show where the replies differ.")
    ] = None,
    exact_url: Annotated[bool, typer.Option("--exact-url", help="Use the target as it stands.")] = False,
    no_resign: Annotated[bool, typer.Option("--no-resign", help="Send the old signature.")] = False,
    resign: Annotated[str | None, typer.Option("--resign", help="Sign with this scheme.")] = None,
    secret: Secrets = None,
    public_url: PublicUrl = None,
    speed: Annotated[str | None, typer.Option(help="original, 2x or max (default: max).")] = None,
    rate: Annotated[str | None, typer.Option(help="Events per second: 50/s.")] = None,
    concurrency: Annotated[int, typer.Option(help="Deliveries at a time; 1 keeps the order.")] = 1,
    retries: Annotated[str | None, typer.Option(help="Try again as this provider does: slack, shopify ...")] = None,
    compress: Annotated[str | None, typer.Option(help="Shrink the waiting between attempts: 1000x or max.")] = None,
    duplicate: Annotated[int, typer.Option(help="Send each event so often, one after another.")] = 1,
    race: Annotated[int, typer.Option(help="Send so many copies at the same instant.")] = 1,
    lost_ack: Annotated[bool, typer.Option("--lost-ack", help="Hang up after the status, then send again.")] = False,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="In a random order.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="Newest first.")] = False,
    permutations: Annotated[bool, typer.Option("--permutations", help="One run for each order.")] = False,
    drop: Annotated[str | None, typer.Option(help="Lose deliveries with this probability: 0.1.")] = None,
    delay: Annotated[str | None, typer.Option(help="Deliver late by a random time: 0..2s.")] = None,
    watch: Annotated[Path | None, typer.Option(help="Replay again when a file changes here, until it passes.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; send nothing.")] = False,
    probe: Annotated[str | None, typer.Option(help="A command that prints the handler's state.")] = None,
    probe_url: Annotated[str | None, typer.Option(help="A URL that answers with the handler's state.")] = None,
    settle: Annotated[str | None, typer.Option(help="How long the state may take to come to rest: 500ms.")] = None,
    reset: Annotated[str | None, typer.Option(help="A command that clears the state, before each run.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Tell percentiles and a histogram at the end.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report here.")] = None,
    send_credentials: Annotated[
        bool, typer.Option("--send-credentials", help="Send captured Authorization and cookies to another machine too.")
    ] = False,
    timeout: Annotated[str | None, typer.Option(help="How long the handler may take; 0 for ever.")] = None,
    proxy: Annotated[str | None, typer.Option(help="Send through this HTTP proxy.")] = None,
    ca: Ca = None,
    insecure: Insecure = False,
    store: StoreDir = None,
    yes: Yes = False,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Send captured webhooks again, byte for byte, signed as if the provider had sent them just now."""
    from .options import filter_of
    from .replaying.asked import Asked, Choice, Ways
    from .replaying.start import replay

    if secret and "-" in secret and "-" in (*(events or ()), body_file):
        raise WrongUsage("both the secret and the events are to come from stdin", next="use --secret env:NAME")
    wanted = filter_of(
        provider=provider,
        type=type,
        method=None,
        path=None,
        signature=signature,
        since=since,
        until=until,
        where=where,
        search=search,
        failed=failed,
    )
    filtered = failed or any((provider, type, signature, since, until, where, search))
    if not events and not filtered:
        raise WrongUsage("say which events to replay", next="whcli replay latest --to URL        or --failed")
    if events and filtered:
        raise WrongUsage(
            "events are chosen by reference or by filters, not by both", next="leave one out: the references"
        )
    asked = Asked(
        set=tuple(set or ()),
        unset=tuple(unset or ()),
        header=tuple(header or ()),
        remove_header=tuple(remove_header or ()),
        method=method,
        path=path,
        body_file=body_file,
        shift_time=shift_time,
        speed=speed,
        rate=rate,
        retries=retries,
        compress=compress,
        duplicate=duplicate,
        race=race,
        lost_ack=lost_ack,
        shuffle=shuffle,
        reverse=reverse,
        permutations=permutations,
        drop=drop,
        delay=delay,
    )
    choice = Choice(
        references=tuple(events or ()),
        wanted=wanted if filtered else None,
        edit=edit,
        to=to,
        exact=exact_url,
        compare_to=compare_to,
    )
    ways = Ways(
        sign=not no_resign,
        scheme=resign,
        secrets=tuple(secret or ()),
        public_url=public_url,
        concurrency=concurrency,
        seed=seed,
        new_id=new_id,
        probe=probe,
        probe_url=probe_url,
        reset=reset,
        settle=settle,
        report=report,
        junit=junit,
        timeout=timeout,
        proxy=proxy,
        certificates=certificates_of(ca, insecure),
        send_credentials=send_credentials,
        yes=yes,
        dry_run=dry_run,
        watch=watch,
    )
    code: int = replay(asked, choice, ways, store=store, colour=colour_of(colour), json=json)
    return Exit(code)
