"""A secret is used and never shown."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whcli.rules.routes import Route
from whcli.words.secret import SHOWN, Secret, masked

MASKS = {
    "a provider's prefix and the end stay": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_…LaSw"),
    "no prefix, only the end": ("8f14e45fceea167a5a36dedd4bea2543", "…2543"),
    "a short one shows nothing": ("hunter2", "…"),
    "an empty one shows nothing": ("", "…"),
    "what looks like a prefix of a short one is hidden": ("hunter2_pass", "…pass"),
    "a long prefix is none": ("averylongprefix_0123456789abcdef", "…cdef"),
}


@pytest.mark.parametrize(("value", "mask"), MASKS.values(), ids=MASKS.keys())
def test_a_mask_tells_two_secrets_apart(value: str, mask: str) -> None:
    assert masked(value) == mask


@given(st.text(max_size=60) | st.from_regex(r"[a-z]{1,12}_\w{0,20}", fullmatch=True))
def test_a_mask_never_shows_so_much_that_the_rest_could_be_guessed(value: str) -> None:
    prefix, _, end = masked(value).partition("…")
    assert len(end) <= SHOWN
    assert len(value) - len(prefix) - len(end) >= min(8, len(value))


def test_a_secret_is_in_no_representation_and_in_no_traceback() -> None:
    canary = "k4n4ry-do-not-print-me-0042"
    secret = Secret(value=canary.encode(), label="$STRIPE")
    route = Route(path="/x", secrets=(secret,))
    try:
        raise RuntimeError(secret, route, [secret])
    except RuntimeError as error:
        shown = "".join(traceback.format_exception(error))
    for text in (shown, repr(secret), str(secret), f"{secret}", repr((route, [secret]))):
        assert canary[:-4] not in text
        assert "$STRIPE" in text
    assert secret.mask == "…0042"


def test_a_secret_that_is_no_text_has_a_mask() -> None:
    assert Secret(value=b"\xff" * 20, label="x").mask == "…\\xff"
