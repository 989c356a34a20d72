"""Streams: colour on request, JSON in ASCII, tables, errors; nothing from outside reaches a terminal raw."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.payloads import SHORT, acts
from whcli.hands.render import (
    HIGHLIGHTED,
    STYLES,
    TOGETHER,
    Screen,
    show_error,
    stderr,
    stdout,
    trimmed,
    wants_colour,
)
from whcli.rules.text import Span, safe_block
from whcli.words.errors import StoreFailed, WrongUsage

OURS = re.compile(r"\x1b\[\d+(?:;\d+)*m")  # our own colours: SGR and nothing else


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and keeps what it is told."""

    def isatty(self) -> bool:
        return True


# -- colour ---------------------------------------------------------------------------------------------------------

TTY, PIPE = Terminal(), io.StringIO()
COLOURS: dict[str, tuple[io.StringIO, str, dict[str, str], bool]] = {
    "a terminal": (TTY, "auto", {}, True),
    "a pipe": (PIPE, "auto", {}, False),
    "asked for": (PIPE, "always", {"NO_COLOR": "1"}, True),
    "refused": (TTY, "never", {"FORCE_COLOR": "1"}, False),
    "NO_COLOR": (TTY, "auto", {"NO_COLOR": "1"}, False),
    "NO_COLOR beats FORCE_COLOR": (TTY, "auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    "an empty NO_COLOR says nothing": (TTY, "auto", {"NO_COLOR": ""}, True),
    "NO_COLOR=0 is still no colour": (TTY, "auto", {"NO_COLOR": "0"}, False),
    "FORCE_COLOR": (PIPE, "auto", {"FORCE_COLOR": "1"}, True),
    "FORCE_COLOR=0": (TTY, "auto", {"FORCE_COLOR": "0"}, False),
    "FORCE_COLOR beats CLICOLOR": (PIPE, "auto", {"FORCE_COLOR": "1", "CLICOLOR": "0"}, True),
    "CLICOLOR_FORCE": (PIPE, "auto", {"CLICOLOR_FORCE": "1"}, True),
    "CLICOLOR_FORCE=0 says nothing": (PIPE, "auto", {"CLICOLOR_FORCE": "0"}, False),
    "CLICOLOR_FORCE beats CLICOLOR": (PIPE, "auto", {"CLICOLOR_FORCE": "1", "CLICOLOR": "0"}, True),
    "CLICOLOR=0": (TTY, "auto", {"CLICOLOR": "0"}, False),
    "TERM=dumb": (TTY, "auto", {"TERM": "dumb"}, False),
    "FORCE_COLOR beats TERM=dumb": (TTY, "auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
}


@pytest.mark.parametrize(("stream", "choice", "env", "expected"), COLOURS.values(), ids=COLOURS.keys())
def test_who_decides_on_colour(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, choice: str, env: dict[str, str], expected: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(stream, choice) is expected


SPANS: list[Span] = [("error:", "red"), (" it ", ""), ("broke", "bold"), ("", "dim")]


def test_colour_repeats_what_the_words_say() -> None:
    coloured, plain = Screen(io.StringIO(), "always"), Screen(io.StringIO(), "never")
    assert plain.text(SPANS) == "error: it broke"
    assert coloured.text(SPANS) == "\x1b[31merror:\x1b[0m it \x1b[1mbroke\x1b[0m"


@given(st.lists(st.tuples(st.text("ab \x07é…"), st.sampled_from(["", *STYLES]))))
def test_without_its_colours_a_line_is_the_plain_line(spans: list[Span]) -> None:
    assert OURS.sub("", Screen(Terminal(), "always").text(spans)) == Screen(io.StringIO(), "never").text(spans)


# -- lines, JSON, tables --------------------------------------------------------------------------------------------


def test_a_line_is_flushed_at_once() -> None:
    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Counting()
    Screen(stream).say("one", (" two", "dim"))
    assert (stream.getvalue(), stream.flushed) == ("one two\n", 1)
    Screen(stream).json({"a": 1})
    assert stream.flushed == 2


@given(st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.lists(st.text())))
def test_json_is_one_line_of_ascii(value: dict[str, Any]) -> None:
    stream = io.StringIO()
    Screen(stream, "always").json(value)
    assert stream.getvalue().isascii()
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()) == value


def test_lines_that_may_wait_are_made_together_and_stand_in_their_order() -> None:
    made: list[int] = []

    def making(number: int) -> dict[str, Any]:
        made.append(number)
        return {"n": number}

    stream = io.StringIO()
    screen = Screen(stream)
    screen.json_late(lambda: making(0))
    assert stream.getvalue() == '{"n":0}\n'  # eager: at once
    screen.eager = False
    for number in range(1, TOGETHER):
        screen.json_late(partial(making, number))
    assert made == [0]
    screen.json_late(lambda: making(TOGETHER))
    assert made == list(range(TOGETHER + 1))
    screen.json_late(lambda: making(-1))
    screen.say("between")
    screen.json_late(lambda: making(-2))
    screen.flush()
    lines = [*(f'{{"n":{number}}}' for number in range(TOGETHER + 1)), '{"n":-1}', "between", '{"n":-2}']
    assert stream.getvalue().splitlines() == lines


def test_a_table_has_columns_as_wide_as_their_widest_cell() -> None:
    stream = io.StringIO()
    rows: list[list[Span]] = [[("1", ""), ("POST", "bold"), ("", "")], [("1000", ""), ("P", ""), ("end", "dim")]]
    Screen(stream).table(("ID", "METHOD", "X"), rows, right=(0,))
    assert stream.getvalue() == "  ID  METHOD  X\n   1  POST\n1000  P       end\n"


def test_a_table_stays_aligned_under_letters_of_two_columns_and_of_none() -> None:
    stream = io.StringIO()
    rows: list[list[Span]] = [[("漢字", ""), ("x", "")], [("e\u0301a", ""), ("x", "")], [("four", ""), ("x", "")]]
    Screen(stream).table(("A", "B"), rows)
    assert stream.getvalue() == "A     B\n漢字  x\ne\u0301a    x\nfour  x\n"


def test_a_table_without_rows_is_nothing() -> None:
    stream = io.StringIO()
    Screen(stream).table(("A", "B"), [])
    Screen(stream).table(("A", "B"), iter([]), least=(1, 1))
    assert stream.getvalue() == ""


def test_a_table_whose_end_is_not_known_prints_each_row_as_it_comes_and_widens_where_it_must() -> None:
    stream = io.StringIO()
    seen = []

    def rows() -> Iterator[list[Span]]:
        for text in ("x", "four", "y"):
            seen.append(stream.getvalue())
            yield [(text, ""), ("b", "")]

    Screen(stream).table(("A", "B"), rows(), least=(2, 1))
    assert seen == ["", "A   B\nx   b\n", "A   B\nx   b\nfour  b\n"]
    assert stream.getvalue() == "A   B\nx   b\nfour  b\ny     b\n"


def test_blanks_at_the_end_go() -> None:
    assert trimmed([("a", ""), (" ", "dim"), ("", "")]) == [("a", "")]
    assert trimmed([]) == []


def test_a_pipe_is_as_wide_as_it_takes() -> None:
    assert Screen(io.StringIO()).width == 10_000


def test_a_terminal_has_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert Screen(Terminal()).width == 72


def test_results_and_talk_go_to_their_own_streams(capsys: pytest.CaptureFixture[str]) -> None:
    stdout().say("result")
    stderr().say("talk")
    assert capsys.readouterr() == ("result\n", "talk\n")


# -- bodies ---------------------------------------------------------------------------------------------------------


def shown(lines: list[str], colour: str) -> str:
    stream = Terminal() if colour == "always" else io.StringIO()
    Screen(stream, colour).code(lines)
    return stream.getvalue()


@pytest.mark.parametrize("colour", ["always", "never"])
@pytest.mark.parametrize("payload", SHORT.values(), ids=SHORT.keys())
def test_a_hostile_body_is_shown_letter_by_letter(monkeypatch: pytest.MonkeyPatch, payload: bytes, colour: str) -> None:
    """No markup, no emoji codes, no links, no styles but our own."""
    monkeypatch.setenv("COLUMNS", "4000")
    lines = safe_block(payload).split("\n")
    text = OURS.sub("", shown(lines, colour))
    assert not acts(text, keep="\n\t")
    assert [line.strip() for line in text.expandtabs(8).rstrip("\n").split("\n")] == [
        line.expandtabs(8).strip() for line in "".join(f"  {each}\n" for each in lines).rstrip("\n").split("\n")
    ]


def test_json_has_colours_where_there_is_colour() -> None:
    assert "\x1b[" in shown(['{"a": 1}'], "always")
    assert shown(['{"a": 1}'], "never") == '  {"a": 1}\n'


def test_a_large_body_is_not_highlighted() -> None:
    """rich takes seconds for a megabyte."""
    lines = ['{"a": [1, 2, 3]}' * 100] * (HIGHLIGHTED // 1000)
    assert "\x1b" not in shown(lines, "always")


# -- errors ---------------------------------------------------------------------------------------------------------


def test_an_error_says_what_happened_why_and_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(WrongUsage("it broke", next="whcli help", details=(("because", "of this"), ("by", "that"))), json=False)
    assert capsys.readouterr() == ("", "error: it broke\n  because: of this\n  by: that\n  next: whcli help\n")


def test_an_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(StoreFailed("é broke", next="whcli help", code="store_full"), json=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.isascii()
    assert json.loads(err) == {
        "schema": "whcli.error/1",
        "code": "store_full",
        "exit": 7,
        "message": "é broke",
        "next": "whcli help",
        "details": {},
    }


@pytest.mark.parametrize("json_", [False, True], ids=["for people", "JSON"])
@pytest.mark.parametrize("payload", SHORT.values(), ids=SHORT.keys())
def test_a_hostile_payload_in_an_error_does_nothing(
    capsys: pytest.CaptureFixture[str], payload: bytes, json_: bool
) -> None:
    """A file name, a host, a key of a fixture: errors repeat what they were given."""
    word = payload.decode("utf-8", "surrogateescape")
    show_error(WrongUsage(word, next=word, details=((word, word),)), json=json_)
    assert not acts(capsys.readouterr().err, keep="\n\t")


def test_text_that_the_stream_cannot_write_is_no_crash() -> None:
    """A C locale or an old console: ✓ is written as an escape, not as a traceback."""
    code = r"from whcli.hands.render import stdout; stdout().say('\u2713 sig', ('\u2026', 'dim'))"
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"\\u2713 sig\\u2026\n"


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX")
def test_a_real_terminal_gets_colour_and_its_width() -> None:
    code = "from whcli.hands.render import stdout; s = stdout(); print(s.tty, s.colour, s.width)"
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "77"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=follower, env=env) as process:
        os.close(follower)
        said = b""
        while b"\n" not in said:
            said += os.read(leader, 1000)
        assert said.split() == [b"True", b"True", b"77"]
        assert process.wait(20) == 0
    os.close(leader)
