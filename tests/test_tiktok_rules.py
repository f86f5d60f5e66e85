"""TikTok's errors, and the redirect URIs that it registers ("OAuth error handling", "Login Kit for Web")."""

from __future__ import annotations

import pytest
from tiktok_fakes import LOG_ID, oauth_error, resource_error

from authkit import Refusal
from authkit.errors import (
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    ScopeMissing,
)
from authkit_tiktok.rules import check_redirect_uri, read_error

WEB, DESKTOP = {"platform": "web"}, {"platform": "desktop"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": "act.1"},
        {"error": None},
        {"error": ""},
        {"data": {"user": {}}, "error": {"code": "ok", "message": "", "log_id": LOG_ID}},
    ],
    ids=["nothing", "a token", "null", "an empty text", "the code ok"],
)
def test_what_is_no_error_is_read_as_none(answer):
    assert read_error(answer) is None


def test_an_error_of_the_oauth_endpoints_is_a_text():
    data = oauth_error("invalid_grant", "Authorization code is expired.")

    assert read_error(data) == Refusal("invalid_grant", "Authorization code is expired.", LOG_ID, None)


def test_an_error_of_the_api_is_an_object():
    data = resource_error("access_token_invalid", "The access token is invalid or not found in the request.")

    assert read_error(data) == Refusal(
        "access_token_invalid",
        "The access token is invalid or not found in the request.",
        LOG_ID,
        ProviderRejected,
    )


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("access_token_invalid", ProviderRejected),
        ("internal_error", ProviderUnavailable),
        ("invalid_params", ProviderRejected),
        ("rate_limit_exceeded", ProviderRateLimited),
        ("scope_not_authorized", ScopeMissing),
        ("scope_permission_missed", ScopeMissing),
        ("invalid_file_upload", None),
        ("never_heard_of", None),
    ],
)
def test_each_code_of_the_api_has_its_meaning(code, meaning):
    assert read_error(resource_error(code)) == Refusal(code, "No.", LOG_ID, meaning)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ({}, "an error without a code"),
        ({"code": 10002}, "10002"),
        ({"code": None}, "None"),
        ({"code": ["ok"]}, "['ok']"),
        ({"code": "OK"}, "OK"),
    ],
    ids=["no code", "a number", "null", "a list", "capitals"],
)
def test_an_error_object_that_does_not_say_ok_is_an_error(error, word):
    assert read_error({"error": error}) == Refusal(word)


def test_texts_that_are_none_are_left_out():
    assert read_error({"error": {"code": "internal_error", "message": 7, "log_id": None}}) == Refusal(
        "internal_error", meaning=ProviderUnavailable
    )
    assert read_error({"error": "server_error", "error_description": [], "error_type": 3, "log_id": {}}) == Refusal(
        "server_error"
    )


@pytest.mark.parametrize("error", ["access_denied", "invalid_scope", "param_error", "unauthorized_client"])
def test_an_error_type_means_that_the_set_up_is_wrong(error):
    assert read_error({"error": error, "error_description": "No.", "error_type": "scope"}) == Refusal(
        error, "No. scope", meaning=ProviderMisconfigured
    )


def test_an_error_type_alone_is_description_enough():
    assert read_error({"error": "access_denied", "error_type": "non_sandbox_target"}) == Refusal(
        "access_denied", "non_sandbox_target", meaning=ProviderMisconfigured
    )


def test_a_denial_without_error_type_is_left_to_the_core():
    assert read_error({"error": "access_denied", "error_description": "access_denied", "errCode": "-2"}) == Refusal(
        "access_denied", "access_denied"
    )


@pytest.mark.parametrize("error", ["invalid_request", "invalid_grant"])
@pytest.mark.parametrize(
    "description",
    ["Redirect_uri is not matched with the uri when requesting code.", "Client secret is missed in request."],
)
def test_a_description_that_blames_our_settings_is_understood_under_either_error(error, description):
    assert read_error(oauth_error(error, description)) == Refusal(error, description, LOG_ID, ProviderMisconfigured)


def test_a_parameter_error_without_its_name_is_our_set_up_too():
    assert read_error({"error": "param_error"}) == Refusal("param_error", meaning=ProviderMisconfigured)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/auth/tiktok/callback",
        "https://app.example:8443/cb/",
        "https://app.example",
        "https://93.184.215.14/callback",
        f"https://app.example/{'a' * 491}",
    ],
)
def test_a_web_app_may_have_any_public_https_address(uri):
    assert len(uri) <= 511
    check_redirect_uri(uri, WEB)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb/",
        "https://localhost/cb/",
        "https://127.0.0.1:3455/cb/",
        "http://127.0.0.1:3455/cb/",
        "https://[::1]/cb/",
        "https://192.168.1.20/cb/",
        "https:///cb/",
    ],
)
def test_a_web_app_may_have_nothing_else(uri):
    with pytest.raises(ValueError, match=r"public https address for a web app; .* https tunnel, the emulator"):
        check_redirect_uri(uri, WEB)


@pytest.mark.parametrize(
    "uri",
    ["http://localhost:3455/callback/", "https://127.0.0.1:3455/callback/", "http://127.0.0.1:80/x"],
)
def test_a_desktop_app_may_have_a_loopback_address_with_port_and_path(uri):
    check_redirect_uri(uri, DESKTOP)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/callback/",
        "http://127.0.0.1:3455",
        "http://127.0.0.1:3455/",
        "http://[::1]:3455/callback/",
        "https://app.example:443/callback/",
    ],
    ids=["no port", "no path", "an empty path", "IPv6", "a public host"],
)
def test_a_desktop_app_may_have_nothing_else(uri):
    with pytest.raises(ValueError, match=r"localhost or 127\.0\.0\.1, with a port and a path"):
        check_redirect_uri(uri, DESKTOP)


@pytest.mark.parametrize("options", [WEB, DESKTOP])
@pytest.mark.parametrize("tail", ["?tenant=1", "?", "#top", "#"])
def test_a_redirect_uri_is_static(options, tail):
    with pytest.raises(ValueError, match="without a query and without a fragment"):
        check_redirect_uri(f"https://app.example/cb/{tail}", options)


@pytest.mark.parametrize("options", [WEB, DESKTOP])
def test_a_redirect_uri_is_shorter_than_512_characters(options):
    with pytest.raises(ValueError, match="fewer than 512 characters"):
        check_redirect_uri(f"https://app.example/{'a' * 492}", options)
