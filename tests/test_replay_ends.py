"""How a replay ends: reported, interrupted, with an error, with nobody who reads, with events that are gone."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from array import array
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.handlers import GITHUB, SILENCE, SLACK, Counting, Handler, kept, reply, three
from tests.program import Done, environment, until, whcli
from whcli.commands.replaying.start import Ended
from whcli.hands.loops import run as on_loop
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store

# -- the end


def test_a_report_is_told_and_the_junit_file_parses(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    with Handler(lambda n, _: reply(500 if n == 2 else 200)) as handler:
        done = replay("all", "--to", handler.url, "--report", "--junit", "out.xml")
        as_json = replay("1", "--to", handler.url, "--report", "--json")
    assert done.code == 1 and "3 sent, 2 ok, 1 failed (1 × 500)" in done.out and "p95" in done.out and "█" in done.out
    suites = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")
    assert [case.get("name") for case in suites.iter("testcase")] == ["#1", "#2", "#3"]
    delivery, report = as_json.lines
    assert delivery["schema"] == "whcli.delivery/1" and delivery["status"] == 200
    assert (report["schema"], report["sent"], report["ok"]) == ("whcli.report/1", 1, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_more_deliveries_at_once_than_a_shell_lets_open_files(tmp_path: Path) -> None:
    three(tmp_path)
    with Handler(hold=0.3) as handler:
        command = [sys.executable, "-m", "whcli", "replay", "1", "--to", handler.url, "--race", "150"]
        done = subprocess.run(
            ["sh", "-c", 'ulimit -S -n 64 && exec "$@"', "sh", *command],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0 and "150 ok." in done.stdout, done.stdout[-500:] + done.stderr


def test_the_last_line_says_how_each_ended(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(8)])
    with Handler(lambda n, _: (reply(), reply(500), SILENCE)[n % 3]) as handler:
        done = replay("all", "--to", handler.url, "--timeout", "200ms", "--drop", "0.3")
        as_json = replay("all", "--to", handler.url, "--drop", "1", "--report", "--json")
    sent = done.out.count("POST")
    words = dict(part.split(" ", 1)[::-1] for part in done.out.splitlines()[-1].rstrip(".").split(", "))
    assert set(words) == {"ok", "not 2xx", "without a reply", "dropped"}
    assert int(words.pop("dropped")) == 8 - sent > 0 and sum(map(int, words.values())) == sent
    assert done.code == 1
    assert as_json.lines == [{**as_json.lines[0], "sent": 0, "dropped": 8}] and as_json.code == 0


def test_what_a_provider_does_not_take_for_success_is_not_taken(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    with Handler(reply(202)) as handler:
        done = replay("1", "--to", handler.url, "--retries", "linear", "--compress", "max")
    assert done.code == 1 and done.out.endswith("1 not taken, 3 retried.\n")


def test_filters_that_nothing_matches_are_no_success(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    with Handler() as handler:
        done = replay("--type", "nosuch.*", "--to", handler.url)
        assert (done.code, done.out) == (3, "") and "no event matches" in done.err
        assert replay("--failed", "--to", handler.url).code == 0


def test_a_junit_file_that_cannot_be_is_told_before_anything_is_sent(
    tmp_path: Path, replay: Callable[..., Done]
) -> None:
    three(tmp_path)
    with Handler() as handler:
        done = replay("all", "--to", handler.url, "--junit", "no/such/out.xml")
    assert done.code == 2 and "no/such" in done.err and handler.requests == []


def test_those_slower_than_the_provider_waits_are_counted(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    with Handler(hold=1.3) as handler:
        done = replay("1", "--to", handler.url, "--retries", "wix", "--timeout", "9", "--report", "--json")
    assert done.code == 0 and done.lines[-1]["slow"] == {"provider": "wix", "timeout_ms": 1250.0, "slower": 1}


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)],
    ids=["interrupted", "terminated", "the terminal closed"],
)
def test_an_ended_run_tells_what_was_sent_and_all_of_it_is_recorded(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    three(tmp_path)
    with Handler(lambda n, _: SILENCE if n == 2 else reply()) as handler:
        process = begun(tmp_path, "all", "--to", handler.url, "--report", "--junit", "out.xml")
        until(lambda: len(handler.requests) == 2)
        process.send_signal(sent)
        out, err = process.communicate(timeout=10)
    assert process.returncode == code, err
    assert "2 sent, 1 ok, 1 failed (1 × interrupted)" in out and err == ""
    assert ElementTree.parse(tmp_path / "out.xml").getroot().get("tests") == "2"
    shown = [whcli("show", str(n), "--json", folder=tmp_path).lines[0]["deliveries"] for n in (1, 2, 3)]
    found = [[(each["status"], each["failure"]) for each in deliveries] for deliveries in shown]
    assert found == [[(200, None)], [(None, "interrupted")], []]


def begun(folder: Path, *arguments: str, out: Path | None = None) -> subprocess.Popen[str]:
    """A `whcli replay` under way; `out` takes what it prints, where that may be more than a pipe holds."""
    with open(out or os.devnull, "wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "whcli", "replay", *arguments],
            cwd=folder,
            env=environment(),
            stdout=file if out else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def test_all_that_was_answered_before_the_end_is_recorded(tmp_path: Path) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(300)])
    with Handler(lambda n, _: SILENCE if n > 150 else reply()) as handler:
        process = begun(tmp_path, "all", "--to", handler.url, "--concurrency", "16", "--json", out=tmp_path / "out")
        until(lambda: len(handler.requests) == 150 + 16)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    lines = (tmp_path / "out").read_text().splitlines()
    told = [(line["event_id"], line["status"]) for line in map(json.loads, lines)]
    with Store(tmp_path / ".whcli") as store:
        kept_too = [(n, each.reply and each.reply.status) for n in range(1, 301) for each in store.deliveries(n)]
    assert process.returncode == 143 and sorted(told, key=str) == sorted(kept_too, key=str)
    assert [status for _, status in told].count(200) == 150 and len(told) == 166


def test_a_probe_that_hangs_ends_together_with_the_run(tmp_path: Path) -> None:
    three(tmp_path)
    with Handler() as handler:
        probe = "echo $$ > new; mv new pid; sleep 60; true"
        process = begun(tmp_path, "1", "--to", handler.url, "--duplicate", "2", "--probe", probe)
        until((tmp_path / "pid").exists)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 143 and out == "nothing was sent.\n"
    until(lambda: not alive(int((tmp_path / "pid").read_text())))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interruption_between_two_attempts_tells_of_the_first(tmp_path: Path) -> None:
    kept(tmp_path, SLACK)
    with Handler(reply(500)) as handler:
        process = begun(tmp_path, "1", "--to", handler.url, "--retries", "square", out=tmp_path / "out")
        until(lambda: "attempt 2" in (tmp_path / "out").read_text())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    out = (tmp_path / "out").read_text()
    assert process.returncode == 130 and out.endswith("↳ attempt 2 in 1m\n1 unfinished.\n"), err
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    assert [each["status"] for each in event["deliveries"]] == [500]


@pytest.mark.parametrize(
    ("sent", "code", "how"),
    [
        (signal.SIGINT, 130, ()),
        (signal.SIGTERM, 143, ("--json", "--concurrency", "8")),
        (signal.SIGHUP, 143, ("--compare-to",)),
    ],
    ids=["interrupted, in words", "terminated, as JSON", "the terminal closed, a comparison"],
)
@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="only Linux makes a pipe small")
def test_output_that_nobody_reads_holds_off_no_end(
    tmp_path: Path, sent: signal.Signals, code: int, how: tuple[str, ...]
) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(200)])
    junit = () if "--compare-to" in how else ("--junit", "out.xml")
    with Handler(b"HTTP/1.1 500 It\r\nX: %b\r\nContent-Length: 0\r\n\r\n" % (b"x" * 4000)) as handler, Handler() as two:
        to = (*how, two.url) if "--compare-to" in how else how
        process = begun(tmp_path, "all", "--to", handler.url, *to, *junit)
        assert process.stdout is not None
        fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, 4096)  # one line fills it
        until(lambda: unread(process) and stands(handler.requests))
        process.send_signal(sent)
        try:
            assert process.wait(10) == code
        finally:
            process.kill()
        _, err = process.communicate()
    count = len(handler.requests)
    assert err == "" and 0 < count < 2 * 200
    with Store(tmp_path / ".whcli") as store:
        recorded = sum(each.url.startswith(handler.url) for n in range(1, 201) for each in store.deliveries(n))
    assert recorded == count
    if junit:
        assert ElementTree.parse(tmp_path / "out.xml").getroot().get("tests") == str(count)


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)], ids=["INT", "TERM", "HUP"]
)
def test_a_signal_cancels_a_walk_and_afterwards_interrupts(sent: signal.Signals, code: int) -> None:
    before, ended = signal.getsignal(sent), Ended()

    async def walk() -> None:
        signal.raise_signal(sent)
        assert ended() and ended.exit == code
        await asyncio.sleep(60)

    with ended.by_signal():
        with pytest.raises(asyncio.CancelledError):
            on_loop(ended.walk(walk()))
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(sent)
    assert signal.getsignal(sent) is before and ended.exit == code


def stands(requests: list[bytes]) -> bool:
    """No more come for a while."""
    count = len(requests)
    time.sleep(0.2)
    return count == len(requests)


def unread(process: subprocess.Popen[str]) -> int:
    """Bytes that wait in the pipe of a process's output."""
    assert process.stdout is not None
    found = array("i", [0])
    fcntl.ioctl(process.stdout.fileno(), termios.FIONREAD, found)
    return found[0]


def test_unfinished_attempts_are_told_and_each_is_a_failed_case(tmp_path: Path) -> None:
    kept(tmp_path, SLACK, GITHUB)
    with Handler(reply(503)) as handler:
        how = ("--retries", "square", "--report", "--json", "--junit", "out.xml")
        process = begun(tmp_path, "1", "2", "--to", handler.url, *how)
        until(lambda: len(handler.requests) == 2)
        assert process.stdout is not None and len([process.stdout.readline() for _ in range(2)]) == 2
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130, err
    report = json.loads(out)
    assert (report["sent"], report["ok"], report["failed"], report["unfinished"]) == (2, 0, 0, 2)
    assert report["failures"] == {"503": 2}
    suites = ElementTree.parse(tmp_path / "out.xml").getroot()
    told = [failure.get("message", "") for failure in suites.iter("failure")]
    assert suites.get("failures") == "2" and [case.get("name") for case in suites.iter("testcase")] == ["#1", "#2"]
    assert all(each.startswith("503 from http://") and each.endswith("ended before attempt 2") for each in told), told


@pytest.mark.parametrize("json", [False, True], ids=["in words", "as JSON"])
def test_a_store_that_is_locked_is_told_after_the_report(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, json: bool
) -> None:
    monkeypatch.setattr("whcli.hands.storing.opening.BUSY", 0.05)
    three(tmp_path)
    how = ("--report", "--junit", "out.xml", *(["--json"] if json else []))
    with Handler() as handler, closing(sqlite3.connect(tmp_path / ".whcli" / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = replay("all", "--to", handler.url, *how)
    assert done.code == 7 and "locked" in done.err and len(handler.requests) == 3
    assert done.lines[-1]["ok"] == 3 if json else "3 sent, 3 ok\n" in done.out
    assert ElementTree.parse(tmp_path / "out.xml").getroot().get("tests") == "3"


def test_a_probe_that_fails_on_the_way_is_told_after_the_report(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    (tmp_path / "state").write_text("0")

    def breaks(number: int, _: bytes) -> bytes:
        if number == 2:
            (tmp_path / "state").unlink()
        return reply()

    with Handler(breaks) as handler:
        done = replay("all", "--to", handler.url, "--duplicate", "2", "--probe", "cat state")
    assert done.code == 2 and "the --probe command ended with 1" in done.err and "2 ok.\n" in done.out


# -- what is removed meanwhile


def removes(folder: Path, *ids: int, at: int = 1) -> Callable[[int, bytes], bytes]:
    """A handler beside which events are removed while it has its request number `at`."""

    def answer(number: int, _: bytes) -> bytes:
        if number == at:
            with Store(folder / ".whcli") as store:
                assert store.remove(ids) == len(ids)
        return reply()

    return answer


@pytest.mark.parametrize("how", [(), ("--concurrency", "2"), ("--race", "2"), ("--shuffle",)], ids=" ".join)
def test_an_event_that_is_removed_during_a_run_is_told_and_the_others_are_sent(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    monkeypatch.setattr("whcli.hands.sending.replayer.PAGE", 1)
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(1, 7)])
    with Handler(removes(tmp_path, 3, 4)) as handler:
        done = replay("all", "--to", handler.url, "--report", "--junit", "out.xml", *how)
    copies = 2 if "--race" in how else 1
    gone = 2 * copies
    assert sorted(set(handler.bodies)) == [b"1", b"2", b"5", b"6"] and len(handler.requests) == 4 * copies
    assert done.code == 1 and done.err == ""
    assert f"{4 * copies} sent, {4 * copies} ok, {gone} not sent ({gone} × removed)" in done.out
    assert "not sent: event #3 was removed meanwhile\n" in done.out and "event #4 was removed" in done.out
    suites = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suites.get("tests"), suites.get("errors")) == (str(6 * copies), str(gone))


def test_an_event_removed_between_two_attempts_is_told_as_json(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whcli.hands.sending.replayer.PAGE", 1)
    kept(tmp_path, SLACK, GITHUB)
    gone = removes(tmp_path, 1)

    def fails(number: int, request: bytes) -> bytes:
        gone(number, request)
        return reply(500 if number == 1 else 200)

    with Handler(fails) as handler:
        how = ("--retries", "slack", "--compress", "max", "--report", "--json")
        done = replay("1", "2", "--to", handler.url, *how)
    [told] = [line for line in done.lines if line["schema"] == "whcli.unsent/1"]
    assert (told["event"], told["attempt"], told["code"]) == ("#1", 2, "removed")
    report = done.lines[-1]
    assert (report["sent"], report["ok"], report["unsent"], report["unfinished"]) == (2, 1, 1, 0) and done.code == 1


def test_a_proof_tells_what_it_saw_of_an_event_that_is_removed(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whcli.hands.sending.replayer.PAGE", 1)
    three(tmp_path)
    gone, counts = removes(tmp_path, 1, at=5), Counting(tmp_path, lambda n: n, lambda n: 200)

    def answer(number: int, request: bytes) -> bytes:
        gone(number, request)
        return counts(number, request)

    with Handler(answer) as handler:
        how = ("--duplicate", "3", "--delay", "10ms", "--probe", "cat state", "--json")
        done = replay("all", "--to", handler.url, *how)
    probes = {line["event"]: line for line in done.lines if line["schema"] == "whcli.probe/1"}
    assert handler.bodies == [b"1", b"2", b"3", b"1", b"2", b"3", b"2", b"3"]
    assert [probes[name]["deliveries"] for name in ("#1", "#2", "#3")] == [2, 3, 3]
    assert done.code == 1 and probes["#1"]["holds"] is False


def test_a_comparison_goes_on_without_an_event_that_is_removed(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whcli.hands.sending.replayer.PAGE", 1)
    three(tmp_path)
    with Handler(removes(tmp_path, 2)) as one, Handler() as other:
        done = replay("all", "--to", one.url, "--compare-to", other.url)
        as_json = replay("1", "--to", one.url, "--compare-to", other.url, "--json")
    assert other.bodies == [b"1", b"3", b"1"] and done.code == 1 and as_json.code == 0
    assert "#2  not sent: event #2 was removed meanwhile\n" in done.out and "2 the same, 1 not sent.\n" in done.out


def test_an_interrupted_comparison_records_the_delivery_under_way(tmp_path: Path) -> None:
    three(tmp_path)
    with Handler() as one, Handler(SILENCE) as other:
        process = begun(tmp_path, "1", "2", "--to", one.url, "--compare-to", other.url)
        until(lambda: len(other.requests) == 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130 and err == "" and out == "1 interrupted.\n"
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    assert [(each["status"], each["failure"]) for each in event["deliveries"]] == [(200, None), (None, "interrupted")]
