"""The limits of the listener: each is a flag and a key in [listen], and each holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.requests import CHUNKED, HOST, LINE, START, field
from tests.program import Listening, listening, whcli
from tests.wire import Wire, chunked, post
from whcli.cli import application
from whcli.commands.listen import SECTIONS
from whcli.commands.listening.limits import LIMITS, limits_of, size
from whcli.hands.listening.framing import Limits
from whcli.words.errors import WrongUsage

DEFAULTS = {
    "body": 25 * 2**20,
    "head": 64 * 2**10,
    "lines": 1000,
    "head_time": 8.0,
    "body_idle": 8.0,
    "body_grace": 8.0,
    "body_rate": 1000,
    "connections": 512,
    "keep_alive": 30.0,
}


def test_what_is_promised_without_any_flag() -> None:
    assert {name: value for name, value in asdict(limits_of({}, {})).items() if name in DEFAULTS} == DEFAULTS


SET: dict[str, tuple[str, Any, dict[str, float]]] = {
    "max_body": ("1MiB", 1_048_576, {"body": 1_048_576}),
    "max_head": ("8kB", 8000, {"head": 8000}),
    "max_header_lines": ("50", 50, {"lines": 50}),
    "head_timeout": ("2s", 2, {"head_time": 2.0}),
    "body_timeout": ("1m", "1m", {"body_idle": 60.0, "body_grace": 60.0}),
    "min_body_rate": ("0", 0, {"body_rate": 0}),
    "max_connections": ("3", 3, {"connections": 3}),
    "keep_alive": ("500ms", "500ms", {"keep_alive": 0.5}),
}


def test_every_limit_is_tried_below() -> None:
    assert [limit.key for limit in LIMITS] == list(SET)
    assert {name for limit in LIMITS for name in limit.fields} == set(DEFAULTS)


@pytest.mark.parametrize(("key", "case"), SET.items(), ids=SET)
def test_flag_and_key_set_the_same(key: str, case: tuple[str, Any, dict[str, float]]) -> None:
    flag, in_file, fields = case
    assert limits_of({key: flag}, {}) == limits_of({key: None}, {key: in_file}) == Limits(**fields)  # type: ignore[arg-type]
    assert limits_of({key: flag}, {key: 77}) == Limits(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("max_body", "much", "--max-body: 'much' is not a size"),
        ("max_body", "-1", "--max-body: '-1' is not a size"),
        ("max_head", "0", "--max-head must be at least 1"),
        ("max_header_lines", "1.5", "--max-header-lines: '1.5' is not a whole number"),
        ("head_timeout", "0", "--head-timeout must be at least 100ms"),
        ("keep_alive", "soon", "--keep-alive: 'soon' is not a duration"),
        ("max_connections", "0", "--max-connections must be at least 1"),
        ("max_connections", "9" * 5000, f"--max-connections: '{'9' * 5000}' is not a whole number"),
    ],
)
def test_a_value_that_makes_no_sense_names_its_flag(key: str, text: str, message: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        limits_of({key: text}, {})
    assert caught.value.message == message


def test_a_value_in_the_file_that_makes_no_sense_names_its_key(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[listen]\nmax_body = "much"\n')
    done = whcli("listen", "--port", "0", folder=tmp_path)
    assert (done.code, done.err.splitlines()[0]) == (2, "error: listen.max_body: 'much' is not a size")
    (tmp_path / "whcli.toml").write_text("[listen]\nmax_bodi = 1\n")
    assert "did you mean: 'listen.max_body'" in whcli("listen", "--port", "0", folder=tmp_path).err


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("25MiB", 26_214_400), ("1 kb", 1000), ("2GiB", 2**31)])
def test_sizes(text: str, count: int) -> None:
    assert size(text) == count


def test_help_has_a_section_for_every_flag_named() -> None:
    from typer.main import get_command

    command = get_command(application(["listen"])).commands["listen"]  # type: ignore[attr-defined]
    flags = {param.opts[0] for param in command.params}
    named = [flag for each in SECTIONS.values() for flag in each.split()]
    assert set(named) <= flags and len(set(named)) == len(named)
    assert {limit.flag for limit in LIMITS} <= set(named)


# Each of them against a real listener.


def refused(wire: Wire, sent: bytes) -> int:
    return wire.send(sent).response().status


HOLDS: dict[str, tuple[str, Callable[[Wire], int], int]] = {
    "a body over it by its length": (
        "--max-body=1000",
        lambda wire: refused(wire, field(b"Content-Length: 1001")),
        413,
    ),
    "a body over it by its chunks": (
        "--max-body=1000",
        lambda wire: refused(wire, CHUNKED + chunked(b"a" * 1001)),
        413,
    ),
    "a body as long as it": ("--max-body=1000", lambda wire: refused(wire, post(b"a" * 1000)), 200),
    "a head over it": ("--max-head=1000", lambda wire: refused(wire, field(b"X: " + b"a" * 1000)), 431),
    "lines over it": ("--max-header-lines=9", lambda wire: refused(wire, LINE + b"a:b\r\n" * 10 + b"\r\n"), 431),
    "as many lines": ("--max-header-lines=9", lambda wire: refused(wire, LINE + b"a:b\r\n" * 9 + b"\r\n"), 200),
    "a head that takes longer": ("--head-timeout=200ms", lambda wire: refused(wire, START), 408),
    "a body that stops": (
        "--body-timeout=200ms",
        lambda wire: refused(wire, field(b"Content-Length: 9") + b"half"),
        408,
    ),
}
BY_FLAG = {flag: [each for each in HOLDS.values() if each[0] == flag] for flag, _, _ in HOLDS.values()}


@pytest.mark.parametrize("flag", BY_FLAG)
def test_a_flag_holds(tmp_path: Path, flag: str) -> None:
    with listening("--json", flag, folder=tmp_path) as listener:
        for _, ask, status in BY_FLAG[flag]:
            with Wire(listener.port) as wire:
                assert ask(wire) == status
        done = listener.end()
    shown = [each.get("status", 200) for each in done.lines[1:]]
    assert sorted(shown) == sorted(status for _, _, status in BY_FLAG[flag])


def drip(listener: Listening) -> int:
    """A body of one byte every 50 ms; the answer."""
    with Wire(listener.port) as wire:
        wire.send(field(b"Content-Length: 1000"))
        for _ in range(100):
            if not wire.silent(0.05):
                break
            wire.send(b"a")
        wire.socket.settimeout(5)
        return int(wire.rest().split()[1])


def test_a_body_slower_than_the_rate_is_cut_off(tmp_path: Path) -> None:
    with listening("--body-timeout", "300ms", "--min-body-rate", "100", folder=tmp_path) as listener:
        started = time.monotonic()
        assert drip(listener) == 408
        assert time.monotonic() - started < 4


def test_the_longest_idle_makes_room_above_max_connections(tmp_path: Path) -> None:
    with listening("--max-connections", "4", folder=tmp_path) as listener, ExitStack() as stack:
        wires = [stack.enter_context(Wire(listener.port)) for _ in range(4)]
        for wire in (*wires, wires[0]):
            assert wire.send(post()).response().status == 200
        with Wire(listener.port) as fifth:
            assert fifth.send(post()).response().status == 200
            assert wires[1].closed()
            assert wires[0].send(post()).response().status == 200


def test_a_resting_connection_closes_after_keep_alive(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[listen]\nkeep_alive = "200ms"\n')
    with listening(folder=tmp_path) as listener, Wire(listener.port) as wire:
        assert wire.send(b"POST / HTTP/1.1\r\n" + HOST + b"\r\n").response().status == 200
        started = time.monotonic()
        assert wire.closed()
        assert time.monotonic() - started < 4
