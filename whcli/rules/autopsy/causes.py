"""Why a signature fails: every reason code, in one table.

`sentence` is for people, `change` is what to do about it. `raw_body` marks the causes where an application hashed
something other than the bytes it was sent; for these there is one line per framework. The codes are stable: scripts
compare them, and the README prints this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """One reason: its stable code, a sentence for people, what to change."""

    code: str
    sentence: str
    change: str = ""
    raw_body: bool = False


RAW = "verify the raw bytes of the body, before anything parses it"
COPY = "copy the secret again from the provider's page, and store it without anything around it"
PROXY = "give the public URL, as the provider was told it, to the verification (whcli: --public-url)"
HEADER = "pass the header on as it was received"

CAUSES = (
    Cause("ok", "the signature holds"),
    # -- what the request lacks
    Cause(
        "header_missing",
        "the signature's header is missing",
        "look at what stands between: proxies and gateways drop headers they do not know",
    ),
    Cause(
        "signature_missing",
        "the body holds no signature where this scheme has it",
        "check that the sender signs, and that the body arrived whole",
    ),
    Cause("header_malformed", "the signature's header cannot be read", HEADER),
    Cause("companion_missing", "a header that is part of what is signed is missing", HEADER),
    Cause("timestamp_missing", "the signed timestamp is missing", HEADER),
    Cause("timestamp_malformed", "the signed timestamp cannot be read", HEADER),
    Cause("body_malformed", "the body is not what this scheme signs", RAW),
    Cause("body_mismatch", "the signature holds, but the body is not the one that it names", RAW, raw_body=True),
    Cause("body_unsigned", "the signature holds, but it does not cover the body", "sign the body, or its digest, too"),
    Cause(
        "claim_mismatch",
        "the token holds, but it was made for another receiver",
        "compare its claims with the settings",
    ),
    # -- the clock
    Cause(
        "timestamp_too_old",
        "the signature matches, but its timestamp is too old",
        "check the receiver's clock; an old capture is sent again with `whcli replay`, which signs it afresh",
    ),
    Cause(
        "timestamp_ahead",
        "the signature matches, but its timestamp lies in the future",
        "set the receiver's clock by NTP, and check that the sender writes UTC",
    ),
    Cause(
        "timestamp_unit",
        "the timestamp has another unit than the scheme's",
        "write the timestamp in the scheme's unit",
    ),
    Cause(
        "timestamp_not_signed",
        "the timestamp in the request is not the one that was signed",
        "send the very text of the timestamp that was signed",
    ),
    # -- the secret
    Cause("no_secret", "no secret for this scheme is known", "set one: --secret env:NAME, or [secrets] in whcli.toml"),
    Cause("secret_malformed", "the secret does not have this scheme's form", COPY),
    Cause(
        "wrong_secret",
        "it was signed with another of the known secrets",
        "use that secret for this endpoint; each endpoint has its own",
    ),
    Cause(
        "secret_other_mode",
        "live and test are mixed up, it was signed with the secret of the other mode",
        "use the secret of the mode the event comes from; live, test and CLI each have their own",
    ),
    Cause(
        "secret_rotated",
        "several signatures are listed, and one of them is that of an old secret",
        "put the new secret first and keep the old one until the provider stops signing with it",
    ),
    Cause(
        "secret_is_base64",
        "it was signed with the decoded secret, which is base64 and not text",
        "decode the secret from base64 before it is used as key",
    ),
    Cause(
        "secret_is_hex",
        "it was signed with the decoded secret, which is hexadecimal and not text",
        "decode the secret from hexadecimal before it is used as key",
    ),
    Cause(
        "secret_is_text",
        "it was signed with the secret's text, not with what it decodes to",
        "use the secret's characters as key, without decoding them",
    ),
    Cause("secret_whitespace", "the secret has white space or a newline too much or too few", COPY),
    Cause("secret_quoted", "the secret has quotes around it that are not part of it", COPY),
    Cause("secret_with_name", "the secret is a whole line NAME=value", COPY),
    Cause("secret_list", "several secrets stand in one", "give each secret by itself: --secret is repeatable"),
    Cause("secret_encoding", "the secret's file has a byte order mark or is UTF-16", "save the file as plain UTF-8"),
    Cause("secret_escaped", "the secret has escapes in it that were not undone", COPY),
    Cause("secret_prefix", "the secret's prefix is missing, or is not part of the key", COPY),
    Cause("secret_case", "the secret's letters have the wrong case", COPY),
    Cause(
        "secret_unset",
        "it was signed with an empty secret, because the sender has none set",
        "set the secret where the sender runs",
    ),
    # -- the body
    Cause("body_reserialised", "the JSON body was parsed and printed again after it was signed", RAW, raw_body=True),
    Cause("newline_added", "a newline was added to the body after it was signed", RAW, raw_body=True),
    Cause("newline_removed", "the body's final newline was removed after it was signed", RAW, raw_body=True),
    Cause("line_ends_changed", "the body's line ends were changed after it was signed", RAW, raw_body=True),
    Cause("space_changed", "white space around the body was changed after it was signed", RAW, raw_body=True),
    Cause("bom_added", "a byte order mark was added to the body after it was signed", RAW, raw_body=True),
    Cause("bom_removed", "the body's byte order mark was removed after it was signed", RAW, raw_body=True),
    Cause("charset_changed", "the body was read and written in different character sets", RAW, raw_body=True),
    Cause(
        "gzip_not_undone",
        "the body is still compressed, but it was signed before compression",
        "decompress the body (Content-Encoding) before verifying",
    ),
    Cause(
        "gzip_undone",
        "the body was decompressed, but it was signed as compressed",
        "verify the bytes as they came over the wire, before decompression",
        raw_body=True,
    ),
    Cause("body_quoted", "the body became one JSON string after it was signed", RAW, raw_body=True),
    Cause("body_unquoted", "the body was signed as one JSON string, and unwrapped after that", RAW, raw_body=True),
    Cause(
        "body_base64",
        "the body is in base64, but it was signed before that",
        "decode the body first (AWS Lambda: isBase64Encoded)",
    ),
    Cause("body_base64_decoded", "the body was decoded from base64, but it was signed as base64", RAW, raw_body=True),
    Cause("body_stringified", "the body is a language's own text for an object or for bytes", RAW, raw_body=True),
    Cause(
        "body_wrapped",
        "the signed body is one member of the JSON in hand",
        "verify the provider's own body, not what a relay, queue or gateway wraps around it",
    ),
    Cause("body_part", "only one member of the JSON was hashed, but all of it was signed", RAW, raw_body=True),
    Cause(
        "form_wrapped",
        "only a field of the form was signed, but the whole form was hashed",
        "verify the decoded text of that field",
    ),
    Cause("form_unwrapped", "the whole form was signed, but only its field was hashed", RAW, raw_body=True),
    Cause("form_became_json", "a form was signed, and it became JSON after that", RAW, raw_body=True),
    Cause("json_became_form", "JSON was signed, and it became a form after that", RAW, raw_body=True),
    Cause("form_reencoded", "the form was decoded and encoded again after it was signed", RAW, raw_body=True),
    Cause(
        "body_empty",
        "an empty body was hashed in place of the body",
        "read the stream once and keep its bytes: something had read it before it was hashed",
        raw_body=True,
    ),
    Cause("body_truncated", "only the beginning of the body was hashed", RAW, raw_body=True),
    Cause(
        "body_length",
        "the body is not as long as its Content-Length says, so it was changed on the way",
        RAW,
        raw_body=True,
    ),
    Cause("body_differs", "the application hashed other bytes than were sent", RAW, raw_body=True),
    Cause(
        "body_same",
        "the application hashed the very bytes that were sent, and their signature holds",
        "compare the secret, the header and the signed content in the application",
    ),
    Cause(
        "body_restored",
        "the bytes that the application hashed match the signature, those in hand do not",
        "look at what changed the body on the way to this capture",
    ),
    # -- what is signed beside the body
    Cause("content_incomplete", "a part is missing from what was signed", "sign all parts that the scheme signs"),
    Cause("content_separator", "the signed parts were joined with another separator", "join them as the scheme does"),
    Cause("content_order", "the signed parts were joined in another order", "join them as the scheme does"),
    Cause("other_algorithm", "it was signed with another algorithm", "use the scheme's algorithm"),
    # -- the header
    Cause("header_renamed", "the headers were renamed on the way", "look up headers without regard to case and `_`"),
    Cause(
        "other_scheme",
        "it was signed by another scheme",
        "verify it with the scheme whose header it carries (--scheme)",
    ),
    Cause("signature_label", "the signature's label is missing or another one", "write the header as the scheme does"),
    Cause("signature_upper_case", "the signature is in upper case", "write hexadecimal digits in lower case"),
    Cause(
        "signature_encoding",
        "the signature is written in another encoding than the scheme's",
        "write it as the scheme does: hexadecimal and base64 are mixed up",
    ),
    Cause(
        "signature_truncated", "the signature is cut off", "check the length of header, column or variable it passed"
    ),
    Cause("signature_space", "the signature has white space in it", HEADER),
    Cause("signature_quoted", "the signature has quotes around it", HEADER),
    Cause("signature_escaped", "the signature was percent-encoded or decoded on the way", HEADER),
    Cause("signatures_joined", "several signatures were joined into one header line", "try each signature by itself"),
    # -- the URL
    Cause("url_scheme", "the URL that was signed has the other of http and https", PROXY),
    Cause("url_port", "the URL that was signed has another port, or none", PROXY),
    Cause("url_host", "the URL that was signed has another host", PROXY),
    Cause("url_behind_proxy", "the URL that was signed is the one in front of the proxy", PROXY),
    Cause("url_slash", "the URL that was signed differs in the slash at the end of its path", PROXY),
    Cause("url_path", "the URL that was signed has another path", PROXY),
    Cause("url_query", "the URL that was signed has another query", PROXY),
    Cause("url_credentials", "the URL was signed without its user and password", PROXY),
    Cause("url_changed", "the URL that was signed is spelled otherwise", PROXY),
    # -- nothing found
    Cause(
        "no_match",
        "no cause found: the secret is most likely wrong",
        "copy the secret of this very endpoint from the provider's page",
    ),
)

BY_CODE = {cause.code: cause for cause in CAUSES}

REASONS: dict[str, str] = {cause.code: cause.sentence for cause in CAUSES}
"""Every reason code of `whcli verify`, with a sentence."""

FIXES = (
    ("Express", "app.post('/hook', express.raw({ type: '*/*' }), handler)  // before express.json(); hash req.body"),
    (
        "Next.js",
        "const body = await req.text()  // app router; in pages/api: config = { api: { bodyParser: false } }",
    ),
    ("Flask", "body = request.get_data()  # before request.json or request.form"),
    ("Django", "body = request.body  # before request.POST"),
    ("FastAPI", "body = await request.body()  # take Request, not a model"),
    ("Rails", "body = request.raw_post  # not params"),
    ("Laravel", "$body = $request->getContent();  // not $request->all()"),
    ("Spring", "handler(@RequestBody byte[] body)  // not a class, and not String"),
)
"""How each framework gives the raw bytes: one line each."""
