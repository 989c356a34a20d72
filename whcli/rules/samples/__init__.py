"""Sample events of our own making: templates as tables, and the request that one of them becomes.

The templates stand beside this file, one TOML file a provider; `hands/sending/samples.py` reads them, and the user's
own in the same form. A file:

    json = "compact"                      # how its JSON is written, a name in STYLES
    [headers]                             # of every event; an event's own come in their places or after them
    Content-Type = "application/json"
    [parts]                               # texts that several events share: {{part:customer}}
    customer = '{"id":"cus_{{text:customer:14}}"}'
    [[events]]
    type = "order.paid"                   # what one types
    says = "an order is paid"
    body = '{"id":"{{uuid:event}}","type":"order.paid","at":{{unix}},"customer":{{part:customer}}}'

`form` in place of `body` is a table of form fields. `seen_as` is the type that a listener shows, where that is another
one; `after` stands behind the body; `provider` and `scheme` belong to a provider of the user's. Shapes are the ones of
the page in `source`, values are invented.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any
from urllib.parse import urlencode

from ...words.errors import WrongUsage
from ...words.event import Message
from ...words.record import record
from ..near import meant, unknown
from .fresh import BadPlace, filled

FORM = "application/x-www-form-urlencoded"


def _printed(text: str, **how: Any) -> str:
    return json.dumps(json.loads(text), **how)


STYLES: dict[str, Callable[[str], str]] = {
    "compact": lambda text: _printed(text, ensure_ascii=False, separators=(",", ":")),
    "ascii": lambda text: _printed(text, separators=(",", ":")),
    "escaped": lambda text: _printed(text, separators=(",", ":")).replace("/", "\\/"),
    "indented": lambda text: _printed(text, ensure_ascii=False, indent=2),
    "written": str.strip,
}
"""How senders print their JSON: as JavaScript does, with \\uXXXX, as PHP does, on many lines, as the file has it."""


@record
class Sample:
    """One template: an event of a provider before it has ids and times."""

    provider: str
    type: str  # what one types
    says: str  # what happened, in a few words
    seen_as: str  # the type that a listener shows
    origin: str  # the file, for error messages
    headers: tuple[tuple[str, str], ...]
    body: str = ""
    form: tuple[tuple[str, str], ...] = ()  # in place of a body
    method: str = "POST"
    style: str = "compact"  # a name in STYLES
    after: str = ""  # stands behind the body
    scheme: str | None = None  # what it is signed with; None: the provider's own
    parts: Mapping[str, str] = field(default_factory=dict)


def made(sample: Sample, *, now: float, token: str) -> Message:
    """The request that a template becomes at `now` (unix seconds, UTC), with ids made from a random `token`.

    Not signed, and for no URL yet. Raises WrongUsage for a template of the user's that cannot be filled.
    """

    def fill(text: str) -> str:
        return filled(text, now=now, token=token, parts=sample.parts)

    try:
        body = _form(sample, fill) if sample.form else STYLES[sample.style](fill(sample.body)) + fill(sample.after)
        headers = tuple((name.encode(), fill(value).encode()) for name, value in sample.headers)
    except (BadPlace, ValueError, OverflowError) as error:
        raise WrongUsage(
            f"the sample {sample.provider} {sample.type} in {sample.origin} cannot be made: {error}",
            code="bad_sample",
            next=f"edit {sample.origin}",
        ) from None
    return Message(method=sample.method, url="", headers=headers, body=body.encode())


def _form(sample: Sample, fill: Callable[[str], str]) -> str:
    """The form's fields; a field that holds JSON is printed in the file's style."""
    return urlencode([(name, _field(fill(value), STYLES[sample.style])) for name, value in sample.form])


def _field(text: str, print_json: Callable[[str], str]) -> str:
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return print_json(text)
    except ValueError:
        return text


# -- reading a file's tables ----------------------------------------------------------------------------------------

FILE = {"provider": str, "scheme": str, "source": str, "json": str, "headers": dict, "parts": dict, "events": list}
EVENT = {
    "type": str,
    "says": str,
    "seen_as": str,
    "method": str,
    "json": str,
    "headers": dict,
    "body": str,
    "form": dict,
    "after": str,
}
"""The keys of a file and of one of its events, and the types they take."""


def samples_in(tables: Mapping[str, Any], provider: str, origin: str) -> tuple[Sample, ...]:
    """The templates of a file that has been read; `provider` is whose they are unless the file says so.

    Raises WrongUsage naming the file and the key for what it cannot mean.
    """
    _check(tables, FILE, origin, "")
    _texts(tables, origin, "", ("headers", "parts"))
    return tuple(_sample(tables, event, provider, origin) for event in tables.get("events", ()))


def _sample(tables: Mapping[str, Any], event: Any, provider: str, origin: str) -> Sample:
    if not isinstance(event, dict) or not event.get("type"):
        raise _wrong(origin, "events", "lacks a type; write [[events]] and a type in each")
    name = f"{event['type']}: "
    _check(event, EVENT, origin, name)
    _texts(event, origin, name, ("headers", "form"))
    if ("body" in event) is ("form" in event):
        raise _wrong(origin, f"{name}body", "or form: one of them must be there, and only one")
    style = event.get("json", tables.get("json", "compact"))
    if style not in STYLES:
        raise _wrong(origin, f"{name}json", f"is not one of {', '.join(STYLES)}")
    return Sample(
        provider=tables.get("provider", provider),
        type=event["type"],
        says=event.get("says", ""),
        seen_as=event.get("seen_as") or event["type"],
        origin=origin,
        headers=_headers(tables.get("headers", {}), event.get("headers", {}), form="form" in event),
        body=event.get("body", ""),
        form=tuple(event.get("form", {}).items()),
        method=event.get("method", "POST"),
        style=style,
        after=event.get("after", ""),
        scheme=tables.get("scheme"),
        parts=tables.get("parts", {}),
    )


def _headers(every: Mapping[str, str], own: Mapping[str, str], *, form: bool) -> tuple[tuple[str, str], ...]:
    """An event's headers; a form says that it is one."""
    headers = _merged(every, own)
    said = any(name.lower() == "content-type" and value.startswith(FORM) for name, value in headers)
    return _merged(dict(headers), {"Content-Type": FORM}) if form and not said else headers


def _merged(every: Mapping[str, str], own: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Every event's headers with this event's own in their places; new ones stand after them."""
    given = {name.lower(): value for name, value in own.items()}
    kept = tuple((name, given.pop(name.lower(), value)) for name, value in every.items())
    return kept + tuple((name, value) for name, value in own.items() if name.lower() in given)


def _check(table: Mapping[str, Any], known: Mapping[str, type], origin: str, where: str) -> None:
    for key, value in table.items():
        if key not in known:
            found = meant(key, known)
            raise _wrong(
                origin, f"{where}{key}", "is no key of a sample" + (f"; did you mean {found}?" if found else "")
            )
        if not isinstance(value, known[key]):
            raise _wrong(origin, f"{where}{key}", "has the wrong type")


def _texts(table: Mapping[str, Any], origin: str, where: str, names: Sequence[str]) -> None:
    """These tables hold texts alone."""
    for name in names:
        for key, value in table.get(name, {}).items():
            if not isinstance(value, str):
                raise _wrong(origin, f"{where}{name}.{key}", "is not a text; write it in quotes")


def _wrong(origin: str, key: str, what: str) -> WrongUsage:
    return WrongUsage(f"'{key}' in {origin} {what}", code="bad_sample", next=f"edit {origin}")


# -- finding one ----------------------------------------------------------------------------------------------------


def sample_named(samples: Sequence[Sample], provider: str, type: str) -> Sample:
    """The template of that type, in any case; the type that a listener shows does as well, where it is one's alone.

    `samples` are the provider's. Raises WrongUsage with a suggestion.
    """
    wanted = type.lower()
    ways: tuple[Callable[[Sample], str], ...] = (lambda each: each.type, lambda each: each.seen_as)
    for way in ways:
        found = [sample for sample in samples if way(sample).lower() == wanted]
        if len(found) == 1:
            return found[0]
    names = [sample.type for sample in samples]
    shown = [*names, *(sample.seen_as for sample in samples)]
    raise unknown(f"{provider} sample", type, shown, next=f"whcli send {provider} --list        shows them")


def joined(ours: Sequence[Sample], theirs: Sequence[Sample]) -> tuple[Sample, ...]:
    """Our samples and the user's; of the same provider and type the user's stands in the place of ours."""
    own = {(sample.provider, sample.type): sample for sample in theirs}
    kept = tuple(own.pop((sample.provider, sample.type), sample) for sample in ours)
    return kept + tuple(own.values())


__all__ = ["STYLES", "Sample", "joined", "made", "sample_named", "samples_in"]
