"""Native apps with Pyramid: the routes that a phone and its system browser call, and what each is refused."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import zope.sqlalchemy
from account_apps import ADA, BEN, Passers, checksum, count, kept_in, key_of, outage_of
from fakes import ACCESS_TOKEN, state_of
from native_apps import JSON_TYPE, PhoneApp, refused_page
from native_world import (
    CHALLENGE,
    LINK,
    PRIVATE,
    PRIVATE_LINK,
    SDK_REDIRECT_URI,
    VERIFIER,
    asking,
    key_set,
    member,
    parts_of,
    query_of,
)
from pyramid.config import Configurator
from pyramid.events import ContextFound
from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import Request
from pyramid.response import Response
from pyramid.viewderivers import DefaultViewMapper
from pyramid_apps import (
    CODE,
    KINDS,
    answer_of,
    assert_safe_headers,
    call,
    make_app,
    named,
    other,
    own_views,
    signed_cookie_session,
    strict_defaults,
)
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker
from transaction.interfaces import TransientError

from authkit.accounts import Vault
from authkit.accounts.schema import accounts, claims, identities, sessions, tokens
from authkit.errors import AccountDenied, AuthkitError, ConfigError

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

SDK = {"code": CODE, "code_verifier": "V" * 32, "redirect_uri": SDK_REDIRECT_URI}
ANOTHER_APP = "https://web.example"
WITH_CORS = {"authkit.native.cors_origins": ANOTHER_APP}
ROUTES = [
    ("POST", "/acme/connect"),
    ("POST", "/native/refresh"),
    ("POST", "/native/logout"),
    ("GET", "/native/sessions"),
    ("DELETE", "/native/sessions/0123"),
    ("GET", "/jwks.json"),
]


@pytest.fixture
def new_phone_app(new_world, sqlite):
    """Give what makes an app with native apps, on SQLite unless told otherwise."""

    def make(*after, **options):
        return PhoneApp(new_world, options.pop("database", sqlite), *after, **options)

    return make


@pytest.fixture
def app(new_phone_app):
    """Give an app that has nothing but native apps and a few views."""
    return new_phone_app()


@pytest.fixture
def everywhere(new_phone_app, database):
    """Give the same on each of the three databases."""
    return new_phone_app(database=database)


def rows(app):
    """How many accounts, identities, tokens and sessions there are."""
    return [count(app.database, table) for table in (accounts, identities, tokens, sessions)]


# The server's callback.


def test_a_login_in_the_system_browser_ends_at_the_app_s_link_with_a_ticket(everywhere):
    link = everywhere.link(state="s&?=")
    answer = everywhere.post("/acme/connect", {"ticket": query_of(link)["ticket"], "verifier": VERIFIER})

    account_id = everywhere.account_of(ADA)
    assert link.startswith(f"{LINK}?ticket=")
    assert query_of(link) == {"ticket": query_of(link)["ticket"], "state": "s&?="}
    assert answer.json == {
        "jwt": answer.json["jwt"],
        "expires_in": 3600,
        "refresh_token": answer.json["refresh_token"],
        "user": {
            "id": account_id,
            "username": "Ada",
            "email": None,
            "provider": "acme",
            "confirmed": True,
            "blocked": False,
            "createdAt": "2027-01-15T08:00:00.000Z",
            "updatedAt": "2027-01-15T08:00:00.000Z",
        },
    }
    assert parts_of(answer.json["jwt"])[1]["sub"] == account_id
    assert_safe_headers(answer_of(answer))
    assert answer.headers["Vary"] == "Origin"
    assert "Set-Cookie" not in answer.headers
    assert [outcome for outcome, _ in everywhere.world.told] == ["succeeded"]
    assert rows(everywhere) == [1, 1, 1, 1]
    everywhere.assert_nothing_secret()


def test_mob_15_and_lek_11_the_link_is_that_of_the_settings_and_has_nothing_else_in_it(app):
    browser = app.world.browser()
    state = app.start(browser)
    path, _, query = app.callback(state).partition("?")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    answer = call(app.world.app, path, query, HTTP_COOKIE=cookies, HTTP_HOST="evil.example")
    [location] = answer.all("Location")

    assert answer.status == 303
    assert location.partition("?")[0] == LINK
    assert set(query_of(location)) == {"ticket", "state"}
    said = f"{answer.headers}{answer.text}"
    ours = {CODE, state, "canary-access-token", "canary-refresh-token", "user-1", "Ada", app.account_of(ADA)}
    assert [text for text in ours if text in said] == []
    assert_safe_headers(answer)
    assert app.world.me(browser) == "anonymous"


def test_nothing_in_a_request_chooses_the_link(new_phone_app):
    app = new_phone_app(settings=PRIVATE, providers=(asking, other))
    browser = app.world.browser()
    evil = dict.fromkeys(("link", "redirect_uri", "return_to", "next", "redirect_url"), "https://evil.example")
    state = app.start(browser)
    path = app.callback(state, code=CODE, **evil, app="private")

    assert browser.get(path, status=303).location.partition("?")[0] == LINK
    assert app.link("private").partition("?")[0] == PRIVATE_LINK


def test_a_link_that_any_app_can_claim_is_refused_where_the_user_would_not_see_the_login(new_phone_app):
    app = new_phone_app(settings=PRIVATE, providers=(asking, other))
    path = app.world.path("/other/native", app="private", challenge=CHALLENGE)

    app.refused(app.world.browser(), path, "invalid_request")

    assert app.world.audit[-1].endswith(
        "cause=any app can claim the link of private, and Other cannot be made to ask the user"
    )


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"error": "access_denied", "error_description": "canary <script>"}, "access_denied"),
        ({"error": "canary-error", "error_description": "%1b[2J"}, "provider_protocol"),
        ({"error": "server_error"}, "provider_unavailable"),
        ({"nothing": "at all"}, "invalid_request"),
        ({"access_token": "canary-implicit", "token_type": "bearer"}, "invalid_request"),
    ],
)
def test_what_fails_is_told_to_the_app_in_our_words(app, sent, code):
    before = checksum(app.database)
    query = query_of(app.link(**sent))

    assert set(query) == {"error", "error_description", "state"}
    assert query["state"] == "s"
    assert "canary" not in str(query)
    assert (query["error"] == code) or code == "provider_protocol"
    assert checksum(app.database) == before
    assert [outcome for outcome, _ in app.world.told] == ["failed"]
    assert len(app.world.audit) == 1
    app.assert_nothing_secret()


def test_a_blocked_account_is_told_so_and_gets_no_ticket(app):
    app.sign_in()
    app.accounts.disable(app.account_of(ADA))
    before = checksum(app.database)

    assert query_of(app.link()) == {
        "error": "account_denied",
        "error_description": "This account has been blocked. Please ask whoever runs this site.",
        "state": "s",
    }
    assert checksum(app.database) == before


def test_a_callback_in_another_browser_is_a_page_and_no_redirect(app):
    state = app.start(app.world.browser())

    refused_page(app, app.world.browser(), app.callback(state), "state_invalid")
    assert app.world.exchanges == 0
    assert rows(app) == [0, 0, 0, 0]


def test_a_callback_that_comes_again_is_a_page_and_no_redirect(app):
    browser = app.world.browser()
    path = app.callback(app.start(browser))
    browser.get(path, status=303)
    before = checksum(app.database)

    refused_page(app, browser, path, "state_invalid")
    assert checksum(app.database) == before
    assert app.world.exchanges == 1


def test_the_callbacks_of_the_web_and_of_apps_take_nothing_from_each_other(app):
    browser = app.world.browser()
    native, web = app.start(browser), app.world.start(browser)

    refused_page(app, browser, app.callback(web), "state_invalid")
    refused_page(app, browser, app.world.callback(native), "state_invalid")
    assert app.world.exchanges == 0
    assert app.world.me(browser) == "anonymous"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"app": "nobody"}, "invalid_request"),
        ({"app": "no-link"}, "invalid_request"),
        ({"app": ""}, "invalid_request"),
        ({"challenge": "short"}, "invalid_request"),
        ({"challenge": ""}, "invalid_request"),
        ({"state": "x" * 513}, "invalid_request"),
        ({"state": "a\nb"}, "invalid_request"),
    ],
)
def test_a_start_that_is_wrong_is_a_page(app, query, code):
    path = app.world.path("/acme/native", **{"app": "phone", "challenge": CHALLENGE, "state": "s", **query})
    response = refused_page(app, app.world.browser(), path, code)

    assert "Set-Cookie" not in response.headers


def finished(phone_app, **query):
    """Return what the link says at the end of a login that began with `query`."""
    browser = phone_app.world.browser()
    started = browser.get(phone_app.world.path("/acme/native", **query), status=302)
    return query_of(browser.get(phone_app.callback(state_of(started.location)), status=303).location)


def test_a_login_that_is_complete_is_told_and_clears_its_cookie(app):
    browser = app.world.browser()
    started = browser.get(app.world.path("/acme/native", app="phone", challenge=CHALLENGE), status=302)
    assert len(browser.cookies) == 1
    browser.get(app.callback(state_of(started.location)), status=303)

    assert browser.cookies == {}
    assert [outcome for outcome, _ in app.world.told] == ["succeeded"]


def test_a_start_needs_no_state_of_the_app_s(app):
    assert list(finished(app, app="phone", challenge=CHALLENGE)) == ["ticket"]


def test_a_start_needs_no_challenge_where_the_link_carries_the_provider_s_token(app):
    assert finished(app, app="seed", state="s") == {"from": "web", "access_token": ACCESS_TOKEN, "state": "s"}


def test_a_start_of_an_unknown_registration_is_a_page(app):
    refused_page(app, app.world.browser(), app.world.path("/nobody/native", app="phone"), "invalid_request")
    path = app.world.path("/nobody/native", app="phone", challenge=CHALLENGE)
    refused_page(app, app.world.browser(), path, "unknown_provider")


def test_inp_06_a_parameter_twice_is_refused(app):
    path = app.world.path("/acme/native", app="phone", challenge=CHALLENGE) + "&app=private"
    refused_page(app, app.world.browser(), path, "invalid_request")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Mode": "no-cors"}, {"Sec-Fetch-Dest": "image"}])
def test_a_start_is_the_navigation_of_a_whole_page(app, headers):
    path = app.world.path("/acme/native", app="phone", challenge=CHALLENGE)
    app.world.refused(app.world.browser(), path, "cross_site", headers=headers)


@pytest.mark.parametrize("path", ["/acme/native", "/acme/native/callback"])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS"])
def test_the_browser_s_routes_are_for_get_alone(app, path, method):
    answer = app.ask(method, path)

    assert (answer.status, answer.get("Allow")) == (405, "GET")
    assert_safe_headers(answer)


def test_a_provider_that_is_busy_is_told_to_the_app(app):
    app.world.network.replies["token"] = (429, {})

    assert query_of(app.link())["error"] == "provider_rate_limited"


# Connect.


def test_a_code_of_the_kit_for_apps_signs_in(everywhere):
    answer = everywhere.post("/acme/connect", SDK).json

    assert set(answer) == {"jwt", "user", "expires_in", "refresh_token"}
    assert answer["user"]["id"] == everywhere.account_of(ADA)
    [sent] = everywhere.world.network.to("token")
    assert {name: sent.form[name] for name in SDK} == SDK
    assert [outcome for outcome, _ in everywhere.world.told] == ["succeeded"]
    assert rows(everywhere) == [1, 1, 1, 1]
    everywhere.secrets |= {"V" * 32}
    everywhere.assert_nothing_secret()


BODIES = [
    (b"{}", "text/plain", 415),
    (b"ticket=x", "application/x-www-form-urlencoded", 415),
    (b"{}", "", 415),
    (b"{}", "application/jsonp", 415),
    (b"", JSON_TYPE, 400),
    (b"[]", JSON_TYPE, 400),
    (b'"x"', JSON_TYPE, 400),
    (b"null", JSON_TYPE, 400),
    (b"{}", JSON_TYPE, 400),
    (b"{", JSON_TYPE, 400),
    (b'{"ticket": 1}', JSON_TYPE, 400),
    (b'{"ticket": ["x"]}', JSON_TYPE, 400),
    (b'{"ticket": {"x": "y"}}', JSON_TYPE, 400),
    (b'{"ticket": null}', JSON_TYPE, 400),
    (b'{"ticket": true}', JSON_TYPE, 400),
    (b'{"ticket": "x", "ticket": "y"}', JSON_TYPE, 400),
    (b'{"ticket": NaN}', JSON_TYPE, 400),
    ('{"ticket": "x"}'.encode("utf-16"), JSON_TYPE, 400),
    (b'{"ticket": "\xff"}', JSON_TYPE, 400),
    (b'{"ticket": "\\u0000"}', JSON_TYPE, 400),
    (b'{"ticket": "\\ud800"}', JSON_TYPE, 400),
    (b"[" * 60_000, JSON_TYPE, 400),
    (json.dumps({"ticket": "x" * 1_000_000}).encode(), JSON_TYPE, 413),
]


@pytest.mark.parametrize("path", ["/acme/connect", "/native/refresh"])
@pytest.mark.parametrize(("body", "kind", "status"), BODIES, ids=range(len(BODIES)))
def test_mob_10_a_body_is_a_small_json_object_of_texts(app, path, body, kind, status):
    body = body.replace(b"ticket", b"refresh_token") if path.endswith("refresh") else body
    app.refused_phone(status, "invalid_request", "POST", path, body, kind=kind)


@pytest.mark.parametrize(("path", "name"), [("/acme/connect", "ticket"), ("/native/refresh", "refresh_token")])
def test_mob_10_a_text_that_is_nothing_of_ours_is_refused(app, path, name):
    code = "ticket_invalid" if name == "ticket" else "token_invalid"
    for text in ("", "x", "x" * 60_000, "v1.AAAA.BBBB", "a" * 32 + "." + "b" * 64):
        app.refused_phone(401, code, "POST", path, {name: text, "verifier": VERIFIER})


@pytest.mark.parametrize(
    ("length", "reason"),
    [("-1", "the body has a negative length"), ("nonsense", "the body is no JSON object"), ("100", "is cut off")],
)
def test_a_length_that_is_a_lie_is_refused(app, length, reason):
    app.refused_phone(400, "invalid_request", "POST", "/acme/connect", b'{"x": 1}', CONTENT_LENGTH=length)

    assert reason in app.world.audit[-1]


def test_mob_03_a_ticket_signs_in_once(everywhere):
    sent = {"ticket": everywhere.ticket(), "verifier": VERIFIER}
    everywhere.post("/acme/connect", sent)

    answer = everywhere.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", sent)
    assert answer.get("WWW-Authenticate") is None


@pytest.mark.slow
def test_mob_03_of_two_servers_that_get_one_ticket_at_the_same_moment_one_wins(everywhere):
    servers = [everywhere.world.app, another_server(everywhere)]
    for _ in range(3):
        body = json.dumps({"ticket": everywhere.ticket(), "verifier": VERIFIER}).encode()
        barrier = threading.Barrier(6)

        def redeem(number, body=body, barrier=barrier):
            barrier.wait(30)
            return call(servers[number % 2], "/auth/acme/connect", method="POST", body=body, CONTENT_TYPE=JSON_TYPE)

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(redeem, range(6)))

        assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401, 401]
        failures = [json.loads(answer.body)["error"]["details"]["code"] for answer in answers if answer.status == 401]
        assert failures == ["ticket_invalid"] * 5
    assert rows(everywhere) == [1, 1, 1, 3]


def another_server(app):
    """Another server's process: the same settings, and the same database."""
    return make_app(app.world.kit, before=[kept_in(app.database), "authkit.pyramid.native"])


def test_mob_04_and_05_a_ticket_is_good_for_two_minutes_and_for_the_app_that_began(app):
    ticket = app.ticket()
    app.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", {"ticket": ticket})
    app.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", {"ticket": ticket, "verifier": "w" * 43})
    app.refused_phone(401, "ticket_invalid", "POST", "/other/connect", {"ticket": ticket, "verifier": VERIFIER})
    app.world.clock.now += 121
    app.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", {"ticket": ticket, "verifier": VERIFIER})
    app.world.clock.now -= 2
    app.post("/acme/connect", {"ticket": ticket, "verifier": VERIFIER})


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "PATCH", "DELETE"])
def test_mob_16_a_ticket_is_redeemed_by_post_alone(app, method):
    ticket = app.ticket()
    before = checksum(app.database), count(app.database, claims)
    answer = app.ask(method, f"/acme/connect?ticket={ticket}&verifier={VERIFIER}")

    assert (answer.status, answer.get("Allow")) == (405, "POST")
    if method != "HEAD":
        app.check_failure(answer, 405, "invalid_request")
    assert (checksum(app.database), count(app.database, claims)) == before
    app.post("/acme/connect", {"ticket": ticket, "verifier": VERIFIER})


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("other", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_every_route_has_one_method(app, method, path, other):
    answer = app.ask(other, path)

    assert (answer.status == 405) == (other != method)
    assert answer.get("Allow") == (method if other != method else None)
    assert_safe_headers(answer) if path != "/jwks.json" or other != method else None


def test_a_ticket_in_the_query_or_in_a_form_is_none(app):
    ticket = app.ticket()
    path = f"/acme/connect?ticket={ticket}&verifier={VERIFIER}"

    app.refused_phone(400, "invalid_request", "POST", path, {})
    app.refused_phone(415, "invalid_request", "POST", path, b"", kind="application/x-www-form-urlencoded")


def test_mob_01_and_02_a_token_of_the_provider_is_refused_unless_the_settings_allow_it(app):
    app.refused_phone(400, "invalid_request", "POST", "/acme/connect", {"access_token": "canary-handed-in"})

    assert app.world.network.sent == []


def test_mob_14_who_it_is_is_the_provider_s_to_say(new_phone_app, database):
    app = new_phone_app(database=database, settings={"authkit.native.accept_access_tokens": "yes"})
    sent = {
        "access_token": "mine",
        "open_id": "VICTIM",
        "id": "VICTIM",
        "sub": "VICTIM",
        "email": "v@x.example",
        "provider": "other",
        "profile": {"id": "VICTIM", "email": "v@x.example"},
        "account_id": 1,
    }
    user = app.post("/acme/connect", sent).json["user"]

    assert (user["username"], user["email"], user["provider"]) == ("Ada", None, "acme")
    assert app.keys(user["id"]) == [key_of(ADA)]
    assert rows(app) == [1, 1, 0, 1]


@pytest.mark.parametrize("reply", [(401, {}), (401, {"error": "invalid_token"})])
def test_a_token_that_the_provider_rejects_is_answered_as_the_seed_did(new_phone_app, reply):
    app = new_phone_app(settings={"authkit.native.accept_access_tokens": "yes"})
    app.world.network.replies["me"] = reply
    answer = app.refused_phone(400, "provider_rejected", "POST", "/acme/connect", {"access_token": "bad"})

    message = json.loads(answer.body)["error"]["message"]
    assert message == "Failed to fetch Acme user: Request failed with status code 401"


def test_mix01_an_iss_that_came_with_the_code_is_checked(app):
    app.refused_phone(400, "issuer_mismatch", "POST", "/acme/connect", {**SDK, "iss": "https://evil.example"})


def test_the_word_for_a_rejected_code_is_not_that_for_a_rejected_token(app):
    app.world.network.replies["token"] = (400, {"error": "invalid_grant"})
    answer = app.refused_phone(400, "provider_rejected", "POST", "/acme/connect", SDK)

    assert json.loads(answer.body)["error"]["message"] == "The provider refused this sign-in. Please start again."


def test_an_unknown_registration_is_not_found_whatever_is_sent(app):
    for sent in (SDK, {"ticket": app.ticket(), "verifier": VERIFIER}, {"access_token": "x"}, {}):
        app.refused_phone(404, "unknown_provider", "POST", "/nobody/connect", sent)


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        ((429, {}), 503, "provider_rate_limited"),
        ((500, {}), 503, "provider_unavailable"),
        (OSError("no route"), 503, "provider_unavailable"),
        ((200, "nonsense"), 502, "provider_protocol"),
        ((400, {"error": "invalid_grant"}), 400, "provider_rejected"),
    ],
)
def test_the_provider_s_failures_are_told_apart(app, reply, status, code):
    app.world.network.replies["token"] = reply
    answer = app.refused_phone(status, code, "POST", "/acme/connect", SDK)

    assert (answer.get("Retry-After") is not None) == (status == 503)
    assert "registration=acme " in app.world.audit[-1]


def test_a_refused_account_names_its_registration_in_the_log(new_phone_app):
    app = new_phone_app(settings={"authkit.accounts.allow_registration": "no"})
    answer = app.refused_phone(403, "account_denied", "POST", "/acme/connect", SDK)

    assert json.loads(answer.body)["error"]["message"] == "New accounts cannot be made here at the moment."
    assert "provider=acme registration=acme " in app.world.audit[-1]
    app.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", {"ticket": "x"})
    assert "provider=acme registration=acme " in app.world.audit[-1]


# Refresh, logout, sessions, keys.


def test_a_refresh_token_is_exchanged_for_the_next(everywhere):
    first = everywhere.sign_in()
    second = everywhere.post("/native/refresh", {"refresh_token": first["refresh_token"]}).json

    assert set(second) == {"jwt", "expires_in", "refresh_token"}
    assert second["refresh_token"] != first["refresh_token"]
    again = everywhere.post("/native/refresh", {"refresh_token": first["refresh_token"]}).json
    assert again["refresh_token"] != second["refresh_token"], "the answer was lost on the way; one more try is free"
    everywhere.secrets |= {second["refresh_token"], again["refresh_token"]}
    everywhere.assert_nothing_secret()


def test_a_refresh_token_that_is_used_twice_ends_the_session_for_good(everywhere):
    first = everywhere.sign_in()
    second = everywhere.post("/native/refresh", {"refresh_token": first["refresh_token"]}).json
    everywhere.world.clock.now += 11

    for token in (first["refresh_token"], second["refresh_token"]):
        answer = everywhere.ask("POST", "/native/refresh", {"refresh_token": token})
        everywhere.check_failure(answer, 401, "token_invalid")
        assert answer.get("WWW-Authenticate") == "Bearer"
    assert count(everywhere.database, sessions) == 0


def test_signing_out_ends_the_session(everywhere):
    answer = everywhere.sign_in()
    out = everywhere.post("/native/logout", {}, bearer=answer["jwt"])

    assert out.json == {}
    assert_safe_headers(answer_of(out))
    assert count(everywhere.database, sessions) == 0
    refresh = {"refresh_token": answer["refresh_token"]}
    everywhere.refused_phone(401, "token_invalid", "POST", "/native/refresh", refresh)
    everywhere.post("/native/logout", {}, bearer=answer["jwt"])


def test_sessions_are_listed_and_ended_one_by_one(everywhere):
    first = everywhere.sign_in()
    everywhere.world.clock.now += 5
    second = everywhere.sign_in()
    other = everywhere.sign_in(person=BEN)
    listed = everywhere.ask("GET", "/native/sessions", bearer=second["jwt"])
    first_id, second_id, other_id = (parts_of(each["jwt"])[1]["sid"] for each in (first, second, other))

    usual = {"app": "phone", "provider": "acme"}
    early, late = "2027-01-15T08:00:00.000Z", "2027-01-15T08:00:05.000Z"
    ends = {early: "2027-02-14T08:00:00.000Z", late: "2027-02-14T08:00:05.000Z"}
    assert json.loads(listed.body) == {
        "sessions": [
            {"id": id_, **usual, "createdAt": at, "usedAt": at, "endsAt": ends[at], "current": id_ == second_id}
            for id_, at in ((second_id, late), (first_id, early))
        ]
    }
    assert_safe_headers(listed)

    for mine in (first_id, other_id, "nonsense", "x" * 5000):
        ended = everywhere.ask("DELETE", f"/native/sessions/{mine}", bearer=second["jwt"])
        assert (ended.status, ended.body) == (200, b"{}")
    left = everywhere.ask("GET", "/native/sessions", bearer=second["jwt"])
    assert [each["id"] for each in json.loads(left.body)["sessions"]] == [second_id]
    everywhere.post("/native/refresh", {"refresh_token": other["refresh_token"]})


@pytest.mark.parametrize(("method", "path"), ROUTES[2:5])
def test_what_needs_a_bearer_token_says_so(app, method, path):
    signed_in = app.sign_in()
    for headers in (
        {},
        {"HTTP_AUTHORIZATION": "Basic YTpi"},
        {"HTTP_AUTHORIZATION": "Bearer"},
        {"HTTP_AUTHORIZATION": "Bearer nonsense"},
        {"HTTP_AUTHORIZATION": f"Bearer {signed_in['jwt']}x"},
        {"HTTP_AUTHORIZATION": f"Bearer {signed_in['refresh_token']}"},
        {"HTTP_AUTHORIZATION": f"Bearer \xff{signed_in['jwt']}"},
        {"HTTP_COOKIE": f"jwt={signed_in['jwt']}"},
    ):
        answer = app.refused_phone(401, "token_invalid", method, path, **headers)
        error = ' error="invalid_token"' if "HTTP_AUTHORIZATION" in headers else ""
        assert answer.get("WWW-Authenticate") == f"Bearer{error}"
    app.refused_phone(401, "token_invalid", method, f"{path}?access_token={signed_in['jwt']}")


def test_the_public_keys_are_shown_to_everybody_and_may_be_kept_for_a_while(new_phone_app):
    hidden = member("HS256", "hidden")
    app = new_phone_app(settings={"authkit.native.keys": key_set(member(), member("EdDSA", "ed"), hidden).reveal()})
    answer = app.ask("GET", "/jwks.json")

    keys = json.loads(answer.body)["keys"]
    assert [(key["kid"], key["alg"]) for key in keys] == [("key-1", "ES256"), ("ed", "EdDSA")]
    assert [key for key in keys if "d" in key or "k" in key] == []
    assert answer.get("Cache-Control") == "public, max-age=300"
    assert answer.get("Content-Type") == "application/json"
    assert answer.get("X-Content-Type-Options") == "nosniff"


ORDERS = {
    "native": ["authkit.pyramid.native"],
    "native first": ["authkit.pyramid.native", "authkit.pyramid.accounts", "authkit.pyramid"],
    "native last": ["authkit.pyramid.accounts", "authkit.pyramid", "authkit.pyramid.native"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_keys_are_no_registration_whatever_is_included_first(app, order):
    config = Configurator()
    config.registry["authkit.kit"], config.registry["authkit.database"] = app.world.kit, app.database
    for part in ORDERS[order]:
        config.include(part)
    config.include(own_views)
    made = config.make_wsgi_app()

    assert json.loads(call(made, "/auth/jwks.json").body)["keys"][0]["kid"] == "key-1"
    assert call(made, "/auth/accounts").status in (302, 303, 401, 403)
    assert call(made, "/auth/acme").status == 302
    assert call(made, "/auth/jwks").status == 404
    signed_in = app.sign_in()
    assert call(made, "/me", HTTP_AUTHORIZATION=f"Bearer {signed_in['jwt']}").text == signed_in["user"]["id"]


def test_without_native_apps_the_keys_are_nobody_s(new_world):
    world = new_world()

    world.refused_raw("unknown_provider", "/auth/jwks.json")


def test_authkit_that_was_set_up_without_accounts_says_so(app):
    config = Configurator(autocommit=True)
    config.registry["authkit.kit"] = app.world.kit
    config.include("authkit.pyramid")

    with pytest.raises(ConfigError, match=r"include authkit\.pyramid\.accounts first"):
        config.include("authkit.pyramid.native")


def test_the_prefix_of_the_settings_holds_here_too(new_phone_app):
    app = new_phone_app(settings={"authkit.prefix": "/konto"})

    assert app.sign_in()["user"]["username"] == "Ada"
    assert call(app.world.app, "/konto/jwks.json").status == 200
    assert call(app.world.app, "/auth/jwks.json").status == 404


def test_a_request_has_what_it_needs_and_no_class_of_its_own(new_phone_app):
    seen = []

    def look(request):
        seen.extend([request.authkit is request.registry["authkit.kit"], request.accounts.get("nobody")])
        seen.extend([request.native.sessions.of("nobody"), type(request.vault), type(request)])
        return Response("")

    def include(config):
        config.add_route("look", "/look")
        config.add_view(look, route_name="look")

    app = new_phone_app(named(include))
    call(app.world.app, "/look")

    assert seen == [True, None, (), Vault, Request]


def test_a_request_is_gone_once_it_is_answered(new_phone_app):
    passers = Passers()

    assert passers.left(new_phone_app(passers.part)) == 0


# What a browser says means nothing to the phone's routes.


def test_cookies_and_origin_and_csrf_mean_nothing(new_phone_app):
    app = new_phone_app(signed_cookie_session, strict_defaults)
    browser = app.signed_in(BEN)
    before = app.world.me(browser)
    sent = {"ticket": app.ticket(), "verifier": VERIFIER}
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/"}
    answer = browser.post_json(app.world.path("/acme/connect"), sent, headers=headers, status=200)

    assert answer.json["user"]["id"] == app.account_of(ADA)
    assert app.world.me(browser) == before
    assert "Set-Cookie" not in answer.headers
    browser.get(app.world.path("/native/sessions"), status=401)
    browser.post_json(app.world.path("/native/logout"), {}, status=401)


def test_cookies_that_are_no_utf_8_mean_nothing_either(app):
    sent = {"ticket": app.ticket(), "verifier": VERIFIER}

    assert app.ask("POST", "/acme/connect", sent, HTTP_COOKIE="authkit_session=\xff\xfe").status == 200


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_app_signs_phones_in(new_phone_app, kind):
    app = new_phone_app(*KINDS[kind])
    answer = app.sign_in()
    app.post("/native/refresh", {"refresh_token": answer["refresh_token"]})

    assert app.ask("GET", "/native/sessions", bearer=answer["jwt"]).status == 200
    app.refused_phone(401, "token_invalid", "POST", "/native/logout", {}, bearer="x")


def own_error_views(config):
    """An app with pages of its own for every error."""

    def page(error, request):
        return Response("the app's own page", status=418)

    config.add_exception_view(page, context=AuthkitError)
    config.add_exception_view(page, context=Exception)


def test_a_phone_gets_json_in_an_app_with_error_pages_of_its_own(new_phone_app):
    app = new_phone_app(named(own_error_views))

    app.refused_phone(404, "unknown_provider", "POST", "/nobody/connect", {})
    app.refused_phone(401, "token_invalid", "GET", "/native/sessions")
    assert query_of(app.link(error="access_denied"))["error"] == "access_denied"
    assert app.world.browser().get("/auth/acme/native", status=418).text == "the app's own page"


def test_a_phone_gets_json_in_an_app_with_a_login_page(new_phone_app):
    app = new_phone_app(settings={"authkit.login_url": "/login"})

    app.refused_phone(401, "token_invalid", "GET", "/native/sessions", HTTP_ACCEPT="text/html")


def own_mapper(config):
    """An app that calls views in its own way, which is not ours."""

    class Mapper(DefaultViewMapper):
        def __call__(self, view):
            is_ours = getattr(view, "__module__", "").startswith("authkit.")
            return (lambda context, request: Response(status=418)) if is_ours else super().__call__(view)

    config.set_view_mapper(Mapper)


def test_an_app_that_calls_views_in_its_own_way_signs_phones_in_too(new_world, sqlite):
    app = PhoneApp(new_world, sqlite, before=[named(own_mapper), kept_in(sqlite), "authkit.pyramid.native"])

    app.refused_phone(401, "token_invalid", "GET", "/native/sessions")
    assert query_of(app.link(error="access_denied"))["error"] == "access_denied"
    assert call(app.world.app, "/me", HTTP_AUTHORIZATION="Bearer x").status == 401


# CORS.


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_cors_is_closed_by_default(app, method, path):
    for asked in (method, "OPTIONS"):
        answer = app.ask(asked, path, HTTP_ORIGIN=ANOTHER_APP, HTTP_ACCESS_CONTROL_REQUEST_METHOD=method)
        assert [name for name, _ in answer.headers if name.lower().startswith("access-control-")] == []
        assert answer.get("Vary") == "Origin"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_web_app_on_the_list_may_ask_and_read(new_phone_app, method, path):
    app = new_phone_app(settings=WITH_CORS)
    preflight = app.ask("OPTIONS", path, HTTP_ORIGIN=ANOTHER_APP, HTTP_ACCESS_CONTROL_REQUEST_METHOD=method)
    answer = app.ask(method, path, HTTP_ORIGIN=ANOTHER_APP)

    assert (preflight.status, preflight.get("Allow")) == (204, method)
    assert preflight.body == b""
    assert {name: value for name, value in preflight.headers if name.startswith("Access-Control-")} == {
        "Access-Control-Allow-Origin": ANOTHER_APP,
        "Access-Control-Allow-Methods": method,
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": "600",
        "Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate",
    }
    assert {name: value for name, value in answer.headers if name.startswith("Access-Control-")} == {
        "Access-Control-Allow-Origin": ANOTHER_APP,
        "Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate",
    }
    assert (preflight.get("Vary"), answer.get("Vary")) == ("Origin", "Origin")
    assert_safe_headers(preflight)


@pytest.mark.parametrize(
    "origin", ["https://web.example.evil.example", "http://web.example", "null", "*", "https://WEB.example", ""]
)
def test_nobody_else_may_read(new_phone_app, origin):
    app = new_phone_app(settings=WITH_CORS)
    for answer in (
        app.ask("OPTIONS", "/acme/connect", HTTP_ORIGIN=origin),
        app.ask("POST", "/acme/connect", SDK, HTTP_ORIGIN=origin),
    ):
        assert [name for name, _ in answer.headers if name.lower().startswith("access-control-")] == []


def test_no_web_app_may_read_the_browser_s_routes(new_phone_app):
    app = new_phone_app(settings=WITH_CORS)
    answer = app.ask("GET", f"/acme/native?app=phone&challenge={CHALLENGE}", HTTP_ORIGIN=ANOTHER_APP)

    assert [name for name, _ in answer.headers if name.lower().startswith("access-control-")] == []


# An app with users of its own, in a transaction of its own.


theirs = MetaData()
users = Table("own_users", theirs, Column("id", Integer, primary_key=True), Column("name", String(100)))


def add_user(request, login):
    added = request.dbsession.execute(insert(users).values(name=login.profile.display_name))
    return added.inserted_primary_key[0]


def transactions(database, user_for=add_user):
    """Return a part of an app: a session per request in a transaction per request, and its users."""

    def include(config):
        config.add_settings({"tm.manager_hook": "pyramid_tm.explicit_manager"})
        config.include("pyramid_tm")
        new_session = sessionmaker(database.engine)

        def dbsession(request):
            session = new_session()
            zope.sqlalchemy.register(session, transaction_manager=request.tm)
            return session

        config.add_request_method(dbsession, "dbsession", reify=True)
        config.set_authkit_user_for(user_for, lambda request: request.dbsession)

    return named(include)


@pytest.fixture
def own_users(database):
    """Give a database with a table of users of the app's own."""
    theirs.drop_all(database.engine)
    theirs.create_all(database.engine)
    yield database
    theirs.drop_all(database.engine)


def users_of(database):
    with database.engine.connect() as connection:
        return connection.execute(select(users.c.id, users.c.name)).all()


@pytest.mark.parametrize("way", ["ticket", "code"])
def test_an_app_s_own_user_and_the_session_are_committed_together(new_phone_app, own_users, way):
    app = new_phone_app(transactions(own_users), database=own_users)
    answer = app.sign_in() if way == "ticket" else app.post("/acme/connect", SDK).json

    [(user_id, name)] = users_of(own_users)
    assert (answer["user"]["id"], answer["user"]["username"], name) == (str(user_id), "Ada", "Ada")
    assert rows(app) == [1, 1, 1, 1]
    again = app.post("/native/refresh", {"refresh_token": answer["refresh_token"]}).json
    assert app.ask("GET", "/native/sessions", bearer=again["jwt"]).status == 200
    assert app.observed == [("created", str(user_id), key_of(ADA))]
    assert len(users_of(own_users)) == 1


class NoCommitError(TransientError):
    """Raised by a transaction that cannot be committed, and that may be tried once more."""


@pytest.mark.parametrize("retrying", [(), ("pyramid_retry",)], ids=["once", "retrying"])
@pytest.mark.parametrize("way", ["link", "code"])
def test_dbf_04_what_is_not_committed_is_told_as_a_failure_and_begun_once(new_phone_app, own_users, way, retrying):
    def refuse():
        raise NoCommitError

    def user_for(request, login):
        request.tm.get().addBeforeCommitHook(refuse)
        return add_user(request, login)

    app = new_phone_app(*retrying, transactions(own_users, user_for), database=own_users)

    with pytest.raises(NoCommitError):  # at the first attempt: a code counts once
        app.link() if way == "link" else app.post("/acme/connect", SDK)

    assert (users_of(own_users), app.observed, len(app.world.network.to("token"))) == ([], [], 1)
    assert [outcome for outcome, _ in app.world.told] == ["failed"]
    [line] = app.world.audit
    assert "outcome=failure code=store_unavailable" in line


def raises(exception):
    def user_for(request, login):
        add_user(request, login)
        request.dbsession.flush()
        raise exception

    return user_for


def quotes_the_token(request, login):
    add_user(request, login)
    raise RuntimeError(f"failed with {login.token.access_token.reveal()}")


FAILURES = {
    "a bug": (quotes_the_token, 503, "store_unavailable"),
    "a refusal": (raises(HTTPForbidden()), 403, "account_denied"),
    "an error of ours": (raises(AccountDenied("not today")), 403, "account_denied"),
    "nobody": (lambda request, login: add_user(request, login) and None, 403, "account_denied"),
    "its database": (raises(OperationalError("INSERT", {}, Exception("gone"))), 503, "store_unavailable"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_an_app_s_own_function_fails_at_is_rolled_back_and_told_in_json(new_phone_app, own_users, failure):
    user_for, status, code = FAILURES[failure]
    app = new_phone_app(transactions(own_users, user_for), database=own_users)

    app.refused_phone(status, code, "POST", "/acme/connect", SDK)
    said = [record.getMessage() for record in app.world.caplog.records if record.name == "authkit.pyramid.native"]
    assert [line.partition("\n")[0] for line in said] == ["user_for raised"] * (failure == "a bug")
    assert users_of(own_users) == []
    assert len(app.world.network.to("revoke")) == 1
    assert rows(app) == [0, 0, 0, 0]


@pytest.mark.parametrize("failure", FAILURES)
def test_what_an_app_s_own_function_fails_at_is_rolled_back_and_told_by_the_link(new_phone_app, own_users, failure):
    user_for, _, code = FAILURES[failure]
    app = new_phone_app(transactions(own_users, user_for), database=own_users)

    assert query_of(app.link())["error"] == code
    assert users_of(own_users) == []
    assert len(app.world.network.to("revoke")) == 1
    assert rows(app) == [0, 0, 0, 0]
    app.assert_nothing_secret()


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)  # SQLite has one writer only
def test_a_login_that_fails_ends_the_whole_transaction_of_its_request(new_phone_app, own_users):
    def include(config):
        config.add_subscriber(remember_the_visit, ContextFound)

    def remember_the_visit(event):
        if event.request.path.endswith("/callback"):
            event.request.dbsession.execute(insert(users).values(name="a visit"))
            zope.sqlalchemy.mark_changed(event.request.dbsession)

    app = new_phone_app(transactions(own_users), named(include), database=own_users)

    assert query_of(app.link(error="access_denied"))["error"] == "access_denied"
    assert users_of(own_users) == []
    app.link()
    assert [name for _, name in users_of(own_users)] == ["a visit", "Ada"]


def test_a_ticket_is_used_up_though_the_request_that_uses_it_fails(new_phone_app, own_users):
    app = new_phone_app(transactions(own_users), database=own_users)
    ticket = app.ticket()
    app.accounts.disable(app.account_of(ADA))
    sent = {"ticket": ticket, "verifier": VERIFIER}

    app.refused_phone(403, "account_denied", "POST", "/acme/connect", sent, claimed=1)
    app.refused_phone(401, "ticket_invalid", "POST", "/acme/connect", sent)


def test_the_end_of_a_session_lasts_though_the_request_that_ends_it_fails(new_phone_app, own_users):
    app = new_phone_app(transactions(own_users), database=own_users)
    first = app.sign_in()
    app.post("/native/refresh", {"refresh_token": first["refresh_token"]})
    app.world.clock.now += 11

    answer = app.ask("POST", "/native/refresh", {"refresh_token": first["refresh_token"]})
    app.check_failure(answer, 401, "token_invalid")
    assert count(own_users, sessions) == 0


def test_what_the_app_itself_raises_is_answered_as_it_says(new_phone_app):
    def refuse(event):
        raise HTTPForbidden("closed today")

    app = new_phone_app(named(lambda config: config.add_subscriber(refuse, ContextFound)))
    answer = app.ask("POST", "/acme/connect", SDK)

    assert (answer.status, "closed today" in answer.text) == (403, True)


def test_users_of_the_app_s_own_without_a_shared_transaction_sign_in_too(new_phone_app):
    def include(config):
        config.set_authkit_user_for(lambda request, login: "user-of-the-app")

    app = new_phone_app(named(include))

    assert app.sign_in()["user"]["id"] == "user-of-the-app"


# Faults.


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_dbf_01_while_the_database_is_down_phones_are_told_to_come_back(new_phone_app, database):
    ready = new_phone_app(database=database)
    signed_in = ready.sign_in()
    with outage_of(database) as (outage, reached):
        app = new_phone_app(database=reached)
        requests = [
            ("POST", "/acme/connect", {"ticket": ready.ticket(), "verifier": VERIFIER}),
            ("POST", "/native/refresh", {"refresh_token": signed_in["refresh_token"]}),
        ]
        for request in requests:
            answer = app.ask(*request)
            app.check_failure(answer, 503, "store_unavailable")
            assert answer.get("Retry-After") == "30"
        answer = app.ask("GET", "/native/sessions", bearer=signed_in["jwt"])
        app.check_failure(answer, 503, "store_unavailable")
        outage.come_back()
        assert [app.ask(*request).status for request in requests] == [200, 200]
