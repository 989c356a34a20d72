"""What a listener costs: nothing while nothing comes, and no memory for what has come."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.resting import Resting, rest, send

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_an_idle_listener_sleeps(tmp_path: Path) -> None:
    """A coarse bar; the benchmark has the fine one."""
    with Resting(tmp_path) as listener:
        send(listener.port, 80)
        time.sleep(2)
        percent, woken = rest(listener, 4)
        assert percent < 2 and woken < 5


@pytest.mark.slow
def test_fifty_thousand_events_cost_no_memory(tmp_path: Path) -> None:
    with Resting(tmp_path) as listener:
        send(listener.port, 1000)
        time.sleep(2)
        before = listener.rss()
        send(listener.port, 50_000)
        time.sleep(2)
        assert listener.rss() - before < 20
