"""The transport against real servers on the loopback interface, most of them broken in one way or another."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import logging
import logging.config
import os
import select
import socket
import ssl
import sys
import threading
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import urllib3
from fake_socks import Sock
from faulty_places import Certificates, Site, To, black_hole, closed_port, resolving_to, self_signed
from faulty_server import OK, FaultyServer, Handler, Peer, answering, answering_once
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from transport_calls import (
    PLAIN_AND_TLS,
    SECRET,
    ask,
    assert_ends_in_time,
    nonsense,
    refusal,
    session_on,
    unavailable,
    with_head,
)

import authkit
from authkit.connection import Connection, Ways
from authkit.deadline import Deadline
from authkit.errors import AuthkitError, ProviderProtocolError, ProviderUnavailable
from authkit.pool import MAX_IDLE, Pools
from authkit.resolver import LOOK_UPS_AT_ONCE, Resolver, look_up
from authkit.tls import tls_context
from authkit.transport import MAX_BODY, PooledAdapter, Transport, pooled_adapter

pytest_plugins = ["faulty_fixtures"]

# What works.


@PLAIN_AND_TLS
def test_an_answer_comes_with_status_headers_and_body(serve: Site, transport_to: To, tls: bool) -> None:
    server = serve(answering(with_head("201 Made\r\nX-Log-Id: 7\r\nContent-Length: 8", b'{"a": 1}')), tls)
    answer = ask(transport_to(server), server.url)
    assert (answer.status_code, answer.reason, answer.headers["X-Log-Id"]) == (201, "Made", "7")
    assert answer.json() == {"a": 1}
    assert answer.url == server.url
    assert isinstance(answer.raw, io.BytesIO)


def test_a_form_is_posted_as_it_is(serve: Site, transport_to: To) -> None:
    server = serve(answering(OK))
    ask(transport_to(server), f"{server.url}?a=b", "POST", data={"code": "c d"})
    assert server.requests[0].startswith(b"POST /x?a=b HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"\r\n\r\ncode=c+d")


def test_a_form_of_unknown_length_is_posted_in_chunks(serve: Site, transport_to: To) -> None:
    server = serve(answering(OK))
    ask(transport_to(server), server.url, "POST", data=iter([b"code=", b"c+d"]))
    assert server.requests[0].endswith(b"\r\n\r\n5\r\ncode=\r\n3\r\nc+d\r\n0\r\n\r\n")


@PLAIN_AND_TLS
def test_a_request_goes_out_in_one_piece(serve: Site, transport_to: To, tls: bool) -> None:
    def read_once(peer: Peer) -> None:
        peer.server.requests.append(peer.sock.recv(65536))
        peer.send(OK)

    server = serve(read_once, tls)
    ask(transport_to(server), server.url, "POST", data={"code": "c d"})
    assert [request.endswith(b"\r\n\r\ncode=c+d") for request in server.requests] == [True]


def connection_to(server: FaultyServer) -> Connection:
    return Connection("127.0.0.1", server.port, Ways(Resolver(look_up), tls_context(None)), is_secure=False)


@pytest.mark.parametrize(
    ("port", "is_secure", "host"),
    [
        (443, True, b"acme.example"),
        (80, False, b"acme.example"),
        (80, True, b"acme.example:80"),
        (443, False, b"acme.example:443"),
    ],
)
def test_a_host_is_named_without_a_port_that_goes_without_saying(port: int, is_secure: bool, host: bytes) -> None:
    connection = Connection("acme.example", port, Ways(Resolver(look_up), tls_context(None)), is_secure=is_secure)
    connection.sock = sock = Sock(OK)
    connection.ask("GET", "/", None, {}, 5, 5)
    assert b"\r\nHost: %b\r\n" % host in sock.sent


def test_what_is_sent_does_not_wait_for_more(serve: Site) -> None:
    connection = connection_to(serve(answering(OK), tls=False))
    connection.ask("GET", "/", None, {}, 5, 5).read()
    assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    connection.close()


def test_an_audit_hook_is_told_where_a_connection_goes(serve: Site) -> None:
    told: list[tuple[Any, ...]] = []
    sys.addaudithook(lambda event, args: told.append(args) if event == "http.client.connect" else None)
    server = serve(answering(OK), tls=False)
    connection = connection_to(server)
    connection.ask("GET", "/", None, {}, 5, 5).read()
    connection.close()
    assert told == [(connection, "127.0.0.1", server.port)]


def test_a_request_that_cannot_be_written_holds_nothing_back_of_what_comes_next(serve: Site) -> None:
    def read_once(peer: Peer) -> None:
        peer.server.requests.append(peer.sock.recv(65536))

    server = serve(read_once, tls=False)
    connection = connection_to(server)
    with pytest.raises(ValueError, match="method"):
        connection.ask("NO\nMETHOD", "/", None, {}, 5, 5)
    connection.send(b"CONNECT")
    assert connection.sock.recv(1) == b""  # the server has read, and ends the connection
    connection.close()
    assert server.requests == [b"CONNECT"]


def test_two_calls_use_one_connection(serve: Site, transport_to: To) -> None:
    server = serve(answering(OK))
    transport = transport_to(server)
    assert [ask(transport, server.url).status_code for _ in range(2)] == [200, 200]
    assert (server.accepted, len(server.requests)) == (1, 2)


def test_an_answer_without_a_body_leaves_its_connection_for_the_next_call(serve: Site, transport_to: To) -> None:
    server = serve(answering(with_head("204 No Content")))
    transport = transport_to(server)
    assert [ask(transport, server.url).content for _ in range(2)] == [b"", b""]
    assert server.accepted == 1


def test_an_error_status_is_an_answer_like_any_other(serve: Site, transport_to: To) -> None:
    server = serve(answering(with_head("503 Busy\r\nRetry-After: 3\r\nContent-Length: 4", b"busy")))
    answer = ask(transport_to(server), server.url)
    assert (answer.status_code, answer.text, len(server.requests)) == (503, "busy", 1)


def test_a_compressed_answer_is_unpacked(serve: Site, transport_to: To) -> None:
    body = gzip.compress(b'{"a": 1}')
    server = serve(answering(with_head(f"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}", body)))
    assert ask(transport_to(server), server.url).json() == {"a": 1}
    assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


@pytest.mark.parametrize(("encoding", "is_packed"), [("x-gzip", True), (" GZip ", True), ("identity", False)])
def test_an_encoding_goes_by_other_names(serve: Site, transport_to: To, encoding: str, is_packed: bool) -> None:
    body = gzip.compress(b"{}") if is_packed else b"{}"
    head = f"200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}"
    server = serve(answering(with_head(head, body)), tls=False)
    assert ask(transport_to(server), server.url).content == b"{}"


def test_no_cookie_is_kept(serve: Site, transport_to: To) -> None:
    server = serve(answering(with_head("200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0")))
    with session_on(transport_to(server)) as session:
        session.get(server.url)
        answer = session.get(server.url)
    assert b"cookie:" not in server.requests[1].lower()
    assert not session.cookies
    assert not answer.cookies


def test_closing_the_session_leaves_the_shared_connections_open(serve: Site, transport_to: To) -> None:
    server = serve(answering(OK))
    transport = transport_to(server)
    for _ in range(2):
        with session_on(transport) as session:
            session.get(server.url)
    assert server.accepted == 1


def test_an_adapter_that_is_closed_has_no_idle_connection_left(serve: Site, certificates: Certificates) -> None:
    server = serve(answering(OK))
    adapter = PooledAdapter(certificates.bundle)
    adapter.close()
    for _ in range(2):
        ask(Transport(adapter), server.url)
        adapter.close()
    assert server.accepted == 2


def test_32_threads_at_once_are_served(serve: Site, transport_to: To) -> None:
    server = serve(answering(OK))
    transport, statuses, before = transport_to(server), [], threading.active_count()

    def work() -> None:
        statuses.extend(ask(transport, server.url).status_code for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 160
    assert server.accepted <= 32
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("authkit")]
    assert [thread.name for thread in ours] == ["authkit-watchdog"]
    assert threading.active_count() <= before + server.accepted + 1


def test_the_same_settings_share_one_adapter() -> None:
    assert pooled_adapter() is pooled_adapter(None, proxy=None)
    assert pooled_adapter("a.pem") is not pooled_adapter()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # that is the test
def test_a_forked_child_uses_connections_of_its_own(serve: Site, transport_to: To) -> None:
    server = serve(answering(OK))
    transport = transport_to(server)
    ask(transport, server.url)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with Deadline(5):
                code = 0 if ask(transport, server.url).status_code == 200 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ask(transport, server.url).status_code == 200
    assert server.accepted == 2


# Where requests go.


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://provider.example/x", "ftp://provider.example/x"])
def test_an_address_without_tls_is_refused(url: str) -> None:
    request = PreparedRequest()
    request.prepare("GET", url)
    with pytest.raises(ProviderProtocolError):
        Transport(NoNetwork()).send(request)


def test_a_plain_server_that_is_not_listed_gets_no_request(serve: Site, certificates: Certificates) -> None:
    server = serve(answering(OK), tls=False)
    transport = Transport(PooledAdapter(certificates.bundle), plain_origins=["http://127.0.0.1:1"])
    nonsense(transport, server.url.replace("https", "http"))
    assert server.accepted == 0
    unavailable(transport, server.url, seconds=0.5)
    assert server.requests == []


@pytest.mark.parametrize(
    ("origin", "url", "sent"),
    [
        ("http://127.0.0.1:8787", "https://127.0.0.1:8787/t?a=b", "http://127.0.0.1:8787/t?a=b"),
        ("http://[::1]:8787", "https://[::1]:8787/t", "http://[::1]:8787/t"),
        ("http://localhost", "https://localhost:80/t", "http://localhost:80/t"),
        ("http://localhost:80", "https://localhost/t", "http://localhost/t"),
        ("http://127.0.0.1:8787", "https://127.0.0.1:878/t", "https://127.0.0.1:878/t"),
        ("http://127.0.0.1:8787", "https://127.0.0.1:8787@evil.example/t", "https://127.0.0.1:8787@evil.example/t"),
        ("http://127.0.0.1:8787", "https://evil.example/127.0.0.1:8787/", "https://evil.example/127.0.0.1:8787/"),
    ],
)
def test_only_a_listed_origin_is_spoken_to_without_tls(origin: str, url: str, sent: str) -> None:
    adapter = Recording()
    answer = ask(Transport(adapter, plain_origins=[origin]), url)
    assert adapter.requests[0].url == sent
    assert answer.url == url
    assert answer.request.url == url


# Time.


def drip_headers(peer: Peer) -> None:
    peer.read_request()
    peer.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: 1\r\n" * 100)


def drip_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nContent-Length: 1000"))
    peer.drip(b" " * 1000)


def drip_body_until_close(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nConnection: close"))
    peer.drip(b" " * 1000)


def drip_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nTransfer-Encoding: chunked"))
    peer.drip(b"1\r\n \r\n" * 1000)


def say_nothing(peer: Peer) -> None:
    peer.read_request()
    peer.hang()


SLOW = pytest.mark.parametrize(
    "handle", [say_nothing, drip_headers, drip_body, drip_body_until_close, drip_chunks], ids=lambda f: f.__name__
)


@SLOW
@PLAIN_AND_TLS
def test_flt_02_and_03_a_slow_answer_ends_in_time(serve: Site, transport_to: To, handle: Handler, tls: bool) -> None:
    server = serve(handle, tls)
    assert_ends_in_time(transport_to(server), server.url, "POST")
    assert len(server.requests) == 1


@SLOW
def test_a_slow_answer_on_a_kept_connection_ends_too(serve: Site, transport_to: To, handle: Handler) -> None:
    def quick_then_slow(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        handle(peer)

    server = serve(quick_then_slow)
    transport = transport_to(server)
    ask(transport, server.url)
    assert_ends_in_time(transport, server.url)
    assert server.accepted == 1


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_slow_handshake_ends_with_the_deadline(serve: Site, certificates: Certificates, drips: bool) -> None:
    def handshake(peer: Peer) -> None:
        peer.sock.recv(65536)
        if drips:
            peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000)
        peer.hang()

    server = serve(handshake, tls=False)
    assert_ends_in_time(Transport(PooledAdapter(certificates.bundle)), server.url)


def test_a_single_wait_is_shorter_than_a_long_deadline(serve: Site, certificates: Certificates) -> None:
    server = serve(say_nothing)
    request = requests.Request("GET", server.url).prepare()
    with pytest.raises(TimeoutError):
        PooledAdapter(certificates.bundle).send(request, timeout=(5, 0.2))


def test_without_a_deadline_a_call_has_one_of_its_own() -> None:
    adapter = Recording()
    ask(Transport(adapter), "https://provider.example/")
    assert adapter.timeouts == [(5, 10)]
    assert 14.5 < adapter.remaining[0] <= 15
    assert Deadline.current() is None


def test_time_limits_shrink_with_the_deadline_and_no_caller_stretches_them() -> None:
    adapter = Recording()
    with Deadline(2):
        ask(Transport(adapter), "https://provider.example/", timeout=600)
    (connect, read) = adapter.timeouts[0]
    assert 1.5 < connect <= 2
    assert 1.5 < read <= 2


def test_nothing_is_sent_after_the_deadline() -> None:
    with Deadline(0), pytest.raises(ProviderUnavailable, match="the deadline of 0 s passed"):
        ask(Transport(NoNetwork()), "https://provider.example/")


# Connecting.


def test_flt_01_a_closed_port_is_a_refused_connection() -> None:
    assert unavailable(Transport(), f"https://127.0.0.1:{closed_port()}/") == "connection refused"


def test_flt_19_a_name_that_does_not_exist_is_said_to() -> None:
    with Deadline(10), pytest.raises(ProviderUnavailable) as caught:
        ask(Transport(), "https://provider.invalid/")
    assert caught.value.reason == "name resolution failed"


def test_flt_19_a_resolver_that_hangs_ends_in_time() -> None:
    released = threading.Event()

    def hang(host: str, port: int) -> list[tuple[Any, ...]]:
        released.wait(10)
        return []

    transport = Transport(PooledAdapter(look_up=hang))
    try:
        assert_ends_in_time(transport, "https://provider.example/")
    finally:
        released.set()


def test_a_look_up_ends_soon_after_it_is_to_give_up() -> None:
    released = threading.Event()

    def hang(host: str, port: int) -> list[tuple[Any, ...]]:
        released.wait(10)
        return []

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        Resolver(hang).resolve("provider.example", 443, 10, lambda: True)
    released.set()
    assert time.monotonic() - started < 5


class Impatient:
    """Says that an operation has to give up, a moment from now, for the sake of others."""

    def __init__(self) -> None:
        self.ends_at = time.monotonic() + 0.2

    def gives_up_at(self) -> float:
        return self.ends_at

    def heard(self) -> None:
        """Do nothing."""


def test_a_call_gives_up_for_the_sake_of_others_while_its_name_is_looked_up() -> None:
    released = threading.Event()

    def hang(host: str, port: int) -> list[tuple[Any, ...]]:
        released.wait(10)
        return []

    transport = Transport(PooledAdapter(look_up=hang))
    started = time.monotonic()
    try:
        with Deadline(10, Impatient()), pytest.raises(ProviderUnavailable, match="enough are waiting for it"):
            ask(transport, "https://provider.example/")
    finally:
        released.set()
    assert time.monotonic() - started < 5


def test_look_ups_that_hang_are_bounded_in_number() -> None:
    released, asked = threading.Event(), []

    def hang(host: str, port: int) -> list[tuple[Any, ...]]:
        asked.append(host)
        released.wait(10)
        return []

    resolver = Resolver(hang)
    for _ in range(LOOK_UPS_AT_ONCE + 2):
        with pytest.raises(TimeoutError):
            resolver.resolve("provider.example", 443, 0.01)
    released.set()
    assert len(asked) == LOOK_UPS_AT_ONCE


def test_a_look_up_that_is_over_makes_room_for_the_next() -> None:
    resolver = Resolver(resolving_to(("127.0.0.1", 443)))
    found = [resolver.resolve("provider.example", 443, 1) for _ in range(LOOK_UPS_AT_ONCE + 2)]
    assert len(found) == LOOK_UPS_AT_ONCE + 2


def test_nothing_waits_on_a_queue_whose_timeout_may_be_missed() -> None:
    """SimpleQueue.get(timeout=0.000001) waits for ever now and then, too seldom to be seen by calling `resolve`."""
    sources = Path(authkit.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if "SimpleQueue(" in path.read_text("utf-8")] == []


def test_a_look_up_that_took_its_time_is_named_as_the_cause(certificates: Certificates) -> None:
    def hang(host: str, port: int) -> list[tuple[Any, ...]]:
        time.sleep(0.3)
        return []

    error = failure_in(Adapted(PooledAdapter(certificates.bundle, look_up=hang), timeout=(0.1, 0.1)))
    assert error.reason == "name resolution timed out"


def test_a_look_up_that_takes_a_while_is_waited_for_where_there_is_no_deadline(serve: Site) -> None:
    server = serve(answering(OK), tls=False)

    def take_a_while(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        time.sleep(0.3)
        return resolving_to(("127.0.0.1", server.port))(host, port)

    connection = Connection("provider.example", 80, Ways(Resolver(take_a_while), tls_context(None)), is_secure=False)
    assert connection.ask("GET", "/", None, {}, 5, 5).read() == b"{}"
    connection.close()


def test_a_malformed_host_name_is_no_crash() -> None:
    assert unavailable(Transport(), f"https://{'a' * 64}.example/") == "the host name is malformed"


def test_a_name_without_addresses_cannot_be_reached() -> None:
    transport = Transport(PooledAdapter(look_up=resolving_to()))
    assert unavailable(transport, "https://provider.example/") == "cannot connect"


def test_the_next_address_is_tried_when_one_refuses(serve: Site, certificates: Certificates) -> None:
    server = serve(answering(OK), context=certificates.context("provider.example"))
    addresses = resolving_to(("127.0.0.1", closed_port()), ("127.0.0.1", server.port))
    transport = Transport(PooledAdapter(certificates.bundle, look_up=addresses))
    assert ask(transport, "https://provider.example/").status_code == 200


def test_the_next_address_is_tried_when_one_is_silent(serve: Site, certificates: Certificates) -> None:
    server = serve(answering(OK), context=certificates.context("provider.example"))
    with black_hole() as silent:
        addresses = resolving_to(silent, ("127.0.0.1", server.port))
        transport = Transport(PooledAdapter(certificates.bundle, look_up=addresses))
        started = time.monotonic()
        with Deadline(1):
            assert ask(transport, "https://provider.example/").status_code == 200
        assert time.monotonic() - started > 0.49


@pytest.mark.parametrize(("timeout", "more_than", "at_most"), [(10, 5, 10), (0.9, 0, 0.9), (None, 2.5, 5)])
def test_what_is_left_of_the_time_is_left_to_the_handshake(
    serve: Site, timeout: float | None, more_than: float, at_most: float
) -> None:
    place = ("127.0.0.1", serve(answering(OK), tls=False).port)
    ways = Ways(Resolver(resolving_to(place, place)), tls_context(None))
    connection = Connection("provider.example", 80, ways, is_secure=False)
    connection.timeout = timeout
    connection.connect()
    assert more_than < connection.sock.gettimeout() <= at_most
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    assert connection.sock.recv(4) == b"HTTP"
    connection.close()


def test_the_last_address_has_all_the_time_that_is_left() -> None:
    with black_hole() as (host, port):
        started = time.monotonic()
        failure_in(Adapted(PooledAdapter(), timeout=(0.4, 0.1)), f"https://{host}:{port}/")
        assert time.monotonic() - started >= 0.4


def test_who_sets_no_limits_has_ours_for_connecting(serve: Site) -> None:
    connection = connection_to(serve(answering(OK), tls=False))
    assert connection.ask("GET", "/", None, {}, None, None).read() == b"{}"
    connection.close()


def test_flt_01_an_address_that_never_answers_ends_in_time() -> None:
    with black_hole() as (host, port):
        adapter = PooledAdapter()
        assert_ends_in_time(Transport(adapter), f"https://{host}:{port}/")
        error = failure_in(Adapted(adapter, timeout=(0.1, 0.1)), f"https://{host}:{port}/")
        assert error.reason == "connect timed out"


# Certificates.


def test_flt_18_certificates_that_are_not_right_are_refused_before_a_byte_is_sent(
    serve: Site, certificates: Certificates
) -> None:
    past = datetime.now(timezone.utc) - timedelta(days=1)
    wrong = {
        "certificate has expired": certificates.context(
            "127.0.0.1", not_before=past - timedelta(days=1), not_after=past
        ),
        "certificate is not valid for '127.0.0.1'.": certificates.context("other.example"),
        "unable to get local issuer certificate": certificates.context("127.0.0.1", authority=trustme.CA()),
        "self-signed certificate": self_signed("127.0.0.1"),
    }
    transport = Transport(PooledAdapter(certificates.bundle))
    for words, context in wrong.items():
        server = serve(answering(OK), context=context)
        reason = unavailable(transport, server.url, "POST", data={"client_secret": SECRET})
        assert reason.startswith("certificate verify failed: ")
        assert reason.replace("self signed", "self-signed").endswith(words)
        assert (server.accepted, server.requests) == (1, [])


def test_a_host_name_in_the_common_name_alone_does_not_count(serve: Site, certificates: Certificates) -> None:
    context = certificates.context("127.0.0.2", common_name="provider.example")
    server = serve(answering(OK), context=context)
    adapter = PooledAdapter(certificates.bundle, look_up=resolving_to(("127.0.0.1", server.port)))
    assert "not valid for" in unavailable(Transport(adapter), "https://provider.example/")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["1.0", "1.1"])
def test_flt_18_old_tls_is_refused(serve: Site, certificates: Certificates, version: ssl.TLSVersion) -> None:
    context = certificates.context("127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what is deprecated is what is tested
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = serve(answering(OK), context=context)
    assert unavailable(Transport(PooledAdapter(certificates.bundle)), server.url).startswith("TLS failed")
    assert (server.handshakes, server.requests) == (0, [])


def test_a_server_without_tls_is_told_from_one_that_has_it(serve: Site, certificates: Certificates) -> None:
    server = serve(lambda peer: peer.send(OK), tls=False)
    reason = unavailable(Transport(PooledAdapter(certificates.bundle)), server.url)
    assert reason in {"TLS failed: WRONG_VERSION_NUMBER", "TLS failed: RECORD_LAYER_FAILURE"}


def test_the_usual_authorities_are_trusted_and_ours_is_not(serve: Site) -> None:
    server = serve(answering(OK))
    assert "certificate verify failed" in unavailable(Transport(PooledAdapter()), server.url)


def test_a_bundle_that_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    transport = Transport(PooledAdapter(str(tmp_path / "missing.pem")))
    assert unavailable(transport, "https://127.0.0.1:1/") == "the CA bundle cannot be loaded"


def test_a_caller_cannot_weaken_the_check(serve: Site, certificates: Certificates) -> None:
    server = serve(answering(OK), context=certificates.context("other.example"))
    proxies = {"https": "http://127.0.0.1:1"}
    with Deadline(1), pytest.raises(ProviderUnavailable, match="certificate verify failed"):
        ask(Transport(PooledAdapter(certificates.bundle)), server.url, verify=False, proxies=proxies, timeout=None)


def test_flt_18_the_environment_changes_nothing(
    serve: Site, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trap = serve(answering(OK)), serve(answering(OK), tls=False)
    (tmp_path / ".netrc").write_text(f"default login thief password {SECRET}\n")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, certificates.bundle)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://{trap.host}")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert "certificate verify failed" in unavailable(Transport(PooledAdapter()), server.url)
    trusting = Transport(PooledAdapter(certificates.bundle))
    with requests.Session() as session:  # one that does read the environment
        session.mount("https://", trusting)
        session.get(server.url, headers={"X-Call": "1"})
    with session_on(trusting) as session:
        session.get(server.url, headers={"X-Call": "2"})
    nonsense(Transport(), trap.url.replace("https", "http"))
    assert trap.accepted == 0
    assert b"authorization" not in server.requests[1].lower()
    assert not (tmp_path / "keys").exists()


# Answers that are not to be had.


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_flt_16_a_redirect_is_not_followed(serve: Site, transport_to: To, status: int) -> None:
    trap = serve(answering(OK))
    server = serve(answering(with_head(f"{status} Go\r\nLocation: {trap.url}?{SECRET}\r\nContent-Length: 0")))
    reason = nonsense(transport_to(server), server.url, "POST")
    assert reason == f"the provider answered {status}; redirects are not followed"
    assert (trap.accepted, len(server.requests)) == (0, 1)


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(serve: Site, transport_to: To) -> None:
    body = b"x" * MAX_BODY
    server = serve(answering(with_head(f"200 OK\r\nContent-Length: {MAX_BODY}", body)))
    assert ask(transport_to(server), server.url).content == body
    server = serve(answering(with_head(f"200 OK\r\nContent-Length: {MAX_BODY + 1}", body + b"x")))
    assert nonsense(transport_to(server), server.url) == "the answer is larger than 1048576 bytes"


def endless_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nTransfer-Encoding: chunked"))
    while True:
        peer.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def endless_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK"))
    while True:
        peer.send(b"x" * 65536)


def one_chunk_of_a_gigabyte(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nTransfer-Encoding: chunked", b"40000000\r\n"))
    while True:
        peer.send(b"x" * 65536)


def ten_megabytes(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nContent-Length: 10000000"))
    peer.send(b"x" * 10_000_000)


BOMB = gzip.compress(bytes(100_000_000))


def gzip_bomb(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head(f"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}", BOMB))


@pytest.mark.parametrize(
    "handle",
    [endless_chunks, endless_body, one_chunk_of_a_gigabyte, ten_megabytes, gzip_bomb],
    ids=lambda handle: handle.__name__,
)
def test_flt_08_a_body_that_is_too_large_ends_early(serve: Site, transport_to: To, handle: Handler) -> None:
    server = serve(handle, tls=False)
    tracemalloc.start()
    try:
        reason = nonsense(transport_to(server), server.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason == "the answer is larger than 1048576 bytes"
    assert peak < 20_000_000


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip", "zstd", "x-unknown"])
def test_a_compression_that_was_not_asked_for_is_refused(serve: Site, transport_to: To, encoding: str) -> None:
    server = serve(answering(with_head(f"200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 2", b"{}")))
    assert nonsense(transport_to(server), server.url).startswith("the answer is compressed in a way")


@pytest.mark.parametrize("framing", ["Content-Length: 9", "Connection: close", "Transfer-Encoding: chunked"])
def test_broken_compression_is_nonsense(serve: Site, transport_to: To, framing: str) -> None:
    body = b"9\r\nnot gzip!\r\n0\r\n\r\n" if "chunked" in framing else b"not gzip!"
    server = serve(answering_once(with_head(f"200 OK\r\nContent-Encoding: gzip\r\n{framing}", body)))
    assert nonsense(transport_to(server), server.url) == "the answer's compression is broken"


CHUNKED = with_head("200 OK\r\nTransfer-Encoding: chunked")
RESET = "connection reset, or: the answer was cut off"  # TLS does not always tell the one from the other


def reset_before_headers(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def reset_in_headers(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    time.sleep(0.1)
    peer.reset()


def reset_in_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(with_head("200 OK\r\nContent-Length: 100", b"{"))
    time.sleep(0.1)
    peer.reset()


def reset_in_handshake(peer: Peer) -> None:
    peer.sock.recv(100)
    peer.reset()


def end_in_handshake(peer: Peer) -> None:
    peer.sock.recv(65536)


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        (reset_before_headers, "the connection was closed without an answer"),
        (answering_once(b""), "the connection was closed without an answer"),
        (reset_in_headers, RESET),
        (reset_in_body, RESET),
        (answering_once(b"HTTP/1.1 200 OK\r\nContent-"), "the answer was cut off"),
        (answering_once(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"), "the answer was cut off"),
        (answering_once(b"HTTP/1.1 20"), "the answer was cut off"),
        (answering_once(with_head("200 OK\r\nContent-Length: 100", b"{")), "the answer was cut off"),
        (answering_once(CHUNKED + b"5\r\nab"), "the answer was cut off"),
        (answering_once(CHUNKED + b"5\r\nabcde\r\n"), "the answer was cut off"),
        (answering_once(CHUNKED + b"zz\r\nab\r\n"), "the answer was cut off"),
        (answering_once(b"SSH-2.0-OpenSSH_9.6\r\n"), "the answer is not HTTP"),
        (answering_once(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n"), "the answer is not HTTP"),
        (answering_once(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n"), "the answer is not HTTP"),
    ],
)  # fmt: skip
@PLAIN_AND_TLS
def test_flt_20_a_broken_answer_is_none(
    serve: Site, transport_to: To, handle: Handler, reason: str, tls: bool
) -> None:
    server = serve(handle, tls)
    assert unavailable(transport_to(server), server.url, "POST") in reason
    assert (server.accepted, len(server.requests)) == (1, 1)


@pytest.mark.parametrize("handle", [reset_in_handshake, end_in_handshake], ids=lambda handle: handle.__name__)
def test_a_handshake_that_breaks_off_is_a_failure(serve: Site, certificates: Certificates, handle: Handler) -> None:
    server = serve(handle, tls=False)
    reason = unavailable(Transport(PooledAdapter(certificates.bundle)), server.url)
    assert reason in {"connection reset", "TLS failed: the connection was closed"}


# Kept connections.


def closing_after(first: bytes, end: Callable[[Peer], None]) -> Handler:
    """Return a handler whose first connection ends in place of a second answer; all others are good."""

    def handle(peer: Peer) -> None:
        is_first = peer.server.accepted == 1
        while peer.read_request():
            if is_first and len(peer.server.requests) > 1:
                end(peer)
                return
            peer.send(first)

    return handle


BREAKS = pytest.mark.parametrize("end", [Peer.reset, lambda _: None], ids=["reset", "end"])


@BREAKS
@PLAIN_AND_TLS
def test_a_get_on_a_kept_connection_that_was_dead_is_sent_once_more(
    serve: Site, transport_to: To, end: Callable[[Peer], None], tls: bool
) -> None:
    server = serve(closing_after(OK, end), tls)
    transport = transport_to(server)
    assert [ask(transport, server.url).status_code for _ in range(2)] == [200, 200]
    assert (server.accepted, len(server.requests)) == (2, 3)


@BREAKS
@PLAIN_AND_TLS
def test_a_post_on_a_kept_connection_is_never_sent_again(
    serve: Site, transport_to: To, end: Callable[[Peer], None], tls: bool
) -> None:
    server = serve(closing_after(OK, end), tls)
    transport = transport_to(server)
    ask(transport, server.url)
    assert unavailable(transport, server.url, "POST") == "the connection was closed without an answer"
    assert (server.accepted, len(server.requests)) == (1, 2)


def test_a_get_is_repeated_once_and_not_again(serve: Site, transport_to: To) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        if peer.server.accepted == 1:
            peer.send(OK)
            peer.read_request()

    server = serve(handle)
    transport = transport_to(server)
    ask(transport, server.url)
    assert unavailable(transport, server.url) == "the connection was closed without an answer"
    assert (server.accepted, len(server.requests)) == (2, 3)


def test_a_get_is_not_repeated_where_a_dead_connection_was_replaced_before_it(serve: Site, transport_to: To) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        if peer.server.accepted == 1:
            peer.send(OK)

    server = serve(handle, tls=False)
    transport = transport_to(server)
    ask(transport, server.url)
    time.sleep(0.1)
    assert unavailable(transport, server.url) == "the connection was closed without an answer"
    assert (server.accepted, len(server.requests)) == (2, 2)


def test_a_get_on_a_new_connection_is_sent_once(serve: Site, transport_to: To) -> None:
    server = serve(Peer.read_request)

    assert unavailable(transport_to(server), server.url) == "the connection was closed without an answer"
    assert (server.accepted, len(server.requests)) == (1, 1)


def test_a_get_is_not_repeated_once_an_answer_has_begun(serve: Site, transport_to: To) -> None:
    def half_an_answer(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 20")
        time.sleep(0.1)
        peer.reset()

    server = serve(closing_after(OK, half_an_answer))
    transport = transport_to(server)
    ask(transport, server.url)
    assert unavailable(transport, server.url) in RESET
    assert (server.accepted, len(server.requests)) == (1, 2)


def test_the_repeated_get_takes_none_of_the_other_idle_connections(serve: Site, transport_to: To) -> None:
    both = threading.Barrier(2)

    def handle(peer: Peer) -> None:
        peer.read_request()
        if peer.server.accepted <= 2:
            both.wait(5)
            peer.send(OK)
            peer.read_request()
            return
        peer.send(OK)

    server = serve(handle)
    transport = transport_to(server)
    threads = [threading.Thread(target=ask, args=(transport, server.url)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.accepted == 2
    assert ask(transport, server.url).status_code == 200
    assert server.accepted == 3


def test_an_idle_connection_that_was_closed_is_noticed_before_a_post(serve: Site, transport_to: To) -> None:
    server = serve(answering_once(OK))
    transport = transport_to(server)
    ask(transport, server.url)
    time.sleep(0.2)
    assert ask(transport, server.url, "POST").status_code == 200
    assert (server.accepted, len(server.requests)) == (2, 2)


def test_a_connection_that_was_idle_for_long_is_not_used_again(serve: Site) -> None:
    server = serve(answering(OK), tls=False)
    connection = connection_to(server)
    connection.ask("GET", "/", None, {}, 5, 5).read()
    assert connection.is_clean
    started = time.monotonic()
    assert connection.is_usable
    assert time.monotonic() - started < 4
    connection._used_at -= 60
    assert not connection.is_usable
    connection.close()


def test_a_connection_is_clean_from_the_end_of_its_answer_until_it_is_closed(serve: Site) -> None:
    connection = connection_to(serve(answering(OK), tls=False))
    connection.timeout = 5
    connection.connect()
    seen = [connection.is_clean]
    answer = connection.ask("GET", "/", None, {}, 5, 5)
    seen.append(connection.is_clean)
    answer.read()
    seen.append(connection.is_clean)
    connection.close()
    seen.append(connection.is_clean)
    assert seen == [False, False, True, False]


class Clean:
    """A connection that could be used again."""

    is_clean = True

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_no_more_connections_to_an_origin_are_kept_than_it_may_be() -> None:
    pools, origin = Pools(Ways(Resolver(look_up), tls_context(None))), "https://provider.example"
    pools.take(origin)
    connections = [Clean() for _ in range(MAX_IDLE + 2)]
    for connection in connections:
        pools.give_back(origin, connection)  # type: ignore[arg-type]  # all that is looked at
    assert [connection.is_closed for connection in connections] == [False] * MAX_IDLE + [True] * 2
    pools.close()
    assert all(connection.is_closed for connection in connections)


# Proxies.


class Proxy:
    """Handles connections as a proxy does: one CONNECT, then bytes in both directions."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
        self.answer = answer

    def __call__(self, peer: Peer) -> None:
        port = peer.read_request().split()[1].rpartition(b":")[2]
        peer.send(self.answer)
        with socket.create_connection(("127.0.0.1", int(port))) as onward:
            pairs = {peer.sock: onward, onward: peer.sock}
            while True:
                ready, _, _ = select.select(list(pairs), [], [])
                for source in ready:
                    if not (data := source.recv(65536)):
                        return
                    pairs[source].sendall(data)


@PLAIN_AND_TLS
def test_a_proxy_that_is_set_gets_a_tunnel_and_no_secret(serve: Site, certificates: Certificates, tls: bool) -> None:
    server, proxy = serve(answering(OK)), serve(Proxy(), tls)
    scheme = "https" if tls else "http"
    transport = Transport(PooledAdapter(certificates.bundle, f"{scheme}://us%40er:pw@{proxy.host}"))
    assert [ask(transport, server.url).status_code for _ in range(2)] == [200, 200]
    assert (proxy.accepted, server.accepted) == (1, 1)
    assert proxy.requests[0].startswith(f"CONNECT {server.host} ".encode())
    assert b"Basic " + base64.b64encode(b"us@er:pw") in proxy.requests[0]
    assert SECRET.encode() not in proxy.requests[0]


@PLAIN_AND_TLS
def test_a_certificate_has_to_be_the_provider_s_behind_a_proxy_too(
    serve: Site, certificates: Certificates, tls: bool
) -> None:
    server = serve(answering(OK), context=certificates.context("other.example"))
    proxy = serve(Proxy(), tls)
    scheme = "https" if tls else "http"
    transport = Transport(PooledAdapter(certificates.bundle, f"{scheme}://{proxy.host}"))
    assert "not valid for '127.0.0.1'" in unavailable(transport, server.url)
    assert (server.accepted, server.requests) == (1, [])


def test_a_proxy_that_refuses_is_said_to(serve: Site, certificates: Certificates) -> None:
    proxy = serve(Proxy(b"HTTP/1.1 407 No\r\n\r\n"), tls=False)
    transport = Transport(PooledAdapter(certificates.bundle, f"http://{proxy.host}"))
    assert unavailable(transport, "https://provider.example/") == "the proxy: it refused"


def test_a_proxy_that_cannot_be_reached_is_said_to(certificates: Certificates) -> None:
    transport = Transport(PooledAdapter(certificates.bundle, f"http://127.0.0.1:{closed_port()}"))
    assert unavailable(transport, "https://provider.example/") == "the proxy: connection refused"


def test_a_plain_origin_is_reached_without_the_proxy(serve: Site) -> None:
    server = serve(answering(OK), tls=False)
    transport = Transport(plain_origins=[f"http://{server.host}"], proxy=f"http://127.0.0.1:{closed_port()}")
    assert ask(transport, server.url).status_code == 200


# Other adapters.


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "https://provider.example"])
@pytest.mark.parametrize("accepted", ["br", "gzip"])
def test_the_request_of_whoever_asks_stays_as_it_is(origin: str, accepted: str) -> None:
    path = "/x?to=https://other.example/"
    url = f"https://{origin.partition('://')[2]}{path}"
    request = requests.Request("GET", url, headers={"Accept-Encoding": accepted}).prepare()
    adapter = Recording()

    Transport(adapter, plain_origins=["http://127.0.0.1:1"]).send(request)

    assert (request.url, request.headers["Accept-Encoding"]) == (url, accepted)
    assert (adapter.requests[0].url, adapter.requests[0].headers["Accept-Encoding"]) == (origin + path, "gzip")


class NoNetwork(BaseAdapter):
    """Takes no request."""

    def send(self, *_: Any, **__: Any) -> Response:
        raise AssertionError("nothing may be sent")

    def close(self) -> None:
        """Hold nothing."""


class Recording(NoNetwork):
    """Answers every request and remembers it."""

    def __init__(self, status: int = 200) -> None:
        super().__init__()
        self.status = status
        self.requests: list[PreparedRequest] = []
        self.timeouts: list[object] = []
        self.remaining: list[float] = []

    def send(  # type: ignore[override]
        self, request: PreparedRequest, *, timeout: object = None, stream: bool = False, **_: Any
    ) -> Response:
        assert stream  # it is the transport that reads the body, and no more of it than may be
        deadline = Deadline.current()
        assert deadline is not None
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.remaining.append(deadline.remaining())
        answer = Response()
        answer.status_code = self.status
        answer.raw = io.BytesIO(b"{}")
        return answer


class Raising(NoNetwork):
    """Fails every request in the same way."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, *_: Any, **__: Any) -> Response:
        raise self.error


class Adapted(NoNetwork):
    """Passes requests on with another timeout."""

    def __init__(self, adapter: BaseAdapter, timeout: tuple[float, float]) -> None:
        super().__init__()
        self.adapter, self.timeout = adapter, timeout

    def send(self, request: PreparedRequest, **_: Any) -> Response:  # type: ignore[override]
        return self.adapter.send(request, timeout=self.timeout)


def failure_in(adapter: BaseAdapter, url: str = "https://provider.example/") -> AuthkitError:
    with pytest.raises(AuthkitError) as caught:
        ask(Transport(adapter), url)
    return caught.value


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.ConnectTimeout(f"https://x/?{SECRET}"), "connect timed out"),
        (requests.ReadTimeout(), "no answer came in time"),
        (TimeoutError(), "no answer came in time"),
        (requests.exceptions.SSLError(), "TLS failed"),
        (urllib3.exceptions.NewConnectionError(None, "/"), "cannot connect"),  # type: ignore[arg-type]
        (urllib3.exceptions.ConnectTimeoutError(), "connect timed out"),
        (urllib3.exceptions.ReadTimeoutError(None, "/", ""), "no answer came in time"),  # type: ignore[arg-type]
        (urllib3.exceptions.SSLError(), "TLS failed"),
        (urllib3.exceptions.HeaderParsingError([], None), "the answer is not HTTP"),
        (http.client.RemoteDisconnected(), "the connection was closed without an answer"),
        (requests.exceptions.ChunkedEncodingError(), "the answer was cut off"),
        (requests.exceptions.ProxyError(), "the proxy: it refused"),
        (requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", ConnectionResetError())),  # type: ignore[arg-type]
         "connection reset"),
        (requests.exceptions.InvalidURL(SECRET), "the network failed: InvalidURL"),
        (http.client.IncompleteRead(b"x"), "the answer was cut off"),
        (OSError(24, "Too many open files"), "the network failed: OSError"),
    ],
)  # fmt: skip
def test_whatever_an_adapter_raises_is_told_in_our_own_words(error: Exception, reason: str) -> None:
    assert unavailable(Transport(Raising(error)), f"https://provider.example/?{SECRET}") == reason


def test_broken_compression_is_told_wherever_an_adapter_puts_it() -> None:
    adapter = Raising(requests.ConnectionError(urllib3.exceptions.ProtocolError("x", zlib.error())))
    assert nonsense(Transport(adapter), "https://provider.example/") == "the answer's compression is broken"


class Patient:
    """Counts the answers that show that a provider works."""

    def __init__(self) -> None:
        self.answers = 0

    def gives_up_at(self) -> float:
        return time.monotonic() + 10

    def heard(self) -> None:
        self.answers += 1


@pytest.mark.parametrize(("status", "answers"), [(200, 1), (499, 1), (500, 0), (503, 0)])
def test_an_answer_is_heard_unless_the_provider_has_failed(status: int, answers: int) -> None:
    patient = Patient()
    with Deadline(10, patient):
        ask(Transport(Recording(status)), "https://provider.example/")
    assert patient.answers == answers


def test_a_transport_has_the_clock_that_it_is_given() -> None:
    assert Transport(NoNetwork()).clock is time.time
    assert Transport(NoNetwork(), clock=time.monotonic).clock is time.monotonic


def test_an_adapter_of_requests_works_as_well(serve: Site) -> None:
    server = serve(answering(with_head("200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2", b"{}")), tls=False)
    adapter = HTTPAdapter()
    with session_on(Transport(adapter, plain_origins=[f"http://{server.host}"])) as session:
        answer = session.get(server.url)
    adapter.close()
    assert answer.json() == {}
    assert not answer.cookies
    assert not session.cookies


def test_an_answer_that_came_after_the_deadline_is_none() -> None:
    class Late(Recording):
        def send(self, request: PreparedRequest, **more: Any) -> Response:  # type: ignore[override]
            answer = super().send(request, **more)
            time.sleep(0.6)
            return answer

    assert_ends_in_time(Transport(Late()), "https://provider.example/")


def test_a_mistake_in_an_adapter_is_not_taken_for_the_network() -> None:
    with pytest.raises(ZeroDivisionError):
        ask(Transport(Raising(ZeroDivisionError())), "https://provider.example/")


def test_what_an_answer_is_written_in_is_not_guessed() -> None:
    assert ask(Transport(Recording()), "https://provider.example/").encoding == "utf-8"


# Logs.


def test_lek_01_the_debug_output_of_http_client_stays_empty(
    serve: Site, transport_to: To, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(answering(OK))
    http.client.HTTPConnection.debuglevel = 1
    try:
        ask(transport_to(server), server.url)
    finally:
        http.client.HTTPConnection.debuglevel = 0
    assert capsys.readouterr().out == ""


def test_lek_01_no_log_line_of_a_call_holds_a_secret(
    serve: Site, transport_to: To, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(answering(OK))
    with caplog.at_level(logging.DEBUG):
        ask(transport_to(server), server.url, "POST", data={"client_secret": SECRET})
        refusal(transport_to(server), f"https://127.0.0.1:{closed_port()}/", "POST", data={"code": SECRET})
    assert caplog.records == []


def test_what_requests_oauthlib_logs_while_we_call_it_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("requests_oauthlib.oauth2_session")
    level = logger.level
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "loggers": {logger.name: {"level": "DEBUG", "filters": [], "propagate": True}},
        }
    )
    try:
        with Deadline(5):
            logger.debug("Request body was %s", SECRET)
        logger.debug("the app's own")
    finally:
        logger.setLevel(level)
    assert [record.getMessage() for record in caplog.records] == ["the app's own"]
