"""Logout at the OpenID Connect emulator (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import pytest
from idp_world import CLIENT_ID, IDP, SECRET, World

from authkit.emulator import OpenIDClient
from authkit.emulator.openid import rules

BYE = "https://app.example/bye"


@pytest.fixture
def world():
    return World()


def leave(world, method="GET", **sent):
    kind = {"params" if method == "GET" else "data": sent}
    return world.http.request(method, world.at("/end_session"), allow_redirects=False, **kind)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_browser_comes_back_to_the_app_with_its_state(world, method) -> None:
    hint = world.tokens()["id_token"]
    answer = leave(world, method, id_token_hint=hint, post_logout_redirect_uri=BYE, state="s 1")

    assert (answer.status_code, answer.headers["Location"], world.broken) == (302, f"{BYE}?state=s+1", None)


def test_a_state_is_not_needed_and_a_query_stays(world) -> None:
    assert leave(world, client_id=CLIENT_ID, post_logout_redirect_uri=BYE).headers["Location"] == BYE
    answer = leave(world, client_id=CLIENT_ID, post_logout_redirect_uri=f"{BYE}?a=1", state="s")
    assert answer.headers["Location"] == f"{BYE}?a=1&state=s"


@pytest.mark.parametrize("sent", [{}, {"state": "s"}, {"client_id": CLIENT_ID}, {"client_id": "nobody"}])
def test_without_an_address_to_come_back_to_a_page_says_that_it_is_done(world, sent) -> None:
    answer = leave(world, **sent)

    assert (answer.status_code, "You are signed out" in answer.text, world.broken) == (200, True, None)


def test_an_id_token_that_has_ended_or_was_signed_by_an_old_key_is_still_a_hint(world) -> None:
    hint = world.tokens()["id_token"]
    world.clock.now += 10**6
    world.emulator.rotate_keys()
    world.emulator.rotate_keys()

    assert leave(world, id_token_hint=hint, post_logout_redirect_uri=BYE).headers["Location"] == BYE


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_hint_may_be_signed_by_any_of_the_algorithms(alg) -> None:
    world = World(switches={"alg": alg})

    answer = leave(world, id_token_hint=world.tokens()["id_token"], client_id=CLIENT_ID, post_logout_redirect_uri=BYE)
    assert answer.headers["Location"] == BYE


def test_only_what_is_registered_is_gone_to() -> None:
    registered = OpenIDClient(CLIENT_ID, SECRET, post_logout_redirect_uris=(BYE,))
    world = World(clients=[registered])

    assert leave(world, client_id=CLIENT_ID, post_logout_redirect_uri=BYE).headers["Location"] == BYE
    for uri in (f"{BYE}/", f"{BYE}?a=1", "https://evil.example/bye"):
        answer = leave(world, client_id=CLIENT_ID, post_logout_redirect_uri=uri)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
        assert world.broken == rules.LOGOUT_EXACT


def test_where_nothing_is_registered_it_is_https_or_loopback_at_least(world) -> None:
    assert leave(world, client_id=CLIENT_ID, post_logout_redirect_uri="http://127.0.0.1:1/").status_code == 302
    for uri in ("http://app.example/", "javascript:alert(1)", "//evil.example"):
        assert leave(world, client_id=CLIENT_ID, post_logout_redirect_uri=uri).status_code == 400
        assert world.broken == rules.LOGOUT_EXACT


def test_who_is_nobody_is_not_sent_back(world) -> None:
    for sent in ({}, {"client_id": "nobody"}):
        answer = leave(world, **sent, post_logout_redirect_uri=BYE)
        assert (answer.status_code, world.broken) == (400, rules.LOGOUT_CLIENT)
        assert "This logout cannot be trusted" in answer.text


def test_a_hint_has_to_be_an_id_token_of_this_issuer(world) -> None:
    elsewhere = World("https://other.example").tokens()["id_token"]
    right = world.tokens()["id_token"]

    for hint in ("x", "a.b.c", elsewhere, right[:-4] + "AAAA"):
        assert leave(world, id_token_hint=hint, post_logout_redirect_uri=BYE).status_code == 400
        assert world.broken == rules.HINT_VALID


def test_a_hint_has_to_be_the_client_s_own(world) -> None:
    hint = world.tokens()["id_token"]

    assert leave(world, id_token_hint=hint, client_id="other", post_logout_redirect_uri=BYE).status_code == 400
    assert world.broken == rules.HINT_CLIENT


def test_no_parameter_is_there_twice(world) -> None:
    answer = world.http.get(f"{IDP}/end_session?state=a&state=b")

    assert (answer.status_code, world.broken) == (400, rules.LOGOUT_SINGLE)
