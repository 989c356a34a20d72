"""Handshakes both ways: our answer to every provider's question, and our questions judged.

Answers that hold a digest were computed by `openssl dgst` in a shell, or by the provider's SDK.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.senders import CASES, Case
from whcli.rules.conduct import challenges as other_side
from whcli.rules.conduct.challenges import Challenge, challenges, judge
from whcli.rules.conduct.handshakes import LARGEST, ROWS, Handshake, SecretsOf, answer, is_sns_host
from whcli.rules.recognition.providers import BY_NAME
from whcli.rules.signatures.keys import keygen
from whcli.rules.signatures.schemes import NAMES, scheme_named
from whcli.rules.signatures.signing import verify
from whcli.words.errors import WrongUsage
from whcli.words.event import Difference, Headers, Message, Reply, first
from whcli.words.secret import Secret

URL = "https://example.com/hooks"
NOW = 1_700_000_000.0
SNS_URL = (
    "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:1:T&Token=2336"
)


def secrets_of(**known: str) -> SecretsOf:
    """Secrets by scheme."""
    return lambda scheme: (
        [Secret(value=known[key].encode(), label="test")] if (key := scheme.replace("-", "_")) in known else []
    )


NONE = secrets_of()


def request(
    body: bytes | str | dict[str, Any] | list[Any] = b"",
    *,
    method: str = "POST",
    query: str = "",
    headers: dict[str, str] | None = None,
) -> Message:
    """A request as it comes through a tunnel."""
    kind = {"Content-Type": "application/json"} if isinstance(body, dict | list) else {}
    around = {"Host": "example.com", "User-Agent": "Go-http-client/1.1", "Accept": "*/*", **kind, **(headers or {})}
    return Message(
        method=method,
        url=URL + query,
        headers=tuple((name.encode(), value.encode()) for name, value in around.items()),
        body=body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


def answered(message: Message, secrets: SecretsOf = NONE, **options: Any) -> Handshake:
    """Our answer, which must be one."""
    handshake = answer(message, secrets, now=NOW, **options)
    assert handshake is not None
    return handshake


@dataclass(frozen=True, kw_only=True)
class Known:
    """A question, and the answer that the provider's page shows."""

    says: str
    provider: str | None
    message: Message
    status: int = 200
    type: str | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    source: str

    def __str__(self) -> str:
        return self.says


SLACK = {
    "token": "Jhj5dZrVaK7ZwHHjRyZWjbDl",
    "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    "type": "url_verification",
}
XERO = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}'
ED25519_PING = '{"application_id":"1","id":"2","type":1}'
ED25519_PUBLIC = "8c9ea55ec4414631bca6b675f35501fec3bb096e828c4a9aa9588b058b5ae34e"
ED25519_SIGNATURE = (
    "ab48794856257d48f6af78c93a21df32a7c70bbeec863f141fb017feedb13628"
    "b89806d80eea5bea4205babda172bba76e237cde42a34e6c4c23432f6ca8ef0d"
)
GRID = [
    {
        "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
        "data": {
            "validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
            "validationUrl": "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/myeventsub/validate?id=1",
        },
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    }
]
TEXT = "text/plain"
AS_JSON = "application/json"

ANSWERS = (
    Known(
        says="slack gets the challenge back as text",
        provider="slack",
        message=request(SLACK, headers={"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "1"}),
        type=TEXT,
        body=b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
        source="https://docs.slack.dev/reference/events/url_verification",
    ),
    Known(
        says="meta gets the number back as text",
        provider="meta",
        message=request(
            method="GET", query="?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock"
        ),
        type=TEXT,
        body=b"1158201444",
        options={"verify_token": "meatyhamhock"},
        source="https://developers.facebook.com/docs/graph-api/webhooks/getting-started/",
    ),
    Known(
        says="meta is refused with another verify token",
        provider="meta",
        message=request(method="GET", query="?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=other"),
        status=403,
        options={"verify_token": "meatyhamhock"},
        source="https://developers.facebook.com/docs/graph-api/webhooks/getting-started/",
    ),
    Known(
        says="meta is refused without a verify token",
        provider="meta",
        message=request(method="GET", query="?hub.mode=subscribe&hub.challenge=1158201444"),
        status=403,
        options={"verify_token": "meatyhamhock"},
        source="https://developers.facebook.com/docs/graph-api/webhooks/getting-started/",
    ),
    Known(
        says="strava gets its text back in JSON",
        provider="strava",
        message=request(
            method="GET",
            query="?hub.verify_token=STRAVA&hub.challenge=15f7d1a91c1f40f8a748fd134752feb3&hub.mode=subscribe",
        ),
        type=AS_JSON,
        body=b'{"hub.challenge":"15f7d1a91c1f40f8a748fd134752feb3"}',
        source="https://developers.strava.com/docs/webhooks/",
    ),
    Known(
        says="strava's form under a route for meta is meta's",
        provider="meta",
        message=request(
            method="GET",
            query="?hub.verify_token=STRAVA&hub.challenge=15f7d1a91c1f40f8a748fd134752feb3&hub.mode=subscribe",
        ),
        type=TEXT,
        body=b"15f7d1a91c1f40f8a748fd134752feb3",
        options={"provider": "meta"},
        source="https://developers.facebook.com/docs/graph-api/webhooks/getting-started/",
    ),
    Known(
        says="x gets the challenge's digest (openssl dgst -sha256 -hmac, base64)",
        provider="x",
        message=request(method="GET", query="?crc_token=challenge_string"),
        type=AS_JSON,
        body=b'{"response_token":"sha256=mchn+rKsGVnYHN/lGyanuEw6XariJ3D+ARDLDsd0dS0="}',
        secrets={"x": "your_consumer_secret_here"},
        source="https://docs.x.com/x-api/webhooks/quickstart",
    ),
    Known(
        says="zoom gets its token and the token's digest (openssl dgst -sha256 -hmac)",
        provider="zoom",
        message=request(
            {
                "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"},
                "event_ts": 1654503849680,
                "event": "endpoint.url_validation",
            }
        ),
        type=AS_JSON,
        body=b'{"plainToken":"qgg8vlvZRS6UYooatFL8Aw",'
        b'"encryptedToken":"bd48235863f4a6323ccc4963c594908b7c97f88b4a6a95278f4f093690b12726"}',
        secrets={"zoom": "zoom_secret_token"},
        source="https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint",
    ),
    Known(
        says="discord's ping of an interactions endpoint gets a pong (signed by openssl pkeyutl)",
        provider="discord",
        message=request(
            ED25519_PING,
            headers={"X-Signature-Ed25519": ED25519_SIGNATURE, "X-Signature-Timestamp": "1700000000"},
        ),
        type=AS_JSON,
        body=b'{"type":1}',
        secrets={"discord": ED25519_PUBLIC},
        source="https://discord.com/developers/docs/interactions/overview",
    ),
    Known(
        says="discord's ping with a bad signature gets a 401",
        provider="discord",
        message=request(
            ED25519_PING + " ",
            headers={"X-Signature-Ed25519": ED25519_SIGNATURE, "X-Signature-Timestamp": "1700000000"},
        ),
        status=401,
        secrets={"discord": ED25519_PUBLIC},
        source="https://discord.com/developers/docs/interactions/overview",
    ),
    Known(
        says="discord's ping of a webhook events endpoint gets 204 with a content type and no body",
        provider="discord",
        message=request(
            '{"version":1,"application_id":"1234560123453231555","type":0}',
            headers={"X-Signature-Ed25519": "00", "X-Signature-Timestamp": "1700000000"},
        ),
        status=204,
        type=AS_JSON,
        source="https://discord.com/developers/docs/events/webhook-events",
    ),
    Known(
        says="microsoft graph gets the decoded token",
        provider="microsoft-graph",
        message=request(
            query="?validationToken=Validation%3A+Testing+client%20reachability+%26+more",
            headers={"Content-Type": "text/plain; charset=utf-8"},
        ),
        type=TEXT,
        body=b"Validation: Testing client reachability & more",
        source="https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
    ),
    Known(
        says="azure event grid gets its code",
        provider="azure-event-grid",
        message=request(GRID, headers={"aeg-event-type": "SubscriptionValidation"}),
        type=AS_JSON,
        body=b'{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}',
        source="https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema",
    ),
    Known(
        says="cloudevents: the origin is allowed at the rate it asked for",
        provider="cloudevents",
        message=request(
            method="OPTIONS",
            headers={"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"},
        ),
        headers={
            "Allow": "POST",
            "WebHook-Allowed-Origin": "eventemitter.example.com",
            "WebHook-Allowed-Rate": "120",
        },
        source="github.com/cloudevents/spec cloudevents/http-webhook.md section 4",
    ),
    Known(
        says="cloudevents: without a rate asked for there is no limit",
        provider="cloudevents",
        message=request(method="OPTIONS", headers={"WebHook-Request-Origin": "eventgrid.azure.net"}),
        headers={"WebHook-Allowed-Origin": "eventgrid.azure.net", "WebHook-Allowed-Rate": "*"},
        source="github.com/cloudevents/spec cloudevents/http-webhook.md section 4",
    ),
    Known(
        says="asana gets its secret back in the same header",
        provider="asana",
        message=request(
            {}, headers={"X-Hook-Secret": "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"}
        ),
        headers={"X-Hook-Secret": "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"},
        source="https://developers.asana.com/docs/webhooks-guide",
    ),
    Known(
        says="dropbox gets the challenge, and a browser is told not to guess",
        provider="dropbox",
        message=request(method="GET", query="?challenge=abc123"),
        type=TEXT,
        body=b"abc123",
        headers={"X-Content-Type-Options": "nosniff"},
        source="https://www.dropbox.com/developers/reference/webhooks",
    ),
    Known(
        says="okta gets the header's value in JSON",
        provider="okta",
        message=request(method="GET", headers={"x-okta-verification-challenge": "sVqGAtaZXvmSLgzzUC"}),
        type=AS_JSON,
        body=b'{"verification":"sVqGAtaZXvmSLgzzUC"}',
        source="https://developer.okta.com/docs/concepts/event-hooks/",
    ),
    Known(
        says="twitch gets the raw challenge",
        provider="twitch",
        message=request(
            {"challenge": "pogchamp-kappa-360noscope-vohiyo", "subscription": {"type": "channel.follow"}},
            headers={"Twitch-Eventsub-Message-Type": "webhook_callback_verification"},
        ),
        type=TEXT,
        body=b"pogchamp-kappa-360noscope-vohiyo",
        source="https://dev.twitch.tv/docs/eventsub/handling-webhook-events/",
    ),
    Known(
        says="sns gets 200",
        provider="aws-sns",
        message=request(
            {"Type": "SubscriptionConfirmation", "Token": "2336", "TopicArn": "arn:aws:sns", "SubscribeURL": SNS_URL},
            headers={
                "x-amz-sns-message-type": "SubscriptionConfirmation",
                "Content-Type": "text/plain; charset=UTF-8",
            },
        ),
        source="https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html",
    ),
    Known(
        says="a HEAD gets 200, whoever asked",
        provider=None,
        message=request(method="HEAD"),
        source="https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
    ),
    Known(
        says="mandrill's HEAD is told by its user agent",
        provider="mandrill",
        message=request(method="HEAD", headers={"User-Agent": "Mandrill-Webhook/1.0"}),
        source="https://mailchimp.com/developer/transactional/docs/webhooks/",
    ),
    Known(
        says="intercom's ping gets 200",
        provider="intercom",
        message=request({"type": "notification_event", "topic": "ping", "data": {"item": {"type": "ping"}}}),
        source="https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
    ),
    Known(
        says="notion gets 200",
        provider="notion",
        message=request({"verification_token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}),
        source="https://developers.notion.com/reference/webhooks",
    ),
    Known(
        says="monday gets the same JSON back",
        provider="monday",
        message=request({"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}),
        type=AS_JSON,
        body=b'{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}',
        source="https://developer.monday.com/api-reference/reference/webhooks",
    ),
    Known(
        says="braintree gets the public key and the digest of its SDK's own test",
        provider="braintree",
        message=request(method="GET", query="?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53"),
        type=TEXT,
        body=b"integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4",
        secrets={"braintree": "integration_public_key:integration_private_key"},
        source="braintree_python tests/unit/test_webhooks.py",
    ),
    Known(
        says="xero's good signature gets 200 (openssl dgst -sha256 -hmac, base64)",
        provider="xero",
        message=request(XERO, headers={"x-xero-signature": "QDRtGcIj6EFJGnU/9tUHZda1T3mdwWMYlmlkj0eZLwc="}),
        secrets={"xero": "xero_webhook_key"},
        source="https://developer.xero.com/documentation/webhooks/configuring-your-server",
    ),
    Known(
        says="xero's bad signature gets 401",
        provider="xero",
        message=request(XERO, headers={"x-xero-signature": "QDRtGcIj6EFJGnU/9tUHZda1T3mdwWMYlmlkj0eZLwd="}),
        status=401,
        secrets={"xero": "xero_webhook_key"},
        source="https://developer.xero.com/documentation/webhooks/configuring-your-server",
    ),
    Known(
        says="woocommerce's ping gets 200",
        provider="woocommerce",
        message=request("webhook_id=12", headers={"Content-Type": "application/x-www-form-urlencoded"}),
        source="github.com/woocommerce/woocommerce plugins/woocommerce/includes/class-wc-webhook.php",
    ),
    Known(
        says="figma's ping gets 200",
        provider="figma",
        message=request({"event_type": "PING", "passcode": "secret", "webhook_id": "22", "timestamp": "2020"}),
        source="github.com/figma/rest-api-spec openapi/openapi.yaml",
    ),
    Known(
        says="mailchimp's look at the URL gets 200",
        provider="mailchimp",
        message=request(method="GET", headers={"User-Agent": "MailChimp.com WebHook Validator"}),
        source="https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
    ),
)


@pytest.mark.parametrize("known", ANSWERS, ids=str)
def test_each_question_gets_the_answer_that_its_page_shows(known: Known) -> None:
    handshake = answered(known.message, secrets_of(**known.secrets), **known.options)
    reply = handshake.reply
    assert (handshake.provider, reply.status, reply.body) == (known.provider, known.status, known.body), known.source
    kind = first(reply.headers, b"Content-Type")
    assert (kind and kind.decode()) == known.type
    for name, value in known.headers.items():
        assert first(reply.headers, name.encode()) == value.encode()


def test_every_row_has_a_known_answer_and_a_play() -> None:
    rows = {row.provider for row in ROWS}
    assert rows <= {known.provider for known in ANSWERS} | {"trello"}
    assert rows <= set(other_side.PROVIDERS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.provider} {row.asks}")
def test_every_row_is_of_a_provider_in_the_table_and_says_where_it_was_read(row: Any) -> None:
    assert row.provider in BY_NAME
    assert row.source
    assert not row.scheme or row.scheme in NAMES


# -- a secret that is missing


@pytest.mark.parametrize(
    ("provider", "message", "names"),
    [
        ("x", request(method="GET", query="?crc_token=a"), "WHCLI_SECRET_X"),
        (
            "zoom",
            request({"event": "endpoint.url_validation", "payload": {"plainToken": "q"}}),
            "WHCLI_SECRET_ZOOM",
        ),
        ("braintree", request(method="GET", query=f"?bt_challenge={'a' * 32}"), "WHCLI_SECRET_BRAINTREE"),
        ("xero", request(XERO, headers={"x-xero-signature": "QDRt"}), "WHCLI_SECRET_XERO"),
    ],
    ids=["x", "zoom", "braintree", "xero"],
)
def test_an_answer_that_needs_a_secret_is_not_invented(provider: str, message: Message, names: str) -> None:
    handshake = answered(message)
    assert (handshake.provider, handshake.reply.status, handshake.reply.body) == (provider, 503, b"")
    assert handshake.problem is not None
    assert names in handshake.problem


def test_discord_is_answered_without_a_key_and_that_is_said() -> None:
    handshake = answered(request(ED25519_PING, headers={"X-Signature-Ed25519": "00", "X-Signature-Timestamp": "1"}))
    assert handshake.reply.body == b'{"type":1}'
    assert handshake.note is not None
    assert "WHCLI_SECRET_DISCORD" in handshake.note


@pytest.mark.parametrize(
    ("message", "secrets"),
    [
        (request(method="GET", query=f"?bt_challenge={'a' * 32}"), secrets_of(braintree="no colon")),
        (
            request(ED25519_PING, headers={"X-Signature-Ed25519": "00" * 64, "X-Signature-Timestamp": "1"}),
            secrets_of(discord="no key at all"),
        ),
    ],
    ids=["braintree without a colon", "discord without a key"],
)
def test_a_secret_of_the_wrong_form_is_a_problem_and_no_answer(message: Message, secrets: SecretsOf) -> None:
    handshake = answered(message, secrets)
    assert handshake.reply.status == 503
    assert handshake.problem is not None
    assert "test" in handshake.problem


# -- what arrives with the question


def test_asanas_secret_is_kept_and_never_shown() -> None:
    handshake = answered(request({}, headers={"X-Hook-Secret": "b537207f20cbfa02357cf448134da559"}))
    assert handshake.keep is not None
    scheme, secret = handshake.keep
    assert (scheme, secret.value) == ("asana", b"b537207f20cbfa02357cf448134da559")
    assert "b537207f20" not in repr(secret)


def test_notions_token_is_kept_and_the_user_is_told_what_to_do() -> None:
    handshake = answered(request({"verification_token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}))
    assert handshake.keep is not None
    scheme, secret = handshake.keep
    assert (scheme, secret.value) == ("notion", b"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl")
    assert handshake.note is not None
    assert "paste" in handshake.note


def test_a_url_to_confirm_is_only_named() -> None:
    sns = next(known for known in ANSWERS if known.provider == "aws-sns")
    assert answered(sns.message).confirm == SNS_URL
    grid = next(known for known in ANSWERS if known.provider == "azure-event-grid")
    assert answered(grid.message).confirm == GRID[0]["data"]["validationUrl"]  # type: ignore[index]


def test_a_subscribe_url_of_somebody_else_is_not_even_named() -> None:
    body = {"Type": "SubscriptionConfirmation", "Token": "2", "TopicArn": "a", "SubscribeURL": "https://evil.example/"}
    handshake = answered(request(body, headers={"x-amz-sns-message-type": "SubscriptionConfirmation"}))
    assert handshake.confirm is None
    assert handshake.note is not None
    assert "do not open" in handshake.note


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (SNS_URL, True),
        ("https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription", True),
        ("https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription", True),
        ("http://sns.us-east-1.amazonaws.com/", False),
        ("https://sns.us-east-1.amazonaws.com.evil.example/", False),
        ("https://evil.example/sns.us-east-1.amazonaws.com/", False),
        ("https://sns.us-east-1.amazonaws.com@evil.example/", False),
        ("https://user@sns.us-east-1.amazonaws.com/", False),
        ("https://sns.us-east-1.amazonaws.com:8443/", False),
        ("https://sns.us-east-1.amazonaws.com\\@evil.example/", False),
        ("https://sns.us-east-1.amazonaws.com/\\evil", False),
        ("https://sns.us-east-1.amazonaws.com", False),
        ("https://snsXus-east-1.amazonaws.com/", False),
        ("https://sqs.us-east-1.amazonaws.com/", False),
        ("https://sns.us-east-1.evil.amazonaws.com/", False),
        ("https://sns.us-east-1.amazonaws.com/\n", False),
        ("https://sns.us-east-1.amazonaws.com/ x", False),
        ("https://sns.ùs-east-1.amazonaws.com/", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_https_at_a_host_of_sns_is_one(url: str, wanted: bool) -> None:
    assert is_sns_host(url) is wanted


# -- ordinary requests are none

ORDINARY: tuple[tuple[str, Message], ...] = (
    ("slack: an event", request({"type": "event_callback", "event": {"type": "message", "text": "challenge"}})),
    ("slack: an event that speaks of one", request({"type": "event_callback", "challenge": "x"})),
    ("a challenge beside other fields", request({"challenge": "x", "user": "y"})),
    ("a challenge that is no text", request({"challenge": 7})),
    ("an empty challenge", request({"challenge": ""})),
    ("zoom: a meeting", request({"event": "meeting.started", "payload": {"object": {}}})),
    ("zoom: a plain token in another event", request({"event": "x", "payload": {"plainToken": "q"}})),
    (
        "discord: a command",
        request({"type": 2, "id": "1"}, headers={"X-Signature-Ed25519": "0", "X-Signature-Timestamp": "1"}),
    ),
    (
        "discord: a webhook event",
        request(
            {"type": 1, "event": {"type": "ENTITLEMENT_CREATE"}},
            headers={"X-Signature-Ed25519": "0", "X-Signature-Timestamp": "1"},
        ),
    ),
    ("discord: a type without a signature", request({"type": 1})),
    ("notion: a token beside other fields", request({"verification_token": "secret_abcdefgh", "id": "1"})),
    (
        "notion: a signed event",
        request({"verification_token": "secret_abcdefgh"}, headers={"X-Notion-Signature": "sha256=0"}),
    ),
    ("xero: events", request('{"events":[{}],"entropy":"x"}', headers={"x-xero-signature": "QDRt"})),
    ("figma: a file", request({"event_type": "FILE_UPDATE", "passcode": "p", "webhook_id": "1"})),
    ("intercom: a conversation", request({"type": "notification_event", "topic": "conversation.user.created"})),
    (
        "twitch: a notification",
        request({"challenge": "x"} | {"event": {}}, headers={"Twitch-Eventsub-Message-Type": "notification"}),
    ),
    (
        "sns: a notification",
        request({"Type": "Notification"}, headers={"x-amz-sns-message-type": "Notification"}),
    ),
    (
        "sns: a confirmation that the subscription ended",
        request({"SubscribeURL": SNS_URL}, headers={"x-amz-sns-message-type": "UnsubscribeConfirmation"}),
    ),
    ("event grid: an event", request(GRID, headers={"aeg-event-type": "Notification"})),
    ("asana: an event", request({"events": []}, headers={"X-Hook-Signature": "0", "X-Hook-Secret": "1"})),
    (
        "woocommerce: a signed event",
        request(
            "webhook_id=12",
            headers={"Content-Type": "application/x-www-form-urlencoded", "X-WC-Webhook-Signature": "0"},
        ),
    ),
    (
        "a form with more than an id",
        request("webhook_id=12&a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    ),
    ("a page that is asked for", request(method="GET")),
    ("a search", request(method="GET", query="?q=challenge")),
    ("hub.mode without a challenge", request(method="GET", query="?hub.mode=subscribe")),
    ("an unsubscription", request(method="GET", query="?hub.mode=unsubscribe&hub.challenge=1")),
    (
        "websub: a topic, which is not ours to confirm",
        request(method="GET", query="?hub.mode=subscribe&hub.challenge=1&hub.topic=https://example.com/feed"),
    ),
    ("braintree: letters beyond hex", request(method="GET", query="?bt_challenge=bad challenge")),
    ("an OPTIONS of a browser", request(method="OPTIONS", headers={"Origin": "https://example.com"})),
    ("a question in a method that nobody asks with", request(SLACK, method="PUT")),
    ("a question with a body that is too large", request({**SLACK, "more": "x" * LARGEST})),
    ("nothing", request()),
    ("nothing but JSON's null", request("null")),
)


@pytest.mark.parametrize(("says", "message"), ORDINARY, ids=[says for says, _ in ORDINARY])
def test_an_ordinary_request_is_no_handshake(says: str, message: Message) -> None:
    assert answer(message, NONE, now=NOW) is None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_providers_event_is_no_handshake(case: Case) -> None:
    message = Message(method="POST", url=URL, headers=case.pairs, body=case.content)
    assert answer(message, NONE, now=NOW) is None


def test_a_route_for_one_provider_answers_no_other() -> None:
    assert answer(request(SLACK), NONE, now=NOW, provider="monday") is None


# -- the other side

KEYS = {scheme: keygen(str(scheme_named(scheme).pair)) for scheme in ("discord", "aws-sns")}
PLAYED = secrets_of(
    slack="8f742231b10e8888abcd99yyyzzz85a5",
    x="your_consumer_secret_here",
    zoom="zoom_secret_token",
    discord=KEYS["discord"].private,
    twitch="s3cre77890ab",
    aws_sns=KEYS["aws-sns"].private,
    intercom="client secret",
    braintree="integration_public_key:integration_private_key",
    xero="xero_webhook_key",
    figma='a "passcode"',
)


def played(provider: str, secrets: SecretsOf = PLAYED, **options: Any) -> tuple[Challenge, ...]:
    """The provider's questions."""
    options = {"verify_token": "meatyhamhock", **options}
    return challenges(provider, url=URL + "?route=1", secrets=secrets, now=NOW, token="9f8c2bTheToken", **options)


QUESTIONS = [question for provider in other_side.PROVIDERS for question in played(provider)]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.provider}: {question.says}")
def test_our_question_gets_our_answer_and_is_judged_fine(question: Challenge) -> None:
    handshake = answered(question.message, PLAYED, verify_token="meatyhamhock")
    assert handshake.provider in (question.provider, None)
    assert judge(question, handshake.reply, seconds=0.1) == ()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.provider}: {question.says}")
def test_a_handler_that_knows_nothing_of_it_is_judged_by_what_the_provider_reads(question: Challenge) -> None:
    lenient = (
        question.play.reads in ("any", "empty") and not question.play.same and question.play.status in ("200", "2xx")
    )
    wrong = judge(question, Reply(status=200, body=b""))
    assert (wrong == ()) is lenient
    assert judge(question, Reply(status=500)) != () or question.play.status == "any"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.provider}: {question.says}")
def test_the_url_keeps_its_own_query(question: Challenge) -> None:
    assert question.message.url.startswith(URL + "?route=1")


@pytest.mark.parametrize(
    "question",
    [question for question in QUESTIONS if question.play.scheme not in ("", "x", "braintree", "figma")],
    ids=lambda question: f"{question.provider}: {question.says}",
)
def test_a_signed_question_holds_a_signature_that_verifies_unless_it_must_not(question: Challenge) -> None:
    scheme = scheme_named(question.play.scheme)
    verdict = verify(scheme, question.message, PLAYED(scheme.name), now=NOW)
    assert verdict.ok is not question.play.tampered, verdict


def test_the_passcode_is_the_users_own() -> None:
    (question,) = played("figma")
    assert json.loads(question.message.body)["passcode"] == 'a "passcode"'


def test_without_a_secret_a_question_goes_out_unsigned_and_says_so() -> None:
    (question,) = played("slack", NONE)
    assert first(question.message.headers, b"X-Slack-Signature") is None
    assert question.note == "sent unsigned: no secret for slack is known"


@pytest.mark.parametrize("provider", ["x", "zoom", "discord", "braintree", "xero"])
def test_a_question_whose_answer_needs_the_secret_is_not_asked_without(provider: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        played(provider, NONE)
    assert f"WHCLI_SECRET_{provider.upper()}" in caught.value.next


@pytest.mark.parametrize("provider", ["meta", "strava"])
def test_a_question_with_a_verify_token_is_not_asked_without(provider: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        played(provider, verify_token=None)
    assert "--verify-token" in caught.value.next


def test_a_provider_that_asks_nothing_is_named_with_its_neighbours() -> None:
    with pytest.raises(WrongUsage) as caught:
        played("slak")
    assert ("did you mean", "'slack'") in caught.value.details


def test_a_secret_of_the_wrong_form_is_said() -> None:
    with pytest.raises(WrongUsage) as caught:
        played("discord", secrets_of(discord="neither hex nor PEM"))
    assert caught.value.code == "secret_malformed"


def asked(provider: str, number: int = 0) -> Challenge:
    return played(provider)[number]


TOKEN = "9f8c2bTheToken"
JUDGED: tuple[tuple[str, Challenge, Reply, float, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "slack takes JSON too",
        asked("slack"),
        Reply(status=200, body=b'{"challenge": "9f8c2bTheToken"}'),
        1,
        (),
    ),
    ("slack takes a form too", asked("slack"), Reply(status=200, body=b"challenge=9f8c2bTheToken"), 1, ()),
    (
        "slack gets an ordinary ok",
        asked("slack"),
        Reply(status=200, body=b'{"ok":true}'),
        1,
        (("body", f"{TOKEN} as text, or in JSON as challenge", '{"ok":true}'),),
    ),
    (
        "slack waits three seconds",
        asked("slack"),
        Reply(status=200, body=TOKEN.encode()),
        3.2,
        (("time", "within 3 s", "3.2 s"),),
    ),
    (
        "twitch wants text and gets JSON",
        asked("twitch"),
        Reply(status=200, body=b'{"challenge":"9f8c2bTheToken"}'),
        1,
        (("body", f"{TOKEN} as plain text", '{"challenge":"9f8c2bTheToken"} as JSON'),),
    ),
    (
        "twitch wants text and gets it in quotes",
        asked("twitch"),
        Reply(status=200, body=b'"9f8c2bTheToken"'),
        1,
        (("body", f"{TOKEN} as plain text", '"9f8c2bTheToken" in quotes'),),
    ),
    (
        "dropbox wants the text and no line feed",
        asked("dropbox"),
        Reply(status=200, body=b"9f8c2bTheToken\n"),
        1,
        (("body", f"{TOKEN} as plain text", "9f8c2bTheToken\n (white space around it)"),),
    ),
    (
        "strava wants JSON and gets text",
        asked("strava"),
        Reply(status=200, body=TOKEN.encode(), headers=((b"Content-Type", b"text/plain"),)),
        1,
        (
            ("content type", "application/json", "text/plain"),
            ("body", f'JSON {{"hub.challenge":"{TOKEN}"}}', f"{TOKEN} as text"),
        ),
    ),
    (
        "event grid does not take 202",
        asked("azure-event-grid"),
        Reply(status=202, body=b'{"validationResponse":"9f8c2bTheToken"}'),
        1,
        (("status", "200", "202"),),
    ),
    (
        "zoom gets the token, but a wrong digest",
        asked("zoom"),
        Reply(status=200, body=b'{"plainToken":"9f8c2bTheToken","encryptedToken":"00"}'),
        1,
        (
            (
                "body.encryptedToken",
                json.loads(asked("zoom").wanted.body)["encryptedToken"],
                "00",
            ),
        ),
    ),
    (
        "zoom gets an answer without the digest",
        asked("zoom"),
        Reply(status=200, body=b'{"plainToken":"9f8c2bTheToken"}'),
        1,
        (("body.encryptedToken", json.loads(asked("zoom").wanted.body)["encryptedToken"], "missing"),),
    ),
    (
        "asana misses its header",
        asked("asana"),
        Reply(status=200),
        1,
        (("header X-Hook-Secret", TOKEN, "missing"),),
    ),
    ("asana takes 204", asked("asana"), Reply(status=204, headers=((b"x-hook-secret", TOKEN.encode()),)), 1, ()),
    (
        "cloudevents takes any origin, any rate and any status",
        asked("cloudevents"),
        Reply(status=405, headers=((b"WebHook-Allowed-Origin", b"*"), (b"WebHook-Allowed-Rate", b"*"))),
        1,
        (),
    ),
    (
        "cloudevents misses the consent",
        asked("cloudevents"),
        Reply(status=200, headers=((b"Allow", b"POST"),)),
        1,
        (
            ("header WebHook-Allowed-Origin", "eventemitter.example.com", "missing"),
            ("header WebHook-Allowed-Rate", "120", "missing"),
        ),
    ),
    (
        "discord's events endpoint wants 204",
        asked("discord", 1),
        Reply(status=200, body=b'{"type":1}'),
        1,
        (("status", "204", "200"), ("body", "empty", '{"type":1}')),
    ),
    (
        "discord's bad signature is let through",
        asked("discord", 2),
        Reply(status=200, body=b'{"type":1}', headers=((b"Content-Type", b"application/json"),)),
        1,
        (("status", "401", "200"),),
    ),
    (
        "meta's wrong token is let through",
        asked("meta", 1),
        Reply(status=200, body=b"123"),
        1,
        (("status", "4xx", "200"),),
    ),
    (
        "graph wants text/plain",
        asked("microsoft-graph"),
        Reply(status=200, body=asked("microsoft-graph").wanted.body, headers=((b"Content-Type", b"text/html"),)),
        1,
        (("content type", "text/plain", "text/html"),),
    ),
    (
        "xero wants no body",
        asked("xero"),
        Reply(status=200, body=b"OK"),
        1,
        (("body", "empty", "OK"),),
    ),
    (
        "a long answer is cut",
        asked("dropbox"),
        Reply(status=200, body=b"<html>" * 1000),
        1,
        (("body", f"{TOKEN} as plain text", ("<html>" * 14)[:79] + "…"),),
    ),
)


@pytest.mark.parametrize(
    ("says", "question", "reply", "seconds", "wrong"), JUDGED, ids=[judged[0] for judged in JUDGED]
)
def test_an_answer_is_judged_as_the_provider_would(
    says: str, question: Challenge, reply: Reply, seconds: float, wrong: tuple[tuple[str, str, str], ...]
) -> None:
    expected = tuple(Difference(field=field, wanted=wanted, got=got) for field, wanted, got in wrong)
    assert judge(question, reply, seconds) == expected


def test_sns_says_what_must_follow() -> None:
    (question,) = played("aws-sns")
    assert question.then == "GET the SubscribeURL"
    assert is_sns_host(json.loads(question.message.body)["SubscribeURL"])


# -- any bytes at all

NAMED = sorted({text.partition(":")[0].lstrip("!") for row in ROWS for text in row.marks} - {"body", "query", "keys"})
FIELDS = sorted({"challenge", "type", "event", "payload", "plainToken", "verification_token", "webhook_id", "passcode"})
HEADERS = st.lists(
    st.tuples(st.sampled_from([name.encode() for name in NAMED]) | st.binary(max_size=8), st.binary(max_size=40)),
    max_size=6,
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["url_verification", "PING"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner),
    max_leaves=10,
)
BODIES = st.binary() | JSONS.map(lambda value: json.dumps(value).encode())
QUERIES = st.text(max_size=60) | st.sampled_from(
    [
        "?hub.mode=subscribe&hub.challenge=\ud800",
        "?crc_token=%ff%00",
        "?challenge=%0d%0aSet-Cookie:x",
        "?bt_challenge=" + "a" * 32,
        "?validationToken=" + "%41" * 2000,
    ]
)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "get", ""])


@settings(max_examples=300, deadline=None)
@given(method=METHODS, query=QUERIES, headers=HEADERS, body=BODIES, secret=st.text(), token=st.none() | st.text())
def test_any_request_gets_an_answer_or_none(
    method: str, query: str, headers: list[tuple[bytes, bytes]], body: bytes, secret: str, token: str | None
) -> None:
    known = [Secret(value=secret.encode("utf-8", "replace"), label="test")]
    message = Message(method=method, url=URL + query, headers=tuple(headers), body=body)
    for secrets in (lambda _: known, NONE):
        handshake = answer(message, secrets, now=NOW, verify_token=token)
        assert handshake is None or all(b"\n" not in value for _, value in handshake.reply.headers)


@settings(max_examples=200, deadline=None)
@given(
    question=st.sampled_from(QUESTIONS),
    status=st.integers(100, 599),
    headers=st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=3),
    body=BODIES,
)
def test_any_answer_can_be_judged(
    question: Challenge, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    pairs: Headers = tuple(headers)
    for difference in judge(question, Reply(status=status, headers=pairs, body=body), 1.0):
        assert difference.wanted != difference.got


def test_a_challenge_is_read_from_the_message_alone() -> None:
    question = asked("monday")
    moved = replace(question.message, url="https://elsewhere.example/")
    assert answered(moved).reply == answered(question.message).reply
