"""Differences that mean nothing, learned by asking the same thing twice: whatever differs then is noise.

A field is known by its path; below a noisy path everything is noise. Where a text is no JSON, its bytes differ at one
place now and at another later: then the whole text is noise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...words.event import Difference

BYTE = ", byte "  # how `compare` names a place in a text it cannot read


def noise_of(found: Iterable[Difference]) -> frozenset[str]:
    """The paths of these differences."""
    return frozenset(difference.field.partition(BYTE)[0] for difference in found)


def without_noise(found: Iterable[Difference], noise: Collection[str]) -> tuple[Difference, ...]:
    """The differences that are not noise."""
    return tuple(difference for difference in found if not _is_noise(difference.field.partition(BYTE)[0], noise))


def _is_noise(path: str, noise: Collection[str]) -> bool:
    """A path within another one goes on with a dot or a bracket."""
    return path in noise or any(path.startswith(each) and path[len(each)] in ".[" for each in noise)
