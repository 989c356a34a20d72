"""`whcli schemes`: what is known of every provider's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.signatures.scheme import Clock, Scheme
from ..words.errors import Exit, WrongUsage
from .options import Colour, Json, colour_of

if TYPE_CHECKING:
    from ..hands.render import Screen
    from ..rules.conduct.schedules import Schedule

app = typer.Typer(
    help="List the signature schemes, explain one, or make a key pair for tests.",
    invoke_without_command=True,
    epilog="Examples:\n\n  whcli schemes\n\n  whcli schemes show stripe\n\n  whcli schemes keygen discord",
)


@app.callback()
def schemes(context: typer.Context, colour: Colour = "auto", json: Json = False) -> int:
    """List the signature schemes, explain one, or make a key pair for tests."""
    name = context.invoked_subcommand
    if name is None:
        return listing(colour, json)
    if json:
        raise WrongUsage("--json stands behind the subcommand", next=f"whcli schemes {name} ... --json")
    return Exit.DONE


@app.command("list", epilog="Examples:\n\n  whcli schemes list --json")
def listing(colour: Colour = "auto", json: Json = False) -> int:
    """List all schemes, those of whcli.toml first. The same as without a subcommand."""
    from ..hands.render import stdout

    screen = stdout(colour_of(colour))
    rows = known_schemes()
    if json:
        for row in rows:
            screen.json(scheme_json(row))
        return Exit.DONE
    cells = [
        [(row.name, "bold"), (row.title, ""), (row.header or "in the body", ""), (_algorithms(row), "dim")]
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
    """Explain one scheme: headers, signed content, secret, retries. With its tolerance and source."""
    from ..hands.config import load_config
    from ..hands.render import stdout
    from ..rules.conduct.schedules import BY_PROVIDER

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
    """Make a key pair for tests. The private key signs, the public one is what the receiver is given."""
    from ..hands.config import load_config, variable
    from ..hands.render import stderr, stdout
    from ..rules.signatures.asymmetric import keygen as make

    row = load_config().scheme(name)
    if not row.signs:
        raise WrongUsage(f"only {row.title} itself can sign", next=f"whcli schemes show {name}        says why")
    if not row.pair:
        raise WrongUsage(
            f"{name} signs with a shared secret, not with a key pair", next="openssl rand -hex 32        makes a secret"
        )
    pair = make(row.pair)
    if json:
        stdout().json({"schema": "whcli.keypair/1", "scheme": name, "private": pair.private, "public": pair.public})
        return Exit.DONE
    for label, key in (("private", pair.private), ("public", pair.public)):
        stdout().say(f"{label}:\n{key.rstrip()}" if "\n" in key else f"{label}: {key}")
    stderr().say(f"The private key signs: it is a secret for {variable(name)}. The public one is for your handler.")
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
    facts = [
        ("signature", _signature(row)),
        ("algorithm", f"{_algorithms(row)}{'' if row.algorithm == 'equal' else f', {row.digest}'}"),
        ("signed content", _content(row)),
        ("secret", row.secret_form),
        ("delivery id", row.id_header or ""),
        ("timestamp", _clock(row.clock) if row.clock else "none"),
        ("also sends", ", ".join([*(also.header for also in row.also), *(name for name, _ in row.constants)])),
        ("SDK insists on", ", ".join(name for name, _ in row.companions)),
        ("environment", _variable(row.name)),
        ("retries", _retries(schedule) if schedule else ""),
        *(("note", note) for note in row.notes),
        ("source", f"{row.source} (read {row.read})" if row.read else row.source),
    ]
    return [(label, text) for label, text in facts if text]


def _signature(row: Scheme) -> str:
    """Where the signature travels, and how it is written."""
    if row.field:
        return f"{row.field} in the JSON body"
    if not row.header:
        return "in the body (see the notes)"
    layout = row.layout.replace("{sig}", "{secret}") if row.algorithm == "equal" else row.layout
    return f"{row.header}: {layout}"


def _algorithms(row: Scheme) -> str:
    names = dict.fromkeys((row.algorithm, *(variant.algorithm for variant in row.variants)))
    return ", ".join("none: the secret itself" if name == "equal" else name for name in names)


def _content(row: Scheme) -> str:
    if row.algorithm == "equal":
        return "nothing"
    return f"{row.content}   (see the notes)" if row.code else row.content


def _clock(clock: Clock) -> str:
    place = clock.header or clock.place or "in the signature header"
    unit = {"s": "unix seconds", "ms": "unix milliseconds"}.get(clock.unit, "RFC 3339")
    old = f"refused when older than {clock.tolerance:g} s" if clock.tolerance is not None else "its age is not checked"
    ahead = f"refused when more than {clock.future:g} s ahead" if clock.future is not None else ""
    if clock.tolerance is not None:
        ahead = ahead.removeprefix("refused when ")
    return f"{place}, {unit}; {old}{f', or {ahead}' if ahead else ''}"


def _retries(schedule: Schedule) -> str:
    """The provider's schedule in a line; see `rules/conduct/schedules.py` for all of it."""
    from ..rules.text import span

    if not schedule.delays:
        return "none automatic"
    patience = f"; waits {span(schedule.timeout)} for an answer" if schedule.timeout else ""
    return f"{len(schedule.delays)}{_when(schedule)}{patience}; success: {', '.join(schedule.success)}"


def _when(schedule: Schedule) -> str:
    """When it tries again: as a formula, as the first delays, or over how long where no more is published."""
    from ..rules.text import span

    if schedule.formula:
        return f": {schedule.formula}"
    if not schedule.published and (whole := sum(schedule.delays)):
        return f" or so, over {span(whole)}: the intervals are not published"
    delays = [span(delay) if delay else "at once" for delay in schedule.delays[:8]]
    after = "after " if schedule.delays[0] else ""
    return f": {after}{', '.join(delays)}{', …' if len(schedule.delays) > 8 else ''}"


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
