"""Bodies of 25 MiB, and as nested as can be: shown in a few kilobytes, without swelling, whoever looks at them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.measured import MIB, Measured, measured, resident
from tests.program import listening, until, whcli
from tests.receivers import Receiver
from tests.wire import ask, post
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

SIZE = 25 * MIB
HEAVY = {
    "small": b"{}",
    "objects": b"[" + b'{"a":[1,2,3],"b":"x"},' * (SIZE // 22 - 1) + b"{}]",
    "empty arrays": b"[" + b"[]," * (SIZE // 3 - 1) + b"[]]",
    "members": b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(1_400_000)) + b"}",
    "one string": b'{"a":"' + b"x" * (SIZE - 9) + b'"}',
    "one number": b"[" + b"9" * (SIZE - 2) + b"]",
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "13,000,000 deep": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
}
SHOWN = 16_000  # bytes that a command may write
HELD = 6 * SIZE  # bytes of memory beside what a small body takes: the body itself, and some copies of it


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    head = b"POST /hook HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
    with Store(folder / ".whcli", create=True) as store:
        for body in HEAVY.values():
            assert len(body) <= SIZE
            store.add([Arrival(1.7e9, head, b"POST", b"/hook", body, (), None)])
    return folder


@pytest.fixture(scope="module")
def usual(full: Path) -> int:
    """The memory that looking at a small body takes, in bytes."""
    return measured("show", "1", folder=full).peak


def bounded(done: Measured, code: int, usual: int) -> None:
    assert done.code == code, done.err
    assert len(done.out) + len(done.err) < SHOWN
    assert done.peak - usual < HELD, f"{(done.peak - usual) / MIB:.0f} MiB more"


@pytest.mark.parametrize("id", range(2, len(HEAVY) + 1), ids=list(HEAVY)[1:])
def test_looking_at_it_is_bounded(full: Path, usual: int, id: int) -> None:
    bounded(measured("show", str(id), folder=full), 0, usual)
    bounded(measured("show", str(id), "--color", "always", folder=full), 0, usual)
    bounded(measured("diff", str(id), str(id % len(HEAVY) + 1), folder=full), 1, usual)


def test_listing_them_is_bounded(full: Path, usual: int) -> None:
    bounded(measured("list", folder=full), 0, usual)


def test_a_listener_takes_and_shows_them_all(tmp_path: Path) -> None:
    with listening("--json", folder=tmp_path, afresh=True) as listener, Store(tmp_path / ".whcli") as store:
        for body in HEAVY.values():
            assert ask(listener.port, post(body)).status == 200
        until(lambda: store.noted_until() == len(HEAVY))
        assert resident(listener.process.pid) < 300 * MIB
        done = listener.end()
    assert done.code == 0 and len(done.raw) < SHOWN
    assert [json.loads(each)["size"] for each in done.out.splitlines()[1:]] == [len(body) for body in HEAVY.values()]


def test_a_request_line_of_sixty_kilobytes_is_cut_whoever_shows_it(tmp_path: Path) -> None:
    target = b"/" + b"p" * 20_000 + b"?" + b"&".join(b"a%d=1" % n for n in range(5_000))
    head = b"M" * 5_000 + b" " + target + b" HTTP/1.1\r\nX-Long: " + b"v" * 20_000 + b"\r\n\r\n"
    with Store(tmp_path / ".whcli", create=True) as store:
        store.add([Arrival(1.7e9, head, b"M" * 5_000, target, b"", (), None)])
    with Receiver() as one, Receiver() as other:
        replay = ("replay", "1", "--to", one.url)
        for command in (
            replay,
            (*replay, "--race", "3"),
            (*replay, "--compare-to", other.url),
            (*replay, "--dry-run"),
            ("show", "1"),
            ("diff", "1", "1"),
        ):
            done = whcli(*command, folder=tmp_path)
            assert done.code == 0, done.err
            assert len(done.out) + len(done.err) < SHOWN, command
        assert target in one.wait(1)[0]
