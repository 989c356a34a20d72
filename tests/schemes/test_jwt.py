"""Plaid, Netlify, LiveKit and Monday: a JSON Web Token carries the signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from whcli.rules.signatures.digests import BadKey
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message, first

from . import testkeys
from .coded import JSON, NOW, Case, Coded, message, secret, sent_by, with_header, with_headers

BODY = '{"id":"evt_1","text":"Zoë & co/"}'.encode()
OTHER = b'{"id":"evt_2"}'
PYJWT = "jwt.encode of PyJWT 2.15.1"
HS256 = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

NETLIFY = (
    HS256
    + "eyJpc3MiOiJuZXRsaWZ5Iiwic2hhMjU2IjoiNzViYTY2NWE2MGY2YjUxMGQwMzIzODFkOGUyNzQ0M2NiZjIyM2Y5NzViMTU5NDFhYTI3MmV"
    "lNDZkNWQ5NTc4NSJ9.DlClZsljFuk8kPfazI2jiqojGnwUVKpuXsO8h8yKZEU"
)
NETLIFY_SECRET = "netlify-secret-of-at-least-32-bytes!"
LIVEKIT = (
    HS256
    + "eyJpc3MiOiJBUElrZXkiLCJuYmYiOjE3MDAwMDAwMDAsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwMzAwLCJzaGEyNTYiOiJkYnBt"
    "V21EMnRSRFFNamdkamlkRVBMOGlQNWRiRlpRYW9uTHVSdFhaVjRVPSJ9.xpZ4QjZLsB98qcU3dtyyskgLSeMUPbF6FENDzAz1Fw8"
)
LIVEKIT_SECRET = "APIkey:livekit-secret-of-at-least-32-bytes!"
MONDAY = (
    HS256
    + "eyJhY2NvdW50SWQiOjE4MjU1MjksInVzZXJJZCI6NDAxMjY4OSwiYXVkIjoiaHR0cHM6Ly93d3cueW91cnNlcnZlci5jb20vZW5kcG9pbnQi"
    "LCJleHAiOjE3MDAwMDAzMDAsInNob3J0TGl2ZWRUb2tlbiI6InMiLCJpYXQiOjE3MDAwMDAwMDB9."
    "MtgjYyrUu-vcbYKhA8A2d2Lqro8NTuxTBAXj7KsqQLw"
)
MONDAY_SECRET = "monday-signing-secret-32-bytes-long!!"
PLAID = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjZjNTUxNmUxLTkyZGMtNDc5ZS1hOGZmLTVhNTE5OTJlMDAwMSIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDA"
    "wMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI3NWJhNjY1YTYwZjZiNTEwZDAzMjM4MWQ4ZTI3NDQzY2JmMjIzZjk3NWIxNTk0MWFhMjcyZWU0NmQ1ZDk"
    "1Nzg1In0.UgL8tOG3E6eo3V2JKWY8_c2ZCMtiQSAkCJ22kNDToLbN4YRYyfu8BUAlfDR_GTlEWf2tclS1Kg8mpC8FhaC2ig"
)
# The public half of RFC 9421's test-key-ecc-p256, as ECAlgorithm.to_jwk of PyJWT writes it
JWK = (
    '{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA",'
    '"y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0","kid":"k-1","alg":"ES256","use":"sig"}'
)
OTHER_JWK = (  # RFC 7515 appendix A.3
    '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
)


def carried(
    scheme: str, token: str, text: str, wrong: str, before: Message, changed: bytes, *, exact: bool = True, **more: str
) -> Case:
    sent = with_header(before, scheme_named(scheme).header, token.encode())
    broken = sent if scheme == "monday" else replace(sent, body=changed)
    if scheme == "monday":  # its body is not signed, so a claim is changed instead
        broken = with_header(
            sent, "Authorization", token.replace("eyJhY2NvdW50SWQiOjE4", "eyJhY2NvdW50SWQiOjE5").encode()
        )
    return Case(
        about="a token and a body",
        scheme=scheme,
        source=PYJWT,
        secret=text,
        checks=more.get("checks"),
        wrong=wrong,
        before=before if scheme != "monday" else sent,
        sent=sent,
        changed=broken,
        reason="no_match" if scheme == "monday" else "body_mismatch",
        exact=exact,
        covers_body=scheme != "monday",
    )


WEBHOOK = (b"Content-Type", b"application/webhook+json")
ENDPOINT = "https://www.yourserver.com/endpoint"
CASES = (
    carried("netlify", NETLIFY, NETLIFY_SECRET, "another", message(BODY, JSON), OTHER),
    carried("livekit", LIVEKIT, LIVEKIT_SECRET, "APIkey:another", message(BODY, WEBHOOK), OTHER),
    carried("monday", MONDAY, MONDAY_SECRET, "another", message(BODY, JSON, url=ENDPOINT), OTHER),
    carried("plaid", PLAID, testkeys.P256, OTHER_JWK, message(BODY, JSON), OTHER, exact=False, checks=JWK),
)


class TestEveryCase(Coded):
    cases = CASES


@pytest.mark.parametrize("case", [case for case in CASES if case.scheme != "monday"], ids=str)
@pytest.mark.parametrize("body", [b"", b"\xff" * 1_000_000, b"[" * 100_000], ids=["empty", "one megabyte", "deep"])
def test_another_body_is_refused(case: Case, body: bytes) -> None:
    verdict = case.verdict(replace(case.sent, body=body), secret(case.checks or case.secret))
    assert (verdict.state, verdict.reason) == ("invalid", "body_mismatch")


def test_mondays_body_is_not_signed() -> None:
    assert CASES[2].verdict(replace(CASES[2].sent, body=OTHER), secret(MONDAY_SECRET)).ok


# -- tokens made by hand: python's hmac and base64, nothing of whcli ---------------------------------------------------


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims: Any, key: str, head: Any = None, signature: bytes | None = None) -> str:
    content = f"{encoded({'alg': 'HS256'} if head is None else head)}.{encoded(claims)}"
    made = hmac.new(key.encode(), content.encode(), hashlib.sha256).digest()
    return f"{content}.{encoded(made if signature is None else signature)}"


def verdict_of(scheme: str, text: str, key: str, now: float = NOW, body: bytes = BODY) -> tuple[str, str]:
    sent = message(body, (scheme_named(scheme).header.encode(), text.encode()))
    verdict = verify(scheme_named(scheme), sent, [secret(key)], now=now)
    return verdict.state, verdict.reason


GOOD = {"iss": "netlify", "sha256": hashlib.sha256(BODY).hexdigest()}


@pytest.mark.parametrize(
    "head",
    [{"alg": "none"}, {"alg": "None"}, {}, {"alg": "HS512"}, {"alg": "ES256"}, {"alg": ["HS256"]}, {"alg": None}, []],
    ids=json.dumps,
)
@pytest.mark.parametrize("signature", [b"", None], ids=["unsigned", "signed"])
def test_any_other_algorithm_is_refused(head: Any, signature: bytes | None) -> None:
    assert verdict_of("netlify", token(GOOD, "k", head, signature), "k") == ("invalid", "header_malformed")


def test_a_public_key_is_never_an_hmac_secret() -> None:
    claims = {"iat": NOW, "request_body_sha256": GOOD["sha256"]}
    assert verdict_of("plaid", token(claims, testkeys.P256_PUBLIC), testkeys.P256_PUBLIC) == (
        "invalid",
        "header_malformed",
    )


SHAPES = {
    "no token": "abc",
    "two parts": "a.b",
    "four parts": "a.b.c.d",
    "five parts": "a.b.c.d.e",
    "padding": token(GOOD, "k") + "=",
    "standard base64": token(GOOD, "k").replace(".", "+.", 1),
    "claims that are a list": token([], "k"),
    "claims that are no JSON": token(b"{", "k"),
    "claims nested deep": token(b"[" * 100_000, "k"),
    "with Bearer": "Bearer " + token(GOOD, "k"),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_is_no_token_gives_a_reason(text: str) -> None:
    assert verdict_of("netlify", text, "k") == ("invalid", "header_malformed")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (GOOD, "ok"),
        ({**GOOD, "iss": "other"}, "claim_mismatch"),
        ({"sha256": GOOD["sha256"]}, "claim_mismatch"),
        ({"iss": "netlify"}, "body_unsigned"),
        ({**GOOD, "sha256": 1}, "body_mismatch"),
        ({**GOOD, "sha256": GOOD["sha256"].upper()}, "body_mismatch"),
        ({**GOOD, "iss": "\ud800"}, "claim_mismatch"),
    ],
    ids=["good", "another issuer", "no issuer", "no hash", "a number", "a hash in capitals", "a lone surrogate"],
)
def test_netlifys_claims_are_compared(claims: Any, reason: str) -> None:
    assert verdict_of("netlify", token(claims, "k"), "k")[1] == reason


def livekit(**claims: Any) -> str:
    good = {"iss": "APIkey", "sha256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(), "exp": NOW + 300}
    return token({name: value for name, value in {**good, **claims}.items() if value is not None}, "s")


@pytest.mark.parametrize(
    ("claims", "now", "reason"),
    [
        ({}, NOW, "ok"),
        ({}, NOW + 360, "ok"),
        ({}, NOW + 361, "timestamp_too_old"),
        ({"nbf": NOW + 60}, NOW, "ok"),
        ({"nbf": NOW + 61}, NOW, "timestamp_ahead"),
        ({"exp": None}, NOW, "timestamp_missing"),
        ({"exp": "soon"}, NOW, "timestamp_malformed"),
        ({"exp": True}, NOW, "timestamp_malformed"),
        ({"exp": 10**400}, NOW, "timestamp_malformed"),
        ({"exp": float("inf")}, NOW, "timestamp_malformed"),
        ({"iat": float("nan")}, NOW, "timestamp_malformed"),
        ({"iss": "other"}, NOW, "claim_mismatch"),
    ],
    ids=str,
)
def test_livekits_times_and_issuer_are_checked(claims: dict[str, Any], now: float, reason: str) -> None:
    assert verdict_of("livekit", livekit(**claims), "APIkey:s", now)[1] == reason


@pytest.mark.parametrize("text", ["secret", ":secret", "key:"], ids=repr)
def test_livekits_secret_has_two_parts(text: str) -> None:
    assert verdict_of("livekit", livekit(), text) == ("invalid", "secret_malformed")
    with pytest.raises(BadKey, match="api_key:api_secret"):
        sign(scheme_named("livekit"), message(BODY), [secret(text)], now=NOW, token="1")


@pytest.mark.parametrize(
    ("late", "reason"),
    [(300, "ok"), (301, "timestamp_too_old"), (-9999, "ok")],
    ids=["five minutes", "a second more", "ahead"],
)
def test_plaids_token_is_good_for_five_minutes(late: float, reason: str) -> None:
    assert verdict_of("plaid", PLAID, JWK, NOW + late)[1] == reason


def test_a_key_as_plaids_api_answers_it_is_understood() -> None:
    answer = '{"key":' + JWK + ',"request_id":"1"}'
    assert verdict_of("plaid", PLAID, answer) == ("valid", "ok")


def test_the_keys_id_travels_in_the_token() -> None:
    private = json.loads(JWK) | {"d": "UpuF81l-kOxbjf7T4mNSv0r5tN67Gim7rnf6EFpcYDs"}
    signed = sign(scheme_named("plaid"), message(BODY), [secret(json.dumps(private))], now=NOW, token="1")
    head = (first(signed.headers, b"plaid-verification") or b"").split(b".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + b"==")) == {"alg": "ES256", "kid": "k-1", "typ": "JWT"}


def test_what_a_captured_token_claimed_is_kept_and_its_times_renewed() -> None:
    signed = sign(scheme_named("monday"), CASES[2].sent, [secret("new")], now=NOW + 1000, token="1")
    claims = (first(signed.headers, b"authorization") or b"").split(b".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + b"==")) == {
        "accountId": 1825529,
        "userId": 4012689,
        "aud": ENDPOINT,
        "exp": NOW + 1300,
        "shortLivedToken": "s",
        "iat": NOW + 1000,
    }


def test_a_fresh_monday_token_names_the_endpoint() -> None:
    given = message(BODY, JSON, url=ENDPOINT)
    signed = sign(scheme_named("monday"), given, [secret("k")], now=NOW, token="1")
    assert verify(scheme_named("monday"), sent_by(given, signed), [secret("k")], now=NOW).ok
    assert verify(scheme_named("monday"), sent_by(given, signed), [secret("k")], now=NOW + 301).state == "stale"


def test_a_tolerance_of_ones_own_lets_an_old_token_pass() -> None:
    sent = with_headers(message(BODY), ((b"Authorization", LIVEKIT.encode()),))
    verdict = verify(scheme_named("livekit"), sent, [secret(LIVEKIT_SECRET)], now=NOW + 9999, tolerance=10_000)
    assert verdict.reason == "ok"
