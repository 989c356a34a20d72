"""`whcli verify` says why: causes made on purpose, through the command as a user types it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.listeners import listener_on
from tests.program import whcli
from tests.wire import ask
from whcli import cli
from whcli.rules.autopsy import FIXES, REASONS
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign
from whcli.words.event import Headers, Message
from whcli.words.secret import Secret

NOW = 1_763_900_000
URL = "https://shop.example/hooks/in?shop=1"
BODY = b'{"id":"evt_1","name":"Zo\xc3\xab","amount":2500,"site":"https://zoe.example/"}'
FORM = b"command=%2Fdeploy&text=to+production+%26+test&user_name=Zo%C3%AB"
STRIPE = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"
KEY = base64.b64encode(b"0123456789abcdef01234567").decode()
PLAIN = "8f742231b10e8888abcd99yyyzzz85a5"


def signed(scheme: str, body: bytes, secret: str, url: str = URL, at: float = NOW) -> Headers:
    """The headers a provider would send."""
    kind = b"application/json" if body[:1] in b"{[" else b"application/x-www-form-urlencoded"
    message = Message(method="POST", url=url, headers=((b"Content-Type", kind),), body=body)
    made = sign(scheme_named(scheme), message, [Secret(value=secret.encode(), label="")], now=at, token="5b1c")
    return (*message.headers, *made.headers)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was signed, what arrived, and what is known when it is verified."""

    says: str
    reason: str
    scheme: str = "stripe"
    secret: str = STRIPE  # signed with
    known: str | None = None  # verified with; None: the same
    env: dict[str, str] = field(default_factory=dict)
    body: bytes = BODY
    arrives: bytes | None = None
    url: str = ""  # the URL it is verified with; empty: the signed one
    at: float = NOW  # the time of the check
    headers: Callable[[Headers], Headers] = lambda headers: headers
    words: str = ""  # what people must read

    def __str__(self) -> str:
        return self.says

    def files(self, folder: Path) -> list[str]:
        """The arguments that describe it; its body is written beside."""
        (folder / "arrived").write_bytes(self.body if self.arrives is None else self.arrives)
        headers = self.headers(signed(self.scheme, self.body, self.secret))
        lines = [f"{name.decode()}: {value.decode('latin-1')}" for name, value in headers]
        given = [part for line in lines for part in ("-H", line)]
        where = ["--url", self.url or URL, "--now", str(self.at), "--body-file", "arrived"]
        return ["verify", "--scheme", self.scheme, "--secret", "env:KNOWN", *given, *where]

    @property
    def environment(self) -> dict[str, str]:
        return {"KNOWN": self.secret if self.known is None else self.known, **self.env}


def without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: tuple(pair for pair in headers if pair[0].lower() != name.lower().encode())


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Headers], Headers]:
    wanted = name.lower().encode()
    return lambda headers: tuple((key, change(text) if key.lower() == wanted else text) for key, text in headers)


CAUSES = (
    Request(
        says="another configured secret",
        reason="wrong_secret",
        known="whsec_not_this_one",
        env={"WHCLI_SECRET_GITHUB": STRIPE},
        words="matches    the secret from $WHCLI_SECRET_GITHUB",
    ),
    Request(
        says="the secret of an old key, one signature of two",
        reason="secret_rotated",
        known="whsec_not_this_one",
        env={"WHCLI_SECRET_STRIPE": STRIPE},
        headers=changed("Stripe-Signature", lambda text: text + b",v1=" + b"0" * 64),
        words="the secret from $WHCLI_SECRET_STRIPE",
    ),
    Request(
        says="a secret used as text that is base64",
        reason="secret_is_base64",
        scheme="github",
        secret="0123456789abcdef01234567",
        known=KEY,
        words="decode the secret from base64",
    ),
    Request(says="a blank behind the secret", reason="secret_whitespace", known=STRIPE + " "),
    Request(says="quotes around the secret", reason="secret_quoted", known=f'"{STRIPE}"', words="quotes around it"),
    Request(
        says="a secret without the scheme's form",
        reason="secret_malformed",
        scheme="svix",
        secret=f"whsec_{KEY}",
        known="whsec_!!!",
        words="base64",
    ),
    Request(says="too old", reason="timestamp_too_old", at=NOW + 7200, words="7200 s old (limit 300 s): 2h"),
    Request(says="a clock ahead", reason="timestamp_ahead", scheme="slack", secret=PLAIN, at=NOW - 900, words="900 s"),
    Request(
        says="Python printed the JSON again",
        reason="body_reserialised",
        arrives=json.dumps(json.loads(BODY)).encode(),
        words="arrived as Python json.dumps prints it",
    ),
    Request(says="a newline added", reason="newline_added", arrives=BODY + b"\n", words="differs at byte 72"),
    Request(says="a newline removed", reason="newline_removed", body=BODY + b"\n", arrives=BODY),
    Request(
        says="CR LF became LF",
        reason="line_ends_changed",
        body=b'{\r\n  "a": 1\r\n}',
        arrives=b'{\n  "a": 1\n}',
    ),
    Request(says="a byte order mark", reason="bom_added", arrives=b"\xef\xbb\xbf" + BODY),
    Request(says="read as Latin-1", reason="charset_changed", arrives=BODY.decode("latin-1").encode()),
    Request(says="still compressed", reason="gzip_not_undone", arrives=gzip.compress(BODY)),
    Request(
        says="a form encoded again",
        reason="form_reencoded",
        scheme="slack",
        secret=PLAIN,
        body=FORM,
        arrives=FORM.replace(b"+", b"%20"),
    ),
    Request(
        says="http behind a proxy",
        reason="url_scheme",
        scheme="square",
        secret=PLAIN,
        url="http://shop.example/hooks/in?shop=1",
        words=f"signed URL {URL}",
    ),
    Request(
        says="a slash at the end of the path",
        reason="url_slash",
        scheme="square",
        secret=PLAIN,
        url="https://shop.example/hooks/in/?shop=1",
        words="--public-url",
    ),
    Request(
        says="no header",
        reason="header_missing",
        headers=without("Stripe-Signature"),
        words="there is no Stripe-Signature header",
    ),
    Request(
        says="a header that is cut short",
        reason="header_malformed",
        headers=changed("Stripe-Signature", lambda text: text.partition(b",")[0]),
        words="does not look like t=…,v1=…",
    ),
    Request(
        says="the header of another scheme",
        reason="other_scheme",
        headers=lambda headers: signed("github", BODY, PLAIN),
        words="but the X-Hub-Signature-256 header of GitHub",
    ),
    Request(
        says="upper-case digits",
        reason="signature_upper_case",
        scheme="github",
        secret=PLAIN,
        headers=changed("X-Hub-Signature-256", lambda text: b"sha256=" + text[7:].upper()),
    ),
    Request(says="another body", reason="no_match", arrives=b'{"id":"evt_2"}', words="none matches"),
    Request(says="bytes that are not UTF-8", reason="no_match", arrives=b"\xff\x00\xfe"),
)


@pytest.mark.parametrize("request_", CAUSES, ids=str)
def test_the_cause_is_told_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: Request) -> None:
    for name, value in request_.environment.items():
        monkeypatch.setenv(name, value)
    code, out, err = run(*request_.files(tmp_path), "--json")
    assert (code, err) == (1, "")
    told = json.loads(out)
    assert (told["reason"], told["ok"], told["schema"]) == (request_.reason, False, "whcli.verdict/1")
    assert told["reason"] in REASONS and told["detail"].startswith(REASONS[told["reason"]])
    assert told["diagnosis"]["reason"] == told["reason"] and told["diagnosis"]["change"]
    assert told["state"] in ("invalid", "stale", "unsigned")


@pytest.mark.parametrize("request_", CAUSES, ids=str)
def test_people_read_the_cause_once_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: Request
) -> None:
    for name, value in request_.environment.items():
        monkeypatch.setenv(name, value)
    code, out, err = run(*request_.files(tmp_path))
    first, *rest = out.splitlines()
    assert (code, err) == (1, "")
    assert first.startswith(f"✗ {request_.scheme}  {REASONS[request_.reason]}")
    assert request_.words in out
    assert sum(line.startswith("  next       ") for line in rest) == 1
    assert all(line.startswith("  ") and len(line) < 160 for line in rest)
    said = [line[13:] for line in rest]
    assert len(set(said)) == len(said) and not any(text in first for text in said if len(text) > 30)
    assert STRIPE not in out and PLAIN not in out


def run(*arguments: str) -> tuple[int, str, str]:
    """A command in this process: exit code, stdout, stderr."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = cli.run(list(arguments))
    return code, out.getvalue(), err.getvalue()


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    request = next(case for case in CAUSES if case.reason == "wrong_secret")
    done = whcli(*request.files(tmp_path), "--json", folder=tmp_path, env=request.environment)
    assert (done.code, done.err, done.lines[0]["reason"]) == (1, "", "wrong_secret")


def test_a_changed_body_gets_one_line_a_framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWN", STRIPE)
    request = next(case for case in CAUSES if case.reason == "newline_added")
    _, out, _ = run(*request.files(tmp_path))
    assert out.splitlines()[-8:] == [f"    {name:<9}{line}" for name, line in FIXES]
    request = next(case for case in CAUSES if case.reason == "wrong_secret")
    assert not any(name in run(*request.files(tmp_path))[1] for name, _ in FIXES)


def test_the_secret_of_another_route_is_among_those_searched(tmp_path: Path) -> None:
    text = '[[routes]]\npath = "/{0}/*"\nscheme = "github"\nsecret = "env:{1}"\n'
    (tmp_path / "whcli.toml").write_text(text.format("a", "KEY_A") + text.format("b", "KEY_B"))
    headers = b"".join(b"%b: %b\r\n" % pair for pair in signed("github", BODY, "secret of route b"))
    with listener_on(tmp_path / ".whcli") as port:
        ask(port, b"POST /a/in HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (headers, len(BODY)) + BODY)
    env = {"KEY_A": "secret of route a", "KEY_B": "secret of route b"}
    done = whcli("verify", "1", folder=tmp_path, env=env)
    assert done.code == 1 and "matches    the secret from $KEY_B" in done.out


# -- what the application hashed ------------------------------------------------------------------------------------


def compared(folder: Path, hashed: bytes, arrived: bytes = BODY) -> tuple[dict[str, Any], int, str]:
    """The answer to `--received-body`, as JSON and for people."""
    request = Request(says="", reason="", arrives=arrived)
    arguments = [*request.files(folder), "--received-body", "hashed"]
    (folder / "hashed").write_bytes(hashed)
    done = whcli(*arguments, "--json", folder=folder, env={"KNOWN": STRIPE})
    people = whcli(*arguments, folder=folder, env={"KNOWN": STRIPE})
    assert people.code == done.code
    return done.lines[0], done.code, people.out


def test_the_first_byte_that_differs_is_shown(tmp_path: Path) -> None:
    told, code, out = compared(tmp_path, json.dumps(json.loads(BODY)).encode())
    assert (told["reason"], told["state"], told["ok"], code) == ("body_reserialised", "valid", False, 1)
    assert told["diagnosis"]["difference"] == {
        "offset": 6,
        "signed": '{"id":"evt_1","name":"',
        "hashed": '{"id": "evt_1", "name"',
    }
    assert out.splitlines()[:6] == [
        "✗ stripe  the JSON body was parsed and printed again after it was signed",
        "  hashed     the body as Python json.dumps prints it",
        "  secret     $KNOWN",
        "  differs at byte 6",
        '    sent     {"id":"evt_1","name":"',
        '    hashed   {"id": "evt_1", "name"',
    ]
    assert "express.raw" in out


def test_the_same_bytes_leave_other_things_to_look_at(tmp_path: Path) -> None:
    told, code, out = compared(tmp_path, BODY)
    assert (told["reason"], told["ok"], code) == ("body_same", True, 0)
    assert out.startswith("✓ stripe  the application hashed the very bytes that were sent") and "differs" not in out


def test_nothing_was_hashed(tmp_path: Path) -> None:
    told, code, out = compared(tmp_path, b"")
    assert (told["reason"], code) == ("body_empty", 1)
    assert "    hashed   (nothing)" in out and "read the stream once" in out


def test_other_bytes_were_hashed(tmp_path: Path) -> None:
    told, code, out = compared(tmp_path, BODY.replace(b"2500", b"2600"))
    assert (told["reason"], code) == ("body_differs", 1)
    assert told["diagnosis"]["difference"]["offset"] == BODY.index(b"2500") + 1 and "✗" in out


def test_the_application_may_be_right_and_the_capture_wrong(tmp_path: Path) -> None:
    told, code, out = compared(tmp_path, BODY, arrived=BODY + b"\n")
    assert (told["reason"], told["state"], told["ok"], code) == ("body_restored", "invalid", False, 1)
    assert "    captured " in out and out.startswith("✗")


def test_a_file_that_is_not_there_is_exit_3(tmp_path: Path) -> None:
    arguments = Request(says="", reason="").files(tmp_path)
    done = whcli(*arguments, "--received-body", "nowhere", "--json", folder=tmp_path, env={"KNOWN": STRIPE})
    assert done.code == 3 and json.loads(done.err)["code"] == "no_file"


# -- a captured event -----------------------------------------------------------------------------------------------


def captured(folder: Path, lines: bytes, body: bytes = b"{}") -> None:
    with listener_on(folder / ".whcli") as port:
        ask(port, b"POST /in HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (lines, len(body)) + body)


def test_an_event_of_nobody_we_know_says_so(tmp_path: Path) -> None:
    captured(tmp_path, b"X-Other: 1\r\n")
    done = whcli("verify", "1", "--json", folder=tmp_path)
    assert (done.lines[0]["reason"], done.lines[0]["state"], done.code) == ("unknown_scheme", "unknown", 1)
    assert done.lines[0]["event_id"] == 1
    out = whcli("verify", "1", folder=tmp_path).out.splitlines()
    assert out[0] == "✗ #1 –  no known signature scheme was recognised" and "add --scheme NAME" in out[1]


def test_an_event_that_several_may_have_sent_names_them(tmp_path: Path) -> None:
    captured(tmp_path, b"X-Signature: " + b"0f" * 32 + b"\r\n")
    done = whcli("verify", "1", "--json", folder=tmp_path)
    assert (done.lines[0]["reason"], done.code) == ("ambiguous_scheme", 1)
    out = whcli("verify", "1", folder=tmp_path).out
    assert "it may be from lemonsqueezy or clickup" in out and "add --scheme lemonsqueezy" in out


def test_a_scheme_can_be_given(tmp_path: Path) -> None:
    captured(tmp_path, b"X-Signature: " + b"0f" * 32 + b"\r\n")
    done = whcli("verify", "1", "--scheme", "clickup", "--json", folder=tmp_path, env={"WHCLI_SECRET_CLICKUP": PLAIN})
    assert (done.lines[0]["scheme"], done.lines[0]["reason"], done.code) == ("clickup", "no_match", 1)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("verify",), 2, "there is nothing to verify"),
        (("verify", "7"), 3, "there is no event 7"),
        (("verify", "1", "--scheme", "githb"), 2, "'github'"),
        (("verify", "1"), 2, "no secret for github is known"),
        (("verify", "--scheme", "square", "--secret", "env:KNOWN"), 2, "square signs the URL"),
        (("verify", "--scheme", "github", "--secret", "env:KNOWN", "--now", "nan"), 2, "--now takes no nan"),
        (("verify", "-", "--received-body", "-"), 2, "two things are to come from stdin"),
        (("verify", "--scheme", "github", "-H", "no header"), 2, "is no header"),
    ],
    ids=[
        "nothing",
        "no such event",
        "no such scheme",
        "no secret",
        "no URL",
        "no time",
        "standard input twice",
        "no header",
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    captured(tmp_path, b"X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=" + b"0f" * 32 + b"\r\n")
    done = whcli(*arguments, folder=tmp_path, env={"KNOWN": PLAIN})
    assert (done.code, done.out) == (code, "") and words in done.err and "next:" in done.err
