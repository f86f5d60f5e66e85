"""One connection to a provider: bounded in every phase, and watched by the current deadline."""

from __future__ import annotations

import socket
import ssl
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from authkit.answer import Answer, NoAnswerError
from authkit.deadline import Deadline
from authkit.resolver import Address, Resolver
from authkit.tls import Context

if TYPE_CHECKING:
    from _typeshed import HasFileno

__all__ = ["Connection", "NameTimeoutError", "TLSConnection"]

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0


def _watch(sock: HasFileno) -> None:
    deadline = Deadline.current()
    if deadline is not None:
        deadline.watch(sock)


class NameTimeoutError(ConnectTimeoutError):
    """The name look-up took too long."""


class Connection(HTTPConnection):
    """A connection that is bounded in every phase and watched by the current deadline."""

    debuglevel = 0  # of our own: http.client prints the headers, secrets included, where an app sets it globally
    response_class = Answer

    def __init__(self, *args: Any, resolver: Resolver, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resolver = resolver
        self._answer: object = None
        self._kept = False
        self._used_at = 0.0
        self._unsent: bytes | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection may be used again.

        It may when it is open, the last answer ended where it should, nothing came since, and it was not idle so
        long that a router has forgotten it.
        """
        is_clean = isinstance(self._answer, Answer) and self._answer.left_nothing
        return is_clean and time.monotonic() - self._used_at < IDLE_SECONDS and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; on a kept connection the deadline of this one is on watch from here on."""
        if self._kept and self.sock is not None:
            _watch(self.sock)
        self._unsent = b""
        try:
            super().request(*args, **kwargs)
        finally:
            request, self._unsent = self._unsent, None
        super().send(request)

    def send(self, data: Any) -> None:
        """Hold what belongs to a request back until it is whole: it goes out in one piece, and not its head first."""
        if self._unsent is None:
            super().send(data)
        else:
            self._unsent += data

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override] # urllib3 has one of its own, too
        """Wait for the answer."""
        kept, self._kept = self._kept, True
        self._used_at = time.monotonic()
        try:
            answer = super().getresponse()
        except NoAnswerError as error:
            error.kept = kept
            raise
        self._answer = answer._original_response
        return answer

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers; each but the last gets half of the time that is left."""
        self._kept = False
        ends_at = time.monotonic() + (self.timeout or CONNECT_SECONDS)
        addresses = self._addresses(ends_at - time.monotonic())
        failure: Exception = NewConnectionError(self, "the name has no address")
        for number, address in enumerate(addresses, 1):
            left = ends_at - time.monotonic()
            try:
                sock = self._connected(address, left if number == len(addresses) else left / 2)
            except TimeoutError:
                failure = ConnectTimeoutError(self, "connect timed out")
            except OSError as error:
                failure = NewConnectionError(self, "cannot connect")
                failure.__cause__ = error
            else:
                sys.audit("http.client.connect", self, self.host, self.port)
                sock.settimeout(max(0.001, ends_at - time.monotonic()))
                return sock
        raise failure

    def _addresses(self, seconds: float) -> Sequence[Address]:
        deadline = Deadline.current()
        gives_up = (lambda: deadline.expired) if deadline else (lambda: False)
        try:
            return self._resolver.resolve(self.host.strip("[]"), self.port, seconds, gives_up)
        except TimeoutError:
            raise NameTimeoutError(self, "name resolution timed out") from None
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        family, kind, protocol, _, place = address
        sock = socket.socket(family, kind, protocol)
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            _watch(sock)
            sock.settimeout(max(0.001, seconds))
            sock.connect(place)
        except BaseException:
            sock.close()
            raise
        return sock


class TLSConnection(Connection, HTTPSConnection):
    """The same inside TLS, whose session the next connection to the same host resumes."""

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        """Wait for the answer."""
        is_first, sock = not self._kept, self.sock
        answer = super().getresponse()
        if is_first and isinstance(sock, ssl.SSLSocket) and isinstance(sock.context, Context):
            sock.context.keep(sock)
        return answer
