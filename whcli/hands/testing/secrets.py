"""The secrets of a test: what its listener verifies with and its sender signs with."""

from __future__ import annotations

from collections.abc import Sequence

from ...rules.signatures.testsecrets import secret_for_tests
from ...words.errors import WrongUsage
from ...words.secret import Secret
from ..config import load_config
from ..keyring import Keyring

Value = str | bytes


class WebhookSecrets:
    """Secrets by scheme, for one test; they are never shown.

    `secrets["stripe"] = "whsec_test"` says what the handler under test verifies with. `secrets["stripe"]` reads it, and
    is a test secret in the scheme's own form, the same for ever, where none is set: give it to the handler. Secrets of
    the environment (`WHCLI_SECRET_STRIPE`) and of the nearest `whcli.toml` count where a test sets none.
    """

    def __init__(self, keyring: Keyring | None = None) -> None:
        self.keyring = keyring or Keyring(load_config())
        self._receiving: dict[str, str] = {}  # what a handler needs, where it is not what signs

    def __setitem__(self, scheme: str, value: Value | Sequence[Value]) -> None:
        """Use a secret, or several: the first signs, all verify. Raises WrongUsage for an unknown scheme."""
        values = [value] if isinstance(value, Value) else list(value)
        if not all(values):
            raise WrongUsage(f"the secret for {scheme} is empty", code="no_secret", next="give the handler's own")
        self._receiving.pop(scheme, None)
        self.keyring.use(scheme, [Secret(value=_bytes(each), label="the test") for each in values])

    def __getitem__(self, scheme: str) -> str:
        """What the handler verifies with, as text: the secret, or the public key. Raises WrongUsage for no scheme."""
        row = self.keyring.scheme(scheme)
        if not self.keyring.secrets(scheme):
            fixed = secret_for_tests(row)
            self.keyring.use(scheme, [fixed.secret])
            self._receiving[scheme] = fixed.receiving
        signing = self.keyring.secrets(scheme)[0].value.decode("utf-8", "surrogateescape")
        return self._receiving.get(scheme, signing)

    def __contains__(self, scheme: str) -> bool:
        """Whether one is known, or was asked for."""
        return bool(self.keyring.secrets(scheme))


def _bytes(value: Value) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
