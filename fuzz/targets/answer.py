"""What a provider writes on the wire: read as another parser reads it, and nothing is left for who asks next."""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from dataclasses import dataclass

import h11
from requests import Request, Response

from authkit.connection import Connection, Ways
from authkit.errors import ProviderProtocolError, ProviderUnavailable
from authkit.pool import PACKED, PooledAdapter, Pools
from authkit.resolver import Resolver, look_up
from authkit.tls import Context
from authkit.transport import MAX_BODY, Transport
from fuzz.verdict import read_or_refused

EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
PACKED_BODY = gzip.compress(b"{}", mtime=0)
SEEDS = (
    GOOD + b"\r\n{}",
    GOOD + b"\r\n{}" + GOOD + b"\r\n[]",
    GOOD + b"Connection: close\r\n\r\n{}",
    GOOD + b"Content-Length: 3\r\n\r\n{}",
    GOOD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nMore: x\r\n\r\n",
    CHUNKED + b"\r\n-1\r\n{}\r\n0\r\n\r\n",
    EARLY + b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED_BODY) + PACKED_BODY,
    b"HTTP/1.0 200 OK\r\n\r\n{}",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n",
)
ASKED = Request("GET", "https://provider.example/me", headers={"Accept-Encoding": "gzip"}).prepare()
WAYS = Ways(Resolver(look_up), Context(ssl.PROTOCOL_TLS_CLIENT))


@dataclass(frozen=True)
class Other:
    """An answer as h11 reads it; `is_kept` tells whether another request may follow."""

    status: int
    body: bytes
    is_kept: bool


class Written(Connection):
    """A connection to a provider that has written its answer before it was asked, and hung up or waits."""

    def __init__(self, data: bytes, *, hangs_up: bool) -> None:
        super().__init__("provider.example", 443, WAYS, is_secure=False)
        self._data = data
        self._hangs_up = hangs_up

    def connect(self) -> None:
        """Connect to what is written."""
        self.sock, self.provider = socket.socketpair()
        self.provider.sendall(self._data)
        if self._hangs_up:
            self.provider.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close both ends."""
        super().close()
        self.provider.close()


class OneConnection(Pools):
    """Has no connection but one, and tells whether it was kept."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(WAYS)
        self._connection = connection
        self.has_kept = False

    def new(self, origin: str) -> Connection:  # noqa: ARG002 - there is one provider
        """Return the one."""
        return self._connection

    def give_back(self, origin: str, connection: Connection) -> None:
        """Tell whether the connection is good for another request."""
        self.has_kept = connection.is_clean
        super().give_back(origin, connection)


class Wire(PooledAdapter):
    """The network, with nothing in it but these pools."""

    def __init__(self, pools: Pools) -> None:
        super().__init__()
        self._new_pools = lambda: pools  # type: ignore[method-assign]


def read(data: bytes) -> Response | None:
    """Return the answer that a provider has written before it hung up."""
    return _asked(data, hangs_up=True)[0]


def target(data: bytes) -> None:
    """Check that h11 reads the same, and that a connection is kept only where it is good for another request."""
    answer, is_kept = _asked(data, hangs_up=True)
    assert not is_kept
    if answer is None:
        return
    assert 200 <= answer.status_code < 300 or answer.status_code >= 400
    assert len(answer.content) <= MAX_BODY
    other = _other(data, hangs_up=True)
    if other is not None:
        packed = answer.headers.get("Content-Encoding", "").strip().lower() in PACKED
        body = zlib.decompress(other.body, 31) if packed and other.body else other.body
        assert (answer.status_code, answer.content) == (other.status, body)
    if answer.status_code in (204, 304) or {"content-length", "transfer-encoding"} & {
        *map(str.lower, answer.headers)
    }:
        again, is_kept = _asked(data, hangs_up=False)
        assert again is not None
        assert (again.status_code, again.content) == (answer.status_code, answer.content)
        other = _other(data, hangs_up=False)
        assert not is_kept or (other is not None and other.is_kept)


def _asked(data: bytes, *, hangs_up: bool) -> tuple[Response | None, bool]:
    pools = OneConnection(Written(data, hangs_up=hangs_up))
    transport = Transport(Wire(pools))
    answer = read_or_refused(lambda: transport.send(ASKED), ProviderProtocolError, ProviderUnavailable)
    pools.close()
    return answer, pools.has_kept


def _other(data: bytes, *, hangs_up: bool) -> Other | None:
    """Return what h11 reads, None if it finds an error, or no end."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=len(data) + 1)
    connection.send(h11.Request(method="GET", target="/me", headers=[("Host", "provider.example")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        connection.receive_data(data)
        if hangs_up:
            connection.receive_data(b"")
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    return Other(status, body, connection.their_state is h11.DONE and not connection.trailing_data[0])
