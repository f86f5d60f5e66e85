"""Every module of the OpenID Connect emulator, as it shows on the wire: that one thing is wrong, and nothing else."""

from __future__ import annotations

import base64
import hashlib

import pytest
from idp_world import (
    CLIENT_ID,
    IDP,
    NO_CREDENTIALS,
    NONCE,
    SECRET,
    World,
    basic,
    claims_of,
    header_of,
    is_signed_with,
)
from joserfc.errors import BadSignatureError, InvalidKeyIdError
from joserfc.jwk import RSAKey

from authkit.emulator.openid import MODULES, rules

NOW = 1_800_000_000
RIGHT = {
    "iss": IDP,
    "sub": "1000001",
    "aud": CLIENT_ID,
    "exp": NOW + 3600,
    "iat": NOW,
    "auth_time": NOW,
    "nonce": NONCE,
}


def under(module: str, **switches: object) -> World:
    return World(switches={"module": module, **switches})


def at_hash(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def differences(world: World) -> dict[str, object]:
    """Return which claims of a well-signed ID token are not as they should be; None is for one that is missing."""
    tokens = world.tokens()
    claims = world.verified(tokens)
    right = {**RIGHT, "at_hash": at_hash(tokens["access_token"])}
    return {name: claims.get(name) for name in {*right, *claims} if claims.get(name) != right.get(name)}


def is_otherwise_right(world: World) -> bool:
    """Whether everything but the ID token's signature is as it should be."""
    tokens = world.tokens()
    right = {**RIGHT, "at_hash": at_hash(tokens["access_token"])}
    return claims_of(tokens) == right and world.userinfo(tokens)["sub"] == "1000001"


def test_every_module_has_a_test() -> None:
    tests = {name.removeprefix("test_module_").replace("_", "-") for name in globals() if "test_module_" in name}

    assert tests == set(MODULES)
    assert all(module.name == name and module.help.endswith(".") for name, module in MODULES.items())


def test_a_module_is_a_switch_that_can_be_turned_while_the_server_runs() -> None:
    world = World(switches={"module": "invalid-iss"})
    before = world.verified(world.tokens())["iss"]
    world.emulator.workbench.switches.turn("module", "plain")

    assert (before, world.verified(world.tokens())["iss"]) == ("https://elsewhere.example", IDP)


# The claims of ID tokens


def test_module_plain() -> None:
    assert differences(under("plain")) == {}
    assert under("plain").metadata() == World().metadata()


def test_module_invalid_iss() -> None:
    assert differences(under("invalid-iss")) == {"iss": "https://elsewhere.example"}


def test_module_missing_sub() -> None:
    assert differences(under("missing-sub")) == {"sub": None}


def test_module_invalid_aud() -> None:
    assert differences(under("invalid-aud")) == {"aud": "somebody-else"}


def test_module_missing_aud() -> None:
    assert differences(under("missing-aud")) == {"aud": None}


def test_module_multiple_aud() -> None:
    assert differences(under("multiple-aud")) == {"aud": [CLIENT_ID, "somebody-else"], "azp": CLIENT_ID}


def test_module_azp_invalid() -> None:
    assert differences(under("azp-invalid")) == {"azp": "somebody-else"}


def test_module_missing_iat() -> None:
    assert differences(under("missing-iat")) == {"iat": None}


def test_module_missing_exp() -> None:
    assert differences(under("missing-exp")) == {"exp": None}


def test_module_expired() -> None:
    assert differences(under("expired")) == {"exp": NOW - 3600}


def test_module_max_age_exceeded() -> None:
    assert differences(under("max-age-exceeded")) == {"auth_time": NOW - 86400}


def test_module_nonce_invalid() -> None:
    assert differences(under("nonce-invalid")) == {"nonce": "somebody-else"}


def test_module_nonce_missing() -> None:
    assert differences(under("nonce-missing")) == {"nonce": None}


def test_module_at_hash_invalid() -> None:
    assert differences(under("at-hash-invalid")) == {"at_hash": "A" * 22}


# Keys and signatures


def test_module_kid_absent_single_jwks() -> None:
    world = under("kid-absent-single-jwks")
    world.emulator.rotate_keys()  # even the key before is gone
    tokens = world.tokens()

    assert header_of(tokens) == {"alg": "RS256", "typ": "JWT"}
    assert len(world.jwks()["keys"]) == 1
    assert world.verified(tokens)["sub"] == "1000001"


def test_module_kid_absent_multiple_jwks() -> None:
    world = under("kid-absent-multiple-jwks")
    tokens, keys = world.tokens(), world.jwks()["keys"]

    assert header_of(tokens) == {"alg": "RS256", "typ": "JWT"}
    assert [(key["kty"], key["kid"]) for key in keys] == [("RSA", "RS256-2"), ("RSA", "RS256-1")]
    with pytest.raises(BadSignatureError):
        world.verified(tokens, {"keys": keys[:1]})
    assert world.verified(tokens, {"keys": keys[1:]})["sub"] == "1000001"


def test_module_idtoken_sig_rs256() -> None:
    world = under("idtoken-sig-rs256", alg="ES256")

    assert header_of(world.tokens()) == {"alg": "RS256", "kid": "RS256-1", "typ": "JWT"}
    assert differences(world) == {}
    assert world.metadata()["id_token_signing_alg_values_supported"] == ["RS256"]


def test_module_idtoken_sig_none() -> None:
    world = under("idtoken-sig-none")
    tokens = world.tokens()

    assert header_of(tokens) == {"alg": "none", "typ": "JWT"}
    assert tokens["id_token"].endswith(".")
    assert is_otherwise_right(world)


def test_module_invalid_sig_rs256() -> None:
    world = under("invalid-sig-rs256", alg="ES256")
    tokens = world.tokens()

    assert header_of(tokens) == {"alg": "RS256", "kid": "RS256-1", "typ": "JWT"}
    assert len(tokens["id_token"].rpartition(".")[2]) == 342
    with pytest.raises(BadSignatureError):
        world.verified(tokens)
    assert is_otherwise_right(world)


def test_module_invalid_sig_hs256() -> None:
    world = under("invalid-sig-hs256")
    tokens, key = world.tokens(), RSAKey.import_key(world.jwks()["keys"][0])

    assert header_of(tokens) == {"alg": "HS256", "kid": "RS256-1", "typ": "JWT"}
    assert is_signed_with(key.as_pem(private=False), tokens)
    assert not is_signed_with(SECRET.encode(), tokens)
    assert is_otherwise_right(world)


def test_module_signing_key_rotation_just_before_signing() -> None:
    world = under("signing-key-rotation-just-before-signing")
    before = world.jwks()
    tokens = world.tokens()

    assert [key["kid"] for key in before["keys"]] == ["RS256-1"]
    assert header_of(tokens)["kid"] == "RS256-2"
    assert [key["kid"] for key in world.jwks()["keys"]] == ["RS256-2", "RS256-1"]
    assert world.verified(tokens)["sub"] == "1000001"


def test_module_signing_key_rotation() -> None:
    world = under("signing-key-rotation")
    before = world.jwks()
    first = world.tokens()
    after = world.jwks()
    second = world.tokens()

    assert world.verified(first, before) == world.verified(first, after)
    assert [header_of(tokens)["kid"] for tokens in (first, second)] == ["RS256-1", "RS256-2"]
    assert world.verified(second, after)["sub"] == "1000001"
    with pytest.raises(InvalidKeyIdError):
        world.verified(second, before)


# User info, clients and discovery


def test_module_userinfo_invalid_sub() -> None:
    world = under("userinfo-invalid-sub")
    tokens = world.tokens(scopes=["email"])

    assert world.userinfo(tokens) == {"sub": "somebody-else", "email": "ada@people.example", "email_verified": True}
    assert differences(world) == {}


def test_module_scope_userinfo_claims() -> None:
    world = under("scope-userinfo-claims")

    assert world.userinfo(world.tokens(scope="openid phone")) == {
        "sub": "1000001",
        "phone_number": "+1 555 0100 001",
        "phone_number_verified": True,
    }
    assert differences(world) == {}


def test_module_client_secret_basic() -> None:
    world = under("client-secret-basic", client_auth="client_secret_post")
    code = world.callback()["code"]

    assert world.metadata()["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert (world.exchange(code).status_code, world.broken) == (401, rules.METHOD_ANNOUNCED)
    assert world.exchange(code, client_secret=None).status_code == 401
    assert world.exchange(code, **NO_CREDENTIALS, headers=basic()).json()["scope"] == "openid profile email"


def test_module_discovery_openid_config() -> None:
    world = under("discovery-openid-config")
    endpoints = {name: url for name, url in world.metadata().items() if name.endswith(("_endpoint", "_uri"))}

    assert len(endpoints) == 7
    assert [url for url in endpoints.values() if world.http.get(url).status_code == 404] == []
    assert differences(world) == {}


def test_module_discovery_jwks_uri_keys() -> None:
    world = under("discovery-jwks-uri-keys")

    assert world.metadata()["jwks_uri"] == f"{IDP}/moved/jwks"
    assert world.http.get(f"{IDP}/jwks").status_code == 404
    assert World().http.get(f"{IDP}/moved/jwks").status_code == 404
    assert differences(world) == {}


def test_module_discovery_issuer_mismatch() -> None:
    world = under("discovery-issuer-mismatch")

    assert world.metadata() == {**World().metadata(), "issuer": "https://elsewhere.example"}
    assert differences(world) == {}


# Refreshed ID tokens


def refreshed_differences(world: World) -> dict[str, object]:
    """Return which claims of a refreshed ID token are not those of the first, apart from what has to differ."""
    tokens = world.tokens()
    first, second = world.verified(tokens), world.verified(world.refresh(tokens))
    assert "nonce" not in second
    return {name: second[name] for name in second if name != "at_hash" and second[name] != first[name]}


def test_module_refresh_invalid_issuer() -> None:
    assert refreshed_differences(under("refresh-invalid-issuer")) == {"iss": "https://elsewhere.example"}
    assert differences(under("refresh-invalid-issuer")) == {}


def test_module_refresh_invalid_sub() -> None:
    assert refreshed_differences(under("refresh-invalid-sub")) == {"sub": "somebody-else"}
    assert differences(under("refresh-invalid-sub")) == {}


def test_module_refresh_invalid_aud() -> None:
    assert refreshed_differences(under("refresh-invalid-aud")) == {"aud": "somebody-else"}
    assert differences(under("refresh-invalid-aud")) == {}


# Authorization responses


def test_module_callback_iss_invalid() -> None:
    world = under("callback-iss-invalid", iss=False)

    assert world.metadata()["authorization_response_iss_parameter_supported"] is True
    assert world.callback()["iss"] == "https://elsewhere.example"
    assert world.callback(response_type="token")["iss"] == "https://elsewhere.example"
    assert differences(world) == {}


def test_module_callback_iss_missing() -> None:
    world = under("callback-iss-missing", iss=False)

    assert world.metadata()["authorization_response_iss_parameter_supported"] is True
    assert sorted(world.callback()) == ["code", "state"]
    assert sorted(world.callback(response_type="token")) == ["error", "error_description", "state"]
    assert differences(world) == {}
