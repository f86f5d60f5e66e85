"""A provider as data: its defaults are the RFCs', and nobody changes it afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes import acme, read_acme

from authkit import OAuth2Provider, Option, Provider, Refusal, Secret, Token, errors, pkce, read_refusal
from authkit.provider import accept_redirect_uri, fetch_userinfo
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse


class RecordingApi:
    """An API that remembers what it is asked for."""

    userinfo_url = "https://acme.example/api/me"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, str] | None]] = []

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        self.asked.append((url, params))
        return {"id": "user-1"}

    def post_json(
        self, url: str, payload: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({}, None),
        ({"error": None}, None),
        ({"error": ""}, None),
        ({"access_token": "a"}, None),
        ({"error": "invalid_grant"}, Refusal("invalid_grant")),
        ({"error": "invalid_grant", "error_description": "no"}, Refusal("invalid_grant", "no")),
        ({"error": "invalid_grant", "error_description": 5}, Refusal("invalid_grant")),
        ({"error": False}, Refusal("an error that is no text")),
        ({"error": {"access_token": "canary"}}, Refusal("an error that is no text")),
    ],
)
def test_a_refusal_is_read_as_rfc_6749_writes_it(data: Mapping[str, Any], refusal: Refusal | None) -> None:
    assert read_refusal(data) == refusal


def test_the_defaults_are_those_of_the_rfcs() -> None:
    provider = OAuth2Provider(
        name="a",
        title="A",
        authorize_url="https://a.example/1",
        token_url="https://a.example/2",
        userinfo_url="https://a.example/3",
        profile=read_acme,
    )

    assert (provider.client_id_param, provider.token_auth, provider.scope_separator) == ("client_id", "basic", " ")
    assert (provider.revoke_url, provider.issuer) == ("", "")
    assert (provider.granted_scope_param, provider.subject_param) == ("", "")
    assert (provider.default_scope, provider.prompts, provider.options) == ((), {}, ())
    assert provider.events is None
    assert (provider.code_challenge, provider.read_error) == (pkce.s256, read_refusal)
    assert (provider.revoke_with, provider.userinfo) == ("refresh_token", fetch_userinfo)
    assert provider.check_redirect_uri is accept_redirect_uri


def test_the_fields_of_a_provider_are_given_by_name() -> None:
    with pytest.raises(TypeError, match="positional"):
        OAuth2Provider("a", "A", "https://a.example/1", "https://a.example/2", read_acme)  # type: ignore[misc]


def test_a_provider_needs_no_endpoint_for_user_info_that_it_fetches_in_another_way() -> None:
    provider = OAuth2Provider(
        name="a",
        title="A",
        authorize_url="https://a.example/1",
        token_url="https://a.example/2",
        userinfo=lambda api, token: {},
        profile=read_acme,
    )

    assert provider.userinfo_url == ""


def test_plg_12_a_provider_is_frozen_and_shares_nothing_with_its_plugin() -> None:
    scope, prompts = ["profile"], {"consent": {"ask": "1"}}
    provider = dataclasses.replace(acme, default_scope=scope, prompts=prompts)  # type: ignore[arg-type]  # a list
    scope.append("everything")
    prompts["consent"]["ask"] = "0"

    assert (provider.default_scope, provider.prompts) == (("profile",), {"consent": {"ask": "1"}})
    with pytest.raises(TypeError):
        provider.prompts["none"] = {}  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        provider.token_url = "https://evil.example"  # type: ignore[misc]


@pytest.mark.parametrize(
    "value",
    [
        Refusal("odd"),
        AuthorizationRequest("client", "https://app.example/cb", (), "state", Secret("v")),
        AuthorizationResponse({}, "https://app.example/cb", (), Secret("v")),
        Option("region", ("eu",), "eu", "where"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plg_12_what_a_provider_is_given_and_gives_is_frozen(value: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, "x")


def test_the_user_info_is_asked_for_without_parameters() -> None:
    api = RecordingApi()

    assert fetch_userinfo(api, Token(Secret("a"))) == {"id": "user-1"}
    assert api.asked == [("https://acme.example/api/me", None)]


def test_a_provider_of_its_own_kind_is_known_by_its_members() -> None:
    class Own:
        name, title, default_scope = "own", "Own", ()

        def client(self, client_id: str, client_secret: Secret, transport: object) -> None:
            raise NotImplementedError

    assert isinstance(Own(), Provider)
    assert not isinstance(acme, Provider)


def test_a_request_and_a_response_show_no_secret() -> None:
    request = AuthorizationRequest("client", "https://app.example/cb", ("a",), "canary", Secret("canary"))
    response = AuthorizationResponse({"code": "canary"}, "https://app.example/cb", ("a",), Secret("canary"))

    assert "canary" not in repr(request) + repr(response)


def test_every_redirect_uri_is_accepted_by_default() -> None:
    accept_redirect_uri("https://app.example/cb?x=y", {})


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("token_auth", "post", "token_auth must be one of: basic, body, none"),
        ("revoke_with", "both", "revoke_with must be one of: access_token, refresh_token"),
        ("default_scope", "profile email", "default_scope must be a tuple of texts, not a text"),
        ("basic_scope", "profile", "basic_scope must be a tuple of texts, not a text"),
        ("code_challenge", "S256", "code_challenge must be a function, or None"),
        ("profile", None, "profile must be a function"),
        ("read_error", "no", "read_error must be a function"),
        ("userinfo_url", "", "userinfo_url is missing"),
        ("authorize_url", "", "authorize_url '' is no absolute URL; write it as https://host/path"),
        (
            "authorize_url",
            "http://a.example/",
            "authorize_url 'http://a.example/' is http; write https, which may be missing on a loopback host only",
        ),
        (
            "authorize_url",
            "https://a.example/?kid=1&state=&client_id=c",
            "authorize_url sets client_id, state, which authkit sets by itself",
        ),
        ("prompts", {"again": {"scope": "all"}}, "prompts['again'] sets scope, which authkit sets by itself"),
        ("token_url", "", "token_url '' is no absolute URL; write it as https://host/path"),
        (
            "token_url",
            "a.example/token",
            "token_url 'a.example/token' is no absolute URL; write it as https://host/path",
        ),
        (
            "revoke_url",
            "https://u@a.example/",
            "revoke_url 'https://u@a.example/' has a user, a fragment or a port that it must not have",
        ),
    ],
)
def test_a_provider_that_could_not_work_is_refused_when_it_is_made(field: str, value: Any, problem: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        replace(acme, **{field: value})

    assert caught.value.reason == f"provider 'acme': {problem}"


def test_an_authorization_endpoint_and_a_prompt_may_have_parameters_of_their_own() -> None:
    url, prompts = "https://a.example/?client_id=1", {"again": {"prompt": "login", "client_id": "2"}}
    provider = replace(acme, authorize_url=url, prompts=prompts, client_id_param="client_key")

    assert (provider.authorize_url, provider.prompts) == (url, prompts)


def test_all_that_is_wrong_with_a_provider_is_said_at_once() -> None:
    with pytest.raises(errors.ConfigError) as caught:
        replace(acme, profile=None, code_challenge="S256")  # type: ignore[arg-type]

    assert caught.value.reason == (
        "provider 'acme': code_challenge must be a function, or None; profile must be a function"
    )


def test_a_provider_without_pkce_or_with_its_own_userinfo_is_fine() -> None:
    assert replace(acme, code_challenge=None).code_challenge is None
    assert replace(acme, userinfo_url="", userinfo=lambda api, token: {}).userinfo_url == ""
