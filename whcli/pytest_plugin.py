"""The pytest plugin: `webhook_listener`, `webhook_sender` and what belongs to them.

Each fixture imports what it needs when a test asks for it: a test run that uses none pays for this short module alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

TYPE_CHECKING = False  # what type checkers take for true
if TYPE_CHECKING:
    from .hands.testing.listener import WebhookListener, WebhookListeners
    from .hands.testing.secrets import WebhookSecrets
    from .hands.testing.sender import WebhookSender


@pytest.fixture
def webhook_secrets() -> WebhookSecrets:
    """The secrets of this test, by scheme: `webhook_secrets["stripe"] = "whsec_test"`, or read one and it is made.

    `webhook_listener` verifies with them and `webhook_sender` signs with them. Where a test sets none, those of the
    environment and of the nearest `whcli.toml` count.
    """
    from .hands.testing.secrets import WebhookSecrets

    return WebhookSecrets()


@pytest.fixture
def webhook_listeners(tmp_path: Path, webhook_secrets: WebhookSecrets) -> Iterator[WebhookListeners]:
    """Makes as many listeners as a test needs: `orders, bills = webhook_listeners(), webhook_listeners(verify=True)`.

    It takes `verify` (a request whose signature does not hold gets 401) and `port` (default: a free one). All are
    closed when the test ends.
    """
    from .hands.testing.listener import WebhookListeners

    with WebhookListeners(tmp_path, webhook_secrets) as listeners:
        yield listeners


@pytest.fixture
def webhook_listener(webhook_listeners: WebhookListeners) -> WebhookListener:
    """A real webhook listener on a free port: give `webhook_listener.url` to what sends, then `.wait()` for events."""
    return webhook_listeners()


@pytest.fixture
def webhook_sender(webhook_secrets: WebhookSecrets) -> WebhookSender:
    """Sends signed sample events, or captured ones again, to a handler under test: `.send(...)`, `.replay(...)`."""
    from .hands.testing.sender import WebhookSender

    return WebhookSender(webhook_secrets)
