"""`whcli tls`: the certificates of `listen --tls`, and how senders come to trust them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..rules.text import rfc3339, safe
from ..words.errors import Exit, NothingMatched
from .options import Colour, Json, StoreDir, colour_of, refuse_before

if TYPE_CHECKING:
    from ..hands.certificates import Certificate

EXAMPLES = "Examples:\n\n  whcli tls info\n\n  whcli tls trust\n\n  whcli tls trust --undo"
DAY = 86_400  # seconds
PORT = 8765

app = typer.Typer(
    help="Show the certificates of listen --tls, and how senders come to trust them.",
    invoke_without_command=True,
    epilog=EXAMPLES,
)


@app.callback()
def default(context: typer.Context, store: StoreDir = None, colour: Colour = "auto", json: Json = False) -> int:
    """Show the certificates of listen --tls, and how senders come to trust them."""
    name = context.invoked_subcommand
    if name is None:
        return info(store, colour, json)
    refuse_before(name, "tls", json or store is not None)
    return Exit.DONE


@app.command("info", epilog="Examples:\n\n  whcli tls info --json")
def info(store: StoreDir = None, colour: Colour = "auto", json: Json = False) -> int:
    """Show the authority and the certificate; the default. Names, dates, fingerprints."""
    from ..hands.render import stdout

    authority, certificate, _ = _there(store)
    screen = stdout(colour_of(colour))
    if json:
        screen.json(
            {"schema": "whcli.tls/1", "authority": _json(authority), "certificate": _json(certificate)},
        )
        return Exit.DONE
    for title, each in (("authority", authority), ("certificate", certificate)):
        left = int((each.until - time.time()) // DAY)
        screen.say((f"{title:<12}", "bold"), safe(str(each.path)))
        if each.names:
            screen.say(("  for       ", "dim"), safe(", ".join(each.names)))
        else:
            screen.say(("  is        ", "dim"), safe(each.subject), ", for this machine and private networks only")
        screen.say(("  until     ", "dim"), f"{rfc3339(each.until)[:10]}, {left} days from now; renewed in time")
        screen.say(("  SHA-256   ", "dim"), each.fingerprint)
    return Exit.DONE


@app.command("trust", epilog="Examples:\n\n  whcli tls trust\n\n  whcli tls trust --undo")
def trust(
    undo: Annotated[bool, typer.Option("--undo", help="Show how to stop trusting it.")] = False,
    store: StoreDir = None,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Show what to type so that senders trust the certificate. Nothing is changed."""
    from ..hands.render import stdout
    from ..rules.trusting import WAYS, written

    authority, _, url = _there(store)
    path, name = str(authority.path.resolve()), authority.subject.removeprefix("CN=")
    ways = [
        (way.who, written(way, undo=undo, ca=path, url=url, name=name), way.note)
        for way in WAYS
        if way.undo or not undo
    ]
    screen = stdout(colour_of(colour))
    if json:
        table = [{"who": who, "type": text, "note": note or None} for who, text, note in ways]
        screen.json({"schema": "whcli.trust/1", "authority": path, "undo": undo, "ways": table})
        return Exit.DONE
    for who, text, note in ways:
        screen.say((f"{who}", "bold"), (f"   {note}" if note else "", "dim"))
        screen.say("  " + safe(text))
    if not undo:
        screen.say("")
        screen.say("The authority can vouch for this machine and private networks only. Its key stays in the store.")
    return Exit.DONE


def _there(store: Path | None) -> tuple[Certificate, Certificate, str]:
    """Authority, certificate, and the listener's HTTPS URL; raises NothingMatched where there are none yet."""
    from ..hands.certificates import described
    from ..hands.config import store_folder
    from ..hands.listening.lock import holder

    folder = store_folder(store)
    found = described(folder)
    if found is None:
        raise NothingMatched(
            f"there are no certificates in {folder}", code="no_certificate", next="whcli listen --tls        makes them"
        )
    urls = [url for url in holder(folder).get("urls", ()) if str(url).startswith("https://")]
    return *found, str(urls[0]) if urls else f"https://localhost:{PORT}"


def _json(certificate: Certificate) -> dict[str, Any]:
    return {
        "path": str(certificate.path.resolve()),
        "subject": certificate.subject,
        "names": list(certificate.names),
        "since": rfc3339(certificate.since),
        "until": rfc3339(certificate.until),
        "sha256": certificate.fingerprint,
    }
