"""Any request that the listener takes, any event that a file may hold, any facts: as hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from whcli.words.event import Arrival, Delivery, Event, Facts, Headers, Reply

TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IN_TARGET = bytes(byte for byte in range(0x21, 0x100) if byte != 0x7F)
IN_VALUE = b"\t" + bytes(byte for byte in range(0x20, 0x100) if byte != 0x7F)  # RFC 9110 section 5.5
TIMES = st.floats(min_value=0, max_value=4e9)


def bytes_of(alphabet: bytes, *, least: int = 0, most: int = 20) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(alphabet), min_size=least, max_size=most).map(bytes)


tokens = bytes_of(TOKEN, least=1, most=12)
targets = bytes_of(IN_TARGET, least=1, most=40)
values = bytes_of(IN_VALUE).map(lambda value: value.strip(b" \t"))
headers: st.SearchStrategy[Headers] = st.lists(st.tuples(tokens, values), max_size=8).map(tuple)
blanks = bytes_of(b" \t", most=3)
versions = st.sampled_from([b"1.0", b"1.1"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[Arrival, Headers, bytes]:
    """A request as it arrived, with the pairs and the version that its head was made from."""
    method, target, version, pairs = draw(tokens), draw(targets), draw(versions), draw(headers)
    lines = b"".join(b"%b:%b%b%b\r\n" % (name, draw(blanks), value, draw(blanks)) for name, value in pairs)
    head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version, lines)
    peer = draw(st.none() | st.sampled_from(["127.0.0.1:54321", "[::1]:9", "é"]))
    return Arrival(draw(TIMES), head, method, target, draw(st.binary()), draw(headers), peer), pairs, version


@st.composite
def imported(draw: st.DrawFn) -> Event:
    """An event as a file may hold it: without the sender's own head."""
    return Event(
        id=0,
        uid=draw(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)),
        received_at=draw(TIMES),
        method=draw(tokens),
        target=draw(targets),
        version=draw(versions).decode(),
        headers=draw(headers),
        trailers=draw(headers),
        body=draw(st.binary()),
        peer=draw(st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)),
    )


def facts_of(words: st.SearchStrategy[str]) -> st.SearchStrategy[Facts]:
    """What may have been worked out, with provider and type from `words`."""
    return st.builds(
        Facts,
        provider=st.none() | words,
        scheme=st.none() | words,
        type=st.none() | words,
        delivery_id=st.none() | words,
        attempt=st.none() | st.integers(0, 999_999),
        signature=st.sampled_from(["valid", "invalid", "stale", "unsigned", "no_secret", "unknown"]),
        reason=st.none() | words,
        age=st.none() | st.floats(-1e6, 1e12),
        duplicate_of=st.none() | st.integers(1, 9),
        reply=st.none() | st.integers(100, 599),
    )


replies = st.builds(
    Reply,
    status=st.integers(100, 999),
    headers=headers,
    body=st.binary(max_size=1000),
    reason=st.text(st.characters(max_codepoint=0xFF)),
    truncated=st.booleans(),
)


def deliveries_of(event_id: int) -> st.SearchStrategy[Delivery]:
    """Any delivery of an event: answered, or failed with a word and a sentence."""
    return st.builds(
        Delivery,
        event_id=st.just(event_id),
        kind=st.sampled_from(["forward", "relay", "replay"]),
        sent_at=TIMES,
        method=tokens,
        url=st.text(st.characters(codec="utf-8"), max_size=30),
        attempt=st.integers(1, 99),
        latency=st.none() | st.floats(0, 1e6),
        signed=st.none() | st.just("stripe"),
        reply=st.none() | replies,
        failure=st.none() | st.just("refused"),
        error=st.none() | st.text(st.characters(codec="utf-8"), max_size=30),
    )
