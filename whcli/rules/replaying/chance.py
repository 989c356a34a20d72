"""Chance that can be had again: numbers drawn from a seed, the same on every machine and in every Python.

The n-th number is made of the SHA-256 of the seed's words and n. It is for plans and jitter, never for secrets.
"""

from __future__ import annotations

from hashlib import sha256

_SCALE = 2.0**-53


class Chance:
    """A row of numbers of its own for every choice of words: `Chance(7, "order")`."""

    def __init__(self, *words: int | str) -> None:
        self._begun = sha256(repr(words).encode())
        self._drawn = 0

    def number(self) -> float:
        """The next number, from 0 to below 1."""
        block = self._begun.copy()
        block.update(self._drawn.to_bytes(8, "big"))
        self._drawn += 1
        return (int.from_bytes(block.digest()[:8], "big") >> 11) * _SCALE

    def between(self, least: float, most: float) -> float:
        """A number from `least` to below `most`."""
        return least + (most - least) * self.number()

    def shuffled(self, order: tuple[int, ...]) -> tuple[int, ...]:
        """The same items in any order, each order equally likely (Fisher and Yates)."""
        items = list(order)
        for place in range(len(items) - 1, 0, -1):
            other = int(self.number() * (place + 1))
            items[place], items[other] = items[other], items[place]
        return tuple(items)
