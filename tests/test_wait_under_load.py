"""Waits against a listener in another process that captures random bursts: none missed, none counted twice.

What was sent is known here, and so is what each wait has to give: the first events behind its cursor that match, in
order of arrival. Which number an event got is read from the database by plain SQL.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import listening, whcli
from whcli.hands.storing.waiting import wait_for
from whcli.rules.match import Filter

SECRET = b"hush"
TYPES = ("push", "ping", "issues", "issue_comment", "pull_request")
CONNECTIONS = 4


@dataclass(frozen=True)
class Sent:
    """One request, as its sender knows it."""

    n: int
    type: str
    path: str
    amount: int
    signed: bool

    @property
    def request(self) -> bytes:
        body = json.dumps({"n": self.n, "amount": self.amount}).encode()
        digest = hmac.new(SECRET if self.signed else b"other", body, hashlib.sha256).hexdigest()
        head = f"POST {self.path} HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: {self.type}\r\n"
        head += f"X-GitHub-Delivery: {self.n}\r\nX-Hub-Signature-256: sha256={digest}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


FILTERS: tuple[tuple[Filter, tuple[str, ...], Callable[[Sent], bool]], ...] = (
    (Filter(), (), lambda sent: True),
    (Filter(type="push"), ("--type", "push"), lambda sent: sent.type == "push"),
    (Filter(type="issue*"), ("--type", "issue*"), lambda sent: sent.type.startswith("issue")),
    (Filter(path="/b/*"), ("--path", "/b/*"), lambda sent: sent.path.startswith("/b/")),
    (Filter(signature="valid"), ("--signature", "valid"), lambda sent: sent.signed),
    (Filter(signature="invalid"), ("--signature", "invalid"), lambda sent: not sent.signed),
    (Filter(where="body.amount > `90`"), ("--where", "body.amount > `90`"), lambda sent: sent.amount > 90),
    (
        Filter(provider="github", where="type == 'ping' && signature == 'valid'"),
        ("--provider", "github", "--where", "type == 'ping' && signature == 'valid'"),
        lambda sent: sent.type == "ping" and sent.signed,
    ),
    (
        Filter(type="pull_request", path="/a/*", signature="valid", method="POST"),
        ("--type", "pull_request", "--path", "/a/*", "--signature", "valid", "--method", "POST"),
        lambda sent: sent.type == "pull_request" and sent.path.startswith("/a/") and sent.signed,
    ),
)


def planned(number: int, chance: random.Random) -> list[Sent]:
    return [
        Sent(n, chance.choice(TYPES), f"/{chance.choice('abc')}/{n}", chance.randint(1, 100), chance.random() < 0.6)
        for n in range(number)
    ]


def send(port: int, events: list[Sent], chance: random.Random) -> None:
    """On one connection, in bursts of random size with random pauses; each burst is acknowledged before the next."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        while events:
            size = chance.randint(1, 30)
            burst, events = events[:size], events[size:]
            connection.sendall(b"".join(sent.request for sent in burst))
            got = b""
            while got.count(b"HTTP/1.1 200") < len(burst):
                part = connection.recv(65536)
                assert part, "the listener hung up"
                got += part
            time.sleep(chance.uniform(0, 0.15))  # no wait for anything: the pauses are to be random


class Truth:
    """What was sent, by arrival number."""

    def __init__(self, database: Path, sent: list[Sent]) -> None:
        self._database = database
        self._sent = sent

    def arrived(self) -> list[tuple[int, Sent]]:
        db = sqlite3.connect(self._database)
        rows = db.execute("SELECT id, body FROM events ORDER BY id").fetchall()
        db.close()
        return [(id, self._sent[json.loads(body)["n"]]) for id, body in rows]

    def left(self, matches: Callable[[Sent], bool], after: int) -> int:
        """How many that match will have come behind a cursor when all have."""
        before = sum(1 for id, sent in self.arrived() if id <= after and matches(sent))
        return sum(map(matches, self._sent)) - before


@dataclass(frozen=True)
class Wait:
    """A wait that was made, and what it gave."""

    matches: Callable[[Sent], bool]
    after: int
    count: int
    ids: tuple[int, ...]
    enough: bool


def waits(folder: Path, truth: Truth, number: int, chance: random.Random, made: list[Wait]) -> None:
    """One wait after another, as scripts make them: with random filters, behind random cursors, or one chained."""
    chained = dict.fromkeys(range(len(FILTERS)), 0)
    for _ in range(number):
        kind = chance.randrange(len(FILTERS))
        wanted, arguments, matches = FILTERS[kind]
        newest = truth.arrived()[-1:]
        after = chained[kind] if chance.random() < 0.5 else chance.randint(0, newest[0][0] if newest else 0)
        count = min(chance.randint(1, 25), truth.left(matches, after))
        timeout, asked = (60.0, count) if count else (0.05, 1)
        if chance.random() < 0.1:
            ids, enough = by_command(folder, arguments, after, asked, timeout)
        else:
            found = wait_for(folder, wanted, count=asked, timeout=timeout, since=after)
            ids, enough = tuple(entry.id for entry in found.entries), found.enough
        made.append(Wait(matches, after, count, ids, enough))
        if after == chained[kind] and ids:
            chained[kind] = ids[-1]


def by_command(
    folder: Path, arguments: tuple[str, ...], after: int, count: int, timeout: float
) -> tuple[tuple[int, ...], bool]:
    given = ("--after", str(after), "--count", str(count), "--timeout", f"{timeout}s", "--json")
    done = whcli("wait", *arguments, *given, "--store", str(folder), folder=folder.parent)
    assert done.code in (0, 4), done.err
    return tuple(event["id"] for event in done.lines), done.code == 0


def run(tmp_path: Path, events: int, number: int, seed: int) -> list[Wait]:
    """Send and wait at the same time; then hold every wait against the truth."""
    chance = random.Random(seed)
    sent = planned(events, chance)
    made: list[Wait] = []
    with listening(folder=tmp_path, env={"WHCLI_SECRET_GITHUB": SECRET.decode()}) as listener:
        folder = tmp_path / ".whcli"
        truth = Truth(folder / "store.db", sent)
        shares = [sent[n::CONNECTIONS] for n in range(CONNECTIONS)]
        with ThreadPoolExecutor(2 * CONNECTIONS) as pool:
            sending = [
                pool.submit(send, listener.port, share, random.Random(seed + n)) for n, share in enumerate(shares)
            ]
            per = number // CONNECTIONS
            waited = [
                pool.submit(waits, folder, truth, per, random.Random(-seed - n), made) for n in range(CONNECTIONS)
            ]
            for each in (*sending, *waited):
                each.result()
        arrived = truth.arrived()
        assert len(arrived) == events and {item.n for _, item in arrived} == set(range(events))
    for wait in made:
        expected = [id for id, item in arrived if id > wait.after and wait.matches(item)][: wait.count]
        assert wait.ids == tuple(expected), wait
        assert wait.enough == (wait.count > 0), wait
    return made


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_two_hundred_waits_beside_a_thousand_events_in_bursts(tmp_path: Path, seed: int) -> None:
    assert len(run(tmp_path, 1000, 200, seed=seed)) == 200


def test_a_listener_that_is_killed_leaves_nothing_undecided(tmp_path: Path) -> None:
    """What it had not noted is recognised by whoever waits; what it had noted stays as it was."""
    sent = planned(300, random.Random(3))
    with listening(folder=tmp_path, env={"WHCLI_SECRET_GITHUB": SECRET.decode()}) as listener:
        truth = Truth(tmp_path / ".whcli" / "store.db", sent)
        sender = threading.Thread(target=send, args=(listener.port, sent, random.Random(3)))
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(
                wait_for, tmp_path / ".whcli", Filter(provider="github", type="*"), count=300, timeout=60, since=0
            )
            sender.start()
            sender.join()
            listener.process.kill()
            entries = found.result().entries
    assert [(entry.id, entry.facts.type) for entry in entries] == [(id, item.type) for id, item in truth.arrived()]
