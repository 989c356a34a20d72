"""`whcli sign`: the headers a provider would send, for a body of the user's own."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..hands.render import stdout
from ..words.errors import Exit, WrongUsage
from ..words.event import Headers, Message, Outgoing
from ..words.head import TOKEN
from .options import BodyFile, Header, Json, Secrets

if TYPE_CHECKING:
    from ..hands.keyring import Keyring
    from ..rules.signatures.carried import Signed
    from ..rules.signatures.scheme import Scheme

EXAMPLES = """Examples:

  whcli sign stripe --secret env:STRIPE_WEBHOOK_SECRET --body-file event.json

  echo '{"zen":"hi"}' | whcli sign github --secret file:secret.txt --body-file - --curl --url http://localhost:3000/gh
"""


def command(
    scheme: Annotated[str, typer.Argument(help="The signature scheme, such as stripe; or custom.")],
    secret: Secrets = None,
    url: Annotated[str, typer.Option(help="The URL the receiver is reached at; some schemes sign it.")] = "",
    method: Annotated[str, typer.Option(help="The method; some schemes sign it.")] = "POST",
    header: Header = None,
    body_file: BodyFile = None,
    body_out: Annotated[Path | None, typer.Option(help="Write the body to send here; signing may change it.")] = None,
    timestamp: Annotated[float | None, typer.Option(help="Sign as of this time (unix seconds), not now.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="The delivery id (default: a fresh one).")] = None,
    template: Annotated[str | None, typer.Option(help="custom: signed content, such as '{ts}.{body}'.")] = None,
    signature_header: Annotated[str | None, typer.Option(help="custom: the signature's header.")] = None,
    layout: Annotated[str | None, typer.Option(help="custom: the header's form, such as 't={ts},v1={sig}'.")] = None,
    separator: Annotated[str | None, typer.Option(help="custom: what separates the layout's items.")] = None,
    algorithm: Annotated[str | None, typer.Option(help="custom: hmac-sha256, hmac-sha1, ed25519 ...")] = None,
    digest: Annotated[str | None, typer.Option(help="custom: hex, base64 or base64url.")] = None,
    key: Annotated[str | None, typer.Option(help="custom: the secret is text, base64, hex ...")] = None,
    timestamp_header: Annotated[str | None, typer.Option(help="custom: the timestamp's header.")] = None,
    timestamp_unit: Annotated[str | None, typer.Option(help="custom: s, ms or rfc3339.")] = None,
    id_header: Annotated[str | None, typer.Option(help="custom: the delivery id's header.")] = None,
    curl: Annotated[bool, typer.Option("--curl", help="Print a command that sends it.")] = False,
    json: Json = False,
) -> int:
    """Sign a body as a provider would, and print the headers to send."""
    import os
    import time

    from ..hands.config import load_config
    from ..hands.keyring import Keyring, required, signed
    from .signatures import headers_of, moment_of, read_body, write_body

    keyring = Keyring(load_config(), given=secret or ())
    words = {
        "content": template,
        "header": signature_header,
        "layout": layout,
        "separator": separator,
        "algorithm": algorithm,
        "digest": digest,
        "key": key,
        "clock.header": timestamp_header,
        "clock.unit": timestamp_unit,
        "id_header": id_header,
    }
    row = row_of(scheme, keyring, {word: value for word, value in words.items() if value is not None})
    if secret and "-" in secret and body_file == "-":
        raise WrongUsage("both the secret and the body are to come from stdin", next="use --secret env:NAME")
    if "{url" in row.content and not url:
        raise WrongUsage(f"{scheme} signs the URL", next="add --url, exactly as the provider was told")
    if not re.fullmatch(TOKEN, method.encode("utf-8", "surrogateescape")):
        raise WrongUsage(f"--method takes no {method!r}", next="--method POST")
    known = required(row, keyring.secrets(scheme))
    message = Message(method=method, url=url, headers=headers_of(header or ()), body=read_body(body_file))
    now = time.time() if timestamp is None else moment_of("--timestamp", timestamp)
    made = signed(row, message, known, now=now, token=os.urandom(16).hex(), id=id)
    if made.body != message.body and not (json or curl or body_out):
        raise WrongUsage(
            f"{scheme} signs inside the body, so the body to send differs from the one given",
            next=f"whcli sign {scheme} --body-out signed.body ...        writes it (or use --json)",
        )
    if made.url != message.url and not (json or curl):
        raise WrongUsage(
            f"{scheme} signs inside the URL, so the URL to send to differs from the one given",
            next=f"whcli sign {scheme} --curl ...        sends to it (or use --json)",
        )
    if body_out:
        write_body(body_out, made.body)
    show(scheme, message, made, json=json, curl=curl)
    return Exit.DONE


FLAGS = {
    "content": "--template",
    "header": "--signature-header",
    "clock.header": "--timestamp-header",
    "clock.unit": "--timestamp-unit",
    "id_header": "--id-header",
}
"""Words of a scheme whose flag has another name."""


def row_of(name: str, keyring: Keyring, words: Mapping[str, str]) -> Scheme:
    """The scheme of that name, or the one that the flags describe for `custom`."""
    if name != "custom":
        if words:
            given = ", ".join(_flag(word) for word in words)
            raise WrongUsage(f"{name} is described already: {given} only go with custom", next="whcli sign custom ...")
        return keyring.scheme(name)
    from ..rules.signatures.custom import Spelling, scheme_from

    clock = {word.removeprefix("clock."): value for word, value in words.items() if word.startswith("clock.")}
    table: dict[str, Any] = {word: value for word, value in words.items() if not word.startswith("clock.")}
    return scheme_from(name, {"header": "X-Signature", **table, "clock": clock}, "the flags", Spelling(_flag))


def _flag(word: str) -> str:
    return FLAGS.get(word, f"--{word}")


def show(scheme: str, message: Message, signed: Signed, *, json: bool, curl: bool) -> None:
    """The headers to send; as JSON with the body, or as a command that sends it all."""
    if json:
        from ..rules.archive import pairs

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
    from ..rules.target import aim

    if not signed.url:
        raise WrongUsage("--curl needs to know where to send it", next="add --url http://localhost:3000/webhooks")
    url, target = aim(signed.url, b"/", exact=True)
    headers = merged(message.headers, signed.headers)
    return curl_command(
        Outgoing(method=message.method.encode(), url=url, target=target, headers=headers, body=signed.body)
    )
