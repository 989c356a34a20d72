"""`--probe`: how to look at the handler's visible state, and when it has come to rest."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Collection

from ...rules.replaying.probe import states_differ
from ...rules.target import parse_target
from ...words.errors import WrongUsage

PATIENCE = 30.0  # seconds that a command or a URL may take
LOOKS = 5  # times that a state is looked at within the time it may take to settle

State = Callable[[], Awaitable[bytes]]


def state_of(command: str | None, url: str | None, certificates: bool | str = True) -> State | None:
    """How to look at the handler's state: what a command prints, or what a URL answers; None when not asked."""
    if command and url:
        raise WrongUsage("--probe and --probe-url exclude each other", next="leave one out")
    if command:
        return lambda: output_of(command, "--probe")
    if url:
        parse_target(url)
        return lambda: body_of(url, certificates)
    return None


async def at_rest(state: State, before: bytes, settle: float, noise: Collection[str] = ()) -> bytes:
    """The state that a handler comes to after a delivery, for which it may take `settle` seconds.

    It is looked at every fifth of that time, and is at rest once it has changed and two looks in a row agree. While
    nothing has changed, agreement means nothing: the work in the background may not have begun.
    """
    until = time.monotonic() + settle
    found = await state()
    while time.monotonic() < until:
        await asyncio.sleep(settle / LOOKS)
        last, found = found, await state()
        if states_differ(before, found, noise) and not states_differ(last, found, noise):
            break
    return found


async def output_of(command: str, flag: str) -> bytes:
    """What a shell command of the user's prints; raises WrongUsage when it fails. It does not outlive an interruption.

    It leads a process group, so that it can be ended together with what it has started.
    """
    process = await asyncio.create_subprocess_shell(
        command, stdout=PIPE, stderr=PIPE, start_new_session=os.name == "posix"
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    except TimeoutError:
        message = f"the {flag} command had not ended after {PATIENCE:g} s"
        raise WrongUsage(message, next=f"run it by hand: {command}") from None
    finally:
        end(process)
    if process.returncode:
        said = err.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise WrongUsage(
            f"the {flag} command ended with {process.returncode}: {said[0]}", next=f"run it by hand: {command}"
        )
    return out


def end(process: Process) -> None:
    """End a command that is still running, and what it has started."""
    if process.returncode is not None:
        return
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:  # it has ended meanwhile
        pass


async def body_of(url: str, certificates: bool | str) -> bytes:
    """What a URL answers to a GET, its certificate checked as `Client` does; raises WrongUsage for anything but 2xx."""
    from ...hands.sending.client import Client
    from ...rules.target import aim
    from ...words.event import Outgoing

    address, target = aim(url, b"/", exact=True)
    host = (b"Host", parse_target(url).authority.encode())
    async with Client(timeout=PATIENCE, verify=certificates) as client:
        answer = await client.send(Outgoing(method=b"GET", url=address, target=target, headers=(host,)))
    if not 200 <= answer.reply.status < 300:
        raise WrongUsage(f"--probe-url answered {answer.reply.status}", next=f"curl -i {url}")
    return answer.reply.body
