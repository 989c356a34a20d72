"""Handshakes as `whcli listen` answers them: real sockets, a real store, and what is kept for later."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.listeners import Seen, listener_on
from tests.program import listening, whcli
from tests.receivers import Receiver, split
from tests.senders import CASES, Case
from tests.test_handshakes import ANSWERS, SLACK, SNS_URL, XERO, Known
from tests.wire import Response, Wire, ask, wait_for
from whcli.commands.listening.plan import Options, plan_of
from whcli.hands.config import Config, load_config, variable
from whcli.hands.keyring import MOST, Keyring
from whcli.hands.listening.follower import Follower
from whcli.hands.listening.plan import ListenPlan
from whcli.hands.listening.writer import Writer
from whcli.hands.storing.store import Store
from whcli.rules.conduct.handshakes import LARGEST
from whcli.rules.recognition.providers import BY_NAME
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Arrival, Headers, Message
from whcli.words.secret import Secret

USUAL = 299  # what an ordinary request is answered with here


def plan(folder: Path, **options: object) -> ListenPlan:
    """What `whcli listen` would do under these flags."""
    return plan_of(Options(**{"reply": str(USUAL), **options}), load_config(), folder)  # type: ignore[arg-type]


def raw(message: Message) -> bytes:
    """A message as the bytes that come over the wire."""
    target = message.url.removeprefix("https://example.com")
    lines = b"".join(b"%b: %b\r\n" % pair for pair in message.headers)
    length = b"Content-Length: %d\r\n" % len(message.body)
    return f"{message.method} {target} HTTP/1.1\r\n".encode() + lines + length + b"\r\n" + message.body


def posted(body: bytes, *headers: tuple[str, str], path: str = "/hooks") -> bytes:
    """A POST of JSON."""
    pairs = (("Host", "localhost"), ("Content-Type", "application/json"), *headers)
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in pairs)
    return b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (path.encode(), lines, len(body)) + body


def fields(response: Response) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in response.headers}


def expected(known: Known) -> dict[str, str]:
    """All headers of the answer, by lower-case name."""
    length = {} if known.status == 204 else {"content-length": str(len(known.body))}
    kind = {"content-type": known.type} if known.type else {}
    nosniff = {"x-content-type-options": "nosniff"} if known.type == "text/plain" else {}
    allow = {"allow": "POST"} if known.provider == "cloudevents" else {}
    return {**length, **kind, **nosniff, **allow, **{name.lower(): value for name, value in known.headers.items()}}


ORDINARILY = {"server": "whcli", "content-length": "0"}
NOBODYS = next(known for known in ANSWERS if known.message.method == "HEAD" and known.provider is None)
QUESTIONS = [known for known in ANSWERS if known is not NOBODYS]

# -- the answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", QUESTIONS, ids=str)
def test_each_question_gets_its_exact_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Known) -> None:
    for scheme, value in known.secrets.items():
        monkeypatch.setenv(variable(scheme), value)
    monkeypatch.setenv("TOKEN", known.options.get("verify_token", ""))
    token = "env:TOKEN" if "verify_token" in known.options else None
    provider = known.options.get("provider")
    fixed = BY_NAME[provider].schemes[0] if provider else None
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s", verify_token=token, scheme=fixed), seen) as port:
        response = ask(port, raw(known.message))
        wait_for(lambda: seen.entries)
    assert (response.status, response.body, fields(response)) == (known.status, known.body, expected(known))
    [entry], [note] = seen.entries, seen.notes
    assert entry.facts.reply == known.status  # what the sender got is kept with the event
    assert note is not None and str(known.provider) in note
    assert ("answered" in note) is (known.status != 403)


@pytest.mark.parametrize(
    ("options", "status", "note"),
    [
        ({}, USUAL, None),
        ({"scheme": "trello"}, 200, "trello or mandrill or intercom: HEAD · answered"),
        ({"verify": True}, 200, "trello or mandrill or intercom: HEAD · answered"),
    ],
    ids=["like any other", "a route's provider asks so", "what nobody can sign is not refused"],
)
def test_a_head_of_nobody_in_particular(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], status: int, note: str | None
) -> None:
    monkeypatch.setenv("WHCLI_SECRET_TRELLO", "a secret")
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s", **options), seen) as port:
        assert ask(port, raw(NOBODYS.message)).status == status
        wait_for(lambda: seen.entries)
    assert seen.notes == [note]
    assert seen.entries[0].facts.reply == status


@pytest.mark.parametrize("known", ANSWERS, ids=str)
def test_without_handshakes_each_gets_the_ordinary_reply(tmp_path: Path, known: Known) -> None:
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s", handshakes=False), seen) as port:
        response = ask(port, raw(known.message))
        wait_for(lambda: seen.entries)
    assert (response.status, response.body, fields(response)) == (USUAL, b"", ORDINARILY)
    assert seen.notes == [None]


ORDINARY = {str(case): case for case in CASES}


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Seen]]:
    """A listener for everything, with handshakes on."""
    folder, seen = tmp_path_factory.mktemp("ordinary"), Seen()
    with listener_on(folder / "s", plan_of(Options(reply=str(USUAL)), Config(), folder / "s"), seen) as port:
        yield port, seen


@pytest.mark.parametrize("case", ORDINARY.values(), ids=ORDINARY)
def test_a_providers_event_is_never_answered_as_a_question(ordinary: tuple[int, Seen], case: Case) -> None:
    port, _ = ordinary
    lines = b"".join(b"%b: %b\r\n" % pair for pair in case.pairs)
    head = b"POST /in HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (lines, len(case.content))
    response = ask(port, head + case.content)
    assert (response.status, response.body, fields(response)) == (USUAL, b"", ORDINARILY)


def test_of_all_those_events_no_line_speaks_of_a_question(ordinary: tuple[int, Seen]) -> None:
    _, seen = ordinary
    assert [note for note in seen.notes if note is not None] == []


def test_a_question_in_a_body_that_is_too_large_is_an_event(tmp_path: Path) -> None:
    with listener_on(tmp_path / "s", plan(tmp_path / "s")) as port:
        body = json.dumps({**SLACK, "more": "x" * LARGEST}).encode()
        assert ask(port, posted(body)).status == USUAL


def test_questions_and_events_on_one_connection_are_answered_in_order(tmp_path: Path) -> None:
    slack = posted(json.dumps(SLACK).encode())
    with listener_on(tmp_path / "s", plan(tmp_path / "s")) as port, Wire(port) as wire:
        wire.send((slack + posted(b"{}")) * 3)
        assert [wire.response().status for _ in range(6)] == [200, USUAL] * 3


def test_a_question_is_answered_where_events_must_be_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHCLI_SECRET_NOTION", "secret_of_before")
    with listener_on(tmp_path / "s", plan(tmp_path / "s", verify=True)) as port:
        assert ask(port, posted(b'{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZ"}')).status == 200
        assert ask(port, posted(b'{"id":1}')).status == 401


# -- a secret that is missing, or of the wrong form -----------------------------------------------------------------

NEEDY = {
    "x": b"GET /?crc_token=a HTTP/1.1\r\nHost: x\r\n\r\n",
    "zoom": posted(b'{"event":"endpoint.url_validation","payload":{"plainToken":"q"}}'),
    "braintree": b"GET /?bt_challenge=" + b"a" * 32 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "xero": posted(XERO.encode(), ("x-xero-signature", "QDRt")),
}


@pytest.mark.parametrize("provider", NEEDY)
def test_a_secret_that_is_missing_is_said_in_the_line(tmp_path: Path, provider: str) -> None:
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s"), seen) as port:
        assert ask(port, NEEDY[provider]).status == 503
        wait_for(lambda: seen.entries)
    assert seen.notes[0] is not None and f"set WHCLI_SECRET_{provider.upper()}" in seen.notes[0]


def test_listen_prints_it_below_the_event(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        assert ask(listener.port, NEEDY["zoom"]).status == 503
        lines = listener.wait().out.splitlines()
    assert len(lines) == 2 and lines[1].strip() == (
        "↳ zoom: endpoint.url_validation · the answer needs the secret of zoom: set WHCLI_SECRET_ZOOM"
    )


def test_json_has_it_as_the_note(tmp_path: Path) -> None:
    with listening("--count", "1", "--json", folder=tmp_path) as listener:
        ask(listener.port, posted(json.dumps(SLACK).encode()))
        _, event = listener.wait().lines
    assert (event["note"], event["reply"]) == ("slack: url_verification · answered", 200)


# -- the handler's own answer ---------------------------------------------------------------------------------------


def test_with_relay_reply_the_handler_answers(tmp_path: Path) -> None:
    own = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Mine: 1\r\nContent-Length: 4\r\n\r\nmine"
    with (
        Receiver(own) as handler,
        listening("--relay-reply", "--forward", handler.url, "--count", "1", folder=tmp_path) as listener,
    ):
        response = ask(listener.port, posted(json.dumps(SLACK).encode()))
        assert (response.status, response.body, response.header(b"X-Mine")) == (200, b"mine", b"1")
        assert len(handler.requests) == 1
        assert "url_verification" not in listener.wait().out


def test_without_it_the_question_is_answered_and_passed_on(tmp_path: Path) -> None:
    with Receiver() as handler, listening("--forward", handler.url, "--count", "1", folder=tmp_path) as listener:
        response = ask(listener.port, posted(json.dumps(SLACK).encode()))
        assert response.body.decode() == SLACK["challenge"]
        assert split(handler.wait(1)[0])[2] == json.dumps(SLACK).encode()


# -- secrets that arrive with the question --------------------------------------------------------------------------

ASANA = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"
NOTION = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
ARRIVALS = {
    "asana": (ASANA, posted(b"{}", ("X-Hook-Secret", ASANA), path="/from/asana"), "…3e81"),
    "notion": (
        NOTION,
        posted(json.dumps({"verification_token": NOTION}).encode(), path="/from/notion"),
        "secret_…7yBl",
    ),
}
EVENT = b'{"events":[{"action":"changed"}]}'


def signed(scheme: str, value: str, path: str) -> bytes:
    """An event of the provider, signed with the secret of its handshake."""
    message = Message(method="POST", url="", headers=(), body=EVENT)
    made = sign(scheme_named(scheme), message, [Secret(value=value.encode(), label="")], now=time.time(), token="1")
    return posted(EVENT, *((name.decode(), text.decode()) for name, text in made.headers), path=path)


@pytest.mark.parametrize("scheme", ARRIVALS)
def test_a_secret_that_arrives_is_kept_and_used_from_then_on(tmp_path: Path, scheme: str) -> None:
    value, question, mask = ARRIVALS[scheme]
    path = f"/from/{scheme}"
    with listening(folder=tmp_path) as listener:
        assert ask(listener.port, question).status == 200
        assert ask(listener.port, signed(scheme, value, path)).status == 200
        assert ask(listener.port, signed(scheme, value, "/elsewhere")).status == 200
        assert ask(listener.port, signed(scheme, "another secret of the same kind", path)).status == 200
        done = listener.end()
    first, note, *rest = done.out.splitlines()
    assert mask in note and "is kept" in note and value not in done.out + done.err
    signatures = [line.rpartition(" B ")[2].strip() for line in rest if line[2:3] == ":"]
    assert signatures == ["✓ sig", "– no secret", "✗ sig"], (first, rest)

    # another process, with nothing configured
    good = whcli("verify", "2", folder=tmp_path)
    assert good.code == 0 and f"secret from the handshake at {path}" in good.out
    assert whcli("verify", "3", folder=tmp_path).code == 2
    assert whcli("verify", "4", folder=tmp_path).code == 1
    with Receiver() as handler:
        done = whcli("replay", "4", "--to", handler.url, folder=tmp_path)
        [request] = handler.wait(1)
    assert done.code == 0 and f"re-signed {scheme}" in done.out
    _, lines, body = split(request)
    sent = Message(method="POST", url="", headers=tuple((name, text.strip()) for name, text in lines), body=body)
    assert verify(scheme_named(scheme), sent, [Secret(value=value.encode(), label="")], now=time.time()).ok

    # another listener on the same store
    with listening("--count", "1", folder=tmp_path) as listener:
        ask(listener.port, signed(scheme, value, path))
        assert "✓ sig" in listener.wait().out
    for name in (".whcli/store.db", ".whcli"):
        mode = stat.S_IMODE((tmp_path / name).stat().st_mode)
        assert mode == (0o600 if name.endswith("db") else 0o700)


@pytest.mark.parametrize("scheme", ARRIVALS)
def test_a_secret_that_arrived_is_masked_on_screen_unless_asked_for(tmp_path: Path, scheme: str) -> None:
    value, question, mask = ARRIVALS[scheme]
    with listening("--count", "2", folder=tmp_path) as listener:
        ask(listener.port, question)
        ask(listener.port, posted(json.dumps({"n": 1, "a": value}).encode(), path="/other"))
        listener.wait()
    assert value in whcli("show", "2", folder=tmp_path).out  # a sender hides nothing at other paths
    for arguments in (("show", "1"), ("show", "1", "--full"), ("diff", "1", "2")):
        done = whcli(*arguments, folder=tmp_path)
        assert mask in done.out and value not in done.out
        assert value in whcli(*arguments, "--reveal", folder=tmp_path).out


def test_the_log_beside_the_store_is_the_owners_alone_too(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        ask(listener.port, ARRIVALS["asana"][1])
        files = list((tmp_path / ".whcli").glob("store.db*"))
        assert len(files) == 3 and {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_configured_secret_still_verifies_beside_one_that_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHCLI_SECRET_ASANA", "configured")
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s"), seen) as port:
        ask(port, posted(b"{}", ("X-Hook-Secret", ASANA), path="/a"))
        ask(port, signed("asana", "configured", "/a"))
        ask(port, signed("asana", ASANA, "/a"))
        wait_for(lambda: len(seen.entries) == 3)
    assert [entry.facts.signature for entry in seen.entries[1:]] == ["valid", "valid"]


def test_a_secret_with_control_characters_does_not_reach_the_terminal(tmp_path: Path) -> None:
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s"), seen) as port:
        ask(port, posted(b'{"verification_token":"secret_aaaaaaaaaaaa\\u001b[2J"}'))
        wait_for(lambda: seen.entries)
    assert seen.notes[0] is not None and "is kept" in seen.notes[0] and "\x1b" not in seen.notes[0]


def test_however_many_arrive_the_newest_are_used_and_each_is_kept_once(tmp_path: Path) -> None:
    keyring = Keyring(Config())
    for number in range(3000):
        keyring.keep("asana", "/a", Secret(value=b"%d" % number, label=""))
        keyring.keep("asana", "/a", Secret(value=b"same", label=""))
    found = [secret.value for secret in keyring.secrets("asana", "/a")]
    assert found[:3] == [b"same", b"2999", b"2998"] and len(found) == MOST
    with listener_on(tmp_path / "s", plan(tmp_path / "s")) as port, Wire(port) as wire:
        for value in ("one", "two", "one"):
            wire.send(posted(b"{}", ("X-Hook-Secret", value), path="/a"))
            assert wire.response().header(b"X-Hook-Secret") == value.encode()
    with Store(tmp_path / "s") as store:
        assert [secret.value for secret in store.kept_secrets()["asana", "/a"]] == [b"one", b"two"]


# -- subscriptions of Amazon SNS ------------------------------------------------------------------------------------


def subscription(url: str) -> bytes:
    body = {"Type": "SubscriptionConfirmation", "Token": "2", "TopicArn": "a", "SubscribeURL": url}
    return posted(json.dumps(body).encode(), ("x-amz-sns-message-type", "SubscriptionConfirmation"))


def test_a_subscribe_url_is_not_fetched_unless_asked(tmp_path: Path) -> None:
    seen = Seen()
    with listener_on(tmp_path / "s", plan(tmp_path / "s"), seen) as port:
        assert ask(port, subscription(SNS_URL)).status == 200
        wait_for(lambda: seen.entries)
    assert seen.notes[0] is not None and f"to confirm, fetch {SNS_URL}" in seen.notes[0]
    with Store(tmp_path / "s") as store:
        assert store.deliveries(1) == ()


LOOK_ALIKES = (
    "http://localhost:{port}/?Action=ConfirmSubscription",
    "https://localhost:{port}/?Action=ConfirmSubscription",
    "http://sns.us-east-1.localhost:{port}/?Action=ConfirmSubscription",
    "https://sns.us-east-1.amazonaws.com.localhost:{port}/?Action=ConfirmSubscription",
    "https://sns.us-east-1.amazonaws.com@localhost:{port}/?Action=ConfirmSubscription",
    "https://sns.us-east-1.amazonaws.com:443@localhost:{port}/",
    "https://localhost:{port}/https://sns.us-east-1.amazonaws.com/",
    "https://localhost:{port}#sns.us-east-1.amazonaws.com/",
    "https://localhost:{port}\\@sns.us-east-1.amazonaws.com/",
    "https://sns.us-east-1.amazonaws.com\\@localhost:{port}/",
    "https://sns.us-east-1.amazonaws.com:{port}/",
    "http://127.0.0.1:{port}/latest/meta-data/",
    "//localhost:{port}/",
    "localhost:{port}",
    "file:///etc/passwd",
)


def test_a_look_alike_is_not_fetched_even_when_asked(tmp_path: Path) -> None:
    seen = Seen()
    with Receiver() as trap:
        with listener_on(tmp_path / "s", plan(tmp_path / "s", confirm_subscriptions=True), seen) as port:
            for url in LOOK_ALIKES:
                assert ask(port, subscription(url.format(port=trap.port))).status == 200
            wait_for(lambda: len(seen.entries) == len(LOOK_ALIKES))
        assert trap.connections == 0  # the listener has ended: nothing can come any more
    assert all(note is not None and "do not open it" in note and "fetching" not in note for note in seen.notes)
    with Store(tmp_path / "s") as store:
        assert [store.deliveries(id + 1) for id in range(len(LOOK_ALIKES))] == [()] * len(LOOK_ALIKES)


def test_another_providers_confirmation_url_is_not_fetched_either(tmp_path: Path) -> None:
    with Receiver() as trap:
        url = f"http://localhost:{trap.port}/validate?id=1"
        body = json.dumps([{"id": "1", "data": {"validationCode": "c", "validationUrl": url}}]).encode()
        with listener_on(tmp_path / "s", plan(tmp_path / "s", confirm_subscriptions=True)) as port:
            response = ask(port, posted(body, ("aeg-event-type", "SubscriptionValidation")))
            assert response.body == b'{"validationResponse":"c"}'
        assert trap.connections == 0


def test_a_confirmation_is_one_plain_get_that_follows_no_redirect_and_is_recorded(tmp_path: Path) -> None:
    """The fetch by itself; that only a host of SNS comes so far stands above."""
    headers: Headers = ()
    arrival = Arrival(1_700_000_000.0, b"POST / HTTP/1.1\r\n\r\n", b"POST", b"/", b"", headers, None)
    with Receiver() as elsewhere:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        with Receiver(redirect) as server, Store(tmp_path / "s", create=True, holder=True) as store:
            store.add([arrival])
            event = store.event(1)
            assert event is not None

            async def fetch() -> None:
                writer = Writer(
                    store,
                    stored=lambda id, arrival, respond: None,
                    answered=lambda: None,
                    worked=lambda: None,
                    failed=lambda error: None,
                )
                writer.start(asyncio.get_running_loop())
                follower = Follower(
                    tmp_path / "s",
                    writer,
                    Keyring(Config()),
                    None,
                    replied=replied,
                    advanced=lambda after, entries: None,
                )
                follower.start(0, 0)
                delivery = await follower.confirm(event, f"{server.url}/?Action=ConfirmSubscription&Token=2")
                assert delivery.reply is not None and delivery.reply.status == 302
                for stop in (follower.stop, writer.stop):
                    await asyncio.to_thread(stop, 2.0)

            asyncio.run(fetch())
            [request] = server.wait(1)
            assert elsewhere.connections == 0
    line, lines, body = split(request)
    assert (line, body) == (b"GET /?Action=ConfirmSubscription&Token=2 HTTP/1.1", b"")
    assert lines == [(b"Host", b" localhost:%d" % server.port)]
    with Store(tmp_path / "s") as store:
        [delivery] = store.deliveries(1)
    assert delivery.kind == "confirm"


def replied(ids: list[int]) -> list[int | None]:
    return [None for _ in ids]
