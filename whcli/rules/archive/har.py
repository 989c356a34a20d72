"""HAR 1.2, as browsers, mitmproxy and many others write and read it; what it has no place for stands under `_whcli`.

Facts (softwareishard.com/blog/har-12-spec, read 2026-11-26): a custom field begins with `_`; `postData.text` is text,
so that bytes that are no UTF-8 have no place; `bodySize` is -1 where it is not known. mitmproxy writes
`postData.text` as the decoded text of POST, PUT and PATCH (mitmproxy/addons/savehar.py at 056123bf), Chrome adds the
pseudo-headers of HTTP/2, which no HTTP/1.1 request has. `postData.params` takes the place of `text` for forms in some
tools. One URL that is none makes mitmproxy refuse the whole file, so `url` is always one (RFC 3986), whatever was sent.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from ... import __version__
from ...words.event import Event, every, first
from ...words.fixture import Fixture
from ..text import rfc3339
from .fixture import OURS, plain_head
from .foreign import Read, foreign_event, host_of, moment_of, target_of
from .records import pairs, read_event

SCHEMA = "whcli.har/1"
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_IN_URL = "!$&'()*+,/:;=?@-._~%"  # RFC 3986 appendix A: what a path and a query may hold
_ODD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def har_text(fixtures: Iterable[Fixture]) -> str:
    """The whole file."""
    creator = {"name": "whcli", "version": __version__}
    log = {"version": "1.2", "creator": creator, "entries": [_entry(fixture) for fixture in fixtures]}
    return json.dumps({"log": log}, indent=2) + "\n"


def _entry(fixture: Fixture) -> dict[str, Any]:
    event = fixture.event
    return {
        "startedDateTime": rfc3339(event.received_at),
        "time": 0,
        "request": _request(event),
        "response": {
            **{"status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": []},
            "content": {"size": 0, "mimeType": ""},
            **{"redirectURL": "", "headersSize": -1, "bodySize": -1},
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "_whcli": _ours(fixture),
    }


def _request(event: Event) -> dict[str, Any]:
    query = event.target.partition(b"?")[2].decode("utf-8", "replace")
    text = _text(event.body)
    mime = (first(event.headers, b"content-type") or b"").decode("latin-1")
    return {
        "method": event.method.decode("latin-1"),
        "url": _url(event),
        "httpVersion": f"HTTP/{event.version}",
        "cookies": [*_cookies(event)],
        "headers": [{"name": name, "value": value} for name, value in pairs(event.headers)],
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)],
        **({"postData": {"mimeType": mime, "text": text}} if event.body and text is not None else {}),
        "headersSize": len(event.head or plain_head(event)),
        "bodySize": len(event.body),
    }


def _url(event: Event) -> str:
    host = (first(event.headers, b"host") or b"").decode("latin-1")
    authority = host if _AUTHORITY.fullmatch(host) else "localhost"
    path = target_of(_ODD_PERCENT.sub("%25", quote(event.target, safe=_IN_URL)))
    return f"http://{authority}{path if path.startswith('/') else '/' + path}"


def _cookies(event: Event) -> Iterator[dict[str, str]]:
    for value in every(event.headers, b"cookie"):
        for pair in value.decode("latin-1").split(";"):
            name, equals, said = pair.strip().partition("=")
            if equals:
                yield {"name": name, "value": said}


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _ours(fixture: Fixture) -> dict[str, Any]:
    """What HAR cannot say of an event, or not exactly."""
    event = fixture.event
    head = event.head if event.head not in (b"", plain_head(event)) else b""
    target = event.target.decode("latin-1")
    return {
        "schema": SCHEMA,
        "uid": event.uid,
        "redacted": fixture.redacted,
        **({"target": target} if target_of(_url(event)) != target else {}),
        **({"peer": event.peer} if event.peer is not None else {}),
        **({"trailers": pairs(event.trailers)} if event.trailers else {}),
        **({"body_base64": base64.b64encode(event.body).decode()} if _text(event.body) is None else {}),
        **({"head_base64": base64.b64encode(head).decode()} if head else {}),
        **({"fields": dict(fixture.fields)} if fixture.fields else {}),
    }


# -- reading --------------------------------------------------------------------------------------------------------


def is_har(record: dict[str, Any]) -> bool:
    """Whether a JSON object is a HAR file."""
    return isinstance(record.get("log"), dict) and isinstance(record["log"].get("entries"), list)


def from_har(record: dict[str, Any], now: float) -> Iterator[Read]:
    """Every request of a HAR file; raises what `records.WRONG` lists for one that is none."""
    for entry in record["log"]["entries"]:
        ours = entry.get("_whcli")
        known = isinstance(ours, dict) and ours.get("schema") == SCHEMA
        yield _exact(entry, ours) if known else _foreign(entry, now)


def _exact(entry: dict[str, Any], ours: dict[str, Any]) -> Read:
    request = entry["request"]
    record = {
        "target": target_of(request["url"]),
        "method": request["method"],
        "version": request["httpVersion"].removeprefix("HTTP/"),
        "headers": [[each["name"], each["value"]] for each in request["headers"]],
        "received_at": entry["startedDateTime"],
        **{name: value for name, value in ours.items() if name in OURS and name != "schema"},
    }
    body = (
        base64.b64decode(ours["body_base64"], validate=True)
        if "body_base64" in ours
        else request.get("postData", {}).get("text", "").encode()
    )
    head = base64.b64decode(ours.get("head_base64", ""), validate=True)
    fields = {str(name): _json(text) for name, text in ours.get("fields", {}).items()}
    event = read_event(record, head, body)
    return Read(Fixture(event=event, redacted=ours.get("redacted") is True, fields=fields))


def _json(text: str) -> str:
    try:
        json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text


def _foreign(entry: dict[str, Any], now: float) -> Read:
    request = entry["request"]
    given = [(each["name"], each["value"]) for each in request.get("headers", [])]
    headers = [pair for pair in given if not pair[0].startswith(":")]
    host = next((value for name, value in given if name.lower() in ("host", ":authority")), host_of(request["url"]))
    if host and not any(name.lower() == "host" for name, _ in headers):
        headers.insert(0, ("Host", host))
    body, note = _body(request)
    source = json.dumps([entry.get("startedDateTime"), request], sort_keys=True).encode()
    event = foreign_event(
        source=source,
        method=request["method"],
        url=request["url"],
        headers=headers,
        body=body,
        at=moment_of(entry.get("startedDateTime")),
        now=now,
    )
    return Read(Fixture(event=replace(event, peer=None)), note)


def _body(request: dict[str, Any]) -> tuple[bytes, str]:
    """The body, and a note where it cannot be the exact bytes."""
    data = request.get("postData") or {}
    text = data.get("text")
    if text is None and data.get("params") and "urlencoded" in (data.get("mimeType") or ""):
        return _form(
            data["params"], _length(request)
        ), "the HAR file holds its form's fields, of which the body was made"
    if text is None:
        size = request.get("bodySize", 0)
        return b"", f"the HAR file does not hold its body of {size} bytes" if data.get("params") or size > 0 else ""
    body: bytes = (
        base64.b64decode(text, validate=True)
        if data.get("encoding") == "base64"
        else _encoded(text, _length(request), data.get("mimeType") or "")
    )
    differs = _length(request) not in ("", str(len(body)))
    return body, "the HAR file holds its body as decoded text, not as the bytes that were sent" if differs else ""


def _length(request: dict[str, Any]) -> str:
    """What the request says of its body's length; empty where it says nothing."""
    said = (each["value"] for each in request.get("headers", []) if each["name"].lower() == "content-length")
    return next((str(value) for value in said), "")


def _encoded(text: str, length: str, mime: str) -> bytes:
    """A decoded body's bytes: in the character set in which it is as long as what was sent, where there is one.

    mitmproxy reads what says no character set as Latin-1 where it is no UTF-8, and keeps other bytes as surrogates.
    """
    said = re.search(r"charset=\"?([\w.:-]+)", mime, re.IGNORECASE)
    ways = [("utf-8", "surrogateescape"), ("latin-1", "strict"), (said[1] if said else "utf-8", "strict")]
    bodies = []
    for charset, errors in ways:
        with suppress(UnicodeError, LookupError):
            bodies.append(text.encode(charset, errors))
    return next(
        (body for body in bodies if str(len(body)) == length), (*bodies, text.encode("utf-8", "surrogatepass"))[0]
    )


def _form(params: list[dict[str, Any]], length: str) -> bytes:
    """A form of its fields: in the spelling that has the length which was sent, where one of them has."""
    fields = [(each["name"], each.get("value") or "") for each in params]
    bodies = [
        urlencode(fields).encode("utf-8", "surrogateescape"),
        urlencode(fields, quote_via=quote).encode("utf-8", "surrogateescape"),
        "&".join(f"{name}={value}" for name, value in fields).encode("utf-8", "surrogatepass"),  # encoded already
    ]
    return next((body for body in bodies if str(len(body)) == length), bodies[0])
