"""A TCP server on the loopback interface that misbehaves in whatever way a test tells it to."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Peer:
    """One connection, as the server sees it."""

    def __init__(self, server: FaultyServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock

    def secure(self, context: ssl.SSLContext) -> None:
        """Do the TLS handshake, and speak within TLS from here on."""
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.server.socks.append(self.sock)
        self.server.handshakes += 1

    def read_request(self) -> bytes:
        """Read one request and note it; b"" when the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += (chunk := self.sock.recv(65536))
            if not chunk:
                return b""
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line.partition(b":")[2]):
                    body += self.sock.recv(65536)
        self.server.requests.append(head + b"\r\n\r\n" + body)
        return data

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte every 0.05 seconds, until the client or the test has had enough."""
        for byte in data:
            if self.server.stopping.wait(0.05):
                return
            self.sock.sendall(bytes([byte]))

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.server.stopping.wait(20)

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.sock.detach())


Handler = Callable[[Peer], None]


class FaultyServer:
    """Gives every connection to `handle`, after a TLS handshake if there is a `context`.

    Attributes:
        accepted: how many connections were made.
        requests: every request that was read, whole.
        handshakes: how many TLS handshakes came to a good end.
        socks: the connections, to be closed at the end.
    """

    def __init__(self, handle: Handler, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.handle = handle
        self.context = context
        self.accepted = 0
        self.handshakes = 0
        self.requests: list[bytes] = []
        self.stopping = threading.Event()
        self.socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"https://{self.host}/x"

    def __enter__(self) -> FaultyServer:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self.socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for sock in self.socks:
            sock.close()

    def settle(self, seconds: float = 0.1) -> None:
        """Let the connections end that are about to, so that nobody sends a request into one of them."""
        ends_at = time.monotonic() + seconds
        for thread in self._threads[1:]:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(10)
                self.accepted += 1
                self.socks.append(sock)
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        peer = Peer(self, sock)
        with suppress(OSError):
            if self.context is not None:
                peer.secure(self.context)
            self.handle(peer)
        with suppress(OSError):
            peer.sock.shutdown(socket.SHUT_RDWR)
        peer.sock.close()


def answering(answer: bytes) -> Handler:
    """Return a handler that gives the same answer to every request of a connection."""

    def handle(peer: Peer) -> None:
        while peer.read_request():
            peer.send(answer)

    return handle


def answering_once(answer: bytes) -> Handler:
    """Return a handler that answers the first request of a connection and ends it."""

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer)

    return handle
