"""What `listen` shows: a line an event, a counter in a burst, the totals at the end."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from ...hands.listening.connections import Refusal
from ...hands.render import Screen, stderr
from ...rules.archive import entry_json, outcome_json
from ...rules.lines import event_line, outcome, trouble, wrong
from ...rules.text import rfc3339, safe
from ...words.event import Entry

BURST = 50  # events a second above which a terminal gets a counter instead of lines


class Totals:
    """What the listener counts for its last line."""

    def __init__(self) -> None:
        self.received = self.refused = 0
        self.ok = self.failed = self.unreached = self.pending = 0  # of the forwards
        self.duplicates = self.signatures = 0

    def add(self, entry: Entry, *, pending: bool = False) -> None:
        """Count an event."""
        self.received += 1
        self.pending += pending
        self.duplicates += entry.facts.duplicate_of is not None
        self.signatures += entry.facts.signature in ("invalid", "stale")
        self.outcome(entry)

    def outcome(self, entry: Entry) -> None:
        """Count what came of its delivery."""
        if entry.last is not None:
            self.ok += entry.last.ok
            self.failed += entry.last.reply is not None and not entry.last.ok
            self.unreached += entry.last.reply is None

    def words(self) -> str:
        """`6 received · 3 forwarded ok · ...`, without what did not happen."""
        named = (
            (self.ok, "forwarded ok"),
            (self.failed, "answered other than 2xx"),
            (self.unreached, "not delivered"),
            (self.pending, "still on the way"),
            (self.refused, "refused"),
            (self.duplicates, "duplicate" if self.duplicates == 1 else "duplicates"),
            (self.signatures, "signature problem" if self.signatures == 1 else "signature problems"),
        )
        return " · ".join([f"{self.received} received", *(f"{number} {word}" for number, word in named if number)])


class Lines:
    """Shows events as they are handled; runs in the printer's thread."""

    def __init__(self, screen: Screen, *, quiet: bool, json: bool, reached: Any) -> None:
        self._screen = screen
        screen.eager = False  # many lines at a time go out in `rest`
        self._quiet = quiet
        self._json = json
        self._reached = reached  # called with the number shown so far
        self._day = ""
        self._recent = (0.0, 0)  # the second and how many events it had
        self._counting = False  # a burst: a counter stands in place of lines
        self._counter = 0.0  # when it was last drawn
        self._gone = False
        self.totals = Totals()

    def entry(self, entry: Entry, *, pending: bool, behind: int, note: str | None) -> None:
        """One line an event; on a terminal a counter while more than BURST come in a second."""
        self.totals.add(entry, pending=pending)
        if self._json:
            self._write(lambda: self._screen.json({**entry_json(entry), "note": note}))
        elif self._screen.tty and self._busy(behind):
            self._counting = True
            self._count()
        elif not self._quiet or wrong(entry):
            self._end_count()
            self._write(lambda: self._show(entry, pending, note))
        self._reached(self.totals.received)

    def outcome(self, entry: Entry) -> None:
        """The end of a delivery whose event was shown before."""
        self.totals.outcome(entry)
        self.totals.pending -= 1
        if self._json:
            self._write(lambda: self._screen.json(outcome_line(entry)))
        elif self._counting:
            self._count()
        elif not self._quiet or wrong(entry):
            took = [(f"             ↳ #{entry.id} ", ""), *outcome(entry.last)]
            self._write(lambda: self._screen.say(*took))

    def rest(self, *, last: bool) -> float | None:
        """What was written goes out. A burst's counter is brought up to date, and ends when the burst has."""
        self._write(self._screen.flush)
        if not self._counting:
            return None
        if last or time.monotonic() - self._recent[0] >= 1:
            self._end_count()
            return None
        self._count()
        return 0.5

    def refusal(self, refusal: Refusal) -> None:
        """A request that was no event."""
        self.totals.refused += 1
        peer = (refusal.peer or "an unknown peer").rpartition(":")[0] or "an unknown peer"
        if self._json:
            self._write(lambda: self._screen.json(refusal_json(refusal)))
            return
        status = f" {refusal.status}" if refusal.status else ""
        words = f" ⚠  rejected{status} from {safe(peer)}: {safe(refusal.reason)}"
        self._write(lambda: self._screen.say((self._clock(refusal.received_at), "dim"), (words, "yellow")))

    def tell(self, text: str) -> None:
        """A sentence of its own."""
        if self._json:
            self._write(lambda: self._screen.json({"schema": "whcli.note/1", "note": text}))
        else:
            self._write(lambda: self._screen.say(("             ↳ ", "dim"), text))

    def _show(self, entry: Entry, pending: bool, note: str | None) -> None:
        self._screen.say(*event_line(entry, self._clock(entry.received_at), self._screen.width, pending=pending))
        note = note or trouble(entry)
        if note:
            self._screen.say(("             ↳ ", "dim"), note)

    def _clock(self, at: float) -> str:
        """Local time; the date is shown when it changes."""
        local = time.localtime(at)
        day = time.strftime("%Y-%m-%d", local)
        if self._day and day != self._day:
            self._screen.say((f"── {day} ──", "dim"))
        self._day = day
        return time.strftime("%H:%M:%S", local) + f".{int(at % 1 * 1000):03d}"

    def _busy(self, behind: int) -> bool:
        now = time.monotonic()
        start, number = self._recent
        self._recent = (start, number + 1) if now - start < 1 else (now, 1)
        return self._recent[1] + behind > BURST

    def _count(self, *, now: bool = False) -> None:
        """Draw the counter line, at most twice a second unless it has to be `now`."""
        if not now and time.monotonic() - self._counter < 0.5:
            return
        self._counter = time.monotonic()
        totals = self.totals
        failed = totals.failed + totals.unreached + totals.signatures
        self._write(lambda: self._raw(f"\r\x1b[K… {totals.received} events, {failed} failed"))

    def _end_count(self) -> None:
        """Leave the counter line as it finally stands."""
        if self._counting:
            self._count(now=True)
            self._counting = False
            self._write(lambda: self._raw("\n"))

    def _raw(self, text: str) -> None:
        self._screen.stream.write(text)
        self._screen.stream.flush()

    def _write(self, show: Any) -> None:
        """A reader that has gone must not end the listener."""
        if self._gone:
            return
        try:
            show()
        except (OSError, ValueError):
            self._gone = True
            say_closed()


def say_closed() -> None:
    """Nobody reads our results any more; the capture goes on."""
    with suppress(OSError, ValueError):
        stderr().say("standard output cannot be written; still capturing")


def outcome_line(entry: Entry) -> dict[str, Any]:
    """The end of a delivery as JSON, where its event's line had to go out before."""
    forward = outcome_json(entry.last) if entry.last else None
    return {"schema": "whcli.outcome/1", "id": entry.id, "uid": entry.uid, "forward": forward}


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """A refusal as JSON."""
    return {
        "schema": "whcli.refusal/1",
        "received_at": rfc3339(refusal.received_at),
        "peer": refusal.peer,
        "status": refusal.status,
        "reason": refusal.reason,
        "start": refusal.start.decode("latin-1"),
    }
