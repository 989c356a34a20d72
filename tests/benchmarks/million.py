"""A million stored events beside a thousand: listings, filters, words, and a look into every body.

The stores are made when they are missing (minutes), and kept under the system's temporary folder.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median

from tests.program import listening
from tests.wire import Wire, post
from whcli.hands.storing.index import Index, attached
from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.store import Store
from whcli.hands.storing.waiting import wait_for
from whcli.rules.match import Filter

from .figure import Figure, alone
from .stores import arrivals, fill, filled

MANY, FEW = 1_000_000, 1_000
AGAIN = 25  # times each; what counts is the median

Look = Callable[[Store], object]
LOOKS: dict[str, Look] = {
    "list -n 20": lambda store: list(store.entries(newest=True, limit=20)),
    "show latest": lambda store: store.event(store.nth_newest(0) or 0),
    "wait for what is there": lambda store: wait_for(
        store.folder, Filter(type="push"), since=store.last_id() - 20, timeout=0
    ),
    "list --provider github": lambda store: list(store.entries(Filter(provider="github"), newest=True, limit=20)),
}
BOUNDED: dict[str, Filter] = {
    "--search, a word of one event": Filter(search="needle777"),
    "--search, a word of all": Filter(search="delivery"),
    "--search, a phrase": Filter(search='"blue shirt" refund'),
    "--search, no such word": Filter(search="nosuchword"),
    "--path '/own/7*'": Filter(path="/own/7*"),
    "--type charge.failed": Filter(type="charge.failed"),
    "--since the last minute": Filter(since=1_764_000_000.0 + MANY / 10 - 60),
}


def figures(quick: bool) -> Iterator[Figure]:
    """Ratios of the two sizes, times of what has a bound, and `--where` beside a plain loop."""
    count = 20_000 if quick else MANY
    with Store(filled(FEW)) as small, Store(filled(count)) as large:
        for store in (small, large):
            index_all(store)
        for name, look in LOOKS.items():
            few, many = times(look, small, large)
            yield Figure(name=f"{name}: {count:,} events to {FEW:,}", value=many / few, unit="x", bar=1.2)
        for name, wanted in BOUNDED.items():
            took = timed(lambda wanted=wanted: list(large.entries(wanted, newest=True, limit=20)))  # type: ignore[misc]
            yield Figure(name=f"{name}, {count:,} events", value=took * 1000, unit="ms", bar=100)
        yield from inside(large, count)
    yield from inserting(count)
    yield from acknowledging(count)


def times(look: Look, small: Store, large: Store) -> tuple[float, float]:
    """Seconds of both, taken in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(AGAIN):
        for store, kept in zip((small, large), found, strict=True):
            kept.append(once(lambda store=store: look(store)))  # type: ignore[misc]
    return median(found[0]), median(found[1])


def once(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def timed(work: Callable[[], object]) -> float:
    return median(once(work) for _ in range(5))


def index_all(store: Store) -> None:
    """The index of words, as a listener makes it."""
    index = Index.made(store.folder)
    assert index is not None
    with closing(index):
        while store.reindex(index, store.last_id()):
            pass
    assert attached(store._reading, store.folder) == store.last_id()


def inside(store: Store, count: int) -> Iterator[Figure]:
    """`--where` over all bodies: the first hit, and the whole beside SELECT and json.loads."""
    wanted = Filter(where=f"body.number == `{count - 1}`")
    first = timed(lambda: next(store.entries(Filter(where="body.number == `100`"))))
    yield Figure(name="--where, the first hit", value=first * 1000, unit="ms", bar=100)
    ours, plain = [], []
    for _ in range(3):
        plain.append(once(lambda: [row for row in store._db.execute("SELECT body FROM events") if odd(row[0])]))
        ours.append(once(lambda: list(store.entries(wanted))))
    ratio = median(mine / theirs for mine, theirs in zip(ours, plain, strict=True))
    yield Figure(name=f"--where over {count:,} to SELECT and json.loads", value=ratio, unit="x", bar=3)


def odd(body: bytes) -> bool:
    return bool(json.loads(body)["number"] == -1)


def inserting(count: int) -> Iterator[Figure]:
    """Durable commits of 16 events, in turns into a store of many and a new one."""
    made = list(arrivals(16, start=count))
    with tempfile.TemporaryDirectory(dir=filled(FEW).parent.parent) as name:
        folder = Path(name) / ".whcli"
        make_folder(folder)
        with Store(folder, create=True, holder=True) as small, Store(filled(count), holder=True) as large:
            fill(small, FEW)
            last = large.last_id()
            few, many = times(lambda store: store.add(made), small, large)
            large.remove(large.ids(last + 1, None))
    yield Figure(name=f"inserting: {count:,} events to {FEW:,}", value=many / few, unit="x", bar=1.2)


def acknowledging(count: int) -> Iterator[Figure]:
    """Two listeners, on a store of many and on one of few: batches of 16 pipelined requests to each in turn."""
    stores = [filled(size) for size in (FEW, count)]
    last = [newest(folder) for folder in stores]
    with ExitStack() as opened:
        wires = [opened.enter_context(wired(folder)) for folder in stores]
        taken: list[list[float]] = [[], []]
        for _ in range(10 * AGAIN):
            for wire, times in zip(wires, taken, strict=True):
                times.append(once(lambda wire=wire: answered(wire)))  # type: ignore[misc]
    few, many = map(median, taken)
    for folder, id in zip(stores, last, strict=True):
        with Store(folder, holder=True) as store:
            store.remove(store.ids(id + 1, None))
    yield Figure(name=f"a listener's batches of 16: {count:,} events to {FEW:,}", value=many / few, unit="x", bar=1.2)


def newest(folder: Path) -> int:
    with Store(folder) as store:
        return store.last_id()


@contextmanager
def wired(folder: Path) -> Iterator[Wire]:
    """A connection to a listener on a store; what it prints is read."""
    with listening("--store", str(folder), folder=folder.parent, afresh=True) as running:
        if running.process.stdout is not None:
            threading.Thread(target=running.process.stdout.read, daemon=True).start()
        with Wire(running.port) as wire:
            yield wire


def answered(wire: Wire) -> None:
    """Sixteen requests, and the 200 of each."""
    wire.send(post(b"x" * 1000) * 16)
    for _ in range(16):
        if wire.response().status != 200:
            raise RuntimeError("an event was refused")


if __name__ == "__main__":
    alone(__spec__.name)
