"""`serve`: an application on a loopback port, started and ended without a trace."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path

import pytest
import requests

from authkit.emulator import serve
from authkit.errors import ConfigError


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " + environ["PATH_INFO"].encode()]


def get(url, **options):
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5, **options)


def port_of(server):
    return int(server.origin.rpartition(":")[2])


def open_sockets():
    """The sockets and pipes of this process, where the system lists them."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(entry.readlink()))
    return sorted(link for link in links if link.startswith(("socket:", "pipe:")))


def test_an_application_is_served_at_the_origin():
    with serve(hello, port=0) as server:
        assert server.origin.startswith("http://127.0.0.1:")
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


@pytest.mark.parametrize(("host", "shown"), [("localhost", "localhost"), ("::1", "[::1]")])
def test_a_loopback_host_may_be_named(host, shown):
    with serve(hello, host, 0) as server:
        assert server.origin.startswith(f"http://{shown}:")
        assert get(f"{server.origin}/x").text == "hello /x"


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


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs a list of open files")
def test_neither_threads_nor_sockets_are_left_even_with_a_client_connected():
    threads, sockets = threading.active_count(), open_sockets()

    with serve(hello, port=0) as server, requests.Session() as idle:
        idle.trust_env = False
        idle.get(server.origin, timeout=5)
        with socket.create_connection(("127.0.0.1", port_of(server))):
            server.close()

    assert (threading.active_count(), open_sockets()) == (threads, sockets)


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


def test_without_waitress_the_error_has_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "waitress", None)

    with pytest.raises(ConfigError) as caught:
        serve(hello)

    assert "pip install 'authkit-core[emulator]'" in caught.value.reason
