"""The formats of `whcli export`: what each claims to give back comes back, for any event."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.program import listening
from tests.receivers import Receiver, split
from tests.test_archive import EVENT
from tests.test_fixture import events, same
from whcli.hands.storing.store import Store
from whcli.rules.archive.fixture import plain_head
from whcli.rules.archive.formats import FORMATS, stem_of
from whcli.rules.archive.reading import requests_in
from whcli.rules.outgoing import replay_of
from whcli.words.errors import WrongUsage
from whcli.words.event import Event, Facts
from whcli.words.fixture import Fixture

NOW = 1_795_460_250.0
fixtures = st.builds(
    lambda event, redacted, text: Fixture(event=event, redacted=redacted, fields={"expect": json.dumps({"x": text})}),
    events,
    st.booleans(),
    st.text(),
)


def no_file(path: str) -> bytes:
    raise AssertionError(f"{path} was to be read")


def back(data: bytes) -> list[Fixture]:
    return [read.fixture for read in requests_in(data, no_file, NOW)]


@pytest.mark.parametrize("name", ["json", "jsonl", "har"])
@given(several=st.lists(fixtures, min_size=1, max_size=3))
def test_a_whole_event_comes_back_byte_for_byte(name: str, several: list[Fixture]) -> None:
    read = back(FORMATS[name].write(several))
    assert len(read) == len(several)
    for one, other in zip(read, several, strict=True):
        assert same(one.event, other.event)
        assert (one.redacted, one.fields) == (other.redacted, other.fields)


@given(events, st.sampled_from([b"chunked", b"gzip, Chunked"]))
def test_a_request_that_came_in_chunks_stands_in_one_with_its_trailers(event: Event, coding: bytes) -> None:
    event = replace(event, headers=(*event.headers, (b"Transfer-Encoding", coding)), head=b"")
    data = FORMATS["http"].write([Fixture(event=event)])
    [read] = back(data)
    assert (read.event.body, read.event.trailers) == (event.body, event.trailers)
    plain = plain_head(event) + b"no chunks"  # as it was written before
    assert back(plain)[0].event.body == b"no chunks"


def test_a_raw_request_is_what_a_server_takes(tmp_path: Path) -> None:
    headers = ((b"Host", b"x"), (b"Transfer-Encoding", b"chunked"), (b"Trailer", b"X-T"))
    event = replace(EVENT, target=b"/c", headers=headers, trailers=((b"X-T", b"1"),), body=b"\x00\xffa", head=b"")
    with listening(folder=tmp_path) as listener, socket.create_connection(("127.0.0.1", listener.port)) as sender:
        sender.sendall(FORMATS["http"].write([Fixture(event=event)]))
        assert sender.recv(99).startswith(b"HTTP/1.1 200")
        with Store(tmp_path / ".whcli") as store:
            got = store.event(1)
    assert got is not None and (got.body, got.trailers, got.headers) == (event.body, event.trailers, headers)


@given(events.filter(lambda event: not any(name.lower() == b"transfer-encoding" for name, _ in event.headers)))
def test_a_raw_request_comes_back_byte_for_byte(event: Event) -> None:
    data = FORMATS["http"].write([Fixture(event=event)])
    assert data == (event.head or plain_head(event)) + event.body
    [read] = back(data)
    assert replace(read.event, uid="", received_at=0, peer=None, trailers=(), head=b"") == replace(
        event, id=0, uid="", received_at=0, peer=None, trailers=(), head=b""
    )
    assert (read.event.head or plain_head(read.event)) + read.event.body == data
    assert back(data) == [read]  # with the same uid, so that a second import is seen


def sent(event: Event) -> tuple[bytes, bytes, object, bytes]:
    """What goes out for an event, in its parts."""
    outgoing = replay_of(event, "http://localhost")
    return outgoing.method, outgoing.target, outgoing.headers, outgoing.body


@given(events)
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_curl_command_read_is_what_it_would_send(event: Event) -> None:
    event = replace(event, headers=tuple(pair for pair in event.headers if pair[0].lower() != b"host"), trailers=())
    try:
        data = FORMATS["curl"].write([Fixture(event=event)])
    except WrongUsage as error:
        assume(error.code != "not_sendable")
        raise
    [read] = back(data)
    assert sent(read.event) == sent(event)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_curl_export_is_runnable(tmp_path: object) -> None:
    with Receiver(b"HTTP/1.1 204 No Content\r\n\r\n") as receiver:
        host = f"localhost:{receiver.port}".encode()
        event = replace(
            EVENT, target=b"/a?b=1", headers=((b"Host", host), (b"X-A", b"1")), body=b"\x00\xff'%\n", head=b""
        )
        script = FORMATS["curl"].write([Fixture(event=event)])
        assert script.startswith(b"#!/bin/sh\n")
        subprocess.run(["sh"], input=script, check=True, capture_output=True, timeout=30)
        line, headers, body = split(receiver.wait(1)[0])
    assert (line, body) == (b"POST /a?b=1 HTTP/1.1", event.body)
    assert headers[:2] == [(b"Host", b" " + host), (b"X-A", b" 1")]


URL = re.compile(
    r"http://(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?/(?:[A-Za-z0-9!$&'()*+,/:;=?@._~-]|%[0-9A-Fa-f]{2})*"
)
"""What RFC 3986 lets a URL with a host be."""


@given(events)
def test_every_url_of_a_har_file_is_one_whatever_was_sent(original: Event) -> None:
    [entry] = json.loads(FORMATS["har"].write([Fixture(event=original)]))["log"]["entries"]
    assert URL.fullmatch(entry["request"]["url"]), entry["request"]["url"]


@pytest.mark.parametrize(
    ("target", "host", "url"),
    [
        (b"/odd\xff?q=\xc3\xa4", b"localhost:1", "http://localhost:1/odd%FF?q=%C3%A4"),
        (b"/a%zz?b=[1]|{2}", b"ex ample", "http://localhost/a%25zz?b=%5B1%5D%7C%7B2%7D"),
        (b"*", b"localhost", "http://localhost/*"),
        (b"http://a.example/x?y#z", b"a.example", "http://a.example/x?y%23z"),
        (b"/%2F/../x", b"[::1]:9", "http://[::1]:9/%2F/../x"),
        (b"/x", b"", "http://localhost/x"),
    ],
)
def test_the_url_of_a_har_file_says_what_was_sent_and_reads_back(target: bytes, host: bytes, url: str) -> None:
    sent = replace(EVENT, target=target, headers=((b"Host", host), (b"Cookie", b"a=1; b=x=y; c")), head=b"")
    data = FORMATS["har"].write([Fixture(event=sent)])
    [entry] = json.loads(data)["log"]["entries"]
    assert entry["request"]["url"] == url
    assert entry["request"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "x=y"}]
    [back] = requests_in(data, no_file, NOW)
    assert back.fixture.event.target == target and back.fixture.event.headers == sent.headers


def test_a_har_file_is_one() -> None:
    """The members that the specification demands of a log, an entry, a request and a response."""
    log = json.loads(FORMATS["har"].write([Fixture(event=EVENT)]))["log"]
    [entry] = log["entries"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "whcli")
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= entry.keys()
    wanted = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
    assert wanted <= entry["request"].keys()
    assert entry["request"]["url"] == "http://localhost/a?b=%E9" and entry["request"]["bodySize"] == 2
    assert "postData" not in entry["request"] and entry["_whcli"]["body_base64"] == "AP8="
    wanted = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize"}
    assert wanted <= entry["response"].keys() and {"send", "wait", "receive"} <= entry["timings"].keys()


HOSTILE_NAMES = [
    "../../etc/passwd", "..", ".", "/", "/etc/cron.d/x", "a/../../b", "..\\..\\x", "C:\\x", "\x00", "a\x00b", "-rf",
    "--help", "\x1b[2J", "\u202egnp", "~root", "$(touch x)", "`id`", "a;b", "a|b", "a\nb", "CON", "NUL",
    ".git/hooks/pre-commit", "....//....//x", "%2e%2e%2f", "\uff0e\uff0e\uff0f", "a" * 5000, " ", "\t", "*", "?", "'",
    '"', "<x>", "&", "é", "日本", ".ssh", ".hidden", "-", "--", "a..b", "...", "\ud800", "x/.", "./x", "x//y",
    "\\\\host\\share", "file:///x", "a:b",
    "..%2f..%2fx", "%00", "\x7f", "\x9b2J", "\u2028", "\ufeff", "a/b/c/d", "x" * 255, "..;/", "/dev/null",
    "/proc/self/mem", "AUX.json", "\r\n", "0042-stripe",
]  # fmt: skip


def test_there_are_sixty_of_them() -> None:
    assert len(set(HOSTILE_NAMES)) >= 60


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: repr(name[:20]))
def test_a_file_name_is_letters_and_nothing_that_leads_anywhere(name: str) -> None:
    for event, facts in (
        (replace(EVENT, id=7), Facts(provider=name, type=name)),
        (replace(EVENT, id=0, uid=name), Facts(type=name)),
        (replace(EVENT, id=0, uid=name, target=name.encode("utf-8", "replace")), Facts()),
    ):
        stem = stem_of(event, facts)
        assert stem and len(stem) < 200
        assert all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in stem), stem
        assert stem[0] not in ".-" and ".." not in stem


def test_file_names_are_readable() -> None:
    assert stem_of(replace(EVENT, id=42), Facts(provider="stripe", type="charge.succeeded")) == (
        "0042-stripe-charge.succeeded"
    )
    assert (
        stem_of(replace(EVENT, id=42), Facts(provider="shopify", type="orders/create")) == "0042-shopify-orders-create"
    )
    assert stem_of(replace(EVENT, id=42, target=b"/hooks/x?a=1"), Facts()) == "0042-post-hooks-x"
    assert stem_of(replace(EVENT, id=0), Facts(type="a")) == "01ARYZ6S41TSV4RRFFQ69G5FAV-a"
