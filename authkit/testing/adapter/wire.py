"""Requests to a WSGI application as no browser sends them, and what it answers (PEP 3333)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authkit.testing.verdicts import expect

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Answer", "SetCookie", "call"]


@dataclass(frozen=True, slots=True)
class SetCookie:
    """What one ``Set-Cookie`` header says.

    Attributes:
        name: the cookie's name.
        value: its value.
        attributes: its attributes, names in lower case; "" for those that have no value.
        header: the header as it came.
    """

    name: str
    value: str
    attributes: Mapping[str, str]
    header: str

    @classmethod
    def read(cls, header: str) -> SetCookie:
        """Read a header (RFC 6265, section 5.2)."""
        first, *rest = (part.strip().partition("=") for part in header.split(";"))
        return cls(first[0], first[2].strip('"'), {name.lower(): value for name, _, value in rest}, header)

    @property
    def is_cleared(self) -> bool:
        """Whether the browser throws the cookie away."""
        return self.attributes.get("max-age") == "0" or "1970" in self.attributes.get("expires", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def everything(self) -> str:
        """Headers and body in one text, to look for what must not be there."""
        return f"{self.headers}\n{self.text}"

    def all(self, name: str) -> list[str]:
        """Return the values of every header of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        """Return the value of the first header of that name, "" if there is none."""
        return next(iter(self.all(name)), "")

    @property
    def location(self) -> str:
        """Where the browser is sent, "" if nowhere."""
        return self.get("Location")

    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies to set or to clear."""
        return [SetCookie.read(header) for header in self.all("Set-Cookie")]

    @property
    def transactions(self) -> list[SetCookie]:
        """The cookies of transactions among them."""
        return [cookie for cookie in self.cookies if re.fullmatch("(__Host-)?authkit-[0-9a-f]{32}", cookie.name)]

    @property
    def is_refusal(self) -> bool:
        """Whether the request was refused."""
        return self.status >= 400


class _Started:
    """What the application said before its body."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: tuple[tuple[str, str], ...] = ()
        self.written: list[bytes] = []

    def __call__(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: OptExcInfo | None = None,  # noqa: ARG002 - the server's side of PEP 3333
        /,
    ) -> Any:
        self.status, self.headers = status, tuple(headers)
        return self.written.append


def call(app: WSGIApplication, environ: Mapping[str, Any], body: bytes = b"") -> Answer:
    """Call `app` as a server does.

    Args:
        app: the application.
        environ: what is particular to this request; every value holds one character per byte, whatever the byte.
        body: the request's body.
    """
    started, raised = _Started(), ""
    try:
        _collect(app(_complete(environ, body), started), started.written)
    except Exception as exc:  # noqa: BLE001 - whatever comes out is what is tested
        raised = f"{type(exc).__name__}: {exc}"
    request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'][:80]!r}"
    expect(
        not raised,
        f"{request} made the application raise {raised}",
        why="a server answers that with 500 or a dropped connection, and a visitor can bring it about at will.",
        fix="read path, query and cookies byte by byte (PEP 3333), and turn whatever fails into an AuthkitError.",
    )
    expect(
        not re.search(r"[\r\n\0]", "".join(f"{name}{value}" for name, value in started.headers)),
        f"{request} was answered with a line break in a header",
        why="whoever can put one there writes headers of their own, cookies included.",
        fix="put nothing of a request into a header that the kit has not made.",
    )
    return Answer(int(started.status.split()[0]), started.headers, b"".join(started.written))


def _collect(chunks: Iterable[bytes], written: list[bytes]) -> None:
    try:
        written.extend(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()


def _complete(environ: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    return {
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "app.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **environ,
    }
