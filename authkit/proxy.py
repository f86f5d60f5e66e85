"""An outgoing proxy: the tunnel that it opens to a provider (RFC 9110, section 9.3.6)."""

from __future__ import annotations

import socket
from base64 import b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from authkit.answer import Answer
from authkit.urls import DEFAULT_PORTS

__all__ = ["Proxy", "ProxyError"]


class ProxyError(OSError):
    """The proxy cannot be reached, or opened no tunnel."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy.

    Attributes:
        host: its host; an IPv6 address stands without brackets.
        port: its port.
        is_secure: whether it is spoken to inside TLS.
        credentials: user and password as HTTP Basic has them, "" for none.
    """

    host: str
    port: int
    is_secure: bool
    credentials: str = field(repr=False)

    @classmethod
    def at(cls, url: str) -> Proxy:
        """Return the proxy at a URL, which may hold a user name and a password."""
        parts = urlsplit(url)
        user = unquote(parts.netloc.rpartition("@")[0])
        credentials = b64encode(user.encode()).decode()
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        return cls(str(parts.hostname), port, parts.scheme == "https", credentials)

    def open_tunnel(self, sock: socket.socket, host: str, port: int) -> None:
        """Ask for a tunnel to a place.

        Raises:
            OSError: there is none.
        """
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        if self.credentials:
            lines.append(f"Proxy-Authorization: Basic {self.credentials}")
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = Answer(sock, method="CONNECT")
        try:
            answer.begin()
            if answer.status != HTTPStatus.OK:
                raise RefusedError
        finally:
            answer.close()


class RefusedError(OSError):
    """The proxy refused."""
