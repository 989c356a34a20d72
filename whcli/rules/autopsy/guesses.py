"""What a re-printed JSON text has lost, guessed: the zeros of `10.00`, and `{}` that became `[]`.

JavaScript, Go and PHP read `10.00` and write `10`. Which whole numbers were decimals cannot be seen any more; but one
name (`price`) has one form throughout a document, so numbers are tried by the name they stand under.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations

from .numbers import whole
from .printers import Press
from .tokens import Tokens

MOST_BYTES = 16_000_000  # of all guesses together
MOST = 500  # guesses
MOST_NAMES = 12  # of which two are tried together
LAYOUTS = ("compact", "spaced", "two")
VOICES = (("kept", "kept"), ("plain", "kept"), ("ascii", "kept"), ("ascii_slashes", "kept"))

Named = dict[str, list[int]]
Changes = dict[int, str]


def guesses(press: Press) -> Iterator[tuple[str, bytes]]:
    """Bodies with words for them: `the body …`."""
    left = MOST_BYTES
    voices = list(dict.fromkeys(press.voice(*form) for form in VOICES))
    for words, pieces in _rewritten(press.text.tokens):
        for voice in voices:
            for layout in LAYOUTS:
                made = press.woven(press.said(pieces, voice), "kept", layout)
                left -= len(made) + MOST_BYTES // MOST
                if left < 0:
                    return
                yield words, made


def _rewritten(tokens: Tokens) -> Iterator[tuple[str, Tokens]]:
    """The tokens with one guess made, each result once."""
    done: set[int] = set()
    for words, changes in _changes(tokens):
        mark = hash(tuple(changes.items()))
        if changes and mark not in done:
            done.add(mark)
            pieces = list(tokens)
            for place, new in changes.items():
                pieces[place] = new
            yield words, tuple(pieces)


def _changes(tokens: Tokens) -> Iterator[tuple[str, Changes]]:
    """Words, and which token becomes what."""
    numbers, empties = named(tokens)
    for words, write in NUMBER_GUESSES:
        made = {name: _changed(tokens, places, write) for name, places in numbers.items()}
        decimals = [made[name] for name, places in numbers.items() if not all(whole(tokens[at]) for at in places)]
        for changes in _together(decimals, list(made.values())):
            yield words, changes
    objects = [{at: "{", at + 1: "}"} for places in empties.values() for at in places]
    for changes in _together(objects, objects):
        yield "with {} for []", changes


def _together(likely: list[Changes], every: list[Changes]) -> Iterator[Changes]:
    """The likely ones at once, all at once, one by one, each with the likely ones, and by twos."""
    ones = [[changes] for changes in every]
    twos = [list(pair) for pair in combinations(every, 2)] if len(every) <= MOST_NAMES else []
    for group in (likely, every, *ones, *(likely + one for one in ones), *twos, *(likely + two for two in twos)):
        yield {place: new for changes in group for place, new in changes.items()}


def _changed(tokens: Tokens, places: list[int], write: Callable[[str], str]) -> Changes:
    return {at: new for at in places if (new := write(tokens[at])) != tokens[at]}


def _with_zero(number: str) -> str:
    return f"{number}.0" if whole(number) else number


def _two_decimals(number: str) -> str:
    if whole(number):
        return f"{number}.00"
    return f"{number}0" if re.fullmatch(r"-?\d+\.\d", number) else number


NUMBER_GUESSES = (
    ("with .0 behind whole numbers", _with_zero),
    ("with two decimals in its numbers", _two_decimals),
)


def named(tokens: Tokens) -> tuple[Named, Named]:
    """Where numbers and empty arrays stand, by the name of the member that holds them."""
    numbers: Named = {}
    empties: Named = {}
    names = [""]
    for at, (token, following) in enumerate(zip(tokens, (*tokens[1:], ""), strict=True)):
        if following == ":":
            names[-1] = token
        elif token in ("{", "["):
            if token + following == "[]":
                empties.setdefault(names[-1], []).append(at)
            names.append(names[-1])
        elif token in ("}", "]"):
            names.pop()
        elif token[0] in "-0123456789":
            numbers.setdefault(names[-1], []).append(at)
    return numbers, empties
