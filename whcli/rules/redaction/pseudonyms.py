"""Stable pseudonyms: the same value gives the same one within a project, and none can be turned back.

They are made by HMAC-SHA256 with a random key of the project: a plain hash of a phone number is reversed by hashing all
phone numbers. A pseudonym has the kind's form and the value's length class, and cannot be taken for something real:
emails are at example.com (RFC 2606), telephone numbers 555-01XX or behind +999 (not assigned), addresses those of
RFC 5737 and RFC 3849, card numbers have a wrong check digit, everything else begins with `redacted-`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator

from ...words.fixture import MARK
from .kinds import luhn

SHORTEST, LONGEST = 16, 256  # characters of a pseudonym without a form of its own
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_OURS = re.compile(
    r"redacted-[a-z2-7]+(?:@.*)?\Z|[*•…]+\Z|\[(?:FILTERED|REDACTED|MASKED)\]\Z"
    r"|[^@]*@(?:[\w-]+\.)*(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)\Z"
)
_FICTITIOUS = re.compile(r"(?:1?[2-9]\d\d)?55501\d\d\Z|999\d+\Z")


def is_pseudonym(kind: str, value: str) -> bool:
    """Whether a value is one that cannot be real: ours, masked by its sender, or as RFC 2606 sets aside."""
    if kind == "phone":
        return _FICTITIOUS.match(re.sub(r"\D", "", value)) is not None
    return MARK in value or _OURS.match(value) is not None


class Pseudonyms:
    """Makes pseudonyms with a project's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, value: str) -> str:
        """What goes in for a value of a kind."""
        if kind in ("signature", "credential", "cookie"):
            return MARK
        return _FORMS.get(kind, _text)(value, self._stream(kind, value))

    def number(self, value: str) -> str:
        """A JSON number with as many digits, in the same places."""
        stream = self._stream("number", value)
        first = str(1 + next(stream) % 9)
        digits = iter([first, *(str(next(stream) % 10) for _ in value)])
        return re.sub(r"\d", lambda _: next(digits), value.partition("e")[0].partition("E")[0])

    def _stream(self, kind: str, value: str) -> Iterator[int]:
        """Bytes without end that only the value and the key decide."""
        secret = f"{kind}\x00{_plain(kind, value)}".encode("utf-8", "surrogatepass")
        block = 0
        while True:
            yield from hmac.digest(self._key, block.to_bytes(4, "big") + secret, "sha256")
            block += 1


def _plain(kind: str, value: str) -> str:
    """The value without what does not matter: two spellings of an address or number are one."""
    return re.sub(r"\D", "", value) if kind in ("phone", "card") else value.lower() if kind == "email" else value


def _letters(stream: Iterator[int], count: int) -> str:
    return "".join(_LETTERS[next(stream) % 32] for _ in range(count))


def _text(value: str, stream: Iterator[int]) -> str:
    start = "redacted-"
    return start + _letters(stream, min(max(len(value), SHORTEST), LONGEST) - len(start))


def _email(value: str, stream: Iterator[int]) -> str:
    start, end = "user-", "@example.com"
    return start + _letters(stream, min(max(len(value) - len(start + end), 8), 40)) + end


def _in_shape(value: str, digits: str) -> str:
    """Other digits in the places of a value's own; what is too many stays away."""
    left = iter(digits)
    return re.sub(r"\d", lambda _: next(left), value)


def _phone(value: str, stream: Iterator[int]) -> str:
    count = sum(letter.isdigit() for letter in value)
    plain = re.sub(r"\D", "", value)
    if count == 10 or (count == 11 and plain[0] == "1"):
        area = f"{2 + next(stream) % 8}{next(stream) % 10}{2 + next(stream) % 8}"
        return _in_shape(value, f"{'1' * (count - 10)}{area}55501{next(stream) % 10}{next(stream) % 10}")
    return _in_shape(value, "999" + "".join(str(next(stream) % 10) for _ in range(count)))


def _card(value: str, stream: Iterator[int]) -> str:
    digits = re.sub(r"\D", "", value)
    made = digits[0] + "".join(str(next(stream) % 10) for _ in digits[1:])
    if luhn(made):
        made = made[:-1] + str((int(made[-1]) + 1) % 10)
    return _in_shape(value, made)


def _address(value: str, stream: Iterator[int]) -> str:
    if ":" in value:
        return f"2001:db8::{next(stream):x}{next(stream):02x}:{next(stream):x}{next(stream):02x}"
    return ("192.0.2.", "198.51.100.", "203.0.113.")[next(stream) % 3] + str(1 + next(stream) % 254)


_FORMS: dict[str, Callable[[str, Iterator[int]], str]] = {
    "email": _email,
    "phone": _phone,
    "card": _card,
    "address": _address,
}
