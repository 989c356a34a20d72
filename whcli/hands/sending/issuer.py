"""From a sample to a request: made now, changed as asked, signed as its provider would."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from ...rules.outgoing import replay_of
from ...rules.recognition.providers import BY_NAME
from ...rules.replaying.edit import event_edited
from ...rules.replaying.edits import Edits
from ...rules.samples import Sample, made
from ...rules.target import aim, parse_target
from ...words.errors import WrongUsage
from ...words.event import Event, Outgoing
from ...words.record import record
from ..config import Config, variable
from ..keyring import Keyring


@record
class Issued:
    """A sample as it goes out, and what is told of it."""

    sample: Sample
    outgoing: Outgoing
    missing: str | None = None  # the scheme that would have signed it, had a secret been known
    hint: str | None = None  # what to say when the handler refuses the signature


class Issuer:
    """Makes requests of samples. `scheme` forces one, else a sample's provider decides; `sign` False signs nothing."""

    def __init__(self, config: Config, keyring: Keyring, *, scheme: str | None = None, sign: bool = True) -> None:
        self._config = config
        self._keyring = keyring
        self._scheme = scheme
        self._sign = sign

    def issue(self, sample: Sample, to: str, edits: Edits) -> Issued:
        """The sample with fresh ids, as of now, to the target `to`.

        Signed by the first of its schemes that a secret is known for; where there is none, a note says what to set.
        Raises WrongUsage for edits that cannot be, and where a forced scheme cannot sign.
        """
        now, token = int(time.time() * 1000) / 1000, secrets.token_hex(16)
        event, changes = _changed(_event(sample, to, now, token), edits, sample)
        outgoing = replace(replay_of(event, parse_target(to).origin), changes=changes)
        name = self._signing(sample, event.path)
        if name is None:
            missing = next(iter(self._schemes(sample)), None) if self._sign else None
            return Issued(sample=sample, outgoing=replace(outgoing, note=self._why_unsigned(sample)), missing=missing)
        signed = self._keyring.resign(event, outgoing, scheme=name, now=now, token=token)
        return Issued(sample=sample, outgoing=replace(signed, changes=changes), hint=self._hint(name))

    def _schemes(self, sample: Sample) -> tuple[str, ...]:
        """The schemes that may sign it, the first choice first; the user's own stand before ours."""
        if named := self._scheme or sample.scheme:
            return (named,)
        own = [name for name, row in self._config.schemes.items() if sample.provider in (name, row.provider)]
        ours = BY_NAME[sample.provider].schemes if sample.provider in BY_NAME else ()
        return (*own, *ours)

    def _signing(self, sample: Sample, path: str) -> str | None:
        if not self._sign or self._scheme:
            return self._scheme
        return next((name for name in self._schemes(sample) if self._keyring.secrets(name, path)), None)

    def _why_unsigned(self, sample: Sample) -> str | None:
        """One line: what to set so that it is signed; None where it was asked for so."""
        if not self._sign:
            return None
        schemes = self._schemes(sample)
        if not schemes:
            return f"not signed: no signature scheme of {sample.provider} is known"
        row = self._keyring.scheme(schemes[0])
        paired = row.pair and not row.variants
        pair = f" to a private key (whcli schemes keygen {row.name} makes a pair)" if paired else ""
        return f"not signed: set {variable(row.name)}{pair}, or add --secret env:NAME"

    def _hint(self, name: str) -> str | None:
        paired = self._keyring.scheme(name).pair
        return f"a public key cannot sign: whcli schemes keygen {name} makes a pair" if paired else None


def _event(sample: Sample, to: str, now: float, token: str) -> Event:
    """The sample as if it had arrived where it is going."""
    message = made(sample, now=now, token=token)
    return Event(
        id=0,
        uid="",
        received_at=now,
        method=message.method.encode(),
        target=aim(to, b"/")[1],
        version="1.1",
        headers=message.headers,
        body=message.body,
    )


def _changed(event: Event, edits: Edits, sample: Sample) -> tuple[Event, tuple[str, ...]]:
    """The event with the edits applied, and what they changed; what is there is seen by a dry run."""
    try:
        return event_edited(event, edits)
    except WrongUsage as error:
        if "whcli show EVENT" in error.next:
            error.next = f"whcli send {sample.provider} {sample.type} --dry-run        shows what is there"
        raise
