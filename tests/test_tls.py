"""TLS to providers: sessions are resumed, of one host only, and no longer than a certificate is believed."""

from __future__ import annotations

import socket
import ssl

import pytest
from faulty_places import Certificates, Site, To
from faulty_server import OK, FaultyServer, Peer, answering
from transport_calls import ask

from authkit.connection import Connection, Ways
from authkit.resolver import Resolver, look_up
from authkit.tls import MAX_SESSIONS, SESSION_SECONDS, Context, tls_context

pytest_plugins = ["faulty_fixtures"]

VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


class Clock:
    """Counts seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def answer_and_close(peer: Peer) -> None:
    """Answer one request, and end the connection without saying so."""
    if peer.read_request():
        peer.send(OK)


def resumed(server: FaultyServer) -> int:
    """Return how many connections have resumed a session."""
    assert server.context is not None
    return int(server.context.session_stats()["hits"])


def connect(context: Context, server: FaultyServer, host: str = "127.0.0.1") -> bool:
    """Ask a server once, keep the session, and return whether it was an old one that was resumed."""
    plain = socket.create_connection(("127.0.0.1", server.port), 5)
    with context.wrap_socket(plain, server_hostname=host) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        sock.recv(1024)
        context.keep(sock)
        return bool(sock.session_reused)


@VERSIONS
def test_a_connection_that_takes_a_closed_one_s_place_resumes_its_session(
    serve: Site, transport_to: To, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    context = certificates.context("127.0.0.1")
    context.maximum_version = version
    server = serve(answer_and_close, context=context)
    transport = transport_to(server)
    for _ in range(3):
        assert ask(transport, server.url).status_code == 200

    assert (server.accepted, resumed(server)) == (3, 2)


def test_no_other_protocol_than_http_1_1_is_offered(
    serve: Site, transport_to: To, certificates: Certificates
) -> None:
    context = certificates.context("127.0.0.1")
    context.set_alpn_protocols(["h2", "http/1.1"])
    chosen = []

    def handle(peer: Peer) -> None:
        chosen.append(peer.sock.selected_alpn_protocol())  # type: ignore[attr-defined]  # it is in TLS
        answer_and_close(peer)

    ask(transport_to(server := serve(handle, context=context)), server.url)
    assert chosen == ["http/1.1"]


def test_another_transport_resumes_nothing(serve: Site, transport_to: To, certificates: Certificates) -> None:
    server = serve(answer_and_close, context=certificates.context("127.0.0.1"))
    for _ in range(2):
        ask(transport_to(server), server.url)

    assert (server.accepted, resumed(server)) == (2, 0)


def test_a_session_is_of_one_host_only(serve: Site, certificates: Certificates) -> None:
    server = serve(answer_and_close, context=certificates.context("127.0.0.1", "localhost"))
    context = tls_context(certificates.bundle)

    assert [connect(context, server, host) for host in ("127.0.0.1", "localhost", "127.0.0.1")] == [
        False,
        False,
        True,
    ]


def test_the_certificate_is_checked_again_in_time_however_often_a_session_is_resumed(
    serve: Site, certificates: Certificates
) -> None:
    server = serve(answer_and_close, context=certificates.context("127.0.0.1"))
    clock = Clock()
    context = tls_context(certificates.bundle, clock)
    tried = []
    for seconds in (0, 0.9, 0.09, 0.01):
        clock.now += seconds * SESSION_SECONDS
        tried.append(connect(context, server))

    assert tried == [False, True, True, False]


def test_the_certificate_is_checked_again_in_time_however_long_a_connection_is_used(
    serve: Site, certificates: Certificates
) -> None:
    server = serve(answering(OK), context=certificates.context("127.0.0.1"))
    clock = Clock()
    ways = Ways(Resolver(look_up), tls_context(certificates.bundle, clock))
    used, other = (Connection("127.0.0.1", server.port, ways, is_secure=True) for _ in range(2))
    for connection, seconds in ((used, 0), (used, 0.9), (other, 0.2)):
        clock.now += seconds * SESSION_SECONDS
        connection.ask("GET", "/", None, {}, 5, 5).read()
    used.close()
    other.close()

    assert (server.accepted, resumed(server)) == (2, 0)


def test_a_server_that_keeps_no_sessions_is_asked_all_the_same(
    serve: Site, transport_to: To, certificates: Certificates
) -> None:
    context = certificates.context("127.0.0.1")
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    server = serve(answer_and_close, context=context)
    transport = transport_to(server)

    assert [ask(transport, server.url).status_code for _ in range(2)] == [200, 200]
    assert resumed(server) == 0


def test_the_number_of_sessions_is_bounded(serve: Site, certificates: Certificates) -> None:
    names = [f"host-{number}.example" for number in range(MAX_SESSIONS + 1)]
    server = serve(answer_and_close, context=certificates.context(*names))
    context = tls_context(certificates.bundle)
    for name in names:
        connect(context, server, name)

    assert [connect(context, server, name) for name in (names[-1], names[0])] == [True, False]
