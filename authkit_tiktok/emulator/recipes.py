"""How other libraries are pointed at the emulator."""

from __future__ import annotations

from collections.abc import Mapping

from authkit.emulator import Recipe

__all__ = ["list_recipes"]

ALLAUTH = """\
# settings.py
SOCIALACCOUNT_PROVIDERS = {{"tiktok": {{"APPS": [{{"client_id": "{client_key}", "secret": "{client_secret}"}}]}}}}
# the ready() of one of your apps
from allauth.socialaccount.providers.tiktok.views import TikTokOAuth2Adapter
TikTokOAuth2Adapter.authorize_url = "{authorize_url}"
TikTokOAuth2Adapter.access_token_url = "{token_url}"
TikTokOAuth2Adapter.profile_url = "{userinfo_url}"
"""

PASSPORT = """\
new TikTokStrategy({{
  clientID: "{client_key}",
  clientSecret: "{client_secret}",
  authorizationURL: "{authorize_url}",
  tokenURL: "{token_url}",
  profileURL: "{userinfo_url}",
  callbackURL: …, state: true, scope: […],
}}, verify)
"""

AUTHJS = """\
TikTok({{
  clientId: "{client_key}",
  clientSecret: "{client_secret}",
  authorization: {{ url: "{authorize_url}", params: {{ client_key: "{client_key}", scope: "user.info.basic" }} }},
  token: "{token_url}",
  userinfo: "{userinfo_url}?fields=open_id,avatar_url,display_name",
}})
"""


def list_recipes(settings: Mapping[str, str]) -> tuple[Recipe, ...]:
    """Return a recipe a library.

    Args:
        settings: the emulator's settings, as `TikTokEmulator.settings` gives them.
    """
    known = {
        "django-allauth (Python)": ALLAUTH,
        "passport-tiktok-auth (Node)": PASSPORT,
        "Auth.js (Node)": AUTHJS,
    }
    return tuple(Recipe(title, text.format_map(settings)) for title, text in known.items())
