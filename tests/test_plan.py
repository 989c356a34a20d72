"""Plans: the same options, arrivals and seed make the same plan; what is typed is read or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import groupby, pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whcli.rules.conduct.schedules import (
    BY_PROVIDER,
    compressed,
    next_delay,
    retry_after_of,
    stopped_by,
    with_attempt,
)
from whcli.rules.replaying.chance import Chance
from whcli.rules.replaying.pace import MAX, ORIGINAL, compress_of, range_of, rate_of, share_of, speed_of
from whcli.rules.replaying.plan import Options, Plan, Run, Step, next_attempt, plan_json, plan_lines, plan_of, step_json
from whcli.words.errors import WrongUsage

ARRIVED = (100.0, 101.0, 105.5)
NAMES = ("#1", "#2", "#3")


def only(options: Options, arrivals: tuple[float, ...] = ARRIVED, seed: int = 7) -> Run:
    """The one run of a plan."""
    [run] = plan_of(options, arrivals, seed).runs()
    return run


def sent(run: Run) -> list[int]:
    return [step.event for step in run.steps]


# -- what is typed

READ: tuple[tuple[Callable[[str], Any], str, Any], ...] = (
    (speed_of, "original", ORIGINAL),
    (speed_of, "2x", 2.0),
    (speed_of, "0.5x", 0.5),
    (speed_of, "max", MAX),
    (compress_of, "1000x", 1000.0),
    (compress_of, "max", MAX),
    (rate_of, "50/s", 50.0),
    (rate_of, "600/m", 10.0),
    (rate_of, "3600/h", 1.0),
    (rate_of, "0.5", 0.5),
    (range_of, "0..2s", (0.0, 2.0)),
    (range_of, "100..500ms", (0.1, 0.5)),
    (range_of, "1..2m", (60.0, 120.0)),
    (range_of, "500ms..2s", (0.5, 2.0)),
    (range_of, "2s", (2.0, 2.0)),
    (range_of, "1..2", (1.0, 2.0)),
    (share_of, "0.25", 0.25),
    (share_of, ".5", 0.5),
    (share_of, "10%", 0.1),
    (share_of, "0", 0.0),
    (share_of, "1", 1.0),
)


@pytest.mark.parametrize(("read", "text", "wanted"), READ, ids=[f"{read.__name__} {text}" for read, text, _ in READ])
def test_what_is_typed_is_read(read: Callable[[str], Any], text: str, wanted: Any) -> None:
    assert read(text) == pytest.approx(wanted)


WRONG: tuple[tuple[Callable[[str], Any], str], ...] = (
    *((speed_of, text) for text in ("", "2", "x", "0x", "-1x", "fast", "infx", "1e9x", "9" * 400 + "x")),
    *((compress_of, text) for text in ("original", "1000", "0x", "1000x!")),
    *((rate_of, text) for text in ("", "0/s", "-1/s", "50/d", "50 per second", "9" * 400)),
    *((range_of, text) for text in ("", "2s..1s", "..2s", "1s..", "a..b", "1s..2s..3s", "-1s..2s")),
    *((share_of, text) for text in ("", "1.1", "101%", "-0.1", "half", ".")),
)


@pytest.mark.parametrize(("read", "text"), WRONG, ids=[f"{read.__name__} {text[:20]}" for read, text in WRONG])
def test_what_cannot_be_read_is_refused_with_its_forms(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(WrongUsage, match="cannot be read") as caught:
        read(text)
    assert caught.value.next.startswith("write it as ")


BOTH = {
    "two orders": Options(order="shuffle", permutations=True),
    "two paces": Options(speed=2.0, rate=50.0),
    "copies in turn and at once": Options(duplicate=2, race=2),
    "no answer to lose in a race": Options(race=2, lost_ack=True),
    "no delivery at all": Options(duplicate=0),
    "a race of none": Options(race=0),
}


@pytest.mark.parametrize("options", BOTH.values(), ids=BOTH)
def test_options_that_exclude_each_other_are_refused(options: Options) -> None:
    with pytest.raises(WrongUsage):
        plan_of(options, ARRIVED, 7)


# -- orders


def test_events_go_out_once_in_the_order_given() -> None:
    assert only(Options()).steps == tuple(Step(number=n + 1, event=n) for n in range(3))


def test_reverse_and_shuffle() -> None:
    assert sent(only(Options(order="reverse"))) == [2, 1, 0]
    orders = {tuple(sent(only(Options(order="shuffle"), seed=seed))) for seed in range(60)}
    assert orders == set(permutations(range(3)))


@pytest.mark.parametrize("count", range(7))
def test_all_orders_of_up_to_six_events_are_tried(count: int) -> None:
    plan = plan_of(Options(permutations=True), (0.0,) * count, 7)
    assert [tuple(sent(run)) for run in plan.runs()] == list(permutations(range(count)))
    assert plan.possible == len(plan.orders) == math.factorial(count)


@pytest.mark.parametrize(("count", "possible"), [(7, 5040), (20, math.factorial(20)), (21, None), (500, None)])
def test_of_more_events_some_orders_are_tried_the_given_one_first(count: int, possible: int | None) -> None:
    plan = plan_of(Options(permutations=True), (0.0,) * count, 7, 50)
    assert len(set(plan.orders)) == len(plan.orders) == 50
    assert plan.orders[0] == tuple(range(count))
    assert all(sorted(order) == list(range(count)) for order in plan.orders)
    assert plan.possible == possible
    assert f"50 runs of {possible or 'countless'} possible orders" in next(iter(plan_lines(plan, ["#"] * count)))


# -- moments


def test_the_original_pauses_are_kept_divided_by_the_speed() -> None:
    assert [step.offset for step in only(Options(speed=ORIGINAL)).steps] == [0.0, 1.0, 5.5]
    assert [step.offset for step in only(Options(speed=2.0)).steps] == [0.0, 0.5, 2.75]
    assert [step.offset for step in only(Options(speed=MAX)).steps] == [0.0, 0.0, 0.0]


def test_another_order_fills_the_same_moments() -> None:
    run = only(Options(speed=ORIGINAL, order="reverse"))
    assert [(step.event, step.offset) for step in run.steps] == [(2, 0.0), (1, 1.0), (0, 5.5)]


def test_a_rate_spaces_the_events_evenly() -> None:
    assert [step.offset for step in only(Options(rate=50.0)).steps] == [0.0, 0.02, 0.04]
    racing = only(Options(rate=50.0, race=2)).steps
    assert [step.offset for step in racing] == [0.0, 0.0, 0.02, 0.02, 0.04, 0.04]


def test_a_late_event_is_overtaken() -> None:
    run = only(Options(delay=(0.0, 2.0)), (0.0,) * 50)
    assert sorted(sent(run)) == list(range(50))
    assert sent(run) != list(range(50))
    assert all(0 <= step.delay == step.offset < 2 for step in run.steps)
    assert [step.offset for step in run.steps] == sorted(step.offset for step in run.steps)


# -- at least once


def test_duplicates_follow_each_other() -> None:
    steps = only(Options(duplicate=3), (0.0,)).steps
    assert [(step.copy, step.copies, step.after) for step in steps] == [(1, 3, None), (2, 3, 1), (3, 3, 2)]


def test_racing_copies_share_a_start_and_a_delay() -> None:
    run = only(Options(race=8, delay=(0.0, 1.0)))
    assert len(run.steps) == 24
    for _, group in groupby(sorted(run.steps, key=lambda step: step.number), key=lambda step: step.race):
        copies = list(group)
        assert len(copies) == 8
        assert len({(step.event, step.offset, step.after) for step in copies}) == 1
        assert copies[0].after is None


def test_a_lost_answer_brings_a_second_delivery_whose_answer_is_heard() -> None:
    steps = only(Options(lost_ack=True), (0.0,)).steps
    assert [(step.copy, step.lost_ack, step.after) for step in steps] == [(1, True, None), (2, False, 1)]
    steps = only(Options(lost_ack=True, duplicate=3), (0.0,)).steps
    assert [step.lost_ack for step in steps] == [True, True, False]


def test_what_is_dropped_is_told_and_its_followers_are_linked_anew() -> None:
    options = Options(duplicate=4, lost_ack=True, drop=0.5)
    runs = [only(options, (0.0,), seed) for seed in range(200)]
    assert {len(run.dropped) for run in runs} == {0, 1, 2, 3, 4}
    for run in runs:
        assert {step.number for step in (*run.steps, *run.dropped)} == {1, 2, 3, 4}
        assert [step.after for step in run.steps] == [None, *(step.number for step in run.steps[:-1])][: len(run.steps)]
        assert [step.lost_ack for step in run.steps] == [True] * (len(run.steps) - 1) + [False] * bool(run.steps)


def test_all_or_nothing_is_dropped() -> None:
    assert only(Options(drop=1.0)).steps == ()
    assert only(Options(drop=0.0)).dropped == ()


# -- any options

OPTIONS = st.builds(
    Options,
    order=st.sampled_from(["given", "reverse", "shuffle"]),
    speed=st.sampled_from([MAX, 1.0, 2.0]),
    delay=st.sampled_from([(0.0, 0.0), (0.5, 2.0)]),
    drop=st.sampled_from([0.0, 0.3]),
    duplicate=st.integers(1, 3),
    lost_ack=st.booleans(),
) | st.builds(Options, permutations=st.just(True), rate=st.none() | st.just(50.0), race=st.integers(1, 3))


@settings(max_examples=60)
@given(options=OPTIONS, arrivals=st.lists(st.floats(0, 4e9), max_size=7), seed=st.integers())
def test_the_same_three_make_the_same_plan(options: Options, arrivals: list[float], seed: int) -> None:
    plans = [plan_of(options, arrivals, seed, 20) for _ in range(2)]
    one, other = (list(plan.runs())[:20] for plan in plans)
    assert one == other
    assert plans[0].run(len(plans[0].orders)) == plans[1].run(len(plans[1].orders))
    for run in one:
        whole = sorted((*run.steps, *run.dropped), key=lambda step: step.number)
        assert [step.number for step in whole] == list(range(1, len(whole) + 1))
        assert [step.event for step in whole] == [event for event in run.order for _ in range(whole[0].copies)]
        numbers = {step.number: place for place, step in enumerate(run.steps)}
        assert all(step.after is None or numbers[step.after] < numbers[step.number] for step in run.steps)
        assert all(a.offset <= b.offset for a, b in pairwise(run.steps))
        assert all(step.offset >= step.delay >= 0 for step in whole)


def test_the_same_seed_means_the_same_on_every_machine() -> None:
    """As sha256sum and bc say of `(7, 'run', 1)` and eight bytes that count."""
    chance = Chance(7, "run", 1)
    assert [chance.number(), chance.number()] == pytest.approx([0.187481176106362850, 0.908800018962381870], abs=1e-15)


def test_chance_is_even() -> None:
    chance = Chance("even")
    drawn = [chance.number() for _ in range(4000)]
    assert all(0 <= number < 1 for number in drawn)
    assert all(320 < sum(low / 10 <= number < (low + 1) / 10 for number in drawn) < 480 for low in range(10))
    assert len(set(drawn)) == 4000
    shuffles = [chance.shuffled((0, 1, 2)) for _ in range(1200)]
    assert all(150 < shuffles.count(order) < 250 for order in permutations(range(3)))


# -- printed


def test_a_plan_reads_well() -> None:
    plan = plan_of(Options(duplicate=2, drop=0.3, rate=10.0), ARRIVED, 8)
    assert list(plan_lines(plan, NAMES)) == [
        "3 events, 1 run, --seed 8",
        "     1  +0.000 s  #1, copy 1 of 2",
        "     2  +0.000 s  #1, copy 2 of 2, after 1",
        "     3  +0.100 s  #2, copy 1 of 2",
        "     5  +0.200 s  #3, copy 1 of 2",
        "     6  +0.200 s  #3, copy 2 of 2, after 5",
        "     4  dropped  #2, copy 2 of 2, after 3",
    ]


def test_every_order_is_a_run_with_its_name() -> None:
    lines = list(plan_lines(plan_of(Options(permutations=True), (0.0, 0.0), 3), NAMES))
    assert lines[0] == "2 events, 2 runs, --seed 3"
    assert [line for line in lines if line.startswith("run")] == ["run 1: #1 #2", "run 2: #2 #1"]


def test_a_plan_as_json() -> None:
    plan = plan_of(Options(race=2, delay=(0.0, 1.0)), ARRIVED, 3)
    head = json.loads(json.dumps(plan_json(plan), allow_nan=False))
    assert (head["schema"], head["seed"], head["events"], head["runs"], head["race"]) == ("whcli.plan/1", 3, 3, 1, 2)
    assert head["speed"] is None
    [run] = plan.runs()
    for step in run.steps:
        line = json.loads(json.dumps(step_json(run, step, NAMES[step.event]), allow_nan=False))
        assert line["schema"] == "whcli.step/1"
        assert (line["event"], line["copy"], line["race"]) == (NAMES[step.event], step.copy, step.race)
        assert line["dropped"] is False


def test_many_orders_of_many_events_are_made_one_by_one() -> None:
    plan: Plan = plan_of(Options(permutations=True), (0.0,) * 200, 1)
    assert len(plan.orders) == 720
    assert len(plan.run(720).steps) == 200


# -- retries


def test_retries_follow_the_providers_schedule() -> None:
    slack, step, moments = BY_PROVIDER["slack"], Step(number=1, event=0), [0.0]
    while following := next_attempt(step, slack, 500, answered=step.offset + 1, seed=7):
        assert following.attempt == step.attempt + 1
        step = following
        moments.append(step.offset)
    assert moments == [0, 1, 62, 363]


@pytest.mark.parametrize(
    ("says", "status", "more"),
    [
        ("a success", 200, {}),
        ("the provider's own word for stop", 500, {"stopped": True}),
    ],
)
def test_retries_end_with(says: str, status: int, more: dict[str, Any]) -> None:
    assert next_attempt(Step(number=1, event=0), BY_PROVIDER["slack"], status, answered=0, seed=7, **more) is None


def test_waiting_is_compressed() -> None:
    assert compressed(3600.0, compress_of("1000x")) == 3.6
    assert compressed(3600.0, compress_of("max")) == 0.0
    second = next_attempt(
        Step(number=1, event=0), BY_PROVIDER["linear"], 500, answered=0.5, seed=7, compress=compress_of("60x")
    )
    assert second is not None and (second.delay, second.offset) == (1.0, 1.5)


def test_jitter_is_drawn_from_the_seed() -> None:
    svix = BY_PROVIDER["svix"]

    def waits(seed: int) -> list[float]:
        steps = (next_attempt(Step(number=1, event=event), svix, 500, answered=0, seed=seed) for event in range(40))
        return [step.delay for step in steps if step]

    assert waits(7) == waits(7) != waits(8)
    assert len(set(waits(7))) == 40
    assert all(4 <= wait <= 6 for wait in waits(7))
    base = next_delay(svix, 1, 500)
    assert base is not None and min(waits(7)) < base < max(waits(7))


def test_retry_after_is_waited_for_by_providers_that_do() -> None:
    asked = {name: BY_PROVIDER[name] for name in ("standardwebhooks", "linear")}
    waits = {
        name: next_attempt(Step(number=1, event=0), schedule, 503, answered=0, seed=7, retry_after=600.0)
        for name, schedule in asked.items()
    }
    assert {name: step and step.delay for name, step in waits.items()} == {"standardwebhooks": 600.0, "linear": 60.0}


RETRY_AFTER = {
    "seconds": (b"120", 120.0),
    "seconds with space around": (b" 5 ", 5.0),
    "a date": (b"Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
    "a date that is past": (b"Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
    "a fraction, which is none": (b"1.5", None),
    "something else": (b"soon", None),
    "more than anybody waits": (b"9" * 30, None),
    "a day that is none": (b"Wed, 31 Feb 2015 07:28:00 GMT", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize(("value", "wanted"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_retry_after_is_read(value: bytes, wanted: float | None) -> None:
    assert retry_after_of(((b"retry-after", value),), now=1445412450.0) == wanted


def test_an_answers_word_for_stop_is_seen() -> None:
    assert stopped_by(BY_PROVIDER["slack"], ((b"X-Slack-No-Retry", b"1"),))
    assert not stopped_by(BY_PROVIDER["slack"], ((b"X-Slack-No-Retry", b"0"),))
    assert not stopped_by(BY_PROVIDER["stripe"], ((b"X-Slack-No-Retry", b"1"),))


def test_the_counters_of_a_captured_retry_give_way() -> None:
    captured = ((b"x-slack-retry-num", b"3"), (b"A", b"1"), (b"x-slack-retry-reason", b"http_error"))
    slack = BY_PROVIDER["slack"]
    assert with_attempt(slack, captured, 1) == ((b"A", b"1"),)
    assert with_attempt(slack, captured, 2) == (
        (b"A", b"1"),
        (b"X-Slack-Retry-Num", b"1"),
        (b"X-Slack-Retry-Reason", b"http_timeout"),
    )
    assert with_attempt(slack, captured, 3, last=500)[1:] == (
        (b"X-Slack-Retry-Num", b"2"),
        (b"X-Slack-Retry-Reason", b"http_error"),
    )
    assert with_attempt(BY_PROVIDER["stripe"], captured, 3) == captured
