"""An event in one line: the columns, their order and what each says; no stream, no colour codes.

The words carry the meaning; a style only repeats it. The left part never moves: time, number, method, path.
"""

from __future__ import annotations

from ..words.event import Delivery, Entry
from .masking import shown_target
from .text import Span, clip, columns, middle, pad, safe, size, took

SIGNATURES: dict[str, Span] = {
    "valid": ("✓ sig", "green"),
    "invalid": ("✗ sig", "red"),
    "stale": ("✗ stale", "red"),
    "unsigned": ("– unsigned", "dim"),
    "no_secret": ("– no secret", "dim"),
    "unknown": ("–", "dim"),
}

NARROW, MEDIUM = 72, 90  # columns below which a line drops size and provider, and below which it drops the latency
PADDED = 104  # columns from which the parts stand below each other; a narrower terminal needs the blanks
LEAST = 4  # characters of path and type that a line keeps, however narrow the terminal
UNCUT = 1000  # columns from which nothing is cut: no terminal is so wide, a pipe is
BODY_SHOWN = 160  # characters of a handler's reply that a line shows


def event_line(entry: Entry, clock: str, width: int, *, pending: bool = False) -> list[Span]:
    """One event; `clock` is its local time as text."""
    facts = entry.facts
    verdict, style = signature(entry, short=width < PADDED)
    width = width if width < UNCUT else UNCUT**2
    most = width // 5 if width >= PADDED else width
    method = clip(entry.method.decode("latin-1"), max(12, width // 10))
    start: list[Span] = [
        (clock if width >= NARROW else clock[:8], "dim"),
        (f" #{entry.id:<3}", "bold"),
        (f" {method:<4}", ""),
    ]
    provider: list[Span] = [(f" {_wide(safe(facts.provider or '–'), 7, width)}", "cyan")]
    weight: list[Span] = [(f" {_wide(size(entry.size), -8, width)}", "")]
    end: list[Span] = [(" ", ""), (_wide(verdict.strip(), 11, width), style)]
    end += [(" ", ""), *outcome(entry.last, width)] if entry.last or pending else []
    room = width - 2 - sum(columns(text) for text, _ in (*start, *end))
    extra = sum(columns(text) for text, _ in (*provider, *weight))
    if width < NARROW or room - extra < 2 * LEAST:
        provider, weight, extra = [], [], 0
    room -= extra
    path, kind = _shared(middle(shown_target(entry.path), most), clip(safe(facts.type or "–"), most), room, width)
    return [*start, (f" {path}", ""), *provider, (f" {kind}", ""), *weight, *end]


def _wide(text: str, column: int, width: int) -> str:
    """A text as wide as its column, flush right for a negative one; as it is where the terminal has no room."""
    if width < PADDED:
        return text
    return pad(text, column)


def _shared(path: str, kind: str, room: int, width: int) -> tuple[str, str]:
    """Path and type cut to `room` characters together and padded to their columns; what the path leaves is the type's.

    The path has at least half of the room, and all that the type does not need.
    """
    least = (16, 20) if width >= PADDED else (0, 0)
    path_room = max(LEAST, room // 2, room - max(columns(kind), least[1]))
    path = pad(middle(path, path_room), min(least[0], path_room))
    kind_room = max(LEAST, room - columns(path))
    return path, pad(clip(kind, kind_room), min(least[1], kind_room))


def signature(entry: Entry, *, short: bool = False) -> Span:
    """The verdict, and the duplicate mark where the delivery id was seen before; `short`: then its sign alone."""
    text, style = SIGNATURES[entry.facts.signature]
    if entry.facts.duplicate_of is None:
        return f"{text:<11}", style
    mark = text[0] if short or entry.facts.signature == "valid" else text
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
    found = _trouble(entry)
    if entry.facts.reply is None or entry.facts.reply < 400:
        return found
    return f"answered {entry.facts.reply}" + (f" · {found}" if found else "")


def _trouble(entry: Entry) -> str | None:
    facts, last = entry.facts, entry.last
    if last is not None and last.reply is None:
        again = "start it, then" if last.failure == "refused" else "again"  # others found a handler, or no machine
        return f"{shown_target(last.error or 'there was no reply')} · {again}: whcli replay {entry.id}"
    if last is not None and last.reply is not None and not last.ok:
        body = glimpse(last.reply.body)
        return f"response: {body or 'empty'} · again: whcli replay {entry.id}"
    if facts.signature == "stale":
        return f"signature: {_when(facts.age)} · next: whcli verify {entry.id}"
    if facts.signature == "invalid":
        return f"signature: {REASONS.get(facts.reason or '', 'it does not hold')} · next: whcli verify {entry.id}"
    if facts.reason == "body_too_large":
        return f"signature: not checked, the body is too large to do so on arrival · next: whcli verify {entry.id}"
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
