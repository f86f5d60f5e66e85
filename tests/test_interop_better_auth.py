"""better-auth, unmodified, signs in at the emulator and refreshes, and fails where it breaks a rule of TikTok's."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from interop_world import ADA, BASIC, PROFILE, World, named_rule, unsigned, world_of

pytestmark = pytest.mark.interop

SESSION = "/api/auth/get-session"


def begin(world: World) -> requests.Response:
    """Begin a login as the app's own page would, and return TikTok's page."""
    begun = world.post("/api/auth/sign-in/social", json={"provider": "tiktok", "callbackURL": SESSION})
    return world.browser.send("GET", begun.json()["url"])


def account_of(world: World) -> dict[str, Any]:
    """Return the one account that is linked to whoever is signed in."""
    (account,) = world.get("/api/auth/list-accounts").json()
    return dict(account)


def test_better_auth_signs_a_user_in() -> None:
    with world_of("better-auth", scopes=[BASIC]) as world:
        me = world.consent(begin(world), BASIC, PROFILE).json()
        account = account_of(world)
        asked, token, userinfo = (world.sent(endpoint)[0] for endpoint in ("authorize", "token", "userinfo"))

    assert me["user"]["name"] == ADA.display_name
    assert unsigned(me["user"]["image"]) == unsigned(ADA.avatar_large_url)
    assert (account["providerId"], account["accountId"]) == ("tiktok", ADA.open_id)
    assert (asked.path, dict(asked.query)) == (
        "/v2/auth/authorize",
        {
            "client_key": "awinterop0001",
            "redirect_uri": f"{world.app}/api/auth/callback/tiktok",
            "response_type": "code",
            "scope": f"{PROFILE},{BASIC}",
            "state": asked.query["state"],
        },
    )
    assert dict(token.form) == {
        "client_key": "awinterop0001",
        "client_secret": "secret-of-the-app",
        "code": token.form["code"],
        "code_verifier": token.form["code_verifier"],  # of a challenge that it never sent
        "grant_type": "authorization_code",
        "redirect_uri": f"{world.app}/api/auth/callback/tiktok",
    }
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert userinfo.query["fields"] == "open_id,avatar_large_url,display_name,username"


def test_better_auth_refreshes_with_the_newest_refresh_token_each_time() -> None:
    with world_of("better-auth", scopes=[BASIC]) as world:
        world.consent(begin(world), BASIC, PROFILE)
        chosen = {"accountId": account_of(world)["id"]}
        first, second = (world.post("/api/auth/refresh-token", json=chosen).json() for _ in range(2))
        sent = [recorded.form for recorded in world.sent("token")[1:]]

    assert dict(sent[0]) == {
        "client_key": "awinterop0001",
        "client_secret": "secret-of-the-app",
        "grant_type": "refresh_token",
        "refresh_token": sent[0]["refresh_token"],
    }
    assert sent[1]["refresh_token"] == first["refreshToken"]
    assert len({sent[0]["refresh_token"], first["refreshToken"], second["refreshToken"]}) == 3
    assert second["accessToken"].startswith("act.")


def test_better_auth_fails_with_its_default_scope_because_it_asks_for_fields_of_another() -> None:
    with world_of("better-auth", scopes=[]) as world:
        page = world.consent(begin(world), PROFILE)
        me = world.get(SESSION).json()
        refused = world.sent("userinfo")[0]

    assert page.url == f"{world.app}/api/auth/error?error=unable_to_get_user_info"
    assert me is None
    assert refused.status == 401
    assert named_rule(refused) == "T12"


@pytest.mark.parametrize("platform", ["desktop", "web-strict"])
def test_better_auth_never_comes_back_from_an_app_that_demands_pkce(platform: str) -> None:
    with world_of("better-auth", scopes=[BASIC], platform=platform) as world:
        page = begin(world)
        refused = world.sent("authorize")[0]

    assert "error=param_error&error_type=code_challenge&errCode=10007" in page.url
    assert named_rule(refused) == "T4"
