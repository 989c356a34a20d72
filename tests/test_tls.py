"""HTTPS: the store's own authority and certificate, one's own, both doors at once, and what goes wrong at them."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.hostile.requests import HELLO, field
from tests.program import Listening, environment, listening, until, whcli
from tests.wire import Wire, post
from whcli.hands.certificates import AUTHORITY_LIFE, FOLDER, described, own
from whcli.hands.storing.store import Store
from whcli.hands.vouching import constraints
from whcli.rules.trusting import WAYS, written
from whcli.words.errors import WrongUsage

NOW = 1_800_000_000.0
DAY = 86_400.0


def trusting(folder: Path) -> ssl.SSLContext:
    """A sender that trusts the store's authority and nobody else, and is strict (RFC 5280)."""
    context = ssl.create_default_context(cafile=str(folder / ".whcli" / "tls" / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


class SecureWire(Wire):
    """A connection by TLS; `name` is whom the sender means to reach."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str = "localhost", host: str = "127.0.0.1") -> None:
        super().__init__(port, host)
        self.socket = context.wrap_socket(self.socket, server_hostname=name)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Listening]]:
    folder = tmp_path_factory.mktemp("secure")
    with listening("--tls", "--json", folder=folder) as listener:
        yield folder, listener


@pytest.mark.parametrize(
    ("name", "host"),
    [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("host.docker.internal", "127.0.0.1")],
)
def test_every_way_to_name_this_machine_is_in_the_certificate(
    secure: tuple[Path, Listening], name: str, host: str
) -> None:
    folder, listener = secure
    with SecureWire(listener.port, trusting(folder), name, host) as wire:
        assert wire.send(post(b"by TLS")).response().status == 200
        assert wire.send(post(b"twice")).response().status == 200
        assert isinstance(wire.socket, ssl.SSLSocket)
        assert wire.socket.version() in ("TLSv1.2", "TLSv1.3")


def test_the_ready_object_says_https(secure: tuple[Path, Listening]) -> None:
    _, listener = secure
    assert listener.ready["urls"] == [f"https://127.0.0.1:{listener.port}", f"https://[::1]:{listener.port}"]


@pytest.mark.parametrize("size", [0, 65_537, 3_000_001])
def test_bodies_are_exact(secure: tuple[Path, Listening], size: int) -> None:
    folder, listener = secure
    body = os.urandom(size)
    with SecureWire(listener.port, trusting(folder)) as wire:
        assert wire.send(post(body)).response().status == 200
    with Store(folder / ".whcli") as store:
        event = store.event(store.last_id())
    assert event is not None and event.body == body


def test_a_body_over_the_limit_gets_its_413_while_it_is_still_being_sent(secure: tuple[Path, Listening]) -> None:
    folder, listener = secure
    with SecureWire(listener.port, trusting(folder)) as wire:
        wire.send(field(b"Content-Length: 26214401"))
        for _ in range(20):
            wire.send(bytes(100_000))
        assert wire.response().status == 413


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl_trusts_it_as_tls_trust_says(secure: tuple[Path, Listening]) -> None:
    folder, listener = secure
    shown = whcli("tls", "trust", "--json", folder=folder).lines[0]
    command = next(way["type"] for way in shown["ways"] if way["who"] == "curl")
    assert command.endswith(listener.url)
    done = subprocess.run(
        ["sh", "-c", command + " --silent --show-error --data-binary {} --write-out '%{http_code}'"],
        capture_output=True,
        env=environment(),
        timeout=20,
    )
    assert (done.stdout, done.stderr) == (b"200", b"")
    plain = subprocess.run(["curl", "--silent", listener.url], env=environment(), timeout=20)
    assert plain.returncode == 60  # curl(1): the peer's certificate cannot be authenticated


def test_python_trusts_it_as_tls_trust_says(secure: tuple[Path, Listening]) -> None:
    folder, listener = secure
    context = ssl.create_default_context(cafile=str(folder / ".whcli" / "tls" / "ca.pem"))
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({}))
    with opener.open(f"https://localhost:{listener.port}/python", data=b"{}", timeout=20) as answer:
        assert answer.status == 200


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not here")
def test_node_trusts_it_as_tls_trust_says(secure: tuple[Path, Listening]) -> None:
    folder, listener = secure
    script = (
        f"fetch('https://localhost:{listener.port}/node',{{method:'POST',body:'x'}}).then(r=>console.log(r.status))"
    )
    extra = {"NODE_EXTRA_CA_CERTS": str(folder / ".whcli" / "tls" / "ca.pem")}
    done = subprocess.run(["node", "-e", script], capture_output=True, env=environment(extra), timeout=60)
    assert done.stdout == b"200\n", done.stderr


# Both doors at once, and the wrong door.


def test_http_and_https_at_once_and_each_wrong_door_is_named(tmp_path: Path) -> None:
    with listening("--tls-port", "0", "--json", folder=tmp_path) as listener:
        urls = listener.ready["urls"]
        assert [url.partition(":")[0] for url in urls] == ["http", "http", "https", "https"]
        tls_port = int(urls[2].rpartition(":")[2])
        with Wire(listener.port) as wire:
            assert wire.send(post(b"plain")).response().status == 200
        with SecureWire(tls_port, trusting(tmp_path)) as wire:
            assert wire.send(post(b"secure")).response().status == 200
        with Wire(listener.port) as wire:
            assert (
                wire.send(HELLO).response().body == b"TLS on the plain port: use http:// here, or whcli listen --tls\n"
            )
        with Wire(tls_port) as wire:
            wire.send(post())
            wire.rest()
        with pytest.raises(ssl.SSLCertVerificationError):
            SecureWire(tls_port, ssl.create_default_context())
        with Wire(tls_port) as wire:
            wire.send(b"\x16\x03\x01\x00\x05nonsense")
            wire.rest()
        done = listener.end()
    assert done.code == 0 and "Traceback" not in done.err
    reasons = [each["reason"] for each in done.lines if each["schema"] == "whcli.refusal/1"]
    assert reasons[:3] == [
        "TLS on the plain port: use http:// here, or whcli listen --tls",
        "plain HTTP on the TLS port: use https:// here",
        "the sender does not trust our certificate; how it can: whcli tls trust",
    ]
    assert len(reasons) == 4
    assert [each["target"] for each in done.lines if each["schema"] == "whcli.event/1"] == ["/hook", "/hook"]


def test_a_silent_tls_client_is_cut_off_and_others_are_served(tmp_path: Path) -> None:
    with listening("--tls", "--head-timeout", "300ms", "--json", folder=tmp_path) as listener:
        silent = [Wire(listener.port) for _ in range(20)]
        with SecureWire(listener.port, trusting(tmp_path)) as wire:
            assert wire.send(post()).response().status == 200
        for each in silent:
            each.rest()
            each.close()
        done = listener.end()
    assert [each["reason"] for each in done.lines if "reason" in each] == ["the TLS handshake took too long"] * 20


def test_more_silent_connections_than_the_limit_keep_nobody_out_for_long(tmp_path: Path) -> None:
    flags = ("--tls", "--head-timeout", "300ms", "--max-connections", "5")
    with listening(*flags, folder=tmp_path) as listener:
        silent = [Wire(listener.port) for _ in range(30)]
        with SecureWire(listener.port, trusting(tmp_path)) as wire:
            assert wire.send(post()).response().status == 200
        for each in silent:
            each.close()


def test_the_end_waits_for_no_handshake(tmp_path: Path) -> None:
    with listening("--tls", folder=tmp_path) as listener, Wire(listener.port) as silent:
        assert silent.silent(0.1)
        started = time.monotonic()
        done = listener.end()
    assert done.code == 0 and "Traceback" not in done.err
    assert time.monotonic() - started < 5


# One's own certificate, and what cannot be one.


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files made by openssl: a certificate, its key, that key encrypted, another key, both in one."""
    folder = tmp_path_factory.mktemp("given")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=own"
    openssl(*request.split(), "-addext", "subjectAltName=DNS:hooks.example.com")
    openssl("rsa", "-aes128", "-in", "key.pem", "-out", "locked.pem", "-passout", "pass:secret")
    openssl("genrsa", "-out", "other.pem", "2048")
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    (folder / "nonsense.pem").write_text("nonsense")
    return folder


@pytest.mark.parametrize("flags", [("cert.pem", "key.pem"), ("both.pem",)], ids=["two files", "one file"])
def test_ones_own_certificate_is_shown(tmp_path: Path, given: Path, flags: tuple[str, ...]) -> None:
    pair = [part for name, file in zip(("--cert", "--key"), flags, strict=False) for part in (name, str(given / file))]
    with listening("--tls", *pair, folder=tmp_path) as listener:
        context = ssl.create_default_context(cafile=str(given / "cert.pem"))
        with SecureWire(listener.port, context, "hooks.example.com") as wire:
            assert wire.send(post()).response().status == 200
    assert not (tmp_path / ".whcli" / "tls").exists()


def test_the_file_says_the_same_as_the_flags(tmp_path: Path, given: Path) -> None:
    for file in ("cert.pem", "key.pem"):
        shutil.copy(given / file, tmp_path)
    (tmp_path / "whcli.toml").write_text('[listen]\ntls = true\ncert = "cert.pem"\nkey = "key.pem"\n')
    (inner := tmp_path / "inner").mkdir()
    with listening(folder=inner) as listener:
        assert listener.url.startswith("https://")


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "an encrypted key": (("--tls", "--cert", "cert.pem", "--key", "locked.pem"), "the key is encrypted"),
    "another key": (("--tls", "--cert", "cert.pem", "--key", "other.pem"), "the key belongs to another certificate"),
    "no certificate": (("--tls", "--cert", "nonsense.pem"), "cannot be used"),
    "no file": (("--tls", "--cert", "missing.pem"), "no such file"),
    "no key": (("--tls", "--cert", "cert.pem"), "cannot be used"),
    "a key alone": (("--tls", "--key", "key.pem"), "--key needs its certificate"),
    "no HTTPS": (("--cert", "both.pem"), "--cert and --key are for HTTPS"),
    "both ways to say it": (("--tls", "--tls-port", "0"), "--tls makes --port the port of HTTPS"),
    "a host of somebody else": (("--tls", "--host", "hooks.example.com"), "not for hooks.example.com"),
}


@pytest.mark.parametrize(("flags", "says"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_one_sentence_and_exit_2(
    tmp_path: Path, given: Path, flags: tuple[str, ...], says: str
) -> None:
    full = [str(given / flag) if flag.endswith(".pem") else flag for flag in flags]
    done = whcli("listen", "--port", "0", "--timeout", "1", *full, folder=tmp_path)
    assert (done.code, done.err.count("\n")) == (2, 2), done.err
    assert says in done.err


# The certificates themselves.


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path


def bytes_in(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (store / FOLDER).iterdir()}


def test_they_are_the_owners_alone_and_kept(store: Path) -> None:
    before = os.umask(0)
    try:
        assert own(store, [], NOW).new_authority
    finally:
        os.umask(before)
    files = bytes_in(store)
    assert set(files) == {"ca.pem", "ca.key", "server.pem", "server.key"}
    modes = {path.stat().st_mode & 0o777 for path in (store / FOLDER).iterdir()}
    assert (modes, (store / FOLDER).stat().st_mode & 0o777) == ({0o600}, 0o700)
    assert not own(store, [], NOW + 300 * DAY).new_authority
    assert bytes_in(store) == files


def changed(store: Path, before: dict[str, bytes]) -> set[str]:
    return {name for name, data in bytes_in(store).items() if before.get(name) != data}


LEAF, ALL = {"server.pem", "server.key"}, {"server.pem", "server.key", "ca.pem", "ca.key"}
RENEWED: dict[str, tuple[Callable[[Path], object], float, set[str]]] = {
    "it ends in a month": (lambda folder: None, 368, LEAF),
    "it has ended": (lambda folder: None, 800, LEAF),
    "the authority ends in a month": (lambda folder: None, AUTHORITY_LIFE.days - 29, ALL),
    "its clock is from the future": (lambda folder: None, -5, LEAF),
    "its file is damaged": (lambda folder: (folder / "server.pem").write_text("nonsense"), 0, LEAF),
    "its key is gone": (lambda folder: (folder / "server.key").unlink(), 0, LEAF),
    "its key is another's": (lambda folder: shutil.copy(folder / "ca.key", folder / "server.key"), 0, LEAF),
    "the authority is damaged": (lambda folder: (folder / "ca.pem").write_text(""), 0, ALL),
    "the authority's key is gone": (lambda folder: (folder / "ca.key").unlink(), 0, ALL),
    "others could read the authority's key": (lambda folder: (folder / "ca.key").chmod(0o644), 0, ALL),
    "a half-written file lies about": (lambda folder: (folder / "server.pem.part").write_text("x"), 0, set()),
}


@pytest.mark.parametrize(("damage", "days", "made"), RENEWED.values(), ids=RENEWED)
def test_what_cannot_serve_any_more_is_made_anew(
    store: Path, damage: Callable[[Path], object], days: float, made: set[str]
) -> None:
    own(store, [], NOW)
    before = bytes_in(store)
    damage(store / FOLDER)
    assert own(store, [], NOW + days * DAY).new_authority is (made == ALL)
    (store / FOLDER / "server.pem.part").unlink(missing_ok=True)
    assert changed(store, before) == made


def planted(folder: Path, *, limits: x509.NameConstraints | None, basic: x509.BasicConstraints) -> bytes:
    """Put an authority of somebody else's, with its key, in the place of the store's; its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "whcli on somewhere")])
    at = datetime.fromtimestamp(NOW, UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, at, at + timedelta(days=3000))
    builder = builder.add_extension(basic, critical=True)
    builder = builder.add_extension(limits, critical=True) if limits else builder
    certificate = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    (folder / "ca.pem").write_bytes(certificate)
    (folder / "ca.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate


PLANTED = {
    "it may vouch for anybody": (None, 0),
    "it may vouch for one public site too": (
        x509.NameConstraints([*(constraints().permitted_subtrees or ()), x509.DNSName("example.com")], None),
        0,
    ),
    "it may make authorities": (constraints(), None),
}


@pytest.mark.parametrize(("limits", "length"), PLANTED.values(), ids=PLANTED)
def test_an_authority_that_is_not_held_to_this_machine_is_neither_used_nor_shown(
    store: Path, limits: x509.NameConstraints | None, length: int | None
) -> None:
    own(store, [], NOW)
    theirs = planted(store / FOLDER, limits=limits, basic=x509.BasicConstraints(ca=True, path_length=length))
    assert described(store) is None
    for command in ("trust", "info"):
        done = whcli("tls", command, "--store", str(store), folder=store)
        assert done.code == 3 and "no certificates" in done.err and done.out == ""
    assert own(store, [], NOW).new_authority
    assert (store / FOLDER / "ca.pem").read_bytes() != theirs and described(store) is not None


def test_another_host_is_added_by_a_new_certificate(store: Path) -> None:
    own(store, [], NOW)
    before = bytes_in(store)
    own(store, ["192.168.1.5", "box.lan"], NOW)
    assert changed(store, before) == LEAF
    found = described(store)
    assert found is not None and {"192.168.1.5", "box.lan", "localhost", "127.0.0.1"} <= set(found[1].names)


@pytest.mark.parametrize(
    "host", ["example.com", "8.8.8.8", "2001:4860:4860::8888", "localhost.example.com", "xlocalhost"]
)
def test_a_public_host_is_refused_before_anything_is_made(store: Path, host: str) -> None:
    with pytest.raises(WrongUsage, match="is for this machine and private networks"):
        own(store, [host], NOW)
    assert not (store / FOLDER).exists()


def test_nobody_believes_the_authority_about_a_public_name(store: Path) -> None:
    """Whoever gets at its key cannot pose as a site on the Internet: checked by OpenSSL, against its own leaf."""
    from whcli.hands import certificates

    own(store, [], time.time())
    certificate = certificates._read(store / FOLDER / "ca.pem")
    key = certificates._read_key(store / FOLDER / "ca.key")
    assert certificate is not None and key is not None
    at = datetime.fromtimestamp(time.time(), UTC)
    for names, believed in ((["localhost"], True), (["www.example.com"], False), (["8.8.8.8"], False)):
        certificates._make_server(store / FOLDER, certificate, key, names, at)
        assert handshake(store / FOLDER, names[0]) is believed


def handshake(folder: Path, name: str) -> bool:
    """Whether a client that trusts the authority accepts the certificate for that name; no socket is opened."""
    client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True


def test_the_certificate_is_one_that_apple_takes(store: Path) -> None:
    """support.apple.com/103769: 825 days at most, serverAuth, names in the SAN, SHA-256."""
    own(store, [], NOW)
    leaf = x509.load_pem_x509_certificate((store / FOLDER / "server.pem").read_bytes())
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 825
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.oid.ExtendedKeyUsageOID.SERVER_AUTH in usage
    assert leaf.signature_hash_algorithm is not None and leaf.signature_hash_algorithm.name == "sha256"


# The command.


def test_info_and_trust_say_where_there_is_nothing(tmp_path: Path) -> None:
    for name in ("info", "trust"):
        done = whcli("tls", name, folder=tmp_path)
        assert (done.code, "next: whcli listen --tls" in done.err) == (3, True)


def test_info_shows_names_dates_and_fingerprints(secure: tuple[Path, Listening]) -> None:
    folder, _ = secure
    text = whcli("tls", folder=folder).out
    assert "localhost, host.docker.internal, 127.0.0.1, ::1" in text
    record: dict[str, Any] = whcli("tls", "info", "--json", folder=folder).lines[0]
    assert record["certificate"]["sha256"] in text and record["authority"]["names"] == []
    leaf = x509.load_pem_x509_certificate(Path(record["certificate"]["path"]).read_bytes())
    assert record["certificate"]["until"][:10] == leaf.not_valid_after_utc.strftime("%Y-%m-%d")


def test_trust_names_every_platform_and_quotes_the_path(tmp_path: Path) -> None:
    (folder := tmp_path / "a folder").mkdir()
    own(folder, [], time.time())
    done = whcli("tls", "trust", "--store", str(folder), folder=tmp_path)
    for who in ("curl", "Node.js", "Python", "Java", "Debian", "macOS", "Windows"):
        assert who in done.out
    assert f"curl --cacert '{folder}/tls/ca.pem' https://localhost:8765" in done.out
    undo = whcli("tls", "trust", "--undo", "--store", str(folder), folder=tmp_path).out
    assert "keytool -delete" in undo and "curl" not in undo


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.who)
def test_every_way_can_be_written(way: Any) -> None:
    for undo in (False, True):
        text = written(way, undo=undo, ca="/a b/ca.pem", url="https://localhost:1", name="whcli on x")
        assert "{" not in text
        assert undo or "'/a b/ca.pem'" in text


@pytest.mark.skipif(shutil.which("keytool") is None, reason="keytool is not here")
def test_keytool_takes_the_authority(tmp_path: Path) -> None:
    own(tmp_path, [], time.time())
    way = next(way for way in WAYS if way.who == "Java")
    ca = str(tmp_path / FOLDER / "ca.pem")
    command = written(way, undo=False, ca=ca, url="", name="").replace("-cacerts", "-keystore trust.p12")
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_a_listener_without_tls_makes_no_keys_and_loads_no_cryptography(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        until(lambda: listener.port)
    assert not (tmp_path / ".whcli" / "tls").exists()
    code = "import sys; import whcli.commands.listen, whcli.commands.tls; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), timeout=20)
    assert done.stdout == "False\n"


def test_resets_inside_the_handshake_leave_no_traceback(tmp_path: Path) -> None:
    with listening("--tls", "--json", folder=tmp_path) as listener:
        for size in (0, 1, 5, 50, 150):
            for _ in range(4):
                wire = Wire(listener.port)
                with suppress(OSError):
                    wire.send(HELLO[:size])
                wire.reset()
        with SecureWire(listener.port, trusting(tmp_path)) as wire:
            assert wire.send(post()).response().status == 200
        done = listener.end()
    assert done.code == 0 and "Traceback" not in done.err and "exception" not in done.err
