"""A stored event signed afresh: the signature's headers take the old ones' places."""

from __future__ import annotations

from dataclasses import replace

from ...words.event import Headers, Message, Outgoing
from ..outgoing import with_body
from ..signatures.carried import Signed


def resigned(outgoing: Outgoing, message: Message, signed: Signed, scheme: str) -> Outgoing:
    """The request with fresh signature headers, in the captured spelling and order where there were some.

    `message` is what was given to be signed. A scheme that signs inside the body or the URL's query changes it; that is
    told in `changes`.
    """
    fresh = Outgoing(
        method=outgoing.method,
        url=outgoing.url,
        target=outgoing.target,
        headers=replaced(outgoing.headers, signed.headers),
        body=outgoing.body,
        changes=outgoing.changes,
        signed=scheme,
        note=outgoing.note,
    )
    if signed.url != message.url:
        fresh = with_query(fresh, signed.url.partition("?")[2], f"the query was changed: {scheme} signs inside it")
    if signed.body == outgoing.body:
        return fresh
    return with_body(fresh, signed.body, f"the body was changed: {scheme} signs inside it")


def with_query(outgoing: Outgoing, query: str, change: str) -> Outgoing:
    """The request with another query; its path stays."""
    path = outgoing.target.partition(b"?")[0]
    return replace(
        outgoing,
        target=path + b"?" + query.encode("utf-8", "surrogateescape"),
        url=f"{outgoing.url.partition('?')[0]}?{query}",
        changes=(*outgoing.changes, change),
    )


def replaced(old: Headers, new: Headers) -> Headers:
    """`old` with the values of `new`: in place for a name that is there, without its repeats, at the end otherwise."""
    values = {name.lower(): value for name, value in new}
    kept: list[tuple[bytes, bytes]] = []
    placed: set[bytes] = set()
    for pair in old:
        key = pair[0].lower()
        if key not in values:
            kept.append(pair)
        elif key not in placed:
            kept.append((pair[0], values[key]))
            placed.add(key)
    return (*kept, *[pair for pair in new if pair[0].lower() not in placed])
