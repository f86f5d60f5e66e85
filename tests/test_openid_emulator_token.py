"""The token endpoint of the OpenID Connect emulator: ID tokens, refreshes, and clients that prove who they are."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from idp_world import CLIENT_ID, IDP, NO_CREDENTIALS, NONCE, World, basic, header_of
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from stock_world import error_of

from authkit.emulator import OpenIDClient
from authkit.emulator.openid import rules
from authkit.emulator.stock import rules as stock_rules

NOW = 1_800_000_000


# ID tokens


def test_a_code_becomes_an_id_token_too() -> None:
    world = World()
    tokens = world.tokens(user="zoe")
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()

    assert list(tokens) == ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"]
    assert header_of(tokens) == {"typ": "JWT", "alg": "RS256", "kid": "RS256-1"}
    assert world.verified(tokens) == {
        "iss": IDP,
        "sub": "1000003",
        "aud": CLIENT_ID,
        "exp": NOW + 3600,
        "iat": NOW,
        "auth_time": NOW,
        "at_hash": base64.urlsafe_b64encode(digest[:16]).decode().rstrip("="),
        "nonce": NONCE,
    }
    assert world.broken is None


def test_without_a_nonce_in_the_request_the_id_token_has_none() -> None:
    world = World()

    assert "nonce" not in world.verified(world.tokens(nonce=None))


def test_the_user_signed_in_when_they_allowed_it_and_not_when_the_code_is_exchanged() -> None:
    world = World()
    code = world.callback()["code"]
    world.clock.now += 42.5
    claims = world.verified(world.exchange(code).json())

    assert (claims["auth_time"], claims["iat"], claims["exp"]) == (NOW, NOW + 42, NOW + 3642)


def test_without_openid_it_is_oauth_alone() -> None:
    world = World()
    tokens = world.tokens(scope="profile")
    refused = world.http.get(f"{IDP}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})

    assert (tokens["scope"], "id_token" in tokens) == ("profile", False)
    assert error_of(refused) == (403, "insufficient_scope")


def test_id_tokens_end_when_the_switch_says() -> None:
    world = World(switches={"id_token_lifetime": 60})

    assert world.verified(world.tokens())["exp"] == NOW + 60


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("alg", "kty", "hashed"), [("ES256", "EC", hashlib.sha256), ("EdDSA", "OKP", hashlib.sha512)]
)
def test_another_algorithm_signs_when_the_switch_says(alg, kty, hashed) -> None:
    world = World(switches={"alg": alg})
    tokens = world.tokens()
    digest = hashed(tokens["access_token"].encode()).digest()

    assert header_of(tokens) == {"typ": "JWT", "alg": alg, "kid": f"{alg}-1"}
    assert world.metadata()["id_token_signing_alg_values_supported"] == [alg, "RS256"]
    assert [(key["kty"], key["alg"], "d" in key) for key in world.jwks()["keys"]] == [(kty, alg, False)]
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    assert world.verified(tokens)["at_hash"] == half


# Refreshing


def test_a_refresh_gives_a_new_id_token_without_a_nonce_12_2() -> None:
    world = World()
    tokens = world.tokens()
    world.clock.now += 100
    fresh = world.refresh(tokens)
    first, second = world.verified(tokens), world.verified(fresh)

    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert {name: second[name] for name in second if second[name] != first[name]} == {
        "iat": NOW + 100,
        "exp": NOW + 3700,
        "at_hash": second["at_hash"],
    }
    assert first.keys() - second.keys() == {"nonce"}


def test_a_refresh_may_give_no_id_token() -> None:
    world = World(switches={"refreshed_id_token": False})

    assert "id_token" not in world.refresh(world.tokens())


def test_a_refresh_for_fewer_scopes_still_gives_an_id_token() -> None:
    world = World()
    fresh = world.refresh(world.tokens(), scope="openid email")

    assert world.verified(fresh)["sub"] == "1000001"
    assert world.userinfo(fresh) == {"sub": "1000001", "email": "ada@people.example", "email_verified": True}


def test_without_rotation_the_refresh_token_stays() -> None:
    world = World(switches={"rotation": False})
    tokens = world.tokens()

    assert world.refresh(tokens)["refresh_token"] == tokens["refresh_token"]


def test_codes_and_tokens_end_when_the_switches_say() -> None:
    world = World(switches={"code_lifetime": 10, "access_lifetime": 20, "refresh_lifetime": 30})
    code, tokens = world.callback()["code"], world.tokens()

    world.clock.now += 10
    assert world.exchange(code).json()["error"] == "invalid_grant"
    assert world.userinfo(tokens)["sub"] == "1000001"
    world.clock.now += 10
    assert (tokens["expires_in"], world.userinfo(tokens)["error"]) == (20, "invalid_token")
    world.clock.now += 10
    assert world.refresh(tokens)["error"] == "invalid_grant"


# Secrets


def test_a_client_may_use_basic_or_post_and_not_both() -> None:
    world = World()
    code = world.callback()["code"]

    assert error_of(world.exchange(code, headers=basic())) == (400, "invalid_request")
    assert world.broken == stock_rules.CLIENT_ONE_METHOD
    assert world.exchange(code, **NO_CREDENTIALS, headers=basic()).status_code == 200
    assert world.exchange(world.callback()["code"]).status_code == 200


@pytest.mark.parametrize("credentials", [{"client_secret": "x"}, {"client_id": "nobody"}])
def test_a_wrong_secret_is_refused(credentials) -> None:
    world = World()

    assert error_of(world.exchange(world.callback()["code"], **credentials)) == (401, "invalid_client")
    assert world.broken == stock_rules.CLIENT_AUTHENTICATED


def test_one_way_alone_is_taken_when_the_switch_says() -> None:
    world = World(switches={"client_auth": "client_secret_post"})
    code = world.callback()["code"]
    refused = world.exchange(code, **NO_CREDENTIALS, headers=basic())

    assert error_of(refused) == (401, "invalid_client")
    assert refused.json()["error_description"] == "This server authenticates clients by: client_secret_post."
    assert world.broken == rules.METHOD_ANNOUNCED
    metadata = world.metadata()
    assert metadata["token_endpoint_auth_methods_supported"] == ["client_secret_post"]
    assert "token_endpoint_auth_signing_alg_values_supported" not in metadata
    assert world.exchange(code).status_code == 200


def test_other_authorization_schemes_are_refused() -> None:
    world = World()
    bearer = {"Authorization": "Bearer x"}

    assert error_of(world.exchange("c", **NO_CREDENTIALS, headers=bearer)) == (401, "invalid_client")


# Public clients


def test_a_client_with_a_secret_has_to_use_it() -> None:
    world = World()

    assert error_of(world.exchange(world.callback()["code"], client_secret=None)) == (401, "invalid_client")
    assert world.broken == rules.METHOD_ANNOUNCED
    assert "none" not in world.metadata()["token_endpoint_auth_methods_supported"]


def test_a_client_without_one_has_nothing_to_prove() -> None:
    world = World(clients=[OpenIDClient("public", ""), OpenIDClient("private", "s")])

    assert world.metadata()["token_endpoint_auth_methods_supported"][-1] == "none"
    assert world.verified(world.tokens())["aud"] == "public"
    assert error_of(world.exchange("c", client_id="private", client_secret=None)) == (401, "invalid_client")
    assert world.broken == stock_rules.CLIENT_AUTHENTICATED


def test_everybody_is_public_when_the_switch_says() -> None:
    world = World(switches={"client_auth": "none"})

    assert world.emulator.settings(IDP) == {"issuer": IDP, "client_id": CLIENT_ID}
    assert error_of(world.exchange("c")) == (401, "invalid_client")
    assert world.exchange(world.callback()["code"], client_secret=None).status_code == 200


# Signed assertions (RFC 7523)

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RSA, EC = RSAKey.generate_key(2048, {"kid": "r"}), ECKey.generate_key("P-256", {"kid": "e"})
JWKS = json.dumps(KeySet([RSA, EC]).as_dict(private=False))
OTHERS = json.dumps(KeySet([ECKey.generate_key("P-256")]).as_dict(private=False))
SIGNER = OpenIDClient("signer", "", jwks=JWKS)
PROPER = {"iss": "signer", "sub": "signer", "aud": IDP, "exp": NOW + 60, "iat": NOW, "jti": "1"}


def assertion(key=RSA, alg="RS256", **changes):
    claims = {name: value for name, value in {**PROPER, **changes}.items() if value is not None}
    return jws.serialize_compact({"alg": alg}, json.dumps(claims).encode(), key, algorithms=[alg])


def signed(text):
    return {"client_id": None, "client_secret": None, "client_assertion": text, "client_assertion_type": JWT_BEARER}


@pytest.fixture
def world():
    return World(clients=[SIGNER, OpenIDClient("other", "s", jwks=OTHERS)])


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_a_client_may_sign_who_it_is(world, key, alg) -> None:
    response = world.exchange(world.callback()["code"], **signed(assertion(key, alg)))

    assert (response.status_code, world.broken) == (200, None)
    assert world.verified(response.json())["aud"] == "signer"
    assert alg in world.metadata()["token_endpoint_auth_signing_alg_values_supported"]


@pytest.mark.parametrize("audience", [IDP, f"{IDP}/token", ["https://x.example", f"{IDP}/token"]])
def test_the_audience_is_the_issuer_or_the_endpoint(world, audience) -> None:
    assert world.exchange(world.callback()["code"], **signed(assertion(aud=audience))).status_code == 200


def test_a_request_is_pushed_with_the_address_of_its_endpoint_as_audience(world) -> None:
    for number, audience in enumerate([IDP, f"{IDP}/token", f"{IDP}/par"]):
        pushed = world.push(**signed(assertion(aud=audience, jti=f"{number}")))
        assert pushed.status_code == 201
    assert error_of(world.push(**signed(assertion(aud=f"{IDP}/revoke")))) == (401, "invalid_client")


BROKEN = {
    "another audience": ({"aud": "https://elsewhere.example"}, rules.ASSERTION_AUDIENCE),
    "no audience": ({"aud": None}, rules.ASSERTION_AUDIENCE),
    "an odd audience": ({"aud": [{}, 1]}, rules.ASSERTION_AUDIENCE),
    "another issuer": ({"iss": "other"}, rules.ASSERTION_ISSUER),
    "another subject": ({"sub": "other"}, rules.ASSERTION_ISSUER),
    "another client": ({"iss": "other", "sub": "other"}, rules.ASSERTION_ISSUER),
    "ended": ({"exp": NOW}, rules.ASSERTION_TIME),
    "no end": ({"exp": None}, rules.ASSERTION_TIME),
    "an odd end": ({"exp": "tomorrow"}, rules.ASSERTION_TIME),
    "no id": ({"jti": None}, rules.ASSERTION_ONCE),
    "an empty id": ({"jti": ""}, rules.ASSERTION_ONCE),
    "an odd id": ({"jti": ["1"]}, rules.ASSERTION_ONCE),
}


@pytest.mark.parametrize(("changes", "rule"), BROKEN.values(), ids=BROKEN)
def test_a_signed_assertion_that_is_not_valid_is_refused(world, changes, rule) -> None:
    assert error_of(world.exchange("c", **signed(assertion(**changes)))) == (401, "invalid_client")
    assert world.broken == rule


def test_an_assertion_is_used_once(world) -> None:
    text = assertion(exp=NOW + 7200)
    assert world.exchange("c", **signed(text)).json()["error"] == "invalid_grant"
    world.clock.now += 7199

    assert error_of(world.exchange("c", **signed(text))) == (401, "invalid_client")
    assert world.broken == rules.ASSERTION_ONCE


UNSIGNED = {
    "nothing": None,
    "nonsense": "nonsense",
    "beyond ascii": "ä.ö.ü",
    "no json": jws.serialize_compact({"alg": "RS256"}, b"x", RSA, algorithms=["RS256"]),
    "no object": jws.serialize_compact({"alg": "RS256"}, b"[]", RSA, algorithms=["RS256"]),
    "another key": assertion(RSAKey.generate_key(2048)),
    "an algorithm of no use": assertion(RSA, "RS384"),
    "a shared secret": assertion(OctKey.import_key("x" * 32), "HS256"),
    "changed": assertion()[:-4] + "AAAA",
}


@pytest.mark.parametrize("text", UNSIGNED.values(), ids=UNSIGNED)
def test_what_no_client_has_signed_is_refused(world, text) -> None:
    assert error_of(world.exchange("c", **signed(text))) == (401, "invalid_client")
    assert world.broken == rules.ASSERTION_SIGNED


def test_an_assertion_needs_its_type_and_its_own_client_id(world) -> None:
    for changes, rule in (
        ({"client_assertion_type": None}, rules.ASSERTION_TYPE),
        ({"client_assertion_type": "x"}, rules.ASSERTION_TYPE),
        ({"client_id": "other"}, rules.ASSERTION_ISSUER),
    ):
        assert error_of(world.exchange("c", **{**signed(assertion()), **changes})) == (401, "invalid_client")
        assert world.broken == rule
    assert world.exchange("c", **{**signed(assertion()), "client_id": "signer"}).json()["error"] == "invalid_grant"


def test_clients_may_share_a_key() -> None:
    world = World(clients=[OpenIDClient("another", "s", jwks=JWKS), SIGNER])

    assert world.exchange("c", **signed(assertion())).json()["error"] == "invalid_grant"
    assert error_of(world.exchange("c", **signed(assertion(sub="nobody")))) == (401, "invalid_client")


def test_an_assertion_and_a_secret_are_two_ways(world) -> None:
    form = {**signed(assertion()), "client_secret": "s"}

    assert error_of(world.exchange("c", **form)) == (400, "invalid_request")
    assert world.broken == stock_rules.CLIENT_ONE_METHOD


@pytest.mark.parametrize("jwks", ["x", "[]", "{}", '{"keys": 1}', '{"keys": [{}]}', '{"keys": [{"kty": "RSA"}]}'])
def test_keys_that_are_none_are_refused_at_once(jwks) -> None:
    with pytest.raises(ValueError, match="the jwks of a client is no JSON Web Key set"):
        World(clients=[OpenIDClient("signer", "", jwks=jwks)])
