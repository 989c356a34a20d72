"""Whether a clock can be right, by what else tells the time; offline there is no more to be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...words.record import record
from ..text import rfc3339, span
from .check import Check

RELEASED = 1_790_000_000.0  # unix seconds: a clock before whcli's own making (September 2026) is wrong
SLACK = 60.0  # seconds by which two clocks of one machine may differ
QUARTER = 900.0  # seconds: a hardware clock in local time is off by whole quarters of an hour
WHY = "signatures with a timestamp hold for 300 s only"


@record
class Times:
    """All in unix seconds UTC; None: not to be had here."""

    now: float
    jump: float  # seconds that the clock moved by, against the monotonic one, while we looked
    past: Mapping[str, float]  # what has happened already, by name
    written: float | None  # the time that the file system gave a file written just now
    hardware: float | None  # the machine's clock chip


def judged(times: Times) -> Check:
    """The clock's check: the first contradiction, or what it was compared with."""
    wrong = next(_contradictions(times), None)
    if wrong:
        return Check(
            part="clock", state="problem", says=f"{wrong}; {WHY}", next="timedatectl        shows the clock's state"
        )
    with_what = [f"later than {name}" for name in times.past] + ["steady against the monotonic clock"]
    if times.written is not None:
        with_what.append("as the file system's")
    if times.hardware is not None:
        with_what.append("as the clock chip's")
    return Check(part="clock", says=f"{rfc3339(times.now)[:19]}Z: " + ", ".join(with_what) + "; no server was asked")


def _contradictions(times: Times) -> Iterator[str]:
    now = times.now
    if now < RELEASED:
        yield f"the clock says {rfc3339(now)[:10]}, before this whcli was written"
    if abs(times.jump) > 1:
        yield f"the clock jumped by {span(abs(times.jump))} while we looked"
    for name, at in times.past.items():
        if at > now + SLACK:
            yield f"the clock is {span(at - now)} behind {name}"
    if times.written is not None and abs(times.written - now) > SLACK:
        yield f"the file system's clock differs by {span(abs(times.written - now))}"
    if times.hardware is not None and _off(times.hardware - now):
        yield f"the clock chip differs by {span(abs(times.hardware - now))}"


def _off(difference: float) -> bool:
    """Whether a hardware clock is off by more than slack, and by no time zone."""
    rest = abs(difference) % QUARTER
    return abs(difference) > 16 * 3600 or min(rest, QUARTER - rest) > SLACK
