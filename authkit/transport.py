"""The one place that talks to providers: bounded in time and size, no redirects, no cookies, certificates checked.

The rules hold for every adapter below it: the pooled one, the app's own, or an emulator within the process.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from copy import copy
from typing import Any

import requests.exceptions
import urllib3.exceptions
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from authkit.answer import LengthError, NoAnswerError
from authkit.connection import CannotConnectError, ConnectTimeoutError, NameTimeoutError
from authkit.deadline import Deadline
from authkit.errors import AuthkitError, ProviderProtocolError, ProviderUnavailable
from authkit.pool import PooledAdapter, Timeout, pooled_adapter
from authkit.proxy import ProxyError

__all__ = ["ACCEPTED", "MAX_BODY", "PooledAdapter", "Transport", "pooled_adapter"]

MAX_BODY = 1024 * 1024
STEP = 64 * 1024
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0

ACCEPTED = "gzip"
# Decoders of other encodings may give, or keep, far more at a time than they are asked for.
ENCODINGS = ("", "identity", "gzip", "x-gzip")

PROXY_ERRORS = (ProxyError, urllib3.exceptions.ProxyError, requests.exceptions.ProxyError)
BROKEN_COMPRESSION = (zlib.error, urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError)
NETWORK_ERRORS = (OSError, ValueError, http.client.HTTPException, zlib.error, urllib3.exceptions.HTTPError)

# The first that fits any of the causes names the failure; the classes stand from the particular to the general.
REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate verify failed: {0.verify_message}"),
    (NameTimeoutError, "name resolution timed out"),
    (socket.gaierror, "name resolution failed"),
    (UnicodeError, "the host name is malformed"),
    (ConnectionRefusedError, "connection refused"),
    (CannotConnectError, "cannot connect"),
    (ConnectTimeoutError, "connect timed out"),
    (urllib3.exceptions.NewConnectionError, "cannot connect"),
    (urllib3.exceptions.ConnectTimeoutError, "connect timed out"),
    (requests.exceptions.ConnectTimeout, "connect timed out"),
    (urllib3.exceptions.TimeoutError, "no answer came in time"),
    (requests.exceptions.Timeout, "no answer came in time"),
    (TimeoutError, "no answer came in time"),
    (ssl.SSLEOFError, "TLS failed: the connection was closed"),
    (ssl.SSLError, "TLS failed: {0.reason}"),
    (urllib3.exceptions.SSLError, "TLS failed"),
    (requests.exceptions.SSLError, "TLS failed"),
    (NoAnswerError, "the connection was closed without an answer"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (ConnectionError, "connection reset"),
    (http.client.IncompleteRead, "the answer was cut off"),
    (requests.exceptions.ChunkedEncodingError, "the answer was cut off"),
    (LengthError, "the answer does not say how long it is, or in two ways"),
    (http.client.HTTPException, "the answer is not HTTP"),
    (urllib3.exceptions.HeaderParsingError, "the answer is not HTTP"),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what it wraps: requests, urllib3 and ssl each put the original in another place."""
    yield error
    for inner in (error.__cause__, *error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def _failure(error: Exception) -> AuthkitError:
    """Return what a network error means, in words that hold no address and no secret."""
    causes = tuple(_causes(error))
    if any(isinstance(cause, BROKEN_COMPRESSION) for cause in causes):
        return ProviderProtocolError("the answer's compression is broken")
    found = (text.format(cause) for kind, text in REASONS for cause in causes if isinstance(cause, kind))
    if any(isinstance(cause, PROXY_ERRORS) for cause in causes):
        return ProviderUnavailable(f"the proxy: {next(found, 'it refused')}")
    return ProviderUnavailable(next(found, f"the network failed: {type(causes[-1]).__name__}"))


def _read_body(answer: Response) -> bytes:
    """Return the body of `answer`, decompressed, in steps that never hold much more than is allowed."""
    if answer.headers.get("Content-Encoding", "").strip().lower() not in ENCODINGS:
        raise ProviderProtocolError("the answer is compressed in a way that was not asked for")
    body = bytearray()
    for chunk in answer.iter_content(STEP):
        body += chunk
        if len(body) > MAX_BODY:
            raise ProviderProtocolError(f"the answer is larger than {MAX_BODY} bytes")
    return bytes(body)


def _detached(answer: Response, request: PreparedRequest, body: bytes) -> Response:
    """Return `answer` with its body in memory: nothing leads to the socket any more, and no cookie is kept."""
    response = Response()
    response.status_code = answer.status_code
    response.reason = answer.reason
    response.headers = answer.headers
    response.encoding = "utf-8"  # of JSON; requests would try all others, on a stranger's megabyte, to guess one
    response.url = str(request.url)
    response.request = request
    response.raw = io.BytesIO(body)
    return response


def _host(netloc: str) -> str:
    """Return host and port as text, the default port of http left out."""
    return netloc.removesuffix(":80")


class Transport(BaseAdapter):
    """Sends requests to providers, for a `requests.Session` to be mounted on. Every call is bounded.

    A call needs a current `Deadline`, and makes one of 15 seconds where there is none. Within it, connecting may
    take 5 seconds and a single read 10; the body may have 1 MiB after decompression. A redirect is an error.

    Args:
        adapter: what sends instead of the pooled connections; the raw body of its answers must be readable.
        plain_origins: the loopback origins, such as ``http://127.0.0.1:8787``, that are spoken to without TLS.
            A session is given ``https://`` addresses even for them, because oauthlib refuses others.
        ca_bundle: PEM file of the roots to trust instead of the usual ones.
        proxy: URL of an outgoing proxy; loopback origins are reached directly.
        clock: the time, in seconds since the epoch; None for ``time.time``.

    Attributes:
        clock: the time as the kit reads it: a client takes it for the ends of tokens.

    Raises:
        ProviderUnavailable: the provider could not be reached, or did not answer in full and in time.
        ProviderProtocolError: it answered with a redirect, too much, or broken compression; or the address is
            not ``https://``, and nothing was sent.
    """

    def __init__(
        self,
        adapter: BaseAdapter | None = None,
        *,
        plain_origins: Collection[str] = (),
        ca_bundle: str | None = None,
        proxy: str | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self.clock = clock or time.time
        self._plain_hosts = frozenset(_host(origin.lower().removeprefix("http://")) for origin in plain_origins)
        self._plain_adapter = adapter or pooled_adapter(ca_bundle)
        self._adapter = adapter or pooled_adapter(ca_bundle, proxy)

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the body is always read here
        timeout: Timeout = None,  # noqa: ARG002 - the deadline rules
        verify: bool | str = True,  # noqa: ARG002 - a caller cannot weaken what is checked
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """Send `request` and return the answer with its body read."""
        with Deadline() as deadline:
            adapter, outgoing = self._prepared(request)
            left = deadline.remaining()
            answer: Response | AuthkitError
            try:
                received = adapter.send(
                    outgoing, stream=True, timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left))
                )
                with closing(received):
                    answer = self._accepted(received, request)
            except NETWORK_ERRORS as error:
                answer = _failure(error)
            if isinstance(answer, Response) and answer.status_code < 500:
                deadline.heard()
            deadline.remaining()  # an end that the watchdog made is no answer, however much it looks like one
        if isinstance(answer, AuthkitError):
            raise answer
        return answer

    def close(self) -> None:
        """Do nothing: a session that closes must not close what others share."""

    def _prepared(self, request: PreparedRequest) -> tuple[BaseAdapter, PreparedRequest]:
        """Return the adapter for `request`, and the request as it goes out, a copy where it differs.

        The host is compared as text, never parsed: two parsers may see two hosts in one address.
        """
        scheme, _, rest = str(request.url).partition("://")
        if scheme != "https":
            raise ProviderProtocolError("refused to send a request without TLS")
        is_plain = _host(rest.partition("/")[0]) in self._plain_hosts
        if is_plain or request.headers.get("Accept-Encoding") != ACCEPTED:
            request = copy(request)
            request.headers = request.headers.copy()
            request.headers["Accept-Encoding"] = ACCEPTED
        if not is_plain:
            return self._adapter, request
        request.url = f"http://{rest}"
        return self._plain_adapter, request

    @staticmethod
    def _accepted(answer: Response, request: PreparedRequest) -> Response:
        if answer.status_code < 200:
            raise ProviderProtocolError(f"the provider answered {answer.status_code}, which is no final answer")
        if 300 <= answer.status_code < 400:
            raise ProviderProtocolError(f"the provider answered {answer.status_code}; redirects are not followed")
        return _detached(answer, request, _read_body(answer))


def _is_not_ours(record: logging.LogRecord) -> bool:  # noqa: ARG001 - the time of the record decides
    """Drop what requests-oauthlib logs while authkit calls it: whole token requests, secrets included."""
    return Deadline.current() is None


logging.getLogger("requests_oauthlib.oauth2_session").addFilter(_is_not_ours)
