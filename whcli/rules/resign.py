"""A stored event signed afresh: the signature's headers take the old ones' places."""

from __future__ import annotations

from dataclasses import replace

from ..words.event import Headers, Outgoing
from .generic import Signed
from .outgoing import with_body


def resigned(outgoing: Outgoing, signed: Signed, scheme: str) -> Outgoing:
    """The request with fresh signature headers, in the captured spelling and order where there were some.

    A scheme that signs inside the body changes it; that is told in `changes`.
    """
    fresh = replace(outgoing, headers=replaced(outgoing.headers, signed.headers), signed=scheme)
    if signed.body == outgoing.body:
        return fresh
    return with_body(fresh, signed.body, f"the body was changed: {scheme} signs inside it")


def replaced(old: Headers, new: Headers) -> Headers:
    """`old` with the values of `new`: in place for a name that is there, without its repeats, at the end otherwise."""
    values = {name.lower(): value for name, value in new}
    kept: list[tuple[bytes, bytes]] = []
    placed: set[bytes] = set()
    for name, value in old:
        key = name.lower()
        if key not in placed:
            kept.append((name, values.get(key, value)))
        if key in values:
            placed.add(key)
    return (*kept, *(pair for pair in new if pair[0].lower() not in placed))
