"""A seeded sample of what `tests/fuzz` does for minutes, and signature headers that nobody would send."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import whcli
from tests.fuzz.targets import TARGETS, carriers, check_signature, genuine
from tests.fuzz.wire import run
from tests.hostile.mutations import mutated
from whcli.rules.signatures.schemes import NAMES


def test_damaged_requests_crash_nothing_hang_nothing_and_cost_no_memory(tmp_path: Path) -> None:
    """The full measure is 100,000: python -m tests.fuzz.wire."""
    found = run(2_500, seed=6, folder=tmp_path, warm=1_000)
    assert found.crashes == []
    assert found.hangs == []
    assert found.grown <= 50
    assert found.sent == 2_500
    assert {"200", "400"} <= set(found.answers)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_damaged_seeds(name: str) -> None:
    target, seeds = TARGETS[name]
    chance, good = random.Random(name), seeds()
    assert good
    for seed in good:
        target(seed)
    for _ in range(600):
        target(mutated(chance, chance.choice(good)))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name][0](data)


# Signature headers: 10,000, none of which may raise anything.

MIB = 2**20


def odd_value(chance: random.Random, value: bytes) -> bytes:
    """A header's value as nobody would send it: not ASCII, empty, damaged, endlessly repeated."""
    match chance.randrange(8):
        case 0:
            return b""
        case 1:
            return chance.randbytes(chance.randrange(200))
        case 2:
            return "".join(chance.choices("é☃\u202e𝔘0١٢,=;.:\"' ", k=chance.randrange(1, 60))).encode()
        case 3:
            return b",".join([value] * chance.choice((2, 3, 200)))
        case 4:
            return b" ".join([value] * chance.choice((2, 3, 200)))
        case 5:
            return value + chance.choice(
                (b"\x00", b"\xff", b"=" * 50, b",,,,", b";" * 50, b"t=" + b"9" * 400, b"." * 9)
            )
        case 6:
            return value[: chance.randrange(len(value) + 1)]
        case _:
            return mutated(chance, value)


def test_10_000_random_signature_headers_raise_nothing() -> None:
    chance, tried = random.Random(10_000), 0
    places = [(name, header) for name in NAMES for header in carriers(name)]
    while tried < 10_000:
        for name, header in places:
            known = genuine(name)
            values = [value for key, value in known[0].headers if key.lower() == header] if known else []
            check_signature(name, header, odd_value(chance, values[0] if values else b"t=1,v1=00"))
            tried += 1


@pytest.mark.parametrize("name", NAMES)
def test_a_megabyte_of_signature_raises_nothing(name: str) -> None:
    for header in carriers(name)[:1]:
        known = genuine(name)
        value = next((value for key, value in known[0].headers if key.lower() == header), b"a") if known else b"a"
        for huge in (b"a" * MIB, b"\xff" * MIB, (value + b",") * (MIB // (len(value) + 1))):
            check_signature(name, header, huge)


def test_signatures_are_compared_in_constant_time_on_bytes() -> None:
    """`hmac.compare_digest` raises for a str that is not ASCII: it is called in two places, with bytes."""
    package, calls = Path(whcli.__file__).parent, {}
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and "compare_digest" in ast.unparse(node):
                calls[f"{path.relative_to(package)}: {ast.unparse(node.args)}"] = ast.unparse(node.body[-1])
    assert calls == {
        "rules/signatures/digests.py: one: bytes, other: bytes": "return hmac.compare_digest(one, other)",
        "commands/demo_handler.py: one: str, other: str": "return hmac.compare_digest(one.encode(), other.encode())",
    }


def test_a_literal_that_is_no_json_is_read_without_a_warning() -> None:
    TARGETS["filters"][0](b"``")
    TARGETS["filters"][0](b"type == `abc`")
