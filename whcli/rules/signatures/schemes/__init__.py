"""The signature schemes: rows by family, found by name and loaded only when asked for.

`whcli sign github` must not pay for ninety rows: the table below is plain text, and one family is imported at a time.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ...near import unknown
from ..scheme import Scheme

FAMILIES = {
    "standard": "standardwebhooks svix openai anthropic gitlab-signing polar resend clerk",
    "plain": "github github-sha1 bitbucket gitea forgejo meta shopify shopify-events line razorpay coinbase-commerce "
    "gocardless mollie linear notion sentry intercom typeform x xero woocommerce vercel heroku docusign lemonsqueezy "
    "paystack flutterwave checkout dropbox clickup jira asana pagerduty circleci airtable easypost mailersend "
    "adyen-header",
    "timed": "stripe workos elevenlabs mux sanity calendly paddle webflow slack zoom customerio zendesk twitch box "
    "cloudinary square trello hubspot-v1 hubspot-v2 hubspot-v3",
    "asymmetric": "discord sendgrid telnyx",
    "static": "gitlab telegram okta auth0 postmark flutterwave-v3 figma microsoft-graph",
    "jwt": "plaid netlify livekit monday",
    "twilio": "twilio",
    "mandrill": "mandrill",
    "plivo": "plivo",
    "mailgun": "mailgun",
    "adyen": "adyen",
    "braintree": "braintree",
    "contentful": "contentful",
    "rfc9421": "rfc9421",
    "sns": "aws-sns",
    "paypal": "paypal",
}
"""Module of rows -> the names in it."""

LISTED = "whcli schemes        lists all of them"
NAMES = tuple(name for names in FAMILIES.values() for name in names.split())


def scheme_named(name: str, others: tuple[str, ...] = ()) -> Scheme:
    """The row of a scheme; raises WrongUsage with a suggestion, also among `others`, for an unknown name."""
    row = _row(name)
    if row is None:
        raise unknown("signature scheme", name, (*others, *NAMES), next=LISTED)
    return row


@cache
def _row(name: str) -> Scheme | None:
    for family, names in FAMILIES.items():
        if name in names.split():
            rows: tuple[Scheme, ...] = import_module(f"{__name__}.{family}").ROWS
            return next(row for row in rows if row.name == name)
    return None
