"""The app's address, from which every absolute URL is built."""

from __future__ import annotations

import pytest

from authkit.site import Site

ROOT = Site("https://app.example")
MOUNTED = Site("https://app.example:8443/shop/eu", prefix="/sign-in")
LOOPBACK = Site("http://localhost:6543")


@pytest.mark.parametrize(
    ("site", "origin", "is_secure", "home"),
    [
        (ROOT, "https://app.example", True, "/"),
        (MOUNTED, "https://app.example:8443", True, "/shop/eu/"),
        (LOOPBACK, "http://localhost:6543", False, "/"),
        (Site("https://App.Example:443"), "https://app.example", True, "/"),
    ],
)
def test_a_site_knows_its_origin_and_its_home(site: Site, origin: str, is_secure: bool, home: str) -> None:
    assert (site.origin, site.is_secure, site.home) == (origin, is_secure, home)


def test_routes_stand_behind_the_mount_and_the_prefix() -> None:
    assert ROOT.url("/acme/callback") == "https://app.example/auth/acme/callback"
    assert MOUNTED.url("/acme/callback") == "https://app.example:8443/shop/eu/sign-in/acme/callback"
    assert ROOT.url("/acme", error="a b", ref="1&2") == "https://app.example/auth/acme?error=a+b&ref=1%262"


def test_the_start_of_a_login_is_a_local_path() -> None:
    assert ROOT.start_path("acme") == "/auth/acme"
    assert MOUNTED.start_path("acme", "/inbox?a=1&b=2") == "/shop/eu/sign-in/acme?return_to=%2Finbox%3Fa%3D1%26b%3D2"
    assert ROOT.start_path("acme", "") == "/auth/acme"


def test_a_local_path_is_made_absolute_on_the_origin() -> None:
    assert MOUNTED.local_url("/inbox?a=1") == "https://app.example:8443/inbox?a=1"


@pytest.mark.parametrize(
    ("login_url", "expected"),
    [
        ("https://app.example/login", "https://app.example/login?error=access_denied&ref=12%26"),
        ("https://app.example/login?a=b", "https://app.example/login?a=b&error=access_denied&ref=12%26"),
    ],
)
def test_the_login_page_is_told_what_went_wrong(login_url: str, expected: str) -> None:
    assert Site("https://app.example", login_url=login_url).failure_url("access_denied", "12&") == expected
