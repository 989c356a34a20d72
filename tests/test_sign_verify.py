"""`whcli sign` and `whcli verify`: the contract that scripts rely on."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from tests.program import environment, listening, whcli
from tests.receivers import Receiver
from tests.test_listen import BODY, STRIPE, post, signed

# printf '%s' "$CONTENT" | openssl dgst -sha256 -hmac "$SECRET" [-binary | base64]
ANSWERS = {
    "stripe": (
        "whsec_test",
        ["Stripe-Signature: t=1700000000,v1=a3f7d2647ca8af4e7ebbd79c4f9380dbd98ee11b35cf0485b700ca327380e947"],
    ),
    "github": (
        "topsecret",
        ["X-Hub-Signature-256: sha256=3b9cb0aa9e6bb589963b06e5bbc60a73bd97541e0a4fe58a50afbc143363f592"],
    ),
    "slack": (
        "8f742231b10e8888abcd99yyyzzz85a5",
        [
            "X-Slack-Request-Timestamp: 1700000000",
            "X-Slack-Signature: v0=113d0ad1213849ac6ca740d444007f661b28e56772997c714e30e2e2ba5b6e22",
        ],
    ),
    "shopify": ("hush", ["X-Shopify-Hmac-Sha256: BSo+BS/z0qzpUs18V+Da10NKRvtzR4zoUq7A39dyIPs="]),
    "standardwebhooks": (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        [
            "webhook-id: msg_1",
            "webhook-timestamp: 1700000000",
            "webhook-signature: v1,q0IE9lTRG6gJtiOMKobqkVVvhcXzUmqSGQOfVYck1eI=",
        ],
    ),
    "svix": (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        [
            "svix-id: msg_1",
            "svix-timestamp: 1700000000",
            "svix-signature: v1,q0IE9lTRG6gJtiOMKobqkVVvhcXzUmqSGQOfVYck1eI=",
        ],
    ),
}


@pytest.mark.parametrize("scheme", ANSWERS)
def test_plain_output_is_the_headers_to_send_as_openssl_computes_them(scheme: str, tmp_path: Path) -> None:
    secret, lines = ANSWERS[scheme]
    (tmp_path / "body").write_bytes(BODY)
    arguments = ("--secret", "env:KEY", "--body-file", "body", "--timestamp", "1700000000", "--id", "msg_1")
    done = whcli("sign", scheme, *arguments, folder=tmp_path, env={"KEY": secret})
    assert done.code == 0 and done.err == ""
    assert set(lines) <= set(done.out.splitlines())


def test_json_is_one_object_with_all_that_is_to_be_sent(tmp_path: Path) -> None:
    arguments = ("--url", "http://x.test/hook", "--method", "PUT", "--body-file", "-", "--json")
    done = whcli("sign", "stripe", *arguments, folder=tmp_path, env=STRIPE, stdin=b"\x00\xff")
    [signed] = done.lines
    assert (signed["schema"], signed["scheme"], signed["method"]) == ("whcli.signed/1", "stripe", "PUT")
    assert signed["url"] == "http://x.test/hook" and base64.b64decode(signed["body_base64"]) == b"\x00\xff"
    assert [name for name, _ in signed["headers"]] == ["Stripe-Signature"]


def test_curl_output_sends_what_a_verifying_listener_accepts(tmp_path: Path) -> None:
    body = b"50% off\\n 'quoted' $(touch x)\n"
    (tmp_path / "body").write_bytes(body)
    with listening("--verify", "--count", "1", folder=tmp_path, env=STRIPE) as listener:
        arguments = ("--url", f"{listener.url}/a?b=c", "-H", "X-More: é", "--body-file", "body", "--curl")
        command = whcli("sign", "stripe", *arguments, folder=tmp_path, env=STRIPE).out
        ran = subprocess.run(["sh", "-c", command], capture_output=True, env=environment(), cwd=tmp_path, timeout=20)
        assert b"200" in ran.stdout.split(b"\n")[0]
        assert listener.wait().code == 0
    assert whcli("show", "1", "--body", folder=tmp_path).raw == body
    assert not (tmp_path / "x").exists()


def test_several_secrets_the_first_signs_and_all_verify(tmp_path: Path) -> None:
    env = {"NEW": "whsec_new", "OLD": "whsec_old"}
    (tmp_path / "body").write_bytes(BODY)

    def header(*names: str) -> str:
        secrets = [part for name in names for part in ("--secret", f"env:{name}")]
        return whcli("sign", "stripe", *secrets, "--body-file", "body", folder=tmp_path, env=env).out.strip()

    def check(line: str) -> int:
        secrets = ("--secret", "env:NEW", "--secret", "env:OLD")
        return whcli(
            "verify", "--scheme", "stripe", *secrets, "-H", line, "--body-file", "body", folder=tmp_path, env=env
        ).code

    assert check(header("NEW", "OLD")) == check(header("OLD")) == 0
    env["OTHER"] = "whsec_other"
    assert check(header("OTHER")) == 1


@pytest.mark.parametrize(
    ("reference", "content"),
    [("env:KEY", None), ("file:key", "whsec_test\n"), ("file:key", "whsec_test\r\n"), ("file:key", "whsec_test")],
    ids=["environment", "file with a line end", "file with CR LF", "file without"],
)
def test_a_secret_is_found_where_it_is_said_to_be(tmp_path: Path, reference: str, content: str | None) -> None:
    (tmp_path / "key").write_bytes((content or "").encode())
    (tmp_path / "body").write_bytes(BODY)
    arguments = ("--secret", reference, "--body-file", "body", "--timestamp", "1700000000")
    done = whcli("sign", "stripe", *arguments, folder=tmp_path, env={"KEY": "whsec_test"})
    assert done.out.strip() == ANSWERS["stripe"][1][0]


def test_a_secret_from_stdin(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY)
    arguments = ("--secret", "-", "--body-file", "body", "--timestamp", "1700000000")
    done = whcli("sign", "stripe", *arguments, folder=tmp_path, stdin=b"whsec_test\n")
    assert done.out.strip() == ANSWERS["stripe"][1][0]


def test_secret_and_body_cannot_both_be_stdin(tmp_path: Path) -> None:
    assert whcli("sign", "stripe", "--secret", "-", "--body-file", "-", folder=tmp_path).code == 2


def test_a_literal_secret_works_with_a_warning(tmp_path: Path) -> None:
    done = whcli("sign", "stripe", "--secret", "whsec_test", "--timestamp", "1700000000", folder=tmp_path)
    assert done.code == 0 and "warning" in done.err and "shell's history" in done.err


def test_no_secret_is_exit_2_and_says_how_to_give_one(tmp_path: Path) -> None:
    done = whcli("sign", "gitlab-signing", folder=tmp_path)
    assert done.code == 2 and "WHCLI_SECRET_GITLAB_SIGNING" in done.err


def test_an_unknown_scheme_is_exit_2_with_a_suggestion(tmp_path: Path) -> None:
    done = whcli("sign", "stirpe", folder=tmp_path)
    assert done.code == 2 and "unknown signature scheme 'stirpe'" in done.err and "'stripe'" in done.err


def test_what_is_signed_inside_the_body_needs_a_place_to_go(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b'{"a":1}')
    env = {"WHCLI_SECRET_LINEAR": "lin_wh_x"}
    arguments = ("sign", "linear", "--body-file", "body", "--timestamp", "1700000000")
    done = whcli(*arguments, folder=tmp_path, env=env)
    assert done.code == 2 and "--body-out" in done.err
    assert whcli(*arguments, "--body-out", "out", folder=tmp_path, env=env).code == 0
    assert (tmp_path / "out").read_bytes() == b'{"a":1,"webhookTimestamp":1700000000000}'
    done = whcli(*arguments, "--body-out", "no/such/folder", folder=tmp_path, env=env)
    assert done.code == 2 and "cannot be written" in done.err


def test_what_is_signed_inside_the_url_is_not_printed_without_it(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b'{"a":1}')
    env = {"WHCLI_SECRET_TWILIO": "token"}
    arguments = ("sign", "twilio", "--url", "http://localhost:1/sms", "--body-file", "body")
    done = whcli(*arguments, folder=tmp_path, env=env)
    assert done.code == 2 and done.out == "" and "--curl" in done.err
    [signed] = whcli(*arguments, "--json", folder=tmp_path, env=env).lines
    assert signed["url"].startswith("http://localhost:1/sms?bodySHA256=")


@pytest.mark.parametrize("time", ["nan", "inf", "-1", "1700000000000"])
def test_a_time_that_no_timestamp_can_say_is_refused(tmp_path: Path, time: str) -> None:
    for command in ("sign", "twitch", "--timestamp"), ("verify", "--scheme", "twitch", "--now"):
        done = whcli(*command, time, folder=tmp_path, env={"WHCLI_SECRET_TWITCH": "hush"})
        assert done.code == 2 and f"{command[-1]} takes no" in done.err


# -- verify -----------------------------------------------------------------------------------------------------------


def verdict(tmp_path: Path, header: str, body: bytes, now: str, *more: str) -> dict[str, object]:
    (tmp_path / "body").write_bytes(body)
    arguments = ("--scheme", "stripe", "-H", header, "--body-file", "body", "--now", now, "--json", *more)
    done = whcli("verify", *arguments, folder=tmp_path, env=STRIPE)
    [answer] = done.lines
    assert done.code == (0 if answer["ok"] else 1)
    return answer


@pytest.mark.parametrize(
    ("body", "now", "reason"),
    [
        (BODY, "1700000000", "ok"),
        (BODY, "1700000300", "ok"),
        (BODY, "1700000301", "timestamp_too_old"),
        (BODY, "1690000000", "ok"),
        (BODY + b"\n", "1700000000", "newline_added"),
        (b"", "1700000000", "no_match"),
        (b"\xff\x00", "1700000000", "no_match"),
    ],
    ids=["right", "at the limit", "too old", "stripe takes the future", "a newline more", "no body", "not UTF-8"],
)
def test_the_verdict_has_a_reason(tmp_path: Path, body: bytes, now: str, reason: str) -> None:
    answer = verdict(tmp_path, ANSWERS["stripe"][1][0], body, now)
    assert (answer["reason"], answer["ok"], answer["scheme"]) == (reason, reason == "ok", "stripe")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("X-Other: 1", "header_missing"),
        ("Stripe-Signature: nonsense", "header_malformed"),
        ("Stripe-Signature: v1=00", "timestamp_missing"),
        ("Stripe-Signature: t=soon,v1=00", "timestamp_malformed"),
        ("Stripe-Signature: t=1,v1=é", "no_match"),
    ],
    ids=["missing", "no layout", "no timestamp", "timestamp is no number", "not ASCII"],
)
def test_a_malformed_header_is_a_reason_and_no_traceback(tmp_path: Path, header: str, reason: str) -> None:
    assert verdict(tmp_path, header, BODY, "1700000000")["reason"] == reason


def test_a_captured_event_is_verified_as_of_its_arrival(tmp_path: Path) -> None:
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url, headers=signed(tmp_path))
        listener.wait()
    good = whcli("verify", "latest", folder=tmp_path, env=STRIPE)
    assert good.code == 0 and "✓ #1 stripe" in good.out and "$WHCLI_SECRET_STRIPE" in good.out
    assert whcli("verify", "1", "--now", "4000000000", folder=tmp_path, env=STRIPE).code == 1
    wrong = whcli("verify", "1", folder=tmp_path, env={"WHCLI_SECRET_STRIPE": "whsec_wrong_secret_of_mine"})
    assert wrong.code == 1 and "whsec_wrong" not in wrong.out + wrong.err
    assert whcli("verify", "1", folder=tmp_path).code == 2


def test_the_public_url_is_what_a_url_signing_scheme_signs(tmp_path: Path) -> None:
    env = {"WHCLI_SECRET_SQUARE": "asdf1234"}
    (tmp_path / "body").write_bytes(BODY)
    url = "https://abc.example.dev/square/hooks"
    header = whcli("sign", "square", "--url", url, "--body-file", "body", folder=tmp_path, env=env).out.strip()
    name, _, value = header.partition(": ")
    with Receiver() as handler, listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url + "/square/hooks", headers={name: value})
        listener.wait()
        for public in ("https://abc.example.dev", url):
            assert whcli("verify", "1", "--public-url", public, folder=tmp_path, env=env).code == 0
        assert whcli("verify", "1", folder=tmp_path, env=env).code == 1
        replayed = whcli("replay", "1", "--to", handler.url, "--public-url", url, folder=tmp_path, env=env)
        assert replayed.code == 0 and f"{name}: {value}".encode().lower() in handler.wait(1)[0].lower()


def test_nothing_to_verify_is_exit_2(tmp_path: Path) -> None:
    done = whcli("verify", "--json", folder=tmp_path)
    assert done.code == 2 and json.loads(done.err)["code"] == "usage"
