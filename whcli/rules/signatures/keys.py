"""Keys of a pair: read in every form that providers write them in, and made for tests.

Every form is recognised by what it looks like: PEM (a key or a certificate), JWK, `whsk_` and `whpk_`, and hexadecimal
or base64 of 32 bytes, of 64 bytes (seed and public key) or of DER (PKCS #8, SubjectPublicKeyInfo).

32 bytes alone can be an Ed25519 seed or a public key. They are the seed when signing and the public key when verifying,
never both: whoever knows the public key could take it as a seed and sign. 64 bytes, `whsk_` and PEM serve for both.

`cryptography` is imported inside the functions that use it, so that a symmetric scheme never pays for it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from .digests import BadKey

SEED = 32  # bytes of an Ed25519 seed, and of a public key (RFC 8032 section 5.1.5)
HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+\Z")
PEM = b"-----BEGIN "


class KeyPair(NamedTuple):
    """A pair in the provider's own text form."""

    private: str
    public: str


# -- reading keys ---------------------------------------------------------------------------------------------------


def read_key(secret: bytes, *, signing: bool) -> Any:
    """The key in a secret, whichever form it has: one of cryptography's private or public key objects. Raises BadKey.

    `signing` decides what 32 bytes alone are: the seed when signing, else the public key.
    """
    text = secret.strip()
    if text.startswith(PEM):
        return _from_pem(text)
    if text.startswith(b"{"):
        return _from_jwk(text)
    if text.startswith((b"whsk_", b"whpk_")):
        return _from_raw(_decoded(text[5:]), private=text.startswith(b"whsk_"))
    raw = _decoded(text)
    return _from_raw(raw, private=signing) if len(raw) in (SEED, 2 * SEED) else _from_der(raw)


def _decoded(text: bytes) -> bytes:
    """Hexadecimal, else base64 in either alphabet, with or without padding."""
    if HEX.match(text) and len(text) in (2 * SEED, 4 * SEED):
        return bytes.fromhex(text.decode())
    joined = b"".join(text.split()).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(joined + b"=" * (-len(joined) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("is no key in PEM, JWK, hexadecimal or base64") from None


def _from_raw(raw: bytes, *, private: bool) -> Any:
    """An Ed25519 key of 32 bytes, or of 64: seed and public key, as libsodium and Svix write it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    if len(raw) not in (SEED, 2 * SEED):
        raise BadKey("is no Ed25519 key of 32 or 64 bytes")
    if len(raw) == SEED and not private:
        return Ed25519PublicKey.from_public_bytes(raw)
    key = Ed25519PrivateKey.from_private_bytes(raw[:SEED])
    if raw[SEED:] not in (b"", key.public_key().public_bytes_raw()):
        raise BadKey("holds a seed and a public key that do not belong together")
    return key


def _from_pem(text: bytes) -> Any:
    """A key or a certificate; in one line too, with `\\n` for line ends, as environment files hold it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form

    text = text.replace(b"\\n", b"\n")
    try:
        if text.startswith(PEM + b"CERTIFICATE"):
            from cryptography.x509 import load_pem_x509_certificate

            return load_pem_x509_certificate(text).public_key()
        if text.startswith(PEM + b"OPENSSH"):
            return form.load_ssh_private_key(text, password=None)
        if b"PUBLIC KEY" in text[:40]:
            return form.load_pem_public_key(text)
        return form.load_pem_private_key(text, password=None)
    except TypeError:
        raise BadKey("is an encrypted PEM file instead of a plain one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("is no whole PEM key or certificate") from None


def _from_der(raw: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form

    for load in (form.load_der_public_key, lambda der: form.load_der_private_key(der, password=None)):
        try:
            return load(raw)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    raise BadKey("is no key in PEM, JWK, hexadecimal or base64")


def _from_jwk(text: bytes) -> Any:
    """An elliptic curve key in RFC 7517 form, also inside `{"key": …}` as Plaid's API answers."""
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        jwk = json.loads(text)
        jwk = jwk["key"] if isinstance(jwk.get("key"), dict) else jwk
        part = {name: _decoded(jwk[name].encode()) for name in ("x", "y", "d") if name in jwk}
        if jwk["crv"] == "Ed25519":
            return _from_raw(part.get("d", part["x"]), private="d" in part)
        curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}[jwk["crv"]]()
        if "d" in part:
            return ec.derive_private_key(int.from_bytes(part["d"], "big"), curve)
        x, y = (int.from_bytes(part[name], "big") for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except BadKey:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadKey("is no JWK with an Ed25519, P-256 or P-384 key") from None


def public_of(key: Any) -> Any:
    """The public half of a key; a public key is its own."""
    return key.public_key() if hasattr(key, "public_key") else key


def kind_of(key: Any) -> str:
    """`Ed25519`, `P-256`, `P-384`, `RSA`, or the name that cryptography has for another kind."""
    if hasattr(key, "curve"):
        return {"secp256r1": "P-256", "secp384r1": "P-384"}.get(key.curve.name, str(key.curve.name))
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey")


# -- making pairs ---------------------------------------------------------------------------------------------------


def keygen(form: str) -> KeyPair:
    """A fresh pair for tests, written as `PAIRS` says; `form` is a row's `pair`."""
    kind, write = PAIRS[form]
    return write(_fresh(kind))


def _fresh(kind: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _raw_pair(key: Any) -> tuple[bytes, bytes]:
    """Seed and public key in one, and the public key alone."""
    public: bytes = key.public_key().public_bytes_raw()
    return key.private_bytes_raw() + public, public


def _as_hex(key: Any) -> KeyPair:
    private, public = _raw_pair(key)
    return KeyPair(private.hex(), public.hex())


def _as_base64(key: Any) -> KeyPair:
    private, public = _raw_pair(key)
    return KeyPair(base64.b64encode(private).decode(), base64.b64encode(public).decode())


def _as_whsk(key: Any) -> KeyPair:
    private, public = _as_base64(key)
    return KeyPair(f"whsk_{private}", f"whpk_{public}")


def _written(key: Any, encoding: Literal["PEM", "DER"]) -> tuple[bytes, bytes]:
    """PKCS #8 and SubjectPublicKeyInfo, in one of the two encodings."""
    from cryptography.hazmat.primitives import serialization as form

    chosen = form.Encoding.PEM if encoding == "PEM" else form.Encoding.DER
    private = key.private_bytes(chosen, form.PrivateFormat.PKCS8, form.NoEncryption())
    return private, key.public_key().public_bytes(chosen, form.PublicFormat.SubjectPublicKeyInfo)


def _as_pem(key: Any) -> KeyPair:
    private, public = _written(key, "PEM")
    return KeyPair(private.decode(), public.decode())


def _as_der(key: Any) -> KeyPair:
    """Base64 of DER without armour, as SendGrid shows its verification key."""
    private, public = _written(key, "DER")
    return KeyPair(base64.b64encode(private).decode(), base64.b64encode(public).decode())


def _as_jwk(key: Any) -> KeyPair:
    numbers = key.private_numbers()
    x, y, d = (
        base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        for number in (numbers.public_numbers.x, numbers.public_numbers.y, numbers.private_value)
    )
    public = {"alg": "ES256", "crv": "P-256", "kid": "whcli", "kty": "EC", "use": "sig", "x": x, "y": y}
    return KeyPair(json.dumps({**public, "d": d}), json.dumps(public))


# How a pair is written, by the provider's own habit: kind of key, and the writer.
PAIRS: dict[str, tuple[str, Callable[[Any], KeyPair]]] = {
    "ed25519-hex": ("Ed25519", _as_hex),
    "ed25519-base64": ("Ed25519", _as_base64),
    "ed25519-whsk": ("Ed25519", _as_whsk),
    "ed25519-pem": ("Ed25519", _as_pem),
    "p256-der": ("P-256", _as_der),
    "p256-jwk": ("P-256", _as_jwk),
    "p256-pem": ("P-256", _as_pem),
    "rsa-pem": ("RSA", _as_pem),
}
