"""A listener on 127.0.0.1 that takes one request from each connection (RFC 8252, section 7.3).

It has no thread: what has come of a request is kept until it is whole, so that a client that is slow, silent or gone
keeps nobody else waiting. Whoever would fill it up drives out those that have waited longest.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType

from authkit.pages import Page

__all__ = ["HOST", "Listener", "Visit"]

HOST = "127.0.0.1"
"""This machine alone; ``localhost`` may be another address (RFC 8252, section 8.3)."""
MOST_CLIENTS = 50
MAX_HEAD = 65_536
CHUNK = 65_536
POLL = 0.5
"""Seconds between two looks at the clock: Windows sees no Ctrl-C while a program waits for sockets."""
SEND_TIMEOUT = 2.0
REQUEST_LINE = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]\r?\n")
END_OF_HEAD = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One request. Nothing of it is logged: the address of a callback holds a code.

    Attributes:
        method: such as ``GET``; "" for what is no HTTP/1 request, or too long.
        target: the path with the query, as it came.
    """

    method: str
    target: str = field(repr=False)
    _connection: socket.socket = field(repr=False)

    def answer(self, page: Page) -> None:
        """Send `page`, and nothing after it."""
        body = page.html.encode("utf-8")
        lines = [
            f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}",
            *(f"{name}: {value}" for name, value in page.headers.items()),
            "Content-Type: text/html; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        head = "\r\n".join([*lines, "", ""]).encode("ascii")
        with suppress(OSError):  # it has gone, or does not read
            self._connection.settimeout(SEND_TIMEOUT)
            self._connection.sendall(head if self.method == "HEAD" else head + body)
            self._connection.shutdown(socket.SHUT_WR)


@dataclass(slots=True, eq=False)
class _Client:
    connection: socket.socket
    head: bytearray = field(default_factory=bytearray)
    is_heard: bool = False


class Listener:
    """Listens on a port that was free, from when it is made until the end of its ``with`` block.

    Attributes:
        port: the port.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._clients: dict[_Client, None] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        for client in self._clients:
            client.connection.close()
        self._selector.close()

    def visits(self, seconds: float) -> Iterator[Visit]:
        """Yield every request that comes within `seconds`."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            yield from self._look(min(left, POLL))

    def waiting(self) -> Iterator[Visit]:
        """Yield the requests that are here already."""
        for _ in range(2):  # the first look lets in who knocks, the second reads what they sent
            yield from self._look(0)

    def _look(self, seconds: float) -> Iterator[Visit]:
        found = [key.data for key, _ in self._selector.select(seconds)]
        for client in filter(None, found):
            if visit := self._read(client):
                yield visit
        if None in found:  # only now: whom it drives out has been heard
            self._let_in()

    def _let_in(self) -> None:
        with suppress(OSError):  # nobody else knocks, or too many files are open
            for _ in range(MOST_CLIENTS):
                connection, _ = self._socket.accept()
                connection.setblocking(False)
                if len(self._clients) >= MOST_CLIENTS:
                    self._drop(next(iter(self._clients)))
                client = _Client(connection)
                self._clients[client] = None
                self._selector.register(connection, selectors.EVENT_READ, client)

    def _read(self, client: _Client) -> Visit | None:
        """Return the request of `client` if it is whole now; what comes after it is thrown away.

        The connection stays open until the client closes it: closed with something unread, it would be reset, and
        the client would not see its answer (RFC 9112, section 9.6).
        """
        try:
            came = client.connection.recv(CHUNK)
        except OSError:
            came = b""
        if not came:
            self._drop(client)
        elif not client.is_heard:
            seen = max(0, len(client.head) - 2)
            client.head += came
            client.is_heard = len(client.head) > MAX_HEAD or END_OF_HEAD.search(client.head, seen) is not None
            if client.is_heard:
                return self._understood(client)
        return None

    @staticmethod
    def _understood(client: _Client) -> Visit:
        line = REQUEST_LINE.match(client.head) if len(client.head) <= MAX_HEAD else None
        method, target = (part.decode("ascii") for part in line.groups()) if line else ("", "")
        return Visit(method, target, client.connection)

    def _drop(self, client: _Client) -> None:
        del self._clients[client]
        self._selector.unregister(client.connection)
        client.connection.close()
