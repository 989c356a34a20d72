"""Secrets that travel as they are: in a header, or in a field of the body."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whcli.rules.signatures.digests import BadKey
from whcli.rules.signatures.schemes import FAMILIES, scheme_named
from whcli.rules.signatures.schemes.static import ROWS
from whcli.rules.signatures.signing import sign, verify
from whcli.words.errors import WrongUsage
from whcli.words.event import Message, Verdict
from whcli.words.secret import Secret

from .answers import NOW, Answer, secret

BODY = '{"id":"evt_1","name":"Zoë ☕"}'.encode()

# There is nothing to compute: the pages say which header holds the text. Postmark's is the example of RFC 7617,
# section 2.
ANSWERS = (
    Answer(
        scheme="gitlab",
        source="docs.gitlab.com",
        secret="a gitlab token",
        headers={"X-Gitlab-Token": "a gitlab token", "X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "1"},
    ),
    Answer(
        scheme="telegram",
        source="core.telegram.org",
        secret="telegram-secret_token",
        headers={"X-Telegram-Bot-Api-Secret-Token": "telegram-secret_token"},
    ),
    Answer(
        scheme="okta", source="developer.okta.com", secret="an okta secret", headers={"Authorization": "an okta secret"}
    ),
    Answer(
        scheme="auth0",
        source="auth0.com",
        secret="Bearer an-auth0-token",
        headers={"Authorization": "Bearer an-auth0-token"},
    ),
    Answer(
        scheme="postmark",
        source="RFC 7617",
        secret="Aladdin:open sesame",
        headers={"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    ),
    Answer(
        scheme="flutterwave-v3",
        source="developer.flutterwave.com",
        secret="flutterwave secret hash",
        headers={"verif-hash": "flutterwave secret hash"},
    ),
)
IN_BODY = ("figma", "microsoft-graph")


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
class TestInAHeader:
    def test_signing_puts_the_secret_there(self, answer: Answer) -> None:
        signed = answer.signed()
        assert {name.decode(): value.decode() for name, value in signed.headers} == answer.headers
        assert signed.body == answer.body

    def test_verifying_accepts_it_and_names_the_secret(self, answer: Answer) -> None:
        verdict = answer.verdict(answer.sent, "another secret", answer.secret)
        assert (verdict.state, verdict.reason, verdict.secret) == ("valid", "ok", "$SECRET")

    def test_any_body_is_accepted_because_none_is_protected(self, answer: Answer) -> None:
        assert answer.verdict(replace(answer.sent, body=b"\xff"), answer.secret).ok

    @pytest.mark.parametrize("cut", [0, 1, -1], ids=["longer", "without its first byte", "without its last byte"])
    def test_a_secret_that_is_nearly_right_is_refused(self, answer: Answer, cut: int) -> None:
        nearly = {0: answer.secret + "x", 1: answer.secret[1:], -1: answer.secret[:-1]}[cut]
        verdict = answer.verdict(answer.sent, nearly)
        assert (verdict.state, verdict.reason) == ("invalid", "no_match")

    def test_a_refusal_shows_neither_the_secret_received_nor_ours(self, answer: Answer) -> None:
        verdict = answer.verdict(answer.sent, "another secret")
        assert verdict.computed is None
        assert answer.secret not in repr(verdict)
        assert answer.signature not in repr(verdict)

    def test_without_the_header_it_is_unsigned(self, answer: Answer) -> None:
        for message in (answer.with_signature(), answer.with_signature(b"")):
            verdict = answer.verdict(message, answer.secret)
            assert (verdict.state, verdict.reason) == ("unsigned", "header_missing")

    def test_without_a_secret_nothing_is_said_of_it(self, answer: Answer) -> None:
        assert answer.verdict(answer.sent).state == "no_secret"

    def test_the_header_twice_is_accepted_when_one_is_right(self, answer: Answer) -> None:
        assert answer.verdict(answer.with_signature(b"wrong", answer.signature.encode()), answer.secret).ok

    @staticmethod
    @settings(max_examples=25)
    @given(value=st.binary())
    def test_any_bytes_in_the_header_are_refused_with_a_reason(answer: Answer, value: bytes) -> None:
        verdict = answer.verdict(answer.with_signature(value), answer.secret)
        assert verdict.state in ("invalid", "unsigned")
        assert verdict.reason in ("no_match", "header_malformed", "header_missing")


def test_every_name_of_the_family_is_tested() -> None:
    assert [row.name for row in ROWS] == FAMILIES["static"].split()
    assert {answer.scheme for answer in ANSWERS} | set(IN_BODY) == set(FAMILIES["static"].split())


@pytest.mark.parametrize("value", ["basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="])
def test_postmark_has_to_say_basic(value: str) -> None:
    answer = next(answer for answer in ANSWERS if answer.scheme == "postmark")
    verdict = answer.verdict(answer.with_signature(value.encode()), answer.secret)
    assert verdict.reason == "header_malformed"


def test_postmark_credentials_outside_ascii_are_utf8() -> None:
    message = Message(method="POST", url="", headers=(), body=BODY)
    signed = sign(scheme_named("postmark"), message, [secret("zoë:pässword")], now=NOW, token="")
    assert dict(signed.headers)[b"Authorization"] == b"Basic " + base64.b64encode("zoë:pässword".encode())


# -- in the body ------------------------------------------------------------------------------------------------------

# figma/rest-api-spec openapi.yaml and developers.figma.com, shortened
FIGMA = '{"event_type": "FILE_UPDATE",\n "passcode": "%s", "timestamp": "2020-02-23T20:27:16Z", "n": 1.50}'
# learn.microsoft.com, changeNotification, shortened
GRAPH = (
    '{"value":[{"id":"lsgTZMr9KwAAA","clientState":"%s","changeType":"updated"},'
    '{"id":"lsgTZMr9KwBBB", "changeType": "created", "clientState" : "%s"}]}'
)


def message(body: str | bytes) -> Message:
    return Message(method="POST", url="", headers=(), body=body.encode() if isinstance(body, str) else body)


def verdict(scheme: str, body: str | bytes, *secrets: str) -> Verdict:
    return verify(scheme_named(scheme), message(body), [secret(text) for text in secrets], now=NOW)


def signed(scheme: str, body: str | bytes, text: str) -> bytes:
    made = sign(scheme_named(scheme), message(body), [secret(text)], now=NOW, token="")
    assert made.headers == ()
    return made.body


def test_figmas_passcode_is_read_from_the_body() -> None:
    assert verdict("figma", FIGMA % "zoë", "other", "zoë").ok
    refused = verdict("figma", FIGMA % "a passcode", "other")
    assert (refused.state, refused.reason) == ("invalid", "no_match")
    assert "a passcode" not in repr(refused)


def test_figmas_passcode_is_written_without_touching_another_byte() -> None:
    assert signed("figma", FIGMA % "old", "new") == (FIGMA % "new").encode()
    assert signed("figma", '{"event_type":"PING"}', "new") == b'{"event_type":"PING","passcode":"new"}'
    assert signed("figma", "{}", "new") == b'{"passcode":"new"}'


def test_a_passcode_that_stands_there_already_leaves_the_body_as_it_is() -> None:
    body = '{"passcode":"z\\u006f\\u00eb"}'
    assert signed("figma", body, "zoë") == body.encode()


def test_graphs_client_state_has_to_be_right_in_every_notification() -> None:
    assert verdict("microsoft-graph", GRAPH % ("state", "state"), "other", "state").ok
    assert verdict("microsoft-graph", GRAPH % ("state", "wrong"), "state").reason == "no_match"
    assert verdict("microsoft-graph", GRAPH % ("wrong", "state"), "state").reason == "no_match"


def test_graphs_notifications_of_two_subscriptions_match_one_secret_each() -> None:
    assert verdict("microsoft-graph", GRAPH % ("first", "second"), "first", "second").ok


def test_graphs_client_state_is_written_into_every_notification() -> None:
    assert signed("microsoft-graph", GRAPH % ("old", "older"), "new") == (GRAPH % ("new", "new")).encode()
    added = signed("microsoft-graph", '{"value":[{"id":1},{}]}', "new")
    assert added == b'{"value":[{"id":1,"clientState":"new"},{"clientState":"new"}]}'


UNREADABLE = {
    "empty": b"",
    "no JSON": b"passcode=x",
    "bytes that are not UTF-8": b'{"passcode":"\xff"}',
    "nested 100,000 deep": b"[" * 100_000,
    "1 MB": b"\xff" * 1_000_000,
}
WITHOUT = {
    "figma": [b"{}", b'{"passcode":null}', b'{"passcode":""}', b'{"passcode":{"a":1}}', b"[]", b'"passcode"', b"1"],
    "microsoft-graph": [b'{"value":[{}]}', b'{"value":[{"clientState":null}]}', b'{"value":["a"]}'],
}


@pytest.mark.parametrize("scheme", IN_BODY)
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_body_gives_a_reason(scheme: str, body: bytes) -> None:
    found = verdict(scheme, body, "x")
    assert (found.state, found.reason) == ("invalid", "body_malformed")
    with pytest.raises(WrongUsage, match="carries its secret inside the body, and the body is not JSON"):
        signed(scheme, body, "x")


@pytest.mark.parametrize(
    ("scheme", "body"), [(scheme, body) for scheme, bodies in WITHOUT.items() for body in bodies], ids=repr
)
def test_a_body_without_the_field_is_unsigned(scheme: str, body: bytes) -> None:
    found = verdict(scheme, body, "x")
    assert (found.state, found.reason) == ("unsigned", "signature_missing")


@pytest.mark.parametrize("body", [b"{}", b'{"value":[]}', b'{"value":{}}', b"[]", b"1"], ids=repr)
def test_a_body_without_notifications_is_said_to_be_none_of_graphs(body: bytes) -> None:
    assert verdict("microsoft-graph", body, "x").reason == "body_malformed"
    with pytest.raises(WrongUsage, match=r"the body has no place for value\[\].clientState"):
        signed("microsoft-graph", body, "x")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1"], ids=repr)
def test_a_body_that_is_no_object_has_no_place_for_the_passcode(body: bytes) -> None:
    with pytest.raises(WrongUsage, match="has no place for passcode"):
        signed("figma", body, "x")


def test_a_secret_that_is_no_text_cannot_stand_in_json() -> None:
    with pytest.raises(BadKey, match="is no UTF-8 text"):
        sign(scheme_named("figma"), message("{}"), [Secret(value=b"\xff", label="$SECRET")], now=NOW, token="")


def test_without_a_secret_nothing_is_said_of_the_field() -> None:
    assert verdict("figma", FIGMA % "x").state == "no_secret"


@given(text=st.text(min_size=1), others=st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_any_passcode_is_written_and_read_again(text: str, others: dict[str, str | int | None]) -> None:
    body = signed("figma", json.dumps(others), text)
    assert verdict("figma", body, text).ok
    assert json.loads(body) == others | {"passcode": text}


@settings(max_examples=50)
@given(body=st.binary())
def test_any_bytes_get_a_reason(body: bytes) -> None:
    for scheme in IN_BODY:
        assert verdict(scheme, body, "x").state in ("invalid", "unsigned")


def test_a_batch_of_a_thousand_notifications_is_quickly_signed_when_nothing_changes() -> None:
    body = json.dumps({"value": [{"clientState": "x", "id": number} for number in range(1000)]})
    assert signed("microsoft-graph", body, "x") == body.encode()
    assert verdict("microsoft-graph", body, "x").ok
