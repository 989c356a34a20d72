"""Requests damaged at random, from a seed: small changes to hostile rows and to requests that are quite in order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.hostile.requests import CHUNKED, ROWS, SMUGGLED, field

GOOD = [
    b'POST /hooks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"type":"a.b"}'[
        :-1
    ],
    CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n",
    field(b"Stripe-Signature: t=1,v1=00,v0=1\r\nContent-Length: 2") + b"{}",
    field(b"Expect: 100-continue\r\nContent-Length: 2") + b"{}",
    b"GET /a?b=c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + b"GET /d HTTP/1.1\r\n\r\n",
    b"GET /?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x HTTP/1.1\r\nHost: a\r\n\r\n",
    field(b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11") + b"payload=%7B",
    field(b"X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=00\r\nContent-Length: 4") + b"[{}]",
]
SEEDS = [*GOOD, *(row.sent for row in ROWS if len(row.sent) < 400), *SMUGGLED.values()]
PIECES = (
    *(b"\r", b"\n", b"\r\n", b"\x00", b" ", b":", b"0", b"\r\n\r\n", b"\xff", b"\t", b"\x1b[2J", b",", b";", b"-1"),
    *(
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"HTTP/1.1",
        b"Upgrade: h2c\r\n",
        b"%00",
        b"\x16\x03\x01",
    ),
    *(
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\n",
        b"[" * 64,
        b"{}" * 40,
    ),
)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """One to three changes: a byte altered, some removed, some added, a stretch doubled, more behind it, cut off."""
    raw = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(7):
            case 0 if at < len(raw):
                raw[at] = chance.randrange(256)
            case 1:
                del raw[at : at + chance.choice((1, 1, 2, 9))]
            case 2 | 3:
                raw[at:at] = chance.choice(PIECES)
            case 4:
                raw[at:at] = raw[at : at + chance.randint(1, 20)]
            case 5:
                raw += chance.choice(SEEDS)
            case _:
                del raw[at:]
    return bytes(raw) or b"\r"


def requests(seed: int, count: int) -> Iterator[bytes]:
    """So many damaged requests; the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        yield mutated(chance, chance.choice(GOOD if chance.random() < 0.6 else SEEDS))
