"""`whcli help`: a command's help, or a topic that belongs to no single command."""

from __future__ import annotations

from typing import Annotated

import typer

from ..words.errors import Exit, WrongUsage

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
WHCLI_DEBUG             1: show the traceback of a crash
NO_COLOR, FORCE_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM=dumb are honoured; --color beats them.
Flags beat the environment, the environment beats whcli.toml."""

CONFIG = """\
The nearest whcli.toml upwards is read. It is meant to be committed: it holds references to secrets, never secrets.

  [listen]
  forward = "http://localhost:3000/webhooks"
  public_url = "https://abc.example.dev"          # what URL-signing providers were told

  [secrets]
  stripe = "env:STRIPE_WEBHOOK_SECRET"
  github = ["env:GH_SECRET_NEW", "env:GH_SECRET_OLD"]   # the first signs, all verify

  [targets]                                       # hosts that may be sent to without --yes; names for --to
  app = "http://localhost:3000/webhooks"

  [[routes]]                                      # several providers in one listener
  path = "/stripe/*"
  scheme = "stripe"
  secret = "env:STRIPE_WEBHOOK_SECRET"
  forward = "http://localhost:3000/hooks/stripe\""""

FILTERS = """\
--provider stripe          glob; so are --type 'charge.*', --method, --path '/hooks/*' (* matches anything)
--signature invalid        valid, invalid, stale, unsigned, no_secret or unknown
--since 10m --until 5m     durations ago (500ms 30s 10m 2h 7d, a bare number is seconds) or RFC 3339 times
--where EXPR               JMESPath over {id, method, path, query, headers, body, provider, type, signature, duplicate}

  whcli list --where 'body.data.object.amount > `1000`'
  whcli list --where "headers.\\"x-github-event\\" == 'push' && body.ref == 'refs/heads/main'"

Events are named 42, #42, latest, latest~2, 3..7, all, a uid (its first six or more characters, a letter among them),
a file written by `whcli show --json`, or - for standard input."""

TOPICS = {"exit-codes": exit_codes(), "environment": ENVIRONMENT, "config": CONFIG, "filters": FILTERS}


def command(topic: Annotated[str | None, typer.Argument(help="A topic or a command.")] = None) -> int:
    """Show a topic: exit-codes, environment, config, filters; or a command's help."""
    from .. import cli
    from ..hands.render import stdout

    if topic is None:
        return cli.run(["--help"])
    if topic in TOPICS:
        stdout().say(TOPICS[topic])
        return Exit.DONE
    if topic in cli.COMMANDS:
        return cli.run([topic, "--help"])
    raise WrongUsage(f"there is no help on '{topic}'", next="whcli help " + "|".join(TOPICS))
