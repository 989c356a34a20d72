"""`whcli verify`: whether a signature holds, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.archive import verdict_json
from ..rules.signatures.signing import verify
from ..rules.text import clip, safe
from ..words.errors import Exit, WrongUsage
from ..words.event import Event, Facts, Message, Verdict
from ..words.fixture import is_redacted
from ..words.record import record
from .options import BodyFile, Colour, Header, Json, PublicUrl, Secrets, StoreDir, colour_of
from .signatures import headers_of, moment_of, read_body

if TYPE_CHECKING:
    from pathlib import Path

    from ..hands.render import Screen
    from ..rules.autopsy import Diagnosis
    from ..words.secret import Secret

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
    from ..hands.keyring import Keyring, no_kept, required
    from ..hands.render import stdout

    piped = (*(secret or ()), body_file, event, received_body)
    if piped.count("-") > 1:
        raise WrongUsage("two things are to come from stdin", next="use --secret env:NAME, and files for the bodies")
    folder = store_folder(store)
    kept = _kept_in(folder) if event else no_kept
    keyring = Keyring(load_config(), given=secret or (), scheme=scheme, public_url=public_url, kept=kept)
    if event is None:
        parts = _parts(scheme, method, url or public_url or "", header or (), body_file)
        case = Case(message=parts, scheme=scheme, at=time.time())
    else:
        from ..hands.events import Source

        captured = Source(folder).one(event)
        facts = keyring.recognise(captured)
        message = keyring.message(captured)
        case = Case(message=message, facts=facts, scheme=facts.scheme, at=captured.received_at, event=captured)
    screen = stdout(colour_of(colour))
    if case.scheme is None:
        return unknown(screen, case, json=json)
    if case.event is not None and is_redacted(case.event):
        return redacted(screen, case, json=json)
    row = keyring.scheme(case.scheme)
    if "{url" in row.content and not case.message.url:
        raise WrongUsage(f"{row.name} signs the URL", next="add --url, exactly as the provider was told")
    secrets = required(row, keyring.secrets(row.name, case.path))
    moment = case.at if now is None else moment_of("--now", now)
    verdict = verify(row, case.message, secrets, now=moment, tolerance=tolerance)
    received = read_body(received_body) if received_body else None
    if verdict.ok and received is None:
        show_verdict(screen, case, verdict, json=json)
        return Exit.DONE
    from ..rules.autopsy import explain

    others = keyring.others(row, secrets)
    found = explain(row, case.message, secrets, now=moment, others=others, received_body=received, tolerance=tolerance)
    holds = verdict.ok and received in (None, case.message.body)
    if json:
        screen.json(diagnosis_record(case, verdict, found, holds=holds))
    else:
        show_diagnosis(screen, case, found, holds=holds, compared=received is not None)
    return Exit.DONE if holds else Exit.DOES_NOT_HOLD


@record
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
        rest = self.message.url.partition("://")[2].partition("?")[0]
        return self.event.path if self.event else "/" + rest.partition("/")[2]

    @property
    def name(self) -> str:
        """` #42`, or nothing."""
        return f" #{self.event.id}" if self.event and self.event.id else ""

    @property
    def record(self) -> dict[str, Any]:
        """The event's number for JSON."""
        return {"event_id": self.event.id if self.event else None}


def _kept_in(folder: Path) -> Callable[[str, str], Sequence[Secret]]:
    from ..hands.storing.store import kept_in

    return kept_in(folder)


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
        name = default_scheme(names[0]) if names else "NAME"
        screen.say((f"  {'next':<11}", "dim"), f"add --scheme {name}        whcli schemes lists all of them")
    return Exit.DOES_NOT_HOLD


def redacted(screen: Screen, case: Case, *, json: bool) -> int:
    """The signature was taken out when the event was exported: there is nothing to check, and replay signs afresh."""
    detail = "the signature was replaced when this event was exported, so there is none to check"
    show_verdict(
        screen, case, Verdict(state="unknown", reason="redacted", detail=detail, scheme=case.scheme), json=json
    )
    if not json:
        screen.say((f"  {'next':<11}", "dim"), "whcli replay signs it afresh, with the test secret where none is known")
    return Exit.DOES_NOT_HOLD


def default_scheme(provider: str) -> str:
    """What a provider signs with, as far as it signs; a scheme of the user's own is called as its provider."""
    from ..rules.recognition.providers import BY_NAME

    return next(iter(BY_NAME[provider].schemes), "NAME") if provider in BY_NAME else provider


def show_verdict(screen: Screen, case: Case, verdict: Verdict, *, json: bool) -> None:
    """One line with the reason."""
    if json:
        screen.json({**verdict_json(verdict), **case.record})
        return
    mark = ("✓", "green") if verdict.ok else ("✗", "red")
    secret = f" (secret from {verdict.secret})" if verdict.secret else ""
    screen.say(mark, (case.name, "bold"), f" {verdict.scheme or '–'}  {safe(verdict.detail)}{secret}")


def show_diagnosis(screen: Screen, case: Case, found: Diagnosis, *, holds: bool, compared: bool) -> None:
    """What the search found: the cause, what matches, where bytes differ, what to change; nothing twice."""
    mark = ("✓", "green") if holds else ("✗", "red")
    screen.say(mark, (case.name, "bold"), f" {case.scheme}  {safe(headline(found))}")
    right, wrong = SIDES.get(found.reason, ("sent", "hashed") if compared else ("signed", "arrived"))
    rows = rows_of(found, wrong) if compared else (*rows_of(found, "matches"), *search_of(found))
    for label, text in (*rows, *places_of(found, right, wrong), ("next", found.change)):
        if text:
            screen.say((f"  {label:<11}", "dim"), safe(text))
    for framework, line in found.fixes:
        screen.say((f"    {framework:<9}", "dim"), line)


def headline(found: Diagnosis) -> str:
    """The cause in one sentence; what is said in a row of its own stays out of it."""
    from ..rules.autopsy import REASONS

    apart = found.transformation or found.reason in STALE
    return REASONS.get(found.reason, found.sentence) if apart else found.sentence


STALE = ("timestamp_too_old", "timestamp_ahead")
SIDES = {"body_restored": ("hashed", "captured")}
"""What the two bodies are called where neither the request nor `--received-body` says it."""


def rows_of(found: Diagnosis, label: str) -> Iterator[tuple[str, str]]:
    """What was compared, and the change that explains it, under a label that says what it was done to."""
    from ..rules.text import span

    verdict = found.verdict
    if found.reason in STALE and verdict.age is not None:
        yield "timestamp", f"{verdict.detail.removeprefix('timestamp ')}: {span(abs(verdict.age))}"
    yield "received", clip(verdict.received or "", SHOWN)
    yield "computed", clip(verdict.computed or "", SHOWN)
    yield label, found.transformation
    if found.secret and found.secret not in found.transformation:
        yield "secret", found.secret


def search_of(found: Diagnosis) -> Iterator[tuple[str, str]]:
    """What the search knows beside the change: how the body was printed, which URL was signed, what it took."""
    yield "arrived as", f"{' or '.join(found.printers[:3])} prints it" if found.printers else ""
    yield "signed URL", found.url or ""
    if found.tried:
        number = f"{found.tried} combination{'s' if found.tried != 1 else ''}"
        yield "tried", f"{number}, {'the last one matches' if found.matches else 'none matches'}"


SHOWN = 120  # characters of a signature


def places_of(found: Diagnosis, right: str, wrong: str) -> Iterator[tuple[str, str]]:
    """The first difference, and what stands there on both sides."""
    place = found.difference
    if place is None:
        return
    yield "differs at", f"byte {place.offset}"
    yield f"  {right}", safe(place.signed) or "(nothing)"
    yield f"  {wrong}", safe(place.hashed) or "(nothing)"


def diagnosis_record(case: Case, verdict: Verdict, found: Diagnosis, *, holds: bool) -> dict[str, Any]:
    """The verdict on the request as it stands, with the diagnosis' reason; all of the diagnosis beside it."""
    from ..rules.autopsy import diagnosis_json

    record = {**verdict_json(verdict), "ok": holds, "reason": found.reason, "detail": found.sentence, **case.record}
    return {**record, "diagnosis": diagnosis_json(found)}
