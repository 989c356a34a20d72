"""What is replaced in this project: its key for pseudonyms, the secrets it knows, the headers that are signatures."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from ..rules.redaction.known import Known
from ..rules.redaction.pseudonyms import Pseudonyms
from ..rules.redaction.texts import Rules
from ..rules.replaying.edits import place_of, steps_of
from ..rules.replaying.jsonedit import Pattern
from ..rules.text import word
from ..words.errors import StoreFailed
from .config import Config
from .keyring import Keyring
from .storing.opening import explained, make_folder
from .storing.private import private_file

KEY = "redact.key"
BYTES = 32  # of the key


def project_key(folder: Path) -> bytes:
    """The key of the project whose store folder this is; made on first use, for its owner only.

    Without it nobody can tell which value a pseudonym stands for, with it the same value gets the same one.
    """
    path = folder / KEY
    with explained(path):
        if not path.exists():
            make_folder(folder)
            _make(path)
        key = path.read_bytes()
    if len(key) != BYTES:
        raise StoreFailed(
            f"{path} is no key of {BYTES} bytes", code="bad_key", next=f"rm {word(path)}        makes a new one"
        )
    return key


def _make(path: Path) -> None:
    """Write a key under another name first: two that begin at once agree on one."""
    fresh = path.with_name(f".{KEY}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(private_file(fresh), "wb") as file:
            file.write(secrets.token_bytes(BYTES))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def known_secrets(keyring: Keyring, kept: Sequence[bytes]) -> Known:
    """Every secret that flags, routes, environment and file give, and those kept from handshakes."""
    routed = [secret for route in keyring.routes for secret in route.secrets]
    found = (*keyring.given, *routed, *(secret for _, secret in keyring.known()))
    return Known([*(secret.value for secret in found), *kept])


def rules_of(
    folder: Path, known: Known, *, redact: Sequence[str] = (), keep: Sequence[str] = (), all: bool = True
) -> Rules:
    """What an export replaces; raises WrongUsage for a path that is none."""
    asked, kept = [pattern_of(text) for text in redact], [pattern_of(text) for text in keep]
    return Rules(pseudonyms=Pseudonyms(project_key(folder)), known=known, asked=asked, kept=kept, all=all)


def pattern_of(text: str) -> Pattern:
    """A path as its steps, the part of the request first."""
    place = place_of(text)
    if place.root == "body":
        return ("body", *steps_of(place))
    name = place.name.lower() if place.root == "headers" else place.name
    return (place.root, None if name == "*" else name)


def signing_headers(config: Config) -> frozenset[bytes]:
    """The headers in which any scheme signs, the user's own too, in lower case."""
    rows = [config.scheme(name) for name in config.scheme_names]
    names = [name for row in rows for name in (row.header, *row.further, *(also.header for also in row.also))]
    return frozenset(name.replace("{n}", "1").lower().encode() for name in names if name) - {b"authorization"}
