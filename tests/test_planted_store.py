"""A `.whcli` that came along with a project: nothing is written to where its links lead, nothing in it is run."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.wire import ask, post
from whcli.hands.storing.private import WRITTEN

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links are for everybody only on POSIX")

COMMANDS = (
    ("listen", "--port", "0", "--timeout", "1s"),
    ("listen", "--port", "0", "--timeout", "1s", "--tls"),
    ("store", "vacuum"),
    ("list",),
    ("export", "all", "-o", "-"),
    ("rm", "1"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a store that holds one event."""
    folder = tmp_path / "project"
    folder.mkdir()
    with listening(folder=folder) as listener:
        assert ask(listener.port, post(body=b'{"mail":"ann@example.org"}')).status == 200
        assert listener.end().code == 0
    return folder


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("leads", ["to a file", "to a database", "to a folder", "nowhere"])
def test_a_link_in_place_of_a_file_of_ours_is_refused_and_not_followed(project: Path, name: str, leads: str) -> None:
    victim = project.parent / "victim"
    if leads == "to a file":
        victim.write_text("precious")
    elif leads == "to a database":
        with sqlite3.connect(victim) as db:
            db.execute("CREATE TABLE words (text)")
        db.close()
    elif leads == "to a folder":
        victim.mkdir()
    before = victim.read_bytes() if victim.is_file() else None
    planted = project / ".whcli" / name
    if planted.is_dir():
        planted.rmdir()
    planted.unlink(missing_ok=True)
    planted.symlink_to(victim)
    for command in COMMANDS:
        done = whcli(*command, folder=project)
        assert done.code in (3, 7), (command, done)  # 3: no event, no certificate
        assert "Traceback" not in done.err
    done = whcli("listen", "--port", "0", folder=project)
    assert done.code == 7 and f"{name} is a link" in done.err, done.err
    assert (victim.read_bytes() if victim.is_file() else None) == before
    assert sorted(path.name for path in project.parent.iterdir()) == ["project", *(["victim"] * (leads != "nowhere"))]
    assert not victim.is_dir() or not list(victim.iterdir())


def test_a_folder_that_is_a_link_keeps_its_other_files_as_they_are(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    (other / "page.html").write_text("<p>")
    (other / "page.html").chmod(0o644)
    (tmp_path / ".whcli").symlink_to(other)
    with listening(folder=tmp_path) as listener:
        assert ask(listener.port, post()).status == 200
        assert listener.end().code == 0
    assert stat.S_IMODE((other / "page.html").stat().st_mode) == 0o644
    assert stat.S_IMODE(other.stat().st_mode) == 0o755
    assert stat.S_IMODE((other / "store.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER planted AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "CREATE VIEW planted AS SELECT 1",
    ],
    ids=["a trigger", "a view"],
)
def test_a_store_that_does_something_by_itself_is_refused(project: Path, planted: str) -> None:
    db = sqlite3.connect(project / ".whcli" / "store.db")
    db.execute(planted)
    db.commit()
    db.close()
    before = (project / ".whcli" / "store.db").read_bytes()
    for command in (("listen", "--port", "0", "--timeout", "1s"), ("list",)):
        done = whcli(*command, folder=project)
        assert done.code == 7 and "another program's database" in done.err, done.err
    assert (project / ".whcli" / "store.db").read_bytes() == before
