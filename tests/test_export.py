"""`whcli export`: files fit for git, nothing outside the folder, nobody else's file replaced."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.planted import CONFIGURED, JSON, PLACES, VALUES, event
from tests.program import whcli
from tests.test_formats import HOSTILE_NAMES
from tests.test_redaction import traces
from whcli.hands.storing.store import Store
from whcli.rules.archive.fixture import fixture_from, fixture_text
from whcli.words.event import Event, Facts
from whcli.words.fixture import Fixture

STRIPE = json.dumps({"id": "evt_1", "object": "event", "type": "charge.succeeded", "mail": "ada@corp.io"})
SIGNED = ((b"Stripe-Signature", b"t=1700000000,v1=" + b"5f" * 32), *JSON)


def stored(folder: Path, *events: Event, facts: Facts | None = None) -> None:
    """A store in `folder` with these events, each with a uid of its own."""
    with Store(folder / ".whcli", create=True) as store:
        for number, each in enumerate(events, start=1):
            uid = each.uid if each.uid != event().uid else f"01ARYZ6S41TSV4RRFFQ69G5F{number:02d}"
            store.add_fixture(
                Fixture(event=replace(each, uid=uid)), facts or Facts(provider="stripe", type="charge.succeeded")
            )


def test_one_readable_file_an_event_under_a_stable_name(tmp_path: Path) -> None:
    stored(tmp_path, event(body=STRIPE, headers=SIGNED), event(body=STRIPE, headers=SIGNED))
    done = whcli("export", "all", "-o", "tests/hooks/", folder=tmp_path)
    assert done.code == 0 and done.out == ""
    assert done.err.splitlines() == ["2 events → tests/hooks", "  4 values redacted: 2 signatures, 2 emails"]
    files = sorted((tmp_path / "tests" / "hooks").iterdir())
    assert [file.name for file in files] == ["0001-stripe-charge.succeeded.json", "0002-stripe-charge.succeeded.json"]
    text = files[0].read_text()
    assert '["Stripe-Signature", "t=1700000000,v1=whcli-redacted"]' in text and '"type": "charge.succeeded",' in text
    before = {file: file.read_bytes() for file in files}
    assert whcli("export", "all", "-o", "tests/hooks", folder=tmp_path).code == 0
    assert {file: file.read_bytes() for file in files} == before  # and a pseudonym is the same again


def test_what_goes_to_stdout_is_the_file(tmp_path: Path) -> None:
    stored(tmp_path, event(body=STRIPE, headers=SIGNED))
    exact = whcli("export", "latest", "--no-redact", folder=tmp_path)
    fixture = fixture_from(exact.raw)
    assert fixture.event.body == STRIPE.encode() and fixture.event.headers[1:3] == SIGNED and not fixture.redacted
    assert "nothing was redacted" in exact.err
    assert whcli("export", "1", "--format", "http", "--no-redact", folder=tmp_path).raw.endswith(STRIPE.encode())
    assert whcli("export", "1", "--format", "jsonl", "-o", "-", folder=tmp_path).out.count("\n") == 1


def test_filters_choose(tmp_path: Path) -> None:
    stored(tmp_path, event(body=STRIPE, headers=SIGNED), event(body="{}", target="/other"))
    done = whcli("export", "--where", "path == '/other'", "-o", "out/", "--json", folder=tmp_path)
    [line] = done.lines
    assert line["event_id"] == 2 and line["file"] == "out/0002-stripe-charge.succeeded.json"
    assert {"schema": "whcli.export/1", "format": "json", "redacted": True, "replaced": {}}.items() <= line.items()
    assert whcli("export", "--type", "no.such", "-o", "out/", folder=tmp_path).code == 3


@pytest.mark.parametrize(("name", "end"), [("jsonl", "jsonl"), ("har", "har")])
def test_formats_of_one_file(tmp_path: Path, name: str, end: str) -> None:
    stored(tmp_path, event(body=STRIPE), event(body=STRIPE))
    assert whcli("export", "all", "-o", f"a.{end}", folder=tmp_path).code == 0  # the name says the format
    assert whcli("export", "all", "--format", name, "-o", "out/", folder=tmp_path).code == 0
    assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / "out" / f"events.{end}").read_bytes()
    again = whcli("import", f"a.{end}", "--json", folder=tmp_path)
    assert [line["new"] for line in again.lines] == [False, False]


def test_what_a_person_adds_to_a_file_stays(tmp_path: Path) -> None:
    stored(tmp_path, event(body=STRIPE, headers=SIGNED))
    assert whcli("export", "1", "-o", "hooks/", folder=tmp_path).code == 0
    [file] = (tmp_path / "hooks").iterdir()
    fixture = fixture_from(file.read_bytes()).saying("expect", {"status": 204}).saying("later", [1.5])
    file.write_text(fixture_text(fixture))
    assert whcli("export", "1", "-o", "hooks/", folder=tmp_path).code == 0
    assert fixture_from(file.read_bytes()).fields == fixture.fields
    assert whcli("import", str(file), "--store", "other", folder=tmp_path).code == 0
    back = fixture_from(whcli("export", "1", "--store", "other", folder=tmp_path).raw)
    assert (back.fields, back.redacted, back.event.uid) == (fixture.fields, True, fixture.event.uid)


def test_what_a_person_added_loses_only_what_has_a_secrets_form(tmp_path: Path) -> None:
    """A handler that echoes what is in the event echoes its pseudonym, so the expectation still holds."""
    key = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    expect = {"body": {"mail": "ada@corp.io", "token": "as it is", "password": "likewise", "key": key}}
    held = Fixture(event=event(body=json.dumps({"mail": "ada@corp.io"}))).saying("expect", expect)
    (tmp_path / "hook.json").write_text(fixture_text(held))
    [line] = whcli("export", "hook.json", "-o", "./", "--json", folder=tmp_path).lines
    made = fixture_from((tmp_path / "hook.json").read_bytes())
    body, wanted = json.loads(made.event.body), made.further("expect")["body"]
    assert body["mail"] == wanted["mail"] != "ada@corp.io" and key not in made.fields["expect"]
    assert (wanted["token"], wanted["password"]) == ("as it is", "likewise")
    assert line["replaced"] == {"email": 2, "token": 1}


def test_a_file_is_redacted_under_its_own_name(tmp_path: Path) -> None:
    """What `fixtures check` says to type."""
    (tmp_path / "hook.json").write_text(fixture_text(Fixture(event=event(body=STRIPE))))
    assert whcli("export", "hook.json", "-o", "./", folder=tmp_path).code == 0
    assert "ada@corp.io" not in (tmp_path / "hook.json").read_text()
    assert [file.name for file in tmp_path.glob("*.json")] == ["hook.json"]


def test_the_projects_key_is_its_owners_and_made_once(tmp_path: Path) -> None:
    stored(tmp_path, event(body=STRIPE))
    out = whcli("export", "1", folder=tmp_path).out
    key = tmp_path / ".whcli" / "redact.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_bytes()) == 32
    assert whcli("export", "1", folder=tmp_path).out == out
    key.unlink()
    assert whcli("export", "1", folder=tmp_path).out != out
    key.write_bytes(b"short")
    assert whcli("export", "1", folder=tmp_path).code == 7


def test_nothing_planted_comes_out_of_the_program_in_any_format(tmp_path: Path) -> None:
    """A configured secret, tokens and personal data, in every place of a request at once."""
    everything = [plant(value) for plant in PLACES.values() for value in VALUES.values()]
    stored(tmp_path, *everything)
    env = {"WHCLI_SECRET_STRIPE": CONFIGURED}
    left = {trace for value in VALUES.values() for trace in traces(value)}
    for name in ("json", "jsonl", "har", "curl", "http"):
        done = whcli("export", "all", "--format", name, "-o", f"{name}/", folder=tmp_path, env=env)
        assert done.code == 0, done.err
        text = "\n".join(file.read_text("latin-1") for file in (tmp_path / name).iterdir())
        assert not [trace for trace in left if trace in text], name
    assert whcli("fixtures", "check", "json", "jsonl", "har", "http", folder=tmp_path, env=env).code == 0


# -- the folder -----------------------------------------------------------------------------------------------------


def test_hostile_ids_paths_and_links_lead_nowhere(tmp_path: Path) -> None:
    """In uid, provider, type and path: no file outside the folder, none of somebody else's changed."""
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    with Store(project / ".whcli", create=True) as store:
        for number, name in enumerate(HOSTILE_NAMES):
            said = name.encode("utf-8", "backslashreplace").decode()
            kept = replace(event(body=STRIPE), uid=f"{number}{said}"[:90])
            store.add_fixture(Fixture(event=kept), Facts(provider=said, type=said))
    hooks = project / "hooks"
    hooks.mkdir()
    before = whole(tmp_path, hooks)
    done = whcli("export", "all", "-o", "hooks/", folder=project)
    assert done.code == 0 and len(list(hooks.iterdir())) == len(HOSTILE_NAMES)
    assert whole(tmp_path, hooks) == before
    assert {stat.S_IMODE(file.stat().st_mode) for file in hooks.iterdir()} == {0o600}


def whole(root: Path, but: Path) -> dict[str, bytes]:
    """Everything outside a folder, the store apart."""
    files = [
        path for path in root.rglob("*") if path.is_file() and but not in path.parents and ".whcli" not in path.parts
    ]
    return {str(path): path.read_bytes() for path in files}


NAME = "0001-stripe-charge.succeeded.json"


def _link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "victim")


def _dangling(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "not-yet")


def _loop(path: Path, outside: Path) -> None:
    path.symlink_to(path)


def _folder(path: Path, outside: Path) -> None:
    path.mkdir()


def _pipe(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def _foreign(path: Path, outside: Path) -> None:
    path.write_text("somebody's")


def _other(path: Path, outside: Path) -> None:
    path.write_text(fixture_text(Fixture(event=replace(event(), uid="01ARYZ6S41TSV4RRFFQ69G5FZZ"))))


IN_THE_WAY = {
    "a link to a file outside": _link,
    "a link to nothing outside": _dangling,
    "a link to itself": _loop,
    "a folder": _folder,
    "a pipe": _pipe,
    "somebody's file": _foreign,
    "another event's fixture": _other,
}


@pytest.mark.parametrize("put", IN_THE_WAY.values(), ids=IN_THE_WAY.keys())
def test_what_is_in_the_way_is_left_alone(tmp_path: Path, put: Any) -> None:
    stored(tmp_path, event(body=STRIPE))
    outside, hooks = tmp_path / "outside", tmp_path / "hooks"
    outside.mkdir()
    hooks.mkdir()
    (outside / "victim").write_text("untouched")
    put(hooks / NAME, outside)
    done = whcli("export", "1", "-o", "hooks/", folder=tmp_path)
    assert done.code == 2 and NAME in done.err and "next:" in done.err and "Traceback" not in done.err
    forced = whcli("export", "1", "-o", "hooks/", "--force", folder=tmp_path)
    assert forced.code == (0 if put in (_foreign, _other) else 2)
    assert [(file.name, file.read_text()) for file in outside.iterdir()] == [("victim", "untouched")]
    assert [path.name for path in hooks.iterdir()] == [NAME]


# -- mistakes -------------------------------------------------------------------------------------------------------

MISTAKES = {
    "nothing asked": ((), "say which events", 2),
    "no such event": (("42",), "there is no event 42", 3),
    "no such format": (("1", "--format", "xml"), "--format takes no 'xml'", 2),
    "no such path": (("1", "--redact", "customer"), "'customer' is not a path", 2),
    "all and nothing": (("1", "--no-redact", "--redact", "body.a"), "excludes --redact", 2),
    "JSON twice": (("1", "--json"), "stdout is for the events", 2),
    "several in one": (("all", "-o", "a.json"), "these are 2 events", 2),
    "a folder that cannot be": (("1", "-o", "file/sub/"), "cannot be made", 2),
}


@pytest.mark.parametrize(("arguments", "what", "code"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_explained(tmp_path: Path, arguments: tuple[str, ...], what: str, code: int) -> None:
    stored(tmp_path, event(body="{}"), event(body="{}"))
    (tmp_path / "file").write_text("x")
    done = whcli("export", *arguments, folder=tmp_path)
    assert (done.code, done.out) == (code, "") and what in done.err and "next" in done.err
