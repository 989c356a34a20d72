"""Keys, algorithms and digest texts: three small tables.

Source of the variety: the providers' own pages, cited in the rows of `schemes/`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

from .scheme import BadKey as BadKey  # raised here


def _unbase64(text: bytes) -> bytes:
    """Standard base64; missing padding is tolerated, as the Standard Webhooks SDKs do."""
    text = text.strip()
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("is not base64") from None


def _unhex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        raise BadKey("is not hexadecimal") from None


def _whsec(text: bytes) -> bytes:
    return _unbase64(text.strip().removeprefix(b"whsec_"))


def _whsec_or_text(text: bytes) -> bytes:
    return _whsec(text) if text.startswith(b"whsec_") else text


def _nfkd(text: bytes) -> bytes:
    from unicodedata import normalize

    try:
        return normalize("NFKD", text.decode("utf-8")).encode()
    except ValueError:
        raise BadKey("is not UTF-8") from None


def _html(text: bytes) -> bytes:
    from html import unescape

    return ENTITY.sub(lambda match: unescape(match[0].decode()).encode(), text)


# What WordPress' wp_specialchars_decode turns back with ENT_QUOTES (wp-includes/formatting.php): these five characters,
# as name or number, and nothing twice.
ENTITY = re.compile(rb"&(?:quot|lt|gt|amp|#0*(?:34|39|60|62|38)|#[xX]0*(?:22|27|26));")

KEYS: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda secret: secret,
    "base64": _unbase64,
    "hex": _unhex,
    "whsec": _whsec,  # Standard Webhooks: the prefix is optional, the rest base64
    "whsec-or-text": _whsec_or_text,  # OpenAI: base64 after the prefix, without it the text as it stands
    "nfkd": _nfkd,  # EasyPost: text in Unicode normalisation form NFKD
    "html": _html,  # WooCommerce: stored escaped for HTML, signed unescaped
}

HASHES = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512", "sha1": "sha1", "sha256": "sha256"}

TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "hex": lambda raw: raw.hex().encode(),
    "base64": base64.b64encode,
    "base64url": lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"="),
    "text": lambda raw: raw,
}


def key_of(secret: bytes, form: str) -> bytes:
    """The key bytes of a secret; raises BadKey when it does not have that form."""
    return KEYS[form](secret)


def digest(algorithm: str, key: bytes, content: bytes) -> bytes:
    """The raw digest of a symmetric algorithm."""
    if algorithm == "equal":
        return key
    if algorithm.startswith("hmac-"):
        return hmac.digest(key, content, HASHES[algorithm])
    return hashlib.new(HASHES[algorithm], content).digest()


def raw_of(text: bytes, form: str) -> bytes | None:
    """The bytes that a received digest text stands for, or None where it does not have that form."""
    try:
        if form == "hex":
            return _unhex(text)
        return _unbase64(text.translate(bytes.maketrans(b"-_", b"+/")) if form == "base64url" else text)
    except BadKey:
        return None


def same(one: bytes, other: bytes) -> bool:
    """Equality in constant time, on bytes: str would raise on non-ASCII input."""
    return hmac.compare_digest(one, other)
