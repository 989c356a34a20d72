"""Other spellings of a URL: what a proxy, a framework or a settings page makes of it.

Providers that sign the URL sign it as it was registered, character for character. The application behind a proxy sees
another scheme, host or port. Headers that carry the original: RFC 7239 (Forwarded), and by habit X-Forwarded-*,
X-Original-* and X-Rewrite-URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

from ...words.event import Headers, first

URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
MOST_CHANGES = 3


class Part(NamedTuple):
    """One part of the URL written otherwise; no code and no words for the part as it is."""

    code: str
    words: str
    text: str


class Url(NamedTuple):
    code: str
    words: str  # completes "the URL …"
    url: str


def respelled(url: str, headers: Headers) -> Iterator[Url]:
    """Other URLs for the same request, those with the fewest changes first."""
    match = URL.fullmatch(url)
    if match is None:
        return
    scheme, authority, path, query, fragment = (part or "" for part in match.groups())
    parts = (
        [Part("", "", scheme), *_schemes(scheme)],
        [Part("", "", authority), *_authorities(authority, headers)],
        [Part("", "", path), *_paths(path, headers)],
        [Part("", "", query), *_queries(query, headers)],
        [Part("", "", fragment), *([Part("url_changed", "without fragment", "")] if fragment else [])],
    )
    made: list[tuple[int, Url]] = []
    for chosen in product(*parts):
        changes = [part for part in chosen if part.code]
        if 0 < len(changes) <= MOST_CHANGES:
            made.append((len(changes), _url(chosen, changes)))
    yield from (spelled for _, spelled in sorted(made, key=lambda pair: pair[0]))


def _url(chosen: tuple[Part, ...], changes: list[Part]) -> Url:
    scheme, authority, path, query, fragment = (part.text for part in chosen)
    codes = {part.code for part in changes}
    behind_proxy = codes <= {"url_scheme", "url_port", "url_host"}
    code = changes[0].code if len(codes) == 1 else "url_behind_proxy" if behind_proxy else "url_changed"
    return Url(code, " and ".join(part.words for part in changes), f"{scheme}://{authority}{path}{query}{fragment}")


def _schemes(scheme: str) -> Iterator[Part]:
    other = {"http": "https", "https": "http"}.get(scheme.lower())
    if other:
        yield Part("url_scheme", f"with {other}", other)


def _authorities(authority: str, headers: Headers) -> Iterator[Part]:
    user, at, place = authority.rpartition("@")
    host, port = _split(place)
    if at:
        yield Part("url_credentials", "without user and password", place)
    if port:
        yield Part("url_port", "without port", user + at + host)
    else:
        for default in (*_forwarded_ports(headers), "443", "80"):
            yield Part("url_port", f"with port {default}", f"{user}{at}{host}:{default}")
    if host != host.lower():
        yield Part("url_host", "with its host in lower case", user + at + place.lower())
    for name, other in _hosts(headers):
        if other != place:
            yield Part("url_host", f"with the host of the {name} header", user + at + other)
            bare, its_port = _split(other)
            if its_port:
                yield Part("url_host", f"with the host of the {name} header, without port", user + at + bare)
            elif port:
                yield Part("url_host", f"with the host of the {name} header and its port", f"{user}{at}{other}:{port}")


def _split(place: str) -> tuple[str, str]:
    """Host and port; a bracketed IPv6 address keeps its colons."""
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", place)
    return (match[1], match[2] or "") if match else (place, "")


def _forwarded_ports(headers: Headers) -> Iterator[str]:
    value = first(headers, b"x-forwarded-port")
    if value and value.isdigit():
        yield value.decode()


HOST_HEADERS = ("X-Forwarded-Host", "X-Original-Host", "X-Host", "X-Forwarded-Server", "Host")


def _hosts(headers: Headers) -> Iterator[tuple[str, str]]:
    """Hosts that the headers name; of a list the first is the outermost proxy's."""
    for name in HOST_HEADERS:
        value = first(headers, name.encode())
        if value and (host := value.split(b",")[0].strip().decode("latin-1")):
            yield name, host
    forwarded = (first(headers, b"forwarded") or b"").decode("latin-1")
    if match := re.search(r'(?i)\bhost="?([^";,\s]+)', forwarded):
        yield "Forwarded", match[1]


PATH_HEADERS = ("X-Original-URI", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path")


def _paths(path: str, headers: Headers) -> Iterator[Part]:
    yield Part("url_slash", *_slash(path))
    for name in PATH_HEADERS:
        value = (first(headers, name.encode()) or b"").decode("latin-1").partition("?")[0]
        if value.startswith("/"):
            yield Part("url_path", f"with the path of the {name} header", value)
    prefix = (first(headers, b"x-forwarded-prefix") or b"").decode("latin-1").rstrip("/")
    if prefix:
        yield Part("url_path", "with the prefix of the X-Forwarded-Prefix header", prefix + path)
        if path.startswith(prefix):
            yield Part("url_path", "without the prefix of the X-Forwarded-Prefix header", path.removeprefix(prefix))
    for words, other in (
        ("without doubled slashes", re.sub("//+", "/", path)),
        ("in lower case", path.lower()),
        ("with its percent escapes in upper case", _cased(path, str.upper)),
        ("with its percent escapes in lower case", _cased(path, str.lower)),
        ("with its percent escapes decoded", _decoded(path)),
        ("without its path", "/" if path != "/" else path),
    ):
        if other != path:
            yield Part("url_path", words, other)


def _slash(path: str) -> tuple[str, str]:
    if path.endswith("/"):
        return "without the slash at its end", path[:-1]
    return "with a slash at its end", path + "/"


def _cased(text: str, case: Callable[[str], str]) -> str:
    return re.sub("%[0-9a-fA-F]{2}", lambda match: case(match[0]), text)


def _decoded(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text, "latin-1")


def _queries(query: str, headers: Headers) -> Iterator[Part]:
    for name in PATH_HEADERS:
        value = (first(headers, name.encode()) or b"").decode("latin-1")
        if "?" in value:
            yield Part("url_query", f"with the query of the {name} header", value[value.index("?") :])
    if not query:
        yield Part("url_query", "with an empty query", "?")
        return
    fields = query[1:].split("&")
    for words, other in (
        ("without its query", ""),
        ("with its query sorted", "?" + "&".join(sorted(fields))),
        ("with its query in reverse", "?" + "&".join(reversed(fields))),
        ("with %20 for + in its query", query.replace("+", "%20")),
        ("with + for %20 in its query", query.replace("%20", "+")),
        ("with its percent escapes in upper case", _cased(query, str.upper)),
        ("with its percent escapes in lower case", _cased(query, str.lower)),
        ("with its query decoded", _decoded(query)),
    ):
        if other != query:
            yield Part("url_query", words, other)
