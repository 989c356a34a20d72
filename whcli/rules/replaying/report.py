"""What came of a run: counts, latencies, who was slower than the provider waits; in words, as JSON, as JUnit XML.

A tally keeps a number of eight bytes for each answer and nothing else of a delivery.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from ...words.event import Delivery
from ..conduct.schedules import matches
from ..text import clip, safe

PERCENTILES = (50, 95, 99)


class Limit(NamedTuple):
    """How long a provider waits for an answer."""

    provider: str  # as people write it
    timeout: float  # seconds


class Tally:
    """A run counted as it goes.

    `limit` is the provider's patience, `success` the statuses that the provider takes for an answer (see `schedules`).
    """

    def __init__(self, limit: Limit | None = None, success: tuple[str, ...] = ("2xx",)) -> None:
        self.limit = limit
        self.sent = self.ok = self.failed = self.retried = self.slower = 0
        self.silent = 0  # of the failed: those that nobody answered
        self.dropped = 0  # lost on the way, as was asked
        self.unfinished = 0  # to be tried again when the run ended
        self.unsent = 0  # not sent, or not sent again, since there was nothing to send any more
        self.failures: Counter[str] = Counter()  # status or word -> how many ended with it, unfinished or unsent too
        self.latencies = array("d")  # seconds to the end of each reply
        self._success = success

    def add(self, delivery: Delivery, *, last: bool = True) -> None:
        """Count one delivery; `last` is False when the same will be tried again, so that it has not failed yet."""
        self.sent += 1
        self.retried += delivery.attempt > 1
        status = delivery.reply.status if delivery.reply else None
        if status is not None and delivery.latency is not None:
            self.latencies.append(delivery.latency)
        self.slower += self._is_slower(delivery)
        if status is not None and matches(self._success, status):
            self.ok += 1
        elif last:
            self.failed += 1
            self.silent += status is None
            self.failures[_how_it_ended(delivery)] += 1

    def leave(self, delivery: Delivery) -> None:
        """The same would have been tried again, but the run has ended."""
        self.unfinished += 1
        self.failures[_how_it_ended(delivery)] += 1

    def miss(self, why: str) -> None:
        """One could not be sent; `why` is one word."""
        self.unsent += 1
        self.failures[why] += 1

    def _is_slower(self, delivery: Delivery) -> bool:
        if self.limit is None:
            return False
        return delivery.failure == "timeout" or (
            delivery.reply is not None and (delivery.latency or 0.0) > self.limit.timeout
        )


def _how_it_ended(delivery: Delivery) -> str:
    """The status, or one word."""
    return str(delivery.reply.status) if delivery.reply else delivery.failure or "no reply"


def quantiles(latencies: Sequence[float], percents: Sequence[int] = PERCENTILES) -> list[float]:
    """The nearest-rank percentiles: the least value that this share of all values does not exceed; none of nothing."""
    ranked = sorted(latencies)
    return [ranked[max(0, math.ceil(percent * len(ranked) / 100) - 1)] for percent in percents] if ranked else []


# -- the histogram

MOST_BUCKETS = 10
# Bounds within a decade, from fine to coarse; the first that needs no more buckets is taken.
STEPS = ((1, 2, 5), (1, 3), (1,))
LEAST, MOST = -5, 6  # powers of ten, in seconds, within which bounds lie
BLOCKS = " ▏▎▍▌▋▊▉█"


class Bucket(NamedTuple):
    """Latencies above the bucket before and up to this bound, in seconds."""

    upto: float
    replies: int


def histogram(latencies: Sequence[float]) -> list[Bucket]:
    """The latencies in at most ten buckets whose bounds grow by a factor; the last one takes what lies beyond."""
    if not latencies:
        return []
    bounds = _bounds(min(latencies), max(latencies))
    counts = [0] * len(bounds)
    for latency in latencies:
        counts[next((place for place, bound in enumerate(bounds) if latency <= bound), -1)] += 1
    return [Bucket(bound, count) for bound, count in zip(bounds, counts, strict=True)]


def _bounds(least: float, most: float) -> list[float]:
    bounds: list[float] = []
    for steps in STEPS:
        marks = [step * 10.0**power for power in range(LEAST, MOST + 1) for step in steps]
        first, last = (next((mark for mark in marks if mark >= end), marks[-1]) for end in (least, most))
        bounds = [mark for mark in marks if first <= mark <= last]
        if len(bounds) <= MOST_BUCKETS:
            break
    return bounds[-MOST_BUCKETS:]


def histogram_lines(latencies: Sequence[float], width: int) -> list[str]:
    """The histogram drawn, no line longer than `width` where that leaves room for the bars."""
    buckets = histogram(latencies)
    labels = [f"≤ {latency_text(bucket.upto)}" for bucket in buckets]
    counts = [str(bucket.replies) for bucket in buckets]
    left, right = (max(map(len, texts), default=0) for texts in (labels, counts))
    room = max(8, width - left - right - 4)
    most = max((bucket.replies for bucket in buckets), default=1)
    return [
        f"  {label:>{left}} {_bar(bucket.replies / most, room):<{room}} {count:>{right}}".rstrip()
        for label, bucket, count in zip(labels, buckets, counts, strict=True)
    ]


def _bar(share: float, room: int) -> str:
    """A bar in eighths; what is there at all is seen."""
    eighths = max(round(share * room * 8), 1 if share else 0)
    return BLOCKS[8] * (eighths // 8) + (BLOCKS[eighths % 8] if eighths % 8 else "")


def latency_text(latency: float) -> str:
    """`0.4 ms`, `38 ms`, `1.2 s`: three digits at most."""
    if latency < 0.01:
        return f"{latency * 1000:.2g} ms"
    return (
        f"{latency * 1000:.0f} ms" if latency < 0.9995 else f"{latency:.3g} s" if latency < 1000 else f"{latency:.0f} s"
    )


# -- in words and as JSON


def report_lines(tally: Tally, width: int) -> list[str]:
    """The report for people: counts, failures, latencies, histogram, the provider's patience."""
    parts = (
        (tally.ok, "ok"),
        (tally.failed, "failed"),
        (tally.unfinished, "unfinished"),
        (tally.unsent, "not sent"),
        (tally.dropped, "dropped"),
        (tally.retried, "retried"),
    )
    lines = [", ".join([f"{tally.sent} sent", *(f"{count} {word}" for count, word in parts if count)])]
    if tally.failures:
        lines[0] += " (" + ", ".join(f"{count} × {safe(word)}" for word, count in tally.failures.most_common()) + ")"
    if tally.latencies:
        found = quantiles(tally.latencies)
        told = [f"p{percent} {latency_text(at)}" for percent, at in zip(PERCENTILES, found, strict=True)]
        lines += ["latency " + ", ".join(told), *histogram_lines(tally.latencies, width)]
    return lines + ([slow_line(tally)] if slow_line(tally) else [])


def slow_line(tally: Tally) -> str:
    """`Slack gives up after 3 s: 4 of 50 were slower`, or nothing where its patience is not known or none were."""
    if tally.limit is None or not tally.slower:
        return ""
    name, timeout = tally.limit
    were = "was" if tally.slower == 1 else "were"
    return f"{name} gives up after {latency_text(timeout)}: {tally.slower} of {tally.sent} {were} slower"


def report_json(tally: Tally) -> dict[str, Any]:
    """`whcli.report/1`: latencies in milliseconds, the histogram's bounds too."""
    found = quantiles(tally.latencies)
    limit = tally.limit
    return {
        "schema": "whcli.report/1",
        "sent": tally.sent,
        "ok": tally.ok,
        "failed": tally.failed,
        "unfinished": tally.unfinished,
        "unsent": tally.unsent,
        "dropped": tally.dropped,
        "retried": tally.retried,
        "failures": dict(tally.failures.most_common()),
        "latency_ms": {f"p{percent}": _ms(at) for percent, at in zip(PERCENTILES, found, strict=False)},
        "histogram": [{"upto_ms": _ms(bucket.upto), "count": bucket.replies} for bucket in histogram(tally.latencies)],
        "slow": limit and {"provider": limit.provider, "timeout_ms": _ms(limit.timeout), "slower": tally.slower},
    }


def _ms(latency: float) -> float:
    return round(latency * 1000, 3)


# -- JUnit


class Case(NamedTuple):
    """One delivery as a test: what failed is one line and, for the details, more."""

    name: str
    suite: str
    time: float  # seconds
    failed: str = ""  # the reply was not what was wanted
    error: str = ""  # there was no reply
    detail: str = ""


DETAIL = 2000  # bytes of a reply that a failure shows


def case_of(
    delivery: Delivery,
    name: str,
    suite: str = "whcli",
    success: tuple[str, ...] = ("2xx",),
    *,
    unfinished: bool = False,
) -> Case:
    """A delivery as a test; `name` says which event it was of, `success` which statuses pass.

    `unfinished`: the run ended before it could be tried again.
    """
    status = delivery.reply.status if delivery.reply else None
    failed = "" if status is None or matches(success, status) else f"{status} from {delivery.url}"
    error = "" if status is not None else delivery.error or delivery.failure or "no reply"
    detail = delivery.reply.body[:DETAIL].decode("utf-8", "backslashreplace") if delivery.reply and failed else ""
    if unfinished:
        rest = f"; the run ended before attempt {delivery.attempt + 1}"
        failed, error = failed and failed + rest, error and error + rest
    named = f"{name} (attempt {delivery.attempt})" if delivery.attempt > 1 else name
    return Case(named, suite, delivery.latency or 0.0, failed, error, detail)


JUNIT = "the JUnit report"


def junit(cases: Iterable[Case], name: str = "whcli replay") -> str:
    """The cases as JUnit XML, as Jenkins, GitLab and GitHub's report actions read it.

    What XML cannot hold is left out. Source: https://github.com/testmoapp/junitxml, read 2026-11-23.
    """
    from xml.etree import ElementTree

    suite = ElementTree.Element("testsuite")
    total, failures, errors, time = 0, 0, 0, 0.0
    for case in cases:
        total, time = total + 1, time + case.time
        failures, errors = failures + bool(case.failed), errors + bool(case.error)
        node = ElementTree.SubElement(
            suite, "testcase", name=_xml(case.name), classname=_xml(case.suite), time=f"{case.time:.6f}"
        )
        for tag, message in (("failure", case.failed), ("error", case.error)):
            if message:
                ElementTree.SubElement(node, tag, message=_xml(clip(message, 500))).text = _xml(case.detail or message)
    counts = {"tests": str(total), "failures": str(failures), "errors": str(errors), "time": f"{time:.6f}"}
    suite.attrib = {"name": _xml(name), **counts}
    suites = ElementTree.Element("testsuites", suite.attrib)
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml(text: str) -> str:
    """Without what XML 1.0 cannot hold (section 2.2): most control characters, surrogates, U+FFFE and U+FFFF."""
    return _NOT_XML.sub("", text)


# -- did it get fixed

Progress = Literal["fixed", "still failing", "regressed", "ok", "failing"]


def progress(previous: bool | None, now: Delivery) -> Progress:
    """What a delivery says about the handler; `previous`: whether the event's last one was taken, None without one."""
    if previous is None:
        return "ok" if now.ok else "failing"
    if now.ok:
        return "ok" if previous else "fixed"
    return "regressed" if previous else "still failing"
