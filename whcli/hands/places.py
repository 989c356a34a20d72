"""Places that are connected to: whether somebody is there, and whether that is one of our own sockets."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  # compared, not bound


def answers(host: str, port: int) -> bool:
    """Whether somebody takes a connection there; it is closed again with nothing sent, which no listener records."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1.0):
        return True
    return False


def leads_to(host: str, port: int, places: Iterable[tuple[str, int]]) -> bool:
    """Whether connecting to `host` (name or address) and `port` reaches one of these addresses with their ports.

    A place at a wildcard is at every address of this machine. A host that does not resolve leads nowhere.
    """
    here = {address for address, its_port in places if its_port == port}
    if not here:
        return False
    with suppress(OSError, UnicodeError):
        found = {_reached(str(info[4][0])) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        wild = bool(here & set(ANYWHERE))
        return any(address in here or (wild and _is_ours(address)) for address in found)
    return False


def _reached(address: str) -> str:
    """The address that a connection to this one ends at: the wildcard is loopback, `::ffff:127.0.0.1` is IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
    return loopback.get(str(ip), str(ip))


def _is_ours(address: str) -> bool:
    """Whether an address is one of this machine's: only such can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family) as probe:
        probe.bind((address, 0))
        return True
    return False
