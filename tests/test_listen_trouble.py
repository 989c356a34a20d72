"""`whcli listen` when something is wrong: secrets that lead nowhere, a damaged store, a slow end, loops, 503s."""

from __future__ import annotations

import signal
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.program import DEADLINE, listening, until, whcli
from tests.receivers import Receiver
from tests.test_listen import STRIPE, post, signed
from tests.test_look import store_with


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        (("--secret", "env:NOT_SET"), ""),
        ((), '[secrets]\nstripe = "file:missing"'),
        ((), '[secrets]\nstripe = "whsec_literal_secret"'),
        ((), '[[routes]]\npath = "/x"\nsecret = "file:missing"'),
    ],
    ids=["a variable that is not set", "a file that is not there", "a secret in the file", "a route's file"],
)
def test_a_secret_that_leads_nowhere_is_exit_2_before_anything_begins(
    tmp_path: Path, arguments: tuple[str, ...], config: str
) -> None:
    (tmp_path / "whcli.toml").write_text(config)
    done = whcli("listen", "--port", "0", "--timeout", "2", *arguments, folder=tmp_path)
    assert done.code == 2 and "error:" in done.err and "next:" in done.err and "Traceback" not in done.err
    assert "whsec_literal" not in done.err


def test_a_store_with_a_missing_table_is_one_sentence_and_exit_7(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/", b""))
    db = sqlite3.connect(tmp_path / ".whcli" / "store.db")
    db.execute("DROP TABLE facts")
    db.close()
    done = whcli("listen", "--port", "0", "--timeout", "2", folder=tmp_path)
    assert done.code == 7 and done.err.count("error:") == 1 and "Traceback" not in done.err


def test_what_the_end_cuts_off_is_recorded_and_found_by_failed(tmp_path: Path) -> None:
    over = threading.Event()

    def slow(connection: socket.socket, _: bytes) -> bool:
        over.wait(DEADLINE)
        return False

    with Receiver(slow) as handler:
        with listening("--forward", handler.url, folder=tmp_path) as listener:
            for n in range(4):
                assert post(f"{listener.url}/{n}").status_code == 200
            until(lambda: handler.requests)
            done = listener.end(signal.SIGTERM)
        over.set()
    assert done.code == 0 and "whcli replay --failed" in done.err
    outcomes = [event["forward"]["failure"] for event in whcli("list", "--json", folder=tmp_path).lines]
    assert outcomes == ["interrupted", "not sent", "not sent", "not sent"]
    with Receiver() as fine:
        assert whcli("replay", "--failed", "--to", fine.url, folder=tmp_path).code == 0
        assert len(fine.wait(4)) == 4


def test_what_got_401_is_not_forwarded_and_holds_up_no_line(tmp_path: Path) -> None:
    with Receiver() as handler:
        flags = ("--verify", "--forward", handler.url, "--count", "2")
        with listening(*flags, folder=tmp_path, env=STRIPE) as listener:
            assert post(listener.url, headers={"Stripe-Signature": "t=1,v1=00"}).status_code == 401
            assert post(listener.url, headers=signed(tmp_path)).status_code == 200
            done = listener.wait()
        assert len(handler.wait(1)) == 1
    assert done.code == 0 and "→ …" not in done.out and done.out.count("→ 200") == 1


def test_a_ready_file_that_cannot_be_written_is_exit_2(tmp_path: Path) -> None:
    done = whcli("listen", "--port", "0", "--ready-file", "/nonexistent/ready.json", folder=tmp_path)
    assert done.code == 2 and "ready file" in done.err


def test_a_second_listener_hears_of_the_store_even_when_the_port_is_taken(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        done = whcli("listen", "--port", str(listener.port), folder=tmp_path)
    assert done.code == 7 and "another listener" in done.err


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_wildcard_listener_is_not_its_own_handler_by_any_address(tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = socket.gethostbyname(socket.gethostname())
    arguments = ("--host", host, "--port", str(port), "--forward", f"http://{own}:{port}", "--yes")
    done = whcli("listen", *arguments, "--timeout", "1", folder=tmp_path)
    assert done.code == 2 and "itself" in done.err


def test_an_outcome_that_comes_late_is_a_line_of_its_own_kind(tmp_path: Path) -> None:
    release = tmp_path / "release"

    def slow(connection: socket.socket, _: bytes) -> bool:
        until(release.exists)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    with Receiver(slow) as handler, listening("--json", "--forward", handler.url, folder=tmp_path) as listener:
        post(listener.url)
        assert listener.process.stdout is not None
        lines = [listener.process.stdout.readline() for _ in range(2)]
        assert b"whcli.event/1" in lines[1]
        release.touch()
        assert b'"schema":"whcli.outcome/1","id":1' in listener.process.stdout.readline()


def address_of_this_machine() -> str | None:
    """An address of ours that is not loopback, by asking the routing table; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if found.startswith("127.") else found


@pytest.mark.parametrize(("flag", "sent"), [((), False), (("--send-credentials",), True)], ids=["by default", "asked"])
def test_captured_credentials_do_not_leave_by_forwarding(tmp_path: Path, flag: tuple[str, ...], sent: bool) -> None:
    address = address_of_this_machine()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    with Receiver(host=address) as handler:
        url = f"http://{address}:{handler.port}"
        with listening("--forward", url, "--yes", "--count", "1", *flag, folder=tmp_path) as listener:
            secrets = {"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Gitlab-Token": "s3cret"}
            assert post(listener.url, headers=secrets).status_code == 200
            listener.wait()
        assert (b"s3cret" in handler.wait(1)[0]) is sent
