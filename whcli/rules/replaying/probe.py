"""`--probe`: whether a handler's visible state stays as it is once it has taken an event.

A state is whatever the user's command or URL shows: JSON is compared by its fields, other text by its lines.

Deliveries one after another: the state before, after the first, and after each further one; nothing may change after
the first. One that was not taken and changed nothing (a 500, say, before a provider's retry) is not the first yet.
Deliveries at one instant have no first: what they did together is compared with what one alone does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise, zip_longest
from typing import Any

from ...words.event import Difference
from ..compare import values_differ
from ..text import clip, safe
from .noise import noise_of, without_noise

SHOWN = 120  # characters of a line
DEEPEST = 100  # levels of a state whose numbers are looked at
MOST = 1e300  # numbers that can be compared by what lies between them


def states_differ(one: bytes, other: bytes, noise: Collection[str] = ()) -> tuple[Difference, ...]:
    """Where two states differ, except in what is noise."""
    if one == other:
        return ()
    found = values_differ("state", _read(one), _read(other), most=None)
    return without_noise(_lines_differ(one, other) if found is None else found, noise)


def state_noise(once: bytes, again: bytes) -> frozenset[str]:
    """What differs although nothing was delivered between two looks: clocks, counters of requests."""
    return noise_of(states_differ(once, again))


class Probe:
    """The states around the deliveries of one event. `noise` are the fields that change by themselves."""

    def __init__(self, noise: frozenset[str] = frozenset()) -> None:
        self.deliveries = 0
        self.first: tuple[Difference, ...] = ()  # what the first delivery changed
        self.later: list[tuple[int, tuple[Difference, ...]]] = []  # number of a further delivery, and what it changed
        self.noise = noise
        self._begun = False  # the first delivery has come

    def saw(self, before: bytes, after: bytes, *, taken: bool = True) -> tuple[Difference, ...]:
        """Take the states around the next delivery, and whether the handler said it has taken it; what has changed."""
        self.deliveries += 1
        found = states_differ(before, after, self.noise)
        if self._begun and found:
            self.later.append((self.deliveries, found))
        elif not self._begun:
            self.first, self._begun = found, taken or bool(found)
        return found

    @property
    def holds(self) -> bool:
        """True when nothing changed after the first delivery."""
        return not self.later

    @property
    def proves(self) -> bool:
        """True when there was a delivery after another one, that could have changed something."""
        return self.deliveries > 1

    @property
    def blind(self) -> bool:
        """True when not even the first delivery changed anything: then the proof proves nothing."""
        return self.deliveries > 0 and not self.first and not self.later


def probed(states: Iterable[bytes], noise: frozenset[str] = frozenset()) -> Probe:
    """A probe of deliveries that were all taken: the state before any of them, then the one after each."""
    probe = Probe(noise)
    for before, after in pairwise(states):
        probe.saw(before, after)
    return probe


BLIND = (
    "the first delivery changed nothing either: does the probe look at the right thing? A handler that works in the "
    "background needs --settle 500ms"
)


def probe_lines(probe: Probe) -> list[str]:
    """The outcome for people."""
    if not probe.proves:
        return ["delivered once, so nothing was proven"]
    if probe.holds:
        return [f"nothing changed after the first of {probe.deliveries} deliveries"]
    return [
        f"delivery {number} changed {difference.field}: {difference.wanted} → {difference.got}"
        for number, found in probe.later
        for difference in found
    ]


def probe_json(probe: Probe) -> dict[str, Any]:
    """`whcli.probe/1`."""
    return {
        "schema": "whcli.probe/1",
        "holds": probe.holds,
        "proves": probe.proves,
        "blind": probe.blind,
        "deliveries": probe.deliveries,
        "noise": sorted(probe.noise),
        "first": [_json(difference) for difference in probe.first],
        "later": [{"delivery": number, "changes": [_json(each) for each in found]} for number, found in probe.later],
    }


def _json(difference: Difference) -> dict[str, str]:
    return {"field": difference.field, "before": difference.wanted, "after": difference.got}


def _read(state: bytes) -> Any:
    """The parsed JSON, or None; `null` is read as a text."""
    try:
        return json.loads(state)
    except (ValueError, RecursionError):
        return None


def _lines_differ(one: bytes, other: bytes) -> Iterable[Difference]:
    pairs = zip_longest(one.splitlines(), other.splitlines())
    for number, (a, b) in enumerate(pairs, 1):
        if a != b:
            yield Difference(field=f"line {number}", wanted=_line(a), got=_line(b))


def _line(line: bytes | None) -> str:
    return "none" if line is None else clip(safe(line[: 4 * SHOWN]), SHOWN)


# -- what deliveries did together


def effects_differ(
    alone: tuple[bytes, bytes], together: tuple[bytes, bytes], noise: Collection[str] = ()
) -> tuple[Difference, ...]:
    """Where many deliveries of one event did more than a single one; each a state before and a state after.

    From the same state (the handler was reset in between) the states afterwards are compared. From another one (an
    event with ids of its own was delivered alone) it is by how much numbers changed, and how many entries arrays and
    objects gained: what an event adds is named by its ids, and names cannot be compared.
    """
    if not states_differ(alone[0], together[0], noise):
        return states_differ(alone[1], together[1], noise)
    one, other = (tuple(map(_measures, states)) for states in (alone, together))
    return without_noise(_more(one, other), noise)


Measures = dict[str, float]


def _more(one: tuple[Measures, ...], other: tuple[Measures, ...]) -> Iterable[Difference]:
    """What grew or shrank by more than it did alone; a number that was not there counts as 0."""
    for field in one[1]:
        a, b = (after.get(field, 0) - before.get(field, 0) for before, after in (one, other))
        if abs(b) > abs(a):
            yield Difference(field=field, wanted=f"{a:+.12g}", got=f"{b:+.12g}")


def _measures(state: bytes) -> Measures:
    """The numbers in a state, and how many entries its arrays and objects have; of a text the lines."""
    value = _read(state)
    if value is not None:
        return dict(_numbers("state", value, 0))
    lines = state.decode("utf-8", "replace").splitlines()
    counted = {match[1]: float(match[2]) for match in map(COUNTED.match, lines) if match}
    return {**{f"line '{safe(label.strip())}'": number for label, number in counted.items()}, "lines": len(lines)}


COUNTED = re.compile(r"(.*?)(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*\Z")


def _numbers(path: str, value: Any, level: int) -> Iterable[tuple[str, float]]:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST:
        yield path, value
    elif isinstance(value, list | dict):
        yield f"entries of {path}", len(value)
    if isinstance(value, dict) and level < DEEPEST:
        for name, inner in value.items():
            yield from _numbers(f"{path}.{safe(clip(name, SHOWN))}", inner, level + 1)


# -- orders

Order = tuple[int, ...]


def smallest_failing(tried: Mapping[Order, bool]) -> Order | None:
    """Of the orders that failed (True) the one with the fewest events, then the first by number; None of none."""
    return min(
        (order for order, failed in tried.items() if failed), key=lambda order: (len(order), order), default=None
    )


def shorter_orders(tried: Mapping[Order, bool]) -> list[Order]:
    """What to try next for a smaller failing order: the smallest so far with one event left out, where not yet tried.

    Empty when there is nothing smaller to find: then every event of `smallest_failing` is needed.
    """
    order = smallest_failing(tried) or ()
    fewer = {order[:place] + order[place + 1 :] for place in range(len(order))} - {()}
    return sorted(each for each in fewer if each not in tried)
