"""The command that `--curl` prints is run by real shells against a socket, and what arrives is compared by bytes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.receivers import Receiver, split
from whcli.rules.curl import curl_command
from whcli.rules.outgoing import with_length
from whcli.rules.target import parse_target
from whcli.words.errors import WrongUsage
from whcli.words.event import Headers, Outgoing

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

SHELLS = [shell for shell in ("sh", "bash", "dash") if shutil.which(shell)]
GONE = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver(GONE) as receiver:
        yield receiver


def request(
    receiver: Receiver, *, method: bytes = b"POST", target: bytes = b"/in", headers: Headers = (), body: bytes = b""
) -> Outgoing:
    """A request to the receiver, its Host first and its length made."""
    host = parse_target(receiver.url).authority.encode()
    headers = headers if any(name.lower() == b"host" for name, _ in headers) else ((b"Host", host), *headers)
    return Outgoing(method=method, url=receiver.url, target=target, headers=with_length(headers, body), body=body)


def run(command: str, shell: str, folder: Path | None = None) -> None:
    """Run a command as a script: it can be longer than an argument may be."""
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "http_proxy": "http://127.0.0.1:1",
        "HOME": str(folder or "/"),
    }
    with NamedTemporaryFile(mode="w", encoding="utf-8") as script:
        script.write(command)
        script.flush()
        done = subprocess.run([shell, script.name], capture_output=True, timeout=30, cwd=folder, env=environment)
    assert done.returncode == 0, (command, done.stderr)


def assert_arrives(receiver: Receiver, outgoing: Outgoing, shell: str, folder: Path | None = None) -> None:
    count = len(receiver.requests)
    run(curl_command(outgoing), shell, folder)
    line, headers, body = split(receiver.wait(count + 1)[count])
    assert line == outgoing.method + b" " + outgoing.target + b" HTTP/1.1"
    # A value is the same with and without white space around it; curl writes an empty one as `Name:`.
    assert [(name, value.strip(b" ")) for name, value in headers] == list(outgoing.headers)
    assert body == outgoing.body


BODIES = {
    "JSON": b'{"a": 1.0, "b": "it\'s \\u00e9"}',
    "a newline at the end": b'{"a": 1}\n',
    "several newlines at the end": b"a\n\n\n",
    "only a newline": b"\n",
    "CR LF": b"a\r\nb\r\n",
    "percent signs": b"50% off %s %n %%",
    "backslashes": b"a\\nb\\\\c\\0d\\",
    "NUL": b"a\x00b\x00",
    "not UTF-8": b"\x80\xff\xfe\xe9",
    "not UTF-8, beginning with a hyphen": b"-n \xff",
    "a digit after an odd byte": b"\x0012\xff7",
    "every byte": bytes(range(256)) * 2,
    "UTF-8": "grün ☃ 🎉".encode(),
    "a shell's favourites": b"$(touch canary) `touch canary` ${HOME} !! ~ * ? ; & | < > ( ) [ ] { } # \" '",
    "a shell's favourites, not UTF-8": b"$(touch canary) `touch canary` '; touch canary; ' \xff",
    "an at sign first": b"@/etc/passwd",
    "a hyphen first": b"-d x",
    "a tab": b"a\tb",
    "escape codes": b"\x1b]52;c;AAAA\x07",
    "direction marks": "a\u202eb".encode(),
    "a form": b"token=x&text=a+b%20c&channel=%23dev",
    "large text": b"0123456789abcde\n" * 20_000,
    "large binary": bytes(range(256)) * 2_000,
    "none": b"",
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bodies_arrive(receiver: Receiver, body: bytes, shell: str, tmp_path: Path) -> None:
    assert_arrives(receiver, request(receiver, body=body), shell, tmp_path)
    assert list(tmp_path.iterdir()) == []  # no canary


HEADERS: dict[str, Headers] = {
    "order, case and repeats": ((b"x-B", b"2"), (b"X-a", b"1"), (b"X-B", b"3"), (b"x-b", b"3")),
    "an empty value": ((b"X", b""), (b"Accept", b"")),
    "what curl would add": ((b"User-Agent", b"GitHub-Hookshot/1"), (b"accept", b"*/*"), (b"content-type", b"x")),
    "not UTF-8": ((b"X", b"caf\xe9 \xff"),),
    "UTF-8": ((b"X", "café ☃".encode()),),
    "quotes": ((b"X", b'it\'s "so" `x` $(touch canary) $HOME %s \\n'),),
    "escape codes": ((b"X", b"a\x1b[2Jb"), (b"Y", b"a\tb")),
    "names a shell could read": ((b"$(touch-canary)".replace(b"(", b"").replace(b")", b""), b"1"), (b"`X`", b"1")),
    "a hyphen first": ((b"-X", b"-1"),),
    "a semicolon last": ((b"X", b"a;"), (b"Y", b";")),
    "credentials": ((b"Authorization", b"Bearer x"), (b"Cookie", b"a=b"), (b"Cookie", b"c=d")),
    "Host not first": ((b"A", b"1"), (b"Host", b"localhost:1"), (b"B", b"2")),
    "another Host": ((b"Host", b"hooks.example"), (b"A", b"1")),
    "another case of Host": ((b"host", b"localhost:1"),),
    "two Hosts": ((b"Host", b"a.example"), (b"X", b"1"), (b"Host", b"b.example")),
    "the length not last": ((b"Content-Length", b"0"), (b"B", b"2")),
}


@pytest.mark.parametrize("body", [b"", b"{}"], ids=["no body", "a body"])
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_headers_arrive(receiver: Receiver, headers: Headers, body: bytes, shell: str, tmp_path: Path) -> None:
    assert_arrives(receiver, request(receiver, headers=headers, body=body), shell, tmp_path)
    assert list(tmp_path.iterdir()) == []


TARGETS = [b"/", b"/in?a=1&b=2", b"/a/../b/./c", b"/a//b%2Fc", b"/%zz?", b"/[1]{a,b}", b"/caf\xc3\xa9", b"/\xe9", b"*"]
TARGETS += [
    b"/in#x?y",
    b"/\"<>|\\^`'$(touch canary)".replace(b" ", b"%20"),
    b"/a?b#c",
    b"host:443",
    b"/;,:@!$'()*",
    b"/~x",
]
TARGETS += [b"http://hooks.example/x", b"//double", b"/?", b"/-x", b"-x", b"@x"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("target", TARGETS, ids=repr)
def test_targets_arrive(receiver: Receiver, target: bytes, shell: str, tmp_path: Path) -> None:
    assert_arrives(receiver, request(receiver, target=target, body=b"x"), shell, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [b"", b"{}"], ids=["no body", "a body"])
@pytest.mark.parametrize(
    "method", [b"GET", b"PUT", b"post", b"DELETE", b"OPTIONS", b"M-SEARCH", b"X'$`!", b"-x"], ids=repr
)
def test_methods_arrive(receiver: Receiver, method: bytes, body: bytes) -> None:
    assert_arrives(receiver, request(receiver, method=method, body=body), "sh")


def test_head_does_not_wait_for_a_body() -> None:
    with Receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n") as receiver:
        assert_arrives(receiver, request(receiver, method=b"HEAD"), "sh")


def test_host_and_length_can_be_left_to_curl(receiver: Receiver) -> None:
    count = len(receiver.requests)
    signed = Outgoing(method=b"POST", url=receiver.url, target=b"/", headers=((b"X-Sig", b"1"),), body=b"{}")
    run(curl_command(signed), "sh")
    line, headers, body = split(receiver.wait(count + 1)[count])
    host = parse_target(receiver.url).authority.encode()
    assert headers == [(b"Host", b" " + host), (b"X-Sig", b" 1"), (b"Content-Length", b" 2")]
    assert (line, body) == (b"POST / HTTP/1.1", b"{}")


def test_a_curlrc_changes_nothing(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text('header = "X-Evil: 1"\n')
    assert_arrives(receiver, request(receiver, body=b"{}"), "sh", tmp_path)


def test_a_plain_request_reads_well() -> None:
    headers = ((b"Host", b"localhost:3000"), (b"Content-Type", b"application/json"), (b"Content-Length", b"8"))
    outgoing = Outgoing(
        method=b"POST", url="http://localhost:3000/in", target=b"/in", headers=headers, body=b'{"a": 1}'
    )
    assert curl_command(outgoing) == (
        "curl -q -sSi --noproxy '*' -X POST http://localhost:3000/in \\\n"
        "  -H 'Accept:' -H 'User-Agent:' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  --data-binary '{\"a\": 1}'"
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"headers": ((b"X", b"a\r\nY: b"),)},
        {"headers": ((b"X", b"a\x00"),)},
        {"headers": ((b"X", b"\x0b\x0c"),)},
        {"headers": ((b"@/etc/passwd", b"1"),)},
        {"headers": ((b"X;", b""),)},
        {"headers": ((b"X\xe9", b"1"),)},
        {"target": b"/a\r\nX: y"},
        {"target": b"/a b"},
        {"method": b"PO\nST"},
    ],
    ids=repr,
)
def test_what_curl_cannot_send_is_refused(odd: dict[str, bytes]) -> None:
    outgoing = Outgoing(method=b"POST", url="http://localhost:3000", target=b"/", headers=())
    with pytest.raises(WrongUsage):
        curl_command(replace(outgoing, **odd))  # type: ignore[arg-type]


token = st.from_regex(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}", fullmatch=True)
value = st.binary(max_size=30).map(lambda data: data.translate(None, b"\x00\r\n").strip())
target = st.binary(max_size=30).map(lambda data: b"/" + bytes(byte for byte in data if byte > 0x20 and byte != 0x7F))
made = (b"host", b"content-length", b"transfer-encoding")
headers_of_any_kind = st.lists(st.tuples(token.filter(lambda name: name.lower() not in made), value), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SHELLS), target, headers_of_any_kind, st.binary(max_size=200))
def test_any_request_arrives(
    receiver: Receiver, shell: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    assert_arrives(receiver, request(receiver, target=target, headers=tuple(headers), body=body), shell)


SHELL = ["$(touch X)", "`touch X`", "; touch X", "| touch X", "&& touch X", "& touch X &", "> X", "'; touch X; '"]
SHELL += ['"; touch X; "', "\\'; touch X; '", "'$(touch X)'", '"$(touch X)"', "${X:=$(touch X)}", "$((`touch X`))"]
SHELL += ["\ntouch X\n", "\r\ntouch X\r\n", "'\ntouch X\n'", "\\\ntouch X", "#\ntouch X", "!touch X", "{touch,X}"]
SHELL += ["<(touch X)", "@X", "@/etc/passwd", "-o X", "--output X", "-K X", "%s%n", "\\$(touch X)", "$'\\x27; touch X'"]
SHELL += ["\x1b;touch X", "*", "~root", "a\\", "' -o X '", "\x00; touch X"]


@pytest.mark.parametrize("shell", SHELLS)
def test_no_payload_gets_out_of_its_quotes(receiver: Receiver, shell: str, tmp_path: Path) -> None:
    """In the body, a header and the target: no file is made, nothing is read, and the same request arrives."""
    assert len(set(SHELL)) >= 30
    for text in SHELL:
        data = text.encode()
        field = data.translate(None, b"\r\n\x00\x1b").strip()
        target = b"/" + field.replace(b" ", b"")
        for outgoing in (
            request(receiver, body=data),
            request(receiver, headers=((b"X-A", field),), body=b"{}"),
            request(receiver, target=target),
        ):
            assert_arrives(receiver, outgoing, shell, tmp_path)
    assert not list(tmp_path.iterdir())
