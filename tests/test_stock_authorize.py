"""The stock emulator's authorization endpoint, held to the RFCs with plain requests."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from stock_world import CALLBACK, CHALLENGE, CLIENT_ID, SECRET, VERIFIER, World, error_of, provider, query_of

from authkit import pkce
from authkit.emulator import StockClient
from authkit.emulator.stock import rules


@pytest.fixture
def world():
    return World()


def registered(*uris, scopes=()):
    return World(clients=[StockClient(CLIENT_ID, SECRET, uris, scopes)])


# Asking the user


def test_a_right_request_shows_the_consent_page(world):
    response = world.browse()
    page = BeautifulSoup(response.text, "html.parser")

    assert response.status_code == 200
    assert page.h1.text == "Example app wants to access your Acme account"
    assert [box["value"] for box in page.select("[name=scope]")] == ["profile", "email"]
    assert [(radio["value"], "checked" in radio.attrs) for radio in page.select("[name=user]")] == [
        ("0", True),
        ("1", False),
        ("2", False),
    ]
    assert [label.text for label in page.select("#users small")] == ["@ada", "@ben", "@zoe"]
    assert "<b>Łukasz" not in response.text
    assert world.broken is None


def test_continue_goes_back_with_a_code_and_the_state(world):
    response = world.consent({"user": "1", "scope": ["profile"], "decision": "allow"})
    query = query_of(response.headers["Location"])

    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{CALLBACK}?code=")
    assert (sorted(query), query["state"]) == (["code", "state"], "xyz")
    assert world.exchange(query["code"]).json()["scope"] == "profile"


def test_cancel_goes_back_with_an_error_and_the_state(world):
    query = query_of(world.consent({"decision": "deny"}).headers["Location"])

    assert query == {"error": "access_denied", "error_description": "The user said no.", "state": "xyz"}


def test_no_state_means_none_in_the_answer(world):
    for state in (None, ""):
        assert sorted(query_of(world.consent({"decision": "deny"}, state=state).headers["Location"])) == [
            "error",
            "error_description",
        ]


@pytest.mark.parametrize("form", [{}, {"decision": "allow"}, {"user": "3", "decision": "allow"}, {"user": "0"}])
def test_a_consent_form_that_is_not_filled_in_is_shown_again(world, form):
    response = world.consent(form)

    assert (response.status_code, "wants to access" in response.text) == (400, True)


def test_the_query_of_a_redirect_uri_stays_3_1_2(world):
    location = world.consent({"decision": "deny"}, redirect_uri=f"{CALLBACK}?tenant=1").headers["Location"]

    assert location.startswith(f"{CALLBACK}?tenant=1&error=access_denied&")


def test_unknown_parameters_are_ignored_3_1(world):
    assert world.browse("&prompt=login&x=1").status_code == 200


def test_the_granted_scopes_are_named_where_the_provider_does_so():
    world = World(provider(granted_scope_param="granted", scope_separator=","))
    url = world.emulator.approve(world.url(scope="profile,email"))

    assert query_of(url)["granted"] == "profile,email"


def test_the_issuer_is_named_by_a_switch_on_success_and_on_errors():
    world = World(switches={"iss": True})

    assert query_of(world.emulator.approve(world.url()))["iss"] == "https://acme.example"
    assert query_of(world.emulator.deny(world.url()))["iss"] == "https://acme.example"
    assert query_of(world.browse(response_type="token").headers["Location"])["iss"] == "https://acme.example"


def test_the_issuer_of_a_provider_that_has_one_is_named_at_once():
    world = World(provider(issuer="https://login.acme.example"))

    assert query_of(world.emulator.approve(world.url()))["iss"] == "https://login.acme.example"


# Refused on a page: nobody is sent anywhere


DISTRUSTED = {
    "no client": ({"client_id": None}, "", rules.CLIENT_KNOWN),
    "an unknown client": ({"client_id": "x"}, "", rules.CLIENT_KNOWN),
    "two clients": ({}, "&client_id=other", rules.AUTHORIZE_ONCE),
    "two redirect URIs": ({}, "&redirect_uri=https://evil.example/", rules.AUTHORIZE_ONCE),
    "no redirect URI": ({"redirect_uri": None}, "", rules.REDIRECT_GIVEN),
    "a fragment": ({"redirect_uri": f"{CALLBACK}#top"}, "", rules.REDIRECT_NO_FRAGMENT),
    "an empty fragment": ({"redirect_uri": f"{CALLBACK}#"}, "", rules.REDIRECT_NO_FRAGMENT),
    "plain http": ({"redirect_uri": "http://app.example/cb"}, "", rules.REDIRECT_SECURE),
    "a path": ({"redirect_uri": "/callback"}, "", rules.REDIRECT_SECURE),
    "a script": ({"redirect_uri": "javascript:alert(1)"}, "", rules.REDIRECT_SECURE),
    "a user": ({"redirect_uri": "https://a@app.example/cb"}, "", rules.REDIRECT_SECURE),
    "a line break": ({"redirect_uri": "https://app.example/cb\r\nX: y"}, "", rules.REDIRECT_SECURE),
}


@pytest.mark.parametrize(("changes", "extra", "rule"), DISTRUSTED.values(), ids=DISTRUSTED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_cannot_be_trusted_ends_on_a_page_4_1_2_1(world, method, changes, extra, rule):
    url = world.url(extra, **changes)
    response = world.http.request(method, url, data={"decision": "deny"}, allow_redirects=False)
    page = BeautifulSoup(response.text, "html.parser")

    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert rule.text in page.main.text
    assert (world.broken, world.emulator.requests[-1].verdict.partition(":")[0]) == (rule, "invalid_request")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:6543/cb", "http://localhost/cb", "http://[::1]:1/", CALLBACK])
def test_without_registered_redirect_uris_https_and_loopback_will_do(world, uri):
    assert world.browse(redirect_uri=uri).status_code == 200


@pytest.mark.parametrize("uri", [f"{CALLBACK}/", CALLBACK.upper(), f"{CALLBACK}?a=b", "http://127.0.0.1/cb"])
def test_registered_redirect_uris_are_compared_character_by_character(uri):
    world = registered(CALLBACK, "com.example.app:/cb")

    assert world.browse().status_code == world.browse(redirect_uri="com.example.app:/cb").status_code == 200
    assert (world.browse(redirect_uri=uri).status_code, world.broken) == (400, rules.REDIRECT_EXACT)


def test_the_only_registered_redirect_uri_may_be_left_out_3_1_2_3():
    world = registered(CALLBACK)
    code = world.code(redirect_uri=None)

    assert world.exchange(code, redirect_uri=None).status_code == 200
    assert registered(CALLBACK, f"{CALLBACK}/2").browse(redirect_uri=None).status_code == 400


@pytest.mark.parametrize("uri", ["/callback", "", f"{CALLBACK}#x", "https://app.example/a b", "https:"])
def test_a_client_cannot_have_a_redirect_uri_that_is_none(uri):
    with pytest.raises(ValueError, match="is not absolute, or has a fragment"):
        StockClient("x", "y", (uri,))


# Refused by a redirect


WRONG = {
    "no response type": ({"response_type": None}, "", "invalid_request", rules.RESPONSE_TYPE_GIVEN),
    "an empty response type": ({"response_type": ""}, "", "invalid_request", rules.RESPONSE_TYPE_GIVEN),
    "the implicit grant": ({"response_type": "token"}, "", "unsupported_response_type", rules.RESPONSE_TYPE_CODE),
    "a scope twice": ({}, "&scope=x", "invalid_request", rules.AUTHORIZE_ONCE),
    "an unknown one twice": ({}, "&x=1&x=1", "invalid_request", rules.AUTHORIZE_ONCE),
    "two blanks": ({"scope": "profile  email"}, "", "invalid_scope", rules.SCOPE_FORM),
    "a blank at the end": ({"scope": "profile "}, "", "invalid_scope", rules.SCOPE_FORM),
    "a quote": ({"scope": 'pro"file'}, "", "invalid_scope", rules.SCOPE_FORM),
    "a letter beyond ASCII": ({"scope": "profül"}, "", "invalid_scope", rules.SCOPE_FORM),
    "no challenge": ({"code_challenge": None}, "", "invalid_request", rules.PKCE_GIVEN),
    "plain": ({"code_challenge_method": "plain"}, "", "invalid_request", rules.PKCE_S256),
    "no method": ({"code_challenge_method": None}, "", "invalid_request", rules.PKCE_S256),
    "a short challenge": ({"code_challenge": "x" * 42}, "", "invalid_request", rules.CHALLENGE_FORM),
    "a long challenge": ({"code_challenge": "x" * 129}, "", "invalid_request", rules.CHALLENGE_FORM),
    "an odd challenge": ({"code_challenge": "ü" * 43}, "", "invalid_request", rules.CHALLENGE_FORM),
}


@pytest.mark.parametrize(("changes", "extra", "error", "rule"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_errors_are_told_to_the_client(world, method, changes, extra, error, rule):
    url = world.url(extra, **changes)
    response = world.http.request(method, url, data={"decision": "allow", "user": "0"}, allow_redirects=False)
    query = query_of(response.headers["Location"])

    assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, CALLBACK)
    assert (sorted(query), query["state"]) == (["error", "error_description", "state"], "xyz")
    assert (query["error"], world.broken) == (error, rule)


def test_a_state_that_is_there_twice_is_not_repeated(world):
    query = query_of(world.browse("&state=abc").headers["Location"])

    assert (query["error"], "state" in query, world.broken) == ("invalid_request", False, rules.AUTHORIZE_ONCE)


def test_a_client_with_scopes_of_its_own_may_ask_for_no_others():
    world = registered(scopes=("profile",))

    assert world.browse(scope="profile").status_code == 200
    assert query_of(world.browse(scope="profile admin").headers["Location"])["error"] == "invalid_scope"
    assert world.broken == rules.SCOPE_ALLOWED


def test_no_scope_means_the_usual_ones_3_3(world):
    assert world.exchange(world.code(scope=None)).json()["scope"] == "profile email"


def test_scopes_are_written_as_the_provider_writes_them():
    world = World(provider(scope_separator=","))

    assert world.exchange(world.code(scope="profile,email")).json()["scope"] == "profile,email"
    assert query_of(world.browse(scope="profile email").headers["Location"])["error"] == "invalid_scope"


# Proof Key for Code Exchange, switched


def test_pkce_can_be_optional():
    world = World(switches={"pkce": "optional"})

    assert world.exchange(world.code()).status_code == 200
    without = world.code(code_challenge=None, code_challenge_method=None)
    assert world.exchange(without, code_verifier=None).status_code == 200
    assert query_of(world.browse(code_challenge_method="plain").headers["Location"])["error"] == "invalid_request"


def test_pkce_can_be_ignored():
    world = World(switches={"pkce": "ignored"})
    code = world.code(code_challenge="short", code_challenge_method="plain")

    assert world.exchange(code, code_verifier="x").status_code == 200


def test_a_provider_without_pkce_ignores_it_until_it_is_demanded():
    world = World(provider(code_challenge=None))
    assert world.exchange(world.code(code_challenge=None), code_verifier=None).status_code == 200

    world.emulator.workbench.switches.turn("pkce", "required")
    assert world.exchange(world.code()).status_code == 200
    assert query_of(world.browse(code_challenge=None).headers["Location"])["error"] == "invalid_request"


def test_the_challenge_is_encoded_as_the_provider_encodes_it():
    world = World(provider(code_challenge=pkce.s256_hex))

    assert world.exchange(world.code(code_challenge=pkce.s256_hex(VERIFIER))).status_code == 200
    assert error_of(world.exchange(world.code(code_challenge=CHALLENGE))) == (400, "invalid_grant")
    assert world.broken == rules.VERIFIER_RIGHT


def test_the_longest_challenge_and_odd_characters_are_fine(world):
    assert world.browse(code_challenge="!~" * 64).status_code == 200


def test_a_code_ends_when_the_switch_says():
    world = World(switches={"code_lifetime": 5})
    code = world.code()
    world.clock.now += 5

    assert error_of(world.exchange(code)) == (400, "invalid_grant")


def test_the_authorization_request_may_come_by_get_and_the_form_by_post_only(world):
    response = world.http.put(f"{world.url()}&{urlencode({'a': 'b'})}")

    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
