"""What TikTok does otherwise than one expects, kept by its emulator; one test or more for each of the numbered facts.

The emulator is talked to with plain requests. T29 (content of webhooks) is in ``test_tiktok_emulator_webhooks``, T31
(ids and times of videos) in ``test_tiktok_emulator_videos``; T35 (three portals look alike) is a matter of words.
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from tiktok_emulator_fakes import (
    ACCESS_ENDED,
    ALL_SCOPES,
    API,
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

from authkit.emulator import Rule
from authkit_tiktok.emulator import App, rulebook

BASE64URL_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

SEEN_HEADERS = {
    "X-Tt-Trace-Tag",
    "X-Tt-Trace-Host",
    "X-Janus-Info",
    "Access-Control-Expose-Headers",
    "Server-Timing",
    "Pragma",
    "Expires",
}


@pytest.fixture
def world():
    return World()


def desktop():
    return World(app=App(KEY, SECRET, ALL_SCOPES, platform="desktop"))


def named(response):
    """The parameter that TikTok's error page is about."""
    return parse_qs(urlsplit(response.headers["Location"]).query)["error_type"][0]


def read(world, token, fields="open_id"):
    response = world.userinfo(token, fields)
    return response.status_code, response.json()


# T1 to T5: the authorization request


def test_t01_the_id_of_an_app_is_called_client_key(world):
    assert named(world.browse({"client_key": None, "client_id": KEY})) == "client_key"
    assert world.broken == "T1"
    assert world.browse({"client_id": "anything"}).status_code == 200
    assert world.broken is None


def test_t01_a_token_call_with_client_id_alone_is_malformed(world):
    assert refusal(world.exchange(world.code(), client_key=None, client_id=KEY)) == MALFORMED
    assert world.broken == "T1"
    assert "access_token" in world.exchange(world.code(), client_id=KEY).json()
    assert world.broken is None


def test_t02_scopes_are_separated_by_commas_in_requests_tokens_and_callbacks(world):
    callback = dict(parse_qsl(urlsplit(world.emulator.approve(SAMPLE_URL)).query))
    token = world.exchange(callback["code"]).json()

    assert callback["scopes"] == token["scope"] == "user.info.basic,user.info.profile"


@pytest.mark.parametrize("scope", ["user.info.basic user.info.profile", "user.info.basic, user.info.profile"])
def test_t02_a_blank_between_scopes_refuses_the_request(world, scope):
    assert named(world.browse({"scope": scope})) == "scope"
    assert world.broken == "T2"


def test_t03_the_callback_calls_them_scopes_and_the_token_scope(world):
    callback = dict(parse_qsl(urlsplit(world.emulator.approve(SAMPLE_URL)).query))
    token = world.exchange(callback["code"]).json()

    assert ("scopes" in callback, "scope" in callback, "scope" in token, "scopes" in token) == (
        True,
        False,
        True,
        False,
    )


def test_t04_the_challenge_is_the_hex_of_the_verifier_s_sha256():
    world = desktop()
    code = world.code(changes={"redirect_uri": LOOPBACK})

    assert sha256(VERIFIER.encode()).hexdigest() == CHALLENGE
    assert "access_token" in world.exchange(code, redirect_uri=LOOPBACK).json()
    assert world.broken is None


@pytest.mark.parametrize(
    ("challenge", "verifier", "rule"),
    [
        (BASE64URL_CHALLENGE, VERIFIER, "T4"),
        (BASE64URL_CHALLENGE, None, "T4"),
        (CHALLENGE, VERIFIER[:-1], "T4"),
        (CHALLENGE, None, "get-a-user-access-token:code_verifier"),
    ],
)
def test_t04_a_base64url_challenge_passes_the_page_and_fails_at_the_token(challenge, verifier, rule):
    world = desktop()
    code = world.code(changes={"redirect_uri": LOOPBACK, "code_challenge": challenge})

    assert refusal(world.exchange(code, redirect_uri=LOOPBACK, code_verifier=verifier)) == BAD_VERIFIER
    assert world.broken == rule


def test_t04_without_a_challenge_the_page_says_so_where_it_is_demanded():
    world = desktop()

    assert named(world.browse({"redirect_uri": LOOPBACK, "code_challenge": None})) == "code_challenge"
    assert world.broken == "T4"


def test_t04_a_web_app_may_send_a_challenge_that_means_nothing(world):
    code = world.code(changes={"code_challenge": BASE64URL_CHALLENGE})

    assert "access_token" in world.exchange(code, code_verifier=None).json()


@pytest.mark.parametrize("method", [None, "plain", "s256"])
def test_t05_the_method_is_s256_in_these_letters(method):
    world = desktop()

    assert named(world.browse({"redirect_uri": LOOPBACK, "code_challenge_method": method})) == "code_challenge_method"
    assert world.broken == "T5"


def test_t05_a_mobile_app_may_omit_it():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="mobile"))

    assert world.browse({"code_challenge_method": None}).status_code == 200


def test_t06_a_verifier_of_32_characters_is_taken():
    verifier = "a" * 32
    challenge = sha256(verifier.encode()).hexdigest()
    for platform, redirect_uri, rule in (("mobile", CALLBACK, None), ("desktop", LOOPBACK, "T6")):
        world = World(app=App(KEY, SECRET, ALL_SCOPES, platform=platform))
        code = world.code(changes={"redirect_uri": redirect_uri, "code_challenge": challenge})
        assert "access_token" in world.exchange(code, redirect_uri=redirect_uri, code_verifier=verifier).json()
        assert world.broken == rule


# T7 to T11: calls and answers


def test_t07_basic_authentication_is_malformed(world):
    form = code_form(world.code(), client_key=None, client_secret=None)

    assert refusal(world.post(form=form, auth=(KEY, SECRET))) == MALFORMED
    assert world.broken == "T7"


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded; charset=utf-8", "application/json", "text/plain"]
)
def test_t08_the_content_type_is_bare(world, content_type):
    body = urlencode(code_form(world.code()))

    assert refusal(world.post(form=body, headers={"Content-Type": content_type})) == MALFORMED
    assert world.broken == "T8"
    assert "access_token" in world.post(form=body, headers=FORM).json()


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_t09_an_address_without_its_slash_is_not_found(world, path):
    assert world.post(path, code_form(world.code())).status_code == 404
    assert world.broken == "T9"
    assert world.post(f"{path}/", code_form(world.code())).status_code == 200


@pytest.mark.parametrize(("error_status", "status"), [("200", 200), ("rfc", 400)])
def test_t10_an_error_may_come_under_the_status_200(error_status, status):
    response = World(error_status=error_status).exchange("x")

    assert (response.status_code, response.json()["error"]) == (status, "invalid_grant")


def test_t11_the_error_is_a_text_at_the_token_and_an_object_at_the_api_even_on_success(world):
    token = world.tokens()["access_token"]

    assert isinstance(world.exchange("x").json()["error"], str)
    assert read(world, token)[1]["error"].items() >= {"code": "ok", "message": ""}.items()
    assert read(world, "x")[1]["error"]["code"] == "access_token_invalid"


# T12 to T17: tokens


def test_t12_one_field_that_was_not_granted_refuses_the_whole_call(world):
    status, body = read(world, world.tokens(scopes=ALL_SCOPES[:1])["access_token"], "open_id,username")

    assert (status, body["error"]["code"], "data" in body, world.broken) == (
        401,
        "scope_not_authorized",
        False,
        "T12",
    )


def test_t13_a_401_may_be_about_a_scope_and_the_token_good_all_the_same(world):
    token = world.tokens(scopes=ALL_SCOPES[:1])["access_token"]

    assert read(world, token, "username")[1]["error"]["code"] == "scope_not_authorized"
    assert read(world, token)[0] == 200
    assert (read(world, "x")[0], world.broken) == (401, "get-user-info:authorization")


def test_t14_the_end_of_the_refresh_token_is_sent_and_kept(world):
    token = world.tokens()
    world.clock.now += token["refresh_expires_in"]

    assert token["refresh_expires_in"] == 15552000
    assert refusal(world.refresh(token["refresh_token"])) == REFRESH_ENDED
    assert world.broken == "refresh-a-user-access-token:refresh_token"


def test_t15_a_refresh_gives_a_new_refresh_token_and_ends_the_old_one(world):
    first = world.tokens()["refresh_token"]
    second = world.refresh(first).json()["refresh_token"]

    assert first != second
    assert refusal(world.refresh(first)) == REFRESH_ENDED
    assert world.broken == "T15"
    assert "access_token" in world.refresh(second).json()


@pytest.mark.parametrize(("access", "refresh"), [(7200, 15552000), (86400, 31536000)])
def test_t16_the_lifetimes_are_those_of_today_or_of_before(access, refresh):
    token = World(access_lifetime=access, refresh_lifetime=refresh).tokens()

    assert (token["expires_in"], token["refresh_expires_in"]) == (access, refresh)


def test_t16_the_numbers_say_what_is_left(world):
    first = world.tokens()
    world.clock.now += 1000
    second = world.refresh(first["refresh_token"]).json()

    assert (second["expires_in"], second["refresh_expires_in"]) == (7200, 15551000)


def test_t17_another_redirect_uri_is_an_invalid_request(world):
    assert refusal(world.exchange(world.code(), redirect_uri=CALLBACK[:-1])) == (
        "invalid_request",
        "Redirect_uri is not matched with the uri when requesting code.",
    )
    assert world.broken == "T17"


# T18 to T20: the way back


@pytest.mark.parametrize("parameter", ["client_key", "redirect_uri", "response_type", "scope"])
def test_t18_a_wrong_parameter_stays_on_a_page_of_tiktok_and_the_app_hears_nothing(world, parameter):
    response = world.http.get(authorize_url({parameter: "wrong"}))

    assert urlsplit(response.url)._replace(query="").geturl() == "https://www.tiktok.com/v2/auth/authorize/"
    assert dict(parse_qsl(urlsplit(response.url).query))["error_type"] == parameter
    assert (response.status_code, world.emulator.requests[-1].location) == (200, "")


def test_t19_a_denial_by_the_user_has_no_error_type_and_one_by_the_set_up_has():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, status="sandbox"))
    by_user = dict(parse_qsl(urlsplit(world.emulator.deny(SAMPLE_URL)).query))
    by_set_up = dict(parse_qsl(urlsplit(world.emulator.approve(SAMPLE_URL)).query))

    assert (by_user["error"], by_set_up["error"]) == ("access_denied", "access_denied")
    assert ("error_type" in by_user, by_set_up["error_type"]) == (False, "non_sandbox_target")


def test_t20_a_code_has_characters_that_arrive_encoded_and_are_decoded_once(world):
    callback = world.emulator.approve(SAMPLE_URL)
    raw = urlsplit(callback).query.partition("code=")[2].partition("&")[0]
    code = parse_qs(urlsplit(callback).query)["code"][0]

    assert re.fullmatch(r"[\w-]+%2A1%21\d+\.va", raw)
    assert re.fullmatch(r"[\w-]+\*1!\d+\.va", code)
    for encoded in (raw, quote(quote(code), safe="")):
        assert refusal(world.exchange(encoded)) == CODE_ENDED
    assert world.broken == "get-a-user-access-token:code"
    assert refusal(world.exchange(raw)) == CODE_ENDED
    assert world.broken == "T20"
    assert "access_token" in world.exchange(code).json()


# T21 to T23: the profile


def test_t21_there_is_no_email_no_id_token_and_no_discovery(world):
    token = world.tokens(changes={"scope": ",".join(ALL_SCOPES)})

    assert {"id_token", "email", "sub"}.isdisjoint(token)
    for field in ("email", "sub", "phone"):
        status, body = read(world, token["access_token"], field)
        assert (status, body["error"]["code"], world.broken) == (400, "invalid_params", "get-user-info:fields")
    assert world.http.get("https://open.tiktokapis.com/.well-known/openid-configuration").status_code == 404


def test_t22_the_handle_is_not_the_display_name_and_takes_a_scope_of_its_own(world):
    token = world.tokens(scopes=ALL_SCOPES[:2])["access_token"]

    assert read(world, token, "display_name,username")[1]["data"]["user"] == {
        "display_name": "Ada Tok",
        "username": "ada.tok",
    }
    assert read(world, world.tokens(scopes=ALL_SCOPES[:1])["access_token"], "username")[0] == 401


def test_t23_the_address_of_an_avatar_is_signed_and_ends():
    world = World(access_lifetime=86400)
    token = world.tokens()["access_token"]
    addresses = []
    for _ in range(2):
        user = read(world, token, "avatar_url,avatar_url_100,avatar_large_url")[1]["data"]["user"]
        addresses.append(user)
        for address in user.values():
            assert int(parse_qs(urlsplit(address).query)["x-expires"][0]) == world.clock.now + 21600
        world.clock.now += 21600

    assert all(addresses[0][name] != addresses[1][name] for name in addresses[0])


# T24 to T27: redirect URIs, keys and scopes


@pytest.mark.parametrize("uri", [f"{CALLBACK}?tenant=1", f"{CALLBACK}#top", "https://a.example/" + "x" * 494])
def test_t24_a_redirect_uri_is_static_and_short(uri):
    for app in (App(KEY, SECRET, ALL_SCOPES), App(KEY, SECRET, ALL_SCOPES, (CALLBACK,))):
        world = World(app=app)
        assert (named(world.browse({"redirect_uri": uri})), world.broken) == ("redirect_uri", "T24")
    with pytest.raises(ValueError, match="absolute and static"):
        App(KEY, SECRET, redirect_uris=(uri,))


@pytest.mark.parametrize("uri", [LOOPBACK, "http://localhost:6543/callback", "http://app.example.test/cb"])
def test_t25_a_web_app_has_no_address_on_this_machine_and_none_without_https(uri):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, (CALLBACK,)))

    assert (named(world.browse({"redirect_uri": uri})), world.broken) == ("redirect_uri", "T25")


def test_t25_a_desktop_app_has_nothing_else():
    world = desktop()

    assert world.browse({"redirect_uri": LOOPBACK}).status_code == 200
    assert named(world.browse({"redirect_uri": CALLBACK})) == "redirect_uri"
    assert world.broken == "login-kit-desktop:redirect_uri"


def test_t26_sandbox_and_production_have_keys_secrets_redirects_and_open_ids_of_their_own():
    sandbox = App(
        "sbawexample", "SANDBOX", ALL_SCOPES, ("https://b.example/",), status="sandbox", target_users=("ada.tok",)
    )
    world = World(apps=[App(KEY, SECRET, ALL_SCOPES, (CALLBACK,)), sandbox])
    of_sandbox = {"client_key": "sbawexample", "redirect_uri": "https://b.example/"}
    code = dict(parse_qsl(urlsplit(world.emulator.approve(authorize_url(of_sandbox))).query))["code"]

    assert named(world.browse({"client_key": "sbawexample"})) == "redirect_uri"
    assert refusal(world.exchange(code, **of_sandbox)) == WRONG_CLIENT
    assert world.broken == "T26"
    assert refusal(world.exchange(code)) == CODE_ENDED
    assert world.exchange(code, **of_sandbox, client_secret="SANDBOX").json()["open_id"] != world.tokens()["open_id"]


def test_t27_one_scope_that_was_not_approved_refuses_the_whole_request():
    world = World(app=App(KEY, SECRET, ALL_SCOPES[:1]))

    assert (named(world.browse()), world.broken) == ("scope", "T27")
    assert world.browse({"scope": "user.info.basic"}).status_code == 200


# T28, T30, T32, T33, T34


def test_t28_the_access_token_is_revoked_and_a_refresh_token_is_refused(world):
    tokens = world.tokens()

    assert refusal(world.revoke(tokens["refresh_token"])) == ACCESS_ENDED
    assert world.broken == "T28"
    assert world.revoke(tokens["access_token"]).json() == {}
    assert read(world, tokens["access_token"])[0] == 401
    assert refusal(world.refresh(tokens["refresh_token"])) == REFRESH_ENDED


def test_t28_a_refresh_token_that_was_replaced_is_still_none_to_revoke(world):
    token = world.tokens()["refresh_token"]
    world.refresh(token)

    assert refusal(world.revoke(token)) == ACCESS_ENDED
    assert world.broken == "T28"


@pytest.mark.parametrize("changes", [{"client_key": "aw0"}, {"client_secret": "wrong"}])
def test_t30_a_wrong_key_and_a_wrong_secret_are_one_error(changes):
    world = World(error_status="rfc")
    response = world.exchange(world.code(), **changes)
    body = response.json()

    assert (response.status_code, body["error"], body["error_description"]) == (401, *WRONG_CLIENT)
    assert world.broken == "T30"


def test_t32_a_live_session_skips_the_consent_and_takes_the_last_account(world):
    world.consent({"decision": "allow", "user": world.open_id(2), "scope": list(ALL_SCOPES[:2])})
    callback = parse_qs(urlsplit(world.browse().headers["Location"]).query)

    assert world.exchange(callback["code"][0]).json()["open_id"] == world.emulator.users[2].open_id
    assert world.browse({"disable_auto_auth": "0"}).status_code == 302
    assert world.browse({"disable_auto_auth": "1"}).status_code == 200


@pytest.mark.parametrize("value", ["", "true", "2", "01"])
def test_t32_another_value_of_disable_auto_auth_is_noted_and_disables_nothing(world, value):
    world.consent({"decision": "allow", "user": world.open_id(), "scope": list(ALL_SCOPES[:2])})

    assert world.browse({"disable_auto_auth": value}).status_code == 302
    assert world.broken == "login-kit-web:disable_auto_auth"


def test_t33_a_secret_in_the_authorization_request_is_taken_and_noted(world):
    assert world.browse({"client_secret": SECRET}).status_code == 200
    assert (world.broken, world.emulator.requests[-1].verdict) == ("T33", "")


@pytest.mark.parametrize("changes", [{"client_key": f"{KEY} "}, {"client_secret": f"\n{SECRET}"}])
def test_t34_white_space_around_key_or_secret_makes_them_wrong(world, changes):
    assert refusal(world.exchange(world.code(), **changes)) == WRONG_CLIENT
    assert world.broken == "T34"


def test_t34_white_space_around_the_key_is_named_on_the_page(world):
    assert named(world.browse({"client_key": f" {KEY}"})) == "client_key"
    assert world.broken == "T34"


# Rules without a number


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"client_key": None}, "login-kit-web:client_key"),
        ({"client_key": "aw0"}, "login-kit-web:client_key"),
        ({"redirect_uri": None}, "login-kit-web:redirect_uri"),
        ({"response_type": "token"}, "login-kit-web:response_type"),
        ({"scope": ""}, "login-kit-web:scope"),
        ({"scope": None}, "login-kit-web:scope"),
        ({"state": None}, "login-kit-web:state"),
        ({}, None),
    ],
)
def test_an_authorization_request_breaks_this_rule(world, changes, rule):
    world.browse(changes)

    assert world.broken == rule


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"client_key": None}, "get-a-user-access-token:fields"),
        ({"client_secret": None}, "get-a-user-access-token:client_secret"),
        ({"grant_type": None}, "get-a-user-access-token:fields"),
        ({"grant_type": "password"}, "oauth-error-handling:grant_type"),
        ({"code": None}, "get-a-user-access-token:fields"),
        ({"code": "x"}, "get-a-user-access-token:code"),
        ({}, None),
    ],
)
def test_a_token_call_breaks_this_rule(world, changes, rule):
    world.exchange(world.code(), **changes)

    assert world.broken == rule


def test_parameters_in_the_address_of_a_token_call_break_a_rule(world):
    assert refusal(world.post(form={"x": "1"}, params=client())) == MALFORMED
    assert world.broken == "get-a-user-access-token:body"


def test_a_field_of_version_1_is_taken_noted_and_left_out(world):
    status, body = read(world, world.tokens()["access_token"], "open_id,avatar_url_200")

    assert (status, list(body["data"]["user"]), world.broken) == (200, ["open_id"], "get-user-info:fields")


def test_a_field_of_version_1_does_not_hide_the_rule_that_refuses(world):
    read(world, world.tokens(scopes=ALL_SCOPES[:1])["access_token"], "username,avatar_url_200")

    assert world.broken == "T12"


@pytest.mark.parametrize("path", ["/auth/authorize/", "/platform/oauth/connect/", "/platform/oauth/connect"])
def test_a_login_page_of_version_1_is_an_error_page_about_the_redirect_uri(world, path):
    query = urlsplit(SAMPLE_URL).query
    response = world.http.get(f"https://www.tiktok.com{path}?{query}")

    assert response.url == f"https://www.tiktok.com{path}?{query}&error=invalid_request&error_type=redirect_uri"
    assert "Something went wrong" in response.text
    assert [recorded.broken.id for recorded in world.emulator.requests("v1")] == ["oauth-v1"] * 2


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/oauth/access_token/", "/oauth/refresh_token", "/oauth/revoke/", "/user/info/"])
def test_a_call_of_version_1_is_refused_in_the_shape_of_version_1(world, method, path):
    response = world.http.request(method, f"https://open-api.tiktok.com{path}", params={"client_key": KEY})

    assert response.json() == {
        "data": {
            "captcha": "",
            "desc_url": "",
            "description": "This version of the API is retired.",
            "error_code": 10002,
        },
        "message": "error",
    }
    assert world.emulator.requests("v1").single().broken == rulebook.VERSION_1


def test_every_rule_has_a_sentence_and_a_page_of_tiktok_s_and_no_two_have_one_id():
    rules = [getattr(rulebook, name) for name in rulebook.__all__]
    declared = [name for name, value in vars(rulebook).items() if isinstance(value, Rule)]

    assert sorted(rulebook.__all__) == sorted(declared)
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.text.endswith(".")
        assert rule.source
        assert rule.url.startswith("https://developers.tiktok.com/")


# Headers, and TikTok's own failures


def logid_of(response):
    return response.headers["X-Tt-Logid"]


def test_every_answer_has_the_headers_that_tiktok_s_have(world):
    answers = [
        world.browse(),
        world.browse({"scope": "x"}),
        world.consent({"decision": "deny"}),
        world.exchange("x"),
        world.exchange(world.code()),
        world.userinfo("x"),
        world.post("/oauth/token"),
        world.http.get("https://open-api.tiktok.com/user/info/"),
    ]
    for answer in answers:
        assert re.fullmatch(r"20261121120000[0-9A-F]{20}", logid_of(answer))
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer.headers["X-Tt-Trace-Id"])
        assert set(answer.headers) >= SEEN_HEADERS
        assert answer.headers["Cache-Control"] == "no-store"
    assert len({logid_of(answer) for answer in answers}) == len(answers)


def test_the_log_id_of_the_header_is_that_of_the_body_and_of_the_page(world):
    refused, profile = world.exchange("x"), world.userinfo(world.tokens()["access_token"])
    page = world.http.get(authorize_url({"scope": "x"}))

    assert refused.json()["log_id"] == logid_of(refused)
    assert profile.json()["error"]["log_id"] == logid_of(profile)
    assert logid_of(page) in page.text


@pytest.mark.parametrize("path", ["/oauth/token/", "/oauth/revoke/"])
def test_a_failure_of_tiktok_s_own_has_the_shape_of_the_oauth_api(path):
    world = World(faults=(f"{'token' if 'token' in path else 'revoke'}:error-in-200",))

    assert refusal(world.post(path, code_form("x")))[0] == "server_error"


def test_a_failure_of_tiktok_s_own_has_the_shape_of_the_resource_api():
    world = World(faults=("userinfo:error-in-200",))
    response = world.http.get(f"{API}/user/info/?fields=open_id")
    body = response.json()

    assert (response.status_code, list(body), body["error"]["code"]) == (200, ["error"], "internal_error")
