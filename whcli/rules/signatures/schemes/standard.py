"""The Standard Webhooks family: `{id}.{ts}.{body}`, base64, a list separated by one space.

The senders differ in two things only: how the headers are called, and how the secret becomes a key.
"""

from __future__ import annotations

from dataclasses import replace

from ..scheme import Clock, Scheme, Variant

READ = "2026-11-23"
SPEC = "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"
BASE64 = "whsec_ and base64 of 24 to 64 random bytes"

# Ed25519 under the same headers. `whsk_` is written in two ways: base64 of seed and public key (Svix' server), and of
# the seed alone (the Go reference implementation).
V1A = Variant(algorithm="ed25519", layout="v1a,{sig}", prefixes=("whsk_", "whpk_"))

STANDARD = Scheme(
    name="standardwebhooks",
    provider="standardwebhooks",
    title="Standard Webhooks",
    source=SPEC,
    read=READ,
    secret_form=f"{BASE64}, the prefix is optional; or whsk_… (signs) and whpk_… (verifies) for Ed25519",
    header="webhook-signature",
    key="whsec",
    content="{id}.{ts}.{body}",
    digest="base64",
    layout="v1,{sig}",
    separator=" ",
    variants=(V1A,),
    pair="ed25519-whsk",
    clock=Clock(header="webhook-timestamp"),
    id_header="webhook-id",
    id_form="msg_{token}",
    notes=("the id stays the same on every attempt, the timestamp is the attempt's", "an id must not contain a dot"),
)

SYMMETRIC = replace(STANDARD, secret_form=BASE64, variants=(), pair="", notes=())

SVIX = replace(
    SYMMETRIC,
    name="svix",
    provider="svix",
    title="Svix",
    source="https://docs.svix.com/receiving/verifying-payloads/how-manual; svix-webhooks svix-server/src/worker.rs",
    secret_form=f"{BASE64}, from the endpoint's page; or whsk_… (signs) and whpk_… (verifies) for Ed25519",
    header="svix-signature",
    variants=(V1A,),
    pair="ed25519-whsk",
    clock=Clock(header="svix-timestamp"),
    id_header="svix-id",
    notes=("with white-label headers it is the scheme standardwebhooks",),
)

ROWS = (
    STANDARD,
    SVIX,
    replace(
        SYMMETRIC,
        name="openai",
        provider="openai",
        title="OpenAI",
        source="openai-python src/openai/lib/_webhooks.py",
        secret_form=f"{BASE64}; without the prefix the whole text is the key",
        key="whsec-or-text",
        accepts=("{sig}",),
        id_form="wh_{token}",
        notes=("the SDK takes a signature without its v1, label",),
    ),
    replace(
        SYMMETRIC,
        name="anthropic",
        provider="anthropic",
        title="Anthropic",
        source="https://platform.claude.com/docs/en/api/python/beta/webhooks/unwrap; "
        "anthropic-sdk-python src/anthropic/resources/beta/webhooks.py",
        secret_form=f"{BASE64}, shown once in the Console",
    ),
    replace(
        SYMMETRIC,
        name="gitlab-signing",
        provider="gitlab",
        title="GitLab (signing token)",
        source="https://docs.gitlab.com/user/project/integrations/webhooks; gitlab-org/gitlab merge request 230944",
        secret_form=f"{BASE64}: the webhook's signing token",
        id_form="{token}",
        notes=(
            "GitLab 19.0 and later, beside the older X-Gitlab-Token",
            "webhook-id equals Idempotency-Key",
            "a receiver must not fall back to the token when a signature is present",
        ),
    ),
    replace(
        SYMMETRIC,
        name="polar",
        provider="polar",
        title="Polar",
        source="polar-sdk polar/webhooks.py",
        secret_form="the secret as it was typed, used as text whatever it looks like (it is not base64)",
        key="text",
    ),
    replace(
        SVIX,
        name="resend",
        provider="resend",
        title="Resend",
        source="https://resend.com/docs/webhooks/verify-webhooks-requests; resend-python resend/webhooks/_webhooks.py",
        secret_form=f"{BASE64}, from the webhook's page",
        variants=(),
        pair="",
        notes=("sent through Svix", "the SDK takes a matching signature under any version label"),
    ),
    replace(
        SVIX,
        name="clerk",
        provider="clerk",
        title="Clerk",
        source="https://clerk.com/docs/guides/development/webhooks/syncing; @clerk/backend webhooks",
        secret_form=f"{BASE64}, from the endpoint's page",
        variants=(),
        pair="",
        notes=("sent through Svix",),
    ),
)
