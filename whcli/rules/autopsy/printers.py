"""JSON as the common libraries print it: one row each, and the walk over everything near them.

A row was taken from the library's own output (2026-11-23, versions in `numbers.py`; Rails: ActiveSupport 6.1). Three
follow what is written about them: System.Text.Json learn.microsoft.com/dotnet/standard/serialization/system-text-json/
character-encoding, Ruby's newer pretty_generate ruby/json#626 (json 2.8), jq 1.7 its release notes (numbers are kept).
"""

from __future__ import annotations

from collections.abc import Iterator

from ...words.record import record
from .numbers import NUMBERS, whole
from .styles import LAYOUTS, ODD, STRINGS, Layout, places, white_space, writer
from .tokens import JsonText, Tokens


@record
class Printer:
    """One library's way: names of rows in the tables."""

    name: str
    layout: str = "compact"
    strings: str = "plain"
    numbers: str = "kept"
    order: str = "last"
    end: str = ""


# The likeliest first: where two print alike, the first is named.
PRINTERS = (
    Printer(name="JavaScript JSON.stringify", numbers="javascript", order="javascript"),
    Printer(name="Python json.dumps", layout="spaced", strings="ascii", numbers="python"),
    Printer(name="Python json.dumps(separators=(',', ':'))", strings="ascii", numbers="python"),
    Printer(name="Python json.dumps(ensure_ascii=False)", layout="spaced", numbers="python"),
    Printer(name="Python json.dumps(ensure_ascii=False, separators=(',', ':'))", numbers="python"),
    Printer(name="PHP json_encode", strings="ascii_slashes", numbers="php"),
    Printer(
        name="PHP json_encode after json_decode(…, true)", strings="ascii_slashes", numbers="php", order="php_arrays"
    ),
    Printer(name="PHP json_encode(JSON_UNESCAPED_SLASHES)", strings="ascii_but_del", numbers="php"),
    Printer(name="PHP json_encode(JSON_UNESCAPED_UNICODE)", strings="slashes", numbers="php"),
    Printer(name="PHP json_encode(JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)", strings="lines", numbers="php"),
    Printer(name="Go json.Marshal", strings="html", numbers="go", order="sorted"),
    Printer(name="Go json.Encoder", strings="html", numbers="go", order="sorted", end="\n"),
    Printer(name="Go json.Encoder with SetEscapeHTML(false)", strings="lines", numbers="go", order="sorted", end="\n"),
    Printer(name="Go json.MarshalIndent", layout="two", strings="html", numbers="go", order="sorted"),
    Printer(name="Ruby JSON.generate", numbers="ruby"),
    Printer(name="Rails to_json", strings="html", numbers="ruby"),
    Printer(name="Ruby JSON.pretty_generate", layout="two", numbers="ruby"),
    Printer(name="Ruby JSON.pretty_generate before 3.4", layout="ruby", numbers="ruby"),
    Printer(name="Java Jackson", strings="upper", numbers="java"),
    Printer(name="Java Jackson with ESCAPE_NON_ASCII", strings="ascii_upper", numbers="java"),
    Printer(name="Java Jackson's pretty printer", layout="jackson", strings="upper", numbers="java"),
    Printer(name="Java Gson", strings="html_more", order="no_nulls"),
    Printer(name="Java Gson after reading into a Map", strings="html_more", numbers="doubles", order="no_nulls"),
    Printer(name="Java Gson's pretty printer", layout="two", strings="html_more", order="no_nulls"),
    Printer(name=".NET System.Text.Json", strings="dotnet"),
    Printer(name="JavaScript JSON.stringify(…, null, 2)", layout="two", numbers="javascript", order="javascript"),
    Printer(name="JavaScript JSON.stringify(…, null, 4)", layout="four", numbers="javascript", order="javascript"),
    Printer(name="JavaScript JSON.stringify(…, null, '\\t')", layout="tab", numbers="javascript", order="javascript"),
    Printer(name="Python json.dumps(indent=2)", layout="two", strings="ascii", numbers="python"),
    Printer(name="Python json.dumps(indent=4)", layout="four", strings="ascii", numbers="python"),
    Printer(
        name="Python json.dumps(sort_keys=True)", layout="spaced", strings="ascii", numbers="python", order="sorted"
    ),
    Printer(name="PHP json_encode(JSON_PRETTY_PRINT)", layout="four", strings="ascii_slashes", numbers="php"),
    Printer(name="jq", layout="two", strings="del", numbers="jq", end="\n"),
    Printer(name="jq -c", strings="del", numbers="jq", end="\n"),
    Printer(name="jq -S", layout="two", strings="del", numbers="jq", order="sorted", end="\n"),
    Printer(name="jq -cS", strings="del", numbers="jq", order="sorted", end="\n"),
    Printer(name="jq 1.7", layout="two", strings="del", end="\n"),
    Printer(name="jq 1.7 -c", strings="del", end="\n"),
)

Words = dict[str, str]


class Press:
    """Prints one JSON text in many ways; what the ways have in common is worked out once."""

    def __init__(self, text: JsonText) -> None:
        self.text = text
        words = set(text.tokens)
        self._odd = [word for word in words if word[0] == '"' and ODD.search(word)]
        self._numbers = [word for word in words if word[0] in "-0123456789"]
        self._voices: list[Words] = [{}]
        self._strings_in: dict[str, Words] = {"kept": {}}
        self._numbers_in: dict[str, Words] = {"kept": {}}
        self._pieces: dict[tuple[str, int], Tokens] = {}
        self._places: dict[tuple[str, bool], list[int]] = {}
        self._gaps: dict[tuple[str, str], list[str]] = {}

    def _strings(self, style: str) -> Words:
        """The string tokens that a row of `STRINGS` writes otherwise than they were received."""
        if style not in self._strings_in:
            write = writer(STRINGS[style])
            self._strings_in[style] = {word: new for word in self._odd if (new := write(word)) != word}
        return self._strings_in[style]

    def _numbers_as(self, style: str) -> Words:
        """The numbers that a row of `NUMBERS` writes otherwise."""
        if style not in self._numbers_in:
            write = NUMBERS[style]
            every = style == "doubles"  # only there `1` changes
            odd = [word for word in self._numbers if every or not (whole(word) and len(word) < 16 and word != "-0")]
            self._numbers_in[style] = {word: new for word in odd if (new := write(word)) != word}
        return self._numbers_in[style]

    def voice(self, strings: str, numbers: str) -> int:
        """A number for what the two forms change in this text; equal when they change the same."""
        words = self._strings(strings) | self._numbers_as(numbers)
        if words not in self._voices:
            self._voices.append(words)
        return self._voices.index(words)

    def print(self, order: str, layout: str, voice: int) -> bytes:
        """The whole text in one way."""
        if (order, voice) not in self._pieces:
            self._pieces[order, voice] = self.said(self.text.ordered(order), voice)
        return self.woven(self._pieces[order, voice], order, layout)

    def said(self, tokens: Tokens, voice: int) -> Tokens:
        """The tokens in a voice's words."""
        words = self._voices[voice]
        return tuple(map(words.get, tokens, tokens)) if words else tokens

    def woven(self, pieces: Tokens, order: str, layout: str) -> bytes:
        """The pieces that stand for the tokens of an order, with a layout's white space."""
        if layout == "compact":
            return "".join(pieces).encode("utf-8", "surrogatepass")
        if (order, layout) not in self._gaps:
            row = LAYOUTS[layout]
            texts = white_space(row)
            self._gaps[order, layout] = [texts[place] for place in self._places_of(order, row.arrays_inline)]
        text = [""] * (2 * len(pieces))
        text[0::2], text[1::2] = pieces, self._gaps[order, layout]
        return "".join(text).encode("utf-8", "surrogatepass")

    def _places_of(self, order: str, inline: bool) -> list[int]:
        if (order, inline) not in self._places:
            self._places[order, inline] = places(self.text.ordered(order), inline)
        return self._places[order, inline]

    def by(self, printer: Printer) -> bytes:
        """The text as a library prints it."""
        voice = self.voice(printer.strings, printer.numbers)
        return self.print(self.text.named(printer.order), printer.layout, voice) + printer.end.encode()

    def everywhere(self) -> Iterator[tuple[str, bytes]]:
        """Every way of printing, the likeliest first, each once, with words for it: `the body …`.

        First other white space alone, then the libraries, then whatever lies between them.
        """
        done: set[tuple[str, str, int]] = set()
        for words, order, layout, strings, numbers in _ways():
            way = (self.text.named(order), layout, self.voice(strings, numbers))
            if way not in done:
                done.add(way)
                yield words, self.print(*way)

    def names(self, body: bytes) -> tuple[str, ...]:
        """The libraries that print exactly this body from the same text."""
        return tuple(printer.name for printer in PRINTERS if self.by(printer) == body)


def _ways() -> Iterator[tuple[str, str, str, str, str]]:
    """Words, order, layout, strings and numbers of everything that `everywhere` prints."""
    for layout, row in LAYOUTS.items():
        yield f"printed {row.label}", "kept", layout, "kept", "kept"
    for printer in PRINTERS:
        words = f"as {printer.name} prints it"
        yield words, printer.order, printer.layout, printer.strings, printer.numbers
    natural = {printer.strings: printer.numbers for printer in reversed(PRINTERS)}
    for order in ("kept", "sorted"):
        for strings in ("kept", *STRINGS):
            for numbers in dict.fromkeys(("kept", natural.get(strings, "kept"), "javascript", "python")):
                for layout, row in LAYOUTS.items():
                    yield _words(order, row, strings), order, layout, strings, numbers


def _words(order: str, row: Layout, strings: str) -> str:
    escapes = f", {STRINGS[strings].label}" if strings != "kept" else ""
    return f"printed {row.label}{escapes}{' with sorted keys' if order == 'sorted' else ''}"
