"""What a fixture expects of a reply, and snapshots of replies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import push
from whcli.rules.archive.fixture import fixture_from, fixture_text
from whcli.rules.testing.expectation import expectation_of, unmet
from whcli.rules.testing.snapshot import changed, check_snapshot, snapshot_of
from whcli.words.errors import WrongUsage
from whcli.words.event import Delivery, Headers, Reply

JSON: Headers = ((b"Content-Type", b"application/json; charset=UTF-8"),)


def delivered(
    status: int = 200, body: bytes = b"", headers: Headers = JSON, latency: float = 0.01, url: str = "http://a:1/"
) -> Delivery:
    reply = Reply(status=status, headers=headers, body=body)
    return Delivery(event_id=0, kind="replay", sent_at=0.0, method=b"POST", url=url, latency=latency, reply=reply)


def found(expect: dict[str, Any] | None, delivery: Delivery) -> list[str]:
    wanted = expectation_of(expect, "f.json")
    return [f"{each.field}: {each.wanted} / {each.got}" for each in unmet(wanted, delivery)]


MET = {
    "nothing said, and 204": (None, delivered(204)),
    "an empty expect, and 201": ({}, delivered(201)),
    "a status": ({"status": 404}, delivered(404)),
    "a class of statuses": ({"status": "4xx"}, delivered(422)),
    "one of several": ({"status": [200, "3xx"]}, delivered(302)),
    "a header's glob, its name in any case": ({"headers": {"content-type": "*json*"}}, delivered()),
    "no such header": ({"headers": {"X-Error": None}}, delivered()),
    "values by expression": (
        {"body": {"ok": True, "length(ids)": 2, "a.b[0]": "c"}},
        delivered(body=b'{"ok":true,"ids":[1,2],"a":{"b":["c"]}}'),
    ),
    "a null": ({"body": {"error": None}}, delivered(body=b'{"error":null}')),
    "nothing where null is wanted": ({"body": {"error": None}}, delivered(body=b"{}")),
    "the whole body": ({"body": {"@": {"a": [1]}}}, delivered(body=b' {"a": [1]} ')),
    "an exact text": ({"body": "OK"}, delivered(body=b"OK", headers=())),
    "a form": (
        {"body": {"a": "b"}},
        delivered(body=b"a=b", headers=((b"Content-Type", b"application/x-www-form-urlencoded"),)),
    ),
    "in time": ({"max_time": "500ms"}, delivered(latency=0.5)),
}


@pytest.mark.parametrize("expect", MET.values(), ids=MET.keys())
def test_a_reply_as_expected_has_no_difference(expect: tuple[dict[str, Any] | None, Delivery]) -> None:
    assert found(*expect) == []


UNMET = {
    "no 2xx": (None, delivered(302), ["status: 2xx / 302"]),
    "another status": ({"status": [200, 204]}, delivered(201), ["status: 200 or 204 / 201"]),
    "another header": (
        {"headers": {"Content-Type": "text/*"}},
        delivered(),
        ["headers.Content-Type: text/* / application/json; charset=UTF-8"],
    ),
    "a missing header": ({"headers": {"X-A": "*"}}, delivered(), ["headers.X-A: * / none"]),
    "a header that may not be": (
        {"headers": {"content-type": None}},
        delivered(),
        ["headers.content-type: none / application/json; charset=UTF-8"],
    ),
    "another value": ({"body": {"ok": True}}, delivered(body=b'{"ok":1}'), ["body.ok: true / 1"]),
    "a missing value": ({"body": {"a.b": 1}}, delivered(body=b'{"a":{}}'), ["body.a.b: 1 / null"]),
    "a value within the whole": ({"body": {"@": {"a": [1]}}}, delivered(body=b'{"a":[2]}'), ["body.a[0]: 1 / 2"]),
    "no JSON": ({"body": {"ok": True}}, delivered(body=b"<html>"), ["body: JSON or a form / <html>"]),
    "no body": ({"body": {"ok": True}}, delivered(), ["body: JSON or a form / nothing"]),
    "another text": ({"body": "OK"}, delivered(body=b"OK\n"), ["body: OK / OK\\x0a"]),
    "too late": ({"max_time": 0.25}, delivered(latency=0.3), ["time: ≤ 250 ms / 300 ms"]),
    "all at once": (
        {"status": 200, "body": {"a": 1}, "max_time": "1ms"},
        delivered(500, b'{"a":2}'),
        ["status: 200 / 500", "body.a: 1 / 2", "time: ≤ 1 ms / 10 ms"],
    ),
}


@pytest.mark.parametrize("case", UNMET.values(), ids=UNMET.keys())
def test_a_reply_that_is_not_as_expected_is_told_field_by_field(case: tuple[Any, Delivery, list[str]]) -> None:
    expect, delivery, differences = case
    assert found(expect, delivery) == differences


def test_no_reply_is_one_difference() -> None:
    silent = Delivery(event_id=0, kind="replay", sent_at=0, method=b"POST", url="u", failure="refused", error="nobody")
    assert found({"status": 200, "body": {"a": 1}}, silent) == ["reply: an answer / nobody"]


WRONG = {
    "an unknown key": ({"stauts": 200}, "'stauts' is no key of it"),
    "no status": ({"status": 99}, "'status' takes a status"),
    "an odd status": ({"status": "2x"}, "'status' takes a status"),
    "true as a status": ({"status": True}, "'status' takes a status"),
    "no statuses": ({"status": []}, "'status' takes a status"),
    "no headers": ({"headers": ["a"]}, "'headers' takes header names"),
    "no expression": ({"body": {"a[": 1}}, "'body' cannot be read: 'a[' is not a JMESPath expression"),
    "no body": ({"body": 3}, "'body' takes a text"),
    "no duration": ({"max_time": "soon"}, "'max_time' cannot be read: 'soon' is not a duration"),
    "no truth": ({"idempotent": "yes"}, "'idempotent' takes true or false"),
    "no paths": ({"ignore": "body.id"}, "'ignore' takes a list of paths"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_an_expectation_that_can_mean_nothing_names_file_and_key(case: tuple[dict[str, Any], str]) -> None:
    with pytest.raises(WrongUsage) as caught:
        expectation_of(case[0], "hooks/f.json")
    assert caught.value.message.startswith(f"'expect' of hooks/f.json: {case[1]}")


def test_a_misspelt_key_gets_a_suggestion() -> None:
    with pytest.raises(WrongUsage) as caught:
        expectation_of({"stauts": 200}, "f.json")
    assert dict(caught.value.details) == {"hint": "did you mean 'status'?"}


# -- snapshots ------------------------------------------------------------------------------------------------------

names = st.sampled_from(
    [b"Content-Type", b"Location", b"Set-Cookie", b"Date", b"X-Request-Id", b"Retry-After", b"Vary"]
)
values = st.sampled_from(
    [b"application/json", b"text/plain", b"http://a:1/x", b"sid=secret; Path=/", b"1", b"a, b", b""]
)
bodies = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ).map(lambda value: json.dumps(value).encode()),
)


@given(st.integers(200, 599), st.lists(st.tuples(names, values), max_size=5), bodies)
def test_a_reply_is_what_its_own_snapshot_says_even_from_a_file(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    delivery = delivered(status, body, tuple(headers))
    text = fixture_text(push(snapshot=snapshot_of(delivery)))
    kept = check_snapshot(fixture_from(text.encode()).further("snapshot"), "f.json")
    assert kept is not None and changed(kept, delivery, ()) == ()


@given(st.integers(200, 599), bodies, st.integers(200, 599), bodies)
def test_another_status_or_body_is_always_seen(one: int, first: bytes, other: int, second: bytes) -> None:
    differs = changed(snapshot_of(delivered(one, first, ())), delivered(other, second, ()), ())
    assert bool(differs) is ((one, first) != (other, second))


def test_what_differs_from_run_to_run_is_not_kept() -> None:
    headers = (
        *JSON,
        (b"Date", b"today"),
        (b"Server", b"x/1"),
        (b"Content-Length", b"2"),
        (b"X-Request-Id", b"7"),
        (b"Set-Cookie", b"sid=very-secret; HttpOnly"),
        (b"Location", b"http://a:1/next"),
    )
    kept = snapshot_of(delivered(201, b"{}", headers))
    shown = {"content-type": "application/json; charset=utf-8", "location": "/next", "set-cookie": "sid"}
    assert kept == {"status": 201, "headers": shown, "body_json": {}}
    elsewhere = (*headers[:-1], (b"Location", b"http://b:2/next"))
    assert changed(kept, delivered(201, b"{}", elsewhere, url="http://b:2/"), ()) == ()


def test_a_change_is_told_by_its_path_and_can_be_ignored() -> None:
    kept = snapshot_of(delivered(200, b'{"id":1,"items":[{"at":1,"n":1}]}'))
    now = delivered(200, b'{"id":2,"items":[{"at":2,"n":1}]}', headers=((b"Content-Type", b"application/json"),))
    told = [f"{each.field}: {each.wanted} / {each.got}" for each in changed(kept, now, ())]
    assert told == [
        "headers.content-type: application/json; charset=utf-8 / application/json",
        "body.id: 1 / 2",
        "body.items[0].at: 1 / 2",
    ]
    assert changed(kept, now, {"body.id", "body.items[0].at", "headers.content-type"}) == ()


@pytest.mark.parametrize(
    "value", [{}, {"status": "200"}, {"status": 200, "headers": []}, {"status": 200, "body_base64": 3}]
)
def test_a_snapshot_that_is_none_names_its_file(value: Any) -> None:
    with pytest.raises(WrongUsage, match=r"'snapshot' of f\.json cannot be read"):
        check_snapshot(value, "f.json")
