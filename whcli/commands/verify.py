"""`whcli verify`: whether a signature holds, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.archive import verdict_json
from ..rules.signing import verify
from ..rules.text import clip, safe
from ..words.errors import Exit, WrongUsage
from ..words.event import Event, Facts, Message, Verdict
from .options import BodyFile, Colour, Header, Json, PublicUrl, Secrets, StoreDir, colour_of
from .signatures import headers_of, read_body

if TYPE_CHECKING:
    from ..hands.render import Screen
    from ..rules.autopsy import Diagnosis

NO_FACTS = Facts()

EXAMPLES = """Examples:

  whcli verify latest

  whcli verify --scheme stripe --secret env:STRIPE_WEBHOOK_SECRET -H "Stripe-Signature: $SIG" --body-file body.json
"""


def command(
    event: Annotated[str | None, typer.Argument(help="The event: 42, latest, a uid, a file, -.")] = None,
    scheme: Annotated[str | None, typer.Option(help="The signature scheme (default: recognised from headers).")] = None,
    secret: Secrets = None,
    url: Annotated[str, typer.Option(help="The URL of the request, where the scheme signs it.")] = "",
    method: Annotated[str, typer.Option(help="The method of the request.")] = "POST",
    header: Header = None,
    body_file: BodyFile = None,
    now: Annotated[float | None, typer.Option(help="The time of the check (unix seconds).")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Seconds a timestamp may be off (default: the scheme's).")
    ] = None,
    received_body: Annotated[
        str | None, typer.Option(help="The bytes your app hashed: shows where they differ from what was sent.")
    ] = None,
    public_url: PublicUrl = None,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Check a signature, of a captured event (as of its arrival) or of the parts given; and say why it fails."""
    import time

    from ..hands.config import load_config, store_folder
    from ..hands.events import Source
    from ..hands.keyring import Keyring, no_kept, required
    from ..hands.render import stdout
    from ..hands.store import kept_in

    if secret and "-" in secret and "-" in (body_file, event, received_body):
        raise WrongUsage("both the secret and the request are to come from stdin", next="use --secret env:NAME")
    folder = store_folder(store)
    kept = kept_in(folder) if event else no_kept
    keyring = Keyring(load_config(), given=secret or (), scheme=scheme, public_url=public_url, kept=kept)
    if event is None:
        case = Case(message=_parts(scheme, method, url, header or (), body_file), scheme=scheme, at=time.time())
    else:
        captured = Source(folder).one(event)
        facts = keyring.recognise(captured)
        message = keyring.message(captured)
        case = Case(message=message, facts=facts, scheme=facts.scheme, at=captured.received_at, event=captured)
    screen = stdout(colour_of(colour))
    if case.scheme is None:
        return unknown(screen, case, json=json)
    row = keyring.scheme(case.scheme)
    secrets = required(row, keyring.secrets(row.name, case.path))
    moment = case.at if now is None else now
    verdict = verify(row, case.message, secrets, now=moment, tolerance=tolerance)
    received = read_body(received_body) if received_body else None
    if verdict.ok and received is None:
        show_verdict(screen, case, verdict, json=json)
        return Exit.DONE
    from ..rules.autopsy import explain

    others = [(scheme, secret) for scheme, secret in keyring.known() if secret not in secrets]
    found = explain(row, case.message, secrets, now=moment, others=others, received_body=received, tolerance=tolerance)
    show_diagnosis(screen, case, found, json=json)
    return Exit.DONE if verdict.ok and received in (None, case.message.body) else Exit.DOES_NOT_HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be verified: the request, where it came from, and when."""

    message: Message
    scheme: str | None
    at: float  # unix seconds, UTC
    facts: Facts = NO_FACTS
    event: Event | None = None

    @property
    def path(self) -> str:
        """The path, by which routes and kept secrets are found."""
        return self.event.path if self.event else "/"

    @property
    def name(self) -> str:
        """` #42`, or nothing."""
        return f" #{self.event.id}" if self.event and self.event.id else ""

    @property
    def record(self) -> dict[str, Any]:
        """The event's number for JSON."""
        return {"event_id": self.event.id if self.event else None}


def _parts(scheme: str | None, method: str, url: str, headers: Sequence[str], body_file: str | None) -> Message:
    """The request that the options describe."""
    if scheme is None:
        raise WrongUsage("there is nothing to verify", next="whcli verify latest        or --scheme with the parts")
    return Message(method=method, url=url, headers=headers_of(headers), body=read_body(body_file))


def unknown(screen: Screen, case: Case, *, json: bool) -> int:
    """No scheme was recognised, or several may be meant: that is said, not guessed."""
    names = case.facts.candidates
    detail = f"it may be from {' or '.join(names)}" if names else "no known signature scheme was recognised"
    verdict = Verdict(state="unknown", reason="ambiguous_scheme" if names else "unknown_scheme", detail=detail)
    show_verdict(screen, case, verdict, json=json)
    if not json:
        screen.say(("  next  ", "dim"), "whcli verify ... --scheme NAME        whcli schemes lists them")
    return Exit.DOES_NOT_HOLD


def show_verdict(screen: Screen, case: Case, verdict: Verdict, *, json: bool) -> None:
    """One line with the reason."""
    if json:
        screen.json({**verdict_json(verdict), **case.record})
        return
    mark = ("✓", "green") if verdict.ok else ("✗", "red")
    secret = f" (secret from {verdict.secret})" if verdict.secret else ""
    screen.say(mark, (case.name, "bold"), f" {verdict.scheme or '–'}  {safe(verdict.detail)}{secret}")


def show_diagnosis(screen: Screen, case: Case, found: Diagnosis, *, json: bool) -> None:
    """What the search found: the cause, what matches, where bytes differ, what to change."""
    verdict = found.verdict
    if json:
        screen.json({**verdict_json(verdict), **diagnosis_json(found), **case.record})
        return
    mark = ("✓", "green") if verdict.ok else ("✗", "red")
    screen.say(mark, (case.name, "bold"), f" {verdict.scheme}  {safe(found.sentence)}")
    place = f"byte {found.difference.offset}" if found.difference else ""
    rows = (
        ("received", clip(safe(verdict.received or ""), 120)),
        ("computed", clip(safe(verdict.computed or ""), 120)),
        ("secret", safe(found.secret or "")),
        ("signed URL", safe(found.url or "")),
        ("tried", f"{found.tried} combinations, {found.matches} of them match" if found.tried else ""),
        ("matches", safe(found.transformation)),
        ("printed by", ", ".join(found.printers[:3])),
        ("differs at", place),
        ("  signed", safe(found.difference.signed) if found.difference else ""),
        ("  hashed", safe(found.difference.hashed) if found.difference else ""),
        ("next", safe(found.change)),
    )
    for label, text in rows:
        if text:
            screen.say((f"  {label:<11}", "dim"), text)
    for framework, line in found.fixes:
        screen.say((f"    {framework:<9}", "dim"), line)


def diagnosis_json(found: Diagnosis) -> dict[str, Any]:
    """A diagnosis as JSON; `reason` is one of the codes in the README."""
    difference = found.difference
    return {
        "reason": found.reason,
        "detail": found.sentence,
        "change": found.change,
        "transformation": found.transformation or None,
        "also": list(found.also),
        "printers": list(found.printers),
        "matching_secret": found.secret,
        "signed_url": found.url,
        "signed_scheme": found.scheme,
        "tried": found.tried,
        "matches": found.matches,
        "first_difference": {
            "offset": difference.offset,
            "signed": difference.signed.decode("latin-1"),
            "hashed": difference.hashed.decode("latin-1"),
        }
        if difference
        else None,
        "fixes": dict(found.fixes),
    }
