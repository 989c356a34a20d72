"""`whcli sign`: the headers a provider would send, for a body of the user's own."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..hands.render import stdout
from ..rules.archive import pairs
from ..rules.generic import Signed
from ..words.errors import Exit, WrongUsage
from ..words.event import Headers, Message, Outgoing
from .options import BodyFile, Header, Json, Secrets

EXAMPLES = """Examples:

  whcli sign stripe --secret env:STRIPE_WEBHOOK_SECRET --body-file event.json

  echo '{"zen":"hi"}' | whcli sign github --secret file:secret.txt --body-file - --curl --url http://localhost:3000/gh
"""


def command(
    scheme: Annotated[str, typer.Argument(help="The signature scheme, such as stripe.")],
    secret: Secrets = None,
    url: Annotated[str, typer.Option(help="The URL the receiver is reached at; some schemes sign it.")] = "",
    method: Annotated[str, typer.Option(help="The method; some schemes sign it.")] = "POST",
    header: Header = None,
    body_file: BodyFile = None,
    body_out: Annotated[Path | None, typer.Option(help="Write the body to send here; signing may change it.")] = None,
    timestamp: Annotated[float | None, typer.Option(help="Sign as of this time (unix seconds), not now.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="The delivery id (default: a fresh one).")] = None,
    curl: Annotated[bool, typer.Option("--curl", help="Print a command that sends it.")] = False,
    json: Json = False,
) -> int:
    """Sign a body as a provider would, and print the headers to send."""
    import secrets as random
    import time

    from ..hands.config import load_config
    from ..hands.keyring import Keyring, required
    from ..rules.schemes import scheme_named
    from ..rules.signing import sign
    from .signatures import headers_of, read_body

    row = scheme_named(scheme)
    if secret and "-" in secret and body_file == "-":
        raise WrongUsage("both the secret and the body are to come from stdin", next="use --secret env:NAME")
    known = required(row, Keyring(load_config(), given=secret or ()).secrets(scheme))
    message = Message(method=method, url=url, headers=headers_of(header or ()), body=read_body(body_file))
    now = time.time() if timestamp is None else timestamp
    signed = sign(row, message, known, now=now, token=random.token_hex(16), id=id)
    if signed.body != message.body and not (json or curl or body_out):
        raise WrongUsage(
            f"{scheme} signs inside the body, so the body to send differs from the one given",
            next=f"whcli sign {scheme} --body-out signed.body ...        writes it (or use --json)",
        )
    if body_out:
        body_out.write_bytes(signed.body)
    show(scheme, message, signed, json=json, curl=curl)
    return Exit.DONE


def show(scheme: str, message: Message, signed: Signed, *, json: bool, curl: bool) -> None:
    """The headers to send; as JSON with the body, or as a command that sends it all."""
    if json:
        record = {"scheme": scheme, "method": message.method, "url": signed.url, "headers": pairs(signed.headers)}
        body = base64.b64encode(signed.body).decode()
        stdout().json({"schema": "whcli.signed/1", **record, "body_base64": body})
    elif curl:
        stdout().say(_curl(message, signed))
    else:
        sys.stdout.buffer.write(b"".join(b"%b: %b\n" % pair for pair in signed.headers))


def merged(given: Headers, made: Headers) -> Headers:
    """The user's headers and the signature's; what signing made wins."""
    names = {name.lower() for name, _ in made}
    return tuple(pair for pair in given if pair[0].lower() not in names) + made


def _curl(message: Message, signed: Signed) -> str:
    """The command that sends what was signed; curl adds Host and Content-Length itself."""
    from ..rules.curl import curl_command
    from ..rules.outgoing import aim

    if not signed.url:
        raise WrongUsage("--curl needs to know where to send it", next="add --url http://localhost:3000/webhooks")
    url, target = aim(signed.url, b"/", exact=True)
    headers = merged(message.headers, signed.headers)
    return curl_command(
        Outgoing(method=message.method.encode(), url=url, target=target, headers=headers, body=signed.body)
    )
