"""Fixtures for tests with servers that misbehave."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest
from faulty_places import Certificates, Site
from faulty_server import FaultyServer, Handler

from authkit.transport import PooledAdapter, Transport


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give a certificate authority of our own."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def good_context(certificates: Certificates) -> ssl.SSLContext:
    """Give a certificate that is right for a server on this machine."""
    return certificates.context("127.0.0.1", "localhost")


@pytest.fixture
def serve(good_context: ssl.SSLContext) -> Iterator[Site]:
    """Give a function that starts a server, with TLS unless told otherwise; it ends with the test."""
    servers: list[FaultyServer] = []

    def start(handle: Handler, tls: bool = True, context: ssl.SSLContext | None = None) -> FaultyServer:
        server = FaultyServer(handle, (context or good_context) if tls else None)
        servers.append(server)
        return server.__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def transport_to(certificates: Certificates) -> Callable[[FaultyServer], Transport]:
    """Give a function that returns a transport, with connections of its own, to a server."""

    def make(server: FaultyServer) -> Transport:
        plain = [] if server.context else [f"http://{server.host}"]
        return Transport(PooledAdapter(certificates.bundle), plain_origins=plain)

    return make
