"""`whcli replay` as a real sender: changed, paced, tried again, repeated, raced, out of order, proven."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import uvicorn

from examples.charges import app_on
from tests.handlers import (
    GITHUB,
    GITHUB_ID,
    SECRETS,
    SILENCE,
    SLACK,
    STRIPE,
    STRIPE_BODY,
    SVIX,
    SVIX_EVENT,
    Counting,
    Handler,
    kept,
    reply,
    three,
)
from tests.program import Done, listening, until, whcli
from tests.receivers import length_of
from tests.test_look import store_with
from whcli.hands.storing.store import Store

# -- signatures, computed here from the providers' descriptions


def sha256(secret: str | bytes, text: bytes) -> bytes:
    return hmac.new(secret.encode() if isinstance(secret, str) else secret, text, hashlib.sha256).digest()


def stripe_stamp(headers: dict[str, str], body: bytes) -> int:
    """When it was signed; fails when the signature does not hold."""
    fields = dict(part.split("=") for part in headers["stripe-signature"].split(","))
    assert fields["v1"] == sha256(SECRETS["stripe"], fields["t"].encode() + b"." + body).hex()
    return int(fields["t"])


def github_holds(headers: dict[str, str], body: bytes) -> bool:
    return headers["x-hub-signature-256"] == "sha256=" + sha256(SECRETS["github"], body).hex()


def slack_stamp(headers: dict[str, str], body: bytes) -> int:
    stamp = headers["x-slack-request-timestamp"]
    assert headers["x-slack-signature"] == "v0=" + sha256(SECRETS["slack"], b"v0:%b:%b" % (stamp.encode(), body)).hex()
    return int(stamp)


def svix_stamp(headers: dict[str, str], body: bytes) -> int:
    text = f"{headers['svix-id']}.{headers['svix-timestamp']}.".encode() + body
    made = base64.b64encode(sha256(base64.b64decode(SVIX.removeprefix("whsec_")), text)).decode()
    assert headers["svix-signature"] == f"v1,{made}"
    return int(headers["svix-timestamp"])


def is_now(stamp: float) -> bool:
    return abs(time.time() - stamp) < 30


# -- changed


def test_edits_reach_the_handler_and_are_signed_afresh(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, STRIPE)
    edits = ("--set", "body.data.object.amount=4200", "--unset", "body.created", "-H", "X-New: 1", "--method", "PUT")
    with Handler() as handler:
        done = replay("1", "--to", handler.url, *edits, "--path", "/other?a=b", "--remove-header", "content-type")
    [(line, headers, body)] = handler.parts
    assert done.code == 0, done.err
    assert line == b"PUT /other?a=b HTTP/1.1"
    assert body == STRIPE_BODY.replace(b'"amount":100', b'"amount":4200').replace(b'"created":1700000000,', b"")
    assert headers["x-new"] == "1" and "content-type" not in headers
    assert is_now(stripe_stamp(headers, body))
    for word in ("amount", "created", "X-New", "PUT", "/other"):
        assert word in done.out, word


def test_another_body_is_signed_afresh(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, GITHUB)
    (tmp_path / "body").write_bytes(b"\x00any \xff bytes")
    with Handler() as handler:
        assert replay("1", "--to", handler.url, "--body-file", "body").code == 0
    [(_, headers, body)] = handler.parts
    assert body == b"\x00any \xff bytes" and github_holds(headers, body)


def test_all_times_move_to_now(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, STRIPE)
    with Handler() as handler:
        assert replay("1", "--to", handler.url, "--shift-time", "now").code == 0
    [(_, headers, body)] = handler.parts
    assert is_now(json.loads(body)["created"]) and is_now(stripe_stamp(headers, body))


def test_an_id_stays_unless_a_new_one_is_asked_for(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, GITHUB, STRIPE)
    with Handler() as handler:
        assert replay("1", "2", "--to", handler.url).code == 0
        assert replay("1", "2", "--to", handler.url, "--new-id").code == 0
        assert replay("1", "2", "--to", handler.url, "--new-id").code == 0
    github = [headers["x-github-delivery"] for _, headers, _ in handler.parts[::2]]
    stripe = [json.loads(body)["id"] for _, _, body in handler.parts[1::2]]
    assert github[0] == GITHUB_ID.decode() and stripe[0] == json.loads(STRIPE_BODY)["id"]
    for ids in (github, stripe):
        assert len(set(ids)) == 3 and len(set(map(len, ids))) == 1
    assert all(each.startswith("evt_1") or each.startswith("evt_") for each in stripe)
    assert all(github_holds(headers, body) for _, headers, body in handler.parts[::2])
    assert all(is_now(stripe_stamp(headers, body)) for _, headers, body in handler.parts[1::2])


def test_copies_of_an_event_share_their_new_id(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, GITHUB)
    with Handler() as handler:
        assert replay("1", "--to", handler.url, "--new-id", "--duplicate", "3").code == 0
    ids = {headers["x-github-delivery"] for _, headers, _ in handler.parts}
    assert len(handler.parts) == 3 and len(ids) == 1 and ids != {GITHUB_ID.decode()}


def test_what_an_editor_leaves_is_signed_and_sent(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path, GITHUB)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'"{sys.executable}" -c "import sys, pathlib as p; f = p.Path(sys.argv[1]); '
                       "f.write_bytes(f.read_bytes().replace(b'a', b'b'))\"")  # fmt: skip
    with Handler() as handler:
        assert replay("1", "--to", handler.url, "--edit").code == 0
    [(_, headers, body)] = handler.parts
    assert body == b'{"ref":"b"}' and github_holds(headers, body)


@pytest.mark.parametrize(
    "editor", ["false", "no-such-editor", "/", "'unclosed"], ids=["fails", "is not there", "is a folder", "is misspelt"]
)
def test_nothing_is_sent_when_the_editor(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    kept(tmp_path, GITHUB)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    with Handler() as handler:
        done = replay("1", "--to", handler.url, "--edit")
    assert done.code == 2 and "editor" in done.err and handler.requests == []


def test_nothing_is_edited_without_a_terminal_and_an_editor(
    tmp_path: Path, replay: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path)
    for name in ("EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    with Handler() as handler:
        done = replay("1", "--to", handler.url, "--edit")
    assert done.code == 2 and "no terminal" in done.err and "--body-file" in done.err and handler.requests == []


def test_an_edit_that_one_of_many_events_cannot_take_is_told_before_anything_is_sent(
    tmp_path: Path, replay: Callable[..., Done]
) -> None:
    kept(tmp_path, GITHUB, (b"Content-Type: text/plain", b"plain"))
    with Handler() as handler:
        done = replay("all", "--to", handler.url, "--set", "body.a=1")
    assert done.code == 2 and handler.requests == []


# -- paced


@pytest.mark.parametrize(
    ("pace", "gap"),
    [(("--speed", "original"), 0.2), (("--speed", "2x"), 0.1), (("--rate", "10/s"), 0.1), ((), 0.0)],
    ids=["as it was", "twice as fast", "ten a second", "as fast as it goes"],
)
def test_the_pace(tmp_path: Path, replay: Callable[..., Done], pace: tuple[str, ...], gap: float) -> None:
    three(tmp_path, apart=0.2)
    with Handler() as handler:
        assert replay("all", "--to", handler.url, *pace).code == 0
    assert handler.bodies == [b"1", b"2", b"3"]
    took = handler.times[-1] - handler.times[0]
    assert 2 * gap - 0.03 <= took <= 2 * gap + 5  # a busy machine may be late, never early


def test_one_at_a_time_keeps_the_order_and_eight_overlap(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(16)])
    with Handler(hold=0.02) as ordered:
        assert replay("all", "--to", ordered.url).code == 0
    with Handler(hold=0.05) as wide:
        assert replay("all", "--to", wide.url, "--concurrency", "8").code == 0
    assert ordered.bodies == [b"%d" % n for n in range(16)] and ordered.most == 1
    assert sorted(wide.bodies) == sorted(ordered.bodies) and 4 <= wide.most <= 8


# -- tried again


@pytest.mark.parametrize(
    ("provider", "event", "attempts", "counted", "reason"),
    [
        ("slack", SLACK, 4, "x-slack-retry-num", "x-slack-retry-reason"),
        ("square", SLACK, 12, "square-retry-number", "square-retry-reason"),
        ("svix", SVIX_EVENT, 8, "", ""),
        ("github", GITHUB, 1, "", ""),
    ],
    ids=["slack", "square", "svix", "github, which never does"],
)
def test_a_provider_tries_so_often_and_says_which_attempt_it_is(
    tmp_path: Path,
    replay: Callable[..., Done],
    provider: str,
    event: tuple[bytes, bytes],
    attempts: int,
    counted: str,
    reason: str,
) -> None:
    kept(tmp_path, event)
    with Handler(reply(500)) as handler:
        done = replay("1", "--to", handler.url, "--retries", provider, "--compress", "max", "--json")
    assert done.code == 1 and len(handler.requests) == attempts
    assert [line["attempt"] for line in done.lines] == list(range(1, attempts + 1))
    heads = [headers for _, headers, _ in handler.parts]
    if counted:
        wanted = [None, *map(str, range(1, attempts))]
        assert [headers.get(counted) for headers in heads] == wanted
        assert [headers.get(reason) for headers in heads] == [None, *["http_error"] * (attempts - 1)]
    assert len(set(handler.bodies)) == 1
    assert len({headers.get("svix-id") or headers.get("x-github-delivery") for headers in heads}) == 1


def test_square_tells_on_every_attempt_when_the_first_was_made(tmp_path: Path, replay: Callable[..., Done]) -> None:
    captured = b"square-initial-delivery-timestamp: 2023-11-14T22:13:20Z"
    kept(tmp_path, (captured, b"{}"))
    with Handler(lambda n, _: reply(500 if n < 3 else 200), hold=0.6) as handler:
        assert replay("1", "--to", handler.url, "--retries", "square", "--compress", "max").code == 0
        assert replay("1", "--to", handler.url).code == 0
    *attempts, again = [headers["square-initial-delivery-timestamp"] for _, headers, _ in handler.parts]
    assert len(attempts) == 3 and len(set(attempts)) == 1 and again == "2023-11-14T22:13:20Z"
    assert attempts[0].endswith("Z") and is_now(datetime.fromisoformat(attempts[0]).timestamp())


@pytest.mark.parametrize(
    ("provider", "event", "stamp"),
    [("slack", SLACK, slack_stamp), ("svix", SVIX_EVENT, svix_stamp)],
    ids=["slack", "svix"],
)
def test_every_attempt_is_signed_as_of_its_own_moment(
    tmp_path: Path,
    replay: Callable[..., Done],
    provider: str,
    event: tuple[bytes, bytes],
    stamp: Callable[[dict[str, str], bytes], int],
) -> None:
    kept(tmp_path, event)
    with Handler(lambda n, _: reply(500 if n < 3 else 200), hold=0.6) as handler:
        began = int(time.time())
        assert replay("1", "--to", handler.url, "--retries", provider, "--compress", "max").code == 0
    stamps = [stamp(headers, body) for _, headers, body in handler.parts]
    assert len(stamps) == 3 and stamps == sorted(stamps) and began <= stamps[0] < stamps[-1]


def test_a_later_attempt_that_succeeds_is_a_success(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    with Handler(lambda n, _: reply(503 if n == 1 else 200)) as handler:
        done = replay("1", "--to", handler.url, "--retries", "slack", "--compress", "max")
    assert done.code == 0 and "attempt 2" in done.out and done.out.endswith("1 ok, 1 retried.\n")
    assert len(handler.requests) == 2


def test_the_reason_of_a_retry_is_a_timeout_when_no_answer_came(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    with Handler(lambda n, _: SILENCE if n == 1 else reply()) as handler:
        done = replay("1", "--to", handler.url, "--retries", "slack", "--compress", "max", "--timeout", "200ms")
    assert done.code == 0 and handler.parts[1][1]["x-slack-retry-reason"] == "http_timeout"


@pytest.mark.parametrize(
    ("provider", "answer"),
    [("slack", reply(500, "X-Slack-No-Retry: 1")), ("standardwebhooks", reply(410)), ("slack", reply(202))],
    ids=["slack's own header", "410 gone", "2xx"],
)
def test_what_ends_the_attempts(tmp_path: Path, replay: Callable[..., Done], provider: str, answer: bytes) -> None:
    kept(tmp_path, SLACK)
    with Handler(answer) as handler:
        replay("1", "--to", handler.url, "--retries", provider, "--compress", "max")
    assert len(handler.requests) == 1


def test_the_waiting_is_the_providers_and_retry_after_lengthens_it(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    slack = ("--retries", "slack", "--compress", "300x")  # 0, 60 and 300 s become 0, 0.2 and 1 s
    with Handler(lambda n, _: reply(200 if n == 3 else 500, "Retry-After: 3000")) as deaf:
        assert replay("1", "--to", deaf.url, *slack).code == 0
    standard = ("--retries", "standardwebhooks", "--compress", "1000x")
    with Handler(lambda n, _: reply(200 if n == 2 else 503, "Retry-After: 500")) as heard:
        assert replay("1", "--to", heard.url, *standard).code == 0
    first, second, third = deaf.times
    assert second - first < 0.15 and 0.18 < third - second < 0.7
    first, second = heard.times
    assert 0.48 < second - first < 1.0


def test_an_unknown_provider_is_a_usage_error_with_a_suggestion(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    done = replay("1", "--to", "http://127.0.0.1:1", "--retries", "slak")
    assert done.code == 2 and "slack" in done.err


# -- at least once


def test_duplicates_follow_each_other(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    with Handler(hold=0.01) as handler:
        done = replay("all", "--to", handler.url, "--duplicate", "2", "--json")
    assert handler.bodies == [b"1", b"1", b"2", b"2", b"3", b"3"] and handler.most == 1
    assert [line["copy"] for line in done.lines] == [1, 2] * 3


def test_racing_copies_end_at_the_same_instant(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, *[(b"X: y", b"x" * 1024)] * 20)
    with Handler() as handler:
        assert replay("all", "--to", handler.url, "--race", "8").code == 0
    assert len(handler.times) == 160 and {len(body) for body in handler.bodies} == {1024}
    races = [handler.times[n : n + 8] for n in range(0, 160, 8)]
    assert statistics.median(max(race) - min(race) for race in races) < 0.005


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 3_000_000], ids=["no body", "one byte", "more than a buffer"])
def test_any_body_can_race(tmp_path: Path, replay: Callable[..., Done], body: bytes) -> None:
    kept(tmp_path, (b"X: y", body))
    with Handler(hold=0.5) as handler:
        assert replay("1", "--to", handler.url, "--race", "4").code == 0
    assert handler.bodies == [body] * 4 and handler.most == 4


def test_no_last_byte_is_sent_before_all_copies_are_there_up_to_theirs(
    tmp_path: Path, replay: Callable[..., Done]
) -> None:
    """One copy is not read on: its bytes fill the buffers on the way, and until it goes on no other may end."""
    body = b"x" * 12_000_000  # more than the sender's and our buffers together
    kept(tmp_path, (b"X: y", body))
    with socket.socket() as server, ThreadPoolExecutor() as threads, ExitStack() as opened:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(10)
        done = threads.submit(replay, "1", "--to", f"http://127.0.0.1:{server.getsockname()[1]}", "--race", "4")
        copies = [opened.enter_context(server.accept()[0]) for _ in range(4)]
        *others, slow = [(copy, up_to_the_last_byte(copy, read=copy is not copies[3])) for copy in copies]
        for copy, _ in others:
            copy.settimeout(0.2)
            with pytest.raises(TimeoutError):
                copy.recv(1)
        up_to_the_last_byte(slow[0], missing=slow[1])
        for copy in copies:
            copy.settimeout(10)
            assert copy.recv(2) == b"x"
            copy.sendall(reply())
        assert done.result().code == 0


def up_to_the_last_byte(copy: socket.socket, *, missing: int | None = None, read: bool = True) -> int:
    """Read a request's head, and its body but for the last byte; how many bytes of it were left unread."""
    copy.settimeout(10)
    data = b""
    while missing is None:
        data += copy.recv(1 << 16)
        head, found, came = data.partition(b"\r\n\r\n")
        if found:
            missing = length_of(head) - 1 - len(came)
    while read and missing:
        missing -= len(copy.recv(min(missing, 1 << 16)))
    return missing


def test_a_lost_acknowledgement_hangs_up_after_the_status_and_delivers_again(
    tmp_path: Path, replay: Callable[..., Done]
) -> None:
    kept(tmp_path, GITHUB)
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nit never ends"
    with Handler(lambda n, _: endless if n == 1 else reply()) as handler:
        done = replay("1", "--to", handler.url, "--lost-ack")
    assert done.code == 0 and handler.bodies == [GITHUB[1]] * 2
    assert handler.said.index(("closed", 0)) < handler.said.index(("asked", 1))
    assert len({headers["x-github-delivery"] for _, headers, _ in handler.parts}) == 1


def test_reverse_is_newest_first(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    with Handler() as handler:
        assert replay("all", "--to", handler.url, "--reverse").code == 0
    assert handler.bodies == [b"3", b"2", b"1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--shuffle",),
        ("--drop", "0.4"),
        ("--delay", "0..200ms"),
        ("--shuffle", "--duplicate", "2", "--drop", "20%", "--delay", "0..100ms"),
        ("--permutations",),
    ],
    ids=["shuffled", "some lost", "late", "all at once", "every order"],
)
def test_a_seed_decides_and_a_dry_run_says_what_is_then_sent(
    tmp_path: Path, replay: Callable[..., Done], arguments: tuple[str, ...]
) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(1, 5 if "--permutations" in arguments else 13)])
    orders = []
    for seed in ("7", "7", "8"):
        with Handler() as handler:
            chosen = ("all", "--to", handler.url, "--seed", seed, *arguments)
            plan = replay(*chosen, "--dry-run", "--json").lines
            assert handler.requests == [] and replay(*chosen, "--dry-run").code == 0
            done = replay(*chosen, "--json")
        steps = [line for line in plan if line["schema"] == "whcli.step/1" and not line["dropped"]]
        sent = [(line["run"], f"#{line['event_id']}", line["copy"]) for line in done.lines if "event_id" in line]
        assert sent == [(step["run"], step["event"], step["copy"]) for step in steps]
        assert [f"#{body.decode()}" for body in handler.bodies] == [name for _, name, _ in sent]
        orders.append(handler.bodies)
    assert orders[0] == orders[1]
    assert (orders[0] != orders[2]) == ("--permutations" not in arguments)


class Resets:
    """A `--reset` command that leaves a mark, and what was delivered since the last one."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "resets"
        self.runs: list[list[bytes]] = []

    @property
    def command(self) -> str:
        return f"echo x >> '{self._log}'"

    def took(self, request: bytes) -> list[bytes]:
        """Take a request; all bodies of its run."""
        while len(self.runs) < len(self._log.read_text().split()):
            self.runs.append([])
        self.runs[-1].append(request[-1:])
        return self.runs[-1]


def test_all_orders_are_tried_each_from_a_clean_state(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    resets = Resets(tmp_path)

    def takes_all(_: int, request: bytes) -> bytes:
        resets.took(request)
        return reply()

    with Handler(takes_all) as handler:
        done = replay("all", "--to", handler.url, "--permutations", "--reset", resets.command)
    assert sorted(map(tuple, resets.runs)) == sorted(itertools.permutations([b"1", b"2", b"3"]))
    assert done.code == 0 and "smallest failing" not in done.out


BREAKS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "three before one": ("#3 #1", lambda taken: b"3" in taken and taken.endswith(b"1")),
    "two alone": ("#2", lambda taken: taken.endswith(b"2")),
    "four, two, three in this order": ("#4 #2 #3", lambda taken: taken.replace(b"1", b"") == b"423"),
}


@pytest.mark.parametrize(("smallest", "breaks"), BREAKS.values(), ids=BREAKS)
def test_of_the_orders_that_fail_the_smallest_is_looked_for_among_shorter_ones_too(
    tmp_path: Path, replay: Callable[..., Done], smallest: str, breaks: Callable[[bytes], bool]
) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(1, 5)])
    resets = Resets(tmp_path)
    with Handler(lambda _, request: reply(500 if breaks(b"".join(resets.took(request))) else 200)) as handler:
        chosen = ("all", "--to", handler.url, "--permutations", "--reset", resets.command)
        done, as_json = replay(*chosen), replay(*chosen, "--json")
    assert done.code == 1 and done.out.endswith(f"smallest failing order: {smallest}\n")
    [told] = [line for line in as_json.lines if line["schema"] == "whcli.order/1"]
    assert told["smallest_failing"] == smallest.split() and told["minimal"]
    assert any(len(run) < 4 for run in resets.runs)


def test_a_failing_proof_makes_an_order_fail_as_well(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    resets = Resets(tmp_path)
    state = tmp_path / "state"

    def twice_when_two_comes_first(_: int, request: bytes) -> bytes:
        run = resets.took(request)
        state.write_text(str(len(run) if run[0] == b"2" else len(set(run))))
        return reply()

    with Handler(twice_when_two_comes_first) as handler:
        chosen = ("1..3", "--to", handler.url, "--permutations", "--duplicate", "2", "--probe", f"cat '{state}'")
        done = replay(*chosen, "--reset", f"{resets.command}; echo 0 > '{state}'")
    assert done.code == 1 and done.out.endswith("smallest failing order: #2\n")


def test_without_a_reset_shorter_orders_are_not_tried_and_that_is_told(
    tmp_path: Path, replay: Callable[..., Done]
) -> None:
    three(tmp_path)
    with Handler(lambda _, request: reply(500 if request.endswith(b"3") else 200)) as handler:
        done = replay("all", "--to", handler.url, "--permutations")
        as_json = replay("all", "--to", handler.url, "--permutations", "--json")
    assert len(handler.requests) == 2 * 18 and "smallest failing order: #1 #2 #3\n" in done.out
    assert "--reset" in done.out.splitlines()[-1] and as_json.lines[-1]["minimal"] is False


def test_a_reset_that_fails_is_told(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    with Handler() as handler:
        done = replay("all", "--to", handler.url, "--reset", "echo no such thing >&2; exit 3")
    assert done.code == 2 and "no such thing" in done.err and handler.requests == []


# -- the proof


@contextmanager
def charges(folder: Path) -> Iterator[str]:
    """The example handlers on a free port."""
    listening_on = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_on(str(folder / "charges.db")), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening_on]})
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listening_on.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening_on.close()


RESET = """import socket
s = socket.create_connection(("127.0.0.1", {port}))
s.sendall(b"DELETE /{shop} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
assert b" 204 " in s.recv(999)
"""
WAYS = {  # flags, deliveries in all, and what is seen of a handler that charges for each of them
    "a race": (("--race", "8"), 9, "state.charges: 1 after one, "),
    "a duplicate": (("--duplicate", "2"), 2, "delivery 2 changed state.charges: 1 → 2"),
    "a lost ack": (("--lost-ack",), 2, "delivery 2 changed state.charges: 1 → 2"),
}


def proofs(folder: Path, replay: Callable[..., Done], shop: str, how: tuple[str, ...], times: int) -> list[Done]:
    """The same proof so many times, each from a clean state."""
    kept(folder, (b"Content-Type: application/json", b'{"id":"evt_%b","amount":100}' % (b"7" * 20)))
    with charges(folder) as url:
        (folder / "reset.py").write_text(RESET.format(port=url.rpartition(":")[2], shop=shop))
        probe = ("--probe-url", f"{url}/{shop}", "--reset", f"'{sys.executable}' -SI reset.py")
        return [replay("1", "--to", f"{url}/{shop}", *how, *probe) for _ in range(times)]


EACH_WAY = pytest.mark.parametrize(("how", "deliveries", "seen"), WAYS.values(), ids=WAYS)
TIMES = pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.slow)])


@EACH_WAY
@TIMES
def test_the_racy_handler_is_caught_every_time_by(
    tmp_path: Path, replay: Callable[..., Done], how: tuple[str, ...], deliveries: int, seen: str, times: int
) -> None:
    """By what the probe sees: every delivery was answered with 204, so nothing else can have failed."""
    for done in proofs(tmp_path, replay, "racy", how, times):
        assert done.code == 1 and f"{deliveries} ok." in done.out, done.out + done.err
        assert seen in done.out, done.out


@EACH_WAY
@TIMES
def test_the_correct_handler_passes_every_time_under(
    tmp_path: Path, replay: Callable[..., Done], how: tuple[str, ...], deliveries: int, seen: str, times: int
) -> None:
    for done in proofs(tmp_path, replay, "correct", how, times):
        assert done.code == 0 and f"{deliveries} ok." in done.out, done.out + done.err
        assert "✓" in done.out and "does the probe look at the right thing" not in done.out, done.out


@pytest.mark.parametrize(("shop", "code"), [("racy", 1), ("correct", 0)])
def test_a_race_is_judged_without_a_reset_by_ids_of_its_own(
    tmp_path: Path, replay: Callable[..., Done], shop: str, code: int
) -> None:
    kept(tmp_path, (b"Content-Type: application/json", b'{"id":"evt_%b","amount":100}' % (b"7" * 20)))
    with charges(tmp_path) as url:
        probe = ("--probe-url", f"{url}/{shop}")
        done = replay("1", "--to", f"{url}/{shop}", "--race", "8", *probe)
    assert done.code == code and ("changed more than one delivery alone" in done.out) == (code == 1)


def test_what_changed_is_told_in_words_and_as_json(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    (tmp_path / "seen").write_text("0")

    def count(number: int, _: bytes) -> bytes:
        (tmp_path / "seen").write_text(str(number))
        return reply()

    with Handler(count) as handler:
        done = replay("1", "--to", handler.url, "--duplicate", "2", "--probe", "cat seen")
        as_json = replay("1", "--to", handler.url, "--duplicate", "2", "--probe", "cat seen", "--json")
    assert done.code == 1 and "delivery 2 changed state: 1 → 2" in done.out
    probe = next(line for line in as_json.lines if line["schema"] == "whcli.probe/1")
    assert as_json.code == 1 and probe["holds"] is False and probe["later"][0]["delivery"] == 2


def test_an_event_whose_first_delivery_was_lost_has_its_first_later(
    tmp_path: Path, replay: Callable[..., Done]
) -> None:
    """Every event is new to the handler at most once, and counted then: no proof may fail under losses."""
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(10)])
    seen: set[bytes] = set()
    (tmp_path / "state").write_text("0")

    def idempotent(_: int, request: bytes) -> bytes:
        seen.add(request[-1:])
        (tmp_path / "state").write_text(str(len(seen)))
        return reply()

    with Handler(idempotent) as handler:
        chosen = ("all", "--to", handler.url, "--duplicate", "3", "--drop", "0.5", "--probe", "cat state")
        done = replay(*chosen)
    assert done.code == 0, done.out


def test_a_proof_keeps_the_pace(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    (tmp_path / "state").write_text("0")
    with Handler() as handler:
        paced = ("--rate", "5/s", "--duplicate", "2", "--delay", "50ms")
        assert replay("all", "--to", handler.url, *paced, "--probe", "cat state").code == 0
    assert handler.bodies == [b"1", b"1", b"2", b"2", b"3", b"3"]
    _, repeat, second, _, third, last = (at - handler.times[0] for at in handler.times)
    assert repeat >= 0.03 and second >= 0.12 and third >= 0.3 and last >= 0.33


def test_a_race_keeps_the_pace_under_a_probe(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    (tmp_path / "state").write_text("0")
    with Handler() as handler:
        assert replay("all", "--to", handler.url, "--rate", "4/s", "--race", "2", "--probe", "cat state").code == 0
    began = [at - handler.times[0] for at in handler.times[::3]]
    assert len(handler.requests) == 9 and began[1] >= 0.15 and began[2] >= 0.4


@pytest.mark.parametrize(
    ("counts", "code"),
    [(lambda n: int(n >= 3), 0), (lambda n: n, 1), (lambda n: 1 if n < 3 else 2, 1)],
    ids=[
        "taken once it is answered",
        "counted by each attempt",
        "counted by the first and by the one that is answered",
    ],
)
def test_a_retry_is_a_further_delivery_once_one_was_taken_or_changed_something(
    tmp_path: Path, replay: Callable[..., Done], counts: Callable[[int], int], code: int
) -> None:
    kept(tmp_path, SLACK)
    with Handler(Counting(tmp_path, counts, lambda n: 500 if n < 3 else 200)) as handler:
        retries = ("--retries", "slack", "--compress", "max", "--probe", "cat state")
        done = replay("1", "--to", handler.url, *retries, "--json")
    assert done.code == code and len(handler.requests) == 3
    [probe] = [line for line in done.lines if line["schema"] == "whcli.probe/1"]
    assert (probe["deliveries"], probe["event"], probe["holds"]) == (3, "#1", code == 0)


@pytest.mark.parametrize(
    ("counts", "settle", "code"),
    [
        (lambda n: 1, (), 1),
        (lambda n: 1, ("--settle", "1s"), 0),
        (lambda n: n, ("--settle", "1s"), 1),
    ],
    ids=["looked at too early", "given time", "given time, and it counts twice"],
)
def test_a_handler_that_works_in_the_background_is_given_time(
    tmp_path: Path, replay: Callable[..., Done], counts: Callable[[int], int], settle: tuple[str, ...], code: int
) -> None:
    """Looked at too early, the first delivery's own work is taken for the second one's."""
    three(tmp_path)
    with Handler(Counting(tmp_path, counts, lambda _: 200, later=0.3)) as handler:
        chosen = ("1", "--to", handler.url, "--duplicate", "2", "--delay", "400ms", "--probe", "cat state")
        done = replay(*chosen, *settle)
    assert done.code == code and ("delivery 2 changed state" in done.out) == (code == 1), done.out


def test_a_path_gives_way_to_no_target_in_silence(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    with Handler() as handler:
        assert replay("1", "--to", handler.url, "--path", "/new", "--set", "query.a=1").code == 0
        assert replay("1", "--to", f"{handler.url}/own", "--path", "?b=2").code == 0
        taken = [line for line, _, _ in handler.parts]
        own = replay("1", "--to", f"{handler.url}/own", "--path", "/new")
        last = replay("1", "--path", "/new")
    assert [line.split()[1] for line in taken] == [b"/new?a=1", b"/own?b=2"] and len(handler.requests) == 2
    assert own.code == last.code == 2 and "/own has its own" in own.err and "/own?b=2 is taken as it stands" in last.err


def test_what_changes_by_itself_is_not_compared_and_that_is_told(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    ticks = 'n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n > n; echo "{\\"looks\\": $n, \\"orders\\": 1}"'
    with Handler() as handler:
        for how in (("--duplicate", "2"), ("--race", "2")):
            done = replay("1", "--to", handler.url, *how, "--probe", ticks)
            assert done.code == 0 and "not compared, it changes by itself: state.looks" in done.out, done.out
        whole = "n=$(cat n); echo $((n+1)) > n; cat n"
        done = replay("1", "--to", handler.url, "--duplicate", "2", "--probe", whole)
    assert done.code == 2 and "nothing is delivered" in done.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--probe", "true", "--concurrency", "2"), "--concurrency"),
        (("--settle", "1s"), "--probe"),
        (("--probe", "true", "--duplicate", "2", "--settle", "soon"), "soon"),
        (("--probe", "true", "--probe-url", "http://127.0.0.1:1"), "--probe-url"),
        (("--probe", "true"), "--duplicate 2"),
        (("--probe-url", "http://127.0.0.1:1", "--permutations"), "--duplicate 2"),
        (("--compress", "max"), "--retries"),
        (("--no-resign", "--secret", "env:HOME"), "--secret"),
        (("--edit", "--body-file", "/dev/null"), "--body-file"),
        (("--permutations", "--concurrency", "2"), "--concurrency"),
        (("--shuffle", "--reverse"), "--reverse"),
        (("--proxy", "http://127.0.0.1:1", "--race", "2"), "--race"),
        (("--proxy", "http://127.0.0.1:1", "--lost-ack"), "--lost-ack"),
        (("--failed",), "not by both"),
        (("--proxy", "nonsense://", "--yes"), "the proxy is no http://"),
        (("--path", "/other", "--exact-url"), "the path cannot be changed"),
        (("--set", "query.a=1", "--exact-url"), "the query cannot be changed"),
        (("--probe", "", "--duplicate", "2"), "--probe is empty"),
        (("--secret", "env:HOME", "--resign", ""), "--resign is empty"),
        (("--compare-to", ""), "--compare-to is empty"),
        (("--body-file", ""), "--body-file is empty"),
    ],
    ids=[
        "deliveries that overlap",
        "nothing to settle",
        "no duration",
        "two probes",
        "one delivery alone",
        "one delivery in each order",
        "no attempts whose waiting could shrink",
        "a secret for no signature",
        "two bodies",
        "orders of what overlaps",
        "two orders",
        "a race that a proxy would hold",
        "a lost answer that a proxy would read",
        "references and a filter",
        "a proxy that is none",
        "a path that would not be used",
        "a query that would not be used",
        "no command",
        "no scheme",
        "no second target",
        "no file",
    ],
)
def test_flags_that_make_no_sense_together_are_told_before_anything_is_sent(
    tmp_path: Path, replay: Callable[..., Done], arguments: tuple[str, ...], word: str
) -> None:
    three(tmp_path)
    with Handler() as handler:
        done = replay("1", "--to", handler.url, *arguments)
    assert done.code == 2 and word in done.err and handler.requests == []


@pytest.mark.parametrize(
    ("how", "code"), [(("--retries", "slack"), 1), (("--duplicate", "2", "--drop", "0.5"), 0)], ids=["none", "some"]
)
def test_what_was_delivered_once_is_not_called_proven(
    tmp_path: Path, replay: Callable[..., Done], how: tuple[str, ...], code: int
) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(9)])
    (tmp_path / "state").write_text("0")
    with Handler() as handler:
        done = replay("all", "--to", handler.url, *how, "--probe", "cat state")
        as_json = replay("all", "--to", handler.url, *how, "--probe", "cat state", "--json")
    proved = [line["proves"] for line in as_json.lines if line["schema"] == "whcli.probe/1"]
    once = [line for line in done.out.splitlines() if line.endswith("delivered once, so nothing was proven")]
    assert len(once) == proved.count(False) > 0 and all(line.startswith("? #") for line in once)
    assert done.code == as_json.code == code and any(proved) == (code == 0)
    assert done.out.endswith("no event was delivered twice; --duplicate 2 does that\n") == (code == 1)


@pytest.mark.parametrize("how", [("--duplicate", "2"), ("--race", "2")], ids=" ".join)
def test_a_probe_that_sees_nothing_is_a_hint_and_no_success(
    tmp_path: Path, replay: Callable[..., Done], how: tuple[str, ...]
) -> None:
    three(tmp_path)
    with Handler() as handler:
        done = replay("1", "--to", handler.url, *how, "--probe", "echo 1")
        as_json = replay("1", "--to", handler.url, *how, "--probe", "echo 1", "--json")
    [hint] = [line for line in done.out.splitlines() if "does the probe look at the right thing?" in line]
    assert hint.startswith("     ↳ ") and "--settle" in hint
    [probe] = [line for line in as_json.lines if line["schema"] == "whcli.probe/1"]
    assert probe["blind"] and probe["proves"] and probe["holds"]


def test_attempts_of_a_copy_are_no_further_copies(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    (tmp_path / "state").write_text("0")
    with Handler(reply(500)) as handler:
        how = ("--race", "2", "--retries", "slack", "--compress", "max", "--probe", "cat state")
        done = replay("1", "--to", handler.url, *how)
    assert done.code == 1 and "  2 copies at the same instant changed no more" in done.out


def test_a_race_of_which_one_copy_is_left_proves_nothing(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, *[(b"X: y", b"%d" % n) for n in range(9)])
    (tmp_path / "state").write_text("0")
    with Handler() as handler:
        done = replay("all", "--to", handler.url, "--race", "2", "--drop", "0.5", "--probe", "cat state", "--json")
    probes = [line for line in done.lines if line["schema"] == "whcli.probe/1"]
    sent = {name: sum(f"#{line.get('event_id')}" == name for line in done.lines) for name in ("#1", "#2", "#3", "#4")}
    assert {probe["proves"] for probe in probes} == {True, False}
    assert all(probe["proves"] == (sent[probe["event"]] == 3) for probe in probes if probe["event"] in sent)


# -- where it may go


@pytest.mark.parametrize("aim", ["--to", "the last target", "[listen] forward"])
def test_the_listener_on_the_same_store_is_no_target(tmp_path: Path, replay: Callable[..., Done], aim: str) -> None:
    three(tmp_path)
    with listening(folder=tmp_path) as listener:
        if aim == "the last target":
            with Store(tmp_path / ".whcli") as store:
                from whcli.words.event import Delivery

                store.add_delivery(Delivery(event_id=1, kind="replay", sent_at=0.0, method=b"POST", url=listener.url))
        if aim.startswith("[listen]"):
            (tmp_path / "whcli.toml").write_text(f'[listen]\nforward = "{listener.url}"\n')
        to = ("--to", listener.url.replace("127.0.0.1", "localhost")) if aim == "--to" else ()
        done = replay("1", *to)
        listed = len(whcli("list", "--json", folder=tmp_path).lines)
    assert done.code == 2 and "the listener on this very store" in done.err and listed == 3


def test_a_target_that_leads_nowhere_is_told_of_all_events(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    done = replay("all", "--to", "http://nosuch.invalid")
    assert done.code == 5 and done.out.endswith("1 unreachable, 2 not sent.\n")


# -- did it get fixed


def test_a_replay_says_what_became_of_a_failure(tmp_path: Path, replay: Callable[..., Done]) -> None:
    three(tmp_path)
    words = []
    for status in (500, 500, 200, 200, 500):
        with Handler(reply(status)) as handler:
            said = replay("1", "--to", handler.url).out
            words.append(next((word for word in ("fixed", "still failing", "regressed") if word in said), ""))
    assert words == ["", "still failing", "fixed", "", "regressed"]


def test_a_handler_that_wavers_within_one_run_is_not_called_fixed(tmp_path: Path, replay: Callable[..., Done]) -> None:
    kept(tmp_path, SLACK)
    with Handler(lambda n, _: reply(500 if n == 1 else 200)) as handler:
        done = replay("1", "--to", handler.url, "--retries", "slack", "--compress", "max", "--json")
    assert [line["progress"] for line in done.lines] == ["failing", "ok"]


@pytest.mark.parametrize(
    "then", [(), ("pack-refs", "--all"), ("checkout", "-q", "--detach")], ids=["a branch", "packed refs", "detached"]
)
def test_a_delivery_keeps_the_commit_that_is_checked_out(
    tmp_path: Path, replay: Callable[..., Done], then: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.test")
        return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    if then:
        git(*then)
    three(tmp_path)
    below = tmp_path / "deep" / "er"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    with Handler() as handler:
        [told] = replay("1", "--to", handler.url, "--json").lines
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    assert event["deliveries"][0]["revision"] == told["revision"] == git("rev-parse", "HEAD")


def test_outside_of_a_checkout_there_is_no_commit(tmp_path: Path, replay: Callable[..., Done]) -> None:
    store_with(tmp_path, (b"/x", b"1"))
    with Handler() as handler:
        assert replay("1", "--to", handler.url, "--json").lines[0]["revision"] is None
