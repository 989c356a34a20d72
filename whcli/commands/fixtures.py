"""`whcli fixtures`: files of events in a repository, checked for secrets; and the test secrets they are signed with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.text import clip, safe
from ..words.errors import Exit, NothingMatched, WrongUsage
from ..words.record import record
from ..words.secret import masked
from .options import Colour, Json, colour_of

if TYPE_CHECKING:
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
    """Look for what seems secret or personal; exit 1 when there is something. Fit for a pre-commit hook."""
    from ..hands.files import files_under, read_file
    from ..hands.render import stderr, stdout

    files = list(files_under(paths, SUFFIXES))
    if not files:
        raise NothingMatched("there is no file of events", code="no_file", next=f"ls {paths[0]}")
    screen, count = stdout(colour_of(colour)), 0
    inspect = Inspection()
    for file in files:
        findings = list(inspect.file(file, read_file(file)))
        count += len(findings)
        for finding in findings:
            if json:
                screen.json(finding.record)
            else:
                place = f": {finding.where}  "
                screen.say((safe(finding.file), "bold"), place, (finding.kind, "red"), f"  {finding.shown}")
        if findings and not json:
            screen.say((f"  next: {findings[0].next}", "dim"))
    if not json:
        noun = "file" if len(files) == 1 else "files"
        told = f"{count} found in {len(files)} {noun}" if count else f"{len(files)} {noun}, nothing looks secret"
        stderr(colour_of(colour)).say((told, "red" if count else "green"))
    return Exit.DOES_NOT_HOLD if count else Exit.DONE


@app.command("secret", epilog="Examples:\n\n  export STRIPE_WEBHOOK_SECRET=$(whcli fixtures secret stripe)")
def secret(
    scheme: Annotated[str, typer.Argument(help="The scheme, such as stripe.")],
    json: Json = False,
) -> int:
    """Print the test secret, or public key, that a handler needs to accept redacted fixtures."""
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

    @property
    def next(self) -> str:
        """What to type."""
        return f"whcli export {safe(self.file)} -o {safe(str(Path(self.file).parent))}/        redacts it"

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

    def file(self, path: Path, data: bytes) -> Iterator[Finding]:
        """What looks secret in a file: event by event where it holds some, else in its text."""
        events = 0
        try:
            for where, edit in self._in_events(data):
                events += 1
                yield self._finding(path, where, edit)
            return
        except WrongUsage:
            pass
        if not events:
            yield from (self._finding(path, "", edit) for edit in self._in_text(data))

    def _finding(self, path: Path, where: str, edit: Edit) -> Finding:
        place = ".".join(str(step) for step in edit.way)
        shown = safe(clip(masked(edit.value), 60))
        return Finding(file=str(path), where=safe(clip(where + place, 200)), kind=edit.kind, shown=shown)

    def _in_events(self, data: bytes) -> Iterator[tuple[str, Edit]]:
        from ..rules.archive.reading import requests_in
        from ..rules.redaction.requests import redacted
        from ..rules.redaction.texts import edits_of

        read = list(requests_in(data, lambda path: b"", 0.0))
        for number, each in enumerate(read, start=1):
            where = f"event {number} " if len(read) > 1 else ""
            yield from ((where, edit) for edit in redacted(each.fixture.event, self._rules, self._signing).edits)
            for name, text in each.fixture.fields.items():
                yield from ((where, edit) for edit in edits_of(self._rules, text, (name,)))

    def _in_text(self, data: bytes) -> Iterator[Edit]:
        from ..rules.redaction.requests import body_edits, readable

        yield from body_edits(self._rules, (), readable(data)[0], ("text",))
