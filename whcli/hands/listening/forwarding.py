"""How events are sent on to the user's handler; `forwarder.py` does it, and is read in when there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...words.event import Event
from ...words.record import record

if TYPE_CHECKING:
    from ...rules.conduct.schedules import Schedule

Target = Callable[[Event], str | None]
"""The handler's URL for an event, or None when it is not forwarded."""


@record
class Forwarding:
    """To which URL, how many at a time, and how long a handler may take (None for ever)."""

    target: Target
    concurrency: int = 1
    timeout: float | None = 60.0  # seconds
    send_credentials: bool = False  # captured Authorization, cookies and tokens go to other machines too
    certificates: bool | str = True  # what proves who a handler is, as `Client` takes it
    relay: bool = False  # the handler's reply goes to the sender: no forwarding behind its back
    schedule: Schedule | None = None  # what fails is tried again as this provider would
    compress: float = 1.0  # the waiting between attempts is divided by this


NO_FORWARDING = Forwarding(target=lambda _: None)
