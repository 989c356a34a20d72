"""The fixed test secrets: one for every scheme that can be signed, in its own form, the same for ever."""

from __future__ import annotations

import hashlib

import pytest

from tests.test_resign_all import BODIES, EVENT, JSON, SIGNABLE
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.rules.signatures.testsecrets import secret_for_tests
from whcli.words.event import Message
from whcli.words.secret import Secret

NOW = 1_795_460_250.0


@pytest.mark.parametrize("name", SIGNABLE)
def test_what_the_test_secret_signs_its_other_half_accepts(name: str) -> None:
    row = scheme_named(name)
    body, headers = BODIES.get(name, (EVENT, JSON))
    message = Message(method="POST", url="https://abc.example.dev/hooks", headers=headers, body=body)
    secret = secret_for_tests(row)
    made = sign(row, message, [secret.secret], now=NOW, token="ab" * 16)
    names = {key.lower() for key, _ in made.headers}
    kept = tuple(pair for pair in headers if pair[0].lower() not in names)
    arrived = Message(method="POST", url=made.url, headers=(*kept, *made.headers), body=made.body)
    receiving = Secret(value=secret.receiving.encode(), label="test")
    assert verify(row, arrived, [receiving], now=NOW).state == "valid"


def test_they_never_change() -> None:
    """A fixture in somebody's repository, and the handler beside it, rely on them."""
    told = {name: secret_for_tests(scheme_named(name)).receiving for name in SIGNABLE}
    assert told["stripe"] == told["github"] == "whcli-test-secret-not-for-production"
    assert told["svix"] == "whsec_d2hjbGktdGVzdC1zZWNyZXQtbm90LWZvci1wcm9kdWN0aW9u"
    text = "\n".join(f"{name} {secret}" for name, secret in sorted(told.items()) if scheme_named(name).pair)
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "3d72fa7c1f4026dcaaa8ae7480d21dad20a1d92ee8ae81ce10c560f61b1505fd"
    )
