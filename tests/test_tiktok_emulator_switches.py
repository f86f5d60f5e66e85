"""The switches of the emulated TikTok, one after the other."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tiktok_emulator_fakes import (
    ACCESS_ENDED,
    ALL_SCOPES,
    API,
    CALLBACK,
    KEY,
    LOOPBACK,
    MALFORMED,
    REFRESH_ENDED,
    SAMPLE_URL,
    SECRET,
    WRONG_CLIENT,
    World,
    authorize_url,
    code_form,
    refusal,
)

from authkit_tiktok.emulator import App, User

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def callback_of(world, changes=None):
    return parse_qs(urlsplit(world.browse(changes).headers["Location"]).query, keep_blank_values=True)


def test_every_switch_can_be_turned_while_it_runs():
    world = World()
    board = world.emulator.workbench.switches
    for described in board.describe():
        for choice in described.choices or ("0", "7"):
            board.turn(described.name, choice)
            assert {switch.name: switch.value for switch in board.describe()}[described.name] == choice


# Tokens


@pytest.mark.parametrize("rotation", [True, False])
def test_a_refresh_may_start_the_lifetime_of_a_login_anew(rotation):
    world = World(refresh_clock="restarts", refresh_lifetime=100, rotation=rotation)
    token = world.tokens()["refresh_token"]
    for _ in range(3):
        world.clock.now += 99
        answer = world.refresh(token).json()
        token = answer["refresh_token"]
        assert answer["refresh_expires_in"] == 100
    world.clock.now += 100

    assert refusal(world.refresh(token)) == REFRESH_ENDED


def test_an_unknown_token_may_be_revoked_as_if_it_were_known():
    world = World(unknown_revoke="ignored")
    tokens = world.tokens()

    for token, rule in (("act.unknown", "revoke-a-user-access-token:token"), (tokens["refresh_token"], "T28")):
        response = world.revoke(token)
        assert (response.status_code, response.content, world.broken) == (200, b"{}", rule)
    assert refusal(world.revoke("")) == MALFORMED
    assert "access_token" in world.refresh(tokens["refresh_token"]).json()


def test_an_unknown_token_is_refused_otherwise():
    assert refusal(World().revoke("act.unknown")) == ACCESS_ENDED


# Forms


@pytest.fixture
def lenient():
    return World(form="lenient")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded; charset=utf-8"])
def test_a_charset_may_be_taken_and_is_noted(lenient, content_type):
    body = urlencode(code_form(lenient.code()))

    assert "access_token" in lenient.post(form=body, headers={"Content-Type": content_type}).json()
    assert lenient.broken == "T8"


def test_json_may_be_taken_and_is_noted(lenient):
    assert "access_token" in lenient.post(json=code_form(lenient.code())).json()
    assert lenient.broken == "T8"


def test_basic_authentication_may_be_taken_and_is_noted(lenient):
    form = code_form(lenient.code(), client_key=None, client_secret=None)

    assert "access_token" in lenient.post(form=form, auth=(KEY, SECRET)).json()
    assert lenient.broken == "T7"


def test_key_and_secret_are_decoded_from_basic_as_the_rfc_has_it():
    world = World(app=App("aw:1", "s +%", ALL_SCOPES), form="lenient")
    header = b64encode(b"aw%3A1:s+%2B%25").decode()
    form = {"grant_type": "client_credentials"}

    assert "access_token" in world.post(form=form, headers={"Authorization": f"Basic {header}"}).json()


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic /w==", f"Basic {b64encode(b'no colon').decode()}", "Basic é"]
)
def test_broken_basic_authentication_has_neither_key_nor_secret(lenient, header):
    headers = {"Authorization": header.encode("latin-1"), **FORM}

    assert refusal(lenient.post(form={"grant_type": "client_credentials"}, headers=headers)) == MALFORMED


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"[" * 20000, b'{"client_key": 1, "client_secret": null}', b"\xff", b"NaN"]
)
def test_json_that_is_no_form_is_malformed_all_the_same(lenient, body):
    assert refusal(lenient.post(form=body, headers={"Content-Type": "application/json"})) == MALFORMED


def test_half_a_character_in_json_matches_nothing(lenient):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="desktop"), form="lenient")
    code = world.code(changes={"redirect_uri": LOOPBACK})
    body = json.dumps(code_form(code, redirect_uri=LOOPBACK, code_verifier="\ud800"))

    assert refusal(world.post(form=body, headers={"Content-Type": "application/json"}))[0] == "invalid_request"
    body = json.dumps(code_form("x", client_secret="\udfff"))
    assert refusal(lenient.post(form=body, headers={"Content-Type": "application/json"})) == WRONG_CLIENT


# Addresses

SLASHLESS = [
    ("POST", "/oauth/token"),
    ("POST", "/oauth/revoke"),
    ("GET", "/user/info"),
    ("POST", "/video/list"),
    ("POST", "/video/query"),
    ("POST", "/oauth/get_qrcode"),
    ("POST", "/oauth/check_qrcode"),
]


@pytest.mark.parametrize(("method", "path"), SLASHLESS)
def test_a_missing_slash_is_not_found(method, path):
    world = World()
    response = world.http.request(method, API + path)

    assert (response.status_code, response.content) == (404, b"")
    assert (world.broken, world.emulator.requests[-1].verdict) == ("T9", "Not Found")


@pytest.mark.parametrize(("method", "path"), SLASHLESS)
def test_a_missing_slash_may_lead_to_the_address_that_has_it(method, path):
    world = World(slashless="301")
    response = world.http.request(method, f"{API}{path}?fields=a,b", allow_redirects=False)
    bare = world.http.request(method, API + path, allow_redirects=False)
    last = path.rpartition("/")[2]

    assert (response.status_code, world.broken) == (301, "T9")
    assert (response.headers["Location"], bare.headers["Location"]) == (f"{last}/?fields=a%2Cb", f"{last}/")


def test_a_client_that_follows_the_redirect_reads_a_profile():
    world = World(slashless="301")
    headers = {"Authorization": f"Bearer {world.tokens()['access_token']}"}
    response = world.http.get(f"{API}/user/info?fields=open_id", headers=headers)

    assert (response.status_code, response.url) == (200, f"{API}/user/info/?fields=open_id")


# Platform


@pytest.mark.parametrize(
    ("platform", "redirect_uri", "parameter"),
    [
        ("web", CALLBACK, None),
        ("web-strict", CALLBACK, "code_challenge"),
        ("mobile", CALLBACK, "code_challenge"),
        ("desktop", LOOPBACK, "code_challenge"),
        ("desktop", CALLBACK, "redirect_uri"),
    ],
)
def test_every_app_may_be_taken_for_one_of_another_platform(platform, redirect_uri, parameter):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="desktop"), platform=platform)
    response = world.browse({"redirect_uri": redirect_uri, "code_challenge": None})

    if parameter:
        assert f"error_type={parameter}" in response.headers["Location"]
    else:
        assert response.status_code == 200
    assert world.emulator.tables()[1].rows[0][3] == platform


# Consent


def test_consent_may_be_given_without_a_page():
    world = World(consent="auto-approve")
    callback = callback_of(world, {"disable_auto_auth": "1"})

    assert callback["scopes"] == ["user.info.basic,user.info.profile"]
    assert world.exchange(callback["code"][0]).json()["open_id"] == world.emulator.users[0].open_id


@pytest.mark.parametrize(
    ("scope", "granted"), [("video.list,user.info.basic", "user.info.basic"), ("video.list", "")]
)
def test_consent_may_be_given_to_the_basic_scope_alone(scope, granted):
    assert callback_of(World(consent="partial"), {"scope": scope})["scopes"] == [granted]


def test_consent_may_be_refused_without_a_page():
    world = World(consent="deny")

    assert world.browse().headers["Location"] == world.emulator.deny(SAMPLE_URL)
    assert "error=access_denied&error_description=access_denied&errCode=-2" in world.emulator.approve(SAMPLE_URL)
    assert (world.broken, world.emulator.requests[-1].verdict) == (None, "access_denied")


def test_every_user_may_be_none_of_the_sandbox():
    world = World(consent="non-sandbox-target")

    assert world.browse().headers["Location"] == (
        f"{CALLBACK}?error=access_denied&error_type=non_sandbox_target&state=s7Qm2cVx"
    )
    assert world.broken == "add-a-sandbox:target-users"


def test_a_wrong_request_is_refused_whatever_the_switch_says():
    for consent in ("auto-approve", "partial", "deny", "non-sandbox-target"):
        assert "error_type=scope" in World(consent=consent).browse({"scope": "x"}).headers["Location"]


def test_what_was_allowed_without_a_page_is_remembered_as_if_there_had_been_one():
    world = World()
    world.consent({"decision": "allow", "user": world.open_id(), "scope": ["user.info.basic"]})
    assert world.browse().status_code == 200
    world.emulator.workbench.switches.turn("consent", "auto-approve")
    world.browse()
    world.emulator.workbench.switches.turn("consent", "page")

    assert world.browse().status_code == 302


def test_a_form_that_was_opened_before_is_taken_whatever_the_switch_says():
    world = World(consent="deny")
    user = world.emulator.users[0].open_id

    assert "code=" in world.consent({"decision": "allow", "user": user}).headers["Location"]


# Avatars


def avatar_of(world, token, name="avatar_url"):
    return world.userinfo(token, name).json()["data"]["user"][name]


def test_an_avatar_is_signed_anew_for_six_hours():
    world = World(access_lifetime=86400)
    token = world.tokens()["access_token"]
    first = avatar_of(world, token)
    world.clock.now += 1
    second = avatar_of(world, token)
    queries = [parse_qs(urlsplit(url).query) for url in (first, second)]

    assert first.partition("?")[0] == second.partition("?")[0] == world.emulator.users[0].avatar_url
    assert [query["x-expires"] for query in queries] == [["1795284000"], ["1795284001"]]
    assert queries[0]["x-signature"] != queries[1]["x-signature"]


def test_the_lifetime_of_an_avatar_can_be_set():
    world = World(avatar_lifetime=60)

    assert "?x-expires=1795262460&" in avatar_of(world, world.tokens()["access_token"], "avatar_large_url")


@pytest.mark.parametrize(
    "url", ["https://a.example/me.png", "https://p16-sign.tiktokcdn.example/me.png?x-expires=1", "/me.png", ""]
)
def test_an_avatar_of_ones_own_is_sent_as_it_is_written(url):
    world = World(users=[User(open_id="o", union_id="u", display_name="Me", username="me", avatar_url=url)])

    assert avatar_of(world, world.tokens()["access_token"]) == url


def test_the_sample_request_stays_what_it_is():
    assert authorize_url() == SAMPLE_URL
