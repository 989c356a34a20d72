"""`whcli wait`, and the cursors that make it race free."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import environment, listening, whcli
from tests.test_listen import STRIPE, post, signed
from tests.test_look import store_with
from whcli.hands.storing.store import Store


def test_it_ends_the_moment_enough_events_are_there_and_prints_them(tmp_path: Path) -> None:
    with listening(folder=tmp_path, env=STRIPE) as listener:
        post(listener.url + "/hooks", headers=signed(tmp_path))
        post(listener.url + "/other")
        done = whcli("wait", "--signature", "valid", "--json", folder=tmp_path)
        assert done.code == 0
        [event] = done.lines
        assert event["schema"] == "whcli.event/1" and event["id"] == 1 and event["type"] == "charge.succeeded"
        told = whcli("wait", "--count", "2", folder=tmp_path)
        assert told.code == 0 and [line.split()[0] for line in told.out.splitlines()] == ["ID", "1", "2"]


def test_it_is_woken_by_an_event_that_comes_later(tmp_path: Path) -> None:
    with listening(folder=tmp_path, env=STRIPE) as listener:
        command = [sys.executable, "-m", "whcli", "wait", "--type", "charge.*", "--json"]
        waiter = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE)
        post(listener.url + "/other")
        post(listener.url + "/hooks", headers=signed(tmp_path))
        out, _ = waiter.communicate(timeout=20)
    assert waiter.returncode == 0 and [json.loads(line)["id"] for line in out.splitlines()] == [2]


def test_out_of_time_the_near_misses_say_which_condition_failed(tmp_path: Path) -> None:
    with listening(folder=tmp_path, env=STRIPE) as listener:
        post(listener.url + "/hooks", headers=signed(tmp_path))
        filters = ("--type", "charge.failed", "--timeout", "50ms")
        done = whcli("wait", *filters, folder=tmp_path)
        told = whcli("wait", *filters, "--json", folder=tmp_path)
    assert (done.code, done.out) == (4, "")
    assert "0 of 1 matching events came within 0.05 s" in done.err
    assert "#1 POST /hooks stripe charge.succeeded: type: wanted charge.failed, got charge.succeeded" in done.err
    assert "whcli list --after 0" in done.err
    error = json.loads(told.err)
    assert (error["schema"], error["code"], error["exit"]) == ("whcli.error/1", "timeout", 4)
    assert error["details"] == {
        "#1 POST /hooks stripe charge.succeeded": "type: wanted charge.failed, got charge.succeeded"
    }
    [miss] = error["near_misses"]
    assert miss == {
        "event": 1,
        "differences": [{"field": "type", "wanted": "charge.failed", "got": "charge.succeeded"}],
    }


@pytest.mark.parametrize(
    "also", [("--count", "2"), ("--type", "x"), ("--since-start",), ("--from-now",), ("--after", "1")]
)
def test_waiting_for_a_listener_is_waiting_for_nothing_else(tmp_path: Path, also: tuple[str, ...]) -> None:
    done = whcli("wait", "--ready", "--timeout", "0", *also, folder=tmp_path)
    assert done.code == 2 and "--ready waits for a listener" in done.err


def test_what_came_is_printed_though_it_was_not_enough(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b"{}"))
    done = whcli("wait", "--after", "0", "--count", "2", "--timeout", "0", "--json", folder=tmp_path)
    assert (done.code, [event["id"] for event in done.lines]) == (4, [1])
    assert "1 of 2" in json.loads(done.err)["message"]


def test_none_may_come(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b"{}"))
    quiet = whcli("wait", "--count", "0", "--after", "1", "--timeout", "50ms", folder=tmp_path)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    came = whcli("wait", "--count", "0", "--after", "0", "--timeout", "50ms", folder=tmp_path)
    assert came.code == 1 and came.out.splitlines()[1].split()[0] == "1"
    assert "event #1 came, and none was to" in came.err
    assert [
        event["id"] for event in whcli("wait", "--count", "0", "--after", "0", "--json", folder=tmp_path).lines
    ] == [1]


def test_with_no_listener_it_waits_for_one_within_the_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "whcli", "wait", "--path", "/a"]
    waiter = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE)
    with listening(folder=tmp_path) as listener:
        post(listener.url + "/a")
        assert waiter.wait(20) == 0
        waiter.communicate()
    done = whcli("wait", "--store", str(tmp_path / "none"), "--timeout", "50ms", folder=tmp_path)
    assert done.code == 4 and "no listener began" in done.err
    assert not (tmp_path / "none").exists()


def test_events_of_an_earlier_listener_do_not_count(tmp_path: Path) -> None:
    for _ in range(2):
        with listening("--count", "1", folder=tmp_path) as listener:
            post(listener.url)
            listener.wait()
    assert [event["id"] for event in whcli("wait", "--json", folder=tmp_path).lines] == [2]
    assert whcli("wait", "--count", "2", "--timeout", "0", folder=tmp_path).code == 4
    assert whcli("wait", "--count", "2", "--timeout", "0", "--after", "0", folder=tmp_path).code == 0


def test_the_store_knows_when_each_listener_began(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url)
        pid = listener.process.pid
        listener.wait()
    with Store(tmp_path / ".whcli") as store:
        assert store.listened_after() == 0
        rows = store._rows("SELECT started_after, pid, url, started_at FROM listens")
    assert [row[:3] for row in rows] == [(0, pid, listener.url)] and rows[0][3] > 1_700_000_000


def test_ready_waits_for_a_listener_that_answers(tmp_path: Path) -> None:
    none = whcli("wait", "--ready", "--timeout", "50ms", folder=tmp_path)
    assert none.code == 4 and "no listener began" in none.err
    command = [sys.executable, "-m", "whcli", "wait", "--ready", "--json"]
    waiter = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE)
    with listening(folder=tmp_path) as listener:
        out, _ = waiter.communicate(timeout=20)
        assert json.loads(out) == listener.ready
        assert whcli("wait", "--ready", folder=tmp_path).out == listener.url + "\n"
        assert "0 received" in listener.end().err, "asking whether it answers is no event"
    assert whcli("wait", "--ready", "--timeout", "0", folder=tmp_path).code == 4


def test_interrupted_it_ends_with_130(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b"{}"))
    script = (
        "import sys; from whcli.hands.storing import waiting; look = waiting.Tally.look\n"
        "waiting.Tally.look = lambda self: (look(self), print('looking', flush=True))\n"
        "from whcli.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "wait", "--after", "1"]
    waiter = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiter.stdout is not None and waiter.stdout.readline() == b"looking\n"
    waiter.send_signal(signal.SIGINT)
    assert waiter.communicate(timeout=20)[1] == b"" and waiter.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--after", "1", "--from-now"), "exclude each other"),
        (("--since-start", "--from-now"), "exclude each other"),
        (("--count", "-1"), "--count"),
        (("--timeout", "soon"), "'soon' is not a duration"),
        (("--where", "body.["), "JMESPath"),
        (("--signature", "good"), "--signature takes no 'good'"),
    ],
    ids=["two beginnings", "two other beginnings", "less than none", "no duration", "no expression", "no state"],
)
def test_what_cannot_be_waited_for_is_exit_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = whcli("wait", *arguments, folder=tmp_path)
    assert done.code == 2 and said in done.err


# -- cursors --------------------------------------------------------------------------------------------------------


def test_the_cursor_is_the_newest_arrival_number(tmp_path: Path) -> None:
    assert whcli("list", "--cursor", folder=tmp_path).out == "0\n"
    assert not (tmp_path / ".whcli").exists()
    store_with(tmp_path, *[(b"/%d" % n, b"{}") for n in range(3)])
    assert whcli("list", "--cursor", folder=tmp_path).out == "3\n"
    assert whcli("list", "--cursor", "--json", folder=tmp_path).lines == [{"schema": "whcli.cursor/1", "cursor": 3}]


def test_list_shows_what_lies_behind_a_cursor(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/%d" % n, b"{}") for n in range(5)])
    assert [event["id"] for event in whcli("list", "--after", "3", "--json", folder=tmp_path).lines] == [4, 5]
    assert [event["id"] for event in whcli("list", "--after", "3", "-n", "0", "--json", folder=tmp_path).lines] == [
        4,
        5,
    ]


def test_a_removed_event_gives_its_number_to_no_other(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b"{}"), (b"/2", b"{}"))
    whcli("rm", "2", folder=tmp_path)
    cursor = whcli("list", "--cursor", folder=tmp_path).out.strip()
    store_with(tmp_path, (b"/3", b"{}"))
    done = whcli("wait", "--after", cursor, "--json", folder=tmp_path)
    assert [event["id"] for event in done.lines] == [3]
