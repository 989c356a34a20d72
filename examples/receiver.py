"""A webhook receiver that verifies as the providers' own pages tell it to, with no help from whcli.

    pip install starlette uvicorn
    STRIPE_WEBHOOK_SECRET=... python examples/receiver.py [port]

Four rules that every receiver should follow are marked below.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Callable, Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOLERANCE = 300  # seconds

Check = Callable[[Mapping[str, str], bytes, str], bool]


def sha256(secret: str, content: bytes) -> bytes:
    return hmac.new(secret.encode(), content, hashlib.sha256).digest()


def equal(one: str, other: str) -> bool:
    # Rule 2: compare in constant time, and as bytes: a header can hold anything.
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def fresh(timestamp: str) -> bool:
    # Rule 3: an old request, however well signed, may be somebody's replay.
    return abs(time.time() - int(timestamp)) <= TOLERANCE


def github(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    return equal(headers["x-hub-signature-256"], "sha256=" + sha256(secret, body).hex())


def stripe(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """https://docs.stripe.com/webhooks#verify-manually"""
    items = [item.split("=", 1) for item in headers["stripe-signature"].split(",")]
    timestamp = next(value for key, value in items if key == "t")
    expected = sha256(secret, timestamp.encode() + b"." + body).hex()
    return fresh(timestamp) and any(equal(value, expected) for key, value in items if key == "v1")


def slack(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    timestamp = headers["x-slack-request-timestamp"]
    expected = "v0=" + sha256(secret, b"v0:" + timestamp.encode() + b":" + body).hex()
    return fresh(timestamp) and equal(headers["x-slack-signature"], expected)


def shopify(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """https://shopify.dev/docs/apps/build/webhooks/verify-deliveries"""
    return equal(headers["x-shopify-hmac-sha256"], base64.b64encode(sha256(secret, body)).decode())


CHECKS: dict[str, tuple[Check, str]] = {
    "github": (github, "GITHUB_WEBHOOK_SECRET"),
    "stripe": (stripe, "STRIPE_WEBHOOK_SECRET"),
    "slack": (slack, "SLACK_SIGNING_SECRET"),
    "shopify": (shopify, "SHOPIFY_SECRET"),
}


async def receive(request: Request) -> Response:
    check, variable = CHECKS[request.path_params["provider"]]
    body = await request.body()  # Rule 1: verify the raw bytes, before anything parses them.
    try:
        held = check(request.headers, body, os.environ[variable])
    except (KeyError, ValueError, StopIteration):  # no header, no number, no timestamp
        held = False
    if not held:
        return JSONResponse({"error": "invalid signature"}, status_code=400)
    # Rule 4: answer fast, work later; the provider retries what takes long.
    return JSONResponse({"received": len(body), "json": is_json(body)})


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


routes = [Route(f"/{{provider:str}}{rest}", receive, methods=["POST"]) for rest in ("", "/{rest:path}")]
app = Starlette(routes=routes)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
