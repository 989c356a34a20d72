"""Twilio, Mandrill and Plivo: the URL and the form's parameters, sorted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.errors import WrongUsage
from whcli.words.event import Message, first

from .coded import FORM, JSON, NOW, Case, Coded, message, secret, sent_by, with_header, with_headers

# -- Twilio ---------------------------------------------------------------------------------------------------------

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"
CALL = message(FIELDS, FORM, url=URL)
BODY = b'{"property": "value", "boolean": true}'
HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
TESTS = "twilio-python tests/unit/test_request_validator.py"
SETTINGS = (b"X-Twilio-Webhooks-Signature-Settings", b"key=webhooks_sharedkey_1,algorithm=HMAC_SHA256")


def twilio(given: Message, signature: str) -> Message:
    return with_headers(given, ((b"X-Twilio-Signature", signature.encode()),))


def called(about: str, source: str, before: Message, signature: str, changed: bytes, **more: str) -> Case:
    sent = twilio(replace(before, url=more.get("url", before.url)), signature)
    return Case(
        about=about,
        scheme="twilio",
        source=source,
        secret=TOKEN,
        before=before,
        sent=sent,
        changed=replace(sent, body=changed),
        reason=more.get("reason", "no_match"),
    )


REPEATED = message(b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", FORM, url=URL)
EMPTY = message("Body=&From=%2B1&Body+=é+%C3%BC&a=1".encode(), FORM, url=URL)

TWILIO = (
    called("a form", TESTS, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", FIELDS.replace(b"=1234&", b"=1235&")),
    called(
        "repeated names: values sorted, duplicates once",
        TESTS,
        REPEATED,
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        REPEATED.body.replace(b"5678", b"5679"),
    ),
    called(
        "empty values kept, names that begin alike, text that is not ASCII",
        "RequestValidator.compute_signature, twilio 9.13.0",
        EMPTY,
        "y/cc6EWIuK5cYxlQY5zhWg2Oc28=",
        EMPTY.body.replace(b"Body=&", b""),
    ),
    called(
        "JSON: the URL gains bodySHA256",
        TESTS,
        message(BODY, JSON, url=URL),
        "a9nBmqA0ju/hNViExpshrM61xv4=",
        BODY.replace(b"value", b"valuf"),
        url=f"{URL}&bodySHA256={HASH}",
        reason="body_mismatch",
    ),
    called(
        "GET: the URL alone",
        "RequestValidator.compute_signature, twilio 9.13.0",
        message(method="GET", url=URL),
        "zYQTYrRWXE7LtzbG4PfP7/bkkGo=",
        b"a=b",
    ),
    called(
        "SHA-256 where the settings header asks for it",
        "RequestValidator.compute_signature, twilio 9.13.0",
        with_headers(CALL, (SETTINGS,)),
        "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=",
        FIELDS.replace(b"=1234&", b"=1235&"),
    ),
)


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (URL.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL.replace(".com", ".com:1234").replace("https", "http"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (URL.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
    ids=[
        "https signed without its odd port",
        "http signed with its odd port",
        "https signed with :443",
        "http signed with :80",
    ],
)
def test_twilio_signs_with_or_without_the_port(url: str, signature: str) -> None:
    # twilio-python tests/unit/test_request_validator.py, test_validation_adds_port_on_https and its neighbours
    verdict = verify(scheme_named("twilio"), twilio(replace(CALL, url=url), signature), [secret(TOKEN)], now=NOW)
    assert verdict.reason == "ok"


def test_another_port_than_the_default_is_not_made_up() -> None:
    sent = twilio(replace(CALL, url=URL.replace(".com", ".com:444")), "kvajT1Ptam85bY51eRf/AJRuM3w=")
    assert verify(scheme_named("twilio"), sent, [secret(TOKEN)], now=NOW).reason == "no_match"


def test_a_body_hash_already_in_the_url_is_replaced_where_it_stands() -> None:
    url = f"https://example.com/a?bodySHA256={'0' * 64}&x=1#rc=2"
    signed = sign(scheme_named("twilio"), message(BODY, JSON, url=url), [secret(TOKEN)], now=NOW, token="1")
    assert signed.url == f"https://example.com/a?bodySHA256={HASH}&x=1#rc=2"


def test_a_body_hash_goes_before_the_fragment() -> None:
    signed = sign(
        scheme_named("twilio"),
        message(BODY, JSON, url="https://example.com/a#rc=2"),
        [secret(TOKEN)],
        now=NOW,
        token="1",
    )
    assert signed.url == f"https://example.com/a?bodySHA256={HASH}#rc=2"


def test_json_without_a_hash_in_the_url_is_not_protected() -> None:
    sent = twilio(message(BODY, JSON, url=URL), "zYQTYrRWXE7LtzbG4PfP7/bkkGo=")  # good for the URL alone
    verdict = verify(scheme_named("twilio"), sent, [secret(TOKEN)], now=NOW)
    assert (verdict.state, verdict.reason) == ("invalid", "body_unsigned")


def test_an_unknown_algorithm_is_refused() -> None:
    odd = with_headers(TWILIO[-1].sent, ((SETTINGS[0], b"key=1,algorithm=HMAC_SHA512"),))
    assert verify(scheme_named("twilio"), odd, [secret(TOKEN)], now=NOW).reason == "header_malformed"
    with pytest.raises(WrongUsage, match="unknown algorithm"):
        sign(scheme_named("twilio"), odd, [secret(TOKEN)], now=NOW, token="1")


# -- Mandrill -------------------------------------------------------------------------------------------------------

KEY = "wBKHPVyTI_RNZ8VZ7zGW5Q"
REGISTERED = "https://user:pass@example.com/anymail/mandrill/?x=1"
EVENTS = (
    b"mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22msg%22%3A%7B%22email%22%3A%22"
    b"zo%C3%AB%2Btag%40example.com%22%7D%7D%5D"
)
EVENT = message(EVENTS, FORM, url=REGISTERED)
MANDRILL_SENT = with_headers(EVENT, ((b"X-Mandrill-Signature", b"6hK0RbXHMMMPlY4rleJHjyssEgA="),))

MANDRILL = (
    Case(
        about="one event, a URL with credentials",
        scheme="mandrill",
        source="node 20: createHmac('sha1', key).update(url + 'mandrill_events' + events).digest('base64')",
        secret=KEY,
        before=EVENT,
        sent=MANDRILL_SENT,
        changed=replace(MANDRILL_SENT, body=EVENTS.replace(b"send", b"sent")),
    ),
)


def test_mandrill_covers_a_second_value_of_the_same_name() -> None:
    added = replace(MANDRILL_SENT, body=b"mandrill_events=%5B%5D&" + EVENTS)
    assert verify(scheme_named("mandrill"), added, [secret(KEY)], now=NOW).reason == "no_match"


def test_mandrill_signs_the_url_as_registered() -> None:
    without = replace(MANDRILL_SENT, url=REGISTERED.replace("user:pass@", ""))
    assert verify(scheme_named("mandrill"), without, [secret(KEY)], now=NOW).reason == "no_match"


# -- Plivo ----------------------------------------------------------------------------------------------------------

PLIVO_SDK = "plivo/utils/signature_v3.py, plivo 4.63.0"


def answered(about: str, url: str, body: bytes, signature: str, changed: Message, method: str = "POST") -> Case:
    before = message(body, FORM, method=method, url=url) if body else message(method=method, url=url)
    made = (
        (b"X-Plivo-Signature-V3", signature.encode()),
        (b"X-Plivo-Signature-Ma-V3", signature.encode()),
        (b"X-Plivo-Signature-V3-Nonce", b"12345"),
    )
    sent = with_headers(before, made)
    bare = with_header(with_header(sent, "X-Plivo-Signature-V3", None), "X-Plivo-Signature-Ma-V3", None)
    return Case(
        about=about,
        scheme="plivo",
        source=PLIVO_SDK,
        secret="my_auth_token",
        before=before,
        sent=sent,
        changed=replace(sent, body=changed.body, url=changed.url),
        bare=bare,
        token="12345",
    )


PLIVO = (
    answered(
        "POST with query and form",
        "https://answer.url/path?b=2&a=1",
        b"To=15551234567&From=15557654321&Event=StartApp",
        "67v8O8RpHHTiXrPowklhrvcTPFyGgnd8ic7XwvzNPRc=",
        message(b"To=15551234567&From=15557654321&Event=StartAqp", url="https://answer.url/path?b=2&a=1"),
    ),
    answered(
        "POST with a form and no query has a lone question mark",
        "https://answer.url/path",
        b"To=15551234567&From=15557654321",
        "f1kM3+Kf5Ik65HZFFo141Olorq4ICBAPDUAEI2Sgiw4=",
        message(b"To=15551234567&From=15557654322", url="https://answer.url/path"),
    ),
    answered(
        "POST with a query and no form",
        "https://answer.url/path?b=2&a=1",
        b"",
        "Bayreds2w+ITJP0hOxugtuWd4IhFfQOopcH/YNzcY0w=",
        message(url="https://answer.url/path?b=2&a=2"),
    ),
    answered(
        "GET with repeated and empty parameters",
        "https://answer.url/path?b=2&a=1&a=0&c=",
        b"",
        "w6QYZ7xrZaE3bsb38XPenBvv4zbFOD/KzjcvStXRPig=",
        message(url="https://answer.url/path?b=2&a=1&a=0&c=1"),
        "GET",
    ),
    answered(
        "GET of a bare host",
        "https://answer.url",
        b"",
        "2tUVd+6dOTo/13hSmD0yrftTKb57pVvy0kxqkPKxcqk=",
        message(url="https://answer.urm"),
        "GET",
    ),
    answered(
        "a decoded query, repeated names and text that is not ASCII",
        "https://answer.url/path?x=a%20b+c",
        b"Tags=b&Tags=a&Note=%C3%A9+%26",
        "PtTbuk9CJ/zGnwJx+/8LrtkLki/JufbTZCGFiTiUCYI=",
        message(b"Tags=b&Tags=a&Note=%C3%A8+%26", url="https://answer.url/path?x=a%20b+c"),
    ),
)


def test_plivo_accepts_any_signature_of_the_list() -> None:
    listed = with_header(PLIVO[0].sent, "X-Plivo-Signature-V3", b"AAAA, 67v8O8RpHHTiXrPowklhrvcTPFyGgnd8ic7XwvzNPRc=")
    listed = with_header(listed, "X-Plivo-Signature-Ma-V3", None)
    assert verify(scheme_named("plivo"), listed, [secret("my_auth_token")], now=NOW).reason == "ok"


def test_plivo_accepts_the_main_accounts_signature() -> None:
    listed = with_header(PLIVO[0].sent, "X-Plivo-Signature-V3", b"AAAA")
    assert verify(scheme_named("plivo"), listed, [secret("my_auth_token")], now=NOW).reason == "ok"


def test_plivo_without_its_nonce_cannot_be_checked() -> None:
    sent = with_header(PLIVO[0].sent, "X-Plivo-Signature-V3-Nonce", None)
    assert verify(scheme_named("plivo"), sent, [secret("my_auth_token")], now=NOW).reason == "companion_missing"


def test_plivo_signs_no_body_that_is_not_a_form() -> None:
    with pytest.raises(WrongUsage, match="signs forms"):
        sign(scheme_named("plivo"), message(b"{}", JSON), [secret("t")], now=NOW, token="1")


def test_a_body_smuggled_into_plivos_get_is_refused() -> None:
    sent = replace(PLIVO[3].sent, body=b"a=b")
    assert verify(scheme_named("plivo"), sent, [secret("my_auth_token")], now=NOW).reason == "body_unsigned"


class TestEveryCase(Coded):
    cases = TWILIO + MANDRILL + PLIVO


def test_signing_changes_nothing_but_headers_for_a_form() -> None:
    signed = sign(scheme_named("twilio"), CALL, [secret(TOKEN)], now=NOW, token="1")
    assert (signed.body, signed.url) == (CALL.body, CALL.url)
    assert first(sent_by(CALL, signed).headers, b"content-type") == FORM[1]
