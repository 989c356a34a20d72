"""A clock that goes back by an hour under a listener: order is by arrival, and no number or id comes twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.listeners import Seen, listener_on
from tests.program import until
from tests.wire import Wire, post
from whcli.hands.listening import protocol
from whcli.hands.storing.store import Store

EVENTS = 1000


def test_a_thousand_events_keep_their_order_when_the_clock_goes_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, behind = time.time, [0.0]  # seconds
    monkeypatch.setattr(time, "time", lambda: real() - behind[-1])
    monkeypatch.setattr(protocol, "time", time.time)
    seen = Seen()
    with listener_on(folder, seen=seen) as port, Wire(port) as wire:
        for number in range(EVENTS):
            if number == EVENTS // 2:
                behind.append(3600.0)
            wire.send(post(target=b"/%d" % number))
            assert wire.response().status == 200
        until(lambda: len(seen.entries) == EVENTS)
    with Store(folder) as store:
        events = list(store.events(0, 2 * EVENTS))
        assert [event.target for event in events] == [b"/%d" % number for number in range(EVENTS)]
        assert [event.id for event in events] == list(range(1, EVENTS + 1))
        assert len({event.uid for event in events}) == EVENTS
        assert [entry.id for entry in store.entries()] == list(range(1, EVENTS + 1))
        assert events[-1].received_at < events[0].received_at - 3000
    assert [entry.id for entry in seen.entries] == list(range(1, EVENTS + 1))
