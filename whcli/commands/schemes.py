"""`whcli schemes`: what is known of every provider's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.scheme import Scheme
from ..words.errors import Exit, WrongUsage
from .options import Colour, Json, colour_of

if TYPE_CHECKING:
    from ..hands.render import Screen
    from ..rules.schedules import Schedule

app = typer.Typer(
    help="List the signature schemes, explain one, or make a key pair for tests.",
    invoke_without_command=True,
    epilog="Examples:\n\n  whcli schemes\n\n  whcli schemes show stripe\n\n  whcli schemes keygen discord",
)


@app.callback()
def schemes(context: typer.Context, colour: Colour = "auto", json: Json = False) -> int:
    """List the signature schemes, explain one, or make a key pair for tests."""
    if context.invoked_subcommand is not None:
        return Exit.DONE
    from ..hands.render import stdout

    screen = stdout(colour_of(colour))
    rows = known_schemes()
    if json:
        for row in rows:
            screen.json(scheme_json(row))
    else:
        cells = [
            [(row.name, "bold"), (row.title, ""), (row.header or "in the body", ""), (row.algorithm, "dim")]
            for row in rows
        ]
        screen.table(("SCHEME", "PROVIDER", "SIGNATURE", "ALGORITHM"), cells)
    return Exit.DONE


@app.command("show", epilog="Examples:\n\n  whcli schemes show stripe")
def show(
    name: Annotated[str, typer.Argument(help="The scheme, such as stripe.")],
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Explain one scheme: headers, signed content, secret, tolerance, retries, source."""
    from ..hands.config import load_config
    from ..hands.render import stdout
    from ..rules.schedules import BY_PROVIDER

    row = load_config().scheme(name)
    screen = stdout(colour_of(colour))
    schedule = BY_PROVIDER.get(row.provider)
    if json:
        screen.json(scheme_json(row, schedule))
    else:
        explain(screen, row, schedule)
    return Exit.DONE


@app.command("keygen", epilog="Examples:\n\n  whcli schemes keygen discord --json")
def keygen(
    name: Annotated[str, typer.Argument(help="An asymmetric scheme, such as discord.")],
    json: Json = False,
) -> int:
    """Make a key pair for tests: the private key signs, the public one is what the receiver is given."""
    from ..hands.config import load_config
    from ..hands.render import stdout
    from ..rules.asymmetric import keygen as make

    row = load_config().scheme(name)
    if not row.pair:
        raise WrongUsage(
            f"{name} signs with a shared secret, not with a key pair", next="openssl rand -hex 32        makes a secret"
        )
    pair = make(row.pair)
    if json:
        stdout().json({"schema": "whcli.keypair/1", "scheme": name, "private": pair.private, "public": pair.public})
    else:
        stdout().say(f"private: {pair.private}")
        stdout().say(f"public: {pair.public}")
    return Exit.DONE


def known_schemes() -> list[Scheme]:
    """Our rows and the user's own."""
    from ..hands.config import load_config

    config = load_config()
    return [config.scheme(name) for name in config.scheme_names]


def explain(screen: Screen, row: Scheme, schedule: Schedule | None) -> None:
    """One scheme for people."""
    screen.say((f"{row.name}  {row.title}", "bold"))
    for label, text in facts_of(row, schedule):
        screen.say((f"  {label:<16}", "dim"), text)


def facts_of(row: Scheme, schedule: Schedule | None) -> list[tuple[str, str]]:
    """Labels and texts, in the order in which one asks."""
    clock = row.clock
    facts = [
        ("signature", f"{row.header}: {row.layout}" if row.header else "in the body"),
        ("algorithm", f"{row.algorithm}, {row.digest}"),
        ("signed content", row.content if not row.code else f"{row.content}   (see the notes and the source)"),
        ("secret", row.secret_form),
        ("delivery id", row.id_header or ""),
        ("timestamp", _clock(row) if clock else "none"),
        ("also sends", ", ".join([*(also.header for also in row.also), *(name for name, _ in row.constants)])),
        ("SDK insists on", ", ".join(name for name, _ in row.companions)),
        ("environment", _variable(row.name)),
        ("retries", _retries(schedule) if schedule else ""),
        *(("note", note) for note in row.notes),
        ("source", f"{row.source} (read {row.read})" if row.read else row.source),
    ]
    return [(label, text) for label, text in facts if text]


def _clock(row: Scheme) -> str:
    clock = row.clock
    if clock is None:
        return ""
    place = clock.header or "in the signature header"
    unit = {"s": "unix seconds", "ms": "unix milliseconds"}.get(clock.unit, "RFC 3339")
    old = f"refused when older than {clock.tolerance:g} s" if clock.tolerance is not None else "its age is not checked"
    ahead = f", or more than {clock.future:g} s ahead" if clock.future is not None else ""
    return f"{place}, {unit}; {old}{ahead}"


def _retries(schedule: Schedule) -> str:
    """The provider's schedule in a line; see `rules/schedules.py` for all of it."""
    from ..rules.text import span

    if not schedule.delays:
        return "none automatic"
    delays = schedule.formula or ", ".join(span(delay) for delay in schedule.delays[:8])
    more = ", …" if len(schedule.delays) > 8 and not schedule.formula else ""
    patience = f"; waits {span(schedule.timeout)} for an answer" if schedule.timeout else ""
    unsure = "" if schedule.published else " (intervals unpublished; these are estimates)"
    return f"{len(schedule.delays)}, after {delays}{more}{unsure}{patience}; success: {', '.join(schedule.success)}"


def _variable(name: str) -> str:
    from ..hands.config import variable

    return variable(name)


def scheme_json(row: Scheme, schedule: Schedule | None = None) -> dict[str, Any]:
    """A scheme as JSON."""
    from dataclasses import asdict

    return {
        "schema": "whcli.scheme/1",
        **asdict(row),
        "facts": [[label, text] for label, text in facts_of(row, schedule)],
    }
