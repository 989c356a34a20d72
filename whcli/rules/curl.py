"""A request as one shell command that sends the same bytes with curl.

Facts (curl 7.55 and later; its man page, read 2026-11-23, and what it was seen to send):
- curl adds `Accept`, `User-Agent`, with a body `Content-Type`, with a large one `Expect`: `-H 'Name:'` stops each.
- Its own `Host` comes first; `-H 'Host:'` stops it, and a later `-H 'Host: x'` then stands in its place. Its own
  `Content-Length` comes last.
- `-H 'Name:'` sends nothing; a header without a value is written `-H 'Name;'` and goes out as `Name:`. A value of
  nothing but white space, vertical tabs and form feeds with it, is no value to curl.
- `-H @x` and `--data-binary @x` read the file `x`: no word made here from captured bytes may begin so.
- `-q` leaves a `.curlrc` unread; without `--noproxy` the proxy variables of the shell would apply, to localhost too.
- In `printf`'s format, `\\ddd` with three octal digits is any byte, NUL too, in every POSIX shell; `$(...)` drops
  newlines at the end, so it serves for header lines and targets, which have none, and bodies go through a pipe.
"""

from __future__ import annotations

import re
import shlex

from ..words.errors import WrongUsage
from ..words.event import Outgoing, every
from ..words.head import TOKEN
from .target import parse_target
from .text import words

_INLINE = 32 * 1024  # bytes of body; Linux refuses a single argument of 128 KiB and more
_EXPECT = 1000  # bytes of body; curl asks for `100 Continue` above 1024 (before 7.83) or above 1 MiB
_ESCAPES = {byte: f"\\{byte:03o}" for byte in range(256) if not 0x20 <= byte < 0x7F or chr(byte) in "%\\'"}
_PLAIN_TARGET = re.compile(rb"/[A-Za-z0-9\-._~/%?&=+,;:@!$'()*]*")


def curl_command(outgoing: Outgoing) -> str:
    """The shell command, for `sh` and `bash`, that sends this request; `Host` and `Content-Length` may be missing.

    Raises WrongUsage for a header that curl cannot send as it is: an odd name, or a line break or NUL in a value.
    """
    command = ["curl -q -sSi --noproxy '*'", *_method(outgoing), *_target(outgoing)]
    lines = [" ".join(command), *_header_options(outgoing)]
    if not outgoing.body:
        return " \\\n  ".join(lines)
    if _inline(outgoing.body):
        return " \\\n  ".join([*lines, f"--data-binary {_word(outgoing.body)}"])
    return f"printf '{_octal(outgoing.body)}' |\n" + " \\\n  ".join([*lines, "--data-binary @-"])


def _method(outgoing: Outgoing) -> list[str]:
    if not re.fullmatch(TOKEN, outgoing.method):
        raise _unfit(f"the method '{words(outgoing.method)}'")
    # With -X HEAD curl would wait for a body that never comes.
    return ["-I"] if outgoing.method == b"HEAD" and not outgoing.body else ["-X", _word(outgoing.method)]


def _target(outgoing: Outgoing) -> list[str]:
    url, target = parse_target(outgoing.url), outgoing.target
    options = ["--http1.1"] if url.scheme == "https" else []
    if _PLAIN_TARGET.fullmatch(target):
        dots = ["--path-as-is"] if b"/." in target else []
        return [*options, *dots, shlex.quote(url.origin + target.decode())]
    if re.search(rb"[\x00-\x20\x7f]", target):
        raise _unfit(f"the target '{words(target)}'")
    return [*options, "--request-target", _word(target), shlex.quote(url.origin + "/")]


def _header_options(outgoing: Outgoing) -> list[str]:
    headers = list(outgoing.headers)
    authority = parse_target(outgoing.url).authority.encode()
    stopped = [f"-H '{name}:'" for name in _additions(outgoing) if not every(outgoing.headers, name.encode())]
    if headers[:1] == [(b"Host", authority)] and len(every(outgoing.headers, b"host")) == 1:
        headers = headers[1:]
    elif every(outgoing.headers, b"host"):
        stopped.insert(0, "-H 'Host:'")
    if outgoing.body and headers[-1:] == [(b"Content-Length", b"%d" % len(outgoing.body))]:
        headers = headers[:-1]
    return [*filter(None, [" ".join(stopped)]), *(f"-H {_word(_line(name, value))}" for name, value in headers)]


def _additions(outgoing: Outgoing) -> list[str]:
    """The headers that curl would add to this request by itself, `Host` and `Content-Length` apart."""
    body = len(outgoing.body)
    return ["Accept", "User-Agent", *(["Content-Type"] if body else []), *(["Expect"] if body >= _EXPECT else [])]


def _line(name: bytes, value: bytes) -> bytes:
    if not re.fullmatch(TOKEN, name) or re.search(rb"[\x00\r\n]|^[\x0b\x0c \t]+$", value):
        raise _unfit(f"the header '{words(name)}'")
    return name + b": " + value if value else name + b";"


def _inline(body: bytes) -> bool:
    return len(body) <= _INLINE and not body.startswith(b"@") and _readable(body.replace(b"\n", b""))


def _readable(data: bytes) -> bool:
    """True for text that a terminal shows as it is and a shell takes as it is: no controls, no direction marks."""
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _word(data: bytes) -> str:
    """One word for the shell that stands for exactly these bytes, without NUL."""
    if _readable(data.replace(b"\n", b"")):
        return shlex.quote(data.decode())
    return f"\"$(printf '{_octal(data)}')\""


def _octal(data: bytes) -> str:
    """The bytes as a printf format for single quotes: visible ASCII as it is, all else as `\\ddd`."""
    text = data.decode("latin-1").translate(_ESCAPES)  # a body of megabytes must not become as many small objects
    return "\\055" + text[1:] if text.startswith("-") else text


def _unfit(what: str) -> WrongUsage:
    return WrongUsage(f"curl cannot send {what} as it was captured", next="whcli replay sends it", code="not_sendable")
