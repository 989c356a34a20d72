"""What happens to a body between the sender's signature and the receiver's: one table.

Every row is a transformation that is applied to the body in hand. Which end it explains depends on what is known:

* the body as received does not match the signature, the transformed one does: somebody did the opposite on the way;
* the body as sent is known, and transformed it is what the receiver's application hashed: the application did it.

So a row has two codes. Its words complete "the body …".
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from . import forms
from .printers import PRINTERS, Press
from .tokens import JsonText, read_json, top_members, value_of

SMALL = 2_000_000  # bytes; dear transformations are not made of larger bodies
INFLATED = 16_000_000  # bytes; what decompresses to more is not tried


class BodyChange(NamedTuple):
    """One transformation: the code when it undoes the damage, the code when it is the damage, words, and the deed."""

    undone: str
    done: str
    words: str
    apply: Callable[[bytes], Iterable[bytes]]


class Body(NamedTuple):
    """A body that was made by a transformation."""

    code: str
    words: str  # completes "the body …"
    body: bytes


def _chopped(body: bytes) -> Iterator[bytes]:
    for end in (b"\r\n", b"\n"):
        if body.endswith(end):
            yield body.removesuffix(end)


def _ended(body: bytes) -> Iterator[bytes]:
    yield body + b"\n"
    yield body + b"\r\n"


def _lf(body: bytes) -> Iterator[bytes]:
    yield body.replace(b"\r\n", b"\n")
    yield body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _crlf(body: bytes) -> Iterator[bytes]:
    yield body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _recoded(decoding: str, encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    """The text read in one character set and written in another."""

    def apply(body: bytes) -> Iterator[bytes]:
        try:
            yield body.decode(decoding).encode(encoding)
        except (UnicodeError, LookupError):
            return

    return apply


def _utf16(body: bytes) -> Iterator[bytes]:
    for encoding, mark in (("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)):
        for made in _recoded("utf-8", encoding)(body):
            yield made
            yield mark + made


def _from_utf16(body: bytes) -> Iterator[bytes]:
    if b"\x00" in body:
        for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
            yield from _recoded(encoding, "utf-8")(body)


def _normal(body: bytes) -> Iterator[bytes]:
    """Unicode's normal forms: macOS and some databases change them."""
    if body.isascii() or len(body) > SMALL:
        return
    try:
        text = body.decode()
    except UnicodeError:
        return
    yield unicodedata.normalize("NFC", text).encode()
    yield unicodedata.normalize("NFD", text).encode()


def _inflated(body: bytes) -> Iterator[bytes]:
    for bits in (47, -15) if body[:2] != b"\x1f\x8b" else (47,):  # gzip and zlib by their headers; raw deflate
        reader = zlib.decompressobj(bits)
        try:
            made = reader.decompress(body, INFLATED)
        except zlib.error:
            continue
        if reader.eof:
            yield made


# Header bytes behind the magic: no name, no time, then extra flags (RFC 1952) and the operating system.
GZIP_HEADERS = (
    (6, b"\x00\x03"),  # zlib's default: node, Ruby, PHP, nginx
    (6, b"\x00\xff"),  # Python 3.11 and later; Go, Java
    (9, b"\x02\xff"),  # Python's gzip.compress
    (6, b"\x00\x00"),  # Java before 16
    (9, b"\x02\x03"),
    (1, b"\x04\x03"),
)


def _deflated(body: bytes) -> Iterator[bytes]:
    """As common writers compress; other levels and libraries give other bytes."""
    for level, end in GZIP_HEADERS if len(body) <= SMALL else ():
        writer = zlib.compressobj(level, zlib.DEFLATED, -15)
        packed = writer.compress(body) + writer.flush()
        sizes = zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")
        yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00" + end + packed + sizes


def _unbase64(body: bytes) -> Iterator[bytes]:
    try:
        yield base64.b64decode(body.strip(), validate=True)
    except (binascii.Error, ValueError):
        return


def _unquoted_json(body: bytes) -> Iterator[bytes]:
    """The text of a JSON string."""
    if body[:1] != b'"':
        return
    try:
        text = json.loads(body)
    except (ValueError, RecursionError):
        return
    if isinstance(text, str):
        yield text.encode("utf-8", "surrogatepass")


def _quoted_json(body: bytes) -> Iterator[bytes]:
    if len(body) > SMALL:
        return
    try:
        text = body.decode()
    except UnicodeError:
        return
    yield json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
    yield json.dumps(text).encode()


def _unrepr(body: bytes) -> Iterator[bytes]:
    """The bytes in the text `b'…'`."""
    if re.match(rb"b['\"]", body) and len(body) < forms.LARGEST:
        import ast

        try:
            value = ast.literal_eval(body.decode("ascii"))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return
        if isinstance(value, bytes):
            yield value


def _percent_decoded(body: bytes) -> Iterator[bytes]:
    if b"%" in body or b"+" in body:
        yield unquote_to_bytes(body.replace(b"+", b" "))
        yield unquote_to_bytes(body)


CHANGES = (
    BodyChange("newline_added", "newline_removed", "without its final newline", _chopped),
    BodyChange("newline_removed", "newline_added", "with a newline at its end", _ended),
    BodyChange("line_ends_changed", "line_ends_changed", "with LF line ends", _lf),
    BodyChange("line_ends_changed", "line_ends_changed", "with CRLF line ends", _crlf),
    BodyChange("bom_added", "bom_removed", "without its byte order mark", lambda b: [b.removeprefix(codecs.BOM_UTF8)]),
    BodyChange("bom_removed", "bom_added", "with a byte order mark", lambda b: [codecs.BOM_UTF8 + b]),
    BodyChange(
        "space_changed", "space_changed", "without the white space around it", lambda b: [b.strip(), b.rstrip(b"\0")]
    ),
    BodyChange("gzip_not_undone", "gzip_undone", "decompressed", _inflated),
    BodyChange("charset_changed", "charset_changed", "in ISO-8859-1 instead of UTF-8", _recoded("utf-8", "latin-1")),
    BodyChange("charset_changed", "charset_changed", "in UTF-8 instead of ISO-8859-1", _recoded("latin-1", "utf-8")),
    BodyChange("charset_changed", "charset_changed", "in windows-1252 instead of UTF-8", _recoded("utf-8", "cp1252")),
    BodyChange("charset_changed", "charset_changed", "in UTF-8 instead of windows-1252", _recoded("cp1252", "utf-8")),
    BodyChange("charset_changed", "charset_changed", "in UTF-16 instead of UTF-8", _utf16),
    BodyChange("charset_changed", "charset_changed", "in UTF-8 instead of UTF-16", _from_utf16),
    BodyChange("charset_changed", "charset_changed", "in another Unicode normal form", _normal),
    BodyChange("body_quoted", "body_unquoted", "without the JSON string around it", _unquoted_json),
    BodyChange("body_unquoted", "body_quoted", "as one JSON string", _quoted_json),
    BodyChange("body_base64", "body_base64_decoded", "decoded from base64", _unbase64),
    BodyChange("body_base64_decoded", "body_base64", "encoded in base64", lambda b: [base64.b64encode(b)]),
    BodyChange("body_stringified", "body_stringified", "without b'…' around it", _unrepr),
    BodyChange("form_reencoded", "form_reencoded", "with its percent escapes decoded", _percent_decoded),
    BodyChange("gzip_undone", "gzip_not_undone", "compressed with gzip", _deflated),
)
"""The likeliest first."""

FORMS: tuple[tuple[str, str, Callable[[bytes], Iterator[tuple[str, bytes]]]], ...] = (
    ("form_wrapped", "form_unwrapped", forms.json_fields),
    ("form_unwrapped", "form_wrapped", forms.wrapped),
    ("form_became_json", "json_became_form", forms.from_json),
    ("form_reencoded", "form_reencoded", forms.reencoded),
)
"""As `CHANGES`, but with words for every result."""

ENVELOPES = ("body", "payload", "data", "rawBody", "raw_body", "detail", "event", "Message", "message", "content")
"""Members in which relays, queues and functions pass a request's body on."""


def undone(body: bytes) -> Iterator[Body]:
    """What may have been signed when this body was received; re-printed JSON apart."""
    for change in CHANGES:
        for made in change.apply(body):
            yield Body(change.undone, change.words, made)
    for code, _, write in FORMS:
        for words, made in write(body):
            yield Body(code, words, made)
    for name, made in inner(body, ENVELOPES):
        yield Body("body_wrapped", f"reduced to its member {name}", made)
    yield Body("body_empty", "replaced by an empty one", b"")


def done(body: bytes) -> Iterator[Body]:
    """What an application may have hashed when this body was sent; re-printed JSON apart."""
    for change in CHANGES:
        for made in change.apply(body):
            yield Body(change.done, change.words, made)
    for _, code, write in FORMS:
        for words, made in write(body):
            yield Body(code, words, made)
    for made in LOST:
        yield Body("body_empty", f"replaced by {made.decode()}" if made else "replaced by nothing", made)
    for errors in ("replace", "ignore"):
        yield Body("charset_changed", "with the bytes lost that are not UTF-8", body.decode("utf-8", errors).encode())
        yield Body("charset_changed", "with the bytes lost that are not ASCII", body.decode("ascii", errors).encode())
        text = body.decode("utf-8", errors)
        yield Body("charset_changed", "with the characters lost that are not ASCII", text.encode("ascii", errors))
    for name, made in inner(body, None):
        yield Body("body_part", f"reduced to its member {name}", made)


LOST = (b"", b"{}", b"[]", b"null", b"undefined", b"None", b"nil", b'""')
"""What is hashed when a stream was read before, or when the parser did not take the content type."""


STRINGIFIED = (b"[object Object]", b"[object Buffer]", b"[object Promise]", b"Array")
"""What JavaScript and PHP make of an object that is used as text."""


def stringified(body: bytes) -> Iterator[Body]:
    """An object, or bytes, turned into text by a language's own rule."""
    for text in STRINGIFIED:
        yield Body("body_stringified", f"replaced by {text.decode()}", text)
    if len(body) < forms.LARGEST:
        yield Body("body_stringified", "as Python's str() shows bytes", repr(body).encode())
        try:
            shown = repr(json.loads(body)).encode("utf-8", "replace")
        except (ValueError, RecursionError):
            return
        yield Body("body_stringified", "as Python's str() shows a dict or a list", shown)


def inner(body: bytes, names: tuple[str, ...] | None) -> Iterator[tuple[str, bytes]]:
    """The members of a JSON object as bodies: a string's text, also decoded from base64; an object as it stands."""
    text = read_json(body)
    if text is None or text.tokens[0] != "{":
        return
    for name, tokens in top_members(text):
        if names is not None and name not in names:
            continue
        if tokens[0][0] == '"':
            made = value_of(tokens[0]).encode("utf-8", "surrogatepass")
            yield name, made
            for decoded in _unbase64(made):
                yield f"{name}, decoded from base64", decoded
        elif tokens[0] in ("{", "["):
            press = Press(JsonText(tokens))
            for printer in PRINTERS[:5] if names or len(body) > SMALL // 10 else PRINTERS:
                yield f"{name}, as {printer.name} prints it", press.by(printer)
