"""What is handed out: a wheel and a source archive with what belongs in them, the same bytes from the same sources."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from tests.program import ROOT
from whcli import __version__

EPOCH = "1700000000"  # seconds; any moment does, so long as both builds have the same
BESIDE = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
"""What stands beside the package's own files in a wheel (PEP 427, PEP 639)."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def tracked(*places: str) -> set[str]:
    """The files under these places that git has, or would take."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *places],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if told.returncode:
        pytest.skip("this is no checkout")
    return {name for name in told.stdout.decode().split("\0") if name}


def built(kind: str, folder: Path) -> Path:
    """Build from this checkout, with hatchling as pip would."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, check=True, capture_output=True)
    [path] = folder.iterdir()
    return path


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_are_the_same_bytes(kind: str, tmp_path: Path) -> None:
    one, other = built(kind, tmp_path / "one"), built(kind, tmp_path / "other")
    assert (one.name, one.read_bytes()) == (other.name, other.read_bytes())


def test_the_wheel_holds_the_package_and_its_licence_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(built("wheel", tmp_path)) as wheel:
        names = set(wheel.namelist())
        beside = {name.partition("/")[2] for name in names if name.startswith(f"whcli-{__version__}.dist-info/")}
        licence = wheel.read(f"whcli-{__version__}.dist-info/licenses/LICENSE")
        about = message_from_string(wheel.read(f"whcli-{__version__}.dist-info/METADATA").decode())
    package = {name for name in names if ".dist-info/" not in name}
    assert package == tracked("whcli")
    assert beside == BESIDE
    assert {"whcli/py.typed", "whcli/rules/samples/stripe.toml", "whcli/__main__.py"} <= package
    assert not [name for name in package if not re.fullmatch(r"whcli/[\w/-]+\.(py|toml|json)|whcli/py\.typed", name)]
    assert licence == (ROOT / "LICENSE").read_bytes() and about["License-Expression"] == "Apache-2.0"


def test_the_source_archive_holds_what_is_needed_to_build_and_test(tmp_path: Path) -> None:
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        modes = {entry.mode & 0o7022 for entry in archive.getmembers()}
    added = {"PKG-INFO", ".gitignore"}  # hatchling's own
    files = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"}
    assert names - added == tracked("whcli", "tests", "examples") | files
    assert modes == {0}  # nobody but the owner may write, nothing runs as somebody else


def test_every_dependency_has_a_floor_and_a_reason() -> None:
    """A floor keeps an installation off what is known to be broken; what it is for stands beside it."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").partition("\ndependencies = [\n")[2].partition("\n]\n")[0]
    assert len(lines.splitlines()) == len(PROJECT["dependencies"])
    for line in lines.splitlines():
        assert re.fullmatch(r'  "[\w-]+>=[\d.]+[^"]*",  # .{10,}', line), line


def test_licences_are_named_where_people_look() -> None:
    assert PROJECT["license"] == "Apache-2.0" and PROJECT["license-files"] == ["LICENSE"]
    assert (ROOT / "LICENSE").read_text("utf-8").lstrip().startswith("Apache License")
