"""`whcli demo`: the main job, for real, in three seconds and offline."""

from __future__ import annotations

import json as jsonlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..rules.archive import line
from ..rules.signatures.schemes import scheme_named
from ..rules.signatures.signing import sign
from ..words.errors import Exit
from ..words.event import Headers, Message, Outgoing
from ..words.record import record
from ..words.secret import Secret
from .options import Colour, Json, colour_of

if TYPE_CHECKING:
    from ..hands.render import Screen

EXAMPLES = """Examples:

  whcli demo
"""

JSON_TYPE = (b"Content-Type", b"application/json")
WAIT = 20.0  # seconds after which a step that does not end has failed


@record
class Sample:
    """A webhook to send: its provider, the headers beside the signature, its body."""

    provider: str
    headers: Headers
    body: dict[str, Any]


def samples(token: str, now: int) -> tuple[Sample, ...]:
    """Three webhooks of our own making, in the shapes their providers document."""
    return (
        Sample(
            provider="github",
            headers=(
                (b"User-Agent", b"GitHub-Hookshot/demo"),
                (b"X-GitHub-Event", b"push"),
                (b"X-GitHub-Delivery", token.encode()),
            ),
            body={
                "ref": "refs/heads/main",
                "repository": {"full_name": "acme/shop"},
                "commits": [{"message": "Sell more"}],
            },
        ),
        Sample(
            provider="stripe",
            headers=((b"User-Agent", b"Stripe/1.0"),),
            body={
                "id": f"evt_{token}",
                "object": "event",
                "type": "checkout.session.completed",
                "created": now,
                "data": {"object": {"id": f"cs_test_{token}", "amount_total": 4200, "currency": "eur"}},
            },
        ),
        Sample(
            provider="slack",
            headers=((b"User-Agent", b"Slackbot 1.0"),),
            body={
                "type": "event_callback",
                "event_id": f"Ev{token[:8].upper()}",
                "event_time": now,
                "event": {"type": "app_mention", "user": "U0DEMO", "text": "<@U0BOT> what sold today?"},
            },
        ),
    )


def command(colour: Colour = "auto", json: Json = False) -> int:
    """Capture three signed webhooks, verify them, and replay one signed afresh: offline, in three seconds."""
    import tempfile

    from ..hands.render import stderr, stdout
    from .demo_handler import served

    known = {name: secrets.token_hex(16) for name in ("github", "stripe", "slack")}
    screen = stderr(colour_of(colour)) if json else stdout(colour_of(colour))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="whcli-demo-") as folder, served(known) as handler:
        demo = Demo(screen, Path(folder), known, handler)
        steps = demo.run()
    held = all(steps.values())
    if json:
        record = {"schema": "whcli.demo/1", "ok": held, "steps": steps, "seconds": round(time.monotonic() - began, 3)}
        sys.stdout.write(line(record) + "\n")
    closing(screen, steps, time.monotonic() - began)
    return Exit.DONE if held else Exit.DOES_NOT_HOLD


class Demo:
    """The steps, each a real command in a temporary folder."""

    def __init__(self, screen: Screen, folder: Path, known: Mapping[str, str], handler: str) -> None:
        self._screen = screen
        self._folder = folder
        self._known = known
        self._handler = handler
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("WHCLI_")}
        self._env |= {f"WHCLI_SECRET_{name.upper()}": value for name, value in known.items()}
        self._env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])

    def run(self) -> dict[str, bool]:
        """All steps, and whether each held."""
        say = self._screen.say
        say("Everything below runs on this machine: a listener, a handler that verifies, a sender.")
        say()
        with self._listening() as (url, listener):
            sent = self._send(url)
            listener.wait(WAIT)
        answers = self._lines("list", "--signature", "valid", "--json")
        return {
            "three webhooks were accepted": sent,
            "the listener ended by itself": listener.returncode == 0,
            "all three signatures hold": len(answers) == 3,
            "the handler accepted all three": [a["forward"] and a["forward"]["status"] for a in answers] == [204] * 3,
            "show": self._shown("show", "2") == 0,
            "verify": self._shown("verify", "2") == 0,
            "replay, signed afresh, is accepted": self._shown("replay", "2", "--to", self._handler) == 0,
            "the delivery says how it was signed": self._signed_afresh(),
        }

    @contextmanager
    def _listening(self) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """A listener that ends after three events; its URL."""
        ready = self._folder / "ready.json"
        arguments = ["listen", "--port", "0", "--forward", self._handler, "--count", "3", "--timeout", f"{WAIT:g}"]
        self._prompt(arguments)
        listener = subprocess.Popen(
            self._command([*arguments, "--ready-file", str(ready), "--color", self._colour()]),
            cwd=self._folder,
            env=self._env,
            stdout=None if self._screen.stream is sys.stdout else sys.stderr,
            text=True,
        )
        try:
            yield self._when_ready(ready, listener), listener
        finally:
            listener.kill()
            listener.wait()

    def _when_ready(self, ready: Path, listener: subprocess.Popen[str]) -> str:
        deadline = time.monotonic() + WAIT
        while not ready.exists() and listener.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        url: str = jsonlib.loads(ready.read_text())["url"]
        return url

    def _send(self, url: str) -> bool:
        """Three webhooks, signed with the random secrets of this run; whether all were answered 200."""
        import asyncio

        return asyncio.run(self._sent(url)) == [200, 200, 200]

    async def _sent(self, url: str) -> list[int]:
        from ..hands.sending.client import Client

        now = time.time()
        statuses = []
        async with Client(timeout=WAIT) as client:
            for sample in samples(secrets.token_hex(8), int(now)):
                answer = await client.send(self._outgoing(sample, url, now))
                statuses.append(answer.reply.status)
        return statuses

    def _outgoing(self, sample: Sample, url: str, now: float) -> Outgoing:
        body = jsonlib.dumps(sample.body).encode()
        secret = Secret(value=self._known[sample.provider].encode(), label="demo")
        message = Message(method="POST", url=f"{url}/{sample.provider}", headers=sample.headers, body=body)
        signed = sign(scheme_named(sample.provider), message, [secret], now=now, token=secrets.token_hex(16))
        host = (b"Host", url.partition("://")[2].encode())
        length = (b"Content-Length", str(len(body)).encode())
        return Outgoing(
            method=b"POST",
            url=message.url,
            target=f"/{sample.provider}".encode(),
            headers=(host, *sample.headers, JSON_TYPE, *signed.headers, length),
            body=body,
        )

    def _shown(self, *arguments: str) -> int:
        """Run a command with its output shown; its exit code."""
        self._screen.say()
        self._prompt(arguments)
        done = subprocess.run(
            self._command([*arguments, "--color", self._colour()]),
            cwd=self._folder,
            env=self._env,
            stdout=None if self._screen.stream is sys.stdout else sys.stderr,
            timeout=WAIT,
            check=False,
        )
        return done.returncode

    def _lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command quietly; the JSON objects it printed."""
        done = subprocess.run(
            self._command(arguments), cwd=self._folder, env=self._env, capture_output=True, timeout=WAIT, check=False
        )
        return [jsonlib.loads(text) for text in done.stdout.splitlines()]

    def _signed_afresh(self) -> bool:
        [event] = self._lines("show", "2", "--json")
        last = event["deliveries"][-1]
        return bool(last["signed"] == "stripe" and last["status"] == 204)

    def _prompt(self, arguments: Sequence[str]) -> None:
        self._screen.say(("$ whcli " + " ".join(arguments), "bold"))

    def _colour(self) -> str:
        return "always" if self._screen.colour else "never"

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "whcli", *arguments]


def closing(screen: Screen, steps: Mapping[str, bool], took: float) -> None:
    """What held, and what to type next."""
    screen.say()
    for step, held in steps.items():
        if not held:
            screen.say(("✗ ", "red"), f"this step failed: {step}")
    if all(steps.values()):
        screen.say(
            ("✓ ", "green"),
            f"three webhooks captured, verified and forwarded, one replayed signed afresh ({took:.1f} s)",
        )
        screen.say()
        screen.say("Now with your own handler:")
        screen.say("  whcli listen --forward http://localhost:3000     capture and pass on whatever comes")
        screen.say("  whcli replay latest                              send the last one again, signed afresh")
        screen.say("  whcli --help                                     everything else")
