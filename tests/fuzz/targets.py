"""What is fuzzed: each target takes any bytes and fails for whatever it does not promise.

A target returns when its subject behaved: it read the bytes, or refused them in the way it documents. The suite gives
each some hundreds from hypothesis (`tests/test_fuzz.py`); `tests/fuzz/coverage.py` gives it minutes of atheris.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache

from tests import captured
from tests.captured import Read
from tests.hostile.mutations import SEEDS
from tests.hostile.payloads import acts
from tests.test_autopsy import signed
from whcli.hands.listening.framing import Limits
from whcli.rules.archive.fixture import fixture_text, plain_head
from whcli.rules.archive.formats import FORMATS
from whcli.rules.archive.har import har_text
from whcli.rules.archive.reading import requests_in
from whcli.rules.archive.records import event_from, event_json, line
from whcli.rules.match import Filter, compiled, differences
from whcli.rules.present import shown_body
from whcli.rules.recognition.detect import detect
from whcli.rules.references import reference_of
from whcli.rules.signatures.schemes import NAMES, scheme_named
from whcli.rules.signatures.signing import verify
from whcli.rules.signatures.structured import BadField, dictionary
from whcli.rules.text import moment, safe, seconds
from whcli.words.errors import WrongUsage
from whcli.words.event import Entry, Event, Facts, Headers, Message
from whcli.words.fixture import Fixture
from whcli.words.head import parse_head
from whcli.words.secret import Secret

Target = Callable[[bytes], None]
NOW = 1_763_900_000.0
LIMITS = Limits(body=1000, head=600, lines=20)


# -- the parser's boundary ------------------------------------------------------------------------------------------


def read(packets: list[bytes]) -> tuple[list[Read], int | None]:
    """As `captured.read`; each head is one that can be read."""
    found, status = captured.read(*packets, limits=LIMITS)
    for head, *_ in found:
        parse_head(head)
    return found, status


def requests(data: bytes) -> None:
    """Any bytes are the same requests, however they are cut into packets, and refused or not refused alike.

    The status may differ where two things are wrong: in one packet a head is too large before its first line is read.
    And a line that grows byte by byte is judged when it has doubled, or ends.
    """
    found, status = read([data])
    half = len(data) // 2
    for packets in ([data[at : at + 1] for at in range(len(data))], [data[:half], data[half:]]):
        again, other = read(packets)
        assert again == found
        other = read([*packets, b"\r\n\r\n"])[1] if other is None and status is not None else other
        assert (other is None) == (status is None)


# -- signatures -----------------------------------------------------------------------------------------------------


@cache
def genuine(name: str) -> tuple[Message, Secret] | None:
    """A request that verifies; None for a scheme whose key this cannot make up."""
    try:
        request = signed(name)
    except (WrongUsage, ValueError):
        return None
    return request.message, request.secrets[0]


def carriers(name: str) -> list[bytes]:
    """The headers that a scheme reads, lower case."""
    row, known = scheme_named(name), genuine(name)
    named = [row.header, row.id_header or "", row.clock.header or "" if row.clock else "", *row.further]
    named += [name for name, _ in (*row.constants, *row.companions)] + [each.header for each in row.also]
    sent = [key for key, _ in known[0].headers] if known else []
    return list(dict.fromkeys(each.lower() for each in [*(name.encode() for name in named if name), *sent]))


def hostile(message: Message, name: bytes, value: bytes) -> Message:
    """The message with one header's value replaced, or added."""
    kept: Headers = tuple(pair for pair in message.headers if pair[0].lower() != name)
    return Message(method=message.method, url=message.url, headers=(*kept, (name, value)), body=message.body)


def check_signature(name: str, header: bytes, value: bytes, body: bytes | None = None) -> None:
    """Whatever a header holds, `verify` gives a verdict."""
    known = genuine(name)
    plain = Message(method="POST", url="https://h.test/x", headers=(), body=b"{}")
    message, secret = known or (plain, Secret(value=b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", label="test"))
    changed = hostile(message, header, value)
    if body is not None:
        changed = Message(method=changed.method, url=changed.url, headers=changed.headers, body=body)
    verdict = verify(scheme_named(name), changed, [secret], now=NOW)
    assert verdict.state and verdict.reason and verdict.detail


def signatures(data: bytes) -> None:
    """The first byte chooses a scheme, the second a header of it; the rest is its value, or the body behind a NUL."""
    if len(data) < 2:
        return
    name = NAMES[data[0] % len(NAMES)]
    headers = carriers(name) or [b"authorization"]
    value, nul, body = data[2:].partition(b"\x00")
    check_signature(name, headers[data[1] % len(headers)], value, body if nul else None)


def structured(data: bytes) -> None:
    """A structured field (RFC 9651) is read or refused."""
    with suppress(BadField):
        dictionary(data.decode("latin-1"))


# -- what users and files say ---------------------------------------------------------------------------------------


def no_file(path: str) -> bytes:
    """Files that curl commands name are not read unasked."""
    raise WrongUsage("no", next="no")


def with_head(event: Event) -> Event:
    """A head that is no other than the fields make it is left out of files."""
    return replace(event, head=event.head or plain_head(event))


def importers(data: bytes) -> None:
    """A file of whatever tool is read or refused; what was read is an event like any other, and is written exactly."""
    with suppress(WrongUsage):
        event_from(data)
    with suppress(WrongUsage):
        for read in requests_in(data, no_file, NOW):
            event = read.fixture.event
            parsed = parse_head(plain_head(event))
            assert (parsed.method, parsed.target, parsed.headers) == (event.method, event.target, event.headers)
            for written in (fixture_text(read.fixture), har_text([read.fixture])):
                (again,) = requests_in(written.encode(), no_file, NOW)
                assert with_head(again.fixture.event) == with_head(event)


EVENT = Event(
    id=1,
    uid="01J",
    received_at=NOW,
    method=b"POST",
    target=b"/a?b=c",
    version="1.1",
    headers=((b"X-A", b"\xff1"), (b"Content-Type", b"application/json")),
    body=b'{"a":[1,2.5,null,{"b":"c"}],"n":12345678901234567890,"s":"\\ud800"}',
)
ENTRY = Entry(
    id=1, uid="01J", received_at=NOW, method=b"POST", target=b"/a?b=c", size=9, peer=None, facts=Facts(type="a.b")
)


def filters(data: bytes) -> None:
    """A filter is applied or refused, whatever is typed."""
    text = data.decode("utf-8", "surrogateescape")
    for wanted in (Filter(type=text), Filter(path=text), Filter(provider=text), Filter(method=text)):
        differences(wanted, ENTRY, lambda: EVENT)
    for parse in (lambda: seconds(text), lambda: moment(text, NOW), lambda: reference_of(text)):
        with suppress(WrongUsage):
            parse()
    with suppress(WrongUsage):
        compiled(text)
        differences(Filter(where=text), ENTRY, lambda: EVENT)


def recognition(data: bytes) -> None:
    """Any headers and body are recognised as something, and shown without acting on the terminal."""
    lines, _, body = data.partition(b"\r\n\r\n")
    headers = tuple((name, value) for name, _, value in (line.partition(b":") for line in lines.split(b"\r\n")) if name)
    facts = detect(headers, body)
    assert facts.type is None or isinstance(facts.type, str)
    shown, _ = shown_body(headers, body, whole=False)
    assert not acts("\n".join(shown), keep="\n\t")
    assert not acts(safe(data))


def signature_seeds() -> list[bytes]:
    """A genuine value for every header of every scheme."""
    seeds = []
    for place, name in enumerate(NAMES):
        known = genuine(name)
        for header, value in known[0].headers if known else ():
            number = carriers(name).index(header.lower())
            seeds.append(bytes([place, number]) + value)
    return seeds


FOREIGN = (
    b'{"id":1,"guid":"a-b","delivered_at":"2026-01-02T03:04:05Z","event":"push","action":null,"status":"OK",'
    b'"request":{"headers":{"X-GitHub-Event":"push"},"payload":{"ref":"a","n":1.0}},"url":"http://h.test/x"}',
    b'{"data":[{"uuid":"a-b","method":"POST","url":"https://webhook.site/x?a=b","content":"{}","created_at":'
    b'"2026-01-02 03:04:05","headers":{"content-type":["application/json"]},"ip":"192.0.2.1","query":{"a":"b"}}]}',
    b"curl -X PUT 'http://h.test/a?b=c' -H 'X-A: 1' --data-raw '{\"a\":1}' -u me:pw --compressed",
    b"printf '\\x00\\xff' | curl http://h.test/ --data-binary @-",
    b"POST /a?b HTTP/1.1\r\nHost: h\r\nX-A: \xff\r\n\r\n\x00body",
    b'{"log":{"version":"1.2","creator":{},"entries":[{"startedDateTime":"2026-01-02T03:04:05.678Z","request":{"method":'
    b'"POST","url":"http://h.test/x?y=z","httpVersion":"HTTP/1.1","headers":[{"name":"A","value":"b"}],"postData":'
    b'{"mimeType":"text/plain","text":"hi"}},"response":{}}]}}',
)
"""Files of other tools, short."""


def importer_seeds() -> list[bytes]:
    """An event in each form that a file can have."""
    fixture = Fixture(event=EVENT)
    ours = [each.write([fixture]) for each in FORMATS.values()]
    return [*ours, line(event_json(EVENT)).encode(), *FOREIGN]


TARGETS: dict[str, tuple[Target, Callable[[], list[bytes]]]] = {
    "requests": (requests, lambda: [seed for seed in SEEDS if len(seed) < 300]),
    "signatures": (signatures, signature_seeds),
    "structured": (structured, lambda: [b'sig1=("@method" "date");created=1;keyid="k"', b"a=:YQ==:, b=?1, c=1.5"]),
    "importers": (importers, importer_seeds),
    "filters": (filters, lambda: [b"body.a[?b=='c'] | [0]", b"charge.*", b"10m", b"latest~2", b"3..7"]),
    "recognition": (
        recognition,
        lambda: [b'X-GitHub-Event: push\r\n\r\n{"ref":"a"}', b'A: b\r\n\r\n{"object":"event"}'],
    ),
}
"""A target, and good inputs to begin with."""
