"""A login from the first click to the last redirect, on every kind of app, and what an app may do about it."""

from __future__ import annotations

from dataclasses import replace
from http.cookiejar import CookieJar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from fakes import BASE_URL, USER, Network, acme, state_of
from pyramid.httpexceptions import HTTPBadRequest, HTTPForbidden, HTTPFound, HTTPSeeOther
from pyramid.response import Response
from pyramid_apps import (
    HTTPS,
    KEY,
    KINDS,
    OwnPolicy,
    answer_of,
    assert_safe_headers,
    handled_by,
    legacy_policies,
    local,
    make_app,
    make_kit,
    named,
    server_session,
    session_policy,
    signed_cookie_session,
)
from webtest import TestApp

from authkit.pyramid import begin, sign_in
from authkit.transactions import MAX_COOKIES, MemoryClaims, Transactions

pytestmark = pytest.mark.pyramid


def says_hello(request, login):
    """A login handler that has a dotted name."""
    return Response(f"hello {login.profile.display_name}")


@pytest.fixture(params=KINDS)
def any_world(request, new_world):
    """Give a world for each kind of app."""
    return new_world(*KINDS[request.param])


def test_every_kind_of_app_can_log_in_and_out(any_world):
    browser = any_world.browser()

    assert any_world.me(browser) == "anonymous"
    response = any_world.log_in(browser, return_to="/inbox")
    assert response.location == "https://app.example/inbox"
    assert any_world.me(browser) == KEY
    response = browser.post("/auth/logout", status=303)
    assert response.location == "https://app.example/"
    assert any_world.me(browser) == "anonymous"


def test_every_kind_of_app_tells_the_observers_once_and_writes_one_audit_line(any_world):
    any_world.log_in(any_world.browser())

    [(outcome, ref)] = any_world.told
    assert outcome == "succeeded"
    assert any_world.audit == [
        f"outcome=success code=ok provider=acme registration=acme ref={ref} identity={KEY}",
    ]


def test_every_kind_of_app_refuses_a_stranger_s_callback(any_world):
    browser = any_world.browser()

    any_world.refused(browser, any_world.callback("nobody-s-state"), "state_invalid")
    any_world.refused(browser, "/auth/nope", "unknown_provider")
    any_world.refused(
        browser, "/auth/logout", "cross_site", method="POST", headers={"Origin": "https://evil.example"}
    )
    any_world.log_in(browser)


def test_a_legacy_authentication_policy_is_left_alone_and_used(new_world):
    with pytest.warns(DeprecationWarning, match="Authentication and authorization policies"):
        world = new_world(legacy_policies)
    browser = world.browser()

    world.log_in(browser)

    assert world.me(browser) == KEY
    assert "own" in browser.cookies


def test_a_start_sends_the_browser_to_the_provider_with_one_cookie(world):
    browser = world.browser()

    response = browser.get("/auth/acme?return_to=/inbox", status=302)

    assert response.location.startswith("https://acme.example/oauth/authorize?")
    assert response.body == b""
    assert len(response.headers.getall("Set-Cookie")) == 1
    assert_safe_headers(answer_of(response))
    assert world.network.sent == []
    assert (world.told, world.audit) == ([], [])


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Mode": "no-cors"}, {"Sec-Fetch-Dest": "image"}])
def test_a_start_is_the_navigation_of_a_whole_page(world, headers):
    world.refused(world.browser(), "/auth/acme", "cross_site", headers=headers)


def test_a_view_of_the_app_s_own_asks_for_more_than_usual(new_world):
    def more(request):
        return begin(request, "acme", return_to="/inbox", scope=["photos"], prompt="consent")

    def include(config):
        config.add_route("more", "/more")
        config.add_view(more, route_name="more")

    asking = replace(acme, prompts={"consent": {"prompt": "again"}})
    world = new_world(named(include), providers=(asking,))
    browser = world.browser()
    url = browser.get("/more", status=302).location

    query = parse_qs(urlsplit(url).query)
    assert (query["scope"], query["prompt"]) == (["profile photos"], ["again"])
    assert browser.get(world.callback(state_of(url)), status=303).location == "https://app.example/inbox"


def test_logins_that_were_begun_and_not_ended_are_dropped_at_last(world):
    browser = world.browser()
    for _ in range(MAX_COOKIES + 1):
        browser.get("/auth/acme", status=302)

    assert len(browser.cookies) == MAX_COOKIES


def test_a_login_clears_its_cookie(world):
    browser = world.browser()
    state = world.start(browser)
    [name] = browser.cookies

    response = browser.get(world.callback(state), status=303)

    [cleared] = [header for header in response.headers.getall("Set-Cookie") if header.startswith(name)]
    assert cleared == f"{name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert name not in browser.cookies
    assert_safe_headers(answer_of(response))


def test_the_sign_in_page_leads_to_a_login(world):
    browser = world.browser()

    page = browser.get("/auth/?return_to=/inbox", status=200)
    started = page.click("Continue with Acme")
    finished = browser.get(world.callback(state_of(started.location)))

    assert finished.location == "https://app.example/inbox"
    assert_safe_headers(answer_of(page))


def test_without_a_return_to_the_login_ends_at_the_start_page(world):
    assert world.log_in(world.browser()).location == "https://app.example/"


def test_every_request_has_the_kit(new_world):
    seen = []

    def handler(request, login):
        seen.append(request.authkit)
        return Response("")

    world = new_world(handled_by(handler))
    world.log_in(world.browser(), status=200)

    assert seen == [world.kit]


@pytest.mark.parametrize(
    ("path", "complaints"),
    [
        ("/auth/logout", []),
        ("/auth/logout?registration=", []),
        ("/auth/logout?registration=acme", []),
        ("/auth/logout?registration=nobody", ["no registration is named 'nobody'"]),
    ],
)
def test_a_sign_out_ends_at_the_start_page_and_says_so_if_the_provider_cannot_be_told(world, path, complaints):
    browser = world.browser()
    world.log_in(browser)

    assert browser.post(path, status=303).location == "https://app.example/"
    assert world.me(browser) == "anonymous"
    said = [record for record in world.caplog.records if record.name == "authkit.pyramid.views"]
    assert [(line.levelname, line.args[1]) for line in said] == [("WARNING", reason) for reason in complaints]


# The login handler.


def test_the_app_s_handler_gets_the_login_and_its_answer_passes_through(new_world):
    logins = []

    def handler(request, login):
        logins.append(login)
        return Response("welcome", status=202, headers={"X-Own": "yes"})

    world = new_world(handled_by(handler))
    response = world.log_in(world.browser(), status=202, return_to="/inbox")

    [login] = logins
    assert (response.text, response.headers["X-Own"]) == ("welcome", "yes")
    assert (login.registration, login.identity.key, login.return_to) == ("acme", KEY, "/inbox")
    assert login.profile.display_name == "Ada"
    assert (login.granted_scopes, login.missing_scopes) == (("profile",), ())
    assert world.told == [("succeeded", login.correlation_id)]
    assert_safe_headers(answer_of(response))


def test_a_handler_s_own_headers_are_not_overridden(new_world):
    own = {
        "Cache-Control": "private",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "own",
        "Content-Security-Policy": "default-src 'self'",
    }
    world = new_world(handled_by(lambda request, login: Response("", headers=own)))

    headers = world.log_in(world.browser(), status=200).headers

    assert {name: headers.getall(name) for name in own} == {name: [value] for name, value in own.items()}


def test_a_page_of_a_handler_s_own_may_load_what_it_likes_and_is_not_framed(new_world):
    world = new_world(handled_by(lambda request, login: Response("")))

    assert world.log_in(world.browser(), status=200).headers.getall("Content-Security-Policy") == [
        "frame-ancestors 'none'"
    ]


def test_a_handler_may_be_a_dotted_name(new_world):
    world = new_world(handled_by("test_pyramid_login.says_hello"))

    assert world.log_in(world.browser(), status=200).text == "hello Ada"


def test_a_handler_s_local_redirect_stays_on_our_origin_whatever_the_host_header_says(new_world):
    world = new_world(handled_by(lambda request, login: HTTPFound("/inbox?a=1")))
    browser = world.browser(HTTP_HOST="evil.example")

    state = world.start(browser)
    response = browser.get(world.callback(state), status=302)

    assert response.location == "https://app.example/inbox?a=1"


def test_a_handler_s_redirect_that_names_only_a_host_stays_on_our_origin_too(new_world):
    world = new_world(handled_by(lambda request, login: HTTPFound("//evil.example/")))
    browser = world.browser(HTTP_HOST="evil.example")

    response = browser.get(world.callback(world.start(browser)), status=302)

    assert response.location == "https://app.example//evil.example/"


def test_a_handler_s_redirect_to_elsewhere_is_the_app_s_business(new_world):
    world = new_world(handled_by(lambda request, login: HTTPFound("https://shop.example/")))

    assert world.log_in(world.browser(), status=302).location == "https://shop.example/"


def test_a_redirect_that_a_handler_raises_passes_through_and_counts_as_a_login(new_world):
    def handler(request, login):
        raise HTTPSeeOther("/inbox", headers={"X-Own": "yes"})

    world = new_world(handled_by(handler))
    response = world.log_in(world.browser())

    assert (response.headers["X-Own"], local(response.location)) == ("yes", "/inbox")
    assert [outcome for outcome, _ in world.told] == ["succeeded"]
    assert len(world.audit) == 1
    assert_safe_headers(answer_of(response))


def test_an_error_that_a_handler_returns_counts_as_account_denied(new_world):
    world = new_world(handled_by(lambda request, login: Response("not today", status=403)))

    response = world.log_in(world.browser(), status=403)

    assert response.text == "not today"
    [line] = world.audit
    assert line.endswith("cause=the login handler answered HTTP 403")
    assert [outcome for outcome, _ in world.told] == ["failed"]


def test_a_refusal_that_a_handler_raises_passes_through_and_counts_as_account_denied(new_world):
    def handler(request, login):
        raise HTTPForbidden("not today")

    world = new_world(handled_by(handler))
    browser = world.browser()
    response = world.log_in(browser, status=403)

    assert "not today" in response.text
    assert [outcome for outcome, _ in world.told] == ["failed"]
    [line] = world.audit
    assert line.startswith("outcome=failure code=account_denied provider=acme registration=acme ")
    assert line.endswith("cause=the login handler answered HTTP 403")
    assert world.me(browser) == "anonymous"
    assert_safe_headers(answer_of(response))
    assert browser.cookies == {}


@pytest.mark.parametrize("refusal", [HTTPBadRequest, HTTPForbidden])
def test_a_refusal_that_a_handler_raises_has_the_app_s_own_page(new_world, refusal):
    def handler(request, login):
        raise refusal

    def include(config):
        config.add_exception_view(
            lambda raised, request: Response(f"our page for {raised.status_code}", status=raised.status_code),
            context=refusal,
        )

    world = new_world(handled_by(handler), named(include))

    assert world.log_in(world.browser(), status=refusal.code).text == f"our page for {refusal.code}"


@pytest.mark.parametrize("nothing", [None, "text", {"a": "dict"}])
def test_a_handler_that_returns_no_response_is_a_failure_and_not_a_crash(new_world, nothing):
    def handler(request, login):
        request.session["user"] = "ada"
        return nothing

    world = new_world(handled_by(handler), signed_cookie_session)
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "store_unavailable", exchanges=1)

    assert browser.get("/session").json == {}
    assert f"returned a {type(nothing).__name__}, which is no response" in world.caplog.text


def test_a_handler_may_return_what_the_app_has_a_response_adapter_for(new_world):
    def includes_adapter(config):
        config.add_response_adapter(Response, str)

    world = new_world(includes_adapter, handled_by(lambda request, login: "as text"))

    response = world.log_in(world.browser(), status=200)

    assert response.text == "as text"
    assert_safe_headers(answer_of(response))


def test_an_answer_of_status_400_is_a_refusal_and_one_below_it_is_a_login(new_world):
    for status, outcome in ((399, "succeeded"), (400, "failed")):
        world = new_world(handled_by(lambda request, login, status=status: Response(status=status)))
        world.log_in(world.browser(), status=status)
        assert [told for told, _ in world.told] == [outcome]


def test_a_view_of_the_app_s_own_that_signs_in_redirects_to_our_origin_whatever_the_host_header_says(new_world):
    logins = []

    def include(config):
        config.add_route("own", "/own")
        config.add_view(lambda request: sign_in(request, logins[0], KEY), route_name="own")

    world = new_world(handled_by(lambda request, login: logins.append(login) or Response()), named(include))
    world.log_in(world.browser(), status=200, return_to="/inbox")

    answer = world.browser(HTTP_HOST="evil.example").get("/own", status=303)

    assert answer.location == "https://app.example/inbox"
    assert_safe_headers(answer_of(answer))


# Who is signed in already.


def test_who_is_signed_in_by_a_number_may_sign_in_again(new_world):
    class Numbers(OwnPolicy):
        def authenticated_userid(self, request):
            userid = super().authenticated_userid(request)
            return None if userid is None else int(userid)

    def include(config):
        config.set_security_policy(Numbers())

    world = new_world(named(include), handled_by(lambda request, login: sign_in(request, login, "7")))
    browser = world.browser()
    world.log_in(browser)
    world.log_in(browser)

    assert world.me(browser) == "7"


def test_the_same_person_may_sign_in_again(world):
    browser = world.browser()
    world.log_in(browser)

    world.log_in(browser)

    assert world.me(browser) == KEY
    assert [outcome for outcome, _ in world.told] == ["succeeded", "succeeded"]


@pytest.mark.parametrize("parts", [(), (server_session(), session_policy), (signed_cookie_session, session_policy)])
def test_somebody_else_is_asked_first_and_may_switch(new_world, parts):
    world = new_world(*parts)
    browser = world.browser()
    world.log_in(browser)
    world.network.replies["me"] = {**USER, "id": "user-2"}

    conflict = world.refused(browser, world.callback(world.start(browser)), "account_conflict", exchanges=1)
    assert world.me(browser) == KEY
    form = conflict.forms[0]
    assert form.method == "post"
    signed_out = browser.post(local(form.action), headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})
    assert world.me(browser) == "anonymous"
    started = browser.get(local(signed_out.location), status=302)
    browser.get(world.callback(state_of(started.location)), status=303)

    assert world.me(browser) == "v1:acme:acme-client:user-2"


@pytest.mark.parametrize("subject", ["/" * 255, "\U0001f600" * 63])
def test_the_longest_subject_fits_into_a_session_in_a_cookie(new_world, subject):
    world = new_world(signed_cookie_session, session_policy)
    world.network.replies["me"] = {**USER, "id": subject}
    browser = world.browser()
    world.log_in(browser)

    assert unquote(world.me(browser)) == f"v1:acme:acme-client:{subject}"


def test_a_subject_that_would_not_fit_is_refused(new_world):
    world = new_world(signed_cookie_session, session_policy)
    world.network.replies["me"] = {**USER, "id": "\U0001f600" * 255}
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "provider_protocol", exchanges=1)


def test_the_conflict_page_names_neither_account(world):
    browser = world.browser()
    world.log_in(browser)
    world.network.replies["me"] = {"id": "user-2", "name": "Mallory"}

    page = browser.get(world.callback(world.start(browser)), status=409)

    assert not any(name in page.text for name in ("user-1", "user-2", "Ada", "Mallory"))


# Where the app lives.


def test_another_prefix_moves_every_route(new_world):
    world = new_world(settings={"authkit.prefix": "/sign/in"})
    browser = world.browser()

    page = browser.get("/sign/in/", status=200)
    assert BeautifulSoup(page.text, "html.parser").a["href"] == "/sign/in/acme"
    world.log_in(browser)
    assert world.me(browser) == KEY
    assert world.network.to("token")[0].form["redirect_uri"] == "https://app.example/sign/in/acme/callback"
    browser.post("/sign/in/logout", status=303)
    assert world.me(browser) == "anonymous"
    browser.get("/auth/acme", status=404)


def test_an_app_that_is_mounted_under_a_path_stays_below_it(new_world):
    world = new_world(settings={"authkit.base_url": "https://app.example/shop"})
    browser = world.browser(SCRIPT_NAME="/shop")

    assert world.log_in(browser).location == "https://app.example/shop/"
    assert world.log_in(browser, return_to="/shop/inbox").location == "https://app.example/shop/inbox"
    assert world.network.to("token")[0].form["redirect_uri"] == "https://app.example/shop/auth/acme/callback"
    assert browser.post("/auth/logout", status=303).location == "https://app.example/shop/"
    assert world.me(browser) == "anonymous"


def test_an_app_on_a_loopback_host_without_tls_has_cookies_without_prefix_and_secure(new_world):
    world = new_world(settings={"authkit.base_url": "http://127.0.0.1:6543"})
    browser = world.browser(**{"wsgi.url_scheme": "http", "HTTP_HOST": "127.0.0.1:6543"})

    started = browser.get("/auth/acme")
    finished = browser.get(world.callback(state_of(started.location)), status=303)

    for response in (started, finished):
        for header in response.headers.getall("Set-Cookie"):
            assert header.startswith(("authkit-", "authkit_session="))
            assert "secure" not in header.lower()
            assert "HttpOnly" in header
            assert "SameSite=Lax" in header
    assert finished.location == "http://127.0.0.1:6543/"
    assert world.me(browser) == KEY
    assert browser.post("/auth/logout", headers={"Origin": "http://127.0.0.1:6543"}, status=303)
    assert world.me(browser) == "anonymous"


def test_a_kit_that_a_test_puts_in_after_the_start_is_used(world):
    network = Network(me={"id": "user-9", "name": "Zoe"})
    kit = make_kit(network)
    world.app.registry["authkit.kit"] = kit
    browser = world.browser()

    world.log_in(browser)

    assert world.me(browser) == "v1:acme:acme-client:user-9"
    assert len(network.to("token")) == 1
    assert world.exchanges == 0


def test_con_06_a_login_may_begin_in_one_process_and_end_in_another():
    """Nothing of a login under way is in the memory of a process."""
    jar, network = CookieJar(), Network()
    apps = [make_app(make_kit(network)) for _ in range(2)]
    first, second = (TestApp(app, extra_environ=HTTPS, cookiejar=jar) for app in apps)

    state = state_of(first.get("/auth/acme").location)
    response = second.get(f"/auth/acme/callback?code=c&state={state}", status=303)

    assert response.location == f"{BASE_URL}/"
    assert first.get("/me").text == KEY


class Watched(Transactions):
    """Transactions that count how often somebody looks at one without claiming it."""

    looks = 0

    def begun(self, state, cookies):
        self.looks += 1
        return super().begun(state, cookies)


def test_a_callback_that_can_only_be_for_a_login_opens_its_transaction_once(world):
    kit = world.kit
    watched = Watched(
        kit.sealers["transaction"], MemoryClaims(kit.clock), clock=kit.clock, random=kit.random, secure=True
    )
    world.app.registry["authkit.kit"] = replace(kit, transactions=watched)

    world.log_in(world.browser())

    assert watched.looks == 0
