"""From a stored event to a recorded delivery."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from ..rules.outgoing import replay_of
from ..words.errors import WrongUsage
from ..words.event import Delivery, Event, Outgoing
from .deliver import deliver
from .events import Source
from .keyring import Keyring

if TYPE_CHECKING:
    from .client import Client


class Replayer:
    """Makes and sends deliveries of stored events.

    `to` is the target for all of them; without it each goes where it was delivered last, else to `fallback`. `sign`
    signs afresh where a secret is known, `scheme` forces one.
    """

    def __init__(
        self,
        source: Source,
        keyring: Keyring,
        *,
        to: str | None,
        fallback: str | None,
        exact: bool,
        sign: bool,
        scheme: str | None,
    ) -> None:
        self._source = source
        self._keyring = keyring
        self._to = to
        self._fallback = fallback
        self._exact = exact
        self._sign = sign
        self._scheme = scheme

    def outgoing(self, event: Event) -> Outgoing:
        """The request as it would go out, not signed yet; raises WrongUsage when there is nowhere to send it."""
        if self._to is not None:
            return replay_of(event, self._to, exact=self._exact)
        last = self._last_url(event)
        if last is not None:
            return replay_of(event, last, exact=True)
        if self._fallback is not None:
            return replay_of(event, self._fallback, exact=self._exact)
        raise WrongUsage(f"event #{event.id} was never delivered, so there is no target", next="add --to URL")

    def _last_url(self, event: Event) -> str | None:
        deliveries = self._source.store.deliveries(event.id) if event.id else ()
        return deliveries[-1].url if deliveries else None

    def signed(self, event: Event, outgoing: Outgoing) -> Outgoing:
        """The request with a fresh signature, as of now; see `Keyring.resign`."""
        if not self._sign:
            return outgoing
        return self._keyring.resign(event, outgoing, scheme=self._scheme, now=time.time(), token=secrets.token_hex(16))

    async def deliver(self, client: Client, event: Event, outgoing: Outgoing) -> Delivery:
        """Send it and record what came of it; an event that lives in a file alone is not recorded."""
        return self.record(await deliver(client, event.id, outgoing, "replay"))

    def record(self, delivery: Delivery) -> Delivery:
        """Keep a delivery with its event, where that is in the store."""
        if delivery.event_id:
            self._source.store.add_delivery(delivery)
        return delivery
