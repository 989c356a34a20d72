"""How a provider signs, as one row of facts.

Nearly every scheme is a point in five dimensions: algorithm, key, signed content, digest text, layout. `generic.py`
walks a row; what a row cannot say stands in a small file of its own, named by `code`.

The words of a row:

* `key`: how the secret becomes key bytes, a name in `digests.KEYS`.
* `content`: a template over `{body} {ts} {id} {url} {method} {secret}`, `{header:Name}` and `{form:name}` (that field
  where the body is a form, else the body); everything else is literal. `{url:decoded}` and `{body:escaped}` stand in
  `contents.FORMS`.
* `layout`: how the header's value is written. With a `separator` it is a list of items such as `t={ts}` and `v1={sig}`;
  several secrets repeat the signature's item.
* Timestamps travel as the exact text that was signed. `unit` says how to write and read them.
"""

from __future__ import annotations

from typing import Literal

from ...words.record import record

Algorithm = Literal[
    "hmac-sha1",
    "hmac-sha256",
    "hmac-sha512",
    "sha1",
    "sha256",
    "equal",
    "ed25519",
    "ecdsa-p256",  # DER
    "ecdsa-p256-raw",  # r and s one after the other
    "rsa-sha1",
    "rsa-sha256",
]
ASYMMETRIC = ("ed25519", "ecdsa-p256", "ecdsa-p256-raw", "rsa-sha1", "rsa-sha256")  # a key checks: nothing to compare
DigestText = Literal["hex", "base64", "base64url", "text"]
Unit = Literal["s", "ms", "rfc3339", "rfc3339ns"]


class BadKey(ValueError):
    """The secret cannot be read as this scheme's key; the text says why, never the value."""


@record
class Clock:
    """Where the signed timestamp travels and how far it may be off."""

    header: str | None = None  # None: inside the signature's layout, or at `place`
    place: str = ""  # in words, where it is neither: "webhookTimestamp in the body"
    unit: Unit = "s"
    tolerance: float | None = 300  # seconds into the past; None: the provider's SDK checks no age
    future: float | None = 300  # seconds ahead; None: timestamps ahead pass


@record
class Also:
    """One more header that carries a signature of the same content."""

    header: str
    layout: str = "{sig}"
    algorithm: Algorithm | None = None  # None: as the main header


@record
class Variant:
    """Another way of signing under the same name: what differs from the row.

    With `prefixes` the secret's form chooses it, to sign and to verify. Without, the label in the received header does:
    it is tried when verifying, and the row itself signs.
    """

    algorithm: Algorithm
    layout: str
    prefixes: tuple[str, ...] = ()  # what the secret begins with
    key: str = "text"
    content: str = ""  # empty: as the row's


@record
class Scheme:
    """How one provider signs: one row of facts, with its source and the date it was read."""

    name: str
    provider: str
    title: str
    source: str  # the provider's page, SDK file or RFC section
    read: str  # date the source was read, or the layout proven against the SDK
    secret_form: str = "any text"  # what the secret looks like and where the user finds it
    header: str = ""  # the signature's header, `{n}` for headers numbered by key; empty where it travels in the body
    algorithm: Algorithm = "hmac-sha256"
    key: str = "text"
    content: str = "{body}"
    digest: DigestText = "hex"
    layout: str = "{sig}"
    separator: str = ""
    accepts: tuple[str, ...] = ()  # further layouts of an item that the provider's SDK takes
    variants: tuple[Variant, ...] = ()
    clock: Clock | None = None
    id_header: str | None = None
    id_form: str = "{token}"  # how a new id is minted from a random token
    constants: tuple[tuple[str, str], ...] = ()  # headers that always travel along
    companions: tuple[tuple[str, str], ...] = ()  # headers the provider's SDK insists on; kept when present
    also: tuple[Also, ...] = ()
    further: tuple[str, ...] = ()  # headers that carry the signatures of further live keys; verify reads them too
    field: str = ""  # the field of a JSON body that holds the secret itself, `value[].clientState`
    code: str | None = None  # module in `schemes/` with its own sign and verify
    pair: str = ""  # how a key pair of an asymmetric scheme is written, a name in `keys.PAIRS`
    signs: bool = True  # False: only the provider can sign
    notes: tuple[str, ...] = ()

    @property
    def hashes(self) -> bool:
        """The body is signed as it stands: to verify, nothing in it is read, however large it is."""
        return self.code is None and not self.field and "{form:" not in self.content
