"""A text walked for what has to be replaced: JSON value by value, forms field by field, the rest as it reads.

Every walk gives edits: a stretch of the text, and what goes there. A text inside a text (JSON in a form's field, base64
of a text) is walked in the same way, and its edits are those of the text around it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ...words.record import record
from ..jsontext import PIECE, NoPlace, parsed
from ..replaying.jsonedit import Pattern
from .kinds import Find, found_in
from .known import NOTHING_AGAIN, Again, Known
from .names import kind_of_name, kind_of_way
from .pseudonyms import Pseudonyms, is_pseudonym
from .views import View, entity_view, form_view, json_view, plain, readings

Way = tuple[str | int, ...]
"""Where a text stands in a request: `("body", "customer", "email")`."""

DEEPEST = 4  # texts inside texts


class Edit(NamedTuple):
    """One replacement: what stood there, of which kind, and where in the request."""

    begin: int
    end: int
    new: str
    kind: str
    value: str
    way: Way


@record
class Rules:
    """What is replaced and what is not."""

    pseudonyms: Pseudonyms
    known: Known
    again: Again = NOTHING_AGAIN  # what other places of the same request said is secret
    asked: Sequence[Pattern] = ()  # replaced whatever it is, with all below it
    kept: Sequence[Pattern] = ()  # kept with all below it, but for the known secrets
    all: bool = True  # False: only known secrets and what is asked for

    def is_asked(self, way: Way) -> bool:
        """Whether `--redact` names this place or one above it."""
        return any(_leads(pattern, way) for pattern in self.asked)

    def is_kept(self, way: Way) -> bool:
        """Whether `--keep` names this place or one above it."""
        return not self.all or any(_leads(pattern, way) for pattern in self.kept)

    def edit(self, kind: str, text: str, way: Way) -> list[Edit]:
        """A whole text replaced, unless it is a pseudonym already or nothing."""
        if not text.strip() or is_pseudonym(kind, text):
            return []
        return [Edit(0, len(text), self.pseudonyms.of(kind, text), kind, text, way)]


def _leads(pattern: Pattern, way: Way) -> bool:
    """Whether a path leads to a place or above it; None is any step of one level."""
    return len(pattern) <= len(way) and all(
        step is None or str(step) == str(there) for step, there in zip(pattern, way, strict=False)
    )


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with its edits made."""
    parts, at = [], 0
    for edit in sorted(edits):
        parts += [text[at : edit.begin], edit.new]
        at = edit.end
    return "".join([*parts, text[at:]])


def edits_of(rules: Rules, text: str, way: Way, depth: int = 0, called: str = "") -> list[Edit]:
    """What has to be replaced in the text at a place; `called` is what another field says its name is."""
    if rules.is_asked(way) and not rules.is_kept(way):
        return rules.edit(_whole_kind(text), text, way)
    if rules.is_kept(way):
        return list(_kept_apart(_seen(rules, text, way, known_only=True)))
    kind = kind_of_way(way) or kind_of_name(called)
    if depth < DEEPEST and looks_json(text) and (inner := json_edits(rules, text, way, depth + 1)) is not None:
        return inner
    if kind is not None and _fits(kind, text):
        return rules.edit("password" if kind == "key" else kind, text, way)
    if depth < DEEPEST and (inner := _base64_edits(rules, text, way, depth + 1)):
        return inner
    return list(_kept_apart(_seen(rules, text, way)))


def edits_by_form(rules: Rules, text: str, way: Way) -> list[Edit]:
    """What has to be replaced in a text by what it looks like alone, whatever names stand beside it."""
    found = _seen(rules, text, way, known_only=rules.is_kept(way))
    return list(_kept_apart(edit for edit in found if edit.kind != "password"))


def _fits(kind: str, text: str) -> bool:
    """A name alone makes no telephone number."""
    if kind == "phone":
        return sum(letter.isdigit() for letter in text) >= 7
    if kind == "key":
        return len(text) >= 12 and not text.isalpha()
    return kind != "card" or len(re.sub(r"\D", "", text)) >= 12


def _whole_kind(text: str) -> str:
    """What a value that is replaced on request looks like; `value` where it looks like nothing."""
    return next((find.kind for find in found_in(text) if (find.begin, find.end) == (0, len(text))), "value")


def _seen(rules: Rules, text: str, way: Way, *, known_only: bool = False) -> Iterator[Edit]:
    """Everything that is found in any reading of a text, the best first."""
    for find_in in (rules.known.found_in, *(() if known_only else (rules.again.found_in, found_in))):
        for view in readings(text):
            for find in find_in(view.text):
                if not is_pseudonym(find.kind, find.value):
                    yield _edit(rules, view, find, way)


def _edit(rules: Rules, view: View, find: Find, way: Way) -> Edit:
    new = view.write(rules.pseudonyms.of(find.kind, find.value))
    return Edit(*view.span(find.begin, find.end), new, find.kind, find.value, way)


def _kept_apart(edits: Iterable[Edit]) -> Iterator[Edit]:
    """The edits that do not overlap an earlier one."""
    begins: list[int] = []  # of those taken, in order of the text
    ends: list[int] = []
    for edit in edits:
        place = bisect_right(begins, edit.begin)
        before = place == 0 or ends[place - 1] <= edit.begin
        if before and (place == len(begins) or edit.end <= begins[place]):
            begins.insert(place, edit.begin)
            ends.insert(place, edit.end)
            yield edit


def through(view: View, offset: int, inner: Iterable[Edit]) -> Iterator[Edit]:
    """Edits of a reading as edits of the text in which it stands from `offset` on."""
    for edit in inner:
        begin, end = view.span(edit.begin, edit.end)
        yield edit._replace(begin=offset + begin, end=offset + end, new=view.write(edit.new))


# -- JSON -----------------------------------------------------------------------------------------------------------


def looks_json(text: str) -> bool:
    """Whether it is worth reading as JSON."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")


def json_edits(rules: Rules, text: str, way: Way, depth: int) -> list[Edit] | None:
    """What has to be replaced in a JSON text, in strings, numbers and names; None where it is none."""
    data = text.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
    try:
        parsed(data)
    except NoPlace:
        return None
    return [edit for piece in _pieces(text, way) for edit in _piece_edits(rules, piece, depth)]


def lines_edits(rules: Rules, text: str, way: Way) -> list[Edit]:
    """What has to be replaced in lines that are JSON each, or in what is only almost JSON."""
    edits: list[Edit] = []
    at, read = 0, False
    for line in text.split("\n"):
        found = json_edits(rules, line, way, 0) if looks_json(line) else None
        read = read or found is not None
        edits += (
            edit._replace(begin=edit.begin + at, end=edit.end + at)
            for edit in (edits_of(rules, line, way) if found is None else found)
        )
        at += len(line) + 1
    return edits if read else edits_of(rules, text, way)


class _Piece(NamedTuple):
    """A scalar or a member's name: its text, where it begins, and its place."""

    text: str
    begin: int
    way: Way
    named: bool
    called: str = ""  # what `{"name": "password", "value": ...}` says of its value


_TEXT_PIECE = re.compile(PIECE.pattern.decode("latin-1"), re.DOTALL)
_NAMES = ("name", "key", "field")
_COLON = re.compile(r"[ \t\r\n]*:")


def _pieces(text: str, way: Way) -> Iterator[_Piece]:
    path: list[str | int] = []
    said: list[str] = []  # of each level, what its `name` says
    for match in _TEXT_PIECE.finditer(text):
        piece = match.group()
        if piece in ("{", "["):
            path.append("" if piece == "{" else 0)
            said.append("")
        elif piece in ("}", "]"):
            path.pop()
            said.pop()
        elif piece == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else ""
        elif piece != ":":
            named = piece[0] == '"' and _COLON.match(text, match.end()) is not None
            if named:
                path[-1] = json.loads(piece, strict=False)
            elif path and path[-1] in _NAMES and piece[0] == '"':
                said[-1] = json.loads(piece, strict=False)
            called = said[-1] if path and path[-1] == "value" else ""
            yield _Piece(piece, match.start(), (*way, *path), named, called)


def _piece_edits(rules: Rules, piece: _Piece, depth: int) -> Iterable[Edit]:
    if piece.text[0] == '"':
        view = json_view(piece.text[1:-1])
        if piece.named:
            inner = _kept_apart(_seen(rules, view.text, piece.way, known_only=rules.is_kept(piece.way)))
        else:
            inner = iter(edits_of(rules, view.text, piece.way, depth, piece.called))
        return through(view, piece.begin + 1, inner)
    return _number_edits(rules, piece) if piece.text[0] in "-0123456789" else ()


def _number_edits(rules: Rules, piece: _Piece) -> Iterator[Edit]:
    """A number stays a number of as many digits."""
    kind = kind_of_way(piece.way) or kind_of_name(piece.called) or ""
    found = next(_seen(rules, piece.text, piece.way, known_only=rules.is_kept(piece.way)), None)
    asked = rules.is_asked(piece.way) or (kind not in ("", "signature") and _fits(kind, piece.text))
    if found is None and not (asked and not rules.is_kept(piece.way)):
        return
    kind = found.kind if found else kind or "value"
    if kind == "phone" and is_pseudonym(kind, piece.text):
        return
    made = rules.pseudonyms
    new = made.of(kind, piece.text) if kind in ("phone", "card") else made.number(piece.text)
    yield Edit(piece.begin, piece.begin + len(piece.text), new, kind, piece.text, piece.way)


# -- texts of other forms -------------------------------------------------------------------------------------------


def form_edits(rules: Rules, text: str, way: Way, depth: int = 0) -> Iterator[Edit]:
    """What has to be replaced in a form or query, in values and names."""
    at = 0
    for part in re.split(r"[&]", text):
        name, equals, value = part.partition("=")
        read = form_view(name)
        yield from through(read, at, _kept_apart(_seen(rules, read.text, way)))
        if equals:
            view = form_view(value)
            inner = edits_of(rules, view.text, (*way, read.text), depth)
            yield from through(view, at + len(name) + 1, inner)
        at += len(part) + 1


_ELEMENT = re.compile(
    r"<(?P<element>[\w:.-]{1,100})(?:\s[^<>]*)?>"
    r"(?:(?P<text>[^<]+)(?=</)|\s*<!\[CDATA\[(?P<cdata>(?:[^\]]|\](?!\]>))*)\]\]>)"
    r"|\s(?P<attribute>[\w:.-]{1,100})\s*=\s*(?:\"(?P<quoted>[^\"<]*)\"|'(?P<single>[^'<]*)')"
)


def xml_edits(rules: Rules, text: str, way: Way, depth: int = 0) -> list[Edit]:
    """What has to be replaced in XML or HTML: elements and attributes by their names, then whatever is found."""

    def by_name() -> Iterator[Edit]:
        for match in _ELEMENT.finditer(text):
            group = match.lastgroup or ""
            local = (match["element"] or match["attribute"]).rpartition(":")[2]
            view = plain(match[group]) if group == "cdata" else entity_view(match[group])
            yield from through(view, match.start(group), edits_of(rules, view.text, (*way, local), depth))

    return list(_kept_apart((*by_name(), *_seen(rules, text, way, known_only=rules.is_kept(way)))))


_PART = re.compile(r"[Cc]ontent-[Dd]isposition:[^\r\n]*?\bname=\"?([^\";\r\n]*)")


def multipart_edits(rules: Rules, text: str, boundary: str, way: Way) -> Iterator[Edit]:
    """What has to be replaced in the parts of a multipart body, and in their heads (RFC 7578)."""
    at = 0
    for part in text.split("--" + boundary):
        head, gap, content = part.partition("\r\n\r\n" if "\r\n\r\n" in part else "\n\n")
        yield from (
            edit._replace(begin=edit.begin + at, end=edit.end + at) for edit in _kept_apart(_seen(rules, head, way))
        )
        name = _PART.search(head)
        body = content.removesuffix("\r\n" if gap == "\r\n\r\n" else "\n")
        start = at + len(head) + len(gap)
        place = (*way, name[1]) if name else way
        yield from (
            edit._replace(begin=edit.begin + start, end=edit.end + start) for edit in edits_of(rules, body, place)
        )
        at += len(part) + len("--" + boundary)


_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9_-]{16,}={0,2}")


def _base64_edits(rules: Rules, text: str, way: Way, depth: int) -> list[Edit]:
    """A text that is base64 of a text with something in it: replaced as a whole by base64 of what it becomes."""
    inner = decoded(text)
    edits = edits_of(rules, inner, way, depth) if inner is not None else []
    if inner is None or not edits:
        return []
    encode: Callable[[bytes], bytes] = base64.urlsafe_b64encode if set(text) & set("-_") else base64.b64encode
    new = encode(applied(inner, edits).encode()).decode()
    new = new if text.endswith("=") or len(text) % 4 == 0 else new.rstrip("=")
    return [Edit(0, len(text), new, edit.kind, edit.value, edit.way) for edit in edits[:1]]


def decoded(text: str) -> str | None:
    """The readable text that a base64 text stands for, or None."""
    if len(text) > 1 << 24 or not _BASE64.fullmatch(text):
        return None
    try:
        data = base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
        read = data.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return read if read.isprintable() or looks_json(read) or "\n" in read else None
