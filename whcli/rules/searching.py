"""Words in events: what `--search` looks for, and where.

People type words and "quoted phrases"; nothing they type is a query language. A word is a run of letters and digits,
without regard to case and accents; everything else separates, so `evt_1Nx` is the phrase of `evt` and `1nx`. A Chinese,
Japanese or Korean character is a word of its own, since nothing separates those. A `*` behind a word means "and
whatever follows". Searched are the target, the headers, and the first BOUND bytes of a body that is text.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from ..words.event import HELD, Event, first
from .body import is_form

BOUND = HELD  # bytes of a body that are searched
VERSION = 1  # of what is made of an event here: an index made by another is not used

_ASCII = re.compile(r"[a-z0-9]+")
_ALONE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"  # kana, ideographs, hangul
_WORD = re.compile(f"[{_ALONE}]|[^\\W_{_ALONE}]+")
_MARKS = re.compile("[\u0300-\u036f]+")
_PIECE = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_OTHERS = re.compile("[^\x00-\x7f]+")
_BREAK = " | "  # no phrase reaches over it: it holds what no word holds


class Phrase(NamedTuple):
    """Words that stand one behind the other."""

    words: tuple[str, ...]
    begins: bool  # the last word may go on

    @property
    def needle(self) -> str:
        """What stands in a searched text where the phrase does."""
        return f" {' '.join(self.words)}" + ("" if self.begins else " ")


def phrases(text: str) -> tuple[Phrase, ...]:
    """What a user wants to find: each of them, anywhere in the event. Empty where the text holds no word."""
    found = []
    for quoted, star, bare in _PIECE.findall(text):
        if words := tuple(words_of(quoted or bare)):
            found.append(Phrase(words, bool(star) or bare.endswith("*")))
    return tuple(found)


def words_of(text: str) -> list[str]:
    """The words of a text, in order, small and without accents."""
    if text.isascii():
        return _ASCII.findall(text.lower())
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return _WORD.findall(unicodedata.normalize("NFKC", plain).casefold())


def holds(wanted: tuple[Phrase, ...], event: Event) -> bool:
    """Whether an event holds all phrases; False where there are none."""
    text = searched(event)
    return bool(wanted) and all(phrase.needle in text for phrase in wanted)


def searched(event: Event) -> str:
    """The words of an event, a blank before and behind each."""
    parts = [_decoded(event.target)]
    parts += [f"{name.decode('latin-1')} {value.decode('utf-8', 'replace')}" for name, value in event.headers]
    parts.append(body_text(event))
    return f" {_BREAK.join(' '.join(words_of(part)) for part in parts)} "


def _decoded(target: bytes) -> str:
    """A target as people read it; where it is percent-encoded, also as it was sent."""
    from urllib.parse import unquote_plus

    text = target.decode("utf-8", "replace")
    read = unquote_plus(text) if "%" in text or "+" in text else text
    return text if read == text else f"{read} {text}"


def body_text(event: Event) -> str:
    """A body's beginning as text: JSON without its escapes, a form decoded; empty where it is no text."""
    text = _text(event)
    if text[:1] in ("{", "[", '"') and "\\" in text:
        return _ESCAPE.sub(_unescaped, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if is_form(event.headers):
        from urllib.parse import unquote_plus

        return unquote_plus(text)
    return text


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else " "


def _text(event: Event) -> str:
    """UTF-8, or Latin-1 where the sender calls it text."""
    start, whole = event.body[:BOUND], len(event.body) <= BOUND and not event.unread
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start, final=whole)
    except UnicodeDecodeError:
        kind = (first(event.headers, b"content-type") or b"").lower()
        text = start.decode("latin-1") if kind.startswith(b"text/") or b"charset=" in kind else ""
    return "" if "\x00" in text else text


# -- for an index of words ------------------------------------------------------------------------------------------


def indexed(words: str) -> str:
    """Words as the index keeps them: in ASCII letters and digits alone, so that it need not know other scripts.

    Where a word begins with another, so does its spelling here.
    """
    return words if words.isascii() else _OTHERS.sub(lambda match: match[0].encode().hex(), words)


def query(wanted: tuple[Phrase, ...]) -> str:
    """The phrases as a query of SQLite's FTS5 (sqlite.org/fts5.html section 3), quoted: nothing in them is syntax."""
    return " AND ".join(f'"{indexed(" ".join(each.words))}"' + ("*" if each.begins else "") for each in wanted)
