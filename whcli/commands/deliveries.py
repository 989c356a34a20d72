"""What commands that send have in common: one delivery in a line, and the exit code it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rules.lines import glimpse, outcome
from ..rules.masking import shown_target, shown_url
from ..rules.text import clip
from ..words.errors import Exit
from ..words.event import Delivery, Outgoing, first
from .trust import UNREACHABLE

if TYPE_CHECKING:
    from ..hands.render import Screen

METHOD = 40  # columns of a method: senders may make up their own


def say_delivery(screen: Screen, what: str, how: str, outgoing: Outgoing, delivery: Delivery) -> None:
    """`what` was sent and `how`, where to, what came back; below it what the user should know."""
    request = f"{clip(outgoing.method.decode('latin-1'), METHOD)} {shown_url(outgoing.url)}"
    screen.say((what, "bold"), f"  {request}  {how}  ", *outcome(delivery))
    for line in (outgoing.note, *outgoing.changes, delivery.error, redirection(delivery)):
        if line:
            screen.say(("     ↳ ", "dim"), shown_url(line))
    if delivery.reply and not delivery.ok and delivery.reply.body:
        screen.say(("     ↳ ", "dim"), "response: " + glimpse(delivery.reply.body))


def redirection(delivery: Delivery) -> str | None:
    """Where a 3xx points to, which nobody has asked: a secret in the request was meant for the target alone."""
    to = first(delivery.reply.headers, b"location") if delivery.reply and 300 <= delivery.reply.status < 400 else None
    return None if to is None else f"it redirects to {clip(shown_target(to), 200)}, which is not followed"


def exit_of(delivery: Delivery) -> Exit:
    """Done for a 2xx; else whether the target could not be reached, or did not take it."""
    if delivery.ok:
        return Exit.DONE
    return Exit.UNREACHABLE if delivery.failure in UNREACHABLE else Exit.DOES_NOT_HOLD
