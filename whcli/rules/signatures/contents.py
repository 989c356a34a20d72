"""The forms in which a URL or body enters the signed content, where that is not the bytes themselves."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...words.event import Message

# HubSpot decodes these and no others: "decode any of the URL-encoded characters listed in the table below",
# https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation (2026-11-23).
DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
ENCODED = re.compile("|".join(DECODED), re.IGNORECASE)
BACKSLASH = re.compile(r"\\(?!/)")
UNPRINTED = re.compile(r"[^\x20-\x7e]")
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def decoded(url: str) -> bytes:
    """A URL with the characters of the table decoded, in either case; all others stay encoded."""
    return ENCODED.sub(lambda match: DECODED[match.group().upper()], url).encode("utf-8", "surrogateescape")


def escaped(body: bytes) -> bytes:
    """A body as Box prints it: everything but ASCII as `\\uXXXX`, a backslash doubled unless `/` follows.

    box_sdk_gen/internal/utils.py, escape_unicode (1.17.0). A body that is not UTF-8 stays as it is.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return body
    return UNPRINTED.sub(lambda match: _escape(match.group()), BACKSLASH.sub(r"\\\\", text)).encode()


def _escape(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return SHORT.get(character) or "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


FORMS: dict[str, Callable[[Message], bytes]] = {
    "url:decoded": lambda message: decoded(message.url),
    "body:escaped": lambda message: escaped(message.body),
}
