"""The commit that a handler's folder stands on, as git itself says it; and nothing else that a `.git` may hold."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from whcli.hands.sending.checkout import revision

AS_NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": "/nonexistent"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **AS_NOBODY}
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def test_it_is_what_git_says_on_a_branch_packed_detached_and_in_a_worktree(repository: Path) -> None:
    inner = repository / "a" / "b"
    inner.mkdir(parents=True)
    assert revision(inner) == git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    assert revision(inner) == git(repository, "rev-parse", "HEAD")
    git(repository, "worktree", "add", "-q", "-b", "other", "../other")
    git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert revision(repository.parent / "other") == git(repository, "rev-parse", "HEAD~1")
    git(repository, "checkout", "-q", "--detach")
    assert revision(repository) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("way", ["HEAD itself", "a ref by its whole path", "a ref by its way up", "a link", "a commit"])
def test_a_file_that_a_planted_folder_points_to_is_not_read_out(tmp_path: Path, way: str) -> None:
    secret = tmp_path / "id_ed25519"
    secret.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    planted = tmp_path / "project" / ".git"
    planted.mkdir(parents=True)
    if way in ("HEAD itself", "a link"):
        (planted / "HEAD").symlink_to(secret if way == "HEAD itself" else "/dev/zero")
    else:
        names = {"a ref by its whole path": f"ref: {secret}", "a ref by its way up": "ref: ../../id_ed25519"}
        (planted / "HEAD").write_text(names.get(way, "a\x1b[2J"))
    assert revision(planted.parent) is None
