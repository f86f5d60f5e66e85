"""The modules of the OpenID Foundation's conformance plans for relying parties, each by its name.

The emulator plays the module, and the relying party goes on or stops where the plan says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from openid_world import ISSUER, World, idp, query_of

from authkit.emulator.openid.modules import MODULES
from authkit.errors import AuthkitError, IssuerMismatch, ProviderProtocolError, ReauthRequired


@dataclass(frozen=True)
class Stop:
    """Where the relying party has to stop, and why."""

    error: type[AuthkitError]
    reason: str


def protocol(reason: str) -> Stop:
    return Stop(ProviderProtocolError, reason)


NOT_SIGNED = "the ID token is not signed by a key of the issuer's that its header names"
NOT_SO = "the ID token is not signed, or not as the issuer announced"
ISS = "the callback's iss is missing, unexpected, or another server's"

LOGIN_STOPS: Mapping[str, Stop] = {
    "invalid-iss": protocol("the ID token is another issuer's"),
    "missing-sub": protocol("the ID token has no sub"),
    "invalid-aud": protocol("the ID token is for another client"),
    "missing-aud": protocol("the ID token is for another client"),
    "multiple-aud": protocol("the ID token is also for somebody whom we do not trust"),
    "azp-invalid": protocol("the ID token was issued to another client: its azp"),
    "missing-iat": protocol("the ID token's iat is missing, or no number"),
    "missing-exp": protocol("the ID token's exp is missing, or no number"),
    "expired": protocol("the ID token has expired, or a clock is wrong"),
    "nonce-invalid": protocol("the ID token's nonce is missing, or another login's"),
    "nonce-missing": protocol("the ID token's nonce is missing, or another login's"),
    "at-hash-invalid": protocol("the ID token's at_hash is not that of the access token"),
    "kid-absent-multiple-jwks": protocol(NOT_SIGNED),
    "idtoken-sig-none": protocol(NOT_SO),
    "invalid-sig-rs256": protocol(NOT_SIGNED),
    "invalid-sig-hs256": protocol(NOT_SO),
    "userinfo-invalid-sub": protocol(
        "the profile: the user info has no sub, or that of another user than the ID token"
    ),
    "discovery-issuer-mismatch": protocol(
        f"the metadata of {ISSUER} name another issuer; write it exactly as they do"
    ),
    "callback-iss-invalid": Stop(IssuerMismatch, ISS),
    "callback-iss-missing": Stop(IssuerMismatch, ISS),
}

REFRESH_STOPS: Mapping[str, Stop] = {
    "refresh-invalid-issuer": Stop(ReauthRequired, "the ID token that came with the refresh is another issuer's"),
    "refresh-invalid-sub": Stop(ReauthRequired, "the ID token that came with the refresh is another user's"),
}

APART = {"max-age-exceeded", "refresh-invalid-aud"}
"""What has a test of its own: only who asked for something notices it, or the rest of the answer is of use."""


def test_every_module_that_a_relying_party_has_to_notice_is_here() -> None:
    to_notice = {name for name, module in MODULES.items() if not module.is_sound}

    assert to_notice == {*LOGIN_STOPS, *REFRESH_STOPS, *APART}


@pytest.mark.parametrize("module", sorted(name for name, module in MODULES.items() if module.is_sound))
def test_a_login_goes_through(module: str) -> None:
    world = World(switches={"module": module})

    login = world.sign_in()

    assert login.identity.key == "v1:https%3A%2F%2Fidp.example:emulated-client:1000001"
    assert login.profile.email == "ada@people.example"
    assert world.kit.refresh("idp", login.token).subject == "1000001"


@pytest.mark.parametrize("module", sorted(LOGIN_STOPS))
def test_a_login_is_refused(module: str) -> None:
    world, stop = World(switches={"module": module}), LOGIN_STOPS[module]

    with pytest.raises(stop.error) as caught:
        world.sign_in()

    assert caught.value.reason == stop.reason
    world.turn("module", "plain")
    world.clock.now += 3600
    assert world.sign_in().profile.subject == "1000001"


@pytest.mark.parametrize("module", sorted(REFRESH_STOPS))
def test_a_refresh_is_refused(module: str) -> None:
    world, stop = World(switches={"module": module}), REFRESH_STOPS[module]
    login = world.sign_in()

    with pytest.raises(stop.error) as caught:
        world.kit.refresh("idp", login.token)

    assert caught.value.reason == stop.reason


def test_refresh_invalid_aud() -> None:
    world = World(switches={"module": "refresh-invalid-aud"})
    login = world.sign_in()

    fresh = world.kit.refresh("idp", login.token)

    assert fresh.access_token != login.token.access_token
    assert fresh.id_token == login.token.id_token


def test_max_age_exceeded() -> None:
    world = World(replace(idp, max_age=3600), switches={"module": "max-age-exceeded", "par": "off"})

    url = world.start()

    assert query_of(url)["max_age"] == "3600"
    with pytest.raises(ProviderProtocolError, match="longer ago than max_age allows"):
        world.back(world.emulator.approve(url))
    world.turn("module", "plain")
    assert world.sign_in().profile.subject == "1000001"


def test_signing_key_rotation_just_before_signing() -> None:
    world = World(switches={"module": "signing-key-rotation-just-before-signing"})
    first = world.sign_in()

    second = world.sign_in()

    assert second.identity == first.identity
    assert len(world.sent("jwks")) == 2


def test_keys_are_asked_for_once_in_ten_seconds_at_most_however_many_tokens_name_unknown_ones() -> None:
    world = World(switches={"module": "invalid-sig-rs256"})

    for _ in range(5):
        with pytest.raises(ProviderProtocolError):
            world.sign_in()

    assert len(world.sent("jwks")) == 2
    world.clock.now += 10
    with pytest.raises(ProviderProtocolError):
        world.sign_in()
    assert len(world.sent("jwks")) == 3


def test_scope_userinfo_claims() -> None:
    world = World(switches={"module": "scope-userinfo-claims"})

    login = world.sign_in()

    [asked] = world.sent("userinfo")
    assert asked.headers["Authorization"].startswith("Bearer ")
    assert login.profile.email == "ada@people.example"


def test_client_secret_basic() -> None:
    world = World(switches={"module": "client-secret-basic"})

    world.sign_in()

    [sent] = world.sent("token")
    assert sent.headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in sent.form
