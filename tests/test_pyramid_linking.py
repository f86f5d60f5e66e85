"""Connected accounts: what whoever is signed in may connect and disconnect, and what nobody else can do to them."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from account_apps import ADA, BEN, JSON, AccountApp, checksum, count, key_of, parse
from fakes import acme, state_of
from pyramid.request import Request
from pyramid_apps import (
    KINDS,
    NumberedPolicy,
    OwnPolicy,
    answer_of,
    assert_safe_headers,
    named,
    other,
    own_policy,
)
from webtest import TestApp

from authkit.accounts import Accounts
from authkit.accounts.schema import claims, revocations, tokens
from authkit.errors import ReauthRequired
from authkit.models import Identity
from authkit.transactions import MAX_COOKIES

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

ZOE = ("user-3", "Zoe")
FORMS = ("/auth/acme/link", "/auth/acme/unlink")


# Connecting.


def test_a_second_identity_is_connected_and_signs_in_to_the_same_account(app):
    browser = app.signed_in(ADA)
    account_id = app.account_of(ADA)
    lines = len(app.world.audit)

    answer = app.link(browser, BEN)

    assert answer.location == "https://app.example/auth/accounts"
    assert_safe_headers(answer_of(answer))
    assert app.keys(account_id) == [key_of(ADA), key_of(BEN)]
    assert app.world.me(browser) == account_id
    assert app.observed == [("created", account_id, key_of(ADA)), ("linked", account_id, key_of(BEN))]
    assert [outcome for outcome, _ in app.world.told] == ["succeeded"]  # the login alone: a link is none
    [line] = app.world.audit[lines:]
    assert line.startswith("outcome=success code=ok provider=acme registration=acme ref=")
    assert line.endswith(f" identity={key_of(BEN)} purpose=link account={account_id}")

    assert app.world.me(app.signed_in(BEN)) == account_id


def test_an_identity_of_another_provider_is_connected(app):
    browser = app.signed_in(ADA)

    app.link(browser, ADA, "other")

    assert app.keys(app.account_of(ADA)) == [key_of(ADA), key_of(ADA, "other")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_app_connects_and_disconnects(new_world, sqlite, kind):
    app = AccountApp(new_world, sqlite, *KINDS[kind])
    browser = app.signed_in(ADA)
    account_id = app.account_of(ADA)

    app.link(browser, BEN)
    app.post(browser, "/acme/unlink", identity=key_of(ADA))

    assert app.keys(account_id) == [key_of(BEN)]
    assert app.world.me(browser) == account_id


def test_the_session_is_not_renewed_by_a_link(new_world, sqlite):
    app = AccountApp(new_world, sqlite, *KINDS["session-policy-signed-cookie"])
    browser = app.signed_in(ADA)
    browser.get("/plant?cart=1")
    before = browser.get("/session").json

    app.link(browser, BEN)

    assert browser.get("/session").json == before


def test_a_start_goes_to_the_provider_with_one_cookie_bound_to_the_account(small_app):
    browser = small_app.signed_in(ADA)

    answer = small_app.post(browser, "/acme/link")

    assert answer.status_int == 303
    assert answer.location.startswith("https://acme.example/oauth/authorize?")
    [cookie] = answer.headers.getall("Set-Cookie")
    assert cookie.startswith("__Host-authkit-")
    assert_safe_headers(answer_of(answer))
    assert small_app.account_of(ADA) not in answer.location + cookie


def test_links_that_were_begun_and_not_ended_are_dropped_at_last(small_app):
    browser = small_app.signed_in(ADA)
    fields = {"csrf_token": small_app.token(browser)}
    for _ in range(MAX_COOKIES + 1):
        browser.post("/auth/acme/link", fields, status=303)

    assert len([name for name in browser.cookies if name.startswith("__Host-authkit-")]) == MAX_COOKIES


@pytest.mark.parametrize(
    ("return_to", "location"),
    [
        ("/settings?tab=2", "https://app.example/settings?tab=2"),
        ("//evil.example", "https://app.example/auth/accounts"),
        ("https://evil.example/", "https://app.example/auth/accounts"),
        ("", "https://app.example/auth/accounts"),
    ],
)
def test_afterwards_the_browser_goes_where_the_form_says_on_our_own_origin(small_app, return_to, location):
    browser = small_app.signed_in(ADA)
    state = small_app.start_link(browser, return_to=return_to)
    small_app.become(BEN)

    assert browser.get(small_app.world.callback(state), status=303).location == location
    answer = small_app.post(browser, "/acme/unlink", identity=key_of(BEN), return_to=return_to)
    assert answer.location == location


def test_the_provider_is_told_to_ask_where_it_can(new_world, sqlite):
    asking = replace(acme, prompts={"consent": {"prompt": "consent"}, "login": {"prompt": "login"}})
    app = AccountApp(new_world, sqlite, providers=(asking, other))
    browser = app.signed_in(ADA)

    queries = [parse_qs(urlsplit(app.post(browser, f"/{name}/link").location).query) for name in ("acme", "other")]

    assert [query.get("prompt") for query in queries] == [["consent"], None]


def test_connecting_what_is_connected_already_gives_it_a_fresh_token(app):
    browser = app.signed_in(ADA)
    app.world.network.replies["token"] = {**app.world.network.replies["token"], "refresh_token": "canary-new-token"}
    before = checksum(app.database)["authkit_tokens"]

    app.link(browser, ADA)

    assert app.keys(app.account_of(ADA)) == [key_of(ADA)]
    assert checksum(app.database)["authkit_tokens"] != before
    assert app.observed == [("created", app.account_of(ADA), key_of(ADA))]


@pytest.fixture
def app_of_users(new_world, sqlite):
    """Give an app that has users of its own, and signs them in itself."""

    def include(config):
        config.set_security_policy(NumberedPolicy())
        config.set_authkit_user_for(lambda request, login: None)

    return AccountApp(new_world, sqlite, named(include))


def signed_in_by_the_app(app, userid):
    """Return a browser in which the app itself has signed a user in."""
    browser = app.world.browser()

    def plant(environ, start_response):
        start_response("200 OK", OwnPolicy().remember(Request(environ), userid))
        return [b""]

    TestApp(plant, extra_environ=browser.extra_environ, cookiejar=browser.cookiejar).get("/")
    return browser


def test_a_user_of_the_app_who_has_not_signed_in_by_us_connects(app_of_users):
    browser = signed_in_by_the_app(app_of_users, "7")

    app_of_users.link(browser, ADA)

    assert app_of_users.world.me(browser) == "7"
    assert app_of_users.keys("7") == [key_of(ADA)]


def test_a_user_of_the_app_of_whom_nothing_is_kept_has_nothing_to_disconnect(app_of_users):
    browser = signed_in_by_the_app(app_of_users, "7")
    fields = {"identity": key_of(ADA), "csrf_token": app_of_users.token(browser)}

    app_of_users.refused(browser, "/auth/acme/unlink", "invalid_request", fields=fields)


def test_an_account_s_id_of_the_app_s_own_cannot_forge_a_line_of_the_log(new_world, sqlite):
    def include(config):
        config.set_security_policy(OwnPolicy())
        config.set_authkit_user_for(lambda request, login: "7\nü")

    app = AccountApp(new_world, sqlite, named(include))
    app.link(app.signed_in(ADA), BEN)

    assert app.world.audit[-1].endswith(" purpose=link account=7\\n\\xfc")


# What must not be connected.


def test_acc_12_an_identity_of_somebody_else_is_refused_and_nothing_moves(app):
    bens = app.signed_in(BEN)
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    app.become(BEN)

    page = parse(app.refused(browser, app.world.callback(state), "account_conflict", exchanges=1))

    assert "This is already connected to somebody else's account here." in page.text
    assert page.select("form") == []
    assert [link["href"] for link in page.select("a")] == ["/auth/accounts"]
    assert "registration=acme" in app.world.audit[-1]
    assert app.world.network.to("revoke") == []  # that would end the token of the other one
    assert app.keys(app.account_of(ADA)) == [key_of(ADA)]
    assert app.world.me(bens) == app.account_of(BEN)


def test_a_link_that_fails_at_the_provider_offers_another_try_at_the_page_of_accounts(small_app):
    browser = small_app.signed_in(ADA)
    state = small_app.start_link(browser)

    answer = browser.get(f"/auth/acme/callback?error=access_denied&state={state}", status=403)

    assert [link["href"] for link in parse(answer).select("a")] == ["/auth/accounts", "/"]
    small_app.world.assert_refusal(answer_of(answer), "access_denied")


def test_a_link_is_used_once(app):
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    cookies = {cookie.name: cookie.value for cookie in browser.cookiejar}
    app.become(BEN)
    browser.get(app.world.callback(state), status=303)
    app.post(browser, "/acme/unlink", identity=key_of(BEN))
    for name, value in cookies.items():
        browser.set_cookie(name, value)

    app.refused(browser, app.world.callback(state), "state_invalid")

    assert app.keys(app.account_of(ADA)) == [key_of(ADA)]


def test_a_link_is_finished_in_the_browser_that_began_it_only(app):
    attackers, victims = app.signed_in(BEN), app.signed_in(ADA)
    state = app.start_link(attackers)

    app.become(BEN)
    app.refused(victims, app.world.callback(state), "state_invalid")

    assert app.keys(app.account_of(ADA)) == [key_of(ADA)]


def move_transaction(source, target):
    """Put the transaction's cookie of one browser into another, as whoever can write cookies of the site might."""
    for cookie in source.cookiejar:
        if cookie.name.startswith("__Host-authkit-"):
            target.set_cookie(cookie.name, cookie.value)


def test_a_link_that_an_attacker_began_does_nothing_in_the_victim_s_browser_even_with_its_cookie(app):
    attackers, victims = app.signed_in(BEN), app.signed_in(ADA)
    state = app.start_link(attackers)
    move_transaction(attackers, victims)
    app.become(ZOE)

    answer = app.refused(victims, app.world.callback(state), "state_invalid")
    assert answer.headers.getall("Set-Cookie") == []
    assert "bound to another value" in app.world.audit[-1]

    attackers.get(app.world.callback(state), status=303)  # nothing of it was used up
    assert app.keys(app.account_of(BEN)) == [key_of(BEN), key_of(ZOE)]
    assert app.keys(app.account_of(ADA)) == [key_of(ADA)]


def test_whoever_has_signed_out_meanwhile_connects_nothing_and_is_not_signed_in(app):
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    browser.post("/auth/logout", status=303)
    app.become(BEN)

    app.refused(browser, app.world.callback(state), "state_invalid")


def test_whoever_has_signed_in_as_somebody_else_meanwhile_connects_nothing(app):
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    browser.post("/auth/logout", status=303)
    app.become(BEN)
    app.world.log_in(browser)
    app.become(ZOE)

    app.refused(browser, app.world.callback(state), "state_invalid")


def test_whose_account_was_disabled_meanwhile_connects_nothing(app):
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    app.accounts.disable(app.account_of(ADA))
    app.become(BEN)

    app.refused(browser, app.world.callback(state), "state_invalid")


def test_a_disabled_account_connects_nothing_whatever_the_app_s_own_policy_says(new_world, sqlite):
    app = AccountApp(new_world, sqlite, own_policy)
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    app.accounts.disable(app.account_of(ADA))
    app.become(BEN)

    app.refused(browser, app.world.callback(state), "account_denied", exchanges=1)

    assert len(app.world.network.to("revoke")) == 1  # nobody keeps the token


def test_a_disabled_account_disconnects_nothing_whatever_the_app_s_own_policy_says(new_world, sqlite):
    app = AccountApp(new_world, sqlite, own_policy)
    browser = app.signed_in(ADA)
    fields = {"identity": key_of(ADA), "csrf_token": app.token(browser), "even_last": "1"}
    app.accounts.disable(app.account_of(ADA))

    app.refused(browser, "/auth/acme/unlink", "account_denied", fields=fields)

    assert "registration=acme" in app.world.audit[-1]


def test_sta_20_a_login_never_links(app):
    browser = app.signed_in(ADA)
    state = app.world.start(browser)
    app.become(BEN)

    app.refused(browser, app.world.callback(state), "account_conflict", exchanges=1)


def test_a_link_s_state_is_of_no_use_at_another_registration(app):
    browser = app.signed_in(ADA)
    state = app.start_link(browser, "other")

    app.refused(browser, app.world.callback(state), "state_invalid")

    assert "the state belongs to a login with 'other'" in app.world.audit[-1]


def test_a_link_that_took_too_long_is_refused(app):
    browser = app.signed_in(ADA)
    state = app.start_link(browser)
    app.world.clock.now += 600

    app.refused(browser, app.world.callback(state), "state_invalid")


def test_the_database_that_fails_at_the_end_of_a_link_stores_nothing(small_app):
    browser = small_app.signed_in(ADA)
    state = small_app.start_link(browser)
    user = small_app.world.network.replies["me"]

    def lock(request):
        from fakes import answer

        with small_app.database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE authkit_identities RENAME TO away")
        return answer(request, 200, user)

    small_app.world.network.replies["me"] = lock
    answer = browser.get(small_app.world.callback(state), status=503)

    small_app.world.assert_refusal(answer_of(answer), "store_unavailable")
    assert "registration=acme" in small_app.world.audit[-1]


# The forms.


@pytest.mark.parametrize("path", FORMS)
def test_a_form_is_for_whoever_is_signed_in(app, path):
    app.refused(app.world.browser(), path, "reauth_required", fields={"identity": key_of(ADA)})


@pytest.mark.parametrize("path", FORMS)
def test_sta_19_a_form_without_a_csrf_token_is_refused(app, path):
    browser = app.signed_in(ADA)

    app.refused(browser, path, "cross_site", fields={"identity": key_of(ADA), "even_last": "1"})


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_sta_19_a_form_of_another_site_is_refused_even_with_a_token(app, path, headers):
    browser = app.signed_in(ADA)
    fields = {"identity": key_of(ADA), "even_last": "1", "csrf_token": app.token(browser)}

    app.refused(browser, path, "cross_site", fields=fields, headers=headers)


@pytest.mark.parametrize("path", FORMS)
def test_sta_19_a_form_is_no_link(app, path):
    browser = app.signed_in(ADA)
    before = checksum(app.database)
    answer = browser.get(f"{path}?csrf_token={app.token(browser)}&identity={key_of(ADA)}&even_last=1", status=405)

    assert (answer.headers["Allow"], checksum(app.database)) == ("POST", before)
    app.world.assert_refusal(replace(answer_of(answer), status=400), "invalid_request")


def test_the_page_of_accounts_is_for_reading(small_app):
    browser = small_app.signed_in(ADA)

    for method in ("post", "head", "put", "delete"):
        assert getattr(browser, method)("/auth/accounts", status=405).headers["Allow"] == "GET"


def test_nothing_is_connected_with_a_provider_that_is_not_there(small_app):
    browser = small_app.signed_in(ADA)

    for name in ("nope", "accounts"):
        small_app.refused(
            browser, f"/auth/{name}/link", "unknown_provider", fields={"csrf_token": small_app.token(browser)}
        )


# Disconnecting.


def test_an_identity_is_disconnected_and_its_token_revoked(app):
    browser = app.signed_in(ADA)
    account_id = app.account_of(ADA)
    app.link(browser, BEN)
    lines = len(app.world.audit)

    answer = app.post(browser, "/acme/unlink", identity=key_of(ADA))

    assert answer.location == "https://app.example/auth/accounts"
    assert app.keys(account_id) == [key_of(BEN)]
    assert len(app.world.network.to("revoke")) == 1
    assert [count(app.database, table) for table in (tokens, revocations)] == [1, 0]
    assert app.world.me(browser) == account_id
    assert app.observed[-1] == ("unlinked", account_id, key_of(ADA))
    assert app.world.audit[lines:] == [
        f"outcome=success code=ok provider=acme registration=acme ref=- identity={key_of(ADA)} "
        f"purpose=unlink account={account_id}"
    ]


def test_the_last_identity_is_not_disconnected_without_being_asked_twice(app):
    browser = app.signed_in(ADA)
    account_id = app.account_of(ADA)
    fields = {"identity": key_of(ADA), "csrf_token": app.token(browser), "return_to": "/settings"}

    answer = app.refused(browser, "/auth/acme/unlink", "last_identity", fields=fields)
    page = parse(answer)
    assert "the only way to sign in" in page.text
    assert [link["href"] for link in page.select("a")] == ["/settings"]
    assert app.world.network.to("revoke") == []

    done = answer.form.submit(status=303)
    assert done.location == "https://app.example/settings"
    assert app.keys(account_id) == []
    assert app.accounts.get(account_id).id == account_id
    assert app.world.me(browser) == account_id
    assert len(app.world.network.to("revoke")) == 1


@pytest.mark.parametrize("word", ["", "0", "true", "yes", "11"])
def test_only_one_word_says_that_the_last_one_may_go(small_app, word):
    browser = small_app.signed_in(ADA)
    fields = {"identity": key_of(ADA), "csrf_token": small_app.token(browser), "even_last": word}

    small_app.refused(browser, "/auth/acme/unlink", "last_identity", fields=fields)


def test_json_says_that_it_is_the_last_one_and_takes_the_same_word(app):
    browser = app.signed_in(ADA)
    fields = {"identity": key_of(ADA), "csrf_token": app.token(browser)}

    answer = app.refused(browser, "/auth/acme/unlink", "last_identity", fields=fields, headers=JSON)
    assert answer.json["error"]["code"] == "last_identity"
    browser.post("/auth/acme/unlink", {**fields, "even_last": "1"}, headers=JSON, status=303)
    assert app.keys(app.world.me(browser)) == []


@pytest.mark.parametrize(
    "identity",
    [
        None,
        "",
        "user-1",
        key_of(BEN),
        key_of(ADA, "other"),
        key_of(ADA) + " ",
        key_of(ADA).upper(),
        key_of(ADA).replace("-", "%2D"),
        key_of(ADA).replace("v1", "v2"),
        "v1:acme:acme-client:user-1:x",
    ],
)
def test_only_an_identity_of_one_s_own_is_disconnected(small_app, identity):
    small_app.signed_in(BEN)
    browser = small_app.signed_in(ADA)
    fields = {"csrf_token": small_app.token(browser), "even_last": "1"}

    small_app.refused(
        browser,
        "/auth/acme/unlink",
        "invalid_request",
        fields=fields if identity is None else {**fields, "identity": identity},
    )


def test_an_identity_is_disconnected_at_its_own_registration_only(small_app):
    browser = small_app.signed_in(ADA)
    small_app.link(browser, BEN)

    for name in ("other", "nope"):
        small_app.refused(
            browser,
            f"/auth/{name}/unlink",
            "invalid_request",
            fields={"identity": key_of(ADA), "csrf_token": small_app.token(browser)},
        )


def test_the_form_says_whose_it_is_not(small_app):
    """The account is who is signed in; what else a form says of it is ignored."""
    small_app.signed_in(BEN)
    browser = small_app.signed_in(ADA)
    bens = small_app.account_of(BEN)
    small_app.link(browser, ZOE)
    more = {"account": bens, "account_id": bens, "userid": bens, "bound": bens, "purpose": "login", "subject": "x"}

    small_app.post(browser, "/acme/unlink", identity=key_of(ZOE), **more)
    state = small_app.start_link(browser, **more)
    small_app.become(ZOE)
    browser.get(small_app.world.callback(state, account=bens, account_id=bens), status=303)

    assert small_app.keys(small_app.account_of(ADA)) == [key_of(ADA), key_of(ZOE)]
    assert small_app.keys(bens) == [key_of(BEN)]


def test_what_somebody_has_disconnected_meanwhile_is_gone(small_app):
    browser = small_app.signed_in(ADA)
    small_app.link(browser, BEN)
    token = small_app.token(browser)

    class Slow:
        """Accounts whose identity is gone once it has been found."""

        def __init__(self, accounts):
            self.accounts = accounts
            self.get = accounts.get

        def identities(self, account_id):
            found = self.accounts.identities(account_id)
            self.accounts.unlink(account_id, found[0].identity)
            return found

        def unlink(self, *arguments, **options):
            return self.accounts.unlink(*arguments, **options)

    request_accounts = Slow(small_app.accounts)

    def swap(event):
        event.request.accounts = request_accounts

    from pyramid.events import NewRequest

    small_app.world.app.registry.registerHandler(swap, (NewRequest,))

    browser.post("/auth/acme/unlink", {"identity": key_of(ADA), "csrf_token": token}, status=303)

    assert small_app.keys(small_app.account_of(BEN)) == [key_of(BEN)]


def test_ref_06_a_revocation_that_fails_keeps_nobody_connected(small_app):
    browser = small_app.signed_in(ADA)
    small_app.world.network.replies["revoke"] = (503, {})

    small_app.post(browser, "/acme/unlink", identity=key_of(ADA), even_last="1")

    assert small_app.keys(small_app.world.me(browser)) == []
    assert count(small_app.database, revocations) == 1


# The page.


def test_the_page_shows_every_identity_and_what_else_can_be_connected(small_app):
    browser = small_app.signed_in(("user-1", "<b>Ada</b> & Co"))
    page = browser.get("/auth/accounts", status=200)
    soup = parse(page)

    [row] = soup.select("li")
    assert row.select_one("strong").text == "Acme"
    assert "<b>Ada</b> & Co" in row.text
    assert "Connected on 15 January 2027" in row.text
    assert [button.text for button in row.select("button")] == ["Disconnect"]
    forms = [(form["action"], form.select_one("button").text) for form in soup.select("main > form")]
    assert forms == [
        ("https://app.example/auth/acme/link", "Connect another Acme account"),
        ("https://app.example/auth/other/link", "Connect Other"),
    ]
    assert [link["href"] for link in soup.select("a")] == ["/"]
    assert_safe_headers(answer_of(page))
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://acme.example https://other.example" in policy


def test_the_buttons_of_the_page_work(small_app):
    browser = small_app.signed_in(ADA)
    page = browser.get("/auth/accounts?return_to=/settings", status=200)
    assert [link["href"] for link in parse(page).select("a")] == ["/settings"]

    started = page.forms[2].submit(status=303)
    small_app.become(BEN)
    done = browser.get(small_app.world.callback(state_of(started.location), "other"), status=303)
    page = done.follow(status=200)
    assert [link["href"] for link in parse(page).select("a")] == ["/settings"]
    assert len(parse(page).select("li")) == 2

    page = page.forms[1].submit(status=303).follow(status=200)
    assert [row.select_one("strong").text for row in parse(page).select("li")] == ["Acme"]
    asked = page.forms[0].submit(status=409)
    page = asked.form.submit(status=303).follow(status=200)
    assert parse(page).select("li") == []
    assert "Nothing signs you in to app.example yet." in page.text


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "javascript:alert(1)", ""])
def test_the_way_back_of_the_page_stays_on_our_own_origin(small_app, wanted):
    browser = small_app.signed_in(ADA)

    page = browser.get("/auth/accounts", {"return_to": wanted}, status=200)

    assert [link["href"] for link in parse(page).select("a")] == ["/"]


def test_an_identity_whose_token_is_of_no_use_asks_to_sign_in_again(small_app):
    browser = small_app.signed_in(ADA)
    world = small_app.world
    world.network.replies["token"] = (400, {"error": "invalid_grant"})
    world.clock.now += 3600
    from authkit.accounts import Vault

    with pytest.raises(ReauthRequired):
        Vault(world.kit, small_app.database).access_token(Identity("acme", "acme-client", "user-1"))

    page = browser.get("/auth/accounts", status=200)
    assert "Needs you to sign in again" in page.text
    assert browser.get("/auth/accounts", headers=JSON).json["identities"][0]["needs_reauth"] is True
    world.network.replies["token"] = dict(type(world.network)().replies["token"])
    started = page.forms[0].submit(status=303)
    page = browser.get(world.callback(state_of(started.location)), status=303).follow(status=200)
    assert "Needs you to sign in again" not in page.text


def test_the_page_as_json(small_app):
    browser = small_app.signed_in(ADA)

    answer = browser.get("/auth/accounts", headers=JSON, status=200)

    token = answer.json["csrf_token"]
    assert answer.json == {
        "identities": [
            {
                "identity": key_of(ADA),
                "registration": "acme",
                "title": "Acme",
                "display_name": "Ada",
                "username": None,
                "avatar_url": None,
                "connected_at": "2027-01-15T08:00:00+00:00",
                "last_login_at": "2027-01-15T08:00:00+00:00",
                "needs_reauth": False,
            }
        ],
        "registrations": [
            {"registration": "acme", "title": "Acme", "is_connected": True},
            {"registration": "other", "title": "Other", "is_connected": False},
        ],
        "csrf_token": token,
    }
    assert_safe_headers(answer_of(answer))
    small_app.world.assert_no_canary(answer_of(answer))
    browser.post("/auth/acme/link", {"csrf_token": token}, status=303)


@pytest.mark.parametrize("headers", [{}, JSON])
def test_the_page_is_for_whoever_is_signed_in(app, headers):
    answer = app.refused(app.world.browser(), "/auth/accounts", "reauth_required", headers=headers)

    if not headers:
        assert [link["href"] for link in parse(answer).select("a")] == ["https://app.example/auth/", "/"]


def test_where_the_app_has_a_login_page_strangers_are_sent_there(new_world, sqlite):
    app = AccountApp(new_world, sqlite, settings={"authkit.login_url": "/login"})
    browser = app.world.browser()

    answers = [browser.get("/auth/accounts", status=303), browser.post("/auth/acme/link", status=303)]

    for answer in answers:
        assert answer.location.startswith("https://app.example/login?error=reauth_required&ref=")
    browser.get("/auth/accounts", headers=JSON, status=401)


def test_the_question_about_the_last_one_is_asked_even_where_the_app_has_a_login_page(new_world, sqlite):
    app = AccountApp(new_world, sqlite, settings={"authkit.login_url": "/login"})
    browser = app.signed_in(ADA)

    answer = app.post(browser, "/acme/unlink", status=409, identity=key_of(ADA))

    assert answer.form["return_to"].value == "/auth/accounts"
    answer.form.submit(status=303)
    assert app.keys(app.world.me(browser)) == []


def test_a_registration_that_is_not_set_up_any_more_can_still_be_disconnected(new_world, sqlite):
    before = AccountApp(new_world, sqlite)
    browser = before.signed_in(ADA)
    before.link(browser, BEN, "other")
    app = AccountApp(new_world, sqlite, providers=(acme,))
    browser = app.signed_in(ADA)

    page = browser.get("/auth/accounts", status=200)
    assert [row.select_one("strong").text for row in parse(page).select("li")] == ["Acme", "other"]
    page.forms[1].submit(status=303)
    assert app.keys(app.world.me(browser)) == [key_of(ADA)]


def test_the_app_is_mounted_under_a_path(new_world, sqlite):
    settings = {"authkit.base_url": "https://app.example/shop", "authkit.prefix": "/sign/in"}
    app = AccountApp(new_world, sqlite, settings=settings)
    browser = app.signed_in(ADA)

    page = browser.get("/sign/in/accounts", status=200)

    assert page.forms[0].action == "https://app.example/shop/sign/in/acme/unlink"
    assert page.forms[0]["return_to"].value == "/shop/sign/in/accounts"
    assert app.link(browser, BEN).location == "https://app.example/shop/sign/in/accounts"


def test_an_app_that_lets_the_last_identity_of_its_own_view_fail_gets_a_page_too(new_world, sqlite):
    def unlink(request):
        [linked] = request.accounts.identities(request.authenticated_userid)
        request.accounts.unlink(request.authenticated_userid, linked.identity)

    def include(config):
        config.add_route("own", "/own")
        config.add_view(unlink, route_name="own")

    app = AccountApp(new_world, sqlite, named(include))
    page = parse(app.signed_in(ADA).get("/own", status=409))

    assert page.select("form") == []
    assert [link["href"] for link in page.select("a")] == ["/"]


def test_refusals_leave_the_process_fit_for_the_next_login(app):
    browser = app.signed_in(ADA)
    before = count(app.database, claims)
    for _ in range(20):
        browser.post("/auth/acme/link", status=403)
        browser.post("/auth/acme/unlink", status=403)
        browser.get("/auth/acme/callback?state=x&code=y", status=400)
    assert app.database.engine.pool.checkedout() == 0
    assert count(app.database, claims) == before

    assert Accounts(app.world.kit, app.database).of(Identity("acme", "acme-client", "user-1")) is not None
    app.link(browser, BEN)
