"""The server of the demo's own application, started and ended without a trace."""

from __future__ import annotations

import socket
import sys
import threading

import pytest
import requests
from faulty_provider import open_session

from authkit.cli.serving import serve
from authkit.errors import ConfigError


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " + environ["PATH_INFO"].encode()]


def get(url):
    with open_session() as session:
        return session.get(url, timeout=5)


def port_of(server):
    return int(server.origin.rpartition(":")[2])


def test_an_application_is_served_at_the_origin():
    with serve(hello, port=0) as server:
        assert server.origin.startswith("http://127.0.0.1:")
        assert get(f"{server.origin}/there").text == "hello /there"


def test_a_busy_port_gives_way_to_a_free_one():
    with serve(hello, port=0) as first, serve(hello, port=port_of(first)) as second:
        assert first.origin != second.origin
        assert get(second.origin).status_code == 200


def test_a_loopback_address_of_the_newer_kind_may_be_named():
    with serve(hello, "::1", 0) as server:
        assert server.origin.startswith("http://[::1]:")
        assert get(f"{server.origin}/x").text == "hello /x"


def test_nothing_answers_after_close_which_may_come_twice():
    threads = threading.active_count()
    with serve(hello, port=0) as server, open_session() as idle:
        idle.get(server.origin, timeout=5)
        with socket.create_connection(("127.0.0.1", port_of(server))):
            server.close()

    assert threading.active_count() == threads
    with pytest.raises(requests.ConnectionError):
        get(server.origin)


def test_without_waitress_the_error_has_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "waitress", None)

    with pytest.raises(ConfigError) as caught:
        serve(hello)

    assert caught.value.reason == "serving needs waitress: pip install 'authkit-core[cli]'"
