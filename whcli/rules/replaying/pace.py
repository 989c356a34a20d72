"""How fast, how late and how often, as typed: `2x`, `max`, `50/s`, `0..2s`, `10%`.

A speed or a compression is a factor that times are divided by; `max` is infinity, and leaves nothing of them.
"""

from __future__ import annotations

import math
import re

from ...words.errors import WrongUsage
from ..text import safe, seconds

ORIGINAL, MAX = 1.0, math.inf

_FACTOR = re.compile(r"([0-9]+(?:\.[0-9]+)?)x\Z")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|m|h))?\Z")
_UNIT = re.compile(r"[0-9.]+\s*(ms|s|m|h|d)\Z")
_SHARE = re.compile(r"([0-9]*\.?[0-9]+)(%?)\Z")
_PER = {"s": 1, "m": 60, "h": 3600, None: 1}


def speed_of(text: str) -> float:
    """`original`, `2x`, `0.5x` or `max` as a factor. Raises WrongUsage."""
    return ORIGINAL if text == "original" else _factor(text, "--speed", "original, 2x, 0.5x or max")


def compress_of(text: str) -> float:
    """`1000x` or `max` as a factor. Raises WrongUsage."""
    return _factor(text, "--compress", "1000x or max")


def rate_of(text: str) -> float:
    """`50/s`, `600/m`, `50` as deliveries per second. Raises WrongUsage."""
    match = _RATE.match(text.strip())
    rate = float(match[1]) / _PER[match[2]] if match else 0.0
    if not 0 < rate < math.inf:
        raise _wrong("--rate", text, "50/s, 600/m or 50")
    return rate


def range_of(text: str) -> tuple[float, float]:
    """`0..2s`, `100..500ms` or `2s` as least and most seconds; a bare beginning has the unit of the end.

    Raises WrongUsage.
    """
    least, dots, most = text.strip().partition("..")
    try:
        unit = _UNIT.match(most.strip()) if dots and not _UNIT.match(least.strip()) else None
        span = seconds(least.strip() + (unit[1] if unit else "")), seconds(most if dots else least)
    except WrongUsage:
        span = (1.0, 0.0)
    if span[0] > span[1]:
        raise _wrong("--delay", text, "0..2s, 100..500ms or 2s")
    return span


def share_of(text: str) -> float:
    """`0.1` or `10%` as a probability. Raises WrongUsage."""
    match = _SHARE.match(text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else -1
    if not 0 <= share <= 1:
        raise _wrong("--drop", text, "0.1 or 10%")
    return share


def _factor(text: str, flag: str, forms: str) -> float:
    match = _FACTOR.match(text.strip())
    factor = MAX if text.strip() == "max" else float(match[1]) if match else 0.0
    if factor <= 0 or (factor == math.inf and match):
        raise _wrong(flag, text, forms)
    return factor


def _wrong(flag: str, text: str, forms: str) -> WrongUsage:
    return WrongUsage(f"{flag} '{safe(text)}' cannot be read", next=f"write it as {forms}", code="bad_pace")
