"""`Wire`: what goes between the provider's client and the emulator, recorded whole, and tampered with on demand."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from authkit.emulator import Drivable, Recorded
from authkit.emulator.rules import Rule
from authkit.testing.provider.tampering import Tamper

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Sent", "Wire"]

BASIC = "basic "


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request of the provider's client, and what it got for it.

    Attributes:
        endpoint: the emulator's name for the address.
        method: the HTTP method.
        url: the whole address.
        headers: by name, in lower case.
        body: the body as it came.
        status: the HTTP status of the answer, 0 for none.
        answer: the JSON of the answer, None for none.
        broken: the rule that the request broke.
        fault: the fault that disturbed the answer, "" for none.
    """

    endpoint: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    status: int
    answer: Any = field(repr=False)
    broken: Rule | None
    fault: str

    @property
    def host(self) -> str:
        """The host, and the port if it is named."""
        return urlsplit(self.url).netloc

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of a form, empty if the body is none."""
        is_form = self.headers.get("content-type", "").partition(";")[0] == "application/x-www-form-urlencoded"
        return dict(parse_qsl(self.body, keep_blank_values=True)) if is_form else {}

    @property
    def basic(self) -> tuple[str, str] | None:
        """Id and secret of HTTP Basic, decoded as RFC 6749, section 2.3.1, has it; None without."""
        sent = self.headers.get("authorization", "")
        if not sent.lower().startswith(BASIC):
            return None
        name, _, secret = base64.b64decode(sent[len(BASIC) :]).decode("utf-8", "replace").partition(":")
        return unquote_plus(name), unquote_plus(secret)

    @property
    def is_pushed(self) -> bool:
        """Whether it is an authorization request that goes to the server itself (RFC 9126)."""
        return "response_type" in self.form or "code_challenge" in self.form


class Wire:
    """A WSGI application that passes every request on to an emulator.

    Attributes:
        tampers: what becomes of the JSON in a good answer, by endpoint; under ``api`` of whatever a token opens.
    """

    def __init__(self, emulator: Drivable) -> None:
        self.tampers: dict[str, Tamper] = {}
        self._emulator = emulator
        self._sent: list[Sent] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass one request on."""
        body: bytes = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        seen_before = self._emulator.workbench.requests.total
        exchange = _Exchange()
        try:
            answer = b"".join(self._emulator(environ, exchange.start_response))
        finally:
            recorded = self._recorded(seen_before)
            self._sent.append(_sent(environ, body, recorded, None))
        tamper = self._tamper_for(recorded, environ) if exchange.status.startswith("2") else None
        answer, data = _tampered(answer, tamper)
        self._sent[-1] = _sent(environ, body, recorded, data)
        headers = [(name, value) for name, value in exchange.headers if name.lower() != "content-length"]
        start_response(exchange.status, [*headers, ("Content-Length", str(len(answer)))])
        return [answer]

    def to(self, *endpoints: str) -> tuple[Sent, ...]:
        """Return what was sent to one of `endpoints`, oldest first; everything if none is named."""
        return tuple(sent for sent in self._sent if not endpoints or sent.endpoint in endpoints)

    def forget(self) -> None:
        """Forget what was sent."""
        self._sent.clear()

    def _recorded(self, seen_before: int) -> Recorded | None:
        log = self._emulator.workbench.requests
        return log[-1] if log.total > seen_before else None

    def _tamper_for(self, recorded: Recorded | None, environ: WSGIEnvironment) -> Tamper | None:
        has_token = environ.get("HTTP_AUTHORIZATION", "").lower().startswith("bearer ")
        by_kind = self.tampers.get("api") if has_token else None
        return self.tampers.get(recorded.endpoint, by_kind) if recorded else None


class _Exchange:
    """The status and the headers of an answer."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def start_response(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda _: None


def _sent(environ: WSGIEnvironment, body: bytes, recorded: Recorded | None, answer: Any) -> Sent:
    query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
    return Sent(
        endpoint=recorded.endpoint if recorded else "",
        method=environ["REQUEST_METHOD"],
        url=f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}{environ['PATH_INFO']}{query}",
        headers=dict(_headers(environ)),
        body=body.decode("utf-8", "replace"),
        status=recorded.status if recorded else 0,
        answer=answer,
        broken=recorded.broken if recorded else None,
        fault=recorded.fault if recorded else "",
    )


def _headers(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            yield key.removeprefix("HTTP_").replace("_", "-").lower(), value


def _tampered(answer: bytes, tamper: Tamper | None) -> tuple[bytes, Any]:
    """Return an answer and the JSON in it, changed if it is an object or an array."""
    data = _read(answer)
    if tamper is None or not isinstance(data, (dict, list)):
        return answer, data
    data = tamper(data)
    return json.dumps(data).encode(), data


def _read(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None
