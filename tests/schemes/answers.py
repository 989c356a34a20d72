"""Known answers as a table, and what must hold for every row of it.

An answer's headers were computed by somebody else, `source` says by whom: the provider's page, its SDK, another
tool.
A family's test module names its table in a class of its own: `class TestEveryAnswer(Known): answers = ANSWERS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whcli.rules.signatures.carried import Signed
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Headers, Message, Verdict
from whcli.words.secret import Secret

NOW = 1_700_000_000
BODY = '{"id":"evt_1","text":"Zoë & co/"}'.encode()

GARBAGE = {
    "only an equals sign": b"=",
    "only commas": b"," * 10_000,
    "a label and nothing": b"sha256=",
    "versions and nothing": b"v1=,v1=",
    "a version of the other kind and nothing": b"v1,",
    "words": b"no signature",
    "bytes that are not UTF-8": b"\xff\xfe\x00\x80",
    "a list with such bytes": b"t=1,v1=\xff",
    "short signatures": b"v1,AAAA v1a,AAAA",
    "100,000 digits": b"v1=" + b"0" * 100_000,
}
REFUSALS = {"no_match", "header_malformed", "header_missing", "timestamp_missing", "timestamp_malformed"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one provider sends for one message."""

    scheme: str
    source: str
    secret: str
    headers: dict[str, str]  # all that signing makes
    wrong: str = "another secret"  # of the same form
    method: str = "POST"
    url: str = "https://example.com/hooks"
    body: bytes = BODY
    given: Headers = ()  # headers that the message has before it is signed
    id: str | None = None
    now: float = NOW
    dated: bool = False  # the body holds the time of signing: only a JSON object can

    def __str__(self) -> str:
        return f"{self.scheme} as told by {self.source}"

    @property
    def message(self) -> Message:
        """Before signing."""
        return Message(method=self.method, url=self.url, headers=self.given, body=self.body)

    @property
    def sent(self) -> Message:
        """As the provider sends it."""
        made = tuple((name.encode(), value.encode()) for name, value in self.headers.items())
        return replace(self.message, headers=self.given + made)

    def signed(self, message: Message | None = None) -> Signed:
        row = scheme_named(self.scheme)
        return sign(row, message or self.message, [secret(self.secret)], now=self.now, token="1", id=self.id)

    def verdict(self, message: Message, *secrets: str) -> Verdict:
        return verify(scheme_named(self.scheme), message, [secret(text) for text in secrets], now=self.now)

    @property
    def signature(self) -> str:
        """The value of the signature's header."""
        return self.headers[scheme_named(self.scheme).header.replace("{n}", "1")]

    @property
    def label(self) -> str:
        """What stands before the digest: `sha256=`, `v1,`."""
        found = re.match("[a-z0-9-]+[=,]", self.signature)
        return found[0] if found else ""

    def with_signature(self, *values: bytes) -> Message:
        """The message as sent, but with other values in the signature's header."""
        name = scheme_named(self.scheme).header.replace("{n}", "1").encode()
        kept = tuple(field for field in self.sent.headers if field[0].lower() != name.lower())
        return replace(self.sent, headers=kept + tuple((name, value) for value in values))


def secret(text: str) -> Secret:
    return Secret(value=text.encode(), label="$SECRET")


class Known:
    """The tests of every answer."""

    answers: tuple[Answer, ...] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "answer" in metafunc.fixturenames:
            metafunc.parametrize("answer", self.answers, ids=str)

    def test_signing_gives_exactly_what_was_told(self, answer: Answer) -> None:
        signed = answer.signed()
        assert {name.decode(): value.decode() for name, value in signed.headers} == answer.headers
        assert signed.body == answer.body

    def test_verifying_accepts_it_and_names_the_secret(self, answer: Answer) -> None:
        verdict = answer.verdict(answer.sent, answer.wrong, answer.secret)
        assert (verdict.state, verdict.reason, verdict.secret) == ("valid", "ok", "$SECRET")

    @pytest.mark.parametrize("place", [0, -1], ids=["the first byte", "the last byte"])
    def test_one_changed_byte_of_the_body_is_refused(self, answer: Answer, place: int) -> None:
        body = bytearray(answer.body)
        body[place] ^= 1
        verdict = answer.verdict(replace(answer.sent, body=bytes(body)), answer.secret)
        assert (verdict.state, verdict.reason) == ("invalid", "no_match")

    def test_one_changed_byte_of_the_signature_is_refused(self, answer: Answer) -> None:
        good, place = answer.signature, len(answer.label)
        bad = good[:place] + ("1" if good[place] != "1" else "2") + good[place + 1 :]
        verdict = answer.verdict(answer.with_signature(bad.encode()), answer.secret)
        assert (verdict.state, verdict.reason) == ("invalid", "no_match")

    def test_another_secret_is_refused(self, answer: Answer) -> None:
        verdict = answer.verdict(answer.sent, answer.wrong)
        assert (verdict.state, verdict.reason, verdict.secret) == ("invalid", "no_match", None)

    def test_without_a_secret_nothing_is_said_of_the_signature(self, answer: Answer) -> None:
        verdict = answer.verdict(answer.sent)
        assert (verdict.state, verdict.reason) == ("no_secret", "no_secret")

    @pytest.mark.parametrize("values", [(), (b"",), (b"", b"")], ids=["missing", "empty", "twice and empty"])
    def test_without_the_header_it_is_unsigned(self, answer: Answer, values: tuple[bytes, ...]) -> None:
        verdict = answer.verdict(answer.with_signature(*values), answer.secret)
        assert (verdict.state, verdict.reason) == ("unsigned", "header_missing")

    @pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE)
    def test_a_header_of_garbage_gives_a_reason(self, answer: Answer, value: bytes) -> None:
        verdict = answer.verdict(answer.with_signature(value), answer.secret)
        assert verdict.state == "invalid"
        assert verdict.reason in REFUSALS

    def test_a_signature_of_many_is_found(self, answer: Answer) -> None:
        other = re.sub("[1-9a-f]", "0", answer.signature.replace(answer.label, "")).encode()
        many = [answer.label.encode() + other] * 50 + [answer.signature.encode()]
        assert answer.verdict(answer.with_signature(*many), answer.secret).ok

    @staticmethod  # hypothesis runs one test for all answers, so there must be no instance
    @settings(max_examples=15)
    @given(body=st.binary())
    def test_any_bytes_are_signed_and_accepted(answer: Answer, body: bytes) -> None:
        message = replace(answer.message, body=body)
        signed = answer.signed(message)
        arrived = replace(message, headers=message.headers + signed.headers, body=signed.body)
        assert answer.verdict(arrived, answer.secret).reason == ("timestamp_missing" if answer.dated else "ok")

    @staticmethod
    @settings(max_examples=15)
    @given(values=st.lists(st.binary(), max_size=4), body=st.binary())
    def test_any_bytes_in_header_and_body_are_refused_with_a_reason(
        answer: Answer, values: list[bytes], body: bytes
    ) -> None:
        verdict = answer.verdict(replace(answer.with_signature(*values), body=body), answer.secret)
        assert verdict.state in ("invalid", "unsigned")
        assert verdict.detail

    def test_a_body_of_one_megabyte_is_no_trouble(self, answer: Answer) -> None:
        body = b"\xff" * 1_000_000
        assert answer.verdict(replace(answer.sent, body=body), answer.secret).reason == "no_match"
