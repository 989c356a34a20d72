"""A fresh delivery id looks like the provider's own, stands where that stood, and meets no other."""

from __future__ import annotations

import json
import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.replaying.edit import Parts
from whcli.rules.replaying.newid import fresh_id, with_new_id

TOKENS = [sha256(b"%d" % n).hexdigest()[:32] for n in range(500)]

# Ids as the providers' own pages and samples show them, and what every fresh one matches.
IDS: dict[str, tuple[str, str]] = {
    "Stripe": ("evt_1MqqbKLt4dXK03v5qaIbiNCC", r"evt_1M[0-9A-Za-z]{22}"),
    "Slack": ("Ev08MFMKH6", r"Ev[0-9A-Z]{8}"),
    "Slack, with letters that no ULID has": ("EvIXMF4U17M", r"Ev[0-9A-Z]{9}"),
    "Svix": ("msg_p5jXN8AQM9LWM0D4loKWxJek", r"msg_p5[0-9A-Za-z]{22}"),
    "GitHub": (
        "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}",
    ),
    "a UUID in upper case": (
        "72D3162E-CC78-11E3-81AB-4C9367DC0958",
        r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F-]{8}-[0-9A-F]{12}",
    ),
    "Intercom": (
        "notif_ccd8a4d0-f965-11e3-a367-c779cae3e1b3",
        r"notif_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{8}-[0-9a-f]{12}",
    ),
    "PayPal": ("WH-2WR32451HC0233532-67976317FL4543714", r"WH-2WR32451HC0233532-67[0-9A-Z]{15}"),
    "Twilio": ("SM1f0e8ae6ade43cb3c0ce4525424e404f", r"SM[0-9a-f]{32}"),
    "a ULID": ("evt_01hv8x29kz0t586xy6zn1a62ny", r"evt_01[0-9a-hjkmnp-tv-z]{24}"),
    "Discord": ("1575489437506897585", r"15[0-9]{17}"),
    "WhatsApp": ("wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI=", r"wamid\.HB[0-9A-Za-z]+="),
    "a short number": ("7", r"7[0-9]{13}"),
    "nothing": ("0", r"1[0-9]{13}"),
    "no letter and no digit": ("==", r"[0-9a-f]{32}"),
}


@pytest.mark.parametrize(("old", "like"), IDS.values(), ids=IDS)
def test_a_fresh_id_looks_like_the_old_one_and_like_no_other(old: str, like: str) -> None:
    fresh = [fresh_id(old, token) for token in TOKENS]
    assert all(re.fullmatch(like, each) for each in fresh), fresh[0]
    assert len({*fresh, old}) == len(TOKENS) + 1
    assert fresh_id(old, TOKENS[0]) == fresh[0]


@given(old=st.text(min_size=1), number=st.integers(0, 2**128 - 1))
def test_anything_has_a_fresh_id(old: str, number: int) -> None:
    new = fresh_id(old, f"{number:032x}")
    assert new and len(new) >= min(len(old), 8)


def test_a_number_stays_a_number_and_digits_in_quotes_a_text() -> None:
    for body, kind in ((b'{"id":1575489437506897585}', int), (b'{"id":"1575489437506897585"}', str)):
        parts = Parts(method=b"POST", target=b"/", headers=((b"Content-Type", b"application/json"),), body=body)
        new, told = with_new_id(parts, None, None, TOKENS[0])
        found = json.loads(new.body)["id"]
        assert type(found) is kind and str(found).startswith("15") and len(str(found)) == 19 and len(told) == 1


def test_of_an_id_that_is_joined_from_two_the_first_is_renewed() -> None:
    item = {"pspReference": "WRUN0AV8C7C15XNG", "eventCode": "AUTHORISATION"}
    body = json.dumps({"notificationItems": [{"NotificationRequestItem": item}]}).encode()
    parts = Parts(method=b"POST", target=b"/", headers=((b"Content-Type", b"application/json"),), body=body)
    new, told = with_new_id(parts, "adyen", "WRUN0AV8C7C15XNG.AUTHORISATION", TOKENS[0])
    found = json.loads(new.body)["notificationItems"][0]["NotificationRequestItem"]
    assert re.fullmatch(r"WR[0-9A-Z]{14}", found["pspReference"]) and found["pspReference"] != item["pspReference"]
    assert found["eventCode"] == "AUTHORISATION" and len(told) == 1
