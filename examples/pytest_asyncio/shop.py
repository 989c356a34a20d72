"""A small asyncio application: it takes Stripe's webhooks, and tells a partner of every paid order."""

import asyncio
import json

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whcli import sign, verify


class Shop:
    def __init__(self, stripe_secret: str, partner: str, partner_secret: str) -> None:
        self.stripe_secret, self.partner, self.partner_secret = stripe_secret, partner, partner_secret
        self.paid: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.app = Starlette(routes=[Route("/stripe", self.stripe, methods=["POST"])])

    async def stripe(self, request: Request) -> Response:
        body = await request.body()
        if not verify("stripe", request.headers, body, secret=self.stripe_secret).ok:
            return Response(status_code=400)
        charge = json.loads(body)["data"]["object"]["id"]
        if charge not in self.paid:  # Stripe delivers at least once
            self.paid.add(charge)
            task = asyncio.create_task(self.tell(charge))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return Response(status_code=204)

    async def tell(self, charge: str) -> None:
        """Tell the partner, again after every answer that is not 2xx."""
        body = json.dumps({"type": "order.paid", "charge": charge})
        signed = sign(
            "standardwebhooks", body, secret=self.partner_secret, headers={"Content-Type": "application/json"}
        )
        async with httpx.AsyncClient() as client:
            for _ in range(3):
                if (await client.post(self.partner, content=signed.body, headers=signed.headers)).is_success:
                    return
