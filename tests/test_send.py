"""`whcli send`: what arrives at a handler, what is said of it, and how it ends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path

import pytest

from tests.listeners import Seen, listener_on
from tests.program import until, whcli
from tests.receivers import Receiver, closed_port, split
from tests.test_resign_all import secrets_of
from whcli.cli import run
from whcli.hands.config import load_config, variable
from whcli.hands.keyring import Keyring
from whcli.hands.listening.plan import ListenPlan
from whcli.hands.sending.samples import Samples
from whcli.rules.recognition.providers import BY_NAME
from whcli.rules.replies import Replies
from whcli.rules.signatures.keys import keygen
from whcli.words.event import Facts, Reply

STRIPE = {"WHCLI_SECRET_STRIPE": "whsec_testtesttest"}
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno!"
ALL = tuple(Samples().all())


def header(request: bytes, name: str) -> str:
    """A header's value in a raw request."""
    _, fields, _ = split(request)
    return next(value.decode().strip() for key, value in fields if key.decode().lower() == name.lower())


def names(request: bytes) -> set[str]:
    return {key.decode().lower() for key, _ in split(request)[1]}


def stripe_holds(request: bytes, secret: str) -> bool:
    """As Stripe's page says to check it by hand."""
    parts = dict(item.split("=") for item in header(request, "Stripe-Signature").split(","))
    content = parts["t"].encode() + b"." + split(request)[2]
    made = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return parts["v1"] == made and abs(time.time() - int(parts["t"])) < 60


# -- one event ------------------------------------------------------------------------------------------------------


def test_it_arrives_signed_and_one_line_says_so(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = whcli("send", "stripe", "charge.succeeded", "--to", f"{handler.url}/in", folder=tmp_path, env=STRIPE)
        [request] = handler.wait(1)
    assert done.code == 0, done.err
    [line] = done.out.splitlines()
    assert re.fullmatch(rf"stripe charge\.succeeded  POST {handler.url}/in  signed stripe  → 200 +\d+ ms", line)
    assert request.startswith(b"POST /in HTTP/1.1\r\nHost: localhost:%d\r\nUser-Agent: Stripe/1.0" % handler.port)
    assert stripe_holds(request, "whsec_testtesttest")
    body = json.loads(split(request)[2])
    assert body["type"] == "charge.succeeded" and abs(body["created"] - time.time()) < 60
    assert not (tmp_path / ".whcli").exists()  # nothing is stored


def test_two_of_a_kind_are_two_events(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = [
            whcli("send", "github", "push", "--to", handler.url, "--json", folder=tmp_path).lines[0] for _ in range(2)
        ]
        deliveries = [header(request, "X-GitHub-Delivery") for request in handler.wait(2)]
    assert len(set(deliveries)) == 2 and deliveries == [line["delivery_id"] for line in done]


def test_json_is_a_delivery_and_the_sample(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = whcli(
            "send", "stripe", "invoice.paid", "--to", handler.url, "--json", "--set", "body.livemode=true",
            folder=tmp_path, env=STRIPE,
        )  # fmt: skip
    [line] = done.lines
    assert line["schema"] == "whcli.delivery/1" and line["kind"] == "send"
    assert (line["provider"], line["type"], line["signed"]) == ("stripe", "invoice.paid", "stripe")
    assert (line["status"], line["url"], line["note"]) == (200, handler.url + "/", None)
    assert line["changes"] == ["body.livemode false → true"] and line["delivery_id"].startswith("evt_1")


def test_without_a_secret_it_goes_unsigned_and_one_line_says_what_to_set(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = whcli("send", "stripe", "charge.succeeded", "--to", handler.url, folder=tmp_path)
        [request] = handler.wait(1)
    assert done.code == 0 and "stripe-signature" not in names(request)
    assert "  unsigned  → 200" in done.out
    assert "     ↳ not signed: set WHCLI_SECRET_STRIPE, or add --secret env:NAME\n" in done.out


UNSIGNED = {
    "a key pair": ("discord", "PING", "set WHCLI_SECRET_DISCORD to a private key (whcli schemes keygen discord"),
    "several schemes": ("gitlab", "push", "set WHCLI_SECRET_GITLAB, or"),
}


@pytest.mark.parametrize(("provider", "type", "why"), UNSIGNED.values(), ids=UNSIGNED.keys())
def test_what_to_set_is_said_for(tmp_path: Path, provider: str, type: str, why: str) -> None:
    assert why in whcli("send", provider, type, "--dry-run", folder=tmp_path).out


def test_unsigned_on_request_says_nothing_more(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = whcli(
            "send", "stripe", "charge.succeeded", "--unsigned", "--to", handler.url, folder=tmp_path, env=STRIPE
        )
        assert "stripe-signature" not in names(handler.wait(1)[0])
    assert len(done.out.splitlines()) == 1 and "unsigned" in done.out


# -- changes --------------------------------------------------------------------------------------------------------


def test_what_is_set_is_signed(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = whcli(
            *("send", "stripe", "charge.succeeded", "--to", f"{handler.url}/a?x=1"),
            *("--set", "body.data.object.amount=9900", "--unset", "body.livemode", "--set", "query.y=2"),
            *("--header", "X-Trace: 7", "--remove-header", "Accept"),
            folder=tmp_path,
            env=STRIPE,
        )
        [request] = handler.wait(1)
    assert done.code == 0, done.err
    line, _, body = split(request)
    assert line == b"POST /a?x=1&y=2 HTTP/1.1" and header(request, "X-Trace") == "7" and "accept" not in names(request)
    event = json.loads(body)
    assert event["data"]["object"]["amount"] == 9900 and "livemode" not in event
    assert stripe_holds(request, "whsec_testtesttest")
    assert "     ↳ body.data.object.amount 4200 → 9900\n" in done.out


def test_a_body_of_ones_own_goes_in_the_samples_place(tmp_path: Path) -> None:
    with Receiver() as handler:
        done = whcli(
            "send", "stripe", "charge.succeeded", "--body-file", "-", "--to", handler.url,
            folder=tmp_path, env=STRIPE, stdin=b'{"id": "evt_mine"}',
        )  # fmt: skip
        [request] = handler.wait(1)
    assert done.code == 0 and split(request)[2] == b'{"id": "evt_mine"}'
    assert stripe_holds(request, "whsec_testtesttest")


def test_a_path_that_leads_nowhere_names_the_command_that_shows_what_is_there(tmp_path: Path) -> None:
    done = whcli("send", "stripe", "invoice.paid", "--set", "body.type.x=1", "--dry-run", folder=tmp_path)
    assert done.code == 2 and "whcli send stripe invoice.paid --dry-run" in done.err


# -- schemes and secrets --------------------------------------------------------------------------------------------


def test_a_scheme_of_choice(tmp_path: Path) -> None:
    env = {"HUSH": "hush"}
    arguments = ("send", "github", "push", "--scheme", "github-sha1")
    with Receiver() as handler:
        done = whcli(*arguments, "--secret", "env:HUSH", "--to", handler.url, folder=tmp_path, env=env)
        [request] = handler.wait(1)
    assert done.code == 0 and "signed github-sha1" in done.out
    made = hmac.new(b"hush", split(request)[2], hashlib.sha1).hexdigest()
    assert header(request, "X-Hub-Signature") == f"sha1={made}" and "x-hub-signature-256" not in names(request)


def test_the_scheme_that_a_secret_is_known_for(tmp_path: Path) -> None:
    env = {"WHCLI_SECRET_GITLAB_SIGNING": "whsec_" + base64.b64encode(bytes(24)).decode()}
    done = whcli("send", "gitlab", "push", "--dry-run", "--json", folder=tmp_path, env=env)
    assert done.lines[0]["signed"] == "gitlab-signing"
    both = whcli(
        "send", "gitlab", "push", "--dry-run", "--json", folder=tmp_path, env={**env, "WHCLI_SECRET_GITLAB": "t"}
    )
    assert both.lines[0]["signed"] == "gitlab"  # the provider's default


def test_the_public_url_is_what_is_signed(tmp_path: Path) -> None:
    with Receiver() as handler:
        whcli(
            *("send", "square", "refund.created", "--to", handler.url, "--public-url", "https://abc.example.dev/hooks"),
            folder=tmp_path,
            env={"WHCLI_SECRET_SQUARE": "hush"},
        )
        [request] = handler.wait(1)
    content = b"https://abc.example.dev/hooks" + split(request)[2]
    made = base64.b64encode(hmac.new(b"hush", content, hashlib.sha256).digest()).decode()
    assert header(request, "x-square-hmacsha256-signature") == made


def test_a_routes_secret_holds_for_its_path(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text(
        '[[routes]]\npath = "/stripe/*"\nscheme = "stripe"\nsecret = "env:ROUTE"\n[secrets]\nstripe = "env:FILE"\n'
    )
    env = {"ROUTE": "whsec_of_the_route", "FILE": "whsec_of_the_file"}
    with Receiver() as handler:
        for path in ("/stripe/in", "/other"):
            whcli("send", "stripe", "customer.created", "--to", handler.url + path, folder=tmp_path, env=env)
        routed, other = handler.wait(2)
    assert stripe_holds(routed, "whsec_of_the_route") and stripe_holds(other, "whsec_of_the_file")


def test_a_public_key_is_suspected_when_the_handler_refuses(tmp_path: Path) -> None:
    env = {"WHCLI_SECRET_DISCORD": keygen("ed25519-hex").public}
    with Receiver(REFUSED) as handler:
        done = whcli("send", "discord", "PING", "--to", handler.url, folder=tmp_path, env=env)
    assert done.code == 1 and "a public key cannot sign: whcli schemes keygen discord makes a pair" in done.out


# -- how it ends ----------------------------------------------------------------------------------------------------


def test_a_handler_that_refuses_is_exit_1_and_its_answer_is_shown(tmp_path: Path) -> None:
    with Receiver(REFUSED) as handler:
        done = whcli("send", "stripe", "charge.succeeded", "--to", handler.url, folder=tmp_path, env=STRIPE)
    assert done.code == 1 and "→ 401" in done.out and "response: no!" in done.out
    assert "public key" not in done.out


def test_nobody_there_is_exit_5(tmp_path: Path) -> None:
    done = whcli("send", "stripe", "charge.succeeded", "--to", f"http://127.0.0.1:{closed_port()}", folder=tmp_path)
    assert done.code == 5 and "→ refused" in done.out and "nothing is listening" in done.out


def test_a_host_that_is_not_known_is_exit_5(tmp_path: Path) -> None:
    done = whcli("send", "github", "ping", "--to", "http://nowhere.invalid", "--yes", "--json", folder=tmp_path)
    assert done.code == 5 and done.lines[0]["failure"] == "dns"


def test_a_handler_that_takes_too_long_is_exit_1(tmp_path: Path) -> None:
    with Receiver(lambda connection, request: True) as handler:  # takes the request and never answers
        done = whcli("send", "github", "ping", "--to", handler.url, "--timeout", "200ms", folder=tmp_path)
    assert done.code == 1 and "→ timeout" in done.out


MISTAKES = {
    "nothing at all": ((), "say whose sample to send", "--list"),
    "a provider alone": (("stripe",), "say whose sample to send", "whcli send stripe --list"),
    "an unknown provider": (("strype", "x"), "unknown provider with samples 'strype'", "whcli send --list"),
    "an unknown type": (("stripe", "charge.suceeded"), "did you mean: 'charge.succeeded'", "whcli send stripe --list"),
    "no target": (("stripe", "charge.succeeded"), "there is no target", "--to URL"),
    "another machine": (("stripe", "charge.succeeded", "--to", "http://192.0.2.1/"), "not on this machine", "--yes"),
    "a scheme without a secret": (
        ("github", "push", "--scheme", "github-sha1", "--to", "http://localhost:1"),
        "no secret for github-sha1",
        "WHCLI_SECRET_GITHUB_SHA1",
    ),
    "an unknown scheme": (("github", "push", "--scheme", "githb", "--dry-run"), "did you mean: 'github'", "schemes"),
    "unsigned and a scheme": (("github", "push", "--unsigned", "--scheme", "github"), "excludes", "--help"),
    "all of stdin": (("github", "push", "--secret", "-", "--body-file", "-"), "from stdin", "env:NAME"),
    "a list of a type": (("github", "push", "--list"), "takes a provider and no type", "whcli send github --list"),
    "a bad edit": (("github", "push", "--dry-run", "--set", "body"), "says no value", "--set"),
    "a folder that is not there": (("--list", "--samples", "none"), "there is no samples folder none", "ls -d none"),
}


@pytest.mark.parametrize(("arguments", "what", "next"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_explained(tmp_path: Path, arguments: tuple[str, ...], what: str, next: str) -> None:
    done = whcli("send", *arguments, folder=tmp_path)
    assert done.code == (3 if "none" in arguments else 2) and done.out == ""
    assert what in done.err and next in done.err.rpartition("next:")[2]


# -- looking --------------------------------------------------------------------------------------------------------


def test_the_list_shows_them_all(tmp_path: Path) -> None:
    done = whcli("send", "--list", folder=tmp_path)
    rows = [line.split(None, 2) for line in done.out.splitlines()[1:]]
    assert done.code == 0 and rows == [[sample.provider, sample.type, sample.says] for sample in ALL]


def test_the_list_of_a_provider_as_json(tmp_path: Path) -> None:
    done = whcli("send", "gitlab", "--list", "--json", folder=tmp_path)
    ours = Samples().of("gitlab")
    assert [line["type"] for line in done.lines] == [sample.type for sample in ours]
    first = {"schema": "whcli.sample/1", "provider": "gitlab", "type": "push", "seen_as": "Push Hook"}
    assert first.items() <= done.lines[0].items() and done.lines[0]["says"] == "a commit was pushed to main"


def test_a_dry_run_sends_nothing_and_masks_tokens(tmp_path: Path) -> None:
    env = {"WHCLI_SECRET_GITLAB": "a-long-secret-token"}
    with Receiver() as handler:
        done = whcli("send", "gitlab", "push", "--to", handler.url, "--dry-run", folder=tmp_path, env=env)
        assert handler.requests == [] and handler.connections == 0
    assert done.code == 0 and done.out.startswith(f"POST / HTTP/1.1\nHost: localhost:{handler.port}\n")
    assert "X-Gitlab-Token: …oken\n" in done.out and "a-long-secret-token" not in done.out
    assert '\n    "object_kind": "push",\n' in done.out


def test_a_dry_run_as_json_is_exact(tmp_path: Path) -> None:
    done = whcli("send", "slack", "slash_command", "--dry-run", "--json", folder=tmp_path)
    [line] = done.lines
    body = base64.b64decode(line["body_base64"])
    assert line["schema"] == "whcli.request/1" and line["url"] == "http://localhost/" and line["signed"] is None
    assert body.startswith(b"token=") and b"&command=%2Fbake&text=two+rye+%26+one+spelt%2C+for+7%3A30&" in body
    assert ["Content-Length", str(len(body))] in line["headers"]


# -- where to -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "arguments", "path"),
    [
        ('[listen]\nforward = "{url}/forwarded"\n', (), b"/forwarded"),
        ('[targets]\napp = "{url}/app"\n', ("--to", "app"), b"/app"),
    ],
    ids=["the listener's own target", "a target's name"],
)
def test_the_configuration_knows_where_to(tmp_path: Path, config: str, arguments: tuple[str, ...], path: bytes) -> None:
    with Receiver() as handler:
        (tmp_path / "whcli.toml").write_text(config.format(url=handler.url))
        assert whcli("send", "github", "ping", *arguments, folder=tmp_path).code == 0
        assert handler.wait(1)[0].startswith(b"POST %b HTTP/1.1\r\n" % path)


# -- a user's own ---------------------------------------------------------------------------------------------------

ACME = """
[[events]]
type = "loaf.baked"
says = "bread"
headers = { Content-Type = "application/json" }
body = '{"id": "{{uuid:loaf}}", "type": "loaf.baked"}'
"""
OWN = """
[send]
samples = "hooks/samples"
[schemes.acme]
header = "X-Acme-Signature"
layout = "v1={sig}"
"""


def test_a_sample_of_ones_own_by_the_configuration_signed_by_a_scheme_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text(OWN)
    (tmp_path / "hooks" / "samples").mkdir(parents=True)
    (tmp_path / "hooks" / "samples" / "acme.toml").write_text(ACME)
    inner = tmp_path / "deep"
    inner.mkdir()  # the folder is the file's, wherever the command runs
    with Receiver() as handler:
        env = {"WHCLI_SECRET_ACME": "hush"}
        done = whcli("send", "acme", "loaf.baked", "--to", handler.url, folder=inner, env=env)
        [request] = handler.wait(1)
    assert done.code == 0 and "acme loaf.baked" in done.out and "signed acme" in done.out
    made = hmac.new(b"hush", split(request)[2], hashlib.sha256).hexdigest()
    assert header(request, "X-Acme-Signature") == f"v1={made}"


def test_a_sample_of_ones_own_by_a_flag_without_any_scheme(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    done = whcli("send", "acme", "loaf.baked", "--samples", ".", "--dry-run", folder=tmp_path)
    assert done.code == 0 and "not signed: no signature scheme of acme is known" in done.out


def test_the_key_is_checked(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[send]\nsample = "x"\n')
    done = whcli("send", "--list", folder=tmp_path)
    assert done.code == 2 and "unknown key 'send.sample'" in done.err and "'send.samples'" in done.err


# -- all of them ----------------------------------------------------------------------------------------------------


def test_every_sample_sent_to_a_listener_comes_back_recognised_and_verified(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for provider in {sample.provider for sample in ALL}:
        scheme = BY_NAME[provider].schemes[0]
        monkeypatch.setenv(variable(scheme), secrets_of(scheme)[1])
    seen = Seen()
    plan = ListenPlan(replies=Replies((Reply(status=200),)), keyring=Keyring(load_config()))
    with listener_on(folder, plan, seen) as port:
        for sample in ALL:
            arguments = ("send", sample.provider, sample.type, "--to", f"http://127.0.0.1:{port}/{sample.provider}")
            assert run([*arguments, "--json"]) == 0, capsys.readouterr()
        until(lambda: len(seen.entries) >= len(ALL))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    facts = [entry.facts for entry in sorted(seen.entries, key=lambda entry: entry.id)]
    assert [found(each) for each in facts] == [
        (sample.provider, sample.seen_as, "valid", None, line["delivery_id"])
        for sample, line in zip(ALL, told, strict=True)
    ]


def found(facts: Facts) -> tuple[object, ...]:
    return facts.provider, facts.type, facts.signature, facts.duplicate_of, facts.delivery_id
