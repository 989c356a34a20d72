"""Secrets that a user configures are in nothing that whcli writes; what captured bytes hold is masked on screen."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.program import Done, environment, listening, until, whcli
from tests.receivers import OK, Receiver, closed_port
from tests.wire import ask, post
from whcli.cli import run
from whcli.hands.storing.store import Store
from whcli.words.event import Arrival

MARK = "c4n4ry"  # in the middle of every planted secret: a mask shows neither it nor what stands beside it


def planted(name: str) -> str:
    return f"whsec_{MARK}{name}{MARK}0123456789wxyz"


BY_VARIABLE = {
    "WHCLI_SECRET_SLACK": planted("slackvariable"),
    "WHCLI_SECRET_ACME": planted("acmevariable"),
    "STRIPE_REF": planted("stripereference"),
    "GH_NEW": planted("githubnew"),
    "FLAG": planted("flagbyvariable"),
    "TOKEN": planted("verifytoken"),
}
BY_FILE = {name: planted(name.partition(".")[0]) for name in ("ghold.txt", "route.txt", "flag.txt")}
CONFIG = """
[listen]
public_url = "https://hooks.example/x"
[secrets]
stripe = "env:STRIPE_REF"
github = ["env:GH_NEW", "file:secrets/ghold.txt"]
[schemes.acme]
header = "X-Acme-Signature"
content = "{ts}.{body}"
layout = "t={ts},v1={sig}"
separator = ","
clock = { unit = "s", tolerance = 300 }
[[routes]]
path = "/route/*"
scheme = "shopify"
secret = "file:secrets/route.txt"
"""


class Place:
    """A project with secrets in every place where one can be configured, and all that whcli has said in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "secrets").mkdir()
        for name, value in BY_FILE.items():
            (folder / "secrets" / name).write_text(value + "\n")
        (folder / "whcli.toml").write_text(CONFIG)
        (folder / "temporary").mkdir()
        self.env = {**BY_VARIABLE, "TMPDIR": str(folder / "temporary"), "HOME": str(folder)}
        self.said: list[str] = []

    def whcli(self, *arguments: str, stdin: bytes = b"") -> Done:
        done = whcli(*arguments, folder=self.folder, env=self.env, stdin=stdin)
        self.said.append(f"$ whcli {arguments[0]}\n{done.out}{done.err}")
        return done

    def here(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> int:
        """The same within the test's own process: ten times as quick."""
        code = run([*arguments])
        out, err = capsys.readouterr()
        self.said.append(f"$ whcli {arguments[0]}\n{out}{err}")
        return code

    def found(self, mark: str = MARK) -> list[str]:
        """Where the mark stands, in all that was said and in every file but the planted ones."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
        return [
            *(said for said in self.said if mark in said),
            *(str(path) for path in files if mark.encode() in path.read_bytes()),
        ]


@contextmanager
def watched_processes() -> Iterator[set[str]]:
    """The arguments of all processes that ran within and hold the mark, or what `whcli demo` uses."""
    hits: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    text = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    if "whcli" in text and (MARK in text or "whsec_" in text):
                        hits.add(text)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield hits
    finally:
        over.set()
        thread.join()


def signed(place: Place, scheme: str, body: bytes, *flags: str) -> bytes:
    """The header lines that a provider would send; `sign` is one of the commands that are watched."""
    done = place.whcli("sign", scheme, "--body-file", "-", *flags, stdin=body)
    assert done.code == 0, done.err
    return b"".join(each.encode() + b"\r\n" for each in done.out.splitlines() if ": " in each)


STRIPE = b'{"id":"evt_1","object":"event","type":"charge.succeeded","data":{"object":{"amount":1}}}'


def test_configured_secrets_are_in_nothing_that_whcli_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Environment, files, standard input, configuration, routes, schemes of the user's own, and every command."""
    place = Place(tmp_path)
    with (
        watched_processes() as hits,
        Receiver(OK) as good,
        Receiver(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as bad,
    ):
        sent = [
            ("/stripe", STRIPE, signed(place, "stripe", STRIPE)),
            ("/github", b'{"zen":"x"}', b"X-GitHub-Event: ping\r\n" + signed(place, "github", b'{"zen":"x"}')),
            ("/slack", b"{}", signed(place, "slack", b"{}")),
            ("/acme", b"{}", signed(place, "acme", b"{}")),
            ("/route/1", b"{}", signed(place, "shopify", b"{}", "--secret", "file:secrets/route.txt")),
            ("/stripe", b"changed", signed(place, "stripe", STRIPE)),
            ("/stripe", STRIPE, signed(place, "stripe", STRIPE, "--secret", "env:FLAG")),
            ("/stripe", STRIPE, signed(place, "stripe", STRIPE, "--secret", "file:secrets/flag.txt")),
        ]
        flags = ("--forward", bad.url, "--retries", "stripe", "--compress", "max", "--verify-token", "env:TOKEN")
        with listening(*flags, folder=tmp_path, env=place.env) as listener:
            for target, body, lines in sent:
                ask(listener.port, post(body, target=target.encode(), headers=lines))
            ask(
                listener.port,
                b"GET /meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=no HTTP/1.1\r\nHost: h\r\n\r\n",
            )
            with Store(tmp_path / ".whcli") as store:
                until(lambda: store.noted_until() == len(sent) + 1)
            done = listener.end()
            place.said.append(done.out + done.err)
        with listening("--verify", "--json", folder=tmp_path, env=place.env) as listener:
            assert ask(listener.port, post(STRIPE, headers=sent[0][2])).status == 200
            assert ask(listener.port, post(b"changed", headers=sent[0][2])).status == 401
            done = listener.end()
            place.said.append(done.out + done.err)
        for name, value in place.env.items():
            monkeypatch.setenv(name, value)
        for arguments in COMMANDS:
            typed = [each.format(good=good.url, bad=bad.url) for each in arguments]
            assert place.here(capsys, *typed) in (0, 1), place.said[-1]
        for arguments in (("verify", "7"), ("replay", "1", "--to", good.url), ("sign", "stripe", "--json")):
            assert place.whcli(*arguments, "--secret", "-", stdin=BY_VARIABLE["FLAG"].encode()).code in (0, 1)
        place.whcli("demo")
    assert len(place.said) > 40
    assert any("valid" in said for said in place.said) and any("re-signed" in said for said in place.said)
    assert place.found() == []
    assert not hits


FORMS = [(), ("--json",)]
LOOKED_AT = [
    ("list",),
    ("show", "1"),
    ("show", "1", "--full", "--reveal"),
    ("show", "1", "--curl"),
    ("diff", "1", "6"),
    ("verify", "1"),
    ("verify", "6"),
    ("verify", "7", "--secret", "file:secrets/flag.txt"),
    ("verify", "4", "--scheme", "acme"),
    ("replay", "1", "--to", "{good}"),
    ("replay", "all", "--to", "{good}", "--report"),
    ("replay", "1", "--to", "{bad}", "--junit", "junit.xml"),
    ("replay", "1", "--dry-run"),
    ("replay", "1", "--to", "{good}", "--resign", "github", "--new-id", "--set", "body.a=1"),
    ("replay", "1", "--to", "{good}", "--compare-to", "{bad}"),
    ("send", "stripe", "charge.succeeded", "--to", "{good}"),
    ("send", "stripe", "charge.succeeded", "--dry-run"),
    ("sign", "stripe"),
    ("sign", "stripe", "--url", "http://h/", "--curl"),
    ("handshake", "slack", "--to", "{good}"),
    ("handshake", "meta", "--to", "{good}", "--verify-token", "env:TOKEN"),
    ("schemes", "show", "stripe"),
    ("schemes", "show", "acme"),
    ("wait", "--timeout", "1ms", "--count", "1"),
    ("assert", "--signed"),
    ("store", "info"),
    ("store", "backup", "copy.db"),
    ("export", "all", "-o", "exported"),
    ("export", "all", "--no-redact", "-o", "exact.har", "--format", "har"),
    ("help", "environment"),
]
ONE_FORM = {"--curl", "help", "backup"}
COMMANDS = [(*each, *form) for each in LOOKED_AT for form in FORMS if not (form and set(each) & ONE_FORM)]


MALFORMED = (("sign", "standardwebhooks", "--secret", "env:BAD"), ("sign", "discord", "--secret", "env:BAD"))


def test_errors_mask_them(tmp_path: Path) -> None:
    """A malformed secret, and one in the configuration, come back as `whsec_…wxyz`."""
    place = Place(tmp_path)
    bad = planted("malformed") + "!"
    place.env["BAD"] = bad
    for form in FORMS:
        for arguments in MALFORMED:
            assert place.whcli(*arguments, *form).code == 2
    (tmp_path / "whcli.toml").write_text(f'[secrets]\nstripe = "{planted("literal")}"\n')
    for form in FORMS:
        assert place.whcli("sign", "stripe", *form).code == 2
    assert "whsec_…wxyz" in place.said[-1] or "whsec_\\u2026wxyz" in place.said[-1]
    (tmp_path / "whcli.toml").unlink()
    assert place.found() == []


def test_a_crash_masks_them_with_the_traceback_too(tmp_path: Path) -> None:
    place = Place(tmp_path)
    code = (
        "import sys, whcli.hands.keyring as k\n"
        "old = k.Keyring.secrets\n"
        "def broken(self, *a, **n):\n"
        "    [secret] = old(self, *a, **n)\n"
        "    raise RuntimeError(f'{secret!r} {secret.value!r} {secret.value.decode()}')\n"
        "k.Keyring.secrets = broken\n"
        "sys.argv = ['whcli', 'sign', 'stripe', *sys.argv[1:]]\n"
        "from whcli.cli import main; main()"
    )
    for flags in ((), ("--debug",), ("--debug", "--json")):
        done = subprocess.run(
            [sys.executable, "-c", code, *flags],
            cwd=tmp_path,
            env=environment(place.env),
            capture_output=True,
            text=True,
        )
        place.said.append(done.stdout + done.stderr)
        assert done.returncode == 70 and ("Traceback" in done.stderr) is bool(flags)
    assert "whsec_…wxyz" in place.said[-1]
    assert len(list((tmp_path / "temporary").glob("whcli-crash-*.log"))) == 3
    assert place.found() == []


def test_a_private_key_made_for_tests_is_printed_by_keygen_alone(tmp_path: Path) -> None:
    place = Place(tmp_path)
    made = json.loads(whcli("schemes", "keygen", "discord", "--json", folder=tmp_path).out)
    private = next(str(value) for name, value in made.items() if "private" in name or name == "secret")
    (tmp_path / "secrets" / "key").write_text(private)
    lines = signed(place, "discord", b'{"type":1}', "--secret", "file:secrets/key")
    with (
        Receiver() as good,
        listening("--secret", "file:secrets/key", "--scheme", "discord", folder=tmp_path) as listener,
    ):
        ask(listener.port, post(b'{"type":1}', headers=lines))
        for arguments in (("show", "1"), ("verify", "1"), ("replay", "1", "--to", good.url), ("list", "--json")):
            place.whcli(*arguments, *(("--secret", "file:secrets/key") if arguments[0] in ("verify", "replay") else ()))
        done = listener.end()
        place.said.append(done.out + done.err)
    longest = max(private.replace("\\n", "\n").split(), key=len)
    assert len(longest) > 20 and place.found(longest) == []


def test_a_secret_kept_from_a_handshake_is_masked_wherever_it_is_shown(tmp_path: Path) -> None:
    """It came in captured bytes, so the store holds it; the screen, an export and the log do not."""
    place = Place(tmp_path)
    with listening(folder=tmp_path, env=place.env) as listener:
        answer = ask(listener.port, post(b"{}", headers=f"X-Hook-Secret: {planted('kept')}\r\n".encode()))
        assert answer.status == 200
        with Store(tmp_path / ".whcli") as store:
            until(lambda: store.noted_until() == 1)
        for arguments in (("list",), ("show", "1"), ("diff", "1", "1"), ("verify", "1"), ("store", "info")):
            place.whcli(*arguments)
        place.whcli("export", "1", "-o", "exported")
        done = listener.end()
        place.said.append(done.out + done.err)
    assert [found for found in place.found() if "/.whcli/" not in found] == []


# -- what captured bytes hold -----------------------------------------------------------------------------------------

CANARIES = {
    "Authorization": "Authorization: Bearer {c}",
    "Proxy-Authorization": "Proxy-Authorization: Basic {c}",
    "Cookie": "Cookie: session={c}",
    "X-Gitlab-Token": "X-Gitlab-Token: {c}",
    "X-Api-Key": "X-Api-Key: {c}",
    "X-Auth-Token": "X-Auth-Token: {c}",
}
"""Six headers; then a query, a URL's password, a body, an answer, an error and a crash report."""


def canary(number: int) -> str:
    return f"{MARK}{number:02}{MARK}0123456789wxyz"


def with_canaries(folder: Path, other: str = "") -> int:
    """One event with a canary in each place that captured bytes have; `other` makes it another one."""
    lines = [line.format(c=canary(n) + other) for n, line in enumerate(CANARIES.values())]
    target = f"http://user:{canary(6)}{other}@h/x?a=1&token={canary(7)}{other}&api_key={canary(8)}{other}"
    head = "\r\n".join([f"POST {target} HTTP/1.1", "Host: h", *lines, "", ""]).encode()
    body = json.dumps({"note": f"b0dy{other}"}).encode()
    with Store(folder / ".whcli", create=True) as store:
        [id] = store.add([Arrival(1.7e9, head, b"POST", target.encode(), body, (), None)])
    return id


def test_a_canary_in_each_of_twelve_places_is_not_on_the_default_screen(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with_canaries(tmp_path)
    with_canaries(tmp_path, "b")
    leak = f"Set-Cookie: a={canary(9)}\r\nLocation: http://u:{canary(9)}@h/?token={canary(9)}\r\nContent-Length: 0"
    with Receiver(f"HTTP/1.1 302 No\r\n{leak}\r\n\r\n".encode()) as receiver:
        nobody = closed_port()
        for arguments in (
            ("list",),
            ("replay", "1", "--to", receiver.url),
            ("replay", "1", "--to", f"http://localhost:{nobody}"),
            ("replay", "1", "--to", f"{receiver.url}/other?key={canary(10)}"),
            ("replay", "1", "--to", f"http://user:{canary(10)}@localhost:{nobody}"),
            ("replay", "1", "--to", receiver.url, "--set", f"headers.Authorization={canary(11)}"),
            ("replay", "1", "--to", receiver.url, "--compare-to", f"{receiver.url}/y"),
            ("show", "1"),
            ("show", "1", "--full"),
            ("diff", "1", "2"),
            ("verify", "1", "--scheme", "github"),
            ("export", "1", "-o", "exported"),
            ("export", "1", "--format", "curl"),
            ("wait", "--timeout", "1ms"),
            ("assert", "--count", "9"),
        ):
            place.whcli(*arguments)
        assert any(canary(0).encode() in request for request in receiver.requests)  # this machine gets all of them
        with listening("--forward", receiver.url, folder=tmp_path) as listener:
            lines = "".join(line.format(c=canary(n)) + "\r\n" for n, line in enumerate(CANARIES.values()))
            request = post(b"{}", target=f"/x?token={canary(7)}".encode(), headers=lines.encode())
            ask(listener.port, request)
            ask(listener.port, request.replace(b"POST /x?", b"POST  /x?"))
            done = listener.end()
            place.said.append(done.out + done.err)
    assert [found for found in place.found() if "/.whcli/" not in found] == []
    assert sum("…" in said for said in place.said) >= 5


def test_to_see_them_is_one_flag_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_canaries(tmp_path)
    with_canaries(tmp_path, "b")
    for arguments, code in (
        (["show", "1", "--reveal"], 0),
        (["diff", "1", "2", "--reveal"], 1),
        (["show", "1", "--json"], 0),
    ):
        assert run(arguments) == code
        assert canary(0) in capsys.readouterr().out, arguments


def test_a_crash_log_holds_no_captured_byte(tmp_path: Path) -> None:
    with_canaries(tmp_path)
    (tmp_path / "temporary").mkdir()
    code = (
        "import sys, whcli.commands.show as s\n"
        "def broken(screen, event, *a, **n): raise RuntimeError(event)\n"
        "s.present = broken\n"
        "sys.argv = ['whcli', 'show', '1']\n"
        "from whcli.cli import main; main()"
    )
    env = environment({"TMPDIR": str(tmp_path / "temporary")})
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    [log] = (tmp_path / "temporary").iterdir()
    assert done.returncode == 70 and log.stat().st_mode & 0o777 == 0o600
    assert MARK not in done.stdout + done.stderr + log.read_text()
