"""Requests as nobody should send them, and what becomes of each: captured exactly, or refused.

One row is one connection: what is sent, and what is expected. `Captured` holds what has to be stored; `Refused` the
status for the sender, None where the connection just ends. The sender half-closes after a row that `ends`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Captured:
    """Answered 2xx and stored like this; the head as it was sent."""

    body: bytes = b""
    method: bytes = b"POST"
    target: bytes = b"/"
    trailers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class Refused:
    """Nothing stored; the sender gets the status, the user a reason that holds these words."""

    status: int | None = 400
    words: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    sent: bytes
    becomes: Captured | Refused
    ends: bool = False


HOST = b"Host: localhost\r\n"
LINE = b"POST / HTTP/1.1\r\n"
START = LINE + HOST
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(190))


def field(line: bytes) -> bytes:
    """A request with one odd header line."""
    return START + line + b"\r\n\r\n"


LINES = [
    Row("nothing but a line end", b"\n", Refused()),
    Row("spaces", b"    ", Refused()),
    Row("a NUL byte", b"\x00", Refused()),
    Row("binary noise", bytes(range(128, 256)), Refused(words="request line")),
    Row("a TLS client hello", HELLO, Refused(words="TLS on the plain port")),
    Row("the first byte of a TLS hello", b"\x16", Refused(words="TLS")),
    Row("an SSLv2 hello", bytes.fromhex("802e0100020015000000100100800200800300800400"), Refused()),
    Row("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00", Refused(words="HTTP/2")),
    Row("an SSH banner", b"SSH-2.0-OpenSSH_9.9\r\n", Refused()),
    Row("SOCKS5", b"\x05\x01\x00", Refused()),
    Row("SMTP", b"EHLO example.com\r\n", Refused()),
    Row("Redis", b"*1\r\n$4\r\nPING\r\n", Refused()),
    Row("a PROXY protocol line", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + START + b"\r\n", Refused()),
    Row("HTTP/0.9", b"GET /\r\n", Refused(words="HTTP/0.9")),
    Row("HTTP/0.9 with LF", b"GET /\n", Refused(words="HTTP/0.9")),
    Row("HTTP/2.0 in the line", b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", Refused(words="not HTTP/1.0 or HTTP/1.1")),
    Row("HTTP/1.2", b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", Refused(words="not HTTP/1.0 or HTTP/1.1")),
    Row("HTTP/1.10", b"GET / HTTP/1.10\r\n" + HOST + b"\r\n", Refused()),
    Row("HTTP/9.9", b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", Refused()),
    Row("HTTP/1", b"GET / HTTP/1\r\n" + HOST + b"\r\n", Refused()),
    Row("http/1.1 in small letters", b"GET / http/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("HTTPS/1.1", b"GET / HTTPS/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("RTSP", b"DESCRIBE rtsp://x/y RTSP/1.0\r\nCSeq: 2\r\n\r\n", Refused()),
    Row("ICY", b"SOURCE /mp3 ICE/1.0\r\n\r\n", Refused()),
    Row("a status line", b"HTTP/1.1 200 OK\r\n\r\n", Refused()),
    Row("no method", b" / HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("no target", b"POST HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("an empty target", b"POST  HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("two spaces before the target", b"POST  / HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("two spaces after the target", b"POST /  HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("a space in the target", b"POST /a b HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("a tab in the line", b"POST\t/\tHTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("a space behind the version", b"POST / HTTP/1.1 \r\n" + HOST + b"\r\n", Refused()),
    Row("NUL in the target", b"POST /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("ESC in the target", b"POST /\x1b[2J HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("DEL in the target", b"POST /\x7f HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("CR in the target", b"POST /a\rb HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("a colon in the method", b"PO:ST / HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("an umlaut in the method", "PÖST / HTTP/1.1\r\n".encode() + HOST + b"\r\n", Refused()),
    Row("a slash in the method", b"A/B / HTTP/1.1\r\n" + HOST + b"\r\n", Refused()),
    Row("a byte order mark", b"\xef\xbb\xbf" + START + b"\r\n", Refused()),
    Row("a bare LF before the line", b"\n" + START + b"\r\n", Refused()),
    Row("a bare CR before the line", b"\r" + START + b"\r\n", Refused()),
    Row("LF for every line end", b"POST / HTTP/1.1\nHost: a\n\n", Refused(words="LF without CR")),
    Row("LF behind the request line", b"POST / HTTP/1.1\nHost: a\r\n\r\n", Refused(words="LF without CR")),
    Row("CR CR LF behind the request line", b"POST / HTTP/1.1\r\r\nHost: a\r\n\r\n", Refused()),
    Row("a line with no end", b"POST /" + b"a" * 70_000, Refused(431)),
    Row("a target of 70,000 bytes", b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", Refused(431)),
    Row("a method of 5,000 bytes", b"M" * 5000 + b" / HTTP/1.1\r\n\r\n", Captured(method=b"M" * 5000)),
    Row("an empty line first", b"\r\n" + START + b"\r\n", Captured()),
    Row("a hundred empty lines first", b"\r\n" * 100 + START + b"\r\n", Captured()),
    Row("a method in small letters", b"post / HTTP/1.1\r\n" + HOST + b"\r\n", Captured(method=b"post")),
    Row("a method of its own", b"X-!#$%&'*+.^_`|~9 / HTTP/1.1\r\n\r\n", Captured(method=b"X-!#$%&'*+.^_`|~9")),
    Row("PRI in HTTP/1.1", b"PRI * HTTP/1.1\r\n\r\n", Captured(method=b"PRI", target=b"*")),
    Row("CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Captured(method=b"CONNECT", target=b"a:443")),
    Row("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", Captured(method=b"OPTIONS", target=b"*")),
    Row("TRACE", b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", Captured(method=b"TRACE")),
    Row("an absolute target", b"GET http://a/b?c HTTP/1.1\r\n\r\n", Captured(method=b"GET", target=b"http://a/b?c")),
    Row("a target without a slash", b"GET foo HTTP/1.1\r\n\r\n", Captured(method=b"GET", target=b"foo")),
    Row("raw UTF-8 in the target", "GET /é?ü HTTP/1.1\r\n\r\n".encode(), Captured(b"", b"GET", "/é?ü".encode())),
    Row("C1 bytes in the target", b"GET /\x9b2J HTTP/1.1\r\n\r\n", Captured(method=b"GET", target=b"/\x9b2J")),
    Row("dot segments", b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", Captured(b"", b"GET", b"/../../etc/passwd")),
    Row("markup in the target", b"GET /[red]<b>'\" HTTP/1.1\r\n\r\n", Captured(b"", b"GET", b"/[red]<b>'\"")),
]

FIELDS = [
    Row("no Host", LINE + b"\r\n", Captured()),
    Row("two Hosts", LINE + b"Host: a\r\nHost: b\r\n\r\n", Captured()),
    Row("an odd Host", LINE + b"Host: a b/c@d\r\n\r\n", Captured()),
    Row("an empty value", field(b"X-Empty:"), Captured()),
    Row("white space around a value", field(b"X:  \t a \t "), Captured()),
    Row("bytes above 127 in a value", field(b"X: \x80\xff\x9b31m"), Captured()),
    Row("a value of 60,000 bytes", field(b"X: " + b"a" * 60_000), Captured()),
    Row("a tab inside a value", field(b"X: a\tb"), Captured()),
    Row("a name of all token characters", field(b"!#$%&'*+-.^_`|~09Az: 1"), Captured()),
    Row("a thousand lines", LINE + b"a:b\r\n" * 1000 + b"\r\n", Captured()),
    Row("a thousand and one lines", LINE + b"a:b\r\n" * 1001 + b"\r\n", Refused(431)),
    Row("lines without end", LINE + b"a:b\r\n" * 1200, Refused(431)),
    Row("a head one byte over 64 KiB", field(b"X: " + b"a" * (65_536 - len(field(b"X: ")) + 1)), Refused(431)),
    Row("a head of 64 KiB", field(b"X: " + b"a" * (65_536 - len(field(b"X: ")))), Captured()),
    Row("a value with no end", START + b"X: " + b"a" * 70_000, Refused(431)),
    Row("a space before the colon", field(b"X : 1"), Refused()),
    Row("a tab before the colon", field(b"X\t: 1"), Refused()),
    Row("a name with a space", field(b"X Y: 1"), Refused()),
    Row("an umlaut in a name", field("Ä: 1".encode()), Refused()),
    Row("no name", field(b": 1"), Refused()),
    Row("no colon", field(b"nonsense"), Refused()),
    Row("a space before the first field", LINE + b" Host: a\r\n\r\n", Refused()),
    Row("a folded value", field(b"X: a\r\n b"), Refused()),
    Row("a folded value with a tab", field(b"X: a\r\n\tb"), Refused()),
    Row("a folded Content-Length", field(b"Content-Length:\r\n 5") + b"hello", Refused()),
    Row("NUL in a value", field(b"X: a\x00b"), Refused()),
    Row("NUL in a name", field(b"X\x00: 1"), Refused()),
    Row("ESC in a value", field(b"X: \x1b]52;c;aGk=\x07"), Refused()),
    Row("DEL in a value", field(b"X: \x7f"), Refused()),
    Row("CR in a value", field(b"X: a\rb"), Refused()),
    Row("CR before the line end", field(b"X: a\r"), Refused()),
    Row("LF in the middle of a head", START + b"X: a\nY: b\r\n\r\n", Refused(words="CR")),
    Row("LF at the end of a head", START + b"X: a\n\r\n", Refused(words="LF")),
    Row("two LF at the end of a head", START + b"X: a\n\n", Refused(words="LF")),
]

BODIES = [
    Row("no body", START + b"\r\n", Captured()),
    Row("Content-Length 0", field(b"Content-Length: 0"), Captured()),
    Row("leading zeros in the length", field(b"Content-Length: 0005") + b"hello", Captured(b"hello")),
    Row("blanks around the length", field(b"Content-Length: \t 5 ") + b"hello", Captured(b"hello")),
    Row("a length in an odd case", field(b"cOnTeNt-LeNgTh: 5") + b"hello", Captured(b"hello")),
    Row("a length in another value", field(b"X: \tcontent-length: 9") + b"", Captured()),
    Row("a body of line ends", field(b"Content-Length: 8") + b"\r\n\r\n\r\n\r\n", Captured(b"\r\n\r\n\r\n\r\n")),
    Row("GET with a body", b"GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", Captured(b"hi", b"GET")),
    Row("HEAD with a body", b"HEAD / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", Captured(b"hi", b"HEAD")),
    Row("a length and chunks", field(b"Content-Length: 5\r\nTransfer-Encoding: chunked"), Refused(words="both")),
    Row("chunks and a length", field(b"Transfer-Encoding: chunked\r\nContent-Length: 5"), Refused(words="both")),
    Row("a negative length", field(b"Content-Length: -1"), Refused()),
    Row("a length with a sign", field(b"Content-Length: +5") + b"hello", Refused()),
    Row("a hexadecimal length", field(b"Content-Length: 0x5") + b"hello", Refused()),
    Row("a length with an underscore", field(b"Content-Length: 1_0") + b"0123456789", Refused()),
    Row("a length in words", field(b"Content-Length: five"), Refused()),
    Row("an empty length", field(b"Content-Length:"), Refused()),
    Row("a length with a fraction", field(b"Content-Length: 5.0"), Refused()),
    Row("a list of lengths", field(b"Content-Length: 5, 5") + b"hello", Refused()),
    Row("two numbers as length", field(b"Content-Length: 5 5") + b"hello", Refused()),
    Row("two equal lengths", field(b"Content-Length: 5\r\nContent-Length: 5") + b"hello", Refused()),
    Row("two lengths", field(b"Content-Length: 5\r\nContent-Length: 6") + b"hello", Refused()),
    Row("a length of Arabic digits", field("Content-Length: ٥".encode()) + b"hello", Refused()),
    Row("a length beyond 64 bits", field(b"Content-Length: 18446744073709551617") + b"x", Refused()),
    Row("a length of 5,000 digits", field(b"Content-Length: " + b"9" * 5000), Refused()),
    Row("a promise of 2^62 bytes", field(b"Content-Length: 4611686018427387904"), Refused(413)),
    Row("one byte over 25 MiB", field(b"Content-Length: 26214401"), Refused(413)),
    Row("half a body, then gone", field(b"Content-Length: 9") + b"half", Refused(None, "inside a body"), ends=True),
    Row("half a head, then gone", START, Refused(400, "inside its head"), ends=True),
    Row("h2c with a body", field(b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2") + b"hi", Captured(b"hi")),
    Row(
        "an unknown upgrade",
        field(b"Connection: upgrade\r\nUPGRADE: no/1\r\nContent-Length: 2") + b"hi",
        Captured(b"hi"),
    ),
    Row(
        "a WebSocket handshake", field(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x"), Captured()
    ),
    Row("an odd expectation", field(b"Expect: a-pony\r\nContent-Length: 2") + b"hi", Captured(b"hi")),
    Row("HTTP/1.0 with a body", b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", Captured(b"hi")),
    Row("HTTP/1.0 without any header", b"POST / HTTP/1.0\r\n\r\n", Captured()),
]

CHUNKS = [
    Row("no chunks", CHUNKED + b"0\r\n\r\n", Captured()),
    Row("two chunks", CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", Captured(b"hello")),
    Row("a chunk of line ends", CHUNKED + b"8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", Captured(b"\r\n\r\n\r\n\r\n")),
    Row("a body that ends in the end", CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", Captured(b"0\r\n\r\n")),
    Row("a size with zeros", CHUNKED + b"0005\r\nhello\r\n000\r\n\r\n", Captured(b"hello")),
    Row("a size in capitals", CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", Captured(b"0123456789")),
    Row("an extension", CHUNKED + b'5;a=b;c="d e"\r\nhello\r\n0;e\r\n\r\n', Captured(b"hello")),
    Row("trailers", CHUNKED + b"0\r\nA: 1 \r\na:2\r\n\r\n", Captured(trailers=((b"A", b"1"), (b"a", b"2")))),
    Row("a trailer that would be a header", CHUNKED + b"0\r\nHost: x\r\n\r\n", Captured(trailers=((b"Host", b"x"),))),
    Row("CHUNKED in capitals", field(b"TRANSFER-ENCODING: CHUNKED") + b"0\r\n\r\n", Captured()),
    Row("gzip, chunked", field(b"Transfer-Encoding: gzip, chunked") + b"2\r\nhi\r\n0\r\n\r\n", Captured(b"hi")),
    Row(
        "h2c with chunks",
        field(b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked") + b"2\r\nhi\r\n0\r\n\r\n",
        Captured(b"hi"),
    ),
    Row("a size that is no number", CHUNKED + b"x\r\n", Refused(words="chunk")),
    Row("an empty size", CHUNKED + b"\r\nhello\r\n", Refused()),
    Row("a negative size", CHUNKED + b"-5\r\nhello\r\n", Refused()),
    Row("a size with 0x", CHUNKED + b"0x5\r\nhello\r\n", Refused()),
    Row("a space before the size", CHUNKED + b" 5\r\nhello\r\n", Refused()),
    Row("a space behind the size", CHUNKED + b"5 \r\nhello\r\n", Refused()),
    Row("a size beyond 64 bits", CHUNKED + b"fffffffffffffffff\r\nhello\r\n", Refused()),
    Row("a size of 2^62", CHUNKED + b"4000000000000000\r\nhello", Refused(None, "inside a body"), ends=True),
    Row("LF behind the size", CHUNKED + b"5\nhello\r\n", Refused()),
    Row("CR behind the size", CHUNKED + b"5\rhello\r\n", Refused()),
    Row("LF behind the chunk", CHUNKED + b"5\r\nhello\n0\r\n\r\n", Refused()),
    Row("a chunk longer than its size", CHUNKED + b"4\r\nhello\r\n0\r\n\r\n", Refused()),
    Row("a chunk shorter than its size", CHUNKED + b"6\r\nhello\r\n0\r\n\r\n", Refused()),
    Row("NUL in an extension", CHUNKED + b"5;\x00\r\nhello\r\n0\r\n\r\n", Refused()),
    Row("an extension with no end", CHUNKED + b"5;" + b"a" * 70_000, Refused(431)),
    Row("a trailer with no end", CHUNKED + b"0\r\nX: " + b"a" * 70_000, Refused(431)),
    Row("NUL in a trailer", CHUNKED + b"0\r\nX: a\x00\r\n\r\n", Refused()),
    Row("a folded trailer", CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n", Refused()),
    Row("a trailer without a colon", CHUNKED + b"0\r\nnonsense\r\n\r\n", Refused()),
    Row("half a chunk, then gone", CHUNKED + b"5\r\nhe", Refused(None, "inside a body"), ends=True),
    Row("no last chunk, then gone", CHUNKED + b"5\r\nhello\r\n", Refused(None, "inside a body"), ends=True),
    Row("chunks in HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(words="1.0")),
]

ROWS = LINES + FIELDS + BODIES + CHUNKS

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
_ENDED = b"0\r\n\r\n" + HIDDEN


def _smuggle(headers: bytes, body: bytes = _ENDED) -> bytes:
    return START + headers + b"\r\n\r\n" + body


# A second request, hidden where two readers of the first can disagree about its end (RFC 9112 section 11.2; the shapes
# are those of James Kettle, "HTTP Desync Attacks", 2019, and "HTTP/1.1 must die", 2025). None of them is an event.
SMUGGLED = {
    "both, length first": _smuggle(b"Content-Length: 6\r\nTransfer-Encoding: chunked"),
    "both, length last": _smuggle(b"Transfer-Encoding: chunked\r\nContent-Length: 6"),
    "both, length of everything": _smuggle(b"Transfer-Encoding: chunked\r\nContent-Length: %d" % len(_ENDED)),
    "both, length 0": _smuggle(b"Content-Length: 0\r\nTransfer-Encoding: chunked"),
    "two lengths": _smuggle(b"Content-Length: 5\r\nContent-Length: %d" % len(_ENDED)),
    "two lengths, one in capitals": _smuggle(b"Content-Length: 0\r\nCONTENT-LENGTH: 5"),
    "a list of lengths": _smuggle(b"Content-Length: 5, 0"),
    "a length and one with a space before the colon": _smuggle(b"Content-Length: 5\r\nContent-Length : 0"),
    "a folded length": _smuggle(b"Content-Length:\r\n 5"),
    "a length behind a bare LF": _smuggle(b"X: a\nContent-Length: 5"),
    "a length behind a bare CR": _smuggle(b"X: a\rContent-Length: 5"),
    "a coding behind a bare LF": _smuggle(b"Content-Length: 5\r\nX: a\nTransfer-Encoding: chunked"),
    "an unknown coding": _smuggle(b"Transfer-Encoding: xchunked"),
    "identity": _smuggle(b"Transfer-Encoding: identity\r\nContent-Length: 5"),
    "chunked, then identity": _smuggle(b"Transfer-Encoding: chunked, identity"),
    "chunked twice over": _smuggle(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    "a space before the colon": _smuggle(b"Transfer-Encoding : chunked\r\nContent-Length: 5"),
    "a vertical tab before chunked": _smuggle(b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5"),
    "a quoted chunked": _smuggle(b'Transfer-Encoding: "chunked"\r\nContent-Length: 5'),
    "a folded coding": _smuggle(b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5"),
    "chunk sizes that overflow": _smuggle(b"Transfer-Encoding: chunked", b"100000000\x00000000000\r\n" + HIDDEN),
    "a chunk ended by LF": _smuggle(b"Transfer-Encoding: chunked", b"0\n\n" + HIDDEN),
    "an extension ended by LF": _smuggle(b"Transfer-Encoding: chunked", b"5;\nhello\r\n0\r\n\r\n" + HIDDEN),
    "HTTP/1.0 with chunks": b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + _ENDED,
    "a request behind one that closes": _smuggle(b"Connection: close\r\nContent-Length: 5"),
}
