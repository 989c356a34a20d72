"""What every test may count on: nothing here can touch the developer's own stores, configuration or secrets."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.program import Done

ROOT = Path(__file__).parent.parent
OURS = ("WHCLI_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR")
FOUND_UPWARDS = (".whcli", "whcli.toml")

settings.register_profile("whcli", deadline=None, print_blob=True)  # a busy machine is no failure; a failure replays
settings.load_profile("whcli")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's `&` leaves it, for every command started here too
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as nohup leaves it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> Generator[None, int, int]:
    """Where whole folders are run one process more than there are processors: a third of the time is waiting.

    None beside this one for a file, which so starts at once, and for what `-k` or `-m` chooses: slow proofs measure.
    """
    processors = yield
    chosen = config.option.keyword or config.option.markexpr != "not sdk"
    return processors + 1 if all(Path(each).is_dir() for each in config.args) and not chosen else 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Proofs that take minutes run only when the command line speaks of them: `-m slow`."""
    if "slow" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("slow"):  # a case whose id is "slow" is none
                item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))


@pytest.fixture(autouse=True)
def shelter(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory and home, none of our variables, and the package found from any directory."""
    above = [folder / name for folder in tmp_path.parents for name in FOUND_UPWARDS if (folder / name).exists()]
    assert not above, f"{above[0]} would be found by going up from the tests' folders; move it away"
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("whcli.words.secret._KNOWN", set())  # a process of its own would know no other test's secrets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a store may be made; nothing is there yet."""
    return tmp_path / ".whcli"


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that belongs to nobody, in one that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def replay(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """The command in this process: `replay("1", "--to", url)`; all secrets are known."""
    from tests.handlers import SECRETS, SVIX
    from tests.program import seen
    from whcli.cli import run

    for name, value in SECRETS.items():
        monkeypatch.setenv(f"WHCLI_SECRET_{name.upper()}", value)
    monkeypatch.setenv("WHCLI_SECRET_SVIX", SVIX)

    def called(*arguments: str) -> Done:
        capsys.readouterr()
        code = run(["replay", *arguments])
        said = capsys.readouterr()
        return seen(code, said.out.encode(), said.err.encode())

    return called
