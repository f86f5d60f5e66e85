"""The stock emulator's user info and revocation endpoints, held to the RFCs with plain requests."""

from __future__ import annotations

import pytest
from stock_world import USERINFO, World, as_other, error_of, provider

from authkit.emulator.stock import rules


@pytest.fixture
def world():
    return World()


# User info


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_opens_the_data_of_its_user(world, method, scheme):
    token = world.tokens(user="ben")["access_token"]
    response = world.http.request(method, USERINFO, headers={"Authorization": f"{scheme} {token}"})

    assert (response.status_code, response.json()) == (200, world.emulator.users[1].body)
    assert world.broken is None


def test_without_a_token_the_answer_says_how_to_come_back_and_nothing_else_6750_3_1(world):
    response = world.http.get(USERINFO)

    assert (response.status_code, response.content) == (401, b"")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="acme"'
    assert world.broken == rules.BEARER_GIVEN


@pytest.mark.parametrize("token", ["x", "", "x y", "ü", '"'])
def test_a_token_that_is_none_is_invalid_6750_3_1(world, token):
    response = world.http.get(USERINFO, headers={"Authorization": f"Bearer {token}".encode()})

    assert (error_of(response), world.broken) == ((401, "invalid_token"), rules.BEARER_VALID)
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="acme", error="invalid_token", error_description="The token is unknown, or has ended."'
    )


def test_a_refresh_token_is_no_access_token(world):
    assert error_of(world.userinfo(world.tokens()["refresh_token"])) == (401, "invalid_token")


def test_a_token_ends_after_an_hour(world):
    token = world.tokens()["access_token"]
    world.clock.now += 3599
    assert world.userinfo(token).status_code == 200
    world.clock.now += 1

    assert error_of(world.userinfo(token)) == (401, "invalid_token")


def test_a_token_in_the_address_is_refused_9700_4_3_2(world):
    token = world.tokens()["access_token"]
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        response = world.http.get(USERINFO, params={"access_token": token}, headers=headers)

        assert (error_of(response), world.broken) == ((400, "invalid_request"), rules.BEARER_NOT_IN_URL)
        assert 'error="invalid_request"' in response.headers["WWW-Authenticate"]


def test_a_token_in_the_body_or_behind_another_word_is_refused(world):
    token = world.tokens()["access_token"]
    requests = [
        {"data": {"access_token": token}},
        {"data": {"access_token": token}, "headers": {"Authorization": f"Bearer {token}"}},
        {"headers": {"Authorization": f"Token {token}"}},
        {"headers": {"Authorization": token}},
    ]
    for options in requests:
        response = world.http.post(USERINFO, **options)

        assert (error_of(response), world.broken) == ((400, "invalid_request"), rules.BEARER_HEADER)


def test_a_token_without_the_scope_that_a_profile_needs_is_not_enough_6750_3_1():
    world = World(provider(basic_scope=("profile",)))
    assert world.userinfo(world.tokens(scopes=["profile"])["access_token"]).status_code == 200
    response = world.userinfo(world.tokens(scopes=["email"])["access_token"])

    assert (error_of(response), world.broken) == ((403, "insufficient_scope"), rules.BEARER_SCOPE)
    assert response.headers["WWW-Authenticate"].endswith(', scope="profile"')


def test_a_refresh_for_fewer_scopes_gives_a_token_for_fewer():
    world = World(provider(basic_scope=("profile",)))
    tokens = world.refresh(world.tokens()["refresh_token"], scope="email").json()

    assert error_of(world.userinfo(tokens["access_token"])) == (403, "insufficient_scope")


# Revocation


def test_a_revoked_refresh_token_ends_its_access_tokens_7009_2_1(world):
    first, others = world.tokens(), world.tokens()
    second = world.refresh(first["refresh_token"]).json()
    response = world.revoke(second["refresh_token"])

    assert (response.status_code, response.content, world.broken) == (200, b"", None)
    assert error_of(world.refresh(second["refresh_token"])) == (400, "invalid_grant")
    assert world.userinfo(first["access_token"]).status_code == 401
    assert world.userinfo(second["access_token"]).status_code == 401
    assert world.userinfo(others["access_token"]).status_code == 200


def test_a_revoked_access_token_ends_alone(world):
    tokens = world.tokens()

    assert world.revoke(tokens["access_token"]).status_code == 200
    assert world.userinfo(tokens["access_token"]).status_code == 401
    assert world.refresh(tokens["refresh_token"]).status_code == 200


def test_a_revoked_access_token_ends_all_where_the_provider_revokes_with_it():
    world = World(provider(revoke_with="access_token"))
    tokens = world.tokens()
    world.revoke(tokens["access_token"])

    assert error_of(world.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("token", ["x", "access-0001-x"])
def test_an_unknown_token_has_ended_already_7009_2_2(world, token):
    assert (world.revoke(token).status_code, world.broken) == (200, None)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_a_hint_changes_nothing_7009_2_1(world, hint):
    tokens = world.tokens()

    assert world.revoke(tokens["refresh_token"], token_type_hint=hint).status_code == 200
    assert world.userinfo(tokens["access_token"]).status_code == 401


def test_revoking_twice_is_fine(world):
    token = world.tokens()["refresh_token"]

    assert [world.revoke(token).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_client_s_token_stays_7009_2_1(world, kind):
    tokens = world.tokens()

    assert error_of(world.revoke(tokens[kind], **as_other())) == (400, "invalid_grant")
    assert world.broken == rules.REVOKE_OF_CLIENT
    assert world.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("token", [None, ""])
def test_a_revocation_needs_a_token(world, token):
    assert error_of(world.revoke(token)) == (400, "invalid_request")
    assert world.broken == rules.REVOKE_TOKEN_GIVEN
