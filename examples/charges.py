"""Two handlers for the same webhook: one charges twice when a delivery is repeated, the other never does.

    python examples/charges.py 3000 charges.db        POST /racy, POST /correct; GET /racy, GET /correct show the state

Providers deliver at least once: again after every slow answer, sometimes twice at the same instant. The racy handler
answers fast and works later, and so remembers the event's id too late. The correct one puts id and charge into one
transaction and lets the database decide.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LATER = 0.5  # seconds until the racy handler gets round to remembering

TABLES = """
    CREATE TABLE IF NOT EXISTS seen (shop TEXT, event TEXT, PRIMARY KEY (shop, event));
    CREATE TABLE IF NOT EXISTS charges (shop TEXT, amount INTEGER);
"""


class Books:
    """The database: which events were seen, and what was charged for them."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(TABLES)
        self.cleared = 0  # times

    def seen(self, shop: str, event: str) -> bool:
        return bool(self._db.execute("SELECT 1 FROM seen WHERE shop = ? AND event = ?", (shop, event)).fetchone())

    def remember(self, shop: str, event: str) -> bool:
        """True when the event is new."""
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (shop, event)).rowcount == 1

    def charge(self, shop: str, amount: int) -> None:
        self._db.execute("INSERT INTO charges VALUES (?, ?)", (shop, amount))

    def once(self, shop: str, event: str, amount: int) -> None:
        """Charge for an event in one transaction, unless that has been done."""
        self._db.execute("BEGIN IMMEDIATE")
        if self.remember(shop, event):
            self.charge(shop, amount)
        self._db.execute("COMMIT")

    def state(self, shop: str) -> dict[str, int]:
        row = self._db.execute("SELECT count(*), coalesce(sum(amount), 0) FROM charges WHERE shop = ?", (shop,))
        number, total = row.fetchone()
        return {"charges": number, "total": total}

    def clear(self, shop: str) -> None:
        self.cleared += 1
        for table in ("seen", "charges"):
            self._db.execute(f"DELETE FROM {table} WHERE shop = ?", (shop,))


def app_on(path: str) -> Starlette:
    books = Books(path)

    async def racy(request: Request) -> Response:
        event = await request.json()
        if books.seen("racy", event["id"]):
            return Response(status_code=204)
        books.charge("racy", event["amount"])
        return Response(status_code=204, background=BackgroundTask(remember_later, event["id"], books.cleared))

    async def remember_later(event: str, cleared: int) -> None:
        await asyncio.sleep(LATER)
        if cleared == books.cleared:
            books.remember("racy", event)

    async def correct(request: Request) -> Response:
        event = await request.json()
        books.once("correct", event["id"], event["amount"])
        return Response(status_code=204)

    async def state(request: Request) -> Response:
        return JSONResponse(books.state(request.url.path.strip("/")))

    async def clear(request: Request) -> Response:
        books.clear(request.url.path.strip("/"))
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/racy", racy, methods=["POST"]),
            Route("/correct", correct, methods=["POST"]),
            *(Route(f"/{shop}", state, methods=["GET"]) for shop in ("racy", "correct")),
            *(Route(f"/{shop}", clear, methods=["DELETE"]) for shop in ("racy", "correct")),
        ]
    )


if __name__ == "__main__":
    database = sys.argv[2] if len(sys.argv) > 2 else str(Path("charges.db"))
    uvicorn.run(app_on(database), host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
