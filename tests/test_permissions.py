"""Whatever the umask: what whcli makes is its owner's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.program import listening, whcli
from tests.wire import ask, post

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


def modes(folder: Path) -> dict[str, int]:
    """The permissions of all that a folder holds, and of itself."""
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder.parent)): stat.S_IMODE(path.lstat().st_mode) for path in paths}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_store_log_lock_spool_and_copies_are_closed_to_others(tmp_path: Path, mask: int) -> None:
    old = os.umask(mask)
    try:
        with listening(folder=tmp_path) as listener:
            assert ask(listener.port, post(body=bytes(600_000))).status == 200  # by way of the spool
            assert ask(listener.port, post(body=b"{}")).status == 200
            assert whcli("store", "backup", "copy.db", folder=tmp_path).code == 0
            assert whcli("list", "--json", folder=tmp_path).code == 0
            beside = modes(tmp_path / ".whcli")
            assert listener.end().code == 0
        assert whcli("store", "vacuum", folder=tmp_path).code == 0
        exported = whcli("export", "all", "-o", "fixtures", folder=tmp_path)
    finally:
        os.umask(old)
    assert {f".whcli/{name}" for name in ("store.db", "store.db-wal", "store.db-shm", "listener.lock")} <= beside.keys()
    for name, mode in {**beside, **modes(tmp_path / ".whcli")}.items():
        assert mode == (0o700 if (tmp_path / name).is_dir() else 0o600), (name, oct(mode))
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert exported.code == 0, exported.err
    for name, mode in modes(tmp_path / "fixtures").items():
        assert mode & 0o077 == 0 or (tmp_path / name).is_dir(), (name, oct(mode))
