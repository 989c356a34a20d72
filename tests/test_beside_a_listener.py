"""Commands that open a store while a listener writes to it: what comes after them is kept as well.

A process that opens and closes the database file by itself takes its own SQLite locks away; the next one to close the
store would then take itself for the last, and delete the log that the listener writes to.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.receivers import Receiver
from tests.wire import ask, post

ENV = {"WHCLI_SECRET_GITHUB": "hush"}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("list",), 0),
        (("list", "--cursor"), 0),
        (("wait",), 0),
        (("assert",), 0),
        (("show", "1"), 0),
        (("verify", "1"), 1),
        (("replay", "1", "--to", "HANDLER"), 0),
        (("handshake", "slack", "--to", "LISTENER"), 0),
        (("rm", "1", "--yes"), 0),
        (("store", "info"), 0),
        (("store", "backup", "copy.db"), 0),
        (("store", "vacuum"), 7),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_arrives_after_it_survives_a_kill(tmp_path: Path, command: tuple[str, ...], code: int) -> None:
    with Receiver() as handler, listening(folder=tmp_path, env=ENV) as listener:
        assert ask(listener.port, post(target=b"/before")).status == 200
        places = {"HANDLER": handler.url, "LISTENER": listener.url + "/asked"}
        done = whcli(*(places.get(word, word) for word in command), folder=tmp_path, env=ENV)
        assert done.code == code, done.err
        assert (tmp_path / ".whcli" / "store.db-wal").exists()
        for number in range(3):
            assert ask(listener.port, post(target=b"/after%d" % number)).status == 200
        assert listener.end(signal.SIGKILL).err.count("Traceback") == 0
    paths = [event["target"] for event in whcli("list", "--json", folder=tmp_path).lines]
    assert paths[-3:] == ["/after0", "/after1", "/after2"]


def test_who_ends_last_leaves_no_log_behind(tmp_path: Path) -> None:
    """What is in the log of a store that nobody has open belongs into its database."""
    log = tmp_path / ".whcli" / "store.db-wal"
    with listening(folder=tmp_path) as program:
        ask(program.port, post())
        assert log.exists()
        program.end()
    assert not log.exists()
    assert whcli("rm", "1", folder=tmp_path).code == 0
    assert not log.exists()
