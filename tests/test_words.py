"""The words of floor 0: errors and exit codes, records, the request head."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import whcli
from tests.anything import bytes_of, requests
from whcli.words import errors, event
from whcli.words.errors import Exit, StoreFailed, TimeRanOut, WhcliError, WrongUsage
from whcli.words.event import Arrival, Delivery, Headers, Outgoing, Reply, Verdict, every, first, joined, path_of
from whcli.words.head import parse_head, parse_headers
from whcli.words.record import record

# -- errors ---------------------------------------------------------------------------------------------------------

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WhcliError)]
CODES = {
    "NotWritten": 1,
    "NoReply": 1,
    "WrongUsage": 2,
    "NothingMatched": 3,
    "TimeRanOut": 4,
    "Unreachable": 5,
    "CannotListen": 6,
    "StoreFailed": 7,
}


def test_every_kind_of_error_has_the_exit_code_that_is_documented() -> None:
    assert {kind.__name__: int(kind.exit) for kind in KINDS if kind is not WhcliError} == CODES
    for name, number in CODES.items():
        assert any(name in line and str(number) in line for line in (errors.__doc__ or "").splitlines())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_carries_its_sentence_its_code_and_what_to_type(kind: type[WhcliError]) -> None:
    error = kind("it broke", next="whcli help")
    assert (str(error), error.message, error.next) == ("it broke", "it broke", "whcli help")
    assert error.code == kind.default_code
    assert error.details == ()
    assert kind("x", next="y", code="z").code == "z"


def test_codes_are_words_for_scripts() -> None:
    codes = [kind.default_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_every_exit_code_has_a_meaning_and_fits_the_shell() -> None:
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 6, 7, 70, 130, 141, 143]
    assert all(code.meaning and "\n" not in code.meaning for code in Exit)


# -- records --------------------------------------------------------------------------------------------------------

RECORDS = [value for value in vars(event).values() if isinstance(value, type) and dataclasses.is_dataclass(value)]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_record_is_frozen_slotted_and_named_by_keyword(kind: Any) -> None:
    assert "__slots__" in vars(kind)
    assert all(field.kw_only for field in dataclasses.fields(kind))
    one = kind.__new__(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.new = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.new


@record
class Ours:
    """As `Theirs`."""

    a: int
    set: str = "x"
    many: list[int] = dataclasses.field(default_factory=list)
    hidden: str = dataclasses.field(default="h", repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """As `Ours`."""

    a: int
    set: str = "x"
    many: list[int] = dataclasses.field(default_factory=list)
    hidden: str = dataclasses.field(default="h", repr=False)


def test_a_record_is_what_the_standard_library_makes() -> None:
    several: list[dict[str, Any]] = [{"a": 1}, {"a": 1, "set": "y"}, {"a": 2, "many": [1], "hidden": "i"}]
    for values in several:
        ours, theirs = Ours(**values), Theirs(**values)
        assert repr(ours).removeprefix("Ours") == repr(theirs).removeprefix("Theirs")
        assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
        assert ours == Ours(**values) != dataclasses.replace(ours, a=9)
    other: object = Theirs(a=1)
    assert Ours(a=1) != other and Ours(a=1).many is not Ours(a=1).many
    for wrong in ({}, {"a": 1, "other": 2}):
        with pytest.raises(TypeError):
            Ours(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Ours(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        hash(Ours(a=1))  # a list has none
    assert hash(Reply(status=1)) == hash(Reply(status=1))


@record
class Further(Ours):
    """With the fields of `Ours`, whose slots it has, and one of its own."""

    b: int


def test_a_record_can_have_the_fields_of_another() -> None:
    one = Further(a=1, b=2)
    assert (one.a, one.set, one.many, one.b) == (1, "x", [], 2)
    assert one == Further(a=1, b=2) != Further(a=2, b=2) and one != Ours(a=1)
    with pytest.raises(TypeError):
        Further(a=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("again", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy, copy.deepcopy])
def test_a_record_goes_through_pickle_and_copy(again: Callable[[Any], Any]) -> None:
    for one in (Ours(a=1, many=[2]), Further(a=1, b=2), Reply(status=204, headers=HEADERS)):
        assert again(one) == one and again(one) is not one
    with pytest.raises(dataclasses.FrozenInstanceError):
        again(Reply(status=204)).status = 200


@pytest.mark.parametrize("kind", [WrongUsage, TimeRanOut, StoreFailed])
def test_an_error_comes_back_whole_from_another_process(kind: type[WhcliError]) -> None:
    error = kind("what", next="this", code="c", details=(("a", "b"),), further={"n": 1})
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind and vars(back) == vars(error) and str(back) == "what"


HEADERS: Headers = ((b"X-A", b"1"), (b"Host", b"h"), (b"x-a", b"2"))


def test_headers_are_looked_up_in_any_case_and_kept_in_order() -> None:
    assert every(HEADERS, b"x-A") == [b"1", b"2"]
    assert first(HEADERS, b"X-a") == b"1"
    assert joined(HEADERS, b"x-a") == b"1, 2"
    assert (every(HEADERS, b"y"), first(HEADERS, b"y"), joined(HEADERS, b"y")) == ([], None, None)


def test_a_path_ends_at_the_question_mark_and_is_text() -> None:
    assert path_of(b"/a/b?c=d?e") == "/a/b"
    assert path_of(b"/\xff") == "/\\xff"
    assert path_of("/ü".encode()) == "/ü"
    assert path_of(b"?") == ""


OK = {200: True, 204: True, 299: True, 199: False, 300: False, 404: False, 500: False}


@pytest.mark.parametrize(("status", "ok"), OK.items())
def test_a_delivery_is_ok_when_the_reply_is_2xx(status: int, ok: bool) -> None:
    sent = Delivery(event_id=1, kind="replay", sent_at=0, method=b"POST", url="http://x", reply=Reply(status=status))
    assert sent.ok is ok
    assert not dataclasses.replace(sent, reply=None).ok


def test_a_verdict_holds_when_it_is_valid_and_only_then() -> None:
    assert Verdict(state="valid", reason="ok", detail="").ok
    assert not any(
        Verdict(state=state, reason="", detail="").ok
        for state in ("invalid", "stale", "unsigned", "no_secret", "unknown")
    )


def test_an_outgoing_request_says_nothing_of_itself() -> None:
    outgoing = Outgoing(method=b"POST", url="http://x", target=b"/", headers=())
    assert (outgoing.changes, outgoing.signed, outgoing.note) == ((), None, None)


# -- the head -------------------------------------------------------------------------------------------------------


@given(requests())
def test_a_head_is_taken_apart_into_what_it_was_made_from(sent: tuple[Arrival, Headers, bytes]) -> None:
    arrival, headers, version = sent
    head = parse_head(arrival.head)
    assert (head.method, head.target, head.version) == (arrival.method, arrival.target, version.decode())
    assert head.headers == headers


LINES = {
    "white space around the value goes": (b"A:  b \t", (b"A", b"b")),
    "white space inside stays": (b"A: b  c", (b"A", b"b  c")),
    "no white space is needed": (b"A:b", (b"A", b"b")),
    "an empty value": (b"A:", (b"A", b"")),
    "only the first colon divides": (b"A: b:c", (b"A", b"b:c")),
    "bytes stay": (b"A: \xff", (b"A", b"\xff")),
}


@pytest.mark.parametrize(("line", "pair"), LINES.values(), ids=LINES.keys())
def test_a_field_line(line: bytes, pair: tuple[bytes, bytes]) -> None:
    assert parse_headers([line]) == (pair,)


NO_HEADS = [
    b"",
    b"\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/2\r\n\r\n",
    b"GET / HTTP/1.1\n\n",
    b"G T / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("head", NO_HEADS, ids=repr)
def test_what_is_no_request_line_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="request line"):
        parse_head(head)


@given(st.binary() | bytes_of(b"POST /HTP1.\r\n: ", most=60))
def test_any_bytes_are_a_head_or_a_value_error(data: bytes) -> None:
    try:
        head = parse_head(data)
    except ValueError:
        return
    assert data.startswith(b"%b %b HTTP/%b\r\n" % (head.method, head.target, head.version.encode()))


# -- what a module says ---------------------------------------------------------------------------------------------

PACKAGE = Path(whcli.__file__).parent


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
