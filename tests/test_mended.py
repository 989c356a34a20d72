"""Small promises that were once broken: closed streams, narrow terminals, flags that go nowhere, half sentences."""

from __future__ import annotations

import importlib
import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import DEADLINE, environment, whcli
from tests.test_look import store_with
from whcli.hands.storing.store import Store
from whcli.rules.compare import MISSING, compared
from whcli.rules.curl import curl_command
from whcli.rules.lines import event_line, trouble
from whcli.words.event import SIGNATURES, Delivery, Entry, Event, Facts, Outgoing, Reply

CLOCK = "14:03:07.412"
SENT = Delivery(event_id=133, kind="forward", sent_at=1.0, method=b"POST", url="http://localhost:3000", latency=0.038)
ENTRY = Entry(
    id=133,
    uid="01",
    received_at=1.0,
    method=b"POST",
    target=b"/webhooks/stripe",
    size=1912,
    peer=None,
    facts=Facts(provider="stripe", type="invoice.paid", signature="valid"),
    last=replace(SENT, reply=Reply(status=200)),
)


def line_of(entry: Entry, width: int) -> str:
    return "".join(text for text, _ in event_line(entry, CLOCK, width))


# -- narrow terminals -----------------------------------------------------------------------------------------------


def test_sixty_columns_hold_an_event_without_blanks() -> None:
    assert line_of(ENTRY, 60) == "14:03:07 #133 POST /webhooks/stripe invoice.paid ✓ sig → 200"


LASTS = (None, ENTRY.last, replace(SENT, failure="refused"), replace(SENT, failure="connect_timeout"))


@given(
    st.integers(60, 200),
    st.sampled_from(SIGNATURES),
    st.sampled_from(LASTS),
    st.none() | st.integers(1, 9999),
    st.text("abc/", max_size=90),
    st.none() | st.text("abc.", min_size=1, max_size=90),
)
def test_a_line_fits_its_terminal(
    width: int, state: str, last: Delivery | None, twin: int | None, path: str, kind: str | None
) -> None:
    facts = Facts(provider="gitlab-signing", type=kind, signature=state, duplicate_of=twin)  # type: ignore[arg-type]
    entry = replace(ENTRY, id=9999, target=b"/" + path.encode(), facts=facts, last=last)
    assert len(line_of(entry, width)) <= width


@pytest.mark.parametrize(("failure", "words"), [("refused", "start it, then: "), ("timeout", "again: ")])
def test_only_a_handler_that_refuses_is_to_be_started(failure: str, words: str) -> None:
    line = trouble(replace(ENTRY, last=replace(SENT, failure=failure, error="it failed")))
    assert line == f"it failed · {words}whcli replay 133"


# -- streams that are closed or full --------------------------------------------------------------------------------


def event(**fields: object) -> Event:
    known: dict[str, object] = {
        "id": 1,
        "uid": "01",
        "version": "1.1",
        "received_at": 1.0,
        "method": b"POST",
        "target": b"/x",
        "headers": ((b"Host", b"localhost"),),
        "body": b"{}",
    }
    return Event(**(known | fields))  # type: ignore[arg-type]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `whcli` is this one."""
    return subprocess.run(
        ["sh", "-c", f'whcli() {{ "{sys.executable}" -m whcli "$@"; }}; {line}'],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=DEADLINE,
    )


STREAMS = {
    "stdout is closed": ("whcli list >&-", 0),
    "stdin is closed": ("whcli rm all <&-", 3),
    "the secret is to come from a closed stdin": ("whcli sign github --secret - <&-", 2),
    "stderr is closed": ("whcli show 999 2>&-", 3),
    "all are closed": ("whcli list <&- >&- 2>&-", 0),
}


@pytest.mark.parametrize(("line", "code"), STREAMS.values(), ids=STREAMS.keys())
def test_a_closed_stream_is_no_bug(line: str, code: int, folder: Path) -> None:
    Store(folder, create=True).close()
    assert shell(line).returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["--version", "--help", "help exit-codes", "schemes"])
def test_a_full_stdout_is_one_sentence(command: str) -> None:
    done = shell(f"whcli {command} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: standard output cannot be written: No space left on device"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stderr_leaves_the_exit_code() -> None:
    assert shell("whcli show 999 2>/dev/full").returncode == 3


# -- flags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("--debug", "list"), ("list", "--debug"), ("list", "--no-pager", "--debug")])
def test_flags_for_everywhere_are_taken_at_any_place(arguments: tuple[str, ...], folder: Path) -> None:
    Store(folder, create=True).close()
    assert whcli(*arguments, folder=folder.parent).code == 0


def test_behind_two_hyphens_nothing_is_a_flag(tmp_path: Path) -> None:
    done = whcli("show", "--", "--debug", folder=tmp_path)
    assert done.code != 0 and "--debug" in done.err


@pytest.mark.parametrize("command", ["", "schemes", "fixtures", "store", "tls"])
def test_a_list_of_commands_cuts_no_sentence_short(command: str, tmp_path: Path) -> None:
    done = whcli(*command.split(), "--help", folder=tmp_path, env={"COLUMNS": "80"})
    listed = done.out.partition("Commands:")[2].partition("Examples:")[0].splitlines()
    assert listed and not [line for line in listed if line.endswith("...")]


@pytest.mark.parametrize("command", ["verify", "replay", "listen", "test"])
def test_an_example_stands_on_one_line_however_narrow_the_terminal_is(command: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"whcli.commands.{command}")
    shown = whcli(command, "--help", folder=tmp_path, env={"COLUMNS": "60"}).out.splitlines()
    examples = [line for line in module.EXAMPLES.splitlines() if line.startswith("  ")]
    assert examples and set(examples) <= set(shown)


def test_a_folder_that_was_removed_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    line = f'cd gone && rmdir ../gone && exec "{sys.executable}" -m whcli list'
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 2 and "the working directory is not there any more" in done.stderr


def test_help_lists_the_commands_in_their_order_and_one_version_flag(tmp_path: Path) -> None:
    out = whcli("--help", folder=tmp_path).out
    assert out.index("  schemes ") < out.index("  handshake ") < out.index("  help ")
    assert "no-version" not in out


REFUSED = {
    "a negative number": (("list", "-n", "-5"), "-5"),
    "a function that jmespath does not have": (("list", "--where", "nofn(body)"), "there is no function nofn()"),
    "a function in a branch that is never taken": (("list", "--where", "`false` && nofn(@)"), "no function nofn()"),
    "too many arguments": (("list", "--where", "length(a, b)"), "length() does not take 2 arguments"),
    "a reply's header": (("listen", "--reply-header", "bad"), "--reply-header 'bad' is no header"),
    "two forms": (("show", "--raw", "--json"), "--raw and --json do not go together"),
    "two other forms": (("show", "--body", "--curl"), "--body or --headers and --curl do not go together"),
    "a method that is no token": (("sign", "github", "--secret", "x", "--method", "P\udcffT"), "--method takes no"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], words: str, folder: Path) -> None:
    Store(folder, create=True).close()
    done = whcli(*arguments, folder=folder.parent)
    assert done.code == 2
    assert words in done.err


FILES = {
    "a port beyond all ports": ("[listen]\nport = 99999", "listen.port"),
    "a port below": ("[listen]\nport = -1", "listen.port"),
    "a target that is not HTTP": ('[targets]\na = "ftp://x"', "targets.a"),
}


@pytest.mark.parametrize(("text", "key"), FILES.values(), ids=FILES.keys())
def test_a_file_that_makes_no_sense_is_refused(text: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text(text)
    done = whcli("sign", "github", "--secret", "env:HOME", folder=tmp_path)
    assert done.code == 2
    assert f"error: '{key}' in " in done.err


def test_a_refused_target_is_a_whole_sentence(folder: Path) -> None:
    store_with(folder.parent, (b"/x", b"{}"))
    done = whcli("replay", "1", "--to", "http://192.0.2.1/x", folder=folder.parent)
    first = done.err.splitlines()[0]
    assert done.code == 2
    assert first == (
        "error: nothing was sent to http://192.0.2.1, which is not on this machine: there is no terminal to ask on"
    )


# -- what is printed ------------------------------------------------------------------------------------------------


def test_an_error_in_json_has_its_details(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[listen]\nforwrd = "x"')
    done = whcli("sign", "github", "--secret", "env:HOME", "--json", folder=tmp_path)
    assert json.loads(done.err)["details"] == {"did you mean": "'listen.forward'"}


def test_a_header_that_is_missing_is_not_one_that_says_none() -> None:
    one, other = event(), event(headers=((b"Host", b"localhost"), (b"X", b"none")))
    (found,) = compared(one, other)
    assert found.wanted is MISSING
    assert found.got == "none" and found.got is not MISSING


def test_curl_has_no_empty_line() -> None:
    headers = ((b"Host", b"localhost"), (b"Accept", b"*/*"), (b"User-Agent", b"x"))
    command = curl_command(Outgoing(method=b"POST", url="http://localhost/x", target=b"/x", headers=headers))
    assert all(line.strip(" \\") for line in command.splitlines())


def on_a_terminal(*arguments: str, folder: Path, **extra: str) -> str:
    """What a terminal of ten lines is shown."""
    ours, theirs = pty.openpty()
    env = environment({"LINES": "10", "COLUMNS": "120", "WHCLI_PAGER": "sed s/^/paged:/", **extra})
    if not extra.get("CI"):
        env.pop("CI", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "whcli", *arguments], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # its last holder has closed the terminal
        pass
    finally:
        os.close(ours)
    assert process.wait(DEADLINE) == 0
    return shown.decode()


def test_long_output_goes_through_the_pager(tmp_path: Path) -> None:
    assert on_a_terminal("help", "custom", folder=tmp_path).startswith("paged:A provider")


NO_PAGER: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "it fits": (("help", "custom"), {"LINES": "100"}),
    "--no-pager": (("help", "custom", "--no-pager"), {}),
    "CI": (("help", "custom"), {"CI": "true"}),
    "a pager that is not installed": (("help", "custom"), {"WHCLI_PAGER": "no-such-pager"}),
}


@pytest.mark.parametrize(("arguments", "extra"), NO_PAGER.values(), ids=NO_PAGER.keys())
def test_no_pager(arguments: tuple[str, ...], extra: dict[str, str], tmp_path: Path) -> None:
    shown = on_a_terminal(*arguments, folder=tmp_path, **extra)
    assert shown.startswith("A provider") and "paged:" not in shown


def broken(body: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`whcli schemes` in which the making of standard output does this instead."""
    code = (
        "import os, resource, sys, whcli.hands.render\n"
        f"def broken(*_):\n    {body}\n"
        "whcli.hands.render.stdout = broken\n"
        "sys.argv = ['whcli', 'schemes']\n"
        "from whcli.cli import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment({"TMPDIR": str(folder)}),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


@pytest.mark.skipif(os.name != "posix", reason="the limits are POSIX")
def test_a_crash_whose_log_finds_no_room_is_still_told(tmp_path: Path) -> None:
    done = broken("resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); 1 / 0", tmp_path)
    assert done.returncode == 70 and "Traceback" not in done.stderr
    assert "this is a bug in whcli (ZeroDivisionError), and no crash log can be written: " in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="the limits are POSIX")
def test_no_more_files_is_a_sentence_and_no_bug(tmp_path: Path) -> None:
    body = "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)); [os.open(os.devnull, 0) for _ in range(99)]"
    done = broken(body, tmp_path)
    assert done.returncode == 1 and "no more files can be opened: Too many open files" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []
