"""Words of a shell command, read and never run: quoting, `$'...'`, comments, line ends.

POSIX.1-2024 XCU 2.2 "Quoting" and 2.3 "Token Recognition". What only running it would tell (variables, substitutions,
globs in a redirection) is refused; of substitutions `$(printf '...')` alone is read, since that is how whcli itself
writes bytes that no quoting can hold. Bytes that are not UTF-8 are surrogates (PEP 383), so that they come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SIMPLE = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ANSI = re.compile(
    r"\\(?:([abeEfnrtv])|([\\'\"?])|([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(.))",
    re.DOTALL,
)
_PRINTF = re.compile(r"printf '([^']*)'\)")
_OPERATOR = re.compile(r"\|\||&&|[|;&\n]")


class NotReadable(ValueError):
    """The text is no simple command; the message says what of it is in the way."""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command, an operator between two as a command of its own: `|`, `;`, a line end."""
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t" or text.startswith(("\\\n", "\\\r\n"), at):
            at += 1 if text[at] in " \t" else text.index("\n", at) - at + 1
        elif text.startswith("\r\n", at):
            at += 1
        elif text[at] == "#":
            at = end if (end := text.find("\n", at)) >= 0 else len(text)
        elif match := _OPERATOR.match(text, at):
            yield from ([words] if words else [])
            yield [match.group()] if match.group() != "\n" else [";"]
            words, at = [], match.end()
        else:
            word, at = _word(text, at)
            words.append(word)
    if words:
        yield words


def _word(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    while at < len(text) and text[at] not in " \t\n|;&":
        if text.startswith("\r\n", at):
            break
        part, at = _part(text, at)
        parts.append(part)
    return "".join(parts), at


def _part(text: str, at: int) -> tuple[str, int]:
    """One piece of a word: a quoted stretch, an escape, or a letter."""
    letter = text[at]
    if letter == "'":
        end = _find(text, "'", at + 1)
        return text[at + 1 : end], end + 1
    if letter == '"':
        return _double(text, at + 1)
    if text.startswith("$'", at):
        return _ansi(text, at + 2)
    if letter == "\\":
        if text.startswith(("\\\n", "\\\r\n"), at):
            return "", text.index("\n", at) + 1
        return text[at + 1 : at + 2], at + 2
    if letter in "$`<>()":
        return _substitution(text, at)
    return letter, at + 1


def _double(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        if at >= len(text):
            raise NotReadable("a double quote has no end")
        if text[at] == '"':
            return "".join(parts), at + 1
        if text[at] == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
            parts.append(text[at + 1].replace("\n", ""))
            at += 2
        elif text[at] == "`" or (text[at] == "$" and re.match(r"\$[A-Za-z_{(0-9@*#?$!-]", text[at : at + 2])):
            part, at = _substitution(text, at)
            parts.append(part)
        else:
            parts.append(text[at])
            at += 1


def _substitution(text: str, at: int) -> tuple[str, int]:
    match = _PRINTF.match(text, at + 2) if text.startswith("$(", at) else None
    if match is None:
        shown = re.match(r"[$`<>()]+[A-Za-z0-9_{]*", text[at : at + 20])
        raise NotReadable(f"'{shown.group() if shown else text[at]}' would have to be run by a shell")
    return printf(match[1]).rstrip("\n"), match.end()


def printf(form: str) -> str:
    """What `printf` prints for a format without directives: octal and simple escapes, bytes as they are."""
    if "%" in form.replace("%%", ""):
        raise NotReadable("a printf with directives would have to be run")
    return _escapes(form.replace("%%", "%"))


def _ansi(text: str, at: int) -> tuple[str, int]:
    """The inside of `$'...'` (POSIX.1-2024 XCU 2.2.4)."""
    end = at
    while end < len(text) and text[end] != "'":
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise NotReadable("a $'...' has no end")
    return _escapes(text[at:end]), end + 1


def _escapes(text: str) -> str:
    """Escapes read; those of bytes become bytes, and bytes that make up a character become it when they are encoded."""
    return _ANSI.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    simple, same, octal, byte, short, long, control = match.groups()
    if simple or same:
        return SIMPLE.get(simple, same) if simple else str(same)
    if octal or byte:
        return as_byte(int(octal, 8) & 255 if octal else int(byte, 16))
    if control:
        return chr(ord(control.upper()) & 31)
    code = int(short or long, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise NotReadable(f"{match.group()} is no character")
    return chr(code)


def as_byte(code: int) -> str:
    """One byte, as text that `surrogateescape` encodes to it."""
    return bytes([code]).decode("utf-8", "surrogateescape")


def _find(text: str, sign: str, at: int) -> int:
    end = text.find(sign, at)
    if end < 0:
        raise NotReadable("a quote has no end")
    return end


def encoded(text: str) -> bytes:
    """The bytes of a word."""
    return text.encode("utf-8", "surrogateescape")
