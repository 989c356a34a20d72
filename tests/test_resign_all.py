"""Every scheme that can be signed: an old capture is sent again, and what arrives verifies now.

All events are captured by one listener, under an old secret and at an old time; then `whcli replay` sends them again
with a new secret. What a handler at the end would do is done with `whcli.rules.signing.verify`.
"""

from __future__ import annotations

import base64
import json
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
from whcli.rules.asymmetric import keygen
from whcli.rules.scheme import Scheme
from whcli.rules.schemes import NAMES, scheme_named
from whcli.rules.signing import sign, verify
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
        return tuple("whsec_" + base64.b64encode(each).decode() for each in (old, new))  # type: ignore[return-value]
    if row.key in ("base64", "hex"):
        write = {"base64": lambda raw: base64.b64encode(raw).decode(), "hex": bytes.hex}[row.key]
        return write(old), write(new)
    form = SECRETS.get(name, "{}")
    return form.format(old.hex()), form.format(new.hex())


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
