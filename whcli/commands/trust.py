"""Which targets may be sent to, and with which headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..rules.outgoing import parse_target, without_credentials
from ..words.errors import WrongUsage
from ..words.event import Outgoing
from .rm import asked

if TYPE_CHECKING:
    from ..hands.client import Client

UNREACHABLE = frozenset({"refused", "dns", "tls", "connect_timeout", "unreachable"})
"""Failures in which no connection came about."""


class Trust:
    """Which targets may be sent to, and with which headers: this machine, [targets], what the user confirms."""

    def __init__(self, known: Iterable[str], *, yes: bool, send_credentials: bool) -> None:
        self._known = {parse_target(url).origin for url in known}
        self._yes = yes
        self._send_credentials = send_credentials

    async def check(self, client: Client, outgoing: Outgoing, number: int) -> Outgoing:
        """The request as it may go out, one of `number`.

        Raises WrongUsage when the target is not to be sent to, Unreachable when its name cannot be looked up.
        """
        if (await client.destination(outgoing.url)).local:
            return outgoing
        self.allow(outgoing, number)
        return outgoing if self._send_credentials else without_credentials(outgoing)

    def allow(self, outgoing: Outgoing, number: int) -> None:
        """Return when this target may be sent to; asks on a terminal, raises WrongUsage otherwise."""
        origin = parse_target(outgoing.url).origin
        if self._yes or origin in self._known:
            return
        question = f"Send {number} {'event' if number == 1 else 'events'} to {origin}, which is not on this machine?"
        try:
            if not asked(question):
                raise WrongUsage(f"nothing was sent to {origin}", code="target_refused", next="answer y, or add --yes")
        except WrongUsage as error:
            error.code = "target_refused"
            error.next = f'{error.next}, or to whcli.toml:  [targets]  name = "{origin}"'
            raise
        self._known.add(origin)
