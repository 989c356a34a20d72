"""`curl` command lines: our own, those of documentation, and what browsers' "Copy as cURL (bash)" makes.

The options and what they do to a request are those of curl's man page (curl.se/docs/manpage.html, read 2026-11-26).
A command is read, never run. What only curl itself adds (`User-Agent`, `Accept`) is no part of the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from ...words.errors import WrongUsage
from ...words.event import Event, first
from ...words.fixture import Fixture
from ..curl import curl_command
from ..outgoing import replay_of
from ..text import clip, safe
from .foreign import Read, foreign_event, host_of
from .records import WRONG, unreadable
from .words import NotReadable, commands, encoded, printf

ReadFile = Callable[[str], bytes]
"""Reads a file that a command names with `@`; raises WrongUsage where that is not allowed."""


def curl_text(fixture: Fixture) -> str:
    """A shell script that sends the request to where it came, or to localhost."""
    return f"#!/bin/sh\n{curl_of(fixture.event)}\n"


def curl_of(event: Event, to: str | None = None) -> str:
    """The shell command that sends the event's bytes; to the host it was sent to unless `to` says otherwise."""
    host = (first(event.headers, b"host") or b"localhost").decode("latin-1")
    try:
        return curl_command(replay_of(event, to or f"http://{host}"))
    except WrongUsage as error:
        if to or error.code != "bad_target":
            raise
        return curl_command(replay_of(event, "http://localhost"))


# -- reading --------------------------------------------------------------------------------------------------------

_IGNORED = """
    -s -S -i -k -L -v -q -f -g -N -# -O -J -R --silent --show-error --include --insecure --location --verbose
    --disable --fail --globoff --no-buffer --progress-bar --http1.1 --http1.0 --http2 --path-as-is
    --compressed --fail-with-body --no-progress-meter --ipv4 --ipv6 -4 -6 --http2-prior-knowledge
    --tcp-nodelay --raw -0 -1 --tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 --ssl-no-revoke --remote-name
    --remote-header-name --remote-time --create-dirs --no-keepalive --fail-early --post301 --post302 --post303
    --location-trusted --retry-all-errors --retry-connrefused --basic --http3 --styled-output --no-styled-output
"""
_IGNORED_WITH_VALUE = """
    -o --output -m --max-time --connect-timeout --noproxy -x --proxy -w --write-out --cacert --capath -E
    --cert --key --retry --retry-delay --resolve --interface --ciphers --tls-max -c --cookie-jar -D
    --dump-header --max-redirs --proxy-user -U --limit-rate --stderr --trace --trace-ascii
"""
IGNORED = frozenset(_IGNORED.split())
IGNORED_WITH_VALUE = frozenset(_IGNORED_WITH_VALUE.split())
"""Options that change nothing of the request that we keep, without and with a value."""
SHORT = {
    "-X": "--request",
    "-H": "--header",
    "-d": "--data",
    "-A": "--user-agent",
    "-b": "--cookie",
    "-e": "--referer",
    "-u": "--user",
    "-F": "--form",
    "-T": "--upload-file",
    "-I": "--head",
    "-G": "--get",
}
UNREADABLE = {"--form": "a form's boundary is made by chance", "--upload-file": "it sends a file's contents"}
FLAGS = ("--get", "--head")
HEADERS = {"--user-agent": "User-Agent", "--referer": "Referer", "--cookie": "Cookie"}


@dataclass(slots=True)
class _Asked:
    """A request as its options build it up."""

    piped: bytes | None
    read_file: ReadFile
    method: str | None = None
    url: str | None = None
    target: str | None = None
    query: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)  # headers of curl's own that go, in lower case
    data: list[bytes] = field(default_factory=list)
    get: bool = False
    head: bool = False
    json: bool = False
    globs: bool = True  # `{a,b}` and `[1-9]` in the URL stand for several


def is_curl(text: str) -> bool:
    """Whether a text begins with a curl command, or with a printf into one."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and lines[0].removeprefix("$ ").startswith(("curl ", "curl\t", "curl\\", "printf '"))


def from_curl(text: str, read_file: ReadFile, now: float) -> Iterator[Read]:
    """The request of every curl command in a text; `now` (unix seconds UTC) is their time.

    Raises WrongUsage for what cannot be read without running it, saying what that is.
    """
    try:
        found = [*_requests(text.removeprefix("$ "), read_file)]
    except NotReadable as error:
        raise _unreadable(str(error)) from None
    if not found:
        raise _unreadable("there is no curl command in it")
    for asked in found:
        try:
            yield Read(Fixture(event=_event(asked, text, now)))
        except WRONG as error:
            raise _unreadable(f"the request cannot be: {clip(safe(str(error)), 100)}") from None


def _unreadable(why: str) -> WrongUsage:
    error = unreadable(why)
    error.next = "copy it as cURL (bash), with the data in the command"
    return error


def _requests(text: str, read_file: ReadFile) -> Iterator[_Asked]:
    piped: bytes | None = None
    for words in commands(text):
        if words[0] == "printf" and len(words) == 2:
            piped = encoded(printf(words[1]))
        elif words[0] == "curl":
            yield from _parsed(words[1:], piped, read_file)
            piped = None
        elif words not in (["|"], [";"], ["&&"]):
            raise NotReadable(f"'{clip(words[0], 40)}' is not curl")


def _parsed(words: list[str], piped: bytes | None, read_file: ReadFile) -> Iterator[_Asked]:
    asked = _Asked(piped=piped, read_file=read_file)
    rest = iter(words)
    for word in rest:
        if word == "--next":
            yield asked
            asked = _Asked(piped=piped, read_file=read_file)
            continue
        if not word.startswith("-") or word == "-":
            asked.url = word if asked.url is None else _second(word)
            continue
        for name, value in _options(word):
            _option(asked, name, value, rest)
    yield asked


def _option(asked: _Asked, name: str, value: str | None, rest: Iterator[str]) -> None:
    """One option, its value glued on or the next word."""
    if name in ("-g", "--globoff"):
        asked.globs = False
    if name in IGNORED:
        return
    if name in UNREADABLE:
        raise NotReadable(f"{name} cannot be read: {UNREADABLE[name]}")
    if name not in IGNORED_WITH_VALUE and name not in (*FLAGS, *TAKES):
        raise NotReadable(f"the option {clip(name, 40)} is not known here")
    if name not in FLAGS:
        value = next(rest, None) if value is None else value
        if value is None:
            raise NotReadable(f"{name} lacks its value")
    if name not in IGNORED_WITH_VALUE:
        _take(asked, name, value or "")


def _second(word: str) -> str:
    raise NotReadable(f"it has a second URL, '{clip(word, 60)}'")


def _options(word: str) -> Iterator[tuple[str, str | None]]:
    """The options of a word by their long names, the last with its value where it is glued on: `-XPOST`, `-sSd{}`."""
    if word.startswith("--"):
        yield word, None
        return
    for place, letter in enumerate(word[1:], start=2):
        name = SHORT.get(f"-{letter}", f"-{letter}")
        if name not in IGNORED and name not in FLAGS:
            yield name, word[place:] or None
            return
        yield name, None


def _take(asked: _Asked, name: str, value: str) -> None:
    TAKES[name](asked, value) if name in TAKES else setattr(asked, name[2:], True)


def _header(asked: _Asked, line: str) -> None:
    """`Name: value` is sent, `Name;` goes out empty, `Name:` stops curl's own."""
    if line.startswith("@"):
        raise NotReadable("headers from a file are not read")
    name, colon, value = line.partition(":")
    if colon and value.strip():
        asked.headers.append((name, value.strip(" \t")))
    elif colon:
        asked.stopped.add(name.strip().lower())
    elif line.endswith(";"):
        asked.headers.append((line[:-1], ""))


def _data(asked: _Asked, value: str, *, strip: bool = False) -> None:
    if not value.startswith("@"):
        asked.data.append(encoded(value))
        return
    if value == "@-" and asked.piped is not None:
        data = asked.piped
    else:
        data = asked.read_file(value[1:])
    asked.data.append(data.translate(None, b"\r\n\x00") if strip else data)


def _urlencoded(value: str) -> str:
    """`content`, `=content`, `name=content`: the content percent-encoded."""
    name, equals, content = value.partition("=")
    if not equals:
        if "@" in value:
            raise NotReadable("--data-urlencode with a file is not read")
        return quote_plus(encoded(value))
    return (f"{name}=" if name else "") + quote_plus(encoded(content))


def _user(asked: _Asked, value: str) -> None:
    import base64

    asked.headers.append(("Authorization", f"Basic {base64.b64encode(encoded(value)).decode()}"))


def _as_json(asked: _Asked, value: str) -> None:
    asked.json = True
    _data(asked, value)


def _cookie(asked: _Asked, value: str) -> None:
    if "=" not in value:
        raise NotReadable("cookies from a file are not read")
    asked.headers.append(("Cookie", value))


def _query(asked: _Asked, value: str) -> None:
    asked.query.append(value[1:] if value.startswith("+") else _urlencoded(value))


TAKES: dict[str, Callable[[_Asked, str], None]] = {
    "--request": lambda asked, value: setattr(asked, "method", value),
    "--url": lambda asked, value: setattr(asked, "url", value if asked.url is None else _second(value)),
    "--request-target": lambda asked, value: setattr(asked, "target", value),
    "--url-query": _query,
    "--header": _header,
    "--data": lambda asked, value: _data(asked, value, strip=True),
    "--data-ascii": lambda asked, value: _data(asked, value, strip=True),
    "--data-binary": _data,
    "--data-raw": lambda asked, value: asked.data.append(encoded(value)),
    "--data-urlencode": lambda asked, value: asked.data.append(_urlencoded(value).encode()),
    "--json": _as_json,
    "--user-agent": lambda asked, value: asked.headers.append(("User-Agent", value)),
    "--referer": lambda asked, value: asked.headers.append(("Referer", value)),
    "--cookie": _cookie,
    "--user": _user,
    "--oauth2-bearer": lambda asked, value: asked.headers.append(("Authorization", f"Bearer {value}")),
}
"""Options with a value, and what each does to the request."""


def _event(asked: _Asked, text: str, now: float) -> Event:
    if asked.url is None:
        raise ValueError("it names no URL")
    url = _one_url(asked.url) if asked.globs else asked.url
    url = url if "://" in url else f"http://{url}"
    body = (b"" if asked.json else b"&").join(asked.data)
    query = [*asked.query, *([body.decode("utf-8", "surrogateescape")] if asked.get and body else [])]
    body = b"" if asked.get else body
    if query:
        base, mark, fragment = url.partition("#")
        url = base + ("&" if "?" in base else "?") + "&".join(query) + mark + fragment
    default = "GET" if asked.get or not asked.data else "POST"
    return foreign_event(
        source=text.encode("utf-8", "surrogateescape"),
        method=asked.method or ("HEAD" if asked.head else default),
        url=url,
        target=None if asked.target is None else _bytes(asked.target),
        headers=[(_bytes(name), _bytes(value)) for name, value in _headers(asked, url, body)],
        body=body,
        at=None,
        now=now,
    )


def _one_url(url: str) -> str:
    """A URL without the escapes of braces and brackets, which browsers write; raises ValueError where it is several."""
    if re.search(r"(?<!\\)(?:\{[^}]*\}|\[[A-Za-z0-9]+-[A-Za-z0-9:]+\])", url):
        raise ValueError("its URL stands for several, and -g takes braces as they are")
    return re.sub(r"\\([][{}])", r"\1", url)


def _bytes(word: str) -> str:
    """A word's bytes as Latin-1."""
    return encoded(word).decode("latin-1")


def _headers(asked: _Asked, url: str, body: bytes) -> list[tuple[str, str]]:
    """Host first and Content-Length last, as curl sends them, with the given ones between."""
    named = {name.lower() for name, _ in asked.headers}
    given = list(asked.headers)
    if "host" not in named | asked.stopped:
        given.insert(0, ("Host", host_of(url)))
    elif "host" in named and "host" not in asked.stopped:  # curl puts it in its own Host's place
        given.sort(key=lambda pair: pair[0].lower() != "host")
    kind = "application/json" if asked.json else "application/x-www-form-urlencoded"
    if body and "content-type" not in named | asked.stopped:
        given.append(("Content-Type", kind))
    if asked.json and "accept" not in named | asked.stopped:
        given.append(("Accept", "application/json"))
    if body and "content-length" not in named | asked.stopped:
        given.append(("Content-Length", str(len(body))))
    return given
