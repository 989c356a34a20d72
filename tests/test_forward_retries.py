"""`whcli listen --forward --retries PROVIDER`: a failed forward is tried again as that provider would."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.program import Listening, listening, until, whcli
from tests.receivers import OK, Receiver
from tests.test_listen import BODY, STRIPE, post, signed

NO = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"


class Failing:
    """A handler that fails the first deliveries whose body is `bad`, each in its turn."""

    def __init__(self, times: int, answer: bytes = NO) -> None:
        self._left = times
        self._answer = answer

    def __call__(self, connection: socket.socket, request: bytes) -> bool:
        fails = self._left > 0 and request.endswith(b"bad")
        self._left -= fails
        connection.sendall(self._answer if fails else OK)
        return True


def deliveries(folder: Path, id: int = 1) -> list[tuple[int, int | None]]:
    """Attempt and status of each delivery of an event."""
    [event] = whcli("show", str(id), "--json", folder=folder).lines
    return [(each["attempt"], each["status"]) for each in event["deliveries"]]


def test_a_failed_forward_is_tried_again_until_it_is_taken(tmp_path: Path) -> None:
    arguments = ("--retries", "svix", "--compress", "max")
    with Receiver(Failing(2)) as handler, listening("--forward", handler.url, *arguments, folder=tmp_path) as listener:
        post(listener.url, b"bad")
        requests = handler.wait(3)
        until(lambda: len(deliveries(tmp_path)) == 3)
        done = listener.end()
    assert deliveries(tmp_path) == [(1, 500), (2, 500), (3, 200)]
    assert {request.partition(b"\r\n\r\n")[2] for request in requests} == {b"bad"}
    assert "#1 attempt 3 → 200" in done.out


def test_a_waiting_retry_does_not_hold_up_the_events_behind_it(tmp_path: Path) -> None:
    with (
        Receiver(Failing(1)) as handler,
        listening("--forward", handler.url, "--retries", "svix", folder=tmp_path) as listener,  # 4 s at the least
    ):
        post(listener.url, b"bad")
        post(listener.url, b"good")
        bodies = [request.partition(b"\r\n\r\n")[2] for request in handler.wait(2, seconds=3)]
        done = listener.end()
    assert bodies == [b"bad", b"good"]
    assert done.code == 0 and "1 retry given up · again: whcli replay --failed" in done.out


def test_a_retry_that_hangs_does_not_hold_up_the_events_behind_it(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def hang(connection: socket.socket, request: bytes) -> bool:
        bad = request.endswith(b"bad")
        seen.append(request)
        if not bad or len(seen) == 1:
            connection.sendall(NO if bad else OK)
        return True

    arguments = ("--retries", "svix", "--compress", "max")
    with Receiver(hang) as handler, listening("--forward", handler.url, *arguments, folder=tmp_path) as listener:
        post(listener.url, b"bad")
        handler.wait(2)
        post(listener.url, b"good")
        assert handler.wait(3, seconds=4)[2].endswith(b"good")
        ended(listener)


def ended(listener: Listening) -> None:
    """End a listener whose handler hangs: at most its three seconds."""
    assert listener.end().code == 0


def test_the_provider_s_stop_rule_ends_it(tmp_path: Path) -> None:
    arguments = ("--retries", "standardwebhooks", "--compress", "max", "--count", "1")
    with Receiver(Failing(9, GONE)) as handler:
        with listening("--forward", handler.url, *arguments, folder=tmp_path) as listener:
            post(listener.url, b"bad")
            done = listener.wait()
        assert deliveries(tmp_path) == [(1, 410)]
    assert done.code == 0 and "given up" not in done.out


def test_a_retry_carries_the_provider_s_counter(tmp_path: Path) -> None:
    arguments = ("--retries", "slack", "--compress", "max")
    with Receiver(Failing(1)) as handler, listening("--forward", handler.url, *arguments, folder=tmp_path) as listener:
        post(listener.url, b"bad")
        first, second = (request.lower() for request in handler.wait(2))
        listener.end()
    assert b"x-slack-retry" not in first
    assert b"x-slack-retry-num: 1\r\n" in second and b"x-slack-retry-reason: http_error\r\n" in second


def test_what_was_validly_signed_is_signed_afresh_for_each_attempt(tmp_path: Path) -> None:
    arguments = ("--retries", "stripe", "--compress", "max")
    answers = [NO, OK]

    def talk(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(answers.pop(0))
        return True

    with (
        Receiver(talk) as handler,
        listening("--forward", handler.url, *arguments, folder=tmp_path, env=STRIPE) as listener,
    ):
        post(listener.url, BODY, headers=signed(tmp_path, BODY))
        handler.wait(2)
        until(lambda: len(deliveries(tmp_path)) == 2)
        listener.end()
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    assert [each["signed"] for each in event["deliveries"]] == [None, "stripe"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--retries", "slakc", "--forward", "http://localhost:1"), "'slack'"),
        (("--retries", "slack"), "--retries needs a handler"),
        (("--compress", "max", "--forward", "http://localhost:1"), "--retries"),
        (("--retries", "slack", "--relay-reply", "--forward", "http://localhost:1"), "exclude each other"),
    ],
    ids=["an unknown provider", "no handler", "nothing to compress", "the sender waits for the handler"],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = whcli("listen", "--port", "0", *arguments, folder=tmp_path)
    assert done.code == 2 and said in done.err
