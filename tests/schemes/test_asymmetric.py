"""Schemes with a key pair, the keys themselves in every form, and the algorithms against the RFCs' own examples."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whcli.rules.signatures.asymmetric import KINDS, check_raw, keygen, sign_raw
from whcli.rules.signatures.digests import BadKey
from whcli.rules.signatures.keys import PAIRS
from whcli.rules.signatures.schemes import FAMILIES, scheme_named
from whcli.rules.signatures.schemes.asymmetric import ROWS
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message, first

from .answers import NOW, Answer, Known, secret

KEYS = Path(__file__).parent / "keys"
BODY = '{"id":"evt_1","name":"Zoë ☕"}'.encode()

SEED = bytes(range(32))
PUBLIC = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")  # by PyNaCl 1.6.2
ANOTHER = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")  # RFC 8032, test 2

P256 = (  # made by python-ecdsa 0.19.2, written by openssl
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkOgDnv1HJF5WFbu0+6cdQh6qUgrYOWhXqmSVwVXKWVmhRANCAAQEy3WbqclHGVrO"
    "h5F9Ozhzlz80uZOf+1JVmB1A5oAs/vRjdy/x5MMeWkJxnEpjQPATDmso8tkk/bbC0hKCZ3bZ"
)
P256_PUBLIC = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBMt1m6nJRxlazoeRfTs4c5c/NLmTn/tSVZgdQOaALP70Y3cv8eTDHlpCcZxKY0DwEw5rKPLZJP22"
    "wtISgmd22Q=="
)
P256_ANOTHER = (  # sendgrid-python test/unit/test_eventwebhook.py, test_verify_bad_key
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R"
    "1NGe1OPzpA=="
)

ANSWERS = (
    Answer(
        scheme="discord",
        source="PyNaCl 1.6.2",
        secret=(SEED + PUBLIC).hex(),
        wrong=ANOTHER.hex(),
        body=BODY,
        headers={
            "X-Signature-Timestamp": "1700000000",
            "X-Signature-Ed25519": "fcb8e7d52b66b521682431953df161dbfa6213b92b6e391fa75c9ca64ccb9e84"
            "9442a72a4f82ad657574defd1e8a510ea107dec1cc62102bc41c26383f15270a",
        },
    ),
    Answer(
        scheme="telnyx",
        source="PyNaCl 1.6.2",
        secret=base64.b64encode(SEED + PUBLIC).decode(),
        wrong=base64.b64encode(ANOTHER).decode(),
        body=BODY,
        headers={
            "telnyx-timestamp": "1700000000",
            "telnyx-signature-ed25519": "/A+Nwv9+VVWS8W48238wXkeE6XjUcFqGDj/qxRC0xEFqrQ1C/a5H1tObKOzoR2pcPgRM0NsUc7EaV1"
            "5riBJTBA==",
        },
    ),
    Answer(
        scheme="sendgrid",
        source="python-ecdsa 0.19.2, with the nonce of RFC 6979",
        secret=P256,
        wrong=P256_ANOTHER,
        body=BODY + b"\r\n",
        headers={
            "X-Twilio-Email-Event-Webhook-Timestamp": "1700000000",
            "X-Twilio-Email-Event-Webhook-Signature": "MEUCIBFixC+QeWaFNGQ3B8SEYFnYkwNpOnr7r4sMGZbZ2ZhxAiEA6/f+9vWTyM9B"
            "gx058lIGC2B+OKIS1xJRyrfjsmB69LU=",
        },
    ),
)
BY_SCHEME = {answer.scheme: answer for answer in ANSWERS}


class TestEveryAnswer(Known):
    answers = ANSWERS


def test_every_name_of_the_family_has_an_answer() -> None:
    assert [row.name for row in ROWS] == FAMILIES["asymmetric"].split()
    assert sorted(BY_SCHEME) == FAMILIES["asymmetric"].split()


# -- the rows ---------------------------------------------------------------------------------------------------------


def test_sendgrids_own_example_holds_with_its_final_crlf_and_not_without() -> None:
    """From sendgrid-python test/unit/test_eventwebhook.py."""
    public = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8"
        "eNEc6wEA3F+g=="
    )
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":'
        b'"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":'
        b'"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":'
        b'"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
    )
    answer = Answer(
        scheme="sendgrid",
        source="sendgrid-python",
        secret=public,
        body=body,
        now=1600112502,
        headers={
            "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
            "X-Twilio-Email-Event-Webhook-Signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe"
            "5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
        },
    )
    assert answer.verdict(answer.sent, public).ok
    assert answer.verdict(replace(answer.sent, body=body.removesuffix(b"\r\n")), public).reason == "no_match"
    assert answer.verdict(answer.sent, P256_ANOTHER).reason == "no_match"


@pytest.mark.parametrize(
    ("scheme", "later", "reason"),
    [
        ("discord", 86_400, "ok"),
        ("sendgrid", 86_400, "ok"),
        ("telnyx", 300, "ok"),
        ("telnyx", 301, "timestamp_too_old"),
        ("telnyx", -301, "timestamp_ahead"),
    ],
)
def test_the_clock_is_the_providers(scheme: str, later: int, reason: str) -> None:
    answer = BY_SCHEME[scheme]
    assert verify(scheme_named(scheme), answer.sent, [secret(answer.secret)], now=NOW + later).reason == reason


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scheme)
def test_nothing_computed_is_shown_because_there_is_nothing(answer: Answer) -> None:
    verdict = answer.verdict(answer.sent, answer.wrong)
    assert verdict.received == answer.signature
    assert verdict.computed is None


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scheme)
def test_a_pair_made_for_the_scheme_signs_and_verifies(answer: Answer) -> None:
    row = scheme_named(answer.scheme)
    private, public = keygen(row.pair)
    signed = sign(row, answer.message, [secret(private)], now=NOW, token="")
    arrived = replace(answer.message, headers=signed.headers)
    for key in (private, public):
        assert verify(row, arrived, [secret(key)], now=NOW).ok
    assert verify(row, arrived, [secret(keygen(row.pair).public)], now=NOW).reason == "no_match"


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scheme)
def test_a_public_key_cannot_sign(answer: Answer) -> None:
    text = "-----BEGIN PUBLIC KEY-----\n" + P256_PUBLIC + "\n-----END PUBLIC KEY-----"
    with pytest.raises(BadKey, match="public key instead of a private one"):
        sign(scheme_named(answer.scheme), answer.message, [secret(text)], now=NOW, token="")


def test_a_secret_that_is_no_key_is_said_to_be_none() -> None:
    answer = BY_SCHEME["discord"]
    verdict = answer.verdict(answer.sent, "not a key")
    assert (verdict.state, verdict.reason) == ("invalid", "secret_malformed")
    assert verdict.detail == (
        "the secret from $SECRET is no key in PEM, JWK, hexadecimal or base64, which discord needs"
    )
    assert answer.verdict(answer.sent, "not a key", answer.secret).ok


def test_a_symmetric_scheme_does_not_load_the_library() -> None:
    code = (
        "import sys\n"
        "from whcli.rules.signatures.schemes import scheme_named\n"
        "from whcli.rules.signatures.signing import sign\n"
        "from whcli.words.event import Message\n"
        "from whcli.words.secret import Secret\n"
        "message = Message(method='POST', url='', headers=(), body=b'{}')\n"
        "sign(scheme_named('github'), message, [Secret(value=b's', label='')], now=0, token='')\n"
        "print([name for name in sys.modules if name.startswith(('cryptography', 'whcli.rules.signatures.keys'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- the algorithms ---------------------------------------------------------------------------------------------------

RFC6979 = json.dumps(  # appendix A.2.5
    {
        name: base64.urlsafe_b64encode(bytes.fromhex(value)).decode().rstrip("=")
        for name, value in {
            "d": "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            "x": "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
            "y": "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        }.items()
    }
    | {"kty": "EC", "crv": "P-256"}
)
HELLO = b"hello"


def pem(name: str) -> bytes:
    return (KEYS / name).read_bytes()


EXAMPLES = {  # algorithm, private key, content, signature
    "Ed25519, RFC 8032 section 7.1 test 2": (
        "ed25519",
        b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb" + ANOTHER.hex().encode(),
        b"\x72",
        bytes.fromhex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "Ed25519 in a JWK, RFC 8037 appendix A": (
        "ed25519",
        b'{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",'
        b'"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        base64.urlsafe_b64decode(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg=="
        ),
    ),
    "ECDSA P-256 as r and s, RFC 6979 appendix A.2.5": (
        "ecdsa-p256-raw",
        RFC6979.encode(),
        b"sample",
        bytes.fromhex(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
        ),
    ),
    "ECDSA P-256 in DER, RFC 6979 appendix A.2.5": (
        "ecdsa-p256",
        RFC6979.encode(),
        b"sample",
        bytes.fromhex(
            "3046"
            "022100EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            "022100F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
        ),
    ),
    "ECDSA P-384 as r and s, python-ecdsa 0.19.2": (
        "ecdsa-p384-raw",
        pem("p384.pem"),
        HELLO,
        bytes.fromhex(
            "52cd82eb10ca7bf0c33bae41d82df57a21086f14ff6a95bc618f327b87aebec5315f07983b98477b17946981ae2ccc5b"
            "be5c94c34eb9220f7bc2dfadeb2bc51ca9b96c8adf9f29db8780e995e7d1b04a37c8e264850333dc2c7e252c74a7e262"
        ),
    ),
    "RSA with SHA-256, openssl dgst 3.0.19": (
        "rsa-sha256",
        pem("rsa.pem"),
        HELLO,
        base64.b64decode(
            "nvfdqpMgmbZSWiMZiEIsfpIPova54ebU/TQSbjA1Qkq2raH+R+KfO+9zIOnIYH/zJFzdjwX1loOI33cMPAkroXMkZWAcntMlqJ87eUliaqfU"
            "7c2m6VolVxWkZpwiq/pTUIFfZ+kWMyCtDRCS97vXWnS4+NXFEtVNnE8TgxePMyNQ3uQxar9OykTqWEjHDWOaVe5o8k0O84aqgJhgQ/n6Ef6K"
            "wiVwPcr63pfl9O9UMGfiU7HJCRVihULu5NX97NSzFK1ZEqLaoVPTxXgMbvUuUukqRd6H1Uf+uLYXWixODbuj0jH93xLbyqlJXqAPqAthbmKS"
            "73mQAnPKwCNUbu0ZrA=="
        ),
    ),
    "RSA with SHA-1, openssl dgst 3.0.19": (
        "rsa-sha1",
        pem("rsa.pem"),
        HELLO,
        base64.b64decode(
            "V9UYjUyXkyXAXRaE2qCHdqj2fpO23Z5BrHtHLirOPdG0kL5aEsaLzRoOqNt+2oxWXMYngXA99FgpW5WekochhzEMZJP2yv1TgvFTI7UsoUeK"
            "Pdg/XZdt13TzGh24PVeq4QEJ+HAeuPPx5zzP09DC8Z6vfrjekkBHbucI+iVoIZtr5ARKVbl48n64A9gl816rtdBu5loLPOJzwfjIy8XOERod"
            "nceJ7o8pWsq9v5V25EaE2l7GvxAOi8SmUBvT46rWr6odo++gzNAOl5cBieCqKZDlNnPgvc7A5ClyKRblxUBZi3o9rVDSlsx0gWNU1/FEVyXG"
            "+/vRMp2geFwkKuxvnQ=="
        ),
    ),
}
RANDOM = {  # algorithms whose signatures differ each time
    "RSA-PSS with SHA-512, openssl dgst 3.0.19": (
        "rsa-pss-sha512",
        pem("rsa.pem"),
        HELLO,
        base64.b64decode(
            "iC+M+MK3GKs+2ky0wbXQoMs4AAm2QFzVh4zvz2A7FUadAqgZCVHsEsinrpLKsyVfpk35N81V4gw0j2Tc5BTtsxRkts/ddiq0BXHWjig0u+rG"
            "xfq300Y8JVTfHp5UJmOr6AiSjNyWsoj9LboHbqbsWO6MofabuJ8NL/73wwYhABSkdGVuCxpgdc1+77wfEuGoNfWcH5f9oO1pQ/JgzTzExd2d"
            "qG19T1NH32sppscHg/L35eVt31X2cM7jkaHLJ/bO94PwzSBUfHL3VDfO9GIiiX3VJ9/ZRS01gw1mhxDRvAm4KJj75vLWe6OoqT27dTNmZt+Y"
            "5+7QuxAAT8azN2aaSg=="
        ),
    ),
    "ES256 of a JWT, RFC 7515 appendix A.3": (
        "ecdsa-p256-raw",
        b'{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":'
        b'"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}',
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        b"cnVlfQ",
        base64.urlsafe_b64decode(
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q=="
        ),
    ),
}
ALL = EXAMPLES | RANDOM


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_signing_gives_the_published_signature(example: tuple[str, bytes, bytes, bytes]) -> None:
    algorithm, key, content, signature = example
    assert sign_raw(algorithm, key, content) == signature


@pytest.mark.parametrize("example", ALL.values(), ids=ALL)
def test_the_published_signature_holds_and_no_other(example: tuple[str, bytes, bytes, bytes]) -> None:
    algorithm, key, content, signature = example
    assert check_raw(algorithm, key, content, signature)
    assert check_raw(algorithm, key, content, sign_raw(algorithm, key, content))
    assert not check_raw(algorithm, key, content + b" ", signature)
    for bad in (b"", signature[:-1], signature + b"\x00", bytes([signature[0] ^ 1]) + signature[1:], b"\x00" * 64):
        assert not check_raw(algorithm, key, content, bad)


def test_every_algorithm_has_an_example() -> None:
    assert {algorithm for algorithm, *_ in ALL.values()} == set(KINDS)


@settings(max_examples=15)
@given(signature=st.binary(max_size=140), content=st.binary())
def test_no_bytes_are_a_signature(signature: bytes, content: bytes) -> None:
    for algorithm, key, _, _ in ALL.values():
        quick = pem("rsa.pub") if algorithm.startswith("rsa") else key
        assert not check_raw(algorithm, quick, content, signature)


# -- the keys ---------------------------------------------------------------------------------------------------------


def b64(raw: bytes) -> bytes:
    return base64.b64encode(raw)


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410 section 7, before the seed
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 section 4, before the public key


def armoured(kind: str, der: bytes) -> bytes:
    return f"-----BEGIN {kind} KEY-----\n".encode() + b64(der) + f"\n-----END {kind} KEY-----\n".encode()


PRIVATE_FORMS = {
    "hexadecimal seed and public key": (SEED + PUBLIC).hex().encode(),
    "hexadecimal in capitals": (SEED + PUBLIC).hex().upper().encode(),
    "base64 seed and public key": b64(SEED + PUBLIC),
    "base64url without padding": url64(SEED + PUBLIC).encode(),
    "whsk_ of 32 bytes": b"whsk_" + b64(SEED),
    "whsk_ of 64 bytes": b"whsk_" + b64(SEED + PUBLIC),
    "PEM": armoured("PRIVATE", PKCS8 + SEED),
    "PEM in one line, as in an environment file": armoured("PRIVATE", PKCS8 + SEED).replace(b"\n", b"\\n"),
    "PEM with CRLF": armoured("PRIVATE", PKCS8 + SEED).replace(b"\n", b"\r\n"),
    "base64 of DER": b64(PKCS8 + SEED),
    "JWK": json.dumps({"kty": "OKP", "crv": "Ed25519", "d": url64(SEED), "x": url64(PUBLIC)}).encode(),
    "with white space around": b"\n " + (SEED + PUBLIC).hex().encode() + b"\r\n",
}
SEED_FORMS = {"hexadecimal seed": SEED.hex().encode(), "base64 seed": b64(SEED)}
PUBLIC_FORMS = {
    "hexadecimal": PUBLIC.hex().encode(),
    "base64": b64(PUBLIC),
    "base64 without padding": b64(PUBLIC).rstrip(b"="),
    "whpk_": b"whpk_" + b64(PUBLIC),
    "PEM": armoured("PUBLIC", SPKI + PUBLIC),
    "base64 of DER": b64(SPKI + PUBLIC),
    "JWK": json.dumps({"kty": "OKP", "crv": "Ed25519", "x": url64(PUBLIC)}).encode(),
    "JWK in the answer of an API": json.dumps({"key": {"crv": "Ed25519", "x": url64(PUBLIC)}, "id": 1}).encode(),
}
SIGNATURE = bytes.fromhex(BY_SCHEME["discord"].signature)
CONTENT = b"1700000000" + BODY


@pytest.mark.parametrize("key", (PRIVATE_FORMS | SEED_FORMS).values(), ids=PRIVATE_FORMS | SEED_FORMS)
def test_a_private_key_signs_in_every_form(key: bytes) -> None:
    assert sign_raw("ed25519", key, CONTENT) == SIGNATURE


@pytest.mark.parametrize("key", PRIVATE_FORMS.values(), ids=PRIVATE_FORMS)
def test_a_private_key_verifies_in_every_form(key: bytes) -> None:
    assert check_raw("ed25519", key, CONTENT, SIGNATURE)


@pytest.mark.parametrize("key", PUBLIC_FORMS.values(), ids=PUBLIC_FORMS)
def test_a_public_key_verifies_in_every_form(key: bytes) -> None:
    assert check_raw("ed25519", key, CONTENT, SIGNATURE)
    assert not check_raw("ed25519", key, CONTENT + b"x", SIGNATURE)


@pytest.mark.parametrize("key", SEED_FORMS.values(), ids=SEED_FORMS)
def test_a_bare_seed_does_not_verify_and_says_so(key: bytes) -> None:
    with pytest.raises(BadKey, match="bare seed instead of a public key"):
        check_raw("ed25519", key, CONTENT, SIGNATURE)


def test_what_somebody_signs_with_the_public_key_as_seed_does_not_verify() -> None:
    forged = sign_raw("ed25519", PUBLIC.hex().encode(), CONTENT)
    answer = BY_SCHEME["discord"]
    verdict = answer.verdict(answer.with_signature(forged.hex().encode()), PUBLIC.hex())
    assert verdict.state == "invalid"


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [("rsa.pub", "rsa-sha256"), ("rsa.crt", "rsa-sha256"), ("rsa.pem", "rsa-sha256")],
    ids=["a public key", "a certificate", "a private key"],
)
def test_rsa_is_verified_by(name: str, algorithm: str) -> None:
    signature = EXAMPLES["RSA with SHA-256, openssl dgst 3.0.19"][3]
    assert check_raw(algorithm, pem(name), HELLO, signature)


def test_a_key_of_ssh_keygen_signs() -> None:
    signature = sign_raw("ed25519", pem("ed25519.openssh"), HELLO)
    seed = "8b19ab784c7295cd07e2f4e8c45fb96ba464289f314e03323c7c265a17a58464"
    assert signature == sign_raw("ed25519", seed.encode(), HELLO)


BAD_KEYS = {
    "empty": (b"", "is no key in PEM"),
    "words": (b"correct horse battery staple", "is no key in PEM"),
    "bytes that are not UTF-8": (b"\xff\xfe\x00", "is no key in PEM"),
    "base64 of too few bytes": (b64(b"x" * 31), "is no key in PEM"),
    "whsk_ of too few bytes": (b"whsk_" + b64(b"x" * 31), "is no Ed25519 key of 32 or 64 bytes"),
    "whsk_ of a public key's text": (b"whsk_!", "is no key in PEM"),
    "seed and public key of different keys": ((SEED + ANOTHER).hex().encode(), "do not belong together"),
    "half a PEM file": (armoured("PRIVATE", PKCS8 + SEED)[:60], "is no whole PEM key"),
    "an encrypted PEM file": (pem("encrypted.pem"), "is an encrypted PEM file instead of a plain one"),
    "a certificate that is none": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "is no whole PEM"),
    "an RSA key": (pem("rsa.pem"), "is of the kind RSA instead of Ed25519"),
    "a P-256 key": (P256.encode(), "is of the kind P-256 instead of Ed25519"),
    "a P-384 key": (pem("p384.pem"), "is of the kind P-384 instead of Ed25519"),
    "a JWK of RSA": (b'{"kty":"RSA","n":"AQAB","e":"AQAB"}', "is no JWK with an Ed25519, P-256 or P-384 key"),
    "a JWK off the curve": (b'{"crv":"P-256","x":"AQ","y":"AQ"}', "is no JWK"),
    "a JWK with numbers": (b'{"crv":"P-256","x":1,"y":1}', "is no JWK"),
    "a JSON list": (b'{"crv":[]}', "is no JWK"),
    "half a JSON text": (b'{"crv":', "is no JWK"),
}


@pytest.mark.parametrize(("key", "sentence"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_what_is_no_such_key_gets_a_sentence_without_its_value(key: bytes, sentence: str) -> None:
    for use in (
        lambda: sign_raw("ed25519", key, CONTENT),
        lambda: check_raw("ed25519", key, CONTENT, SIGNATURE),
    ):
        with pytest.raises(BadKey, match=sentence) as caught:
            use()
        shown = key.decode("latin-1")
        assert not any(shown[at : at + 12] in str(caught.value) for at in range(len(shown) - 12))


@given(key=st.binary(max_size=200))
def test_any_bytes_are_a_key_or_a_sentence(key: bytes) -> None:
    for prefix in (b"", b"whsk_", b"{", b"-----BEGIN PRIVATE KEY-----\n"):
        for algorithm in ("ed25519", "ecdsa-p256", "rsa-sha256"):
            try:
                check_raw(algorithm, prefix + key, CONTENT, SIGNATURE)
            except BadKey as error:
                assert str(error)


@pytest.mark.parametrize("form", PAIRS)
def test_a_fresh_pair_of_every_form_signs_and_verifies(form: str) -> None:
    algorithm = {"Ed25519": "ed25519", "P-256": "ecdsa-p256-raw", "RSA": "rsa-sha256"}[PAIRS[form][0]]
    private, public = keygen(form)
    signature = sign_raw(algorithm, private.encode(), CONTENT)
    assert check_raw(algorithm, public.encode(), CONTENT, signature)
    assert check_raw(algorithm, private.encode(), CONTENT, signature)
    assert private != public
    assert keygen(form).private != private


def test_a_new_delivery_of_a_capture_is_signed_with_the_time_of_now() -> None:
    message = Message(method="POST", url="", headers=((b"X-Signature-Timestamp", b"1"),), body=BODY)
    signed = sign(scheme_named("discord"), message, [secret(BY_SCHEME["discord"].secret)], now=NOW, token="")
    assert first(signed.headers, b"x-signature-timestamp") == b"1700000000"
