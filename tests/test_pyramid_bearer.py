"""The security policy for Bearer tokens: what it takes, what it refuses, and what it leaves to the app's own."""

from __future__ import annotations

import hmac
import json
import time
from urllib.parse import urlencode

import pytest
from account_apps import ADA, BEN, key_of, outage_of
from joserfc.jwk import ECKey
from native_apps import PhoneApp
from native_world import VERIFIER, b64, key_set, member, parts_of, query_of, sign
from pyramid.interfaces import ISecurityPolicy
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid_apps import OwnPolicy, assert_safe_headers, call, named, strict_defaults
from sqlalchemy import delete, event

from authkit.accounts import Accounts
from authkit.accounts.schema import accounts
from authkit.errors import AuthkitError, TokenInvalid
from authkit.native import Bearer
from authkit.pyramid.native import BearerPolicy, bearer_of

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

CHECKED = {"authkit.native.check_accounts": "yes"}


@pytest.fixture
def new_phone_app(new_world, sqlite):
    """Give what makes an app with native apps and a few views, on SQLite unless told otherwise."""

    def make(*after, **options):
        return PhoneApp(new_world, options.pop("database", sqlite), named(api), *after, **options)

    return make


@pytest.fixture
def app(new_phone_app):
    return new_phone_app()


def api(config):
    """Views of the app's own: who it is, and one that needs a permission."""

    def who(request):
        return Response(repr(request.identity))

    def secret(request):
        return Response(f"the secret of {request.authenticated_userid}")

    config.add_route("who", "/who")
    config.add_view(who, route_name="who", permission=NO_PERMISSION_REQUIRED)
    config.add_route("secret", "/secret")
    config.add_view(secret, route_name="secret", permission="read", require_csrf=False)


def ask(app, path="/me", token=None, **environ):
    """Ask a view of the app's own, with a Bearer token if there is one."""
    headers = {} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return call(app.world.app, path, **headers, **environ)


def assert_refused(answer):
    assert answer.status == 401
    assert answer.get("WWW-Authenticate") == 'Bearer error="invalid_token"'
    assert json.loads(answer.body)["error"]["details"]["code"] == "token_invalid"
    assert answer.get("Location") is None
    assert_safe_headers(answer)


def cookies_of(browser):
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def test_a_bearer_token_is_its_account_s(app):
    answer = app.sign_in()
    account_id, expires_at = answer["user"]["id"], int(app.world.clock()) + 3600
    who = ask(app, "/who", answer["jwt"])

    assert ask(app, token=answer["jwt"]).text == account_id
    assert who.text.startswith(f"Bearer(account_id='{account_id}', session_id='")
    assert who.text.endswith(f"', expires_at={expires_at})")
    assert ask(app, "/secret", answer["jwt"]).text == f"the secret of {account_id}"
    assert answer["jwt"] not in who.text


def test_a_request_without_one_is_left_to_the_cookie(app):
    browser = app.signed_in(BEN)

    assert app.world.me(browser) == app.account_of(BEN)
    assert ask(app).text == "anonymous"
    assert ask(app, "/who").text == "None"
    assert browser.get("/who").text == repr(app.accounts.get(app.account_of(BEN)))
    assert browser.get("/secret").text == f"the secret of {app.account_of(BEN)}"
    assert ask(app, "/secret").status == 403


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_written_as_one_likes(app, scheme):
    answer = app.sign_in()

    assert ask(app, HTTP_AUTHORIZATION=f"{scheme} {answer['jwt']}").text == answer["user"]["id"]


@pytest.mark.parametrize("header", ["Basic YTpi", "Digest x", "Bearertoken", "", "DPoP x", "\xff"])
def test_other_schemes_are_left_alone(app, header):
    browser = app.signed_in(BEN)

    assert ask(app, HTTP_AUTHORIZATION=header).text == "anonymous"
    assert ask(app, HTTP_AUTHORIZATION=header, HTTP_COOKIE=cookies_of(browser)).text == app.account_of(BEN)


@pytest.mark.parametrize("token", ["", " ", "x", "a.b.c", "\xff", "{jwt}x", "{jwt}, Bearer {jwt}", "{refresh_token}"])
def test_a_token_of_no_use_never_falls_back_to_the_cookie(app, token):
    browser = app.signed_in(BEN)
    given = token.format(**app.sign_in()) if "{" in token else token
    for path in ("/me", "/who", "/secret"):
        assert_refused(ask(app, path, given, HTTP_COOKIE=cookies_of(browser)))
    app.assert_nothing_secret(ask(app, "/me", given))


# Confused tokens: a protected view, as a stranger with a token that is nearly one asks for it.


@pytest.fixture
def signed_in(app):
    """Give a token that is good, apart: its header, its claims, its signature."""
    answer = app.sign_in()
    assert ask(app, "/secret", answer["jwt"]).status == 200
    return answer, *parts_of(answer["jwt"])


def assert_no_way_in(app, token):
    assert_refused(ask(app, "/secret", token))
    app.assert_nothing_secret(ask(app, "/me", token))


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", None, "", 1, [], ...])
@pytest.mark.parametrize("copies", [False, True])
def test_jwt_01_no_unsigned_token_opens_a_view(app, signed_in, algorithm, copies):
    _, header, claims, signature = signed_in
    written = {name: value for name, value in {**header, "alg": algorithm}.items() if value is not ...}

    assert_no_way_in(app, f"{b64(written)}.{b64(claims)}.{signature if copies else ''}")


def test_jwt_02_no_token_signed_with_the_public_key_opens_a_view(app, signed_in):
    _, header, claims, _ = signed_in
    pem = ECKey.import_key(dict(member())).as_pem(private=False)

    for secret in (pem, pem.strip(), ECKey.import_key(dict(member())).as_der(private=False)):
        content = f"{b64({**header, 'alg': 'HS256'})}.{b64(claims)}"
        assert_no_way_in(app, f"{content}.{b64(hmac.digest(secret, content.encode(), 'sha256'))}")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -1},
        {"exp": ...},
        {"nbf": 600},
        {"iat": 600},
        {"exp": 50 * 365 * 86400},
    ],
    ids=lambda changes: ",".join(f"{name}={value}" for name, value in changes.items()).replace("Ellipsis", "missing"),
)
def test_jwt_03_no_token_of_another_time_opens_a_view(app, signed_in, changes):
    now = int(app.world.clock())
    times = {name: value if value is ... else now + value for name, value in changes.items()}

    assert_no_way_in(app, sign(changed(signed_in[2], times)))


@pytest.mark.parametrize(
    "changes",
    [
        *({"aud": value} for value in ("https://evil.example", ..., "HTTPS://APP.EXAMPLE")),
        {"aud": ["https://app.example", "https://evil.example"]},
        *({"iss": value} for value in ("https://evil.example", ..., "https:", "https://app.example/")),
        {"azp": "https://evil.example"},
    ],
    ids=lambda changes: str(changes).replace("Ellipsis", "missing"),
)
def test_jwt_04_no_token_of_others_or_for_others_opens_a_view(app, signed_in, changes):
    assert_no_way_in(app, sign(changed(signed_in[2], changes)))


def changed(claims, changes):
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


def test_jwt_07_nothing_else_that_we_make_opens_a_view(app, signed_in):
    answer, _, claims, _ = signed_in
    others = [
        app.start(app.world.browser()),
        app.ticket(),
        answer["refresh_token"],
        sign(claims, {"alg": "ES256", "kid": "key-1", "typ": "JWT"}),
        sign(claims, {"alg": "ES256", "kid": "provider", "typ": "JWT"}, by=member("ES256", "provider")),
    ]

    for token in others:
        assert_no_way_in(app, token)
    app.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", {"ticket": answer["jwt"], "verifier": VERIFIER})


def test_both_at_once_are_the_bearer_s(app):
    browser = app.signed_in(BEN)
    answer = app.sign_in(person=ADA)

    assert ask(app, token=answer["jwt"], HTTP_COOKIE=cookies_of(browser)).text == answer["user"]["id"]


def test_a_refusal_can_be_found_in_the_log(app):
    answer = ask(app, token="x")
    reference = json.loads(answer.body)["error"]["details"]["correlation_id"]

    [line] = [record for record in app.world.caplog.records if record.name == "authkit.pyramid.nativeanswers"]
    assert line.levelname == "WARNING"
    assert f"ref={reference} " in line.getMessage()


@pytest.mark.parametrize("settings", [{}, {"authkit.login_url": "/login"}])
def test_a_phone_is_never_sent_to_a_login_page(new_phone_app, settings):
    assert_refused(ask(new_phone_app(settings=settings), token="x", HTTP_ACCEPT="text/html"))


def test_pyramid_tm_which_asks_first_is_answered_as_a_view_is(new_phone_app):
    app = new_phone_app("pyramid_tm")
    token = app.sign_in()["jwt"]
    app.world.clock.now += 3600

    for path in ("/me", "/who", "/secret"):
        assert_refused(ask(app, path, token))


def test_an_app_may_answer_in_its_own_way(new_phone_app):
    def include(config):
        config.add_exception_view(lambda error, request: Response(error.code, status=418), context=TokenInvalid)
        config.add_exception_view(lambda error, request: Response(error.code, status=417), context=AuthkitError)

    app = new_phone_app(named(include))

    assert (ask(app, token="x").status, ask(app, token="x").text) == (418, "token_invalid")
    app.refused_phone(401, "token_invalid", "GET", "/native/sessions", bearer="x")


# The end of a token, and of an account.


def test_a_token_is_good_for_an_hour_by_the_server_s_clock(app):
    token = app.sign_in()["jwt"]
    app.world.clock.now += 3599
    assert ask(app, token=token).status == 200
    app.world.clock.now += 1
    assert_refused(ask(app, token=token))


def test_jwt_13_a_token_outlives_its_key_only_while_the_key_is_in_the_settings(new_phone_app):
    old, new = member("ES256", "old"), member("EdDSA", "new")
    token = new_phone_app(settings={"authkit.native.keys": key_set(old).reveal()}).sign_in()["jwt"]

    assert ask(new_phone_app(settings={"authkit.native.keys": key_set(new, old).reveal()}), token=token).status == 200
    assert_refused(ask(new_phone_app(settings={"authkit.native.keys": key_set(new).reveal()}), token=token))


def disable(app, account_id):
    app.accounts.disable(account_id)


def remove(app, account_id):
    with app.database.engine.begin() as connection:
        connection.execute(delete(accounts).where(accounts.c.id == account_id))


@pytest.mark.parametrize("end", [disable, remove])
def test_jwt_14_an_account_that_is_ended_is_out_at_once_where_each_request_looks(new_phone_app, database, end):
    app = new_phone_app(database=database, settings=CHECKED)
    answer = app.sign_in()
    assert ask(app, token=answer["jwt"]).text == answer["user"]["id"]

    end(app, answer["user"]["id"])

    assert_refused(ask(app, token=answer["jwt"]))
    app.refused_phone(401, "token_invalid", "GET", "/native/sessions", bearer=answer["jwt"])
    refreshed = app.ask("POST", "/native/refresh", {"refresh_token": answer["refresh_token"]})
    app.check_failure(refreshed, 401, "token_invalid")


def test_jwt_14_otherwise_it_is_out_when_the_token_ends(app):
    answer = app.sign_in()
    disable(app, answer["user"]["id"])

    assert ask(app, token=answer["jwt"]).text == answer["user"]["id"]
    app.world.clock.now += 3600
    assert_refused(ask(app, token=answer["jwt"]))


def test_whoever_was_blocked_cannot_disconnect_and_come_back_as_a_stranger(app):
    answer = app.sign_in()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {answer['jwt']}"}
    page = call(app.world.app, "/auth/accounts", HTTP_ACCEPT="application/json", **bearer)
    form = {"identity": key_of(ADA), "even_last": "1", "csrf_token": json.loads(page.body)["csrf_token"]}
    disable(app, answer["user"]["id"])

    refused = call(
        app.world.app,
        "/auth/acme/unlink",
        method="POST",
        body=urlencode(form).encode(),
        CONTENT_TYPE="application/x-www-form-urlencoded",
        **bearer,
    )

    app.world.assert_refusal(refused, "account_denied")
    assert app.keys(answer["user"]["id"]) == [key_of(ADA)]
    assert query_of(app.link())["error"] == "account_denied"


@pytest.mark.parametrize(("settings", "queries"), [({}, 0), (CHECKED, 1)])
def test_a_request_costs_no_query_and_one_where_each_looks(new_phone_app, settings, queries):
    app = new_phone_app(settings=settings)
    token = app.sign_in()["jwt"]
    asked = []
    event.listen(app.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    assert ask(app, "/secret", token).status == 200
    assert len(asked) == queries, asked


def test_a_database_that_cannot_say_whose_token_it_is_can_be_found_in_the_log(new_phone_app, sqlite):
    app = new_phone_app(settings=CHECKED)
    token = app.sign_in()["jwt"]
    with sqlite.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE authkit_accounts RENAME TO away")

    answer = ask(app, token=token, HTTP_ACCEPT="application/json")

    assert answer.status == 503
    reference = json.loads(answer.body)["error"]["correlation_id"]
    [line] = [record for record in app.world.caplog.records if record.name == "authkit.pyramid.bearer"]
    assert (line.levelname, line.args[0]) == ("WARNING", reference)
    assert line.getMessage().startswith(f"cannot look up whose token it is: ref={reference} cause=")


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_while_the_database_is_down_only_those_who_look_are_told_to_come_back(new_phone_app, database):
    token = new_phone_app(database=database).sign_in()["jwt"]
    with outage_of(database) as (outage, reached):
        checked, unchecked = new_phone_app(database=reached, settings=CHECKED), new_phone_app(database=reached)
        began = time.monotonic()
        answer = ask(checked, token=token, HTTP_ACCEPT="application/json")

        assert (answer.status, answer.get("Retry-After")) == (503, "30")
        reference = json.loads(answer.body)["error"]["correlation_id"]
        [line] = [record for record in checked.world.caplog.records if record.name == "authkit.pyramid.bearer"]
        assert f"ref={reference} " in line.getMessage()
        assert ask(unchecked, token=token).status == 200
        assert time.monotonic() - began < 30
        outage.come_back()
        assert ask(checked, token=token).status == 200


# Around a policy of the app's own.


def around_its_own(config):
    config.set_security_policy(BearerPolicy(OwnPolicy()))


def test_it_goes_around_a_policy_of_the_app_s_own(new_phone_app):
    app = new_phone_app(around_its_own)
    browser = app.signed_in(BEN)
    answer = app.sign_in(person=ADA)

    assert app.world.me(browser) == app.account_of(BEN)
    assert "own" in browser.cookies
    assert ask(app, token=answer["jwt"]).text == answer["user"]["id"]
    assert_refused(ask(app, token="x", HTTP_COOKIE=cookies_of(browser)))
    browser.post("/auth/logout", status=303)
    assert app.world.me(browser) == "anonymous"


def test_a_policy_of_the_app_s_own_is_left_as_it_is(new_phone_app):
    def include(config):
        config.set_security_policy(OwnPolicy())

    app = new_phone_app(named(include))
    answer = app.sign_in()

    assert isinstance(app.world.app.registry.getUtility(ISecurityPolicy), OwnPolicy)
    assert ask(app, token=answer["jwt"]).text == "anonymous"
    assert app.ask("GET", "/native/sessions", bearer=answer["jwt"]).status == 200


def test_permissions_are_the_other_policy_s_to_give(new_phone_app):
    class Strict(OwnPolicy):
        def permits(self, request, context, permission):
            return request.authenticated_userid is not None and permission == "read"

    def include(config):
        config.set_security_policy(BearerPolicy(Strict()))
        config.add_route("top-secret", "/top-secret")
        config.add_view(lambda request: Response(), route_name="top-secret", permission="read more")

    app = new_phone_app(named(include))

    token = app.sign_in()["jwt"]

    assert ask(app, "/secret", token).status == 200
    assert ask(app, "/secret").status == 403
    assert ask(app, "/top-secret", token).status == 403


def test_csrf_can_be_left_out_for_bearer_tokens_alone(new_phone_app):
    def include(config):
        config.set_default_csrf_options(require_csrf=True, callback=lambda request: bearer_of(request) is None)
        config.add_route("change", "/change")
        config.add_view(lambda request: Response("changed"), route_name="change", permission=NO_PERMISSION_REQUIRED)

    from pyramid_apps import signed_cookie_session

    app = new_phone_app(signed_cookie_session, named(include))

    assert ask(app, "/change", app.sign_in()["jwt"], method="POST").text == "changed"
    assert_refused(ask(app, "/change", "x", method="POST"))
    assert ask(app, "/change", method="POST").status == 400


def test_a_permission_says_why_in_pyramid_s_log_of_authorization(new_phone_app):
    said = []

    def include(config):
        config.add_route("why", "/why")
        config.add_view(
            lambda request: said.append(request.has_permission("read").msg) or Response(),
            route_name="why",
            permission=NO_PERMISSION_REQUIRED,
        )

    app = new_phone_app(named(include))
    ask(app, "/why", app.sign_in()["jwt"])
    ask(app, "/why")

    assert said == ["somebody is signed in", "nobody is signed in"]


def test_the_app_s_own_transaction_is_not_begun_for_it(new_phone_app):
    def no_session(request):
        raise AssertionError("the session was asked for")

    def include(config):
        config.set_authkit_user_for(lambda request, login: None, no_session)

    app = new_phone_app(settings=CHECKED)
    token = app.sign_in()["jwt"]

    assert ask(new_phone_app(named(include), settings=CHECKED), token=token).status == 200


def test_a_default_permission_is_met_by_a_bearer_token(new_phone_app):
    from pyramid_apps import signed_cookie_session

    app = new_phone_app(signed_cookie_session, strict_defaults)

    assert ask(app, "/secret", app.sign_in()["jwt"]).status == 200


def test_python_code_of_the_app_s_own_reads_the_token(new_phone_app):
    seen = []

    def read(request):
        seen.append(bearer_of(request))
        return Response()

    def include(config):
        config.add_route("read", "/read")
        config.add_view(read, route_name="read", permission=NO_PERMISSION_REQUIRED)

    app = new_phone_app(named(include))
    answer = app.sign_in()
    ask(app, "/read", answer["jwt"])
    ask(app, "/read")

    assert seen == [Bearer(answer["user"]["id"], seen[0].session_id, int(app.world.clock()) + 3600), None]
    assert Accounts(app.world.kit, app.database).get(seen[0].account_id) is not None
