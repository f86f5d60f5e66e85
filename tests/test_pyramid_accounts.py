"""Apps with accounts: who signs in has one, and nobody is signed in without one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from account_apps import ADA, BEN, JSON, AccountApp, Passers, checksum, count, kept_in, key_of, outage_of, parse
from fakes import acme, make_kit, state_of
from pyramid.config import Configurator
from pyramid.interfaces import ISecurityPolicy
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid_apps import (
    HTTPS,
    KINDS,
    NumberedPolicy,
    answer_of,
    assert_safe_headers,
    handled_by,
    make_app,
    named,
    other,
    own_policy,
    session_policy,
    signed_cookie_session,
    strict_defaults,
)
from webtest import TestApp

from authkit import Identity, Profile
from authkit.accounts import Account, Accounts, Database, Vault, metadata
from authkit.accounts.schema import accounts, audit, claims, identities, tokens
from authkit.errors import AuthkitError, ConfigError
from authkit.pyramid import sign_in
from authkit.pyramid.accounts import refuse_switch, sign_in_account

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

NOW = datetime.fromtimestamp(1_800_000_000, timezone.utc)


def events(database):
    """The events of the audit trail, oldest first."""
    from sqlalchemy import select

    with database.engine.connect() as connection:
        return list(connection.execute(select(audit.c.event).order_by(audit.c.id)).scalars())


# Signing in.


def test_a_stranger_gets_an_account_and_comes_back_to_it(app):
    browser = app.signed_in()
    account_id = app.account_of(ADA)

    assert app.accounts.get(account_id) == Account(account_id, "Ada", NOW, NOW, None)
    assert app.world.me(browser) == account_id
    assert app.keys(account_id) == [key_of(ADA)]
    assert app.observed == [("created", account_id, key_of(ADA))]
    assert [outcome for outcome, _ in app.world.told] == ["succeeded"]

    app.world.clock.now += 60
    again = app.signed_in(("user-1", "Ada L."))

    assert app.world.me(again) == account_id
    assert app.accounts.get(account_id).display_name == "Ada L."
    assert [count(app.database, table) for table in (accounts, identities, tokens)] == [1, 1, 1]
    assert app.observed == [("created", account_id, key_of(ADA))]
    assert events(app.database) == ["created", "signed_in"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_app_keeps_accounts(new_world, sqlite, kind):
    app = AccountApp(new_world, sqlite, *KINDS[kind])
    browser = app.signed_in()

    assert app.world.me(browser) == app.account_of(ADA)
    browser.post("/auth/logout", status=303)
    assert app.world.me(browser) == "anonymous"


def test_the_same_person_may_sign_in_again_while_signed_in(app):
    browser = app.signed_in()
    app.world.log_in(browser, return_to="/inbox")

    assert app.world.me(browser) == app.account_of(ADA)
    assert [count(app.database, table) for table in (accounts, identities)] == [1, 1]


@pytest.mark.parametrize("is_known", [True, False])
def test_sta_20_a_login_as_somebody_else_is_a_conflict_before_anything_is_stored(app, is_known):
    if is_known:
        app.signed_in(BEN)
    browser = app.signed_in(ADA)
    state = app.world.start(browser, return_to="/inbox")
    app.become(("user-2", "Ben, renamed"))

    page = parse(app.refused(browser, app.world.callback(state), "account_conflict", exchanges=1))

    assert page.select_one("h1").text == "Switch account?"
    assert page.select_one("form")["action"] == (
        "https://app.example/auth/logout?return_to=%2Fauth%2Facme%3Freturn_to%3D%252Finbox"
    )
    assert app.world.network.to("revoke") == []


def test_after_signing_out_as_the_page_offers_the_other_one_is_signed_in(app):
    browser = app.signed_in(ADA)
    state = app.world.start(browser)
    app.become(BEN)
    page = app.refused(browser, app.world.callback(state), "account_conflict", exchanges=1)
    started = page.forms[0].submit(status=303).follow(status=302)
    browser.get(app.world.callback(state_of(started.location)), status=303)

    assert app.world.me(browser) == app.account_of(BEN)


def test_a_stranger_is_refused_where_nobody_may_register_and_the_token_is_revoked(new_app):
    app = new_app(settings={"authkit.accounts.allow_registration": "false"})
    browser = app.world.browser()

    app.refused(browser, app.world.callback(app.world.start(browser)), "account_denied", exchanges=1)

    [sent] = app.world.network.to("revoke")
    assert sent.form["token"] == "canary-refresh-token"
    assert [count(app.database, table) for table in (accounts, identities, tokens)] == [0, 0, 0]


def test_a_stranger_is_refused_all_the_same_when_the_token_cannot_be_revoked(new_app):
    app = new_app(settings={"authkit.accounts.allow_registration": "false"})
    app.world.network.replies["revoke"] = (503, {})
    browser = app.world.browser()

    app.refused(browser, app.world.callback(app.world.start(browser)), "account_denied", exchanges=1)

    assert app.world.network.to("revoke") != []


def test_the_token_of_a_stranger_who_is_refused_at_the_last_moment_is_revoked_once(new_app):
    def users(config):
        config.set_authkit_user_for(lambda request, login: 7)

    app = new_app(named(users))
    app.signed_in()
    app.accounts.disable("7")
    app.become(BEN)
    browser = app.world.browser()

    app.refused(browser, app.world.callback(app.world.start(browser)), "account_denied", exchanges=1)

    assert len(app.world.network.to("revoke")) == 1


def test_whoever_is_known_signs_in_where_nobody_may_register(new_app):
    new_app().signed_in()
    app = new_app(settings={"authkit.accounts.allow_registration": "false"})

    assert app.world.me(app.signed_in()) == app.account_of(ADA)


# Accounts that are out of use.


def test_ses_12_a_disabled_account_is_signed_out_everywhere_and_cannot_sign_in(app):
    browsers = [app.signed_in(), app.signed_in()]
    account_id = app.account_of(ADA)
    app.accounts.disable(account_id, "spam")

    assert [app.world.me(browser) for browser in browsers] == ["anonymous", "anonymous"]
    app.world.network.replies["token"] = {**app.world.network.replies["token"], "access_token": "another-token"}
    stranger = app.world.browser()
    state = app.world.start(stranger)
    app.refused(stranger, app.world.callback(state), "account_denied", exchanges=1)
    assert app.world.network.to("revoke") == []  # it is not a stranger's, whose token nobody keeps

    app.accounts.enable(account_id)
    assert [app.world.me(browser) for browser in browsers] == [account_id, account_id]


def test_a_deleted_account_is_signed_out_and_its_person_starts_anew(app):
    browser = app.signed_in()
    account_id = app.account_of(ADA)
    app.accounts.delete(account_id)

    assert app.world.me(browser) == "anonymous"
    app.world.log_in(browser)
    assert app.world.me(browser) == app.account_of(ADA) != account_id


def test_a_cookie_from_before_there_were_accounts_signs_nobody_in(new_world, sqlite):
    before = new_world()
    browser = before.browser()
    before.log_in(browser)
    app = AccountApp(new_world, sqlite)
    after = TestApp(app.world.app, extra_environ=HTTPS, cookiejar=browser.cookiejar)

    assert app.world.me(after) == "anonymous"
    app.world.log_in(after)
    assert app.world.me(after) == app.account_of(ADA)


def identity_view(config):
    """A view that says who is signed in, asked three times, and a view for people with accounts only."""

    def who(request):
        asked = [request.identity, request.identity]
        return Response(f"{request.authenticated_userid} {asked[0] is asked[1]} {asked[0]!r}")

    for name, permission in (("who", NO_PERMISSION_REQUIRED), ("inside", "view")):
        config.add_route(name, f"/{name}")
        config.add_view(who, route_name=name, permission=permission)


class Counting:
    """A database, and how often it is read."""

    def __init__(self, database):
        self.database, self.reads = database, 0

    def read(self, work):
        self.reads += 1
        return self.database.read(work)

    def __getattr__(self, name):
        return getattr(self.database, name)


def test_the_identity_of_a_request_is_the_account_looked_up_once(new_world, sqlite):
    counting = Counting(sqlite)
    app = AccountApp(new_world, counting, identity_view)
    browser = app.signed_in()
    account = app.accounts.get(app.account_of(ADA))
    counting.reads = 0

    assert browser.get("/inside", status=200).text == f"{account.id} True {account!r}"
    assert counting.reads == 1
    app.accounts.disable(account.id)
    assert browser.get("/who", status=200).text == "None True None"
    browser.get("/inside", status=403)


def test_nobody_is_looked_up_where_nobody_is_signed_in(new_world, sqlite):
    counting = Counting(sqlite)
    app = AccountApp(new_world, counting, identity_view)

    assert app.world.browser().get("/who", status=200).text == "None True None"
    assert counting.reads == 0


def test_nothing_is_looked_up_for_a_login_but_within_its_transactions(new_world, sqlite):
    counting = Counting(sqlite)
    app = AccountApp(new_world, counting)
    for person in (ADA, BEN, ADA):
        app.signed_in(person)

    assert counting.reads == 2  # the identities of the two strangers, to see whether they are somebody's in the end


def test_a_request_saves_its_query_where_accounts_are_not_checked(new_world, sqlite):
    counting = Counting(sqlite)
    app = AccountApp(new_world, counting, identity_view, settings={"authkit.accounts.check_accounts": "false"})
    browser = app.signed_in()
    account = app.accounts.get(app.account_of(ADA))
    counting.reads = 0

    assert app.world.me(browser) == account.id
    assert counting.reads == 0
    assert browser.get("/who", status=200).text == f"{account.id} True {account!r}"
    app.accounts.disable(account.id)
    assert app.world.me(browser) == account.id
    assert browser.get("/who", status=200).text == f"{account.id} True None"


# What requests have, and what the app may do itself.


def test_a_request_is_gone_once_it_is_answered(new_world, sqlite):
    passers = Passers()
    app = AccountApp(new_world, sqlite, passers.part)

    assert passers.left(app) == 0


def test_requests_have_the_accounts_the_vault_and_a_csrf_token(new_world, sqlite):
    seen = []

    def look(request):
        seen.append((type(request.accounts), type(request.vault)))
        assert (request.accounts is request.accounts, request.vault is request.vault) == (True, True)
        return Response(request.authkit_csrf_token())

    def include(config):
        config.add_route("look", "/look")
        config.add_view(look, route_name="look")

    app = AccountApp(new_world, sqlite, named(include))
    browser = app.world.browser()

    assert browser.get("/look").text == ""
    assert app.signed_in().get("/look").text != ""
    assert seen == [(Accounts, Vault)] * 2


def test_a_kit_that_a_test_puts_in_is_the_one_that_is_used(new_world, sqlite):
    app = AccountApp(new_world, sqlite)
    another = make_kit(app.world.network, {"authkit.accounts.allow_registration": "false"}, clock=app.world.clock)
    app.world.app.registry["authkit.kit"] = another
    browser = app.world.browser()

    app.world.log_in(browser, status=403)

    assert app.account_of(ADA) is None


def test_the_vault_gives_the_token_of_who_signed_in(new_world, sqlite):
    def token(request):
        [linked] = request.accounts.identities(request.authenticated_userid)
        return Response(request.vault.access_token(linked.identity).reveal())

    def include(config):
        config.add_route("token", "/token")
        config.add_view(token, route_name="token")

    app = AccountApp(new_world, sqlite, named(include))

    assert app.signed_in().get("/token").text == "canary-access-token"


def test_the_app_s_own_handler_may_sign_in_by_hand(new_world, sqlite):
    def handler(request, login):
        is_known = refuse_switch(request, login)
        signed_in = request.accounts.sign_in(login)
        response = sign_in(request, login, signed_in.account.id)
        response.headers["X-Known"], response.headers["X-New"] = str(is_known), str(signed_in.is_new)
        return response

    app = AccountApp(new_world, sqlite, handled_by(handler))
    browsers = [app.world.browser(), app.world.browser()]
    answers = [app.world.log_in(browser).headers for browser in browsers]

    assert [(headers["X-Known"], headers["X-New"]) for headers in answers] == [("False", "True"), ("True", "False")]
    app.become(BEN)
    state = app.world.start(browsers[0])
    app.refused(browsers[0], app.world.callback(state), "account_conflict", exchanges=1)


def test_the_same_user_may_sign_in_again_where_a_user_id_is_a_number(new_world, sqlite):
    def users(config):
        config.set_security_policy(NumberedPolicy())
        config.set_authkit_user_for(lambda request, login: 7)

    app = AccountApp(new_world, sqlite, named(users))
    browser = app.signed_in()
    app.world.log_in(browser)

    assert app.world.me(browser) == "7"


@pytest.mark.parametrize("is_checked", ["true", "false"])
def test_the_app_s_own_handler_may_sign_in_by_a_number(new_app, is_checked):
    def handler(request, login):
        return sign_in(request, login, int(request.accounts.sign_in(login).account.id))

    def users(config):
        config.set_authkit_user_for(lambda request, login: 7)

    settings = {"authkit.accounts.check_accounts": is_checked}
    app = new_app(named(users), handled_by(handler), settings=settings)
    browser = app.signed_in()

    assert app.world.me(browser) == "7"
    app.link(browser, BEN)
    assert app.keys("7") == [key_of(ADA), key_of(BEN)]


def test_the_app_s_own_handler_may_add_to_what_is_done_by_default(new_world, sqlite):
    def handler(request, login):
        return sign_in_account(request, login, keep=("cart",))

    app = AccountApp(new_world, sqlite, signed_cookie_session, handled_by(handler))
    browser = app.world.browser()
    browser.get("/plant?cart=1&attacker=1")
    app.world.log_in(browser)

    assert browser.get("/session").json == {"cart": "1"}


@pytest.mark.parametrize("first", [True, False])
def test_the_app_s_own_policy_and_handler_are_left_alone(new_world, sqlite, first):
    parts = [own_policy, handled_by(lambda request, login: Response("hello"))]
    app = (
        AccountApp(new_world, sqlite, handled_by(lambda request, login: Response("hello")), before=[own_policy])
        if first
        else AccountApp(new_world, sqlite, *parts)
    )

    assert app.world.log_in(app.world.browser(), status=200).text == "hello"
    assert type(app.world.app.registry.queryUtility(ISecurityPolicy)).__name__ == "OwnPolicy"
    assert count(sqlite, accounts) == 0


# Including it.


def configurator(database, settings=None):
    config = Configurator()
    config.registry["authkit.kit"] = make_kit(settings=settings)
    config.registry["authkit.database"] = database
    return config


@pytest.mark.parametrize(
    "parts",
    [
        ["authkit.pyramid.accounts"],
        ["authkit.pyramid", "authkit.pyramid.accounts"],
        ["authkit.pyramid.accounts", "authkit.pyramid"],
        ["authkit.pyramid.accounts", "authkit.pyramid.accounts"],
    ],
)
def test_includes_may_come_in_any_order(sqlite, parts):
    config = configurator(sqlite)
    for part in parts:
        config.include(part)
    browser = TestApp(config.make_wsgi_app(), extra_environ=HTTPS)

    assert browser.get("/auth/accounts", status=401).text.count("reauth_required") == 1
    state = state_of(browser.get("/auth/acme", status=302).location)
    browser.get(f"/auth/acme/callback?code=c&state={state}", status=303)
    assert parse(browser.get("/auth/accounts", status=200)).select_one("h1").text == "Connected accounts"


def test_a_configurator_that_commits_at_once_works_as_well(sqlite):
    config = Configurator(autocommit=True)
    config.registry["authkit.kit"], config.registry["authkit.database"] = make_kit(), sqlite
    config.include("authkit.pyramid.accounts")
    browser = TestApp(config.make_wsgi_app(), extra_environ=HTTPS)

    state = state_of(browser.get("/auth/acme", status=302).location)
    browser.get(f"/auth/acme/callback?code=c&state={state}", status=303)

    assert count(sqlite, accounts) == 1
    browser.get("/auth/accounts", status=200)


def test_a_login_that_is_set_up_without_accounts_cannot_get_them_later(sqlite):
    config = configurator(sqlite)
    config.include("authkit.pyramid")
    config.commit()

    with pytest.raises(ConfigError, match="has been set up without accounts"):
        config.include("authkit.pyramid.accounts")


def test_a_route_prefix_is_refused_with_the_setting_that_is_meant_for_it(sqlite):
    config = configurator(sqlite)
    config.include("authkit.pyramid")

    with pytest.raises(ConfigError, match=r"the setting authkit\.prefix is for that"):
        config.include("authkit.pyramid.accounts", route_prefix="/shop")


def test_the_page_of_accounts_is_no_start_of_a_login_even_where_there_are_no_accounts():
    browser = TestApp(make_app(make_kit()), extra_environ=HTTPS)

    browser.get("/auth/accounts", status=404)
    assert "unknown_provider" in browser.get("/auth/accountsx", status=404).text


def test_the_database_of_the_settings_is_opened_and_not_connected_to(tmp_path):
    path = tmp_path / "accounts.sqlite"
    config = Configurator()
    config.registry["authkit.kit"] = make_kit(settings={"authkit.accounts.database": f"sqlite:///{path}"})
    config.include("authkit.pyramid.accounts")
    config.make_wsgi_app()

    assert config.registry["authkit.database"].engine.url.database == str(path)
    assert not path.exists()


@pytest.mark.slow
def test_without_sqlalchemy_the_include_says_what_to_install():
    script = """
import sys, warnings
warnings.simplefilter("ignore")
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sqlalchemy":
            raise ModuleNotFoundError(name)
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "sqlalchemy" else found(name, package)
sys.meta_path.insert(0, Nothing())
from pyramid.config import Configurator
from authkit.errors import ConfigError
try:
    Configurator().include("authkit.pyramid.accounts")
except ConfigError as error:
    print(error.reason)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "accounts need SQLAlchemy and Alembic: pip install 'authkit-core[accounts]'\n"


def test_a_used_callback_is_refused_by_every_server(new_world, sqlite):
    app = AccountApp(new_world, sqlite)
    other_server = TestApp(make_app_like(app, sqlite), extra_environ=HTTPS)
    browser = app.world.browser()
    state = app.world.start(browser)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)
    browser.get(app.world.callback(state), status=303)

    answer = other_server.get(app.world.callback(state), headers={"Cookie": cookies}, status=400)

    assert "state_invalid" in answer.text
    assert (app.world.exchanges, count(sqlite, claims)) == (1, 1)


def make_app_like(app, database):
    """Another server of the same app: its memory is its own, the database is not."""
    return make_app(app.world.kit, before=[kept_in(database), "authkit.pyramid.accounts"])


def test_webhooks_come_along(small_app):
    answer = small_app.world.browser().post("/auth/acme/webhook", status=404)

    assert answer.json["error"]["code"] == "unknown_provider"  # this one sends no events


def test_views_of_the_app_s_own_need_no_permission_of_ours(new_world, sqlite):
    app = AccountApp(new_world, sqlite, signed_cookie_session, strict_defaults)
    browser = app.signed_in()

    browser.get("/auth/accounts", status=200)
    app.link(browser, BEN)
    assert app.keys(app.account_of(ADA)) == [key_of(ADA), key_of(BEN)]


# The database fails.


SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
"""A file does not go down."""


@pytest.fixture
def away(database):
    """Give an outage of a server, and the database as it is reached through it."""
    with outage_of(database) as (outage, reached):
        yield outage, reached


@SERVERS
def test_dbf_01_an_app_starts_without_its_database_and_works_once_it_is_there(new_app, away):
    outage, reached = away
    app = new_app(database=reached)
    browser = app.world.browser()
    state = app.world.start(browser)
    answer = browser.get(app.world.callback(state), status=503)

    app.world.assert_refusal(answer_of(answer), "store_unavailable")
    assert (answer.headers.getall("Set-Cookie"), answer.headers["Retry-After"]) == ([], "30")
    assert app.world.exchanges == 0
    assert app.world.me(browser) == "anonymous"

    outage.come_back()
    browser.get(app.world.callback(state), status=303)
    assert app.world.me(browser) == app.account_of(ADA)


@SERVERS
def test_dbf_01_nobody_is_taken_for_signed_in_or_for_a_stranger_while_the_database_is_away(new_app, away):
    outage, reached = away
    outage.come_back()
    app = new_app(database=reached)
    browser = app.signed_in()
    account_id = app.world.me(browser)
    outage.go_down()

    for path in ("/me", "/auth/accounts"):
        answer = browser.get(path, status=503)
        assert "store_unavailable" in answer.text
        assert answer.headers.getall("Set-Cookie") == []
    [line] = [record for record in app.world.caplog.records if record.name == "authkit.pyramid.accountpolicy"][:1]
    assert line.getMessage().startswith("cannot look up who is signed in: ref=")
    assert app.world.browser().get("/me", status=200).text == "anonymous"

    outage.come_back()
    assert app.world.me(browser) == account_id

    outage.go_down()
    browser.post("/auth/logout", status=303)  # which takes no database
    outage.come_back()
    assert app.world.me(browser) == "anonymous"


@SERVERS
def test_dbf_04_a_database_that_is_lost_in_the_middle_of_a_login_signs_nobody_in(new_app, database, away):
    outage, reached = away
    outage.come_back()
    app = new_app(database=reached)
    user = app.world.network.replies["me"]

    def lose(request):
        from fakes import answer

        outage.go_down()
        return answer(request, 200, user)

    app.world.network.replies["me"] = lose
    browser = app.world.browser()
    state = app.world.start(browser)
    before = checksum(database)
    answered = browser.get(app.world.callback(state), status=503)

    app.world.assert_refusal(answer_of(answered), "store_unavailable")
    assert [header for header in answered.headers.getall("Set-Cookie") if "session" in header] == []
    assert checksum(database) == before
    assert app.world.network.to("revoke") == []

    outage.come_back()
    app.become(ADA)
    app.world.log_in(browser)
    assert app.world.me(browser) == app.account_of(ADA)


@pytest.mark.parametrize("comes_first", [True, False])
def test_pyramid_tm_which_asks_who_is_signed_in_is_answered_as_a_view_is(new_world, sqlite, comes_first):
    parts = {"before": ["pyramid_tm"]} if comes_first else {}
    app = AccountApp(new_world, sqlite, *([] if comes_first else ["pyramid_tm"]), **parts)
    browser = app.signed_in()
    metadata.drop_all(sqlite.engine)

    answer = browser.get("/me", status=503)
    assert "store_unavailable" in answer.text
    assert answer.headers["Retry-After"] == "30"
    assert_safe_headers(answer_of(answer))
    assert browser.get("/me", headers=JSON, status=503).json["error"]["code"] == "store_unavailable"
    assert app.world.browser().get("/me", status=200).text == "anonymous"

    metadata.create_all(sqlite.engine)
    assert app.world.me(browser) == "anonymous"


def test_a_failure_of_the_database_in_pyramid_tm_is_answered_by_the_app_s_own_view_of_errors(new_world, sqlite):
    def own_errors(config):
        config.add_exception_view(lambda error, request: Response(f"sorry: {error.code}"), context=AuthkitError)

    app = AccountApp(new_world, sqlite, "pyramid_tm", named(own_errors))
    browser = app.signed_in()
    metadata.drop_all(sqlite.engine)

    assert browser.get("/me", status=200).text == "sorry: store_unavailable"


def test_tables_that_are_missing_are_named_in_the_log_with_the_command(new_world, tmp_path):
    empty = Database.open(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    app = AccountApp(new_world, empty)
    browser = app.world.browser()

    answer = browser.get(app.world.callback(app.world.start(browser)), status=503)

    app.world.assert_refusal(answer_of(answer), "store_unavailable")
    assert "run: authkit db upgrade" in app.world.audit[-1]
    empty.close()


def test_a_session_policy_of_the_app_s_own_signs_nobody_in_when_the_database_fails(new_world, tmp_path):
    empty = Database.open(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    app = AccountApp(new_world, empty, signed_cookie_session, session_policy)
    browser = app.world.browser()
    browser.get("/plant?cart=1")
    before = browser.get("/session").json
    browser.get(app.world.callback(app.world.start(browser)), status=503)

    assert (app.world.me(browser), browser.get("/session").json) == ("anonymous", before)
    empty.close()


class Meanwhile(Database):
    """A database in which something happens right after somebody was looked up by an identity."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine)
        self.happens: list[Callable[[], object]] = []

    def read(self, work):
        found = super().read(work)
        while self.happens:
            self.happens.pop()()
        return found


def test_an_identity_that_is_unlinked_during_a_login_makes_no_account_for_somebody_who_is_signed_in(
    new_world, database
):
    meanwhile = Meanwhile(database)
    app = AccountApp(new_world, meanwhile)
    browser = app.signed_in(ADA)
    app.link(browser, BEN)
    account_id = app.account_of(ADA)
    state = app.world.start(browser)
    app.become(BEN)
    meanwhile.happens.append(lambda: app.accounts.unlink(account_id, Identity("acme", "acme-client", BEN[0])))

    response = browser.get(app.world.callback(state), expect_errors=True)

    assert (response.status_int, app.account_of(BEN), app.world.me(browser)) == (409, None, account_id)


# A plugin that answers nonsense.


@pytest.mark.parametrize(
    "wrong",
    [
        lambda data: None,
        lambda data: {"subject": data["id"]},
        lambda data: data["id"],
        lambda data: Profile(subject=5),
        lambda data: Profile(subject=""),
        lambda data: Profile(display_name=data["name"]),
        lambda data: data["nothing"],
    ],
    ids=["none", "dict", "text", "number-as-subject", "no-subject", "without-subject", "raises"],
)
def test_plg_08_a_profile_of_a_wrong_type_stores_nothing_and_names_the_function(new_world, sqlite, wrong):
    app = AccountApp(new_world, sqlite, providers=(replace(acme, profile=wrong), other))
    app.world.works = "other"
    browser = app.world.browser()
    state = state_of(browser.get(app.world.path("/acme"), status=302).location)

    app.refused(browser, app.world.callback(state), "provider_protocol", exchanges=1)

    assert [count(app.database, table) for table in (accounts, identities, tokens)] == [0, 0, 0]
    assert "in the plugin's function test_pyramid_accounts.<lambda>" in app.world.audit[-1]
