"""Large bodies: exact over every edge, in files only while they come, and never many of them in memory."""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.hostile.requests import CHUNKED, field
from tests.listeners import Seen, listener_on
from tests.program import Listening, listening, until, whcli
from tests.wire import Wire, ask, chunked, post, wait_for
from whcli.hands.config import Config
from whcli.hands.keyring import HASHED, Keyring
from whcli.hands.listening.bodies import Malformed
from whcli.hands.listening.framing import Limits, RequestReader
from whcli.hands.listening.spool import Spool
from whcli.hands.storing.store import Store
from whcli.words.errors import StoreFailed
from whcli.words.event import HELD, Arrival, Entry, Event

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
SIZES = [HELD - 1, HELD, HELD + 1, HELD + 65_536, HELD + 65_537, 2 * HELD, 3 * HELD - 1, 3 * HELD + 1, 5 * MIB + 3]
EDGES = pytest.mark.parametrize("size", SIZES)


def arrival(body: bytes) -> Arrival:
    return Arrival(1.0, b"POST / HTTP/1.1\r\n\r\n", b"POST", b"/", body, (), None)


# Exact.


@EDGES
@pytest.mark.parametrize("way", ["by length", "in chunks", "in small packets"])
def test_a_body_is_exact_over_the_edge_of_what_is_held(folder: Path, size: int, way: str) -> None:
    chance = random.Random(size)
    body = chance.randbytes(size)
    with listener_on(folder) as port, Wire(port) as wire:
        if way == "in chunks":
            cuts = sorted(chance.randrange(size) for _ in range(40))
            parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True) if a < b]
            wire.send(CHUNKED, chunked(*parts))
        elif way == "in small packets":
            wire.send(field(b"Content-Length: %d" % size))
            wire.send(*(body[at : at + 9_973] for at in range(0, size, 9_973)))
        else:
            wire.send(post(body))
        assert wire.response().status == 200
        assert wire.send(post(b"next")).response().status == 200
    with Store(folder) as store:
        first, second = store.events(0, 9)
        assert (first.body == body, first.unread, second.body) == (True, 0, b"next")
        assert [entry.size for entry in store.entries()] == [size, 4]
    assert left(folder) == []


def test_every_reader_has_the_bytes(tmp_path: Path) -> None:
    body = random.Random(3).randbytes(2 * MIB + 7)
    (other := tmp_path / "other").mkdir()
    with listening(folder=tmp_path) as listener, listening("--store", str(other / ".whcli"), folder=other) as handler:
        assert ask(listener.port, post(body)).status == 200
        assert whcli("show", "1", "--body", folder=tmp_path).raw == body
        assert whcli("show", "1", "--raw", folder=tmp_path).raw == post(body)
        assert whcli("replay", "1", "--to", handler.url, folder=tmp_path).code == 0
    with Store(other / ".whcli") as store:
        (event,) = store.events(0, 9)
        assert event.body == body
    (shown,) = whcli("show", "1", "--json", folder=tmp_path).lines
    (tmp_path / "event.json").write_text(whcli("show", "1", "--json", folder=tmp_path).out)
    assert shown["id"] == 1
    assert whcli("show", "./event.json", "--body", folder=tmp_path).raw == body


@EDGES
def test_an_imported_event_is_exact_and_removing_it_leaves_nothing(folder: Path, tmp_path: Path, size: int) -> None:
    body = random.Random(size).randbytes(size)
    with Store(folder, create=True) as store:
        store.add([arrival(body)])
        event = store.event(1)
        assert event is not None and event.body == body
        with Store(tmp_path / "other", create=True) as other:
            id = other.add_event(event)
            again = other.event(id)
            assert again is not None and again.body == body
            assert pieces(other) == (-(-size // HELD) if size > HELD else 0)
            assert other.remove([id]) == 1
            assert pieces(other) == 0


def pieces(store: Store) -> int:
    return int(store._rows("SELECT count(*) FROM pieces")[0][0])


def test_a_listing_reads_no_large_body(folder: Path) -> None:
    """Not even of an event that no listener has worked on: it is recognised by its headers."""
    read: list[str] = []
    head = b"POST / HTTP/1.1\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=00\r\n\r\n"
    with Store(folder, create=True) as store:
        store.add([arrival(bytes(MIB))._replace(head=head)])
        store._db.set_trace_callback(read.append)
        (entry,) = store.entries()
        assert (entry.facts.provider, entry.facts.type, entry.size) == ("github", "push", MIB)
    assert read and not [sql for sql in read if "FROM pieces" in sql]


def test_a_body_whose_pieces_are_gone_is_a_sentence(folder: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(bytes(MIB))])
        with store.writing() as db:
            db.execute("DELETE FROM pieces WHERE place = 2")
        with pytest.raises(StoreFailed, match=r"event #1 in the store .* is damaged"):
            store.event(1)


# What is worked out from them, behind the acknowledgement.


def seen_by_a_listener(folder: Path, request: bytes, secrets: dict[str, str]) -> tuple[Entry, str]:
    """What a listener makes of a request, and what it prints of it."""
    env = {f"WHCLI_SECRET_{name}": value for name, value in secrets.items()}
    with listening("--count", "1", folder=folder, env=env) as listener:
        assert ask(listener.port, request).status == 200
        out = listener.wait().out
    with Store(folder / ".whcli") as store:
        (entry,) = store.entries()
    return entry, out


def test_a_large_body_is_hashed_and_its_signature_holds(tmp_path: Path) -> None:
    body = random.Random(1).randbytes(6 * MIB)
    digest = hmac.new(b"a secret", body, hashlib.sha256).hexdigest().encode()
    request = post(body, headers=b"X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=%b\r\n" % digest)
    entry, out = seen_by_a_listener(tmp_path, request, {"GITHUB": "a secret"})
    assert (entry.facts.provider, entry.facts.type, entry.facts.signature) == ("github", "push", "valid")
    assert "✓ sig" in out


def test_a_large_body_that_would_have_to_be_parsed_is_not_and_says_so(tmp_path: Path) -> None:
    """SNS signs fields inside the JSON; a few megabytes of brackets can be gigabytes of Python's lists."""
    body = b'{"Type":"Notification","Message":[' + b"[]," * (2 * MIB) + b"[]]}"
    request = post(body, headers=b"x-amz-sns-message-type: Notification\r\n")
    entry, out = seen_by_a_listener(tmp_path, request, {})
    assert entry.facts.provider == "aws-sns"
    assert (entry.facts.signature, entry.facts.reason) == ("unknown", "body_too_large")
    assert "signature: not checked, the body is too large to do so on arrival · next: whcli verify 1" in out


def test_a_body_beyond_what_is_hashed_is_not_loaded() -> None:
    event = Event(
        id=1,
        uid="u",
        received_at=1.0,
        method=b"POST",
        target=b"/",
        version="1.1",
        headers=((b"X-GitHub-Event", b"push"), (b"X-Hub-Signature-256", b"sha256=00")),
        unread=HASHED + 1,
    )

    def load() -> Event:
        raise AssertionError("it was loaded")

    facts = Keyring(Config()).facts_unread(event, load)
    assert (facts.type, facts.signature, facts.reason) == ("push", "unknown", "body_too_large")


# The files.


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "spool").glob("*"))


def test_the_file_is_the_owners_alone_and_goes_when_the_event_is_stored(folder: Path) -> None:
    with listener_on(folder) as port, Wire(port) as wire:
        wire.send(field(b"Content-Length: %d" % (MIB + 1)), bytes(MIB))
        wait_for(lambda: left(folder))
        (path,) = (folder / "spool").iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert wire.send(b"x").response().status == 200
        wait_for(lambda: not left(folder))


LEAVES: dict[str, Callable[[Wire], object]] = {
    "the sender goes": Wire.close,
    "the sender resets": Wire.reset,
    "the sender half-closes": Wire.half_close,
    "the chunks are malformed": lambda wire: wire.send(b"nonsense"),
    "the body grows too large": lambda wire: pour(wire, b"100000\r\n" + bytes(MIB) + b"\r\n"),
}


def pour(wire: Wire, data: bytes) -> None:
    with suppress(ConnectionError):
        for _ in range(40):
            wire.send(data)


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
def test_the_file_goes_when_the_body_is_given_up(folder: Path, leave: Callable[[Wire], object]) -> None:
    seen = Seen()
    with listener_on(folder, seen=seen) as port, Wire(port) as wire:
        wire.send(CHUNKED, b"80000\r\n" + bytes(0x80000) + b"\r\n")
        wait_for(lambda: left(folder))
        leave(wire)
        wait_for(lambda: not left(folder))
        wait_for(lambda: seen.refusals)
        assert ask(port, post(bytes(MIB))).status == 200


def test_what_a_killed_listener_left_is_cleared_by_the_next_and_nothing_else_is(tmp_path: Path) -> None:
    spool = tmp_path / ".whcli" / "spool"
    with listening(folder=tmp_path) as listener, Wire(listener.port) as wire:
        wire.send(field(b"Content-Length: 900000"), bytes(800_000))
        until(lambda: left(spool.parent) == ["body-1.part"])
        listener.process.kill()
        listener.process.wait()
    assert left(spool.parent) == ["body-1.part"]
    (spool / "notes.txt").write_text("mine")
    assert whcli("list", folder=tmp_path).code == 0
    assert "body-1.part" in left(spool.parent)  # only the listener clears
    with listening(folder=tmp_path):
        assert left(spool.parent) == ["notes.txt"]


def test_a_spool_that_is_a_link_is_refused_and_its_target_untouched(tmp_path: Path) -> None:
    """A store's folder may come with a project from elsewhere."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "body-1.part").write_text("mine")
    (tmp_path / ".whcli").mkdir()
    (tmp_path / ".whcli" / "spool").symlink_to(other)
    done = whcli("listen", "--port", "0", "--timeout", "1", folder=tmp_path)
    assert (done.code, done.err.count("is a link")) == (7, 1)
    assert (other / "body-1.part").read_text() == "mine"


class Full:
    """A place on a disk that is full after so many bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.closed = room, False

    def __len__(self) -> int:
        return 0

    def add(self, data: bytes | bytearray) -> None:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")

    def pieces(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("room", [0, HELD + 80_000], ids=["from the start", "in the middle"])
@pytest.mark.parametrize("start", [field(b"Content-Length: 900000"), CHUNKED + b"DBBA0\r\n"], ids=["length", "chunks"])
def test_a_full_disk_is_503_for_the_sender_of_a_large_body(start: bytes, room: int) -> None:
    place = Full(room)
    reader = RequestReader(Limits(), lambda: place)
    reader.read(start)
    with pytest.raises(Malformed, match="no space left on device") as caught:
        for _ in range(9):
            reader.read(bytes(100_000))
    assert caught.value.status == 503
    reader.forget()
    assert place.closed


def test_a_place_that_cannot_be_opened_is_503(folder: Path) -> None:
    folder.mkdir()
    (folder / "spool").write_text("a file where a folder should be")
    seen = Seen()
    with listener_on(folder, seen=seen) as port, Wire(port) as wire:
        wire.send(field(b"Content-Length: 900000"), bytes(300_000))
        assert wire.response().status == 503
        assert ask(port, post(bytes(HELD))).status == 200
    assert [refusal.status for refusal in seen.refusals] == [503]
    assert seen.refusals[0].reason.startswith("the body could not be kept: ")


def test_files_are_numbered_apart(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    one, two = spool.open(), spool.open()
    one.add(b"1")
    two.add(b"22")
    assert [b"".join(each.pieces()) for each in (one, two)] == [b"1", b"22"]
    for each in (one, two, one):
        each.close()
    assert left(tmp_path) == []


# Memory. Resident and peak, as the kernel counts them for the listener's own process.


def resident(listener: Listening, which: str = "VmRSS") -> float:
    """MB of memory; `VmHWM` is the peak."""
    status = Path(f"/proc/{listener.process.pid}/status").read_text()
    return int(status.partition(f"{which}:")[2].split()[0]) * 1024 / 1e6


def forget_peak(listener: Listening) -> None:
    """Let VmHWM begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{listener.process.pid}/clear_refs").write_text("5")


@linux
def test_two_hundred_endless_bodies_stay_under_200_mb(tmp_path: Path) -> None:
    """Each is cut off at the limit, here of 3 MiB so that a small disk has room for all of them at once."""
    chunk = b"40000\r\n" + bytes(0x40000) + b"\r\n"
    with listening("--json", "--max-body", "3MiB", folder=tmp_path, afresh=True) as listener, ExitStack() as stack:
        wires = [stack.enter_context(Wire(listener.port)) for _ in range(200)]
        for wire in wires:
            wire.send(CHUNKED)
        for _ in range(12):
            for wire in wires:
                wire.send(chunk)
        until(lambda: len(left(tmp_path / ".whcli")) == 200)
        assert ask(listener.port, post()).status == 200
        for wire in wires:
            wire.send(chunk)
            assert wire.response().status == 413
        peak = resident(listener, "VmHWM")
        until(lambda: not left(tmp_path / ".whcli"))
    print(f"peak {peak:.0f} MB")
    assert peak < 200, f"{peak:.0f} MB"


@linux
def test_an_endless_body_is_refused_at_the_limit_and_its_file_is_gone(tmp_path: Path) -> None:
    with listening("--json", folder=tmp_path) as listener, Wire(listener.port) as wire:
        wire.send(CHUNKED)
        pour(wire, b"100000\r\n" + bytes(MIB) + b"\r\n")
        assert wire.response().status == 413
        until(lambda: not left(tmp_path / ".whcli"))
        assert [each["status"] for each in listener.end().lines[1:]] == [413]


@linux
@pytest.mark.parametrize("kind", ["random bytes", "JSON of nothing but brackets"])
def test_sixteen_bodies_of_25_mib_at_once_grow_by_less_than_150_mb(tmp_path: Path, kind: str) -> None:
    size = 25 * MIB
    body = random.Random(25).randbytes(size) if kind == "random bytes" else b"[" + b"{}," * (size // 3 - 1) + b"{}]"
    github = b"X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=%b\r\n" % (b"0" * 64)
    request = post(body, headers=github)
    env = {"WHCLI_SECRET_GITHUB": "a secret for this test"}
    with listening(folder=tmp_path, env=env, afresh=True) as listener:
        assert ask(listener.port, post()).status == 200
        forget_peak(listener)
        before = resident(listener)
        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(lambda _: ask(listener.port, request, deadline=60).status, range(16))) == [200] * 16
        with Store(tmp_path / ".whcli") as store:
            until(lambda: store.noted_until() == 17, 60)
            entries = list(store.entries(after=1))
            digests = {hashlib.sha256(event.body).digest() for event in store.events(1, 99)}
        grown = resident(listener, "VmHWM") - before
    assert [(entry.size, entry.facts.provider, entry.facts.signature) for entry in entries] == [
        (len(body), "github", "invalid")
    ] * 16
    assert digests == {hashlib.sha256(body).digest()}
    print(f"grown by {grown:.0f} MB")
    assert grown < 150, f"{grown:.0f} MB"


@linux
def test_a_body_of_300_mb_with_the_limit_raised_peaks_below_150_mb(tmp_path: Path) -> None:
    piece, times = os.urandom(MIB), 286
    digest = hashlib.sha256(piece * times)
    with listening("--max-body", "320MB", folder=tmp_path, afresh=True) as listener:
        with Wire(listener.port, deadline=60) as wire:
            wire.send(b"POST / HTTP/1.1\r\nX-GitHub-Event: push\r\nContent-Length: %d\r\n\r\n" % (times * MIB))
            for _ in range(times):
                wire.send(piece)
            assert wire.response().status == 200
        with Store(tmp_path / ".whcli") as store:
            until(lambda: store.noted_until() == 1, 60)
            (entry,) = store.entries()
            assert (entry.size, entry.facts.provider, entry.facts.type) == (times * MIB, "github", "push")
            (event,) = store.events(0, 1)
            assert hashlib.sha256(event.body).digest() == digest.digest()
        peak = resident(listener, "VmHWM")
    print(f"peak {peak:.0f} MB")
    assert peak <= 150, f"{peak:.0f} MB"
