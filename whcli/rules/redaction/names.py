"""What looks secret or personal by the name it stands under: fields, form parameters, XML elements, headers.

Names are compared without their case and without `_`, `-` and the like: `client_secret`, `clientSecret` and
`Client-Secret` are one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ..credentials import is_credential

_ENDINGS = {
    "password": """
        password passwd passphrase passcode secret secretkey apikey accesstoken authtoken refreshtoken idtoken
        privatekey sessiontoken bearertoken accesskey secretaccesskey authorization verificationtoken signingsecret
        signingkey csrftoken sessionid clientstate
    """,
    "phone": "phone phonenumber msisdn mobilenumber telephone cellphone",
    "signature": "signature",
}
_EXACT = {
    "password": "token pwd pin cvc cvc2 cvv cvv2 securitycode cookie ssn",
    "phone": "mobile tel waid fax",
    "signature": "sig hmac btsignature",
    "card": "pan cardnumber",
}
_IN_QUERY = ("key", "code", "auth", "hash")
"""Names that say so in a URL's query only: API keys, the keys of cloud functions; elsewhere they mean anything."""
_INSIDE = ("value", "number", "text", "plain", "plaintext", "raw", "secret", "e164", "international", "national")
"""Names that say nothing themselves: in `{"phone": {"number": ...}}` the object's name tells what it is."""
_SIGNATURE = re.compile(rb"signature(?!-input)|hmac|-sig\Z|digest|content-md5|content-sha256")
COOKIES = (b"cookie", b"set-cookie")
ADDRESSES = (
    *(b"x-forwarded-for", b"x-real-ip", b"forwarded", b"true-client-ip", b"cf-connecting-ip", b"x-client-ip"),
    *(
        b"fly-client-ip",
        b"x-cluster-client-ip",
        b"fastly-client-ip",
        b"x-original-forwarded-for",
        b"cf-connecting-ipv6",
    ),
)
"""Headers in which proxies say where a request came from."""


@lru_cache(maxsize=4096)  # senders choose the names
def kind_of_name(name: str) -> str | None:
    """What a field of this name holds, if the name says so."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for kind, names in _EXACT.items():
        if plain in names.split():
            return kind
    return next((kind for kind, ends in _ENDINGS.items() if plain.endswith(tuple(ends.split()))), None)


def kind_of_way(way: Sequence[str | int]) -> str | None:
    """What stands at a place of a request, if a name says so: its own, that of its list, or of the object around it."""
    if len(way) < 2:
        return None
    last = way[-1]
    if isinstance(last, int):
        name = next((step for step in reversed(way[1:]) if isinstance(step, str)), "")
        return kind_of_name(name) or kind_of_name(name.removesuffix("s"))
    if way[0] == "query" and last.lower() in _IN_QUERY:
        return "key"
    return kind_of_name(last) or (kind_of_way(way[:-1]) if last.lower() in _INSIDE else None)


def kind_of_header(name: bytes, signing: frozenset[bytes]) -> str | None:
    """`signature`, `credential`, `cookie`, `address` or None; `signing` are the schemes' own headers in lower case."""
    lowered = name.lower()
    if lowered in COOKIES:
        return "cookie"
    if lowered in ADDRESSES:
        return "address"
    if is_credential(name):
        return "credential"
    return "signature" if lowered in signing or _SIGNATURE.search(lowered) else None
