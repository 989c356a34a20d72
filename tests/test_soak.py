"""A short soak: nothing grows that should not, nothing is lost. The long one is `python -m tests.endurance soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endurance import LOG, soak

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc"),
]
GROWTH = 20 << 20  # bytes in the second half: caches fill, and no leak hides behind that


@pytest.mark.parametrize("keep", [None, "200"], ids=["everything is kept", "the newest 200 are"])
def test_twenty_seconds_at_fifty_a_second_leaves_the_listener_as_it_was(tmp_path: Path, keep: str | None) -> None:
    soaked = soak(tmp_path, 20, 50, keep=keep)
    sizes = [size for at, size in soaked.memory if at > 10]
    print(
        f"{soaked.acked} acknowledged, {soaked.lost} lost, {(sizes[-1] - sizes[0]) / 2**20:+.1f} MiB, log {soaked.log}"
    )
    assert soaked.acked > 500 and (soaked.lost, soaked.refused) == (0, 0)
    assert sizes[-1] - sizes[0] < GROWTH
    assert max(soaked.descriptors) - min(soaked.descriptors) <= 3
    assert soaked.log <= LOG
