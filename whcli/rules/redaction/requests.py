"""A whole request redacted: headers, path, query, body and the sender's address, each in its own way."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ...words.event import Event, Headers, first
from ...words.record import record
from ..body import is_form
from .known import Again
from .names import kind_of_header
from .pseudonyms import is_pseudonym
from .texts import (
    Edit,
    Rules,
    Way,
    applied,
    edits_of,
    form_edits,
    json_edits,
    lines_edits,
    looks_json,
    multipart_edits,
    through,
    xml_edits,
)
from .views import percent_view

FRAMING = (b"content-length", b"transfer-encoding")
"""Headers without which it is no request any more; `--redact 'headers.*'` leaves them too."""
GZIP = b"\x1f\x8b"
INFLATED = 32 << 20  # bytes that a compressed body may grow to
MEMBERS = 1000  # of a gzip body; each costs a copy of what follows it


@record
class Redacted:
    """A request as it may be shown, and what was replaced in it."""

    event: Event
    edits: tuple[Edit, ...]
    unread: bool = False  # the body is compressed in a way that is not looked into

    @property
    def kinds(self) -> Counter[str]:
        """How many values of each kind were replaced."""
        return Counter(edit.kind for edit in self.edits)


def redacted(event: Event, rules: Rules, signing: frozenset[bytes] = frozenset()) -> Redacted:
    """The event with pseudonyms for what looks secret; `signing` are headers that schemes sign in, in lower case.

    What one place says is secret is replaced in all others too: the number that `wa_id` names stands under `from` as
    well. Its raw head goes where a field of it changes, and `Content-Length` follows the body.
    """
    made = _redacted(event, rules, signing)
    again = Again((edit.kind, edit.value) for edit in made.edits)
    return _redacted(event, replace(rules, again=again), signing) if again else made


def _redacted(event: Event, rules: Rules, signing: frozenset[bytes]) -> Redacted:
    made = _Made(rules, signing)
    target = made.target(event.target)
    headers = made.headers(event.headers)
    trailers = made.headers(event.trailers)
    peer = made.peer(event.peer)
    body, unread = made.body(event.headers, event.body)
    headers = _with_length(headers, len(event.body), len(body))
    same = (target, headers) == (event.target, event.headers)
    new = replace(
        event,
        target=target,
        headers=headers,
        trailers=trailers,
        peer=peer,
        body=body,
        head=event.head if same else b"",
    )
    return Redacted(event=new, edits=tuple(made.edits), unread=unread)


class _Made:
    """The parts of one request, redacted one by one."""

    def __init__(self, rules: Rules, signing: frozenset[bytes]) -> None:
        self._rules = rules
        self._signing = signing
        self.edits: list[Edit] = []

    def _applied(self, text: str, edits: Iterable[Edit]) -> str:
        found = list(edits)
        self.edits += found
        return applied(text, found)

    # -- request line, headers, address

    def target(self, target: bytes) -> bytes:
        """Path and query; what is escaped in them stays so."""
        text, codec = readable(target)
        path, mark, query = text.partition("?")
        view = percent_view(path)
        path = self._applied(path, through(view, 0, edits_of(self._rules, view.text, ("path",))))
        return (path + mark + self._applied(query, self._query(query))).encode(codec)

    def _query(self, query: str) -> Iterator[Edit]:
        return form_edits(self._rules, query, ("query",))

    def headers(self, headers: Headers) -> Headers:
        """Values; names stay."""
        return tuple((name, self._value(name, value)) for name, value in headers)

    def _value(self, name: bytes, value: bytes) -> bytes:
        if name.lower() in FRAMING:
            return value
        text, codec = readable(value)
        way: Way = ("headers", name.decode("latin-1").lower())
        kind = kind_of_header(name, self._signing)
        if kind is None or self._rules.is_kept(way) or self._rules.is_asked(way):
            return self._applied(text, edits_of(self._rules, text, way)).encode(codec)
        return self._applied(text, _header_edits(self._rules, kind, text, way)).encode(codec)

    def peer(self, peer: str | None) -> str | None:
        """The sender's address, unless it is this machine; its port stays."""
        if peer is None:
            return None
        return self._applied(peer, _address_edits(self._rules, peer, ("peer",)))

    # -- body

    def body(self, headers: Headers, body: bytes) -> tuple[bytes, bool]:
        """The body, compressed as it was, and whether it could not be looked into."""
        coding = (first(headers, b"content-encoding") or b"").strip().lower()
        if coding in (b"", b"identity") and body.startswith(GZIP):
            coding = b"gzip"  # some senders, and some proxies, do not say so
        if coding in (b"", b"identity") or not body:
            return self._plain_body(headers, body), False
        data = inflated(body) if coding in (b"gzip", b"x-gzip", b"deflate") else None
        if data is None:
            return body, True
        new = self._plain_body(headers, data)
        return (body if new == data else deflated(new, coding)), False

    def _plain_body(self, headers: Headers, body: bytes) -> bytes:
        text, codec = readable(body)
        return self._applied(text, body_edits(self._rules, headers, text)).encode(codec, "surrogatepass")


def body_edits(rules: Rules, headers: Headers, text: str, way: Way = ("body",)) -> Iterable[Edit]:
    """What has to be replaced in a body, by what it is: JSON, a form, multipart, XML, or just text."""
    if looks_json(text) and (found := json_edits(rules, text, way, 0)) is not None:
        return found
    kind = (first(headers, b"content-type") or b"").decode("latin-1")
    if is_form(headers):
        return form_edits(rules, text, way)
    if boundary := re.search(r"(?i)^\s*multipart/.*?boundary=(?:\"([^\"]+)\"|([^\s;]+))", kind):
        return multipart_edits(rules, text, boundary[1] or boundary[2], way)
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return xml_edits(rules, text, way)
    return lines_edits(rules, text, way) if looks_json(text) else edits_of(rules, text, way)


def readable(data: bytes) -> tuple[str, str]:
    """Bytes as text, and the codec that gives them back: UTF-8, UTF-16 where a mark says so, else Latin-1."""
    marks = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
    for codec in (marks.get(data[:2], "utf-8"), "utf-8"):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if text.encode(codec) == data:
            return text, codec
    return data.decode("latin-1"), "latin-1"


def inflated(body: bytes) -> bytes | None:
    """A gzip or deflate body expanded; None where it is none, or grows beyond the bound."""
    parts, room = [], INFLATED
    for _ in range(MEMBERS):
        stream = zlib.decompressobj(47)
        try:
            parts.append(stream.decompress(body, room))
        except zlib.error:
            return None
        room -= len(parts[-1])
        if not stream.eof or room <= 0:
            return None
        body = stream.unused_data  # gzip's members follow each other (RFC 1952 section 2.2)
        if not body:
            return b"".join(parts)
    return None


def deflated(data: bytes, coding: bytes) -> bytes:
    """The same compressed again; gzip's header tells no time."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 15 if coding == b"deflate" else 31)
    return stream.compress(data) + stream.flush()


def _with_length(headers: Headers, old: int, new: int) -> Headers:
    was, now = b"%d" % old, b"%d" % new
    return tuple(
        (name, now if name.lower() == b"content-length" and value == was else value) for name, value in headers
    )


# -- headers whose name says what they hold -------------------------------------------------------------------------

_RUN = re.compile(r"eyJ[\w-]+(?:\.[\w-]*){2,4}|[A-Za-z0-9+/_-]{16,}={0,2}")
"""A JWT, or a digest in hexadecimal or base64; what is shorter is a version or a time."""
_WITH_SCHEME = {"authorization", "proxy-authorization"}  # their values begin with its name
_COOKIE = re.compile(r"(?:[^;=]*=)?[ \t]*([^;]*[^;\s])")
"""A pair of `Cookie` and what its name leaves (RFC 6265 section 4.2.1), or a value that has no name."""
_FLAGS = {"secure", "httponly", "partitioned"}  # of Set-Cookie
_IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_IPV6 = rf"(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)(?:[0-9a-fA-F:]{{1,30}}:{_IPV4}|[0-9a-fA-F:]{{3,39}})"
_IP = re.compile(rf"(?<![\w.:])(?:{_IPV4}|{_IPV6})(?![\w.])")


def _header_edits(rules: Rules, kind: str, text: str, way: Way) -> Iterator[Edit]:
    """What is replaced in such a header; the rest of its value keeps the layout that receivers read."""
    if kind == "address":
        yield from _address_edits(rules, text, way)
        return
    for begin, end in _stretches(kind, text, way):
        value = text[begin:end]
        if value and not is_pseudonym(kind, value):
            yield Edit(begin, end, rules.pseudonyms.of(kind, value), kind, value, way)


def _stretches(kind: str, text: str, way: Way) -> Sequence[tuple[int, int]]:
    if kind == "cookie":
        return [match.span(1) for match in _COOKIE.finditer(text) if match[1].lower() not in _FLAGS]
    if kind == "signature":
        runs = [match.span() for match in _RUN.finditer(text)]
        return runs if runs else [(0, len(text))]
    if str(way[-1]).lower() not in _WITH_SCHEME:
        return [(0, len(text))]
    word = re.match(r"[A-Za-z][\w-]*[ ]+(?=\S)", text)  # the name of an authentication scheme (RFC 9110 section 11.4)
    return [(word.end() if word else 0, len(text))]


def _address_edits(rules: Rules, text: str, way: Way) -> Iterator[Edit]:
    import ipaddress

    if rules.is_kept(way):
        return
    for match in _IP.finditer(text):
        try:
            address = ipaddress.ip_address(match.group())
        except ValueError:
            continue
        if not (address.is_loopback or _is_documentation(str(address))):
            new = rules.pseudonyms.of("address", match.group())
            yield Edit(*match.span(), new, "address", match.group(), way)


def _is_documentation(address: str) -> bool:
    return address.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))
