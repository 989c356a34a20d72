"""Files that tell of a run, at a place that the user names: whole or not at all, and never at the cost of the run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.receivers import Receiver
from tests.wire import ask, post
from whcli.hands.files import check_report, leads_to_device, write_report
from whcli.words.errors import NotWritten, WrongUsage

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
FULL = "/dev/full"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with listening(folder=tmp_path) as listener:
        assert ask(listener.port, post()).status == 200
        assert listener.end().code == 0
    return tmp_path


@pytest.fixture
def handler() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_a_replay_whose_report_finds_no_room_has_told_what_it_did(project: Path, handler: Receiver) -> None:
    done = whcli("replay", "1", "--to", handler.url, "--junit", FULL, folder=project)
    assert done.code == 1 and "1 ok." in done.out
    assert f"the JUnit report {FULL} cannot be written: no space left on device" in done.err
    assert "standard output" not in done.err


def test_tests_whose_report_finds_no_room_have_told_what_they_found(project: Path, handler: Receiver) -> None:
    assert whcli("export", "1", "-o", "hook.json", folder=project).code == 0
    done = whcli("test", "hook.json", "--to", handler.url, "--junit", FULL, folder=project)
    assert done.code == 1 and "1 passed" in done.out
    assert f"the JUnit report {FULL} cannot be written" in done.err


def test_a_listener_that_cannot_say_it_is_ready_ends(tmp_path: Path) -> None:
    done = whcli("listen", "--port", "0", "--ready-file", FULL, folder=tmp_path)
    assert done.code == 1 and f"the ready file {FULL} cannot be written: no space left on device" in done.err


@pytest.mark.parametrize("option", ["--junit", "--ready-file"])
@pytest.mark.parametrize("place", ["no/such/file", "folder"])
def test_a_place_that_takes_no_report_is_refused_before_anything_is_done(
    project: Path, handler: Receiver, option: str, place: str
) -> None:
    (project / "folder").mkdir()
    command = ("replay", "1", "--to", handler.url) if option == "--junit" else ("listen", "--port", "0")
    done = whcli(*command, option, place, folder=project)
    assert done.code == 2 and f"{place} cannot be written" in done.err and handler.requests == []


def test_what_stands_there_stays_until_the_new_report_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text("old")
    with pytest.raises(NotWritten):
        write_report(tmp_path / "gone" / "report.xml", "new", "the report")
    write_report(path, "new", "the report")
    assert path.read_text() == "new" and [each.name for each in tmp_path.iterdir()] == ["report.xml"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)], ids=["for all", "for its owner"])
def test_a_report_is_readable_by_whom_the_umask_lets(tmp_path: Path, mask: int, mode: int) -> None:
    old = os.umask(mask)
    try:
        write_report(tmp_path / "report.xml", "new", "the report")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "report.xml").stat().st_mode) == mode


def test_a_link_that_somebody_laid_beside_the_ready_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("ready", "ready.part"):
        (tmp_path / name).symlink_to(victim)
    assert whcli("listen", "--port", "0", "--timeout", "100ms", "--ready-file", "ready", folder=tmp_path).code == 0
    assert victim.read_text() == "precious" and '"pid"' in (tmp_path / "ready").read_text()


def test_what_stands_for_a_device_is_never_replaced(tmp_path: Path) -> None:
    """`/dev/stdout` is a link, and a plain file where output goes to one: replaced, it would be so for everybody."""
    assert leads_to_device(Path("/dev/stdout")) and leads_to_device(Path("/proc/self/fd/1"))
    assert not leads_to_device(Path("/dev/shm/report.xml"))
    link = tmp_path / "report.xml"
    link.symlink_to("/dev/null")
    write_report(link, "<a/>", "the report")
    assert link.is_symlink() and not leads_to_device(tmp_path / "plain.xml")


def test_a_report_keeps_the_rights_that_it_had(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.touch(0o600)
    write_report(report, "<a/>", "the report")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600 and report.read_text() == "<a/>"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_report(pipe, "the report")
        write_report(pipe, "new", "the report")
        assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_is_no_place_for_a_report(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage):
        check_report(tmp_path, "the report")
