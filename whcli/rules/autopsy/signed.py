"""Other things that may have been signed: a part left out, another separator or order, another digest, another time.

Only rows of the table can be varied; a scheme with code of its own is tried as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple, get_args

from ...words.event import Headers, every, first
from ..signatures.carried import PLACE
from ..signatures.scheme import ASYMMETRIC, Algorithm, Scheme, Unit
from ..signatures.timestamps import BadTimestamp, read_timestamp
from .headings import digest_size, digest_sizes

SEPARATORS = (".", ":", "", "|", ",", "\n", "-", "_", " ", "&", ";")
PLACES = {"{ts}": "the timestamp", "{id}": "the id", "{url}": "the URL", "{method}": "the method"}


class Content(NamedTuple):
    """A row that differs from the scheme's in what is signed."""

    code: str
    words: str  # completes "… with …"
    scheme: Scheme


def contents(scheme: Scheme, headers: Headers) -> Iterator[Content]:
    """Rows with other signed content or another algorithm, the likeliest first."""
    if scheme.code or scheme.algorithm == "equal":
        return
    scheme = replace(scheme, variants=())  # they would bring their own content back
    pieces = PLACE.split(scheme.content)
    for code, words, content in (*_incomplete(pieces), *_separated(pieces), *_reordered(pieces)):
        if content != scheme.content:
            yield Content(code, f"{words} ({_shown(content)})", _signing(scheme, content, headers))
    if scheme.algorithm not in ASYMMETRIC:
        sizes = {size for value in every(headers, scheme.header.encode()) for size in digest_sizes(value)}
        yield from (other for other in _algorithms(scheme) if digest_size(other.scheme) in sizes)


def _shown(content: str) -> str:
    return content.replace("\n", "\\n")


def _signing(scheme: Scheme, content: str, headers: Headers) -> Scheme:
    """The row with that content; a clock whose header is missing is left out when it is not signed."""
    clock = scheme.clock
    if clock and clock.header and "{ts}" not in content and first(headers, clock.header.encode()) is None:
        clock = None
    return replace(scheme, content=content, clock=clock)


def _incomplete(pieces: list[str]) -> Iterator[tuple[str, str, str]]:
    """Each place left out, with what stands between it and its neighbour; the body alone; no constant text."""
    places = pieces[1::2]
    for at, place in enumerate(places):
        if place != "{body}" and len(places) > 1:
            around = pieces[: 2 * at + 1] + pieces[2 * at + 3 :]
            yield "content_incomplete", f"{PLACES.get(place, place)} left out", "".join(around)
    if len(places) > 1:
        yield "content_incomplete", "the body alone signed", "{body}"
    if pieces[0] or pieces[-1]:
        yield "content_incomplete", f"{pieces[0] or pieces[-1]} left out", "".join(pieces[1:-1])


def _separated(pieces: list[str]) -> Iterator[tuple[str, str, str]]:
    places = pieces[1::2]
    for separator in SEPARATORS if len(places) > 1 else ():
        middle = separator.join(places)
        yield "content_separator", "another separator", pieces[0] + middle + pieces[-1]
        if pieces[0]:
            yield "content_separator", "another separator", middle


def _reordered(pieces: list[str]) -> Iterator[tuple[str, str, str]]:
    places = pieces[1::2]
    if 1 < len(places) <= 4:
        for order in permutations(places):
            parts = list(pieces)
            parts[1::2] = order
            yield "content_order", "another order", "".join(parts)


DIGESTS: tuple[tuple[Algorithm, str], ...] = (
    ("hmac-sha256", "HMAC-SHA256"),
    ("hmac-sha1", "HMAC-SHA1"),
    ("hmac-sha512", "HMAC-SHA512"),
)
HASHED: tuple[tuple[Algorithm, str], ...] = (("sha256", "SHA-256"), ("sha1", "SHA-1"))


def _algorithms(scheme: Scheme) -> Iterator[Content]:
    """Another hash, under its own label or the scheme's; and a plain hash over secret and content, without HMAC."""
    for algorithm, name in DIGESTS:
        if algorithm != scheme.algorithm:
            yield Content("other_algorithm", f"{name}", replace(scheme, algorithm=algorithm))
            label = re.sub(r"sha\d+", algorithm.removeprefix("hmac-"), scheme.layout)
            if label != scheme.layout:
                yield Content("other_algorithm", f"{name}", replace(scheme, algorithm=algorithm, layout=label))
    for algorithm, name in HASHED:
        for content in ("{secret}" + scheme.content, scheme.content + "{secret}"):
            if "{secret}" not in scheme.content:
                row = replace(scheme, algorithm=algorithm, content=content)
                yield Content("other_algorithm", f"plain {name} of secret and content, without HMAC", row)


def units(scheme: Scheme) -> Iterator[Content]:
    """The timestamp read in another unit."""
    if scheme.clock and not scheme.code:
        for unit in get_args(Unit):
            if unit != scheme.clock.unit:
                words = f"the timestamp read as {UNITS[unit]}, not {UNITS[scheme.clock.unit]}"
                yield Content("timestamp_unit", words, replace(scheme, clock=replace(scheme.clock, unit=unit)))


UNITS = {"s": "seconds", "ms": "milliseconds", "rfc3339": "RFC 3339 text", "rfc3339ns": "RFC 3339 text"}


# -- another time signed ---------------------------------------------------------------------------------------------


class Stamp(NamedTuple):
    words: str  # completes "the timestamp …"
    headers: Headers


def stamps(scheme: Scheme, headers: Headers) -> Iterator[Stamp]:
    """Headers that carry another timestamp: another unit, a second before or after, or one from another header."""
    carrier = _carrier(scheme)
    if scheme.code or carrier is None or scheme.clock is None:
        return
    old = _stamp_in(scheme, headers)
    if old is None:
        return
    for words, new in _others(old, scheme.clock.unit, headers):
        if new != old:
            yield Stamp(f"{new.decode('latin-1')} {words}", _replaced(headers, carrier, old, new))


def _carrier(scheme: Scheme) -> bytes | None:
    """The header that holds the timestamp."""
    if scheme.clock is None:
        return None
    return (scheme.clock.header or scheme.header).encode().lower()


def _stamp_in(scheme: Scheme, headers: Headers) -> bytes | None:
    """The timestamp as received."""
    if scheme.clock and scheme.clock.header:
        return first(headers, scheme.clock.header.encode()) or None
    item = next((item for item in scheme.layout.split(scheme.separator or ",") if "{ts}" in item), None)
    if item is None:
        return None
    start = re.escape(item.partition("{ts}")[0].strip().encode())
    for value in every(headers, scheme.header.encode()):
        if match := re.search(rb"(?:^|[,;\s])" + start + rb"([^,;\s]+)", value):
            return match[1]
    return None


def _others(old: bytes, unit: str, headers: Headers) -> Iterator[tuple[str, bytes]]:
    if old.isdigit() and len(old) <= 20:
        number = int(old)
        yield "(in seconds)", str(number // 1000).encode()
        yield "(in milliseconds)", str(number * 1000).encode()
        for step in (1, -1, 2, -2):
            yield f"({abs(step)} s {'later' if step > 0 else 'earlier'})", str(number + step).encode()
    else:
        yield from _rewritten(old, unit)
    for name, value in headers:
        if re.fullmatch(rb"\d{10,13}|\d{4}-\d\d-\d\dT[0-9:.Z+-]+", value):
            yield f"(from the {name.decode('latin-1')} header)", value


def _rewritten(old: bytes, unit: str) -> Iterator[tuple[str, bytes]]:
    """An RFC 3339 time with other digits behind the second, another zone designator, or as a number."""
    if match := re.fullmatch(rb"(.{19})(?:\.(\d+))?(Z|[+-]00:00)?", old):
        for digits in (0, 3, 6, 9):
            fraction = (match[2] or b"").ljust(digits, b"0")[:digits]
            for zone in (b"Z", b"+00:00", b"-00:00", b""):
                yield "(re-formatted)", match[1] + (b"." if digits else b"") + fraction + zone
    try:
        seconds = read_timestamp(old, unit)
    except BadTimestamp:
        return
    yield "(in seconds)", str(int(seconds)).encode()
    yield "(in milliseconds)", str(int(seconds * 1000)).encode()


def _replaced(headers: Headers, carrier: bytes, old: bytes, new: bytes) -> Headers:
    return tuple((name, value.replace(old, new, 1) if name.lower() == carrier else value) for name, value in headers)
