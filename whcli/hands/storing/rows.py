"""Rows and records: how an event, its facts and its deliveries stand in the tables, and how they come back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from ...rules.match import Filter
from ...rules.ulid import ulid
from ...words.event import SIGNATURES, Arrival, Delivery, Entry, Event, Facts, Headers, Reply
from ...words.head import parse_head, parse_headers
from ...words.secret import Secret

FACTS = (
    "provider, scheme, type, delivery_id, attempt, signature, reason, age, duplicate_of, reply"  # in the order of Facts
)
ENTRY = """
    SELECT e.id, e.uid, e.received_at, e.head, length(e.body), e.peer, f.event_id,
           f.provider, f.scheme, f.type, f.delivery_id, f.attempt, f.signature, f.reason, f.age,
           f.duplicate_of, f.reply,
           d.id, d.kind, d.sent_at, d.method, d.url, d.attempt, d.latency, d.signed, d.failure, d.error,
           d.revision, d.status, d.reason, d.truncated, substr(d.body, 1, 400)
    FROM events e
    LEFT JOIN facts f ON f.event_id = e.id
    LEFT JOIN deliveries d ON d.id = (SELECT max(id) FROM deliveries WHERE event_id = e.id)
"""
INSERT_EVENT = (
    "INSERT INTO events (uid, received_at, head, imported, trailers, peer, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_ARRIVAL = "INSERT INTO events (uid, received_at, head, trailers, peer, body) VALUES (?, ?, ?, ?, ?, ?)"


def insert(db: sqlite3.Connection, arrivals: Sequence[Arrival]) -> list[int]:
    """Add requests inside an open transaction; their arrival numbers."""
    random = os.urandom(10 * len(arrivals))
    return [
        db.execute(
            _INSERT_ARRIVAL,
            (
                ulid(arrival.received_at, random[10 * n : 10 * n + 10]),
                arrival.received_at,
                arrival.head,
                field_lines(arrival.trailers),
                arrival.peer,
                arrival.body,
            ),
        ).lastrowid
        or 0
        for n, arrival in enumerate(arrivals)
    ]


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


def insert_delivery(db: sqlite3.Connection, delivery: Delivery) -> int:
    """Add a delivery inside an open transaction; 0 when its event was removed meanwhile."""
    reply = delivery.reply
    answer = (
        (reply.status, reply.reason, field_lines(reply.headers), reply.truncated, reply.body) if reply else (None,) * 5
    )
    cursor = db.execute(
        "INSERT INTO deliveries (event_id, kind, sent_at, method, url, attempt, latency, signed, failure, error,"
        " revision, status, reason, headers, truncated, body)"
        " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)",
        (
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
        ),
    )
    return int(cursor.lastrowid or 0) if cursor.rowcount else 0


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
    return b"".join(b"%b: %b\r\n" % pair for pair in headers) or None


def _pairs(lines: bytes | None) -> Headers:
    return parse_headers(lines.split(b"\r\n")[:-1]) if lines else ()


def event_of(row: Any) -> Event:
    id, uid, received_at, head, imported, trailers, peer, body = row
    _typed((uid, str), (received_at, float), (body, bytes))
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


def narrowed(wanted: Filter) -> tuple[str, list[Any]]:
    """The part of a filter that SQL can decide. Events without facts pass; `match.differences` has the last word."""
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("provider", "type", "method", "path"):
        pattern = getattr(wanted, column)
        if pattern is not None:
            is_glob = "*" in pattern  # to SQLite's GLOB a text ends at a NUL, so that those are left to Python
            conditions.append(f"(f.{column} GLOB ? OR instr(f.{column}, char(0)))" if is_glob else f"f.{column} = ?")
            values.append(pattern.replace("[", "[[]").replace("?", "[?]") if is_glob else pattern)
    for condition, value in (
        ("f.signature = ?", wanted.signature),
        ("f.received_at >= ?", wanted.since),
        ("f.received_at <= ?", wanted.until),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    narrowed = " AND ".join(conditions)
    return (f"(f.event_id IS NULL OR ({narrowed}))" if narrowed else "1"), values
