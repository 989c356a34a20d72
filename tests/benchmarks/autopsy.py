"""How long the search for a cause takes with a body of 100 kB.

The worst case is a secret that is simply wrong: then everything is tried.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from time import process_time

from whcli.rules.autopsy import explain
from whcli.rules.signatures.scheme import Scheme
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign
from whcli.words.event import Message
from whcli.words.secret import Secret

from .figure import Figure, alone

NOW = 1_763_900_000
SIZE = 100_000  # bytes
RIGHT = Secret(value=b"whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH", label="$RIGHT")
WRONG = Secret(value=b"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", label="$WRONG")
ELSEWHERE = (scheme_named("slack"), Secret(value=b"8f742231b10e8888abcd99yyyzzz85a5", label="$SLACK"))


def orders(dice: random.Random) -> list[dict[str, object]]:
    """Enough order lines for a body of `SIZE`, with what printers treat differently."""
    return [
        {
            "id": dice.randint(1, 10**9),
            "title": f"Zoë & <b> https://shop.example/{dice.randint(1, 10**6)}",
            "price": round(dice.random() * 1000, 2),
            "quantity": dice.randint(1, 9),
            "tags": ["a", None, True],
        }
        for _ in range(SIZE // 120)
    ]


def bodies() -> dict[str, bytes]:
    dice = random.Random(1)
    value = {"orders": orders(dice)}
    return {
        "JSON": json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        "form": "&".join(f"field{n}=a+value+%C3%A9+{n}" for n in range(SIZE // 28)).encode(),
        "bytes": dice.randbytes(SIZE),
    }


def requests(body: bytes) -> Iterator[tuple[Scheme, Message, Secret]]:
    """A signed request per scheme, with a secret that does not match."""
    for name in ("stripe", "github", "standardwebhooks", "square", "twilio", "discord"):
        row = scheme_named(name)
        plain = Message(method="POST", url="https://shop.example/hooks?a=1", headers=(), body=body)
        if name == "discord":  # any signature of the right length will do
            headers = ((b"X-Signature-Ed25519", b"ab" * 64), (b"X-Signature-Timestamp", b"%d" % NOW))
            yield row, replace(plain, headers=headers), Secret(value=b"3b" * 32, label="$WRONG")
        else:
            made = sign(row, plain, [RIGHT], now=NOW, token="1")
            yield row, replace(plain, url=made.url, headers=made.headers, body=made.body), WRONG


def figures(quick: bool) -> Iterator[Figure]:
    """CPU seconds per scheme and kind of body."""
    for kind, body in bodies().items():
        for row, message, wrong in list(requests(body))[: 1 if quick else None]:
            began = process_time()
            found = explain(row, message, [wrong], now=NOW, others=[ELSEWHERE])
            took = process_time() - began
            name = f"{row.name}, {kind} of {len(body) // 1000} kB"
            yield Figure(name=name, value=took, unit="s", bar=1.0, note=f"{found.tried} tried: {found.reason}")


if __name__ == "__main__":
    alone(__spec__.name)
