"""Everything in `examples/` works, with real payload shapes, real sockets and a receiver that verifies by itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.program import ROOT, environment, listening, until, whcli
from tests.wire import Wire

EXAMPLES = ROOT / "examples"
SECRETS = {
    "STRIPE_WEBHOOK_SECRET": "whsec_example",
    "GITHUB_WEBHOOK_SECRET": "github example",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "SHOPIFY_SECRET": "hush",
}
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
PAYLOADS = {
    "github-push.json": ("github", "push", [JSON, "X-GitHub-Event: push", "X-GitHub-Delivery: d-1"]),
    "github-pull_request.json": (
        "github",
        "pull_request.opened",
        [JSON, "X-GitHub-Event: pull_request", "X-GitHub-Delivery: d-2"],
    ),
    "github-ping.json": ("github", "ping", [JSON, "X-GitHub-Event: ping", "X-GitHub-Delivery: d-3"]),
    "stripe-checkout.session.completed.json": ("stripe", "checkout.session.completed", [JSON]),
    "stripe-charge.succeeded.json": ("stripe", "charge.succeeded", [JSON]),
    "slack-event_callback.json": ("slack", "app_mention", [JSON]),
    "slack-slash-command.form": ("slack", "/deploy", [FORM]),
    "shopify-orders-create.json": ("shopify", "orders/create", [JSON, "X-Shopify-Topic: orders/create"]),
}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[str]:
    """examples/receiver.py in a process of its own; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "receiver.py"), str(port)],
        env=environment(SECRETS),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def signed_headers(name: str, scheme: str, headers: list[str], folder: Path, *more: str) -> list[tuple[str, str]]:
    """All headers of a payload, signed by `whcli sign`."""
    given = [part for header in headers for part in ("-H", header)]
    arguments = ("sign", scheme, "--body-file", str(EXAMPLES / "payloads" / name), *given, *more, "--json")
    # The secrets come from whcli.toml in the folder, or from a flag.
    [signed] = whcli(*arguments, folder=folder, env=SECRETS).lines
    made = {key.lower() for key, _ in signed["headers"]}
    pairs = [(key, value.strip()) for key, _, value in (header.partition(":") for header in headers)]
    return [pair for pair in pairs if pair[0].lower() not in made] + [(key, value) for key, value in signed["headers"]]


def by_socket(port: int, path: str, headers: list[tuple[str, str]], body: bytes) -> int:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = f"POST {path} HTTP/1.1\r\nHost: example.dev\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    with Wire(port) as wire:
        wire.send(head.encode() + body)
        return wire.response().status


def by_httpx(port: int, path: str, headers: list[tuple[str, str]], body: bytes) -> int:
    with httpx.Client(trust_env=False) as client:
        return client.post(f"http://127.0.0.1:{port}{path}", content=body, headers=headers).status_code


@pytest.mark.parametrize("send", [by_socket, by_httpx], ids=["raw socket", "httpx"])
def test_real_payload_shapes_are_captured_forwarded_and_replayed_to_a_receiver_that_verifies(
    tmp_path: Path, receiver: str, send: object
) -> None:
    (tmp_path / "whcli.toml").write_text(
        (EXAMPLES / "whcli.toml").read_text().replace("http://127.0.0.1:3000", receiver)
    )
    with listening("--count", str(len(PAYLOADS)), "--json", folder=tmp_path, env=SECRETS) as listener:
        for name, (provider, _, headers) in PAYLOADS.items():
            body = (EXAMPLES / "payloads" / name).read_bytes()
            sent = signed_headers(name, provider, headers, tmp_path)
            assert send(listener.port, f"/{provider}/hooks?x=%2F", sent, body) == 200  # type: ignore[operator]
        _, *events = listener.wait().lines
    wanted = [(provider, type, "valid", 200) for provider, type, _ in PAYLOADS.values()]
    seen = [(e["provider"], e["type"], e["signature"]["state"], e["forward"]["status"]) for e in events]
    assert seen == wanted
    for number, name in enumerate(PAYLOADS, start=1):
        kept = whcli("show", str(number), "--body", folder=tmp_path).raw
        assert kept == (EXAMPLES / "payloads" / name).read_bytes()
    replayed = whcli("replay", "all", "--to", receiver, "--json", folder=tmp_path, env=SECRETS)
    assert replayed.code == 0
    assert [line["signed"] for line in replayed.lines] == [provider for provider, _, _ in PAYLOADS.values()]


def test_what_was_signed_long_ago_is_refused_as_it_is_and_accepted_signed_afresh(tmp_path: Path, receiver: str) -> None:
    name = "stripe-charge.succeeded.json"
    old = ("--timestamp", str(int(time.time()) - 900), "--secret", "env:STRIPE_WEBHOOK_SECRET")
    body = (EXAMPLES / "payloads" / name).read_bytes()
    with listening("--count", "1", folder=tmp_path) as listener:
        assert by_socket(listener.port, "/stripe", signed_headers(name, "stripe", [JSON], tmp_path, *old), body) == 200
        listener.wait()
    env = {"WHCLI_SECRET_STRIPE": SECRETS["STRIPE_WEBHOOK_SECRET"]}
    stale = whcli("replay", "1", "--to", receiver, "--no-resign", folder=tmp_path, env=env)
    assert stale.code == 1 and "→ 400" in stale.out and "invalid signature" in stale.out
    assert whcli("replay", "1", "--to", receiver, folder=tmp_path, env=env).code == 0


@pytest.mark.parametrize("folder", ["pytest_asyncio", "pytest_flask"])
def test_the_example_of_the_pytest_plugin_passes(folder: str, tmp_path: Path) -> None:
    others = {"pytest_flask": ["-p", "no:asyncio"], "pytest_asyncio": []}[folder]
    assert "3 passed" in passed(folder, *others)


def passed(folder: str, *arguments: str) -> str:
    """What pytest says of an example, run as its reader would; `pytest.ini` of the example alone counts."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django", *arguments]
    done = subprocess.run(command, cwd=EXAMPLES / folder, env=environment(), capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_the_script_for_ci_runs_as_it_stands(tmp_path: Path, receiver: str) -> None:
    program = tmp_path / "bin" / "whcli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m whcli "$@"\n')
    program.chmod(0o755)
    env = environment({"STRIPE_WEBHOOK_SECRET": "whsec_example", "HANDLER": receiver})
    env["PATH"] = f"{program.parent}{os.pathsep}{env['PATH']}"
    script = EXAMPLES / "capture_and_replay.sh"
    done = subprocess.run(["sh", str(script)], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("signature holds") == 2 and "2 ok." in done.stdout
