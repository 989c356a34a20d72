"""`webhook_listener`: a real listener in the test's own process, and what a test asks of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from ...rules.assertions import Expected, about, failures, words
from ...rules.match import Filter, Miss, closest, compiled, differences
from ...rules.replies import Replies, checked
from ...rules.text import safe
from ...words.errors import WrongUsage
from ...words.event import SIGNATURES, Difference, Entry, Event, Reply
from ..listening.plan import ListenPlan
from ..listening.thread import ListenerThread
from ..storing.store import Store
from .inbox import Inbox, Received
from .received import ReceivedEvent
from .secrets import Value, WebhookSecrets

SETTLING = 10.0  # seconds within which what is stored must have been looked at: milliseconds, on an idle machine
JSON = (b"Content-Type", b"application/json")
OK = Reply(status=200)


class Filters(TypedDict, total=False):
    """What an event must be; every one given must hold. They mean what the flags of `whcli list` mean."""

    provider: str  # glob
    type: str  # glob, such as "charge.*"
    method: str  # glob
    path: str  # glob, such as "/hooks/*"
    signature: str  # valid, invalid, stale, unsigned, no_secret or unknown
    where: str  # JMESPath over id, method, path, query, headers, body, provider, type, signature, duplicate


class WebhookListener:
    """A listener on a free port of this machine, as `whcli listen` runs it, with a store of its own.

    `url` is where to send to; every method and path is taken. All methods may be called from any thread. They block: in
    a coroutine write `await asyncio.to_thread(webhook_listener.wait, ...)`.
    """

    def __init__(
        self, folder: Path, secrets: WebhookSecrets | None = None, *, verify: bool = False, port: int = 0
    ) -> None:
        """Listen from now on; raises CannotListen when `port` is taken. `verify`: what does not hold gets 401."""
        self.secrets = secrets or WebhookSecrets()
        self.store_folder = folder
        self._replies = Replies((OK,))
        self._inbox = Inbox(folder)
        plan = ListenPlan(replies=self._replies, keyring=self.secrets.keyring, verify=verify)
        self._thread = ListenerThread(folder, plan, self._inbox, failed=self._inbox.failed, broken=self._inbox.broken)
        self.url = f"http://127.0.0.1:{self._thread.start(port)}"
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; what has come can still be looked at."""
        if self._open:
            self._open = False
            self._thread.stop()

    # -- what came --------------------------------------------------------------------------------------------------

    @property
    def events(self) -> list[ReceivedEvent]:
        """Every event so far, in order of arrival; each request that has got its answer is among them."""
        return [event for _, event in self._settled()]

    def wait(
        self, count: int = 1, *, timeout: float = 5.0, after: Event | None = None, **filters: Unpack[Filters]
    ) -> list[ReceivedEvent]:
        """The first `count` events that match, as soon as they are there; those that came before the call count too.

        With `after` only events that arrived behind that one count. With a count of 0 it waits until `timeout` seconds
        are over, and no event may match. Raises AssertionError, naming the near misses, when the time is over first (or
        one came that may not); raises WrongUsage for a filter that can match nothing, and for a count below 0.
        """
        __tracebackhide__ = True
        wanted = filter_of(filters)
        _demand_count(count)
        behind = after.id if after is not None else 0
        found: list[Received] = []
        looked = 0

        def enough(_: int) -> bool:
            nonlocal looked
            new = self._inbox.all(looked)
            looked += len(new)
            found.extend(each for each in new if each[0].id > behind and not miss(wanted, *each))
            return len(found) >= max(count, 1)

        if self._inbox.wait(enough, timeout) == (count > 0):
            return [event for _, event in found[:count]]
        if count == 0:
            raise AssertionError(f"no event may come{words_of(filters)}, and one did:\n  {about(found[0][0])}")
        number = f"{len(found)} of {count} {_events(count)} came within {timeout:g} s"
        raise AssertionError("\n  ".join([number + words_of(filters), *self._why(wanted, behind)]))

    def assert_received(
        self,
        count: int | None = None,
        *,
        signed: bool = False,
        ordered: Sequence[str] = (),
        no_duplicates: bool = False,
        **filters: Unpack[Filters],
    ) -> list[ReceivedEvent]:
        """The events that match, which must be `count` (None: at least one); raises AssertionError otherwise.

        It looks at what has come and does not wait: whatever request has got its answer counts. `signed`: the signature
        of every one of them must hold. `ordered`: types (globs) must come in this order; others may come between them.
        `no_duplicates`: none may carry the delivery id of an earlier one.
        """
        __tracebackhide__ = True
        wanted = filter_of(filters)
        _demand_count(count or 0)
        found = [each for each in self._settled() if not miss(wanted, *each)]
        asked = Expected(
            least=1 if count is None else count, most=count, ordered=tuple(ordered), signed=signed, once=no_duplicates
        )
        failed = failures(asked, [entry for entry, _ in found])
        if failed:
            known = {entry.id: entry for entry, _ in found}
            lines = [
                f"{about(known[each.event])}, {words(each.difference)}" if each.event else words(each.difference)
                for each in failed
            ]
            lines += self._why(wanted, 0) if len(found) < asked.least else map(about, known.values())
            raise AssertionError("\n  ".join([f"{len(found)} {_events(len(found))} came{words_of(filters)}", *lines]))
        return [event for _, event in found]

    def _settled(self) -> list[Received]:
        """All events, once those that are stored by now have been looked at."""
        with Store(self.store_folder) as store:
            newest = store.last_id()
        if not self._inbox.wait(lambda cursor: cursor >= newest, SETTLING):
            raise RuntimeError(f"event #{newest} is stored and was not looked at for {SETTLING:g} s")
        return self._inbox.all()

    def _why(self, wanted: Filter, behind: int) -> list[str]:
        """What came instead, the closest first, and what went wrong."""
        came = [each for each in self._inbox.all() if each[0].id > behind]
        near = closest(wanted, [Miss(each[0], miss(wanted, *each)) for each in came])
        lines = [text for each in near for text in (f"{about(each.entry)} came close:", *map(_inner, each.differences))]
        lines += map(safe, self._inbox.complaints)
        return lines or ["nothing else came" if came else "nothing came at all"]

    # -- what is answered -------------------------------------------------------------------------------------------

    def reply_with(
        self,
        status: int = 200,
        *,
        body: str | bytes | Mapping[str, Any] | list[Any] = b"",
        headers: Mapping[str, str] | None = None,
        sequence: Sequence[int] = (),
        delay: float = 0.0,
    ) -> None:
        """Answer so from now on, until told otherwise.

        `body` as a dict or list goes out as JSON. `sequence`: the statuses for the first attempt of a delivery, the
        second one and so on, the last for all further ones; attempts are counted by the provider's delivery id, or all
        together where there is none. `delay`: seconds that the sender waits. Raises WrongUsage for what is no status,
        no header, or no delay, and on a listener that is closed.
        """
        if not self._open:
            raise WrongUsage(f"the listener at {self.url} is closed", next="webhook_listeners() makes another one")
        if not (math.isfinite(delay) and delay >= 0):
            raise WrongUsage(f"{delay} is no delay in seconds", next="use 0.5, or 0 for none")
        for each in (status, *sequence):
            if not 200 <= each <= 599:
                raise WrongUsage(f"{each} is no status to answer with", next="use 200 to 599")
        data, fields = payload(body, headers or {})
        like = Reply(status=status, headers=fields, body=data)
        replies = tuple(replace(like, status=each) for each in sequence) or (like,)
        self._thread.call(lambda: self._replies.use(replies, delay))

    def secret(self, scheme: str, value: Value | Sequence[Value]) -> None:
        """Verify what comes with this secret, or several; `webhook_sender` signs with it too. See `WebhookSecrets`."""
        self.secrets[scheme] = value


class WebhookListeners:
    """Makes listeners, each with a store of its own below `folder`; they share their secrets and one end."""

    def __init__(self, folder: Path, secrets: WebhookSecrets | None = None) -> None:
        self._folder = folder
        self._secrets = secrets or WebhookSecrets()
        self._opened = 0
        self._closing = ExitStack()

    def __call__(self, *, verify: bool = False, port: int = 0) -> WebhookListener:
        """One more listener. `verify`: a request whose signature does not hold gets 401; `port`: 0 for a free one."""
        self._opened += 1
        listener = WebhookListener(self._folder / f"webhooks-{self._opened}", self._secrets, verify=verify, port=port)
        self._closing.callback(listener.close)
        return listener

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop them all."""
        self._closing.close()


# -- filters and words ----------------------------------------------------------------------------------------------


def filter_of(filters: Filters) -> Filter:
    """The filter; raises WrongUsage for one that can match nothing, TypeError for one that there is not."""
    for name, value in filters.items():
        if not isinstance(value, str):
            raise WrongUsage(f"{name}={value!r} is no text", next="write it as text; those of `wait` are in its help")
    signature, where = filters.get("signature"), filters.get("where")
    if signature is not None and signature not in SIGNATURES:
        raise WrongUsage(f"there is no signature state '{signature}'", next="use one of " + ", ".join(SIGNATURES))
    if where is not None:
        compiled(where)
    return Filter(**filters)


def miss(wanted: Filter, entry: Entry, event: Event) -> tuple[Difference, ...]:
    """Where an event is not what was wanted."""
    return differences(wanted, entry, lambda: event)


def words_of(filters: Filters) -> str:
    """` with type=charge.*`, or nothing."""
    return " with " + ", ".join(f"{name}={value}" for name, value in filters.items()) if filters else ""


def _inner(difference: Difference) -> str:
    return f"  {words(difference)}"


def payload(body: str | bytes | Mapping[str, Any] | list[Any], headers: Mapping[str, str]) -> tuple[bytes, Any]:
    """A reply's body and headers; a Content-Type of the caller's stands."""
    fields = checked(tuple((_latin(name), _latin(value)) for name, value in headers.items()))
    if isinstance(body, bytes):
        return body, fields
    if isinstance(body, str):
        return body.encode(), fields
    typed = any(name.lower() == b"content-type" for name, _ in fields)
    return json.dumps(body).encode(), fields if typed else (*fields, JSON)


def _latin(text: str) -> bytes:
    """A header's text as its bytes; raises WrongUsage for what has none."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise WrongUsage(f"'{safe(text)}' of a reply's header is not Latin-1", next="percent-encode it") from None


def _demand_count(count: int) -> None:
    if count < 0:
        raise WrongUsage(f"{count} is no number of events", next="use 1, or 0 for none")


def _events(count: int) -> str:
    return "event" if count == 1 else "events"
