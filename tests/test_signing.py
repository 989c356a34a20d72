"""Known answers: every expected value here was computed by somebody else, with its source beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message, first
from whcli.words.secret import Secret

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text())


def secret(text: str) -> Secret:
    return Secret(value=text.encode(), label="test")


def message_of(vector: dict[str, Any]) -> Message:
    headers = {**vector["headers"], **vector["expected_headers"]}
    return Message(
        method=vector["method"],
        url=vector["url"],
        headers=tuple((name.encode(), value.encode()) for name, value in headers.items()),
        body=vector["body"].encode(),
    )


def known(vector: dict[str, Any]) -> str:
    return str(vector["provider"]).replace("_", "-")


BUILT = ("standardwebhooks", "svix", "github", "shopify", "stripe", "slack")
PLAIN = [v for v in VECTORS if known(v) in BUILT]


@pytest.mark.parametrize("vector", PLAIN, ids=lambda v: f"{v['provider']}: {v['source']}")
def test_a_published_vector_verifies_as_published(vector: dict[str, Any]) -> None:
    verdict = verify(
        scheme_named(known(vector)), message_of(vector), [secret(vector["secret"])], now=vector.get("now_unix", 0)
    )
    assert verdict.ok is vector["valid"], verdict


def test_stripe_as_computed_by_openssl() -> None:
    # printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    message = Message(method="POST", url="", headers=(), body=b'{"id":"evt_1"}')
    signed = sign(scheme_named("stripe"), message, [secret("whsec_test")], now=1_700_000_000, token="0")
    assert first(signed.headers, b"stripe-signature") == (
        b"t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
    )
