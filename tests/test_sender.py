"""What the sender of a plan promises: everything recorded, in order, on disk at the end; and who is late, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.handlers import SILENCE, Handler, reply
from whcli.hands.sending import sender
from whcli.hands.sending.client import Client
from whcli.hands.sending.deadlines import Deadlines
from whcli.hands.sending.sender import Sender, Walking
from whcli.rules.replaying.plan import Earlier, Options, Run, Step, plan_of
from whcli.words.errors import StoreFailed
from whcli.words.event import Delivery, Outgoing


class Kept:
    """Remembers what it is given to record: the events' numbers and whether the disk is waited for."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[int], bool]] = []

    def __call__(self, deliveries: list[Delivery], *, durable: bool) -> None:
        self.batches.append(([delivery.event_id for delivery in deliveries], durable))

    @property
    def ids(self) -> list[int]:
        return [id for ids, _ in self.batches for id in ids]


def run_of(events: int) -> Run:
    return plan_of(Options(), [0.0] * events, 0).run(1)


def prepared(url: str) -> Callable[[Step, Earlier], tuple[int, Outgoing]]:
    host = (b"Host", url.removeprefix("http://").encode())
    outgoing = Outgoing(method=b"GET", url=url, target=b"/", headers=(host,))
    return lambda step, _: (step.event + 1, outgoing)


def nobody(step: Step, outgoing: Outgoing, delivery: Delivery, following: Step | None) -> None:
    """Nobody looks."""


async def walk(url: str, events: int, record: Kept, *, concurrency: int = 1, revision: str | None = None) -> None:
    async with Client(timeout=5, concurrency=concurrency) as client:
        walking = Walking(concurrency=concurrency)
        await Sender(client, walking, prepared(url), record, nobody, revision=revision).walk(run_of(events))


@pytest.mark.parametrize("events", range(1, 8))
def test_full_batches_do_not_wait_for_the_disk_but_the_end_always_does(
    monkeypatch: pytest.MonkeyPatch, events: int
) -> None:
    monkeypatch.setattr(sender, "BATCH", 3)
    monkeypatch.setattr(sender, "LATEST", 60.0)
    record = Kept()
    with Handler() as handler:
        asyncio.run(walk(handler.url, events, record))
    assert record.ids == list(range(1, events + 1))
    assert [durable for _, durable in record.batches] == [False] * (len(record.batches) - 1) + [True]
    assert len(record.batches) > (events > 2)


def test_deliveries_of_events_from_files_are_not_recorded_and_keep_nothing_from_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "BATCH", 2)
    monkeypatch.setattr(sender, "LATEST", 60.0)
    record = Kept()

    async def walked(url: str) -> None:
        async with Client(timeout=5) as client:
            whole = prepared(url)
            ids = [1, 2, 3, 0, 0, 0]
            await Sender(client, Walking(), lambda step, _: (ids[step.event], whole(step, _)[1]), record, nobody).walk(
                run_of(6)
            )

    with Handler() as handler:
        asyncio.run(walked(handler.url))
    assert record.ids == [1, 2, 3] and record.batches[-1][1]


def test_what_comes_seldom_is_recorded_at_once_and_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LATEST", 0.0)
    record = Kept()
    with Handler() as handler:
        asyncio.run(walk(handler.url, 3, record))
    assert record.batches == [([1], True), ([2], True), ([3], True)]


async def interrupted(url: str, events: int, record: Kept, when: Callable[[], bool], *, concurrency: int = 1) -> None:
    """A walk that is cancelled when something has come true."""
    walking = asyncio.create_task(walk(url, events, record, concurrency=concurrency))
    async with asyncio.timeout(10):
        while not when():
            await asyncio.sleep(0.001)
    walking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walking


def test_an_interrupted_walk_ends_on_disk_with_what_was_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "BATCH", 4)
    monkeypatch.setattr(sender, "LATEST", 60.0)
    record = Kept()
    with Handler(lambda n, _: SILENCE if n > 8 else reply()) as handler:
        asyncio.run(interrupted(handler.url, 50, record, lambda: len(handler.requests) >= 10, concurrency=2))
    assert sorted(record.ids) == list(range(1, 11)) and record.batches[-1][1]


def test_what_comes_alone_is_recorded_soon_though_the_next_one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LATEST", 0.05)
    record = Kept()
    with Handler(lambda n, _: SILENCE if n > 1 else reply()) as handler:
        asyncio.run(interrupted(handler.url, 2, record, lambda: record.batches == [([1], True)]))
    assert record.ids == [1, 2]


class Refuses(Kept):
    """A store that is locked at first: so many batches it refuses, and then keeps all."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times
        self.refused: list[int] = []  # deliveries in each batch

    def __call__(self, deliveries: list[Delivery], *, durable: bool) -> None:
        if self.left:
            self.left -= 1
            self.refused.append(len(deliveries))
            raise StoreFailed("the store is locked by another program", next="wait")
        super().__call__(deliveries, durable=durable)


def test_what_the_store_refuses_is_recorded_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "BATCH", 3)
    monkeypatch.setattr(sender, "LATEST", 60.0)
    record = Refuses(1)
    with Handler() as handler, pytest.raises(ExceptionGroup) as failed:
        asyncio.run(walk(handler.url, 9, record))
    assert [type(error) for error in failed.value.exceptions] == [StoreFailed]
    assert record.refused == [2] and record.ids == [1, 2, 3]


def test_what_the_store_refuses_once_it_is_late_is_tried_again_with_the_next_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "LATEST", 0.01)
    record = Refuses(1)
    with Handler(hold=0.1) as handler:
        asyncio.run(walk(handler.url, 3, record))
    assert record.refused == [1] and record.ids == [1, 2, 3]


def test_a_store_that_refuses_again_ends_the_walk_and_does_not_wait_for_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "LATEST", 0.01)
    record = Refuses(2)
    with Handler(hold=0.1) as handler, pytest.raises(ExceptionGroup) as failed:
        asyncio.run(walk(handler.url, 9, record))
    assert [type(error) for error in failed.value.exceptions] == [StoreFailed]
    assert record.refused == [1, 1] and record.ids == [1, 2]


def test_a_delivery_is_recorded_though_nobody_reads_what_is_told() -> None:
    record = Kept()

    def gone(step: Step, outgoing: Outgoing, delivery: Delivery, following: Step | None) -> None:
        raise BrokenPipeError

    async def walked(url: str) -> None:
        async with Client(timeout=5) as client:
            await Sender(client, Walking(), prepared(url), record, gone).walk(run_of(3))

    with Handler() as handler, pytest.raises(ExceptionGroup) as failed:
        asyncio.run(walked(handler.url))
    assert [type(error) for error in failed.value.exceptions] == [BrokenPipeError]
    assert record.ids == [1]


def test_every_delivery_tells_the_commit_that_is_checked_out() -> None:
    class Commits(Kept):
        def __call__(self, deliveries: list[Delivery], *, durable: bool) -> None:
            assert [delivery.revision for delivery in deliveries] == ["1234"] * len(deliveries)
            super().__call__(deliveries, durable=durable)

    record = Commits()
    with Handler() as handler:
        asyncio.run(walk(handler.url, 2, record, revision="1234"))
    assert record.ids == [1, 2]


# -- deadlines ------------------------------------------------------------------------------------------------------


def test_each_is_late_after_its_own_time_and_who_has_ended_never_is() -> None:
    late: list[str] = []

    async def waiting() -> float:
        loop = asyncio.get_running_loop()
        deadlines, done = Deadlines(0.05), asyncio.Event()
        began = loop.time()
        deadlines.begin("one", lambda: late.append("one"))
        deadlines.begin("answered", lambda: late.append("answered"))
        await asyncio.sleep(0.02)
        deadlines.end("answered")
        deadlines.begin("two", lambda: late.append("two"))
        deadlines.begin("all", done.set)
        await asyncio.wait_for(done.wait(), 5)
        return loop.time() - began

    assert asyncio.run(waiting()) >= 0.07
    assert late == ["one", "two"]


def test_the_same_begins_again_after_its_end() -> None:
    late: list[str] = []

    async def waiting() -> None:
        deadlines, done = Deadlines(0.02), asyncio.Event()
        deadlines.begin("one", lambda: late.append("too soon"))
        deadlines.end("one")
        await asyncio.sleep(0.03)  # the timer has found that nobody waits
        deadlines.begin("one", done.set)
        await asyncio.wait_for(done.wait(), 5)

    asyncio.run(waiting())
    assert not late


@pytest.mark.parametrize("seconds", [None, 0.01], ids=["without a limit", "closed"])
def test_nobody_is_late(seconds: float | None) -> None:
    late: list[str] = []

    async def waiting() -> None:
        deadlines = Deadlines(seconds)
        deadlines.begin("one", lambda: late.append("one"))
        if seconds is not None:
            deadlines.close()
        await asyncio.sleep(0.03)

    asyncio.run(waiting())
    assert not late


def test_a_delivery_that_is_late_says_so_beside_others_that_are_not(tmp_path: Path) -> None:
    told: list[tuple[int, str | None]] = []

    async def walked(url: str) -> None:
        async with Client(timeout=0.3, concurrency=4) as client:
            await Sender(
                client,
                Walking(concurrency=4),
                prepared(url),
                Kept(),
                lambda step, outgoing, delivery, following: told.append((step.event, delivery.failure)),
            ).walk(run_of(12))

    with Handler(lambda n, _: SILENCE if n == 5 else reply()) as handler:
        asyncio.run(walked(handler.url))
    assert [failure for _, failure in told].count("timeout") == 1 and told[-1][1] == "timeout" and len(told) == 12
