"""The search: which changes to secret, body, URL, header or signed content make the signature match.

Every try asks `signing.verify`, which needs the whole digest to be right: a match cannot be chance. Rounds go from one
change to two, the likely ones first, so the first match is the simplest explanation. Work is counted in bytes, not
seconds (this module has no clock), and the search ends when its share is used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Any, Literal, NamedTuple

from ...words.event import Headers, Message, Verdict
from ...words.record import record
from ...words.secret import Secret
from ..recognition.detect import detect
from ..signatures import signing
from ..signatures.carried import Malformed, find
from ..signatures.scheme import ASYMMETRIC, Scheme
from ..signatures.schemes import NAMES, scheme_named
from ..signatures.weighing import age_of
from ..text import safe
from .bodies import undone
from .guesses import guesses
from .headings import repaired
from .printers import Press
from .secretforms import spellings
from .signed import contents, stamps, units
from .tokens import read_json
from .urls import respelled

WORK = 500_000_000  # bytes to hash, about half a second with the rest, where the processor has SHA instructions
PRINTED = 64_000_000  # bytes of re-printed bodies that are kept for the second round
OVERHEAD = 20_000  # what one try costs beside its body, and what one more secret costs, in bytes
PER_SECRET = 5_000
BY_CODE = 8  # a scheme with code of its own parses the body anew on every try
PER_FIELD = 12_000  # and its form
PAIRED_KEYS = 5  # Ed25519 hashes the content twice, with SHA-512
WITH_SECRETS = 50  # changes that are tried with other secrets too, the likeliest
PAIRED = 20  # changes of each dimension, when two change at once

Dimension = Literal["body", "url", "headers", "scheme"]


class Change(NamedTuple):
    """One change to the request or to how it is verified."""

    code: str
    words: str
    dimension: Dimension
    value: Any  # bytes, str, Headers or Scheme


class Fault(NamedTuple):
    """One thing that was wrong."""

    code: str
    words: str


@record
class Match:
    """What makes the signature match."""

    scheme: Scheme
    message: Message
    faults: tuple[Fault, ...]
    secret: str  # its label
    verdict: Verdict


class Exhausted(Exception):
    """The share of work is used up."""


@dataclass(slots=True)
class Ring:
    """Secrets under labels of our own, so that a verdict tells which reading of which secret matched."""

    secrets: list[Secret] = field(default_factory=list)
    known: dict[str, tuple[str, tuple[Fault, ...]]] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)

    def add(self, value: bytes, label: str, *faults: Fault) -> None:
        """Add a secret unless its value is there already."""
        if value not in self.seen:
            self.seen.add(value)
            name = f"secret {len(self.secrets)}"
            self.secrets.append(Secret(value=value, label=name))
            self.known[name] = (label, faults)


def rings(scheme: Scheme, secrets: Sequence[Secret], others: Sequence[tuple[Scheme, Secret]]) -> dict[str, Ring]:
    """The secrets to try: the own ones, those of other places, other readings of the own, and all but the own."""
    own, strange, spelt = Ring(), Ring(), Ring()
    for secret in secrets:
        own.add(secret.value, secret.label)
    strange.seen |= own.seen
    for _, secret in others:
        strange.add(secret.value, secret.label, _stranger(secret))
    spelt.seen |= strange.seen
    for secret in secrets:
        for way in spellings(scheme, secret.value):
            spelt.add(way.value, secret.label, Fault(way.code, f"the secret from {secret.label} {way.words}"))
    return {"own": own, "others": strange, "spelt": spelt, "any": _all_but_own(scheme, strange, spelt, others)}


def _stranger(secret: Secret) -> Fault:
    return Fault("wrong_secret", f"the secret from {secret.label}")


def _all_but_own(scheme: Scheme, strange: Ring, spelt: Ring, others: Sequence[tuple[Scheme, Secret]]) -> Ring:
    ring = Ring()
    for part in (strange, spelt):
        for secret in part.secrets:
            label, faults = part.known[secret.label]
            ring.add(secret.value, label, *faults)
    for _, secret in others:
        for way in spellings(scheme, secret.value):
            ring.add(way.value, secret.label, _stranger(secret), Fault(way.code, f"that secret {way.words}"))
    return ring


# Which secrets, with which dimensions changed. The first match is told, so what is simpler and likelier stands first.
ROUNDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("others", ()),
    ("spelt", ()),
    ("own", ("headers",)),
    ("own", ("url",)),
    ("own", ("clock",)),
    ("own", ("body",)),
    ("own", ("content",)),
    ("own", ("other",)),
    ("others", ("other",)),
    ("own", ("json",)),
    ("own", ("guess",)),
    ("any", ("headers",)),
    ("any", ("url",)),
    ("any", ("body",)),
    ("any", ("clock",)),
    ("any", ("content",)),
    ("any", ("json",)),
    ("own", ("headers", "body")),
    ("own", ("headers", "json")),
    ("own", ("url", "body")),
    ("own", ("url", "json")),
    ("own", ("headers", "content")),
    ("own", ("content", "body")),
    ("own", ("content", "json")),
    ("spelt", ("other",)),
)
UNREAD = {"header_missing", "header_malformed", "companion_missing", "timestamp_missing", "timestamp_malformed"}
"""The reasons with which no secret was tried."""
UNREADABLE = {"headers", "clock", "content", "other"}
"""The dimensions that can help when the signature's header cannot be read."""


class Search:
    """One search over one request."""

    def __init__(
        self,
        scheme: Scheme,
        message: Message,
        secrets: Sequence[Secret],
        others: Sequence[tuple[Scheme, Secret]],
        *,
        now: float,
        tolerance: float | None = None,
        work: int = WORK,
    ) -> None:
        self.scheme, self.message = scheme, message
        self.now, self.tolerance, self.left = now, tolerance, work
        self.tried = 0
        self._rings = rings(scheme, secrets, others)
        self._made: dict[str, tuple[list[Change], Iterator[Change]]] = {}

    def run(self) -> Match | None:
        """The simplest match, or None."""
        readable = _readable(self.scheme, self.message.headers)
        try:
            for name, dimensions in ROUNDS:
                if readable or UNREADABLE & set(dimensions):
                    for changes in self._combined(name, dimensions):
                        if match := self.attempt(self._rings[name], changes):
                            return match
        except Exhausted:
            pass
        return None

    def attempt(self, ring: Ring, changes: Sequence[Change] = ()) -> Match | None:
        """Verify with some changes made and all secrets of a ring. Raises Exhausted."""
        if not ring.secrets:
            return None
        scheme, message = _changed(self.scheme, self.message, changes)
        if not self._paid(scheme, message, len(ring.secrets)):
            return None
        verdict = signing.verify(scheme, message, ring.secrets, now=self.now, tolerance=self.tolerance)
        if verdict.state not in ("valid", "stale"):
            self.tried += len(ring.secrets) * (verdict.reason not in UNREAD)
            return None
        name = verdict.secret if verdict.secret in ring.known else ring.secrets[0].label
        self.tried += [secret.label for secret in ring.secrets].index(name) + 1
        label, faults = ring.known[name]
        faults = (*(Fault(change.code, change.words) for change in changes), *faults)
        return Match(scheme=scheme, message=message, faults=faults, secret=label, verdict=verdict)

    def _paid(self, scheme: Scheme, message: Message, secrets: int) -> bool:
        """Take the cost of a try from what is left; False when it is too dear. Raises Exhausted when any would be."""
        one = PER_SECRET + _cost(scheme, message.body)
        cost = OVERHEAD + one * secrets
        if cost > self.left:
            if OVERHEAD + one > self.left:
                raise Exhausted
            return False
        self.left -= cost
        return True

    def _combined(self, ring: str, dimensions: tuple[str, ...]) -> Iterator[tuple[Change, ...]]:
        """All changes of one dimension; together with other secrets or a second dimension, the likeliest."""
        if len(dimensions) == 1:  # product would work out the last before it gives the first
            most = None if ring == "own" else WITH_SECRETS
            yield from ((change,) for change in islice(self._changes(dimensions[0]), most))
            return
        yield from product(*(islice(self._changes(name), PAIRED) for name in dimensions))

    def _changes(self, name: str) -> Iterator[Change]:
        """The changes of a dimension, each value once; each is worked out when it is first asked for, and kept."""
        if name not in self._made:
            seen = {hash(self.message.body), hash(self.message.headers), hash(self.message.url)}
            self._made[name] = ([], _fresh(DIMENSIONS[name](self.scheme, self.message), seen))
        known, rest = self._made[name]
        yield from known
        for change in rest:
            known.append(change)
            yield change


def _cost(scheme: Scheme, body: bytes) -> int:
    """What verifying with one secret costs, in bytes hashed."""
    if scheme.code:
        return len(body) * BY_CODE + PER_FIELD * min(body.count(b"&"), body.count(b"="))
    return len(body) * (PAIRED_KEYS if scheme.algorithm in ASYMMETRIC else 1) * (1 + len(scheme.variants))


def _fresh(changes: Iterable[Change], seen: set[int]) -> Iterator[Change]:
    """Each value once, and none that changes nothing."""
    for change in changes:
        if (mark := hash(change.value)) not in seen:
            seen.add(mark)
            yield change


def _changed(scheme: Scheme, message: Message, changes: Sequence[Change]) -> tuple[Scheme, Message]:
    for change in changes:
        if change.dimension == "scheme":
            scheme = change.value
        else:
            message = replace(message, **{change.dimension: change.value})
    return scheme, message


def _readable(scheme: Scheme, headers: Headers) -> bool:
    """True when the signature can be read, so that other changes than to the headers make sense."""
    if scheme.code:
        return True
    try:
        found = find(scheme, headers)
        age_of(scheme.clock, found, 0)
    except Malformed:
        return False
    return True


# -- the dimensions -------------------------------------------------------------------------------------------------


def _signs(scheme: Scheme, place: str) -> bool:
    """Whether a part of the request is signed; code of its own may sign anything."""
    return bool(scheme.code) or (scheme.algorithm != "equal" and place in scheme.content)


def _headers(scheme: Scheme, message: Message) -> Iterator[Change]:
    for code, words, headers in repaired(scheme, message.headers):
        what = "the headers" if code == "header_renamed" else "the signature"
        yield Change(code, f"{what} {words}", "headers", headers)


def _urls(scheme: Scheme, message: Message) -> Iterator[Change]:
    if _signs(scheme, "{url"):
        for code, words, url in respelled(message.url, message.headers):
            yield Change(code, f"the URL {words}", "url", url)


def _clock(scheme: Scheme, message: Message) -> Iterator[Change]:
    for content in units(scheme):
        yield Change(content.code, content.words, "scheme", content.scheme)
    for words, headers in stamps(scheme, message.headers):
        yield Change("timestamp_not_signed", f"the timestamp {safe(words)}", "headers", headers)


def _bodies(scheme: Scheme, message: Message) -> Iterator[Change]:
    if _signs(scheme, "{body"):
        for code, words, body in undone(message.body):
            yield Change(code, f"the body {safe(words)}", "body", body)


def _json(scheme: Scheme, message: Message) -> Iterator[Change]:
    """The JSON printed in every way, then the same with a newline behind it, until `PRINTED` bytes are kept."""
    text = read_json(message.body) if _signs(scheme, "{body") else None
    kept: list[Change] = []
    left = PRINTED
    for words, body in Press(text).everywhere() if text else ():
        left -= 2 * len(body)
        if left < 0:
            break
        kept.append(Change("body_reserialised", f"the body {words}", "body", body))
        yield kept[-1]
    for change in kept:
        words = f"{change.words}, with a newline at its end"
        yield change._replace(words=words, value=change.value + b"\n")


def _guesses(scheme: Scheme, message: Message) -> Iterator[Change]:
    text = read_json(message.body) if _signs(scheme, "{body") else None
    for words, body in guesses(Press(text)) if text else ():
        yield Change("body_reserialised", f"the body {words}", "body", body)


def _contents(scheme: Scheme, message: Message) -> Iterator[Change]:
    for code, words, other in contents(scheme, message.headers):
        yield Change(code, words, "scheme", other)


def _others(scheme: Scheme, message: Message) -> Iterator[Change]:
    for other in present(message, scheme):
        yield Change("other_scheme", f"the scheme {other.name}", "scheme", other)


def present(message: Message, scheme: Scheme) -> list[Scheme]:
    """Other schemes that may have signed the request, the recognised one first.

    With the scheme's own header there, those that use the same name (GitHub's and Bitbucket's `X-Hub-Signature`);
    without it, those whose header is there.
    """
    names = {name.lower().decode("latin-1") for name, value in message.headers if value}
    own = scheme.header.lower()
    recognised = detect(message.headers, message.body).scheme
    rows = [scheme_named(name) for name in dict.fromkeys((recognised, *NAMES) if recognised else NAMES)]
    wanted = {own} if own in names else names
    return [row for row in rows if row.name != scheme.name and row.header.lower() in wanted]


DIMENSIONS: dict[str, Callable[[Scheme, Message], Iterator[Change]]] = {
    "headers": _headers,
    "url": _urls,
    "clock": _clock,
    "body": _bodies,
    "json": _json,
    "guess": _guesses,
    "content": _contents,
    "other": _others,
}
