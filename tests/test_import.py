"""`whcli import`: files of ours and of other tools; what is hostile among them is one sentence."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.planted import event
from tests.program import DEADLINE, environment, listening, whcli
from tests.receivers import Receiver
from tests.test_listen import post
from whcli.rules.archive.fixture import fixture_text
from whcli.rules.archive.formats import FORMATS
from whcli.rules.archive.reading import requests_in
from whcli.rules.archive.words import NotReadable, commands
from whcli.words.errors import WrongUsage
from whcli.words.event import Event
from whcli.words.fixture import Fixture

NOW = 1_795_460_250.0


def no_file(path: str) -> bytes:
    raise WrongUsage(f"{path} is not read", next="-")


def read(data: bytes | str | Any) -> list[Event]:
    text = data if isinstance(data, bytes | str) else json.dumps(data)
    return [each.fixture.event for each in requests_in(text.encode() if isinstance(text, str) else text, no_file, NOW)]


def notes(data: Any) -> list[str]:
    return [each.note for each in requests_in(json.dumps(data).encode(), no_file, NOW)]


# -- other tools ----------------------------------------------------------------------------------------------------

GITHUB = {
    "id": 12345678,
    "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
    "delivered_at": "2019-06-03T00:57:16Z",
    "redelivery": False,
    "duration": 0.27,
    "status": "OK",
    "status_code": 200,
    "event": "issues",
    "action": "opened",
    "url": "https://www.example.com/hooks?a=1",
    "request": {
        "headers": {
            "X-GitHub-Delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
            "X-Hub-Signature-256": "sha256=6dcb09b5b57875f334f61aebed695e2e4193db5e",
            "Accept": "*/*",
            "X-GitHub-Event": "issues",
            "User-Agent": "GitHub-Hookshot/b8c71d8",
            "content-type": "application/json",
        },
        "payload": {"action": "opened", "issue": {"body": "foo é", "id": 12345678901234567890, "x": 1.0}},
    },
    "response": {"headers": {}, "payload": "ok"},
}
"""As "Get a delivery for a repository webhook" answers."""


def test_a_delivery_of_githubs_api() -> None:
    [got] = read(GITHUB)
    assert got.body == '{"action":"opened","issue":{"body":"foo é","id":12345678901234567890,"x":1.0}}'.encode()
    assert (got.method, got.target) == (b"POST", b"/hooks?a=1")
    assert (b"X-GitHub-Event", b"issues") in got.headers and got.received_at == 1559523436
    assert "its signature may not hold" in notes(GITHUB)[0]
    assert len(read([GITHUB, GITHUB])) == 2 and read([GITHUB])[0].uid == read([GITHUB])[0].uid


def test_githubs_form_deliveries() -> None:
    form = {
        **GITHUB,
        "request": {"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "payload": {"a": 1}},
    }
    assert read(form)[0].body == b"payload=%7B%22a%22%3A1%7D"


WEBHOOK_SITE = {
    "uuid": "a2a6a4ae-4130-4063-953a-84fa29d81d43",
    "type": "web",
    "token_id": "a94a7294-c4aa-4074-ab77-c4cf86fd53b1",
    "ip": "127.0.0.1",
    "hostname": "webhook.site",
    "method": "POST",
    "content": '{"first_name":"Arch","last_name":"Weber"}',
    "query": {"action": "create"},
    "headers": {"content-length": ["41"], "x-a": ["1", "2"], "stripe-signature": ["t=1,v1=ab"]},
    "url": "https://webhook.site/a94a7294-c4aa-4074-ab77-c4cf86fd53b1/201?action=create",
    "created_at": "2019-10-03 19:06:35",
}


def test_requests_of_webhook_site() -> None:
    for wrapped in (WEBHOOK_SITE, {"data": [WEBHOOK_SITE], "total": 1}, [WEBHOOK_SITE]):
        [got] = read(wrapped)
        assert got.body == b'{"first_name":"Arch","last_name":"Weber"}' and got.peer == "127.0.0.1"
        assert got.target == b"/a94a7294-c4aa-4074-ab77-c4cf86fd53b1/201?action=create"
        assert got.headers[1:3] == ((b"x-a", b"1"), (b"x-a", b"2")) and got.received_at == 1570129595


def test_a_capture_of_better_webhook() -> None:
    record = {
        "id": "abc",
        "timestamp": "2026-02-01T10:00:00Z",
        "method": "POST",
        "url": "/webhooks/github?x=1",
        "path": "/webhooks/github",
        "headers": [{"key": "X-B", "value": "2"}, {"key": "X-A", "value": "1"}],
        "remote_addr": "127.0.0.1:5000",
        "content_length": 3,
        "raw_body_base64": base64.b64encode(b"\x00\xffa").decode(),
        "provider": "github",
        "_meta": {"stored_at": "2026-02-01T10:00:00Z", "body_encoding": "base64", "capture_tool_version": "1"},
    }
    [got] = read(record)
    assert got.body == b"\x00\xffa" and got.target == b"/webhooks/github?x=1" and got.peer == "127.0.0.1:5000"
    assert got.headers == ((b"X-B", b"2"), (b"X-A", b"1"))


def test_a_capture_of_an_older_better_webhook() -> None:
    record = {
        "id": "abc",
        "timestamp": "2025-01-02T03:04:05.678Z",
        "method": "POST",
        "url": "/hooks?x=1",
        "path": "/hooks",
        "headers": {"host": "localhost:3001", "set-cookie": ["a=1", "b=2"]},
        "body": {"a": 1},
        "rawBody": '{"a": 1.0}',
        "query": {"x": "1"},
        "provider": "stripe",
    }
    [got] = read(record)
    assert got.body == b'{"a": 1.0}' and got.target == b"/hooks?x=1" and got.received_at == 1735787045.678
    assert got.headers == ((b"host", b"localhost:3001"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
    assert "as text" in notes(record)[0]


def test_mails_among_the_requests_of_webhook_site_are_passed_over(tmp_path: Path) -> None:
    mail = {**WEBHOOK_SITE, "type": "email", "method": None, "url": None, "headers": {"from": ["a@b.c"]}}
    (tmp_path / "requests.json").write_text(json.dumps({"data": [WEBHOOK_SITE, mail, WEBHOOK_SITE | {"uuid": "2"}]}))
    done = whcli("import", "requests.json", folder=tmp_path)
    assert done.code == 0 and len(done.out.splitlines()) == 2 and "took as email is passed over" in done.err
    (tmp_path / "mail.json").write_text(json.dumps(mail))
    assert whcli("import", "mail.json", folder=tmp_path).code == 3
    (tmp_path / "mail.json").write_text(json.dumps(mail | {"content": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"}))
    assert whcli("fixtures", "check", "mail.json", folder=tmp_path).code == 1
    assert "did not keep a body of 9 bytes" in notes(WEBHOOK_SITE | {"content": "", "size": 9})[0]


def test_githubs_list_of_deliveries_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps([{k: v for k, v in GITHUB.items() if k != "request"}]))
    done = whcli("import", "list.json", folder=tmp_path)
    assert done.code == 2 and "leaves their requests out" in done.err and "deliveries/12345678 >" in done.err


def har(request: dict[str, Any], creator: str = "mitmproxy") -> dict[str, Any]:
    entry = {
        "startedDateTime": "2026-01-01T00:00:00.5+00:00",
        "time": 1,
        "request": request,
        "response": {},
        "timings": {},
    }
    return {"log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "pages": [], "entries": [entry]}}


def named(**headers: str) -> list[dict[str, str]]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]


def test_a_har_file_of_mitmproxy() -> None:
    """With `postData.params` beside the text, and a text that is no more than what was decoded."""
    request = {
        "method": "POST",
        "url": "http://localhost:3000/hooks?a=%20b",
        "httpVersion": "HTTP/1.1",
        "headers": named(Host="localhost:3000", Content_Length="12", X_A="1"),
        "postData": {"mimeType": "application/json", "text": '{"a": "\u00e9"}\n', "params": []},
        "bodySize": 12,
    }
    [got] = read(har(request))
    assert got.body == b'{"a": "\xc3\xa9"}\n' and got.target == b"/hooks?a=%20b" and got.received_at == 1767225600.5
    assert got.headers == ((b"Host", b"localhost:3000"), (b"Content-Length", b"12"), (b"X-A", b"1"))
    assert notes(har(request)) == [""]
    cut = {**request, "postData": {"mimeType": "application/json", "text": "{}"}}
    assert "not as the bytes that were sent" in notes(har(cut))[0]
    gone = {**request, "postData": {"mimeType": "application/json", "text": None, "params": []}}
    assert "does not hold its body of 12 bytes" in notes(har(gone))[0]


@pytest.mark.parametrize("body", [b"a=1+2&b=%C3%A4%26", b"a=1%202&b=%C3%A4%26"])
def test_a_har_file_with_the_fields_of_a_form_only(body: bytes) -> None:
    """`params` in the place of `text`, as the specification has it."""
    fields = [{"name": "a", "value": "1 2"}, {"name": "b", "value": "ä&"}]
    kind = "application/x-www-form-urlencoded"
    request = {
        "method": "POST",
        "url": "https://shop.example/hooks",
        "headers": named(Content_Type=kind, Content_Length=str(len(body))),
        "postData": {"mimeType": kind, "params": fields},
        "bodySize": len(body),
    }
    assert read(har(request, "Charles"))[0].body == body
    assert "of which the body was made" in notes(har(request, "Charles"))[0]
    encoded = {**request, "postData": {"mimeType": kind, "params": [{"name": "a", "value": "%41"}]}}
    encoded["headers"] = named(Content_Length="5")
    assert read(har(encoded))[0].body == b"a=%41"
    parts = {**request, "postData": {"mimeType": "multipart/form-data; boundary=x", "params": fields}}
    assert read(har(parts))[0].body == b"" and "does not hold its body" in notes(har(parts))[0]


@pytest.mark.parametrize(
    ("body", "mime", "text"),
    [
        (bytes(range(256)), "application/octet-stream", bytes(range(256)).decode("latin-1")),
        (b"caf\xe9", "text/plain; charset=latin-1", "café"),
        ("żółć".encode("cp1250"), "text/plain; charset=windows-1250", "żółć"),
        (b"\x1f\x8b\xff", "application/json", b"\x1f\x8b\xff".decode("utf-8", "surrogateescape")),
        ("é".encode(), "text/plain; charset=latin-1", "é"),
    ],
)
def test_a_har_file_whose_text_is_no_utf_8_gives_the_bytes_of_the_length_that_was_sent(
    body: bytes, mime: str, text: str
) -> None:
    request = {
        "method": "POST",
        "url": "https://shop.example/hooks",
        "headers": named(Content_Type=mime, content_length=str(len(body))),
        "postData": {"mimeType": mime, "text": text},
    }
    assert read(har(request))[0].body == body and notes(har(request)) == [""]


def test_a_har_file_of_a_browser() -> None:
    request = {
        "method": "PUT",
        "url": "https://app.example/p/ä?q=1#part",
        "httpVersion": "h2",
        "headers": [{"name": ":authority", "value": "app.example"}, *named(accept="*/*")],
        "postData": {"mimeType": "x", "text": "AAE=", "encoding": "base64"},
    }
    [got] = read(har(request, "WebInspector"))
    assert got.headers == ((b"Host", b"app.example"), (b"accept", b"*/*")) and got.body == b"\x00\x01"
    assert got.target == b"/p/%C3%A4?q=1" and got.version == "1.1"


# -- curl -----------------------------------------------------------------------------------------------------------

CHROME = r"""curl 'https://app.example/api?x=1' \
  -H 'accept: application/json' \
  -H $'x-note: it\'s \u00e9 \x41' \
  -b 'session=abc; theme=dark' \
  --data-raw $'{"a":"b\\n","c":"d\'e"}' \
  --compressed ;
"""
CURL: dict[str, tuple[str, bytes, bytes, bytes, dict[str, str]]] = {
    "as Chrome copies it": (
        CHROME,
        b"POST",
        b"/api?x=1",
        b'{"a":"b\\n","c":"d\'e"}',
        {"Host": "app.example", "x-note": "it's é A", "Cookie": "session=abc; theme=dark"},
    ),
    "a GET": ("curl -s https://x.example", b"GET", b"/", b"", {"Host": "x.example"}),
    "glued options": ("curl -XPUT -H'A: b' -d'x=1' -d y=2 x.example/p", b"PUT", b"/p", b"x=1&y=2", {"A": "b"}),
    "several short flags": ("curl -sSL -k x.example/p", b"GET", b"/p", b"", {}),
    "flags and a value in one": ("curl -sSXPUT -ksd a=1 -iH 'A: b' x.example", b"PUT", b"/", b"a=1", {"A": "b"}),
    "HEAD and a value in one": ("curl -Iso out -m5 x.example", b"HEAD", b"/", b"", {}),
    "braces as they are": ("curl -sg 'x.example/{a}?b[1-2]=c'", b"GET", b"/{a}?b[1-2]=c", b"", {}),
    "escaped braces": (r"curl 'https://x.example/\{a\}?b\[1\]=c'", b"GET", b"/{a}?b[1]=c", b"", {}),
    "an IPv6 address": ("curl 'http://[::1]:99/p'", b"GET", b"/p", b"", {"Host": "[::1]:99"}),
    "a bearer": ("curl --tlsv1.2 --oauth2-bearer abc x.example", b"GET", b"/", b"", {"Authorization": "Bearer abc"}),
    "JSON": ("curl --json '{}' x.example", b"POST", b"/", b"{}", {"Content-Type": "application/json"}),
    "a form": ("curl -d a=1 x.example", b"POST", b"/", b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}),
    "encoded": ("curl --data-urlencode 'a=b c&' x.example", b"POST", b"/", b"a=b+c%26", {}),
    "a query": ("curl -G -d a=1 --url-query 'b=c d' 'x.example/?z=0'", b"GET", b"/?z=0&b=c+d&a=1", b"", {}),
    "a user": ("curl -u joe:pw x.example", b"GET", b"/", b"", {"Authorization": "Basic am9lOnB3"}),
    "an empty header, and one less": ("curl -H 'A;' -H 'Host:' x.example", b"GET", b"/", b"", {"A": ""}),
    "a host of its own": ("curl -H 'A: b' -H 'Host: y' x.example", b"GET", b"/", b"", {"Host": "y"}),
    "a comment and a prompt": ("# try this\ncurl x.example # now", b"GET", b"/", b"", {}),
    "double quotes": ('curl -d "a \\"b\\" \\$c" x.example', b"POST", b"/", b'a "b" $c', {}),
    "bytes": (r"curl --data-binary $'\x00\xff\303\251' x.example", b"POST", b"/", b"\x00\xff\xc3\xa9", {}),
    "Windows line ends": ("curl x.example \\\r\n  -H 'A: b'\r\n", b"GET", b"/", b"", {"A": "b"}),
    "a data that looks like a file": ("curl --data-raw @x x.example", b"POST", b"/", b"@x", {}),
    "HEAD": ("curl -I x.example", b"HEAD", b"/", b"", {}),
}


@pytest.mark.parametrize(("text", "method", "target", "body", "headers"), CURL.values(), ids=CURL.keys())
def test_a_curl_command(text: str, method: bytes, target: bytes, body: bytes, headers: dict[str, str]) -> None:
    [got] = read(text)
    assert (got.method, got.target, got.body) == (method, target, body)
    values = {name.decode(): value.decode() for name, value in got.headers}
    assert headers.items() <= values.items(), values


def test_several_curl_commands() -> None:
    assert [got.target for got in read("curl x.example/a\ncurl x.example/b; curl x.example/c --next x.example/d")] == [
        *(b"/a", b"/b", b"/c", b"/d")
    ]


REFUSED = {
    "a substitution": ('curl -d "$(id)" x', "'$(id'"),
    "a backtick": ("curl -d `id` x", "'`id'"),
    "a variable": ('curl -H "A: $TOKEN" x', "'$TOKEN'"),
    "another program": ("curl x; rm -rf /", "'rm' is not curl"),
    "a redirection": ("curl x > /etc/passwd", "'>'"),
    "an option that is none": ("curl --evil x", "--evil is not known"),
    "several URLs in one": ("curl 'x.example/{a,b}'", "stands for several"),
    "a range of URLs": ("curl 'x.example/[1-9]'", "stands for several"),
    "a configuration": ("curl -sK conf x", "-K is not known"),
    "a file": ("curl -d @/etc/passwd x", "/etc/passwd is not read"),
    "a file's headers": ("curl -H @/etc/passwd x", "headers from a file"),
    "an upload": ("curl -T /etc/passwd x", "--upload-file cannot be read"),
    "a quote without end": ("curl 'x", "no end"),
    "no URL": ("curl -d a", "names no URL"),
    "a header that is two": ("curl -H $'A: b\\r\\nEvil: 1' x", "cannot be"),
    "a printf that runs": ("printf '%s' | curl --data-binary @- x", "directives"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_only_running_it_would_tell_is_refused(text: str, why: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        read(text)
    assert why in caught.value.message, caught.value.message


@pytest.mark.parametrize("text", ["'", '"', "$'", "$(printf 'x", "a\\", "$'\\U99999999'", '"$('], ids=repr)
def test_no_text_breaks_the_reader_of_words(text: str) -> None:
    with suppress(NotReadable):
        list(commands(text))


def test_a_file_is_read_only_when_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(b'{"a":1}\n')
    (tmp_path / "call").write_text("curl --data-binary @body.json localhost/x")
    refused = whcli("import", "call", folder=tmp_path)
    assert refused.code == 2 and "--allow-files" in refused.err
    assert whcli("import", "call", "--allow-files", folder=tmp_path).code == 0
    assert whcli("show", "1", "--body", folder=tmp_path).raw == b'{"a":1}\n'


# -- the command ----------------------------------------------------------------------------------------------------


def test_what_is_there_already_is_said_and_stays(tmp_path: Path) -> None:
    (tmp_path / "hook.json").write_text(fixture_text(Fixture(event=event(body="{}"))))
    first = whcli("import", "hook.json", folder=tmp_path)
    assert (first.code, first.out) == (0, "#1  POST /hooks    2 B\n")
    again = whcli("import", "hook.json", "-", folder=tmp_path, stdin=b"curl x.example/p")
    assert again.code == 0 and again.out.splitlines() == [
        "already there as #1  uid 01ARYZ6S41TSV4RRFFQ69G5FAV",
        "#2  GET /p    0 B",
    ]
    (tmp_path / "flow.har").write_text(json.dumps(har({"method": "GET", "url": "http://x/a", "headers": []})))
    assert [whcli("import", "flow.har", "--json", folder=tmp_path).lines[0]["new"] for _ in range(2)] == [True, False]
    assert [line["id"] for line in whcli("list", "--json", folder=tmp_path).lines] == [1, 2, 3]


def test_nothing_is_kept_of_files_of_which_one_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(fixture_text(Fixture(event=event(body="{}"))))
    (tmp_path / "half.json").write_text(json.dumps([WEBHOOK_SITE, {**WEBHOOK_SITE, "method": None}]))
    done = whcli("import", "good.json", "half.json", folder=tmp_path)
    assert done.code == 2 and done.out == "" and "half.json" in done.err and not (tmp_path / ".whcli").exists()


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(pipe.write_text, "curl x.example/p")
        assert whcli("import", str(pipe), folder=tmp_path).out == "#1  GET /p    0 B\n"
        writing.result(DEADLINE)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_any_format_stands_for_its_events(tmp_path: Path, format: str) -> None:
    name = f"hook{FORMATS[format].suffix}"
    (tmp_path / name).write_bytes(FORMATS[format].write([Fixture(event=event(body='{"a":1}'))]))
    assert whcli("show", name, "--body", folder=tmp_path).raw == b'{"a":1}'
    with Receiver() as handler:
        assert whcli("replay", name, "--to", handler.url, folder=tmp_path).code == 0
        assert [request.partition(b"\r\n\r\n")[2] for request in handler.requests] == [b'{"a":1}']


def test_what_is_lost_is_noted(tmp_path: Path) -> None:
    (tmp_path / "delivery.json").write_text(json.dumps(GITHUB))
    done = whcli("import", "delivery.json", "--json", folder=tmp_path)
    assert "may not hold" in done.lines[0]["note"] and "may not hold" in done.err
    assert whcli("list", "--json", folder=tmp_path).lines[0]["type"] == "issues.opened"


def test_of_a_redacted_event_no_signature_is_judged(tmp_path: Path) -> None:
    signed = event(body="{}", headers=((b"Stripe-Signature", b"t=1,v1=whcli-redacted"),))
    (tmp_path / "hook.json").write_text(fixture_text(Fixture(event=signed, redacted=True)))
    assert whcli("import", "hook.json", folder=tmp_path, env={"WHCLI_SECRET_STRIPE": "whsec_x"}).code == 0
    [line] = whcli("list", "--json", folder=tmp_path).lines
    assert (line["signature"]["state"], line["signature"]["reason"]) == ("unknown", "redacted")


def test_an_event_imported_beside_a_listener_is_not_forwarded(tmp_path: Path) -> None:
    (tmp_path / "hook.json").write_text(fixture_text(Fixture(event=event(body="imported"))))
    with Receiver() as handler, listening("--forward", handler.url, folder=tmp_path) as listener:
        assert whcli("import", "hook.json", folder=tmp_path).code == 0
        post(listener.url + "/after", b"captured")
        [request] = handler.wait(1)
        listener.end()
        assert handler.requests == [request] and request.endswith(b"captured")


# -- hostile --------------------------------------------------------------------------------------------------------

OWN = fixture_text(Fixture(event=event(body="x")))
BOMB = base64.b64encode(gzip.compress(b"\x00" * (64 << 20))).decode()


def own(old: str, new: str) -> bytes:
    assert old in OWN
    return OWN.replace(old, new).encode()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "blanks": lambda: b" \n\t ",
    "a NUL": lambda: b"\x00" * 1000,
    "bytes": lambda: bytes(range(256)) * 100,
    "bad UTF-8": lambda: b'{"schema": "whcli.fixture/1", "uid": "\xff\xfe"}',
    "UTF-16": lambda: OWN.encode("utf-16"),
    "half a file": lambda: OWN.encode()[:200],
    "two braces": lambda: b"}{",
    "a list of numbers": lambda: b"[1, 2]",
    "null": lambda: b"null",
    "depth 100,000 of lists": lambda: b"[" * 100_000 + b"]" * 100_000,
    "depth 100,000 of objects": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "depth 100,000 in a fixture": lambda: own('"body_text": "x"', f'"body_json": {"[" * 100_000}{"]" * 100_000}'),
    "depth 100,000 in a HAR file": lambda: b'{"log": {"entries": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}}",
    "a list of lists": lambda: b"[" * 300 + b"]" * 300,
    "a string without end": lambda: b'{"a": "' + b"x" * 1_000_000,
    "escapes without end": lambda: b'{"a": "' + b'\\"' * 500_000,
    "a number of 100,000 digits": lambda: b'{"log": {"entries": [{"request": {"bodySize": ' + b"9" * 100_000 + b"}}]}}",
    "a bomb that stays one": lambda: own('"body_text": "x"', f'"body_base64": "{BOMB}"'),
    "a compressed file": lambda: gzip.compress(b"\x00" * (64 << 20)),
    "40 MB of text": lambda: own('"body_text": "x"', f'"body_text": "{"x" * (40 << 20)}"'),
    "10 MB of braces": lambda: b"{" * (10 << 20),
    "100 MB": lambda: b"x" * (100 << 20),
    "a million lines": lambda: b"{}\n" * 1_000_000,
    "a uid that is a path": lambda: own("01ARYZ6S41TSV4RRFFQ69G5FAV", "../../../etc/passwd"),
    "a uid that is an escape": lambda: own("01ARYZ6S41TSV4RRFFQ69G5FAV", "\\u001b[2J"),
    "a target that begins a line": lambda: own('"/hooks"', '"/ HTTP/1.1\\r\\nEvil: 1"'),
    "a header that begins a line": lambda: own('"localhost"', '"a\\r\\nEvil: 1"'),
    "a header of three": lambda: own('["Host", "localhost"]', '["Host", "a", "b"]'),
    "a method that is a command": lambda: own('"POST"', '"$(id)"'),
    "a year beyond all": lambda: own("2023-", "99999-"),
    "a lone surrogate": lambda: own('"body_text": "x"', '"body_text": "\\ud800"'),
    "a way of printing that is none": lambda: own('"body_text": "x"', '"body_json": {}, "body_printed": "__class__ x"'),
    "a HAR file without requests": lambda: b'{"log": {"entries": [null, 5, {}]}}',
    "a HAR file with odd headers": lambda: json.dumps(har({"method": "GET", "url": "x", "headers": [5]})).encode(),
    "a HAR file with a method that is none": lambda: json.dumps(
        har({"method": None, "url": 5, "headers": []})
    ).encode(),
    "a delivery without headers": lambda: json.dumps({**GITHUB, "request": {"headers": None, "payload": {}}}).encode(),
    "a delivery whose headers are a list": lambda: json.dumps(
        {**GITHUB, "request": {"headers": [1], "payload": 1}}
    ).encode(),
    "webhook.site with odd headers": lambda: json.dumps({**WEBHOOK_SITE, "headers": {"a": 5}}).encode(),
    "a request without end": lambda: b"POST / HTTP/1.1\r\nA: b\r\n",
    "a request with odd lines": lambda: b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
    "a curl command of 1 MB": lambda: b"curl " + b"-H 'a: b' " * 100_000 + b"x",
    "a script": lambda: b"#!/bin/sh\ncurl x; touch /tmp/whcli-was-here",
}


ASKED = (("import",), ("show",), ("fixtures", "check"))
SMALL = 1 << 19  # bytes; files below it are looked at by one process, in which memory only adds up

Told = list[tuple[int, str, int]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Told]:
    """What was said of a file in HOSTILE, by each command."""
    small: dict[str, Told] = {}
    folder = tmp_path_factory.mktemp("hostile")

    def of_small() -> None:
        files = [name for name, make in HOSTILE.items() if len(make()) < SMALL]
        for number, name in enumerate(files):
            (folder / f"{number}.json").write_bytes(HOSTILE[name]())
        commands = [(*each, f"{number}.json") for number in range(len(files)) for each in ASKED]
        said = measured(*commands, folder=folder)
        small.update({name: said[len(ASKED) * n :][: len(ASKED)] for n, name in enumerate(files)})

    def of(name: str) -> Told:
        if len(HOSTILE[name]()) >= SMALL:
            (folder / "large.json").write_bytes(HOSTILE[name]())
            return measured(*((*each, "large.json") for each in ASKED), folder=folder)
        if not small:
            of_small()
        return small[name]

    return of


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_a_sentence_or_an_event_and_take_little_memory(
    name: str, told: Callable[[str], Told]
) -> None:
    for command, (code, err, peak) in zip(ASKED, told(name), strict=True):
        assert "Traceback" not in err and code in (0, 1, 2, 3), (command, code, err)
        assert code in (0, 1) or "next:" in err
        assert peak < 200 << 20, (command, peak >> 20)
    assert not Path("/tmp/whcli-was-here").exists()


EACH = """
import io, json, os, re, sys
from whcli.cli import run

told = []
for command in json.loads(sys.argv[1]):
    sys.stdout, sys.stderr = open(os.devnull, "w"), io.StringIO()
    code = run(command)
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
    told.append((code, sys.stderr.getvalue(), int(peak) * 1024))
print(json.dumps(told), file=sys.__stdout__)
"""  # memory of this program alone: what getrusage tells includes its parent, from before it became this one


def measured(*commands: tuple[str, ...], folder: Path) -> Told:
    """Run commands in one process; of each its exit code, what it said, and the most memory held so far, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", EACH, json.dumps(commands)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=3 * DEADLINE,
        check=True,
    )
    return [tuple(each) for each in json.loads(done.stdout)]
