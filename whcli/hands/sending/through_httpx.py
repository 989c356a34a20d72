"""The same as `wire`, by httpx: the way out through a proxy, and what the tests compare `wire` with.

Its transport is used without its client: so there are no redirects, cookies, netrc, proxy variables, default headers
or decompressed bodies to switch off.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ...words.errors import WrongUsage
from ...words.event import Outgoing, Reply
from .wire import READ_LIMIT, Answer, Broken, Destination, Limits, NotConnected


def _without_its_command_line() -> Any:
    """httpx without `httpx._main`, which loads click, rich and pygments: half of its import time.

    None in `sys.modules` makes an import raise ModuleNotFoundError; httpx expects that, since its command line is an
    optional extra. The mark is taken away again. An httpx that is loaded already stays as it is.
    """
    if "httpx" in sys.modules:
        return sys.modules["httpx"]
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("httpx")
    finally:
        del sys.modules["httpx._main"]


if TYPE_CHECKING:
    import httpx
else:
    httpx = _without_its_command_line()


class ThroughHttpx:
    """A connection for each request; `proxy` is a URL or None. `tls` makes the context when one is needed."""

    def __init__(self, limits: Limits, tls: Callable[[], ssl.SSLContext], proxy: str | None) -> None:
        self._limits = limits
        self._tls = tls
        self._proxy = _proxy(proxy) if proxy else None
        self._transports: dict[Destination, httpx.AsyncHTTPTransport] = {}

    async def send(self, outgoing: Outgoing, destination: Destination) -> Answer:
        """One request and its reply. Raises NotConnected, Broken, and TimeoutError when the reply takes too long."""
        transport = self._transport(destination)
        hosts = (destination.host,) if self._proxy else destination.addresses
        failure: Exception = OSError("it has no address")
        for host in hosts:
            try:
                return await self._exchange(transport, outgoing, destination, host, self._limits.connect / len(hosts))
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                failure = error  # no byte of the request has left
            except httpx.TransportError as error:
                raise Broken(_how_it_broke(error)) from error
        raise NotConnected(failure) from failure

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()

    async def _exchange(
        self,
        transport: httpx.AsyncHTTPTransport,
        outgoing: Outgoing,
        destination: Destination,
        host: str,
        patience: float,
    ) -> Answer:
        """One request to one address; the clock starts when the connection is there."""
        limit = asyncio.timeout(None)
        started = perf_counter()

        async def trace(step: str, _: Mapping[str, Any]) -> None:
            nonlocal started
            if step == "http11.send_request_headers.started":
                started = perf_counter()
                if self._limits.timeout is not None:
                    limit.reschedule(asyncio.get_running_loop().time() + self._limits.timeout)

        request = _request(outgoing, destination, host, {"trace": trace, "timeout": {"connect": patience}})
        async with limit:
            response = await transport.handle_async_request(request)
            try:
                reply = await self._read(response)
            finally:
                await response.aclose()
        return Answer(reply, perf_counter() - started)

    async def _read(self, response: httpx.Response) -> Reply:
        """The reply, its body as sent and cut to the limit; the rest is read too, so that the handler can finish."""
        body, seen = bytearray(), 0
        if response.status_code == 101:
            raise Broken("switched to another protocol, which nobody asked for")
        async for part in response.aiter_raw():
            body += part[: max(self._limits.reply - seen, 0)]
            seen += len(part)
            if seen > READ_LIMIT:
                break
        return Reply(
            status=response.status_code,
            headers=tuple(response.headers.raw),
            body=bytes(body),
            reason=response.extensions["reason_phrase"].decode("latin-1"),
            truncated=seen > self._limits.reply,
        )

    def _transport(self, destination: Destination) -> httpx.AsyncHTTPTransport:
        """One for each destination: httpx tells connections apart by address, and an address can have several names.

        No connection is used twice: h11 takes bytes that follow a reply for the next one, so a handler that answers
        twice would have its second answer taken for the reply to the next event.
        """
        if destination not in self._transports:
            self._transports[destination] = httpx.AsyncHTTPTransport(
                verify=self._tls() if destination.scheme == "https" else False,  # False: no context for plain HTTP
                trust_env=False,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                proxy=self._proxy,
            )
        return self._transports[destination]


def _proxy(url: str) -> httpx.Proxy:
    """The proxy of a URL, which can hold a user name and a password."""
    try:
        proxy = httpx.Proxy(url)
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in ("http", "https") or not proxy.url.host:
        why = "the proxy is no http:// or https:// URL"
        raise WrongUsage(why, next="--proxy http://localhost:8080", code="bad_proxy")
    return proxy


class _ExactUrl(httpx.URL):
    """A URL that hands over the request target as it stands.

    httpx would normalise a path. Its `target` extension would not, but behind a proxy httpcore 1.0 puts that into the
    `CONNECT` line, too, and leaves out the absolute form that RFC 9112 section 3.2.2 asks for.
    """

    exact = b"/"

    @property
    def raw_path(self) -> bytes:
        return self.exact


def _request(outgoing: Outgoing, destination: Destination, host: str, extensions: dict[str, Any]) -> httpx.Request:
    """The request for one address of the destination. Given a stream, httpx adds no header.

    The certificate is checked for the name, also when the connection goes to an address of it.
    """
    url = _ExactUrl(scheme=destination.scheme, host=host, port=destination.port)
    url.exact = outgoing.target
    if host != destination.host:
        extensions["sni_hostname"] = destination.host.rstrip(".")
    request = httpx.Request(
        outgoing.method.decode(),
        url,
        headers=httpx.Headers(list(outgoing.headers)),
        stream=httpx.ByteStream(outgoing.body),
        extensions=extensions,
    )
    request.url = url  # the request has made a plain copy
    return request


def _how_it_broke(error: httpx.TransportError) -> str:
    """The end of a sentence; the same words that `wire` finds."""
    text = str(error)[:200]  # it can quote the reply
    if "without sending a response" in text:
        return "closed the connection without a reply"
    if isinstance(error, httpx.RemoteProtocolError) and "closed" not in text:
        return f"sent something that is not an HTTP/1.1 reply ({text})"
    return "broke off before the end of its reply"
