"""A secret that the user configured: used, never shown."""

from __future__ import annotations

from collections.abc import Iterable

from .record import record

SHOWN = 4  # characters of the end that a mask may show
LONG_ENOUGH = 12  # below this length a mask shows nothing of the value


def masked(value: str) -> str:
    """`whsec_…a1b2`: enough to tell two secrets apart, never enough to use one."""
    if len(value) < LONG_ENOUGH:
        return "…"
    prefix = value[: value.find("_") + 1] if 0 < value.find("_") <= 10 else ""
    if len(value) - len(prefix) < LONG_ENOUGH:  # the underscore belongs to the secret itself: `hunter2_pass`
        prefix = ""
    return f"{prefix}…{value[-SHOWN:]}"


_KNOWN: set[bytes] = set()
TELLING = 6  # bytes of a secret from which on it is looked for in texts


def without_secrets(text: str) -> str:
    """A text in which every secret that this process has used is masked: the last gate for errors and tracebacks."""
    return without(text, _KNOWN)


def without(text: str, values: Iterable[bytes]) -> str:
    """A text in which these secrets are masked."""
    for value in sorted(values, key=len, reverse=True):
        plain = value.decode("utf-8", "surrogateescape")
        for spelling in {plain, repr(plain)[1:-1], repr(value)[2:-1]}:
            text = text.replace(spelling, masked(plain))
    return text


@record
class Secret:
    """Its bytes as the user gave them, and where they came from.

    The value stays out of `repr`, and so out of tracebacks and crash logs.
    """

    value: bytes
    label: str  # "$STRIPE_WEBHOOK_SECRET", "whcli.toml", "secret.txt"

    def __post_init__(self) -> None:
        if len(self.value) >= TELLING:
            _KNOWN.add(self.value)

    @property
    def mask(self) -> str:
        """Masked for people."""
        return masked(self.value.decode("utf-8", "backslashreplace"))

    def __repr__(self) -> str:
        return f"Secret({self.label}, {self.mask})"
