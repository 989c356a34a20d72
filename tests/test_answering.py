"""What is told of a reply to the threads behind the acknowledgements."""

from __future__ import annotations

from whcli.hands.config import Config
from whcli.hands.keyring import Keyring
from whcli.hands.listening.answering import Answering
from whcli.hands.listening.plan import ListenPlan
from whcli.rules.replies import Replies
from whcli.words.event import Arrival, Reply

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"


def test_a_status_can_be_asked_for_again() -> None:
    """Where the facts could not be written they are worked out once more."""
    plan = ListenPlan(replies=Replies((Reply(status=200),)), keyring=Keyring(Config()))
    answering = Answering(plan, refused=print, write=print, relay=None, confirm=None, tell=print)  # type: ignore[arg-type]
    answers: list[Reply] = []
    answering.stored(1, Arrival(1.0, HEAD, b"GET", b"/", b"", (), None), answers.append)
    assert [reply.status for reply in answers] == [426]
    assert answering.replied([1, 2]) == answering.replied([1, 2]) == [426, 200]
