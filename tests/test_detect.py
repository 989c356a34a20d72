"""Who sent it: a realistic request for every provider, the look-alikes beside each other, and any bytes at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.senders import AROUND, CASES, HEX, JWT, SHORT, WHATSAPP, Case
from whcli.rules.recognition.detect import detect
from whcli.rules.recognition.marks import mark_of
from whcli.rules.recognition.providers import BY_NAME, BY_SCHEME, FORMATS, PROVIDERS, Provider
from whcli.rules.signatures.schemes import NAMES, scheme_named
from whcli.words.event import Facts


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_request_is_recognised_as_what_it_is(case: Case) -> None:
    assert detect(case.pairs, case.content) == case.wanted, case.source


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_every_provider_of_the_table_has_a_request_here(provider: Provider) -> None:
    assert provider.name in {case.provider for case in CASES}


@pytest.mark.parametrize("scheme", NAMES)
def test_every_scheme_has_a_request_here_and_its_provider(scheme: str) -> None:
    assert scheme in {case.scheme for case in CASES}
    assert BY_SCHEME[scheme].name == scheme_named(scheme).provider


# -- nothing decides: said, not guessed

UNDECIDED = (
    ("X-Hub-Signature-256 alone", {"X-Hub-Signature-256": f"sha256={HEX}"}, ("github", "meta")),
    ("X-Hub-Signature with SHA-1 alone", {"X-Hub-Signature": f"sha1={SHORT}"}, ("github", "intercom", "meta")),
    ("X-Hub-Signature with SHA-256 alone", {"X-Hub-Signature": f"sha256={HEX}"}, ("bitbucket", "jira")),
    ("X-Signature alone", {"X-Signature": HEX}, ("lemonsqueezy", "clickup")),
    ("a bare Signature alone", {"Signature": HEX}, ("mailersend",)),
    ("a bare Webhook-Signature alone", {"Webhook-Signature": HEX}, ("gocardless",)),
    ("X-Hook-Signature alone", {"X-Hook-Signature": HEX}, ("asana",)),
    ("a token in X-Webhook-Signature alone", {"X-Webhook-Signature": JWT}, ("netlify",)),
    (
        "an Ed25519 signature without an application",
        {"X-Signature-Ed25519": HEX * 2, "X-Signature-Timestamp": "1"},
        ("discord",),
    ),
)


@pytest.mark.parametrize(("says", "headers", "candidates"), UNDECIDED, ids=[row[0] for row in UNDECIDED])
def test_what_nothing_decides_is_said_and_not_guessed(
    says: str, headers: dict[str, str], candidates: tuple[str, ...]
) -> None:
    case = Case(
        says=says, provider=None, scheme=None, headers=headers, body={"hello": 1}, source="", candidates=candidates
    )
    assert detect(case.pairs, case.content) == case.wanted


STRANGERS = (
    ("snyk: SHA-256 under GitHub's old name, and nobody we know", {"X-Snyk-Event": "ping/v0"}),
    ("segment: SHA-1 in X-Signature", {"X-Signature": SHORT}),
    ("cursor: sha256= in X-Webhook-Signature", {"X-Webhook-Signature": f"sha256={HEX}"}),
    ("svix without a timestamp or signature", {"svix-id": "msg_1"}),
    ("an ordinary bearer token", {"Authorization": f"Bearer {JWT}"}),
    ("a browser", {"User-Agent": "Mozilla/5.0", "Cookie": "a=b"}),
)


@pytest.mark.parametrize(("says", "headers"), STRANGERS, ids=[row[0] for row in STRANGERS])
def test_a_stranger_is_nobody(says: str, headers: dict[str, str]) -> None:
    case = Case(says=says, provider=None, scheme=None, headers=headers, body={"type": "x", "event": "y"}, source="")
    assert detect(case.pairs, case.content) == Facts()


BODIES_OF_STRANGERS: tuple[Any, ...] = (
    {"object": "list", "entry": []},
    {"type": "event", "data": {"type": "x"}},
    {"event": {"type": "message"}, "challenge": "x"},
    {"value": [1, 2, 3]},
    {"signature": "abc", "token": "def"},
    {"update_id": "none", "message": "hello"},
    {"form_response": "hello", "event_type": "x"},
    {"notificationItems": []},
    {"webhook_id": "1", "event_type": "lower", "passcode": "p"},
    [{"event": "open"}],
    ["a", "b"],
    "text",
    7,
    None,
)


@pytest.mark.parametrize("body", BODIES_OF_STRANGERS, ids=json.dumps)
def test_a_body_that_only_resembles_one_is_nobodys(body: Any) -> None:
    assert detect(tuple((k.encode(), v.encode()) for k, v in AROUND.items()), json.dumps(body).encode()) == Facts()


LOSSES = [
    (case, name)
    for case in CASES
    for name in case.headers
    if case.provider not in (None, *(row.name for row in FORMATS))
]


@pytest.mark.parametrize(("case", "name"), LOSSES, ids=[f"{case}, without {name}" for case, name in LOSSES])
def test_losing_a_header_never_makes_it_somebody_elses(case: Case, name: str) -> None:
    left = replace(case, headers={key: value for key, value in case.headers.items() if key != name})
    assert detect(left.pairs, left.content).provider in (case.provider, None, *(row.name for row in FORMATS))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_losing_the_body_never_makes_it_somebody_elses(case: Case) -> None:
    assert detect(case.pairs, b"").provider in (case.provider, None, *(row.name for row in FORMATS))


# -- a scheme that a route has fixed


def test_a_fixed_scheme_decides_and_the_facts_are_read_as_its_provider() -> None:
    headers = ((b"X-Hub-Signature-256", b"sha256=" + HEX.encode()), (b"Content-Type", b"application/json"))
    facts = detect(headers, json.dumps(WHATSAPP).encode(), "meta")
    assert (facts.provider, facts.scheme, facts.delivery_id) == ("meta", "meta", "wamid.HBg")
    assert detect(headers, b"{}", "github").candidates == ()


def test_a_fixed_scheme_of_the_users_own_has_no_provider() -> None:
    assert detect(((b"X-GitHub-Event", b"push"),), b"{}", "my-own") == Facts(scheme="my-own")


# -- values come from strangers


@pytest.mark.parametrize(
    ("says", "attempt", "wanted"),
    [
        ("a number is read", b"4", 5),
        ("a word is no number", b"four", None),
        ("a sign is no number", b"-1", None),
        ("other digits are no number", "４".encode(), None),
        ("a number beyond all retries is none", b"9" * 400, None),
        ("nothing is none", b"", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_attempt_is_a_small_number(says: str, attempt: bytes, wanted: int | None) -> None:
    headers = ((b"X-Slack-Signature", b"v0=1"), (b"X-Slack-Retry-Num", attempt))
    assert detect(headers, b"{}").attempt == wanted


def test_a_long_value_is_cut() -> None:
    facts = detect(((b"X-GitHub-Event", b"e" * 100_000), (b"X-GitHub-Delivery", b"d" * 100_000)), b"")
    assert (len(facts.type or ""), len(facts.delivery_id or "")) == (200, 200)


def test_of_a_repeated_header_the_first_counts() -> None:
    headers = ((b"X-GitHub-Event", b"push"), (b"x-github-event", b"ping"))
    assert detect(headers, b"").type == "push"


def test_the_body_is_not_parsed_for_a_provider_that_headers_decide() -> None:
    # were it parsed, nesting this deep would take seconds and the braces' depth would be felt
    headers = ((b"X-Gitlab-Event", b"Push Hook"), (b"Idempotency-Key", b"k"))
    assert detect(headers, b'{"a":' * 1_000_000).provider == "gitlab"


KNOWN_NAMES = sorted({mark_of(text).name for row in PROVIDERS for marks in row.marks + row.hints for text in marks})
NAMES_OF_HEADERS = st.sampled_from([name.encode() for name in KNOWN_NAMES]) | st.binary(max_size=20)
VALUES = st.sampled_from([b"", b"v1,x", b"sha256=" + HEX.encode(), b"sha1=", HEX.encode(), b"\xff"]) | st.binary()
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KNOWN_NAMES) | st.text(), inner),
    max_leaves=12,
)
BODIES = st.binary() | JSONS.map(lambda value: json.dumps(value).encode())


@settings(max_examples=300, deadline=None)
@given(headers=st.lists(st.tuples(NAMES_OF_HEADERS, VALUES)), body=BODIES)
def test_any_request_gives_an_answer(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    facts = detect(tuple(headers), body)
    assert facts.provider is None or facts.provider in BY_NAME
    assert set(facts.candidates) <= set(BY_NAME)


@settings(max_examples=100, deadline=None)
@given(headers=st.lists(st.tuples(NAMES_OF_HEADERS, VALUES)), body=BODIES, scheme=st.sampled_from(NAMES))
def test_any_request_gives_an_answer_under_a_fixed_scheme(
    headers: list[tuple[bytes, bytes]], body: bytes, scheme: str
) -> None:
    assert detect(tuple(headers), body, scheme).scheme == scheme
