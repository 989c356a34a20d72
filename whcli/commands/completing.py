"""What can stand at the cursor, for a shell's Tab key; `completion` prints the scripts that ask.

A script runs `whcli __complete WORD...` with the words before the cursor, the last one as far as it is typed (empty for
a new one); bash, which splits words at `=` and `:`, passes its line as it stands. The answer is a line a candidate: the
word and, behind a tab, what it is. No line: the shell completes files.

Much of what is offered came from strangers, and a shell runs what stands on its line: only words of harmless letters
are offered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..rules.text import clip, safe

if TYPE_CHECKING:
    from ..hands.config import Config
    from ..hands.storing.store import Store

HARMLESS = re.compile(r"-{0,2}[A-Za-z0-9_][A-Za-z0-9_.:/@+,=%-]*")
MOST = 50  # candidates of one kind
NEWEST = 1000  # events that are looked at

Candidates = Iterable[tuple[str, str]]
"""Words and what they are, in the order in which they are offered."""


def complete(arguments: list[str]) -> int:
    """Print the candidates for the words given; a trouble offers nothing, and says nothing into the user's prompt."""
    from ..hands.render import stdout

    bash = arguments[:1] == ["--line"]
    words = split("".join(arguments[1:2])) if bash else arguments or [""]
    screen = stdout("never")
    with suppress(*(() if os.environ.get("WHCLI_DEBUG") else (Exception,))):
        for word, about in offered(words):
            if HARMLESS.fullmatch(word):
                screen.say(f"{word}\t{about}" if about and not bash else word)
    return 0


def split(line: str) -> list[str]:
    """The words of a line up to the cursor behind the program's name, the last one as far as it is typed."""
    import shlex

    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split, reader.commenters = True, ""
    words: list[str] = []
    try:
        words += iter(reader.get_token, None)
    except ValueError:  # a quote is still open
        words.append(reader.token or "")
    if not line or line[-1].isspace():
        words.append("")
    start = next((place for place, word in enumerate(words) if Path(word).name.startswith("whcli")), 0)
    return words[start + 1 :] or [""]


def offered(words: list[str]) -> Candidates:
    """The candidates for the last word; commands alone need no module."""
    from .. import cli

    *before, typed = words
    if not before and not typed.startswith("-"):
        return [(name, summary) for name, (_, summary) in cli.COMMANDS.items() if name.startswith(typed)]
    if before and before[0] not in {*cli.COMMANDS, *cli.ALIASES} and not before[0].startswith("-"):
        return ()
    return _offered(before, typed)


def _offered(before: list[str], typed: str) -> Candidates:
    import typer
    from typer._click.core import Parameter
    from typer._click.shell_completion import _resolve_context, _resolve_incomplete

    from .. import cli

    command = typer.main.get_command(cli.application(before))
    context = _resolve_context(command, {}, "whcli", before)
    asked, rest = _resolve_incomplete(context, before, typed)
    lead = typed.removesuffix(rest)  # `--to=` of `--to=ap`
    if isinstance(asked, Parameter):
        found = source_of(context.command_path, asked.name or "")(rest, context.params)
    else:
        inner = getattr(asked, "commands", {})  # their help would be cut short
        items = ((item.value, item.help) for item in asked.shell_complete(context, rest))
        found = ((word, (inner[word].help if word in inner else about) or "") for word, about in items)
    return ((lead + word, _line(about)) for word, about in found if word.startswith(rest))


def _line(about: str) -> str:
    return clip(safe(" ".join(about.split())), 70)


Source = Callable[[str, dict[str, Any]], Candidates]
"""The candidates for a value: what is typed of it, and the values of the other flags."""


def source_of(path: str, name: str) -> Source:
    """Where the values of a parameter come from: by command and name, else by name."""
    command = path.partition(" ")[2]
    return SOURCES.get(f"{command} {name}") or SOURCES.get(name) or _nothing


def _nothing(_typed: str, _given: dict[str, Any]) -> Candidates:
    return ()


# -- where values come from -----------------------------------------------------------------------------------------


def _store(given: dict[str, Any]) -> Store:
    from ..hands.config import store_folder
    from ..hands.storing.store import Store

    return Store(store_folder(given.get("store")))


def _config() -> Config:
    from ..hands.config import load_config

    return load_config()


def events(typed: str, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The newest events by number, or by uid as soon as a letter of one is typed."""
    import time

    from ..rules.assertions import about
    from ..rules.text import ago

    yield from (("latest", "the newest event"), ("all", "every event"))
    with _store(given) as store:
        numbers = [id for id in store.ids(max(1, store.last_id() - NEWEST), None)[::-1] if str(id).startswith(typed)]
        for entry in filter(None, map(store.entry, numbers[:MOST])):
            yield str(entry.id), f"{about(entry).partition(' ')[2]}, {ago(time.time() - entry.received_at)}"
        uids = [uid for uid in store.uids(NEWEST) if typed and uid.startswith(typed.upper())]
    yield from ((typed + uid[len(typed) :], "uid") for uid in uids[:MOST])


def schemes(_typed: str, _given: dict[str, Any]) -> Candidates:
    """All signature schemes, the user's own first."""
    return [(name, "") for name in _config().scheme_names]


def providers(_typed: str, given: dict[str, Any]) -> Candidates:
    """The providers of captured events, then all that are known."""
    from ..rules.recognition.providers import PROVIDERS

    return [(name, "") for name in dict.fromkeys((*_seen("provider", given), *(row.name for row in PROVIDERS)))]


def types(_typed: str, given: dict[str, Any]) -> Candidates:
    """The types of captured events."""
    return [(name, "") for name in _seen("type", given)]


def _seen(column: str, given: dict[str, Any]) -> list[str]:
    with suppress(Exception), _store(given) as store:
        return store.seen(column, NEWEST)
    return []


def sampled_providers(_typed: str, given: dict[str, Any]) -> Candidates:
    """The providers of which there are samples."""
    return [(name, "") for name in _samples(given).providers]


def sampled_types(_typed: str, given: dict[str, Any]) -> Candidates:
    """A provider's samples."""
    return [(sample.type, sample.says) for sample in _samples(given).of(given["provider"])]


def _samples(given: dict[str, Any]) -> Any:
    from ..hands.sending.samples import Samples

    return Samples(given.get("samples") or _config().samples)


def asking(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The providers whose handshake can be played."""
    from ..rules.conduct.challenges import PROVIDERS

    return [(name, "") for name in PROVIDERS]


def retrying(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The providers whose way of trying again is known."""
    from ..rules.conduct.schedules import BY_PROVIDER

    return [(name, "") for name in BY_PROVIDER]


def targets(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The names in [targets]."""
    return list(_config().targets.items())


def fields(typed: str, _given: dict[str, Any]) -> Candidates:
    """Names of fields, behind those that stand already."""
    from ..rules.fields import FIELDS

    done, comma, _ = typed.rpartition(",")
    return [(done + comma + name, "") for name in FIELDS if name not in done.split(",")]


def topics(_typed: str, _given: dict[str, Any]) -> Candidates:
    """Topics of help, and commands."""
    from .. import cli
    from .help_topics import TOPICS

    return [*((name, "") for name in TOPICS), *((name, summary) for name, (_, summary) in cli.COMMANDS.items())]


def objects(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The objects that have a schema."""
    from ..rules.schemas import names
    from ..rules.schemas.shapes import SHAPES

    return [(name, SHAPES[name].says) for name in names()]


def states(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The states of a signature."""
    from ..words.event import SIGNATURES

    return [(name, "") for name in SIGNATURES]


def colours(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The choices of `--color`."""
    from .options import COLOURS

    return [(name, "") for name in COLOURS]


def formats(_typed: str, _given: dict[str, Any]) -> Candidates:
    """The formats of `export`."""
    from ..rules.archive.formats import FORMATS

    return [(name, f"files that end in {each.suffix}") for name, each in FORMATS.items()]


def one_of(*words: str) -> Source:
    """These words."""
    return lambda _typed, _given: [(word, "") for word in words]


SOURCES: dict[str, Source] = {
    **dict.fromkeys(("event", "events", "one", "other"), events),
    **dict.fromkeys(("scheme", "resign", "sign scheme", "schemes show name", "schemes keygen name"), schemes),
    **dict.fromkeys(("to", "forward", "compare_to"), targets),
    "provider": providers,
    "send provider": sampled_providers,
    "handshake provider": asking,
    "retries": retrying,
    "type": types,
    "send type": sampled_types,
    "signature": states,
    "colour": colours,
    "export format": formats,
    "fields": fields,
    "help topic": topics,
    "schema name": objects,
    "completion shell": one_of("bash", "zsh", "fish"),
}
"""A parameter, with its command where that matters -> where its values come from. All others are the shell's: files."""
