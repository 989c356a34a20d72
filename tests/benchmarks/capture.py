"""Capture: `whcli listen` with durable commits and its output in a pipe, beside servers that store nothing, and others.

    python -m tests.benchmarks.capture        needs wrk (Debian package) on PATH

Every server runs on one core, wrk on another, 1.2 kB JSON bodies, keep-alive. The rounds of all servers are
interleaved, and a server whose round it is not is stopped: a listener still works on what it has acknowledged. A ratio
is the median over the rounds of what both did in the same round. `CONNECTIONS=16 SERVERS=whcli,bare` narrows it. CPU
per request is measured too: user and system time of the server's process, which other programs disturb less.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from tests.program import ROOT, environment, until

from .figure import Figure, alone

NEEDS = ("wrk", "taskset")
ROUNDS = 5
SECONDS = 4
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
BODY = json.dumps({"id": "evt_1", "type": "charge.succeeded", "data": {"object": "x" * 1130}})
WRK = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["User-Agent"] = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
wrk.headers["Stripe-Signature"] = "t=1795460250,v1={"0" * 64}"
wrk.body = '{BODY}'
done = function(summary, latency, requests)
  io.write(string.format("FIGURES %d %d %f %f %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status + summary.errors.connect
    + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""

BARE = """
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def catch(request):
    await request.body()
    return Response()

app = Starlette(routes=[Route("/{path:path}", catch, methods=["POST"])])
"""
HTTPSERVER = """
import sys, time
from pytest_httpserver import HTTPServer
server = HTTPServer(port=int(sys.argv[1]))
server.expect_request("/hook").respond_with_data("")
server.start()
time.sleep(3600)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What wrk measured in one round against one server."""

    rate: float  # requests per second
    p50: float  # milliseconds
    p99: float  # milliseconds
    cpu: float  # microseconds of the server's time per request
    errors: int


def uvicorn(module: str, port: int) -> list[str]:
    """Stock uvicorn with httptools and uvloop."""
    flags = ["--http", "httptools", "--loop", "uvloop", "--log-level", "critical", "--no-access-log"]
    return [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port), *flags]


def command(server: str, port: int) -> list[str]:
    """How a server is started."""
    return {
        "whcli": [sys.executable, "-m", "whcli", "listen", "--port", str(port)],
        "bare": uvicorn("bare", port),
        "starlette": uvicorn("catch_all", port),
        "httpserver": [sys.executable, "httpserver.py", str(port)],
        "mitmdump": [
            *("mitmdump", "-q", "-w", "flows", "--listen-port", str(port), "--mode"),
            *("reverse:http://127.0.0.1:1", "--set", "connection_strategy=lazy", "-s", "answer.py"),
        ],
    }[server]


MITM = """
from mitmproxy import http

def request(flow):
    flow.response = http.Response.make(200, b"")
"""


def servers() -> list[str]:
    """The servers that are installed here, as far as asked for."""
    there = {"whcli": True, "bare": True, "starlette": True}
    there |= {"httpserver": find_spec("pytest_httpserver") is not None, "mitmdump": which("mitmdump") is not None}
    asked = os.environ.get("SERVERS", ",".join(there)).split(",")
    return [name for name, is_there in there.items() if is_there and name in asked]


@contextmanager
def running(server: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A server on the first core; its port and process id. What it prints goes to a pipe that is read."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    for name, text in (("bare", BARE), ("catch_all", STARLETTE), ("httpserver", HTTPSERVER), ("answer", MITM)):
        (folder / f"{name}.py").write_text(text)
    pinned = ["taskset", "-c", str(CORES[0]), *command(server, port)]
    env = environment({"WHCLI_STORE": str(folder / ".whcli"), "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"})
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(pinned, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=nowhere)
        reader = subprocess.Popen(["taskset", "-c", str(CORES[-1]), "cat"], stdin=process.stdout, stdout=nowhere)
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield port, process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        reader.wait(5)


def cpu_of(pid: int) -> float:
    """Seconds of user and system time of a process, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, pid: int, connections: int, seconds: float, script: Path) -> Round:
    """One round of wrk on the last core."""
    before = cpu_of(pid)
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
    wrk = ["taskset", "-c", str(CORES[-1]), *wrk, f"http://127.0.0.1:{port}/hook"]
    with signalled(pid, signal.SIGCONT, signal.SIGSTOP):
        out = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    found = re.search(r"FIGURES (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", out)
    assert found, out
    requests, duration, p50, p99, errors = (float(each) for each in found.groups())
    cpu = (cpu_of(pid) - before) * 1e6 / max(requests, 1)
    return Round(rate=requests / duration * 1e6, p50=p50 / 1000, p99=p99 / 1000, cpu=cpu, errors=int(errors))


def measured(names: Sequence[str], connections: int, rounds: int, seconds: float) -> dict[str, list[Round]]:
    """The rounds of all servers, interleaved, after one short round each to warm up."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as opened:
        folder = Path(place)
        script = folder / "wrk.lua"
        script.write_text(WRK)
        started = {name: opened.enter_context(running(name, folder)) for name in names}
        for _, pid in started.values():
            opened.enter_context(signalled(pid, signal.SIGSTOP, signal.SIGCONT))
        for port, pid in started.values():
            load(port, pid, connections, 1, script)
        found: dict[str, list[Round]] = {name: [] for name in names}
        for _ in range(rounds):
            for name, (port, pid) in started.items():
                found[name].append(load(port, pid, connections, seconds, script))
        return found


@contextmanager
def signalled(pid: int, first: signal.Signals, last: signal.Signals) -> Iterator[None]:
    """One signal to a process at the beginning, another one at the end."""
    os.kill(pid, first)
    try:
        yield
    finally:
        os.kill(pid, last)


BARS = {1: None, 16: 0.5, 64: 0.6, 256: None}
"""Connections -> the part of the bare server's rate that whcli is to reach."""


def figures(quick: bool) -> Iterator[Figure]:
    """For each number of connections: rates, the ratios to the bare server and to Starlette, latencies, CPU."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    asked = [int(each) for each in os.environ.get("CONNECTIONS", "1,16,64,256").split(",")]
    for connections in asked:
        found = measured(servers(), connections, 1 if quick else ROUNDS, 1 if quick else SECONDS)
        for name, rounds in found.items():
            note = f"p50 {mid(each.p50 for each in rounds):.2f} ms, p99 {mid(each.p99 for each in rounds):.2f} ms"
            note += f", {mid(each.cpu for each in rounds):.0f} µs CPU"
            errors = sum(each.errors for each in rounds)
            note += f", {errors} errors" if errors else ""
            yield Figure(
                name=f"{connections:>3} connections: {name}", value=mid(r.rate for r in rounds), unit="1/s", note=note
            )
        yield from ratios(found, connections)


def ratios(found: dict[str, list[Round]], connections: int) -> Iterator[Figure]:
    """What whcli did beside others, round by round."""
    ours, bare, starlette = (found.get(name, []) for name in ("whcli", "bare", "starlette"))
    for others, name, bar in ((bare, "bare uvicorn", BARS.get(connections)), (starlette, "Starlette", 1.0)):
        pairs = list(zip(ours, others, strict=False))
        if pairs:
            rate = mid(one.rate / other.rate for one, other in pairs)
            title = f"{connections:>3} connections: whcli to {name}"
            yield Figure(name=title, value=rate, unit="x", bar=bar, least=True)
    if ours and bare:
        slower = mid(one.p99 / other.p99 for one, other in zip(ours, bare, strict=True))
        yield Figure(name=f"{connections:>3} connections: p99 to bare uvicorn's", value=slower, unit="x", bar=3.0)


def mid(values: Iterator[float]) -> float:
    """The median."""
    return statistics.median(values)


if __name__ == "__main__":
    alone(__spec__.name)
