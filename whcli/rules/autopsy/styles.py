"""What JSON printers differ in, beside numbers: escapes in strings, and white space between tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from ...words.record import record
from .tokens import DEEPEST, Tokens, value_of

# -- strings --------------------------------------------------------------------------------------------------------

CONTROL = r'\x00-\x1f"\\'
LONE = r"\ud800-\udfff"  # a surrogate without its partner cannot be written as UTF-8
LINES = r"\u2028\u2029"
ABOVE = r"\x80-\U0010ffff"
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@record
class Escapes:
    """Which characters a printer escapes beyond those that JSON demands, and how; as regular expressions' classes."""

    label: str
    also: str = ""  # in ASCII
    beyond: str = ""  # beyond ASCII
    upper: bool = False  # \u00E9 instead of \u00e9
    unlike: tuple[tuple[str, str], ...] = ()  # characters with an escape of their own


STRINGS = {
    "plain": Escapes(label="no character escaped"),
    "ascii": Escapes(label="\\u escapes", also=r"\x7f", beyond=ABOVE),
    "ascii_slashes": Escapes(label="\\u and \\/ escapes", also="/", beyond=ABOVE, unlike=(("/", "\\/"),)),
    "ascii_but_del": Escapes(label="\\u escapes", beyond=ABOVE),
    "slashes": Escapes(label="\\/ escapes", also="/", beyond=LINES, unlike=(("/", "\\/"),)),
    "lines": Escapes(label="U+2028 and U+2029 escaped", beyond=LINES),
    "html": Escapes(label="< > & escaped", also="<>&", beyond=LINES),
    "html_more": Escapes(label="< > & = ' escaped", also="<>&='", beyond=LINES),
    "upper": Escapes(label="no character escaped", upper=True),
    "ascii_upper": Escapes(label="\\u escapes in upper case", beyond=ABOVE, upper=True),
    "dotnet": Escapes(
        label="\\u escapes as .NET writes them",
        also=r"<>&'+`\x7f",
        beyond=ABOVE,
        upper=True,
        unlike=(('"', "\\u0022"),),
    ),
    "del": Escapes(label="U+007F escaped", also=r"\x7f"),
}
ODD = re.compile(r"[^\x00-%(-*,-.0-;?-\[\]-_a-~]")  # not in one of \ / < > & = ' + `, U+007F and what is beyond ASCII
"""What a string must hold that the rows write differently. By what it does not: a class that reaches beyond ASCII takes
milliseconds to compile."""


class _Written(dict[str, str]):
    """Characters and their escapes, worked out as they occur."""

    def __init__(self, escapes: Escapes) -> None:
        super().__init__(SHORT | dict(escapes.unlike))
        self.form = "\\u{:04X}" if escapes.upper else "\\u{:04x}"

    def __missing__(self, character: str) -> str:
        raw = character.encode("utf-16-be", "surrogatepass")
        units = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        self[character] = text = "".join(self.form.format(unit) for unit in units)
        return text


def writer(escapes: Escapes) -> Callable[[str], str]:
    """Writes a string token anew."""
    known = _Written(escapes)

    def write(token: str) -> str:
        value = value_of(token)
        escaped = _escaped(escapes.also if value.isascii() else LONE + escapes.also + escapes.beyond)
        return f'"{escaped.sub(lambda match: known[match[0]], value)}"'

    return write


@cache
def _escaped(also: str) -> re.Pattern[str]:
    """The characters to escape. A class that reaches beyond ASCII takes milliseconds to compile, and few bodies do."""
    return re.compile(f"[{CONTROL}{also}]")


# -- white space ----------------------------------------------------------------------------------------------------


@record
class Layout:
    """The white space between tokens."""

    label: str
    comma: str = ","
    colon: str = ":"
    unit: str | None = None  # one level of indentation; None: everything on one line
    newline: str = "\n"
    empty: str = ""  # inside {} and []
    arrays_inline: bool = False


LAYOUTS = {
    "compact": Layout(label="without white space"),
    "spaced": Layout(label="with a space after , and :", comma=", ", colon=": "),
    "colon": Layout(label="with a space after :", colon=": "),
    "comma": Layout(label="with a space after ,", comma=", "),
    "two": Layout(label="indented by 2 spaces", colon=": ", unit="  "),
    "four": Layout(label="indented by 4 spaces", colon=": ", unit="    "),
    "tab": Layout(label="indented by tabs", colon=": ", unit="\t"),
    "three": Layout(label="indented by 3 spaces", colon=" : ", unit="   "),
    "jackson": Layout(label="indented as Jackson does", colon=" : ", unit="  ", empty=" ", arrays_inline=True),
    "windows": Layout(label="indented by 2 spaces with CRLF", colon=": ", unit="  ", newline="\r\n"),
    "ruby": Layout(label="indented as Ruby before 3.4 does", colon=": ", unit="  ", empty="\n"),
}


# What stands after a token, as a number, so that layouts share one walk over the text. From `LEVELS` on, four numbers
# belong to each level of nesting.
NOTHING, BEFORE_COLON, AFTER_COLON, SPACE, LEVELS = range(5)
LINE, AFTER_COMMA, EMPTY_OBJECT, EMPTY_ARRAY = range(4)


def places(tokens: Tokens, inline: bool) -> list[int]:
    """The kind of gap after each token; `inline` keeps arrays on one line, where they add no level."""
    out: list[int] = []
    open_: list[bool] = []  # whether each open container is an inline array
    level = LEVELS
    for token, following in zip(tokens, (*tokens[1:], ""), strict=True):
        if token in ("{", "["):
            flat = inline and token == "["
            open_.append(flat)
            if following in ("}", "]"):
                out.append(level + (EMPTY_OBJECT if token == "{" else EMPTY_ARRAY))
            else:
                level += 0 if flat else 4
                out.append(SPACE if flat else level + LINE)
            continue
        if token in ("}", "]"):
            open_.pop()
        if token == ",":
            out.append(SPACE if open_[-1] else level + AFTER_COMMA)
        elif following in ("}", "]"):
            level -= 0 if open_[-1] else 4
            out.append(SPACE if open_[-1] else level + LINE)
        else:
            out.append(BEFORE_COLON if following == ":" else AFTER_COLON if token == ":" else NOTHING)
    return out


def white_space(layout: Layout) -> list[str]:
    """The text of every kind of gap in a layout."""
    before, after = layout.colon.split(":")
    texts = ["", before, after, " "]
    for level in range(DEEPEST + 1):
        if layout.unit is None:
            texts += ["", layout.comma[1:], "", ""]
        else:
            line = layout.newline + layout.unit * level
            lines = layout.empty == "\n"  # Ruby's empty containers
            texts += [line, line, line if lines else layout.empty, "\n" + line if lines else layout.empty]
    return texts
