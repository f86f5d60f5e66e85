"""An issuer's metadata: its own, complete, and nothing without TLS; rows MIX-06 and MIX-07."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from openid_world import ISSUER

from authkit.errors import ProviderProtocolError
from authkit.oidc.metadata import Metadata, metadata_url, read_metadata

DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "id_token_signing_alg_values_supported": ["RS256"],
}


def refused(**changed: object) -> str:
    with pytest.raises(ProviderProtocolError) as caught:
        read_metadata({**DOCUMENT, **changed}, ISSUER)
    return caught.value.reason


def test_the_least_that_an_issuer_says() -> None:
    assert read_metadata(DOCUMENT, ISSUER) == Metadata(
        issuer=ISSUER,
        authorize_url=f"{ISSUER}/authorize",
        token_url=f"{ISSUER}/token",
        keys_url=f"{ISSUER}/jwks",
        userinfo_url="",
        revoke_url="",
        push_url="",
        logout_url="",
        algorithms=("RS256",),
        auth_methods=("client_secret_basic",),
        assertion_algorithms=(),
        sends_issuer=False,
    )


def test_what_an_issuer_has_said_stays_so() -> None:
    with pytest.raises(FrozenInstanceError):
        read_metadata(DOCUMENT, ISSUER).keys_url = "https://evil.example/jwks"  # type: ignore[misc]


def test_all_that_is_used() -> None:
    more = {
        "userinfo_endpoint": "https://api.example/userinfo",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "pushed_authorization_request_endpoint": f"{ISSUER}/par",
        "end_session_endpoint": f"{ISSUER}/logout",
        "id_token_signing_alg_values_supported": ["none", "HS256", "ES256", "RS256", 1],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", None],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": True,
        "something_else": {"that": ["is not used"]},
    }

    found = read_metadata({**DOCUMENT, **more}, ISSUER)

    assert (found.userinfo_url, found.revoke_url) == ("https://api.example/userinfo", f"{ISSUER}/revoke")
    assert (found.push_url, found.logout_url) == (f"{ISSUER}/par", f"{ISSUER}/logout")
    assert (found.algorithms, found.auth_methods) == (("RS256", "ES256"), ("private_key_jwt",))
    assert (found.assertion_algorithms, found.sends_issuer) == (("ES256",), True)


@pytest.mark.parametrize("issuer", [None, "", "https://evil.example", f"{ISSUER}/", ISSUER.upper(), [ISSUER], 1])
def test_mix_06_the_metadata_of_another_issuer_are_not_used(issuer: object) -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        read_metadata({**DOCUMENT, "issuer": issuer}, ISSUER)
    assert caught.value.reason == f"the metadata of {ISSUER} name another issuer; write it exactly as they do"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [None, ""])
def test_an_endpoint_that_is_needed_is_missing(name: str, value: object) -> None:
    assert refused(**{name: value}) == f"the metadata of {ISSUER} lack {name}"


ENDPOINTS = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "end_session_endpoint",
]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://idp.example/x", "is http; write https, which may be missing on a loopback host only"),
        ("http://127.0.0.1:9000/x", "is without TLS"),
        ("file:///etc/passwd", "is no absolute URL; write it as https://host/path"),
        ("javascript:alert(1)", "is no absolute URL; write it as https://host/path"),
        ("https://idp.example\\@evil.example/", "has a blank, a backslash, or a character that no URL has"),
        ("https://user@idp.example/x", "has a user, a fragment or a port that it must not have"),
        ("/token", "is no absolute URL; write it as https://host/path"),
        (["https://idp.example/x"], "is no text"),
        (1, "is no text"),
    ],
)
def test_mix_07_an_endpoint_is_https(name: str, url: object, problem: str) -> None:
    assert refused(**{name: url}) == f"in the metadata of {ISSUER}, {name} {problem}"


def test_an_issuer_on_this_machine_may_be_without_tls() -> None:
    issuer = "http://127.0.0.1:9000"
    document = {**DOCUMENT, "issuer": issuer, "token_endpoint": f"{issuer}/token"}

    assert read_metadata(document, issuer).token_url == f"{issuer}/token"


SAFE = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512"]


def test_every_algorithm_that_is_safe_may_sign() -> None:
    document = {**DOCUMENT, "id_token_signing_alg_values_supported": ["none", "HS256", "ES256K", *sorted(SAFE)]}

    assert read_metadata(document, ISSUER).algorithms == tuple(SAFE)


@pytest.mark.parametrize("announced", [["none"], ["HS256", "none"], ["ES256K"], []])
def test_an_issuer_that_signs_with_nothing_safe_is_refused(announced: list[str]) -> None:
    assert refused(id_token_signing_alg_values_supported=announced) == (
        f"{ISSUER} signs ID tokens with nothing that is safe to accept"
    )


@pytest.mark.parametrize("announced", [None, "ES256", 1])
def test_an_issuer_that_does_not_say_signs_with_the_usual(announced: object) -> None:
    document = {**DOCUMENT, "id_token_signing_alg_values_supported": announced}

    assert read_metadata(document, ISSUER).algorithms == ("RS256",)


def test_what_is_no_text_in_a_list_is_left_out() -> None:
    document = {**DOCUMENT, "token_endpoint_auth_methods_supported": [1, "client_secret_post", None, ["none"]]}

    assert read_metadata(document, ISSUER).auth_methods == ("client_secret_post",)


@pytest.mark.parametrize("value", [None, False, "true", 1])
def test_iss_is_announced_by_a_plain_true(value: object) -> None:
    document = {**DOCUMENT, "authorization_response_iss_parameter_supported": value}

    assert not read_metadata(document, ISSUER).sends_issuer


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://idp.example", "https://idp.example/.well-known/openid-configuration"),
        ("https://idp.example/", "https://idp.example/.well-known/openid-configuration"),
        ("https://idp.example/one", "https://idp.example/one/.well-known/openid-configuration"),
    ],
)
def test_the_metadata_are_below_the_issuer(issuer: str, url: str) -> None:
    assert metadata_url(issuer) == url
