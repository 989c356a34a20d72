"""Sockets and the life of a listener: opening, floods, stopping, sleeping."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.hostile.requests import START, field
from tests.wire import OK, Listener, Wire, ask, listening, post, wait_for
from whcli.hands.listening.connections import Respond
from whcli.hands.listening.framing import Limits
from whcli.hands.listening.server import Server, holder, open_sockets
from whcli.hands.loops import run
from whcli.words.errors import CannotListen, WrongUsage
from whcli.words.event import Arrival, Reply

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


# Opening.


def test_the_default_host_listens_on_both_loopback_addresses_with_one_port() -> None:
    sockets = open_sockets(port=0)
    names = [each.getsockname() for each in sockets]
    close(sockets)
    assert [name[0] for name in names] == ["127.0.0.1", "::1"]
    assert names[0][1] == names[1][1] > 0


@pytest.mark.parametrize(
    ("host", "both", "addresses"),
    [
        ("127.0.0.1", False, ["127.0.0.1"]),
        ("::1", True, ["::1"]),
        ("0.0.0.0", True, ["0.0.0.0"]),
        ("127.0.0.2", True, ["127.0.0.2"]),
    ],
)
def test_another_host_listens_where_it_says(host: str, both: bool, addresses: list[str]) -> None:
    sockets = open_sockets(host, 0, also_ipv6_loopback=both)
    names = [each.getsockname()[0] for each in sockets]
    close(sockets)
    assert names == addresses


def test_the_wildcard_of_ipv6_takes_ipv4_too() -> None:
    sockets = open_sockets("::", 0)
    with socket.create_connection(("127.0.0.1", sockets[0].getsockname()[1]), timeout=5):
        close(sockets)


def test_sockets_are_ready_and_stay_with_this_process() -> None:
    for each in (sockets := open_sockets(port=0)):
        assert not each.get_inheritable()
        assert each.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        with socket.create_connection(each.getsockname()[:2], timeout=5):
            pass
    close(sockets)


def test_a_port_can_be_taken_again_at_once() -> None:
    with listening() as listener:
        assert ask(listener.port, post(headers=b"Connection: close\r\n")).status == 200  # leaves TIME_WAIT with us
    close(open_sockets(port=listener.port))


@pytest.mark.parametrize("taken", ["127.0.0.1", "::1"])
def test_a_taken_port_is_named_with_the_program_that_holds_it(taken: str) -> None:
    (holding,) = open_sockets(taken, 0, also_ipv6_loopback=False)
    port = holding.getsockname()[1]
    with holding, pytest.raises(CannotListen) as caught:
        open_sockets(port=port)
    assert caught.value.message == f"port {port} is already in use"
    assert (caught.value.code, caught.value.exit) == ("port_in_use", 6)
    assert caught.value.next == "whcli listen --port 0        picks a free port"
    if sys.platform == "linux":
        name = Path("/proc/self/comm").read_text().strip()
        assert caught.value.details == (("by", f"{name} (pid {os.getpid()})"),)


def test_the_first_socket_is_closed_when_the_second_fails() -> None:
    (six,) = open_sockets("::1", 0)
    with six:
        port = six.getsockname()[1]
        with pytest.raises(CannotListen):
            open_sockets(port=port)
        close(open_sockets("127.0.0.1", port, also_ipv6_loopback=False))


def test_nobody_holds_a_free_port() -> None:
    sockets = open_sockets(port=0)
    port = sockets[0].getsockname()[1]
    close(sockets)
    assert holder(port) is None


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("203.0.113.1", "203.0.113.1 is not an address of this machine"),  # RFC 5737: nobody's
        ("no..name", "the host 'no..name' is not known here"),
    ],
)
def test_an_address_that_is_not_ours_is_one_sentence(host: str, message: str) -> None:
    with pytest.raises(CannotListen, match="^" + message) as caught:
        open_sockets(host, 0)
    assert caught.value.code == "no_such_address"


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_wrong_usage(port: int) -> None:
    with pytest.raises(WrongUsage, match=f"{port} is not a port"):
        open_sockets(port=port)


@linux
def test_a_port_of_the_system_needs_permission() -> None:
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 1:
        pytest.skip("every port is free to everyone here")
    code = (
        "from whcli.hands.listening.server import open_sockets\n"
        "import os, sys\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: open_sockets(port=1)\n"
        "except Exception as error: print(error.code, error.message, error.next)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "no_permission no permission to listen on port 1 whcli listen --port 8765\n"


@pytest.mark.parametrize(
    ("host", "urls"),
    [
        ("127.0.0.1", ["http://127.0.0.1:{}", "http://[::1]:{}"]),
        ("::1", ["http://[::1]:{}"]),
        ("0.0.0.0", ["http://127.0.0.1:{}"]),
        ("::", ["http://[::1]:{}"]),
    ],
)
def test_urls_are_those_that_reach_us_ipv4_first(host: str, urls: list[str]) -> None:
    sockets = open_sockets(host, 0)
    port = sockets[0].getsockname()[1]
    server = Server(sockets, Limits(), lambda arrival, respond: None, lambda refusal: None)
    assert server.urls == [url.format(port) for url in urls]
    close(sockets)


def test_both_addresses_are_served() -> None:
    with listening() as listener:
        for host in ("127.0.0.1", "::1", "localhost"):
            assert ask(listener.port, post(), host=host).status == 200


# Running.


def test_run_gives_the_result_and_uses_the_faster_loop() -> None:
    async def name() -> str:
        return type(asyncio.get_running_loop()).__module__

    uvloop = pytest.importorskip("uvloop")
    assert run(name()) == uvloop.Loop.__module__


@linux
def test_an_idle_listener_sleeps() -> None:
    """No connection: the thread of the listener is not woken once."""

    def wake_ups(thread: int) -> int:
        status = Path(f"/proc/self/task/{thread}/status").read_text()
        return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])

    limits = Limits(linger=0.4)
    with listening(limits) as listener:
        assert ask(listener.port, post()).status == 200
        wait_for(lambda: listener.connections() == 0)
        thread = listener.call(native_id())

        def slept() -> bool:
            before = wake_ups(thread)
            time.sleep(5 * limits.tick)
            return wake_ups(thread) == before

        wait_for(slept)  # the clock is looked at once more, late on a busy machine


async def native_id() -> int:
    return threading.get_native_id()


def memory() -> int:
    """Bytes of resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@linux
def test_fifty_endless_heads_cost_little_memory() -> None:
    with listening() as listener, ExitStack() as stack:
        wires = [stack.enter_context(Wire(listener.port)) for _ in range(50)]
        before = memory()
        for wire in wires:
            wire.send(START + b"X: ")
        for _ in range(17):
            for wire in wires:
                with suppress(ConnectionError):
                    wire.send(b"a" * 60_000)
        assert memory() - before < 50 * 2**20
        wait_for(lambda: len(listener.refusals) == 50)
        assert {refusal.status for refusal in listener.refusals} == {431}


def test_a_crowd_of_idle_and_stuck_connections_delays_nobody() -> None:
    with listening() as listener, ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(Wire(listener.port))
        for _ in range(100):
            stack.enter_context(Wire(listener.port)).send(START)
        assert ask(listener.port, post(), deadline=Limits().head_time / 2).status == 200  # none of them is waited for


CROWD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from whcli.hands.listening.server import Server, open_sockets
from whcli.hands.loops import run
from whcli.hands.listening.framing import Limits
from whcli.words.event import Reply
import asyncio

async def main():
    server = Server(open_sockets(port=0), Limits(), lambda arrival, respond: respond(Reply(status=200)), lambda _: None)
    await server.start()
    print(server.urls[0].rpartition(":")[2], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

run(main())
"""


@linux
def test_more_connections_than_files_leave_the_listener_well() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CROWD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as listener:
        assert listener.stdout is not None
        port = int(listener.stdout.readline())
        with ExitStack() as stack:
            for _ in range(1000):
                stack.enter_context(Wire(port))
            assert ask(port, post()).status == 200
        assert ask(port, post(), deadline=5).status == 200
        _, said = listener.communicate(timeout=10)
        assert (listener.returncode, said) == (0, "")


# Stopping.


def stop(listener: Listener, grace: float) -> float:
    """Stop the server; seconds it took."""
    started = time.monotonic()
    listener.call(listener.server.stop(grace))
    assert listener.connections() == 0
    return time.monotonic() - started


def test_stopping_closes_resting_connections_at_once() -> None:
    with listening() as listener, Wire(listener.port) as fresh, Wire(listener.port) as used:
        used.send(post()).response()
        assert stop(listener, 5) < 5
        assert fresh.closed()
        assert used.closed()
        assert listener.refusals == []
        with pytest.raises(OSError) as caught:
            Wire(listener.port)
        assert caught.value.errno == errno.ECONNREFUSED


def test_stopping_lets_requests_that_have_begun_finish() -> None:
    def slowly(arrival: Arrival, respond: Respond) -> None:
        asyncio.get_running_loop().call_later(0.2, respond, OK)

    with listening(answer=slowly) as listener, Wire(listener.port) as asked, Wire(listener.port) as asking:
        asked.send(post() * 2)
        asking.send(field(b"Content-Length: 5") + b"he")
        wait_for(lambda: len(listener.arrivals) == 2)
        stopping = threading.Thread(target=stop, args=(listener, 5))
        stopping.start()
        answers = [asked.response(), asked.response()]
        assert [answer.status for answer in answers] == [200, 200]
        assert [answer.header(b"connection") for answer in answers] == [None, b"close"]
        assert asked.closed()
        answer = asking.send(b"llo").response()
        assert (answer.status, answer.header(b"connection")) == (200, b"close")
        stopping.join()
    assert listener.refusals == []


def test_stopping_cuts_what_does_not_finish_in_time_with_503() -> None:
    with (
        listening(answer=lambda arrival, respond: None) as listener,
        Wire(listener.port) as unanswered,
        Wire(listener.port) as half_head,
        Wire(listener.port) as half_body,
        Wire(listener.port) as both,
    ):
        unanswered.send(post())
        half_head.send(START)
        half_body.send(field(b"Content-Length: 5") + b"he")
        both.send(post() + START)
        wait_for(lambda: len(listener.arrivals) == 2)
        wait_for(lambda: listener.connections() == 4)
        assert half_head.silent(0.05)
        assert 0.2 < stop(listener, 0.3) < 5
        assert [wire.response().status for wire in (unanswered, half_head, half_body, both)] == [503] * 4
        assert both.response().status == 503
        assert {refusal.reason for refusal in listener.refusals} == {"the listener is stopping"}
        assert len(listener.refusals) == 3


def test_an_answer_that_comes_after_the_cut_goes_nowhere() -> None:
    owed: list[Respond] = []
    with listening(answer=lambda arrival, respond: owed.append(respond)) as listener, Wire(listener.port) as wire:
        wire.send(post())
        wait_for(lambda: owed)
        stop(listener, 0.1)
        assert wire.response().status == 503
        listener.loop.call_soon_threadsafe(owed[0], Reply(status=200))


def test_a_server_that_never_started_closes_its_sockets() -> None:
    sockets = open_sockets(port=0)
    run(Server(sockets, Limits(), lambda arrival, respond: None, lambda refusal: None).stop())
    assert [each.fileno() for each in sockets] == [-1, -1]
