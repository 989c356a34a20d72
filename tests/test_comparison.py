"""`whcli replay --to A --compare-to B`: two handlers, the same bytes, and where their replies differ."""

from __future__ import annotations

import json
import socket
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.program import Done, whcli
from tests.receivers import Receiver, closed_port, split
from tests.test_listen import BODY, STRIPE
from tests.test_look import store_with
from tests.test_replay import captured_stripe


def answer(body: bytes, status: str = "200 OK", *headers: bytes) -> bytes:
    """A raw reply."""
    lines = [b"HTTP/1.1 " + status.encode(), *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


JSON = b"Content-Type: application/json"


class Counting:
    """A handler whose replies hold a number that grows with every request."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._numbers = count(1)

    def __call__(self, connection: socket.socket, _: bytes) -> bool:
        connection.sendall(answer(self._body % next(self._numbers), "200 OK", JSON))
        return True


def compared(folder: Path, one: str, other: str, *arguments: str) -> Done:
    """The command."""
    return whcli("replay", "all", "--to", one, "--compare-to", other, *arguments, folder=folder)


SAME: dict[str, tuple[bytes, bytes]] = {
    "the same bytes": (answer(b"ok"), answer(b"ok")),
    "JSON in another order": (answer(b'{"a":1,"b":2}', "200 OK", JSON), answer(b'{ "b": 2, "a": 1 }', "200 OK", JSON)),
    "a header nobody acts upon": (answer(b"ok", "200 OK", b"Server: a"), answer(b"ok", "200 OK", b"Server: b")),
    "both fail alike": (answer(b"no", "500 No"), answer(b"no", "500 No")),
}


@pytest.mark.parametrize("replies", SAME.values(), ids=SAME)
def test_nothing_that_differs_is_exit_0(tmp_path: Path, replies: tuple[bytes, bytes]) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver(replies[0]) as one, Receiver(replies[1]) as other:
        done = compared(tmp_path, one.url, other.url)
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 the same.")


DIFFER: dict[str, tuple[bytes, bytes, dict[str, str]]] = {
    "the status": (answer(b""), answer(b"", "422 No"), {"field": "status", "one": "200", "other": "422"}),
    "a field of the body": (
        answer(b'{"a":1}', "200 OK", JSON),
        answer(b'{"a":2}', "200 OK", JSON),
        {"field": "body.a", "one": "1", "other": "2"},
    ),
    "a header that matters": (
        answer(b"", "429 No", b"Retry-After: 5"),
        answer(b"", "429 No", b"Retry-After: 9"),
        {"field": "headers.retry-after", "one": "5", "other": "9"},
    ),
}


@pytest.mark.parametrize(("one", "other", "difference"), DIFFER.values(), ids=DIFFER)
def test_a_difference_is_exit_1(tmp_path: Path, one: bytes, other: bytes, difference: dict[str, str]) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver(one) as a, Receiver(other) as b:
        done = compared(tmp_path, a.url, b.url, "--json")
        told = compared(tmp_path, a.url, b.url)
    [line] = done.lines
    assert (done.code, line["schema"], line["equal"]) == (1, "whcli.comparison/1", False)
    assert line["differences"] == [difference]
    assert told.code == 1 and "✗ 1 difference" in told.out and difference["field"] in told.out


def test_what_changes_by_itself_is_learned_and_told_but_not_compared(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver(Counting(b'{"n":%d,"a":1}')) as one, Receiver(answer(b'{"n":77,"a":1}', "200 OK", JSON)) as other:
        done = compared(tmp_path, one.url, other.url)
        [line] = compared(tmp_path, one.url, other.url, "--json").lines
    assert done.code == 0 and "not compared, it changes by itself: body.n" in done.out
    assert (line["noise"], line["equal"]) == (["body.n"], True)


def test_noise_hides_nothing_else(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver(Counting(b'{"n":%d,"a":1}')) as one, Receiver(answer(b'{"n":77,"a":2}', "200 OK", JSON)) as other:
        [line] = compared(tmp_path, one.url, other.url, "--json").lines
    assert [each["field"] for each in line["differences"]] == ["body.a"]


def sent(request: bytes) -> tuple[Any, ...]:
    """A request without what may differ: Host and the signature."""
    line, headers, body = split(request)
    return line, [pair for pair in headers if pair[0].lower() not in (b"host", b"stripe-signature")], body


def test_the_first_is_asked_twice_the_second_once_with_the_same_bytes(tmp_path: Path) -> None:
    captured_stripe(tmp_path)
    with Receiver() as one, Receiver() as other:
        arguments = ("--compare-to", other.url, "--set", "body.livemode=true", "--shift-time", "now")
        done = whcli("replay", "1", "--to", one.url, *arguments, folder=tmp_path, env=STRIPE)
        first, second = one.wait(2)
        [third] = other.wait(1)
    assert done.code == 0 and first == second
    assert sent(first) == sent(third) and b"Stripe-Signature" in third and BODY not in third
    assert (len(one.requests), len(other.requests)) == (2, 1)


def test_every_reply_is_recorded(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver() as one, Receiver(answer(b"", "500 No")) as other:
        compared(tmp_path, one.url, other.url)
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    assert sorted(each["status"] for each in event["deliveries"]) == [200, 200, 500]


def test_one_line_an_event(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/1", b"{}"), (b"/2", b"{}"))
    with Receiver() as one, Receiver() as other:
        lines = compared(tmp_path, one.url, other.url, "--json", "--reverse").lines
    assert [line["event_id"] for line in lines] == [2, 1]
    assert lines[0]["one"]["url"] == one.url + "/2" and lines[0]["other"]["url"] == other.url + "/2"


def test_a_target_that_cannot_be_reached_is_exit_5(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver() as one:
        done = compared(tmp_path, one.url, f"http://localhost:{closed_port()}")
    assert done.code == 5 and "→ refused" in done.out


def test_the_second_target_must_be_trusted_too(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver() as one:
        done = compared(tmp_path, one.url, "http://192.0.2.1", "--json")
    assert done.code == 2 and json.loads(done.err)["code"] == "target_refused" and one.requests == []


@pytest.mark.parametrize(
    "arguments",
    [("--race", "2"), ("--duplicate", "2"), ("--retries", "slack"), ("--permutations",), ("--concurrency", "4")],
    ids=lambda arguments: arguments[0],
)
def test_what_makes_no_sense_beside_it_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    done = compared(tmp_path, "http://localhost:1", "http://localhost:2", *arguments)
    assert done.code == 2 and arguments[0] in done.err
