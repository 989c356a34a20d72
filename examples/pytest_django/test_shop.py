"""Once through Django's test client, once over the port of its live server."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from whcli import WebhookListener, WebhookSender


@pytest.fixture(autouse=True)
def warehouse(settings: Any, webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    settings.WAREHOUSE = webhook_listener.url + "/warehouse"
    webhook_sender.secrets["shopify"] = settings.SHOPIFY_SECRET
    cache.clear()


def test_an_order_is_packed(client: Client, webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    order = webhook_sender.make("shopify", "orders/create", set={"body.id": 1001})
    json = "application/json"
    assert client.post("/shopify", data=order.body, content_type=json, headers=order.headers).status_code == 200
    [message] = webhook_listener.wait(path="/warehouse")
    assert message.data == {"pack": 1001}


def test_an_order_that_comes_twice_is_packed_once(
    live_server: LiveServer, webhook_listener: WebhookListener, webhook_sender: WebhookSender
) -> None:
    for _ in range(2):
        order = {"body.id": 1001}
        reply = webhook_sender.send("shopify", "orders/create", to=f"{live_server.url}/shopify", set=order)
        assert reply.status == 200
    webhook_listener.assert_received(1)


def test_a_forged_order_is_refused(live_server: LiveServer, webhook_sender: WebhookSender) -> None:
    webhook_sender.secrets["shopify"] = "forged"
    assert webhook_sender.send("shopify", "orders/create", to=f"{live_server.url}/shopify").status == 401
