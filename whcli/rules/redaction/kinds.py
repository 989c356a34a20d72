"""What looks secret or personal by its form alone: one row a kind, the first that fits counts.

Token forms are those the providers document for secret scanning (docs.github.com "Supported secret scanning patterns",
docs.gitlab.com "Token overview", api.slack.com/authentication/token-types, docs.stripe.com/keys, read 2026-11-26). A
form that only the value's length tells (a hex secret) is left to names and to the secrets that are configured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

TOKENS: tuple[tuple[str, str], ...] = (
    *((start, r"_(?:live|test|prod)_[A-Za-z0-9]{10,}") for start in ("sk", "rk")),  # Stripe, Clerk
    *((start, r"[A-Za-z0-9+/_-]{16,}={0,2}") for start in ("whsec_", "whsk_")),  # Standard Webhooks
    ("xox", r"[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}"),  # Slack
    ("xapp-", r"\d-[A-Za-z0-9-]{10,}"),
    *((start, r"[A-Za-z0-9]{20,}") for start in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),  # GitHub
    ("github_pat_", r"[A-Za-z0-9_]{22,}"),
    ("gl", r"(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_.-]{16,}"),  # GitLab
    *((start, r"[A-Z0-9]{16}\b") for start in ("AKIA", "ASIA", "AIDA", "AROA")),  # AWS
    ("AIza", r"[A-Za-z0-9_-]{30,}"),  # Google
    ("ya29.", r"[A-Za-z0-9_-]{20,}"),
    ("GOCSPX-", r"[A-Za-z0-9_-]{20,}"),
    ("SG.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),  # SendGrid
    ("key-", r"[0-9a-f]{32}\b"),  # Mailgun
    ("SK", r"[0-9a-f]{32}\b"),  # Twilio
    ("npm_", r"[A-Za-z0-9]{30,}"),
    ("pypi-", r"[A-Za-z0-9_-]{40,}"),
    ("sk-", r"(?:proj-|svcacct-|ant-[a-z]+\d\d-)?[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic
    ("shp", r"(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),  # Shopify
    ("sq0", r"[a-z]{3}-[A-Za-z0-9_-]{22,}"),  # Square
    ("EAA", r"[A-Za-z0-9_-]{40,}"),  # Square, Meta
    *((start, r"[0-9a-f]{64}") for start in ("doo_v1_", "dop_v1_", "dor_v1_")),  # DigitalOcean
    ("lin_", r"[a-z]+_[A-Za-z0-9]{20,}"),  # Linear
    *((start, r"[A-Za-z0-9]{40,}") for start in ("secret_", "ntn_")),  # Notion
    ("pat-", r"[a-z]{2}\d-[0-9a-f-]{36}"),  # HubSpot
    ("dapi", r"[0-9a-f]{32}"),  # Databricks
    ("hf_", r"[A-Za-z0-9]{30,}"),  # Hugging Face
    *((start, r"[A-Za-z0-9_-]{20,}") for start in ("hvs.", "hvb.", "hvr.")),  # Vault
    ("sntr", r"[a-z]{2}_[A-Za-z0-9+/=_-]{20,}"),  # Sentry
    ("PMAK-", r"[0-9a-f-]{40,}"),  # Postman
    ("dp.", r"[a-z]{2,5}\.[A-Za-z0-9]{40,}"),  # Doppler
    ("AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    ("eyJ", r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}"),  # JWT, JWE
)
"""How a token begins, and what follows: the beginning is looked for first, since that is quick."""


class Kind(NamedTuple):
    """One kind: its word, its form (group `v`, where there is one, is the value), and a check beyond the form."""

    name: str
    form: re.Pattern[str]
    needs: str = ""  # a text without this has none: the quickest look
    holds: Callable[[str], bool] = lambda value: True


class Find(NamedTuple):
    """Something found in a text."""

    kind: str
    begin: int
    end: int
    value: str


def _kind(name: str, form: str, needs: str = "", holds: Callable[[str], bool] | None = None, flags: int = 0) -> Kind:
    return Kind(name, re.compile(form, flags), needs, holds or (lambda value: True))


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 * (number > 9)
    return total % 10 == 0


_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12,15}|35\d{14}|62\d{14,17}|(?:5[06]|6\d)\d{10,17}"
)
"""Lengths and beginnings of the card networks' numbers: ids that pass the check digit by chance are mostly not so."""


def _card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits) and len(set(digits)) > 1


def _mixed(value: str) -> bool:
    """Letters and digits: a credential, not a word of a sentence."""
    return any(letter.isdigit() for letter in value) or value.endswith("=")


NAMED = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret(?:[_-]?key)?|api[_-]?key|(?:access|auth|refresh|session|id|bearer)"
    r"[_-]?token|token|client[_-]?secret|private[_-]?key|access[_-]?key|signing[_-]?(?:key|secret)|hmac|sig(?:nature)?)"
)
_NAMED_VALUE = re.compile(rf"(?i:(?<![A-Za-z0-9]){NAMED})[\"']?\s*[:=]\s*[\"']?(?P<v>[^\s\"'&<>,;{{}}\[\]\\%]{{6,}})")
_QUOTED = rf'(?i:"(?:[\w.-]{{0,40}}[._-])?{NAMED}")\s*:\s*"(?P<v>(?:[^"\\\n]|\\.){{1,4096}})"'
"""As JSON has it, in what is almost JSON: also short values, and those with blanks."""
_ALONE = "(?<![A-Za-z0-9])"
_DOMAIN = r"(?:\w(?:[\w-]{0,61}\w)?\.)+[^\W\d_]{2,24}(?![\w-])"
_DIGIT = re.compile(r"\d")
KINDS = (
    _kind(
        "private key",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        "PRIVATE KEY",
        flags=re.DOTALL,
    ),
    *(_kind("token", rf"{_ALONE}{re.escape(start)}{rest}", start) for start, rest in TOKENS),
    _kind("token", r"\b[0-9a-f]{32}-us\d{1,2}\b", "-us"),  # Mailchimp
    _kind("token", r"(?<!\d)\d{8,10}:[A-Za-z0-9_-]{35}\b", ":"),  # Telegram, also as `/bot123...` in a path
    _kind(
        "token",
        r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers|commands|actions|app)/[A-Za-z0-9/_-]{20,}",
        "hooks.slack.com/",
    ),
    _kind("token", r"(?<=/api/webhooks/)\d+/[A-Za-z0-9_-]{30,}", "/api/webhooks/"),  # Discord
    _kind("password", r"(?<=://)(?P<v>[^\s/:@\"'<>?#\\]{0,200}:[^\s/@\"'<>?#\\]{1,200})(?=@)", "://"),
    _kind("password", r"(?<=://)(?P<v>[A-Za-z0-9_-]{16,})(?=@)", "://", _mixed),
    _kind("token", r"(?i:\bbearer\s+)(?P<v>[A-Za-z0-9._~+/-]{12,}={0,2})", "earer", _mixed),
    _kind("token", r"(?i:\b(?:basic|token)\s+)(?P<v>[A-Za-z0-9+/_-]{12,}={0,2})", " ", _mixed),
    Kind("password", _NAMED_VALUE),
    _kind("password", _QUOTED, '"'),
    _kind("email", rf"(?<![\w.+'-])(?!git@|hg@)\w[\w.+'-]{{0,63}}@{_DOMAIN}", "@"),
    _kind("email", rf'"[^"@\s\\][^"@\\]{{0,62}}"@{_DOMAIN}', '"@'),
    _kind("phone", r"(?<![\w+.])\+[1-9](?:[ .()/-]{0,2}\d){7,14}(?![\w])", "+"),
    _kind("phone", r"(?<![\w.+-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\w-])"),
    _kind("card", r"(?<![\w.+-])(?:\d[ -]?){11,18}\d(?![\w-])", holds=_card),
    _kind("card", r"(?<![\w.+-])(?:\d{4}\.){3}\d{4}(?![\w-]|\.\d)", ".", _card),
)


def found_in(text: str) -> Iterator[Find]:
    """Everything in a text that looks like one of the kinds; finds may overlap, the earlier kind is the better one."""
    digits, pairs = _DIGIT.search(text) is not None, ":" in text or "=" in text
    for kind in KINDS:
        if kind.needs not in text or (kind.name in ("phone", "card") and not digits):
            continue
        if kind.form is _NAMED_VALUE and not pairs:
            continue
        for match in _matches(kind, text):
            group = "v" if kind.form.groupindex else 0
            if kind.holds(match[group]):
                yield Find(kind.name, *match.span(group), match[group])


def _matches(kind: Kind, text: str) -> Iterator[re.Match[str]]:
    """All matches of a kind; of one with a known beginning they are tried only where that stands."""
    if not kind.form.pattern.startswith(_ALONE + re.escape(kind.needs)) or not kind.needs:
        yield from kind.form.finditer(text)
        return
    at = text.find(kind.needs)
    while at >= 0:
        match = kind.form.match(text, at)
        if match:
            yield match
        at = text.find(kind.needs, match.end() if match else at + 1)
