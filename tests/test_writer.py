"""The writer: one commit for what has gathered, an answer for everyone, and no failure that leaves somebody waiting."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from whcli.hands.listening.writer import Writer
from whcli.hands.storing.store import Store
from whcli.words.errors import StoreFailed
from whcli.words.event import Arrival

WAIT = 20.0  # seconds; reached only by a failure


def arrival(number: int = 0, body: bytes = b"") -> Arrival:
    target = b"/%d" % number
    return Arrival(1.0, b"POST %b HTTP/1.1\r\n\r\n" % target, b"POST", target, body, (), None)


def passed_on(id: int | None, arrival: Arrival, answer: Any) -> None:
    """Whoever put a request learns its number."""
    answer(id)


def to(answer: Callable[[int | None], object]) -> Any:
    """What a request is put with here: the writer passes it on as it is."""
    return answer


class Bench:
    """A writer on a running loop, and what it has said."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.answers: list[tuple[int, int | None]] = []  # number of the arrival, its id
        self.commits = 0
        self.failures: list[StoreFailed] = []
        self.writer = Writer(
            store,
            stored=passed_on,
            answered=self._committed,
            worked=self._committed,
            failed=self.failures.append,
        )
        self.writer.start(asyncio.get_running_loop())
        self._wanted = 0
        self._all_here = asyncio.Event()

    def _committed(self) -> None:
        self.commits += 1

    def put(self, number: int, body: bytes = b"") -> None:
        self._wanted += 1
        self._all_here.clear()
        self.writer.put(arrival(number, body), to(lambda id: self._done(number, id)))

    def _done(self, number: int, id: int | None) -> None:
        self.answers.append((number, id))
        if len(self.answers) == self._wanted:
            self._all_here.set()

    async def answered(self) -> list[tuple[int, int | None]]:
        await asyncio.wait_for(self._all_here.wait(), WAIT)
        return self.answers


Test = Callable[[Bench], Any]


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store(folder, create=True, holder=True) as opened:
        yield opened


def on(store: Store, test: Test) -> Bench:
    """Run a test on a loop, then stop the writer."""

    async def main() -> Bench:
        bench = Bench(store)
        await test(bench)
        await asyncio.to_thread(bench.writer.stop, WAIT)
        assert "whcli-writer" not in [thread.name for thread in threading.enumerate()]
        return bench

    return asyncio.run(main())


def test_everyone_gets_a_number_in_order_of_arrival(store: Store) -> None:
    async def test(bench: Bench) -> None:
        for number in range(500):
            bench.put(number)
            if number % 7 == 0:
                await asyncio.sleep(0)
        assert await bench.answered() == [(number, number + 1) for number in range(500)]

    on(store, test)
    assert [event.target for event in store.events(0, 1000)] == [b"/%d" % number for number in range(500)]


def test_what_comes_together_is_committed_together(store: Store) -> None:
    async def test(bench: Bench) -> None:
        for number in range(100):
            bench.put(number)
        await bench.answered()

    bench = on(store, test)
    assert bench.commits <= 3  # one for all hundred, one for the end


def test_what_gathers_behind_a_slow_commit_shares_the_next_one(store: Store) -> None:
    async def test(bench: Bench) -> None:
        slow = threading.Event()
        work = bench.writer.run(lambda db: slow.wait(WAIT))
        for number in range(100):
            bench.put(number)
            await asyncio.sleep(0)  # each in a turn of its own
        slow.set()
        assert await asyncio.wrap_future(work)
        assert [id for _, id in await bench.answered()] == list(range(1, 101))

    bench = on(store, test)
    assert bench.commits <= 4  # the slow one, what came before it was taken, the hundred, the end


def test_senders_that_wait_for_their_answers_share_one_commit(store: Store) -> None:
    """Whoever was just answered is waited for a moment, whatever turn of the loop he comes back in."""
    rounds, senders = 20, 16

    async def sender(bench: Bench, number: int) -> None:
        for _ in range(rounds):
            answered = asyncio.Event()
            bench.writer.put(arrival(number), lambda id, answered=answered: answered.set())  # type: ignore[misc]
            await asyncio.wait_for(answered.wait(), WAIT)
            for _ in range(number % 4):  # back in a later turn than others
                await asyncio.sleep(0)

    async def test(bench: Bench) -> None:
        await asyncio.gather(*(sender(bench, number) for number in range(senders)))

    bench = on(store, test)
    assert store.count() == rounds * senders
    assert bench.commits < rounds * senders / 4  # one a round, unless the machine was busy


def test_who_does_not_come_back_is_not_waited_for_long(store: Store) -> None:
    async def test(bench: Bench) -> None:
        for number in range(8):
            bench.put(number)
        await bench.answered()
        bench.put(8)
        assert (await bench.answered())[-1] == (8, 9)

    on(store, test)


def test_an_answer_comes_after_the_event_can_be_read_by_others(store: Store, folder: Path) -> None:
    seen = []

    async def test(bench: Bench) -> None:
        bench.writer.put(arrival(), to(lambda id: seen.append(other.event(id or 0))))
        bench.put(1)
        await bench.answered()

    with Store(folder) as other:
        on(store, test)
    assert seen[0] is not None and seen[0].target == b"/0"


def fill_up(db: sqlite3.Connection) -> None:
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 4}")


def test_a_full_disk_answers_everyone_with_none_and_goes_on_when_there_is_room(store: Store) -> None:
    async def test(bench: Bench) -> None:
        bench.put(0)
        await bench.answered()
        await asyncio.wrap_future(bench.writer.run(fill_up))
        for number in (1, 2, 3):
            bench.put(number, bytes(100_000))
        assert (await bench.answered())[1:] == [(1, None), (2, None), (3, None)]
        await asyncio.wrap_future(bench.writer.run(lambda db: db.execute("PRAGMA max_page_count = 100000").close()))
        assert {failure.code for failure in bench.failures} == {"store_full"}
        bench.put(4, bytes(100_000))
        assert (await bench.answered())[-1] == (4, 2)

    on(store, test)
    assert [event.target for event in store.events(0, 10)] == [b"/0", b"/4"]


def test_work_is_done_and_gives_its_result(store: Store) -> None:
    async def test(bench: Bench) -> None:
        bench.put(0)
        await bench.answered()
        assert await asyncio.wrap_future(bench.writer.run(lambda db: db.execute("SELECT 42").fetchone()[0])) == 42

    on(store, test)


def test_work_that_fails_is_told_to_its_owner_and_takes_nothing_along(store: Store) -> None:
    def insert(uid: str) -> Callable[[sqlite3.Connection], int]:
        sql = "INSERT INTO events (uid, received_at, head, body) VALUES (?, 1, x'', x'')"
        return lambda db: db.execute(sql, (uid,)).lastrowid or 0

    def wrong(db: sqlite3.Connection) -> None:
        insert("half done")(db)
        db.execute("NONSENSE")

    def ours(db: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    async def test(bench: Bench) -> None:
        works = [insert("a"), wrong, insert("b"), ours, insert("c")]
        futures = [asyncio.wrap_future(bench.writer.run(work)) for work in works]
        results = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), WAIT)
        assert isinstance(results[1], StoreFailed)
        assert isinstance(results[3], ZeroDivisionError)
        assert [results[0], results[2], results[4]] == [1, 2, 3]
        bench.put(0)
        assert await bench.answered() == [(0, 4)]

    on(store, test)
    assert store.count() == 4


def test_an_owner_that_has_stopped_waiting_stops_nobody(store: Store) -> None:
    """A relay whose sender has gone cancels what it waits for."""

    async def test(bench: Bench) -> None:
        futures = [bench.writer.run(lambda db: db.execute("SELECT 1").fetchone()[0]) for _ in range(50)]
        for future in futures:
            future.cancel()
        bench.put(0)
        assert await bench.answered() == [(0, 1)]
        for future in futures:
            with suppress(CancelledError):
                assert future.result(WAIT) == 1

    on(store, test)


def test_an_answer_that_fails_leaves_nobody_else_waiting(store: Store) -> None:
    told = []

    async def test(bench: Bench) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: told.append(about["exception"]))

        def fails(id: int | None) -> None:
            raise ZeroDivisionError

        bench.put(0)
        bench.writer.put(arrival(), to(fails))
        bench.put(2)
        assert await bench.answered() == [(0, 1), (2, 3)]

    on(store, test)
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_an_arrival_that_cannot_be_stored_is_answered_and_the_next_is_stored(store: Store) -> None:
    """A mistake of ours must cost a 503, never a thread that is gone and senders that wait for ever."""

    async def test(bench: Bench) -> None:
        answers: list[int | None] = []
        bench.writer.put(arrival()._replace(received_at=float("nan")), to(answers.append))
        bench.put(1)
        await bench.answered()
        assert answers == [None]
        bench.put(2)
        assert (await bench.answered())[-1][1] is not None
        assert len(bench.failures) == 1

    on(store, test)


def test_nobody_waits_because_the_failure_could_not_be_told(store: Store) -> None:
    def gone(error: StoreFailed) -> None:
        raise BrokenPipeError

    async def main() -> None:
        answers: asyncio.Queue[int | None] = asyncio.Queue()
        writer = Writer(store, stored=passed_on, answered=lambda: None, worked=lambda: None, failed=gone)
        writer.start(asyncio.get_running_loop())
        writer.put(arrival()._replace(received_at=float("nan")), to(answers.put_nowait))
        assert await asyncio.wait_for(answers.get(), WAIT) is None
        writer.put(arrival(), to(answers.put_nowait))
        assert await asyncio.wait_for(answers.get(), WAIT) == 1
        await asyncio.to_thread(writer.stop, WAIT)

    asyncio.run(main())


def test_stopping_writes_what_is_there(store: Store) -> None:
    async def test(bench: Bench) -> None:
        for number in range(300):
            bench.put(number)
        await asyncio.to_thread(bench.writer.stop, WAIT)
        assert len(await bench.answered()) == 300

    on(store, test)
    assert store.count() == 300


def test_stopping_on_the_loop_itself_writes_what_has_just_come(store: Store) -> None:
    """What was put in this very turn of the loop has not been handed over yet."""

    async def test(bench: Bench) -> None:
        bench.put(0)
        bench.writer.stop(WAIT)
        assert await bench.answered() == [(0, 1)]

    on(store, test)


def test_work_for_a_writer_that_has_ended_fails_instead_of_waiting_for_ever(store: Store) -> None:
    async def test(bench: Bench) -> None:
        bench.writer.stop(WAIT)
        with pytest.raises(StoreFailed):
            bench.writer.run(lambda db: None).result(WAIT)

    on(store, test)
