"""The connections to providers, kept for the next call.

Nothing here reads the environment: which certificates count, and whether there is a proxy, is set in code.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from weakref import finalize

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from authkit.answer import Answer, NoAnswerError
from authkit.body import Body
from authkit.connection import Connection, Ways
from authkit.proxy import Proxy
from authkit.resolver import LookUp, Resolver, look_up
from authkit.tls import tls_context
from authkit.urls import DEFAULT_PORTS

__all__ = ["PooledAdapter", "Timeout", "pooled_adapter"]

MAX_IDLE = 64
"""How many connections to one origin are kept."""
PACKED = ("gzip", "x-gzip")

Timeout: TypeAlias = float | tuple[float | None, float | None] | None


class Pools:
    """The idle connections of one process, by origin. The one that was used last is used first."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._idle: dict[str, deque[Connection]] = {}
        finalize(self, _close, self._idle)  # and no __del__: sockets in the same cycle might be collected before it

    def take(self, origin: str) -> Connection:
        """Return a connection that nobody uses, a new one if there is none; it connects when it is asked."""
        idle = self._idle.setdefault(origin, deque())
        with suppress(IndexError):  # none is left, whoever took the last
            while not (connection := idle.pop()).is_usable:
                connection.close()
            return connection
        return self.new(origin)

    def new(self, origin: str) -> Connection:
        """Return a new connection."""
        place = urlsplit(origin)
        port = place.port or DEFAULT_PORTS[place.scheme]
        return Connection(str(place.hostname), port, self._ways, is_secure=place.scheme == "https")

    def give_back(self, origin: str, connection: Connection) -> None:
        """Keep a connection for the next call, if it can be used again."""
        idle = self._idle[origin]
        if connection.is_clean and len(idle) < MAX_IDLE:
            idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        _close(self._idle)


def _close(pools: Mapping[str, deque[Connection]]) -> None:
    for idle in pools.values():
        with suppress(IndexError):
            while True:
                idle.pop().close()


class PooledAdapter(BaseAdapter):
    """The network itself, for `Transport`: connections are kept for the next call, and never cross a fork.

    Args:
        ca_bundle: PEM file of the roots to trust instead of the usual ones.
        proxy: URL of a proxy for https; it may hold a user name and a password.
        look_up: what looks names up.
    """

    def __init__(self, ca_bundle: str | None = None, proxy: str | None = None, look_up: LookUp = look_up) -> None:
        super().__init__()
        self._ca_bundle = ca_bundle
        self._proxy = Proxy.at(proxy) if proxy else None
        self._look_up = look_up
        self._pools: dict[int, Pools] = {}
        self._locks: dict[int, threading.Lock] = {}

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the body is always left to the caller
        timeout: Timeout = None,
        verify: bool | str = True,  # noqa: ARG002 - a caller cannot weaken what is checked
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """Send `request` and return the answer with its body unread.

        A GET is sent a second time if the connection it went out on had been kept, and ended before the first
        byte of an answer (RFC 9110, section 9.2.2). Nothing else is ever repeated.
        """
        place = urlsplit(str(request.url))
        origin, pools = f"{place.scheme}://{place.netloc}", self._pools_of_process()
        connection = pools.take(origin)
        answer = None
        try:
            answer = _ask(connection, request, timeout)
        except NoAnswerError as error:
            if not error.kept or request.method != "GET":
                raise
        if answer is None:
            connection = pools.new(origin)
            answer = _ask(connection, request, timeout)
        response = Response()
        response.status_code = answer.status
        response.reason = answer.reason
        response.headers = _joined(answer)
        response.url = str(request.url)
        response.request = request
        is_packed = response.headers.get("Content-Encoding", "").strip().lower() in PACKED
        response.raw = Body(answer, lambda: pools.give_back(origin, connection), is_packed=is_packed)
        return response

    def close(self) -> None:
        """Close the idle connections."""
        pools = self._pools.pop(os.getpid(), None)
        if pools is not None:
            pools.close()

    def _pools_of_process(self) -> Pools:
        """Return this process's pools. A child neither uses nor closes the connections of its parent."""
        process = os.getpid()
        pools = self._pools.get(process)
        if pools is None:
            with self._locks.setdefault(process, threading.Lock()):
                pools = self._pools.get(process) or self._pools.setdefault(process, self._new_pools())
        return pools

    def _new_pools(self) -> Pools:
        return Pools(Ways(Resolver(self._look_up), tls_context(self._ca_bundle), self._proxy))


def _ask(connection: Connection, request: PreparedRequest, timeout: Timeout) -> Answer:
    """Send `request` over `connection`, and return the answer, its body unread."""
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    body = request.body.encode() if isinstance(request.body, str) else request.body
    try:
        return connection.ask(str(request.method), request.path_url, body, request.headers, connect, read)
    except BaseException:
        connection.close()
        raise


def _joined(answer: Answer) -> CaseInsensitiveDict[str]:
    """Return the headers of an answer, those of one name joined (RFC 9110, section 5.3)."""
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in answer.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


_adapters: dict[tuple[str | None, str | None], PooledAdapter] = {}


def pooled_adapter(ca_bundle: str | None = None, proxy: str | None = None) -> PooledAdapter:
    """Return the adapter that all of this process share for these settings."""
    key = (ca_bundle, proxy)
    return _adapters.get(key) or _adapters.setdefault(key, PooledAdapter(ca_bundle, proxy))
