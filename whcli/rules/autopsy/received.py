"""What an application hashed, held against what was sent: the first difference, and what explains it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from .bodies import Body, done, stringified
from .forms import is_form, pairs
from .printers import PRINTERS, Press
from .tokens import JsonText, read_json

PRINTED = 64_000_000  # bytes that are printed at most


def explained(sent: bytes, hashed: bytes) -> Body:
    """The transformation that makes the one of the other; a bare statement of the difference where none does."""
    for body in _candidates(sent):
        if body.body == hashed:
            return body
    if sent.startswith(hashed):
        return Body("body_truncated", f"cut off after {len(hashed)} of {len(sent)} bytes", hashed)
    return Body("body_differs", f"with other bytes, {len(hashed)} in place of {len(sent)}", hashed)


def _candidates(sent: bytes) -> Iterator[Body]:
    yield from done(sent)
    text = read_json(sent)
    if text is not None:
        yield from _printed(text, "body_reserialised")
    elif form := _form_text(sent):
        yield from _printed(form, "form_became_json")
    yield from stringified(sent)


def _printed(text: JsonText, code: str) -> Iterator[Body]:
    """The JSON as every library prints it, then in every other way, until `PRINTED` bytes are made."""
    press, left = Press(text), PRINTED
    libraries = ((f"as {printer.name} prints it", press.by(printer)) for printer in PRINTERS)
    for words, body in chain(libraries, press.everywhere()):
        yield Body(code, words, body)
        yield Body(code, f"{words}, with a newline at its end", body + b"\n")
        left -= len(body)
        if left < 0:
            return


def _form_text(sent: bytes) -> JsonText | None:
    """A form as the JSON object that frameworks make of it; the last of a repeated field counts."""
    if not is_form(sent):
        return None
    fields = {name.decode("utf-8", "replace"): (value or b"").decode("utf-8", "replace") for name, value in pairs(sent)}
    return read_json(json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"))
