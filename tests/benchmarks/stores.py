"""Stores of many events, as providers send them: made once a size, kept under the system's temporary folder."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from whcli.hands.storing.opening import make_folder
from whcli.hands.storing.rows import insert, insert_facts
from whcli.hands.storing.store import Store
from whcli.rules.recognition.detect import detect
from whcli.words.event import Arrival

NOW = 1_764_000_000.0
AT_ONCE = 5_000
TYPES = ("charge.succeeded", "charge.failed", "invoice.paid", "customer.created", "payout.paid")
WORDS = ("amount", "order", "customer", "monthly", "renewal", "blue", "shirt", "refund", "Lisbon", "delivery")


def arrivals(count: int, *, start: int = 0) -> Iterator[Arrival]:
    """Events of three providers with bodies of about 1 kB, each with a delivery id and a word of its own."""
    dice = random.Random(start)
    for number in range(start, start + count):
        yield (stripe, github, other)[number % 3](number, dice)


def stripe(number: int, dice: random.Random) -> Arrival:
    kind = TYPES[number // 3 % len(TYPES)]
    value = {"id": f"evt_{dice.getrandbits(96):024x}", "object": "event", "type": kind, "number": number}
    value |= {"data": {"object": {"amount": number % 5000, "note": text(number, dice)}}}
    return arrival(number, b"/stripe", b"Stripe-Signature: t=1,v1=00\r\n", value)


def github(number: int, dice: random.Random) -> Arrival:
    id = f"{dice.getrandbits(32):08x}-0000-4000-8000-{dice.getrandbits(48):012x}"
    headers = f"X-GitHub-Event: push\r\nX-GitHub-Delivery: {id}\r\n".encode()
    return arrival(number, b"/hooks/github", headers, {"ref": "main", "number": number, "note": text(number, dice)})


def other(number: int, dice: random.Random) -> Arrival:
    value = {"number": number, "note": text(number, dice)}
    return arrival(number, b"/own/%d?try=1" % (number % 1000), b"", value)


def text(number: int, dice: random.Random) -> str:
    """Words, of which one is this event's alone."""
    return f"needle{number} " + " ".join(dice.choices(WORDS, k=100))


def arrival(number: int, target: bytes, headers: bytes, value: object) -> Arrival:
    body = json.dumps(value).encode()
    head = b"POST %b HTTP/1.1\r\nHost: localhost:8765\r\nContent-Type: application/json\r\n%b" % (target, headers)
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    return Arrival(NOW + number / 10, head, b"POST", target, body, (), "127.0.0.1:50000")


def filled(count: int) -> Path:
    """The folder of a store with so many events and their facts."""
    folder = Path(tempfile.gettempdir()) / f"whcli-benchmark-{count}" / ".whcli"
    done = folder.parent / "done"
    if not done.exists():
        make_folder(folder)
        with Store(folder, create=True, holder=True) as store:
            fill(store, count)
        done.touch()
    return folder


def fill(store: Store, count: int) -> None:
    for start in range(store.last_id(), count, AT_ONCE):
        made = list(arrivals(min(AT_ONCE, count - start), start=start))
        with store.writing() as db:
            db.execute("PRAGMA wal_autocheckpoint = 20000")
            insert(db, made)
        events = list(store.events(start, AT_ONCE))
        with store.writing() as db:
            insert_facts(db, [(event, detect(event.headers, event.body)) for event in events])
