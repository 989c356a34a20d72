"""One listener per store: the second is told who holds it, and a dead one holds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.program import listening, whcli
from tests.wire import ask, post
from whcli.hands.listening.lock import FILE, ListenerLock, holder, is_held
from whcli.words.errors import Exit, StoreFailed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the lock is flock")

HOLDER = """
import os, sys
from pathlib import Path
from tests.program import listening, whcli
from tests.wire import ask, post
from whcli.hands.listening.lock import ListenerLock
lock = ListenerLock(Path(sys.argv[1]))
lock.tell({"pid": os.getpid(), "url": "http://127.0.0.1:8765"})
print("held", flush=True)
sys.stdin.read()
"""


def refused(folder: Path) -> StoreFailed:
    with pytest.raises(StoreFailed) as caught:
        ListenerLock(folder)
    return caught.value


def test_a_second_listener_is_told_who_holds_the_store(tmp_path: Path) -> None:
    lock = ListenerLock(tmp_path)
    lock.tell({"pid": 4121, "url": "http://127.0.0.1:8765"})
    error = refused(tmp_path)
    assert error.exit == Exit.STORE
    assert error.code == "store_has_listener"
    assert error.message == (f"another listener (pid 4121 on http://127.0.0.1:8765) already captures into {tmp_path}")
    assert "--store DIR" in error.next
    lock.release()


def test_a_holder_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    lock = ListenerLock(tmp_path)
    assert refused(tmp_path).message == f"another listener already captures into {tmp_path}"
    lock.release()


def test_the_next_listener_comes_in_after_the_release(tmp_path: Path) -> None:
    for pid in (1, 2):
        lock = ListenerLock(tmp_path)
        assert holder(tmp_path) == {}
        lock.tell({"pid": pid})
        assert holder(tmp_path) == {"pid": pid}
        lock.release()
    assert holder(tmp_path) == {}


def test_a_refused_listener_leaves_the_holders_words_alone(tmp_path: Path) -> None:
    lock = ListenerLock(tmp_path)
    lock.tell({"pid": 7})
    refused(tmp_path)
    assert holder(tmp_path) == {"pid": 7}
    lock.release()


def test_shorter_words_replace_longer_ones_whole(tmp_path: Path) -> None:
    lock = ListenerLock(tmp_path)
    lock.tell({"pid": 123456, "url": "http://127.0.0.1:8765"})
    lock.tell({"pid": 1})
    assert json.loads((tmp_path / FILE).read_text()) == {"pid": 1}
    lock.release()


def test_a_killed_listener_leaves_no_lock_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout and process.stdout.readline() == "held\n"
        assert f"pid {process.pid} on http://127.0.0.1:8765" in refused(tmp_path).message
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
    assert str(process.pid) in (tmp_path / FILE).read_text()  # its words stay behind
    assert holder(tmp_path) == {}
    assert not is_held(tmp_path)
    lock = ListenerLock(tmp_path)
    assert is_held(tmp_path) and holder(tmp_path) == {}
    lock.release()


def test_those_who_only_look_never_keep_a_listener_out(tmp_path: Path) -> None:
    """A look takes the lock for an instant, and a listener that starts in that instant waits for it."""
    (tmp_path / FILE).write_bytes(b"{}")
    over = Event()

    def look() -> None:
        while not over.is_set():
            holder(tmp_path)

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            ListenerLock(tmp_path).release()
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("words", [b"", b"{", b"[1]", b"\xff", b"null", b'{"pid":'], ids=repr)
def test_a_lock_file_that_says_nothing_sensible_is_no_obstacle(tmp_path: Path, words: bytes) -> None:
    (tmp_path / FILE).write_bytes(words)
    assert holder(tmp_path) == {}
    lock = ListenerLock(tmp_path)
    lock.release()


def test_where_no_lock_can_be_made_it_is_a_sentence(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        error = refused(folder)
        assert str(folder) in error.message
        assert "\n" not in error.message


def test_the_url_of_a_killed_listener_is_a_handlers_when_a_handler_takes_it(tmp_path: Path) -> None:
    """A handler started on the port that a killed listener had left is no loop; a listener's own URL is one."""
    with listening(folder=tmp_path) as listener:
        assert ask(listener.port, post()).status == 200
        refused = whcli("replay", "1", "--to", listener.url, folder=tmp_path)
        assert refused.code == 2 and "the listener on this very store" in refused.err
        listener.end(signal.SIGKILL)
    assert listener.url in (tmp_path / ".whcli" / FILE).read_text()
    done = whcli("replay", "1", "--to", listener.url, folder=tmp_path)
    assert done.code == 5, done.err  # nobody is there, and that is all there is against it
