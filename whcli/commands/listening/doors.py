"""Where `listen` can be reached: plain HTTP, HTTPS, or both, and with which certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from ...hands.listening.server import open_sockets
from ...hands.render import stderr
from ...rules.text import safe
from ...words.errors import WrongUsage
from ...words.record import record

if TYPE_CHECKING:
    from ...hands.listening.secure import Secure

EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  # compared, not bound


@record
class Doors:
    """What flags and [listen] ask for."""

    host: str = "127.0.0.1"
    port: int = 8765
    tls: bool = False  # HTTPS on `port`
    tls_port: int | None = None  # HTTPS on this port too
    certificate: Path | None = None  # None: the store's own
    key: Path | None = None  # None: it stands in the certificate's file

    @property
    def secure_port(self) -> int | None:
        """The port of HTTPS, if any."""
        return self.port if self.tls else self.tls_port


def doors_of(
    file: Mapping[str, Any],
    base: Path | None,
    *,
    host: str | None,
    port: int | None,
    tls: bool,
    tls_port: int | None,
    certificate: Path | None,
    key: Path | None,
) -> Doors:
    """A flag before the file, whose paths are relative to it (`base`); raises WrongUsage for what makes no sense."""
    tls_port = tls_port if tls_port is not None or tls else file.get("tls_port")
    doors = Doors(
        host=host or file.get("host", "127.0.0.1"),
        port=port if port is not None else file.get("port", 8765),
        tls=tls or (bool(file.get("tls")) and tls_port is None),
        tls_port=tls_port,
        certificate=certificate or _in_file(file, base, "cert"),
        key=key or (_in_file(file, base, "key") if certificate is None else None),
    )
    if doors.tls and doors.tls_port is not None:
        raise WrongUsage(
            "--tls makes --port the port of HTTPS, and --tls-port opens one more",
            next="give --tls for HTTPS alone, or --tls-port 8766 for HTTP and HTTPS",
        )
    if doors.secure_port is None and (certificate or key):
        raise WrongUsage("--cert and --key are for HTTPS", next="add --tls, or --tls-port 8766 beside HTTP")
    if doors.key is not None and doors.certificate is None:
        raise WrongUsage("--key needs its certificate", next="add --cert FILE")
    return doors


def _in_file(file: Mapping[str, Any], base: Path | None, key: str) -> Path | None:
    return (base or Path()) / Path(file[key]).expanduser() if key in file else None


def open_doors(doors: Doors, store: Path) -> tuple[list[socket], Secure | None]:
    """Open the sockets; the certificate comes first, so that a mistake in it opens none.

    The caller holds the listener's lock. Raises CannotListen, WrongUsage, StoreFailed.
    """
    context = None if doors.secure_port is None else _context(doors, store)
    plain = [] if doors.tls else open_sockets(doors.host, doors.port)
    if context is None or doors.secure_port is None:
        return plain, None
    from ...hands.listening.secure import Secure

    try:
        return plain, Secure(sockets=open_sockets(doors.host, doors.secure_port), context=context)
    except BaseException:
        for each in plain:
            each.close()
        raise


def _context(doors: Doors, store: Path) -> Any:
    from ...hands.certificates import context_of, own

    if doors.certificate is not None:
        return context_of(doors.certificate, doors.key)
    hosts = [] if doors.host in (*EVERYWHERE, "127.0.0.1", "localhost", "::1") else [doors.host.lower()]
    mine = own(store, hosts, time.time())
    if mine.new_authority:
        stderr().say(f"a new authority was made, {safe(str(mine.authority))}; how senders trust it:  whcli tls trust")
    return context_of(mine.certificate, mine.key)
