"""What an HTTP message signature covers: the components of a request and their text, RFC 9421 sections 2.1 to 2.5."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote_to_bytes

from ...words.event import Headers, Message, every, joined
from . import params, structured
from .carried import Malformed
from .structured import BadField, Inner, Item


def dictionary_of(headers: Headers, name: bytes) -> dict[str, Item | Inner]:
    """A header's dictionary, repeats joined; raises Malformed when it cannot be read."""
    try:
        return structured.dictionary((joined(headers, name) or b"").decode("latin-1"))
    except BadField as error:
        raise Malformed("header_malformed", f"the {name.decode()} header cannot be read: {error}") from None


def base_of(message: Message, components: Sequence[Item], listed: str) -> bytes:
    """What is signed; `listed` is the component list with its parameters as text. Raises Malformed."""
    lines = []
    seen: set[tuple[object, ...]] = set()
    for item in components:
        identity = (item.value, *sorted((name, str(value)) for name, value in item.params.items()))
        if identity in seen:
            raise Malformed("header_malformed", f"{item.text} is covered twice")
        seen.add(identity)
        value = _component(message, item)
        if b"\n" in value or b"\r" in value:
            raise Malformed("header_malformed", f"the value of {item.text} holds a line break")
        lines.append(item.text.encode("latin-1") + b": " + value)
    return b"\n".join([*lines, b'"@signature-params": ' + listed.encode("latin-1")])


def _component(message: Message, item: Item) -> bytes:
    """The value of one covered component; raises Malformed where the message has none."""
    name = item.value
    if not isinstance(name, str) or name != name.lower():
        raise Malformed("header_malformed", f"{item.text} names no component")
    if name.startswith("@"):
        return _derived(message, name, item)
    lines = every(message.headers, name.encode("latin-1"))
    if not lines:
        raise Malformed("companion_missing", f"the {name} header, which is part of what is signed, is missing")
    if set(item.params) == {"key"}:
        member = dictionary_of(message.headers, name.encode("latin-1")).get(str(item.params["key"]))
        if member is None:
            raise Malformed("companion_missing", f"the {name} header has no member {item.params['key']!s}")
        return member.text.encode("latin-1")
    if set(item.params) == {"bs"}:
        return ", ".join(structured.written(line.strip(b" \t")) for line in lines).encode()
    if item.params:
        raise Malformed("header_malformed", f"{item.text} has a parameter that a request cannot be checked with")
    return b", ".join(line.strip(b" \t") for line in lines)


URL = re.compile(rb"(?:([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@]*@)?([^/?#]*))?([^?#]*)(\?[^#]*)?", re.DOTALL)
PORTS = {b"http": b":80", b"https": b":443"}


def _derived(message: Message, name: str, item: Item) -> bytes:
    """A part of the request line or of the URL that the sender was told."""
    whole = message.url.encode("utf-8", "surrogateescape")
    match = URL.match(whole)
    kind, host, path, query = match.groups(b"") if match else (b"", b"", b"", b"")
    path = path or b"/"
    values = {
        "@method": message.method.encode("utf-8", "surrogateescape"),
        "@target-uri": kind + b"://" + host + path + query,
        "@authority": host.lower().removesuffix(PORTS.get(kind.lower(), b":")),
        "@scheme": kind.lower(),
        "@request-target": path + query,
        "@path": path,
        "@query": query or b"?",
    }
    if name == "@query-param" and set(item.params) == {"name"}:
        return _query_param(query[1:], str(item.params["name"]))
    if name not in values or item.params:
        raise Malformed("header_malformed", f"{item.text} is no component of a request")
    return values[name]


def _query_param(query: bytes, name: str) -> bytes:
    """A parameter decoded and encoded again (section 2.2.8); it must occur exactly once."""
    wanted = unquote_to_bytes(name)
    found = [value for key, value in params.pairs(query) if key == wanted]
    if len(found) != 1:
        raise Malformed("companion_missing", f"the URL has {len(found)} parameters {name} instead of one")
    return quote(found[0], safe="*-._").replace("~", "%7E").encode()
