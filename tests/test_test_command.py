"""`whcli test`: fixtures put to real handlers, and what is told of it: to people, to programs, to CI."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.fixtures import BODY, push, write
from tests.program import Done, environment, until, whcli
from tests.receivers import Receiver, closed_port, split
from tests.test_readme import README, plain, sessions
from whcli import verify
from whcli.rules.archive.fixture import fixture_from
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.testsecrets import secret_for_tests
from whcli.words.fixture import MARK

SECRET = {"WHCLI_SECRET_GITHUB": "hush"}
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def answer(status: int, value: object = None, *headers: str) -> bytes:
    body = b"" if value is None else json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def by_path(**answers: bytes) -> Callable[[socket.socket, bytes], bool]:
    """A handler that answers by the request's path: `hooks` for `/hooks`."""

    def talk(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(answers[request.split(b" ", 2)[1].decode().strip("/")])
        return True

    return talk


@pytest.fixture
def test(tmp_path: Path) -> Callable[..., Done]:
    """Runs `whcli test hooks` with more arguments; its fixtures can be signed."""

    def run(*arguments: str, **env: str) -> Done:
        return whcli("test", "hooks", *arguments, folder=tmp_path, env={**SECRET, **env})

    return run


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    return tmp_path / "hooks"


# -- pass and fail --------------------------------------------------------------------------------------------------


def test_each_fixture_is_sent_signed_afresh(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push("/a"))
    write(hooks / "deeper" / "b.json", push("/b"))
    with Receiver(NO_CONTENT) as handler:
        done = test("--to", handler.url)
    assert (done.code, done.err) == (0, "") and re.fullmatch(r"\.\.\n2 passed in \d\.\d\d s\n", done.out)
    assert [request.split(b" ")[1] for request in handler.requests] == [b"/a", b"/b"]
    for request in handler.requests:
        _, fields, body = split(request)
        headers = [(name, value.strip()) for name, value in fields]
        assert body == BODY and verify("github", headers, body, secret="hush").ok


def test_what_is_not_as_expected_is_told_and_exits_1(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "bad.json", push("/bad", expect={"status": 200, "body": {"ok": True}, "headers": {"X-A": "1"}}))
    write(hooks / "good.json", push("/good", expect={"body": {"length(ids)": 2}}))
    with Receiver(by_path(bad=answer(500, {"ok": False}), good=answer(200, {"ids": [1, 2]}))) as handler:
        done = test("--to", handler.url)
    assert done.code == 1
    assert done.out.splitlines()[:7] == [
        "F.",
        "",
        done.out.splitlines()[2],
        "  status: wanted 200, got 500",
        "  headers.X-A: wanted 1, got none",
        "  body.ok: wanted true, got false",
        '  ↳ response: {"ok": false}',
    ]
    assert re.fullmatch(r"✗ hooks/bad\.json  push  → 500 +\d+ ms", done.out.splitlines()[2])
    assert re.fullmatch(r"1 passed, 1 failed in \d\.\d\d s", done.out.splitlines()[-1])


def test_names_instead_of_dots(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "bad.json", push("/bad"))
    write(hooks / "good.json", push("/good"))
    with Receiver(by_path(bad=answer(404), good=answer(200))) as handler:
        lines = test("--to", handler.url, "-v").out.splitlines()
    assert lines[0].startswith("✗ hooks/bad.json  → 404") and lines[1].startswith("✓ hooks/good.json  → 200")


def test_a_handler_that_is_not_there_exits_5(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    done = test("--to", f"http://127.0.0.1:{closed_port()}")
    assert done.code == 5 and done.out.startswith("E\n")
    assert "reply: wanted an answer, got nothing is listening on" in done.out and "1 without a reply in" in done.out


def test_why_a_fixture_was_not_signed_is_told_when_it_fails(hooks: Path, tmp_path: Path) -> None:
    write(hooks / "a.json", push())
    with Receiver(answer(401)) as handler:
        done = whcli("test", "hooks", "--to", handler.url, folder=tmp_path)
    assert "↳ not signed afresh: set WHCLI_SECRET_GITHUB" in done.out


def test_a_redacted_fixture_is_signed_with_the_test_secret_and_a_refusal_says_so(hooks: Path, tmp_path: Path) -> None:
    write(hooks / "a.json", push(signature=b"sha256=" + MARK.encode()))
    with Receiver(answer(401)) as handler:
        done = whcli("test", "hooks", "--to", handler.url, folder=tmp_path)
    _, fields, body = split(handler.requests[0])
    headers = [(name, value.strip()) for name, value in fields]
    assert verify("github", headers, body, secret=secret_for_tests(scheme_named("github")).receiving).ok
    assert "↳ signed with the test secret: `whcli fixtures secret github`" in done.out


def test_it_can_stop_at_the_first_failure(hooks: Path, test: Callable[..., Done]) -> None:
    for name in "abc":
        write(hooks / f"{name}.json", push(f"/{name}"))
    with Receiver(by_path(a=answer(200), b=answer(500), c=answer(200))) as handler:
        done = test("--to", handler.url, "-x")
    assert done.code == 1 and done.out.startswith(".F\n") and len(handler.requests) == 2
    assert "1 passed, 1 failed, 1 not tested in" in done.out


@pytest.mark.parametrize(("word", "paths"), [("ord", ["/a"]), ("GITHUB", ["/a", "/b"]), ("push", ["/a", "/b"])])
def test_a_word_chooses_by_name_provider_or_type(
    hooks: Path, test: Callable[..., Done], word: str, paths: list[str]
) -> None:
    write(hooks / "order.json", push("/a"))
    write(hooks / "refund.json", push("/b"))
    with Receiver(NO_CONTENT) as handler:
        assert test("--to", handler.url, "-k", word).code == 0
    assert [request.split(b" ")[1].decode() for request in handler.requests] == paths


def test_several_fixtures_in_one_file_are_tests_of_their_own(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "all.jsonl", push("/a"), push("/b", expect={"status": 404}))
    with Receiver(by_path(a=answer(200), b=answer(404))) as handler:
        done = test("--to", handler.url, "-v")
    assert done.code == 0 and "hooks/all.jsonl[0]" in done.out and "hooks/all.jsonl[1]" in done.out


def test_files_that_are_no_fixtures_are_passed_over_in_a_folder(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    write(hooks / ".hidden" / "b.json", push())
    (hooks / "package.json").write_text('{"name": "x"}')
    (hooks / "notes.txt").write_text("whcli.fixture/1")
    with Receiver(NO_CONTENT) as handler:
        assert test("--to", handler.url).out.startswith(".\n")


def test_options_of_replay_that_change_what_is_sent(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push(expect={"idempotent": True}))
    with Receiver(NO_CONTENT) as handler:
        assert test("--to", handler.url + "/elsewhere", "--new-id").code == 0
        assert test("--to", handler.url, "--no-resign").code == 0
    ids = [dict(split(request)[1])[b"X-GitHub-Delivery"] for request in handler.requests]
    assert ids[0] == ids[1] != ids[2] == ids[3] == b" d-1"
    assert handler.requests[0].startswith(b"POST /elsewhere ") and b"sha256=" + b"0" * 64 in handler.requests[2]


# -- a second delivery ----------------------------------------------------------------------------------------------


class Counting:
    """A handler that counts what it takes; `/state` shows it. It counts every delivery, or each id once."""

    def __init__(self, *, once: bool, says: bool = False) -> None:
        self.count, self.looks, self.once, self.says = 0, 0, once, says
        self.ids: set[bytes] = set()

    def __call__(self, connection: socket.socket, request: bytes) -> bool:
        if request.startswith(b"GET"):
            self.looks += 1
            connection.sendall(answer(200, {"count": self.count, "looks": self.looks}))
            return True
        [id] = [value for name, value in split(request)[1] if name == b"X-GitHub-Delivery"]
        self.count += not (self.once and id in self.ids)
        self.ids.add(id)
        connection.sendall(answer(200, {"count": self.count} if self.says else {"ok": True}))
        return True


@pytest.mark.parametrize("once", [True, False], ids=["counts each id once", "counts every delivery"])
def test_the_handlers_state_tells_whether_a_second_delivery_matters(
    hooks: Path, test: Callable[..., Done], once: bool
) -> None:
    write(hooks / "a.json", push(expect={"idempotent": True}))
    with Receiver(Counting(once=once)) as handler:
        done = test("--to", handler.url, "--probe-url", f"{handler.url}/state")
    assert done.code == (0 if once else 1)
    assert ("second delivery changed state.count: wanted 1, got 2" in done.out) is not once
    assert "looks" not in done.out  # it changes by itself: two looks before have shown it


def test_a_probe_that_sees_nothing_at_all_is_told(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push(expect={"idempotent": True}))
    with Receiver(NO_CONTENT) as handler:
        done = test("--to", handler.url, "--probe", "echo always the same", "-v")
    assert done.code == 0 and "↳ the first delivery changed nothing either" in done.out


@pytest.mark.parametrize("once", [True, False], ids=["counts each id once", "counts every delivery"])
def test_without_a_probe_the_two_replies_tell(hooks: Path, test: Callable[..., Done], once: bool) -> None:
    write(hooks / "a.json", push(expect={"idempotent": True}))
    with Receiver(Counting(once=once, says=True)) as handler:
        done = test("--to", handler.url)
    assert done.code == (0 if once else 1) and len(handler.requests) == 2
    assert ("second reply, body.count: wanted 1, got 2" in done.out) is not once


def test_a_reset_comes_before_each_test(hooks: Path, tmp_path: Path, test: Callable[..., Done]) -> None:
    write(hooks / "all.jsonl", push("/a"), push("/b"))
    with Receiver(NO_CONTENT) as handler:
        assert test("--to", handler.url, "--reset", "echo reset >> resets").code == 0
    assert (tmp_path / "resets").read_text() == "reset\nreset\n"


# -- snapshots ------------------------------------------------------------------------------------------------------


def test_a_reply_is_kept_and_compared_from_then_on(hooks: Path, test: Callable[..., Done]) -> None:
    file = write(hooks / "a.json", push(expect={"ignore": ["body.id"]}))
    before = file.read_text()
    with Receiver(answer(200, {"id": 1, "ok": True}, "Date: now", "Set-Cookie: sid=very-secret")) as handler:
        done = test("--to", handler.url, "--update", "-v")
        assert done.code == 0 and "snapshot written" in done.out and "1 passed, 1 snapshot written in" in done.out
        kept = file.read_text()
        assert test("--to", handler.url, "--update").out.startswith(".\n1 passed in") and file.read_text() == kept
    assert kept.startswith(before.removesuffix("\n}\n")) and "very-secret" not in kept
    assert fixture_from(kept.encode()).further("snapshot") == {
        "status": 200,
        "headers": {"content-type": "application/json", "set-cookie": "sid"},
        "body_json": {"id": 1, "ok": True},
    }
    with Receiver(answer(200, {"id": 2, "ok": True}, "Set-Cookie: sid=other")) as handler:
        assert test("--to", handler.url).code == 0
    with Receiver(answer(200, {"id": 3, "ok": 1}, "Set-Cookie: sid=other")) as handler:
        done = test("--to", handler.url)
        assert done.code == 1 and "body.ok: wanted true, got 1" in done.out
        assert "1 snapshot updated" in test("--to", handler.url, "--update").out
        assert test("--to", handler.url).code == 0


def test_a_snapshot_says_the_status_where_nothing_else_does(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push(snapshot={"status": 422}))
    write(hooks / "b.json", push(expect={"status": 422}))
    with Receiver(answer(422)) as handler:
        assert test("--to", handler.url, "-k", "b.json", "--update").code == 0
        done = test("--to", handler.url)
    assert done.code == 1 and "headers.content-type: wanted none, got application/json" in done.out
    assert "status" not in done.out and done.out.startswith("F.\n")


def test_a_reply_that_is_not_as_expected_is_not_kept(hooks: Path, test: Callable[..., Done]) -> None:
    file = write(hooks / "a.json", push(expect={"status": 200}))
    before = file.read_text()
    with Receiver(answer(500)) as handler:
        assert test("--to", handler.url, "--update").code == 1
    assert file.read_text() == before


def test_snapshots_of_one_file_with_many_fixtures_stay_on_their_lines(hooks: Path, test: Callable[..., Done]) -> None:
    file = write(hooks / "all.jsonl", push("/a"), push("/b"))
    with Receiver(by_path(a=answer(200, 1), b=answer(201, "é"))) as handler:
        assert "2 snapshots written" in test("--to", handler.url, "--update").out
        assert test("--to", handler.url).code == 0
    statuses = [fixture_from(line).further("snapshot")["status"] for line in file.read_bytes().splitlines()]
    assert statuses == [200, 201]


# -- mistakes -------------------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no target": ((), 2, "there is no target"),
    "nothing by that name": (("--to", "http://localhost:1", "-k", "zzz"), 3, "no fixture below hooks has 'zzz'"),
    "another machine": (("--to", "http://192.0.2.1"), 2, "nothing was sent to http://192.0.2.1"),
    "ready without start": (("--to", "http://localhost:1", "--ready", "http://localhost:1"), 2, "--ready goes with"),
    "two probes": (("--to", "http://localhost:1", "--probe", "a", "--probe-url", "http://b"), 2, "exclude each other"),
    "no folder for the report": (("--to", "http://localhost:1", "--junit", "nowhere/r.xml"), 2, "no folder nowhere"),
}


@pytest.mark.parametrize(("arguments", "code", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_before_anything_is_sent(
    hooks: Path, test: Callable[..., Done], arguments: tuple[str, ...], code: int, says: str
) -> None:
    write(hooks / "a.json", push())
    done = test(*arguments)
    assert done.code == code and says in done.err and "next:" in done.err and done.out == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema": "whcli.fixture/1"}', "hooks/b.json: this is not an event: a field is missing or wrong"),
        ("{nonsense whcli.fixture/1", "hooks/b.json: this is not an event: it is not JSON"),
    ],
    ids=["a field missing", "no JSON"],
)
def test_a_fixture_that_cannot_be_read_is_named_and_nothing_is_sent(
    hooks: Path, test: Callable[..., Done], text: str, says: str
) -> None:
    write(hooks / "a.json", push())
    (hooks / "b.json").write_text(text)
    with Receiver(NO_CONTENT) as handler:
        done = test("--to", handler.url)
    assert done.code == 2 and says in done.err and handler.requests == []


def test_an_expectation_that_can_mean_nothing_is_named_and_nothing_is_sent(
    hooks: Path, test: Callable[..., Done]
) -> None:
    write(hooks / "a.json", push(expect={"stauts": 200}))
    with Receiver(NO_CONTENT) as handler:
        done = test("--to", handler.url)
    assert done.code == 2 and handler.requests == []
    assert "'expect' of hooks/a.json: 'stauts' is no key of it" in done.err and "did you mean 'status'?" in done.err


def test_a_path_that_is_not_there_exits_3(tmp_path: Path) -> None:
    done = whcli("test", "nowhere", "--to", "http://localhost:1", folder=tmp_path)
    assert done.code == 3 and "there is no file or folder nowhere" in done.err


# -- programs and CI ------------------------------------------------------------------------------------------------


def test_json_is_a_line_for_each_and_a_summary(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push("/a"))
    write(hooks / "b.json", push("/b", expect={"status": 200}))
    with Receiver(by_path(a=answer(200), b=answer(500))) as handler:
        done = test("--to", handler.url, "--json")
    one, other, last = done.lines
    assert (one["outcome"], one["status"], one["signed"], one["type"]) == ("passed", 200, "github", "push")
    assert (other["outcome"], other["name"]) == ("failed", "hooks/b.json")
    assert other["differences"] == [{"field": "status", "wanted": "200", "got": "500"}]
    del last["s"]
    counts = {"tests": 2, "passed": 1, "failed": 1, "errors": 0, "snapshots": 0}
    assert last == {"schema": "whcli.test_summary/1", **counts} and done.code == 1


def test_the_junit_report_has_every_test(hooks: Path, tmp_path: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push("/a"))
    write(hooks / "b.json", push("/b", expect={"status": 200}))
    with Receiver(by_path(a=answer(200), b=answer(500, "\x1b[31mno"))) as handler:
        test("--to", handler.url, "--junit", "report.xml")
    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "0")
    one, other = root.iter("testcase")
    assert (one.get("classname"), one.get("name"), len(one)) == ("hooks", "a.json", 0)
    [failure] = other
    assert failure.tag == "failure" and failure.get("message") == "status: wanted 200, got 500"
    assert "no" in (failure.text or "")


def test_github_gets_annotations_at_the_files_and_a_table(
    hooks: Path, tmp_path: Path, test: Callable[..., Done]
) -> None:
    for number in range(12):
        write(hooks / f"n,{number:02}:100%.json", push(f"/{number}", expect={"body": {"a|b": 1}}))
    write(hooks / "ok.json", push("/ok"))
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    answers = {str(number): answer(200, {"a": "::error::\r\n<b>"}) for number in range(12)}
    with Receiver(by_path(ok=answer(200), **answers)) as handler:
        done = test("--to", handler.url, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    lines = done.out.splitlines()
    commands = [line for line in lines if line.startswith("::")]
    begin, end, *errors = commands
    assert begin.startswith("::stop-commands::") and end == f"::{begin.rpartition('::')[2]}::"
    assert lines.index(begin) < lines.index("✗ hooks/n,00:100%.json  push  " + lines[3].partition("push  ")[2])
    assert len(errors) == 10 and errors[-1] == "::error title=whcli test::and 3 more"
    assert errors[0].startswith(
        "::error file=hooks/n%2C00%3A100%25.json,title=hooks/n%2C00%3A100%25.json%3A failed::body.a|b: wanted 1, got "
    )
    table = page.read_text()
    assert table.startswith("before\n### whcli test: 1 passed, 12 failed\n\n| test | outcome |")
    rows = [line for line in table.splitlines() if line.startswith("| hooks")]
    assert len(rows) == 13 and "❌ failed" in rows[0] and "✅ passed" in rows[-1]
    assert all(row.count("|") == 6 and "<b>" not in row for row in rows)


def test_annotations_name_files_from_the_root_of_the_repository(
    hooks: Path, tmp_path: Path, test: Callable[..., Done]
) -> None:
    write(hooks / "a.json", push())
    with Receiver(answer(500)) as handler:
        inside = test("--to", handler.url, GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(tmp_path.parent)).out
        outside = test("--to", handler.url, GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(tmp_path / "else")).out
    assert f"::error file={tmp_path.name}/hooks/a.json," in inside and "::error file=hooks/a.json," in outside


def test_a_summary_that_cannot_be_written_changes_no_outcome(
    hooks: Path, tmp_path: Path, test: Callable[..., Done]
) -> None:
    write(hooks / "a.json", push())
    with Receiver(NO_CONTENT) as handler:
        done = test("--to", handler.url, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path))
    assert done.code == 0 and "warning: $GITHUB_STEP_SUMMARY cannot be written" in done.err


def test_annotations_stay_out_of_json(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    with Receiver(answer(500)) as handler:
        done = test("--to", handler.url, "--json", GITHUB_ACTIONS="true")
    assert len(done.lines) == 2 and done.err.startswith("::error file=hooks/a.json")


def test_no_command_reaches_a_runner_elsewhere(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    with Receiver(answer(500)) as handler:
        assert "::" not in test("--to", handler.url).out


# -- the README -----------------------------------------------------------------------------------------------------


def test_the_readme_shows_what_is_printed(tmp_path: Path) -> None:
    [block] = [block for block in sessions() if block.startswith("$ whcli test ")]
    [(_, asked)] = re.findall(r"```json\n(\"expect\": (.*?))```", README, re.DOTALL)
    wanted = {**json.loads(asked), "headers": {"content-type": "*json*"}, "idempotent": False}
    del wanted["body"]["length(items)"]
    for name in ("merge", "push-tag", "push-to-main"):
        write(tmp_path / "tests" / "hooks" / f"{name}.json", push(f"/{name}", expect=wanted))
    ok, no = answer(200, {"ok": True}), answer(500, {"error": "no such tag"})
    with Receiver(by_path(**{"merge": ok, "push-tag": no, "push-to-main": ok})) as handler:
        done = whcli("test", "tests/hooks/", "--to", handler.url, folder=tmp_path, env=SECRET)
    assert plain(block) == plain("$ whcli test tests/hooks/ --to http://localhost:3000\n" + done.out)


# -- an application of the user's -----------------------------------------------------------------------------------

APP = """
import http.server, os, subprocess, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        bad = self.path == "/bad"
        if bad:
            print("Traceback: the \\x1b[31mdatabase is gone", flush=True)
        self.send_response(500 if bad else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open("pids", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
print("up", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A command that starts an application with a child of its own, and its URL; both are gone afterwards."""
    (tmp_path / "app.py").write_text(APP)
    port = closed_port()
    yield f"{sys.executable} app.py {port}", f"http://127.0.0.1:{port}"
    until(lambda: not any(map(runs, pids(tmp_path))))


def pids(folder: Path) -> list[int]:
    file = folder / "pids"
    return [int(each) for each in file.read_text().split()] if file.exists() else []


def runs(pid: int) -> bool:
    """Whether a process runs; one that is dead and not asked after does not."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_the_application_is_started_and_stopped_with_its_children(
    hooks: Path, tmp_path: Path, test: Callable[..., Done], app: tuple[str, str]
) -> None:
    write(hooks / "a.json", push("/a"))
    done = test("--start", app[0], "--to", app[1])
    assert done.code == 0 and done.out.startswith(".\n")
    assert len(pids(tmp_path)) == 2 and not any(map(runs, pids(tmp_path)))


def test_what_the_application_printed_stands_with_the_test_that_failed(
    hooks: Path, test: Callable[..., Done], app: tuple[str, str]
) -> None:
    write(hooks / "a.json", push("/a"))
    write(hooks / "b.json", push("/bad"))
    done = test("--start", app[0], "--to", app[1])
    assert done.code == 1 and "  │ Traceback: the \\x1b[31mdatabase is gone\n" in done.out
    assert "│ up" not in done.out and "\x1b" not in done.out


def test_an_application_that_dies_first_is_quoted(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    start = "echo starting; echo 'Error: no database' >&2; exit 3"
    done = test("--start", start, "--to", f"http://127.0.0.1:{closed_port()}")
    assert done.code == 5 and "--start ended with 3 before it answered at http://127.0.0.1" in done.err
    assert "it said: starting\n" in done.err and "Error: no database" in done.err


def test_an_application_that_never_answers_is_given_up(hooks: Path, tmp_path: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    start = "echo $$ > pids; echo thinking; exec sleep 600"
    done = test("--start", start, "--to", f"http://127.0.0.1:{closed_port()}", "--ready-timeout", "1s")
    assert done.code == 5 and "did not answer within 1 s" in done.err and "it said: thinking" in done.err
    assert not any(map(runs, pids(tmp_path)))


def test_an_application_that_runs_already_is_not_started_again(hooks: Path, test: Callable[..., Done]) -> None:
    write(hooks / "a.json", push())
    with Receiver(NO_CONTENT) as handler:
        done = test("--start", "sleep 600", "--to", handler.url)
    assert done.code == 2 and "something answers at http://localhost" in done.err and handler.requests == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interruption_stops_the_application_too(
    hooks: Path, tmp_path: Path, app: tuple[str, str], number: int, code: int
) -> None:
    write(hooks / "a.json", push())
    command = [sys.executable, "-m", "whcli", "test", "hooks", "--start", app[0], "--to", app[1]]
    command += ["--reset", "touch begun; exec sleep 25"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    try:
        until((tmp_path / "begun").exists)
        assert all(map(runs, pids(tmp_path)))
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        said, _ = process.communicate(timeout=15)  # and not only when the command of --reset is over
        assert process.returncode == code and said.startswith("1 not tested in")
    finally:
        process.kill()
        process.communicate()
    assert not any(map(runs, pids(tmp_path)))


@pytest.mark.slow
def test_an_application_that_will_not_go_is_killed(hooks: Path, tmp_path: Path, app: tuple[str, str]) -> None:
    write(hooks / "a.json", push("/a"))
    stubborn = f"trap '' TERM; {app[0]}"
    done = whcli("test", "hooks", "--start", stubborn, "--to", app[1], folder=tmp_path)
    assert done.code == 0 and not any(map(runs, pids(tmp_path)))
