"""Tab: what is offered, and that real shells take it: bash, zsh and fish with the scripts loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import environment, until, whcli
from tests.test_look import store_with
from tests.test_startup import HEAVY, loaded
from whcli.commands.completion import SCRIPTS
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

TARGETS = '[targets]\napp = "http://localhost:3000/webhooks"\napi = "http://localhost:4000"\n'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A project with two targets and twelve events, and the program on PATH."""
    (tmp_path / "whcli.toml").write_text(TARGETS)
    store_with(tmp_path, *[(b"/hooks/%d" % n, b"{}") for n in range(12)])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "whcli").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m whcli "$@"\n')
    (tmp_path / "bin" / "whcli").chmod(0o755)
    return tmp_path


def shell(folder: Path) -> dict[str, str]:
    """The environment of a shell that finds the program."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return environment({"PATH": path, "HOME": str(folder), "TERM": "xterm", "PS1": "> ", "LC_ALL": "C.UTF-8"})


def offered(folder: Path, *words: str) -> list[str]:
    """The words that are offered for the last one, without what they are."""
    done = whcli("__complete", *words, folder=folder)
    assert done.code == 0 and done.err == ""
    return [line.partition("\t")[0] for line in done.out.splitlines()]


# -- what is offered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("sho",), ["show"]),
        (("show", ""), ["latest", "all", "12", "11", "1"]),
        (("replay", "1"), ["12", "11", "10", "1"]),
        (("diff", "1", "la"), ["latest"]),
        (("rm", "3", "4"), ["4"]),
        (("sign", "strip"), ["stripe"]),
        (("verify", "--scheme", "gitlab"), ["gitlab-signing", "gitlab"]),
        (("schemes", "ke"), ["keygen"]),
        (("schemes", "show", "pag"), ["pagerduty"]),
        (("replay", "1", "--resign", "sli"), []),
        (("send", "gith"), ["github"]),
        (("send", "github", "pu"), ["push", "pull_request.opened"]),
        (("send", "github", "push", "--to", "a"), ["app", "api"]),
        (("replay", "1", "--to=a"), ["--to=app", "--to=api"]),
        (("listen", "--forward", ""), ["app", "api"]),
        (("handshake", "sl"), ["slack"]),
        (("list", "--provider", "strip"), ["stripe"]),
        (("list", "--signature", "in"), ["invalid"]),
        (("list", "--fields", "id,ty"), ["id,type"]),
        (("list", "--fi"), ["--fields"]),
        (("wait", "--from"), ["--from-now"]),
        (("help", "exit"), ["exit-codes"]),
        (("help", "repl"), ["replay"]),
        (("schema", "asser"), ["assertion"]),
        (("completion", "z"), ["zsh"]),
        (("ls", "--color", "al"), ["always"]),
    ],
    ids=" ".join,
)
def test_what_can_stand_at_the_cursor(here: Path, words: tuple[str, ...], some: list[str]) -> None:
    found = offered(here, *words)
    assert [word for word in found if word in some] == sorted(some, key=found.index), found
    assert set(some) <= set(found) and (some or not found)


def test_an_event_says_what_it_is(here: Path) -> None:
    lines = whcli("__complete", "show", "12", folder=here).out.splitlines()
    assert len(lines) == 1 and lines[0].startswith("12\tPOST /hooks/11 – –, ") and lines[0].endswith(" ago")


def test_an_event_is_offered_by_its_uid_as_soon_as_a_letter_is_typed(here: Path) -> None:
    with Store(here / ".whcli") as store:
        uid = store.uids(1)[0]
    assert uid in offered(here, "show", uid[:10])
    assert (uid[:10].lower() + uid[10:]) in offered(here, "show", uid[:10].lower())


def test_the_formats_of_an_export_are_offered(here: Path) -> None:
    assert offered(here, "export", "1", "--format", "j") == ["json", "jsonl"]


def test_a_type_that_came_is_offered(here: Path) -> None:
    from whcli.hands.storing.waiting import settled
    from whcli.words.event import Facts

    with Store(here / ".whcli") as store:
        event = store.event(1)
        assert event is not None
        store.note([(event, Facts(provider="acme", type="order.paid"))])
        settled(store)
    assert offered(here, "wait", "--type", "or") == ["order.paid"]
    assert offered(here, "list", "--provider", "acm") == ["acme"]


def test_where_a_file_belongs_nothing_is_offered(here: Path) -> None:
    assert offered(here, "sign", "stripe", "--body-file", "") == []
    assert offered(here, "show", "./ho") == []


def test_a_trouble_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    assert offered(tmp_path, "show", "") == ["latest", "all"], "there is no store"
    (tmp_path / "whcli.toml").write_text("nonsense")
    assert offered(tmp_path, "sign", "") == []
    assert offered(tmp_path, "unheard", "of", "") == []


def test_what_a_stranger_sent_cannot_become_a_command_on_the_line(tmp_path: Path) -> None:
    """A shell runs what stands on its line."""
    from whcli.words.event import Facts

    wrong = ("$(touch pwned)", "`id`", "a;b", "a b", "x\nrm", "-rf", "--store", "'q", 'q"', "\x1b[2J", "a&b", "ok.type")
    with Store(tmp_path / ".whcli", create=True) as store:
        head = b"POST / HTTP/1.1\r\n\r\n"
        for id in store.add([Arrival(1.0, head, b"POST", b"/", b"", (), None)] * len(wrong)):
            event = store.event(id)
            assert event is not None
            store.note([(event, Facts(provider="p\x1b[2J", type=wrong[id - 1]))])
    words = offered(tmp_path, "list", "--type", "")
    assert [word for word in words if not word.startswith("-")] == ["ok.type"]
    about = whcli("__complete", "show", "", folder=tmp_path).out
    assert "\x1b" not in about and "$(touch" in about, "what it is, is shown and never run"


def test_a_line_is_split_as_bash_would(here: Path) -> None:
    for line, first in (
        ("whcli sig", "sign"),
        ("whcli show 'late", "latest"),
        ("FOO=1 ./bin/whcli show late", "latest"),
        ("whcli replay 1 --to=ap", "--to=app"),
    ):
        assert whcli("__complete", "--line", line, folder=here).out.splitlines()[0] == first


def test_a_tab_imports_only_what_it_needs(here: Path) -> None:
    os.chdir(here)
    assert loaded("__complete", "--line", "whcli sh") & (HEAVY | {"typer"}) == set()
    assert loaded("__complete", "--line", "whcli sign str") & HEAVY == set()
    assert loaded("__complete", "--line", "whcli show 1") & HEAVY == {"sqlite3"}
    assert {name for name in loaded("__complete", "show", "1") if name.startswith("whcli.commands.")} == {
        "whcli.commands.options",
        "whcli.commands.show",
        "whcli.commands.completing",
        "whcli.commands.sections",
    }


# -- the scripts, in the shells themselves --------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_printed_and_no_file_touched(tmp_path: Path, name: str) -> None:
    done = whcli("completion", name, folder=tmp_path)
    assert done.code == 0 and done.out == SCRIPTS[name] and not list(tmp_path.iterdir())
    [line] = whcli("completion", name, "--json", folder=tmp_path).lines
    assert line == {"schema": "whcli.completion/1", "shell": name, "script": SCRIPTS[name]}


def test_another_shell_is_told_which_there_are(tmp_path: Path) -> None:
    done = whcli("completion", "zhs", folder=tmp_path)
    assert done.code == 2 and "did you mean: 'zsh'" in done.err and "bash|zsh|fish" in done.err


def in_bash(folder: Path, line: str, breaks: str = "\" \t\n'><=;|&(:") -> list[str]:
    """What bash's own machinery gets for a line, its words split at COMP_WORDBREAKS as readline does."""
    import re

    words: list[str] = re.findall(r"[=:]+|[^\s=:]+", line) + ([""] if line[-1] in " =:" else [])
    if not set("=:") & set(breaks):
        words = line.split(" ")
    given = " ".join(f"'{word}'" for word in words)
    script = f"""
        eval "$(whcli completion bash)"
        COMP_WORDBREAKS=$'{breaks.encode("unicode_escape").decode().replace("'", chr(92) + "'")}'
        COMP_LINE='{line}' COMP_POINT={len(line)} COMP_WORDS=({given}) COMP_CWORD={len(words) - 1}
        complete -p whcli >&2
        _whcli_complete whcli
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, env=shell(folder), capture_output=True, text=True, timeout=60
    )
    assert "-F _whcli_complete whcli" in done.stderr, done.stderr
    return [word for word in done.stdout.splitlines() if word]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("whcli sho", ["show"]),
        ("whcli show l", ["latest"]),
        ("whcli replay 1 --to=a", ["app", "api"]),
        ("whcli replay 1 --to a", ["app", "api"]),
        ("whcli list --fields id,ty", ["id,type"]),
        ("whcli sign stripe --body-file ", []),
    ],
)
def test_bash(here: Path, line: str, words: list[str]) -> None:
    assert in_bash(here, line) == words


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_that_does_not_split_at_an_equals_sign(here: Path) -> None:
    assert in_bash(here, "whcli replay 1 --to=a", breaks=" \t\n") == ["--to=app", "--to=api"]


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("whcli sho", ["show\tShow one event: headers, body, and what was sent for it."]),
        ("whcli show l", ["latest\tthe newest event"]),
        ("whcli replay 1 --to=a", ["--to=api\thttp://localhost:4000", "--to=app\thttp://localhost:3000/webhooks"]),
        ("whcli sign stripe --body-file whcli.t", ["whcli.toml"]),
    ],
)
def test_fish(here: Path, line: str, words: list[str]) -> None:
    script = f"whcli completion fish | source; complete -C '{line}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], cwd=here, env=shell(here), capture_output=True, text=True, timeout=60
    )
    assert sorted(done.stdout.splitlines()) == words, done.stderr


class Typing:
    """A shell on a terminal of its own, typed into as a person does."""

    def __init__(self, folder: Path, *command: str) -> None:
        import pty

        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], list(command), shell(folder))
        self.seen = b""

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def sees(self, text: str) -> bool:
        import select

        while select.select([self.file], [], [], 0)[0]:
            self.seen += os.read(self.file, 65536)
        return text.encode() in self.seen

    def end(self) -> None:
        import signal

        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


INTERACTIVE = {
    "bash": (("bash", "--norc", "--noprofile", "-i"), 'eval "$(whcli completion bash)"; echo loa""ded\n'),
    "zsh": (("zsh", "-f", "-i"), 'autoload -U compinit; compinit -u; eval "$(whcli completion zsh)"; echo loa""ded\n'),
}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("name", INTERACTIVE)
def test_a_person_presses_tab(here: Path, name: str) -> None:
    command, load = INTERACTIVE[name]
    if not shutil.which(name):
        pytest.skip(f"no {name} here")
    (here / "whcli.toml").write_text('[targets]\nweb = "http://localhost:3000"\n')
    program = here / "bin" / "whcli"
    asked = 'case "$1" in __complete|completion) ;; *) echo "RAN: $*"; exit;; esac\nexec'
    program.write_text(program.read_text().replace("exec", asked))
    typing = Typing(here, *command)
    try:
        typing.type(load)
        until(lambda: typing.sees("loaded"), 60)
        typing.type("whcli replay lat\t--to=we\t--dry-r\t\n")
        until(lambda: typing.sees("RAN: replay latest --to=web --dry-run"), 60)
        typing.type("whcli schemes keyg\tdisc\t\n")
        until(lambda: typing.sees("RAN: schemes keygen discord"), 60)
        typing.type("whcli list --signature \t\t")
        until(lambda: typing.sees("no_secret") and typing.sees("unsigned"), 60)
    finally:
        typing.end()
