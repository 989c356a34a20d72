"""Secrets that travel in a field of the JSON body: read from there, and written there without touching another byte.

The row's `field` is a dotted path; `name[]` stands for every item of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ....words.errors import WrongUsage
from ....words.event import Message, Verdict
from ....words.secret import Secret
from ... import jsontext
from ..carried import Malformed, Signed
from ..digests import BadKey
from ..scheme import Scheme
from ..weighing import comparing, unreadable, weigh


def sign(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Write the secret into the body's field. Raises WrongUsage where the body has no place for it, and BadKey."""
    try:
        text = secrets[0].value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadKey("is no UTF-8 text") from None
    body = message.body
    try:
        parsed = jsontext.parsed(body)
        for path in paths(scheme, parsed):
            if jsontext.at(parsed, path) != text:
                body = jsontext.put(body, path, text)
    except jsontext.NoPlace as error:
        raise WrongUsage(
            f"{scheme.name} carries its secret inside the body, and {error}",
            code="unsignable",
            next=f"give a JSON object with room for {scheme.field}",
        ) from None
    return Signed(headers=(), body=body, url=message.url)


def verify(
    scheme: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, tolerance: float | None = None
) -> Verdict:
    """Check that every place of the field holds one of the secrets. Never raises on bad input."""
    try:
        given = _given(scheme, message.body)
    except Malformed as error:
        return unreadable(scheme, error)
    verdicts = [
        weigh(scheme, secrets, each, None, tolerance, comparing(lambda secret: [secret.value], [each]))
        for each in given
    ]
    return next((verdict for verdict in verdicts if not verdict.ok), verdicts[0])


def paths(scheme: Scheme, parsed: object) -> list[jsontext.Path]:
    """Where the field stands in a parsed body; raises NoPlace when there is no place for it."""
    found = list(_walk(parsed, scheme.field.split("."), ()))
    if not found:
        raise jsontext.NoPlace(f"the body has no place for {scheme.field}")
    return found


def _walk(value: object, steps: list[str], path: jsontext.Path) -> Iterator[jsontext.Path]:
    if not steps:
        yield path
        return
    step, rest = steps[0], steps[1:]
    if not step.endswith("[]"):
        yield from _walk(jsontext.at(value, (step,)), rest, (*path, step))
        return
    items = jsontext.at(value, (step[:-2],))
    for place, item in enumerate(items if isinstance(items, list) else ()):
        yield from _walk(item, rest, (*path, step[:-2], place))


def _given(scheme: Scheme, body: bytes) -> list[bytes]:
    """The values that the body holds; raises Malformed when one is missing."""
    try:
        parsed = jsontext.parsed(body)
        places = paths(scheme, parsed)
    except jsontext.NoPlace as error:
        raise Malformed("body_malformed", str(error)) from None
    given = [jsontext.text(jsontext.at(parsed, path)) for path in places]
    if not all(given):
        raise Malformed("signature_missing", f"the body holds no {scheme.field}")
    return given
