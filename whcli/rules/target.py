"""Where a request goes: target URLs, and which of a captured request's own path and query stays."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ..words.errors import WrongUsage
from .text import words

_URL = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]@]+))(?::([0-9]{1,5}))?")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_BARE_PORT = re.compile(r":?([0-9]{1,5})")
_NOT_IN_A_URL = re.compile("[\x00-\x20\x7f\ud800-\udc7f\udd00-\udfff]")  # \udc80-\udcff: odd bytes of the command line
_VISIBLE = re.compile(rb"[!-~]*")
_PORTS = {"http": 80, "https": 443}


class TargetUrl(NamedTuple):
    """A target URL in its parts, all ASCII; the fragment is gone, since it is never sent (RFC 9110 section 4.2.5)."""

    scheme: str  # "http" or "https"
    host: str  # lower case; IPv6 without brackets
    port: int
    path: str  # "" when the URL has none
    query: str | None  # None when the URL has no "?"

    @property
    def authority(self) -> str:
        """Host and, when it is not the scheme's own, port: what the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`http://localhost:3000`: what `[targets]` entries are compared by."""
        return f"{self.scheme}://{self.authority}"


@lru_cache(maxsize=256)
def origin_of(text: str) -> str:
    """The origin of a target as typed; raises WrongUsage as `parse_target`."""
    return parse_target(text).origin


@lru_cache(maxsize=256)
def parse_target(text: str) -> TargetUrl:
    """Read a target as typed: a URL, or short for one on plain HTTP: `localhost:3000/x`, `:3000`, `3000`.

    Raises WrongUsage for anything that is no http or https URL, or holds a user name or a password.
    """
    text = text.strip()
    found = _URL.fullmatch(text)
    if not text or found is None or _NOT_IN_A_URL.search(text):
        raise _wrong_target(text, "it is empty or holds white space or control characters", "write a space as %20")
    scheme, authority, path, query = found.groups()
    if scheme is None:
        authority = _BARE_PORT.sub(r"localhost:\1", authority) if _BARE_PORT.fullmatch(authority) else authority
    scheme = (scheme or "http").lower()
    if scheme not in _PORTS:
        raise _wrong_target(
            text, f"whcli speaks http and https, not {scheme}", "write it as http://localhost:3000/webhooks"
        )
    if "@" in authority:
        rest = authority.rpartition("@")[2]
        why = "it holds a user name or a password, which other processes and the shell history can read"
        raise WrongUsage(f"the target is not usable: {why}", next=f"write it as {scheme}://{rest}", code="bad_target")
    host, port = _split_authority(text, authority, _PORTS[scheme])
    return TargetUrl(scheme, host, port, _ascii(path), None if query is None else _ascii(query))


@lru_cache(maxsize=32)  # a captured target can be 64 KiB long
def aim(to: str, captured: bytes, *, exact: bool = False) -> tuple[str, bytes]:
    """Where a request with the request target `captured` goes when it is sent to the URL `to`: URL and request target.

    A URL without a path takes the captured path and query; with a path its own, and the captured query unless it has
    one; `exact` takes it as it stands. Captured bytes are not touched; of an absolute-form target the path is used.
    The URL is for people and for connecting; the target is what the request line says.
    """
    url = parse_target(to)
    path, mark, query = _origin_form(captured).partition(b"?")
    query = mark + query
    if exact:
        path, query = b"/", b""
    path = url.path.encode() or path
    query = query if url.query is None else b"?" + url.query.encode()
    target = path + query
    return url.origin + (_ascii(target) if target.startswith(b"/") else ""), target


def is_loopback(address: str) -> bool:
    """True when an IP address, as a resolver gives it, cannot leave this machine.

    `::ffff:127.0.0.1` counts; `0.0.0.0` does not, it means any interface. A name is no address: resolve it first.
    """
    import ipaddress

    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(ip, "ipv4_mapped", None)
    return (inner or ip).is_loopback


def _origin_form(target: bytes) -> bytes:
    """Path and query of a captured target: absolute-form loses scheme and authority, any other form stays."""
    found = re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", target)
    if found is None:
        return target
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _split_authority(text: str, authority: str, default_port: int) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise _wrong_target(text, "it names no host, or no valid port", "write it as http://localhost:3000/webhooks")
    address, name, digits = found.groups()
    host = _ipv6(text, address) if address else _host_name(text, name)
    port = default_port if digits is None else int(digits)
    if not 0 < port < 65536:
        raise _wrong_target(text, f"{port} is no port", "use a port from 1 to 65535")
    return host, port


def _ipv6(text: str, address: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.IPv6Address(address))
    except ValueError:
        raise _wrong_target(text, "the address in brackets is not IPv6", "--to 'http://[::1]:3000'") from None


def _host_name(text: str, name: str) -> str:
    try:
        host = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        host = ""
    if len(host) > 253 or not _HOST.fullmatch(host):
        given = words(name.encode("utf-8", "surrogateescape"))
        raise _wrong_target(text, f"'{given}' is no host name", "check its spelling")
    return host.lower()


def _ascii(text: str | bytes) -> str:
    """Visible ASCII as it is, every other byte (of UTF-8) percent-encoded (RFC 3987 section 3.1)."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    if _VISIBLE.fullmatch(data):
        return data.decode("ascii")
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in data)


def _wrong_target(text: str, why: str, next: str) -> WrongUsage:
    shown = words(text.encode("utf-8", "backslashreplace"))
    return WrongUsage(f"the target '{shown}' is not usable: {why}", next=next, code="bad_target")
