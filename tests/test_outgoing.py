"""What is sent for a stored event: the target rule, what is left out and made anew, and that all of it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.captured import BREAKS, FRAMINGS, PLACES, broken, event_of, post
from whcli.rules.credentials import credentials
from whcli.rules.outgoing import replay_of, require_sendable, with_body, with_length, without_credentials
from whcli.rules.target import aim, is_loopback, parse_target
from whcli.words.errors import WrongUsage
from whcli.words.event import Event, Outgoing, every

APP = "http://localhost:3000"


# ----------------------------------------------------------------------------------------------------- the target rule

AIMS = {
    "a URL without a path takes the captured path and query": (APP, b"/in/stripe?a=1", b"/in/stripe?a=1"),
    "a URL with a path keeps it and takes the captured query": (f"{APP}/hooks", b"/in?a=1", b"/hooks?a=1"),
    "a URL with path and query keeps both": (f"{APP}/hooks?b=2", b"/in?a=1", b"/hooks?b=2"),
    "a slash is a path": (f"{APP}/", b"/in?a=1", b"/?a=1"),
    "an empty query is a query": (f"{APP}/hooks?", b"/in?a=1", b"/hooks?"),
    "a query without a path goes with the captured path": (f"{APP}?b=2", b"/in?a=1", b"/in?b=2"),
    "captured bytes stay as they are": (APP, b"/a//b%2Fc/../%zz/{e}?q=%00&\xe9", b"/a//b%2Fc/../%zz/{e}?q=%00&\xe9"),
    "two question marks: the first begins the query": (f"{APP}/h", b"/in?a=1?b=2", b"/h?a=1?b=2"),
    "an absolute-form target gives its path": (APP, b"http://hooks.example/in?a=1", b"/in?a=1"),
    "an absolute-form target without a path gives a slash": (APP, b"http://hooks.example", b"/"),
    "an absolute-form target with only a query keeps it": (APP, b"http://hooks.example?a=1", b"/?a=1"),
    "an asterisk stays": (APP, b"*", b"*"),
    "an asterisk yields to a path": (f"{APP}/hooks", b"*", b"/hooks"),
    "an authority stays": (APP, b"example.com:443", b"example.com:443"),
    "a fragment of the URL is dropped": (f"{APP}/hooks#top", b"/in", b"/hooks"),
    "a captured fragment stays": (APP, b"/in#top", b"/in#top"),
    "text beyond ASCII becomes percent-encoded UTF-8": (f"{APP}/größe?ü=1", b"/in", b"/gr%C3%B6%C3%9Fe?%C3%BC=1"),
    "dot segments of the URL stay": (f"{APP}/a/../b", b"/in", b"/a/../b"),
}


@pytest.mark.parametrize(("to", "captured", "target"), AIMS.values(), ids=AIMS.keys())
def test_target_rule(to: str, captured: bytes, target: bytes) -> None:
    assert aim(to, captured)[1] == target


@pytest.mark.parametrize(
    ("to", "target"),
    [(APP, b"/"), (f"{APP}/hooks", b"/hooks"), (f"{APP}/hooks?b=2", b"/hooks?b=2"), (f"{APP}?b=2", b"/?b=2")],
)
def test_an_exact_url_takes_nothing_from_the_capture(to: str, target: bytes) -> None:
    assert aim(to, b"/in?a=1", exact=True)[1] == target


@pytest.mark.parametrize(
    ("to", "captured", "url"),
    [
        (APP, b"/in?a=1", f"{APP}/in?a=1"),
        (APP, b"/caf\xc3\xa9", f"{APP}/caf%C3%A9"),
        (APP, b"*", APP),
        ("http://[::1]:3000/x", b"/", "http://[::1]:3000/x"),
    ],
)
def test_the_url_is_complete_and_printable(to: str, captured: bytes, url: str) -> None:
    assert aim(to, captured)[0] == url


SHORT = {
    "localhost:3000": "http://localhost:3000",
    "localhost:3000/x": "http://localhost:3000",
    ":3000": "http://localhost:3000",
    "3000": "http://localhost:3000",
    "3000/hooks?a=http://x": "http://localhost:3000",
    "localhost": "http://localhost",
    "  http://localhost:3000\n": "http://localhost:3000",
    "HTTPS://App.Example:443/": "https://app.example",
    "http://app.example:80": "http://app.example",
    "http://my_app:8000": "http://my_app:8000",
    "http://bücher.example": "http://xn--bcher-kva.example",
    "http://[0:0:0:0:0:0:0:1]:3000": "http://[::1]:3000",
}


@pytest.mark.parametrize(("typed", "origin"), SHORT.items(), ids=SHORT.keys())
def test_targets_as_people_type_them(typed: str, origin: str) -> None:
    assert parse_target(typed).origin == origin


NO_TARGETS = {
    "nothing": "",
    "no host": "http://",
    "only a path": "/hooks",
    "another scheme": "ftp://localhost/x",
    "a scheme without slashes": "http:localhost",
    "one slash": "http:/localhost/x",
    "mail": "mailto:a@b.example",
    "port nought": "http://localhost:0",
    "port too high": "http://localhost:65536",
    "port no number": "http://localhost:http",
    "port empty": "http://localhost:/",
    "a space": "http://localhost:3000/a b",
    "a line break": "http://localhost:3000/a\r\nX-Evil: 1",
    "a line break in the host": "http://local\nhost:3000",
    "a tab": "http://localhost:3000/\tx",
    "NUL": "http://localhost:3000/\x00",
    "DEL": "http://localhost:3000/\x7f",
    "a lone surrogate": "http://localhost:3000/\ud800",
    "a percent sign in the host": "http://127.0.0.1%2eevil.example/",
    "a backslash in the host": "http://localhost\\.evil.example/",
    "brackets around a name": "http://[localhost]:3000",
    "brackets not closed": "http://[::1:3000",
    "an IPv6 zone": "http://[fe80::1%25eth0]:3000",
    "an empty label": "http://a..example",
    "a label of 64": f"http://{'a' * 64}.example",
    "a name of 260": f"http://{'a.' * 130}example",
    "a hyphen first": "http://-oProxyCommand=x",
}


@pytest.mark.parametrize("typed", NO_TARGETS.values(), ids=NO_TARGETS.keys())
def test_what_is_no_target_is_refused_with_a_next_step(typed: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        aim(typed, b"/in")
    assert refused.value.next
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "typed", ["http://user:hunter2@localhost:3000", "user@localhost", "http://127.0.0.1@evil.example"]
)
def test_a_name_or_password_in_the_url_is_refused_and_not_repeated(typed: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        parse_target(typed)
    assert "hunter2" not in refused.value.message + refused.value.next


def test_an_odd_byte_of_the_command_line_is_percent_encoded() -> None:
    typed = b"http://localhost:3000/\xe9".decode("utf-8", "surrogateescape")  # as Python gives it in sys.argv
    assert aim(typed, b"/")[1] == b"/%E9"


@given(st.text(min_size=1, max_size=40))
def test_any_text_is_a_target_or_wrong_usage(text: str) -> None:
    try:
        target = parse_target(text)
    except WrongUsage as refused:
        assert refused.message.isprintable() or "\ufffd" in refused.message
    else:
        assert target.origin.isascii()
        assert 0 < target.port < 65536
        assert (target.path + (target.query or "")).isascii()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::1%lo"]
)
def test_loopback_addresses(address: str) -> None:
    assert is_loopback(address)


ELSEWHERE = ["0.0.0.0", "::", "10.0.0.1", "192.168.0.1", "169.254.169.254", "128.0.0.1", "126.255.255.255", "::2"]
ELSEWHERE += ["::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%lo", "localhost", ""]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_other_addresses(address: str) -> None:
    assert not is_loopback(address)


# ------------------------------------------------------------------------------------------- left out, kept, made anew


def test_everything_else_stays_in_order_case_and_repeats() -> None:
    event = post(b"Host: hooks.example", b"x-B: 2", b"X-a: 1", b"X-B: \xff\xe9", b"Empty: ", b"x-b: 2", target=b"/in")
    outgoing = replay_of(event, f"{APP}/hooks")
    assert outgoing.headers == (
        (b"Host", b"localhost:3000"),
        (b"x-B", b"2"),
        (b"X-a", b"1"),
        (b"X-B", b"\xff\xe9"),
        (b"Empty", b""),
        (b"x-b", b"2"),
    )
    assert outgoing.changes == ("target /in → /hooks", "Host hooks.example → localhost:3000")


def test_a_request_that_can_go_as_it_came_has_no_changes() -> None:
    event = post(b"Host: localhost:3000", b"Content-Length: 2", b"X: y", body=b"{}", target=b"/in?a=%zz")
    outgoing = replay_of(event, APP)
    assert outgoing.changes == ()
    assert (outgoing.headers, outgoing.body, outgoing.target) == (event.headers, event.body, event.target)


HOP_BY_HOP = [
    b"Connection: keep-alive, X-Debug",
    b"X-Debug: 1",
    b"keep-alive: timeout=5",
    b"Proxy-Connection: keep-alive",
    b"Proxy-Authorization: Basic eDp5",
    b"TE: trailers",
    b"Trailer: X-Sum",
    b"Upgrade: h2c",
    b"HTTP2-Settings: AAMAAABkAAQAAP__",
    b"EXPECT: 100-continue",
]


@pytest.mark.parametrize("line", HOP_BY_HOP, ids=lambda line: line.decode())
def test_headers_of_the_old_connection_are_left_out_and_named(line: bytes) -> None:
    name = line.partition(b":")[0]
    outgoing = replay_of(post(b"Host: localhost:3000", b"Connection: x-debug", line), APP)
    assert every(outgoing.headers, name) == []
    assert any(change.startswith("left out") and name.decode() in change for change in outgoing.changes)


def test_connection_cannot_name_host_or_the_length_away() -> None:
    lines = [b"Host: localhost:3000", b"Connection: host, content-length, transfer-encoding", b"Content-Length: 2"]
    outgoing = replay_of(post(*lines, body=b"{}"), APP)
    assert outgoing.headers == ((b"Host", b"localhost:3000"), (b"Content-Length", b"2"))


def test_host_is_made_anew_where_it_stood() -> None:
    outgoing = replay_of(post(b"A: 1", b"hOST: hooks.example", b"B: 2"), APP)
    assert outgoing.headers == ((b"A", b"1"), (b"hOST", b"localhost:3000"), (b"B", b"2"))


def test_a_missing_host_comes_first() -> None:
    outgoing = replay_of(event_of(b"POST / HTTP/1.0\r\nA: 1\r\n\r\n"), APP)
    assert outgoing.headers == ((b"Host", b"localhost:3000"), (b"A", b"1"))
    assert outgoing.changes == ("HTTP/1.0 → HTTP/1.1", "Host: localhost:3000 added")


def test_two_hosts_stay_two() -> None:
    outgoing = replay_of(post(b"Host: a.example", b"Host: b.example"), APP)
    assert outgoing.headers == ((b"Host", b"localhost:3000"), (b"Host", b"localhost:3000"))
    assert outgoing.changes == (
        "Host a.example → localhost:3000",
        "Host b.example → localhost:3000",
        "2 Host lines, as captured; servers must refuse that (RFC 9112 section 3.2)",
    )
    same = replay_of(post(b"Host: localhost:3000", b"Host: localhost:3000"), APP)
    assert same.changes == ("2 Host lines, as captured; servers must refuse that (RFC 9112 section 3.2)",)


def test_a_chunked_body_gets_a_length_in_the_same_place_and_loses_its_trailers() -> None:
    lines = [b"Host: localhost:3000", b"Transfer-Encoding: chunked", b"Trailer: X-Sum", b"X: y"]
    outgoing = replay_of(post(*lines, body=b"abc", trailers=((b"X-Sum", b"1"),)), APP)
    assert outgoing.headers == ((b"Host", b"localhost:3000"), (b"Content-Length", b"3"), (b"X", b"y"))
    assert outgoing.changes == (
        "left out, only for the old connection: Trailer",
        "Transfer-Encoding: chunked → Content-Length: 3",
        "trailers left out: X-Sum",
    )


def test_a_body_without_any_framing_gets_a_length_at_the_end() -> None:
    imported = Event(
        id=1,
        uid="x",
        received_at=0,
        method=b"POST",
        target=b"/",
        version="1.1",
        headers=((b"Host", b"h"),),
        body=b"abc",
    )
    outgoing = replay_of(imported, "http://h")
    assert outgoing.headers == ((b"Host", b"h"), (b"Content-Length", b"3"))
    assert outgoing.changes == ("Content-Length: 3 added",)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_no_body_and_no_length_stays_so(method: bytes) -> None:
    assert every(replay_of(event_of(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n"), "h").headers, b"content-length") == []


SPACES = {
    "two before": (b"X:  1", True),
    "a tab before": (b"X:\t1", True),
    "none before": (b"X:1", True),
    "one after": (b"X: 1 ", True),
    "a tab after": (b"X: 1\t", True),
    "none at an empty value": (b"X:", True),
    "one before": (b"X: 1", False),
    "some inside": (b"X: 1  \t 2", False),
    "a colon inside": (b"X: a: b", False),
}


@pytest.mark.parametrize(("line", "said"), SPACES.values(), ids=SPACES.keys())
def test_white_space_that_is_lost_is_said(line: bytes, said: bool) -> None:
    outgoing = replay_of(post(b"Host: localhost:3000", line), APP)
    assert outgoing.changes == (("one space before the value and none after: X",) if said else ())


def test_outer_white_space_of_an_imported_value_is_dropped_and_said() -> None:
    event = Event(
        id=1,
        uid="x",
        received_at=0,
        method=b"POST",
        target=b"/",
        version="1.1",
        headers=((b"Host", b"h"), (b"X", b" 1 ")),
    )
    outgoing = replay_of(event, "h")
    assert outgoing.headers == ((b"Host", b"h"), (b"X", b"1"))
    assert outgoing.changes == ("one space before the value and none after: X",)


def test_changes_hold_no_bytes_that_could_move_a_cursor() -> None:
    event = post(b"Host: \x1b]0;x\x07\xc2\x9b\xe2\x80\xae", b"Connection: x", b"X\x1b: 1", target=b"/\xc2\x9b31m")
    assert all(change.isprintable() for change in replay_of(post(b"Host: \x1b[2J", target=b"/\xc2\x9b"), "h/x").changes)
    assert all(change.isprintable() for change in _changes_or_refusal(event))


def _changes_or_refusal(event: Event) -> tuple[str, ...]:
    try:
        return replay_of(event, APP).changes
    except WrongUsage as refused:
        return (refused.message,)


# ------------------------------------------------------------------------------------------------------- clean framing


@pytest.mark.parametrize("body", [b"", b"abc"])
@pytest.mark.parametrize("lines", FRAMINGS, ids=lambda lines: b" ".join(lines).decode())
def test_framing_is_never_double_and_always_fits(lines: tuple[bytes, ...], body: bytes) -> None:
    outgoing = replay_of(post(b"Host: localhost:3000", *lines, body=body), APP)
    lengths = every(outgoing.headers, b"content-length")
    assert every(outgoing.headers, b"transfer-encoding") == []
    assert lengths == ([b"%d" % len(body)] if body or len(lines) > 1 else [])
    if lines != (b"X: y",) and lengths != [line.partition(b": ")[2] for line in lines if not line.startswith(b"X")]:
        assert any("Content-Length" in change for change in outgoing.changes)


def test_there_are_enough_framings() -> None:
    assert len(set(FRAMINGS)) >= 40


def test_a_changed_body_gets_its_length() -> None:
    outgoing = with_body(
        replay_of(post(b"Host: h", b"content-length: 1", b"X: y", body=b"a"), "h"), b"abc", "body signed"
    )
    assert outgoing.headers == ((b"Host", b"h"), (b"content-length", b"3"), (b"X", b"y"))
    assert outgoing.changes == ("body signed",)
    require_sendable(outgoing)


@given(st.lists(st.sampled_from([b"content-length", b"Transfer-Encoding", b"X"]), max_size=6), st.binary(max_size=3))
def test_with_length_is_done_after_once(names: list[bytes], body: bytes) -> None:
    once = with_length(tuple((name, b"1") for name in names), body)
    assert with_length(once, body) == once


# --------------------------------------------------------------------------------------------------------- no injection


@pytest.mark.parametrize("text", BREAKS, ids=repr)
@pytest.mark.parametrize("place", PLACES[:4])
def test_line_breaks_and_nul_are_refused(place: str, text: bytes) -> None:
    with pytest.raises(WrongUsage, match="nothing was sent") as refused:
        replay_of(broken(place, text), APP)
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("text", BREAKS, ids=repr)
def test_a_captured_host_with_a_line_break_is_not_sent(text: bytes) -> None:
    outgoing = replay_of(broken("host", text), APP)
    assert every(outgoing.headers, b"host") == [b"localhost:3000"]
    assert all(change.isprintable() for change in outgoing.changes)


ODD = [("method", b"PO ST"), ("method", b""), ("target", b"/a b"), ("target", b""), ("name", b"X Y"), ("name", b"X:Y")]
ODD += [("name", b" X"), ("name", b"X\t")]


@pytest.mark.parametrize(("place", "text"), ODD)
def test_what_would_arrive_as_something_else_is_refused(place: str, text: bytes) -> None:
    with pytest.raises(WrongUsage):
        replay_of(broken(place, text), APP)


def test_a_length_that_does_not_fit_is_refused() -> None:
    wrong = Outgoing(
        method=b"POST", url=APP, target=b"/", headers=((b"Host", b"h"), (b"Content-Length", b"5")), body=b"abc"
    )
    with pytest.raises(WrongUsage, match="Content-Length"):
        require_sendable(wrong)


# -------------------------------------------------------------------------------------------------------- credentials

SECRET_HEADERS = [b"Authorization", b"cookie", b"Proxy-Authorization", b"X-Gitlab-Token", b"verif-hash", b"X-API-Key"]
SECRET_HEADERS += [b"X-Telegram-Bot-Api-Secret-Token", b"X-Auth-Token", b"X-Goog-Channel-Token", b"X-Hook-Secret"]
OPEN_HEADERS = [b"Stripe-Signature", b"X-Hub-Signature-256", b"webhook-signature", b"I-Twilio-Idempotency-Token"]
OPEN_HEADERS += [b"Content-Type", b"X-GitHub-Delivery", b"X-Shopify-Hmac-Sha256", b"User-Agent", b"Set-Cookie"]


@pytest.mark.parametrize("name", SECRET_HEADERS, ids=bytes.decode)
def test_headers_that_are_a_secret(name: bytes) -> None:
    assert credentials(((b"X", b"1"), (name, b"s3cret"), (name.lower(), b"s3cret")))[0] == name.decode()


@pytest.mark.parametrize("name", OPEN_HEADERS, ids=bytes.decode)
def test_headers_that_are_none(name: bytes) -> None:
    assert credentials(((name, b"1"),)) == []


def test_credentials_are_left_out_and_named_without_their_value() -> None:
    outgoing = replay_of(post(b"Host: h", b"authorization: Bearer s3cret", b"Cookie: a=s3cret", b"X: y"), "h")
    bare = without_credentials(outgoing)
    assert bare.headers == ((b"Host", b"h"), (b"X", b"y"))
    assert "authorization, Cookie" in bare.changes[-1]
    assert "s3cret" not in str(bare.changes)
    assert without_credentials(bare) is bare


def test_drop_leaves_headers_out_in_any_case_but_not_the_framing() -> None:
    event = post(b"Host: h", b"x-Sig: 1", b"Content-Length: 2", body=b"{}")
    outgoing = replay_of(event, "h", drop={"X-SIG", "host", "Content-Length"})
    assert outgoing.headers == ((b"Host", b"h"), (b"Content-Length", b"2"))
    assert outgoing.changes == ("left out, as asked: x-Sig",)
