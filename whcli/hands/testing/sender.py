"""`webhook_sender`: signed sample events and replays, sent from the test's own process."""

from __future__ import annotations

import asyncio
import json
import secrets as random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ...rules.outgoing import replay_of
from ...rules.replaying.edit import event_edited
from ...rules.replaying.edits import Edits, edits_of
from ...rules.target import parse_target
from ...words.errors import WrongUsage
from ...words.event import Event, Outgoing, SignedMessage
from ..config import Config, load_config
from ..sending.client import Client
from ..sending.issuer import Issuer
from ..sending.samples import Samples
from .received import HandlerReply, replied
from .secrets import WebhookSecrets

Body = str | bytes | Mapping[str, Any] | list[Any]
FROM_CLIENT = (b"host", b"content-length")  # headers that every HTTP client adds by itself


class WebhookSender:
    """Sends what a provider would send, signed as it would sign it, to a handler under test.

    All methods may be called from any thread. They block until the reply is there: in a coroutine write
    `await asyncio.to_thread(webhook_sender.send, ...)`, above all where the handler runs on the same event loop.

    `to` is a URL or a name in [targets] of `whcli.toml`; without a path a replay uses the event's own. `set` changes
    values by path before signing: `{"body.data.object.amount": 9900, "headers.X-Test": "1"}`; `unset` removes them.
    `headers` are set as well, `body` stands in the place of the event's own; a dict or list becomes JSON.

    What cannot be sent raises: WrongUsage for an unknown name, a path that leads nowhere, a missing secret, or a target
    that is neither on this machine nor in [targets]; Unreachable when nothing listens there; NoReply when no whole
    reply came within `timeout` seconds. A reply is never an error, whatever its status.
    """

    def __init__(self, secrets: WebhookSecrets | None = None, config: Config | None = None) -> None:
        """With secrets of its own, and the nearest `whcli.toml`, unless others are given."""
        self.secrets = secrets or WebhookSecrets()
        self._config = config or load_config()
        self._samples = Samples(self._config.samples)

    def send(
        self,
        provider: str,
        type: str,
        *,
        to: str,
        set: Mapping[str, Any] | None = None,
        unset: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        scheme: str | None = None,
        unsigned: bool = False,
        timeout: float = 10.0,
    ) -> HandlerReply:
        """Send a sample event (`whcli send --list` shows them) with fresh ids and times; the handler's reply.

        Signed by the provider's scheme, or by `scheme`, with the secret of `secrets`; `unsigned` signs nothing.
        """
        edits = edits_from(set, unset, headers, body)
        return self._sent(self._issued(provider, type, to, edits, scheme, unsigned), timeout)

    def make(
        self,
        provider: str,
        type: str,
        *,
        to: str = "http://localhost/",
        set: Mapping[str, Any] | None = None,
        unset: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        scheme: str | None = None,
        unsigned: bool = False,
    ) -> SignedMessage:
        """The request that `send` would send, for the test client of Django, Flask or Starlette; nothing is sent.

        `to` counts where the scheme signs the URL.
        """
        outgoing = self._issued(provider, type, to, edits_from(set, unset, headers, body), scheme, unsigned)
        kept = [pair for pair in outgoing.headers if pair[0].lower() not in FROM_CLIENT]
        texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in kept}
        return SignedMessage(headers=texts, body=outgoing.body, url=outgoing.url)

    def replay(
        self,
        event: Event,
        *,
        to: str,
        set: Mapping[str, Any] | None = None,
        unset: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        scheme: str | None = None,
        resign: bool = True,
        timeout: float = 10.0,
    ) -> HandlerReply:
        """Send an event again, signed afresh; one of `webhook_listener`'s, of a `Store`, or of your own making.

        With `resign` False the old signature goes out.
        """
        changed, told = event_edited(event, edits_from(set, unset, headers, body))
        outgoing = replay_of(changed, self._target(to))
        outgoing = replace(outgoing, changes=(*told, *outgoing.changes))
        if resign:
            token = random.token_hex(16)
            outgoing = self.secrets.keyring.resign(changed, outgoing, scheme=scheme, now=time.time(), token=token)
            if outgoing.note:
                raise WrongUsage(
                    outgoing.note, code="no_secret", next="set webhook_sender.secrets, or pass resign=False"
                )
        return self._sent(outgoing, timeout)

    def _target(self, to: str) -> str:
        return self._config.target(to)

    def _issued(self, provider: str, type: str, to: str, edits: Edits, scheme: str | None, unsigned: bool) -> Outgoing:
        issuer = Issuer(self._config, self.secrets.keyring, scheme=scheme, sign=not unsigned)
        issued = issuer.issue(self._samples.one(provider, type), self._target(to), edits)
        if issued.missing is not None:
            raise WrongUsage(
                f"no secret for {issued.missing} is known",
                code="no_secret",
                next=f'give the handler webhook_sender.secrets["{issued.missing}"], or set that; or pass unsigned=True',
            )
        return issued.outgoing

    def _sent(self, outgoing: Outgoing, timeout: float) -> HandlerReply:
        """Send from a thread of its own: the caller's may run an event loop already."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="whcli-sender") as thread:
            return thread.submit(asyncio.run, self._exchange(outgoing, timeout)).result()

    async def _exchange(self, outgoing: Outgoing, limit: float) -> HandlerReply:
        async with Client(timeout=limit) as client:
            local = (await client.destination(outgoing.url)).local
            known = {parse_target(url).origin for url in self._config.targets.values()}
            origin = parse_target(outgoing.url).origin
            if not local and origin not in known:
                raise WrongUsage(
                    f"nothing was sent to {origin}, which is not on this machine",
                    code="target_refused",
                    next=f'add to whcli.toml:  [targets]  name = "{origin}"',
                )
            began = time.perf_counter()
            answer = await client.send(outgoing)
            return replied(answer.reply, time.perf_counter() - began, outgoing.signed)


def edits_from(
    set: Mapping[str, Any] | None, unset: Sequence[str], headers: Mapping[str, str] | None, body: Body | None
) -> Edits:
    """What is changed; raises WrongUsage for a path that is none."""
    return edits_of(
        set=[f"{path}={json.dumps(value)}" for path, value in (set or {}).items()],
        unset=unset,
        header=[f"{name}: {value}" for name, value in (headers or {}).items()],
        body=None if body is None else bytes_of(body),
    )


def bytes_of(body: Body) -> bytes:
    """A body's bytes: text as UTF-8, a dict or list as JSON."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()
