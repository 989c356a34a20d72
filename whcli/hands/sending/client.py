"""`Outgoing` to `Reply`: one request out, one reply in, and nothing that was not asked for.

No redirect is followed, no proxy variable and no netrc is read, no cookie kept, no header added, no body decompressed.
`wire` writes the requests: any method, target and header bytes, at ten times the rate and without a tenth of a second
of imports. httpx is the way through a proxy, and with `own_writer=False` the way for all that it does not refuse or
change (`why_own`), so that the tests can hold the two against each other. Both connect to the addresses that were
looked up once, so a check of `Destination.local` holds for the connection too: a second answer of the name server
cannot lead a "local" request elsewhere (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ...rules.outgoing import require_sendable
from ...rules.target import origin_of, parse_target
from ...words.errors import NoReply, Unreachable, WrongUsage
from ...words.event import Outgoing
from ...words.head import TOKEN
from .wire import AT_ONCE, Answer, Broken, Destination, Limits, Manner, NotConnected, Wires, look_up

if TYPE_CHECKING:
    from .through_httpx import ThroughHttpx

__all__ = ["Answer", "Client", "Destination", "why_own"]

MIB = 1024 * 1024

# What httpx 0.28 with h11 0.16 refuses or changes, and whether a request has it; seen on the wire and in h11's
# `_abnf.py` and `_writers.py`. `tests/test_client.py` compares this table with h11 itself.
_OWN: tuple[tuple[str, Callable[[Outgoing], object]], ...] = (
    ("httpx writes methods in upper case", lambda o: o.method != o.method.upper()),
    ("h11 makes a tunnel of CONNECT", lambda o: o.method == b"CONNECT"),
    ("h11 refuses targets beyond visible ASCII", lambda o: not re.fullmatch(rb"[!-~]+", o.target)),
    ("h11 wants exactly one Host", lambda o: sum(name.lower() == b"host" for name, _ in o.headers) != 1),
    ("h11 moves Host to the front", lambda o: o.headers[0][0].lower() != b"host"),
    ("h11 refuses odd header names", lambda o: not all(re.fullmatch(TOKEN, name) for name, _ in o.headers)),
    (
        "h11 refuses form feeds, vertical tabs and outer white space in header values",
        lambda o: any(re.search(rb"[\x0b\x0c]|^[ \t]|[ \t]$", value) for _, value in o.headers),
    ),
)


def why_own(outgoing: Outgoing) -> str | None:
    """Why httpx would not send this request as it stands, or None when it would."""
    return next((why for why, applies in _OWN if applies(outgoing)), None)


class Client:
    """Sends requests; an async context manager that keeps connections open between them.

    `timeout`: seconds from the connection being there to the end of the reply, None for no limit; `connect_timeout`:
    seconds for reaching the target, TLS included. `verify`: False takes any certificate; a file or folder of
    certificates is trusted besides the usual ones. `reply_limit`: bytes of body that are kept. `concurrency`: idle
    connections kept for each destination. `own_writer`: False sends by httpx what it can send as it stands.
    """

    def __init__(
        self,
        *,
        timeout: float | None,
        connect_timeout: float = 5.0,
        proxy: str | None = None,
        verify: bool | str = True,
        reply_limit: int = MIB,
        concurrency: int = 16,
        own_writer: bool = True,
    ) -> None:
        self._limits = Limits(timeout=timeout, connect=connect_timeout, reply=reply_limit, keep=concurrency)
        self._proxy = proxy if proxy is None or "://" in proxy else f"http://{proxy}"
        self._verify = verify
        self._own_writer = own_writer
        self._context: ssl.SSLContext | None = None
        self._wires = Wires(self._limits, self._tls)
        self._httpx: ThroughHttpx | None = self._through_httpx() if self._proxy else None  # a bad proxy is told at once
        self._destinations: dict[str, Destination] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._wires.aclose()
        if self._httpx:
            await self._httpx.aclose()

    async def destination(self, url: str, *, again: str | None = None) -> Destination:
        """Where `url` leads; looked up at the first call, the same from then on. Raises Unreachable, WrongUsage.

        Behind a proxy it has no addresses and so is not local: the proxy looks it up.
        """
        target = parse_target(url)
        if target.origin not in self._destinations:
            try:
                async with asyncio.timeout(self._limits.connect):
                    self._destinations[target.origin] = await look_up(target, resolve=self._proxy is None)
            except OSError as error:
                raise self._unreachable(target.authority, error, again) from error
        return self._destinations[target.origin]

    async def send(self, outgoing: Outgoing, *, again: str | None = None, manner: Manner = AT_ONCE) -> Answer:
        """Send one request and read the reply to its end, or to 64 MiB; a `manner` of its own goes by our own writer.

        `again` is the command that repeats this, for the errors' `next` line. Raises WrongUsage when the request must
        not be sent, Unreachable when no connection came about, NoReply when no whole reply came, or none in time.
        """
        require_sendable(outgoing)
        way = self._way(outgoing)
        known = self._destinations.get(origin_of(outgoing.url))
        destination = known or await self.destination(outgoing.url, again=again)
        try:
            if manner is not AT_ONCE:
                return await self._wires.send(outgoing, destination, manner)
            return await way.send(outgoing, destination)
        except NotConnected as error:
            if not destination.local:  # it may have moved; a local one stays the one that was checked
                self._destinations.pop(origin_of(outgoing.url), None)
            raise self._unreachable(destination.name, error.cause, again) from error
        except TimeoutError as error:
            what = f"{destination.name} sent no whole reply within {self._limits.timeout:g} s"
            raise NoReply(what, next=_next("look at its log", again), code="reply_timeout") from error
        except Broken as error:
            raise NoReply(f"{destination.name} {error}", next=_next("look at its log", again)) from error

    def _way(self, outgoing: Outgoing) -> Wires | ThroughHttpx:
        if self._proxy:
            _require_proxyable(outgoing)
        elif self._own_writer or why_own(outgoing):
            return self._wires
        self._httpx = self._httpx or self._through_httpx()
        return self._httpx

    def _through_httpx(self) -> ThroughHttpx:
        from .through_httpx import ThroughHttpx

        return ThroughHttpx(self._limits, self._tls, self._proxy)

    def _tls(self) -> ssl.SSLContext:
        """The machine's own trust store, where makers of local certificates put theirs, and the usual authorities."""
        if self._context is None:
            import certifi

            context = ssl.create_default_context()
            context.load_verify_locations(certifi.where())
            context.set_alpn_protocols(["http/1.1"])
            if self._verify is False:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            elif isinstance(self._verify, str):
                _trust(context, self._verify)
            self._context = context
        return self._context

    def _unreachable(self, name: str, error: Exception, again: str | None) -> Unreachable:
        causes = list(_causes(error))
        found = [(cause, row) for cause in causes for row in _UNREACHABLE if isinstance(cause, row[0])]
        deepest = next((cause for cause in reversed(causes) if isinstance(cause, OSError)), error)
        cause, (_, code, message, step) = found[0] if found else (deepest, _OTHERWISE)
        if self._proxy:
            message, step = "no connection to {name} through the proxy: {why}", "check --proxy"
        text = message.format(name=name, why=_why(cause), seconds=self._limits.connect)
        return Unreachable(text, next=_next(step, again), code=code)


# For the first error in a chain of causes that has a row; a row stands before the ones of its parent classes.
_UNREACHABLE: tuple[tuple[type[Exception], str, str, str], ...] = (
    (socket.gaierror, "dns", "the host name of {name} is not known", "check its spelling"),
    (
        ssl.SSLCertVerificationError,
        "tls",
        "the certificate of {name} is not trusted here: {why}",
        "add --ca FILE with its issuer's certificate, or --insecure",
    ),
    (ssl.SSLError, "tls", "no TLS with {name}: {why}", "write http:// if it speaks plain HTTP"),
    (ConnectionRefusedError, "refused", "nothing is listening on {name}", "start it"),
    (TimeoutError, "connect_timeout", "{name} took no connection within {seconds:g} s", "check address and firewall"),
)
_OTHERWISE = (Exception, "unreachable", "no connection to {name}: {why}", "check the address")


def _require_proxyable(outgoing: Outgoing) -> None:
    """Only httpx speaks to proxies, and an absolute URL, as proxies want it, ends in a path."""
    reason = why_own(outgoing) or (None if outgoing.target.startswith(b"/") else "its target is no path")
    if reason:
        message = f"the request cannot go through a proxy as it is: {reason}"
        raise WrongUsage(message, next="leave out --proxy", code="not_sendable")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what led to it, and so on; of a group, all of its errors. httpcore hides causes, so contexts count."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _why(error: BaseException) -> str:
    """The short reason inside an error."""
    text = getattr(error, "verify_message", None) or getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(text or error or type(error).__name__)


def _next(step: str, again: str | None) -> str:
    return f"{step}, then: {again}" if again else f"{step}, then try again"


def _trust(context: ssl.SSLContext, path: str) -> None:
    from pathlib import Path

    try:
        if Path(path).is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        message = f"no certificates can be read from {path}: {_why(error)}"
        raise WrongUsage(message, next="give a PEM file or a folder of them", code="bad_certificates") from error
