"""Start-up: a command imports what it needs. Watched in a fresh interpreter, by what is in `sys.modules` at its end."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import DEADLINE, environment, until
from tests.wire import ask, post
from whcli.hands.storing.store import Store
from whcli.rules.signatures.schemes import FAMILIES

RUN = """
import sys
from whcli.cli import main
try:
    main()
finally:
    sys.stderr.write("\\nLOADED " + " ".join(sorted(sys.modules)) + "\\n")
"""
HEAVY = {
    "watchfiles",
    *("uvicorn", "starlette", "httpx", "httpcore", "h11", "httptools", "uvloop", "anyio"),  # servers and clients
    *("asyncio", "ssl", "http", "email", "idna"),  # what those need
    *("rich", "pygments", "markdown_it"),  # highlighted bodies
    *("cryptography", "jmespath", "pydantic", "sqlite3", "multiprocessing", "unittest"),
}


def loaded(*arguments: str, code: int = 0) -> set[str]:
    """The modules that a command has imported by its end, with the packages they are in."""
    env = environment({"SECRET": "whsec_" + base64.b64encode(bytes(24)).decode()})
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, done.stderr
    names = done.stderr.rpartition("\nLOADED ")[2].split()
    return {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}


@pytest.fixture(autouse=True)
def here(folder: Path) -> None:
    Path("body.json").write_text("{}")
    Store(folder, create=True).close()


FIRST_ANSWER = """
import sys
from whcli.hands.listening import listener, protocol
listener.SOON = 600.0
respond = protocol.Exchange.respond
def first(exchange, reply):
    respond(exchange, reply)
    sys.stderr.write("\\nLOADED " + " ".join(sorted(sys.modules)) + "\\n")
    sys.stderr.flush()
protocol.Exchange.respond = first
from whcli.cli import main
main()
"""
"""A listener whose threads behind the acknowledgements wait for the first answer, however long it takes to come."""
LATER = {
    *(
        "rules.recognition.detect",
        "rules.recognition.providers",
        "rules.signatures.generic",
    ),
    *("rules.signatures.digests", "rules.conduct.schedules", "rules.replaying", "rules.outgoing", "rules.match"),
    *("rules.redaction.names", "rules.retention", "rules.searching", "hands.sending", "hands.certificates"),
    *("hands.storing.index", "hands.storing.listing", "hands.storing.retention", "hands.storing.upkeep"),
    *("hands.listening.forwarder", "hands.listening.keeper", "hands.listening.secure", "commands.rm"),
}
"""What no ordinary answer needs: it is read in behind the first, or never."""


def answering(body: bytes) -> set[str]:
    """The modules of a listener when its first answer goes out."""
    line = [sys.executable, "-c", FIRST_ANSWER, "listen", "--port", "0", "--ready-file", "ready.json", "--count", "1"]
    env = environment({"WHCLI_SECRET_ZOOM": "x"})
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            until(lambda: Path("ready.json").exists() or process.poll() is not None)
            port = int(json.loads(Path("ready.json").read_text())["url"].rpartition(":")[2])
            assert ask(port, post(body)).status == 200
            _, said = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    return set(said.partition("\nLOADED ")[2].partition("\n")[0].split())


SIGN = ("--secret", "env:SECRET", "--body-file", "body.json")
LIGHT: dict[str, tuple[tuple[str, ...], int, set[str]]] = {  # arguments, exit code, what it does need
    "--version": (("--version",), 0, set()),
    "--help": (("--help",), 0, set()),
    "a command's help": (("listen", "--help"), 0, set()),
    "an unknown command": (("lsten",), 2, set()),
    "list": (("list",), 0, {"sqlite3"}),
    "list --json": (("list", "--json"), 0, {"sqlite3"}),
    "show": (("show", "1"), 3, {"sqlite3"}),
    "rm": (("rm", "1"), 3, {"sqlite3"}),
    "sign github": (("sign", "github", *SIGN), 0, set()),
    "sign stripe": (("sign", "stripe", *SIGN), 0, set()),
    "sign svix": (("sign", "svix", *SIGN), 0, set()),
    "verify github": (("verify", "--scheme", "github", *SIGN), 1, set()),
    "verify slack": (("verify", "--scheme", "slack", *SIGN), 1, set()),
}


@pytest.mark.parametrize(("arguments", "code", "needs"), LIGHT.values(), ids=LIGHT.keys())
def test_a_light_command_imports_nothing_heavy(arguments: tuple[str, ...], code: int, needs: set[str]) -> None:
    assert loaded(*arguments, code=code) & HEAVY <= needs


def test_version_is_answered_before_typer_is_loaded() -> None:
    assert "typer" not in loaded("--version")


@pytest.mark.parametrize(
    ("scheme", "family"), [("github", "plain"), ("stripe", "timed"), ("svix", "standard"), ("gitlab", "static")]
)
def test_signing_reads_the_rows_of_one_family_alone(scheme: str, family: str) -> None:
    modules = loaded("sign", scheme, *SIGN)
    families = {name.rpartition(".")[2] for name in modules if name.startswith("whcli.rules.signatures.schemes.")}
    assert families & set(FAMILIES) == {family}


def test_only_the_named_command_is_loaded() -> None:
    commands = {name for name in loaded("list") if name.startswith("whcli.commands.")}
    assert commands == {"whcli.commands.list_events", "whcli.commands.options", "whcli.commands.sections"}


@pytest.mark.parametrize("arguments", [("--help",), ("lst",), ("--lst", "list")])
def test_the_names_of_commands_need_none_of_them(arguments: tuple[str, ...]) -> None:
    code = 0 if arguments == ("--help",) else 2
    assert not [name for name in loaded(*arguments, code=code) if name.startswith("whcli.commands.")]


def test_the_watch_sees_what_is_imported() -> None:
    """A test that cannot fail would prove nothing: `--where` does need jmespath."""
    assert "jmespath" in loaded("list", "--where", "body.a")


def test_words_are_searched_by_a_room_that_no_other_listing_loads() -> None:
    assert "whcli.rules.searching" not in loaded("list", "--type", "push")
    assert "whcli.rules.searching" in loaded("list", "--search", "word")


def test_a_signature_is_checked_without_the_store() -> None:
    assert not [name for name in loaded("verify", "--scheme", "github", *SIGN, code=1) if "storing" in name]


def test_a_listener_answers_before_it_reads_in_what_no_answer_needs() -> None:
    modules = answering(b"{}")
    assert "whcli.hands.listening.writer" in modules
    assert sorted(modules & {f"whcli.{name}" for name in LATER}) == []
    assert not modules & {"hashlib", "hmac", "secrets", "httpx", "rich", "pygments", "starlette", "cryptography"}


def test_what_an_answer_does_need_is_there_for_the_first() -> None:
    """Zoom's question is answered with an HMAC; and the watch above sees what is read in."""
    question = b'{"event":"endpoint.url_validation","payload":{"plainToken":"a"}}'
    assert {"hashlib", "whcli.rules.signatures.digests"} <= answering(question)
