"""Hostile bytes in every field of what was captured, looked at with every command: they do nothing, anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile.payloads import PAYLOADS, SHORT, acts, in_field
from tests.program import listening, until
from tests.wire import ask, post
from whcli.cli import run
from whcli.hands.storing.store import Store
from whcli.rules.archive import event_json, line
from whcli.rules.outgoing import parse_target
from whcli.words.errors import WrongUsage
from whcli.words.event import Arrival, Delivery, Event, Facts, Reply

OURS = re.compile(r"\x1b\[\d+(?:;\d+)*m")  # our own colours: SGR and nothing else
Run = Callable[..., str]


def arrival(payload: bytes) -> Arrival:
    """A request with the payload wherever a listener, ours or a laxer one, could have taken it."""
    word = payload.translate(None, bytes(range(0x21)) + b"\x7f")[:500] or b"x"
    value = in_field(payload)[:2_000]
    lines = [b"Host: h", b"X-GitHub-Event: " + value, b"X-GitHub-Delivery: " + value, b"Authorization: " + value]
    head = b"\r\n".join([b"POST /" + word + b"?q=" + word + b" HTTP/1.1", *lines, b"X-Odd: " + value, b"", b""])
    trailers = ((b"X-Trailer", value),)
    return Arrival(1.7e9, head, b"POST", b"/" + word + b"?q=" + word, payload, trailers, "127.0.0.1:1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an event for every payload; facts, deliveries, replies and errors full of it."""
    path = tmp_path_factory.mktemp("hostile") / ".whcli"
    with Store(path, create=True) as store:
        for id, payload in zip(
            store.add([arrival(each) for each in PAYLOADS.values()]), PAYLOADS.values(), strict=True
        ):
            word = payload[:1_000].decode("utf-8", "surrogateescape")
            event = store.event(id)
            assert event is not None
            if id % 2:
                facts = Facts(
                    provider=word, scheme="github", type=word, delivery_id=word, signature="invalid", reason=word
                )
                store.note([(event, facts)])
            reply = Reply(status=500, headers=((b"A", in_field(payload)[:500]),), body=payload[:5_000], reason="No")
            for answer in (None, reply):
                store.add_delivery(
                    Delivery(
                        event_id=id,
                        kind="replay",
                        sent_at=1.7e9,
                        method=b"POST",
                        url="http://localhost/" + word.encode("utf-8", "replace").decode("utf-8", "replace"),
                        reply=answer,
                        failure=None if answer else "refused",
                        error=None if answer else word.encode("utf-8", "replace").decode("utf-8", "replace"),
                    )
                )
    return path


@pytest.fixture(params=["never", "always"], ids=["plain", "coloured"])
def shown(request: pytest.FixtureRequest, folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command on that store; what it wrote, without our own colours."""

    def command(*arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        assert run([*arguments, "--store", str(folder), "--color", request.param]) in codes
        out, err = capsys.readouterr()
        return OURS.sub("", out + err)

    yield command


def test_list_shows_them_all_and_none_acts(shown: Run) -> None:
    text = shown("list", "-n", "0")
    assert not acts(text, keep="\n")
    assert len(text.splitlines()) == len(PAYLOADS) + 1


@pytest.mark.parametrize("flags", [(), ("--full", "--reveal")], ids=["masked", "all of it"])
@pytest.mark.parametrize("id", range(1, len(PAYLOADS) + 1), ids=list(PAYLOADS))
def test_show(shown: Run, id: int, flags: tuple[str, ...]) -> None:
    assert not acts(shown("show", str(id), *flags), keep="\n\t")


@pytest.mark.parametrize("id", range(1, len(PAYLOADS)), ids=list(PAYLOADS)[1:])
def test_diff_with_the_next_one(shown: Run, id: int) -> None:
    assert not acts(shown("diff", str(id), str(id + 1), codes=(1,)), keep="\n\t")


def test_json_is_one_line_of_ascii_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "-n", "0", "--json", "--store", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(each)["id"] for each in lines] == list(range(1, len(PAYLOADS) + 1))
    for id in range(1, len(PAYLOADS) + 1):
        assert run(["show", str(id), "--json", "--store", str(folder)]) == 0
        lines += capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(PAYLOADS)
    assert all(each.isascii() and each.isprintable() for each in lines)


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


@pytest.mark.parametrize(
    "payload", [p for p in SHORT.values() if b"\x00" not in p], ids=[n for n in SHORT if b"\x00" not in SHORT[n]]
)
def test_what_is_typed_wrongly_comes_back_harmless(
    folder: Path, capsys: pytest.CaptureFixture[str], payload: bytes
) -> None:
    word = payload.decode("utf-8", "surrogateescape")
    store = ["--store", str(folder)]
    for arguments in (
        [word],
        ["show", word, *store],
        ["show", f"./{word}", *store],
        ["list", f"--where={word}[", *store],
        ["list", f"--since={word}", *store],
        ["list", f"--signature={word}", *store],
        ["list", f"--{word}", *store],
        ["sign", word],
    ):
        assert run(arguments) in (0, 1, 2, 3)
        out, err = capsys.readouterr()
        assert not acts(OURS.sub("", out + err), keep="\n\t"), arguments


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
