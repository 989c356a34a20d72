"""A signature scheme of the user's own: the same words as our rows, read from a table or from flags."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, get_args

from ...words.errors import WrongUsage
from ...words.head import TOKEN
from ..near import did_you_mean
from .carried import PLACE
from .contents import FORMS
from .digests import KEYS, TEXTS
from .scheme import ASYMMETRIC, Algorithm, Clock, Scheme, Unit

PLACES = ("body", "ts", "id", "url", "method", "secret")
Types = type | tuple[type, ...]
NUMBER = (int, float)
WORDS: dict[str, Types] = {
    "header": str,
    "algorithm": str,
    "key": str,
    "content": str,
    "digest": str,
    "layout": str,
    "separator": str,
    "clock": dict,
    "id_header": str,
    "id_form": str,
    "constants": dict,
    "title": str,
    "source": str,
    "secret_form": str,
}
CLOCK: dict[str, Types] = {
    "header": str,
    "unit": str,
    "tolerance": NUMBER,
    "future": NUMBER,
}
CHOICES = {
    "algorithm": tuple(get_args(Algorithm)),
    "key": tuple(KEYS),
    "digest": tuple(TEXTS),
    "clock.unit": tuple(get_args(Unit)),
}
"""The words of a table with the types they take, and those that take one of a few values."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
HEADER = re.compile(TOKEN.decode())
LINE = re.compile(r"[^\x00-\x1f\x7f]*")


class Spelling(NamedTuple):
    """How the user wrote the words: `'schemes.acme.digest'` in a file, or the flag `--digest`."""

    short: Callable[[str], str]
    where: str = ""  # " in whcli.toml"

    def of(self, word: str) -> str:
        """A word, for the beginning of a sentence about it."""
        return self.short(word) + self.where


def in_file(name: str, path: object) -> Spelling:
    """The words of `[schemes.NAME]` in a file."""
    return Spelling(lambda word: f"'{'.'.join(('schemes', name, *([word] if word else [])))}'", f" in {path}")


def scheme_from(name: str, table: Mapping[str, Any], source: str, spelt: Spelling) -> Scheme:
    """The scheme that a table describes; raises WrongUsage for a word that cannot be meant, as it is `spelt`."""
    if not NAME.fullmatch(name):
        raise _wrong(spelt.of(""), "is no name for a scheme: letters, digits, - and _")
    _check("", table, WORDS, spelt)
    _check("clock.", table.get("clock", {}), CLOCK, spelt)
    if "header" not in table:
        raise _wrong(spelt.of(""), 'lacks header, such as header = "X-Signature"')
    plain = {"digest": "text"} if table.get("algorithm") == "equal" else {}
    facts: dict[str, Any] = {word: value for word, value in table.items() if word not in ("clock", "constants")}
    scheme = Scheme(
        **{"title": name, "source": source, **plain, **facts},
        name=name,
        provider=name,
        read="",
        clock=_clock(table),
        constants=tuple(table.get("constants", {}).items()),
        pair=PAIRS.get(table.get("algorithm", ""), ""),
    )
    for check in (_check_headers, _check_places, _check_layout, _check_values):
        check(scheme, spelt)
    return scheme


PAIRS = {algorithm: f"{algorithm.partition('-')[0].replace('ecdsa', 'p256')}-pem" for algorithm in ASYMMETRIC}
"""How a test key pair is written for a scheme of the user's own."""


def _clock(table: Mapping[str, Any]) -> Clock | None:
    """The clock where one is described, or the content or layout speaks of a timestamp; `inf` is no limit."""
    clock: Mapping[str, Any] = table.get("clock", {})
    given: dict[str, Any] = {word: None if value == math.inf else value for word, value in clock.items()}
    if given or "{ts}" in table.get("content", "") or "{ts}" in table.get("layout", ""):
        return Clock(**given)
    return None


# -- what cannot be meant -------------------------------------------------------------------------------------------

TYPES: dict[Types, str] = {str: "a text in quotes", dict: "a table", NUMBER: "a number of seconds, 0 or more"}


def _check(prefix: str, table: Mapping[str, Any], words: Mapping[str, Types], spelt: Spelling) -> None:
    """Every word is known, has its type, and one of its values."""
    for word, value in table.items():
        key = prefix + word
        if word not in words:
            raise _wrong(spelt.of(key), "is no word of a scheme", near=(word, words))
        wanted = words[word]
        if not _fits(value, wanted):
            raise _wrong(spelt.of(key), f"must be {TYPES[wanted]}")
        if key in CHOICES and value not in CHOICES[key]:
            known = CHOICES[key]
            raise _wrong(spelt.of(key), f"takes no '{value}'; one of {', '.join(known)}", near=(str(value), known))


def _fits(value: Any, wanted: Types) -> bool:
    """Whether a value has a type; to Python `true` is a number."""
    if wanted == NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return isinstance(value, wanted)


def _check_headers(scheme: Scheme, spelt: Spelling) -> None:
    """What becomes a header has a header's form; anything else could not be sent."""
    stamp = scheme.clock.header if scheme.clock else None
    names = {"header": scheme.header, "clock.header": stamp, "id_header": scheme.id_header}
    for word, name in (*names.items(), *(("constants", name) for name, _ in scheme.constants)):
        if name is not None and not HEADER.fullmatch(name):
            raise _wrong(spelt.of(word), f"holds '{name}', which is no header name")
    for name, value in scheme.constants:
        if not isinstance(value, str) or not LINE.fullmatch(value):
            raise _wrong(spelt.of(f"constants.{name}"), "must be a text of one line in quotes")
    for word in ("layout", "id_form"):
        if not LINE.fullmatch(getattr(scheme, word)):
            raise _wrong(spelt.of(word), "must be one line")


def _check_places(scheme: Scheme, spelt: Spelling) -> None:
    """The signed content knows its places, and what it signs beside the request travels with it."""
    for place in re.findall(PLACE, scheme.content):
        inner = place[1:-1]
        if inner not in (*PLACES, *FORMS) and not inner.startswith(("header:", "form:")):
            raise _wrong(spelt.of("content"), f"has an unknown place {place}", near=(inner, (*PLACES, *FORMS)))
    stamp = scheme.clock.header if scheme.clock else None
    for place, header, word in (("{ts}", stamp, "clock.header"), ("{id}", scheme.id_header, "id_header")):
        if place in scheme.content and header is None and place not in scheme.layout:
            where = f"give {spelt.short(word)}, or {place} in {spelt.short('layout')}"
            raise _wrong(spelt.of("content"), f"signs {place}, which travels nowhere: {where}")
    if re.search(r"[{}]", scheme.id_form.replace("{token}", "")):
        raise _wrong(spelt.of("id_form"), "has another place than {token}")


def _check_layout(scheme: Scheme, spelt: Spelling) -> None:
    """Each item of the layout holds one place, so that it can be read again."""
    if scheme.layout.count("{sig}") != 1:
        raise _wrong(spelt.of("layout"), "must hold {sig} once")
    for item in scheme.layout.split(scheme.separator) if scheme.separator else [scheme.layout]:
        found = re.findall(PLACE, item)
        if any(place not in ("{sig}", "{ts}", "{id}") for place in found):
            raise _wrong(spelt.of("layout"), f"has another place than {{sig}}, {{ts}}, {{id}} in '{item}'")
        if len(found) != 1:
            many = (
                f"give {spelt.short('separator')}, what stands between the items"
                if found[1:]
                else "every item needs one"
            )
            raise _wrong(spelt.of("layout"), f"has {len(found)} places in '{item}': {many}")


def _check_values(scheme: Scheme, spelt: Spelling) -> None:
    if scheme.digest == "text" and scheme.algorithm != "equal":
        raise _wrong(spelt.of("digest"), f"takes text only with equal: {scheme.algorithm} makes bytes that are no text")


def _wrong(what: str, why: str, near: tuple[str, Iterable[str]] | None = None) -> WrongUsage:
    """The error; `near` is a word and those that it may have been meant for."""
    return WrongUsage(
        f"{what} {why}",
        code="bad_scheme",
        details=did_you_mean(*near) if near else (),
        next="whcli help custom        shows all words",
    )
