"""The handler of `whcli demo`: a Starlette app that verifies as the providers' pages tell a receiver to.

It is written out by hand, with nothing of our own signing in it: what it accepts, a real receiver accepts.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

TOLERANCE = 300  # seconds


def _hmac(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    """In constant time; as bytes, since a str that is not ASCII would raise."""
    return hmac.compare_digest(one.encode(), other.encode())


def github(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """docs.github.com: validating webhook deliveries."""
    return _same(headers["x-hub-signature-256"], "sha256=" + _hmac(secret, body))


def stripe(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """docs.stripe.com/webhooks: verify manually."""
    parts = dict(part.split("=", 1) for part in headers["stripe-signature"].split(","))
    fresh = time.time() - int(parts["t"]) <= TOLERANCE
    return fresh and _same(parts["v1"], _hmac(secret, parts["t"].encode() + b"." + body))


def slack(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """docs.slack.dev: verifying requests from Slack."""
    stamp = headers["x-slack-request-timestamp"]
    fresh = abs(time.time() - int(stamp)) <= TOLERANCE
    signature = "v0=" + _hmac(secret, b"v0:" + stamp.encode() + b":" + body)
    return fresh and _same(headers["x-slack-signature"], signature)


CHECKS = {"github": github, "stripe": stripe, "slack": slack}


def application(secrets: Mapping[str, str]) -> Starlette:
    """Answers 204 to a webhook whose signature holds, 400 to any other; the provider is the path."""

    async def receive(request: Request) -> Response:
        provider = request.path_params["provider"]
        try:
            held = CHECKS[provider](request.headers, await request.body(), secrets[provider])
        except (KeyError, ValueError):
            held = False
        return Response(status_code=204) if held else PlainTextResponse("invalid signature", status_code=400)

    return Starlette(routes=[Route("/{provider}", receive, methods=["POST"])])


@contextmanager
def served(secrets: Mapping[str, str]) -> Iterator[str]:
    """The handler on a free port of 127.0.0.1, for as long as the block lasts; its URL."""
    import socket

    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application(secrets), log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()  # the kernel holds connections for us from here on, so there is nothing to wait for
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
