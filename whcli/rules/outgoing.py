"""From a stored event and a target to the request that is sent; every difference from the capture is put into words.

Facts:
- Hop-by-hop fields belong to one connection and are not passed on, nor is what `Connection` names (RFC 9110 section
  7.6.1). `Expect` would make the receiver answer `100 Continue` first; `Upgrade` and `HTTP2-Settings` would change
  protocol.
- A body is framed by `Transfer-Encoding` or by `Content-Length`; a message with both is how requests are smuggled
  (RFC 9112 section 6.1). What goes out has at most one `Content-Length` and never `Transfer-Encoding`.
- CR, LF and NUL inside a field would begin another field or end it (RFC 9110 section 5.5): such a request is refused.
- White space around a field value is no part of it (RFC 9110 section 5.5); we send `Name: value`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ..words.errors import WrongUsage
from ..words.event import Event, Headers, Outgoing, every
from ..words.head import TOKEN
from .credentials import is_credential
from .target import aim, parse_target
from .text import words

_FRAMING = (b"content-length", b"transfer-encoding")
_AS_LONG = frozenset(map(len, _FRAMING))  # what is not need not be put in lower case
# Transfer-Encoding is hop-by-hop too, but it leaves its place to Content-Length: see `with_length`.
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"http2-settings", b"expect"})


def goes_no_further(name: bytes) -> bool:
    """True for a header that is for one connection alone, and so never sent; `name` in lower case."""
    return name in _HOP_BY_HOP or name.startswith(b"proxy-")


def replay_of(event: Event, to: str, *, exact: bool = False, drop: Collection[str] = ()) -> Outgoing:
    """The stored event as a request to the target `to` (see `aim`); `changes` names every difference in words.

    `Host` and `Content-Length` are made anew where they stood, hop-by-hop headers and those named in `drop` (any case)
    are left out; order, case, repeats and bytes of the others stay. Raises WrongUsage when the target is no URL, or
    when the event cannot be sent without breaking HTTP (line breaks inside a header, as an edited fixture can hold).
    """
    url, target = aim(to, event.target, exact=exact)
    authority = _authority(to)
    found = _sorted_out(event.headers, authority)
    outgoing = Outgoing(
        method=event.method,
        url=url,
        target=target,
        headers=_framed(found.kept, found.names, event.body),
        body=event.body,
        changes=tuple(_changes(event, target, authority, found)),
    )
    if not event.head:  # off the wire it can hold nothing of the kind; whoever sends looks at every request once more
        require_sendable(outgoing)
    return without_headers(outgoing, drop, "as asked") if drop else outgoing


@lru_cache(maxsize=256)
def _authority(to: str) -> bytes:
    return parse_target(to).authority.encode()


def with_length(headers: Headers, body: bytes) -> Headers:
    """The headers with the one `Content-Length` that fits the body, and without `Transfer-Encoding`.

    It stands where the old one stood, else where `Transfer-Encoding` stood, else last; without any of them and without
    a body there is none.
    """
    return _framed(headers, [name.lower() for name, _ in headers], body)


def _framed(headers: Sequence[tuple[bytes, bytes]], names: list[bytes], body: bytes) -> Headers:
    """As `with_length`; `names` are the headers' in lower case."""
    old = b"content-length" if b"content-length" in names else b"transfer-encoding"
    place = names.index(old) if old in names else len(names)
    spelling = headers[place][0] if old == b"content-length" else b"Content-Length"
    kept = [pair for pair, name in zip(headers, names, strict=True) if name not in _FRAMING]
    if place < len(names) or body:
        kept.insert(place - names[:place].count(b"transfer-encoding"), (spelling, b"%d" % len(body)))
    return tuple(kept)


def with_body(outgoing: Outgoing, body: bytes, change: str) -> Outgoing:
    """The request with another body, `Content-Length` made to fit; `change` says in words what was done to it."""
    headers = with_length(outgoing.headers, body)
    return replace(outgoing, headers=headers, body=body, changes=(*outgoing.changes, change))


def without_headers(outgoing: Outgoing, names: Collection[str], why: str) -> Outgoing:
    """The request without these headers (any case), and one change that names the ones it had."""
    unwanted = {name.lower().encode("utf-8", "surrogateescape") for name in names} - {b"host", b"content-length"}
    gone = [name for name, _ in outgoing.headers if name.lower() in unwanted]
    if not gone:
        return outgoing
    headers = tuple(pair for pair in outgoing.headers if pair[0].lower() not in unwanted)
    return replace(outgoing, headers=headers, changes=(*outgoing.changes, f"left out, {why}: {_names(gone)}"))


def without_credentials(outgoing: Outgoing) -> Outgoing:
    """The request without its credentials, and one change that names them."""
    names = {name.decode("utf-8", "surrogateescape") for name, _ in outgoing.headers if is_credential(name)}
    return without_headers(outgoing, names, "the target is not this machine (--send-credentials sends them)")


def require_sendable(outgoing: Outgoing) -> None:
    """Raise WrongUsage when the request would not arrive as the one request it says it is.

    For bytes from fixtures and flags: line breaks in a field, a space in the target, two kinds of framing.
    """
    why = _fault(outgoing)
    if why is not None:
        message = f"the request cannot be sent: {why}; nothing was sent"
        raise WrongUsage(message, next="correct the event or the flag it comes from", code="not_sendable")


_METHOD = re.compile(TOKEN)
_TARGET = re.compile(rb"[^\x00-\x20\x7f]+")
_NAME = re.compile(rb"[^\x00-\x20\x7f:]+")
_NAMES = re.compile(rb"(?:[^\x00-\x20\x7f:]+\n)*")
_BREAK = re.compile(rb"[\x00\r\n]")


def _fault(outgoing: Outgoing) -> str | None:
    """Why it cannot be sent. Every request passes here, so the usual one costs little: nothing is put into words."""
    if not _METHOD.fullmatch(outgoing.method):
        return f"its method {_quoted(outgoing.method)} is no HTTP method"
    if not _TARGET.fullmatch(outgoing.target):
        return f"its target {_quoted(outgoing.target)} holds a space or a control"
    joined = b"".join([name + b"\n" for name, _ in outgoing.headers])
    if not _NAMES.fullmatch(joined) or joined.count(b"\n") != len(outgoing.headers):
        return f"a header is called {_quoted(next(name for name, _ in outgoing.headers if not _NAME.fullmatch(name)))}"
    if _BREAK.search(b"".join([value for _, value in outgoing.headers])):
        names = [name for name, value in outgoing.headers if _BREAK.search(value)]
        return f"the value of {_names(names[:1])} holds a line break or a NUL"
    framing = [(name.lower(), value) for name, value in outgoing.headers if len(name) in _AS_LONG]
    if any(name == b"transfer-encoding" for name, _ in framing):
        return "it has a Transfer-Encoding, but its body is not chunked"
    lengths = [value for name, value in framing if name == b"content-length"]
    if (lengths or outgoing.body) and lengths != [b"%d" % len(outgoing.body)]:
        return f"its Content-Length does not fit its body of {len(outgoing.body)} bytes"
    return None


class _Sorted(NamedTuple):
    """A capture's headers by what becomes of them on another connection."""

    kept: list[tuple[bytes, bytes]]  # with the new `Host`; framed as they came
    names: list[bytes]  # theirs, in lower case
    old: dict[bytes, list[bytes]]  # what is made anew: the captured values by name
    gone: list[bytes]  # names of those that go no further than one connection


def _sorted_out(headers: Headers, authority: bytes) -> _Sorted:
    """Look at every header once: a replay of many events spends its time here."""
    named = {token.strip(b" \t").lower() for value in every(headers, b"connection") for token in value.split(b",")}
    own = _HOP_BY_HOP | named if named else _HOP_BY_HOP
    found = _Sorted([], [], {b"host": [], b"content-length": [], b"transfer-encoding": []}, [])
    kept, names, old, gone = found
    for name, value in headers:
        lowered = name.lower()
        if lowered in old:
            old[lowered].append(value)
            value = authority if lowered == b"host" else value
        elif lowered in own or lowered.startswith(b"proxy-"):
            gone.append(name)
            continue
        kept.append((name, value.strip(b" \t")))
        names.append(lowered)
    if not old[b"host"]:
        kept.insert(0, (b"Host", authority))
        names.insert(0, b"host")
    return found


# --------------------------------------------------------------------------------------------------- changes in words


def _changes(event: Event, target: bytes, authority: bytes, found: _Sorted) -> list[str]:
    gone, unsaid = found.gone, {*found.gone}
    spaced = [name for name in _oddly_spaced(event) if name not in unsaid and name.lower() != b"transfer-encoding"]
    return [
        *_changed("target", event.target, target),
        *([f"HTTP/{event.version} → HTTP/1.1"] if event.version != "1.1" else []),
        *_host_changes(found.old[b"host"], authority),
        *([f"left out, only for the old connection: {_names(gone)}"] if gone else []),
        *_length_changes(event.body, found.old[b"transfer-encoding"], found.old[b"content-length"]),
        *([f"trailers left out: {_names([name for name, _ in event.trailers])}"] if event.trailers else []),
        *([f"one space before the value and none after: {_names(spaced)}"] if spaced else []),
    ]


def _changed(what: str, old: bytes, new: bytes) -> list[str]:
    return [] if old == new else [_from_to(what, old, new)]


@lru_cache(maxsize=32)
def _from_to(what: str, old: bytes, new: bytes) -> str:
    return f"{what} {words(old)} → {words(new)}"


def _host_changes(old: list[bytes], authority: bytes) -> list[str]:
    if not old:
        return [f"Host: {words(authority)} added"]
    changed = [_from_to("Host", value, authority) for value in old if value != authority]
    return (
        [*changed, f"{len(old)} Host lines, as captured; servers must refuse that (RFC 9112 section 3.2)"]
        if len(old) > 1
        else changed
    )


def _length_changes(body: bytes, codings: list[bytes], old: list[bytes]) -> list[str]:
    length = b"%d" % len(body)
    if codings:
        before = [f"Transfer-Encoding: {words(value)}" for value in codings]
        before += [f"Content-Length: {words(value)}" for value in old]
        return [f"{', '.join(before)} → Content-Length: {words(length)}"]
    if old:
        return _changed("Content-Length", b", ".join(old), length)
    return [f"Content-Length: {words(length)} added"] if body else []


def _oddly_spaced(event: Event) -> list[bytes]:
    """Names from the raw head whose line is not `Name: value`; an imported event without a head: from its values."""
    if not event.head:
        return [name for name, value in event.headers if value != value.strip(b" \t")]
    usual = b"".join([b"%b: %b\r\n" % pair for pair in event.headers])
    if event.head.partition(b"\r\n")[2] == usual + b"\r\n":  # almost every head, at a fraction of the cost
        return []
    lines = [line.partition(b":") for line in event.head.split(b"\r\n")[1:] if line]
    return [name for name, _, rest in lines if rest != b" " + rest.strip(b" \t")]


def _names(names: list[bytes]) -> str:
    return ", ".join(words(name) for name in names)


def _quoted(data: bytes = b"") -> str:
    return f"'{words(data)}'"
