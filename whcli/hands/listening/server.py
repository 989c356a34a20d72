"""Sockets and their life: open them, serve on them, stop in time.

The sockets are opened here and not by the event loop, so that a taken port becomes a sentence before anything starts,
and `localhost` finds us whichever address it means: 127.0.0.1 and ::1 share one port.

An idle listener sleeps: no timer runs while no connection is open (uvicorn's own main loop wakes ten times a second).
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...words.errors import CannotListen, WrongUsage
from ..filelimit import let_open
from ..places import leads_to
from .bodies import Spools
from .connections import Accept, Listening, Refused
from .framing import Limits
from .protocol import CaptureProtocol

if TYPE_CHECKING:
    from .secure import Entrance, Secure

BACKLOG = 2048  # connections the kernel holds for us while we are busy
SPARE_FILES = 64  # descriptors kept free for the store, the forwards and the libraries
_TRIES = 50  # for a port that is free on both loopback addresses
_FREE_PORT = "whcli listen --port 0        picks a free port"


def open_sockets(host: str = "127.0.0.1", port: int = 8765, *, also_ipv6_loopback: bool = True) -> list[socket.socket]:
    """Listening sockets for all addresses of a host, on one port; 0 picks one that is free on all of them.

    127.0.0.1 brings ::1 with it where this machine has it, unless `also_ipv6_loopback` is False.

    Raises CannotListen: `port_in_use` (with the program that holds it, where that can be seen), `no_permission`,
    `no_such_address`. Raises WrongUsage when the port is no port.
    """
    if not 0 <= port <= 65535:
        raise WrongUsage(f"{port} is not a port", next=_FREE_PORT)
    addresses = _addresses(host)
    optional = ["::1"] if also_ipv6_loopback and host == "127.0.0.1" and _has("::1") else []
    for _ in range(_TRIES):
        try:
            return _open_all(addresses + optional, port)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise _cannot_listen(error, host, port) from error
    raise CannotListen("no port is free on both 127.0.0.1 and ::1", next="whcli listen --host ::1 --port 0")


def holder(port: int) -> str | None:
    """The program that listens on a TCP port, `node (pid 4121)`; None where that cannot be seen."""
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        return next(_holders(port), None)
    return None


class Server:
    """The listener: takes connections on its sockets, hands whole requests to `accept`, refused ones to `refused`.

    `spools` opens a place for a large body, which `accept` has to close; without it all bodies are held in memory.
    On the sockets of `secure` TLS is spoken.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        limits: Limits,
        accept: Accept,
        refused: Refused,
        spools: Spools | None = None,
        secure: Secure | None = None,
    ) -> None:
        self._sockets = sockets
        self._secure = secure
        self._names: list[tuple[str, tuple[Any, ...]]] = [("http", each.getsockname()) for each in sockets]
        self._names += [("https", each.getsockname()) for each in (secure.sockets if secure else ())]
        self._entrance: Entrance | None = None
        self._limits = _within_file_limit(limits, 3 if secure else 2)
        self._accept = accept
        self._refused = refused
        self._spools = spools
        self._shared: Listening | None = None
        self._servers: list[asyncio.Server] = []

    @property
    def urls(self) -> list[str]:
        """Where a sender on this machine reaches us, HTTP before HTTPS, IPv4 before IPv6; wildcards as loopback."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
        found = sorted((kind, ":" in name[0], loopback.get(name[0], name[0]), name[1]) for kind, name in self._names)
        return [
            f"{kind}://[{host}]:{port}" if six else f"{kind}://{host}:{port}"
            for kind, six, host, port in dict.fromkeys(found)
        ]

    @property
    def is_open(self) -> bool:
        """Whether it listens on every address of this machine."""
        return any(name[0] in ("0.0.0.0", "::") for _, name in self._names)  # noqa: S104  # compared, not bound

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return 0 if self._shared is None else len(self._shared.connections)

    def is_at(self, host: str, port: int) -> bool:
        """Whether a host and port lead back to these sockets."""
        return leads_to(host, port, [(str(name[0]), int(name[1])) for _, name in self._names])

    async def start(self) -> None:
        """Begin to serve. The kernel has held connections for us since the sockets were opened."""
        from uvicorn.config import Config

        loop = asyncio.get_running_loop()
        config = Config(_no_app, http=CaptureProtocol, ws="none", lifespan="off", log_config=None, proxy_headers=False)
        config.load()
        self._shared = Listening(self._limits, self._accept, self._refused, self._spools)
        factory = partial(CaptureProtocol, config, self._shared, {}, loop)
        self._servers = [await loop.create_server(factory, sock=each, backlog=BACKLOG) for each in self._sockets]
        if self._secure is not None:
            from .secure import Entrance

            self._entrance = Entrance(self._secure, factory, self._limits, self._refused)
            self._entrance.start()

    async def stop(self, grace: float = 3.0) -> None:
        """Take no new connection, let requests that have begun finish for `grace` seconds, then close everything.

        A request that is not whole or not answered by then gets 503, so that its sender tries again.
        """
        for server in self._servers:
            server.close()
        if self._entrance is not None:
            self._entrance.close()
        if self._shared is None:
            for each in (*self._sockets, *(self._secure.sockets if self._secure else ())):
                each.close()
            return
        self._shared.stop()
        await self._emptied(grace)
        for capture in self._shared.captures():
            capture.cut()
        await self._emptied(_LAST_WORDS)
        for capture in self._shared.captures():
            capture.drop("the listener is stopping")
        await self._emptied(_LAST_WORDS)
        self._shared.quiet()

    async def _emptied(self, seconds: float) -> None:
        if self._shared is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._shared.empty.wait(), seconds)


_LAST_WORDS = 0.5  # seconds for a 503 to leave


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    """uvicorn's configuration wants an application; the protocol never calls it."""


def _within_file_limit(limits: Limits, each: int) -> Limits:
    """Fewer connections where the process may not open that many files: better closed by us than not accepted.

    Of the files that `each` may need one is itself, one a large body's, and one is in a TLS handshake behind it. The
    soft limit is raised where the hard one lets us.
    """
    wanted = each * limits.connections + SPARE_FILES
    files = let_open(wanted)
    if files is None or files >= wanted:
        return limits
    return replace(limits, connections=max((files - SPARE_FILES) // each, 1))


# Opening.


def _addresses(host: str) -> list[str]:
    """The distinct addresses of a host, numeric."""
    try:
        # As bytes the name is not put through the idna codec, which would be loaded for it.
        found = socket.getaddrinfo(host.encode(), None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise CannotListen(
            f"the host {host!r} is not known here", code="no_such_address", next="whcli listen --host 127.0.0.1"
        ) from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _has(address: str) -> bool:
    """True when this machine has the address."""
    try:
        _open(address, 0).close()
    except OSError:
        return False
    return True


def _open_all(addresses: list[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_open(address, port))
            port = sockets[0].getsockname()[1]
    except OSError:
        for each in sockets:
            each.close()
        raise
    return sockets


def _open(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)  # not inheritable (PEP 446)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # `::` means everywhere, as in other listeners
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        sock.bind((address, port))
        sock.listen(BACKLOG)  # only now is the port ours
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _cannot_listen(error: OSError, host: str, port: int) -> CannotListen:
    """The sentence for what the kernel said."""
    if error.errno == errno.EADDRINUSE:
        by = holder(port)
        return CannotListen(
            f"port {port} is already in use",
            code="port_in_use",
            details=(("by", by),) if by else (),
            next=_FREE_PORT,
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return CannotListen(
            f"no permission to listen on port {port}",
            code="no_permission",
            details=(("why", "ports below 1024 belong to the system"),) if port < 1024 else (),
            next="whcli listen --port 8765",
        )
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return CannotListen(
            f"{host} is not an address of this machine", code="no_such_address", next="whcli listen --host 127.0.0.1"
        )
    return CannotListen(f"could not listen on {host}, port {port}: {error.strerror}", next=_FREE_PORT)


# Who holds a port.


def _holders(port: int) -> Iterator[str]:
    if sys.platform == "linux":
        return _holders_in_proc(port)
    if sys.platform == "darwin":
        return _holders_by_lsof(port)
    return iter(())


def _holders_in_proc(port: int) -> Iterator[str]:
    """proc(5): /proc/net/tcp has the inode of each listening socket, /proc/PID/fd the sockets of each process."""
    wanted = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening_inodes(table, port)}
    for link in Path("/proc").glob("[0-9]*/fd/*") if wanted else ():
        with suppress(OSError):  # another user's process, or one that has just ended
            if str(link.readlink()) in wanted:
                process = link.parent.parent
                yield f"{(process / 'comm').read_text().strip()} (pid {process.name})"


def _listening_inodes(table: str, port: int) -> Iterator[str]:
    listening = "0A"  # TCP_LISTEN, include/net/tcp_states.h
    with suppress(OSError):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _holders_by_lsof(port: int) -> Iterator[str]:
    command = ["/usr/sbin/lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False)
    for pid, name in re.findall(r"^p(\d+)\nc(.+)$", found.stdout, re.MULTILINE):
        yield f"{name} (pid {pid})"
