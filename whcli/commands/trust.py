"""Which targets may be sent to, and with which headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..rules.outgoing import without_credentials
from ..rules.target import parse_target
from ..words.errors import WrongUsage
from ..words.event import Outgoing
from .rm import asked

if TYPE_CHECKING:
    from ..hands.sending.client import Client

UNREACHABLE = frozenset({"refused", "dns", "tls", "connect_timeout", "unreachable"})
"""Failures in which no connection came about."""


class Trust:
    """Which targets may be sent to, and with which headers: this machine, [targets], what the user confirms."""

    def __init__(self, known: Iterable[str], *, yes: bool, send_credentials: bool) -> None:
        self._known = {parse_target(url).origin for url in known}
        self._yes = yes
        self.sends_credentials = send_credentials

    async def check(self, client: Client, outgoing: Outgoing, number: int) -> Outgoing:
        """The request as it may go out, one of `number`; see `admit`."""
        stays = await self.admit(client, outgoing, number) or self.sends_credentials
        return outgoing if stays else without_credentials(outgoing)

    async def admit(self, client: Client, outgoing: Outgoing, number: int) -> bool:
        """Whether a target, to which `number` requests are to go, is this machine.

        Raises WrongUsage when it is not and the user has not vouched for it, Unreachable when its name leads nowhere.
        """
        if (await client.destination(outgoing.url)).local:
            return True
        self.allow(outgoing, number)
        return False

    def allow(self, outgoing: Outgoing, number: int) -> None:
        """Return when this target may be sent to; asks on a terminal, raises WrongUsage otherwise."""
        origin = parse_target(outgoing.url).origin
        if self._yes or origin in self._known:
            return
        question = f"Send {number} {'event' if number == 1 else 'events'} to {origin}, which is not on this machine?"
        try:
            if not asked(question, f"nothing was sent to {origin}, which is not on this machine"):
                raise WrongUsage(f"nothing was sent to {origin}", code="target_refused", next="answer y, or add --yes")
        except WrongUsage as error:
            error.code = "target_refused"
            error.next = f'{error.next}, or to whcli.toml:  [targets]  name = "{origin}"'
            raise
        self._known.add(origin)
