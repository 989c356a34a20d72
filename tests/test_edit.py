"""What is typed to change an event, and what it does to the bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.anything import imported
from tests.captured import post
from whcli.rules.outgoing import replay_of
from whcli.rules.replaying import jsonedit
from whcli.rules.replaying.edit import Parts, edited, event_edited, parts_of
from whcli.rules.replaying.edits import Edits, edits_of, place_of, steps_of
from whcli.rules.signatures import params
from whcli.words.errors import WrongUsage
from whcli.words.event import Headers, every

JSON: Headers = ((b"Content-Type", b"application/json"),)
FORM: Headers = ((b"content-type", b"application/x-www-form-urlencoded; charset=utf-8"),)
ITEMS = b'{"c":1},{"c":2.0}, {"d": "x"}'
ORDER = b'{ "a": {"b":[' + ITEMS + b']}, "n":null, "s":"t" }'


def parts(body: bytes = b"", headers: Headers = JSON, target: bytes = b"/hook?a=1&b=2") -> Parts:
    return Parts(method=b"POST", target=target, headers=headers, body=body)


def after(body: bytes, headers: Headers = JSON, **typed: Any) -> tuple[bytes, tuple[str, ...]]:
    """The body after the edits, and the changes in words."""
    changed, changes = edited(parts(body, headers), edits_of(**typed))
    return changed.body, changes


# -- JSON bodies

SET = {
    "a number in place": ("body.a.b[0].c=4200", b'"c":1', b'"c":4200', "body.a.b[0].c 1 → 4200"),
    "a place written with a dot": ("body.a.b.1.c=7", b"2.0", b"7", "body.a.b.1.c 2.0 → 7"),
    "a text": ("body.s=hello you", b'"t"', b'"hello you"', 'body.s "t" → "hello you"'),
    "a text that is not ASCII": ("body.s=é", b'"t"', '"é"'.encode(), 'body.s "t" → "é"'),
    "JSON as it was typed": ('body.s={"x": 1.50}', b'"t"', b'{"x": 1.50}', 'body.s "t" → {"x": 1.50}'),
    "a text that looks like a number": ('body.s="5"', b'"t"', b'"5"', 'body.s "t" → "5"'),
    "NaN, which is no JSON": ("body.s=NaN", b'"t"', b'"NaN"', 'body.s "t" → "NaN"'),
    "nothing": ("body.s=", b'"t"', b'""', 'body.s "t" → ""'),
    "an equals sign in the value": ("body.s=a=b", b'"t"', b'"a=b"', 'body.s "t" → "a=b"'),
    "a whole object": ("body.a=0", b'{"b":[' + ITEMS + b"]}", b"0", 'body.a {"b":[{"c":1},{"c":2.0}, {"d": "x"}]} → 0'),
    "a new member": ("body.z=true", b'"s":"t"', b'"s":"t","z":true', "body.z: true added"),
    "a new member with its objects": ("body.z.y.x=1", b'"t"', b'"t","z":{"y":{"x":1}}', "body.z.y.x: 1 added"),
    "a member of null": ("body.n.x=1", b"null", b'{"x":1}', "body.n.x: 1 added"),
    "a name with a dot": ('body["x.y"]=1', b'"t"', b'"t","x.y":1', 'body["x.y"]: 1 added'),
    "a name with an equals sign": ('body["x=y"]=1', b'"t"', b'"t","x=y":1', 'body["x=y"]: 1 added'),
    "every member that can": (
        "body.a.b.*.c=5",
        ITEMS,
        b'{"c":5},{"c":5}, {"d": "x","c":5}',
        "body.a.b.*.c → 5 in 3 places",
    ),
    "every item": ("body.a.b[*]=5", ITEMS, b"5,5, 5", "body.a.b[*] → 5 in 3 places"),
}


@pytest.mark.parametrize(("typed", "old", "new", "told"), SET.values(), ids=SET)
def test_a_value_is_set_and_nothing_else(typed: str, old: bytes, new: bytes, told: str) -> None:
    assert ORDER.count(old) == 1
    assert after(ORDER, set=[typed]) == (ORDER.replace(old, new), (told,))


UNSET = {
    "the first member": ("body.a", b'"a": {"b":[' + ITEMS + b"]}, ", b""),
    "the last member": ("body.s", b', "s":"t"', b""),
    "one between others": ("body.n", b', "n":null', b""),
    "the first item": ("body.a.b[0]", b'{"c":1},', b""),
    "the last item": ("body.a.b[2]", b', {"d": "x"}', b""),
    "every item": ("body.a.b.*", ITEMS, b""),
    "the only member of each item": ("body.a.b.*.c", b'{"c":1},{"c":2.0}', b"{},{}"),
}


@pytest.mark.parametrize(("typed", "old", "new"), UNSET.values(), ids=UNSET)
def test_a_value_is_removed_with_its_comma(typed: str, old: bytes, new: bytes) -> None:
    body, [told] = after(ORDER, unset=[typed])
    assert ORDER.count(old) == 1
    assert body == ORDER.replace(old, new)
    assert told.startswith(typed) and told.endswith("removed")


@pytest.mark.parametrize("typed", ["body.z", "body.s.t", "body.a.b[9]", "body.a.b.9", "body.n.*", "query.z"])
def test_what_is_not_there_cannot_be_removed_and_that_is_told(typed: str) -> None:
    assert after(ORDER, unset=[typed]) == (ORDER, (f"{typed} is not there: nothing changed",))


def test_of_repeated_names_the_last_is_set_and_all_are_removed() -> None:
    assert after(b'{"a":1,"b":2,"a":3}', set=["body.a=4"])[0] == b'{"a":1,"b":2,"a":4}'
    assert after(b'{"a":1,"b":2,"a":3}', unset=["body.a"])[0] == b'{"b":2}'


def test_a_star_over_nothing_changes_nothing_and_that_is_told() -> None:
    assert after(b'{"a":[]}', set=["body.a.*=1"]) == (b'{"a":[]}', ("body.a.* is not there: nothing changed",))


def test_setting_what_is_so_already_is_no_change() -> None:
    assert after(ORDER, set=["body.a.b[0].c=1"]) == (ORDER, ())


NO_PLACE = {
    "through a text": (ORDER, "body.s.x=1", "body.s is a text, not an object"),
    "through a number": (ORDER, "body.a.b[0].c.x=1", "body.a.b[0].c is a number, not an object"),
    "a place in an object": (ORDER, "body.a[0]=1", "body.a is an object, not an array"),
    "a name in an array": (ORDER, "body.a.b.x=1", "body.a.b is an array of 3 items, so body.a.b.x leads nowhere"),
    "behind an array's end": (ORDER, "body.a.b[3]=1", "body.a.b is an array of 3 items, so body.a.b[3] leads nowhere"),
    "in an array that is not there": (ORDER, "body.z[0]=1", "body.z is not there, and only objects are made"),
    "a star on a text": (ORDER, "body.s.*=1", "body.s is a text, and * stands for the members"),
    "a star whose members all refuse": (b'{"a":["x"]}', "body.a.*.b=1", "body.a[0] is a text, not an object"),
    "nothing at all": (b"", "body.a=1", "the body is empty"),
    "XML": (b"<a/>", "body.a=1", "the body is neither JSON nor called a form"),
    "bytes that are no text": (b'{"a":"\xff"}', "body.a=1", "the body is neither JSON nor called a form"),
    "JSON nested too deep": (b"[" * 100_000, "body.a=1", "the body is neither JSON nor called a form"),
}


@pytest.mark.parametrize(("body", "typed", "why"), NO_PLACE.values(), ids=NO_PLACE)
def test_where_there_is_no_place_it_says_what_is_there(body: bytes, typed: str, why: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        after(body, set=[typed])
    assert why in caught.value.message
    assert caught.value.message.startswith(typed.partition("=")[0])


@pytest.mark.parametrize("body", [b"", b"<a/>"])
def test_nothing_can_be_removed_from_a_body_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(WrongUsage, match="leads nowhere: the body"):
        after(body, unset=["body.a"])


# -- forms and queries

SLASH = b"a=1&payload=%7B%22a%22%3A1%7D&data[x][y]=2&a=3&n"

FORMS = {
    "in place, without the repeats": (
        {"set": ["body.a=9 %"]},
        SLASH.replace(b"a=1", b"a=9+%25").removesuffix(b"&a=3&n") + b"&n",
    ),
    "a new field": ({"set": ["body.z=é"]}, SLASH + b"&z=%C3%A9"),
    "a JSON string without its quotes": ({"set": ['body.n="5"']}, SLASH.removesuffix(b"n") + b"n=5"),
    "a field with brackets in its name": ({"set": ["body.data[x][y]=5"]}, SLASH.replace(b"=2", b"=5")),
    "a new field with brackets": ({"set": ["body.data[x][z]=5"]}, SLASH + b"&data%5Bx%5D%5Bz%5D=5"),
    "a new field with a dot": ({"set": ["body.user.name=5"]}, SLASH + b"&user.name=5"),
    "into the JSON of a field": ({"set": ["body.payload.a=2"]}, SLASH.replace(b"A1", b"A2")),
    "out of the JSON of a field": ({"unset": ["body.payload.a"]}, SLASH.replace(b"%22a%22%3A1", b"")),
    "a field removed": ({"unset": ["body.a"]}, SLASH.removeprefix(b"a=1&").replace(b"&a=3", b"")),
    "every field removed": ({"unset": ["body.*"]}, b""),
}


@pytest.mark.parametrize(("typed", "wanted"), FORMS.values(), ids=FORMS)
def test_a_form_is_changed_by_field(typed: dict[str, Any], wanted: bytes) -> None:
    body, changes = after(SLASH, FORM, **typed)
    assert body == wanted
    assert len(changes) == 1


def test_an_empty_body_that_is_called_a_form_takes_a_field() -> None:
    assert after(b"", FORM, set=["body.a=1"]) == (b"a=1", ("body.a: 1 added",))


def test_json_that_is_called_a_form_is_json() -> None:
    assert after(b'{"a":1}', FORM, set=["body.a=2"])[0] == b'{"a":2}'
    assert after(b"{x}=1", FORM, set=["body.a=2"])[0] == b"{x}=1&a=2"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("body=1", "a form has no single value"),
        ("body.n.x=1", "the field n holds no JSON"),
        ("body.a.x=1", "body.a is a number, not an object"),
        ("body.payload.a.x=1", "body.payload.a is a number, not an object"),
    ],
)
def test_a_form_without_such_a_place_says_so(typed: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        after(SLASH, FORM, set=[typed])


QUERIES = {
    "in place": ({"set": ["query.a=x y"]}, b"/hook?a=x+y&b=2"),
    "added, its name as it stands": ({"set": ["query.hub.mode=s"]}, b"/hook?a=1&b=2&hub.mode=s"),
    "removed": ({"unset": ["query.a"]}, b"/hook?b=2"),
    "all removed, and the mark": ({"unset": ["query.*"]}, b"/hook"),
    "all set": ({"set": ["query.*=0"]}, b"/hook?a=0&b=0"),
    "a path keeps it": ({"path": "/x"}, b"/x?a=1&b=2"),
    "a path brings its own": ({"path": "/x?y=1"}, b"/x?y=1"),
    "a query alone": ({"path": "?y=1"}, b"/hook?y=1"),
    "none any more": ({"path": "?"}, b"/hook"),
    "a path that is not ASCII": ({"path": "/é%20"}, b"/%C3%A9%20?a=1&b=2"),
    "first the path, then its query": ({"path": "/x?y=1", "set": ["query.y=2"]}, b"/x?y=2"),
}


@pytest.mark.parametrize(("typed", "wanted"), QUERIES.values(), ids=QUERIES)
def test_path_and_query(typed: dict[str, Any], wanted: bytes) -> None:
    changed, changes = edited(parts(), edits_of(**typed))
    assert changed.target == wanted
    assert changes


def test_a_query_is_added_to_a_path_without_one_and_taken_away_again() -> None:
    bare = parts(target=b"/hook")
    added, _ = edited(bare, edits_of(set=["query.a=1"]))
    assert added.target == b"/hook?a=1"
    assert edited(added, edits_of(unset=["query.a"]))[0] == bare


# -- headers and method

CAPTURED: Headers = (
    (b"Host", b"h"),
    (b"X-A", b"1"),
    (b"x-b", b"2"),
    (b"x-a", b"3"),
    (b"Authorization", b"Bearer abcdefghijklmnop"),
)

HEADERS: dict[str, tuple[dict[str, Any], Headers, tuple[str, ...]]] = {
    "replaced in place, as typed": (
        {"header": ["X-a:  9 "]},
        (CAPTURED[0], (b"X-a", b"9"), CAPTURED[2], CAPTURED[4]),
        ("X-a 1, 3 → 9",),
    ),
    "replaced by two": (
        {"header": ["X-B: 1", "X-B: 2"]},
        (*CAPTURED[:2], (b"X-B", b"1"), (b"X-B", b"2"), *CAPTURED[3:]),
        ("X-B 2 → 1, 2",),
    ),
    "added": ({"header": ["X-New:"]}, (*CAPTURED, (b"X-New", b"")), ("X-New: (empty) added",)),
    "removed, in any case": (
        {"remove_header": ["X-a"]},
        (CAPTURED[0], CAPTURED[2], CAPTURED[4]),
        ("X-A, x-a removed",),
    ),
    "not there to be removed": ({"remove_header": ["X-Q"]}, CAPTURED, ("X-Q is not there: nothing removed",)),
    "set in the captured spelling": (
        {"set": ["headers.X-B=5"]},
        (*CAPTURED[:2], (b"x-b", b"5"), *CAPTURED[3:]),
        ("x-b 2 → 5",),
    ),
    "unset": ({"unset": ["headers.X-B"]}, (*CAPTURED[:2], *CAPTURED[3:]), ("x-b removed",)),
    "all unset, but for the one that is made anew": (
        {"unset": ["headers.*"]},
        CAPTURED[:1],
        ("X-A, x-b, x-a, Authorization removed",),
    ),
    "a credential is not shown": (
        {"header": ["Authorization: Bearer abcdefghijklmnoq"]},
        (*CAPTURED[:4], (b"Authorization", b"Bearer abcdefghijklmnoq")),
        ("Authorization …mnop → …mnoq",),
    ),
}


@pytest.mark.parametrize(("typed", "wanted", "told"), HEADERS.values(), ids=HEADERS)
def test_headers(typed: dict[str, Any], wanted: Headers, told: tuple[str, ...]) -> None:
    changed, changes = edited(parts(headers=CAPTURED), edits_of(**typed))
    assert changed.headers == wanted
    assert changes == told


def test_all_headers_set_leaves_alone_what_is_not_sent() -> None:
    captured = (CAPTURED[0], (b"Connection", b"close"), CAPTURED[1])
    changed, changes = edited(parts(headers=captured), edits_of(set=["headers.*=0"]))
    assert changed.headers == (CAPTURED[0], (b"Connection", b"close"), (b"X-A", b"0")) and changes == ("X-A 1 → 0",)


def test_a_header_that_is_set_is_sent_though_the_connection_named_it() -> None:
    captured = (CAPTURED[0], (b"connection", b"close,X-A , x-b"), (b"X-Named", b"x-a"))
    changed, changes = edited(parts(headers=captured), edits_of(header=["x-A: 5"]))
    assert changed.headers == (captured[0], (b"connection", b"close, x-b"), captured[2], (b"x-A", b"5"))
    assert changes == ("x-A: 5 added",)


def test_method_and_whole_body() -> None:
    changed, changes = edited(parts(b'{"a":1}'), edits_of(method="PUT", body=b'{"a":2}  ', set=["body.b=3"]))
    assert (changed.method, changed.body) == (b"PUT", b'{"a":2,"b":3}  ')
    assert changes == ("body replaced: 7 bytes → 9 bytes", "method POST → PUT", "body.b: 3 added")


# -- what cannot be read

WRONG: dict[str, dict[str, Any]] = {
    "no root": {"set": ["x=1"]},
    "another root": {"set": ["header.a=1"]},
    "no value": {"set": ["body.a"]},
    "all headers as one": {"set": ["headers=1"]},
    "no name of a header": {"set": ["headers.=1"]},
    "a header with a space": {"set": ["headers.a b=1"]},
    "a line break in a header": {"set": ['headers.x="a\\nb"']},
    "a length of one's own": {"set": ["headers.Content-Length=1"]},
    "a host of one's own": {"header": ["Host: x"]},
    **{
        f"{name}, which is not sent": {"header": [f"{name}: x"]}
        for name in ("Connection", "TE", "Expect", "Upgrade", "keep-alive", "Trailer", "Proxy-Authorization")
    },
    "a value that is set and not sent": {"set": ["headers.connection=close"]},
    "a header without a colon": {"header": ["X-A"]},
    "a line break in a header line": {"header": ["X-A: 1\nX-B: 2"]},
    "a method with a space": {"method": "GET /"},
    "no method": {"method": ""},
    "a path without a slash": {"path": "hook"},
    "a path with a space": {"path": "/a b"},
    "a path with a fragment": {"path": "/a#b"},
    "nothing left of a body": {"unset": ["body"]},
    "a dot and no name": {"unset": ["body."]},
}


@pytest.mark.parametrize("typed", WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_refused_before_any_event_is_seen(typed: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage) as caught:
        edits_of(**typed)
    assert caught.value.next


@pytest.mark.parametrize("path", ["body..a", "body.a[x]", "body.a[-1]", "body.a[", 'body["\\q"]', "body" + ".a" * 101])
def test_a_path_that_no_json_can_have_is_refused(path: str) -> None:
    with pytest.raises(WrongUsage, match="is not a path into JSON"):
        after(ORDER, set=[f"{path}=1"])


# -- any event at all


@given(event=imported())
def test_no_edits_change_nothing(event: Any) -> None:
    assert event_edited(event, Edits()) == (event, ())


def test_an_edited_event_forgets_the_raw_head_that_no_longer_fits() -> None:
    event = post(b"Host: h", b"X-A:1", b"Content-Length: 2", body=b"{}")
    kept, _ = event_edited(event, edits_of(set=["body.a=1"]))
    assert kept.head == event.head
    changed, _ = event_edited(event, edits_of(header=["X-A: 2"]))
    assert changed.head == b""
    sent = replay_of(kept, "http://h/x")
    assert every(sent.headers, b"content-length") == [b"7"]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
OBJECTS = st.dictionaries(st.text(), TREES)
STYLES = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def printed(tree: Any, style: dict[str, Any]) -> bytes:
    return json.dumps(tree, **style).encode("utf-8", "replace")


def paths(tree: Any) -> list[tuple[str | int, ...]]:
    """The ways to every value inside."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [(step, *rest) for step, value in inner for rest in [(), *paths(value)]]


def typed_path(path: tuple[str | int, ...]) -> str:
    return "body" + "".join(f"[{step}]" if isinstance(step, int) else f"[{json.dumps(step)}]" for step in path)


def read(tree: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


@given(path=st.lists(st.text() | st.integers(0, 10**8), max_size=9).map(tuple))
def test_any_path_can_be_typed_and_shown(path: tuple[str | int, ...]) -> None:
    assert steps_of(place_of(typed_path(path))) == path
    assert steps_of(place_of(jsonedit.shown(path))) == path


@given(tree=OBJECTS, value=TREES, style=STYLES, data=st.data())
def test_what_was_set_is_read_and_every_byte_around_it_stays(tree: Any, value: Any, style: Any, data: Any) -> None:
    body = printed(tree, style)
    tree = json.loads(body)
    assume(paths(tree))
    path = data.draw(st.sampled_from(paths(tree)))
    written = printed(value, style)
    [hole] = jsonedit.holes(body, path)
    new, _ = after(body, set=[f"{typed_path(path)}={written.decode()}"])
    assert new == body[: hole.begin] + written.strip() + body[hole.end :]
    assert read(json.loads(new), path) == json.loads(written)
    assert jsonedit.values(new, path) == [written.strip()]


@given(tree=OBJECTS, names=st.lists(st.text(), min_size=1, max_size=3), style=STYLES, data=st.data())
def test_what_was_added_and_removed_leaves_the_bytes_as_they_were(
    tree: Any, names: list[str], style: Any, data: Any
) -> None:
    body = printed(tree, style)
    tree = json.loads(body)
    objects = [path for path in [(), *paths(tree)] if isinstance(read(tree, path), dict)]
    way = data.draw(st.sampled_from(objects))
    assume(names[0] not in read(tree, way))
    added, _ = after(body, set=[f"{typed_path((*way, *names))}=1"])
    assert read(json.loads(added), (*way, *names)) == 1
    assert after(added, unset=[typed_path((*way, names[0]))])[0] == body


@given(tree=OBJECTS, style=STYLES, data=st.data())
def test_what_was_removed_is_gone_and_all_else_is_as_it_was(tree: Any, style: Any, data: Any) -> None:
    body = printed(tree, style)
    tree = json.loads(body)
    assume(paths(tree))
    path = data.draw(st.sampled_from(paths(tree)))
    new, _ = after(body, unset=[typed_path(path)])
    parent = read(tree, path[:-1])
    del parent[path[-1]]
    assert json.loads(new) == tree


@given(body=st.binary(), headers=st.sampled_from([JSON, FORM, ()]), typed=st.text(st.characters(), max_size=12))
def test_any_body_and_any_path_end_in_a_change_or_in_words(body: bytes, headers: Headers, typed: str) -> None:
    for flag, text in (("set", f"body{typed}=1"), ("unset", f"body{typed}")):
        try:
            after(body, headers, **{flag: [text]})
        except WrongUsage as error:
            assert error.message


@given(form=st.binary(), name=st.text("abc[].%", min_size=1), value=st.text())
def test_any_form_field_is_read_as_it_was_set(form: bytes, name: str, value: str) -> None:
    new = params.put_once(form, name.encode(), value.encode())
    assert [found for key, found in params.pairs(new) if key == name.encode()] == [value.encode()]
    assert params.fields(params.without(new, name.encode())) == {
        key: found for key, found in params.fields(form).items() if key != name.encode()
    }


@given(event=imported())
def test_the_parts_of_an_event_are_its_own(event: Any) -> None:
    assert parts_of(event) == Parts(method=event.method, target=event.target, headers=event.headers, body=event.body)
