"""`whcli listen`: catch anything, keep it, show it, pass it on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Ca, Colour, Insecure, Json, PublicUrl, Secrets, StoreDir, Yes, certificates_of, colour_of

EXAMPLES = """Examples:

  whcli listen

  whcli listen --forward http://localhost:3000

  whcli listen --reply 500,500,200 --count 3 --timeout 30s --json
"""

SECTIONS = {
    "Forwarding": "--forward --concurrency --forward-timeout --retries --compress --send-credentials --ca --insecure",
    "Replies": "--reply --reply-body --reply-header --reply-delay --relay-reply --no-handshake --verify-token"
    " --confirm-subscriptions",
    "Signatures": "--secret --scheme --public-url --verify",
    "HTTPS, and how senders trust it: whcli tls trust": "--tls --tls-port --cert --key",
    "Limits, also keys of [listen] (max_body ...)": "--max-body --max-head --max-header-lines --head-timeout"
    " --body-timeout --min-body-rate --max-connections --keep-alive",
}
"""What stands apart in the help."""


def command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1, and ::1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one (default: 8765).")] = None,
    forward: Annotated[
        list[str] | None,
        typer.Option("--forward", help="Send each event on: URL, or PATH=URL for some; repeatable."),
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Forwards at a time; 1 keeps the order of arrival.")] = 1,
    forward_timeout: Annotated[
        str | None,
        typer.Option(
            help="How long a handler may take; 0 for ever (default: 60s, 10s with --relay-reply, or the provider's)."
        ),
    ] = None,
    retries: Annotated[
        str | None, typer.Option(help="Try a failed forward again as this provider does: stripe, slack ...")
    ] = None,
    compress: Annotated[str | None, typer.Option(help="Shrink the waiting between attempts: 1000x or max.")] = None,
    relay_reply: Annotated[bool, typer.Option("--relay-reply", help="Answer with the handler's own reply.")] = False,
    reply: Annotated[str, typer.Option(help="Status to answer, or one per attempt: 500,500,200.")] = "200",
    reply_body: Annotated[str, typer.Option(help="Body to answer.")] = "",
    reply_header: Annotated[list[str] | None, typer.Option(help="'Name: value' to answer; repeatable.")] = None,
    reply_delay: Annotated[str, typer.Option(help="Wait this long before answering.")] = "0",
    send_credentials: Annotated[
        bool,
        typer.Option("--send-credentials", help="Forward Authorization, cookies and tokens to other machines too."),
    ] = False,
    ca: Ca = None,
    insecure: Insecure = False,
    verify: Annotated[bool, typer.Option("--verify", help="Answer 401 unless the signature holds.")] = False,
    no_handshake: Annotated[
        bool, typer.Option("--no-handshake", help="Do not answer the providers' challenges.")
    ] = False,
    verify_token: Annotated[
        str | None, typer.Option(help="The verify token of Meta or Strava: env:NAME or file:PATH (default: any).")
    ] = None,
    confirm_subscriptions: Annotated[
        bool, typer.Option("--confirm-subscriptions", help="Fetch the SubscribeURL of a real SNS host.")
    ] = False,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak HTTPS on --port, with a certificate of this store's own.")
    ] = False,
    tls_port: Annotated[
        int | None, typer.Option(help="Speak HTTPS on this port, beside HTTP on --port; 0 picks a free one.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Your own certificate for it: PEM, with its chain.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key: PEM, not encrypted (default: in the same file).")] = None,
    secret: Secrets = None,
    scheme: Annotated[str | None, typer.Option(help="The signature scheme of all that comes.")] = None,
    public_url: PublicUrl = None,
    count: Annotated[int | None, typer.Option(help="End after so many events.")] = None,
    timeout: Annotated[str | None, typer.Option(help="End after this long; before --count is reached: exit 4.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Write url, pid and store here once reachable.")] = None,
    max_body: Annotated[str | None, typer.Option(help="Largest body; over it 413 (default: 25MiB).")] = None,
    max_head: Annotated[str | None, typer.Option(help="Largest head; over it 431 (default: 64KiB).")] = None,
    max_header_lines: Annotated[
        str | None, typer.Option(metavar="<int>", help="Most lines of a head; over them 431 (default: 1000).")
    ] = None,
    head_timeout: Annotated[str | None, typer.Option(help="Time for a whole head; then 408 (default: 8s).")] = None,
    body_timeout: Annotated[
        str | None, typer.Option(help="Time in which more of a body must come; else 408 (default: 8s).")
    ] = None,
    min_body_rate: Annotated[
        str | None,
        typer.Option(help="Bytes a second on average, counted once --body-timeout has gone; else 408 (default: 1kB)."),
    ] = None,
    max_connections: Annotated[
        str | None,
        typer.Option(metavar="<int>", help="Most connections; above, the longest idle is closed (default: 512)."),
    ] = None,
    keep_alive: Annotated[
        str | None, typer.Option(help="How long a connection may rest between requests (default: 30s).")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Remove events beyond the newest 10000, or older than 30d (default: never).")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only what fails.")] = False,
    store: StoreDir = None,
    yes: Yes = False,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Listen for webhooks of any kind; store, show and forward each one."""
    from ..hands.config import load_config, store_folder
    from ..hands.listening.lock import ListenerLock
    from ..hands.loops import run
    from ..hands.storing.opening import make_folder
    from ..rules.text import seconds
    from .listening.doors import doors_of, open_doors
    from .listening.plan import Options, plan_of
    from .listening.session import READY_FILE, Session

    config = load_config()
    options = Options(
        forward=tuple(forward or ()),
        concurrency=concurrency,
        forward_timeout=forward_timeout,
        retries=retries,
        compress=compress,
        relay=relay_reply,
        reply=reply,
        reply_body=reply_body,
        reply_headers=tuple(reply_header or ()),
        reply_delay=seconds(reply_delay),
        verify=verify,
        send_credentials=send_credentials,
        certificates=certificates_of(ca, insecure),
        handshakes=not no_handshake,
        verify_token=verify_token,
        confirm_subscriptions=confirm_subscriptions,
        secrets=tuple(secret or ()),
        scheme=scheme,
        public_url=public_url,
        limits={
            "max_body": max_body,
            "max_head": max_head,
            "max_header_lines": max_header_lines,
            "head_timeout": head_timeout,
            "body_timeout": body_timeout,
            "min_body_rate": min_body_rate,
            "max_connections": max_connections,
            "keep_alive": keep_alive,
        },
        keep=keep,
        yes=yes,
    )
    folder = store_folder(store)
    plan = plan_of(options, config, folder)
    colour_of(colour)
    doors = doors_of(
        config.listen,
        config.path.parent if config.path else None,
        host=host,
        port=port,
        tls=tls,
        tls_port=tls_port,
        certificate=cert,
        key=key,
    )
    if ready_file is not None:
        from ..hands.files import check_report

        check_report(ready_file, READY_FILE)
    make_folder(folder)
    lock = ListenerLock(folder)  # before the port: a second listener on this store cannot be helped by another port
    sockets, secure = open_doors(doors, folder)
    limit = seconds(timeout) if timeout else None
    session = Session(
        folder, sockets, plan, count=count, timeout=limit, ready_file=ready_file, lock=lock, secure=secure
    )
    return run(session.run(quiet=quiet, json=json, colour=colour))
