"""Reports: counts, latencies, who was too slow, JUnit; and whether a handler was fixed."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import deliveries_of
from whcli.rules.replaying.report import (
    Case,
    Limit,
    Progress,
    Tally,
    case_of,
    histogram,
    histogram_lines,
    junit,
    latency_text,
    progress,
    quantiles,
    report_json,
    report_lines,
    slow_line,
)
from whcli.words.event import Delivery, Reply

SLACK = Limit("Slack", 3.0)


def delivery(
    status: int | None = 200, latency: float | None = 0.02, attempt: int = 1, failure: str | None = None
) -> Delivery:
    return Delivery(
        event_id=1,
        kind="replay",
        sent_at=0.0,
        method=b"POST",
        url="http://localhost:3000/hooks",
        attempt=attempt,
        latency=latency,
        reply=None if status is None else Reply(status=status, body=b"no such order"),
        failure=failure,
        error=f"the handler was {failure}" if failure else None,
    )


def tally_of(*deliveries: Delivery, limit: Limit | None = None, success: tuple[str, ...] = ("2xx",)) -> Tally:
    tally = Tally(limit, success)
    for each in deliveries:
        tally.add(each)
    return tally


# -- counts


def test_a_delivery_that_is_tried_again_has_not_failed_yet() -> None:
    tally = Tally()
    tally.add(delivery(500), last=False)
    tally.add(delivery(500, attempt=2), last=False)
    tally.add(delivery(200, attempt=3))
    tally.add(delivery(None, failure="refused"))
    tally.add(delivery(404))
    assert (tally.sent, tally.ok, tally.failed, tally.retried) == (5, 1, 2, 2)
    assert tally.failures == {"refused": 1, "404": 1}
    assert report_lines(tally, 80)[0] == "5 sent, 1 ok, 2 failed, 2 retried (1 × refused, 1 × 404)"


def test_what_counts_as_an_answer_is_the_providers_to_say() -> None:
    assert tally_of(delivery(204), success=("200",)).failures == {"204": 1}
    assert tally_of(delivery(302), success=("2xx", "302")).ok == 1


def test_an_empty_run_has_a_report() -> None:
    assert report_lines(Tally(SLACK), 80) == ["0 sent"]
    told = report_json(Tally())
    assert (told["sent"], told["latency_ms"], told["histogram"], told["slow"]) == (0, {}, [], None)


# -- latencies


def test_percentiles_are_nearest_rank() -> None:
    """The example of https://en.wikipedia.org/wiki/Percentile, read 2026-11-23, and its neighbours."""
    assert quantiles([15, 20, 35, 40, 50], (5, 30, 40, 50, 100)) == [15, 20, 20, 35, 50]
    assert quantiles([float(n) for n in range(1, 101)]) == [50, 95, 99]
    assert quantiles([7.0]) == [7, 7, 7]
    assert quantiles([]) == []


@given(latencies=st.lists(st.floats(0, 1e6), min_size=1), percent=st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(latencies: list[float], percent: int) -> None:
    [at] = quantiles(latencies, (percent,))
    assert at in latencies
    assert sum(latency <= at for latency in latencies) * 100 >= percent * len(latencies)
    assert sum(latency < at for latency in latencies) * 100 < percent * len(latencies)


def test_ten_thousand_deliveries_cost_no_more_than_their_latencies() -> None:
    tally = Tally()
    for number in range(10_000):
        tally.add(delivery(latency=number / 1000))
    assert len(tally.latencies) == 10_000
    assert sys.getsizeof(tally.latencies) < 100_000
    assert report_json(tally)["latency_ms"] == {"p50": 4999.0, "p95": 9499.0, "p99": 9899.0}


def test_a_request_without_a_reply_has_no_latency() -> None:
    assert len(tally_of(delivery(None, latency=3.0, failure="timeout")).latencies) == 0


@given(latencies=st.lists(st.floats(0, 1e7), max_size=60))
def test_every_latency_is_in_one_bucket(latencies: list[float]) -> None:
    buckets = histogram(latencies)
    assert len(buckets) <= 10
    assert sum(bucket.replies for bucket in buckets) == len(latencies)
    assert [bucket.upto for bucket in buckets] == sorted({bucket.upto for bucket in buckets})
    for below, bucket in zip([0.0, *(bucket.upto for bucket in buckets)], buckets, strict=False):
        if bucket not in (buckets[0], buckets[-1]):
            assert bucket.replies == sum(below < latency <= bucket.upto for latency in latencies)


@given(latencies=st.lists(st.floats(0.0001, 100), min_size=1, max_size=60), width=st.integers(0, 200))
def test_the_histogram_fits(latencies: list[float], width: int) -> None:
    lines = histogram_lines(latencies, width)
    assert len(lines) == len(histogram(latencies))
    assert all(len(line) <= max(width, 40) for line in lines)


def test_a_histogram_reads_well() -> None:
    latencies = [0.003, *[0.015] * 8, *[0.04] * 4, 0.3]
    assert histogram_lines(latencies, 30) == [
        "    ≤ 5 ms ██▏               1",
        "   ≤ 10 ms                   0",
        "   ≤ 20 ms █████████████████ 8",
        "   ≤ 50 ms ████████▌         4",
        "  ≤ 100 ms                   0",
        "  ≤ 200 ms                   0",
        "  ≤ 500 ms ██▏               1",
    ]


@pytest.mark.parametrize(
    ("latency", "wanted"),
    [
        (0, "0 ms"),
        (0.00042, "0.42 ms"),
        (0.0051, "5.1 ms"),
        (0.038, "38 ms"),
        (0.9994, "999 ms"),
        (1, "1 s"),
        (1.25, "1.25 s"),
        (31.26, "31.3 s"),
        (4000, "4000 s"),
    ],
)
def test_latencies_are_written_with_three_digits(latency: float, wanted: str) -> None:
    assert latency_text(latency) == wanted


# -- the provider's patience


def test_who_was_slower_than_the_provider_waits() -> None:
    slow = [
        delivery(latency=3.2),
        delivery(latency=8),
        delivery(500, latency=4),
        delivery(None, 3.0, failure="timeout"),
    ]
    tally = tally_of(*[delivery()] * 45, *slow, delivery(None, 9.0, failure="refused"), limit=SLACK)
    assert slow_line(tally) == "Slack gives up after 3 s: 4 of 50 were slower"
    assert report_lines(tally, 80)[-1] == slow_line(tally)
    assert report_json(tally)["slow"] == {"provider": "Slack", "timeout_ms": 3000.0, "slower": 4}


def test_where_nobody_was_slower_nothing_is_said() -> None:
    assert slow_line(tally_of(delivery(latency=3.0), limit=SLACK)) == ""
    assert slow_line(tally_of(delivery(latency=30.0))) == ""
    assert slow_line(tally_of(delivery(latency=30.0), limit=SLACK)) == "Slack gives up after 3 s: 1 of 1 was slower"


@given(deliveries=st.lists(deliveries_of(1), max_size=20), width=st.integers(0, 120))
def test_any_run_has_a_report(deliveries: list[Delivery], width: int) -> None:
    tally = tally_of(*deliveries, limit=SLACK)
    assert tally.sent == tally.ok + tally.failed == len(deliveries)
    assert sum(tally.failures.values()) == tally.failed
    assert all(line.isprintable() for line in report_lines(tally, width))
    json.dumps(report_json(tally), allow_nan=False)


# -- JUnit


def test_junit_counts_failures_and_errors_apart() -> None:
    cases = [
        case_of(delivery(), "#1 charge.succeeded", "stripe"),
        case_of(delivery(500), "#2"),
        case_of(delivery(None, failure="refused"), "#3"),
        case_of(delivery(204, attempt=2), "#4", success=("200",)),
    ]
    root = ElementTree.fromstring(junit(cases))
    [suite] = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "time")} == {
        "tests": "4",
        "failures": "2",
        "errors": "1",
        "time": "0.080000",
    }
    first, second, third, fourth = suite
    assert first.attrib == {"name": "#1 charge.succeeded", "classname": "stripe", "time": "0.020000"}
    assert not list(first)
    assert [(node.tag, node.get("message"), node.text) for node in second] == [
        ("failure", "500 from http://localhost:3000/hooks", "no such order")
    ]
    assert [(node.tag, node.get("message")) for node in third] == [("error", "the handler was refused")]
    assert fourth.get("name") == "#4 (attempt 2)"


@given(
    cases=st.lists(
        st.builds(
            Case,
            name=st.text(st.characters()),
            suite=st.text(st.characters()),
            time=st.floats(0, 1e6),
            failed=st.text(st.characters()),
            error=st.text(st.characters()),
            detail=st.text(st.characters()),
        ),
        max_size=5,
    )
)
def test_any_text_makes_well_formed_xml(cases: list[Case]) -> None:
    text = junit(cases, "\x00 a < b \ud800")
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert len(list(root.iter("testcase"))) == len(cases)
    assert len(list(root.iter("failure"))) == sum(bool(case.failed) for case in cases)


def test_what_xml_can_hold_stays() -> None:
    case = Case("é <&\"'> 😀", "whcli", 0.5, failed="no", detail="\x1b[31ma\tb\nc\ufffe\x0b]]>")
    [node] = ElementTree.fromstring(junit([case])).iter("testcase")
    assert node.get("name") == "é <&\"'> 😀"
    assert node[0].text == "[31ma\tb\nc]]>"


# -- did it get fixed

BEFORE_AND_NOW: tuple[tuple[int | None, int, Progress], ...] = (
    (500, 200, "fixed"),
    (500, 404, "still failing"),
    (200, 500, "regressed"),
    (204, 200, "ok"),
)


@pytest.mark.parametrize(("before", "now", "wanted"), BEFORE_AND_NOW)
def test_progress(before: int | None, now: int, wanted: str) -> None:
    assert progress(before is not None and before < 300, delivery(now)) == wanted


def test_progress_without_a_delivery_before_or_without_a_reply() -> None:
    assert progress(None, delivery(200)) == "ok"
    assert progress(None, delivery(500)) == "failing"
    assert progress(False, delivery(200)) == "fixed"
    assert progress(True, delivery(None, failure="refused")) == "regressed"
