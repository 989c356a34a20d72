"""Sample events: the same time and token give the same bytes, and what they say of themselves is true.

Every sample is made, signed as its provider signs, verified, detected, and asked whether it is a handshake.
"""

from __future__ import annotations

import importlib.util
import json
import re
import time
import tomllib
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import ROOT
from tests.test_resign_all import secrets_of
from whcli.hands.sending.samples import Samples
from whcli.rules import samples as package
from whcli.rules.body import is_form
from whcli.rules.conduct.handshakes import answer
from whcli.rules.recognition.detect import detect
from whcli.rules.recognition.providers import BY_NAME
from whcli.rules.replaying.resign import replaced
from whcli.rules.samples import STYLES, Sample, made, sample_named, samples_in
from whcli.rules.samples.fresh import SHAPES, BadPlace, filled
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.errors import NothingMatched, WhcliError, WrongUsage
from whcli.words.event import Message, first
from whcli.words.secret import Secret

NOW = 1_795_456_968.75
TOKEN, OTHER = "a1b2c3d4e5f6a7b8", "ffffffffffffffff"
URL = "https://abc.example.dev/hooks?a=1"
ALL = tuple(Samples().all())
NAMED = {f"{sample.provider} {sample.type}": sample for sample in ALL}
every_sample = pytest.mark.parametrize("sample", ALL, ids=NAMED)
SIGNED = [(sample, name) for sample in ALL for name in BY_NAME[sample.provider].schemes]
every_signature = pytest.mark.parametrize(
    ("sample", "scheme"), SIGNED, ids=[f"{sample.provider} {sample.type} by {name}" for sample, name in SIGNED]
)
HANDSHAKES = {"slack url_verification", "discord PING"}


def secret(scheme: str) -> Secret:
    return Secret(value=SECRETS[scheme].encode(), label="test")


SECRETS = {name: secrets_of(name)[1] for _, name in SIGNED}


def signed(sample: Sample, scheme: str, *, now: float = NOW, token: str = TOKEN) -> Message:
    """A sample as it is sent: signed, to URL."""
    plain = made(sample, now=now, token=token)
    message = Message(method=plain.method, url=URL, headers=plain.headers, body=plain.body)
    sent = sign(scheme_named(scheme), message, [secret(scheme)], now=now, token=token)
    return Message(method="POST", url=sent.url, headers=replaced(message.headers, sent.headers), body=sent.body)


def by_default(sample: Sample, **how: Any) -> Message:
    return signed(sample, BY_NAME[sample.provider].schemes[0], **how)


# -- what there is --------------------------------------------------------------------------------------------------


def test_there_are_plenty() -> None:
    assert len(ALL) >= 100 and len({sample.provider for sample in ALL}) >= 30


def test_each_is_there_once_and_says_what_happened() -> None:
    assert len(NAMED) == len(ALL)
    assert all(sample.says for sample in ALL)
    assert len({(sample.provider, sample.says) for sample in ALL}) == len(ALL)


def test_the_files_come_with_the_package() -> None:
    names = {file.name for file in files(package).iterdir() if file.name.endswith(".toml")}
    assert {name.removesuffix(".toml") for name in names} == {sample.provider for sample in ALL}
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["whcli"]}  # nothing in the package's folder is left out


@pytest.mark.parametrize("provider", Samples().providers)
def test_each_file_names_its_source_and_is_of_a_known_provider(provider: str) -> None:
    tables = tomllib.loads(files(package).joinpath(f"{provider}.toml").read_text("utf-8"))
    assert re.search(r"(https://|github\.com/).* \(2026-\d\d-\d\d\)", tables["source"])
    assert provider in BY_NAME
    used = set(re.findall(r"\{\{part:([a-z_-]+)\}\}", json.dumps(tables)))
    assert used == set(tables.get("parts", {}))


# -- what is made ---------------------------------------------------------------------------------------------------


@every_sample
def test_the_same_time_and_token_give_the_same_bytes(sample: Sample) -> None:
    assert made(sample, now=NOW, token=TOKEN) == made(sample, now=NOW, token=TOKEN)


@every_sample
def test_another_token_gives_another_event(sample: Sample) -> None:
    one, other = by_default(sample), by_default(sample, token=OTHER)
    assert (one.headers, one.body) != (other.headers, other.body)
    ids = [detect(message.headers, message.body).delivery_id for message in (one, other)]
    if BY_NAME[sample.provider].delivery_id and any(ids):
        assert None not in ids and ids[0] != ids[1]


@every_sample
def test_no_place_is_left_open(sample: Sample) -> None:
    message = made(sample, now=NOW, token=TOKEN)
    assert b"{{" not in message.body
    assert not any(b"{" in name + value for name, value in message.headers)
    assert all(re.fullmatch(rb"[!-~]+( [!-~]+)*", value) for _, value in message.headers)


def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), f"a name stands twice: {[name for name, _ in pairs]}"
    return dict(pairs)


@every_sample
def test_the_body_is_what_its_content_type_says(sample: Sample) -> None:
    message = made(sample, now=NOW, token=TOKEN)
    if not is_form(message.headers):
        assert isinstance(json.loads(message.body, object_pairs_hook=no_repeats), dict | list)
        return
    fields = parse_qsl(message.body.decode(), keep_blank_values=True, strict_parsing=True)
    assert len(dict(fields)) == len(fields)
    for name, value in fields:
        if name == "payload":
            assert isinstance(json.loads(value, object_pairs_hook=no_repeats), dict)


TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|\+00:00| UTC)?"
    r"|(?<![\d.])(?:1[6-9]|20)\d{8}(?:\d{3})?(?:\.\d{6})?(?!\d)"
)
NO_TIME = {"slack slash_command", "slack url_verification"}
NO_TIME |= {
    "twilio message",
    "twilio message-status",
    "twilio call",
    "twilio call-status",
}  # the last one's is RFC 2822
NO_TIME |= {"discord PING", "discord APPLICATION_COMMAND", "discord MODAL_SUBMIT"}  # ids hold the time
EARLIER = {"bitbucket repo:push", "github push", "gitlab push", "gitlab tag_push"}  # when the commit was made
EARLIER |= {"discord MESSAGE_COMPONENT", "telegram callback_query"}  # when the message with the button was sent
EARLIER |= {"twitch stream.offline", "twitch channel.subscribe"}  # when the subscription was made


def times_in(message: Message) -> list[float]:
    """Everything in a message that reads as a time, in unix seconds."""
    headers = "\n".join(value.decode() for _, value in message.headers)
    body = message.body.decode()
    if is_form(message.headers):
        body = "\n".join(value for _, value in parse_qsl(body, keep_blank_values=True))
    return [seconds(found[0]) for found in TIMES.finditer(headers + "\n" + body)]


def seconds(text: str) -> float:
    if "-" in text:
        iso = text.removesuffix(" UTC").removesuffix("Z").removesuffix("+00:00")
        return datetime.fromisoformat(iso[:26] + "+00:00").timestamp()
    return int(text) / 1000 if len(text) == 13 else float(text)


@every_sample
def test_times_are_now_and_move_together(sample: Sample) -> None:
    before = times_in(made(sample, now=NOW, token=TOKEN))
    after = times_in(made(sample, now=NOW + 1000, token=TOKEN))
    assert len(before) == len(after)
    steps = [round(late - early, 3) for early, late in zip(before, after, strict=True)]
    assert set(steps) <= {0, 1000}  # constants, and what goes with the event
    now = [early for early, step in zip(before, steps, strict=True) if step and abs(early - NOW) < 1]
    assert bool(now) is (f"{sample.provider} {sample.type}" not in NO_TIME | EARLIER)


@every_signature
def test_signed_it_verifies_and_is_recognised(sample: Sample, scheme: str) -> None:
    message = signed(sample, scheme)
    verdict = verify(scheme_named(scheme), message, [secret(scheme)], now=NOW)
    assert verdict.ok, verdict
    facts = detect(message.headers, message.body)
    assert (facts.provider, facts.type, facts.scheme) == (sample.provider, sample.seen_as, scheme)
    assert facts.candidates == () and facts.attempt in (None, 1)


@every_sample
def test_only_handshakes_are_taken_for_handshakes(sample: Sample) -> None:
    message = by_default(sample)
    handshake = answer(message, lambda scheme: [secret(scheme)] if scheme in SECRETS else [], now=NOW)
    name = f"{sample.provider} {sample.type}"
    assert (handshake is not None) is (name in HANDSHAKES)
    assert handshake is None or (handshake.provider == sample.provider and handshake.reply.status == 200)
    assert ("(a handshake)" in sample.says) is (name in HANDSHAKES)


# -- the examples' receiver, which shares nothing with us -----------------------------------------------------------


@pytest.fixture(scope="module")
def receiver() -> ModuleType:
    spec = importlib.util.spec_from_file_location("receiver", ROOT / "examples" / "receiver.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECKED = [sample for sample in ALL if sample.provider in ("stripe", "github", "slack", "shopify")]


@pytest.mark.parametrize("sample", CHECKED, ids=[f"{sample.provider} {sample.type}" for sample in CHECKED])
def test_the_examples_receiver_accepts_it(receiver: ModuleType, sample: Sample) -> None:
    check, _ = receiver.CHECKS[sample.provider]
    message = by_default(sample, now=time.time())
    headers = {name.decode().lower(): value.decode() for name, value in message.headers}
    value = SECRETS[sample.provider]
    assert check(headers, message.body, value)
    assert not check(headers, message.body + b" ", value)
    assert not check(headers, message.body, value + "x")


# -- how senders print ----------------------------------------------------------------------------------------------

PRINTED = {
    "stripe charge.succeeded": b'{\n  "id": "evt_1',
    "github push": b'"description":"Caf\xc3\xa9 & bakery"',
    "slack app_mention": b"what sold today? \\ud83c\\udf5e & more",
    "shopify products/update": b'"body_html":"<p>Dark, <em>slow<\\/em> &amp; good for a week.<\\/p>"',
    "meta whatsapp-message": b'Two rye, please \\ud83c\\udf5e"',
    "aws-sns Notification": b'{\n  "Type" : "Notification",\n',
}


@pytest.mark.parametrize(("name", "part"), PRINTED.items(), ids=PRINTED)
def test_json_is_printed_as_the_sender_prints_it(name: str, part: bytes) -> None:
    assert part in made(NAMED[name], now=NOW, token=TOKEN).body


def test_sendgrids_body_ends_in_a_line_break() -> None:
    assert made(NAMED["sendgrid processed"], now=NOW, token=TOKEN).body.endswith(b"}]\r\n")


def test_zooms_body_is_what_json_stringify_prints() -> None:
    """Zoom's SDK checks the body printed again."""
    body = made(NAMED["zoom meeting.started"], now=NOW, token=TOKEN).body.decode()
    assert body == json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)


def test_an_interactions_payload_is_json_in_a_form() -> None:
    message = made(NAMED["slack block_actions"], now=NOW, token=TOKEN)
    assert first(message.headers, b"content-type") == b"application/x-www-form-urlencoded"
    [(name, value)] = parse_qsl(message.body.decode())
    assert name == "payload" and value.startswith('{"type":"block_actions","user":{')


# -- places ---------------------------------------------------------------------------------------------------------

TEXTS = {
    "{{unix}}": "1795456968",
    "{{unix+30d}} {{unix-90s}}": "1798048968 1795456878",
    "{{unix_ms}} {{unix_us}}": "1795456968750 1795456968.750000",
    "{{rfc3339}} {{rfc3339_ms}}": "2026-11-23T18:02:48Z 2026-11-23T18:02:48.750Z",
    "{{rfc3339_us-1h}}": "2026-11-23T17:02:48.750000Z",
    "{{rfc3339_ns}}": "2026-11-23T18:02:48.750000000Z",
    "{{rfc3339_offset}} {{spaced}} UTC": "2026-11-23T18:02:48+00:00 2026-11-23 18:02:48 UTC",
    "{{rfc2822}}": "Mon, 23 Nov 2026 18:02:48 +0000",
    "{{date}}": "2026-11-23",
    "{{part:outer}}": "<b>1795456968</b>",
    "{one} {/brace} {base}...{head} {}": "{one} {/brace} {base}...{head} {}",
    '{"a":{"b":{"c":{{unix}}}}}': '{"a":{"b":{"c":1795456968}}}',
}
PARTS = {"outer": "<b>{{part:inner}}</b>\n", "inner": "{{unix}}", "loop": "{{part:loop}}"}


@pytest.mark.parametrize(("text", "wanted"), TEXTS.items(), ids=TEXTS)
def test_a_place_is_filled(text: str, wanted: str) -> None:
    assert filled(text, now=NOW, token=TOKEN, parts=PARTS) == wanted


FORMS = {
    "text:a:24": r"[0-9A-Za-z]{24}",
    "upper:a:9": r"[0-9A-Z]{9}",
    "lower:a:9": r"[0-9a-z]{9}",
    "hex:a:40": r"[0-9a-f]{40}",
    "digits:a:13": r"[1-9]\d{12}",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "ulid:a": r"01[0-9a-hjkmnp-tv-z]{24}",
    "ksuid:a": r"[0-9A-Za-z]{27}",
    "snowflake:a": r"\d{19}",
}


@pytest.mark.parametrize(("place", "form"), FORMS.items(), ids=FORMS)
@given(token=st.text(max_size=20))
def test_an_id_has_its_form_and_one_value_in_an_event(place: str, form: str, token: str) -> None:
    text = filled(f"{{{{{place}}}}} {{{{{place}}}}}", now=NOW, token=token, parts={})
    one, other = text.split(" ")
    assert re.fullmatch(form, one) and one == other
    assert filled(f"{{{{{place}}}}}", now=NOW, token=token + "!", parts={}) != one


def test_a_shorter_id_of_the_same_name_is_the_beginning_of_the_longer() -> None:
    """GitHub's `compare` URL has twelve digits of the commits."""
    long, short = filled("{{hex:a:40}} {{hex:a:12}}", now=NOW, token=TOKEN, parts={}).split(" ")
    assert long.startswith(short)


def test_a_ksuid_is_the_one_of_its_specification() -> None:
    """The example in github.com/segmentio/ksuid README.md."""
    payload = bytes.fromhex("B5A1CD34B5F99D1154FB6853345C9735")
    assert SHAPES["ksuid"](payload, 107_608_047 + 1_400_000_000) == "0ujtsYcgvSTl8PAuAdqWYSMnLOv"


def test_a_snowflake_holds_the_time() -> None:
    """As Discord's page reads one: 175928847299117063 is of 1462015105796 ms."""
    made_then = int(SHAPES["snowflake"](bytes(32), 1_462_015_105.796))
    assert made_then >> 22 == 175_928_847_299_117_063 >> 22


WRONG_PLACES = {
    "{{unxi}}": "no kind 'unxi'; did you mean 'unix'?",
    "{{uuid:a:4}}": "says more than uuid takes",
    "{{unix:a}}": "says more than unix takes",
    "{{text:a}}": "needs a name and a length",
    "{{text:a:24+1d}}": "needs a name and a length",
    "{{first name}}": "not written as a place",
    "{{}}": "not written as a place",
    "{{part:nowhere}}": "no part 'nowhere'",
    "{{part:loop}}": "no kind 'part'",
}


@pytest.mark.parametrize(("text", "why"), WRONG_PLACES.items(), ids=WRONG_PLACES)
def test_a_wrong_place_says_so(text: str, why: str) -> None:
    with pytest.raises(BadPlace, match=re.escape(why)):
        filled(text, now=NOW, token=TOKEN, parts=PARTS)


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_places_stays(text: str) -> None:
    assert filled(text, now=NOW, token=TOKEN, parts={}) == text


# -- a user's own ---------------------------------------------------------------------------------------------------

ACME = """
scheme = "acme"
[headers]
Content-Type = "application/json"
X-Acme-Id = "{{uuid:delivery}}"
[parts]
loaf = '{"name": "rye"}'
[[events]]
type = "loaf.baked"
says = "bread"
headers = { x-acme-id = "{{uuid:mine}}", X-New = "1" }
body = '{"id": "{{uuid:mine}}", "at": {{unix}}, "loaf": {{part:loaf}}}'
[[events]]
type = "loaf.sold"
form = { who = "Noor & Rivka", what = '[ "rye" ]', said = "[sic] {no json" }
"""


def acme(text: str = ACME) -> tuple[Sample, ...]:
    return samples_in(tomllib.loads(text), "acme", "acme.toml")


def test_a_file_of_the_users_own() -> None:
    baked, sold = acme()
    assert (baked.provider, baked.scheme, baked.seen_as, baked.method) == ("acme", "acme", "loaf.baked", "POST")
    message = made(baked, now=NOW, token=TOKEN)
    (_, kind), (name, id), (_, new) = message.headers
    assert (kind, name, new) == (b"application/json", b"X-Acme-Id", b"1")  # in its place, in the file's spelling
    assert message.body == b'{"id":"%b","at":1795456968,"loaf":{"name":"rye"}}' % id
    form = made(sold, now=NOW, token=TOKEN)
    assert first(form.headers, b"content-type") == b"application/x-www-form-urlencoded"
    assert form.body == b"who=Noor+%26+Rivka&what=%5B%22rye%22%5D&said=%5Bsic%5D+%7Bno+json"


BROKEN = {
    "an unknown key of a file": ("sheme = 'a'\n", "'sheme' in acme.toml is no key of a sample; did you mean 'scheme'?"),
    "an unknown key of an event": ("[[events]]\ntype = 'a'\nbdy = '1'", "'a: bdy' in acme.toml is no key"),
    "no type": ("[[events]]\nbody = '1'", "lacks a type"),
    "a body and a form": ("[[events]]\ntype = 'a'\nbody = '1'\nform = {}", "only one"),
    "neither body nor form": ("[[events]]\ntype = 'a'", "only one"),
    "an unknown style": ("json = 'pretty'\n[[events]]\ntype = 'a'\nbody = '1'", "is not one of " + ", ".join(STYLES)),
    "a header that is no text": ("[headers]\nX = 1\n", "'headers.X' in acme.toml is not a text"),
    "a field that is no text": ("[[events]]\ntype = 'a'\nform = { n = 1 }", "'a: form.n' in acme.toml is not a text"),
    "events that are no list": ("events = 1\n", "has the wrong type"),
    "an event that is no table": ("events = [1]\n", "lacks a type"),
}


@pytest.mark.parametrize(("text", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_cannot_be_meant_is_refused(text: str, why: str) -> None:
    with pytest.raises(WrongUsage) as error:
        acme(text)
    assert why in error.value.message and error.value.next == "edit acme.toml"


UNMAKABLE = {
    "a wrong place": ("{{unxi}}", "there is no kind 'unxi'"),
    "no JSON": ("{nope", "cannot be made"),
    "a time beyond the calendar": ('"{{rfc3339+999999d}}"', "cannot be made"),
}


@pytest.mark.parametrize(("body", "why"), UNMAKABLE.values(), ids=UNMAKABLE.keys())
def test_a_template_that_cannot_be_filled_is_refused(body: str, why: str) -> None:
    [sample] = acme(f"[[events]]\ntype = 'a'\nbody = '{body}'")
    now = NOW if "999999" not in body else 250_000_000_000.0
    with pytest.raises(WrongUsage, match=re.escape(why)):
        made(sample, now=now, token=TOKEN)


def test_a_folder_adds_to_ours_and_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    (tmp_path / "mine.toml").write_text(
        "provider = 'stripe'\n"
        "[[events]]\ntype = 'charge.succeeded'\nsays = 'mine'\nbody = '1'\n"
        "[[events]]\ntype = 'mine.only'\nbody = '2'\n"
    )
    (tmp_path / "notes.txt").write_text("not a sample")
    known = Samples(tmp_path)
    assert set(known.providers) == {*Samples().providers, "acme"}
    assert [sample.type for sample in known.of("acme")] == ["loaf.baked", "loaf.sold"]
    ours, theirs = Samples().of("stripe"), known.of("stripe")
    assert [sample.type for sample in theirs] == [*(sample.type for sample in ours), "mine.only"]
    assert known.one("stripe", "charge.succeeded").says == "mine"
    assert len(list(known.all())) == len(ALL) + 3


def test_a_folder_that_is_not_there_is_nothing_found(tmp_path: Path) -> None:
    with pytest.raises(NothingMatched):
        Samples(tmp_path / "none").of("stripe")


@pytest.mark.parametrize("content", [b"type = ", b"\xff\xfe"], ids=["no TOML", "no UTF-8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "acme.toml").write_bytes(content)
    with pytest.raises(WrongUsage, match=re.escape(f"{tmp_path}/acme.toml cannot be read")):
        Samples(tmp_path).of("acme")


# -- names ----------------------------------------------------------------------------------------------------------

FOUND = {
    "as it is typed": ("stripe", "charge.succeeded", "charge.succeeded"),
    "in another case": ("discord", "ping", "PING"),
    "as a listener shows it": ("gitlab", "Merge Request Hook", "merge_request"),
    "a slash command by its name": ("slack", "/bake", "slash_command"),
}


@pytest.mark.parametrize(("provider", "type", "wanted"), FOUND.values(), ids=FOUND.keys())
def test_a_sample_is_found_by_its_name(provider: str, type: str, wanted: str) -> None:
    assert Samples().one(provider, type).type == wanted


UNKNOWN = {
    "a provider": ("strype", "charge.succeeded", "'stripe'"),
    "a provider in another case": ("GitHub", "push", "'github'"),
    "a type": ("stripe", "charge.suceeded", "'charge.succeeded'"),
    "a shown type that two share": ("meta", "whatsapp_business_account.messages", "whatsapp_business_account.messages"),
}


@pytest.mark.parametrize(("provider", "type", "near"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_name_gets_the_nearest(provider: str, type: str, near: str) -> None:
    with pytest.raises(WrongUsage) as error:
        Samples().one(provider, type)
    assert near in dict(error.value.details)["did you mean"] and "--list" in error.value.next


def test_nothing_near_suggests_nothing() -> None:
    with pytest.raises(WhcliError) as error:
        sample_named(Samples().of("stripe"), "stripe", "zzzz")
    assert error.value.details == ()
