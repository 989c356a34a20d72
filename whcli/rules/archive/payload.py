"""A body as a fixture holds it: as JSON, as text, or in base64; the most readable form that gives back every byte.

As JSON only the tokens are kept, re-indented and with readable characters, beside the names of the white space and the
escapes between which the body is written: `compact plain` is what JavaScript's `JSON.stringify` prints, `spaced ascii`
Python's `json.dumps`. Numbers and repeated names stay as they are. Where no such pair gives the body back, it is text.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from ..autopsy.printers import Press
from ..autopsy.styles import LAYOUTS, STRINGS, Escapes, writer
from ..autopsy.tokens import DEEPEST, TOKEN, JsonText, depth, read_json
from ..text import UNSHOWN

LARGEST = 1 << 20  # bytes; a larger body is text or base64, and no line of it is looked at
KEPT = "kept"  # the escapes of a body that mixes several ways: its strings stand as they came
NEWLINE = "newline"  # one line feed behind the value
CONSTANTS = {"NaN", "Infinity", "-Infinity"}  # Python prints and reads them; RFC 8259 section 6 has no such numbers
LINE = re.compile(r"[^\n]*\n|[^\n]+")
NAMES = ("body_json", "body_printed", "body_text", "body_base64")
SHOWN = Escapes(label="what cannot be seen escaped", also=r"\x7f", beyond=UNSHOWN)
_UNSEEN = re.compile(f"[{UNSHOWN}]")
"""What a file holds as escapes only: characters that move a cursor, turn a line around or cannot be seen."""


def quoted(text: str) -> str:
    """A text as a JSON string for a file."""
    return _UNSEEN.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def written(body: bytes, indent: str) -> dict[str, str]:
    """The fields that hold a body, as JSON texts; `indent` is what stands before lines inside (empty: one line)."""
    return _as_json(body, indent) or _as_text(body, indent) or {"body_base64": f'"{base64.b64encode(body).decode()}"'}


def read(record: dict[str, Any], texts: dict[str, str]) -> bytes:
    """The body of a record; `texts` has its fields as the JSON texts they are written as.

    Raises ValueError, TypeError or AttributeError for what can be no body.
    """
    given = [name for name in NAMES if name in record and name != "body_printed"]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} exclude each other")
    if "body_json" in record:
        return printed(texts["body_json"], record.get("body_printed", "compact plain"))
    if "body_base64" in record:
        return base64.b64decode(record["body_base64"], validate=True)
    text = record.get("body_text", "")
    return ("".join(text) if isinstance(text, list) else text).encode()


# -- as JSON --------------------------------------------------------------------------------------------------------


def _as_json(body: bytes, indent: str) -> dict[str, str]:
    """The body's tokens and how they are printed; empty where that does not give it back."""
    text = read_json(body) if len(body) <= LARGEST else None
    if text is None or not CONSTANTS.isdisjoint(text.tokens):
        return {}
    press = Press(text)
    end = "\n" if body.endswith(b"\n") else ""
    layout = next((name for name in LAYOUTS if press.print(KEPT, name, 0) + end.encode() == body), None)
    if layout is None:
        return {}
    strings = next((name for name in STRINGS if press.voice(name, KEPT) == 0), KEPT)
    shown = _shown(text, strings)
    if shown is None:
        return {}
    words = [layout, strings, *([NEWLINE] if end else [])]
    return {"body_json": _laid_out(shown, indent), "body_printed": json.dumps(" ".join(words))}


def _shown(text: JsonText, strings: str) -> JsonText | None:
    """The tokens with readable strings; None where they have to stand as they came and cannot be shown so."""
    if strings == KEPT:
        return None if any(map(_UNSEEN.search, text.tokens)) else text
    write = writer(SHOWN)
    return JsonText(tuple(write(token) if token[0] == '"' else token for token in text.tokens))


def _laid_out(text: JsonText, indent: str) -> str:
    printed = Press(text).print(KEPT, "two" if indent else "compact", 0).decode()
    return printed.replace("\n", "\n" + indent)


def printed(text: str, how: str) -> bytes:
    """The tokens of a JSON text printed as two names, and perhaps `newline`, say."""
    words = how.split(" ")
    layout, strings, end = (*words, "", "", "")[:3]
    if layout not in LAYOUTS or strings not in (KEPT, *STRINGS) or end not in ("", NEWLINE) or len(words) > 3:
        raise ValueError(f"body_printed says '{how}', which names no way of printing")
    tokens = JsonText(tuple(TOKEN.findall(text)))
    if depth(tokens.tokens) > DEEPEST:
        raise ValueError("body_json is nested too deeply")
    press = Press(tokens)
    return press.print(KEPT, layout, press.voice(strings, KEPT)) + (b"\n" if end else b"")


# -- as text --------------------------------------------------------------------------------------------------------


def _as_text(body: bytes, indent: str) -> dict[str, str]:
    """The body as one JSON string, or as a list of its lines; empty where it is no UTF-8."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {}
    if len(body) > LARGEST and len(quoted(text)) > 4 * len(body) // 3:
        return {}  # mostly escapes: base64 says the same in less
    lines = LINE.findall(text) if indent and len(body) <= LARGEST else []
    if len(lines) < 2:
        return {"body_text": quoted(text)}
    inner = ",\n".join(f"{indent}  {quoted(line)}" for line in lines)
    return {"body_text": f"[\n{inner}\n{indent}]"}
