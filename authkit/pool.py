"""The connections to providers, kept for the next call.

Nothing here reads the environment: which certificates count, and whether there is a proxy, is set in code.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import urllib3
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ProtocolError
from urllib3.util import parse_url

from authkit.answer import NoAnswerError
from authkit.connection import Connection, TLSConnection
from authkit.resolver import LookUp, Resolver, look_up
from authkit.tls import tls_context

__all__ = ["PooledAdapter", "Timeout", "pooled_adapter"]

POOL_SIZE = 64

PoolOf: TypeAlias = Callable[[str], urllib3.HTTPConnectionPool]
Timeout: TypeAlias = float | tuple[float | None, float | None] | None

NO_RETRIES = urllib3.Retry(False, redirect=False)


class PlainPool(urllib3.HTTPConnectionPool):
    """The connections to one origin, without TLS."""

    ConnectionCls: Any = Connection


class TLSPool(urllib3.HTTPSConnectionPool):
    """The connections to one origin, with TLS."""

    ConnectionCls: Any = TLSConnection


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
        self._proxy = proxy
        self._look_up = look_up
        self._pools: dict[int, PoolOf] = {}
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
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        raw = self._ask(request, urllib3.Timeout(connect=connect, read=read))
        response = Response()
        response.status_code = raw.status
        response.reason = raw.reason or ""
        response.headers = CaseInsensitiveDict(raw.headers)
        response.url = str(request.url)
        response.request = request
        response.raw = raw
        return response

    def close(self) -> None:
        """Close the idle connections."""
        self._pools.pop(os.getpid(), None)

    def _ask(self, request: PreparedRequest, timeout: urllib3.Timeout) -> urllib3.BaseHTTPResponse:
        place = urlsplit(str(request.url))
        headers: dict[str, Any] = dict(request.headers)
        body: Any = request.body
        ask = partial(
            self._pool_of()(f"{place.scheme}://{place.netloc}").urlopen,
            str(request.method),
            request.path_url,
            redirect=False,
            retries=NO_RETRIES,
            timeout=timeout,
            body=body,
            headers=headers,
            chunked=body is not None and "Content-Length" not in request.headers,
            assert_same_host=False,
            preload_content=False,
        )
        try:
            return ask()
        except ProtocolError as error:
            was_kept = any(isinstance(cause, NoAnswerError) and cause.kept for cause in error.args)
            if not was_kept or request.method != "GET":
                raise
        return ask()  # on a new connection: urllib3 leaves an empty place on top of the pool for the one that died

    def _pool_of(self) -> PoolOf:
        """Return this process's pools. A child neither uses nor closes the connections of its parent."""
        process = os.getpid()
        pool_of = self._pools.get(process)
        if pool_of is None:
            with self._locks.setdefault(process, threading.Lock()):
                pool_of = self._pools.get(process) or self._pools.setdefault(process, self._new_pools())
        return pool_of

    def _new_pools(self) -> PoolOf:
        context = tls_context(self._ca_bundle)
        settings: dict[str, Any] = {"num_pools": POOL_SIZE, "maxsize": POOL_SIZE, "ssl_context": context}
        if self._proxy is None:
            manager = urllib3.PoolManager(**settings)
        else:
            user = parse_url(self._proxy).auth
            headers = urllib3.make_headers(proxy_basic_auth=unquote(user)) if user else None
            settings |= {"proxy_headers": headers, "proxy_ssl_context": context}
            manager = urllib3.ProxyManager(self._proxy, **settings)
        resolver = Resolver(self._look_up)
        pools: dict[str, Any] = {
            "http": partial(PlainPool, resolver=resolver),
            "https": partial(TLSPool, resolver=resolver),
        }
        manager.pool_classes_by_scheme = pools
        return lru_cache(POOL_SIZE)(manager.connection_from_url)


_adapters: dict[tuple[str | None, str | None], PooledAdapter] = {}


def pooled_adapter(ca_bundle: str | None = None, proxy: str | None = None) -> PooledAdapter:
    """Return the adapter that all of this process share for these settings."""
    key = (ca_bundle, proxy)
    return _adapters.get(key) or _adapters.setdefault(key, PooledAdapter(ca_bundle, proxy))
