"""Signature headers that came through in another shape: renamed, re-cased, re-encoded, joined, out of their layout.

Every repair gives other headers for the same request. The digest is what counts: a text is taken for a signature when
it decodes, as hexadecimal or base64, to as many bytes as the algorithm makes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from ...words.event import Headers, every
from ..signatures.digests import HASHES, TEXTS
from ..signatures.generic import filled
from ..signatures.scheme import Scheme

FIXED = {"ed25519": 64, "ecdsa-p256-raw": 64}  # bytes of signatures that are no hash
STAMP = re.compile(rb"(?<![0-9A-Za-z+/])\d{9,13}(?![0-9A-Za-z+/])")
PREFIXES = (b"http-", b"x-original-", b"x-forwarded-", b"x-amzn-remapped-", b"x-")


class Heading(NamedTuple):
    """The headers with one thing put right."""

    code: str
    words: str  # completes "the signature …" or "the header …"
    headers: Headers


def repaired(scheme: Scheme, headers: Headers) -> Iterator[Heading]:
    """Other headers, the likeliest repair first."""
    yield from _renamed(scheme, headers)
    if not scheme.header or "{" in scheme.header:
        return
    name = scheme.header.encode()
    values = every(headers, name)
    if not any(values):
        return
    for code, words, change in VALUES:
        made = [new for value in values for new in change(value)]
        if made != values and not (code == "signatures_joined" and scheme.separator):
            yield Heading(code, words, _with(headers, name, made))
    if not scheme.code and scheme.algorithm != "equal":
        yield from _laid_out(scheme, headers, values)


# -- names ----------------------------------------------------------------------------------------------------------


def _renamed(scheme: Scheme, headers: Headers) -> Iterator[Heading]:
    """Underscores for hyphens (CGI, some proxies and test clients), and names with something put before them."""
    plain = tuple((_plain(name), value) for name, value in headers)
    if plain != headers:
        yield Heading("header_renamed", "under their usual names", plain)
    wanted = {name.lower().encode() for name in _names(scheme)}
    present = {name.lower() for name, _ in headers}
    for prefix in PREFIXES:
        short = tuple((_short(name, prefix, wanted - present), value) for name, value in headers)
        if short != headers:
            yield Heading("header_renamed", f"without {prefix.decode()} before their names", short)


def _names(scheme: Scheme) -> list[str]:
    clock = scheme.clock.header if scheme.clock else None
    return [name for name in (scheme.header, clock, scheme.id_header) if name]


def _plain(name: bytes) -> bytes:
    if b"_" not in name:
        return name
    plain = name.replace(b"_", b"-")
    return plain[5:] if plain.lower().startswith(b"http-") else plain


def _short(name: bytes, prefix: bytes, wanted: set[bytes]) -> bytes:
    low = name.lower()
    return name[len(prefix) :] if low.startswith(prefix) and low[len(prefix) :] in wanted else name


def _with(headers: Headers, name: bytes, values: Iterable[bytes]) -> Headers:
    """The headers with other values under one name, where its first line stood."""
    new = [(name, value) for value in values]
    made: list[tuple[bytes, bytes]] = []
    for pair in headers:
        if pair[0].lower() != name.lower():
            made.append(pair)
        else:
            made, new = made + new, []
    return tuple(made)


# -- values ---------------------------------------------------------------------------------------------------------

VALUES: tuple[tuple[str, str, Callable[[bytes], Iterable[bytes]]], ...] = (
    ("signature_space", "without the white space in it", lambda v: [b"".join(v.split())]),
    ("signature_quoted", "without the quotes around it", lambda v: [v.strip().strip(b"\"'")]),
    ("signature_escaped", "with its percent escapes decoded", lambda v: [unquote_to_bytes(v)]),
    ("signature_escaped", "with + where spaces are", lambda v: [v.strip().replace(b" ", b"+")]),
    ("signatures_joined", "taken out of a list", lambda v: [part.strip() for part in v.split(b",")]),
    ("signatures_joined", "taken out of a list", lambda v: [part.strip() for part in v.split(b";")]),
)
"""Code, words, and what a value becomes: one value or several lines."""


def _laid_out(scheme: Scheme, headers: Headers, values: list[bytes]) -> Iterator[Heading]:
    """The digests found in the values, written as the scheme lays them out."""
    size = digest_size(scheme)
    found = [(text, raw) for value in values for text in pieces(value) if (raw := decoded(text, size)) is not None]
    if size is None or not found:
        return
    texts = [TEXTS[scheme.digest](raw) for _, raw in found]
    stamps = [stamp for value in values for stamp in STAMP.findall(value)]
    lines = _lines(scheme, texts, stamps)
    if lines != values:
        yield Heading(*_why(scheme, found[0][0], texts[0]), _with(headers, scheme.header.encode(), lines))


def _why(scheme: Scheme, text: bytes, canonical: bytes) -> tuple[str, str]:
    if text == canonical:
        return "signature_label", f"laid out as {scheme.layout.replace('{sig}', '…').replace('{ts}', '…')}"
    if text.lower() == canonical:
        return "signature_upper_case", "in lower case"
    return "signature_encoding", f"written in {scheme.digest}"


def _lines(scheme: Scheme, texts: list[bytes], stamps: list[bytes]) -> list[bytes]:
    """The header's values; with a separator they are items of one."""
    if not scheme.separator:
        return [filled(scheme.layout, {"sig": text, "ts": b"", "id": b""}) for text in texts]
    items = []
    for item in scheme.layout.split(scheme.separator):
        if "{sig}" in item:
            items += [filled(item, {"sig": text}) for text in texts]
        elif "{ts}" in item:
            items += [filled(item, {"ts": stamp}) for stamp in stamps[:1]]
    return [scheme.separator.encode().join(items)]


def digest_size(scheme: Scheme) -> int | None:
    """Bytes of a signature, where the algorithm fixes them."""
    if scheme.algorithm in HASHES:
        return hashlib.new(HASHES[scheme.algorithm], usedforsecurity=False).digest_size
    return FIXED.get(scheme.algorithm)


def pieces(value: bytes) -> Iterator[bytes]:
    """What could be a digest in a value: its items, whole and without the label before `=` or `:`."""
    for item in re.split(rb"[,;\s\"']+", value):
        yield item
        for mark in (b"=", b":"):
            label, found, rest = item.partition(mark)
            if found and rest and len(label) <= 30:
                yield rest


def digest_sizes(value: bytes) -> set[int]:
    """The sizes that the digests in a value may have."""
    return {size for text in pieces(value) for size in (20, 32, 64) if decoded(text, size) is not None}


def decoded(text: bytes, size: int | None) -> bytes | None:
    """A digest of that size, written in hexadecimal or base64; None for anything else."""
    if size is None:
        return None
    if re.fullmatch(rb"[0-9a-fA-F]+", text) and len(text) == 2 * size:
        return bytes.fromhex(text.decode())
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    if len(plain) != (size * 4 + 2) // 3:
        return None
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
