"""Mailgun, Adyen, Braintree and SNS: the signature travels inside the body."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.errors import WrongUsage
from whcli.words.event import Message

from . import testkeys
from .coded import FORM, JSON, NOW, Case, Coded, message, secret, with_headers

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())


def state(scheme: str, given: Message, text: str, now: float = NOW) -> tuple[str, str]:
    verdict = verify(scheme_named(scheme), given, [secret(text)], now=now)
    return verdict.state, verdict.reason


# -- Mailgun --------------------------------------------------------------------------------------------------------

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
NODE = "node 20: createHmac('sha256', key).update(timestamp + token).digest('hex')"
MINTED = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c0"  # sha256('1'), its first 50 characters
MADE = "be7888b9e7484e98523e3343671f7b6199c68fe9616bf420bfd3ac5965773c83"
OLD = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
OLD_MADE = "b63c0701c4f4b614f272106a1b367c5c3369bcdca664ae73ebd52787e45eef07"


def mailgun(about: str, before: bytes, sent: bytes, bare: bytes, *headers: tuple[bytes, bytes]) -> Case:
    given = message(sent, *headers)
    return Case(
        about=about,
        scheme="mailgun",
        source=NODE,
        secret=KEY,
        before=message(before, *headers),
        sent=given,
        changed=replace(given, body=sent.replace(b"1700000000", b"1700000001")),
        bare=message(bare, *headers),
        bare_reason="signature_missing",
    )


EVENT = (
    b'{ "signature" : {"token":"%s", "timestamp" : "%s",\n  "signature":"%s" },'
    b'"event-data":{"n":1.0,"t":"\\u00e9\\/"} }'
)
PARENT = b'{"signature":{"token":"%s","timestamp":"%s","signature":"%s","parent-signature":"%s"}}'
LEGACY = b"event=opened&token=%s&timestamp=%s&a=b+c%%21&signature=%s"
MULTIPART = (b"Content-Type", b'multipart/form-data; boundary="xYzZY"')
PARTS = (
    b'--xYzZY\r\nContent-Disposition: form-data; name="subject"\r\n\r\nRe: token\r\n'
    b'--xYzZY\r\nContent-Disposition: form-data; name="token"\r\n\r\n%s\r\n'
    b'--xYzZY\r\ncontent-disposition: form-data; name="timestamp"\r\nContent-Type: text/plain\r\n\r\n%s\r\n'
    b'--xYzZY\r\nContent-Disposition: form-data; name="attachment-1"; filename="a"\r\n\r\n\xff\x00\r\n\r\n'
    b'--xYzZY\r\nContent-Disposition: form-data; name="signature"\r\n\r\n%s\r\n--xYzZY--\r\n'
)
THEN = (OLD.encode(), b"1529006854", OLD_MADE.encode())
THIS = (MINTED.encode(), b"1700000000", MADE.encode())

MAILGUN = (
    mailgun(
        "JSON: three values replaced, every other byte kept", EVENT % THEN, EVENT % THIS, b'{"signature":{}}', JSON
    ),
    mailgun("JSON without a content type", EVENT % THEN, EVENT % THIS, b'{"event-data":{}}'),
    mailgun(
        "JSON without a signature: one is added",
        b'{"event-data": {"id":1}\n}',
        b'{"event-data": {"id":1},"signature":{"timestamp":"1700000000","token":"%s","signature":"%s"}\n}'
        % (THIS[0], THIS[2]),
        b"{}",
        JSON,
    ),
    mailgun(
        "a subaccount's event with the parent's signature",
        PARENT % (*THEN, THEN[2]),
        PARENT % (*THIS, THIS[2]),
        b'{"signature":[]}',
        JSON,
    ),
    mailgun("a legacy form", LEGACY % THEN, LEGACY % THIS, b"event=opened&token=1&timestamp=2", FORM),
    mailgun(
        "a form with attachments",
        PARTS % THEN,
        PARTS % THIS,
        PARTS.split(b'--xYzZY\r\nContent-Disposition: form-data; name="signature"')[0] % THEN[:2] + b"--xYzZY--\r\n",
        MULTIPART,
    ),
)


def test_a_captured_mailgun_event_verifies_years_later() -> None:
    assert state("mailgun", message(EVENT % THEN, JSON), KEY) == ("valid", "ok")


def test_mailguns_event_is_not_signed() -> None:
    changed = (EVENT % THIS).replace(b'"n":1.0', b'"n":2.0')
    assert state("mailgun", message(changed, JSON), KEY) == ("valid", "ok")


def test_the_parents_signature_alone_is_enough() -> None:
    body = PARENT % (THIS[0], THIS[1], b"0" * 64, THIS[2])
    assert state("mailgun", message(body, JSON), KEY) == ("valid", "ok")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (b'"timestamp" : "1700000000",', "timestamp_missing"),
        (b'"token":"%s",' % THIS[0], "companion_missing"),
        (b'"%s"' % THIS[2], "signature_missing"),
    ],
    ids=["the timestamp", "the token", "the signature"],
)
def test_mailgun_says_which_field_is_missing(missing: bytes, reason: str) -> None:
    body = (EVENT % THIS).replace(missing, b'""' if reason == "signature_missing" else b"")
    assert state("mailgun", message(body, JSON), KEY)[1] == reason


def test_mailgun_needs_json_or_a_form_to_write_into() -> None:
    with pytest.raises(WrongUsage, match="mailgun signs inside the body"):
        sign(scheme_named("mailgun"), message(b"[1]", JSON), [secret(KEY)], now=NOW, token="1")


# -- Adyen ----------------------------------------------------------------------------------------------------------

HMAC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
WRONG_KEY = "00" * 32
ITEM = (
    b'{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{ "hmacSignature" : "%s" ,'
    b'"x":"\\/"},"amount":{"currency":"EUR","value":1130},"eventCode":"AUTHORISATION","merchantAccountCode":'
    b'"TestMerchant","merchantReference":"a:b\\\\c","pspReference":"7914073381342284","success":"true"}}]}'
)
BARE_ITEM = (
    b'{"notificationItems":[{"NotificationRequestItem":{"amount":{"currency":"EUR","value":1130},"eventCode":'
    b'"AUTHORISATION","merchantAccountCode":"TestMerchant","merchantReference":"a:b\\\\c","pspReference":'
    b'"7914073381342284","success":"true"%s}}]}'
)
ADYEN_MADE = b"NymdpeS6dTCwROp86cJ3+TLmxB+ZjY9kcErJ0ZyiUCQ="


def adyen(about: str, before: bytes, sent: bytes) -> Case:
    given = message(sent, JSON)
    return Case(
        about=about,
        scheme="adyen",
        source="Adyen.util.generate_notification_sig, Adyen 16.0.0",
        secret=HMAC_KEY,
        wrong=WRONG_KEY,
        before=message(before, JSON),
        sent=given,
        changed=replace(given, body=sent.replace(b"1130", b"1131")),
        bare=message(BARE_ITEM % b"", JSON),
        bare_reason="signature_missing",
    )


ADYEN = (
    adyen("a colon and a backslash are not escaped, the old value is replaced", ITEM % b"old", ITEM % ADYEN_MADE),
    adyen(
        "a notification without additionalData gets one",
        BARE_ITEM % b"",
        BARE_ITEM % (b',"additionalData":{"hmacSignature":"' + ADYEN_MADE + b'"}'),
    ),
)


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each["provider"] == "adyen"], ids=lambda each: str(each["source"])
)
def test_adyens_own_vectors_verify_and_are_signed_as_published(vector: dict[str, Any]) -> None:
    published = message(vector["body"].encode(), JSON)
    assert state("adyen", published, vector["secret"]) == ("valid", "ok")
    signed = sign(scheme_named("adyen"), published, [secret(vector["secret"])], now=NOW, token="1")
    assert signed.body == published.body


def test_adyen_covers_nothing_but_its_eight_fields() -> None:
    changed = (ITEM % ADYEN_MADE).replace(b'"live":"false"', b'"live":"true"')
    assert state("adyen", message(changed, JSON), HMAC_KEY) == ("valid", "ok")


def test_a_second_item_that_nobody_signed_is_refused() -> None:
    second = (ITEM % ADYEN_MADE).replace(b"}}]}", b"}},{}]}")
    assert state("adyen", message(second, JSON), HMAC_KEY) == ("invalid", "body_malformed")


def test_adyens_key_must_be_hexadecimal() -> None:
    assert state("adyen", message(ITEM % ADYEN_MADE, JSON), "no hex") == ("invalid", "secret_malformed")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"notificationItems":[]}', b"<xml/>"], ids=repr)
def test_adyen_needs_a_notification_to_write_into(body: bytes) -> None:
    with pytest.raises(WrongUsage, match="adyen signs inside the body"):
        sign(scheme_named("adyen"), message(body, JSON), [secret(HMAC_KEY)], now=NOW, token="1")


# -- Braintree ------------------------------------------------------------------------------------------------------

KEYS = "integration_public_key:integration_private_key"
PAYLOAD = b"bt_payload=PG5vdGlmaWNhdGlvbj48a2luZD5jaGVjazwva2luZD48L25vdGlmaWNhdGlvbj4%3D%0A"
SIGNED = b"bt_signature=integration_public_key%7Cd53eaf7e941a322fd63f23a4c014828169ba83f4"
BT = with_headers(message(SIGNED + b"&" + PAYLOAD), (FORM,))

BRAINTREE = (
    Case(
        about="the old signature is replaced where it stands",
        scheme="braintree",
        source="braintree.util.crypto.Crypto.sha1_hmac_hash, braintree 4.48.0",
        secret=KEYS,
        wrong="integration_public_key:another",
        before=replace(BT, body=b"bt_signature=other%7C00&" + PAYLOAD),
        sent=BT,
        changed=replace(BT, body=SIGNED + b"&" + PAYLOAD.replace(b"PG5v", b"PG5w")),
        bare=replace(BT, body=PAYLOAD),
        bare_reason="signature_missing",
    ),
    Case(
        about="a form without a signature gets one",
        scheme="braintree",
        source="braintree.util.crypto.Crypto.sha1_hmac_hash, braintree 4.48.0",
        secret=KEYS,
        wrong="another:integration_private_key",
        before=replace(BT, body=PAYLOAD),
        sent=replace(BT, body=PAYLOAD + b"&" + SIGNED),
        changed=replace(BT, body=PAYLOAD + b"&" + SIGNED.replace(b"d53e", b"d53f")),
        bare=replace(BT, body=b"bt_signature=&" + PAYLOAD),
        bare_reason="signature_missing",
    ),
)


def test_braintree_finds_the_pair_of_the_given_key() -> None:
    body = b"bt_signature=other%7C00%26junk%26" + SIGNED.removeprefix(b"bt_signature=") + b"&" + PAYLOAD
    assert state("braintree", replace(BT, body=body), KEYS) == ("valid", "ok")


def test_braintree_also_tries_a_line_feed_at_the_end_of_the_payload() -> None:
    stripped = replace(BT, body=BT.body.removesuffix(b"%0A"))
    assert state("braintree", stripped, KEYS) == ("valid", "ok")


@pytest.mark.parametrize("text", ["integration_private_key", ":private", "public:"], ids=repr)
def test_braintrees_secret_has_two_parts(text: str) -> None:
    assert state("braintree", BT, text) == ("invalid", "secret_malformed")


def test_a_signature_of_another_shape_is_refused() -> None:
    assert state("braintree", replace(BT, body=b"bt_signature=abc&" + PAYLOAD), KEYS) == ("invalid", "header_malformed")


def test_braintree_needs_a_payload_to_sign() -> None:
    with pytest.raises(WrongUsage, match="bt_payload"):
        sign(scheme_named("braintree"), message(b"a=b", FORM), [secret(KEYS)], now=NOW, token="1")


# -- AWS SNS --------------------------------------------------------------------------------------------------------

OPENSSL = "openssl dgst -sign test-key-rsa.key over the lines that AWS's page lists"
THEN_ISO = "2026-01-02T03:04:05.678Z"
AT = 1767323045.678
ARN = "arn:aws:sns:us-east-1:123456789012:MyTopic"
MADE_BY_OPENSSL = {
    (
        "Notification",
        "1",
    ): "dkTeEu7lm/09ZK2bO30d1zrYDCTbWDIxKwip0R0FYtM6y6plqH5KbmlMzGQN+JLPGqiVPhGTvbd5r86q3GSvBNaGtGjiKs"
    "2f/GVCwx6a5y0NyNNwdJllLICpbx63/OpkvbLVQKvhJcNyIa1xbpNik8WJjA+VedoYC0ZEMh/NuFMHqkqLWcgGFped2s9LB2WHlyBhZs2iGn7pCTXfKQqC"
    "4un/8opTPpvfTBT+n0V6rwLCUCRe/CnkPlZXfQE+ccLW+/3Vh4WmGs6NZ2l+9nD/Do4Skc9YitMEEVtOvdOBo4ZXt4SP2z/jDmDD1cbGAsabji5PFqq8G/"
    "LsS2SiICJu0w==",
    (
        "Notification",
        "2",
    ): "BrPsOGC4wHeakud1/5UfHmgzqYD4sWbfxR7tsBds6uUzMYbyUjhnhQcI35h6BUenP5zQbmoOSbdkMI/Ot6qUUuKajzR+zj"
    "Cnk40C/GKsUhnwylE6el5GbQlAWt570MDGZGNdTN3xF73wewZ90/fTHvVxL61XoMnw6NkQtadR08O6hmjesVHA+BxS4MlWjuh6/tQS33vycIds/9S7bniR"
    "ENSnizdh9AJJKB/+EK9N4xkuS7W39H2LjcMPCvO+yypZ8a5VdNu7q2B77Bw5VrHtt7kV+Hd7XIpoEpDrRHN3SLpZ3CWA8fSp+S3XPTja0F0c+/GxDkT/lz"
    "W1qwGmjLC9Ig==",
    (
        "SubscriptionConfirmation",
        "1",
    ): "IXYIpVTtuyg/TWnV6W15ri4XoKZqFPIQEwKFO+iWyMT9AI/z/LVm/sPBu9dP0YikUzu0P4UAB7urpzoRdt9wZ"
    "j7Ksbg4LJ6G/MimdN22c1W9mobmxeFdTdT+GyqqPlHOwLsUfAr0rsSbXbY6GhjRAFi/cqLsYXVIiJwk5ZKr7Ha6gkpjvSOfqy5O3ez23P59f63TRLq65cJl"
    "ejgEqRvLKQuSsLORJHNDyifB6zVMQODKxAvSfi5pj56Net3XD9dAu78O0UUB4XzcYzaHMVnCxmKHs2kqj81qlnu5IoE9ogyA/Xhe9c+z/QuJO1Z0FCcpsr"
    "ORcu+4vZM1bu68T4ZT+A==",
    (
        "UnsubscribeConfirmation",
        "2",
    ): "S0tskEKQJ+huI6dpZygpvsbW0xdoJ5T2JtaunUh8zsyA9HsUjkkj3PLpn3l9aNnD+/De4kZI6iYoxn93+uPXi"
    "ZGufc+d/zxYFYZLdGvJCwnxm9taEnJtM+1DX6vo93tK1zfNIBi3rHbis2pN/17EQfAVH5A/D1hMRKdidFbCffORTUPW++xow+XGXM2hYnwrTzx9Z9MY6RDu"
    "2YmyFnA2IJC7AfV3FQzubFW1xg/stxh8q55ZM3CFtu5FaMK6xhvHzLfKwAqXD/geBGj5+MNrOcJAkcIpq+2VbYpKwEttoRRAG8D7kqNMNLzOInXNkpSBeN"
    "DmB6Q7/C6RP2gMjxG6mQ==",
}
NOTIFICATION = (
    '{\n  "Type" : "Notification",\n  "MessageId" : "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",\n  "TopicArn" : "ARN",\n'
    '  "Subject" : "Test\\/1",\n  "Message" : "Hello \\u20ac \\"x\\"",\n  "Timestamp" : "TIME",\n'
    '  "SignatureVersion" : "VERSION",\n  "Signature" : "SIGNATURE",\n'
    '  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",\n'
    '  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe"\n}'
)
CONFIRMATION = (
    '{"Type":"TYPE","MessageId":"id-1","Token":"2336412f37","TopicArn":"ARN","Message":"You have chosen to subscribe",'
    '"SubscribeURL":"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription","Timestamp":"TIME",'
    '"SignatureVersion":"VERSION","Signature":"SIGNATURE","SigningCertURL":"https://sns.us-east-1.amazonaws.com/1.pem"}'
)


def sns(kind: str, version: str) -> Case:
    text = (NOTIFICATION if kind == "Notification" else CONFIRMATION).replace("TYPE", kind)
    text = text.replace("ARN", ARN).replace("VERSION", version)
    identity = "165545c9-2a5c-472c-8df2-7ff2be2b3b1b" if kind == "Notification" else "id-1"
    headers = (
        (b"x-amz-sns-message-type", kind.encode()),
        (b"x-amz-sns-message-id", identity.encode()),
        (b"x-amz-sns-topic-arn", ARN.encode()),
        (b"Content-Type", b"text/plain; charset=UTF-8"),
    )
    body = text.replace("TIME", THEN_ISO).replace("SIGNATURE", MADE_BY_OPENSSL[kind, version]).encode()
    sent = message(body, *headers)
    return Case(
        about=f"{kind}, SignatureVersion {version}",
        scheme="aws-sns",
        source=OPENSSL,
        secret=testkeys.RSA,
        checks=testkeys.RSA_CERTIFICATE,
        wrong=testkeys.RSA_PSS_PUBLIC,
        before=message(text.replace("TIME", "2012-05-02T00:54:06.655Z").replace("SIGNATURE", "EXAMPLE").encode()),
        sent=sent,
        changed=replace(sent, body=body.replace(b"MyTopic", b"MyTopid")),
        bare=replace(sent, body=body.replace(b'"Signature"', b'"signature"')),
        bare_reason="signature_missing",
        now=AT,
    )


SNS = tuple(sns(kind, version) for kind, version in MADE_BY_OPENSSL)


@pytest.mark.parametrize("key", [testkeys.RSA_PUBLIC, testkeys.RSA], ids=["a public key", "a private key"])
def test_sns_is_verified_with(key: str) -> None:
    assert state("aws-sns", SNS[0].sent, key) == ("valid", "ok")


def test_sns_reads_the_message_and_not_its_spelling() -> None:
    spelled = SNS[0].sent.body.replace(b"\\u20ac", "€".encode()).replace(b"Test\\/1", b"Test/1")
    assert state("aws-sns", replace(SNS[0].sent, body=spelled), testkeys.RSA_PUBLIC) == ("valid", "ok")


def test_a_null_subject_is_no_subject() -> None:
    body = b'{"Type":"Notification","MessageId":"1","TopicArn":"a","Message":"m","Timestamp":"t"%s}'
    without = sign(scheme_named("aws-sns"), message(body % b""), [secret(testkeys.RSA)], now=AT, token="1")
    null = without.body.replace(b'{"Type"', b'{"Subject":null,"Type"')
    assert state("aws-sns", message(null), testkeys.RSA) == ("valid", "ok")


def test_what_an_sns_message_lacks_is_added_at_its_end() -> None:
    body = b'{"Type":"Notification","MessageId":"1","TopicArn":"a","Message":"m"}'
    signed = sign(scheme_named("aws-sns"), message(body), [secret(testkeys.RSA)], now=AT, token="1", id="2")
    added = json.loads(signed.body)
    assert list(added)[4:] == ["Timestamp", "SignatureVersion", "SigningCertURL", "Signature"]
    assert (added["MessageId"], added["SignatureVersion"], added["Timestamp"]) == ("2", "1", THEN_ISO)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"1"', b'"3"', "body_malformed"),
        (b'"Notification"', b'"Other"', "body_malformed"),
        (b'"Message"', b'"Massage"', "body_malformed"),
        (b'"dkTe', b'"*kTe', "header_malformed"),
    ],
    ids=["version", "type", "message", "signature"],
)
def test_an_odd_sns_field_gives_a_reason(old: bytes, new: bytes, reason: str) -> None:
    odd = replace(SNS[0].sent, body=SNS[0].sent.body.replace(old, new, 1))
    assert state("aws-sns", odd, testkeys.RSA_PUBLIC) == ("invalid", reason)


def test_sns_needs_a_private_key_to_sign_and_a_message_to_write_into() -> None:
    with pytest.raises(WrongUsage, match="aws-sns signs inside the body"):
        sign(scheme_named("aws-sns"), message(b'{"Type":"Notification"}'), [secret(testkeys.RSA)], now=NOW, token="1")


class TestEveryCase(Coded):
    cases = MAILGUN + ADYEN + BRAINTREE + SNS
