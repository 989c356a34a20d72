"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..rules.text import safe
from ..words.errors import WrongUsage
from ..words.event import SIGNATURES

if TYPE_CHECKING:
    from ..rules.match import Filter

COLOURS = ("auto", "always", "never")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
StoreDir = Annotated[Path | None, typer.Option("--store", help="The store's folder (default: the nearest .whcli).")]
Colour = Annotated[str, typer.Option("--color", help="auto, always or never.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", help="env:NAME, file:PATH or - (stdin); repeat it for rotation: the first signs."),
]
PublicUrl = Annotated[
    str | None, typer.Option("--public-url", help="The URL the provider was told, for schemes that sign it.")
]

Ca = Annotated[Path | None, typer.Option("--ca", help="Trust the certificates in this PEM file or folder, too.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Take any certificate of a target: nothing proves who it is.")
]

Header = Annotated[list[str] | None, typer.Option("--header", "-H", help="'Name: value'; repeatable.")]
BodyFile = Annotated[str | None, typer.Option("--body-file", help="The body's file, - for stdin (default: no body).")]

Provider = Annotated[str | None, typer.Option("--provider", help="Only events of this provider (glob).")]
Type = Annotated[str | None, typer.Option("--type", help="Only this event type (glob, such as 'charge.*').")]
Method = Annotated[str | None, typer.Option("--method", help="Only this method (glob).")]
PathGlob = Annotated[str | None, typer.Option("--path", help="Only this path (glob, such as '/hooks/*').")]
Signature = Annotated[str | None, typer.Option("--signature", help="Only this state: " + ", ".join(SIGNATURES) + ".")]
Since = Annotated[str | None, typer.Option("--since", help="Only from then on: 10m, 2h or an RFC 3339 time.")]
Until = Annotated[str | None, typer.Option("--until", help="Only up to then.")]
Where = Annotated[str | None, typer.Option("--where", help="Only where this JMESPath expression holds.")]
Search = Annotated[
    str | None, typer.Option("--search", help='Only with these words and "phrases" in URL, headers or body; word*.')
]
SinceStart = Annotated[
    bool, typer.Option("--since-start", help="Events since the newest `listen` on this store began (default).")
]
After = Annotated[
    int | None, typer.Option("--after", min=0, help="Events behind this cursor, which `whcli list --cursor` prints.")
]


def begin_of(*, since_start: bool, after: int | None, from_now: bool = False) -> int | Literal["start", "now"]:
    """Behind which arrival number events count; raises WrongUsage where the flags exclude each other."""
    if since_start + (after is not None) + from_now > 1:
        raise WrongUsage(
            "--since-start, --after and --from-now exclude each other",
            next="whcli list --cursor        prints a cursor",
        )
    return after if after is not None else "now" if from_now else "start"


def filter_of(
    *,
    provider: str | None,
    type: str | None,
    method: str | None,
    path: str | None,
    signature: str | None,
    since: str | None,
    until: str | None,
    where: str | None,
    search: str | None = None,
    failed: bool = False,
) -> Filter:
    """The filter that the options describe; raises WrongUsage for a value that can match nothing."""
    from ..rules.match import Filter, compiled
    from ..rules.text import clip, moment

    if signature is not None and signature not in SIGNATURES:
        raise _takes_no("--signature", signature, SIGNATURES)
    if where is not None:
        compiled(where)
    if provider is not None:
        _warn_of_stranger(provider)
    if search is not None and not _has_word(search):
        raise WrongUsage(
            f"--search '{clip(safe(search), 60)}' holds no word", next="whcli list --search 'word \"two words\"'"
        )
    now = time.time()
    return Filter(
        provider=provider,
        type=type,
        method=method,
        path=path,
        signature=signature,
        since=moment(since, now) if since else None,
        until=moment(until, now) if until else None,
        where=where,
        search=search,
        failed=failed,
    )


def refuse_before(subcommand: str, command: str, given: bool) -> None:
    """Raise WrongUsage for options that stand before the subcommand, where they would be lost."""
    if given:
        raise WrongUsage("options stand behind the subcommand", next=f"whcli {command} {subcommand} ... --json")


def certificates_of(ca: Path | None, insecure: bool) -> bool | str:
    """What proves who a target is, as `Client` takes it: the usual ones (True), one more file, nothing (False)."""
    if ca is not None and insecure:
        raise WrongUsage("--ca and --insecure exclude each other", next="leave one out: --insecure")
    if ca is None:
        return not insecure
    if not ca.exists():
        raise WrongUsage(
            f"there is no {ca} to read certificates from", next="--ca FILE takes a PEM file or a folder of them"
        )
    return str(ca)


def _warn_of_stranger(pattern: str) -> None:
    """Say that no known provider, nor one in `whcli.toml`, has such a name: the filter will match nothing."""
    from ..rules.near import meant
    from ..rules.recognition.providers import PROVIDERS
    from ..rules.routes import glob

    known = [each.name for each in PROVIDERS]
    if any(map(glob(pattern).match, known)):
        return
    from ..hands.config import load_config
    from ..hands.render import stderr

    with suppress(WrongUsage):  # what is wrong with the file is another command's to say
        known += load_config().schemes
    if not any(map(glob(pattern).match, known)):
        near = meant(pattern, known)
        stderr().say(f"warning: no provider is called '{safe(pattern)}'" + (f"; did you mean {near}?" if near else ""))


def _has_word(search: str) -> bool:
    from ..rules.searching import phrases

    return bool(phrases(search))


def colour_of(choice: str) -> str:
    """A checked `--color`."""
    if choice not in COLOURS:
        raise _takes_no("--color", choice, COLOURS)
    return choice


def _takes_no(flag: str, value: str, known: tuple[str, ...]) -> WrongUsage:
    """The error for a value that is none of a flag's."""
    from ..rules.near import did_you_mean

    return WrongUsage(
        f"{flag} takes no '{safe(value)}'", details=did_you_mean(value, known), next="use one of " + ", ".join(known)
    )
