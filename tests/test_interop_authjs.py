"""Auth.js on Express, unmodified, signs in at the emulator, and fails where it breaks a rule of TikTok's.

It has no refresh of its own.
"""

from __future__ import annotations

import pytest
import requests
from interop_world import ADA, BASIC, World, named_rule, unsigned, world_of

pytestmark = pytest.mark.interop

SESSION = "/auth/session"


def begin(world: World) -> requests.Response:
    """Begin a login as the sign-in page of Auth.js does, and return TikTok's page."""
    form = {"csrfToken": world.get("/auth/csrf").json()["csrfToken"], "callbackUrl": world.app + SESSION}
    return world.post("/auth/signin/tiktok", data=form)


def test_auth_js_signs_a_user_in() -> None:
    with world_of("authjs") as world:
        me = world.consent(begin(world), BASIC).json()
        asked, token, userinfo = (world.sent(endpoint)[0] for endpoint in ("authorize", "token", "userinfo"))

    assert me["user"]["name"] == ADA.display_name
    assert unsigned(me["user"]["image"]) == unsigned(ADA.avatar_url)
    assert me["account"]["providerAccountId"] == ADA.open_id
    assert me["account"]["refresh_token"].startswith("rft.")
    assert dict(asked.query) == {
        "client_id": "awinterop0001",
        "client_key": "awinterop0001",
        "code_challenge": asked.query["code_challenge"],
        "code_challenge_method": "S256",
        "redirect_uri": f"{world.app}/auth/callback/tiktok",
        "response_type": "code",
        "scope": BASIC,
    }
    assert dict(token.form) == {
        "client_id": "awinterop0001",
        "client_key": "awinterop0001",
        "client_secret": "secret-of-the-app",
        "code": token.form["code"],
        "code_verifier": token.form["code_verifier"],
        "grant_type": "authorization_code",
        "redirect_uri": f"{world.app}/auth/callback/tiktok",
    }
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert userinfo.query["fields"] == "open_id,avatar_url,display_name"


@pytest.mark.parametrize("platform", ["desktop", "web-strict"])
def test_auth_js_fails_where_pkce_is_checked_because_its_challenge_is_not_hexadecimal(platform: str) -> None:
    with world_of("authjs", platform=platform) as world:
        page = world.consent(begin(world), BASIC)
        me = world.get(SESSION).json()
        refused = world.sent("token")[0]
        later = world.sent("userinfo")

    assert page.url == f"{world.app}/auth/error?error=Configuration"
    assert (me, later) == (None, [])
    assert named_rule(refused) == "T4"
