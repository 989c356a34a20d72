"""Schemes with code of their own: what we sign, checked by the providers' SDKs."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest

from tests.schemes import testkeys
from tests.schemes.coded import FORM, JSON, as_fields, message, secret, sent_by, with_header
from whcli.rules.signatures.keys import keygen
from whcli.rules.signatures.schemes import scheme_named
from whcli.rules.signatures.signing import sign, verify
from whcli.words.event import Message

BODY = '{"id":"evt_1","text":"Zoë"}'.encode()
URL = "https://example.com/hooks?b=2&a=1"


def signed(scheme: str, text: str, given: Message) -> Message:
    """The message as it is sent after signing it now."""
    return sent_by(given, sign(scheme_named(scheme), given, [secret(text)], now=time.time(), token="1"))


def header(given: Message, name: str) -> str:
    return as_fields(given)[name.lower().encode()].decode()


# -- the URL and sorted parameters ------------------------------------------------------------------------------------

FIELDS = b"To=%2B15551234567&Body=&Media=b&Media=a&Media=a&Note=%C3%A9+%26"


def multi_dict(body: bytes) -> Any:
    made = pytest.importorskip("multidict").MultiDict()
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        made.add(name, value)
    return made


@pytest.mark.sdk
@pytest.mark.parametrize("url", [URL, "https://example.com:8443/", "http://user:pw@example.com:81/a#rc=2"])
def test_twilio_takes_a_form(url: str) -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator("token")
    sent = signed("twilio", "token", message(FIELDS, FORM, url=url))
    signature = header(sent, "X-Twilio-Signature")
    assert validator.validate(sent.url, multi_dict(FIELDS), signature)
    assert not validator.validate(sent.url, multi_dict(FIELDS.replace(b"=a", b"=c")), signature)


@pytest.mark.sdk
def test_twilio_takes_json_by_its_hash_in_the_url() -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator("token")
    sent = signed("twilio", "token", message(BODY, JSON, url=URL))
    assert validator.validate(sent.url, BODY.decode(), header(sent, "X-Twilio-Signature"))
    assert not validator.validate(sent.url, BODY.decode() + " ", header(sent, "X-Twilio-Signature"))
    assert not validator.validate(sent.url + "&x=1", BODY.decode(), header(sent, "X-Twilio-Signature"))


@pytest.mark.sdk
def test_twilio_takes_sha256_where_the_settings_ask_for_it() -> None:
    module = pytest.importorskip("twilio.request_validator")
    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    given = with_header(message(FIELDS, FORM, url=URL), "X-Twilio-Webhooks-Signature-Settings", settings.encode())
    sent = signed("twilio", "shared", given)
    algorithm = module.get_signature_algorithm(header(sent, "X-Twilio-Webhooks-Signature-Settings"))
    signature = header(sent, "X-Twilio-Signature")
    assert module.RequestValidator("shared").validate(URL, multi_dict(FIELDS), signature, algorithm)


@pytest.mark.sdk
@pytest.mark.parametrize("url", [URL, "https://example.com/hooks"], ids=["with a query", "without"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_plivo(method: str, url: str) -> None:
    check = pytest.importorskip("plivo.utils.signature_v3").validate_v3_signature
    form = method == "POST"
    given = message(FIELDS, FORM, method=method, url=url) if form else message(method=method, url=url)
    sent = signed("plivo", "token", given)
    fields = parse_qs(FIELDS.decode(), keep_blank_values=True) if form else {}
    nonce, signature = header(sent, "X-Plivo-Signature-V3-Nonce"), header(sent, "X-Plivo-Signature-V3")
    assert check(method, url, nonce, "token", signature, dict(fields))
    assert not check(method, url + "x", nonce, "token", signature, dict(fields))
    assert not check(method, url, nonce, "other", signature, dict(fields))


def anymail(name: str, **options: str) -> Any:
    settings = pytest.importorskip("django.conf").settings
    if not settings.configured:
        settings.configure()
    module = pytest.importorskip(f"anymail.webhooks.{name.lower()}")
    view = {"Mandrill": "MandrillCombinedWebhookView", "Mailgun": "MailgunTrackingWebhookView"}[name]
    return getattr(module, view)(**options)


def in_django(given: Message) -> Any:
    factory = pytest.importorskip("django.test").RequestFactory()
    fields = {f"HTTP_{name.decode().upper().replace('-', '_')}": text.decode() for name, text in given.headers}
    return factory.post("/hooks", given.body, content_type=header(given, "content-type"), **fields)


@pytest.mark.sdk
def test_django_anymail_for_mandrill() -> None:
    url = "https://user:pass@example.com/mandrill/?x=1"
    view = anymail("Mandrill", webhook_key="key", webhook_url=url)
    failure = pytest.importorskip("anymail.exceptions").AnymailWebhookValidationFailure
    sent = signed("mandrill", "key", message(b"mandrill_events=%5B%7B%22a%22%3A+1%7D%5D", FORM, url=url))
    view.validate_request(in_django(sent))
    with pytest.raises(failure):
        view.validate_request(in_django(replace(sent, body=sent.body.replace(b"1", b"2"))))


# -- inside the body --------------------------------------------------------------------------------------------------

MULTIPART = (b"Content-Type", b"multipart/form-data; boundary=xYzZY")
PARTS = (
    b'--xYzZY\r\nContent-Disposition: form-data; name="event"\r\n\r\nopened\r\n'
    b'--xYzZY\r\nContent-Disposition: form-data; name="token"\r\n\r\nold\r\n--xYzZY--\r\n'
)


@pytest.mark.sdk
@pytest.mark.parametrize(
    "given",
    [
        message(b'{"event-data":{"event":"opened"}}', JSON),
        message(b'{"signature":{"timestamp":"1","token":"2","signature":"3"}}', JSON),
        message(b"event=opened&token=old", FORM),
        message(PARTS, MULTIPART),
    ],
    ids=["JSON without a signature", "JSON with an old one", "a form", "a form with attachments"],
)
def test_django_anymail_for_mailgun(given: Message) -> None:
    failure = pytest.importorskip("anymail.exceptions").AnymailWebhookValidationFailure
    view = anymail("Mailgun", webhook_signing_key="key")
    sent = signed("mailgun", "key", given)
    view.validate_request(in_django(sent))
    with pytest.raises(failure):
        anymail("Mailgun", webhook_signing_key="other").validate_request(in_django(sent))


@pytest.mark.sdk
@pytest.mark.parametrize("reference", ["plain", "a:b", "a\\b", "a\\:/b", "Zoë"])
def test_adyen(reference: str) -> None:
    check = pytest.importorskip("Adyen.util").is_valid_hmac_notification
    key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    item = {
        "additionalData": {"expiryDate": "10/2028"},
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION",
        "merchantAccountCode": "Shop",
        "merchantReference": reference,
        "pspReference": "7914073381342284",
        "success": "true",
    }
    body = json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}).encode()
    sent = signed("adyen", key, message(body, JSON))
    assert check(json.loads(sent.body), key)
    assert not check(json.loads(sent.body.replace(b"1130", b"1131")), key)


@pytest.mark.sdk
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_braintree() -> None:
    braintree = pytest.importorskip("braintree")
    gateway = braintree.BraintreeGateway(
        braintree.Configuration(braintree.Environment.Sandbox, "merchant", "public", "private")
    )
    xml = b"<notification><kind>check</kind><subject><check>true</check></subject></notification>"
    payload = base64.encodebytes(xml).decode()
    form = "bt_payload=" + payload.replace("+", "%2B").replace("=", "%3D").replace("\n", "%0A")
    sent = parse_qs(signed("braintree", "public:private", message(form.encode(), FORM)).body.decode())
    assert sent["bt_payload"] == [payload]
    parsed = gateway.webhook_notification.parse(sent["bt_signature"][0], payload)
    assert parsed.kind == "check"
    with pytest.raises(pytest.importorskip("braintree.exceptions.invalid_signature_error").InvalidSignatureError):
        gateway.webhook_notification.parse(sent["bt_signature"][0], payload.replace("P", "Q", 1))


@contextmanager
def served(text: str) -> Iterator[str]:
    """The address at which this text is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/cert.pem"
        server.shutdown()


@pytest.mark.sdk
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_sns_messages_with_a_certificate_of_our_own(kind: str) -> None:
    module = pytest.importorskip("sns_message_validator")
    validator = module.SNSMessageValidator(cert_url_regex=r"^http://127\.0\.0\.1:\d+/")
    fields = {
        "Type": kind,
        "MessageId": "1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Message": "Zoë\n",
        "Subject": "S",
    }
    if kind != "Notification":
        fields |= {"Token": "t", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?a=1"}
    with served(testkeys.RSA_CERTIFICATE) as address:
        body = json.dumps({**fields, "SigningCertURL": address}).encode()
        sent = json.loads(signed("aws-sns", testkeys.RSA, message(body)).body)
        validator.validate_message(sent)
        with pytest.raises(module.SignatureVerificationFailureException):
            validator.validate_message({**sent, "Message": "changed"})


# -- canonical requests and tokens ------------------------------------------------------------------------------------


def http_verifier(algorithm: str, key: bytes) -> Any:
    library = pytest.importorskip("http_message_signatures")

    class Keys(library.HTTPSignatureKeyResolver):  # type: ignore[misc, name-defined]
        def resolve_public_key(self, key_id: str) -> bytes:
            return key

    known = {each.algorithm_id: each for each in vars(library.algorithms).values() if hasattr(each, "algorithm_id")}
    return library.HTTPMessageVerifier(signature_algorithm=known[algorithm], key_resolver=Keys())


def in_requests(given: Message) -> Any:
    """The few attributes of a request that the library asks for."""
    headers = {name.decode(): value.decode() for name, value in given.headers}
    return SimpleNamespace(method=given.method, url=given.url, headers=headers)


ALGORITHMS = {
    "hmac-sha256": ("a shared secret", b"a shared secret"),
    "ed25519": (testkeys.ED25519, testkeys.ED25519_PUBLIC.encode()),
    "ecdsa-p256-sha256": (testkeys.P256, testkeys.P256_PUBLIC.encode()),
    "rsa-pss-sha512": (testkeys.RSA, testkeys.RSA_PUBLIC.encode()),
    "rsa-v1_5-sha256": (f"alg=rsa-v1_5-sha256;{testkeys.RSA}", testkeys.RSA_PUBLIC.encode()),
}


@pytest.mark.sdk
@pytest.mark.parametrize(("algorithm", "keys"), ALGORITHMS.items(), ids=list(ALGORITHMS))
def test_http_message_signatures(algorithm: str, keys: tuple[str, bytes]) -> None:
    library = pytest.importorskip("http_message_signatures")
    verifier = http_verifier(algorithm, keys[1])
    sent = signed("rfc9421", keys[0], message(BODY, JSON, url="https://Example.com:443/hooks?b=2&a=%20"))
    wanted = ("@method", "@target-uri", "content-digest", "content-type")
    verifier.verify(in_requests(sent), require_components=wanted, body=BODY)
    with pytest.raises(library.InvalidSignature):
        verifier.verify(in_requests(sent), body=BODY.replace(b"1", b"2"))
    with pytest.raises(library.InvalidSignature):
        verifier.verify(in_requests(replace(sent, url="https://example.com/hooks?b=2&a=%21")), body=BODY)


@pytest.mark.sdk
def test_http_message_signatures_of_a_capture_signed_again() -> None:
    verifier = http_verifier("hmac-sha256", b"k")
    listed = b'x=("@authority" "@query-param";name="a" "content-digest";key="sha-512" "x-twice");created=1;keyid="1"'
    given = message(
        BODY,
        (b"Signature-Input", listed),
        (b"Signature", b"x=:AAAA:"),
        (b"Content-Digest", b"sha-512=:AAAA:"),
        (b"X-Twice", b"1, 2"),
        url=URL,
    )
    sent = signed("rfc9421", "k", given)
    assert verifier.verify(in_requests(sent), body=BODY)[0].parameters["keyid"] == "1"


@pytest.mark.sdk
def test_pyjwt_for_netlify_and_monday() -> None:
    jwt = pytest.importorskip("jwt")
    key = "a secret of at least thirty-two bytes"
    sent = signed("netlify", key, message(BODY, JSON))
    claims = jwt.decode(header(sent, "X-Webhook-Signature"), key, algorithms=["HS256"], issuer="netlify")
    assert claims["sha256"] == pytest.importorskip("hashlib").sha256(BODY).hexdigest()
    sent = signed("monday", key, message(BODY, JSON, url=URL))
    assert jwt.decode(header(sent, "Authorization"), key, algorithms=["HS256"], audience=URL)["exp"] > time.time()
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(header(sent, "Authorization"), key + "!", algorithms=["HS256"], audience=URL)


@pytest.mark.sdk
def test_pyjwt_for_plaid() -> None:
    jwt = pytest.importorskip("jwt")
    private, public = keygen(scheme_named("plaid").pair)
    sent = header(signed("plaid", private, message(BODY, JSON)), "Plaid-Verification")
    assert jwt.get_unverified_header(sent)["kid"] == json.loads(public)["kid"]
    key = jwt.PyJWK.from_json(public).key
    claims = jwt.decode(sent, key, algorithms=["ES256"], options={"require": ["iat"]})
    assert claims["request_body_sha256"] == pytest.importorskip("hashlib").sha256(BODY).hexdigest()


@pytest.mark.sdk
def test_livekit() -> None:
    api = pytest.importorskip("livekit.api")
    receiver = api.WebhookReceiver(api.TokenVerifier("APIkey", "a secret of at least thirty-two bytes"))
    body = b'{"event":"room_started","id":"EV_1"}'
    sent = signed("livekit", "APIkey:a secret of at least thirty-two bytes", message(body))
    token = header(sent, "Authorization")
    assert header(sent, "Content-Type") == "application/webhook+json"
    assert receiver.receive(body.decode(), token).event == "room_started"
    with pytest.raises(Exception, match="hash mismatch"):
        receiver.receive(body.decode().replace("1", "2"), token)


@pytest.mark.sdk
def test_what_paypals_sdk_signs_is_what_we_check() -> None:
    webhooks = pytest.importorskip("paypalrestsdk.notifications").WebhookEvent
    from whcli.rules.signatures.asymmetric import sign_raw

    text = webhooks._get_expected_sig("T-1", "2026-01-01T00:00:00Z", "WH1", BODY.decode())
    signature = base64.b64encode(sign_raw("rsa-sha256", testkeys.RSA.encode(), text.encode()))
    sent = message(
        BODY,
        (b"PAYPAL-TRANSMISSION-ID", b"T-1"),
        (b"PAYPAL-TRANSMISSION-TIME", b"2026-01-01T00:00:00Z"),
        (b"PAYPAL-TRANSMISSION-SIG", signature),
    )
    secrets = [secret(f"WH1:{testkeys.RSA_CERTIFICATE}")]
    assert verify(scheme_named("paypal"), sent, secrets, now=time.time()).ok
    assert not verify(scheme_named("paypal"), replace(sent, body=BODY + b" "), secrets, now=time.time()).ok
