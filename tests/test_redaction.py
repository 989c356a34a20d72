"""Redaction: what is planted does not come out, in any format; what goes in instead is stable and of the same kind."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html import unescape
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planted import CONFIGURED, FORM, JSON, PERSONAL, PLACES, PRIVATE_KEY, TOKENS, VALUES, event
from tests.test_fixture import events
from whcli.rules.archive.formats import FORMATS
from whcli.rules.redaction.kinds import luhn
from whcli.rules.redaction.known import Again, Known
from whcli.rules.redaction.pseudonyms import Pseudonyms
from whcli.rules.redaction.requests import Redacted, inflated, redacted
from whcli.rules.redaction.texts import Rules
from whcli.words.event import Event
from whcli.words.fixture import Fixture, is_redacted

RULES = Rules(pseudonyms=Pseudonyms(b"key of the tests"), known=Known([CONFIGURED.encode()]))
SIGNING = frozenset({b"x-acme-proof"})


def clean(original: Event, rules: Rules = RULES) -> Redacted:
    return redacted(original, rules, SIGNING)


def traces(value: str) -> set[str]:
    """Texts that would give a value away, however it is written."""
    raw = value.encode()
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], raw.hex()}
    for shift in range(3):
        encoded = base64.b64encode(b"\x00" * shift + raw)
        inner = encoded[(0, 2, 3)[shift] : (len(raw) + shift) // 3 * 4].decode()
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms | ({line for line in value.split("\n") if "KEY-----" not in line} if "\n" in value else set())


def shown(fixture: Fixture) -> list[str]:
    """Every export of an event, and its body as it is when decompressed."""
    outs = [format.write([fixture]).decode("latin-1") for format in FORMATS.values()]
    body = fixture.event.body
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    found = re.findall(rb'"([A-Za-z0-9+/]{24,}={0,2})"', body)
    inner = [base64.b64decode(text).decode("latin-1") for text in found if len(text) % 4 == 0]
    unescaped = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), body.decode("latin-1"))
    return [*outs, *map(unquote_plus, outs), *map(unescape, outs), body.decode("latin-1"), *inner, unescaped]


CASES = [(place, name) for place in PLACES for name in VALUES]


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 500 and len(set(VALUES.values())) == len(VALUES)


@pytest.mark.parametrize("place", PLACES)
def test_nothing_planted_is_left_in_any_format(place: str) -> None:
    for name, value in VALUES.items():
        made = clean(PLACES[place](value))
        assert made.edits, (name, place)
        outs = shown(Fixture(event=made.event, redacted=True))
        left = [
            trace
            for trace in traces(value.replace("\n", " ") if place == "a header" else value)
            if trace in "".join(outs)
        ]
        assert not left, (name, place, made.event)


@pytest.mark.parametrize("place", PLACES)
def test_the_watch_sees_what_is_left(place: str) -> None:
    for name, value in VALUES.items():
        whole = value.replace("\n", " ") if place == "a header" else value
        outs = "".join(shown(Fixture(event=PLACES[place](value))))
        assert any(trace in outs for trace in traces(whole)), (name, place)


HEADERS = {
    "a bearer token": (b"Authorization", "Bearer abcdefgh"),
    "basic": (b"Authorization", "Basic dXNlcjpodW50ZXIy"),
    "a bare token": (b"Authorization", "hunter2hunter2"),
    "AWS": (b"Authorization", "AWS4-HMAC-SHA256 Credential=abc/20260101, Signature=" + "ab" * 32),
    "a proxy's": (b"Proxy-Authorization", "Basic dXNlcjpodW50ZXIy"),
    "a cookie": (b"Cookie", "session=s3cr3tvalue"),
    "a cookie without a name": (b"Cookie", "s3cr3tvalue"),
    "an authentication of its own": (b"X-Auth", "hunter2hunter2"),
    "a verification token": (b"X-Acme-Verification-Token", "hunter2hunter2"),
    "cookies that are set": (b"Set-Cookie", "session=s3cr3tvalue"),
    "GitLab's": (b"X-Gitlab-Token", "hunter2hunter2"),
    "Telegram's": (b"X-Telegram-Bot-Api-Secret-Token", "hunter2hunter2"),
    "an API key": (b"X-Api-Key", "hunter2hunter2"),
    "Stripe's": (b"Stripe-Signature", "t=1700000000,v1=" + "5f" * 32),
    "GitHub's": (b"X-Hub-Signature-256", "sha256=" + "5f" * 32),
    "Slack's": (b"X-Slack-Signature", "v0=" + "5f" * 32),
    "Shopify's": (b"X-Shopify-Hmac-Sha256", base64.b64encode(bytes(range(32))).decode()),
    "a signature of another name": (b"X-Acme-Proof", "5f" * 32),
    "RFC 9421": (b"Signature", "sig1=:" + base64.b64encode(bytes(range(64))).decode() + ":"),
    "a digest": (b"Content-Digest", "sha-256=:" + base64.b64encode(bytes(range(32))).decode() + ":"),
}


@pytest.mark.parametrize(("name", "value"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_is_a_secret_gives_way_to_the_mark(name: bytes, value: str) -> None:
    made = clean(event(headers=((name, value.encode()),)))
    [new] = [text.decode() for key, text in made.event.headers if key == name]
    assert "whcli-redacted" in new and is_redacted(made.event)
    secret = re.split(r"[ =:]", value.rstrip("=:"))[-1]
    assert secret not in new
    if " " not in value and "=" in value.rstrip("="):  # the layout stays
        assert value.partition("=")[0] == new.partition("=")[0]
    assert clean(made.event).edits == ()


NAMED = [
    "password",
    "clientSecret",
    "client_secret",
    "access-token",
    "apiKey",
    "refresh_token",
    "passcode",
    "cvc",
    "token",
]


@pytest.mark.parametrize("name", NAMED)
def test_a_name_tells_that_a_value_is_secret(name: str) -> None:
    bodies = {
        json.dumps({"a": {name: "plain words"}}): JSON,
        f"{name}=plain+words": FORM,
        f"<x><{name}>plain words</{name}></x>": (),
        f'<x {name}="plain words"/>': (),
    }
    for body, headers in bodies.items():
        made = clean(event(body=body, headers=headers))
        assert b"plain" not in made.event.body, body
        assert b"redacted-" in made.event.body
    assert b"plain" not in clean(event(target=f"/?{name}=plain+words")).event.target


ROUND_ABOUT = {
    "a list": json.dumps({"passwords": ["plain words"], "secret": ["plain words"]}),
    "an object of one value": json.dumps(
        {"password": {"value": "plain words"}, "client_secret": {"raw": "plain words"}}
    ),
    "a name beside its value": json.dumps({"fields": [{"name": "password", "value": "plain words"}]}),
    "a key beside its value": json.dumps({"fields": [{"key": "api_key", "value": "plain words"}]}),
    "JSON lines": '{"a":1}\n{"password":"plain"}\n',
    "almost JSON": '{"password": "plain words", }',
    "CDATA": "<x><password><![CDATA[plain words]]></password></x>",
    "single quotes": "<x password='plain words'/>",
}


@pytest.mark.parametrize("body", ROUND_ABOUT.values(), ids=ROUND_ABOUT.keys())
def test_a_name_tells_it_from_a_distance_too(body: str) -> None:
    made = clean(event(body=body))
    assert b"plain" not in made.event.body and b"redacted-" in made.event.body
    assert clean(made.event).edits == ()


def test_telephone_numbers_are_known_by_the_name_of_their_list_or_object() -> None:
    body = json.dumps({"phone_numbers": ["4155552671"], "phone": {"number": 4155552671, "country": "US"}})
    new = json.loads(clean(event(body=body)).event.body)
    assert "415555" not in json.dumps(new) and new["phone"]["country"] == "US"
    assert new["phone_numbers"] == [str(new["phone"]["number"])]


def test_what_one_place_says_is_secret_is_replaced_in_all() -> None:
    whatsapp = {"contacts": [{"wa_id": "14158675309"}], "messages": [{"from": "14158675309", "id": "wamid.1"}]}
    new = json.loads(clean(event(body=json.dumps(whatsapp))).event.body)
    assert new["messages"][0]["from"] == new["contacts"][0]["wa_id"] != "14158675309"
    made = clean(event(body='{"note":"it is s3cr3tvalue!"}', headers=((b"X-Gitlab-Token", b"s3cr3tvalue"),)))
    assert json.loads(made.event.body) == {"note": "it is whcli-redacted!"}
    made = clean(event(target="/in/s3cr3tvalue?x=s3cr3tvalues", body='{"password":"s3cr3tvalue","mode":"test"}'))
    assert b"/in/redacted-" in made.event.target and b"x=s3cr3tvalues" in made.event.target
    plain = '{"token":"verification","type":"verification"}'
    assert json.loads(clean(event(body=plain)).event.body)["type"] == "verification"  # too plain a word to be told


def test_thousands_of_secrets_are_found_again_in_one_look() -> None:
    secrets = [f"{number * 7919 % 100_003:x}-{number}.x_{number}" for number in range(3_000)]
    body = json.dumps([{"password": secret, "log": f"<{secret}> .{secret}"} for secret in secrets])
    new = json.loads(clean(event(body=body)).event.body)
    for row, secret in zip(new, secrets, strict=True):
        assert len(secret) < 8 or row["log"] == f"<{row['password']}> .{row['password']}" != f"<{secret}> .{secret}"


def test_thousands_of_secrets_that_begin_alike_are_found_again_in_one_look() -> None:
    """Each place costs as many looks as there are lengths, not as many as there are secrets."""
    again = Again(("token", f"a-{number:07}") for number in range(20_000))
    text = "a " * 20_000 + "a-0000007"
    assert [find.value for find in again.found_in(text)] == ["a-0000007"]


def test_all_of_a_header_that_is_a_secret_goes() -> None:
    headers = (
        (b"Cookie", b'rawtoken1234567; lang=de; b="s3cr3t one, two"'),
        (b"X-Gitlab-Token", b"correct horse battery"),
    )
    made = dict(clean(event(headers=headers)).event.headers)
    assert not re.search(rb"rawtoken|de;|s3cr3t|two", made[b"Cookie"]) and b"; lang=" in made[b"Cookie"]
    assert made[b"X-Gitlab-Token"] == b"whcli-redacted"
    made = dict(clean(event(headers=((b"X-Forwarded-For", b"::ffff:8.8.4.4, 9.9.9.9"),))).event.headers)
    assert b"8.8.4.4" not in made[b"X-Forwarded-For"] and b"9.9.9.9" not in made[b"X-Forwarded-For"]


def test_a_body_of_very_many_gzip_members_is_not_read_for_minutes() -> None:
    assert inflated(gzip.compress(b"a") * 20) == b"a" * 20
    assert inflated(gzip.compress(b"") * 100_000) is None


def test_an_email_with_a_quoted_name_and_a_form_with_bare_line_feeds() -> None:
    made = clean(event(body=json.dumps({"to": '"ada q"@corp.io'})))
    assert made.kinds == {"email": 1} and b"ada" not in made.event.body
    parts = '--x\nContent-Disposition: form-data; name="password"\n\nplain words\n--x--\n'
    made = clean(event(body=parts, headers=((b"Content-Type", b"multipart/form-data; boundary=x"),)))
    assert b"plain" not in made.event.body and made.event.body.endswith(b"\n--x--\n")


def test_keys_in_a_url_go_and_short_codes_stay() -> None:
    made = clean(event(target="/api/f?code=a1B2c3D4e5F6g7==&key=AbCdEf123456&lang=en"))
    assert b"a1B2" not in made.event.target and b"AbCd" not in made.event.target
    assert clean(event(target="/?code=200&key=name")).edits == ()
    assert clean(event(body='{"key":"AbCdEf123456","code":"a1B2c3D4e5F6"}')).edits == ()


@pytest.mark.parametrize(
    "text",
    [
        "https://hooks.slack.com/commands/T024BE7LD/1234567890/abcDEF123ghiJKL456mno",
        "https://hooks.slack.com/actions/T024BE7LD/1234567890/abcDEF123ghiJKL456mno",
        "/bot123456789:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx/x",
        "https://a1B2c3D4e5F6g7H8i9@git.example.io/x.git",
        "my_" + "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    ],
)
def test_tokens_are_known_in_the_places_where_services_put_them(text: str) -> None:
    assert clean(event(body=json.dumps({"a": text}))).kinds.total() == 1


def test_a_password_in_a_url_goes() -> None:
    made = clean(event(body=json.dumps({"clone_url": "https://joe:hunter2pass@git.example.io/x.git"})))
    assert b"hunter2" not in made.event.body and b"joe" not in made.event.body
    assert b"@git.example.io/x.git" in made.event.body and clean(made.event).edits == ()


def test_the_senders_address_goes_unless_it_is_this_machine() -> None:
    assert clean(event(peer="127.0.0.1:5")).event.peer == "127.0.0.1:5"
    assert clean(event(peer="[::1]:5")).event.peer == "[::1]:5"
    new = clean(event(peer="54.187.174.169:443")).event.peer or ""
    assert new.endswith(":443") and new.startswith(("192.0.2.", "198.51.100.", "203.0.113."))
    headers = ((b"X-Forwarded-For", b"54.187.174.169, 2001:4860::8888"), (b"X-Real-IP", b"54.187.174.169"))
    made = dict(clean(event(headers=headers)).event.headers)
    assert made[b"X-Real-IP"].decode() == new.partition(":")[0]  # the same address everywhere
    assert b"54." not in made[b"X-Forwarded-For"] and b"2001:db8::" in made[b"X-Forwarded-For"]


# -- what goes in instead -------------------------------------------------------------------------------------------


def pseudonym(value: str, key: bytes = b"k") -> str:
    rules = replace(RULES, pseudonyms=Pseudonyms(key))
    return str(json.loads(clean(event(body=json.dumps({"a": value})), rules).event.body)["a"])


@pytest.mark.parametrize("value", [*TOKENS.values(), *PERSONAL.values()], ids=[*TOKENS, *PERSONAL])
def test_the_same_value_gets_the_same_pseudonym_and_another_key_another_one(value: str) -> None:
    one = pseudonym(value)
    assert one == pseudonym(value) != value
    assert one != pseudonym(value, b"another key")
    assert pseudonym(one) == one  # and is left alone the next time


def test_values_still_join_across_places_and_spellings() -> None:
    mail = clean(event(body=json.dumps({"a": "Ada@Corp.io"}), target="/?who=ada%40corp.io"))
    new = json.loads(mail.event.body)["a"]
    assert f"who={new}".encode() in mail.event.target
    phones = json.loads(clean(event(body=json.dumps({"a": "+49 170 1234567", "b": "+491701234567"}))).event.body)
    assert phones["a"].replace(" ", "") == phones["b"]


def test_a_pseudonym_is_of_the_same_kind_and_length() -> None:
    assert re.fullmatch(r"user-[a-z2-7]+@example\.com", pseudonym("somebody@some-company.com"))
    assert len(pseudonym("somebody.with.a.name@some-company.com")) == len("somebody.with.a.name@some-company.com")
    assert re.fullmatch(r"\+99\d \d{3} \d{7}", pseudonym("+491 170 1234567"))
    assert re.fullmatch(r"\([2-9]\d\d\) 555-01\d\d", pseudonym("(415) 867-5309"))
    card = pseudonym("4242 4242 4242 4242")
    assert re.fullmatch(r"4\d{3} \d{4} \d{4} \d{4}", card) and not luhn(card.replace(" ", ""))
    token = TOKENS["a GitHub token"]
    assert re.fullmatch(r"redacted-[a-z2-7]+", pseudonym(token)) and len(pseudonym(token)) == len(token)


def test_a_number_stays_a_number() -> None:
    body = (
        '{"card": 4242424242424242, "phone_number": 4917012345678, "cvc": 123, "pin": 12.5e3, "amount": 42, "ok": true}'
    )
    new = clean(event(body=body)).event.body.decode()
    values = json.loads(new)
    assert re.fullmatch(body.replace("4242424242424242", r"4\d{15}").replace("4917012345678", r"999\d{10}")
                        .replace("123,", r"\d{3},").replace("12.5e3", r"\d\d\.\d"), new), new  # fmt: skip
    assert (values["amount"], values["ok"]) == (42, True) and values["card"] != 4242424242424242


def test_no_byte_changes_but_the_values() -> None:
    body = '{ "b" : 1.0,\r\n\t"a":"\\u00e9 ada@corp.io \\/", "a": "x", "c":[1e2 ,2 ]}'
    new = clean(event(body=body)).event.body.decode()
    assert re.fullmatch(re.escape(body).replace(re.escape("ada@corp.io"), r"user-[a-z2-7]+@example\.com"), new)
    form = "a=%41&b=+1+&mail=ada%40corp.io&&c"
    new = clean(event(body=form, headers=FORM)).event.body.decode()
    assert re.fullmatch(re.escape(form).replace(re.escape("ada%40corp.io"), r"user-[a-z2-7]+@example\.com"), new)


HARMLESS = [
    *("2026-11-26T04:00:00.123456+00:00", "Thu, 26 Nov 2026 04:00:00 +0000", "1795460250123", "1795460250.123456"),
    *("550e8400-e29b-41d4-a716-446655440000", "01ARYZ6S41TSV4RRFFQ69G5FAV", "evt_1PgafSB7WZ01zgkW5aYkZ3sV", "req_123"),
    *("total_tokens", "https://hooks.slack.com/help", '"token": 5', "page 1 of name"),
    *("git@github.com:octo/repo.git", "https://api.github.com/users/octocat", "sha256", "+1000", "1.2.3.4", "12:30:45"),
    *("user@example.com", "someone@test.invalid", "1234567890123456", "1111111111111111", "pk_" + "live_abcdefghijkl"),
    *("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "basic authentication", "Bearer of news"),
    *(
        "the token expired yesterday",
        "********",
        "[FILTERED]",
        "@channel",
        "a@b",
        "refs/heads/main",
        "",
        "1200000000000000",
    ),
]


@pytest.mark.parametrize("value", HARMLESS)
def test_what_is_no_secret_stays(value: str) -> None:
    original = event(body=json.dumps({"a": value, "token": "*****"}), headers=((b"X-A", value.encode()),))
    made = clean(original)
    assert made.event == original and made.edits == ()


# -- asked for, and kept --------------------------------------------------------------------------------------------

CUSTOMER = (
    '{"customer":{"name":"Ada","age":36,"vip":true,"tags":["x",{"y":"z"}]},"mail":"ada@corp.io","n":[{"a":1},{"a":2}]}'
)


def by_paths(body: str, *, asked: tuple[str, ...] = (), kept: tuple[str, ...] = ()) -> dict[str, object]:
    from whcli.hands.redacting import pattern_of

    rules = replace(RULES, asked=[pattern_of(text) for text in asked], kept=[pattern_of(text) for text in kept])
    value: dict[str, object] = json.loads(clean(event(body=body), rules).event.body)
    return value


def test_a_path_takes_everything_at_and_below_it() -> None:
    value = by_paths(CUSTOMER, asked=("body.customer.*",))
    customer = value["customer"]
    assert isinstance(customer, dict)
    assert customer["name"].startswith("redacted-") and customer["tags"][1]["y"].startswith("redacted-")
    assert isinstance(customer["age"], int) and 10 <= customer["age"] <= 99 and customer["vip"] is True
    assert value["n"] == [{"a": 1}, {"a": 2}]
    assert by_paths(CUSTOMER, asked=("body.n[1].a",))["n"] != [{"a": 1}, {"a": 2}]
    assert by_paths(CUSTOMER, asked=("body.n[0].a",))["mail"] == by_paths(CUSTOMER)["mail"]


def test_a_path_can_be_kept_but_not_a_configured_secret() -> None:
    assert by_paths(CUSTOMER, kept=("body.mail",))["mail"] == "ada@corp.io"
    body = json.dumps({"mail": f"ada@corp.io {CONFIGURED}"})
    assert CONFIGURED not in str(by_paths(body, kept=("body",))["mail"])


def test_what_frames_a_request_stays_when_all_headers_are_asked_for() -> None:
    from whcli.hands.redacting import pattern_of

    rules = replace(RULES, asked=[pattern_of("headers.*")])
    made = clean(event(body="{}", headers=((b"X-A", b"plain"), (b"Transfer-Encoding", b"chunked"))), rules)
    values = dict(made.event.headers)
    assert values[b"Content-Length"] == b"2" and values[b"Transfer-Encoding"] == b"chunked"
    assert values[b"X-A"].startswith(b"redacted-")


def test_paths_lead_into_headers_query_and_texts_inside_texts() -> None:
    from whcli.hands.redacting import pattern_of

    rules = replace(
        RULES,
        asked=[pattern_of("headers.X-User"), pattern_of("query.name"), pattern_of("body.payload.user")],
        kept=[pattern_of("headers.authorization")],
    )
    body = "payload=" + quote_plus('{"user":{"name":"Ada"}}')
    headers = ((b"X-User", b"Ada"), (b"Authorization", b"Bearer abc123abc123"), *FORM)
    made = clean(event(body=body, headers=headers, target="/?name=Ada&x=Ada"), rules)
    assert b"Ada" not in made.event.body and made.event.target.endswith(b"&x=Ada")
    values = dict(made.event.headers)
    assert values[b"X-User"].startswith(b"redacted-") and values[b"Authorization"] == b"Bearer abc123abc123"


# -- any request ----------------------------------------------------------------------------------------------------


@given(events)
def test_any_request_can_be_redacted_and_a_second_time_changes_nothing(original: Event) -> None:
    made = clean(original)
    again = clean(made.event)
    assert again.event == made.event
    assert made.edits or made.event == original


@given(st.text(), st.sampled_from(list(PLACES)))
def test_whatever_is_planted_the_request_stays_one(value: str, place: str) -> None:
    try:
        original = PLACES[place](value)
    except (UnicodeEncodeError, ValueError):
        return
    made = clean(original)
    if original.body[:1] == b"{" and place not in ("JSON lines", "almost JSON"):
        before, after = json.loads(original.body), json.loads(made.event.body)
        assert len(json.dumps(after)) > 0 and type(before) is type(after)
    lengths = [value for name, value in made.event.headers if name == b"Content-Length"]
    assert lengths in ([], [b"%d" % len(made.event.body)])


def test_a_body_compressed_in_a_way_that_is_not_looked_into_is_told() -> None:
    made = clean(event(body=b"\x1b\x00\x00", headers=((b"Content-Encoding", b"br"),)))
    assert made.unread and not clean(event(body="{}")).unread


def test_a_private_key_goes_whole_also_when_it_has_no_end() -> None:
    cut = PRIVATE_KEY.partition("-----END")[0]
    for text in (PRIVATE_KEY, cut, PRIVATE_KEY.replace("PRIVATE", "RSA PRIVATE")):
        assert b"MC4C" not in clean(event(body=json.dumps({"note": text}))).event.body
