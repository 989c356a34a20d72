"""Safe text, sizes, durations and times for people."""

from __future__ import annotations

import re
import shlex
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hostile.payloads import BIDI_CONTROLS, PAYLOADS, SHORT, acts
from whcli.rules.text import (
    ago,
    clip,
    columns,
    middle,
    moment,
    pad,
    rfc3339,
    safe,
    safe_block,
    seconds,
    size,
    took,
    word,
)
from whcli.words.errors import WrongUsage

EITHER = st.binary() | st.text(st.sampled_from("\ud800\udfff\x1b\x9b\u202e\u2028") | st.characters())
BIDI = ["LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "LRM", "RLM", "ALM"]


def test_the_bidirectional_controls_are_those_that_unicode_names() -> None:
    """So that the table of this file is not merely a copy: Unicode 15, property Bidi_Control."""
    found = {chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in BIDI}
    named = {letter for letter in BIDI_CONTROLS if unicodedata.name(letter).endswith(("MARK",))}
    assert found | named == BIDI_CONTROLS


@given(EITHER)
@example("\x00\x1f\x7f\x80\x9f\u061c\u200e\u202e\u2066\u2069\u2028\u2029\ud800\udfff\ufeff")
def test_nothing_in_a_safe_line_acts(value: bytes | str) -> None:
    text = safe(value)
    assert not acts(text)
    assert text.encode().decode() == text


@given(EITHER)
def test_in_a_safe_block_only_line_feeds_and_tabs_stay(value: bytes | str) -> None:
    text = safe_block(value)
    assert not acts(text, keep="\n\t")
    assert text.encode().decode() == text


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == safe_block(text) == safe(text.encode()) == text


def test_what_is_escaped_can_be_read() -> None:
    assert safe(b"a\x1b[2J\xff\n") == "a\\x1b[2J\\xff\\x0a"
    assert safe("\u202e\u2028\ud800\x9b") == "\\u202e\\u2028\\ud800\\x9b"
    assert safe_block("a\tb\r\nc") == "a\tb\\x0d\nc"


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_payload_becomes_text(payload: bytes) -> None:
    assert not acts(safe(payload))
    assert not acts(safe_block(payload), keep="\n\t")


def test_there_are_sixty_hostile_payloads() -> None:
    assert len(PAYLOADS) >= 60
    assert len(SHORT) >= 60


def wide(text: str) -> int:
    """Columns, as Unicode Standard Annex 11 and a terminal count them."""
    letters = [letter for letter in text if unicodedata.category(letter) not in ("Mn", "Me", "Cf")]
    return sum(2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1 for letter in letters)


LETTERS = st.characters() | st.sampled_from("漢ウ\u0301\u200d👩é")


@given(st.text(LETTERS, max_size=60), st.integers(1, 40))
@example("漢字", 3)
@example("a\u0301" * 30, 30)
def test_a_clipped_text_is_no_wider_than_asked_and_shows_that_it_is_cut(text: str, width: int) -> None:
    few = wide(text) <= width and len(text) <= 4 * width
    for short in (clip(text, width), middle(text, width)):
        assert wide(short) <= width and len(short) <= 4 * width + 1
        assert short == text if few else "…" in short
    assert text.startswith(text if few else clip(text, width).removesuffix("…"))


@given(st.text(LETTERS, max_size=20), st.integers(-30, 30))
def test_a_padded_text_is_as_wide_as_asked(text: str, width: int) -> None:
    assert columns(text) == wide(text)
    assert wide(pad(text, width)) == max(wide(text), abs(width)) and pad(text, width).strip(" ") == text.strip(" ")


UNSEEN = (
    "\xad\u034f\u115f\u17b4\u180e\u200b\u2060\u2064\u206a\u3164\uffa0\ufff9\U0001bca0\U0001d173\U000e0001\U000e0061"
)


@pytest.mark.parametrize("letter", UNSEEN, ids=lambda letter: f"U+{ord(letter):04X}")
def test_a_letter_that_shows_nothing_is_shown(letter: str) -> None:
    shown = safe(f"sk_{letter}live")
    assert shown == safe_block(f"sk_{letter}live") and shown.isascii() and shown.endswith("live")
    assert shown.encode().decode("unicode_escape") == f"sk_{letter}live"


def test_joiners_and_variants_stay_since_scripts_and_emoji_need_them() -> None:
    for text in ("می\u200cخواهم", "क\u094d\u200dष", "👩\u200d👧", "❤\ufe0f"):
        assert safe(text) == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example("my project")
@example("x; rm -rf ~")
@example("it's")
@example("")
def test_a_word_is_read_back_by_a_shell_as_it_is(name: str) -> None:
    assert shlex.split(word(name)) == [name]


def test_a_path_is_cut_in_its_middle() -> None:
    assert middle("/hooks/stripe/checkout", 12) == "/hoo…heckout"
    assert middle("abc", 1) == "…"


SIZES = {
    0: "0 B",
    999: "999 B",
    1000: "1.0 kB",
    1949: "1.9 kB",
    999_949: "999.9 kB",
    999_950: "1.0 MB",
    25 * 10**6: "25.0 MB",
    10**9: "1.0 GB",
    3 * 10**12: "3.0 TB",
    10**16: "10000.0 TB",
}


@pytest.mark.parametrize(("count", "text"), SIZES.items(), ids=map(str, SIZES))
def test_a_size_in_decimal_units(count: int, text: str) -> None:
    assert size(count) == text


DURATIONS = {"500ms": 0.5, "30s": 30, "10m": 600, "2h": 7200, "7d": 604_800, "15": 15, "1.5h": 5400, " 3 s ": 3, "0": 0}


@pytest.mark.parametrize(("text", "expected"), DURATIONS.items(), ids=map(repr, DURATIONS))
def test_a_duration(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "m", "10 minutes", "-5s", "1e3", "5s5", "∞", "1:30", "\x1b[2J"])
def test_what_is_no_duration_is_refused_in_one_safe_sentence(text: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        seconds(text)
    assert "is not a duration" in caught.value.message
    assert not acts(caught.value.message)
    assert "30s" in caught.value.next


MOMENTS = {
    "a duration ago": ("10m", 1_700_000_000 - 600),
    "in UTC": ("2023-11-14T22:13:20Z", 1_700_000_000),
    "with an offset": ("2023-11-15T00:13:20+02:00", 1_700_000_000),
    "with a fraction": ("2023-11-14T22:13:20.5Z", 1_700_000_000.5),
}


@pytest.mark.parametrize(("text", "expected"), MOMENTS.values(), ids=MOMENTS.keys())
def test_a_moment(text: str, expected: float) -> None:
    assert moment(text, 1_700_000_000) == expected


@pytest.mark.parametrize(
    "text", ["yesterday", "2023-13-01", "25:00", "", "999999999d", "9" * 400 + "d", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage):
        moment(text, 1_700_000_000)


@given(st.text() | st.from_regex(r"\d{1,12}(ms|s|m|h|d)?", fullmatch=True) | st.datetimes().map(datetime.isoformat))
def test_whatever_is_typed_is_a_moment_that_can_be_shown_or_is_refused(text: str) -> None:
    try:
        at = moment(text, 1_700_000_000)
    except WrongUsage:
        return
    assert rfc3339(at)


@given(st.floats(0, 4e9))
def test_a_time_in_utc_reads_back_to_the_microsecond(at: float) -> None:
    text = rfc3339(at)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() == pytest.approx(at, abs=1e-6)


@given(st.floats(-62_135_596_800.0, 253_402_300_799.0) | st.integers(0, 4 * 10**15).map(lambda micro: micro / 1e6))
def test_a_time_is_written_as_the_standard_library_does(at: float) -> None:
    assert rfc3339(at) == datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_time_can_be_shown(at: float) -> None:
    """A stored time may come from a file, and a filter's from the keyboard."""
    assert len(rfc3339(at)) == 27


def test_a_time_before_the_year_1000_has_four_digits() -> None:
    assert rfc3339(datetime(33, 4, 3, tzinfo=UTC).timestamp()) == "0033-04-03T00:00:00.000000Z"


def test_latencies_and_ages() -> None:
    assert [took(0.0384), took(0.9999), took(8.06)] == ["38 ms", "1000 ms", "8.1 s"]
    assert [ago(-3), ago(59), ago(60), ago(3 * 3600), ago(86400 * 9)] == [
        "0s ago",
        "59s ago",
        "1m ago",
        "3h ago",
        "9d ago",
    ]
