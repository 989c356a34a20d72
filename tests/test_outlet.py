"""Standard output that nobody reads: all of it arrives where somebody does, and nobody waits once it is over."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from whcli.hands import outlet
from whcli.hands.outlet import Outlet, leavable

ALL = "".join(f"{n} ✓ é\n" for n in range(60_000))  # more than any pipe holds


class Pipe:
    """A pipe with its writing end as a text stream."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        self.stream: TextIO = open(writing, "w", encoding="utf-8")  # noqa: SIM115  # closed by the fixture

    def close(self) -> None:
        self.stream.close()
        os.close(self.reading)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def read(number: int, into: bytearray, upto: int) -> None:
    while len(into) < upto:
        into += os.read(number, 1 << 16)


@pytest.mark.parametrize("blocking", [True, False], ids=["that waits", "that does not wait"])
@pytest.mark.parametrize("over", [True, False], ids=["over", "not over"])
def test_a_reader_gets_every_byte_from_a_file(pipe: Pipe, blocking: bool, over: bool) -> None:
    os.set_blocking(pipe.stream.fileno(), blocking)
    data, found = ALL.encode(), bytearray()
    reader = threading.Thread(target=read, args=(pipe.reading, found, len(data)))
    reader.start()
    stream = leavable(pipe.stream, lambda: over)
    for line in ALL.splitlines(keepends=True):
        assert stream.write(line) == len(line)
    stream.flush()
    reader.join(10)
    assert bytes(found) == data


def test_it_waits_for_a_reader_until_it_is_over(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "LOOK", 0.01)
    monkeypatch.setattr(outlet, "PATIENCE", 0.03)
    looks = 0

    def over() -> bool:
        nonlocal looks
        looks += 1
        return looks > 20

    stream = leavable(pipe.stream, over)
    assert isinstance(stream, Outlet)
    stream.write(ALL)
    stream.flush()
    assert stream.left and looks >= 23
    stream.write(ALL)
    stream.flush()  # goes nowhere, at once
    assert looks <= 24


def test_a_reader_that_is_gone_is_an_error(pipe: Pipe) -> None:
    reading, pipe.reading = pipe.reading, os.open(os.devnull, os.O_RDONLY)
    os.close(reading)
    stream = leavable(pipe.stream, lambda: False)
    stream.write("x")
    with pytest.raises(BrokenPipeError):
        stream.flush()


def test_what_was_written_before_comes_first(pipe: Pipe) -> None:
    pipe.stream.write("one\n")
    stream = leavable(pipe.stream, lambda: False)
    stream.write("two\n")
    stream.flush()
    assert os.read(pipe.reading, 99) == b"one\ntwo\n" and not stream.isatty()
    assert stream.fileno() == pipe.stream.fileno()


def test_a_file_takes_all_and_is_written_as_ever(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w", encoding="utf-8") as file:
        assert leavable(file, lambda: True) is file


def test_what_an_encoding_does_not_have_is_escaped_as_ever(pipe: Pipe) -> None:
    pipe.stream.reconfigure(encoding="ascii", errors="backslashreplace")  # type: ignore[attr-defined]
    stream = leavable(pipe.stream, lambda: False)
    stream.write("✓")
    stream.flush()
    assert os.read(pipe.reading, 99) == b"\\u2713"
