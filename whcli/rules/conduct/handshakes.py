"""What a provider asks before it sends events, and the exact answer: one table, and a few lines that walk it.

A provider asks once when a URL is registered, some again later. `answer` stands between the commit of an event and its
reply, so it must cost next to nothing for an ordinary request: a row is looked at only when one of the request's header
names, a word in its small body or its query is the row's; bodies above LARGEST are none. A row's marks (see `marks.py`)
must all hold, and they are so narrow that an event is never taken for a question: Slack's needs type and challenge,
Monday's has a challenge and nothing else.

`source` names the provider's own page. Those of Slack, Strava, X, Discord, CloudEvents, Dropbox, Okta, Monday, Xero,
Figma and Braintree (or their SDKs) were read on 2026-11-23; the others were checked in public receivers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ...words.event import Message, Reply
from ...words.record import record
from ...words.secret import Secret
from ..recognition.marks import Mark, View, all_hold, json_text, mark_of
from ..signatures.schemes import scheme_named
from ..signatures.signing import verify

if TYPE_CHECKING:
    from ..recognition.providers import Conditions

LARGEST = 64 * 1024  # bytes of a body that may be a question
SMALL = 1024  # bytes of a body that is a question by its words alone, without a header; real ones have about 500
SecretsOf = Callable[[str], Sequence[Secret]]
"""The secrets known for a scheme, the first of which signs."""


@record
class Handshake:
    """A provider's question, and our answer to it."""

    provider: str | None  # None: several ask in the same way, see `candidates`
    asks: str  # what it is, in a few words
    reply: Reply
    note: str | None = None  # what the user should know
    problem: str | None = None  # why the provider will not be content, and what to set
    keep: tuple[str, Secret] | None = None  # a scheme, and the secret for it that arrived with the question
    confirm: str | None = None  # a URL that the provider wants to be fetched; never fetched here
    candidates: tuple[str, ...] = ()


@record
class Ask:
    """One question on its way to the answer."""

    row: Row
    value: str  # the challenge
    message: Message
    view: View
    secrets: SecretsOf
    verify_token: str | None
    now: float  # unix seconds, UTC

    def say(self, reply: Reply, note: str | None = None, confirm: str | None = None) -> Handshake:
        """The answer that the provider wants."""
        return Handshake(provider=self.row.provider, asks=self.row.asks, reply=reply, note=note, confirm=confirm)

    def refuse(self, status: int, problem: str) -> Handshake:
        """An answer that it does not want, and why."""
        return Handshake(provider=self.row.provider, asks=self.row.asks, reply=Reply(status=status), problem=problem)

    def secret(self) -> Secret | None:
        """The first secret of the provider's scheme."""
        return next(iter(self.secrets(self.row.scheme)), None)

    def no_secret(self) -> Handshake:
        """What is said when the answer needs a secret and there is none. No answer: never a wrong one."""
        name = self.row.scheme.upper().replace("-", "_")
        return self.refuse(503, f"the answer needs the secret of {self.row.scheme}: set WHCLI_SECRET_{name}")


Answer = Callable[[Ask], Handshake]


@record
class Row:
    """One provider's question."""

    provider: str
    others: tuple[str, ...] = ()  # providers that ask in the same way
    asks: str
    method: str
    marks: Conditions
    reply: Answer
    source: str
    value: str = ""  # where the challenge stands
    scheme: str = ""  # whose secret the answer needs
    needle: str = ""  # a word that must be in the body; empty: the field's name in the first mark


# -- the ways to answer


def echoed(ask: Ask) -> Handshake:
    """The challenge as plain text; `nosniff`, so that no browser reads it as a page."""
    return ask.say(plain(ask.value))


def plain(text: str) -> Reply:
    """200 with a text."""
    headers = ((b"Content-Type", b"text/plain"), (b"X-Content-Type-Options", b"nosniff"))
    return Reply(status=200, headers=headers, body=text.encode("utf-8", "replace"))


def in_json(field: str) -> Answer:
    """The challenge as a field of a JSON object."""
    return lambda ask: ask.say(jsons({field: ask.value}))


def jsons(value: dict[str, object]) -> Reply:
    """200 with a JSON object."""
    return Reply(status=200, headers=((b"Content-Type", b"application/json"),), body=json_text(value))


def content(ask: Ask) -> Handshake:
    """200 and nothing else."""
    return ask.say(Reply(status=200))


def token_checked(answer: Answer) -> Answer:
    """The answer, but 403 when a verify token is set and the request holds another."""

    def reply(ask: Ask) -> Handshake:
        from ..signatures.digests import same  # here and below: nearly no request is a question, and it loads OpenSSL

        given = ask.view.query.get("hub.verify_token")
        if ask.verify_token is not None and not same((given or "").encode(), ask.verify_token.encode()):
            return ask.refuse(403, "the verify token is not the one that was set")
        return answer(ask)

    return reply


def keyed(algorithm: str, text: str, made: Callable[[str, str], dict[str, object]]) -> Answer:
    """JSON made from the challenge and its HMAC under the scheme's secret."""

    def reply(ask: Ask) -> Handshake:
        from ..signatures.digests import TEXTS, digest

        secret = ask.secret()
        if secret is None:
            return ask.no_secret()
        mac = TEXTS[text](digest(algorithm, secret.value, ask.value.encode("utf-8", "replace"))).decode()
        return ask.say(jsons(made(ask.value, mac)))

    return reply


def braintree(ask: Ask) -> Handshake:
    """`public_key|HMAC-SHA1(SHA1(private key), challenge)`."""
    import hashlib

    from ..signatures.digests import digest

    secret = ask.secret()
    if secret is None:
        return ask.no_secret()
    public, mark, private = secret.value.partition(b":")
    if not mark:
        return ask.refuse(503, f"the secret from {secret.label} is no public_key:private_key")
    key = hashlib.sha1(private).digest()  # noqa: S324  Braintree's own derivation
    mac = digest("hmac-sha1", key, ask.value.encode()).hex()
    return ask.say(plain(f"{public.decode('utf-8', 'replace')}|{mac}"))


def signed_only(reply: Reply, missing: Reply | None) -> Answer:
    """The reply when the signature holds, 401 when not: these providers send bad signatures on purpose.

    Without a secret `missing` goes out; None: nothing can be answered.
    """

    def checked(ask: Ask) -> Handshake:
        secrets = ask.secrets(ask.row.scheme)
        if not secrets and missing is None:
            return ask.no_secret()
        if not secrets and missing is not None:
            return ask.say(missing, note=f"not verified: {ask.no_secret().problem}")
        verdict = verify(scheme_named(ask.row.scheme), ask.message, secrets, now=ask.now)
        if verdict.reason == "secret_malformed":
            return ask.refuse(503, verdict.detail)
        return ask.say(reply) if verdict.ok else ask.say(Reply(status=401), note=f"refused: {verdict.detail}")

    return checked


def asana(ask: Ask) -> Handshake:
    """The secret that arrives is the key from now on, and goes back in the same header."""
    value = ask.view.names[b"x-hook-secret"]
    kept = ("asana", Secret(value=value, label="Asana's handshake"))
    reply = Reply(status=200, headers=((b"X-Hook-Secret", value),))
    return Handshake(provider="asana", asks=ask.row.asks, reply=reply, keep=kept)


def notion(ask: Ask) -> Handshake:
    """The token that arrives is the key from now on, once the user has pasted it back."""
    secret = Secret(value=ask.value.encode("utf-8", "replace"), label="Notion's handshake")
    return Handshake(
        provider="notion",
        asks=ask.row.asks,
        reply=Reply(status=200),
        keep=("notion", secret),
        note="paste the verification token, which `whcli show --reveal` shows, into the integration's webhook settings",
    )


def cloudevents(ask: Ask) -> Handshake:
    """Consent: the origin is allowed, at the rate it asked for (section 4.2)."""
    rate = ask.view.names.get(b"webhook-request-rate", b"")
    headers = (
        (b"Allow", b"POST"),
        (b"WebHook-Allowed-Origin", ask.view.names[b"webhook-request-origin"]),
        (b"WebHook-Allowed-Rate", rate if RATE.fullmatch(rate) else b"*"),
    )
    return ask.say(Reply(status=200, headers=headers))


def event_grid(ask: Ask) -> Handshake:
    """The code goes back; fetching the URL within five minutes would do as well."""
    url = ask.view.whole("body:0.data.validationUrl")
    return ask.say(jsons({"validationResponse": ask.value}), confirm=url)


def sns(ask: Ask) -> Handshake:
    """Any 2xx; what subscribes is a GET of SubscribeURL, which only the user may order."""
    if not is_sns_host(ask.value):
        return ask.say(Reply(status=200), note="its SubscribeURL is no address of Amazon SNS: do not open it")
    return ask.say(Reply(status=200), confirm=ask.value)


def head(ask: Ask) -> Handshake:
    """200: the URL is there."""
    if MANDRILL.match(ask.view.names.get(b"user-agent", b"")):
        return Handshake(provider="mandrill", asks=ask.row.asks, reply=Reply(status=200))
    candidates = ("trello", "mandrill", "intercom")
    return Handshake(provider=None, asks=ask.row.asks, reply=Reply(status=200), candidates=candidates)


RATE = re.compile(rb"[1-9]\d{0,8}")
MANDRILL = re.compile(rb"Mandrill", re.IGNORECASE)
SNS_HOST = re.compile(r"https://sns\.[a-z0-9-]{3,32}\.amazonaws\.com(\.cn)?/[!-\[\]-~]*")


def is_sns_host(url: str) -> bool:
    """Whether this is https at a host of Amazon SNS, without port, user or anything a parser could read otherwise.

    The host's form is the one that AWS's own validators require of SigningCertURL (sns-validator index.js).
    """
    return SNS_HOST.fullmatch(url) is not None


PRINTABLE = "[!-~]+"  # what may go back in a header
SUBSCRIBE = (
    "query:hub.challenge",
    "query:hub.mode=subscribe",
    "!query:hub.topic",
)  # with a topic it is WebSub, not ours
FACEBOOK = "User-Agent: (facebookexternalua|facebookplatform).*"
META_PAGE = "https://developers.facebook.com/docs/graph-api/webhooks/getting-started/"
PONG = jsons({"type": 1})
NO_CONTENT = Reply(status=204, headers=((b"Content-Type", b"application/json"),))

ROWS = (
    Row(
        provider="slack",
        asks="url_verification",
        method="POST",
        marks=("body:challenge", "body:type=url_verification"),
        value="body:challenge",
        reply=echoed,
        source="https://docs.slack.dev/reference/events/url_verification",
    ),
    # Meta and Strava ask alike and want different answers, text and JSON. Meta's challenge is a number.
    Row(
        provider="meta",
        asks="hub.challenge",
        method="GET",
        marks=(*SUBSCRIBE, r"query:hub.challenge=\d{1,20}"),
        value="query:hub.challenge",
        reply=token_checked(echoed),
        source=META_PAGE,
    ),
    Row(
        provider="meta",
        asks="hub.challenge",
        method="GET",
        marks=(*SUBSCRIBE, FACEBOOK),
        value="query:hub.challenge",
        reply=token_checked(echoed),
        source=META_PAGE,
    ),
    Row(
        provider="strava",
        asks="hub.challenge",
        method="GET",
        marks=(*SUBSCRIBE, "query:hub.verify_token"),
        value="query:hub.challenge",
        reply=token_checked(in_json("hub.challenge")),
        source="https://developers.strava.com/docs/webhooks/",
    ),
    Row(
        provider="meta",
        asks="hub.challenge",
        method="GET",
        marks=SUBSCRIBE,
        value="query:hub.challenge",
        reply=token_checked(echoed),
        source=META_PAGE,
    ),
    Row(
        provider="x",
        asks="challenge-response check",
        method="GET",
        marks=("query:crc_token",),
        value="query:crc_token",
        scheme="x",
        reply=keyed("hmac-sha256", "base64", lambda _, mac: {"response_token": f"sha256={mac}"}),
        source="https://docs.x.com/x-api/webhooks/quickstart",
    ),
    Row(
        provider="zoom",
        asks="endpoint.url_validation",
        method="POST",
        marks=("body:payload.plainToken", r"body:event=endpoint\.url_validation"),
        value="body:payload.plainToken",
        scheme="zoom",
        reply=keyed("hmac-sha256", "hex", lambda value, mac: {"plainToken": value, "encryptedToken": mac}),
        source="https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint",
    ),
    Row(
        provider="discord",
        asks="PING of an interactions endpoint",
        method="POST",
        marks=("X-Signature-Ed25519", "X-Signature-Timestamp", "body:type=1", "!body:event"),
        scheme="discord",
        reply=signed_only(PONG, missing=PONG),
        source="https://discord.com/developers/docs/interactions/overview",
    ),
    Row(
        provider="discord",
        asks="PING of a webhook events endpoint",
        method="POST",
        marks=("X-Signature-Ed25519", "X-Signature-Timestamp", "body:type=0", "!body:event"),
        scheme="discord",
        reply=signed_only(NO_CONTENT, missing=NO_CONTENT),
        source="https://discord.com/developers/docs/events/webhook-events",
    ),
    Row(
        provider="microsoft-graph",
        asks="validationToken",
        method="POST",
        marks=("query:validationToken",),
        value="query:validationToken",
        reply=echoed,
        source="https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
    ),
    Row(
        provider="azure-event-grid",
        asks="SubscriptionValidation",
        method="POST",
        marks=("aeg-event-type: SubscriptionValidation", "body:0.data.validationCode"),
        value="body:0.data.validationCode",
        reply=event_grid,
        source="https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema",
    ),
    Row(
        provider="cloudevents",
        asks="WebHook-Request-Origin",
        method="OPTIONS",
        marks=(f"WebHook-Request-Origin: {PRINTABLE}",),
        reply=cloudevents,
        source="github.com/cloudevents/spec cloudevents/http-webhook.md section 4",
    ),
    Row(
        provider="asana",
        asks="X-Hook-Secret",
        method="POST",
        marks=(f"X-Hook-Secret: {PRINTABLE}", "!X-Hook-Signature"),
        reply=asana,
        source="https://developers.asana.com/docs/webhooks-guide",
    ),
    Row(
        provider="dropbox",
        asks="challenge",
        method="GET",
        marks=("query:challenge",),
        value="query:challenge",
        reply=echoed,
        source="https://www.dropbox.com/developers/reference/webhooks",
    ),
    Row(
        provider="okta",
        asks="x-okta-verification-challenge",
        method="GET",
        marks=("x-okta-verification-challenge",),
        value="header:x-okta-verification-challenge",
        reply=in_json("verification"),
        source="https://developer.okta.com/docs/concepts/event-hooks/",
    ),
    Row(
        provider="twitch",
        asks="webhook_callback_verification",
        method="POST",
        marks=("Twitch-Eventsub-Message-Type: webhook_callback_verification", "body:challenge"),
        value="body:challenge",
        reply=echoed,
        source="https://dev.twitch.tv/docs/eventsub/handling-webhook-events/",
    ),
    Row(
        provider="aws-sns",
        asks="SubscriptionConfirmation",
        method="POST",
        marks=("x-amz-sns-message-type: SubscriptionConfirmation", "body:SubscribeURL"),
        value="body:SubscribeURL",
        reply=sns,
        source="https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html",
    ),
    Row(
        provider="trello",
        others=("mandrill", "intercom"),  # `head` tells them apart where it can
        asks="HEAD",
        method="HEAD",
        marks=(),
        reply=head,
        source="https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
    ),
    Row(
        provider="intercom",
        asks="ping",
        method="POST",
        marks=("body:type=notification_event", "body:topic=ping"),
        needle="notification_event",
        reply=content,
        source="https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
    ),
    Row(
        provider="notion",
        asks="verification_token",
        method="POST",
        marks=("keys:verification_token", r"body:verification_token=\S{8,}", "!X-Notion-Signature"),
        value="body:verification_token",
        reply=notion,
        source="https://developers.notion.com/reference/webhooks",
    ),
    Row(
        provider="monday",
        asks="challenge",
        method="POST",
        marks=("keys:challenge", "body:challenge=.+"),
        value="body:challenge",
        reply=in_json("challenge"),
        source="https://developer.monday.com/api-reference/reference/webhooks",
    ),
    Row(
        provider="braintree",
        asks="bt_challenge",
        method="GET",
        marks=("query:bt_challenge=[a-f0-9]{20,32}",),
        value="query:bt_challenge",
        scheme="braintree",
        reply=braintree,
        source="braintree_python braintree/webhook_notification_gateway.py",
    ),
    Row(
        provider="xero",
        asks="intent to receive",
        method="POST",
        marks=("x-xero-signature", "body:events", "!body:events.0", "body:entropy"),
        scheme="xero",
        reply=signed_only(Reply(status=200), missing=None),
        source="https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/",
    ),
    Row(
        provider="woocommerce",
        asks="ping",
        method="POST",
        marks=("keys:webhook_id", r"body:webhook_id=\d+", "!X-WC-Webhook-Signature"),
        reply=content,
        source="github.com/woocommerce/woocommerce plugins/woocommerce/includes/class-wc-webhook.php",
    ),
    Row(
        provider="figma",
        asks="PING",
        method="POST",
        marks=("body:passcode", "body:event_type=PING", "body:webhook_id"),
        reply=content,
        source="github.com/figma/rest-api-spec openapi/openapi.yaml, WebhookPingPayload",
    ),
    Row(
        provider="mailchimp",
        asks="GET",
        method="GET",
        marks=("User-Agent: MailChimp.*",),
        reply=content,
        source="https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
    ),
)


def answer(
    message: Message,
    secrets: SecretsOf,
    *,
    now: float,
    verify_token: str | None = None,
    provider: str | None = None,
) -> Handshake | None:
    """The answer to a provider's question, or None for an ordinary request. Never raises on what a message holds.

    `verify_token` is what was typed into Meta's or Strava's settings (None: any is accepted), `provider` what a route
    has fixed, `now` unix seconds UTC.
    """
    ways = _ways().get(message.method.encode())
    if ways is None or len(message.body) > LARGEST:
        return None
    likely = ways.likely(message)
    if not likely:
        return None
    view = View(message.headers, message.body, message.url)
    for row in (ROWS[order] for order in sorted(likely)):
        value = view.whole(row.value) if row.value else ""
        if provider in (None, row.provider, *row.others) and value is not None and all_hold(_marks(row.marks), view):
            ask = Ask(
                row=row,
                value=value,
                message=message,
                view=view,
                secrets=secrets,
                verify_token=verify_token,
                now=now,
            )
            return row.reply(ask)
    return None


def possible(method: bytes, head: bytes, body: bytes) -> bool:
    """Whether a request as it came may be a question: a look at its bytes, a microsecond for nearly all that are not.

    Bytes by bytes, so never surer than `answer`, which has the last word.
    """
    ways = _ways().get(method)
    if ways is None or len(body) > LARGEST:
        return False
    if ways.always or (len(body) <= SMALL and holds_any(body, ways.body)):
        return True
    lowered = head.lower()
    return ways.named.search(lowered) is not None or holds_any(lowered, ways.queried)


def holds_any(text: bytes, words: Iterable[bytes]) -> bool:
    """Whether one of the words is in a text. `any` with a generator would take three times as long."""
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False


@record
class Ways:
    """The rows of one method, as places in ROWS, by what a request must show before it is read."""

    always: tuple[int, ...]
    headers: dict[bytes, tuple[int, ...]]
    named: re.Pattern[bytes]  # finds one of `headers` in a head in small letters, in a quarter of the time of six looks
    query: dict[str, tuple[int, ...]]
    queried: tuple[bytes, ...]  # the words of `query` in small letters
    body: dict[bytes, tuple[int, ...]]

    def likely(self, message: Message) -> set[int]:
        """The rows worth a look; none for most requests, at the price of a few microseconds."""
        found = set(self.always)
        for name, _ in message.headers:
            if (key := name.lower()) in self.headers:
                found.update(self.headers[key])
        if self.query and "?" in message.url:
            found.update(*(orders for word, orders in self.query.items() if word in message.url))
        if self.body and len(message.body) <= SMALL:
            found.update(*(orders for word, orders in self.body.items() if word in message.body))
        return found


@cache
def _ways() -> dict[bytes, Ways]:
    return {method.encode(): _ways_of(method) for method in {row.method for row in ROWS}}


def _ways_of(method: str) -> Ways:
    ways: dict[str, dict[str, tuple[int, ...]]] = {"header": {}, "query": {}, "body": {}, "": {}}
    for order, row in enumerate(ROWS):
        if row.method == method:
            first = next(iter(_marks(row.marks)), None)
            kind = "" if first is None else "body" if first.kind == "keys" else first.kind
            word = row.needle or ("" if first is None else first.needle.decode() or first.name)
            ways[kind][word] = (*ways[kind].get(word, ()), order)
    headers = {name.lower().encode(): orders for name, orders in ways["header"].items()}
    return Ways(
        always=ways[""].get("", ()),
        headers=headers,
        named=re.compile(rb"\n(?:%b):" % b"|".join(map(re.escape, headers)) if headers else rb"(?!)"),
        query=ways["query"],
        queried=tuple(word.lower().encode() for word in ways["query"]),
        body={word.encode(): orders for word, orders in ways["body"].items()},
    )


@cache
def _marks(conditions: Conditions) -> tuple[Mark, ...]:
    return tuple(mark_of(text) for text in conditions)
