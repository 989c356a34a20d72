"""`whcli list`, `show`, `diff`, `rm`, `help`: looking at what was captured."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.test_listen import STRIPE, post
from tests.wire import Wire
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

RAW = (
    b"POST /gh?x=%7B1 HTTP/1.1\r\nhost: a.test\r\nX-GitHub-Event: push\r\nX-Twice: 1\r\nx-twice: 2\r\n"
    b"Authorization: Bearer abcdefghijklmnopqrstuvwxyz\r\nX-Gitlab-Token: glpat-supersecrettoken1234\r\n"
    b"Content-Type: application/json\r\nContent-Length: 21\r\n\r\n"
    b'{"ref": "a", "n":1.0}'
)


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    """A folder whose store holds RAW, captured over a socket."""
    with listening("--count", "1", folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            wire.send(RAW)
            assert wire.response().status == 200
        listener.wait()
    return tmp_path


def store_with(folder: Path, *requests: tuple[bytes, bytes]) -> Path:
    """A store of (target, body) pairs."""
    make_folder(folder / ".whcli")
    with Store(folder / ".whcli", create=True) as store:
        store.add(
            [
                Arrival(
                    received_at=1_795_000_000.0 + n,
                    head=b"POST %b HTTP/1.1\r\nContent-Type: application/json\r\n\r\n" % target,
                    method=b"POST",
                    target=target,
                    body=body,
                    trailers=(),
                    peer=None,
                )
                for n, (target, body) in enumerate(requests)
            ]
        )
    return folder


# -- list -------------------------------------------------------------------------------------------------------------


def test_list_shows_the_newest_last(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/%d" % n, b"{}") for n in range(25)])
    lines = whcli("list", folder=tmp_path).out.splitlines()
    assert lines[0].split() == ["ID", "WHEN", "METHOD", "PATH", "PROVIDER", "TYPE", "SIZE", "SIG", "DELIVERY"]
    assert [line.split()[0] for line in lines[1:]] == [str(n) for n in range(6, 26)]
    assert [e["id"] for e in whcli("list", "-n", "2", "--json", folder=tmp_path).lines] == [24, 25]
    assert len(whcli("ls", "-n", "0", "--json", folder=tmp_path).lines) == 25


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--path", "/a/*"), [1, 2]),
        (("--where", "body.n > `1`"), [2, 3]),
        (("--where", "query.q == 'x'"), [3]),
        (("--where", "body.nothing"), []),
        (("--method", "post"), []),
        (("--signature", "unknown"), [1, 2, 3]),
        (("--until", "2026-01-01T00:00:00Z"), []),
    ],
    ids=["path", "where on the body", "where on the query", "where on nothing", "case counts", "signature", "until"],
)
def test_filters_narrow_the_list(tmp_path: Path, arguments: tuple[str, ...], expected: list[int]) -> None:
    store_with(tmp_path, (b"/a/1", b'{"n":1}'), (b"/a/2", b'{"n":2}'), (b"/b?q=x", b'{"n":3}'))
    done = whcli("list", *arguments, "--json", folder=tmp_path)
    assert (done.code, [event["id"] for event in done.lines]) == (0, expected)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "body.["), "not a JMESPath expression"),
        (("--since", "soon"), "neither a duration nor a time"),
        (("--signature", "good"), "--signature takes no 'good'"),
        (("--color", "blue"), "--color takes no 'blue'"),
    ],
    ids=["where", "since", "signature", "color"],
)
def test_a_filter_that_cannot_be_read_is_exit_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    store_with(tmp_path, (b"/", b""))
    done = whcli("list", *arguments, folder=tmp_path)
    assert done.code == 2 and said in done.err and "next:" in done.err


def test_without_a_store_list_is_exit_3(tmp_path: Path) -> None:
    done = whcli("list", folder=tmp_path)
    assert done.code == 3 and "whcli listen" in done.err


# -- show -------------------------------------------------------------------------------------------------------------


def test_show_masks_secrets_unless_told_otherwise(captured: Path) -> None:
    shown = whcli("show", folder=captured).out
    assert "Bearer …wxyz" in shown and "…1234" in shown
    assert "abcdefgh" not in shown and "supersecret" not in shown
    assert "abcdefghijklmnopqrstuvwxyz" in whcli("show", "1", "--reveal", folder=captured).out


def test_show_tells_provider_type_headers_and_a_readable_body(captured: Path) -> None:
    shown = whcli("show", "latest", folder=captured).out
    assert "#1  POST /gh?x=%7B1  HTTP/1.1" in shown and "github · push" in shown
    assert "Headers (8)" in shown and '    "ref": "a",' in shown and "whcli replay 1" in shown


def test_the_exact_forms_are_the_bytes_that_came(captured: Path) -> None:
    head, _, body = RAW.partition(b"\r\n\r\n")
    assert whcli("show", "1", "--raw", folder=captured).raw == RAW
    assert whcli("show", "1", "--body", folder=captured).raw == body
    assert whcli("show", "1", "--headers", folder=captured).raw == head + b"\r\n\r\n"


def test_show_json_is_exact_and_one_line(captured: Path) -> None:
    done = whcli("show", "1", "--json", folder=captured)
    [event] = done.lines
    assert ["x-twice", "2"] in event["headers"] and ["X-Twice", "1"] in event["headers"]
    assert done.out.isascii() and event["schema"] == "whcli.event/1" and event["type"] == "push"


def test_an_event_file_written_by_show_is_an_event_reference(captured: Path, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(whcli("show", "1", "--json", folder=captured).out)
    assert whcli("show", "./event.json", "--raw", folder=tmp_path).raw == RAW
    data = (tmp_path / "event.json").read_bytes()
    assert whcli("show", "-", "--raw", folder=tmp_path, stdin=data).raw == RAW


def test_a_compressed_body_is_shown_expanded_and_kept_as_sent(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"hello":"' + b"x" * 50 + b'"}')
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url, packed, {"Content-Encoding": "gzip"})
        listener.wait()
    assert "hello" in whcli("show", folder=tmp_path).out
    assert whcli("show", "--body", folder=tmp_path).raw == packed


def test_binary_is_not_dumped_and_large_bodies_are_cut(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/bin", bytes(range(256))), (b"/big", b'{"a":"' + b"x" * 3_000_000 + b'"}'))
    assert "256 bytes of binary data" in whcli("show", "1", folder=tmp_path).out
    big = whcli("show", "2", folder=tmp_path).out
    assert len(big) < 10_000 and "--full" in big


@pytest.mark.parametrize(
    ("reference", "code"),
    [("99", 3), ("latest~9", 3), ("01ZZZZZZ", 3), ("none.json", 3), ("5..2", 2), ("*", 2), ("1..2", 2)],
)
def test_a_reference_that_names_not_one_event_is_a_clear_error(tmp_path: Path, reference: str, code: int) -> None:
    store_with(tmp_path, (b"/1", b""), (b"/2", b""))
    done = whcli("show", reference, folder=tmp_path)
    assert done.code == code and done.err.startswith("error: ") and "next:" in done.err


def test_a_uid_prefix_names_an_event(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b"one"))
    uid = whcli("list", "--json", folder=tmp_path).lines[0]["uid"]
    assert whcli("show", uid.lower()[:12], "--body", folder=tmp_path).raw == b"one"


# -- diff and rm ------------------------------------------------------------------------------------------------------


def test_diff_names_the_fields_that_differ(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/a", b'{"a":{"b":[1,2]},"same":1}'), (b"/a", b'{"a":{"b":[1,3]},"same":1}'))
    done = whcli("diff", "1", "2", "--json", folder=tmp_path)
    assert done.code == 1
    assert done.lines[0]["differences"] == [{"field": "body.a.b[1]", "one": "2", "other": "3"}]
    assert whcli("diff", "1", "1", folder=tmp_path).code == 0


def test_diff_of_what_is_no_json_names_the_first_byte(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/a", b"hello world"), (b"/a", b"hello there"))
    assert "body, byte 6" in whcli("diff", "1", "2", folder=tmp_path).out


def test_rm_deletes_and_never_gives_a_number_again(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/%d" % n, b"") for n in range(3)])
    assert whcli("rm", "3", folder=tmp_path).out == "1 deleted\n"
    store_with(tmp_path, (b"/new", b""))
    assert [e["id"] for e in whcli("list", "--json", folder=tmp_path).lines] == [1, 2, 4]


def test_rm_of_many_needs_yes_without_a_terminal(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b""), (b"/2", b""))
    refused = whcli("rm", "all", folder=tmp_path)
    assert refused.code == 2 and "--yes" in refused.err
    [done] = whcli("rm", "all", "--yes", "--json", folder=tmp_path).lines
    assert (done["schema"], done["removed"]) == ("whcli.removed/1", 2)


def test_rm_beside_a_listener_disturbs_nobody(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        for n in range(5):
            post(f"{listener.url}/{n}")
        assert whcli("rm", "1..3", "--yes", folder=tmp_path).code == 0
        assert post(listener.url).status_code == 200
        assert listener.end().code == 0
    assert [e["id"] for e in whcli("list", "--json", folder=tmp_path).lines] == [4, 5, 6]


# -- the command line itself ------------------------------------------------------------------------------------------


def test_bare_whcli_prints_help_and_exits_0(tmp_path: Path) -> None:
    done = whcli(folder=tmp_path)
    assert done.code == 0 and "listen" in done.out and "replay" in done.out


def test_version_is_one_line(tmp_path: Path) -> None:
    assert whcli("--version", folder=tmp_path).out == "whcli 0.1.0\n"
    assert whcli("--version", "--json", folder=tmp_path).lines[0]["schema"] == "whcli.version/1"


@pytest.mark.parametrize(
    "command", ["listen", "list", "show", "diff", "replay", "sign", "verify", "rm", "demo", "help"]
)
def test_every_command_has_help_with_examples(tmp_path: Path, command: str) -> None:
    done = whcli(command, "-h", folder=tmp_path)
    assert done.code == 0 and f"Usage: whcli {command}" in done.out and f"  whcli {command}" in done.out


def test_a_wrong_command_or_option_gets_a_suggestion(tmp_path: Path) -> None:
    wrong = whcli("listn", folder=tmp_path)
    assert wrong.code == 2 and "did you mean: 'listen'" in wrong.err
    assert "--where" in whcli("list", "--wher", "x", folder=tmp_path).err


@pytest.mark.parametrize("topic", ["exit-codes", "environment", "config", "filters", "replay"])
def test_help_knows_topics_and_commands(tmp_path: Path, topic: str) -> None:
    done = whcli("help", topic, folder=tmp_path)
    assert done.code == 0 and len(done.out.splitlines()) > 3


def test_a_closed_pipe_is_exit_141(tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.program import environment

    store_with(tmp_path, *[(b"/%d" % n, b"") for n in range(3000)])
    command = f"'{sys.executable}' -m whcli list -n 0 --json | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("141", "")


def test_a_bug_is_one_line_with_a_crash_log_that_holds_no_secret(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/", b""))
    code = (
        "import sys, whcli.rules.match as m\n"
        "def broken(*a, **k): raise RuntimeError('whsec_topsecret')\n"
        "m.differences = broken\n"
        "import whcli.hands.storing.store as s; s.differences = broken\n"
        "sys.argv = ['whcli', 'list', '--json']\n"
        "from whcli.cli import main; main()"
    )
    import subprocess
    import sys

    from tests.program import environment

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(STRIPE), capture_output=True, text=True
    )
    error = json.loads(done.stderr)
    assert done.returncode == error["exit"] == 70 and "bug" in error["message"]
    log = Path(error["message"].rpartition(" ")[2])
    assert "whsec_" not in log.read_text() + done.stderr and log.stat().st_mode & 0o777 == 0o600
    log.unlink()
