"""`whcli replay`: stored events on their way again."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.receivers import Receiver
from tests.test_listen import BODY, STRIPE, post, signed
from tests.test_look import store_with
from tests.wire import Wire
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.rules.recognition.detect import detect
from whcli.words.event import Arrival, SignatureState

OLD = ("--timestamp", "1700000000")


def captured_stripe(folder: Path) -> None:
    """One Stripe event with an old signature."""
    with listening("--count", "1", folder=folder) as listener:
        post(listener.url + "/hooks?a=%7B", headers=signed(folder, BODY, *OLD))
        listener.wait()


def test_an_event_is_signed_afresh_when_a_secret_is_known(tmp_path: Path) -> None:
    captured_stripe(tmp_path)
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url, folder=tmp_path, env=STRIPE)
        [request] = handler.wait(1)
    assert done.code == 0 and "re-signed stripe" in done.out and "→ 200" in done.out
    header = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"stripe-signature:"))
    stamp = int(header.partition(b"t=")[2].split(b",")[0])
    assert abs(time.time() - stamp) < 60
    (tmp_path / "sent").write_bytes(BODY)
    check = ("--scheme", "stripe", "-H", header.decode(), "--body-file", "sent")
    assert whcli("verify", *check, folder=tmp_path, env=STRIPE).code == 0


def test_without_a_secret_the_old_signature_goes_and_one_line_says_what_to_set(tmp_path: Path) -> None:
    captured_stripe(tmp_path)
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url, folder=tmp_path)
        [request] = handler.wait(1)
    assert b"t=1700000000," in request and "WHCLI_SECRET_STRIPE" in done.out


def test_no_resign_keeps_the_old_bytes(tmp_path: Path) -> None:
    captured_stripe(tmp_path)
    with Receiver() as handler:
        assert whcli("replay", "1", "--to", handler.url, "--no-resign", folder=tmp_path, env=STRIPE).code == 0
        assert b"t=1700000000," in handler.wait(1)[0]


def test_resign_forces_a_scheme(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    with Receiver() as handler:
        arguments = ("replay", "1", "--to", handler.url, "--resign", "github")
        assert whcli(*arguments, folder=tmp_path).code == 2
        assert whcli(*arguments, folder=tmp_path, env={"WHCLI_SECRET_GITHUB": "s3"}).code == 0
        assert b"X-Hub-Signature-256: sha256=" in handler.wait(1)[0]


@pytest.mark.parametrize(
    ("target", "arguments", "line"),
    [
        ("", (), b"POST /hooks?a=%7B HTTP/1.1"),
        ("/other", (), b"POST /other?a=%7B HTTP/1.1"),
        ("/other?b=1", (), b"POST /other?b=1 HTTP/1.1"),
        ("/other", ("--exact-url",), b"POST /other HTTP/1.1"),
        ("", ("--exact-url",), b"POST / HTTP/1.1"),
    ],
    ids=["no path", "a path", "a path and a query", "exact", "exact without a path"],
)
def test_the_target_rule(tmp_path: Path, target: str, arguments: tuple[str, ...], line: bytes) -> None:
    store_with(tmp_path, (b"/hooks?a=%7B", b"{}"))
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url + target, *arguments, folder=tmp_path)
        assert handler.wait(1)[0].split(b"\r\n")[0] == line
    assert line.split()[1].decode().partition("?")[0] in done.out  # the resulting URL is printed


def test_every_delivery_is_recorded_with_its_reply(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b"{}"))
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nlate"
    with Receiver(answer) as handler:
        done = whcli("replay", "1", "--to", handler.url, "--json", folder=tmp_path)
    assert done.code == 1 and done.lines[0]["status"] == 503
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    [delivery] = event["deliveries"]
    assert (delivery["kind"], delivery["status"], delivery["reply"]["reason"]) == ("replay", 503, "Busy")
    assert ["Retry-After", "7"] in delivery["reply"]["headers"] and delivery["ms"] > 0


def test_failed_chooses_those_whose_last_delivery_was_not_2xx(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/%d" % n, b"") for n in range(3)])
    bad = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    with Receiver(bad) as broken, Receiver() as fine:
        whcli("replay", "1..2", "--to", broken.url, folder=tmp_path)
        whcli("replay", "2", "--to", fine.url, folder=tmp_path)
        again = whcli("replay", "--failed", "--to", fine.url, "--json", folder=tmp_path)
    assert again.code == 0 and [line["event_id"] for line in again.lines] == [1]
    assert whcli("replay", "--failed", "--to", fine.url, folder=tmp_path).out == "nothing to replay.\n"


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (("--provider", "stripe"), [1, 2]),
        (("--type", "charge.*"), [2]),
        (("--signature", "stale"), [1]),
        (("--signature", "unsigned", "--provider", "git*"), [3]),
        (("--where", "body.n == `3`"), [3]),
        (("--since", "1h"), [2, 3, 4]),
        (("--until", "2023-11-14T22:13:21Z"), [1]),
        (("3", "1"), [3, 1]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_filters_choose_as_they_do_in_list(tmp_path: Path, chosen: tuple[str, ...], ids: list[int]) -> None:
    stripe = b"Stripe-Signature: t=1700000000,v1=%b" % (b"0" * 64)
    kept = [
        (1700000000.0, stripe, b'{"id":"evt_1","object":"event","type":"invoice.paid"}'),
        (time.time(), stripe, b'{"id":"evt_2","object":"event","type":"charge.refunded"}'),
        (time.time(), b"X-GitHub-Event: push\r\nX-GitHub-Delivery: a", b'{"n":3}'),
        (time.time(), b"X: y", b"{}"),
    ]
    make_folder(tmp_path / ".whcli")
    with Store(tmp_path / ".whcli", create=True) as store:
        store.add(
            [
                Arrival(at, b"POST /x HTTP/1.1\r\n%b\r\n\r\n" % lines, b"POST", b"/x", body, (), None)
                for at, lines, body in kept
            ]
        )
        states: tuple[SignatureState, ...] = ("stale", "no_secret", "unsigned", "unknown")
        for event, state in zip(list(store.events(0, 9)), states, strict=True):
            store.note([(event, replace(detect(event.headers, event.body), signature=state))])
    with Receiver() as handler:
        done = whcli("replay", *chosen, "--to", handler.url, "--json", folder=tmp_path)
    assert [line["event_id"] for line in done.lines] == ids, done.err


def test_without_to_an_event_goes_where_it_went_last(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x?y=1", b""))
    assert whcli("replay", "1", folder=tmp_path).code == 2
    with Receiver() as handler:
        whcli("replay", "1", "--to", handler.url, folder=tmp_path)
        assert whcli("replay", "1", folder=tmp_path).code == 0
        first, second = handler.wait(2)
    assert first == second


def test_an_unreachable_target_is_exit_5_and_outranks_1(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b""))
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = whcli("replay", "1", "--to", dead, folder=tmp_path)
    assert done.code == 5 and "→ refused" in done.out and "nothing is listening" in done.out
    [event] = whcli("list", "--json", folder=tmp_path).lines
    assert event["forward"]["failure"] == "refused"


def test_a_handler_that_takes_too_long_is_exit_1(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b""))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = whcli("replay", "1", "--to", url, "--timeout", "300ms", folder=tmp_path)
    assert done.code == 1 and "→ timeout" in done.out


def test_a_target_on_another_machine_is_refused_without_yes_or_an_entry(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b""))
    done = whcli("replay", "1", "--to", "http://192.0.2.1/", folder=tmp_path)
    assert done.code == 2 and "--yes" in done.err and "[targets]" in done.err and done.out == ""
    assert whcli("show", "1", "--json", folder=tmp_path).lines[0]["deliveries"] == []


def test_proxy_variables_are_ignored(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b""))
    with Receiver() as proxy, Receiver() as handler:
        env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"), proxy.url)
        assert whcli("replay", "1", "--to", handler.url, folder=tmp_path, env=env).code == 0
        assert len(handler.wait(1)) == 1 and proxy.requests == []


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b""))
    with Receiver() as other:
        answer = b"HTTP/1.1 302 Found\r\nLocation: %b/\r\nContent-Length: 0\r\n\r\n" % other.url.encode()
        with Receiver(answer) as handler:
            done = whcli("replay", "1", "--to", handler.url, folder=tmp_path)
        assert done.code == 1 and "→ 302" in done.out and other.requests == []


def test_what_had_to_change_is_printed(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        with Wire(listener.port) as wire:
            wire.send(
                b"POST /c HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Pad:  b \r\n"
                b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trail: t\r\n\r\n"
            )
            assert wire.response().status == 200
        listener.wait()
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url, "--json", folder=tmp_path)
        [request] = handler.wait(1)
    changes = " | ".join(done.lines[0]["changes"])
    for word in ("Host", "Connection", "X-Hop", "X-Pad", "chunk", "railer"):
        assert word in changes, word
    host = handler.url.removeprefix("http://").encode()
    assert request == b"POST /c HTTP/1.1\r\nHost: %b\r\nX-Pad: b\r\nContent-Length: 3\r\n\r\nabc" % host


def test_events_of_a_file_are_replayed_without_a_store(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/from-file", b"\x00\xff"))
    text = whcli("show", "1", "--json", folder=tmp_path).out
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "event.json").write_text(text)
    with Receiver() as handler:
        done = whcli(
            "replay", "event.json", "-", "--to", handler.url, "--store", "none", folder=other, stdin=text.encode()
        )
        assert done.code == 0
        assert all(r.startswith(b"POST /from-file ") and r.endswith(b"\x00\xff") for r in handler.wait(2))
    assert not (other / "none").exists()


def test_a_target_can_have_a_name(tmp_path: Path) -> None:
    store_with(tmp_path, (b"/x", b""))
    with Receiver() as handler:
        (tmp_path / "whcli.toml").write_text(f'[targets]\napp = "{handler.url}/hooks"\n')
        assert whcli("replay", "1", "--to", "app", folder=tmp_path).code == 0
        assert handler.wait(1)[0].startswith(b"POST /hooks ")
