"""What `--set`, `--unset`, `--header` and the like say, read and checked before anything is sent.

A path begins with `body`, `headers` or `query`:

    body.a.b[0].c      through the JSON; `*` is every member of one level, `["a.b"]` a name with a dot in it
    body.field         a form's field; a JSON text inside a field is entered too
    headers.name       in any case
    query.name         all that follows the first dot is the name: `query.hub.mode`
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote

from ...words.errors import WrongUsage
from ...words.event import Headers
from ...words.head import TOKEN
from ...words.record import record
from ..outgoing import goes_no_further
from ..text import clip, safe
from .jsonedit import Pattern, literal

DEEPEST = 100  # steps of a path
MADE_ANEW = frozenset({b"host", b"content-length", b"transfer-encoding"})  # for every request, by `outgoing`


class Place(NamedTuple):
    """A path, read as far as it can be without the request."""

    root: str  # "body", "headers" or "query"
    rest: str  # what follows it, dot or bracket included
    text: str  # as typed

    @property
    def name(self) -> str:
        """The rest as one name: of a header, a parameter or a field; `*` for all."""
        return self.rest.removeprefix(".")


class Value(NamedTuple):
    """What is set: as JSON text, and as the plain text that a header or a form takes."""

    json: bytes
    plain: bytes


@record
class Edits:
    """All edits of one command; they are applied in the order of the fields."""

    body: bytes | None = None
    method: bytes | None = None
    path: bytes | None = None  # begins with `/` or `?`
    removed: tuple[bytes, ...] = ()  # names of headers
    headers: Headers = ()
    unset: tuple[Place, ...] = ()
    set: tuple[tuple[Place, Value], ...] = ()

    @property
    def path_given(self) -> bool:
        """Whether the request is to have another path."""
        return (self.path or b"").startswith(b"/")

    @property
    def query_given(self) -> bool:
        """Whether anything is to be different in the query."""
        places = (*self.unset, *(place for place, _ in self.set))
        return b"?" in (self.path or b"") or any(place.root == "query" for place in places)


def edits_of(
    *,
    set: Sequence[str] = (),
    unset: Sequence[str] = (),
    header: Sequence[str] = (),
    remove_header: Sequence[str] = (),
    method: str | None = None,
    path: str | None = None,
    body: bytes | None = None,
) -> Edits:
    """Read the edits of a command line. Raises WrongUsage for what is wrong whatever the event."""
    return Edits(
        body=body,
        method=None if method is None else _method(method),
        path=None if path is None else _path(path),
        removed=tuple(header_name(name) for name in remove_header),
        headers=tuple(_header(line) for line in header),
        unset=tuple(_removable(text) for text in unset),
        set=tuple(_assignment(text) for text in set),
    )


def bad_edit(message: str, next: str) -> WrongUsage:
    """The error of every edit that cannot be."""
    return WrongUsage(message, next=next, code="bad_edit")


# -- paths


_ROOT = re.compile(r"(body|headers|query)(?=[.\[]|\Z)")
_STEP = re.compile(r'(?:\.(\*)(?=[.\[]|\Z)|\[(\*)\]|\[([0-9]{1,9})\]|\[("(?:[^"\\]|\\.)*")\]|\.([^.\[]+))', re.DOTALL)


def place_of(text: str) -> Place:
    """Read a path. Raises WrongUsage when it begins with no root, or names nothing in headers or query."""
    root = _ROOT.match(text)
    rest = text[root.end() :] if root else ""
    unnamed = rest == "." or (root is not None and root[1] != "body" and not rest.startswith("."))
    if root is None or unnamed:
        raise bad_edit(f"'{safe(text)}' is not a path", "write body.a.b[0].c, headers.name or query.name")
    if root[1] == "headers" and rest != ".*":
        header_name(rest[1:])
    return Place(root[1], rest, text)


def steps_of(place: Place) -> Pattern:
    """The steps through a JSON body. Raises WrongUsage where the path cannot be read as such."""
    found: list[str | int | None] = []
    at = 0
    while at < len(place.rest) and len(found) < DEEPEST and (step := _STEP.match(place.rest, at)):
        found.append(_step(step, place))
        at = step.end()
    if at < len(place.rest):
        raise _no_steps(place)
    return tuple(found)


def _step(match: re.Match[str], place: Place) -> str | int | None:
    star, other_star, digits, quoted, name = match.groups()
    if star or other_star:
        return None
    if digits:
        return int(digits)
    try:
        return name or str(json.loads(quoted))
    except ValueError:
        raise _no_steps(place) from None


def _no_steps(place: Place) -> WrongUsage:
    return bad_edit(
        f"'{clip(safe(place.text), 100)}' is not a path into JSON",
        """write body.a.b[0].c, body.list.*.x or 'body["a.b"]'""",
    )


def _removable(text: str) -> Place:
    place = place_of(text)
    if place.text == "body":
        raise bad_edit("--unset body would leave nothing", "--body-file /dev/null sends an empty one")
    return place


# -- values


_ASSIGNMENT = re.compile(r'(body(?:\.[^.\[=]+|\[(?:[0-9]+|\*|"(?:[^"\\]|\\.)*")\])*)=(.*)', re.DOTALL)


def _assignment(text: str) -> tuple[Place, Value]:
    """`PATH=VALUE`: the first `=` that does not stand inside `["..."]`."""
    if "=" not in text:
        raise bad_edit(f"--set '{safe(text)}' says no value", "write --set 'body.amount=4200'")
    match = _ASSIGNMENT.fullmatch(text)
    path, value = match.groups() if match else text.split("=", 1)
    place, read = place_of(path), value_of(value)
    if place.root != "headers":
        return place, read
    if place.name != "*":
        settable(header_name(place.name))
    return place, read._replace(plain=header_value(place.text, read.plain))


def value_of(text: str) -> Value:
    """JSON if it parses, and then written as typed; else a text. A JSON string is plain without its quotes."""
    try:
        parsed, written = _json(text), text.strip(" \t\r\n").encode()
    except (ValueError, RecursionError):
        parsed, written = text, literal(text)
    return Value(written, plain(parsed if isinstance(parsed, str) else text))


def plain(text: str) -> bytes:
    """What was typed, as bytes: UTF-8, and odd bytes of a command line as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which only a JSON escape can write
        return text.encode("utf-8", "replace")


def _json(text: str) -> Any:
    """Strict JSON: no NaN; numbers, of any length, as pairs that are no text."""
    return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_no_constant)


def _number(text: str) -> tuple[str]:
    return (text,)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


# -- request line and headers


_NAME = re.compile(rb"[^\x00-\x20\x7f:]+")


def header_name(text: str) -> bytes:
    """A header's name as typed. Raises WrongUsage when it is none, or of a header that is made anew."""
    name = plain(text.strip())
    if not _NAME.fullmatch(name):
        raise bad_edit(f"'{safe(text)}' is no header name", "write --header 'X-Name: value', --remove-header X-Name")
    if name.lower() in MADE_ANEW:
        raise bad_edit(f"{safe(text)} is made anew for every request and cannot be changed", "leave it out")
    return name


def settable(name: bytes) -> bytes:
    """The name of a header that is to be set. Raises WrongUsage for one that would not be sent."""
    if goes_no_further(name.lower()):
        raise bad_edit(
            f"{safe(name.decode('utf-8', 'replace'))} is for one connection alone and never sent", "leave it out"
        )
    return name


def header_value(name: str, value: bytes) -> bytes:
    """Without the white space around it, which is no part of a value (RFC 9110 section 5.5)."""
    if set(value) & set(b"\x00\r\n"):
        raise bad_edit(f"the value for {safe(name)} holds a line break or a NUL", "write it in one line")
    return value.strip(b" \t")


def _header(line: str) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(":")
    if not colon:
        raise bad_edit(f"--header '{safe(line)}' has no colon", "write --header 'X-Name: value'")
    return settable(header_name(name)), header_value(name, plain(value))


def _method(text: str) -> bytes:
    method = plain(text)
    if not re.fullmatch(TOKEN, method):
        raise bad_edit(f"--method '{safe(text)}' is no HTTP method", "write it as POST or PUT")
    return method


_VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))
_NOT_IN_A_PATH = re.compile("[\x00-\x20\x7f#]")


def _path(text: str) -> bytes:
    """As a request target takes it: what is not visible ASCII is percent-encoded (RFC 3987 section 3.1)."""
    if text[:1] not in ("/", "?") or _NOT_IN_A_PATH.search(text):
        raise bad_edit(f"--path '{safe(text)}' is no path or query", "write --path '/hooks?a=1', /hooks or ?a=1")
    return quote(plain(text), safe=_VISIBLE).encode()
