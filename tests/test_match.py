"""Filters: what matches, and the differences where it does not."""

from __future__ import annotations

import fnmatch
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whcli.rules.match import Filter, compiled, differences, view
from whcli.rules.routes import glob
from whcli.words.errors import WrongUsage
from whcli.words.event import SIGNATURES, Delivery, Difference, Entry, Event, Facts, Headers, Kind, Reply
from whcli.words.event import entry_of as listed


def event_of(body: bytes = b"", headers: Headers = (), target: bytes = b"/hooks/stripe?a=1") -> Event:
    return Event(
        id=7, uid="u", received_at=1000.0, method=b"POST", target=target, version="1.1", headers=headers, body=body
    )


def entry_of(event: Event, facts: Facts | None = None, last: Delivery | None = None) -> Entry:
    return listed(event, facts or Facts(provider="stripe", type="charge.succeeded", signature="invalid"), last)


def delivery_of(status: int | None, kind: Kind = "forward") -> Delivery:
    reply = Reply(status=status) if status else None
    return Delivery(event_id=7, kind=kind, sent_at=1.0, method=b"POST", url="http://x", reply=reply)


def matches(wanted: Filter, event: Event, **known: Any) -> bool:
    return not differences(wanted, entry_of(event, **known), lambda: event)


# -- globs ----------------------------------------------------------------------------------------------------------


@given(st.text("ab*?[]!.\n", max_size=8), st.text("ab*?[]!.\n", max_size=8))
def test_only_the_asterisk_means_something_in_a_glob(pattern: str, text: str) -> None:
    """The standard library's globs, with everything but the asterisk quoted, say the same."""
    quoted = "".join(f"[{letter}]" if letter in "?[" else letter for letter in pattern)
    assert bool(glob(pattern).match(text)) is fnmatch.fnmatchcase(text, quoted)


GLOBS = {
    "case counts": ("Charge.*", "charge.failed", False),
    "the asterisk also takes dots and slashes": ("/hooks/*", "/hooks/a/b.c", True),
    "the asterisk also takes nothing": ("charge*", "charge", True),
    "the whole text must match": ("charge", "charge.failed", False),
    "a line feed at the end is not overlooked": ("charge", "charge\n", False),
    "the asterisk takes line feeds": ("a*b", "a\n\nb", True),
}


@pytest.mark.parametrize(("pattern", "text", "holds"), GLOBS.values(), ids=GLOBS.keys())
def test_a_glob(pattern: str, text: str, holds: bool) -> None:
    assert bool(glob(pattern).match(text)) is holds


# -- one condition at a time ----------------------------------------------------------------------------------------

HOLDS = [
    Filter(),
    Filter(provider="stripe"),
    Filter(provider="*"),
    Filter(type="charge.*"),
    Filter(method="P*"),
    Filter(path="/hooks/*"),
    Filter(signature="invalid"),
    Filter(since=1000.0),
    Filter(until=1000.0),
    Filter(provider="str*", type="*.succeeded", since=999, until=1001),
]
FAILS: list[tuple[Filter, Difference]] = [
    (Filter(provider="github"), Difference(field="provider", wanted="github", got="stripe")),
    (Filter(type="charge"), Difference(field="type", wanted="charge", got="charge.succeeded")),
    (Filter(method="post"), Difference(field="method", wanted="post", got="POST")),
    (Filter(path="/hooks"), Difference(field="path", wanted="/hooks", got="/hooks/stripe")),
    (Filter(signature="valid"), Difference(field="signature", wanted="valid", got="invalid")),
    (
        Filter(since=1000.5),
        Difference(field="since", wanted="1970-01-01T00:16:40.500000Z", got="1970-01-01T00:16:40.000000Z"),
    ),
    (
        Filter(until=999.5),
        Difference(field="until", wanted="1970-01-01T00:16:39.500000Z", got="1970-01-01T00:16:40.000000Z"),
    ),
    (Filter(failed=True), Difference(field="failed", wanted="a last delivery that was not 2xx", got="none")),
]


@pytest.mark.parametrize("wanted", HOLDS, ids=str)
def test_a_match_is_an_empty_list_of_differences(wanted: Filter) -> None:
    assert matches(wanted, event_of())


@pytest.mark.parametrize(("wanted", "difference"), FAILS, ids=lambda value: getattr(value, "field", ""))
def test_a_failure_says_what_was_wanted_and_what_came(wanted: Filter, difference: Difference) -> None:
    event = event_of()
    assert differences(wanted, entry_of(event), lambda: event) == (difference,)


def test_every_difference_is_told() -> None:
    event = event_of()
    wanted = Filter(provider="github", type="push", method="PUT", signature="valid")
    found = differences(wanted, entry_of(event), lambda: event)
    assert [difference.field for difference in found] == ["provider", "type", "method", "signature"]


def test_nothing_known_is_no_match_even_for_an_asterisk() -> None:
    event = event_of()
    assert not matches(Filter(provider="*"), event, facts=Facts())
    assert not matches(Filter(type="*"), event, facts=Facts())


FAILED = {None: True, 500: True, 404: True, 302: True, 199: True, 200: False, 204: False, 299: False}


@pytest.mark.parametrize(("status", "failed"), FAILED.items(), ids=lambda value: str(value))
def test_failed_means_that_the_last_delivery_was_not_2xx(status: int | None, failed: bool) -> None:
    assert matches(Filter(failed=True), event_of(), last=delivery_of(status)) is failed


def test_the_bytes_are_loaded_only_when_they_decide() -> None:
    event = event_of()

    def never() -> Event:
        raise AssertionError("the bytes were loaded")

    assert not differences(Filter(provider="stripe"), entry_of(event), never)
    assert differences(Filter(provider="github", where="body"), entry_of(event), never)
    assert Filter(where="body").needs_body
    assert not Filter(type="*").needs_body


# -- where ----------------------------------------------------------------------------------------------------------

JSON_TYPE: Headers = ((b"Content-Type", b"application/json"),)
FORM_TYPE: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"),)
SENT = b'{"amount": 150, "object": {"id": "ch_1", "tags": ["a", "b"]}, "live": false, "empty": "", "zero": 0}'

WHERE = {
    "a number of the body compares": ("body.amount > `100`", True),
    "and fails to": ("body.amount > `200`", False),
    "a text of the body": ("body.object.id == 'ch_1'", True),
    "a list holds": ("contains(body.object.tags, 'b')", True),
    "false does not match": ("body.live", False),
    "an empty text does not match": ("body.empty", False),
    "zero does match": ("body.zero", True),
    "null does not match": ("body.absent", False),
    "an empty list does not match": ("body.object.tags[?@ == 'c']", False),
    "an empty object does not match": ("`{}`", False),
    "id": ("id == `7`", True),
    "method": ("method == 'POST'", True),
    "path, without the query": ("path == '/hooks/stripe'", True),
    "query, by name": ("query.a == '1'", True),
    "a header, in lower case": ("headers.\"content-type\" == 'application/json'", True),
    "provider": ("provider == 'stripe'", True),
    "type": ("starts_with(type, 'charge.')", True),
    "signature": ("signature == 'invalid'", True),
    "duplicate": ("duplicate", False),
    "a function that meets a type it does not take does not match": ("starts_with(body.amount, '1')", False),
    "a function that meets null does not match": ("length(body.absent)", False),
}


@pytest.mark.parametrize(("expression", "holds"), WHERE.values(), ids=WHERE.keys())
def test_where(expression: str, holds: bool) -> None:
    assert matches(Filter(where=expression), event_of(SENT, JSON_TYPE)) is holds


def test_a_where_that_does_not_hold_shows_what_it_found() -> None:
    event = event_of(SENT, JSON_TYPE)
    found = differences(Filter(where="body.live"), entry_of(event), lambda: event)
    assert found == (Difference(field="where", wanted="body.live", got="False"),)


@pytest.mark.parametrize(
    ("expression", "got"),
    [
        ("body.n > `100`", "42 is not > 100"),
        ("body.n == '42'", '42 is not == "42"'),
        ("body.none != null", "null is not != null"),
        ("body.n && body.n < `0`", "42 is not < 0"),
        ("method == 'POST' && body.n <= `1` && body.none", "42 is not <= 1"),
        ("body.n > `50` || body.none", "None"),
        ("length(body.n) > `1`", "None"),
        ("body.text == 'b'", '"\\u001b[2J" is not == "b"'),
    ],
)
def test_a_comparison_that_does_not_hold_shows_both_sides(expression: str, got: str) -> None:
    event = event_of(b'{"n": 42, "text": "\\u001b[2J"}', JSON_TYPE)
    [found] = differences(Filter(where=expression), entry_of(event), lambda: event)
    assert found == Difference(field="where", wanted=expression, got=got)


VIEWS: dict[str, tuple[Event, str, Any]] = {
    "a form is its names and first values": (event_of(b"a=1&b=%C3%A9&a=2&c", FORM_TYPE), "body", "a=1 b=é c="),
    "a body that is neither JSON nor a form is null": (event_of(b"<xml/>"), "body", None),
    "no body is null": (event_of(), "body", None),
    "a body that calls itself a form and is JSON": (event_of(b'{"a":1}', FORM_TYPE), "body.a", 1),
    "repeated headers are joined": (event_of(headers=((b"X-A", b"1"), (b"x-a", b"2"))), 'headers."x-a"', "1, 2"),
    "of a query's repeats the first": (event_of(target=b"/?a=1&a=2&b"), "query", "a=1 b="),
    "a query without equals signs": (event_of(target=b"/?"), "query", ""),
    "a header's UTF-8": (event_of(headers=((b"X", "é".encode()),)), "headers.x", "é"),
    "a header that is no UTF-8": (event_of(headers=((b"X", b"\xe9"),)), "headers.x", "\ufffd"),
}


@pytest.mark.parametrize(("event", "expression", "expected"), VIEWS.values(), ids=VIEWS.keys())
def test_what_where_sees(event: Event, expression: str, expected: Any) -> None:
    seen = compiled(expression).search(view(entry_of(event), event))
    if isinstance(seen, dict):
        seen = " ".join(f"{name}={value}" for name, value in sorted(seen.items()))
    assert seen == expected


def test_a_duplicate_is_seen() -> None:
    event = event_of()
    assert matches(Filter(where="duplicate"), event, facts=Facts(duplicate_of=3))


UNREADABLE = {
    "nothing": "",
    "a lone operator": "a ==",
    "an open bracket": "body[",
    "a literal without an end": "`{",
    "an unknown character": "a # b",
    "more brackets than the parser takes": "(" * 5_000,
    "more nesting than the parser takes": "[" * 5_000 + "]" * 5_000,
    "more negations than the parser takes": "!" * 5_000 + "a",
}


@pytest.mark.parametrize("expression", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_expression_that_cannot_be_read_is_a_sentence(expression: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        compiled(expression)
    assert "JMESPath" in caught.value.message
    assert len(caught.value.message) < 400
    assert "help filters" in caught.value.next


@pytest.mark.filterwarnings("ignore:deprecated string literal")  # an old spelling that the library still takes
@settings(max_examples=300)
@given(st.text(max_size=30) | st.text("abc.[]()*|&!@`'\"{}:,?<>=0-1 ", max_size=30))
def test_any_expression_is_compiled_or_refused_in_one_line(expression: str) -> None:
    try:
        compiled(expression)
    except WrongUsage as error:
        assert "\n" not in error.message


FUNCTIONS = """
    abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse sort
    sort_by starts_with sum to_array to_number to_string type values
"""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(
    st.sampled_from(FUNCTIONS.split()),
    st.sampled_from(["(@)", "(@, @)", "(&@, @)", "(@, &@)", "([0], @)", "('a', @)"]),
    ANYTHING,
)
def test_no_function_of_jmespath_fails_on_any_body(name: str, arguments: str, value: Any) -> None:
    with suppress(WrongUsage):  # it takes fewer or more
        compiled(name + arguments).search(value)


def test_infinity_in_a_body_is_no_crash() -> None:
    """`1e999` is a float beyond all floats for the JSON parser, and `ceil` of it an OverflowError."""
    assert not matches(Filter(where="ceil(body.a) > `1`"), event_of(b'{"a":1e999}', JSON_TYPE))


def test_a_body_nested_as_deep_as_the_parser_takes_is_no_crash() -> None:
    for depth in (100, 500, 900, 960, 980, 990, 1_000, 100_000):
        event = event_of(b"[" * depth + b"]" * depth, JSON_TYPE)
        for expression in ("body", "to_string(body)", "body[][]", "body == body", "to_array(body)", "[body, body]"):
            differences(Filter(where=expression), entry_of(event), lambda event=event: event)  # type: ignore[misc]


def test_the_states_of_a_signature_are_those_of_the_records() -> None:
    from typing import get_args

    from whcli.words.event import SignatureState

    assert set(SIGNATURES) == set(get_args(SignatureState))


def test_a_filter_is_a_value() -> None:
    assert replace(Filter(), provider="x") == Filter(provider="x")
