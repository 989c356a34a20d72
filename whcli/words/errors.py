"""What can go wrong, and the number the shell gets.

    WhcliError
      NoReply          1   the target took the request and sent no whole reply, or none in time
      NotWritten       1   the work is done, and a file that was to tell of it cannot be written
      WrongUsage       2   the command line, the configuration, a refused target, no usable secret
      NothingMatched   3   no such event, file or store
      TimeRanOut       4   `wait` or `listen --count` ended without enough events
      Unreachable      5   the target refused, did not resolve, failed TLS or a connect time-out
      CannotListen     6   port in use, no permission
      StoreFailed      7   locked, damaged, newer version, disk full

A user's mistake is raised as one of these and translated into words once, in `cli.main`. Any other exception is a bug
of ours and becomes exit 70.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes; the README and `whcli help exit-codes` print this table."""

    DONE = 0
    DOES_NOT_HOLD = 1
    USAGE = 2
    NOTHING = 3
    TIME_OUT = 4
    UNREACHABLE = 5
    CANNOT_LISTEN = 6
    STORE = 7
    BUG = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """One line for people."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.DONE: "done, and what was asked holds",
    Exit.DOES_NOT_HOLD: "done, and what was asked does not hold: bad signature, a reply that is not 2xx or never came "
    "in time, differences, an assertion that failed",
    Exit.USAGE: "wrong usage or configuration, a refused target, no usable secret: nothing was attempted",
    Exit.NOTHING: "nothing matched: no such event, file or store",
    Exit.TIME_OUT: "`wait` or `listen --count` ran out of time",
    Exit.UNREACHABLE: "the target could not be reached (refused, DNS, TLS, connect time-out); outranks 1",
    Exit.CANNOT_LISTEN: "could not listen: port in use, no permission",
    Exit.STORE: "the store failed: locked, damaged, newer version, disk full",
    Exit.BUG: "a bug in whcli: one line, with the path of a crash log",
    Exit.INTERRUPTED: "interrupted (Ctrl-C); but `listen` drains for at most 3 s and exits 0",
    Exit.CLOSED_PIPE: "the reader of our output closed the pipe",
    Exit.TERMINATED: "terminated (SIGTERM); but `listen` drains for at most 3 s and exits 0",
}


class WhcliError(Exception):
    """Something the user can put right.

    `message` says what happened to what, `details` why (label and text, in order), `next` what to type. `code` is a
    stable word for scripts, `exit` the process's exit code, `further` what its JSON has beside these.
    """

    exit = Exit.USAGE
    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        next: str,
        code: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
        further: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next = next
        self.code = code or self.default_code
        self.details = details
        self.further = further or {}
        self._notes: list[str] = []  # ours first, then those that others add
        self._ours = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Through a process pool it comes back as it is; what cannot be made again makes the pool hang."""
        said = {"next": self.next, "code": self.code, "details": self.details, "further": self.further}
        return _again, (type(self), self.message, said)

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]  # made when it is looked at: `next` can change
        """What a traceback, and pytest, show below the message (PEP 678); `add_note` adds to it."""
        ours = [*(f"  {label}: {text}" for label, text in self.details), f"  next: {self.next}"]
        self._notes[: self._ours] = ours
        self._ours = len(ours)
        return self._notes


def _again(kind: type[WhcliError], message: str, said: dict[str, Any]) -> WhcliError:
    return kind(message, **said)


class NoReply(WhcliError):
    exit = Exit.DOES_NOT_HOLD
    default_code = "no_reply"


class NotWritten(WhcliError):
    exit = Exit.DOES_NOT_HOLD
    default_code = "not_written"


class WrongUsage(WhcliError):
    exit = Exit.USAGE
    default_code = "usage"


class NothingMatched(WhcliError):
    exit = Exit.NOTHING
    default_code = "not_found"


class TimeRanOut(WhcliError):
    exit = Exit.TIME_OUT
    default_code = "timeout"


class Unreachable(WhcliError):
    exit = Exit.UNREACHABLE
    default_code = "unreachable"


class CannotListen(WhcliError):
    exit = Exit.CANNOT_LISTEN
    default_code = "cannot_listen"


class StoreFailed(WhcliError):
    exit = Exit.STORE
    default_code = "store_failed"
