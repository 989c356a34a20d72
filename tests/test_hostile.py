"""Hostile bytes in fixtures, in targets as typed, and in bodies that a listener has to work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.payloads import PAYLOADS, SHORT, acts
from tests.program import listening, until
from tests.wire import ask, post
from whcli.cli import run
from whcli.hands.storing.store import Store
from whcli.rules.archive import event_json, line
from whcli.rules.target import parse_target
from whcli.words.errors import WrongUsage
from whcli.words.event import Event

FIELDS = ["uid", "peer", "received_at", "method", "target", "version", "schema"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_fixture_from_a_repository_is_shown_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    event = Event(id=1, uid="u", received_at=1.0, method=b"POST", target=b"/", version="1.1", headers=())
    for payload in SHORT.values():
        record = {**event_json(event), field: payload[:100].decode("latin-1")}
        (tmp_path / "event.json").write_text(line(record))
        assert run(["show", "event.json"]) in (0, 2)
        out, err = capsys.readouterr()
        assert not acts(out + err, keep="\n\t")


@pytest.mark.parametrize("payload", SHORT.values(), ids=SHORT.keys())
def test_a_target_typed_wrongly_is_refused_harmlessly_or_becomes_ascii(payload: bytes) -> None:
    word = payload.decode("utf-8", "surrogateescape")
    for text in (word, f"http://{word}", f"http://{word}:1/", f"http://h/{word}", f"{word}://h", f"http://h:{word}"):
        try:
            assert parse_target(text).origin.isascii()
        except WrongUsage as error:
            assert not acts(error.message + error.next)


def test_a_listener_goes_on_behind_hostile_bodies(tmp_path: Path) -> None:
    """What is worked out from a body, behind the acknowledgement, is stored; no body stops that for the others."""
    stripe = b"Stripe-Signature: t=1,v1=00\r\nContent-Type: application/json\r\n"
    ids = [
        '"\\ud800"',
        '"a\\u0000b"',
        '"\\u001b[2J"',
        "1e999",
        "NaN",
        '"' + "9" * 10_000 + '"',
        "[]",
        "null",
        "9" * 5_000,
    ]
    bodies = [b'{"object":"event","type":%b,"id":%b}' % (each.encode(), each.encode()) for each in ids]
    with listening("--json", folder=tmp_path) as listener:
        for body in [*bodies, *bodies, *PAYLOADS.values(), b'{"object":"event","type":"last","id":"evt_1"}']:
            assert ask(listener.port, post(body, headers=stripe)).status == 200
        folder = tmp_path / ".whcli"
        with Store(folder) as store:
            until(lambda: store.noted_until() == store.last_id())
            last = store.entry(store.last_id())
        assert last is not None and (last.facts.type, last.facts.signature) == ("last", "no_secret")
        done = listener.end()
    assert done.code == 0
    assert "Traceback" not in done.err
    assert len(done.lines) == 1 + 2 * len(bodies) + len(PAYLOADS) + 1
    assert all(each.isascii() and each.isprintable() for each in done.out.splitlines())
