"""`WsgiTransport`: calls a WSGI application as if it were the other end of the network, without a socket."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from email.message import Message
from errno import ECONNRESET
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from requests import ConnectionError as RequestsConnectionError
from requests import ConnectTimeout, PreparedRequest, ReadTimeout, Response
from requests.adapters import BaseAdapter
from requests.cookies import extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse, Timeout

from authkit.emulator.wire import AT_ONCE, SPOIL_DELIVERY, Delivery

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

__all__ = ["WsgiTransport"]

PATIENCE = 60.0
"""Seconds after which a request that has no time limit fails."""

LONGEST_ANSWER = 15.0
"""Seconds after which an answer that keeps coming fails; a limit on single reads does not see it."""


class WsgiTransport(BaseAdapter):
    """A transport for requests (and for ``AuthKit.from_settings``) whose every host is one WSGI application.

    The answer has been read to its end when `send` returns; proxies and certificates mean nothing. An exception of
    the application comes out of `send`. Nothing ever waits: where an emulator's fault would have made a server exceed
    the time limit, or the limit of 15 seconds for a whole answer, the exception for that comes at once.

    Example:
        >>> from authkit.emulator import Answer, WsgiTransport
        >>> import requests
        >>> session = requests.Session()
        >>> session.mount("https://", WsgiTransport(lambda environ, start: Answer(200, b"hello").send(start)))
        >>> session.get("https://api.example/").text
        'hello'
    """

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__()
        self.app = app

    def send(  # the signature is requests'
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """Call the application and return what it answers.

        Raises:
            requests.ConnectionError: a fault reset the connection.
            requests.ConnectTimeout: a fault kept the connection from coming about in time; nothing was processed.
            requests.ReadTimeout: a fault kept the answer from coming in time.
        """
        exchange, line = _Exchange(), _Line(request, timeout)
        body = exchange.run(self.app, {**make_environ(request), SPOIL_DELIVERY: line.spoil})
        line.carry(exchange, body)
        return _make_response(request, exchange.status, exchange.headers, body)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class _Exchange:
    """One call of an application (PEP 3333), with the answer held back until it is complete."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []

    def run(self, app: WSGIApplication, environ: WSGIEnvironment) -> bytes:
        """Return the body; `status` and `headers` are known afterwards."""
        chunks = app(environ, self._start_response)
        try:
            for chunk in chunks:
                self._written.append(chunk)
        finally:
            getattr(chunks, "close", lambda: None)()
        if not self.status:
            raise RuntimeError("the WSGI application answered without calling start_response")
        return b"".join(self._written)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Any:
        if self.status and exc_info is None:
            raise RuntimeError("the WSGI application called start_response twice")
        self.status, self.headers = status, list(headers)
        return self._written.append


class _Line:
    """What would have been the connection, with its damage and the client's time limits."""

    def __init__(self, request: PreparedRequest, timeout: Any) -> None:
        self._request = request
        self._delivery = AT_ONCE
        self._connect_limit, self._read_limit = _read_limits(timeout)

    def spoil(self, delivery: Delivery) -> None:
        """Fail if the connection would not have come about in time, else remember how the answer arrives."""
        if not delivery.is_connecting:
            self._delivery = delivery
        elif delivery.silence >= self._connect_limit:
            raise ConnectTimeout("connect timed out", request=self._request)

    def carry(self, exchange: _Exchange, body: bytes) -> None:
        """Fail if the answer would not have arrived whole and in time."""
        delivery = self._delivery
        head_length = len(f"HTTP/1.1 {exchange.status}") + sum(
            len(f"{name}: {value}\r\n") for name, value in exchange.headers
        )
        pauses = (delivery.silence, delivery.head_pause, delivery.body_pause if body else 0)
        takes = delivery.head_pause * head_length + delivery.body_pause * len(body)
        if max(pauses) >= self._read_limit or takes > LONGEST_ANSWER:
            raise ReadTimeout("read timed out", request=self._request)
        if delivery.reset:
            raise RequestsConnectionError(
                ConnectionResetError(ECONNRESET, "Connection reset by peer"), request=self._request
            )


def _read_limits(timeout: Any) -> tuple[float, float]:
    """Return the seconds for connecting and for a single read in `timeout`, of any kind that requests takes."""
    if isinstance(timeout, Timeout):
        timeout = (timeout.connect_timeout, timeout.read_timeout)
    limits = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    connect, read = (float(limit) if isinstance(limit, int | float) else PATIENCE for limit in limits)
    return connect, read


def make_environ(request: PreparedRequest) -> WSGIEnvironment:
    """Return the environment that a WSGI server makes of `request`."""
    url = urlsplit(str(request.url))
    port = url.port or (443 if url.scheme == "https" else 80)
    body = _read_body(request.body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= {_environ_key(name): _text(value) for name, value in request.headers.items()}
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _environ_key(header: str) -> str:
    key = _text(header).upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _text(value: str | bytes) -> str:
    """Return what goes over the wire in a header, as WSGI passes it on: one character a byte."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _read_body(body: Any) -> bytes:
    """Return a body of any kind that requests takes: text, bytes, a file, or an iterable of pieces."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8")
    if hasattr(body, "read"):
        return _read_body(body.read())
    return b"".join(_read_body(piece) for piece in body or ())


def _make_response(request: PreparedRequest, status: str, headers: list[tuple[str, str]], body: bytes) -> Response:
    code, _, reason = status.partition(" ")
    head = Message()
    for name, value in headers:
        head.add_header(name, value)
    # requests takes cookies out of what http.client read, and finds it on urllib3's response.
    wire: Any = SimpleNamespace(msg=head, isclosed=lambda: True, close=lambda: None)
    response = Response()
    response.status_code, response.reason = int(code), reason
    response.raw = HTTPResponse(
        body=io.BytesIO(body),
        headers=HTTPHeaderDict(headers),
        status=int(code),
        reason=reason,
        preload_content=False,
        original_response=wire,
        request_method=request.method,
    )
    response.headers = CaseInsensitiveDict(response.raw.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.url, response.request = str(request.url), request
    extract_cookies_to_jar(response.cookies, request, response.raw)  # type: ignore[no-untyped-call]  # its stub has no types
    return response
