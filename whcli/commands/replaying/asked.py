"""The flags of `whcli replay`, read."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...hands.events import Source
from ...hands.sending.replayer import Changes
from ...rules.conduct.schedules import Schedule, schedule_of
from ...rules.match import Filter
from ...rules.replaying.edits import Edits, edits_of
from ...rules.replaying.pace import MAX, compress_of, range_of, rate_of, share_of, speed_of
from ...rules.replaying.plan import Options
from ...rules.replaying.shift import shift_of
from ...rules.text import safe
from ...words.errors import WrongUsage
from ...words.record import record
from ..signatures import read_body


@record
class Asked:
    """The flags as typed."""

    set: Sequence[str] = ()
    unset: Sequence[str] = ()
    header: Sequence[str] = ()
    remove_header: Sequence[str] = ()
    method: str | None = None
    path: str | None = None
    body_file: str | None = None
    shift_time: str | None = None
    speed: str | None = None
    rate: str | None = None
    retries: str | None = None
    compress: str | None = None
    duplicate: int = 1
    race: int = 1
    lost_ack: bool = False
    shuffle: bool = False
    reverse: bool = False
    permutations: bool = False
    drop: str | None = None
    delay: str | None = None


@record
class Choice:
    """Which events, and where to."""

    references: Sequence[str]
    wanted: Filter | None
    edit: bool
    to: str | None
    exact: bool
    compare_to: str | None = None


@record
class Ways:
    """How it is done."""

    sign: bool
    scheme: str | None
    secrets: Sequence[str]
    public_url: str | None
    concurrency: int
    seed: int
    new_id: bool
    probe: str | None
    probe_url: str | None
    reset: str | None
    settle: str | None
    report: bool
    junit: Path | None
    timeout: str | None
    proxy: str | None
    certificates: bool | str  # as `Client` takes them
    send_credentials: bool
    yes: bool
    dry_run: bool
    watch: Path | None = None


def edits(asked: Asked) -> Edits:
    """The edits."""
    return edits_of(
        set=asked.set,
        unset=asked.unset,
        header=asked.header,
        remove_header=asked.remove_header,
        method=asked.method,
        path=asked.path,
        body=read_body(asked.body_file) if asked.body_file else None,
    )


def with_changes(changes: Changes, asked: Asked) -> Changes:
    """The changes with the edits and the shift of time."""
    shift = shift_of(asked.shift_time) if asked.shift_time else None
    return replace(changes, edits=edits(asked), shift=shift, shifts=asked.shift_time is not None)


def options(asked: Asked) -> Options:
    """The plan's options."""
    return Options(
        order="shuffle" if asked.shuffle else "reverse" if asked.reverse else "given",
        permutations=asked.permutations,
        speed=speed_of(asked.speed) if asked.speed else MAX,
        rate=rate_of(asked.rate) if asked.rate else None,
        delay=range_of(asked.delay) if asked.delay else (0.0, 0.0),
        drop=share_of(asked.drop) if asked.drop else 0.0,
        duplicate=asked.duplicate,
        race=asked.race,
        lost_ack=asked.lost_ack,
    )


def schedule(asked: Asked) -> Schedule | None:
    """The provider's retries; raises WrongUsage with a suggestion for one that is not known."""
    return schedule_of(asked.retries) if asked.retries is not None else None


def compression(asked: Asked) -> float:
    """What the waiting between attempts is divided by."""
    return compress_of(asked.compress) if asked.compress else 1.0


def edited_by_hand(source: Source, reference: str) -> bytes:
    """The body of one event after the user's editor; raises WrongUsage when the editor ends with an error."""
    event = source.one(reference)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("vi" if sys.stdin.isatty() else "")
    if not editor:
        message = "there is no terminal to edit on, and no $EDITOR that needs none"
        raise WrongUsage(message, code="not_edited", next="--body-file FILE, or --set body.amount=4200")
    with tempfile.TemporaryDirectory(prefix="whcli-edit-") as folder:
        file = Path(folder) / "body"
        file.write_bytes(event.body)
        code = ended(editor, file)
        if code != 0:
            raise WrongUsage(
                f"the editor ended with {code}, so nothing was sent", code="not_edited", next="edit it again"
            )
        return file.read_bytes()


def ended(editor: str, file: Path) -> int:
    """How an editor ended; raises WrongUsage when it cannot be started."""
    try:
        return subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
    except (OSError, ValueError) as error:  # not there, not allowed; a quotation mark without its other half
        why = getattr(error, "strerror", None) or str(error)
        raise WrongUsage(
            f"the editor '{safe(editor)}' cannot be started: {why.lower()}",
            code="not_edited",
            next="export EDITOR=nano",
        ) from error
