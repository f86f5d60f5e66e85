"""Sessions: planted ones are of no use, and a login that fails half-way leaves everything as it was."""

from __future__ import annotations

import pytest
from fakes import USER
from pyramid.httpexceptions import HTTPBadRequest, HTTPForbidden, HTTPFound
from pyramid.response import Response
from pyramid.security import remember
from pyramid.tweens import EXCVIEW
from pyramid_apps import (
    KEY,
    ServerSession,
    call,
    handled_by,
    named,
    server_session,
    session_policy,
    signed_cookie_session,
)

from authkit.errors import AccountDenied

pytestmark = pytest.mark.pyramid

POLICIES = {"own ticket": (), "in the session": (session_policy,)}


def renewing(keep=()):
    """Return a login handler that renews the session, keeps `keep`, and signs in."""
    from authkit.pyramid import renew_session

    def handler(request, login):
        renew_session(request, keep=keep)
        return Response("", headers=remember(request, login.identity.key))

    return handled_by(handler)


# What a login handler ends with.


def signing_in(userid, keep=()):
    """Return a login handler that signs `userid(login)` in."""
    from authkit.pyramid import sign_in

    return handled_by(lambda request, login: sign_in(request, login, userid(login), keep=keep))


def test_sign_in_remembers_the_app_s_own_id_and_goes_to_the_return_to(new_world):
    world = new_world(signing_in(lambda login: 42))
    browser = world.browser()

    assert world.log_in(browser, return_to="/inbox").location == "https://app.example/inbox"
    assert world.me(browser) == "42"
    assert world.log_in(browser).location == "https://app.example/"
    assert world.me(browser) == "42"


def test_sign_in_asks_before_it_switches_to_another_account(new_world):
    world = new_world(signing_in(lambda login: login.identity.subject))
    browser = world.browser()
    world.log_in(browser)

    world.network.replies["me"] = {**USER, "id": "somebody-else"}
    page = world.log_in(browser, status=409, return_to="/inbox")

    assert world.me(browser) == USER["id"]
    assert page.form.action == "https://app.example/auth/logout?return_to=%2Fauth%2Facme%3Freturn_to%3D%252Finbox"


@pytest.mark.parametrize("session", [signed_cookie_session, named(server_session())], ids=["signed-cookie", "server"])
def test_sign_in_renews_the_session_and_keeps_what_it_is_told_to(new_world, session):
    world = new_world(session, signing_in(lambda login: login.identity.key, keep=("cart",)))
    browser = world.browser()
    browser.get("/plant?cart=shoes&attacker=1")

    world.log_in(browser)

    assert browser.get("/session").json == {"cart": "shoes"}


@pytest.mark.parametrize("refusal", [HTTPBadRequest, HTTPForbidden])
@pytest.mark.parametrize("session", [signed_cookie_session, named(server_session())], ids=["signed-cookie", "server"])
def test_an_error_that_a_handler_returns_leaves_the_session_as_it_was(new_world, session, refusal):
    from authkit.pyramid import sign_in

    def handler(request, login):
        sign_in(request, login, login.identity.key)
        return refusal("blocked")

    world = new_world(session, session_policy, handled_by(handler))
    browser = world.browser()
    browser.get("/plant?cart=shoes")

    world.log_in(browser, status=refusal.code)

    assert world.me(browser) == "anonymous"
    assert browser.get("/session").json == {"cart": "shoes"}


def test_a_session_that_cannot_be_compared_is_not_replaced_unless_it_has_changed(new_world):
    class Opaque(ServerSession):
        __eq__ = object.__eq__
        __hash__ = None

    store = {}
    world = new_world(
        named(lambda config: config.set_session_factory(lambda request: Opaque(store, request))),
        handled_by(lambda request, login: HTTPForbidden("blocked")),
    )
    browser = world.browser()
    browser.get("/plant?cart=shoes")
    known = dict(store)

    world.log_in(browser, status=403)

    assert store == known


# Fixation.


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_ses_01_an_id_that_was_planted_is_of_no_use_after_the_login(new_world, policy):
    store = {"planted": {"attacker": "1"}}
    world = new_world(server_session(store), *policy)
    victim, attacker = world.browser(), world.browser()
    for browser in (victim, attacker):
        browser.set_cookie("sid", "planted")

    world.log_in(victim)

    assert world.me(victim) == KEY
    assert world.me(attacker) == "anonymous"
    assert attacker.get("/session").json == {}
    assert "planted" not in store


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_ses_01_a_signed_cookie_that_was_planted_is_of_no_use_after_the_login(new_world, policy):
    world = new_world(signed_cookie_session, *policy)
    attacker, victim = world.browser(), world.browser()
    attacker.get("/plant?attacker=1")
    planted = attacker.cookies["session"]
    victim.set_cookie("session", planted)

    world.log_in(victim)

    assert world.me(victim) == KEY
    assert victim.cookies["session"] != planted
    assert victim.get("/session").json.get("attacker") is None
    assert world.me(attacker) == "anonymous"


@pytest.mark.parametrize("session", [server_session(), signed_cookie_session])
def test_ses_02_what_was_planted_in_the_session_is_gone(new_world, session):
    world = new_world(session)
    browser = world.browser()
    browser.get("/plant?attacker=1")

    world.log_in(browser)

    assert browser.get("/session").json == {}


@pytest.mark.parametrize("session", [server_session(), signed_cookie_session])
def test_ses_02_what_is_named_goes_over_into_the_new_session(new_world, session):
    world = new_world(session, renewing(keep=("cart", "nothing-there")))
    browser = world.browser()
    browser.get("/plant?attacker=1&cart=shoes")

    world.log_in(browser, status=200)

    assert browser.get("/session").json == {"cart": "shoes"}


def test_renewing_is_fine_where_there_is_no_session(new_world):
    world = new_world(renewing(keep=("cart",)))
    browser = world.browser()

    world.log_in(browser, status=200)

    assert world.me(browser) == KEY


@pytest.mark.parametrize("session", [server_session(), signed_cookie_session])
def test_signing_out_ends_the_session(new_world, session):
    world = new_world(session)
    browser = world.browser()
    world.log_in(browser)
    browser.get("/plant?cart=shoes")

    browser.post("/auth/logout", status=303)

    assert browser.get("/session").json == {}


# A handler that fails.


def deny(request):
    raise AccountDenied("not on the list")


def crash(request):
    raise RuntimeError("the database is away")


def forbid(request):
    raise HTTPForbidden("not today")


def go_away(request):
    raise HTTPFound("/sorry")


def render(request):
    return Response("{" + str({}["a name that the template gets wrong"]))


def return_nothing(request):
    return None


def exit_process(request):
    raise SystemExit


FAILURES = [deny, crash, forbid, render, return_nothing]
SESSIONS = {"server": server_session(), "signed-cookie": signed_cookie_session}


def touching(fail):
    """Return a handler that signs somebody in, in every way there is, and then fails."""
    from authkit.pyramid import renew_session

    def handler(request, login):
        renew_session(request)
        request.response.headerlist.extend(remember(request, login.identity.key))
        request.session["user"] = login.identity.key
        request.session.changed()
        return fail(request)

    return handled_by(handler)


def writing(fail):
    """Return a handler that writes into the session as it is, also deep inside, and then fails."""

    def handler(request, login):
        request.session["user"] = login.identity.key
        request.session.setdefault("basket", []).append("poison")
        request.session.changed()
        return fail(request)

    return handled_by(handler)


def with_basket(config):
    """A view that puts a list into the session, for handlers to change deep inside."""

    def fill(request):
        request.session["basket"] = ["shoes"]
        return Response("")

    config.add_route("fill", "/fill")
    config.add_view(fill, route_name="fill")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("handler", [touching, writing])
@pytest.mark.parametrize("fail", FAILURES)
def test_ses_10_a_handler_that_fails_leaves_the_session_as_it_was(new_world, fail, handler, session, policy):
    world = new_world(SESSIONS[session], with_basket, *policy, handler(fail))
    browser = world.browser()
    browser.get("/fill")

    response = browser.get(world.callback(world.start(browser)), expect_errors=True)

    assert response.status_int in (403, 503)
    assert world.me(browser) == "anonymous"
    assert browser.get("/session").json == {"basket": ["shoes"]}
    assert [outcome for outcome, _ in world.told] == ["failed"]
    assert len(world.audit) == 1


@pytest.mark.parametrize("session", SESSIONS)
def test_a_redirect_that_is_raised_keeps_what_the_handler_did_to_the_session(new_world, session):
    world = new_world(SESSIONS[session], session_policy, touching(go_away))
    browser = world.browser()

    world.log_in(browser, status=302)

    assert world.me(browser) == "v1:acme:acme-client:user-1"


def test_ses_10_even_the_end_of_the_process_leaves_the_session_as_it_was(new_world):
    store = {"s1": {"cart": "shoes"}}
    world = new_world(server_session(store), session_policy, writing(exit_process))
    browser = world.browser()
    browser.set_cookie("sid", "s1")
    path = world.callback(world.start(browser))

    with pytest.raises(SystemExit):
        browser.get(path)

    assert list(store.values()) == [{"cart": "shoes"}]


@pytest.mark.parametrize("session", SESSIONS)
def test_ses_10_a_login_that_is_refused_leaves_who_is_signed_in_signed_in(new_world, session):
    world = new_world(SESSIONS[session], session_policy)
    browser = world.browser()
    world.log_in(browser)
    browser.get("/plant?cart=shoes")
    before = browser.get("/session").json

    world.network.replies["me"] = {**USER, "id": "user-2"}
    world.refused(browser, world.callback(world.start(browser)), "account_conflict", exchanges=1)
    world.network.replies["token"] = {"error": "invalid_grant"}
    world.refused(browser, world.callback(world.start(browser)), "provider_rejected", exchanges=1)
    world.refused(browser, world.callback("unknown"), "state_invalid")

    assert world.me(browser) == KEY
    assert browser.get("/session").json == before


def test_ses_10_a_failed_login_does_not_even_write_the_session(new_world):
    store = {"s1": {"cart": "shoes"}}
    world = new_world(server_session(store), handled_by(lambda request, login: crash(request)))
    browser = world.browser()
    browser.set_cookie("sid", "s1")

    world.log_in(browser, status=503)

    assert store == {"s1": {"cart": "shoes"}}


# What raises behind the handler: a transaction that does not commit.


def failing_commit(handler, registry):
    """A tween that fails to commit what a callback did."""

    def tween(request):
        response = handler(request)
        if request.path.endswith("/callback"):
            raise RuntimeError("the transaction does not commit")
        return response

    return tween


def with_failing_commit(config):
    config.add_tween("test_pyramid_sessions.failing_commit", under=EXCVIEW)


def with_apology(config):
    config.add_exception_view(lambda exc, request: Response("sorry", status=500), context=Exception)


def with_visits(config):
    """Change the session at each request, before any view does."""

    def count(event):
        event.request.session["seen"] = "yes"

    config.add_subscriber(count, "pyramid.events.NewRequest")


@pytest.mark.parametrize("visits", [(), (with_visits,)], ids=["", "with visits"])
@pytest.mark.parametrize("session", SESSIONS)
def test_ses_10_a_commit_that_fails_signs_nobody_in(new_world, session, visits):
    world = new_world(SESSIONS[session], session_policy, with_failing_commit, with_apology, *visits)
    browser = world.browser()
    browser.get("/plant?cart=shoes")

    assert world.log_in(browser, status=500).text == "sorry"

    assert world.me(browser) == "anonymous"
    assert browser.get("/session").json["cart"] == "shoes"


@pytest.mark.parametrize("session", SESSIONS)
def test_ses_10_a_commit_that_fails_with_nobody_to_apologise_signs_nobody_in(new_world, session):
    world = new_world(SESSIONS[session], session_policy, with_failing_commit)
    browser = world.browser()
    path = world.callback(world.start(browser))

    with pytest.raises(RuntimeError, match="does not commit"):
        browser.get(path)

    assert world.me(browser) == "anonymous"


# A session that cannot be had.


class BrokenSession(ServerSession):
    """A session whose store is away."""

    def __iter__(self):
        raise ConnectionError("the session store is away")


def test_a_session_store_that_is_away_is_a_failed_login_and_not_a_crash(new_world):
    def include(config):
        config.set_session_factory(lambda request: BrokenSession({}, request))

    world = new_world(named(include))
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "store_unavailable", exchanges=1)


def test_signing_out_with_cookies_that_are_garbled_works_all_the_same(new_world):
    world = new_world(signed_cookie_session)

    answer = call(world.app, "/auth/logout", method="POST", HTTP_COOKIE='session="\\377"')

    assert answer.status == 303
