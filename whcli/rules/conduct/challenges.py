"""The provider's side of a handshake: its question put to a user's handler, and what is wrong with the answer.

A play is one request as the provider sends it. What the handler should answer is not written down again: it is what
`handshakes.answer` says to the same request, and a play only tells how strictly the provider reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from ...words.errors import WrongUsage
from ...words.event import Difference, Headers, Message, Reply, first
from ...words.record import record
from ...words.secret import Secret
from ..near import unknown
from ..recognition.providers import BY_NAME
from ..signatures.digests import BadKey
from ..signatures.schemes import scheme_named
from ..signatures.signing import sign
from ..text import clip
from .handshakes import SecretsOf, answer

PLACE = re.compile(r"\{(\w+)\}")
SHOWN = 80  # characters of an answer in a difference
Reading = Literal["text", "json", "slack", "empty", "any"]


@record
class Play:
    """One request of a provider. `{token}` is a fresh random text, `{number}` one of digits, `{now}` unix seconds."""

    provider: str
    says: str  # what is tried
    within: float  # seconds that the provider waits
    method: str = "POST"
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    scheme: str = ""  # signed with
    must_sign: bool = False  # without a secret it makes no sense: the answer itself depends on it
    tampered: bool = False  # the signature is of another body
    token: Literal["", "right", "wrong"] = ""  # which verify token travels along
    reads: Reading = "any"  # how the answer's body is read
    status: str = "200"  # "2xx", "any", or statuses joined by "|"
    content_type: str = ""  # what the answer's content type must begin with
    same: tuple[str, ...] = ()  # headers that the answer must hold
    then: str = ""  # what the handler must do next


@record
class Challenge:
    """A request to send, and all that `judge` needs to know of it."""

    provider: str
    says: str
    message: Message
    within: float  # seconds that the provider waits
    wanted: Reply
    play: Play
    note: str | None = None
    then: str = ""  # what the handler must do next, in words


JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
HUB = (("hub.mode", "subscribe"), ("hub.verify_token", "{verify_token}"))
FACEBOOK = (("User-Agent", "facebookplatform/1.0 (+http://developers.facebook.com)"),)
SNS_ARN = "arn:aws:sns:us-east-1:123456789012:whcli"

# How long each waits, and which statuses it takes, stands on the page of the provider's row in `handshakes.py`;
# 10 seconds where none is published.
PLAYS = (
    Play(
        provider="slack",
        says="url_verification",
        within=3,
        headers=JSON,
        body='{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"{token}","type":"url_verification"}',
        scheme="slack",
        reads="slack",
    ),
    Play(
        provider="meta",
        says="hub.challenge with your verify token",
        within=10,
        method="GET",
        query=(*HUB, ("hub.challenge", "{number}")),
        headers=FACEBOOK,
        token="right",
        reads="text",
    ),
    Play(
        provider="meta",
        says="hub.challenge with a wrong verify token",
        within=10,
        method="GET",
        query=(*HUB, ("hub.challenge", "{number}")),
        headers=FACEBOOK,
        token="wrong",
        status="4xx",
    ),
    Play(
        provider="strava",
        says="hub.challenge with your verify token",
        within=2,
        method="GET",
        query=(*HUB, ("hub.challenge", "{token}")),
        token="right",
        reads="json",
        content_type="application/json",
    ),
    Play(
        provider="x",
        says="challenge-response check",
        within=10,
        method="GET",
        query=(("crc_token", "{token}"),),
        scheme="x",
        must_sign=True,
        reads="json",
    ),
    Play(
        provider="zoom",
        says="endpoint.url_validation",
        within=3,
        headers=JSON,
        body='{"payload":{"plainToken":"{token}"},"event_ts":{now}000,"event":"endpoint.url_validation"}',
        scheme="zoom",
        must_sign=True,
        reads="json",
    ),
    Play(
        provider="discord",
        says="PING of an interactions endpoint",
        within=3,
        headers=JSON,
        body='{"application_id":"{number}","id":"{number}","token":"{token}","type":1,"version":1}',
        scheme="discord",
        must_sign=True,
        reads="json",
        content_type="application/json",
    ),
    Play(
        provider="discord",
        says="PING of a webhook events endpoint",
        within=3,
        headers=JSON,
        body='{"version":1,"application_id":"{number}","type":0}',
        scheme="discord",
        must_sign=True,
        status="204",
        reads="empty",
    ),
    Play(
        provider="discord",
        says="PING with a bad signature",
        within=3,
        headers=JSON,
        body='{"application_id":"{number}","id":"{number}","token":"{token}","type":1,"version":1}',
        scheme="discord",
        must_sign=True,
        tampered=True,
        status="401",
    ),
    Play(
        provider="microsoft-graph",
        says="validationToken",
        within=10,
        query=(("validationToken", "Validation: Testing client application reachability for {token}"),),
        headers=(("Content-Type", "text/plain; charset=utf-8"),),
        reads="text",
        content_type="text/plain",
    ),
    Play(
        provider="azure-event-grid",
        says="SubscriptionValidation",
        within=30,
        headers=(*JSON, ("aeg-event-type", "SubscriptionValidation"), ("aeg-subscription-name", "WHCLI")),
        body='[{"id":"{token}","topic":"/subscriptions/whcli","subject":"","data":{"validationCode":"{token}",'
        '"validationUrl":"https://rp-eastus2.eventgrid.azure.net/eventsubscriptions/whcli/validate?id={token}"},'
        '"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2026-11-23T00:00:00Z",'
        '"metadataVersion":"1","dataVersion":"1"}]',
        reads="json",
    ),
    Play(
        provider="cloudevents",
        says="WebHook-Request-Origin",
        within=10,
        method="OPTIONS",
        headers=(("WebHook-Request-Origin", "eventemitter.example.com"), ("WebHook-Request-Rate", "120")),
        status="any",
        same=("WebHook-Allowed-Origin", "WebHook-Allowed-Rate"),
    ),
    Play(
        provider="asana",
        says="X-Hook-Secret",
        within=10,
        headers=(*JSON, ("X-Hook-Secret", "{token}")),
        body="{}",
        status="200|204",
        same=("X-Hook-Secret",),
    ),
    Play(
        provider="dropbox",
        says="challenge",
        within=10,
        method="GET",
        query=(("challenge", "{token}"),),
        reads="text",
    ),
    Play(
        provider="okta",
        says="x-okta-verification-challenge",
        within=3,
        method="GET",
        headers=(("Accept", "application/json"), ("x-okta-verification-challenge", "{token}")),
        reads="json",
    ),
    Play(
        provider="twitch",
        says="webhook_callback_verification",
        within=10,
        headers=(
            *JSON,
            ("Twitch-Eventsub-Message-Retry", "0"),
            ("Twitch-Eventsub-Message-Type", "webhook_callback_verification"),
            ("Twitch-Eventsub-Subscription-Type", "channel.follow"),
            ("Twitch-Eventsub-Subscription-Version", "2"),
        ),
        body='{"challenge":"{token}","subscription":{"id":"{token}","status":"webhook_callback_verification_pending",'
        '"type":"channel.follow","version":"2","cost":1,"condition":{"broadcaster_user_id":"12826"}}}',
        scheme="twitch",
        status="2xx",
        reads="text",
    ),
    Play(
        provider="aws-sns",
        says="SubscriptionConfirmation",
        within=15,
        headers=(
            ("x-amz-sns-message-type", "SubscriptionConfirmation"),
            ("x-amz-sns-message-id", "{token}"),
            ("x-amz-sns-topic-arn", SNS_ARN),
            ("Content-Type", "text/plain; charset=UTF-8"),
            ("User-Agent", "Amazon Simple Notification Service Agent"),
        ),
        body='{"Type":"SubscriptionConfirmation","MessageId":"{token}","Token":"{token}",'
        f'"TopicArn":"{SNS_ARN}","Message":"You have chosen to subscribe to the topic.",'
        f'"SubscribeURL":"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={SNS_ARN}'
        '&Token={token}","Timestamp":"2026-11-23T00:00:00.000Z","SignatureVersion":"1"}',
        scheme="aws-sns",
        status="2xx",
        then="GET the SubscribeURL",
    ),
    Play(provider="trello", says="HEAD", within=10, method="HEAD"),
    Play(provider="mandrill", says="HEAD", within=10, method="HEAD", headers=(("User-Agent", "Mandrill-Webhook/1.0"),)),
    Play(provider="intercom", says="HEAD", within=5, method="HEAD"),
    Play(
        provider="intercom",
        says="ping",
        within=5,
        headers=JSON,
        body='{"type":"notification_event","app_id":"whcli","topic":"ping","id":null,"delivery_attempts":1,'
        '"created_at":{now},"data":{"item":{"type":"ping","message":"something something interzen"}}}',
        scheme="intercom",
    ),
    Play(
        provider="notion",
        says="verification_token",
        within=10,
        headers=JSON,
        body='{"verification_token":"secret_{token}"}',
        status="2xx",
    ),
    Play(provider="monday", says="challenge", within=10, headers=JSON, body='{"challenge":"{token}"}', reads="json"),
    Play(
        provider="braintree",
        says="bt_challenge",
        within=10,
        method="GET",
        query=(("bt_challenge", "{hex}"),),
        scheme="braintree",
        must_sign=True,
        reads="text",
    ),
    Play(
        provider="xero",
        says="intent to receive, well signed",
        within=5,
        headers=JSON,
        body='{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"{token}"}',
        scheme="xero",
        must_sign=True,
        reads="empty",
    ),
    Play(
        provider="xero",
        says="intent to receive, badly signed",
        within=5,
        headers=JSON,
        body='{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"{token}"}',
        scheme="xero",
        must_sign=True,
        tampered=True,
        status="401",
        reads="empty",
    ),
    Play(
        provider="woocommerce",
        says="ping",
        within=60,
        headers=(*FORM, ("User-Agent", "WooCommerce/10.4.0 Hookshot (WordPress/6.9)")),
        body="webhook_id=12",
    ),
    Play(
        provider="figma",
        says="PING",
        within=10,
        headers=JSON,
        body='{"event_type":"PING","passcode":"{passcode}","timestamp":"2026-11-23T00:00:00Z","webhook_id":"{number}"}',
        scheme="figma",
    ),
    Play(
        provider="mailchimp",
        says="GET",
        within=10,
        method="GET",
        headers=(("User-Agent", "MailChimp.com WebHook Validator"),),
    ),
)

# Signed by nothing that can be added: the token, passcode or key is part of the answer or of the body.
UNSIGNED = ("x", "braintree", "figma")

PROVIDERS = tuple(dict.fromkeys(play.provider for play in PLAYS))


def challenges(
    provider: str,
    *,
    url: str,
    secrets: SecretsOf,
    now: float,
    token: str,
    verify_token: str | None = None,
) -> tuple[Challenge, ...]:
    """The provider's requests to a handler at `url`, in order, each signed as the provider signs it.

    `token` is a random text of letters and digits, `now` unix seconds UTC. Raises WrongUsage for a provider that asks
    nothing, and where a secret or the verify token is needed and missing.
    """
    plays = [play for play in PLAYS if play.provider == provider]
    if not plays:
        raise _asks_nothing(provider)
    return tuple(_challenge(play, url, secrets, now, token, verify_token) for play in plays)


def _challenge(play: Play, url: str, secrets: SecretsOf, now: float, token: str, verify_token: str | None) -> Challenge:
    known = secrets(play.scheme) if play.scheme else ()
    if play.must_sign and not known:
        raise _no_secret(play)
    if play.token and verify_token is None:
        raise _no_token(play)
    message = _message(play, url, _values(play, known, now, token, verify_token))
    if known and play.provider not in UNSIGNED:
        message = _signed(play, message, known, now, token)
    handshake = answer(message, secrets, now=now, verify_token=verify_token, provider=_asked_as(play))
    if handshake is None:
        raise AssertionError(f"the play of {play.provider} is no handshake")
    unsigned = play.scheme and not known
    return Challenge(
        provider=play.provider,
        says=play.says,
        message=message,
        within=play.within,
        wanted=handshake.reply,
        play=play,
        note=f"sent unsigned: no secret for {play.scheme} is known" if unsigned else None,
        then=play.then,
    )


def _asked_as(play: Play) -> str:
    """HEAD is one row for all who ask that way."""
    return "trello" if play.method == "HEAD" else play.provider


def _values(play: Play, known: Sequence[Secret], now: float, token: str, verify_token: str | None) -> dict[str, str]:
    digits = "".join(str(ord(char) % 10) for char in token)[:10]
    return {
        "token": token,
        "number": digits.lstrip("0") or "1",
        "hex": token.encode().hex()[:32].ljust(20, "0"),
        "now": str(int(now)),
        "verify_token": f"not-{verify_token}" if play.token == "wrong" else verify_token or "",
        "passcode": json.dumps(known[0].value.decode("utf-8", "replace"))[1:-1] if known else "passcode",
    }


def _message(play: Play, url: str, values: dict[str, str]) -> Message:
    """The request before it is signed."""
    query = urlencode([(name, _filled(text, values)) for name, text in play.query])
    joint = "&" if "?" in url else "?"
    return Message(
        method=play.method,
        url=f"{url}{joint}{query}" if query else url,
        headers=tuple((name.encode(), _filled(text, values).encode()) for name, text in play.headers),
        body=_filled(play.body, values).encode(),
    )


def _filled(template: str, values: dict[str, str]) -> str:
    return PLACE.sub(lambda place: values.get(place[1], place[0]), template)


def _signed(play: Play, message: Message, secrets: Sequence[Secret], now: float, token: str) -> Message:
    """The request with the provider's signature, or with the signature of another body."""
    about = Message(
        method=message.method, url=message.url, headers=message.headers, body=message.body + b" " * play.tampered
    )
    try:
        signed = sign(scheme_named(play.scheme), about, secrets, now=now, token=token)
    except BadKey as error:
        raise WrongUsage(
            f"the secret from {secrets[0].label} {error}",
            code="secret_malformed",
            next=f"whcli schemes show {play.scheme}        says what form it has",
        ) from None
    names = {name.lower() for name, _ in signed.headers}
    kept = tuple((name, value) for name, value in message.headers if name.lower() not in names)
    body = message.body if play.tampered else signed.body
    return Message(method=message.method, url=signed.url, headers=kept + signed.headers, body=body)


def _asks_nothing(provider: str) -> WrongUsage:
    """The error for a provider without a play: one that asks nothing, or a name that nobody has."""
    if provider in BY_NAME:
        why = f"{provider} asks nothing when a webhook is set up, so there is nothing to play"
        return WrongUsage(why, code="no_handshake", next=f"one of those that ask: {', '.join(PROVIDERS)}")
    return unknown("provider", provider, PROVIDERS, next=f"one of {', '.join(PROVIDERS)}")


def _no_secret(play: Play) -> WrongUsage:
    name = play.scheme.upper().replace("-", "_")
    return WrongUsage(
        f"{play.provider}'s handshake cannot be played without its secret",
        code="no_secret",
        next=f"export WHCLI_SECRET_{name}=...        or add --secret env:NAME",
    )


def _no_token(play: Play) -> WrongUsage:
    return WrongUsage(
        f"{play.provider}'s handshake carries the verify token that you chose",
        code="no_verify_token",
        next=f"whcli handshake {play.provider} --to URL --verify-token env:NAME",
    )


# -- judging


def judge(challenge: Challenge, reply: Reply, seconds: float | None = None) -> tuple[Difference, ...]:
    """What the provider would not accept in a handler's answer; empty when it is content.

    `seconds` is how long the answer took.
    """
    play = challenge.play
    found = [
        _time(challenge.within, seconds),
        _status(play.status, reply.status),
        *(_header(name, challenge.wanted.headers, reply.headers) for name in play.same),
        _content_type(play.content_type, reply.headers),
        *READINGS[play.reads](challenge.wanted.body, reply.body),
    ]
    return tuple(difference for difference in found if difference)


def _time(within: float, seconds: float | None) -> Difference | None:
    if seconds is None or seconds <= within:
        return None
    return Difference(field="time", wanted=f"within {within:g} s", got=f"{seconds:.1f} s")


def _status(wanted: str, status: int) -> Difference | None:
    if wanted == "any" or any(_is(pattern, status) for pattern in wanted.split("|")):
        return None
    return Difference(field="status", wanted=wanted.replace("|", " or "), got=str(status))


def _is(pattern: str, status: int) -> bool:
    return str(status) == pattern or (pattern[1:] == "xx" and str(status)[:1] == pattern[0])


def _header(name: str, wanted: Headers, got: Headers) -> Difference | None:
    want, have = first(wanted, name.encode()) or b"", first(got, name.encode())
    if have == want or (have == b"*" and name.startswith("WebHook-Allowed-")):
        return None
    return Difference(field=f"header {name}", wanted=_shown(want), got="missing" if have is None else _shown(have))


def _content_type(wanted: str, headers: Headers) -> Difference | None:
    got = (first(headers, b"Content-Type") or b"").decode("utf-8", "replace")
    if got.lower().startswith(wanted):
        return None
    return Difference(field="content type", wanted=wanted, got=got or "missing")


def _text(wanted: bytes, got: bytes) -> list[Difference]:
    if got == wanted:
        return []
    why = " (white space around it)" if got.strip() == wanted else _kind(got)
    return [Difference(field="body", wanted=f"{_shown(wanted)} as plain text", got=_shown(got) + why)]


def _json(wanted: bytes, got: bytes) -> list[Difference]:
    want: dict[str, Any] = json.loads(wanted)
    have = _parsed(got)
    if not isinstance(have, dict):
        return [Difference(field="body", wanted=f"JSON {_shown(wanted)}", got=_shown(got) + (_kind(got) or " as text"))]
    return [
        Difference(field=f"body.{name}", wanted=_shown(value), got=_shown(have[name]) if name in have else "missing")
        for name, value in want.items()
        if have.get(name) != value
    ]


def _slack(wanted: bytes, got: bytes) -> list[Difference]:
    """Slack takes the challenge as text, in JSON or in a form."""
    have = _parsed(got)
    accepted = got.strip() in (wanted, b"challenge=" + wanted)
    if accepted or (isinstance(have, dict) and have.get("challenge") == wanted.decode()):
        return []
    return [Difference(field="body", wanted=f"{_shown(wanted)} as text, or in JSON as challenge", got=_shown(got))]


def _empty(_wanted: bytes, got: bytes) -> list[Difference]:
    return [Difference(field="body", wanted="empty", got=_shown(got))] if got else []


def _any(_wanted: bytes, _got: bytes) -> list[Difference]:
    return []


READINGS: dict[Reading, Callable[[bytes, bytes], list[Difference]]] = {
    "text": _text,
    "json": _json,
    "slack": _slack,
    "empty": _empty,
    "any": _any,
}


def _kind(got: bytes) -> str:
    """What the body is instead, where that says what to change."""
    have = _parsed(got)
    if isinstance(have, dict | list):
        return " as JSON"
    return " in quotes" if isinstance(have, str) else ""


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _shown(value: Any) -> str:
    """The beginning of a value, as one piece of text."""
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    return clip(text, SHOWN) if text else "nothing"
