"""`whcli replay --watch PATH`: again on every change, until it passes; and the bar of a long replay."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path

import pytest

from tests.program import DEADLINE, environment, whcli
from tests.receivers import OK, Receiver
from tests.test_look import store_with
from whcli.commands.replaying.watching import watched
from whcli.hands.render import Screen
from whcli.words.errors import Exit, WrongUsage

NO = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"


class Handler:
    """A handler whose answer hangs on a source file of its own."""

    def __init__(self, source: Path) -> None:
        self._source = source

    def __call__(self, connection: socket.socket, _: bytes) -> bool:
        connection.sendall(OK if self._source.read_text() == "right" else NO)
        return True


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A `whcli replay` that watches."""
    command = [sys.executable, "-m", "whcli", "replay", "1", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str], word: str) -> str:
    """The next line on stderr with a word in it."""
    assert process.stderr is not None
    return next(line for line in process.stderr if word in line)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    store_with(tmp_path, (b"/x", b"{}"))
    file = tmp_path / "src" / "handler.txt"
    file.parent.mkdir()
    file.write_text("wrong")
    return file


def test_it_replays_on_each_change_until_it_passes(tmp_path: Path, source: Path) -> None:
    with (
        Receiver(Handler(source)) as handler,
        watching(tmp_path, "--to", handler.url, "--watch", ".") as process,
    ):
        said(process, "waiting for a change")
        source.write_text("still wrong")
        assert said(process, "changed") == "src/handler.txt changed\n"
        said(process, "waiting for a change")
        source.write_text("right")
        out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0 and len(handler.requests) == 3
    assert out.count("still failing") == 1 and out.count("fixed") == 1


def test_what_passes_at_once_ends_at_once(tmp_path: Path, source: Path) -> None:
    source.write_text("right")
    with Receiver(Handler(source)) as handler:
        done = whcli("replay", "1", "--to", handler.url, "--watch", "src", folder=tmp_path)
    assert done.code == 0 and len(handler.requests) == 1


def test_the_store_the_report_and_logs_are_no_change(tmp_path: Path, source: Path) -> None:
    arguments = ("--watch", ".", "--junit", "report.xml")
    with Receiver(Handler(source)) as handler, watching(tmp_path, "--to", handler.url, *arguments) as process:
        said(process, "waiting for a change")
        (tmp_path / "app.log").write_text("x")
        (tmp_path / ".whcli" / "more").write_text("x")
        (tmp_path / "report.xml").write_text("x")
        source.write_text("right")
        assert said(process, "changed") == "src/handler.txt changed\n"
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0 and len(handler.requests) == 2


def test_ctrl_c_ends_it(tmp_path: Path, source: Path) -> None:
    with Receiver(Handler(source)) as handler, watching(tmp_path, "--to", handler.url, "--watch", "src") as process:
        said(process, "waiting for a change")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130 and "Traceback" not in err


def test_another_thread_can_stop_it(source: Path) -> None:
    stop = threading.Event()
    rounds: list[float] = []

    def failing() -> int:
        rounds.append(time.monotonic())
        stop.set()
        return Exit.DOES_NOT_HOLD

    code = watched(source.parent, (), failing, lambda: False, Screen(StringIO()), stop=stop)
    assert (code, len(rounds)) == (Exit.DOES_NOT_HOLD, 1)
    assert time.monotonic() - rounds[0] < 5


@pytest.mark.parametrize("code", [Exit.DONE, Exit.INTERRUPTED, Exit.TERMINATED])
def test_what_passes_or_was_ended_is_not_waited_for(source: Path, code: Exit) -> None:
    rounds: list[Exit] = []

    def replay() -> int:
        rounds.append(code)
        source.write_text("another")
        return code

    assert watched(source, (), replay, lambda: True, Screen(StringIO())) == code and rounds == [code]


def test_what_goes_wrong_with_a_later_replay_does_not_end_it(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results: list[Exit | WrongUsage] = [
        Exit.DOES_NOT_HOLD,
        WrongUsage("the --probe command ended with 1", next="run it by hand"),
        Exit.DONE,
    ]

    def replay() -> int:
        result = results.pop(0)
        source.write_text(f"{len(results)}")
        if isinstance(result, WrongUsage):
            raise result
        return result

    assert watched(source, (), replay, lambda: False, Screen(StringIO())) == Exit.DONE
    assert "the --probe command ended with 1" in capsys.readouterr().err and not results


def test_a_handler_that_comes_back_is_asked_again_without_a_change(tmp_path: Path, source: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with watching(tmp_path, "--to", f"http://127.0.0.1:{port}", "--watch", "src") as process:
        said(process, "waiting for a change")
        with serving(port):
            process.communicate(timeout=DEADLINE)
    assert process.returncode == 0


@contextmanager
def serving(port: int) -> Iterator[None]:
    """A handler on a port that was free, which says OK to all."""
    server = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    if connection.recv(1 << 16):
                        connection.sendall(OK)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--watch", "nowhere"), "nowhere"), (("--watch", "src", "--dry-run"), "--dry-run")],
    ids=["nothing there", "nothing is sent"],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, source: Path, arguments: tuple[str, ...], said: str) -> None:
    done = whcli("replay", "1", "--to", "http://localhost:1", *arguments, folder=tmp_path)
    assert done.code == 2 and said in done.err


# -- the bar ----------------------------------------------------------------------------------------------------------


def on_a_terminal(*arguments: str, folder: Path) -> tuple[int, str]:
    """A command whose stdout and stderr are a terminal: its exit code and what the terminal got."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "whcli", *arguments]
    env = environment({"TERM": "xterm", "COLUMNS": "80"})
    with subprocess.Popen(command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        parts: list[bytes] = []
        with suppress(OSError):  # how Linux tells that nobody is left on the other side
            while part := os.read(ours, 1 << 16):
                parts.append(part)
        code = process.wait(DEADLINE)
    os.close(ours)
    return code, b"".join(parts).decode(errors="replace")


class Every:
    """Fails one request in its turn."""

    def __init__(self, failing: int) -> None:
        self._left = failing

    def __call__(self, connection: socket.socket, _: bytes) -> bool:
        self._left -= 1
        connection.sendall(NO if self._left == 0 else OK)
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
def test_a_long_replay_has_a_bar_on_a_terminal_and_lines_for_what_fails(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/%d" % n, b"{}") for n in range(260)])
    with Receiver(Every(250)) as handler:
        code, screen = on_a_terminal("replay", "all", "--to", handler.url, "--rate", "170/s", folder=tmp_path)
    assert code == 1 and re.search(r"2\d\d/260", screen)
    assert screen.count("→ 200") == 0 and screen.count("→ 500") == 1 and "259 ok, 1 not 2xx." in screen


def test_there_is_no_bar_in_a_pipe(tmp_path: Path) -> None:
    store_with(tmp_path, *[(b"/%d" % n, b"{}") for n in range(260)])
    with Receiver() as handler:
        done = whcli("replay", "all", "--to", handler.url, "--rate", "170/s", folder=tmp_path)
    assert done.code == 0 and done.err == "" and done.out.count("→ 200") == 260
