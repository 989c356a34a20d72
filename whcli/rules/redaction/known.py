"""Secrets that the user has configured, in every form in which they can turn up in a request."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from .kinds import Find

SHORTEST = 4  # characters; what is shorter stands everywhere
CLEAR = 8  # characters from which on a form counts inside a word too


class Known:
    """Finds secrets by value."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        forms = {form for secret in secrets for form in _forms(secret.strip()) if len(form) >= SHORTEST}
        longest = sorted(forms, key=lambda form: (-len(form), form))
        patterns = [re.escape(form) if len(form) >= CLEAR else rf"(?<!\w){re.escape(form)}(?!\w)" for form in longest]
        self._form = re.compile("|".join(patterns)) if patterns else None

    def found_in(self, text: str) -> Iterator[Find]:
        """Every place where one stands."""
        if self._form is not None:
            yield from (Find("secret", *match.span(), match.group()) for match in self._form.finditer(text))


class Again:
    """Finds values that other places of the same request said are secret, wherever they stand by themselves.

    There can be thousands of them, so a text is looked at once: the letters and digits that begin one tell where it
    would begin and end, and what stands there is one of them or not.
    """

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """`values` are kinds with a value each; what cannot be told from other text is left out."""
        kinds = {_told(kind, value): kind for kind, value in values if _is_telling(kind, value)}
        self._kinds = kinds
        self._shapes: dict[str, dict[tuple[int, int], None]] = {}  # run -> letters before it, length; the longest first
        for value in sorted(kinds, key=len, reverse=True):
            run = _RUN.search(value)
            if run is not None:
                self._shapes.setdefault(run.group(), {})[run.start(), len(value)] = None

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def found_in(self, text: str) -> Iterator[Find]:
        """Every place where one stands."""
        for run in _RUN.finditer(text) if self._shapes else ():
            for before, length in self._shapes.get(run.group(), ()):
                begin, end = run.start() - before, run.start() - before + length
                kind = self._kinds.get(text[begin:end]) if begin >= 0 else None
                if kind is not None and _stands_alone(text, begin, end):
                    yield Find(kind, begin, end, text[begin:end])


_RUN = re.compile(r"[^\W_]+")


def _stands_alone(text: str, begin: int, end: int) -> bool:
    return not (text[begin - 1 : begin].isalnum() or text[end : end + 1].isalnum())


def _told(kind: str, value: str) -> str:
    return re.sub(r"\D", "", value) if kind == "phone" else value


def _is_telling(kind: str, value: str) -> bool:
    if kind == "phone":
        return sum(letter.isdigit() for letter in value) >= 9
    return kind in ("password", "secret", "token", "credential") and len(value) >= CLEAR and not value.isalpha()


NOTHING_AGAIN = Again(())


def _forms(secret: bytes) -> Iterator[str]:
    text = secret.decode("utf-8", "replace")
    for each in {text, text.partition("_")[2] if text.startswith(("whsec_", "whsk_")) else text}:
        yield from (each, quote(each, safe=""), quote(each), quote_plus(each), html.escape(each))
        yield from (json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1])
    yield from (secret.hex(), secret.hex().upper())
    for shift in range(3) if len(secret) >= CLEAR else ():  # base64 of a text around it has one of three forms
        encoded = base64.b64encode(b"\x00" * shift + secret)
        whole = (len(secret) + shift) // 3 * 4  # the last group depends on what follows
        form = encoded[(0, 2, 3)[shift] : whole].decode()
        yield from (form, form.replace("+", "-").replace("/", "_"))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from (encode(secret).decode(), encode(secret).decode().rstrip("="))
