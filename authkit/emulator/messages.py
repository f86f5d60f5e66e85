"""What an emulator reads and answers: `Request` and `Answer`.

Reading never fails: a hostile request becomes an odd `Request`, and the emulator's own checks refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from authkit.emulator.rules import Rule
from authkit.emulator.wire import AT_ONCE, Delivery

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Answer", "Request", "read_request"]

BODY_LIMIT = 64 * 1024
QUERY_LIMIT = 16 * 1024
MOST_PAIRS = 200
FORM = "application/x-www-form-urlencoded"
PAGE_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as an emulator sees it. What may hold a secret does not show in its repr.

    Attributes:
        method: the HTTP method, as sent.
        path: the path below the place where the emulator is mounted, percent-decoded.
        query: the parameters of the query; the values of a repeated one are joined by a comma.
        form: the fields of a form-encoded body, in the same way; empty for any other body.
        headers: by name, written ``Like-This``.
        body: the body as it came.
        is_too_large: whether the body exceeds 64 KiB, the query 16 KiB, or either has more than 200 parameters;
            neither is read then.
        query_string: the query as it came, for who has to know about repeated parameters.
        origin: scheme and host as the client wrote them, and the path below which the emulator is mounted.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    is_too_large: bool = False
    query_string: str = field(default="", repr=False)
    origin: str = ""

    @classmethod
    def by_browser(cls, method: str, url: str, form: Mapping[str, str] | None = None) -> Request:
        """Return what a browser without cookies sends to `url`, whatever its host."""
        parts = urlsplit(url)
        fields = MappingProxyType(dict(form or {}))
        path, origin = unquote(parts.path) or "/", f"{parts.scheme}://{parts.netloc}"
        return cls(method, path, _parse_pairs(parts.query), fields, query_string=parts.query, origin=origin)

    @property
    def content_type(self) -> str:
        """The media type of the body with its parameters, as sent; "" when there is none."""
        return self.headers.get("Content-Type", "")

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies that were sent."""
        pairs = (pair.strip().partition("=") for pair in self.headers.get("Cookie", "").split(";"))
        return {name: value for name, _, value in pairs}

    @property
    def credentials(self) -> tuple[str, str]:
        """The scheme of the Authorization header in lower case, and what follows it (RFC 9110, section 11.4)."""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower(), rest.strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an emulator answers. Nothing of it is to be stored by a cache.

    Attributes:
        status: the HTTP status.
        body: the body.
        headers: names and values; ``Content-Length`` and what keeps caches off are added.
        verdict: for the request log: why the request was refused, in the provider's words; "" when it was not.
        broken: for the request log: the rule that the request broke.
        delivery: how the bytes reach the other end.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    verdict: str = ""
    broken: Rule | None = None
    delivery: Delivery = AT_ONCE

    @classmethod
    def json(cls, data: Mapping[str, Any] | Sequence[Any], status: int = 200) -> Answer:
        """Return `data` as JSON, the keys in their order."""
        body = json.dumps(data, separators=(",", ":")).encode("ascii")
        return cls(status, body, (("Content-Type", "application/json"),))

    @classmethod
    def page(cls, html: str, status: int = 200) -> Answer:
        """Return a page, which may load nothing and run nothing."""
        return cls(status, html.encode("utf-8", "replace"), PAGE_HEADERS)

    @classmethod
    def redirect(cls, location: str, *headers: tuple[str, str]) -> Answer:
        """Send the browser to `location`, which the caller has built of safe parts."""
        return cls(302, headers=(("Location", location), *headers))

    def refused(self, verdict: str, broken: Rule | None = None) -> Answer:
        """Return this answer with the reason, and the rule, that the request log shows."""
        return replace(self, verdict=verdict, broken=broken)

    @property
    def location(self) -> str | None:
        """Where the browser is sent, None when it is sent nowhere."""
        return dict(self.headers).get("Location")

    def send(self, start_response: StartResponse) -> list[bytes]:
        """Answer a WSGI server."""
        fixed = [
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
        ]
        start_response(f"{self.status} {HTTPStatus(self.status).phrase}", [*self.headers, *fixed])
        return [self.body]


def read_request(environ: WSGIEnvironment) -> Request:
    """Read a request from the environment of WSGI (PEP 3333)."""
    headers = _read_headers(environ)
    body = _read_body(environ)
    query = _decode(environ.get("QUERY_STRING", ""))
    is_form = headers.get("Content-Type", "").partition(";")[0].strip().lower() == FORM
    form = (body or b"").decode("utf-8", "replace") if is_form else ""
    is_too_large = body is None or len(query) > QUERY_LIMIT or max(query.count("&"), form.count("&")) >= MOST_PAIRS
    if is_too_large:  # what is kept of a request must not grow with what somebody sends
        query, form, body = "", "", b""
    return Request(
        method=environ["REQUEST_METHOD"],
        path=_decode(environ.get("PATH_INFO", "")),
        query=_parse_pairs(query),
        form=_parse_pairs(form),
        headers=headers,
        body=body or b"",
        is_too_large=is_too_large,
        query_string=query,
        origin=_read_origin(environ),
    )


def _read_headers(environ: WSGIEnvironment) -> Mapping[str, str]:
    names = {key: key.removeprefix("HTTP_") for key in environ if key.startswith("HTTP_")}
    names |= {key: key for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    return MappingProxyType({name.replace("_", "-").title(): environ[key] for key, name in names.items()})


def _read_origin(environ: WSGIEnvironment) -> str:
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{environ.get('SCRIPT_NAME', '')}"


def _read_body(environ: WSGIEnvironment) -> bytes | None:
    """Return the body, empty when its length is not given, None when it is too large."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        return b""
    if len(length) > 9 or int(length) > BODY_LIMIT:
        return None
    return bytes(environ["wsgi.input"].read(int(length)))


def _decode(text: str) -> str:
    """Return the text that a WSGI server passed on as bytes in disguise (PEP 3333, "Unicode Issues")."""
    return text.encode("latin-1", "replace").decode("utf-8", "replace")


def _parse_pairs(text: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        pairs[name] = f"{pairs[name]},{value}" if name in pairs else value
    return MappingProxyType(pairs)
