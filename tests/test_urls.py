"""Which URLs are allowed, and which origin they have."""

from __future__ import annotations

import pytest

from authkit.urls import as_https, check_url, is_loopback, origin_of


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/",
        "https://app.example:8443/a/b?c=d&e=%20",
        "https://app.example/!$&'()*+,;=~",
        "http://localhost:6543/auth/acme/callback",
        "http://127.0.0.1/",
        "http://127.8.9.1:80/",
        "http://[::1]:8080/",
    ],
)
def test_an_https_url_or_a_loopback_one_is_allowed(url: str) -> None:
    assert check_url(url).geturl() == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is no absolute URL"),
        ("/auth/acme/callback", "is no absolute URL"),
        ("//app.example/", "is no absolute URL"),
        ("app.example/x", "is no absolute URL"),
        ("https:app.example", "is no absolute URL"),
        ("https:/app.example", "is no absolute URL"),
        ("https:///app.example", "is no absolute URL"),
        ("HTTPS://app.example", "is no absolute URL"),
        ("ftp://app.example", "is no absolute URL"),
        ("javascript:alert(1)", "is no absolute URL"),
        ("https://app.example\\@evil.example/", "has a blank, a backslash"),
        ("https://app.example/a b", "has a blank, a backslash"),
        ("https://app.example/\n", "has a blank, a backslash"),
        ("https://app.example/\x00", "has a blank, a backslash"),
        ("https://äpp.example/", "has a blank, a backslash"),
        ("https://app.example/#", "has a user, a fragment or a port"),
        ("https://app.example/#x", "has a user, a fragment or a port"),
        ("https://user@app.example/", "has a user, a fragment or a port"),
        ("https://@app.example/", "has a user, a fragment or a port"),
        ("https://:pass@app.example/", "has a user, a fragment or a port"),
        ("http://localhost:80@attacker.test/", "has a user, a fragment or a port"),
        ("https://app.example:0/", "has a user, a fragment or a port"),
        ("https://app.example:99999/", "[Pp]ort"),
        ("https://app.example:x/", "[Pp]ort"),
        ("https://[::1/", "IPv6"),
        ("http://app.example/", "is http; write https"),
        ("http://localhost.evil.example/", "is http; write https"),
        ("http://127.0.0.1.evil.example/", "is http; write https"),
        ("http://10.0.0.1/", "is http; write https"),
        ("http://0.0.0.0/", "is http; write https"),
    ],
)
def test_any_other_url_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example/a?b", "https://app.example"),
        ("https://APP.example:443/a", "https://app.example"),
        ("https://app.example:80", "https://app.example:80"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:443/", "http://localhost:443"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ],
)
def test_the_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("http://localhost:6543/", True),
        ("https://LOCALHOST/", True),
        ("http://127.0.0.1/", True),
        ("http://[::1]/", True),
        ("http://localhost:80@attacker.test/", False),
        ("http://app.example/", False),
        ("http://192.168.1.1/", False),
        ("/path", False),
    ],
)
def test_a_loopback_host_is_this_machine(url: str, answer: bool) -> None:
    assert is_loopback(url) is answer


def test_https_is_written_for_oauthlib() -> None:
    assert as_https("http://127.0.0.1:8787/a://b") == "https://127.0.0.1:8787/a://b"
    assert as_https("https://acme.example/token") == "https://acme.example/token"


@pytest.mark.parametrize(
    "url",
    ["https://app.example:", "https://a;b", 'https://a"b', "https://a<b>", "https://[::1]x", "https://[::1%25en]"],
)
def test_a_host_that_no_url_has_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own parser refuses some of them, in its words
        check_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "0x7f.0.0.1",
        "0x7F000001",
        "2130706433",
        "0",
        "0177.0.0.1",
        "127.0.0.1.",
        "app.1",
        "[0::1]",
        "[::0:1]",
    ],
)
def test_an_ip_address_that_browsers_write_in_another_way_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="has an IP address that browsers write in another way"):
        check_url(f"https://{host}:8443/")


@pytest.mark.parametrize("url", ["https://10.0.0.1", "https://a1.0x7g", "https://1.example", "https://[fe80::1]"])
def test_an_ip_address_in_its_usual_form_is_taken(url: str) -> None:
    assert check_url(url).geturl() == url


@pytest.mark.parametrize(
    "url", ["https://my_idp:8443/a", "http://[::1]:6543", "https://EXAMPLE.com", "https://[2001:DB8::1]/a"]
)
def test_a_host_that_a_url_may_have_is_taken(url: str) -> None:
    assert check_url(url).geturl()
