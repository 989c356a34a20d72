"""Requests as other tools keep them, and what of the exact bytes is lost there.

* GitHub: an object of "Get a delivery for a repository webhook" (docs.github.com/rest/repos/webhooks, API version
  2022-11-28, read 2026-11-26): `guid`, `delivered_at`, `request.headers` as an object, `request.payload` parsed.
* webhook.site: an object of "Get requests" (docs.webhook.site/api/requests.html, read 2026-11-26): `uuid`, `method`,
  `url`, `headers` as an object of lists with lower-case names, `content` as text, `created_at` in UTC, `ip`.
* better-webhook: a capture file (github.com/endalk200/better-webhook apps/webhook-cli/internal/domain/capture/model.go,
  read 2026-11-26): `headers` as a list of `key` and `value`, `raw_body_base64`, `remote_addr`, `timestamp`. Its
  versions for Node.js (apps/webhook-cli/src/core/capture-server.ts at 0674694e) wrote `headers` as Node.js gives them,
  names in lower case and some values as lists, and `rawBody`, the body decoded as UTF-8.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from ...words.event import Event
from ...words.fixture import Fixture
from ..jsontext import inside, whole
from ..ulid import ulid
from . import payload
from .records import read_event, unreadable

_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))


class Read(NamedTuple):
    """An event read from a file of another tool, and what has to be said of it."""

    fixture: Fixture
    note: str = ""


def uid_of(data: bytes, at: float | None) -> str:
    """A uid that the same bytes give again, so that a second import is seen; `at` in unix seconds UTC."""
    digest = hashlib.sha256(data).digest()
    return ulid(int.from_bytes(digest[10:15], "big") if at is None else at, digest)


def foreign_event(
    *,
    source: bytes,
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    at: float | None,
    now: float,
    peer: str | None = None,
    target: str | None = None,
) -> Event:
    """An event of the parts that other tools keep.

    Headers and `target`, where the URL does not say it, are Latin-1 text, in which every byte is a character.
    `source` are the bytes it was read from, `at` and `now` unix seconds UTC: its own time, and that where it has none.
    Raises what `records.WRONG` lists for parts that make no request.
    """
    record = {
        "method": method,
        "target": target_of(url) if target is None else target,
        "headers": [[_latin(name), _latin(value)] for name, value in headers],
        "uid": uid_of(source, at),
        "received_at": "1970-01-01T00:00:00Z",
        "peer": peer or None,
    }
    return replace(read_event(record, b"", body), received_at=now if at is None else at)


def target_of(url: str) -> str:
    """The request target of a URL, or of a target itself; what is not visible ASCII is percent-encoded."""
    origin = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", url)
    rest = (url[origin.end() :] if origin else url).partition("#")[0]
    rest = quote(rest.encode("utf-8", "surrogateescape"), safe=_SAFE)
    return rest if rest[:1] == "/" or (rest and not origin and rest[:1] != "?") else "/" + rest


def host_of(url: str) -> str:
    """The authority of a URL, or an empty text."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _latin(text: Any) -> str:
    """Text as the Latin-1 reading of its bytes: Latin-1 where it can be, else UTF-8."""
    if not isinstance(text, str):
        raise TypeError("a header is no text")
    try:
        return text.encode("latin-1").decode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")


def moment_of(text: Any) -> float | None:
    """Unix seconds of an RFC 3339 time, or of one without a zone, which is UTC; None where it is none."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


# -- the tools ------------------------------------------------------------------------------------------------------


def _values(headers: dict[str, Any]) -> list[tuple[str, Any]]:
    """Headers of an object: a name can have several values, and a number is the text it is written as."""
    found = [(name, each) for name, said in headers.items() for each in (said if isinstance(said, list) else [said])]
    return [(name, str(each) if type(each) is int else each) for name, each in found]


def is_github(record: dict[str, Any]) -> bool:
    return isinstance(record.get("request"), dict) and "guid" in record and "payload" in record["request"]


def from_github(record: dict[str, Any], source: bytes, now: float) -> Read:
    """A delivery of GitHub's API."""
    pairs = _values(record["request"]["headers"] or {})
    text = _payload(source)
    form = any(name.lower() == "content-type" and "form" in value for name, value in pairs)
    body = b"payload=" + quote_plus(text).encode() if form else text
    url = record.get("url") or "/"
    event = foreign_event(
        source=source,
        method="POST",
        url=url,
        headers=pairs,
        body=body,
        at=moment_of(record.get("delivered_at")),
        now=now,
    )
    note = "GitHub's API gives the payload parsed: it was printed again, so its signature may not hold"
    return Read(Fixture(event=event), note)


def _payload(source: bytes) -> bytes:
    """The payload's own tokens without white space, as GitHub prints it."""
    place = whole(source)
    for step in ("request", "payload"):
        found = inside(source, place[0], step)
        if found is None:
            raise ValueError("there is no request.payload")
        place = found
    return payload.printed(source[place[0] : place[1]].decode(), "compact plain")


def is_github_listing(record: dict[str, Any]) -> bool:
    return {"guid", "delivered_at", "status_code"} <= record.keys() and "request" not in record


def from_github_listing(record: dict[str, Any], source: bytes, now: float) -> Read:
    """An item of "List deliveries for a repository webhook", in which GitHub leaves out the request."""
    error = unreadable("GitHub's list of deliveries leaves their requests out")
    error.next = f"gh api repos/OWNER/REPO/hooks/HOOK/deliveries/{record.get('id') or 'ID'} > delivery.json"
    raise error


def is_webhook_site(record: dict[str, Any]) -> bool:
    return {"uuid", "token_id", "headers", "method"} <= record.keys()


def from_webhook_site(record: dict[str, Any], source: bytes, now: float) -> Read:
    """A request of webhook.site's API."""
    pairs = _values(record["headers"])
    body = (record.get("content") or "").encode("utf-8", "surrogatepass")
    event = foreign_event(
        source=source,
        method=record["method"],
        url=record.get("url") or "/",
        headers=pairs,
        body=body,
        at=moment_of(record.get("created_at")),
        now=now,
        peer=record.get("ip"),
    )
    size = record.get("size")
    if type(size) is int and size > 0 and not body:
        return Read(
            Fixture(event=event), f"webhook.site did not keep a body of {size} bytes, such as a form with files"
        )
    return Read(Fixture(event=event), "webhook.site keeps header names in lower case and bodies as text")


def passed_over(record: dict[str, Any]) -> str | None:
    """Why a record of webhook.site is no HTTP request: it takes mails and DNS queries too."""
    kind = record.get("type")
    if "token_id" in record and kind in ("email", "dns"):
        return f"what webhook.site took as {kind} is passed over: it is no HTTP request"
    return None


def is_better_webhook(record: dict[str, Any]) -> bool:
    return {"raw_body_base64", "headers", "method", "timestamp"} <= record.keys()


def from_better_webhook(record: dict[str, Any], source: bytes, now: float) -> Read:
    """A capture file of better-webhook."""
    headers = [(each["key"], each["value"]) for each in record["headers"]]
    body = base64.b64decode(record["raw_body_base64"] or "", validate=True)
    return Read(Fixture(event=_captured(record, source, now, headers, body, record.get("remote_addr"))))


def is_old_better_webhook(record: dict[str, Any]) -> bool:
    return {"rawBody", "headers", "method", "timestamp"} <= record.keys()


def from_old_better_webhook(record: dict[str, Any], source: bytes, now: float) -> Read:
    """A capture file of better-webhook's versions for Node.js."""
    body = (record["rawBody"] or "").encode("utf-8", "surrogatepass")
    event = _captured(record, source, now, _values(record["headers"]), body, None)
    return Read(
        Fixture(event=event), "this version of better-webhook kept header names in lower case and bodies as text"
    )


def _captured(
    record: dict[str, Any], source: bytes, now: float, headers: list[tuple[str, str]], body: bytes, peer: str | None
) -> Event:
    """What the versions of better-webhook write alike."""
    return foreign_event(
        source=source,
        method=record["method"],
        url=record.get("url") or record.get("path") or "/",
        headers=headers,
        body=body,
        at=moment_of(record["timestamp"]),
        now=now,
        peer=peer,
    )


Reader = Callable[[dict[str, Any], bytes, float], Read]
TOOLS: tuple[tuple[str, Callable[[dict[str, Any]], bool], Reader], ...] = (
    ("GitHub delivery", is_github, from_github),
    ("GitHub's list", is_github_listing, from_github_listing),
    ("webhook.site", is_webhook_site, from_webhook_site),
    ("better-webhook", is_better_webhook, from_better_webhook),
    ("better-webhook for Node.js", is_old_better_webhook, from_old_better_webhook),
)
"""What a record is called, how it is known, and how it is read."""


def tool_of(record: dict[str, Any]) -> Iterator[Reader]:
    """The reader of a record, if it is of one of the tools."""
    yield from (read for _, fits, read in TOOLS if fits(record))
