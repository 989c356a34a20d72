"""Form bodies, written again as the common libraries write them.

Libraries differ in which characters they leave alone, in `+` or `%20` for a space, in the case of the hexadecimal
digits, and in the order of fields. Sources: the WHATWG URL standard section 5.2 (URLSearchParams; Ruby's
URI.encode_www_form and Java's URLEncoder write the same), ECMA-262 encodeURIComponent, urllib.parse.quote_plus, PHP's
http_build_query, Go's url.Values.Encode (sorted), .NET's HttpUtility.UrlEncode (lower case).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import permutations, product
from urllib.parse import quote_from_bytes, unquote_to_bytes

PERCENT = re.compile(r"%[0-9A-F]{2}")
SAFE = ("", "*", "!*'()", "!*()")  # left alone beside letters, digits, `-`, `.`, `_`
STYLES = tuple(product((True, False), (False, True), (True, False), SAFE))
"""`+` for a space, lower case, `~` left alone, and one of `SAFE`."""
LIKELY = ((True, False, True, ""), (True, False, False, "*"), (False, False, True, "!*'()"), (False, False, True, ""))
"""quote_plus and Go; URLSearchParams, Ruby and Java; encodeURIComponent; quote and rawurlencode."""
LARGEST = 1_000_000  # bytes; larger bodies are not taken apart
SHUFFLED = 5  # fields of a form whose every order is tried: 120 of them
SLACK = (
    *("token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name", "command", "text"),
    *("api_app_id", "is_enterprise_install", "enterprise_id", "enterprise_name", "response_url", "trigger_id"),
)
"""A slash command's fields as Slack sends them: the one large form whose order counts (slackapi/bolt-js, its tests)."""

Pair = tuple[bytes, bytes | None]


def is_form(body: bytes) -> bool:
    """True when a body could be a form: it has a `=`, nothing that only JSON or text would have."""
    return len(body) <= LARGEST and re.fullmatch(rb"[^\s={}\[\]\"<>]+=[^\s{}\[\]\"<>]*", body) is not None


def pairs(body: bytes) -> list[Pair]:
    """Names and values, decoded; None where there is no `=`."""
    found = []
    for part in body.split(b"&"):
        name, equals, value = part.replace(b"+", b" ").partition(b"=")
        found.append((unquote_to_bytes(name), unquote_to_bytes(value) if equals else None))
    return found


def quoted(fields: list[Pair]) -> str:
    """A form with everything escaped that any library escapes, but `~`; `restyled` makes the others of it."""

    def quote(raw: bytes) -> str:
        return quote_from_bytes(raw, safe="")

    return "&".join(quote(name) if value is None else f"{quote(name)}={quote(value)}" for name, value in fields)


def restyled(form: str, plus: bool, lower: bool, tilde: bool, safe: str) -> bytes:
    """A quoted form in one library's way."""
    form = form if tilde else form.replace("~", "%7E")
    form = form.replace("%20", "+") if plus else form
    for character in safe:
        form = form.replace(f"%{ord(character):02X}", character)
    return (PERCENT.sub(lambda match: match[0].lower(), form) if lower else form).encode()


def reencoded(body: bytes) -> Iterator[tuple[str, bytes]]:
    """A form with the same fields, written otherwise, with words for it: `the body …`."""
    if not is_form(body):
        return
    fields = pairs(body)
    for words, order in _orders(fields):
        form = quoted(order)
        for plus, lower, tilde, safe in STYLES:
            case = "lower" if lower else "upper"
            words_ = f"encoded with {'+' if plus else '%20'} for spaces and escapes in {case} case{words}"
            yield words_, restyled(form, plus, lower, tilde, safe)
    yield "with its fields sorted", b"&".join(sorted(body.split(b"&")))
    yield "with %20 for +", body.replace(b"+", b"%20")
    yield "with + for %20", body.replace(b"%20", b"+")
    yield from _shuffled(body)


def _orders(fields: list[Pair]) -> Iterator[tuple[str, list[Pair]]]:
    """The fields as they stand, sorted as Go and others write them, and as Slack sent them before they were sorted."""
    yield "", fields
    yield ", its fields sorted", sorted(fields, key=lambda field: field[0])
    places = {name.encode(): place for place, name in enumerate(SLACK)}
    if len(fields) > SHUFFLED and all(name in places for name, _ in fields):
        yield ", its fields in Slack's order", sorted(fields, key=lambda field: places[field[0]])


def _shuffled(body: bytes) -> Iterator[tuple[str, bytes]]:
    """A small form with its fields in every order, as it is encoded and as the likely libraries encode it."""
    fields = pairs(body)
    if not 1 < len(fields) <= SHUFFLED:
        return
    for order in permutations(body.split(b"&")):
        yield "with its fields in another order", b"&".join(order)
    for others in permutations(fields):
        form = quoted(list(others))
        for style in LIKELY:
            yield "encoded anew, its fields in another order", restyled(form, *style)


def json_fields(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The fields that hold JSON, decoded: what Slack and GitHub send as `payload=…`."""
    if is_form(body):
        for name, value in pairs(body):
            if value and value[:1] in (b"{", b"["):
                yield f"reduced to the decoded text of its field {name.decode('utf-8', 'backslashreplace')}", value


def wrapped(body: bytes) -> Iterator[tuple[str, bytes]]:
    """JSON put back into the form field that it was taken from."""
    if body[:1] in (b"{", b"["):
        form = quoted([(b"payload", body)])
        for style in LIKELY:
            yield "as the form field payload=…", restyled(form, *style)


def from_json(body: bytes) -> Iterator[tuple[str, bytes]]:
    """A flat JSON object as the form that it may have been, before a framework parsed it."""
    if len(body) > LARGEST or body[:1] != b"{":
        return
    try:
        members = json.loads(body, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return
    texts = [(name, _field(value)) for name, value in members]
    if texts and all(value is not None for _, value in texts):
        fields: list[Pair] = [
            (name.encode("utf-8", "replace"), (value or "").encode("utf-8", "replace")) for name, value in texts
        ]
        form = quoted(fields)
        for style in LIKELY:
            yield "written as a form", restyled(form, *style)


def _field(value: object) -> str | None:
    """A scalar as a form has it; None for an object or array."""
    if isinstance(value, list):
        return None
    return {True: "true", False: "false", None: ""}[value] if not isinstance(value, str) else value  # type: ignore[index]
