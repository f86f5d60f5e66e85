"""A provider at the other end of real sockets, for apps that are watched from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fakes import TOKEN, USER, Network, acme
from faulty_server import Peer
from requests import PreparedRequest, Response

from authkit import OAuth2Provider
from authkit.transport import PooledAdapter

BODIES: Mapping[str, bytes] = {"token": json.dumps(TOKEN).encode(), "me": json.dumps(USER).encode()}
"""What the provider answers at each endpoint."""


class Wire(Network):
    """The way to a real server; it remembers what was asked. Once repaired, it leads to a good one."""

    def __init__(self, bundle: str, **options: Any) -> None:
        super().__init__()
        self.adapter = PooledAdapter(bundle, **options)
        self.is_broken = True

    def repair(self) -> None:
        super().repair()
        self.is_broken = False

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        if not self.is_broken:
            return super().send(request)
        self.note(request)
        return self.adapter.send(request, **options)


def acme_at(host: str) -> OAuth2Provider:
    """Return Acme, whose API stands at a host."""
    return replace(acme, token_url=f"https://{host}/token", userinfo_url=f"https://{host}/me")


def head(status: str = "200 OK", *headers: str) -> bytes:
    """Return the head of an answer."""
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode()


def endpoint_of(request: bytes) -> str:
    """Return which endpoint a request is for."""
    return "token" if request.startswith(b"POST /token") else "me"


def well(peer: Peer) -> None:
    """Answer as a provider should."""
    while request := peer.read_request():
        body = BODIES[endpoint_of(request)]
        peer.send(head("200 OK", f"Content-Length: {len(body)}") + body)
