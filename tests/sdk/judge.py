"""What a provider's SDK says to a request that we signed."""

from __future__ import annotations

import time
from collections.abc import Callable

from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign
from whcli.words.event import Message
from whcli.words.secret import Secret

Accepts = Callable[[bytes, dict[str, str]], object]
"""An SDK's verification of body and headers: it raises, or returns False, to refuse."""


def holds(scheme: str, secret: str, body: bytes, accepts: Accepts) -> None:
    """The SDK takes what `sign` made now, and refuses the same request with one byte of its body changed."""
    message = Message(method="POST", url="https://example.com/hooks", headers=(), body=body)
    signed = sign(scheme_named(scheme), message, [Secret(value=secret.encode(), label="")], now=time.time(), token="1")
    headers = {name.decode(): value.decode() for name, value in signed.headers}
    assert accepts(body, headers) is not False
    place = body.index(b"1")
    assert refused(accepts, body[:place] + b"2" + body[place + 1 :], headers)


def refused(accepts: Accepts, body: bytes, headers: dict[str, str]) -> bool:
    """True when the SDK says no, and because of the signature."""
    try:
        return accepts(body, headers) is False
    except Exception as error:
        said = f"{type(error).__name__} {error}".lower()
        return "signature" in said or "validation" in said
