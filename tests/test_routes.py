"""Which route a path belongs to, and the URL that a provider signed."""

from __future__ import annotations

import pytest

from whcli.rules.routes import NO_ROUTE, Route, route_of, signed_url
from whcli.words.event import Headers

ROUTES = (Route(path="/stripe/*", scheme="stripe"), Route(path="/s*", scheme="slack"), Route(path="/exact"))

PATHS = {
    "/stripe/x": "stripe",
    "/stripe/": "stripe",
    "/stripe": "slack",
    "/slack": "slack",
    "/exact": None,
    "/Stripe/x": None,
    "/other": None,
}


@pytest.mark.parametrize(("path", "scheme"), PATHS.items(), ids=PATHS.keys())
def test_the_first_route_that_matches_holds(path: str, scheme: str | None) -> None:
    assert route_of(ROUTES, path).scheme == scheme


def test_where_none_matches_the_route_is_empty() -> None:
    assert route_of(ROUTES, "/other") is NO_ROUTE
    assert route_of((), "/") == Route()


HOST = ((b"Host", b"localhost:8765"),)
PROXIED = (*HOST, (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Host", b"abc.example.dev"))

SIGNED: dict[str, tuple[str | None, bytes, Headers, str]] = {
    "the request's own host": (None, b"/a?b=1", HOST, "http://localhost:8765/a?b=1"),
    "what the proxy says of itself": (None, b"/a", PROXIED, "https://abc.example.dev/a"),
    "no host at all": (None, b"/a", (), "http://localhost/a"),
    "a public URL without a path takes the captured target": (
        "https://x.dev",
        b"/a//b?c=%20",
        HOST,
        "https://x.dev/a//b?c=%20",
    ),
    "a public URL with a path takes only the query": ("https://x.dev/in", b"/a?b=1", HOST, "https://x.dev/in?b=1"),
    "a public URL with a query stands for itself": ("https://x.dev/in?k=1", b"/a?b=1", HOST, "https://x.dev/in?k=1"),
    "a slash is a path": ("https://x.dev/", b"/a?b=1", HOST, "https://x.dev/?b=1"),
    "nothing is normalised": ("https://X.dev:443/In/../", b"/a", HOST, "https://X.dev:443/In/../"),
    "bytes beyond UTF-8 can be had back": (None, b"/\xff", HOST, "http://localhost:8765/\udcff"),
}


@pytest.mark.parametrize(("public", "target", "headers", "url"), SIGNED.values(), ids=SIGNED.keys())
def test_the_url_that_was_signed(public: str | None, target: bytes, headers: Headers, url: str) -> None:
    assert signed_url(public, target, headers) == url
