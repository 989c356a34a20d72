"""Whom a store's authority can vouch for, and whether one that is there is held to that.

A store may have come along with a project that was cloned or unpacked: an authority in it that could vouch for any
site, or whose key others have seen, must not be trusted because whcli says so.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ..words.errors import WrongUsage

if TYPE_CHECKING:
    from cryptography import x509

PRIVATE_NAMES = ("localhost", "internal", "local", "test", "lan", "home.arpa")  # RFC 6761, 6762, 8375
PRIVATE_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)


def constraints() -> x509.NameConstraints:
    """What the authority's certificate says of it (RFC 5280 section 4.2.1.10)."""
    from cryptography import x509

    names = [x509.DNSName(each) for each in PRIVATE_NAMES]
    networks = [x509.IPAddress(ipaddress.ip_network(each)) for each in PRIVATE_NETWORKS]
    return x509.NameConstraints(permitted_subtrees=[*names, *networks], excluded_subtrees=None)


def is_held(certificate: x509.Certificate) -> bool:
    """Whether a certificate is an authority's, signed by itself, that can vouch for nobody else."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(certificate)
        found = certificate.extensions
        limits = found.get_extension_for_class(x509.NameConstraints)
        basic = found.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False
    held = limits.critical and limits.value == constraints()
    return held and basic.critical and basic.value == x509.BasicConstraints(ca=True, path_length=0)


def is_unseen(key: Path) -> bool:
    """Whether nobody but its owner could ever read a key, as far as its mode tells: git, for one, keeps no 0600."""
    if os.name != "posix":
        return True
    try:
        return not stat.S_IMODE(key.stat().st_mode) & 0o077
    except OSError:
        return False


def local_name() -> list[str]:
    """The machine's own name, where the authority may vouch for it."""
    name = socket.gethostname().lower().rstrip(".")
    return [name] if name.isascii() and is_private(name) else []


def require_private(name: str) -> None:
    """Raise WrongUsage for a host that the authority cannot vouch for."""
    if not is_private(name):
        raise WrongUsage(
            f"whcli's own certificate is for this machine and private networks, not for {name}",
            code="public_name",
            next="whcli listen --tls --cert FILE --key FILE        takes a certificate of your own",
        )


def is_private(name: str) -> bool:
    """Whether a name or address is within the authority's constraints."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return any(name == each or name.endswith("." + each) for each in PRIVATE_NAMES)
    return any(address in ipaddress.ip_network(each) for each in PRIVATE_NETWORKS)
