"""`whcli schemes`: the list, the explanations, and key pairs for tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from tests.program import whcli
from whcli import cli
from whcli.rules.signatures.schemes import NAMES, scheme_named

# The names are part of what scripts rely on; none is renamed or removed.
PROMISED = """
standardwebhooks svix openai anthropic gitlab-signing polar resend clerk github github-sha1 bitbucket gitea forgejo meta
shopify shopify-events line razorpay coinbase-commerce gocardless mollie linear notion sentry intercom typeform x xero
woocommerce vercel heroku docusign lemonsqueezy paystack flutterwave checkout dropbox clickup jira asana pagerduty
circleci airtable easypost mailersend stripe workos elevenlabs mux sanity calendly paddle webflow slack zoom customerio
zendesk discord sendgrid telnyx twitch box cloudinary square trello hubspot-v1 hubspot-v2 hubspot-v3 twilio mandrill
plivo mailgun adyen adyen-header braintree contentful rfc9421 aws-sns paypal plaid netlify livekit monday gitlab
telegram okta auth0 postmark flutterwave-v3 figma microsoft-graph
"""
FIXED = PROMISED.split()
PAIRED = [name for name in FIXED if scheme_named(name).pair]
EVENTS = {
    "aws-sns": b'{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:1:T","Message":"hi"}',
}


def run(*arguments: str) -> tuple[int, str, str]:
    """A command in this process: exit code, stdout, stderr."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = cli.run(list(arguments))
    return code, out.getvalue(), err.getvalue()


def facts_of(name: str) -> dict[str, str]:
    """What `show` says to people, by label; the last note of several."""
    code, out, _ = run("schemes", "show", name)
    assert code == 0
    title, *lines = out.splitlines()
    assert title.startswith(f"{name}  ")
    return {line[2:18].strip(): line[18:] for line in lines}


# -- the list


def test_the_names_are_the_91_that_scripts_rely_on() -> None:
    assert len(FIXED) == len(set(FIXED)) == 91
    assert sorted(NAMES) == sorted(FIXED)


@pytest.mark.parametrize("arguments", [(), ("list",)], ids=["without a word", "list"])
def test_the_list_has_one_line_a_scheme(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = whcli("schemes", *arguments, folder=tmp_path)
    head, *lines = done.out.splitlines()
    assert (done.code, done.err, head.split()) == (0, "", ["SCHEME", "PROVIDER", "SIGNATURE", "ALGORITHM"])
    assert sorted(line.split()[0] for line in lines) == sorted(FIXED)
    assert all(len(line) <= 160 and line == line.rstrip() for line in lines)


def test_the_list_as_json_is_one_object_a_line() -> None:
    code, out, _ = run("schemes", "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and sorted(record["name"] for record in records) == sorted(FIXED)
    assert {record["schema"] for record in records} == {"whcli.scheme/1"}
    assert run("schemes", "list", "--json")[1] == out


def test_the_users_own_schemes_stand_first_and_one_that_replaces_ours_stands_once(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[schemes.acme]\nheader = "X-A"\n[schemes.stripe]\nheader = "X-B"\n')
    out = run("schemes")[1]
    names = [line.split()[0] for line in out.splitlines()[1:]]
    assert names[:2] == ["acme", "stripe"] and sorted(names) == sorted(["acme", *FIXED])
    assert facts_of("stripe")["signature"] == "X-B: {sig}"


def test_a_flag_before_the_subcommand_is_not_swallowed() -> None:
    code, out, err = run("schemes", "--json", "show", "stripe")
    assert (code, out) == (2, "") and "whcli schemes show ... --json" in err


# -- one scheme


@pytest.mark.parametrize("name", FIXED)
def test_a_scheme_is_explained(name: str) -> None:
    row, facts = scheme_named(name), facts_of(name)
    wanted = row.header or row.field or "in the body"
    assert wanted in facts["signature"]
    assert facts["secret"] == row.secret_form
    assert facts["environment"] == "WHCLI_SECRET_" + name.upper().replace("-", "_")
    assert facts["source"] == f"{row.source} (read {row.read})"
    assert ("none" in facts["algorithm"]) is (row.algorithm == "equal")
    assert facts["signed content"]
    if row.clock is None:
        assert facts["timestamp"] == "none"


@pytest.mark.parametrize("name", FIXED)
def test_a_scheme_is_explained_in_json(name: str) -> None:
    code, out, _ = run("schemes", "show", name, "--json")
    record = json.loads(out)
    assert code == 0
    assert (record["schema"], record["name"], record["source"]) == ("whcli.scheme/1", name, scheme_named(name).source)
    assert {"header", "secret_form", "clock", "content", "facts", "notes"} <= set(record)


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("stripe", "timestamp", "in the signature header, unix seconds; refused when older than 300 s"),
        ("linear", "timestamp", "webhookTimestamp in the body, unix milliseconds; refused when older than 60 s"),
        ("plaid", "timestamp", "iat in the token"),
        ("zoom", "timestamp", "x-zm-request-timestamp, unix seconds; its age is not checked"),
        ("twitch", "timestamp", "RFC 3339"),
        ("standardwebhooks", "algorithm", "hmac-sha256, ed25519, base64"),
        ("gitlab", "signature", "X-Gitlab-Token: {secret}"),
        ("gitlab", "algorithm", "none: the secret itself"),
        ("gitlab", "signed content", "nothing"),
        ("figma", "signature", "passcode in the JSON body"),
        ("slack", "retries", "3: at once, 1m, 5m; waits 3s for an answer; success: 2xx"),
        ("github", "retries", "none automatic"),
        ("stripe", "retries", "15 or so, over 3d: the intervals are not published"),
        ("paddle", "retries", "60: 60 s * 1.1^n"),
        ("shopify", "SDK insists on", "X-Shopify-Topic, X-Shopify-Shop-Domain"),
        ("gitea", "also sends", "X-Gogs-Signature, X-Hub-Signature, X-Hub-Signature-256"),
    ],
)
def test_what_is_said(name: str, label: str, words: str) -> None:
    assert words in facts_of(name)[label]


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    code, out, err = run("schemes", "show", "githb")
    assert (code, out) == (2, "") and "'github'" in err and "whcli schemes" in err
    error = json.loads(run("schemes", "show", "githb", "--json")[2])
    assert (error["code"], error["exit"]) == ("unknown_name", 2)


# -- key pairs


@pytest.fixture
def secrets() -> Iterator[None]:
    yield
    for name in ("PRIVATE", "PUBLIC"):
        os.environ.pop(name, None)


def test_which_schemes_have_a_key_pair() -> None:
    assert PAIRED == ["standardwebhooks", "svix", "discord", "sendgrid", "telnyx", "rfc9421", "aws-sns", "plaid"]


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", PAIRED)
def test_the_private_key_signs_and_the_public_one_only_verifies(tmp_path: Path, name: str) -> None:
    code, out, _ = run("schemes", "keygen", name, "--json")
    pair = json.loads(out)
    assert (code, pair["schema"], pair["scheme"]) == (0, "whcli.keypair/1", name)
    os.environ.update(PRIVATE=pair["private"], PUBLIC=pair["public"])
    (tmp_path / "body").write_bytes(EVENTS.get(name, b'{"id":1}'))
    url = ("--url", "https://example.com/hooks")
    arguments = (*url, "--header", "Content-Type: application/json", "--body-file", "body", "--json")
    code, out, err = run("sign", name, "--secret", "env:PRIVATE", "--body-out", "sent", *arguments)
    assert code == 0, err
    headers = [part for key, value in json.loads(out)["headers"] for part in ("-H", f"{key}: {value}")]
    sent = ("verify", "--scheme", name, *headers, "-H", "Content-Type: application/json", *url, "--json")
    for secret in ("env:PUBLIC", "env:PRIVATE"):
        code, out, err = run(*sent, "--body-file", "sent", "--secret", secret)
        assert code == 0, out + err
    (tmp_path / "sent").write_bytes((tmp_path / "sent").read_bytes().replace(b"1", b"2"))
    assert run(*sent, "--body-file", "sent", "--secret", "env:PUBLIC")[0] == 1
    code, out, err = run("sign", name, "--secret", "env:PUBLIC", *arguments)
    if name in ("discord", "telnyx"):  # 32 bytes alone can be a seed as well: what they sign does not verify
        headers = [part for key, value in json.loads(out)["headers"] for part in ("-H", f"{key}: {value}")]
        check = ("verify", "--scheme", name, *headers, "--body-file", "body", "--secret", "env:PUBLIC", "--json")
        assert run(*check)[0] == 1
    else:
        assert (code, json.loads(err)["code"]) == (2, "secret_malformed")


def test_a_pair_is_printed_so_that_it_can_be_copied(tmp_path: Path) -> None:
    done = whcli("schemes", "keygen", "discord", folder=tmp_path)
    private, public = done.out.splitlines()
    assert private.startswith("private: ") and public.startswith("public: ") and len(public) == 8 + 64
    assert "WHCLI_SECRET_DISCORD" in done.err
    lines = run("schemes", "keygen", "aws-sns")[1].splitlines()
    assert lines[:2] == ["private:", "-----BEGIN PRIVATE KEY-----"] and "public:" in lines
    assert run("schemes", "keygen", "discord")[1] != done.out


@pytest.mark.parametrize("name", [name for name in FIXED if name not in (*PAIRED, "paypal")])
def test_a_scheme_with_a_shared_secret_has_no_pair(name: str) -> None:
    code, out, err = run("schemes", "keygen", name)
    assert (code, out) == (2, "") and "shared secret" in err and "openssl rand" in err


def test_a_scheme_that_only_its_provider_can_sign_has_no_pair() -> None:
    code, _, err = run("schemes", "keygen", "paypal")
    assert code == 2 and "only PayPal itself can sign" in err
