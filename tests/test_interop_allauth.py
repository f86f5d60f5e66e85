"""django-allauth, unmodified, signs in at the emulator, and fails where it breaks a rule of TikTok's.

It keeps the refresh token and has no way to use it, so there is no refresh to try.
"""

from __future__ import annotations

import pytest
from interop_world import ADA, BASIC, PROFILE, World, named_rule, world_of

pytestmark = pytest.mark.interop

LOGIN = "/accounts/tiktok/login/"
CALLBACK = "/accounts/tiktok/login/callback/"


def assert_nobody_is_signed_in(world: World) -> None:
    assert world.get("/me").json() == {}


def test_allauth_signs_a_user_in_and_keeps_both_tokens() -> None:
    with world_of("allauth", pkce=False) as world:
        me = world.consent(world.get(LOGIN), BASIC, PROFILE).json()
        asked, token, userinfo = (world.sent(endpoint)[0] for endpoint in ("authorize", "token", "userinfo"))

    assert (me["uid"], me["username"]) == (ADA.open_id, ADA.username)
    assert me["extra_data"]["display_name"] == ADA.display_name
    assert (me["access_token"][:4], me["refresh_token"][:4]) == ("act.", "rft.")
    assert {**asked.query, "scope": set(asked.query["scope"].split(","))} == {
        "client_key": "awinterop0001",
        "redirect_uri": world.app + CALLBACK,
        "response_type": "code",
        "scope": {BASIC, PROFILE},
        "state": asked.query["state"],
    }
    assert dict(token.form) == {
        "client_key": "awinterop0001",
        "client_secret": "secret-of-the-app",
        "code": token.form["code"],
        "grant_type": "authorization_code",
        "redirect_uri": world.app + CALLBACK,
    }
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert userinfo.query["fields"] == "open_id,display_name,avatar_url,username,profile_deep_link"
    assert userinfo.headers["Authorization"] == f"Bearer {me['access_token']}"


def test_allauth_fails_when_the_user_unticks_a_scope_whose_fields_it_asks_for_all_the_same() -> None:
    # It chooses the fields by the scope that it asked for, not by the one that was granted.
    with world_of("allauth", pkce=False) as world:
        page = world.consent(world.get(LOGIN), BASIC)
        assert_nobody_is_signed_in(world)
        refused = world.sent("userinfo")[0]

    assert "Third-Party Login Failure" in page.text
    assert refused.status == 401
    assert named_rule(refused) == "T12"


def test_allauth_with_pkce_signs_in_at_a_web_app_where_tiktok_ignores_it() -> None:
    with world_of("allauth", pkce=True) as world:
        me = world.consent(world.get(LOGIN), BASIC, PROFILE).json()
        challenge = world.sent("authorize")[0].query["code_challenge"]

    assert me["uid"] == ADA.open_id
    assert len(challenge) == 43


def test_allauth_with_pkce_fails_at_a_desktop_app_because_its_challenge_is_not_hexadecimal() -> None:
    with world_of("allauth", platform="desktop", pkce=True) as world:
        page = world.consent(world.get(LOGIN), BASIC, PROFILE)
        assert_nobody_is_signed_in(world)
        refused = world.sent("token")[0]
        later = world.sent("userinfo")

    assert "Third-Party Login Failure" in page.text
    assert later == []
    assert named_rule(refused) == "T4"


def test_allauth_without_pkce_never_comes_back_from_a_desktop_app() -> None:
    with world_of("allauth", platform="desktop", pkce=False) as world:
        page = world.get(LOGIN)
        assert_nobody_is_signed_in(world)
        refused = world.sent("authorize")[0]

    assert "error=param_error&error_type=code_challenge&errCode=10007" in page.url
    assert '<code class="culprit" id="problem-parameter">code_challenge</code>' in page.text
    assert named_rule(refused) == "T4"
