"""When a provider tries again: one table of facts, and the walk over it (no clock, no randomness).

A schedule is known by its delays: seconds between one attempt and the next. Some providers publish a formula, some only
a number of retries and a span, some nothing: `published` tells them apart, and where it is False the delays are ours,
each twice the one before, over what is published. Where a provider says no more than "jitter", it is a fifth here.

Statuses are written as `2xx`, `410`, `timeout` for no answer at all (connection refused, DNS, TLS, too slow), `any`.

Where `source` begins with "secondary", the provider's own page could not be read and others quote it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ...words.event import Headers, every, first
from ...words.record import record
from ..replaying.times import dated
from ..text import rfc3339

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0
READ = "2026-11-23"


@record
class Counter:
    """A header in which a provider counts its attempts."""

    header: str
    first: int = 0  # its value on the first attempt
    always: bool = False  # False: only retries carry it
    reason: str = ""  # a header beside it that says why the last attempt failed
    reasons: tuple[tuple[str, str], ...] = ()  # status pattern and the reason's word; the first that fits
    initial: str = ""  # a header, on every attempt, that says when the first one was made: RFC 3339, UTC


@record
class Schedule:
    """How often, when and until when one provider tries again."""

    provider: str
    delays: tuple[float, ...]  # seconds before the second attempt, the third, ...
    source: str
    read: str = READ
    published: bool = True  # False: the intervals are not, and the delays are ours
    formula: str = ""  # in words, where the delays follow one
    jitter: float = 0.0  # part of a delay that it is longer or shorter by at most
    timeout: float | None = None  # seconds the provider waits for an answer; None: not published
    success: tuple[str, ...] = ("2xx",)
    stop: tuple[str, ...] = ()  # answers after which it never tries again
    retry_only: tuple[str, ...] = ()  # when given, only these are tried again
    least: tuple[tuple[str, float], ...] = ()  # status pattern and the least delay after it, in seconds
    respects_retry_after: bool = False
    stop_header: tuple[str, str] | None = None  # a header in the answer that ends it
    max_age: float | None = None  # seconds since the first attempt after which it gives up
    counter: Counter | None = None
    notes: tuple[str, ...] = ()


def growing(count: int, span: float) -> tuple[float, ...]:
    """Delays for a provider that publishes only how many retries there are, or how long: each twice the one before."""
    return tuple(span * 2**step / (2**count - 1) for step in range(count))


def hours(*values: float) -> tuple[float, ...]:
    """Delays given in hours."""
    return tuple(value * HOUR for value in values)


def minutes(*values: float) -> tuple[float, ...]:
    """Delays given in minutes."""
    return tuple(value * MINUTE for value in values)


SVIX_PAGE = "svix-server config.default.toml retry_schedule; https://docs.svix.com/retries"
SVIX = (5.0, *minutes(5, 30), *hours(2, 5, 10, 10))
CLIENT_ERRORS = ("400", "401", "403", "404", "405")

SCHEDULES = (
    Schedule(
        provider="standardwebhooks",
        delays=(5.0, *minutes(5, 30), *hours(2, 5, 10, 14, 20, 24)),
        jitter=0.2,
        timeout=20,
        stop=("410",),
        respects_retry_after=True,
        source="github.com/standard-webhooks/standard-webhooks spec/standard-webhooks.md, Example retry schedule",
        notes=("an example of the specification: senders choose their own", "15 to 30 s are recommended to wait"),
    ),
    Schedule(
        provider="svix",
        delays=SVIX,
        jitter=0.2,
        timeout=30,
        source=SVIX_PAGE,
        notes=("an endpoint that fails for five days is disabled",),
    ),
    Schedule(provider="clerk", delays=SVIX, jitter=0.2, timeout=30, source=f"sent by Svix: {SVIX_PAGE}"),
    Schedule(
        provider="resend",
        delays=SVIX,
        jitter=0.2,
        timeout=30,
        source=f"https://resend.com/docs/webhooks/retries-and-replays; sent by Svix: {SVIX_PAGE}",
    ),
    Schedule(
        provider="polar",
        delays=growing(9, 2 * HOUR),
        published=False,
        timeout=10,
        source="github.com/polarsource/polar server/polar/webhook/tasks.py",
        notes=("exponential up to 20 minutes; events of one endpoint are sent in order",),
    ),
    Schedule(
        provider="stripe",
        delays=growing(15, 3 * DAY),
        published=False,
        max_age=3 * DAY,
        source="https://docs.stripe.com/webhooks#automatic-retries",
        notes=("live mode: exponential for up to three days; in a sandbox three times over a few hours",),
    ),
    Schedule(
        provider="github",
        delays=(),
        timeout=10,
        source="https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries",
        notes=("no automatic retry: a delivery is sent again by hand or over the REST API, under the same id",),
    ),
    Schedule(
        provider="gitlab",
        delays=(),
        timeout=10,
        source="https://docs.gitlab.com/user/project/integrations/webhooks/",
        notes=("no automatic retry; after four failures in a row the webhook rests, after forty it is off",),
    ),
    Schedule(
        provider="shopify",
        delays=growing(8, 4 * HOUR),
        published=False,
        timeout=5,
        max_age=4 * HOUR,
        source="https://shopify.dev/changelog/updates-to-webhook-retry-mechanism",
        notes=("eight retries over four hours; then a subscription made over the Admin API is deleted",),
    ),
    Schedule(
        provider="slack",
        delays=(0.0, MINUTE, 5 * MINUTE),
        timeout=3,
        stop_header=("x-slack-no-retry", "1"),
        counter=Counter(
            header="X-Slack-Retry-Num",
            reason="X-Slack-Retry-Reason",
            reasons=(("timeout", "http_timeout"), ("any", "http_error")),
        ),
        source="secondary: notes on https://docs.slack.dev/apis/events-api/#retries",
        notes=("the first retry comes almost at once",),
    ),
    Schedule(
        provider="paddle",
        delays=tuple(60 * 1.1**attempt for attempt in range(60)),
        formula="60 s * 1.1^n, sixty times",
        timeout=5,
        success=("200",),
        max_age=3 * DAY,
        source="https://developer.paddle.com/webhooks/respond-to-webhooks",
        notes=("live; a sandbox tries three times in fifteen minutes",),
    ),
    Schedule(
        provider="mailgun",
        delays=(*minutes(5, 10, 15), *hours(1, 2, 4)),
        success=("200",),
        stop=("406",),
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries",
        notes=("406 means rejected, and is not tried again; everything else is",),
    ),
    Schedule(
        provider="postmark",
        delays=(*minutes(1, 5, 10, 10, 10, 15, 30), *hours(1, 2, 6)),
        success=("200",),
        stop=("403",),
        source="https://postmarkapp.com/support/article/understanding-inbound-webhook-retries-in-postmark",
        notes=("the inbound webhook's schedule",),
    ),
    Schedule(
        provider="pagerduty",
        delays=growing(12, 2 * DAY),
        published=False,
        timeout=5,
        retry_only=("429", "5xx", "timeout"),
        max_age=2 * DAY,
        source="github.com/PagerDuty/developer-docs docs/webhooks/02-Behavior.md",
        notes=("periodically for up to 48 hours; after three that were dropped the subscription is off for a day",),
    ),
    Schedule(
        provider="discord",
        delays=growing(5, 10 * MINUTE),
        published=False,
        timeout=3,
        max_age=10 * MINUTE,
        source="https://discord.com/developers/docs/events/webhook-events",
        notes=("several times, exponential, for up to ten minutes; interactions are not tried again",),
    ),
    Schedule(
        provider="okta",
        delays=(0.0,),
        published=False,
        timeout=3,
        success=("200", "204"),
        retry_only=("5xx", "timeout"),
        source="https://developer.okta.com/docs/concepts/event-hooks/",
        notes=("at most one retry",),
    ),
    Schedule(
        provider="microsoft-graph",
        delays=growing(10, 4 * HOUR),
        published=False,
        timeout=3,
        max_age=4 * HOUR,
        source="https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
        notes=("exponential for up to four hours",),
    ),
    Schedule(
        provider="asana",
        delays=growing(12, DAY),
        published=False,
        timeout=10,
        max_age=DAY,
        source="https://developers.asana.com/docs/webhooks-guide",
        notes=("exponential for up to 24 hours, then the webhook is deleted",),
    ),
    Schedule(
        provider="circleci",
        delays=growing(3, HOUR),
        published=False,
        timeout=10,
        source="https://circleci.com/docs/outbound-webhooks/",
        notes=("tried again 'at a later time': nothing more is published",),
    ),
    Schedule(
        provider="woocommerce",
        delays=(),
        timeout=60,
        success=("2xx", "301", "302"),
        source="github.com/woocommerce/woocommerce plugins/woocommerce/includes/class-wc-webhook.php",
        notes=("no retry; disabled after more than five failures in a row",),
    ),
    Schedule(
        provider="x",
        delays=growing(3, 5 * MINUTE),
        published=False,
        timeout=10,
        success=("200",),
        max_age=5 * MINUTE,
        source="https://docs.x.com/x-api/account-activity/introduction",
        notes=("enterprise: up to three times in five minutes; else by a replay job",),
    ),
    Schedule(
        provider="brevo",
        delays=(*minutes(10), *hours(1, 2, 8)),
        retry_only=("429", "timeout"),
        source="https://developers.brevo.com/docs/retry-mechanism",
        notes=("4xx other than 429, and 5xx, end it",),
    ),
    Schedule(
        provider="wix",
        delays=(*minutes(1, 10), *hours(1, 2, 2, 2, 4, 4, 4, 8, 8, 12)),
        timeout=1.25,
        success=("200",),
        source="https://dev.wix.com/docs/build-apps/develop-your-app/extensions/backend-extensions/webhooks",
    ),
    Schedule(
        provider="recurly",
        delays=tuple(10 + retry * 2.0 ** (retry + 5) for retry in range(10)),
        formula="10 s + n * 2^(n+5) s, n from 0, ten times",
        source="https://docs.recurly.com/recurly-subscriptions/docs/automatic-retries",
    ),
    Schedule(
        provider="sanity",
        delays=(30.0, 30.0),
        retry_only=("429", "5xx"),
        source="https://www.sanity.io/docs/changelog/50ec6abf-fe0c-475b-ae72-314148860132, 2026-04-29",
    ),
    Schedule(
        provider="square",
        delays=(*minutes(1, 2, 4, 8, 16, 32, 60), *hours(2, 4, 8, 8)),
        timeout=10,
        max_age=30 * HOUR,
        counter=Counter(
            header="square-retry-number",
            reason="square-retry-reason",
            reasons=(("timeout", "http_timeout"), ("any", "http_error")),
            initial="square-initial-delivery-timestamp",
        ),
        source="secondary: notes on https://developer.squareup.com/docs/webhooks/overview",
    ),
    Schedule(
        provider="hubspot",
        delays=growing(10, DAY),
        published=False,
        jitter=0.5,
        timeout=5,
        stop=CLIENT_ERRORS,
        respects_retry_after=True,
        max_age=DAY,
        source="secondary: HubSpot's staff on https://community.hubspot.com/t5/APIs-Integrations/Webhooks-response",
        notes=("up to ten times over 24 hours, spread at random; 400, 401, 403, 404 and 405 end it",),
    ),
    Schedule(
        provider="zoom",
        delays=minutes(5, 30, 90),
        timeout=3,
        success=("200", "204"),
        source="secondary: notes on https://developers.zoom.us/docs/api/webhooks/",
    ),
    Schedule(
        provider="meta",
        delays=(0.0, *growing(9, 36 * HOUR)),
        published=False,
        success=("200",),
        max_age=36 * HOUR,
        source="secondary: notes on https://developers.facebook.com/docs/graph-api/webhooks/getting-started/",
        notes=("at once, then less and less often over 36 hours; WhatsApp for up to seven days",),
    ),
    Schedule(
        provider="twilio",
        delays=(0.0,),
        timeout=15,
        retry_only=("timeout",),
        source="https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides",
        notes=("one retry when the connection fails; #rc=, #rp=, #ct=, #rt= and #tt= in the URL's fragment change it",),
    ),
    Schedule(
        provider="sendgrid",
        delays=growing(10, DAY),
        published=False,
        max_age=DAY,
        source="secondary: notes on https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",
        notes=("at growing intervals for up to 24 hours",),
    ),
    Schedule(
        provider="trello",
        delays=(30.0, 60.0, 120.0),
        success=("200",),
        source="secondary: notes on https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
    ),
    Schedule(
        provider="jira",
        delays=minutes(10, 10, 10, 10, 10),
        published=False,
        jitter=0.5,
        retry_only=("408", "409", "425", "429", "5xx", "timeout"),
        success=("200",),
        counter=Counter(header="X-Atlassian-Webhook-Retry", always=True),
        source="https://community.developer.atlassian.com/t/new-jira-cloud-webhook-retry-policy/30554",
        notes=("up to five times, each five to fifteen minutes after the last",),
    ),
    Schedule(
        provider="notion",
        delays=growing(8, DAY),
        published=False,
        source="secondary: notes on https://developers.notion.com/reference/webhooks-events-delivery",
        notes=("up to eight times, exponential, the last after about 24 hours; attempt_number in the body counts",),
    ),
    Schedule(
        provider="linear",
        delays=(MINUTE, HOUR, 6 * HOUR),
        timeout=5,
        success=("200",),
        source="secondary: notes on https://linear.app/developers/webhooks",
        notes=("then the webhook may be disabled",),
    ),
    Schedule(
        provider="plaid",
        delays=tuple(30 * 4.0**attempt for attempt in range(6)),
        formula="30 s, then four times the delay before, for up to 24 hours",
        timeout=10,
        success=("200",),
        max_age=DAY,
        source="https://support.plaid.com/hc/en-us/articles/40390675922967; https://plaid.com/docs/api/webhooks/",
    ),
    Schedule(
        provider="paypal",
        delays=growing(25, 3 * DAY),
        published=False,
        max_age=3 * DAY,
        source="secondary: notes on https://developer.paypal.com/api/rest/webhooks/rest/",
        notes=("up to 25 times over three days",),
    ),
    Schedule(
        provider="typeform",
        delays=minutes(5, 10, 20, 60, 120),
        timeout=30,
        stop=("404", "410"),
        source="secondary: notes on https://www.typeform.com/developers/webhooks/",
        notes=("429, 408, 503 and 423 are tried every two to three minutes for ten hours", "404 and 410 disable it"),
    ),
    Schedule(
        provider="aws-sns",
        delays=(20.0, 20.0, 20.0),
        jitter=0.1,
        timeout=15,
        retry_only=("429", "5xx", "timeout"),
        max_age=HOUR,
        source="https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.retry.html and "
        "sns-message-delivery-retries.html",
        notes=("the default; a delivery policy of one's own has up to 100 retries within an hour",),
    ),
    Schedule(
        provider="azure-event-grid",
        delays=(10.0, 30.0, *minutes(1, 5, 10, 30), *hours(*[1] * 23)),
        jitter=0.1,
        timeout=30,
        success=("200", "201", "202", "203", "204"),
        stop=("400", "413"),
        least=(("401", 5 * MINUTE), ("403", 5 * MINUTE), ("404", 5 * MINUTE), ("408", 2 * MINUTE), ("503", 30.0)),
        max_age=DAY,
        counter=Counter(header="aeg-delivery-count", always=True),
        source="https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry",
        notes=("at most thirty attempts in 24 hours; both can be set lower",),
    ),
    Schedule(
        provider="strava",
        delays=(2 * MINUTE, 2 * MINUTE),
        published=False,
        timeout=2,
        success=("200",),
        source="https://developers.strava.com/docs/webhooks/",
        notes=("three attempts in all",),
    ),
    Schedule(
        provider="monday",
        delays=(MINUTE,) * 30,
        formula="every minute for thirty minutes",
        source="https://developer.monday.com/api-reference/docs/webhooks",
    ),
    Schedule(
        provider="xero",
        delays=growing(12, DAY),
        published=False,
        timeout=5,
        success=("200",),
        max_age=DAY,
        source="https://developer.xero.com/documentation/webhooks/configuring-your-server",
        notes=("with decreasing frequency for up to 24 hours, then the webhook is disabled",),
    ),
    Schedule(
        provider="lemonsqueezy",
        delays=(5.0, 25.0, 125.0),
        formula="5^n s, three times",
        success=("200",),
        source="https://docs.lemonsqueezy.com/help/webhooks/webhook-requests",
    ),
    Schedule(
        provider="dropbox",
        delays=growing(6, 10 * MINUTE),
        published=False,
        timeout=10,
        success=("200",),
        max_age=10 * MINUTE,
        source="https://www.dropbox.com/developers/reference/webhooks",
        notes=("exponential, over about ten minutes",),
    ),
)

BY_PROVIDER = {schedule.provider: schedule for schedule in SCHEDULES}


def schedule_of(provider: str) -> Schedule:
    """A provider's schedule; raises WrongUsage, with the nearest names, for one that is not known."""
    if provider not in BY_PROVIDER:
        from ..near import unknown

        raise unknown("provider with a retry schedule", provider, BY_PROVIDER, next=f"one of {', '.join(BY_PROVIDER)}")
    return BY_PROVIDER[provider]


@lru_cache(maxsize=256)
def matches(patterns: tuple[str, ...], status: int | None) -> bool:
    """Whether an answer is one of `2xx`, `410`, `timeout`, `any`; None is no answer at all."""
    said = "timeout" if status is None else str(status)
    return any(pattern in ("any", said) or (pattern[1:] == "xx" and said[:1] == pattern[0]) for pattern in patterns)


def next_delay(
    schedule: Schedule,
    attempt: int,
    status: int | None,
    *,
    retry_after: float | None = None,
    stopped: bool = False,
    chance: float = 0.0,
) -> float | None:
    """Seconds until the next attempt, or None when the provider is done.

    `attempt` is the number of the one that was just answered (1 is the first) with `status` (None: no answer),
    `retry_after` the answer's Retry-After in seconds, `stopped` whether it held the schedule's stop header, `chance` a
    number from -1 to 1 that the caller draws for the jitter.
    """
    if matches(schedule.success, status) or matches(schedule.stop, status) or stopped:
        return None
    if schedule.retry_only and not matches(schedule.retry_only, status):
        return None
    if not 1 <= attempt <= len(schedule.delays):
        return None
    if schedule.max_age is not None and sum(schedule.delays[:attempt]) > schedule.max_age * (1 + 1e-9):
        return None
    least = [seconds for pattern, seconds in schedule.least if matches((pattern,), status)]
    if schedule.respects_retry_after and retry_after is not None:
        least.append(retry_after)
    return max(schedule.delays[attempt - 1] * (1 + schedule.jitter * chance), *least, 0.0)


def compressed(delay: float, factor: float) -> float:
    """A delay divided by the factor of `--compress`, in seconds; infinity leaves nothing of it."""
    return delay / factor


def retry_after_of(headers: Headers, now: float) -> float | None:
    """Seconds that an answer's Retry-After asks for, a number or a date (RFC 9110 section 10.2.3); None where unclear.

    `now` is in unix seconds, UTC.
    """
    text = (first(headers, b"retry-after") or b"").decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else None
    at = dated(text)
    return None if at is None else max(0.0, at - now)


def stopped_by(schedule: Schedule, headers: Headers) -> bool:
    """Whether an answer holds the header that ends the provider's attempts."""
    if schedule.stop_header is None:
        return False
    name, value = (part.encode() for part in schedule.stop_header)
    return value in every(headers, name)


def with_attempt(
    schedule: Schedule, headers: Headers, attempt: int, last: int | None = None, began: float | None = None
) -> Headers:
    """A request's headers as they are on this attempt; what a captured one says of its own attempts gives way.

    See `attempt_headers` for `last` and `began`; where `began` is not known, what was captured of it stays.
    """
    counter = schedule.counter
    if counter is None:
        return headers
    fresh = attempt_headers(schedule, attempt, last, began)
    gone = (counter.header, counter.reason, counter.initial if began is not None else "")
    names = {name.lower().encode() for name in gone if name}
    kept = tuple(pair for pair in headers if pair[0].lower() not in names)
    return (*kept, *((name.encode(), value.encode()) for name, value in fresh))


def offsets(schedule: Schedule, status: int | None = None) -> Iterator[float]:
    """When the attempts come, in seconds after the first, if every one is answered with `status`."""
    at, attempt = 0.0, 1
    yield at
    while (delay := next_delay(schedule, attempt, status)) is not None:
        at, attempt = at + delay, attempt + 1
        yield at


def attempt_headers(
    schedule: Schedule, attempt: int, last: int | None = None, began: float | None = None
) -> tuple[tuple[str, str], ...]:
    """The headers that tell a receiver which attempt this is.

    `last` is the status of the one before (None: no answer), `began` the time of the first (unix seconds, UTC).
    """
    counter = schedule.counter
    if counter is None:
        return ()
    headers = (
        [(counter.initial, rfc3339(int(began)).replace(".000000", ""))] if counter.initial and began is not None else []
    )
    if attempt > 1 or counter.always:
        headers.append((counter.header, str(counter.first + attempt - 1)))
    if counter.reason and attempt > 1:
        word = next((word for pattern, word in counter.reasons if matches((pattern,), last)), "")
        headers.append((counter.reason, word))
    return tuple(headers)
