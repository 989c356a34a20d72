"""The shape of the house: who may import whom, who stays pure, who speaks.

`ROOMS` is the order: a module imports only from floors below, or from rooms written above it on its own floor. So
there can be no circle, and a room can be read without the rooms below it on the list. A new module takes its place
here; until then these tests fail.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import whcli

PACKAGE = Path(whcli.__file__).parent

ROOMS: dict[str, str] = {
    "words": "record errors event fixture head secret",
    "rules": """
        text near ulid jsontext signatures.scheme signatures.digests signatures.timestamps signatures.structured
        signatures.params signatures.contents body signatures.keys signatures.asymmetric signatures.schemes
        signatures.carried signatures.weighing signatures.generic signatures.covered signatures.custom
        signatures.signing signatures.testsecrets
        signatures.schemes.* signatures
        recognition.providers recognition.marks recognition.detect recognition
        replaying.times conduct.schedules conduct.handshakes conduct.challenges conduct
        references searching trusting routes retention match archive.records archive
        target credentials outgoing redaction.names masking assertions
        loops curl replies lines present compare fields
        replaying.resign replaying.jsonedit replaying.edits replaying.edit replaying.newid replaying.shift
        samples.fresh samples
        replaying.chance replaying.pace replaying.plan replaying.report replaying.noise replaying.probe
        replaying.replies_differ replaying
        testing.expectation testing.snapshot testing.result testing.actions testing
        autopsy.tokens autopsy.numbers autopsy.styles autopsy.printers autopsy.guesses autopsy.forms autopsy.bodies
        autopsy.secretforms autopsy.urls autopsy.headings autopsy.signed autopsy.diagnosis autopsy.causes
        autopsy.search autopsy.answers autopsy.received autopsy
        archive.payload archive.fixture archive.foreign archive.http archive.har archive.words archive.shell
        archive.reading archive.formats
        redaction.kinds redaction.pseudonyms redaction.known redaction.views redaction.texts
        redaction.requests redaction
        schemas.shapes schemas
        checkup.check checkup.secrets checkup.moments checkup
    """,
    "hands": """
        places loops filelimit
        storing.transaction storing.migrations storing.private storing.opening storing.rows storing.reading
        storing.index storing.narrowing storing.listing storing.database storing.finding storing.store
        storing.upkeep storing.retention
        listening.behind listening.bodies listening.framing listening.spool listening.connections listening.writer
        listening.lock storing.waiting storing.judging storing.examination storing
        machine config vouching certificates keyring files given fixtures events redacting outlet render sending.samples
        sending.issuer sending.checkout listening.replying listening.protocol listening.secure listening.server
        listening.plan listening.answering sending.deadlines sending.wire sending.through_httpx sending.client
        sending.deliver sending.sender sending.replayer sending app listening.life listening.forwarding
        listening.retrying listening.forwarder listening.follower listening.printer listening.indexer listening.keeper
        listening.listener listening.thread listening
        testing.received testing.secrets testing.inbox testing.listener testing.sender testing
    """,
    "commands": """
        options sections signatures rm trust deliveries tls
        listening.lines listening.session listening.limits listening.doors listening.plan listening
        replaying.proof replaying.proving replaying.asked replaying.bar replaying.account replaying.run
        replaying.sense replaying.comparison replaying.watching replaying.start replaying testing.chosen testing.run
        testing.telling testing checking.store checking.setup checking.machine checking
        listen store doctor list_events wait assert_events show diff replay test send sign verify schemes handshake
        export import_events fixtures demo_handler demo schema help_topics completing completion
    """,
}
"""Floor -> its rooms in order. `schemes.*` are the rows by family and the schemes with code of their own: `schemes` and
`signing` load them by name, nobody imports them, so that their order does not matter."""

DOORS = ("library", "pytest_plugin", "cli", "__main__")
"""Above all floors: what programs import, the fixtures of tests; names, order, and the one error translation."""

UPWARDS = {("commands.help_topics", "cli"), ("commands.completing", "cli")}
"""Who asks for the command line itself, inside a function: `whcli help COMMAND` runs that command with `--help`, and a
shell's Tab asks which commands and options there are."""

IMPURE = """
    asyncio builtins concurrent ctypes fcntl getpass glob http io locale logging multiprocessing os pathlib platform
    random resource secrets select selectors shutil signal socket sqlite3 ssl subprocess sys tempfile threading time
    urllib.request httpx httptools rich starlette typer uvicorn uvloop
"""
"""What floors 0 and 1 do not import: the outside world, the clock, chance."""

ASKS = {"open", "print", "input", "exec", "eval", "breakpoint"}
WRITES = {"words.record": {"exec"}}
"""Who compiles functions of its own making: as the standard library's dataclasses do, from names of fields alone."""

ASKS_OF = {
    "now",
    "today",
    "utcnow",
    "uuid1",
    "uuid4",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "urandom",
}
"""Functions, and methods, that would reach around that."""

SPEAKERS = {
    "hands.render": "the streams themselves",
    "hands.config": "asks for a secret without echo, warns about a literal one",
    "hands.storing.private": "says what it closed to other users",
    "cli": "help and version before anything is loaded, and the last flush",
    "commands.rm": "asks on a terminal",
    "commands.show": "exact bytes",
    "commands.sign": "exact bytes",
    "commands.demo": "the line that its handler tells its parent; its child's streams",
}
"""Rooms that touch stdout or stderr themselves, and why; everybody else goes through `render`."""


# -- what there is --------------------------------------------------------------------------------------------------


def name_of(path: Path) -> str:
    """`rules/autopsy/__init__.py` is `rules.autopsy`; the package itself is the empty name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {name_of(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = {name_of(path) for path in PACKAGE.rglob("__init__.py")}


def imports(name: str) -> Iterator[str]:
    """Everything that a module imports, wherever the statement stands: ours as `rules.text`, others as `json`."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".") if name in PACKAGES else name.split(".")[:-1]
            base = [*above[: len(above) - node.level + 1], *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                yield inner if inner in TREES else ".".join(base)


def ours(name: str) -> set[str]:
    """The rooms that a module imports."""
    return {each for each in imports(name) if each in TREES and each}


# -- the order ------------------------------------------------------------------------------------------------------


def places() -> dict[str, tuple[int, int]]:
    """Each listed room's floor and place."""
    listed = [
        (f"{floor}.{room}", (number, place))
        for number, (floor, rooms) in enumerate(ROOMS.items())
        for place, room in enumerate(rooms.split())
    ]
    return {**dict(listed), **{door: (len(ROOMS), place) for place, door in enumerate(DOORS)}}


PLACES = places()


def place(name: str) -> tuple[int, int]:
    """A room's place, its own or that of its kind (`schemes.*`); raises KeyError for a room that is not listed."""
    return PLACES[name] if name in PLACES else PLACES[name.rpartition(".")[0] + ".*"]


def is_listed(name: str) -> bool:
    try:
        return place(name) is not None
    except KeyError:
        return False


def wrong(name: str, imported: set[str]) -> list[str]:
    """The imports that do not go downwards."""
    return [f"{name} imports {each}" for each in sorted(imported) if is_listed(each) and place(each) >= place(name)]


def test_every_room_is_listed_and_every_listed_room_is_there() -> None:
    houses = {"", *ROOMS}
    unlisted = {name: sorted(ours(name)) for name in TREES if name not in houses and not is_listed(name)}
    assert not unlisted, "give them their place in ROOMS, behind what they import"
    gone = [name for name in PLACES if name not in TREES and not name.endswith(".*")]
    assert not gone, "take them out of ROOMS"


def test_a_room_is_listed_once() -> None:
    for rooms in ROOMS.values():
        assert len(set(rooms.split())) == len(rooms.split())


@pytest.mark.parametrize("name", [name for name in TREES if is_listed(name)])
def test_a_room_imports_only_from_below(name: str) -> None:
    allowed = {imported for importer, imported in UPWARDS if importer == name}
    assert not wrong(name, ours(name) - allowed)


def test_every_exception_is_needed() -> None:
    for importer, imported in UPWARDS:
        assert imported in ours(importer)


@pytest.mark.parametrize("name", ROOMS)
def test_a_floors_own_folder_holds_nothing_but_its_docstring(name: str) -> None:
    """Whatever a room needs it names itself; the package would be loaded with every room."""
    body = [node for node in TREES[name].body if not isinstance(node, ast.Assign)]
    assert len(body) == 1 and ast.get_docstring(TREES[name])


def test_the_package_itself_imports_nothing_until_a_name_is_asked_for() -> None:
    """What stands under TYPE_CHECKING is for type checkers alone."""
    docstring, *rest = TREES[""].body
    kinds = [type(node) for node in rest if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    assert isinstance(docstring, ast.Expr) and set(kinds) == {ast.Assign, ast.If}
    [unseen] = [node for node in rest if isinstance(node, ast.If)]
    assert ast.unparse(unseen.test) == "TYPE_CHECKING" and not whcli.TYPE_CHECKING
    assert {type(node) for node in unseen.orelse} == {ast.FunctionDef}


def test_the_watch_sees_what_is_wrong() -> None:
    assert wrong("rules.text", {"rules.match"}) == ["rules.text imports rules.match"]
    assert wrong("rules.text", {"hands.storing.store"}) == ["rules.text imports hands.storing.store"]
    assert wrong("words.event", {"words.event"}) == ["words.event imports words.event"]
    assert wrong("rules.match", {"rules.text", "words.errors"}) == []
    assert wrong("rules.signatures.schemes.plain", {"rules.signatures.schemes.static"}) == [
        "rules.signatures.schemes.plain imports rules.signatures.schemes.static"
    ]
    assert not is_listed("rules.unheard_of")


def test_the_watch_sees_every_kind_of_import() -> None:
    assert {"hands.config", "hands.storing.store", "hands.render", "rules.archive"} <= ours(
        "commands.list_events"
    )  # in functions
    assert {"rules.recognition.detect", "words.event", "hands.storing.opening"} <= ours("hands.storing.reading")
    assert "rules.autopsy.search" in ours("rules.autopsy")
    assert "cli" in ours("commands.help_topics")  # from .. import cli


# -- purity ---------------------------------------------------------------------------------------------------------

PURE = [name for name in TREES if name.startswith(("words", "rules"))]


def heads(name: str) -> set[str]:
    """`urllib.request` as itself and as `urllib`."""
    found = {each for each in imports(name) if each not in TREES}
    return found | {each.partition(".")[0] for each in found}


@pytest.mark.parametrize("name", PURE)
def test_floors_0_and_1_have_no_way_outside(name: str) -> None:
    assert not heads(name) & set(IMPURE.split())
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ASKS - WRITES.get(name, set()), f"line {node.lineno}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ASKS_OF, f"line {node.lineno}"


def test_only_the_schemes_load_a_module_by_name() -> None:
    assert [name for name in PURE if "importlib" in heads(name)] == [
        "rules.signatures.schemes",
        "rules.signatures.signing",
    ]


# -- who speaks -----------------------------------------------------------------------------------------------------


def speaks(name: str) -> bool:
    """Whether a room prints, or names `sys.stdout` or `sys.stderr`."""
    return any(
        ast.unparse(node) in ("print", "sys.stdout", "sys.stderr")
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Name | ast.Attribute)
    )


def test_only_these_rooms_touch_the_streams() -> None:
    assert {name for name in TREES if speaks(name)} == set(SPEAKERS)


def test_only_the_store_speaks_sql() -> None:
    assert {name for name in TREES if "sqlite3" in heads(name)} == {
        "hands.storing.database",
        "hands.storing.rows",
        "hands.storing.reading",
        "hands.storing.index",
        "hands.storing.opening",
        "hands.storing.upkeep",
        "hands.storing.retention",
        "hands.storing.examination",
        "commands.checking.machine",  # its version
        "hands.storing.migrations",
        "hands.storing.transaction",
        "hands.listening.writer",  # the connection's type, no SQL
        "cli",  # its version
    }


def test_asserts_are_for_tests() -> None:
    """`python -O` drops them."""
    assert not [name for name, tree in TREES.items() if any(isinstance(node, ast.Assert) for node in ast.walk(tree))]
