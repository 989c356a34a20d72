"""Whether a secret can be what it should be: copied whole, and of the form that its provider gives out.

What keeps a key from being read is a problem; what only looks odd is a warning, for providers change their forms. No
sentence here holds a secret.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

from ..autopsy.secretforms import ASSIGNMENT, QUOTES
from ..signatures.digests import BadKey, key_of
from ..signatures.scheme import ASYMMETRIC, Scheme
from .check import State

FORMS = {
    "stripe": rb"whsec_[A-Za-z0-9+/=_-]{16,}",
    "elevenlabs": rb"wsec_\S+",
    "paddle": rb"pdl_ntfset_\S+",
    "linear": rb"lin_wh_\S+",
    "notion": rb"secret_\S+",
    "slack": rb"[0-9a-f]{32}",
    "twilio": rb"[0-9A-Za-z]{32,}",
    "paystack": rb"sk_(?:live|test)_\S+",
    "coinbase-commerce": rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "contentful": rb".{64}",
    "twitch": rb"[ -~]{10,100}",
    "telegram": rb"[A-Za-z0-9_-]{1,256}",
    "adyen": rb"[0-9A-Fa-f]{64}",
    "adyen-header": rb"[0-9A-Fa-f]{64}",
    "lemonsqueezy": rb".{6,40}",
    "postmark": rb"[^:]+:.+",
    "livekit": rb"[^:]+:.+",
    "braintree": rb"[^:]+:.+",
    "paypal": rb"(?s)[^:]+:.+",
}
"""Scheme -> the form that its row's `secret_form` tells in words, where it is one that can be seen."""

PLACEHOLDER = re.compile(
    rb"(?i)\.\.\.|\xe2\x80\xa6|change.?me|your[_-]|<[^>]*>|x{4,}|\A(?:secret|password|todo|test)\Z"
)
SHORTEST = 8  # bytes: what is shorter is no secret that a provider would make

Finding = tuple[State, str]


def findings(secret: bytes, scheme: Scheme) -> Iterator[Finding]:
    """What is wrong with a secret, worst first: the state, and words that complete "the secret from $NAME ..."."""
    copied = next((words for holds, words in COPIED if holds(secret)), None)
    if copied:
        yield "problem", copied
        return
    try:
        _read(secret, scheme)
    except BadKey as error:
        yield "problem", f"{error}; its form is: {scheme.secret_form}"
        return
    if PLACEHOLDER.search(secret):
        yield "warning", "looks like a placeholder"
    elif (form := FORMS.get(scheme.name)) and not re.fullmatch(form, secret):
        yield "warning", f"does not look like one of {scheme.title}: {scheme.secret_form}"
    elif len(secret) < SHORTEST:
        yield "warning", f"is only {len(secret)} bytes long"


def _read(secret: bytes, scheme: Scheme) -> None:
    """Read the key; raises BadKey."""
    if _is_written(secret) or (scheme.pair and scheme.algorithm in ASYMMETRIC):
        from ..signatures.keys import read_key

        read_key(secret, signing=False)
    else:
        key_of(secret, scheme.key)


def _is_written(secret: bytes) -> bool:
    """Whether a secret is a key in a form that says so itself."""
    return secret.lstrip().startswith((b"-----BEGIN ", b"{", b"whsk_", b"whpk_"))


def _quoted(secret: bytes) -> bool:
    text = secret.decode("utf-8", "replace")
    return len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES


COPIED: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (
        lambda s: s.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
        "begins with a byte order mark",
    ),
    (lambda s: s != s.strip() and not _is_written(s), "has white space or a newline around it"),
    (_quoted, "has quotes around it that are not part of it"),
    (
        lambda s: bool(re.match(rb"(?:export\s|[A-Z][A-Z0-9_]*=)", s) and ASSIGNMENT.fullmatch(s)),
        "is a whole line NAME=value",
    ),
    (lambda s: b"\0" in s, "holds a NUL byte"),
)
"""What happens while a secret is copied, and its words."""
