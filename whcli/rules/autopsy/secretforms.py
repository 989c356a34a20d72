"""What a secret may look like that was copied, stored or read wrongly: one table.

Every row makes other secrets of the one configured. `spellings` also reads it in the encodings that schemes differ in:
`whsec_…` is base64 for Standard Webhooks and text for Stripe.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from ..signatures.digests import KEYS
from ..signatures.scheme import ASYMMETRIC, Scheme

SHORTEST = 8  # bytes; below this, what is left of a secret is no secret


class Spelling(NamedTuple):
    """Another reading of a secret."""

    code: str
    words: str  # completes "the secret from $NAME …"
    value: bytes


class Repair(NamedTuple):
    code: str
    words: str
    apply: Callable[[bytes], Iterable[bytes]]


QUOTES = ("'", '"', "`", "‘", "’", "“", "”", "„")
ASSIGNMENT = re.compile(rb"\s*(?:export\s+|set\s+)?\$?[A-Za-z_][A-Za-z0-9_.-]*\s*[=:]\s*(.+?)\s*", re.DOTALL)


def _unquoted(secret: bytes) -> Iterator[bytes]:
    text = secret.strip()
    for opening in QUOTES:
        for closing in QUOTES:
            one, other = opening.encode(), closing.encode()
            if text.startswith(one) and text.endswith(other) and len(text) > len(one + other):
                yield text[len(one) : -len(other)]
                yield text[len(one) : -len(other)].strip()
    yield text.strip(b"'\"`")


def _assigned(secret: bytes) -> Iterator[bytes]:
    """The value of `NAME=value`, as lines of environment files have it."""
    if (match := ASSIGNMENT.fullmatch(secret)) and len(match[1]) >= SHORTEST:
        yield match[1]
        yield match[1].strip(b"'\"")


def _listed(secret: bytes) -> Iterator[bytes]:
    parts = [part.strip() for part in re.split(rb"[,;\s]+", secret)]
    if len(parts) > 1:
        yield from (part for part in parts if len(part) >= SHORTEST)


def _without_prefix(secret: bytes) -> Iterator[bytes]:
    if match := re.match(rb"[A-Za-z]{2,10}_(?:test_|live_)?", secret):
        yield secret[match.end() :]


def _unescaped(secret: bytes) -> Iterator[bytes]:
    yield unquote_to_bytes(secret)
    if b"&" in secret:
        from html import unescape  # with the names of all characters

        yield unescape(secret.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    yield secret.replace(b"\\n", b"\n")
    yield secret.replace(b"\\$", b"$").replace(b"$$", b"$")


def _as_utf8(secret: bytes) -> Iterator[bytes]:
    yield secret.removeprefix(codecs.BOM_UTF8)
    if secret.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = secret.decode("utf-16", "replace")
        yield text.encode()
        yield text.strip().encode()


REPAIRS = (
    Repair("secret_whitespace", "without the white space around it", lambda s: [s.rstrip(b"\r\n"), s.strip()]),
    Repair("secret_whitespace", "without the white space in it", lambda s: [b"".join(s.split())]),
    Repair("secret_whitespace", "with a newline behind it", lambda s: [s + b"\n", s + b"\r\n"]),
    Repair("secret_whitespace", "with a space behind it", lambda s: [s + b" "]),
    Repair("secret_quoted", "without the quotes around it", _unquoted),
    Repair("secret_quoted", "with quotes around it", lambda s: [b'"' + s + b'"', b"'" + s + b"'"]),
    Repair("secret_with_name", "without the name in front of it", _assigned),
    Repair("secret_list", "read as a list of several", _listed),
    Repair("secret_encoding", "without byte order mark", _as_utf8),
    Repair("secret_escaped", "with its escapes undone", _unescaped),
    Repair("secret_prefix", "without its prefix", _without_prefix),
    Repair("secret_prefix", "with whsec_ before it", lambda s: [b"whsec_" + s]),
    Repair("secret_case", "in lower or upper case", lambda s: [s.lower(), s.upper()]),
)
"""The likeliest first."""

UNSET = (b"", b"undefined", b"null", b"None", b"nil")
"""What a sender signs with when its variable is not set."""


# -- encodings ------------------------------------------------------------------------------------------------------


def _base64(text: bytes) -> bytes:
    plain = text.translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)


READINGS: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("secret_is_text", "used as text", lambda text: text),
    ("secret_is_text", "used as text without its prefix", lambda text: text.removeprefix(b"whsec_")),
    ("secret_is_base64", "decoded from base64", lambda text: _base64(text.removeprefix(b"whsec_"))),
    ("secret_is_hex", "decoded from hexadecimal", lambda text: bytes.fromhex(text.removeprefix(b"whsec_").decode())),
)
"""What the key can be, read from a secret: code, words, and the key."""

WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda key: key,
    "base64": base64.b64encode,
    "hex": lambda key: key.hex().encode(),
    "whsec": lambda key: b"whsec_" + base64.b64encode(key),
}
"""A secret that gives a certain key under a row's `key`."""


def spellings(scheme: Scheme, secret: bytes) -> Iterator[Spelling]:
    """Other readings of a secret, the likeliest first."""
    for repair in REPAIRS:
        for value in repair.apply(secret):
            yield Spelling(repair.code, repair.words, value)
    yield from _readings(scheme, secret)
    if scheme.algorithm not in ASYMMETRIC:
        for value in UNSET:
            words = f"replaced by the word {value.decode()}" if value else "replaced by an empty one"
            yield Spelling("secret_unset", words, value)


def _readings(scheme: Scheme, secret: bytes) -> Iterator[Spelling]:
    """The secret under the other encodings, written so that the scheme's own reading gives that key."""
    if scheme.algorithm in ASYMMETRIC:
        return
    write = WRITTEN.get(scheme.key, WRITTEN["text"])
    for code, words, read in READINGS:
        try:
            key = read(secret.strip())
        except (binascii.Error, ValueError):
            continue
        if key != _own(scheme, secret):
            yield Spelling(code, words, write(key))


def _own(scheme: Scheme, secret: bytes) -> bytes | None:
    """The key that the scheme itself reads."""
    try:
        return KEYS[scheme.key](secret.strip())
    except (KeyError, ValueError):
        return None
