"""Signatures with a key pair: Ed25519, ECDSA and RSA, over the keys that `keys.py` reads.

`cryptography` is imported inside the functions that use it, so that a symmetric scheme never pays for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ...words.record import record
from .digests import BadKey
from .keys import KeyPair, keygen, kind_of, public_of, read_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.hashes import HashAlgorithm


@record
class Kind:
    """One asymmetric algorithm: the key that it needs, its hash, and how the signature's bytes are written."""

    key: Literal["Ed25519", "P-256", "P-384", "RSA"]
    hash: str = "SHA256"
    fixed: int = 0  # ECDSA: bytes each of r and s, one after the other; 0: DER
    pss: bool = False  # RSA: PSS padding in place of PKCS #1 v1.5


# ECDSA is written in two ways: DER (SendGrid), and r‖s of fixed length (JWT, RFC 7518 section 3.4; RFC 9421 section
# 3.3.4).
KINDS = {
    "ed25519": Kind(key="Ed25519"),
    "ecdsa-p256": Kind(key="P-256"),
    "ecdsa-p256-raw": Kind(key="P-256", fixed=32),
    "ecdsa-p384-raw": Kind(key="P-384", hash="SHA384", fixed=48),
    "rsa-sha1": Kind(key="RSA", hash="SHA1"),
    "rsa-sha256": Kind(key="RSA"),
    "rsa-pss-sha512": Kind(key="RSA", hash="SHA512", pss=True),
}


def sign_raw(algorithm: str, secret: bytes, content: bytes) -> bytes:
    """The signature's bytes; `secret` is a private key in any form. Raises BadKey.

    Ed25519 and PKCS #1 v1.5 always give the same bytes, ECDSA where the installed OpenSSL knows RFC 6979 (3.2).
    """
    kind = KINDS[algorithm]
    key = read_key(secret, signing=True)
    if not hasattr(key, "sign"):
        raise BadKey("is a public key instead of a private one")
    _expect(kind, key)
    if kind.key == "Ed25519":
        signature: bytes = key.sign(content)
    elif kind.key == "RSA":
        signature = key.sign(content, _padding(kind), _hash(kind))
    else:
        signature = _ecdsa_signature(kind, key, content)
    return signature


def check_raw(algorithm: str, secret: bytes, content: bytes, signature: bytes) -> bool:
    """Whether the signature's bytes hold; `secret` is a public or private key in any form. Raises BadKey."""
    kind = KINDS[algorithm]
    key = public_of(read_key(secret, signing=False))
    _expect(kind, key)
    if _holds(kind, key, content, signature):
        return True
    if kind.key == "Ed25519" and _holds(kind, public_of(read_key(secret, signing=True)), content, signature):
        raise BadKey("is a bare seed instead of a public key")
    return False


def _holds(kind: Kind, key: Any, content: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        if kind.key == "Ed25519":
            key.verify(signature, content)
        elif kind.key == "RSA":
            key.verify(signature, content, _padding(kind), _hash(kind))
        else:
            key.verify(_der(signature, kind.fixed), content, _ecdsa(kind))
    except (InvalidSignature, ValueError):  # ValueError: r and s not of their fixed length
        return False
    return True


def _ecdsa_signature(kind: Kind, key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        der = key.sign(content, _ecdsa(kind, deterministic=True))
    except UnsupportedAlgorithm:  # an OpenSSL before 3.2: the nonce is random, the signature as good
        der = key.sign(content, _ecdsa(kind))
    if not kind.fixed:
        return der
    return b"".join(number.to_bytes(kind.fixed, "big") for number in decode_dss_signature(der))


def _der(signature: bytes, fixed: int) -> bytes:
    """A signature as DER; raises ValueError when r and s do not have their length."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if not fixed:
        return signature
    if len(signature) != 2 * fixed:
        raise ValueError("r and s do not have their length")
    return encode_dss_signature(int.from_bytes(signature[:fixed], "big"), int.from_bytes(signature[fixed:], "big"))


def _hash(kind: Kind) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    chosen: HashAlgorithm = getattr(hashes, kind.hash)()
    return chosen


def _ecdsa(kind: Kind, *, deterministic: bool = False) -> ec.ECDSA:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(_hash(kind), deterministic_signing=deterministic)


def _padding(kind: Kind) -> padding.AsymmetricPadding:
    """RFC 9421 section 3.3.1 sets the salt of PSS to the hash's length."""
    from cryptography.hazmat.primitives.asymmetric import padding

    if kind.pss:
        return padding.PSS(mgf=padding.MGF1(_hash(kind)), salt_length=padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()


def _expect(kind: Kind, key: Any) -> None:
    """Raise BadKey when a key is of another kind than the algorithm's."""
    found = kind_of(public_of(key))
    if found != kind.key:
        raise BadKey(f"is of the kind {found} instead of {kind.key}")


__all__ = ["KINDS", "KeyPair", "check_raw", "keygen", "sign_raw"]
