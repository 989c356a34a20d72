"""Rows and records: how an event, its facts and its deliveries stand in the tables, and how they come back."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from typing import Any

from ...rules.ulid import RANDOM, letters, moment
from ...words.event import HELD, SIGNATURES, Arrival, Delivery, Entry, Event, Facts, Headers, Outcome, Reply, Spooled
from ...words.fixture import Fixture
from ...words.head import parse_head, parse_headers
from ...words.secret import Secret

FACTS = (
    "provider, scheme, type, delivery_id, attempt, signature, reason, age, duplicate_of, reply"  # in the order of Facts
)
ENTRY = """
    SELECT e.id, e.uid, e.received_at, e.head, coalesce(e.size, length(e.body)), e.peer, f.event_id,
           f.provider, f.scheme, f.type, f.delivery_id, f.attempt, f.signature, f.reason, f.age,
           f.duplicate_of, f.reply,
           d.id, d.kind, d.sent_at, d.method, d.url, d.attempt, d.latency, d.signed, d.failure, d.error,
           d.revision, d.status, d.reason, d.truncated, substr(d.body, 1, 400)
    FROM events e
    LEFT JOIN facts f ON f.event_id = e.id
    LEFT JOIN deliveries d ON d.id = (SELECT max(id) FROM deliveries WHERE event_id = e.id)
"""
EVENT = "id, uid, received_at, head, imported, trailers, peer, body, size"  # in the order of `event_of`
INSIDE = f"SELECT {', '.join(f'e.{name}' for name in EVENT.split(', '))} FROM events e"  # noqa: S608
INSIDE_AND_FACTS = f"""
    SELECT {", ".join(f"e.{name}" for name in EVENT.split(", "))},
           f.event_id, {", ".join(f"f.{name}" for name in FACTS.split(", "))}
    FROM events e
    LEFT JOIN facts f ON f.event_id = e.id
"""  # noqa: S608
_INSERT_ARRIVAL = "INSERT INTO events (uid, received_at, head, trailers, peer, body) VALUES "
_TOGETHER = 64  # rows of one statement


def insert(db: sqlite3.Connection, arrivals: Sequence[Arrival]) -> list[int]:
    """Add requests inside an open transaction; their arrival numbers.

    Many rows go into one statement: Python's lock is let go and taken again around each one, and under load others
    are waiting for it.
    """
    ids: list[int] = []
    for start in range(0, len(arrivals), _TOGETHER):
        some = arrivals[start : start + _TOGETHER]
        random = letters(os.urandom(RANDOM * len(some)))
        values: list[Any] = []
        large: list[int] = []
        for n, (received_at, head, _, _, body, trailers, peer) in enumerate(some):
            uid = moment(received_at) + random[RANDOM * n : RANDOM * (n + 1)]
            in_row = body if isinstance(body, bytes) and len(body) <= HELD else b""
            values += (uid, received_at, head, field_lines(trailers) if trailers else None, peer, in_row)
            if in_row is not body:
                large.append(n)
        last = db.execute(_INSERT_ARRIVAL + _rows_of(len(some)), values).lastrowid or 0
        first = last - len(some) + 1  # AUTOINCREMENT counts up by one, and the transaction is ours alone
        ids += range(first, last + 1)
        for n in large:
            _insert_pieces(db, first + n, some[n].body)
    return ids


@cache
def _rows_of(count: int) -> str:
    return ", ".join(["(?, ?, ?, ?, ?, ?)"] * count)


def insert_event(db: sqlite3.Connection, event: Event) -> int:
    """Add an event that was read from a file, under its own uid, inside an open transaction; its arrival number."""
    head = event.head or b"%b %b HTTP/%b\r\n%b\r\n" % (
        event.method,
        event.target,
        event.version.encode(),
        field_lines(event.headers) or b"",
    )
    large = len(event.body) > HELD
    values = (
        event.uid,
        event.received_at,
        head,
        not event.head,
        field_lines(event.trailers),
        event.peer,
        b"" if large else event.body,
    )
    sql = "INSERT INTO events (uid, received_at, head, imported, trailers, peer, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
    id = int(db.execute(sql, values).lastrowid or 0)
    if large:
        _insert_pieces(db, id, event.body)
    return id


def _insert_pieces(db: sqlite3.Connection, id: int, body: bytes | Spooled) -> None:
    """A large body, piece by piece."""
    cut = (body[at : at + HELD] for at in range(0, len(body), HELD)) if isinstance(body, bytes) else body.pieces()
    for place, piece in enumerate(cut):
        db.execute("INSERT INTO pieces (event_id, place, bytes) VALUES (?, ?, ?)", (id, place, piece))
    db.execute("UPDATE events SET size = ? WHERE id = ?", (len(body), id))


def joined(db: sqlite3.Connection, id: int, size: int) -> bytes:
    """A large body as one; raises ValueError when it is not all there."""
    body = BytesIO()  # gives its bytes away without a copy
    for (piece,) in db.execute("SELECT bytes FROM pieces WHERE event_id = ? ORDER BY place", (id,)):
        body.write(piece)
    if body.tell() != size:
        raise ValueError("pieces are missing")
    return body.getvalue()


def delete(db: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Delete events with all that belongs to them, inside an open transaction; how many were there."""
    return sum(db.execute("DELETE FROM events WHERE id = ?", (id,)).rowcount for id in ids)


def insert_fixture(db: sqlite3.Connection, event_id: int, fixture: Fixture) -> None:
    """Keep what a fixture's file said beside the event, inside an open transaction."""
    fields = json.dumps(dict(fixture.fields))
    db.execute(
        "INSERT INTO fixtures (event_id, redacted, fields) VALUES (?, ?, ?)", (event_id, fixture.redacted, fields)
    )


def fields_of(text: str) -> dict[str, str]:
    """The further fields of a fixture's file."""
    fields = json.loads(text)
    _typed((fields, dict), *((value, str) for value in fields.values()))
    return dict(fields)


def insert_facts(db: sqlite3.Connection, facts: Iterable[tuple[Event, Facts]]) -> None:
    """Add what was worked out, inside an open transaction; an event removed meanwhile is left out."""
    names = FACTS.split(", ")
    sql = (
        f"INSERT OR REPLACE INTO facts (event_id, received_at, method, path, {FACTS})"  # noqa: S608
        f" SELECT ?, ?, ?, ?, {', '.join('?' * len(names))} WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)"
    )
    for event, fact in facts:
        known = [storable(getattr(fact, name)) for name in names]
        db.execute(sql, (event.id, event.received_at, event.method.decode(), event.path, *known, event.id))


def storable(value: Any) -> Any:
    """A text that SQLite can hold: a lone surrogate, six letters in a sender's JSON, is written as they are."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


_INSERT_DELIVERY = (
    "INSERT INTO deliveries (event_id, kind, sent_at, method, url, attempt, latency, signed, failure, error,"
    " revision, status, reason, headers, truncated, body)"
    " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)"
)


def insert_delivery(db: sqlite3.Connection, delivery: Delivery) -> int:
    """Add a delivery inside an open transaction; 0 when its event was removed meanwhile."""
    cursor = db.execute(_INSERT_DELIVERY, _delivery_values(delivery))
    return int(cursor.lastrowid or 0) if cursor.rowcount else 0


def insert_deliveries(db: sqlite3.Connection, deliveries: Iterable[Delivery]) -> None:
    """Add deliveries inside an open transaction; those whose event was removed meanwhile are left out."""
    db.executemany(_INSERT_DELIVERY, map(_delivery_values, deliveries))


def _delivery_values(delivery: Delivery) -> tuple[Any, ...]:
    reply = delivery.reply
    answer = (
        (reply.status, reply.reason, field_lines(reply.headers), reply.truncated, reply.body) if reply else (None,) * 5
    )
    return (
        delivery.event_id,
        delivery.kind,
        delivery.sent_at,
        delivery.method,
        delivery.url,
        delivery.attempt,
        delivery.latency,
        delivery.signed,
        delivery.failure,
        delivery.error,
        delivery.revision,
        *answer,
        delivery.event_id,
    )


def keep_secret(db: sqlite3.Connection, scheme: str, path: str, secret: Secret, at: float) -> None:
    """Keep a secret that arrived in a handshake, inside an open transaction; `at` is unix seconds UTC.

    One that was kept before becomes the newest.
    """
    db.execute("DELETE FROM kept_secrets WHERE scheme = ? AND path = ? AND value = ?", (scheme, path, secret.value))
    db.execute(
        "INSERT INTO kept_secrets (scheme, path, value, kept_at) VALUES (?, ?, ?, ?)", (scheme, path, secret.value, at)
    )


def field_lines(headers: Headers) -> bytes | None:
    """Headers as field lines, NULL for none."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers]) or None


def _pairs(lines: bytes | None) -> Headers:
    return parse_headers(lines.split(b"\r\n")[:-1]) if lines else ()


def event_of(row: Any, db: sqlite3.Connection, most: int) -> Event:
    """A row of EVENT; a body of more than `most` bytes that stands in pieces is left there."""
    id, uid, received_at, head, imported, trailers, peer, body, size = row
    unread = size if size is not None and size > most else 0
    if size is not None and not unread:
        body = joined(db, id, size)
    _typed((uid, str), (received_at, float), (body, bytes), (unread, int))
    parsed = parse_head(head)
    return Event(
        id=id,
        uid=uid,
        received_at=received_at,
        method=parsed.method,
        target=parsed.target,
        version=parsed.version,
        headers=parsed.headers,
        trailers=_pairs(trailers),
        head=b"" if imported else head,
        body=body,
        peer=peer,
        unread=unread,
    )


def _typed(*columns: tuple[Any, type]) -> None:
    """Raise TypeError for a column that holds what was never written there."""
    for value, wanted in columns:
        if not isinstance(value, wanted):
            raise TypeError(f"{type(value).__name__} instead of {wanted.__name__}")


def facts_of(row: Any) -> Facts:
    facts = Facts(**dict(zip(FACTS.split(", "), row, strict=True)))
    if facts.signature not in SIGNATURES:
        raise ValueError("no state of a signature")
    return facts


def entry_of(row: Any, facts: Facts) -> Entry:
    _typed((row[1], str), (row[2], float), (row[4], int))
    head = parse_head(row[3])
    return Entry(
        id=row[0],
        uid=row[1],
        received_at=row[2],
        method=head.method,
        target=head.target,
        size=row[4],
        peer=row[5],
        facts=facts,
        last=delivery_of(row[0], row[17:], None) if row[17] else None,
    )


def delivery_of(event_id: int, row: Any, headers: bytes | None) -> Delivery:
    """A row (id, kind, sent_at, method, url, attempt, latency, signed, failure, error, revision, status, reason,
    truncated, body)."""
    id, kind, sent_at, method, url, attempt, latency, signed, failure, error, revision, status, *answer = row
    reason, truncated, body = answer
    _typed((method, bytes), (sent_at, float), (body or b"", bytes), (status or 0, int), (latency or 0.0, float))
    reply = Reply(
        status=status, headers=_pairs(headers), body=body or b"", reason=reason or "", truncated=bool(truncated)
    )
    return Delivery(
        id=id,
        event_id=event_id,
        kind=kind,
        sent_at=sent_at,
        method=method,
        url=url,
        attempt=attempt,
        latency=latency,
        signed=signed,
        failure=failure,
        error=error,
        revision=revision,
        reply=reply if status is not None else None,
    )


def outcome_of(url: Any, status: Any) -> Outcome:
    """Where a delivery went, and whether its status was 2xx; NULL is no reply."""
    _typed((url, str), (status or 0, int))
    return Outcome(url, 200 <= (status or 0) < 300)
