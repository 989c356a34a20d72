"""`whcli fixtures`: files of events in a repository, checked for secrets; and the test secrets they are signed with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.text import clip, safe
from ..words.errors import Exit, NothingMatched, WrongUsage
from ..words.record import record
from ..words.secret import masked
from .options import Colour, Json, colour_of

if TYPE_CHECKING:
    from ..rules.archive.foreign import Read
    from ..rules.redaction.texts import Edit, Rules

SUFFIXES = (".json", ".jsonl", ".ndjson", ".har", ".http", ".sh", ".curl")
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check files of events for secrets, and print the test secrets that redacted ones are signed with.",
    epilog="Examples:\n\n  whcli fixtures check tests/hooks/\n\n  whcli fixtures secret stripe",
)


@app.command("check", epilog="Examples:\n\n  whcli fixtures check tests/hooks/ --json")
def check(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders with files of events.")],
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Look for what seems secret or personal. Exit 1 when there is something: fit for a pre-commit hook."""
    from ..hands.files import files_under, read_file
    from ..hands.render import stderr, stdout

    files = list(files_under(paths, SUFFIXES))
    if not files:
        raise NothingMatched("there is no file of events", code="no_file", next=f"ls {paths[0]}")
    screen, count = stdout(colour_of(colour)), 0
    inspect = Inspection()
    told = stderr(colour_of(colour))
    for file in files:
        findings = list(inspect.file(file, read_file(file)))
        count += len(findings)
        for finding in findings:
            if json:
                screen.json(finding.record)
            else:
                place = f": {finding.where}  "
                screen.say((safe(finding.file), "bold"), place, (finding.kind, "red"), f"  {finding.shown}")
        if not json:
            for next in dict.fromkeys(finding.next for finding in findings):
                screen.say((f"  next: {next}", "dim"))
        if inspect.unread:
            told.say((f"{safe(str(file))}: a compressed body was not looked into", "yellow"))
    if not json:
        noun = "file" if len(files) == 1 else "files"
        words = f"{count} found in {len(files)} {noun}" if count else f"{len(files)} {noun}, nothing looks secret"
        told.say((words, "red" if count else "green"))
    return Exit.DOES_NOT_HOLD if count else Exit.DONE


@app.command("secret", epilog="Examples:\n\n  export STRIPE_WEBHOOK_SECRET=$(whcli fixtures secret stripe)")
def secret(
    scheme: Annotated[str, typer.Argument(help="The scheme, such as stripe.")],
    json: Json = False,
) -> int:
    """Print a test secret or public key. A handler that has it accepts redacted fixtures."""
    from ..hands.config import load_config
    from ..hands.render import stdout
    from ..rules.signatures.testsecrets import secret_for_tests

    row = load_config().scheme(scheme)
    if not row.signs:
        raise WrongUsage(f"only {row.title} itself can sign", next=f"whcli schemes show {row.name}        says why")
    made = secret_for_tests(row)
    if json:
        stdout().json(
            {
                "schema": "whcli.testsecret/1",
                "scheme": row.name,
                "secret": made.receiving,
                "pair": made.signing != made.receiving,
            }
        )
    else:
        stdout().say(made.receiving.rstrip())
    return Exit.DONE


@record
class Finding:
    """One value that looks secret: in which file, where in it, and what it looks like."""

    file: str
    where: str  # "event 1 body.customer.email"
    kind: str
    shown: str  # masked
    next: str  # what to type

    @property
    def record(self) -> dict[str, Any]:
        """Its JSON."""
        found = {"file": self.file, "path": self.where, "kind": self.kind, "masked": self.shown, "next": self.next}
        return {"schema": "whcli.finding/1", **found}


class Inspection:
    """Looks into files with the rules of this project."""

    def __init__(self) -> None:
        from ..hands.config import load_config
        from ..hands.keyring import Keyring
        from ..hands.redacting import known_secrets, signing_headers
        from ..rules.redaction.pseudonyms import Pseudonyms
        from ..rules.redaction.texts import Rules

        config = load_config()
        known = known_secrets(Keyring(config), ())
        self._rules: Rules = Rules(pseudonyms=Pseudonyms(b""), known=known)
        self._signing = signing_headers(config)
        self.unread = False  # a body of the last file was compressed in a way that is not looked into

    def file(self, path: Path, data: bytes) -> Iterator[Finding]:
        """What looks secret in a file: event by event where it holds nothing but events, else in its text."""
        from ..rules.archive.reading import requests_in

        self.unread, others = False, list[str]()
        try:
            read = list(requests_in(data, lambda path: b"", 0.0, others.append))
        except WrongUsage:
            read = []
        if read and not others:
            yield from self._in_events(path, data, read)
        else:
            yield from self._in_text(path, data)

    def _in_events(self, path: Path, data: bytes, read: Sequence[Read]) -> Iterator[Finding]:
        from ..rules.redaction.requests import redacted
        from ..rules.redaction.texts import edits_of

        next = redacting(path, data, len(read))
        for number, each in enumerate(read, start=1):
            where = f"event {number} " if len(read) > 1 else ""
            made = redacted(each.fixture.event, self._rules, self._signing)
            self.unread = self.unread or made.unread
            yield from (_finding(path, where, edit, next) for edit in made.edits)
            for name, text in each.fixture.fields.items():
                for edit in edits_of(self._rules, text, (name,)):
                    yield _finding(path, where, edit, by_hand(path))

    def _in_text(self, path: Path, data: bytes) -> Iterator[Finding]:
        from ..rules.redaction.requests import body_edits, readable

        for edit in body_edits(self._rules, (), readable(data)[0], ("text",)):
            yield _finding(path, "", edit, by_hand(path))


def _finding(path: Path, where: str, edit: Edit, next: str) -> Finding:
    place = ".".join(str(step) for step in edit.way)
    shown = safe(clip(masked(edit.value), 60))
    return Finding(file=str(path), where=safe(clip(where + place, 200)), kind=edit.kind, shown=shown, next=next)


def redacting(path: Path, data: bytes, events: int) -> str:
    """What to type so that a file of events loses its secrets: in its place where it is ours."""
    from ..rules.archive.formats import FORMATS

    name = shlex.quote(safe(str(path)))
    format = next((each for each in FORMATS.values() if each.suffix == path.suffix), None)
    plain = path.suffix in (".http", ".sh")
    if format and (events == 1 or format.together) and (plain or b'"whcli' in data[:4096]):
        return f"whcli export {name} -o {name}{' --force' if plain else ''}        redacts it"
    folder = shlex.quote(safe(str(path.parent / path.stem)))
    return f"whcli export {name} -o {folder}/        writes redacted fixtures; then rm {name}"


def by_hand(path: Path) -> str:
    """What to type where only the user knows what may go."""
    return f"edit {shlex.quote(safe(str(path)))}"
