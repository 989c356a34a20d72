"""No signature: the request carries the secret itself, in a header or in the body. The body is not protected."""

from __future__ import annotations

from ..scheme import Scheme

READ = "2026-11-23"
UNPROTECTED = "the secret travels as it is: nothing vouches for the body"

ROWS = (
    Scheme(
        name="gitlab",
        provider="gitlab",
        title="GitLab secret token",
        source="https://docs.gitlab.com/user/project/integrations/webhooks/; gidgetlab gidgetlab/sansio.py (2.1.2)",
        read=READ,
        secret_form="the secret token, as typed in the webhook's settings",
        header="X-Gitlab-Token",
        algorithm="equal",
        digest="text",
        companions=(("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Event-UUID", "{token}")),
        notes=(UNPROTECTED, "GitLab can sign as well: see gitlab-signing"),
    ),
    Scheme(
        name="telegram",
        provider="telegram",
        title="Telegram bots",
        source="https://core.telegram.org/bots/api#setwebhook; python-telegram-bot "
        "telegram/ext/_utils/webhookhandler.py (22.8)",
        read=READ,
        secret_form="the secret_token given to setWebhook: 1 to 256 of A-Z a-z 0-9 _ -",
        header="X-Telegram-Bot-Api-Secret-Token",
        algorithm="equal",
        digest="text",
        notes=(UNPROTECTED,),
    ),
    Scheme(
        name="okta",
        provider="okta",
        title="Okta event hooks",
        source="https://developer.okta.com/docs/concepts/event-hooks/",
        read=READ,
        secret_form="the authentication secret, the whole value of the header",
        header="Authorization",
        algorithm="equal",
        digest="text",
        notes=(UNPROTECTED, "name and value of the header are chosen in Okta; another name needs a scheme of its own"),
    ),
    Scheme(
        name="auth0",
        provider="auth0",
        title="Auth0 log streams",
        source="https://auth0.com/docs/customize/log-streams/custom-log-streams",
        read=READ,
        secret_form="the authorization token, the whole value of the header",
        header="Authorization",
        algorithm="equal",
        digest="text",
        notes=(UNPROTECTED, "the token is optional: without one the header is absent"),
    ),
    Scheme(
        name="postmark",
        provider="postmark",
        title="Postmark",
        source="https://postmarkapp.com/developer/webhooks/webhooks-overview; django-anymail "
        "anymail/webhooks/base.py (15.2)",
        read=READ,
        secret_form="user:password, as in the webhook's URL https://user:password@host/",
        header="Authorization",
        algorithm="equal",
        digest="base64",
        layout="Basic {sig}",
        notes=(UNPROTECTED, "HTTP basic authentication (RFC 7617)"),
    ),
    Scheme(
        name="flutterwave-v3",
        provider="flutterwave",
        title="Flutterwave v3",
        source="https://developer.flutterwave.com/v3.0/docs/webhooks; secondary: public receivers",
        read=READ,
        secret_form="the secret hash, as typed in the dashboard",
        header="verif-hash",
        algorithm="equal",
        digest="text",
        notes=(UNPROTECTED,),
    ),
    Scheme(
        name="figma",
        provider="figma",
        title="Figma",
        source="https://developers.figma.com/docs/rest-api/webhooks-security/; figma/rest-api-spec openapi.yaml",
        read=READ,
        secret_form="the passcode given when the webhook was created, at most 100 characters",
        field="passcode",
        algorithm="equal",
        digest="text",
        code="fields",
        notes=(UNPROTECTED, "the passcode stands in the JSON body; signing writes it there"),
    ),
    Scheme(
        name="microsoft-graph",
        provider="microsoft-graph",
        title="Microsoft Graph change notifications",
        source="https://learn.microsoft.com/en-us/graph/api/resources/changenotification",
        read=READ,
        secret_form="the subscription's clientState, at most 128 characters",
        field="value[].clientState",
        algorithm="equal",
        digest="text",
        code="fields",
        notes=(
            UNPROTECTED,
            "every notification of the batch carries it; notifications of several subscriptions may share a request, "
            "so each has to match one of the secrets",
        ),
    ),
)
