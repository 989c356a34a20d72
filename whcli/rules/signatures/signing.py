"""Sign and verify by scheme: the generic pair, or the pair in the scheme's own file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from ...words.event import Message, Verdict
from ...words.secret import Secret
from .scheme import Scheme

if TYPE_CHECKING:
    from .carried import Signed


@cache
def _pair(code: str | None) -> ModuleType:
    """The module with a scheme's `sign` and `verify`: read in, with OpenSSL, when something is first signed."""
    return import_module(f"{__package__}.schemes.{code}" if code else f"{__package__}.generic")


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign a message as the provider would at `now` (unix seconds UTC); see `generic.sign`."""
    signed: Signed = _pair(scheme.code).sign(scheme, message, secrets, now=now, token=token, id=id)
    return signed


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check a message's signature at `now` (unix seconds UTC); see `generic.verify`. Never raises on bad input."""
    verdict: Verdict = _pair(scheme.code).verify(scheme, message, secrets, now=now, tolerance=tolerance)
    return verdict
