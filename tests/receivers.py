"""Servers for the sending side: plain sockets that keep every byte they get and say whatever a test wants.

Nothing here knows HTTP beyond finding the end of a request, so nothing here can tidy up what was sent.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Talk = Callable[[socket.socket, bytes], bool | None]
"""What to do with a request: gets the connection and the request; the connection stays open when it gives True."""


def say(reply: bytes) -> Talk:
    """Answer every request with these bytes and keep the connection open."""

    def talk(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(reply)
        return True

    return talk


def say_and_close(reply: bytes) -> Talk:
    """Answer with these bytes, then close."""

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(reply)

    return talk


class Receiver:
    """A server on a free port; `requests` holds each request byte for byte, head and body."""

    def __init__(self, talk: Talk | bytes = OK, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.stray = b""  # bytes that never became a whole request
        self._talk = say(talk) if isinstance(talk, bytes) else talk
        self._tls = tls
        self._changed = threading.Condition()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, 0), family=family, backlog=128)
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for sock in (self._server, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def wait(self, count: int, seconds: float = 5.0) -> list[bytes]:
        """The requests, once there are `count` of them."""
        end = monotonic() + seconds
        with self._changed:
            while len(self.requests) < count and monotonic() < end:
                self._changed.wait(end - monotonic())
            assert len(self.requests) >= count, f"{len(self.requests)} of {count} requests came; rest: {self.stray!r}"
            return list(self.requests)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            stays, data = True, b""
            while stays:
                request, data = self._read(connection, data)
                if request is None:
                    self.stray += data
                    break
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                stays = bool(self._talk(connection, request))
        connection.close()

    @staticmethod
    def _read(connection: socket.socket, data: bytes) -> tuple[bytes | None, bytes]:
        """One request off the connection, by its Content-Length; None when the connection ends before."""
        wanted = None
        while wanted is None or len(data) < wanted:
            part = b"" if wanted is None and b"\r\n\r\n" in data else connection.recv(1 << 16)
            if not part and wanted is None and b"\r\n\r\n" in data:
                head = data[: data.index(b"\r\n\r\n") + 4]
                wanted = len(head) + length_of(head)
                continue
            if not part:
                return None, data
            data += part
        return data[:wanted], data[wanted:]


def length_of(head: bytes) -> int:
    """The Content-Length of a raw head; 0 without one."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def split(request: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    """A raw request into request line, header lines as (name, everything after the colon), and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    pairs = [field.partition(b":") for field in fields]
    return line, [(name, rest) for name, _, rest in pairs], body


def closed_port() -> int:
    """A port on which nobody listens, as good as certainly: it was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def certificate(folder: Path, *names: str) -> Path:
    """A PEM file with a new key and a certificate for these host names and addresses that signs itself."""
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's own certificate")])
    now = datetime.now(UTC)
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() or ":" in name else x509.DNSName(name)
        for name in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem
