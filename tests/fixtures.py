"""Fixtures for tests: GitHub pushes to any path, with whatever a file may say beside the event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whcli.rules.archive.fixture import fixture_line, fixture_text
from whcli.words.event import Event
from whcli.words.fixture import Fixture

BODY = b'{"ref":"refs/heads/main","commits":[]}'
HEADERS = (
    (b"Host", b"example.dev"),
    (b"Content-Type", b"application/json"),
    (b"X-GitHub-Event", b"push"),
    (b"X-GitHub-Delivery", b"d-1"),
    (b"Content-Length", b"%d" % len(BODY)),
)


def push(path: str = "/hooks", signature: bytes = b"sha256=" + b"0" * 64, **further: Any) -> Fixture:
    """A push to a path; `expect` and `snapshot` as given."""
    event = Event(
        id=0,
        uid="01JD0000000000000000000000",
        received_at=1_700_000_000.0,
        method=b"POST",
        target=path.encode(),
        version="1.1",
        headers=(*HEADERS, (b"X-Hub-Signature-256", signature)),
        body=BODY,
    )
    fixture = Fixture(event=event)
    for name, value in further.items():
        fixture = fixture.saying(name, value)
    return fixture


def write(file: Path, *fixtures: Fixture) -> Path:
    """Write one fixture as `export` does, or several as JSON lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = len(fixtures) > 1 or file.suffix == ".jsonl"
    file.write_text("".join(fixture_line(each) if lines else fixture_text(each) for each in fixtures))
    return file
