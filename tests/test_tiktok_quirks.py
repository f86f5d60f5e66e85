"""What TikTok does otherwise than the RFCs, other providers, or one's expectation; one test or more for each.

The numbers are those of a list of 35 quirks. Left out, as no web login meets them: T6 (verifiers of 32 characters
come from the Android SDK), T29 (content of webhooks is JSON in a string), T31 (ids and times of videos), and
T35 (three portals look alike: a matter of words).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from fakes import answer
from tiktok_fakes import (
    ALL_SCOPES,
    BASIC,
    CALLBACK,
    CHALLENGE,
    CLIENT_KEY,
    CLIENT_SECRET,
    CODE,
    LOG_ID,
    LOOPBACK_CALLBACK,
    OPEN_ID,
    PROFILE,
    REVOKE_URL,
    STATE,
    STATS,
    TOKEN,
    TOKEN_URL,
    USER,
    USERINFO_URL,
    VERIFIER,
    World,
    complete,
    log_in,
    oauth_error,
    random_of_the_samples,
    resource_error,
    scripted,
    tiktok_kit,
    user_info,
)

from authkit.errors import (
    AccessDenied,
    ConfigError,
    InvalidRequest,
    ProviderMisconfigured,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    ReauthRequired,
    ScopeMissing,
    StateInvalid,
)
from authkit_tiktok.emulator import App
from authkit_tiktok.provider import tiktok

NOON = datetime(2027, 1, 15, 8, 0, tzinfo=timezone.utc)
DESKTOP = {
    "authkit.tiktok.platform": "desktop",
    "authkit.tiktok.redirect_uri": LOOPBACK_CALLBACK,
    "authkit.base_url": "http://127.0.0.1:3455",
}
of_apps_that_demand_pkce = pytest.mark.parametrize(
    ("settings", "app"),
    [
        (DESKTOP, App(CLIENT_KEY, CLIENT_SECRET, ALL_SCOPES, platform="desktop")),
        ({}, App(CLIENT_KEY, CLIENT_SECRET, ALL_SCOPES, platform="web-strict")),
    ],
    ids=["desktop", "web-strict"],
)
REDIRECT_MISMATCH = "Redirect_uri is not matched with the uri when requesting code."
PKCE_MISMATCH = "Code verifier or code challenge is invalid."


def fields_of(form):
    """The fields of a form as sent, sorted; one that is there twice is there twice."""
    return sorted(parse_qsl(form, keep_blank_values=True, strict_parsing=True))


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def everything(network):
    """All that was sent, as one text."""
    return "\n".join(f"{sent.method} {sent.url} {sent.headers} {sent.body}" for sent in network.sent)


# T1: client_key


def test_t01_the_authorization_url_is_tiktok_s_sample_to_the_letter():
    kit = tiktok_kit(scripted(), {"authkit.tiktok.scope": f"{BASIC},{PROFILE}"}, random=random_of_the_samples())

    assert kit.begin("tiktok").url == (
        "https://www.tiktok.com/v2/auth/authorize/?client_key=awexamplekey00001&response_type=code"
        "&scope=user.info.basic%2Cuser.info.profile"
        "&redirect_uri=https%3A%2F%2Fapp.example.test%2Fauth%2Ftiktok%2Fcallback%2F"
        f"&state={STATE}&code_challenge={CHALLENGE}&code_challenge_method=S256"
    )


def test_t01_client_key_is_the_only_id_on_the_wire():
    network = scripted()
    kit = tiktok_kit(network)
    begun = kit.begin("tiktok")
    login = complete(kit, begun)
    kit.refresh("tiktok", login.token)
    kit.revoke("tiktok", login.token)

    assert [sent.form["client_key"] for sent in network.sent if sent.body] == [CLIENT_KEY] * 3
    assert query_of(begun.url)["client_key"] == CLIENT_KEY
    assert "client_id" not in begun.url + everything(network)


def test_t01_the_code_exchange_sends_exactly_this_form():
    network = scripted()
    kit = tiktok_kit(network, random=random_of_the_samples())
    log_in(kit)

    assert (network.sent[0].method, network.sent[0].url) == ("POST", TOKEN_URL)
    assert fields_of(network.sent[0].body) == [
        ("client_key", CLIENT_KEY),
        ("client_secret", CLIENT_SECRET),
        ("code", CODE),
        ("code_verifier", VERIFIER),
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
    ]


def test_t01_settings_take_either_word_for_the_key():
    settings = {"authkit.tiktok.client_key": None, "authkit.tiktok.client_id": CLIENT_KEY}
    url = tiktok_kit(scripted(), settings).begin("tiktok").url

    assert query_of(url)["client_key"] == CLIENT_KEY
    assert "client_id" not in url


# T2, T3: scopes


def test_t02_scopes_go_out_with_commas_and_nothing_else_between_them():
    world = World({"authkit.tiktok.scope": " ".join(ALL_SCOPES)})
    login = world.log_in()

    assert f"&scope={'%2C'.join(ALL_SCOPES)}&" in world.kit.begin("tiktok").url
    assert login.granted_scopes == ALL_SCOPES


@pytest.mark.parametrize("sent", [f"{BASIC},{PROFILE}", f"{BASIC} {PROFILE}", f"{BASIC}, {PROFILE}"])
def test_t02_granted_scopes_are_read_with_commas_and_with_blanks(sent):
    kit = tiktok_kit(scripted(token={**TOKEN, "scope": sent}), {"authkit.tiktok.scope": f"{BASIC} {PROFILE}"})

    assert log_in(kit).granted_scopes == (BASIC, PROFILE)


@pytest.mark.parametrize("scopes", [BASIC, f"{BASIC},something.else"])
def test_t03_the_callback_s_scopes_count_where_the_token_says_nothing(scopes):
    token = {name: value for name, value in TOKEN.items() if name != "scope"}
    network = scripted(token=token)
    kit = tiktok_kit(network, {"authkit.tiktok.scope": f"{BASIC} {PROFILE}"})
    login = log_in(kit, {"code": CODE, "scopes": scopes})

    assert (login.granted_scopes, login.missing_scopes) == ((BASIC,), (PROFILE,))
    assert "username" not in network.to("info")[0].url


def test_t03_the_token_s_scope_wins_over_the_callback_s():
    kit = tiktok_kit(scripted(), {"authkit.tiktok.scope": f"{BASIC} {PROFILE}"})
    login = log_in(kit, {"code": CODE, "scopes": f"{BASIC},{PROFILE}"})

    assert login.granted_scopes == (BASIC,)


# T4, T5: PKCE


def test_t04_the_challenge_is_lower_case_hex_of_the_verifier_that_is_sent():
    network = scripted()
    kit = tiktok_kit(network, random=random_of_the_samples())
    begun = kit.begin("tiktok")
    complete(kit, begun)

    assert query_of(begun.url)["code_challenge"] == CHALLENGE
    assert network.sent[0].form["code_verifier"] == VERIFIER


def test_t04_the_documented_pair_of_the_android_sdk_is_ours():
    # TikTokOpenSDK for Android, unit test of PKCEUtils.
    assert tiktok.code_challenge("gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns") == (
        "e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef"
    )


@of_apps_that_demand_pkce
def test_t04_apps_of_which_tiktok_demands_pkce_log_in(settings, app):
    world = World(settings, app=app)

    assert world.log_in().identity.subject == OPEN_ID
    assert len(world.sent("token")[0].form["code_verifier"]) == 43


@of_apps_that_demand_pkce
def test_t04_the_challenge_of_the_rfc_fails_at_the_token_endpoint(settings, app):
    world = World({**settings, "authkit.tiktok.pkce": "base64url"}, app=app)

    with pytest.raises(ProviderRejected, match=PKCE_MISMATCH) as caught:
        world.log_in()
    assert caught.value.code == "provider_rejected"
    assert world.sent("userinfo") == []


@of_apps_that_demand_pkce
def test_t04_without_a_challenge_tiktok_shows_its_error_page(settings, app):
    world = World({**settings, "authkit.tiktok.pkce": "off"}, app=app)

    with pytest.raises(ValueError, match=r"^TikTok shows an error page: code_challenge \(param_error\)$"):
        world.log_in()
    assert world.sent("token") == []


def test_t04_without_pkce_neither_challenge_nor_verifier_is_sent():
    network = scripted()
    kit = tiktok_kit(network, {"authkit.tiktok.pkce": "off"})
    begun = kit.begin("tiktok")
    complete(kit, begun)

    assert "code_challenge" not in begun.url
    assert "code_verifier" not in network.sent[0].body


@pytest.mark.parametrize("pkce", ["hex", "on"])
def test_t05_the_method_is_sent_and_is_s256_in_capitals(pkce):
    url = tiktok_kit(scripted(), {"authkit.tiktok.pkce": pkce}).begin("tiktok").url

    assert parse_qs(urlsplit(url).query)["code_challenge_method"] == ["S256"]


# T7, T8, T9: the form of a token call


def test_t07_key_and_secret_travel_in_the_body_and_never_as_http_basic():
    network = scripted()
    kit = tiktok_kit(network)
    token = log_in(kit).token
    kit.refresh("tiktok", token)
    kit.revoke("tiktok", token)
    posts = [sent for sent in network.sent if sent.method == "POST"]

    assert [(sent.form["client_key"], sent.form["client_secret"]) for sent in posts] == [
        (CLIENT_KEY, CLIENT_SECRET)
    ] * 3
    assert ["Authorization" in sent.headers for sent in posts] == [False] * 3
    assert [urlsplit(sent.url).query for sent in posts] == [""] * 3


def test_t08_the_content_type_is_bare():
    network = scripted()
    kit = tiktok_kit(network)
    token = log_in(kit).token
    kit.refresh("tiktok", token)
    kit.revoke("tiktok", token)

    assert [sent.headers["Content-Type"] for sent in network.sent if sent.method == "POST"] == [
        "application/x-www-form-urlencoded"
    ] * 3
    assert "Content-Type" not in network.to("info")[0].headers


def test_t09_the_slash_at_the_end_is_kept_everywhere():
    world = World()
    login = world.log_in()
    world.kit.refresh("tiktok", login.token)
    world.kit.revoke("tiktok", login.token)

    assert [sent.path for sent in world.emulator.requests] == [
        "/v2/auth/authorize/",
        "/v2/auth/authorize/",
        "/v2/oauth/token/",
        "/v2/user/info/",
        "/v2/oauth/token/",
        "/v2/oauth/revoke/",
    ]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("endpoint", ["token", "info"])
def test_t09_a_redirect_is_not_followed(status, endpoint):
    def move(request):
        return answer(request, status, b"", Location="https://open.tiktokapis.com/v2/elsewhere/")

    network = scripted(**{endpoint: move})

    with pytest.raises(ProviderProtocolError, match=f"{status}; redirects are not followed"):
        log_in(tiktok_kit(network))
    assert [sent.url for sent in network.sent if "elsewhere" in sent.url] == []


# T10, T11: errors are in the body


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_t10_the_body_decides_not_the_status(status):
    body = oauth_error("invalid_grant", "Authorization code is expired.")

    with pytest.raises(
        ProviderRejected, match=r"^provider_rejected: invalid_grant: Authorization code is expired\.$"
    ):
        log_in(tiktok_kit(scripted(token=(status, body))))


@pytest.mark.parametrize("token", [{}, {**TOKEN, "access_token": ""}, {**TOKEN, "access_token": None}], ids=str)
def test_t10_without_an_access_token_a_200_is_no_success(token):
    network = scripted(token=token)

    with pytest.raises(ProviderProtocolError, match="the token answer has no access_token"):
        log_in(tiktok_kit(network))
    assert network.to("info") == []


def test_t10_an_error_beside_an_access_token_is_an_error():
    network = scripted(token={**TOKEN, **oauth_error("invalid_client", "No.")})

    with pytest.raises(ProviderMisconfigured):
        log_in(tiktok_kit(network))
    assert network.to("info") == []


@pytest.mark.parametrize("error_status", ["200", "rfc"])
def test_t10_the_login_fails_in_the_same_way_under_either_status(error_status):
    world = World(error_status=error_status)
    redirect = world.kit.begin("tiktok")
    callback = world.emulator.approve(redirect.url)
    world.clock.now += 61

    with pytest.raises(ProviderRejected, match=r"invalid_grant: Authorization code is expired\.") as caught:
        complete(world.kit, redirect, callback)
    assert len(caught.value.log_id) == 34
    assert world.sent("token")[0].status == (200 if error_status == "200" else 400)


def test_t11_an_error_object_with_the_code_ok_is_success():
    assert log_in(tiktok_kit(scripted(info=user_info()))).profile.raw == USER


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("beside", [{}, {"data": {}}, {"data": {"user": {}}}], ids=["no data", "{}", "an empty user"])
def test_t11_another_code_is_an_error_whatever_stands_beside_it(status, beside):
    body = resource_error("access_token_invalid", "The access token is invalid.", **beside)

    with pytest.raises(ProviderRejected) as caught:
        log_in(tiktok_kit(scripted(info=(status, body))))
    assert (caught.value.reason, caught.value.log_id) == (
        "the profile: access_token_invalid: The access token is invalid.",
        LOG_ID,
    )


@pytest.mark.parametrize("data", [None, {}, {"user": None}])
def test_t11_success_without_a_user_is_no_login(data):
    with pytest.raises(ProviderProtocolError, match="the user info has no user"):
        log_in(tiktok_kit(scripted(info={**user_info(), "data": data})))


# T12, T13: fields and scopes


@pytest.mark.parametrize(
    ("ticked", "last_field"), [([BASIC], "display_name"), ([BASIC, PROFILE], "username"), (None, "video_count")]
)
def test_t12_only_fields_of_granted_scopes_are_asked_for(ticked, last_field):
    world = World({"authkit.tiktok.scope": " ".join(ALL_SCOPES)})
    login = world.log_in(scopes=ticked)
    (asked,) = world.sent("userinfo")

    assert asked.status == 200
    assert asked.query["fields"].rpartition(",")[2] == last_field
    assert login.missing_scopes == tuple(scope for scope in ALL_SCOPES if ticked and scope not in ticked)


def test_t12_more_than_was_asked_for_is_not_used():
    network = scripted(token={**TOKEN, "scope": ",".join(ALL_SCOPES)})
    log_in(tiktok_kit(network))

    assert network.to("info")[0].query["fields"].endswith(",display_name")


def test_t13_a_401_about_a_scope_asks_for_less_and_refreshes_nothing():
    def info(request):
        is_basic = "username" not in request.url
        return answer(request, 200, user_info()) if is_basic else answer(request, 401, refusal)

    refusal = resource_error("scope_not_authorized")
    network = scripted(info=info, token={**TOKEN, "scope": f"{BASIC},{PROFILE}"})
    login = log_in(tiktok_kit(network, {"authkit.tiktok.scope": f"{BASIC} {PROFILE}"}))

    assert login.profile.display_name == "Ada Tok"
    assert [sent.path for sent in network.sent] == ["/v2/oauth/token/", "/v2/user/info/", "/v2/user/info/"]
    assert [sent.form["grant_type"] for sent in network.to("token")] == ["authorization_code"]


@pytest.mark.parametrize("code", ["scope_not_authorized", "scope_permission_missed"])
def test_t13_a_refused_scope_has_an_error_of_its_own(code):
    network = scripted(info=(401, resource_error(code)))

    with pytest.raises(ScopeMissing) as caught:
        log_in(tiktok_kit(network))
    assert (caught.value.code, caught.value.log_id) == ("scope_missing", LOG_ID)
    assert len(network.to("info")) == 1


# T14, T15, T16: the life of tokens


def test_t14_the_end_of_the_refresh_token_is_known():
    token = World(refresh_lifetime=86400 * 3).log_in().token

    assert token.refresh_expires_at == NOON + timedelta(days=3)


def test_t15_the_new_refresh_token_replaces_the_old_one_which_is_dead():
    world = World()
    first = world.log_in().token
    second = world.kit.refresh("tiktok", first)
    third = world.kit.refresh("tiktok", second)

    assert len({token.refresh_token for token in (first, second, third)}) == 3
    assert [sent.form["refresh_token"] for sent in world.sent("token")[1:]] == [
        first.refresh_token.reveal(),
        second.refresh_token.reveal(),
    ]
    with pytest.raises(ReauthRequired, match=r"invalid_grant: Refresh token is invalid or expired\.") as caught:
        world.kit.refresh("tiktok", first)
    assert len(caught.value.log_id) == 34


def test_t15_where_nothing_rotates_the_token_stays():
    world = World(rotation=False)
    first = world.log_in().token
    second = world.kit.refresh("tiktok", first)

    assert second.refresh_token == first.refresh_token
    assert second.access_token != first.access_token


def test_t15_a_refresh_that_fails_for_a_while_leaves_the_token_as_it_was():
    network = scripted()
    kit = tiktok_kit(network)
    token = log_in(kit).token
    network.replies["token"] = (503, b"<html>busy</html>")
    with pytest.raises(ProviderUnavailable):
        kit.refresh("tiktok", token)
    network.replies["token"] = {**TOKEN, "refresh_token": "rft.emulated0002BBBB"}

    assert kit.refresh("tiktok", token).refresh_token == "rft.emulated0002BBBB"
    assert [sent.form["refresh_token"] for sent in network.to("token")[1:]] == ["rft.emulated0001AAAA"] * 2


@pytest.mark.parametrize(("access", "refresh"), [(7200, 15552000), (86400, 31536000), (1, 2)])
def test_t16_life_times_are_those_that_are_sent(access, refresh):
    token = World(access_lifetime=access, refresh_lifetime=refresh).log_in().token

    assert token.expires_at == NOON + timedelta(seconds=access)
    assert token.refresh_expires_at == NOON + timedelta(seconds=refresh)


def test_t16_after_a_refresh_the_numbers_are_what_remains():
    world = World()
    token = world.log_in().token
    world.clock.now += 7200
    fresh = world.kit.refresh("tiktok", token)

    assert fresh.expires_at == NOON + timedelta(seconds=14400)
    assert fresh.refresh_expires_at == token.refresh_expires_at == NOON + timedelta(days=180)


# T17, T18, T19: whose fault it is


@pytest.mark.parametrize("error", ["invalid_request", "invalid_grant"])
def test_t17_a_redirect_mismatch_is_our_set_up_under_either_word(error):
    with pytest.raises(ProviderMisconfigured, match="Redirect_uri is not matched"):
        log_in(tiktok_kit(scripted(token=oauth_error(error, REDIRECT_MISMATCH))))


def test_t17_a_verifier_mismatch_is_a_refusal_and_no_set_up():
    with pytest.raises(ProviderRejected, match=PKCE_MISMATCH):
        log_in(tiktok_kit(scripted(token=oauth_error("invalid_request", PKCE_MISMATCH))))


@pytest.mark.parametrize(
    ("settings", "parameter"),
    [
        ({"authkit.tiktok.client_key": "aw-of-another-app"}, "client_key"),
        ({"authkit.tiktok.redirect_uri": "https://other.example/callback"}, "redirect_uri"),
        ({"authkit.tiktok.scope": f"{BASIC},video.publish"}, "scope"),
    ],
)
def test_t18_what_is_wrong_with_the_app_stays_on_tiktok_s_page(settings, parameter):
    world = World(settings, app=App(CLIENT_KEY, CLIENT_SECRET, ALL_SCOPES, redirect_uris=(CALLBACK,)))

    with pytest.raises(ValueError, match=f"^TikTok shows an error page: {parameter} "):
        world.log_in()
    assert [sent.endpoint for sent in world.emulator.requests] == ["authorize", "consent"]


def test_t19_a_denial_is_the_user_s():
    network = scripted()

    with pytest.raises(AccessDenied) as caught:
        log_in(tiktok_kit(network), {"error": "access_denied", "error_description": "access_denied", "errCode": "-2"})
    assert caught.value.code == "access_denied"
    assert network.sent == []


def test_t19_a_denial_with_an_error_type_is_our_set_up():
    network = scripted()

    with pytest.raises(ProviderMisconfigured, match="access_denied: non_sandbox_target") as caught:
        log_in(tiktok_kit(network), {"error": "access_denied", "error_type": "non_sandbox_target"})
    assert caught.value.code == "provider_misconfigured"
    assert network.sent == []


# T20: the code


@pytest.mark.parametrize("code", [CODE, "a*1!4608.va", "a%2Ab+c", "100%"])
def test_t20_the_code_is_decoded_exactly_once(code):
    network = scripted()
    log_in(tiktok_kit(network), {"code": code, "scopes": BASIC})

    assert network.sent[0].form["code"] == code


def test_t20_the_code_is_read_from_the_callback_as_tiktok_writes_it():
    network = scripted()
    kit = tiktok_kit(network, random=random_of_the_samples())
    callback = f"{CALLBACK}?code=AbC-dEf_gHi%2A0%214608.va&scopes=user.info.basic&state={STATE}"
    complete(kit, kit.begin("tiktok"), callback)

    assert "&code=AbC-dEf_gHi%2A0%214608.va&" in network.sent[0].body


def test_t20_a_callback_without_a_code_is_refused():
    network = scripted()

    with pytest.raises(InvalidRequest):
        log_in(tiktok_kit(network), {"scopes": BASIC})
    assert network.sent == []


# T21, T22, T23: who it is


def test_t21_the_subject_is_the_open_id_and_there_is_no_email_no_nonce_and_no_id_token():
    network = scripted(
        token={**TOKEN, "id_token": "eyJ", "sub": "another"}, info=user_info(sub="another", email="a@b")
    )
    kit = tiktok_kit(network)
    begun = kit.begin("tiktok")
    login = complete(kit, begun)

    assert (login.profile.subject, login.profile.email, login.profile.email_verified) == (OPEN_ID, None, False)
    assert login.identity.key == f"v1:tiktok:{CLIENT_KEY}:{OPEN_ID}"
    assert sorted(query_of(begun.url)) == [
        "client_key",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ]
    assert {sent.url.partition("?")[0] for sent in network.sent} == {TOKEN_URL, USERINFO_URL}


@pytest.mark.parametrize("open_id", ["somebody-else", OPEN_ID.lower()])
def test_t21_the_open_ids_of_token_and_user_info_must_agree(open_id):
    with pytest.raises(ProviderProtocolError, match="name different users"):
        log_in(tiktok_kit(scripted(info=user_info(open_id=open_id))))


@pytest.mark.parametrize("open_id", [None, "", 7])
def test_t21_a_token_without_an_open_id_is_refused(open_id):
    network = scripted(token={**TOKEN, "open_id": open_id})

    with pytest.raises(ProviderProtocolError, match="the token answer has no open_id"):
        log_in(tiktok_kit(network))
    assert network.to("info") == []


def test_t22_the_handle_takes_its_scope_and_is_not_the_display_name():
    world = World({"authkit.tiktok.scope": f"{BASIC} {PROFILE}"})
    with_handle, without = world.log_in().profile, world.log_in(scopes=[BASIC]).profile

    assert (with_handle.display_name, with_handle.username) == ("Ada Tok", "ada.tok")
    assert (without.display_name, without.username) == ("Ada Tok", None)


def test_t23_the_avatar_s_signed_address_is_passed_on_untouched_and_anew_at_each_login():
    network = scripted()
    kit = tiktok_kit(network)
    first = log_in(kit).profile.avatar_url
    later = "https://p16-sign.tiktokcdn.example/a.jpeg?x-expires=1795309999&x-signature=a%2Bb%2Fc%3D"
    network.replies["info"] = user_info(avatar_url=later)

    assert (first, log_in(kit).profile.avatar_url) == (USER["avatar_url"], later)


# T24, T25, T26: redirect URIs and keys


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://app.example.test/cb?tenant=1", "static address"),
        (f"https://app.example.test/{'a' * 500}", "fewer than 512 characters"),
    ],
)
def test_t24_a_redirect_uri_that_tiktok_would_not_register_is_refused_at_start_up(uri, reason):
    with pytest.raises(ConfigError, match=f"authkit.tiktok.redirect_uri: .*{reason}"):
        tiktok_kit(scripted(), {"authkit.tiktok.redirect_uri": uri})


@pytest.mark.parametrize(
    "settings",
    [
        {"authkit.base_url": "http://localhost:6543", "authkit.tiktok.redirect_uri": None},
        {"authkit.tiktok.redirect_uri": "https://127.0.0.1/cb/"},
        {"authkit.tiktok.redirect_uri": "https://10.0.0.7/cb/"},
    ],
)
def test_t25_a_web_app_on_this_machine_is_told_what_to_do_instead(settings):
    with pytest.raises(ConfigError, match=r"public https address .* https tunnel, the emulator, or a desktop app"):
        tiktok_kit(scripted(), settings)


def test_t25_a_desktop_app_has_a_loopback_address_and_nothing_else():
    world = World(
        DESKTOP, app=App(CLIENT_KEY, CLIENT_SECRET, ALL_SCOPES, ("http://127.0.0.1:*/callback/",), "desktop")
    )
    world.log_in()

    assert world.sent("token")[0].form["redirect_uri"] == LOOPBACK_CALLBACK
    with pytest.raises(ConfigError, match="with a port and a path, for a desktop app"):
        tiktok_kit(scripted(), {"authkit.tiktok.platform": "desktop"})


def test_t25_with_the_emulator_on_this_machine_nothing_needs_to_be_registered():
    world = World()
    own = {f"authkit.tiktok.{key}": value for key, value in world.emulator.settings("http://127.0.0.1:8787").items()}
    settings = {**own, "authkit.base_url": "http://localhost:6543", "authkit.tiktok.redirect_uri": None}
    kit = tiktok_kit(scripted(), settings)

    assert query_of(kit.begin("tiktok").url)["redirect_uri"] == "http://localhost:6543/auth/tiktok/callback"


def test_t26_sandbox_and_production_stand_side_by_side_with_a_key_and_a_secret_each():
    network = scripted()
    kit = tiktok_kit(
        network,
        {
            "authkit.sandbox.provider": "tiktok",
            "authkit.sandbox.client_key": "sbawexample",
            "authkit.sandbox.client_secret": "canary-sandbox-secret",
        },
    )
    begun = kit.begin("sandbox")
    query = f"code={CODE}&state={query_of(begun.url)['state']}"
    login = kit.complete("sandbox", query, begun.cookies).login
    sent = network.sent[0].form

    assert query_of(begun.url)["redirect_uri"] == "https://app.example.test/auth/sandbox/callback"
    assert (sent["client_key"], sent["client_secret"]) == ("sbawexample", "canary-sandbox-secret")
    assert login.identity.key == f"v1:tiktok:sbawexample:{OPEN_ID}"
    assert login.identity != log_in(kit).identity


def test_t26_the_answer_to_one_registration_is_not_taken_by_the_other():
    network = scripted()
    sandbox = {"provider": "tiktok", "client_key": "sbaw", "client_secret": "canary"}
    kit = tiktok_kit(network, {f"authkit.sandbox.{key}": value for key, value in sandbox.items()})

    with pytest.raises(StateInvalid):
        complete(kit, kit.begin("sandbox"))
    assert network.sent == []


# T27 to T34


def test_t27_by_default_only_the_basic_scope_is_asked_for():
    assert tiktok.default_scope == (BASIC,)
    assert "&scope=user.info.basic&" in tiktok_kit(scripted()).begin("tiktok").url


def test_t27_a_scope_setting_without_the_basic_scope_is_refused_at_start_up():
    with pytest.raises(ConfigError, match=r"authkit\.tiktok\.scope lacks user\.info\.basic; add it"):
        tiktok_kit(scripted(), {"authkit.tiktok.scope": "user.info.profile user.info.stats"})


def test_t27_one_scope_that_is_not_approved_refuses_the_whole_login():
    world = World({"authkit.tiktok.scope": f"{BASIC} {STATS}"}, app=App(CLIENT_KEY, CLIENT_SECRET, (BASIC,)))

    with pytest.raises(ValueError, match=r"scope \(invalid_scope\)"):
        world.log_in()


def test_t28_the_access_token_is_revoked():
    network = scripted()
    kit = tiktok_kit(network)

    assert kit.revoke("tiktok", log_in(kit).token) is True
    assert (network.sent[-1].method, network.sent[-1].url) == ("POST", REVOKE_URL)
    assert fields_of(network.sent[-1].body) == [
        ("client_key", CLIENT_KEY),
        ("client_secret", CLIENT_SECRET),
        ("token", "act.emulated0001AAAA"),
    ]


def test_t28_the_app_is_disconnected_by_it():
    world = World()
    token = world.log_in().token
    world.kit.revoke("tiktok", token)

    with pytest.raises(ReauthRequired):
        world.kit.refresh("tiktok", token)
    with pytest.raises(ProviderRejected, match="access_token_invalid"):
        world.kit.clients["tiktok"].fetch_profile(token)


def test_t30_a_wrong_pair_of_key_and_secret_has_a_hint_for_the_operator(caplog):
    world = World({"authkit.tiktok.client_secret": "canary-secret-of-the-sandbox"})
    with pytest.raises(ProviderMisconfigured) as caught, caplog.at_level(logging.WARNING, "authkit.audit"):
        world.log_in()
    world.kit.failed(caught.value)

    assert caught.value.reason == (
        "invalid_client: Client key or secret is incorrect. "
        "Check key and secret; the sandbox and production have a pair each."
    )
    assert f"log_id={caught.value.log_id} cause=invalid_client: Client key or secret" in caplog.text
    assert "canary" not in caplog.text + str(caught.value) + caught.value.message


def test_t32_consent_can_be_asked_for_again_and_is_not_by_default():
    kit = tiktok_kit(scripted())

    assert "disable_auto_auth" not in kit.begin("tiktok").url
    assert kit.begin("tiktok", prompt="consent").url.endswith("&code_challenge_method=S256&disable_auto_auth=1")


def test_t32_consent_can_be_asked_for_at_each_login():
    kit = tiktok_kit(scripted(), {"authkit.tiktok.prompt": "consent"})

    assert query_of(kit.begin("tiktok").url)["disable_auto_auth"] == "1"


def test_t33_no_secret_is_in_any_address_and_the_verifier_not_in_the_first():
    network = scripted()
    kit = tiktok_kit(network, random=random_of_the_samples())
    begun = kit.begin("tiktok", prompt="consent")
    complete(kit, begun)
    addresses = "\n".join([begun.url, *(sent.url for sent in network.sent)])

    assert "client_secret" not in addresses
    for secret in (CLIENT_SECRET, VERIFIER, TOKEN["access_token"], TOKEN["refresh_token"], CODE):
        assert secret not in addresses
    assert network.to("info")[0].headers["Authorization"] == "Bearer act.emulated0001AAAA"


def test_t34_white_space_around_pasted_values_is_taken_off(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f"\n {CLIENT_SECRET}\r\n", encoding="utf-8")
    network = scripted()
    settings = {
        "authkit.tiktok.client_key": f"\t{CLIENT_KEY} \n",
        "authkit.tiktok.client_secret": None,
        "authkit.tiktok.client_secret_file": str(secret),
    }
    log_in(tiktok_kit(network, settings))

    assert (network.sent[0].form["client_key"], network.sent[0].form["client_secret"]) == (CLIENT_KEY, CLIENT_SECRET)


@pytest.mark.parametrize("pasted", ["aw example", "aw\u200bexample", "aw\nexample"])
def test_t34_white_space_inside_a_pasted_value_is_refused_at_start_up(pasted):
    with pytest.raises(ConfigError, match=r"authkit\.tiktok\.client_key: .* blank or an invisible character inside"):
        tiktok_kit(scripted(), {"authkit.tiktok.client_key": pasted})
    with pytest.raises(ConfigError, match=r"authkit\.tiktok\.client_secret: has a blank") as caught:
        tiktok_kit(scripted(), {"authkit.tiktok.client_secret": pasted})
    assert pasted not in str(caught.value)
