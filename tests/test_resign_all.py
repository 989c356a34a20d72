"""Every scheme that can be signed: an old capture is sent again, and what arrives verifies now.

All events are captured by one listener, under an old secret and at an old time; then `whcli replay` sends them again
with a new secret. What a handler at the end would do is done with `whcli.rules.signatures.signing.verify`.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.listeners import listener_on
from tests.program import whcli
from tests.receivers import Receiver, split
from tests.wire import ask
from whcli.hands.config import variable
from whcli.rules.signatures.asymmetric import keygen
from whcli.rules.signatures.scheme import Scheme
from whcli.rules.signatures.schemes import NAMES, scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Headers, Message, Verdict
from whcli.words.secret import Secret

OLD = 1_700_000_000  # unix seconds, UTC
PUBLIC = "https://abc.example.dev"
FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
JSON: Headers = ((b"Content-Type", b"application/json"),)
SNS = b'{\n  "Type" : "Notification",\n  "MessageId" : "22b8",\n  "TopicArn" : "arn:aws:sns:us-east-1:1:T",\n'
SNS += b'  "Message" : "hi",\n  "Timestamp" : "2023-11-14T22:13:20.000Z",\n  "SignatureVersion" : "1"\n}'
ADYEN = b'{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"7914","success":"true",'
ADYEN += b'"eventCode":"AUTHORISATION","amount":{"value":1130,"currency":"EUR"},"merchantReference":"a"}}]}'
EVENT = b'{"id":"evt_1", "text":"Zo\xc3\xab"}'

# Bodies that a scheme needs, and their headers; every other scheme gets EVENT.
BODIES: dict[str, tuple[bytes, Headers]] = {
    "mailgun": (b'{"signature":{"timestamp":"1","token":"t","signature":"0"}, "event-data":{"id":1}}', JSON),
    "adyen": (ADYEN, JSON),
    "aws-sns": (SNS, ((b"Content-Type", b"text/plain; charset=UTF-8"),)),
    "braintree": (b"bt_signature=old%7C00&bt_payload=PG5vdGlmaWNhdGlvbi8%2B", FORM),
    "figma": (b'{"event_type":"FILE_UPDATE","passcode":"old", "webhook_id":"22"}', JSON),
    "microsoft-graph": (b'{"value":[{"id":"a","clientState":"old"},{"id":"b","clientState":"old"}]}', JSON),
    "linear": (b'{"action":"create", "webhookTimestamp":1700000000000}', JSON),
    "twilio": (b"Body=a+b&From=%2B1&Empty=", FORM),
    "mandrill": (b"mandrill_events=%5B%5D", FORM),
    "plivo": (b"To=1&From=2", FORM),
}
IN_BODY = ("linear", "mailgun", "adyen", "aws-sns", "braintree", "figma", "microsoft-graph")
WITH_URL = ("twilio", "mandrill", "plivo", "square", "trello", "hubspot-v2", "hubspot-v3", "rfc9421")
SECRETS = {
    "contentful": "{:x<64}",
    "livekit": "api:{}",
    "braintree": "public:{}",
    "postmark": "user:{}",
}
"""The form of a secret, where it is not any text."""
SIGNABLE = [name for name in NAMES if scheme_named(name).signs]


def secrets_of(name: str) -> tuple[str, str]:
    """An old secret and a new one for a scheme."""
    row = scheme_named(name)
    if row.pair and not row.variants:
        return keygen(row.pair).private, keygen(row.pair).private
    old, new = b"old secret of this endpoint", b"new secret of this endpoint"
    if row.key in ("whsec", "whsec-or-text"):
        return "whsec_" + as_base64(old), "whsec_" + as_base64(new)
    if row.key in ("base64", "hex"):
        return (old.hex(), new.hex()) if row.key == "hex" else (as_base64(old), as_base64(new))
    form = SECRETS.get(name, "{}")
    return form.format(old.hex()), form.format(new.hex())


def as_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass(frozen=True)
class Sent:
    """One scheme's event: how it was sent first, and what arrived when it was replayed."""

    row: Scheme
    old: Secret
    new: Secret
    body: bytes
    arrived: bytes
    told: dict[str, Any]  # what `replay --json` said
    origin: str
    at: float

    def message(self, origin: str | None = None) -> Message:
        """The request as the handler sees it; `origin` is what it takes for its own."""
        line, fields, body = split(self.arrived)
        headers = tuple((name, value.strip()) for name, value in fields)
        target = line.split(b" ")[1].decode()
        return Message(method="POST", url=(origin or self.origin) + target, headers=headers, body=body)

    def verdict(self, secret: Secret, origin: str | None = None) -> Verdict:
        return verify(self.row, self.message(origin), [secret], now=self.at)


def secret(text: str) -> Secret:
    return Secret(value=text.encode(), label="test")


def target(name: str) -> str:
    """Where a scheme's events come in."""
    return f"/{name}/in?a=1"


def capture(folder: Path, secrets: dict[str, tuple[str, str]]) -> None:
    """Send every scheme's event, signed long ago, to a listener."""
    with listener_on(folder / ".whcli") as port:
        for name in SIGNABLE:
            body, headers = BODIES.get(name, (EVENT, JSON))
            url = f"{PUBLIC}{target(name)}"
            before = Message(method="POST", url=url, headers=headers, body=body)
            made = sign(scheme_named(name), before, [secret(secrets[name][0])], now=OLD, token="a1b2c3d4e5f6a7b8")
            names = {each.lower() for each, _ in made.headers}
            kept = tuple(pair for pair in headers if pair[0].lower() not in names)
            lines = b"".join(b"%b: %b\r\n" % pair for pair in (*kept, *made.headers))
            path = made.url.removeprefix(PUBLIC).encode()
            head = b"POST %b HTTP/1.1\r\nHost: abc.example.dev\r\n%bContent-Length: %d\r\n\r\n"
            assert ask(port, head % (path, lines, len(made.body)) + made.body).status == 200


def routes() -> str:
    """A whcli.toml that tells each scheme by its path."""
    return "".join(f'[[routes]]\npath = "/{name}/*"\nscheme = "{name}"\n' for name in NAMES)


def replayed(folder: Path, secrets: dict[str, tuple[str, str]], *more: str) -> dict[str, Sent]:
    """Replay everything with the new secrets."""
    env = {variable(name): new for name, (_, new) in secrets.items()}
    with Receiver() as handler:
        done = whcli("replay", "all", "--to", f"{handler.url}", "--json", *more, folder=folder, env=env)
        assert done.code == 0, done.err
        arrived = handler.wait(len(SIGNABLE))
    rows = zip(SIGNABLE, arrived, done.lines, strict=True)
    return {
        name: Sent(
            row=scheme_named(name),
            old=secret(secrets[name][0]),
            new=secret(secrets[name][1]),
            body=BODIES.get(name, (EVENT, JSON))[0],
            arrived=request,
            told=told,
            origin=handler.url,
            at=time.time(),
        )
        for name, request, told in rows
    }


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, tuple[str, str]]]]:
    """A folder with every scheme's event in its store."""
    folder = tmp_path_factory.mktemp("all")
    secrets = {name: secrets_of(name) for name in SIGNABLE}
    (folder / "whcli.toml").write_text(routes())
    capture(folder, secrets)
    yield folder, secrets


@pytest.fixture(scope="module")
def plain(stage: tuple[Path, dict[str, tuple[str, str]]]) -> dict[str, Sent]:
    return replayed(*stage)


@pytest.fixture(scope="module")
def public(stage: tuple[Path, dict[str, tuple[str, str]]]) -> dict[str, Sent]:
    return replayed(*stage, "--public-url", PUBLIC)


@pytest.mark.parametrize("name", SIGNABLE)
def test_what_arrives_verifies_now(plain: dict[str, Sent], name: str) -> None:
    sent = plain[name]
    assert sent.told["signed"] == name and sent.told["note"] is None
    verdict = sent.verdict(sent.new)
    assert verdict.ok, verdict
    assert not sent.verdict(sent.old).ok


@pytest.mark.parametrize("name", IN_BODY)
def test_a_scheme_that_writes_into_the_body_says_so(plain: dict[str, Sent], name: str) -> None:
    sent = plain[name]
    assert [change for change in sent.told["changes"] if "body" in change] == [
        f"the body was changed: {name} signs inside it"
    ]
    assert sent.message().body != sent.body


@pytest.mark.parametrize("name", [name for name in SIGNABLE if name not in IN_BODY])
def test_any_other_leaves_the_body_as_it_was(plain: dict[str, Sent], name: str) -> None:
    sent = plain[name]
    assert sent.message().body == sent.body
    assert not any("body" in change for change in sent.told["changes"])


# Bytes around what is signed that must stay as they were, white space and order too.
STAYS = {
    "linear": b'{"action":"create", "webhookTimestamp":',
    "mailgun": b'}, "event-data":{"id":1}}',
    "adyen": ADYEN[: ADYEN.index(b"}}]}")],
    "aws-sns": SNS[: SNS.index(b'"2023')],
    "braintree": b"&bt_payload=PG5vdGlmaWNhdGlvbi8%2B",
    "figma": b', "webhook_id":"22"}',
    "microsoft-graph": b'{"value":[{"id":"a","clientState":"',
}


@pytest.mark.parametrize("name", IN_BODY)
def test_of_such_a_body_only_the_signature_and_its_time_change(plain: dict[str, Sent], name: str) -> None:
    assert STAYS[name] in plain[name].body
    assert STAYS[name] in plain[name].message().body


@pytest.mark.parametrize("name", SIGNABLE)
def test_with_a_public_url_that_is_what_is_signed(public: dict[str, Sent], name: str) -> None:
    sent = public[name]
    assert sent.verdict(sent.new, PUBLIC).ok
    assert sent.verdict(sent.new).ok is (name not in WITH_URL)


def test_the_replays_are_of_now(plain: dict[str, Sent]) -> None:
    aged = {name: sent.verdict(sent.new).age for name, sent in plain.items() if sent.row.clock is not None}
    assert len(aged) > 30
    assert {name: age for name, age in aged.items() if age is None or abs(age) > 60} == {}


def test_ids_stay_as_they_were_captured(plain: dict[str, Sent]) -> None:
    for name, sent in plain.items():
        if sent.row.id_header and name != "plivo":  # whose nonce is made anew for every request
            wanted = sent.row.id_form.replace("{token}", "a1b2c3d4e5f6a7b8").encode()
            assert dict(sent.message().headers)[sent.row.id_header.encode()] == wanted, name


# -- what cannot be signed ------------------------------------------------------------------------------------------


def captured(folder: Path, *requests: tuple[bytes, bytes]) -> None:
    """A store with these requests: header lines and body."""
    with listener_on(folder / ".whcli") as port:
        for lines, body in requests:
            head = b"POST /in HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (lines, len(body))
            assert ask(port, head + body).status == 200


def note_of(folder: Path, *more: str, env: dict[str, str] | None = None) -> str:
    """What one line says of the one event that is replayed."""
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url, "--json", *more, folder=folder, env=env)
        assert (done.code, done.lines[0]["signed"]) == (0, None), done.err
        handler.wait(1)
    return str(done.lines[0]["note"])


PAYPAL = b"PAYPAL-TRANSMISSION-ID: 1\r\nPAYPAL-TRANSMISSION-TIME: 2023-11-14T22:13:20Z\r\n"
PAYPAL += b"PAYPAL-TRANSMISSION-SIG: AAAA\r\nPAYPAL-AUTH-ALGO: SHA256withRSA\r\n"


@pytest.mark.parametrize(
    "env", [{}, {"WHCLI_SECRET_PAYPAL": "5ML:-----BEGIN CERTIFICATE-----"}], ids=["no key", "a key"]
)
def test_paypal_says_why_it_cannot_be_signed(tmp_path: Path, env: dict[str, str]) -> None:
    captured(tmp_path, (PAYPAL, b"{}"))
    note = note_of(tmp_path, env=env)
    assert note.startswith("not signed afresh: ") and "certificate" in note and "PayPal's" in note
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url, "--resign", "paypal", folder=tmp_path, env=env)
    assert done.code == 2 and "cannot be signed" in done.err and "--no-resign" in done.err


INTERACTION = b'{"application_id":"1","id":"2","token":"t","type":2,"version":1}'
DISCORD = b"Content-Type: application/json\r\nX-Signature-Ed25519: %b\r\nX-Signature-Timestamp: 1700000000\r\n"


def test_a_public_key_verifies_and_is_not_taken_for_a_private_one(tmp_path: Path) -> None:
    pair = keygen("ed25519-hex")
    made = sign(
        scheme_named("discord"),
        Message(method="POST", url="", headers=(), body=INTERACTION),
        [secret(pair.private)],
        now=OLD,
        token="1",
    )
    captured(tmp_path, (DISCORD % dict(made.headers)[b"X-Signature-Ed25519"], INTERACTION))
    env = {"WHCLI_SECRET_DISCORD": pair.public}
    assert whcli("verify", "1", folder=tmp_path, env=env).code == 0
    assert note_of(tmp_path, env=env) == (
        "not signed afresh: $WHCLI_SECRET_DISCORD holds the public key, which can only verify"
    )


def test_a_public_key_in_pem_cannot_sign_either(tmp_path: Path) -> None:
    captured(tmp_path, (DISCORD % (b"00" * 64), INTERACTION))
    note = note_of(tmp_path, env={"WHCLI_SECRET_DISCORD": keygen("ed25519-pem").public})
    assert "is a public key instead of a private one" in note


def test_one_event_that_cannot_be_signed_does_not_stop_the_others(tmp_path: Path) -> None:
    plivo = b"X-Plivo-Signature-V3: AAAA\r\nX-Plivo-Signature-V3-Nonce: 1\r\nContent-Type: application/json\r\n"
    github = b"X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=00\r\nUser-Agent: GitHub-Hookshot/1\r\n"
    captured(tmp_path, (plivo, b"{}"), (github, b"{}"))
    env = {"WHCLI_SECRET_PLIVO": "token", "WHCLI_SECRET_GITHUB": "hush"}
    with Receiver() as handler:
        done = whcli("replay", "all", "--to", handler.url, "--json", folder=tmp_path, env=env)
        handler.wait(2)
    assert done.code == 0
    assert [line["signed"] for line in done.lines] == [None, "github"]
    assert done.lines[0]["note"] == "not signed afresh: plivo signs forms, and this body is none"


def test_an_event_that_several_may_have_sent_is_not_signed_by_a_guess(tmp_path: Path) -> None:
    captured(tmp_path, (b"X-Signature: " + b"0f" * 32 + b"\r\n", b"{}"))
    assert note_of(tmp_path) == "not signed afresh: it may be from lemonsqueezy or clickup; see --resign"


def test_a_secret_without_the_schemes_form_is_said(tmp_path: Path) -> None:
    svix = b"svix-id: 1\r\nsvix-timestamp: 1700000000\r\nsvix-signature: v1,AAAA\r\n"
    captured(tmp_path, (svix, b"{}"))
    note = note_of(tmp_path, env={"WHCLI_SECRET_SVIX": "not*base64"})
    assert "$WHCLI_SECRET_SVIX" in note and "base64" in note


# -- a scheme that writes into the URL ------------------------------------------------------------------------------


def test_twilios_hash_of_a_json_body_is_renewed_in_the_query(tmp_path: Path) -> None:
    captured(tmp_path, (b"X-Twilio-Signature: AAAA\r\nContent-Type: application/json\r\n", b'{"a":1}'))
    env = {"WHCLI_SECRET_TWILIO": "token"}
    with Receiver() as handler:
        done = whcli("replay", "1", "--to", handler.url, "--public-url", PUBLIC, "--json", folder=tmp_path, env=env)
        [request] = handler.wait(1)
    assert done.code == 0 and done.lines[0]["changes"][-1] == "the query was changed: twilio signs inside it"
    line, fields, body = split(request)
    path = line.split(b" ")[1].decode()
    # printf '{"a":1}' | sha256sum
    assert path == "/in?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    headers = tuple((name, value.strip()) for name, value in fields)
    sent = Message(method="POST", url=PUBLIC + path, headers=headers, body=body)
    assert verify(scheme_named("twilio"), sent, [secret("token")], now=time.time()).ok
