"""Start-up: commands beside `python -c pass`, a hello-world typer app and a bare uvicorn, in turns."""

from __future__ import annotations

import hmac
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.program import environment

from .figure import Figure, alone
from .stores import filled

HELLO = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = "world") -> None:
    print("hello", name)
app()
"""
BARE = """
import sys, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", lifespan="off")
"""
TYPER_BARE = """
import typer
app = typer.Typer()
@app.command()
def main(port: int) -> None:
    import bare
app()
"""
BARS = {"sign github": 1.15, "verify github": 1.15, "list of 1,000": 1.3, "listen": 1.15}


def figures(quick: bool) -> Iterator[Figure]:
    """Ratios of medians to the hello-world; the time to a listener's first answer to uvicorn's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hello.py").write_text(HELLO)
        (folder / "bare.py").write_text(BARE)
        (folder / "typer_bare.py").write_text(TYPER_BARE)
        (folder / "body.json").write_text("{}")
        env = environment({"SECRET": "x", "PYTHONPYCACHEPREFIX": str(folder / "cache")})
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        took = commands(folder, env, 5 if quick else 25)
        yield Figure(name="python -c pass", value=took["pass"] * 1000, unit="ms")
        yield Figure(name="hello-world typer", value=took["hello"] * 1000, unit="ms")
        for name, seconds in took.items():
            if name not in ("pass", "hello"):
                yield Figure(
                    name=f"{name} to hello-world typer", value=seconds / took["hello"], unit="x", bar=BARS.get(name)
                )
        took = answers(folder, env, 2 if quick else 9)
        bare = took.pop("bare")
        yield Figure(name="first answer of uvicorn", value=bare * 1000, unit="ms")
        for name, seconds in took.items():
            yield Figure(
                name=f"first answer of {name} to uvicorn's", value=seconds / bare, unit="x", bar=BARS.get(name)
            )


def commands(folder: Path, env: dict[str, str], rounds: int) -> dict[str, float]:
    """Median seconds of each."""
    whcli = [sys.executable, "-m", "whcli"]
    secret = ["--secret", "env:SECRET", "--body-file", "body.json"]
    right = "X-Hub-Signature-256: sha256=" + hmac.new(b"x", b"{}", "sha256").hexdigest()
    wrong = "X-Hub-Signature-256: sha256=" + "0" * 64
    lines = {
        "pass": [sys.executable, "-c", "pass"],
        "hello": [sys.executable, "hello.py"],
        "--version": [*whcli, "--version"],
        "--help": [*whcli, "--help"],
        "sign github": [*whcli, "sign", "github", *secret],
        "verify github": [*whcli, "verify", "--scheme", "github", "--header", right, *secret],
        "verify github, and why it fails": [*whcli, "verify", "--scheme", "github", "--header", wrong, *secret],
        "list of 1,000": [*whcli, "list", "--store", str(filled(1000))],
    }
    took: dict[str, list[float]] = {name: [] for name in lines}
    for round in range(rounds + 1):
        for name, line in lines.items():
            began = time.perf_counter()
            subprocess.run(line, cwd=folder, env=env, capture_output=True)
            if round:  # the first one writes the bytecode
                took[name].append(time.perf_counter() - began)
    return {name: median(each) for name, each in took.items()}


def answers(folder: Path, env: dict[str, str], rounds: int) -> dict[str, float]:
    """Median seconds from start to the first answer: of a bare uvicorn, of one that typer starts, and of listeners."""
    took: dict[str, list[float]] = {}
    for round in range(rounds + 1):
        listen = ("-m", "whcli", "listen", "--store")
        lines = {
            "bare": ("bare.py",),
            "a typer app that runs uvicorn": ("typer_bare.py",),
            "listen": (*listen, "store", "--port"),
            "listen that makes its store": (*listen, f"new-{round}", "--port"),
        }
        for name, line in lines.items():
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            seconds = first_answer([sys.executable, *line, str(port)], port, folder, env)
            if round:  # the first one writes the bytecode, and the store
                took.setdefault(name, []).append(seconds)
    return {name: median(each) for name, each in took.items()}


def first_answer(line: list[str], port: int, folder: Path, env: dict[str, str]) -> float:
    began = time.perf_counter()
    process = subprocess.Popen(line, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answered(port):
            assert process.poll() is None, line
            time.sleep(0.002)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def answered(port: int) -> bool:
    body = json.dumps({"hello": "world"}).encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return connection.recv(20).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


if __name__ == "__main__":
    alone(__spec__.name)
