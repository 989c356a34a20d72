"""Contentful and RFC 9421: a canonical request is signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from whcli.rules.signatures.covered import base_of
from whcli.rules.signatures.digests import BadKey
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.rules.signatures.structured import dictionary
from whcli.words.errors import WrongUsage
from whcli.words.event import Headers, Message, first

from . import testkeys
from .coded import JSON, NOW, Case, Coded, message, secret, sent_by, with_header, with_headers

# -- Contentful -----------------------------------------------------------------------------------------------------

SECRET = "0123456789abcdef" * 4
WRONG = "f" * 64
TOOLKIT = "signRequest of @contentful/node-apps-toolkit 3.16.1"
TYPE = (b"Content-Type", b"application/vnd.contentful.management.v1+json")
TOPIC = (b"X-Contentful-Topic", b"ContentManagement.Entry.publish")
STAMP = (b"x-contentful-timestamp", b"1700000000000")


def contentful(about: str, before: Message, signature: str, names: str, changed: Message) -> Case:
    made = (
        (b"x-contentful-signature", signature.encode()),
        (b"x-contentful-signed-headers", names.encode()),
        STAMP,
    )
    sent = with_headers(before, made)
    return Case(
        about=about,
        scheme="contentful",
        source=TOOLKIT,
        secret=SECRET,
        wrong=WRONG,
        before=before,
        sent=sent,
        changed=replace(sent, body=changed.body, url=changed.url),
    )


PUBLISH = message(
    b'{"sys":{"id":"e1"}}', TYPE, TOPIC, url="https://example.com/hooks?tenant=7&name=J%C3%BCrgen a#fragment"
)
BARE_GET = message(method="GET", url="https://example.com/hooks")
SPACED = message(b"{}", JSON, url="https://example.com/a b/%C3%A9")

CONTENTFUL = (
    contentful(
        "a query is encoded twice",
        PUBLISH,
        "c4817d1b476cf448a55bbb0121cf1b9c196ccefefa60546f77ffa84156c0b942",
        "content-type,x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
        replace(PUBLISH, body=b'{"sys":{"id":"e2"}}'),
    ),
    contentful(
        "GET without a header of its own",
        BARE_GET,
        "322c7e86087ec0f4b981856d1f45d02c7bf10fc133375cd951968647ec7ed6a4",
        "x-contentful-signed-headers,x-contentful-timestamp",
        replace(BARE_GET, url="https://example.com/hooksa"),
    ),
    contentful(
        "spaces and percent signs in the path are encoded",
        SPACED,
        "5dfc1a0b415381b17d98b1424261dc698a40073452767bea0ec20a28d0a55eae",
        "content-type,x-contentful-signed-headers,x-contentful-timestamp",
        replace(SPACED, url="https://example.com/a b/%C3%A8"),
    ),
)


def checked(given: Message, text: str = SECRET, now: float = NOW) -> tuple[str, str]:
    verdict = verify(scheme_named("contentful"), given, [secret(text)], now=now)
    return verdict.state, verdict.reason


def test_contentful_covers_a_header_that_is_listed() -> None:
    assert checked(with_header(CONTENTFUL[0].sent, TOPIC[0].decode(), b"other"))[1] == "no_match"


def test_contentful_ignores_a_header_that_is_not_listed() -> None:
    assert checked(with_header(CONTENTFUL[0].sent, "X-Other", b"1")) == ("valid", "ok")


def test_a_listed_header_that_is_missing_is_named() -> None:
    assert checked(with_header(CONTENTFUL[0].sent, TOPIC[0].decode(), None)) == ("invalid", "companion_missing")


def test_a_list_without_the_timestamp_is_refused() -> None:
    listed = with_header(CONTENTFUL[0].sent, "x-contentful-signed-headers", b"x-contentful-signed-headers")
    assert checked(listed) == ("invalid", "header_malformed")


@pytest.mark.parametrize(
    ("late", "reason"), [(30, "ok"), (31, "timestamp_too_old"), (-9999, "ok")], ids=["30 s", "31 s", "the future"]
)
def test_contentful_refuses_what_is_older_than_30_seconds(late: float, reason: str) -> None:
    assert checked(CONTENTFUL[0].sent, now=NOW + late)[1] == reason


def test_contentfuls_secret_has_64_characters() -> None:
    assert checked(CONTENTFUL[0].sent, "short") == ("invalid", "secret_malformed")
    with pytest.raises(BadKey, match="5 characters long instead of 64"):
        sign(scheme_named("contentful"), PUBLISH, [secret("short")], now=NOW, token="1")


def test_signing_again_covers_what_the_capture_covered() -> None:
    later = sign(scheme_named("contentful"), CONTENTFUL[1].sent, [secret(SECRET)], now=NOW + 5, token="1")
    assert first(later.headers, b"x-contentful-signed-headers") == (
        b"x-contentful-signed-headers,x-contentful-timestamp"
    )


# -- RFC 9421 -------------------------------------------------------------------------------------------------------

DIGEST = (
    b"Content-Digest",
    b"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
)
DATE = (b"Date", b"Tue, 20 Apr 2021 02:07:55 GMT")
LENGTH = (b"Content-Length", b"18")
BODY = b'{"hello": "world"}'
# RFC 9421 section B.2, test-request
REQUEST = message(
    BODY, (b"Host", b"example.com"), DATE, JSON, DIGEST, LENGTH, url="https://example.com/foo?param=Value&Pet=dog"
)
# RFC 9421 section 4.3, the request that a proxy signs too
PROXIED = message(
    BODY,
    (b"Host", b"origin.host.internal.example"),
    (b"Date", b"Tue, 20 Apr 2021 02:07:56 GMT"),
    JSON,
    LENGTH,
    (b"Forwarded", b"for=192.0.2.123;host=example.com;proto=https"),
    DIGEST,
    url="https://origin.host.internal.example/foo?param=Value&Pet=dog",
)
CREATED = 1618884473
FULL = '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length")'
B22 = '("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss"'
CERT = (
    ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0"
    "ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgm"
    "nMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm"
    "3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY2"
    "9tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1"
    "yhk=:"
)
TTRP = replace(
    REQUEST,
    url="https://service.internal.example/foo?param=Value&Pet=dog",
    headers=((b"Host", b"service.internal.example"), DATE, JSON, LENGTH, (b"Client-Cert", CERT.encode())),
)
PROXY = (
    '("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded");created=1618884480;'
    'keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540'
)
PROXY_MADE = (
    "S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaYmdkDcnL9cCpXJleXsOckpURl"
    "49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZaA8i2ZHwp"
    "Bdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrswsE1w5o0LV/g"
    "=="
)
HMAC = f"base64:{testkeys.SHARED}"


def signed_as(given: Message, label: str, listed: str, signature: str) -> Message:
    made: Headers = (
        (b"Signature-Input", f"{label}={listed}".encode()),
        (b"Signature", f"{label}=:{signature}:".encode()),
    )
    return with_headers(given, made)


B21 = signed_as(
    REQUEST,
    "sig-b21",
    '();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52"
    "eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA"
    "4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q"
    "==",
)
SIG_B22 = signed_as(
    REQUEST,
    "sig-b22",
    B22 + ';tag="header-example"',
    "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8r"
    "tAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZ"
    "UJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw"
    "==",
)
SIG_B23 = signed_as(
    REQUEST,
    "sig-b23",
    FULL + ';created=1618884473;keyid="test-key-rsa-pss"',
    "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN"
    "0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipw"
    "vKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA"
    "==",
)
SIG_B25 = signed_as(
    REQUEST,
    "sig-b25",
    '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
)
SIG_B26 = signed_as(
    REQUEST,
    "sig-b26",
    '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;'
    'keyid="test-key-ed25519"',
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
)
SIG_B3 = signed_as(
    TTRP,
    "ttrp",
    '("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
    "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==",
)
SIG_43 = signed_as(PROXIED, "proxy_sig", PROXY, PROXY_MADE)


def judged(given: Message, text: str, now: float = CREATED) -> tuple[str, str]:
    verdict = verify(scheme_named("rfc9421"), given, [secret(text)], now=now)
    return verdict.state, verdict.reason


VECTORS = {
    "B.2.1, nothing covered, rsa-pss-sha512": (B21, testkeys.RSA_PSS_PUBLIC, "body_unsigned"),
    "B.2.2, some components and a query parameter": (SIG_B22, testkeys.RSA_PSS_PUBLIC, "ok"),
    "B.2.3, everything covered": (SIG_B23, testkeys.RSA_PSS_PUBLIC, "ok"),
    "B.2.5, hmac-sha256": (SIG_B25, HMAC, "body_unsigned"),
    "B.2.6, ed25519": (SIG_B26, testkeys.ED25519_PUBLIC, "body_unsigned"),
    "B.3, ecdsa-p256-sha256": (SIG_B3, testkeys.P256_PUBLIC, "body_unsigned"),
    "4.3, rsa-v1_5-sha256 and expires": (SIG_43, testkeys.RSA_PUBLIC, "ok"),
}


@pytest.mark.parametrize(("given", "key", "reason"), VECTORS.values(), ids=VECTORS)
def test_the_rfcs_own_vectors_hold(given: Message, key: str, reason: str) -> None:
    assert judged(given, key)[1] == reason  # body_unsigned is said only of a signature that holds
    if reason == "body_unsigned":
        assert judged(replace(given, body=b""), key) == ("valid", "ok")


@pytest.mark.parametrize(("given", "key", "reason"), VECTORS.values(), ids=VECTORS)
def test_the_rfcs_own_vectors_changed_do_not_hold(given: Message, key: str, reason: str) -> None:
    listed = (first(given.headers, b"signature-input") or b"").replace(b"16188844", b"16188845")
    assert judged(with_header(given, "Signature-Input", listed), key)[1] == "no_match"


@pytest.mark.parametrize(
    ("given", "key", "now"),
    [
        (SIG_B25, HMAC, CREATED),
        (SIG_B26, testkeys.ED25519, CREATED),
        (SIG_43, testkeys.RSA, 1618884480),
    ],
    ids=["hmac-sha256", "ed25519", "rsa-v1_5-sha256"],
)
def test_signing_a_vector_again_at_its_time_gives_the_published_bytes(given: Message, key: str, now: float) -> None:
    signed = sign(scheme_named("rfc9421"), given, [secret(key)], now=now, token="1")
    for name in (b"signature-input", b"signature"):
        assert first(signed.headers, name) == first(given.headers, name)


def test_the_signature_base_is_the_rfcs() -> None:
    # RFC 9421 section 2.5, figure 1
    listed = '("@method" "@authority" "@path" "content-digest" "content-length" "content-type")'
    listed += ';created=1618884473;keyid="test-key-rsa-pss"'
    items = dictionary(f"sig1={listed}")["sig1"]
    assert base_of(REQUEST, items.items, listed) == b"\n".join(  # type: ignore[union-attr]
        [
            b'"@method": POST',
            b'"@authority": example.com',
            b'"@path": /foo',
            b'"content-digest": ' + DIGEST[1],
            b'"content-length": 18',
            b'"content-type": application/json',
            b'"@signature-params": ' + listed.encode(),
        ]
    )


COMPONENTS = {
    '"@target-uri"': b"https://EXAMPLE.com:443/a?x=1&y=%20z&x2=",
    '"@authority"': b"example.com",
    '"@scheme"': b"https",
    '"@request-target"': b"/a?x=1&y=%20z&x2=",
    '"@query-param";name="y"': b"%20z",
    '"@query-param";name="x2"': b"",
    '"x-twice"': b"a, b",
    '"x-twice";bs': b":YQ==:, :Yg==:",
    '"x-dict";key="b"': b"2;q=1",
    '"x-dict";key="c"': b"(a b);z",
    '"x-dict";key="d"': b"?1;e",
}


@pytest.mark.parametrize(("component", "value"), COMPONENTS.items(), ids=COMPONENTS)
def test_a_component_has_the_value_that_the_rfc_gives_it(component: str, value: bytes) -> None:
    # RFC 9421 sections 2.1 and 2.2: only @authority is normalised, repeats are joined
    headers = ((b"X-Twice", b" a "), (b"x-twice", b"b"), (b"X-Dict", b"a=1, b=2;q=1, c=(a b);z, d;e"))
    given = message(b"", *headers, url="https://u:p@EXAMPLE.com:443/a?x=1&y=%20z&x2=#f")
    items = dictionary(f"s=({component})")["s"]
    assert base_of(given, items.items, "()") == (  # type: ignore[union-attr]
        component.encode() + b": " + value + b'\n"@signature-params": ()'
    )


ODD = {
    "a component of a response": ('("@status");created=1', "header_malformed"),
    "a component that nobody knows": ('("@nonsense");created=1', "header_malformed"),
    "a component of the request of a response": ('("@method";req);created=1', "header_malformed"),
    "a name in capitals": ('("Date");created=1', "header_malformed"),
    "a component twice": ('("date" "date");created=1', "header_malformed"),
    "a header that is not there": ('("x-absent");created=1', "companion_missing"),
    "a parameter that is not there": ('("@query-param";name="x");created=1', "companion_missing"),
    "strict serialisation": ('("date";sf);created=1', "header_malformed"),
    "no time": ('("date")', "timestamp_missing"),
    "a time that is text": ('("date");created="now"', "timestamp_malformed"),
    "a list without an end": ('("date";created=1', "header_malformed"),
    "a string": ('"date";created=1', "header_malformed"),
}


@pytest.mark.parametrize(("listed", "reason"), ODD.values(), ids=ODD)
def test_an_odd_signature_input_gives_a_reason(listed: str, reason: str) -> None:
    assert judged(signed_as(REQUEST, "s", listed, "AAAA"), HMAC) == ("invalid", reason)


def test_one_of_the_two_headers_alone_is_refused() -> None:
    assert judged(with_header(SIG_B22, "Signature", None), HMAC) == ("invalid", "companion_missing")
    assert judged(with_header(SIG_B22, "Signature-Input", None), HMAC) == ("invalid", "companion_missing")


def test_any_of_several_signatures_is_enough() -> None:
    other = b'sig1=("@method");created=1618884473;keyid="x", '
    both = with_header(SIG_43, "Signature-Input", other + (first(SIG_43.headers, b"signature-input") or b""))
    both = with_header(both, "Signature", b"sig1=:AAAA:, " + (first(SIG_43.headers, b"signature") or b""))
    assert judged(both, testkeys.RSA_PUBLIC) == ("valid", "ok")


def test_a_signature_expires() -> None:
    assert judged(SIG_43, testkeys.RSA_PUBLIC, 1618884540) == ("valid", "ok")
    assert judged(SIG_43, testkeys.RSA_PUBLIC, 1618884541) == ("stale", "timestamp_too_old")


def test_a_changed_body_is_told_apart_from_a_bad_signature() -> None:
    assert judged(replace(SIG_B22, body=BODY + b" "), testkeys.RSA_PSS_PUBLIC) == ("invalid", "body_mismatch")
    assert judged(replace(SIG_B22, body=b""), testkeys.RSA_PSS_PUBLIC) == ("invalid", "body_mismatch")


def test_a_public_key_is_never_an_hmac_secret() -> None:
    forged = sign(  # with the text of the public key, which anybody knows
        scheme_named("rfc9421"), REQUEST, [secret(f"alg=hmac-sha256;{testkeys.SHARED}")], now=CREATED, token="1"
    )
    sent = sent_by(REQUEST, forged)
    assert judged(sent, testkeys.SHARED) == ("valid", "ok")
    assert judged(sent, testkeys.ED25519_PUBLIC) == ("invalid", "secret_malformed")


SECRETS = {
    "an unknown algorithm": ("alg=md5;abc", "secret_malformed"),
    "an algorithm of another key": (f"alg=ed25519;{testkeys.RSA_PUBLIC}", "secret_malformed"),
    "hmac with a key pair": (f"alg=hmac-sha256;{testkeys.RSA_PUBLIC}", "secret_malformed"),
    "broken base64": ("base64:*", "secret_malformed"),
    "another keyid": (f"keyid=other;{HMAC}", "no_match"),
    "its own keyid and algorithm": (f"keyid=test-shared-secret;alg=hmac-sha256;{HMAC}", "body_unsigned"),
    "the secret's base64 as text": (testkeys.SHARED, "no_match"),
}


@pytest.mark.parametrize(("text", "reason"), SECRETS.values(), ids=SECRETS)
def test_a_secret_may_name_its_id_and_algorithm(text: str, reason: str) -> None:
    assert judged(SIG_B25, text)[1] == reason


def test_a_message_of_ones_own_covers_the_recommended_components() -> None:
    given = message(BODY, JSON, url="https://example.com/hooks")
    signed = sign(scheme_named("rfc9421"), given, [secret(f"keyid=k1;{HMAC}")], now=NOW, token="1")
    assert first(signed.headers, b"signature-input") == (
        b'sig1=("@method" "@target-uri" "content-digest" "content-type");created=1700000000;keyid="k1";'
        b'alg="hmac-sha256"'
    )
    assert first(signed.headers, b"content-digest") == b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"


def test_signing_again_renews_times_nonce_and_digest() -> None:
    listed = '("content-digest");created=100;expires=160;nonce="old";tag="t"'
    given = replace(signed_as(REQUEST, "x", listed, "AAAA"), body=b"new")
    signed = sign(scheme_named("rfc9421"), given, [secret(HMAC)], now=NOW, token="fresh")
    assert first(signed.headers, b"signature-input") == (
        b'x=("content-digest");created=1700000000;expires=1700000060;nonce="fresh";tag="t"'
    )
    assert judged(sent_by(given, signed), HMAC, NOW) == ("valid", "ok")
    assert (first(signed.headers, b"content-digest") or b"").startswith(b"sha-512=:")


def test_what_a_message_lacks_cannot_be_covered() -> None:
    given = signed_as(message(BODY), "x", '("x-absent");created=1', "AAAA")
    with pytest.raises(WrongUsage, match="x-absent"):
        sign(scheme_named("rfc9421"), given, [secret(HMAC)], now=NOW, token="1")


PLAIN = message(BODY, JSON, url="https://example.com/hooks")


def own(about: str, key: str, checks: str, wrong: str, listed: str, signature: str, exact: bool) -> Case:
    """A message of our own, signed by another implementation."""
    digest = (b"Content-Digest", b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")
    sent = signed_as(with_headers(PLAIN, (digest,)), "sig1", listed, signature)
    return Case(
        about=about,
        scheme="rfc9421",
        source="HTTPMessageSigner of http-message-signatures 3.0.0",
        secret=key,
        checks=checks,
        wrong=wrong,
        before=PLAIN,
        sent=sent,
        changed=replace(sent, body=BODY.replace(b"w", b"v")),
        reason="body_mismatch",
        bare=with_header(with_header(sent, "Signature", None), "Signature-Input", None),
        exact=exact,
    )


LISTED = '("@method" "@target-uri" "content-digest" "content-type");created=1700000000;keyid="whcli";alg="{}"'
OTHER_ED25519 = "alg=ed25519;11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # RFC 8032 section 7.1, test 1
OTHER_P256 = (  # RFC 7515 appendix A.3
    '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
)

OWN = (
    own(
        "hmac-sha256",
        HMAC,
        HMAC,
        "another secret",
        LISTED.format("hmac-sha256"),
        "aoIz/HI1AlcD1tNY4uDvCrklpeC+ZB1ZntIVQPTfuRg=",
        True,
    ),
    own(
        "ed25519",
        testkeys.ED25519,
        testkeys.ED25519_PUBLIC,
        OTHER_ED25519,
        LISTED.format("ed25519"),
        "Vrm+BrD9LL6606ZKGxNm09TfhnHl9AcfNhLE2JzMkJT4Da3CKna+l9F7mKkwEaGdII8VtareGaRsbu4YHxHiAQ==",
        True,
    ),
    own(
        "ecdsa-p256-sha256",
        testkeys.P256,
        testkeys.P256_PUBLIC,
        OTHER_P256,
        LISTED.format("ecdsa-p256-sha256"),
        "9yVZxuh1CRCjrXa8naNePZ7zxGfaEmANkXJHR0OrhstgShH60yiEjuPRXJz5Lzo0GkmipVwfHhMp7sWhTbDFbw==",
        False,
    ),
    own(
        "rsa-pss-sha512, the default of an RSA key",
        testkeys.RSA,
        testkeys.RSA_PUBLIC,
        testkeys.RSA_PSS_PUBLIC,
        LISTED.format("rsa-pss-sha512"),
        "ZKoAD9O20aSv13fPqvvdnQGAnnJRhAmrn66MrANQhmjZY9runhmFimO7IsabpK8rqKwQphcL2YGCGrqeN/BLg/swhBb8TWtha6L7"
        "qRIUZSoSmn1YoD/ySHx1Y9mx3XNRzg1/77A4aySf2PyZ0Cr04yyh1COQ/dRNEndaZIw/sDdBgjIs4QdZ/8zTqCSZjyBfxeT21AZi"
        "2TCtxJN9zj4hJLYa9cTw2UOfg1dzBtMugwjyFkmOx/+dcRSv9v0kdk88OnEg7qbwVp5MqGsNXoruIQ/sICECsf1qXsLRo+JV3xL8"
        "h40x7jLFnRKfHy16aeS7ocDY7zhq7OB5FegGKp/6ZQ==",
        False,
    ),
    own(
        "rsa-v1_5-sha256, asked for",
        f"alg=rsa-v1_5-sha256;{testkeys.RSA}",
        testkeys.RSA_PUBLIC,
        testkeys.RSA_PSS_PUBLIC,
        LISTED.format("rsa-v1_5-sha256"),
        "JXzJpKiGF1JZw9mlHGYREeikRJBkce9iaO4LEBnyw8arTsOamTlq+6B1TicR/U0GIYt5G/h4RS5KbmRWFqevs9gKaAvzSqu9MHqS"
        "+lu11PbP/a+KqjubuyI7/kNIdXXs/rqQIDhkmO/dIGqQx4Kqzd8q9dvi23IGV1KRFKojBk6B1o8pI6UsIa2MIJ7rxUBRGxIG5uXI"
        "2UnZPMnG+gndM5sz/4dSXaz+awQ/LPJUjUtzad9XhN4hV82DvQI741YHqtRRdnzcyy4REpO79qriutwKHqWWWQgqLEnafo7oLVKc"
        "fhg6Sw0fJDdMt3k+U5vRQptO7gYIpGUhYP5v45hwfg==",
        True,
    ),
)


class TestEveryCase(Coded):
    cases = CONTENTFUL + OWN
