"""One connection to a provider: bounded in every phase, and watched by the current deadline."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urllib3.util.ssltransport import SSLTransport
from urllib3.util.wait import wait_for_read

from authkit.answer import Answer, NoAnswerError
from authkit.deadline import Deadline
from authkit.proxy import Proxy, ProxyError
from authkit.resolver import Address, Resolver
from authkit.tls import Context

if TYPE_CHECKING:
    from _typeshed import HasFileno

__all__ = ["CannotConnectError", "ConnectTimeoutError", "Connection", "NameTimeoutError", "Ways"]

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0


class CannotConnectError(OSError):
    """No address took the connection."""


class ConnectTimeoutError(OSError):
    """No address took the connection in time."""


class NameTimeoutError(OSError):
    """The name look-up took too long."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What it takes to reach a provider: the same for all connections of a process.

    Attributes:
        resolver: looks names up.
        context: for TLS.
        proxy: what connections with TLS go through; None where they go straight.
    """

    resolver: Resolver
    context: Context
    proxy: Proxy | None = None


class Connection(http.client.HTTPConnection):
    """A connection that is bounded in every phase and watched by the current deadline.

    Args:
        host: the host; an IPv6 address stands without brackets.
        port: the port.
        ways: what it takes to get there.
        is_secure: whether there is TLS inside.
    """

    debuglevel = 0  # of our own: http.client prints the headers, secrets included, where an app sets it globally
    response_class = Answer

    def __init__(self, host: str, port: int, ways: Ways, *, is_secure: bool) -> None:
        super().__init__(host, port)
        self.default_port = http.client.HTTPS_PORT if is_secure else http.client.HTTP_PORT
        self._ways = ways
        self._is_secure = is_secure
        self._answer: Answer | None = None
        self._used_at = 0.0
        self._unsent: bytes | None = None

    @property
    def is_clean(self) -> bool:
        """Whether the connection is open, and the last answer ended where it should."""
        return self.sock is not None and self._answer is not None and self._answer.left_nothing

    @property
    def is_usable(self) -> bool:
        """Whether a connection that was kept may be used again.

        It may when nothing came since, and it was not idle so long that a router has forgotten it.
        """
        return time.monotonic() - self._used_at < IDLE_SECONDS and not wait_for_read(self.sock, 0.0)

    def ask(
        self,
        method: str,
        target: str,
        body: Any,
        headers: Mapping[str, str],
        connect_seconds: float | None,
        read_seconds: float | None,
    ) -> Answer:
        """Send a request, on a new connection unless there is one, and return the answer, its body unread.

        Raises:
            NoAnswerError: the connection ended before the first byte of an answer; ``kept`` tells whether an earlier
                request had used it.
        """
        kept = self.sock is not None
        if kept:
            _watch(self.sock)  # a new one is on watch since it was made
        else:
            self.timeout = connect_seconds
            self.connect()
        self.sock.settimeout(read_seconds)
        self._send_whole(method, target, body, headers)
        self._used_at = time.monotonic()
        sock = self.sock
        try:
            answer: Answer = self.getresponse()  # type: ignore[assignment]  # of the class above
        except NoAnswerError as error:
            error.kept = kept
            raise
        if not kept and isinstance(sock, ssl.SSLSocket):
            self._ways.context.keep(sock)
        self._answer = answer
        return answer

    def send(self, data: Any) -> None:
        """Hold what belongs to a request back until it is whole: it goes out in one piece, and not its head first."""
        if self._unsent is None:
            super().send(data)
        else:
            self._unsent += data

    def _send_whole(self, method: str, target: str, body: Any, headers: Mapping[str, str]) -> None:
        self._unsent = b""
        try:
            self.request(method, target, body, headers, encode_chunked="Transfer-Encoding" in headers)
        finally:
            request, self._unsent = self._unsent, None
        super().send(request)

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and shake hands where there is to be TLS."""
        if self._is_secure:
            sock = self._through_proxy(self._ways.proxy) if self._ways.proxy else self._reach(self.host, self.port)
            self.sock = self._secured(sock, self.host)
        else:
            self.sock = self._reach(self.host, self.port)

    def _through_proxy(self, proxy: Proxy) -> socket.socket:
        """Return a tunnel to the provider."""
        try:
            sock = self._reach(proxy.host, proxy.port)
            if proxy.is_secure:
                sock = self._secured(sock, proxy.host)
            with _closed_on_failure(sock):
                proxy.open_tunnel(sock, self.host, self.port)
        except (OSError, http.client.HTTPException) as error:
            raise ProxyError from error
        return sock

    def _secured(self, sock: socket.socket, host: str) -> Any:
        """Return `sock` with TLS inside; the proxy may have put it into TLS already."""
        with _closed_on_failure(sock):
            if isinstance(sock, ssl.SSLSocket):
                return SSLTransport(sock, self._ways.context, server_hostname=host)
            return self._ways.context.wrap_socket(sock, server_hostname=host)

    def _reach(self, host: str, port: int) -> socket.socket:
        """Connect to the first address that answers; each but the last gets half of the time that is left."""
        ends_at = time.monotonic() + (self.timeout or CONNECT_SECONDS)
        addresses = self._addresses(host, port, ends_at - time.monotonic())
        failure: OSError = CannotConnectError()
        for number, address in enumerate(addresses, 1):
            left = ends_at - time.monotonic()
            try:
                sock = self._connected(address, left if number == len(addresses) else left / 2)
            except TimeoutError:
                failure = ConnectTimeoutError()
            except OSError as error:
                failure = CannotConnectError()
                failure.__cause__ = error
            else:
                sys.audit("http.client.connect", self, host, port)
                sock.settimeout(max(0.001, ends_at - time.monotonic()))
                return sock
        raise failure

    def _addresses(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        deadline = Deadline.current()
        gives_up = (lambda: deadline.expired) if deadline else (lambda: False)
        try:
            return self._ways.resolver.resolve(host, port, seconds, gives_up)
        except TimeoutError:
            raise NameTimeoutError from None

    @staticmethod
    def _connected(address: Address, seconds: float) -> socket.socket:
        family, kind, protocol, _, place = address
        sock = socket.socket(family, kind, protocol)
        with _closed_on_failure(sock):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _watch(sock)
            sock.settimeout(max(0.001, seconds))
            sock.connect(place)
        return sock


@contextmanager
def _closed_on_failure(sock: socket.socket) -> Iterator[None]:
    """Close `sock` if the block raises."""
    try:
        yield
    except BaseException:
        sock.close()
        raise


def _watch(sock: HasFileno) -> None:
    deadline = Deadline.current()
    if deadline is not None:
        deadline.watch(sock)
