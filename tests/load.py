"""Sixteen senders at once, who remember what was acknowledged."""

from __future__ import annotations

import socket
import threading

CONNECTIONS = 16
ACKS_FIRST = """
from whcli.hands.listening.writer import Writer
from whcli.words.event import Reply

put = Writer.put

def early(self, arrival, respond):
    respond(Reply(status=200))
    put(self, arrival, lambda reply: None)

Writer.put = early
"""
"""A listener that answers before it commits, as its `sitecustomize`: what the checks of durability must catch."""


class Load:
    """Sixteen senders on keep-alive connections, each event with a name of its own; `acked` are those that got 2xx."""

    def __init__(self, port: int, run: int) -> None:
        self._port = port
        self._run = run
        self._lock = threading.Lock()
        self.acked: list[bytes] = []
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(CONNECTIONS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()

    def _send(self, sender: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
                for n in range(100_000):
                    name = b"%d-%d-%d" % (self._run, sender, n)
                    body = name * 20
                    head = b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (name, len(body))
                    connection.sendall(head + body)
                    if not self._answered(connection):
                        return
                    with self._lock:
                        self.acked.append(name)
        except OSError:  # the listener has been killed
            return

    def _answered(self, connection: socket.socket) -> bool:
        got = b""
        while b"\r\n\r\n" not in got:
            part = connection.recv(4096)
            if not part:
                return False
            got += part
        return got.startswith(b"HTTP/1.1 2")
