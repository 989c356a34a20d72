"""What an event looks like, provider by provider: one table of facts.

`marks` are alternatives, each a tuple of conditions that must all hold; then the provider is sure. Their language is in
`marks.py`. Headers decide first, bodies only where no header does. The table is walked from the top, so a sender that
imitates another's headers (Gitea sends GitHub's too), or one that uses a common format (OpenAI uses Standard
Webhooks), stands above the other.

`hints` are written alike and are not enough: what they describe is sent by others too, who share a header's name
(`X-Signature`) or a shape. A provider with a hint is named as a candidate; nothing is guessed.

`choose` says which of several schemes a request is signed with: the first whose conditions hold, else the default.

In `type` and `delivery_id`, `a|b` takes the first place that is there and `a + b` joins both with a dot
(`pull_request.opened`); an id needs both. A delivery id is what stays the same on every attempt, and on nothing else:
where a provider has no such thing, it has none here.

`source` names the provider's own page. Header sets and bodies were checked in the captures of
github.com/hookdeck/webhook-samples and in public receivers on 2026-11-23, where the page itself could not be read.
"""

from __future__ import annotations

from ...words.fixture import MARK
from ...words.record import record

Conditions = tuple[str, ...]


@record
class Provider:
    """How one sender's events are recognised and read."""

    name: str
    schemes: tuple[str, ...]  # the first is the default; empty: it signs nothing
    marks: tuple[Conditions, ...]
    hints: tuple[Conditions, ...] = ()
    choose: tuple[tuple[str, Conditions], ...] = ()
    type: str = ""
    delivery_id: str = ""
    attempt: str = ""  # where the sender counts attempts
    attempt_first: int = 1  # what it writes on the first
    source: str = ""  # where type, id and attempt were read


SHA256_HEX = f"(?:[0-9a-fA-F]{{64}}|{MARK})"  # the mark stands where a fixture's signature stood
SHA1_HEX = f"(?:[0-9a-fA-F]{{40}}|{MARK})"
JWT = rf"(Bearer )?(?:eyJ[\w-]+\.[\w-]+\.[\w-]+|{MARK})"
HUB_SHA1 = (f"X-Hub-Signature: sha1={SHA1_HEX}",)
HUB_SHA256_OLD_NAME = (f"X-Hub-Signature: sha256={SHA256_HEX}",)  # Bitbucket, Jira, and Snyk, which is not listed
HUB_SHA256 = (f"X-Hub-Signature-256: sha256={SHA256_HEX}",)
X_SIGNATURE = (f"X-Signature: {SHA256_HEX}",)  # Lemon Squeezy, ClickUp, Modern Treasury, ...

# Git hosting. Forgejo sends Gitea's, Gogs's and GitHub's headers besides its own, Gitea sends Gogs's and GitHub's.
GIT = (
    Provider(
        name="forgejo",
        schemes=("forgejo",),
        marks=(("X-Forgejo-Event",), ("X-Forgejo-Delivery",)),
        type="header:X-Forgejo-Event + body:action",
        delivery_id="header:X-Forgejo-Delivery",
        source="codeberg.org/forgejo/forgejo services/webhook/shared/payloader.go",
    ),
    Provider(
        name="gitea",
        schemes=("gitea",),
        marks=(("X-Gitea-Event",), ("X-Gitea-Delivery",)),
        type="header:X-Gitea-Event + body:action",
        delivery_id="header:X-Gitea-Delivery",
        source="github.com/go-gitea/gitea services/webhook/deliver.go",
    ),
    Provider(
        name="gogs",
        schemes=(),
        marks=(("X-Gogs-Event",), ("X-Gogs-Delivery",)),
        type="header:X-Gogs-Event + body:action",
        delivery_id="header:X-Gogs-Delivery",
        source="github.com/gogs/gogs internal/database/webhook.go",
    ),
    Provider(
        name="github",
        schemes=("github", "github-sha1"),
        marks=(("X-GitHub-Event",), ("User-Agent: GitHub-Hookshot/.*",)),
        hints=(HUB_SHA256, HUB_SHA1),
        choose=(("github", ("X-Hub-Signature-256",)), ("github-sha1", HUB_SHA1)),
        type="header:X-GitHub-Event + body:action",
        delivery_id="header:X-GitHub-Delivery",
        source="https://docs.github.com/en/webhooks/webhook-events-and-payloads",
    ),
    Provider(
        name="gitlab",
        schemes=("gitlab", "gitlab-signing"),
        marks=(("X-Gitlab-Event",), ("X-Gitlab-Token",)),
        choose=(("gitlab-signing", ("webhook-signature",)),),
        type="header:X-Gitlab-Event",
        # X-Gitlab-Event-UUID is no id: all webhooks that a webhook sets off share it
        delivery_id="header:Idempotency-Key|header:webhook-id",
        source="https://docs.gitlab.com/user/project/integrations/webhooks/",
    ),
    Provider(
        name="bitbucket",
        schemes=("bitbucket",),
        marks=(
            ("User-Agent: Bitbucket-Webhooks/.*",),
            ("X-Event-Key: (repo|project|pr|pullrequest|issue|mirror|diagnostics):.*",),
        ),
        hints=(HUB_SHA256_OLD_NAME,),
        type="header:X-Event-Key",
        delivery_id="header:X-Request-UUID|header:X-Request-Id",
        attempt="header:X-Attempt-Number",
        source="https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/",
    ),
)

# Common formats that the sender marks with a header, a user agent or a body of its own; the formats stand at the end.
STANDARD = (
    Provider(
        name="openai",
        schemes=("openai",),
        marks=(
            ("webhook-id", "User-Agent: OpenAI/.*"),
            (
                "webhook-id",
                "body:object=event",
                r"body:id=evt_\w+",
                r"body:type=[a-z_]+(\.[a-z_]+)+",
                "body:created_at",
            ),
        ),
        type="body:type",
        delivery_id="header:webhook-id",
        source="https://platform.openai.com/docs/guides/webhooks",
    ),
    Provider(
        name="anthropic",
        schemes=("anthropic",),
        marks=(("webhook-id", "body:type=event", "body:data.type", "body:data.organization_id"),),
        type="body:data.type",
        delivery_id="header:webhook-id",
        source="https://platform.claude.com/docs/en/managed-agents/webhooks",
    ),
    Provider(
        name="polar",
        schemes=("polar",),
        marks=(("webhook-id", r"User-Agent: polar\.sh webhooks"),),
        hints=(
            (
                "webhook-id",
                "body:type=(checkout|order|subscription|refund|product|benefit|benefit_grant|customer|organization)"
                r"\.[a-z_]+",
                "body:timestamp",
                "body:data",
            ),
        ),
        type="body:type",
        delivery_id="header:webhook-id",
        source="github.com/polarsource/polar server/polar/webhook/tasks.py",
    ),
    Provider(
        name="clerk",
        schemes=("clerk",),
        marks=(("svix-id", r"body:instance_id=ins_\w+"),),
        hints=(("svix-id", "body:object=event", "body:data.object"),),
        type="body:type",
        delivery_id="header:svix-id",
        source="https://clerk.com/docs/webhooks/overview",
    ),
    Provider(
        name="resend",
        schemes=("resend",),
        marks=(
            ("svix-id", r"body:type=email\.[a-z_]+", "body:data.email_id"),
            ("svix-id", r"body:type=contact\.[a-z_]+", "body:data.audience_id"),
        ),
        hints=(("svix-id", r"body:type=(email|contact|domain)\.[a-z_]+", "body:created_at"),),
        type="body:type",
        delivery_id="header:svix-id",
        source="https://resend.com/docs/dashboard/webhooks/event-types",
    ),
)

# Recognised by a header that is theirs alone.
BY_HEADER = (
    Provider(
        name="stripe",
        schemes=("stripe",),
        marks=(("Stripe-Signature",),),
        type="body:type",
        delivery_id="body:id",
        source="https://docs.stripe.com/api/events/object",
    ),
    Provider(
        name="slack",
        schemes=("slack",),
        marks=(("X-Slack-Signature",), ("X-Slack-Request-Timestamp",)),
        type="body:event.type|body:type|body:command|body:payload.type",
        delivery_id="body:event_id|body:trigger_id|body:payload.trigger_id",
        attempt="header:X-Slack-Retry-Num",
        attempt_first=0,
        source="https://docs.slack.dev/apis/events-api/",
    ),
    Provider(
        name="shopify",
        schemes=("shopify", "shopify-events"),
        marks=(
            ("X-Shopify-Topic",),
            ("X-Shopify-Hmac-Sha256",),
            ("shopify-hmac-sha256",),
            ("shopify-topic", "shopify-shop-domain"),
        ),
        choose=(("shopify", ("X-Shopify-Hmac-Sha256",)), ("shopify-events", ("shopify-hmac-sha256",))),
        type="header:X-Shopify-Topic|header:shopify-topic",
        delivery_id="header:X-Shopify-Webhook-Id|header:shopify-webhook-id",
        source="https://shopify.dev/docs/apps/build/webhooks; @shopify/shopify-api 13.1.0 lib/types.ts",
    ),
    Provider(
        name="line",
        schemes=("line",),
        marks=(("X-Line-Signature",),),
        type="body:events.0.type",
        delivery_id="body:events.0.webhookEventId",
        source="https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects",
    ),
    Provider(
        name="razorpay",
        schemes=("razorpay",),
        marks=(("X-Razorpay-Signature",), ("x-razorpay-event-id",)),
        type="body:event",
        delivery_id="header:x-razorpay-event-id",
        source="https://razorpay.com/docs/webhooks/validate-test/",
    ),
    Provider(
        name="coinbase-commerce",
        schemes=("coinbase-commerce",),
        marks=(("X-CC-Webhook-Signature",),),
        type="body:event.type",
        delivery_id="body:event.id",
        attempt="body:attempt_number",
        source="https://docs.cdp.coinbase.com/commerce/docs/webhooks",
    ),
    Provider(
        name="mollie",
        schemes=("mollie",),
        marks=(("X-Mollie-Signature",),),
        hints=((r"Content-Type: application/x-www-form-urlencoded.*", r"body:id=(tr|sub|ord|sr)_\w+"),),
        type="body:type",
        delivery_id="body:id",
        source="https://docs.mollie.com/reference/webhooks-new",
    ),
    Provider(
        name="linear",
        schemes=("linear",),
        marks=(("Linear-Signature",), ("Linear-Delivery",)),
        type="header:Linear-Event|body:type + body:action",
        delivery_id="header:Linear-Delivery",
        source="https://linear.app/developers/webhooks",
    ),
    Provider(
        name="notion",
        schemes=("notion",),
        marks=(("X-Notion-Signature",), ("body:subscription_id", "body:integration_id", "body:attempt_number")),
        type="body:type",
        delivery_id="body:id",
        attempt="body:attempt_number",
        source="https://developers.notion.com/reference/webhooks-events-delivery",
    ),
    Provider(
        name="sentry",
        schemes=("sentry",),
        marks=(("Sentry-Hook-Resource",), ("Sentry-Hook-Signature",)),
        type="header:Sentry-Hook-Resource + body:action",
        delivery_id="header:Request-ID",
        source="https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
    ),
    Provider(
        name="typeform",
        schemes=("typeform",),
        marks=(("Typeform-Signature",), ("body:form_response.form_id", "body:event_type")),
        type="body:event_type",
        delivery_id="body:event_id",
        source="https://www.typeform.com/developers/webhooks/example-payload/",
    ),
    Provider(
        name="x",
        schemes=("x",),
        marks=(("x-twitter-webhooks-signature",),),
        type="has:tweet_create_events|has:tweet_delete_events|has:favorite_events|has:follow_events"
        "|has:direct_message_events|has:direct_message_indicate_typing_events|has:direct_message_mark_read_events"
        "|has:block_events|has:mute_events|has:user_event|has:replay_job_status|has:matching_rules",
        source="https://docs.x.com/x-api/account-activity/introduction",
    ),
    Provider(
        name="xero",
        schemes=("xero",),
        marks=(("x-xero-signature",),),
        type="body:events.0.eventCategory + body:events.0.eventType",
        source="https://developer.xero.com/documentation/guides/webhooks/overview/",
    ),
    Provider(
        name="woocommerce",
        schemes=("woocommerce",),
        marks=(("X-WC-Webhook-Topic",), ("X-WC-Webhook-Signature",), (r"User-Agent: WooCommerce/.*Hookshot.*",)),
        type="header:X-WC-Webhook-Topic",
        delivery_id="header:X-WC-Webhook-Delivery-ID",
        source="github.com/woocommerce/woocommerce plugins/woocommerce/includes/class-wc-webhook.php",
    ),
    Provider(
        name="vercel",
        schemes=("vercel",),
        marks=(("x-vercel-signature",),),
        type="body:type",
        delivery_id="body:id",
        source="https://vercel.com/docs/webhooks/webhooks-api",
    ),
    Provider(
        name="heroku",
        schemes=("heroku",),
        marks=(("Heroku-Webhook-Hmac-SHA256",), ("body:webhook_metadata.webhook", "body:resource")),
        type="body:resource + body:action",
        delivery_id="body:webhook_metadata.delivery.id|body:id",
        source="https://devcenter.heroku.com/articles/webhook-events",
    ),
    Provider(
        name="docusign",
        schemes=("docusign",),
        marks=(
            ("X-DocuSign-Signature-1",),
            ("X-Authorization-Digest: HMACSHA256",),
            ("body:configurationId", "body:generatedDateTime", "body:data.accountId"),
        ),
        type="body:event",
        attempt="body:retryCount",
        attempt_first=0,
        source="https://developers.docusign.com/platform/webhooks/connect/json-sim-event-model/",
    ),
    Provider(
        name="paystack",
        schemes=("paystack",),
        marks=(("x-paystack-signature",),),
        type="body:event",
        source="https://paystack.com/docs/payments/webhooks/",
    ),
    Provider(
        name="flutterwave",
        schemes=("flutterwave", "flutterwave-v3"),
        marks=(("flutterwave-signature",), ("verif-hash",)),
        choose=(("flutterwave", ("flutterwave-signature",)), ("flutterwave-v3", ("verif-hash",))),
        type="body:type|body:event",
        delivery_id="body:webhook_id",
        source="https://developer.flutterwave.com/docs/webhooks",
    ),
    Provider(
        name="checkout",
        schemes=("checkout",),
        marks=(("Cko-Signature",), ("Cko-Invocation-Id",)),
        type="body:type",
        delivery_id="body:id",
        source="https://www.checkout.com/docs/developer-resources/webhooks",
    ),
    Provider(
        name="dropbox",
        schemes=("dropbox",),
        marks=(("X-Dropbox-Signature",), ("User-Agent: DropboxWebhooks/.*",)),
        type="has:list_folder|has:delta",
        source="https://www.dropbox.com/developers/reference/webhooks",
    ),
    Provider(
        name="pagerduty",
        schemes=("pagerduty",),
        marks=(("X-PagerDuty-Signature",), ("User-Agent: PagerDuty-Webhook/.*",)),
        type="body:event.event_type",
        delivery_id="header:X-Webhook-Id|body:event.id",
        source="github.com/PagerDuty/developer-docs docs/webhooks/02-Behavior.md",
    ),
    Provider(
        name="circleci",
        schemes=("circleci",),
        marks=(("circleci-event-type",), ("circleci-signature",)),
        type="header:circleci-event-type|body:type",
        delivery_id="body:id",
        source="https://circleci.com/docs/outbound-webhooks/",
    ),
    Provider(
        name="airtable",
        schemes=("airtable",),
        marks=(("X-Airtable-Content-MAC",), (r"body:base.id=app\w+", r"body:webhook.id=ach\w+")),
        source="https://airtable.com/developers/web/api/webhooks-overview",
    ),
    Provider(
        name="easypost",
        schemes=("easypost",),
        marks=((f"X-Hmac-Signature: hmac-sha256-hex={SHA256_HEX}",), ("body:object=Event", r"body:id=evt_\w+")),
        type="body:description",
        delivery_id="body:id",
        source="https://docs.easypost.com/docs/events",
    ),
    Provider(
        name="workos",
        schemes=("workos",),
        marks=(("WorkOS-Signature",),),
        type="body:event",
        delivery_id="body:id",
        source="https://workos.com/docs/events/data-syncing/webhooks",
    ),
    Provider(
        name="elevenlabs",
        schemes=("elevenlabs",),
        marks=(("ElevenLabs-Signature",),),
        type="body:type",
        source="https://elevenlabs.io/docs/agents-platform/workflows/post-call-webhooks",
    ),
    Provider(
        name="mux",
        schemes=("mux",),
        marks=(("Mux-Signature",),),
        type="body:type",
        delivery_id="body:id",
        source="https://www.mux.com/docs/core/listen-for-webhooks",
    ),
    Provider(
        name="sanity",
        schemes=("sanity",),
        marks=(("sanity-webhook-signature",), ("sanity-webhook-id",), ("sanity-transaction-id",)),
        type="header:sanity-operation",
        delivery_id="header:idempotency-key",
        source="https://www.sanity.io/docs/compute-and-ai/webhooks",
    ),
    Provider(
        name="calendly",
        schemes=("calendly",),
        marks=(("Calendly-Webhook-Signature",),),
        type="body:event",
        source="https://developer.calendly.com/api-docs/webhook-payload",
    ),
    Provider(
        name="paddle",
        schemes=("paddle",),
        marks=(("Paddle-Signature",),),
        type="body:event_type",
        delivery_id="body:notification_id|body:event_id",
        source="https://developer.paddle.com/webhooks/respond-to-webhooks",
    ),
    Provider(
        name="webflow",
        schemes=("webflow",),
        marks=(("X-Webflow-Signature",),),
        type="body:triggerType",
        source="https://developers.webflow.com/data/docs/working-with-webhooks",
    ),
    Provider(
        name="zoom",
        schemes=("zoom",),
        marks=(("x-zm-signature",), ("x-zm-request-timestamp",)),
        type="body:event",
        source="https://developers.zoom.us/docs/api/webhooks/",
    ),
    Provider(
        name="customerio",
        schemes=("customerio",),
        marks=(("X-CIO-Signature",),),
        type="body:object_type + body:metric",
        delivery_id="body:event_id",
        source="https://docs.customer.io/integrations/data-out/connections/webhooks/",
    ),
    Provider(
        name="zendesk",
        schemes=("zendesk",),
        marks=(("X-Zendesk-Webhook-Signature",), ("X-Zendesk-Webhook-Id",)),
        type="body:type=zen:.*",  # a trigger's body is the user's own, and its `type` a ticket's
        delivery_id="header:X-Zendesk-Webhook-Invocation-Id",
        source="https://developer.zendesk.com/documentation/webhooks/anatomy-of-a-webhook-request/",
    ),
    Provider(
        name="discord",
        schemes=("discord",),
        marks=(("X-Signature-Ed25519", "X-Signature-Timestamp", "body:application_id"),),
        hints=(("X-Signature-Ed25519", "X-Signature-Timestamp"),),
        type="body:event.type|body:type",
        delivery_id="body:id",
        source="https://discord.com/developers/docs/events/webhook-events",
    ),
    Provider(
        name="sendgrid",
        schemes=("sendgrid",),
        marks=(
            ("X-Twilio-Email-Event-Webhook-Signature",),
            ("User-Agent: SendGrid Event API",),
            ("body:0.sg_event_id", "body:0.event"),
        ),
        type="body:0.event",
        delivery_id="body:0.sg_event_id",
        source="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",
    ),
    Provider(
        name="telnyx",
        schemes=("telnyx",),
        marks=(("telnyx-signature-ed25519",),),
        type="body:data.event_type",
        delivery_id="body:data.id",
        attempt="body:meta.attempt",
        source="https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks",
    ),
    Provider(
        name="twitch",
        schemes=("twitch",),
        marks=(("Twitch-Eventsub-Message-Type",), ("Twitch-Eventsub-Message-Signature",)),
        type="header:Twitch-Eventsub-Subscription-Type",
        delivery_id="header:Twitch-Eventsub-Message-Id",
        attempt="header:Twitch-Eventsub-Message-Retry",
        attempt_first=0,
        source="https://dev.twitch.tv/docs/eventsub/handling-webhook-events/; twitch-cli forward_event.go",
    ),
    Provider(
        name="box",
        schemes=("box",),
        marks=(("box-signature-primary",), ("box-delivery-id",), ("body:type=webhook_event", "body:trigger")),
        type="body:trigger",
        delivery_id="body:id",
        source="https://developer.box.com/guides/webhooks/v2/signatures-v2/",
    ),
    Provider(
        name="cloudinary",
        schemes=("cloudinary",),
        marks=(("X-Cld-Signature",),),
        type="body:notification_type",
        delivery_id="body:request_id",
        source="https://cloudinary.com/documentation/notifications",
    ),
    Provider(
        name="square",
        schemes=("square",),
        marks=(("x-square-hmacsha256-signature",), ("square-initial-delivery-timestamp",)),
        type="body:type",
        delivery_id="body:event_id",
        attempt="header:square-retry-number",
        attempt_first=0,
        source="https://developer.squareup.com/docs/webhooks/overview",
    ),
    Provider(
        name="trello",
        schemes=("trello",),
        marks=(("X-Trello-Webhook",), ("body:action.type", "body:action.idMemberCreator", "body:model")),
        type="body:action.type",
        delivery_id="body:action.id",
        source="https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
    ),
    Provider(
        name="hubspot",
        schemes=("hubspot-v3", "hubspot-v2", "hubspot-v1"),
        marks=(("X-HubSpot-Signature-v3",), ("X-HubSpot-Signature",)),
        choose=(
            ("hubspot-v3", ("X-HubSpot-Signature-v3",)),
            ("hubspot-v2", ("X-HubSpot-Signature-Version: v2",)),
            ("hubspot-v1", ("X-HubSpot-Signature",)),
        ),
        type="body:0.subscriptionType|body:0.eventType",
        delivery_id="body:0.eventId",
        attempt="body:0.attemptNumber",
        attempt_first=0,
        source="https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide",
    ),
    Provider(
        name="mandrill",
        schemes=("mandrill",),
        marks=(("X-Mandrill-Signature",), ("body:mandrill_events",), ("User-Agent: Mandrill-Webhook/.*",)),
        type="body:mandrill_events.0.event|body:mandrill_events.0.type",
        delivery_id="body:mandrill_events.0._id",
        source="https://mailchimp.com/developer/transactional/docs/webhooks/",
    ),
    Provider(
        name="twilio",
        schemes=("twilio",),
        marks=(("X-Twilio-Signature",), ("I-Twilio-Idempotency-Token",)),
        type="body:EventType|body:MessageStatus|body:CallStatus|body:SmsStatus|body:0.type",
        delivery_id="header:I-Twilio-Idempotency-Token",
        source="https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides",
    ),
    Provider(
        name="plivo",
        schemes=("plivo",),
        marks=(("X-Plivo-Signature-V3",), ("X-Plivo-Signature-V2",)),
        type="body:Event|body:Status|body:CallStatus",
        source="https://www.plivo.com/docs/voice/concepts/signature-validation",
    ),
    Provider(
        name="contentful",
        schemes=("contentful",),
        marks=(("X-Contentful-Topic",), ("x-contentful-signature",)),
        type="header:X-Contentful-Topic",
        delivery_id="header:X-Contentful-Idempotency-Key",
        attempt="header:X-Contentful-Webhook-Request-Attempt",
        source="https://www.contentful.com/developers/docs/webhooks/overview/",
    ),
    Provider(
        name="aws-sns",
        schemes=("aws-sns",),
        marks=(
            ("x-amz-sns-message-type",),
            (r"body:SigningCertURL=https://sns\..*", "body:TopicArn"),
        ),
        type="header:x-amz-sns-message-type|body:Type",
        delivery_id="header:x-amz-sns-message-id|body:MessageId",
        source="https://docs.aws.amazon.com/sns/latest/dg/http-header.html",
    ),
    Provider(
        name="paypal",
        schemes=("paypal",),
        marks=(("PAYPAL-TRANSMISSION-ID",), ("PAYPAL-TRANSMISSION-SIG",)),
        type="body:event_type",
        delivery_id="body:id",
        source="https://developer.paypal.com/api/rest/webhooks/rest/",
    ),
    Provider(
        name="plaid",
        schemes=("plaid",),
        marks=(("Plaid-Verification",),),
        type="body:webhook_type + body:webhook_code",
        source="https://plaid.com/docs/api/webhooks/",
    ),
    Provider(
        name="netlify",
        schemes=("netlify",),
        marks=(
            ("X-Netlify-Event",),
            (f"X-Webhook-Signature: {JWT}", "body:site_id"),
            (f"X-Webhook-Signature: {JWT}", "body:form_id", "body:site_url"),
        ),
        hints=((f"X-Webhook-Signature: {JWT}",),),
        type="header:X-Netlify-Event|body:state",
        source="https://docs.netlify.com/deploy/deploy-notifications/",
    ),
    Provider(
        name="livekit",
        schemes=("livekit",),
        marks=((r"Content-Type: application/webhook\+json.*", f"Authorization: {JWT}"),),
        type="body:event",
        delivery_id="body:id",
        source="https://docs.livekit.io/home/server/webhooks/",
    ),
    Provider(
        name="telegram",
        schemes=("telegram",),
        marks=(
            ("X-Telegram-Bot-Api-Secret-Token",),
            (r"body:update_id=\d+", "body:message.message_id"),
            (r"body:update_id=\d+", "body:callback_query.id"),
            (r"body:update_id=\d+", "body:edited_message.message_id"),
            (r"body:update_id=\d+", "body:channel_post.message_id"),
            (r"body:update_id=\d+", "body:inline_query.id"),
        ),
        type="has:message|has:edited_message|has:channel_post|has:edited_channel_post|has:callback_query"
        "|has:inline_query|has:chosen_inline_result|has:business_connection|has:business_message"
        "|has:edited_business_message|has:deleted_business_messages|has:message_reaction|has:message_reaction_count"
        "|has:shipping_query|has:pre_checkout_query|has:purchased_paid_media|has:poll|has:poll_answer"
        "|has:my_chat_member|has:chat_member|has:chat_join_request|has:chat_boost|has:removed_chat_boost",
        delivery_id="body:update_id",
        source="https://core.telegram.org/bots/api#update",
    ),
    Provider(
        name="postmark",
        schemes=("postmark",),
        marks=(
            ("User-Agent: Postmark",),
            ("X-PM-Webhook-Trace-Id",),
            ("body:RecordType", "body:MessageStream"),
            ("body:OriginalRecipient", "body:MailboxHash", "body:MessageID"),
        ),
        type="body:RecordType",
        delivery_id="header:X-PM-Webhook-Trace-Id",
        source="https://postmarkapp.com/developer/webhooks/webhooks-overview",
    ),
    Provider(
        name="azure-event-grid",
        schemes=(),
        marks=(("aeg-event-type",), ("aeg-subscription-name",)),
        type="body:0.eventType|body:0.type|body:type|header:ce-type",
        delivery_id="body:0.id|body:id|header:ce-id",
        attempt="header:aeg-delivery-count",
        attempt_first=0,
        source="https://learn.microsoft.com/en-us/azure/event-grid/handler-webhooks",
    ),
)

# Headers with names that others use too: the value's form and the body decide.
BY_SHAPE = (
    Provider(
        name="jira",
        schemes=("jira",),
        marks=(
            ("X-Atlassian-Webhook-Identifier", "body:webhookEvent"),
            ("User-Agent: Atlassian.*", "body:webhookEvent"),
            ("body:webhookEvent=jira:.*", "body:timestamp"),
        ),
        hints=(HUB_SHA256_OLD_NAME, ("X-Atlassian-Webhook-Identifier",)),
        type="body:webhookEvent",
        delivery_id="header:X-Atlassian-Webhook-Identifier",
        attempt="header:X-Atlassian-Webhook-Retry",
        attempt_first=0,
        source="https://developer.atlassian.com/cloud/jira/platform/webhooks/",
    ),
    Provider(
        name="intercom",
        schemes=("intercom",),
        marks=(("body:type=notification_event", "body:topic"),),
        hints=(HUB_SHA1,),
        type="body:topic",
        delivery_id="body:id",
        attempt="body:delivery_attempts",
        source="https://developers.intercom.com/docs/references/webhooks/webhook-models",
    ),
    Provider(
        name="meta",
        schemes=("meta",),
        marks=(
            ("User-Agent: (facebookexternalua|facebookplatform).*", "body:object"),
            ("body:object=[a-z_]+", "body:entry.0.id"),
        ),
        hints=(HUB_SHA256, HUB_SHA1),
        type="body:object + body:entry.0.changes.0.field",
        delivery_id="body:entry.0.changes.0.value.messages.0.id|body:entry.0.messaging.0.message.mid",
        source="https://developers.facebook.com/docs/graph-api/webhooks/getting-started/",
    ),
    Provider(
        name="lemonsqueezy",
        schemes=("lemonsqueezy",),
        marks=(
            ("X-Event-Name", *X_SIGNATURE),
            (*X_SIGNATURE, "body:meta.event_name", "body:data.type"),
        ),
        hints=(X_SIGNATURE,),
        type="header:X-Event-Name|body:meta.event_name",
        source="https://docs.lemonsqueezy.com/help/webhooks/webhook-requests",
    ),
    Provider(
        name="clickup",
        schemes=("clickup",),
        marks=((*X_SIGNATURE, "body:webhook_id", "body:event=(task|list|folder|space|goal|keyResult|automation).*"),),
        hints=(X_SIGNATURE,),
        type="body:event",
        delivery_id="body:history_items.0.id",
        source="https://developer.clickup.com/docs/webhooks",
    ),
    Provider(
        name="mailersend",
        schemes=("mailersend",),
        marks=(
            (f"Signature: {SHA256_HEX}", "!Signature-Input", r"body:type=[a-z_]+\.[a-z_]+", "body:webhook_id"),
            (f"Signature: {SHA256_HEX}", "!Signature-Input", "body:type=inbound.message", "body:inbound_id"),
        ),
        hints=((f"Signature: {SHA256_HEX}", "!Signature-Input"),),
        type="body:type",
        delivery_id="body:data.id",
        source="https://developers.mailersend.com/api/v1/webhooks.html",
    ),
    Provider(
        name="gocardless",
        schemes=("gocardless",),
        marks=((f"Webhook-Signature: {SHA256_HEX}", "!webhook-id", "body:events.0.resource_type"),),
        hints=((f"Webhook-Signature: {SHA256_HEX}", "!webhook-id"),),
        type="body:events.0.resource_type + body:events.0.action",
        delivery_id="body:events.0.id",
        source="https://developer.gocardless.com/api-reference/#appendix-webhooks",
    ),
    Provider(
        name="asana",
        schemes=("asana",),
        marks=((f"X-Hook-Signature: {SHA256_HEX}", "keys:events"),),
        hints=((f"X-Hook-Signature: {SHA256_HEX}",), ("X-Hook-Secret",)),
        type="body:events.0.resource.resource_type + body:events.0.action",
        source="https://developers.asana.com/docs/webhooks-guide",
    ),
    Provider(
        name="adyen",
        schemes=("adyen", "adyen-header"),
        marks=(
            (r"HmacSignature: [A-Za-z0-9+/]{43}=",),
            ("body:notificationItems.0.NotificationRequestItem",),
        ),
        choose=(("adyen-header", ("HmacSignature",)),),
        type="body:notificationItems.0.NotificationRequestItem.eventCode|body:type|body:eventType",
        # "eventCode and pspReference are the same" says Adyen of duplicates
        delivery_id="body:notificationItems.0.NotificationRequestItem.pspReference"
        " + body:notificationItems.0.NotificationRequestItem.eventCode",
        source="https://docs.adyen.com/development-resources/webhooks/handle-webhook-events",
    ),
)

# No header of their own at all.
BY_BODY = (
    Provider(
        name="mailgun",
        schemes=("mailgun",),
        marks=(
            ("body:signature.token", "body:event-data"),
            ("User-Agent: mailgun/.*",),
            ("body:token", "body:signature", "body:timestamp", "body:recipient"),
        ),
        type="body:event-data.event|body:event",
        delivery_id="body:event-data.id|body:token",
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks",
    ),
    Provider(
        name="braintree",
        schemes=("braintree",),
        marks=(("body:bt_signature", "body:bt_payload"),),  # the kind stands in the XML inside bt_payload
        source="https://developer.paypal.com/braintree/docs/guides/webhooks/parse/python",
    ),
    Provider(
        name="monday",
        schemes=("monday",),
        marks=(("body:event.triggerUuid", "body:event.subscriptionId"),),
        type="body:event.type",
        delivery_id="body:event.triggerUuid",
        source="https://developer.monday.com/api-reference/reference/webhooks",
    ),
    Provider(
        name="okta",
        schemes=("okta",),
        marks=((r"body:eventType=com\.okta\.event_hook", "body:data.events"),),
        type="body:data.events.0.eventType|body:eventType",
        delivery_id="body:eventId",
        source="https://developer.okta.com/docs/concepts/event-hooks/",
    ),
    Provider(
        name="auth0",
        schemes=("auth0",),
        marks=(
            ("body:log_id", "body:data.type", "body:data.date"),
            ("body:0.log_id", "body:0.data.type", "body:0.data.date"),
        ),
        type="body:0.data.type|body:data.type",
        delivery_id="body:0.log_id|body:log_id",
        source="https://auth0.com/docs/customize/log-streams/custom-log-streams",
    ),
    Provider(
        name="figma",
        schemes=("figma",),
        marks=(("body:passcode", "body:webhook_id", "body:event_type=[A-Z_]+"),),
        type="body:event_type",
        source="github.com/figma/rest-api-spec openapi/openapi.yaml, WebhookBasePayload",
    ),
    Provider(
        name="microsoft-graph",
        schemes=("microsoft-graph",),
        marks=(
            ("body:value.0.subscriptionId", "body:value.0.changeType"),
            ("body:value.0.subscriptionId", "body:value.0.lifecycleEvent"),
        ),
        type="body:value.0.changeType|body:value.0.lifecycleEvent",
        delivery_id="body:value.0.id",
        source="https://learn.microsoft.com/en-us/graph/api/resources/changenotification",
    ),
    Provider(
        name="strava",
        schemes=(),
        marks=(("body:object_type=activity|athlete", "body:aspect_type", "body:subscription_id"),),
        type="body:object_type + body:aspect_type",
        source="https://developers.strava.com/docs/webhooks/",
    ),
    Provider(
        name="mailchimp",
        schemes=(),
        marks=(
            ("User-Agent: MailChimp.*",),
            ("body:fired_at", "body:type=subscribe|unsubscribe|profile|upemail|cleaned|campaign"),
        ),
        type="body:type",
        source="https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
    ),
)

# The formats themselves, for every other sender that uses them.
FORMATS = (
    Provider(
        name="standardwebhooks",
        schemes=("standardwebhooks",),
        marks=(("webhook-id", "webhook-timestamp"), ("webhook-id", "webhook-signature")),
        type="body:type|body:event_type|body:event",
        delivery_id="header:webhook-id",
        source="github.com/standard-webhooks/standard-webhooks spec/standard-webhooks.md",
    ),
    Provider(
        name="svix",
        schemes=("svix",),
        marks=(("svix-id", "svix-timestamp"), ("svix-id", "svix-signature")),
        type="body:type|body:event_type|body:eventType",
        delivery_id="header:svix-id",
        source="https://docs.svix.com/receiving/verifying-payloads/how-manual",
    ),
    Provider(
        name="cloudevents",
        schemes=(),
        marks=(
            ("ce-id", "ce-type"),
            (r"Content-Type: application/cloudevents(-batch)?\+json.*",),
            ("WebHook-Request-Origin",),
        ),
        type="header:ce-type|body:type|body:0.type",
        delivery_id="header:ce-id|body:id|body:0.id",
        source="github.com/cloudevents/spec cloudevents/bindings/http-protocol-binding.md",
    ),
    Provider(
        name="rfc9421",
        schemes=("rfc9421",),
        marks=(("Signature-Input", "Signature"),),
        type="header:ce-type|body:type|body:event_type|body:event",
        source="RFC 9421",
    ),
)

PROVIDERS = GIT + STANDARD + BY_HEADER + BY_SHAPE + BY_BODY + FORMATS

BY_NAME = {provider.name: provider for provider in PROVIDERS}
BY_SCHEME = {scheme: provider for provider in PROVIDERS for scheme in provider.schemes}
