"""`whcli help`: a command's help, or a topic that belongs to no single command."""

from __future__ import annotations

from typing import Annotated

import typer

from ..rules.near import did_you_mean
from ..rules.text import safe
from ..words.errors import Exit, WrongUsage
from .options import Json

EXAMPLES = """Examples:

  whcli help exit-codes

  whcli help replay
"""


def exit_codes() -> str:
    """The table of exit codes."""
    return "\n".join(f"{code:>4}  {code.meaning}" for code in Exit)


ENVIRONMENT = """\
WHCLI_STORE             the store's folder, instead of the nearest .whcli
WHCLI_SECRET_<SCHEME>   a signing secret: WHCLI_SECRET_STRIPE, WHCLI_SECRET_GITLAB_SIGNING
WHCLI_DEBUG             1: show the traceback of a crash; so does --debug, at any place
WHCLI_PAGER, PAGER      what long output of show, diff and help goes through on a terminal (default: less -FIRX);
                        empty, --no-pager or CI: no pager
NO_COLOR, FORCE_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM=dumb are honoured; --color beats them.
Flags beat the environment, the environment beats whcli.toml."""

CONFIG = """\
The nearest whcli.toml upwards is read. It is meant to be committed: it holds references to secrets, never secrets.

  [listen]
  forward = "http://localhost:3000/webhooks"
  public_url = "https://abc.example.dev"          # what URL-signing providers were told
  host = "127.0.0.1"
  port = 8765
  tls_port = 8766                                 # HTTPS beside HTTP; tls = true: HTTPS alone; cert, key
  max_body = "25MiB"                              # and the other limits of `whcli listen --help`
  keep = 10000                                    # events; or a time: "30d". The rest is removed (default: nothing is)

  [secrets]
  stripe = "env:STRIPE_WEBHOOK_SECRET"
  github = ["env:GH_SECRET_NEW", "env:GH_SECRET_OLD"]   # the first signs, all verify

  [targets]                                       # hosts that may be sent to without --yes; names for --to
  app = "http://localhost:3000/webhooks"

  [send]
  samples = "webhooks/samples"                    # sample events of your own, for `whcli send`

  [[routes]]                                      # several providers in one listener
  path = "/stripe/*"
  scheme = "stripe"
  secret = "env:STRIPE_WEBHOOK_SECRET"
  forward = "http://localhost:3000/hooks/stripe"

  [schemes.NAME] describes a provider of your own: whcli help custom.

  --forward PATH=URL comes before the handlers of this file; --forward URL takes their place."""

FILTERS = """\
--provider stripe          glob; so are --type 'charge.*', --method, --path '/hooks/*' (* matches anything)
--signature invalid        valid, invalid, stale, unsigned, no_secret or unknown
--since 10m --until 5m     durations ago (500ms 30s 10m 2h 7d, a bare number is seconds) or RFC 3339 times
--search WORDS             these words and "quoted phrases" in URL, headers or body; char* for what begins so.
                           Bodies that are text, their first 256 KiB; case and accents do not matter
--where EXPR               JMESPath over {id, method, path, query, headers, body, provider, type, signature, duplicate}

  whcli list --where 'body.data.object.amount > `1000`'
  whcli list --where "headers.\\"x-github-event\\" == 'push' && body.ref == 'refs/heads/main'"

Events are named 42, #42, latest, latest~2, 3..7, all, a uid (its first six or more characters, a letter among them),
a file that `whcli export` or `show --json` wrote or that `whcli import` reads, or - for standard input."""

CUSTOM = """\
A provider that whcli does not know is described in whcli.toml, or by flags of `whcli sign custom`:

  [schemes.acme]                                  # then: whcli sign acme, verify, listen and replay know it
  header = "Acme-Signature"                       # the signature's header, and how the event is recognised
  content = "{ts}.{body}"                         # what is signed
  layout = "t={ts},v1={sig}"                      # how the header is written
  separator = ","                                 # what stands between the layout's items
  clock = { tolerance = 300, future = 300 }       # seconds a timestamp may be old or ahead; inf: no limit

word             flag                takes
header           --signature-header  a header name
content          --template          {body} {ts} {id} {url} {method} {secret} {header:NAME} {form:NAME}; default {body}
layout           --layout            {sig}, and {ts} or {id} where they travel in it; default {sig}
separator        --separator         any text, where the layout is a list
algorithm        --algorithm         hmac-sha256 (default), hmac-sha1, hmac-sha512, sha256, sha1, ed25519,
                                     ecdsa-p256, ecdsa-p256-raw, rsa-sha1, rsa-sha256; equal: the secret itself
digest           --digest            hex (default), base64, base64url
key              --key               how the secret becomes the key: text (default), base64, hex, whsec, nfkd, html
clock.header     --timestamp-header  the timestamp's header, where it is not in the layout
clock.unit       --timestamp-unit    s (default), ms, rfc3339, rfc3339ns
clock.tolerance                      seconds that it may be old; default 300
clock.future                         seconds that it may be ahead; default 300
id_header        --id-header         the delivery id's header
id_form                              how a new id is made, such as "msg_{token}"
constants                            headers that always travel along, such as { X-Version = "1" }
title, source, secret_form           words for `whcli schemes show`

The secret is found like any other: WHCLI_SECRET_ACME, [secrets], or --secret."""

TOPICS = {
    "exit-codes": exit_codes(),
    "environment": ENVIRONMENT,
    "config": CONFIG,
    "filters": FILTERS,
    "custom": CUSTOM,
}


def command(
    topic: Annotated[str | None, typer.Argument(help="A topic or a command.")] = None, json: Json = False
) -> int:
    """Show a topic: exit-codes, environment, config, filters, custom; or a command's help."""
    from .. import cli
    from ..hands.render import paged, stdout

    if topic in TOPICS and not json:
        screen = stdout()
        with paged(screen):
            screen.say(TOPICS[topic])
        return Exit.DONE
    if topic is None or topic in TOPICS or topic in cli.COMMANDS:
        asked = [topic, "--help"] if topic else ["--help"]
        if not json:
            return cli.run(asked)
        text = TOPICS[topic] if topic in TOPICS else printed(asked)
        stdout().json({"schema": "whcli.help/1", "topic": topic or "whcli", "text": text})
        return Exit.DONE
    details = did_you_mean(topic, (*TOPICS, *cli.COMMANDS))
    raise WrongUsage(f"there is no help on '{safe(topic)}'", details=details, next="whcli help " + "|".join(TOPICS))


def printed(arguments: list[str]) -> str:
    """What a command prints."""
    from contextlib import redirect_stdout
    from io import StringIO

    from .. import cli

    with redirect_stdout(StringIO()) as out:
        cli.run(arguments)
    return out.getvalue()
