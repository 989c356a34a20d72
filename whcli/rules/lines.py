"""An event in one line: the columns, their order and what each says; no stream, no colour codes.

The words carry the meaning; a style only repeats it. The left part never moves: time, number, method, path.
"""

from __future__ import annotations

from ..words.event import Delivery, Entry
from .text import Span, clip, middle, safe, size, took

SIGNATURES: dict[str, Span] = {
    "valid": ("✓ sig", "green"),
    "invalid": ("✗ sig", "red"),
    "stale": ("✗ stale", "red"),
    "unsigned": ("– unsigned", "dim"),
    "no_secret": ("– no secret", "dim"),
    "unknown": ("–", "dim"),
}

NARROW, MEDIUM = 72, 90  # columns below which a line drops size and provider, and below which it drops the latency
BODY_SHOWN = 160  # characters of a handler's reply that a line shows


def event_line(entry: Entry, clock: str, width: int, *, pending: bool = False) -> list[Span]:
    """One event; `clock` is its local time as text."""
    facts = entry.facts
    path_width = max(12, width // 5) if width < 1000 else 10_000
    type_width = max(12, width // 5) if width < 1000 else 10_000
    spans: list[Span] = [
        (clock if width >= NARROW else clock[:8], "dim"),
        (f" #{entry.id:<3}", "bold"),
        (f" {entry.method.decode('latin-1'):<4}", ""),
        (f" {middle(safe(entry.path), path_width):<16}", ""),
    ]
    if width >= NARROW:
        spans.append((f" {safe(facts.provider or '–'):<7}", "cyan"))
    spans.append((f" {clip(safe(facts.type or '–'), type_width):<20}", ""))
    if width >= NARROW:
        spans.append((f" {size(entry.size):>8}", ""))
    spans += [(" ", ""), signature(entry)]
    return spans + ([(" ", ""), *outcome(entry.last, width)] if entry.last or pending else [])


def signature(entry: Entry) -> Span:
    """The verdict, and the duplicate mark where the delivery id was seen before."""
    text, style = SIGNATURES[entry.facts.signature]
    if entry.facts.duplicate_of is None:
        return f"{text:<11}", style
    mark = text[0] if entry.facts.signature == "valid" else text
    return f"{mark} dup #{entry.facts.duplicate_of}", "yellow" if style == "green" else style


def outcome(delivery: Delivery | None, width: int = 100) -> list[Span]:
    """What came of a delivery: `→ 200  38 ms`, `→ refused`, or `→ …` while it goes on."""
    if delivery is None:
        return [("→ …", "dim")]
    if delivery.reply is None:
        return [(f"→ {delivery.failure or 'no reply'}", "red")]
    style = "green" if delivery.ok else "yellow" if delivery.reply.status < 400 else "red"
    spans: list[Span] = [(f"→ {delivery.reply.status}", style)]
    if delivery.latency is not None and width >= MEDIUM:
        spans.append((f"  {took(delivery.latency):>6}", "dim"))
    return spans


def trouble(entry: Entry) -> str | None:
    """The one line below an event where something is wrong, with the next command; else None."""
    facts, last = entry.facts, entry.last
    if last is not None and last.reply is None:
        return f"{safe(last.error or 'there was no reply')} · start it, then: whcli replay {entry.id}"
    if last is not None and last.reply is not None and not last.ok:
        body = glimpse(last.reply.body)
        return f"response: {body or 'empty'} · again: whcli replay {entry.id}"
    if facts.signature == "stale":
        return f"signature: {_when(facts.age)} · next: whcli verify {entry.id}"
    if facts.signature == "invalid":
        return f"signature: {REASONS.get(facts.reason or '', 'it does not hold')} · next: whcli verify {entry.id}"
    return None


def glimpse(body: bytes) -> str:
    """The beginning of a reply in one line."""
    return clip(safe(b" ".join(body[:600].split())), BODY_SHOWN)


REASONS = {
    "no_match": "the body, the secret or the signed time differs from what was signed",
    "header_malformed": "the signature header cannot be read",
    "timestamp_malformed": "the timestamp cannot be read",
    "timestamp_missing": "the timestamp is missing",
    "companion_missing": "a header that is part of what is signed is missing",
    "secret_malformed": "the secret does not have the form this scheme needs",
}


def _when(age: float | None) -> str:
    if age is None:
        return "the timestamp is out of tolerance"
    return f"the timestamp is {age:.0f} s old" if age >= 0 else f"the timestamp lies {-age:.0f} s ahead"


def wrong(entry: Entry) -> bool:
    """Whether a line reports something that failed: for `--quiet`."""
    failed = entry.last is not None and not entry.last.ok
    return failed or entry.facts.signature in ("invalid", "stale")
