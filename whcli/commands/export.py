"""`whcli export`: events as files that are fit for git."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..words.errors import Exit, NothingMatched, WrongUsage
from ..words.event import Facts
from ..words.fixture import Fixture
from ..words.record import record
from .options import (
    Colour,
    Json,
    Method,
    PathGlob,
    Provider,
    Secrets,
    Signature,
    Since,
    StoreDir,
    Type,
    Until,
    Where,
    colour_of,
    filter_of,
)

if TYPE_CHECKING:
    from ..hands.config import Config
    from ..hands.events import Source
    from ..hands.keyring import Keyring
    from ..hands.render import Screen
    from ..rules.archive.formats import Format
    from ..rules.redaction.requests import Redacted
    from ..rules.redaction.texts import Rules

EXAMPLES = """Examples:

  whcli export 42 -o tests/hooks/

  whcli export --provider stripe --since 10m -o tests/hooks/ --redact 'body.data.object.customer'

  whcli export all -o hooks.har
"""


def command(
    events: Annotated[list[str] | None, typer.Argument(help="Events: 42, latest, 3..7, all, a uid, a file, -.")] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", help="A folder (one file an event), a file, or - for stdout.")
    ] = "-",
    format: Annotated[
        str | None, typer.Option("--format", help="json, jsonl, har, curl or http (default: as the file's name ends).")
    ] = None,
    redact: Annotated[
        list[str] | None, typer.Option("--redact", help="Replace PATH too, such as body.customer.*")
    ] = None,
    keep: Annotated[list[str] | None, typer.Option("--keep", help="Leave PATH as it is.")] = None,
    no_redact: Annotated[bool, typer.Option("--no-redact", help="Replace nothing: exact, with all secrets.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are not these events'.")] = False,
    provider: Provider = None,
    type: Type = None,
    method: Method = None,
    path: PathGlob = None,
    signature: Signature = None,
    since: Since = None,
    until: Until = None,
    where: Where = None,
    secret: Secrets = None,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Write events to files, secrets and personal data replaced by stable pseudonyms."""
    from ..hands.config import load_config, store_folder
    from ..hands.events import Source
    from ..hands.keyring import Keyring
    from ..hands.render import stderr, stdout

    chosen = [provider, type, method, path, signature, since, until, where]
    filtered = any(each is not None for each in chosen)
    if bool(events) == filtered:
        raise WrongUsage("say which events to export", next="whcli export latest -o tests/hooks/        or a filter")
    if no_redact and (redact or keep):
        raise WrongUsage("--no-redact excludes --redact and --keep", next="whcli export --help")
    if json and output == "-":
        raise WrongUsage("stdout is for the events, so --json needs -o", next="-o tests/hooks/, or --format jsonl")
    wanted = filter_of(
        provider=provider,
        type=type,
        method=method,
        path=path,
        signature=signature,
        since=since,
        until=until,
        where=where,
    )
    folder, config = store_folder(store), load_config()
    source = Source(folder)
    keyring = Keyring(config, given=secret or ())
    numbers = [str(id) for id in source.matching(wanted)] if filtered else []
    if filtered and not numbers:
        raise NothingMatched("no event matches", code="no_event", next="whcli list        shows what is there")
    taken = Taken(source, keyring, (*(events or ()), *numbers))
    items = taken.all() if no_redact else cleaning(taken, config, folder, redact or (), keep or ())
    out = Output(output, format_named(format or format_of(output)), force=force)
    told = stderr(colour_of(colour))
    for written in out.write(items):
        if json:
            stdout().json(written.record)
    out.summary(told, redacted=not no_redact)
    return Exit.DONE


def format_of(output: str) -> str:
    """The format that a file's name ends with, else json."""
    from ..rules.archive.formats import FORMATS

    return next((name for name, each in FORMATS.items() if output.endswith(each.suffix)), "json")


def format_named(name: str) -> Format:
    """The format of that name; raises WrongUsage with the names there are."""
    from ..rules.archive.formats import FORMATS

    if name not in FORMATS:
        raise WrongUsage(f"--format takes no '{name}'", next="use one of " + ", ".join(FORMATS))
    return FORMATS[name]


@record
class Item:
    """One event on its way out: the name of its file, and what was replaced in it."""

    fixture: Fixture
    stem: str
    id: int
    kinds: Counter[str] = field(default_factory=Counter)
    unread: bool = False


class Taken:
    """The events that were asked for, with what their files or the store say of them."""

    def __init__(self, source: Source, keyring: Keyring, references: Sequence[str]) -> None:
        self.source = source
        self.keyring = keyring
        self._references = references

    def all(self) -> Iterator[Item]:
        """In the order asked for; each name once, whatever its case: not every file system tells them apart."""
        seen: Counter[str] = Counter()
        for fixture, name in self.source.fixtures(self._references):
            stem = name or self._stem(fixture)
            seen[stem.lower()] += 1
            count = seen[stem.lower()]
            yield Item(fixture=fixture, stem=stem if count == 1 else f"{stem}-{count}", id=fixture.event.id)

    def _stem(self, fixture: Fixture) -> str:
        from ..rules.archive.formats import stem_of

        event = fixture.event
        entry = self.source.store.entry(event.id) if event.id else None
        return stem_of(event, entry.facts if entry else self._facts(fixture))

    def _facts(self, fixture: Fixture) -> Facts:
        return self.keyring.recognise(fixture.event)


def cleaning(taken: Taken, config: Config, folder: Path, redact: Sequence[str], keep: Sequence[str]) -> Iterator[Item]:
    """The events redacted by this project's rules."""
    from ..hands.redacting import known_secrets, rules_of, signing_headers

    source = taken.source
    kept = source.store.kept_secrets() if source.has_store else {}
    known = known_secrets(taken.keyring, [secret.value for found in kept.values() for secret in found])
    rules = rules_of(folder, known, redact=redact, keep=keep)
    signing = signing_headers(config)
    return (cleaned(item, rules, signing) for item in taken.all())


def cleaned(item: Item, rules: Rules, signing: frozenset[bytes]) -> Item:
    """One event redacted; of what else its file says, such as `expect`, only what has a secret's form."""
    from ..rules.redaction.requests import redacted
    from ..rules.redaction.texts import applied, edits_by_form

    made: Redacted = redacted(item.fixture.event, rules, signing)
    found = {name: edits_by_form(rules, text, (name,)) for name, text in item.fixture.fields.items()}
    fields = {name: applied(text, found[name]) for name, text in item.fixture.fields.items()}
    fixture = replace(item.fixture, event=made.event, redacted=True, fields=fields)
    kinds = made.kinds + Counter(edit.kind for edits in found.values() for edit in edits)
    return replace(item, fixture=fixture, kinds=kinds, unread=made.unread)


@record
class Written:
    """One event that is written, for `--json`."""

    item: Item
    file: str
    format: str

    @property
    def record(self) -> dict[str, object]:
        """Its JSON."""
        return {
            "schema": "whcli.export/1",
            "event_id": self.item.id or None,
            "uid": self.item.fixture.event.uid,
            "file": self.file,
            "format": self.format,
            "redacted": self.item.fixture.redacted,
            "replaced": dict(sorted(self.item.kinds.items())),
            "unread": self.item.unread,
        }


class Output:
    """Where the events go: stdout, one file, or a folder with a file each."""

    def __init__(self, target: str, format: Format, *, force: bool) -> None:
        self._format = format
        self._force = force
        self._path = Path(target)
        self._stdout = target == "-"
        folder = target.endswith("/") or self._path.is_dir() or not self._path.suffix
        self._folder = folder and not self._stdout
        self._items: list[Item] = []
        self._kinds: Counter[str] = Counter()
        self._count = 0
        self._unread: list[str] = []

    def write(self, items: Iterator[Item]) -> Iterator[Written]:
        """Write them all, telling of each."""
        if self._folder and not self._format.together:
            for item in items:
                yield self._put(self._path / (item.stem + self._format.suffix), [item])
            return
        found = list(items)
        if self._stdout:
            self._show(found)
        else:
            path = self._path / f"events{self._format.suffix}" if self._folder else self._path
            if len(found) != 1 and not self._format.together:
                raise WrongUsage(
                    f"{path} is one file, and these are {len(found)} events", next="-o FOLDER/, or --format jsonl"
                )
            yield from (self._put(path, found) if n == 0 else self._told(item, path) for n, item in enumerate(found))

    def _put(self, path: Path, items: Sequence[Item]) -> Written:
        from ..hands.files import make_folder, write_file

        if self._folder:
            make_folder(self._path)
        data = self._format.write([item.fixture for item in items])
        write_file(path, data, lambda old: self._merged(old, items), force=self._force)
        return self._told(items[0], path)

    def _merged(self, old: bytes, items: Sequence[Item]) -> bytes | None:
        """A fixture keeps what else its file says; of other files only those are replaced that whcli wrote."""
        from ..rules.archive.fixture import fixture_from

        fixtures = [item.fixture for item in items]
        if self._format.together:
            return self._format.write(fixtures) if b'"whcli' in old[:4096] else None
        if self._format.suffix != ".json":
            return old if old == self._format.write(fixtures) else None
        try:
            there = fixture_from(old)
        except WrongUsage:
            return None
        if there.event.uid != fixtures[0].event.uid:
            return None
        return self._format.write([replace(fixtures[0], fields={**there.fields, **fixtures[0].fields})])

    def _show(self, items: Sequence[Item]) -> None:
        from .show import write_bytes

        write_bytes(self._format.write([item.fixture for item in items]), force=self._force)
        for item in items:
            self._count_in(item)

    def _told(self, item: Item, path: Path) -> Written:
        self._count_in(item)
        return Written(item=item, file=str(path), format=self._format.suffix[1:])

    def _count_in(self, item: Item) -> None:
        self._count += 1
        self._kinds += item.kinds
        self._unread += [f"#{item.id}" if item.id else item.stem] if item.unread else []

    def summary(self, screen: Screen, *, redacted: bool) -> None:
        """What was written, and what was replaced in it by kind."""
        where = "stdout" if self._stdout else str(self._path)
        screen.say((f"{self._count} event{'s' if self._count != 1 else ''} → {where}", "bold"))
        if not redacted:
            screen.say(("  nothing was redacted: it holds every secret that came with it", "yellow"))
        elif self._kinds:
            kinds = ", ".join(counted(kind, count) for kind, count in self._kinds.most_common())
            total = self._kinds.total()
            screen.say(f"  {total} value{'s' if total != 1 else ''} redacted: {kinds}")
        else:
            screen.say("  nothing in it looks secret")
        for name in self._unread:
            screen.say((f"  {name}: its compressed body was not looked into", "yellow"))


def counted(kind: str, count: int) -> str:
    """`2 phones`, `1 password`."""
    return f"{count} {kind}{'' if count == 1 else 'es' if kind.endswith('s') else 's'}"
