"""The pytest plugin: its listener and its sender, as tests use them; and that it costs nothing when no test does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.program import ROOT, environment
from tests.receivers import Receiver, closed_port, split
from tests.test_listen import post
from whcli import (
    NoReply,
    Store,
    Unreachable,
    WebhookListener,
    WebhookListeners,
    WebhookSecrets,
    WebhookSender,
    WrongUsage,
    verify,
)

README = (ROOT / "README.md").read_text()
CHARGE = b'{"id":"evt_1","object":"event","type":"charge.succeeded"}'


# -- the listener: what came ----------------------------------------------------------------------------------------


def test_an_event_is_there_as_soon_as_its_sender_has_the_answer(webhook_listener: WebhookListener) -> None:
    assert webhook_listener.events == []
    for number in range(20):
        assert post(f"{webhook_listener.url}/n/{number}", b'{"n":%d}' % number).status_code == 200
        assert [event.data["n"] for event in webhook_listener.events] == list(range(number + 1))


def test_waiting_ends_the_moment_enough_are_there(webhook_listener: WebhookListener) -> None:
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(webhook_listener.wait, 2, timeout=20, path="/b*")
        for path in ("/a", "/b1", "/c", "/b2", "/b3"):
            post(webhook_listener.url + path)
        assert [event.path for event in waiting.result()] == ["/b1", "/b2"]


def test_what_came_before_the_wait_counts(webhook_listener: WebhookListener) -> None:
    post(webhook_listener.url + "/early", b"\x00\xff")
    [event] = webhook_listener.wait()
    assert (event.path, event.body, event.method) == ("/early", b"\x00\xff", b"POST")


def test_behind_an_event_only_later_ones_count(webhook_listener: WebhookListener) -> None:
    post(webhook_listener.url + "/one")
    [one] = webhook_listener.wait()
    post(webhook_listener.url + "/two")
    [two] = webhook_listener.wait(after=one)
    assert two.path == "/two"
    with pytest.raises(AssertionError, match=r"0 of 1 event came within 0\.05 s"):
        webhook_listener.wait(after=two, timeout=0.05)


def test_a_wait_in_vain_names_the_near_misses(webhook_listener: WebhookListener) -> None:
    post(webhook_listener.url + "/stripe", CHARGE, headers={"Content-Type": "application/json"})
    with pytest.raises(AssertionError) as caught:
        webhook_listener.wait(3, timeout=0.05, path="/stripe", type="charge.refunded", where="body.id == 'evt_2'")
    text = str(caught.value)
    assert "0 of 3 events came within 0.05 s with path=/stripe, type=charge.refunded" in text
    assert "#1 POST /stripe" in text and "type: wanted charge.refunded, got " in text and "path:" not in text


def test_a_wait_with_nothing_at_all_says_so(webhook_listener: WebhookListener) -> None:
    with pytest.raises(AssertionError, match="nothing came at all"):
        webhook_listener.wait(timeout=0.01)


def test_a_refused_request_is_named_when_nothing_came(webhook_listener: WebhookListener) -> None:
    port = int(webhook_listener.url.rpartition(":")[2])
    from tests.wire import Wire

    with Wire(port) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
        assert wire.response().status == 400
    with pytest.raises(AssertionError, match="a request was refused with 400"):
        webhook_listener.wait(timeout=0.2)


def test_none_may_come_with_a_count_of_nothing(webhook_listener: WebhookListener) -> None:
    assert webhook_listener.wait(0, timeout=0.02) == []
    post(webhook_listener.url + "/x")
    assert webhook_listener.wait(0, timeout=0.02, path="/y") == []
    with pytest.raises(AssertionError, match="no event may come, and one did:\n  #1 POST /x"):
        webhook_listener.wait(0, timeout=20)


def test_a_filter_that_can_match_nothing_is_a_mistake(webhook_listener: WebhookListener) -> None:
    with pytest.raises(WrongUsage, match="no signature state 'vlaid'"):
        webhook_listener.wait(signature="vlaid")
    with pytest.raises(WrongUsage):
        webhook_listener.wait(where="body.[")
    with pytest.raises(TypeError):
        webhook_listener.wait(kind="charge")  # type: ignore[call-arg]


def test_the_facts_of_an_event_can_be_read(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    webhook_listener.secret("github", "hush")
    webhook_sender.send("github", "push", to=webhook_listener.url + "/gh")
    [event] = webhook_listener.wait()
    assert (event.provider, event.type, event.signature) == ("github", "push", "valid")
    assert event.header("x-github-event") == "push" and event.header("x-nothing") is None
    assert event.data["ref"].startswith("refs/")


def test_the_store_can_be_read_by_anything_else(webhook_listener: WebhookListener) -> None:
    post(webhook_listener.url + "/x")
    with Store(webhook_listener.store_folder) as store:
        assert store.last_id() == 1


# -- the listener: what must have come ------------------------------------------------------------------------------


def test_what_was_received_is_asserted(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    webhook_listener.secret("stripe", "whsec_x")
    for type in ("charge.succeeded", "charge.refunded"):
        webhook_sender.send("stripe", type, to=webhook_listener.url)
    events = webhook_listener.assert_received(
        2, type="charge.*", signed=True, ordered=["charge.succeeded", "charge.refunded"], no_duplicates=True
    )
    assert [event.type for event in events] == ["charge.succeeded", "charge.refunded"]
    webhook_listener.assert_received(where="body.data.object.amount > `0`")
    webhook_listener.assert_received(0, type="invoice.paid")


def test_what_was_not_received_is_told(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    with pytest.raises(AssertionError, match="0 events came\n  count: wanted at least 1, got 0\n  nothing came at all"):
        webhook_listener.assert_received()
    webhook_sender.send("github", "push", to=webhook_listener.url, unsigned=True)
    with pytest.raises(AssertionError, match="1 event came\n  count: wanted 2, got 1\n"):
        webhook_listener.assert_received(2)
    with pytest.raises(AssertionError, match="#1 POST / github push, signature: wanted valid, got unsigned"):
        webhook_listener.assert_received(signed=True)
    with pytest.raises(AssertionError, match="ordered: wanted ping behind #1 push, got none"):
        webhook_listener.assert_received(ordered=["push", "ping"])
    [event] = webhook_listener.events
    webhook_sender.replay(event, to=webhook_listener.url, resign=False)
    with pytest.raises(
        AssertionError,
        match="#2 POST / github push, duplicate: wanted each delivery once",
    ):
        webhook_listener.assert_received(no_duplicates=True)


# -- the listener: what it answers ----------------------------------------------------------------------------------


def test_the_reply_can_be_set_and_set_again(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    def sent() -> tuple[int, bytes]:
        reply = webhook_sender.send("github", "push", to=webhook_listener.url, unsigned=True)
        return reply.status, reply.body

    assert sent() == (200, b"")
    webhook_listener.reply_with(503, body="later", headers={"Retry-After": "1"})
    assert sent() == (503, b"later")
    webhook_listener.reply_with(202, body={"ok": True})
    assert sent() == (202, b'{"ok": true}')
    with pytest.raises(WrongUsage, match="99 is no status"):
        webhook_listener.reply_with(99)


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "x\r\nB: y"},
        {"A b": "1"},
        {"": "1"},
        {"A": "€"},
        {"Content-Length": "9"},
        {"transfer-encoding": "chunked"},
    ],
)
def test_a_reply_that_cannot_be_sent_is_refused_when_it_is_set(
    webhook_listener: WebhookListener, headers: dict[str, str]
) -> None:
    with pytest.raises(WrongUsage):
        webhook_listener.reply_with(500, headers=headers)
    assert post(webhook_listener.url).status_code == 200


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf")])
def test_a_delay_is_a_number_of_seconds(webhook_listener: WebhookListener, delay: float) -> None:
    with pytest.raises(WrongUsage, match="is no delay"):
        webhook_listener.reply_with(delay=delay)


def test_a_number_below_none_and_a_filter_that_is_no_text_are_mistakes(webhook_listener: WebhookListener) -> None:
    with pytest.raises(WrongUsage, match="-1 is no number"):
        webhook_listener.wait(-1)
    with pytest.raises(WrongUsage, match="-2 is no number"):
        webhook_listener.assert_received(-2)
    with pytest.raises(WrongUsage, match="path=5 is no text"):
        webhook_listener.wait(path=5)  # type: ignore[arg-type]


def test_a_delay_that_nobody_waits_out_does_not_hold_up_the_end_of_a_test(
    webhook_listeners: WebhookListeners, webhook_sender: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whcli.hands.listening.listener.GRACE", 60.0)
    listener = webhook_listeners()
    listener.reply_with(delay=600)
    with pytest.raises(NoReply):
        webhook_sender.send("github", "push", to=listener.url, unsigned=True, timeout=0.2)
    began = time.monotonic()
    listener.close()
    assert time.monotonic() - began < 30 and len(listener.events) == 1


def test_a_sequence_answers_the_attempts_of_each_delivery(
    webhook_listener: WebhookListener, webhook_sender: WebhookSender
) -> None:
    webhook_listener.reply_with(sequence=[500, 429, 200])
    message, other = (webhook_sender.make("github", "push", unsigned=True) for _ in range(2))
    urls = [webhook_listener.url] * 4
    statuses = [post(url, message.body, headers=message.headers).status_code for url in urls]
    assert statuses == [500, 429, 200, 200]
    assert post(webhook_listener.url, other.body, headers=other.headers).status_code == 500
    assert [event.facts.reply for event in webhook_listener.events] == [500, 429, 200, 200, 500]


def test_a_verifying_listener_refuses_what_does_not_hold(
    webhook_listeners: WebhookListeners, webhook_sender: WebhookSender
) -> None:
    strict, lenient = webhook_listeners(verify=True), webhook_listeners()
    webhook_sender.secrets["github"] = "hush"
    assert webhook_sender.send("github", "push", to=strict.url).status == 200
    assert webhook_sender.send("github", "push", to=strict.url, unsigned=True).status == 401
    assert webhook_sender.send("github", "push", to=lenient.url, unsigned=True).status == 200
    assert strict.url != lenient.url and len(strict.events) == 2 and len(lenient.events) == 1


def test_a_listener_can_be_closed_early(webhook_listeners: WebhookListeners, webhook_sender: WebhookSender) -> None:
    listener = webhook_listeners()
    post(listener.url + "/x")
    listener.close()
    with pytest.raises(Unreachable):
        webhook_sender.send("github", "push", to=listener.url, unsigned=True)
    assert len(listener.events) == 1
    with pytest.raises(WrongUsage, match="is closed"):
        listener.reply_with(500)


# -- threads --------------------------------------------------------------------------------------------------------


def test_many_threads_may_send_wait_and_look_at_once(webhook_listener: WebhookListener) -> None:
    senders, each = 8, 20
    problems: list[BaseException] = []

    def send(sender: int) -> None:
        for number in range(each):
            post(f"{webhook_listener.url}/{sender}/{number}")
            webhook_listener.reply_with(200 + number % 2)

    def look(sender: int) -> None:
        events = webhook_listener.wait(each, timeout=60, path=f"/{sender}/*")
        assert [event.path for event in events] == [f"/{sender}/{number}" for number in range(each)]
        webhook_listener.assert_received(each, path=f"/{sender}/*")

    def guarded(work: object, sender: int) -> None:
        try:
            work(sender)  # type: ignore[operator]
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=guarded, args=(work, n)) for work in (look, send) for n in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    numbers = [event.id for event in webhook_listener.events]
    assert numbers == list(range(1, senders * each + 1))


# -- the sender -----------------------------------------------------------------------------------------------------


def test_a_sample_arrives_signed_and_changed(webhook_sender: WebhookSender) -> None:
    webhook_sender.secrets["stripe"] = ["whsec_new", "whsec_old"]
    with Receiver(b'HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\nX-A: b\r\n\r\n{"ok":true}') as handler:
        reply = webhook_sender.send(
            "stripe",
            "charge.succeeded",
            to=handler.url + "/hooks",
            set={"body.data.object.amount": 9900, "body.data.object.description": "12", "body.data.object.paid": False},
            unset=["body.livemode"],
            headers={"X-Test": "1"},
        )
    assert (reply.status, reply.ok, reply.json(), reply.text) == (202, True, {"ok": True}, '{"ok":true}')
    assert reply.header("x-a") == "b" and reply.header("x-b") is None and reply.signed == "stripe" and reply.latency > 0
    line, fields, body = split(handler.requests[0])
    assert line == b"POST /hooks HTTP/1.1"
    headers = {name.decode(): value.strip().decode() for name, value in fields}
    charge = json.loads(body)
    assert [charge["data"]["object"][name] for name in ("amount", "description", "paid")] == [9900, "12", False]
    assert headers["X-Test"] == "1" and "livemode" not in charge
    assert verify("stripe", headers, body, secret="whsec_new").ok
    assert not verify("stripe", headers, body, secret="whsec_old").ok


def test_a_body_of_ones_own_is_signed(webhook_sender: WebhookSender) -> None:
    webhook_sender.secrets["github"] = "hush"
    message = webhook_sender.make("github", "push", body={"ref": "refs/heads/main"})
    assert json.loads(message.body) == {"ref": "refs/heads/main"}
    assert verify("github", message.headers, message.body, secret="hush").ok
    assert not {"host", "content-length"} & {name.lower() for name in message.headers}


def test_a_captured_event_is_signed_afresh(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    webhook_sender.secrets["stripe"] = "whsec_x"
    webhook_sender.send("stripe", "charge.succeeded", to=webhook_listener.url + "/hooks")
    [event] = webhook_listener.wait()
    with Receiver() as handler:
        webhook_sender.secrets["stripe"] = "whsec_y"
        reply = webhook_sender.replay(event, to=handler.url, set={"body.data.object.amount": 1})
        webhook_sender.replay(event, to=handler.url + "/elsewhere", resign=False)
    assert reply.status == 200 and reply.signed == "stripe"
    (line, fields, body), (second, old, _) = map(split, handler.requests)
    assert line == b"POST /hooks HTTP/1.1" and second == b"POST /elsewhere HTTP/1.1"
    headers = [(name, value.strip()) for name, value in fields]
    assert verify("stripe", headers, body, secret="whsec_y").ok and json.loads(body)["data"]["object"]["amount"] == 1
    assert (b"Stripe-Signature", event.header("stripe-signature").encode()) in [  # type: ignore[union-attr]
        (name, value.strip()) for name, value in old
    ]


def test_the_senders_mistakes_are_told(webhook_sender: WebhookSender) -> None:
    def send(*what: str, to: str = "http://127.0.0.1:1", **how: object) -> None:
        webhook_sender.send(*what, to=to, **how)  # type: ignore[arg-type]

    with pytest.raises(WrongUsage) as caught:
        send("stripe", "charge.succeeded")
    assert caught.value.code == "no_secret" and 'webhook_sender.secrets["stripe"]' in caught.value.next
    with pytest.raises(WrongUsage, match="unknown stripe sample"):
        send("stripe", "charge.suceeded")
    with pytest.raises(WrongUsage, match="unknown signature scheme 'strype'"):
        webhook_sender.secrets["strype"] = "x"
    with pytest.raises(WrongUsage, match="is empty"):
        webhook_sender.secrets["stripe"] = os.environ.get("NOT_SET", "")
    with pytest.raises(WrongUsage, match="is not on this machine"):
        send("github", "push", to="http://192.0.2.1/", unsigned=True)
    with pytest.raises(Unreachable, match="nothing is listening"):
        send("github", "push", to=f"http://127.0.0.1:{closed_port()}", unsigned=True)
    with Receiver(lambda connection, request: True) as silent, pytest.raises(NoReply, match=r"within 0\.1 s"):
        send("github", "push", to=silent.url, unsigned=True, timeout=0.1)


def test_secrets_are_never_shown(webhook_secrets: WebhookSecrets) -> None:
    webhook_secrets["stripe"] = "whsec_very_secret_indeed"
    assert webhook_secrets["stripe"] == "whsec_very_secret_indeed" and "stripe" in webhook_secrets
    assert "very" not in f"{webhook_secrets!r} {vars(webhook_secrets.keyring)!r}"
    assert "github" not in webhook_secrets


@pytest.mark.parametrize(
    ("scheme", "provider", "type"),
    [
        ("stripe", "stripe", "charge.succeeded"),
        ("standardwebhooks", "github", "push"),
        ("discord", "discord", "ping"),
    ],
)
def test_a_secret_that_is_read_and_not_set_is_a_test_secret_for_the_handler(
    webhook_sender: WebhookSender, scheme: str, provider: str, type: str
) -> None:
    given = webhook_sender.secrets[scheme]
    assert given == webhook_sender.secrets[scheme] and scheme in webhook_sender.secrets
    message = webhook_sender.make(provider, type, scheme=scheme)
    assert verify(scheme, message.headers, message.body, secret=given).ok
    webhook_sender.secrets[scheme] = "x"
    assert webhook_sender.secrets[scheme] == "x"


def test_secrets_of_the_environment_and_the_file_count_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("WHCLI_SECRET_GITHUB", "from env")
    monkeypatch.setenv("ACME", "from file")
    (tmp_path / "whcli.toml").write_text('[secrets]\nacme = "env:ACME"\n[schemes.acme]\nheader = "X-Acme"\n')
    sender: WebhookSender = request.getfixturevalue("webhook_sender")
    listener: WebhookListener = request.getfixturevalue("webhook_listener")
    assert (sender.secrets["github"], sender.secrets["acme"]) == ("from env", "from file")
    sender.send("github", "push", to=listener.url)
    sender.send("github", "push", to=listener.url, scheme="acme", headers={"X-GitHub-Event": "push"})
    assert listener.wait(2)[1].header("x-acme")


# -- the README -----------------------------------------------------------------------------------------------------

SHOP = """
import httpx, pytest
from tests.receivers import Receiver, split
from whcli import sign, verify

class Shop:
    def __init__(self):
        self.booked = set()
        self.handler = Receiver(self.answer)
        self.url = self.handler.url + "/hooks"

    def answer(self, connection, request):
        _, fields, body = split(request)
        headers = [(name, value.strip()) for name, value in fields]
        assert verify("stripe", headers, body, secret="whsec_test").ok
        self.booked.add(httpx.Response(200, content=body).json()["id"])
        connection.sendall(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
        return True

    def announce(self, type, to):
        signed = sign("github", b"{}", secret="hush", headers={"X-GitHub-Event": type, "X-GitHub-Delivery": "d-1"})
        while httpx.post(to + "/shop", content=signed.body, headers=signed.headers).status_code != 200:
            pass

@pytest.fixture
def shop():
    shop = Shop()
    with shop.handler:
        yield shop
"""


def test_the_readme_shows_tests_that_pass(tmp_path: Path) -> None:
    blocks = [part.partition("```")[0] for part in README.split("```python\n")[1:]]
    [block] = [each for each in blocks if "webhook_listener" in each]
    (tmp_path / "conftest.py").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(block)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_readme_shows_a_listener_for_a_whole_session(tmp_path: Path) -> None:
    blocks = [part.partition("```")[0] for part in README.split("```python\n")[1:]]
    [block] = [each for each in blocks if 'scope="session"' in each]
    (tmp_path / "conftest.py").write_text(f"import pytest\nfrom whcli import WebhookListener\n\n{block}")
    tests = [f"def test_{name}(webhooks):\n    urls.add(webhooks.url)\n    assert len(urls) == 1\n" for name in "ab"]
    (tmp_path / "test_it.py").write_text("urls = set()\n" + "\n".join(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_classes_work_without_the_fixtures(tmp_path: Path) -> None:
    secrets = WebhookSecrets()
    with WebhookListeners(tmp_path, secrets) as listeners:
        sender = WebhookSender(secrets)
        secrets["github"] = "hush"
        assert sender.send("github", "push", to=listeners(verify=True).url).ok
    with WebhookListener(tmp_path / "alone") as alone:
        assert WebhookSender().send("github", "push", to=alone.url, unsigned=True).ok
        alone.assert_received(1, signature="unsigned")
    with pytest.raises(Unreachable):
        sender.send("github", "push", to=alone.url)


# -- what it costs --------------------------------------------------------------------------------------------------

LOOK = """
import sys

def pytest_sessionfinish():
    sys.__stderr__.write("LOADED " + " ".join(sorted(sys.modules)))
"""


def modules_of_a_test_run(folder: Path, *arguments: str) -> set[str]:
    (folder / "conftest.py").write_text(LOOK)
    (folder / "test_nothing.py").write_text("def test_nothing():\n    assert True\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stderr.partition("LOADED ")[2].split())


def test_a_run_that_uses_no_fixture_of_ours_loads_two_small_modules(tmp_path: Path) -> None:
    with_us = modules_of_a_test_run(tmp_path)
    without = modules_of_a_test_run(tmp_path, "-p", "no:whcli")
    assert with_us - without == {"whcli", "whcli.pytest_plugin"}


def test_the_fixtures_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--fixtures", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60)
    for name in ("webhook_listener", "webhook_listeners", "webhook_sender", "webhook_secrets"):
        assert f"\n{name} -- " in done.stdout
