"""The way in by TLS: connections are taken one by one, so that a handshake that fails is told and not just gone.

asyncio's own servers drop such a connection in silence. But the usual failure is a sender that does not trust our
certificate, and nobody else can say so.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from time import time

from ...words.record import record
from .connections import Refusal, Refused
from .framing import Limits

AGAIN = 0.5  # seconds before the next try where no connection can be taken: no file is free
_DISTRUST = "the sender does not trust our certificate; how it can: whcli tls trust"
# What OpenSSL calls it (ssl.SSLError.reason), and what it is.
_REASONS = (
    ("HTTP_REQUEST", "plain HTTP on the TLS port: use https:// here"),
    ("UNKNOWN_CA", _DISTRUST),
    ("CERTIFICATE_UNKNOWN", _DISTRUST),
    ("BAD_CERTIFICATE", _DISTRUST),
    ("CERTIFICATE_EXPIRED", "the sender finds our certificate expired: its clock may be wrong"),
    ("NO_SHARED_CIPHER", "the sender and we know no cipher in common"),
    ("UNSUPPORTED_PROTOCOL", "the sender speaks only versions of TLS before 1.2"),
    ("PROTOCOL_VERSION", "the sender speaks none of our versions of TLS"),
    ("WRONG_VERSION_NUMBER", "neither TLS nor HTTP on the TLS port"),
)


@record
class Secure:
    """Sockets on which TLS is spoken, and what with."""

    sockets: list[socket]
    context: ssl.SSLContext


class Entrance:
    """Takes connections on TLS sockets; those that shake hands get a protocol of `factory`'s, of others is told."""

    def __init__(
        self, secure: Secure, factory: Callable[[], asyncio.Protocol], limits: Limits, refused: Refused
    ) -> None:
        self._secure = secure
        self._factory = factory
        self._limits = limits
        self._refused = refused
        self._room = asyncio.Semaphore(limits.connections)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin; on the loop."""
        for each in self._secure.sockets:
            self._begin(self._take(each))

    def close(self) -> None:
        """Take no more; handshakes that go on are given up."""
        for task in self._tasks:
            task.cancel()
        for each in self._secure.sockets:
            each.close()

    def _begin(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, listening: socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._room.acquire()
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                self._room.release()
                await asyncio.sleep(AGAIN)
                continue
            self._begin(self._welcome(connection))

    async def _welcome(self, connection: socket) -> None:
        """Shake hands, within the time that a head may take."""
        peer = _peer(connection)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._factory, connection, ssl=self._secure.context, ssl_handshake_timeout=self._limits.head_time
            )
        except (OSError, TimeoutError) as error:
            connection.close()
            self._refused(Refusal(received_at=time(), peer=peer, status=None, reason=_why(error), start=b""))
        finally:
            self._room.release()


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, ssl.SSLError) and reason:
        known = (text for part, text in _REASONS if part in reason)
        return next(known, f"the TLS handshake failed: {reason.replace('_', ' ').lower()}")
    if isinstance(error, TimeoutError) or "taking longer" in str(error):
        return "the TLS handshake took too long"
    return "the sender went away inside the TLS handshake; it may not trust our certificate: whcli tls trust"


def _peer(connection: socket) -> str | None:
    with suppress(OSError):
        host, port = connection.getpeername()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return None
