"""`whcli fixtures`: what looks secret in a repository's files is found, with the place; and it is a pre-commit hook."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.planted import CONFIGURED, JSON, PLACES, TOKENS, event
from tests.program import ROOT, whcli
from whcli.rules.archive.fixture import fixture_line, fixture_text
from whcli.rules.archive.formats import FORMATS
from whcli.words.fixture import Fixture

LEAK = Fixture(event=event(body=json.dumps({"customer": {"email": "ada@corp.io"}}), headers=JSON))
CLEAN = Fixture(event=event(body=json.dumps({"customer": {"email": "user-abc@example.com"}}), headers=JSON))


def test_a_finding_says_file_place_kind_and_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "a.json").write_text(fixture_text(LEAK))
    (tmp_path / "hooks" / "b.json").write_text(fixture_text(CLEAN))
    done = whcli("fixtures", "check", "hooks", folder=tmp_path)
    assert done.code == 1 and done.out.splitlines() == [
        "hooks/a.json: body.customer.email  email  …",
        "  next: whcli export hooks/a.json -o hooks/a.json        redacts it",
    ]
    assert "ada@corp.io" not in done.out + done.err and done.err == "1 found in 2 files\n"
    [line] = whcli("fixtures", "check", "hooks", "--json", folder=tmp_path).lines
    assert line == {
        "schema": "whcli.finding/1",
        "file": "hooks/a.json",
        "path": "body.customer.email",
        "kind": "email",
        "masked": "…",
        "next": "whcli export hooks/a.json -o hooks/a.json        redacts it",
    }
    assert whcli(*shlex.split(line["next"].split("  ")[0])[1:], folder=tmp_path).code == 0  # what it says to type helps
    assert whcli("fixtures", "check", "hooks", folder=tmp_path).code == 0


GITHUBS = {"guid": "1", "delivered_at": "2026-01-01T00:00:00Z", "request": {"headers": {}, "payload": {"a": "x@y.io"}}}
FOREIGN = {"two.json": fixture_text(LEAK) + fixture_text(CLEAN), "github.json": json.dumps(GITHUBS)}


@pytest.mark.parametrize("name", [*FORMATS, *FOREIGN])
def test_what_it_says_to_type_helps(tmp_path: Path, name: str) -> None:
    file = tmp_path / "my hooks" / (name if name in FOREIGN else "f" + FORMATS[name].suffix)
    file.parent.mkdir()
    file.write_bytes(FOREIGN[name].encode() if name in FOREIGN else FORMATS[name].write([LEAK]))
    [line] = whcli("fixtures", "check", "my hooks", "--json", folder=tmp_path).lines
    export, _, remove = line["next"].partition(";")
    assert whcli(*shlex.split(export.split("        ")[0])[1:], folder=tmp_path).code == 0
    if remove:
        (tmp_path / shlex.split(remove)[2]).unlink()
    assert whcli("fixtures", "check", "my hooks", folder=tmp_path).code == 0


def test_what_a_person_wrote_is_for_a_person_to_change(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(f"key {TOKENS['a GitHub token']}\n")
    (tmp_path / "f.json").write_text(fixture_text(CLEAN.saying("expect", {"body": {"owner": "ada@corp.io"}})))
    lines = whcli("fixtures", "check", "notes.txt", "f.json", "--json", folder=tmp_path).lines
    assert [line["next"] for line in lines] == ["edit notes.txt", "edit f.json"]


def test_a_body_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    held = Fixture(event=event(body=b"\x1b\x00\x00", headers=((b"Content-Encoding", b"br"),)))
    (tmp_path / "f.json").write_text(fixture_text(held))
    done = whcli("fixtures", "check", "f.json", folder=tmp_path)
    assert done.code == 0 and "f.json: a compressed body was not looked into" in done.err


@pytest.mark.parametrize("name", [*FORMATS, "text", "odd JSON"])
def test_every_format_is_looked_into(tmp_path: Path, name: str) -> None:
    key = TOKENS["a GitHub token"]
    held = Fixture(event=event(body=json.dumps({"a": key})))
    data = {"text": f"notes\nkey {key}\n".encode(), "odd JSON": json.dumps({"any": [{"thing": key}]}).encode()}
    (tmp_path / "f.json").write_bytes(data[name] if name in data else FORMATS[name].write([held, CLEAN]))
    done = whcli("fixtures", "check", "f.json", "--json", folder=tmp_path)
    assert done.code == 1 and {line["kind"] for line in done.lines} == {"token"}
    assert done.lines[0]["masked"].endswith(key[-4:]) and key not in done.out


@pytest.mark.parametrize("place", PLACES)
def test_it_finds_what_redaction_would_replace(tmp_path: Path, place: str) -> None:
    (tmp_path / "f.json").write_text(fixture_text(Fixture(event=PLACES[place](CONFIGURED))))
    env = {"WHCLI_SECRET_GITHUB": CONFIGURED}
    assert whcli("fixtures", "check", "f.json", folder=tmp_path, env=env).code == 1
    assert whcli("fixtures", "check", "f.json", folder=tmp_path).code == 0  # nobody else knows that it is one


def test_several_in_a_file_are_told_apart_and_added_fields_are_looked_into(tmp_path: Path) -> None:
    added = CLEAN.saying("expect", {"body": {"owner": "ada@corp.io"}})
    (tmp_path / "f.jsonl").write_text(fixture_line(CLEAN) + fixture_line(LEAK) + fixture_line(added))
    done = whcli("fixtures", "check", "f.jsonl", "--json", folder=tmp_path)
    assert [line["path"] for line in done.lines] == ["event 2 body.customer.email", "event 3 expect.body.owner"]


def test_no_file_is_a_mistake(tmp_path: Path) -> None:
    done = whcli("fixtures", "check", str(tmp_path), folder=tmp_path)
    assert done.code == 3 and "no file of events" in done.err
    assert whcli("fixtures", "check", "gone.json", folder=tmp_path).code == 3


@pytest.mark.parametrize(("scheme", "beginning"), [("github", "whcli-test-"), ("svix", "whsec_"), ("discord", "")])
def test_the_secret_that_a_handler_needs(tmp_path: Path, scheme: str, beginning: str) -> None:
    done = whcli("fixtures", "secret", scheme, folder=tmp_path)
    assert done.code == 0 and done.out.startswith(beginning) and done.out.count("\n") == 1
    [line] = whcli("fixtures", "secret", scheme, "--json", folder=tmp_path).lines
    assert line["secret"] == done.out.strip() and line["pair"] is (scheme == "discord")
    assert whcli("fixtures", "secret", "aws-snss", folder=tmp_path).code == 2


# -- pre-commit -----------------------------------------------------------------------------------------------------


def hook() -> dict[str, str]:
    """The one hook of the repository's `.pre-commit-hooks.yaml`: a list of one flat mapping."""
    lines = (ROOT / ".pre-commit-hooks.yaml").read_text().splitlines()
    assert [line[:2] for line in lines] == ["- ", *["  "] * (len(lines) - 1)]
    pairs = [line[2:].partition(": ") for line in lines]
    return {name: value for name, _, value in pairs}


def test_the_pre_commit_hook_runs_as_it_stands(tmp_path: Path) -> None:
    """pre-commit installs the package and runs `entry` with the names of the files that match `files`."""
    told = hook()
    assert told["id"] == "whcli-fixtures-check" and told["language"] == "python"
    assert {"id", "name", "description", "entry", "language", "files", "types"} == told.keys()
    names = ["a.json", "b.jsonl", "c.har", "d.http"]
    assert all(re.search(told["files"], name) for name in names) and not re.search(told["files"], "e.py")
    program, *arguments = shlex.split(told["entry"])
    assert program == "whcli"
    for name, format in zip(names, ("json", "jsonl", "har", "http"), strict=True):
        (tmp_path / name).write_bytes(FORMATS[format].write([CLEAN]))
    assert whcli(*arguments, *names, folder=tmp_path).code == 0
    (tmp_path / "c.har").write_bytes(FORMATS["har"].write([LEAK]))
    assert whcli(*arguments, *names, folder=tmp_path).code == 1
