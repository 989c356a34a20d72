"""Forwarding that leads back: refused where it can be seen, ended after two hops where it cannot; handlers get all."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.captured import event_of
from tests.program import Listening, listening, until, whcli
from tests.receivers import Receiver, closed_port
from tests.wire import ask, post
from whcli.hands.places import leads_to
from whcli.hands.storing.store import Store
from whcli.rules.loops import DEEP, KEPT, US, WINDOW, Rounds, signed_by_us
from whcli.words.event import Delivery, Event

SPELLINGS = ["{port}", ":{port}", "localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}", "http://127.1:{port}"]
SPELLINGS += ["http://2130706433:{port}/x", "http://0x7f000001:{port}", "[::1]:{port}", "[0:0:0:0:0:0:0:1]:{port}"]
SPELLINGS += ["[::ffff:127.0.0.1]:{port}", "0.0.0.0:{port}", "[::]:{port}", "/hooks/*=http://localhost:{port}"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_listener_does_not_forward_to_itself(tmp_path: Path, spelling: str) -> None:
    port = closed_port()
    target = spelling.format(port=port)
    done = whcli("listen", "--port", str(port), "--forward", target, "--yes", "--timeout", "5", folder=tmp_path)
    assert (done.code, "this listener itself" in done.err) == (2, True), done.err


def test_a_listener_does_not_forward_to_the_public_url_that_leads_to_it(tmp_path: Path) -> None:
    flags = ("--public-url", "https://abc.example.dev/hooks", "--forward", "https://abc.example.dev/x", "--yes")
    done = whcli("listen", "--port", "0", *flags, folder=tmp_path)
    assert (done.code, "this listener itself" in done.err) == (2, True)


def test_a_wildcard_listener_is_at_every_name_of_this_machine(tmp_path: Path) -> None:
    name = socket.gethostname()
    if not leads_to(name, 1, [("0.0.0.0", 1)]):
        pytest.skip("this machine's name leads elsewhere")
    port = closed_port()
    flags = ("--host", "0.0.0.0", "--port", str(port), "--forward", f"http://{name}:{port}", "--yes")
    done = whcli("listen", *flags, folder=tmp_path)
    assert (done.code, "this listener itself" in done.err) == (2, True)


def test_a_replay_does_not_go_to_the_listener_on_its_own_store(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        ask(listener.port, post(b"{}"))
        for spelling in SPELLINGS[:-1]:
            done = whcli("replay", "1", "--to", spelling.format(port=listener.port), "--yes", folder=tmp_path)
            assert (done.code, "the listener on this very store" in done.err) == (2, True), spelling
        with Store(tmp_path / ".whcli") as store:
            assert store.last_id() == 1


# -- through a second listener ----------------------------------------------------------------------------------------


@contextmanager
def two(folder: Path, one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[Listening, Store, Store]]:
    """Two listeners, each with the other as its handler, and their stores."""
    ports = closed_port(), closed_port()
    homes = folder / "one", folder / "other"
    for home in homes:
        home.mkdir()
    first = ("--port", str(ports[0]), "--forward", f"http://localhost:{ports[1]}", *one)
    second = ("--port", str(ports[1]), "--forward", f"http://127.0.0.1:{ports[0]}", *other)
    with (
        listening(*first, folder=homes[0]) as here,
        listening(*second, folder=homes[1]),
        Store(homes[0] / ".whcli") as at_one,
        Store(homes[1] / ".whcli") as at_other,
    ):
        yield here, at_one, at_other


def last_of(store: Store, id: int) -> Delivery | None:
    entry = store.entry(id)
    return entry.last if entry else None


def test_two_listeners_pass_an_event_round_once(tmp_path: Path) -> None:
    """From one to the other and back: two hops; then it is kept and told, for each of twenty events."""
    with two(tmp_path, (), ()) as (one, at_one, at_other):
        for number in range(1, 21):
            assert ask(one.port, post(b'{"n":%d}' % number)).status == 200
            until(lambda number=number: (last := last_of(at_one, 2 * number)) and last.failure == "loop")
            assert (at_one.last_id(), at_other.last_id()) == (2 * number, number)
        error = last_of(at_one, 2)
        assert error is not None and error.error is not None and "a whcli listener: not sent round again" in error.error


@pytest.mark.parametrize(
    ("one", "other"),
    [(["--relay-reply"], []), ([], ["--relay-reply"]), (["--relay-reply"], ["--relay-reply"])],
    ids=["the first relays", "the second relays", "both relay"],
)
def test_relayed_replies_end_the_round_too(tmp_path: Path, one: list[str], other: list[str]) -> None:
    """A reply that is passed back comes late: the first round may be longer, where both relay `DEEP`; then two."""
    status = 508 if one == other else 200
    with two(tmp_path, one, other) as (here, at_one, at_other):
        assert ask(here.port, post(b"first")).status == status
        until(lambda: (last := last_of(at_one, at_one.last_id())) and last.failure == "loop")
        assert at_one.last_id() <= (DEEP + 1 if one == other else 3)
        for number in range(5):
            before = at_one.last_id(), at_other.last_id()
            assert ask(here.port, post(b"%d" % number)).status == status
            until(lambda before=before: (last := last_of(at_one, before[0] + 2)) and last.failure == "loop")
            assert (at_one.last_id(), at_other.last_id()) == (before[0] + 2, before[1] + 1)


# -- and no handler misses anything -----------------------------------------------------------------------------------


def test_a_handler_gets_equal_requests_however_often_they_come(tmp_path: Path) -> None:
    with Receiver() as handler, listening("--forward", handler.url, folder=tmp_path) as listener:
        for _ in range(10):
            ask(listener.port, post(b'{"same":true}'))
        requests = handler.wait(10)
    assert all(b"whcli" not in request.lower() for request in requests)  # and nothing in them tells of us


def test_a_handler_behind_two_listeners_gets_different_requests(tmp_path: Path) -> None:
    homes = tmp_path / "one", tmp_path / "other"
    for home in homes:
        home.mkdir()
    with (
        Receiver() as handler,
        listening("--forward", handler.url, folder=homes[1]) as behind,
        listening("--forward", f"http://localhost:{behind.port}", folder=homes[0]) as front,
    ):
        for number in range(5):
            ask(front.port, post(b"%d" % number))
        assert [request.rpartition(b"\n")[2] for request in handler.wait(5)] == [b"%d" % n for n in range(5)]


def test_a_reply_header_of_the_users_own_stays(tmp_path: Path) -> None:
    with listening("--reply-header", "server: nginx", folder=tmp_path) as listener:
        headers = ask(listener.port, post(b"")).headers
    assert [value for name, value in headers if name.lower() == b"server"] == [b"nginx"]


# -- the rule ---------------------------------------------------------------------------------------------------------

EVENT = event_of(b"POST /in HTTP/1.1\r\nHost: h\r\n\r\n", b"{}")


def test_only_what_went_to_a_listener_not_long_ago_has_come_back() -> None:
    rounds = Rounds()
    rounds.sent(EVENT, 100.0)
    assert rounds.came_back(EVENT, "http://h", 101.0) is None  # a handler, as far as is known
    rounds.answered("http://h", signed_by_us(()))
    assert rounds.came_back(EVENT, "http://h", 101.0) == 1.0
    assert rounds.came_back(EVENT, "http://other", 101.0) is None
    assert rounds.came_back(EVENT, "http://h", 100.0 + WINDOW) is None
    rounds.answered("http://h", ((b"server", b"nginx"),))
    assert rounds.came_back(EVENT, "http://h", 101.0) is None


@given(st.binary(max_size=4), st.binary(max_size=4), st.binary(max_size=4))
def test_requests_that_differ_are_not_taken_for_each_other(method: bytes, target: bytes, body: bytes) -> None:
    rounds = Rounds()
    rounds.answered("o", (US,))
    rounds.sent(EVENT, 0.0)
    other = Event(id=2, uid="", received_at=0, method=method, target=target, version="1.1", headers=(), body=body)
    equal = (method, target, body) == (EVENT.method, EVENT.target, EVENT.body)
    assert (rounds.came_back(other, "o", 0.0) is not None) is equal


def test_memory_is_bounded_and_waiting_is_counted_while_it_lasts() -> None:
    rounds = Rounds()
    for number in range(KEPT + 10):
        rounds.sent(event_of(b"POST /%d HTTP/1.1\r\n\r\n" % number), 0.0)
    assert len(rounds._sent) == KEPT
    for _ in range(2):
        waits = [rounds.waiting(EVENT) for _ in range(DEEP + 1)]
        assert [wait.__enter__() for wait in waits] == [False] * DEEP + [True]
        for wait in waits:
            wait.__exit__(None, None, None)
    assert not rounds._waiting


def test_a_place_of_this_machine_is_known_however_it_is_spelled() -> None:
    at = [("127.0.0.1", 80), ("::1", 80)]
    for host in ("localhost", "127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1"):
        assert leads_to(host, 80, at), host
    for host, port in (("127.0.0.1", 81), ("192.0.2.1", 80), ("no.such.name.invalid", 80), ("127.0.0.2", 80)):
        assert not leads_to(host, port, at), host
    assert leads_to("127.0.0.2", 80, [("0.0.0.0", 80)]) or os.uname().sysname != "Linux"
