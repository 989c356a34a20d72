"""HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530).

The signature base has one line for each covered component, `"name": value`, and ends with `"@signature-params"` and the
component list exactly as it stands in Signature-Input. Which components are covered is the sender's choice, so signing
a capture again keeps its list, its label and its parameters; only times, nonce and digest are made anew.

The algorithm comes from the secret and never from the message alone: a public key must not serve as an HMAC secret for
whoever writes `alg="hmac-sha256"`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ....words.errors import WrongUsage
from ....words.event import Headers, Message, Verdict, first, joined
from ....words.secret import Secret
from .. import structured
from ..carried import Found, Malformed, Signed
from ..covered import base_of, dictionary_of
from ..digests import BadKey, digest, key_of, same
from ..scheme import Clock, Scheme
from ..structured import BadField, Inner, Item, Value
from ..weighing import age_of, refused, unreadable, weigh

INPUT = b"Signature-Input"
SIGNATURE = b"Signature"
DIGEST = b"Content-Digest"
LABEL = "sig1"
KEYID = "whcli"  # where neither the secret nor a capture names one
MOST = 16  # signatures of one message that are looked at

ROWS = (
    Scheme(
        name="rfc9421",
        provider="rfc9421",
        title="HTTP Message Signatures (RFC 9421)",
        source="https://www.rfc-editor.org/rfc/rfc9421; https://www.rfc-editor.org/rfc/rfc9530",
        read="2026-11-23",
        secret_form="[keyid=…;][alg=…;] and the key: PEM or JWK, `base64:…` or any text for hmac-sha256",
        header="Signature",
        content='"@method": {method}\\n"@target-uri": {url}\\n"content-digest": {digest}\\n"@signature-params": {list}',
        digest="base64",
        layout="{label}=:{sig}:",
        separator=", ",
        clock=Clock(header=INPUT.decode(), tolerance=300, future=60),
        code="rfc9421",
        pair="ed25519-pem",
        notes=(
            "hmac-sha256, ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384, rsa-pss-sha512, rsa-v1_5-sha256",
            'covers ("@method" "@target-uri" "content-digest" "content-type") unless a capture says otherwise',
            "a body that no covered Content-Digest protects is refused",
            "the RFC sets no age: 300 s are ours; `expires` counts too",
            "an RSA key signs rsa-pss-sha512 unless alg=rsa-v1_5-sha256 stands before it",
        ),
    ),
)

# RFC 9421 section 3.3 -> the names of `asymmetric.KINDS`.
ALGORITHMS = {
    "hmac-sha256": "hmac-sha256",
    "ed25519": "ed25519",
    "ecdsa-p256-sha256": "ecdsa-p256-raw",
    "ecdsa-p384-sha384": "ecdsa-p384-raw",
    "rsa-pss-sha512": "rsa-pss-sha512",
    "rsa-v1_5-sha256": "rsa-sha256",
}
# What a key of a kind may sign; the first is the default.
FITTING = {
    "Ed25519": ("ed25519",),
    "P-256": ("ecdsa-p256-sha256",),
    "P-384": ("ecdsa-p384-sha384",),
    "RSA": ("rsa-pss-sha512", "rsa-v1_5-sha256"),
}
HASHES = {"sha-256": "sha256", "sha-512": "sha512"}


class Listed(NamedTuple):
    """One signature of a message: what it covers, and its bytes."""

    label: str
    input: Inner
    signature: bytes


class Key(NamedTuple):
    """A secret taken apart."""

    id: str | None
    algorithms: tuple[str, ...]  # that it may be used with, the default first
    text: bytes


# -- signing --------------------------------------------------------------------------------------------------------


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign what a captured signature covers, else the recommended set; the digest is that of the body as it is now.

    Raises WrongUsage when the message lacks a component that is to be covered.
    """
    key = _key(secrets[0])
    label, components, old = _plan(message)
    message, made = _with_digest(message, components)
    algorithm = _chosen(key, old.get("alg"))
    listed = "(" + " ".join(item.text for item in components) + ")"
    listed += "".join(
        f";{name}={structured.written(value)}" for name, value in _params(old, key, algorithm, now, token)
    )
    try:
        base = base_of(message, components, listed)
    except Malformed as error:
        raise WrongUsage(
            f"rfc9421 cannot cover this message: {error.detail}", code="unsignable", next="--header 'Name: value'"
        ) from None
    signature = structured.written(_made(algorithm, key.text, base))
    made = (*made, (INPUT, f"{label}={listed}".encode()), (SIGNATURE, f"{label}={signature}".encode()))
    return Signed(headers=made, body=message.body, url=message.url)


def _with_digest(message: Message, components: Sequence[Item]) -> tuple[Message, Headers]:
    """The message with the digest of its body as it is now, where that is covered, and the header made for it."""
    if not any(item.value == "content-digest" for item in components):
        return message, ()
    made = ((DIGEST, _digest_of(message)),)
    kept = tuple(pair for pair in message.headers if pair[0].lower() != DIGEST.lower())
    return replace(message, headers=kept + made), made


def _plan(message: Message) -> tuple[str, tuple[Item, ...], dict[str, Value]]:
    """Label, components and parameters of the captured signature, else the recommended ones."""
    try:
        listed = _listed(message.headers)[0]
        return listed.label, listed.input.items, dict(listed.input.params)
    except Malformed:
        names = ["@method", "@target-uri", "content-digest"]
        names += ["content-type"] if first(message.headers, b"content-type") is not None else []
        return LABEL, tuple(Item(name, {}, f'"{name}"') for name in names), {"keyid": KEYID, "alg": ""}


def _params(old: dict[str, Value], key: Key, algorithm: str, now: float, token: str) -> list[tuple[str, Value]]:
    """The captured parameters with times, nonce and key of now; `created` comes first where there was none."""
    fresh: dict[str, Value] = {"created": int(now)} if "created" not in old else {}
    fresh |= old
    fresh["created"] = int(now)
    if isinstance(end := old.get("expires"), int):
        begin = old.get("created")
        fresh["expires"] = int(now) + (end - begin if isinstance(begin, int) else 300)
    if "nonce" in old:
        fresh["nonce"] = token
    if key.id is not None:
        fresh["keyid"] = key.id
    if "alg" in old:
        fresh["alg"] = algorithm
    return list(fresh.items())


def _digest_of(message: Message) -> bytes:
    """Content-Digest of the body, with the algorithms that the message's own header has, else sha-256."""
    try:
        given = structured.dictionary((joined(message.headers, DIGEST) or b"").decode("latin-1"))
    except BadField:
        given = {}
    names = [name for name in given if name in HASHES] or ["sha-256"]
    hashed = ((name, hashlib.new(HASHES[name], message.body).digest()) for name in names)
    return ", ".join(f"{name}={structured.written(raw)}" for name, raw in hashed).encode()


# -- keys -----------------------------------------------------------------------------------------------------------


def _key(secret: Secret) -> Key:
    """Take a secret apart: `keyid=…;alg=…;` and the key. Raises BadKey."""
    rest, said = secret.value.strip(), {}
    while match := re.match(rb"(keyid|alg)=([^;\n]*);\s*", rest):
        said[match[1].decode()] = match[2].decode("utf-8", "replace")
        rest = rest[match.end() :]
    if not said.get("keyid", "").isascii():
        raise BadKey("names a keyid that is not ASCII")
    named = said.get("alg")
    if named is not None and named not in ALGORITHMS:
        raise BadKey(f"names the algorithm {named[:30]}, which is none of {', '.join(ALGORITHMS)}")
    return Key(said.get("keyid"), _algorithms(rest, named), rest)


def _algorithms(text: bytes, named: str | None) -> tuple[str, ...]:
    """What a key may be used with: its own kind's algorithms, or HMAC for a text that is no PEM or JWK."""
    if not text.startswith((b"-----BEGIN ", b"{")):
        return (named or "hmac-sha256",)
    from ..keys import kind_of, public_of, read_key

    fitting = FITTING.get(kind_of(public_of(read_key(text, signing=False))), ())
    if not fitting or (named is not None and named not in fitting):
        raise BadKey(f"is no key for {named or 'any algorithm of RFC 9421'}")
    return (named,) if named else fitting


def _chosen(key: Key, wanted: Value | None) -> str:
    return str(wanted) if wanted in key.algorithms else key.algorithms[0]


def _made(algorithm: str, text: bytes, base: bytes) -> bytes:
    if algorithm == "hmac-sha256":
        return digest("hmac-sha256", _shared(text), base)
    from ..asymmetric import sign_raw

    return sign_raw(ALGORITHMS[algorithm], text, base)


def _shared(text: bytes) -> bytes:
    """An HMAC key: `base64:…` decoded, any other text as it is."""
    return key_of(text.removeprefix(b"base64:"), "base64" if text.startswith(b"base64:") else "text")


# -- verifying ------------------------------------------------------------------------------------------------------


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check the message's signatures: the first that holds decides, else the first. Never raises on bad input."""
    try:
        listed = _listed(message.headers)[:MOST]
    except Malformed as error:
        return unreadable(scheme, error)
    verdicts = [_judged(scheme, message, secrets, each, now, tolerance) for each in listed]
    return next((verdict for verdict in verdicts if verdict.ok), verdicts[0])


def _judged(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], listed: Listed, now: float, tolerance: float | None
) -> Verdict:
    """The verdict on one signature: its bytes, its age, its end, and whether it covers the body."""
    try:
        base = base_of(message, listed.input.items, listed.input.text)
        created = listed.input.params.get("created")
        if created is None:
            raise Malformed("timestamp_missing", f"the {INPUT.decode()} header holds no created")
        age = age_of(scheme.clock, Found(timestamp=str(created).encode()), now)
    except Malformed as error:
        return unreadable(scheme, error)
    received = structured.written(listed.signature).encode()
    verdict = weigh(scheme, secrets, received, age, tolerance, lambda secret: _holds(secret, listed, base))
    return _body_checked(_end_checked(verdict, listed, now, tolerance), message, listed)


def _holds(secret: Secret, listed: Listed, base: bytes) -> tuple[bool, bytes | None]:
    key = _key(secret)
    named = listed.input.params.get("alg")
    if named is not None and named not in key.algorithms:
        raise BadKey(f"is no key for {str(named)[:30]}, the algorithm of the signature")
    if key.id is not None and listed.input.params.get("keyid") not in (None, key.id):
        return False, None
    candidates = (str(named),) if named is not None else key.algorithms
    if candidates == ("hmac-sha256",):
        made = _made("hmac-sha256", key.text, base)
        return same(made, listed.signature), structured.written(made).encode()
    from ..asymmetric import check_raw

    return any(check_raw(ALGORITHMS[each], key.text, base, listed.signature) for each in candidates), None


def _end_checked(verdict: Verdict, listed: Listed, now: float, tolerance: float | None) -> Verdict:
    end = listed.input.params.get("expires")
    if verdict.ok and isinstance(end, int) and now - end > (tolerance or 0):
        detail = f"signature expired {now - end:.0f} s ago"
        return replace(verdict, state="stale", reason="timestamp_too_old", detail=detail)
    return verdict


def _body_checked(verdict: Verdict, message: Message, listed: Listed) -> Verdict:
    """Refuse a body whose digest is not covered or is another's (RFC 9421 section 7.2.8)."""
    try:
        digests = _covered_digests(message, listed)
    except Malformed as error:
        return refused(verdict, error.code, error.detail)
    if message.body and not digests:
        return refused(verdict, "body_unsigned", "signature holds, but it covers no Content-Digest of the body")
    for name, given in digests.items():
        if not same(hashlib.new(HASHES[name], message.body).digest(), given):
            return refused(verdict, "body_mismatch", "signature holds, but the body is not that of Content-Digest")
    return verdict


def _covered_digests(message: Message, listed: Listed) -> dict[str, bytes]:
    """The digests of known algorithms that the signature covers: all of the header's, or the members it names."""
    covering = [item for item in listed.input.items if item.value == "content-digest"]
    members = dictionary_of(message.headers, DIGEST) if covering else {}
    wanted = set(members) if any("key" not in item.params for item in covering) else set()
    wanted |= {str(item.params["key"]) for item in covering if "key" in item.params}
    found = {name: member.value for name, member in members.items() if isinstance(member, Item)}
    return {name: value for name, value in found.items() if name in wanted & set(HASHES) and isinstance(value, bytes)}


def _listed(headers: Headers) -> list[Listed]:
    """The signatures of a message, in the order of Signature-Input; raises Malformed."""
    inputs, signatures = (joined(headers, name) for name in (INPUT, SIGNATURE))
    if not inputs and not signatures:
        raise Malformed("header_missing", "there is no Signature header")
    if not inputs or not signatures:
        raise Malformed("companion_missing", f"there is no {(SIGNATURE if inputs else INPUT).decode()} header")
    covered, given = dictionary_of(headers, INPUT), dictionary_of(headers, SIGNATURE)
    found = []
    for label, inner in covered.items():
        signature = given.get(label)
        if isinstance(inner, Inner) and isinstance(signature, Item) and isinstance(signature.value, bytes):
            found.append(Listed(label, inner, signature.value))
    if not found:
        raise Malformed("header_malformed", "Signature-Input and Signature have no label in common")
    return found
