"""A signature scheme of the user's own: the same words as our rows, read from a table or from flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from ..words.errors import WrongUsage
from .contents import FORMS
from .digests import KEYS, TEXTS
from .generic import PLACE
from .scheme import Algorithm, Clock, Scheme, Unit

PLACES = ("body", "ts", "id", "url", "method", "secret")
WORDS: dict[str, tuple[type, ...]] = {
    "header": (str,),
    "algorithm": (str,),
    "key": (str,),
    "content": (str,),
    "digest": (str,),
    "layout": (str,),
    "separator": (str,),
    "clock": (dict,),
    "id_header": (str,),
    "id_form": (str,),
    "constants": (dict,),
    "title": (str,),
    "source": (str,),
    "secret_form": (str,),
}
CLOCK: dict[str, tuple[type, ...]] = {
    "header": (str,),
    "unit": (str,),
    "tolerance": (int, float),
    "future": (int, float),
}
CHOICES = {
    "algorithm": tuple(get_args(Algorithm)),
    "key": tuple(KEYS),
    "digest": tuple(TEXTS),
    "unit": tuple(get_args(Unit)),
}
"""The words of a table with the types they take, and those that take one of a few values."""


def scheme_from(name: str, table: Mapping[str, Any], where: str) -> Scheme:
    """The scheme that a table describes; raises WrongUsage naming `where` it stands and what is wrong."""
    _check(name, table, WORDS, where)
    if "header" not in table:
        raise _wrong(where, f"schemes.{name}", 'lacks header, such as header = "X-Signature"')
    clock = dict(table.get("clock", {}))
    _check(f"{name}.clock", clock, CLOCK, where)
    facts: dict[str, Any] = {word: value for word, value in table.items() if word not in ("clock", "constants")}
    scheme = Scheme(
        **{"title": name, "source": where, **facts},
        name=name,
        provider=name,
        read="",
        clock=_clock(clock, table),
        constants=tuple((str(key), str(value)) for key, value in table.get("constants", {}).items()),
    )
    _check_templates(scheme, where)
    return scheme


def _clock(clock: Mapping[str, Any], table: Mapping[str, Any]) -> Clock | None:
    """The clock where one is described, or the content or layout speaks of a timestamp."""
    if clock or "{ts}" in table.get("content", "") or "{ts}" in table.get("layout", ""):
        return Clock(**clock)
    return None


def _check(name: str, table: Mapping[str, Any], words: Mapping[str, tuple[type, ...]], where: str) -> None:
    for word, value in table.items():
        if word not in words:
            near = get_close_matches(word, words, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(words)}"
            raise _wrong(where, f"schemes.{name}.{word}", f"is no word of a scheme{hint}")
        if not isinstance(value, words[word]) or isinstance(value, bool):
            raise _wrong(where, f"schemes.{name}.{word}", "has the wrong type")
        if word in CHOICES and value not in CHOICES[word]:
            raise _wrong(where, f"schemes.{name}.{word}", f"takes no '{value}'; one of {', '.join(CHOICES[word])}")


def _check_templates(scheme: Scheme, where: str) -> None:
    for place in re.findall(PLACE, scheme.content):
        inner = place[1:-1]
        if inner not in (*PLACES, *FORMS) and not inner.startswith(("header:", "form:")):
            raise _wrong(where, f"schemes.{scheme.name}.content", f"has an unknown place {place}")
    if scheme.layout.count("{sig}") != 1:
        raise _wrong(where, f"schemes.{scheme.name}.layout", "must hold {sig} once")
    for item in scheme.layout.split(scheme.separator) if scheme.separator else [scheme.layout]:
        if len(re.findall(PLACE, item)) != 1 or re.findall(PLACE, item)[0] not in ("{sig}", "{ts}", "{id}"):
            raise _wrong(
                where,
                f"schemes.{scheme.name}.layout",
                f"has an item '{item}' with not exactly one of {{sig}}, {{ts}}, {{id}}; is the separator right?",
            )


def _wrong(where: str, key: str, what: str) -> WrongUsage:
    return WrongUsage(f"'{key}' in {where} {what}", code="bad_scheme", next="whcli help schemes        shows the words")
