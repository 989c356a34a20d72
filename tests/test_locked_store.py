"""Another program keeps the store locked under a listener: senders get 503, the user one sentence, and it goes on."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.program import listening, until, whcli
from tests.wire import ask, post
from whcli.hands.storing.private import FILE


@pytest.mark.slow
def test_a_store_that_stays_locked_costs_503s_and_nothing_that_was_stored(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        assert ask(listener.port, post(target=b"/before")).status == 200
        with closing(sqlite3.connect(tmp_path / ".whcli" / FILE, isolation_level=None)) as other:
            until(lambda: whcli("list", "--signature", "unsigned", folder=tmp_path).code == 0)
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            assert ask(listener.port, post(target=b"/meanwhile"), deadline=30).status == 503
            assert 4 < time.monotonic() - began < 12  # five seconds are waited for
            read = whcli("list", "--json", folder=tmp_path)  # readers wait for nobody
            assert [event["target"] for event in read.lines] == ["/before"]
            other.execute("ROLLBACK")
        assert ask(listener.port, post(target=b"/after")).status == 200
        done = listener.end()
    assert done.code == 0 and "Traceback" not in done.err
    assert done.err.count("is locked by another program; senders get 503 until that is mended") == 1
    stored = [event["target"] for event in whcli("list", "--json", folder=tmp_path).lines]
    assert stored == ["/before", "/after"]
