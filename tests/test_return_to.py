"""Return-to and login page: whatever is accepted stays on our own origin, as a browser reads it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from urllib.parse import parse_qs, urlsplit

from ada_url import URL
from fakes import Browser, make_kit
from hostile_texts import PATHS, TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from authkit import AuthKit, Login
from authkit.adapters import return_to
from authkit.errors import InvalidRequest
from authkit.keys import page_url
from authkit.site import Site
from authkit.transactions import local_path
from authkit.urls import check_url, origin_of

BASES = [
    "https://app.example",
    "https://app.example:8443/shop",
    "https://app.example/a.b/~c-d",
    "http://localhost:6543",
    "http://127.0.0.1/app",
    "http://[::1]:8080/app",
]
thoroughly = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@cache
def kit_at(base: str) -> AuthKit:
    """Return the kit of an app at `base`."""
    return make_kit(settings={"authkit.base_url": base})


def log_in(kit: AuthKit, value: str) -> Login:
    """Go through a whole login that was begun with `value` as return-to."""
    browser = Browser()
    url = browser.start(kit, return_to=value)
    state = parse_qs(urlsplit(url).query)["state"][0]
    return browser.come_back(kit, f"code=c&state={state}")


def assert_ours(url: str, base: str) -> None:
    """Check that a browser reads `url`, from whatever page of the app, as an address on the app's own origin."""
    for page in ("/auth/acme/callback?code=c", "/", "/x/../y;z"):
        there = URL(url, base=URL(base).origin + page)
        assert there.origin == URL(base).origin, url
        assert (there.username, there.password) == ("", ""), url


@thoroughly
@given(st.sampled_from(BASES), PATHS)
def test_opr_a_login_ends_on_our_own_origin_whatever_it_was_begun_with(base: str, value: str) -> None:
    kit = kit_at(base)

    login = log_in(kit, value)

    assert login.return_to == local_path(value, kit.site.home)
    assert_ours(login.return_to, base)
    assert_ours(kit.site.local_url(login.return_to), base)
    assert URL(kit.site.local_url(login.return_to)).href == URL(login.return_to, base=URL(base).origin).href


@thoroughly
@given(PATHS)
def test_opr_what_is_accepted_is_kept_when_it_is_judged_again(value: str) -> None:
    path = local_path(value)

    assert local_path(path) == path


@thoroughly
@given(st.sampled_from(BASES), PATHS)
def test_opr_a_button_carries_the_return_to_and_nothing_else(base: str, value: str) -> None:
    path = local_path(value)

    start = kit_at(base).site.start_path("acme", path)

    assert_ours(start, base)
    assert parse_qs(urlsplit(start).query) == {"return_to": [path]}
    assert return_to(urlsplit(start).query) == path


@thoroughly
@given(TEXTS)
def test_opr_a_query_names_a_path_on_our_own_origin_or_none(query: str) -> None:
    try:
        path = return_to(f"return_to={query}")
    except InvalidRequest:
        return

    if path is not None:
        assert_ours(path, "https://app.example")


@thoroughly
@given(st.sampled_from(BASES), PATHS)
def test_opr_failures_go_to_the_login_page_that_the_settings_name(base: str, text: str) -> None:
    try:
        page = page_url(text)
    except ValueError:
        return
    site = Site(base)
    login_url = site.local_url(page) if page.startswith("/") else page

    failure = replace(site, login_url=login_url).failure_url("access_denied", "0123456789abcdef")

    assert URL(failure).origin == URL(base if page.startswith("/") else page).origin
    assert URL(failure).search.endswith("error=access_denied&ref=0123456789abcdef")


@thoroughly
@given(st.sampled_from(["https://", "http://127.", "https://[", "http://localhost", "https://app.example"]), TEXTS)
def test_an_address_in_the_settings_has_the_host_that_a_browser_reads(start: str, text: str) -> None:
    try:
        check_url(start + text)
    except ValueError:
        return
    try:
        there = URL(start + text)
    except ValueError:
        return  # a browser goes nowhere

    assert there.origin == origin_of(start + text)
    assert (there.username, there.password, there.hash) == ("", "", "")
