"""Which route a path belongs to, and the URL that a provider signed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.routes import NO_ROUTE, Route, glob, route_of, signed_url
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


def matches(pattern: str, text: str) -> bool:
    """What a glob means, by its definition."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches(pattern[1:], text) or (bool(text) and matches(pattern, text[1:]))
    return bool(text) and text[0] == pattern[0] and matches(pattern[1:], text[1:])


@given(st.text("ab*.[\n\\", max_size=7), st.text("ab*.[\n\\", max_size=9))
def test_a_glob_matches_what_it_means(pattern: str, text: str) -> None:
    assert (glob(pattern).match(text) is not None) == matches(pattern, text)


EVIL = [
    *("*" + "a*" * count + "b" for count in range(1, 11)),
    *("/*" + "aa*" * count + "aab" for count in range(1, 6)),
    *("a" * count + "*" * count + "a" * count + "b" for count in (5, 50, 500)),
    *("*" * 1000 + "b", "*a" * 500),
]


@pytest.mark.parametrize("pattern", EVIL, ids=lambda pattern: pattern[:20])
def test_no_path_of_a_sender_keeps_a_glob_busy(pattern: str) -> None:
    """Twenty globs over 50 kB each; with backtracking the third takes longer than the universe has."""
    began = time.process_time()
    for text in ("a" * 50_000, "/" + "ab" * 25_000 + "c", "/" + "aa" * 25_000 + "ab" * 3):
        glob(pattern).match(text)
    assert time.process_time() - began < 1
