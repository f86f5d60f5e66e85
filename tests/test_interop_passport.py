"""passport-tiktok-auth on Express, unmodified, signs in at the emulator, and fails where it breaks TikTok's rules.

Passport cannot refresh; its users take passport-oauth2-refresh for that.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

import pytest
from interop_world import ADA, BASIC, PROFILE, STATS, World, named_rule, world_of

pytestmark = pytest.mark.interop

ALL = (BASIC, PROFILE, STATS)
KEY = {"client_key": "awinterop0001"}


def passport(*, scopes: tuple[str, ...] = ALL, **settings: Any) -> AbstractContextManager[World]:
    """Start an app that asks for `scopes`."""
    return world_of("passport", scopes=scopes, **{"pkce": False, "refresh_parameters": KEY, **settings})


def test_passport_signs_a_user_in_who_grants_every_scope_whose_fields_it_asks_for() -> None:
    with passport() as world:
        me = world.consent(world.get("/auth/tiktok"), *ALL).json()
        asked, token, userinfo = (world.sent(endpoint)[0] for endpoint in ("authorize", "token", "userinfo"))

    assert (me["id"], me["username"], me["displayName"]) == (ADA.open_id, ADA.username, ADA.display_name)
    assert dict(asked.query) == {
        **KEY,
        "client_id": "awinterop0001",
        "disable_auto_auth": "0",
        "redirect_uri": f"{world.app}/auth/tiktok/callback",
        "response_type": "code",
        "scope": ",".join(ALL),
        "state": asked.query["state"],
    }
    assert dict(token.form) == {
        **KEY,
        "client_secret": "secret-of-the-app",
        "code": token.form["code"],
        "grant_type": "authorization_code",
        "redirect_uri": f"{world.app}/auth/tiktok/callback",
    }
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert {"username", "follower_count", "avatar_url_200"} <= set(userinfo.query["fields"].split(","))
    assert userinfo.headers["Authorization"] == f"Bearer {me['accessToken']}"


def test_passport_fails_with_its_default_scope_because_it_asks_for_fields_of_other_scopes() -> None:
    with passport(scopes=(BASIC,)) as world:
        failed = world.consent(world.get("/auth/tiktok"), BASIC).json()
        me = world.get("/me").json()
        refused = world.sent("userinfo")[0]

    assert (failed["message"], failed["cause"]["statusCode"]) == ("failed to fetch user profile", 401)
    assert json.loads(failed["cause"]["data"])["error"]["code"] == "scope_not_authorized"
    assert me is None
    assert named_rule(refused) == "T12"


def test_passport_refreshes_and_gets_a_refresh_token_that_replaces_the_old_one() -> None:
    with passport() as world:
        me = world.consent(world.get("/auth/tiktok"), *ALL).json()
        first, second = world.post("/refresh").json(), world.post("/refresh").json()
        sent = world.sent("token")[1]

    assert dict(sent.form) == {
        **KEY,
        "client_id": "awinterop0001",
        "client_secret": "secret-of-the-app",
        "grant_type": "refresh_token",
        "refresh_token": me["refreshToken"],
    }
    assert first["accessToken"].startswith("act.")
    assert first["refreshToken"] not in {me["refreshToken"], None}
    assert second["results"]["error_description"] == "Refresh token is invalid or expired."


def test_passport_refresh_fails_without_the_client_key_that_only_tiktok_wants() -> None:
    with passport(refresh_parameters={}) as world:
        world.consent(world.get("/auth/tiktok"), *ALL)
        failed = world.post("/refresh").json()
        refused = world.sent("token")[1]

    # Status 200, so passport-oauth2-refresh reports success, without a token.
    assert failed["results"]["error_description"] == "The request parameters are malformed."
    assert "accessToken" not in failed
    assert "client_key" not in refused.form
    assert named_rule(refused) == "T1"


def test_passport_with_pkce_fails_at_a_desktop_app_because_its_challenge_is_not_hexadecimal() -> None:
    with passport(platform="desktop", pkce=True) as world:
        failed = world.consent(world.get("/auth/tiktok"), *ALL).json()
        refused = world.sent("token")[0]
        later = world.sent("userinfo")

    assert failed["message"] == "Failed to obtain access token"
    assert later == []
    assert len(refused.form["code_verifier"]) == 43
    assert named_rule(refused) == "T4"


def test_passport_without_pkce_never_comes_back_from_a_web_app_that_demands_it() -> None:
    with passport(platform="web-strict") as world:
        page = world.get("/auth/tiktok")
        refused = world.sent("authorize")[0]

    assert "error=param_error&error_type=code_challenge&errCode=10007" in page.url
    assert named_rule(refused) == "T4"
