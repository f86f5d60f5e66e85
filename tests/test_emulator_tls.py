"""`serve` with TLS: certificates made on the spot, and faults that come before or within TLS."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
import requests
from cheroot.errors import FatalSSLAlert
from faulty_provider import TOKEN, Provider, open_session

from authkit.emulator import serve
from authkit.emulator.certificates import Certificates
from authkit.emulator.httpd import WORKERS, HttpServer, LateHandshake
from authkit.errors import ConfigError

REQUEST = b"POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def port_of(server):
    return int(server.origin.rpartition(":")[2])


def connect(server):
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=5)


@contextlib.contextmanager
def tls_to(server, name="localhost", **options):
    context = ssl.create_default_context(cafile=server.ca_bundle)
    for option, value in options.items():
        setattr(context, option, value)
    with connect(server) as plain, context.wrap_socket(plain, server_hostname=name) as sock:
        yield sock


def post(server, session=None, **options):
    with session or open_session() as used:
        used.verify = server.ca_bundle
        return used.post(f"{server.origin}/token", timeout=5, **options)


def test_the_certificate_is_good_for_whoever_trusts_the_bundle():
    with serve(Provider(), port=0, tls=True) as server:
        answer = post(server)
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(f"{server.origin}/token", timeout=5)

    assert server.origin.startswith("https://127.0.0.1:")
    assert answer.json() == TOKEN


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "tiktok.test", "*.tiktok.test", "10.1.2.3"])
def test_the_certificate_has_every_name(name):
    with (
        serve(Provider(), port=0, tls=True, names=["tiktok.test", "*.tiktok.test", "10.1.2.3"]) as server,
        tls_to(server, name.replace("*", "www")) as sock,
    ):
        assert sock.getpeercert()["subjectAltName"]


def test_the_certificate_has_no_other_name():
    with (
        serve(Provider(), port=0, tls=True) as server,
        pytest.raises(ssl.SSLCertVerificationError),
        tls_to(server, "tiktok.test"),
    ):
        pass


def test_the_application_sees_https():
    seen = []

    def app(environ, start_response):
        seen.append(environ["wsgi.url_scheme"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with serve(app, port=0, tls=True) as server:
        post(server)

    assert seen == ["https"]


def test_tls_is_of_version_1_2_or_newer():
    with (
        serve(Provider(), port=0, tls=True) as server,
        tls_to(server, maximum_version=ssl.TLSVersion.TLSv1_2) as sock,
    ):
        version = sock.version()

    with Certificates() as certificates:
        assert (version, certificates.context.minimum_version) == ("TLSv1.2", ssl.TLSVersion.TLSv1_2)


def test_the_bundle_is_there_until_the_server_is_closed_and_holds_no_key():
    with serve(Provider(), port=0, tls=True) as server:
        bundle = Path(server.ca_bundle)
        text = bundle.read_text()
        bundle.unlink()  # somebody who tidies up must not keep the server from ending

    assert "PRIVATE" not in text
    with serve(Provider(), port=0, tls=True) as server:
        pass
    assert not Path(server.ca_bundle).exists()


def test_a_name_that_no_certificate_can_have_is_refused_and_the_port_is_free():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with pytest.raises(ConfigError, match="no certificate can be made for all of 127"):
        serve(Provider(), port=port, tls=True, names=["not a name"])
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_without_trustme_the_error_has_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(ConfigError) as caught:
        serve(Provider(), port=0, tls=True)

    assert caught.value.reason == "TLS needs trustme: pip install 'authkit-core[emulator]'"


def test_a_server_that_cannot_start_says_why():
    listener = socket.create_server(("127.0.0.1", 0))
    server, started = HttpServer(Provider(), listener), Future()
    listener.close()
    server.run(started)

    assert isinstance(started.exception(), OSError)


# Clients that do not shake hands.


def test_clients_that_stall_in_the_handshake_do_not_keep_others_waiting():
    with contextlib.ExitStack() as clients, serve(Provider(), port=0, tls=True) as server:
        for _ in range(2 * WORKERS):
            clients.enter_context(connect(server)).sendall(b"\x16\x03\x01")
        started = time.monotonic()
        answer = post(server)
        took = time.monotonic() - started

    assert answer.json() == TOKEN
    assert took < 3


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x00" * 100, b"\x00", b""])
def test_what_is_no_handshake_ends_the_connection_and_nothing_else(sent, caplog):
    with caplog.at_level(logging.WARNING), serve(Provider(), port=0, tls=True) as server:
        with connect(server) as sock, contextlib.suppress(OSError):
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(1000):
                pass
        answer = post(server)

    assert answer.json() == TOKEN
    assert caplog.messages == []


def test_a_client_that_has_gone_before_the_handshake_is_dropped():
    server_side, client_side = socket.socketpair()
    client_side.close()
    server_side.close()

    with pytest.raises(FatalSSLAlert):
        LateHandshake(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)).wrap(server_side)


def test_the_adapter_leaves_the_listening_socket_and_the_environment_alone():
    adapter = LateHandshake(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    with socket.socket() as sock:
        assert adapter.bind(sock) is sock
        assert adapter.get_environ() == {}
        adapter.makefile(sock, "wb").close()


# Faults.


def test_a_slow_connection_comes_before_the_handshake_whatever_its_endpoint():
    provider = Provider("userinfo:slow-connect=0.3:once")
    with serve(provider, port=0, tls=True) as server:
        started = time.monotonic()
        with tls_to(server):
            took = time.monotonic() - started
        left = list(provider.workbench.faults)

    assert 0.3 <= took < 2
    assert left == []


def test_a_slow_connection_is_slow_once_and_then_used_as_it_is():
    provider = Provider("token:slow-connect=2")
    with serve(provider, port=0, tls=True) as server, open_session() as session:
        started = time.monotonic()
        for _ in range(3):
            session.post(f"{server.origin}/token", timeout=5, verify=server.ca_bundle)
        took = time.monotonic() - started

    assert 2 <= took < 5.5
    assert [recorded.fault for recorded in provider.workbench.requests] == ["", "", ""]


def test_a_slow_connection_is_nothing_that_any_application_has():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with serve(app, port=0, tls=True) as server:
        assert post(server).status_code == 200


def test_a_slow_connection_ends_with_the_server():
    with connect(server := serve(Provider("token:slow-connect=60"), port=0, tls=True)):
        time.sleep(0.05)
        started = time.monotonic()
        server.close()

        assert time.monotonic() - started < 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("authkit-serve")]


@pytest.mark.parametrize("kind", ["reset", "reset-headers", "reset-body"])
def test_a_reset_ends_the_connection_without_a_word_of_tls(kind):
    with serve(Provider(f"token:{kind}"), port=0, tls=True) as server, tls_to(server) as sock:
        sock.suppress_ragged_eofs = False
        sock.sendall(REQUEST)
        received = []
        with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
            received.extend(iter(lambda: sock.recv(1000), b""))

    assert not b"".join(received).endswith(b"}")
    assert kind != "reset-headers" or b"".join(received) == b"HTTP/1.1 2"


@pytest.mark.parametrize("kind", ["reset", "reset-headers", "reset-body"])
def test_no_client_takes_a_reset_for_an_answer(kind):
    with serve(Provider(f"token:{kind}"), port=0, tls=True) as server, pytest.raises(requests.RequestException):
        post(server)


def test_what_tls_has_read_already_is_answered_too():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "1")])
        return [environ["PATH_INFO"][-1:].encode()]

    head = b"POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    room = io.DEFAULT_BUFFER_SIZE - len(head % 1000)
    with serve(app, port=0, tls=True) as server, tls_to(server) as sock:
        started = time.monotonic()
        sock.sendall(head % room + b"x" * room + REQUEST)  # one record, and its first request fills the buffer
        received = b"".join(iter(lambda: sock.recv(1000), b""))
        took = time.monotonic() - started

    assert re.findall(rb"\r\n\r\n(.)", received) == [b"1", b"n"]
    assert took < 4


def test_bytes_drip_one_by_one():
    with serve(Provider("token:drip=0.02"), port=0, tls=True) as server, tls_to(server) as sock:
        sock.sendall(REQUEST)
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += sock.recv(1000)
        pieces = [sock.recv(1000) for _ in range(5)]

    assert [len(piece) for piece in pieces] == [1] * 5


def test_a_client_that_leaves_while_bytes_drip_costs_nothing(caplog):
    with caplog.at_level(logging.WARNING), serve(Provider("token:drip=0.01:once"), port=0, tls=True) as server:
        with tls_to(server) as sock:
            sock.sendall(REQUEST)
            sock.recv(200)
        answers = [post(server).json() for _ in range(WORKERS)]

    assert answers == [TOKEN] * WORKERS
    assert caplog.messages == []
