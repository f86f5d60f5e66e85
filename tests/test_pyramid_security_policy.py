"""The security policy for apps that have none: a signed cookie says who is signed in."""

from __future__ import annotations

import hmac
import time
from base64 import b64encode

import pytest
from fakes import SECRET, make_kit, state_of
from pyramid.authentication import AuthTicket, AuthTktCookieHelper
from pyramid.interfaces import ISecurityPolicy
from pyramid.request import Request
from pyramid.response import Response
from pyramid_apps import HTTPS, KEY, answer_of, call, cookies_set, make_app, named
from zope.interface.verify import verifyObject

pytestmark = pytest.mark.pyramid

NEW_SECRET = "another-app-secret-that-is-long-enough-as-well"
COOKIE = "__Host-authkit_session"
DAY = 24 * 3600


def policy_for(**settings):
    from authkit.pyramid import CookieSecurityPolicy

    return CookieSecurityPolicy(make_kit(settings=settings))


def request_with(cookie=None, name=COOKIE):
    request = Request.blank("/", environ=dict(HTTPS))
    if cookie is not None:
        request.environ["HTTP_COOKIE"] = f"{name}={cookie}"
    return request


def cookie_from(headers):
    [(name, header)] = headers
    assert name == "Set-Cookie"
    return header.partition(";")[0].partition("=")[2]


def signed_in(policy, userid=KEY):
    return request_with(cookie_from(policy.remember(request_with(), userid)))


def test_who_was_remembered_is_known_at_the_next_request():
    policy = policy_for()
    request = signed_in(policy)

    assert policy.authenticated_userid(request) == KEY
    assert policy.identity(request) == KEY


def test_nobody_is_known_without_a_cookie():
    policy = policy_for()

    assert policy.authenticated_userid(request_with()) is None
    assert policy.identity(request_with()) is None


def test_it_has_what_a_security_policy_has():
    assert verifyObject(ISecurityPolicy, policy_for(), tentative=True)


def test_being_signed_in_is_every_permission_and_else_there_is_none():
    policy = policy_for()

    assert policy.permits(signed_in(policy), None, "edit")
    assert not policy.permits(request_with(), None, "view")


def test_a_permission_says_why_in_pyramid_s_log_of_authorization():
    policy = policy_for()

    assert policy.permits(signed_in(policy), None, "edit").msg == "somebody is signed in"
    assert policy.permits(request_with(), None, "view").msg == "nobody is signed in"


def test_a_view_with_a_permission_is_for_those_who_are_signed_in(new_world):
    def include(config):
        config.add_route("own", "/own")
        config.add_view(lambda request: Response("inside"), route_name="own", permission="view")

    world = new_world(named(include))
    browser = world.browser()

    browser.get("/own", status=403)
    world.log_in(browser)
    assert browser.get("/own", status=200).text == "inside"


def test_the_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts(world):
    browser = world.browser()
    cookie = cookies_set(answer_of(world.log_in(browser)))[COOKIE]

    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert cookie["max-age"] == str(14 * DAY)
    assert "domain" not in cookie


def test_signing_out_clears_the_cookie(world):
    browser = world.browser()
    world.log_in(browser)
    cookie = cookies_set(answer_of(browser.post("/auth/logout")))[COOKIE]

    assert (cookie["value"], cookie["max-age"], cookie["secure"]) == ("", "0", True)


def test_the_key_is_not_the_secret_itself():
    # Otherwise whoever signs something else with the app's secret could sign people in.
    helper = AuthTktCookieHelper(SECRET, cookie_name=COOKIE, hashalg="sha512")
    forged = cookie_from(helper.remember(request_with(), KEY))

    assert policy_for().authenticated_userid(request_with(forged)) is None


def test_a_ticket_of_another_app_does_not_open():
    foreign = signed_in(policy_for(**{"authkit.secret": NEW_SECRET}))

    assert policy_for().authenticated_userid(foreign) is None


def test_a_secret_that_is_being_rotated_out_still_counts_and_is_not_used_any_more():
    old, rotated = policy_for(), policy_for(**{"authkit.secret": f"{NEW_SECRET} {SECRET}"})
    new = policy_for(**{"authkit.secret": NEW_SECRET})

    assert rotated.authenticated_userid(signed_in(old)) == KEY
    assert rotated.authenticated_userid(signed_in(new)) == KEY
    assert new.authenticated_userid(signed_in(rotated)) == KEY
    assert new.authenticated_userid(signed_in(old)) is None


def ticket(age):
    """Return a good ticket that is `age` seconds old."""
    key = hmac.new(SECRET.encode(), b"authkit/session/v1", "sha256").hexdigest()
    encoded = b64encode(KEY.encode()).decode()
    return AuthTicket(
        key,
        encoded,
        "0.0.0.0",
        user_data="userid_type:b64unicode",
        time=time.time() - age,
        hashalg="sha512",
    ).cookie_value()


def test_a_ticket_ends_after_fourteen_days():
    policy = policy_for()

    assert policy.authenticated_userid(request_with(ticket(14 * DAY - 60))) == KEY
    assert policy.authenticated_userid(request_with(ticket(14 * DAY + 60))) is None


def test_a_ticket_is_renewed_after_a_day_of_use(world):
    fresh = call(world.app, "/me", HTTP_COOKIE=f"{COOKIE}={ticket(DAY - 60)}")
    older = call(world.app, "/me", HTTP_COOKIE=f"{COOKIE}={ticket(DAY + 10)}")

    assert (fresh.text, older.text) == (KEY, KEY)
    assert fresh.all("Set-Cookie") == []
    assert list(cookies_set(older)) == [COOKIE]


def test_a_ticket_of_a_retired_secret_counts_and_is_not_renewed():
    app = make_app(make_kit(settings={"authkit.secret": f"{NEW_SECRET} {SECRET}"}))

    answer = call(app, "/me", HTTP_COOKIE=f"{COOKIE}={ticket(DAY + 60)}")

    assert (answer.text, answer.all("Set-Cookie")) == (KEY, [])


def test_signing_out_is_not_undone_by_a_renewal(world):
    answer = call(world.app, "/auth/logout", method="POST", HTTP_COOKIE=f"{COOKIE}={ticket(DAY + 60)}")

    assert [cookie["value"] for cookie in cookies_set(answer).values()] == [""]


GARBLED = [
    "",
    "x",
    "a" * 128,
    "a" * 128 + "00000000",
    "a" * 128 + "0000000gu!x",
    "a" * 128 + "00000000u!userid_type:int",
    "a" * 128 + "-0000001u!x!y",
    "a" * 16_000,
    "!" * 200,
    '"' + "\\303\\251" * 128 + '00000000u!x"',
    '"' + "a" * 128 + '00000000\\355\\240\\200!x"',
    '"\\377"',
    "%00%ff",
    "\xff\xfe",
]


@pytest.mark.parametrize("garbled", GARBLED)
def test_a_garbled_ticket_is_nobody(garbled):
    assert policy_for().authenticated_userid(request_with(garbled)) is None


@pytest.mark.parametrize("garbled", GARBLED)
def test_a_garbled_ticket_keeps_nobody_from_signing_in(world, garbled):
    cookie = f"{COOKIE}={garbled}"

    assert call(world.app, "/me", HTTP_COOKIE=cookie).text == "anonymous"
    started = call(world.app, "/auth/acme", HTTP_COOKIE=cookie)
    assert started.status == 302
    [(name, flow)] = cookies_set(started).items()
    assert name.startswith("__Host-authkit-")
    query = f"code=c&state={state_of(started.get('Location'))}"
    finished = call(world.app, "/auth/acme/callback", query, HTTP_COOKIE=f"{name}={flow['value']}")
    assert finished.status == 303


@pytest.mark.parametrize("position", [0, 1, 60, 127, 130, 140, -1])
def test_a_ticket_with_one_character_changed_is_nobody(position):
    policy = policy_for()
    good = ticket(60)
    index = position % len(good)
    bad = good[:index] + ("0" if good[index] != "0" else "1") + good[index + 1 :]

    assert policy.authenticated_userid(request_with(good)) == KEY
    assert policy.authenticated_userid(request_with(bad)) is None


def test_a_host_header_does_not_get_into_the_cookie():
    app = make_app(make_kit())
    started = call(app, "/auth/acme", HTTP_HOST="evil.example")
    [(name, flow)] = cookies_set(started).items()

    answer = call(
        app,
        "/auth/acme/callback",
        f"code=c&state={state_of(started.get('Location'))}",
        HTTP_HOST="evil.example",
        HTTP_COOKIE=f"{name}={flow['value']}",
    )

    assert answer.status == 303
    assert "evil" not in str(answer.headers)


def test_on_plain_loopback_the_cookie_has_neither_prefix_nor_secure():
    policy = policy_for(**{"authkit.base_url": "http://localhost:6543"})
    [(_, header)] = policy.remember(request_with(), KEY)

    assert header.startswith("authkit_session=")
    assert "secure" not in header.lower()
    cookie = cookie_from(policy.remember(request_with(), KEY))
    assert policy.authenticated_userid(request_with(cookie, "authkit_session")) == KEY
