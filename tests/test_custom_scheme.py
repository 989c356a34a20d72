"""Schemes of the user's own: by flags of `whcli sign custom`, and as [schemes.NAME] in whcli.toml."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.listeners import Seen, listener_on
from tests.program import Done, listening, whcli
from tests.receivers import Receiver
from tests.wire import ask, wait_for
from whcli.hands.config import load_config
from whcli.hands.keyring import Keyring
from whcli.hands.listening.plan import ListenPlan
from whcli.rules.replies import Replies
from whcli.words.errors import WrongUsage
from whcli.words.event import Reply

BODY = '{"id":1,"t":"Zoë"}'.encode()
AT = ("--timestamp", "1700000000")
SECRET = {"WHCLI_SECRET_CUSTOM": "hush", "WHCLI_SECRET_ACME": "hush", "WHCLI_SECRET_BETA": "hush"}


def custom(folder: Path, *flags: str, secret: str = "hush") -> Done:
    (folder / "body").write_bytes(BODY)
    env = {"WHCLI_SECRET_CUSTOM": secret}
    return whcli("sign", "custom", "--body-file", "body", *AT, *flags, folder=folder, env=env)


# What `openssl dgst -hmac hush` says of the content in a shell, or sha256sum.
FLAGS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "a timestamp and the body in one header (openssl dgst -sha256)": (
        ("--template", "{ts}.{body}", "--layout", "t={ts},v1={sig}", "--separator", ","),
        ["X-Signature: t=1700000000,v1=de03ff2d24de4c9c2e76bccb78e5f81073d32d49116142588b14fe5ddfeb2294"],
    ),
    "SHA-1 of the body in base64 under a name of one's own (openssl dgst -sha1)": (
        ("--signature-header", "X-Acme", "--algorithm", "hmac-sha1", "--digest", "base64"),
        ["X-Acme: NxPoGNmk1EJ8vE4w1Q7kqfvmSkQ="],
    ),
    "id and milliseconds in headers of their own (openssl dgst -sha512)": (
        (
            *("--template", "{id}:{ts}:{body}", "--algorithm", "hmac-sha512", "--digest", "base64"),
            *("--id-header", "X-Id", "--id", "evt_7", "--timestamp-header", "X-Time", "--timestamp-unit", "ms"),
        ),
        [
            "X-Id: evt_7",
            "X-Time: 1700000000000",
            "X-Signature: 4T2GjDgoF7IEhawcpaF/rsI1XAA1ym/j3ozu6+WdO0koZhj7t86X/ADjQgyXrwOXMaZNR+sq2AeFv87rP3JQ0Q==",
        ],
    ),
    "method and URL, the key in hexadecimal (openssl dgst -macopt hexkey)": (
        ("--template", "{method}\n{url}\n{body}", "--url", "https://x.test/a?b=c", "--key", "hex"),
        ["X-Signature: 9f9046935e10d84f214f3b0ffc79286bab73353e3fa3969de5f342864d648c75"],
    ),
    "the secret inside a plain digest (sha256sum)": (
        ("--template", "{secret}{body}", "--algorithm", "sha256"),
        ["X-Signature: 8887f09ca722a6f24417ed1e07c33514873e61e9402fb09c41d5ae11c56c83a3"],
    ),
    "a header of the request, base64url (openssl dgst -sha256, basenc --base64url)": (
        ("--template", "{header:X-Shop}{body}", "-H", "x-shop: acme", "--digest", "base64url", "--layout", "v={sig}"),
        ["X-Signature: v=sWqGZZ-_GETUYOUTjtcz53qweMTZqVoz1XYeSPZBowg"],
    ),
    "RFC 3339 (openssl dgst -sha256)": (
        (
            *("--template", "{ts}{body}", "--digest", "base64"),
            *("--timestamp-header", "X-Time", "--timestamp-unit", "rfc3339"),
        ),
        ["X-Time: 2023-11-14T22:13:20Z", "X-Signature: U7+Ns4qNylxrPx7YVnzEkaF9vIJjUhqlxycJ2xreaOE="],
    ),
    "the secret itself": (("--algorithm", "equal", "--signature-header", "X-Token"), ["X-Token: hush"]),
    "the secret itself, as basic authentication (base64)": (
        (
            *("--algorithm", "equal", "--digest", "base64"),
            *("--layout", "Basic {sig}", "--signature-header", "Authorization"),
        ),
        ["Authorization: Basic aHVzaA=="],
    ),
}


@pytest.mark.parametrize(("flags", "lines"), FLAGS.values(), ids=FLAGS)
def test_flags_describe_a_scheme(tmp_path: Path, flags: tuple[str, ...], lines: list[str]) -> None:
    done = custom(tmp_path, *flags, secret="68757368" if "hex" in flags else "hush")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == lines


def test_a_key_pair_serves_as_well(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[schemes.acme]\nheader = "X-Sig"\nalgorithm = "ed25519"\ndigest = "base64"\n')
    [pair] = whcli("schemes", "keygen", "acme", "--json", folder=tmp_path).lines
    (tmp_path / "body").write_bytes(BODY)
    env = {"PRIVATE": pair["private"], "PUBLIC": pair["public"]}
    signed = whcli("sign", "acme", "--secret", "env:PRIVATE", "--body-file", "body", folder=tmp_path, env=env)
    check = ("verify", "--scheme", "acme", "-H", signed.out.strip(), "--body-file", "body")
    assert whcli(*check, "--secret", "env:PUBLIC", folder=tmp_path, env=env).code == 0
    refused = whcli("sign", "acme", "--secret", "env:PUBLIC", folder=tmp_path, env=env)
    assert refused.code == 2 and "is a public key instead of a private one" in refused.err


# -- a scheme in the file -------------------------------------------------------------------------------------------

FILE = """
[schemes.acme]
header = "Acme-Signature"
content = "{ts}.{body}"
layout = "t={ts},v1={sig}"
separator = ","
clock = { tolerance = 60, future = 60 }

[schemes.beta]
header = "X-Beta"
algorithm = "hmac-sha1"
digest = "base64"
content = "{id}:{ts}:{body}"
clock = { header = "X-Beta-Time", unit = "ms" }
id_header = "X-Beta-Id"
id_form = "evt_{token}"
constants = { X-Beta-Version = "2" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with two schemes of its own."""
    (tmp_path / "whcli.toml").write_text(FILE)
    (tmp_path / "body").write_bytes(BODY)
    return tmp_path


def lines_of(folder: Path, scheme: str, *more: str) -> list[str]:
    done = whcli("sign", scheme, "--body-file", "body", *more, folder=folder, env=SECRET)
    assert done.code == 0, done.err
    return done.out.splitlines()


def test_it_signs_as_the_table_says(project: Path) -> None:
    assert lines_of(project, "acme", *AT) == [
        "Acme-Signature: t=1700000000,v1=de03ff2d24de4c9c2e76bccb78e5f81073d32d49116142588b14fe5ddfeb2294"
    ]
    names = [line.partition(": ") for line in lines_of(project, "beta", *AT)]
    assert [name for name, _, _ in names] == ["X-Beta-Id", "X-Beta-Time", "X-Beta-Version", "X-Beta"]
    assert names[0][2].startswith("evt_") and names[1][2] == "1700000000000" and names[2][2] == "2"


def test_it_verifies_with_its_own_tolerance(project: Path) -> None:
    [header] = lines_of(project, "acme", *AT)
    check = ("verify", "--scheme", "acme", "-H", header, "--body-file", "body", "--json")
    for now, reason in (("1700000060", "ok"), ("1700000061", "timestamp_too_old"), ("1699999939", "timestamp_ahead")):
        done = whcli(*check, "--now", now, folder=project, env=SECRET)
        assert (done.lines[0]["reason"], done.code) == (reason, int(reason != "ok"))
    (project / "body").write_bytes(BODY + b"\n")
    done = whcli(*check, "--now", "1700000000", folder=project, env=SECRET)
    assert (done.lines[0]["reason"], done.code) == ("newline_added", 1)


def test_inf_is_no_limit(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text(
        '[schemes.acme]\nheader = "X"\nclock = { header = "T", tolerance = inf, future = inf }\n'
    )
    [record] = whcli("schemes", "show", "acme", "--json", folder=tmp_path).lines
    assert (record["clock"]["tolerance"], record["clock"]["future"]) == (None, None)


def test_the_listener_recognises_it_and_checks_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRET.items():
        monkeypatch.setenv(name, value)
    seen = Seen()
    plan = ListenPlan(replies=Replies((Reply(status=200),)), keyring=Keyring(load_config()))
    with listener_on(project / ".whcli", plan, seen) as port:
        for lines in (
            lines_of(project, "acme"),
            lines_of(project, "acme", *AT),
            lines_of(project, "beta"),
            ["X-Beta: nonsense", "X-Beta-Id: 1", f"X-Beta-Time: {time.time():.0f}000"],
            ["Acme-Signature: t=1,v1=00", "X-Beta: 00"],
            ["X-Other: 1"],
        ):
            head = "".join(f"{line}\r\n" for line in lines).encode()
            start = b"POST /in HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (head, len(BODY))
            assert ask(port, start + BODY).status == 200
        wait_for(lambda: len(seen.entries) == 6)
    facts = [entry.facts for entry in seen.entries]
    assert [(fact.provider, fact.scheme, fact.signature) for fact in facts] == [
        ("acme", "acme", "valid"),
        ("acme", "acme", "stale"),
        ("beta", "beta", "valid"),
        ("beta", "beta", "invalid"),
        (None, None, "unknown"),  # both may be meant: that is said, not guessed
        (None, None, "unknown"),
    ]


def test_two_of_ones_own_that_may_be_meant_are_named(project: Path) -> None:
    with listener_on(project / ".whcli") as port:
        ask(port, b"POST / HTTP/1.1\r\nHost: x\r\nAcme-Signature: t=1,v1=0\r\nX-Beta: 0\r\nContent-Length: 0\r\n\r\n")
    done = whcli("verify", "1", folder=project, env=SECRET)
    assert done.code == 1 and "it may be from acme or beta" in done.out and "--scheme acme" in done.out


def test_a_generic_header_of_ours_is_the_users_own_where_nobody_else_is_sure(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[schemes.acme]\nheader = "X-Signature"\n')
    with listener_on(tmp_path / ".whcli") as port:
        ask(port, b"POST / HTTP/1.1\r\nHost: x\r\nX-Signature: %b\r\nContent-Length: 0\r\n\r\n" % (b"0f" * 32))
    [event] = whcli("show", "1", "--json", folder=tmp_path).lines
    done = whcli("verify", "1", "--json", folder=tmp_path, env=SECRET)
    assert (done.lines[0]["scheme"], done.lines[0]["state"]) == ("acme", "invalid")
    assert event["method"] == "POST"


def test_a_replay_is_signed_afresh(project: Path) -> None:
    with listening("--count", "2", folder=project, env=SECRET) as listener:
        for scheme in ("acme", "beta"):
            head = "".join(f"{line}\r\n" for line in lines_of(project, scheme, *AT)).encode()
            start = b"POST /in HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (head, len(BODY))
            assert ask(listener.port, start + BODY).status == 200
        done = listener.wait()
    assert done.out.count("✗ stale") == 2
    with Receiver() as handler:
        done = whcli("replay", "all", "--to", handler.url, folder=project, env=SECRET)
        requests = handler.wait(2)
    assert done.code == 0 and "re-signed acme" in done.out and "re-signed beta" in done.out
    for scheme, request in zip(("acme", "beta"), requests, strict=True):
        lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        headers = [part for line in lines for part in ("-H", line)]
        check = whcli(
            "verify", "--scheme", scheme, *headers, "--body-file", "body", "--json", folder=project, env=SECRET
        )
        assert check.code == 0 and abs(check.lines[0]["age_s"]) < 60
    kept = next(line for line in requests[1].decode().split("\r\n") if line.startswith("X-Beta-Id:"))
    assert kept.startswith("X-Beta-Id: evt_")


# -- what cannot be meant -------------------------------------------------------------------------------------------

BAD: dict[str, tuple[str, str, str | None]] = {
    "an unknown word": ('digets = "hex"', "'schemes.acme.digets' in", "digest"),
    "an unknown word of the clock": ("clock = { tolerence = 3 }", "'schemes.acme.clock.tolerence' in", "tolerance"),
    "an unknown algorithm": ('algorithm = "hmac-sha265"', "takes no 'hmac-sha265'; one of hmac-sha1,", "hmac-sha256"),
    "an unknown digest text": ('digest = "hexx"', "takes no 'hexx'; one of hex, base64, base64url", "hex"),
    "an unknown key form": ('key = "b64"', "takes no 'b64'; one of text, base64, hex", "base64"),
    "an unknown unit": ('clock = { unit = "rfc3339n" }', "'schemes.acme.clock.unit' in", "rfc3339ns"),
    "an unknown place": ('content = "{bdy}"', "has an unknown place {bdy}", "body"),
    "a place that no layout has": ('layout = "{sig}{url}"', "has another place than {sig}, {ts}, {id}", None),
    "a layout without a signature": ('layout = "sha256="', "must hold {sig} once", None),
    "a list without its separator": ('layout = "t={ts},v1={sig}"', "give 'schemes.acme.separator'", None),
    "a list with an item of nothing": ('layout = "v1,{sig}"\nseparator = ","', "every item needs one", None),
    "a layout of two lines": ('layout = "{sig}\\nX: y"', "must be one line", None),
    "a timestamp that travels nowhere": ('content = "{ts}{body}"', "signs {ts}, which travels nowhere", None),
    "an id that travels nowhere": ('content = "{id}{body}"', "give 'schemes.acme.id_header'", None),
    "raw bytes in a header": ('digest = "text"', "takes text only with equal", None),
    "a header with a blank": ('id_header = "X Y"', "holds 'X Y', which is no header name", None),
    "a constant that is no text": ("constants = { X-V = 1 }", "'schemes.acme.constants.X-V' in", None),
    "a constant of two lines": ('constants = { X-V = "1\\nY: 2" }', "must be a text of one line", None),
    "a constant without a header's name": ('constants = { "X V" = "1" }', "holds 'X V'", None),
    "an id's form with a place of its own": ('id_form = "{x}"', "has another place than {token}", None),
    "a number where a text belongs": ("content = 3", "must be a text in quotes", None),
    "a text where a table belongs": ('clock = "300"', "must be a table", None),
    "a text where a number belongs": ('clock = { tolerance = "300" }', "must be a number of seconds", None),
    "a truth where a number belongs": ("clock = { tolerance = true }", "must be a number of seconds", None),
    "a time below nothing": ("clock = { tolerance = -1 }", "must be a number of seconds, 0 or more", None),
    "a time that is no number": ("clock = { tolerance = nan }", "must be a number of seconds, 0 or more", None),
}


@pytest.mark.parametrize(("line", "words", "near"), BAD.values(), ids=BAD)
def test_a_word_that_cannot_be_meant_is_one_clear_error(
    tmp_path: Path, line: str, words: str, near: str | None
) -> None:
    (tmp_path / "whcli.toml").write_text(f'[schemes.acme]\nheader = "X-A"\n{line}\n')
    with pytest.raises(WrongUsage) as caught:
        load_config()
    error = caught.value
    assert words in error.message and str(tmp_path / "whcli.toml") in error.message
    assert dict(error.details).get("did you mean", "").partition(" or ")[0] == (f"'{near}'" if near else "")
    assert error.next == "whcli help custom        shows all words"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[schemes.acme]\nalgorithm = "sha256"\n', "'schemes.acme' in"),
        ('[schemes."a b"]\nheader = "X"\n', "is no name for a scheme"),
        ('[schemes.custom]\nheader = "X"\n', "has the name of the scheme that flags describe"),
        ("[schemes]\nacme = 3\n", "'schemes.acme' in"),
        ("schemes = 3\n", "'schemes' in"),
    ],
    ids=["no header", "a name with a blank", "the name of the flags' own", "a number for a scheme", "no table at all"],
)
def test_a_scheme_needs_a_name_and_a_header(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "whcli.toml").write_text(text)
    with pytest.raises(WrongUsage) as caught:
        load_config()
    assert words in caught.value.message


BAD_FLAGS: dict[str, tuple[tuple[str, ...], str, str | None]] = {
    "an unknown algorithm": (("--algorithm", "hmac256"), "--algorithm takes no 'hmac256'", "hmac-sha256"),
    "an unknown place": (("--template", "{tss}.{body}"), "--template has an unknown place {tss}", "ts"),
    "a list without its separator": (("--layout", "t={ts},v1={sig}"), "give --separator", None),
    "a timestamp that travels nowhere": (("--template", "{ts}"), "give --timestamp-header, or {ts} in --layout", None),
    "a header with a blank": (("--signature-header", "X Y"), "--signature-header holds 'X Y'", None),
    "an unknown unit": (("--timestamp-unit", "us"), "--timestamp-unit takes no 'us'", "s"),
}


@pytest.mark.parametrize(("flags", "words", "near"), BAD_FLAGS.values(), ids=BAD_FLAGS)
def test_an_error_speaks_of_the_flag(tmp_path: Path, flags: tuple[str, ...], words: str, near: str | None) -> None:
    done = custom(tmp_path, *flags)
    assert (done.code, done.out) == (2, "")
    assert words in done.err and "schemes." not in done.err and "whcli help custom" in done.err
    assert near is None or f"did you mean: '{near}'" in done.err


def test_flags_do_not_bend_a_scheme_that_is_known(tmp_path: Path) -> None:
    done = whcli("sign", "stripe", "--digest", "base64", "--timestamp-unit", "ms", folder=tmp_path, env=SECRET)
    assert done.code == 2 and "--digest, --timestamp-unit only go with custom" in done.err


def test_custom_needs_a_secret_and_a_signed_url_like_any_other(tmp_path: Path) -> None:
    done = whcli("sign", "custom", folder=tmp_path)
    assert done.code == 2 and "WHCLI_SECRET_CUSTOM" in done.err
    done = custom(tmp_path, "--template", "{url}{body}")
    assert done.code == 2 and "custom signs the URL" in done.err


def test_the_topic_names_every_word_and_every_flag(tmp_path: Path) -> None:
    from whcli.rules.signatures.custom import CHOICES, CLOCK, PLACES, WORDS

    text = whcli("help", "custom", folder=tmp_path).out
    for word in (*WORDS, *(f"clock.{word}" for word in CLOCK), *(f"{{{place}}}" for place in PLACES)):
        assert word in text, word
    for word in (*CHOICES["algorithm"], *CHOICES["clock.unit"]):
        assert word in text, word
    flags = whcli("sign", "--help", folder=tmp_path).out
    for flag in ("template", "signature-header", "layout", "separator", "algorithm", "digest", "key", "id-header"):
        assert f"--{flag}" in text and f"--{flag}" in flags


def test_json_tells_a_bad_scheme_by_its_code(tmp_path: Path) -> None:
    (tmp_path / "whcli.toml").write_text('[schemes.acme]\nheader = "X"\ndigest = "b64"\n')
    done = whcli("schemes", "list", "--json", folder=tmp_path)
    assert done.code == 2 and json.loads(done.err)["code"] == "bad_scheme"
