"""What a replay will do, as data: which event, when, as which copy, together with which others.

A plan is made of options, arrival times and a seed, and by nothing else: the same three make the same plan. It is one
run, or one run for every order of the events. A run is walked by a sender that has a clock and a network; what answers
bring about (retries) is added on the way by `next_attempt`.

Where moments come from: `--speed` keeps the pauses between the arrivals, divided by the speed; another order of events
fills the same moments. `--rate` gives the n-th event the moment n / rate. Without both every moment is 0: as soon as
the sender has a hand free. `--delay` adds to a moment, so that a later event can overtake; steps stand in the order of
their moments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, permutations
from math import factorial
from typing import Any, Literal, NamedTuple

from ...words.errors import WrongUsage
from ...words.record import record
from ..conduct.schedules import Schedule, compressed, next_delay
from .chance import Chance
from .pace import MAX

EVERY_ORDER = 6  # events of which all orders are tried
MOST_ORDERS = 720  # orders tried of more events: as many as six have
COUNTED = 20  # events up to which the possible orders are worth a number

Order = Literal["given", "reverse", "shuffle"]


@record
class Options:
    """What was asked for; the defaults send every event once, one after another."""

    order: Order = "given"
    permutations: bool = False  # one run for each order of the events
    speed: float = MAX  # 1 is the original one; see `pace`
    rate: float | None = None  # events per second
    delay: tuple[float, float] = (0.0, 0.0)  # least and most seconds that a delivery comes late
    drop: float = 0.0  # probability that a delivery is lost
    duplicate: int = 1  # deliveries of each event in all, one after another
    race: int = 1  # deliveries of each event in all, at the same instant
    lost_ack: bool = False  # the answers of all but the last delivery of an event are lost


@record
class Step:
    """One delivery that is to be made."""

    number: int  # within its run, from 1; dropped ones are counted too
    event: int  # index in what was chosen
    copy: int = 1  # 1 is the first delivery of the event
    copies: int = 1
    attempt: int = 1
    offset: float = 0.0  # seconds after the run's start before which it is not sent
    delay: float = 0.0  # the part of the offset by which it comes late
    after: int | None = None  # the step whose answer is awaited first
    race: int | None = None  # all steps with this number are released at the same instant
    lost_ack: bool = False  # hang up once the status has been read


class Earlier(NamedTuple):
    """What is known of a step's attempts before this one."""

    status: int | None  # of the last one's answer; None: there was none
    began: float  # when the first was made, in unix seconds, UTC


@record
class Run:
    """One walk through the events in one order."""

    number: int  # from 1
    order: tuple[int, ...]  # indexes of events
    steps: tuple[Step, ...]  # in the order of their offsets
    dropped: tuple[Step, ...]  # lost on the way: never sent


@record
class Plan:
    """All runs; they are made one by one, so that 720 of them cost no memory."""

    options: Options
    seed: int
    arrivals: tuple[float, ...]  # unix seconds, in the order chosen
    orders: tuple[tuple[int, ...], ...]
    possible: int | None  # orders there are, more than `orders` when they were sampled; None: beyond counting

    def runs(self) -> Iterator[Run]:
        """The runs in order."""
        return (self.run(number) for number in range(1, len(self.orders) + 1))

    def run(self, number: int) -> Run:
        """One run, by its number from 1."""
        return self.of(number, self.orders[number - 1])

    def of(self, number: int, order: tuple[int, ...]) -> Run:
        """A run of any order, one of fewer events too: such are tried once a longer one has failed."""
        return _run(self, number, order)


def plan_of(options: Options, arrivals: Sequence[float], seed: int, most: int = MOST_ORDERS) -> Plan:
    """The plan for events that arrived at these times (unix seconds, UTC); `most` bounds the orders that are sampled.

    Raises WrongUsage for options that exclude each other.
    """
    _check(options)
    count = len(arrivals)
    orders = _orders(options, count, seed, most)
    possible = (factorial(count) if count <= COUNTED else None) if options.permutations else 1
    return Plan(options=options, seed=seed, arrivals=tuple(arrivals), orders=tuple(orders), possible=possible)


EXCLUDE_EACH_OTHER: tuple[tuple[str, str, Callable[[Options], bool]], ...] = (
    ("--permutations", "--shuffle or --reverse", lambda o: o.permutations and o.order != "given"),
    ("--speed", "--rate", lambda o: o.speed != MAX and o.rate is not None),
    ("--race", "--duplicate", lambda o: o.race > 1 and o.duplicate > 1),
    ("--race", "--lost-ack", lambda o: o.race > 1 and o.lost_ack),
)


def _check(options: Options) -> None:
    for one, other, both in EXCLUDE_EACH_OTHER:
        if both(options):
            raise WrongUsage(f"{one} and {other} exclude each other", next=f"leave one out: {one} or {other}")
    for flag, number in (("--duplicate", options.duplicate), ("--race", options.race)):
        if number < 1:
            raise WrongUsage(f"{flag} {number} is no number of deliveries", next=f"{flag} 2 sends every event twice")


# -- orders


def _orders(options: Options, count: int, seed: int, most: int) -> list[tuple[int, ...]]:
    given = tuple(range(count))
    if options.order == "reverse":
        return [given[::-1]]
    if options.order == "shuffle":
        return [Chance(seed, "order").shuffled(given)]
    if not options.permutations:
        return [given]
    return list(permutations(given)) if count <= EVERY_ORDER else _sampled(given, seed, most)


def _sampled(given: tuple[int, ...], seed: int, most: int) -> list[tuple[int, ...]]:
    """Different orders, the given one first and its reverse second: the likeliest to be asked about."""
    chance = Chance(seed, "order")
    orders = dict.fromkeys((given, given[::-1]))
    while len(orders) < min(most, factorial(min(len(given), COUNTED))):
        orders[chance.shuffled(given)] = None
    return list(islice(orders, most))


# -- one run


def _run(plan: Plan, number: int, order: tuple[int, ...]) -> Run:
    chance = Chance(plan.seed, "run", number)
    steps = [
        step
        for place, (event, moment) in enumerate(zip(order, _moments(plan), strict=False))
        for step in _copies(plan.options, place, event, moment, chance)
    ]
    drop = plan.options.drop
    lost = {step.number for step in steps if chance.number() < drop} if drop else set()
    sent = _relinked([step for step in steps if step.number not in lost])
    dropped = tuple(step for step in steps if step.number in lost)
    return Run(number=number, order=order, steps=tuple(sorted(sent, key=lambda step: step.offset)), dropped=dropped)


def _moments(plan: Plan) -> list[float]:
    """Seconds after the start for each place in the order."""
    if plan.options.rate is not None:
        return [place / plan.options.rate for place in range(len(plan.arrivals))]
    began = min(plan.arrivals, default=0.0)
    return [(arrival - began) / plan.options.speed for arrival in sorted(plan.arrivals)]


def _copies(options: Options, place: int, event: int, moment: float, chance: Chance) -> Iterator[Step]:
    """All deliveries of one event: racing ones share a moment, others follow each other."""
    racing = options.race > 1
    copies = options.race if racing else max(options.duplicate, 2 if options.lost_ack else 1)
    late = chance.between(*options.delay)
    for copy in range(1, copies + 1):
        number = place * copies + copy
        if copy > 1 and not racing:
            late += chance.between(*options.delay)
        yield Step(
            number=number,
            event=event,
            copy=copy,
            copies=copies,
            offset=moment + late,
            delay=late,
            after=number - 1 if copy > 1 and not racing else None,
            race=place + 1 if racing else None,
            lost_ack=options.lost_ack and copy < copies,
        )


def _relinked(steps: list[Step]) -> list[Step]:
    """Each follower behind the nearest copy before it that is sent; the last copy sent always hears its answer."""
    linked: list[Step] = []
    for step, follower in zip(steps, (*steps[1:], None), strict=False):
        before = linked[-1] if linked and linked[-1].event == step.event else None
        more = follower is not None and follower.event == step.event
        after = before.number if before and step.after is not None else None
        lost_ack = step.lost_ack and more
        unchanged = (after, lost_ack) == (step.after, step.lost_ack)
        linked.append(step if unchanged else replace(step, after=after, lost_ack=lost_ack))
    return linked


# -- retries


def next_attempt(
    step: Step,
    schedule: Schedule,
    status: int | None,
    *,
    answered: float,
    seed: int,
    compress: float = 1.0,
    retry_after: float | None = None,
    stopped: bool = False,
) -> Step | None:
    """The step that follows when the provider tries again, or None when it is done.

    `answered` is the moment of the answer, in seconds after the run's start; `status` None is no answer; `retry_after`
    and `stopped` are what `schedules` reads in its headers. The waiting is divided by `compress`.
    """
    chance = Chance(seed, "retry", step.event, step.copy, step.attempt).between(-1, 1)
    wait = next_delay(schedule, step.attempt, status, retry_after=retry_after, stopped=stopped, chance=chance)
    if wait is None:
        return None
    wait = compressed(wait, compress)
    return replace(step, attempt=step.attempt + 1, offset=answered + wait, delay=wait, after=None, race=None)


# -- in words


def plan_lines(plan: Plan, names: Sequence[str]) -> Iterator[str]:
    """The plan for `--dry-run`; `names` are the events' (`#42`), in the order chosen."""
    runs, events = len(plan.orders), len(plan.arrivals)
    sampled = "" if plan.possible == runs else f" of {plan.possible or 'countless'} possible orders"
    yield f"{_counted(events, 'event')}, {_counted(runs, 'run')}{sampled}, --seed {plan.seed}"
    for run in plan.runs():
        if runs > 1:
            yield f"run {run.number}: {' '.join(names[event] for event in run.order)}"
        for step in run.steps:
            yield f"  {step.number:>4}  +{step.offset:.3f} s  {names[step.event]}{_how(step)}"
        for step in run.dropped:
            yield f"  {step.number:>4}  dropped  {names[step.event]}{_how(step)}"


def _how(step: Step) -> str:
    words = [
        f"copy {step.copy} of {step.copies}" if step.copies > 1 else "",
        f"after {step.after}" if step.after else "",
        f"race {step.race}" if step.race else "",
        "its answer is lost" if step.lost_ack else "",
        f"{step.delay:.3f} s late" if step.delay else "",
    ]
    return "".join(f", {word}" for word in words if word)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan's head: `whcli.plan/1`."""
    options = plan.options
    return {
        "schema": "whcli.plan/1",
        "seed": plan.seed,
        "events": len(plan.arrivals),
        "runs": len(plan.orders),
        "possible_orders": plan.possible,
        "order": "permutations" if options.permutations else options.order,
        "speed": None if options.speed == MAX else options.speed,
        "rate": options.rate,
        "delay": list(options.delay),
        "drop": options.drop,
        "duplicate": options.duplicate,
        "race": options.race,
        "lost_ack": options.lost_ack,
    }


def step_json(run: Run, step: Step, name: str, *, dropped: bool = False) -> dict[str, Any]:
    """One step of a run: `whcli.step/1`; `name` is the event's."""
    return {
        "schema": "whcli.step/1",
        "run": run.number,
        "step": step.number,
        "event": name,
        "copy": step.copy,
        "copies": step.copies,
        "attempt": step.attempt,
        "offset": round(step.offset, 6),
        "delay": round(step.delay, 6),
        "after": step.after,
        "race": step.race,
        "lost_ack": step.lost_ack,
        "dropped": dropped,
    }
