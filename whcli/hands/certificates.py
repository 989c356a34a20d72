"""A store's own certificate authority and certificate, for `listen --tls`; made with `cryptography`, renewed in time.

The authority is meant to be trusted by the programs on this machine, and its key lies in the store. So it can vouch for
this machine and for private networks only (name constraints, RFC 5280 section 4.2.1.10): whoever gets at the key cannot
pose as a site on the Internet. Certificates live 397 days: Apple's systems take none above 825, nor without
`serverAuth` (support.apple.com/103769, read 2026-11-26).
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..rules.text import word
from ..words.errors import StoreFailed, WrongUsage
from ..words.record import record
from .storing.private import private_file
from .vouching import constraints, is_held, is_unseen, local_name, require_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

FOLDER = "tls"
AUTHORITY, AUTHORITY_KEY = "ca.pem", "ca.key"
SERVER, SERVER_KEY = "server.pem", "server.key"
AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
EARLY = timedelta(days=30)  # before the end a new one is made
LATE = timedelta(days=1)  # before now a new one is valid: clocks differ
NAMES = ("localhost", "host.docker.internal", "127.0.0.1", "::1")  # how senders on this machine call it


@record
class Certificate:
    """What a certificate says of itself; times are unix seconds UTC."""

    path: Path
    subject: str
    names: tuple[str, ...]  # empty for an authority
    since: float
    until: float
    fingerprint: str  # SHA-256, in pairs of hexadecimal digits


@record
class Own:
    """A store's authority and certificate, ready for use."""

    authority: Path
    certificate: Path
    key: Path
    new_authority: bool  # made just now: nobody trusts it yet


def own(store: Path, hosts: Sequence[str], now: float) -> Own:
    """The store's certificate for these hosts, made or renewed where need be; `now` is unix seconds UTC.

    Only the holder of the listener's lock calls it. Raises WrongUsage for a host that the authority cannot vouch for,
    StoreFailed where the files cannot be written.
    """
    folder, at = store / FOLDER, datetime.fromtimestamp(now, UTC)
    names = list(dict.fromkeys((*NAMES, *local_name(), *hosts)))
    for name in hosts:
        require_private(name)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        authority = _authority(folder, at)
        new = authority is None
        authority = authority or _make_authority(folder, at)
        if new or not _serves(folder, authority[0], names, at):
            _make_server(folder, *authority, names, at)
    except OSError as error:
        raise StoreFailed(
            f"the certificates in {folder} cannot be written: {(error.strerror or str(error)).lower()}",
            code="store_permission",
            next=f"ls -ld {word(folder)}        shows who may",
        ) from error
    return Own(authority=folder / AUTHORITY, certificate=folder / SERVER, key=folder / SERVER_KEY, new_authority=new)


def context_of(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """What a server needs to speak TLS 1.2 or 1.3 with a certificate; raises WrongUsage for one that cannot be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        why = "the key is encrypted" if isinstance(error, EncryptedKey) else _why(error)
        raise WrongUsage(
            f"the certificate {certificate} cannot be used: {why}",
            code="bad_certificate",
            next="--cert takes a PEM file with the certificate and its chain, --key its unencrypted key",
        ) from error
    return context


class EncryptedKey(ValueError):
    """OpenSSL asks for a password; nobody is there to be asked."""


def _no_password() -> str:
    raise EncryptedKey


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return "the key belongs to another certificate"
    return str(reason or getattr(error, "strerror", None) or error).replace("_", " ").lower()


def described(store: Path) -> tuple[Certificate, Certificate] | None:
    """The authority and the certificate of a store, or None where none were made, or not by whcli for this store."""
    folder = store / FOLDER
    pair = _read(folder / AUTHORITY), _read(folder / SERVER)
    if pair[0] is None or pair[1] is None or not (is_held(pair[0]) and is_unseen(folder / AUTHORITY_KEY)):
        return None
    return _described(folder / AUTHORITY, pair[0]), _described(folder / SERVER, pair[1])


def _described(path: Path, certificate: x509.Certificate) -> Certificate:
    from cryptography.hazmat.primitives.hashes import SHA256

    return Certificate(
        path=path,
        subject=certificate.subject.rfc4514_string(),
        names=tuple(_names_of(certificate)),
        since=certificate.not_valid_before_utc.timestamp(),
        until=certificate.not_valid_after_utc.timestamp(),
        fingerprint=certificate.fingerprint(SHA256()).hex(":").upper(),
    )


# -- files ----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> x509.Certificate | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _read_key(path: Path) -> EllipticCurvePrivateKey | None:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        return None
    return key if isinstance(key, EllipticCurvePrivateKey) else None


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, for its owner alone."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(private_file(part), "wb") as file:
        file.write(data)
    part.replace(path)


# -- what is there, and what is made --------------------------------------------------------------------------------


def _authority(folder: Path, at: datetime) -> tuple[x509.Certificate, EllipticCurvePrivateKey] | None:
    """The authority, where it is whole, held to this machine, its key seen by nobody, and it lives on for a while."""
    certificate, key = _read(folder / AUTHORITY), _read_key(folder / AUTHORITY_KEY)
    if certificate is None or key is None or certificate.public_key() != key.public_key():
        return None
    if not (is_held(certificate) and is_unseen(folder / AUTHORITY_KEY)):
        return None
    return (certificate, key) if at + EARLY < certificate.not_valid_after_utc else None


def _serves(folder: Path, authority: x509.Certificate, names: Sequence[str], at: datetime) -> bool:
    """Whether the certificate is the authority's, is for all the names, and lives on for a while."""
    certificate, key = _read(folder / SERVER), _read_key(folder / SERVER_KEY)
    if certificate is None or key is None or certificate.public_key() != key.public_key():
        return False
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    alive = certificate.not_valid_before_utc <= at and at + EARLY < certificate.not_valid_after_utc
    return alive and set(names) <= set(_names_of(certificate))


def _names_of(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(each.value) for each in found]


def _make_authority(folder: Path, at: datetime) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    from cryptography import x509

    key = _new_key()
    name = _name(f"whcli on {socket.gethostname()[:40]}")
    builder = (
        _builder(name, name, key, at, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(constraints(), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = _signed(builder, key)
    _write(folder / AUTHORITY_KEY, _key_pem(key))
    _write(folder / AUTHORITY, _pem(certificate))
    return certificate, key


def _make_server(
    folder: Path, authority: x509.Certificate, signer: EllipticCurvePrivateKey, names: Sequence[str], at: datetime
) -> None:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = _new_key()
    until = min(SERVER_LIFE, authority.not_valid_after_utc - at)
    builder = (
        _builder(_name("whcli listen"), authority.subject, key, at, until)
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    certificate = _signed(builder, signer)
    _write(folder / SERVER_KEY, _key_pem(key))
    _write(folder / SERVER, _pem(certificate))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, at: datetime, life: timedelta
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - LATE)
        .not_valid_after(at + life)
    )


def _signed(builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> x509.Certificate:
    from cryptography.hazmat.primitives.hashes import SHA256

    return builder.sign(key, SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
