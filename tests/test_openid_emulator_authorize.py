"""The authorization endpoint of the OpenID Connect emulator, and requests that were pushed to it (RFC 9126)."""

from __future__ import annotations

import pytest
from idp_world import CLIENT_ID, IDP, NONCE, OTHER, World, basic, claims_of
from stock_world import CALLBACK, error_of, query_of

from authkit.emulator import OpenIDClient
from authkit.emulator.openid import rules
from authkit.emulator.stock import rules as stock_rules


@pytest.fixture
def world():
    return World()


# What is asked for


def test_the_consent_page_offers_people_and_every_scope_but_openid(world) -> None:
    page = world.browse().text

    assert [name in page for name in ("Ada Example", "Ben Example", "@zoe")] == [True] * 3
    assert ['value="profile"' in page, 'value="email"' in page, 'value="openid"' in page] == [True, True, False]


def test_openid_is_granted_even_if_nothing_is_ticked(world) -> None:
    tokens = world.tokens(scopes=[])

    assert tokens["scope"] == "openid"
    assert world.userinfo(tokens) == {"sub": "1000001"}


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account", "login consent"])
def test_a_prompt_shows_the_page_as_ever(world, prompt) -> None:
    assert world.browse(prompt=prompt).status_code == 200
    assert sorted(world.callback(prompt=prompt)) == ["code", "iss", "state"]


def test_without_a_page_nobody_is_signed_in(world) -> None:
    assert query_of(world.browse(prompt="none").headers["Location"]) == {
        "error": "login_required",
        "error_description": "Nobody is signed in.",
        "state": "xyz",
        "iss": IDP,
    }
    assert world.broken == rules.PROMPT_NONE


REFUSED = {
    "another prompt": ({"prompt": "signup"}, "invalid_request", rules.PROMPT_KNOWN),
    "none and another": ({"prompt": "none login"}, "invalid_request", rules.PROMPT_KNOWN),
    "an age that is no number": ({"max_age": "old"}, "invalid_request", rules.MAX_AGE_NUMBER),
    "a negative age": ({"max_age": "-1"}, "invalid_request", rules.MAX_AGE_NUMBER),
    "an age in other digits": ({"max_age": "\uff16\uff10"}, "invalid_request", rules.MAX_AGE_NUMBER),
    "a request object": ({"request": "e30.e30."}, "request_not_supported", rules.NO_REQUEST_OBJECT),
    "another response mode": ({"response_mode": "form_post"}, "invalid_request", rules.RESPONSE_MODE),
    "another response type": ({"response_type": "id_token"}, "unsupported_response_type", None),
}


@pytest.mark.parametrize(("changes", "error", "rule"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_told_through_the_browser(world, changes, error, rule) -> None:
    assert world.refusal(**changes) == error
    assert world.broken == (rule or stock_rules.RESPONSE_TYPE_CODE)


def test_what_is_usual_may_be_said(world) -> None:
    callback = world.callback(max_age="60", response_mode="query", ui_locales="de", login_hint="ada")

    assert "auth_time" in claims_of(world.exchange(callback["code"]).json())


def test_who_denies_is_told_with_the_issuer(world) -> None:
    denied = query_of(world.emulator.deny(world.url()))

    assert (denied["error"], denied["state"], denied["iss"]) == ("access_denied", "xyz", IDP)


def test_the_issuer_is_named_unless_the_switch_is_off() -> None:
    world = World(switches={"iss": False})

    assert sorted(world.callback()) == ["code", "state"]
    assert world.metadata()["authorization_response_iss_parameter_supported"] is False


def test_pkce_may_be_ignored_and_is_not_announced_then() -> None:
    world = World(switches={"pkce": "ignored"})

    assert "code_challenge_methods_supported" not in world.metadata()
    assert "id_token" in world.exchange(world.callback(code_challenge=None)["code"], code_verifier=None).json()


# Pushed requests


def test_a_pushed_request_is_kept_and_named(world) -> None:
    response = world.push()

    assert response.status_code == 201
    assert response.headers["Pragma"] == "no-cache"
    assert sorted(response.json()) == ["expires_in", "request_uri"]
    assert response.json()["expires_in"] == 90
    assert response.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:request-0001-")


def test_a_login_goes_on_from_what_was_pushed(world) -> None:
    url = world.pushed_url(world.push(scope="openid phone").json()["request_uri"], state="other", scope="email")
    callback = query_of(world.emulator.approve(url, user="ben"))
    tokens = world.exchange(callback["code"]).json()

    assert (callback["state"], callback["iss"]) == ("xyz", IDP)
    assert (tokens["scope"], world.verified(tokens)["nonce"]) == ("openid phone", NONCE)
    assert world.userinfo(tokens)["phone_number"] == "+1 555 0100 002"


def test_a_pushed_request_shows_its_page_more_than_once_and_is_decided_once(world) -> None:
    url = world.pushed_url(world.push().json()["request_uri"])
    shown = [world.http.get(url).status_code for _ in range(2)]
    world.emulator.approve(url)

    assert shown == [200, 200]
    with pytest.raises(ValueError, match=r"error page: invalid_request_uri: The request_uri is unknown, or was used"):
        world.emulator.approve(url)
    assert world.broken == rules.PAR_ONCE


def test_a_pushed_request_is_denied_like_any_other(world) -> None:
    url = world.pushed_url(world.push().json()["request_uri"])

    assert query_of(world.emulator.deny(url))["error"] == "access_denied"


def test_a_pushed_request_waits_for_90_seconds(world) -> None:
    url, late = (world.pushed_url(world.push().json()["request_uri"]) for _ in range(2))
    world.clock.now += 89
    assert world.emulator.approve(url)
    world.clock.now += 1

    with pytest.raises(ValueError, match="invalid_request_uri"):
        world.emulator.approve(late)


def test_a_pushed_request_is_the_client_s_that_pushed_it(world) -> None:
    request_uri = world.push().json()["request_uri"]

    for url in (world.pushed_url(request_uri, OTHER.client_id), f"{IDP}/authorize?request_uri={request_uri}"):
        assert world.http.get(url).status_code == 400
        assert world.broken == rules.PAR_ONCE
    assert world.emulator.approve(world.pushed_url(request_uri))


PUSHED_WRONG = {
    "a request_uri": ({"request_uri": "urn:x"}, (400, "invalid_request"), rules.PAR_NO_URI),
    "no client": ({"client_secret": None}, (401, "invalid_client"), rules.METHOD_ANNOUNCED),
    "a wrong secret": ({"client_secret": "x"}, (401, "invalid_client"), stock_rules.CLIENT_AUTHENTICATED),
    "a bad redirect URI": (
        {"redirect_uri": "http://a.example"},
        (400, "invalid_request"),
        stock_rules.REDIRECT_SECURE,
    ),
    "no challenge": ({"code_challenge": None}, (400, "invalid_request"), stock_rules.PKCE_GIVEN),
    "a bad prompt": ({"prompt": "x"}, (400, "invalid_request"), rules.PROMPT_KNOWN),
    "a bad scope": ({"scope": '"'}, (400, "invalid_scope"), stock_rules.SCOPE_FORM),
}


@pytest.mark.parametrize(("changes", "error", "rule"), PUSHED_WRONG.values(), ids=PUSHED_WRONG)
def test_what_is_wrong_is_refused_when_it_is_pushed(world, changes, error, rule) -> None:
    assert error_of(world.push(**changes)) == error
    assert world.broken == rule


def test_a_request_is_pushed_as_a_form_by_post(world) -> None:
    assert world.http.get(f"{IDP}/par").headers["Allow"] == "POST"
    assert world.broken == rules.PAR_BY_POST
    world.http.post(f"{IDP}/par", json={})
    assert world.broken == rules.PAR_BY_FORM
    world.http.post(f"{IDP}/par", data=[("a", "1"), ("a", "2")])
    assert world.broken == rules.PAR_SINGLE


def test_a_pushed_request_keeps_no_credentials(world) -> None:
    pushed = world.post("/par", {**world.asked(), "client_id": None}, headers=basic()).json()
    code = query_of(world.emulator.approve(world.pushed_url(pushed["request_uri"])))["code"]

    assert world.exchange(code).status_code == 200
    assert world.emulator.requests[-2].query == {"client_id": CLIENT_ID, "request_uri": pushed["request_uri"]}


def test_whether_somebody_is_signed_in_is_found_out_by_the_browser(world) -> None:
    pushed = world.push(prompt="none")

    assert pushed.status_code == 201
    shown = world.http.get(world.pushed_url(pushed.json()["request_uri"]), allow_redirects=False)
    assert query_of(shown.headers["Location"])["error"] == "login_required"


def test_pushing_may_be_required() -> None:
    world = World(switches={"par": "required"})

    assert world.metadata()["require_pushed_authorization_requests"] is True
    assert (world.refusal(), world.broken) == ("invalid_request", rules.PAR_REQUIRED)
    assert query_of(world.emulator.approve(world.pushed_url(world.push().json()["request_uri"])))["code"]


def test_pushing_may_be_off() -> None:
    world = World(switches={"par": "off"})

    assert not {name for name in world.metadata() if "pushed" in name}
    assert world.push().status_code == 404
    assert world.http.get(world.pushed_url("urn:x")).status_code == 400
    assert world.broken == rules.PAR_OFFERED
    assert world.callback()["code"]


def test_a_public_client_pushes_too() -> None:
    world = World(clients=[OpenIDClient("public", "", redirect_uris=(CALLBACK,))])
    url = world.pushed_url(world.push(redirect_uri=None).json()["request_uri"])

    assert world.emulator.approve(url).startswith(f"{CALLBACK}?code=")
