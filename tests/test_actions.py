"""What GitHub Actions reads of a test run: no text of a handler's can become a command, a column or markup."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.testing.actions import MOST, annotated, summary
from whcli.rules.testing.result import Result, case_of
from whcli.words.event import Delivery, Difference, Reply

hostile = st.text(st.sampled_from("a:,%|<>&`*_[]\\~@#\r\n\x1b é\u202e"), max_size=30)


def failing(name: str, got: str) -> Result:
    reply = Reply(status=500, body=got.encode())
    delivery = Delivery(event_id=0, kind="replay", sent_at=0, method=b"POST", url="u", latency=0.01, reply=reply)
    return Result(
        name=name, file=name, type=None, delivery=delivery, differences=(Difference(field="body", wanted="x", got=got),)
    )


@given(hostile, hostile)
def test_an_annotation_is_one_line_with_its_properties_apart(name: str, got: str) -> None:
    [line] = annotated([failing(name, got)])
    properties = re.fullmatch(r"::error file=([^,:\r\n]*),title=([^,:\r\n]*)::[^\r\n]*", line)
    assert properties is not None
    back = properties[1].replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r")
    assert back.replace("%25", "%") == name


@given(hostile, hostile)
def test_a_row_has_five_cells_and_no_markup(name: str, got: str) -> None:
    [row] = [line for line in summary([failing(name, got)], "1 failed", 10_000).split("\n") if line.startswith("| ")][
        1:
    ]
    assert row.count("|") == 6 and not re.search(r"[<>*_`\[\]~@\\]", re.sub(r"&[a-z#0-9]+;", "", row).replace(">", ""))
    assert "❌ failed" in html.unescape(row)


def test_no_more_annotations_than_are_shown() -> None:
    results = [failing(f"{number}.json", "x") for number in range(30)]
    lines = annotated(results)
    assert len(lines) == MOST + 1 and lines[-1] == "::error title=whcli test::and 21 more"
    assert len(annotated(results[:MOST])) == MOST


@given(st.integers(0, 5_000))
def test_a_summary_stays_within_its_room(room: int) -> None:
    results = [failing(f"{number}é.json", "x" * 40) for number in range(40)]
    text = summary(results, "40 failed", room)
    assert len(text.encode()) <= room
    shown = text.count(".json")
    assert text == "" or shown == 40 or f"and {40 - shown} more" in text


def test_a_failure_in_the_junit_report_has_what_the_application_said() -> None:
    result = failing("hooks/a.json", "no")
    assert "no" in case_of(result).detail and case_of(result).suite == "hooks" and case_of(result).error == ""
