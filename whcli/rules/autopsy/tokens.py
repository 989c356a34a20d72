"""JSON as text: read into tokens that keep every character, and put together again in another order.

A parsed value forgets what matters to a signature: number forms (`1.0`, `1e2`), repeated keys, escapes. Tokens do not.
Strings and numbers are re-written per token (`printers.py`), white space goes between tokens, and only another order of
keys needs a tree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property

TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
LARGEST = 4 * 1024 * 1024  # bytes; larger bodies are not re-printed
DEEPEST = 200  # levels; the tree is walked by recursion

Tokens = tuple[str, ...]


class Members(list["tuple[str, Node]"]):
    """An object: keys as their tokens, and values."""


Node = str | list["Node"] | Members
"""A scalar's token, an array, or an object."""


class JsonText:
    """One JSON text; orders that were asked for are kept, since many printings share them."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._orders: dict[str, Tokens] = {"kept": tokens}
        self._names: dict[str, str] = {"kept": "kept"}

    @cached_property
    def _root(self) -> Node:
        return _node(self.tokens, 0)[0]

    def ordered(self, order: str) -> Tokens:
        """The tokens with their members as `ORDERS` arranges them."""
        return self._orders[self.named(order)]

    def named(self, order: str) -> str:
        """The first order asked for that arranges this text in the same way."""
        if order not in self._names:
            out: list[str] = []
            _flatten(_arranged(self._root, ORDERS[order]), out)
            tokens = tuple(out)
            self._names[order] = next((name for name, known in self._orders.items() if known == tokens), order)
            self._orders.setdefault(self._names[order], tokens)
        return self._names[order]


def read_json(body: bytes) -> JsonText | None:
    """The tokens of an object or array in UTF-8; None for anything else, or where it is too large or too deep."""
    if len(body) > LARGEST or body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    try:
        text = body.decode("utf-8-sig")
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    tokens = tuple(TOKEN.findall(text))
    return JsonText(tokens) if depth(tokens) <= DEEPEST else None


def depth(tokens: Tokens) -> int:
    """How deeply brackets nest."""
    level = deepest = 0
    for token in tokens:
        if token in ("{", "["):
            level += 1
            deepest = max(deepest, level)
        elif token in ("}", "]"):
            level -= 1
    return deepest


def value_of(token: str) -> str:
    """The text that a string token stands for."""
    text: str = json.loads(token, strict=False) if "\\" in token else token[1:-1]
    return text


def top_members(text: JsonText) -> Iterator[tuple[str, Tokens]]:
    """The members of an object: their names, and the tokens of their values."""
    depth, name, begin = 0, "", 0
    for at, token in enumerate(text.tokens):
        if depth == 1 and token in (",", "}") and begin:
            yield name, text.tokens[begin:at]
            begin = 0
        if token in ("{", "["):
            depth += 1
        elif token in ("}", "]"):
            depth -= 1
        elif token == ":" and depth == 1:
            name, begin = value_of(text.tokens[at - 1]), at + 1


# -- the tree -------------------------------------------------------------------------------------------------------


def _node(tokens: Tokens, at: int) -> tuple[Node, int]:
    """The value that begins at a token, and where the next token stands."""
    token = tokens[at]
    if token == "{":
        return _members(tokens, at + 1)
    if token != "[":
        return token, at + 1
    items: list[Node] = []
    at += 1
    while tokens[at] != "]":
        item, at = _node(tokens, at)
        items.append(item)
        at += tokens[at] == ","
    return items, at + 1


def _members(tokens: Tokens, at: int) -> tuple[Node, int]:
    members = Members()
    while tokens[at] != "}":
        value, after = _node(tokens, at + 2)
        members.append((tokens[at], value))
        at = after + (tokens[after] == ",")
    return members, at + 1


def _flatten(node: Node, out: list[str]) -> None:
    if isinstance(node, str):
        out.append(node)
        return
    opening, closing = "{}" if isinstance(node, Members) else "[]"
    out.append(opening)
    for number, item in enumerate(node):
        if number:
            out.append(",")
        if isinstance(item, tuple):
            out.extend((item[0], ":"))
            item = item[1]
        _flatten(item, out)
    out.append(closing)


# -- orders of members ----------------------------------------------------------------------------------------------


def _arranged(node: Node, order: Callable[[Members], Node]) -> Node:
    if isinstance(node, Members):
        return order(Members((key, _arranged(value, order)) for key, value in node))
    return node if isinstance(node, str) else [_arranged(item, order) for item in node]


def _last_wins(members: Members) -> Members:
    """Of a repeated key the last value, at the place of the first: what maps in insertion order do."""
    last = {value_of(key): (key, value) for key, value in members}
    return members if len(last) == len(members) else Members(last.values())


def _by_key(members: Members) -> Members:
    """By code point, which is also the order of UTF-8 bytes."""
    return Members(sorted(_last_wins(members), key=lambda member: value_of(member[0])))


def _index(key: str) -> int | None:
    """An integer index as ECMA-262 section 6.1.7 has it: canonical, below 2**32 - 1."""
    text = value_of(key)
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or (text[0] == "0" and text != "0"):
        return None
    return int(text) if int(text) < 2**32 - 1 else None


def _javascript(members: Members) -> Members:
    """Integer keys first, ascending; the others in order of insertion (ECMA-262 OrdinaryOwnPropertyKeys)."""
    kept = _last_wins(members)
    indexed = [(number, member) for member in kept if (number := _index(member[0])) is not None]
    if not indexed:
        return kept
    rest = [member for member in kept if _index(member[0]) is None]
    return Members([member for _, member in sorted(indexed, key=lambda pair: pair[0])] + rest)


def _without_nulls(members: Members) -> Members:
    return Members((key, value) for key, value in _last_wins(members) if value != "null")


def _php_arrays(members: Members) -> Node:
    """`json_decode(…, true)` makes an empty object an empty array."""
    return _last_wins(members) or []


ORDERS: dict[str, Callable[[Members], Node]] = {
    "last": _last_wins,
    "sorted": _by_key,
    "javascript": _javascript,
    "no_nulls": _without_nulls,
    "php_arrays": _php_arrays,
}
"""How a language orders the members it has read; `kept` is the order received."""
