"""Times are found and moved together; what only looks like one stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from whcli.rules.jsontext import at, parsed, scalars
from whcli.rules.replaying.edit import Parts
from whcli.rules.replaying.shift import delta_of, shift_of, shifted
from whcli.rules.replaying.times import Move, dated, moved
from whcli.words.errors import WrongUsage
from whcli.words.event import Headers

ARRIVED = 1795442580.25  # 2026-11-23T14:03:00.25Z
DAY = 86400
PAYLOADS = Path(__file__).parent.parent / "examples" / "payloads"
JSON: Headers = ((b"Content-Type", b"application/json"),)
FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)


def parts(body: bytes, headers: Headers = JSON, target: bytes = b"/") -> Parts:
    return Parts(method=b"POST", target=target, headers=headers, body=body)


def later(body: bytes, headers: Headers = JSON, delta: int = DAY) -> bytes:
    return shifted(parts(body, headers), delta, ARRIVED)[0].body


# -- single texts, a day later

BY_FORM = {
    "RFC 3339": ("2026-11-23T14:03:00Z", "2026-11-24T14:03:00Z"),
    "with nanoseconds": ("2026-11-23T14:03:00.123456789Z", "2026-11-24T14:03:00.123456789Z"),
    "with trailing zeros": ("2026-11-30T14:03:00.100+01:00", "2026-12-01T14:03:00.100+01:00"),
    "in small letters": ("2026-11-23t14:03:00z", "2026-11-24t14:03:00z"),
    "with a space, as Ruby prints it": ("2026-11-23 14:03:00 UTC", "2026-11-24 14:03:00 UTC"),
    "with a space and an offset": ("2026-11-23 14:03:00 -0500", "2026-11-24 14:03:00 -0500"),
    "as Jira and Facebook write it": ("2026-11-23T14:03:00.000+0000", "2026-11-24T14:03:00.000+0000"),
    "without an offset": ("2026-11-23T14:03:00", "2026-11-24T14:03:00"),
    "over the end of a leap February": ("2028-02-28T23:59:59Z", "2028-02-29T23:59:59Z"),
    "an HTTP date": ("Mon, 23 Nov 2026 14:03:00 GMT", "Tue, 24 Nov 2026 14:03:00 GMT"),
    "an e-mail date": ("Mon, 30 Nov 2026 14:03:00 +0000", "Tue, 01 Dec 2026 14:03:00 +0000"),
    "an e-mail date with a comment": ("9 Nov 2026 14:03:00 -0800 (PST)", "10 Nov 2026 14:03:00 -0800 (PST)"),
}


@pytest.mark.parametrize(("text", "wanted"), BY_FORM.values(), ids=BY_FORM)
def test_a_date_is_moved_under_any_name(text: str, wanted: str) -> None:
    assert later(json.dumps({"note": text}).encode()) == json.dumps({"note": wanted}).encode()


NO_DATES = (
    "2026-11-23",
    "14:03:00",
    "2026-02-30T14:03:00Z",
    "2026-11-23T14:03:60Z",
    "2026-11-23T14:03Z",
    "2026-11-23T14:03:00+99:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "1990-05-01T00:00:00Z",
    "at 2026-11-23T14:03:00Z",
    "2026-11-23T14:03:00Z.",
    "Monday, 23-Nov-26 14:03:00 GMT",
    "１795442580",
)


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_time_near_the_arrival_stays(text: str) -> None:
    body = json.dumps({"created_at": text, "items": [text]}, ensure_ascii=False).encode()
    assert later(body) == body


def test_a_date_of_birth_is_no_time_of_the_event() -> None:
    body = b'{"date_of_birth":"2019-05-01T00:00:00Z","birthdate":"2019-05-01T00:00:00Z","dob":"2019-05-01T00:00:00Z"}'
    assert later(body) == body


TIMES = """
    created created_at createdAt DateCreated updated event_time eventTime ts event_ts thread_ts timestamp
    webhookTimestamp exp iat nbf expires expires_at expire_by cancel_at trial_end trial_start current_period_end
    next_payment_attempt available_on billing_cycle_anchor due_date occurred_at edit_date sent_at last_seen
    X-Slack-Request-Timestamp created_unix unix epoch seconds latest
"""
NAMES = TIMES.split()
MILLISECONDS = ("purchased_at_ms", "eventTimeMillis", "time_ms", "webhookTimestamp", "occurredAt", "notifyMs")
NO_TIMES = """
    id amount phone phone_number from to user_id run_id order_number account total balance price_amount_micros zip
    reference created_by based_upon number value status_us
"""
OTHERS = NO_TIMES.split()


@pytest.mark.parametrize("name", NAMES)
def test_seconds_are_moved_where_the_name_says_so(name: str) -> None:
    move = Move(DAY, ARRIVED)
    for text, wanted in (("1795400003", "1795486403"), ("1795400003.000200", "1795486403")):
        found = moved(text, name, move)
        assert found is not None and (found.length, found.text) == (10, wanted)


@pytest.mark.parametrize("name", MILLISECONDS)
def test_milliseconds_too(name: str) -> None:
    body = json.dumps({name: 1795400003123, "text": {name: "1795400003123"}}).encode()
    assert later(body) == body.replace(b"1795400003123", b"1795486403123")


def test_micro_and_nanoseconds_too() -> None:
    body = b'{"timestamp":1795400003123456,"time_ns":1795400003123456789,"time_s":1795400003}'
    assert later(body) == b'{"timestamp":1795486403123456,"time_ns":1795486403123456789,"time_s":1795486403}'


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("number", ["1795400003", "1795400003123", "1795400003123456"])
def test_numbers_under_other_names_stay(name: str, number: str) -> None:
    body = f'{{"{name}":{number},"x":{{"{name}":"{number}"}}}}'.encode()
    assert later(body) == body


@pytest.mark.parametrize(
    "number", ["4200", "0", "-1795400003", "1000000000", "4102444800", "1795400003e0", "1.7954e9", "true", "null"]
)
def test_numbers_that_are_no_time_near_the_arrival_stay(number: str) -> None:
    body = f'{{"created":{number},"expires_in":{number}}}'.encode()
    assert later(body) == body


# -- whole requests


def test_slacks_times_move_together() -> None:
    event = parts(
        (PAYLOADS / "slack-event_callback.json").read_bytes(),
        (*JSON, (b"X-Slack-Request-Timestamp", b"1795400005"), (b"X-Slack-Retry-Num", b"1")),
    )
    changed, told = shifted(event, 3600, ARRIVED)
    assert changed.body == event.body.replace(b"1795400003", b"1795403603")
    assert changed.headers[1:] == ((b"X-Slack-Request-Timestamp", b"1795403605"), (b"X-Slack-Retry-Num", b"1"))
    assert told == (
        "4 times moved by +1h: X-Slack-Request-Timestamp 1795400005 → 1795403605, "
        "body.event.ts 1795400003.000200 → 1795403603.000200, "
        "body.event.event_ts 1795400003.000200 → 1795403603.000200, and 1 more",
    )


IN_PAYLOADS = {"created", "created_at", "updated_at", "timestamp", "ts", "event_ts", "event_time"}


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_a_real_shape_changes_only_in_its_times(path: Path) -> None:
    before = path.read_bytes()
    body = later(before)
    old, new = (list(scalars(text)) for text in (before, body))
    assert [scalar.path for scalar in old] == [scalar.path for scalar in new]
    for one, other in zip(old, new, strict=True):
        same = before[one.begin : one.end] == body[other.begin : other.end]
        named = one.path[-1] in IN_PAYLOADS and before[one.begin : one.end] not in (b"true", b"false", b"null")
        assert same is not named, one.path
    assert len(body) == len(before)
    assert later(body, delta=-DAY) == before


def test_the_members_of_an_array_have_its_name() -> None:
    assert later(b'{"timestamps":[1795400003, [1795400003]],"ids":[1795400003]}') == (
        b'{"timestamps":[1795486403, [1795486403]],"ids":[1795400003]}'
    )
    assert later(b'[{"timestamp":1795400003},1795400003]') == b'[{"timestamp":1795486403},1795400003]'


def test_escapes_around_a_time_stay() -> None:
    assert later(rb'{"creat\u0065d":"2026-11-23T14:03:00\u002B01:00","a":"\/"}') == (
        rb'{"creat\u0065d":"2026-11-24T14:03:00\u002B01:00","a":"\/"}'
    )
    odd = rb'{"created":"\u0032026-11-23T14:03:00Z"}'
    assert later(odd) == odd


@pytest.mark.parametrize("style", [{}, {"ensure_ascii": False}, {"separators": (",", ":")}], ids=str)
def test_json_inside_a_json_text_is_entered(style: dict[str, Any]) -> None:
    inner = json.dumps({"created": 1795400003, "é": "\n"}, **style)
    body = json.dumps({"Message": inner, "Timestamp": "2026-11-23T14:03:00.000Z"}, **style).encode()
    wanted = body.replace(b"1795400003", b"1795486403").replace(b"-23T", b"-24T")
    assert later(body) == wanted


def test_json_inside_a_json_text_stays_where_we_would_write_it_otherwise() -> None:
    body = rb'{"Message":"{\"created\":1795400003,\"u\":\"a\/b\"}"}'
    assert later(body) == body
    lone = rb'{"Message":"{\"created\":1795400003}\ud800"}'
    assert later(lone) == lone


def test_forms_and_queries_are_moved_field_by_field() -> None:
    form = b"timestamp=1795400003&phone=1795400003&when=2026-11-23T14%3A03%3A00Z&at=2026-11-23+14:03:00+UTC&x"
    event = parts(form, FORM, target=b"/h?ts=1795400003&id=1795400003")
    changed, told = shifted(event, DAY, ARRIVED)
    assert changed.body == (
        b"timestamp=1795486403&phone=1795400003&when=2026-11-24T14%3A03%3A00Z&at=2026-11-24+14%3A03%3A00+UTC&x"
    )
    assert changed.target == b"/h?ts=1795486403&id=1795400003"
    assert told[0].startswith("4 times moved by +1d: query.ts 1795400003 → 1795486403, body.timestamp")


def test_json_inside_a_form_is_entered_and_left_alone_where_nothing_moves() -> None:
    assert later(b"payload=%7B%22ts%22%3A1795400003%7D", FORM) == b"payload=%7B%22ts%22%3A1795486403%7D"
    odd = b"payload=%7b%22id%22:1795400003%7D"
    assert later(odd, FORM) == odd


@pytest.mark.parametrize("body", [b"", b"<t>2026-11-23T14:03:00Z</t>", b"\xff\x00", b'{"created":1795400003'])
def test_a_body_that_cannot_be_read_stays(body: bytes) -> None:
    assert shifted(parts(body), DAY, ARRIVED) == (parts(body), ())


def test_no_shift_changes_nothing() -> None:
    event = parts(b'{"created":1795400003}')
    assert shifted(event, 0, ARRIVED) == (event, ())


# -- by how much


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("now", None), ("2h", 7200), ("-30d", -2592000), ("+90s", 90), ("90", 90), ("1.5m", 90), ("0", 0)],
)
def test_a_shift_is_read(typed: str, wanted: int | None) -> None:
    assert shift_of(typed) == wanted


@pytest.mark.parametrize("typed", ["", "soon", "500ms", "--2h", "-", "1.5s", "2 hours", "9" * 400])
def test_a_shift_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(WrongUsage):
        delta_of(shift_of(typed), ARRIVED, ARRIVED)


def test_now_is_never_ahead_of_now() -> None:
    assert delta_of(None, ARRIVED, ARRIVED + 10.9) == 10
    assert delta_of(None, ARRIVED, ARRIVED - 0.1) == -1
    assert delta_of(7200, ARRIVED, 0) == 7200


@pytest.mark.parametrize(("shift", "arrived"), [(None, 0.0), (-20 * 365 * DAY, ARRIVED), (10**12, ARRIVED), (1, 1e300)])
def test_times_stay_where_they_can_be_told_from_other_numbers(shift: int | None, arrived: float) -> None:
    with pytest.raises(WrongUsage, match="cannot move times"):
        delta_of(shift, arrived, ARRIVED)


# -- anything at all

DELTAS = st.integers(-5 * 365 * DAY, 5 * 365 * DAY)
NEAR = st.integers(-4 * 365 * DAY, 4 * 365 * DAY).map(lambda seconds: int(ARRIVED) + seconds)


@given(moment=NEAR, delta=DELTAS, name=st.sampled_from(NAMES), power=st.sampled_from([0, 3, 6, 9]), part=st.integers(0))
def test_numbers_keep_what_is_smaller_than_a_second(moment: int, delta: int, name: str, power: int, part: int) -> None:
    assume(power == 0 or name not in ("seconds",))
    number = moment * 10**power + part % 10**power
    body = json.dumps({"x": [{name: number}]}).encode()
    changed = later(body, delta=delta)
    assert json.loads(changed) == {"x": [{name: number + delta * 10**power}]}
    assert len(changed) == len(body)


@given(moment=NEAR, delta=DELTAS, offset=st.integers(-14 * 60, 14 * 60), digits=st.text("0123456789", max_size=9))
def test_dates_move_as_the_calendar_does(moment: int, delta: int, offset: int, digits: str) -> None:
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    fraction = "." + digits if digits else ""

    def written(at: int) -> str:
        clock = datetime.fromtimestamp(at, UTC) + timedelta(minutes=offset)
        return f"{clock:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"

    body = json.dumps({"x": written(moment)}).encode()
    assert later(body, delta=delta) == json.dumps({"x": written(moment + delta)}).encode()


@given(moment=NEAR, delta=DELTAS)
def test_http_dates_are_those_of_the_standard_library(moment: int, delta: int) -> None:
    def written(at: int) -> bytes:
        return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True).encode()

    changed, _ = shifted(parts(b"", ((b"Date", written(moment)),)), delta, ARRIVED)
    assert changed.headers == ((b"Date", written(moment + delta)),)
    assert dated(written(moment).decode()) == moment


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | NEAR | NEAR.map(str)
KEYS = st.sampled_from(NAMES + OTHERS) | st.text()
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@given(tree=TREES, delta=DELTAS.filter(bool), style=st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}]))
def test_what_was_moved_there_and_back_is_the_same(tree: Any, delta: int, style: dict[str, Any]) -> None:
    event = parts(json.dumps(tree, **style).encode())
    there, told = shifted(event, delta, ARRIVED)
    assert bool(told) is (there != event)
    assert shifted(there, -delta, ARRIVED + delta)[0] == event


@given(body=st.binary(), headers=st.sampled_from([JSON, FORM]), target=st.binary())
def test_any_bytes_are_walked(body: bytes, headers: Headers, target: bytes) -> None:
    there, told = shifted(parts(body, headers, target), DAY, ARRIVED)
    assert told or there == parts(body, headers, target)


@given(tree=TREES)
def test_every_scalar_is_found_where_it_stands(tree: Any) -> None:
    body = json.dumps(tree).encode()
    found = list(scalars(body))
    for path, begin, end in found:
        assert parsed(body[begin:end]) == at(parsed(body), path)
    assert len({scalar.begin for scalar in found}) == len(found) == leaves(tree)


def leaves(tree: Any) -> int:
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else None
    return 1 if inner is None else sum(map(leaves, inner))
