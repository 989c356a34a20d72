"""The secrets of a test: what its listener verifies with and its sender signs with."""

from __future__ import annotations

from collections.abc import Sequence

from ...words.errors import WrongUsage
from ...words.secret import Secret
from ..keyring import Keyring

Value = str | bytes


class WebhookSecrets:
    """Secrets by scheme, for one test: `secrets["stripe"] = "whsec_test"`. They are never shown.

    Where a test sets none, those of the environment (`WHCLI_SECRET_STRIPE`) and of the nearest `whcli.toml` count.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    def __setitem__(self, scheme: str, value: Value | Sequence[Value]) -> None:
        """Use a secret, or several: the first signs, all verify. Raises WrongUsage for an unknown scheme."""
        values = [value] if isinstance(value, Value) else list(value)
        if not all(values):
            raise WrongUsage(f"the secret for {scheme} is empty", code="no_secret", next="give the handler's own")
        self.keyring.use(scheme, [Secret(value=_bytes(each), label="the test") for each in values])

    def __getitem__(self, scheme: str) -> str:
        """The secret that signs, as text. Raises WrongUsage where there is none."""
        known = self.keyring.secrets(self.keyring.scheme(scheme).name)
        if not known:
            raise WrongUsage(
                f"no secret for {scheme} is known", code="no_secret", next=f'secrets["{scheme}"] = ...        sets one'
            )
        return known[0].value.decode("utf-8", "surrogateescape")

    def __contains__(self, scheme: str) -> bool:
        return bool(self.keyring.secrets(scheme))


def _bytes(value: Value) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
