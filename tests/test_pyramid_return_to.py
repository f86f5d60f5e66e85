"""Return-to through the adapter: the last redirect of a login, of a sign-out, and the buttons, wherever it is."""

from __future__ import annotations

import html
import re
from functools import cache
from urllib.parse import urlencode, urlsplit

import pytest
from ada_url import URL
from fakes import make_kit, state_of
from hostile_texts import PATHS
from hypothesis import given, settings
from hypothesis import strategies as st
from pyramid.response import Response
from pyramid_apps import call, cookies_set, handled_by, make_app

from authkit.transactions import local_path

pytestmark = pytest.mark.pyramid

BASES = ["https://app.example", "https://app.example:8443/shop", "http://localhost:6543/a.b", "http://[::1]:8080"]
thoroughly = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def to_return_to(request, login):
    """Answer as a login handler of an app does that trusts the return-to."""
    return Response(status=302, location=login.return_to)


PARTS = {"default": (), "own": (handled_by(to_return_to),)}


@cache
def app_at(base, handler):
    """Return the site and the app that is mounted at `base`, and what a server says of each request."""
    kit = make_kit(settings={"authkit.base_url": base})
    mounted = {"SCRIPT_NAME": urlsplit(base).path, "HTTP_HOST": "evil.example", "wsgi.url_scheme": "https"}
    return kit.site, make_app(kit, *PARTS[handler]), mounted


def query_of(value):
    return urlencode({"return_to": value.encode("utf-8", "surrogatepass")})


def assert_ours(location, base):
    there = URL(location, base="https://relative.example/")
    assert there.origin == URL(base).origin, location
    assert (there.username, there.password) == ("", ""), location


@thoroughly
@given(st.sampled_from(BASES), st.sampled_from(sorted(PARTS)), PATHS)
def test_opr_the_last_redirect_of_a_login_stays_on_our_origin_wherever_the_app_is_mounted(base, handler, value):
    site, app, mounted = app_at(base, handler)

    started = call(app, "/auth/acme", query_of(value), **mounted)
    if started.status == 400:  # no UTF-8
        assert re.search("[\ud800-\udfff]", value)
        return
    [(name, cookie)] = cookies_set(started).items()
    finish = f"code=c&state={state_of(started.get('Location'))}"
    finished = call(app, "/auth/acme/callback", finish, HTTP_COOKIE=f"{name}={cookie['value']}", **mounted)

    [location] = finished.all("Location")
    assert_ours(location, base)
    assert location == site.local_url(local_path(value, site.home))


@thoroughly
@given(st.sampled_from(BASES), PATHS)
def test_opr_a_sign_out_stays_on_our_origin_wherever_the_app_is_mounted(base, value):
    site, app, mounted = app_at(base, "default")

    signed_out = call(app, "/auth/logout", query_of(value), method="POST", **mounted)

    if signed_out.status == 303:
        assert signed_out.all("Location") == [site.local_url(local_path(value, site.home))]
        assert_ours(signed_out.get("Location"), base)
    else:
        assert re.search("[\ud800-\udfff]", value)


@thoroughly
@given(st.sampled_from(BASES), PATHS)
def test_opr_every_address_on_the_page_of_buttons_is_ours(base, value):
    _, app, mounted = app_at(base, "default")

    shown = call(app, "/auth/", query_of(value), **mounted)

    addresses = [html.unescape(found) for found in re.findall(r'(?:href|action|src)="([^"]*)"', shown.text)]
    assert addresses or shown.status == 400
    for address in addresses:
        assert_ours(URL(address, base=base).href, base)
