"""How programs and systems are told to trust one more certificate authority, and how to stop it: a table.

Tried with a listener's own authority: curl, Node.js, Python, Go, Java and keytool. The others are as their manual pages
have them: update-ca-certificates(8), trust(1), security(1), certutil. A file named by SSL_CERT_FILE takes the place of
all other authorities (docs.openssl.org: SSL_CTX_load_verify_locations; pkg.go.dev/crypto/x509).
"""

from __future__ import annotations

import shlex
from typing import NamedTuple


class Way(NamedTuple):
    """One program or system; `{ca}` stands for the authority's file, `{url}` for where the listener is."""

    who: str
    trust: str
    undo: str = ""  # nothing to undo: it holds for one command
    note: str = ""


ALONE = "trusts this authority alone"
WAYS = (
    Way("curl", "curl --cacert {ca} {url}"),
    Way("Node.js", "NODE_EXTRA_CA_CERTS={ca} node app.js"),
    Way("Python", "SSL_CERT_FILE={ca} python app.py", note=ALONE),
    Way("requests", "REQUESTS_CA_BUNDLE={ca} python app.py", note=ALONE),
    Way("Go, Ruby", "SSL_CERT_FILE={ca} ./app", note=ALONE),
    Way(
        "Java",
        "keytool -importcert -noprompt -trustcacerts -alias whcli -file {ca} -cacerts -storepass changeit",
        "keytool -delete -alias whcli -cacerts -storepass changeit",
    ),
    Way(
        "Debian, Ubuntu, Alpine",
        "sudo cp {ca} /usr/local/share/ca-certificates/whcli.crt && sudo update-ca-certificates",
        "sudo rm /usr/local/share/ca-certificates/whcli.crt && sudo update-ca-certificates --fresh",
    ),
    Way("Fedora, RHEL, Arch", "sudo trust anchor {ca}", "sudo trust anchor --remove {ca}"),
    Way(
        "macOS",
        "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {ca}",
        "security remove-trusted-cert {ca}",
    ),
    Way("Windows", "certutil -user -addstore Root {ca}", 'certutil -user -delstore Root "{name}"'),
    Way(
        "Firefox",
        "Settings, Certificates, Authorities, Import: {ca}",
        "Settings, Certificates, Authorities, Delete: {name}",
    ),
)


def written(way: Way, *, undo: bool, ca: str, url: str, name: str) -> str:
    """The line to type, or to undo it."""
    return (way.undo if undo else way.trust).format(ca=shlex.quote(ca), url=shlex.quote(url), name=name)
