"""ULIDs: 48 bits of milliseconds and 80 random bits, in 26 letters of Crockford's base 32 (github.com/ulid/spec)."""

from __future__ import annotations

from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 16  # random letters of a ULID
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_LETTERS = (ALPHABET * 8).encode()  # for each byte a letter; each letter eight times


def ulid(at: float, random: bytes) -> str:
    """The ULID for a time (unix seconds, UTC) and ten random bytes."""
    number = int.from_bytes(random[:10], "big")
    return moment(at) + "".join([_PAIRS[number >> shift & 1023] for shift in range(70, -1, -10)])


def moment(at: float) -> str:
    """The first ten letters of a ULID: its time (unix seconds, UTC)."""
    return _moment(int(at * 1000) & (1 << 48) - 1)


@lru_cache(maxsize=16)
def _moment(milliseconds: int) -> str:
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in range(40, -1, -10)])


def letters(random: bytes) -> str:
    """Random letters, one for each random byte: RANDOM of them end a ULID, many are made at once."""
    return random.translate(_LETTERS).decode("ascii")
