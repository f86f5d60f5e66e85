"""`serve`: an application on a port of this machine, its faults on the wire, and an end without a trace."""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import socket
import struct
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
import requests
from faulty_provider import TOKEN, Provider, open_session

from authkit.emulator import serve
from authkit.emulator.httpd import GRACE_SECONDS, MOST_WORKERS, WORKERS
from authkit.errors import ConfigError

HAS_FILES = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs a list of open files")
POST = b"POST /token HTTP/1.1\r\nHost: x\r\n"


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " + environ["PATH_INFO"].encode()]


def echo(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def echo_path(environ, start_response):
    path = environ["PATH_INFO"].encode()
    start_response("200 OK", [("Content-Length", str(len(path)))])
    return [path]


def get(url, **options):
    with open_session() as session:
        return session.get(url, timeout=5, **options)


def port_of(server):
    return int(server.origin.rpartition(":")[2])


def connect(server):
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=5)


def read_all(sock):
    """What comes until the connection ends, and the error that it ends in, None for a proper end."""
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except OSError as error:
        return received, error
    return received, None


def talk(server, sent):
    """Send bytes, nothing more, and return what comes back."""
    with connect(server) as sock:
        with contextlib.suppress(OSError):  # a server that has heard enough may have gone
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)[0]


def open_sockets():
    """The sockets and pipes of this process, where the system lists them."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(entry.readlink()))
    return sorted(link for link in links if link.startswith(("socket:", "pipe:")))


def count_workers():
    return sum(thread.name.startswith("CP Server") for thread in threading.enumerate())


def wait_until(condition):
    patience = time.monotonic() + 5
    while not condition() and time.monotonic() < patience:
        time.sleep(0.005)
    assert condition()


# Serving.


def test_an_application_is_served_at_the_origin():
    with serve(hello, port=0) as server:
        assert server.origin.startswith("http://127.0.0.1:")
        assert server.ca_bundle is None
        assert get(f"{server.origin}/there").text == "hello /there"


def test_a_free_port_is_used_as_asked():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with serve(hello, port=port) as server:
        assert server.origin == f"http://127.0.0.1:{port}"


def test_a_busy_port_gives_way_to_a_free_one():
    with serve(hello, port=0) as first, serve(hello, port=port_of(first)) as second:
        assert first.origin != second.origin
        assert get(second.origin).status_code == 200


@pytest.mark.parametrize(
    ("host", "shown"),
    [("localhost", "localhost"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("", "127.0.0.1"), ("::", "[::1]")],
)
def test_any_address_of_this_machine_may_be_named(host, shown):
    with serve(hello, host, 0) as server:
        assert server.origin.startswith(f"http://{shown}:")
        assert get(f"{server.origin}/x").text == "hello /x"


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(ConfigError, match=r"cannot listen at '203\.0\.113\.1'"):
        serve(hello, "203.0.113.1", 0)


def test_the_answer_says_nothing_of_versions():
    with serve(Provider(), port=0) as server:
        answers = [get(f"{server.origin}/me").headers, get(f"{server.origin}/nowhere").headers]

    assert [headers["Server"] for headers in answers] == ["authkit-emulator"] * 2


def test_the_application_sees_the_address_of_the_server_as_its_name():
    seen = []

    def app(environ, start_response):
        seen.append((environ["SERVER_NAME"], environ["SERVER_PORT"], environ["wsgi.url_scheme"]))
        return hello(environ, start_response)

    with serve(app, port=0) as server:
        get(server.origin)

    assert seen == [("127.0.0.1", str(port_of(server)), "http")]


def test_a_connection_is_used_again_and_answers_come_without_delay():
    seen = []

    def app(environ, start_response):
        seen.append(environ["REMOTE_PORT"])
        return echo(environ, start_response)

    with serve(app, port=0) as server, open_session() as session:
        started = time.monotonic()
        answers = [session.post(server.origin, data=b"x" * 1000).content for _ in range(100)]
        took = time.monotonic() - started

    assert answers == [b"x" * 1000] * 100
    assert len(set(seen)) == 1
    assert took < 3  # 40 ms each would be Nagle's algorithm


def test_an_answer_to_head_has_no_body_and_the_connection_is_used_again():
    seen = []

    def app(environ, start_response):
        seen.append(environ["REMOTE_PORT"])
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    with serve(app, port=0) as server, connect(server) as sock:
        sock.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        head = sock.recv(1000)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer, _ = read_all(sock)

    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nhello")
    assert len(set(seen)) == 1


def test_requests_in_one_piece_are_answered_one_after_the_other():
    sent = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serve(echo_path, port=0) as server, connect(server) as sock:
        sock.sendall(sent)
        answers, _ = read_all(sock)

    assert re.findall(rb"\r\n\r\n(/.)", answers) == [b"/1", b"/2"]


def test_a_connection_is_not_kept_when_the_server_is_closed_during_the_answer():
    entered, may_go_on = threading.Event(), threading.Event()

    def slow(environ, start_response):
        entered.set()
        may_go_on.wait(5)
        return echo_path(environ, start_response)

    with connect(server := serve(slow, port=0)) as sock:
        sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert entered.wait(5)
        threading.Timer(0.1, may_go_on.set).start()
        started = time.monotonic()
        server.close()
        took = time.monotonic() - started
        answer, _ = read_all(sock)

    assert answer.endswith(b"/1")
    assert took < GRACE_SECONDS


def test_nothing_is_written_to_the_standard_error_output(capfd):
    def broken(environ, start_response):
        raise ZeroDivisionError

    with serve(broken, port=0) as server:
        status = get(server.origin).status_code

    assert (status, capfd.readouterr().err) == (500, "")


# What hostile clients send.


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: 1\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX:\ta\tb\r\n\r\n", 200),
        (b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /?a\tb HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.x\r\n\r\n", 400),
        (b"GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET \xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n" * 20, 400),
        (b"\x00" * 5000, 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 413),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
        (POST + b"Content-Length: 3\r\nContent-length: 2\r\n\r\nabc", 400),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999999\r\n\r\n", 413),
        (POST + b"Content-Length: 10\r\n\r\nabc", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\nabc", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nffff8\r\n" + b"a" * 0xFFFF8 + b"\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcde", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ],
)
def test_hostile_bytes_get_a_plain_answer_and_the_next_client_a_good_one(sent, status, caplog):
    with caplog.at_level(logging.WARNING), serve(echo, port=0) as server:
        first = talk(server, sent).partition(b"\r\n")[0]
        after = get(f"{server.origin}/").status_code

    assert (first.split()[1], after) == (str(status).encode(), 200)
    assert caplog.messages == []


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT"])
def test_a_client_that_says_little_and_leaves_gets_little(sent):
    with serve(echo, port=0) as server:
        answer = talk(server, sent)

    assert answer.partition(b"\r\n")[0] in {b"", b"HTTP/1.1 400 Bad Request"}


def test_a_body_in_pieces_arrives_with_its_length():
    with serve(echo, port=0) as server:
        answer = talk(server, POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n")

    assert answer.endswith(b"\r\n\r\nabc")
    assert b"Connection: close" in answer


def test_a_header_that_wsgi_could_take_for_another_is_dropped():
    seen = []

    def app(environ, start_response):
        seen.append({name: environ[name] for name in environ if name.startswith("HTTP_X_")})
        return hello(environ, start_response)

    with serve(app, port=0) as server:
        talk(server, b"GET / HTTP/1.1\r\nX-Log: 1\r\nX_Log: 2\r\nX_Other: 3\r\n\r\n")

    assert seen == [{"HTTP_X_LOG": "1"}]


@pytest.mark.parametrize("length", [b"-1", b"-5", b"+5"])
def test_a_body_of_no_possible_length_is_not_waited_for(length):
    with serve(echo, port=0) as server, connect(server) as sock:
        started = time.monotonic()
        sock.sendall(POST + b"Content-Length: " + length + b"\r\n\r\n")
        status = sock.recv(1000).split()[1]

        assert time.monotonic() - started < 3
    assert status == b"400"


def test_the_limit_of_the_body_is_the_emulators_up_to_a_megabyte():
    with serve(Provider(), port=0) as server, open_session() as session:
        statuses = [session.post(f"{server.origin}/token", data=b"x" * size).status_code for size in (65536, 65537)]
        recorded = session.post(f"{server.origin}/token", data=b"x" * 1_000_000).status_code

    assert (statuses, recorded) == ([200, 413], 413)


def test_clients_that_say_nothing_do_not_keep_others_waiting():
    with contextlib.ExitStack() as clients, serve(hello, port=0) as server:
        for _ in range(MOST_WORKERS + WORKERS):
            clients.enter_context(connect(server))
        started = time.monotonic()
        status = get(server.origin).status_code
        took = time.monotonic() - started

    assert status == 200
    assert took < 3


def test_there_is_an_end_to_the_number_of_workers():
    with contextlib.ExitStack() as clients, serve(hello, port=0) as server:
        for _ in range(MOST_WORKERS + WORKERS):
            clients.enter_context(connect(server)).sendall(b"G")
        wait_until(lambda: count_workers() >= MOST_WORKERS)

        assert count_workers() == MOST_WORKERS


# Faults on the wire.


def exchange(server, *, path="/token", method="POST"):
    """Send one request, and return what comes, how that ends, and after how long."""
    with connect(server) as sock:
        started = time.monotonic()
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received, error = read_all(sock)
        return received, error, time.monotonic() - started


def test_a_silence_comes_before_the_answer():
    with serve(Provider("token:silent=0.2"), port=0) as server:
        received, error, took = exchange(server)

    assert (received.startswith(b"HTTP/1.1 200 OK\r\n"), error) == (True, None)
    assert 0.2 <= took < 4


def test_a_slow_connection_comes_before_the_request_is_processed():
    provider = Provider("token:slow-connect=0.2")
    with serve(provider, port=0) as server, connect(server) as sock:
        sock.sendall(POST + b"\r\n")
        time.sleep(0.05)
        processed = list(provider.processed)
        started = time.monotonic()
        sock.recv(1)

    assert processed == []
    assert time.monotonic() - started > 0.1
    assert provider.processed == ["token"]


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_client_that_leaves_a_slow_connection_has_nothing_processed(is_reset):
    provider = Provider("token:slow-connect=0.2:once")
    with serve(provider, port=0) as server:
        with connect(server) as sock:
            sock.sendall(POST + b"\r\n")
            time.sleep(0.05)
            if is_reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.4)
        left = list(provider.processed)
        status = exchange(server)[0][:15]

    assert (left, provider.processed, status) == ([], ["token"], b"HTTP/1.1 200 OK")


def test_a_slow_connection_may_bring_the_next_request_too():
    provider = Provider("token:slow-connect=0.1:once")
    with serve(provider, port=0) as server, connect(server) as sock:
        sock.sendall(POST + b"\r\n")
        time.sleep(0.03)
        sock.sendall(POST + b"Connection: close\r\n\r\n")
        read_all(sock)

    assert provider.processed == ["token", "token"]


def test_a_kept_connection_is_used_as_it_is():
    provider = Provider("userinfo:slow-connect=5:once")
    with serve(provider, port=0) as server, open_session() as session:
        session.post(f"{server.origin}/token")
        started = time.monotonic()
        session.get(f"{server.origin}/me")
        took = time.monotonic() - started

    assert took < 4
    assert [str(fault) for fault in provider.workbench.faults] == ["userinfo:slow-connect=5:once"]


@pytest.mark.parametrize(("kind", "at_once"), [("slow-headers", b""), ("drip", b"\r\n\r\n")])
def test_bytes_come_one_by_one(kind, at_once):
    with serve(Provider(f"token:{kind}=0.02"), port=0) as server, connect(server) as sock:
        sock.sendall(POST + b"\r\n")
        received = b""
        while not (received.endswith(at_once) and received) and len(received) < 1000:
            received += sock.recv(1000)
        pieces = [sock.recv(1000) for _ in range(5)]

    assert [len(piece) for piece in pieces] == [1] * 5


@pytest.mark.parametrize("kind", ["slow-headers=0.0001", "drip=0.0001"])
def test_a_slow_answer_is_whole_in_the_end(kind):
    with serve(Provider(f"token:{kind}"), port=0) as server, open_session() as session:
        answer = session.post(f"{server.origin}/token", timeout=5)

    assert answer.json() == TOKEN
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("kind", "path", "method", "received"),
    [
        ("reset", "/token", "POST", rb""),
        ("reset-headers", "/token", "POST", rb"HTTP/1\.1 2"),
        ("reset-body", "/token", "POST", rb'HTTP/1\.1 200 OK\r\n.+\r\n\r\n\{"access_token":"act\.1".+'),
        ("reset-body", "/leave", "GET", rb"HTTP/1\.1 302 Found\r\n.+\r\n\r\n"),
    ],
)
def test_a_connection_is_reset(kind, path, method, received):
    provider = Provider(f"*:{kind}")
    with serve(provider, port=0) as server:
        arrived, error, _ = exchange(server, path=path, method=method)

    assert isinstance(error, ConnectionResetError)
    assert re.fullmatch(received, arrived, re.DOTALL)
    assert (b"\r\n\r\n" in arrived) is (kind == "reset-body")
    assert not arrived.endswith(b"}")
    assert len(provider.processed) == 1


def test_an_answer_in_one_piece_is_taken_apart():
    with serve(Provider("token:drip=0.0001", "token:huge=1"), port=0) as server:
        first, _, _ = exchange(server)

    assert first.endswith(b"]}")


def test_a_client_that_leaves_while_bytes_drip_costs_nothing(caplog):
    with caplog.at_level(logging.WARNING), serve(Provider("token:drip=0.01:once"), port=0) as server:
        with connect(server) as sock:
            sock.sendall(POST + b"\r\n")
            sock.recv(10)
        answers = [exchange(server)[0][:15] for _ in range(WORKERS)]

    assert answers == [b"HTTP/1.1 200 OK"] * WORKERS
    assert caplog.messages == []


@pytest.mark.parametrize("kind", ["silent", "slow-connect", "slow-headers", "drip"])
def test_what_a_fault_delays_ends_with_the_server(kind):
    provider = Provider(f"token:{kind}=60")
    with connect(server := serve(provider, port=0)) as sock:
        sock.sendall(POST + b"\r\n")
        wait_until(lambda: provider.processed or kind == "slow-connect")
        time.sleep(0.05)
        started = time.monotonic()
        server.close()

        assert time.monotonic() - started < 5


# The end.


def test_nothing_answers_after_close_and_the_port_is_free_again():
    with serve(hello, port=0) as server:
        get(server.origin)

    with pytest.raises(requests.ConnectionError):
        get(server.origin)
    with serve(hello, port=port_of(server)) as again:
        assert again.origin == server.origin


def test_close_may_be_called_twice():
    server = serve(hello, port=0)
    server.close()
    server.close()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("authkit-serve")]


@HAS_FILES
def test_neither_threads_nor_sockets_are_left_even_with_clients_connected():
    threads, sockets = threading.active_count(), open_sockets()

    with serve(Provider("userinfo:silent"), port=0) as server, open_session() as idle:
        idle.post(f"{server.origin}/token", timeout=5)
        with connect(server), connect(server) as half, connect(server) as waiting:
            half.sendall(POST + b"Content-Length: 10\r\n\r\nabc")
            waiting.sendall(b"GET /me HTTP/1.1\r\n\r\n")
            time.sleep(0.05)
            started = time.monotonic()
            server.close()
            took = time.monotonic() - started

    assert (threading.active_count(), open_sockets()) == (threads, sockets)
    assert took < 5


def test_clients_that_wait_for_nothing_do_not_hold_up_the_end():
    with open_session() as idle, serve(hello, port=0) as server:
        idle.get(server.origin, timeout=5)
        with connect(server):
            time.sleep(0.05)
            started = time.monotonic()
            server.close()
            took = time.monotonic() - started

    assert took < GRACE_SECONDS


@HAS_FILES
def test_a_connection_that_ended_leaves_no_file_open():
    with serve(Provider("*:reset-body:50%"), port=0) as server:
        sockets = len(open_sockets())
        for _ in range(20):
            exchange(server)
        wait_until(lambda: len(open_sockets()) <= sockets)


def test_a_closed_server_is_forgotten():
    provider = Provider()
    with serve(provider, port=0) as server, open_session() as session:
        session.post(f"{server.origin}/token")
    forgotten = weakref.ref(provider)
    del provider, server, session
    gc.collect()

    assert forgotten() is None


def test_a_request_under_way_is_answered_before_the_server_ends():
    entered, may_go_on = threading.Event(), threading.Event()

    def slow(environ, start_response):
        entered.set()
        may_go_on.wait(5)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]

    answers = []
    with serve(slow, port=0) as server:
        client = threading.Thread(target=lambda: answers.append(get(server.origin).text))
        client.start()
        assert entered.wait(5)
        threading.Timer(0.1, may_go_on.set).start()
    client.join(5)

    assert answers == ["done"]


def test_a_client_that_does_not_read_does_not_hold_up_the_end():
    with connect(server := serve(Provider("token:huge=100"), port=0)) as sock:
        sock.sendall(POST + b"\r\n")
        sock.recv(10)
        started = time.monotonic()
        server.close()

        assert time.monotonic() - started < 5


def test_without_cheroot_the_error_has_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "cheroot", None)

    with pytest.raises(ConfigError) as caught:
        serve(hello)

    assert caught.value.reason == "serving needs cheroot: pip install 'authkit-core[emulator]'"
