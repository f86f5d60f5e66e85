"""Proxies: how their addresses are read, and what they are asked."""

from __future__ import annotations

import pytest
from fake_socks import Sock

from authkit.proxy import Proxy

OPENED = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("url", "host", "port", "is_secure"),
    [
        ("http://proxy.example", "proxy.example", 80, False),
        ("https://proxy.example", "proxy.example", 443, True),
        ("http://proxy.example:3128/", "proxy.example", 3128, False),
        ("http://[2001:db8::1]:3128", "2001:db8::1", 3128, False),
    ],
)
def test_the_place_of_a_proxy_is_read_off_its_address(url: str, host: str, port: int, is_secure: bool) -> None:
    assert Proxy.at(url) == Proxy(host, port, is_secure, "")


@pytest.mark.parametrize(
    ("user", "credentials"), [("ada:pw", "YWRhOnB3"), ("ad%40:p%3Aw", "YWRAOnA6dw=="), ("ada", "YWRh")]
)
def test_user_and_password_are_read_as_they_are_sent(user: str, credentials: str) -> None:
    proxy = Proxy.at(f"http://{user}@proxy.example")
    assert (proxy.host, proxy.credentials) == ("proxy.example", credentials)
    assert credentials not in repr(proxy)


@pytest.mark.parametrize(("host", "place"), [("acme.example", "acme.example:443"), ("::1", "[::1]:443")])
def test_a_tunnel_is_asked_for_by_host_and_port(host: str, place: str) -> None:
    sock = Sock(OPENED)
    Proxy.at("http://proxy.example").open_tunnel(sock, host, 443)  # type: ignore[arg-type]
    assert sock.sent == f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()


def test_who_asks_is_told_to_the_proxy_and_to_nobody_else() -> None:
    sock = Sock(OPENED)
    Proxy.at("http://ada:pw@proxy.example").open_tunnel(sock, "acme.example", 443)  # type: ignore[arg-type]
    assert sock.sent.endswith(b"\r\nProxy-Authorization: Basic YWRhOnB3\r\n\r\n")
