"""A fixed test secret for every scheme, in the scheme's own form: what a redacted fixture is signed with.

They are public and protect nothing. A handler under test is given the same one; for a key pair, the public key.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from ...words.secret import Secret
from .keys import PAIRS
from .scheme import Scheme

TEXT = "whcli-test-secret-not-for-production"
FORMS = {
    "contentful": f"{TEXT:x<64}",
    "livekit": f"whcli-test-key:{TEXT}",
    "braintree": f"whcli-test-key:{TEXT}",
    "postmark": f"whcli-test-user:{TEXT}",
}
"""Secrets that are not any text."""


class FixedSecret(NamedTuple):
    """What signs, and what the receiver needs: the same text, or the public key of a pair."""

    signing: str
    receiving: str

    @property
    def secret(self) -> Secret:
        """For signing."""
        return Secret(value=self.signing.encode(), label="the test secret")


def secret_for_tests(row: Scheme) -> FixedSecret:
    """The test secret of a scheme; the same for ever."""
    if row.pair and not row.variants:
        kind, write = PAIRS[row.pair]
        pair = write(_key(kind))
        return FixedSecret(pair.private, pair.public)
    encoded = base64.b64encode(TEXT.encode()).decode()
    text = {
        "whsec": f"whsec_{encoded}",
        "whsec-or-text": f"whsec_{encoded}",
        "base64": encoded,
        "hex": TEXT.encode().hex(),
    }
    secret = FORMS.get(row.name, text.get(row.key, TEXT))
    return FixedSecret(secret, secret)


def _key(kind: str) -> Any:
    """A key of a kind, made from fixed numbers."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    seed = TEXT.encode()[:32]
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    if kind == "P-256":
        return ec.derive_private_key(int.from_bytes(seed, "big"), ec.SECP256R1())
    d = pow(65537, -1, (_P - 1) * (_Q - 1))
    exponents = (d % (_P - 1), d % (_Q - 1), pow(_Q, -1, _P))
    public = rsa.RSAPublicNumbers(65537, _P * _Q)
    return rsa.RSAPrivateNumbers(_P, _Q, d, *exponents, public).private_key()


_P = int(
    "fd8947e149cc9857eb21d51b0b8911997d425bf279aad594197c4fef0edc792885b7f6b7142ade62d1ef342aeb5faa1c"
    "80883ffd765f645e01ed398d7aeaa963af94d59b4bf6180f9ab720e071df620790c886b223c06227203d9ac5824ac2ee"
    "2a2835069ec37dd4bab7156af653904b7c20705cf1164f2682b4f4ba11166ed9",
    16,
)
_Q = int(
    "e801799027fef54d342dcfd940f56dfcff9c87ee66a9cadd33a4230321e17f8fc84325b9b2f1d3e6f728c5157143e8f0"
    "f31178568abb78d919c85f178f659bde604f36f9da2d1c7c179689051cc176ec53bb452640cf867286bfcf48d81e50a3"
    "53e27f5cb36a3682f4a49eaa59f36b380fdf4c026106e9810b15cf0868f3cec5",
    16,
)
