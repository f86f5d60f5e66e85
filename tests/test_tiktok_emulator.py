"""The emulator of TikTok, held to TikTok's own samples with nothing of authkit's provider in between."""

from __future__ import annotations

import io
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from tiktok_emulator_fakes import (
    ACCESS_ENDED,
    ALL_SCOPES,
    API,
    AUTHORIZE,
    BAD_VERIFIER,
    CALLBACK,
    CHALLENGE,
    CODE_ENDED,
    KEY,
    LOOPBACK,
    MALFORMED,
    REFRESH_ENDED,
    SAMPLE_URL,
    SECRET,
    VERIFIER,
    WRONG_CLIENT,
    World,
    authorize_url,
    client,
    code_form,
    refusal,
)

from authkit import Emulator
from authkit.emulator import WsgiTransport, read_request
from authkit_tiktok.emulator import App, TikTokEmulator, User


@pytest.fixture
def world():
    return World()


@pytest.fixture
def desktop():
    return World(app=App(KEY, SECRET, ALL_SCOPES, platform="desktop"))


# The authorization request


def test_the_sample_request_shows_the_consent_page(world):
    response = world.http.get(SAMPLE_URL)
    page = BeautifulSoup(response.text, "html.parser")

    assert (response.status_code, response.url) == (200, SAMPLE_URL)
    assert page.h1.text == "Example app wants to access your TikTok account"
    assert [box["value"] for box in page.select("[name=scope]")] == ["user.info.basic", "user.info.profile"]
    assert [label.text for label in page.select(".choice small")][:3] == ["@ada.tok", "@benmoka", "@zoe_lukasz"]
    assert page.select_one("[name=user][checked]")["value"] == "-000AbCdEfGhIjKlMnOpQrStUvWxYz01"


def test_a_scope_without_a_known_text_is_shown_by_its_name():
    world = World(app=App(KEY, SECRET, ("user.info.basic", "local.shop.manage")))
    page = BeautifulSoup(world.browse({"scope": "local.shop.manage"}).text, "html.parser")

    assert page.select_one("label[for=scope-0]").get_text("|", strip=True) == "local.shop.manage|local.shop.manage"


def test_the_trailing_slash_may_be_missing_on_the_authorization_page_only(world):
    assert world.http.get(SAMPLE_URL.replace("authorize/?", "authorize?")).status_code == 200
    for path in ("/oauth/token", "/oauth/revoke", "/user/info"):
        assert world.post(path).status_code == world.http.get(f"{API}{path}").status_code == 404


def test_unknown_parameters_and_a_second_client_id_are_tolerated(world):
    assert world.browse({"client_id": KEY, "rid": "1", "lang": "de"}).status_code == 200


WRONG = {
    "no client_key": ({"client_key": None, "client_id": KEY}, "param_error", "client_key", "10003"),
    "unknown client_key": ({"client_key": "aw0"}, "param_error", "client_key", "10003"),
    "client_key twice": ({"client_key": f"{KEY},{KEY}"}, "param_error", "client_key", "10003"),
    "no redirect_uri": ({"redirect_uri": None}, "invalid_request", "redirect_uri", None),
    "foreign redirect_uri": ({"redirect_uri": "http://app.example.test/"}, "invalid_request", "redirect_uri", None),
    "no response_type": ({"response_type": None}, "unsupported_response_type", "response_type", None),
    "token response_type": ({"response_type": "token"}, "unsupported_response_type", "response_type", None),
    "no scope": ({"scope": None}, "invalid_scope", "scope", None),
    "empty scope": ({"scope": ""}, "invalid_scope", "scope", None),
    "one scope not approved": ({"scope": "user.info.basic,video.publish"}, "invalid_scope", "scope", None),
    "scopes with spaces": ({"scope": "user.info.basic user.info.profile"}, "invalid_scope", "scope", None),
    "scopes with comma and space": ({"scope": "user.info.basic, video.list"}, "invalid_scope", "scope", None),
}


@pytest.mark.parametrize(("changes", "error", "error_type", "number"), WRONG.values(), ids=WRONG)
def test_a_wrong_parameter_is_named_on_a_page_of_tiktok(world, changes, error, error_type, number):
    response = world.http.get(authorize_url(changes))
    page, query = BeautifulSoup(response.text, "html.parser"), dict(parse_qsl(urlsplit(response.url).query))

    assert response.url.startswith(f"{AUTHORIZE}?")
    assert (query["error"], query["error_type"], query.get("errCode")) == (error, error_type, number)
    assert query["state"] == "s7Qm2cVx"
    texts = page.main.get_text("\n", strip=True).split("\n")
    assert texts[:4] == [
        "Something went wrong",
        "We couldn't log in with TikTok. This may be due to specific app settings.",
        "If you're a developer, correct the following and try again:",
        error_type,
    ]
    assert re.fullmatch(r"20261121120000[0-9A-F]{20}", texts[-1])


def test_the_first_wrong_parameter_is_the_one_that_is_named(desktop):
    changes = dict.fromkeys(("client_key", "redirect_uri", "response_type", "scope", "code_challenge"))
    right = {"client_key": KEY, "redirect_uri": LOOPBACK, "response_type": "code", "scope": "user.info.basic"}
    changes["code_challenge_method"] = "plain"
    named = []
    for name, value in [*right.items(), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]:
        named.append(parse_qs(urlsplit(desktop.browse(changes).headers["Location"]).query)["error_type"][0])
        changes[name] = value

    assert named == [*right, "code_challenge", "code_challenge_method"]
    assert desktop.browse(changes).status_code == 200


def test_error_fields_on_a_request_that_is_right_mean_nothing(world):
    page = world.browse({"error": "invalid_scope", "error_type": "scope"})

    assert "wants to access" in page.text


def test_the_error_page_keeps_its_address_when_it_is_loaded_again(world):
    url = world.http.get(authorize_url({"scope": "x"})).url

    assert world.http.get(url, allow_redirects=False).status_code == 200


def test_a_consent_form_for_a_wrong_request_ends_on_the_error_page(world):
    response = world.consent({"decision": "deny"}, {"scope": "x", "error": "invalid_scope", "error_type": "scope"})

    assert response.headers["Location"].startswith("?client_key=")


# The consent form and the callback


def test_continue_leads_back_with_code_scopes_and_state_in_this_order(world):
    ticked = {"decision": "allow", "user": world.emulator.users[1].open_id, "scope": list(ALL_SCOPES[:2])}
    response = world.consent(ticked)
    url = response.headers["Location"]

    assert response.status_code == 302
    assert re.fullmatch(
        re.escape(CALLBACK) + r"\?code=[\w-]+%2A1%21\d{4}\.va"
        r"&scopes=user\.info\.basic%2Cuser\.info\.profile&state=s7Qm2cVx",
        url,
    )
    assert world.exchange(parse_qs(urlsplit(url).query)["code"][0]).json()["open_id"] == ticked["user"]


def test_a_request_without_state_is_answered_without_state(world):
    callback = world.emulator.approve(authorize_url({"state": None}))

    assert list(parse_qs(urlsplit(callback).query)) == ["code", "scopes"]


@pytest.mark.parametrize("state", ["a b&c=d", "é/+%2B", ""])
def test_state_comes_back_unchanged(world, state):
    callback = world.emulator.approve(authorize_url({"state": state}))

    assert parse_qs(urlsplit(callback).query, keep_blank_values=True)["state"] == [state]


def test_only_what_is_ticked_is_granted_in_the_order_of_the_request(world):
    url = authorize_url({"scope": "video.list,user.info.stats,user.info.basic,video.list"})
    callback = world.emulator.approve(url, scopes=["user.info.basic", "video.list"])
    query = dict(parse_qsl(urlsplit(callback).query))

    assert query["scopes"] == "video.list,user.info.basic"
    assert world.exchange(query["code"]).json()["scope"] == "video.list,user.info.basic"


def test_a_form_cannot_grant_what_was_not_asked_for(world):
    user = world.emulator.users[0].open_id
    callback = world.consent({"decision": "allow", "user": user, "scope": ["video.list"]}).headers["Location"]

    assert parse_qs(urlsplit(callback).query, keep_blank_values=True)["scopes"] == [""]


def test_cancel_leads_back_with_the_refusal_and_no_cookie(world):
    response = world.consent({"decision": "deny"})

    assert response.headers["Location"] == (
        f"{CALLBACK}?error=access_denied&error_description=access_denied&errCode=-2&state=s7Qm2cVx"
    )
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": "allow"},
        {"decision": "allow", "user": "nobody"},
        {"decision": "x", "user": "-000AbCdEfGhIjKlMnOpQrStUvWxYz01"},
    ],
)
def test_a_form_without_a_decision_or_a_user_shows_the_page_again(world, form):
    response = world.consent(form)

    assert (response.status_code, "wants to access" in response.text) == (400, True)


# The live session


def allow(world, user=0, scopes=ALL_SCOPES[:2], changes=None):
    form = {
        "decision": "allow",
        "user": world.open_id(user, (changes or {}).get("client_key", KEY)),
        "scope": list(scopes),
    }
    return world.consent(form, changes)


def test_a_browser_that_has_consented_goes_straight_back_as_the_same_user(world):
    allow(world, user=2)
    callback = parse_qs(urlsplit(world.browse({"scope": "user.info.basic"}).headers["Location"]).query)

    assert callback["scopes"] == ["user.info.basic"]
    assert world.exchange(callback["code"][0]).json()["open_id"] == world.emulator.users[2].open_id


@pytest.mark.parametrize(("flag", "status"), [("0", 302), (None, 302), ("1", 200)])
def test_disable_auto_auth_shows_the_page_to_a_browser_that_has_consented(world, flag, status):
    allow(world)

    assert world.browse({"disable_auto_auth": flag}).status_code == status


def test_the_page_for_a_known_browser_has_its_last_user_chosen(world):
    allow(world, user=0)
    allow(world, user=1)
    page = BeautifulSoup(world.browse({"disable_auto_auth": "1"}).text, "html.parser")

    assert page.select_one("[name=user][checked]")["value"] == world.emulator.users[1].open_id


def test_a_scope_that_was_not_granted_before_is_asked_for(world):
    allow(world, scopes=["user.info.basic"])

    assert world.browse().status_code == 200


def test_another_browser_is_asked(world):
    allow(world)
    world.http.cookies.clear()

    assert world.browse().status_code == 200
    assert world.browse(headers={"Cookie": "x; tiktok_emulator_session=guess"}).status_code == 200


def test_consent_holds_for_the_account_and_the_app_that_it_was_given_to():
    world = World(apps=[App(KEY, SECRET, ALL_SCOPES), App("awother", SECRET, ALL_SCOPES)])
    allow(world, user=0)

    assert world.browse({"client_key": "awother"}).status_code == 200
    allow(world, user=1, changes={"client_key": "awother"})
    assert (world.browse({"client_key": "awother"}).status_code, world.browse().status_code) == (302, 200)
    allow(world, user=1)
    assert (world.browse({"client_key": "awother"}).status_code, world.browse().status_code) == (302, 302)


def test_what_was_asked_for_once_need_not_be_asked_for_again_after_a_smaller_login(world):
    allow(world)

    assert [world.browse({"scope": scope}).status_code for scope in (ALL_SCOPES[0], ",".join(ALL_SCOPES[:2]))] == [
        302,
        302,
    ]


def test_a_box_that_was_emptied_is_shown_again(world):
    allow(world)
    allow(world, scopes=ALL_SCOPES[:1])

    assert world.browse().status_code == 200


@pytest.mark.parametrize(("days", "status"), [(29.9, 302), (30, 200)])
def test_a_session_lives_for_thirty_days(world, days, status):
    allow(world)
    world.clock.now += days * 86400

    assert world.browse().status_code == status


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(world):
    cookie = allow(world).headers["Set-Cookie"]

    assert cookie.startswith("tiktok_emulator_session=session.")
    assert cookie.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]


def test_a_revoked_app_has_to_ask_again(world):
    allow(world, user=0)
    world.revoke(world.tokens(user=0)["access_token"])

    assert world.browse().status_code == 200


# Codes


def test_the_sample_exchange_gives_the_sample_answer(world):
    response = world.exchange(world.code(scopes=["user.info.basic"]))
    body = response.json()

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert re.fullmatch(r"act\.emulated\w+[\w-]+", body.pop("access_token"))
    assert re.fullmatch(r"rft\.emulated\w+[\w-]+", body.pop("refresh_token"))
    assert body == {
        "expires_in": 7200,
        "open_id": "-000AbCdEfGhIjKlMnOpQrStUvWxYz01",
        "refresh_expires_in": 15552000,
        "scope": "user.info.basic",
        "token_type": "Bearer",
    }


def test_the_answer_has_exactly_the_keys_of_the_sample(world):
    assert list(world.tokens()) == [
        "access_token",
        "expires_in",
        "open_id",
        "refresh_expires_in",
        "refresh_token",
        "scope",
        "token_type",
    ]


def test_the_old_lifetimes_can_be_had():
    body = World(access_lifetime=86400, refresh_lifetime=31536000).tokens()

    assert (body["expires_in"], body["refresh_expires_in"]) == (86400, 31536000)


def test_a_code_works_once(world):
    code = world.code()

    assert "access_token" in world.exchange(code).json()
    assert refusal(world.exchange(code)) == CODE_ENDED


@pytest.mark.parametrize(("age", "works"), [(59.9, True), (60, False)])
def test_a_code_works_for_a_minute(world, age, works):
    code = world.code()
    world.clock.now += age

    assert ("access_token" in world.exchange(code).json()) is works


def test_the_lifetime_of_a_code_can_be_set():
    world = World(code_lifetime=10)
    code = world.code()
    world.clock.now += 10

    assert refusal(world.exchange(code)) == CODE_ENDED


def test_a_code_encoded_twice_is_no_code(world):
    assert refusal(world.exchange(world.code().replace("*", "%2A"))) == CODE_ENDED


def test_a_code_is_worth_nothing_to_another_app_and_stays_good_for_its_own():
    world = World(apps=[App(KEY, SECRET, ALL_SCOPES), App("awother", "OTHER", ALL_SCOPES)])
    code = world.code()

    assert refusal(world.exchange(code, client_key="awother", client_secret="OTHER")) == CODE_ENDED
    assert "access_token" in world.exchange(code).json()


def test_another_redirect_uri_is_refused_and_uses_the_code_up(world):
    code = world.code()

    assert refusal(world.exchange(code, redirect_uri=CALLBACK[:-1])) == (
        "invalid_request",
        "Redirect_uri is not matched with the uri when requesting code.",
    )
    assert refusal(world.exchange(code)) == CODE_ENDED


# PKCE


@pytest.mark.parametrize("changes", [{}, {"code_challenge": None}, {"code_challenge_method": "plain"}])
@pytest.mark.parametrize("verifier", [VERIFIER, None, "wrong"])
def test_a_web_app_is_not_asked_for_pkce_and_its_challenge_means_nothing(world, changes, verifier):
    assert "access_token" in world.exchange(world.code(changes=changes), code_verifier=verifier).json()


PKCE_APPS = {"desktop": LOOPBACK, "web-strict": CALLBACK}


@pytest.mark.parametrize("platform", PKCE_APPS)
@pytest.mark.parametrize(
    ("changes", "error_type", "number"),
    [
        ({"code_challenge": None}, "code_challenge", "10007"),
        ({"code_challenge": ""}, "code_challenge", "10007"),
        ({"code_challenge_method": None}, "code_challenge_method", "10008"),
        ({"code_challenge_method": "plain"}, "code_challenge_method", "10008"),
        ({"code_challenge_method": "s256"}, "code_challenge_method", "10008"),
    ],
)
def test_an_app_with_pkce_has_to_send_a_challenge_and_its_method(platform, changes, error_type, number):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform=platform))
    location = world.browse({"redirect_uri": PKCE_APPS[platform], **changes}).headers["Location"]
    query = dict(parse_qsl(urlsplit(location).query))

    assert (query["error"], query["error_type"], query["errCode"]) == ("param_error", error_type, number)


@pytest.mark.parametrize("platform", PKCE_APPS)
@pytest.mark.parametrize(
    ("challenge", "verifier", "works"),
    [
        (CHALLENGE, VERIFIER, True),
        (sha256(b"a" * 32).hexdigest(), "a" * 32, True),
        (CHALLENGE, None, False),
        (CHALLENGE, VERIFIER[:-1], False),
        (CHALLENGE, "é", False),
        (CHALLENGE.upper(), VERIFIER, False),
        ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", VERIFIER, False),
        (VERIFIER, VERIFIER, False),
    ],
)
def test_an_app_with_pkce_gets_a_token_for_the_verifier_of_a_hex_challenge(platform, challenge, verifier, works):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform=platform))
    code = world.code(changes={"redirect_uri": PKCE_APPS[platform], "code_challenge": challenge})
    response = world.exchange(code, redirect_uri=PKCE_APPS[platform], code_verifier=verifier)

    if works:
        assert "access_token" in response.json()
    else:
        assert refusal(response) == BAD_VERIFIER


# The token request


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded; charset=utf-8", "application/x-www-form-urlencoded;", "text/plain", ""],
)
def test_a_content_type_that_is_not_bare_is_malformed(world, content_type):
    body = urlencode(code_form(world.code()))

    assert refusal(world.post(form=body, headers={"Content-Type": content_type})) == MALFORMED


def test_json_is_malformed(world):
    assert refusal(world.post(json=code_form(world.code()))) == MALFORMED


def test_basic_authentication_is_malformed_even_beside_a_complete_form(world):
    assert refusal(world.post(form=code_form(world.code()), auth=(KEY, SECRET))) == MALFORMED


def test_parameters_in_the_query_do_not_count(world):
    assert refusal(world.post(form={"x": "1"}, params=code_form(world.code()))) == MALFORMED


@pytest.mark.parametrize("name", ["client_key", "grant_type", "code", "redirect_uri"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_field_is_malformed(world, name, value):
    assert refusal(world.exchange(world.code(), **{name: value})) == MALFORMED


def test_a_missing_secret_is_told_apart(world):
    assert refusal(world.exchange(world.code(), client_secret=None)) == (
        "invalid_request",
        "Client secret is missed in request.",
    )


@pytest.mark.parametrize("changes", [{"client_key": "aw0"}, {"client_secret": "wrong"}, {"client_secret": "é"}])
def test_a_wrong_key_or_secret_is_the_clients_fault(world, changes):
    assert refusal(world.exchange(world.code(), **changes)) == WRONG_CLIENT


def test_a_field_sent_twice_is_not_right_twice(world):
    body = f"{urlencode(code_form(world.code()))}&client_secret={SECRET}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert refusal(world.post(form=body, headers=headers)) == WRONG_CLIENT


def test_an_unknown_grant_type_is_unsupported(world):
    assert refusal(world.exchange("x", grant_type="password"))[0] == "unsupported_grant_type"


def test_an_extra_client_id_is_tolerated(world):
    assert "access_token" in world.exchange(world.code(), client_id=KEY).json()


def test_client_credentials_give_a_token_that_is_of_no_use_for_login(world):
    body = world.post(form={**client(), "grant_type": "client_credentials"}).json()

    assert (body.pop("access_token")[:4], body) == ("clt.", {"expires_in": 7200, "token_type": "Bearer"})


@pytest.mark.parametrize(
    ("changes", "status"), [({"client_secret": "wrong"}, 401), ({"code": "x"}, 400), ({"grant_type": None}, 400)]
)
def test_errors_may_have_the_statuses_of_the_rfc(changes, status):
    world = World(error_status="rfc")
    response = world.exchange(world.code(), **changes)

    assert (response.status_code, sorted(response.json())) == (status, ["error", "error_description", "log_id"])


# Refresh


def test_a_refresh_gives_new_tokens_and_the_refresh_clock_keeps_running(world):
    first = world.tokens(scopes=["user.info.basic"])
    world.clock.now += 7200
    second = world.refresh(first["refresh_token"]).json()

    assert {first["access_token"], first["refresh_token"]}.isdisjoint(second.values())
    assert (second["access_token"][:4], second["refresh_token"][:4]) == ("act.", "rft.")
    assert (second["expires_in"], second["refresh_expires_in"]) == (7200, 15544800)
    assert (second["open_id"], second["scope"]) == (first["open_id"], "user.info.basic")
    assert list(second) == list(first)
    assert world.userinfo(second["access_token"]).status_code == 200


def test_a_refresh_token_is_dead_as_soon_as_it_is_replaced(world):
    first = world.tokens()
    second = world.refresh(first["refresh_token"]).json()

    assert refusal(world.refresh(first["refresh_token"])) == REFRESH_ENDED
    assert "access_token" in world.refresh(second["refresh_token"]).json()


def test_without_rotation_the_refresh_token_stays(world):
    world = World(rotation=False)
    first = world.tokens()
    second = world.refresh(first["refresh_token"]).json()
    world.clock.now += 60
    third = world.refresh(first["refresh_token"]).json()

    assert first["refresh_token"] == second["refresh_token"] == third["refresh_token"]
    assert (third["refresh_expires_in"], third["access_token"] != second["access_token"]) == (15551940, True)


@pytest.mark.parametrize("rotation", [True, False])
def test_refreshing_does_not_make_a_login_last_longer(rotation):
    world = World(rotation=rotation, refresh_lifetime=100)
    token = world.tokens()["refresh_token"]
    world.clock.now += 99
    token = world.refresh(token).json()["refresh_token"]
    world.clock.now += 1

    assert refusal(world.refresh(token)) == REFRESH_ENDED


def test_a_refresh_token_is_worth_nothing_to_another_app_and_stays_good_for_its_own():
    world = World(apps=[App(KEY, SECRET, ALL_SCOPES), App("awother", "OTHER", ALL_SCOPES)])
    token = world.tokens()["refresh_token"]

    assert refusal(world.refresh(token, client_key="awother", client_secret="OTHER")) == REFRESH_ENDED
    assert "access_token" in world.refresh(token).json()


def test_an_unknown_or_missing_refresh_token_is_refused(world):
    assert refusal(world.refresh("rft.unknown")) == REFRESH_ENDED
    assert refusal(world.refresh("")) == MALFORMED


# Revocation


def test_revoking_ends_every_token_that_the_app_has_of_this_user(world):
    tokens, elsewhere, of_another = world.tokens(), world.tokens(), world.tokens(user=1)
    response = world.revoke(tokens["access_token"])

    assert (response.status_code, response.content) == (200, b"{}")
    for dead in (tokens, elsewhere):
        assert world.userinfo(dead["access_token"]).status_code == 401
        assert refusal(world.refresh(dead["refresh_token"])) == REFRESH_ENDED
    assert world.userinfo(of_another["access_token"]).status_code == 200


def test_revoking_leaves_other_apps_alone():
    world = World(apps=[App(KEY, SECRET, ALL_SCOPES), App("awother", "OTHER", ALL_SCOPES)])
    tokens = world.tokens()

    assert refusal(world.revoke(tokens["access_token"], client_key="awother", client_secret="OTHER")) == ACCESS_ENDED
    code = world.code(changes={"client_key": "awother"})
    others = world.exchange(code, client_key="awother", client_secret="OTHER").json()
    world.revoke(tokens["access_token"])
    assert world.userinfo(others["access_token"]).status_code == 200


def test_only_an_access_token_can_be_revoked(world):
    tokens = world.tokens()

    assert refusal(world.revoke(tokens["refresh_token"])) == ACCESS_ENDED
    assert refusal(world.revoke("act.unknown")) == ACCESS_ENDED
    assert refusal(world.revoke("")) == MALFORMED
    assert refusal(world.revoke(tokens["access_token"], client_secret="wrong")) == WRONG_CLIENT
    assert world.userinfo(tokens["access_token"]).status_code == 200


# User info


def test_the_sample_request_for_user_info_gives_the_sample_answer(world):
    token = world.tokens(scopes=["user.info.basic"])["access_token"]
    response = world.userinfo(token, "open_id,union_id,avatar_url,display_name")
    body = response.json()

    assert response.status_code == 200
    assert re.fullmatch(r"20261121120000[0-9A-F]{20}", body["error"].pop("log_id"))
    assert body == {
        "data": {
            "user": {
                "open_id": "-000AbCdEfGhIjKlMnOpQrStUvWxYz01",
                "union_id": "3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10",
                "avatar_url": "https://p16-sign.tiktokcdn.example/tos/ada~c5_168x168.jpeg"
                "?x-expires=1795284000&x-signature=d70X1nlGqv0JsMqg1Taspl4NqEA%3D",
                "display_name": "Ada Tok",
            }
        },
        "error": {"code": "ok", "message": ""},
    }


BASIC = "open_id,union_id,avatar_url,avatar_url_100,avatar_large_url,display_name"
PROFILE = "bio_description,profile_deep_link,profile_web_link,is_verified,username"
STATS = "follower_count,following_count,likes_count,video_count"
FIELDS = {"user.info.basic": BASIC, "user.info.profile": PROFILE, "user.info.stats": STATS}
REFUSED = {"code": "scope_not_authorized"} | {
    "message": "The user did not authorize the scope required for completing this request."
}


def error_of(response):
    """The error of an API answer without its log id, and what else the answer has."""
    body = response.json()
    error = body.pop("error")
    assert re.fullmatch(r"\d{14}[0-9A-F]{20}", error.pop("log_id"))
    return error, body


@pytest.mark.parametrize("scope", FIELDS)
@pytest.mark.parametrize("fields", FIELDS.values())
def test_a_field_is_given_for_its_scope_and_refused_for_every_other(world, scope, fields):
    token = world.tokens(changes={"scope": ",".join(ALL_SCOPES)}, scopes=[scope])["access_token"]
    for name in fields.split(","):
        response = world.userinfo(token, name)
        if fields == FIELDS[scope]:
            assert list(response.json()["data"]["user"]) == [name]
        else:
            assert (response.status_code, error_of(response)) == (401, (REFUSED, {}))


def test_one_ungranted_field_refuses_the_whole_call(world):
    token = world.tokens(scopes=["user.info.basic"])["access_token"]
    response = world.userinfo(token, "open_id,username")

    assert (response.status_code, error_of(response)) == (401, (REFUSED, {}))


def test_types_are_those_of_tiktok(world):
    token = world.tokens(changes={"scope": ",".join(ALL_SCOPES)})["access_token"]
    user = world.userinfo(token, f"{BASIC},{PROFILE},{STATS}").json()["data"]["user"]
    texts = {name for name, value in user.items() if isinstance(value, str)}

    assert texts == set(f"{BASIC},{PROFILE}".split(",")) - {"is_verified"}
    assert (user["is_verified"], user["likes_count"]) == (True, 3000000000)


def test_the_example_users_differ_in_what_they_have(world):
    answers = []
    for number in range(3):
        token = world.tokens(user=number)["access_token"]
        answers.append(world.userinfo(token, "display_name,bio_description,is_verified").json()["data"]["user"])

    assert ["bio_description" in answer for answer in answers] == [True, False, True]
    assert [answer["is_verified"] for answer in answers] == [True, True, False]
    assert answers[2]["display_name"] == "Zoë & <b>Łukasz</b> 👋 \"' 北京"


@pytest.mark.parametrize("fields", [None, "", "open_id,", "email", "open_id, union_id"])
def test_missing_or_unknown_fields_are_invalid(world, fields):
    response = world.userinfo(world.tokens()["access_token"], fields)
    error, rest = error_of(response)

    assert (response.status_code, error["code"], rest) == (400, "invalid_params", {})


INVALID_TOKEN = {
    "code": "access_token_invalid",
    "message": "The access token is invalid or not found in the request.",
}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer act.unknown", "Basic {}", "{}", "Bearer {}x"])
def test_a_wrong_authorization_is_an_invalid_token(world, header):
    token = world.tokens()["access_token"]
    headers = {} if header is None else {"Authorization": header.format(token)}
    response = world.http.get(
        f"{API}/user/info/", params={"fields": "open_id", "access_token": token}, headers=headers
    )

    assert (response.status_code, error_of(response)) == (401, (INVALID_TOKEN, {}))


def test_neither_a_refresh_token_nor_a_client_token_reads_a_profile(world):
    client_token = world.post(form={**client(), "grant_type": "client_credentials"}).json()["access_token"]

    for token in (world.tokens()["refresh_token"], client_token):
        assert error_of(world.userinfo(token))[0] == INVALID_TOKEN


@pytest.mark.parametrize(("age", "status"), [(7199, 200), (7200, 401)])
def test_an_access_token_ends(world, age, status):
    token = world.tokens()["access_token"]
    world.clock.now += age

    assert world.userinfo(token).status_code == status


def test_the_scheme_of_the_header_may_be_in_small_letters(world):
    headers = {"Authorization": f"bearer {world.tokens()['access_token']}"}

    assert world.http.get(f"{API}/user/info/?fields=open_id", headers=headers).status_code == 200


def test_errors_may_have_empty_data_beside_them():
    response = World(resource_error_data=True).userinfo("act.unknown")

    assert (response.status_code, error_of(response)) == (401, (INVALID_TOKEN, {"data": {}}))


# The scripted browser


def test_approve_takes_a_place_an_open_id_or_a_username(world):
    second = world.emulator.users[1]

    assert [world.tokens(user=user)["open_id"] for user in (1, second.open_id, second.username)] == (
        [second.open_id] * 3
    )


def test_deny_returns_the_callback_of_a_refusal(world):
    assert world.emulator.deny(SAMPLE_URL) == (
        f"{CALLBACK}?error=access_denied&error_description=access_denied&errCode=-2&state=s7Qm2cVx"
    )


def test_approve_and_deny_visit_the_pages_that_a_browser_visits(world):
    world.emulator.approve(SAMPLE_URL)
    world.emulator.deny(SAMPLE_URL)

    assert [recorded.endpoint for recorded in world.emulator.requests] == ["authorize", "consent"] * 2
    assert world.emulator.requests[1].form == {
        "decision": "allow",
        "user": "-000AbCdEfGhIjKlMnOpQrStUvWxYz01",
        "scope": "user.info.basic,user.info.profile",
    }


def test_every_box_can_be_left_empty(world):
    assert world.tokens(scopes=[])["scope"] == ""


@pytest.mark.parametrize("changes", [{"scope": "video.publish"}, {"scope": None}])
def test_approve_and_deny_name_the_parameter_that_tiktok_would_name(world, changes):
    for visit in (world.emulator.approve, world.emulator.deny):
        with pytest.raises(ValueError, match=r"error page: scope \(invalid_scope\)"):
            visit(authorize_url(changes))


def test_approve_refuses_a_user_a_box_and_an_address_that_do_not_exist(world):
    with pytest.raises(ValueError, match="no user 'nobody'"):
        world.emulator.approve(SAMPLE_URL, user="nobody")
    with pytest.raises(ValueError, match="no user 3"):
        world.emulator.approve(SAMPLE_URL, user=3)
    with pytest.raises(ValueError, match=r"no box for video\.list"):
        world.emulator.approve(SAMPLE_URL, scopes=["video.list"])
    with pytest.raises(ValueError, match="not the address"):
        world.emulator.deny("https://www.tiktok.com/v3/auth/authorize/?client_key=x")


# The emulator as a whole


def test_it_is_an_emulator_of_the_provider_tiktok():
    emulator: Emulator = TikTokEmulator()

    assert emulator.provider == TikTokEmulator.provider == "tiktok"


def test_its_scopes_are_those_of_the_app_in_its_settings():
    apps = [App(KEY, SECRET, ("user.info.basic", "video.list")), App("awother", SECRET)]

    assert TikTokEmulator(apps=apps).scopes == ("user.info.basic", "video.list")
    assert TikTokEmulator().scopes == ALL_SCOPES


def test_its_settings_lead_to_its_endpoints_at_any_origin():
    assert TikTokEmulator().settings("http://127.0.0.1:8787/") == {
        "client_key": "sbawemulator0001",
        "client_secret": "emulated-secret-worth-nothing",
        "authorize_url": "http://127.0.0.1:8787/v2/auth/authorize/",
        "token_url": "http://127.0.0.1:8787/v2/oauth/token/",
        "userinfo_url": "http://127.0.0.1:8787/v2/user/info/",
        "revoke_url": "http://127.0.0.1:8787/v2/oauth/revoke/",
    }


def test_a_login_works_with_nothing_but_the_defaults():
    emulator = TikTokEmulator()
    settings = emulator.settings("http://127.0.0.1:8787")
    session = requests.Session()
    session.mount("http://", WsgiTransport(emulator))
    query = {
        "client_key": settings["client_key"],
        "response_type": "code",
        "scope": "user.info.basic,user.info.profile,user.info.stats,video.list",
        "redirect_uri": "http://localhost:6543/auth/tiktok/callback",
        "state": "s",
    }
    callback = emulator.approve(f"{settings['authorize_url']}?{urlencode(query)}")
    form = {
        "client_key": settings["client_key"],
        "client_secret": settings["client_secret"],
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(callback).query)["code"][0],
        "redirect_uri": query["redirect_uri"],
    }

    assert session.post(settings["token_url"], data=form).json()["scope"] == query["scope"]


@pytest.mark.parametrize("nothing", [{"apps": []}, {"users": []}])
def test_it_needs_an_app_and_a_user(nothing):
    with pytest.raises(ValueError, match="at least one app and one user"):
        TikTokEmulator(**nothing)


def test_users_of_ones_own_take_the_place_of_the_examples():
    user = User(open_id="o-1", union_id="u-1", display_name="Me", username="me")
    world = World(users=[user])
    token = world.tokens()["access_token"]

    assert world.userinfo(token, f"{BASIC},username,bio_description").json()["data"]["user"] == {
        "open_id": "o-1",
        "union_id": "u-1",
        "display_name": "Me",
        "username": "me",
    }


def test_what_was_sent_is_recorded(world):
    tokens = world.tokens()
    world.userinfo(tokens["access_token"])
    world.revoke("x")
    world.post("/oauth/token")
    token, userinfo, revoke, unknown = world.emulator.requests[2:]

    assert (token.method, token.path, token.status, token.endpoint) == ("POST", "/v2/oauth/token/", 200, "token")
    assert list(token.form) == [
        "client_key",
        "client_secret",
        "code",
        "grant_type",
        "redirect_uri",
        "code_verifier",
    ]
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (userinfo.endpoint, userinfo.query, userinfo.form) == ("userinfo", {"fields": "open_id"}, {})
    assert userinfo.headers["Authorization"] == f"Bearer {tokens['access_token']}"
    assert (revoke.endpoint, revoke.form["token"]) == ("revoke", "x")
    assert (unknown.endpoint, unknown.status) == ("slashless", 404)


def test_no_secret_shows_in_a_repr(world):
    tokens = world.tokens()
    world.userinfo(tokens["access_token"])
    shown = repr(world.emulator) + repr(world.emulator.requests) + repr(world.emulator.apps)

    for secret in (SECRET, VERIFIER, CHALLENGE, "s7Qm2cVx", "Bearer", "act.", "rft.", ".va"):
        assert secret not in shown


def test_the_record_keeps_the_last_thousand(world):
    for number in range(1003):
        call(world.emulator, PATH_INFO=f"/{number}")

    paths = [recorded.path for recorded in world.emulator.requests]
    assert (len(paths), paths[0], paths[-1]) == (1000, "/3", "/1002")


def test_no_two_secrets_are_alike_even_when_the_random_source_is_stuck():
    world = World(random=bytes)
    first, second = world.tokens(), world.tokens()
    third = world.refresh(first["refresh_token"]).json()

    tokens = [answer[name] for answer in (first, second, third) for name in ("access_token", "refresh_token")]
    assert len({*tokens, world.code(), world.code()}) == 8


def test_many_threads_may_log_in_at_once(world):
    def log_in(number):
        tokens = world.tokens(user=number % 3)
        world.refresh(tokens["refresh_token"])
        return tokens["open_id"], tokens["access_token"]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(log_in, range(48)))

    assert [open_id for open_id, _ in results] == [world.emulator.users[number % 3].open_id for number in range(48)]
    assert len({token for _, token in results}) == 48


# Hostile requests


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "NONSENSE"])
@pytest.mark.parametrize(
    ("url", "allowed"),
    [(AUTHORIZE, "GET, POST"), (f"{API}/oauth/token/", "POST"), (f"{API}/user/info/", "GET")],
)
def test_another_method_is_not_allowed(world, method, url, allowed):
    response = world.http.request(method, url)

    assert (response.status_code, response.headers["Allow"], response.content) == (405, allowed, b"")


@pytest.mark.parametrize("url", [f"{API}/oauth/token/", f"{API}/oauth/revoke/", AUTHORIZE])
def test_a_huge_body_is_refused(world, url):
    at_limit, above = b"x" * 65536, b"x" * 65537

    assert world.http.post(url, data=at_limit).status_code == 200
    assert world.http.post(url, data=above).status_code == 413
    assert world.emulator.requests[-1].status == 413


def call(emulator, **environ):
    """Call the application with an environ of a server that lets anything pass."""
    sent = []
    base = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v2/oauth/token/", "wsgi.input": io.BytesIO(b"a=b")}
    body = b"".join(emulator({**base, **environ}, lambda status, headers: sent.append((status, dict(headers)))))
    return sent[0][0], sent[0][1], body


@pytest.mark.parametrize("length", [None, "", "-1", "+3", "3.0", "three", "\uff13", "1_0"])
def test_a_missing_or_odd_length_means_an_empty_body(world, length):
    environ = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": length}
    status, _, body = call(world.emulator, **environ)

    assert (status, b"malformed" in body, world.emulator.requests[-1].form) == ("200 OK", True, {})


def test_a_length_beyond_all_bounds_is_too_large(world):
    assert call(world.emulator, CONTENT_LENGTH="9" * 5000)[0].startswith("413 ")


def test_broken_encodings_are_read_as_replacement_characters():
    request = read_request(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/\xff€",
            "QUERY_STRING": "a=%ff&b=%zz&c=\xff&d&d=2",
            "CONTENT_TYPE": "Application/X-WWW-Form-Urlencoded ; charset=utf-8",
            "CONTENT_LENGTH": "9",
            "wsgi.input": io.BytesIO(b"f=%ED%A0\xff rest"),
        }
    )

    assert (request.path, request.query) == ("/\ufffd?", {"a": "\ufffd", "b": "%zz", "c": "\ufffd", "d": ",2"})
    assert request.form == {"f": "\ufffd" * 3}


def test_a_broken_state_comes_back_as_a_clean_address(world):
    query = urlsplit(SAMPLE_URL).query.replace("s7Qm2cVx", "\xff%0d%0aX:%20y")
    user = world.emulator.users[0].open_id.encode()
    form = b"decision=allow&user=" + user
    status, headers, _ = call(
        world.emulator,
        PATH_INFO="/v2/auth/authorize/",
        QUERY_STRING=query,
        CONTENT_TYPE="application/x-www-form-urlencoded",
        CONTENT_LENGTH=str(len(form)),
        **{"wsgi.input": io.BytesIO(form)},
    )

    assert status == "302 Found"
    assert headers["Location"].endswith("&scopes=&state=%EF%BF%BD%0D%0AX%3A+y")


PATHS = [
    "/v2/auth/authorize/",
    "/opensdk/oauth/",
    "/v2/oauth/token/",
    "/v2/oauth/revoke/",
    "/v2/oauth/token",
    "/v2/user/info/",
    "/auth/authorize/",
    "/user/info/",
    "/",
]
HOSTILE = TikTokEmulator(apps=[App(KEY, SECRET, ALL_SCOPES)])


@given(
    method=st.sampled_from(["GET", "POST"]),
    path=st.sampled_from(PATHS) | st.text(),
    query=st.text() | st.just(urlsplit(SAMPLE_URL).query) | st.dictionaries(st.text(), st.text()).map(repr),
    body=st.binary() | st.just(urlencode(code_form("x")).encode()),
    headers=st.fixed_dictionaries({}, optional={"HTTP_COOKIE": st.text(), "HTTP_AUTHORIZATION": st.text()}),
)
def test_nothing_that_is_sent_makes_it_fail(method, path, query, body, headers):
    status, sent, _ = call(
        HOSTILE,
        REQUEST_METHOD=method,
        PATH_INFO=path,
        QUERY_STRING=query,
        CONTENT_TYPE="application/x-www-form-urlencoded",
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
        **headers,
    )

    assert status[:3] in {"200", "302", "400", "401", "404", "405"}
    assert all(value.isascii() and value.isprintable() for value in sent.values())


def test_a_login_that_was_just_made_can_be_refreshed_for_the_whole_lifetime():
    """With a clock that moves between two looks at it."""
    moving = itertools.count(1_795_000_000, 0.25)
    world = World()
    world.emulator = TikTokEmulator(clock=lambda: next(moving), apps=[world.app])
    for scheme in ("http://", "https://"):
        world.http.mount(scheme, WsgiTransport(world.emulator))

    assert world.tokens()["refresh_expires_in"] == 15552000
