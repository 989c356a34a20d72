"""Retry schedules: what the providers publish, walked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.conduct.schedules import (
    BY_PROVIDER,
    SCHEDULES,
    Schedule,
    attempt_headers,
    growing,
    matches,
    next_delay,
    offsets,
)
from whcli.rules.recognition.providers import BY_NAME

MINUTE, HOUR, DAY = 60, 3600, 86400

# Providers of retries that whcli knows nothing else of.
RETRIES_ONLY = {"brevo", "wix", "recurly"}


def walk(schedule: Schedule) -> list[float]:
    """When the attempts come that all fail in a way that is tried again."""
    return max((list(offsets(schedule, status)) for status in (None, 503)), key=len)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.provider)
def test_every_row_can_be_walked_and_says_where_it_was_read(schedule: Schedule) -> None:
    assert schedule.source
    assert schedule.read
    assert schedule.provider in BY_NAME or schedule.provider in RETRIES_ONLY
    assert all(delay >= 0 for delay in schedule.delays)
    walked = walk(schedule)
    assert len(walked) == len(schedule.delays) + 1
    assert schedule.max_age is None or walked[-1] <= schedule.max_age * 1.001


def test_no_provider_has_two_schedules() -> None:
    assert len(BY_PROVIDER) == len(SCHEDULES)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.provider)
def test_a_schedule_that_is_not_published_says_what_is(schedule: Schedule) -> None:
    assert schedule.published or schedule.notes or schedule.jitter


# What the pages say in sum, beside what the rows say one by one.
PUBLISHED = (
    ("standardwebhooks: ten attempts in 75 h 35 min 5 s", "standardwebhooks", 10, 75 * HOUR + 35 * MINUTE + 5),
    ("svix: eight attempts in 27 h 35 min 5 s", "svix", 8, 27 * HOUR + 35 * MINUTE + 5),
    ("postmark: ten retries in about 10.5 hours", "postmark", 11, 10 * HOUR + 21 * MINUTE),
    ("mailgun: six retries in about 8 hours", "mailgun", 7, 7 * HOUR + 30 * MINUTE),
    ("square: eleven retries in about 24 hours", "square", 12, 24 * HOUR + 3 * MINUTE),
    ("wix: twelve retries", "wix", 13, 47 * HOUR + 11 * MINUTE),
    ("brevo: four retries", "brevo", 5, 11 * HOUR + 10 * MINUTE),
    ("slack: three retries in six minutes", "slack", 4, 6 * MINUTE),
    ("linear: three retries", "linear", 4, 7 * HOUR + MINUTE),
    ("lemon squeezy: three retries", "lemonsqueezy", 4, 155),
    ("aws sns: three retries, 20 s apart", "aws-sns", 4, 60),
    ("monday: every minute for half an hour", "monday", 31, 30 * MINUTE),
    ("sanity: two retries, 30 s apart", "sanity", 3, 60),
    ("trello: three retries", "trello", 4, 210),
    ("github: never again", "github", 1, 0),
    ("event grid: at most thirty attempts in 24 hours", "azure-event-grid", 30, 85_600),
)


@pytest.mark.parametrize(("says", "provider", "attempts", "span"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_the_whole_is_what_the_page_says(says: str, provider: str, attempts: int, span: float) -> None:
    walked = walk(BY_PROVIDER[provider])
    assert len(walked) == attempts
    assert walked[-1] == pytest.approx(span)


def test_paddle_tries_twenty_times_in_the_first_hour_and_sixty_in_three_days() -> None:
    walked = list(offsets(BY_PROVIDER["paddle"]))[1:]
    assert len(walked) == 60
    assert sum(at <= HOUR for at in walked) == 20
    assert sum(at <= DAY for at in walked) >= 47
    assert walked[-1] <= 3 * DAY


def test_recurlys_formula_counts_from_zero() -> None:
    assert BY_PROVIDER["recurly"].delays[:4] == (10, 74, 266, 778)


def test_plaid_waits_four_times_longer_each_time_within_a_day() -> None:
    delays = BY_PROVIDER["plaid"].delays
    assert delays[0] == 30
    assert all(later == 4 * earlier for earlier, later in pairwise(delays))
    assert sum(delays) + 4 * delays[-1] > DAY


# -- one step


STEPS: tuple[tuple[str, str, int, int | None, object], ...] = (
    ("a 2xx ends it", "svix", 1, 204, None),
    ("a redirect is a failure", "svix", 1, 301, 5.0),
    ("no answer is a failure", "svix", 1, None, 5.0),
    ("the second failure waits longer", "svix", 2, 500, 5 * MINUTE),
    ("the last failure is the last", "svix", 8, 500, None),
    ("an attempt that cannot be has no next", "svix", 0, 500, None),
    ("410 ends a standard webhook", "standardwebhooks", 1, 410, None),
    ("406 ends mailgun's", "mailgun", 1, 406, None),
    ("202 is no success for mailgun", "mailgun", 1, 202, 5 * MINUTE),
    ("403 ends postmark's", "postmark", 3, 403, None),
    ("okta tries a 5xx again", "okta", 1, 503, 0.0),
    ("okta tries a 4xx never again", "okta", 1, 404, None),
    ("okta tries once", "okta", 2, 503, None),
    ("pagerduty drops a 4xx", "pagerduty", 1, 404, None),
    ("pagerduty keeps a 429", "pagerduty", 1, 429, pytest.approx(2 * DAY / 4095)),
    ("sns gives up at a 4xx", "aws-sns", 1, 404, None),
    ("woocommerce takes a redirect", "woocommerce", 1, 302, None),
    ("event grid waits five minutes after a 404", "azure-event-grid", 1, 404, 5 * MINUTE),
    ("event grid waits its own time where that is more", "azure-event-grid", 7, 404, HOUR),
    ("event grid gives up at a 413", "azure-event-grid", 1, 413, None),
    ("event grid takes no 206", "azure-event-grid", 1, 206, 10.0),
    ("hubspot gives up at a 404", "hubspot", 1, 404, None),
    ("jira tries a 409 again", "jira", 1, 409, 10 * MINUTE),
    ("jira tries a 400 never again", "jira", 1, 400, None),
    ("twilio tries only when the connection fails", "twilio", 1, 500, None),
    ("twilio tries when the connection fails", "twilio", 1, None, 0.0),
)


@pytest.mark.parametrize(("says", "provider", "attempt", "status", "wanted"), STEPS, ids=[step[0] for step in STEPS])
def test_the_next_attempt_comes_when_the_provider_says(
    says: str, provider: str, attempt: int, status: int | None, wanted: object
) -> None:
    assert next_delay(BY_PROVIDER[provider], attempt, status) == wanted


def test_retry_after_is_waited_for_where_the_provider_does() -> None:
    assert next_delay(BY_PROVIDER["standardwebhooks"], 1, 503, retry_after=120) == 120
    assert next_delay(BY_PROVIDER["standardwebhooks"], 2, 503, retry_after=120) == 5 * MINUTE
    assert next_delay(BY_PROVIDER["linear"], 1, 503, retry_after=1200) == MINUTE


def test_the_answer_can_end_slacks_retries() -> None:
    slack = BY_PROVIDER["slack"]
    assert slack.stop_header == ("x-slack-no-retry", "1")
    assert next_delay(slack, 1, 500, stopped=True) is None


def test_jitter_is_drawn_by_the_caller() -> None:
    svix = BY_PROVIDER["svix"]
    assert (next_delay(svix, 1, 500, chance=-1.0), next_delay(svix, 1, 500, chance=1.0)) == (4.0, 6.0)
    assert next_delay(BY_PROVIDER["linear"], 1, 500, chance=1.0) == MINUTE


def test_an_age_ends_it() -> None:
    schedule = replace(BY_PROVIDER["monday"], max_age=150.0)
    assert list(offsets(schedule)) == [0, 60, 120]


def test_a_walk_ends_at_the_answer_that_ends_it() -> None:
    assert list(offsets(BY_PROVIDER["svix"], status=200)) == [0]
    assert list(offsets(BY_PROVIDER["okta"], status=404)) == [0]


# -- the headers that count


COUNTED = (
    ("slack's first attempt says nothing", "slack", 1, None, ()),
    (
        "slack's first retry is 1, after a time-out",
        "slack",
        2,
        None,
        (("X-Slack-Retry-Num", "1"), ("X-Slack-Retry-Reason", "http_timeout")),
    ),
    (
        "square's third attempt is 2, after an error",
        "square",
        3,
        500,
        (("square-retry-number", "2"), ("square-retry-reason", "http_error")),
    ),
    ("event grid counts from the first", "azure-event-grid", 1, None, (("aeg-delivery-count", "0"),)),
    ("jira counts from the first", "jira", 3, 500, (("X-Atlassian-Webhook-Retry", "2"),)),
    ("stripe counts nothing", "stripe", 3, 500, ()),
)


@pytest.mark.parametrize(
    ("says", "provider", "attempt", "last", "headers"), COUNTED, ids=[counted[0] for counted in COUNTED]
)
def test_the_attempt_is_told_as_the_provider_tells_it(
    says: str, provider: str, attempt: int, last: int | None, headers: tuple[tuple[str, str], ...]
) -> None:
    assert attempt_headers(BY_PROVIDER[provider], attempt, last) == headers


@pytest.mark.parametrize(
    "schedule", [schedule for schedule in SCHEDULES if schedule.counter], ids=lambda schedule: schedule.provider
)
def test_the_header_is_the_one_that_detection_reads(schedule: Schedule) -> None:
    provider = BY_NAME[schedule.provider]
    assert schedule.counter is not None
    assert provider.attempt.lower() == f"header:{schedule.counter.header}".lower()
    assert provider.attempt_first == schedule.counter.first


# -- any schedule at all


@pytest.mark.parametrize(
    ("patterns", "status", "wanted"),
    [
        (("2xx",), 299, True),
        (("2xx",), 300, False),
        (("2xx",), None, False),
        (("timeout",), None, True),
        (("any",), None, True),
        (("any",), 500, True),
        (("410", "5xx"), 503, True),
        ((), 200, False),
    ],
)
def test_a_status_is_of_its_class(patterns: tuple[str, ...], status: int | None, wanted: bool) -> None:
    assert matches(patterns, status) is wanted


@given(
    schedule=st.sampled_from(SCHEDULES),
    attempt=st.integers(-3, 200),
    status=st.none() | st.integers(100, 599),
    retry_after=st.none() | st.floats(0, 1e6),
    chance=st.floats(-1, 1),
)
def test_any_step_has_an_answer(
    schedule: Schedule, attempt: int, status: int | None, retry_after: float | None, chance: float
) -> None:
    delay = next_delay(schedule, attempt, status, retry_after=retry_after, chance=chance)
    assert delay is None or delay >= 0


@given(count=st.integers(1, 30), span=st.floats(1, 1e6))
def test_delays_of_our_own_fill_the_span_and_double(count: int, span: float) -> None:
    delays = growing(count, span)
    assert sum(delays) == pytest.approx(span)
    assert all(later == pytest.approx(2 * earlier) for earlier, later in pairwise(delays))
