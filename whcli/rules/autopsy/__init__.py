"""Why a signature fails: a search over what usually goes wrong, and one answer.

What users report most (probot/smee-client#325, stripe/stripe-node#356, Shopify/shopify-api-js#1038 and many like them):
the body was parsed and printed again before it was hashed; the secret is another one, or is read in the wrong
encoding; the clock. Every cause is a transformation and a sentence: `causes.py` has the sentences, `bodies.py`,
`secretforms.py`, `headings.py`, `urls.py` and `signed.py` the transformations, `search.py` walks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...words.event import Message
from ...words.secret import Secret
from ..signatures import signing
from ..signatures.scheme import Scheme
from .answers import Known, compared, matched, plain, restored, stale, unmatched
from .causes import CAUSES, FIXES, REASONS, Cause
from .diagnosis import Break, Diagnosis, diagnosis_json
from .received import explained
from .search import WORK, Search

__all__ = ["CAUSES", "FIXES", "REASONS", "Break", "Cause", "Diagnosis", "diagnosis_json", "explain"]


def explain(
    scheme: Scheme,
    message: Message,
    secrets: Sequence[Secret],
    *,
    now: float,
    others: Sequence[tuple[Scheme, Secret]] = (),
    received_body: bytes | None = None,
    tolerance: float | None = None,
    work: int = WORK,
) -> Diagnosis:
    """Say why a message's signature fails at `now` (unix seconds UTC), or that it holds.

    `others` are all other secrets that are known, with their schemes; `received_body` is what the receiver's
    application hashed, when the message is what was sent; `work` limits the search, in bytes. Never raises on anything
    the message holds.
    """
    verdict = signing.verify(scheme, message, secrets, now=now, tolerance=tolerance)
    change = None if received_body in (None, message.body) else explained(message.body, received_body or b"")
    if verdict.state in ("valid", "stale") and change is not None:
        return compared(message.body, change, verdict)
    if verdict.state == "valid":
        return plain(verdict, "ok" if received_body is None else "body_same")
    if verdict.state == "stale":
        return stale(verdict, now)
    if change is not None:
        theirs = signing.verify(scheme, replace(message, body=change.body), secrets, now=now, tolerance=tolerance)
        if theirs.state in ("valid", "stale"):
            return restored(change.body, explained(change.body, message.body), theirs)
    search = Search(scheme, message, secrets, others, now=now, tolerance=tolerance, work=work)
    match = search.run()
    if match is None:
        found = unmatched(scheme, message, secrets, verdict, search.tried)
    else:
        found = matched(match, scheme, message, verdict, Known(secrets, others), search.tried)
    return found if change is None else replace(found, also=(*found.also, change.code))
