"""Known answers of the schemes with code of their own, and what must hold for every one of them.

`sent` was computed by somebody else; `source` says by whom. A test module names its table in a class of its own:
`class TestEveryCase(Coded): cases = CASES`.
"""

from __future__ import annotations

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
JSON = (b"Content-Type", b"application/json")
FORM = (b"Content-Type", b"application/x-www-form-urlencoded")

GARBAGE = {
    "nothing": b"",
    "an equals sign": b"=",
    "commas": b"," * 10_000,
    "dots": b"...",
    "bytes that are not UTF-8": b"\xff\xfe\x00\x80",
    "base64 of nothing": b"====",
    "an opening bracket": b"sig1=(",
    "100,000 digits": b"0" * 100_000,
}

BODIES = {
    "an empty body": b"",
    "one megabyte that is not UTF-8": b"\xff" * 1_000_000,
    "JSON nested 100,000 deep": b"[" * 100_000,
    "objects nested 100,000 deep": b'{"signature":' * 100_000,
    "a number of 10,000 digits": b'{"signature":{"timestamp":' + b"1" * 10_000 + b"}}",
    "null": b"null",
    "a list where an object should be": b'{"signature":[],"notificationItems":{}}',
    "other types": b'{"signature":{"signature":{},"token":[],"timestamp":true},"Type":1,"notificationItems":[[]]}',
    "a lone surrogate": b'{"Type":"Notification","Message":"\\ud800","Signature":"AA","signature":{"token":"\\ud800"}}',
    "percent signs": b"%%%&=&%zz=%&" * 1000,
    "100,000 parameters": b"a=b&" * 100_000,
    "JSON in UTF-16": '{"Type":"Notification"}'.encode("utf-16"),
}


def secret(text: str, label: str = "$SECRET") -> Secret:
    return Secret(value=text.encode(), label=label)


def message(
    body: bytes = b"", *headers: tuple[bytes, bytes], method: str = "POST", url: str = "https://example.com/hooks"
) -> Message:
    return Message(method=method, url=url, headers=headers, body=body)


def with_headers(given: Message, made: Headers) -> Message:
    """A message that is sent with these headers, in place of its own of the same names."""
    names = {name.lower() for name, _ in made}
    kept = tuple(field for field in given.headers if field[0].lower() not in names)
    return replace(given, headers=kept + made)


def with_header(given: Message, name: str, value: bytes | None) -> Message:
    kept = tuple(field for field in given.headers if field[0].lower() != name.lower().encode())
    return replace(given, headers=kept if value is None else (*kept, (name.encode(), value)))


def sent_by(before: Message, signed: Signed) -> Message:
    return replace(with_headers(before, signed.headers), body=signed.body, url=signed.url)


def as_fields(given: Message) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in given.headers}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What one provider sends for one message."""

    about: str
    scheme: str
    source: str
    secret: str
    checks: str | None = None  # what verifies; None: the secret
    wrong: str = "another secret"  # of the same form, to verify with
    before: Message  # handed to `sign`
    sent: Message  # as the provider sends it
    changed: Message  # the same with one covered byte changed
    reason: str = "no_match"  # why the changed one is refused
    bare: Message | None = None  # without its signature; None: without the row's header
    bare_reason: str = "header_missing"
    now: float = NOW
    token: str = "1"
    id: str | None = None
    exact: bool = True  # the algorithm always gives the same bytes
    covers_body: bool = True

    def __str__(self) -> str:
        return f"{self.scheme}, {self.about}"

    def signed(self, given: Message | None = None, **changed: float) -> Signed:
        row = scheme_named(self.scheme)
        now = changed.get("now", self.now)
        return sign(row, given or self.before, [secret(self.secret)], now=now, token=self.token, id=self.id)

    def verdict(self, given: Message, *secrets: Secret, now: float | None = None) -> Verdict:
        return verify(scheme_named(self.scheme), given, secrets, now=self.now if now is None else now)

    @property
    def unsigned(self) -> Message:
        return self.bare or with_header(self.sent, scheme_named(self.scheme).header, None)


class Coded:
    """The tests of every case."""

    cases: tuple[Case, ...] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", self.cases, ids=str)

    def test_signing_gives_exactly_what_was_told(self, case: Case) -> None:
        made = sent_by(case.before, case.signed())
        if case.exact:
            assert as_fields(made) == as_fields(case.sent)
        else:  # what a random nonce allows to compare
            assert as_fields(made).keys() == as_fields(case.sent).keys()
            assert case.verdict(made, secret(case.checks or case.secret)).ok
        assert (made.body, made.url) == (case.sent.body, case.sent.url)

    def test_verifying_accepts_it_and_names_the_secret(self, case: Case) -> None:
        verdict = case.verdict(case.sent, secret(case.wrong, "$OTHER"), secret(case.checks or case.secret))
        assert (verdict.state, verdict.reason, verdict.secret) == ("valid", "ok", "$SECRET")

    def test_one_changed_byte_is_refused(self, case: Case) -> None:
        verdict = case.verdict(case.changed, secret(case.checks or case.secret))
        assert (verdict.state, verdict.reason) == ("invalid", case.reason)

    def test_another_secret_is_refused(self, case: Case) -> None:
        verdict = case.verdict(case.sent, secret(case.wrong))
        assert (verdict.state, verdict.reason, verdict.secret) == ("invalid", "no_match", None)

    def test_without_a_secret_nothing_is_said_of_the_signature(self, case: Case) -> None:
        verdict = case.verdict(case.sent)
        assert (verdict.state, verdict.reason) == ("no_secret", "no_secret")

    def test_without_its_signature_it_is_unsigned(self, case: Case) -> None:
        verdict = case.verdict(case.unsigned, secret(case.checks or case.secret))
        assert (verdict.state, verdict.reason) == ("unsigned", case.bare_reason)

    @pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE)
    def test_garbage_in_any_header_gives_a_reason(self, case: Case, value: bytes) -> None:
        for name in as_fields(case.sent):
            verdict = case.verdict(with_header(case.sent, name.decode(), value), secret(case.checks or case.secret))
            assert verdict.detail

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_an_odd_body_is_refused_with_a_reason(self, case: Case, body: bytes) -> None:
        verdict = case.verdict(replace(case.sent, body=body), secret(case.checks or case.secret))
        accepted = body == case.sent.body or not case.covers_body
        assert verdict.state in (("valid",) if accepted else ("invalid", "unsigned"))
        assert verdict.detail

    def test_what_was_sent_can_be_signed_afresh(self, case: Case) -> None:
        later = case.now + 1000
        again = sent_by(case.sent, case.signed(case.sent, now=later))
        assert case.verdict(again, secret(case.checks or case.secret), now=later).reason == "ok"

    @staticmethod  # hypothesis runs one test for all cases, so there must be no instance
    @settings(max_examples=15)
    @given(values=st.lists(st.binary(max_size=50), max_size=3), body=st.binary(), url=st.text(max_size=30))
    def test_any_bytes_are_refused_with_a_reason(case: Case, values: list[bytes], body: bytes, url: str) -> None:
        given = replace(case.sent, body=b"?" + body, url=url)
        names = list(as_fields(case.sent)) or [b"content-type"]
        odd = with_headers(given, tuple((names[i % len(names)], value) for i, value in enumerate(values)))
        verdict = case.verdict(odd, secret(case.checks or case.secret))
        assert verdict.detail
        if values and scheme_named(case.scheme).header:
            forged = with_header(given, scheme_named(case.scheme).header, values[0])
            assert not case.verdict(forged, secret(case.checks or case.secret)).ok
