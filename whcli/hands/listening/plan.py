"""What a listener is to do, as the user asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from ...rules.replies import Replies
from ...rules.routes import Route, route_of
from ...words.record import record
from ..keyring import Keyring
from .framing import Limits

if TYPE_CHECKING:
    from ...rules.conduct.schedules import Schedule
    from ...rules.retention import Keep


@record
class ListenPlan:
    """How it answers, verifies and forwards, and what it refuses."""

    replies: Replies
    keyring: Keyring
    forwards: Sequence[Route] = ()  # routes with a handler's URL
    idle: Sequence[str] = ()  # paths of the file's handlers that get nothing, since a flag's handler takes all
    concurrency: int = 1
    forward_timeout: float | None = 60.0  # seconds
    retries: Schedule | None = None  # a failed forward is tried again as this provider would
    compress: float = 1.0  # the waiting between attempts is divided by this
    relay: bool = False
    verify: bool = False
    send_credentials: bool = False  # to handlers on other machines
    certificates: bool | str = True  # what proves who a handler is, as `Client` takes it
    handshakes: bool = True  # answer the providers' questions; with `relay` the handler does
    verify_token: str | None = None  # what was typed into Meta's or Strava's settings
    confirm_subscriptions: bool = False  # fetch the SubscribeURL of a real SNS host
    limits: Limits = field(default_factory=Limits)
    keep: Keep | None = None  # None: nothing is removed

    def handler(self, path: str) -> str | None:
        """The handler's URL for a path, or None."""
        return route_of(self.forwards, path).forward
