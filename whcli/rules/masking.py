"""Request targets and URLs for people: what is a secret by the name it stands under is masked, the rest stays.

Senders put tokens into queries (`?token=`, Meta's `hub.verify_token`, Azure's `code`) and, in absolute form, a password
before the host. JSON output and what is sent keep them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..words.secret import masked
from .text import clip, safe

READ = 2000  # columns of a URL, or of a line that may hold one
_MORE = re.compile(r"token\Z|key\Z|\A(auth|code|pass)\Z")  # in a query, beside the names that redaction knows
_USER = re.compile(r"(?<=://)[^/?#@\s]*@")
_FIELD = re.compile(r"(?<=[?&;])([^=&;#?\s]+)=([^&;#\s]+)")


def shown_target(text: bytes | str) -> str:
    """A request target, a URL or a sentence with some as safe text; query values that are secrets by name masked."""
    text = safe(text)
    if "://" in text:
        text = _USER.sub("…@", text)
    return _FIELD.sub(_masked, text) if "?" in text else text


def shown_url(text: bytes | str) -> str:
    """As `shown_target`, cut where a sender made it longer than anybody reads."""
    return clip(shown_target(text), READ)


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}={masked(found[2])}" if _is_secret(found[1]) else found[0]


@lru_cache(maxsize=1024)  # senders choose the names
def _is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret: `api_key`, `apiKey` and `X-Api-Key` are one."""
    from .redaction.names import kind_of_name  # few targets have a query

    plain = re.sub(r"%[0-9A-Fa-f]{2}|[^a-z0-9]", "", name.lower())
    return kind_of_name(name) == "password" or _MORE.search(plain) is not None
