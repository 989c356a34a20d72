"""ULIDs: 48 bits of milliseconds and 80 random bits, in 26 letters of Crockford's base 32 (github.com/ulid/spec)."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


def ulid(at: float, random: bytes) -> str:
    """The ULID for a time (unix seconds, UTC) and ten random bytes."""
    number = (int(at * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(random[:10], "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
