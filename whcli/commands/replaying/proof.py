"""`--probe`: the handler's visible state before, after the first and after each further delivery."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from ...rules.outgoing import parse_target
from ...words.errors import WrongUsage

PATIENCE = 30.0  # seconds that a command or a URL may take

State = Callable[[], bytes]


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


def output_of(command: str, flag: str) -> bytes:
    """What a shell command of the user's prints; raises WrongUsage when it fails."""
    try:
        done = subprocess.run(command, shell=True, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S602
    except subprocess.TimeoutExpired:
        message = f"the {flag} command had not ended after {PATIENCE:g} s"
        raise WrongUsage(message, next=f"run it by hand: {command}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise WrongUsage(
            f"the {flag} command ended with {done.returncode}: {said[0]}", next=f"run it by hand: {command}"
        )
    return done.stdout


def body_of(url: str, certificates: bool | str) -> bytes:
    """What a URL answers to a GET, its certificate checked as `Client` does; raises WrongUsage for anything but 2xx."""
    import asyncio

    from ...hands.sending.client import Client
    from ...rules.outgoing import aim
    from ...words.event import Outgoing

    address, target = aim(url, b"/", exact=True)
    host = (b"Host", parse_target(url).authority.encode())

    async def get() -> bytes:
        async with Client(timeout=PATIENCE, verify=certificates) as client:
            answer = await client.send(Outgoing(method=b"GET", url=address, target=target, headers=(host,)))
        if not 200 <= answer.reply.status < 300:
            raise WrongUsage(f"--probe-url answered {answer.reply.status}", next=f"curl -i {url}")
        return answer.reply.body

    return asyncio.run(get())
