"""Numbers in JSON as each language writes them after reading them.

All languages here print the shortest digits that read back as the same IEEE 754 double; they differ in when they write
an exponent, and in what it looks like. Whether a number written without `.` and exponent stays an integer differs too.

Every row was checked against the language's own output (2026-11-23): node 20, CPython 3.11, Go 1.26, Ruby 3.1, PHP 8.2,
Jackson 2.14 and Gson 2.10 on Java 17, jq 1.6. Java before 19 prints some doubles with a digit too many (JDK-4511638),
which is not imitated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Digits(NamedTuple):
    """A double as `0.DIGITS` times ten to the power `point`, and its sign; zero has no digits."""

    sign: str
    digits: str
    point: int


def digits_of(text: str) -> Digits | None:
    """The shortest digits of a number; None when it is beyond a double."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return None
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return Digits("-" if text.startswith("-") else "", digits.rstrip("0"), point)


def fixed(number: Digits, tail: str) -> str:
    """Without exponent; `tail` ends a whole number: nothing, or `.0`."""
    _, digits, point = number
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits)) + tail
    return f"{digits[:point]}.{digits[point:]}"


def scientific(number: Digits, mark: str, plus: str, width: int, tail: str) -> str:
    """`1.5e+300`: the exponent's mark, the sign of a positive one, its least width, and what a lone digit gets."""
    _, digits, point = number
    exponent = point - 1
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits + tail
    return f"{mantissa}{mark}{'-' if exponent < 0 else plus}{abs(exponent):0{width}}"


class Form(NamedTuple):
    """How a language writes a double."""

    zero: str
    minus_zero: str
    low: int  # written without exponent when low < point <= high
    high: int
    tail: str  # what a whole number ends with
    mark: str = "e"
    plus: str = "+"
    width: int = 1
    lone: str = ""  # what a single digit gets before the exponent


JAVASCRIPT = Form("0", "0", -6, 21, "")  # ECMA-262 Number::toString
GO = Form("0", "-0", -6, 21, "")  # encoding/json floatEncoder
PYTHON = Form("0.0", "-0.0", -4, 16, ".0", width=2)  # float.__repr__
RUBY = Form("0.0", "-0.0", -4, 15, ".0", width=2, lone=".0")  # Float#to_s
PHP = Form("0", "-0", -4, 17, "", lone=".0")  # serialize_precision = -1
JAVA = Form("0.0", "-0.0", -3, 7, ".0", mark="E", plus="", lone=".0")  # Double.toString
JQ = Form("0", "-0", -4, 17, "", width=2)


def written(text: str, form: Form) -> str:
    """A number's text read as a double and written in a form; unchanged where a double cannot hold it."""
    number = digits_of(text)
    if number is None:
        return text
    if not number.digits:
        return form.minus_zero if number.sign else form.zero
    if form.low < number.point <= _high(form, number):
        return number.sign + fixed(number, form.tail)
    return number.sign + scientific(number, form.mark, form.plus, form.width, form.lone)


def _high(form: Form, number: Digits) -> int:
    """jq counts the zeros behind the digits, Ruby has one place more for a fraction, the others count places."""
    if form is JQ:
        return len(number.digits) + 15
    return form.high + (form is RUBY and len(number.digits) > number.point)


def whole(text: str) -> bool:
    """True for a number without fraction and exponent."""
    return not any(mark in text for mark in ".eE")


def _integers(form: Form) -> Callable[[str], str]:
    """Whole numbers stay as they are, of any length; `-0` is 0."""

    def write(text: str) -> str:
        if whole(text):
            return "0" if text == "-0" else text
        return written(text, form)

    return write


def _php(text: str) -> str:
    """Whole numbers beyond 64 bits become doubles."""
    if whole(text) and len(text) < 21 and -(2**63) <= int(text) < 2**63:
        return "0" if text == "-0" else text
    return written(text, PHP)


NUMBERS: dict[str, Callable[[str], str]] = {
    "kept": lambda text: text,
    "javascript": lambda text: written(text, JAVASCRIPT),
    "go": lambda text: written(text, GO),
    "python": _integers(PYTHON),
    "ruby": _integers(RUBY),
    "php": _php,
    "java": _integers(JAVA),
    "doubles": lambda text: written(text, JAVA),  # Gson reads every number into a double
    "jq": lambda text: written(text, JQ),
}
"""How each language writes a number's text after reading it."""
