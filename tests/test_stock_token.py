"""The stock emulator's token endpoint, held to the RFCs with plain requests."""

from __future__ import annotations

import base64
from urllib.parse import quote, quote_plus, urlencode

import pytest
from stock_world import CLIENT_ID, OTHER, REVOKE, SECRET, TOKEN, VERIFIER, World, as_other, error_of, provider

from authkit.emulator.stock import rules


@pytest.fixture
def world():
    return World()


def basic(text):
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


# Codes


def test_a_code_becomes_tokens_5_1(world):
    response = world.exchange(world.code())
    tokens = response.json()

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    assert list(tokens) == ["access_token", "token_type", "expires_in", "refresh_token", "scope"]
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "profile email")
    assert world.userinfo(tokens["access_token"]).json()["login"] == "ada"
    assert world.broken is None


def test_the_user_is_named_where_the_provider_does_so():
    world = World(provider(subject_param="account"))

    assert world.tokens(user="zoe")["account"] == "1000003"


def test_the_tokens_are_for_the_scopes_that_the_user_granted(world):
    assert world.tokens(scopes=["email"])["scope"] == "email"
    assert world.tokens(scopes=[])["scope"] == ""


def test_a_code_is_used_once_and_used_again_revokes_what_came_of_it(world):
    code = world.code()
    tokens, others = world.exchange(code).json(), world.tokens()

    assert error_of(world.exchange(code)) == (400, "invalid_grant")
    assert world.broken == rules.CODE_ONCE
    assert world.userinfo(tokens["access_token"]).status_code == 401
    assert error_of(world.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert world.userinfo(others["access_token"]).status_code == 200


def test_the_reuse_of_a_code_revokes_what_was_refreshed_too(world):
    code = world.code()
    fresh = world.refresh(world.exchange(code).json()["refresh_token"]).json()
    world.clock.now += 3000
    world.exchange(code)

    assert world.userinfo(fresh["access_token"]).status_code == 401
    assert error_of(world.refresh(fresh["refresh_token"])) == (400, "invalid_grant")


def test_another_client_cannot_use_a_code_nor_use_it_up(world):
    code = world.code()

    assert error_of(world.exchange(code, **as_other())) == (400, "invalid_grant")
    assert world.broken == rules.CODE_OF_CLIENT
    tokens = world.exchange(code).json()
    assert error_of(world.exchange(code, **as_other())) == (400, "invalid_grant")
    assert world.userinfo(tokens["access_token"]).status_code == 200


def test_a_code_lives_for_a_minute(world):
    code, late = world.code(), world.code()
    world.clock.now += 59
    assert world.exchange(code).status_code == 200
    world.clock.now += 1

    assert error_of(world.exchange(late)) == (400, "invalid_grant")
    assert world.broken == rules.CODE_SHORT


def test_an_unknown_code_is_refused(world):
    assert error_of(world.exchange("x")) == (400, "invalid_grant")
    assert world.broken == rules.CODE_SHORT


@pytest.mark.parametrize("uri", [None, "https://app.example/callback/", "https://app.example/other"])
def test_a_code_needs_the_redirect_uri_that_it_was_asked_for_with(world, uri):
    code = world.code()

    assert error_of(world.exchange(code, redirect_uri=uri)) == (400, "invalid_grant")
    assert world.broken == rules.CODE_OF_REDIRECT
    assert (world.exchange(code).status_code, world.broken) == (400, rules.CODE_ONCE)


WRONG_VERIFIERS = {
    "none": (None, "invalid_grant", rules.VERIFIER_GIVEN),
    "empty": ("", "invalid_grant", rules.VERIFIER_GIVEN),
    "another": ("x" * 43, "invalid_grant", rules.VERIFIER_RIGHT),
    "too short": ("x" * 42, "invalid_request", rules.VERIFIER_FORM),
    "too long": ("x" * 129, "invalid_request", rules.VERIFIER_FORM),
    "odd": ("x" * 42 + "+", "invalid_request", rules.VERIFIER_FORM),
    "with a line break": ("x" * 43 + "\n", "invalid_request", rules.VERIFIER_FORM),
}


@pytest.mark.parametrize(("verifier", "error", "rule"), WRONG_VERIFIERS.values(), ids=WRONG_VERIFIERS)
def test_a_wrong_verifier_is_refused(world, verifier, error, rule):
    assert error_of(world.exchange(world.code(), code_verifier=verifier)) == (400, error)
    assert world.broken == rule


def test_a_verifier_without_a_challenge_is_a_downgrade_9700_4_8_2():
    world = World(switches={"pkce": "optional"})
    code = world.code(code_challenge=None, code_challenge_method=None)

    assert error_of(world.exchange(code, code_verifier=VERIFIER)) == (400, "invalid_grant")
    assert world.broken == rules.NO_DOWNGRADE


# Refreshing


def test_a_refresh_replaces_both_tokens(world):
    old = world.tokens()
    new = world.refresh(old["refresh_token"]).json()

    assert sorted(new) == sorted(old)
    assert new["scope"] == "profile email"
    assert {old["access_token"], old["refresh_token"]}.isdisjoint(new.values())
    assert world.userinfo(old["access_token"]).status_code == 200
    assert world.userinfo(new["access_token"]).status_code == 200


def test_a_replaced_refresh_token_ends_all_its_successors_9700_4_14_2(world):
    old, others = world.tokens(), world.tokens()
    new = world.refresh(old["refresh_token"]).json()

    assert error_of(world.refresh(old["refresh_token"])) == (400, "invalid_grant")
    assert world.broken == rules.REFRESH_ONCE
    assert world.userinfo(old["access_token"]).status_code == 401
    assert world.userinfo(new["access_token"]).status_code == 401
    assert error_of(world.refresh(new["refresh_token"])) == (400, "invalid_grant")
    assert world.broken == rules.REFRESH_VALID
    assert world.refresh(others["refresh_token"]).status_code == 200


def test_another_client_cannot_use_a_refresh_token_nor_end_it(world):
    old = world.tokens()["refresh_token"]
    new = world.refresh(old).json()["refresh_token"]

    for token in (old, new):
        assert error_of(world.refresh(token, **as_other())) == (400, "invalid_grant")
        assert world.broken == rules.REFRESH_OF_CLIENT
    assert world.refresh(new).status_code == 200


def test_without_rotation_a_refresh_token_stays():
    world = World(switches={"rotation": False})
    old = world.tokens()["refresh_token"]

    assert [world.refresh(old).json()["refresh_token"] for _ in range(2)] == [old, old]


def test_the_scope_of_a_refresh_may_shrink_and_grow_back_but_no_further(world):
    tokens = world.tokens()
    narrow = world.refresh(tokens["refresh_token"], scope="email").json()
    wide = world.refresh(narrow["refresh_token"], scope="email profile").json()

    assert (narrow["scope"], wide["scope"]) == ("email", "email profile")
    assert error_of(world.refresh(wide["refresh_token"], scope="email admin")) == (400, "invalid_scope")
    assert world.broken == rules.REFRESH_SCOPE
    assert world.refresh(wide["refresh_token"]).json()["scope"] == "profile email"


def test_tokens_end_when_the_switches_say():
    world = World(switches={"access_lifetime": 10, "refresh_lifetime": 20})
    tokens = world.tokens()
    world.clock.now += 10
    assert (tokens["expires_in"], world.userinfo(tokens["access_token"]).status_code) == (10, 401)
    fresh = world.refresh(tokens["refresh_token"]).json()
    world.clock.now += 20

    assert error_of(world.refresh(fresh["refresh_token"])) == (400, "invalid_grant")
    assert world.broken == rules.REFRESH_VALID


# Malformed requests


MALFORMED = {
    "no grant type": ({"grant_type": None}, "invalid_request", rules.GRANT_TYPE_GIVEN),
    "no code": ({"grant_type": "authorization_code"}, "invalid_request", rules.GRANT_TYPE_GIVEN),
    "an empty code": ({"grant_type": "authorization_code", "code": ""}, "invalid_request", rules.GRANT_TYPE_GIVEN),
    "no refresh token": ({"grant_type": "refresh_token"}, "invalid_request", rules.GRANT_TYPE_GIVEN),
    "a password": ({"grant_type": "password"}, "unsupported_grant_type", rules.GRANT_TYPE_KNOWN),
}


@pytest.mark.parametrize(("form", "error", "rule"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token_request_is_refused(world, form, error, rule):
    assert error_of(world.token(**form)) == (400, error)
    assert world.broken == rule


ENDPOINTS = [
    (TOKEN, rules.TOKEN_BY_POST, rules.TOKEN_BY_FORM, rules.TOKEN_ONCE),
    (REVOKE, rules.REVOKE_BY_POST, rules.REVOKE_BY_FORM, rules.REVOKE_ONCE),
]


@pytest.mark.parametrize(("url", "by_post", "by_form", "once"), ENDPOINTS)
def test_what_clients_call_takes_forms_by_post_with_every_parameter_once(world, url, by_post, by_form, once):
    got = world.http.get(url, params={"grant_type": "refresh_token"})
    assert (error_of(got), got.headers["Allow"], world.broken) == ((405, "invalid_request"), "POST", by_post)
    for options in ({"json": {"token": "x"}}, {"data": b"token=x"}, {"files": {"token": "x"}}):
        assert error_of(world.http.post(url, **options)) == (400, "invalid_request")
        assert world.broken == by_form
    twice = world.post(url, [("client_id", CLIENT_ID), ("client_secret", SECRET), ("token", "x"), ("token", "x")])
    assert (error_of(twice), world.broken) == ((400, "invalid_request"), once)
    assert (world.http.put(url).status_code, world.emulator.requests[-1].endpoint) == (405, "")


def test_a_content_type_may_have_parameters(world):
    body = urlencode({"client_id": CLIENT_ID, "client_secret": SECRET, "token": "x"})
    headers = {"Content-Type": "Application/X-WWW-Form-URLencoded ; charset=UTF-8"}

    assert world.http.post(REVOKE, data=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "query", ["client_secret=x", "code=x", "code_verifier=x", "refresh_token=x", "token=x", "token=x&token=x"]
)
def test_a_secret_in_the_address_is_refused_2_3_1(world, query):
    response = world.post(f"{TOKEN}?{query}", {"client_id": CLIENT_ID, "client_secret": SECRET})

    assert (error_of(response), world.broken) == ((400, "invalid_request"), rules.SECRETS_IN_BODY)


def test_another_query_is_the_endpoint_s_own_3_2(world):
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "token": "x"}

    assert world.post(f"{REVOKE}?tenant=1", form).status_code == 200


# Client authentication


def try_client(world, form=None, headers=None):
    """Revoke a token that does not exist: 200 for a client, an error for others."""
    return world.post(REVOKE, {"token": "x", **(form or {})}, headers=headers)


def test_the_secret_is_in_the_form_where_the_provider_wants_it(world):
    assert try_client(world, {"client_id": CLIENT_ID, "client_secret": SECRET}).status_code == 200
    assert try_client(world, as_other()).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"client_id": CLIENT_ID},
        {"client_secret": SECRET},
        {"client_id": "x", "client_secret": SECRET},
        {"client_id": CLIENT_ID, "client_secret": "x"},
        {"client_id": CLIENT_ID, "client_secret": OTHER.client_secret},
    ],
)
def test_a_client_that_is_unknown_or_has_no_proof_is_refused_5_2(world, form):
    response = try_client(world, form)

    assert (error_of(response), "WWW-Authenticate" in response.headers) == ((401, "invalid_client"), False)
    assert world.broken == rules.CLIENT_AUTHENTICATED


def test_the_client_id_goes_by_the_provider_s_name_for_it():
    world = World(provider(client_id_param="app_key"))

    assert try_client(world, {"app_key": CLIENT_ID, "client_secret": SECRET}).status_code == 200
    assert error_of(try_client(world, {"client_id": CLIENT_ID, "client_secret": SECRET})) == (401, "invalid_client")


@pytest.fixture
def by_header():
    return World(provider(token_auth="basic"))


@pytest.mark.parametrize("encode", [quote_plus, lambda text: quote(text, safe="")])
def test_http_basic_has_id_and_secret_form_encoded_2_3_1(by_header, encode):
    headers = basic(f"{encode(CLIENT_ID)}:{encode(SECRET)}")

    assert try_client(by_header, headers=headers).status_code == 200
    assert try_client(by_header, {"client_id": CLIENT_ID}, headers).status_code == 200


def test_http_basic_without_encoding_is_named_for_what_it_is(by_header):
    response = try_client(by_header, headers=basic(f"{CLIENT_ID}:{SECRET}"))

    assert (error_of(response), by_header.broken) == ((401, "invalid_client"), rules.CLIENT_ENCODED)


ID = quote(CLIENT_ID)
BAD_HEADERS = {
    "a wrong secret": basic(f"{ID}:x"),
    "no secret": basic(ID),
    "an unknown client": basic(f"x:{quote_plus(SECRET)}"),
    "nothing": basic(""),
    "no Base64": {"Authorization": "Basic !"},
    "no ASCII": {"Authorization": "Basic \xfc".encode("latin-1")},
    "nothing after the scheme": {"Authorization": "Basic"},
    "no text": {"Authorization": f"Basic {base64.b64encode(bytes([255, 58, 255])).decode()}"},
}


@pytest.mark.parametrize("headers", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_wrong_basic_header_is_refused_with_a_challenge_5_2(by_header, headers):
    response = try_client(by_header, headers=headers)

    assert (error_of(response), by_header.broken) == ((401, "invalid_client"), rules.CLIENT_AUTHENTICATED)
    assert response.headers["WWW-Authenticate"] == 'Basic realm="acme", charset="UTF-8"'


RIGHT = basic(f"{ID}:{quote_plus(SECRET)}")
WRONG_WAYS = {
    "form for basic": ("basic", {"client_id": CLIENT_ID, "client_secret": SECRET}, None, True),
    "nothing for basic": ("basic", {}, None, True),
    "bearer for basic": ("basic", {}, {"Authorization": "Bearer x"}, True),
    "basic for body": ("body", {}, RIGHT, True),
    "basic for a public client": ("none", {"client_id": CLIENT_ID}, RIGHT, True),
    "a secret of a public client": ("none", {"client_id": CLIENT_ID, "client_secret": SECRET}, None, False),
}


@pytest.mark.parametrize(("method", "form", "headers", "has_challenge"), WRONG_WAYS.values(), ids=WRONG_WAYS)
def test_a_client_authenticates_as_the_provider_has_it_2_3(method, form, headers, has_challenge):
    world = World(provider(token_auth=method))
    response = try_client(world, form, headers)

    assert (error_of(response), world.broken) == ((401, "invalid_client"), rules.CLIENT_METHOD)
    assert ("WWW-Authenticate" in response.headers) == has_challenge


@pytest.mark.parametrize("method", ["basic", "body", "none"])
def test_two_ways_of_authentication_are_one_too_many_2_3(method):
    world = World(provider(token_auth=method))
    response = try_client(world, {"client_id": CLIENT_ID, "client_secret": SECRET}, RIGHT)

    assert (error_of(response), world.broken) == ((400, "invalid_request"), rules.CLIENT_ONE_METHOD)


def test_header_and_form_name_the_same_client(by_header):
    response = try_client(by_header, {"client_id": OTHER.client_id}, RIGHT)

    assert (error_of(response), by_header.broken) == ((400, "invalid_request"), rules.CLIENT_ONE_METHOD)


def test_a_public_client_has_an_id_and_nothing_else():
    world = World(provider(token_auth="none"))

    assert try_client(world, {"client_id": CLIENT_ID}).status_code == 200
    assert error_of(try_client(world)) == (400, "invalid_request")
    assert world.broken == rules.PUBLIC_CLIENT
    assert error_of(try_client(world, {"client_id": "x"})) == (401, "invalid_client")
    assert world.broken == rules.CLIENT_AUTHENTICATED


def test_the_rules_name_their_sections():
    stated = [rule for name, rule in vars(rules).items() if name.isupper() and name != "TITLES"]

    assert len({rule.text for rule in stated}) == len(stated)
    assert all(
        rule.url == f"https://www.rfc-editor.org/rfc/rfc{rule.id[4:8]}#section-{rule.id[10:]}" for rule in stated
    )
    assert rules.CODE_OF_CLIENT.source == "RFC 6749, The OAuth 2.0 Authorization Framework, section 4.1.3"
