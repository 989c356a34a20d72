"""The shop runs on the test's own event loop; what blocks (`send`, `wait`) goes to a thread."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator

import pytest_asyncio
import uvicorn
from shop import Shop

from whcli import WebhookListener, WebhookSender

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


@pytest_asyncio.fixture
async def shop_url(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> AsyncIterator[str]:
    webhook_sender.secrets["stripe"] = "whsec_stripe"
    webhook_listener.secret("standardwebhooks", SECRET)
    shop = Shop("whsec_stripe", webhook_listener.url + "/partner", SECRET)
    server = uvicorn.Server(uvicorn.Config(shop.app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/stripe"
        server.should_exit = True
        await serving


async def test_a_paid_order_is_told_until_the_partner_hears_it(
    shop_url: str, webhook_listener: WebhookListener, webhook_sender: WebhookSender
) -> None:
    webhook_listener.reply_with(sequence=[500, 200])
    reply = await asyncio.to_thread(webhook_sender.send, "stripe", "charge.succeeded", to=shop_url)
    assert reply.status == 204
    first, second = await asyncio.to_thread(webhook_listener.wait, 2, path="/partner")
    assert first.body == second.body and first.data["type"] == "order.paid"
    webhook_listener.assert_received(2, signed=True)


async def test_a_charge_that_comes_twice_is_told_once(
    shop_url: str, webhook_listener: WebhookListener, webhook_sender: WebhookSender
) -> None:
    for _ in range(2):
        charge = {"body.data.object.id": "ch_1"}
        reply = await asyncio.to_thread(webhook_sender.send, "stripe", "charge.succeeded", to=shop_url, set=charge)
        assert reply.status == 204
    [told] = await asyncio.to_thread(webhook_listener.wait)
    await asyncio.to_thread(webhook_listener.wait, 0, after=told, timeout=0.2)


async def test_a_forged_charge_is_refused(shop_url: str, webhook_sender: WebhookSender) -> None:
    webhook_sender.secrets["stripe"] = "whsec_forger"
    assert (await asyncio.to_thread(webhook_sender.send, "stripe", "charge.succeeded", to=shop_url)).status == 400
