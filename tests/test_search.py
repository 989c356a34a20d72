"""Searching words: what is typed is words and phrases, never syntax; the index and a direct look say the same."""

from __future__ import annotations

import json
import random
import sqlite3
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.program import listening, until, whcli
from tests.wire import ask, post
from whcli.hands.listening.indexer import Indexer
from whcli.hands.storing.index import Index, attached
from whcli.hands.storing.private import SEARCH
from whcli.hands.storing.store import Store
from whcli.rules.match import Filter, differences
from whcli.rules.searching import BOUND, holds, indexed, phrases, query, searched, words_of
from whcli.words.event import HELD, Arrival, Event, Facts


def arrival(body: bytes, target: bytes = b"/hooks", headers: bytes = b"") -> Arrival:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, headers)
    return Arrival(1.0, head, b"POST", target, body, (), None)


def event(body: bytes = b"", target: bytes = b"/hooks", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Event:
    return Event(
        id=1, uid="u", received_at=1.0, method=b"POST", target=target, version="1.1", headers=headers, body=body
    )


JSON = ((b"Content-Type", b"application/json"),)
FORM = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
FOUND = {
    "a word of the body": ("refund", event(b'{"a":"a Refund came"}')),
    "part of an id": ("1NxYZ", event(b'{"id":"evt_1NxYZ"}')),
    "an id": ("evt_1NxYZ", event(b'{"id":"evt_1NxYZ"}')),
    "a phrase": ('"blue shirt"', event(b"one Blue, shirt")),
    "two words in any order": ("shirt blue", event(b"one blue shirt")),
    "without accents": ("zoe", event('{"name":"Zoë"}'.encode())),
    "with other accents": ("ZOË", event(b'{"name":"zoe"}')),
    "an escaped letter of JSON": ("Zoë", event(b'{"name":"Zo\\u00eb"}')),
    "behind an escaped line feed": ("next", event(b'{"text":"one\\nnext"}')),
    "a pair of surrogates": ("𝒳y", event(b'{"a":"\\ud835\\udcb3y"}')),
    "a word of a form": ("blue shirt", event(b"item=blue+shirt&q=%C3%A9", headers=FORM)),
    "a letter of a form": ("é", event(b"item=blue+shirt&q=%C3%A9", headers=FORM)),
    "a header's name": ("x-github-event", event(headers=((b"X-GitHub-Event", b"push"),))),
    "a header's value": ("push", event(headers=((b"X-GitHub-Event", b"push"),))),
    "the path": ("hooks", event(target=b"/hooks/stripe?a=b")),
    "the query, decoded": ("über", event(target=b"/?q=%C3%BCber")),
    "the query, as sent": ("bcber", event(target=b"/?q=%C3%BCber")),
    "a beginning": ("char*", event(b"charge.succeeded")),
    "a phrase's beginning": ('"charge succ"*', event(b"charge.succeeded")),
    "an ideograph among others": ("本語", event("日本語です".encode())),
    "hindi": ("हिन्दी", event("यह हिन्दी है".encode())),
    "Latin-1 that says so": ("café", event(b"caf\xe9", headers=((b"Content-Type", b"text/plain"),))),
    "a quote that is not closed": ('"blue shirt', event(b"blue shirt")),
}
NOT_FOUND = {
    "another word": ("refund", event(b'{"a":"charge"}')),
    "the middle of a word": ("fun", event(b"refund")),
    "a beginning without a star": ("ref", event(b"refund")),
    "a phrase in another order": ('"shirt blue"', event(b"one blue shirt")),
    "a phrase over two headers": ('"push b"', event(headers=((b"A", b"push"), (b"B", b"c")))),
    "one of two words": ("blue red", event(b"blue")),
    "a body that is no text": ("abc", event(b"abc\xff\xfe")),
    "a body with a NUL": ("abc", event(b"abc\x00")),
    "behind the bound": ("needle", event(b"x" * BOUND + b" needle")),
    "a letter's number": ("u00eb", event(b'{"name":"Zo\\u00eb"}')),
}


@pytest.mark.parametrize(("text", "seen"), FOUND.values(), ids=FOUND.keys())
def test_what_is_found(text: str, seen: Event) -> None:
    assert holds(phrases(text), seen)


@pytest.mark.parametrize(("text", "seen"), NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_what_is_not_found(text: str, seen: Event) -> None:
    assert not holds(phrases(text), seen)


@pytest.mark.parametrize("text", ["", " ", '"', '""', "***", "-- !", '"*"'])
def test_without_a_word_nothing_is_found(text: str) -> None:
    assert phrases(text) == ()
    assert not holds(phrases(text), event(b"anything"))


def test_the_difference_says_what_was_looked_for() -> None:
    from tests.test_match import entry_of

    [difference] = differences(Filter(search="needle"), entry_of(event(b"hay")), lambda: event(b"hay"))
    assert (difference.field, difference.wanted) == ("search", "needle")


@given(st.text(), st.booleans())
def test_a_words_spelling_in_the_index_is_ascii_and_keeps_beginnings(text: str, begins: bool) -> None:
    for word in words_of(text):
        assert indexed(word).isascii() and indexed(word).isalnum()
        assert indexed(word).startswith(indexed(word[:1]))


# -- the index and the direct look ----------------------------------------------------------------------------------

NASTY = [
    *('"', '""', "'", "*", "a*", "*a", "a-b", "a:b", "text:b", "-a", "^a", "a^", "(a", "a)", "a AND", "AND", "OR b"),
    *("NOT", "a NOT b", "NEAR", "NEAR(a b)", "NEAR(a b, 3)", "a + b", "{text} : a", "text : a", "rowid:1", "rank"),
    *("a;DROP TABLE words", "'; --", '" OR "', 'a" OR "b', "a\x00b", "\x00", "%", "_", "[a]", "a/b", "\\", '\\"', "\n"),
    *("é", "日本", "\u202e", "🎉", "a" * 10_000, "a " * 2000, '"a b"c', "a|b", "words MATCH 'a'", "\ud800", "ﬁ"),
]
LETTERS = string.printable + '"*"*():^-+ éß日本🎉\x00' + "ab " * 20


def random_texts(count: int, seed: int) -> Iterator[str]:
    dice = random.Random(seed)
    for _ in range(count):
        yield "".join(dice.choices(LETTERS, k=dice.randrange(1, 30)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Ninety events that are indexed and ten that are not, facts for eighty."""
    folder = tmp_path_factory.mktemp("search") / ".whcli"
    with Store(folder, create=True) as opened:
        texts = [*NASTY, *random_texts(100 - len(NASTY), 7)]
        opened.add([arrival(text.encode("utf-8", "replace"), b"/%d" % n) for n, text in enumerate(texts[:100])])
        opened.note((each, Facts(type="push")) for each in list(opened.events(0, 80)))
        index = Index.made(folder)
        assert index is not None
        opened.reindex(index, 90)
        index.close()
        yield opened


def test_there_are_fifty_nasty_strings() -> None:
    assert len(NASTY) >= 50


def test_a_thousand_random_and_fifty_nasty_strings_find_what_a_direct_look_finds(store: Store) -> None:
    events = list(store.events(0, 1000))
    filters = [Filter(), Filter(type="push"), Filter(where="body || id")]
    plain = {wanted: {entry.id for entry in store.entries(wanted)} for wanted in filters}
    for text in [*NASTY, *random_texts(1000, 8)]:
        words = phrases(text)
        found = [each.id for each in events if holds(words, each)]
        for wanted in filters:
            expected = [id for id in found if id in plain[wanted]]
            asked = replace(wanted, search=text)
            assert [entry.id for entry in store.entries(asked)] == expected, (text, wanted)
            newest = [entry.id for entry in store.entries(asked, newest=True, limit=3)]
            assert newest == expected[::-1][:3], (text, wanted)


@pytest.mark.parametrize("text", [each for each in NASTY if each.isascii() and "\x00" not in each], ids=repr)
def test_on_the_command_line_a_nasty_string_is_words_or_a_sentence(store: Store, text: str, tmp_path: Path) -> None:
    done = whcli("list", "--store", str(store.folder), f"--search={text}", "--json", folder=tmp_path)
    assert done.code == (0 if phrases(text) else 2), done.err
    assert "SQL" not in done.err and "bug" not in done.err


def test_the_queries_that_are_made_are_all_valid() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='ascii')")
    for text in [*NASTY, *random_texts(1000, 9)]:
        if wanted := phrases(text):
            db.execute("SELECT rowid FROM words WHERE words MATCH ?", (query(wanted),)).fetchall()


@given(bodies=st.lists(st.text('ab *"é\\ud8日', max_size=12), max_size=6), text=st.text('ab *"é日', max_size=6))
@settings(max_examples=60)
def test_what_the_index_gives_is_all_there_is(bodies: list[str], text: str) -> None:
    """The query may find too much, which the direct look mends; it never finds too little."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='ascii')")
    seen = {n: event(body.encode()) for n, body in enumerate(bodies)}
    for n, each in seen.items():
        db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (n, indexed(searched(each))))
    if wanted := phrases(text):
        found = {row[0] for row in db.execute("SELECT rowid FROM words WHERE words MATCH ?", (query(wanted),))}
        assert {n for n, each in seen.items() if holds(wanted, each)} <= found


# -- in step with the store -----------------------------------------------------------------------------------------


def taken(store: Store) -> int:
    """Index everything; the newest number in the index."""
    index = Index.made(store.folder)
    assert index is not None
    while store.reindex(index, store.last_id()):
        pass
    index.close()
    return attached(store._reading, store.folder)


def ids(store: Store, text: str) -> list[int]:
    return [entry.id for entry in store.entries(Filter(search=text))]


@pytest.fixture
def own(folder: Path) -> Iterator[Store]:
    with Store(folder, create=True) as opened:
        opened.add([arrival(b"needle one"), arrival(b"needle two"), arrival(b"hay")])
        yield opened


def test_the_index_is_asked(own: Store) -> None:
    assert taken(own) == 3
    queries: list[str] = []
    own._db.set_trace_callback(queries.append)
    assert ids(own, "needle") == [1, 2]
    assert any("search.words w WHERE w.words MATCH" in each for each in queries)


def test_what_is_removed_is_taken_out_of_the_index(own: Store) -> None:
    taken(own)
    own.remove([1])
    with sqlite3.connect(own.folder / SEARCH) as db:
        assert db.execute("SELECT rowid FROM words WHERE words MATCH 'needle'").fetchall() == [(2,)]
        db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab (main, words, row)")
        assert db.execute("SELECT cnt FROM temp.terms WHERE term = 'one'").fetchall() == []
    assert ids(own, "needle") == [2]


def test_an_event_that_came_behind_the_index_is_found(own: Store) -> None:
    taken(own)
    own.add([arrival(b"needle three")])
    assert ids(own, "needle") == [1, 2, 4]
    assert [entry.id for entry in own.entries(Filter(search="needle"), newest=True, limit=2)] == [4, 2]


def test_a_large_body_in_pieces_is_searched_in_its_beginning(own: Store) -> None:
    large = b"start " + b"x" * (HELD - 9) + "é".encode() + b" behind"
    own.add([arrival(large), arrival(large)])
    assert ids(own, "start") == [4, 5]
    assert taken(own) == 5
    assert ids(own, "start") == [4, 5] and ids(own, "behind") == []
    own.remove([4])
    assert ids(own, "start") == [5]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\x00" + bytes(5000)])
def test_a_damaged_index_is_done_without_and_made_again(own: Store, content: bytes) -> None:
    (own.folder / SEARCH).write_bytes(content)
    assert ids(own, "needle") == [1, 2]
    own.remove([1])
    with Store(own.folder) as again:
        assert taken(again) == 3
        assert ids(again, "needle") == [2]


def test_a_page_of_the_index_that_is_damaged_costs_no_answer(own: Store) -> None:
    own.add([arrival(b"needle %d" % n) for n in range(2000)])
    taken(own)
    with sqlite3.connect(own.folder / SEARCH) as db:
        db.execute("UPDATE words_data SET block = x'00' WHERE id > 100")
    with Store(own.folder) as again:
        assert len(ids(again, "needle")) == 2002


def test_another_stores_index_is_not_used(own: Store, tmp_path: Path) -> None:
    with Store(tmp_path / "other", create=True) as other:
        other.add([arrival(b"else") for _ in range(3)])
        taken(other)
        (own.folder / SEARCH).write_bytes((other.folder / SEARCH).read_bytes())
    assert ids(own, "needle") == [1, 2]
    assert taken(own) == 3
    with Store(own.folder) as again:
        assert ids(again, "needle") == [1, 2]


def test_without_fts5_everything_is_searched_directly(own: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from whcli.hands.storing import index

    monkeypatch.setattr(index, "_MAKE", ("CREATE VIRTUAL TABLE words USING no_such_module (text)",))
    assert Index.made(own.folder) is None
    assert ids(own, "needle") == [1, 2]


def test_the_index_is_its_owners_alone(own: Store) -> None:
    taken(own)
    assert (own.folder / SEARCH).stat().st_mode & 0o077 == 0


def test_a_listener_indexes_what_comes_and_rm_takes_it_out(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as program:
        for word in ("needle", "hay"):
            ask(program.port, post(json.dumps({"say": word}).encode()))
        with Store(tmp_path / ".whcli") as store:
            until(lambda: attached(store._reading, store.folder) == 2)
        found = whcli("list", "--search", "needle", "--json", folder=tmp_path).lines
        assert [each["id"] for each in found] == [1]
        assert whcli("rm", "1", folder=tmp_path).code == 0
        assert whcli("list", "--search", "needle", "--json", folder=tmp_path).out == ""
        with sqlite3.connect(tmp_path / ".whcli" / SEARCH) as db:
            assert db.execute("SELECT rowid FROM words WHERE words MATCH 'needle'").fetchall() == []
        program.end()


def test_an_indexer_that_finds_no_store_ends_without_a_traceback(tmp_path: Path) -> None:
    """pytest turns what ends a thread into a failure."""
    indexer = Indexer(tmp_path, noted=lambda: 0, pressed=lambda: False)
    indexer.start()
    indexer.stop(20)
    assert not indexer._thread.is_alive()
