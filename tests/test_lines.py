"""An event in one line: columns, order, words, and what a narrow terminal drops."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.payloads import SHORT, acts
from whcli.rules.lines import event_line, outcome, signature, trouble, wrong
from whcli.rules.text import Span
from whcli.words.event import Delivery, Entry, Facts, Reply

CLOCK = "14:03:07.412"
FACTS = Facts(provider="stripe", type="invoice.paid", signature="valid")
SENT = Delivery(event_id=133, kind="forward", sent_at=1.0, method=b"POST", url="http://localhost:3000", latency=0.038)
OK = replace(SENT, reply=Reply(status=200))
ENTRY = Entry(
    id=133,
    uid="01",
    received_at=1.0,
    method=b"POST",
    target=b"/webhooks/stripe?x=1",
    size=1912,
    peer=None,
    facts=FACTS,
    last=OK,
)


def text(spans: list[Span]) -> str:
    return "".join(text for text, _ in spans)


# -- the line -------------------------------------------------------------------------------------------------------

WIDE = {
    "all of it": (
        ENTRY,
        "14:03:07.412 #133 POST /webhooks/stripe stripe  invoice.paid           1.9 kB ✓ sig       → 200   38 ms",
    ),
    "a duplicate": (
        replace(ENTRY, id=134, facts=replace(FACTS, duplicate_of=133)),
        "14:03:07.412 #134 POST /webhooks/stripe stripe  invoice.paid           1.9 kB ✓ dup #133  → 200   38 ms",
    ),
    "nothing known": (
        replace(ENTRY, facts=Facts(), last=None, target=b"/", size=88),
        "14:03:07.412 #133 POST /                –       –                        88 B –          ",
    ),
    "refused": (
        replace(ENTRY, facts=replace(FACTS, signature="unsigned"), last=replace(SENT, failure="refused")),
        "14:03:07.412 #133 POST /webhooks/stripe stripe  invoice.paid           1.9 kB – unsigned  → refused",
    ),
}


@pytest.mark.parametrize(("entry", "line"), WIDE.values(), ids=WIDE.keys())
def test_the_columns_of_a_line(entry: Entry, line: str) -> None:
    assert text(event_line(entry, CLOCK, 110)) == line


def test_a_line_that_waits_for_its_delivery_says_so() -> None:
    assert text(event_line(replace(ENTRY, last=None), CLOCK, 100, pending=True)).endswith(" → …")
    assert "→" not in text(event_line(replace(ENTRY, last=None), CLOCK, 100))


def test_a_narrower_terminal_drops_the_latency_then_size_and_provider() -> None:
    assert "38 ms" in text(event_line(ENTRY, CLOCK, 90))
    medium = text(event_line(ENTRY, CLOCK, 89))
    assert "38 ms" not in medium and "1.9 kB" in medium and "stripe " in medium
    narrow = text(event_line(replace(ENTRY, target=b"/x"), CLOCK, 71))
    assert "1.9 kB" not in narrow and "stripe" not in narrow
    assert narrow.startswith("14:03:07 #133 POST /x")
    assert "invoice.paid" in narrow and "✓ sig" in narrow and "→ 200" in narrow


def test_a_long_path_is_cut_in_its_middle_on_a_terminal_and_never_in_a_pipe() -> None:
    entry = replace(ENTRY, target=b"/a" * 100, facts=replace(FACTS, type="t" * 300))
    assert "…" in text(event_line(entry, CLOCK, 100))
    whole = text(event_line(entry, CLOCK, 10_000))
    assert "/a" * 100 in whole and "t" * 300 in whole and "…" not in whole


@given(st.integers(20, 300))
def test_the_left_part_never_moves(width: int) -> None:
    line = text(event_line(ENTRY, CLOCK, width))
    assert line.startswith((CLOCK if width >= 72 else CLOCK[:8]) + " #133 POST /")


# -- its parts ------------------------------------------------------------------------------------------------------

SIGNATURES = {
    "valid": "✓ sig",
    "invalid": "✗ sig",
    "stale": "✗ stale",
    "unsigned": "– unsigned",
    "no_secret": "– no secret",
    "unknown": "–",
}


@pytest.mark.parametrize(("state", "words"), SIGNATURES.items(), ids=SIGNATURES.keys())
def test_the_words_for_a_signature(state: str, words: str) -> None:
    entry = replace(ENTRY, facts=replace(FACTS, signature=state))  # type: ignore[arg-type]
    assert signature(entry)[0].strip() == words
    assert f"{words[0]}" in signature(replace(entry, facts=replace(entry.facts, duplicate_of=3)))[0]
    assert "dup #3" in signature(replace(entry, facts=replace(entry.facts, duplicate_of=3)))[0]


OUTCOMES = {
    "waiting": (None, "→ …", "dim"),
    "answered": (OK, "→ 200", "green"),
    "redirected": (replace(SENT, reply=Reply(status=302)), "→ 302", "yellow"),
    "the app's fault": (replace(SENT, reply=Reply(status=500)), "→ 500", "red"),
    "our fault": (replace(SENT, reply=Reply(status=404)), "→ 404", "red"),
    "refused": (replace(SENT, failure="refused"), "→ refused", "red"),
    "no reply": (SENT, "→ no reply", "red"),
}


@pytest.mark.parametrize(("delivery", "words", "style"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_what_came_of_a_delivery(delivery: Delivery | None, words: str, style: str) -> None:
    assert outcome(delivery)[0] == (words, style)


FAILED = replace(ENTRY, last=replace(SENT, reply=Reply(status=500, body=b'{"error":\n  "bad\tsignature"}')))
TROUBLES = {
    "nothing": (ENTRY, None),
    "a signature that is missing is none": (replace(ENTRY, facts=replace(FACTS, signature="unsigned")), None),
    "the handler's words, in one line": (
        FAILED,
        'response: {"error": "bad signature"} · again: whcli replay 133',
    ),
    "no words": (
        replace(ENTRY, last=replace(SENT, reply=Reply(status=500))),
        "response: empty · again: whcli replay 133",
    ),
    "nobody there": (
        replace(ENTRY, last=replace(SENT, failure="refused", error="localhost:3000 refused the connection")),
        "localhost:3000 refused the connection · start it, then: whcli replay 133",
    ),
    "a stale signature": (
        replace(ENTRY, facts=replace(FACTS, signature="stale", age=402.4)),
        "signature: the timestamp is 402 s old · next: whcli verify 133",
    ),
    "a clock ahead": (
        replace(ENTRY, facts=replace(FACTS, signature="stale", age=-400)),
        "signature: the timestamp lies 400 s ahead · next: whcli verify 133",
    ),
    "a wrong signature": (
        replace(ENTRY, facts=replace(FACTS, signature="invalid", reason="header_malformed")),
        "signature: the signature header cannot be read · next: whcli verify 133",
    ),
    "a wrong signature for a reason to come": (
        replace(ENTRY, facts=replace(FACTS, signature="invalid", reason="new")),
        "signature: it does not hold · next: whcli verify 133",
    ),
}


@pytest.mark.parametrize(("entry", "line"), TROUBLES.values(), ids=TROUBLES.keys())
def test_the_line_below_where_something_is_wrong(entry: Entry, line: str | None) -> None:
    assert trouble(entry) == line


def test_a_long_reply_is_cut() -> None:
    entry = replace(ENTRY, last=replace(SENT, reply=Reply(status=500, body=b"x" * 5_000)))
    assert len(trouble(entry) or "") < 220


def test_quiet_shows_what_is_wrong() -> None:
    assert not wrong(ENTRY)
    assert not wrong(replace(ENTRY, last=None))
    assert wrong(FAILED)
    assert wrong(replace(ENTRY, last=SENT))
    assert wrong(replace(ENTRY, facts=replace(FACTS, signature="stale")))


@pytest.mark.parametrize("payload", SHORT.values(), ids=SHORT.keys())
def test_a_hostile_payload_in_any_field_does_nothing(payload: bytes) -> None:
    word = payload.decode("utf-8", "surrogateescape")
    for last in (replace(SENT, error=word), replace(SENT, reply=Reply(status=500, body=payload)), None):
        for state in ("valid", "invalid"):
            facts = Facts(provider=word, type=word, reason=word, signature=state, delivery_id=word)
            entry = replace(ENTRY, target=payload, facts=facts, last=last)
            for width in (60, 100, 10_000):
                assert not acts(text(event_line(entry, CLOCK, width)))
            assert not acts(trouble(entry) or "")
