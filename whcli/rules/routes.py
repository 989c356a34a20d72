"""Several providers in one listener: which path belongs to which scheme, secret and handler."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ..words.event import Headers, first
from ..words.record import record
from ..words.secret import Secret


@record
class Route:
    """What holds for the requests whose path matches."""

    path: str = "*"  # a glob: `*` matches anything
    scheme: str | None = None  # fixed by the user; None: recognised from the headers
    secrets: tuple[Secret, ...] = ()
    forward: str | None = None  # the handler's URL
    public_url: str | None = None  # what a URL-signing provider was told


NO_ROUTE = Route()


@lru_cache(maxsize=256)
def glob(pattern: str) -> re.Pattern[str]:
    """A glob as a pattern: `*` matches anything, everything else is itself; case counts.

    Each part between two stars is looked for once, where it comes first (an atomic group), so that a sender's path of
    64 KiB cannot keep `/*a*a*a*b` busy: the time grows with the length, not with a power of it.
    """
    first, *rest = map(re.escape, pattern.split("*"))
    if not rest:
        return re.compile(first + r"\Z")
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return re.compile(f"{first}{middle}.*{rest[-1]}\\Z", re.DOTALL)


def route_of(routes: Sequence[Route], path: str) -> Route:
    """The first route whose path matches, else the empty one."""
    return next((route for route in routes if glob(route.path).match(path)), NO_ROUTE)


def signed_url(public_url: str | None, target: bytes, headers: Headers) -> str:
    """The URL that a URL-signing provider signed: kept verbatim, never normalised.

    A public URL without a path gets the captured target; one with a path stands for itself, with the captured query
    unless it has one. Without a public URL the request's own Host and the proxy's forwarding headers must do.
    """
    path = target.decode("utf-8", "surrogateescape")
    if public_url is None:
        host = first(headers, b"x-forwarded-host") or first(headers, b"host") or b"localhost"
        proto = first(headers, b"x-forwarded-proto") or b"http"
        return f"{proto.decode('latin-1')}://{host.decode('latin-1')}{path}"
    if "/" not in public_url.partition("://")[2]:
        return public_url + path
    query = path.partition("?")[2]
    return f"{public_url}?{query}" if query and "?" not in public_url else public_url
