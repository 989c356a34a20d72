"""One run of `listen`: ready, until it ends, the last summary."""

from __future__ import annotations

import asyncio
import json as jsonlib
import os
import signal
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from ... import __version__
from ...hands.listening.listener import Listener
from ...hands.listening.lock import ListenerLock
from ...hands.listening.plan import ListenPlan
from ...hands.render import Screen, stderr, stdout
from ...hands.storing.store import Store
from ...rules.text import clip, plural, safe, size
from ...words.errors import Exit, StoreFailed, TimeRanOut, WrongUsage
from .lines import Lines, Totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...hands.listening.secure import Secure
    from ...rules.routes import Route

READY_FILE = "the ready file"
BIG_STORE = 1 << 30  # bytes; above it `listen` says so at start


class Session:
    """One run of `listen`, from ready to the summary."""

    def __init__(
        self,
        folder: Path,
        sockets: list[socket],
        plan: ListenPlan,
        *,
        count: int | None,
        timeout: float | None,
        ready_file: Path | None,
        lock: ListenerLock,
        secure: Secure | None = None,
    ) -> None:
        self._folder = folder
        self._sockets = sockets
        self._plan = plan
        self._count = count
        self._timeout = timeout
        self._ready_file = ready_file
        self._lock = lock
        self._secure = secure
        self._ended: asyncio.Event = asyncio.Event()
        self._trouble: BaseException | None = None

    async def run(self, *, quiet: bool, json: bool, colour: str) -> int:
        """Listen until Ctrl-C, SIGTERM, the count or the time; the exit code."""
        out, err = stdout(colour), stderr(colour)
        loop = asyncio.get_running_loop()
        lines = Lines(out, quiet=quiet, json=json, reached=lambda n: self._reached(loop, n))
        listener = Listener(
            self._folder,
            self._sockets,
            self._plan,
            lines,
            lock=self._lock,
            failed=lambda error: store_failed(err, error),
            broken=lambda error: self._broken(loop, error),
            secure=self._secure,
        )
        if self._plan.forwards:
            self._refuse_loop(listener)
        self._on_signals(loop, err)
        await listener.start()
        self._announce(listener, out, err, json)
        in_time = await self._until_end()
        await listener.stop()
        self._farewell(err, lines.totals, listener)
        if self._trouble is not None:
            raise self._trouble
        missing = self._count is not None and lines.totals.received < self._count and not in_time
        if missing:
            raise TimeRanOut(
                f"{lines.totals.received} of {self._count} events came within {self._timeout:g} s",
                next="whcli listen --timeout 60s        waits longer",
            )
        return Exit.DONE

    def _refuse_loop(self, listener: Listener) -> None:
        """A handler that is this very listener would echo for ever."""
        from ...rules.target import parse_target

        for route in self._plan.forwards:
            target = parse_target(route.forward or "")
            public = any(url.startswith(target.origin + "/") for url in self._public_urls())
            if public or listener.server.is_at(target.host, target.port):
                raise WrongUsage(
                    f"{target.origin} is this listener itself",
                    code="loop",
                    next="--forward takes your own handler's URL",
                )

    def _public_urls(self) -> list[str]:
        return [f"{url}/" for url in self._plan.keyring.public_urls()]

    def _broken(self, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        """Events can no longer be shown or passed on: end, and say why."""
        self._trouble = self._trouble or error
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._ended.set)

    def _on_signals(self, loop: asyncio.AbstractEventLoop, err: Screen) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted, number, err)

    def _interrupted(self, number: int, err: Screen) -> None:
        if self._ended.is_set():  # the second one: what was acknowledged is on disk already
            os._exit(Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED)
        if err.tty:
            err.say("Stopping… (Ctrl-C again to force)")
        self._ended.set()

    def _reached(self, loop: asyncio.AbstractEventLoop, shown: int) -> None:
        if self._count is not None and shown >= self._count:
            loop.call_soon_threadsafe(self._ended.set)

    async def _until_end(self) -> bool:
        """Wait for the end; False when the time ran out."""
        try:
            await asyncio.wait_for(self._ended.wait(), self._timeout)
            return True
        except TimeoutError:
            self._ended.set()
            return False

    def _announce(self, listener: Listener, out: Screen, err: Screen, json: bool) -> None:
        urls = listener.server.urls
        kinds = {url.partition(":")[0]: url for url in reversed(urls)}
        banner(err, " and ".join(reversed(kinds.values())), self._plan, listener)
        ready = {
            "schema": "whcli.ready/1",
            "event": "ready",
            "url": urls[0],
            "urls": urls,
            "pid": os.getpid(),
            "store": str(self._folder.resolve()),
        }
        listener.tell(ready)
        if self._ready_file is not None:
            from ...hands.files import write_report

            write_report(self._ready_file, jsonlib.dumps(ready) + "\n", READY_FILE)
        if json:
            out.json(ready)
            out.flush()
        elif err.tty:
            err.say("Ready. Ctrl-C to stop.  Look at what came:  whcli list")
        else:
            err.say("Ready.")

    def _farewell(self, err: Screen, totals: Totals, listener: Listener) -> None:
        removed = listener.removed
        err.say(totals.words() + (f" · {removed:,} removed (--keep {self._plan.keep.text})" if self._plan.keep else ""))
        if totals.failed or totals.unreached or totals.pending:
            err.say("Look again:  whcli list     Retry what failed:  whcli replay --failed")
        if removed:
            from ..rm import room_left

            with Store(self._folder) as store:
                space = room_left(store)
            if space:
                err.say(space)


def banner(err: Screen, where: str, plan: ListenPlan, listener: Listener) -> None:
    """Who listens where; on a terminal also what it knows and where it sends."""
    if not err.tty:
        err.say(f"whcli {__version__} listening on {where}")
    else:
        err.say((f"whcli {__version__}", "bold"), f"   listening on {where}   every method, every path")
        known = [f"{row.name} ✓ {safe(secret.label)}" for row, secret in plan.keyring.known()]
        err.say(("  secrets     ", "dim"), "   ".join(known) or "none: signatures are not checked")
        if plan.forwards:
            show_handlers(err, plan.forwards)
        used, place = listener.store.bytes_used(), safe(str(listener.store.folder))
        newest = f"newest event #{listener.started_after}" if listener.started_after else "no event yet"
        err.say(("  store       ", "dim"), f"{place}, {newest}, {size(used)}")
    if listener.server.is_open:
        err.say("it listens on every address of this machine: others can reach it too")
    if plan.idle:
        paths = clip(", ".join(map(safe, plan.idle)), 200)
        err.say(f"--forward takes every event, those for the handlers of [[routes]] in whcli.toml too: {paths}")
    if plan.keep is not None:
        now = f"{plural(listener.surplus, 'older event')} removed now, later ones" if listener.surplus else "older ones"
        err.say(f"keeping {plan.keep.words}: {now} go once they are shown and sent")
    elif listener.store.bytes_used() > BIG_STORE:
        err.say(
            f"the store holds {size(listener.store.bytes_used())}: whcli rm --older-than 30d, or listen --keep 30d, "
            "deletes what you no longer need"
        )


def show_handlers(err: Screen, forwards: Sequence[Route]) -> None:
    """Where events are sent on to; secrets in a URL are masked."""
    from ...rules.masking import shown_target

    for route in forwards:
        err.say(("  forward     ", "dim"), f"{route.path} → {shown_target(route.forward or '')}")


def store_failed(err: Screen, error: StoreFailed) -> None:
    """Say that senders get 503, and why."""
    err.say((f"⚠  {error.message}; senders get 503 until that is mended", "red"))
    err.say(f"   next: {error.next}")
