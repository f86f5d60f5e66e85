"""Whatever is sent to an app that has everything, by whatever route, is answered, and nothing comes of it."""

from __future__ import annotations

import html
import json
import logging
import re

import ada_url
import pytest
from account_apps import ADA, BEN, checksum, kept_in, key_of
from acme_events import telling
from fakes import Network, make_kit, plugins_with, state_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from native_world import NativeWorld
from pyramid_apps import OTHER_SETTINGS, answer_of, call, cookies_set, make_app, other, signed_cookie_session
from redirect_payloads import BY_ROW

from authkit.accounts import Database, metadata

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

KNOWN = {200, 204, 302, 303, 400, 401, 403, 404, 405, 413, 415}
OURS = ("https://app.example", "https://acme.example", "https://other.example")
ROUTES = {
    "GET": ("/", "/acme", "/acme/callback", "/accounts", "/acme/native", "/acme/native/callback", "/native/sessions"),
    "POST": (
        *("/logout", "/acme/link", "/acme/unlink", "/acme/webhook", "/other/webhook", "/acme/connect"),
        *("/native/refresh", "/native/logout"),
    ),
    "DELETE": ("/native/sessions/1",),
}
"""The one method of each route, and the routes."""
WITH_CORS = ("/auth/acme/connect", "/auth/native/")
JSON_PATHS = (*WITH_CORS, "/auth/acme/webhook", "/auth/other/webhook")
TRICKS = ["", "/", "//", ";a=b", "/.", "/..", "%2e", "\x00", " ", "\xff", "\xc3\xa9", "?", "#", "\r\nX: y", "/x" * 50]
RAW = st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))
WORDS = [
    "acme", "code=c", "state=s", "app=phone", "challenge=c", "csrf_token=x", "identity=v1:acme",
    "return_to=//evil", "even_last=1", "ticket", "verifier", "access_token", "refresh_token", "&", "=", ";",
    ",", "%ff", "%00", "{", "}", "[", '"', ":", "\\u0000", "\\ud800", "1e999", "NaN", "Bearer", "a.b.c",
    "eyJhbGciOiJub25lIn0.e30.", "same-origin", "null", "https://evil.example", "application/json", "text/html",
    "q=0", "*/*", "multipart",
]  # fmt: skip
BYTES = RAW | st.lists(st.sampled_from(WORDS) | RAW, max_size=8).map("".join)
HEADERS = [
    "HTTP_ACCEPT", "HTTP_AUTHORIZATION", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE",
    "HTTP_SEC_FETCH_DEST", "HTTP_X_CSRF_TOKEN", "HTTP_HOST", "HTTP_REFERER", "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_ACME_SIGNATURE", "HTTP_TRANSFER_ENCODING",
    "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_NONE_MATCH", "HTTP_RANGE", "HTTP_EXPECT", "HTTP_CONTENT_ENCODING",
    "CONTENT_LENGTH", "SCRIPT_NAME", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT",
]  # fmt: skip


class Whole:
    """An app with accounts, native apps, webhooks and a session, and what it has stored and sent."""

    def __init__(self, folder):
        self.database = Database.open(f"sqlite:///{folder / 'whole.sqlite'}")
        metadata.create_all(self.database.engine)
        self.network = Network()
        kit = make_kit(self.network, {**NativeWorld.usual(), **OTHER_SETTINGS}, plugins=plugins_with(telling, other))
        self.app = make_app(kit, before=[kept_in(self.database), "authkit.pyramid.native", signed_cookie_session])
        self.cookie = self._sign_in()
        assert call(self.app, "/auth/accounts", HTTP_COOKIE=self.cookie).status == 200
        self.network.sent.clear()
        self.before = checksum(self.database)

    def _sign_in(self):
        started = call(self.app, "/auth/acme")
        [(name, cookie)] = cookies_set(started).items()
        query = f"code=c&state={state_of(started.get('Location'))}"
        done = call(self.app, "/auth/acme/callback", query, HTTP_COOKIE=f"{name}={cookie['value']}")
        return "; ".join(f"{name}={cookie['value']}" for name, cookie in cookies_set(done).items() if cookie["value"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Give one app for all examples."""
    made = Whole(tmp_path_factory.mktemp("whole"))
    logging.getLogger("authkit").setLevel(logging.CRITICAL)
    yield made
    logging.getLogger("authkit").setLevel(logging.NOTSET)
    made.database.close()


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    route=st.sampled_from([(method, f"/auth{path}") for method, paths in ROUTES.items() for path in paths]),
    other=st.none()
    | st.none()
    | st.sampled_from(["GET", "POST", "HEAD", "TRACE", "OPTIONS"])
    | st.text("AB", max_size=3),
    trick=st.just("") | st.just("") | st.sampled_from(TRICKS) | BYTES,
    query=BYTES,
    body=BYTES.map(lambda text: text.encode("latin-1")),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded"]) | BYTES,
    headers=st.dictionaries(st.sampled_from(HEADERS), BYTES, max_size=3),
    cookie=st.none() | BYTES,
)
def test_no_request_raises_stores_something_or_leads_elsewhere(
    whole, route, other, trick, query, body, kind, headers, cookie
):
    method, path = route
    used, jar = method if other is None else other, whole.cookie if cookie is None else cookie

    found = call(whole.app, path + trick, query, used, body, HTTP_COOKIE=jar, CONTENT_TYPE=kind, **headers)

    assert found.status in KNOWN
    if used != method and not trick:
        assert found.status == (204 if used == "OPTIONS" and path.startswith(WITH_CORS) else 405)
    location = found.get("Location")
    if location is not None:
        assert ada_url.URL(location, base="https://relative.example/").origin in OURS
    if found.status >= 400 and path.startswith(JSON_PATHS) and not trick and used != "HEAD":
        assert json.loads(found.body)["error"]
    assert (checksum(whole.database), whole.network.sent) == (whole.before, [])


# Of a login on its way, and of where a form leads to.

NEIGHBOURS = [
    "{ours}; {name}", 'a="x; {ours}', "a=[x]{{}}(); {ours}", 'a={{"b":"c, d"}}; {ours}', "$Version=1; {ours}",
    "=x; ;;; a; \xe9=1; {ours}", "a=\xff; {ours}", "a=\x00\x01\x7f; {ours}", "x; {ours}; y", "a=1;{ours};b=2",
    " {ours} ", "big=" + "x" * 8192 + "; {ours}", "__Host-authkit-x=1; __host-authkit={ours}; {ours}",
]  # fmt: skip


@pytest.mark.parametrize("header", NEIGHBOURS)
def test_ses_07_odd_cookies_of_others_do_not_disturb_a_login(world, header):
    started = call(world.app, "/auth/acme")
    [(name, cookie)] = cookies_set(started).items()
    query = f"code=c&state={state_of(started.get('Location'))}"
    ours = f"{name}={cookie['value']}"
    done = call(world.app, "/auth/acme/callback", query, HTTP_COOKIE=header.format(ours=ours, name=name.upper()))

    assert done.status == 303


@pytest.mark.parametrize("script", ["/x", "//evil.example", "http://evil.example", "x", "/auth", "/\xff"])
def test_rdu_01_a_mount_point_that_nobody_set_up_changes_no_address(world, script):
    for path, method in (("/auth/", "GET"), ("/auth/logout", "POST"), ("/auth/nope", "GET")):
        plain, mounted = (call(world.app, path, method=method, **more) for more in ({}, {"SCRIPT_NAME": script}))

        assert mounted.get("Location") == plain.get("Location")
        assert addresses(mounted) == addresses(plain) != []
    begun = call(world.app, "/auth/acme", SCRIPT_NAME=script).get("Location")
    assert "&redirect_uri=https%3A%2F%2Fapp.example%2Fauth%2Facme%2Fcallback&" in begun


def addresses(answer):
    """Return where the page of an answer leads to, or the answer itself."""
    return re.findall(r'(?:href|action|src)="([^"]*)"', answer.text) + answer.all("Location")


FEW = [value for values in BY_ROW.values() for value in values[:4]]


@pytest.mark.slow
def test_opr_01_to_07_and_21_no_form_of_connected_accounts_leads_to_another_origin(small_app):
    browser = small_app.signed_in(ADA)
    for value in FEW:
        small_app.link(browser, BEN, "other")
        posted = small_app.post(browser, "/other/unlink", identity=key_of(BEN, "other"), return_to=value)
        page = small_app.world.path("/accounts", return_to=value)
        led = [posted.location, *addresses(answer_of(browser.get(page, status=200)))]

        assert {ada_url.URL(html.unescape(each), base=f"{OURS[0]}/auth/").origin for each in led} == {OURS[0]}, value


@pytest.mark.slow
def test_opr_01_to_07_and_21_no_link_ends_on_another_origin(small_app):
    browser = small_app.signed_in(ADA)
    small_app.become(ADA)
    for value in FEW:
        state = small_app.start_link(browser, "other", return_to=value)
        done = browser.get(small_app.world.callback(state, "other"), status=303)

        assert ada_url.URL(done.location, base=f"{OURS[0]}/auth/").origin == OURS[0], value
