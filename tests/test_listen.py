"""`whcli listen` as a user runs it: a process, real sockets, a real store."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import program
from tests.program import until, whcli
from tests.receivers import Receiver
from tests.wire import Wire

STRIPE = {"WHCLI_SECRET_STRIPE": "whsec_test"}
BODY = b'{"id":"evt_1","type":"charge.succeeded"}'
listening = partial(program.listening, afresh=True)  # as a user's shell starts it


def signed(folder: Path, body: bytes = BODY, *more: str) -> dict[str, str]:
    """Headers of a Stripe webhook signed just now."""
    (folder / "body").write_bytes(body)
    done = whcli("sign", "stripe", "--body-file", "body", "--json", *more, folder=folder, env=STRIPE)
    return dict(done.lines[0]["headers"])


def post(url: str, body: bytes = BODY, headers: dict[str, str] | None = None) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(url, content=body, headers=headers or {})


def test_every_method_path_and_content_type_is_captured(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        for method, path, kind in (
            ("POST", "/a", "application/json"),
            ("PUT", "/b?x=1", "text/xml"),
            ("DELETE", "/", "application/octet-stream"),
            ("PROPFIND", "/deep/er/", "multipart/form-data; boundary=x"),
        ):
            with httpx.Client(trust_env=False) as client:
                reply = client.request(method, listener.url + path, content=b"\x00\xff", headers={"content-type": kind})
            assert (reply.status_code, reply.content) == (200, b"")
        assert listener.end().code == 0
    events = whcli("list", "--json", folder=tmp_path).lines
    assert [(e["method"], e["target"], e["size"]) for e in events] == [
        ("POST", "/a", 2),
        ("PUT", "/b?x=1", 2),
        ("DELETE", "/", 2),
        ("PROPFIND", "/deep/er/", 2),
    ]


def test_a_line_tells_number_time_method_path_size_provider_type_and_verdict(tmp_path: Path) -> None:
    with listening("--count", "2", folder=tmp_path, env=STRIPE) as listener:
        headers = signed(tmp_path)
        post(listener.url + "/hooks", headers=headers)
        post(listener.url + "/hooks", headers=headers)
        done = listener.wait()
    first, second = done.out.splitlines()
    assert first[2] == first[5] == ":" and first[8] == "."
    assert " ".join(first.split()[1:]) == "#1 POST /hooks stripe charge.succeeded 40 B ✓ sig"
    assert " ".join(second.split()[1:]) == "#2 POST /hooks stripe charge.succeeded 40 B ✓ dup #1"
    assert "2 received · 1 duplicate" in done.err


def test_json_begins_with_the_ready_object_and_gives_one_line_an_event(tmp_path: Path) -> None:
    with listening("--json", "--count", "1", folder=tmp_path, env=STRIPE) as listener:
        post(listener.url + "/hooks", headers=signed(tmp_path))
        ready, event = listener.wait().lines
    assert ready == {
        "schema": "whcli.ready/1",
        "event": "ready",
        "url": listener.url,
        "urls": ready["urls"],
        "pid": listener.process.pid,
        "store": str(tmp_path / ".whcli"),
    }
    assert event["provider"] == "stripe" and event["type"] == "charge.succeeded" and event["delivery_id"] == "evt_1"
    assert event["signature"]["state"] == "valid" and event["reply"] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_it_with_0_and_a_summary(tmp_path: Path, number: int) -> None:
    with listening(folder=tmp_path) as listener:
        post(listener.url)
        done = listener.end(number)
    assert done.code == 0
    assert "1 received" in done.err and "Traceback" not in done.err


def test_a_request_in_flight_at_the_signal_is_answered_and_kept(tmp_path: Path) -> None:
    with listening("--reply-delay", "300ms", folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            wire.send(b"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            until(lambda: whcli("list", "--json", folder=tmp_path).lines)
            listener.process.send_signal(signal.SIGTERM)
            assert wire.response().status == 200
        assert listener.wait().code == 0


def test_the_count_not_reached_in_time_is_exit_4(tmp_path: Path) -> None:
    with listening("--count", "2", "--timeout", "1", folder=tmp_path) as listener:
        post(listener.url)
        done = listener.wait()
    assert done.code == 4 and "1 of 2 events" in done.err and "next:" in done.err


def test_a_time_without_a_count_is_exit_0(tmp_path: Path) -> None:
    with listening("--timeout", "300ms", folder=tmp_path) as listener:
        assert listener.wait().code == 0


def test_a_taken_port_is_one_sentence_and_exit_6(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = whcli("listen", "--port", str(port), folder=tmp_path)
    assert done.code == 6
    assert f"error: port {port} is already in use" in done.err
    assert f"pid {os.getpid()}" in done.err and "whcli listen --port 0" in done.err


def test_a_taken_port_is_told_within_a_second(tmp_path: Path) -> None:
    def seconds(port: int) -> float:
        started = time.monotonic()
        assert whcli("listen", "--port", str(port), folder=tmp_path).code == 6
        return time.monotonic() - started

    def start() -> float:
        started = time.monotonic()
        whcli("listen", "--help", folder=tmp_path)
        return time.monotonic() - started

    with socket.create_server(("127.0.0.1", 0)) as taken:
        took, starts = zip(*((seconds(taken.getsockname()[1]), start()) for _ in range(3)), strict=True)
    assert min(took) - min(starts) <= 1  # beside the start of Python, which a busy machine stretches


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["in words", "in JSON"])
def test_port_0_prints_the_port_it_got(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with listening(*flags, folder=tmp_path) as listener:
        done = listener.end()
    assert listener.port > 0
    if flags:
        assert done.lines[0]["url"] == f"http://127.0.0.1:{listener.port}"
    assert f"listening on http://127.0.0.1:{listener.port}\n" in done.err


def test_a_second_listener_on_one_store_is_told_so(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        done = whcli("listen", "--port", "0", folder=tmp_path)
        assert done.code == 7
        assert f"pid {listener.process.pid}" in done.err and listener.url in done.err
        assert post(listener.url).status_code == 200


def test_port_0_answers_on_ipv4_and_ipv6(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        assert all(post(url).status_code == 200 for url in listener.ready["urls"])
        assert listener.ready["urls"][0].startswith("http://127.0.0.1:")


# -- replies ----------------------------------------------------------------------------------------------------------


def test_the_reply_is_as_asked(tmp_path: Path) -> None:
    arguments = ("--reply", "202", "--reply-body", '{"ok":1}', "--reply-header", "Content-Type: application/json")
    with listening(*arguments, folder=tmp_path) as listener:
        reply = post(listener.url)
    assert (reply.status_code, reply.json(), reply.headers["content-type"]) == (202, {"ok": 1}, "application/json")


def test_a_sequence_counts_attempts_per_delivery_id(tmp_path: Path) -> None:
    with listening("--reply", "500,503,200", folder=tmp_path) as listener:
        one = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "one"}
        two = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "two"}
        statuses = [post(listener.url, headers=h).status_code for h in (one, two, one, one, one, two)]
        listener.end()
    assert statuses == [500, 500, 503, 200, 200, 503]
    replies = [event["reply"] for event in whcli("list", "--json", folder=tmp_path).lines]
    assert replies == [500, 500, 503, 200, 200, 503]


def test_a_sequence_without_delivery_ids_counts_for_the_listener(tmp_path: Path) -> None:
    with listening("--reply", "500,200", folder=tmp_path) as listener:
        assert [post(listener.url).status_code for _ in range(3)] == [500, 200, 200]


def test_digits_in_the_path_do_not_change_the_reply(tmp_path: Path) -> None:
    with listening("--reply", "204", folder=tmp_path) as listener:
        assert post(listener.url + "/orders/404").status_code == 204


@pytest.mark.parametrize("bad", ["abc", "99", "200,", "600"])
def test_a_reply_that_is_no_status_is_refused(tmp_path: Path, bad: str) -> None:
    done = whcli("listen", "--reply", bad, folder=tmp_path)
    assert done.code == 2 and "--reply" in done.err


# -- verify -----------------------------------------------------------------------------------------------------------


def test_verify_answers_401_to_what_does_not_hold_and_keeps_it(tmp_path: Path) -> None:
    with listening("--verify", folder=tmp_path, env=STRIPE) as listener:
        good = signed(tmp_path)
        stale = signed(tmp_path, BODY, "--timestamp", "1700000000")
        answers = [
            post(listener.url, headers=good).status_code,
            post(listener.url, BODY + b" ", headers=good).status_code,
            post(listener.url, headers=stale).status_code,
            post(listener.url, headers={"X-GitHub-Event": "ping"}).status_code,
            post(listener.url).status_code,
        ]
        listener.end()
    assert answers == [200, 401, 401, 401, 401]
    kept = [(e["signature"]["state"], e["reply"]) for e in whcli("list", "--json", folder=tmp_path).lines]
    assert kept == [("valid", 200), ("invalid", 401), ("stale", 401), ("unsigned", 401), ("unknown", 401)]


def test_verify_without_any_secret_is_exit_2(tmp_path: Path) -> None:
    done = whcli("listen", "--port", "0", "--verify", folder=tmp_path)
    assert done.code == 2 and "needs a secret" in done.err


# -- forwarding -------------------------------------------------------------------------------------------------------


def test_events_are_forwarded_in_order_and_their_outcome_is_shown(tmp_path: Path) -> None:
    with Receiver() as handler, listening("--forward", handler.url, "--count", "20", folder=tmp_path) as listener:
        for n in range(20):
            post(f"{listener.url}/n/{n}?q=%7B{n}", b"body %d" % n)
        done = listener.wait()
        requests = handler.wait(20)
    assert [request.split(b" ")[1] for request in requests] == [b"/n/%d?q=%%7B%d" % (n, n) for n in range(20)]
    assert all("→ 200" in line for line in done.out.splitlines())
    assert "20 forwarded ok" in done.err


def test_a_reply_that_is_not_2xx_is_shown_with_its_beginning(tmp_path: Path) -> None:
    answer = b'HTTP/1.1 422 No\r\nContent-Length: 27\r\n\r\n{\n  "error": "\x1b[2Jno cart"}'
    with Receiver(answer) as handler, listening("--forward", handler.url, "--count", "1", folder=tmp_path) as listener:
        post(listener.url)
        done = listener.wait()
    assert "→ 422" in done.out
    assert '↳ response: { "error": "\\x1b[2Jno cart' in done.out and "whcli replay 1" in done.out
    assert "\x1b" not in done.out


def test_a_dead_handler_costs_the_event_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    with listening("--forward", dead, "--count", "1", folder=tmp_path) as listener:
        assert post(listener.url).status_code == 200
        done = listener.wait()
    assert "→ refused" in done.out and "nothing is listening on" in done.out and "whcli replay 1" in done.out
    with Receiver() as handler:
        replayed = whcli("replay", "--failed", "--to", handler.url, folder=tmp_path)
        assert replayed.code == 0 and handler.wait(1)
    assert whcli("list", "--failed", "--json", folder=tmp_path).lines == []


def test_a_slow_handler_delays_neither_the_sender_nor_the_line_for_ever(tmp_path: Path) -> None:
    release = tmp_path / "release"

    def slow(connection: socket.socket, _: bytes) -> bool:
        until(release.exists)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    with Receiver(slow) as handler, listening("--forward", handler.url, folder=tmp_path) as listener:
        assert post(listener.url).status_code == 200
        assert listener.process.stdout is not None
        pending = listener.process.stdout.readline().decode()  # comes after five seconds
        assert "#1" in pending and "→ …" in pending
        release.touch()
        assert "↳ #1 → 200" in listener.process.stdout.readline().decode()


def test_a_path_goes_to_its_own_handler(tmp_path: Path) -> None:
    with Receiver() as stripe, Receiver() as rest:
        forwards = ("--forward", f"/stripe/*={stripe.url}/hooks", "--forward", rest.url)
        with listening(*forwards, "--count", "2", folder=tmp_path) as listener:
            post(listener.url + "/stripe/x?a=1")
            post(listener.url + "/other")
            listener.wait()
        assert stripe.wait(1)[0].startswith(b"POST /hooks?a=1 ") and rest.wait(1)[0].startswith(b"POST /other ")


def test_routes_of_the_file_fix_scheme_secret_and_handler(tmp_path: Path) -> None:
    with Receiver() as handler:
        (tmp_path / "whcli.toml").write_text(f"""
            [[routes]]
            path = "/pay/*"
            scheme = "stripe"
            secret = "env:PAY_SECRET"
            forward = "{handler.url}/hooks"
        """)
        headers = {"stripe-signature": signed(tmp_path)["Stripe-Signature"]}
        with listening("--count", "2", "--json", folder=tmp_path, env={"PAY_SECRET": "whsec_test"}) as listener:
            post(listener.url + "/pay/now", headers=headers)
            post(listener.url + "/else", headers=headers)
            _, inside, outside = listener.wait().lines
        assert inside["signature"]["state"] == "valid" and inside["forward"]["status"] == 200
        assert outside["signature"]["state"] == "no_secret" and outside["forward"] is None


ROUTED = """
[listen]
forward = "{rest}"
[[routes]]
path = "/pay/*"
forward = "{pay}"
[[routes]]
path = "/ship/*"
forward = "{ship}"
"""


def test_a_flags_path_comes_before_the_files_handlers_and_leaves_it_the_others(tmp_path: Path) -> None:
    with Receiver() as flag, Receiver() as pay, Receiver() as ship, Receiver() as rest:
        (tmp_path / "whcli.toml").write_text(ROUTED.format(pay=pay.url, ship=ship.url, rest=rest.url))
        with listening("--forward", f"/pay/*={flag.url}", "--count", "3", folder=tmp_path) as listener:
            for path in ("/pay/1", "/ship/1", "/else"):
                post(listener.url + path)
            done = listener.wait()
    assert [len(each.requests) for each in (flag, pay, ship, rest)] == [1, 0, 1, 1]
    assert "takes every event" not in done.err


def test_a_flag_for_every_path_takes_the_place_of_the_files_handlers_and_says_so(tmp_path: Path) -> None:
    with Receiver() as flag, Receiver() as pay, Receiver() as ship, Receiver() as rest:
        (tmp_path / "whcli.toml").write_text(ROUTED.format(pay=pay.url, ship=ship.url, rest=rest.url))
        with listening("--forward", flag.url, "--count", "3", folder=tmp_path) as listener:
            for path in ("/pay/1", "/ship/1", "/else"):
                post(listener.url + path)
            done = listener.wait()
    assert [len(each.requests) for each in (flag, pay, ship, rest)] == [3, 0, 0, 0]
    assert "takes every event, those for the handlers of [[routes]] in whcli.toml too: /pay/*, /ship/*" in done.err


@pytest.mark.parametrize("path", ["", "/a="], ids=["of every path", "of one path"])
def test_two_handlers_are_a_mistake(tmp_path: Path, path: str) -> None:
    flags = ("--forward", f"{path}http://localhost:1", "--forward", "/b=http://localhost:2")
    done = whcli("listen", "--port", "0", *flags, "--forward", f"{path}http://localhost:3", folder=tmp_path)
    assert done.code == 2 and "2 handlers for" in done.err


def test_relay_reply_gives_the_sender_the_handlers_own_answer(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 207 Some\r\nX-Own: yes\r\nContent-Length: 5\r\n\r\nhello"
    flags = ("--relay-reply", "--count", "1")
    with Receiver(answer) as handler, listening("--forward", handler.url, *flags, folder=tmp_path) as listener:
        reply = post(listener.url)
        done = listener.wait()
    assert (reply.status_code, reply.headers["x-own"], reply.content) == (207, "yes", b"hello")
    assert "→ 207" in done.out


def test_relay_reply_of_a_dead_handler_is_502_and_the_event_is_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    with listening("--forward", dead, "--relay-reply", folder=tmp_path) as listener:
        assert post(listener.url).status_code == 502
    assert len(whcli("list", "--json", folder=tmp_path).lines) == 1


def test_a_handler_on_another_machine_needs_yes_or_an_entry(tmp_path: Path) -> None:
    done = whcli("listen", "--port", "0", "--forward", "http://192.0.2.1/x", folder=tmp_path)
    assert done.code == 2 and "--yes" in done.err and "[targets]" in done.err
    (tmp_path / "whcli.toml").write_text('[targets]\nfar = "http://192.0.2.1/other"\n')
    with listening("--forward", "http://192.0.2.1/x", folder=tmp_path) as listener:
        assert listener.end().code == 0


def test_a_listener_is_not_its_own_handler(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = whcli("listen", "--port", str(port), "--forward", f"localhost:{port}", folder=tmp_path)
    assert done.code == 2 and "itself" in done.err


# -- output -----------------------------------------------------------------------------------------------------------


def test_quiet_shows_only_what_fails(tmp_path: Path) -> None:
    with listening("--quiet", "--count", "2", folder=tmp_path, env=STRIPE) as listener:
        post(listener.url + "/fine", headers=signed(tmp_path))
        post(listener.url + "/bad", headers={"Stripe-Signature": "t=1,v1=00"})
        out = listener.wait().out
    assert "/bad" in out and "/fine" not in out


def test_a_refused_request_shows_a_line_and_counts(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            wire.send(b"\x16\x03\x01 garbage\r\n\r\n")
            assert wire.response().status == 400
        post(listener.url)
        done = listener.end()
    assert "⚠  rejected 400" in done.out and "1 received · 1 refused" in done.err


def test_a_body_over_the_limit_is_413_and_shown_as_refused(tmp_path: Path) -> None:
    with listening("--max-body", "10kB", folder=tmp_path) as listener:
        assert post(listener.url, b"x" * 10_001).status_code == 413
        assert post(listener.url, b"x" * 10_000).status_code == 200
        done = listener.end()
    assert "rejected 413" in done.out and "1 received · 1 refused" in done.err


def test_no_escape_sequence_of_an_event_reaches_the_output(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            wire.send(b"POST /\xc2\x9b31m/\xe2\x80\xae HTTP/1.1\r\nHost: x\r\n")
            wire.send(b"X-GitHub-Event: \xc2\x9b2J\r\nContent-Length: 0\r\n\r\n")
            assert wire.response().status == 200
        out = listener.wait().out
    assert "\\x9b31m" in out and "\\u202e" in out and "\x9b" not in out and "\u202e" not in out


def test_a_reader_that_stops_costs_no_event_and_gets_every_line_later(tmp_path: Path) -> None:
    with listening("--json", "--count", "3000", folder=tmp_path) as listener:
        with httpx.Client(trust_env=False) as client:
            for n in range(3000):  # far more than a pipe holds, while nobody reads it
                assert client.post(f"{listener.url}/{n}").status_code == 200
        lines = listener.wait().lines
    assert [line["target"] for line in lines[1:]] == [f"/{n}" for n in range(3000)]


def test_a_closed_output_does_not_end_the_capture(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        assert listener.process.stdout is not None
        listener.process.stdout.close()
        for _ in range(5):
            assert post(listener.url).status_code == 200
        listener.process.stdout = open(os.devnull, "rb")  # noqa: SIM115 - communicate wants one
        assert listener.end().code == 0
    assert len(whcli("list", "--json", folder=tmp_path).lines) == 5


def test_who_listens_for_other_machines_is_told_so(tmp_path: Path) -> None:
    with program.listening("--host", "0.0.0.0", folder=tmp_path) as listener:
        assert "others can reach it too" in listener.end().err


def test_without_a_terminal_the_banner_is_two_stable_lines(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        err = listener.end().err
    assert err.splitlines()[:2] == [f"whcli 0.1.0 listening on {listener.url}", "Ready."]


def test_errors_are_json_on_stderr_with_json(tmp_path: Path) -> None:
    done = whcli("listen", "--json", "--reply", "x", folder=tmp_path)
    error: dict[str, Any] = json.loads(done.err)
    assert done.code == error["exit"] == 2 and error["schema"] == "whcli.error/1" and error["next"] and done.out == ""
