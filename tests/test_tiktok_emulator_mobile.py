"""Mobile apps at the emulated TikTok, whose SDKs send what no web app sends and are answered elsewhere."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import pytest
from tiktok_emulator_fakes import (
    ALL_SCOPES,
    BAD_VERIFIER,
    CHALLENGE,
    KEY,
    SECRET,
    VERIFIER,
    World,
    authorize_url,
    refusal,
)

from authkit_tiktok.emulator import App

LINK = "https://app.example.test/tiktok"
ANDROID_VERIFIER = "abcdefghijklmnopqrstuvwxyz012345"
ANDROID = {
    "redirect_uri": LINK,
    "code_challenge": sha256(ANDROID_VERIFIER.encode()).hexdigest(),
    "code_challenge_method": None,
    "sdk_name": "tiktok_sdk_auth",
    "device_platform": "android",
    "app_identity": sha256(b"test.example.app").hexdigest(),
    "certificate": "aa:bb",
    "lang": "en",
}
IOS = {
    "redirect_uri": LINK,
    "code_challenge_method": None,
    "request_id": "req 1",
    "app_identity": "0" * 128,
    "device_platform": "iphone",
    "sdk_name": "tiktok_sdk_auth",
    "sdk_version": "2.5.0",
    "from": "opensdk",
}
BRIDGE = f"{KEY}://response.bridge.tiktok.com/oauth?"


@pytest.fixture
def world():
    return World(app=App(KEY, SECRET, ALL_SCOPES, (LINK,), platform="mobile"))


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def test_an_android_app_logs_in_with_a_verifier_of_32_characters_and_no_method(world):
    callback = world.emulator.approve(authorize_url(ANDROID))
    token = world.exchange(query_of(callback)["code"], redirect_uri=LINK, code_verifier=ANDROID_VERIFIER)

    assert callback.startswith(f"{LINK}?code=")
    assert list(query_of(callback)) == ["code", "scopes", "state"]
    assert (token.json()["token_type"], world.broken) == ("Bearer", None)


@pytest.mark.parametrize("device", ["iphone", "ipad"])
def test_an_ios_app_that_went_to_the_browser_gets_the_answer_on_its_own_scheme(world, device):
    callback = world.emulator.approve(authorize_url({**IOS, "device_platform": device}))
    answer = query_of(callback)

    assert callback.startswith(f"{BRIDGE}code=")
    assert world.exchange(answer.pop("code"), redirect_uri=LINK).json()["scope"] == answer["scopes"]
    assert answer == {
        "scopes": "user.info.basic,user.info.profile",
        "state": "s7Qm2cVx",
        "request_id": "req 1",
        "response_id": "response-req 1",
        "error_code": "0",
        "from_platform": "tiktokopensdk",
    }
    assert "+" not in callback


def test_an_ios_app_that_went_to_tiktok_s_app_gets_the_answer_at_its_universal_link(world):
    url = authorize_url(IOS).replace("/v2/auth/authorize/", "/opensdk/oauth/")

    assert world.emulator.approve(url).startswith(f"{LINK}?code=")
    assert query_of(world.emulator.approve(url))["request_id"] == "req 1"


def test_the_scheme_of_an_ios_app_is_not_what_the_exchange_wants(world):
    code = query_of(world.emulator.approve(authorize_url(IOS)))["code"]

    assert refusal(world.exchange(code, redirect_uri=BRIDGE[:-1]))[0] == "invalid_request"


def test_a_user_who_cancels_is_told_of_in_the_numbers_of_each_sdk(world):
    assert query_of(world.emulator.deny(authorize_url(ANDROID))) == {
        "error": "access_denied",
        "error_description": "access_denied",
        "errCode": "-2",
        "state": "s7Qm2cVx",
    }
    assert query_of(world.emulator.deny(authorize_url(IOS))) == {
        "error": "access_denied",
        "error_description": "access_denied",
        "state": "s7Qm2cVx",
        "request_id": "req 1",
        "response_id": "response-req 1",
        "error_code": "-4",
        "from_platform": "tiktokopensdk",
    }


def test_a_refusal_without_a_number_has_the_common_one_on_ios():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="mobile", status="sandbox"))

    assert query_of(world.emulator.approve(authorize_url(IOS)))["error_code"] == "-1"


def test_the_parameters_of_the_sdks_mean_nothing_to_a_web_app():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, (LINK,), certificate="cc:dd"))

    assert list(query_of(world.emulator.approve(authorize_url({**IOS, "state": "x"})))) == ["code", "scopes", "state"]
    assert world.emulator.approve(authorize_url(ANDROID)).startswith(f"{LINK}?code=")


@pytest.mark.parametrize(
    ("changes", "error_type", "number", "rule"),
    [
        ({"code_challenge": None}, "code_challenge", "10007", "T4"),
        ({"code_challenge_method": "plain"}, "code_challenge_method", "10008", "T5"),
        ({"code_challenge_method": "s256"}, "code_challenge_method", "10008", "T5"),
        ({"code_challenge_method": ""}, "code_challenge_method", "10008", "T5"),
    ],
)
def test_a_mobile_app_has_to_send_a_challenge_and_no_other_method(world, changes, error_type, number, rule):
    query = query_of(world.browse({**ANDROID, **changes}).headers["Location"])

    assert (query["error"], query["error_type"], query["errCode"]) == ("param_error", error_type, number)
    assert world.broken == rule


def test_the_method_may_be_sent(world):
    assert world.browse({**ANDROID, "code_challenge_method": "S256"}).status_code == 200


def test_a_verifier_is_checked(world):
    code = query_of(world.emulator.approve(authorize_url(ANDROID)))["code"]

    assert refusal(world.exchange(code, redirect_uri=LINK, code_verifier=VERIFIER)) == BAD_VERIFIER
    assert world.broken == "T4"


@pytest.mark.parametrize(
    ("verifier", "rule"), [("a" * 31, "T6"), ("a" * 32, None), ("a" * 129, "T6"), ("é" * 32, "T6")]
)
def test_an_odd_verifier_is_taken_and_noted(world, verifier, rule):
    changes = {**ANDROID, "code_challenge": sha256(verifier.encode()).hexdigest()}
    code = query_of(world.emulator.approve(authorize_url(changes)))["code"]

    assert "access_token" in world.exchange(code, redirect_uri=LINK, code_verifier=verifier).json()
    assert world.broken == rule


@pytest.mark.parametrize("visit", ["browse", "consent"])
def test_an_android_app_with_another_certificate_is_sent_back_without_its_state(visit):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="mobile", certificate="cc:dd"))
    form = {"form": {"decision": "deny"}} if visit == "consent" else {}
    response = getattr(world, visit)(changes=ANDROID, **form)

    assert response.headers["Location"] == (
        f"{LINK}?error=invalid_client&errCode=10033"
        "&error_description=App%20certificate%20does%20not%20match%20configurations."
    )
    assert (world.broken, world.emulator.requests[-1].verdict) == ("login-kit-android:certificate", "invalid_client")


@pytest.mark.parametrize("certificate", ["aa:bb", None])
def test_the_right_certificate_and_none_at_all_are_taken(certificate):
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="mobile", certificate="aa:bb"))

    assert world.browse({**ANDROID, "certificate": certificate}).status_code == 200


def test_a_mobile_app_without_login_kit_is_told_so_in_its_callback():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, platform="mobile", has_login_kit=False))

    assert world.browse(ANDROID).headers["Location"] == f"{LINK}?error=server_error&errCode=10004"
    assert world.broken == "login-kit-overview:login-kit"


def test_a_mobile_app_may_come_without_state(world):
    world.browse({**ANDROID, "state": None})

    assert world.broken is None
    assert CHALLENGE not in repr(world.emulator.requests)
