"""A whole listener inside a program that does something else: on a thread, with an event loop of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from ...words.errors import StoreFailed
from ..loops import run
from ..storing.opening import make_folder
from .listener import GRACE, Listener
from .lock import ListenerLock
from .plan import ListenPlan
from .printer import Show
from .server import open_sockets

T = TypeVar("T")
PATIENCE = 30.0  # seconds for the start, and for what is asked of the loop: a busy machine is no failure


class ListenerThread:
    """Captures into a store folder from `start` to `stop`.

    `show` is told what there is to see, in a thread of the listener's; `failed` and `broken` as for `Listener`.
    """

    def __init__(
        self,
        folder: Path,
        plan: ListenPlan,
        show: Show,
        *,
        failed: Callable[[StoreFailed], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._show = show
        self._failed = failed
        self._broken = broken
        self._begun = threading.Event()
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="whcli-listener", daemon=True)
        self.port = 0

    def start(self, port: int = 0) -> int:
        """Begin to capture; the port, a free one for 0. Raises CannotListen or StoreFailed."""
        make_folder(self._folder)
        self._sockets = open_sockets(port=port)
        self.port = int(self._sockets[0].getsockname()[1])
        self._thread.start()
        self._begun.wait(PATIENCE)
        self._raise()
        return self.port

    def stop(self) -> None:
        """Answer and store what is in flight, then end; raises what broke the listener, if anything did."""
        if self._loop is not None and self._over is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(GRACE + PATIENCE)
        self._raise()

    def call(self, work: Callable[[], T]) -> T:
        """Have something done between two of the listener's requests, on its own thread."""
        done: Future[T] = Future()

        def do() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        if self._loop is None:
            raise RuntimeError("the listener has not begun")
        self._loop.call_soon_threadsafe(do)
        return done.result(PATIENCE)

    def _raise(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    def _run(self) -> None:
        try:
            run(self._life())
        except BaseException as error:
            self._trouble = self._trouble or error
        finally:
            for each in self._sockets:
                each.close()
            self._begun.set()

    async def _life(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        lock = ListenerLock(self._folder)
        listener = Listener(
            self._folder, self._sockets, self._plan, self._show, lock=lock, failed=self._failed, broken=self._ended
        )
        await listener.start()
        listener.tell({"url": listener.server.urls[0], "pid": os.getpid()})
        self._begun.set()
        await self._over.wait()
        await listener.stop()

    def _ended(self, error: BaseException) -> None:
        self._trouble = self._trouble or error
        self._broken(error)
