"""Sign and verify by scheme: the generic pair, or the pair in the scheme's own file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from ...words.event import Message, Verdict
from ...words.secret import Secret
from . import generic
from .generic import Signed
from .scheme import Scheme


def _pair(scheme: Scheme) -> ModuleType:
    """The module with this scheme's `sign` and `verify`."""
    return import_module(f"{__package__}.schemes.{scheme.code}") if scheme.code else generic


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign a message as the provider would at `now` (unix seconds UTC); see `generic.sign`."""
    signed: Signed = _pair(scheme).sign(scheme, message, secrets, now=now, token=token, id=id)
    return signed


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check a message's signature at `now` (unix seconds UTC); see `generic.verify`. Never raises on bad input."""
    verdict: Verdict = _pair(scheme).verify(scheme, message, secrets, now=now, tolerance=tolerance)
    return verdict
